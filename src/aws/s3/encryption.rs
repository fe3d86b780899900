//! How buckets encrypt what is put into them.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{ServerSideEncryption, ServerSideEncryptionByDefault, ServerSideEncryptionConfiguration, ServerSideEncryptionRule};

use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::kms::KmsKey;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

crate::blocks! {
    /// How a bucket encrypts objects that come without a wish of their own. Without it they are encrypted with keys of S3.
    pub struct BucketEncryption {
        /// The bucket.
        #[attr(force_new, within(1, 63), refers("aws_s3_bucket.id"))]
        bucket: String,
        /// The account that the bucket has to belong to.
        #[attr(force_new)]
        expected_bucket_owner: Option<String>,
        /// The way; S3 takes one.
        #[attr(required)]
        rule: BTreeSet<EncryptionRule>,
    }

    /// A way of encryption.
    pub struct EncryptionRule {
        /// What objects are encrypted with.
        apply_server_side_encryption_by_default: Option<EncryptionByDefault>,
        /// Whether the bucket has a key of its own, made of that of KMS, so that KMS is asked and paid less often.
        bucket_key_enabled: Option<bool>,
    }

    /// What objects are encrypted with.
    pub struct EncryptionByDefault {
        /// The key; the account's own for S3 if none is given.
        #[attr(refers("aws_kms_key.arn"))]
        kms_master_key_id: Option<KmsKey>,
        /// With keys of S3 (`AES256`), with one of KMS, or twice with one of KMS.
        #[attr(one_of(&["AES256", "aws:kms", "aws:kms:dsse"]))]
        sse_algorithm: String,
    }
}

impl Resource for BucketEncryption {
    const TYPE: &'static str = "aws_s3_bucket_server_side_encryption_configuration";
    const RETRY: &'static [Retry] = &unsettled("PutBucketEncryption");
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_kms_key.data]
deletion_window_in_days = 7

[resource.aws_s3_bucket_server_side_encryption_configuration.example]
bucket = "${aws_s3_bucket.data.id}"
rule = [{ apply_server_side_encryption_by_default = { sse_algorithm = "AES256" } }]
---
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_kms_key.data]
deletion_window_in_days = 7

[resource.aws_s3_bucket_server_side_encryption_configuration.example]
bucket = "${aws_s3_bucket.data.id}"

[[resource.aws_s3_bucket_server_side_encryption_configuration.example.rule]]
apply_server_side_encryption_by_default = { sse_algorithm = "aws:kms", kms_master_key_id = "${aws_kms_key.data.arn}" }
bucket_key_enabled = true
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let rules = given.attr("rule").items();
        let mut problems = vec![];
        if rules.len() > 1 {
            problems.push(Problem::new("rule", "a bucket has one way of encryption"));
        }
        for (i, rule) in rules.iter().enumerate() {
            let default = rule.attr("apply_server_side_encryption_by_default");
            let Some(default) = default.items().first() else { continue };
            let key = default.attr("kms_master_key_id");
            if default.attr("sse_algorithm").as_str() == Some("AES256") && !key.is_unknown() && !key.is_empty() {
                let path = format!("rule.{i}.apply_server_side_encryption_by_default.0.kms_master_key_id");
                problems.push(Problem::new(path, "`AES256` is encryption with keys of S3: a key of KMS goes with `aws:kms`"));
            }
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx).await?;
        Ok(self.place().id())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let Place { bucket, owner } = Place::parse(&k.id);
            let call = cx.cloud.s3.get_bucket_encryption().bucket(&bucket).set_expected_bucket_owner(owner.clone());
            let found = absent(call.send().await.map_err(Into::into))?;
            let Some(found) = found.and_then(|f| f.server_side_encryption_configuration) else { return Ok(None) };
            let value = Self { bucket, expected_bucket_owner: owner, rule: found.rules.into_iter().map(rule).collect() };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    /// Objects are encrypted with keys of S3 then: without encryption there are none any more.
    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Place { bucket, owner } = Place::parse(&live.id);
        let _turn = turn(cx.cloud, &bucket).await?;
        cx.cloud.s3.delete_bucket_encryption().bucket(bucket).set_expected_bucket_owner(owner).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given)
    }
}

impl BucketEncryption {
    fn place(&self) -> Place {
        Place::of(&self.bucket, self.expected_bucket_owner.as_ref())
    }

    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let rules = self.rule.iter().map(EncryptionRule::sent).collect::<Outcome<Vec<_>>>()?;
        let all = ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build()?;
        let Place { bucket, owner } = self.place();
        let _turn = turn(cx.cloud, &bucket).await?;
        let call = cx.cloud.s3.put_bucket_encryption().bucket(bucket).set_expected_bucket_owner(owner);
        call.server_side_encryption_configuration(all).send().await?;
        Ok(())
    }
}

impl EncryptionRule {
    fn sent(&self) -> Outcome<ServerSideEncryptionRule> {
        let by = self.apply_server_side_encryption_by_default.as_ref().map(|by| {
            let key = by.kms_master_key_id.as_ref().map(|k| k.0.clone()).filter(|k| !k.is_empty());
            let algorithm = ServerSideEncryption::from(by.sse_algorithm.as_str());
            ServerSideEncryptionByDefault::builder().sse_algorithm(algorithm).set_kms_master_key_id(key).build()
        });
        let rule = ServerSideEncryptionRule::builder().set_apply_server_side_encryption_by_default(by.transpose()?);
        Ok(rule.set_bucket_key_enabled(self.bucket_key_enabled).build())
    }
}

fn rule(rule: ServerSideEncryptionRule) -> EncryptionRule {
    EncryptionRule {
        bucket_key_enabled: rule.bucket_key_enabled,
        apply_server_side_encryption_by_default: rule.apply_server_side_encryption_by_default.map(|by| EncryptionByDefault {
            sse_algorithm: by.sse_algorithm.as_str().to_owned(),
            kms_master_key_id: by.kms_master_key_id.map(KmsKey),
        }),
    }
}
