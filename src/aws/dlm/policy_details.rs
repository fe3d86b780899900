//! What policies make and delete: what is wrong with it, and its forms in calls and answers.

use aws_sdk_dlm::types as sdk;

use super::lifecycle_policy::{
    Action, CopyAge, CreateRule, CrossRegionCopy, CrossRegionCopyRule, Encryption, EventParameters, EventSource, FastRestoreRule, Keep,
    Parameters, PolicyDetails, Schedule, ShareRule,
};
use crate::aws::types::Arn;
use crate::words::failure::Outcome;
use crate::words::resource::{Problem, Tags};
use crate::words::value::Value;

/// Every how many hours a policy can be followed.
const HOURS: &[i64] = &[1, 2, 3, 4, 6, 8, 12, 24];

/// What is wrong with a policy.
pub(super) fn checked(given: &Value) -> Vec<Problem> {
    let mut problems = vec![];
    let description = given.attr("description").as_str().unwrap_or_default();
    if let Some(odd) = description.chars().find(|c| !(c.is_ascii_alphanumeric() || matches!(c, ' ' | '_' | '-'))) {
        let why = format!("a description has letters, digits, spaces, `_` and `-`; `{odd}` is none of them");
        problems.push(Problem::new("description", why));
    }
    let Some(details) = given.attr("policy_details").items().first() else { return problems };
    let at = |name: &str| format!("policy_details.0.{name}");
    let unset = |name: &str| !details.attr(name).is_unknown() && details.attr(name).is_empty();
    let by_event = details.attr("policy_type").as_str() == Some("EVENT_BASED_POLICY");
    let needed: &[&str] = if by_event { &["action", "event_source"] } else { &["resource_types", "schedule", "target_tags"] };
    for name in needed.iter().filter(|name| unset(name)) {
        let kind = if by_event { "a policy that waits for events" } else { "a policy that makes snapshots or images" };
        problems.push(Problem::new(at(name), format!("{kind} has `{name}`, which is not given")));
    }
    for (name, words) in [("resource_types", &["VOLUME", "INSTANCE"][..]), ("resource_locations", &["CLOUD", "OUTPOST", "LOCAL_ZONE"])] {
        let texts = details.attr(name).items().iter().filter_map(Value::as_str);
        for text in texts.filter(|text| !words.contains(text)) {
            problems.push(Problem::new(at(name), format!("`{text}` is none of {}", words.join(", "))));
        }
    }
    for (i, schedule) in details.attr("schedule").items().iter().enumerate() {
        problems.extend(scheduled(schedule).map(|(name, why)| Problem::new(at(&format!("schedule.{i}.{name}")), why)));
    }
    problems
}

fn scheduled(schedule: &Value) -> Option<(&'static str, String)> {
    let given = |block: &Value, name: &str| block.attr(name).is_unknown() || !block.attr(name).is_empty();
    let create = schedule.attr("create_rule").items().first()?;
    if given(create, "interval") == given(create, "cron_expression") {
        return Some(("create_rule", "`interval` or `cron_expression` says when, one of them".into()));
    }
    if let Some(hours) = create.attr("interval").as_number().and_then(|n| n.as_i64()).filter(|h| !HOURS.contains(h)) {
        let near = HOURS.iter().min_by_key(|h| h.abs_diff(hours)).copied().unwrap_or_default();
        return Some(("create_rule.0.interval", format!("it can't be every {hours} hours; the nearest is {near}")));
    }
    if create.attr("times").items().len() > 1 {
        return Some(("create_rule.0.times", "there is one time, that of the first of the day".into()));
    }
    let keep = schedule.attr("retain_rule").items().first()?;
    if given(keep, "count") == given(keep, "interval") {
        return Some(("retain_rule", "`count` or `interval` says which are kept, one of them".into()));
    }
    if given(keep, "interval") && !given(keep, "interval_unit") {
        return Some(("retain_rule", "`interval_unit` is not given: `DAYS`, say".into()));
    }
    None
}

/// The policy with what AWS will choose itself where it chose something else before.
pub(super) fn planned(want: &Value, prior: Option<&Value>) -> Value {
    let before = |i: usize| prior?.attr("schedule").items().get(i)?.attr("create_rule").items().first();
    let details = want.attr("policy_details");
    if details.is_unknown() {
        return want.clone();
    }
    let details = details.items().iter().map(|details| {
        let schedules = details.attr("schedule");
        if schedules.is_unknown() {
            return details.clone();
        }
        let schedules = schedules.items().iter().enumerate().map(|(i, schedule)| {
            let rules = schedule.attr("create_rule").items().iter().map(|rule| rhythm(rule, before(i)));
            schedule.clone().with("create_rule", Value::list(rules))
        });
        details.clone().with("schedule", Value::list(schedules))
    });
    want.clone().with("policy_details", Value::list(details))
}

/// When a schedule begins: of one by a cron expression the expression says it all.
fn rhythm(rule: &Value, before: Option<&Value>) -> Value {
    let by_cron = |rule: &Value| !rule.attr("cron_expression").is_empty();
    if by_cron(rule) {
        return rule.clone().with("interval_unit", Value::Null).with("times", Value::list([]));
    }
    if before.is_some_and(by_cron) {
        let unit = Some(rule.attr("interval_unit")).filter(|u| !u.is_empty()).cloned().unwrap_or_else(|| Value::from("HOURS"));
        let times = Some(rule.attr("times")).filter(|t| !t.is_empty()).cloned();
        return rule.clone().with("interval_unit", unit).with("times", times.unwrap_or_else(Value::unknown));
    }
    rule.clone()
}

fn int(n: Option<i64>) -> Option<i32> {
    n.filter(|n| *n > 0).and_then(|n| i32::try_from(n).ok())
}

fn whole(n: Option<i32>) -> Option<i64> {
    n.map(i64::from)
}

fn text(text: Option<&String>) -> Option<String> {
    text.filter(|t| !t.is_empty()).cloned()
}

fn arn(arn: Option<&Arn>) -> Option<String> {
    text(arn.map(|a| &a.0))
}

/// None rather than an empty list.
fn some<T>(list: Vec<T>) -> Option<Vec<T>> {
    (!list.is_empty()).then_some(list)
}

fn tags(tags: &Tags) -> Vec<sdk::Tag> {
    tags.iter().map(|(k, v)| sdk::Tag::builder().key(k).value(v).build()).collect()
}

fn map(tags: Option<Vec<sdk::Tag>>) -> Tags {
    tags.unwrap_or_default().into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default()))).collect()
}

fn unit(unit: Option<&String>) -> Option<sdk::RetentionIntervalUnitValues> {
    text(unit).map(|u| u.as_str().into())
}

fn word(unit: Option<sdk::RetentionIntervalUnitValues>) -> Option<String> {
    unit.map(|u| u.as_str().to_owned())
}

impl PolicyDetails {
    pub(super) fn sent(&self) -> Outcome<sdk::PolicyDetails> {
        let locations = self.resource_locations.iter().map(|l| l.as_str().into()).collect();
        let types = self.resource_types.iter().map(|t| t.as_str().into()).collect();
        let schedules = self.schedule.iter().map(Schedule::sent).collect::<Outcome<Vec<_>>>()?;
        let actions = self.action.iter().map(Action::sent).collect::<Outcome<Vec<_>>>()?;
        let parameters = self.parameters.as_ref().map(|p| {
            let boot = sdk::Parameters::builder().set_exclude_boot_volume(p.exclude_boot_volume);
            boot.set_no_reboot(p.no_reboot).build()
        });
        let details = sdk::PolicyDetails::builder().set_policy_type(text(self.policy_type.as_ref()).map(|t| t.as_str().into()));
        let details = details.set_resource_locations(some(locations)).set_resource_types(some(types)).set_schedules(some(schedules));
        let details = details.set_target_tags(some(tags(&self.target_tags))).set_parameters(parameters).set_actions(some(actions));
        Ok(details.set_event_source(self.event_source.as_ref().map(EventSource::sent)).build())
    }

    /// As an answer has it. Parameters that are all false are told where somebody gave them.
    pub(super) fn told(found: sdk::PolicyDetails, prior: Option<&Self>) -> Self {
        let list = |texts: Vec<&str>| texts.into_iter().map(str::to_owned).collect();
        let parameters =
            found.parameters.as_ref().map(|p| Parameters { exclude_boot_volume: p.exclude_boot_volume, no_reboot: p.no_reboot });
        let idle = |p: &Parameters| p.exclude_boot_volume != Some(true) && p.no_reboot != Some(true);
        let given = prior.is_some_and(|p| p.parameters.is_some());
        let blank = || Parameters { exclude_boot_volume: None, no_reboot: None };
        Self {
            policy_type: found.policy_type.as_ref().map(|t| t.as_str().to_owned()),
            resource_locations: list(found.resource_locations().iter().map(|l| l.as_str()).collect()),
            resource_types: list(found.resource_types().iter().map(|t| t.as_str()).collect()),
            target_tags: map(found.target_tags.clone()),
            parameters: parameters.filter(|p| given || !idle(p)).or_else(|| given.then(blank)),
            action: found.actions.unwrap_or_default().into_iter().next().map(Action::told),
            event_source: found.event_source.map(EventSource::told),
            schedule: found.schedules.unwrap_or_default().into_iter().map(Schedule::told).collect(),
        }
    }
}

impl Action {
    fn sent(&self) -> Outcome<sdk::Action> {
        let copies = self.cross_region_copy.iter().map(|copy| {
            let key = copy.encryption_configuration.as_ref();
            let key = sdk::EncryptionConfiguration::builder()
                .encrypted(key.is_some_and(|k| k.encrypted == Some(true)))
                .set_cmk_arn(arn(key.and_then(|k| k.cmk_arn.as_ref())));
            let to = sdk::CrossRegionCopyAction::builder().target(&copy.target).encryption_configuration(key.build());
            to.set_retain_rule(copy.retain_rule.as_ref().map(CopyAge::kept)).build()
        });
        Ok(sdk::Action::builder().name(&self.name).set_cross_region_copy(Some(copies.collect())).build())
    }

    fn told(found: sdk::Action) -> Self {
        let copies = found.cross_region_copy.unwrap_or_default().into_iter().map(|copy| CrossRegionCopy {
            encryption_configuration: copy
                .encryption_configuration
                .map(|e| Encryption { cmk_arn: e.cmk_arn.map(Arn), encrypted: Some(e.encrypted == Some(true)) }),
            retain_rule: copy.retain_rule.map(|r| CopyAge::told(r.interval, r.interval_unit)),
            target: copy.target.unwrap_or_default(),
        });
        Self { cross_region_copy: copies.collect(), name: found.name.unwrap_or_default() }
    }
}

impl CopyAge {
    fn kept(&self) -> sdk::CrossRegionCopyRetainRule {
        let age = sdk::CrossRegionCopyRetainRule::builder().set_interval(int(Some(self.interval)));
        age.set_interval_unit(unit(Some(&self.interval_unit))).build()
    }

    fn old(&self) -> sdk::CrossRegionCopyDeprecateRule {
        let age = sdk::CrossRegionCopyDeprecateRule::builder().set_interval(int(Some(self.interval)));
        age.set_interval_unit(unit(Some(&self.interval_unit))).build()
    }

    fn told(interval: Option<i32>, unit: Option<sdk::RetentionIntervalUnitValues>) -> Self {
        Self { interval: whole(interval).unwrap_or_default(), interval_unit: word(unit).unwrap_or_default() }
    }
}

impl EventSource {
    fn sent(&self) -> sdk::EventSource {
        let which = self.parameters.as_ref().map(|p| {
            let owners = p.snapshot_owner.iter().cloned().collect();
            let event = sdk::EventParameters::builder().event_type(p.event_type.as_str().into()).set_snapshot_owner(Some(owners));
            event.description_regex(&p.description_regex).build()
        });
        sdk::EventSource::builder().r#type(self.r#type.as_str().into()).set_parameters(which).build()
    }

    fn told(found: sdk::EventSource) -> Self {
        Self {
            r#type: found.r#type.map(|t| t.as_str().to_owned()).unwrap_or_default(),
            parameters: found.parameters.map(|p| EventParameters {
                description_regex: p.description_regex.unwrap_or_default(),
                event_type: p.event_type.map(|t| t.as_str().to_owned()).unwrap_or_default(),
                snapshot_owner: p.snapshot_owner.unwrap_or_default().into_iter().collect(),
            }),
        }
    }
}

impl Schedule {
    fn sent(&self) -> Outcome<sdk::Schedule> {
        let create = self.create_rule.as_ref().map(|c| {
            let times = c.times.iter().filter(|_| int(c.interval).is_some()).cloned().collect();
            let rule = sdk::CreateRule::builder().set_cron_expression(text(c.cron_expression.as_ref())).set_times(some(times));
            let unit = text(c.interval_unit.as_ref()).filter(|_| int(c.interval).is_some());
            // There is but one unit, and AWS wants it named.
            let unit = unit.or_else(|| int(c.interval).map(|_| "HOURS".to_owned()));
            let rule = rule.set_interval(int(c.interval)).set_interval_unit(unit.map(|u| u.as_str().into()));
            rule.set_location(text(c.location.as_ref()).map(|l| l.as_str().into())).build()
        });
        let copies = self.cross_region_copy_rule.iter().map(|c| {
            let copy = sdk::CrossRegionCopyRule::builder().target(&c.target).encrypted(c.encrypted).set_cmk_arn(arn(c.cmk_arn.as_ref()));
            let copy = copy.set_copy_tags(c.copy_tags).set_retain_rule(c.retain_rule.as_ref().map(CopyAge::kept));
            copy.set_deprecate_rule(c.deprecate_rule.as_ref().map(CopyAge::old)).build()
        });
        let shares = self.share_rule.iter().map(|s| {
            let with = sdk::ShareRule::builder().set_target_accounts(Some(s.target_accounts.iter().cloned().collect()));
            with.set_unshare_interval(int(s.unshare_interval)).set_unshare_interval_unit(unit(s.unshare_interval_unit.as_ref())).build()
        });
        let fast = self.fast_restore_rule.as_ref().map(|f| {
            let zones = sdk::FastRestoreRule::builder().set_availability_zones(Some(f.availability_zones.iter().cloned().collect()));
            let zones = zones.set_count(int(f.count)).set_interval(int(f.interval));
            zones.set_interval_unit(unit(f.interval_unit.as_ref())).build()
        });
        let old = self.deprecate_rule.as_ref().map(|d| {
            let rule = sdk::DeprecateRule::builder().set_count(int(d.count)).set_interval(int(d.interval));
            rule.set_interval_unit(unit(d.interval_unit.as_ref())).build()
        });
        let keep = self.retain_rule.as_ref().map(|r| {
            let rule = sdk::RetainRule::builder().set_count(int(r.count)).set_interval(int(r.interval));
            rule.set_interval_unit(unit(r.interval_unit.as_ref())).build()
        });
        let schedule = sdk::Schedule::builder().name(&self.name).set_copy_tags(self.copy_tags).set_create_rule(create);
        let schedule = schedule.set_cross_region_copy_rules(some(copies.collect())).set_share_rules(some(shares.collect()));
        let schedule = schedule.set_fast_restore_rule(fast).set_deprecate_rule(old).set_retain_rule(keep);
        let (added, variable) = (some(tags(&self.tags_to_add)), some(tags(&self.variable_tags)));
        Ok(schedule.set_tags_to_add(added).set_variable_tags(variable).build())
    }

    fn told(found: sdk::Schedule) -> Self {
        Self {
            copy_tags: found.copy_tags,
            create_rule: found.create_rule.map(|c| CreateRule {
                cron_expression: c.cron_expression,
                interval: whole(c.interval),
                interval_unit: c.interval_unit.map(|u| u.as_str().to_owned()),
                location: c.location.map(|l| l.as_str().to_owned()),
                times: c.times.unwrap_or_default(),
            }),
            cross_region_copy_rule: (found.cross_region_copy_rules.unwrap_or_default().into_iter())
                .map(|c| CrossRegionCopyRule {
                    cmk_arn: c.cmk_arn.map(Arn),
                    copy_tags: c.copy_tags,
                    deprecate_rule: c.deprecate_rule.map(|d| CopyAge::told(d.interval, d.interval_unit)),
                    encrypted: c.encrypted == Some(true),
                    retain_rule: c.retain_rule.map(|r| CopyAge::told(r.interval, r.interval_unit)),
                    target: c.target.or(c.target_region).unwrap_or_default(),
                })
                .collect(),
            deprecate_rule: found.deprecate_rule.map(|d| Keep {
                count: whole(d.count),
                interval: whole(d.interval),
                interval_unit: word(d.interval_unit),
            }),
            fast_restore_rule: found.fast_restore_rule.map(|f| FastRestoreRule {
                availability_zones: f.availability_zones.unwrap_or_default().into_iter().collect(),
                count: whole(f.count),
                interval: whole(f.interval),
                interval_unit: word(f.interval_unit),
            }),
            name: found.name.unwrap_or_default(),
            retain_rule: found.retain_rule.map(|r| Keep {
                count: whole(r.count),
                interval: whole(r.interval),
                interval_unit: word(r.interval_unit),
            }),
            share_rule: found.share_rules.unwrap_or_default().into_iter().next().map(|s| ShareRule {
                target_accounts: s.target_accounts.unwrap_or_default().into_iter().collect(),
                unshare_interval: whole(s.unshare_interval),
                unshare_interval_unit: word(s.unshare_interval_unit),
            }),
            tags_to_add: map(found.tags_to_add),
            variable_tags: map(found.variable_tags),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_aws_chose_for_hours_does_not_stay_with_a_cron_expression() {
        let text = |t: &str| Value::from(t);
        let rule = |cron: &str, unit: Value, times: Value| {
            let cron = if cron.is_empty() { Value::Null } else { text(cron) };
            Value::object([("cron_expression", cron), ("interval_unit", unit), ("times", times)])
        };
        let hours = || rule("", text("HOURS"), Value::list([text("03:00")]));
        let cron = rule("cron(0 3 * * ? *)", text("HOURS"), Value::list([text("03:00")]));
        let bare = rhythm(&cron, Some(&hours()));
        assert!(bare.attr("times").is_empty() && bare.attr("interval_unit").is_null());
        let chosen = rhythm(&rule("", Value::Null, Value::list([])), Some(&bare));
        assert!(chosen.attr("times").is_unknown() && *chosen.attr("interval_unit") == text("HOURS"));
        assert_eq!(rhythm(&hours(), Some(&hours())), hours());
    }
}
