//! The lock is a lease: who works on a state, from where, and until when that holds without another sign of life.
//!
//! On one machine the operating system's lock on the file decides, and it dies with its holder. Between machines that share a
//! folder but no locks, the file's content decides: a heartbeat renews it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::files::{self, PRIVATE, fault};
use crate::words::{Diagnostic, Result};

/// How long a lease holds without another heartbeat.
const LEASE: SignedDuration = SignedDuration::from_secs(60);
/// How often it is renewed.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// Waits between two looks at a lock that another holds.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Who asks. The library doesn't find out by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// Our version.
    pub version: String,
}

/// What the lock file says, in the manner of Terraform's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LockInfo {
    /// What `force-unlock` wants to be told.
    #[serde(rename = "ID")]
    pub id: String,
    /// The command.
    pub operation: String,
    /// Nothing; Terraform has it.
    #[serde(default)]
    pub info: String,
    /// `user@host`
    pub who: String,
    /// The version of the program.
    pub version: String,
    /// Since when.
    pub created: String,
    /// The state.
    pub path: String,
    /// The machine; empty in Terraform's own locks.
    #[serde(default)]
    pub host: String,
    /// The process; 0 in Terraform's own locks.
    #[serde(default)]
    pub pid: u32,
    /// The last sign of life.
    #[serde(default)]
    pub heartbeat: String,
    /// When the lease ends without another.
    #[serde(default)]
    pub expires: String,
}

impl LockInfo {
    fn of(who: &Who, operation: &str, state: &Path) -> Self {
        let now = now();
        Self {
            id: uuid::Uuid::new_v4().to_string(),
            operation: operation.to_owned(),
            info: String::new(),
            who: format!("{}@{}", who.user, who.host),
            version: who.version.clone(),
            created: now.to_string(),
            path: state.display().to_string(),
            host: who.host.clone(),
            pid: who.pid,
            heartbeat: now.to_string(),
            expires: (now + LEASE).to_string(),
        }
    }

    /// Whether the lease has run out by this machine's clock. A heartbeat from the future says that the clocks differ, or that
    /// ours was set back; then nothing has run out.
    fn expired(&self) -> bool {
        self.expires.parse::<Timestamp>().is_ok_and(|expires| expires < Timestamp::now())
    }

    /// A line for whoever only looks meanwhile.
    #[must_use]
    pub fn note(&self) -> String {
        let Self { operation, who, pid, created, .. } = self;
        format!("`{operation}` by {who} (process {pid}, since {created}) is under way: what it does from now on is not in this plan")
    }

    /// The facts of it as an error shows them.
    fn tell(&self, diagnostic: Diagnostic) -> Diagnostic {
        let facts = [
            ("operation", self.operation.clone()),
            ("who", self.who.clone()),
            ("host", self.host.clone()),
            ("process", if self.pid == 0 { String::new() } else { self.pid.to_string() }),
            ("since", self.created.clone()),
            ("heartbeat", self.heartbeat.clone()),
            ("lock ID", self.id.clone()),
        ];
        facts.into_iter().filter(|(_, fact)| !fact.is_empty()).fold(diagnostic, |d, (name, fact)| d.fact(name, fact))
    }
}

/// The time in whole seconds, so that its text always has the same length.
fn now() -> Timestamp {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default()
}

/// A holder that died and left its lock behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TakenOver {
    /// What it was; none if its file can't be read.
    pub holder: Option<LockInfo>,
}

impl TakenOver {
    /// A line for the user.
    #[must_use]
    pub fn note(&self) -> String {
        match &self.holder {
            Some(info) => format!(
                "took over the lock of `{}` by {} (process {}, since {}), which ended without giving it back",
                info.operation, info.who, info.pid, info.created
            ),
            None => "took over the lock of a process that ended without giving it back".into(),
        }
    }
}

/// The right to change a state, until it is dropped.
#[derive(Debug)]
pub struct Lock {
    held: Arc<Held>,
    heartbeat: tokio::task::JoinHandle<()>,
}

#[derive(Debug)]
struct Held {
    file: File,
    path: PathBuf,
    info: Mutex<LockInfo>,
    who: Who,
}

impl Lock {
    /// What the lock file says.
    #[must_use]
    pub fn info(&self) -> LockInfo {
        self.held.info.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who took it.
    #[must_use]
    pub fn who(&self) -> &Who {
        &self.held.who
    }

    /// An error if the lock file was taken away meanwhile: then another may have the state.
    pub fn check(&self) -> Result<()> {
        if files::is_at(&self.held.file, &self.held.path) {
            return Ok(());
        }
        let gone = format!("the lock {} was taken away while it was held", self.held.path.display());
        Err(Diagnostic::error(gone)
            .help("somebody forced it, or the folder was moved or removed; look what happened before anything else")
            .into())
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.heartbeat.abort();
        // The name goes first, while nobody else can have the lock. Should it not go, the next one takes the file over.
        if files::is_at(&self.held.file, &self.held.path) {
            let _ = std::fs::remove_file(&self.held.path);
        }
        let _ = self.held.file.unlock();
    }
}

impl Held {
    /// Writes the content in one piece and never shorter than it was, so that no reader finds half of it.
    fn write(&self) -> io::Result<()> {
        let info = self.info.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut text = serde_json::to_string_pretty(&info)?;
        let length = usize::try_from(self.file.metadata()?.len()).unwrap_or(0);
        text.push_str(&" ".repeat((length.saturating_sub(1)).saturating_sub(text.len())));
        text.push('\n');
        self.file.write_all_at(text.as_bytes(), 0)
    }

    fn beat(&self) {
        {
            let mut info = self.info.lock().unwrap_or_else(PoisonError::into_inner);
            let now = now();
            info.heartbeat = now.to_string();
            info.expires = (now + LEASE).to_string();
        }
        // A heartbeat that can't be written is missed; what matters is found by `check`.
        let _ = self.write();
    }
}

/// What came of one look at the lock.
enum Look {
    Got(Box<Held>, Option<TakenOver>),
    /// Held by a process of this machine, or of one that shares its locks.
    Held(Option<LockInfo>),
    /// Left by another machine.
    Left(LockInfo),
}

/// Takes the lock at `path` for the state; waits for at most `timeout`.
pub(super) async fn acquire(path: &Path, state: &Path, operation: &str, timeout: Duration, who: &Who) -> Result<(Lock, Option<TakenOver>)> {
    let end = Instant::now() + timeout;
    let mut wait = FIRST_WAIT;
    let mut again = false;
    loop {
        let refusal = match look(path, state, operation, who)? {
            Look::Got(held, taken) => return Ok((keep(*held), taken)),
            Look::Held(info) => held_by(state, info.as_ref()),
            Look::Left(info) => left_by(state, &info),
        };
        let now = Instant::now();
        if now >= end && again {
            return Err(refusal.into());
        }
        // Whoever merely asks who has it holds it for an instant: one look is never enough.
        tokio::time::sleep_until(if again { end.min(now + wait) } else { now + wait }).await;
        again = true;
        wait = (2 * wait).min(LONGEST_WAIT);
    }
}

fn keep(held: Held) -> Lock {
    let held = Arc::new(held);
    let beating = held.clone();
    let heartbeat = tokio::spawn(async move {
        loop {
            tokio::time::sleep(HEARTBEAT).await;
            beating.beat();
        }
    });
    Lock { held, heartbeat }
}

fn look(path: &Path, state: &Path, operation: &str, who: &Who) -> Result<Look, Diagnostic> {
    let failed = |e: &io::Error| fault("lock the state with", path, e);
    std::fs::create_dir_all(files::folder(path)).map_err(|e| fault("make the folder", files::folder(path), &e))?;
    if let Some(info) = terraforms(state) {
        return Ok(Look::Held(Some(info)));
    }
    loop {
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(PRIVATE).open(path).map_err(|e| failed(&e))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(Look::Held(read(&file))),
            Err(TryLockError::Error(e)) => return Err(failed(&e)),
        }
        // Its last holder may have removed it between our opening and locking it.
        if !files::is_at(&file, path) {
            continue;
        }
        let left = read(&file);
        let empty = file.metadata().is_ok_and(|meta| meta.len() == 0);
        return match left {
            Some(info) if info.host != who.host => Ok(Look::Left(info)),
            holder => {
                let info = Mutex::new(LockInfo::of(who, operation, state));
                let held = Held { file, path: path.to_owned(), info, who: who.clone() };
                held.write().and_then(|()| held.file.sync_all()).map_err(|e| failed(&e))?;
                Ok(Look::Got(Box::new(held), (!empty).then_some(TakenOver { holder })))
            }
        };
    }
}

/// Who has the lock; none where nobody does, or it is a dead one's.
pub(super) fn holder(path: &Path, who: &Who) -> Option<LockInfo> {
    let file = File::open(path).ok()?;
    let free = file.try_lock_shared().is_ok();
    read(&file).filter(|info| if info.host == who.host { !free } else { !info.expired() })
}

fn read(file: &File) -> Option<LockInfo> {
    let mut bytes = vec![0; usize::try_from(file.metadata().ok()?.len()).ok()?.min(1 << 16)];
    file.read_exact_at(&mut bytes, 0).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// Where Terraform says that it works on a local state.
fn terraforms_path(state: &Path) -> Option<PathBuf> {
    let name = state.file_name()?.to_str()?;
    Some(files::folder(state).join(format!(".{name}.lock.info")))
}

/// The lock of Terraform itself on the same state.
fn terraforms(state: &Path) -> Option<LockInfo> {
    serde_json::from_slice(&std::fs::read(terraforms_path(state)?).ok()?).ok()
}

fn held_by(state: &Path, info: Option<&LockInfo>) -> Diagnostic {
    let diagnostic = Diagnostic::error(format!("the state {} is locked by another operation", state.display()));
    match info {
        Some(info) => info
            .tell(diagnostic)
            .help("wait for it: `--lock-timeout 10m`")
            .help(format!("if you are sure that it is dead: `ferroform force-unlock {}`", info.id)),
        None => diagnostic.help("it has only just begun; wait for it: `--lock-timeout 10m`"),
    }
}

fn left_by(state: &Path, info: &LockInfo) -> Diagnostic {
    let (what, help) = if info.expired() {
        ("was locked from another host, and its lease has run out", "make sure that it no longer runs there")
    } else {
        ("is locked from another host", "wait for it: `--lock-timeout 10m`")
    };
    info.tell(Diagnostic::error(format!("the state {} {what}", state.display())))
        .help(help)
        .help(format!("if you are sure that it is dead: `ferroform force-unlock {}`", info.id))
}

/// Removes the lock with that id. Not while its holder lives on this machine.
pub(super) fn force(path: &Path, state: &Path, id: &str) -> Result<LockInfo> {
    if let Some(info) = terraforms(state).filter(|info| info.id == id) {
        let theirs = terraforms_path(state).unwrap_or_default();
        files::remove(&theirs).map_err(|e| fault("remove the lock", &theirs, &e))?;
        return Ok(info);
    }
    let none = || Diagnostic::error(format!("the state {} is not locked", state.display()));
    let file =
        files::missing_is_none(OpenOptions::new().read(true).write(true).open(path)).map_err(|e| fault("read the lock", path, &e))?;
    let file = file.ok_or_else(none)?;
    let free = file.try_lock().is_ok();
    let info = read(&file).ok_or_else(|| if free { none() } else { held_by(state, None) })?;
    if info.id != id {
        let other = Diagnostic::error(format!("the lock on {} has another ID than {id}", state.display()));
        return Err(info.tell(other).help("give the ID of the lock as it is now, if that is the one you mean").into());
    }
    if !free {
        let alive = Diagnostic::error(format!("the process that locks {} is alive", state.display()));
        return Err(info.tell(alive).help(format!("stop it first: `kill {}` on {}; its lock ends with it", info.pid, info.host)).into());
    }
    files::remove(path).map_err(|e| fault("remove the lock", path, &e))?;
    Ok(info)
}
