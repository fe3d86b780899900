//! How the watch is, for those who look from outside: `/healthz` and `/metrics`.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use jiff::Timestamp;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::history::{History, Looked, State};
use super::schedule::Schedule;
use crate::words::drift::Severity;
use crate::words::{Diagnostic, Result};

type Labels = Vec<(&'static str, String)>;
type Real = Gauge<f64, AtomicU64>;

/// What is counted and measured.
pub struct Metrics {
    registry: Registry,
    findings: Family<Labels, Gauge>,
    resources: Family<Labels, Gauge>,
    gaps: Family<Labels, Gauge>,
    last: Family<Labels, Real>,
    success: Family<Labels, Gauge>,
    last_success: Family<Labels, Real>,
    duration: Family<Labels, Real>,
    run: Real,
    next: Real,
    calls: Family<Labels, Counter>,
    runs: Family<Labels, Counter>,
    attempts: Family<Labels, Counter>,
    deliveries: Family<Labels, Gauge>,
    health: Mutex<Health>,
}

struct Health {
    since: Timestamp,
    good: Option<Timestamp>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("ferroform_drift");
        macro_rules! metric {
            ($name:literal, $help:literal) => {{
                let metric = Default::default();
                registry.register($name, $help, Clone::clone(&metric));
                metric
            }};
        }
        Self {
            findings: metric!("findings", "Findings that are open, by stack and severity"),
            resources: metric!("resources", "Resources that the last good look at the stack saw"),
            gaps: metric!("gaps", "Parts of the stack that the last look could not see"),
            last: metric!("last_run_timestamp_seconds", "When the stack was last looked at, or was to be"),
            success: metric!("last_run_success", "Whether that look was good"),
            last_success: metric!("last_success_timestamp_seconds", "When the stack was last looked at and that was good"),
            duration: metric!("look_duration_seconds", "How long the last good look at the stack took"),
            run: metric!("run_duration_seconds", "How long the last run took"),
            next: metric!("next_run_timestamp_seconds", "When the next run is due"),
            calls: metric!("calls", "Calls to AWS"),
            runs: metric!("runs", "Runs by outcome: good, partly, failed"),
            attempts: metric!("delivery_attempts", "Attempts to tell something, by target and whether it was told"),
            deliveries: metric!("deliveries", "Things to tell in the history, by target and state: sent, waiting, failed"),
            health: Mutex::new(Health { since: Timestamp::now(), good: None }),
            registry,
        }
    }
}

fn labels(look: &Looked) -> Labels {
    vec![("stack", look.stack.clone()), ("workspace", look.workspace.clone())]
}

#[allow(clippy::cast_precision_loss, reason = "milliseconds since 1970 fit")]
fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

impl Metrics {
    /// What the history tells of before this process.
    pub(super) async fn restore(&self, history: &History) -> Result<()> {
        let (_, good) = history.last().await?;
        self.health.lock().unwrap_or_else(PoisonError::into_inner).good = good;
        self.deliveries(&history.deliveries().await?);
        Ok(())
    }

    /// A run has ended.
    pub(super) fn ran(&self, looks: &[Looked], begun: Timestamp, took: Duration) {
        for look in looks {
            let labels = labels(look);
            let at = seconds(begun);
            self.last.get_or_create(&labels).set(at);
            self.success.get_or_create(&labels).set(look.good().into());
            let Ok(report) = &look.report else { continue };
            self.calls.get_or_create(&labels).inc_by(report.calls);
            let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            self.gaps.get_or_create(&labels).set(number(report.gaps.len()));
            if !look.good() {
                continue;
            }
            self.last_success.get_or_create(&labels).set(at);
            self.resources.get_or_create(&labels).set(number(report.resources));
            self.duration.get_or_create(&labels).set(report.seconds);
            let found: Vec<Severity> = report.all().map(|finding| finding.severity).collect();
            for severity in [Severity::Low, Severity::Medium, Severity::High] {
                let labels = labels.iter().cloned().chain([("severity", severity.to_string())]).collect();
                self.findings.get_or_create(&labels).set(number(found.iter().filter(|other| **other == severity).count()));
            }
        }
        let good = looks.iter().filter(|look| look.good()).count();
        let outcome = if good == looks.len() {
            "good"
        } else if good > 0 {
            "partly"
        } else {
            "failed"
        };
        self.runs.get_or_create(&vec![("outcome", outcome.to_owned())]).inc();
        self.run.set(took.as_secs_f64());
        if outcome == "good" {
            self.health.lock().unwrap_or_else(PoisonError::into_inner).good = Some(begun);
        }
    }

    /// When the next run is due.
    pub(super) fn next(&self, due: Timestamp) {
        self.next.set(seconds(due));
    }

    /// Somebody was told, or was not.
    pub(super) fn attempted(&self, target: &str, good: bool) {
        let outcome = if good { "told" } else { "failed" };
        self.attempts.get_or_create(&vec![("target", target.to_owned()), ("outcome", outcome.to_owned())]).inc();
    }

    /// How many things there are to tell.
    pub(super) fn deliveries(&self, counts: &[(String, State, i64)]) {
        self.deliveries.clear();
        for (target, state, n) in counts {
            let state = match state {
                State::Sent => "sent",
                State::Waiting => "waiting",
                State::Failed => "failed",
            };
            self.deliveries.get_or_create(&vec![("target", target.clone()), ("state", state.to_owned())]).set(*n);
        }
    }

    /// Whether all is well, and why not.
    fn healthy(&self, schedule: &Schedule, now: Timestamp) -> (bool, String) {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        // A watch that has just begun had no time yet, however old the last good run is.
        let since = health.good.map_or(health.since, |good| good.max(health.since));
        let good = health.good.map_or_else(|| "none yet".to_owned(), |good| format!("{good:.0}"));
        if now <= schedule.overdue(since) {
            (true, format!("ok\nlast good run: {good}\n"))
        } else {
            (false, format!("no good run for too long\nlast good run: {good}\n"))
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        let _a_string_takes_all = encode(&mut text, &self.registry);
        text
    }
}

/// Listens there; the error says who can't.
pub async fn listen(address: &str) -> Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|e| {
        let error = Diagnostic::error(format!("can't listen at {address}: {e}"));
        let taken = e.kind() == std::io::ErrorKind::AddrInUse;
        error
            .help(if taken {
                "another program does: give another port with --listen"
            } else {
                "give an address of this machine with --listen, such as 127.0.0.1:9182"
            })
            .into()
    })
}

/// Answers until it is stopped.
pub async fn serve(listener: TcpListener, metrics: Arc<Metrics>, schedule: Arc<Schedule>, stop: CancellationToken) {
    const TEXT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    let shown = metrics.clone();
    let router = Router::new().route("/metrics", get(async move || ([(header::CONTENT_TYPE, TEXT)], shown.text()).into_response())).route(
        "/healthz",
        get(async move || {
            let (good, text) = metrics.healthy(&schedule, Timestamp::now());
            (if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }, text).into_response()
        }),
    );
    tracing::info!(address = listener.local_addr().ok().map(tracing::field::display), "serving /healthz and /metrics");
    if let Err(e) = axum::serve(listener, router).with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(error = %e, "health and metrics are not served any more");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_that_sees_nothing_for_some_intervals_is_ill() {
        let (metrics, schedule) = (Metrics::default(), Schedule::every("15m").unwrap());
        let now = Timestamp::now();
        let later = |minutes: i64| now.checked_add(jiff::SignedDuration::from_mins(minutes)).unwrap();
        assert!(metrics.healthy(&schedule, later(40)).0);
        assert_eq!(metrics.healthy(&schedule, later(60)), (false, "no good run for too long\nlast good run: none yet\n".to_owned()));
        metrics.ran(&[], later(30), Duration::ZERO);
        assert!(metrics.healthy(&schedule, later(60)).0);
    }
}
