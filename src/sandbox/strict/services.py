"""IAM, Route 53, CloudWatch Logs, SNS and the tagging API."""

import copy

from common import patched, refuse
from moto.iam.models import IAMBackend
from moto.logs.models import LogsBackend
from moto.resourcegroupstaggingapi.models import ResourceGroupsTaggingAPIBackend
from moto.route53.models import FakeZone, RecordSet, Route53Backend
from moto.sns.models import SNSBackend
from moto.sns.responses import SNSResponse
from moto.core.responses import ActionResult
from moto.core.utils import camelcase_to_underscores

# --- IAM -------------------------------------------------------------------------------------------------------------


@patched(IAMBackend)
def delete_policy(original, self, policy_arn):
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeletePolicy.html"""
    policy = self.get_policy(policy_arn)
    if policy.attachment_count > 0:
        refuse("DeleteConflict", "Cannot delete a policy attached to entities.")
    if len(policy.versions) > 1:
        refuse(
            "DeleteConflict",
            "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. "
            "The default version is deleted with the policy.",
        )
    return original(self, policy_arn)


@patched(IAMBackend)
def remove_role_from_instance_profile(original, self, profile_name, role_name):
    if self.get_role(role_name) not in self.get_instance_profile(profile_name).roles:
        refuse("NoSuchEntity", f"The role with name {role_name} cannot be found.")
    return original(self, profile_name, role_name)


# --- Route 53 --------------------------------------------------------------------------------------------------------


@patched(Route53Backend)
def create_hosted_zone(original, self, name, private_zone, caller_reference=None, **kwargs):
    if caller_reference and any(zone.caller_reference == caller_reference for zone in self.zones.values()):
        refuse("HostedZoneAlreadyExists", "A hosted zone has already been created with the specified caller reference.")
    return original(self, name, private_zone, caller_reference=caller_reference, **kwargs)


def dns_name(name):
    """As Route 53 keeps names: lower case, a dot at the end, `*` written `\\052`."""
    name = name.lower().rstrip(".") + "."
    return name.replace("*", "\\052")


def meaning(record):
    """What a DELETE has to repeat: routing, TTL and values, or the alias."""
    alias = record.alias_target or {}
    target = (alias.get("HostedZoneId"), dns_name(alias.get("DNSName", "")), str(alias.get("EvaluateTargetHealth")).lower()) if alias else None
    values = sorted(value["Value"] if isinstance(value, dict) else value for value in record.records or [])
    ttl = None if record.ttl is None else int(record.ttl)
    parts = [record.weight, record.region, record.failover, record.geo_location, record.multi_value_answer, record.health_check_id]
    return (ttl, values, target, *[str(part) for part in parts])


def apply_batch(zone, records, changes):
    """The records after the batch, and what is wrong with it. Route 53 applies all of a batch or nothing."""
    wrong, zone_name = [], dns_name(zone.name)
    for change in changes:
        asked = copy.deepcopy(dict(change["ResourceRecordSet"]))
        asked["Name"] = name = dns_name(asked["Name"])
        asked["ResourceRecords"] = [v["Value"] if isinstance(v, dict) else v for v in asked.get("ResourceRecords") or []]
        record, kind, action = RecordSet(asked), asked.get("Type"), change["Action"]
        same = [r for r in records if (dns_name(r.name), r.type, r.set_identifier) == (name, kind, record.set_identifier)]
        beside = [r for r in records if dns_name(r.name) == name and r.type != kind]
        if action not in ("CREATE", "UPSERT", "DELETE"):
            refuse("InvalidInput", f"Invalid action '{action}': expected CREATE, DELETE or UPSERT")
        if name != zone_name and not name.endswith("." + zone_name):
            wrong.append(f"RRSet with DNS name {name} is not permitted in zone {zone_name}")
        elif action == "DELETE":
            if not same:
                wrong.append(f"Tried to delete resource record set [name='{name}', type='{kind}'] but it was not found")
            elif meaning(same[0]) != meaning(record):
                wrong.append(
                    f"Tried to delete resource record set [name='{name}', type='{kind}'] "
                    "but the values provided do not match the current values"
                )
            elif name == zone_name and kind in ("NS", "SOA"):
                wrong.append(f"A HostedZone must contain exactly one {kind} record at its apex")
            else:
                records = [r for r in records if r is not same[0]]
        elif not record.alias_target and (record.ttl is None or not record.records):
            found = "none" if record.ttl is None and not record.records else "an incomplete set"
            wrong.append(f"Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords]], but found {found} in Change")
        elif action == "CREATE" and same:
            wrong.append(f"Tried to create resource record set [name='{name}', type='{kind}'] but it already exists")
        elif kind == "CNAME" and name == zone_name:
            wrong.append(f"RRSet of type CNAME with DNS name {name} is not permitted at apex in zone {zone_name}")
        elif (kind == "CNAME" and beside) or any(r.type == "CNAME" for r in beside):
            wrong.append(
                f"RRSet of type {kind} with DNS name {name} is not permitted as it conflicts with other records "
                f"with the same DNS name in zone {zone_name}"
            )
        else:
            records = [r for r in records if r not in same] + [record]
    return records, wrong


@patched(Route53Backend)
def change_resource_record_sets(_original, self, zoneid, change_list):
    zone = self.get_hosted_zone(zoneid)
    records, wrong = apply_batch(zone, list(zone.rrsets), change_list)
    if wrong:
        refuse("InvalidChangeBatch", f"[{', '.join(wrong)}]")
    zone.rrsets = records


def deepest_last(record):
    return (list(reversed(dns_name(record.name).rstrip(".").split("."))), record.type, record.set_identifier or "")


@patched(FakeZone)
def get_record_sets(_original, self, start_type, start_name):
    """In Route 53's order: by label from the right, then type, then set identifier."""
    found = sorted(self.rrsets, key=deepest_last)
    if start_name:
        start = (list(reversed(dns_name(start_name).rstrip(".").split("."))), start_type or "")
        found = [record for record in found if deepest_last(record)[:2] >= start]
    return found


@patched(FakeZone)
def __init__(original, self, name, *args, **kwargs):
    original(self, name.lower(), *args, **kwargs)


# --- CloudWatch Logs -------------------------------------------------------------------------------------------------


@patched(LogsBackend)
def list_tags_for_resource(original, self, resource_arn):
    """The ARN of a group ends in `:*` in some answers; tags belong to it without."""
    arn = resource_arn.removesuffix(":*")
    name = arn.partition(":log-group:")[2]
    if name and name not in self.groups:
        refuse("ResourceNotFoundException", "The specified log group does not exist.")
    return original(self, group_arn(self, name) if name else arn)


@patched(LogsBackend)
def tag_resource(original, self, arn, tags):
    name = arn.removesuffix(":*").partition(":log-group:")[2]
    if name and name not in self.groups:
        refuse("ResourceNotFoundException", "The specified log group does not exist.")
    return original(self, group_arn(self, name) if name else arn, tags)


@patched(LogsBackend)
def untag_resource(original, self, arn, tag_keys):
    name = arn.removesuffix(":*").partition(":log-group:")[2]
    if name and name not in self.groups:
        refuse("ResourceNotFoundException", "The specified log group does not exist.")
    return original(self, group_arn(self, name) if name else arn, tag_keys)


def group_arn(backend, name):
    """The ARN under which moto keeps the group's tags."""
    return backend.groups[name].arn


# --- SNS -------------------------------------------------------------------------------------------------------------


@patched(SNSBackend)
def subscribe(original, self, topic_arn, endpoint, protocol):
    """Somebody has to answer an e-mail first: nobody does in the sandbox, so it stays pending."""
    subscription = original(self, topic_arn, endpoint, protocol)
    if protocol in ("email", "email-json"):
        subscription.attributes["PendingConfirmation"] = "true"
    return subscription


FEEDBACK = [f"{kind}{what}" for kind in ("Application", "Firehose", "HTTP", "Lambda", "SQS")
            for what in ("FailureFeedbackRoleArn", "SuccessFeedbackRoleArn", "SuccessFeedbackSampleRate")]


@patched(SNSResponse)
def get_topic_attributes(original, self):
    """moto keeps these when they are set, and leaves them out of its answer.

    https://docs.aws.amazon.com/sns/latest/api/API_GetTopicAttributes.html
    """
    answer = original(self)
    topic = self.backend.get_topic(self._get_param("TopicArn"))
    for name in ["SignatureVersion", "TracingConfig", "ArchivePolicy", "FifoThroughputScope", *FEEDBACK]:
        value = getattr(topic, camelcase_to_underscores(name), None)
        if value:
            answer.result["Attributes"][name] = value
    return answer


@patched(SNSResponse, "subscribe")
def subscribe_call(original, self):
    answer = original(self)
    waits = self._get_param("Protocol") in ("email", "email-json")
    if waits and str(self._get_param("ReturnSubscriptionArn")).lower() != "true":
        return ActionResult({"SubscriptionArn": "pending confirmation"})
    return answer


# --- Tagging API -----------------------------------------------------------------------------------------------------


@patched(ResourceGroupsTaggingAPIBackend)
def get_resources(original, self, **kwargs):
    """A list of ARNs is answered at once: it takes no paging parameters. Both spellings of a log group's ARN are one."""
    arns = kwargs.get("resource_arn_list")
    if arns and len(arns) > 100:
        refuse("InvalidParameterException", "ResourceARNList must have at most 100 elements")
    if arns:
        kwargs["resource_arn_list"] = [arn.removesuffix(":*") for arn in arns]
        kwargs["resources_per_page"], kwargs["tags_per_page"] = 100, 100_000
    return original(self, **kwargs)
