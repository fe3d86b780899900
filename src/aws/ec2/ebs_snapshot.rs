//! Snapshots of EBS volumes.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, Snapshot as Answer, SnapshotTierStatus, TargetStorageTier};

use super::{INTENT_TAG, alike, by, by_id, by_tags, retag, some, tagged, tags, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::Arn;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};

crate::blocks! {
    /// A copy of a volume at a moment; it outlives the volume.
    pub struct EbsSnapshot {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The id of the key that encrypts its data.
        #[attr(computed)]
        data_encryption_key_id: Option<String>,
        /// What it is for.
        #[attr(force_new)]
        description: Option<String>,
        /// Whether it is encrypted, as its volume is.
        #[attr(computed)]
        encrypted: Option<bool>,
        /// The key that encrypts it.
        #[attr(computed)]
        kms_key_id: Option<String>,
        /// The Outpost that it is kept on.
        #[attr(force_new)]
        outpost_arn: Option<Arn>,
        /// The name of the account that it belongs to, where that is Amazon's.
        #[attr(computed)]
        owner_alias: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Whether it stays out of the archive for good, once it is brought back.
        #[attr(local)]
        permanent_restore: Option<bool>,
        /// Where it is kept: the archive is cheap, and takes a day or more to bring it back.
        #[attr(chosen, one_of(&["standard", "archive"]))]
        storage_tier: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// For how many days it is brought back from the archive.
        #[attr(local, conflicts(&["permanent_restore"]))]
        temporary_restore_days: Option<i64>,
        /// The volume.
        #[attr(force_new, refers("aws_ebs_volume.id"))]
        volume_id: String,
        /// How many GiB the volume holds.
        #[attr(computed)]
        volume_size: Option<i64>,
    }
}

impl Resource for EbsSnapshot {
    const TYPE: &'static str = "aws_ebs_snapshot";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("delete", "10m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateSnapshot", code: "SnapshotCreationPerVolumeRateExceeded", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateSnapshot", code: "InvalidVolume.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateTags", code: "InvalidSnapshot.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "DeleteSnapshot", code: "InvalidSnapshot.InUse", message: "", within: Duration::from_secs(600) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_ebs_volume.data]
availability_zone = "us-east-1a"
size = 10

[resource.aws_ebs_snapshot.example]
volume_id = "${aws_ebs_volume.data.id}"
description = "before the migration"
tags = { Name = "data" }
---
[resource.aws_ebs_volume.data]
availability_zone = "us-east-1a"
size = 10

[resource.aws_ebs_snapshot.example]
volume_id = "${aws_ebs_volume.data.id}"
description = "before the migration"
storage_tier = "archive"
temporary_restore_days = 3
tags = { Name = "archive", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_snapshot().volume_id(&self.volume_id).set_description(some(self.description.as_deref()));
        let call = call.set_outpost_arn(self.outpost_arn.as_deref().and_then(|arn| some(Some(arn))));
        let call = call.set_tag_specifications(tagged(ResourceType::Snapshot, &with_intent(&self.tags_all, cx.token)));
        call.send().await?.snapshot_id.ok_or_else(|| lacking("snapshot id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_snapshots().owner_ids("self").filters(by(&format!("tag:{INTENT_TAG}"), [cx.token]));
        Ok(call.send().await?.snapshots.unwrap_or_default().into_iter().find_map(|s| s.snapshot_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_snapshots().owner_ids("self").set_filters(Some(by_tags(&self.tags_all)));
        let twin = |s: &Answer| alike(cx.cloud, s.tags(), &self.tags_all);
        Ok(call.send().await?.snapshots.unwrap_or_default().into_iter().find(twin).and_then(|s| s.snapshot_id))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_snapshots().owner_ids("self").into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|s| {
            let image = s.description().is_some_and(|d| d.starts_with("Created by CreateImage"));
            Some(listing::listed(s.snapshot_id(), s.tags())?.noise(image, "parts of images"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_snapshots().filters(by_id("snapshot-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let moving = moving(cx.cloud, known, &found).await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.snapshot_id())?;
            let progress = answer.progress().unwrap_or_default();
            let status = match answer.state().map_or("", |s| s.as_str()) {
                "error" => Some(Status::Failed(answer.state_message().unwrap_or("no reason given").to_owned())),
                "pending" => Some(Status::Pending(format!("pending {progress}").trim_end().to_owned())),
                _ => moving.get(&known.id).cloned(),
            };
            if let Some(status) = status {
                cx.reads.says(Self::TYPE, &known.id, status);
            }
            Some(Live { id: known.id.clone(), value: snapshot(cx.cloud, answer, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, old) = (&cx.cloud.ec2, &live.value);
        match self.storage_tier.as_deref().filter(|tier| Some(*tier) != old.storage_tier.as_deref()) {
            Some("archive") => {
                ec2.modify_snapshot_tier().snapshot_id(&live.id).storage_tier(TargetStorageTier::Archive).send().await?;
            }
            Some("standard") => {
                let days = self.temporary_restore_days.and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
                let call = ec2.restore_snapshot_tier().snapshot_id(&live.id).set_temporary_restore_days(days);
                call.set_permanent_restore(days.is_none().then_some(true)).send().await?;
            }
            _ => {}
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.delete_snapshot().snapshot_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("snap-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a snapshot")).help("give an id such as `snap-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        if given.attr("permanent_restore").as_bool() == Some(true) && given.attr("storage_tier").as_str() == Some("archive") {
            return vec![Problem::new(
                "permanent_restore",
                "a snapshot in the archive is not brought back: set `storage_tier = \"standard\"`",
            )];
        }
        vec![]
    }
}

/// Those that are on their way into the archive or out of it. Asked only for those that are not where they should be: the answer is
/// a call of its own.
async fn moving(aws: &Aws, known: &[Known<EbsSnapshot>], found: &[Answer]) -> Outcome<BTreeMap<Id, Status>> {
    let elsewhere = |answer: &&Answer| {
        let prior = known.iter().find(|k| Some(k.id.as_str()) == answer.snapshot_id()).and_then(|k| k.prior.as_ref());
        let wanted = prior.and_then(|p| p.storage_tier.as_deref()).unwrap_or("standard");
        wanted != tier(answer)
    };
    let ids: Vec<&str> = found.iter().filter(elsewhere).filter_map(|s| s.snapshot_id()).collect();
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let pages = aws.ec2.describe_snapshot_tier_status().filters(by("snapshot-id", ids)).into_paginator();
    let told: Vec<SnapshotTierStatus> = pages.items().send().try_collect().await?;
    let status = |status: SnapshotTierStatus| {
        let word = status.last_tiering_operation_status.as_ref().map_or("", |s| s.as_str()).to_owned();
        let said = match word.as_str() {
            w if w.ends_with("in-progress") => Status::Pending(w.to_owned()),
            w if w.ends_with("failed") => {
                Status::Failed(format!("{w}: {}", status.last_tiering_operation_status_detail.as_deref().unwrap_or("no reason given")))
            }
            _ => return None,
        };
        Some((status.snapshot_id?, said))
    };
    Ok(told.into_iter().filter_map(status).collect())
}

fn tier(answer: &Answer) -> &str {
    answer.storage_tier().map_or("standard", |t| t.as_str())
}

fn snapshot(aws: &Aws, answer: &Answer, prior: Option<&EbsSnapshot>) -> EbsSnapshot {
    let id = answer.snapshot_id().unwrap_or_default();
    EbsSnapshot {
        // Snapshots may be anyone's: their ARNs name no account.
        arn: Some(format!("arn:{}:ec2:{}::snapshot/{id}", aws.partition(), aws.region)),
        data_encryption_key_id: some(answer.data_encryption_key_id()),
        description: some(answer.description()),
        encrypted: Some(answer.encrypted().unwrap_or(false)),
        kms_key_id: some(answer.kms_key_id()),
        outpost_arn: some(answer.outpost_arn()).map(Arn),
        owner_alias: some(answer.owner_alias()),
        owner_id: some(answer.owner_id()),
        permanent_restore: prior.and_then(|p| p.permanent_restore),
        storage_tier: Some(tier(answer).to_owned()),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
        temporary_restore_days: prior.and_then(|p| p.temporary_restore_days),
        volume_id: answer.volume_id().unwrap_or_default().to_owned(),
        volume_size: answer.volume_size().map(i64::from),
    }
}
