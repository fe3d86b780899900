//! What a run found becomes history.

use std::collections::BTreeSet;

use jiff::Timestamp;
use sqlx::{Connection, Row, SqliteConnection};

use super::outbox::{self, Rule};
use super::{History, Looked, millis};
use crate::words::Result;
use crate::words::drift::{Finding, Gap, Report, What};

impl History {
    /// A run begins.
    pub async fn begin(&self, now: Timestamp) -> Result<i64> {
        let mut db = self.db.lock().await;
        let run = sqlx::query("INSERT INTO runs (started, outcome) VALUES (?, 'running')").bind(millis(now)).execute(&mut *db).await;
        Ok(run.map_err(|e| self.failed(&e))?.last_insert_rowid())
    }

    /// A run is given up: nothing of it counts.
    pub async fn abandon(&self, run: i64, now: Timestamp) -> Result<()> {
        let mut db = self.db.lock().await;
        let ended = sqlx::query("UPDATE runs SET ended = ?, outcome = 'stopped' WHERE id = ?").bind(millis(now)).bind(run);
        ended.execute(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(())
    }

    /// What a process that died left open: its run is over, and nobody knows whether what it was sending has arrived.
    pub(super) async fn settle(&self, now: Timestamp) -> Result<()> {
        let mut db = self.db.lock().await;
        let runs = sqlx::query("UPDATE runs SET ended = ?, outcome = 'stopped' WHERE outcome = 'running'").bind(millis(now));
        runs.execute(&mut *db).await.map_err(|e| self.failed(&e))?;
        let sending = sqlx::query("UPDATE deliveries SET state = 'unknown' WHERE state = 'sending'");
        sending.execute(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(())
    }

    /// A run has ended: all that it says becomes history at once, with what is to be told of it. `all`: what was told already is told again.
    pub async fn finish(&self, run: i64, looks: &[Looked], rules: &[Rule], all: bool, now: Timestamp) -> Result<()> {
        let mut db = self.db.lock().await;
        let ended = async {
            let mut tx = db.begin().await?;
            for look in looks {
                enter(&mut tx, run, look, now).await?;
                if look.good() {
                    for rule in rules {
                        outbox::enqueue(&mut tx, run, look, rule, all, now).await?;
                    }
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
            let ended = sqlx::query("UPDATE runs SET ended = ?, outcome = ? WHERE id = ?").bind(millis(now)).bind(outcome).bind(run);
            ended.execute(&mut *tx).await?;
            tx.commit().await
        };
        ended.await.map_err(|e| self.failed(&e).into())
    }
}

async fn enter(db: &mut SqliteConnection, run: i64, look: &Looked, now: Timestamp) -> sqlx::Result<()> {
    let row = sqlx::query(
        "INSERT INTO looks (run, stack, workspace, account, started, seconds, outcome, resources, calls, findings, gaps, error)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let row = row.bind(run).bind(&look.stack).bind(&look.workspace);
    let outcome = if look.good() { "good" } else { "failed" };
    let row = match &look.report {
        Ok(report) => {
            let number = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
            let row = row.bind(&report.account).bind(millis(report.started)).bind(report.seconds).bind(outcome);
            let row = row.bind(number(report.resources)).bind(i64::try_from(report.calls).unwrap_or(i64::MAX));
            row.bind(number(report.all().count())).bind(json(&report.gaps)).bind("")
        }
        Err(error) => {
            let row = row.bind(None::<String>).bind(millis(now)).bind(0.0).bind(outcome);
            row.bind(0).bind(0).bind(0).bind("[]").bind(error.to_string())
        }
    };
    row.execute(&mut *db).await?;
    if let Ok(report) = &look.report
        && look.good()
    {
        for finding in report.all() {
            seen(db, run, look, report, finding).await?;
        }
        close(db, run, look, report).await?;
    }
    Ok(())
}

async fn seen(db: &mut SqliteConnection, run: i64, look: &Looked, report: &Report, finding: &Finding) -> sqlx::Result<()> {
    let (at, severity, fingerprint) = (millis(report.started), finding.severity as i64, finding.fingerprint());
    let known = sqlx::query(
        "UPDATE findings SET last_run = ?, last_seen = ?, severity = ?, finding = ?
         WHERE stack = ? AND workspace = ? AND fingerprint = ? AND ended IS NULL",
    );
    let known = known.bind(run).bind(at).bind(severity).bind(json(finding));
    if known.bind(&look.stack).bind(&look.workspace).bind(&fingerprint).execute(&mut *db).await?.rows_affected() > 0 {
        return Ok(());
    }
    // What the finding itself knows is the last apply; a look since then knows better.
    let in_order = in_order(db, run, look, finding).await?.max(finding.in_order.map(millis));
    let new = sqlx::query(
        "INSERT INTO findings
         (stack, workspace, fingerprint, address, severity, first_run, last_run, first_seen, last_seen, in_order, finding)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    );
    let new = new.bind(&look.stack).bind(&look.workspace).bind(fingerprint).bind(&finding.address).bind(severity);
    new.bind(run).bind(run).bind(at).bind(at).bind(in_order).bind(json(finding)).execute(&mut *db).await?;
    Ok(())
}

/// When the resource was last looked at and was in order.
async fn in_order(db: &mut SqliteConnection, run: i64, look: &Looked, finding: &Finding) -> sqlx::Result<Option<i64>> {
    let before = sqlx::query(
        "SELECT last_run, in_order FROM findings WHERE stack = ? AND workspace = ? AND address = ? ORDER BY last_run DESC LIMIT 1",
    );
    let before = before.bind(&look.stack).bind(&look.workspace).bind(&finding.address).fetch_optional(&mut *db).await?;
    let (since, earlier) = before.map_or((0, None), |row| (row.get::<i64, _>(0), row.get::<Option<i64>, _>(1)));
    let looks = sqlx::query(
        "SELECT started, gaps FROM looks WHERE stack = ? AND workspace = ? AND run < ? AND run > ? AND outcome = 'good'
         ORDER BY run DESC LIMIT 100",
    );
    let looks = looks.bind(&look.stack).bind(&look.workspace).bind(run).bind(since).fetch_all(db).await?;
    let clean = looks.iter().find(|row| {
        let gaps: Vec<Gap> = serde_json::from_str(&row.get::<String, _>(1)).unwrap_or_default();
        !gaps.iter().any(|gap| hides(gap, finding))
    });
    Ok(clean.map(|row| row.get(0)).or(earlier))
}

/// Whether a gap leaves open how it is with that resource.
fn hides(gap: &Gap, finding: &Finding) -> bool {
    gap.kind == finding.kind && (finding.what == What::Unmanaged || gap.addresses.is_empty() || gap.addresses.contains(&finding.address))
}

/// Findings that this look no longer has are over, unless it could not see.
async fn close(db: &mut SqliteConnection, run: i64, look: &Looked, report: &Report) -> sqlx::Result<()> {
    let open = sqlx::query("SELECT id, finding FROM findings WHERE stack = ? AND workspace = ? AND ended IS NULL AND last_run <> ?");
    let open = open.bind(&look.stack).bind(&look.workspace).bind(run).fetch_all(&mut *db).await?;
    let here: BTreeSet<&str> = report.all().map(|finding| finding.address.as_str()).collect();
    for row in open {
        // What can't be read any more is over, too.
        let finding: Option<Finding> = serde_json::from_str(&row.get::<String, _>(1)).ok();
        let ending = match &finding {
            Some(finding) if here.contains(finding.address.as_str()) => "changed",
            Some(finding) if report.gaps.iter().any(|gap| hides(gap, finding)) => continue,
            Some(finding) if finding.what == What::Unmanaged && report.unmanaged.is_none() => continue,
            Some(finding) if report.ignored.iter().any(|ignored| ignored.finding.address == finding.address) => "ignored",
            _ => "resolved",
        };
        let ended = sqlx::query("UPDATE findings SET ended = ?, ending = ? WHERE id = ?").bind(millis(report.started)).bind(ending);
        ended.bind(row.get::<i64, _>(0)).execute(&mut *db).await?;
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}
