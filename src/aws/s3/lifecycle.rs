//! What becomes of objects as they grow old.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{BucketLifecycleConfiguration, LifecycleRule, TransitionDefaultMinimumObjectSize};

use super::lifecycle_rules::{Midnight, as_written, checked, rule, sent};
use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{After, Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::schema::Field;
use crate::words::value::Value;

crate::blocks! {
    /// What becomes of the objects of a bucket as they grow old: all rules there are, in no order.
    pub struct BucketLifecycle {
        /// The bucket.
        #[attr(force_new, within(1, 63), refers("aws_s3_bucket.id"))]
        bucket: String,
        /// The account that the bucket has to belong to.
        #[attr(chosen, force_new)]
        expected_bucket_owner: Option<String>,
        /// The rules.
        rule: Vec<Rule>,
        /// Which objects are too small to be moved, where a rule doesn't say so.
        #[attr(chosen, one_of(&["all_storage_classes_128K", "varies_by_storage_class"]))]
        transition_default_minimum_object_size: Option<String>,
    }

    /// A rule.
    pub struct Rule {
        /// When the parts of an upload that was never finished are deleted.
        abort_incomplete_multipart_upload: Option<AbortUpload>,
        /// When objects are deleted.
        expiration: Option<Expiration>,
        /// Which objects it is for; all if there is none.
        filter: Option<Filter>,
        /// Its name.
        #[attr(within(1, 255))]
        id: String,
        /// When versions that were replaced are deleted.
        noncurrent_version_expiration: Option<NoncurrentExpiration>,
        /// When versions that were replaced are moved.
        noncurrent_version_transition: BTreeSet<NoncurrentTransition>,
        /// How the names of its objects begin.
        #[attr(deprecated("filter"))]
        prefix: Option<String>,
        /// Whether it is followed.
        #[attr(one_of(&["Enabled", "Disabled"]))]
        status: String,
        /// When objects are moved.
        transition: BTreeSet<Transition>,
    }

    /// When the parts of an upload that was never finished are deleted.
    pub struct AbortUpload {
        /// So many days after its beginning.
        #[attr(within(1, i64::MAX))]
        days_after_initiation: Option<i64>,
    }

    /// When objects are deleted.
    pub struct Expiration {
        /// On that day, a midnight in UTC.
        date: Option<Midnight>,
        /// When they are so many days old.
        days: Option<i64>,
        /// Delete the mark of a deleted object that has no version left.
        expired_object_delete_marker: Option<bool>,
    }

    /// Which objects a rule is for: those with one of these, or with all that `and` names.
    pub struct Filter {
        /// All of these.
        and: Option<And>,
        /// Larger than so many bytes.
        object_size_greater_than: Option<i64>,
        /// Smaller than so many bytes.
        object_size_less_than: Option<i64>,
        /// How their names begin.
        prefix: Option<String>,
        /// A tag that they have.
        tag: Option<FilterTag>,
    }

    /// What objects have to have, all of it.
    pub struct And {
        /// Larger than so many bytes.
        object_size_greater_than: Option<i64>,
        /// Smaller than so many bytes.
        object_size_less_than: Option<i64>,
        /// How their names begin.
        prefix: Option<String>,
        /// Tags that they have.
        tags: Tags,
    }

    /// A tag.
    pub struct FilterTag {
        /// Its key.
        key: String,
        /// Its value.
        value: String,
    }

    /// When versions that were replaced are deleted.
    pub struct NoncurrentExpiration {
        /// How many of the newest are kept all the same.
        newer_noncurrent_versions: Option<i64>,
        /// So many days after they were replaced.
        #[attr(within(1, i64::MAX))]
        noncurrent_days: i64,
    }

    /// When versions that were replaced are moved.
    pub struct NoncurrentTransition {
        /// How many of the newest stay all the same.
        newer_noncurrent_versions: Option<i64>,
        /// So many days after they were replaced.
        #[attr(within(0, i64::MAX))]
        noncurrent_days: i64,
        /// Where they are moved to.
        #[attr(one_of(&["GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"]))]
        storage_class: String,
    }

    /// When objects are moved.
    pub struct Transition {
        /// On that day, a midnight in UTC.
        date: Option<Midnight>,
        /// When they are so many days old.
        #[attr(within(0, i64::MAX))]
        days: Option<i64>,
        /// Where they are moved to.
        #[attr(one_of(&["GLACIER", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "DEEP_ARCHIVE", "GLACIER_IR"]))]
        storage_class: String,
    }
}

impl Resource for BucketLifecycle {
    const TYPE: &'static str = "aws_s3_bucket_lifecycle_configuration";
    const SCHEMA_VERSION: u64 = 1;
    const UPSERTS: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("bucket");
    // Rules about versions that were replaced mean something only where versions are kept.
    const AFTER: &'static [After] = &[After { kind: "aws_s3_bucket_versioning", through: "aws_s3_bucket" }];
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "3m"), ("update", "3m")];
    const RETRY: &'static [Retry] = &unsettled("PutBucketLifecycleConfiguration");
    const EXAMPLE: &'static str = include_str!("lifecycle_example.toml");
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        checked(given)
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx).await?;
        Ok(self.place().id())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(rules(cx.cloud, &self.place()).await?.map(|_| self.place().id()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let place = Place::parse(&k.id);
            let Some((rules, least)) = rules(cx.cloud, &place).await? else { return Ok(None) };
            let prior = k.prior.as_ref().map(|p| p.rule.as_slice()).unwrap_or_default();
            let value = Self {
                bucket: place.bucket,
                expected_bucket_owner: place.owner,
                rule: as_written(rules.into_iter().map(rule).collect(), prior),
                transition_default_minimum_object_size: least,
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Place { bucket, owner } = Place::parse(&live.id);
        let _turn = turn(cx.cloud, &bucket).await?;
        cx.cloud.s3.delete_bucket_lifecycle().bucket(bucket).set_expected_bucket_owner(owner).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given)
    }

    fn adopt(live: Value, given: &Value) -> Value {
        match (Self::take(&live), Vec::<Rule>::take(given.attr("rule"))) {
            (Ok(found), Ok(written)) => live.with("rule", as_written(found.rule, &written).give()),
            _ => live,
        }
    }
}

impl BucketLifecycle {
    fn place(&self) -> Place {
        Place::of(&self.bucket, self.expected_bucket_owner.as_ref())
    }

    /// The call takes all rules there are.
    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let rules = self.rule.iter().map(sent).collect::<Outcome<Vec<LifecycleRule>>>()?;
        let all = BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build()?;
        let least = self.transition_default_minimum_object_size.as_deref().filter(|l| !l.is_empty());
        let Place { bucket, owner } = self.place();
        let _turn = turn(cx.cloud, &bucket).await?;
        let call = cx.cloud.s3.put_bucket_lifecycle_configuration().bucket(bucket).set_expected_bucket_owner(owner);
        let call = call.set_transition_default_minimum_object_size(least.map(TransitionDefaultMinimumObjectSize::from));
        call.lifecycle_configuration(all).send().await?;
        Ok(())
    }
}

/// The rules of the bucket and what is too small for them; none where there are none.
async fn rules(aws: &Aws, place: &Place) -> Outcome<Option<(Vec<LifecycleRule>, Option<String>)>> {
    let call = aws.s3.get_bucket_lifecycle_configuration().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
    let Some(found) = absent(call.send().await.map_err(Into::into))? else { return Ok(None) };
    let least = found.transition_default_minimum_object_size().map(|l| l.as_str().to_owned());
    Ok(found.rules.filter(|rules| !rules.is_empty()).map(|rules| (rules, least)))
}
