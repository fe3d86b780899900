//! Changes that share a call: what many steps want at the same time of one zone or one group is asked for once.

use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::future::BoxFuture;
use tokio::sync::oneshot;

use crate::words::failure::{Cause, Failure, Outcome};

/// How long the first of a batch waits for others.
const WINDOW: Duration = Duration::from_millis(5);

/// Codes that say the same of all wishes: that of which they want something is not there.
const OF_ALL: &[&str] = &["NoSuchHostedZone"];

/// Makes one call for several wishes, which does what all of them want or nothing; the answers are in the order of the wishes.
type Call<W, A> = Box<dyn Fn(Vec<W>) -> BoxFuture<'static, Outcome<Vec<A>>> + Send + Sync>;

/// A wish, and the way to answer it.
type Asked<W, A> = (W, oneshot::Sender<Outcome<A>>);

/// Collects wishes that come within a moment of one another, or while a call is under way, into as few calls as there can be.
/// Calls follow one another: the next one takes what gathered meanwhile.
pub struct Gatherer<W, A> {
    fit: fn(&[W]) -> usize,
    call: Call<W, A>,
    /// None while nobody makes calls.
    waiting: Mutex<Option<Vec<Asked<W, A>>>>,
}

impl<W: Clone + Send + Sync + 'static, A: Send + 'static> Gatherer<W, A> {
    /// For wishes to that call; `fit` tells how many of them, from the first, go into one.
    pub fn new(fit: fn(&[W]) -> usize, call: impl Fn(Vec<W>) -> BoxFuture<'static, Outcome<Vec<A>>> + Send + Sync + 'static) -> Self {
        Self { fit, call: Box::new(call), waiting: Mutex::new(None) }
    }

    /// Grants the wish, together with those of others.
    pub async fn ask(self: &Arc<Self>, wish: W) -> Outcome<A> {
        let (answer, answered) = oneshot::channel();
        if self.join((wish, answer)) {
            // By itself: whoever asked first may be interrupted, and the others not.
            tokio::spawn(self.clone().serve());
        }
        answered.await.map_err(|_| Failure::other("the call was given up").because(Cause::Lost))?
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Vec<Asked<W, A>>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is the first, so that nobody makes calls yet.
    fn join(&self, asked: Asked<W, A>) -> bool {
        let mut waiting = self.waiting();
        let first = waiting.is_none();
        waiting.get_or_insert_default().push(asked);
        first
    }

    /// Those that gathered; there is nothing more to do when there are none.
    fn gathered(&self) -> Vec<Asked<W, A>> {
        let mut waiting = self.waiting();
        let all = waiting.as_mut().map(take).unwrap_or_default();
        if all.is_empty() {
            *waiting = None;
        }
        all
    }

    async fn serve(self: Arc<Self>) {
        loop {
            tokio::time::sleep(WINDOW).await;
            let (mut wishes, mut answers): (Vec<W>, Vec<_>) = self.gathered().into_iter().unzip();
            if wishes.is_empty() {
                return;
            }
            while !wishes.is_empty() {
                let count = (self.fit)(&wishes).clamp(1, wishes.len());
                let (now, next) = (wishes.drain(..count).collect::<Vec<W>>(), answers.split_off(count));
                let outcomes = self.grant(&now).await;
                for (answer, outcome) in std::mem::replace(&mut answers, next).into_iter().zip(outcomes) {
                    // Whoever asked may have been interrupted.
                    let _ = answer.send(outcome);
                }
            }
        }
    }

    /// The outcome of each. One wish that is refused stops all of its call: then each half is tried for itself, so that only those
    /// fail that are to blame, each with its own error.
    fn grant<'a>(&'a self, wishes: &'a [W]) -> BoxFuture<'a, Vec<Outcome<A>>> {
        Box::pin(async move {
            let failure = match (self.call)(wishes.to_vec()).await {
                Ok(answers) => return answers.into_iter().map(Ok).collect(),
                Err(failure) => failure,
            };
            // Of a call that was lost nobody knows what it did, and a throttled one says nothing about what it was to do.
            let of_all = matches!(failure.cause, Cause::Lost | Cause::Throttled) || OF_ALL.contains(&failure.code.as_str());
            if wishes.len() < 2 || of_all {
                return wishes.iter().map(|_| Err(failure.clone())).collect();
            }
            let (first, second) = wishes.split_at(wishes.len() / 2);
            let mut outcomes = self.grant(first).await;
            outcomes.extend(self.grant(second).await);
            outcomes
        })
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    type Calls = Arc<Mutex<Vec<Vec<i32>>>>;

    /// Doubles numbers, five in a call; refuses a call with a 13 in it, and loses one with a 99.
    fn doubler() -> (Arc<Gatherer<i32, i32>>, Calls) {
        let calls = Calls::default();
        let seen = calls.clone();
        let gatherer = Gatherer::new(
            |_| 5,
            move |numbers: Vec<i32>| {
                seen.lock().unwrap().push(numbers.clone());
                let answer = match numbers.as_slice() {
                    n if n.contains(&99) => Err(Failure::other("no answer").because(Cause::Lost)),
                    n if n.contains(&13) => Err(Failure::other(format!("{} with a 13 in it", n.len()))),
                    n => Ok(n.iter().map(|n| n * 2).collect()),
                };
                async move { answer }.boxed()
            },
        );
        (Arc::new(gatherer), calls)
    }

    async fn asked(numbers: &[i32]) -> (Vec<Result<i32, String>>, Vec<Vec<i32>>) {
        let (gatherer, calls) = doubler();
        let answers = futures::future::join_all(numbers.iter().map(|n| gatherer.ask(*n))).await;
        let calls = calls.lock().unwrap().clone();
        (answers.into_iter().map(|a| a.map_err(|f| f.message)).collect(), calls)
    }

    #[tokio::test]
    async fn many_wishes_share_calls() {
        let (answers, calls) = asked(&[1, 2, 3, 4, 5, 6, 7]).await;
        assert_eq!(answers, [2, 4, 6, 8, 10, 12, 14].map(Ok));
        assert_eq!(calls, [vec![1, 2, 3, 4, 5], vec![6, 7]]);
    }

    #[tokio::test]
    async fn only_who_is_to_blame_fails() {
        let (answers, calls) = asked(&[1, 2, 13, 4]).await;
        assert_eq!(answers, [Ok(2), Ok(4), Err("1 with a 13 in it".to_owned()), Ok(8)]);
        assert_eq!(calls, [vec![1, 2, 13, 4], vec![1, 2], vec![13, 4], vec![13], vec![4]]);
    }

    #[tokio::test]
    async fn what_was_lost_is_not_tried_again() {
        let (answers, calls) = asked(&[1, 99]).await;
        assert_eq!(answers, [Err("no answer".to_owned()), Err("no answer".to_owned())]);
        assert_eq!(calls.len(), 1);
    }

    #[tokio::test]
    async fn a_gatherer_that_came_to_rest_serves_again() {
        let (gatherer, _) = doubler();
        for n in 1..4 {
            assert_eq!(gatherer.ask(n).await, Ok(n * 2));
            let rests = async {
                while gatherer.waiting().is_some() {
                    tokio::task::yield_now().await;
                }
            };
            tokio::time::timeout(Duration::from_secs(5), rests).await.unwrap();
        }
    }
}
