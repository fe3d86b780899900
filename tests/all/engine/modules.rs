//! Modules: what waits for what through them, and how they are named.

use crate::support::cloud::How;
use crate::support::lab::{Lab, ended};
use ferroform::engine::plan::{Plan, Purpose};
use ferroform::engine::planner::Options;

const SITES: &str = r#"
[module.site]
source = "./site"
for_each = { x = "bx", y = "by" }
name = "${each.value}"

[resource.test_thing.user]
for_each = { x = 1, y = 2 }
name = "u${each.key}"
needs = ["${module.site[each.key].id}"]

[resource.test_thing.other]
name = "other"
size = "${module.site[\"x\"].fixed}"
"#;

const SITE: &str = r#"
[variable.name]
[resource.test_thing.first]
name = "${var.name}"
[resource.test_thing.second]
name = "${var.name}2"
needs = ["${test_thing.first.id}"]
[output.id]
value = "${test_thing.second.id}"
[output.fixed]
value = 7
"#;

fn lab(stack: &str) -> Lab {
    let lab = Lab::new(stack);
    lab.file("site/main.toml", SITE);
    lab
}

fn needs(plan: &Plan, address: &str) -> Vec<String> {
    let change = plan.changes.iter().find(|c| c.address.to_string() == address).unwrap_or_else(|| panic!("no {address}"));
    change.dependencies.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_module_is_no_barrier() {
    let lab = lab(SITES);
    let plan = lab.plan().await;
    assert_eq!(needs(&plan, "test_thing.user[\"x\"]"), ["module.site[\"x\"].test_thing.second"]);
    assert_eq!(needs(&plan, "module.site[\"x\"].test_thing.second"), ["module.site[\"x\"].test_thing.first"]);
    assert!(needs(&plan, "test_thing.other").is_empty(), "what it refers to needs nothing");
    lab.fault("create", "bx", How::Refuse, 1);
    assert_eq!(
        ended(&lab.apply().await),
        ["module.site[\"x\"].test_thing.first failed", "module.site[\"x\"].test_thing.second skipped", "test_thing.user[\"x\"] skipped"]
    );
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    assert_eq!(lab.state().instances.len(), 7);
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    lab.log();
    lab.apply_with(&destroy, &Default::default()).await.unwrap();
    let log = lab.log();
    let place = |line: &str| log.iter().position(|l| l == line).unwrap_or_else(|| panic!("no `{line}` in {log:?}"));
    assert!(place("delete ux-1") < place("delete bx2-1") && place("delete bx2-1") < place("delete bx-1"), "{log:?}");
    assert!(lab.state().instances.is_empty());
}

#[tokio::test]
async fn who_uses_the_value_of_an_element_waits_for_what_it_rests_on() {
    let lab = Lab::new(
        "[resource.test_thing.a]\nname = \"a\"\n[resource.test_thing.b]\nfor_each = { k = \"${test_thing.a.id}\" }\nname = \"b${each.key}\"\nneeds = [\"${each.value}\"]\n[resource.test_thing.c]\nfor_each = { k = \"${test_thing.a.id}\" }\nname = \"c${each.key}\"\n",
    );
    let plan = lab.plan().await;
    assert_eq!(needs(&plan, "test_thing.b[\"k\"]"), ["test_thing.a"]);
    assert!(needs(&plan, "test_thing.c[\"k\"]").is_empty(), "a key is known without it");
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn modules_can_be_targets_and_left_out() {
    let lab = lab(SITES);
    let options = |targets: &[&str], excludes: &[&str]| Options {
        targets: targets.iter().map(|t| t.parse().unwrap()).collect(),
        excludes: excludes.iter().map(|t| t.parse().unwrap()).collect(),
        ..Options::default()
    };
    let first = |site: &str| format!("create module.site[\"{site}\"].test_thing.first");
    let second = |site: &str| format!("create module.site[\"{site}\"].test_thing.second");
    let sorted = async |options: &Options| {
        let mut planned = lab.planned(options).await;
        planned.sort();
        planned
    };
    assert_eq!(sorted(&options(&["module.site"], &[])).await, [first("x"), second("x"), first("y"), second("y")]);
    assert_eq!(sorted(&options(&["module.site[\"x\"]"], &[])).await, [first("x"), second("x")]);
    assert_eq!(sorted(&options(&["module.site[\"y\"].test_thing.first"], &[])).await, [first("y")]);
    assert_eq!(
        sorted(&options(&[], &["module.site[\"x\"]"])).await,
        [first("y"), second("y"), "create test_thing.other".into(), "create test_thing.user[\"y\"]".into()]
    );
    assert_eq!(sorted(&options(&[], &["module.site"])).await, ["create test_thing.other"]);
    assert_eq!(sorted(&options(&["module.sight"], &[])).await, ["there is no module.sight, neither in the stack nor in the state"]);
    lab.good().await;
    let replace = Options { replace: vec!["module.site[\"x\"].test_thing.first".parse().unwrap()], ..Options::default() };
    assert!(lab.planned(&replace).await.contains(&"replace module.site[\"x\"].test_thing.first ByRequest".to_owned()));
}

#[tokio::test]
async fn instances_of_modules_come_and_go() {
    let lab = lab(SITES);
    lab.good().await;
    lab.stack("[module.site]\nsource = \"./site\"\nfor_each = { y = \"by\" }\nname = \"${each.value}\"\n");
    let mut planned = lab.planned(&Options::default()).await;
    planned.sort();
    assert_eq!(
        planned,
        [
            "delete module.site[\"x\"].test_thing.first NoModule",
            "delete module.site[\"x\"].test_thing.second NoModule",
            "delete test_thing.other NoConfig",
            "delete test_thing.user[\"x\"] NoConfig",
            "delete test_thing.user[\"y\"] NoConfig"
        ]
    );
    lab.good().await;
    lab.stack("");
    lab.good().await;
    assert!(lab.state().instances.is_empty() && lab.things().is_empty());
}

#[tokio::test]
async fn nothing_is_deleted_where_nobody_knows_what_should_be() {
    let lab = lab("[module.site]\nsource = \"./site\"\nfor_each = { y = \"by\" }\nname = \"${each.value}\"\n");
    lab.good().await;
    lab.stack("[resource.test_thing.a]\nname = \"a\"\n[module.site]\nsource = \"./site\"\nfor_each = \"${toset([test_thing.a.id])}\"\nname = \"${each.value}\"\n");
    let planned = lab.planned(&Options::default()).await;
    assert!(planned.iter().all(|line| line.contains("`for_each` of module.site has keys that are known only after apply")), "{planned:?}");
}
