//! Rules of lifecycles: what is wrong with them, and their forms in calls and answers.

use std::collections::BTreeSet;

use aws_sdk_s3::types::{
    AbortIncompleteMultipartUpload, ExpirationStatus, LifecycleExpiration, LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter,
    NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag, Transition as SdkTransition, TransitionStorageClass,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::lifecycle::{AbortUpload, And, Expiration, Filter, FilterTag, NoncurrentExpiration, NoncurrentTransition, Rule, Transition};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Problem;
use crate::words::value::Value;

crate::text!(
    /// A midnight in UTC, `2030-01-01T00:00:00Z`.
    pub Midnight, "midnight in UTC", midnight, |a, b| moment(a).is_some() && moment(a) == moment(b)
);

/// How many rules a bucket can have.
const MOST: usize = 1000;
/// Blocks of a rule of which S3 takes one.
const SINGLE: &[&str] = &["abort_incomplete_multipart_upload", "expiration", "filter", "noncurrent_version_expiration"];
/// What a rule can do.
const ACTIONS: &[&str] =
    &["abort_incomplete_multipart_upload", "expiration", "noncurrent_version_expiration", "noncurrent_version_transition", "transition"];
/// For how many days objects have to stay before they are moved there.
const EARLIEST: i64 = 30;

fn moment(text: &str) -> Option<i64> {
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second)
}

fn midnight(text: &str) -> Result<String, String> {
    match moment(text) {
        Some(at) if at.rem_euclid(86400) == 0 => Ok(text.to_owned()),
        _ => Err("a midnight in UTC such as `2030-01-01T00:00:00Z`".into()),
    }
}

/// What is wrong with the rules, in words.
pub(super) fn checked(given: &Value) -> Vec<Problem> {
    let rules = given.attr("rule");
    if rules.is_unknown() {
        return vec![];
    }
    let rules = rules.items();
    if rules.is_empty() || rules.len() > MOST {
        return vec![Problem::new("rule", format!("a lifecycle has 1 to {MOST} rules, and this has {}", rules.len()))];
    }
    let mut ids = BTreeSet::new();
    let mut problems = vec![];
    for (i, rule) in rules.iter().enumerate() {
        let at = |name: &str| format!("rule.{i}.{name}");
        if let Some(id) = rule.attr("id").as_str().filter(|id| !ids.insert(id.to_string())) {
            problems.push(Problem::new(at("id"), format!("another rule has the id `{id}`, too")));
        }
        for name in SINGLE.iter().filter(|name| rule.attr(name).items().len() > 1) {
            problems.push(Problem::new(at(name), "a rule has one of these"));
        }
        if ACTIONS.iter().all(|name| !rule.attr(name).is_unknown() && rule.attr(name).items().is_empty()) {
            problems.push(Problem::new(format!("rule.{i}"), format!("a rule does one of {}; this one does nothing", ACTIONS.join(", "))));
        }
        problems.extend(filtered(rule).map(|(name, why)| Problem::new(at(name), why)));
        problems.extend(timed(rule).into_iter().map(|(name, why)| Problem::new(at(name), why)));
    }
    problems
}

fn given(block: &Value, name: &str) -> bool {
    let value = block.attr(name);
    value.is_unknown() || !(value.is_null() || value.is_empty())
}

fn filtered(rule: &Value) -> Option<(&'static str, String)> {
    let filter = rule.attr("filter").items().first()?;
    if given(rule, "prefix") {
        return Some(("prefix", "it is written in `filter`, or here, and not in both".into()));
    }
    let ways = ["and", "object_size_greater_than", "object_size_less_than", "prefix", "tag"];
    let given: Vec<&str> = ways.into_iter().filter(|name| given(filter, name)).collect();
    let and = filter.attr("and").items().len().max(filter.attr("tag").items().len());
    match given.as_slice() {
        _ if and > 1 => Some(("filter", "a filter has one `and` and one `tag`; several tags go into `and`".into())),
        [_, _, ..] => Some(("filter", format!("a filter goes by one thing; {} together go into `and`", given.join(", ")))),
        _ => None,
    }
}

fn timed(rule: &Value) -> Vec<(&'static str, String)> {
    let mut wrong = vec![];
    let timed = || rule.attr("expiration").items().iter().chain(rule.attr("transition").items());
    if timed().any(|block| given(block, "date")) && timed().any(|block| given(block, "days")) {
        wrong.push(("transition", "a rule goes by dates or by days, and not by both".into()));
    }
    let filter = rule.attr("filter").items().first();
    let tagged = filter.is_some_and(|f| !f.attr("tag").items().is_empty() || f.attr("and").items().iter().any(|a| given(a, "tags")));
    if tagged && !rule.attr("abort_incomplete_multipart_upload").items().is_empty() {
        wrong.push(("abort_incomplete_multipart_upload", "uploads have no tags: a rule for them can't go by one".into()));
    }
    for block in rule.attr("expiration").items() {
        let ways = ["date", "days", "expired_object_delete_marker"];
        let given: Vec<&str> = ways.into_iter().filter(|name| given(block, name)).collect();
        let none = given.is_empty() && block.attr("days").as_number().is_none_or(|d| d.as_i64() == Some(0));
        if given.len() > 1 || (none && block.attr("expired_object_delete_marker").is_null()) {
            wrong.push(("expiration", format!("one of {} says when objects are deleted", ways.join(", "))));
        }
    }
    for block in rule.attr("transition").items() {
        let (date, days) = (block.attr("date"), block.attr("days"));
        if date.is_null() == days.is_null() && !date.is_unknown() && !days.is_unknown() {
            wrong.push(("transition", "`date` or `days` says when objects are moved, one of them".into()));
        }
        let class = block.attr("storage_class").as_str().unwrap_or_default();
        let days = days.as_number().and_then(|d| d.as_i64());
        if ["STANDARD_IA", "ONEZONE_IA"].contains(&class) && days.is_some_and(|d| d < EARLIEST) {
            wrong.push(("transition", format!("objects are moved to {class} when they are {EARLIEST} days old or older")));
        }
    }
    wrong
}

/// A rule as calls have it.
#[expect(deprecated, reason = "rules that were written long ago have their prefix there")]
pub(super) fn sent(rule: &Rule) -> Outcome<LifecycleRule> {
    let old = rule.prefix.as_ref().filter(|p| !p.is_empty() && rule.filter.is_none());
    let filter = old.is_none().then(|| rule.filter.as_ref().map_or_else(|| Ok(all()), Filter::sent)).transpose()?;
    let abort = rule.abort_incomplete_multipart_upload.as_ref();
    let abort =
        abort.map(|a| AbortIncompleteMultipartUpload::builder().set_days_after_initiation(a.days_after_initiation.map(short)).build());
    let gone = rule.noncurrent_version_expiration.as_ref().map(|n| {
        let days = NoncurrentVersionExpiration::builder().noncurrent_days(short(n.noncurrent_days));
        days.set_newer_noncurrent_versions(positive(n.newer_noncurrent_versions).map(short)).build()
    });
    let moved = rule.noncurrent_version_transition.iter().map(|n| {
        let days = NoncurrentVersionTransition::builder().noncurrent_days(short(n.noncurrent_days));
        let days = days.set_newer_noncurrent_versions(positive(n.newer_noncurrent_versions).map(short));
        days.storage_class(TransitionStorageClass::from(n.storage_class.as_str())).build()
    });
    let transitions = rule.transition.iter().map(|t| {
        let when = SdkTransition::builder().set_date(date(t.date.as_ref())?).set_days(t.days.map(short));
        Ok(when.storage_class(TransitionStorageClass::from(t.storage_class.as_str())).build())
    });
    let some = |list: Vec<_>| (!list.is_empty()).then_some(list);
    let moved: Vec<_> = moved.collect();
    Ok(LifecycleRule::builder()
        .id(&rule.id)
        .status(ExpirationStatus::from(rule.status.as_str()))
        .set_prefix(old.cloned())
        .set_filter(filter)
        .set_expiration(rule.expiration.as_ref().map(Expiration::sent).transpose()?)
        .set_abort_incomplete_multipart_upload(abort)
        .set_noncurrent_version_expiration(gone)
        .set_noncurrent_version_transitions((!moved.is_empty()).then_some(moved))
        .set_transitions(some(transitions.collect::<Outcome<_>>()?))
        .build()?)
}

/// Of all objects.
fn all() -> LifecycleRuleFilter {
    LifecycleRuleFilter::builder().prefix("").build()
}

fn short(n: i64) -> i32 {
    i32::try_from(n).unwrap_or(i32::MAX)
}

/// Zero stands for none.
fn positive(n: Option<i64>) -> Option<i64> {
    n.filter(|n| *n > 0)
}

fn some(text: Option<&String>) -> Option<String> {
    text.filter(|t| !t.is_empty()).cloned()
}

fn date(text: Option<&Midnight>) -> Outcome<Option<DateTime>> {
    let Some(text) = text.filter(|t| !t.0.is_empty()) else { return Ok(None) };
    DateTime::from_str(&text.0, Format::DateTimeWithOffset).map(Some).map_err(|e| Failure::other(e.to_string()))
}

impl Expiration {
    fn sent(&self) -> Outcome<LifecycleExpiration> {
        let marker = self.expired_object_delete_marker.filter(|yes| *yes || (self.date.is_none() && positive(self.days).is_none()));
        let when = LifecycleExpiration::builder().set_date(date(self.date.as_ref())?).set_days(positive(self.days).map(short));
        Ok(when.set_expired_object_delete_marker(marker).build())
    }
}

impl Filter {
    fn sent(&self) -> Outcome<LifecycleRuleFilter> {
        let tag = self.tag.as_ref().map(|t| Tag::builder().key(&t.key).value(&t.value).build()).transpose()?;
        let (greater, less) = (positive(self.object_size_greater_than), positive(self.object_size_less_than));
        let filter = LifecycleRuleFilter::builder().set_and(self.and.as_ref().map(And::sent).transpose()?).set_tag(tag.clone());
        let filter = filter.set_object_size_greater_than(greater).set_object_size_less_than(less);
        let alone = self.and.is_none() && tag.is_none() && greater.is_none() && less.is_none();
        let prefix = some(self.prefix.as_ref()).or_else(|| alone.then(String::new));
        Ok(filter.set_prefix(prefix).build())
    }
}

impl And {
    fn sent(&self) -> Outcome<LifecycleRuleAndOperator> {
        let tags: Vec<Tag> = self.tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
        let and = LifecycleRuleAndOperator::builder().set_tags((!tags.is_empty()).then_some(tags)).set_prefix(some(self.prefix.as_ref()));
        let and = and.set_object_size_greater_than(positive(self.object_size_greater_than));
        Ok(and.set_object_size_less_than(positive(self.object_size_less_than)).build())
    }
}

/// A rule as an answer has it.
#[expect(deprecated, reason = "rules that were written long ago have their prefix there")]
pub(super) fn rule(found: LifecycleRule) -> Rule {
    let (old, filter) = (some(found.prefix.as_ref()), found.filter.map(filter).filter(|f| *f != Filter::all()));
    let whole = |n: Option<i32>| n.map(i64::from);
    Rule {
        abort_incomplete_multipart_upload: found
            .abort_incomplete_multipart_upload
            .map(|a| AbortUpload { days_after_initiation: whole(a.days_after_initiation) }),
        expiration: found.expiration.map(|e| Expiration {
            date: e.date.and_then(told),
            days: positive(whole(e.days)),
            expired_object_delete_marker: e.expired_object_delete_marker,
        }),
        filter,
        id: found.id.unwrap_or_default(),
        noncurrent_version_expiration: found.noncurrent_version_expiration.map(|n| NoncurrentExpiration {
            newer_noncurrent_versions: whole(n.newer_noncurrent_versions),
            noncurrent_days: whole(n.noncurrent_days).unwrap_or_default(),
        }),
        noncurrent_version_transition: (found.noncurrent_version_transitions.unwrap_or_default().into_iter())
            .map(|n| NoncurrentTransition {
                newer_noncurrent_versions: whole(n.newer_noncurrent_versions),
                noncurrent_days: whole(n.noncurrent_days).unwrap_or_default(),
                storage_class: n.storage_class.map(|c| c.as_str().to_owned()).unwrap_or_default(),
            })
            .collect(),
        prefix: old,
        status: found.status.as_str().to_owned(),
        transition: (found.transitions.unwrap_or_default().into_iter())
            .map(|t| Transition {
                days: whole(t.days).filter(|_| t.date.is_none()),
                date: t.date.and_then(told),
                storage_class: t.storage_class.map(|c| c.as_str().to_owned()).unwrap_or_default(),
            })
            .collect(),
    }
}

/// The rules in the order and in the words in which they were written: S3 has no order, and that a rule is for all objects can be
/// said in several ways. Rules that nobody wrote come last.
pub(super) fn as_written(mut rules: Vec<Rule>, written: &[Rule]) -> Vec<Rule> {
    for rule in &mut rules {
        let Some(before) = written.iter().find(|w| w.id == rule.id) else { continue };
        if rule.prefix.is_none() && rule.filter.is_none() {
            rule.filter = before.filter.as_ref().map(|_| Filter::all());
        }
    }
    rules.sort_by_key(|rule| written.iter().position(|w| w.id == rule.id).unwrap_or(usize::MAX));
    rules
}

fn told(at: DateTime) -> Option<Midnight> {
    at.fmt(Format::DateTime).ok().map(Midnight)
}

impl Filter {
    /// That of all objects.
    fn all() -> Self {
        Self { and: None, object_size_greater_than: None, object_size_less_than: None, prefix: None, tag: None }
    }
}

fn filter(found: LifecycleRuleFilter) -> Filter {
    Filter {
        and: found.and.map(|a| And {
            object_size_greater_than: positive(a.object_size_greater_than),
            object_size_less_than: positive(a.object_size_less_than),
            prefix: some(a.prefix.as_ref()),
            tags: a.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect(),
        }),
        object_size_greater_than: positive(found.object_size_greater_than),
        object_size_less_than: positive(found.object_size_less_than),
        prefix: some(found.prefix.as_ref()),
        tag: found.tag.map(|t| FilterTag { key: t.key, value: t.value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_midnights_are_days() {
        assert!(midnight("2030-01-01T00:00:00Z").is_ok());
        assert!(midnight("2030-01-01T02:00:00+02:00").is_ok());
        assert!(midnight("2030-01-01T12:00:00Z").is_err());
        assert!(midnight("tomorrow").is_err());
    }

    #[test]
    fn rules_are_told_as_they_were_written() {
        let all = |id: &str| LifecycleRule::builder().id(id).status(ExpirationStatus::Enabled).filter(self::all()).build().unwrap();
        let (one, two) = (rule(all("one")), rule(all("two")));
        assert_eq!(one.filter, None);
        let written = [Rule { filter: Some(Filter::all()), ..two.clone() }, one.clone()];
        assert_eq!(as_written(vec![one.clone(), two.clone()], &written), written);
        assert_eq!(as_written(vec![one.clone(), two.clone()], &[]), [one, two]);
    }
}
