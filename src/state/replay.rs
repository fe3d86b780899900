//! State = snapshot + journal.

use super::journal::{Action, Begin, Event, Intent};
use super::snapshot::State;

/// An intent of which the journal knows no outcome: the call may have been made or not. One with an id is settled by
/// [`Event::Saved`] or, if there is nothing under that id, by [`Event::Deleted`]; one without also by [`Event::Failed`].
#[derive(Clone, Debug, PartialEq)]
pub struct OpenIntent {
    /// What was to be done.
    pub intent: Intent,
    /// What it made, where that is known.
    pub id: Option<String>,
    /// Of a replacement: the old object is gone.
    pub deleted: bool,
    /// What went wrong after something was made.
    pub error: Option<String>,
    /// The operation that it was part of.
    pub operation: Option<Begin>,
}

/// The snapshot with all that the events say, and the intents that are still open, oldest first. Each event costs the same,
/// however much there is.
#[must_use]
pub fn replay<'a>(mut snapshot: State, events: impl IntoIterator<Item = &'a Event>) -> (State, Vec<OpenIntent>) {
    let mut open = Open::default();
    for event in events {
        snapshot.record(event);
        open.record(event);
    }
    (snapshot, open.settled())
}

/// The same for intents alone: the snapshot holds the rest already.
pub(super) fn open_intents<'a>(events: impl IntoIterator<Item = &'a Event>) -> Vec<OpenIntent> {
    let mut open = Open::default();
    events.into_iter().for_each(|event| open.record(event));
    open.settled()
}

/// The open intents while events come in. By address and deposed key; the number keeps their order.
#[derive(Default)]
struct Open {
    intents: std::collections::HashMap<(crate::words::Address, Option<String>), (usize, OpenIntent)>,
    count: usize,
    operation: Option<Begin>,
}

impl Open {
    fn record(&mut self, event: &Event) {
        match event {
            Event::Begin(begin) => self.operation = Some(begin.clone()),
            Event::Intent(intent) => {
                let key = (intent.address.clone(), intent.deposed.clone());
                // A second step on what was just made, or the same step again.
                let same = |old: &OpenIntent| intent.action == Action::Update || old.intent.token == intent.token;
                let id = self.intents.remove(&key).filter(|(_, old)| same(old)).and_then(|(_, old)| old.id);
                let open = OpenIntent { intent: intent.clone(), id, deleted: false, error: None, operation: self.operation.clone() };
                self.count += 1;
                self.intents.insert(key, (self.count, open));
            }
            Event::Created { address, id, .. } => {
                if let Some((_, open)) = self.intents.get_mut(&(address.clone(), None)) {
                    open.id = Some(id.clone());
                }
            }
            Event::Saved { address, .. } => {
                self.intents.remove(&(address.clone(), None));
            }
            Event::Deleted { address, deposed } => self.deleted(&(address.clone(), deposed.clone())),
            Event::Failed { address, deposed, error } => self.failed(&(address.clone(), deposed.clone()), error),
            Event::Deposed { .. } | Event::Moved { .. } | Event::Outputs(_) | Event::Checks(_) | Event::Fold { .. } | Event::End => {}
        }
    }

    /// A replacement isn't over when the old object is gone.
    fn deleted(&mut self, key: &(crate::words::Address, Option<String>)) {
        match self.intents.get_mut(key) {
            Some((_, open)) if open.intent.action == Action::Replace && !open.deleted && open.id.is_none() => open.deleted = true,
            _ => {
                self.intents.remove(key);
            }
        }
    }

    /// What was made and not saved is not forgotten because a later step failed.
    fn failed(&mut self, key: &(crate::words::Address, Option<String>), error: &str) {
        match self.intents.get_mut(key) {
            Some((_, open)) if open.id.is_some() => open.error = Some(error.to_owned()),
            _ => {
                self.intents.remove(key);
            }
        }
    }

    fn settled(self) -> Vec<OpenIntent> {
        let mut open: Vec<_> = self.intents.into_values().collect();
        open.sort_by_key(|(number, _)| *number);
        open.into_iter().map(|(_, open)| open).collect()
    }
}
