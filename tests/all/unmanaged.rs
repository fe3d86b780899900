//! What exists and no state owns: all of it is found and nothing else, and what is taken over plans clean.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::support::project::Said;
use crate::support::proxy::{Fault, Proxy};
use crate::support::sandbox::{Cloud, cloud};

mod strays;

/// Three stacks that use fourteen types between them.
const STACKS: &[(&str, &str)] = &[
    (
        "net",
        r#"
[resource.aws_vpc.main]
cidr_block = "10.0.0.0/16"
tags = { Name = "main" }

[resource.aws_subnet.main]
vpc_id = "${aws_vpc.main.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_internet_gateway.main]
vpc_id = "${aws_vpc.main.id}"

[resource.aws_route_table.main]
vpc_id = "${aws_vpc.main.id}"

[resource.aws_security_group.web]
name = "web"
vpc_id = "${aws_vpc.main.id}"
"#,
    ),
    (
        "app",
        r#"
[data.aws_ami.any]
most_recent = true
owners = ["amazon"]

[resource.aws_instance.web]
ami = "${data.aws_ami.any.id}"
instance_type = "t3.micro"

[resource.aws_ebs_volume.data]
availability_zone = "us-east-1a"
size = 8

[resource.aws_eip.front]
domain = "vpc"
instance = "${aws_instance.web.id}"

[resource.aws_key_pair.ops]
key_name = "ops"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl ops"

[resource.aws_network_interface.spare]
subnet_id = "${aws_instance.web.subnet_id}"

[resource.aws_cloudwatch_log_group.app]
name = "/app"
"#,
    ),
    (
        "watch",
        r#"
[resource.aws_iam_role.watch]
name = "watch"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}'

[resource.aws_iam_policy.watch]
name = "watch"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}'

[resource.aws_sns_topic.alerts]
name = "alerts"

[resource.aws_s3_bucket.logs]
bucket = "unmanaged-watch-ACCOUNT"

[resource.aws_cloudwatch_metric_alarm.cpu]
alarm_name = "cpu"
comparison_operator = "GreaterThanThreshold"
evaluation_periods = 1
metric_name = "CPUUtilization"
namespace = "AWS/EC2"
period = 300
statistic = "Average"
threshold = 80

[resource.aws_cloudwatch_event_rule.night]
name = "night"
schedule_expression = "rate(1 day)"
"#,
    ),
];

/// A project of several stacks on one account.
struct Project {
    folder: tempfile::TempDir,
    cloud: Cloud,
}

impl Project {
    fn new(cloud: Cloud, stacks: &[(&str, &str)]) -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cloud };
        for (name, text) in stacks {
            project.write(&format!("stacks/{name}/stack.toml"), &text.replace("ACCOUNT", &project.cloud.account));
        }
        project
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn through(&self, cloud: &Cloud, args: &[&str]) -> Said {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(args).current_dir(self.path()).envs(cloud.env()).env("NO_COLOR", "1").env("COLUMNS", "200").stdin(Stdio::null());
        Said::of(&run.output().unwrap())
    }

    /// Runs it, and it must end like that.
    fn run(&self, args: &[&str], code: i32) -> Said {
        let said = self.through(&self.cloud, args);
        assert_eq!(said.code, code, "{args:?}: {}{}", said.out, said.err);
        said
    }
}

/// What reports tell of what nobody manages: the findings, and the reports themselves.
fn told(said: &Said) -> (Vec<Json>, Vec<Json>) {
    let all: Json = serde_json::from_str(&said.out).unwrap_or_else(|e| panic!("{e}: {}{}", said.out, said.err));
    let reports = all["reports"].as_array().unwrap().clone();
    let findings = reports.iter().flat_map(|r| r["unmanaged"]["findings"].as_array().unwrap().clone()).collect();
    (findings, reports)
}

fn ids(findings: &[Json]) -> BTreeSet<(String, String)> {
    let text = |finding: &Json, name: &str| finding[name].as_str().unwrap().to_owned();
    findings.iter().map(|finding| (text(finding, "kind"), text(finding, "id"))).collect()
}

fn sum(reports: &[Json], name: &str) -> u64 {
    reports.iter().map(|r| r["unmanaged"][name].as_u64().unwrap()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_strays_are_found_and_nothing_else() {
    let project = Project::new(cloud(), STACKS);
    let stacks = ["stacks/net", "stacks/app", "stacks/watch"];
    for stack in stacks {
        project.run(&["apply", stack, "--auto-approve"], 0);
    }
    let drift = ["drift", "stacks/net", "stacks/app", "stacks/watch", "--unmanaged", "--format", "json"];
    let (findings, reports) = told(&project.run(&drift, 0));
    assert_eq!(findings, Vec::<Json>::new(), "an account with nothing but what the stacks made, and its defaults");
    assert!(sum(&reports, "noise") >= 10, "the default VPC and all that is in it: {reports:#?}");

    let made = strays::make(&project.cloud).await;
    let kinds: BTreeSet<&str> = made.iter().map(|(kind, _)| kind.as_str()).collect();
    assert!(made.len() >= 40 && kinds.len() >= 12, "{} of {} types", made.len(), kinds.len());
    let said = project.run(&drift, 2);
    let (findings, reports) = told(&said);
    assert_eq!(ids(&findings), made);
    let (seen, owned) = (sum(&reports, "seen"), sum(&reports, "owned"));
    let calls: u64 = reports.iter().map(|r| r["calls"].as_u64().unwrap()).sum();
    println!(
        "{} strays of {} types among {seen} resources, {owned} of them owned, {} left out: {calls} calls",
        made.len(),
        kinds.len(),
        sum(&reports, "noise")
    );
    for report in &reports {
        println!("  {}: {} calls, left out {}", report["stack"], report["calls"], report["unmanaged"]["left_out"]);
    }
    assert_eq!(seen, owned + made.len() as u64);
    let severity = |kind: &str, danger: &str| {
        let found = findings.iter().find(|f| f["kind"] == kind && f["danger"].as_str().unwrap().contains(danger));
        found.unwrap_or_else(|| panic!("{kind} {danger}: {findings:#?}"))["severity"].clone()
    };
    assert_eq!(severity("aws_security_group", "open to the world: 22/tcp"), "high");
    assert_eq!(severity("aws_iam_role", "anyone at all"), "high");
    assert_eq!(severity("aws_eip", "leads nowhere"), "medium");
    assert_eq!(severity("aws_instance", "costs money"), "medium");
    assert_eq!(severity("aws_sns_topic", ""), "low");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_adopted_plans_clean() {
    let project = Project::new(cloud(), &[("taken", ""), ("spelled", "")]);
    project.write("stacks/spelled/main.tf", "locals {\n  a = 1\n}\n");
    fs::remove_file(project.path().join("stacks/spelled/stack.toml")).unwrap();
    project.write("stacks/taken/stack.toml", "[locals]\na = 1\n");
    let made = strays::make(&project.cloud).await;
    let kinds: BTreeSet<String> = made.iter().map(|(kind, _)| kind.clone()).collect();
    let types = kinds.iter().cloned().collect::<Vec<_>>().join(",");

    let topics: Vec<&str> = made.iter().filter(|(kind, _)| kind == "aws_sns_topic").map(|(_, id)| id.as_str()).collect();
    let said = project.run(&["drift", "stacks/spelled", "--types", "aws_sns_*", "--adopt", topics[0]], 0);
    assert!(said.flat().contains("stacks/spelled/adopted.tf: 1 import and its block"), "{}", said.flat());
    project.run(&["apply", "stacks/spelled", "--auto-approve"], 0);

    let said = project.run(&["drift", "stacks/taken", "--types", &types, "--adopt", "all"], 0);
    println!("{}", said.err);
    let left = made.len() - 1;
    assert!(said.flat().contains(&format!("{left} imports and their blocks")), "what the other stack owns is not taken: {}", said.flat());
    let plan = project.run(&["plan", "stacks/taken"], 0);
    let wanted = format!("0 to create, 0 to change, 0 to destroy, {left} to import");
    assert!(plan.flat().contains(&wanted), "{}", plan.out);
    project.run(&["apply", "stacks/taken", "--auto-approve"], 0);
    for stack in ["stacks/taken", "stacks/spelled"] {
        assert!(project.run(&["plan", stack], 0).out.contains("No changes"), "{stack}");
    }
    let (findings, reports) = told(&project.run(&["drift", "stacks/taken", "--types", &types, "--format", "json"], 0));
    assert_eq!((findings, sum(&reports, "owned")), (vec![], made.len() as u64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_type_that_nobody_may_list_is_told_and_the_rest_goes_on() {
    let project = Project::new(cloud(), &[("taken", "[locals]\na = 1\n")]);
    let made = strays::make(&project.cloud).await;
    let kinds: BTreeSet<String> = made.iter().map(|(kind, _)| kind.clone()).collect();
    let types = kinds.iter().cloned().collect::<Vec<_>>().join(",");
    let proxy = Proxy::new(&project.cloud.endpoint, 1).with("DescribeAddresses", Fault::Denied).with("ListRoles", Fault::Denied);
    let said = project.through(&project.cloud.through(proxy.endpoint()), &["drift", "stacks/taken", "--types", &types, "--format", "json"]);
    let (findings, reports) = told(&said);
    let rest: BTreeSet<_> = made.into_iter().filter(|(kind, _)| !["aws_eip", "aws_iam_role"].contains(&kind.as_str())).collect();
    assert_eq!(ids(&findings), rest);
    let gaps = reports[0]["gaps"].as_array().unwrap();
    let told = |kind: &str, call: &str| gaps.iter().any(|gap| gap["kind"] == kind && gap["reason"].as_str().unwrap().contains(call));
    assert!(told("aws_eip", "ec2 DescribeAddresses: UnauthorizedOperation") && told("aws_iam_role", "iam ListRoles"), "{gaps:#?}");
}

#[test]
fn types_and_addresses_that_mean_nothing() {
    let project = Project::new(cloud(), &[("web", "[locals]\na = 1\n")]);
    for (args, words) in [
        (&["--types", "aws_instanc"][..], &["there is no resource type `aws_instanc`", "did you mean `aws_instance`?"][..]),
        (&["--types", "aws_[", "--unmanaged"], &["is no pattern of types"]),
        (
            &["--types", "aws_sns_topic", "--adopt", "aws_sns_topic.nothing"],
            &["nothing that nobody manages goes by `aws_sns_topic.nothing`"],
        ),
    ] {
        let said = project.run(&[&["drift", "stacks/web"], args].concat(), 1);
        assert!(words.iter().all(|word| said.flat().contains(word)), "{args:?}: {}", said.flat());
    }
}
