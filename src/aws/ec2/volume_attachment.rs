//! Volumes on instances.

use std::time::Duration;

use aws_sdk_ec2::types::{Volume, VolumeAttachment as Answer};

use super::by;
use super::ebs_volume::volumes;
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry, Status};

crate::blocks! {
    /// Gives an instance a volume.
    pub struct VolumeAttachment {
        /// The device as which the instance sees it, `/dev/sdf`; newer instances name it otherwise themselves.
        #[attr(force_new)]
        device_name: String,
        /// Take it away even where the instance doesn't let go of it: what is not written yet is lost.
        #[attr(local)]
        force_detach: Option<bool>,
        /// The instance.
        #[attr(force_new, refers("aws_instance.id"))]
        instance_id: String,
        /// Leave it attached when this is destroyed.
        #[attr(local)]
        skip_destroy: Option<bool>,
        /// Stop the instance before it is taken away.
        #[attr(local)]
        stop_instance_before_detaching: Option<bool>,
        /// The volume.
        #[attr(force_new, refers("aws_ebs_volume.id"))]
        volume_id: String,
    }
}

impl Resource for VolumeAttachment {
    const TYPE: &'static str = "aws_volume_attachment";
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("delete", "5m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AttachVolume", code: "IncorrectState", message: "", within: Duration::from_secs(600) },
        Retry { operation: "AttachVolume", code: "IncorrectInstanceState", message: "", within: Duration::from_secs(600) },
        Retry { operation: "AttachVolume", code: "InvalidVolume.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "DetachVolume", code: "IncorrectInstanceState", message: "", within: Duration::from_secs(600) },
    ];
    const LINGERS: bool = true;
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"
availability_zone = "us-east-1a"

[resource.aws_ebs_volume.data]
availability_zone = "us-east-1a"
size = 10

[resource.aws_volume_attachment.example]
device_name = "/dev/sdf"
instance_id = "${aws_instance.web.id}"
volume_id = "${aws_ebs_volume.data.id}"
---
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"
availability_zone = "us-east-1a"

[resource.aws_ebs_volume.data]
availability_zone = "us-east-1a"
size = 10

[resource.aws_volume_attachment.example]
device_name = "/dev/sdf"
instance_id = "${aws_instance.web.id}"
volume_id = "${aws_ebs_volume.data.id}"
force_detach = true
stop_instance_before_detaching = true
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.attach_volume().device(&self.device_name).instance_id(&self.instance_id).volume_id(&self.volume_id);
        match call.send().await.map_err(Failure::from) {
            Ok(_) => Ok(self.place().id()),
            // It may hang there already, just as wanted.
            Err(failure) if failure.code == "VolumeInUse" => self.find(cx).await?.ok_or(failure),
            Err(failure) => Err(failure),
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_volumes().filters(by("volume-id", [&self.volume_id])).send().await?;
        let place = self.place();
        Ok(attachment(found.volumes(), &place).map(|_| place.id()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        // The id that Terraform makes says nothing: then the state tells what hangs where.
        let place = |k: &Known<Self>| k.prior.as_ref().map(Self::place).or_else(|| Place::of(&k.id));
        let places: Vec<(&Known<Self>, Place)> = known.iter().filter_map(|k| Some((k, place(k)?))).collect();
        if places.is_empty() {
            return Ok(vec![]);
        }
        let found = volumes(cx, places.iter().map(|(_, place)| place.volume.clone()).collect()).await?;
        let mut live = vec![];
        for (known, place) in places {
            let Some(state) = attachment(&found, &place).map(|a| a.state().map_or("", |s| s.as_str())) else { continue };
            if !matches!(state, "attached" | "") {
                cx.reads.says(Self::TYPE, &known.id, Status::Pending(state.to_owned()));
            }
            live.push(Live { id: known.id.clone(), value: place.value(known.prior.as_ref()) });
        }
        Ok(live)
    }

    async fn update(&self, _cx: &Cx<'_, Aws>, _live: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let this = &live.value;
        if this.skip_destroy == Some(true) {
            // Nothing is to be waited for either: to us it is gone.
            return Err(Failure::other("the volume stays attached, as `skip_destroy` says").because(Cause::Gone));
        }
        if this.stop_instance_before_detaching == Some(true) {
            stop(cx.cloud, &this.instance_id).await?;
        }
        let call = cx.cloud.ec2.detach_volume().device(&this.device_name).instance_id(&this.instance_id).volume_id(&this.volume_id);
        match call.set_force(this.force_detach.filter(|yes| *yes)).send().await.map_err(Failure::from) {
            // It hangs nowhere any more.
            Err(failure) if failure.code == "IncorrectState" && failure.message.contains("available") => Ok(()),
            Err(failure) => Err(failure),
            Ok(_) => Ok(()),
        }
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        Place::of(given).map(|place| place.id()).ok_or_else(|| {
            let why = format!("`{given}` names no attachment of a volume");
            Failure::other(why).help("write device, volume and instance: `/dev/sdf:vol-0123456789abcdef0:i-0123456789abcdef0`")
        })
    }
}

/// What hangs where: all that makes an attachment the one that it is.
struct Place {
    device: String,
    volume: String,
    instance: String,
}

impl Place {
    fn of(id: &str) -> Option<Self> {
        let mut parts = id.split(':').map(str::to_owned);
        let (device, volume, instance) = (parts.next()?, parts.next()?, parts.next()?);
        let sound = parts.next().is_none() && !device.is_empty() && volume.starts_with("vol-") && instance.starts_with("i-");
        sound.then_some(Self { device, volume, instance })
    }

    fn id(&self) -> Id {
        format!("{}:{}:{}", self.device, self.volume, self.instance)
    }

    fn value(self, prior: Option<&VolumeAttachment>) -> VolumeAttachment {
        VolumeAttachment {
            device_name: self.device,
            force_detach: prior.and_then(|p| p.force_detach),
            instance_id: self.instance,
            skip_destroy: prior.and_then(|p| p.skip_destroy),
            stop_instance_before_detaching: prior.and_then(|p| p.stop_instance_before_detaching),
            volume_id: self.volume,
        }
    }
}

impl VolumeAttachment {
    fn place(&self) -> Place {
        Place { device: self.device_name.clone(), volume: self.volume_id.clone(), instance: self.instance_id.clone() }
    }
}

fn attachment<'a>(volumes: &'a [Volume], place: &Place) -> Option<&'a Answer> {
    let there = |a: &&Answer| a.instance_id() == Some(&place.instance) && a.device() == Some(&place.device);
    let volume = volumes.iter().find(|v| v.volume_id() == Some(&place.volume))?;
    volume.attachments().iter().find(there).filter(|a| a.state().is_none_or(|s| s.as_str() != "detached"))
}

/// Stops the instance, and refuses until it has stopped: the detaching is tried again then.
async fn stop(aws: &Aws, instance: &str) -> Outcome<()> {
    let found = aws.ec2.describe_instances().filters(by("instance-id", [instance])).send().await?;
    let state =
        found.reservations().iter().flat_map(|r| r.instances()).find_map(|i| i.state()?.name()).map_or("terminated", |s| s.as_str());
    if matches!(state, "stopped" | "terminated") {
        return Ok(());
    }
    if state == "running" {
        absent(aws.ec2.stop_instances().instance_ids(instance).send().await.map_err(Into::into))?;
    }
    let waiting = Failure::other(format!("{instance} has not stopped yet")).because(Cause::Busy);
    Err(Failure { service: "ec2", operation: "DetachVolume".into(), code: "IncorrectInstanceState".into(), ..waiting })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_say_what_hangs_where() {
        let place = Place::of("/dev/sdf:vol-1:i-1").expect("a place");
        assert_eq!((place.device.as_str(), place.volume.as_str(), place.instance.as_str()), ("/dev/sdf", "vol-1", "i-1"));
        assert_eq!(place.id(), "/dev/sdf:vol-1:i-1");
        for bad in ["vai-123", "vol-1:i-1", "/dev/sdf:i-1:vol-1", "/dev/sdf:vol-1:i-1:x"] {
            assert!(Place::of(bad).is_none(), "{bad}");
        }
    }
}
