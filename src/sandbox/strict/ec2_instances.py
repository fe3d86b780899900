"""Instances: states that take a while, what may be changed when, and the settings that moto loses."""

import base64
import contextvars
import copy

from common import missing, patched, refuse
from ec2_states import PENDING, RUNNING, SHUTTING_DOWN, STOPPED, STOPPING, TERMINATED, move, tick
from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult, EmptyResult
from moto.core.types import Base64EncodedString
from moto.ec2.models.elastic_network_interfaces import NetworkInterface, NetworkInterfaceBackend
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.ec2.models.instances import Instance, MetadataOptions
from moto.ec2.responses import EC2Response
from moto.ec2.utils import filter_dict_attribute_mapping

def check_ids(backend, ids):
    unknown = missing(ids, {i.id for r in backend.reservations.values() for i in r.instances})
    if len(unknown) == 1:
        refuse("InvalidInstanceID.NotFound", f"The instance ID '{unknown[0]}' does not exist")
    if unknown:
        refuse("InvalidInstanceID.NotFound", f"The instance IDs '{', '.join(unknown)}' do not exist")

# moto knows no filter by token, which is how a launch whose answer was lost is found again.
filter_dict_attribute_mapping["client-token"] = "client_token"

@patched(EC2Response)
def describe_instances(original, self):
    check_ids(self.ec2_backend, self._get_param("InstanceIds", []))
    if self._get_param("InstanceIds") and self._get_param("MaxResults"):
        refuse("InvalidParameterCombination", "The parameter instancesSet cannot be used with the parameter maxResults")
    tick(self.ec2_backend)
    return original(self)

@patched(EC2Response)
def describe_instance_status(original, self):
    tick(self.ec2_backend)
    return original(self)

# --- Launching -------------------------------------------------------------------------------------------------------

DISKS = contextvars.ContextVar("disks", default=None)

def root_first(self, image):
    """AWS starts from the image's mappings and lays the request's over them: size and type of the root come from the image."""
    given = self._get_param("BlockDeviceMappings", []) or []
    root = image.root_device_name
    if not any(mapping.get("DeviceName") == root for mapping in given):
        given = [{"DeviceName": root, "Ebs": {}}, *given]
    mappings = []
    for mapping in given:
        mapping = {key: dict(value) if key == "Ebs" else value for key, value in dict(mapping).items()}
        if mapping.get("DeviceName") == root and "Ebs" in mapping:
            ebs = mapping["Ebs"]
            ebs.setdefault("VolumeSize", getattr(image, "root_size", 8))
            ebs.setdefault("VolumeType", "gp3")
            ebs.setdefault("DeleteOnTermination", True)
            if int(ebs["VolumeSize"]) < getattr(image, "root_size", 8):
                refuse(
                    "InvalidBlockDeviceMapping",
                    f"Volume of size {ebs['VolumeSize']}GB is smaller than snapshot '{image.ebs_snapshot.id}', "
                    f"expect size >= {getattr(image, 'root_size', 8)}GB",
                )
        mappings.append(mapping)
    self.params["BlockDeviceMappings"] = mappings

@patched(EC2Response)
def _parse_block_device_mapping(original, self):
    mappings = original(self)
    given = {m.get("DeviceName"): m.get("Ebs", {}) for m in self._get_param("BlockDeviceMappings", [])}
    for mapping in mappings:
        mapping["Ebs"]["Throughput"] = given.get(mapping["DeviceName"], {}).get("Throughput")
    return mappings

def check_launch(self):
    backend = self.ec2_backend
    if not self._get_param("InstanceType") and not self._get_param("LaunchTemplate"):
        refuse("MissingParameter", "The request must contain the parameter InstanceType")
    nics = self._get_param("NetworkInterfaces", []) or []
    if nics and (self._get_param("SecurityGroupIds") or self._get_param("SubnetId")):
        refuse(
            "InvalidParameterCombination",
            "Network interfaces and an instance-level subnet ID or security groups may not be specified on the same request",
        )
    groups = list(self._get_param("SecurityGroupIds", []) or [])
    subnet_id = self._get_param("SubnetId")
    for nic in nics:
        groups += nic.get("Groups") or []
        subnet_id = subnet_id or nic.get("SubnetId")
    subnet = backend.get_subnet(subnet_id) if subnet_id else None
    for group_id in groups:
        group = backend.get_security_group_from_id(group_id)
        if group is None:
            refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
        vpc = subnet.vpc_id if subnet else backend.get_default_vpc().id
        if group.vpc_id != vpc:
            where = subnet_id or "the default VPC's subnet"
            refuse("InvalidParameter", f"Security group {group_id} and subnet {where} belong to different networks.")

@patched(EC2Response)
def run_instances(original, self):
    backend = self.ec2_backend
    check_launch(self)
    template = self._get_param("LaunchTemplate")
    image_id = self._get_param("ImageId")
    if image_id:
        root_first(self, backend.describe_images(ami_ids=[image_id])[0])
    mappings = {m["DeviceName"]: m.get("Ebs", {}) for m in self._get_param("BlockDeviceMappings", []) or []}
    held = DISKS.set(mappings)
    try:
        answer = original(self)
    except ServiceException as refused:
        if refused.code == "NoSuchEntity":
            name = self._get_param("IamInstanceProfile.Name") or self._get_param("IamInstanceProfile.Arn")
            refuse(
                "InvalidParameterValue",
                f"Value ({name}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name",
            )
        raise
    finally:
        DISKS.reset(held)
    for instance in answer.result.instances:
        settle(self, instance, template)
        move(instance, PENDING, RUNNING)
    return answer

def settle(self, instance, template):
    """The settings of RunInstances that moto drops, with AWS's defaults."""
    given = self._get_param
    instance.disable_api_termination = bool(given("DisableApiTermination", False))
    instance.placement.tenancy = given("Placement.Tenancy", "default")
    burstable = instance.instance_type.startswith("t")
    standard = instance.instance_type.startswith("t2.")
    credits = given("CreditSpecification.CpuCredits") or ("standard" if standard else "unlimited")
    instance.cpu_credits = credits if burstable else None
    image = instance.ec2_backend.amis.get(instance.image_id)
    instance.metadata_options = metadata_options(given("MetadataOptions", {}), image)
    # Shapes with the defaults that DescribeInstances shows where nothing was asked for.
    cores = INSTANCE_TYPES.get(instance.instance_type, {}).get("VCpuInfo", {})
    instance.cpu_options = {
        "CoreCount": given("CpuOptions.CoreCount") or cores.get("DefaultCores"),
        "ThreadsPerCore": given("CpuOptions.ThreadsPerCore") or cores.get("DefaultThreadsPerCore"),
    }
    instance.enclave_options = {"Enabled": bool(given("EnclaveOptions.Enabled", False))}
    instance.hibernation_options = {"Configured": bool(given("HibernationOptions.Configured", False))}
    instance.maintenance_options = {"AutoRecovery": given("MaintenanceOptions.AutoRecovery", "default"), "RebootMigration": "default"}
    instance.private_dns_name_options = {
        "HostnameType": given("PrivateDnsNameOptions.HostnameType", "ip-name"),
        "EnableResourceNameDnsARecord": bool(given("PrivateDnsNameOptions.EnableResourceNameDnsARecord", False)),
        "EnableResourceNameDnsAAAARecord": bool(given("PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord", False)),
    }
    preference = given("CapacityReservationSpecification.CapacityReservationPreference", "open")
    instance.capacity_reservation_specification = {"CapacityReservationPreference": preference}
    instance.ena_support = True
    instance.usage_operation = "RunInstances"
    instance.platform_details = "Linux/UNIX"
    if not given("ClientToken") and not template:
        instance.client_token = ""

def metadata_options(given, image):
    """An image that says `ImdsSupport: v2.0` makes tokens required and two hops the default."""
    options = MetadataOptions(dict(given or {}))
    if image is not None and getattr(image, "imds_support", None) == "v2.0":
        if not (given or {}).get("HttpTokens"):
            options.http_tokens = "required"
        if not (given or {}).get("HttpPutResponseHopLimit"):
            options.http_put_response_hop_limit = 2
    return options

@patched(EC2Response)
def modify_instance_metadata_options(_original, self):
    """What the request leaves out stays; moto sets it back to its default."""
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    options = copy.copy(instance.metadata_options)
    for parameter, attribute in [
        ("HttpTokens", "http_tokens"),
        ("HttpPutResponseHopLimit", "http_put_response_hop_limit"),
        ("HttpEndpoint", "http_endpoint"),
        ("HttpProtocolIpv6", "http_protocol_ipv6"),
        ("InstanceMetadataTags", "instance_metadata_tags"),
    ]:
        if self._get_param(parameter) is not None:
            setattr(options, attribute, self._get_param(parameter))
    instance.metadata_options = options
    return ActionResult({"InstanceId": instance.id, "InstanceMetadataOptions": options})

@patched(Instance)
def setup_defaults(_original, self):
    """A launch with no mapping gets the image's root volume, not 8 GB of gp2 on /dev/sda1."""
    image = self.ec2_backend.amis.get(self.image_id)
    device = image.root_device_name if image else "/dev/sda1"
    size = getattr(image, "root_size", 8)
    volume = self.ec2_backend.create_volume(size=size, zone_name=self._placement.zone, volume_type="gp3")
    self.ec2_backend.attach_volume(volume.id, self.id, device, True)

@patched(Instance)
def add_block_device(_original, self, size, device_path, snapshot_id, encrypted, delete_on_termination, kms_key_id, volume_type):
    """With the iops and throughput that moto drops."""
    asked = (DISKS.get() or {}).get(device_path, {})
    volume = self.ec2_backend.create_volume(
        size=size,
        zone_name=self._placement.zone,
        snapshot_id=snapshot_id,
        encrypted=encrypted,
        kms_key_id=kms_key_id,
        volume_type=volume_type,
        iops=asked.get("Iops"),
        throughput=asked.get("Throughput"),
    )
    self.ec2_backend.attach_volume(volume.id, self.id, device_path, delete_on_termination)

@patched(Instance)
def prep_nics(original, self, nic_spec, **kwargs):
    """The primary interface that a launch makes goes with the instance, unless the request says otherwise."""
    original(self, nic_spec, **kwargs)
    asked = {int(nic.get("DeviceIndex") or 0): nic for nic in nic_spec}
    for index, nic in self.nics.items():
        spec = asked.get(index, {})
        if not spec.get("NetworkInterfaceId") and spec.get("DeleteOnTermination") is None:
            nic.delete_on_termination = True

# --- Groups: an instance's groups are those of its primary interface ---------------------------------------------------

def get_groups(self):
    nics = self.__dict__.get("nics")
    return nics[0]._group_set if nics and 0 in nics else self.__dict__.get("groups_at_launch", [])

def set_groups(self, groups):
    self.__dict__["groups_at_launch"] = groups
    nics = self.__dict__.get("nics")
    if nics and 0 in nics:
        nics[0]._group_set = list(groups)

Instance.security_groups = property(get_groups, set_groups)
NetworkInterface.group_set = property(lambda self: self._group_set)

@patched(NetworkInterfaceBackend)
def create_network_interface(original, self, *args, **kwargs):
    for group_id in kwargs.get("group_ids") or []:
        if self.get_security_group_from_id(group_id) is None:
            refuse("InvalidGroup.NotFound", f"The security group '{group_id}' does not exist")
    return original(self, *args, **kwargs)

def association(self):
    """The owner of an address that was not allocated is `amazon`: that is how the two kinds are told apart."""
    found = ORIGINAL_ASSOCIATION(self)
    if found and not found.get("allocationId"):
        found["ipOwnerId"] = "amazon"
    return found

ORIGINAL_ASSOCIATION = NetworkInterface.association.fget
NetworkInterface.association = property(association)

# --- Changing --------------------------------------------------------------------------------------------------------

ATTRIBUTES = [
    "InstanceType",
    "Kernel",
    "Ramdisk",
    "UserData",
    "EbsOptimized",
    "EnaSupport",
    "SriovNetSupport",
    "DisableApiTermination",
    "DisableApiStop",
    "InstanceInitiatedShutdownBehavior",
    "SourceDestCheck",
    "Groups",
    "BlockDeviceMappings",
]
STOPPED_ONLY = {"InstanceType", "Kernel", "Ramdisk", "UserData", "EbsOptimized", "EnaSupport", "SriovNetSupport"}

@patched(EC2Response)
def modify_instance_attribute(original, self):
    check_ids(self.ec2_backend, [self._get_param("InstanceId")])
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    asked = [name for name in ATTRIBUTES if self._get_param(name) is not None]
    if len(asked) > 1:
        refuse("InvalidParameterCombination", f"Fields for multiple attribute types specified: {', '.join(asked)}")
    attribute = self._get_param("Attribute")
    changed = {name[0].lower() + name[1:] for name in asked} | ({attribute} if attribute else set())
    if changed & {name[0].lower() + name[1:] for name in STOPPED_ONLY} and instance.state != "stopped":
        refuse("IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state.")
    if asked == ["InstanceInitiatedShutdownBehavior"]:
        instance.instance_initiated_shutdown_behavior = self._get_param("InstanceInitiatedShutdownBehavior.Value")
        return EmptyResult()
    if asked == ["UserData"]:
        # The bytes are decoded when they get here; moto decodes them again.
        raw = self._get_param("UserData.Value") or b""
        instance.user_data = Base64EncodedString(base64.b64encode(raw if isinstance(raw, bytes) else raw.encode()).decode())
        return EmptyResult()
    if asked == ["SourceDestCheck"] and 0 in instance.nics:
        instance.nics[0].source_dest_check = self._get_param("SourceDestCheck.Value")
    if asked == ["Groups"] and not self._get_param("Groups"):
        refuse("InvalidParameterValue", "You must specify at least one group")
    return original(self)

@patched(EC2Response)
def stop_instances(original, self):
    ids = self._get_param("InstanceIds", [])
    check_ids(self.ec2_backend, ids)
    moving = []
    for id_ in ids:
        instance = self.ec2_backend.get_instance(id_)
        if instance.state not in ("running", "stopping", "stopped"):
            refuse("IncorrectInstanceState", f"The instance '{id_}' is not in a state from which it can be stopped.")
        if instance.state == "running":
            moving.append(instance)
    answer = original(self)
    for instance in moving:
        move(instance, STOPPING, STOPPED)
    return answer

@patched(EC2Response)
def start_instances(original, self):
    ids = self._get_param("InstanceIds", [])
    check_ids(self.ec2_backend, ids)
    moving = []
    for id_ in ids:
        instance = self.ec2_backend.get_instance(id_)
        if instance.state not in ("running", "pending", "stopped"):
            refuse("IncorrectInstanceState", f"The instance '{id_}' is not in a state from which it can be started.")
        if instance.state == "stopped":
            moving.append(instance)
    answer = original(self)
    for instance in moving:
        move(instance, PENDING, RUNNING)
    return answer

@patched(EC2Response)
def terminate_instances(original, self):
    ids = self._get_param("InstanceIds", [])
    check_ids(self.ec2_backend, ids)
    moving = [i for i in map(self.ec2_backend.get_instance, ids) if i.state not in ("shutting-down", "terminated")]
    answer = original(self)
    for instance in moving:
        move(instance, SHUTTING_DOWN, TERMINATED)
    return answer

@patched(Instance)
def terminate(original, self):
    if self.state in ("shutting-down", "terminated"):
        return copy.copy(self._state)
    interfaces = set(id(nic) for nic in self.nics.values())
    for address in self.ec2_backend.addresses:
        if address.eni is not None and id(address.eni) in interfaces:
            address.eni.public_ip = None
            address.instance = address.eni = address.association_id = None
    return original(self)

def monitoring(state):
    def call(_original, self):
        ids = self._get_param("InstanceIds", [])
        check_ids(self.ec2_backend, ids)
        for id_ in ids:
            self.ec2_backend.get_instance(id_).monitoring_state = state
        return ActionResult({"InstanceMonitorings": [{"InstanceId": id_, "Monitoring": {"State": state}} for id_ in ids]})

    return call

patched(EC2Response, "monitor_instances")(monitoring("enabled"))
patched(EC2Response, "unmonitor_instances")(monitoring("disabled"))

@patched(EC2Response)
def describe_instance_credit_specifications(_original, self):
    backend = self.ec2_backend
    ids = self._get_param("InstanceIds", [])
    check_ids(backend, ids)
    found = [backend.get_instance(id_) for id_ in ids] if ids else backend.all_instances()
    rows = []
    for instance in found:
        credits = getattr(instance, "cpu_credits", None)
        if credits is None and ids:
            refuse("InvalidParameterCombination", f"Instance '{instance.id}' does not support CPU credits.")
        if credits is not None and (ids or credits == "unlimited"):
            rows.append({"InstanceId": instance.id, "CpuCredits": credits})
    return ActionResult({"InstanceCreditSpecifications": rows})

@patched(EC2Response)
def modify_instance_credit_specification(_original, self):
    done = []
    for asked in self._get_param("InstanceCreditSpecifications", []):
        check_ids(self.ec2_backend, [asked["InstanceId"]])
        self.ec2_backend.get_instance(asked["InstanceId"]).cpu_credits = asked.get("CpuCredits", "standard")
        done.append({"InstanceId": asked["InstanceId"]})
    return ActionResult({"SuccessfulInstanceCreditSpecifications": done, "UnsuccessfulInstanceCreditSpecifications": []})

@patched(EC2Response)
def modify_instance_maintenance_options(_original, self):
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    instance.maintenance_options = {**instance.maintenance_options, "AutoRecovery": self._get_param("AutoRecovery", "default")}
    return ActionResult({"InstanceId": instance.id, **instance.maintenance_options})

@patched(EC2Response)
def modify_private_dns_name_options(_original, self):
    instance = self.ec2_backend.get_instance(self._get_param("InstanceId"))
    options = dict(instance.private_dns_name_options)
    hostname = self._get_param("PrivateDnsHostnameType")
    options.update({"HostnameType": hostname} if hostname else {})
    for key in ("EnableResourceNameDnsARecord", "EnableResourceNameDnsAAAARecord"):
        options.update({key: self._get_param(key)} if self._get_param(key) is not None else {})
    instance.private_dns_name_options = options
    return ActionResult({"Return": True})

__all__ = ["InstanceBackend", "Volume"]
