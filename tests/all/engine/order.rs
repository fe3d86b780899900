//! Which step waits for which.

use crate::support::cloud::How;
use crate::support::lab::{Lab, ended, lines};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

fn place(log: &[String], line: &str) -> usize {
    log.iter().position(|l| l == line).unwrap_or_else(|| panic!("no `{line}` in {log:?}"))
}

const EACH: &str = r#"
[resource.test_thing.b]
for_each = { x = 1, y = 2 }
name = "b${each.key}"
size = "${each.value}"

[resource.test_thing.a]
for_each = { x = 1, y = 2 }
name = "a${each.key}"
needs = ["${test_thing.b[each.key].id}"]
"#;

#[tokio::test]
async fn instances_depend_on_instances() {
    let lab = Lab::new(EACH);
    let plan = lab.plan().await;
    let of = |address: &str| {
        let change = plan.changes.iter().find(|c| c.address.to_string() == address).unwrap();
        change.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(of("test_thing.a[\"x\"]"), ["test_thing.b[\"x\"]"]);
    // The one fails, and only what needs it is left out.
    lab.fault("create", "bx", How::Refuse, 1);
    assert_eq!(ended(&lab.apply().await), ["test_thing.b[\"x\"] failed", "test_thing.a[\"x\"] skipped"]);
    assert_eq!(lab.held(), ["test_thing.a[\"y\"] = ay-1", "test_thing.b[\"y\"] = by-1"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    // The state on disk knows blocks alone.
    lab.log();
    lab.apply_with(&Options { purpose: Purpose::Destroy, ..Options::default() }, &Stop::default()).await.unwrap();
    let log = lab.log();
    assert!(place(&log, "delete ax-1") < place(&log, "delete bx-1") && place(&log, "delete ay-1") < place(&log, "delete by-1"));
    assert!(lab.state().instances.is_empty());
}

#[tokio::test]
async fn count_and_for_each_grow_and_shrink() {
    let stack = |n: usize, keys: &str| {
        format!(
            "[resource.test_thing.n]\ncount = {n}\nname = \"n${{count.index}}\"\n[resource.test_thing.k]\nfor_each = '${{toset({keys})}}'\nname = \"${{each.key}}\"\n[output.all]\nvalue = {{ n = \"${{test_thing.n[*].name}}\", k = \"${{keys(test_thing.k)}}\" }}\n"
        )
    };
    let lab = Lab::new(&stack(3, "[\"a\", \"b\"]"));
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    lab.stack(&stack(1, "[\"b\", \"c\"]"));
    assert_eq!(
        lab.planned(&Options::default()).await,
        [
            "create test_thing.k[\"c\"]",
            "delete test_thing.k[\"a\"] EachKey",
            "delete test_thing.n[1] CountIndex",
            "delete test_thing.n[2] CountIndex",
            "output all"
        ]
    );
    lab.good().await;
    assert_eq!(lab.held(), ["test_thing.k[\"b\"] = b-1", "test_thing.k[\"c\"] = c-1", "test_thing.n[0] = n0-1"]);
    lab.stack(&stack(0, "[]"));
    lab.good().await;
    assert!(lab.plan().await.is_empty() && lab.things().is_empty());
}

const CHAIN: &str = r#"
[resource.test_thing.a]
name = "a1"

[resource.test_thing.b]
name = "b"
needs = ["${test_thing.a.id}"]
lifecycle.create_before_destroy = true

[resource.test_thing.c]
name = "c1"
items = ["${test_thing.b.id}"]
needs = ["${test_thing.b.id}"]
lifecycle.create_before_destroy = true
"#;

#[tokio::test]
async fn create_before_destroy_spreads_to_what_is_needed() {
    let lab = Lab::new(CHAIN);
    lab.good().await;
    lab.stack(&CHAIN.replace("a1", "a2"));
    assert_eq!(
        lab.planned(&Options::default()).await,
        ["replace (new first) test_thing.a CannotUpdate of name", "update test_thing.b needs"]
    );
    lab.log();
    lab.good().await;
    assert_eq!(lab.log(), ["create a2-1", "update b-1", "delete a1-1"]);
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn what_fails_between_new_and_old_keeps_both() {
    let lab = Lab::new(CHAIN);
    lab.good().await;
    lab.stack(&CHAIN.replace("a1", "a2"));
    lab.fault("update", "b", How::Refuse, 1);
    assert_eq!(ended(&lab.apply().await), ["test_thing.b failed", "test_thing.a skipped"]);
    assert_eq!(lab.held()[0], "test_thing.a = a2-1 (and a1-1)");
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.b needs", "delete test_thing.a (deposed)"]);
    lab.log();
    lab.good().await;
    assert_eq!(lab.log(), ["update b-1", "delete a1-1"]);
    assert_eq!(lab.held()[0], "test_thing.a = a2-1");
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn a_new_one_that_breaks_is_replaced_and_the_old_one_stays_meanwhile() {
    let stack = "[resource.test_thing.a]\nname = \"a\"\nlifecycle.create_before_destroy = true\n";
    let lab = Lab::new(stack);
    lab.good().await;
    lab.stack(&stack.replace("\"a\"", "\"broken\""));
    let applied = lab.apply().await;
    assert_eq!(ended(&applied), ["test_thing.a failed", "test_thing.a skipped"]);
    assert_eq!(lab.held(), ["test_thing.a = broken-1 (and a-1), tainted"]);
    lab.stack(&stack.replace("\"a\"", "\"b\""));
    assert_eq!(
        lab.planned(&Options::default()).await,
        ["replace (new first) test_thing.a Tainted of name", "delete test_thing.a (deposed)"]
    );
    lab.good().await;
    assert_eq!(lab.held(), ["test_thing.a = b-1"]);
    assert_eq!(lab.things(), ["b-1"]);
}

#[tokio::test]
async fn a_user_is_changed_before_what_it_used_is_removed() {
    let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\n[resource.test_thing.u]\nname = \"u\"\nneeds = [\"${test_thing.a.id}\"]\n");
    lab.good().await;
    lab.log();
    lab.stack("[resource.test_thing.u]\nname = \"u\"\n");
    lab.good().await;
    assert_eq!(lab.log(), ["update u-1", "delete a-1"]);
}

#[tokio::test]
async fn order_goes_through_what_stays_as_it_is() {
    let stack = r#"
[resource.test_thing.a]
name = "a"

[resource.test_thing.m]
name = "m"
depends_on = ["test_thing.a"]

[resource.test_thing.z]
name = "z"
depends_on = ["test_thing.m"]
"#;
    let lab = Lab::new(stack);
    lab.good().await;
    assert_eq!(lab.log(), ["create a-1", "create m-1", "create z-1"]);
    for name in ["a-1", "z-1"] {
        lab.world().things.remove(name);
    }
    lab.good().await;
    assert_eq!(lab.log(), ["create a-2", "create z-2"]);
}

#[tokio::test]
async fn a_wish_for_order_gives_way_to_a_need() {
    // `u` used `d`, and now uses `e`; `e` is replaced, and `d`, which needs `e`, goes.
    let lab = Lab::new(
        "[resource.terraform_data.e]\ntriggers_replace = 1\n[resource.terraform_data.d]\ninput = \"${terraform_data.e.id}\"\n[resource.terraform_data.u]\ninput = \"${terraform_data.d.id}\"\n",
    );
    lab.good().await;
    lab.stack("[resource.terraform_data.e]\ntriggers_replace = 2\n[resource.terraform_data.u]\ninput = \"${terraform_data.e.id}\"\n");
    lab.good().await;
    let plan = lab.plan().await;
    assert!(plan.is_empty(), "{:?}", lines(&plan));
}

#[tokio::test]
async fn a_circle_is_told_by_the_plan() {
    let lab =
        Lab::new("[resource.test_thing.a]\nname = \"${test_thing.b.name}\"\n[resource.test_thing.b]\nname = \"${test_thing.a.name}\"\n");
    let errors = lab.planned(&Options::default()).await;
    assert_eq!(errors, ["these refer to one another in a circle: test_thing.a → test_thing.b → test_thing.a"]);
}

#[tokio::test]
async fn thousands_that_need_thousands_are_no_million_edges() {
    let stack = "[resource.terraform_data.a]\ncount = 2000\ninput = \"${count.index}\"\n[resource.terraform_data.b]\ncount = 2000\ninput = \"${length(terraform_data.a[*].id)} ${count.index}\"\n";
    let lab = Lab::new(stack);
    let plan = lab.plan().await;
    let steps = ferroform::engine::steps::steps(&plan.changes, &lab.state(), &crate::support::cloud::REGISTRY).unwrap();
    assert!(steps.edge_count() < 10_000, "{}", steps.edge_count());
    assert_eq!(plan.counts().create, 4000);
    lab.good().await;
    let ends = lab.plan_with(&Options { purpose: Purpose::Destroy, ..Options::default() }).await.unwrap();
    let steps = ferroform::engine::steps::steps(&ends.changes, &lab.state(), &crate::support::cloud::REGISTRY).unwrap();
    assert!(steps.edge_count() < 10_000, "{}", steps.edge_count());
}

#[tokio::test]
async fn what_depends_on_something_that_moves_ends_before_it() {
    let users = |needs: &str| format!("[resource.test_thing.b]\ncount = 2\nname = \"b${{count.index}}\"\n{needs}\n");
    let lab = Lab::new(&format!("[resource.test_thing.a]\ncount = 1\nname = \"a0\"\n{}", users("needs = \"${test_thing.a[*].id}\"")));
    lab.good().await;
    // Without its count it moves, under another name it is replaced, and one of its users is no more.
    lab.stack(&format!("[resource.test_thing.a]\nname = \"a\"\n{}", users("").replace("count = 2", "count = 1")));
    lab.good().await;
    lab.stack(&format!("[resource.test_thing.a]\nname = \"a\"\n{}", users("needs = [\"${test_thing.a.id}\"]")));
    lab.good().await;
    // The same where the block gets another name.
    lab.stack("[[moved]]\nfrom = \"test_thing.a\"\nto = \"test_thing.aa\"\n[resource.test_thing.aa]\nname = \"c\"\n");
    lab.good().await;
    assert_eq!(lab.held(), ["test_thing.aa = c-1"]);
    assert!(lab.plan().await.is_empty());
}
