//! EventBridge rules.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_eventbridge::types::{Rule as Found, RuleState, Tag};

use super::{DEFAULT, bus};
use crate::aws::error::absent;
use crate::aws::tags::{delta, of_arns};
use crate::aws::types::{Arn, JsonText};
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// Says which events, or which times, set something off.
    pub struct Rule {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for.
        #[attr(within(0, 512))]
        description: Option<String>,
        /// The event bus, by name or ARN.
        #[attr(force_new, default_text("default"), within(1, 1600))]
        event_bus_name: Option<String>,
        /// Which events fit.
        #[attr(within(0, 4096))]
        event_pattern: Option<JsonText>,
        /// Whether it goes although an AWS service made it.
        #[attr(local, default_bool(false))]
        force_destroy: Option<bool>,
        /// Whether it is on.
        #[attr(default_bool(true), deprecated("state"), conflicts(&["state"]))]
        is_enabled: Option<bool>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 64), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How a name begins that AWS need not be told.
        #[attr(chosen, force_new, within(1, 38), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The role with which it acts where a target has none.
        role_arn: Option<Arn>,
        /// At which times: `rate(5 minutes)`, `cron(0 20 * * ? *)`.
        #[attr(within(0, 256))]
        schedule_expression: Option<String>,
        /// Whether it is on, which it is where nothing is said, and for which events of CloudTrail.
        #[attr(one_of(&["ENABLED", "DISABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"]), conflicts(&["is_enabled"]))]
        state: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for Rule {
    const TYPE: &'static str = "aws_cloudwatch_event_rule";
    const SCHEMA_VERSION: u64 = 1;
    const KNOWN_BY: Option<&'static str> = Some("name");
    const UPSERTS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        Retry {
            operation: "PutRule",
            code: "ValidationException",
            message: "cannot be assumed by principal",
            within: Duration::from_secs(120),
        },
        Retry { operation: "DeleteRule", code: "ValidationException", message: "since it has targets", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_cloudwatch_event_rule.example]
name = "drift"
description = "every four hours"
schedule_expression = "cron(0 */4 * * ? *)"
tags = { team = "infra" }
---
[resource.aws_cloudwatch_event_rule.example]
name = "drift"
description = "when an instance changes, and every hour"
schedule_expression = "rate(1 hour)"
event_pattern = """{ "source": ["aws.ec2"], "detail-type": ["EC2 Instance State-change Notification"] }"""
role_arn = "arn:aws:iam::123456789012:role/events"
state = "DISABLED"
force_destroy = true
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let odd = |c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c));
        for name in ["name", "name_prefix"] {
            if given.attr(name).as_str().is_some_and(|text| text.contains(odd)) {
                problems.push(Problem::new(name, "the name of a rule has letters, digits, `.`, `-` and `_`"));
            }
        }
        let (pattern, schedule) = (given.attr("event_pattern"), given.attr("schedule_expression"));
        if pattern.is_empty() && schedule.is_empty() {
            problems.push(Problem::new("", "a rule needs an `event_pattern`, a `schedule_expression`, or both"));
        }
        if let Some(text) = schedule.as_str().filter(|text| !text.is_empty()) {
            if !["rate(", "cron("].iter().any(|start| text.starts_with(start)) || !text.ends_with(')') {
                problems.push(Problem::new("schedule_expression", "should be like `rate(5 minutes)` or `cron(0 20 * * ? *)`"));
            }
            if given.attr("event_bus_name").as_str().is_some_and(|bus| bus != DEFAULT) {
                problems.push(Problem::new("schedule_expression", "only the bus `default` has schedules"));
            }
        }
        problems
    }

    /// The old word and the new one say the same.
    fn plan(planned: &mut Planned<'_>) {
        let (on, state) = (planned.want.attr("is_enabled").as_bool(), planned.want.attr("state").clone());
        let (name, value) = match (&state, on) {
            (state, Some(on)) if state.is_empty() => ("state", Value::from(if on { "ENABLED" } else { "DISABLED" })),
            (state, None) if state.is_empty() => ("state", Value::unknown()),
            (state, _) if state.is_known() => ("is_enabled", Value::from(state.as_str() != Some("DISABLED"))),
            _ => ("is_enabled", Value::unknown()),
        };
        *planned.want = std::mem::take(planned.want).with(name, value);
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        self.put(cx.cloud, &name, Some(&self.tags_all)).await?;
        Ok(id(bus(self.event_bus_name.as_deref()), &name))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let (bus, name) = (bus(self.event_bus_name.as_deref()), self.named(cx));
        Ok(described(cx.cloud, bus, &name).await?.map(|_| id(bus, &name)))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let buses = cx.reads.asked(&[Self::TYPE]).map(|a| parts(&a.id).0).chain([DEFAULT]);
        let found = each(buses.collect::<BTreeSet<_>>(), |bus| async move {
            let rules = of_bus(cx.cloud, bus).await?;
            Ok(Some(rules.into_iter().map(|r| (id(bus, r.name().unwrap_or_default()), r)).collect::<Vec<_>>()))
        });
        let listed = found.await?.into_iter().flatten().map(|(id, rule)| {
            let listed = Listed::new(id).named(rule.name()).marked("arn", rule.arn());
            listed.noise(rule.managed_by().is_some(), "made by an AWS service")
        });
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    /// The rules of a bus with one call for a hundred; one alone is asked for by its name.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut buses: BTreeMap<&str, Vec<(&Known<Self>, &str)>> = BTreeMap::new();
        for k in known {
            let (bus, name) = parts(&k.id);
            buses.entry(bus).or_default().push((k, name));
        }
        let found = each(buses, |(bus, asked)| async move {
            let rules = match asked.as_slice() {
                [(_, name)] => described(cx.cloud, bus, name).await?.into_iter().collect(),
                _ => of_bus(cx.cloud, bus).await?,
            };
            let mut rules: HashMap<String, Found> = rules.into_iter().filter_map(|r| Some((r.name.clone()?, r))).collect();
            Ok(Some(asked.into_iter().filter_map(|(k, name)| Some((k, bus, rules.remove(name)?))).collect::<Vec<_>>()))
        });
        let found: Vec<_> = found.await?.into_iter().flatten().collect();
        let arns: Vec<String> = found.iter().filter_map(|(_, _, rule)| rule.arn.clone()).collect();
        let mut tags = of_arns(cx, &arns, |arn| async move {
            let found = absent(cx.cloud.events.list_tags_for_resource().resource_arn(arn).send().await.map_err(Into::into))?;
            Ok(found.and_then(|f| f.tags).unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect())
        })
        .await?;
        let live = found.into_iter().map(|(k, bus, rule)| {
            let mut tags = rule.arn().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            tags.retain(|key, _| !key.starts_with("aws:"));
            Live { id: k.id.clone(), value: of(rule, bus, k.prior.as_ref(), tags) }
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (events, old) = (&cx.cloud.events, &live.value);
        let shape = |r: &Self| {
            let text = |t: &Option<String>| t.clone().unwrap_or_default();
            let role = r.role_arn.as_deref().unwrap_or_default().to_owned();
            (text(&r.description), r.event_pattern.clone(), role, text(&r.schedule_expression), text(&r.state))
        };
        if shape(self) != shape(old) {
            self.put(cx.cloud, parts(&live.id).1, None).await?;
        }
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            events.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            events.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (bus, name) = parts(&live.id);
        let call = cx.cloud.events.delete_rule().name(name).event_bus_name(bus);
        call.set_force(live.value.force_destroy.filter(|force| *force)).send().await?;
        Ok(())
    }

    /// `RULE`, or `BUS/RULE`.
    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let (bus, name) = parts(given);
        if name.is_empty() || bus.is_empty() {
            return Err(Failure::other(format!("`{given}` does not name a rule")).help("write it like `RULE` or `BUS/RULE`"));
        }
        Ok(id(bus, name))
    }
}

impl Rule {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }

    async fn put(&self, aws: &Aws, name: &str, tags: Option<&Tags>) -> Outcome<()> {
        let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let call = aws.events.put_rule().name(name).event_bus_name(bus(self.event_bus_name.as_deref()));
        let call = call.set_description(text(&self.description)).set_schedule_expression(text(&self.schedule_expression));
        let call = call.set_event_pattern(self.event_pattern.as_ref().map(|p| p.0.clone()).filter(|p| !p.is_empty()));
        let call = call.set_role_arn(self.role_arn.as_ref().map(|r| r.0.clone()).filter(|r| !r.is_empty()));
        let call = call.set_state(text(&self.state).map(|s| RuleState::from(s.as_str())));
        call.set_tags(tags.map(tagged).transpose()?.flatten()).send().await?;
        Ok(())
    }
}

/// The rule's name alone where it is of the bus that every account has.
fn id(bus: &str, name: &str) -> Id {
    if bus == DEFAULT { name.to_owned() } else { format!("{bus}/{name}") }
}

/// Bus and name; a bus's own name or ARN may have slashes.
fn parts(id: &str) -> (&str, &str) {
    id.rsplit_once('/').unwrap_or((DEFAULT, id))
}

fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

async fn described(aws: &Aws, bus: &str, name: &str) -> Outcome<Option<Found>> {
    let found = absent(aws.events.describe_rule().name(name).event_bus_name(bus).send().await.map_err(Into::into))?;
    Ok(found.map(|r| {
        let rule = Found::builder().set_name(r.name).set_arn(r.arn).set_event_pattern(r.event_pattern).set_state(r.state);
        let rule = rule.set_description(r.description).set_schedule_expression(r.schedule_expression).set_role_arn(r.role_arn);
        rule.set_managed_by(r.managed_by).set_event_bus_name(r.event_bus_name).build()
    }))
}

/// All rules of a bus; none where it does not exist.
pub(super) async fn of_bus(aws: &Aws, bus: &str) -> Outcome<Vec<Found>> {
    let (mut found, mut next) = (vec![], None);
    loop {
        let page = aws.events.list_rules().event_bus_name(bus).limit(100).set_next_token(next).send().await;
        let Some(page) = absent(page.map_err(Failure::from))? else { return Ok(found) };
        found.extend(page.rules.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn of(rule: Found, bus: &str, prior: Option<&Rule>, tags_all: Tags) -> Rule {
    let state = rule.state.as_ref().map_or("ENABLED", RuleState::as_str).to_owned();
    let name = rule.name.unwrap_or_default();
    Rule {
        arn: rule.arn,
        description: rule.description.filter(|d| !d.is_empty()),
        event_bus_name: Some(bus.to_owned()),
        event_pattern: rule.event_pattern.filter(|p| !p.is_empty()).map(JsonText),
        force_destroy: prior.and_then(|p| p.force_destroy),
        is_enabled: Some(state != "DISABLED"),
        name_prefix: name::prefix_of(&name),
        name: Some(name),
        role_arn: rule.role_arn.filter(|r| !r.is_empty()).map(Arn),
        schedule_expression: rule.schedule_expression.filter(|s| !s.is_empty()),
        state: Some(state),
        tags: Tags::new(),
        tags_all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bus_that_every_account_has_is_not_in_ids() {
        for (given, bus, name) in [
            ("drift", "default", "drift"),
            ("orders/drift", "orders", "drift"),
            ("arn:aws:events:us-east-1:1:event-bus/orders/drift", "arn:aws:events:us-east-1:1:event-bus/orders", "drift"),
        ] {
            assert_eq!(parts(given), (bus, name));
            assert_eq!(id(bus, name), given);
        }
    }
}
