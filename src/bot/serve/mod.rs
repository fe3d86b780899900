//! The server: a webhook answers at once and puts what it says into the queue; workers take it from there. Nothing is lost when it is
//! killed: what was begun is still in the queue, and is done again by whoever comes next.

mod apply;
mod ask;
mod heed;
mod metrics;
mod plan;
mod tell;
mod web;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, error, info, info_span, warn};

use super::checkout::Checkouts;
use super::forge::{Forge, Refusal};
use super::run::Runner;
use super::store::{Job, LEASE, Store, Work};
use crate::words::Diagnostics;

pub use metrics::Metrics;
pub use web::{BODY, listen, measure, serve};

/// How often another server's jobs are looked for.
const LOOK: Duration = Duration::from_secs(1);
/// The waits before what failed is tried again, the first and the longest.
const WAITS: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(600));
/// After which it is given up.
const GIVE_UP: SignedDuration = SignedDuration::from_hours(24);

/// What a server works with.
pub struct Server {
    /// What it remembers.
    pub store: Store,
    /// Where code is reviewed.
    pub forge: Box<dyn Forge>,
    /// Where it is checked out.
    pub checkouts: Checkouts,
    /// How it is planned; the states of a repository lie in a folder of its name.
    pub runner: Runner,
    /// Where plans and records of applies lie.
    pub data: PathBuf,
    /// What webhooks are signed with.
    pub secret: Vec<u8>,
    /// Who claims jobs: a name of this process's own.
    pub owner: String,
    /// Where modules of stacks lie that come from elsewhere.
    pub cache: Option<PathBuf>,
    /// What can be seen from outside.
    pub metrics: Metrics,
    /// Ends it.
    pub stop: CancellationToken,
    /// How long applies may go on after that, before they are left to themselves.
    pub grace: Duration,
}

/// Why a job was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Trouble {
    /// It may be, later.
    Later {
        /// Why.
        why: String,
        /// When to try again, if that is known.
        until: Option<Timestamp>,
    },
    /// It never will be.
    Never(String),
    /// The server is being stopped: another one does it.
    Stopped,
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Later { why, until } => Self::Later { why, until },
            other => Self::Never(other.to_string()),
        }
    }
}

/// Of our own files and our own database.
impl From<Diagnostics> for Trouble {
    fn from(errors: Diagnostics) -> Self {
        Self::Later { why: errors.to_string(), until: None }
    }
}

type Done<T = ()> = Result<T, Trouble>;

impl Server {
    /// Works until it is stopped, on so many jobs at once.
    pub async fn work(self: &Arc<Self>, workers: usize) {
        let mut all = JoinSet::new();
        for _ in 0..workers.max(1) {
            let server = self.clone();
            all.spawn(async move { server.worker().await });
        }
        let server = self.clone();
        let forgetful = tokio::spawn(async move {
            while !server.stop.is_cancelled() {
                server.pause(Duration::from_secs(86_400)).await;
                if let Err(e) = server.store.forget().await {
                    warn!(error = %e, "old deliveries can't be forgotten");
                }
            }
        });
        while let Some(ended) = all.join_next().await {
            if let Err(e) = ended {
                error!(error = %e, "a worker died");
            }
        }
        forgetful.abort();
    }

    async fn worker(self: Arc<Self>) {
        while !self.stop.is_cancelled() {
            match self.store.claim(&self.owner).await {
                Ok(Some(job)) => {
                    // There may be more: wake another one.
                    self.store.bell.notify_one();
                    let span = info_span!("job", id = job.id, delivery = job.delivery, kind = job.work.word());
                    self.clone().attend(job).instrument(span).await;
                }
                Ok(None) => self.idle().await,
                Err(e) => {
                    error!(error = %e, "the queue can't be read");
                    self.pause(LOOK).await;
                }
            }
        }
    }

    /// Waits until there may be something to do.
    async fn idle(&self) {
        let due = self.store.next_due().await.ok().flatten();
        let until = due.map(|due| Duration::try_from(due.duration_since(Timestamp::now())).unwrap_or(LOOK).max(Duration::from_millis(20)));
        let until = if self.store.shared() { Some(until.map_or(LOOK, |until| until.min(LOOK))) } else { until };
        tokio::select! {
            () = self.store.bell.notified() => {}
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(until.unwrap_or(Duration::from_secs(3600))) => {}
        }
    }

    async fn pause(&self, time: Duration) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(time) => {}
        }
    }

    /// Does a job, and says how that went.
    async fn attend(self: Arc<Self>, job: Job) {
        let begun = std::time::Instant::now();
        let alive = self.clone().heartbeat(job.clone());
        // In a task of its own, so that one that panics takes no worker along.
        let (server, doing) = (self.clone(), job.clone());
        let mut task = tokio::spawn(async move { server.perform(&doing).await }.in_current_span());
        // What can be begun anew at any time is not waited for. An apply is: it tells how it ended.
        let stopped = async {
            match &job.work {
                Work::Apply { .. } => std::future::pending().await,
                _ => self.stop.cancelled().await,
            }
        };
        let ended = tokio::select! {
            ended = &mut task => ended.unwrap_or_else(|e| Err(Trouble::Later { why: format!("it panicked: {e}"), until: None })),
            () = stopped => {
                task.abort();
                Err(Trouble::Stopped)
            }
            // Somebody else does it by now.
            () = alive => {
                task.abort();
                warn!("the claim was lost");
                return;
            }
        };
        let outcome = match &ended {
            Ok(()) => "done",
            Err(Trouble::Later { .. }) => "later",
            Err(Trouble::Never(_)) => "failed",
            Err(Trouble::Stopped) => "stopped",
        };
        self.metrics.ended(job.work.word(), outcome, begun.elapsed());
        info!(outcome, seconds = begun.elapsed().as_secs_f64(), "ended");
        let settled = match ended {
            Ok(()) => self.store.done(&job, &self.owner).await,
            Err(Trouble::Later { why, until }) if Timestamp::now().duration_since(job.created) < GIVE_UP => {
                let due = until.unwrap_or_else(|| Timestamp::now() + wait(job.attempts));
                warn!(%why, %due, attempts = job.attempts, "it is tried again");
                self.store.give_back(&job, &self.owner, due, true).await
            }
            Err(Trouble::Later { why, .. } | Trouble::Never(why)) => {
                error!(%why, "it can't be done");
                self.store.done(&job, &self.owner).await
            }
            Err(Trouble::Stopped) => self.store.give_back(&job, &self.owner, Timestamp::now(), false).await,
        };
        if let Err(e) = settled {
            error!(error = %e, "the queue can't be written: it will be done again");
        }
    }

    /// Ends when the claim is lost.
    async fn heartbeat(self: Arc<Self>, job: Job) {
        loop {
            tokio::time::sleep(LEASE / 4).await;
            if matches!(self.store.beat(&job, &self.owner).await, Ok(false)) {
                return;
            }
        }
    }

    /// How a repository's stacks are planned: its states lie in a folder of its own.
    fn runner(&self, repository: &str) -> Runner {
        let states = self.runner.states.as_ref().map(|states| states.join(repository));
        Runner { states, ..self.runner.clone() }
    }

    async fn perform(&self, job: &Job) -> Done {
        match &job.work {
            Work::Heed(event) => self.heed(event, &job.delivery).await,
            Work::Again(pull) => self.look(pull, &job.delivery, true).await,
            Work::Plan { pull, stack, tree } => self.plan(pull, stack, tree, &job.delivery).await,
            Work::Apply { pull, stacks, user } => self.apply(pull, stacks, user, job).await,
            Work::Tell(pull) => self.tell(pull).await,
        }
    }

    /// Finishes, or leaves to others, what is under way. What was claimed and did not end is given back by its own worker.
    pub async fn wind_down(self: &Arc<Self>, workers: tokio::task::JoinHandle<()>) {
        info!(grace = ?self.grace, "no more jobs are begun; applies that are under way may end");
        if tokio::time::timeout(self.grace, workers).await.is_err() {
            warn!("an apply goes on by itself; the next server tells how it ended");
        }
        self.store.close().await;
    }
}

/// The wait after that many attempts.
fn wait(attempts: i64) -> SignedDuration {
    let attempts = usize::try_from(attempts.max(1)).unwrap_or(1);
    let waits = ExponentialBuilder::default().with_min_delay(WAITS.0).with_max_delay(WAITS.1).with_factor(2.0).without_max_times();
    let wait = waits.with_jitter().build().nth(attempts.min(20) - 1).unwrap_or(WAITS.1);
    SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_secs(60))
}
