//! What is known: the snapshot in Terraform's format, the journal beside it, the lock, and the guards.
//!
//! State is the snapshot and what the journal adds to it. An apply takes the [`lock`], begins a [`journal`], appends an intent
//! before each call and its result after, and folds the journal into the snapshot at the end. Whatever instant it dies at, the
//! next one reads the same: everything that was done, and the intents of which nobody knows the outcome.
//!
//! | file | what it is |
//! |---|---|
//! | `NAME.tfstate.json` | the snapshot |
//! | `NAME.tfstate.json.backup` | the snapshot before it |
//! | `NAME.tfstate.json.journal` | what an apply under way, or one that died, has done since |
//! | `NAME.tfstate.json.journal.key` | the key of the sensitive values in the journal; removed with it |
//! | `NAME.tfstate.json.lock` | who works on it |

pub mod conform;
mod files;
pub mod guard;
pub mod journal;
pub mod local;
pub mod lock;
mod neighbours;
pub mod others;
pub mod replay;
mod seal;
pub mod snapshot;
mod tree;
mod v4;
mod wire;

#[cfg(test)]
mod tests;

pub use conform::{marked, schema_conform};
pub use journal::{Action, Begin, Event, Intent, Journal};
pub use local::{Loaded, LocalStore, Refuge};
pub use lock::{Lock, LockInfo, TakenOver, Who};
pub use neighbours::Neighbours;
pub use others::{Owned, held, held_by_others};
pub use replay::{OpenIntent, replay};
pub use snapshot::{Instance, Output, State};
