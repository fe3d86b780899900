//! Every request that the port makes is one that GitHub describes, and so is what the stand-in answers.

use std::collections::BTreeSet;

use ferroform::bot::forge::{Forge, Verdict};
use serde_json::{Value as Json, json};

use super::app::app;
use super::{HEAD, MARK, check, hub, id, label, robot};
use crate::support::github::{Fault, GitHub as Hub};
use crate::support::npm::{Judge, packages};

/// All that a bot does, once.
async fn all(hub: &Hub, bot: &impl Forge) {
    let n = hub.open_pull("ann", "feature", "main");
    hub.permit("ann", "write");
    hub.approve(n, "ben");
    hub.team("acme/platform", "ann", "active");
    hub.check(HEAD, "test", "completed", Some("success"));
    hub.status(HEAD, "ci", "success");
    let said = hub.say(n, "ann", "ferroform plan");
    for i in 0..120 {
        hub.say(n, "ann", &format!("remark {i}"));
    }

    let me = bot.me().await.unwrap();
    let pull = bot.pull(&id(n)).await.unwrap();
    bot.open_pulls("acme/infra").await.unwrap();
    bot.pulls_of("acme/infra", HEAD).await.unwrap();
    assert_eq!(bot.standing(&pull, "ferroform/").await.unwrap().approved_by, ["ben"]);
    bot.permission("acme/infra", "ann").await.unwrap();
    assert!(bot.in_team("acme/platform", "ann").await.unwrap());
    hub.fault("POST", "/comments", Fault::Status(502), 1);
    let kept = bot.keep_comment(&id(n), MARK, &format!("{MARK} one"), None).await.unwrap();
    bot.keep_comment(&id(n), MARK, &format!("{MARK} two"), Some(kept)).await.unwrap();
    hub.fault("POST", "/comments", Fault::Status(502), 1);
    bot.say(&id(n), "hello").await.unwrap();
    bot.seen(&id(n), said).await.unwrap();
    bot.label(&id(n), &[label("ferroform: changes"), label("ferroform: destroys")], "ferroform: ").await.unwrap();
    bot.label(&id(n), &[label("ferroform: no changes")], "ferroform: ").await.unwrap();
    let run = bot.check("acme/infra", HEAD, &check(Verdict::Running, 0), None).await.unwrap();
    bot.check("acme/infra", HEAD, &check(Verdict::Neutral, 120), Some(run)).await.unwrap();
    bot.check("acme/infra", HEAD, &check(Verdict::Success, 0), Some(run)).await.unwrap();
    bot.check("acme/infra", HEAD, &check(Verdict::Failure, 3), None).await.unwrap();
    bot.remote(&id(n)).await.unwrap();

    assert_eq!(hub.comments(n).iter().filter(|comment| comment.user == me).count(), 2);
    assert_eq!(hub.labels(n), ["ferroform: no changes"]);
}

/// GitHub's own description: methods and templates of paths, and which parameters a query may have.
fn described() -> Vec<(String, Vec<String>, BTreeSet<String>)> {
    let text = std::fs::read(packages().join("@octokit/openapi/generated/api.github.com.json")).unwrap();
    let all: Json = serde_json::from_slice(&text).unwrap();
    let mut found = vec![];
    for (path, methods) in all["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let parameters = operation["parameters"].as_array().into_iter().flatten();
            let parameters = parameters.map(|p| p["$ref"].as_str().map_or(p, |r| all.pointer(r.trim_start_matches('#')).unwrap()));
            let names = parameters.filter(|p| p["in"] == "query").map(|p| p["name"].as_str().unwrap().to_owned()).collect();
            found.push((method.to_uppercase(), path.split('/').map(str::to_owned).collect(), names));
        }
    }
    found
}

#[tokio::test]
async fn all_that_is_asked_and_answered_is_valid() {
    let hub = app(hub());
    let judge = Judge::before(hub.url());
    // It does judge.
    let wrong = reqwest::Client::new().post(format!("{}/repos/acme/infra/issues/9/comments", judge.url)).bearer_auth(Hub::TOKEN);
    wrong.json(&json!({ "text": "there is no `body`" })).send().await.unwrap();
    all(&hub, &super::app::bot_at(&judge.url)).await;
    let robot = robot(&judge.url);
    // A token's checks are statuses.
    robot.check("acme/infra", HEAD, &check(Verdict::Running, 0), None).await.unwrap();
    assert_eq!(hub.statuses(HEAD)[0]["state"], "pending");
    robot.me().await.unwrap();
    robot.pulls_of("acme/infra", HEAD).await.unwrap();

    // What this test did wrong itself, and answers of which GitHub's description is silent.
    let broken = "post /repos/acme/infra/issues/1/comments: response Unable to match the returned status code with those defined in the document: 201,403,404,410,422";
    let denied =
        "post /repos/acme/infra/check-runs: response Unable to match the returned status code with those defined in the document: 201";
    let missing = "post /repos/acme/infra/issues/9/comments: request.body Request body must have required property 'body'";
    assert_eq!(judge.violations(), [missing, broken, broken, denied]);

    // The judge lets parameters pass that nobody described.
    let (described, mut kinds) = (described(), BTreeSet::new());
    for asked in hub.requests() {
        let parts: Vec<&str> = asked.path.split('/').collect();
        let fits =
            |template: &[String]| template.len() == parts.len() && template.iter().zip(&parts).all(|(t, p)| t.starts_with('{') || t == p);
        let fitting = described.iter().filter(|(method, template, _)| *method == asked.method && fits(template));
        // The one with the most words of its own.
        let best = fitting.min_by_key(|(_, template, _)| template.iter().filter(|part| part.starts_with('{')).count());
        let (method, template, parameters) = best.unwrap_or_else(|| panic!("{asked:?}"));
        let names = asked.query.split('&').filter_map(|pair| pair.split('=').next()).filter(|name| !name.is_empty());
        let unknown: Vec<&str> = names.filter(|name| !parameters.contains(*name)).collect();
        assert!(unknown.is_empty(), "{method} {} has no {unknown:?}", asked.path);
        kinds.insert(format!("{method} {}", template.join("/")));
    }
    assert!(kinds.len() >= 27, "{kinds:#?}");
}
