//! Empties a bucket.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};

/// How many objects one call deletes.
const PAGE: i32 = 1000;

/// Deletes all versions of all objects in the bucket, and the marks of those that were deleted. Where objects are `locked`, those
/// whose lock a caller with the right may override go as well.
pub(super) async fn empty(aws: &Aws, bucket: &str, locked: bool) -> Outcome<()> {
    loop {
        let page = aws.s3.list_object_versions().bucket(bucket).max_keys(PAGE).send().await?;
        let versions = page.versions.unwrap_or_default().into_iter().map(|v| (v.key, v.version_id));
        let marks = page.delete_markers.unwrap_or_default().into_iter().map(|m| (m.key, m.version_id));
        let objects = versions.chain(marks).map(|(key, version)| ObjectIdentifier::builder().set_key(key).set_version_id(version).build());
        let objects = objects.collect::<Result<Vec<_>, _>>()?;
        if objects.is_empty() {
            return Ok(());
        }
        let delete = Delete::builder().set_objects(Some(objects)).quiet(true).build()?;
        let call = aws.s3.delete_objects().bucket(bucket).delete(delete);
        let refused = call.set_bypass_governance_retention(locked.then_some(true)).send().await?.errors.unwrap_or_default();
        if let Some(first) = refused.first() {
            let (key, code) = (first.key().unwrap_or_default(), first.code().unwrap_or_default());
            let message = first.message().unwrap_or_default();
            let failure = Failure::other(format!("{} objects can't be deleted, `{key}` first: {code}: {message}", refused.len()));
            return Err(if locked {
                failure.help("an object that is locked goes when its time is over, or when its legal hold is lifted")
            } else {
                failure
            });
        }
    }
}
