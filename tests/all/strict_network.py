"""What the sandbox refuses and keeps of networks as AWS does: `strict_network.py ENDPOINT`."""

import base64

from strict_checks import Cloud, check, refused, run


class Network:
    """A VPC with a subnet, and with an internet gateway where it is to have one."""

    def __init__(self, cloud, out=True):
        self.ec2 = cloud.ec2
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
        self.gateway = None
        if out:
            self.gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
            self.ec2.attach_internet_gateway(InternetGatewayId=self.gateway, VpcId=self.vpc)

    def ipv6(self):
        return self.ec2.describe_vpcs(VpcIds=[self.vpc])["Vpcs"][0]["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"]

    def table(self):
        return self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"]

    def address(self):
        return self.ec2.allocate_address(Domain="vpc")["AllocationId"]

    def nat(self, **more):
        return self.ec2.create_nat_gateway(SubnetId=self.subnet, **more)["NatGateway"]["NatGatewayId"]

    def nat_state(self, id_):
        found = self.ec2.describe_nat_gateways(NatGatewayIds=[id_])["NatGateways"][0]
        return found["State"], found

    def nat_until(self, id_, state):
        for _ in range(5):
            if self.nat_state(id_)[0] == state:
                return self.nat_state(id_)[1]
        raise AssertionError(f"{id_} never became {state}")


@check
def a_vpc_in_use_stays():
    net = Network(Cloud())
    refused("DependencyViolation", net.ec2.delete_vpc, VpcId=net.vpc)
    net.ec2.delete_subnet(SubnetId=net.subnet)
    refused("DependencyViolation", net.ec2.delete_vpc, VpcId=net.vpc)
    refused("DependencyViolation", net.ec2.delete_internet_gateway, InternetGatewayId=net.gateway)
    net.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)
    group = net.ec2.create_security_group(GroupName="web", Description="web", VpcId=net.vpc)["GroupId"]
    refused("DependencyViolation", net.ec2.delete_vpc, VpcId=net.vpc)
    net.ec2.delete_security_group(GroupId=group)
    net.ec2.delete_vpc(VpcId=net.vpc)
    refused("InvalidVpcID.NotFound", net.ec2.describe_vpcs, VpcIds=[net.vpc])


@check
def attributes_change_one_a_call():
    net = Network(Cloud())
    net.ec2.modify_vpc_attribute(VpcId=net.vpc, EnableDnsSupport={"Value": False})
    refused("InvalidParameterCombination", net.ec2.modify_vpc_attribute, VpcId=net.vpc, EnableDnsHostnames={"Value": True})
    both = {"MapPublicIpOnLaunch": {"Value": True}, "EnableDns64": {"Value": True}}
    refused("InvalidParameterCombination", net.ec2.modify_subnet_attribute, SubnetId=net.subnet, **both)
    refused("InvalidParameterValue", net.ec2.modify_subnet_attribute, SubnetId=net.subnet, EnableDns64={"Value": True})
    refused("InvalidSubnet.Range", net.ec2.associate_subnet_cidr_block, SubnetId=net.subnet, Ipv6CidrBlock="2001:db8::/64")
    first = net.ipv6().replace("::/56", "::/64")
    tie = net.ec2.associate_subnet_cidr_block(SubnetId=net.subnet, Ipv6CidrBlock=first)["Ipv6CidrBlockAssociation"]["AssociationId"]
    for attribute in ("EnableDns64", "AssignIpv6AddressOnCreation", "EnableResourceNameDnsAAAARecordOnLaunch"):
        net.ec2.modify_subnet_attribute(SubnetId=net.subnet, **{attribute: {"Value": True}})
    net.ec2.modify_subnet_attribute(SubnetId=net.subnet, PrivateDnsHostnameTypeOnLaunch="resource-name")
    shown = net.ec2.describe_subnets(SubnetIds=[net.subnet])["Subnets"][0]
    assert shown["EnableDns64"] and shown["AssignIpv6AddressOnCreation"], shown
    names = {"HostnameType": "resource-name", "EnableResourceNameDnsARecord": False, "EnableResourceNameDnsAAAARecord": True}
    assert shown["PrivateDnsNameOptionsOnLaunch"] == names, shown
    assert shown["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlockState"]["State"] == "associated", shown
    refused("InvalidParameterValue", net.ec2.disassociate_subnet_cidr_block, AssociationId=tie)


@check
def a_vpc_has_one_way_out_and_addresses_need_it():
    cloud = Cloud()
    net = Network(cloud, out=False)
    nic = net.ec2.create_network_interface(SubnetId=net.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    address = net.address()
    refused("Gateway.NotAttached", net.ec2.associate_address, AllocationId=address, NetworkInterfaceId=nic)
    gateway, other = (net.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"] for _ in range(2))
    net.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=net.vpc)
    refused("InvalidParameterValue", net.ec2.attach_internet_gateway, InternetGatewayId=other, VpcId=net.vpc)
    tie = net.ec2.associate_address(AllocationId=address, NetworkInterfaceId=nic)["AssociationId"]
    refused("DependencyViolation", net.ec2.detach_internet_gateway, InternetGatewayId=gateway, VpcId=net.vpc)
    net.ec2.disassociate_address(AssociationId=tie)
    net.ec2.detach_internet_gateway(InternetGatewayId=gateway, VpcId=net.vpc)


@check
def routes_lead_where_there_is_something():
    net = Network(Cloud())
    table, world = net.table(), {"DestinationCidrBlock": "0.0.0.0/0"}
    other = Network(Cloud()).gateway
    refused("InvalidInternetGatewayID.NotFound", net.ec2.create_route, RouteTableId=table, GatewayId=other, **world)
    refused("InvalidNatGatewayID.NotFound", net.ec2.create_route, RouteTableId=table, NatGatewayId="nat-0123456789abcdef0", **world)
    net.ec2.create_route(RouteTableId=table, GatewayId=net.gateway, **world)
    refused("RouteAlreadyExists", net.ec2.create_route, RouteTableId=table, GatewayId=net.gateway, **world)
    refused("InvalidParameterValue", net.ec2.delete_route, RouteTableId=table, DestinationCidrBlock="10.0.0.0/16")
    nic = net.ec2.create_network_interface(SubnetId=net.subnet)["NetworkInterface"]["NetworkInterfaceId"]
    net.ec2.replace_route(RouteTableId=table, NetworkInterfaceId=nic, **world)

    def route():
        routes = net.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return next(r for r in routes if r.get("DestinationCidrBlock") == "0.0.0.0/0")

    assert (route()["NetworkInterfaceId"], route()["State"]) == (nic, "active")
    net.ec2.delete_network_interface(NetworkInterfaceId=nic)
    assert route()["State"] == "blackhole"


@check
def a_subnet_uses_one_table():
    net = Network(Cloud())
    first, second = net.table(), net.table()
    tie = net.ec2.associate_route_table(RouteTableId=first, SubnetId=net.subnet)["AssociationId"]
    refused("Resource.AlreadyAssociated", net.ec2.associate_route_table, RouteTableId=second, SubnetId=net.subnet)
    refused("DependencyViolation", net.ec2.delete_route_table, RouteTableId=first)
    new = net.ec2.replace_route_table_association(AssociationId=tie, RouteTableId=second)["NewAssociationId"]
    assert new != tie
    net.ec2.delete_subnet(SubnetId=net.subnet)
    net.ec2.delete_route_table(RouteTableId=second)
    main = net.ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [net.vpc]}, {"Name": "association.main", "Values": ["true"]}])
    refused("DependencyViolation", net.ec2.delete_route_table, RouteTableId=main["RouteTables"][0]["RouteTableId"])


@check
def a_nat_gateway_takes_its_time():
    net = Network(Cloud())
    address = net.address()
    refused("MissingParameter", lambda: net.nat(ConnectivityType="public"))
    id_ = net.nat(AllocationId=address, ClientToken="t")
    assert net.nat(AllocationId=address, ClientToken="t") == id_
    assert [net.nat_state(id_)[0] for _ in range(3)] == ["pending", "pending", "available"]
    shown = net.nat_state(id_)[1]["NatGatewayAddresses"][0]
    assert shown["IsPrimary"] and shown["AllocationId"] == address and shown["PrivateIp"].startswith("10.0.1."), shown
    refused("InvalidIPAddress.InUse", net.ec2.release_address, AllocationId=address)
    refused("DependencyViolation", net.ec2.delete_subnet, SubnetId=net.subnet)
    refused("DependencyViolation", net.ec2.detach_internet_gateway, InternetGatewayId=net.gateway, VpcId=net.vpc)
    more = net.address()
    net.ec2.associate_nat_gateway_address(NatGatewayId=id_, AllocationIds=[more], PrivateIpAddresses=["10.0.1.77"])
    second = net.nat_state(id_)[1]["NatGatewayAddresses"][1]
    assert (second["PrivateIp"], second["AllocationId"]) == ("10.0.1.77", more), second
    net.ec2.disassociate_nat_gateway_address(NatGatewayId=id_, AssociationIds=[second["AssociationId"]])
    net.ec2.release_address(AllocationId=more)
    net.ec2.delete_nat_gateway(NatGatewayId=id_)
    assert net.nat_state(id_)[0] == "deleting"
    net.nat_until(id_, "deleted")
    net.ec2.release_address(AllocationId=address)
    net.ec2.delete_subnet(SubnetId=net.subnet)
    net.ec2.detach_internet_gateway(InternetGatewayId=net.gateway, VpcId=net.vpc)


@check
def a_nat_gateway_without_a_way_out_fails_later():
    net = Network(Cloud(), out=False)
    failed = net.nat_until(net.nat(AllocationId=net.address()), "failed")
    assert failed["FailureCode"] == "Gateway.NotAttached", failed
    private = net.nat(ConnectivityType="private")
    assert "AllocationId" not in net.nat_until(private, "available")["NatGatewayAddresses"][0]


@check
def a_launch_template_holds_what_it_was_given():
    cloud = Cloud()
    data = {"InstanceType": "t3.small", "TagSpecifications": [{"ResourceType": "instance", "Tags": [{"Key": "a", "Value": "b"}]}]}
    own = [{"ResourceType": "launch-template", "Tags": [{"Key": "own", "Value": "1"}]}]
    arguments = {"LaunchTemplateName": "hosts", "LaunchTemplateData": data, "TagSpecifications": own, "ClientToken": "t"}
    id_ = cloud.ec2.create_launch_template(**arguments)["LaunchTemplate"]["LaunchTemplateId"]
    assert cloud.ec2.create_launch_template(**arguments)["LaunchTemplate"]["LaunchTemplateId"] == id_

    def latest():
        return cloud.ec2.describe_launch_template_versions(LaunchTemplateId=id_, Versions=["$Latest"])["LaunchTemplateVersions"][0]

    assert [s["ResourceType"] for s in latest()["LaunchTemplateData"]["TagSpecifications"]] == ["instance"], latest()
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    cloud.ec2.create_launch_template_version(LaunchTemplateId=id_, LaunchTemplateData={"UserData": script, "EbsOptimized": False})
    assert latest()["LaunchTemplateData"]["UserData"] == script and latest()["VersionNumber"] == 2, latest()
    cloud.ec2.create_tags(Resources=[id_], Tags=[{"Key": "own", "Value": "2"}])
    shown = cloud.ec2.describe_launch_templates(LaunchTemplateIds=[id_])["LaunchTemplates"][0]
    assert shown["Tags"] == [{"Key": "own", "Value": "2"}], shown
    refused("MissingParameter", cloud.ec2.create_launch_template, LaunchTemplateName="none", LaunchTemplateData={})
    refused("InvalidLaunchTemplateId.VersionNotFound", cloud.ec2.modify_launch_template, LaunchTemplateId=id_, DefaultVersion="9")
    for n in range(20):
        cloud.ec2.create_launch_template(LaunchTemplateName=f"more-{n}", LaunchTemplateData={"UserData": ""})
    assert len(cloud.ec2.describe_launch_templates()["LaunchTemplates"]) == 21
    refused("InvalidLaunchTemplateId.NotFound", cloud.ec2.describe_launch_templates, LaunchTemplateIds=[id_, "lt-0123456789abcdef0"])


@check
def an_endpoint_takes_its_time_and_writes_its_routes():
    cloud = Cloud()
    net, service = Network(cloud), "com.amazonaws.us-east-1.s3"
    first, second = net.table(), net.table()
    made = {"VpcId": net.vpc, "ServiceName": service, "RouteTableIds": [first], "ClientToken": "t"}
    id_ = net.ec2.create_vpc_endpoint(**made)["VpcEndpoint"]["VpcEndpointId"]
    assert net.ec2.create_vpc_endpoint(**made)["VpcEndpoint"]["VpcEndpointId"] == id_
    refused("IncorrectState", net.ec2.modify_vpc_endpoint, VpcEndpointId=id_, AddRouteTableIds=[second])

    def state():
        found = net.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [id_]}])["VpcEndpoints"]
        return found[0]["State"] if found else None

    def routes(table):
        found = net.ec2.describe_route_tables(RouteTableIds=[table])["RouteTables"][0]["Routes"]
        return [r["GatewayId"] for r in found if "DestinationPrefixListId" in r]

    assert [state() for _ in range(3)] == ["pending", "pending", "available"]
    net.ec2.modify_vpc_endpoint(VpcEndpointId=id_, AddRouteTableIds=[second], RemoveRouteTableIds=[first])
    assert (routes(first), routes(second)) == ([], [id_])
    assert net.ec2.describe_prefix_lists(Filters=[{"Name": "prefix-list-name", "Values": [service]}])["PrefixLists"]
    refused("InvalidParameter", net.ec2.create_vpc_endpoint, VpcId=net.vpc, ServiceName="com.amazonaws.us-east-1.ecr.api")
    told = net.ec2.delete_vpc_endpoints(VpcEndpointIds=[id_, "vpce-0123456789abcdef0"])["Unsuccessful"]
    assert [t["Error"]["Code"] for t in told] == ["InvalidVpcEndpoint.NotFound"], told
    assert [state() for _ in range(3)] == ["deleting", "deleting", None]
    assert routes(second) == []


@check
def flow_logs_and_snapshots_keep_what_they_are_told():
    cloud = Cloud()
    net = Network(cloud)
    group = f"arn:aws:logs:us-east-1:{cloud.account}:log-group:flows"
    cloud.logs.create_log_group(logGroupName="flows")
    made = {"ResourceIds": [net.vpc], "ResourceType": "VPC", "TrafficType": "ALL", "DeliverLogsPermissionArn": "arn:aws:iam::1:role/r"}
    refused("InvalidParameter", net.ec2.create_flow_logs, LogDestination=group + ":*", **made)
    id_ = net.ec2.create_flow_logs(LogDestination=group, **made)["FlowLogIds"][0]
    shown = net.ec2.describe_flow_logs(Filters=[{"Name": "flow-log-id", "Values": [id_]}])["FlowLogs"][0]
    assert (shown["LogDestination"], shown["LogGroupName"]) == (group, "flows"), shown
    volume = net.ec2.create_volume(AvailabilityZone="us-east-1a", Size=1)["VolumeId"]
    snapshot = net.ec2.create_snapshot(VolumeId=volume)["SnapshotId"]
    states = [net.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["State"] for _ in range(2)]
    assert states == ["pending", "completed"], states
    nic = net.ec2.create_network_interface(SubnetId=net.subnet, Description="router")["NetworkInterface"]["NetworkInterfaceId"]
    net.ec2.modify_network_interface_attribute(NetworkInterfaceId=nic, Description={"Value": ""})
    assert net.ec2.describe_network_interfaces(NetworkInterfaceIds=[nic])["NetworkInterfaces"][0]["Description"] == ""


run()
