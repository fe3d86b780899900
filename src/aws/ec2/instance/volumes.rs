//! The volumes that are made with an instance: how they are changed.

use std::time::Duration;

use aws_sdk_ec2::types::VolumeModification;

use super::{EbsBlockDevice, Instance, RootBlockDevice};
use crate::aws::Aws;
use crate::aws::ec2::{by, retag};
use crate::aws::wait::{Seen, until};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cloud, Tags};

/// How long a volume may take to take on its new size or kind.
const MODIFICATION: Duration = Duration::from_secs(600);

/// What root and other volumes have in common.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) size: Option<i32>,
    pub(super) kind: Option<&'a str>,
    pub(super) iops: Option<i32>,
    pub(super) throughput: Option<i32>,
    pub(super) encrypted: Option<bool>,
    pub(super) kms_key_id: Option<&'a str>,
    pub(super) delete_on_termination: Option<bool>,
    tags: &'a Tags,
    tags_all: &'a Tags,
}

macro_rules! wanted {
    ($ty:ty) => {
        impl<'a> From<&'a $ty> for Wanted<'a> {
            fn from(device: &'a $ty) -> Self {
                Self {
                    size: device.volume_size,
                    kind: device.volume_type.as_deref().filter(|kind| !kind.is_empty()),
                    iops: device.iops,
                    throughput: device.throughput,
                    encrypted: device.encrypted,
                    kms_key_id: device.kms_key_id.as_deref(),
                    delete_on_termination: device.delete_on_termination,
                    tags: &device.tags,
                    tags_all: &device.tags_all,
                }
            }
        }
    };
}
wanted!(RootBlockDevice);
wanted!(EbsBlockDevice);

/// A volume as it is, with what is wanted of it.
struct Pair<'a> {
    volume: &'a str,
    device: &'a str,
    want: Wanted<'a>,
    have: Wanted<'a>,
}

/// The tags with the provider's default tags that they don't override.
pub(super) fn with_defaults(tags: &Tags, defaults: &Tags) -> Tags {
    let mut all = defaults.clone();
    all.extend(tags.clone());
    all
}

/// Whether volumes of that kind take `iops`.
pub(super) fn has_iops(kind: &str) -> bool {
    matches!(kind, "io1" | "io2" | "gp3")
}

fn pairs<'a>(want: &'a Instance, have: &'a Instance) -> Vec<Pair<'a>> {
    let root = want.root_block_device.iter().zip(&have.root_block_device).filter_map(|(want, have)| {
        let (volume, device) = (have.volume_id.as_deref()?, have.device_name.as_deref()?);
        Some(Pair { volume, device, want: want.into(), have: have.into() })
    });
    let others = want.ebs_block_device.iter().filter_map(|want| {
        let have = have.ebs_block_device.iter().find(|have| have.device_name == want.device_name)?;
        Some(Pair { volume: have.volume_id.as_deref()?, device: &have.device_name, want: want.into(), have: have.into() })
    });
    root.chain(others).collect()
}

/// Makes the volumes as they are wanted.
pub(super) async fn update(want: &Instance, aws: &Aws, id: &str, have: &Instance) -> Outcome<()> {
    use aws_sdk_ec2::types::{EbsInstanceBlockDeviceSpecification as Ebs, InstanceBlockDeviceMappingSpecification as Mapping};
    for pair in pairs(want, have) {
        if super::differs(pair.want.delete_on_termination.as_ref(), pair.have.delete_on_termination.as_ref()) {
            let ebs = Ebs::builder().set_delete_on_termination(pair.want.delete_on_termination).build();
            let mapping = Mapping::builder().device_name(pair.device).ebs(ebs).build();
            aws.ec2.modify_instance_attribute().instance_id(id).block_device_mappings(mapping).send().await?;
        }
        modify(&pair, aws).await?;
        if want.volume_tags.is_empty() && have.volume_tags.is_empty() {
            retag(aws, pair.volume, pair.have.tags_all, &with_defaults(pair.want.tags, aws.default_tags())).await?;
        }
    }
    if want.volume_tags == have.volume_tags { Ok(()) } else { tag_all(want, aws, id, have).await }
}

/// Tags of all volumes that were made with the instance; a volume that was attached later has its own.
async fn tag_all(want: &Instance, aws: &Aws, id: &str, have: &Instance) -> Outcome<()> {
    let found = aws.ec2.describe_volumes().filters(by("attachment.instance-id", [id])).send().await?;
    for volume in found.volumes.unwrap_or_default() {
        let attachment = volume.attachments().iter().find(|a| a.instance_id() == Some(id));
        let (Some(attachment), Some(volume_id)) = (attachment, volume.volume_id()) else { continue };
        if !owned(have, attachment.device().unwrap_or_default(), attachment.delete_on_termination()) {
            continue;
        }
        let mut old = super::devices::volume_tags(aws, &volume);
        // What this attribute never named is none of its business.
        old.retain(|key, _| want.volume_tags.contains_key(key) || have.volume_tags.contains_key(key));
        retag(aws, volume_id, &old, &want.volume_tags).await?;
    }
    Ok(())
}

/// Whether the volume at that device was made with the instance.
pub(super) fn owned(instance: &Instance, device: &str, delete_on_termination: Option<bool>) -> bool {
    delete_on_termination == Some(true)
        || instance.root_block_device.as_ref().is_some_and(|root| root.device_name.as_deref() == Some(device))
        || instance.ebs_block_device.iter().any(|d| d.device_name == device)
}

/// What to ask of ModifyVolume.
#[derive(Debug, PartialEq)]
struct Target {
    size: Option<i32>,
    kind: Option<String>,
    iops: Option<i32>,
    throughput: Option<i32>,
}

/// A change of the kind sets `iops` and `throughput` back to the least unless they are sent along; what the old kind had may be
/// none that the new one can have.
fn target(want: &Wanted<'_>, have: &Wanted<'_>) -> Option<Target> {
    let same = |want: Option<i32>, have: Option<i32>| want.unwrap_or_default() == 0 || want == have;
    let kind = want.kind.or(have.kind);
    let moved = kind != have.kind;
    if same(want.size, have.size) && same(want.iops, have.iops) && same(want.throughput, have.throughput) && !moved {
        return None;
    }
    let word = kind.unwrap_or_default();
    let least = if word == "gp3" { 3000 } else { 100 };
    let iops = want.iops.filter(|n| has_iops(word) && *n > 0 && (!moved || want.iops != have.iops || *n >= least));
    let throughput = want.throughput.filter(|n| word == "gp3" && *n > 0);
    Some(Target { size: want.size.filter(|n| *n > 0), kind: kind.map(str::to_owned), iops, throughput })
}

/// Whether that modification is the one that is asked for: a call may have been made before.
fn is_it(target: &Target, modification: &VolumeModification) -> bool {
    let same = |want: Option<i32>, have: Option<i32>| want.is_none() || want == have;
    let kind = modification.target_volume_type.as_ref().map(|kind| kind.as_str().to_owned());
    same(target.size, modification.target_size)
        && same(target.iops, modification.target_iops)
        && same(target.throughput, modification.target_throughput)
        && (target.kind.is_none() || target.kind == kind)
}

async fn modify(pair: &Pair<'_>, aws: &Aws) -> Outcome<()> {
    let Some(target) = target(&pair.want, &pair.have) else { return Ok(()) };
    let under_way = latest(aws, pair.volume).await?.is_some_and(|m| is_it(&target, &m) && word(&m) == "modifying");
    if !under_way {
        let call = aws.ec2.modify_volume().volume_id(pair.volume).set_size(target.size).set_iops(target.iops);
        let call = call.set_throughput(target.throughput).set_volume_type(target.kind.as_deref().map(Into::into));
        call.send().await.map_err(|error| too_soon(error.into()))?;
    }
    until(&format!("the change of volume {}", pair.volume), "made", MODIFICATION, || async {
        let Some(latest) = latest(aws, pair.volume).await? else { return Ok(Seen::Not("not begun".into())) };
        match word(&latest) {
            // The volume can be used as it is to be; it is only slower for a while.
            "optimizing" | "completed" => Ok(Seen::Done(())),
            "failed" => {
                let why = latest.status_message.clone().unwrap_or_default();
                Err(Failure::other(format!("AWS could not change the volume {}: {why}", pair.volume)))
            }
            state => Ok(Seen::Not(state.to_owned())),
        }
    })
    .await
}

fn word(modification: &VolumeModification) -> &str {
    modification.modification_state.as_ref().map_or("", |s| s.as_str())
}

fn too_soon(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "VolumeModificationRateExceeded" | "IncorrectModificationState" => {
            failure.help("AWS lets a volume be changed again when its last change is completed, and only a few times a day: apply later")
        }
        _ => failure,
    }
}

async fn latest(aws: &Aws, volume: &str) -> Outcome<Option<VolumeModification>> {
    let found = aws.ec2.describe_volumes_modifications().filters(by("volume-id", [volume])).send().await?;
    Ok(found.volumes_modifications.unwrap_or_default().into_iter().max_by_key(|m| m.start_time))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn volume<'a>(tags: &'a Tags, kind: &'a str, size: i32, iops: Option<i32>, throughput: Option<i32>) -> Wanted<'a> {
        let (size, kind) = (Some(size), Some(kind));
        Wanted { size, kind, iops, throughput, encrypted: None, kms_key_id: None, delete_on_termination: None, tags, tags_all: tags }
    }

    #[test]
    fn what_the_old_kind_had_is_not_asked_of_the_new_one() {
        let tags = Tags::new();
        let gp2 = volume(&tags, "gp2", 20, Some(100), Some(0));
        let to_gp3 = target(&volume(&tags, "gp3", 20, Some(100), Some(0)), &gp2).expect("another kind");
        assert_eq!(to_gp3, Target { size: Some(20), kind: Some("gp3".into()), iops: None, throughput: None });
        let io1 = volume(&tags, "io1", 20, Some(5000), None);
        let kept = target(&volume(&tags, "gp3", 20, Some(5000), None), &io1).expect("another kind");
        assert_eq!(kept.iops, Some(5000));
        let to_gp2 = target(&volume(&tags, "gp2", 20, Some(5000), Some(125)), &io1).expect("another kind");
        assert_eq!((to_gp2.iops, to_gp2.throughput), (None, None));
    }

    #[test]
    fn iops_and_throughput_survive_growth() {
        let tags = Tags::new();
        let have = volume(&tags, "gp3", 20, Some(4000), Some(250));
        assert_eq!(target(&have, &have), None);
        let grown = target(&volume(&tags, "gp3", 30, Some(4000), Some(250)), &have).expect("another size");
        assert_eq!((grown.size, grown.iops, grown.throughput), (Some(30), Some(4000), Some(250)));
    }
}
