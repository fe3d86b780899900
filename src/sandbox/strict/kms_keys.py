"""KMS: what a key refuses by its state, and how often it is rotated."""

import json

from common import patched, refuse
from moto.kms.responses import KmsResponse

# What a key that waits for its deletion refuses.
WHILE_PENDING = [
    "create_alias",
    "update_alias",
    "update_key_description",
    "tag_resource",
    "untag_resource",
    "enable_key_rotation",
    "disable_key_rotation",
    "put_key_policy",
    "enable_key",
    "disable_key",
    "schedule_key_deletion",
]
LOCKOUT = "The new key policy will not allow you to update the key policy in the future."


def asked(self):
    """The key that a call names; none where moto will refuse it anyway."""
    backend = self.kms_backend
    return backend.keys.get(backend.get_key_id(self._get_param("TargetKeyId") or self._get_param("KeyId") or ""))


def guard(name):
    @patched(KmsResponse, name)
    def guarded(original, self):
        key = asked(self)
        if key and key.key_state == "PendingDeletion":
            refuse("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        return original(self)


for _name in WHILE_PENDING:
    guard(_name)


def check_policy(policy, bypass):
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html"""
    try:
        statements = json.loads(policy)["Statement"]
    except (ValueError, KeyError, TypeError):
        refuse("MalformedPolicyDocumentException", "Policy contains invalid JSON")
    allowed = []
    for statement in statements if isinstance(statements, list) else [statements]:
        if "Principal" not in statement or "Resource" not in statement:
            refuse("MalformedPolicyDocumentException", "Policy contains a statement with one or more invalid principals.")
        actions = statement.get("Action", [])
        if statement.get("Effect") == "Allow":
            allowed += actions if isinstance(actions, list) else [actions]
    if not bypass and not {"*", "kms:*", "kms:Put*", "kms:PutKeyPolicy"} & set(allowed):
        refuse("MalformedPolicyDocumentException", LOCKOUT)


@patched(KmsResponse)
def create_key(original, self):
    spec = self._get_param("KeySpec") or self._get_param("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT"
    usage = self._get_param("KeyUsage") or "ENCRYPT_DECRYPT"
    if spec == "SYMMETRIC_DEFAULT" and usage != "ENCRYPT_DECRYPT":
        refuse("ValidationException", f"The operation failed because the KeyUsage value of the KMS key is {usage}.")
    policy = self._get_param("Policy")
    if policy:
        check_policy(policy, self._get_param("BypassPolicyLockoutSafetyCheck"))
    made = json.loads(original(self))
    key = self.kms_backend.keys[made["KeyMetadata"]["KeyId"]]
    key.key_usage, key.multi_region = usage, bool(key.multi_region)
    return json.dumps(key.to_dict())


@patched(KmsResponse)
def put_key_policy(original, self):
    check_policy(self._get_param("Policy"), self._get_param("BypassPolicyLockoutSafetyCheck"))
    return original(self)


@patched(KmsResponse)
def enable_key_rotation(original, self):
    key, days = asked(self), self._get_param("RotationPeriodInDays")
    if key and (key.key_spec != "SYMMETRIC_DEFAULT" or key.origin != "AWS_KMS"):
        refuse("UnsupportedOperationException", f"{key.arn} can't be rotated.")
    if key and not key.enabled:
        refuse("DisabledException", f"{key.arn} is disabled.")
    if days is not None and not 90 <= days <= 2560:
        refuse("ValidationException", "RotationPeriodInDays must be between 90 and 2560")
    if key and (days is not None or not key.key_rotation_status):
        key.rotation_period = days or 365
    return original(self)


@patched(KmsResponse)
def get_key_rotation_status(original, self):
    key, answer = asked(self), json.loads(original(self))
    if key.key_spec != "SYMMETRIC_DEFAULT":
        refuse("UnsupportedOperationException", f"{key.arn} can't be rotated.")
    if answer["KeyRotationEnabled"]:
        answer["RotationPeriodInDays"] = getattr(key, "rotation_period", 365)
    return json.dumps(answer)


@patched(KmsResponse)
def schedule_key_deletion(original, self):
    days = self._get_param("PendingWindowInDays")
    if days is not None and not 7 <= days <= 30:
        refuse("ValidationException", "PendingWindowInDays must be between 7 and 30")
    return original(self)
