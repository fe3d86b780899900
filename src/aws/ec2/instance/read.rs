//! What there is: one call for the instances, one for their volumes, and calls for each only for what somebody manages.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{
    Instance as Described, InstanceAttributeName, InstanceBlockDeviceMapping, LaunchTemplate as Template, SpotInstanceRequest, Volume,
};
use futures::stream::{self, StreamExt, TryStreamExt};

use super::shape::instance;
use super::{Instance, LaunchTemplate, some};
use crate::aws::Aws;
use crate::aws::ec2::{by, by_id};
use crate::aws::error::absent;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Known, Live};

/// Stands between the state of an instance that ended by itself and the reason.
pub(super) const REASON: &str = ": ";
/// How many values a filter takes.
const VALUES: usize = 200;
/// Types that have CPU credits.
const BURSTABLE: &[&str] = &["t2.", "t3.", "t3a.", "t4g."];

/// An instance with what the state holds of it.
pub(super) struct Seen<'a> {
    pub(super) id: &'a str,
    pub(super) owner: String,
    pub(super) now: Described,
    pub(super) prior: Option<&'a Instance>,
}

impl Seen<'_> {
    pub(super) fn state(&self) -> &str {
        self.now.state.as_ref().and_then(|s| s.name.as_ref()).map_or("", |name| name.as_str())
    }

    /// No state has held it yet but as what was asked for.
    pub(super) fn is_new(&self) -> bool {
        self.prior.is_some_and(|p| p.instance_state.is_none())
    }

    pub(super) fn is_import(&self) -> bool {
        self.prior.is_none()
    }

    pub(super) fn ends(&self) -> bool {
        matches!(self.state(), "shutting-down" | "terminated")
    }

    /// Ended without anybody asking: right after the creation that is how AWS says that it could not be made.
    pub(super) fn failure(&self) -> Option<String> {
        let reason = self.now.state_reason.as_ref()?;
        let code = reason.code().unwrap_or_default();
        let fresh = self.is_new() || self.is_import();
        let asked = code.is_empty() || code.starts_with("Client.UserInitiated");
        (fresh && self.ends() && !asked).then(|| reason.message().filter(|m| !m.is_empty()).unwrap_or(code).to_owned())
    }

    pub(super) fn is_there(&self) -> bool {
        self.state() != "terminated" || self.failure().is_some()
    }

    /// Whether to ask for what only a call of its own tells: the call that made it said it, or nobody manages it.
    pub(super) fn asks(&self, managed: impl Fn(&Instance) -> bool) -> bool {
        !self.ends() && !self.is_new() && self.prior.is_none_or(managed)
    }
}

/// What calls of their own tell.
#[derive(Default)]
pub(super) struct Extra {
    pub(super) user_data: Option<String>,
    pub(super) protected: Option<bool>,
    pub(super) unstoppable: Option<bool>,
    pub(super) shutdown: Option<String>,
    pub(super) password: Option<String>,
    pub(super) spot: Option<SpotInstanceRequest>,
}

pub(super) async fn read(cx: &Cx<'_, Aws>, known: &[Known<Instance>]) -> Outcome<Vec<Live<Instance>>> {
    let seen = instances(cx.cloud, known).await?;
    let volumes = describe_volumes(cx.cloud, &seen).await?;
    let credits = credits(cx.cloud, &seen).await?;
    let templates = templates(cx.cloud, &seen).await?;
    let extras: Vec<_> = seen.iter().map(|seen| extra(cx.cloud, seen)).collect();
    let extras: Vec<Extra> = stream::iter(extras).buffered(8).try_collect().await?;
    let live = seen.iter().zip(extras).map(|(seen, extra)| {
        let value = instance(cx.cloud, seen, extra, &volumes, credits.get(seen.id), &templates);
        Live { id: seen.id.to_owned(), value }
    });
    Ok(live.collect())
}

async fn instances<'a>(aws: &Aws, known: &'a [Known<Instance>]) -> Outcome<Vec<Seen<'a>>> {
    let mut pages = aws.ec2.describe_instances().filters(by_id("instance-id", known)).into_paginator().send();
    let mut all = vec![];
    while let Some(page) = pages.next().await {
        for reservation in page?.reservations.unwrap_or_default() {
            let owner = reservation.owner_id.unwrap_or_default();
            for now in reservation.instances.unwrap_or_default() {
                let Some(known) = known.iter().find(|k| Some(k.id.as_str()) == now.instance_id()) else { continue };
                all.push(Seen { id: &known.id, owner: owner.clone(), now, prior: known.prior.as_ref() });
            }
        }
    }
    all.retain(Seen::is_there);
    Ok(all)
}

pub(super) fn volume_id(mapping: &InstanceBlockDeviceMapping) -> Option<&str> {
    mapping.ebs().and_then(|ebs| ebs.volume_id())
}

async fn describe_volumes(aws: &Aws, seen: &[Seen<'_>]) -> Outcome<BTreeMap<String, Volume>> {
    let ids: Vec<&str> = seen.iter().flat_map(|s| s.now.block_device_mappings()).filter_map(volume_id).collect();
    let mut all = BTreeMap::new();
    for ids in ids.chunks(VALUES) {
        let mut pages = aws.ec2.describe_volumes().filters(by("volume-id", ids.iter().copied())).into_paginator().send();
        while let Some(page) = pages.next().await {
            let volumes = page?.volumes.unwrap_or_default().into_iter();
            all.extend(volumes.filter_map(|v| Some((v.volume_id.clone()?, v))));
        }
    }
    Ok(all)
}

async fn credits(aws: &Aws, seen: &[Seen<'_>]) -> Outcome<BTreeMap<String, String>> {
    let managed = |s: &&Seen<'_>| {
        let burstable = s.now.instance_type.as_ref().is_some_and(|kind| BURSTABLE.iter().any(|family| kind.as_str().starts_with(family)));
        burstable && s.asks(|prior| prior.credit_specification.is_some())
    };
    let ids: Vec<String> = seen.iter().filter(managed).map(|s| s.id.to_owned()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    match aws.ec2.describe_instance_credit_specifications().set_instance_ids(Some(ids)).send().await.map_err(Into::into) {
        // Some partitions have no credits.
        Err(Failure { code, .. }) if code == "UnsupportedOperation" => Ok(BTreeMap::new()),
        Err(failure) => Err(failure),
        Ok(answer) => {
            let specs = answer.instance_credit_specifications.unwrap_or_default().into_iter();
            Ok(specs.filter_map(|s| Some((s.instance_id?, s.cpu_credits?))).collect())
        }
    }
}

/// A tag that AWS keeps for itself.
pub(super) fn own_tag<'a>(now: &'a Described, key: &str) -> Option<&'a str> {
    now.tags().iter().find(|t| t.key() == Some(key)).and_then(|t| t.value())
}

pub(super) fn template_id(now: &Described) -> Option<&str> {
    own_tag(now, "aws:ec2launchtemplate:id")
}

/// The launch templates whose names or current versions have to be known to tell whether an instance is still made from them.
async fn templates(aws: &Aws, seen: &[Seen<'_>]) -> Outcome<BTreeMap<String, Template>> {
    let moves = |spec: &LaunchTemplate| spec.name.is_none() || spec.version.as_deref().is_none_or(|v| v.starts_with('$'));
    let asked = seen.iter().filter(|s| !s.ends() && s.prior.is_none_or(|p| p.launch_template.as_ref().is_some_and(moves)));
    let ids: BTreeSet<String> = asked.filter_map(|s| template_id(&s.now).map(str::to_owned)).collect();
    let describe = |ids: Vec<String>| async move {
        let found = aws.ec2.describe_launch_templates().set_launch_template_ids(Some(ids)).send().await;
        absent(found.map_err(Into::into)).map(|found| found.map(|f| f.launch_templates.unwrap_or_default()))
    };
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let found = match describe(ids.iter().cloned().collect()).await? {
        Some(found) => found,
        // One that no longer exists fails the call for all.
        None => crate::aws::each(ids, |id| describe(vec![id])).await?.into_iter().flatten().collect(),
    };
    Ok(found.into_iter().filter_map(|t| Some((t.launch_template_id.clone()?, t))).collect())
}

async fn extra(aws: &Aws, seen: &Seen<'_>) -> Outcome<Extra> {
    use InstanceAttributeName as Name;
    let ask = |name: Name| {
        let call = aws.ec2.describe_instance_attribute().instance_id(seen.id).attribute(name);
        async move { absent(call.send().await.map_err(Into::into)) }
    };
    let mut extra = Extra::default();
    let set = |text: Option<&str>| text.is_some_and(|t| !t.is_empty());
    if seen.asks(|p| set(p.user_data.as_deref()) || set(p.user_data_base64.as_deref())) {
        extra.user_data = ask(Name::UserData).await?.and_then(|a| a.user_data?.value).filter(|v| !v.is_empty());
    }
    if seen.asks(|p| p.disable_api_termination == Some(true)) {
        extra.protected = ask(Name::DisableApiTermination).await?.and_then(|a| a.disable_api_termination?.value);
    }
    if seen.asks(|p| p.disable_api_stop == Some(true)) {
        extra.unstoppable = ask(Name::DisableApiStop).await?.and_then(|a| a.disable_api_stop?.value);
    }
    if seen.asks(|p| p.instance_initiated_shutdown_behavior.as_deref() == Some("terminate")) {
        let answer = ask(Name::InstanceInitiatedShutdownBehavior).await?;
        extra.shutdown = answer.and_then(|a| a.instance_initiated_shutdown_behavior?.value);
    }
    let password = |p: &Instance| p.get_password_data == Some(true) && !set(p.password_data.as_deref());
    if seen.state() == "running" && seen.prior.is_some_and(password) {
        let answer = aws.ec2.get_password_data().instance_id(seen.id).send().await?;
        extra.password = some(answer.password_data.as_deref().map(str::trim));
    }
    if seen.is_import() {
        if let Some(id) = seen.now.spot_instance_request_id() {
            let found = aws.ec2.describe_spot_instance_requests().filters(by("spot-instance-request-id", [id])).send().await?;
            extra.spot = found.spot_instance_requests.unwrap_or_default().into_iter().next();
        }
    }
    Ok(extra)
}
