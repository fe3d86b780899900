"""What the sandbox refuses and keeps of load balancers, certificates and scaling as AWS does: `strict_balancing.py ENDPOINT`."""

from strict_checks import Cloud, check, refused, run


class Balanced:
    """An account with a load balancer and a target group."""

    def __init__(self):
        self.cloud = Cloud()
        self.elb, self.acm = self.cloud.elbv2, self.cloud.acm
        subnets = self.cloud.ec2.describe_subnets()["Subnets"]
        self.subnets, self.vpc = [s["SubnetId"] for s in subnets], subnets[0]["VpcId"]
        self.lb = self.elb.create_load_balancer(Name="web", Subnets=self.subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"]
        self.group = self.make_group(Name="web", TargetType="ip")

    def make_group(self, **more):
        arguments = {"Protocol": "HTTP", "Port": 80, "VpcId": self.vpc, **more}
        return self.elb.create_target_group(**arguments)["TargetGroups"][0]["TargetGroupArn"]

    def forward(self):
        return [{"Type": "forward", "TargetGroupArn": self.group, "Order": 1}]

    def listen(self, port=80, **more):
        arguments = {"LoadBalancerArn": self.lb, "Port": port, "Protocol": "HTTP", "DefaultActions": self.forward(), **more}
        return self.elb.create_listener(**arguments)["Listeners"][0]["ListenerArn"]

    def certificate(self, name="example.com", **more):
        return self.acm.request_certificate(DomainName=name, ValidationMethod="DNS", **more)["CertificateArn"]

    def prove(self, certificate):
        zone = self.cloud.route53.create_hosted_zone(Name="example.com", CallerReference=certificate[-30:])["HostedZone"]["Id"]
        self.acm.describe_certificate(CertificateArn=certificate)
        options = self.acm.describe_certificate(CertificateArn=certificate)["Certificate"]["DomainValidationOptions"]
        for record in {option["ResourceRecord"]["Name"]: option["ResourceRecord"] for option in options}.values():
            set_ = {"Name": record["Name"], "Type": "CNAME", "TTL": 60, "ResourceRecords": [{"Value": record["Value"]}]}
            batch = {"Changes": [{"Action": "CREATE", "ResourceRecordSet": set_}]}
            self.cloud.route53.change_resource_record_sets(HostedZoneId=zone, ChangeBatch=batch)


def answered(call, key, **arguments):
    return {pair["Key"]: pair["Value"] for pair in call(**arguments)[key]}


@check
def load_balancers_take_their_time_and_have_names_of_their_own():
    net = Balanced()
    states = [net.elb.describe_load_balancers(Names=["web"])["LoadBalancers"][0]["State"]["Code"] for _ in range(3)]
    assert states == ["provisioning", "provisioning", "active"], states
    again = net.elb.create_load_balancer(Name="web", Subnets=net.subnets[:2])["LoadBalancers"][0]["LoadBalancerArn"]
    assert again == net.lb, "the same settings give what there is"
    refused("DuplicateLoadBalancerName", net.elb.create_load_balancer, Name="web", Subnets=net.subnets[:3])
    refused("ValidationError", net.elb.create_load_balancer, Name="narrow", Subnets=net.subnets[:1])
    refused("LoadBalancerNotFound", net.elb.describe_load_balancers, LoadBalancerArns=[net.lb, net.lb + "x"])


@check
def load_balancers_that_are_protected_stay():
    net = Balanced()
    key = "deletion_protection.enabled"
    net.elb.modify_load_balancer_attributes(LoadBalancerArn=net.lb, Attributes=[{"Key": key, "Value": "true"}])
    refused("OperationNotPermitted", net.elb.delete_load_balancer, LoadBalancerArn=net.lb)
    net.elb.modify_load_balancer_attributes(LoadBalancerArn=net.lb, Attributes=[{"Key": key, "Value": "false"}])
    net.elb.delete_load_balancer(LoadBalancerArn=net.lb)
    net.elb.delete_load_balancer(LoadBalancerArn=net.lb)


@check
def attributes_are_those_of_the_kind():
    net = Balanced()
    has = answered(net.elb.describe_load_balancer_attributes, "Attributes", LoadBalancerArn=net.lb)
    assert has["idle_timeout.timeout_seconds"] == "60" and "dns_record.client_routing_policy" not in has, has
    attribute = [{"Key": "dns_record.client_routing_policy", "Value": "any_availability_zone"}]
    refused("InvalidConfigurationRequest", net.elb.modify_load_balancer_attributes, LoadBalancerArn=net.lb, Attributes=attribute)
    has = answered(net.elb.describe_target_group_attributes, "Attributes", TargetGroupArn=net.group)
    assert has["stickiness.type"] == "lb_cookie" and "proxy_protocol_v2.enabled" not in has, has
    attribute = [{"Key": "proxy_protocol_v2.enabled", "Value": "true"}]
    refused("InvalidConfigurationRequest", net.elb.modify_target_group_attributes, TargetGroupArn=net.group, Attributes=attribute)
    listener = net.listen()
    attribute = [{"Key": "tcp.idle_timeout.seconds", "Value": "60"}]
    refused("InvalidConfigurationRequest", net.elb.modify_listener_attributes, ListenerArn=listener, Attributes=attribute)


@check
def target_groups_in_use_stay_and_are_listed_in_pages():
    net = Balanced()
    assert net.make_group(Name="web", TargetType="ip") == net.group, "the same settings give what there is"
    refused("DuplicateTargetGroupName", net.make_group, Name="web", TargetType="ip", Port=81)
    listener = net.listen()
    refused("ResourceInUse", net.elb.delete_target_group, TargetGroupArn=net.group)
    shown = net.elb.describe_target_groups(TargetGroupArns=[net.group])["TargetGroups"][0]
    assert shown["LoadBalancerArns"] == [net.lb], shown
    for n in range(4):
        net.make_group(Name=f"more-{n}")
    first = net.elb.describe_target_groups(PageSize=3)
    rest = net.elb.describe_target_groups(PageSize=3, Marker=first["NextMarker"])
    assert (len(first["TargetGroups"]), len(rest["TargetGroups"]), rest.get("NextMarker")) == (3, 2, None)
    net.elb.delete_listener(ListenerArn=listener)
    net.elb.delete_target_group(TargetGroupArn=net.group)
    refused("TargetGroupNotFound", net.elb.describe_tags, ResourceArns=[net.group])


@check
def targets_are_known_by_id_and_port():
    net = Balanced()
    targets = [{"Id": "172.31.0.10", "Port": port} for port in (80, 81)]
    for target in targets:
        net.elb.register_targets(TargetGroupArn=net.group, Targets=[target])
    net.elb.deregister_targets(TargetGroupArn=net.group, Targets=targets[1:])
    net.elb.deregister_targets(TargetGroupArn=net.group, Targets=targets[1:])
    shown = net.elb.describe_target_health(TargetGroupArn=net.group, Targets=targets)["TargetHealthDescriptions"]
    assert [t["TargetHealth"].get("Reason") for t in shown] == [None, "Target.NotRegistered"], shown


@check
def listeners_have_a_port_of_their_own_and_tell_no_secret():
    net = Balanced()
    listener = net.listen()
    assert net.listen() == listener, "the same settings give what there is"
    other = [{"Type": "fixed-response", "Order": 1, "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"}}]
    refused("DuplicateListener", net.listen, DefaultActions=other)
    refused("ListenerNotFound", net.elb.describe_listeners, ListenerArns=[listener, listener + "x"])
    shown = net.elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]["DefaultActions"][0]
    assert shown["TargetGroupArn"] == shown["ForwardConfig"]["TargetGroups"][0]["TargetGroupArn"], shown
    config = dict.fromkeys(("Issuer", "AuthorizationEndpoint", "TokenEndpoint", "UserInfoEndpoint", "ClientId"), "x")
    oidc = {"Type": "authenticate-oidc", "Order": 1, "AuthenticateOidcConfig": {**config, "ClientSecret": "hidden"}}
    actions = [oidc, {**net.forward()[0], "Order": 2}]
    rule = net.elb.create_rule(ListenerArn=listener, Priority=1, Conditions=paths("/x"), Actions=actions)["Rules"][0]
    assert "hidden" not in str(net.elb.describe_rules(RuleArns=[rule["RuleArn"]])), rule


def paths(*paths):
    return [{"Field": "path-pattern", "PathPatternConfig": {"Values": list(paths)}}]


@check
def rules_change_places_in_one_call():
    net = Balanced()
    listener = net.listen()

    def make(at):
        made = net.elb.create_rule(ListenerArn=listener, Priority=at, Conditions=paths(f"/{at}"), Actions=net.forward())
        return made["Rules"][0]["RuleArn"]

    one, two = make(10), make(20)
    refused("PriorityInUse", make, at=10)
    refused("PriorityInUse", net.elb.set_rule_priorities, RulePriorities=[{"RuleArn": one, "Priority": 20}])
    net.elb.set_rule_priorities(RulePriorities=[{"RuleArn": one, "Priority": 20}, {"RuleArn": two, "Priority": 10}])
    shown = [(rule["RuleArn"], rule["Priority"]) for rule in net.elb.describe_rules(ListenerArn=listener)["Rules"]]
    assert shown[:2] == [(two, "10"), (one, "20")] and shown[2][1] == "default", shown
    net.elb.delete_rule(RuleArn=one)
    refused("RuleNotFound", net.elb.delete_rule, RuleArn=one)


@check
def certificates_are_issued_when_their_domains_are_proved():
    net = Balanced()
    made = net.certificate(SubjectAlternativeNames=["*.example.com"], IdempotencyToken="once")
    assert made == net.certificate(SubjectAlternativeNames=["*.example.com"], IdempotencyToken="once")
    first, second = (net.acm.describe_certificate(CertificateArn=made)["Certificate"] for _ in range(2))
    assert all("ResourceRecord" not in option for option in first["DomainValidationOptions"]), "they come a moment later"
    assert len({option["ResourceRecord"]["Name"] for option in second["DomainValidationOptions"]}) == 1, second
    assert second["Status"] == "PENDING_VALIDATION" and second["KeyAlgorithm"] == "RSA-2048", second
    secure = {"port": 443, "Protocol": "HTTPS", "Certificates": [{"CertificateArn": made}]}
    refused("UnsupportedCertificate", net.listen, **secure)
    net.prove(made)
    listener = net.listen(**secure)
    used = net.acm.describe_certificate(CertificateArn=made)["Certificate"]
    assert (used["Status"], used["InUseBy"]) == ("ISSUED", [net.lb]), used
    refused("ResourceInUseException", net.acm.delete_certificate, CertificateArn=made)
    net.elb.delete_listener(ListenerArn=listener)
    net.acm.delete_certificate(CertificateArn=made)


def template(cloud):
    images = cloud.ec2.describe_images(Owners=["amazon"], Filters=[{"Name": "name", "Values": ["al2023-ami-2023*-x86_64"]}])["Images"]
    data = {"ImageId": max(images, key=lambda i: i["CreationDate"])["ImageId"], "InstanceType": "t3.micro"}
    made = cloud.ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData=data)
    return {"LaunchTemplateId": made["LaunchTemplate"]["LaunchTemplateId"]}


@check
def groups_of_instances_have_a_name_of_their_own_and_go_empty():
    cloud = Cloud()
    client, subnet = cloud.autoscaling, cloud.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    arguments = {"AutoScalingGroupName": "web", "MinSize": 0, "MaxSize": 2, "VPCZoneIdentifier": subnet, "LaunchTemplate": template(cloud)}
    client.create_auto_scaling_group(DesiredCapacity=1, **arguments)
    refused("AlreadyExists", client.create_auto_scaling_group, **arguments)

    def show():
        return client.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])["AutoScalingGroups"]

    states = [show()[0]["Instances"][0]["LifecycleState"] for _ in range(3)]
    assert states == ["Pending", "Pending", "InService"], states
    refused("ValidationError", client.update_auto_scaling_group, AutoScalingGroupName="web", DesiredCapacity=3)
    client.update_auto_scaling_group(AutoScalingGroupName="web", DefaultInstanceWarmup=60, MaxInstanceLifetime=604800)
    assert (show()[0]["DefaultInstanceWarmup"], show()[0]["MaxInstanceLifetime"]) == (60, 604800)
    refused("ResourceInUse", client.delete_auto_scaling_group, AutoScalingGroupName="web")
    client.update_auto_scaling_group(AutoScalingGroupName="web", MaxSize=0, DesiredCapacity=0)
    client.delete_auto_scaling_group(AutoScalingGroupName="web")
    assert show()[0]["Status"] == "Delete in progress"
    show()
    assert show() == []
    refused("ValidationError", client.delete_auto_scaling_group, AutoScalingGroupName="web")


@check
def policies_belong_to_their_group():
    cloud = Cloud()
    client, subnet = cloud.autoscaling, cloud.ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made_of = template(cloud)
    for name in ("one", "two"):
        group = {"AutoScalingGroupName": name, "MinSize": 0, "MaxSize": 1, "VPCZoneIdentifier": subnet, "LaunchTemplate": made_of}
        client.create_auto_scaling_group(**group)
        policy = {"AutoScalingGroupName": name, "PolicyName": "grow", "AdjustmentType": "ChangeInCapacity", "ScalingAdjustment": 1}
        client.put_scaling_policy(**policy)
    client.delete_policy(AutoScalingGroupName="one", PolicyName="grow")
    refused("ValidationError", client.delete_policy, AutoScalingGroupName="one", PolicyName="grow")
    assert len(client.describe_policies(AutoScalingGroupName="two")["ScalingPolicies"]) == 1
    refused("ValidationError", client.describe_policies, AutoScalingGroupName="three")


@check
def what_is_scaled_is_registered_first():
    scaling = Cloud().application_autoscaling
    target = {"ServiceNamespace": "dynamodb", "ResourceId": "table/x", "ScalableDimension": "dynamodb:table:ReadCapacityUnits"}
    tracking = {"TargetValue": 60.5, "PredefinedMetricSpecification": {"PredefinedMetricType": "DynamoDBReadCapacityUtilization"}}
    policy = {"PolicyName": "half", "PolicyType": "TargetTrackingScaling", "TargetTrackingScalingPolicyConfiguration": tracking, **target}
    refused("ObjectNotFoundException", scaling.put_scaling_policy, **policy)
    arn = scaling.register_scalable_target(MinCapacity=1, MaxCapacity=2, Tags={"team": "infra"}, **target)["ScalableTargetARN"]
    scaling.tag_resource(ResourceARN=arn, Tags={"Name": "x"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"Name": "x"}
    scaling.put_scaling_policy(**policy)
    scaling.deregister_scalable_target(**target)
    assert scaling.describe_scaling_policies(ServiceNamespace="dynamodb")["ScalingPolicies"] == []
    refused("ObjectNotFoundException", scaling.deregister_scalable_target, **target)


@check
def health_checks_are_made_once_and_keep_what_they_have():
    route53 = Cloud().route53
    config = {"Type": "HTTPS", "FullyQualifiedDomainName": "example.com", "RequestInterval": 30}
    made = route53.create_health_check(CallerReference="once", HealthCheckConfig=config)["HealthCheck"]
    assert made["HealthCheckConfig"]["EnableSNI"] and made["HealthCheckConfig"]["Port"] == 443, made
    assert route53.create_health_check(CallerReference="once", HealthCheckConfig=config)["HealthCheck"]["Id"] == made["Id"]
    other = {**config, "FullyQualifiedDomainName": "example.org"}
    refused("HealthCheckAlreadyExists", route53.create_health_check, CallerReference="once", HealthCheckConfig=other)
    route53.update_health_check(HealthCheckId=made["Id"], Regions=["us-east-1", "us-west-2", "eu-west-1"])
    route53.update_health_check(HealthCheckId=made["Id"], FailureThreshold=5)
    shown = route53.get_health_check(HealthCheckId=made["Id"])["HealthCheck"]["HealthCheckConfig"]
    assert (len(shown["Regions"]), shown["FailureThreshold"]) == (3, 5), shown
    route53.update_health_check(HealthCheckId=made["Id"], ResetElements=["Regions"])
    assert "Regions" not in route53.get_health_check(HealthCheckId=made["Id"])["HealthCheck"]["HealthCheckConfig"]


run()
