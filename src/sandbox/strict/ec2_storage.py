"""Volumes: the figures AWS fills in, attachment rules, and modifications that take a while."""

from common import missing, patched, refuse
from moto.ec2.models.elastic_block_store import EBSBackend, Volume, VolumeAttachment, VolumeModification
from moto.ec2.responses import EC2Response


def fill_in(volume):
    """gp3 has a throughput, gp2 has an iops figure that follows its size, though nobody asked for either."""
    if volume.volume_type == "gp3":
        volume.iops = volume.iops or 3000
        volume.throughput = volume.throughput or 125
    elif volume.volume_type == "gp2" and volume.size:
        volume.iops = min(16000, max(100, 3 * int(volume.size)))


@patched(EBSBackend)
def create_volume(original, self, *args, **kwargs):
    volume = original(self, *args, **kwargs)
    fill_in(volume)
    return volume


@patched(Volume)
def modify(original, self, target_size=None, target_volume_type=None, target_iops=None, target_throughput=None, **kwargs):
    """A new type starts from its own figures: what the request leaves out is not kept. A volume does not shrink."""
    if target_size and int(target_size) < int(self.size):
        refuse("InvalidParameterValue", "New size cannot be smaller than existing size")
    if self.modifications and modification_state(self.modifications[-1]) == "modifying":
        refuse("IncorrectModificationState", f"Volume '{self.id}' is already being modified.")
    new_type = target_volume_type and target_volume_type != self.volume_type
    original(
        self,
        target_size=target_size,
        target_volume_type=target_volume_type,
        target_iops=target_iops,
        target_throughput=target_throughput,
        **kwargs,
    )
    if new_type:
        self.iops, self.throughput = target_iops, target_throughput
    fill_in(self)
    self.modifications[-1].answers_on_the_way = 1
    for block in [self.attachment.instance.block_device_mapping.get(self.attachment.device)] if self.attachment else []:
        if block is not None:
            block.size = self.size


def modification_state(self):
    return "modifying" if getattr(self, "answers_on_the_way", 0) > 0 else "completed"


VolumeModification.modification_state = property(modification_state)
VolumeModification.progress = property(lambda self: 50 if modification_state(self) == "modifying" else 100)


@patched(EBSBackend)
def describe_volumes_modifications(original, self, *args, **kwargs):
    found = original(self, *args, **kwargs)
    for modification in found:
        way = getattr(modification, "answers_seen", 0)
        modification.answers_seen = way + 1
        if way >= 1:
            modification.answers_on_the_way = 0
    return found


@patched(EBSBackend)
def describe_volumes(original, self, volume_ids=None, filters=None):
    unknown = missing(volume_ids, self.volumes)
    if len(unknown) == 1:
        refuse("InvalidVolume.NotFound", f"The volume '{unknown[0]}' does not exist.")
    if unknown:
        refuse("InvalidVolume.NotFound", f"The volumes '{', '.join(unknown)}' do not exist.")
    return original(self, volume_ids=volume_ids, filters=filters)


@patched(EC2Response)
def attach_volume(original, self):
    backend = self.ec2_backend
    volume = backend.get_volume(self._get_param("VolumeId"))
    instance = backend.get_instance(self._get_param("InstanceId"))
    device = self._get_param("Device")
    if volume.attachment:
        refuse("VolumeInUse", f"{volume.id} is already attached to an instance")
    if instance.state not in ("running", "stopped", "stopping"):
        refuse("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if volume.zone and volume.zone.name != instance.availability_zone:
        refuse("InvalidVolume.ZoneMismatch", f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'")
    if device in dict(instance.get_block_device_mapping):
        refuse("InvalidParameterValue", f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use")
    return original(self)


@patched(EBSBackend)
def detach_volume(original, self, volume_id, instance_id=None, device_path=None):
    """The volume's id alone is enough: it has one attachment."""
    volume = self.get_volume(volume_id)
    if not volume.attachment:
        refuse("IncorrectState", f"Volume '{volume_id}' is in the 'available' state.")
    if instance_id and volume.attachment.instance.id != instance_id:
        refuse("InvalidAttachment.NotFound", f"The volume '{volume_id}' is not attached to instance '{instance_id}'")
    return original(self, volume_id, volume.attachment.instance.id, volume.attachment.device)


@patched(EC2Response, "detach_volume")
def detach_volume_call(original, self):
    attachment = self.ec2_backend.get_volume(self._get_param("VolumeId")).attachment
    instance = attachment.instance if attachment else None
    if instance and attachment.device == instance.root_device_name and instance.state in ("pending", "running", "stopping"):
        refuse("OperationNotPermitted", f"Unable to detach root volume '{attachment.volume.id}' from instance '{instance.id}'")
    return original(self)


def goes_with_instance(attachment):
    device = attachment.instance.block_device_mapping.get(attachment.device)
    return bool(device and device.delete_on_termination)


VolumeAttachment.delete_on_termination = property(goes_with_instance)

# --- Snapshots -------------------------------------------------------------------------------------------------------


@patched(EC2Response)
def create_snapshot(original, self):
    """A snapshot is pending for an answer."""
    answer = original(self)
    snapshot = self.ec2_backend.snapshots[answer.result.id if hasattr(answer.result, "id") else answer.result["SnapshotId"]]
    snapshot.status, snapshot.answers_on_the_way = "pending", 1
    return answer


@patched(EC2Response)
def describe_snapshots(original, self):
    for snapshot in self.ec2_backend.snapshots.values():
        way = getattr(snapshot, "answers_on_the_way", 0)
        snapshot.answers_on_the_way = way - 1
        if way == 0 and snapshot.status == "pending":
            snapshot.status = "completed"
    answer = original(self)
    if "self" in (self._get_param("OwnerIds") or []):
        answer.result["Snapshots"] = [s for s in answer.result["Snapshots"] if s.owner_id == self.current_account]
    return answer
