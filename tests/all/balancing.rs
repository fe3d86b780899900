//! Load balancers with many tenants: what is read in few calls, and rules that change places.

use std::fmt::Write;

use ferroform::engine::plan::Purpose;

use crate::support::bench::{Bench, acts, drifts};
use crate::support::sandbox::cloud;

const COMMON: &str = r#"
[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_lb.web]
name = "tenants"
subnets = "${data.aws_subnets.main.ids}"

[resource.aws_lb_listener.web]
load_balancer_arn = "${aws_lb.web.arn}"
port = 80
default_action = [{ type = "fixed-response", fixed_response = [{ content_type = "text/plain", status_code = "404" }] }]
"#;

/// A target group and a rule for each tenant, with that priority.
fn tenants(priorities: &[(&str, usize)]) -> String {
    let mut text = COMMON.to_owned();
    for (tenant, priority) in priorities {
        write!(
            text,
            r#"
[resource.aws_lb_target_group.{tenant}]
name = "{tenant}"
port = 8080
protocol = "HTTP"
target_type = "ip"
vpc_id = "${{data.aws_vpc.main.id}}"
tags = {{ tenant = "{tenant}" }}

[resource.aws_lb_listener_rule.{tenant}]
listener_arn = "${{aws_lb_listener.web.arn}}"
priority = {priority}
action = [{{ type = "forward", target_group_arn = "${{aws_lb_target_group.{tenant}.arn}}" }}]
condition = [{{ path_pattern = [{{ values = ["/{tenant}/*"] }}] }}]
"#
        )
        .unwrap();
    }
    text
}

async fn applied(bench: &mut Bench, text: &str) -> Vec<String> {
    let open = bench.open(text).unwrap();
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    let done = acts(&plan);
    bench.apply(&open, &plan).await.unwrap();
    let after = bench.plan(&open, Purpose::Apply).await.unwrap();
    assert_eq!((acts(&after), drifts(&after)), (vec![], vec![]));
    done
}

/// How many calls of that operation were made so far.
fn calls(bench: &Bench, operation: &str) -> u64 {
    bench.counts().iter().filter(|(name, _)| name.split(' ').nth(1) == Some(operation)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_change_places() {
    let mut bench = Bench::new(&cloud());
    applied(&mut bench, &tenants(&[("one", 10), ("two", 20), ("three", 30), ("four", 40)])).await;
    // Two swap, and the third goes where one was that goes elsewhere.
    let done = applied(&mut bench, &tenants(&[("one", 20), ("two", 10), ("three", 40), ("four", 50)])).await;
    assert_eq!(done.len(), 4, "{done:?}");
    assert_eq!(calls(&bench, "ModifyRule"), 0, "what rules do and when stays as it is");
    assert!(calls(&bench, "SetRulePriorities") < 4, "those that move together are moved together");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_more_or_less_touches_no_other() {
    let mut bench = Bench::new(&cloud());
    applied(&mut bench, &tenants(&[("one", 10), ("two", 20)])).await;
    let done = applied(&mut bench, &tenants(&[("one", 10), ("two", 20), ("three", 30)])).await;
    assert!(done.len() == 2 && done.iter().all(|act| act.contains(".three ")), "{done:?}");
    let done = applied(&mut bench, &tenants(&[("two", 20), ("three", 30)])).await;
    assert!(done.len() == 2 && done.iter().all(|act| act.contains(".one ")), "{done:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tenants_are_read_in_few_calls() {
    const MANY: usize = 45;
    let mut bench = Bench::new(&cloud());
    let names: Vec<String> = (0..MANY).map(|n| format!("t{n}")).collect();
    let text = tenants(&names.iter().enumerate().map(|(n, name)| (name.as_str(), n + 1)).collect::<Vec<_>>());
    applied(&mut bench, &text).await;
    let open = bench.open(&text).unwrap();
    let operations = ["DescribeTargetGroups", "DescribeRules", "DescribeTags", "DescribeTargetGroupAttributes", "DescribeListeners"];
    let before = operations.map(|operation| calls(&bench, operation));
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    assert_eq!(acts(&plan), Vec::<String>::new());
    let made: Vec<u64> = operations.iter().zip(before).map(|(operation, before)| calls(&bench, operation) - before).collect();
    // Tags of groups and of rules by twenties, those of the load balancer and the listener; attributes have no call for many.
    assert_eq!(made, [1, 1, 3 + 3 + 2, MANY as u64, 1]);
}
