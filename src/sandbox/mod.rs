//! A local AWS to try stacks on: moto's server in a virtual environment of its own, with a layer over it that refuses what AWS refuses.
//!
//! It lives in one folder under the user's cache folder, named after the pinned packages:
//!
//! ```text
//! sandbox-<pins>/venv/           the packages, installed on first use
//! sandbox-<pins>/strict-<hash>/  the layer, as this binary brings it
//! sandbox-<pins>/<name>.json     the running server: where it listens, its epoch, what layer it runs
//! sandbox-<pins>/<name>.log      what it said
//! ```
//!
//! What is in the sandbox is held in memory only: a server that was stopped, or was replaced because this binary brings another layer,
//! comes back empty, under another [epoch](Running::epoch).

mod install;
mod server;

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::words::{Diagnostic, Result};

pub use server::Private;

/// What is going on while the sandbox comes up; each takes a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another command is bringing it up; this one waits for that.
    Waiting,
    /// The virtual environment is made and the packages are downloaded: once a machine, half a minute to two.
    Installing,
    /// The server of another version is stopped; what was in it is lost.
    Replacing,
    /// The server starts: about two seconds.
    Starting,
}

/// A server that answers.
#[derive(Clone, Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Running {
    /// Where it listens, such as `http://127.0.0.1:40123`: what goes into `AWS_ENDPOINT_URL`.
    pub endpoint: String,
    /// Another one whenever the sandbox was emptied, by a restart or a reset: state that was written under another epoch describes
    /// things that are gone.
    pub epoch: String,
    /// Its process.
    pub pid: u32,
    /// Since when, in seconds since 1970.
    pub started: u64,
    /// The layer that it runs.
    version: String,
}

/// How the sandbox is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// Nothing was ever installed here.
    Absent,
    /// Installed, and not running.
    Down,
    /// It ended without being told to: what was in it is lost.
    Lost,
    /// It answers. `stale`: by the layer of another version, so that the next `up` replaces it, and what is in it is lost.
    Up {
        /// Where and since when.
        running: Running,
        /// Whether the next `up` will replace it.
        stale: bool,
    },
}

/// One sandbox by name; several may run side by side.
#[derive(Clone, Debug)]
pub struct Sandbox {
    folder: PathBuf,
    name: String,
}

impl Sandbox {
    /// The sandbox of that name under the user's cache folder of this program. Nothing is touched yet.
    ///
    /// The name becomes part of file names: anything but letters, digits, `-` and `_` in it is replaced.
    pub fn new(cache: &Path, name: &str) -> Self {
        let name = name.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect();
        Self { folder: cache.join(format!("sandbox-{}", install::pins())), name }
    }

    /// Brings it up, installing what is missing first, or takes the one that is up already.
    pub fn up(&self, progress: &mut dyn FnMut(Step)) -> Result<Running> {
        let lock = self.lock(&self.name, progress)?;
        if let Some(running) = self.running() {
            if running.version == install::version() {
                return Ok(running);
            }
            progress(Step::Replacing);
            server::stop(&running, &self.record())?;
        }
        let python = self.python(progress)?;
        progress(Step::Starting);
        let running = server::start(&python, &install::layer(&self.folder)?, &self.record(), &self.log())?;
        drop(lock);
        Ok(running)
    }

    /// Stops it; `false` where none was running. What was in it is lost.
    pub fn down(&self) -> Result<bool> {
        if !self.folder.is_dir() {
            return Ok(false);
        }
        let _lock = self.lock(&self.name, &mut |_| ())?;
        let running = self.running();
        if let Some(running) = &running {
            server::stop(running, &self.record())?;
        }
        remove(&self.record())?;
        Ok(running.is_some())
    }

    /// Empties it without a restart; `false` where none is running.
    pub fn reset(&self) -> Result<bool> {
        match self.running() {
            Some(running) => server::reset(&running).map(|()| true),
            None => Ok(false),
        }
    }

    /// How it is. Starts nothing.
    pub fn status(&self) -> Status {
        if !install::installed(&self.folder) {
            return Status::Absent;
        }
        match self.running() {
            Some(running) => {
                let stale = running.version != install::version();
                Status::Up { running, stale }
            }
            None if self.record().exists() => Status::Lost,
            None => Status::Down,
        }
    }

    /// Where the server writes what it does: a line a request, and what went wrong in it.
    pub fn log(&self) -> PathBuf {
        self.folder.join(format!("{}.log", self.name))
    }

    /// A server of its own that ends when the value is dropped, or when this process dies however it dies. Its files go to `folder`.
    pub fn private(&self, folder: &Path, progress: &mut dyn FnMut(Step)) -> Result<Private> {
        let python = self.python(progress)?;
        progress(Step::Starting);
        server::private(&python, &install::layer(&self.folder)?, folder)
    }

    /// The Python of the sandbox's environment, installed where it is missing: it has an AWS client of another make.
    pub fn python(&self, progress: &mut dyn FnMut(Step)) -> Result<PathBuf> {
        let _lock = self.lock("venv", progress)?;
        install::ready(&self.folder, progress)
    }

    fn running(&self) -> Option<Running> {
        server::running(&self.record())
    }

    fn record(&self) -> PathBuf {
        self.folder.join(format!("{}.json", self.name))
    }

    /// One command at a time installs, and one at a time brings up or stops the server of one name. The operating system frees the
    /// lock of a process that died.
    fn lock(&self, what: &str, progress: &mut dyn FnMut(Step)) -> Result<File> {
        fs::create_dir_all(&self.folder).map_err(|e| failed("make", &self.folder, &e))?;
        let path = self.folder.join(format!("{what}.lock"));
        let file = File::options().create(true).truncate(false).write(true).open(&path).map_err(|e| failed("open", &path, &e))?;
        if file.try_lock().is_err() {
            progress(Step::Waiting);
            file.lock().map_err(|e| failed("lock", &path, &e))?;
        }
        Ok(file)
    }
}

/// A failure of the file system, with the path that it happened at.
fn failed(verb: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error(format!("the sandbox could not {verb} {}", path.display())).fact("reason", error.to_string())
}

/// Removes a file that may be absent.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed("remove", path, &error).into()),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_within_its_folder() {
        let sandbox = Sandbox::new(Path::new("/cache"), "../a b");
        assert_eq!(sandbox.record().parent(), Some(sandbox.folder.as_path()));
        assert!(sandbox.log().ends_with("___a_b.log"));
    }

    #[test]
    fn nothing_is_made_by_looking() {
        let cache = tempfile::tempdir().unwrap();
        let sandbox = Sandbox::new(cache.path(), "default");
        assert_eq!(sandbox.status(), Status::Absent);
        assert_eq!(sandbox.down(), Ok(false));
        assert_eq!(sandbox.reset(), Ok(false));
        assert_eq!(fs::read_dir(cache.path()).unwrap().count(), 0);
    }
}
