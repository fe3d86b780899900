//! How fast each operation may be called: as fast as anyone asks until AWS says to slow down, then at a rate that AWS bears.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};

/// Calls a second above which a limit is no longer worth keeping.
const FREE: f64 = 100.0;
/// The slowest that any operation gets.
const SLOWEST: f64 = 0.5;
/// How long after the last throttling the rate grows again, and how often.
const CALM: Duration = Duration::from_secs(2);

/// The rates of all operations of one configuration.
#[derive(Debug, Default)]
pub struct Rates(Mutex<HashMap<String, Rate>>);

#[derive(Debug)]
struct Rate {
    /// Calls a second, and what hands them out; none while nobody has complained.
    limit: Option<(f64, Arc<DefaultDirectRateLimiter>)>,
    /// When the last calls were allowed, for measuring the rate at which AWS complained.
    window: Instant,
    calls: u32,
    changed: Instant,
}

impl Rate {
    fn new() -> Self {
        let now = Instant::now();
        Self { limit: None, window: now, calls: 0, changed: now }
    }

    fn set(&mut self, per_second: f64) {
        self.changed = Instant::now();
        self.limit = (per_second < FREE).then(|| {
            let period = Duration::from_secs_f64(1.0 / per_second);
            let quota = Quota::with_period(period).unwrap_or(Quota::per_second(NonZeroU32::MIN));
            (per_second, Arc::new(RateLimiter::direct(quota)))
        });
    }

    /// Calls a second of late.
    fn observed(&self) -> f64 {
        f64::from(self.calls) / self.window.elapsed().as_secs_f64().max(0.2)
    }
}

impl Rates {
    /// Waits until one more call of the operation may go out.
    pub async fn ready(&self, operation: &str) {
        let limiter = {
            let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let rate = rates.entry(operation.to_owned()).or_insert_with(Rate::new);
            if rate.window.elapsed() > Duration::from_secs(1) {
                (rate.window, rate.calls) = (Instant::now(), 0);
            }
            rate.calls += 1;
            if let Some((per_second, _)) = rate.limit
                && rate.changed.elapsed() > CALM
            {
                rate.set(per_second * 1.5);
            }
            rate.limit.as_ref().map(|(_, limiter)| limiter.clone())
        };
        if let Some(limiter) = limiter {
            limiter.until_ready().await;
        }
    }

    /// AWS said that the operation is called too fast.
    pub fn throttled(&self, operation: &str) {
        let mut rates = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let rate = rates.entry(operation.to_owned()).or_insert_with(Rate::new);
        // Calls that were in flight together complain together: only the first of them counts.
        if rate.limit.is_some() && rate.changed.elapsed() < Duration::from_millis(500) {
            return;
        }
        let now = rate.limit.as_ref().map_or_else(|| rate.observed().min(20.0), |(per_second, _)| *per_second);
        rate.set((now / 2.0).max(SLOWEST));
    }
}
