"""VPCs, subnets, internet gateways and route tables: what AWS refuses, and the attributes and calls that moto lacks."""

import ipaddress

from common import missing, patched, refuse
from moto.core.responses import EmptyResult
from moto.ec2.models.internet_gateways import InternetGatewayBackend
from moto.ec2.models.route_tables import Route, RouteTable
from moto.ec2.models.subnets import Subnet, SubnetBackend
from moto.ec2.models.vpcs import VPCBackend
from moto.ec2.responses import EC2Response
from moto.ec2.utils import generate_route_id


def one_of(self, names):
    """The attribute that a request changes: AWS takes one a call."""
    asked = [name for name in names if self._get_param(name) is not None]
    if len(asked) > 1:
        refuse("InvalidParameterCombination", f"Fields for multiple attribute types specified: {', '.join(asked)}")
    return asked[0] if asked else None


def interfaces(backend):
    """All network interfaces that exist, those of running instances among them."""
    found = {nic.id: nic for nic in backend.enis.values()}
    for instance in backend.all_instances():
        if instance.state != "terminated":
            found.update({nic.id: nic for nic in instance.nics.values()})
    return found.values()


# --- VPCs ------------------------------------------------------------------------------------------------------------


@patched(EC2Response)
def modify_vpc_attribute(original, self):
    asked = one_of(self, ["EnableDnsSupport", "EnableDnsHostnames", "EnableNetworkAddressUsageMetrics"])
    vpc = self.ec2_backend.get_vpc(self._get_param("VpcId"))
    if asked == "EnableDnsHostnames" and self._get_param("EnableDnsHostnames.Value") and not vpc.enable_dns_support:
        refuse("InvalidParameterCombination", "DNS hostnames can't be enabled while DNS support is disabled")
    return original(self)


@patched(VPCBackend)
def delete_vpc(original, self, vpc_id):
    """With the gateways, groups and endpoints that moto does not look for."""
    vpc = self.get_vpc(vpc_id)
    gateways = [g for g in self.internet_gateways.values() if g.vpc is not None and g.vpc.id == vpc.id]
    groups = [g for g in self.groups.get(vpc_id, {}).values() if not g.is_default]
    endpoints = [e for e in self.vpc_end_points.values() if e.vpc_id == vpc_id and e.state != "deleted"]
    if gateways or groups or endpoints or any(nic.subnet.vpc_id == vpc_id for nic in interfaces(self)):
        refuse("DependencyViolation", f"The vpc '{vpc_id}' has dependencies and cannot be deleted.")
    return original(self, vpc_id)


@patched(VPCBackend)
def describe_vpcs(original, self, vpc_ids=None, filters=None):
    unknown = missing(vpc_ids, self.vpcs)
    if unknown:
        refuse("InvalidVpcID.NotFound", f"The vpc ID '{unknown[0]}' does not exist")
    return original(self, vpc_ids=vpc_ids, filters=filters)


# --- Subnets ---------------------------------------------------------------------------------------------------------

Subnet.enable_dns64 = False
Subnet.map_customer_owned_ip_on_launch = False
Subnet.customer_owned_ipv4_pool = None
Subnet.enable_lni_at_device_index = None
Subnet.ipv6_cidr_block_association_set = property(
    lambda self: [
        {
            "AssociationId": association["associationId"],
            "Ipv6CidrBlock": association["ipv6CidrBlock"],
            "Ipv6CidrBlockState": association["ipv6CidrBlockState"],
        }
        for association in self.ipv6_cidr_block_associations.values()
        if association["ipv6CidrBlockState"]["State"] == "associated"
    ]
)

PLAIN = {
    "MapPublicIpOnLaunch": "map_public_ip_on_launch",
    "AssignIpv6AddressOnCreation": "assign_ipv6_address_on_creation",
    "EnableDns64": "enable_dns64",
    "MapCustomerOwnedIpOnLaunch": "map_customer_owned_ip_on_launch",
}
NAMES = {
    "EnableResourceNameDnsARecordOnLaunch": "EnableResourceNameDnsARecord",
    "EnableResourceNameDnsAAAARecordOnLaunch": "EnableResourceNameDnsAAAARecord",
}
OTHERS = ["PrivateDnsHostnameTypeOnLaunch", "EnableLniAtDeviceIndex", "DisableLniAtDeviceIndex"]


@patched(EC2Response)
def modify_subnet_attribute(_original, self):
    subnet = self.ec2_backend.get_subnet(self._get_param("SubnetId"))
    asked = one_of(self, [*PLAIN, *NAMES, *OTHERS])
    value = self._get_param(f"{asked}.Value")
    if asked in ("AssignIpv6AddressOnCreation", "EnableDns64") and value and not subnet.ipv6_cidr_block_association_set:
        refuse("InvalidParameterValue", f"Invalid value 'true' for {asked}. The subnet '{subnet.id}' has no IPv6 CIDR block.")
    if asked in PLAIN:
        setattr(subnet, PLAIN[asked], value)
        if asked == "MapCustomerOwnedIpOnLaunch":
            subnet.customer_owned_ipv4_pool = self._get_param("CustomerOwnedIpv4Pool")
    elif asked in NAMES:
        subnet.private_dns_name_options_on_launch[NAMES[asked]] = value
    elif asked == "PrivateDnsHostnameTypeOnLaunch":
        subnet.private_dns_name_options_on_launch["HostnameType"] = self._get_param(asked)
    elif asked == "EnableLniAtDeviceIndex":
        subnet.enable_lni_at_device_index = self._get_int_param(asked)
    elif asked == "DisableLniAtDeviceIndex":
        subnet.enable_lni_at_device_index = None
    return EmptyResult()


@patched(EC2Response)
def disassociate_subnet_cidr_block(original, self):
    subnet = self.ec2_backend.get_subnet_from_ipv6_association(self._get_param("AssociationId"))
    if subnet is not None and subnet.assign_ipv6_address_on_creation and not subnet.ipv6_native:
        refuse("InvalidParameterValue", f"The subnet '{subnet.id}' assigns IPv6 addresses on creation.")
    return original(self)


@patched(EC2Response)
def associate_subnet_cidr_block(original, self):
    subnet = self.ec2_backend.get_subnet(self._get_param("SubnetId"))
    within = ipaddress.ip_network(self._get_param("Ipv6CidrBlock"))
    vpc = self.ec2_backend.get_vpc(subnet.vpc_id)
    nets = [ipaddress.ip_network(a["ipv6CidrBlock"]) for a in vpc.ipv6_cidr_block_association_set]
    if not any(within.subnet_of(net) for net in nets):
        refuse("InvalidSubnet.Range", f"The CIDR '{within}' is invalid.")
    if subnet.ipv6_cidr_block_association_set:
        refuse("InvalidParameterValue", f"The subnet '{subnet.id}' has an IPv6 CIDR block already.")
    return original(self)


@patched(SubnetBackend)
def delete_subnet(original, self, subnet_id):
    """Its tie to a route table goes with it."""
    for table in self.route_tables.values():
        table._associations = {key: target for key, target in table._associations.items() if target != subnet_id}
    return original(self, subnet_id)


# --- Internet gateways -----------------------------------------------------------------------------------------------


@patched(InternetGatewayBackend)
def attach_internet_gateway(original, self, internet_gateway_id, vpc_id):
    if any(g.vpc is not None and g.vpc.id == vpc_id and g.id != internet_gateway_id for g in self.internet_gateways.values()):
        refuse("InvalidParameterValue", f"Network {vpc_id} already has an internet gateway attached")
    return original(self, internet_gateway_id, vpc_id)


@patched(InternetGatewayBackend)
def detach_internet_gateway(original, self, internet_gateway_id, vpc_id):
    if any(nic.subnet.vpc_id == vpc_id and nic.public_ip for nic in interfaces(self)):
        refuse("DependencyViolation", f"Network {vpc_id} has some mapped public address(es). Please unmap those before detaching the gateway.")
    return original(self, internet_gateway_id, vpc_id)


def has_way_out(backend, vpc_id):
    """The default VPC comes with an internet gateway, which moto does not show."""
    if backend.get_vpc(vpc_id).is_default:
        return True
    return any(g.vpc is not None and g.vpc.id == vpc_id for g in backend.internet_gateways.values())


@patched(EC2Response)
def associate_address(original, self):
    backend, target = self.ec2_backend, None
    if self._get_param("NetworkInterfaceId"):
        target = backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    elif self._get_param("InstanceId"):
        target = backend.get_instance(self._get_param("InstanceId")).nics.get(0)
    if target is not None and not has_way_out(backend, target.subnet.vpc_id):
        refuse("Gateway.NotAttached", f"Network {target.subnet.vpc_id} is not attached to any internet gateway")
    return original(self)


# --- Route tables ----------------------------------------------------------------------------------------------------

TARGETS = [
    "CarrierGatewayId",
    "CoreNetworkArn",
    "EgressOnlyInternetGatewayId",
    "GatewayId",
    "InstanceId",
    "LocalGatewayId",
    "NatGatewayId",
    "NetworkInterfaceId",
    "TransitGatewayId",
    "VpcEndpointId",
    "VpcPeeringConnectionId",
]


def destination(self):
    given = [self._get_param(name) for name in ("DestinationCidrBlock", "DestinationIpv6CidrBlock", "DestinationPrefixListId")]
    given = [value for value in given if value]
    if len(given) != 1:
        refuse("InvalidParameterCombination", "The request must contain exactly one destination")
    return given[0]


def check_target(self, table):
    given = [name for name in TARGETS if self._get_param(name)]
    if len(given) != 1:
        refuse("InvalidParameterCombination", "The request must contain exactly one of the targets of a route")
    backend, target = self.ec2_backend, self._get_param(given[0])
    if given == ["GatewayId"] and target == "local":
        refuse("InvalidGatewayID.NotFound", "The gateway ID 'local' does not exist")
    if given == ["GatewayId"] and target.startswith("igw-"):
        gateway = backend.get_internet_gateway(target)
        if gateway.vpc is None or gateway.vpc.id != table.vpc_id:
            refuse("InvalidParameterValue", f"route table {table.id} and network gateway {target} belong to different networks")
    if given == ["NatGatewayId"]:
        gateway = backend.nat_gateways.get(target)
        if gateway is None or gateway.state in ("deleted", "failed"):
            refuse("InvalidNatGatewayID.NotFound", f"The natGateway ID '{target}' does not exist")


@patched(EC2Response)
def create_route(original, self):
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    to = destination(self)
    check_target(self, table)
    if generate_route_id(table.id, to) in table._routes:
        refuse("RouteAlreadyExists", f"The route identified by {to} already exists.")
    return original(self)


@patched(EC2Response)
def replace_route(original, self):
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    route = table._routes.get(generate_route_id(table.id, destination(self)))
    local = bool(self._get_param("LocalTarget"))
    if not local:
        check_target(self, table)
        original(self)
    if route is not None:
        route.local = local
        route.carrier_gateway = route.vpc_endpoint_id = None
        if local:
            route.gateway = route.instance = route.nat_gateway = route.interface = route.vpc_pcx = None
            route.egress_only_igw = route.transit_gateway = None
    return EmptyResult()


@patched(EC2Response)
def delete_route(original, self):
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    route = table._routes.get(generate_route_id(table.id, destination(self)))
    if route is not None and route.local:
        refuse("InvalidParameterValue", f"cannot remove local route {route.destination_cidr_block} in route table {table.id}")
    return original(self)


def is_lost(route):
    """Whether what it leads to is gone."""
    backend = route.route_table.ec2_backend
    if route.nat_gateway is not None:
        return route.nat_gateway.state in ("deleted", "failed")
    if route.interface is not None:
        return all(nic.id != route.interface.id for nic in interfaces(backend))
    if route.gateway is not None and route.gateway.id.startswith("igw-"):
        return route.gateway.id not in backend.internet_gateways or route.gateway.vpc is None
    return False


Route.state = property(lambda self: "blackhole" if is_lost(self) else "active")


@patched(RouteTable)
def get_filter_value(original, self, filter_name, method_name=None):
    if filter_name == "association.gateway-id":
        return list(self._associations.values())
    return original(self, filter_name, method_name)


@patched(EC2Response)
def associate_route_table(original, self):
    table, user = self._get_param("RouteTableId"), self._get_param("SubnetId") or self._get_param("GatewayId")
    others = [t for t in self.ec2_backend.route_tables.values() if t.id != table]
    if any(user in other._associations.values() for other in others):
        why = f"the specified association for route table {table} conflicts with an existing association"
        refuse("Resource.AlreadyAssociated", why)
    return original(self)


@patched(EC2Response)
def delete_route_table(original, self):
    table = self.ec2_backend.get_route_table(self._get_param("RouteTableId"))
    if table.main_association_id is not None:
        refuse("DependencyViolation", f"The routeTable '{table.id}' has dependencies and cannot be deleted.")
    return original(self)
