//! EC2 and VPC.

use std::sync::Arc;

use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, ResourceType, Tag, TagSpecification, UnsuccessfulItem};
use futures::FutureExt;

use super::client::Aws;
use super::error::cause_of;
use super::gather::Gatherer;
use super::tags::delta;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cloud, Known, Tags};

pub mod data_ami;
pub mod data_availability_zones;
pub mod data_ec2_instance_type;
pub mod data_instance;
pub mod data_route_tables;
pub mod data_security_group;
pub mod data_subnet;
pub mod data_subnets;
pub mod data_vpc;
pub mod default_security_group;
pub mod ebs_snapshot;
pub mod ebs_volume;
pub mod eip;
pub mod eip_association;
pub mod filter;
pub mod flow_log;
pub mod group_rules;
pub mod holders;
pub mod instance;
pub mod internet_gateway;
pub mod key_pair;
pub mod launch_template;
mod listing;
pub mod main_route_table_association;
pub mod nat_gateway;
pub mod network_interface;
mod nic_addresses;
pub mod permission;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod routes;
mod rule_changes;
pub mod security_group;
pub mod security_group_rule;
pub mod subnet;
pub mod volume_attachment;
pub mod vpc;
pub mod vpc_endpoint;
mod vpc_read;
pub mod vpc_security_group_egress_rule;
pub mod vpc_security_group_ingress_rule;

/// The tag that tells a creation without a token of its own from any other, so that one whose answer was lost is found again.
/// The first update after the creation takes it away.
pub const INTENT_TAG: &str = "ferroform:intent";

/// A text that says something.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// What a call of many things says that it could not do: it answers success all the same.
fn unsuccessful(operation: &str, items: &[UnsuccessfulItem]) -> Outcome<()> {
    let Some(error) = items.iter().find_map(UnsuccessfulItem::error) else { return Ok(()) };
    let code = error.code().unwrap_or_default().to_owned();
    let cause = cause_of(&code).unwrap_or(Cause::Refused);
    let failure = Failure::other(error.message().unwrap_or("no reason given")).because(cause);
    Err(Failure { service: "ec2", operation: operation.to_owned(), code, ..failure })
}

/// How many values one filter takes.
pub const VALUES: usize = 200;

/// How many things one call tags; AWS takes a thousand, and advises fewer.
const TAGGED: usize = 200;

/// A filter that lets through what has one of those values. The SDK drops an empty list silently and would answer everything:
/// never give it one.
pub fn by(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// A filter on the ids of what is known. Unlike the list of ids of the same call it passes over those that no longer exist.
pub fn by_id<R>(name: &str, known: &[Known<R>]) -> Filter {
    by(name, known.iter().map(|k| k.id.as_str()))
}

/// Filters that let through what has all of those tags, whatever else it has.
pub fn by_tags(tags: &Tags) -> Vec<Filter> {
    tags.iter().map(|(key, value)| by(&format!("tag:{key}"), [value])).collect()
}

/// Whether the tags that something has are those, and no others of ours.
pub fn alike(aws: &Aws, has: &[Tag], wanted: &Tags) -> bool {
    tags(Some(has)).iter().filter(|(key, _)| !aws.ignores_tag(key)).eq(wanted)
}

/// The ARN of something of EC2 in this region, in its owner's account: shared things keep that of whoever made them.
pub fn arn_of(aws: &Aws, owner: &str, resource: &str) -> String {
    format!("arn:{}:ec2:{}:{owner}:{resource}", aws.partition(), aws.region)
}

/// EC2's tags as a map; those of AWS itself are left out.
pub fn tags(tags: Option<&[Tag]>) -> Tags {
    let own = tags.unwrap_or_default().iter().filter_map(|t| Some((t.key()?.to_owned(), t.value().unwrap_or_default().to_owned())));
    own.filter(|(key, _)| !key.starts_with("aws:")).collect()
}

/// Tags to be set with the creation; none rather than an empty list, which EC2 refuses.
pub fn tagged(kind: ResourceType, tags: &Tags) -> Option<Vec<TagSpecification>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect();
    (!tags.is_empty()).then(|| vec![TagSpecification::builder().resource_type(kind).set_tags(Some(tags)).build()])
}

/// The tags and that of the intent.
pub fn with_intent(tags: &Tags, token: &str) -> Tags {
    let mut tags = tags.clone();
    tags.insert(INTENT_TAG.into(), token.into());
    tags
}

/// Changes the tags of one thing from `old` to `new`, in one call with all things that get or lose the same.
pub async fn retag(aws: &Aws, id: &str, old: &Tags, new: &Tags) -> Outcome<()> {
    let (gone, set) = delta(old, new);
    if !gone.is_empty() {
        let gone = gone.into_iter().map(|key| Tag::builder().key(key).build()).collect();
        tag(aws, id, gone, |ec2, ids, tags| async move {
            ec2.delete_tags().set_resources(Some(ids)).set_tags(Some(tags)).send().await?;
            Ok(())
        })
        .await?;
    }
    if !set.is_empty() {
        let set = set.into_iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect();
        tag(aws, id, set, |ec2, ids, tags| async move {
            ec2.create_tags().set_resources(Some(ids)).set_tags(Some(tags)).send().await?;
            Ok(())
        })
        .await?;
    }
    Ok(())
}

/// Makes that call with those tags, for one thing and for all others that ask for it at the same time.
async fn tag<F>(aws: &Aws, id: &str, tags: Vec<Tag>, call: fn(Client, Vec<String>, Vec<Tag>) -> F) -> Outcome<()>
where
    F: Future<Output = Outcome<()>> + Send + 'static,
{
    let (ec2, key) = (aws.ec2.clone(), format!("ec2:tags:{tags:?}"));
    let calls = || async {
        Ok(Gatherer::new(
            |ids: &[String]| ids.len().min(TAGGED),
            move |ids: Vec<String>| {
                let answers = vec![(); ids.len()];
                call(ec2.clone(), ids, tags.clone()).map(|done| done.map(|()| answers)).boxed()
            },
        ))
    };
    let calls: Arc<Gatherer<String, ()>> = aws.kept.once(key, calls).await?;
    calls.ask(id.to_owned()).await
}
