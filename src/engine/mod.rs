//! The engine: reads what there is, compares it with what is wanted, plans, applies. It gets the registry as an argument and
//! names no cloud.

pub mod event;
pub mod plan;
