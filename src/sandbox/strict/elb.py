"""Elastic Load Balancing, version 2: names, states, attributes, listeners, rules and targets."""

import time

from common import patched, refuse
from moto.core.responses import ActionResult
from moto.elbv2.models import ELBv2Backend, FakeAction, FakeListener, FakeLoadBalancer, FakeTargetGroup
from moto.elbv2.responses import ELBV2Response

# How many answers still show a new load balancer as being made, and after how many seconds it is made though nobody asks.
ANSWERS_ON_THE_WAY = 2
SECONDS_ON_THE_WAY = 3

LOGS = {f"{kind}_logs.s3.{key}": value for kind in ("access", "connection") for key, value in (("enabled", "false"), ("bucket", ""), ("prefix", ""))}
PROTECTION = {"deletion_protection.enabled": "false"}
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
LOAD_BALANCER = {
    "application": {
        **PROTECTION,
        **LOGS,
        "client_keep_alive.seconds": "3600",
        "idle_timeout.timeout_seconds": "60",
        "load_balancing.cross_zone.enabled": "true",
        "routing.http.desync_mitigation_mode": "defensive",
        "routing.http.drop_invalid_header_fields.enabled": "false",
        "routing.http.preserve_host_header.enabled": "false",
        "routing.http.x_amzn_tls_version_and_cipher_suite.enabled": "false",
        "routing.http.xff_client_port.enabled": "false",
        "routing.http.xff_header_processing.mode": "append",
        "routing.http2.enabled": "true",
        "waf.fail_open.enabled": "false",
        "zonal_shift.config.enabled": "false",
    },
    "network": {
        **PROTECTION,
        **{key: value for key, value in LOGS.items() if key.startswith("access")},
        "dns_record.client_routing_policy": "any_availability_zone",
        "ipv6.deny_all_igw_traffic": "false",
        "load_balancing.cross_zone.enabled": "false",
        "secondary_ips.auto_assigned.per_subnet": "0",
        "zonal_shift.config.enabled": "false",
    },
    "gateway": {**PROTECTION, "load_balancing.cross_zone.enabled": "false"},
}
HEALTH = {
    f"target_group_health.{what}.minimum_healthy_targets.{unit}": value
    for what in ("dns_failover", "unhealthy_state_routing")
    for unit, value in (("count", "1"), ("percentage", "off"))
}


def target_group_attributes(group):
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_TargetGroupAttribute.html"""
    if group.target_type == "lambda":
        return {"lambda.multi_value_headers.enabled": "false"}
    if group.target_type == "alb":
        return dict(HEALTH)
    delay = {"deregistration_delay.timeout_seconds": "300"}
    if group.protocol == "GENEVE":
        return {
            **delay,
            "stickiness.enabled": "false",
            "stickiness.type": "source_ip_dest_ip_proto",
            "target_failover.on_deregistration": "no_rebalance",
            "target_failover.on_unhealthy": "no_rebalance",
        }
    common = {**delay, **HEALTH, "load_balancing.cross_zone.enabled": "use_load_balancer_configuration"}
    if group.protocol in ("HTTP", "HTTPS"):
        return {
            **common,
            "load_balancing.algorithm.anomaly_mitigation": "off",
            "load_balancing.algorithm.type": "round_robin",
            "slow_start.duration_seconds": "0",
            "stickiness.app_cookie.cookie_name": "",
            "stickiness.app_cookie.duration_seconds": "86400",
            "stickiness.enabled": "false",
            "stickiness.lb_cookie.duration_seconds": "86400",
            "stickiness.type": "lb_cookie",
        }
    udp = "UDP" in group.protocol
    sticky = {} if group.protocol == "TLS" else {"stickiness.enabled": "false", "stickiness.type": "source_ip"}
    return {
        **common,
        **sticky,
        "deregistration_delay.connection_termination.enabled": "true" if udp else "false",
        "preserve_client_ip.enabled": "false" if group.target_type == "ip" and not udp else "true",
        "proxy_protocol_v2.enabled": "false",
        "target_health_state.unhealthy.connection_termination.enabled": "true",
        "target_health_state.unhealthy.draining_interval_seconds": "0",
    }


RESPONSE = (
    "strict_transport_security",
    "access_control_allow_origin",
    "access_control_allow_methods",
    "access_control_allow_headers",
    "access_control_allow_credentials",
    "access_control_expose_headers",
    "access_control_max_age",
    "content_security_policy",
    "x_content_type_options",
    "x_frame_options",
)
REQUEST = ("tls_version", "tls_cipher_suite") + tuple(
    f"mtls_clientcert{part}" for part in ("", "_serial_number", "_issuer", "_subject", "_validity", "_leaf")
)


def listener_attributes(listener):
    """https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_ListenerAttribute.html"""
    if listener.protocol not in ("HTTP", "HTTPS"):
        return {"tcp.idle_timeout.seconds": "350"} if listener.protocol in ("TCP", "") else {}
    named = {f"routing.http.response.{name}.header_value": "" for name in RESPONSE}
    named["routing.http.response.server.enabled"] = "true"
    if listener.protocol == "HTTPS":
        for name in REQUEST:
            header = "-".join(part.capitalize() for part in f"x_amzn_{name}".split("_"))
            named[f"routing.http.request.x_amzn_{name}.header_name"] = header
    return named


def not_supported(what, key, kind):
    refuse("InvalidConfigurationRequest", f"{what} attribute key '{key}' is not supported on {what.lower()}s of the type '{kind}'")


# --- Load balancers --------------------------------------------------------------------------------------------------


@patched(FakeLoadBalancer)
def __init__(original, self, *args, **kwargs):
    original(self, *args, **kwargs)
    self.attrs = dict(LOAD_BALANCER[self.type])
    self.scheme = self.scheme or "internet-facing"
    self.seen, self.since = 0, time.monotonic()


@patched(FakeLoadBalancer)
def activate(_original, self):
    """Done by `describe_load_balancers`: moto calls this once for each load balancer that there is."""


def asked(arguments):
    """What makes one load balancer of a name another."""
    subnets = {*(arguments["subnet_ids"] or []), *(m["SubnetId"] for m in arguments["subnet_mappings"] or [])}
    kind = arguments.get("loadbalancer_type") or "application"
    return (kind, arguments.get("scheme") or "internet-facing", subnets, set(arguments["security_groups"] or []))


@patched(ELBv2Backend)
def create_load_balancer(original, self, **arguments):
    """The same name with the same settings gives what there is."""
    wanted = asked(arguments)
    kind, _, subnets, groups = wanted
    for there in self.load_balancers.values():
        if there.name == arguments["name"]:
            if there.asked == wanted:
                return there
            refuse("DuplicateLoadBalancerName", "A load balancer with the same name and different settings exists.")
    for group in groups:
        if self.ec2_backend.get_security_group_from_id(group) is None:
            refuse("InvalidSecurityGroup", f"Security group '{group}' does not exist")
    zones = {self.ec2_backend.get_subnet(id_).availability_zone for id_ in subnets}
    if kind == "application" and len(zones) < 2:
        refuse("ValidationError", "At least two subnets in two different Availability Zones must be specified")
    if len(zones) < len(subnets):
        refuse("InvalidConfigurationRequest", "A load balancer cannot be attached to multiple subnets in the same Availability Zone")
    made = original(self, **arguments)
    made.asked = wanted
    if kind == "application" and not groups:
        default = self.ec2_backend.get_security_group_from_name("default", made.vpc_id)
        made.security_groups = [default.id] if default else []
    return made


@patched(ELBv2Backend)
def describe_load_balancers(_original, self, arns, names):
    there = list(self.load_balancers.values())
    missing = [a for a in arns or [] if a not in self.load_balancers] + [n for n in names or [] if n not in [lb.name for lb in there]]
    if missing:
        refuse("LoadBalancerNotFound", f"Load balancers '[{', '.join(missing)}]' not found")
    found = [lb for lb in there if not (arns or names) or lb.arn in (arns or []) or lb.name in (names or [])]
    for lb in found:
        lb.seen += 1
        if lb.seen > ANSWERS_ON_THE_WAY or time.monotonic() - lb.since > SECONDS_ON_THE_WAY:
            lb.state = "active"
    return found


@patched(ELBv2Backend)
def delete_load_balancer(original, self, arn):
    there = self.load_balancers.get(arn)
    if there and there.attrs["deletion_protection.enabled"] == "true":
        refuse("OperationNotPermitted", f"Load balancer '{arn}' cannot be deleted because deletion protection is enabled")
    if there:
        for listener in there.listeners.values():
            self.tagging_service.delete_all_tags_for_resource(listener.arn)
    self.tagging_service.delete_all_tags_for_resource(arn)
    return original(self, arn)


@patched(ELBv2Backend)
def modify_load_balancer_attributes(original, self, arn, attrs):
    there = self.load_balancers.get(arn)
    for key in attrs if there else []:
        if key not in LOAD_BALANCER[there.type] or (key == "load_balancing.cross_zone.enabled" and there.type == "application"):
            not_supported("Load balancer", key, there.type)
    if there and attrs.get("access_logs.s3.enabled") == "true" and not (attrs.get("access_logs.s3.bucket") or there.attrs["access_logs.s3.bucket"]):
        refuse("ValidationError", "An S3 bucket name must be specified")
    return original(self, arn, attrs)


@patched(ELBv2Backend)
def set_subnets(original, self, arn, subnets, subnet_mappings):
    there = self.load_balancers.get(arn)
    if there and there.type == "network":
        wanted = [*(subnets or []), *(m["SubnetId"] for m in subnet_mappings or [])]
        if not {subnet.id for subnet in there.subnets} <= set(wanted):
            refuse("InvalidConfigurationRequest", "You cannot remove subnets from a network load balancer")
    answer = original(self, arn, subnets, subnet_mappings)
    kind, scheme, _, groups = there.asked
    there.asked = (kind, scheme, {subnet.id for subnet in there.subnets}, groups)
    return answer


# --- Target groups ---------------------------------------------------------------------------------------------------


def settings(group):
    names = ("protocol", "port", "vpc_id", "target_type", "protocol_version", "health_check_path", "health_check_protocol",
             "health_check_interval_seconds", "health_check_timeout_seconds", "healthy_threshold_count", "unhealthy_threshold_count")
    return [str(getattr(group, name, None)) for name in names]


@patched(ELBv2Backend)
def create_target_group(original, self, name, **kwargs):
    """The same name with the same settings gives what there is."""
    there = next((group for group in self.target_groups.values() if group.name == name), None)
    if there is None:
        group = original(self, name, **kwargs)
        group.attributes = target_group_attributes(group)
        return group
    there.name = ""
    try:
        twin = original(self, name, **{**kwargs, "tags": None})
    finally:
        there.name = name
    del self.target_groups[twin.arn]
    if settings(twin) != settings(there):
        refuse("DuplicateTargetGroupName", "A target group with the same name exists, but with different settings")
    return there


@patched(ELBv2Backend)
def modify_target_group_attributes(original, self, target_group_arn, attributes):
    group = self.target_groups.get(target_group_arn)
    for key in attributes if group else []:
        if key not in target_group_attributes(group):
            not_supported("Target group", key, group.protocol or group.target_type)
    algorithm = attributes.get("load_balancing.algorithm.type") or (group and group.attributes.get("load_balancing.algorithm.type"))
    if attributes.get("load_balancing.algorithm.anomaly_mitigation") == "on" and algorithm != "weighted_random":
        refuse("InvalidConfigurationRequest", "Anomaly mitigation needs the algorithm weighted_random")
    if int(attributes.get("slow_start.duration_seconds") or 0) and algorithm != "round_robin":
        refuse("InvalidConfigurationRequest", f"Slow start is not supported with the algorithm {algorithm}")
    return original(self, target_group_arn, attributes)


@patched(ELBv2Backend)
def describe_target_groups(original, self, *args, **kwargs):
    for group in self.target_groups.values():
        group.load_balancer_arns = []
    for lb in self.load_balancers.values():
        actions = [action for listener in lb.listeners.values() for rule in listener.rules.values() for action in rule.actions]
        for arn in {arn for action in actions for arn in self._get_target_group_arns_from(action.data)}:
            if arn in self.target_groups:
                self.target_groups[arn].load_balancer_arns.append(lb.arn)
    return original(self, *args, **kwargs)


@patched(ELBV2Response, "describe_target_groups")
def describe_target_groups_call(original, self):
    """In pages, which moto does not know."""
    answer = original(self)
    size, marker = self._get_int_param("PageSize", 400), self._get_param("Marker")
    groups = list(answer.result["TargetGroups"])
    start = next((at + 1 for at, group in enumerate(groups) if group.arn == marker), 0)
    page = groups[start : start + size]
    answer.result["TargetGroups"] = page
    if start + size < len(groups):
        answer.result["NextMarker"] = page[-1].arn
    return answer


@patched(ELBv2Backend)
def delete_target_group(original, self, target_group_arn):
    answer = original(self, target_group_arn)
    self.tagging_service.delete_all_tags_for_resource(target_group_arn)
    return answer


def key_of(group, target):
    return f"{target['Id']}:{target.get('Port') or group.port}"


@patched(FakeTargetGroup)
def register(original, self, targets):
    """A target is an id and a port: one may be there with several."""
    for target in targets:
        there = dict(self.targets)
        self.targets.clear()
        try:
            original(self, [target])
        finally:
            new = dict(self.targets)
            self.targets.clear()
            self.targets.update(there)
        for told in new.values():
            self.targets[key_of(self, told)] = told


@patched(FakeTargetGroup)
def deregister(_original, self, targets):
    """One that is not there is no error."""
    for target in targets:
        gone = [key for key, there in self.targets.items() if there["Id"] == target["Id"] and target.get("Port") in (None, there["Port"])]
        for key in gone:
            self.deregistered_targets[target["Id"]] = self.targets.pop(key)


@patched(FakeTargetGroup)
def health_for(original, self, target, ec2_backend):
    there = self.targets.get(key_of(self, target))
    if there is None:
        same = {key: told for key, told in self.targets.items() if told["Id"] == target["Id"]}
        for key in same:
            del self.targets[key]
        try:
            return original(self, {**target, "Port": target.get("Port") or self.port}, ec2_backend)
        finally:
            self.targets.update(same)
    held = dict(self.targets)
    self.targets[target["Id"]] = there
    try:
        return original(self, target, ec2_backend)
    finally:
        self.targets.clear()
        self.targets.update(held)


# --- Listeners -------------------------------------------------------------------------------------------------------


@patched(FakeListener, "__init__")
def listener_init(original, self, *args, **kwargs):
    original(self, *args, **kwargs)
    self.attributes = listener_attributes(self)
    if self.protocol not in ("HTTPS", "TLS"):
        self.ssl_policy = None


@patched(FakeAction, "__init__")
def action_init(original, self, data):
    """A secret is kept and not told. One target group alone is told in both ways, in whichever it was given."""
    if data.get("TargetGroupArn"):
        data.setdefault("ForwardConfig", {"TargetGroups": [{"TargetGroupArn": data["TargetGroupArn"]}]})
    groups = data.get("ForwardConfig", {}).get("TargetGroups", [])
    if len(groups) == 1:
        data["TargetGroupArn"] = groups[0]["TargetGroupArn"]
    config = data.get("AuthenticateOidcConfig")
    if config:
        secret = config.pop("ClientSecret", None)
        if not secret and str(config.pop("UseExistingClientSecret", "")).lower() != "true":
            refuse("ValidationError", "A client secret must be specified")
    original(self, data)


def usable(self, arn):
    """A listener takes a certificate only once it is issued."""
    from moto.acm.models import acm_backends

    if ":acm:" in arn:
        there = acm_backends[self.account_id][self.region_name]._certificates.get(arn)
        if there is None:
            refuse("CertificateNotFound", f"Certificate '{arn}' not found")
        there.check()
        if there.status != "ISSUED":
            refuse("UnsupportedCertificate", f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, and a supported key size.")


@patched(ELBv2Backend)
def create_listener(original, self, load_balancer_arn, protocol, port, ssl_policy, certificate, actions, alpn_policy=None, tags=None):
    """The same port with the same settings gives what there is."""
    lb = self.load_balancers.get(load_balancer_arn)
    secure = protocol in ("HTTPS", "TLS")
    if lb and secure and not certificate:
        refuse("ValidationError", "A certificate must be specified for HTTPS listeners")
    if certificate:
        usable(self, certificate)
    for there in lb.listeners.values() if lb else []:
        if str(there.port) == str(port):
            alike = there.protocol == protocol and there.certificate == certificate
            if alike and [a.data for a in there.default_actions] == [FakeAction(dict(a)).data for a in actions]:
                return there
            refuse("DuplicateListener", "A listener already exists on this port for this load balancer")
    return original(self, load_balancer_arn, protocol, port, ssl_policy if secure else None, certificate, actions, alpn_policy, tags)


@patched(ELBv2Backend)
def describe_listeners(original, self, load_balancer_arn, listener_arns):
    found = original(self, load_balancer_arn, listener_arns)
    if listener_arns and len(found) < len(set(listener_arns)):
        refuse("ListenerNotFound", "One or more listeners not found")
    return found


@patched(ELBv2Backend)
def modify_listener(original, self, arn, port=None, protocol=None, ssl_policy=None, certificates=None, actions=None):
    listener = self.describe_listeners(None, [arn])[0]
    lb = self.load_balancers[listener.load_balancer_arn]
    for there in lb.listeners.values():
        if port is not None and there is not listener and str(there.port) == str(port):
            refuse("DuplicateListener", "A listener already exists on this port for this load balancer")
    for certificate in certificates or []:
        usable(self, certificate["CertificateArn"])
    further = listener.certificates[1:]
    # moto knows three protocols here.
    changed = original(self, arn, port, protocol if protocol in ("HTTP", "HTTPS") else None, ssl_policy, certificates, actions)
    if protocol and protocol != changed.protocol:
        changed.protocol = protocol
    if certificates:
        changed.certificates = [changed.certificate, *further]
    if changed.protocol not in ("HTTPS", "TLS"):
        changed.ssl_policy, changed.certificate, changed.certificates = None, None, []
    elif not changed.ssl_policy:
        changed.ssl_policy = "ELBSecurityPolicy-2016-08"
    known = listener_attributes(changed)
    changed.attributes = {**known, **{key: value for key, value in changed.attributes.items() if key in known}}
    return changed


@patched(ELBv2Backend)
def modify_listener_attributes(original, self, listener_arn, attrs):
    listener = self.describe_listeners(None, [listener_arn])[0]
    for attr in attrs:
        if attr["Key"] not in listener_attributes(listener):
            not_supported("Listener", attr["Key"], listener.protocol)
    return original(self, listener_arn, attrs)


def keep_mutual(self, answer):
    """What moto loses of a listener."""
    told = self._get_params().get("MutualAuthentication")
    alpn = self._get_param("AlpnPolicy")
    for listener in answer.result["Listeners"]:
        if told:
            listener.mutual_authentication = told
        if alpn:
            listener.alpn_policy = alpn
    return answer


@patched(ELBV2Response, "create_listener")
def create_listener_call(original, self):
    return keep_mutual(self, original(self))


@patched(ELBV2Response, "modify_listener")
def modify_listener_call(original, self):
    return keep_mutual(self, original(self))


@patched(ELBV2Response, "describe_listeners")
def describe_listeners_call(original, self):
    """A listener tells its own certificate; the others have a call of theirs."""
    answer = original(self)
    shown = []
    for listener in answer.result["Listeners"]:
        twin = FakeListener.__new__(FakeListener)
        twin.__dict__.update(listener.__dict__)
        twin.certificates = listener.certificates[:1]
        shown.append(twin)
    answer.result["Listeners"] = shown
    return answer


@patched(ELBv2Backend)
def add_listener_certificates(original, self, arn, certificates):
    listener = self.describe_listeners(None, [arn])[0]
    for certificate in certificates:
        usable(self, certificate["CertificateArn"])
    return original(self, arn, [c for c in certificates if c["CertificateArn"] not in listener.certificates])


@patched(ELBv2Backend)
def delete_listener(original, self, listener_arn):
    answer = original(self, listener_arn)
    for arn in [listener_arn, *answer.rules]:
        self.tagging_service.delete_all_tags_for_resource(arn)
    return answer


# --- Rules -----------------------------------------------------------------------------------------------------------


def place(rule):
    return (rule.is_default, 0 if rule.is_default else int(rule.priority))


@patched(ELBv2Backend)
def describe_rules(original, self, listener_arn, rule_arns):
    return sorted(original(self, listener_arn, rule_arns), key=place)


@patched(ELBv2Backend)
def create_rule(original, self, listener_arn, conditions, priority, actions, tags=None):
    listener = self.describe_listeners(None, [listener_arn])[0]
    if any(str(rule.priority) == str(priority) for rule in listener.rules.values()):
        refuse("PriorityInUse", f"Priority '{priority}' is currently in use")
    values = sum(len(values_of(condition)) for condition in conditions)
    if values > 5:
        refuse("TooManyTargets", "A rule can have at most five condition values")
    return original(self, listener_arn, conditions, priority, actions, tags)


def values_of(condition):
    configs = [config for key, config in condition.items() if key.endswith("Config")]
    return [value for config in configs for value in config.get("Values", [])] or condition.get("Values", [])


@patched(ELBv2Backend)
def set_rule_priorities(_original, self, rule_priorities):
    """All of them or none. Two may change places: what counts is where all are afterwards."""
    wanted = {pair["RuleArn"]: int(pair["Priority"]) for pair in rule_priorities}
    rules = self.describe_rules(None, list(wanted))
    listener = self.describe_listeners(None, [rules[0].listener_arn])[0]
    after = [wanted.get(rule.arn, rule.priority) for rule in listener.rules.values()]
    if len({str(at) for at in after}) < len(after):
        refuse("PriorityInUse", "The specified priority is in use")
    for rule in rules:
        rule.priority = wanted[rule.arn]
    return rules


@patched(ELBv2Backend)
def delete_rule(original, self, arn):
    self.describe_rules(None, [arn])
    original(self, arn)
    self.tagging_service.delete_all_tags_for_resource(arn)


# --- Tags ------------------------------------------------------------------------------------------------------------


@patched(ELBv2Backend)
def describe_tags(original, self, resource_arns):
    if len(resource_arns) > 20:
        refuse("ValidationError", "You cannot describe the tags of more than 20 resources at once")
    for arn in resource_arns:
        self._get_resource_by_arn(arn)
    return original(self, resource_arns)


@patched(ELBV2Response)
def modify_capacity_reservation(_original, self):
    arn = self._get_param("LoadBalancerArn")
    lb = self.elbv2_backend.describe_load_balancers([arn], [])[0]
    units = (self._get_params().get("MinimumLoadBalancerCapacity") or {}).get("CapacityUnits")
    reset = str(self._get_param("ResetCapacityReservation")).lower() == "true"
    lb.capacity = None if reset else units
    return ActionResult(capacity_of(lb))


@patched(ELBV2Response)
def describe_capacity_reservation(_original, self):
    lb = self.elbv2_backend.describe_load_balancers([self._get_param("LoadBalancerArn")], [])[0]
    return ActionResult(capacity_of(lb))


def capacity_of(lb):
    units = getattr(lb, "capacity", None)
    if units is None:
        return {"CapacityReservationState": []}
    zones = [{"State": {"Code": "provisioned"}, "AvailabilityZone": zone.zone_name} for zone in lb.availability_zones]
    return {"MinimumLoadBalancerCapacity": {"CapacityUnits": units}, "CapacityReservationState": zones}


@patched(ELBV2Response)
def modify_ip_pools(_original, self):
    lb = self.elbv2_backend.describe_load_balancers([self._get_param("LoadBalancerArn")], [])[0]
    lb.ipam_pools = self._get_params().get("IpamPools")
    return ActionResult({"IpamPools": lb.ipam_pools or {}})


