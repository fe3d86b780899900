//! `provider.aws`: which account and region, with whose credentials.

use std::collections::BTreeSet;

use crate::words::resource::Tags;

crate::blocks! {
    /// An account and region of AWS.
    pub struct Config {
        /// The region; otherwise that of the environment (`AWS_REGION`) or of the profile.
        region: Option<String>,
        /// The profile of the shared configuration files.
        profile: Option<String>,
        /// An access key id. Better left to the environment.
        #[attr(sensitive)]
        access_key: Option<String>,
        /// The secret access key. Better left to the environment.
        #[attr(sensitive)]
        secret_key: Option<String>,
        /// The session token of temporary credentials.
        #[attr(sensitive)]
        token: Option<String>,
        /// Shared configuration files, instead of `~/.aws/config`.
        shared_config_files: Vec<String>,
        /// Shared credentials files, instead of `~/.aws/credentials`.
        shared_credentials_files: Vec<String>,
        /// How often a call that only reads is tried.
        #[attr(default_int(25), within(0, 100))]
        max_retries: Option<i64>,
        /// The only accounts that this stack may touch.
        allowed_account_ids: BTreeSet<String>,
        /// Accounts that this stack must not touch.
        forbidden_account_ids: BTreeSet<String>,
        /// Use FIPS endpoints.
        use_fips_endpoint: Option<bool>,
        /// Use dual-stack endpoints.
        use_dualstack_endpoint: Option<bool>,
        /// Accepted for Terraform's sake; credentials are always looked at before the first call.
        skip_credentials_validation: Option<bool>,
        /// Accepted for Terraform's sake; the metadata service is asked last and not for long.
        skip_metadata_api_check: Option<String>,
        /// Accepted for Terraform's sake; regions are not checked against a list.
        skip_region_validation: Option<bool>,
        /// Accepted for Terraform's sake; the account is asked for in the same flight as everything else.
        skip_requesting_account_id: Option<bool>,
        /// The region for calls to STS.
        sts_region: Option<String>,
        /// Address objects of S3 by path.
        s3_use_path_style: Option<bool>,
        /// Tags for everything that can have tags.
        default_tags: Option<DefaultTags>,
        /// Tags that are none of ours: neither read nor removed.
        ignore_tags: Option<IgnoreTags>,
        /// A role to take on first.
        assume_role: Option<AssumeRole>,
        /// Endpoints instead of AWS's own, by service.
        endpoints: BTreeSet<Endpoints>,
    }

    /// Tags for everything that can have tags.
    pub struct DefaultTags {
        /// The tags.
        tags: Tags,
    }

    /// Tags that are none of ours.
    pub struct IgnoreTags {
        /// Their keys.
        keys: BTreeSet<String>,
        /// How their keys begin.
        key_prefixes: BTreeSet<String>,
    }

    /// A role to take on.
    pub struct AssumeRole {
        /// Its ARN.
        role_arn: Option<String>,
        /// The name of the session, seen in CloudTrail.
        session_name: Option<String>,
        /// The id that a third party's trust policy asks for.
        external_id: Option<String>,
        /// How long the session lasts, `1h`.
        duration: Option<String>,
        /// A policy that narrows the session.
        policy: Option<String>,
        /// Managed policies that narrow the session.
        policy_arns: BTreeSet<String>,
    }

    /// Endpoints by service.
    pub struct Endpoints {
        /// ACM.
        acm: Option<String>,
        /// Application Auto Scaling.
        applicationautoscaling: Option<String>,
        /// EC2 Auto Scaling.
        autoscaling: Option<String>,
        /// CloudTrail.
        cloudtrail: Option<String>,
        /// CloudWatch.
        cloudwatch: Option<String>,
        /// Data Lifecycle Manager.
        dlm: Option<String>,
        /// EC2.
        ec2: Option<String>,
        /// ECR.
        ecr: Option<String>,
        /// ECS.
        ecs: Option<String>,
        /// Elastic Load Balancing: Application, Network and Gateway Load Balancers.
        elbv2: Option<String>,
        /// EventBridge.
        eventbridge: Option<String>,
        /// IAM.
        iam: Option<String>,
        /// KMS.
        kms: Option<String>,
        /// CloudWatch Logs.
        logs: Option<String>,
        /// The tagging API.
        resourcegroupstaggingapi: Option<String>,
        /// Route 53.
        route53: Option<String>,
        /// S3.
        s3: Option<String>,
        /// Secrets Manager.
        secretsmanager: Option<String>,
        /// Service Quotas.
        servicequotas: Option<String>,
        /// SNS.
        sns: Option<String>,
        /// SSM.
        ssm: Option<String>,
        /// STS.
        sts: Option<String>,
    }
}
