//! State in a file of this machine.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{self, Stamp, beside, fault, missing_is_none};
use super::guard;
use super::journal::{Begin, Event, Journal};
use super::lock::{self, Lock, LockInfo, TakenOver, Who};
use super::replay::{OpenIntent, open_intents, replay};
use super::seal::{Seal, sha256};
use super::snapshot::State;
use super::wire::{self, Log};
use crate::words::{Diagnostic, Diagnostics, Result};

/// How often a reader begins anew because a writer was quicker.
const ATTEMPTS: usize = 1000;

/// What a failed fold leaves.
const NOTHING_LOST: &str = "nothing is lost: what was done is in the journal, and the next command takes it in";

/// A state file and what lies beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalStore {
    path: PathBuf,
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Loaded {
    /// The snapshot with what the journal adds; none where nothing was ever made.
    pub state: Option<State>,
    /// Intents without an outcome: those of an apply under way, or of one that died.
    pub pending: Vec<OpenIntent>,
    /// The operation whose journal is not folded yet: it is under way, or died.
    pub unfinished: Option<Begin>,
}

/// Where a state goes that can't be written where it belongs.
#[derive(Clone, Debug)]
pub struct Refuge {
    /// The folders that are tried, in order.
    pub folders: Vec<PathBuf>,
    /// The command that brings it back when the path is put behind it, `ferroform state push`.
    pub push: String,
}

/// The files as they were at one moment.
struct Raw {
    snapshot: Option<Vec<u8>>,
    journal: Option<Vec<u8>>,
    seal: Option<Seal>,
}

/// What the files say, with what a fold needs besides.
struct Known {
    loaded: Loaded,
    /// The snapshot as it is, where a journal adds to it.
    stored: Option<State>,
    log: Log,
    /// How many events the snapshot holds already.
    folded: usize,
}

impl LocalStore {
    /// The state file at that path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// That of a stack: `state/<stack>.tfstate.json` under the root, `state/<stack>/<workspace>.tfstate.json` with a workspace.
    pub fn of(root: &Path, stack: &str, workspace: Option<&str>) -> Self {
        let name = workspace.map_or_else(|| stack.to_owned(), |workspace| format!("{stack}/{workspace}"));
        Self::new(root.join("state").join(name + ".tfstate.json"))
    }

    /// The snapshot.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The snapshot before.
    #[must_use]
    pub fn backup_path(&self) -> PathBuf {
        beside(&self.path, ".backup")
    }

    /// The journal.
    #[must_use]
    pub fn journal_path(&self) -> PathBuf {
        beside(&self.path, ".journal")
    }

    /// How long ago the journal was last written to; zero where that can't be told.
    #[must_use]
    pub fn quiet_for(&self) -> Duration {
        let written = std::fs::metadata(self.journal_path()).and_then(|meta| meta.modified()).ok();
        written.and_then(|at| at.elapsed().ok()).unwrap_or_default()
    }

    /// The key of the journal.
    #[must_use]
    pub fn key_path(&self) -> PathBuf {
        beside(&self.path, ".journal.key")
    }

    /// The lock.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        beside(&self.path, ".lock")
    }

    fn name(&self) -> String {
        self.path.display().to_string()
    }

    fn journal_name(&self) -> String {
        self.journal_path().display().to_string()
    }

    /// Takes the lock; waits at most `timeout` for whoever has it.
    pub async fn lock(&self, operation: &str, timeout: Duration, who: &Who) -> Result<(Lock, Option<TakenOver>)> {
        lock::acquire(&self.lock_path(), &self.path, operation, timeout, who).await
    }

    /// Who works on the state at this moment; none where nobody does.
    #[must_use]
    pub fn holder(&self, who: &Who) -> Option<LockInfo> {
        lock::holder(&self.lock_path(), who)
    }

    /// Removes a lock whose holder is known to be dead.
    pub fn force_unlock(&self, id: &str) -> Result<LockInfo> {
        lock::force(&self.lock_path(), &self.path, id)
    }

    /// What is known at this moment. Needs no lock, and an apply under way does no harm.
    pub fn read(&self) -> Result<Loaded> {
        Ok(self.known()?.loaded)
    }

    /// Begins an operation on `state`, the one that was read under this lock. What an earlier journal holds is folded first.
    pub fn begin(&self, lock: &Lock, state: &State) -> Result<Journal> {
        lock.check()?;
        let loaded = self.fold(lock)?;
        let seal = self.seal()?;
        let stored = loaded.state.filter(|_| self.path.exists());
        let serial = stored.as_ref().map_or(0, |state| state.serial);
        if let Some(stored) = &stored {
            guard::check_lineage(stored, state, &self.name())?;
        }
        // Where nothing is open the fold has removed the journal.
        let (length, next) =
            if loaded.pending.is_empty() { (0, 1) } else { self.known().map(|known| (known.log.length, known.log.next))? };
        let journal = Journal::open(&self.journal_path(), seal.clone(), length, next)?;
        let begin = begin(lock, serial, &state.lineage);
        // The first line has to be durable before any call, and nobody else waits here.
        journal.append_now(&Event::Begin(begin))?;
        files::sync_folder(&self.path).map_err(|e| fault("write to the folder of", &self.path, &e))?;
        Ok(journal)
    }

    /// Puts what the journal holds into the snapshot and removes the journal. Intents that are still open stay in it.
    pub fn fold(&self, lock: &Lock) -> Result<Loaded> {
        lock.check()?;
        let mut known = self.known()?;
        if known.loaded.unfinished.is_none() && known.log.events.is_empty() {
            // Nothing, or a journal whose first line is torn: nothing was done under it.
            self.remove_journal()?;
            return Ok(known.loaded);
        }
        let serial = match &mut known.loaded.state {
            Some(state) => self.fold_snapshot(known.stored.as_ref(), state, &known.log, known.folded)?,
            None => 0,
        };
        if known.loaded.pending.is_empty() {
            self.remove_journal()?;
            known.loaded.unfinished = None;
        } else {
            let lineage = known.loaded.state.as_ref().map(|state| state.lineage.clone()).unwrap_or_default();
            self.carry(&known.loaded.pending, serial, &lineage)?;
        }
        Ok(known.loaded)
    }

    /// Writes the snapshot, if it differs from the one that is there, after the journal says that it will; the serial.
    fn fold_snapshot(&self, stored: Option<&State>, state: &mut State, log: &Log, folded: usize) -> Result<u64> {
        if folded == log.events.len() || stored.is_some_and(|stored| stored.same_content(state)) {
            return Ok(state.serial);
        }
        // A journal of intents alone makes no state where there is none.
        if stored.is_none() && state.same_content(&State::new(state.lineage.clone())) {
            return Ok(0);
        }
        state.serial = stored.map_or(0, |stored| stored.serial) + 1;
        let bytes = state.to_bytes();
        self.mark(log, &bytes)?;
        files::replace(&self.path, &bytes, Some(&self.backup_path())).map_err(|e| self.kept(&e))?;
        Ok(state.serial)
    }

    /// The journal says which snapshot is about to take in what it holds.
    fn mark(&self, log: &Log, snapshot: &[u8]) -> Result<()> {
        let mark = Journal::open(&self.journal_path(), self.seal()?, log.length, log.next)?;
        mark.append_now(&Event::Fold { sum: sha256(snapshot) }).map_err(|mut why| {
            why.0.iter_mut().for_each(|d| d.help.push(NOTHING_LOST.into()));
            why
        })
    }

    /// The journal holds nothing any more but intents that are still open, on that snapshot.
    fn carry(&self, pending: &[OpenIntent], serial: u64, lineage: &str) -> Result<()> {
        let bytes = carried(pending, serial, lineage, &self.seal()?);
        Ok(files::replace(&self.journal_path(), &bytes, None).map_err(|e| self.kept(&e))?)
    }

    fn kept(&self, error: &io::Error) -> Diagnostic {
        fault("write the state", &self.path, error).help(NOTHING_LOST)
    }

    /// Writes a new snapshot, with the serial that is returned. Not while there is a journal: fold it first. On failure the state
    /// is to be brought to safety with [`rescue`](Self::rescue).
    pub fn write(&self, lock: &Lock, state: &State) -> Result<u64> {
        lock.check()?;
        if let Some(stored) = self.snapshot()? {
            guard::check_write(&stored, state, &self.name())?;
            if stored.same_content(state) {
                return Ok(stored.serial);
            }
        }
        let state = State { serial: state.serial + 1, ..state.clone() };
        self.put(&state)
    }

    /// Writes exactly that snapshot, serial and lineage included: what `state push` does once [`guard::check_push`] lets it.
    /// Intents that are still open stay so, on the new snapshot.
    pub fn push(&self, lock: &Lock, state: &State) -> Result<u64> {
        lock.check()?;
        let known = self.known()?;
        if known.loaded.pending.is_empty() {
            return self.put(state);
        }
        self.mark(&known.log, &state.to_bytes())?;
        self.put(state)?;
        self.carry(&known.loaded.pending, state.serial, &state.lineage)?;
        Ok(state.serial)
    }

    fn put(&self, state: &State) -> Result<u64> {
        let backup = self.backup_path();
        files::replace(&self.path, &state.to_bytes(), Some(&backup)).map_err(|e| fault("write the state", &self.path, &e))?;
        Ok(state.serial)
    }

    /// Ends an operation: folds the journal. If that fails, and what is on disk is not all that `state` (the one in memory) holds,
    /// the state is brought to safety, and the error says where it is.
    pub fn settle(&self, lock: &Lock, state: &State, refuge: &Refuge) -> Result<Loaded, Diagnostic> {
        self.fold(lock).map_err(|why| {
            let safe = self.read().is_ok_and(|loaded| loaded.state.is_some_and(|stored| stored.same_content(state)));
            let why = first(why);
            if safe { why } else { self.rescue(state, refuge, why) }
        })
    }

    /// Writes the state to the first folder of the refuge that takes it, when it can't be written where it belongs because of `why`;
    /// gives the error that tells the user, where the state is and how to bring it back. If even that fails, it tells why.
    #[must_use]
    pub fn rescue(&self, state: &State, refuge: &Refuge, why: Diagnostic) -> Diagnostic {
        let name = self.path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("rescued-{}-{name}", uuid::Uuid::new_v4().simple());
        // The next command folds what the journal holds, which makes one more.
        let bytes = State { serial: state.serial + 2, ..state.clone() }.to_bytes();
        let mut told = why;
        for path in refuge.folders.iter().map(|folder| folder.join(&name)) {
            let Err(error) = files::write_new(&path, &bytes) else {
                let (place, path) = (self.path.display(), path.display().to_string());
                return told
                    .help(format!("when {place} can be written again: `{} {path}`", refuge.push))
                    .fact("the state is safe in", path);
            };
            // Half of it helps nobody; what can't be removed is told by its name.
            let _ = files::remove(&path);
            told = told.fact("nor in", format!("{}: {error}", path.display()));
        }
        told.help("all that was begun is in the journal: when it can be written again, run the same command, which asks what became of it")
    }

    fn snapshot(&self) -> Result<Option<State>> {
        let bytes = missing_is_none(fs::read(&self.path)).map_err(|e| fault("read the state", &self.path, &e))?;
        bytes.map(|bytes| State::parse(&bytes, &self.name())).transpose()
    }

    /// The key of the journal, made if there is none yet.
    fn seal(&self) -> Result<Seal> {
        let path = self.key_path();
        let failed = |e: &io::Error| fault("keep the key of the journal in", &path, e);
        if let Some(seal) = missing_is_none(fs::read_to_string(&path)).map_err(|e| failed(&e))?.and_then(|text| Seal::parse(&text)) {
            return Ok(seal);
        }
        let seal = Seal::generate();
        files::replace(&path, format!("{}\n", seal.text()).as_bytes(), None).map_err(|e| failed(&e))?;
        Ok(seal)
    }

    /// The journal goes first: a key without a journal is nothing, a journal without its key can't be read.
    fn remove_journal(&self) -> Result<()> {
        for path in [self.journal_path(), self.key_path()] {
            files::remove(&path).map_err(|e| fault("remove", &path, &e))?;
        }
        Ok(())
    }

    /// The files as they were together at one moment: if the snapshot or the journal was replaced meanwhile, again.
    fn raw(&self) -> io::Result<Raw> {
        for _ in 0..ATTEMPTS {
            let snapshot = missing_is_none(File::open(&self.path))?;
            let stamp = snapshot.as_ref().map(Stamp::of).transpose()?;
            let snapshot = snapshot.map(all).transpose()?;
            let journal = missing_is_none(File::open(self.journal_path()))?;
            let bytes = journal.as_ref().map(all).transpose()?;
            let key = missing_is_none(fs::read_to_string(self.key_path()))?;
            let same = journal.is_none_or(|file| files::is_at(&file, &self.journal_path()));
            if same && Stamp::at(&self.path)? == stamp {
                return Ok(Raw { snapshot, journal: bytes, seal: key.and_then(|text| Seal::parse(&text)) });
            }
        }
        Err(io::Error::other(format!("it changed {ATTEMPTS} times while it was read")))
    }

    fn known(&self) -> Result<Known> {
        let raw = self.raw().map_err(|e| fault("read the state", &self.path, &e))?;
        let snapshot = raw.snapshot.as_deref().map(|bytes| State::parse(bytes, &self.name())).transpose()?;
        let log = wire::parse(raw.journal.as_deref().unwrap_or_default(), raw.seal.as_ref(), &self.journal_name())?;
        let first = match log.events.first() {
            None => return Ok(Known { loaded: Loaded { state: snapshot, ..Loaded::default() }, stored: None, log, folded: 0 }),
            Some(Event::Begin(first)) => first,
            Some(_) => return Err(wire::damaged(1, &self.journal_name()).into()),
        };
        let folded = folded(&log.events, raw.snapshot.as_deref());
        if folded == 0 {
            self.check_base(first, snapshot.as_ref())?;
        }
        let unfinished = log.events.iter().rev().find_map(|event| match event {
            Event::Begin(begin) => Some(begin.clone()),
            _ => None,
        });
        let base = snapshot.clone().unwrap_or_else(|| State::new(first.lineage.clone()));
        let (state, _) = replay(base, &log.events[folded..]);
        let pending = open_intents(&log.events);
        Ok(Known { loaded: Loaded { state: Some(state), pending, unfinished }, stored: snapshot, log, folded })
    }

    /// The journal belongs to one snapshot, and to no other.
    fn check_base(&self, begin: &Begin, snapshot: Option<&State>) -> Result<()> {
        let (serial, lineage) = snapshot.map_or((0, ""), |state| (state.serial, &state.lineage));
        if begin.serial == serial && (snapshot.is_none() || begin.lineage == lineage) {
            return Ok(());
        }
        let there = snapshot.map_or_else(|| "there is no state file".to_owned(), |_| format!("the state has serial {serial}"));
        Err(Diagnostic::error(format!(
            "the state {} was changed by something else while `{}` was unfinished",
            self.name(),
            begin.operation
        ))
        .fact("journal", format!("{} began on serial {} of lineage {}", self.journal_name(), begin.serial, begin.lineage))
        .fact("now", there)
        .help(format!(
            "put the state back that the journal belongs to ({} may be it), and run the command again",
            self.backup_path().display()
        ))
        .into())
    }
}

/// What a failed write says first is what it failed of.
fn first(why: Diagnostics) -> Diagnostic {
    why.0.into_iter().next().unwrap_or_else(|| Diagnostic::error("the state can't be written"))
}

fn all(mut file: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = vec![];
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn begin(lock: &Lock, serial: u64, lineage: &str) -> Begin {
    let info = lock.info();
    Begin {
        serial,
        lineage: lineage.to_owned(),
        operation: info.operation,
        who: lock.who().user.clone(),
        pid: info.pid,
        host: info.host,
        at: jiff::Timestamp::now().to_string(),
    }
}

/// How many events are in the snapshot already: those up to the mark with the snapshot's own hash.
fn folded(events: &[Event], snapshot: Option<&[u8]>) -> usize {
    let marks = || events.iter().enumerate().filter_map(|(i, event)| if let Event::Fold { sum } = event { Some((i, sum)) } else { None });
    let Some(snapshot) = snapshot.filter(|_| marks().next().is_some()) else { return 0 };
    let sum = sha256(snapshot);
    marks().filter(|(_, mark)| **mark == sum).map(|(i, _)| i + 1).next_back().unwrap_or(0)
}

/// A journal of nothing but intents that are still open, on that snapshot.
fn carried(pending: &[OpenIntent], serial: u64, lineage: &str, seal: &Seal) -> Vec<u8> {
    let mut events = vec![];
    let mut operation = None;
    for open in pending {
        if events.is_empty() || operation != open.operation.as_ref() {
            let begin = open.operation.clone().unwrap_or_else(|| Begin {
                serial,
                lineage: lineage.to_owned(),
                operation: String::new(),
                who: String::new(),
                pid: 0,
                host: String::new(),
                at: String::new(),
            });
            events.push(Event::Begin(Begin { serial, lineage: lineage.to_owned(), ..begin }));
            operation = open.operation.as_ref();
        }
        let intent = &open.intent;
        events.push(Event::Intent(intent.clone()));
        if open.deleted {
            events.push(Event::Deleted { address: intent.address.clone(), deposed: intent.deposed.clone() });
        }
        if let Some(id) = &open.id {
            events.push(Event::Created { address: intent.address.clone(), id: id.clone(), token: intent.token.clone() });
        }
        if let Some(error) = &open.error {
            events.push(Event::Failed { address: intent.address.clone(), deposed: intent.deposed.clone(), error: error.clone() });
        }
    }
    (1..).zip(&events).map(|(n, event)| wire::line(n, 1, &wire::encode(event, seal))).collect::<String>().into_bytes()
}
