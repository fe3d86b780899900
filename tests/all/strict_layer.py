"""What the sandbox refuses and keeps as AWS does. Run by the Rust test of the same name: `strict_layer.py ENDPOINT`."""

import base64
import json
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from strict_checks import ENDPOINT, Cloud, check, refused, run


def image(cloud):
    found = cloud.ec2.describe_images(
        Owners=["amazon"],
        Filters=[{"Name": "name", "Values": ["al2023-ami-2023.*-kernel-6.1-x86_64"]}, {"Name": "architecture", "Values": ["x86_64"]}],
    )["Images"]
    return max(found, key=lambda i: i["CreationDate"])


def launch(cloud, running=True, **more):
    arguments = {"ImageId": image(cloud)["ImageId"], "InstanceType": "t3.small", "MinCount": 1, "MaxCount": 1, **more}
    instance = cloud.ec2.run_instances(**arguments)["Instances"][0]
    if running:
        wait(cloud, instance["InstanceId"], "running")
    return instance["InstanceId"]


def show(cloud, id_):
    return cloud.ec2.describe_instances(InstanceIds=[id_])["Reservations"][0]["Instances"][0]


def wait(cloud, id_, state):
    for _ in range(5):
        if show(cloud, id_)["State"]["Name"] == state:
            return
    raise AssertionError(f"{id_} never became {state}")


@check
def images_are_those_of_the_stacks():
    cloud = Cloud()
    newest = image(cloud)
    assert newest["Name"] == "al2023-ami-2023.9.20251117.1-kernel-6.1-x86_64"
    assert (newest["OwnerId"], newest["RootDeviceName"], newest["ImdsSupport"]) == ("137112412989", "/dev/xvda", "v2.0")
    root = newest["BlockDeviceMappings"][0]
    assert root["DeviceName"] == "/dev/xvda" and root["Ebs"]["VolumeType"] == "gp3" and root["Ebs"]["DeleteOnTermination"]
    parameter = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert cloud.ssm.get_parameter(Name=parameter)["Parameter"]["Value"] == newest["ImageId"]
    canonical = "/aws/service/canonical/ubuntu/server/24.04/stable/current/arm64/hvm/ebs-gp3/ami-id"
    ubuntu = cloud.ec2.describe_images(Owners=["099720109477"], Filters=[{"Name": "architecture", "Values": ["arm64"]}])["Images"]
    assert [i["ImageId"] for i in ubuntu] == [cloud.ssm.get_parameter(Name=canonical)["Parameter"]["Value"]]


@check
def a_token_makes_one_instance():
    cloud = Cloud()
    first = launch(cloud, running=False, ClientToken="t-1")
    assert launch(cloud, running=False, ClientToken="t-1") == first
    refused("IdempotentParameterMismatch", lambda: launch(cloud, ClientToken="t-1", InstanceType="t3.large"))
    launch(cloud, running=False)
    found = cloud.ec2.describe_instances(Filters=[{"Name": "client-token", "Values": ["t-1", "t-2"]}])["Reservations"]
    assert [i["InstanceId"] for r in found for i in r["Instances"]] == [first], found
    made = [cloud.ec2.create_volume(AvailabilityZone="us-east-1a", Size=9, ClientToken="v") for _ in range(2)]
    assert made[0]["VolumeId"] == made[1]["VolumeId"]


@check
def an_instance_takes_its_time():
    cloud = Cloud()
    id_ = launch(cloud, running=False)
    seen = [show(cloud, id_)["State"]["Name"] for _ in range(3)]
    assert seen == ["pending", "pending", "running"], seen
    cloud.ec2.terminate_instances(InstanceIds=[id_])
    seen = [show(cloud, id_)["State"]["Name"] for _ in range(3)]
    assert seen == ["shutting-down", "shutting-down", "terminated"], seen


@check
def a_pending_instance_takes_no_address():
    cloud = Cloud()
    id_ = launch(cloud, running=False)
    allocated = cloud.ec2.allocate_address(Domain="vpc")
    address = allocated["AllocationId"]
    assert not allocated["PublicIp"].startswith("127.")
    refused("InvalidInstanceID", cloud.ec2.associate_address, InstanceId=id_, AllocationId=address)
    wait(cloud, id_, "running")
    first = cloud.ec2.associate_address(InstanceId=id_, AllocationId=address)["AssociationId"]
    assert cloud.ec2.associate_address(InstanceId=id_, AllocationId=address)["AssociationId"] == first
    refused("InvalidIPAddress.InUse", cloud.ec2.release_address, AllocationId=address)
    shown = cloud.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    assert shown["InstanceId"] == id_ and shown["AssociationId"] == first
    cloud.ec2.terminate_instances(InstanceIds=[id_])
    assert "AssociationId" not in cloud.ec2.describe_addresses(AllocationIds=[address])["Addresses"][0]
    cloud.ec2.release_address(AllocationId=address)
    refused("InvalidAllocationID.NotFound", cloud.ec2.describe_addresses, AllocationIds=[address])


@check
def the_root_volume_is_as_asked():
    cloud = Cloud()
    ebs = {"VolumeSize": 100, "VolumeType": "gp3", "Iops": 4000, "Throughput": 250}
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "a", "Value": "b"}]}]
    id_ = launch(cloud, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": ebs}], TagSpecifications=tags)
    shown = show(cloud, id_)
    assert shown["RootDeviceName"] == "/dev/xvda" and len(shown["BlockDeviceMappings"]) == 1
    block = shown["BlockDeviceMappings"][0]
    assert block["Ebs"]["DeleteOnTermination"] is True
    volume = cloud.ec2.describe_volumes(VolumeIds=[block["Ebs"]["VolumeId"]])["Volumes"][0]
    assert (volume["Size"], volume["Iops"], volume["Throughput"], volume["VolumeType"]) == (100, 4000, 250, "gp3"), volume
    assert volume["Tags"] == [{"Key": "a", "Value": "b"}]
    plain = show(cloud, launch(cloud))["BlockDeviceMappings"][0]
    volume = cloud.ec2.describe_volumes(VolumeIds=[plain["Ebs"]["VolumeId"]])["Volumes"][0]
    assert (plain["DeviceName"], volume["Size"], volume["VolumeType"]) == ("/dev/xvda", 8, "gp3")


@check
def settings_of_an_instance_are_kept():
    cloud = Cloud()
    script = base64.b64encode(b"#!/bin/sh\n").decode()
    id_ = launch(cloud, UserData="#!/bin/sh\n", DisableApiTermination=True, InstanceInitiatedShutdownBehavior="terminate")
    attribute = lambda name: cloud.ec2.describe_instance_attribute(InstanceId=id_, Attribute=name)  # noqa: E731
    assert attribute("userData")["UserData"]["Value"] == script
    assert attribute("disableApiTermination")["DisableApiTermination"]["Value"] is True
    assert attribute("disableApiStop")["DisableApiStop"]["Value"] is False
    assert attribute("instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"]["Value"] == "terminate"
    assert attribute("instanceType")["InstanceType"]["Value"] == "t3.small"
    assert attribute("sourceDestCheck")["SourceDestCheck"]["Value"] is True
    refused("OperationNotPermitted", cloud.ec2.terminate_instances, InstanceIds=[id_])
    cloud.ec2.modify_instance_attribute(InstanceId=id_, DisableApiTermination={"Value": False})
    cloud.ec2.modify_instance_attribute(InstanceId=id_, InstanceInitiatedShutdownBehavior={"Value": "stop"})
    assert attribute("instanceInitiatedShutdownBehavior")["InstanceInitiatedShutdownBehavior"]["Value"] == "stop"
    shown = show(cloud, id_)
    assert shown["MetadataOptions"]["HttpTokens"] == "required" and shown["MetadataOptions"]["HttpPutResponseHopLimit"] == 2
    cloud.ec2.modify_instance_metadata_options(InstanceId=id_, HttpPutResponseHopLimit=1)
    assert show(cloud, id_)["MetadataOptions"]["HttpTokens"] == "required"
    assert shown["CpuOptions"] == {"CoreCount": 1, "ThreadsPerCore": 2}, shown["CpuOptions"]
    assert shown["MaintenanceOptions"]["AutoRecovery"] == "default" and shown["EnclaveOptions"]["Enabled"] is False
    assert shown["PrivateDnsNameOptions"]["HostnameType"] == "ip-name" and shown["HibernationOptions"]["Configured"] is False
    assert shown["CapacityReservationSpecification"]["CapacityReservationPreference"] == "open"
    credits = cloud.ec2.describe_instance_credit_specifications(InstanceIds=[id_])["InstanceCreditSpecifications"]
    assert credits == [{"InstanceId": id_, "CpuCredits": "unlimited"}]
    cloud.ec2.modify_instance_credit_specification(InstanceCreditSpecifications=[{"InstanceId": id_, "CpuCredits": "standard"}])
    credits = cloud.ec2.describe_instance_credit_specifications(InstanceIds=[id_])["InstanceCreditSpecifications"]
    assert credits == [{"InstanceId": id_, "CpuCredits": "standard"}]
    cloud.ec2.monitor_instances(InstanceIds=[id_])
    assert show(cloud, id_)["Monitoring"]["State"] == "enabled"


@check
def type_and_user_data_change_only_when_stopped():
    cloud = Cloud()
    id_ = launch(cloud)
    change = cloud.ec2.modify_instance_attribute
    refused("IncorrectInstanceState", change, InstanceId=id_, InstanceType={"Value": "t3.medium"})
    refused("IncorrectInstanceState", change, InstanceId=id_, UserData={"Value": b"x"})
    cloud.ec2.stop_instances(InstanceIds=[id_])
    assert show(cloud, id_)["State"]["Name"] == "stopping"
    refused("IncorrectInstanceState", cloud.ec2.start_instances, InstanceIds=[id_])
    wait(cloud, id_, "stopped")
    both = {"InstanceType": {"Value": "t3.medium"}, "UserData": {"Value": b"x"}}
    refused("InvalidParameterCombination", change, InstanceId=id_, **both)
    for key, value in both.items():
        change(InstanceId=id_, **{key: value})
    cloud.ec2.start_instances(InstanceIds=[id_])
    wait(cloud, id_, "running")
    assert show(cloud, id_)["InstanceType"] == "t3.medium"
    data = cloud.ec2.describe_instance_attribute(InstanceId=id_, Attribute="userData")["UserData"]["Value"]
    assert base64.b64decode(data) == b"x", data
    response = refused("InvalidInstanceID.NotFound", cloud.ec2.describe_instances, InstanceIds=[id_, "i-0123456789abcdef0"])
    assert response["Error"]["Message"] == "The instance ID 'i-0123456789abcdef0' does not exist"


@check
def a_group_in_use_stays():
    cloud = Cloud()
    one = cloud.ec2.create_security_group(GroupName="one", Description="d")["GroupId"]
    two = cloud.ec2.create_security_group(GroupName="two", Description="d")["GroupId"]
    refused("InvalidGroup.Duplicate", cloud.ec2.create_security_group, GroupName="ONE", Description="d")
    pair = [{"GroupId": one, "Description": "from one"}]
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pair}
    cloud.ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=[permission])
    refused("DependencyViolation", cloud.ec2.delete_security_group, GroupId=one)
    cloud.ec2.delete_security_group(GroupId=two)
    id_ = launch(cloud, SecurityGroupIds=[one])
    assert [g["GroupId"] for g in show(cloud, id_)["SecurityGroups"]] == [one]
    refused("DependencyViolation", cloud.ec2.delete_security_group, GroupId=one)
    cloud.ec2.terminate_instances(InstanceIds=[id_])
    refused("DependencyViolation", cloud.ec2.delete_security_group, GroupId=one)
    wait(cloud, id_, "terminated")
    cloud.ec2.delete_security_group(GroupId=one)
    response = refused("InvalidGroup.NotFound", cloud.ec2.describe_security_groups, GroupIds=[one])
    assert response["Error"]["Message"] == f"The security group '{one}' does not exist"


@check
def groups_of_an_instance_are_those_of_its_interface():
    cloud = Cloud()
    one, two = (cloud.ec2.create_security_group(GroupName=n, Description="d")["GroupId"] for n in ("one", "two"))
    id_ = launch(cloud, SecurityGroupIds=[one])
    nic = show(cloud, id_)["NetworkInterfaces"][0]["NetworkInterfaceId"]
    cloud.ec2.modify_network_interface_attribute(NetworkInterfaceId=nic, Groups=[two])
    shown = show(cloud, id_)
    assert [g["GroupId"] for g in shown["SecurityGroups"]] == [two] == [g["GroupId"] for g in shown["NetworkInterfaces"][0]["Groups"]]
    cloud.ec2.modify_instance_attribute(InstanceId=id_, Groups=[one, two])
    assert sorted(g["GroupId"] for g in show(cloud, id_)["NetworkInterfaces"][0]["Groups"]) == sorted([one, two])


@check
def a_subnet_in_use_stays():
    cloud = Cloud()
    vpc = cloud.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = cloud.ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24")["Subnet"]["SubnetId"]
    id_ = launch(cloud, SubnetId=subnet)
    refused("DependencyViolation", cloud.ec2.delete_subnet, SubnetId=subnet)
    elsewhere = cloud.ec2.create_security_group(GroupName="one", Description="d")["GroupId"]
    refused("InvalidParameter", lambda: launch(cloud, SubnetId=subnet, SecurityGroupIds=[elsewhere]))
    cloud.ec2.terminate_instances(InstanceIds=[id_])
    wait(cloud, id_, "terminated")
    cloud.ec2.delete_subnet(SubnetId=subnet)
    cloud.ec2.delete_vpc(VpcId=vpc)


@check
def rules_are_answered_whole():
    cloud = Cloud()
    one = cloud.ec2.create_security_group(GroupName="one", Description="d")["GroupId"]
    ssh = {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "inside"}]}
    own = {"IpProtocol": "-1", "UserIdGroupPairs": [{"GroupId": one, "Description": "each other"}]}
    answer = cloud.ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=[ssh, own])["SecurityGroupRules"]
    assert len(answer) == 2, answer
    https = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    again = {**ssh, "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "other words"}]}
    refused("InvalidPermission.Duplicate", cloud.ec2.authorize_security_group_ingress, GroupId=one, IpPermissions=[https, again])
    rules = cloud.ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [one]}])["SecurityGroupRules"]
    rules = [rule for rule in rules if not rule["IsEgress"]]
    assert len(rules) == 2, rules
    assert sorted(rule["Description"] for rule in rules) == ["each other", "inside"]
    assert all(rule["GroupOwnerId"] == cloud.account for rule in rules)
    group = next(rule for rule in rules if "ReferencedGroupInfo" in rule)
    assert group["ReferencedGroupInfo"]["GroupId"] == one and group["FromPort"] == -1
    pairs = cloud.ec2.describe_security_groups(GroupIds=[one])["SecurityGroups"][0]["IpPermissions"]
    assert any(p["UserIdGroupPairs"] and p["UserIdGroupPairs"][0]["Description"] == "each other" for p in pairs), pairs
    six = [{"IpProtocol": "58", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}, {"IpProtocol": "50", "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}]
    answer = cloud.ec2.authorize_security_group_ingress(GroupId=one, IpPermissions=six)["SecurityGroupRules"]
    assert sorted(rule["IpProtocol"] for rule in answer) == ["50", "icmpv6"]
    without = {key: value for key, value in ssh.items() if key != "IpRanges"}
    cloud.ec2.revoke_security_group_ingress(GroupId=one, IpPermissions=[{**without, "IpRanges": [{"CidrIp": "10.0.0.0/8"}]}])
    missing = {"IpProtocol": "-1", "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    refused("InvalidPermission.NotFound", cloud.ec2.revoke_security_group_egress, GroupId=one, IpPermissions=[missing])
    rule = {"IpProtocol": "-1", "ReferencedGroupId": one, "Description": "changed"}
    change = [{"SecurityGroupRuleId": group["SecurityGroupRuleId"], "SecurityGroupRule": rule}]
    cloud.ec2.modify_security_group_rules(GroupId=one, SecurityGroupRules=change)
    shown = cloud.ec2.describe_security_group_rules(SecurityGroupRuleIds=[group["SecurityGroupRuleId"]])["SecurityGroupRules"]
    assert shown[0]["Description"] == "changed"
    cloud.ec2.update_security_group_rule_descriptions_ingress(GroupId=one, IpPermissions=[own])
    shown = cloud.ec2.describe_security_group_rules(SecurityGroupRuleIds=[group["SecurityGroupRuleId"]])["SecurityGroupRules"]
    assert shown[0]["Description"] == "each other"


@check
def groups_come_in_pages():
    cloud = Cloud()
    for n in range(7):
        cloud.ec2.create_security_group(GroupName=f"g{n}", Description="d")
    every = cloud.ec2.describe_security_groups()["SecurityGroups"]
    pages = list(cloud.ec2.get_paginator("describe_security_groups").paginate(PaginationConfig={"PageSize": 5}))
    assert len(pages) > 1 and all(len(page["SecurityGroups"]) <= 5 for page in pages)
    assert [g["GroupId"] for page in pages for g in page["SecurityGroups"]] == [g["GroupId"] for g in every]


@check
def a_volume_is_detached_by_its_id():
    cloud = Cloud()
    id_ = launch(cloud)
    volume = cloud.ec2.create_volume(AvailabilityZone="us-east-1a", Size=10, VolumeType="gp3")
    assert (volume["Iops"], volume["Throughput"]) == (3000, 125)
    attach = {"InstanceId": id_, "VolumeId": volume["VolumeId"], "Device": "/dev/sdf"}
    cloud.ec2.attach_volume(**attach)
    refused("VolumeInUse", cloud.ec2.attach_volume, **attach)
    refused("VolumeInUse", cloud.ec2.delete_volume, VolumeId=volume["VolumeId"])
    cloud.ec2.detach_volume(VolumeId=volume["VolumeId"])
    refused("IncorrectState", cloud.ec2.detach_volume, VolumeId=volume["VolumeId"])
    refused("InvalidParameterValue", cloud.ec2.modify_volume, VolumeId=volume["VolumeId"], Size=5)
    cloud.ec2.modify_volume(VolumeId=volume["VolumeId"], Size=20)
    states = [cloud.ec2.describe_volumes_modifications(VolumeIds=[volume["VolumeId"]])["VolumesModifications"][0]["ModificationState"] for _ in "12"]
    assert states == ["modifying", "completed"], states
    cloud.ec2.delete_volume(VolumeId=volume["VolumeId"])
    refused("InvalidVolume.NotFound", cloud.ec2.describe_volumes, VolumeIds=[volume["VolumeId"]])


@check
def a_role_leaves_a_profile_once():
    cloud = Cloud()
    cloud.iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": []}))
    cloud.iam.create_instance_profile(InstanceProfileName="p")
    cloud.iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="r")
    cloud.iam.remove_role_from_instance_profile(InstanceProfileName="p", RoleName="r")
    refused("NoSuchEntity", cloud.iam.remove_role_from_instance_profile, InstanceProfileName="p", RoleName="r")


@check
def a_policy_in_use_stays():
    cloud = Cloud()
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})
    arn = cloud.iam.create_policy(PolicyName="p", PolicyDocument='{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*"}}')["Policy"]["Arn"]
    cloud.iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust)
    cloud.iam.attach_role_policy(RoleName="r", PolicyArn=arn)
    refused("DeleteConflict", cloud.iam.delete_policy, PolicyArn=arn)
    cloud.iam.detach_role_policy(RoleName="r", PolicyArn=arn)
    cloud.iam.delete_policy(PolicyArn=arn)
    cloud.iam.attach_role_policy(RoleName="r", PolicyArn="arn:aws:iam::aws:policy/CloudWatchAgentServerPolicy")
    launch_ = lambda: launch(cloud, IamInstanceProfile={"Name": "absent"})  # noqa: E731
    response = refused("InvalidParameterValue", launch_)
    assert "Invalid IAM Instance Profile" in response["Error"]["Message"]


@check
def route53_applies_all_or_nothing():
    cloud = Cloud()
    dns = cloud.route53
    zone = dns.create_hosted_zone(Name="Example.com", CallerReference="r")["HostedZone"]
    assert zone["Name"] == "example.com."
    refused("HostedZoneAlreadyExists", dns.create_hosted_zone, Name="other.com", CallerReference="r")

    def change(*changes):
        batch = [{"Action": a, "ResourceRecordSet": {"Name": n, "Type": t, "TTL": 60, "ResourceRecords": [{"Value": v}]}} for a, n, t, v in changes]
        return dns.change_resource_record_sets(HostedZoneId=zone["Id"], ChangeBatch={"Changes": batch})

    names = lambda: [(r["Name"], r["Type"]) for r in dns.list_resource_record_sets(HostedZoneId=zone["Id"])["ResourceRecordSets"]]  # noqa: E731
    change(("CREATE", "*.example.com", "A", "192.0.2.1"), ("UPSERT", "a.example.com", "A", "192.0.2.1"))
    assert ("\\052.example.com.", "A") in names(), names()
    before = names()
    refused("InvalidChangeBatch", lambda: change(("CREATE", "b.example.com", "A", "192.0.2.1"), ("CREATE", "a.example.com", "A", "192.0.2.9")))
    refused("InvalidChangeBatch", lambda: change(("DELETE", "a.example.com", "A", "192.0.2.9")))
    refused("InvalidChangeBatch", lambda: change(("DELETE", "none.example.com", "A", "192.0.2.9")))
    refused("InvalidChangeBatch", lambda: change(("CREATE", "a.example.com", "CNAME", "x.example.com")))
    refused("InvalidChangeBatch", lambda: change(("CREATE", "a.other.com", "A", "192.0.2.1")))
    assert names() == before
    refused("HostedZoneNotEmpty", dns.delete_hosted_zone, Id=zone["Id"])
    change(("DELETE", "a.example.com", "A", "192.0.2.1"), ("DELETE", "\\052.example.com", "A", "192.0.2.1"))
    dns.delete_hosted_zone(Id=zone["Id"])


@check
def tags_are_read_of_many_at_once():
    cloud = Cloud()
    tags = [{"Key": "k", "Value": "v"}]
    cloud.logs.create_log_group(logGroupName="/openclaw/system", tags={"k": "v"})
    alarm = {"MetricName": "m", "Namespace": "n", "Statistic": "Average", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1}
    cloud.cloudwatch.put_metric_alarm(AlarmName="a b", ComparisonOperator="GreaterThanThreshold", Tags=tags, **alarm)
    topic = cloud.sns.create_topic(Name="t", Tags=tags)["TopicArn"]
    group = cloud.ec2.create_security_group(GroupName="one", Description="d", TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}])
    where = f"us-east-1:{cloud.account}"
    arns = [
        f"arn:aws:logs:{where}:log-group:/openclaw/system",
        f"arn:aws:cloudwatch:{where}:alarm:a b",
        topic,
        f"arn:aws:ec2:{where}:security-group/{group['GroupId']}",
    ]
    found = cloud.resourcegroupstaggingapi.get_resources(ResourceARNList=arns)
    assert sorted(r["ResourceARN"] for r in found["ResourceTagMappingList"]) == sorted(arns), [r["ResourceARN"] for r in found["ResourceTagMappingList"]]
    assert all(r["Tags"] == tags for r in found["ResourceTagMappingList"]), found["ResourceTagMappingList"]
    for arn in (arns[0], arns[0] + ":*"):
        assert cloud.logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"k": "v"}
        cloud.logs.tag_resource(resourceArn=arn, tags={"more": "x"})
        cloud.logs.untag_resource(resourceArn=arn, tagKeys=["more"])
    refused("ResourceNotFoundException", cloud.logs.list_tags_for_resource, resourceArn=arns[0] + "x")


@check
def an_email_subscription_waits_for_its_reader():
    cloud = Cloud()
    topic = cloud.sns.create_topic(Name="t")["TopicArn"]
    asked = {"TopicArn": topic, "Protocol": "email", "Endpoint": "ops@example.com"}
    assert cloud.sns.subscribe(**asked)["SubscriptionArn"] == "pending confirmation"
    arn = cloud.sns.subscribe(**asked, ReturnSubscriptionArn=True)["SubscriptionArn"]
    assert cloud.sns.get_subscription_attributes(SubscriptionArn=arn)["Attributes"]["PendingConfirmation"] == "true"


@check
def what_is_missing_says_so():
    cloud = Cloud()
    for call, words in [
        (lambda: cloud.lightsail.get_instances(), "GetInstances"),
        (lambda: cloud.amplify.list_apps(), "/apps"),
        (lambda: cloud.ec2.describe_trunk_interface_associations(), "DescribeTrunkInterfaceAssociations"),
        (lambda: cloud.route53.list_traffic_policies(), "raffic"),
        (lambda: cloud.iam.simulate_principal_policy(PolicySourceArn="arn:aws:iam::1:role/r", ActionNames=["s3:GetObject"]), "SimulatePrincipalPolicy"),
        (lambda: cloud.logs.list_anomalies(), "ListAnomalies"),
    ]:
        response = refused("NotImplemented", call)
        assert response["ResponseMetadata"]["HTTPStatusCode"] == 501
        message = response["Error"]["Message"]
        assert message.startswith("the sandbox does not implement") and words in message, message


@check
def accounts_are_apart():
    one, two = Cloud(), Cloud()
    assert one.sts.get_caller_identity()["Account"] == one.account != two.sts.get_caller_identity()["Account"]
    one.ec2.create_security_group(GroupName="one", Description="d")
    two.ec2.create_security_group(GroupName="one", Description="d")
    about = json.load(urllib.request.urlopen(ENDPOINT + "/_sandbox"))
    assert about["endpoint"] == ENDPOINT


@check
def calls_at_once_do_no_harm():
    client = Cloud().cloudwatch
    alarm = {"Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.0}

    def put_and_list(n):
        client.put_metric_alarm(AlarmName=f"a{n}", ComparisonOperator="GreaterThanThreshold", **alarm)
        return client.describe_alarms(AlarmNamePrefix="a")

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put_and_list, range(90)))
    assert len(client.describe_alarms(MaxRecords=100)["MetricAlarms"]) == 90


@check
def clusters_and_services_in_use_stay():
    ecs = Cloud().ecs
    ecs.create_cluster(clusterName="main", tags=[{"key": "a", "value": "b"}])
    again = ecs.create_cluster(clusterName="main", settings=[{"name": "containerInsights", "value": "enabled"}])["cluster"]
    assert again["settings"][0]["value"] == "enabled", "the one that is there is changed"
    web = [{"name": "web", "image": "nginx", "memoryReservation": 64, "portMappings": [{"containerPort": 80}]}]
    task = ecs.register_task_definition(family="web", containerDefinitions=web)["taskDefinition"]
    assert task["containerDefinitions"][0]["portMappings"][0]["protocol"] == "tcp"
    service = {"cluster": "main", "serviceName": "web", "taskDefinition": "web", "desiredCount": 2, "clientToken": "one"}
    made = ecs.create_service(**service, healthCheckGracePeriodSeconds=0, enableExecuteCommand=True)["service"]
    assert ecs.create_service(**service)["service"]["serviceArn"] == made["serviceArn"], "a token makes one service"
    refused("InvalidParameterException", ecs.create_service, **{**service, "clientToken": "two"})
    answers = [ecs.describe_services(cluster="main", services=["web"])["services"][0] for _ in range(3)]
    assert [a["runningCount"] for a in answers] == [0, 0, 2] and answers[2]["enableExecuteCommand"]
    refused("ClusterContainsServicesException", ecs.delete_cluster, cluster="main")
    refused("InvalidParameterException", ecs.delete_service, cluster="main", service="web")
    web[0]["image"] = "httpd"
    ecs.register_task_definition(family="web", containerDefinitions=web)
    changed = ecs.update_service(cluster="main", service="web", taskDefinition="web:2", desiredCount=0)["service"]
    assert len(changed["deployments"]) == 2 and changed["taskDefinition"].endswith("web:2")
    ecs.delete_service(cluster="main", service="web")
    refused("InvalidParameterException", ecs.create_service, **{**service, "clientToken": "three"})
    answers = [ecs.describe_services(cluster="main", services=["web"])["services"][0]["status"] for _ in range(3)]
    assert answers == ["DRAINING", "DRAINING", "INACTIVE"], answers
    ecs.delete_cluster(cluster="main")
    refused("ClusterNotFoundException", ecs.create_service, **{**service, "clientToken": "four"})


@check
def tasks_need_what_they_run_on():
    ecs = Cloud().ecs
    web = [{"name": "web", "image": "nginx", "memory": 64}]
    refused("ClientException", ecs.register_task_definition, family="a", containerDefinitions=[{"name": "a", "image": "b"}])
    refused("ClientException", ecs.register_task_definition, family="a", containerDefinitions=web, requiresCompatibilities=["FARGATE"])
    ecs.register_task_definition(family="own", containerDefinitions=web, networkMode="awsvpc")
    ecs.create_cluster(clusterName="main")
    refused("InvalidParameterException", ecs.create_service, cluster="main", serviceName="a", taskDefinition="own", desiredCount=1)
    gone = ecs.deregister_task_definition(taskDefinition="own:1")["taskDefinition"]
    assert gone["status"] == "INACTIVE"
    refused("ClientException", ecs.create_service, cluster="main", serviceName="a", taskDefinition="own:1", desiredCount=1)
    group = "arn:aws:elasticloadbalancing:us-east-1:000000000000:targetgroup/none/1"
    ecs.register_task_definition(family="web", containerDefinitions=web)
    balanced = [{"targetGroupArn": group, "containerName": "web", "containerPort": 80}]
    refused("InvalidParameterException", ecs.create_service, cluster="main", serviceName="a", taskDefinition="web", loadBalancers=balanced)
    refused("InvalidParameterException", ecs.put_cluster_capacity_providers, cluster="main", capacityProviders=["none"],
            defaultCapacityProviderStrategy=[])
    refused("ClientException", ecs.delete_capacity_provider, capacityProvider="none")
    for n in range(3):
        ecs.register_task_definition(family="many", containerDefinitions=web)
    page = ecs.list_task_definitions(familyPrefix="many", sort="DESC", maxResults=2)
    assert [arn.split("/")[1] for arn in page["taskDefinitionArns"]] == ["many:3", "many:2"] and page["nextToken"]


@check
def a_secret_keeps_its_name_until_it_is_gone():
    secrets = Cloud().secretsmanager
    secrets.create_secret(Name="a", Description="b", SecretString="value")
    secrets.update_secret(SecretId="a", Description="")
    assert not secrets.describe_secret(SecretId="a").get("Description")
    secrets.delete_secret(SecretId="a")
    refused("InvalidRequestException", secrets.create_secret, Name="a")
    refused("InvalidRequestException", secrets.put_secret_value, SecretId="a", SecretString="other")
    secrets.delete_secret(SecretId="a", ForceDeleteWithoutRecovery=True)
    secrets.create_secret(Name="a")


@check
def repositories_have_tags_everywhere():
    cloud = Cloud()
    arn = cloud.ecr.create_repository(repositoryName="app", tags=[{"Key": "a", "Value": "b"}])["repository"]["repositoryArn"]
    found = cloud.resourcegroupstaggingapi.get_resources(ResourceARNList=[arn])["ResourceTagMappingList"]
    assert found == [{"ResourceARN": arn, "Tags": [{"Key": "a", "Value": "b"}]}], found


@check
def metric_filters_belong_to_their_group():
    logs = Cloud().logs
    metric = [{"metricName": "a", "metricNamespace": "b", "metricValue": "1"}]
    made = {"logGroupName": "app", "filterName": "a", "metricTransformations": metric}
    refused("ResourceNotFoundException", logs.put_metric_filter, filterPattern="A", **made)
    logs.create_log_group(logGroupName="app")
    logs.put_metric_filter(filterPattern="A", **made)
    logs.put_metric_filter(filterPattern="B", **made)
    assert [f["filterPattern"] for f in logs.describe_metric_filters(logGroupName="app")["metricFilters"]] == ["B"]
    logs.delete_log_group(logGroupName="app")
    refused("ResourceNotFoundException", logs.describe_metric_filters, logGroupName="app")


@check
def roles_of_services_and_identity_providers():
    iam = Cloud().iam
    iam.create_service_linked_role(AWSServiceName="autoscaling.amazonaws.com")
    refused("InvalidInput", iam.create_service_linked_role, AWSServiceName="autoscaling.amazonaws.com")
    arn = iam.create_open_id_connect_provider(Url="https://token.example.com", ClientIDList=["a"])["OpenIDConnectProviderArn"]
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="b")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="a")
    assert iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)["ClientIDList"] == ["b"]


run()
