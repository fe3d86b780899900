//! Data Lifecycle Manager.

pub mod lifecycle_policy;
mod policy_details;
