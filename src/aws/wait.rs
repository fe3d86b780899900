//! Waiting for what AWS does in its own time, where a change can't go on before it is done.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::words::failure::{Failure, Outcome};

/// The pause before the second question, and how the pauses grow.
const FIRST: Duration = Duration::from_millis(500);
const GROWTH: f64 = 1.5;
const LONGEST: Duration = Duration::from_secs(10);

/// What a question found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen<T> {
    /// What was waited for.
    Done(T),
    /// Not yet; the word is the cloud's for how far it is.
    Not(String),
}

/// Asks until it is done, with growing pauses, for at most so long. `what` and `goal` make a sentence with what was seen last:
/// `the instance i-1 should be stopped and is still stopping`.
pub async fn until<T, F, A>(what: &str, goal: &str, within: Duration, ask: F) -> Outcome<T>
where
    F: Fn() -> A + Send,
    A: Future<Output = Outcome<Seen<T>>> + Send,
{
    let end = Instant::now() + within;
    let mut pause = FIRST;
    loop {
        let last = match ask().await? {
            Seen::Done(value) => return Ok(value),
            Seen::Not(last) => last,
        };
        if Instant::now() + pause > end {
            return Err(late(what, goal, &last, within));
        }
        sleep(pause).await;
        pause = pause.mul_f64(GROWTH).min(LONGEST);
    }
}

fn late(what: &str, goal: &str, last: &str, within: Duration) -> Failure {
    let waited = match within.as_secs() {
        s if s >= 60 && s % 60 == 0 => format!("{} min", s / 60),
        s => format!("{s} s"),
    };
    Failure::other(format!("{what} should be {goal} and is still {last} after {waited}"))
        .help("look at it in the AWS console; what is done is in the state, so apply again to go on from there")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn asks_again_until_done() {
        let asked = AtomicU32::new(0);
        let answer = until("the thing", "there", Duration::from_secs(5), || async {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            Ok(if n == 1 { Seen::Done(n) } else { Seen::Not("coming".into()) })
        });
        assert_eq!(answer.await, Ok(1));
    }

    #[tokio::test]
    async fn says_how_far_it_got_when_time_is_up() {
        let answer: Outcome<()> = until("the instance i-1", "stopped", Duration::ZERO, || async { Ok(Seen::Not("stopping".into())) }).await;
        let message = answer.map_err(|f| f.message).unwrap_err();
        assert_eq!(message, "the instance i-1 should be stopped and is still stopping after 0 s");
    }
}
