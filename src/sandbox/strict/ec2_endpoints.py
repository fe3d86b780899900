"""VPC endpoints, network interfaces and flow logs: the states that they pass through, and what moto loses of them."""

import json
import time

from common import missing, patched, refuse
from ec2_states import ANSWERS_ON_THE_WAY, SECONDS_ON_THE_WAY
from moto.core.responses import ActionResult, EmptyResult
from moto.ec2.models.flow_logs import FlowLogs, FlowLogsBackend
from moto.ec2.models.vpcs import VPCBackend, VPCEndPoint
from moto.ec2.responses import EC2Response

# --- VPC endpoints ---------------------------------------------------------------------------------------------------

VPCEndPoint.vpc_endpoint_id = property(lambda self: self.id)
VPCEndPoint.ip_address_type = "ipv4"


def move(endpoint, through, to):
    endpoint.state = through
    endpoint.on_the_way = [ANSWERS_ON_THE_WAY, to, time.monotonic() + SECONDS_ON_THE_WAY]


def tick(backend):
    for endpoint in list(backend.vpc_end_points.values()):
        way = getattr(endpoint, "on_the_way", None)
        if way is None:
            continue
        if way[0] > 0 and time.monotonic() <= way[2]:
            way[0] -= 1
            continue
        endpoint.state, endpoint.on_the_way = way[1], None
        if endpoint.state == "deleted":
            for id_ in endpoint.network_interface_ids:
                backend.enis.pop(id_, None)
            backend.vpc_end_points.pop(endpoint.id, None)


def route(backend, endpoint, table, there):
    """The route that a gateway endpoint writes into its tables."""
    routes = backend.get_route_table(table)._routes
    found = [key for key, r in routes.items() if r.vpc_endpoint_id == endpoint.id or getattr(r.gateway, "id", None) == endpoint.id]
    if found and not there:
        routes.pop(found[0])
    if there and not found and endpoint.destination_prefix_list_id:
        backend.create_route(table, None, gateway_id=endpoint.id, destination_prefix_list_id=endpoint.destination_prefix_list_id)


@patched(EC2Response)
def create_vpc_endpoint(original, self):
    backend, given = self.ec2_backend, self._get_param
    kind = given("VpcEndpointType") or "Gateway"
    self.params["VpcEndpointType"] = kind
    service = given("ServiceName") or ""
    if kind == "Gateway" and not service.endswith((".s3", ".dynamodb")):
        refuse("InvalidParameter", f"The service {service} has no gateway endpoints")
    if kind == "Gateway" and (given("SubnetIds") or given("SecurityGroupIds") or given("PrivateDnsEnabled")):
        refuse("InvalidParameter", "A gateway endpoint takes no subnets, no security groups and no private DNS")
    if kind == "Interface" and given("PrivateDnsEnabled"):
        vpc = backend.get_vpc(given("VpcId"))
        if not (vpc.enable_dns_support and vpc.enable_dns_hostnames):
            refuse("InvalidParameter", "Enabling private DNS requires both enableDnsSupport and enableDnsHostnames VPC attributes set to true")
    answer = original(self)
    endpoint = backend.vpc_end_points.get(answer.result["VpcEndpoint"].id)
    if endpoint is not None and not hasattr(endpoint, "on_the_way"):
        endpoint.private_dns_enabled = bool(given("PrivateDnsEnabled", kind == "Interface"))
        if kind == "Interface" and not endpoint.security_group_ids:
            endpoint.security_group_ids = [backend.get_default_security_group(endpoint.vpc_id).id]
        move(endpoint, "pending", "available")
    return answer


@patched(EC2Response)
def modify_vpc_endpoint(original, self):
    backend, given = self.ec2_backend, self._get_param
    endpoint = backend.get_vpc_end_point(given("VpcEndpointId"))
    if endpoint.state != "available":
        refuse("IncorrectState", f"The endpoint {endpoint.id} is {endpoint.state}")
    if endpoint.vpc_endpoint_type == "Gateway" and (given("AddSubnetIds") or given("AddSecurityGroupIds")):
        refuse("InvalidParameter", "A gateway endpoint takes no subnets and no security groups")
    answer = original(self)
    if given("ResetPolicy"):
        endpoint.policy_document = json.dumps(VPCEndPoint.DEFAULT_POLICY)
    if given("PrivateDnsEnabled") is not None:
        endpoint.private_dns_enabled = given("PrivateDnsEnabled")
    if endpoint.vpc_endpoint_type == "Gateway":
        for table in given("AddRouteTableIds", []):
            route(backend, endpoint, table, there=True)
        for table in given("RemoveRouteTableIds", []):
            route(backend, endpoint, table, there=False)
    move(endpoint, "pending", "available")
    return answer


@patched(EC2Response)
def describe_vpc_endpoints(original, self):
    tick(self.ec2_backend)
    return original(self)


@patched(VPCBackend)
def delete_vpc_endpoints(_original, self, vpce_ids=None):
    for id_ in vpce_ids or []:
        endpoint = self.vpc_end_points.get(id_)
        if endpoint is None or endpoint.state == "deleting":
            continue
        for table in endpoint.route_table_ids:
            if table in self.route_tables:
                route(self, endpoint, table, there=False)
        move(endpoint, "deleting", "deleted")


@patched(EC2Response, "delete_vpc_endpoints")
def delete_vpc_endpoints_call(_original, self):
    """What could not be deleted is told in an answer of success."""
    ids = self._get_param("VpcEndpointIds", [])
    unknown = missing(ids, self.ec2_backend.vpc_end_points)
    self.ec2_backend.delete_vpc_endpoints(vpce_ids=ids)
    error = {"Code": "InvalidVpcEndpoint.NotFound", "Message": "The endpoint does not exist"}
    return ActionResult({"Unsuccessful": [{"ResourceId": id_, "Error": error} for id_ in unknown]})


# --- Network interfaces ----------------------------------------------------------------------------------------------


@patched(EC2Response)
def delete_network_interface(original, self):
    nic = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if nic.instance is not None and nic.attachment_id:
        refuse("InvalidParameterValue", f"Network interface '{nic.id}' is currently in use.")
    if nic.requester_managed:
        refuse("OperationNotPermitted", f"You do not have permission to access the specified resource '{nic.id}'.")
    return original(self)


@patched(EC2Response)
def attach_network_interface(original, self):
    backend = self.ec2_backend
    nic, instance = backend.get_network_interface(self._get_param("NetworkInterfaceId")), backend.get_instance(self._get_param("InstanceId"))
    if instance.state not in ("running", "stopped"):
        refuse("IncorrectInstanceState", f"Instance '{instance.id}' is not 'running' or 'stopped'.")
    if nic.attachment_id:
        refuse("InvalidNetworkInterface.InUse", f"Interface: [{nic.id}] in use.")
    if int(self._get_param("DeviceIndex")) in instance.nics:
        refuse("InvalidParameterValue", f"Instance '{instance.id}' already has an interface attached at that device index.")
    return original(self)


@patched(EC2Response)
def modify_network_interface_attribute(original, self):
    """An empty description is one, too."""
    nic = self.ec2_backend.get_network_interface(self._get_param("NetworkInterfaceId"))
    if self._get_param("Description.Value") is not None:
        nic.description = self._get_param("Description.Value")
        return EmptyResult()
    return original(self)


# --- Flow logs -------------------------------------------------------------------------------------------------------

FlowLogs.destination_options = None


@patched(FlowLogsBackend)
def create_flow_logs(original, self, **given):
    """The group's name and its ARN tell the same."""
    destination = given.get("log_destination")
    if given.get("log_destination_type") in (None, "cloud-watch-logs") and destination and not given.get("log_group_name"):
        given["log_group_name"] = destination.split(":log-group:", 1)[-1]
        if destination.endswith(":*"):
            refuse("InvalidParameter", f"LogDestination: {destination} is no ARN of a log group")
    return original(self, **given)


@patched(EC2Response, "create_flow_logs")
def create_flow_logs_call(original, self):
    answer = original(self)
    for id_ in answer.result["FlowLogIds"]:
        self.ec2_backend.flow_logs[id_].destination_options = self._get_param("DestinationOptions")
    return answer
