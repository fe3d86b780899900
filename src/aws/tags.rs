//! Tags of the services whose reads don't answer them: asked for all at once through the tagging API.

use std::collections::HashMap;

use aws_sdk_resourcegroupstagging::types::TagFilter;
use futures::stream::{self, StreamExt, TryStreamExt};

use super::client::Aws;
use crate::words::failure::{Cause, Outcome};
use crate::words::resource::{Cloud, Cx, Tags};

/// The resource types whose tags are read here, so that one call serves them all.
const BY_ARN: &[&str] = &[
    "aws_acm_certificate",
    "aws_cloudwatch_event_rule",
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm",
    "aws_ecr_repository",
    "aws_ecs_task_definition",
    "aws_kms_key",
    "aws_s3_bucket",
    "aws_sns_topic",
    "aws_ssm_parameter",
];
/// How many ARNs one GetResources call takes.
const PAGE: usize = 100;

/// The tags of each of those ARNs; a resource without tags is left out. `one` is asked where the caller may not use the tagging
/// API, and for what was just made or changed: that API learns of changes late.
pub async fn of_arns<F>(cx: &Cx<'_, Aws>, arns: &[String], one: impl Fn(String) -> F + Send + Sync) -> Outcome<HashMap<String, Tags>>
where
    F: Future<Output = Outcome<Tags>> + Send,
{
    let known: Vec<String> = cx.reads.asked(BY_ARN).filter_map(|a| a.prior.attr("arn").as_str().map(str::to_owned)).collect();
    if known.len() <= 1 && arns.len() == 1 {
        return each(arns, one).await;
    }
    let shared = match cx.reads.once("tagging:GetResources", || by_arn(cx.cloud, known.clone())).await {
        Ok(shared) => shared,
        Err(failure) if failure.cause == Cause::Denied => return each(arns, one).await,
        Err(failure) => return Err(failure),
    };
    let more: Vec<String> = arns.iter().filter(|arn| !known.contains(arn)).cloned().collect();
    let more = each(&more, one).await?;
    let tags = |arn: &String| Some((arn.clone(), shared.get(arn).or_else(|| more.get(arn))?.clone()));
    Ok(arns.iter().filter_map(tags).collect())
}

async fn by_arn(aws: &Aws, arns: Vec<String>) -> Outcome<HashMap<String, Tags>> {
    let pages = arns.chunks(PAGE).map(<[String]>::to_vec).collect::<Vec<_>>();
    let found = stream::iter(pages).map(|page| async move {
        let mut pages = aws.tagging.get_resources().set_resource_arn_list(Some(page)).into_paginator().items().send();
        let mut found = vec![];
        while let Some(mapping) = pages.next().await {
            found.push(mapping?);
        }
        Outcome::Ok(found)
    });
    let found: Vec<Vec<_>> = found.buffer_unordered(8).try_collect().await?;
    let mapping = found.into_iter().flatten().filter_map(|m| {
        let tags = m.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect();
        Some((m.resource_arn?, tags))
    });
    Ok(mapping.collect())
}

/// The ARNs and tags of all things of a kind, `kms:key`, that have all of those tags, whatever others they have. Tags of AWS itself
/// and those that the configuration ignores are left out.
pub async fn with_tags(aws: &Aws, kind: &str, tags: &Tags) -> Outcome<HashMap<String, Tags>> {
    let filters = tags.iter().map(|(key, value)| TagFilter::builder().key(key).values(value).build()).collect();
    let call = aws.tagging.get_resources().resource_type_filters(kind).set_tag_filters(Some(filters));
    let mut pages = call.into_paginator().items().send();
    let mut found = HashMap::new();
    while let Some(mapping) = pages.next().await {
        let mapping = mapping?;
        let tags = mapping.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value));
        found.extend(mapping.resource_arn.map(|arn| (arn, tags.filter(|(key, _)| !aws.ignores_tag(key)).collect())));
    }
    Ok(found)
}

async fn each<F>(arns: &[String], one: impl Fn(String) -> F) -> Outcome<HashMap<String, Tags>>
where
    F: Future<Output = Outcome<Tags>>,
{
    stream::iter(arns.to_vec()).map(|arn| async { one(arn.clone()).await.map(|tags| (arn, tags)) }).buffer_unordered(8).try_collect().await
}

/// What to take away and what to set, to get from `old` to `new`.
#[must_use]
pub fn delta(old: &Tags, new: &Tags) -> (Vec<String>, Tags) {
    let gone = old.keys().filter(|k| !new.contains_key(*k)).cloned().collect();
    let set = new.iter().filter(|(k, v)| old.get(*k) != Some(v)).map(|(k, v)| (k.clone(), v.clone())).collect();
    (gone, set)
}
