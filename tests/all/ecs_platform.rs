//! The platform for tenants: its life on an empty account and on one where its network exists, and what a tenant touches.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification};
use serde_json::Value;

use crate::support::project::{Project, Said, there_is};
use crate::support::sandbox::cloud;

fn tenants(ids: &[&str]) -> String {
    let all: Vec<String> = ids.iter().enumerate().map(|(i, id)| format!("{id} = {{ priority = {} }}", i + 1)).collect();
    format!("tenants={{ {} }}", all.join(", "))
}

fn good(said: &Said) -> &Said {
    assert_eq!(said.code, 0, "{}{}", said.out, said.err);
    said
}

fn clean(project: &Project, more: &[&str]) {
    let said = project.run("plan", &[&["--detailed-exitcode"], more].concat());
    assert!(good(&said).out.contains("No changes"), "{}", said.out);
}

/// The addresses to which a plan does something, with what.
fn acts(said: &Said) -> Vec<(String, String)> {
    let plan: Value = serde_json::from_str(&good(said).out).unwrap();
    let changes = plan["resource_changes"].as_array().unwrap().iter();
    let told = changes.map(|c| {
        let actions: Vec<&str> = c["change"]["actions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        (c["address"].as_str().unwrap().to_owned(), actions.join(" "))
    });
    told.filter(|(_, actions)| actions != "no-op" && actions != "read").collect()
}

/// What of the network there is in the account.
async fn network(aws: &aws_config::SdkConfig) -> BTreeSet<String> {
    let ec2 = aws_sdk_ec2::Client::new(aws);
    let vpcs = ec2.describe_vpcs().send().await.unwrap().vpcs.unwrap_or_default();
    let subnets = ec2.describe_subnets().send().await.unwrap().subnets.unwrap_or_default();
    let tables = ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap_or_default();
    let gateways = ec2.describe_internet_gateways().send().await.unwrap().internet_gateways.unwrap_or_default();
    let live = Filter::builder().name("state").values("available").build();
    let nats = ec2.describe_nat_gateways().filter(live).send().await.unwrap().nat_gateways.unwrap_or_default();
    let ids = vpcs.iter().map(|v| v.vpc_id()).chain(subnets.iter().map(|s| s.subnet_id())).chain(tables.iter().map(|t| t.route_table_id()));
    let ids = ids.chain(gateways.iter().map(|g| g.internet_gateway_id())).chain(nats.iter().map(|n| n.nat_gateway_id()));
    ids.flatten().map(str::to_owned).collect()
}

#[tokio::test]
async fn the_platform_lives_takes_tenants_and_goes() {
    let project = Project::of("ecs-platform", cloud(), &[]);
    let aws = project.aws().await;
    let (before, net) = (there_is(&aws).await, network(&aws).await);
    let two = tenants(&["abc123", "def456"]);
    good(&project.run("apply", &["--auto-approve", "--var", &two]));
    clean(&project, &["--var", &two]);

    // One tenant comes: nobody else is touched.
    let three = tenants(&["abc123", "def456", "ghi789"]);
    let said = project.run("plan", &["--format", "json", "--var", &three]);
    let acting = acts(&said);
    assert_eq!(acting.len(), 7, "{acting:?}");
    assert!(acting.iter().all(|(address, action)| address.starts_with("module.tenant[\"ghi789\"].") && action == "create"), "{acting:?}");
    good(&project.run("apply", &["--auto-approve", "--var", &three]));
    clean(&project, &["--var", &three]);
    // And one goes.
    let acting =
        acts(&project.run("plan", &["--format", "json", "--var", r#"tenants={ abc123 = { priority = 1 }, ghi789 = { priority = 3 } }"#]));
    assert!(acting.len() == 7 && acting.iter().all(|(address, action)| address.contains("def456") && action == "delete"), "{acting:?}");

    // What may change does.
    let keys = r#"anthropic_api_keys={ abc123 = "sk-of-a-test" }"#;
    let changed = ["--var", &three, "--var", keys, "--var", "image_tag=v2", "--var", "instances={ min = 2, desired = 2, max = 9 }"];
    let changed = [&changed[..], &["--var", "health_check_path=/alive", "--var", "log_retention_days=7"]].concat();
    let said = project.run("apply", &[&["--auto-approve"], &changed[..]].concat());
    assert!(!good(&said).flat().contains("sk-of-a-test"), "a key is shown");
    clean(&project, &changed);

    good(&project.run("destroy", &[&["--auto-approve"], &changed[..]].concat()));
    let mut after = there_is(&aws).await;
    after.remove("terminated");
    assert_eq!((after, network(&aws).await), (before, net));
}

#[tokio::test]
async fn a_network_that_exists_is_taken_over_and_stays() {
    let project = Project::of("ecs-platform", cloud(), &[]);
    let aws = project.aws().await;
    let ec2 = aws_sdk_ec2::Client::new(&aws);
    let named = |kind: ResourceType, name: &str| {
        TagSpecification::builder().resource_type(kind).tags(Tag::builder().key("Name").value(name).build()).build()
    };
    let vpc = ec2.create_vpc().cidr_block("10.0.0.0/16").tag_specifications(named(ResourceType::Vpc, "openclaw-vpc"));
    let vpc = vpc.send().await.unwrap().vpc.unwrap().vpc_id.unwrap();
    let gateway = ec2.create_internet_gateway().send().await.unwrap().internet_gateway.unwrap().internet_gateway_id.unwrap();
    ec2.attach_internet_gateway().vpc_id(&vpc).internet_gateway_id(&gateway).send().await.unwrap();
    let mut subnets = vec![];
    for (range, zone) in [("10.0.1.0/24", "a"), ("10.0.2.0/24", "b"), ("10.0.10.0/24", "a"), ("10.0.11.0/24", "b")] {
        let made = ec2.create_subnet().vpc_id(&vpc).cidr_block(range).availability_zone(format!("us-west-2{zone}")).send().await.unwrap();
        subnets.push(made.subnet.unwrap().subnet_id.unwrap());
    }
    let address = ec2.allocate_address().domain(aws_sdk_ec2::types::DomainType::Vpc);
    let address = address.tag_specifications(named(ResourceType::ElasticIp, "openclaw-nat")).send().await.unwrap().allocation_id.unwrap();
    let nat = ec2.create_nat_gateway().subnet_id(&subnets[0]).allocation_id(&address).send().await.unwrap();
    let nat = nat.nat_gateway.unwrap().nat_gateway_id.unwrap();

    let there = [vec![vpc, gateway, address, nat], subnets].concat();
    let said = project.run("plan", &[]);
    let told = good(&said).flat();
    for id in &there {
        assert!(told.contains(&format!("adopted: {id} exists already")), "{id} is not taken over:\n{}", said.out);
    }
    good(&project.run("apply", &["--auto-approve"]));
    clean(&project, &[]);
    good(&project.run("destroy", &["--auto-approve"]));
    let left = network(&aws).await;
    assert!(there.iter().filter(|id| !id.starts_with("eipalloc")).all(|id| left.contains(id)), "{left:?}");
}

#[tokio::test]
async fn the_vpc_is_replaced_under_the_whole_platform() {
    let one = tenants(&["abc123"]);
    let project = Project::of("ecs-platform", cloud(), &[]);
    let aws = project.aws().await;
    good(&project.run("apply", &["--auto-approve", "--var", &one]));
    let before = network(&aws).await;
    good(&project.run("apply", &["--auto-approve", "--var", &one, "--replace", "aws_vpc.main"]));
    clean(&project, &["--var", &one]);
    // As much as there was.
    assert_eq!(network(&aws).await.len(), before.len());
    good(&project.run("destroy", &["--auto-approve", "--var", &one]));
}

#[tokio::test]
async fn tenants_that_are_too_many_for_one_load_balancer_are_told_and_spread() {
    let project = Project::of("ecs-platform", cloud(), &["rules_per_load_balancer=2"]);
    let three = tenants(&["a", "b", "c"]);
    let said = project.run("plan", &["--var", &three]);
    let told = "One load balancer takes 2 rules, a tenant each, unless AWS is asked for more, and there are 3 tenants";
    assert!(good(&said).flat().contains(told), "{}{}", said.out, said.err);
    let spread = ["--var", "several_load_balancers=true"];
    let said = project.run("apply", &[&["--auto-approve", "--var", &three], &spread[..]].concat());
    assert!(!good(&said).flat().contains(told), "{}{}", said.out, said.err);
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(&project.aws().await);
    let balancers = elb.describe_load_balancers().send().await.unwrap().load_balancers.unwrap_or_default();
    let mut names: Vec<_> = balancers.iter().filter_map(|balancer| balancer.load_balancer_name()).collect();
    names.sort_unstable();
    assert_eq!(names, ["openclaw-alb", "openclaw-alb-1"]);
    // Whoever comes, at whichever, moves nobody.
    for ids in [&["a", "b", "c", "d"][..], &["a", "b", "c", "d", "e"]] {
        let more = tenants(ids);
        let acting = acts(&project.run("plan", &[&["--format", "json", "--var", &more], &spread[..]].concat()));
        let own = |address: &str| ["d", "e"].iter().any(|id| address.starts_with(&format!("module.tenant[\"{id}\"].")));
        assert!(acting.iter().all(|(address, action)| action == "create" && (own(address) || address.ends_with("[\"2\"]"))), "{acting:?}");
    }
    good(&project.run("destroy", &[&["--auto-approve", "--var", &three], &spread[..]].concat()));
}
