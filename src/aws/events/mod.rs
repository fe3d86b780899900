//! EventBridge: rules, and what they set off.

use crate::words::failure::{Failure, Outcome};

pub mod rule;
pub mod target;
mod target_blocks;

/// The bus that every account has, and on which the events of AWS itself come.
const DEFAULT: &str = "default";

/// A bus as it is given; the account's own where none is.
fn bus(given: Option<&str>) -> &str {
    given.filter(|bus| !bus.is_empty()).unwrap_or(DEFAULT)
}

/// What of the entries of a call failed: it answers success all the same.
fn entries<'a>(operation: &str, failed: impl IntoIterator<Item = (Option<&'a str>, Option<&'a str>)>) -> Outcome<()> {
    let Some((code, message)) = failed.into_iter().next() else { return Ok(()) };
    let code = code.unwrap_or_default();
    let cause = crate::aws::error::cause_of(code);
    let failure = Failure::other(message.unwrap_or("no reason given"));
    let failure = cause.map_or(failure.clone(), |cause| failure.because(cause));
    Err(Failure { service: "events", operation: operation.to_owned(), code: code.to_owned(), ..failure })
}
