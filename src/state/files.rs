//! Files that are never torn: what the snapshot, the journal and the lock have in common.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::words::Diagnostic;

/// Read and write for the owner alone: state holds secrets.
pub(super) const PRIVATE: u32 = 0o600;

/// The path with `suffix` behind its last name.
pub(super) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// Says that `doing` failed with that file, and what to do about it.
pub(super) fn fault(doing: &str, path: &Path, error: &io::Error) -> Diagnostic {
    let help = match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk is full: make room and run the command again",
        ErrorKind::FileTooLarge => "no file may grow further here: see `ulimit -f`, make room for it, and run the command again",
        ErrorKind::ReadOnlyFilesystem => "the file system is read-only: state has to lie where it can be written",
        ErrorKind::PermissionDenied => "check who owns the folder and the file, and who may write there",
        ErrorKind::NotFound => "the folder is gone: was it moved or removed meanwhile?",
        ErrorKind::NotADirectory => "something that is no folder stands where the folder should be",
        _ => "check the folder and the disk that it is on",
    };
    let reason = error.to_string();
    let reason = reason.split(" (os error").next().unwrap_or_default().to_lowercase();
    Diagnostic::error(format!("can't {doing} {}: {reason}", path.display())).help(help)
}

/// What tells one version of a file from the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// That of an open file.
    pub(super) fn of(file: &File) -> io::Result<Self> {
        let m = file.metadata()?;
        Ok(Self { inode: m.ino(), length: m.len(), modified: (m.mtime(), m.mtime_nsec()), changed: (m.ctime(), m.ctime_nsec()) })
    }

    /// That of the file at that path; `None` where there is none.
    pub(super) fn at(path: &Path) -> io::Result<Option<Self>> {
        missing_is_none(File::open(path))?.map(|file| Self::of(&file)).transpose()
    }
}

/// `None` where a file is missing.
pub(super) fn missing_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(e),
    }
}

/// Whether the open file is still the one at that path.
pub(super) fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(open), Ok(there)) => open.ino() == there.ino() && open.dev() == there.dev(),
        _ => false,
    }
}

/// Removes a file that may not be there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    missing_is_none(fs::remove_file(path)).map(drop)
}

/// Makes what happened to names in the folder of `path` durable.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder(path))?.sync_all()
}

/// The folder that the file lies in.
pub(super) fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Puts `bytes` in the place of the file, whole or not at all. What was there is kept at `backup`. Only the holder of the lock
/// may do this: the name of the temporary file is always the same, so that a crash leaves at most one.
pub(super) fn replace(path: &Path, bytes: &[u8], backup: Option<&Path>) -> io::Result<()> {
    // A link is followed, lest it be replaced by a file.
    let path = &missing_is_none(fs::canonicalize(path))?.unwrap_or_else(|| path.to_owned());
    let temporary = beside(path, ".tmp");
    let result = write_new(&temporary, bytes).and_then(|()| {
        if let Some(backup) = backup {
            keep(path, backup)?;
        }
        fs::rename(&temporary, path)?;
        sync_folder(path)
    });
    if result.is_err() {
        // Nothing more can be done for a temporary file that can't even be removed.
        let _ = fs::remove_file(&temporary);
    }
    result
}

/// Writes a file that only its owner can read, and waits until it is on disk.
pub(super) fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(PRIVATE).open(path)?;
    file.set_permissions(fs::Permissions::from_mode(PRIVATE))?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A second name for what is at `path`, so that there is no moment without either.
fn keep(path: &Path, backup: &Path) -> io::Result<()> {
    let temporary = beside(backup, ".tmp");
    remove(&temporary)?;
    if missing_is_none(fs::hard_link(path, &temporary).or_else(|e| copy_instead(path, &temporary, e)))?.is_some() {
        fs::rename(&temporary, backup)?;
    }
    Ok(())
}

/// Some file systems have no hard links.
fn copy_instead(path: &Path, to: &Path, error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound {
        return Err(error);
    }
    write_new(to, &fs::read(path)?)
}
