"""ECS: clusters and capacity providers in use, services that take their time and keep what they are told, task definitions."""

import copy
import json

from common import patched, refuse
from moto.core.responses import ActionResult
from moto.ecs.models import CapacityProvider, EC2ContainerServiceBackend, Service
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.elbv2.models import elbv2_backends
from moto.autoscaling.models import autoscaling_backends
from moto.moto_api._internal import mock_random

# How many answers of DescribeServices still show what was before: tasks that do not run yet, deployments that go, draining.
ANSWERS_ON_THE_WAY = 2

# What moto's services do not keep, by the name in the request and in the answer, and what stands where nothing is said.
KEPT = {
    "availabilityZoneRebalancing": "DISABLED",
    "capacityProviderStrategy": [],
    "enableECSManagedTags": False,
    "enableExecuteCommand": False,
    "healthCheckGracePeriodSeconds": None,
    "placementConstraints": [],
    "placementStrategy": [],
}
# What is told of the deployment alone.
OF_DEPLOYMENTS = ["serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations"]
# A change of these rolls out.
ROLLS_OUT = ["taskDefinition", "networkConfiguration", "loadBalancers", "platformVersion", "enableExecuteCommand", "enableECSManagedTags",
             "propagateTags", "capacityProviderStrategy", "serviceRegistries", *OF_DEPLOYMENTS]


def snake(name):
    """As botocore's serializer looks an attribute up."""
    from moto.core.utils import camelcase_to_underscores

    return camelcase_to_underscores(name)


def lives(service):
    return service.status in ("ACTIVE", "DRAINING")


def services_of(backend, cluster):
    return [s for s in backend.services.values() if s.cluster_name == cluster.name]


# --- Clusters --------------------------------------------------------------------------------------------------------


@patched(EC2ContainerServiceBackend)
def create_cluster(original, self, cluster_name, tags=None, cluster_settings=None, configuration=None, *args, **kwargs):
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_CreateCluster.html: gives the one that is there."""
    if tags == []:
        refuse("InvalidParameterException", "Tags can not be empty.")
    there = self.clusters.get(cluster_name)
    if there and there.status == "ACTIVE":
        if cluster_settings:
            there.settings = cluster_settings
        if configuration:
            there.configuration = configuration
        return there
    return original(self, cluster_name, tags, cluster_settings, configuration, *args, **kwargs)


@patched(EC2ContainerServiceBackend)
def delete_cluster(original, self, cluster_str):
    cluster = self._get_cluster(cluster_str)
    tick(self)
    if any(lives(s) for s in services_of(self, cluster)):
        refuse("ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
    if self.container_instances.get(cluster.name):
        refuse("ClusterContainsContainerInstancesException", "The Cluster cannot be deleted while Container Instances are active or draining.")
    if any(task.last_status != "STOPPED" for task in self.tasks.get(cluster.name, {}).values()):
        refuse("ClusterContainsTasksException", "The Cluster cannot be deleted while Tasks are active.")
    cluster.capacity_providers, cluster.default_capacity_provider_strategy = [], []
    return original(self, cluster_str)


@patched(EC2ContainerServiceBackend)
def update_cluster(original, self, cluster_name, cluster_settings, configuration, service_connect_defaults):
    cluster = self._get_cluster(cluster_name)
    if cluster.status != "ACTIVE":
        refuse("ClusterNotFoundException", "Cluster not found.")
    answer = original(self, cluster_name, cluster_settings, configuration, service_connect_defaults)
    if service_connect_defaults is not None and not service_connect_defaults.get("namespace"):
        cluster.service_connect_defaults = None
    return answer


# --- Capacity providers ----------------------------------------------------------------------------------------------

OF_AWS = ("FARGATE", "FARGATE_SPOT")


@patched(CapacityProvider)
def _prepare_asg_provider(original, self, details):
    details = original(self, details)
    details.setdefault("managedDraining", "ENABLED")
    return details


@patched(CapacityProvider)
def update(original, self, details):
    if details.get("managedDraining"):
        self.auto_scaling_group_provider["managedDraining"] = details["managedDraining"]
    original(self, details)


def protected(backend, details):
    if details.get("managedTerminationProtection") != "ENABLED":
        return
    name = details["autoScalingGroupArn"].split("autoScalingGroupName/")[-1]
    groups = autoscaling_backends[backend.account_id][backend.region_name].autoscaling_groups
    if name in groups and not groups[name].new_instances_protected_from_scale_in:
        refuse("ClientException", "The managed termination protection setting for the capacity provider is invalid. To enable managed "
                                  "termination protection for a capacity provider, the Auto Scaling group must have instance protection from "
                                  "scale in enabled.")


@patched(EC2ContainerServiceBackend)
def create_capacity_provider(original, self, name, asg_details, tags):
    if name in self.capacity_providers:
        refuse("ClientException", "The specified capacity provider already exists. To change the configuration of an existing capacity "
                                  "provider, update the capacity provider.")
    arn = (asg_details or {}).get("autoScalingGroupArn", "")
    groups = autoscaling_backends[self.account_id][self.region_name].autoscaling_groups
    if arn.split("autoScalingGroupName/")[-1] not in groups:
        refuse("ClientException", "The specified Auto Scaling group ARN is invalid. Specify a valid Auto Scaling group ARN and try again.")
    protected(self, asg_details)
    return original(self, name, asg_details, tags)


@patched(EC2ContainerServiceBackend)
def update_capacity_provider(original, self, name_or_arn, asg_provider):
    provider = self._get_provider(name_or_arn)
    if provider is None:
        refuse("ClientException", "The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
    protected(self, {**provider.auto_scaling_group_provider, **asg_provider})
    return original(self, name_or_arn, asg_provider)


@patched(EC2ContainerServiceBackend)
def delete_capacity_provider(original, self, name_or_arn):
    provider = self._get_provider(name_or_arn)
    if provider is None:
        refuse("ClientException", "The specified capacity provider does not exist. Specify a valid name or ARN and try again.")
    if any(provider.name in (c.capacity_providers or []) for c in self.clusters.values() if c.status == "ACTIVE"):
        refuse("ResourceInUseException", "The specified capacity provider is in use and cannot be removed.")
    return original(self, name_or_arn)


@patched(EC2ContainerServiceBackend)
def describe_capacity_providers(original, self, names):
    """All of them where none is named."""
    return original(self, list(self.capacity_providers) if names is None else names)


@patched(EC2ContainerServiceBackend)
def put_cluster_capacity_providers(original, self, cluster_name, capacity_providers, default_capacity_provider_strategy):
    cluster = self._get_cluster(cluster_name)
    if cluster.status != "ACTIVE":
        refuse("ClientException", "The specified cluster is not active. Cluster was not ACTIVE.")
    for name in capacity_providers or []:
        if name not in OF_AWS and self._get_provider(name) is None:
            refuse("InvalidParameterException", f"The specified capacity provider {name} does not exist or is not active.")
    for item in default_capacity_provider_strategy or []:
        if item["capacityProvider"] not in (capacity_providers or []):
            refuse("InvalidParameterException", "The default capacity provider strategy can only contain capacity providers of the cluster.")
        item.setdefault("weight", 0)
        item.setdefault("base", 0)
    tick(self)
    for service in services_of(self, cluster):
        for item in getattr(service, "capacity_provider_strategy", None) or []:
            if lives(service) and item["capacityProvider"] not in (capacity_providers or []):
                refuse("ResourceInUseException", "The specified capacity provider is in use and cannot be removed.")
    return original(self, cluster_name, capacity_providers, default_capacity_provider_strategy)


# --- Task definitions ------------------------------------------------------------------------------------------------


@patched(EC2ContainerServiceBackend, "_validate_container_defs")
def _validate_container_defs(_original, _memory, *args):
    """A reservation is enough for a container: moto wants `memory` of those for EC2."""


@patched(EC2ContainerServiceBackend)
def register_task_definition(original, self, family, container_definitions, *args, **kwargs):
    if kwargs.get("tags") == []:
        refuse("InvalidParameterException", "Tags can not be empty.")
    fargate = "FARGATE" in (kwargs.get("requires_compatibilities") or [])
    if fargate and not (kwargs.get("cpu") and kwargs.get("memory")):
        refuse("ClientException", "Fargate requires that 'cpu' be defined at the task level.")
    if fargate and kwargs.get("network_mode") != "awsvpc":
        refuse("ClientException", "Fargate only supports network mode 'awsvpc'.")
    for container in container_definitions:
        if not kwargs.get("memory") and not container.get("memory") and not container.get("memoryReservation"):
            refuse("ClientException", "Invalid setting for container '%s'. At least one of 'memory' or 'memoryReservation' must be specified."
                   % container.get("name"))
    network_mode = kwargs.get("network_mode")
    task = original(self, family, copy.deepcopy(container_definitions), *args, **kwargs)
    task.network_mode = network_mode or "bridge"
    for container in task.container_definitions:
        for key in ("portMappings", "environment", "mountPoints", "volumesFrom"):
            container[key] = list(container.get(key) or [])
        container.setdefault("systemControls", [])
        # AWS tells variables in an order of its own.
        container["environment"].sort(key=lambda variable: variable["name"])
        for ports in container["portMappings"]:
            ports.setdefault("protocol", "tcp")
            if network_mode in ("awsvpc", "host"):
                ports["hostPort"] = ports["containerPort"]
            else:
                ports.setdefault("hostPort", 0)
        if container.get("healthCheck"):
            for key, value in (("interval", 30), ("timeout", 5), ("retries", 3)):
                container["healthCheck"].setdefault(key, value)
    for volume in task.volumes:
        if not any(key.endswith("VolumeConfiguration") for key in volume):
            volume.setdefault("host", {})
    return task


@patched(EC2ContainerServiceResponse, "register_task_definition")
def register_call(original, self):
    answer = original(self)
    answer.result["taskDefinition"].enable_fault_injection = bool(self._get_param("enableFaultInjection"))
    if self._get_param("tags"):
        answer.result["tags"] = self._get_param("tags")
    return answer


@patched(EC2ContainerServiceResponse, "list_task_definitions")
def list_call(original, self):
    """By family and revision, a page at a time."""
    arns = original(self).result["taskDefinitionArns"]
    arns.sort(key=lambda arn: (arn.rsplit(":", 1)[0], int(arn.rsplit(":", 1)[1])), reverse=self._get_param("sort") == "DESC")
    start, size = int(self._get_param("nextToken") or 0), int(self._get_param("maxResults") or 100)
    answer = {"taskDefinitionArns": arns[start:start + size]}
    if start + size < len(arns):
        answer["nextToken"] = str(start + size)
    return ActionResult(answer)


# --- Services --------------------------------------------------------------------------------------------------------


def tick(backend, answers=0):
    """What the next answer shows."""
    for service in list(backend.services.values()):
        way = getattr(service, "on_the_way", None)
        if way is None:
            continue
        if way > 0:
            service.on_the_way = way - answers
            continue
        service.on_the_way = None
        if service.status == "DRAINING":
            service.status = "INACTIVE"
            continue
        service.running_count, service.pending_count = service.desired_count, 0
        service.deployments = service.deployments[:1]
        for deployment in service.deployments:
            deployment.update({"runningCount": service.desired_count, "pendingCount": 0, "rolloutState": "COMPLETED"})


def check_network(task, network):
    own = task is not None and task.network_mode == "awsvpc"
    if own and not network:
        refuse("InvalidParameterException", "Network Configuration must be provided when networkMode 'awsvpc' is specified.")
    if network and not own and task is not None:
        refuse("InvalidParameterException", "Network Configuration is not valid for the given networkMode of this task definition.")


def check_balancers(backend, balancers):
    elb = elbv2_backends[backend.account_id][backend.region_name]
    for balancer in balancers or []:
        arn = balancer.get("targetGroupArn")
        if arn and not (arn in elb.target_groups and elb.target_groups[arn].load_balancer_arns):
            refuse("InvalidParameterException", f"The target group with targetGroupArn {arn} does not have an associated load balancer.")


def check_strategy(backend, cluster, strategy):
    for item in strategy or []:
        item.setdefault("weight", 0)
        item.setdefault("base", 0)
        if item["capacityProvider"] not in (cluster.capacity_providers or []):
            refuse("InvalidParameterException", f"The specified capacity provider {item['capacityProvider']} is not associated with the cluster.")


def usual(given, scheduling):
    """The deployment configuration with what stands where nothing is said."""
    daemon = scheduling == "DAEMON"
    configuration = {
        "maximumPercent": 100 if daemon else 200,
        "minimumHealthyPercent": 0 if daemon else 100,
        "deploymentCircuitBreaker": {"enable": False, "rollback": False},
    }
    configuration.update(given or {})
    return configuration


def deploys(service, given):
    """A new deployment beside the one that is."""
    for old in service.deployments:
        old["status"] = "ACTIVE"
    new = dict(service.deployments[0]) if service.deployments else {}
    new.update({
        "id": f"ecs-svc/{mock_random.randint(0, 10**18)}", "status": "PRIMARY", "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": "ECS deployment in progress.", "desiredCount": service.desired_count, "runningCount": 0,
        "pendingCount": service.desired_count, "taskDefinition": service.task_definition,
        "networkConfiguration": service.network_configuration or None,
    })
    new.update({name: given[name] for name in OF_DEPLOYMENTS if name in given})
    service.deployments = [new, *service.deployments]


def keep(service, given):
    for name, default in KEPT.items():
        setattr(service, snake(name), given.get(name, default))
    service.enable_ecs_managed_tags = service.enable_ecsmanaged_tags = given.get("enableECSManagedTags", False)


@patched(EC2ContainerServiceResponse, "create_service")
def create_service_call(original, self):
    backend, given = self.ecs_backend, self._get_params()
    cluster = backend.clusters.get((given.get("cluster") or "default").split("/")[-1])
    if cluster is None or cluster.status != "ACTIVE":
        refuse("ClusterNotFoundException", "Cluster not found.")
    if given.get("tags") == []:
        refuse("InvalidParameterException", "Tags can not be empty.")
    tick(backend)
    there = backend.services.get(f"{cluster.name}:{given['serviceName']}")
    token = given.get("clientToken")
    if there and lives(there):
        if token and getattr(there, "client_token", None) == token and there.status == "ACTIVE":
            return ActionResult({"service": there})
        if there.status == "DRAINING":
            refuse("InvalidParameterException", "Unable to Start a service that is still Draining.")
        refuse("InvalidParameterException", "Creation of service was not idempotent.")
    external = (given.get("deploymentController") or {}).get("type") == "EXTERNAL"
    task = backend.describe_task_definition(given["taskDefinition"]) if given.get("taskDefinition") else None
    if task is None and not external:
        refuse("InvalidParameterException", "TaskDefinition can not be blank.")
    if task is not None and task.status != "ACTIVE":
        refuse("ClientException", "TaskDefinition is inactive")
    network = given.get("networkConfiguration")
    if network and network.get("awsvpcConfiguration"):
        network["awsvpcConfiguration"].setdefault("securityGroups", [])
        network["awsvpcConfiguration"].setdefault("assignPublicIp", "DISABLED")
    if not external:
        check_network(task, network)
    check_balancers(backend, given.get("loadBalancers"))
    check_strategy(backend, cluster, given.get("capacityProviderStrategy"))
    strategy = given.get("capacityProviderStrategy")
    if not strategy and not given.get("launchType") and cluster.default_capacity_provider_strategy:
        strategy = copy.deepcopy(cluster.default_capacity_provider_strategy)
    answer = original(self)
    service = answer.result["service"]
    keep(service, given)
    service.capacity_provider_strategy = strategy or []
    if strategy:
        service.launch_type = None
    elif service.launch_type == "FARGATE" and not service.platform_version:
        service.platform_version = "LATEST"
    service.client_token = token
    service.deployment_configuration = usual(given.get("deploymentConfiguration"), service.scheduling_strategy)
    if service.deployments:
        service.deployments[0].update({name: given[name] for name in OF_DEPLOYMENTS if name in given})
        service.deployments[0]["launchType"] = service.launch_type
    service.on_the_way = ANSWERS_ON_THE_WAY
    return answer


@patched(EC2ContainerServiceResponse, "update_service")
def update_service_call(_original, self):
    backend, given = self.ecs_backend, self._get_params()
    tick(backend)
    name = given["service"].split("/")[-1]
    cluster = backend._get_cluster(given.get("cluster") or "default")
    service = backend.services.get(f"{cluster.name}:{name}")
    if service is None:
        refuse("ServiceNotFoundException", "Service not found.")
    if service.status != "ACTIVE":
        refuse("ServiceNotActiveException", "Service was not ACTIVE.")
    task = backend.describe_task_definition(given.get("taskDefinition") or service.task_definition) if service.task_definition else None
    if given.get("taskDefinition") and task.status != "ACTIVE":
        refuse("ClientException", "TaskDefinition is inactive")
    network = given.get("networkConfiguration")
    if network and network.get("awsvpcConfiguration"):
        network["awsvpcConfiguration"].setdefault("securityGroups", [])
        network["awsvpcConfiguration"].setdefault("assignPublicIp", "DISABLED")
        service._validate_network(network)
    if given.get("taskDefinition") or network:
        check_network(task, network or service.network_configuration)
    check_balancers(backend, given.get("loadBalancers"))
    check_strategy(backend, cluster, given.get("capacityProviderStrategy"))
    if given.get("capacityProviderStrategy") and not given.get("forceNewDeployment"):
        refuse("InvalidParameterException", "You must force a new deployment to update the capacity provider strategy.")
    if given.get("desiredCount") is not None and service.scheduling_strategy == "DAEMON":
        refuse("InvalidParameterException", "The daemon scheduling strategy does not support a desired count for services.")
    before = {name: json.dumps(getattr(service, snake(name), None), default=str) for name in ROLLS_OUT}
    if task is not None:
        service.task_definition = task.arn
    for name in KEPT:
        if name in given:
            setattr(service, snake(name), given[name])
    if "enableECSManagedTags" in given:
        service.enable_ecs_managed_tags = given["enableECSManagedTags"]
    for name in ("loadBalancers", "networkConfiguration", "platformVersion", "propagateTags", "serviceRegistries", "desiredCount"):
        if given.get(name) is not None:
            setattr(service, snake(name), given[name])
    if given.get("deploymentConfiguration"):
        service.deployment_configuration = {**service.deployment_configuration, **given["deploymentConfiguration"]}
    after = {name: json.dumps(getattr(service, snake(name), None), default=str) for name in ROLLS_OUT}
    if before != after or given.get("forceNewDeployment") or any(name in given for name in OF_DEPLOYMENTS):
        deploys(service, given)
    service.on_the_way = ANSWERS_ON_THE_WAY
    return ActionResult({"service": service})


@patched(EC2ContainerServiceBackend)
def delete_service(_original, self, cluster_name, service_name, force):
    """https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_DeleteService.html"""
    tick(self)
    service = self._get_service(cluster_name, service_name.split("/")[-1])
    if service.status != "ACTIVE":
        refuse("ServiceNotActiveException", "Service was not ACTIVE.") if service.status == "DRAINING" else None
        refuse("ServiceNotFoundException", "Service not found.")
    if service.scheduling_strategy != "DAEMON" and service.desired_count > 0 and not force:
        refuse("InvalidParameterException", "The service cannot be stopped while it is scaled above 0.")
    service.status, service.desired_count, service.running_count, service.pending_count = "DRAINING", 0, 0, 0
    service.on_the_way = ANSWERS_ON_THE_WAY
    return service


@patched(EC2ContainerServiceBackend)
def describe_services(original, self, cluster_str, service_names_or_arns):
    if len(service_names_or_arns) > 10:
        refuse("InvalidParameterException", "Services cannot be more than 10.")
    tick(self, 1)
    return original(self, cluster_str, service_names_or_arns)


@patched(Service)
def _validate_network(original, self, network):
    network["awsvpcConfiguration"].setdefault("securityGroups", [])
    if not network["awsvpcConfiguration"]["securityGroups"]:
        # moto looks all groups up where none is named.
        checked = copy.deepcopy(network)
        checked["awsvpcConfiguration"]["securityGroups"] = []
        return checked
    return original(self, network)
