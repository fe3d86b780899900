//! EC2 Auto Scaling.

pub mod group;
pub mod group_blocks;
pub mod group_life;
pub mod group_update;
pub mod launch;
pub mod policy;
pub mod policy_metrics;
pub mod requirements;

use crate::words::failure::{Cause, Failure};

/// How many names one call describes.
const PAGE: usize = 50;

/// A failure that says that the group or policy does not exist: Auto Scaling has no code of its own for that.
fn gone(failure: Failure) -> Failure {
    let gone = failure.code == "ValidationError" && failure.message.contains("not found");
    if gone { failure.because(Cause::Gone) } else { failure }
}

/// A text that says something.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// A number for a call.
fn int(n: Option<i64>) -> Option<i32> {
    n.and_then(|n| i32::try_from(n).ok())
}

/// A number of an answer.
fn long(n: Option<i32>) -> Option<i64> {
    n.map(i64::from)
}
