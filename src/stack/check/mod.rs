//! Checks: values against schemas, and whole stacks before anything is evaluated.

mod conform;
mod statics;

pub use conform::conform;
pub use statics::validate;
