"""Security groups, Elastic IPs and subnets: what AWS refuses, and the parts of rules that moto loses."""

from common import missing, patched, refuse
from ec2_states import tick
from moto.core.responses import ActionResult
from moto.ec2.models.elastic_ip_addresses import ElasticAddressBackend
from moto.ec2.models.security_groups import SecurityGroup, SecurityGroupBackend, SecurityGroupRule
from moto.ec2.responses import EC2Response
from moto.ec2.utils import random_public_ip

NUMBERS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}


def protocol_of(given):
    lower = str(given).lower()
    return NUMBERS.get(lower, lower)


# --- Rules -----------------------------------------------------------------------------------------------------------


@patched(SecurityGroupRule)
def __init__(original, self, ec2_backend, ip_protocol, group_id, from_port, to_port, *args, **kwargs):
    """Protocols without ports may come without them; moto fails there. Ports of the others are ignored by AWS."""
    if ip_protocol is not None:
        ip_protocol = protocol_of(ip_protocol)
        if ip_protocol in ("tcp", "udp") and (from_port is None or to_port is None):
            refuse("InvalidParameterValue", "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.")
        if ip_protocol not in ("tcp", "udp", "icmp", "icmpv6"):
            from_port = to_port = -1
        from_port, to_port = -1 if from_port is None else from_port, -1 if to_port is None else to_port
    original(self, ec2_backend, ip_protocol, group_id, from_port, to_port, *args, **kwargs)
    if ip_protocol not in ("tcp", "udp", "icmp", "icmpv6"):
        self.from_port = self.to_port = None
    prefix_list = args[2] if len(args) > 2 else kwargs.get("prefix_list_id")
    self.prefix_list_description = (prefix_list or {}).get("Description")


def source_of(rule):
    return (
        rule.ip_range.get("CidrIp"),
        rule.ip_range.get("CidrIpv6"),
        rule.source_group.get("GroupId"),
        rule.prefix_list_id,
    )


def same_rule(self, other):
    """A rule is its protocol, ports and source: the description does not tell two rules apart."""
    return (self.ip_protocol, self.from_port, self.to_port, source_of(self)) == (
        other.ip_protocol,
        other.from_port,
        other.to_port,
        source_of(other),
    )


SecurityGroupRule.__eq__ = same_rule
SecurityGroupRule.__hash__ = object.__hash__
SecurityGroupRule.description = property(
    lambda self: self.ip_range.get("Description") or self.source_group.get("Description") or getattr(self, "prefix_list_description", None)
)
SecurityGroupRule.group_owner_id = property(lambda self: self.ec2_backend.account_id)
SecurityGroupRule.referenced_group_info = property(
    lambda self: {"GroupId": self.source_group["GroupId"], "UserId": self.source_group.get("UserId")} if self.source_group else None
)


def group_of(self):
    name = self._get_param("GroupId") or self._get_param("GroupName")
    group = self.ec2_backend.get_security_group_by_name_or_id(name) if name else None
    if group is None:
        refuse("InvalidGroup.NotFound", f"The security group '{name}' does not exist")
    return group


def whole(method, change, answers):
    """A request of several permissions is applied as a whole or not at all, and answers all the rules it made."""

    @patched(EC2Response, method)
    def call(_original, self):
        self.error_on_dryrun()
        group = group_of(self)
        before = (list(group.ingress_rules), list(group.egress_rules))
        rules = []
        try:
            for arguments in self._process_rules_from_querystring():
                if not answers:
                    del arguments["sgrule_tags"]
                made = getattr(self.ec2_backend, change)(**arguments)
                rules += made[0] if answers else []
        except Exception:
            group.ingress_rules, group.egress_rules = before
            raise
        return ActionResult({"Return": True, "SecurityGroupRules": rules} if answers else {"Return": True})


for _method in ("authorize_security_group_ingress", "authorize_security_group_egress"):
    whole(_method, _method, answers=True)
for _method in ("revoke_security_group_ingress", "revoke_security_group_egress"):
    whole(_method, _method, answers=False)


class Whole(list):
    """moto takes out what it finds in a copy."""

    def copy(self):
        return []


@patched(SecurityGroupBackend)
def revoke_security_group_egress(original, self, *args, **kwargs):
    """A rule that is not there is refused, also where it is IPv6 in a VPC without IPv6: moto passes over that one, there or not."""
    group = self.get_security_group_by_name_or_id(kwargs["group_name_or_id"])
    for item in kwargs.get("ip_ranges") or []:
        if "CidrIpv6" in item and not any(rule.cidr_ipv6 == item["CidrIpv6"] for rule in group.egress_rules):
            refuse("InvalidPermission.NotFound", "The specified rule does not exist in this security group.")
    return original(self, *args, **{**kwargs, "ip_ranges": Whole(kwargs.get("ip_ranges") or [])})


@patched(EC2Response)
def modify_security_group_rules(_original, self):
    """The request gives each rule whole; its kind of source can't change."""
    group = group_of(self)
    changes = []
    for asked in self._get_param("SecurityGroupRules", []):
        rule = group.get_rule(asked["SecurityGroupRuleId"])
        if rule is None:
            refuse("InvalidSecurityGroupRuleId.NotFound", f"The security group rule ID '{asked['SecurityGroupRuleId']}' does not exist")
        want = asked["SecurityGroupRule"]
        kinds = [key for key in ("CidrIpv4", "CidrIpv6", "PrefixListId", "ReferencedGroupId") if want.get(key)]
        has = [bool(part) for part in source_of(rule)]
        if len(kinds) != 1 or has != [key in kinds for key in ("CidrIpv4", "CidrIpv6", "ReferencedGroupId", "PrefixListId")]:
            refuse("InvalidParameterValue", f"Invalid rule type for security group rule '{rule.id}'.")
        changes.append((rule, want, kinds[0]))
    for rule, want, kind in changes:
        rule.ip_protocol = protocol_of(want.get("IpProtocol"))
        ported = rule.ip_protocol in ("tcp", "udp", "icmp", "icmpv6")
        rule.from_port = want.get("FromPort", -1) if ported else None
        rule.to_port = want.get("ToPort", -1) if ported else None
        described = {"Description": want["Description"]} if want.get("Description") else {}
        if kind == "CidrIpv4":
            rule.ip_range = {"CidrIp": want[kind], **described}
        elif kind == "CidrIpv6":
            rule.ip_range = {"CidrIpv6": want[kind], **described}
        elif kind == "ReferencedGroupId":
            rule.source_group = {"GroupId": want[kind], "UserId": self.current_account, **described}
        else:
            rule.prefix_list_id, rule.prefix_list_description = want[kind], want.get("Description")
    return ActionResult({"Return": True})


# --- Groups ----------------------------------------------------------------------------------------------------------


def all_groups(backend):
    return [group for groups in list(backend.groups.values()) for group in list(groups.values())]


@patched(EC2Response)
def create_security_group(original, self):
    name = self._get_param("GroupName") or ""
    if name.startswith("sg-"):
        refuse("InvalidParameterValue", "invalid value for parameter groupName: names may not start with sg-")
    vpc = self._get_param("VpcId") or self.ec2_backend.get_default_vpc().id
    if any(group.vpc_id == vpc and group.name.lower() == name.lower() for group in all_groups(self.ec2_backend)):
        refuse("InvalidGroup.Duplicate", f"The security group '{name}' already exists for VPC '{vpc}'")
    return original(self)


@patched(SecurityGroupBackend)
def describe_security_groups(original, self, group_ids=None, groupnames=None, filters=None):
    groups = all_groups(self)
    unknown = missing(group_ids, {group.id for group in groups}) + missing(groupnames, {group.name for group in groups})
    if unknown:
        refuse("InvalidGroup.NotFound", f"The security group '{unknown[0]}' does not exist")
    return original(self, group_ids=group_ids, groupnames=groupnames, filters=filters)


@patched(EC2Response)
def delete_security_group(original, self):
    """https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteSecurityGroup.html"""
    backend, group = self.ec2_backend, group_of(self)
    if group.is_default:
        refuse("CannotDelete", f'the specified group: "{group.id}" name: "{group.name}" cannot be deleted by a user')
    referenced = any(
        rule.source_group.get("GroupId") == group.id
        for other in all_groups(backend)
        if other.id != group.id
        for rule in [*other.ingress_rules, *other.egress_rules]
    )
    users = [*backend.enis.values()]
    users += [nic for i in backend.all_instances() if i.state != "terminated" for nic in i.nics.values()]
    if referenced or any(held.id == group.id for nic in users for held in nic.group_set):
        refuse("DependencyViolation", f"resource {group.id} has a dependent object")
    return original(self)


assert hasattr(SecurityGroup, "get_rule"), "moto's security group has changed"


# --- Elastic IPs -----------------------------------------------------------------------------------------------------


@patched(EC2Response)
def associate_address(original, self):
    backend = self.ec2_backend
    if self._get_param("InstanceId"):
        tick(backend, answers=0)
        instance = backend.get_instance(self._get_param("InstanceId"))
        if instance.state not in ("running", "stopped", "stopping"):
            refuse("InvalidInstanceID", f"The {instance.state} instance '{instance.id}' is not in a valid state for this operation.")
    return original(self)


@patched(ElasticAddressBackend)
def associate_address(original, self, instance=None, eni=None, address=None, allocation_id=None, reassociate=None):  # noqa: F811
    """In a VPC an address moves unless the request forbids it, an interface has one address, and a repeat changes nothing."""
    known = self.address_by_allocation([allocation_id]) if allocation_id else self.address_by_ip([address])
    held, target = known[0], eni or instance.nics[0]
    if held.eni is not None and held.eni.id == target.id:
        return held
    if held.eni is not None and str(reassociate).lower() == "false":
        refuse("Resource.AlreadyAssociated", f"resource {held.allocation_id} is already associated with associate-id {held.association_id}")
    for other in self.addresses:
        if other is not held and other.eni is not None and other.eni.id == target.id:
            other.instance = other.eni = other.association_id = None
    if held.eni is not None:
        held.eni.public_ip = None
    return original(
        self, instance=instance or target.instance, eni=target, address=address, allocation_id=allocation_id, reassociate=True
    )


@patched(ElasticAddressBackend)
def allocate_address(original, self, domain, address=None, tags=None):
    """An address of the kind that AWS gives: moto's are loopback addresses, where something of the user's may answer."""
    return original(self, domain, address=address or random_public_ip(), tags=tags)


@patched(ElasticAddressBackend)
def describe_addresses(original, self, allocation_ids=None, public_ips=None, filters=None):
    unknown = missing(allocation_ids, {address.allocation_id for address in self.addresses})
    if len(unknown) == 1:
        refuse("InvalidAllocationID.NotFound", f"The allocation ID '{unknown[0]}' does not exist")
    if unknown:
        refuse("InvalidAllocationID.NotFound", f"The allocation IDs '{', '.join(unknown)}' do not exist")
    return original(self, allocation_ids=allocation_ids, public_ips=public_ips, filters=filters)


@patched(ElasticAddressBackend)
def release_address(original, self, address=None, allocation_id=None):
    known = self.address_by_allocation([allocation_id]) if allocation_id else self.address_by_ip([address])
    if known[0].association_id:
        refuse("InvalidIPAddress.InUse", f"Address {known[0].public_ip} is in use.")
    return original(self, address=address, allocation_id=allocation_id)


# --- Subnets ---------------------------------------------------------------------------------------------------------


@patched(EC2Response)
def delete_subnet(original, self):
    backend, subnet_id = self.ec2_backend, self._get_param("SubnetId")
    users = [*backend.enis.values()]
    users += [nic for i in backend.all_instances() if i.state != "terminated" for nic in i.nics.values()]
    if any(nic.subnet.id == subnet_id for nic in users):
        refuse("DependencyViolation", f"The subnet '{subnet_id}' has dependencies and cannot be deleted.")
    return original(self)
