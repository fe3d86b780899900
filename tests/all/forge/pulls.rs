//! Pull requests, what stands in their way, and who may what.

use std::path::Path;
use std::process::Command;

use ferroform::bot::forge::{Forge, Permission, Pull, PullId, Refusal};

use super::{HEAD, hub, id, robot};
use crate::support::github::GitHub as Hub;

#[tokio::test]
async fn a_pull_request_is_told_as_it_is() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    // What came into the base since is not in what GitHub says of the pull request.
    hub.branch("main", "4444444444444444444444444444444444444444");
    let robot = robot(hub.url());
    let told = Pull {
        id: id(n),
        title: "Change feature".into(),
        author: "ann".into(),
        head: HEAD.into(),
        head_branch: "feature".into(),
        base: "4444444444444444444444444444444444444444".into(),
        base_branch: "main".into(),
        fork: false,
        draft: false,
        open: true,
        merged: None,
        url: "https://github.example/acme/infra/pull/1".into(),
    };
    assert_eq!(robot.pull(&id(n)).await.unwrap(), told);
    assert_eq!((robot.word(), robot.reference(n)), ("pull request", "#1".to_owned()));
    hub.edit(n, |pull| pull.draft = true);
    assert!(robot.pull(&id(n)).await.unwrap().draft);
    hub.close(n);
    let closed = robot.pull(&id(n)).await.unwrap();
    assert!(!closed.open && closed.merged.is_none());
    let other = hub.open_pull("ann", "feature", "main");
    let commit = hub.merge(other);
    let merged = robot.pull(&id(other)).await.unwrap();
    assert!(!merged.open && merged.merged == Some(commit.clone()));
    assert_eq!(robot.pulls_of("acme/infra", &commit).await.unwrap(), [id(other)]);
    let refusal = robot.pull(&id(99)).await.unwrap_err();
    assert_eq!(refusal, Refusal::Missing("GitHub answered 404 to `GET /repos/acme/infra/pulls/99`: Not Found".into()));
}

#[tokio::test]
async fn a_head_elsewhere_or_nowhere_is_a_fork() {
    let hub = hub();
    let n = hub.open_pull_of_fork("mallory", "feature", "main");
    let robot = robot(hub.url());
    assert!(robot.pull(&id(n)).await.unwrap().fork);
    hub.edit(n, |pull| pull.orphan = true);
    assert!(robot.pull(&id(n)).await.unwrap().fork, "its repository was deleted");
}

#[tokio::test]
async fn all_open_ones_are_listed() {
    let hub = hub();
    for _ in 0..130 {
        hub.open_pull("ann", "feature", "main");
    }
    hub.close(7);
    let mut open = robot(hub.url()).open_pulls("acme/infra").await.unwrap();
    open.sort();
    assert_eq!(open, (1..=130).filter(|n| *n != 7).map(id).collect::<Vec<_>>());
}

#[tokio::test]
async fn the_last_word_of_whoever_may_write_counts() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    for (user, role) in [("ann", "admin"), ("ben", "write"), ("cid", "maintain"), ("dan", "admin"), ("eve", "triage"), ("fay", "write")] {
        hub.permit(user, role);
    }
    for (user, state) in [
        ("ann", "APPROVED"),
        ("ben", "CHANGES_REQUESTED"),
        ("ben", "APPROVED"),
        ("ben", "COMMENTED"),
        ("cid", "APPROVED"),
        ("cid", "CHANGES_REQUESTED"),
        ("dan", "APPROVED"),
        ("dan", "DISMISSED"),
        ("eve", "APPROVED"),
        ("mallory", "APPROVED"),
        ("mallory", "CHANGES_REQUESTED"),
        ("fay", "PENDING"),
    ] {
        hub.review(n, user, state);
    }
    let robot = robot(hub.url());
    let pull = robot.pull(&id(n)).await.unwrap();
    let standing = robot.standing(&pull, "ferroform/").await.unwrap();
    assert_eq!((standing.approved_by, standing.rejected_by), (vec!["ben".to_owned()], vec!["cid".to_owned()]));
    // Approvals outlast a push, as on GitHub, unless they are dismissed.
    hub.branch("feature", "5555555555555555555555555555555555555555");
    let pull = robot.pull(&id(n)).await.unwrap();
    assert_eq!(robot.standing(&pull, "ferroform/").await.unwrap().approved_by, ["ben"]);
}

#[tokio::test]
async fn checks_of_others_stand_in_the_way() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    for (name, status, conclusion) in [
        ("test", "completed", Some("success")),
        ("docs", "completed", Some("skipped")),
        ("hint", "completed", Some("neutral")),
        ("lint", "completed", Some("failure")),
        ("slow", "completed", Some("timed_out")),
        ("deploy", "in_progress", None),
        ("queue", "queued", None),
        ("ferroform/plan", "completed", Some("failure")),
        ("ferroform/apply", "queued", None),
    ] {
        hub.check(HEAD, name, status, conclusion);
    }
    (0..120).for_each(|i| hub.check(HEAD, &format!("matrix {i}"), "completed", Some("success")));
    hub.check(HEAD, "the last", "completed", Some("cancelled"));
    for (context, state) in [("old", "failure"), ("old", "success"), ("ci", "error"), ("wait", "pending"), ("ferroform/status", "failure")]
    {
        hub.status(HEAD, context, state);
    }
    hub.behind(3);
    let robot = robot(hub.url());
    let pull = robot.pull(&id(n)).await.unwrap();
    let standing = robot.standing(&pull, "ferroform/").await.unwrap();
    assert_eq!(standing.failing, ["ci", "lint", "slow", "the last"]);
    assert_eq!(standing.pending, ["deploy", "queue", "wait"]);
    assert_eq!(standing.behind, 3);
}

#[tokio::test]
async fn everybody_may_what_their_role_says() {
    let hub = hub();
    let robot = robot(hub.url());
    for (role, permission) in [
        ("none", Permission::None),
        ("read", Permission::Read),
        ("triage", Permission::Triage),
        ("write", Permission::Write),
        ("maintain", Permission::Maintain),
        ("admin", Permission::Admin),
    ] {
        hub.permit("ann", role);
        assert_eq!(robot.permission("acme/infra", "ann").await.unwrap(), permission);
    }
    assert_eq!(robot.permission("acme/infra", "mallory").await.unwrap(), Permission::None);
    assert_eq!(robot.permission("acme/infra", "../../../user").await.unwrap(), Permission::None, "a name is no path");
    hub.team("acme/platform", "ann", "active");
    hub.team("acme/platform", "ben", "pending");
    for (user, is) in [("ann", true), ("ben", false), ("mallory", false)] {
        assert_eq!(robot.in_team("acme/platform", user).await.unwrap(), is, "{user}");
    }
    assert!(matches!(robot.in_team("platform", "ann").await, Err(Refusal::Bad(why)) if why.contains("ORGANISATION/TEAM")));
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    hub.rename("acme/cloud");
    assert_eq!(robot.pull(&id(n)).await.unwrap().head, HEAD);
    let kept = robot.keep_comment(&id(n), "<!-- m -->", "<!-- m --> one", None).await.unwrap();
    assert_eq!(robot.keep_comment(&id(n), "<!-- m -->", "<!-- m --> two", Some(kept)).await.unwrap(), kept);
    robot.label(&id(n), &[super::label("ff: x")], "ff: ").await.unwrap();
    robot.label(&id(n), &[], "ff: ").await.unwrap();
    assert_eq!(hub.comments(n).into_iter().map(|comment| comment.body).collect::<Vec<_>>(), ["<!-- m --> two"]);
    assert_eq!(hub.labels(n), Vec::<String>::new());
}

fn git(folder: &Path, arguments: &[&str]) -> String {
    let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "init.defaultBranch=main"];
    let said = Command::new("git").current_dir(folder).args(who).args(arguments).output().unwrap();
    assert!(said.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_repository_is_fetched_from_where_it_is() {
    let root = tempfile::tempdir().unwrap();
    let (bare, work) = (root.path().join("infra.git"), root.path().join("work"));
    git(root.path(), &["init", "-q", "--bare", bare.to_str().unwrap()]);
    git(root.path(), &["clone", "-q", bare.to_str().unwrap(), "work"]);
    let commit = |branch: &str, base: &str, file: &str| {
        git(&work, &["checkout", "-q", "-B", branch, base]);
        std::fs::write(work.join(file), branch).unwrap();
        git(&work, &["add", "."]);
        git(&work, &["commit", "-qm", branch]);
        git(&work, &["push", "-q", "origin", &format!("+{branch}")]);
        git(&work, &["rev-parse", "HEAD"])
    };
    git(&work, &["checkout", "-q", "--orphan", "main"]);
    git(&work, &["commit", "-q", "--allow-empty", "-m", "begin"]);
    let head = commit("feature", "main", "a");
    let base = commit("main", "main", "b");
    let hub = Hub::start("acme/infra", Some(&bare));
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    let pull = robot.pull(&id(n)).await.unwrap();
    assert_eq!((&pull.head, &pull.base), (&head, &base));
    assert_eq!(robot.standing(&pull, "ferroform/").await.unwrap().behind, 1);
    let remote = robot.remote(&id(n)).await.unwrap();
    assert_eq!((remote.url.as_str(), remote.header, remote.head.as_str()), (bare.to_str().unwrap(), None, "refs/pull/1/head"));
    let next = commit("feature", "main", "c");
    assert_eq!(robot.pull(&id(n)).await.unwrap().head, next);
    assert_eq!(git(&bare, &["rev-parse", &remote.head]), next);
    let merged = hub.merge(n);
    assert_eq!(robot.pull(&id(n)).await.unwrap().merged, Some(merged.clone()));
    assert_eq!(git(&bare, &["rev-parse", "main"]), merged);
    assert_eq!(robot.pulls_of("acme/infra", &merged).await.unwrap(), [PullId { repository: "acme/infra".into(), number: n }]);
}
