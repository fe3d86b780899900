//! Waiting for a place that is busy, out of order, or out of reach.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use jiff::Timestamp;
use rand::Rng;

use super::Refusal;
use super::wire::Reply;

/// How long a secondary rate limit lasts that doesn't say so, in seconds; each time twice as long.
const MINUTE: u64 = 60;
/// The longest wait between two tries that nobody asked for, in seconds.
const LONGEST: u64 = 30;

/// How long a call waits by itself.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a second is. Whoever tries the waiting out makes it short.
    pub second: Duration,
    /// How many seconds of waiting one call has; what would take longer is told to the caller at once.
    pub seconds: u64,
    /// How long one request may take.
    pub request: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { second: Duration::from_secs(1), seconds: 300, request: Duration::from_secs(60) }
    }
}

impl Patience {
    /// The waits of one call.
    pub(super) fn begin(&self) -> Waits {
        let steps = ExponentialBuilder::new().with_jitter().with_min_delay(self.second).with_max_delay(self.second * to_u32(LONGEST));
        Waits { second: self.second, left: self.seconds, steps: steps.without_max_times().build(), minutes: MINUTE }
    }
}

/// Until when an answer asks for patience.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plea {
    /// It was not done, and will not be for so many seconds.
    Seconds(u64),
    /// It was not done; nobody says for how long.
    Unsaid,
    /// Something is out of order; nobody knows whether it was done.
    Broken,
}

impl Plea {
    /// What an answer asks for; nothing, if it is an answer to what was asked.
    pub fn of(reply: &Reply, now: Timestamp) -> Option<Self> {
        let after = reply.header("retry-after").and_then(|text| seconds_until(text, now));
        match reply.status {
            500 | 502 | 503 | 504 => return Some(Self::Broken),
            403 | 429 => {}
            _ => return None,
        }
        if let Some(seconds) = after {
            return Some(Self::Seconds(seconds));
        }
        let limit = |name: &str| reply.header(&format!("x-ratelimit-{name}")).or_else(|| reply.header(&format!("ratelimit-{name}")));
        if limit("remaining").is_some_and(|left| left.trim() == "0") {
            let reset = limit("reset").and_then(|text| text.trim().parse::<i64>().ok());
            // Clocks differ a little, and a second too early is a request wasted.
            return Some(reset.map_or(Self::Unsaid, |reset| Self::Seconds(u64::try_from(reset - now.as_second()).unwrap_or(0) + 1)));
        }
        let said = reply.message().to_lowercase();
        let limited = reply.status == 429 || ["rate limit", "abuse detection"].iter().any(|words| said.contains(words));
        limited.then_some(Self::Unsaid)
    }
}

/// What is left of a call's patience.
pub(super) struct Waits {
    second: Duration,
    left: u64,
    steps: ExponentialBackoff,
    minutes: u64,
}

impl Waits {
    /// Waits as it was asked to, or gives up: then the caller hears `why`.
    pub async fn wait(&mut self, plea: Plea, why: String) -> Result<(), Refusal> {
        let second = self.second;
        let (seconds, long) = match plea {
            Plea::Seconds(seconds) => (seconds, second * to_u32(seconds)),
            Plea::Unsaid => {
                let seconds = self.minutes;
                self.minutes *= 2;
                (seconds, second * to_u32(seconds))
            }
            Plea::Broken => {
                let long = self.steps.next().unwrap_or(second).min(second * to_u32(LONGEST));
                (u64::try_from(long.as_nanos() / second.as_nanos().max(1)).unwrap_or(LONGEST).max(1), long)
            }
        };
        if seconds > self.left {
            let until = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(Timestamp::now().as_second() + seconds).ok());
            return Err(Refusal::Later { why, until: until.filter(|_| plea != Plea::Broken) });
        }
        self.left -= seconds;
        tracing::debug!(seconds, "{why}; waiting");
        // Those who were turned away together don't come back together.
        let jitter = rand::thread_rng().gen_range(0.0..1.0);
        tokio::time::sleep(long + second.mul_f64(jitter)).await;
        Ok(())
    }
}

fn to_u32(seconds: u64) -> u32 {
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

/// The seconds of a `Retry-After`: a number, or a date.
fn seconds_until(text: &str, now: Timestamp) -> Option<u64> {
    if let Ok(seconds) = text.trim().parse::<u64>() {
        return Some(seconds);
    }
    let date = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text.trim()).ok()?;
    Some(u64::try_from(date.as_second() - now.as_second()).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

    use super::*;

    fn reply(status: u16, headers: &[(&str, &str)], body: &str) -> Reply {
        let pair = |(name, value): &(&str, &str)| (HeaderName::try_from(*name).unwrap(), HeaderValue::try_from(*value).unwrap());
        Reply { status, headers: headers.iter().map(pair).collect::<HeaderMap>(), body: body.into() }
    }

    fn plea(status: u16, headers: &[(&str, &str)], body: &str) -> Option<Plea> {
        Plea::of(&reply(status, headers, body), Timestamp::from_second(1_000_000).unwrap())
    }

    #[test]
    fn a_plea_is_told_from_a_refusal() {
        assert_eq!(plea(200, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000050")], ""), None, "it was the last one");
        assert_eq!(plea(403, &[("x-ratelimit-remaining", "12")], "{\"message\":\"Resource not accessible by integration\"}"), None);
        assert_eq!(plea(404, &[], ""), None);
        assert_eq!(plea(501, &[], ""), None);
        assert_eq!(plea(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "1000050")], ""), Some(Plea::Seconds(51)));
        assert_eq!(plea(403, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", "999950")], ""), Some(Plea::Seconds(1)));
        assert_eq!(plea(403, &[("retry-after", "7")], ""), Some(Plea::Seconds(7)));
        assert_eq!(plea(429, &[("retry-after", "Mon, 12 Jan 1970 13:47:10 GMT")], ""), Some(Plea::Seconds(30)));
        assert_eq!(plea(429, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "1000002")], ""), Some(Plea::Seconds(3)), "GitLab's");
        assert_eq!(plea(429, &[], "Retry later\n"), Some(Plea::Unsaid));
        assert_eq!(plea(403, &[], "{\"message\":\"You have exceeded a secondary rate limit.\"}"), Some(Plea::Unsaid));
        for status in [500, 502, 503, 504] {
            assert_eq!(plea(status, &[], "<html>"), Some(Plea::Broken));
        }
    }

    /// A minute is a few milliseconds.
    fn short(seconds: u64) -> Patience {
        Patience { second: Duration::from_micros(50), seconds, ..Patience::default() }
    }

    #[tokio::test]
    async fn what_would_take_too_long_is_told_at_once() {
        let mut waits = short(200).begin();
        waits.wait(Plea::Unsaid, "busy".into()).await.unwrap();
        waits.wait(Plea::Unsaid, "busy".into()).await.unwrap();
        assert_eq!(waits.left, 20, "a minute, then two");
        let Refusal::Later { why, until: Some(until) } = waits.wait(Plea::Seconds(3600), "spent".into()).await.unwrap_err() else {
            panic!("it waited")
        };
        assert!(why == "spent" && until.as_second() - Timestamp::now().as_second() > 3500);
        waits.wait(Plea::Seconds(20), "busy".into()).await.unwrap();
    }

    #[tokio::test]
    async fn what_is_broken_is_tried_for_some_minutes() {
        let (mut waits, mut tries) = (short(300).begin(), 0);
        let refusal = loop {
            match waits.wait(Plea::Broken, "502".into()).await {
                Ok(()) => tries += 1,
                Err(refusal) => break refusal,
            }
        };
        assert!((8..40).contains(&tries), "{tries}");
        assert_eq!(refusal, Refusal::Later { why: "502".into(), until: None });
    }
}
