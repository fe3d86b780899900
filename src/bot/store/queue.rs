//! The queue. Jobs of one lane are done in the order in which they came, one at a time; lanes beside each other. A job stays in it until it
//! is done: whoever does it holds a lease, and when that runs out another one does it.

use std::collections::BTreeMap;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{AssertSqlSafe, Row as _};
use tokio::sync::oneshot;

use super::{Store, now, number, told};
use crate::bot::forge::{Event, PullId};
use crate::words::{Diagnostic, Result};

/// How long a claim holds without a heartbeat.
pub const LEASE: Duration = Duration::from_secs(60);
/// How long a delivery is known: nobody sends one again after days.
const KNOWN: Duration = Duration::from_secs(7 * 86_400);

/// What there is to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Something happened: find out what follows of it.
    Heed(Event),
    /// Find the stacks of a pull request again, and plan them, even if nothing has changed.
    Again(PullId),
    /// Plan that stack of a pull request, as its files are in that tree.
    Plan {
        /// Whose.
        pull: PullId,
        /// Which.
        stack: String,
        /// Of which commits.
        tree: String,
    },
    /// Apply the plans of these stacks, one after the other.
    Apply {
        /// Whose.
        pull: PullId,
        /// Which, the next one first.
        stacks: Vec<String>,
        /// Who wants it.
        user: String,
    },
    /// Bring the comment, the labels and the check up to date.
    Tell(PullId),
}

impl Work {
    /// In a word, for logs and metrics.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Heed(_) => "heed",
            Self::Again(_) => "again",
            Self::Plan { .. } => "plan",
            Self::Apply { .. } => "apply",
            Self::Tell(_) => "tell",
        }
    }

    /// What it must not overtake.
    #[must_use]
    pub fn lane(&self) -> String {
        match self {
            Self::Heed(event) => match event {
                Event::Changed(pull) | Event::Ended(pull) | Event::Said { pull, .. } => pull.repository.clone(),
                Event::Pushed { repository, .. } => repository.clone(),
                Event::Ignored(_) => String::new(),
            },
            Self::Again(pull) => pull.repository.clone(),
            Self::Plan { pull, stack, .. } => format!("{}:{stack}", pull.repository),
            Self::Apply { pull, stacks, .. } => format!("{}:{}", pull.repository, stacks.first().map_or("", String::as_str)),
            Self::Tell(pull) => format!("{}#{}", pull.repository, pull.number),
        }
    }
}

/// A job that was claimed.
#[derive(Clone, Debug)]
pub struct Job {
    /// Its number, in the order of arrival.
    pub id: i64,
    /// What is to be done.
    pub work: Work,
    /// The delivery that it came of.
    pub delivery: String,
    /// The how-manieth attempt this is.
    pub attempts: i64,
    /// When it came.
    pub created: Timestamp,
}

/// A delivery that waits to be written.
pub(super) struct Delivered {
    id: String,
    work: Work,
    told: oneshot::Sender<bool>,
}

/// How full the queue is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    /// How many jobs of each kind are not done.
    pub jobs: BTreeMap<&'static str, i64>,
    /// When the oldest of them came.
    pub oldest: Option<Timestamp>,
}

impl Store {
    /// Takes what a delivery says into the queue, unless the delivery came before. Both are there for good, or neither. What comes while
    /// others are being written is written together with what comes besides.
    pub async fn deliver(&self, delivery: &str, event: Event) -> Result<bool> {
        let (told, fresh) = oneshot::channel();
        let new = Delivered { id: delivery.to_owned(), work: Work::Heed(event), told };
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner).push(new);
        // Whoever gets in writes for all that wait; they find theirs written when they get in.
        let writing = self.writing.lock().await;
        let all = std::mem::take(&mut *self.incoming.lock().unwrap_or_else(PoisonError::into_inner));
        if !all.is_empty() {
            self.write(all).await.map_err(|e| super::told(&e))?;
            self.bell.notify_one();
        }
        drop(writing);
        fresh.await.map_err(|_| Diagnostic::error("the bot's database could not be written").into())
    }

    async fn write(&self, new: Vec<Delivered>) -> sqlx::Result<()> {
        let mut all = self.pool.begin().await?;
        let mut fresh = vec![];
        for Delivered { id, work, .. } in &new {
            let insert_id = sqlx::query("INSERT INTO deliveries (id, received) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING");
            let is_fresh = insert_id.bind(id.clone()).bind(now()).execute(&mut *all).await?.rows_affected() == 1;
            if is_fresh {
                insert(work, id, now()).execute(&mut *all).await?;
            }
            fresh.push(is_fresh);
        }
        all.commit().await?;
        for (Delivered { told, .. }, fresh) in new.into_iter().zip(fresh) {
            // Whoever hung up meanwhile sends it again, and then it came before.
            let _gone = told.send(fresh);
        }
        Ok(())
    }

    /// Forgets deliveries that nobody sends again.
    pub async fn forget(&self) -> Result<()> {
        let old = now() - i64::try_from(KNOWN.as_millis()).unwrap_or(i64::MAX);
        sqlx::query("DELETE FROM deliveries WHERE received < $1").bind(old).execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// Takes more work into the queue.
    pub async fn add(&self, work: &Work, delivery: &str) -> Result<()> {
        insert(work, delivery, now()).execute(&self.pool).await.map_err(|e| told(&e))?;
        self.bell.notify_one();
        Ok(())
    }

    /// The same, unless such a job waits already: what it will tell includes this.
    pub async fn add_once(&self, work: &Work, delivery: &str) -> Result<()> {
        let lane = work.lane();
        let waits = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM jobs WHERE lane = $1 AND owner IS NULL AND attempts = 0");
        if waits.bind(lane).fetch_one(&self.pool).await.map_err(|e| told(&e))? == 0 {
            self.add(work, delivery).await?;
        }
        Ok(())
    }

    /// Claims the oldest job that can be done now.
    pub async fn claim(&self, owner: &str) -> Result<Option<Job>> {
        let skip = if self.postgres { "FOR UPDATE SKIP LOCKED" } else { "" };
        let sql = format!(
            "UPDATE jobs SET owner = $1, lease = $2, attempts = attempts + 1 WHERE id = (
                SELECT j.id FROM jobs j WHERE j.due <= $3 AND (j.owner IS NULL OR j.lease < $3)
                AND NOT EXISTS (SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.id < j.id)
                ORDER BY j.id LIMIT 1 {skip})
            RETURNING id, work, delivery, attempts, created"
        );
        let claimed = sqlx::query(AssertSqlSafe(sql)).bind(owner).bind(lease()).bind(now());
        let row = claimed.fetch_optional(&self.pool).await.map_err(|e| told(&e))?;
        row.map(|row| job(&row).map_err(|e| told(&e).into())).transpose()
    }

    /// When the next job is due that nobody does; `None` if there is none.
    pub async fn next_due(&self) -> Result<Option<Timestamp>> {
        let sql = "SELECT min(CASE WHEN j.owner IS NULL THEN j.due ELSE j.lease END) FROM jobs j
            WHERE NOT EXISTS (SELECT 1 FROM jobs o WHERE o.lane = j.lane AND o.id < j.id)";
        let due: Option<i64> = sqlx::query_scalar(sql).fetch_one(&self.pool).await.map_err(|e| told(&e))?;
        Ok(due.and_then(|due| Timestamp::from_millisecond(due).ok()))
    }

    /// Says that it is still being done; `false` if somebody else does it by now.
    pub async fn beat(&self, job: &Job, owner: &str) -> Result<bool> {
        let beat = sqlx::query("UPDATE jobs SET lease = $1 WHERE id = $2 AND owner = $3").bind(lease()).bind(job.id).bind(owner);
        Ok(beat.execute(&self.pool).await.map_err(|e| told(&e))?.rows_affected() == 1)
    }

    /// It is done.
    pub async fn done(&self, job: &Job, owner: &str) -> Result<()> {
        let done = sqlx::query("DELETE FROM jobs WHERE id = $1 AND owner = $2").bind(job.id).bind(owner);
        done.execute(&self.pool).await.map_err(|e| told(&e))?;
        // What waited in its lane can be done now.
        self.bell.notify_one();
        Ok(())
    }

    /// Gives it back, to be done from then on; as if it had not been tried, where it was not.
    pub async fn give_back(&self, job: &Job, owner: &str, due: Timestamp, tried: bool) -> Result<()> {
        let back = sqlx::query("UPDATE jobs SET owner = NULL, due = $1, attempts = attempts - $2 WHERE id = $3 AND owner = $4");
        let back = back.bind(due.as_millisecond()).bind(i64::from(!tried)).bind(job.id).bind(owner);
        back.execute(&self.pool).await.map_err(|e| told(&e))?;
        self.bell.notify_one();
        Ok(())
    }

    /// How full it is.
    pub async fn waiting(&self) -> Result<Waiting> {
        let rows = sqlx::query("SELECT work, created FROM jobs").fetch_all(&self.pool).await.map_err(|e| told(&e))?;
        let mut waiting = Waiting::default();
        for row in rows {
            let work: String = row.try_get(0).map_err(|e| told(&e))?;
            let created: i64 = row.try_get(1).map_err(|e| told(&e))?;
            if let Ok(work) = serde_json::from_str::<Work>(&work) {
                *waiting.jobs.entry(work.word()).or_default() += 1;
            }
            let created = Timestamp::from_millisecond(created).ok();
            waiting.oldest = waiting.oldest.min(created).or(created);
        }
        Ok(waiting)
    }

    /// Frees what dead servers had claimed.
    pub(super) async fn reclaim(&self) -> Result<()> {
        sqlx::query("UPDATE jobs SET owner = NULL WHERE owner IS NOT NULL").execute(&self.pool).await.map_err(|e| told(&e))?;
        Ok(())
    }

    /// Whether jobs can come in by others.
    #[must_use]
    pub const fn shared(&self) -> bool {
        self.postgres
    }
}

fn insert<'q>(work: &Work, delivery: &str, due: i64) -> sqlx::query::Query<'q, sqlx::Any, sqlx::any::AnyArguments> {
    let sql = "INSERT INTO jobs (lane, work, delivery, attempts, created, due, lease) VALUES ($1, $2, $3, 0, $4, $4, 0)";
    let text = serde_json::to_string(work).unwrap_or_default();
    sqlx::query(sql).bind(work.lane()).bind(text).bind(delivery.to_owned()).bind(due)
}

fn lease() -> i64 {
    now() + i64::try_from(LEASE.as_millis()).unwrap_or(0)
}

fn job(row: &AnyRow) -> sqlx::Result<Job> {
    let work: String = row.try_get("work")?;
    let work = serde_json::from_str(&work).map_err(|e| sqlx::Error::Decode(e.into()))?;
    let created: i64 = row.try_get("created")?;
    Ok(Job {
        id: row.try_get("id")?,
        work,
        delivery: row.try_get("delivery")?,
        attempts: row.try_get("attempts")?,
        created: Timestamp::from_millisecond(created).unwrap_or(Timestamp::UNIX_EPOCH),
    })
}

/// A number of a pull request as databases have it.
pub(super) fn key(pull: &PullId) -> (String, i64) {
    (pull.repository.clone(), number(pull.number))
}
