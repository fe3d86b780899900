"""Auto Scaling of EC2 and of other services, Route 53's health checks, and service quotas."""

import json
import time

from common import patched, refuse
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse
from moto.autoscaling.models import AutoScalingBackend, FakeAutoScalingGroup, FakeWarmPool
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores
from moto.route53.models import HealthCheck, Route53Backend
from moto.route53.responses import Route53
from moto.servicequotas.models import ServiceQuotasBackend
from moto.servicequotas.responses import ServiceQuotasResponse

# How many answers still show a new instance as pending, and a group that is deleted.
ANSWERS_ON_THE_WAY = 2
SECONDS_ON_THE_WAY = 3

# --- Auto Scaling groups ---------------------------------------------------------------------------------------------

# What moto does not know of, or loses when a group is changed.
KEPT = (
    "AvailabilityZoneDistribution",
    "CapacityRebalance",
    "CapacityReservationSpecification",
    "Context",
    "DefaultCooldown",
    "DefaultInstanceWarmup",
    "DesiredCapacityType",
    "InstanceMaintenancePolicy",
    "MaxInstanceLifetime",
    "PlacementGroup",
    "ServiceLinkedRoleARN",
    "TerminationPolicies",
    "TrafficSources",
)


def keep(self, group):
    params = self._get_params()
    for name in KEPT:
        if name in params:
            setattr(group, "service_linked_role_arn" if name == "ServiceLinkedRoleARN" else camelcase_to_underscores(name), params[name])
    if getattr(group, "default_instance_warmup", None) in (-1, "-1"):
        group.default_instance_warmup = None
    if str(getattr(group, "max_instance_lifetime", None)) == "0":
        group.max_instance_lifetime = None


def group_of(self):
    name = self._get_param("AutoScalingGroupName")
    group = self.autoscaling_backend.autoscaling_groups.get(name)
    if group is None:
        refuse("ValidationError", f"AutoScalingGroup name not found - AutoScalingGroup '{name}' not found")
    return group


@patched(AutoScalingResponse, "create_auto_scaling_group")
def create_group_call(original, self):
    name = self._get_param("AutoScalingGroupName")
    if name in self.autoscaling_backend.autoscaling_groups:
        refuse("AlreadyExists", f"AutoScalingGroup by this name already exists - A group with the name {name} already exists")
    low, high = self._get_int_param("MinSize"), self._get_int_param("MaxSize")
    desired = self._get_int_param("DesiredCapacity")
    if low > high or not low <= (low if desired is None else desired) <= high:
        refuse("ValidationError", "Desired capacity must be between the specified min and max size")
    answer = original(self)
    group = self.autoscaling_backend.autoscaling_groups[name]
    keep(self, group)
    group.hooks = self._get_params().get("LifecycleHookSpecificationList") or []
    return answer


@patched(AutoScalingResponse, "update_auto_scaling_group")
def update_group_call(original, self):
    """Only what is given changes: moto forgets what the instances are made of otherwise."""
    group = group_of(self)
    if group.leaving:
        refuse("ScalingActivityInProgress", "The group is being deleted")
    low = self._get_int_param("MinSize")
    high = self._get_int_param("MaxSize")
    desired = self._get_int_param("DesiredCapacity")
    low, high = group.min_size if low is None else low, group.max_size if high is None else high
    if low > high or (desired is not None and not low <= desired <= high):
        refuse("ValidationError", "Desired capacity must be between the specified min and max size")
    mixed = group.mixed_instances_policy
    answer = original(self)
    params = self._get_params()
    if "MixedInstancesPolicy" in params:
        given = params["MixedInstancesPolicy"]
        # What is not given of it stays.
        merged = {**(mixed or {}), **given}
        if mixed and given.get("InstancesDistribution"):
            merged["InstancesDistribution"] = {**mixed.get("InstancesDistribution", {}), **given["InstancesDistribution"]}
            if merged["InstancesDistribution"].get("SpotAllocationStrategy") != "lowest-price":
                merged["InstancesDistribution"].pop("SpotInstancePools", None)
        group.mixed_instances_policy = merged
    elif "LaunchTemplate" not in params and "LaunchConfigurationName" not in params:
        group.mixed_instances_policy = mixed
    if "LaunchTemplate" in params:
        group.mixed_instances_policy = None
    keep(self, group)
    return answer


@patched(FakeAutoScalingGroup, "__init__")
def group_init(original, self, *args, **kwargs):
    self.leaving = None
    original(self, *args, **kwargs)


@patched(FakeAutoScalingGroup)
def set_desired_capacity(original, self, new_capacity):
    """New instances are on their way for some answers."""
    before = {state.instance.id for state in getattr(self, "instance_states", [])}
    original(self, new_capacity)
    for state in self.instance_states:
        if state.instance.id not in before:
            state.seen, state.since = 0, time.monotonic()


def tick(group):
    for state in group.instance_states:
        seen = getattr(state, "seen", None)
        if seen is None:
            continue
        state.seen += 1
        on_the_way = state.seen <= ANSWERS_ON_THE_WAY and time.monotonic() - state.since < SECONDS_ON_THE_WAY
        state.lifecycle_state = "Pending" if on_the_way else "InService"
        if not on_the_way:
            state.seen = None


@patched(AutoScalingResponse, "describe_auto_scaling_groups")
def describe_groups_call(original, self):
    backend = self.autoscaling_backend
    for name, group in list(backend.autoscaling_groups.items()):
        if group.leaving is not None:
            group.leaving -= 1
            if group.leaving < 0:
                group.leaving = None
                backend.delete_auto_scaling_group(name)
    answer = original(self)
    for group in answer.result["AutoScalingGroups"]:
        tick(group)
    return answer


@patched(AutoScalingResponse, "delete_auto_scaling_group")
def delete_group_call(_original, self):
    """Not with instances, unless it is forced; and it takes its time."""
    group = group_of(self)
    force = str(self._get_param("ForceDelete")).lower() == "true"
    if group.instance_states and not force:
        refuse("ResourceInUse", "You cannot delete an AutoScalingGroup while there are instances or pending Spot instance request(s) still in the group.")
    if group.warm_pool is not None and not force:
        refuse("ResourceInUse", "You cannot delete an AutoScalingGroup while there is a warm pool in the group.")
    backend = self.autoscaling_backend
    backend.policies = {key: p for key, p in backend.policies.items() if p.auto_scaling_group_name != group.name}
    group.leaving, group.status = ANSWERS_ON_THE_WAY, "Delete in progress"
    return EmptyResult()


@patched(AutoScalingResponse)
def disable_metrics_collection(_original, self):
    group = group_of(self)
    gone = self._get_param("Metrics") or group.metrics
    group.metrics = [metric for metric in group.metrics if metric not in gone]
    return EmptyResult()


@patched(AutoScalingResponse, "enable_metrics_collection")
def enable_metrics_call(_original, self):
    group = group_of(self)
    group.metrics = [*group.metrics, *(metric for metric in self._get_param("Metrics") or [] if metric not in group.metrics)]
    return EmptyResult()


@patched(FakeWarmPool, "__init__")
def warm_pool_init(original, self, *args, **kwargs):
    original(self, *args, **kwargs)
    self.pool_state = self.pool_state or "Stopped"
    self.min_size = self.min_size or 0


@patched(AutoScalingResponse)
def start_instance_refresh(_original, self):
    group = group_of(self)
    if getattr(group, "refreshes", None) and group.refreshes[0]["Status"] == "InProgress":
        refuse("InstanceRefreshInProgress", "An Instance Refresh is already in progress and blocks the execution of this Instance Refresh.")
    refresh = {"InstanceRefreshId": f"refresh-{len(getattr(group, 'refreshes', []))}", "AutoScalingGroupName": group.name, "Status": "InProgress"}
    group.refreshes = [refresh, *getattr(group, "refreshes", [])]
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


@patched(AutoScalingResponse)
def cancel_instance_refresh(_original, self):
    group = group_of(self)
    if not getattr(group, "refreshes", None) or group.refreshes[0]["Status"] != "InProgress":
        refuse("ActiveInstanceRefreshNotFound", "No in progress or pending Instance Refresh found")
    group.refreshes[0]["Status"] = "Cancelled"
    return ActionResult({"InstanceRefreshId": group.refreshes[0]["InstanceRefreshId"]})


@patched(AutoScalingResponse)
def describe_instance_refreshes(_original, self):
    return ActionResult({"InstanceRefreshes": getattr(group_of(self), "refreshes", [])})


# --- Scaling policies ------------------------------------------------------------------------------------------------


@patched(AutoScalingBackend)
def describe_policies(original, self, autoscaling_group_name=None, policy_names=None, policy_types=None):
    if autoscaling_group_name and autoscaling_group_name not in self.autoscaling_groups:
        refuse("ValidationError", f"Group {autoscaling_group_name} not found")
    found = original(self, autoscaling_group_name, None, policy_types)
    return [policy for policy in found if not policy_names or policy.name in policy_names]


@patched(AutoScalingResponse, "put_scaling_policy")
def put_policy_call(original, self):
    """Policies of different groups may have the same name; moto has one of each name."""
    group, backend = group_of(self), self.autoscaling_backend
    name, key = self._get_param("PolicyName"), f"{group.name}/{self._get_param('PolicyName')}"
    answer = original(self)
    policy = backend.policies.pop(name)
    enabled = self._get_param("Enabled")
    policy.enabled = str(enabled).lower() != "false"
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None
    if policy.policy_type == "StepScaling" and not policy.metric_aggregation_type:
        policy.metric_aggregation_type = "Average"
    backend.policies[key] = policy
    return answer


@patched(AutoScalingResponse, "delete_policy")
def delete_policy_call(_original, self):
    group, name = group_of(self), self._get_param("PolicyName")
    if self.autoscaling_backend.policies.pop(f"{group.name}/{name}", None) is None:
        refuse("ValidationError", f"PolicyName {name} not found")
    return EmptyResult()


# --- Application Auto Scaling ----------------------------------------------------------------------------------------


@patched(ApplicationAutoscalingBackend)
def deregister_scalable_target(original, self, namespace, r_id, dimension):
    """Takes its policies along."""
    if not self._scalable_target_exists(r_id, dimension):
        refuse("ObjectNotFoundException", f"No scalable target registered for service namespace: {namespace}, resource ID: {r_id}, scalable dimension: {dimension}")
    for policy in list(self.policies.values()):
        if (policy.service_namespace, policy.resource_id, policy.scalable_dimension) == (namespace, r_id, dimension):
            self.delete_scaling_policy(policy.policy_name, namespace, r_id, dimension)
    return original(self, namespace, r_id, dimension)


@patched(ApplicationAutoscalingBackend)
def put_scaling_policy(original, self, policy_name, service_namespace, resource_id, scalable_dimension, policy_body, policy_type):
    if not self._scalable_target_exists(resource_id, scalable_dimension):
        refuse("ObjectNotFoundException", f"No scalable target registered for service namespace: {service_namespace}, resource ID: {resource_id}, scalable dimension: {scalable_dimension}")
    return original(self, policy_name, service_namespace, resource_id, scalable_dimension, policy_body, policy_type)


@patched(ApplicationAutoscalingBackend)
def delete_scaling_policy(original, self, policy_name, service_namespace, resource_id, scalable_dimension):
    there = [p for p in self.policies.values() if p.policy_name == policy_name and p.resource_id == resource_id]
    if not any(p.scalable_dimension == scalable_dimension for p in there):
        refuse("ObjectNotFoundException", f"No scaling policy found for service namespace: {service_namespace}, resource ID: {resource_id}")
    return original(self, policy_name, service_namespace, resource_id, scalable_dimension)


@patched(ApplicationAutoScalingResponse, "describe_scaling_policies")
def describe_scaling_policies_call(original, self):
    answer = json.loads(original(self))
    names = self._get_param("PolicyNames")
    if names:
        answer["ScalingPolicies"] = [policy for policy in answer["ScalingPolicies"] if policy["PolicyName"] in names]
    return json.dumps(answer)


@patched(ApplicationAutoScalingResponse, "register_scalable_target")
def register_call(original, self):
    backend = self.applicationautoscaling_backend
    existed = backend._scalable_target_exists(self._get_param("ResourceId"), self._get_param("ScalableDimension"))
    answer = original(self)
    target = backend.targets[self._get_param("ScalableDimension")][self._get_param("ResourceId")]
    if not existed:
        target.tags = dict(self._get_param("Tags") or {})
        target.role_arn = target.role_arn or f"arn:aws:iam::{self.current_account}:role/aws-service-role/autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling"
        target.suspended_state = target.suspended_state or {
            "DynamicScalingInSuspended": False,
            "DynamicScalingOutSuspended": False,
            "ScheduledScalingSuspended": False,
        }
    return answer


def tagged(self):
    arn = self._get_param("ResourceARN")
    targets = [t for targets in self.applicationautoscaling_backend.targets.values() for t in targets.values()]
    found = next((target for target in targets if target.arn == arn), None)
    if found is None:
        refuse("ResourceNotFoundException", f"The specified resource doesn't exist: {arn}")
    return found


@patched(ApplicationAutoScalingResponse)
def list_tags_for_resource(_original, self):
    return json.dumps({"Tags": tagged(self).tags})


@patched(ApplicationAutoScalingResponse)
def tag_resource(_original, self):
    tagged(self).tags.update(self._get_param("Tags"))
    return json.dumps({})


@patched(ApplicationAutoScalingResponse)
def untag_resource(_original, self):
    target = tagged(self)
    target.tags = {key: value for key, value in target.tags.items() if key not in self._get_param("TagKeys")}
    return json.dumps({})


# --- Health checks ---------------------------------------------------------------------------------------------------


@patched(Route53Backend)
def create_health_check(original, self, caller_reference, health_check_args):
    """The same reference gives what there is."""
    there = next((check for check in self.health_checks.values() if check.caller_reference == caller_reference), None)
    if there is not None:
        if there.asked == health_check_args:
            return there
        refuse("HealthCheckAlreadyExists", "A health check with the same caller reference and other settings exists")
    check = original(self, caller_reference, health_check_args)
    check.asked = dict(health_check_args)
    if check.type_.startswith("HTTPS"):
        check.enable_sni = health_check_args.get("enable_sni") is not False
        check.port = health_check_args.get("port") or 443
    return check


CONFIG = HealthCheck.health_check_config


def config_of(self):
    """With what moto loses."""
    config = CONFIG.fget(self)
    more = getattr(self, "more", {})
    if self.type_ in ("CLOUDWATCH_METRIC", "RECOVERY_CONTROL"):
        for key in ("Port", "RequestInterval", "FailureThreshold", "MeasureLatency"):
            config.pop(key, None)
    return {**config, **more}


HealthCheck.health_check_config = property(config_of)
LOST = ("AlarmIdentifier", "InsufficientDataHealthStatus", "RoutingControlArn")


@patched(Route53, "create_health_check")
def create_health_check_call(original, self):
    answer = original(self)
    config = self._get_param("HealthCheckConfig")
    answer.result["HealthCheck"].more = {key: config[key] for key in LOST if config.get(key)}
    return answer


@patched(Route53, "update_health_check")
def update_health_check_call(original, self):
    check = self.backend.get_health_check(self._get_param("HealthCheckId"))
    children, regions = check.children, check.regions
    answer = original(self)
    reset = self._get_param("ResetElements") or []
    # What is not given stays.
    check.children = None if "ChildHealthChecks" in reset else self._get_param("ChildHealthChecks") or children
    check.regions = None if "Regions" in reset else self._get_param("Regions") or regions
    if "ResourcePath" in reset:
        check.resource_path = None
    if "FullyQualifiedDomainName" in reset:
        check.fqdn = None
    check.more = {**getattr(check, "more", {}), **{key: self._get_param(key) for key in LOST if self._get_param(key)}}
    check.health_check_version += 1
    return answer


# --- Service quotas --------------------------------------------------------------------------------------------------


def quota(service, name, code, title, value):
    return {
        "Adjustable": True,
        "GlobalQuota": False,
        "QuotaArn": f"arn:aws:servicequotas:us-east-1:123456789012:{service}/{code}",
        "QuotaCode": code,
        "QuotaName": title,
        "ServiceCode": service,
        "ServiceName": name,
        "Unit": "None",
        "Value": value,
    }


ELB = "Elastic Load Balancing (Elastic Load Balancing)"
QUOTAS = [
    quota("elasticloadbalancing", ELB, "L-53DA6B97", "Application Load Balancers per Region", 50.0),
    quota("elasticloadbalancing", ELB, "L-B211E961", "Listeners per Application Load Balancer", 50.0),
    quota("elasticloadbalancing", ELB, "L-B6DF7632", "Rules per Application Load Balancer", 100.0),
    quota("elasticloadbalancing", ELB, "L-CD17FD4B", "Target Groups per Region", 3000.0),
    quota("ecs", "Amazon Elastic Container Service (Amazon ECS)", "L-9EF96962", "Services per cluster", 5000.0),
]


@patched(ServiceQuotasBackend)
def get_service_quota(original, self, service_code, quota_code):
    found = [quota for quota in QUOTAS if quota["ServiceCode"] == service_code and quota["QuotaCode"] == quota_code]
    return found[0] if found else original(self, service_code, quota_code)


@patched(ServiceQuotasBackend)
def list_aws_default_service_quotas(original, self, service_code):
    found = [quota for quota in QUOTAS if quota["ServiceCode"] == service_code]
    return found or original(self, service_code)


@patched(ServiceQuotasResponse)
def get_aws_default_service_quota(_original, self):
    asked = json.loads(self.body)
    return json.dumps({"Quota": self.backend.get_service_quota(asked["ServiceCode"], asked["QuotaCode"])})


@patched(ServiceQuotasResponse)
def list_service_quotas(_original, self):
    return json.dumps({"Quotas": self.backend.list_aws_default_service_quotas(json.loads(self.body)["ServiceCode"])})
