//! Checkouts of pull requests: one clone for a repository, and beside it a tree for each pair of commits, as a merge would make it. Git
//! itself does all of it.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use super::forge::{Pull, Remote};

/// The checkouts of a server.
#[derive(Clone, Debug)]
pub struct Checkouts {
    /// Where they lie.
    pub folder: PathBuf,
}

/// Why there is no checkout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failed {
    /// The pull request can't be merged: these files.
    Conflict(Vec<String>),
    /// Git could not do it: what it said.
    Git(String),
}

impl From<String> for Failed {
    fn from(said: String) -> Self {
        Self::Git(said)
    }
}

impl Checkouts {
    fn repository(&self, repository: &str) -> PathBuf {
        // Names of repositories hold no `..` on any host, but who knows the next one.
        self.folder.join(repository.replace("..", "__"))
    }

    /// What a tree of a pull request is called: its commits.
    #[must_use]
    pub fn name(pull: &Pull) -> String {
        let short = |commit: &str| commit.chars().filter(char::is_ascii_alphanumeric).take(16).collect::<String>();
        format!("{}-{}-{}", pull.id.number, short(&pull.head), short(&pull.base))
    }

    /// Where a tree lies.
    #[must_use]
    pub fn path(&self, repository: &str, tree: &str) -> PathBuf {
        self.repository(repository).join("trees").join(tree)
    }

    /// Fetches what the pull request is made of, and checks out what a merge of it would make. Gives the tree's folder.
    pub async fn tree(&self, pull: &Pull, remote: &Remote) -> Result<PathBuf, Failed> {
        let clone = self.repository(&pull.id.repository).join("clone.git");
        let path = self.path(&pull.id.repository, &Self::name(pull));
        if path.join(".git").exists() {
            return Ok(path);
        }
        if !clone.join("HEAD").exists() {
            tokio::fs::create_dir_all(&clone).await.map_err(|e| format!("can't make `{}`: {e}", clone.display()))?;
            git(&clone, &["init", "--quiet", "--bare"], None).await?;
        }
        let base = format!("+refs/heads/{}:refs/base/{}", pull.base_branch, pull.id.number);
        let head = format!("+{}:refs/head/{}", remote.head, pull.id.number);
        git(
            &clone,
            &["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", "--", &remote.url, &base, &head],
            remote.header.as_deref(),
        )
        .await?;
        git(&clone, &["worktree", "prune"], None).await?;
        // Made beside its place, so that what is in its place is whole.
        let fresh = path.with_extension("new");
        self.clear(&clone, &fresh).await;
        let fresh_text = fresh.display().to_string();
        git(&clone, &["worktree", "add", "--quiet", "--force", "--detach", &fresh_text, &pull.base], None).await?;
        if let Err(said) =
            git(&fresh, &["merge", "--quiet", "--no-ff", "--no-edit", "--no-verify", "-m", "merged to be planned", &pull.head], None).await
        {
            let files = git(&fresh, &["diff", "--name-only", "-z", "--diff-filter=U"], None).await.unwrap_or_default();
            self.clear(&clone, &fresh).await;
            let files: Vec<String> = files.split('\0').filter(|file| !file.is_empty()).map(str::to_owned).collect();
            return Err(if files.is_empty() { Failed::Git(said) } else { Failed::Conflict(files) });
        }
        let path_text = path.display().to_string();
        git(&clone, &["worktree", "move", "--force", &fresh_text, &path_text], None).await?;
        Ok(path)
    }

    /// A file as it is at the base of a pull request whose tree is there.
    pub async fn at_base(&self, pull: &Pull, file: &str) -> Option<String> {
        let clone = self.repository(&pull.id.repository).join("clone.git");
        git(&clone, &["show", &format!("{}:{file}", pull.base)], None).await.ok()
    }

    /// Takes away the trees of a pull request but those.
    pub async fn keep_only(&self, repository: &str, number: u64, kept: &[String]) {
        let clone = self.repository(repository).join("clone.git");
        let mut entries = match tokio::fs::read_dir(self.repository(repository).join("trees")).await {
            Ok(entries) => entries,
            Err(_none) => return,
        };
        while let Ok(Some(entry)) = entries.next_entry().await {
            let name = entry.file_name().to_string_lossy().into_owned();
            if name.split('-').next() == Some(&number.to_string()) && !kept.contains(&name) {
                self.clear(&clone, &entry.path()).await;
            }
        }
    }

    async fn clear(&self, clone: &Path, tree: &Path) {
        let path = tree.display().to_string();
        let _not_there = git(clone, &["worktree", "remove", "--force", "--force", &path], None).await;
        let _gone = tokio::fs::remove_dir_all(tree).await;
    }
}

/// Runs git; gives what it said to stdout, or else to stderr. Nothing of the user's own settings is used, and no hook of anybody's is run.
async fn git(folder: &Path, args: &[&str], header: Option<&str>) -> Result<String, String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).stdin(Stdio::null()).kill_on_drop(true);
    let mut settings = vec![
        ("core.hooksPath", "/dev/null"),
        ("core.symlinks", "false"),
        ("protocol.ext.allow", "never"),
        ("advice.detachedHead", "false"),
        ("commit.gpgSign", "false"),
        ("gc.auto", "0"),
    ];
    // In the environment, not among the arguments, which everybody on the machine can read.
    if let Some(header) = header {
        settings.push(("http.extraHeader", header));
    }
    command.env("GIT_CONFIG_COUNT", settings.len().to_string());
    for (i, (key, value)) in settings.iter().enumerate() {
        command.env(format!("GIT_CONFIG_KEY_{i}"), key).env(format!("GIT_CONFIG_VALUE_{i}"), value);
    }
    command
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_LFS_SKIP_SMUDGE", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("LC_ALL", "C");
    for whose in ["AUTHOR", "COMMITTER"] {
        command.env(format!("GIT_{whose}_NAME"), "ferroform").env(format!("GIT_{whose}_EMAIL"), "ferroform@localhost");
    }
    let ended = command.output().await.map_err(|e| format!("can't run git: {e}"))?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    Err(said.lines().filter(|line| !line.trim().is_empty()).take(5).collect::<Vec<_>>().join("; "))
}
