//! Health checks.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_route53::types::{
    AlarmIdentifier, CloudWatchRegion, HealthCheck as Check, HealthCheckConfig, HealthCheckRegion, HealthCheckType,
    InsufficientDataHealthStatus, ResettableElementName, TagResourceType,
};

use super::{retag, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::types::{Arn, Ip};
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Tags};
use crate::words::value::Value;

/// Of how many all that the account has are listed rather than each asked for: Route 53 takes five calls a second.
const FEW: usize = 3;

crate::blocks! {
    /// A look at an endpoint, an alarm or other health checks, by which DNS answers.
    pub struct HealthCheck {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// How many of its children have to be well.
        #[attr(within(0, 256))]
        child_health_threshold: Option<i64>,
        /// The health checks that it sums up.
        #[attr(refers("aws_route53_health_check.id"))]
        child_healthchecks: BTreeSet<String>,
        /// The alarm that it follows.
        #[attr(refers("aws_cloudwatch_metric_alarm.alarm_name"))]
        cloudwatch_alarm_name: Option<String>,
        /// The region of the alarm.
        cloudwatch_alarm_region: Option<String>,
        /// Look no more, and say that all is well.
        #[attr(default_bool(false))]
        disabled: Option<bool>,
        /// Whether the host is named when TLS begins.
        #[attr(chosen)]
        enable_sni: Option<bool>,
        /// After how many answers of one kind the state changes.
        #[attr(chosen, within(1, 10))]
        failure_threshold: Option<i64>,
        /// The host.
        #[attr(within(0, 255))]
        fqdn: Option<String>,
        /// What is said while the alarm lacks data.
        #[attr(one_of(&["Healthy", "LastKnownStatus", "Unhealthy"]))]
        insufficient_data_health_status: Option<String>,
        /// Say the opposite of what is seen.
        #[attr(default_bool(false))]
        invert_healthcheck: Option<bool>,
        /// The address.
        ip_address: Option<Ip>,
        /// Measure how long answers take.
        #[attr(force_new, default_bool(false))]
        measure_latency: Option<bool>,
        /// The port.
        #[attr(within(1, 65535))]
        port: Option<i64>,
        /// A name to know it by, sent with the creation.
        #[attr(force_new, within(0, 27))]
        reference_name: Option<String>,
        /// From where it is looked at, three regions at least; otherwise from all.
        regions: BTreeSet<String>,
        /// Seconds between two looks.
        #[attr(force_new)]
        request_interval: Option<i64>,
        /// The path that is asked for.
        #[attr(within(0, 255))]
        resource_path: Option<String>,
        /// The routing control that it follows.
        #[attr(force_new)]
        routing_control_arn: Option<Arn>,
        /// What the answer has to hold.
        #[attr(within(0, 255))]
        search_string: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// A change of these has it look at the alarm's settings again.
        #[attr(chosen)]
        triggers: BTreeMap<String, String>,
        /// What it looks at.
        #[attr(
            force_new,
            one_of(&[
                "CALCULATED",
                "CLOUDWATCH_METRIC",
                "HTTP",
                "HTTPS",
                "HTTPS_STR_MATCH",
                "HTTP_STR_MATCH",
                "RECOVERY_CONTROL",
                "TCP",
            ])
        )]
        r#type: String,
    }
}

impl Resource for HealthCheck {
    const TYPE: &'static str = "aws_route53_health_check";
    const GLOBAL: bool = true;
    const BATCH: usize = 1000;
    const EXAMPLE: &'static str = r#"
[resource.aws_route53_health_check.example]
type = "HTTPS_STR_MATCH"
fqdn = "example.com"
port = 443
resource_path = "/"
search_string = "well"
request_interval = 30
tags = { team = "infra" }
---
[resource.aws_route53_health_check.example]
type = "HTTPS_STR_MATCH"
fqdn = "www.example.com"
ip_address = "203.0.113.7"
port = 8443
resource_path = "/health"
search_string = "ok"
request_interval = 30
failure_threshold = 5
enable_sni = false
disabled = true
invert_healthcheck = true
regions = ["us-east-1", "us-west-2", "eu-west-1"]
triggers = { version = "2" }
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let Some(kind) = given.attr("type").as_str() else { return problems };
        let has = |name: &str| !given.attr(name).is_empty() || given.attr(name).is_unknown();
        let needs: &[&str] = match kind {
            "CALCULATED" => &["child_healthchecks", "child_health_threshold"],
            "CLOUDWATCH_METRIC" => &["cloudwatch_alarm_name", "cloudwatch_alarm_region"],
            "RECOVERY_CONTROL" => &["routing_control_arn"],
            "HTTP_STR_MATCH" | "HTTPS_STR_MATCH" => &["search_string"],
            _ => &[],
        };
        // A threshold of 0 is one.
        let absent = |name: &&&str| !has(name) && given.attr(name).as_number().is_none();
        problems.extend(needs.iter().filter(absent).map(|name| Problem::new(*name, format!("a health check of the type {kind} needs it"))));
        let looks = kind.starts_with("HTTP") || kind == "TCP";
        if looks && !has("fqdn") && !has("ip_address") {
            problems.push(Problem::new("fqdn", "should be given, or `ip_address`: what is looked at"));
        }
        if kind == "TCP" && !has("port") {
            problems.push(Problem::new("port", "a health check of the type TCP needs it"));
        }
        let interval = given.attr("request_interval").as_number().and_then(|n| n.as_i64());
        if looks && interval.is_some_and(|i| i != 10 && i != 30) {
            problems.push(Problem::new("request_interval", "should be 10 or 30 seconds"));
        }
        let regions = given.attr("regions").items().len();
        if (1..3).contains(&regions) {
            problems.push(Problem::new("regions", "should be three regions at least"));
        }
        problems
    }

    /// What has it look again is the configuration's own matter.
    fn adopt(live: Value, given: &Value) -> Value {
        let triggers = given.attr("triggers").clone();
        if triggers.is_null() || triggers.is_unknown() { live } else { live.with("triggers", triggers) }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let int = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
        let kind = self.r#type.as_str();
        let calculated = kind == "CALCULATED";
        let config = HealthCheckConfig::builder().r#type(HealthCheckType::from(kind));
        let config = config.set_ip_address(self.ip_address.as_ref().map(|i| i.0.clone())).set_port(int(self.port));
        let config = config.set_resource_path(text(&self.resource_path)).set_fully_qualified_domain_name(text(&self.fqdn));
        let config = config.set_search_string(text(&self.search_string)).set_request_interval(int(self.request_interval));
        let config = config.set_failure_threshold(int(self.failure_threshold)).set_enable_sni(self.enable_sni);
        let config = config.set_inverted(self.invert_healthcheck).set_disabled(self.disabled);
        let looks = kind.starts_with("HTTP") || kind == "TCP";
        let config = config.set_measure_latency(self.measure_latency.filter(|_| looks)).set_regions(self.regions());
        let config = config.set_health_threshold(self.threshold().filter(|_| calculated));
        let config = config.set_child_health_checks(self.children().filter(|_| calculated));
        let config = config.set_alarm_identifier(self.alarm()?);
        let unsure = text(&self.insufficient_data_health_status);
        let config = config.set_insufficient_data_health_status(unsure.as_deref().map(InsufficientDataHealthStatus::from));
        let config = config.set_routing_control_arn(self.routing_control_arn.as_ref().map(|a| a.0.clone())).build()?;
        let made = cx.cloud.route53.create_health_check().caller_reference(self.reference(cx)).health_check_config(config).send().await?;
        made.health_check.map(|c| c.id).ok_or_else(|| lacking("health check"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let wanted = self.reference(cx);
        Ok(listed(cx.cloud).await?.into_iter().find(|c| c.caller_reference == wanted).map(|c| c.id))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.route53.list_health_checks().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().map(|c: &Check| {
            let named = c.health_check_config().and_then(|config| config.fully_qualified_domain_name());
            Listed::new(&c.id).named(named).noise(c.linked_service().is_some(), "kept by an AWS service").costs()
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut checks: BTreeMap<Id, Check> = if known.len() > FEW {
            listed(cx.cloud).await?.into_iter().map(|c| (c.id.clone(), c)).collect()
        } else {
            let found = each(known, |k| async move {
                let found = absent(cx.cloud.route53.get_health_check().health_check_id(&k.id).send().await.map_err(Into::into))?;
                Ok(found.and_then(|f| f.health_check).map(|c| (k.id.clone(), c)))
            });
            found.await?.into_iter().collect()
        };
        checks.retain(|id, _| known.iter().any(|k| k.id == *id));
        let ids: Vec<Id> = checks.keys().cloned().collect();
        let mut tags = tags(cx.cloud, TagResourceType::Healthcheck, &ids).await?;
        let live = known.iter().filter_map(|k| {
            let check = checks.remove(&k.id)?;
            let tags_all = tags.remove(&k.id).unwrap_or_default();
            Some(Live { id: k.id.clone(), value: Self { tags_all, ..of_check(cx.cloud, &check, k.prior.as_ref()) } })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (aws, id, old) = (cx.cloud, live.id.as_str(), &live.value);
        let bare = |c: &Self| Self { tags: Tags::new(), tags_all: Tags::new(), ..c.clone() };
        if bare(self) != bare(old) {
            let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
            let int = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok()).filter(|n| *n > 0);
            let calculated = self.r#type == "CALCULATED";
            let call = aws.route53.update_health_check().health_check_id(id);
            let call = call.set_ip_address(self.ip_address.as_ref().map(|i| i.0.clone())).set_port(int(self.port));
            let call = call.set_resource_path(text(&self.resource_path)).set_fully_qualified_domain_name(text(&self.fqdn));
            let call = call.set_search_string(text(&self.search_string)).set_failure_threshold(int(self.failure_threshold));
            let call = call.set_inverted(self.invert_healthcheck).set_disabled(self.disabled).set_enable_sni(self.enable_sni);
            let call = call.set_health_threshold(self.threshold().filter(|_| calculated)).set_regions(self.regions());
            let call = call.set_child_health_checks(self.children().filter(|_| calculated)).set_alarm_identifier(self.alarm()?);
            let unsure = text(&self.insufficient_data_health_status);
            let call = call.set_insufficient_data_health_status(unsure.as_deref().map(InsufficientDataHealthStatus::from));
            call.set_reset_elements(self.reset(old)).send().await?;
        }
        retag(aws, TagResourceType::Healthcheck, id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.route53.delete_health_check().health_check_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if uuid::Uuid::parse_str(given).is_ok() {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the id of a health check"))
            .help("write it like `abcdef11-2222-3333-4444-555555fedcba`"))
    }
}

impl HealthCheck {
    /// What makes a creation known: the user's name for it, and what no other creation has.
    fn reference(&self, cx: &Cx<'_, Aws>) -> String {
        let mut reference = match self.reference_name.as_deref().filter(|n| !n.is_empty()) {
            Some(name) => format!("{name}-{}", cx.token),
            None => cx.token.to_owned(),
        };
        reference.truncate(64);
        reference
    }

    fn regions(&self) -> Option<Vec<HealthCheckRegion>> {
        (!self.regions.is_empty()).then(|| self.regions.iter().map(|r| HealthCheckRegion::from(r.as_str())).collect())
    }

    fn children(&self) -> Option<Vec<String>> {
        (!self.child_healthchecks.is_empty()).then(|| self.child_healthchecks.iter().cloned().collect())
    }

    fn threshold(&self) -> Option<i32> {
        self.child_health_threshold.and_then(|n| i32::try_from(n).ok())
    }

    fn alarm(&self) -> Outcome<Option<AlarmIdentifier>> {
        let Some(name) = self.cloudwatch_alarm_name.as_deref().filter(|n| !n.is_empty()) else { return Ok(None) };
        let region = self.cloudwatch_alarm_region.as_deref().unwrap_or_default();
        Ok(Some(AlarmIdentifier::builder().name(name).region(CloudWatchRegion::from(region)).build()?))
    }

    /// What was there and is to be taken away: leaving it out would leave it there.
    fn reset(&self, old: &Self) -> Option<Vec<ResettableElementName>> {
        let empty = |t: &Option<String>| t.as_deref().unwrap_or_default().is_empty();
        let gone = [
            (!old.regions.is_empty() && self.regions.is_empty(), ResettableElementName::Regions),
            (!empty(&old.resource_path) && empty(&self.resource_path), ResettableElementName::ResourcePath),
            (!empty(&old.fqdn) && empty(&self.fqdn), ResettableElementName::FullyQualifiedDomainName),
            (!old.child_healthchecks.is_empty() && self.child_healthchecks.is_empty(), ResettableElementName::ChildHealthChecks),
        ];
        let gone: Vec<_> = gone.into_iter().filter_map(|(gone, name)| gone.then_some(name)).collect();
        (!gone.is_empty()).then_some(gone)
    }
}

async fn listed(aws: &Aws) -> Outcome<Vec<Check>> {
    Ok(aws.route53.list_health_checks().into_paginator().items().send().try_collect().await?)
}

fn of_check(aws: &Aws, check: &Check, prior: Option<&HealthCheck>) -> HealthCheck {
    let config = check.health_check_config.as_ref();
    let text = |t: Option<&str>| t.filter(|t| !t.is_empty()).map(str::to_owned);
    let int = |n: Option<i32>| n.map(i64::from);
    let alarm = config.and_then(|c| c.alarm_identifier());
    HealthCheck {
        arn: Some(format!("arn:{}:route53:::healthcheck/{}", aws.partition(), check.id)),
        child_health_threshold: int(config.and_then(|c| c.health_threshold)),
        child_healthchecks: config.map(|c| c.child_health_checks().iter().cloned().collect()).unwrap_or_default(),
        cloudwatch_alarm_name: text(alarm.map(|a| a.name())),
        cloudwatch_alarm_region: text(alarm.map(|a| a.region().as_str())),
        disabled: config.and_then(|c| c.disabled).or(Some(false)),
        enable_sni: config.and_then(|c| c.enable_sni),
        failure_threshold: int(config.and_then(|c| c.failure_threshold)),
        fqdn: text(config.and_then(|c| c.fully_qualified_domain_name())),
        insufficient_data_health_status: text(config.and_then(|c| c.insufficient_data_health_status()).map(|s| s.as_str())),
        invert_healthcheck: config.and_then(|c| c.inverted).or(Some(false)),
        ip_address: text(config.and_then(|c| c.ip_address())).map(Ip),
        measure_latency: config.and_then(|c| c.measure_latency).or(Some(false)),
        port: int(config.and_then(|c| c.port)),
        // AWS knows it only as the beginning of what it was sent with.
        reference_name: prior.and_then(|p| p.reference_name.clone()),
        regions: config.map(|c| c.regions().iter().map(|r| r.as_str().to_owned()).collect()).unwrap_or_default(),
        request_interval: int(config.and_then(|c| c.request_interval)),
        resource_path: text(config.and_then(|c| c.resource_path())),
        routing_control_arn: text(config.and_then(|c| c.routing_control_arn())).map(Arn),
        search_string: text(config.and_then(|c| c.search_string())),
        tags: Tags::new(),
        tags_all: Tags::new(),
        triggers: prior.map(|p| p.triggers.clone()).unwrap_or_default(),
        r#type: config.map(|c| c.r#type().as_str().to_owned()).unwrap_or_default(),
    }
}
