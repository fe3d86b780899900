//! What someone else did.

use crate::support::lab::{Lab, lines};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;
use ferroform::words::Value;

const STACK: &str = r#"
[resource.test_thing.a]
name = "a"
size = 1

[resource.test_thing.b]
name = "b"
size = 1

[output.a]
value = "${test_thing.a.size}"
"#;

fn refresh() -> Options {
    Options { purpose: Purpose::Refresh, ..Options::default() }
}

async fn drifted() -> Lab {
    let lab = Lab::new(STACK);
    lab.good().await;
    lab.world().things.remove("b-1");
    let mut world = lab.world();
    let thing = world.things.get_mut("a-1").unwrap();
    thing.value = thing.value.clone().with("size", Value::from(5));
    drop(world);
    lab
}

#[tokio::test]
async fn drift_is_told_and_mended() {
    let lab = drifted().await;
    assert_eq!(
        lab.planned(&Options::default()).await,
        ["update test_thing.a size", "create test_thing.b", "drift test_thing.a: size", "drift test_thing.b: gone"]
    );
    let believed = lab.plan_with(&Options { refresh: false, ..Options::default() }).await.unwrap();
    assert!(believed.is_empty() && believed.read == 0);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    assert_eq!(lab.things(), ["a-1", "b-2"]);
}

#[tokio::test]
async fn a_refresh_takes_over_what_there_is() {
    let lab = drifted().await;
    lab.log();
    assert_eq!(lab.planned(&refresh()).await, ["drift test_thing.a: size", "drift test_thing.b: gone", "output a"]);
    lab.apply_with(&refresh(), &Stop::default()).await.unwrap();
    assert_eq!((lab.held(), lab.log()), (vec!["test_thing.a = a-1".to_owned()], vec![]));
    assert_eq!(lab.state().outputs["a"].value, Value::from(5));
    assert!(lab.plan_with(&refresh()).await.unwrap().is_empty());
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a size", "create test_thing.b", "output a"]);
}

#[tokio::test]
async fn a_refresh_ends_nothing() {
    let lab = drifted().await;
    lab.stack("[output.a]\nvalue = 1\n");
    lab.log();
    lab.apply_with(&refresh(), &Stop::default()).await.unwrap();
    assert_eq!((lab.held(), lab.log()), (vec!["test_thing.a = a-1".to_owned()], vec![]));
    let state = lab.state();
    assert_eq!(state.instances.values().next().unwrap().attributes.attr("size"), &Value::from(5));
}

#[tokio::test]
async fn what_is_gone_already_only_leaves_the_state() {
    let lab = drifted().await;
    lab.stack("");
    let plan = lab.plan().await;
    assert_eq!(lines(&plan), ["delete test_thing.a NoConfig", "forget test_thing.b NoConfig", "output a"]);
    lab.log();
    lab.good().await;
    assert_eq!(lab.log(), ["delete a-1"]);
    assert!(lab.state().instances.is_empty());
}

#[tokio::test]
async fn what_default_tags_were_is_nobodys_own_tag() {
    let stack = |word: &str| format!("[provider.test]\n{word}[resource.test_thing.a]\nname = \"a\"\ntags = {{ own = \"1\" }}\n");
    let lab = Lab::new(&stack("word = \"one\"\n"));
    lab.good().await;
    for (word, all) in [("word = \"two\"\n", 2), ("", 1)] {
        lab.stack(&stack(word));
        assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a tags_all"]);
        lab.good().await;
        assert!(lab.plan().await.is_empty());
        let state = lab.state();
        let held = &state.instances[&crate::support::lab::address("test_thing.a")].attributes;
        assert_eq!(held.attr("tags").entries().unwrap().len(), 1);
        assert_eq!(held.attr("tags_all").entries().unwrap().len(), all);
    }
    // What someone else put there is a tag of its own, and goes.
    let tags = |value: &Value| value.clone().with("word", Value::from("three"));
    let thing = lab.world().things["a-1"].value.clone();
    lab.world().things.get_mut("a-1").unwrap().value = thing.clone().with("tags_all", tags(thing.attr("tags_all")));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a tags, tags_all", "drift test_thing.a: tags"]);
}
