//! What the user asks for: parts, replacements, imports, kept plans.

use crate::support::lab::{Lab, address, lines, told};
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;
use ferroform::engine::saved;

const THREE: &str = r#"
[resource.test_thing.a]
name = "a"

[resource.test_thing.b]
for_each = { x = 1, y = 2 }
name = "b${each.key}"
needs = ["${test_thing.a.id}"]

[resource.test_thing.c]
for_each = { x = 1, y = 2 }
name = "c${each.key}"
needs = ["${test_thing.b[each.key].id}"]

[resource.test_thing.d]
name = "d"
"#;

fn targets(names: &[&str]) -> Options {
    Options { targets: names.iter().map(|n| n.parse().unwrap()).collect(), ..Options::default() }
}

fn excludes(names: &[&str]) -> Options {
    Options { excludes: names.iter().map(|n| n.parse().unwrap()).collect(), ..Options::default() }
}

fn destroying(options: Options) -> Options {
    Options { purpose: Purpose::Destroy, ..options }
}

#[tokio::test]
async fn targets_bring_what_they_need_and_no_more() {
    let lab = Lab::new(THREE);
    assert_eq!(lab.planned(&targets(&["test_thing.b[\"x\"]"])).await, ["create test_thing.a", "create test_thing.b[\"x\"]"]);
    assert_eq!(lab.planned(&targets(&["test_thing.d"])).await, ["create test_thing.d"]);
    assert_eq!(lab.planned(&targets(&["test_thing.e"])).await, ["there is no test_thing.e, neither in the stack nor in the state"]);
    let options = targets(&["test_thing.b[\"x\"]"]);
    lab.apply_with(&options, &Stop::default()).await.unwrap();
    assert_eq!(lab.held(), ["test_thing.a = a-1", "test_thing.b[\"x\"] = bx-1"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    // What needs a target goes with it.
    let plan = lab.plan_with(&destroying(targets(&["test_thing.b[\"x\"]"]))).await.unwrap();
    assert!(lines(&plan).contains(&"delete test_thing.b[\"x\"] Destroying".to_owned()));
    assert!(lines(&plan).contains(&"delete test_thing.c[\"x\"] Destroying".to_owned()));
    assert!(!lines(&plan).iter().any(|l| l.contains("test_thing.a") || l.contains("test_thing.d") || l.contains("output")));
    let applied = lab.apply_with(&destroying(targets(&["test_thing.b[\"x\"]"])), &Stop::default()).await.unwrap();
    assert!(applied.failed.is_empty(), "{applied:?}");
}

#[tokio::test]
async fn orphans_outside_of_targets_stay() {
    let lab = Lab::new(THREE);
    lab.good().await;
    lab.stack("[resource.test_thing.a]\nname = \"a\"\nsize = 2\n");
    assert_eq!(lab.planned(&targets(&["test_thing.a"])).await, ["update test_thing.a size"]);
    assert_eq!(lab.planned(&targets(&["test_thing.d"])).await, ["delete test_thing.d NoConfig"]);
}

#[tokio::test]
async fn excludes_leave_out_what_needs_them() {
    let lab = Lab::new(THREE);
    assert_eq!(lab.planned(&excludes(&["test_thing.b"])).await, ["create test_thing.a", "create test_thing.d"]);
    let mut planned = lab.planned(&excludes(&["test_thing.b[\"x\"]"])).await;
    planned.sort();
    assert_eq!(planned, ["create test_thing.a", "create test_thing.b[\"y\"]", "create test_thing.c[\"y\"]", "create test_thing.d"]);
    lab.good().await;
    // What an excluded one needs stays with it.
    let plan = lab.plan_with(&destroying(excludes(&["test_thing.b[\"x\"]"]))).await.unwrap();
    let mut planned = lines(&plan);
    planned.sort();
    assert_eq!(
        planned,
        [
            "delete test_thing.b[\"y\"] Destroying",
            "delete test_thing.c[\"x\"] Destroying",
            "delete test_thing.c[\"y\"] Destroying",
            "delete test_thing.d Destroying"
        ]
    );
}

#[tokio::test]
async fn what_the_user_wants_replaced_is_replaced() {
    let lab = Lab::new(THREE);
    lab.good().await;
    let options = Options { replace: vec![address("test_thing.d"), address("test_thing.c[\"x\"]")], ..Options::default() };
    assert_eq!(lab.planned(&options).await, ["replace test_thing.c[\"x\"] ByRequest", "replace test_thing.d ByRequest"]);
    lab.log();
    lab.apply_with(&options, &Stop::default()).await.unwrap();
    assert_eq!(lab.log().len(), 4);
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn what_exists_is_imported() {
    let stack = "[resource.test_thing.a]\nname = \"a\"\nsize = 1\n[resource.random_password.p]\nlength = 9\n";
    let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\nsize = 1\n");
    lab.good().await;
    std::fs::remove_file(lab.store().path()).unwrap();
    lab.stack(stack);
    lab.log();
    let import = |what: &str, id: &str| Options {
        targets: vec![address(what).into()],
        imports: vec![(address(what), id.into())],
        ..Options::default()
    };
    assert_eq!(lab.planned(&import("test_thing.a", "a-1")).await, ["nothing test_thing.a importing a-1"]);
    assert_eq!(
        lab.planned(&import("test_thing.a", "a-9")).await,
        ["test_thing.a can't be imported: there is no test_thing with the id `a-9`"]
    );
    assert_eq!(lab.planned(&import("test_thing.a[0]", "a-1")).await, ["test_thing.a[0] can't be imported: the stack has no such instance"]);
    assert!(!lab.plan_with(&import("test_thing.a", "a-1")).await.unwrap().is_empty());
    lab.apply_with(&import("test_thing.a", "a-1"), &Stop::default()).await.unwrap();
    assert_eq!((lab.held(), lab.log()), (vec!["test_thing.a = a-1".to_owned()], vec![]));
    assert_eq!(lab.planned(&import("test_thing.a", "a-1")).await, ["test_thing.a can't be imported: the state holds it already"]);
    // What is made here has another id than it is imported by.
    lab.apply_with(&import("random_password.p", "nine char"), &Stop::default()).await.unwrap();
    assert_eq!(lab.held()[0], "random_password.p = none");
    let plan = lab.plan().await;
    assert!(plan.is_empty(), "{:?}", lines(&plan));
    // What differs is changed in the same run, and the import stands even if that fails.
    std::fs::remove_file(lab.store().path()).unwrap();
    lab.stack("[resource.test_thing.a]\nname = \"a\"\nsize = 2\n");
    lab.fault("update", "a", crate::support::cloud::How::Refuse, 1);
    assert_eq!(lab.planned(&import("test_thing.a", "a-1")).await, ["update test_thing.a size importing a-1"]);
    let applied = lab.apply_with(&import("test_thing.a", "a-1"), &Stop::default()).await.unwrap();
    assert_eq!(applied.failed.len(), 1);
    assert_eq!(lab.held(), ["test_thing.a = a-1"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn a_kept_plan_is_done_once() {
    let lab = Lab::new(THREE);
    let plan = lab.plan().await;
    let (read, _) = lab.keep(&plan);
    assert_eq!(lines(&read.plan), lines(&plan));
    assert_eq!(format!("{:?}", read.plan.changes), format!("{:?}", plan.changes));
    saved::check_fresh(&read.plan, &lab.state(), "plan").unwrap();
    let applied = lab.carry_out(&read.plan, &Options::default(), &Stop::default()).await.unwrap();
    assert!(applied.failed.is_empty() && applied.skipped.is_empty(), "{applied:?}");
    assert!(lab.plan().await.is_empty());
    let stale = saved::check_fresh(&read.plan, &lab.state(), "plan").unwrap_err();
    assert_eq!(told(&stale), ["the plan `plan` is out of date: the state has changed since it was made"]);
    saved::check_fresh(&lab.plan().await, &lab.state(), "plan").unwrap();
    assert!(saved::read(b"{\"format\":\"ferroform plan 2\",\"body\":{}}", "x").is_err());
}

#[tokio::test]
async fn a_kept_plan_finds_its_secrets_again() {
    const STACK: &str = r#"
[variable.name]
sensitive = true

[resource.test_thing.a]
name = "a"
size = 1
secret = "never told to anyone"

[data.test_lookup.l]
name = "${var.name}"

[resource.test_thing.b]
name = "b"
secret = "by ${data.test_lookup.l.name}"
"#;
    let mut lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\nsecret = \"never told to anyone\"\n");
    lab.good().await;
    lab.var("name", "a");
    lab.stack(STACK);
    // Somebody else sets another password: the state doesn't know it.
    let set = |word: &str| {
        let mut world = lab.world();
        let thing = world.things.get_mut("a-1").unwrap();
        thing.value = std::mem::take(&mut thing.value).with("secret", ferroform::words::Value::from(word));
    };
    set("set by somebody");
    let plan = lab.plan().await;
    assert_eq!(lines(&plan), ["update test_thing.a size, secret", "create test_thing.b", "drift test_thing.a: secret"]);
    let (kept, text) = lab.keep(&plan);
    for secret in ["never told", "set by somebody", "by a"] {
        assert!(!text.contains(secret), "{text}");
    }
    let opened = lab.unseal(&kept).await.unwrap();
    assert_eq!(format!("{:?}", opened.changes), format!("{:?}", plan.changes));
    set("set once more");
    assert_eq!(
        told(&lab.unseal(&kept).await.unwrap_err()),
        ["the plan `plan` is out of date: `secret` of test_thing.a is not what it was when it was made"]
    );
    set("set by somebody");
    let applied = lab.carry_out(&opened, &Options::default(), &Stop::default()).await.unwrap();
    assert!(applied.failed.is_empty() && applied.skipped.is_empty(), "{applied:?}");
    assert!(lab.plan().await.is_empty());
    // What a data source was asked by is as secret as what it was made of.
    let (kept, text) = lab.keep(&lab.plan().await);
    assert!(!text.contains("by a") && !text.contains("\"name\":\"a\",\"size\""), "{text}");
    lab.unseal(&kept).await.unwrap();
}
