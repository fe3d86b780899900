//! Groups of machines: what they wait for, and when their machines are replaced.

use ferroform::engine::plan::Purpose;

use crate::support::bench::{Bench, acts};
use crate::support::sandbox::cloud;

/// A group behind a target group; its machines start with that, and are refreshed when that changes.
fn fleet(start: &str, balanced: u32, warmup: u32) -> String {
    format!(
        r#"
[data.aws_subnets.main]
filter = [{{ name = "availability-zone", values = ["us-east-1a"] }}]

[data.aws_vpc.main]
default = true

[data.aws_ami.linux]
most_recent = true
owners = ["amazon"]
filter = [{{ name = "name", values = ["al2023-ami-2023.*-kernel-6.1-x86_64"] }}]

[resource.aws_lb_target_group.web]
name = "machines"
port = 80
protocol = "HTTP"
vpc_id = "${{data.aws_vpc.main.id}}"

[resource.aws_launch_template.machine]
name = "machine"
image_id = "${{data.aws_ami.linux.id}}"
instance_type = "t3.small"
user_data = "${{base64encode("{start}")}}"

[resource.aws_autoscaling_group.machines]
name = "machines"
min_size = 2
max_size = 4
vpc_zone_identifier = "${{data.aws_subnets.main.ids}}"
target_group_arns = ["${{aws_lb_target_group.web.arn}}"]
min_elb_capacity = {balanced}
launch_template = {{ id = "${{aws_launch_template.machine.id}}", version = "${{aws_launch_template.machine.latest_version}}" }}
instance_refresh = {{ strategy = "Rolling", preferences = {{ min_healthy_percentage = 50, instance_warmup = "{warmup}" }} }}
"#
    )
    .replace("\"${base64encode(", "'${base64encode(")
    .replace("\")}\"", "\")}'")
}

async fn applied(bench: &mut Bench, text: &str) -> Vec<String> {
    let open = bench.open(text).unwrap();
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    let done = acts(&plan);
    bench.apply(&open, &plan).await.unwrap();
    let after = bench.plan(&open, Purpose::Apply).await.unwrap();
    assert_eq!(acts(&after), Vec::<String>::new());
    done
}

fn calls(bench: &Bench, operation: &str) -> u64 {
    bench.counts().iter().filter(|(name, _)| name.split(' ').nth(1) == Some(operation)).map(|(_, count)| count).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_waits_until_its_load_balancer_finds_its_machines_well() {
    let mut bench = Bench::new(&cloud());
    applied(&mut bench, &fleet("one", 2, 60)).await;
    assert!(calls(&bench, "DescribeTargetHealth") > 0, "nobody asked whether targets are well: {:?}", bench.counts());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn machines_are_replaced_when_what_they_are_made_of_changes_and_else_not() {
    let mut bench = Bench::new(&cloud());
    applied(&mut bench, &fleet("one", 0, 60)).await;
    assert_eq!(calls(&bench, "DescribeTargetHealth"), 0, "nothing is to be waited for at the load balancer");
    applied(&mut bench, &fleet("one", 0, 90)).await;
    assert_eq!(calls(&bench, "StartInstanceRefresh"), 0, "how they are replaced is no reason to replace them");
    let done = applied(&mut bench, &fleet("two", 0, 90)).await;
    assert_eq!(done.len(), 2, "{done:?}");
    assert_eq!(calls(&bench, "StartInstanceRefresh"), 1);
    // The one that is under way is stopped: it would go on with what was wanted before.
    applied(&mut bench, &fleet("three", 0, 90)).await;
    assert_eq!((calls(&bench, "CancelInstanceRefresh"), calls(&bench, "StartInstanceRefresh")), (1, 3));
}
