//! ECS: clusters, what tasks are, and the services that keep them running.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ecs::types::Tag;
use serde_json::{Value as Json, json};

use super::client::Aws;
use super::tags::delta;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Retry, Tags};

pub mod capacity_provider;
pub mod cluster;
pub mod cluster_capacity_providers;
pub mod data_cluster;
pub mod service;
pub mod task_definition;
pub mod wire;

crate::text!(
    /// A cluster by its name or its ARN: both mean the same.
    pub ClusterRef, "name or ARN of a cluster", |s| Ok(s.to_owned()), |a, b| last(a) == last(b)
);

/// What follows the last slash: the name in an ARN.
fn last(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// Another change of the same cluster is under way.
const fn updating(operation: &'static str) -> Retry {
    Retry { operation, code: "UpdateInProgressException", message: "", within: Duration::from_secs(600) }
}

/// Tags as ECS answers them; those of AWS itself are left out.
fn tags(json: &Json) -> Tags {
    let pairs = wire::items(json).filter_map(|t| Some((t["key"].as_str()?.to_owned(), t["value"].as_str().unwrap_or_default().to_owned())));
    pairs.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Tags for a call; null rather than an empty list, which ECS refuses.
fn tagged(tags: &Tags) -> Json {
    if tags.is_empty() { Json::Null } else { tags.iter().map(|(key, value)| json!({ "key": key, "value": value })).collect() }
}

/// Changes the tags of one thing from `old` to `new`.
async fn retag(aws: &Aws, arn: &str, old: &Tags, new: &Tags) -> Outcome<()> {
    let (gone, set) = delta(old, new);
    if !gone.is_empty() {
        aws.ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
    }
    if !set.is_empty() {
        let set = set.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        aws.ecs.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
    }
    Ok(())
}

/// A body without what is null: ECS takes null for a value of the wrong type.
fn without_nulls(mut body: Json) -> Json {
    if let Json::Object(parts) = &mut body {
        parts.retain(|_, value| !value.is_null());
    }
    body
}

/// The ARN of something of ECS, given as that or by its name.
async fn arn_of(aws: &Aws, kind: &str, given: &str) -> Outcome<String> {
    if given.starts_with("arn:") { Ok(given.to_owned()) } else { aws.arn("ecs", &format!("{kind}/{given}")).await }
}

/// The ARNs of all clusters.
async fn clusters(cx: &Cx<'_, Aws>) -> Outcome<Arc<Vec<String>>> {
    let fetch = || async { Ok(cx.cloud.ecs.list_clusters().max_results(100).into_paginator().items().send().try_collect().await?) };
    cx.reads.once("ecs:clusters", fetch).await
}

/// What ECS says of the ones that it can't describe, but that they do not exist.
fn failures(answer: &Json) -> Outcome<()> {
    match wire::items(&answer["failures"]).find(|f| f["reason"].as_str() != Some("MISSING")) {
        Some(other) => {
            let text = |name: &str| other[name].as_str().unwrap_or_default().to_owned();
            Err(Failure::other(format!("ECS can't describe {}: {} {}", text("arn"), text("reason"), text("detail"))))
        }
        None => Ok(()),
    }
}
