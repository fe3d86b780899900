//! The engine: reads what there is, compares it with what is wanted, plans, applies. It gets the registry as an argument and
//! names no cloud.

pub mod converge;
pub mod diff;
pub mod event;
pub mod plan;
pub mod reader;
pub mod same;
