//! Auto Scaling groups.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleHookSpecification, Tag as SdkTag, TrafficSourceIdentifier};

use super::group_blocks::{Hook, Maintenance, Refresh, Reservation, ReservationTarget, Source, Tag, ZoneDistribution};
use super::launch::{Mixed, Template, renamed};
use super::{PAGE, gone, group_life, group_update, int, long, some};
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Then};
use crate::words::value::Value;

crate::blocks! {
    /// A group of instances that Auto Scaling makes, watches and replaces.
    pub struct Group {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What becomes of instances that a zone has no room for.
        #[attr(chosen)]
        availability_zone_distribution: Option<ZoneDistribution>,
        /// The zones; only outside of a VPC of one's own.
        #[attr(chosen, conflicts(&["vpc_zone_identifier"]))]
        availability_zones: BTreeSet<String>,
        /// Replace Spot instances that are about to be interrupted.
        capacity_rebalance: Option<bool>,
        /// Whether it may use capacity reservations.
        #[attr(chosen)]
        capacity_reservation_specification: Option<Reservation>,
        /// Reserved by AWS.
        context: Option<String>,
        /// Seconds between two simple scalings.
        #[attr(chosen)]
        default_cooldown: Option<i64>,
        /// Seconds until a new instance's metrics count.
        default_instance_warmup: Option<i64>,
        /// How many instances there should be. Left out, scaling alone decides.
        #[attr(chosen)]
        desired_capacity: Option<i64>,
        /// What capacity counts.
        #[attr(one_of(&["units", "vcpu", "memory-mib"]))]
        desired_capacity_type: Option<String>,
        /// The metrics that it publishes.
        enabled_metrics: BTreeSet<String>,
        /// Delete it without waiting for its instances to end.
        #[attr(local, default_bool(false))]
        force_delete: Option<bool>,
        /// Delete its warm pool without waiting for the instances there to end.
        #[attr(local, default_bool(false))]
        force_delete_warm_pool: Option<bool>,
        /// Seconds in which a new instance may be unwell.
        #[attr(default_int(300))]
        health_check_grace_period: Option<i64>,
        /// Who says that an instance is unwell: `EC2`, `ELB`, or both with a comma.
        #[attr(chosen)]
        health_check_type: Option<String>,
        /// Go on waiting for capacity when an instance could not be launched.
        #[attr(local, default_bool(false))]
        ignore_failed_scaling_activities: Option<bool>,
        /// What is waited for when the first instances come up.
        #[attr(force_new)]
        initial_lifecycle_hook: BTreeSet<Hook>,
        /// How many instances have to be well, and may be there, while some are replaced.
        instance_maintenance_policy: Option<Maintenance>,
        /// Replace the instances when what they are made of changes.
        #[attr(local)]
        instance_refresh: Option<Refresh>,
        /// What its instances are made of, of old.
        #[attr(conflicts(&["launch_template", "mixed_instances_policy"]))]
        launch_configuration: Option<String>,
        /// What its instances are made of.
        #[attr(conflicts(&["launch_configuration", "mixed_instances_policy"]))]
        launch_template: Option<Template>,
        /// Classic load balancers that send to it.
        #[attr(chosen, conflicts(&["traffic_source"]))]
        load_balancers: BTreeSet<String>,
        /// After how many seconds an instance is replaced; 0 for never.
        max_instance_lifetime: Option<i64>,
        /// The most instances.
        max_size: i64,
        /// How often metrics are published.
        #[attr(local, default_text("1Minute"))]
        metrics_granularity: Option<String>,
        /// How many instances have to be well at the load balancers before it counts as made.
        #[attr(local)]
        min_elb_capacity: Option<i64>,
        /// The least instances.
        min_size: i64,
        /// What its instances are made of, where they are of several types or Spot.
        #[attr(conflicts(&["launch_configuration", "launch_template"]))]
        mixed_instances_policy: Option<Mixed>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 255), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 229), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The placement group.
        placement_group: Option<String>,
        /// How many instances predictive scaling foresees.
        #[attr(computed)]
        predicted_capacity: Option<i64>,
        /// Never take its instances away when it shrinks.
        #[attr(default_bool(false))]
        protect_from_scale_in: Option<bool>,
        /// The role that it acts with.
        #[attr(chosen)]
        service_linked_role_arn: Option<String>,
        /// What it does not do for now: `Launch`, `Terminate`, `AZRebalance`...
        suspended_processes: BTreeSet<String>,
        /// Its tags.
        tag: BTreeSet<Tag>,
        /// Target groups that its instances are targets of.
        #[attr(chosen, refers("aws_lb_target_group.arn"), conflicts(&["traffic_source"]))]
        target_group_arns: BTreeSet<String>,
        /// Which instances go first.
        termination_policies: Vec<String>,
        /// Whatever sends to it: target groups, classic load balancers, VPC Lattice.
        #[attr(chosen, conflicts(&["load_balancers", "target_group_arns"]))]
        traffic_source: BTreeSet<Source>,
        /// The subnets of its instances.
        #[attr(chosen, refers("aws_subnet.id"), conflicts(&["availability_zones"]))]
        vpc_zone_identifier: BTreeSet<String>,
        /// For how long capacity is waited for; `0` for not at all.
        #[attr(local, default_text("10m"))]
        wait_for_capacity_timeout: Option<String>,
        /// How many instances have to be well at the load balancers, always.
        #[attr(local)]
        wait_for_elb_capacity: Option<i64>,
        /// Instances kept ready.
        warm_pool: Option<super::group_update::WarmPool>,
        /// How many those are.
        #[attr(computed)]
        warm_pool_size: Option<i64>,
    }
}

/// Tags that AWS itself puts on groups: nobody manages them who does not say so.
const OF_AWS: &[&str] = &["AmazonECSManaged"];

impl Resource for Group {
    const TYPE: &'static str = "aws_autoscaling_group";
    const SCHEMA_VERSION: u64 = 1;
    const HOLDS: &'static [Hold] = &[Hold { kind: "aws_subnet", through: "vpc_zone_identifier", then: Then::Replaced }];
    const KNOWN_BY: Option<&'static str> = Some("name");
    const LINGERS: bool = true;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("update", "10m"), ("delete", "10m")];
    const RETRY: &'static [Retry] = &[
        // A role that was just made is not known yet.
        Retry {
            operation: "CreateAutoScalingGroup",
            code: "ValidationError",
            message: "Invalid IAM Instance Profile",
            within: Duration::from_secs(120),
        },
        Retry {
            operation: "CreateAutoScalingGroup",
            code: "ValidationError",
            message: "You are not authorized to perform this operation",
            within: Duration::from_secs(120),
        },
        Retry {
            operation: "CreateAutoScalingGroup",
            code: "ValidationError",
            message: "Unable to publish test message to notification target",
            within: Duration::from_secs(300),
        },
        Retry { operation: "", code: "ScalingActivityInProgress", message: "", within: Duration::from_secs(600) },
    ];
    // Its instances reach the network as soon as they boot, and use their role until they end.
    const AFTER: &'static [After] = &[
        After { kind: "aws_internet_gateway", through: "aws_vpc" },
        After { kind: "aws_nat_gateway", through: "aws_vpc" },
        After { kind: "aws_route", through: "aws_vpc" },
        After { kind: "aws_route_table_association", through: "aws_vpc" },
        After { kind: "aws_iam_role_policy", through: "aws_iam_role" },
        After { kind: "aws_iam_role_policy_attachment", through: "aws_iam_role" },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_launch_template.web]
name = "grouped"
image_id = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_lb_target_group.web]
name = "grouped"
port = 80
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_autoscaling_group.example]
name = "example"
min_size = 0
max_size = 2
desired_capacity = 1
vpc_zone_identifier = "${slice(sort(data.aws_subnets.main.ids), 0, 1)}"
initial_lifecycle_hook = [{ name = "up", lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING" }]
tag = [{ key = "team", value = "infra", propagate_at_launch = true }]

[[resource.aws_autoscaling_group.example.mixed_instances_policy]]
launch_template = [{ launch_template_specification = [{ launch_template_id = "${aws_launch_template.web.id}", version = "$Latest" }] }]
---
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[data.aws_vpc.main]
default = true

[resource.aws_launch_template.web]
name = "grouped"
image_id = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_lb_target_group.web]
name = "grouped"
port = 80
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"

[resource.aws_autoscaling_group.example]
name = "example"
min_size = 1
max_size = 4
desired_capacity = 2
desired_capacity_type = "units"
vpc_zone_identifier = "${data.aws_subnets.main.ids}"
initial_lifecycle_hook = [{ name = "up", lifecycle_transition = "autoscaling:EC2_INSTANCE_LAUNCHING" }]
tag = [
  { key = "team", value = "platform", propagate_at_launch = false },
  { key = "Name", value = "example", propagate_at_launch = true },
]
capacity_rebalance = true
default_cooldown = 60
default_instance_warmup = 120
enabled_metrics = ["GroupInServiceInstances", "GroupDesiredCapacity"]
force_delete = true
force_delete_warm_pool = true
health_check_type = "ELB"
health_check_grace_period = 60
ignore_failed_scaling_activities = true
instance_maintenance_policy = [{ min_healthy_percentage = 90, max_healthy_percentage = 120 }]
max_instance_lifetime = 604800
protect_from_scale_in = true
suspended_processes = ["AZRebalance"]
target_group_arns = ["${aws_lb_target_group.web.arn}"]
termination_policies = ["OldestInstance"]
wait_for_capacity_timeout = "5m"
availability_zone_distribution = [{ capacity_distribution_strategy = "balanced-only" }]
capacity_reservation_specification = [{ capacity_reservation_preference = "none" }]
warm_pool = [{ pool_state = "Hibernated", min_size = 1, max_group_prepared_capacity = 3, instance_reuse_policy = [{ reuse_on_scale_in = true }] }]
instance_refresh = [{ strategy = "Rolling", triggers = ["tag"], preferences = [{ min_healthy_percentage = 50, instance_warmup = "60" }] }]

[[resource.aws_autoscaling_group.example.mixed_instances_policy]]

[[resource.aws_autoscaling_group.example.mixed_instances_policy.instances_distribution]]
on_demand_allocation_strategy = "lowest-price"
on_demand_base_capacity = 1
on_demand_percentage_above_base_capacity = 0
spot_allocation_strategy = "price-capacity-optimized"
spot_max_price = "0.05"

[[resource.aws_autoscaling_group.example.mixed_instances_policy.launch_template]]
launch_template_specification = [{ launch_template_id = "${aws_launch_template.web.id}", version = "1" }]
override = [
  { instance_type = "t3.small", weighted_capacity = "1" },
  { instance_type = "t3.micro", weighted_capacity = "1" },
]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let of = ["launch_configuration", "launch_template", "mixed_instances_policy"];
        if of.iter().all(|name| given.attr(name).is_empty() && !given.attr(name).is_unknown()) {
            problems.push(Problem::new(
                "",
                format!("a group needs one of {}: what its instances are made of", of.map(|n| format!("`{n}`")).join(", ")),
            ));
        }
        let places = ["vpc_zone_identifier", "availability_zones"];
        if places.iter().all(|name| given.attr(name).is_empty() && !given.attr(name).is_unknown()) {
            problems.push(Problem::new("vpc_zone_identifier", "should name the subnets of its instances"));
        }
        let int = |name: &str| given.attr(name).as_number().and_then(|n| n.as_i64());
        if let (Some(min), Some(max)) = (int("min_size"), int("max_size")) {
            if min > max {
                problems.push(Problem::new("min_size", format!("should be at most `max_size`, which is {max}")));
            }
            if let Some(desired) = int("desired_capacity").filter(|d| !(min..=max).contains(d)) {
                problems.push(Problem::new("desired_capacity", format!("{desired} is not between `min_size` {min} and `max_size` {max}")));
            }
        }
        if int("max_instance_lifetime").is_some_and(|s| s != 0 && !(86_400..=31_536_000).contains(&s)) {
            problems.push(Problem::new("max_instance_lifetime", "should be 0 for never, or from a day (86400) to a year (31536000)"));
        }
        if let Some(timeout) = given.attr("wait_for_capacity_timeout").as_str()
            && group_life::timeout(timeout).is_none()
        {
            problems.push(Problem::new("wait_for_capacity_timeout", "should be a time such as `10m`, or `0`"));
        }
        problems
    }

    /// Of what AWS tells in two ways, the way that is not written follows the one that is.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let changes = |name: &str| planned.changed.iter().any(|c| c == name);
        let pairs = [
            ("vpc_zone_identifier", "availability_zones"),
            ("availability_zones", "vpc_zone_identifier"),
            ("target_group_arns", "traffic_source"),
            ("load_balancers", "traffic_source"),
            ("traffic_source", "target_group_arns"),
            ("traffic_source", "load_balancers"),
        ];
        let mut want = std::mem::take(planned.want);
        for (_, other) in pairs.into_iter().filter(|(name, other)| changes(name) && !changes(other)) {
            want = want.with(other, Value::unknown());
        }
        // More than the new limits allow is not what is wanted.
        if changes("min_size") || changes("max_size") {
            let int = |name: &str| want.attr(name).as_number().and_then(|n| n.as_i64());
            if let (Some(min), Some(max), Some(desired), false) =
                (int("min_size"), int("max_size"), int("desired_capacity"), changes("desired_capacity"))
                && !(min..=max).contains(&desired)
            {
                want = want.with("desired_capacity", Value::unknown());
            }
        }
        if changes("launch_template") {
            let template = renamed(want.attr("launch_template"), prior.attr("launch_template"), ["id", "name"]);
            want = want.with("launch_template", template);
        }
        if changes("mixed_instances_policy") {
            want = group_update::mixed_renamed(want, prior);
        }
        *planned.want = want;
    }

    /// Hooks for the first instances: which there were, nothing tells later.
    fn adopt(live: Value, given: &Value) -> Value {
        let hooks = given.attr("initial_lifecycle_hook").clone();
        if hooks.is_unknown() { live } else { live.with("initial_lifecycle_hook", hooks) }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        let text = |t: &Option<String>| some(t.as_deref());
        let call = cx.cloud.autoscaling.create_auto_scaling_group().auto_scaling_group_name(&name);
        let call = call.set_min_size(int(Some(self.min_size))).set_max_size(int(Some(self.max_size)));
        let call = call.set_desired_capacity(int(self.desired_capacity)).set_desired_capacity_type(text(&self.desired_capacity_type));
        let call = call.set_launch_configuration_name(text(&self.launch_configuration));
        let call = call.set_launch_template(self.launch_template.as_ref().map(|t| t.sdk(None)));
        let call = call.set_mixed_instances_policy(self.mixed_instances_policy.as_ref().map(|m| m.sdk(None)));
        let call = call.set_vpc_zone_identifier(self.subnets()).set_availability_zones(list(&self.availability_zones));
        let call =
            call.set_health_check_type(text(&self.health_check_type)).set_health_check_grace_period(int(self.health_check_grace_period));
        let call = call.set_default_cooldown(int(self.default_cooldown)).set_default_instance_warmup(int(self.default_instance_warmup));
        let call = call.set_target_group_arns(list(&self.target_group_arns)).set_load_balancer_names(list(&self.load_balancers));
        let sources: Vec<TrafficSourceIdentifier> = self.traffic_source.iter().map(Source::sdk).collect();
        let call = call.set_traffic_sources((!sources.is_empty()).then_some(sources)).set_context(text(&self.context));
        let call = call.set_placement_group(text(&self.placement_group)).set_service_linked_role_arn(text(&self.service_linked_role_arn));
        let policies = self.termination_policies.clone();
        let call = call.set_termination_policies((!policies.is_empty()).then_some(policies));
        let call = call.set_new_instances_protected_from_scale_in(self.protect_from_scale_in.filter(|p| *p));
        let call = call
            .set_capacity_rebalance(self.capacity_rebalance)
            .set_max_instance_lifetime(int(self.max_instance_lifetime).filter(|l| *l > 0));
        let call = call.set_instance_maintenance_policy(self.instance_maintenance_policy.as_ref().map(Maintenance::sdk));
        let call = call.set_availability_zone_distribution(self.availability_zone_distribution.as_ref().map(ZoneDistribution::sdk));
        let call = call.set_capacity_reservation_specification(self.capacity_reservation_specification.as_ref().map(Reservation::sdk));
        let hooks: Vec<LifecycleHookSpecification> = self.initial_lifecycle_hook.iter().map(Hook::sdk).collect();
        let call = call.set_lifecycle_hook_specification_list((!hooks.is_empty()).then_some(hooks));
        let tags: Vec<SdkTag> = self.tag.iter().map(|t| t.sdk(&name)).collect();
        call.set_tags((!tags.is_empty()).then_some(tags)).send().await?;
        Ok(name)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let name = self.named(cx);
        Ok(described(cx.cloud, vec![name.clone()]).await?.iter().any(|g| g.status().is_none()).then_some(name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.autoscaling.describe_auto_scaling_groups().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|g| {
            let tags = g.tags().iter().filter_map(|t| Some((t.key()?, t.value()?)));
            let listed = listing::by_tags(Listed::new(g.auto_scaling_group_name()?), tags).named(g.auto_scaling_group_name());
            Some(listed.marked("arn", g.auto_scaling_group_arn()).costs())
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = described(cx.cloud, known.iter().map(|k| k.id.clone()).collect()).await?;
        each(found, |group| async move {
            let id = group.auto_scaling_group_name().unwrap_or_default().to_owned();
            let prior = known.iter().find(|k| k.id == id).and_then(|k| k.prior.as_ref());
            let status = group_life::status(cx.cloud, &group, prior).await?;
            cx.reads.says(Self::TYPE, &id, status);
            Ok(Some(Live { value: of_group(&group, prior), id }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        group_update::update(self, cx.cloud, live).await.map_err(gone)
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        group_life::delete(cx.cloud, live).await.map_err(gone)
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") {
            return Err(Failure::other(format!("`{given}` is an ARN")).help("an Auto Scaling group is imported by its name"));
        }
        Ok(given.to_owned())
    }
}

impl Group {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }

    /// The subnets as a call takes them.
    pub(super) fn subnets(&self) -> Option<String> {
        let subnets: Vec<&str> = self.vpc_zone_identifier.iter().map(String::as_str).collect();
        (!subnets.is_empty()).then(|| subnets.join(","))
    }
}

/// For a call; none rather than an empty list.
fn list(texts: &BTreeSet<String>) -> Option<Vec<String>> {
    (!texts.is_empty()).then(|| texts.iter().cloned().collect())
}

/// Those of the groups that exist.
pub(super) async fn described(aws: &Aws, names: Vec<Id>) -> Outcome<Vec<AutoScalingGroup>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        let call = aws.autoscaling.describe_auto_scaling_groups().set_auto_scaling_group_names(Some(names.to_vec()));
        Ok(Some(call.max_records(100).send().await?.auto_scaling_groups.unwrap_or_default()))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}

fn of_group(group: &AutoScalingGroup, prior: Option<&Group>) -> Group {
    let name = some(group.auto_scaling_group_name());
    let written = |key: &str| prior.is_some_and(|p| p.tag.iter().any(|t| t.key == key));
    let mut policies = group.termination_policies().to_vec();
    if policies == ["Default"] && prior.is_none_or(|p| p.termination_policies.is_empty()) {
        policies.clear();
    }
    let tags = group.tags().iter().filter_map(|t| {
        let key = t.key()?.to_owned();
        let ours = !key.starts_with("aws:") && (!OF_AWS.contains(&key.as_str()) || written(&key));
        let (propagate_at_launch, value) = (t.propagate_at_launch().unwrap_or(false), t.value().unwrap_or_default().to_owned());
        ours.then_some(Tag { key, propagate_at_launch, value })
    });
    let reservation = group.capacity_reservation_specification().map(|s| Reservation {
        capacity_reservation_preference: some(s.capacity_reservation_preference().map(|p| p.as_str())),
        capacity_reservation_target: s.capacity_reservation_target().map(|t| ReservationTarget {
            capacity_reservation_ids: t.capacity_reservation_ids().to_vec(),
            capacity_reservation_resource_group_arns: t.capacity_reservation_resource_group_arns().to_vec(),
        }),
    });
    let maintenance = group.instance_maintenance_policy().map(|m| Maintenance {
        max_healthy_percentage: long(m.max_healthy_percentage()).unwrap_or(-1),
        min_healthy_percentage: long(m.min_healthy_percentage()).unwrap_or(-1),
    });
    Group {
        arn: some(group.auto_scaling_group_arn()),
        availability_zone_distribution: group
            .availability_zone_distribution()
            .map(|d| ZoneDistribution { capacity_distribution_strategy: some(d.capacity_distribution_strategy().map(|s| s.as_str())) }),
        availability_zones: group.availability_zones().iter().cloned().collect(),
        capacity_rebalance: group.capacity_rebalance(),
        capacity_reservation_specification: reservation,
        context: some(group.context()),
        default_cooldown: long(group.default_cooldown()),
        default_instance_warmup: long(group.default_instance_warmup()),
        desired_capacity: long(group.desired_capacity()),
        desired_capacity_type: some(group.desired_capacity_type()),
        enabled_metrics: group.enabled_metrics().iter().filter_map(|m| m.metric.clone()).collect(),
        force_delete: prior.and_then(|p| p.force_delete),
        force_delete_warm_pool: prior.and_then(|p| p.force_delete_warm_pool),
        health_check_grace_period: long(group.health_check_grace_period()),
        health_check_type: some(group.health_check_type()),
        ignore_failed_scaling_activities: prior.and_then(|p| p.ignore_failed_scaling_activities),
        // They are for the first instances; what becomes of them later is not this group's matter.
        initial_lifecycle_hook: prior.map(|p| p.initial_lifecycle_hook.clone()).unwrap_or_default(),
        // None at all is told as -1.
        instance_maintenance_policy: maintenance.filter(|m| m.max_healthy_percentage >= 0 || m.min_healthy_percentage >= 0),
        instance_refresh: prior.and_then(|p| p.instance_refresh.clone()),
        launch_configuration: some(group.launch_configuration_name()),
        launch_template: group.launch_template().filter(|_| group.mixed_instances_policy().is_none()).map(Template::of_sdk),
        load_balancers: group.load_balancer_names().iter().cloned().collect(),
        max_instance_lifetime: long(group.max_instance_lifetime()),
        max_size: long(group.max_size()).unwrap_or_default(),
        metrics_granularity: prior.and_then(|p| p.metrics_granularity.clone()),
        min_elb_capacity: prior.and_then(|p| p.min_elb_capacity),
        min_size: long(group.min_size()).unwrap_or_default(),
        mixed_instances_policy: group.mixed_instances_policy().map(Mixed::of_sdk),
        name_prefix: name.as_deref().and_then(name::prefix_of),
        name,
        placement_group: some(group.placement_group()),
        predicted_capacity: long(group.predicted_capacity()),
        protect_from_scale_in: group.new_instances_protected_from_scale_in(),
        service_linked_role_arn: some(group.service_linked_role_arn()),
        suspended_processes: group.suspended_processes().iter().filter_map(|p| p.process_name.clone()).collect(),
        tag: tags.collect(),
        target_group_arns: group.target_group_arns().iter().cloned().collect(),
        termination_policies: policies,
        traffic_source: group
            .traffic_sources()
            .iter()
            .filter_map(|s| Some(Source { identifier: s.identifier()?.to_owned(), r#type: some(s.r#type()) }))
            .collect(),
        vpc_zone_identifier: group.vpc_zone_identifier().unwrap_or_default().split(',').filter(|s| !s.is_empty()).map(Into::into).collect(),
        wait_for_capacity_timeout: prior.and_then(|p| p.wait_for_capacity_timeout.clone()),
        wait_for_elb_capacity: prior.and_then(|p| p.wait_for_elb_capacity),
        warm_pool: group.warm_pool_configuration().filter(|w| w.status().is_none()).map(group_update::WarmPool::of_sdk),
        warm_pool_size: long(group.warm_pool_size()),
    }
}
