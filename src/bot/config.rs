//! What `ferroform.toml` says to the bot: `[bot]` has the rules, each `[[project]]` a stack with its order.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::forge::Permission;

/// What the bot goes by in a repository.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The rules. A server takes them from the base branch: a pull request doesn't make its own.
    pub rules: Rules,
    /// The projects, if they are listed; else every stack is one.
    pub projects: Vec<Project>,
}

/// What an apply needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How many have to approve, the author not counted.
    pub approvals: usize,
    /// All checks have to be good.
    pub checks: bool,
    /// The head has to hold all of the base branch.
    pub up_to_date: bool,
    /// Who may apply and unlock: logins, and teams as `@acme/platform`; anybody with the permission if there is nobody.
    pub allow: Vec<String>,
    /// What they need in the repository besides.
    pub permission: Permission,
    /// Plan when a pull request is opened or changed; else only when somebody says so.
    pub autoplan: bool,
    /// Plan drafts, too.
    pub drafts: bool,
    /// Plans at once.
    pub parallel: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approvals: 1,
            checks: true,
            up_to_date: true,
            allow: vec![],
            permission: Permission::Write,
            autoplan: true,
            drafts: false,
            parallel: 4,
        }
    }
}

/// A stack that is planned and applied as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// How people name it: `ferroform apply NAME`.
    pub name: String,
    /// The stack, from the repository's root.
    pub stack: PathBuf,
    /// Its workspace, if not the default one.
    pub workspace: Option<String>,
    /// Files with values of variables, from the repository's root.
    pub var_files: Vec<PathBuf>,
    /// Files whose change plans it besides those that it uses: globs from the repository's root.
    pub watch: Vec<String>,
    /// Names of projects that are applied before it.
    pub after: Vec<String>,
}

impl Project {
    /// What its state is known by, whatever the project is called: its path and its workspace.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}@{}", self.stack.display(), self.workspace.as_deref().unwrap_or("default"))
    }
}
