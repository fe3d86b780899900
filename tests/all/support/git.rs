//! A git repository of a test's own.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use super::project::copy;

/// See the module.
pub struct Repo(TempDir);

impl Repo {
    /// An empty one whose branch is `main`.
    pub fn new() -> Self {
        let repo = Self(tempfile::tempdir().unwrap());
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// Its work tree.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs git there; what it said.
    pub fn git(&self, args: &[&str]) -> String {
        let output = command(self.path()).args(args).output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// Commits all that there is, and gives the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Takes a folder of this project into it.
    pub fn copy(&self, folder: &str) {
        copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &self.path().join(folder));
    }
}

/// Git in a folder, as nobody's own git.
pub fn command(folder: &Path) -> Command {
    let mut git = Command::new("git");
    git.current_dir(folder).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
    git.args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "commit.gpgsign=false"]);
    git
}
