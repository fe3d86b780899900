//! Webhooks: GitHub's own examples, and what becomes of each.

use std::collections::BTreeMap;

use ferroform::bot::forge::{Event, Forge};
use serde_json::{Value as Json, json};

use super::{hub, id, robot};
use crate::support::github::GitHub as Hub;
use crate::support::npm::packages;

const SECRET: &[u8] = b"a secret of the webhook";

fn headers(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn event(kind: &str, body: &Json) -> Result<Event, String> {
    robot("http://127.0.0.1:1").event(&headers(&[("x-github-event", kind)]), body.to_string().as_bytes())
}

#[tokio::test]
async fn every_example_of_github_is_taken_or_ignored() {
    let text = std::fs::read(packages().join("@octokit/webhooks-examples/api.github.com/index.json")).unwrap();
    let all: Json = serde_json::from_slice(&text).unwrap();
    let (mut taken, mut ignored) = (BTreeMap::<String, usize>::new(), 0);
    for kind in all.as_array().unwrap() {
        let name = kind["name"].as_str().unwrap();
        for example in kind["examples"].as_array().unwrap() {
            let action = example["action"].as_str().unwrap_or_default();
            let what = match event(name, example).unwrap_or_else(|why| panic!("{name} {action}: {why}")) {
                Event::Ignored(why) => {
                    assert!(!why.is_empty(), "{name} {action}");
                    ignored += 1;
                    continue;
                }
                Event::Changed(_) => "changed",
                Event::Ended(_) => "ended",
                Event::Said { .. } => "said",
                Event::Pushed { .. } => "pushed",
            };
            *taken.entry(format!("{name} {action}: {what}")).or_default() += 1;
        }
    }
    let expected = [
        ("pull_request closed: ended", 2),
        ("pull_request opened: changed", 4),
        ("pull_request ready_for_review: changed", 3),
        ("pull_request reopened: changed", 2),
        ("pull_request synchronize: changed", 1),
        ("push : pushed", 2),
    ];
    // No example of a comment is of a pull request, and no review has words.
    assert_eq!(taken, expected.map(|(what, n)| (what.to_owned(), n)).into());
    assert!(ignored > 300, "{ignored}");
}

#[tokio::test]
async fn what_is_for_us_is_understood() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let told = |(kind, body): (&str, String)| event(kind, &serde_json::from_str(&body).unwrap()).unwrap();
    assert_eq!(told(hub.told(n, "synchronize")), Event::Changed(id(n)));
    assert_eq!(told(hub.told(n, "closed")), Event::Ended(id(n)));
    let comment = hub.say(n, "ann", "ferroform apply");
    let said = Event::Said { pull: id(n), comment, user: "ann".into(), text: "ferroform apply".into() };
    assert_eq!(told(hub.told_comment(comment, "created")), said);
    assert!(matches!(told(hub.told_comment(comment, "edited")), Event::Ignored(_)));
    assert!(matches!(told(hub.told_comment(comment, "deleted")), Event::Ignored(_)));
    assert_eq!(told(hub.told_push("main")), Event::Pushed { repository: "acme/infra".into(), branch: "main".into() });
}

#[test]
fn only_what_changes_a_plan_is_a_change() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let repository = json!({ "full_name": "acme/infra" });
    let edited = |changes: Json| json!({ "action": "edited", "number": 7, "changes": changes, "repository": repository });
    assert_eq!(event("pull_request", &edited(json!({ "base": { "ref": { "from": "old" } } }))), Ok(Event::Changed(id(7))));
    assert!(matches!(event("pull_request", &edited(json!({ "title": { "from": "old" } }))), Ok(Event::Ignored(_))));
    let comment = |issue: Json| json!({ "action": "created", "issue": issue, "comment": { "id": 1, "body": "x", "user": null }, "repository": repository });
    assert!(matches!(event("issue_comment", &comment(json!({ "number": 7 }))), Ok(Event::Ignored(_))), "on an issue");
    let said = Event::Said { pull: id(7), comment: 1, user: "ghost".into(), text: "x".into() };
    assert_eq!(event("issue_comment", &comment(json!({ "number": 7, "pull_request": {} }))), Ok(said));
    let review = |body: Json| {
        json!({ "action": "submitted", "pull_request": { "number": 7 }, "repository": repository,
        "review": { "id": 5, "body": body, "user": { "login": "ann" } } })
    };
    let said = Event::Said { pull: id(7), comment: 5, user: "ann".into(), text: "ferroform apply".into() };
    assert_eq!(event("pull_request_review", &review(json!("ferroform apply"))), Ok(said));
    assert!(matches!(event("pull_request_review", &review(Json::Null)), Ok(Event::Ignored(_))));
    let push = |git_ref: &str, deleted: bool| json!({ "ref": git_ref, "deleted": deleted, "repository": repository });
    let pushed = Event::Pushed { repository: "acme/infra".into(), branch: "release/1".into() };
    assert_eq!(event("push", &push("refs/heads/release/1", false)), Ok(pushed));
    assert!(matches!(event("push", &push("refs/heads/main", true)), Ok(Event::Ignored(_))));
    assert!(matches!(event("push", &push("refs/tags/main", false)), Ok(Event::Ignored(_))));
    assert!(matches!(event("something_new", &json!([1, 2])), Ok(Event::Ignored(_))));
}

#[test]
fn what_is_broken_is_told() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let robot = robot("http://127.0.0.1:1");
    let wrong = |pairs: &[(&str, &str)], body: &[u8]| robot.event(&headers(pairs), body).unwrap_err();
    assert_eq!(wrong(&[], b"{}"), "there is no header X-GitHub-Event: this is no webhook of GitHub");
    assert!(wrong(&[("x-github-event", "push")], b"{\"ref\":").starts_with("the body of the webhook `push` is no JSON: "));
    assert!(wrong(&[("x-github-event", "push")], b"\xff\xfe").starts_with("the body of the webhook `push` is no JSON: "));
    let form = [("x-github-event", "push"), ("content-type", "application/x-www-form-urlencoded")];
    assert_eq!(wrong(&form, b"payload=%7B%7D"), "the webhook sends a form: set its content type to application/json");
    assert_eq!(event("push", &json!({})).unwrap_err(), "the webhook `push` lacks `ref`");
    assert_eq!(
        event("pull_request", &json!({ "action": "opened" })).unwrap_err(),
        "the webhook `pull_request` lacks `repository.full_name`"
    );
    let half = json!({ "action": "opened", "repository": { "full_name": "acme/infra" }, "number": "seven" });
    assert_eq!(event("pull_request", &half).unwrap_err(), "the webhook `pull_request` lacks `number`");
}

#[test]
fn only_github_can_have_sent_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let (robot, body) = (robot("http://127.0.0.1:1"), b"{\"zen\":1}");
    let right = Hub::sign(SECRET, body);
    let sent = |signature: &str| headers(&[("x-hub-signature-256", signature), ("x-github-delivery", "72d3162e")]);
    assert_eq!(robot.authentic(&sent(&right), body, SECRET), Some("72d3162e".into()));
    assert_eq!(robot.authentic(&sent(&right), b"{\"zen\":2}", SECRET), None);
    assert_eq!(robot.authentic(&sent(&right), body, b"another"), None);
    assert_eq!(robot.authentic(&sent(&Hub::sign(b"", body)), body, b""), None, "without a secret nothing is proved");
    for wrong in ["", "sha256=", &right[7..], &right[..70], &right.replace("sha256", "sha1"), &format!("{right}0")] {
        assert_eq!(robot.authentic(&sent(wrong), body, SECRET), None, "{wrong}");
    }
    assert_eq!(
        robot.authentic(&headers(&[("x-hub-signature-256", &right)]), body, SECRET),
        None,
        "no delivery, no protection from replays"
    );
    assert_eq!(robot.authentic(&headers(&[("x-github-delivery", "72d3162e")]), body, SECRET), None);
}
