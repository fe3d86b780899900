//! `lifecycle`: what protects, what ignores, what triggers.

use crate::support::lab::{Lab, address, lines};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

#[tokio::test]
async fn what_is_protected_is_not_destroyed() {
    let stack = "[resource.test_thing.a]\nname = \"a\"\nlifecycle.prevent_destroy = true\n";
    let lab = Lab::new(stack);
    lab.good().await;
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    assert_eq!(lab.planned(&destroy).await, ["test_thing.a has `prevent_destroy`, and it would be destroyed"]);
    lab.stack(&stack.replace("\"a\"", "\"b\""));
    assert_eq!(
        lab.planned(&Options::default()).await,
        ["test_thing.a has `prevent_destroy`, and it would be replaced, since name can't change in place"]
    );
    lab.stack("");
    assert_eq!(lab.planned(&Options::default()).await, ["delete test_thing.a NoConfig"]);
}

#[tokio::test]
async fn what_is_ignored_is_left_alone() {
    let before = r#"
[resource.test_thing.a]
name = "a"
size = 1
tags = { Owner = "me", Other = "1" }
items = ["x", "y"]
rule = [{ port = 1 }, { port = 2 }]
"#;
    let after = r#"
[resource.test_thing.a]
name = "a"
size = 2
tags = { Owner = "you", Other = "2", New = "3" }
items = ["z", "w"]
rule = [{ port = 3 }, { port = 4 }]
"#;
    let cases: [(&str, &[&str]); 6] = [
        ("\"all\"", &[]),
        ("[\"size\", \"tags\", \"items\", \"rule\"]", &[]),
        ("[\"size\", \"items\", \"rule\", \"tags[\\\"Owner\\\"]\", \"tags.Other\", \"tags.New\"]", &[]),
        ("[\"size\", \"tags\", \"items[0]\", \"items.1\", \"rule[0].port\", \"rule.1.port\"]", &[]),
        ("[\"size\", \"tags\", \"rule\", \"items[0]\"]", &["update test_thing.a items"]),
        ("[\"items\", \"rule\", \"tags.Owner\"]", &["update test_thing.a size, tags, tags_all"]),
    ];
    for (ignored, changes) in cases {
        let lab = Lab::new(before);
        lab.good().await;
        lab.stack(&format!("{after}lifecycle.ignore_changes = {ignored}\n"));
        assert_eq!(lab.planned(&Options::default()).await, changes, "{ignored}");
        lab.good().await;
        let plan = lab.plan().await;
        assert!(plan.is_empty(), "{ignored}: {:?}", lines(&plan));
        if ignored.contains("items[0]") && !ignored.contains("items.1") {
            let things = lab.world();
            let items: Vec<&str> = things.things["a-1"].value.attr("items").items().iter().filter_map(|i| i.as_str()).collect();
            assert_eq!(items, ["x", "w"]);
        }
    }
}

#[tokio::test]
async fn what_is_ignored_survives_a_replacement() {
    let stack = "[resource.test_thing.a]\nname = \"a\"\nsize = 1\nlifecycle.ignore_changes = [\"size\"]\n";
    let lab = Lab::new(stack);
    lab.good().await;
    lab.stack(&stack.replace("\"a\"", "\"b\"").replace("size = 1", "size = 2"));
    lab.good().await;
    assert_eq!(lab.held(), ["test_thing.a = b-1"]);
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn triggers_replace() {
    let stack = |size: u32, trigger: &str, more: &str| {
        format!(
            "[resource.test_thing.a]\nname = \"a\"\nsize = {size}\n[resource.test_thing.b]\nname = \"b\"\nlifecycle.replace_triggered_by = [\"{trigger}\"]\n{more}"
        )
    };
    let lab = Lab::new(&stack(1, "test_thing.a", ""));
    lab.good().await;
    lab.stack(&stack(2, "test_thing.a.items", ""));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a size"]);
    lab.stack(&stack(2, "test_thing.a.size", ""));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a size", "replace test_thing.b ByTriggers"]);
    lab.stack(&stack(2, "test_thing.a", ""));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a size", "replace test_thing.b ByTriggers"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    // What is made for the first time replaces nothing.
    lab.stack(&stack(2, "test_thing.c", "[resource.test_thing.c]\nname = \"c\"\n"));
    assert_eq!(lab.planned(&Options::default()).await, ["create test_thing.c"]);
}

/// What many instances are triggered by is looked up once: with a look for each, this takes twenty times as long as without triggers.
#[tokio::test]
async fn thousands_of_triggers_of_thousands_cost_nothing() {
    let stack = "[resource.terraform_data.a]\ncount = 6000\n[resource.terraform_data.b]\ncount = 6000\n";
    let lab = Lab::new(stack);
    let mut took = vec![];
    for more in ["", "lifecycle.replace_triggered_by = [\"terraform_data.a\"]\n"] {
        lab.stack(&format!("{stack}{more}"));
        let begun = std::time::Instant::now();
        assert_eq!(lab.planned(&Options::default()).await.len(), 12_000);
        took.push(begun.elapsed());
    }
    assert!(took[1] < took[0] * 5 + std::time::Duration::from_secs(1), "{took:?}");
}

#[tokio::test]
async fn what_turns_out_to_be_as_it_was_needs_no_call() {
    let stack = "[resource.terraform_data.t]\ninput = \"a\"\n[resource.test_thing.a]\nname = \"a\"\nitems = [\"${upper(terraform_data.t.output)}\"]\n";
    let lab = Lab::new(stack);
    lab.good().await;
    lab.stack(&stack.replace("\"a\"\n[", "\"A\"\n["));
    assert_eq!(lab.planned(&Options::default()).await, ["update terraform_data.t input, output", "update test_thing.a items"]);
    lab.log();
    lab.apply_with(&Options::default(), &Stop::default()).await.unwrap();
    assert_eq!(lab.log(), [] as [&str; 0]);
    assert!(lab.plan().await.is_empty());
}

/// What is written is what the next plan will find: otherwise an apply of nothing would raise the serial.
#[tokio::test]
async fn dependencies_are_those_of_what_turned_out() {
    let stack = r#"
[resource.test_thing.a]
name = "a"

[resource.test_thing.one]
name = "one"

[resource.test_thing.two]
name = "two"

[resource.test_thing.user]
name = "user"
items = ['${test_thing.a.endpoint == "a.test" ? test_thing.one.endpoint : test_thing.two.endpoint}']
"#;
    let lab = Lab::new(stack);
    lab.good().await;
    let plan = lab.plan().await;
    assert!(plan.is_empty());
    let user = address("test_thing.user");
    let planned = plan.changes.iter().find(|c| c.address == user).unwrap();
    let written = lab.state().instances[&user].dependencies.clone();
    assert_eq!(written, planned.dependencies);
    assert_eq!(written, [address("test_thing.a"), address("test_thing.one")]);
}
