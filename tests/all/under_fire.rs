//! The clawgent box and the platform while AWS throttles, breaks down, loses answers, hides what is new and lists in small pages, all at
//! once: it ends right, with nothing twice and nothing left.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::support::project::{Project, Said, there_is};
use crate::support::proxy::{Fault, Proxy};
use crate::support::sandbox::cloud;

/// How many of each there are; what AWS itself has in every account among them.
type Counts = BTreeMap<&'static str, usize>;

/// All that the two stacks make, as the services tell it.
async fn counts(aws: &aws_config::SdkConfig) -> Counts {
    let mut counts: Counts = there_is(aws).await.into_iter().map(|(kind, ids)| (kind, ids.len())).collect();
    counts.remove("terminated");
    let ec2 = aws_sdk_ec2::Client::new(aws);
    let live = aws_sdk_ec2::types::Filter::builder().name("state").values("available").build();
    let zones = aws_sdk_route53::Client::new(aws).list_hosted_zones().send().await.unwrap().hosted_zones;
    let elb = aws_sdk_elasticloadbalancingv2::Client::new(aws);
    let balancers = elb.describe_load_balancers().send().await.unwrap().load_balancers.unwrap_or_default();
    let (mut listeners, mut rules) = (0, 0);
    for balancer in &balancers {
        let arn = balancer.load_balancer_arn().unwrap();
        for listener in elb.describe_listeners().load_balancer_arn(arn).send().await.unwrap().listeners.unwrap_or_default() {
            listeners += 1;
            let of = elb.describe_rules().listener_arn(listener.listener_arn().unwrap());
            rules += of.send().await.unwrap().rules.unwrap_or_default().len();
        }
    }
    let ecs = aws_sdk_ecs::Client::new(aws);
    let clusters = ecs.list_clusters().send().await.unwrap().cluster_arns.unwrap_or_default();
    // What was deleted is listed for a while.
    let clusters = ecs.describe_clusters().set_clusters(Some(clusters)).send().await.unwrap().clusters.unwrap_or_default();
    let clusters: Vec<_> = clusters.iter().filter(|cluster| cluster.status() == Some("ACTIVE")).collect();
    let mut services = 0;
    for cluster in &clusters {
        let listed = ecs.list_services().cluster(cluster.cluster_arn().unwrap());
        services += listed.send().await.unwrap().service_arns.unwrap_or_default().len();
    }
    let groups = aws_sdk_autoscaling::Client::new(aws).describe_auto_scaling_groups().send().await.unwrap();
    let secrets = aws_sdk_secretsmanager::Client::new(aws).list_secrets().send().await.unwrap();
    counts.extend([
        ("aws_vpc", ec2.describe_vpcs().send().await.unwrap().vpcs.unwrap_or_default().len()),
        ("aws_subnet", ec2.describe_subnets().send().await.unwrap().subnets.unwrap_or_default().len()),
        ("aws_route_table", ec2.describe_route_tables().send().await.unwrap().route_tables.unwrap_or_default().len()),
        ("aws_internet_gateway", ec2.describe_internet_gateways().send().await.unwrap().internet_gateways.unwrap_or_default().len()),
        ("aws_nat_gateway", ec2.describe_nat_gateways().filter(live).send().await.unwrap().nat_gateways.unwrap_or_default().len()),
        ("aws_launch_template", ec2.describe_launch_templates().send().await.unwrap().launch_templates.unwrap_or_default().len()),
        ("aws_route53_zone", zones.len()),
        ("aws_route53_record", zones.iter().map(|zone| usize::try_from(zone.resource_record_set_count.unwrap_or_default()).unwrap()).sum()),
        ("aws_s3_bucket", aws_sdk_s3::Client::new(aws).list_buckets().send().await.unwrap().buckets.unwrap_or_default().len()),
        (
            "aws_dlm_lifecycle_policy",
            aws_sdk_dlm::Client::new(aws).get_lifecycle_policies().send().await.unwrap().policies.unwrap_or_default().len(),
        ),
        ("aws_lb", balancers.len()),
        ("aws_lb_listener", listeners),
        // A listener's own one is none of the stack's.
        ("aws_lb_listener_rule", rules - listeners),
        ("aws_lb_target_group", elb.describe_target_groups().send().await.unwrap().target_groups.unwrap_or_default().len()),
        ("aws_ecs_cluster", clusters.len()),
        ("aws_ecs_service", services),
        ("aws_autoscaling_group", groups.auto_scaling_groups.unwrap_or_default().len()),
        ("aws_secretsmanager_secret", secrets.secret_list.unwrap_or_default().len()),
        (
            "aws_ecr_repository",
            aws_sdk_ecr::Client::new(aws).describe_repositories().send().await.unwrap().repositories.unwrap_or_default().len(),
        ),
    ]);
    counts
}

/// How many of each type the state holds.
fn held(project: &Project) -> BTreeMap<String, usize> {
    let mut held = BTreeMap::new();
    for resource in project.state()["resources"].as_array().unwrap().iter().filter(|r| r["mode"] == "managed") {
        *held.entry(resource["type"].as_str().unwrap().to_owned()).or_default() += resource["instances"].as_array().unwrap().len();
    }
    held
}

async fn lives(name: &'static str, vars: &[&str], seed: u64) {
    let project = Project::of(name, cloud(), vars);
    let aws = project.aws().await;
    let before = counts(&aws).await;
    let proxy = Proxy::new(&project.cloud.endpoint, seed)
        .with("*", Fault::Throttle { burst: 3.0, per_second: 3.0 })
        .with("*", Fault::Broken { status: 500, chance: 0.05 })
        .with("*", Fault::CutAfter(0.05))
        .with("*", Fault::Unseen(2))
        .with("*", Fault::SmallPages(2));
    let through = project.cloud.through(proxy.endpoint());
    let worst = Mutex::new([0; 3]);
    let run = |command: &str| {
        let said = Said::of(&project.command(&through, command, &["--auto-approve", "--stats"]).output().unwrap());
        assert_eq!(said.code, 0, "{command} {:?}\n{}{}", proxy.counts(), said.out, said.err);
        let calls = proxy.calls();
        let outcomes = |words: &[&str]| calls.iter().filter(|call| words.contains(&call.outcome.as_str())).count();
        let throttled = outcomes(&["Throttling", "ThrottlingException", "RequestLimitExceeded", "SlowDown"]);
        let (broken, lost) = (outcomes(&["InternalError"]), outcomes(&["cut after"]));
        println!("{name} {command}: {} calls, {throttled} throttled, {broken} broken, {lost} lost", calls.len());
        let mut worst = worst.lock().unwrap();
        *worst = [worst[0] + throttled, worst[1] + broken, worst[2] + lost];
        proxy.forget();
    };
    run("apply");
    let (held, there) = (held(&project), counts(&aws).await);
    for (kind, count) in &there {
        let made = count - before.get(kind).copied().unwrap_or_default();
        let extra = match *kind {
            // Every VPC comes with a group and a route table, every zone with two records, every instance with its root volume.
            "aws_security_group" | "aws_route_table" => held.get("aws_vpc").copied().unwrap_or_default(),
            "aws_route53_record" => 2 * held.get("aws_route53_zone").copied().unwrap_or_default(),
            // What the group starts is its own.
            "aws_instance" | "volumes" => there["aws_autoscaling_group"].max(held.get("aws_instance").copied().unwrap_or_default()),
            _ => 0,
        };
        // An attachment is known by its policy, which several roles may share; what a NAT gateway has is no association of an address.
        let wanted = if matches!(*kind, "aws_instance" | "volumes") { extra } else { held.get(*kind).copied().unwrap_or_default() + extra };
        if !matches!(*kind, "aws_iam_role_policy_attachment" | "aws_eip_association") {
            assert_eq!(made, wanted, "{kind}: {held:?}\n{there:?}");
        }
    }
    let plan = project.run("plan", &["--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}{}", plan.out, plan.err);
    run("destroy");
    assert_eq!(counts(&aws).await, before);
    let worst = worst.into_inner().unwrap();
    assert!(!worst.contains(&0), "throttled, broken, lost: {worst:?}");
}

#[tokio::test]
async fn the_clawgent_box_under_fire_ends_right() {
    lives("clawgent", &[r#"ssh_cidrs=["203.0.113.7/32"]"#, "backup_bucket=clawgent-copies-under-fire"], 5).await;
}

#[tokio::test]
async fn the_platform_under_fire_ends_right() {
    lives("ecs-platform", &["tenants={ abc123 = { priority = 1 }, def456 = { priority = 2 } }"], 7).await;
}
