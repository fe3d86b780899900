//! Buckets.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_s3::error::SdkError;
use aws_sdk_s3::operation::head_bucket::HeadBucketError;
use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Tag, Tagging};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;

use super::empty::empty;
use super::{misnamed, turn};
use crate::aws::error::absent;
use crate::aws::tags::of_arns;
use crate::aws::wait::{Seen, until};
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cloud, Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

/// How many buckets are looked for one by one, before listing all that there are costs less.
const FEW: usize = 2;
/// How many one call lists.
const PAGE: i32 = 1000;
/// For how long a bucket that was emptied may still seem not to be.
const EMPTIED: Duration = Duration::from_secs(60);

crate::blocks! {
    /// Where objects are kept. Its settings are resources of their own, `aws_s3_bucket_versioning` and the like.
    pub struct Bucket {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its name, which no other bucket in the world has.
        #[attr(chosen, force_new, within(3, 63), conflicts(&["bucket_prefix"]))]
        bucket: Option<String>,
        /// Its DNS name.
        #[attr(computed)]
        bucket_domain_name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 37), conflicts(&["bucket"]))]
        bucket_prefix: Option<String>,
        /// Its DNS name with the region in it.
        #[attr(computed)]
        bucket_regional_domain_name: Option<String>,
        /// Delete all objects in it, and all their versions, when it is deleted.
        #[attr(local, default_bool(false))]
        force_destroy: Option<bool>,
        /// The zone that an alias record to a website in it names.
        #[attr(computed)]
        hosted_zone_id: Option<String>,
        /// Whether its objects can be kept from being changed or deleted. It is versioned then.
        #[attr(chosen, force_new)]
        object_lock_enabled: Option<bool>,
        /// The region that it is in.
        #[attr(computed)]
        region: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for Bucket {
    const TYPE: &'static str = "aws_s3_bucket";
    const KNOWN_BY: Option<&'static str> = Some("bucket");
    // In us-east-1 making one that is there already succeeds.
    const UPSERTS: bool = true;
    const BATCH: usize = 1000;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "20m"), ("read", "20m"), ("update", "20m"), ("delete", "60m")];
    const RETRY: &'static [Retry] = &[
        // A bucket of that name was just deleted.
        Retry { operation: "CreateBucket", code: "OperationAborted", message: "", within: Duration::from_secs(1200) },
        Retry { operation: "PutBucketTagging", code: "NoSuchBucket", message: "", within: Duration::from_secs(60) },
        Retry { operation: "DeleteBucketTagging", code: "NoSuchBucket", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.example]
bucket_prefix = "example-"
object_lock_enabled = true
tags = { team = "infra" }
---
[resource.aws_s3_bucket.example]
bucket_prefix = "example-"
object_lock_enabled = true
force_destroy = true
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        ["bucket", "bucket_prefix"].into_iter().filter_map(|attr| misnamed(attr, given.attr(attr))).collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let (name, region) = (self.named(cx), cx.cloud.region.as_str());
        // The oldest region has no name as a location.
        let place = (region != "us-east-1").then(|| BucketLocationConstraint::from(region));
        let place = place.map(|place| CreateBucketConfiguration::builder().location_constraint(place).build());
        let call = cx.cloud.s3.create_bucket().bucket(&name).set_create_bucket_configuration(place);
        let made = call.set_object_lock_enabled_for_bucket(self.object_lock_enabled.filter(|yes| *yes)).send().await;
        made.map(|_| name).map_err(|error| taken(error.into()))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let name = self.named(cx);
        match region_of(cx.cloud, &name).await {
            Ok(found) => Ok(found.map(|_| name)),
            // Somebody else's, or in another region: whoever makes it is told so.
            Err(failure) if failure.cause == Cause::Denied || failure.code == ELSEWHERE => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let (region, call) = (cx.cloud.region.as_str(), cx.cloud.s3.list_buckets());
        let found: Vec<_> = call.bucket_region(region).into_paginator().page_size(1000).items().send().try_collect().await?;
        let here = found.iter().filter(|b| b.bucket_region().is_none_or(|of| of == region));
        let listed: Vec<Listed> = here
            .filter_map(|b| Some(Listed::new(b.name()?).marked("arn", Some(format!("arn:{}:s3:::{}", cx.cloud.partition(), b.name()?)))))
            .collect();
        listing::with_tags(cx, listed).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let regions = regions(cx.cloud, known.iter().map(|k| k.id.as_str())).await?;
        let there: Vec<&Known<Self>> = known.iter().filter(|k| regions.contains_key(&k.id)).collect();
        let arns: Vec<String> = there.iter().map(|k| arn(cx.cloud, &k.id)).collect();
        let tags = of_arns(cx, &arns, |arn| async move { tags_of(cx.cloud, arn.rsplit(':').next().unwrap_or_default()).await });
        let locks = each(there, |k| async move {
            // Object lock is for good: one call is enough to know of it.
            let locked = match k.prior.as_ref().and_then(|p| p.object_lock_enabled) {
                Some(known) => known,
                None => locked(cx.cloud, &k.id).await?,
            };
            Ok(Some((k, locked)))
        });
        let (mut tags, locks) = futures::try_join!(tags, locks)?;
        let live = locks.into_iter().filter_map(|(k, locked)| {
            let (region, arn) = (regions.get(&k.id)?, arn(cx.cloud, &k.id));
            let mut tags_all = tags.remove(&arn).unwrap_or_default();
            tags_all.retain(|key, _| !key.starts_with("aws:"));
            let suffix = cx.cloud.dns_suffix();
            let value = Self {
                arn: Some(arn),
                bucket: Some(k.id.clone()),
                bucket_domain_name: Some(format!("{}.s3.{suffix}", k.id)),
                bucket_prefix: name::prefix_of(&k.id),
                bucket_regional_domain_name: Some(format!("{}.s3.{region}.{suffix}", k.id)),
                force_destroy: k.prior.as_ref().and_then(|p| p.force_destroy),
                hosted_zone_id: zone(region).map(str::to_owned),
                object_lock_enabled: Some(locked),
                region: Some(region.clone()),
                tags: Tags::new(),
                tags_all,
            };
            Some(Live { id: k.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if self.tags_all == live.value.tags_all {
            return Ok(());
        }
        let _turn = turn(cx.cloud, &live.id).await?;
        // The call sets all the tags that a bucket has: what is not ours to remove has to be among them.
        let mut all = tags_of(cx.cloud, &live.id).await?;
        all.retain(|key, _| cx.cloud.ignores_tag(key));
        all.extend(self.tags_all.clone());
        if all.is_empty() {
            cx.cloud.s3.delete_bucket_tagging().bucket(&live.id).send().await?;
            return Ok(());
        }
        let all: Vec<Tag> = all.into_iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
        let all = Tagging::builder().set_tag_set(Some(all)).build()?;
        cx.cloud.s3.put_bucket_tagging().bucket(&live.id).tagging(all).send().await?;
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (aws, bucket) = (cx.cloud, live.id.as_str());
        let _turn = turn(aws, bucket).await?;
        if live.value.force_destroy != Some(true) {
            let deleted = aws.s3.delete_bucket().bucket(bucket).send().await;
            return deleted.map(drop).map_err(|error| full(error.into()));
        }
        let locked = live.value.object_lock_enabled == Some(true);
        until(&format!("the bucket {bucket}"), "empty", EMPTIED, || async move {
            match aws.s3.delete_bucket().bucket(bucket).send().await.map_err(Failure::from) {
                Err(failure) if failure.code == "BucketNotEmpty" => {
                    empty(aws, bucket, locked).await?;
                    Ok(Seen::Not("not".into()))
                }
                deleted => deleted.map(|_| Seen::Done(())),
            }
        })
        .await
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        // The ARN names it as well.
        let name = given.rsplit_once(":::").map_or(given, |(_, name)| name);
        match misnamed("bucket", &Value::from(name)) {
            Some(problem) => Err(Failure::other(format!("`{given}` is not the name of a bucket: {}", problem.message))),
            None => Ok(name.to_owned()),
        }
    }
}

impl Bucket {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.bucket.as_deref(), self.bucket_prefix.as_deref(), cx.token)
    }
}

fn taken(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "BucketAlreadyExists" => {
            failure.help("the names of all buckets in the world differ, and somebody else has this one: choose another")
        }
        _ => failure,
    }
}

fn full(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "BucketNotEmpty" => failure.help("set `force_destroy = true` and apply, to delete its objects with it; or empty it first"),
        _ => failure,
    }
}

fn arn(aws: &Aws, bucket: &str) -> String {
    format!("arn:{}:s3:::{bucket}", aws.partition())
}

/// The code of a bucket that is in another region, as S3 has it where its answer has a body.
const ELSEWHERE: &str = "PermanentRedirect";

/// An answer to HEAD has no words: only the status tells what is wrong.
fn worded(error: SdkError<HeadBucketError, HttpResponse>) -> Failure {
    let status = error.raw_response().map_or(0, |r| r.status().as_u16());
    let at = error.raw_response().and_then(|r| r.headers().get("x-amz-bucket-region")).unwrap_or("another region").to_owned();
    let failure = Failure::from(error);
    match status {
        301 | 400 => Failure { code: ELSEWHERE.into(), message: format!("the bucket is in {at}"), ..failure }
            .because(Cause::Refused)
            .help("use a configuration of `provider.aws` with that region"),
        403 => Failure { message: "the bucket belongs to another account, or the caller may not see it".into(), ..failure }
            .because(Cause::Denied),
        _ => failure,
    }
}

/// The region of a bucket of this account; none where there is no such bucket.
async fn region_of(aws: &Aws, bucket: &str) -> Outcome<Option<String>> {
    let found = aws.s3.head_bucket().bucket(bucket).expected_bucket_owner(aws.account().await?).send().await;
    Ok(absent(found.map_err(worded))?.map(|found| found.bucket_region.unwrap_or_else(|| aws.region.clone())))
}

/// The regions of those of the buckets that exist.
async fn regions(aws: &Aws, buckets: impl Iterator<Item = &str>) -> Outcome<HashMap<String, String>> {
    let mut left: Vec<&str> = buckets.collect();
    let mut found = HashMap::new();
    if left.len() > FEW {
        found = match listed(aws).await {
            Err(failure) if failure.cause == Cause::Denied => found,
            listed => listed?,
        };
        left.retain(|name| !found.contains_key(*name));
    }
    // The list leaves out what another account owns, and what is very new.
    let one = |name: &str| {
        let name = name.to_owned();
        async move { Ok(region_of(aws, &name).await?.map(|region| (name, region))) }
    };
    found.extend(each(left, one).await?);
    Ok(found)
}

/// All buckets of the account, with their regions.
async fn listed(aws: &Aws) -> Outcome<HashMap<String, String>> {
    let mut pages = aws.s3.list_buckets().max_buckets(PAGE).into_paginator().send();
    let mut found = HashMap::new();
    while let Some(page) = pages.next().await {
        let buckets = page?.buckets.unwrap_or_default();
        found.extend(buckets.into_iter().filter_map(|b| Some((b.name?, b.bucket_region?))));
    }
    Ok(found)
}

async fn tags_of(aws: &Aws, bucket: &str) -> Outcome<Tags> {
    let found = absent(aws.s3.get_bucket_tagging().bucket(bucket).send().await.map_err(Into::into))?;
    Ok(found.into_iter().flat_map(|f| f.tag_set).map(|t| (t.key, t.value)).collect())
}

async fn locked(aws: &Aws, bucket: &str) -> Outcome<bool> {
    let found = absent(aws.s3.get_object_lock_configuration().bucket(bucket).send().await.map_err(Into::into))?;
    let lock = found.and_then(|f| f.object_lock_configuration).and_then(|c| c.object_lock_enabled);
    Ok(lock.is_some_and(|l| l.as_str() == "Enabled"))
}

/// The hosted zone of the websites of a region.
fn zone(region: &str) -> Option<&'static str> {
    ZONES.iter().find(|(name, _)| *name == region).map(|(_, zone)| *zone)
}

/// <https://docs.aws.amazon.com/general/latest/gr/s3.html#s3_website_region_endpoints>
const ZONES: &[(&str, &str)] = &[
    ("af-south-1", "Z83WF9RJE8B12"),
    ("ap-east-1", "ZNB98KWMFR0R6"),
    ("ap-northeast-1", "Z2M4EHUR26P7ZW"),
    ("ap-northeast-2", "Z3W03O7B5YMIYP"),
    ("ap-northeast-3", "Z2YQB5RD63NC85"),
    ("ap-south-1", "Z11RGJOFQNVJUP"),
    ("ap-south-2", "Z02976202B4EZMXIPMXF7"),
    ("ap-southeast-1", "Z3O0J2DXBE1FTB"),
    ("ap-southeast-2", "Z1WCIGYICN2BYD"),
    ("ap-southeast-3", "Z01846753K324LI26A3VV"),
    ("ap-southeast-4", "Z0312387243XT5FE14WFO"),
    ("ca-central-1", "Z1QDHH18159H29"),
    ("ca-west-1", "Z03565811Z33SLEZTHOUL"),
    ("cn-north-1", "Z5CN8UMXT92WN"),
    ("cn-northwest-1", "Z282HJ1KT0DH03"),
    ("eu-central-1", "Z21DNDUVLTQW6Q"),
    ("eu-central-2", "Z030506016YDQGETNASS"),
    ("eu-north-1", "Z3BAZG2TWCNX0D"),
    ("eu-south-1", "Z30OZKI7KPW7MI"),
    ("eu-south-2", "Z0081959F7139GRJC19J"),
    ("eu-west-1", "Z1BKCTXD74EZPE"),
    ("eu-west-2", "Z3GKZC51ZF0DB4"),
    ("eu-west-3", "Z3R1K369G5AVDG"),
    ("il-central-1", "Z09640613K4A3MN55U7GU"),
    ("me-central-1", "Z06143092I8HRXZRUZROF"),
    ("me-south-1", "Z1MPMWCPA7YB62"),
    ("sa-east-1", "Z7KQH4QJS55SO"),
    ("us-east-1", "Z3AQBSTGFYJSTF"),
    ("us-east-2", "Z2O1EMRO9K5GLX"),
    ("us-gov-east-1", "Z2NIFVYYW2VKV1"),
    ("us-gov-west-1", "Z31GFT0UA1I2HV"),
    ("us-west-1", "Z2F56UZL2M1ACD"),
    ("us-west-2", "Z3BJ6K6RIION7M"),
];
