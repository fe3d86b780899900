//! What one sweep of reads shares: who else is asked for, and answers that serve several.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;

use super::failure::Outcome;
use super::resource::Status;
use super::value::Value;

/// An answer under way or there, of a type that its askers know.
type Slot = Arc<OnceCell<Arc<dyn Any + Send + Sync>>>;

/// One thing that this sweep asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Its resource type.
    pub kind: Arc<str>,
    /// Its id.
    pub id: String,
    /// What the state holds of it.
    pub prior: Value,
}

/// What a sweep of reads shares. A new sweep (the next poll of a wait, the read after an update) has a new one, so that nothing
/// in it is ever stale.
#[derive(Default)]
pub struct Reads {
    asked: Vec<Asked>,
    answers: Mutex<HashMap<String, Slot>>,
    states: Mutex<HashMap<(&'static str, String), Status>>,
    names: Mutex<HashMap<(&'static str, String), String>>,
}

impl std::fmt::Debug for Reads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reads").field("asked", &self.asked.len()).finish_non_exhaustive()
    }
}

impl Reads {
    /// For a sweep that asks for all of these.
    #[must_use]
    pub fn of(asked: Vec<Asked>) -> Self {
        Self { asked, ..Self::default() }
    }

    /// All that this sweep asks for, of those types: one call may fetch what several types need.
    pub fn asked<'a>(&'a self, kinds: &'a [&'a str]) -> impl Iterator<Item = &'a Asked> {
        self.asked.iter().filter(|a| kinds.contains(&a.kind.as_ref()))
    }

    /// Says how far the cloud has got with the resource of that type and id, where none of its attributes tells: its read knows
    /// more than the schema holds (a volume's `creating`).
    pub fn says(&self, kind: &'static str, id: &str, status: Status) {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, id.to_owned()), status);
    }

    /// What [`says`](Self::says) was told of it in this sweep.
    #[must_use]
    pub fn said(&self, kind: &'static str, id: &str) -> Option<Status> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).get(&(kind, id.to_owned())).cloned()
    }

    /// Says that what was asked for under one id has another by now: some calls change a thing by putting another in its place.
    pub fn renames(&self, kind: &'static str, old: &str, new: &str) {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).insert((kind, old.to_owned()), new.to_owned());
    }

    /// What [`renames`](Self::renames) was told of it in this sweep.
    #[must_use]
    pub fn renamed(&self, kind: &'static str, old: &str) -> Option<String> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner).get(&(kind, old.to_owned())).cloned()
    }

    /// The answer under that key (`ec2:DescribeAddresses`), fetched by whoever asks first; a failure is not remembered.
    pub async fn once<T, F>(&self, key: impl Into<String>, fetch: impl FnOnce() -> F + Send) -> Outcome<Arc<T>>
    where
        T: Send + Sync + 'static,
        F: Future<Output = Outcome<T>> + Send,
    {
        let slot = self.answers.lock().unwrap_or_else(PoisonError::into_inner).entry(key.into()).or_default().clone();
        let answer = slot.get_or_try_init(|| async { fetch().await.map(|t| Arc::new(t) as Arc<dyn Any + Send + Sync>) }).await?;
        Ok(answer.clone().downcast().expect("one key stands for answers of one type"))
    }
}
