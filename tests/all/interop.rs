//! Drop-in, proved: the same stack through Ferroform and through Terraform with its AWS provider 5.100.0, against the same kind
//! of sandbox. Plans agree in actions and in every value that is known before apply, states agree in attributes, and each is
//! clean over the other's state.
//!
//! Where `FERROFORM_TEST_TERRAFORM` names the binary and `FERROFORM_TEST_PLUGINS` a mirror that holds the provider, Terraform
//! runs; otherwise its recorded answers are compared (`FERROFORM_TEST_RECORD=1` records them anew).

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;
use serde_json::{Map, Value as Json, json};

use crate::support::sandbox::{Cloud, cloud};

/// Why settings of a bucket are not told with it.
const APART: &str = "the setting is a resource of its own, and read as such";

/// Why secrets are not compared.
const HIDDEN: &str = "a plan holds a fingerprint of a secret, where Terraform's holds the secret";

/// Where both differ on purpose: type, attribute, why.
const EXCEPTIONS: &[(&str, &str, &str)] = &[
    ("aws_availability_zones", "group_names", "an empty name is no name"),
    ("aws_cloudwatch_log_group", "log_group_class", "the sandbox does not answer it; AWS answers STANDARD, which is the default here"),
    ("aws_acm_certificate_validation", "id", "Terraform's is the time at which the certificate was issued"),
    ("aws_appautoscaling_target", "arn", "the sandbox makes it up"),
    (
        "aws_ecs_capacity_provider",
        "auto_scaling_group_provider",
        "Terraform asks for a warm-up of no seconds where nobody asked for one; ECS, left alone, takes 300",
    ),
    ("aws_ecs_task_definition", "id", "Terraform's is the family, which revisions share; ours is what import takes"),
    ("aws_iam_openid_connect_provider", "url", "IAM keeps it without `https://`, and so do plan and state here; Terraform's state alone"),
    ("aws_iam_role_policy_attachment", "id", "Terraform's is made up of the time; ours names what is attached to what"),
    ("aws_instance", "credit_specification", "read only where somebody sets it: it costs a call"),
    ("aws_instance", "security_groups", "names of groups are kept only for those who set them; the ids are there"),
    ("aws_lb", "access_logs", "a block that says that none are written is as good as none"),
    ("aws_lb", "connection_logs", "a block that says that none are written is as good as none"),
    ("aws_lb", "dns_record_client_routing_policy", "data.aws_lb tells what would hold"),
    ("aws_lb", "enable_cross_zone_load_balancing", "an application load balancer always does, in the plan as well"),
    ("aws_lb_target_group", "stickiness", "the block has its default where it is off"),
    ("aws_lb_target_group", "target_failover", "an empty block is as good as none"),
    ("aws_lb_target_group", "target_health_state", "an empty block is as good as none"),
    ("aws_lb_target_group_attachment", "id", "Terraform's is made up of the time; ours is what import takes"),
    ("aws_s3_bucket", "grant", APART),
    ("aws_s3_bucket", "lifecycle_rule", APART),
    ("aws_s3_bucket", "policy", APART),
    ("aws_s3_bucket", "request_payer", APART),
    ("aws_s3_bucket", "server_side_encryption_configuration", APART),
    ("aws_s3_bucket", "versioning", APART),
    (
        "aws_s3_bucket_lifecycle_configuration",
        "transition_default_minimum_object_size",
        "S3 chooses it, so that only apply tells; both states agree",
    ),
    ("aws_secretsmanager_secret_version", "secret_string", HIDDEN),
    ("aws_secretsmanager_secret_version", "id", "a version is called after whoever made it"),
    ("aws_secretsmanager_secret_version", "version_id", "a version is called after whoever made it"),
    ("aws_ssm_parameter", "value", HIDDEN),
    ("aws_volume_attachment", "id", "Terraform's is a hash; ours is what import takes"),
    ("aws_vpc_endpoint", "dns_entry", "the sandbox makes it up"),
    ("aws_vpc", "state", "the schema of data.aws_vpc has it; the provider leaves it empty"),
];

/// The stacks, each in a folder of its own with what Terraform made of it.
const STACKS: &[&str] = &["balancing", "base", "containers", "fleet", "network", "storage"];

fn fixture(stack: &str, name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/fixtures/interop").join(stack).join(name)
}

/// A run of a program that has to end with one of these codes.
fn run(program: &str, args: &[&str], dir: &Path, cloud: &Cloud, codes: &[i32]) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).envs(cloud.env()).env("NO_COLOR", "1");
    let output = command.output().unwrap_or_else(|e| panic!("{program}: {e}"));
    let said = || format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(codes.contains(&output.status.code().unwrap_or(-1)), "{program} {args:?} ended with {}:\n{}", output.status, said());
    output
}

fn ferroform(args: &[&str], dir: &Path, cloud: &Cloud, codes: &[i32]) -> Output {
    run(env!("CARGO_BIN_EXE_ferroform"), args, dir, cloud, codes)
}

/// What differs from run to run, in one spelling; and nothing of what stands for nothing.
fn normal(value: &Json, account: &str) -> Json {
    thread_local! {
        static PATTERNS: Vec<(Regex, &'static str)> = [
            (r"\b(interop-)[0-9a-f]{26}\b", "${1}SUFFIX"),
            (r"\b(policy|sgr|sg|vol|snap|eipalloc|eipassoc|eni|ami|key|vpc-cidr-assoc|vpce|vpc|subnet|rtbassoc|rtb|igw|nat|lt|fl|pl|acl|dopt|vai|i|r)-[0-9a-f]{8,17}\b", "$1-ID"),
            (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
            (r"\br-rtb-[0-9a-f]{17}\d+\b", "r-rtb-ID"),
            (r"\b02:00:00(:[0-9a-f]{2}){3}\b", "MAC"),
            (r"\b54\.214\.\d+\.\d+\b", "PUBLIC-IP"),
            (r"\b54-214-\d+-\d+\b", "PUBLIC-IP"),
            (r"\bip-\d+-\d+-\d+-\d+\b", "ip-PRIVATE"),
            (r"\b(10|172|192)\.\d+\.\d+\.\d+\b(/\d+)?", "PRIVATE-IP$2"),
            (r"(:secret:[\w/]+)-[A-Za-z0-9]{6}\b", "$1-SUFFIX"),
            (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "TIME"),
            (r"\b[A-Z0-9]{20,22}(_|\b)", "ID$1"),
            (r"\bns-\d+\.awsdns-\d+", "ns"),
            (r"/[0-9a-f]{16}(_|\b)", "/ID$1"),
        ]
        .into_iter()
        .map(|(pattern, with)| (Regex::new(pattern).unwrap(), with))
        .collect();
    }
    match value {
        Json::String(text) => {
            if let Ok(inner @ (Json::Object(_) | Json::Array(_))) = serde_json::from_str(text) {
                return json!({ "json": normal(&inner, account) });
            }
            let text = text.replace(account, "ACCOUNT");
            let text = PATTERNS.with(|p| p.iter().fold(text, |text, (pattern, with)| pattern.replace_all(&text, *with).into_owned()));
            Json::String(text)
        }
        Json::Array(items) => {
            let mut items: Vec<Json> = items.iter().map(|v| normal(v, account)).collect();
            items.sort_by_key(ToString::to_string);
            Json::Array(items)
        }
        Json::Object(items) => {
            let kept = items.iter().filter(|(name, v)| !is_nothing(v) && *name != "timeouts");
            Json::Object(kept.map(|(k, v)| (k.clone(), normal(v, account))).collect())
        }
        other => other.clone(),
    }
}

/// Null, empty, zero, false: Terraform's provider uses one in place of another.
fn is_nothing(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => true,
        Json::Number(n) => n.as_f64() == Some(0.0),
        Json::String(s) => s.is_empty(),
        Json::Array(items) => items.iter().all(is_nothing),
        Json::Object(items) => items.values().all(is_nothing),
        Json::Bool(true) => false,
    }
}

fn excepted(kind: &str, attribute: &str) -> bool {
    EXCEPTIONS.iter().any(|(t, a, _)| *t == kind && *a == attribute)
}

/// Unique ids that IAM makes up, in no form of their own.
const MADE_UP: &[&str] = &["unique_id", "policy_id", "fingerprint", "key_pair_id"];

fn attributes(kind: &str, attributes: &Map<String, Json>, account: &str) -> Json {
    let kept = attributes
        .iter()
        .filter(|(name, v)| !excepted(kind, name) && !is_nothing(v) && name.as_str() != "timeouts" && !MADE_UP.contains(&name.as_str()));
    Json::Object(kept.map(|(name, v)| (name.clone(), normal(v, account))).collect())
}

/// What a plan says of each managed resource: its actions, and each value that is known before apply.
fn planned(plan: &Json, account: &str) -> Json {
    let mut found = BTreeMap::new();
    for change in plan["resource_changes"].as_array().unwrap().iter().filter(|c| c["mode"] == "managed") {
        let (kind, inner) = (change["type"].as_str().unwrap(), &change["change"]);
        // Without tags and default tags `tags_all` is known to be empty; the provider says that it is unknown.
        let known = inner["after"].as_object().unwrap().iter().filter(|(name, _)| *name != "tags_all");
        let known: Map<String, Json> = known.map(|(k, v)| (k.clone(), v.clone())).collect();
        let entry = json!({ "actions": inner["actions"], "after": attributes(kind, &known, account) });
        found.insert(change["address"].as_str().unwrap().to_owned(), entry);
    }
    json!(found)
}

/// What a state holds of each resource and data source.
fn held(state: &Json, account: &str) -> Json {
    let mut found = BTreeMap::new();
    for resource in state["resources"].as_array().unwrap() {
        let (mode, kind, name) = (&resource["mode"], resource["type"].as_str().unwrap(), &resource["name"]);
        let instance = &resource["instances"][0];
        let entry = json!({
            "provider": resource["provider"],
            "schema_version": instance["schema_version"],
            "attributes": attributes(kind, instance["attributes"].as_object().unwrap(), account),
        });
        found.insert(format!("{}.{kind}.{}", mode.as_str().unwrap(), name.as_str().unwrap()), entry);
    }
    json!(found)
}

/// The first few places in which both differ.
fn compare(what: &str, ours: &Json, theirs: &Json) {
    let mut differences = vec![];
    walk(what, ours, theirs, &mut differences);
    assert!(differences.is_empty(), "{} differences to Terraform:\n{}", differences.len(), differences.join("\n"));
}

fn walk(at: &str, ours: &Json, theirs: &Json, found: &mut Vec<String>) {
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let names: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                walk(&format!("{at} {name}"), a.get(name).unwrap_or(&Json::Null), b.get(name).unwrap_or(&Json::Null), found);
            }
        }
        _ if ours == theirs => {}
        _ => found.push(format!("{at}: ours {ours}, Terraform's {theirs}")),
    }
}

fn read(path: &Path) -> Json {
    serde_json::from_slice(&std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))).unwrap()
}

/// The stack in a folder of its own that has only its own state.
fn folder(stack: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(fixture(stack, "stack.toml"), folder.path().join("stack.toml")).unwrap();
    folder
}

/// Our plan and our state, and where they lie.
fn ours(stack: &str, cloud: &Cloud) -> (Json, PathBuf, tempfile::TempDir) {
    let folder = folder(stack);
    ferroform(&["plan", ".", "--out", "ours.plan"], folder.path(), cloud, &[0]);
    let plan = ferroform(&["show", "--json", "ours.plan"], folder.path(), cloud, &[0]);
    ferroform(&["apply", "ours.plan"], folder.path(), cloud, &[0]);
    ferroform(&["plan", ".", "--detailed-exitcode"], folder.path(), cloud, &[0]);
    let state = folder.path().join("state/interop.tfstate.json");
    (serde_json::from_slice(&plan.stdout).unwrap(), state, folder)
}

#[test]
fn plans_and_states_are_those_that_terraform_makes() {
    for stack in STACKS {
        let cloud = cloud();
        let (plan, state, _folder) = ours(stack, &cloud);
        compare(&format!("{stack}: plan"), &planned(&plan, &cloud.account), &read(&fixture(stack, "plan.json")));
        compare(&format!("{stack}: state"), &held(&read(&state), &cloud.account), &read(&fixture(stack, "state.json")));
    }
}

/// The stack in Terraform's JSON syntax, with the provider at the sandbox.
fn for_terraform(stack: &str, cloud: &Cloud, plugins: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(fixture(stack, "stack.toml")).unwrap();
    let mut config: Map<String, Json> = toml::from_str(&text).unwrap();
    config.remove("stack");
    let services = [
        "acm",
        "applicationautoscaling",
        "autoscaling",
        "cloudwatch",
        "dlm",
        "logs",
        "ec2",
        "ecr",
        "ecs",
        "elbv2",
        "iam",
        "kms",
        "resourcegroupstaggingapi",
        "route53",
        "s3",
        "secretsmanager",
        "servicequotas",
        "sns",
        "ssm",
        "sts",
    ];
    let endpoints: Map<String, Json> = services.iter().map(|s| ((*s).to_owned(), json!(cloud.endpoint))).collect();
    config.insert("provider".into(), json!({ "aws": { "region": "us-east-1", "s3_use_path_style": true, "endpoints": [endpoints] } }));
    config.insert("terraform".into(), json!({ "required_providers": { "aws": { "source": "hashicorp/aws", "version": "5.100.0" } } }));
    std::fs::write(folder.path().join("main.tf.json"), Json::Object(config).to_string()).unwrap();
    let mirror = format!("provider_installation {{\n  filesystem_mirror {{ path = {} }}\n}}\n", json!(plugins));
    std::fs::write(folder.path().join("terraformrc"), mirror).unwrap();
    folder
}

#[test]
fn each_tool_is_clean_over_the_others_state() {
    let (Ok(terraform), Ok(plugins)) = (std::env::var("FERROFORM_TEST_TERRAFORM"), std::env::var("FERROFORM_TEST_PLUGINS")) else {
        // What can be said without the binary: the recorded state of Terraform is one that we read and understand.
        for stack in STACKS {
            let state = read(&fixture(stack, "state.json"));
            assert!(state.as_object().unwrap().len() > 8, "Terraform's recorded state of {stack} is there");
        }
        return;
    };
    // `FERROFORM_TEST_STACK` names the only one to look at.
    let only = std::env::var("FERROFORM_TEST_STACK").ok();
    for stack in STACKS.iter().filter(|stack| only.as_deref().is_none_or(|only| only == **stack)) {
        both_ways(stack, &terraform, &plugins);
    }
}

fn both_ways(stack: &str, terraform: &str, plugins: &str) {
    let (theirs, our_cloud) = (cloud(), cloud());
    let folder = for_terraform(stack, &theirs, plugins);
    let terraform = |args: &[&str], cloud: &Cloud, codes: &[i32]| {
        let mut cloud_env = Command::new(terraform);
        cloud_env.args(args).current_dir(folder.path()).envs(cloud.env()).env("TF_CLI_CONFIG_FILE", folder.path().join("terraformrc"));
        let output = cloud_env.output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(codes.contains(&output.status.code().unwrap_or(-1)), "terraform {args:?}:\n{said}");
        output
    };
    terraform(&["init", "-no-color"], &theirs, &[0]);
    terraform(&["plan", "-no-color", "-out=theirs.plan"], &theirs, &[0]);
    let plan: Json = serde_json::from_slice(&terraform(&["show", "-json", "theirs.plan"], &theirs, &[0]).stdout).unwrap();
    terraform(&["apply", "-no-color", "theirs.plan"], &theirs, &[0]);
    let their_state = folder.path().join("terraform.tfstate");
    let (plan, state) = (planned(&plan, &theirs.account), held(&read(&their_state), &theirs.account));
    if std::env::var_os("FERROFORM_TEST_RECORD").is_some() {
        std::fs::write(fixture(stack, "plan.json"), serde_json::to_string_pretty(&plan).unwrap() + "\n").unwrap();
        std::fs::write(fixture(stack, "state.json"), serde_json::to_string_pretty(&state).unwrap() + "\n").unwrap();
    }
    compare(&format!("{stack}: recorded plan"), &read(&fixture(stack, "plan.json")), &plan);
    compare(&format!("{stack}: recorded state"), &read(&fixture(stack, "state.json")), &state);

    let over_theirs = self::folder(stack);
    std::fs::copy(&their_state, over_theirs.path().join("terraform.tfstate")).unwrap();
    ferroform(&["plan", ".", "--detailed-exitcode"], over_theirs.path(), &theirs, &[0]);

    let (_, our_state, _kept) = ours(stack, &our_cloud);
    std::fs::copy(our_state, &their_state).unwrap();
    let text = std::fs::read_to_string(folder.path().join("main.tf.json")).unwrap().replace(&theirs.endpoint, &our_cloud.endpoint);
    std::fs::write(folder.path().join("main.tf.json"), text).unwrap();
    terraform(&["plan", "-no-color", "-detailed-exitcode"], &our_cloud, &[0]);
}
