//! Making an Auto Scaling group what it should be, and replacing its instances.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_autoscaling::types::{
    DesiredConfiguration, InstanceReusePolicy as SdkReuse, RefreshStrategy, WarmPoolConfiguration, WarmPoolState,
};

use super::group::Group;
use super::group_blocks::{Maintenance, Preferences, Refresh, Reservation, ZoneDistribution};
use super::launch::renamed;
use super::{int, long, some};
use crate::aws::wait::{Seen, until};
use crate::aws::{Aws, delta};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Live;
use crate::words::schema::Field;
use crate::words::value::Value;

/// How many load balancers, or target groups, one call takes.
const ATTACHED: usize = 10;
/// How long a replacement that is under way may take to stop.
const STOPS: Duration = Duration::from_mins(15);
/// What instances are made of.
const MADE_OF: &[&str] = &["launch_configuration", "launch_template", "mixed_instances_policy"];

crate::blocks! {
    /// Instances kept ready.
    pub struct WarmPool {
        /// Whether instances that are not needed any more go back to it.
        instance_reuse_policy: Option<Reuse>,
        /// How many instances there are at most, in the group and in the pool; -1 for as many as the group may have.
        #[attr(default_int(-1))]
        max_group_prepared_capacity: Option<i64>,
        /// The least instances in it.
        #[attr(default_int(0))]
        min_size: Option<i64>,
        /// How they wait.
        #[attr(default_text("Stopped"), one_of(&["Stopped", "Running", "Hibernated"]))]
        pool_state: Option<String>,
    }

    /// Whether instances go back to the pool.
    pub struct Reuse {
        /// Whether they do when the group shrinks.
        #[attr(default_bool(false))]
        reuse_on_scale_in: Option<bool>,
    }
}

impl WarmPool {
    /// What AWS answers.
    pub(super) fn of_sdk(sdk: &WarmPoolConfiguration) -> Self {
        Self {
            instance_reuse_policy: sdk.instance_reuse_policy().map(|r| Reuse { reuse_on_scale_in: r.reuse_on_scale_in() }),
            max_group_prepared_capacity: long(sdk.max_group_prepared_capacity()).or(Some(-1)),
            min_size: long(sdk.min_size()).or(Some(0)),
            pool_state: some(sdk.pool_state().map(WarmPoolState::as_str)),
        }
    }
}

/// Makes the live one like `want`.
pub(super) async fn update(want: &Group, aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (name, old) = (live.id.as_str(), &live.value);
    if settings(want) != settings(old) {
        send(want, aws, live).await?;
    }
    tags(want, aws, live).await?;
    attachments(want, aws, live).await?;
    processes(want, aws, live).await?;
    if want.warm_pool != old.warm_pool {
        warm_pool(want, aws, name).await?;
    }
    match &want.instance_refresh {
        Some(refresh) if replaces(refresh, want, old) => start(refresh, want, aws, name).await,
        _ => Ok(()),
    }
}

/// What one UpdateAutoScalingGroup sets.
fn settings(group: &Group) -> Vec<Value> {
    let names = [
        "availability_zone_distribution",
        "availability_zones",
        "capacity_rebalance",
        "capacity_reservation_specification",
        "context",
        "default_cooldown",
        "default_instance_warmup",
        "desired_capacity",
        "desired_capacity_type",
        "health_check_grace_period",
        "health_check_type",
        "instance_maintenance_policy",
        "launch_configuration",
        "launch_template",
        "max_instance_lifetime",
        "max_size",
        "min_size",
        "mixed_instances_policy",
        "placement_group",
        "protect_from_scale_in",
        "service_linked_role_arn",
        "termination_policies",
        "vpc_zone_identifier",
    ];
    let all = group.give();
    names.iter().map(|name| all.attr(name).clone()).collect()
}

/// Only what changes is sent: what scaling has set meanwhile stays.
async fn send(want: &Group, aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (old, all, had) = (&live.value, want.give(), live.value.give());
    let changes = |name: &str| all.attr(name) != had.attr(name);
    let new = |name: &str, n: Option<i64>| int(n).filter(|_| changes(name));
    let text = |name: &str, t: &Option<String>| some(t.as_deref()).filter(|_| changes(name));
    let call = aws.autoscaling.update_auto_scaling_group().auto_scaling_group_name(&live.id);
    let call = call.set_min_size(new("min_size", Some(want.min_size))).set_max_size(new("max_size", Some(want.max_size)));
    let call = call.set_desired_capacity(new("desired_capacity", want.desired_capacity));
    let call = call.set_desired_capacity_type(text("desired_capacity_type", &want.desired_capacity_type));
    let call = call.set_default_cooldown(new("default_cooldown", want.default_cooldown));
    let warmup = changes("default_instance_warmup").then(|| int(want.default_instance_warmup).unwrap_or(-1));
    let call = call.set_default_instance_warmup(warmup);
    // AWS wants both together.
    let health = changes("health_check_type") || changes("health_check_grace_period");
    let call = call.set_health_check_type(some(want.health_check_type.as_deref()).filter(|_| health));
    let call = call.set_health_check_grace_period(int(want.health_check_grace_period).filter(|_| health));
    let call = call.set_launch_configuration_name(text("launch_configuration", &want.launch_configuration));
    let template = want.launch_template.as_ref().filter(|_| changes("launch_template"));
    let call = call.set_launch_template(template.map(|t| t.sdk(old.launch_template.as_ref())));
    let mixed = want.mixed_instances_policy.as_ref().filter(|_| changes("mixed_instances_policy"));
    let call = call.set_mixed_instances_policy(mixed.map(|m| m.sdk(old.mixed_instances_policy.as_ref())));
    let call = call.set_vpc_zone_identifier(want.subnets().filter(|_| changes("vpc_zone_identifier")));
    let zones = changes("availability_zones") && want.vpc_zone_identifier.is_empty();
    let call = call.set_availability_zones(zones.then(|| want.availability_zones.iter().cloned().collect()));
    let call = call.set_capacity_rebalance(changes("capacity_rebalance").then_some(want.capacity_rebalance.unwrap_or(false)));
    let lifetime = changes("max_instance_lifetime").then(|| int(want.max_instance_lifetime).unwrap_or(0));
    let call = call.set_max_instance_lifetime(lifetime).set_context(text("context", &want.context));
    let placed = changes("placement_group").then(|| want.placement_group.clone().unwrap_or_default());
    let call = call.set_placement_group(placed);
    let guards = changes("protect_from_scale_in").then_some(want.protect_from_scale_in.unwrap_or(false));
    let call = call.set_new_instances_protected_from_scale_in(guards);
    let call = call.set_service_linked_role_arn(text("service_linked_role_arn", &want.service_linked_role_arn));
    let policies = changes("termination_policies").then(|| match want.termination_policies.as_slice() {
        [] => vec!["Default".to_owned()],
        some => some.to_vec(),
    });
    let call = call.set_termination_policies(policies);
    let maintenance = changes("instance_maintenance_policy").then(|| match &want.instance_maintenance_policy {
        Some(policy) => policy.sdk(),
        None => Maintenance { max_healthy_percentage: -1, min_healthy_percentage: -1 }.sdk(),
    });
    let call = call.set_instance_maintenance_policy(maintenance);
    let spread = want.availability_zone_distribution.as_ref().filter(|_| changes("availability_zone_distribution"));
    let reserved = want.capacity_reservation_specification.as_ref().filter(|_| changes("capacity_reservation_specification"));
    let call = call.set_availability_zone_distribution(spread.map(ZoneDistribution::sdk));
    call.set_capacity_reservation_specification(reserved.map(Reservation::sdk)).send().await?;
    Ok(())
}

async fn tags(want: &Group, aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (old, name) = (&live.value.tag, live.id.as_str());
    let kept: BTreeSet<&str> = want.tag.iter().map(|t| t.key.as_str()).collect();
    let gone: Vec<_> = old.iter().filter(|t| !kept.contains(t.key.as_str())).map(|t| t.sdk(name)).collect();
    if !gone.is_empty() {
        aws.autoscaling.delete_tags().set_tags(Some(gone)).send().await?;
    }
    let set: Vec<_> = want.tag.difference(old).map(|t| t.sdk(name)).collect();
    if !set.is_empty() {
        aws.autoscaling.create_or_update_tags().set_tags(Some(set)).send().await?;
    }
    Ok(())
}

/// Who sends to its instances.
async fn attachments(want: &Group, aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (client, old, name) = (&aws.autoscaling, &live.value, live.id.as_str());
    let owned = |texts: &[&String]| Some(texts.iter().map(|t| (*t).clone()).collect::<Vec<_>>());
    let (gone, new) = delta(&old.target_group_arns, &want.target_group_arns);
    for some in gone.chunks(ATTACHED) {
        let call = client.detach_load_balancer_target_groups().auto_scaling_group_name(name);
        call.set_target_group_arns(owned(some)).send().await?;
    }
    for some in new.chunks(ATTACHED) {
        let call = client.attach_load_balancer_target_groups().auto_scaling_group_name(name);
        call.set_target_group_arns(owned(some)).send().await?;
    }
    let (gone, new) = delta(&old.load_balancers, &want.load_balancers);
    for some in gone.chunks(ATTACHED) {
        client.detach_load_balancers().auto_scaling_group_name(name).set_load_balancer_names(owned(some)).send().await?;
    }
    for some in new.chunks(ATTACHED) {
        client.attach_load_balancers().auto_scaling_group_name(name).set_load_balancer_names(owned(some)).send().await?;
    }
    // They are told among the traffic sources as well.
    if old.target_group_arns != want.target_group_arns || old.load_balancers != want.load_balancers {
        return Ok(());
    }
    let (gone, new) = delta(&old.traffic_source, &want.traffic_source);
    for some in gone.chunks(ATTACHED) {
        let call = client.detach_traffic_sources().auto_scaling_group_name(name);
        call.set_traffic_sources(Some(some.iter().map(|s| s.sdk()).collect())).send().await?;
    }
    for some in new.chunks(ATTACHED) {
        let call = client.attach_traffic_sources().auto_scaling_group_name(name);
        call.set_traffic_sources(Some(some.iter().map(|s| s.sdk()).collect())).send().await?;
    }
    Ok(())
}

/// What it does not do for now, and what it publishes.
async fn processes(want: &Group, aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (client, old, name) = (&aws.autoscaling, &live.value, live.id.as_str());
    let owned = |texts: Vec<&String>| Some(texts.into_iter().cloned().collect::<Vec<_>>());
    let (resumed, suspended) = delta(&old.suspended_processes, &want.suspended_processes);
    if !resumed.is_empty() {
        client.resume_processes().auto_scaling_group_name(name).set_scaling_processes(owned(resumed)).send().await?;
    }
    if !suspended.is_empty() {
        client.suspend_processes().auto_scaling_group_name(name).set_scaling_processes(owned(suspended)).send().await?;
    }
    let (disabled, enabled) = delta(&old.enabled_metrics, &want.enabled_metrics);
    if !disabled.is_empty() {
        client.disable_metrics_collection().auto_scaling_group_name(name).set_metrics(owned(disabled)).send().await?;
    }
    if !enabled.is_empty() {
        let granularity = some(want.metrics_granularity.as_deref()).unwrap_or_else(|| "1Minute".into());
        let call = client.enable_metrics_collection().auto_scaling_group_name(name).granularity(granularity);
        call.set_metrics(owned(enabled)).send().await?;
    }
    Ok(())
}

async fn warm_pool(want: &Group, aws: &Aws, name: &str) -> Outcome<()> {
    let Some(pool) = &want.warm_pool else {
        let force = want.force_delete == Some(true) || want.force_delete_warm_pool == Some(true);
        aws.autoscaling.delete_warm_pool().auto_scaling_group_name(name).force_delete(force).send().await?;
        return Ok(());
    };
    let call = aws.autoscaling.put_warm_pool().auto_scaling_group_name(name).set_min_size(int(pool.min_size));
    let call = call.set_max_group_prepared_capacity(int(pool.max_group_prepared_capacity));
    let call = call.set_pool_state(some(pool.pool_state.as_deref()).as_deref().map(WarmPoolState::from));
    let reuse = pool.instance_reuse_policy.as_ref();
    let reuse = reuse.map(|r| SdkReuse::builder().reuse_on_scale_in(r.reuse_on_scale_in.unwrap_or(false)).build());
    call.set_instance_reuse_policy(reuse).send().await?;
    Ok(())
}

/// Whether the change is one that instances are replaced for.
fn replaces(refresh: &Refresh, want: &Group, old: &Group) -> bool {
    let (want, old) = (want.give(), old.give());
    let triggers = refresh.triggers.iter().map(String::as_str).chain(MADE_OF.iter().copied());
    triggers.into_iter().any(|name| want.attr(name) != old.attr(name))
}

/// Begins to replace the instances. A replacement that is under way would go on with what was wanted before: it is stopped.
async fn start(refresh: &Refresh, want: &Group, aws: &Aws, name: &str) -> Outcome<()> {
    let call = || {
        let call = aws.autoscaling.start_instance_refresh().auto_scaling_group_name(name);
        let call = call.strategy(RefreshStrategy::from(refresh.strategy.as_str()));
        let rolls_back = refresh.preferences.as_ref().is_some_and(|p| p.auto_rollback == Some(true));
        // What to come back from has to be told.
        let desired = rolls_back.then(|| {
            let desired = DesiredConfiguration::builder().set_launch_template(want.launch_template.as_ref().map(|t| t.sdk(None)));
            desired.set_mixed_instances_policy(want.mixed_instances_policy.as_ref().map(|m| m.sdk(None))).build()
        });
        call.set_desired_configuration(desired).set_preferences(refresh.preferences.as_ref().map(Preferences::sdk))
    };
    match call().send().await.map_err(Failure::from) {
        Err(failure) if failure.code.starts_with("InstanceRefreshInProgress") => {}
        other => return other.map(drop),
    }
    aws.autoscaling.cancel_instance_refresh().auto_scaling_group_name(name).send().await?;
    let ask = || async {
        let found = aws.autoscaling.describe_instance_refreshes().auto_scaling_group_name(name).max_records(1).send().await?;
        let status = found.instance_refreshes.unwrap_or_default().into_iter().next().and_then(|r| r.status);
        let status = status.map_or_else(|| "Cancelled".to_owned(), |s| s.as_str().to_owned());
        let under_way = matches!(status.as_str(), "Pending" | "InProgress" | "Cancelling" | "RollbackInProgress" | "Baking");
        Ok(if under_way { Seen::Not(status) } else { Seen::Done(()) })
    };
    until(&format!("the instance refresh of {name}"), "stopped", STOPS, ask).await?;
    call().send().await?;
    Ok(())
}

/// The mixed instances that are wanted, with what follows from another name or id of their templates unknown.
pub(super) fn mixed_renamed(want: Value, prior: &Value) -> Value {
    const KEYS: [&str; 2] = ["launch_template_id", "launch_template_name"];
    const SPECIFICATION: &str = "launch_template_specification";
    let first = |value: &Value, name: &str| value.attr(name).items().first().cloned();
    let policies = (first(&want, "mixed_instances_policy"), first(prior, "mixed_instances_policy"));
    let (Some(policy), Some(old)) = policies else { return want };
    let policy = pooled(policy, &old);
    let (Some(template), Some(old)) = (first(&policy, "launch_template"), first(&old, "launch_template")) else { return want };
    let specification = renamed(template.attr(SPECIFICATION), old.attr(SPECIFICATION), KEYS);
    let overrides = template.attr("override").items().iter().enumerate().map(|(at, o)| {
        let old = old.attr("override").items().get(at).unwrap_or(&Value::Null);
        o.clone().with(SPECIFICATION, renamed(o.attr(SPECIFICATION), old.attr(SPECIFICATION), KEYS))
    });
    let overrides = Value::list(overrides);
    let template = template.with(SPECIFICATION, specification).with("override", overrides);
    let policy = policy.with("launch_template", Value::list([template]));
    want.with("mixed_instances_policy", Value::list([policy]))
}

/// Another strategy has another number of Spot pools, or none.
fn pooled(policy: Value, old: &Value) -> Value {
    const DISTRIBUTION: &str = "instances_distribution";
    let first = |value: &Value| value.attr(DISTRIBUTION).items().first().cloned();
    let (Some(new), Some(old)) = (first(&policy), first(old)) else { return policy };
    let same = |name: &str| new.attr(name).bare() == old.attr(name).bare();
    if same("spot_allocation_strategy") || !same("spot_instance_pools") {
        return policy;
    }
    let new = new.with("spot_instance_pools", Value::unknown());
    policy.with(DISTRIBUTION, Value::list([new]))
}
