//! Elastic Load Balancing: Application, Network and Gateway Load Balancers.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_elasticloadbalancingv2::types::Tag;

use super::client::Aws;
use super::error::absent;
use super::tags::delta;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Fut, Id, Tags};

pub mod action;
pub mod attachment;
pub mod condition;
pub mod lb;
pub mod lb_attributes;
pub mod lb_data;
pub mod listener;
pub mod listener_attributes;
pub mod listener_certificate;
pub mod priorities;
pub mod rule;
pub mod target_group;
pub mod target_group_attributes;

/// How many ARNs one call describes, and of how many it tells the tags.
const PAGE: usize = 20;

/// Settings that AWS keeps as pairs of texts, by key.
pub type Settings = BTreeMap<String, String>;

/// Those of the ARNs that exist. One that is missing fails the call for all: then each half is asked for by itself.
fn described<'a, T, F>(arns: Vec<Id>, call: &'a (impl Fn(Vec<Id>) -> F + Sync)) -> Fut<'a, Outcome<Vec<T>>>
where
    T: Send + 'a,
    F: Future<Output = Outcome<Vec<T>>> + Send + 'a,
{
    Box::pin(async move {
        let mut found = vec![];
        for page in arns.chunks(PAGE) {
            match absent(call(page.to_vec()).await)? {
                Some(some) => found.extend(some),
                None if page.len() > 1 => {
                    let (one, other) = page.split_at(page.len() / 2);
                    found.extend(described(one.to_vec(), call).await?);
                    found.extend(described(other.to_vec(), call).await?);
                }
                None => {}
            }
        }
        Ok(found)
    })
}

/// The tags of those ARNs, all of which exist.
async fn tags_of(aws: &Aws, arns: &[Id]) -> Outcome<HashMap<Id, Tags>> {
    let call = |arns: Vec<Id>| async move {
        let answer = aws.elb.describe_tags().set_resource_arns(Some(arns)).send().await?;
        Ok(answer.tag_descriptions.unwrap_or_default())
    };
    let found = described(arns.to_vec(), &call).await?;
    let own = |tags: Vec<Tag>| {
        let tags = tags.into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default())));
        tags.filter(|(key, _)| !key.starts_with("aws:")).collect()
    };
    Ok(found.into_iter().filter_map(|d| Some((d.resource_arn?, own(d.tags.unwrap_or_default())))).collect())
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect())
}

/// Changes the tags of one thing from `old` to `new`.
async fn retag(aws: &Aws, arn: &str, old: &Tags, new: &Tags) -> Outcome<()> {
    let (gone, set) = delta(old, new);
    if !gone.is_empty() {
        aws.elb.remove_tags().resource_arns(arn).set_tag_keys(Some(gone)).send().await?;
    }
    if let Some(set) = tagged(&set) {
        aws.elb.add_tags().resource_arns(arn).set_tags(Some(set)).send().await?;
    }
    Ok(())
}

/// What stands behind `:loadbalancer/` or in place of it: the name by which CloudWatch knows the thing.
fn suffix(arn: &str) -> Option<String> {
    let resource = arn.splitn(6, ':').nth(5)?;
    Some(resource.strip_prefix("loadbalancer/").unwrap_or(resource).to_owned())
}

/// An ARN given for an import, where it is one of that kind: `listener/`.
fn arn_of_kind(given: &str, kind: &str, what: &str) -> Outcome<Id> {
    let parts: Vec<&str> = given.splitn(6, ':').collect();
    match parts.as_slice() {
        ["arn", _, "elasticloadbalancing", _, _, resource] if resource.starts_with(kind) => Ok(given.to_owned()),
        _ => Err(Failure::other(format!("`{given}` is not the ARN of {what}"))
            .help(format!("write it like `arn:aws:elasticloadbalancing:us-east-1:123456789012:{kind}...`"))),
    }
}

/// A text that says something.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// A number for a call.
fn int(n: Option<i64>) -> Option<i32> {
    n.and_then(|n| i32::try_from(n).ok())
}

/// What of the wanted settings is no setting yet.
fn unset(want: &Settings, have: &Settings) -> Settings {
    want.iter().filter(|(key, value)| have.get(*key) != Some(value)).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// What is wrong with the name of a load balancer or target group.
fn bad_name(given: &crate::words::Value) -> Option<crate::words::resource::Problem> {
    let name = given.attr("name").as_str().filter(|n| !n.is_empty())?;
    let why = if !name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        "has letters, digits and hyphens alone"
    } else if name.starts_with('-') || name.ends_with('-') {
        "neither begins nor ends with a hyphen"
    } else {
        return None;
    };
    Some(crate::words::resource::Problem::new("name", format!("such a name {why}, which `{name}` does not heed")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::failure::Cause;

    #[tokio::test]
    async fn a_missing_one_does_not_hide_the_others() {
        let arns: Vec<Id> = (0..50).map(|n| n.to_string()).collect();
        let call = |asked: Vec<Id>| async move {
            assert!(asked.len() <= PAGE);
            match asked.iter().find(|a| *a == "7" || *a == "33") {
                Some(_) => Err(Failure::other("one is missing").because(Cause::Gone)),
                None => Ok(asked),
            }
        };
        let mut found = described(arns, &call).await.unwrap();
        found.sort_by_key(|n| n.parse::<u32>().unwrap());
        let wanted: Vec<Id> = (0..50).filter(|n| ![7, 33].contains(n)).map(|n| n.to_string()).collect();
        assert_eq!(found, wanted);
    }

    #[test]
    fn metrics_know_it_by_the_end_of_its_arn() {
        let arn = |rest: &str| format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:{rest}");
        assert_eq!(suffix(&arn("loadbalancer/app/web/50dc6c495c0c9188")).as_deref(), Some("app/web/50dc6c495c0c9188"));
        assert_eq!(suffix(&arn("targetgroup/web/73e2d6bc24d8a067")).as_deref(), Some("targetgroup/web/73e2d6bc24d8a067"));
    }
}
