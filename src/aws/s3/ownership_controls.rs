//! Who owns objects that other accounts put into buckets.

use aws_sdk_s3::types::{ObjectOwnership, OwnershipControls as Controls, OwnershipControlsRule};

use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry};

crate::blocks! {
    /// Who owns what other accounts put into a bucket, and whether access control lists count. Of a new bucket the owner owns all.
    pub struct OwnershipControls {
        /// The bucket.
        #[attr(force_new, refers("aws_s3_bucket.id"))]
        bucket: String,
        /// The rule.
        #[attr(required)]
        rule: Option<OwnershipRule>,
    }

    /// Who owns objects.
    pub struct OwnershipRule {
        /// The bucket's owner, without access control lists; the bucket's owner where whoever puts an object there wants it; or
        /// whoever puts it there.
        #[attr(one_of(&["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"]))]
        object_ownership: String,
    }
}

impl Resource for OwnershipControls {
    const TYPE: &'static str = "aws_s3_bucket_ownership_controls";
    const RETRY: &'static [Retry] = &unsettled("PutBucketOwnershipControls");
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_ownership_controls.example]
bucket = "${aws_s3_bucket.data.id}"
rule = { object_ownership = "BucketOwnerPreferred" }
---
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_ownership_controls.example]
bucket = "${aws_s3_bucket.data.id}"
rule = { object_ownership = "BucketOwnerEnforced" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx).await?;
        Ok(self.bucket.clone())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = absent(cx.cloud.s3.get_bucket_ownership_controls().bucket(&k.id).send().await.map_err(Into::into))?;
            let Some(found) = found.and_then(|f| f.ownership_controls) else { return Ok(None) };
            let rule = found.rules.first().map(|rule| OwnershipRule { object_ownership: rule.object_ownership.as_str().to_owned() });
            Ok(Some(Live { id: k.id.clone(), value: Self { bucket: k.id.clone(), rule } }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let _turn = turn(cx.cloud, &live.id).await?;
        cx.cloud.s3.delete_bucket_ownership_controls().bucket(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given).map(|id| Place::parse(&id).bucket)
    }
}

impl OwnershipControls {
    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let rules = self
            .rule
            .iter()
            .map(|r| OwnershipControlsRule::builder().object_ownership(ObjectOwnership::from(r.object_ownership.as_str())).build());
        let all = Controls::builder().set_rules(Some(rules.collect::<Result<_, _>>()?)).build()?;
        let _turn = turn(cx.cloud, &self.bucket).await?;
        cx.cloud.s3.put_bucket_ownership_controls().bucket(&self.bucket).ownership_controls(all).send().await?;
        Ok(())
    }
}
