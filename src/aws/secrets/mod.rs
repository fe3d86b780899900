//! Secrets Manager. What a value is stands in no answer that a plan asks for: of a version only its stages can change.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use aws_sdk_secretsmanager::types::{ReplicationStatusType, Tag};
use aws_smithy_types::DateTime;

use super::client::Aws;
use super::error::absent;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Tags};

pub mod data_secret;
pub mod data_secret_version;
pub mod secret;
pub mod secret_version;

/// How many secrets are asked for, for each call that lists a hundred, at least, for listing to be worth it.
const WORTH: usize = 10;

/// What there is to be known of a secret but its value.
#[derive(Clone, Debug)]
struct Described {
    arn: String,
    name: Option<String>,
    description: Option<String>,
    kms_key_id: Option<String>,
    tags: Tags,
    /// The stages of each version that has any.
    stages: BTreeMap<String, BTreeSet<String>>,
    /// Not told by a list.
    replicas: Vec<ReplicationStatusType>,
    created: Option<DateTime>,
    changed: Option<DateTime>,
}

fn tags(tags: Option<Vec<Tag>>) -> Tags {
    let pairs = tags.unwrap_or_default().into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

fn stages(versions: Option<HashMap<String, Vec<String>>>) -> BTreeMap<String, BTreeSet<String>> {
    versions.unwrap_or_default().into_iter().map(|(version, stages)| (version, stages.into_iter().collect())).collect()
}

fn text(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.is_empty())
}

fn date(date: Option<&DateTime>) -> Option<String> {
    date?.fmt(aws_smithy_types::date_time::Format::DateTime).ok()
}

/// The secrets of the account, by ARN, if the sweep asks for so many that listing them costs fewer calls than asking for each; of
/// an account with many others the first pages. The list is late by up to five minutes: what differs has to be asked for.
async fn listed(cx: &Cx<'_, Aws>) -> Outcome<Arc<HashMap<String, Described>>> {
    cx.reads
        .once("secretsmanager:ListSecrets", || async {
            let asked = cx.reads.asked(&["aws_secretsmanager_secret", "aws_secretsmanager_secret_version"]);
            let asked: BTreeSet<String> = asked.map(|a| secret_of(&a.id).to_owned()).collect();
            let (mut found, mut next) = (HashMap::new(), None);
            for _ in 0..asked.len() / WORTH {
                let page = cx.cloud.secrets.list_secrets().max_results(100).set_next_token(next).send().await?;
                for entry in page.secret_list.unwrap_or_default().into_iter().filter(|s| s.deleted_date.is_none()) {
                    let Some(arn) = entry.arn else { continue };
                    let described = Described {
                        arn: arn.clone(),
                        name: entry.name,
                        description: text(entry.description),
                        kms_key_id: text(entry.kms_key_id),
                        tags: tags(entry.tags),
                        stages: stages(entry.secret_versions_to_stages),
                        replicas: vec![],
                        created: entry.created_date,
                        changed: entry.last_changed_date,
                    };
                    found.insert(arn, described);
                }
                next = page.next_token;
                if next.is_none() {
                    break;
                }
            }
            Ok(found)
        })
        .await
}

/// A secret by ARN or name; none where it does not exist or waits for its deletion.
async fn described(cx: &Cx<'_, Aws>, secret: &str) -> Outcome<Arc<Option<Described>>> {
    cx.reads.once(format!("secretsmanager:DescribeSecret:{secret}"), || describe(cx.cloud, secret)).await
}

async fn describe(aws: &Aws, secret: &str) -> Outcome<Option<Described>> {
    let found = absent(aws.secrets.describe_secret().secret_id(secret).send().await.map_err(Failure::from))?;
    let Some(found) = found.filter(|f| f.deleted_date.is_none()) else { return Ok(None) };
    Ok(Some(Described {
        arn: found.arn.unwrap_or_default(),
        name: found.name,
        description: text(found.description),
        kms_key_id: text(found.kms_key_id),
        tags: tags(found.tags),
        stages: stages(found.version_ids_to_stages),
        replicas: found.replication_status.unwrap_or_default(),
        created: found.created_date,
        changed: found.last_changed_date,
    }))
}

/// The policy of a secret; none where it has none.
async fn policy(aws: &Aws, secret: &str) -> Outcome<Option<String>> {
    let found = absent(aws.secrets.get_resource_policy().secret_id(secret).send().await.map_err(Failure::from))?;
    Ok(found.and_then(|f| text(f.resource_policy)))
}

/// The secret in the id of a secret or of a version of it.
fn secret_of(id: &str) -> &str {
    id.split('|').next().unwrap_or_default()
}

crate::text!(
    /// A secret by its ARN or its name.
    pub SecretRef, "name or ARN of a secret", |s| Ok(s.to_owned()), same_secret
);

/// Whether both name the same secret: an ARN ends in the name and seven characters of AWS's.
fn same_secret(a: &str, b: &str) -> bool {
    let name =
        |arn: &str| arn.split_once(":secret:").and_then(|(_, name)| Some(name.split_at_checked(name.len().checked_sub(7)?)?.0.to_owned()));
    match (name(a), name(b)) {
        (Some(a), None) => a == b,
        (None, Some(b)) => a == b,
        _ => a == b,
    }
}

#[cfg(test)]
mod tests {
    use super::same_secret;

    #[test]
    fn an_arn_names_a_secret_by_its_name() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:app/token-AbCdEf";
        assert!(same_secret(arn, "app/token"));
        assert!(!same_secret(arn, "app/other"));
        assert!(!same_secret(arn, &arn.replace("AbCdEf", "GhIjKl")), "a secret that was made again is another");
    }
}
