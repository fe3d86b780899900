//! Where we differ from the provider on purpose, or still.

/// A path, `*` in it for any name, and the reason.
pub type Exception = (&'static str, &'static str);

/// Why settings of a bucket are not written in it.
const APART: &str = "deprecated at the provider since version 4: such a setting is a resource of its own";

/// Of resource types.
pub const RESOURCES: &[Exception] = &[
    ("aws_instance.password_data", "a password is never shown, though the provider shows it"),
    (
        "aws_instance.capacity_reservation_specification.capacity_reservation_preference",
        "AWS has one in any case: a block that names a target alone is no change",
    ),
    ("aws_instance.credit_specification.cpu_credits", "AWS has one in any case: an empty block is no change"),
    ("aws_ecs_service.desired_count", "left out, it stays what scaling has made of it; the provider makes it 0"),
    ("aws_s3_bucket.acceleration_status", APART),
    ("aws_s3_bucket.acl", APART),
    ("aws_s3_bucket.cors_rule", APART),
    ("aws_s3_bucket.grant", APART),
    ("aws_s3_bucket.lifecycle_rule", APART),
    ("aws_s3_bucket.logging", APART),
    ("aws_s3_bucket.object_lock_configuration", APART),
    ("aws_s3_bucket.policy", APART),
    ("aws_s3_bucket.replication_configuration", APART),
    ("aws_s3_bucket.request_payer", APART),
    ("aws_s3_bucket.server_side_encryption_configuration", APART),
    ("aws_s3_bucket.versioning", APART),
    ("aws_s3_bucket.website", APART),
    ("aws_s3_bucket.website_domain", APART),
    ("aws_s3_bucket.website_endpoint", APART),
    ("aws_s3_bucket_lifecycle_configuration.rule.*", "S3 takes one of each block, and chooses nothing: what is not given is not there"),
    ("aws_lb_listener_rule.action.*.scope", "AWS chooses one where none is given, of rules as of listeners"),
    ("aws_lb_listener_rule.action.*.session_cookie_name", "AWS chooses one where none is given, of rules as of listeners"),
    ("aws_lb_listener_rule.action.*.session_timeout", "AWS chooses one where none is given, of rules as of listeners"),
    ("aws_vpc_security_group_egress_rule.tags_all", "the engine sets it, here as everywhere: default tags alone may change it"),
    ("aws_vpc_security_group_ingress_rule.tags_all", "the engine sets it, here as everywhere: default tags alone may change it"),
    ("aws_route53_record.geoproximity_routing_policy.coordinates", "Route 53 takes one pair, and a second is told before the call"),
];

/// Of data sources.
pub const DATA: &[Exception] = &[
    ("aws_instance.password_data", "a password is never shown, though the provider shows it"),
    ("*.timeouts", "one read is one call, whose time is bounded by the client"),
];

/// Of `provider.aws`.
pub const CONFIG: &[Exception] = &[
    ("provider.aws.access_key", "never shown"),
    ("provider.aws.secret_key", "never shown"),
    ("provider.aws.token", "never shown"),
    ("provider.aws.assume_role", "a second one would have no meaning, and is told"),
    ("provider.aws.default_tags", "a second one would have no meaning, and is told"),
    ("provider.aws.ignore_tags", "a second one would have no meaning, and is told"),
    ("provider.aws.assume_role.source_identity", "not built yet: the chain's own provider of credentials does not take it"),
    ("provider.aws.assume_role.tags", "not built yet: the chain's own provider of credentials does not take them"),
    ("provider.aws.assume_role.transitive_tag_keys", "not built yet: the chain's own provider of credentials does not take them"),
    ("provider.aws.assume_role_with_web_identity", "not built yet: the environment's own (AWS_WEB_IDENTITY_TOKEN_FILE) is used"),
    ("provider.aws.custom_ca_bundle", "not built yet"),
    ("provider.aws.ec2_metadata_service_endpoint", "not built yet: the environment's own (AWS_EC2_METADATA_SERVICE_ENDPOINT) is used"),
    (
        "provider.aws.ec2_metadata_service_endpoint_mode",
        "not built yet: the environment's own (AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE) is used",
    ),
    ("provider.aws.http_proxy", "not built yet"),
    ("provider.aws.https_proxy", "not built yet"),
    ("provider.aws.no_proxy", "not built yet"),
    ("provider.aws.insecure", "not built: a certificate that is not looked at is none"),
    ("provider.aws.retry_mode", "the engine's own pace is adaptive in any case"),
    ("provider.aws.s3_us_east_1_regional_endpoint", "the oldest region has its own endpoint, as every other"),
    ("provider.aws.token_bucket_rate_limiter_capacity", "the engine keeps its own pace"),
    ("provider.aws.endpoints.*", "of services of which no type is there yet"),
];
