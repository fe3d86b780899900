"""Secrets Manager, ECR, metric filters, and what of IAM is for them."""

from common import patched, refuse
from moto.core.resource_tagging import TaggableResourcesMixin, TaggedResource
from moto.core.responses import EmptyResult
from moto.ecr.models import ECRBackend
from moto.iam.models import IAMBackend
from moto.iam.responses import IamResponse
from moto.logs.metric_filters import MetricFilters
from moto.logs.models import LogsBackend
from moto.secretsmanager.models import FakeSecret, SecretsManagerBackend

# --- Secrets Manager -------------------------------------------------------------------------------------------------


@patched(SecretsManagerBackend)
def create_secret(original, self, name, *args, **kwargs):
    """A name that waits for its deletion can't be had."""
    there = self.secrets.get(name) if name in self.secrets else None
    if isinstance(there, FakeSecret) and there.is_deleted():
        refuse("InvalidRequestException",
               "You can't create this secret because a secret with this name is already scheduled for deletion.")
    return original(self, name, *args, **kwargs)


@patched(SecretsManagerBackend)
def update_secret(original, self, secret_id, *args, **kwargs):
    """An empty description takes the place of one."""
    answer = original(self, secret_id, *args, **kwargs)
    if kwargs.get("description") == "":
        self.secrets[secret_id].description = None
    return answer


def not_deleted(name):
    @patched(SecretsManagerBackend, name)
    def changed(original, self, secret_id, *args, **kwargs):
        if secret_id in self.secrets and self.secrets[secret_id].is_deleted():
            refuse("InvalidRequestException",
                   "You can't perform this operation on the secret because it was marked for deletion.")
        return original(self, secret_id, *args, **kwargs)


for _name in ("put_secret_value", "put_resource_policy", "delete_resource_policy", "update_secret_version_stage"):
    not_deleted(_name)


@patched(SecretsManagerBackend)
def batch_get_secret_value(original, self, secret_id_list=None, **kwargs):
    if len(secret_id_list or []) > 20:
        refuse("InvalidParameterException", "SecretIdList must have at most 20 elements.")
    return original(self, secret_id_list=secret_id_list, **kwargs)


# --- Metric filters --------------------------------------------------------------------------------------------------


@patched(MetricFilters)
def add_filter(original, self, filter_name, filter_pattern, log_group_name, metric_transformations):
    """One of that name is replaced."""
    self.delete_filter(filter_name, log_group_name)
    original(self, filter_name, filter_pattern, log_group_name, metric_transformations)


def of_a_group(name, position):
    @patched(LogsBackend, name)
    def checked(original, self, *args, **kwargs):
        group = kwargs.get("log_group_name") or (args[position] if len(args) > position else None)
        if group and group not in self.groups:
            refuse("ResourceNotFoundException", "The specified log group does not exist.")
        return original(self, *args, **kwargs)


of_a_group("put_metric_filter", 2)
of_a_group("describe_metric_filters", 1)


@patched(LogsBackend)
def delete_log_group(original, self, log_group_name):
    """Its filters go with it."""
    original(self, log_group_name)
    self.filters.metric_filters = [f for f in self.filters.metric_filters if f["logGroupName"] != log_group_name]


# --- ECR -------------------------------------------------------------------------------------------------------------


def tagged_repositories(self):
    for repository in self.repositories.values():
        yield TaggedResource(arn=repository.arn, tags=dict(self.tagger.get_tag_dict_for_resource(repository.arn)),
                             resource_type="ecr:repository")


# The tagging API knows repositories; moto's does not.
ECRBackend.SERVICE_NAMESPACE = "ecr"
ECRBackend.__bases__ = (*ECRBackend.__bases__, TaggableResourcesMixin)
ECRBackend.iter_tagged_resources = tagged_repositories

# --- IAM -------------------------------------------------------------------------------------------------------------


def add_client_id_to_open_id_connect_provider(self):
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    client = self._get_param("ClientID")
    if client not in provider.client_id_list:
        provider.client_id_list = [*provider.client_id_list, client]
    return EmptyResult()


def remove_client_id_from_open_id_connect_provider(self):
    provider = self.backend.get_open_id_connect_provider(self._get_param("OpenIDConnectProviderArn"))
    provider.client_id_list = [c for c in provider.client_id_list if c != self._get_param("ClientID")]
    return EmptyResult()


IamResponse.add_client_id_to_open_id_connect_provider = add_client_id_to_open_id_connect_provider
IamResponse.remove_client_id_from_open_id_connect_provider = remove_client_id_from_open_id_connect_provider


@patched(IAMBackend)
def create_service_linked_role(original, self, service_name, description, suffix):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateServiceLinkedRole.html"""
    path = f"/aws-service-role/{service_name}/"
    for role in self.roles.values():
        if role.path == path and (role.name.endswith(f"_{suffix}") if suffix else "_" not in role.name):
            refuse("InvalidInput", f"Service role name {role.name} has been taken in this account, please try a different suffix.")
    return original(self, service_name, description, suffix)


@patched(IAMBackend)
def delete_open_id_connect_provider(original, self, arn):
    """One that does not exist is refused."""
    self.get_open_id_connect_provider(arn)
    return original(self, arn)
