//! The volumes of an instance as AWS describes them, in the shape that stacks have them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{InstanceBlockDeviceMapping, Volume};

use super::read::{Seen, volume_id};
use super::shape::word;
use super::{EbsBlockDevice, RootBlockDevice, some, volumes};
use crate::aws::Aws;
use crate::aws::ec2::tags;
use crate::words::resource::{Cloud, Tags};

/// The tags of a volume that are ours to know.
pub(super) fn volume_tags(aws: &Aws, volume: &Volume) -> Tags {
    let mut tags = tags(volume.tags.as_deref());
    tags.retain(|key, _| !aws.ignores_tag(key));
    tags
}

/// The volumes of one instance.
pub(super) struct Devices<'a> {
    pub(super) aws: &'a Aws,
    pub(super) seen: &'a Seen<'a>,
    pub(super) volumes: &'a BTreeMap<String, Volume>,
}

impl<'a> Devices<'a> {
    fn all(&self) -> impl Iterator<Item = (&'a str, &'a InstanceBlockDeviceMapping, &'a Volume)> {
        let volumes = self.volumes;
        self.seen.now.block_device_mappings().iter().filter_map(move |m| Some((m.device_name()?, m, volumes.get(volume_id(m)?)?)))
    }

    fn is_root(&self, device: &str) -> bool {
        self.seen.now.root_device_name() == Some(device)
    }

    /// Where `volume_tags` is used, the devices' own tags are none of ours.
    fn tags(&self, volume: &Volume, held: Option<(&Tags, &Tags)>) -> (Tags, Tags) {
        let all = volume_tags(self.aws, volume);
        if self.seen.prior.is_some_and(|p| !p.volume_tags.is_empty()) {
            return (held.map(|(own, _)| own.clone()).unwrap_or_default(), all);
        }
        // What was there without being its own came from the default tags of then.
        let defaults = self.aws.default_tags();
        let former = |key: &String| held.and_then(|(_, all)| all.get(key));
        let own = |key: &String| held.is_some_and(|(own, _)| own.contains_key(key));
        let by_default = |key: &String, value: &String| (defaults.get(key) == Some(value) || former(key) == Some(value)) && !own(key);
        (all.clone().into_iter().filter(|(key, value)| !by_default(key, value)).collect(), all)
    }

    pub(super) fn root(&self) -> Option<RootBlockDevice> {
        let held = self.seen.prior.and_then(|p| p.root_block_device.as_ref());
        let Some((device, mapping, volume)) = self.all().find(|(device, ..)| self.is_root(device)) else {
            return held.filter(|_| self.seen.ends()).cloned();
        };
        let (tags, tags_all) = self.tags(volume, held.map(|h| (&h.tags, &h.tags_all)));
        Some(RootBlockDevice {
            delete_on_termination: mapping.ebs().and_then(|e| e.delete_on_termination()),
            device_name: Some(device.to_owned()),
            encrypted: volume.encrypted(),
            iops: Some(volume.iops().unwrap_or(0)),
            kms_key_id: some(volume.kms_key_id()),
            tags,
            tags_all,
            throughput: Some(volume.throughput().unwrap_or(0)),
            volume_id: volume.volume_id().map(str::to_owned),
            volume_size: volume.size(),
            volume_type: word(volume.volume_type(), |t| t.as_str()),
        })
    }

    /// Those that the state names: others are attached by others. On import all of them: what is whose, the configuration says.
    pub(super) fn others(&self) -> BTreeSet<EbsBlockDevice> {
        let held = |device: &str| self.seen.prior.and_then(|p| p.ebs_block_device.iter().find(|d| d.device_name == device));
        if self.seen.ends() {
            return self.seen.prior.map(|p| p.ebs_block_device.clone()).unwrap_or_default();
        }
        let ours = self.all().filter(|(device, ..)| match self.seen.prior {
            Some(_) => held(device).is_some(),
            None => !self.is_root(device),
        });
        let block = |(device, mapping, volume): (&str, &InstanceBlockDeviceMapping, &Volume)| {
            let (tags, tags_all) = self.tags(volume, held(device).map(|h| (&h.tags, &h.tags_all)));
            EbsBlockDevice {
                delete_on_termination: mapping.ebs().and_then(|e| e.delete_on_termination()),
                device_name: device.to_owned(),
                encrypted: volume.encrypted(),
                iops: Some(volume.iops().unwrap_or(0)),
                kms_key_id: some(volume.kms_key_id()),
                snapshot_id: some(volume.snapshot_id()),
                tags,
                tags_all,
                throughput: Some(volume.throughput().unwrap_or(0)),
                volume_id: volume.volume_id().map(str::to_owned),
                volume_size: volume.size(),
                volume_type: word(volume.volume_type(), |t| t.as_str()),
            }
        };
        ours.map(block).collect()
    }

    /// The tags of `volume_tags`, where the user manages them: what all its own volumes have, and what only some of them have and
    /// none should.
    pub(super) fn common_tags(&self) -> Tags {
        let Some(prior) = self.seen.prior.filter(|p| !p.volume_tags.is_empty()) else { return Tags::new() };
        let owned = |device: &str, mapping: &InstanceBlockDeviceMapping| {
            self.is_root(device) || volumes::owned(prior, device, mapping.ebs().and_then(|e| e.delete_on_termination()))
        };
        let each: Vec<Tags> = self.all().filter(|(d, m, _)| owned(d, m)).map(|(_, _, volume)| volume_tags(self.aws, volume)).collect();
        let everywhere = |key: &String, value: &String| each.iter().all(|tags| tags.get(key) == Some(value));
        let pairs = each.iter().flatten();
        let kept = pairs.filter(|(key, value)| everywhere(key, value) || !prior.volume_tags.contains_key(*key));
        kept.map(|(key, value)| (key.clone(), value.clone())).collect()
    }
}
