//! What keeps buckets from being opened to the world.

use aws_sdk_s3::types::PublicAccessBlockConfiguration;

use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry};

crate::blocks! {
    /// What keeps a bucket from being opened to the world. A new bucket has all of it, and loses it when this is removed.
    pub struct PublicAccessBlock {
        /// Refuse access control lists that open it.
        #[attr(default_bool(false))]
        block_public_acls: Option<bool>,
        /// Refuse policies that open it.
        #[attr(default_bool(false))]
        block_public_policy: Option<bool>,
        /// The bucket.
        #[attr(force_new, refers("aws_s3_bucket.id"))]
        bucket: String,
        /// Pass over access control lists that open it.
        #[attr(default_bool(false))]
        ignore_public_acls: Option<bool>,
        /// Let nobody but this account and services of AWS in, whatever its policy says.
        #[attr(default_bool(false))]
        restrict_public_buckets: Option<bool>,
    }
}

impl Resource for PublicAccessBlock {
    const TYPE: &'static str = "aws_s3_bucket_public_access_block";
    const RETRY: &'static [Retry] = &unsettled("PutPublicAccessBlock");
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_public_access_block.example]
bucket = "${aws_s3_bucket.data.id}"
---
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_public_access_block.example]
bucket = "${aws_s3_bucket.data.id}"
block_public_acls = true
block_public_policy = true
ignore_public_acls = true
restrict_public_buckets = true
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx).await?;
        Ok(self.bucket.clone())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = absent(cx.cloud.s3.get_public_access_block().bucket(&k.id).send().await.map_err(Into::into))?;
            let Some(found) = found.and_then(|f| f.public_access_block_configuration) else { return Ok(None) };
            let value = Self {
                block_public_acls: found.block_public_acls,
                block_public_policy: found.block_public_policy,
                bucket: k.id.clone(),
                ignore_public_acls: found.ignore_public_acls,
                restrict_public_buckets: found.restrict_public_buckets,
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let _turn = turn(cx.cloud, &live.id).await?;
        cx.cloud.s3.delete_public_access_block().bucket(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given).map(|id| Place::parse(&id).bucket)
    }
}

impl PublicAccessBlock {
    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let all = PublicAccessBlockConfiguration::builder()
            .block_public_acls(self.block_public_acls == Some(true))
            .block_public_policy(self.block_public_policy == Some(true))
            .ignore_public_acls(self.ignore_public_acls == Some(true))
            .restrict_public_buckets(self.restrict_public_buckets == Some(true))
            .build();
        let _turn = turn(cx.cloud, &self.bucket).await?;
        cx.cloud.s3.put_public_access_block().bucket(&self.bucket).public_access_block_configuration(all).send().await?;
        Ok(())
    }
}
