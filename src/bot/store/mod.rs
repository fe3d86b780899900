//! What the server remembers: its queue, what became of each stack of each pull request, and who holds which stack. SQLite in a file, or
//! Postgres for several servers; one SQL for both. Times are milliseconds since 1970.

mod desk;
mod queue;

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use jiff::Timestamp;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyPool, AssertSqlSafe};
use tokio::sync::Notify;

use crate::words::{Diagnostic, Result};

pub use desk::{Held, Row, Seen, Status};
pub use queue::{Job, LEASE, Waiting, Work};

/// How it came to be what it is, a step for each version; a step that was released is never changed. `SERIAL` is each database's own.
const STEPS: &[&str] = &["
    CREATE TABLE deliveries (id TEXT PRIMARY KEY, received BIGINT NOT NULL);
    CREATE TABLE jobs (
        id SERIAL_KEY, lane TEXT NOT NULL, work TEXT NOT NULL, delivery TEXT NOT NULL, attempts BIGINT NOT NULL, created BIGINT NOT NULL,
        due BIGINT NOT NULL, owner TEXT, lease BIGINT NOT NULL
    );
    CREATE INDEX deliveries_by_age ON deliveries (received);
    CREATE INDEX jobs_of_lane ON jobs (lane, id);
    CREATE TABLE pulls (
        repository TEXT NOT NULL, number BIGINT NOT NULL, base_branch TEXT NOT NULL, pull TEXT NOT NULL, remark TEXT NOT NULL,
        comment BIGINT, checked TEXT NOT NULL, check_id BIGINT, PRIMARY KEY (repository, number)
    );
    CREATE TABLE stacks (
        repository TEXT NOT NULL, number BIGINT NOT NULL, stack TEXT NOT NULL, position BIGINT NOT NULL, project TEXT NOT NULL,
        tree TEXT NOT NULL, status TEXT NOT NULL, said TEXT NOT NULL, digest TEXT NOT NULL, plan BYTES, done BIGINT NOT NULL,
        total BIGINT NOT NULL, PRIMARY KEY (repository, number, stack)
    );
    CREATE TABLE locks (
        repository TEXT NOT NULL, stack TEXT NOT NULL, number BIGINT NOT NULL, since BIGINT NOT NULL, PRIMARY KEY (repository, stack)
    );
"];

/// The memory of a server.
pub struct Store {
    pool: AnyPool,
    postgres: bool,
    /// Rung when there is work.
    pub bell: Notify,
    /// Deliveries that wait for whoever is writing.
    incoming: Mutex<Vec<queue::Delivered>>,
    writing: tokio::sync::Mutex<()>,
    /// Held as long as this one writes: one server has a file to itself.
    _lock: Option<File>,
}

/// Where the memory is: a file, or a Postgres.
#[derive(Clone, PartialEq, Eq)]
pub enum Place {
    /// This file.
    File(PathBuf),
    /// That URL, which may hold a password.
    Postgres(String),
}

impl Store {
    /// Opens it, and makes it where there is none.
    pub async fn open(place: &Place) -> Result<Self> {
        sqlx::any::install_default_drivers();
        let (url, postgres, lock) = match place {
            Place::File(path) => (file_url(path)?, false, Some(lock(path)?)),
            Place::Postgres(url) => (url.clone(), true, None),
        };
        let bad = |e: &dyn std::fmt::Display| unusable(place, e);
        let options: AnyConnectOptions = url.parse().map_err(|e| bad(&e))?;
        // SQLite has one writer; more connections would only wait for each other.
        let pool = AnyPoolOptions::new().max_connections(if postgres { 16 } else { 1 });
        let pool = pool.after_connect(move |db, _| {
            Box::pin(async move {
                if !postgres {
                    sqlx::raw_sql("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 10000").execute(db).await?;
                }
                Ok(())
            })
        });
        let pool = pool.connect_with(options).await.map_err(|e| bad(&e))?;
        let store =
            Self { pool, postgres, bell: Notify::new(), incoming: Mutex::default(), writing: tokio::sync::Mutex::default(), _lock: lock };
        store.migrate().await.map_err(|e| bad(&e))?;
        if !postgres {
            // Nobody else has the file: whoever had claimed something is dead.
            store.reclaim().await?;
        }
        store.forget().await?;
        Ok(store)
    }

    async fn migrate(&self) -> sqlx::Result<()> {
        let mut all = self.pool.begin().await?;
        if self.postgres {
            // Two servers may begin at once.
            sqlx::raw_sql("SELECT pg_advisory_xact_lock(1181053554)").execute(&mut *all).await?;
        }
        sqlx::raw_sql("CREATE TABLE IF NOT EXISTS ferroform_bot (version BIGINT NOT NULL)").execute(&mut *all).await?;
        let known: Option<i64> = sqlx::query_scalar("SELECT version FROM ferroform_bot").fetch_optional(&mut *all).await?;
        let (serial, bytes) =
            if self.postgres { ("BIGSERIAL PRIMARY KEY", "BYTEA") } else { ("INTEGER PRIMARY KEY AUTOINCREMENT", "BLOB") };
        let first = usize::try_from(known.unwrap_or(0)).unwrap_or(0);
        if first > STEPS.len() {
            return Err(sqlx::Error::Configuration("it was written by a later ferroform: use that one".into()));
        }
        for step in STEPS.iter().skip(first) {
            let step = step.replace("SERIAL_KEY", serial).replace("BYTES", bytes);
            sqlx::raw_sql(AssertSqlSafe(step)).execute(&mut *all).await?;
        }
        let set = if known.is_some() { "UPDATE ferroform_bot SET version = $1" } else { "INSERT INTO ferroform_bot (version) VALUES ($1)" };
        sqlx::query(set).bind(i64::try_from(STEPS.len()).unwrap_or(i64::MAX)).execute(&mut *all).await?;
        all.commit().await
    }

    /// Ends all connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}

/// What the database complains of. No URL is shown: it may hold a password.
fn told(e: &sqlx::Error) -> Diagnostic {
    Diagnostic::error("the bot's database can't be used").fact("reason", e.to_string())
}

fn unusable(place: &Place, e: &dyn std::fmt::Display) -> Diagnostic {
    match place {
        Place::File(path) => Diagnostic::error(format!("can't use the bot's database `{}`", path.display()))
            .fact("reason", e.to_string())
            .help("it needs a folder that can be written: choose another with --data"),
        Place::Postgres(url) => {
            let host = reqwest::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_else(|| "no host".into());
            Diagnostic::error(format!("can't use the bot's database at {host}"))
                .fact("reason", e.to_string())
                .help("it is to be like postgres://user:password@host:5432/name")
        }
    }
}

fn file_url(path: &Path) -> Result<String> {
    let path = std::path::absolute(path).map_err(|e| unusable(&Place::File(path.to_path_buf()), &e))?;
    let bad = || Diagnostic::error(format!("`{}` is no path that a database can have", path.display()));
    let mut url = reqwest::Url::from_file_path(&path).map_err(|()| bad())?;
    url.set_query(Some("mode=rwc"));
    Ok(url.as_str().replacen("file:", "sqlite:", 1))
}

/// The operating system frees the lock of a server that died.
fn lock(path: &Path) -> Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let place = Place::File(path.to_path_buf());
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| unusable(&place, &e))?;
    }
    // What SQLite lays beside it gets the same rights.
    OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(|e| unusable(&place, &e))?;
    let beside = PathBuf::from(format!("{}.lock", path.display()));
    let open = OpenOptions::new().create(true).truncate(false).read(true).write(true).mode(0o600).open(&beside);
    let mut file = open.map_err(|e| unusable(&place, &e))?;
    if file.try_lock().is_err() {
        let holder = std::fs::read_to_string(&beside).unwrap_or_default();
        return Err(Diagnostic::error(format!("another server works with `{}`", path.display()))
            .fact("process", if holder.is_empty() { "not known".to_owned() } else { holder })
            .help("stop that one, give this one a folder of its own with --data, or let both use a Postgres with --database")
            .into());
    }
    file.set_len(0).and_then(|()| write!(file, "{}", std::process::id())).map_err(|e| unusable(&place, &e))?;
    Ok(file)
}

fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// Names of the databases' numbers for those of the world.
fn number(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
