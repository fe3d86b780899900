//! What is to be told to whom: written in one transaction with what it is about, and sent after.
//!
//! A delivery is `waiting`, then `sending` from just before the call until its outcome is written. Where the process died in between nobody
//! knows the outcome: it is `unknown`, and is sent again under the same id, by which the other end can tell that it is the same.

use jiff::Timestamp;
use sqlx::{Row, SqliteConnection};

use super::{History, Looked, millis, time};
use crate::words::Result;
use crate::words::drift::{Finding, Severity};

/// Who is to be told what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The target's name.
    pub target: String,
    /// Findings that are less bad are not told.
    pub severity: Severity,
    /// Whether the end of a finding is told, too.
    pub resolved: bool,
}

/// How it is with a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It arrived.
    Sent,
    /// It will be tried, or tried again.
    Waiting,
    /// It was given up.
    Failed,
}

/// What is told of a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum News {
    /// It is there.
    Found,
    /// It is still there.
    Still,
    /// It is over.
    Resolved,
}

impl News {
    fn of(word: &str) -> Self {
        match word {
            "found" => Self::Found,
            "still" => Self::Still,
            _ => Self::Resolved,
        }
    }
}

/// Something to be told.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The same however often it is tried.
    pub id: String,
    /// About that stack.
    pub stack: String,
    /// In that workspace.
    pub workspace: String,
    /// In that account, where it is known.
    pub account: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// Whether it may have arrived already.
    pub repeated: bool,
    /// Since when it waits.
    pub created: Timestamp,
    /// When it is to be tried.
    pub due: Timestamp,
    /// What it says.
    pub news: Vec<(News, Finding)>,
}

/// Puts what that target does not know of the stack into the outbox, as one delivery.
pub(super) async fn enqueue(
    db: &mut SqliteConnection,
    run: i64,
    look: &Looked,
    rule: &Rule,
    all: bool,
    now: Timestamp,
) -> sqlx::Result<()> {
    let open = sqlx::query(
        "SELECT f.id, CASE WHEN t.finding IS NULL THEN 'found' ELSE 'still' END
         FROM findings f LEFT JOIN told t ON t.finding = f.id AND t.target = ? AND t.news = 'found'
         WHERE f.stack = ? AND f.workspace = ? AND f.ended IS NULL AND f.severity >= ? AND (? OR t.finding IS NULL)
         ORDER BY f.severity DESC, f.address",
    );
    let open = open.bind(&rule.target).bind(&look.stack).bind(&look.workspace).bind(rule.severity as i64).bind(all);
    let mut news: Vec<(i64, String)> = open.fetch_all(&mut *db).await?.iter().map(|row| (row.get(0), row.get(1))).collect();
    if rule.resolved {
        // What has changed further is told as what it is now, where that is bad enough.
        let over = sqlx::query(
            "SELECT f.id FROM findings f JOIN told t ON t.finding = f.id AND t.target = ? AND t.news = 'found'
             WHERE f.stack = ? AND f.workspace = ? AND f.ended IS NOT NULL
             AND NOT EXISTS (SELECT 1 FROM told d WHERE d.finding = f.id AND d.target = t.target AND d.news = 'resolved')
             AND (f.ending <> 'changed' OR NOT EXISTS (SELECT 1 FROM findings s WHERE s.stack = f.stack AND s.workspace = f.workspace
                  AND s.address = f.address AND s.first_run > f.last_run AND s.severity >= ?))
             ORDER BY f.address",
        );
        let over = over.bind(&rule.target).bind(&look.stack).bind(&look.workspace).bind(rule.severity as i64);
        news.extend(over.fetch_all(&mut *db).await?.iter().map(|row| (row.get(0), "resolved".to_owned())));
    }
    if news.is_empty() {
        return Ok(());
    }
    let id = uuid::Uuid::new_v4().to_string();
    let delivery = sqlx::query(
        "INSERT INTO deliveries (id, target, run, stack, workspace, state, attempts, created, due, error)
         VALUES (?, ?, ?, ?, ?, 'waiting', 0, ?, ?, '')",
    );
    let delivery = delivery.bind(&id).bind(&rule.target).bind(run).bind(&look.stack).bind(&look.workspace);
    delivery.bind(millis(now)).bind(millis(now)).execute(&mut *db).await?;
    for (finding, word) in news {
        let told = sqlx::query("INSERT INTO told (delivery, target, finding, news) VALUES (?, ?, ?, ?)").bind(&id).bind(&rule.target);
        told.bind(finding).bind(word).execute(&mut *db).await?;
    }
    Ok(())
}

impl History {
    /// What that target is to be told next: one after the other, in the order in which it came about.
    pub async fn next_delivery(&self, target: &str) -> Result<Option<Delivery>> {
        let mut db = self.db.lock().await;
        let found = async {
            let next = sqlx::query(
                "SELECT id, stack, workspace, attempts, state, created, due,
                 (SELECT account FROM looks l WHERE l.run = d.run AND l.stack = d.stack AND l.workspace = d.workspace) AS account
                 FROM deliveries d WHERE target = ? AND ended IS NULL ORDER BY run, rowid LIMIT 1",
            );
            let Some(row) = next.bind(target).fetch_optional(&mut *db).await? else { return Ok(None) };
            let id: String = row.get("id");
            let news = sqlx::query(
                "SELECT t.news, f.finding, f.in_order FROM told t JOIN findings f ON f.id = t.finding WHERE t.delivery = ? ORDER BY t.rowid",
            );
            let news = news.bind(&id).fetch_all(&mut *db).await?;
            let news = news.iter().filter_map(|row| Some((News::of(row.get(0)), finding(row.get(1), row.get(2))?))).collect();
            Ok(Some(Delivery {
                id,
                stack: row.get("stack"),
                workspace: row.get("workspace"),
                account: row.get("account"),
                attempts: row.get("attempts"),
                repeated: row.get::<&str, _>("state") == "unknown",
                created: time(row.get("created")),
                due: time(row.get("due")),
                news,
            }))
        };
        found.await.map_err(|e| self.failed(&e).into())
    }

    /// It is about to be sent.
    pub async fn sending(&self, id: &str) -> Result<()> {
        let query = sqlx::query("UPDATE deliveries SET state = 'sending', attempts = attempts + 1 WHERE id = ?").bind(id);
        self.execute(query).await
    }

    /// It arrived.
    pub async fn sent(&self, id: &str, now: Timestamp) -> Result<()> {
        let query = sqlx::query("UPDATE deliveries SET state = 'sent', ended = ?, error = '' WHERE id = ?").bind(millis(now)).bind(id);
        self.execute(query).await
    }

    /// It did not arrive, and is tried again then; or never, where no time is given.
    pub async fn unsent(&self, id: &str, why: &str, again: Option<Timestamp>, now: Timestamp) -> Result<()> {
        let query = match again {
            Some(again) => {
                sqlx::query("UPDATE deliveries SET state = 'waiting', error = ?, due = ? WHERE id = ?").bind(why).bind(millis(again))
            }
            None => sqlx::query("UPDATE deliveries SET state = 'failed', error = ?, ended = ? WHERE id = ?").bind(why).bind(millis(now)),
        };
        self.execute(query.bind(id)).await
    }

    /// The issue that tells that target of the stack.
    pub async fn issue(&self, target: &str, stack: &str, workspace: &str) -> Result<Option<u64>> {
        let mut db = self.db.lock().await;
        let query = sqlx::query_scalar("SELECT number FROM issues WHERE target = ? AND stack = ? AND workspace = ?");
        let number = query.bind(target).bind(stack).bind(workspace).fetch_optional(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(number.and_then(|number: i64| u64::try_from(number).ok()))
    }

    /// Remembers it.
    pub async fn remember_issue(&self, target: &str, stack: &str, workspace: &str, number: u64) -> Result<()> {
        let query = sqlx::query("INSERT OR REPLACE INTO issues (target, stack, workspace, number) VALUES (?, ?, ?, ?)");
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.execute(query.bind(target).bind(stack).bind(workspace).bind(number)).await
    }

    async fn execute(&self, query: sqlx::query::Query<'_, sqlx::Sqlite, sqlx::sqlite::SqliteArguments>) -> Result<()> {
        let mut db = self.db.lock().await;
        query.execute(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(())
    }
}

/// A finding as it was kept; none where a later version wrote what this one can't read.
pub(super) fn finding(json: &str, in_order: Option<i64>) -> Option<Finding> {
    let mut finding: Finding = serde_json::from_str(json).ok()?;
    finding.in_order = in_order.map(time);
    Some(finding)
}
