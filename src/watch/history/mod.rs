//! The history: one SQLite file with every look and every finding, and what has to be told to whom.
//!
//! A run begins with a row of its own. All that it found, all that is resolved by it, and all that is to be told of it come into the file in
//! one transaction: whenever the process dies, either all of it is there or nothing. Times are milliseconds since 1970.

mod outbox;
mod read;
mod write;

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, SqliteConnection};
use tokio::sync::Mutex;

use crate::words::drift::Report;
use crate::words::{Diagnostic, Result};

pub use outbox::{Delivery, News, Rule, State};
pub use read::{Ending, Entry, Look, Page, Run, Told};

/// `Ferr`: what SQLite's header says of whose file it is.
const APPLICATION: i64 = 0x4665_7272;

/// How the file came to be what it is, a step for each version; a step that was released is never changed.
const STEPS: &[&str] = &["
    CREATE TABLE runs (id INTEGER PRIMARY KEY, started INTEGER NOT NULL, ended INTEGER, outcome TEXT NOT NULL) STRICT;
    CREATE TABLE looks (
        run INTEGER NOT NULL REFERENCES runs (id), stack TEXT NOT NULL, workspace TEXT NOT NULL, account TEXT, started INTEGER NOT NULL,
        seconds REAL NOT NULL, outcome TEXT NOT NULL, resources INTEGER NOT NULL, calls INTEGER NOT NULL, findings INTEGER NOT NULL,
        gaps TEXT NOT NULL, error TEXT NOT NULL, PRIMARY KEY (stack, workspace, run)
    ) STRICT;
    CREATE INDEX looks_of_run ON looks (run);
    CREATE TABLE findings (
        id INTEGER PRIMARY KEY, stack TEXT NOT NULL, workspace TEXT NOT NULL, fingerprint TEXT NOT NULL, address TEXT NOT NULL,
        severity INTEGER NOT NULL, first_run INTEGER NOT NULL, last_run INTEGER NOT NULL, first_seen INTEGER NOT NULL,
        last_seen INTEGER NOT NULL, ended INTEGER, ending TEXT, in_order INTEGER, finding TEXT NOT NULL
    ) STRICT;
    CREATE UNIQUE INDEX open_findings ON findings (stack, workspace, fingerprint) WHERE ended IS NULL;
    CREATE INDEX findings_by_address ON findings (stack, workspace, address);
    CREATE TABLE deliveries (
        id TEXT PRIMARY KEY, target TEXT NOT NULL, run INTEGER NOT NULL, stack TEXT NOT NULL, workspace TEXT NOT NULL, state TEXT NOT NULL,
        attempts INTEGER NOT NULL, created INTEGER NOT NULL, due INTEGER NOT NULL, ended INTEGER, error TEXT NOT NULL
    ) STRICT;
    CREATE INDEX deliveries_of_target ON deliveries (target, state);
    CREATE TABLE told (
        delivery TEXT NOT NULL REFERENCES deliveries (id), target TEXT NOT NULL, finding INTEGER NOT NULL REFERENCES findings (id),
        news TEXT NOT NULL, PRIMARY KEY (delivery, finding)
    ) STRICT;
    CREATE UNIQUE INDEX told_once ON told (target, finding, news) WHERE news <> 'still';
    CREATE INDEX told_of_finding ON told (finding);
    CREATE TABLE issues (
        target TEXT NOT NULL, stack TEXT NOT NULL, workspace TEXT NOT NULL, number INTEGER NOT NULL, PRIMARY KEY (target, stack, workspace)
    ) STRICT;
"];

/// What one look at one stack gave.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The stack.
    pub stack: String,
    /// Its workspace.
    pub workspace: String,
    /// What was found, or why nothing could be.
    pub report: Result<Report>,
}

impl Looked {
    /// Whether anything was looked at: a report that consists of gaps says nothing of how things are.
    #[must_use]
    pub fn good(&self) -> bool {
        self.report.as_ref().is_ok_and(|report| report.gaps.is_empty() || report.resources > 0)
    }
}

/// The history, open.
pub struct History {
    path: PathBuf,
    db: Mutex<SqliteConnection>,
    /// Held as long as this one writes.
    _lock: Option<File>,
}

impl History {
    /// Opens it to go on with it, and makes it where there is none. Nobody else can until it is dropped.
    pub async fn open(path: &Path) -> Result<Self> {
        let unusable = |e: &dyn std::fmt::Display| {
            let error = Diagnostic::error(format!("can't use the history `{}`: {e}", path.display()));
            error.help("it needs a folder that can be written: choose another with --history")
        };
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| unusable(&e))?;
        }
        let lock = lock(path)?;
        let fresh = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
        if !fresh {
            inspect(path, true).await?;
        }
        // What SQLite lays beside it gets the same rights.
        OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|e| unusable(&e))?;
        let options = SqliteConnectOptions::new().filename(path).foreign_keys(true);
        let options = options.journal_mode(SqliteJournalMode::Wal).synchronous(SqliteSynchronous::Full);
        let db = SqliteConnection::connect_with(&options).await.map_err(|e| unusable(&e))?;
        let history = Self { path: path.to_path_buf(), db: Mutex::new(db), _lock: Some(lock) };
        history.migrate().await.map_err(|e| history.failed(&e))?;
        history.settle(Timestamp::now()).await?;
        Ok(history)
    }

    /// Opens it to read in it; whoever writes it is not disturbed.
    pub async fn read(path: &Path) -> Result<Self> {
        if !path.exists() {
            return Err(Diagnostic::error(format!("there is no history `{}`", path.display()))
                .help("`ferroform drift --watch` keeps one; name another with --history")
                .into());
        }
        let db = inspect(path, false).await?;
        Ok(Self { path: path.to_path_buf(), db: Mutex::new(db), _lock: None })
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Brings all into the one file, so that it can be copied by itself.
    pub async fn gather(&self) -> Result<()> {
        let mut db = self.db.lock().await;
        sqlx::raw_sql("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut *db).await.map_err(|e| self.failed(&e))?;
        Ok(())
    }

    async fn migrate(&self) -> sqlx::Result<()> {
        let mut db = self.db.lock().await;
        let known = version(&mut db).await?;
        for (i, step) in STEPS.iter().enumerate().skip(usize::try_from(known).unwrap_or(0)) {
            let mut all = db.begin().await?;
            sqlx::raw_sql(*step).execute(&mut *all).await?;
            let marks = format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {}", i + 1);
            sqlx::raw_sql(sqlx::AssertSqlSafe(marks)).execute(&mut *all).await?;
            all.commit().await?;
        }
        Ok(())
    }

    fn failed(&self, e: &sqlx::Error) -> Diagnostic {
        told(&self.path, e)
    }
}

/// The database, if it is a history, whole, and not of a later version; nothing is written.
async fn inspect(path: &Path, all: bool) -> Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).read_only(true);
    let mut db = SqliteConnection::connect_with(&options).await.map_err(|e| told(path, &e))?;
    let whose: i64 = sqlx::query_scalar("PRAGMA application_id").fetch_one(&mut db).await.map_err(|e| told(path, &e))?;
    let version = version(&mut db).await.map_err(|e| told(path, &e))?;
    if whose != APPLICATION {
        return Err(Diagnostic::error(format!("`{}` is no history of drift: it belongs to another program", path.display()))
            .help("choose another file with --history")
            .into());
    }
    if version > i64::try_from(STEPS.len()).unwrap_or(i64::MAX) {
        return Err(Diagnostic::error(format!("the history `{}` was written by a later ferroform", path.display()))
            .fact("version", format!("{version}; this program knows {}", STEPS.len()))
            .help("use that ferroform, or begin another history with --history; nothing was changed in this one")
            .into());
    }
    if all {
        let said: String = sqlx::query_scalar("PRAGMA quick_check(1)").fetch_one(&mut db).await.map_err(|e| told(path, &e))?;
        if said != "ok" {
            return Err(damaged(path, &said).into());
        }
    }
    Ok(db)
}

async fn version(db: &mut SqliteConnection) -> sqlx::Result<i64> {
    sqlx::query_scalar("PRAGMA user_version").fetch_one(db).await
}

/// What SQLite complains of, in words.
fn told(path: &Path, e: &sqlx::Error) -> Diagnostic {
    // The low byte of an extended code is the code: 11 is a malformed database, 26 no database at all.
    let code = e.as_database_error().and_then(|e| e.code()).and_then(|code| code.parse::<u32>().ok());
    match code.map(|code| code & 0xff) {
        Some(11 | 26) => damaged(path, &e.to_string()),
        _ => Diagnostic::error(format!("can't use the history `{}`", path.display())).fact("reason", e.to_string()),
    }
}

fn damaged(path: &Path, why: &str) -> Diagnostic {
    Diagnostic::error(format!("the history `{}` is damaged", path.display())).fact("reason", why).help(
        "nothing was changed in it: move it away, with the `-wal` file beside it, and a new one begins; SQLite's `.recover` may save it",
    )
}

/// One process writes a history; the operating system frees the lock of one that died.
fn lock(path: &Path) -> Result<File> {
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let bad = |e: std::io::Error| Diagnostic::error(format!("can't lock the history: `{}`: {e}", beside.display()));
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&beside);
    let mut file = open.map_err(bad)?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _who_knows = file.read_to_string(&mut holder);
        return Err(Diagnostic::error(format!("another watch keeps the history `{}`", path.display()))
            .fact("process", if holder.is_empty() { "not known".to_owned() } else { holder })
            .help("two would tell everything twice: stop that one, or give this one a history of its own with --history")
            .into());
    }
    file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(bad)?;
    Ok(file)
}

fn millis(at: Timestamp) -> i64 {
    at.as_millisecond()
}

fn time(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).unwrap_or(Timestamp::UNIX_EPOCH)
}
