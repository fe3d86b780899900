"""What the sandbox refuses and keeps of S3, KMS and DLM as AWS does: `strict_storage.py ENDPOINT`."""

import json

from strict_checks import Cloud, check, refused, run

BLOCKED = {"BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True}
OPEN = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject"}


def bucket(cloud, name, **more):
    name = f"{name}-{cloud.account}"
    cloud.s3.create_bucket(Bucket=name, **more)
    return name


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


@check
def a_new_bucket_is_encrypted_and_closed():
    cloud = Cloud()
    name, s3 = bucket(cloud, "new"), cloud.s3
    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == BLOCKED
    rule = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    owner = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"]
    assert owner == "BucketOwnerEnforced"
    s3.delete_bucket_encryption(Bucket=name)
    assert s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    s3.delete_public_access_block(Bucket=name)
    refused("NoSuchPublicAccessBlockConfiguration", s3.get_public_access_block, Bucket=name)


@check
def a_bucket_with_objects_stays():
    cloud = Cloud()
    name, s3 = bucket(cloud, "full"), cloud.s3
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=name, Key="a", Body=b"x")
    s3.delete_object(Bucket=name, Key="a")
    refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)
    found = s3.list_object_versions(Bucket=name)
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    versions = [{"Key": "a", "VersionId": version["VersionId"]} for version in found["Versions"] + found["DeleteMarkers"]]
    assert "Errors" not in s3.delete_objects(Bucket=name, Delete={"Objects": versions})
    s3.delete_bucket(Bucket=name)
    refused("OperationAborted", s3.create_bucket, Bucket=name)
    s3.create_bucket(Bucket=name)


@check
def a_bucket_belongs_to_one_account_and_region():
    cloud, other = Cloud(), Cloud()
    name = bucket(cloud, "mine")
    refused("BucketAlreadyExists", other.s3.create_bucket, Bucket=name)
    refused("403", other.s3.head_bucket, Bucket=name)
    refused("404", other.s3.head_bucket, Bucket="nobodys-bucket")
    refused("AccessDenied", other.s3.get_bucket_versioning, Bucket=name)
    refused("403", cloud.s3.head_bucket, Bucket=name, ExpectedBucketOwner=other.account)
    there = cloud.client("s3", "eu-west-1")
    refused("BucketAlreadyOwnedByYou", there.create_bucket, Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    refused("InvalidBucketName", cloud.s3.create_bucket, Bucket="xn--mine")


@check
def buckets_are_listed_by_pages_with_their_regions():
    cloud = Cloud()
    names = [bucket(cloud, f"page-{i}") for i in range(3)]
    first = cloud.s3.list_buckets(MaxBuckets=2)
    rest = cloud.s3.list_buckets(MaxBuckets=2, ContinuationToken=first["ContinuationToken"])
    assert [b["Name"] for b in first["Buckets"] + rest["Buckets"]] == names
    assert {b["BucketRegion"] for b in first["Buckets"]} == {"us-east-1"}
    assert "ContinuationToken" not in rest and "BucketRegion" not in cloud.s3.list_buckets()["Buckets"][0]


@check
def a_public_policy_needs_the_block_to_be_lifted():
    cloud = Cloud()
    name, s3 = bucket(cloud, "public"), cloud.s3
    opened = policy({**OPEN, "Resource": f"arn:aws:s3:::{name}/*"})
    refused("AccessDenied", s3.put_bucket_policy, Bucket=name, Policy=opened)
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration={**BLOCKED, "BlockPublicPolicy": False})
    s3.put_bucket_policy(Bucket=name, Policy=opened)
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket=name, Policy=policy({**OPEN, "Resource": "arn:aws:s3:::other/*"}))
    refused("MalformedPolicy", s3.put_bucket_policy, Bucket=name, Policy="{")


@check
def lifecycles_are_kept_whole_and_checked():
    cloud = Cloud()
    name, s3 = bucket(cloud, "old"), cloud.s3
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=name)

    def put(*rules, **more):
        s3.put_bucket_lifecycle_configuration(Bucket=name, LifecycleConfiguration={"Rules": list(rules)}, **more)

    rule = {"ID": "a", "Status": "Enabled", "Filter": {"ObjectSizeGreaterThan": 10}}
    gone = {"NoncurrentVersionExpiration": {"NoncurrentDays": 3, "NewerNoncurrentVersions": 2}}
    put({**rule, **gone}, TransitionDefaultMinimumObjectSize="varies_by_storage_class")
    found = s3.get_bucket_lifecycle_configuration(Bucket=name)
    assert found["Rules"] == [{**rule, **gone}], found
    assert found["TransitionDefaultMinimumObjectSize"] == "varies_by_storage_class"
    refused("InvalidRequest", lambda: put(rule))
    refused("InvalidArgument", lambda: put({**rule, **gone}, {**rule, **gone}))
    refused("InvalidArgument", lambda: put({**rule, "Transitions": [{"Days": 7, "StorageClass": "STANDARD_IA"}]}))
    tagged = {**rule, "Filter": {"Tag": {"Key": "k", "Value": "v"}}, "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1}}
    refused("InvalidRequest", lambda: put(tagged))
    s3.delete_bucket_lifecycle(Bucket=name)
    refused("NoSuchLifecycleConfiguration", s3.get_bucket_lifecycle_configuration, Bucket=name)


@check
def a_locked_bucket_keeps_versions():
    cloud = Cloud()
    name, s3 = bucket(cloud, "locked", ObjectLockEnabledForBucket=True), cloud.s3
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Enabled"
    refused("InvalidBucketState", s3.put_bucket_versioning, Bucket=name, VersioningConfiguration={"Status": "Suspended"})
    refused("ObjectLockConfigurationNotFoundError", s3.get_object_lock_configuration, Bucket=bucket(cloud, "free"))


@check
def a_key_refuses_by_its_state():
    kms = Cloud().kms
    key = kms.create_key()["KeyMetadata"]
    assert key["KeyUsage"] == "ENCRYPT_DECRYPT" and not key["MultiRegion"]
    id_ = key["KeyId"]
    assert "RotationPeriodInDays" not in kms.get_key_rotation_status(KeyId=id_)
    kms.enable_key_rotation(KeyId=id_, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=id_)["RotationPeriodInDays"] == 90
    kms.disable_key(KeyId=id_)
    refused("DisabledException", kms.enable_key_rotation, KeyId=id_)
    rsa = kms.create_key(KeySpec="RSA_2048")["KeyMetadata"]["KeyId"]
    refused("UnsupportedOperationException", kms.enable_key_rotation, KeyId=rsa)
    refused("ValidationException", kms.schedule_key_deletion, KeyId=id_, PendingWindowInDays=3)
    kms.schedule_key_deletion(KeyId=id_, PendingWindowInDays=7)
    refused("KMSInvalidStateException", kms.schedule_key_deletion, KeyId=id_)
    refused("KMSInvalidStateException", kms.create_alias, AliasName="alias/a", TargetKeyId=id_)


@check
def a_policy_may_not_lock_everybody_out():
    kms = Cloud().kms
    use = policy({"Effect": "Allow", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*"})
    refused("MalformedPolicyDocumentException", kms.create_key, Policy=use)
    id_ = kms.create_key(Policy=use, BypassPolicyLockoutSafetyCheck=True)["KeyMetadata"]["KeyId"]
    refused("MalformedPolicyDocumentException", kms.put_key_policy, KeyId=id_, PolicyName="default", Policy="{")


@check
def policies_of_snapshots_are_kept():
    cloud = Cloud()
    dlm = cloud.dlm
    schedule = {"Name": "daily", "CreateRule": {"Interval": 24, "IntervalUnit": "HOURS"}, "RetainRule": {"Count": 7}}
    details = {"ResourceTypes": ["VOLUME"], "TargetTags": [{"Key": "backup", "Value": "daily"}], "Schedules": [schedule]}
    given = {"ExecutionRoleArn": f"arn:aws:iam::{cloud.account}:role/r", "Description": "d", "State": "ENABLED"}
    id_ = dlm.create_lifecycle_policy(**given, PolicyDetails=details, Tags={"team": "a"})["PolicyId"]
    found = dlm.get_lifecycle_policy(PolicyId=id_)["Policy"]
    assert found["Tags"] == {"team": "a"} and found["PolicyDetails"]["PolicyType"] == "EBS_SNAPSHOT_MANAGEMENT"
    assert found["PolicyDetails"]["Schedules"][0]["CreateRule"]["Times"] == ["09:00"]
    dlm.tag_resource(ResourceArn=found["PolicyArn"], Tags={"Name": "n"})
    dlm.untag_resource(ResourceArn=found["PolicyArn"], TagKeys=["team"])
    dlm.update_lifecycle_policy(PolicyId=id_, State="DISABLED")
    summary = dlm.get_lifecycle_policies(PolicyIds=[id_])["Policies"]
    assert [(p["State"], p["Tags"]) for p in summary] == [("DISABLED", {"Name": "n"})], summary
    both = {**schedule, "CreateRule": {"CronExpression": "cron(0 3 * * ? *)", "Interval": 24, "IntervalUnit": "HOURS"}}
    refused("InvalidRequestException", dlm.create_lifecycle_policy, **given, PolicyDetails={**details, "Schedules": [both]})
    assert Cloud().dlm.get_lifecycle_policies()["Policies"] == []
    dlm.delete_lifecycle_policy(PolicyId=id_)
    refused("ResourceNotFoundException", dlm.get_lifecycle_policy, PolicyId=id_)


run()
