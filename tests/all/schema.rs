//! The JSON Schema for editors accepts what the language accepts: every example of every type, the stacks of this repository, and a file
//! with every block.

use std::path::Path;

use ferroform::registry::REGISTRY;
use regex::Regex;
use serde_json::{Map, Value as Json};

/// What is wrong with a value, for those words of JSON Schema that ours uses. A word that this does not know is a mistake of the test.
fn check(schema: &Json, value: &Json, at: &str) -> Result<(), String> {
    let wrong = |why: String| Err(format!("{at}: {why}"));
    for (word, wanted) in schema.as_object().unwrap() {
        match word.as_str() {
            "$schema" | "title" | "description" | "default" | "deprecated" => {}
            "type" => {
                let all: Vec<&str> =
                    wanted.as_array().map_or_else(|| vec![wanted.as_str().unwrap()], |a| a.iter().filter_map(Json::as_str).collect());
                let of = |name: &str| match name {
                    "object" => value.is_object(),
                    "array" => value.is_array(),
                    "string" => value.is_string(),
                    "boolean" => value.is_boolean(),
                    "integer" => value.is_i64(),
                    "number" => value.is_number(),
                    other => panic!("type {other}"),
                };
                if !all.iter().any(|name| of(name)) {
                    return wrong(format!("{value} is no {wanted}"));
                }
            }
            "properties" | "additionalProperties" | "required" => {}
            "items" => value.as_array().into_iter().flatten().enumerate().try_for_each(|(i, v)| check(wanted, v, &format!("{at}[{i}]")))?,
            "anyOf" => {
                let tried: Vec<_> = wanted.as_array().unwrap().iter().map(|s| check(s, value, at)).collect();
                if tried.iter().all(Result::is_err) {
                    return wrong(format!("{tried:?}"));
                }
            }
            "enum" if !wanted.as_array().unwrap().contains(value) => return wrong(format!("{value} is none of {wanted}")),
            "pattern" if !value.as_str().is_none_or(|v| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(v)) => {
                return wrong(format!("{value} does not match"));
            }
            "minimum" if value.as_f64().is_some_and(|v| v < wanted.as_f64().unwrap()) => return wrong(format!("{value} < {wanted}")),
            "maximum" if value.as_f64().is_some_and(|v| v > wanted.as_f64().unwrap()) => return wrong(format!("{value} > {wanted}")),
            "minLength" if value.as_str().is_some_and(|v| v.chars().count() < usize::try_from(wanted.as_u64().unwrap()).unwrap()) => {
                return wrong(format!("{value} is too short"));
            }
            "maxLength" if value.as_str().is_some_and(|v| v.chars().count() > usize::try_from(wanted.as_u64().unwrap()).unwrap()) => {
                return wrong(format!("{value} is too long"));
            }
            "enum" | "pattern" | "minimum" | "maximum" | "minLength" | "maxLength" => {}
            other => panic!("`{other}` is a word that this test does not know"),
        }
    }
    let Some(object) = value.as_object() else { return Ok(()) };
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    for (name, inner) in object {
        let below = format!("{at}.{name}");
        match (properties.get(name), &schema["additionalProperties"]) {
            (Some(schema), _) => check(schema, inner, &below)?,
            (None, Json::Bool(false)) => return wrong(format!("`{name}` is not expected")),
            (None, schema @ Json::Object(_)) => check(schema, inner, &below)?,
            _ => {}
        }
    }
    let missing = schema["required"].as_array().into_iter().flatten().filter_map(Json::as_str).find(|name| !object.contains_key(*name));
    missing.map_or(Ok(()), |name| wrong(format!("`{name}` is missing")))
}

fn validated(text: &str) -> Result<(), String> {
    let stack: Json = toml::from_str(text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    check(&ferroform::show::schema::stack(&REGISTRY), &stack, "stack")
}

#[test]
fn every_example_is_valid() {
    let resources = REGISTRY.resources.iter().map(|t| (t.name(), t.example()));
    let data = REGISTRY.data.iter().map(|t| (t.name(), t.example()));
    let parts = resources.chain(data).flat_map(|(name, text)| text.split("\n---\n").map(move |part| (name, part)));
    let wrong: Vec<String> = parts.filter_map(|(name, part)| validated(part).err().map(|e| format!("{name}: {e}"))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    for name in ["stacks/gateway-node", "examples/hello", "examples/security-group"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name).join("stack.toml");
        assert_eq!(validated(&std::fs::read_to_string(path).unwrap()), Ok(()), "{name}");
    }
}

#[test]
fn every_block_is_known() {
    let whole = r#"
[stack]
name = "whole"
description = "all of it"
required_version = ">= 0.1"
[terraform]
required_version = ">= 1.5"
required_providers = { aws = { source = "hashicorp/aws" } }
backend.local = { path = "x" }
[locals]
a = [1, "${var.x}"]
[variable.x]
type = "string"
default = { any = 1 }
description = "words"
sensitive = true
nullable = false
ephemeral = false
validation = { condition = "${true}", error_message = "no" }
[[provider.aws]]
alias = "west"
region = "us-west-2"
[module.net]
source = "./net"
version = "1"
for_each = "${var.all}"
depends_on = ["aws_eip.x"]
providers = { aws = "aws.west" }
input = 5
[resource.aws_security_group.x]
count = "${length(var.x)}"
provider = "aws.west"
depends_on = ["aws_eip.x"]
dynamic.ingress = { for_each = "${var.all}", iterator = "it", content = { from_port = "${it.value}" } }
lifecycle = { create_before_destroy = true, prevent_destroy = false, ignore_changes = "all", replace_triggered_by = ["aws_eip.x"], precondition = [{ condition = true, error_message = "a" }] }
timeouts = { create = "5m" }
[data.aws_region.here]
[output.o]
value = 1
description = "words"
sensitive = true
depends_on = ["aws_eip.x"]
precondition = { condition = "${true}", error_message = "no" }
[[moved]]
from = "aws_eip.a"
to = "aws_eip.b"
[[import]]
to = "aws_eip.a"
id = "eipalloc-1"
[[removed]]
from = "aws_eip.c"
lifecycle = { destroy = false }
[check.c]
data.aws_region.there = {}
assert = { condition = "${true}", error_message = "no" }
"#;
    assert_eq!(validated(whole), Ok(()));
    for (text, word) in [
        ("[resorce.aws_eip.x]", "resorce"),
        ("[resource.aws_eip.x]\ndomian = \"vpc\"", "domian"),
        ("[output.o]\nsensitive = true", "value"),
        ("[stack]\nnam = \"x\"", "nam"),
        ("[variable.x]\ntyp = \"string\"", "typ"),
        ("[[removed]]\nfrom = \"a.b\"\nlifecycle = { destory = true }", "destory"),
    ] {
        assert!(validated(text).is_err_and(|e| e.contains(word)), "{text}: {:?}", validated(text));
    }
}
