//! Data sources: read by the plan where that is possible, by apply where it isn't.

use crate::support::lab::{Lab, lines};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;
use ferroform::words::Value;

const STACK: &str = r#"
[resource.test_thing.a]
name = "a"
size = 1

[data.test_lookup.l]
name = "a"
depends_on = ["test_thing.a"]

[resource.terraform_data.d]
input = "${data.test_lookup.l.size}"
"#;

fn held(lab: &Lab, address: &str, attr: &str) -> Option<i64> {
    lab.state().instances.get(&crate::support::lab::address(address))?.attributes.attr(attr).as_number().and_then(|n| n.as_i64())
}

#[tokio::test]
async fn what_depends_on_a_change_is_read_by_apply() {
    let lab = Lab::new(STACK);
    assert_eq!(lab.planned(&Options::default()).await, ["create test_thing.a", "read data.test_lookup.l", "create terraform_data.d"]);
    lab.good().await;
    assert_eq!(held(&lab, "data.test_lookup.l", "size"), Some(1));
    assert_eq!(held(&lab, "terraform_data.d", "output"), Some(1));
    let plan = lab.plan().await;
    assert!(plan.is_empty(), "{:?}", lines(&plan));
    lab.stack(&STACK.replace("size = 1", "size = 2"));
    assert_eq!(
        lab.planned(&Options::default()).await,
        ["update test_thing.a size", "read data.test_lookup.l", "update terraform_data.d input, output"]
    );
    lab.good().await;
    assert_eq!(held(&lab, "terraform_data.d", "output"), Some(2));
    assert!(lab.plan().await.is_empty());
    // The state keeps nothing of data sources that are gone.
    lab.stack("[resource.test_thing.a]\nname = \"a\"\nsize = 2\n");
    lab.good().await;
    assert_eq!(lab.held(), ["test_thing.a = a-1"]);
}

#[tokio::test]
async fn what_asks_for_something_to_be_made_is_read_by_apply() {
    let text = "[resource.test_thing.a]\nname = \"a\"\nsize = 1\n[data.test_lookup.l]\nname = \"${test_thing.a.name}\"\n";
    let lab = Lab::new(text);
    assert_eq!(lab.planned(&Options::default()).await, ["create test_thing.a", "read data.test_lookup.l"]);
    lab.good().await;
    assert_eq!(held(&lab, "data.test_lookup.l", "size"), Some(1));
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn what_asks_for_the_unknown_is_read_by_apply() {
    let lab = Lab::new(
        "[resource.test_thing.a]\nname = \"a\"\nsize = 3\n[data.test_lookup.l]\nname = '${split(\".\", test_thing.a.endpoint)[0]}'\n[output.size]\nvalue = \"${data.test_lookup.l.size}\"\n",
    );
    assert_eq!(lab.planned(&Options::default()).await, ["create test_thing.a", "read data.test_lookup.l", "output size"]);
    lab.good().await;
    assert_eq!(lab.state().outputs["size"].value, Value::from(3));
    assert!(lab.plan().await.is_empty());
    lab.apply_with(&Options { purpose: Purpose::Destroy, ..Options::default() }, &Stop::default()).await.unwrap();
    assert!(lab.state().instances.is_empty() && lab.state().outputs.is_empty());
}

#[tokio::test]
async fn what_is_not_there_is_an_error_of_the_plan() {
    let lab = Lab::new("[data.test_lookup.l]\nname = \"nobody\"\n[resource.terraform_data.d]\ninput = \"${data.test_lookup.l.size}\"\n");
    assert_eq!(lab.planned(&Options::default()).await, ["data.test_lookup.l can't be read"]);
}

#[tokio::test]
async fn one_for_each() {
    let lab = Lab::new("[resource.test_thing.a]\nfor_each = { x = 1, y = 2 }\nname = \"${each.key}\"\nsize = \"${each.value}\"\n");
    lab.good().await;
    let text = std::fs::read_to_string(lab.path().join("stack.toml")).unwrap();
    lab.stack(&format!("{text}[data.test_lookup.l]\nfor_each = \"${{test_thing.a}}\"\nname = \"${{each.value.name}}\"\n[output.sizes]\nvalue = \"${{{{ for k, v in data.test_lookup.l : k => v.size }}}}\"\n"));
    lab.good().await;
    assert_eq!(lab.state().outputs["sizes"].value.attr("y"), &Value::from(2));
    assert!(lab.plan().await.is_empty());
}
