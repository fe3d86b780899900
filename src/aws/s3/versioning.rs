//! Whether buckets keep the versions of their objects.

use aws_sdk_s3::types::{BucketVersioningStatus, MfaDelete, VersioningConfiguration as Versioning};

use super::{Place, imported, turn, unsettled};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry};
use crate::words::value::Value;

crate::blocks! {
    /// Whether a bucket keeps the versions of its objects. Once it does, that can be suspended and no longer be switched off.
    pub struct BucketVersioning {
        /// The bucket.
        #[attr(force_new, within(1, 63), refers("aws_s3_bucket.id"))]
        bucket: String,
        /// The account that the bucket has to belong to.
        #[attr(force_new)]
        expected_bucket_owner: Option<String>,
        /// The number of the MFA device, a space, and the code that it shows; needed to change `mfa_delete`.
        #[attr(local)]
        mfa: Option<String>,
        /// What is kept.
        #[attr(required)]
        versioning_configuration: Option<VersioningConfiguration>,
    }

    /// What is kept of an object that is changed or deleted.
    pub struct VersioningConfiguration {
        /// Whether it takes a code of the MFA device to delete a version.
        #[attr(chosen, one_of(&["Enabled", "Disabled"]))]
        mfa_delete: Option<String>,
        /// Whether versions are kept. `Disabled` is for a bucket that never kept any.
        #[attr(one_of(&["Enabled", "Suspended", "Disabled"]))]
        status: String,
    }
}

impl Resource for BucketVersioning {
    const TYPE: &'static str = "aws_s3_bucket_versioning";
    const RETRY: &'static [Retry] = &unsettled("PutBucketVersioning");
    const EXAMPLE: &'static str = r#"
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_versioning.example]
bucket = "${aws_s3_bucket.data.id}"
versioning_configuration = { status = "Enabled" }
---
[resource.aws_s3_bucket.data]
bucket_prefix = "data-"

[resource.aws_s3_bucket_versioning.example]
bucket = "${aws_s3_bucket.data.id}"
mfa = "arn:aws:iam::123456789012:mfa/admin 123456"
versioning_configuration = { status = "Suspended", mfa_delete = "Disabled" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        // A bucket that never kept versions can't be told that it does not.
        if self.wanted().is_some_and(|w| w.status != "Disabled") {
            self.put(cx).await?;
        }
        Ok(self.place().id())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let now = status(cx.cloud, &self.place()).await?;
        Ok(now.filter(|now| now.status != "Disabled").map(|_| self.place().id()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let place = Place::parse(&k.id);
            let Some(mut now) = status(cx.cloud, &place).await? else { return Ok(None) };
            let prior = k.prior.as_ref();
            let held = prior.and_then(|p| p.versioning_configuration.as_ref()).and_then(|v| v.mfa_delete.clone());
            // What was never set is not told, and means the same.
            now.mfa_delete = now.mfa_delete.or(held.filter(|held| held == "Disabled"));
            let value = Self {
                bucket: place.bucket,
                expected_bucket_owner: place.owner,
                mfa: prior.and_then(|p| p.mfa.clone()),
                versioning_configuration: Some(now),
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if live.value.wanted().is_none_or(|w| w.status != "Enabled") {
            return Ok(());
        }
        let suspended = VersioningConfiguration { mfa_delete: None, status: "Suspended".into() };
        Self { versioning_configuration: Some(suspended), ..live.value.clone() }.put(cx).await
    }

    fn plan(planned: &mut Planned<'_>) {
        let status = |value: &Value| value.attr("versioning_configuration").items().first().map(|v| v.attr("status").clone());
        let (was, wanted) = (planned.prior.and_then(status), status(planned.want));
        let (was, wanted) = (was.as_ref().and_then(Value::as_str), wanted.as_ref().and_then(Value::as_str));
        if let (Some(was @ ("Enabled" | "Suspended")), Some("Disabled")) = (was, wanted) {
            let why = format!("versioning is {was}, and can't be `Disabled` any more: suspend it with `status = \"Suspended\"`");
            planned.problems.push(Problem::new("versioning_configuration.status", why));
        }
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        imported(given)
    }
}

impl BucketVersioning {
    fn place(&self) -> Place {
        Place::of(&self.bucket, self.expected_bucket_owner.as_ref())
    }

    fn wanted(&self) -> Option<&VersioningConfiguration> {
        self.versioning_configuration.as_ref()
    }

    async fn put(&self, cx: &Cx<'_, Aws>) -> Outcome<()> {
        let (place, wanted) = (self.place(), self.wanted());
        let some = |text: Option<&String>| text.filter(|t| !t.is_empty()).cloned();
        let mfa = some(wanted.and_then(|w| w.mfa_delete.as_ref())).map(|m| MfaDelete::from(m.as_str()));
        let versioning = Versioning::builder().set_status(wanted.map(|w| BucketVersioningStatus::from(w.status.as_str())));
        let _turn = turn(cx.cloud, &place.bucket).await?;
        let call = cx.cloud.s3.put_bucket_versioning().bucket(place.bucket).set_expected_bucket_owner(place.owner);
        call.set_mfa(some(self.mfa.as_ref())).versioning_configuration(versioning.set_mfa_delete(mfa).build()).send().await?;
        Ok(())
    }
}

/// What is kept now; none where there is no such bucket.
async fn status(aws: &Aws, place: &Place) -> Outcome<Option<VersioningConfiguration>> {
    let call = aws.s3.get_bucket_versioning().bucket(&place.bucket).set_expected_bucket_owner(place.owner.clone());
    let found = absent(call.send().await.map_err(Into::into))?;
    Ok(found.map(|found| VersioningConfiguration {
        mfa_delete: found.mfa_delete().map(|m| m.as_str().to_owned()),
        status: found.status().map_or("Disabled", |s| s.as_str()).to_owned(),
    }))
}
