//! The engine: reads what there is, compares it with what is wanted, plans, applies. It gets the registry as an argument and
//! names no cloud.

mod adopt;
pub mod apply;
mod checks;
pub mod converge;
pub mod diff;
pub mod drift;
mod ends;
pub mod evaluate;
pub mod event;
mod generate;
pub mod graph;
mod guard;
mod hidden;
mod holds;
mod hush;
mod import;
pub mod instance;
mod moves;
pub mod options;
mod outputs;
pub mod plan;
pub mod planner;
pub mod providers;
pub mod reader;
pub mod recover;
pub mod refresh;
mod rivals;
pub mod same;
pub mod saved;
mod scope;
pub mod standing;
mod step;
pub mod steps;
pub mod tree;
mod turns;
pub mod unmanaged;
pub mod world;

use crate::words::Diagnostic;
use crate::words::failure::{Cause, Failure};

/// A failed call as an error that a user reads.
#[must_use]
pub fn failed(summary: impl Into<String>, failure: &Failure) -> Diagnostic {
    let mut error = Diagnostic::error(summary);
    if !failure.operation.is_empty() {
        let request = if failure.request.is_empty() { String::new() } else { format!(", request {}", failure.request) };
        error = error.fact("operation", format!("{} {}{request}", failure.service, failure.operation));
    }
    let what = if failure.code.is_empty() { failure.message.clone() } else { format!("{}: {}", failure.code, failure.message) };
    error = error.fact(if failure.code.is_empty() { "reason" } else { "code" }, what);
    if !failure.help.is_empty() {
        return error.help(failure.help.clone());
    }
    match failure.cause {
        Cause::Denied if !failure.operation.is_empty() => {
            error.help(format!("give the caller the permission {}:{}", failure.service, failure.operation))
        }
        Cause::Lost => error.help("nothing is known of what it did: run it again, and what it left is found"),
        Cause::Throttled => error.help("too many calls at once: try again later, or with a smaller --parallelism"),
        Cause::Busy => error.help("something else uses it: remove that first, or try again later"),
        _ => error,
    }
}
