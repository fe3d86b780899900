//! The evaluator against Terraform's own answers, and what the console can't be asked.

use std::sync::Arc;

use super::*;
use crate::words::{Key, Mode, Type, Value};

struct World {
    files: Files,
    asked: std::cell::RefCell<Vec<String>>,
}

impl Scope for World {
    fn variable(&self, name: &str) -> Option<Result<Value>> {
        match name {
            "secret" => Some(Ok(Value::from("s3cret").sensitive())),
            "later" => Some(Ok(Value::Unknown(Arc::new(Type::String)))),
            "any" => Some(Ok(Value::unknown())),
            "list" => Some(Ok(Value::list(["a".into(), Value::Unknown(Arc::new(Type::String))]))),
            _ => None,
        }
    }
    fn local(&self, _: &str) -> Option<Result<Value>> {
        None
    }
    fn resource(&self, _: Mode, kind: &str, name: &str, key: Option<&Key>) -> Result<Value> {
        let key = key.map(ToString::to_string).unwrap_or_default();
        self.asked.borrow_mut().push(format!("{kind}.{name}{key}"));
        let one = |n: &str| Value::object([("id", Value::from(n)), ("arn", Value::Unknown(Arc::new(Type::String)))]);
        Ok(match (name, key.is_empty()) {
            ("many", true) => Value::Tuple(Arc::new(vec![one("0"), one("1")])),
            ("each", true) => Value::object([("a", one("a")), ("b", one("b"))]),
            _ => one(&key),
        })
    }
    fn repeated(&self, _: Mode, _: &str, name: &str) -> bool {
        name != "single"
    }
    fn files(&self) -> &Files {
        &self.files
    }
}

fn world() -> World {
    World { files: Files::disk("."), asked: std::cell::RefCell::default() }
}

fn eval(text: &str) -> Result<Value> {
    expression(text, "test").and_then(|e| e.eval(&world()))
}

fn good(text: &str) -> Value {
    eval(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn head(value: &Value) -> String {
    match value.bare() {
        Value::Null => "dynamic".into(),
        other => other.type_of().name().split('(').next().unwrap_or_default().to_owned(),
    }
}

#[test]
fn expressions_evaluate_as_in_terraform() {
    let mut wrong = vec![];
    for line in include_str!("terraform.tsv").lines().filter(|l| !l.starts_with("# ")) {
        let [text, ty, wanted] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        match (eval(text), ty) {
            (Err(_), "!") => {}
            (Ok(value), "!") => wrong.push(format!("{text}\n   gives {} and should be refused", value.to_json())),
            (Err(e), _) => wrong.push(format!("{text}\n   {e}\n   should be {ty} {wanted}")),
            (Ok(value), _) => {
                let want = Value::from_json(&serde_json::from_str(wanted).unwrap()).to_json();
                let same_type = head(&value) == ty || value.is_null() || ty == "dynamic";
                if value.to_json() != want || !same_type {
                    wrong.push(format!("{text}\n   gives {} {}\n   not   {ty} {wanted}", head(&value), value.to_json()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn sensitive_values_stay_sensitive() {
    for text in [
        "var.secret",
        "\"a${var.secret}\"",
        "upper(var.secret)",
        "var.secret == \"x\"",
        "[var.secret][0]",
        "jsonencode({ a = var.secret })",
        "length(var.secret)",
    ] {
        assert!(good(text).is_sensitive(), "{text}");
    }
    for text in [
        "[var.secret]",
        "{ a = var.secret }",
        "length([var.secret])",
        "keys({ a = var.secret })",
        "nonsensitive(var.secret)",
        "merge({ a = var.secret }, {}).b1 != null ? 1 : 2",
    ] {
        if let Ok(value) = eval(text) {
            assert!(!value.is_sensitive(), "{text}");
        }
    }
    assert!(good("toset([var.secret])").is_sensitive());
}

#[test]
fn unknown_values_go_where_they_must() {
    for text in [
        "var.later",
        "\"a${var.later}\"",
        "upper(var.later)",
        "var.later == \"x\"",
        "join(\",\", var.list)",
        "var.any.b[0].c",
        "[for x in var.any : x]",
        "toset(var.list)",
        "var.later == \"a\" ? 1 : 2",
        "timestamp()",
        "jsonencode(var.list)",
    ] {
        assert!(good(text).is_unknown(), "{text}");
    }
    assert_eq!(good("length(var.list)"), Value::from(2));
    assert_eq!(good("var.list[0]"), Value::from("a"));
    assert_eq!(good("[for x in var.list : x]").items().len(), 2);
    assert_eq!(good("var.later == \"a\" ? 1 : 1"), Value::from(1));
    assert_eq!(good("contains(var.list, \"a\")"), Value::Bool(true));
    assert!(good("false && var.later == \"a\"").is_unknown());
    assert!(good("var.later == \"a\" || true").is_unknown());
    assert_eq!(*good("true ? var.later : \"x\"").type_of().name(), *"string");
    assert!(good("upper(var.any)").is_unknown());
}

#[test]
fn instances_are_asked_for_one_by_one() {
    let asked = |text: &str| {
        let world = world();
        expression(text, "test").and_then(|e| e.eval(&world)).unwrap_or_else(|e| panic!("{text}: {e}"));
        world.asked.into_inner()
    };
    assert_eq!(asked("aws_x.many[1 - 1].id"), ["aws_x.many[0]"]);
    assert_eq!(asked("aws_x.each[lower(\"A\")].id"), ["aws_x.each[\"a\"]"]);
    assert_eq!(asked("aws_x.many[*].id"), ["aws_x.many"]);
    assert_eq!(asked("aws_x.each[var.later]"), ["aws_x.each"]);
    assert_eq!(asked("aws_x.single[\"id\"]"), ["aws_x.single"]);
    assert_eq!(asked("true ? \"x\" : aws_x.single.id"), Vec::<String>::new());
    assert_eq!(asked("var.later == \"\" ? aws_x.many[0].id : aws_x.many[1].id"), ["aws_x.many[0]", "aws_x.many[1]"]);
    assert_eq!(asked("[for k in [\"a\", \"b\"] : aws_x.each[k].id]"), ["aws_x.each[\"a\"]", "aws_x.each[\"b\"]"]);
}

#[test]
fn references_are_found_without_evaluating() {
    let found = |text: &str| -> Vec<String> {
        let all = expression(text, "test").unwrap().references();
        let show = |r: Reference| {
            format!(
                "{}{}{}",
                r.target,
                r.key.map(|k| k.to_string()).unwrap_or_default(),
                r.attribute.map(|a| format!(".{a}")).unwrap_or_default()
            )
        };
        all.into_iter().map(show).collect()
    };
    assert_eq!(found("aws_x.y[0].id + var.a"), ["aws_x.y[0].id", "var.a"]);
    assert_eq!(found("[for aws_x in var.list : aws_x.y]"), ["var.list"]);
    assert_eq!(found("data.aws_x.y[local.k].z[0]"), ["data.aws_x.y.z", "local.k"]);
    assert_eq!(found("\"${aws_x.y[*].id}-%{ if each.value.on }${module.m.out}%{ endif }\""), ["aws_x.y.id", "each.value", "module.m.out"]);
    assert_eq!(found("resource.aws_x.y.id"), ["aws_x.y.id"]);
}

#[test]
fn errors_point_at_the_very_text() {
    let at = |text: &str| {
        let errors = eval(text).expect_err(text);
        let (span, _) = errors.0[0].label.clone().expect(text);
        text[span.range()].to_owned()
    };
    assert_eq!(at("1 + upper(nosuch)"), "nosuch");
    assert_eq!(at("1 + uper(\"a\")"), "uper");
    assert_eq!(at("[1, var.nosuch]"), "var.nosuch");
    assert_eq!(at("2 * \"x\""), "\"x\"");
    assert_eq!(at("{ a = 1 }.b"), "{ a = 1 }.b");
    assert_eq!(at("1 / (2 - 2)"), "(2 - 2)");
    assert_eq!(at("upper([])"), "[]");
    assert_eq!(at("1 ? 2 : 3"), "1");
    assert!(eval("uper(1)").unwrap_err().to_string().contains("did you mean `upper`?"));
}

#[test]
fn template_files_see_what_they_are_given_and_no_more() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("t.tpl"), "Hello ${name}!\n%{ for i in items ~}\n- ${i}\n%{ endfor ~}\nend\n").unwrap();
    std::fs::write(dir.path().join("bad.tpl"), "Hello\n ${nme}").unwrap();
    std::fs::write(dir.path().join("open.tpl"), "%{ if x }").unwrap();
    let world = World { files: Files::disk(dir.path()), ..world() };
    let eval = |text: &str| expression(text, "test").unwrap().eval(&world);
    assert_eq!(eval("templatefile(\"t.tpl\", { name = \"x\", items = [1, 2] })"), Ok("Hello x!\n- 1\n- 2\nend\n".into()));
    assert!(eval("templatefile(\"t.tpl\", { name = var.secret, items = [] })").unwrap().is_sensitive());
    assert!(eval("templatefile(\"t.tpl\", { name = var.later, items = [] })").unwrap().is_unknown());
    let wrong = eval("templatefile(\"bad.tpl\", { name = 1 })").unwrap_err().to_string();
    assert!(wrong.contains("`nme`") && wrong.contains("bad.tpl:2:") && wrong.contains("did you mean `name`?"), "{wrong}");
    assert!(eval("templatefile(\"open.tpl\", {})").unwrap_err().to_string().contains("endif"));
    assert!(eval("templatefile(\"none.tpl\", {})").unwrap_err().to_string().contains("does not exist"));
    assert_eq!(eval("fileset(\".\", \"*.tpl\")").unwrap().items().len(), 3);
}
