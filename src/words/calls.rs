//! Counts of the calls that were made: what `--stats` shows.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// Calls by service and operation. Shared by everything that calls.
#[derive(Debug, Default)]
pub struct Calls(Mutex<BTreeMap<(&'static str, String), Count>>);

/// Of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// Requests sent.
    pub sent: u64,
    /// Of them, told to slow down.
    pub throttled: u64,
}

impl Calls {
    /// One more request.
    pub fn sent(&self, service: &'static str, operation: &str) {
        self.with(service, operation, |count| count.sent += 1);
    }

    /// One was told to slow down.
    pub fn throttled(&self, service: &'static str, operation: &str) {
        self.with(service, operation, |count| count.throttled += 1);
    }

    fn with(&self, service: &'static str, operation: &str, change: impl FnOnce(&mut Count)) {
        change(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry((service, operation.to_owned())).or_default());
    }

    /// All counts, by service and operation.
    #[must_use]
    pub fn counts(&self) -> BTreeMap<(&'static str, String), Count> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests were sent in all.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts().values().map(|count| count.sent).sum()
    }
}
