//! `ferroform bot ci` end to end: a git repository with the three stacks, a stand-in for GitHub, and the sandbox's AWS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::support::git::Repo;
use crate::support::github::GitHub;
use crate::support::project::Said;
use crate::support::sandbox::{Cloud, cloud};

const STACK: &str = "stacks/gateway-node/stack.toml";
const USER_DATA: &str = "stacks/gateway-node/templates/user-data.sh.tftpl";

/// A checkout of a repository that GitHub has, and an account.
struct Infra {
    repo: Repo,
    hub: GitHub,
    cloud: Cloud,
    around: TempDir,
}

impl Infra {
    /// With those folders of this project on `main`.
    fn with(folders: &[&str], more: &[(&str, &str)]) -> Self {
        let (repo, around) = (Repo::new(), tempfile::tempdir().unwrap());
        folders.iter().for_each(|folder| repo.copy(folder));
        let key = format!("private_key_path = \"{}\"\n", around.path().join("key.pem").display());
        if folders.contains(&"stacks") {
            fs::write(repo.path().join("stacks/gateway-node/vars.toml"), key).unwrap();
        }
        for (name, text) in more {
            fs::create_dir_all(repo.path().join(name).parent().unwrap()).unwrap();
            fs::write(repo.path().join(name), text).unwrap();
        }
        repo.commit("the beginning");
        let bare = around.path().join("infra.git");
        repo.git(&["clone", "--quiet", "--bare", ".", bare.to_str().unwrap()]);
        repo.git(&["remote", "add", "origin", bare.to_str().unwrap()]);
        Self { hub: GitHub::start("acme/infra", Some(&bare)), repo, cloud: cloud(), around }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.around.path().join(name)
    }

    fn replace(&self, name: &str, from: &str, to: &str) {
        let path = self.repo.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{name} has no {from}");
        fs::write(path, text.replacen(from, to, 1)).unwrap();
    }

    /// Commits and pushes what the branch is now.
    fn push(&self, branch: &str) -> String {
        let commit = self.repo.commit("a change");
        self.repo.git(&["push", "--quiet", "--force", "origin", &format!("HEAD:refs/heads/{branch}")]);
        commit
    }

    /// The program in the checkout with nothing of this machine's environment, on an event of GitHub's.
    fn job(&self, name: &str, event: &str, args: &[&str], env: &[(&str, &str)]) -> Said {
        self.job_in(self.repo.path(), name, event, args, env)
    }

    fn job_in(&self, checkout: &Path, name: &str, event: &str, args: &[&str], env: &[(&str, &str)]) -> Said {
        fs::write(self.file("event.json"), event).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        command.args(args).current_dir(checkout).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.around.path()).env("NO_COLOR", "1");
        command.env("FERROFORM_STATE_DIR", self.file("states"));
        command.envs([
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", name),
            ("GITHUB_REPOSITORY", "acme/infra"),
            ("GITHUB_RUN_ID", "12"),
        ]);
        command.env("GITHUB_EVENT_PATH", self.file("event.json")).env("GITHUB_SHA", self.repo.git(&["rev-parse", "HEAD"]));
        command.env("GITHUB_REF", "refs/heads/main").env("GITHUB_STEP_SUMMARY", self.file("summary.md"));
        command.env("GITHUB_OUTPUT", self.file("outputs")).env("GITHUB_API_URL", self.hub.url()).envs(env.iter().copied());
        Said::of(&command.output().unwrap())
    }

    /// The job that plans: it has an account and no token.
    fn plan(&self, number: u64) -> Said {
        let _ = fs::remove_dir_all(self.file("plans"));
        let _ = fs::remove_file(self.file("outputs"));
        let (name, event) = self.hub.told(number, "synchronize");
        let env = self.cloud.env();
        let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
        self.job(name, &event, &["bot", "ci", "plan", "--out", self.file("plans").to_str().unwrap()], &env)
    }

    /// The job that comments: it has a token and no account.
    fn comment(&self, number: u64) -> Said {
        let (name, event) = self.hub.told(number, "synchronize");
        self.job(name, &event, &["bot", "ci", "comment", self.file("plans").to_str().unwrap()], &[("GITHUB_TOKEN", GitHub::TOKEN)])
    }

    /// The job after a merge.
    fn apply(&self, before: &str) -> Said {
        let event = json!({ "before": before, "after": self.repo.git(&["rev-parse", "HEAD"]), "repository": { "default_branch": "main" } });
        let mut env = self.cloud.env();
        env.push(("GITHUB_TOKEN", GitHub::TOKEN.into()));
        let env: Vec<(&str, &str)> = env.iter().map(|(key, value)| (*key, value.as_str())).collect();
        self.job("push", &event.to_string(), &["bot", "ci", "apply"], &env)
    }

    fn ferroform(&self, args: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        command.args(args).current_dir(self.repo.path()).envs(self.cloud.env()).env("NO_COLOR", "1").stdin(Stdio::null());
        Said::of(&command.env("FERROFORM_STATE_DIR", self.file("states")).output().unwrap())
    }

    /// Destroys what a stack has, as it is on another branch.
    fn destroyed(&self, stack: &str, branch: &str) -> Said {
        let here = self.repo.git(&["rev-parse", "--abbrev-ref", "HEAD"]);
        self.repo.git(&["checkout", "--quiet", branch]);
        let said = self.ferroform(&["destroy", stack, "--auto-approve"]);
        self.repo.git(&["checkout", "--quiet", &here]);
        said
    }

    /// The only comment of a pull request.
    fn said(&self, number: u64) -> String {
        let comments = self.hub.comments(number);
        assert_eq!(comments.len(), 1, "{comments:#?}");
        comments[0].body.clone()
    }

    fn merge(&self, number: u64) {
        self.hub.merge(number);
        self.repo.git(&["fetch", "--quiet", "origin", "main"]);
        self.repo.git(&["checkout", "--quiet", "-B", "main", "FETCH_HEAD"]);
    }
}

fn good(said: &Said) {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
}

fn holds(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is missing in\n{text}");
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_pull_request_is_planned_told_and_applied() {
    let infra = Infra::with(&["stacks"], &[]);
    good(&infra.ferroform(&["apply", "gateway-node", "--auto-approve"]));
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    infra.replace(STACK, "evaluation_periods = ", "evaluation_periods = 1");
    infra.replace(USER_DATA, "set -euo pipefail", "set -euo pipefail # and no further");
    infra.push("feature");
    let number = infra.hub.open_pull("ann", "feature", "main");

    let said = infra.plan(number);
    good(&said);
    assert!(!infra.file("plans").join("ecs-platform.plan").exists(), "{}", said.err);
    assert_eq!(names(&infra.file("plans")), ["gateway-node.json", "gateway-node.plan", "page.json"]);
    assert_eq!(infra.hub.requests().len(), 0, "planning asks GitHub nothing");
    let outputs = fs::read_to_string(infra.file("outputs")).unwrap();
    holds(&outputs, &["changes=true\n", "failed=false\n", "stacks=[\"gateway-node\"]\n"]);
    holds(&fs::read_to_string(infra.file("summary.md")).unwrap(), &["gateway-node", "aws_cloudwatch_metric_alarm.gateway_cpu"]);
    // What goes to the job that comments, and into artifacts, holds no secret.
    let state = fs::read_to_string(infra.file("states").join("gateway-node.tfstate.json")).unwrap();
    let state: Json = serde_json::from_str(&state).unwrap();
    let password = state["resources"].as_array().unwrap().iter().find(|r| r["type"] == "random_password").unwrap();
    let secret = password["instances"][0]["attributes"]["result"].as_str().unwrap();
    for name in ["gateway-node.json", "page.json", "gateway-node.plan"] {
        assert!(!fs::read_to_string(infra.file("plans").join(name)).unwrap().contains(secret), "{name} holds the password");
    }

    good(&infra.comment(number));
    let first = infra.said(number);
    holds(&first, &["gateway-node", "aws_cloudwatch_metric_alarm.gateway_cpu", "evaluation_periods"]);
    assert!(!first.contains("ecs-platform") && !first.contains("clawgent"), "{first}");
    assert!(infra.hub.labels(number).iter().any(|label| label == "ferroform: changes"), "{:?}", infra.hub.labels(number));
    let head = infra.repo.git(&["rev-parse", "feature"]);
    let statuses = infra.hub.statuses(&head);
    assert_eq!(statuses[0]["context"], "ferroform/plan", "{statuses:#?}");

    // A second push edits the one comment.
    infra.replace(STACK, "retention_in_days = ", "retention_in_days = ");
    infra.replace(STACK, "default = 30", "default = 14");
    infra.push("feature");
    good(&infra.plan(number));
    good(&infra.comment(number));
    let second = infra.said(number);
    holds(&second, &["retention_in_days", "evaluation_periods"]);
    assert_eq!(infra.hub.comments(number)[0].edits, 1);

    let before = infra.repo.git(&["rev-parse", "main"]);
    infra.merge(number);
    let said = infra.apply(&before);
    good(&said);
    holds(&infra.said(number), &["gateway-node", "applied"]);
    assert_eq!(infra.ferroform(&["plan", "gateway-node", "--detailed-exitcode"]).code, 0, "what was merged is there");
}

const NOTED: &str = "[resource.terraform_data.it]\ninput = \"x\"\n";

#[test]
fn a_plan_that_fails_fails_the_job_and_is_told() {
    let infra = Infra::with(&[], &[("stacks/web/stack.toml", NOTED), ("stacks/net/stack.toml", NOTED)]);
    good(&infra.ferroform(&["apply", "net", "--auto-approve"]));
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    infra.replace("stacks/web/stack.toml", "\"x\"", "\"${local.none}\"");
    fs::remove_dir_all(infra.repo.path().join("stacks/net")).unwrap();
    infra.push("feature");
    let number = infra.hub.open_pull("ann", "feature", "main");
    let said = infra.plan(number);
    assert_eq!(said.code, 1, "{}", said.err);
    holds(&said.flat(), &["web: can't be planned", "stacks/web/stack.toml:2", "net: the stack is removed; destroy what it has first"]);
    good(&infra.comment(number));
    holds(&infra.said(number), &["stacks/web/stack.toml:2", "the stack is removed"]);
    assert!(infra.hub.labels(number).contains(&"ferroform: failed".to_owned()));
    let head = infra.repo.git(&["rev-parse", "feature"]);
    assert_eq!(infra.hub.statuses(&head)[0]["state"], "failure");
    // What has nothing may go.
    good(&infra.destroyed("net", "main"));
    let said = infra.plan(number);
    assert!(!said.err.contains("net: "), "{}", said.err);
}

#[test]
fn a_change_of_no_stack_says_so() {
    let infra = Infra::with(&[], &[("stacks/web/stack.toml", NOTED)]);
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    fs::write(infra.repo.path().join("README.md"), "new").unwrap();
    infra.push("feature");
    let number = infra.hub.open_pull("ann", "feature", "main");
    good(&infra.plan(number));
    holds(&fs::read_to_string(infra.file("outputs")).unwrap(), &["changes=false\n", "stacks=[]\n"]);
    good(&infra.comment(number));
    assert!(infra.said(number).len() < 500, "{}", infra.said(number));
}

#[test]
fn a_forks_code_is_not_planned() {
    let infra = Infra::with(&[], &[("stacks/web/stack.toml", NOTED)]);
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    infra.replace("stacks/web/stack.toml", "\"x\"", "\"y\"");
    infra.push("feature");
    let number = infra.hub.open_pull_of_fork("eve", "feature", "main");
    let said = infra.plan(number);
    assert_eq!(said.code, 1);
    holds(&said.flat(), &["this change comes from a fork, whose code is not planned"]);
    let (_, event) = infra.hub.told(number, "synchronize");
    let said = infra.job("pull_request_target", &event, &["bot", "ci"], &[("GITHUB_TOKEN", GitHub::TOKEN)]);
    holds(&said.flat(), &["comes from a fork"]);
    assert_eq!((said.code, infra.hub.comments(number).len()), (1, 0));
}

#[test]
fn merged_stacks_are_applied_in_order_and_none_behind_one_that_failed() {
    let list = "[[project]]\nstack = \"app\"\nafter = [\"net\"]\n\n[[project]]\nstack = \"net\"\n\n[[project]]\nstack = \"alone\"\n";
    let blocked = "[resource.local_file.it]\nfilename = \"/proc/none/x\"\ncontent = \"x\"\n";
    let stacks = [("app/s.toml", NOTED), ("net/s.toml", NOTED), ("alone/s.toml", NOTED), ("ferroform.toml", list)];
    let infra = Infra::with(&[], &stacks);
    // All up to here is applied.
    fs::create_dir_all(infra.file("states")).unwrap();
    fs::write(infra.file("states/applied.json"), json!({ "commit": infra.repo.git(&["rev-parse", "HEAD"]) }).to_string()).unwrap();
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    for name in ["app/s.toml", "alone/s.toml"] {
        infra.replace(name, "\"x\"", "\"y\"");
    }
    fs::write(infra.repo.path().join("net/s.toml"), blocked).unwrap();
    infra.push("feature");
    let number = infra.hub.open_pull("ann", "feature", "main");
    let before = infra.repo.git(&["rev-parse", "main"]);
    infra.merge(number);
    let said = infra.apply(&before);
    assert_eq!(said.code, 1, "{}{}", said.out, said.err);
    holds(&said.flat(), &["net: the apply failed", "app: net comes before it, and was not applied", "alone: 1 created"]);
    holds(&infra.said(number), &["net comes before it", "1 created"]);
    assert!(infra.file("states").join("alone.tfstate.json").exists() && !infra.file("states").join("app.tfstate.json").exists());
    // What failed, and what came behind it, is done by the next push, whatever that changes.
    infra.repo.git(&["checkout", "--quiet", "-b", "repair"]);
    fs::write(infra.repo.path().join("net/s.toml"), NOTED.replace('x', "z")).unwrap();
    infra.push("repair");
    let number = infra.hub.open_pull("ann", "repair", "main");
    infra.merge(number);
    let said = infra.apply(&infra.repo.git(&["rev-parse", "HEAD^1"]));
    good(&said);
    holds(&said.flat(), &["net: 1 created", "app: 1 created"]);
    // On another branch nothing is applied.
    let event = json!({ "before": before, "repository": { "default_branch": "trunk" } }).to_string();
    let said = infra.job("push", &event, &["bot", "ci", "apply"], &[]);
    holds(&said.flat(), &["this is a push to main, and only what is on trunk is applied"]);
    assert_eq!(said.code, 1);
}

#[test]
fn a_job_tells_only_the_pull_request_that_it_is_about() {
    let infra = Infra::with(&[], &[("stacks/web/stack.toml", NOTED)]);
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    infra.replace("stacks/web/stack.toml", "\"x\"", "\"y\"");
    infra.push("feature");
    let (one, other) = (infra.hub.open_pull("ann", "feature", "main"), infra.hub.open_pull("ann", "feature", "main"));
    good(&infra.plan(one));
    let said = infra.comment(other);
    assert_eq!((said.code, infra.hub.comments(other).len()), (1, 0));
    holds(&said.flat(), &["the plans are for acme/infra#1, and this job is about acme/infra#2"]);
    let (name, event) = infra.hub.told(one, "synchronize");
    let said = infra.job(name, &event, &["bot", "ci", "comment", infra.file("plans").to_str().unwrap()], &[]);
    holds(&said.flat(), &["the environment has no GITHUB_TOKEN", "github.token"]);
}

#[test]
fn the_merge_that_github_checks_out_is_compared_with_its_base() {
    let infra = Infra::with(&[], &[("stacks/web/stack.toml", NOTED), ("stacks/net/stack.toml", NOTED)]);
    let old = infra.repo.git(&["rev-parse", "main"]);
    infra.repo.git(&["checkout", "--quiet", "-b", "feature"]);
    infra.replace("stacks/web/stack.toml", "\"x\"", "\"y\"");
    let head = infra.push("feature");
    infra.repo.git(&["checkout", "--quiet", "main"]);
    infra.replace("stacks/net/stack.toml", "\"x\"", "\"y\"");
    infra.repo.commit("main goes on");
    infra.repo.git(&["merge", "--quiet", "--no-ff", "-m", "the merge", "feature"]);
    let (checkout, from) = (infra.file("checkout"), format!("file://{}", infra.repo.path().display()));
    infra.repo.git(&["clone", "--quiet", "--depth", "2", &from, checkout.to_str().unwrap()]);
    let side = |commit: &str| json!({ "sha": commit, "repo": { "full_name": "acme/infra" } });
    let event = json!({ "pull_request": { "number": 7, "head": side(&head), "base": side(&old) } }).to_string();
    // Wherever in the checkout the job stands.
    let said = infra.job_in(&checkout.join("stacks"), "pull_request", &event, &["bot", "ci", "plan"], &[]);
    good(&said);
    holds(&said.flat(), &["1 file changed", "1 of 2 stacks touched", "web: 1 to create"]);
    holds(&fs::read_to_string(infra.file("summary.md")).unwrap(), &[&head[..7]]);
    // Without the history nothing is guessed.
    infra.repo.git(&["clone", "--quiet", "--depth", "1", &from, infra.file("shallow").to_str().unwrap()]);
    let said = infra.job_in(&infra.file("shallow"), "pull_request", &event, &["bot", "ci", "plan"], &[]);
    assert_eq!(said.code, 1);
    holds(&said.flat(), &["can't tell what changed", "fetch-depth: 0"]);
}
