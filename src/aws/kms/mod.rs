//! KMS.

use std::sync::Arc;

use aws_sdk_kms::types::AliasListEntry;

use super::Aws;
use crate::words::failure::Outcome;
use crate::words::resource::Cx;

pub mod alias;
pub mod key;

crate::text!(
    /// A key: its id or its ARN, which mean the same.
    pub KmsKey, "KMS key", |s| Ok(s.to_owned()), |a, b| a == b || (one_is_bare(a, b) && id(a) == id(b))
);

/// The id in the ARN of a key; any other text is itself.
fn id(key: &str) -> &str {
    key.split_once(":key/").map_or(key, |(_, id)| id)
}

/// Two ARNs with one id are of two regions.
fn one_is_bare(a: &str, b: &str) -> bool {
    !(a.starts_with("arn:") && b.starts_with("arn:"))
}

/// All aliases.
async fn aliases(cx: &Cx<'_, Aws>) -> Outcome<Arc<Vec<AliasListEntry>>> {
    let fetch = || async { Ok(cx.cloud.kms.list_aliases().into_paginator().items().send().try_collect().await?) };
    cx.reads.once("kms:aliases", fetch).await
}

/// Whether AWS made an alias, and the key that it stands for.
fn of_aws(alias: &AliasListEntry) -> bool {
    alias.alias_name().is_some_and(|name| name.starts_with("alias/aws/"))
}

#[cfg(test)]
mod tests {
    use super::KmsKey;
    use crate::words::schema::{Field, Kind};

    #[test]
    fn an_id_and_its_arn_are_one_key() {
        let Kind::Text(format) = KmsKey::KIND else { panic!("a key is a text") };
        let arn = "arn:aws:kms:us-east-1:123456789012:key/mrk-1";
        assert!((format.same)("mrk-1", arn) && (format.same)(arn, arn));
        assert!(!(format.same)("mrk-2", arn) && !(format.same)(arn, &arn.replace("east", "west")));
        assert!(!(format.same)("alias/mrk-1", arn));
    }
}
