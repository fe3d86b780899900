//! The watch: it looks when it is time, writes down what it found, and tells people.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use super::history::{Delivery, History, Looked, Rule, State};
use super::metrics::Metrics;
use super::notify::{Means, Target, rules};
use super::schedule::Schedule;
use crate::words::Result;
use crate::words::drift::Severity;

/// The waits between attempts to tell something, the first and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(600);
/// After which it is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);
/// How long a single run goes on trying to tell.
const ONCE: Duration = Duration::from_secs(60);

/// What a watch works with.
pub struct Watch {
    /// What was, and what is to be told.
    pub history: Arc<History>,
    /// Who is told.
    pub targets: Vec<Target>,
    /// How they are called.
    pub means: Arc<Means>,
    /// What can be seen from outside.
    pub metrics: Arc<Metrics>,
    /// Whether what was told already is told again.
    pub all_findings: bool,
    /// Ends it.
    pub stop: CancellationToken,
}

/// What a single run gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Once {
    /// How bad the worst finding is; none where all is in order.
    pub worst: Option<Severity>,
    /// Whether every stack was looked at.
    pub good: bool,
    /// Whether all was told that there was to tell.
    pub told: bool,
}

impl Watch {
    /// Looks by the schedule until it is stopped. A look is never begun before the one before has ended.
    pub async fn run(self, schedule: &Schedule, look: impl AsyncFn() -> Vec<Looked>) -> Result<()> {
        let Self { history, metrics, stop, .. } = &self;
        let rules = rules(&self.targets);
        let news = Arc::new(Notify::new());
        let mut messengers = self.messengers(&news, &Arc::default());
        metrics.restore(history).await?;
        let (mut last, _) = history.last().await?;
        let mut failures = history.failures().await?;
        info!(history = %history.path().display(), targets = self.targets.len(), last = last.map(tracing::field::display), "the watch begins");
        let mut ended = Ok(());
        loop {
            let now = Timestamp::now();
            let due = match (failures, last) {
                (1.., Some(last)) => last.checked_add(schedule.after_failures(failures, now)).unwrap_or(now).max(now),
                _ => schedule.next(last, now),
            };
            let due = if failures == 0 && last.is_some() { due.checked_add(schedule.spread(now)).unwrap_or(due) } else { due };
            metrics.next(due);
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                () = until(due) => {}
            }
            last = Some(Timestamp::now());
            let begun = last.unwrap_or(now);
            match self.once(begun, &rules, &look).await {
                Ok(None) => break,
                Ok(Some(looks)) => {
                    failures = if looks.iter().any(Looked::good) || looks.is_empty() { 0 } else { failures + 1 };
                    news.notify_waiters();
                }
                // Without a history nothing can be promised any more.
                Err(e) => {
                    error!(error = %e, "the history can't be written: the watch ends");
                    ended = Err(e);
                    stop.cancel();
                    break;
                }
            }
            self.count().await;
        }
        info!("the watch ends");
        while messengers.join_next().await.is_some() {}
        ended.and(history.gather().await)
    }

    /// Looks once, tells what there is to tell, and ends.
    pub async fn run_once(self, look: impl AsyncFn() -> Vec<Looked>) -> Result<Option<Once>> {
        let rules = rules(&self.targets);
        let Some(looks) = self.once(Timestamp::now(), &rules, &look).await? else { return Ok(None) };
        let news = Arc::new(Notify::new());
        let attempted = Arc::new(Notify::new());
        let mut messengers = self.messengers(&news, &attempted);
        let waits = |deliveries: &[(String, State, i64)]| {
            deliveries.iter().any(|(target, state, _)| *state == State::Waiting && rules.iter().any(|rule| rule.target == *target))
        };
        let all_told = async {
            loop {
                // Before the look into the history, so that what comes in between is not missed.
                let attempt = attempted.notified();
                tokio::pin!(attempt);
                attempt.as_mut().enable();
                if !waits(&self.history.deliveries().await?) {
                    return Ok::<_, crate::words::Diagnostics>(());
                }
                attempt.await;
            }
        };
        let told = tokio::select! {
            () = self.stop.cancelled() => false,
            ended = tokio::time::timeout(ONCE, all_told) => ended.ok().transpose()?.is_some(),
        };
        if !told {
            warn!("not everything could be told; the next run with this history tries again");
        }
        self.stop.cancel();
        while messengers.join_next().await.is_some() {}
        self.history.gather().await?;
        let worst = looks.iter().filter_map(|look| look.report.as_ref().ok()?.worst()).max();
        Ok(Some(Once { worst, good: looks.iter().all(Looked::good), told }))
    }

    /// One run, from its first row to its last; none where it was stopped, and then nothing of it counts.
    async fn once(&self, begun: Timestamp, rules: &[Rule], look: &impl AsyncFn() -> Vec<Looked>) -> Result<Option<Vec<Looked>>> {
        let run = self.history.begin(begun).await?;
        let since = Instant::now();
        let looks = tokio::select! {
            biased;
            () = self.stop.cancelled() => {
                self.history.abandon(run, Timestamp::now()).await?;
                info!(run, "the run is given up: the watch was stopped");
                return Ok(None);
            }
            looks = look() => looks,
        };
        self.history.finish(run, &looks, rules, self.all_findings, Timestamp::now()).await?;
        for look in &looks {
            let (stack, workspace) = (&look.stack, &look.workspace);
            match &look.report {
                Ok(report) if !look.good() => {
                    let why = report.gaps.first().map(|gap| format!("{}: {}", gap.kind, gap.reason));
                    warn!(run, %stack, %workspace, gaps = report.gaps.len(), error = why, "can't look");
                }
                Ok(report) => info!(
                    run, %stack, %workspace, findings = report.all().count(), worst = report.worst().map(tracing::field::display),
                    resources = report.resources, calls = report.calls, gaps = report.gaps.len(), seconds = report.seconds, "looked"
                ),
                Err(e) => warn!(run, %stack, %workspace, error = %e, "can't look"),
            }
        }
        self.metrics.ran(&looks, begun, since.elapsed());
        Ok(Some(looks))
    }

    /// One for each target, so that none waits for another.
    fn messengers(&self, news: &Arc<Notify>, attempted: &Arc<Notify>) -> JoinSet<()> {
        let mut messengers = JoinSet::new();
        for target in &self.targets {
            let messenger = Messenger {
                target: target.clone(),
                history: self.history.clone(),
                means: self.means.clone(),
                metrics: self.metrics.clone(),
                news: news.clone(),
                attempted: attempted.clone(),
                stop: self.stop.clone(),
            };
            messengers.spawn(messenger.run());
        }
        messengers
    }

    async fn count(&self) {
        if let Ok(deliveries) = self.history.deliveries().await {
            self.metrics.deliveries(&deliveries);
        }
    }
}

/// Waits for that time on the clock of the wall, which may be set.
async fn until(due: Timestamp) {
    /// A clock that is set back or forward, and a machine that slept, are noticed after that.
    const LOOK: Duration = Duration::from_secs(30);
    while let Ok(left) = Duration::try_from(due.duration_since(Timestamp::now()))
        && !left.is_zero()
    {
        tokio::time::sleep(left.min(LOOK)).await;
    }
}

/// Tells one target, one thing after the other.
struct Messenger {
    target: Target,
    history: Arc<History>,
    means: Arc<Means>,
    metrics: Arc<Metrics>,
    news: Arc<Notify>,
    /// Tells that something was told, or could not be.
    attempted: Arc<Notify>,
    stop: CancellationToken,
}

impl Messenger {
    async fn run(mut self) {
        while !self.stop.is_cancelled() {
            // Before the look into the history, so that what comes in between is not missed.
            let news = self.news.clone();
            let news = news.notified();
            tokio::pin!(news);
            news.as_mut().enable();
            let next = match self.history.next_delivery(&self.target.rule.target).await {
                Ok(next) => next,
                Err(e) => {
                    error!(target = %self.target.rule.target, error = %e, "the history can't be read");
                    None
                }
            };
            let due = next.as_ref().map_or(Timestamp::MAX, |next| next.due);
            if let Some(delivery) = next.filter(|next| next.due <= Timestamp::now()) {
                let told = self.tell(delivery).await;
                self.attempted.notify_waiters();
                if let Err(e) = told {
                    error!(target = %self.target.rule.target, error = %e, "the history can't be written");
                    return;
                }
                continue;
            }
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = news => {}
                () = until(due) => {}
            }
        }
    }

    /// Once begun it comes to its end, so that its outcome is known.
    async fn tell(&mut self, delivery: Delivery) -> Result<()> {
        self.history.sending(&delivery.id).await?;
        let told = self.target.tell(&delivery, &self.history, &self.means).await;
        let (now, name, attempt) = (Timestamp::now(), self.target.rule.target.clone(), delivery.attempts + 1);
        let good = told.is_ok();
        match told {
            Ok(()) => {
                self.history.sent(&delivery.id, now).await?;
                info!(target = %name, stack = %delivery.stack, findings = delivery.news.len(), delivery = %delivery.id, attempt, "told");
            }
            Err(why) => {
                let wait =
                    ExponentialBuilder::new().with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT).with_jitter().without_max_times();
                let wait = wait.build().nth(delivery.attempts as usize).unwrap_or(LONGEST_WAIT);
                let again = (now.duration_since(delivery.created) < GIVE_UP).then(|| now.checked_add(wait).unwrap_or(now));
                self.history.unsent(&delivery.id, &why, again, now).await?;
                let wait = again.map(|_| wait.as_secs_f64());
                warn!(target = %name, stack = %delivery.stack, delivery = %delivery.id, attempt, error = %why, again_in_seconds = wait, "can't tell");
            }
        }
        self.metrics.attempted(&name, good);
        if let Ok(deliveries) = self.history.deliveries().await {
            self.metrics.deliveries(&deliveries);
        }
        Ok(())
    }
}
