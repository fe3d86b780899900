//! How many steps may call the cloud at the same time. A step that only waits has no turn: others go on meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// As many turns as calls may be in flight together.
pub(super) struct Turns(Arc<Semaphore>);

/// The turn of one step.
#[derive(Default)]
pub struct Turn {
    /// None of what needs no turns: it calls nobody, or is alone.
    turns: Option<Arc<Semaphore>>,
    held: Mutex<Option<OwnedSemaphorePermit>>,
}

impl Turns {
    pub(super) fn new(count: usize) -> Self {
        Self(Arc::new(Semaphore::new(count.clamp(1, Semaphore::MAX_PERMITS))))
    }

    /// A turn, as soon as there is one.
    pub(super) async fn take(&self) -> Turn {
        Turn { turns: Some(self.0.clone()), held: Mutex::new(self.0.clone().acquire_owned().await.ok()) }
    }

    /// A turn, if there is one at once.
    pub(super) fn try_take(&self) -> Option<Turn> {
        let held = self.0.clone().try_acquire_owned().ok()?;
        Some(Turn { turns: Some(self.0.clone()), held: Mutex::new(Some(held)) })
    }
}

impl Turn {
    /// Waits without the turn, and takes it again afterwards.
    pub(super) async fn lend<T>(&self, waiting: impl Future<Output = T>) -> T {
        self.hold(None);
        let result = waiting.await;
        if let Some(turns) = &self.turns {
            self.hold(turns.clone().acquire_owned().await.ok());
        }
        result
    }

    fn hold(&self, permit: Option<OwnedSemaphorePermit>) {
        *self.held.lock().unwrap_or_else(PoisonError::into_inner) = permit;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_waits_lets_another_go_on() {
        let turns = Turns::new(1);
        let first = turns.take().await;
        assert!(turns.try_take().is_none());
        first.lend(async { assert!(turns.try_take().is_some()) }).await;
        assert!(turns.try_take().is_none(), "it has its turn again");
        drop(first);
        assert!(turns.try_take().is_some());
    }
}
