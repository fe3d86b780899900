//! EBS volumes.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::primitives::DateTimeFormat;
use aws_sdk_ec2::types::{ResourceType, Snapshot, Volume, VolumeModification, VolumeType};

use super::{INTENT_TAG, VALUES, arn_of, by, retag, tagged, tags, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::Arn;
use crate::words::Value;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};

crate::blocks! {
    /// A disk that outlives the instance that it is attached to.
    pub struct EbsVolume {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The zone that it lies in; only instances there can use it.
        #[attr(force_new)]
        availability_zone: String,
        /// When it was made.
        #[attr(computed)]
        create_time: Option<String>,
        /// Whether it is encrypted. Where left out the account's own setting decides.
        #[attr(chosen, force_new)]
        encrypted: Option<bool>,
        /// Keep a snapshot of it when it is deleted.
        #[attr(local, default_bool(false))]
        final_snapshot: Option<bool>,
        /// Operations a second, for types `io1`, `io2` and `gp3`.
        #[attr(chosen, within(100, 256_000))]
        iops: Option<i64>,
        /// The key that encrypts it, by its ARN; needs `encrypted = true`.
        #[attr(chosen, force_new, refers("aws_kms_key.arn"))]
        kms_key_id: Option<Arn>,
        /// Whether several instances may use it at once, for types `io1` and `io2`.
        #[attr(force_new)]
        multi_attach_enabled: Option<bool>,
        /// The Outpost that it lies on.
        #[attr(force_new)]
        outpost_arn: Option<Arn>,
        /// How many GiB it holds. It can grow, not shrink.
        #[attr(chosen, within(1, 65_536))]
        size: Option<i64>,
        /// The snapshot that it begins with.
        #[attr(chosen, force_new, refers("aws_ebs_snapshot.id"))]
        snapshot_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// MiB a second, for type `gp3`.
        #[attr(chosen, within(125, 2000))]
        throughput: Option<i64>,
        /// The type: `gp2` where left out.
        #[attr(chosen, one_of(&["gp2", "gp3", "io1", "io2", "sc1", "st1", "standard"]))]
        r#type: Option<String>,
    }
}

/// The code of a deletion that waits for the final snapshot.
const SNAPSHOT_PENDING: &str = "SnapshotPending";

impl Resource for EbsVolume {
    const TYPE: &'static str = "aws_ebs_volume";
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "5m"), ("delete", "10m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateTags", code: "InvalidVolume.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "CreateSnapshot", code: "SnapshotCreationPerVolumeRateExceeded", message: "", within: Duration::from_secs(60) },
        Retry { operation: "DeleteVolume", code: SNAPSHOT_PENDING, message: "", within: Duration::from_secs(6 * 3600) },
        Retry { operation: "DeleteVolume", code: "VolumeInUse", message: "", within: Duration::from_secs(600) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_ebs_volume.example]
availability_zone = "us-east-1a"
size = 10
type = "gp2"
tags = { Name = "data" }
---
[resource.aws_ebs_volume.example]
availability_zone = "us-east-1a"
size = 20
type = "gp3"
iops = 4000
throughput = 250
final_snapshot = true
tags = { Name = "archive", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_volume().client_token(cx.token).availability_zone(&self.availability_zone);
        let call = call.set_size(int(self.size)).set_snapshot_id(self.snapshot_id.clone()).set_encrypted(self.encrypted);
        let call = call.set_volume_type(self.r#type.as_deref().map(VolumeType::from)).set_iops(int(self.iops));
        let call = call.set_throughput(int(self.throughput)).set_multi_attach_enabled(self.multi_attach_enabled.filter(|yes| *yes));
        let call = call.set_kms_key_id(self.kms_key_id.as_ref().map(|key| key.to_string()));
        let call = call.set_outpost_arn(self.outpost_arn.as_ref().map(|arn| arn.to_string()));
        let call = call.set_tag_specifications(tagged(ResourceType::Volume, &self.tags_all));
        call.send().await?.volume_id.ok_or_else(|| lacking("volume id"))
    }

    /// By its zone and the name that somebody gave it.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some(name) = self.tags_all.get("Name") else { return Ok(vec![]) };
        let there = by("status", ["creating", "available", "in-use"]);
        let call = cx.cloud.ec2.describe_volumes().filters(by("availability-zone", [&self.availability_zone])).filters(there);
        let found = call.filters(by("tag:Name", [name])).send().await?.volumes.unwrap_or_default();
        Ok(found.into_iter().filter_map(|v| v.volume_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_volumes().into_paginator().items().send().try_collect().await?;
        let devices = ["root_block_device", "ebs_block_device"];
        let owned = cx.reads.asked(&["aws_instance"]).flat_map(|a| devices.map(|d| a.prior.attr(d).items()).into_iter().flatten());
        let owned: BTreeSet<&str> = owned.filter_map(|device| device.attr("volume_id").as_str()).collect();
        let listed = found.iter().filter_map(|v| {
            let goes = v.attachments().iter().any(|a| a.delete_on_termination() == Some(true));
            let listed = listing::listed(v.volume_id(), v.tags())?.noise(goes, "that go with an instance");
            let listed = listed.noise(v.volume_id().is_some_and(|id| owned.contains(id)), "devices of managed instances");
            Some(listed.noise(listing::operated(v.operator()), "kept by an AWS service").costs())
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = volumes(cx, known.iter().map(|k| k.id.clone()).collect()).await?;
        let state = |volume: &Volume| volume.state().map_or_else(String::new, |s| s.as_str().to_owned());
        let mut live = vec![];
        for known in known {
            let Some(volume) = found.iter().find(|v| v.volume_id() == Some(&known.id)) else { continue };
            match state(volume).as_str() {
                "deleting" | "deleted" => continue,
                "available" | "in-use" | "" => {}
                "error" => cx.reads.says(Self::TYPE, &known.id, Status::Failed("error: EC2 could not make the volume".into())),
                other => cx.reads.says(Self::TYPE, &known.id, Status::Pending(other.to_owned())),
            }
            live.push(Live { id: known.id.clone(), value: ebs_volume(cx.cloud, volume, known.prior.as_ref()).await? });
        }
        modifications(cx, known, &live).await?;
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        if self.reshapes(old) {
            let kind = self.r#type.as_deref().unwrap_or("gp2");
            // What goes with the old type alone is not for the new one; else EC2 falls back to its defaults unless told.
            let same = self.r#type == old.r#type || (provisioned(kind) && old.r#type.as_deref().is_some_and(provisioned));
            let iops = self.iops.filter(|_| provisioned(kind) && (same || self.iops != old.iops));
            let throughput = self.throughput.filter(|_| kind == "gp3");
            let call = cx.cloud.ec2.modify_volume().volume_id(&live.id).set_size(int(self.size)).volume_type(VolumeType::from(kind));
            let sent = call.set_iops(int(iops)).set_throughput(int(throughput)).send().await;
            sent.map_err(|error| modified_lately(error.into()))?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if live.value.final_snapshot == Some(true) {
            keep_snapshot(cx.cloud, live).await?;
        }
        cx.cloud.ec2.delete_volume().volume_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("vol-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a volume")).help("give an id such as `vol-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let absent = |name: &str| given.attr(name).is_null();
        let mut problems = vec![];
        if absent("size") && absent("snapshot_id") {
            problems.push(Problem::new("", "give `size`, or `snapshot_id` for the size of a snapshot"));
        }
        if !absent("kms_key_id") && given.attr("encrypted").as_bool() == Some(false) {
            problems.push(Problem::new("kms_key_id", "a key needs `encrypted = true`"));
        }
        let kind = if absent("type") { Some("gp2") } else { given.attr("type").as_str() };
        if let Some(kind) = kind {
            problems.extend(check_kind(given, kind));
        }
        problems
    }

    /// A volume can't shrink, and a new type has its own figures where the user gives none.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let kind = |value: &Value| value.attr("type").as_str().unwrap_or("gp2").to_owned();
        let (old, new) = (kind(prior), kind(planned.want));
        let changed = |name: &str| planned.changed.iter().any(|c| c == name);
        if old != new {
            let iops = !changed("iops") && !(provisioned(&old) && provisioned(&new));
            for (name, along) in [("iops", iops), ("throughput", !changed("throughput"))] {
                if along {
                    *planned.want = std::mem::take(planned.want).with(name, Value::unknown());
                }
            }
        }
        if let (Some(have), Some(want)) = (prior.attr("size").as_number(), planned.want.attr("size").as_number())
            && want < have
        {
            planned.replace.push("size".into());
        }
    }
}

impl EbsVolume {
    /// Whether it asks for another disk than the other one is; what it leaves open is as it is.
    fn reshapes(&self, old: &Self) -> bool {
        let differs = |want: Option<i64>, have: Option<i64>| int(want).is_some() && int(want) != int(have);
        self.r#type.is_some() && self.r#type != old.r#type
            || differs(self.size, old.size)
            || differs(self.iops, old.iops)
            || differs(self.throughput, old.throughput)
    }
}

/// Whether a type has operations a second for the user to choose.
fn provisioned(kind: &str) -> bool {
    matches!(kind, "io1" | "io2" | "gp3")
}

fn int(number: Option<i64>) -> Option<i32> {
    number.and_then(|n| i32::try_from(n).ok()).filter(|n| *n != 0)
}

fn check_kind(given: &Value, kind: &str) -> Vec<Problem> {
    let (iops, throughput) = (given.attr("iops"), given.attr("throughput"));
    let mut problems = vec![];
    if kind.starts_with("io") && iops.is_null() {
        problems.push(Problem::new("iops", format!("type `{kind}` needs `iops`")));
    }
    if !provisioned(kind) && iops.as_number().is_some_and(|n| n.as_i64() != Some(0)) {
        problems.push(Problem::new("iops", format!("type `{kind}` has no `iops` to choose: only `gp3`, `io1` and `io2` have")));
    }
    if kind != "gp3" && throughput.as_number().is_some_and(|n| n.as_i64() != Some(0)) {
        problems.push(Problem::new("throughput", format!("type `{kind}` has no `throughput` to choose: only `gp3` has")));
    }
    if !kind.starts_with("io") && given.attr("multi_attach_enabled").as_bool() == Some(true) {
        problems.push(Problem::new("multi_attach_enabled", "only volumes of type `io1` and `io2` go to several instances"));
    }
    problems
}

/// The volumes with those ids; one call for all that the sweep needs to know of volumes.
pub(super) async fn volumes(cx: &Cx<'_, Aws>, ids: Vec<Id>) -> Outcome<Arc<Vec<Volume>>> {
    let mut all: Vec<Id> = cx.reads.asked(&["aws_ebs_volume"]).map(|a| a.id.clone()).collect();
    let attached = cx.reads.asked(&["aws_volume_attachment"]);
    all.extend(attached.filter_map(|a| a.prior.attr("volume_id").as_str().map(str::to_owned)));
    all.extend(ids);
    all.sort_unstable();
    all.dedup();
    cx.reads
        .once(format!("ec2:DescribeVolumes:{}", all.join(",")), || async {
            let mut found = vec![];
            for some in all.chunks(VALUES) {
                let pages = cx.cloud.ec2.describe_volumes().filters(by("volume-id", some)).into_paginator();
                found.extend(pages.items().send().try_collect().await?);
            }
            Ok(found)
        })
        .await
}

/// Says of which volumes a modification is still under way. Asked only for those that are not as they were known to be: the
/// answer is a call of its own.
async fn modifications(cx: &Cx<'_, Aws>, known: &[Known<EbsVolume>], live: &[Live<EbsVolume>]) -> Outcome<()> {
    let differs = |l: &&Live<EbsVolume>| {
        let prior = known.iter().find(|k| k.id == l.id).and_then(|k| k.prior.as_ref());
        prior.is_some_and(|prior| prior.reshapes(&l.value))
    };
    let ids: Vec<&str> = live.iter().filter(differs).map(|l| l.id.as_str()).collect();
    if ids.is_empty() {
        return Ok(());
    }
    let pages = cx.cloud.ec2.describe_volumes_modifications().filters(by("volume-id", ids)).into_paginator();
    let found: Vec<VolumeModification> = pages.items().send().try_collect().await?;
    for modification in found {
        let id = modification.volume_id().unwrap_or_default();
        match modification.modification_state().map(|s| s.as_str()) {
            Some("modifying") => cx.reads.says(EbsVolume::TYPE, id, Status::Pending("modifying".into())),
            Some("failed") => {
                let why = modification.status_message().unwrap_or("no reason given");
                cx.reads.says(EbsVolume::TYPE, id, Status::Failed(format!("modification failed: {why}")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn modified_lately(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "VolumeModificationRateExceeded" | "IncorrectModificationState" => {
            failure.help("a volume can be changed again six hours after the last change, once that is complete")
        }
        _ => failure,
    }
}

/// Makes the final snapshot, and refuses until it is complete: the deletion is tried again then.
async fn keep_snapshot(aws: &Aws, live: &Live<EbsVolume>) -> Outcome<()> {
    let filters = [by("volume-id", [&live.id]), by(&format!("tag:{INTENT_TAG}"), [&live.id])];
    let call = aws.ec2.describe_snapshots().owner_ids("self").set_filters(Some(filters.into()));
    let found: Vec<Snapshot> = call.into_paginator().items().send().try_collect().await?;
    let Some(snapshot) = found.first() else {
        let call = aws.ec2.create_snapshot().volume_id(&live.id).description(format!("Final snapshot of {}", live.id));
        let call = call.set_tag_specifications(tagged(ResourceType::Snapshot, &with_intent(&live.value.tags_all, &live.id)));
        let made = call.send().await?;
        return Err(snapshot_pending(made.snapshot_id().unwrap_or_default()));
    };
    let id = snapshot.snapshot_id().unwrap_or_default();
    match snapshot.state().map(|s| s.as_str()) {
        Some("completed") => Ok(()),
        Some("error") => {
            let why = snapshot.state_message().unwrap_or("no reason given");
            Err(Failure::other(format!("the final snapshot {id} failed: {why}")))
        }
        _ => Err(snapshot_pending(id)),
    }
}

fn snapshot_pending(id: &str) -> Failure {
    let waiting = Failure::other(format!("the final snapshot {id} is not complete yet")).because(Cause::Busy);
    Failure { service: "ec2", operation: "DeleteVolume".into(), code: SNAPSHOT_PENDING.into(), ..waiting }
}

async fn ebs_volume(aws: &Aws, volume: &Volume, prior: Option<&EbsVolume>) -> Outcome<EbsVolume> {
    let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let arn = arn_of(aws, &aws.account().await?, &format!("volume/{}", volume.volume_id().unwrap_or_default()));
    Ok(EbsVolume {
        arn: Some(arn),
        availability_zone: volume.availability_zone().unwrap_or_default().to_owned(),
        create_time: volume.create_time().and_then(|time| time.fmt(DateTimeFormat::DateTime).ok()),
        encrypted: Some(volume.encrypted().unwrap_or(false)),
        final_snapshot: prior.and_then(|p| p.final_snapshot),
        iops: volume.iops().map(i64::from),
        kms_key_id: some(volume.kms_key_id()).map(Arn::from),
        multi_attach_enabled: Some(volume.multi_attach_enabled().unwrap_or(false)),
        outpost_arn: some(volume.outpost_arn()).map(Arn::from),
        size: volume.size().map(i64::from),
        snapshot_id: some(volume.snapshot_id()),
        tags: Tags::new(),
        tags_all: tags(volume.tags.as_deref()),
        throughput: volume.throughput().map(i64::from),
        r#type: volume.volume_type().map(|kind| kind.as_str().to_owned()),
    })
}
