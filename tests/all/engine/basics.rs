//! Create, update, replace, delete; unknown and sensitive values; outputs, conditions and checks.

use crate::support::cloud::How;
use crate::support::lab::{Lab, address, lines, told};
use ferroform::engine::plan::Action;
use ferroform::engine::planner::Options;

const PAIR: &str = r#"
[resource.test_thing.a]
name = "a"
size = 1
tags = { Owner = "me" }

[resource.test_named.b]
name = "b"
size = 2
needs = ["${test_thing.a.id}"]
items = ["x", "y"]

[output.where]
value = "${test_thing.a.endpoint}"
"#;

#[tokio::test]
async fn what_is_made_is_changed_replaced_and_destroyed() {
    let lab = Lab::new(PAIR);
    let plan = lab.plan().await;
    assert_eq!(lines(&plan), ["create test_thing.a", "create test_named.b", "output where"]);
    assert!(plan.changes[1].after.attr("needs").items()[0].is_unknown());
    lab.good().await;
    assert_eq!(lab.log(), ["create a-1", "create b", "update b"]);
    assert_eq!(lab.held(), ["test_named.b = b", "test_thing.a = a-1"]);
    assert_eq!(lab.state().outputs["where"].value.as_str(), Some("a.test"));
    let again = lab.plan().await;
    assert!(again.is_empty(), "{:?}", lines(&again));

    lab.stack(&PAIR.replace("size = 1", "size = 3").replace("\"y\"]", "\"z\"]"));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_thing.a size", "update test_named.b items"]);
    lab.good().await;
    assert_eq!(lab.log().len(), 2);
    assert!(lab.plan().await.is_empty());

    lab.stack("");
    assert_eq!(lab.planned(&Options::default()).await, ["delete test_named.b NoConfig", "delete test_thing.a NoConfig", "output where"]);
    lab.good().await;
    assert_eq!(lab.log(), ["delete b", "delete a-1"]);
    assert!(lab.state().instances.is_empty() && lab.state().outputs.is_empty());
}

#[tokio::test]
async fn a_forced_replacement_removes_first() {
    let lab = Lab::new("[resource.test_thing.a]\nname = \"a\"\n");
    lab.good().await;
    lab.stack("[resource.test_thing.a]\nname = \"b\"\n");
    let plan = lab.plan().await;
    assert_eq!(lines(&plan), ["replace test_thing.a CannotUpdate of name"]);
    assert!(plan.changes[0].after.attr("id").is_unknown() && plan.changes[0].after.attr("endpoint").is_unknown());
    lab.log();
    lab.good().await;
    assert_eq!(lab.log(), ["delete a-1", "create b-1"]);
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn every_kind_of_attribute_comes_to_rest() {
    let lab = Lab::new(
        r#"
[resource.test_named.a]
name = "a"
size = 7
secret = "hush hush"
tags = { a = "1", b = "2" }
items = ["x", "x", "y"]
links = ["p", "q"]
keep = true
rule = [{ port = 1, note = "n" }, { port = 2 }]

[resource.terraform_data.d]
input = { list = ["${test_named.a.endpoint}", 1], zone = "${test_named.a.zone}" }

[resource.test_slow.s]
name = "s"
"#,
    );
    lab.good().await;
    let plan = lab.plan().await;
    assert!(plan.is_empty(), "{:?}", lines(&plan));
    let state = lab.state();
    assert_eq!(state.instances[&address("terraform_data.d")].attributes.attr("output").attr("zone").as_str(), Some("zone-1"));
    assert_eq!(state.instances[&address("test_named.a")].attributes.attr("keep").as_bool(), Some(true));
    // What is local is changed without a call.
    let text = std::fs::read_to_string(lab.path().join("stack.toml")).unwrap();
    lab.stack(&text.replace("keep = true", "keep = false").replace(", { port = 2 }", ""));
    lab.log();
    lab.good().await;
    assert_eq!(lab.log(), ["update a"]);
    lab.stack(&text.replace(", { port = 2 }", ""));
    assert_eq!(lab.planned(&Options::default()).await, ["update test_named.a keep"]);
    lab.good().await;
    assert_eq!(lab.log(), [] as [&str; 0]);
    assert!(lab.plan().await.is_empty());
    lab.stack("");
    lab.good().await;
    assert_eq!(lab.things(), [] as [&str; 0]);
}

#[tokio::test]
async fn secrets_stay_secret() {
    let mut lab = Lab::new(
        r#"
[variable.password]
sensitive = true

[resource.test_thing.a]
name = "a"
items = ["${var.password}"]

[output.it]
value = "${test_thing.a.items[0]}"
sensitive = true
"#,
    );
    lab.var("password", "hunter2222");
    let plan = lab.plan().await;
    assert!(plan.changes[0].after.attr("items").has_sensitive());
    lab.good().await;
    let again = lab.plan().await;
    assert!(again.is_empty(), "{:?}", lines(&again));
    assert!(again.changes[0].before.attr("items").has_sensitive(), "{:?}", again.changes[0].before);

    let text = std::fs::read_to_string(lab.path().join("stack.toml")).unwrap();
    lab.stack(&text.replace("[0]}\"\nsensitive = true", "[0]}\""));
    let errors = lab.planned(&Options::default()).await;
    assert_eq!(errors, ["output.it holds a sensitive value and is not declared sensitive"]);

    for wrong in
        ["size = \"${var.password}\"", "rule = \"${var.password}\"", "size = \"${tonumber(var.password)}\"", "count = \"${var.password}\""]
    {
        lab.stack(&text.replace("items = [", &format!("{wrong}\nitems = [")));
        let Err(errors) = lab.plan_with(&Options::default()).await else { panic!("{wrong}") };
        assert!(!errors.to_string().contains("hunter2222"), "{errors}");
    }
    lab.stack(&text.replace("name = \"a\"", "name = \"${var.password}\""));
    lab.fault("create", "hunter2222", crate::support::cloud::How::Refuse, 1);
    let applied = lab.apply().await;
    assert_eq!(applied.failed.len(), 1);
    assert!(!format!("{:?}", applied.failed).contains("hunter2222"), "{:?}", applied.failed);
    assert!(!lab.heard().join("\n").contains("hunter2222"));
}

#[tokio::test]
async fn conditions_and_checks_are_told() {
    let mut lab = Lab::new(
        r#"
[variable.size]
type = "number"
default = 1

[resource.test_thing.a]
name = "a"
size = "${var.size}"
lifecycle.precondition = [{ condition = "${var.size != 2}", error_message = "two is too many" }]
lifecycle.postcondition = [
  { condition = "${self.size != 3}", error_message = "three is too many" },
  { condition = "${self.endpoint != \"z.test\"}", error_message = "z is no name" },
]

[check.four]
assert = [{ condition = "${test_thing.a.size != 4}", error_message = "four is odd" }]

[output.size]
value = "${test_thing.a.size}"
precondition = [{ condition = "${test_thing.a.size != 5}", error_message = "five is too many" }]
"#,
    );
    for (size, error) in
        [("2", "test_thing.a: two is too many"), ("3", "test_thing.a: three is too many"), ("5", "output.size: five is too many")]
    {
        lab.var("size", size);
        assert_eq!(lab.planned(&Options::default()).await, [error]);
    }
    lab.var("size", "13");
    assert_eq!(lab.planned(&Options::default()).await, ["test_thing.a: 13 is no size"]);
    lab.var("size", "4");
    let plan = lab.plan().await;
    assert_eq!((plan.checks[0].holds, plan.checks[0].messages.join("")), (Some(false), "four is odd".to_owned()));
    lab.good().await;
    // What holds only once it is there.
    let text = std::fs::read_to_string(lab.path().join("stack.toml")).unwrap();
    lab.stack(&text.replace("name = \"a\"", "name = \"z\""));
    let applied = lab.apply().await;
    assert_eq!(told(&ferroform::engine::apply::failures(&applied)), ["test_thing.a: z is no name"]);
    assert_eq!(lab.held(), ["test_thing.a = z-1"]);
}

#[tokio::test]
async fn outputs_follow_what_was_really_done() {
    let stack = r#"
[resource.test_thing.a]
name = "a"
size = 1

[resource.test_thing.b]
name = "b"

[output.a]
value = { size = "${test_thing.a.size}" }

[output.b]
value = "${test_thing.b.id}"
"#;
    let lab = Lab::new(stack);
    lab.good().await;
    assert_eq!(lab.state().outputs["b"].value.as_str(), Some("b-1"));
    lab.fault("update", "a", crate::support::cloud::How::Refuse, 1);
    lab.stack(&stack.replace("size = 1", "size = 2"));
    lab.apply().await;
    assert_eq!(lab.state().outputs["a"].value.attr("size").as_number().and_then(|n| n.as_i64()), Some(1));
    lab.good().await;
    assert!(lab.plan().await.is_empty());
    let stack = stack.replace("size = 1", "size = 2");
    lab.stack(&stack.replace("[output.b]\nvalue = \"${test_thing.b.id}\"", ""));
    assert_eq!(lab.planned(&Options::default()).await, ["output b"]);
    lab.good().await;
    assert_eq!(lab.state().outputs.len(), 1);
}

#[tokio::test]
async fn a_failed_evaluation_ends_nothing() {
    let lab = Lab::new("[resource.test_thing.a]\ncount = 2\nname = \"a${count.index}\"\n");
    lab.good().await;
    lab.stack(
        "[resource.test_thing.a]\ncount = '${tonumber(\"x\")}'\nname = \"a\"\nlifecycle.prevent_destroy = true\n\n[resource.test_thing.b]\nname = \"${test_thing.a[0].name}\"\n",
    );
    let errors = lab.planned(&Options::default()).await;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(lab.plan_with(&Options::default()).await.is_err());
    assert_eq!(lab.plan_with(&Options::default()).await.map_or(0, |p| p.changes.iter().filter(|c| c.action == Action::Delete).count()), 0);
}

#[tokio::test]
async fn services_repeat_secrets_and_nobody_hears_them() {
    let lab = Lab::new("[resource.test_named.a]\nname = \"a\"\nsize = 2\nsecret = \"hush hush\"\n");
    let said = || How::Say("not now, with `hush hush`");
    // One is answered while it is made, one while it is changed, and one while it is removed.
    lab.fault("create", "a", said(), 1);
    lab.fault("update", "a", said(), 1);
    lab.good().await;
    lab.stack("");
    lab.fault("delete", "a", said(), 1);
    lab.good().await;
    let heard = lab.heard();
    assert_eq!(heard.len(), 3, "{heard:?}");
    assert!(heard.iter().all(|line| line.ends_with("not now, with `(sensitive value)`")), "{heard:?}");
}
