//! What fails, what was lost on the way, and who interrupts.

use crate::support::cloud::How;
use crate::support::lab::{Lab, ended};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;
use ferroform::state::guard::Allow;

const FORK: &str = r#"
[resource.test_thing.a]
name = "a"

[resource.test_thing.b]
name = "b"
needs = ["${test_thing.a.id}"]

[resource.test_thing.c]
name = "c"
needs = ["${test_thing.b.id}"]

[resource.test_thing.z]
name = "z"
"#;

#[tokio::test]
async fn a_failure_stops_its_dependents_alone() {
    let lab = Lab::new(FORK);
    lab.fault("create", "b", How::Refuse, 1);
    assert_eq!(ended(&lab.apply().await), ["test_thing.b failed", "test_thing.c skipped"]);
    assert_eq!(lab.held(), ["test_thing.a = a-1", "test_thing.z = z-1"]);
    assert!(lab.heard().contains(&"test_thing.c skipped because of test_thing.b".to_owned()));
    assert_eq!(lab.planned(&Options::default()).await, ["create test_thing.b", "create test_thing.c"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    // The same backwards: what can't be destroyed keeps what it needs.
    lab.fault("delete", "b", How::Refuse, 1);
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    let applied = lab.apply_with(&destroy, &Stop::default()).await.unwrap();
    assert_eq!(ended(&applied), ["test_thing.b failed", "test_thing.a skipped"]);
    assert_eq!(lab.held(), ["test_thing.a = a-1", "test_thing.b = b-1"]);
    lab.apply_with(&destroy, &Stop::default()).await.unwrap();
    assert!(lab.held().is_empty() && lab.things().is_empty());
}

#[tokio::test]
async fn a_lost_answer_never_makes_a_second_one() {
    let stack = r#"
[resource.test_thing.t]
name = "t"

[resource.test_named.n]
name = "n"
size = 4

[resource.test_put.p]
name = "p"

[resource.test_slow.s]
name = "s"
"#;
    for (how, times) in [(How::LostAfter, 1), (How::LostBefore, 1), (How::LostAfter, 2), (How::Throttle, 1)] {
        let lab = Lab::new(stack);
        for name in ["t", "n", "p", "s"] {
            lab.fault("create", name, how.clone(), times);
        }
        lab.good().await;
        assert_eq!(lab.things(), ["n", "p", "s-1", "t-1"], "{how:?}");
        assert!(lab.plan().await.is_empty());
        for name in ["t", "n", "p", "s"] {
            lab.fault("delete", name, how.clone(), times);
            lab.fault("update", name, how.clone(), times);
        }
        lab.stack(&stack.replace("name = ", "size = 9\nname = ").replace("size = 4\n", ""));
        lab.good().await;
        assert!(lab.plan().await.is_empty());
        lab.stack("");
        lab.good().await;
        assert!(lab.things().is_empty(), "{how:?}");
    }
}

#[tokio::test]
async fn what_exists_already_is_not_taken_over() {
    let stack = "[resource.test_named.n]\nname = \"n\"\n[resource.test_put.p]\nname = \"p\"\nsize = 1\n";
    let lab = Lab::new(stack);
    lab.good().await;
    std::fs::remove_file(lab.store().path()).unwrap();
    lab.stack(&stack.replace("size = 1", "size = 2"));
    let allowed = Options { allow: Allow { existing: true, ..Allow::default() }, ..Options::default() };
    let applied = lab.apply_with(&allowed, &Stop::default()).await.unwrap();
    let mut failed = ended(&applied);
    failed.sort();
    assert_eq!(failed, ["test_named.n failed", "test_put.p failed"]);
    let text = format!("{:?}", applied.failed);
    assert!(text.contains("it exists already, as n") && text.contains("ferroform import 'test_put.p' 'p'"), "{text}");
    assert!(lab.held().is_empty());
    assert!(lab.world().things["p"].value.attr("size") == &ferroform::words::Value::from(1));
}

#[tokio::test]
async fn an_empty_state_is_no_new_stack_where_its_things_exist() {
    let lab = Lab::new("[resource.test_named.n]\nname = \"n\"\n[resource.test_named.m]\nname = \"m\"\n");
    lab.good().await;
    let looks = |lab: &Lab| lab.world().calls.get("find").copied().unwrap_or(0);
    assert_eq!(looks(&lab), 1, "one of all is looked up, where the state is empty");
    lab.plan().await;
    assert_eq!(looks(&lab), 1, "and nothing where it is not");
    std::fs::remove_file(lab.store().path()).unwrap();
    let told = lab.planned(&Options::default()).await.join("\n");
    assert!(told.contains("the state is empty"), "{told}");
    let quick = Options { refresh: false, ..Options::default() };
    assert_eq!(lab.planned(&quick).await.len(), 2, "nothing is read where the user says so");
}

#[tokio::test]
async fn slow_things_are_waited_for() {
    let lab = Lab::new("[resource.test_slow.a]\nname = \"a\"\n[resource.test_thing.b]\nname = \"b\"\nneeds = [\"${test_slow.a.id}\"]\n");
    lab.good().await;
    assert_eq!(lab.state().instances.values().next().unwrap().attributes.attr("state").as_str(), Some("ready"));
    assert!(lab.plan().await.is_empty());
    lab.stack("");
    lab.good().await;
    assert!(lab.things().is_empty());
}

#[tokio::test]
async fn one_who_interrupts_loses_nothing() {
    let lab = Lab::new(FORK);
    let stop = Stop::default();
    lab.fault("create", "a", How::Cancel(stop.soon.clone()), 1);
    let options = Options { parallelism: 1, targets: ["test_thing.c".parse().unwrap()].into(), ..Options::default() };
    let applied = lab.apply_with(&options, &stop).await.unwrap();
    assert!(applied.interrupted && applied.failed.is_empty());
    assert_eq!(ended(&applied), ["test_thing.b skipped", "test_thing.c skipped"]);
    assert_eq!(lab.held(), ["test_thing.a = a-1"]);
    lab.good().await;
    assert_eq!(lab.things(), ["a-1", "b-1", "c-1", "z-1"]);
}

#[tokio::test]
async fn many_errors_are_told_together() {
    let lab = Lab::new("[resource.test_thing.a]\ncount = 5\nname = \"a${count.index}\"\n");
    for i in [1, 3] {
        lab.fault("create", &format!("a{i}"), How::Refuse, 1);
    }
    let applied = lab.apply().await;
    assert_eq!((applied.failed.len(), applied.created, applied.skipped.len()), (2, 3, 0));
}
