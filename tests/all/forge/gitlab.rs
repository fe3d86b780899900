//! GitLab. There is no description of its API in a package that requests could be held against: their shapes stand here as they are sent.

mod hub;

use std::collections::BTreeMap;
use std::time::Duration;

use ferroform::bot::forge::{Event, Forge, GitLab, Patience, Permission, Pull, PullId, Refusal, Verdict};
use ferroform::words::secret::Secret;
use serde_json::{Value as Json, json};

use super::{BASE, HEAD, MARK, check, label, short};
use hub::{Hub, TOKEN};

const NAME: &str = "acme/cloud/infra";

fn id() -> PullId {
    PullId { repository: NAME.into(), number: 7 }
}

async fn start() -> (Hub, GitLab) {
    let hub = Hub::start().await;
    let lab = GitLab::new(&hub.url, Secret::new(TOKEN), short()).unwrap();
    (hub, lab)
}

fn member(hub: &Hub, name: &str, level: u64) {
    hub.memory().members.push((name.into(), level, "active".into()));
}

#[tokio::test]
async fn a_merge_request_is_told_as_it_is() {
    let (hub, lab) = start().await;
    let told = Pull {
        id: id(),
        title: "Change it".into(),
        author: "ann".into(),
        head: HEAD.into(),
        head_branch: "feature".into(),
        base: BASE.into(),
        base_branch: "main".into(),
        fork: false,
        draft: false,
        open: true,
        merged: None,
        url: "https://gitlab.example/acme/cloud/infra/-/merge_requests/7".into(),
    };
    assert_eq!(lab.pull(&id()).await.unwrap(), told);
    assert_eq!((lab.word(), lab.reference(7), lab.limit()), ("merge request", "!7".to_owned(), 1_000_000));
    assert_eq!(lab.open_pulls(NAME).await.unwrap(), [id()]);
    assert_eq!(lab.pulls_of(NAME, "c0ffee").await.unwrap(), [id()]);
    assert_eq!(lab.pulls_of(NAME, "decaf").await.unwrap(), []);
    for (request, fork) in [(json!({ "source_project_id": 4 }), true), (json!({ "source_project_id": null }), true)] {
        hub.memory().request = request;
        assert_eq!(lab.pull(&id()).await.unwrap().fork, fork);
    }
    hub.memory().request = json!({ "state": "merged", "squash_commit_sha": "5555" });
    let merged = lab.pull(&id()).await.unwrap();
    assert_eq!((merged.open, merged.merged.as_deref()), (false, Some("5555")));
    hub.memory().request = json!({});
    let before = PullId { repository: "acme/old".into(), number: 7 };
    assert_eq!(lab.pull(&before).await.unwrap().head, HEAD, "it was renamed");
    let remote = lab.remote(&id()).await.unwrap();
    assert_eq!((remote.head.as_str(), remote.header), ("refs/merge-requests/7/head", None), "its repository is elsewhere");
}

#[tokio::test]
async fn one_note_is_written_and_edited() {
    let (hub, lab) = start().await;
    hub.memory().notes = (0..120).map(|i| (i, "ann".into(), format!("remark {i}"))).chain([(120, "mallory".into(), MARK.into())]).collect();
    hub.memory().faults.push(("POST".into(), 0, None));
    let ours = lab.keep_comment(&id(), MARK, &format!("{MARK} one"), None).await.unwrap();
    assert_eq!(lab.keep_comment(&id(), MARK, &format!("{MARK} two"), None).await.unwrap(), ours);
    assert_eq!(lab.keep_comment(&id(), MARK, &format!("{MARK} two"), Some(ours)).await.unwrap(), ours);
    hub.memory().faults.push(("POST".into(), 0, None));
    lab.say(&id(), "hello").await.unwrap();
    lab.seen(&id(), ours).await.unwrap();
    lab.seen(&id(), 999).await.unwrap();
    let memory = hub.memory();
    let said: Vec<_> = memory.notes[120..].iter().map(|(_, who, text)| (who.as_str(), text.as_str())).collect();
    assert_eq!(said, [("mallory", MARK), ("robot", &format!("{MARK} two")), ("robot", "hello")]);
    assert_eq!(memory.requests.iter().filter(|(method, ..)| method == "PUT").count(), 1);
    let emoji = memory.requests.iter().find(|(_, path, _)| path.ends_with("/award_emoji")).unwrap();
    assert_eq!((emoji.0.as_str(), &emoji.2), ("POST", &json!({ "name": "eyes" })));
}

#[tokio::test]
async fn a_check_is_a_status() {
    let (hub, lab) = start().await;
    let first = lab.check(NAME, HEAD, &check(Verdict::Running, 0), None).await.unwrap();
    assert_eq!(lab.check(NAME, HEAD, &check(Verdict::Running, 0), Some(first)).await.unwrap(), first, "it runs already");
    lab.check(NAME, HEAD, &check(Verdict::Neutral, 9), Some(first)).await.unwrap();
    lab.check(NAME, HEAD, &check(Verdict::Failure, 9), Some(first)).await.unwrap();
    let status = |state: &str| json!({ "state": state, "name": "ferroform/plan", "description": "1 to create" });
    assert_eq!(hub.memory().told, [status("running"), status("success"), status("failed")]);
    assert!(hub.memory().requests.iter().all(|(_, path, _)| path == &format!("/api/v4/projects/acme%2Fcloud%2Finfra/statuses/{HEAD}")));
}

#[tokio::test]
async fn labels_are_made_and_changed_in_one_go() {
    let (hub, lab) = start().await;
    hub.memory().labels = vec!["bug".into(), "ferroform: no changes".into()];
    lab.label(&id(), &[label("ferroform: changes")], "ferroform: ").await.unwrap();
    assert_eq!(hub.memory().labels, ["bug", "ferroform: changes"]);
    assert_eq!(hub.memory().all_labels, [json!({ "name": "ferroform: changes", "color": "#d4c5f9", "description": "What it means." })]);
    let calls = hub.memory().requests.len();
    lab.label(&id(), &[label("ferroform: changes")], "ferroform: ").await.unwrap();
    assert_eq!(hub.memory().requests.len(), calls + 1);
    lab.label(&id(), &[], "ferroform: ").await.unwrap();
    let other = GitLab::new(&hub.url, Secret::new(TOKEN), short()).unwrap();
    other.label(&id(), &[label("ferroform: changes")], "ferroform: ").await.unwrap();
    assert_eq!(hub.memory().labels, ["bug", "ferroform: changes"], "it was there already");
}

#[tokio::test]
async fn everybody_may_what_their_level_says() {
    let (hub, lab) = start().await;
    let levels = [
        ("ann", 10, Permission::Read),
        ("ben", 20, Permission::Triage),
        ("cid", 30, Permission::Write),
        ("dan", 40, Permission::Maintain),
        ("eve", 50, Permission::Admin),
        ("fay", 5, Permission::None),
        ("guy", 0, Permission::None),
    ];
    levels.iter().for_each(|(name, level, _)| member(&hub, name, *level));
    for (name, _, permission) in levels {
        assert_eq!(lab.permission(NAME, name).await.unwrap(), permission, "{name}");
        assert_eq!(lab.in_team("acme/platform", name).await.unwrap(), permission > Permission::None, "{name}");
    }
    hub.memory().members[4].2 = "blocked".into();
    assert_eq!(lab.permission(NAME, "eve").await.unwrap(), Permission::None);
    assert_eq!(lab.permission(NAME, "mallory").await.unwrap(), Permission::None);
    assert!(!lab.in_team("acme/others", "ann").await.unwrap());
}

#[tokio::test]
async fn approvals_and_pipelines_stand_in_the_way() {
    let (hub, lab) = start().await;
    [("ann", 50), ("ben", 30), ("cid", 40), ("dan", 20)].into_iter().for_each(|(name, level)| member(&hub, name, level));
    hub.memory().approved = vec!["ann".into(), "ben".into(), "dan".into(), "mallory".into()];
    let pull = lab.pull(&id()).await.unwrap();
    let standing = lab.standing(&pull, "ferroform/").await.unwrap();
    assert_eq!((standing.approved_by, standing.rejected_by, standing.behind), (vec!["ben".to_owned()], vec![], 2));
    hub.memory().reviewers = json!([{ "user": { "id": 3, "username": "cid" }, "state": "requested_changes" },
        { "user": { "id": 2, "username": "ben" }, "state": "unreviewed" }]);
    let status = |name: &str, status: &str| json!({ "id": 1, "name": name, "status": status, "allow_failure": name == "flaky" });
    hub.memory().statuses = json!([
        status("test", "success"),
        status("lint", "failed"),
        status("flaky", "failed"),
        status("deploy", "running"),
        status("by hand", "manual"),
        status("ferroform/plan", "failed")
    ]);
    let standing = lab.standing(&pull, "ferroform/").await.unwrap();
    assert_eq!(standing.rejected_by, ["cid"]);
    assert_eq!((standing.failing, standing.pending), (vec!["lint".to_owned()], vec!["deploy".to_owned()]));
    // A pipeline that has no job yet.
    let pipeline =
        |sha: &str, status: &str, source: &str| json!({ "id": 12, "sha": sha, "status": status, "source": source, "ref": "feature" });
    hub.memory().statuses = json!([]);
    hub.memory().pipelines =
        json!([pipeline(HEAD, "running", "external"), pipeline(HEAD, "created", "push"), pipeline(BASE, "failed", "push")]);
    assert_eq!(lab.standing(&pull, "ferroform/").await.unwrap().pending, ["pipeline 12"]);
    hub.memory().pipelines = json!([pipeline(HEAD, "failed", "merge_request_event")]);
    assert_eq!(lab.standing(&pull, "ferroform/").await.unwrap().failing, ["pipeline 12"]);
    hub.memory().statuses = json!([status("ferroform/plan", "failed")]);
    assert_eq!(lab.standing(&pull, "ferroform/").await.unwrap().failing, Vec::<String>::new(), "it failed with ours");
}

#[tokio::test]
async fn it_waits_and_goes_on_or_says_until_when() {
    let (hub, lab) = start().await;
    let reset = |seconds: i64| ("ratelimit-reset", (jiff::Timestamp::now().as_second() + seconds).to_string());
    for fault in [(429, Some(("retry-after", "5".to_owned()))), (429, Some(reset(9))), (429, None), (502, None), (503, None)] {
        hub.memory().faults.push(("GET".into(), fault.0, fault.1));
        assert_eq!(lab.pull(&id()).await.unwrap().head, HEAD);
    }
    hub.memory().faults.push(("GET".into(), 429, Some(("retry-after", "4000".to_owned()))));
    let refusal = lab.pull(&id()).await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Later { why, until: Some(_) } if why.contains("429")), "{refusal:?}");
    let wrong = GitLab::new(&hub.url, Secret::new("wrong-token"), Patience { second: Duration::from_micros(10), ..short() }).unwrap();
    let refusal = wrong.pull(&id()).await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Forbidden(why) if why.contains("401") && !why.contains("wrong-token")), "{refusal:?}");
    let gone = GitLab::new("http://127.0.0.1:1", Secret::new(TOKEN), Patience { second: Duration::from_micros(10), ..short() }).unwrap();
    let refusal = gone.me().await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Later { why, until: None } if why.starts_with("GitLab can't be reached: ")), "{refusal:?}");
    assert!(!format!("{lab:?}").contains(TOKEN));
    assert!(GitLab::new("gitlab.com", Secret::new(TOKEN), short()).is_err());
}

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn its_webhooks_are_understood() {
    let lab = GitLab::new("https://gitlab.com", Secret::new(TOKEN), short()).unwrap();
    let event = |kind: &str, body: Json| lab.event(&headers(&[("x-gitlab-event", kind)]), body.to_string().as_bytes());
    let project = json!({ "path_with_namespace": NAME });
    let merge = |attributes: Json, changes: Json| {
        let mut body = json!({ "object_kind": "merge_request", "project": project, "object_attributes": { "iid": 7 }, "changes": changes });
        body["object_attributes"].as_object_mut().unwrap().extend(attributes.as_object().unwrap().clone());
        event("Merge Request Hook", body)
    };
    for attributes in [json!({ "action": "open" }), json!({ "action": "reopen" }), json!({ "action": "update", "oldrev": HEAD })] {
        assert_eq!(merge(attributes, json!({})), Ok(Event::Changed(id())));
    }
    let update = || json!({ "action": "update" });
    assert_eq!(merge(update(), json!({ "target_branch": { "previous": "a", "current": "b" } })), Ok(Event::Changed(id())));
    assert_eq!(merge(update(), json!({ "draft": { "previous": true, "current": false } })), Ok(Event::Changed(id())));
    assert!(matches!(merge(update(), json!({ "draft": { "previous": false, "current": true } })), Ok(Event::Ignored(_))));
    assert!(matches!(merge(update(), json!({ "labels": {} })), Ok(Event::Ignored(_))));
    for action in ["close", "merge"] {
        assert_eq!(merge(json!({ "action": action }), json!({})), Ok(Event::Ended(id())));
    }
    assert!(matches!(merge(json!({ "action": "approved" }), json!({})), Ok(Event::Ignored(_))));
    let note = |attributes: Json| {
        let body = json!({ "object_kind": "note", "user": { "username": "ann" }, "project": project, "merge_request": { "iid": 7 }, "object_attributes": attributes });
        event("Note Hook", body)
    };
    let said = Event::Said { pull: id(), comment: 5, user: "ann".into(), text: "ferroform apply".into() };
    let written =
        |kind: &str, action: &str| json!({ "id": 5, "note": "ferroform apply", "noteable_type": kind, "action": action, "system": false });
    assert_eq!(note(written("MergeRequest", "create")), Ok(said));
    assert!(matches!(note(written("MergeRequest", "update")), Ok(Event::Ignored(_))));
    assert!(matches!(note(written("Issue", "create")), Ok(Event::Ignored(_))));
    let push = |git_ref: &str, after: &str| event("Push Hook", json!({ "ref": git_ref, "after": after, "project": project }));
    assert_eq!(push("refs/heads/main", HEAD), Ok(Event::Pushed { repository: NAME.into(), branch: "main".into() }));
    assert!(matches!(push("refs/heads/main", &"0".repeat(40)), Ok(Event::Ignored(_))));
    assert!(matches!(event("Tag Push Hook", json!({})), Ok(Event::Ignored(_))));
    assert!(matches!(event("Pipeline Hook", json!([])), Ok(Event::Ignored(_))));
    assert!(lab.event(&headers(&[("x-gitlab-event", "Push Hook")]), b"{").unwrap_err().contains("no JSON"));
    assert_eq!(
        event("Note Hook", json!({ "object_attributes": { "noteable_type": "MergeRequest" } })).unwrap_err(),
        "the webhook `Note Hook` lacks `project.path_with_namespace`"
    );
    assert!(lab.event(&headers(&[]), b"{}").unwrap_err().contains("X-Gitlab-Event"));
}

#[test]
fn only_gitlab_can_have_sent_it() {
    let lab = GitLab::new("https://gitlab.com", Secret::new(TOKEN), short()).unwrap();
    let sent = |token: &str| headers(&[("x-gitlab-token", token), ("x-gitlab-event-uuid", "uuid"), ("idempotency-key", "key")]);
    assert_eq!(lab.authentic(&sent("the secret"), b"{}", b"the secret"), Some("key".into()));
    assert_eq!(lab.authentic(&sent("the secret"), b"{}", b"another"), None);
    assert_eq!(lab.authentic(&sent(""), b"{}", b""), None);
    assert_eq!(lab.authentic(&headers(&[("x-gitlab-token", "the secret")]), b"{}", b"the secret"), None);
    let older = headers(&[("x-gitlab-token", "the secret"), ("x-gitlab-event-uuid", "uuid")]);
    assert_eq!(lab.authentic(&older, b"{}", b"the secret"), Some("uuid".into()));
}
