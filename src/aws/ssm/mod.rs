//! SSM's parameter store.

pub mod data_parameter;
pub mod parameter;
