//! Policies of buckets.

use std::time::Duration;

use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::policy::too_long;
use crate::aws::types::Policy;
use crate::aws::{Aws, each};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{After, Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

const ABORTED: [Retry; 2] = unsettled("PutBucketPolicy");

crate::blocks! {
    /// Who may do what with a bucket and with what is in it.
    pub struct BucketPolicy {
        /// The bucket.
        #[attr(force_new, refers("aws_s3_bucket.id"))]
        bucket: String,
        /// The policy.
        policy: Policy,
    }
}

impl Resource for BucketPolicy {
    const TYPE: &'static str = "aws_s3_bucket_policy";
    const UPSERTS: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("bucket");
    const AFTER: &'static [After] = &[After { kind: "aws_s3_bucket_public_access_block", through: "aws_s3_bucket" }];
    const RETRY: &'static [Retry] = &[
        ABORTED[0],
        ABORTED[1],
        // A role that was just made is not known everywhere.
        Retry {
            operation: "PutBucketPolicy",
            code: "MalformedPolicy",
            message: "Invalid principal in policy",
            within: Duration::from_secs(60),
        },
        // A block that was just lifted may hold for a moment.
        Retry { operation: "PutBucketPolicy", code: "AccessDenied", message: "BlockPublicPolicy", within: Duration::from_secs(20) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_policy.example]
bucket = "${aws_s3_bucket.data.id}"
policy = '''
{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",
"Resource":["${aws_s3_bucket.data.arn}","${aws_s3_bucket.data.arn}/*"],
"Condition":{"Bool":{"aws:SecureTransport":"false"}}}]}
'''
---
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_policy.example]
bucket = "${aws_s3_bucket.data.id}"
policy = '''
{"Version":"2012-10-17","Statement":[{"Sid":"TlsOnly","Effect":"Deny","Principal":"*","Action":"s3:*",
"Resource":["${aws_s3_bucket.data.arn}","${aws_s3_bucket.data.arn}/*"],
"Condition":{"Bool":{"aws:SecureTransport":"false"}}},
{"Sid":"Read","Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"s3:GetObject","Resource":"${aws_s3_bucket.data.arn}/*"}]}
'''
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        too_long(given.attr("policy"), "policy", 20 * 1024, "the policy of a bucket").into_iter().collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx).await?;
        Ok(self.bucket.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(policy(cx.cloud, &self.bucket).await?.map(|_| self.bucket.clone()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = policy(cx.cloud, &k.id).await?;
            Ok(found.map(|policy| Live { id: k.id.clone(), value: Self { bucket: k.id.clone(), policy: Policy(policy) } }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let _turn = turn(cx.cloud, &live.id).await?;
        cx.cloud.s3.delete_bucket_policy().bucket(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given).map(|id| Place::parse(&id).bucket)
    }
}

impl BucketPolicy {
    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let _turn = turn(cx.cloud, &self.bucket).await?;
        let put = cx.cloud.s3.put_bucket_policy().bucket(&self.bucket).policy(&self.policy.0).send().await;
        put.map(drop).map_err(|error| opened(error.into()))
    }
}

fn opened(failure: Failure) -> Failure {
    if failure.cause == Cause::Denied && failure.message.contains("BlockPublicPolicy") {
        return failure.help(
            "the policy opens the bucket to the world, which its public access block refuses: name who may enter, or set \
             `block_public_policy = false` in an `aws_s3_bucket_public_access_block`",
        );
    }
    failure
}

/// The policy that the bucket has, if it has one.
async fn policy(aws: &Aws, bucket: &str) -> Outcome<Option<String>> {
    let found = absent(aws.s3.get_bucket_policy().bucket(bucket).send().await.map_err(Into::into))?;
    Ok(found.and_then(|f| f.policy).filter(|p| !p.is_empty()))
}
