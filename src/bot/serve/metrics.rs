//! What is counted and measured.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::bot::store::Waiting;

type Labels = Vec<(&'static str, String)>;

/// Bounds in seconds: of a lookup, and of a long apply.
#[derive(Clone)]
struct Bounds;

impl MetricConstructor<Histogram> for Bounds {
    fn new_metric(&self) -> Histogram {
        Histogram::new([0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 1200.0, 3600.0])
    }
}

/// The metrics of a server.
pub struct Metrics {
    registry: Registry,
    webhooks: Family<Labels, Counter>,
    jobs: Family<Labels, Counter>,
    seconds: Family<Labels, Histogram, Bounds>,
    applies: Family<Labels, Counter>,
    waiting: Family<Labels, Gauge>,
    oldest: Gauge<f64, AtomicU64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ferroform_bot");
        let metrics = Self {
            webhooks: Family::default(),
            jobs: Family::default(),
            seconds: Family::new_with_constructor(Bounds),
            applies: Family::default(),
            waiting: Family::default(),
            oldest: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register(
            "webhooks",
            "Webhooks by what became of them: queued, ignored, replayed, unsigned, unreadable, refused",
            metrics.webhooks.clone(),
        );
        registry.register("jobs", "Jobs by kind and how they ended: done, later, failed, stopped", metrics.jobs.clone());
        registry.register("job_duration_seconds", "How long jobs took, by kind", metrics.seconds.clone());
        registry.register("applies", "Applies by how they ended: good, failed", metrics.applies.clone());
        registry.register("queue_jobs", "Jobs that are not done, by kind", metrics.waiting.clone());
        registry.register("queue_oldest_seconds", "The age of the oldest job that is not done", metrics.oldest.clone());
        Self { registry, ..metrics }
    }
}

impl Metrics {
    pub(super) fn webhook(&self, outcome: &'static str) {
        self.webhooks.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    pub(super) fn ended(&self, kind: &'static str, outcome: &'static str, took: Duration) {
        self.jobs.get_or_create(&vec![("kind", kind.to_owned()), ("outcome", outcome.to_owned())]).inc();
        self.seconds.get_or_create(&vec![("kind", kind.to_owned())]).observe(took.as_secs_f64());
    }

    pub(super) fn applied(&self, good: bool) {
        let outcome = if good { "good" } else { "failed" };
        self.applies.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
    }

    pub(super) fn text(&self, waiting: &Waiting) -> String {
        for kind in ["heed", "again", "plan", "apply", "tell"] {
            let n = waiting.jobs.get(kind).copied().unwrap_or(0);
            self.waiting.get_or_create(&vec![("kind", kind.to_owned())]).set(n);
        }
        self.oldest.set(waiting.oldest.map_or(0.0, |oldest| Timestamp::now().duration_since(oldest).as_secs_f64()));
        let mut text = String::new();
        let _a_string_takes_all = encode(&mut text, &self.registry);
        text
    }
}
