//! A network as a platform has it: two zones, public and private subnets, a NAT gateway; with no order written down anywhere.

use ferroform::engine::plan::{Action, Purpose};
use ferroform::engine::planner::Options;

use crate::support::bench::{Bench, Outcome, acts};
use crate::support::sandbox::cloud;

const NETWORK: &str = r#"
[resource.aws_vpc.main]
cidr_block = "10.0.0.0/16"
enable_dns_hostnames = true
tags = { Name = "platform" }

[resource.aws_subnet.public]
for_each = { a = "10.0.1.0/24", b = "10.0.2.0/24" }
vpc_id = "${aws_vpc.main.id}"
cidr_block = "${each.value}"
availability_zone = "us-east-1${each.key}"
map_public_ip_on_launch = true

[resource.aws_subnet.private]
for_each = { a = "10.0.10.0/24", b = "10.0.11.0/24" }
vpc_id = "${aws_vpc.main.id}"
cidr_block = "${each.value}"
availability_zone = "us-east-1${each.key}"

[resource.aws_internet_gateway.main]
vpc_id = "${aws_vpc.main.id}"

[resource.aws_eip.nat]
domain = "vpc"
tags = { Name = "nat" }

[resource.aws_nat_gateway.main]
allocation_id = "${aws_eip.nat.id}"
subnet_id = '${aws_subnet.public["a"].id}'

[resource.aws_route_table.public]
vpc_id = "${aws_vpc.main.id}"
route = [{ cidr_block = "0.0.0.0/0", gateway_id = "${aws_internet_gateway.main.id}" }]
tags = { Name = "public" }

[resource.aws_route_table.private]
vpc_id = "${aws_vpc.main.id}"
tags = { Name = "private" }

[resource.aws_route.out]
route_table_id = "${aws_route_table.private.id}"
destination_cidr_block = "0.0.0.0/0"
nat_gateway_id = "${aws_nat_gateway.main.id}"

[resource.aws_route_table_association.public]
for_each = "${aws_subnet.public}"
subnet_id = "${each.value.id}"
route_table_id = "${aws_route_table.public.id}"

[resource.aws_route_table_association.private]
for_each = "${aws_subnet.private}"
subnet_id = "${each.value.id}"
route_table_id = "${aws_route_table.private.id}"

[resource.aws_vpc_endpoint.s3]
vpc_id = "${aws_vpc.main.id}"
service_name = "com.amazonaws.us-east-1.s3"
route_table_ids = ["${aws_route_table.private.id}"]
"#;

const REST: &str = r#"
[resource.aws_main_route_table_association.main]
vpc_id = "${aws_vpc.main.id}"
route_table_id = "${aws_route_table.private.id}"

[resource.aws_default_security_group.closed]
vpc_id = "${aws_vpc.main.id}"
"#;

async fn settle(bench: &mut Bench, text: &str) -> Outcome<()> {
    let open = bench.open(text)?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    bench.apply(&open, &plan).await?;
    let left = acts(&bench.plan(&open, Purpose::Apply).await?);
    if left.is_empty() { Ok(()) } else { Err(format!("the plan is not empty: {}", left.join("\n"))) }
}

async fn destroy(bench: &mut Bench, text: &str) -> Outcome<usize> {
    let open = bench.open(text)?;
    let plan = bench.plan(&open, Purpose::Destroy).await?;
    bench.apply(&open, &plan).await?;
    Ok(bench.resources().count())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_comes_changes_and_goes() {
    let mut bench = Bench::new(&cloud());
    let whole = format!("{NETWORK}{REST}");
    settle(&mut bench, &whole).await.unwrap();
    // A route of its own goes while its table changes: what the table then has is nobody's mistake.
    let route =
        &whole[whole.find("[resource.aws_route.out]").unwrap()..whole.find("[resource.aws_route_table_association.public]").unwrap()];
    let without = whole.replace(route, "").replace("Name = \"private\"", "Name = \"closed\"");
    settle(&mut bench, &without).await.unwrap();
    settle(&mut bench, &whole).await.unwrap();
    assert_eq!(destroy(&mut bench, &whole).await, Ok(0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_network_that_exists_is_taken_over() {
    let cloud = cloud();
    let mut first = Bench::new(&cloud);
    settle(&mut first, NETWORK).await.unwrap();
    let mut second = Bench::new(&cloud);
    let open = second.open(NETWORK).unwrap();
    let adopt = Options { adopt: true, ..Options::default() };
    let plan = second.plan_with(&open, &second.state, &adopt).await.unwrap();
    let made: Vec<_> = plan.changes.iter().filter(|c| c.action == Action::Create).map(|c| c.address.to_string()).collect();
    assert!(made.is_empty(), "{made:?}");
    second.apply(&open, &plan).await.unwrap();
    let ids = |bench: &Bench| bench.state.instances.values().map(|i| i.id().to_owned()).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(ids(&second), ids(&first), "{made:?}");
    assert_eq!(destroy(&mut first, NETWORK).await, Ok(0));
}
