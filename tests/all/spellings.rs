//! The same stack in three spellings, and what holds of files that lie side by side.

use ferroform::registry::REGISTRY;
use ferroform::stack::{Expr, Files, Ignore, Module, Nothing, Stack, load, validate};
use ferroform::words::{Result, Type, Value};

fn load_all(sources: &[(&str, &str)]) -> Result<Stack> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in sources {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    load(dir.path(), &Files::of(dir.path()))
}

/// The tree without the places in it.
fn tree(sources: &[(&str, &str)]) -> String {
    let module = load_all(sources).unwrap_or_else(|e| panic!("{e}")).module;
    let shown = format!("{:#?}", Module { dir: ".".into(), shown: ".".into(), ..module });
    let place = regex::Regex::new(r"[\w./~-]+\.(toml|tf|tf\.json):\d+:\d+").unwrap();
    place.replace_all(&shown, "@").into_owned()
}

/// The first error: what it says and the text that it points at.
fn wrong(sources: &[(&str, &str)]) -> (String, String) {
    let errors = load_all(sources).and_then(|stack| validate(&stack, &REGISTRY).unless_errors(()));
    let errors = errors.expect_err("it is wrong");
    let (span, _) = errors.0[0].label.clone().unwrap();
    (errors.to_string(), span.source.text[span.range()].to_owned())
}

const TF: &str = r#"
# What comes first.
terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "zones" {
  type        = map(object({ cidr = string, public = optional(bool, true) }))
  description = "Where"
  default     = { a = { cidr = "10.0.0.0/24" }, "b c" = { cidr = "x", public = false } }
  nullable    = false
  validation {
    condition     = length(var.zones) > 0
    error_message = "At least one of ${join(", ", keys(var.zones))}."
  }
  validation {
    condition     = true
    error_message = "never"
  }
}

variable "size" {
  default = -1
}

locals {
  quoted = "a\tb $${not} é ${var.size}"
  nested = { one = [1, 2.5, true, null, "x"], (var.size) = "computed" }
  flow   = var.size > 1 ? "many" : "few" // why
}

provider "aws" {
  region = "us-east-1"
}

provider "aws" {
  alias  = "west"
  region = "us-west-2"
}

resource "aws_security_group" "web" {
  provider = aws.west
  for_each = var.zones
  name     = "web-${each.key}"
  ingress {
    from_port = 80
    to_port   = 80
    protocol  = "tcp"
  }
  ingress {
    from_port = 443
    to_port   = 443
    protocol  = "tcp"
  }
  lifecycle {
    create_before_destroy = true
    ignore_changes        = [tags["Owner"], description, ingress[0].from_port]
    replace_triggered_by  = [terraform_data.trigger.output]
    precondition {
      condition     = local.flow != ""
      error_message = "no flow"
    }
  }
  timeouts {
    create = "5m"
  }
  depends_on = [aws_eip.ip, data.aws_region.here]
  tags       = { Name = "web" }
}

resource "aws_eip" "ip" {
  lifecycle { ignore_changes = all }
}
resource "terraform_data" "trigger" { input = var.size }
data "aws_region" "here" {}

output "ids" {
  value = [for g in aws_security_group.web : g.id]
  sensitive = true
}

check "health" {
  assert {
    condition     = data.aws_region.here.id != ""
    error_message = "where is it?"
  }
}
"#;

const TOML: &str = r#"
[terraform.required_providers]
aws = { source = "hashicorp/aws" }

[variable.zones]
type = "map(object({ cidr = string, public = optional(bool, true) }))"
description = "Where"
default = { a = { cidr = "10.0.0.0/24" }, "b c" = { cidr = "x", public = false } }
nullable = false
validation = [
    { condition = "${length(var.zones) > 0}", error_message = 'At least one of ${join(", ", keys(var.zones))}.' },
    { condition = true, error_message = "never" },
]

[variable.size]
default = -1

[locals]
quoted = "a\tb $${not} é ${var.size}"
nested = { one = [1, 2.5, true, "${null}", "x"], "${var.size}" = "computed" }
flow = '${var.size > 1 ? "many" : "few"}'

[[provider.aws]]
region = "us-east-1"
[[provider.aws]]
alias = "west"
region = "us-west-2"

[resource.aws_security_group.web]
provider = "aws.west"
for_each = "${var.zones}"
name = "web-${each.key}"
depends_on = ["aws_eip.ip", "data.aws_region.here"]
tags = { Name = "web" }
timeouts = { create = "5m" }
ingress = [{ from_port = 80, to_port = 80, protocol = "tcp" }, { from_port = 443, to_port = 443, protocol = "tcp" }]
[resource.aws_security_group.web.lifecycle]
create_before_destroy = true
ignore_changes = ['tags["Owner"]', "description", "ingress[0].from_port"]
replace_triggered_by = ["terraform_data.trigger.output"]
precondition = { condition = '${local.flow != ""}', error_message = "no flow" }

[resource.aws_eip.ip]
lifecycle.ignore_changes = "all"
[resource.terraform_data.trigger]
input = "${var.size}"
[data.aws_region.here]
[output.ids]
value = "${[for g in aws_security_group.web : g.id]}"
sensitive = true
[check.health]
assert = { condition = '${data.aws_region.here.id != ""}', error_message = "where is it?" }
"#;

/// Entries of objects in the order of their names: spellings may differ in it.
fn sorted(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn three_spellings_make_one_tree() {
    let toml = tree(&[("stack.toml", TOML)]);
    let tf = tree(&[("main.tf", TF)]);
    assert_eq!(sorted(&tf), sorted(&toml));
    let mut json: serde_json::Value = toml::from_str(TOML).unwrap();
    json["//"] = "a comment".into();
    json["locals"]["nested"]["one"][3] = serde_json::Value::Null;
    let resources = json["resource"].take();
    json["resource"] = serde_json::json!([resources]);
    let json = tree(&[("main.tf.json", &json.to_string())]);
    assert_eq!(sorted(&json), sorted(&toml));
}

#[test]
fn files_of_all_spellings_are_one_stack() {
    let both = tree(&[
        ("a.tf", "locals {\n  a = local.b\n}\n"),
        ("b.toml", "[locals]\nb = 1\n"),
        ("c.tf.json", r#"{"locals": {"c": "${local.a}"}}"#),
    ]);
    for name in ["\"a\"", "\"b\"", "\"c\""] {
        assert!(both.contains(name), "{both}");
    }
    let ignored = [(".x.tf", "!"), ("y.tf~", "!"), ("#z.tf#", "!"), ("vars.toml", "a = 1"), ("main.tf", "locals {}")];
    assert!(load_all(&ignored).is_ok());
}

#[test]
fn texts_keep_their_bytes_whatever_the_line_ends() {
    let unix = "locals {\n  a = <<-EOT\n    é\n      two ${local.b}\n  EOT\n  b = \"日本\"\n}\n";
    let windows = format!("\u{feff}{}", unix.replace('\n', "\r\n"));
    assert_eq!(tree(&[("main.tf", unix)]), tree(&[("main.tf", &windows)]));
    assert!(tree(&[("main.tf", unix)]).contains("two"));
}

#[test]
fn errors_point_into_the_file() {
    let at = |tf: &str| wrong(&[("main.tf", tf)]).1;
    assert_eq!(at("locals {\n  a = upper(nosuch.x.y)\n}\n"), "nosuch.x.y");
    assert_eq!(at("locals {\n  a = \"é ${ uper(1) }\"\n}\n"), "uper");
    assert_eq!(at("locals {\n  a = <<EOT\nline\n  é ${local.nope} and ${1}\nEOT\n}\n"), "local.nope");
    assert_eq!(at("locals {\n  a = <<-EOT\n    line\n      é %{ if local.nope }x%{ endif }\n  EOT\n}\n"), "local.nope");
    assert_eq!(at("locals {\n  a = { \"k\" = [1, \"${var.nope}\"] }\n}\n"), "var.nope");
    assert_eq!(at("resource \"aws_eip\" \"x\" {\n  domian = \"vpc\"\n}\n"), "domian");
    assert_eq!(at("resource \"aws_epi\" \"x\" {\n}\n"), "\"aws_epi\" \"x\"");
    assert_eq!(at("resource \"aws_eip\" \"x\" {\n  depends_on = [aws_eip.y]\n}\n"), "aws_eip.y");
    assert_eq!(at("resource \"aws_eip\" {\n}\n"), "resource \"aws_eip\"");
    assert_eq!(at("resource \"aws_eip\" \"x\" {\n  tags = 5\n}\n"), "5");
    assert_eq!(at("variable \"x\" {\n  type = lst(string)\n}\n"), "lst(string)");
    assert_eq!(at("variable \"x\" {\n  default = local.y\n}\n"), "local.y");
    assert_eq!(at("variable \"x\" {\n  default = upper(\"y\")\n}\n"), "upper");
    assert_eq!(at("x = 1\n"), "x");
    assert_eq!(at("resorce \"a\" \"b\" {}\n"), "resorce");
    assert_eq!(at("resource \"aws_eip\" \"x\" {\n  tags = {}\n  tags {}\n}\n"), "tags");
    assert_eq!(wrong(&[("main.tf.json", r#"{"locals": {"a": "é\n ${local.nope}"}}"#)]).1, "local.nope");
    assert_eq!(wrong(&[("main.tf.json", r#"{"resource": {"aws_eip": {"x": {"domian": "vpc"}}}}"#)]).1, "\"domian\"");
}

#[test]
fn what_is_declared_twice_names_both_places() {
    let (told, _) = wrong(&[("a.tf", "locals {\n  x = 1\n}\n"), ("b.toml", "[locals]\nx = 2\n")]);
    assert!(told.contains("b.toml:2:1") && told.contains("a.tf:2:3"), "{told}");
    let (told, _) = wrong(&[("a.tf", "output \"x\" {\n  value = 1\n}\n"), ("b.tf.json", r#"{"output": {"x": {"value": 2}}}"#)]);
    assert!(told.contains("b.tf.json:1:13") && told.contains("a.tf:1:8"), "{told}");
}

/// What Terraform 1.11 makes of the same text.
#[test]
fn heredocs_are_flushed_and_stripped_line_by_line() {
    let tf = "locals {\n a = <<-EOT\n    x\n\n      y\n  \n    z\n    EOT\n b = <<-EOT\n    %{ if true }\n    in\n      deeper\n    %{ endif ~}\n    end\n  EOT\n c = <<-EOT\n\t\tx\n\t  y\n  EOT\n d = <<-EOT\n    ${1}x\n      ${2}\n  EOT\n e = <<-EOT\n    a ${\n1\n} b\n      c\n  EOT\n f = <<-EOT\n  x\n ${1}\n  EOT\n g = <<-EOT\n    x\n   \n    y\n    EOT\n h = <<EOT\na\n${1 ~}\n\n   x\n  ${~ 2}\n\n   ${~ 3}\nEOT\n i = \"x${1 ~} \\n  y\"\n j = <<-EOT\n    a\n    %{~ if true }\n    b\n      ${~ 1 ~}\n    c\n    %{ endif }\n  EOT\n k = <<-EOT\n    a\n      ${1 ~}  x\n    b\n  EOT\n}\n";
    let wanted = [
        "x\n\n  y\n  \nz\n",
        "\nin\n  deeper\n    end\n",
        "x\n y\n",
        "1x\n  2\n",
        "a 1 b\n  c\n",
        " x\n1\n",
        "x\n   \ny\n",
        "a\n1\n   x\n2\n\n3\n",
        "x1y",
        "    a\n\n    b\n1    c\n    \n",
        "a\n  1x\nb\n",
    ];
    let stack = load_all(&[("main.tf", tf)]).unwrap_or_else(|e| panic!("{e}"));
    let files = Files::disk(".");
    for (local, wanted) in stack.module.locals.values().zip(wanted) {
        assert_eq!(local.eval(&Nothing(&files)), Ok(Value::from(wanted)));
    }
    let at = |tf: &str| wrong(&[("main.tf", tf)]).1;
    assert_eq!(at("locals {\n  a = <<-EOT\n    é\n    %{ if true }\n      x ${local.nope}\n    %{ endif }\n  EOT\n}\n"), "local.nope");
}

const BASE: &str = r#"
variable "size" {
  type    = number
  default = 1
}
locals {
  a = 1
  b = 2
}
resource "aws_security_group" "web" {
  name = "web"
  tags = { Name = "web" }
  ingress {
    from_port = 80
    to_port   = 80
    protocol  = "tcp"
  }
  lifecycle {
    prevent_destroy = true
    ignore_changes  = [tags]
  }
}
provider "aws" {
  region = "us-east-1"
}
"#;

#[test]
fn override_files_change_what_others_declare() {
    let over = r#"
variable "size" { default = 5 }
locals { b = 3 }
resource "aws_security_group" "web" {
  tags = { Owner = "me" }
  dynamic "ingress" {
    for_each = [1]
    content {}
  }
  lifecycle { prevent_destroy = false }
}
provider "aws" { region = "eu-west-1" }
"#;
    let stack =
        load_all(&[("main.tf", BASE), ("dev_override.tf", over), ("override.toml", "[locals]\na = 7\n")]).unwrap_or_else(|e| panic!("{e}"));
    let module = &stack.module;
    assert_eq!(module.variables["size"].default, Some(Value::from(5)));
    assert_eq!(module.variables["size"].ty, Type::Number);
    assert_eq!(module.locals["a"].constant(), Some(Value::from(7)));
    assert_eq!(module.locals["b"].constant(), Some(Value::from(3)));
    let group = &module.resources[0];
    assert!(!group.lifecycle.prevent_destroy);
    assert_eq!(group.lifecycle.ignore_changes, Ignore::Paths(vec!["tags".into()]));
    let tags = group.body.entry("tags").and_then(Expr::constant);
    assert_eq!(tags, Some(Value::object([("Owner", Value::from("me"))])));
    // Its blocks are those that the override makes.
    assert!(group.body.entry("ingress").and_then(Expr::elements).is_none(), "{:?}", group.body);
    assert_eq!(module.providers.len(), 1);
    assert_eq!(module.providers[0].body.entry("region").and_then(Expr::constant), Some("eu-west-1".into()));
}

#[test]
fn an_override_needs_something_to_override() {
    let at = |over: &str| wrong(&[("main.tf", BASE), ("override.tf", over)]);
    assert!(at("resource \"aws_eip\" \"x\" {}\n").0.contains("no `aws_eip.x` to override"));
    assert!(at("locals {\n  c = 1\n}\n").0.contains("no local value `c` to override"));
    assert!(at("provider \"aws\" {\n  alias = \"x\"\n}\n").0.contains("no provider `aws.x` to override"));
    assert!(at("resource \"aws_security_group\" \"web\" {\n  depends_on = []\n}\n").0.contains("`depends_on` can't be overridden"));
    assert!(at("moved {\n  from = a.b\n  to = a.c\n}\n").0.contains("can't stand in an override file"));
}

#[test]
fn help_speaks_the_language_of_the_file() {
    for (toml, tf, in_toml, in_tf) in [
        ("[locals]\na = \"${var.x}\"\n", "locals {\n  a = var.x\n}\n", "[variable.x]", "variable \"x\" {}"),
        ("[locals]\na = \"${local.x}\"\n", "locals {\n  a = local.x\n}\n", "in [locals]", "in locals { ... }"),
        ("[locals]\na = \"${module.x.y}\"\n", "locals {\n  a = module.x.y\n}\n", "[module.x]", "module \"x\" { ... }"),
        (
            "[resource.aws_eip.x]\nprovider = \"aws.west\"\n",
            "resource \"aws_eip\" \"x\" {\n  provider = aws.west\n}\n",
            "[[provider.aws]] with alias = \"west\"",
            "provider \"aws\" { alias = \"west\" }",
        ),
        (
            "[check.x]\nassert = { condition = \"var.x\", error_message = \"m\" }\n",
            "check \"x\" {\n  assert {\n    condition     = \"var.x\"\n    error_message = \"m\"\n  }\n}\n",
            "condition = \"${var.x}\"",
            "condition = var.x",
        ),
        (
            "[resource.aws_eip.x]\ndepends_on = \"a.b\"\n",
            "resource \"aws_eip\" \"x\" {\n  depends_on = \"a.b\"\n}\n",
            "write [\"TYPE.NAME\"] or so",
            "write [TYPE.NAME] or so",
        ),
    ] {
        let (of_toml, of_tf) = (wrong(&[("main.toml", toml)]).0, wrong(&[("main.tf", tf)]).0);
        assert!(of_toml.contains(in_toml), "`{in_toml}` is not in {of_toml}");
        assert!(of_tf.contains(in_tf) && !of_tf.contains(in_toml), "`{in_tf}` is not in {of_tf}");
    }
}

#[test]
fn an_argument_is_no_block() {
    for (text, at) in [
        ("resource \"aws_eip\" \"x\" {\n  tags {\n    Name = \"x\"\n  }\n}\n", "tags"),
        ("resource \"aws_eip\" \"x\" {\n  domain {}\n}\n", "domain"),
        ("provider \"aws\" {\n  default_tags {\n    tags {}\n  }\n}\n", "tags"),
    ] {
        let (told, place) = wrong(&[("main.tf", text)]);
        assert!(told.contains(&format!("`{at}` of ")) && told.contains("and given as a block"), "{told}");
        assert_eq!(place, at);
    }
    // These may be either, as in Terraform.
    let rules =
        "resource \"aws_security_group\" \"x\" {\n  ingress {\n    protocol  = \"tcp\"\n    from_port = 1\n    to_port   = 1\n  }\n}\n";
    assert!(load_all(&[("main.tf", rules)]).and_then(|stack| validate(&stack, &REGISTRY).unless_errors(())).is_ok());
}

#[test]
fn a_call_that_can_not_be_right_keeps_no_other_error_back() {
    let stack = "locals {\n  a = uper(\"x\")\n  b = local.nope\n  c = lower()\n}\nresource \"aws_eip\" \"x\" {\n  domian = \"vpc\"\n}\n";
    let told = wrong(&[("main.tf", stack)]).0;
    for word in ["no function `uper`", "no local value `nope`", "`lower` takes 1 argument", "no attribute `domian`"] {
        assert!(told.contains(word), "`{word}` is not in {told}");
    }
    // Where the load fails already, they are told as well.
    let told = wrong(&[("main.tf", "variable \"x\" {\n  type = strng\n}\nlocals {\n  a = uper(\"x\")\n}\n")]).0;
    assert!(told.contains("no type `strng`") && told.contains("no function `uper`"), "{told}");
}

#[test]
fn versions_and_configurations_that_are_asked_for_are_looked_at() {
    let terraform = |required: &str| format!("terraform {{\n  required_providers {{\n    {required}\n  }}\n}}\n");
    let warned = |required: &str| {
        let stack = load_all(&[("main.tf", &terraform(required))]).unwrap_or_else(|e| panic!("{e}"));
        let found = validate(&stack, &REGISTRY);
        assert!(!found.has_errors(), "{found}");
        found.to_string()
    };
    for fine in
        ["aws = \"~> 5.0\"", "aws = { source = \"hashicorp/aws\", version = \">= 4.9, < 6.0\" }", "other = { source = \"a/other\" }"]
    {
        assert_eq!(warned(fine), "");
    }
    let told = warned("aws = { source = \"hashicorp/aws\", version = \"~> 4.0\" }");
    assert!(told.contains("those of version 5.100.0, and ~> 4.0 is asked for") && told.contains("main.tf:3:"), "{told}");
    let alias = |text: &str| wrong(&[("main.tf", &terraform(&format!("aws = {{\n      configuration_aliases = {text}\n    }}")))]);
    assert!(alias("[gcp.x]").0.contains("no configuration of `aws`"));
    assert!(alias("aws.x").0.contains("write [aws.west] or so"));
}

/// What the parser of expressions leaves to others: the spaces that `<<-` takes away, in a string of TOML, with its escapes.
#[test]
fn heredocs_within_strings_of_toml_are_flushed() {
    let toml = "[locals]\na = '''${<<-EOT\n    x\n      y ${1}\n    EOT\n}'''\n";
    let stack = load_all(&[("main.toml", toml)]).unwrap_or_else(|e| panic!("{e}"));
    let files = Files::disk(".");
    assert_eq!(stack.module.locals["a"].eval(&Nothing(&files)), Ok(Value::from("x\n  y 1\n")));
    let at = |toml: &str| wrong(&[("main.toml", toml)]).1;
    assert_eq!(at("[locals]\na = \"\"\"${<<-EOT\n    x\\ty \\\"q\\\"\n      \\u00e9 ${local.nope} z\n    EOT\n}\"\"\"\n"), "local.nope");
}
