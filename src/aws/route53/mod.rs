//! Route 53. Its limit of five calls a second is the whole account's, so that records are read and changed a zone at a time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_route53::Client;
use aws_sdk_route53::types::{ChangeInfo, ChangeStatus, ResourceRecordSet, RrType, Tag, TagResourceType};

use super::client::Aws;
use super::each;
use super::error::absent;
use super::tags::delta;
use super::wait::{Seen, until};
use crate::words::failure::{Cause, Outcome};
use crate::words::resource::{Cx, Tags};

mod change;
pub mod health_check;
pub mod record;
pub mod record_values;
pub mod zone;
pub mod zone_data;

/// How many record sets one call lists.
const PAGE: i32 = 300;
/// Of how many zones or health checks one call lists the tags.
const TAGS_PAGE: usize = 10;

/// How long a change may take to reach the name servers; usually it is 20 to 60 seconds.
const REACHED: Duration = Duration::from_mins(30);

/// Waits until all name servers know of a change. One that takes longer than [`REACHED`] is left to them, and so is one that the
/// caller may not ask about: it is made, and nobody can take that back.
async fn in_sync(route53: &Client, change: Option<&ChangeInfo>) -> Outcome<()> {
    let Some(change) = change.filter(|change| change.status == ChangeStatus::Pending) else { return Ok(()) };
    let since = Instant::now();
    let ask = || async move {
        let answer = route53.get_change().id(short(&change.id)).send().await?;
        let pending = answer.change_info.is_some_and(|info| info.status == ChangeStatus::Pending);
        Ok(if pending && since.elapsed() < REACHED { Seen::Not("pending".into()) } else { Seen::Done(()) })
    };
    let waited = until("the change", "known to all name servers", REACHED * 2, ask).await;
    waited.or_else(|failure| if matches!(failure.cause, Cause::Denied | Cause::Gone) { Ok(()) } else { Err(failure) })
}

/// `/hostedzone/Z0123` is `Z0123`.
fn short(id: &str) -> &str {
    id.rsplit('/').next().unwrap_or_default()
}

/// A name as names are compared: lower-case, without the final dot, with `\052` for what it stands for.
fn plain(name: &str) -> String {
    let name = name.trim_end_matches('.');
    let mut plain = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                plain.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            (byte, _) => plain.push(byte.to_ascii_lowercase()),
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| name.to_ascii_lowercase())
}

/// The whole name of a record whose name may leave out that of its zone.
fn full(name: &str, zone: &str) -> String {
    let (name, zone) = (plain(name), plain(zone));
    if name.is_empty() || name == zone {
        zone
    } else if name.ends_with(&format!(".{zone}")) {
        name
    } else {
        format!("{name}.{zone}")
    }
}

/// The name of a zone, which never changes; none without the zone.
async fn zone_name(cx: &Cx<'_, Aws>, zone: &str) -> Outcome<Option<String>> {
    let fetch = || async move {
        let found = cx.cloud.route53.get_hosted_zone().id(zone).send().await?;
        Ok(found.hosted_zone.map(|z| plain(&z.name)).unwrap_or_default())
    };
    let name = absent(cx.cloud.kept.once(format!("route53:name:{zone}"), fetch).await)?;
    Ok(name.map(|n| n.as_ref().clone()))
}

/// Record sets of a zone, from its beginning.
struct Swept {
    sets: Vec<ResourceRecordSet>,
    /// Whether these are all.
    whole: bool,
}

/// The record sets of a zone, as far as that many calls reach.
async fn sweep(route53: &Client, zone: &str, calls: usize) -> Outcome<Swept> {
    let (mut sets, mut next) = (vec![], None);
    for _ in 0..calls {
        let call = route53.list_resource_record_sets().hosted_zone_id(zone).max_items(PAGE);
        let call = match next.take() {
            Some((name, kind, identifier)) => {
                call.set_start_record_name(name).set_start_record_type(kind).set_start_record_identifier(identifier)
            }
            None => call,
        };
        let Some(page) = absent(call.send().await.map_err(Into::into))? else { return Ok(Swept { sets: vec![], whole: true }) };
        sets.extend(page.resource_record_sets);
        if !page.is_truncated {
            return Ok(Swept { sets, whole: true });
        }
        next = Some((page.next_record_name, page.next_record_type, page.next_record_identifier));
    }
    Ok(Swept { sets, whole: false })
}

/// One record set.
async fn lookup(route53: &Client, zone: &str, name: &str, kind: &str, identifier: Option<&str>) -> Outcome<Option<ResourceRecordSet>> {
    let (mut start, mut from) = (name.to_owned(), identifier.map(str::to_owned));
    loop {
        let call = route53.list_resource_record_sets().hosted_zone_id(zone).max_items(if identifier.is_some() { 100 } else { 1 });
        let call = call.start_record_name(start).start_record_type(RrType::from(kind)).set_start_record_identifier(from);
        let Some(page) = absent(call.send().await.map_err(Into::into))? else { return Ok(None) };
        let more = page.is_truncated
            && page.next_record_name().is_some_and(|n| plain(n) == plain(name))
            && page.next_record_type().is_some_and(|t| t.as_str() == kind);
        if let Some(found) = page.resource_record_sets.into_iter().find(|s| is(s, name, kind, identifier)) {
            return Ok(Some(found));
        }
        if !more {
            return Ok(None);
        }
        (start, from) = (page.next_record_name.unwrap_or_default(), page.next_record_identifier);
    }
}

/// Whether it is the record set of that name, type and identifier.
fn is(set: &ResourceRecordSet, name: &str, kind: &str, identifier: Option<&str>) -> bool {
    set.r#type.as_str() == kind && set.set_identifier() == identifier && plain(&set.name) == plain(name)
}

/// The records that make a zone and go only with it.
fn of_zone_itself(kind: &str, name: &str, zone: &str) -> bool {
    matches!(kind, "NS" | "SOA") && plain(name) == plain(zone)
}

/// The tags of zones or health checks by id.
async fn tags(aws: &Aws, kind: TagResourceType, ids: &[String]) -> Outcome<BTreeMap<String, Tags>> {
    let kind = &kind;
    let pages = each(ids.chunks(TAGS_PAGE), |ids| async move {
        let call = aws.route53.list_tags_for_resources().resource_type(kind.clone());
        Ok(Some(call.set_resource_ids(Some(ids.to_vec())).send().await?.resource_tag_sets))
    });
    let sets = pages.await?.into_iter().flatten();
    let own = |tags: Vec<Tag>| {
        let tags = tags.into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default())));
        tags.filter(|(key, _)| !key.starts_with("aws:")).collect()
    };
    Ok(sets.filter_map(|s| Some((s.resource_id?, own(s.tags.unwrap_or_default())))).collect())
}

/// Changes the tags of one zone or health check from `old` to `new`.
async fn retag(aws: &Aws, kind: TagResourceType, id: &str, old: &Tags, new: &Tags) -> Outcome<()> {
    let (gone, set) = delta(old, new);
    if gone.is_empty() && set.is_empty() {
        return Ok(());
    }
    let set: Vec<Tag> = set.into_iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect();
    let call = aws.route53.change_tags_for_resource().resource_type(kind).resource_id(id);
    let call = call.set_add_tags((!set.is_empty()).then_some(set)).set_remove_tag_keys((!gone.is_empty()).then_some(gone));
    call.send().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_compared_by_what_they_say() {
        assert_eq!(plain("\\052.Example.com."), "*.example.com");
        assert_eq!(plain("a\\b"), "a\\b");
        assert_eq!(full("www", "example.com."), "www.example.com");
        assert_eq!(full("www.example.com.", "example.com"), "www.example.com");
        assert_eq!(full("myexample.com", "example.com"), "myexample.com.example.com");
        assert_eq!(full("", "example.com"), "example.com");
    }
}
