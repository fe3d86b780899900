//! Nothing is found where nobody changed anything, and a look at a thousand resources costs few calls.

use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

use crate::support::bench::Bench;
use crate::support::project::Project;
use crate::support::sandbox::cloud;

/// How often what nobody touched is looked at; `DRIFT_RUNS` makes it more.
pub fn runs() -> usize {
    std::env::var("DRIFT_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2)
}

/// A stack of ours, applied and then looked at again and again.
fn untouched(name: &'static str, vars: &[&str]) {
    let project = Project::of(name, cloud(), vars);
    let applied = project.run("apply", &["--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    for run in 1..=runs() {
        let said = project.run("drift", &[]);
        assert_eq!(said.code, 0, "run {run} over {name}\n{}\n{}", said.out, said.err);
        assert!(said.out.contains("in order · ") && !said.out.contains("not looked at"), "{}", said.out);
    }
    println!("{name}: {} runs, nothing found", runs());
}

#[test]
fn nothing_is_found_in_the_gateway_node() {
    untouched("gateway-node", &[]);
}

#[test]
fn nothing_is_found_in_clawgent() {
    untouched("clawgent", &[crate::clawgent::SSH]);
}

#[test]
fn nothing_is_found_in_the_ecs_platform() {
    untouched("ecs-platform", &[]);
}

/// What is asked for one at a time, since AWS answers for one at a time.
const SINGLE: &[&str] = &["ec2 DescribeLaunchTemplateVersions"];

/// Fifteen types and more, a thousand resources.
const MANY: &str = r#"
[resource.aws_vpc.many]
count = 4
cidr_block = "10.${count.index}.0.0/16"
tags = { Name = "many-${count.index}" }

[resource.aws_subnet.many]
count = 60
vpc_id = "${aws_vpc.many[count.index % 4].id}"
cidr_block = "10.${count.index % 4}.${count.index}.0/24"

[resource.aws_internet_gateway.many]
count = 4
vpc_id = "${aws_vpc.many[count.index].id}"

[resource.aws_route_table.many]
count = 20
vpc_id = "${aws_vpc.many[count.index % 4].id}"

[resource.aws_route_table_association.many]
count = 60
subnet_id = "${aws_subnet.many[count.index].id}"
route_table_id = "${aws_route_table.many[count.index % 20].id}"

[resource.aws_security_group.many]
count = 100
name = "many-${count.index}"
vpc_id = "${aws_vpc.many[count.index % 4].id}"

[resource.aws_vpc_security_group_ingress_rule.many]
count = 150
security_group_id = "${aws_security_group.many[count.index % 100].id}"
ip_protocol = "tcp"
from_port = "${1000 + count.index}"
to_port = "${1000 + count.index}"
cidr_ipv4 = "10.0.0.0/8"

[resource.aws_eip.many]
count = 40
domain = "vpc"

[resource.aws_ebs_volume.many]
count = 80
availability_zone = "us-east-1a"
size = 8

[resource.aws_network_interface.many]
count = 60
subnet_id = "${aws_subnet.many[count.index].id}"

[resource.aws_key_pair.many]
count = 10
key_name = "many-${count.index}"
public_key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"

[resource.aws_launch_template.many]
count = 20
name = "many-${count.index}"
instance_type = "t3.micro"

[resource.aws_cloudwatch_log_group.many]
count = 130
name = "/many/${count.index}"

[resource.aws_cloudwatch_metric_alarm.many]
count = 130
alarm_name = "many-${count.index}"
namespace = "AWS/EC2"
metric_name = "CPUUtilization"
statistic = "Average"
period = 300
evaluation_periods = 1
comparison_operator = "GreaterThanThreshold"
threshold = 80

[resource.aws_route53_zone.main]
name = "example.com"

[resource.aws_route53_record.many]
count = 100
zone_id = "${aws_route53_zone.main.zone_id}"
name = "r${count.index}"
type = "A"
ttl = 60
records = ["192.0.2.1"]

[resource.aws_ssm_parameter.many]
count = 40
name = "/many/${count.index}"
type = "String"
value = "v"
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_resources_cost_few_calls() {
    let account = cloud();
    let mut bench = Bench::new(&account);
    let open = bench.open(MANY).unwrap();
    let plan =
        bench.plan_with(&open, &bench.state, &Options { purpose: Purpose::Apply, parallelism: 64, ..Options::default() }).await.unwrap();
    bench.apply(&open, &plan).await.unwrap();
    let kinds: std::collections::BTreeSet<&str> = bench.resources().map(|address| &*address.kind).collect();
    let (before, count) = (bench.counts(), bench.resources().count());
    let report = bench.drift(&open).await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let spent: Vec<(String, u64)> =
        bench.counts().into_iter().map(|(call, n)| (call.clone(), n - before.get(&call).unwrap_or(&0))).filter(|(_, n)| *n > 0).collect();
    let calls: u64 = spent.iter().map(|(_, n)| n).sum();
    let single: u64 = spent.iter().filter(|(call, _)| SINGLE.contains(&call.as_str())).map(|(_, n)| n).sum();
    println!("{count} resources of {} types: {calls} calls, {single} of them of types with no batch read", kinds.len());
    spent.iter().for_each(|(call, n)| println!("  {n:>3} {call}"));
    assert!(count >= 1000 && kinds.len() >= 15);
    assert!(calls - single <= 60, "{spent:?}");
}
