//! Whatever a user gets wrong is told in words that help, with its place, and changes nothing.

mod access;
mod files;
mod runs;
mod secrets;
mod stacks;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::SystemTime;

use tempfile::TempDir;

/// A folder with a stack and nothing else, and an empty home beside it.
pub struct Folder {
    all: TempDir,
    env: Vec<(&'static str, String)>,
}

/// What a command said and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl Folder {
    /// With that `stack.toml`.
    pub fn with(stack: &str) -> Self {
        let folder = Self { all: tempfile::tempdir().unwrap(), env: vec![] };
        for name in ["web", "home"] {
            std::fs::create_dir(folder.all.path().join(name)).unwrap();
        }
        // Marks where the project begins, whatever lies above.
        folder.write("ferroform.toml", "");
        folder.write("stack.toml", stack);
        folder
    }

    /// Runs commands with those variables in their environment, and none of the machine's own but the path.
    #[must_use]
    pub fn env(mut self, env: Vec<(&'static str, String)>) -> Self {
        self.env = env;
        self
    }

    pub fn path(&self) -> PathBuf {
        self.all.path().join("web")
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path().join(name)).unwrap()).into_owned()
    }

    pub fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        command.args(args).current_dir(self.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("HOME", self.all.path().join("home"));
        command.envs([("NO_COLOR", "1"), ("COLUMNS", "100")]).envs(self.env.iter().map(|(k, v)| (k, v)));
        command
    }

    pub fn run(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    /// Runs it, and it must go well.
    pub fn good(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, Some(0), "{args:?}: {}{}", said.out, said.err);
        said
    }

    /// Runs it, and it must fail with those words and leave every file alone.
    pub fn bad(&self, args: &[&str], words: &[&str]) -> Said {
        let before = self.stamps();
        let said = self.run(args);
        said.tells(words);
        assert_eq!(before, self.stamps(), "{args:?} changed files: {}", said.err);
        said
    }

    /// All files, with what changes when they are written.
    fn stamps(&self) -> BTreeMap<PathBuf, (u64, SystemTime)> {
        let mut found = BTreeMap::new();
        look(self.all.path(), &mut found);
        found
    }
}

fn look(folder: &Path, found: &mut BTreeMap<PathBuf, (u64, SystemTime)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = path.symlink_metadata().unwrap();
        if about.is_dir() {
            look(&path, found);
        } else {
            found.insert(path, (about.len(), about.modified().unwrap()));
        }
    }
}

impl Said {
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// It is an error, with those words on stderr, wherever lines were broken.
    pub fn tells(&self, words: &[&str]) {
        let Self { code, out, err } = self;
        assert_eq!(*code, Some(1), "{out}{err}");
        let flat = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains("error: "), "{err}");
        for word in words {
            assert!(flat.contains(word), "`{word}` is missing in:\n{err}");
        }
        self.no_panic();
    }

    pub fn no_panic(&self) {
        for word in ["panicked", "RUST_BACKTRACE", "stack backtrace", "\u{1b}["] {
            assert!(!self.out.contains(word) && !self.err.contains(word), "{}{}", self.out, self.err);
        }
    }
}
