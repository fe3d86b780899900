//! Checks: values against schemas, and whole stacks before anything is evaluated.

mod conform;
mod statics;
#[cfg(test)]
mod tests;

pub use conform::conform;
pub use statics::{references, validate};
