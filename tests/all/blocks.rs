//! The blocks of the language over types of AWS: dynamic blocks, aliases of providers passed to modules, imports into modules, with ids
//! that are looked up, and of what nobody wrote a block for; and checks that look something up.

use serde_json::Value as Json;

use crate::bad_input::Folder;
use crate::support::sandbox::{Cloud, cloud};

/// A folder with those files, in the sandbox.
fn folder(cloud: &Cloud, files: &[(&str, &str)]) -> Folder {
    let folder = Folder::with("").env(cloud.env());
    std::fs::remove_file(folder.path().join("stack.toml")).unwrap();
    files.iter().for_each(|(name, text)| folder.write(name, text));
    folder
}

fn state(folder: &Folder) -> Json {
    serde_json::from_str(&folder.good(&["state", "pull"]).out).unwrap()
}

/// The attributes of an instance in the state.
fn held(state: &Json, module: &str, kind: &str, name: &str, key: &Json) -> Json {
    let resources = state["resources"].as_array().unwrap();
    let block = resources.iter().find(|r| r["module"].as_str().unwrap_or("") == module && r["type"] == kind && r["name"] == name);
    let block = block.unwrap_or_else(|| panic!("no {module} {kind}.{name} in {state}"));
    let instance = block["instances"].as_array().unwrap().iter().find(|i| i["index_key"] == *key);
    let mut attributes = instance.unwrap_or_else(|| panic!("no {key} of {kind}.{name} in {state}"))["attributes"].clone();
    attributes["provider"] = block["provider"].clone();
    attributes
}

/// A plan that finds nothing to do.
fn clean(folder: &Folder) {
    let said = folder.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

const GROUPS: &str = r#"
variable "ports" {
  type = map(object({ from = number, to = optional(number), cidrs = optional(list(string), ["10.0.0.0/8"]) }))
}
resource "aws_security_group" "by_dynamic" {
  name = "by-dynamic"
  dynamic "ingress" {
    for_each = var.ports
    iterator = rule
    content {
      description = rule.key
      protocol    = "tcp"
      from_port   = rule.value.from
      to_port     = coalesce(rule.value.to, rule.value.from)
      cidr_blocks = rule.value.cidrs
    }
  }
  dynamic "egress" {
    for_each = length(var.ports) > 1 ? [1] : []
    content {
      protocol    = "-1"
      from_port   = 0
      to_port     = 0
      cidr_blocks = ["0.0.0.0/0"]
    }
  }
}
resource "aws_instance" "disks" {
  ami           = data.aws_ami.any.id
  instance_type = "t3.micro"
  dynamic "ebs_block_device" {
    for_each = { for i, size in [5, 6] : "/dev/sd${["f", "g"][i]}" => size }
    content {
      device_name = ebs_block_device.key
      volume_size = ebs_block_device.value
    }
  }
}
data "aws_ami" "any" {
  most_recent = true
  owners      = ["amazon"]
}
"#;

#[test]
fn dynamic_blocks_make_rules_and_disks() {
    let cloud = cloud();
    let values = "ports = {\n  web = { from = 80 }\n  high = { from = 8000, to = 8100, cidrs = [\"192.0.2.0/24\"] }\n}\n";
    let folder = folder(&cloud, &[("main.tf", GROUPS), ("terraform.tfvars", values)]);
    folder.good(&["apply", "--auto-approve"]);
    let held = held(&state(&folder), "", "aws_security_group", "by_dynamic", &Json::Null);
    let rules = held["ingress"].as_array().unwrap();
    let high = rules.iter().find(|rule| rule["description"] == "high").unwrap();
    assert_eq!((rules.len(), &high["to_port"], &high["cidr_blocks"][0]), (2, &8100.into(), &"192.0.2.0/24".into()), "{held}");
    assert_eq!(held["egress"].as_array().unwrap().len(), 1);
    let disks = self::held(&state(&folder), "", "aws_instance", "disks", &Json::Null);
    let names: Vec<&str> = disks["ebs_block_device"].as_array().unwrap().iter().map(|d| d["device_name"].as_str().unwrap()).collect();
    assert!(names.contains(&"/dev/sdf") && names.contains(&"/dev/sdg"), "{disks}");
    clean(&folder);
    // One rule less, and with it the egress.
    folder.write("terraform.tfvars", "ports = {\n  web = { from = 80 }\n}\n");
    let planned = folder.good(&["plan"]).out;
    assert!(planned.contains("aws_security_group.by_dynamic") && !planned.contains("aws_instance.disks"), "{planned}");
}

const ALIASES: &str = r#"
provider "aws" {
  region = "us-east-1"
}
provider "aws" {
  alias  = "west"
  region = "us-west-2"
  default_tags {
    tags = { Side = "west" }
  }
}
resource "aws_eip" "here" {}
resource "aws_eip" "there" {
  provider = aws.west
}
module "plain" {
  source = "./both"
  providers = {
    aws.one = aws
    aws.two = aws.west
  }
}
module "all_west" {
  source    = "./one"
  for_each  = toset(["a"])
  providers = { aws = aws.west }
}
module "inherits" {
  source = "./one"
}
"#;

const BOTH: &str = r#"
terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      version               = "~> 5.0"
      configuration_aliases = [aws.one, aws.two]
    }
  }
}
resource "aws_eip" "one" {
  provider = aws.one
}
module "deeper" {
  source    = "../one"
  providers = { aws = aws.two }
}
"#;

#[test]
fn modules_get_the_configurations_that_they_are_passed() {
    let cloud = cloud();
    let one = "resource \"aws_eip\" \"it\" {}\noutput \"region\" {\n  value = aws_eip.it.network_border_group\n}\n";
    let folder = folder(&cloud, &[("main.tf", ALIASES), ("both/main.tf", BOTH), ("one/main.tf", one)]);
    folder.good(&["apply", "--auto-approve"]);
    let state = state(&folder);
    let side = |module: &str, name: &str, key: Json| {
        let held = held(&state, module, "aws_eip", name, &key);
        let west = held["tags_all"]["Side"] == "west";
        assert_eq!(held["provider"].as_str().unwrap().ends_with(".west"), west, "{held}");
        west
    };
    assert!(!side("", "here", Json::Null) && side("", "there", Json::Null));
    assert!(!side("module.plain", "one", Json::Null) && side("module.plain.module.deeper", "it", Json::Null));
    assert!(side("module.all_west[\"a\"]", "it", Json::Null) && !side("module.inherits", "it", Json::Null));
    clean(&folder);
    let planned = folder.good(&["plan", "--format", "json"]).out;
    let planned: Json = serde_json::from_str(&planned).unwrap();
    let calls = &planned["configuration"]["root_module"]["module_calls"];
    assert_eq!(calls["plain"]["module"]["resources"][0]["provider_config_key"], "module.plain:aws.one", "{calls}");
    // What a module needs it has to be passed.
    folder.write("main.tf", ALIASES.replace("    aws.two = aws.west\n", ""));
    let said = folder.bad(&["plan"], &["module `plain` needs the provider configuration `aws.two`", "providers = { aws.two = aws }"]);
    assert!(said.err.contains("main.tf:16"), "{}", said.err);
}

const NETWORK: &str = r#"
resource "aws_security_group" "web" {
  name        = "web"
  description = "made before"
  tags        = { Name = "web" }
}
resource "aws_route53_zone" "site" {
  name = "site.example.com"
}
resource "aws_cloudwatch_log_group" "pool" {
  for_each = toset(["a", "b"])
  name     = "/pool/us-east-1/${each.key}"
}
resource "aws_iam_role" "box" {
  name               = "box"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_instance" "box" {
  ami           = data.aws_ami.any.id
  instance_type = "t3.micro"
  user_data     = "echo hello\n"
  tags          = { Name = "box" }
  metadata_options {
    http_tokens = "required"
  }
}
resource "aws_cloudwatch_log_group" "box" {
  name              = "/box"
  retention_in_days = 14
}
data "aws_ami" "any" {
  most_recent = true
  owners      = ["amazon"]
}
"#;

/// Something that exists, and a folder that knows nothing of it; the ids by name.
fn made(cloud: &Cloud, files: &[(&str, &str)]) -> (Folder, impl Fn(&str, &str, Json) -> String + use<>) {
    let before = folder(cloud, &[("main.tf", NETWORK)]);
    before.good(&["apply", "--auto-approve"]);
    let state = state(&before);
    let id = move |kind: &str, name: &str, key: Json| held(&state, "", kind, name, &key)["id"].as_str().unwrap().to_owned();
    (folder(cloud, files), id)
}

#[test]
fn imports_go_into_modules_with_ids_that_are_looked_up() {
    let cloud = cloud();
    let pool = "variable \"names\" {\n  type = map(string)\n}\nresource \"aws_cloudwatch_log_group\" \"of\" {\n  for_each = var.names\n  name     = each.value\n}\n";
    let (folder, id) = made(&cloud, &[("pool/main.tf", pool)]);
    folder.write(
        "main.tf",
        r#"
data "aws_region" "here" {}
data "aws_route53_zone" "site" {
  name = "site.example.com"
}
locals {
  pool = { for name in ["a", "b"] : name => "/pool/${data.aws_region.here.name}/${name}" }
}
module "pool" {
  source = "./pool"
  names  = local.pool
}
resource "aws_route53_zone" "site" {
  name = "site.example.com"
}
import {
  to = aws_route53_zone.site
  id = data.aws_route53_zone.site.zone_id
}
import {
  for_each = local.pool
  to       = module.pool.aws_cloudwatch_log_group.of[each.key]
  id       = each.value
}
"#,
    );
    let planned = folder.good(&["plan"]).out;
    assert!(planned.contains("0 to create, 0 to change, 0 to destroy, 3 to import"), "{planned}");
    folder.good(&["apply", "--auto-approve"]);
    let state = state(&folder);
    let zone = held(&state, "", "aws_route53_zone", "site", &Json::Null);
    assert_eq!(zone["id"], id("aws_route53_zone", "site", Json::Null).as_str());
    let second = held(&state, "module.pool", "aws_cloudwatch_log_group", "of", &"b".into());
    assert_eq!(second["id"], id("aws_cloudwatch_log_group", "pool", "b".into()).as_str());
    clean(&folder);
    // What only an apply tells is no id to import by.
    let later = "resource \"terraform_data\" \"later\" {\n  input = \"x\"\n}\nresource \"aws_eip\" \"x\" {}\nimport {\n  to = aws_eip.x\n  id = terraform_data.later.output\n}\n";
    folder.write("later.tf", later);
    folder.bad(&["plan"], &["the id of what is imported as aws_eip.x is not known before apply", "later.tf:7"]);
    folder.write("later.tf", "resource \"aws_eip\" \"x\" {}\nimport {\n  to = aws_eip.x\n  id = aws_eip.x.id\n}\n");
    folder.bad(&["plan"], &["in a circle: aws_eip.x"]);
}

/// Imports of all that was made, without a block for any of it.
fn imports(id: &dyn Fn(&str, &str, Json) -> String) -> String {
    let blocks = [("aws_security_group", "web"), ("aws_iam_role", "box"), ("aws_instance", "box"), ("aws_cloudwatch_log_group", "box")];
    let import = |(kind, name): (&str, &str)| format!("import {{\n  to = {kind}.{name}\n  id = \"{}\"\n}}\n", id(kind, name, Json::Null));
    blocks.map(import).concat()
}

#[test]
fn configuration_is_written_of_what_is_imported_without_any() {
    for (file, words) in [
        ("written.toml", ["[resource.aws_instance.box]", "tags = { Name = \"box\" }", "retention_in_days = 14"]),
        ("written.tf", ["resource \"aws_instance\" \"box\" {", "metadata_options {", "retention_in_days = 14"]),
    ] {
        let (folder, id) = made(&cloud(), &[]);
        folder.write("main.tf", imports(&id));
        folder.bad(&["plan"], &["the stack has no such block", "--generate-config-out=FILE"]);
        let planned = folder.good(&["plan", "-generate-config-out", file, "--out", "kept"]);
        assert!(planned.out.contains("0 to create, 0 to change, 0 to destroy, 4 to import"), "{}\n{}", planned.out, folder.read(file));
        let text = folder.read(file);
        for word in words.iter().chain(&["jsonencode({", "made before"]) {
            assert!(text.contains(word), "`{word}` is not in\n{text}");
        }
        for word in ["arn", "tags_all", "public_ip", "null", "force_destroy"] {
            assert!(!text.lines().any(|line| line.trim().starts_with(word)), "`{word}` is in\n{text}");
        }
        folder.good(&["fmt", "--check"]);
        // It is never written over, and from now on it is a part of the stack.
        folder.bad(&["plan", "--generate-config-out", file], &["there is such a file already"]);
        folder.good(&["apply", "kept"]);
        clean(&folder);
        folder.write("main.tf", "");
        clean(&folder);
    }
}

#[test]
fn where_no_configuration_can_be_written_is_told() {
    let cloud = cloud();
    let folder = folder(&cloud, &[("m/main.tf", "")]);
    let import = |to: &str, id: &str| format!("module \"m\" {{\n  source = \"./m\"\n}}\nimport {{\n  to = {to}\n  id = \"{id}\"\n}}\n");
    let plan = ["plan", "--generate-config-out", "new.tf"];
    for (to, words) in [
        ("aws_eip.x", "there is no aws_eip with the id `eipalloc-0123456789abcdef0`"),
        ("aws_eip.x[\"a\"]", "for instances with keys no configuration is written"),
        ("module.m.aws_eip.x", "for a module no configuration is written"),
        ("aws_epi.x", "did you mean `aws_eip`?"),
    ] {
        folder.write("main.tf", import(to, "eipalloc-0123456789abcdef0"));
        folder.bad(&plan, &[words, "main.tf:5"]);
    }
    folder.bad(&["plan", "--generate-config-out", "new.txt"], &["end it in `.toml` or `.tf`"]);
}

#[test]
fn a_check_looks_up_what_it_asserts() {
    let cloud = cloud();
    let stack = r#"
resource "aws_route53_zone" "site" {
  name = "checked.example.com"
}
check "there" {
  data "aws_route53_zone" "site" {
    zone_id = aws_route53_zone.site.zone_id
  }
  assert {
    condition     = data.aws_route53_zone.site.name == "checked.example.com"
    error_message = "another zone is called so"
  }
}
check "missing" {
  data "aws_route53_zone" "none" {
    name = "nowhere.example.com"
  }
  assert {
    condition     = data.aws_route53_zone.none.zone_id != ""
    error_message = "no such zone"
  }
}
"#;
    let folder = folder(&cloud, &[("main.tf", stack)]);
    // A data source of a check that fails is that check's failure, and stops nothing.
    let said = folder.good(&["apply", "--auto-approve"]);
    assert!(said.err.contains("check.missing fails") && !said.err.contains("check.there fails"), "{}", said.err);
    let checks = state(&folder)["check_results"].clone();
    let status = |name: &str| checks.as_array().unwrap().iter().find(|c| c["config_addr"] == name).unwrap()["status"].clone();
    assert_eq!((status("check.there"), status("check.missing")), ("pass".into(), "fail".into()), "{checks}");
    let said = folder.run(&["plan", "--detailed-exitcode"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}
