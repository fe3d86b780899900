//! The port to a place where code is reviewed: what the bot needs to know of a pull request, and what it says there. GitHub's pull
//! requests and GitLab's merge requests are both a [`Pull`]; nothing here knows either.

mod comments;
mod github;
mod gitlab;
mod patience;
mod webhook;
mod wire;

use std::collections::BTreeMap;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use github::{Credentials, GitHub};
pub use gitlab::GitLab;
pub use patience::Patience;

/// A pull request, by its repository's full name (`acme/infra`, `group/subgroup/infra`) and its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PullId {
    /// The repository into which it is to be merged.
    pub repository: String,
    /// Its number there.
    pub number: u64,
}

/// A pull request as it is now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// Which one.
    pub id: PullId,
    /// Its title.
    pub title: String,
    /// Who opened it.
    pub author: String,
    /// The commit that is to be merged.
    pub head: String,
    /// The branch of that commit.
    pub head_branch: String,
    /// The commit that the base branch is at.
    pub base: String,
    /// The branch into which it is to be merged.
    pub base_branch: String,
    /// The head lies in another repository: its code is never run with credentials.
    pub fork: bool,
    /// Not meant to be merged yet.
    pub draft: bool,
    /// Neither merged nor closed.
    pub open: bool,
    /// It was merged, as this commit where that is known.
    pub merged: Option<String>,
    /// Its page.
    pub url: String,
}

/// What stands in the way of a merge, and what does not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// Who approved the head, or what came before it where the place keeps such approvals; whoever asked for changes later is not among them.
    pub approved_by: Vec<String>,
    /// Who asked for changes and has not approved since.
    pub rejected_by: Vec<String>,
    /// Checks of the head that failed, by name; ours are left out.
    pub failing: Vec<String>,
    /// Checks of the head that have not ended, by name; ours are left out.
    pub pending: Vec<String>,
    /// How many commits of the base branch the head lacks.
    pub behind: u64,
}

/// What somebody may do in a repository; each may all that those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Permission {
    /// Nothing.
    None,
    /// Look.
    Read,
    /// Sort what others write.
    Triage,
    /// Push.
    Write,
    /// Change the repository's rules.
    Maintain,
    /// All.
    Admin,
}

impl Permission {
    /// In a word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Read => "read",
            Self::Triage => "triage",
            Self::Write => "write",
            Self::Maintain => "maintain",
            Self::Admin => "admin",
        }
    }
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is under way.
    Running,
    /// All is well.
    Success,
    /// It is done, and somebody should look: there are changes that destroy something.
    Neutral,
    /// It failed.
    Failure,
}

/// A remark on a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The file, from the repository's root.
    pub path: String,
    /// The line, counted from 1.
    pub line: u64,
    /// How grave it is.
    pub level: Level,
    /// One line.
    pub title: String,
    /// More lines.
    pub message: String,
}

/// How grave a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Good to know.
    Notice,
    /// To be looked at.
    Warning,
    /// It failed.
    Failure,
}

/// A check of a commit, as code hosts list it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What it is called: `ferroform/plan`.
    pub name: String,
    /// How it stands.
    pub verdict: Verdict,
    /// One line.
    pub title: String,
    /// Markdown.
    pub summary: String,
    /// Remarks on lines, the gravest first. The port sends as many as its place takes.
    pub annotations: Vec<Annotation>,
}

/// A label of ours: its colour as six hexadecimal digits, and what it means.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Label {
    /// `ferroform: changes`
    pub name: String,
    /// `d4c5f9`
    pub colour: String,
    /// A sentence.
    pub meaning: String,
}

/// What somebody did, told by a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A pull request was opened or reopened, got other commits, is no draft any more, or has another base.
    Changed(PullId),
    /// It was merged or closed.
    Ended(PullId),
    /// Somebody wrote a new comment on it.
    Said {
        /// Where.
        pull: PullId,
        /// Which comment, for a reaction.
        comment: u64,
        /// Who.
        user: String,
        /// What.
        text: String,
    },
    /// The base branch of that repository moved: plans for it are of yesterday.
    Pushed {
        /// `acme/infra`
        repository: String,
        /// `main`
        branch: String,
    },
    /// Nothing for us; why, for the log.
    Ignored(String),
}

/// Where a repository is fetched from. Never shown: it may hold a token.
#[derive(Clone)]
pub struct Remote {
    /// A URL that git understands.
    pub url: String,
    /// What git sends along: `Authorization: Basic ...`
    pub header: Option<String>,
    /// The ref at which the place keeps a pull request's head: `refs/pull/7/head`.
    pub head: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("url", &self.url).field("head", &self.head).finish_non_exhaustive()
    }
}

/// Why the place did not do as it was asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is out of order, out of reach or too busy, beyond what the port waited for; until then, if that is known.
    #[error("{why}")]
    Later {
        /// What it said.
        why: String,
        /// When it will listen again.
        until: Option<Timestamp>,
    },
    /// There is no such thing.
    #[error("{0}")]
    Missing(String),
    /// The bot may not do that; the permission that it lacks is named where it is known.
    #[error("{0}")]
    Forbidden(String),
    /// It did not understand, or says something that we don't.
    #[error("{0}")]
    Bad(String),
}

/// What a place answers.
pub type Answer<T> = Result<T, Refusal>;

/// A place where code is reviewed. Every call waits by itself while the place asks for patience (rate limits, 5xx), within reason; what
/// changes something may be done twice with one effect.
#[async_trait]
pub trait Forge: Send + Sync {
    /// The most that a comment may hold: bytes on GitHub, characters on GitLab; bytes are never fewer.
    fn limit(&self) -> usize;

    /// What a pull request is called here, for sentences: `pull request`, `merge request`.
    fn word(&self) -> &'static str;

    /// How one is written so that a reader can click on it: `#7`, `!7`.
    fn reference(&self, number: u64) -> String;

    /// The bot's own login: what it writes itself is no command.
    async fn me(&self) -> Answer<String>;

    /// A pull request as it is now.
    async fn pull(&self, id: &PullId) -> Answer<Pull>;

    /// All that are open.
    async fn open_pulls(&self, repository: &str) -> Answer<Vec<PullId>>;

    /// The pull requests that a commit came with, for what happens after a merge.
    async fn pulls_of(&self, repository: &str, commit: &str) -> Answer<Vec<PullId>>;

    /// What stands in the way of a merge. `ours` begins the names of our own checks.
    async fn standing(&self, pull: &Pull, ours: &str) -> Answer<Standing>;

    /// What somebody may do.
    async fn permission(&self, repository: &str, user: &str) -> Answer<Permission>;

    /// Whether somebody is in a team: `acme/platform` on GitHub, a group on GitLab.
    async fn in_team(&self, team: &str, user: &str) -> Answer<bool>;

    /// Writes the one comment that bears `mark` (hidden in the text, which holds it already), or edits it where it is there. `known` is its
    /// id from the last time. Gives the id.
    async fn keep_comment(&self, id: &PullId, mark: &str, text: &str, known: Option<u64>) -> Answer<u64>;

    /// Writes a comment.
    async fn say(&self, id: &PullId, text: &str) -> Answer<()>;

    /// Shows whoever wrote a comment that it was seen.
    async fn seen(&self, id: &PullId, comment: u64) -> Answer<()>;

    /// Puts these labels on it, and takes away all others whose names begin with `ours`. Labels that the repository lacks are made.
    async fn label(&self, id: &PullId, labels: &[Label], ours: &str) -> Answer<()>;

    /// Tells a check of a commit; `known` is its id from the last time. Gives the id.
    async fn check(&self, repository: &str, commit: &str, check: &Check, known: Option<u64>) -> Answer<u64>;

    /// Where to fetch it.
    async fn remote(&self, id: &PullId) -> Answer<Remote>;

    /// What an authenticated webhook says: its headers with small names, and its body. `Err` says what is wrong with it.
    fn event(&self, headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Event, String>;

    /// The id of a delivery, by which a replay is known, and whether the headers and the body prove that the place sent it.
    fn authentic(&self, headers: &BTreeMap<String, String>, body: &[u8], secret: &[u8]) -> Option<String>;
}
