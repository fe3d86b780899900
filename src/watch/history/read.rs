//! What the history holds, for those who read it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use super::outbox::{State, finding};
use super::{History, millis, time};
use crate::words::Result;
use crate::words::drift::{Finding, Severity};

/// What was asked for.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// The runs, the newest first.
    pub runs: Vec<Run>,
    /// The findings that were there in that time: those that still are first, the worst first.
    pub findings: Vec<Entry>,
}

/// A run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// Its number.
    pub run: i64,
    /// When it began.
    pub started: Timestamp,
    /// When it ended; never where it is under way.
    pub ended: Option<Timestamp>,
    /// `good`, `partly`, `failed`, `stopped` or `running`.
    pub outcome: String,
    /// A look for each stack.
    pub looks: Vec<Look>,
}

/// A look at one stack.
#[derive(Clone, Debug, Serialize)]
pub struct Look {
    /// The stack.
    pub stack: String,
    /// Its workspace.
    pub workspace: String,
    /// `good` or `failed`.
    pub outcome: String,
    /// How long it took.
    pub seconds: f64,
    /// How many resources were looked at.
    pub resources: i64,
    /// How many calls it cost.
    pub calls: i64,
    /// How many findings there were.
    pub findings: i64,
    /// How many parts could not be looked at.
    pub gaps: usize,
    /// Why it failed; empty where it did not.
    pub error: String,
}

/// A finding and its life.
#[derive(Clone, Debug, Serialize)]
pub struct Entry {
    /// Its number.
    pub id: i64,
    /// The stack.
    pub stack: String,
    /// Its workspace.
    pub workspace: String,
    /// When it was first seen.
    pub first_seen: Timestamp,
    /// When it was last seen.
    pub last_seen: Timestamp,
    /// When it was over.
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub ending: Option<Ending>,
    /// Who was told.
    pub told: Vec<Told>,
    /// What was found.
    pub finding: Finding,
}

/// How a finding ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// It is in order again.
    Resolved,
    /// It changed further: another finding took its place.
    Changed,
    /// A rule of the stack leaves it alone now.
    Ignored,
}

/// That somebody was told of a finding.
#[derive(Clone, Debug, Serialize)]
pub struct Told {
    /// Who.
    pub target: String,
    /// When; not yet, or never, where there is no time.
    pub at: Option<Timestamp>,
    /// Why not, where the last attempt failed.
    pub error: String,
}

impl History {
    /// Runs and findings since that time, of all stacks or of one.
    pub async fn page(&self, stack: Option<&str>, since: Timestamp) -> Result<Page> {
        let read = async {
            let mut db = self.db.lock().await;
            let looks = sqlx::query(
                "SELECT l.* FROM looks l JOIN runs r ON r.id = l.run WHERE r.started >= ? AND (? IS NULL OR stack = ?) ORDER BY l.stack",
            );
            let looks = looks.bind(millis(since)).bind(stack).bind(stack).fetch_all(&mut *db).await?;
            let mut of_run: BTreeMap<i64, Vec<Look>> = BTreeMap::new();
            for row in &looks {
                of_run.entry(row.get("run")).or_default().push(look(row));
            }
            let runs = sqlx::query("SELECT id, started, ended, outcome FROM runs WHERE started >= ? ORDER BY id DESC").bind(millis(since));
            let runs = runs.fetch_all(&mut *db).await?.into_iter().map(|row| Run {
                run: row.get(0),
                started: time(row.get(1)),
                ended: row.get::<Option<i64>, _>(2).map(time),
                outcome: row.get(3),
                looks: of_run.remove(&row.get(0)).unwrap_or_default(),
            });
            let runs = runs.filter(|run| stack.is_none() || !run.looks.is_empty()).collect();
            let told = sqlx::query(
                "SELECT t.finding, t.target, d.state, d.ended, d.error FROM told t JOIN deliveries d ON d.id = t.delivery
                 JOIN findings f ON f.id = t.finding WHERE t.news = 'found' AND (f.ended IS NULL OR f.ended >= ?) ORDER BY t.target",
            );
            let mut who: BTreeMap<i64, Vec<Told>> = BTreeMap::new();
            for row in told.bind(millis(since)).fetch_all(&mut *db).await? {
                let sent = row.get::<&str, _>(2) == "sent";
                let at = row.get::<Option<i64>, _>(3).filter(|_| sent).map(time);
                who.entry(row.get(0)).or_default().push(Told { target: row.get(1), at, error: row.get(4) });
            }
            let findings = sqlx::query(
                "SELECT * FROM findings WHERE (ended IS NULL OR ended >= ?) AND (? IS NULL OR stack = ?)
                 ORDER BY ended IS NOT NULL, CASE WHEN ended IS NULL THEN severity END DESC, ended DESC, severity DESC, stack, address",
            );
            let findings = findings.bind(millis(since)).bind(stack).bind(stack).fetch_all(&mut *db).await?;
            let findings = findings.iter().filter_map(|row| entry(row, who.remove(&row.get("id")).unwrap_or_default())).collect();
            Ok(Page { runs, findings })
        };
        read.await.map_err(|e: sqlx::Error| self.failed(&e).into())
    }

    /// The stacks that were ever looked at.
    pub async fn stacks(&self) -> Result<Vec<String>> {
        let mut db = self.db.lock().await;
        let stacks = sqlx::query_scalar("SELECT DISTINCT stack FROM looks ORDER BY stack").fetch_all(&mut *db).await;
        Ok(stacks.map_err(|e| self.failed(&e))?)
    }

    /// When the last run began that came to an end, and the last that was good.
    pub async fn last(&self) -> Result<(Option<Timestamp>, Option<Timestamp>)> {
        let mut db = self.db.lock().await;
        let query =
            "SELECT max(started), max(CASE WHEN outcome = 'good' THEN started END) FROM runs WHERE outcome NOT IN ('stopped', 'running')";
        let row = sqlx::query(query).fetch_one(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok((row.get::<Option<i64>, _>(0).map(time), row.get::<Option<i64>, _>(1).map(time)))
    }

    /// How many runs in a row, up to now, failed.
    pub async fn failures(&self) -> Result<u32> {
        let mut db = self.db.lock().await;
        let query = "SELECT count(*) FROM runs WHERE outcome = 'failed' AND id > (SELECT coalesce(max(id), 0) FROM runs WHERE outcome IN ('good', 'partly'))";
        let count = sqlx::query_scalar(query).fetch_one(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(count)
    }

    /// What is open at a stack, the worst first, from that severity on.
    pub async fn open_findings(&self, stack: &str, workspace: &str, severity: Severity) -> Result<Vec<Entry>> {
        let mut db = self.db.lock().await;
        let query = sqlx::query(
            "SELECT * FROM findings WHERE stack = ? AND workspace = ? AND ended IS NULL AND severity >= ? ORDER BY severity DESC, address",
        );
        let rows = query.bind(stack).bind(workspace).bind(severity as i64).fetch_all(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(rows.iter().filter_map(|row| entry(row, vec![])).collect())
    }

    /// How many deliveries there are, by target and state.
    pub async fn deliveries(&self) -> Result<Vec<(String, State, i64)>> {
        let mut db = self.db.lock().await;
        let query = sqlx::query(
            "SELECT target, CASE WHEN ended IS NULL THEN 'waiting' ELSE state END AS how, count(*) FROM deliveries GROUP BY 1, 2",
        );
        let rows = query.fetch_all(&mut *db).await.map_err(|e| self.failed(&e))?;
        let state = |word: &str| match word {
            "sent" => State::Sent,
            "failed" => State::Failed,
            _ => State::Waiting,
        };
        Ok(rows.iter().map(|row| (row.get(0), state(row.get(1)), row.get(2))).collect())
    }
}

fn look(row: &SqliteRow) -> Look {
    let gaps: Vec<serde_json::Value> = serde_json::from_str(row.get("gaps")).unwrap_or_default();
    Look {
        stack: row.get("stack"),
        workspace: row.get("workspace"),
        outcome: row.get("outcome"),
        seconds: row.get("seconds"),
        resources: row.get("resources"),
        calls: row.get("calls"),
        findings: row.get("findings"),
        gaps: gaps.len(),
        error: row.get("error"),
    }
}

fn entry(row: &SqliteRow, told: Vec<Told>) -> Option<Entry> {
    let ending = row.get::<Option<&str>, _>("ending").map(|word| match word {
        "changed" => Ending::Changed,
        "ignored" => Ending::Ignored,
        _ => Ending::Resolved,
    });
    Some(Entry {
        id: row.get("id"),
        stack: row.get("stack"),
        workspace: row.get("workspace"),
        first_seen: time(row.get("first_seen")),
        last_seen: time(row.get("last_seen")),
        ended: row.get::<Option<i64>, _>("ended").map(time),
        ending,
        told,
        finding: finding(row.get("finding"), row.get("in_order"))?,
    })
}
