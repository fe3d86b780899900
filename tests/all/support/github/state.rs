//! What the stand-in remembers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value as Json, json};

use super::{Asked, Fault};

/// A pull request.
#[derive(Clone, Debug)]
pub struct Pull {
    /// Its number.
    pub number: u64,
    /// Who opened it.
    pub author: String,
    /// Its title.
    pub title: String,
    /// The branch of its head.
    pub head_branch: String,
    /// The commit.
    pub head: String,
    /// The branch into which it goes.
    pub base_branch: String,
    /// Where that was when the pull request was opened or pushed to.
    pub base: String,
    /// Its head is in another repository.
    pub fork: bool,
    /// That repository is gone.
    pub orphan: bool,
    /// Not meant to be merged yet.
    pub draft: bool,
    /// Neither merged nor closed.
    pub open: bool,
    /// The merge commit.
    pub merged: Option<String>,
    /// Their names.
    pub labels: Vec<String>,
}

/// A comment.
#[derive(Clone, Debug)]
pub struct Comment {
    /// Its id.
    pub id: u64,
    /// The pull request's number.
    pub pull: u64,
    /// Who wrote it.
    pub user: String,
    /// Its text.
    pub body: String,
    /// How often it was edited.
    pub edits: usize,
    /// Reactions: who, and what (`eyes`).
    pub reactions: Vec<(String, String)>,
}

pub(super) struct Review {
    pub id: u64,
    pub pull: u64,
    pub user: String,
    pub state: String,
    pub commit: String,
}

pub(super) struct State {
    pub url: String,
    pub repository: String,
    pub renamed: Vec<String>,
    pub bare: Option<PathBuf>,
    pub branches: BTreeMap<String, String>,
    pub behind: u64,
    pub app: Option<(u64, String)>,
    pub tokens: Vec<String>,
    pub permissions: BTreeMap<String, String>,
    pub teams: BTreeMap<(String, String), String>,
    pub pulls: BTreeMap<u64, Pull>,
    pub comments: Vec<Comment>,
    pub reviews: Vec<Review>,
    pub labels: BTreeMap<String, (String, String)>,
    pub checks: Vec<Json>,
    pub statuses: Vec<(String, Json)>,
    pub requests: Vec<Asked>,
    pub faults: Vec<(String, String, Fault, usize)>,
    next: u64,
}

impl State {
    pub fn new(repository: &str, bare: Option<PathBuf>) -> Self {
        Self {
            url: String::new(),
            repository: repository.into(),
            renamed: vec![],
            bare,
            branches: BTreeMap::new(),
            behind: 0,
            app: None,
            tokens: vec![],
            permissions: BTreeMap::new(),
            teams: BTreeMap::new(),
            pulls: BTreeMap::new(),
            comments: vec![],
            reviews: vec![],
            labels: BTreeMap::new(),
            checks: vec![],
            statuses: vec![],
            requests: vec![],
            faults: vec![],
            next: 1000,
        }
    }

    pub fn id(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// What git says; nothing where it refuses.
    pub fn git(&self, arguments: &[&str]) -> Option<String> {
        let mut git = Command::new("git");
        git.arg("--git-dir").arg(self.bare.as_ref()?).args(arguments);
        for role in ["AUTHOR", "COMMITTER"] {
            git.env(format!("GIT_{role}_NAME"), "GitHub").env(format!("GIT_{role}_EMAIL"), "noreply@example.com");
        }
        let said = git.output().unwrap();
        said.status.success().then(|| String::from_utf8(said.stdout).unwrap().trim().to_owned())
    }

    /// The commit that a branch is at.
    pub fn tip(&self, branch: &str) -> Option<String> {
        self.git(&["rev-parse", "--verify", "--quiet", &format!("refs/heads/{branch}")]).or_else(|| self.branches.get(branch).cloned())
    }

    /// How many commits the first has that the second lacks.
    pub fn lacks(&self, base: &str, head: &str) -> u64 {
        if self.bare.is_none() {
            return self.behind;
        }
        self.git(&["rev-list", "--count", &format!("{head}..{base}")]).map_or(0, |n| n.parse().unwrap())
    }

    pub fn open(&mut self, author: &str, head: &str, base: &str, fork: bool) -> u64 {
        let number = self.pulls.len() as u64 + 1;
        let pull = Pull {
            number,
            author: author.into(),
            title: format!("Change {head}"),
            head_branch: head.into(),
            head: String::new(),
            base_branch: base.into(),
            base: String::new(),
            fork,
            orphan: false,
            draft: false,
            open: true,
            merged: None,
            labels: vec![],
        };
        self.pulls.insert(number, pull);
        self.follow(number);
        number
    }

    /// An open pull request follows its branch, and so does its ref.
    pub fn follow(&mut self, number: u64) {
        let Some(pull) = self.pulls.get(&number).filter(|pull| pull.open) else { return };
        let (head, base) = (self.tip(&pull.head_branch), self.tip(&pull.base_branch));
        let head = head.unwrap_or_else(|| panic!("there is no branch `{}`", pull.head_branch));
        if head != pull.head {
            self.git(&["update-ref", &format!("refs/pull/{number}/head"), &head]);
            let pull = self.pulls.get_mut(&number).unwrap();
            (pull.head, pull.base) = (head, base.unwrap_or_default());
        }
    }

    pub fn merge(&mut self, number: u64) -> String {
        self.follow(number);
        let pull = self.pulls[&number].clone();
        let merged = if self.bare.is_some() {
            let base = self.tip(&pull.base_branch).unwrap();
            let tree = self.git(&["merge-tree", "--write-tree", &base, &pull.head]).expect("a merge without conflicts");
            let message = format!("Merge pull request #{number}");
            let commit = self.git(&["commit-tree", &tree, "-p", &base, "-p", &pull.head, "-m", &message]).unwrap();
            self.git(&["update-ref", &format!("refs/heads/{}", pull.base_branch), &commit]).unwrap();
            commit
        } else {
            let commit = format!("{number:040x}");
            self.branches.insert(pull.base_branch, commit.clone());
            commit
        };
        let pull = self.pulls.get_mut(&number).unwrap();
        (pull.open, pull.merged) = (false, Some(merged.clone()));
        merged
    }

    pub fn close(&mut self, number: u64) {
        self.follow(number);
        self.pulls.get_mut(&number).unwrap().open = false;
    }

    pub fn say(&mut self, pull: u64, user: &str, body: &str) -> u64 {
        let id = self.id();
        self.comments.push(Comment { id, pull, user: user.into(), body: body.into(), edits: 0, reactions: vec![] });
        id
    }

    pub fn add_check(&mut self, body: &Json) -> Json {
        let id = self.id();
        let mut check = self.check_shape(id, body["head_sha"].as_str().unwrap_or_default());
        write_check(&mut check, body);
        self.checks.push(check.clone());
        check
    }

    pub fn add_status(&mut self, commit: &str, body: &Json) -> Json {
        let id = self.id();
        let status = json!({ "id": id, "node_id": format!("SC_{id}"), "url": format!("{}/repos/{}/statuses/{commit}", self.url, self.repository),
            "avatar_url": null, "state": body["state"], "description": body["description"], "target_url": null,
            "context": body["context"].as_str().unwrap_or("default"), "created_at": "2026-01-01T00:00:00Z", "updated_at": "2026-01-01T00:00:00Z" });
        self.statuses.push((commit.into(), status.clone()));
        status
    }

    pub fn next_fault(&mut self, asked: &Asked) -> Option<Fault> {
        let found = self.faults.iter_mut().find(|(method, path, _, times)| {
            *times > 0 && (method == "*" || *method == asked.method) && asked.path.contains(path.as_str())
        })?;
        found.3 -= 1;
        Some(found.2.clone())
    }
}

/// What a request says of a check run; annotations are added to those that are there.
pub(super) fn write_check(check: &mut Json, body: &Json) {
    for key in ["name", "status", "conclusion", "details_url", "external_id", "started_at", "completed_at"] {
        if !body[key].is_null() {
            check[key] = body[key].clone();
        }
    }
    if !body["conclusion"].is_null() {
        check["status"] = json!("completed");
    }
    for key in ["title", "summary", "text"] {
        if !body["output"][key].is_null() {
            check["output"][key] = body["output"][key].clone();
        }
    }
    let more = body["output"]["annotations"].as_array().cloned().unwrap_or_default();
    let kept = check["annotations"].as_array_mut().unwrap();
    kept.extend(more);
    check["output"]["annotations_count"] = json!(kept.len());
}
