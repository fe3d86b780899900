//! What uses something as long as it lives, when that is replaced.

use crate::support::lab::{Lab, address};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Action;
use ferroform::engine::planner::Options;

/// A bridge over something of that type, which is replaced when its name changes.
fn bridge(over: &str, name: &str, lifecycle: &str) -> String {
    format!(
        "[resource.test_bridge.b]\nname = \"bridge\"\nneeds = [\"${{{over}.x.id}}\"]\n\
         [resource.{over}.x]\nname = \"{name}\"\n{lifecycle}"
    )
}

const FIRST: &str = "lifecycle.create_before_destroy = true\n";

async fn action(lab: &Lab) -> Action {
    let plan = lab.plan().await;
    plan.changes.iter().find(|c| c.address == address("test_bridge.b")).unwrap().action
}

#[tokio::test]
async fn a_bridge_is_replaced_with_what_carries_it_and_goes_first() {
    let lab = Lab::new(&bridge("test_thing", "a", ""));
    lab.good().await;
    lab.stack(&bridge("test_thing", "b", ""));
    assert_eq!(action(&lab).await, Action::Replace { create_first: false });
    lab.apply_with(&Options { parallelism: 1, ..Options::default() }, &Stop::default()).await.unwrap();
    let log = lab.log();
    let place = |line: &str| log.iter().position(|l| l == line).unwrap_or_else(|| panic!("no `{line}` in {log:?}"));
    assert!(place("delete bridge-1") < place("delete a-1") && place("delete a-1") < place("create b-1"), "{log:?}");
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn a_bridge_moves_to_a_successor_that_is_made_first() {
    let lab = Lab::new(&bridge("test_thing", "a", FIRST));
    lab.good().await;
    lab.stack(&bridge("test_thing", "b", FIRST));
    assert_eq!(action(&lab).await, Action::Update);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn a_bridge_that_can_not_move_is_replaced_in_either_order() {
    for lifecycle in ["", FIRST] {
        let lab = Lab::new(&bridge("test_door", "a", lifecycle));
        lab.good().await;
        lab.stack(&bridge("test_door", "b", lifecycle));
        assert_eq!(action(&lab).await, Action::Replace { create_first: false });
        lab.good().await;
        assert!(lab.plan().await.is_empty());
    }
}

#[tokio::test]
async fn what_would_be_refused_is_told_before_anything_is_done() {
    let lab = Lab::new(&bridge("test_slow", "a", ""));
    lab.good().await;
    lab.stack(&bridge("test_slow", "b", ""));
    let told = lab.plan_with(&Options::default()).await.unwrap_err().to_string();
    assert!(
        told.contains("test_slow.x can't be replaced: the old one would have to go first, which is refused while test_bridge.b uses it"),
        "{told}"
    );
    assert!(told.contains("create_before_destroy"), "{told}");
    lab.stack(&bridge("test_slow", "b", FIRST));
    lab.good().await;
    // What no longer uses it is in nobody's way.
    lab.stack("[resource.test_bridge.b]\nname = \"bridge\"\nneeds = []\n[resource.test_slow.x]\nname = \"c\"\n");
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn two_of_one_name_at_once_are_told_before_anything_is_done() {
    let named = |name: &str| format!("[resource.test_named.x]\nname = \"{name}\"\n{FIRST}");
    let lab = Lab::new(&named("x"));
    lab.good().await;
    let anew = Options { replace: vec![address("test_named.x")], ..Options::default() };
    let told = lab.plan_with(&anew).await.unwrap_err().to_string();
    assert!(told.contains("no two may have the same name \"x\""), "{told}");
    lab.stack(&named("y"));
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}
