//! How a group comes to its instances, and how it goes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState, ScalingActivityStatusCode};
use aws_sdk_elasticloadbalancingv2::types::TargetHealthStateEnum;

use super::group::{Group, described};
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Live, Status};

/// How many instances one call frees of their protection.
const FREED: usize = 50;
/// How much earlier than it was seen to lack instances a launch may have begun that counts.
const SLACK: i64 = 5;

/// A text such as `10m` as time; `0` is none.
pub(super) fn timeout(text: &str) -> Option<Duration> {
    if text == "0" {
        return Some(Duration::ZERO);
    }
    text.parse::<jiff::SignedDuration>().ok().map(jiff::SignedDuration::unsigned_abs)
}

/// How far it is with its instances. What waits for it asks again; one that only wants to know does not mind.
pub(super) async fn status(aws: &Aws, group: &AutoScalingGroup, prior: Option<&Group>) -> Outcome<Status> {
    if let Some(status) = group.status() {
        return Ok(Status::Pending(status.to_ascii_lowercase()));
    }
    let Some(wanted) = prior else { return Ok(Status::Ready) };
    let limit = wanted.wait_for_capacity_timeout.as_deref().and_then(timeout).unwrap_or(Duration::from_mins(10));
    if limit.is_zero() {
        return Ok(Status::Ready);
    }
    let name = group.auto_scaling_group_name().unwrap_or_default();
    let has = group.instances().iter().filter(|i| i.lifecycle_state() == Some(&LifecycleState::InService));
    let has = i64::from(has.map(weight).sum::<u32>());
    let needs = group.min_size().unwrap_or(0).max(group.desired_capacity().unwrap_or(0)).into();
    let at_balancers = wanted.wait_for_elb_capacity.filter(|n| *n > 0).or(wanted.min_elb_capacity).unwrap_or(0);
    let lacks = if has < needs {
        format!("waiting for capacity: {has} of {needs} in service")
    } else if at_balancers > 0 {
        match at_load_balancers(aws, group).await? {
            well if well >= at_balancers => return Ok(Status::Ready),
            well => format!("waiting for load balancers: {well} of {at_balancers} instances are well"),
        }
    } else {
        return Ok(Status::Ready);
    };
    let key = format!("autoscaling:lacks:{name}:{needs}:{at_balancers}");
    let since: Arc<(Instant, i64)> = aws.kept.once(key, || async { Ok((Instant::now(), jiff::Timestamp::now().as_second())) }).await?;
    if wanted.ignore_failed_scaling_activities != Some(true)
        && let Some(why) = failed(aws, name, since.1).await?
    {
        return Ok(Status::Failed(format!("no instance could be launched: {why}")));
    }
    if since.0.elapsed() > limit {
        return Ok(Status::Failed(format!("{lacks} after {} s", limit.as_secs())));
    }
    Ok(Status::Pending(lacks))
}

/// For how many units of capacity an instance counts.
fn weight(instance: &aws_sdk_autoscaling::types::Instance) -> u32 {
    instance.weighted_capacity().and_then(|w| w.parse().ok()).unwrap_or(1)
}

/// Why the last launch since then went wrong, if it did.
async fn failed(aws: &Aws, group: &str, since: i64) -> Outcome<Option<String>> {
    let found = aws.autoscaling.describe_scaling_activities().auto_scaling_group_name(group).max_records(1).send().await?;
    // The last comes first.
    let last = found.activities.unwrap_or_default().into_iter().next();
    let last = last.filter(|a| a.status_code == Some(ScalingActivityStatusCode::Failed));
    let last = last.filter(|a| a.start_time.is_some_and(|t| t.secs() >= since - SLACK));
    Ok(last.map(|a| a.status_message.or(a.description).unwrap_or_else(|| "AWS gives no reason".into())))
}

/// How many of its instances are well at all target groups that it sends to.
async fn at_load_balancers(aws: &Aws, group: &AutoScalingGroup) -> Outcome<i64> {
    let mut well: BTreeSet<&str> = group.instances().iter().filter_map(|i| i.instance_id()).collect();
    for arn in group.target_group_arns() {
        let found = absent(aws.elb.describe_target_health().target_group_arn(arn).send().await.map_err(Into::into))?;
        let targets = found.and_then(|f| f.target_health_descriptions).unwrap_or_default();
        let healthy: BTreeSet<String> = targets
            .into_iter()
            .filter(|t| t.target_health.as_ref().and_then(|h| h.state.as_ref()) == Some(&TargetHealthStateEnum::Healthy))
            .filter_map(|t| t.target?.id)
            .collect();
        well.retain(|id| healthy.contains(*id));
    }
    Ok(i64::try_from(well.len()).unwrap_or(i64::MAX))
}

/// Takes the instances away, then the group. Until they are gone it is busy.
pub(super) async fn delete(aws: &Aws, live: &Live<Group>) -> Outcome<()> {
    let (client, name) = (&aws.autoscaling, live.id.as_str());
    let Some(group) = described(aws, vec![name.to_owned()]).await?.into_iter().next() else { return Ok(()) };
    if group.status().is_some() {
        return Ok(());
    }
    let force = live.value.force_delete == Some(true);
    if group.warm_pool_configuration().is_some() {
        let force = force || live.value.force_delete_warm_pool == Some(true);
        let leaves = group.warm_pool_configuration().is_some_and(|w| w.status().is_some());
        if !leaves {
            client.delete_warm_pool().auto_scaling_group_name(name).force_delete(force).send().await?;
        }
        if !force {
            return Err(busy(&format!("the warm pool of {name} is on its way out")));
        }
    }
    if !force && drains(aws, &group).await? {
        return Err(busy(&format!("{name} has {} instances left", group.instances().len())));
    }
    client.delete_auto_scaling_group().auto_scaling_group_name(name).force_delete(force).send().await?;
    Ok(())
}

fn busy(why: &str) -> Failure {
    Failure::other(why).because(Cause::Busy)
}

/// Whether there are instances to wait for; sees to it that they end.
async fn drains(aws: &Aws, group: &AutoScalingGroup) -> Outcome<bool> {
    let (client, name) = (&aws.autoscaling, group.auto_scaling_group_name().unwrap_or_default());
    let sizes = [group.min_size(), group.max_size(), group.desired_capacity()];
    if sizes.into_iter().any(|n| n != Some(0)) {
        let call = client.update_auto_scaling_group().auto_scaling_group_name(name).min_size(0).max_size(0);
        call.desired_capacity(0).send().await?;
    }
    // Nothing would ever end.
    if group.suspended_processes().iter().any(|p| p.process_name() == Some("Terminate")) {
        client.resume_processes().auto_scaling_group_name(name).scaling_processes("Terminate").send().await?;
    }
    let guarded: Vec<String> =
        group.instances().iter().filter(|i| i.protected_from_scale_in() == Some(true)).filter_map(|i| i.instance_id.clone()).collect();
    for some in guarded.chunks(FREED) {
        let call = client.set_instance_protection().auto_scaling_group_name(name).set_instance_ids(Some(some.to_vec()));
        call.protected_from_scale_in(false).send().await?;
    }
    Ok(!group.instances().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_terraform_writes_them() {
        assert_eq!(timeout("10m"), Some(Duration::from_mins(10)));
        assert_eq!(timeout("1h30m"), Some(Duration::from_mins(90)));
        assert_eq!(timeout("0"), Some(Duration::ZERO));
        assert_eq!(timeout("soon"), None);
    }
}
