//! What a job of CI is about, by its environment: GitHub's variables and the file with the event, or GitLab's variables.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::Environment;
use crate::bot::forge::PullId;
use crate::words::{Diagnostic, Result};

/// Where the job runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Host {
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Somewhere else: nobody can be told.
    #[default]
    None,
}

/// What the job is about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Job {
    /// Where it runs.
    pub host: Host,
    /// `acme/infra`
    pub repository: String,
    /// The pull request, if it is about one.
    pub pull: Option<u64>,
    /// That comes from another repository.
    pub fork: bool,
    /// The commit that is spoken of: the head of the pull request, not the merge that is checked out.
    pub commit: String,
    /// The commit that the change starts from, as far as the event says.
    pub base: Option<String>,
    /// The branch that was pushed to.
    pub pushed: Option<String>,
    /// The branch that changes are merged into.
    pub default_branch: Option<String>,
    /// The page of the run.
    pub page: Option<String>,
    /// What the job's summary is added to.
    pub summary: Option<PathBuf>,
    /// What the values for later steps are added to.
    pub outputs: Option<PathBuf>,
}

impl Job {
    /// What the environment says.
    pub fn of(env: Environment<'_>) -> Result<Self> {
        let is = |name: &str| env(name).is_some_and(|value| value == "true");
        match () {
            () if is("GITHUB_ACTIONS") => github(env),
            () if is("GITLAB_CI") => Ok(gitlab(env)),
            () => Ok(Self::default()),
        }
    }

    /// The pull request, in its repository.
    pub fn pull_id(&self) -> Option<PullId> {
        Some(PullId { repository: self.repository.clone(), number: self.pull? })
    }

    /// Fails where another's code would run with what this job is trusted with.
    pub fn trusted(&self) -> Result<()> {
        if !self.fork {
            return Ok(());
        }
        let error = Diagnostic::error("this change comes from a fork, whose code is not planned");
        let help = "a plan runs with the job's credentials, and whoever wrote the code says what it reads; push the branch into this repository after a look at it";
        Err(error.help(help).into())
    }
}

fn github(env: Environment<'_>) -> Result<Job> {
    let text = |name: &str| env(name).filter(|value| !value.is_empty());
    let path = text("GITHUB_EVENT_PATH").ok_or_else(|| Diagnostic::error("the environment has no GITHUB_EVENT_PATH"))?;
    let event = event(Path::new(&path))?;
    let at = |pointer: &str| event.pointer(pointer).and_then(Json::as_str).filter(|value| !value.is_empty()).map(str::to_owned);
    let kind = text("GITHUB_EVENT_NAME").unwrap_or_default();
    let repository = text("GITHUB_REPOSITORY").or_else(|| at("/repository/full_name")).unwrap_or_default();
    let server = text("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".into());
    let mut job = Job {
        host: Host::GitHub,
        pull: event.pointer("/pull_request/number").and_then(Json::as_u64),
        commit: text("GITHUB_SHA").unwrap_or_default(),
        default_branch: at("/repository/default_branch"),
        page: text("GITHUB_RUN_ID").map(|run| format!("{server}/{repository}/actions/runs/{run}")),
        summary: text("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        outputs: text("GITHUB_OUTPUT").map(PathBuf::from),
        repository,
        ..Job::default()
    };
    match kind.as_str() {
        "pull_request" | "pull_request_target" => {
            job.commit = at("/pull_request/head/sha").unwrap_or(job.commit);
            job.base = at("/pull_request/base/sha");
            // A fork that was deleted has no repository any more.
            job.fork = at("/pull_request/head/repo/full_name") != at("/pull_request/base/repo/full_name");
        }
        "push" => {
            job.pushed = text("GITHUB_REF").and_then(|name| name.strip_prefix("refs/heads/").map(str::to_owned));
            job.base = at("/before").filter(|before| before.bytes().any(|byte| byte != b'0'));
        }
        "merge_group" => job.base = at("/merge_group/base_sha"),
        _ => {}
    }
    Ok(job)
}

fn event(path: &Path) -> Result<Json> {
    let bad = |why: String| Diagnostic::error(format!("can't read the event `{}`: {why}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
    Ok(serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?)
}

fn gitlab(env: Environment<'_>) -> Job {
    let text = |name: &str| env(name).filter(|value| !value.is_empty());
    let pull = text("CI_MERGE_REQUEST_IID").and_then(|number| number.parse().ok());
    let commit = text("CI_COMMIT_SHA").unwrap_or_default();
    let before = text("CI_COMMIT_BEFORE_SHA").filter(|before| before.bytes().any(|byte| byte != b'0'));
    Job {
        host: Host::GitLab,
        repository: text("CI_MERGE_REQUEST_PROJECT_PATH")
            .filter(|_| pull.is_some())
            .or_else(|| text("CI_PROJECT_PATH"))
            .unwrap_or_default(),
        pull,
        fork: pull.is_some() && text("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH") != text("CI_MERGE_REQUEST_PROJECT_PATH"),
        // A pipeline for merged results checks out a commit that nobody wrote.
        commit: text("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").filter(|_| pull.is_some()).unwrap_or(commit),
        base: if pull.is_some() { text("CI_MERGE_REQUEST_DIFF_BASE_SHA") } else { before },
        pushed: text("CI_COMMIT_BRANCH").filter(|_| pull.is_none()),
        default_branch: text("CI_DEFAULT_BRANCH"),
        page: text("CI_PIPELINE_URL"),
        summary: None,
        outputs: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn github_job(name: &str, event: &Json) -> Job {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), event.to_string()).expect("a file");
        let path = file.path().display().to_string();
        let env = |key: &str| {
            let value = match key {
                "GITHUB_ACTIONS" => "true",
                "GITHUB_EVENT_NAME" => name,
                "GITHUB_EVENT_PATH" => &path,
                "GITHUB_REPOSITORY" => "acme/infra",
                "GITHUB_SHA" => "merge",
                "GITHUB_REF" => "refs/heads/main",
                "GITHUB_RUN_ID" => "12",
                _ => return None,
            };
            Some(value.to_owned())
        };
        Job::of(&env).expect("it is an event")
    }

    #[test]
    fn events_of_github_are_read() {
        let pull = |from: &str| {
            serde_json::json!({ "number": 7, "pull_request": { "number": 7, "head": { "sha": "head", "repo": { "full_name": from } },
                "base": { "sha": "base", "repo": { "full_name": "acme/infra" } } } })
        };
        let job = github_job("pull_request", &pull("acme/infra"));
        assert_eq!((job.pull, job.commit.as_str(), job.base.as_deref(), job.fork), (Some(7), "head", Some("base"), false));
        assert_eq!(job.page.as_deref(), Some("https://github.com/acme/infra/actions/runs/12"));
        assert!(job.trusted().is_ok());
        for name in ["pull_request", "pull_request_target"] {
            let told = github_job(name, &pull("eve/infra")).trusted().expect_err("it is a fork").to_string();
            assert!(told.contains("comes from a fork"), "{told}");
        }
        let mut gone = pull("eve/infra");
        gone["pull_request"]["head"]["repo"] = Json::Null;
        assert!(github_job("pull_request_target", &gone).fork, "a fork that was deleted is one");
        let job = github_job("push", &serde_json::json!({ "before": "old", "after": "merge", "repository": { "default_branch": "main" } }));
        assert_eq!((job.pushed.as_deref(), job.default_branch.as_deref(), job.base.as_deref()), (Some("main"), Some("main"), Some("old")));
        assert_eq!(github_job("push", &serde_json::json!({ "before": "0".repeat(40) })).base, None, "a new branch");
    }

    #[test]
    fn variables_of_gitlab_are_read() {
        let merge = |source: &'static str| {
            move |key: &str| {
                let value = match key {
                    "GITLAB_CI" => "true",
                    "CI_MERGE_REQUEST_IID" => "7",
                    "CI_PROJECT_PATH" | "CI_MERGE_REQUEST_PROJECT_PATH" => "acme/sub/infra",
                    "CI_MERGE_REQUEST_SOURCE_PROJECT_PATH" => source,
                    "CI_COMMIT_SHA" => "head",
                    "CI_MERGE_REQUEST_DIFF_BASE_SHA" => "base",
                    "CI_MERGE_REQUEST_SOURCE_BRANCH_SHA" => "",
                    _ => return None,
                };
                Some(value.to_owned())
            }
        };
        let job = Job::of(&merge("acme/sub/infra")).expect("it is a job");
        assert_eq!((job.pull, job.commit.as_str(), job.base.as_deref(), job.fork), (Some(7), "head", Some("base"), false));
        assert_eq!(job.repository, "acme/sub/infra");
        assert!(Job::of(&merge("eve/infra")).expect("it is a job").trusted().is_err());
        assert_eq!(Job::of(&|_| None).expect("it is none"), Job::default());
    }
}
