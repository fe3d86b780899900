"""S3: what a new bucket has, what S3 refuses, and what moto loses of the settings of buckets."""

import json
import re

import xmltodict
from common import patched
from moto.core.responses import ActionResult
from moto.s3.exceptions import S3ClientError
from moto.s3.models import FakeBucket, FakeDeleteMarker, PublicAccessBlock, S3Backend, s3_backends
from moto.s3.responses import S3Response

# A name stays taken for so many more creations after its bucket was deleted.
LEAVING = {}
# How many buckets are told in one answer at most, where the caller asks for pages.
PAGE = 1000
XMLNS = "http://s3.amazonaws.com/doc/2006-03-01/"
SIZES = "x-amz-transition-default-minimum-object-size"


# moto breaks over the mark of a deleted object where it removes all versions at once.
FakeDeleteMarker.dispose = lambda self: None


def refuse(code, message):
    raise S3ClientError(code, message)


def malformed():
    refuse("MalformedXML", "The XML you provided was not well-formed or did not validate against our published schema")


# --- Buckets ---------------------------------------------------------------------------------------------------------


@patched(FakeBucket)
def __init__(original, self, *args, **kwargs):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/create-bucket-faq.html"""
    original(self, *args, **kwargs)
    self.encryption = by_default()
    self.public_access_block = PublicAccessBlock(True, True, True, True)
    self.ownership_rule = "BucketOwnerEnforced"
    self.mfa_delete = None
    self.lifecycle = None


def by_default():
    return {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


@patched(S3Backend)
def create_bucket(original, self, bucket_name, *args, **kwargs):
    if LEAVING.get(bucket_name, 0) > 0:
        LEAVING[bucket_name] -= 1
        refuse(
            "OperationAborted",
            "A conflicting conditional operation is currently in progress against this resource. Please try again.",
        )
    owner = s3_backends.bucket_accounts.get(bucket_name)
    if owner and owner[1] != self.account_id:
        refuse(
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. "
            "Please select a different name and try again.",
        )
    valid = re.fullmatch(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket_name) and ".." not in bucket_name
    if not valid or bucket_name.startswith(("xn--", "sthree-")) or bucket_name.endswith(("-s3alias", "--ol-s3", ".mrap", "--x-s3")):
        refuse("InvalidBucketName", "The specified bucket is not valid.")
    return original(self, bucket_name, *args, **kwargs)


@patched(S3Backend)
def delete_bucket(original, self, bucket_name):
    deleted = original(self, bucket_name)
    if deleted:
        LEAVING[bucket_name] = 1
    return deleted


@patched(S3Response)
def _bucket_response(original, self, request, full_url):
    """Whose a bucket is, and where it is, counts before what is asked of it."""
    name = self.parse_bucket_name_from_url(request, full_url)
    owner = s3_backends.bucket_accounts.get(name)
    creates = request.method == "PUT" and not self._get_querystring(request, full_url)
    if owner and not creates:
        wanted = request.headers.get("x-amz-expected-bucket-owner")
        if owner[1] != self.current_account or (wanted and wanted != owner[1]):
            if request.method == "HEAD":
                return 403, {}, ""
            refuse("AccessDenied", "Access Denied")
        bucket = self.backend.get_bucket(name)
        if bucket.region_name != self.region:
            if request.method == "HEAD":
                return 301, {"x-amz-bucket-region": bucket.region_name}, ""
            refuse("PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
    return original(self, request, full_url)


@patched(S3Response)
def all_buckets(original, self):
    """Regions are told only where the caller asks for pages.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html
    """
    most = self._get_param("max-buckets")
    if not most:
        return original(self)
    found = self.backend.list_buckets(self._get_param("prefix"), self._get_param("bucket-region"), None)
    after = self._get_param("continuation-token") or ""
    found = sorted((bucket for bucket in found if bucket.name > after), key=lambda bucket: bucket.name)
    page = found[: min(int(most), PAGE)]
    self.data["Action"] = "ListBuckets"
    buckets = [{"Name": b.name, "CreationDate": b.creation_date_ISO8601, "BucketRegion": b.region_name} for b in page]
    answer = {"Owner": {"ID": "bcaf1ffd86f41161ca5fb16fd081034f"}, "Buckets": buckets}
    if len(page) < len(found):
        answer["ContinuationToken"] = page[-1].name
    return self.serialized(ActionResult(answer))


# --- Settings --------------------------------------------------------------------------------------------------------


@patched(S3Backend)
def delete_bucket_encryption(_original, self, bucket_name):
    """What is put into a bucket is encrypted in any case."""
    self.get_bucket(bucket_name).encryption = by_default()


def public(statement):
    principal = statement.get("Principal")
    everybody = principal == "*" or (isinstance(principal, dict) and "*" in in_list(principal.get("AWS")))
    return statement.get("Effect") == "Allow" and everybody and not statement.get("Condition")


def in_list(value):
    return value if isinstance(value, list) else [] if value is None else [value]


@patched(S3Backend)
def put_bucket_policy(original, self, bucket_name, policy):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html"""
    bucket = self.get_bucket(bucket_name)
    try:
        statements = in_list(json.loads(policy)["Statement"])
    except (ValueError, KeyError, TypeError):
        refuse("MalformedPolicy", "This policy contains invalid Json")
    if len(policy) > 20 * 1024:
        refuse("PolicyTooLarge", "Policy is too large")
    for statement in statements:
        if "Principal" not in statement and "NotPrincipal" not in statement:
            refuse("MalformedPolicy", "Missing required field Principal")
        for resource in in_list(statement.get("Resource")):
            if resource != "*" and resource != bucket.arn and not resource.startswith(bucket.arn + "/"):
                refuse("MalformedPolicy", "Policy has invalid resource")
    block = bucket.public_access_block
    if block and block.block_public_policy and any(public(statement) for statement in statements):
        refuse(
            "AccessDenied",
            f"User: arn:aws:iam::{self.account_id}:user/sandbox is not authorized to perform: s3:PutBucketPolicy on resource: "
            f'"{bucket.arn}" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.',
        )
    return original(self, bucket_name, policy)


def lifecycle_problems(rules):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html"""
    ids = [rule.get("ID") for rule in rules]
    if not rules:
        malformed()
    if len(ids) != len(set(ids)):
        yield "InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule"
    for rule in rules:
        transitions = in_list(rule.get("Transition"))
        expiration = rule.get("Expiration") or {}
        where = rule.get("Filter") or {}
        wide = where.get("And") or {}
        actions = ["Expiration", "NoncurrentVersionExpiration", "NoncurrentVersionTransition", "AbortIncompleteMultipartUpload"]
        if not transitions and not any(rule.get(action) for action in actions):
            yield "InvalidRequest", "At least one action needs to be specified in a rule"
        if sum(key in where for key in ("Prefix", "Tag", "And", "ObjectSizeGreaterThan", "ObjectSizeLessThan")) > 1:
            malformed()
        if "And" in where and len(in_list(wide.get("Tag"))) + len([k for k in wide if k != "Tag"]) < 2:
            malformed()
        times = [*transitions, expiration]
        if any("Date" in time for time in times) and any("Days" in time for time in times):
            yield "InvalidRequest", "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule"
        if any(sum(key in time for key in ("Date", "Days")) != 1 for time in transitions):
            malformed()
        if ("Tag" in where or "Tag" in wide) and (rule.get("AbortIncompleteMultipartUpload") or "ExpiredObjectDeleteMarker" in expiration):
            yield "InvalidRequest", "AbortIncompleteMultipartUpload and ExpiredObjectDeleteMarker cannot be specified with Tags"
        for transition in transitions:
            short = int(transition.get("Days", 30)) < 30
            if transition.get("StorageClass") in ("STANDARD_IA", "ONEZONE_IA") and short:
                yield "InvalidArgument", "'Days' in Transition action must be greater than or equal to 30 for storageClass"
        last = max((int(t["Days"]) for t in transitions if "Days" in t), default=-1)
        if "Days" in expiration and int(expiration["Days"]) <= last:
            yield "InvalidArgument", "'Days' in the Expiration action must be greater than 'Days' in the Transition action"


def put_lifecycle(self, request, name):
    """moto loses sizes, and versions that are to be kept: here the document is kept as it is."""
    bucket = self.backend.get_bucket(name)
    rules = in_list((xmltodict.parse(self.body).get("LifecycleConfiguration") or {}).get("Rule"))
    for code, message in lifecycle_problems(rules):
        refuse(code, message)
    bucket.lifecycle = (bytes(self.body), request.headers.get(SIZES) or "all_storage_classes_128K")
    return 200, {SIZES: bucket.lifecycle[1]}, ""


def put_versioning(self, name):
    bucket = self.backend.get_bucket(name)
    asked = xmltodict.parse(self.body).get("VersioningConfiguration") or {}
    if asked.get("Status") not in ("Enabled", "Suspended"):
        malformed()
    if bucket.object_lock_enabled and asked["Status"] == "Suspended":
        refuse(
            "InvalidBucketState",
            "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
        )
    bucket.mfa_delete = asked.get("MfaDelete", bucket.mfa_delete)
    bucket.versioning_status = asked["Status"]
    return 200, {}, ""


@patched(S3Response)
def _bucket_response_put(original, self, request, bucket_name, querystring):
    if "lifecycle" in querystring:
        return put_lifecycle(self, request, bucket_name)
    if "versioning" in querystring:
        return put_versioning(self, bucket_name)
    return original(self, request, bucket_name, querystring)


@patched(S3Response)
def get_bucket_lifecycle(_original, self):
    lifecycle = self.backend.get_bucket(self.bucket_name).lifecycle
    if not lifecycle:
        refuse("NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist")
    return 200, {SIZES: lifecycle[1]}, lifecycle[0]


@patched(S3Backend)
def delete_bucket_lifecycle(_original, self, bucket_name):
    self.get_bucket(bucket_name).lifecycle = None


@patched(S3Response)
def get_bucket_versioning(_original, self):
    bucket = self.backend.get_bucket(self.bucket_name)
    status = f"<Status>{bucket.versioning_status}</Status>" if bucket.versioning_status else ""
    mfa = f"<MfaDelete>{bucket.mfa_delete}</MfaDelete>" if bucket.mfa_delete else ""
    return 200, {}, f'<VersioningConfiguration xmlns="{XMLNS}">{status}{mfa}</VersioningConfiguration>'
