//! Where a run can be killed, and which of it CI takes.

use std::collections::BTreeMap;
use std::fmt;

use crate::support::proxy::{Call, Moment};

/// When within a call the process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Within {
    /// The call never reaches AWS.
    Before,
    /// AWS applies it, and nobody hears the answer.
    After,
    /// AWS applies it when the next run is under way.
    Late,
}

/// Where a run is killed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Point {
    /// As soon as the journal has that event: its kind, and the address that it is about.
    Event(String),
    /// Inside the nth call of an action.
    Call {
        /// Such as `RunInstances`.
        action: String,
        /// Counted from 1.
        nth: usize,
        /// When.
        within: Within,
    },
    /// Inside the nth call of any action, before or after.
    Any(usize, Within),
    /// As soon as the journal has that many events.
    Count(usize),
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Event(label) => write!(f, "at journal event `{label}`"),
            Self::Call { action, nth, within } => write!(f, "{action} no. {nth}, {within:?}"),
            Self::Any(nth, within) => write!(f, "call no. {nth}, {within:?}"),
            Self::Count(nth) => write!(f, "at journal event no. {nth}"),
        }
    }
}

/// What one undisturbed run did: what can be killed.
#[derive(Debug, Default)]
pub struct Recorded {
    /// The labels of its journal's events, in order.
    pub events: Vec<String>,
    /// How often it made each call; and whether the call changes nothing.
    pub calls: BTreeMap<String, (usize, bool)>,
}

impl Recorded {
    /// Out of its journal and its calls.
    pub fn of(events: Vec<String>, calls: &[Call]) -> Self {
        let mut counts = BTreeMap::new();
        for call in calls {
            counts.entry(call.action.clone()).or_insert((0, call.reads())).0 += 1;
        }
        Self { events, calls: counts }
    }

    /// How many calls it made.
    pub fn total(&self) -> usize {
        self.calls.values().map(|(count, _)| count).sum()
    }

    /// Every point: each event, each call before and after, and each call that changes something late. Without `all`, of the calls
    /// that only read the first of each action, before it reached AWS; and of late ones the first of each action.
    pub fn points(&self, all: bool) -> Vec<Point> {
        let mut points: Vec<Point> = self.events.iter().cloned().map(Point::Event).collect();
        for (action, (count, reads)) in &self.calls {
            for nth in 1..=*count {
                for within in [Within::Before, Within::After, Within::Late] {
                    let taken = match (within, reads) {
                        (Within::Late, true) => false,
                        (Within::Late, false) => all || nth == 1,
                        (Within::Before, true) => all || nth == 1,
                        (Within::After, true) => all,
                        (_, false) => true,
                    };
                    if taken {
                        points.push(Point::Call { action: action.clone(), nth, within });
                    }
                }
            }
        }
        points
    }
}

/// Whether the action changes nothing.
pub fn reads(action: &str) -> bool {
    Call { action: action.to_owned(), ..Call::default() }.reads()
}

/// The point's moment, as the proxy has it.
pub fn moment(within: Within) -> Moment {
    if within == Within::After { Moment::After } else { Moment::Before }
}
