//! ECR.

pub mod data_repository;
pub mod lifecycle_policy;
pub mod repository;
