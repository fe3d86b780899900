"""NAT gateways: they take a while, fail without a way out, and give their address back late."""

import time

from common import missing, patched, refuse
from ec2_common import honour_token, page
from ec2_states import ANSWERS_ON_THE_WAY, SECONDS_ON_THE_WAY
from ec2_vpc import has_way_out
from moto.core.responses import ActionResult
from moto.ec2.models.nat_gateways import NatGateway, NatGatewayBackend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import add_tag_specification, generic_filter, random_eip_association_id, random_private_ip

NatGateway.nat_gateway_id = property(lambda self: self.id)
NatGateway.failure_code = NatGateway.failure_message = None


def move(gateway, through, to):
    gateway.state = through
    gateway.on_the_way = [ANSWERS_ON_THE_WAY, to, time.monotonic() + SECONDS_ON_THE_WAY]


def tick(backend):
    for gateway in list(backend.nat_gateways.values()):
        way = getattr(gateway, "on_the_way", None)
        if way is None:
            continue
        if way[0] > 0 and time.monotonic() <= way[2]:
            way[0] -= 1
            continue
        gateway.state, gateway.on_the_way = way[1], None
        if gateway.state in ("deleted", "failed"):
            give_back(backend, gateway)


def give_back(backend, gateway):
    """The interface and the addresses, which stay taken until the gateway is gone."""
    for address in backend.addresses:
        if address.eni is not None and address.eni.id == gateway._eni.id:
            address.instance = address.eni = address.association_id = None
    backend.enis.pop(gateway._eni.id, None)


def add_address(backend, gateway, allocation, ip, primary=False):
    """Ties an address to the gateway's interface: the primary one as moto does, others by hand."""
    entry = {"NetworkInterfaceId": gateway._eni.id, "PrivateIp": ip, "IsPrimary": primary, "Status": "succeeded"}
    if allocation:
        address = backend.address_by_allocation([allocation])[0]
        if primary:
            backend.associate_address(eni=gateway._eni, allocation_id=allocation)
        else:
            address.eni, address.association_id = gateway._eni, random_eip_association_id()
        entry |= {"AllocationId": allocation, "PublicIp": address.public_ip, "AssociationId": address.association_id}
    gateway.address_set.append(entry)


def free_ip(backend, gateway):
    subnet, taken = backend.get_subnet(gateway.subnet_id), {entry["PrivateIp"] for entry in gateway.address_set}
    while True:
        ip = random_private_ip(subnet.cidr_block)
        if ip not in taken:
            return ip


@patched(EC2Response)
def create_nat_gateway(_original, self):
    backend, given = self.ec2_backend, self._get_param
    subnet, kind = backend.get_subnet(given("SubnetId")), given("ConnectivityType", "public")
    allocation, more = given("AllocationId"), given("SecondaryAllocationIds", [])
    if kind == "public" and not allocation:
        refuse("MissingParameter", "The request must contain the parameter AllocationId")
    if kind == "private" and (allocation or more):
        refuse("InvalidParameterCombination", "A private NAT gateway takes no Elastic IP address")
    addresses = backend.address_by_allocation([allocation, *more]) if allocation else []
    failure = None
    if kind == "public" and not has_way_out(backend, subnet.vpc_id):
        failure = ("Gateway.NotAttached", f"Network {subnet.vpc_id} has no Internet gateway attached")
    for address in addresses:
        if address.association_id:
            failure = ("Resource.AlreadyAssociated", f"Elastic IP address [{address.allocation_id}] is already associated")
    tags = add_tag_specification(given("TagSpecifications", []))
    gateway = NatGatewayBackend.create_nat_gateway(backend, subnet.id, None, tags, kind)
    gateway.address_set.clear()
    ip = given("PrivateIpAddress") or random_private_ip(subnet.cidr_block)
    nic = gateway._eni
    nic.private_ip_address, nic.private_ip_addresses = ip, [{"Primary": True, "PrivateIpAddress": ip}]
    nic.description, nic.requester_managed = f"Interface for NAT Gateway {gateway.id}", True
    if failure:
        gateway.failure_code, gateway.failure_message = failure
        move(gateway, "pending", "failed")
        return ActionResult({"NatGateway": gateway})
    add_address(backend, gateway, allocation, ip, primary=True)
    ips = list(given("SecondaryPrivateIpAddresses", []))
    ips += [None] * (given("SecondaryPrivateIpAddressCount") or 0)
    for index in range(max(len(more), len(ips))):
        wanted = ips[index] if index < len(ips) else None
        add_address(backend, gateway, more[index] if index < len(more) else None, wanted or free_ip(backend, gateway))
    move(gateway, "pending", "available")
    return ActionResult({"NatGateway": gateway})


def gateway_of(self):
    gateway = self.ec2_backend.nat_gateways.get(self._get_param("NatGatewayId"))
    if gateway is None or gateway.state == "deleted":
        refuse("NatGatewayNotFound", f"The Nat Gateway {self._get_param('NatGatewayId')} was not found")
    return gateway


@patched(EC2Response)
def delete_nat_gateway(_original, self):
    gateway = gateway_of(self)
    if gateway.state != "deleting":
        move(gateway, "deleting", "deleted")
    return ActionResult({"NatGatewayId": gateway.id})


@patched(EC2Response)
def describe_nat_gateways(_original, self):
    backend, ids = self.ec2_backend, self._get_param("NatGatewayIds", [])
    unknown = missing(ids, backend.nat_gateways)
    if unknown:
        refuse("NatGatewayNotFound", f"The Nat Gateway {unknown[0]} was not found")
    tick(backend)
    found = [g for g in backend.nat_gateways.values() if not ids or g.id in ids]
    return ActionResult({"NatGateways": generic_filter(self._filters_from_querystring(), found)})


def changed(gateway, entries):
    return ActionResult({"NatGatewayId": gateway.id, "NatGatewayAddresses": entries})


@patched(EC2Response)
def associate_nat_gateway_address(_original, self):
    gateway, ips = gateway_of(self), self._get_param("PrivateIpAddresses", [])
    for index, allocation in enumerate(self._get_param("AllocationIds", [])):
        if self.ec2_backend.address_by_allocation([allocation])[0].association_id:
            refuse("Resource.AlreadyAssociated", f"Elastic IP address [{allocation}] is already associated")
        ip = ips[index] if index < len(ips) else free_ip(self.ec2_backend, gateway)
        add_address(self.ec2_backend, gateway, allocation, ip)
    return changed(gateway, gateway.address_set)


@patched(EC2Response)
def disassociate_nat_gateway_address(_original, self):
    gateway, ids = gateway_of(self), self._get_param("AssociationIds", [])
    gone = [entry for entry in gateway.address_set if entry.get("AssociationId") in ids]
    if any(entry["IsPrimary"] for entry in gone):
        refuse("InvalidParameterValue", "The primary address of a NAT gateway can't be disassociated")
    for address in self.ec2_backend.addresses:
        if address.association_id in ids:
            address.instance = address.eni = address.association_id = None
    gateway.address_set = [entry for entry in gateway.address_set if entry not in gone]
    return changed(gateway, gone)


@patched(EC2Response)
def assign_private_nat_gateway_address(_original, self):
    gateway = gateway_of(self)
    for ip in self._get_param("PrivateIpAddresses", []):
        add_address(self.ec2_backend, gateway, None, ip)
    return changed(gateway, gateway.address_set)


@patched(EC2Response)
def unassign_private_nat_gateway_address(_original, self):
    gateway, ips = gateway_of(self), self._get_param("PrivateIpAddresses", [])
    gone = [entry for entry in gateway.address_set if entry["PrivateIp"] in ips]
    gateway.address_set = [entry for entry in gateway.address_set if entry not in gone]
    return changed(gateway, gone)


honour_token("create_nat_gateway")
page("describe_nat_gateways", "NatGateways")
