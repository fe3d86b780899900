//! Check runs, statuses and labels.

use ferroform::bot::forge::{Annotation, Check, Forge, Level, Verdict};
use serde_json::Value as Json;

use super::app::app;
use super::{HEAD, check, hub, id, label, robot};
use crate::support::github::{Fault, GitHub as Hub};

const NAME: &str = "acme/infra";

fn annotations(run: &Json) -> Vec<u64> {
    run["annotations"].as_array().unwrap().iter().map(|annotation| annotation["start_line"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_check_runs_and_ends() {
    let hub = app(hub());
    let bot = super::app::bot(&hub);
    let run = bot.check(NAME, HEAD, &check(Verdict::Running, 1), None).await.unwrap();
    assert_eq!((&hub.checks(HEAD)[0]["status"], annotations(&hub.checks(HEAD)[0])), (&"in_progress".into(), vec![]));
    assert_eq!(bot.check(NAME, HEAD, &check(Verdict::Neutral, 2), Some(run)).await.unwrap(), run);
    // Twice with one effect.
    assert_eq!(bot.check(NAME, HEAD, &check(Verdict::Neutral, 2), Some(run)).await.unwrap(), run);
    let runs = hub.checks(HEAD);
    assert_eq!(runs.len(), 1);
    assert_eq!(
        (&runs[0]["name"], &runs[0]["status"], &runs[0]["conclusion"]),
        (&"ferroform/plan".into(), &"completed".into(), &"neutral".into())
    );
    assert_eq!((&runs[0]["output"]["title"], &runs[0]["output"]["summary"]), (&"1 to create".into(), &"# Plan".into()));
    assert_eq!(annotations(&runs[0]), [1, 2]);
    assert_eq!(runs[0]["annotations"][0]["annotation_level"], "warning");
}

#[tokio::test]
async fn annotations_go_in_batches_of_fifty() {
    let hub = app(hub());
    let bot = super::app::bot(&hub);
    bot.check(NAME, HEAD, &check(Verdict::Failure, 120), None).await.unwrap();
    assert_eq!(annotations(&hub.checks(HEAD)[0]), (1..=120).collect::<Vec<_>>());
    let told = hub.requests().into_iter().filter(|asked| asked.path.contains("/check-runs")).map(|asked| asked.method).collect::<Vec<_>>();
    assert_eq!(told, ["POST", "PATCH", "PATCH"]);
    // Beyond some hundreds nobody reads.
    bot.check(NAME, "3333333333333333333333333333333333333333", &check(Verdict::Failure, 1000), None).await.unwrap();
    assert_eq!(annotations(&hub.checks("3333333333333333333333333333333333333333")[0]).len(), 300);
}

#[tokio::test]
async fn a_lost_answer_doubles_neither_a_run_nor_its_annotations() {
    for method in ["POST", "PATCH"] {
        let hub = app(hub());
        let bot = super::app::bot(&hub);
        hub.fault(method, "/check-runs", Fault::Lost, 1);
        bot.check(NAME, HEAD, &check(Verdict::Failure, 120), None).await.unwrap();
        let runs = hub.checks(HEAD);
        assert_eq!((runs.len(), annotations(&runs[0])), (1, (1..=120).collect()), "{method}");
    }
}

#[tokio::test]
async fn other_remarks_on_the_same_commit_take_a_run_of_their_own() {
    let hub = app(hub());
    let bot = super::app::bot(&hub);
    let run = bot.check(NAME, HEAD, &check(Verdict::Failure, 3), None).await.unwrap();
    let next = bot.check(NAME, HEAD, &check(Verdict::Success, 0), Some(run)).await.unwrap();
    assert_ne!(run, next, "annotations can't be taken away");
    let last = hub.checks(HEAD).pop().unwrap();
    assert_eq!((&last["conclusion"], annotations(&last)), (&"success".into(), vec![]));
}

#[tokio::test]
async fn long_texts_are_cut_where_github_would_refuse_them() {
    let hub = app(hub());
    let bot = super::app::bot(&hub);
    let long = "ä".repeat(100_000);
    let annotation = Annotation { path: "a.toml".into(), line: 0, level: Level::Failure, title: long.clone(), message: long.clone() };
    let check = Check { title: long.clone(), summary: long, annotations: vec![annotation], ..check(Verdict::Failure, 0) };
    bot.check(NAME, HEAD, &check, None).await.unwrap();
    let run = hub.checks(HEAD).pop().unwrap();
    let length = |text: &Json| text.as_str().unwrap().chars().count();
    assert_eq!((length(&run["output"]["title"]), length(&run["output"]["summary"])), (255, 65_535));
    assert!(run["annotations"][0]["message"].as_str().unwrap().len() <= 65_536);
    assert_eq!((length(&run["annotations"][0]["title"]), annotations(&run)), (255, vec![1]), "lines count from 1");
}

#[tokio::test]
async fn a_run_that_is_gone_is_made_anew() {
    let hub = app(hub());
    let run = super::app::bot(&hub).check(NAME, HEAD, &check(Verdict::Success, 1), Some(5)).await.unwrap();
    assert_eq!(hub.checks(HEAD)[0]["id"], run);
}

#[tokio::test]
async fn a_token_that_may_not_write_check_runs_writes_statuses() {
    let hub = hub();
    let robot = robot(hub.url());
    let long = Check { title: "t".repeat(500), ..check(Verdict::Running, 3) };
    let first = robot.check(NAME, HEAD, &long, None).await.unwrap();
    for (verdict, state) in [(Verdict::Success, "success"), (Verdict::Neutral, "success"), (Verdict::Failure, "failure")] {
        robot.check(NAME, HEAD, &check(verdict, 3), Some(first)).await.unwrap();
        let newest = hub.statuses(HEAD).remove(0);
        assert_eq!(
            (&newest["context"], &newest["state"], &newest["description"]),
            (&"ferroform/plan".into(), &state.into(), &"1 to create".into())
        );
    }
    let oldest = hub.statuses(HEAD).pop().unwrap();
    assert_eq!((oldest["state"].as_str().unwrap(), oldest["description"].as_str().unwrap().chars().count()), ("pending", 140));
    assert_eq!(hub.count("POST", "/check-runs"), 1, "it knows by now that it may not");
}

#[tokio::test]
async fn labels_are_made_set_and_taken_away_with_few_calls() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    hub.edit(n, |pull| pull.labels = vec!["bug".into(), "ferroform: no changes".into(), "ferroform/else: x".into()]);
    let robot = robot(hub.url());
    let wanted = [label("ferroform: changes"), label("ferroform: destroys")];
    robot.label(&id(n), &wanted, "ferroform: ").await.unwrap();
    assert_eq!(hub.labels(n), ["bug", "ferroform/else: x", "ferroform: changes", "ferroform: destroys"]);
    assert_eq!(hub.all_labels()["ferroform: changes"], ("d4c5f9".to_owned(), "What it means.".to_owned()));
    let calls = hub.requests().len();
    robot.label(&id(n), &wanted, "ferroform: ").await.unwrap();
    assert_eq!(hub.requests().len(), calls + 1, "a look, and nothing else");
    // Those that are there already keep their colour.
    super::robot(hub.url()).label(&id(n), &[], "ferroform: ").await.unwrap();
    let other = ferroform::bot::forge::Label { colour: "000000".into(), ..label("ferroform: changes") };
    super::robot(hub.url()).label(&id(n), &[other], "ferroform: ").await.unwrap();
    assert_eq!(hub.all_labels()["ferroform: changes"].0, "d4c5f9");
    assert_eq!(hub.labels(n), ["bug", "ferroform/else: x", "ferroform: changes"]);
}

#[tokio::test]
async fn odd_names_of_labels_stay_what_they_are() {
    let hub = hub();
    let n = hub.open_pull("ann", "feature", "main");
    let robot = robot(hub.url());
    let odd = ["ff: a/b", "ff: 100 % ?x=1#y", "ff: ü", "ff: .."];
    robot.label(&id(n), &odd.map(label), "ff: ").await.unwrap();
    assert_eq!(hub.labels(n), odd);
    robot.label(&id(n), &[], "ff: ").await.unwrap();
    assert_eq!(hub.labels(n), Vec::<String>::new());
    assert!(hub.requests().iter().all(|asked| asked.headers["authorization"] == format!("Bearer {}", Hub::TOKEN)));
}
