//! What happens while the engine works. It tells; terminal, JSON lines, a bot and webhooks listen.

use std::time::Duration;

use crate::words::failure::Failure;
use crate::words::{Address, Diagnostic};

/// What is being done to an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// A data source is read.
    Read,
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is destroyed.
    Delete,
    /// It is taken into the state.
    Import,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// Reading begins: so many resources.
    Refreshing {
        /// How many.
        resources: usize,
    },
    /// Reading has ended.
    Refreshed {
        /// How many were read.
        resources: usize,
        /// How long it took.
        took: Duration,
    },
    /// An apply begins: so many steps.
    Applying {
        /// How many.
        steps: usize,
    },
    /// A step waits for others.
    Waits {
        /// Which instance.
        address: Address,
        /// For which.
        on: Vec<Address>,
    },
    /// A step begins.
    Started {
        /// Which instance.
        address: Address,
        /// What is done.
        verb: Verb,
        /// Its id, where it has one.
        id: Option<String>,
    },
    /// The cloud is not done with it yet.
    Pending {
        /// Which instance.
        address: Address,
        /// What is done.
        verb: Verb,
        /// The cloud's word for what goes on.
        status: String,
        /// How long since the step began.
        since: Duration,
    },
    /// A call failed and will be made again.
    Retrying {
        /// Which instance.
        address: Address,
        /// What went wrong.
        failure: Failure,
        /// In how long.
        after: Duration,
    },
    /// A step is done.
    Done {
        /// Which instance.
        address: Address,
        /// What was done.
        verb: Verb,
        /// Its id, where it has one.
        id: Option<String>,
        /// How long it took.
        took: Duration,
    },
    /// A step failed.
    Failed {
        /// Which instance.
        address: Address,
        /// What should have been done.
        verb: Verb,
        /// What went wrong.
        error: Diagnostic,
        /// How long it took.
        took: Duration,
    },
    /// A step was not done, since one that it needs failed or the user interrupted.
    Skipped {
        /// Which instance.
        address: Address,
        /// What should have been done.
        verb: Verb,
        /// The instance that failed; none after an interruption.
        because: Option<Address>,
    },
    /// Something was settled that an interrupted run had left open.
    Recovered {
        /// Which instance.
        address: Address,
        /// What was found, as the end of a sentence: `was created (eipalloc-1), now in state`.
        found: String,
    },
    /// Something else to tell.
    Note(String),
}

/// Whoever wants to know.
pub trait Listener: Send + Sync {
    /// Called for each event, in order; must not block for long.
    fn on(&self, event: Event);
}

/// Nobody.
impl Listener for () {
    fn on(&self, _: Event) {}
}
