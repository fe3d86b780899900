//! IAM. It is eventually consistent: what was just made may be unknown to the next call for some seconds.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_iam::types::Tag;

use super::client::Aws;
use super::error::absent;
use crate::words::failure::{Failure, Outcome};
use crate::words::reads::Asked;
use crate::words::resource::{Cx, Retry, Tags};

pub mod data_role;
pub mod instance_profile;
pub mod openid_connect_provider;
pub mod policy;
pub mod policy_document;
pub mod role;
pub mod role_policy;
pub mod role_policy_attachment;
pub mod service_linked_role;

/// How long IAM may take to make something known everywhere.
pub const SETTLES: Duration = Duration::from_secs(120);

/// A role that was just made is not known yet to an operation.
const fn unknown_role(operation: &'static str) -> Retry {
    Retry { operation, code: "NoSuchEntity", message: "role with name", within: SETTLES }
}

/// Another change of the same thing is under way.
const fn concurrent(operation: &'static str) -> Retry {
    Retry { operation, code: "ConcurrentModification", message: "", within: SETTLES }
}

fn tags(tags: Option<&[Tag]>) -> Tags {
    let own = tags.unwrap_or_default().iter().filter(|t| !t.key().starts_with("aws:"));
    own.map(|t| (t.key().to_owned(), t.value().to_owned())).collect()
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

/// A document as IAM answers it, percent-encoded, in plain.
fn document(encoded: &str) -> Outcome<String> {
    let plain = percent_encoding::percent_decode_str(encoded).decode_utf8();
    plain.map(std::borrow::Cow::into_owned).map_err(|_| Failure::other("the answer holds a policy document that is no UTF-8"))
}

/// Whether a document, percent-encoded, lets in anyone at all.
fn lets_in_anyone(encoded: &str) -> bool {
    let policy: Option<serde_json::Value> = document(encoded).ok().and_then(|text| serde_json::from_str(&text).ok());
    let anyone = |said: &serde_json::Value| said == "*" || said.as_array().is_some_and(|all| all.iter().any(|one| one == "*"));
    let open = |s: &serde_json::Value| {
        let principal = &s["Principal"];
        s["Effect"] == "Allow" && s.get("Condition").is_none() && (anyone(principal) || anyone(&principal["AWS"]))
    };
    let statements = policy.map(|mut policy| policy["Statement"].take());
    statements.is_some_and(|s| s.as_array().map_or_else(|| open(&s), |all| all.iter().any(open)))
}

/// Whether an ARN has come to be: of something just made, IAM may for a while answer the unique id in its place.
fn named(arn: Option<&str>) -> bool {
    arn.is_some_and(|arn| arn.starts_with("arn:"))
}

/// A date as the provider writes it.
fn date(date: &aws_smithy_types::DateTime) -> Option<String> {
    date.fmt(aws_smithy_types::date_time::Format::DateTime).ok()
}

/// What the sweep asks for of that type that belongs to the role.
fn of_role<'a>(cx: &'a Cx<'_, Aws>, kind: &'static [&'static str], role: &'a str) -> impl Iterator<Item = &'a Asked> {
    cx.reads.asked(kind).filter(move |a| a.prior.attr("role").as_str() == Some(role))
}

/// The ARNs of the managed policies attached to a role; one call for all that the sweep needs to know. None without the role.
async fn attached(cx: &Cx<'_, Aws>, role: &str) -> Outcome<Arc<Option<Vec<String>>>> {
    cx.reads.once(format!("iam:ListAttachedRolePolicies:{role}"), || list_attached(cx.cloud, role)).await
}

async fn list_attached(aws: &Aws, role: &str) -> Outcome<Option<Vec<String>>> {
    let mut pages = aws.iam.list_attached_role_policies().role_name(role).into_paginator().send();
    let mut arns = vec![];
    while let Some(page) = pages.next().await {
        let Some(page) = absent(page.map_err(Into::into))? else { return Ok(None) };
        arns.extend(page.attached_policies.unwrap_or_default().into_iter().filter_map(|p| p.policy_arn));
    }
    Ok(Some(arns))
}

async fn list_inline(aws: &Aws, role: &str) -> Outcome<Vec<String>> {
    let mut pages = aws.iam.list_role_policies().role_name(role).into_paginator().send();
    let mut names = vec![];
    while let Some(page) = pages.next().await {
        let Some(page) = absent(page.map_err(Into::into))? else { break };
        names.extend(page.policy_names);
    }
    Ok(names)
}

/// The document of one inline policy of a role.
async fn inline(aws: &Aws, role: &str, name: &str) -> Outcome<Option<String>> {
    let found = absent(aws.iam.get_role_policy().role_name(role).policy_name(name).send().await.map_err(Into::into))?;
    found.map(|f| document(&f.policy_document)).transpose()
}
