//! Target groups.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{Matcher, ProtocolEnum, TargetGroup as Group, TargetGroupIpAddressTypeEnum, TargetTypeEnum};

use super::target_group_attributes as attributes;
use super::{PAGE, arn_of_kind, bad_name, int, retag, some, suffix, tagged, tags_of, unset};
use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

/// How many groups one page lists.
const LISTED: i32 = 400;

crate::blocks! {
    /// Where a load balancer sends requests to, and how it sees that they are well there.
    pub struct TargetGroup {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The end of its ARN, by which CloudWatch knows it: `targetgroup/NAME/ID`.
        #[attr(computed)]
        arn_suffix: Option<String>,
        /// Whether connections end when a target's time to drain is over; of TCP and UDP.
        #[attr(chosen)]
        connection_termination: Option<bool>,
        /// For how many seconds a target that leaves goes on with what it has begun.
        #[attr(default_text("300"))]
        deregistration_delay: Option<String>,
        /// How it is seen that targets are well.
        #[attr(chosen)]
        health_check: Option<HealthCheck>,
        /// What addresses of targets are.
        #[attr(chosen, force_new, one_of(&["ipv4", "ipv6"]))]
        ip_address_type: Option<String>,
        /// Whether headers that come several times are told as lists; of Lambda functions.
        #[attr(default_bool(false))]
        lambda_multi_value_headers_enabled: Option<bool>,
        /// The load balancers that send to it.
        #[attr(computed)]
        load_balancer_arns: BTreeSet<String>,
        /// Which target gets the next request; of HTTP.
        #[attr(chosen, one_of(&["round_robin", "least_outstanding_requests", "weighted_random"]))]
        load_balancing_algorithm_type: Option<String>,
        /// Whether targets that do worse than others get less; only with `weighted_random`.
        #[attr(chosen, one_of(&["on", "off"]))]
        load_balancing_anomaly_mitigation: Option<String>,
        /// Whether requests go to targets of other zones: `true`, `false`, or as the load balancer says.
        #[attr(chosen, one_of(&["true", "false", "use_load_balancer_configuration"]))]
        load_balancing_cross_zone_enabled: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 32), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 6), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The port of targets that have none of their own.
        #[attr(force_new, within(1, 65535))]
        port: Option<i64>,
        /// Whether targets see the client's address: `true` or `false`; of TCP and UDP.
        #[attr(chosen, one_of(&["true", "false"]))]
        preserve_client_ip: Option<String>,
        /// How targets are spoken to.
        #[attr(force_new, one_of(&["GENEVE", "HTTP", "HTTPS", "TCP", "TCP_UDP", "TLS", "UDP", "QUIC", "TCP_QUIC"]))]
        protocol: Option<String>,
        /// The version of HTTP.
        #[attr(chosen, force_new, one_of(&["HTTP1", "HTTP2", "GRPC"]))]
        protocol_version: Option<String>,
        /// Whether connections begin with the PROXY protocol; of TCP and UDP.
        #[attr(default_bool(false))]
        proxy_protocol_v2: Option<bool>,
        /// For how many seconds the share of a new target grows: 0, or 30 to 900; of HTTP.
        #[attr(default_int(0), within(0, 900))]
        slow_start: Option<i64>,
        /// Whether a client stays with a target.
        #[attr(chosen)]
        stickiness: Option<Stickiness>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// What becomes of flows when a target goes; of gateway load balancers.
        #[attr(chosen)]
        target_failover: Vec<Failover>,
        /// From when on the group counts as unhealthy.
        #[attr(chosen)]
        target_group_health: Option<GroupHealth>,
        /// What becomes of connections to unhealthy targets; of TCP and TLS.
        #[attr(chosen)]
        target_health_state: Vec<HealthState>,
        /// What its targets are.
        #[attr(force_new, default_text("instance"), one_of(&["instance", "ip", "lambda", "alb"]))]
        target_type: Option<String>,
        /// The VPC that its targets are in.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }

    /// How it is seen that targets are well.
    pub struct HealthCheck {
        /// Whether they are looked at.
        #[attr(default_bool(true))]
        enabled: Option<bool>,
        /// After how many good answers a target is well.
        #[attr(default_int(3), within(2, 10))]
        healthy_threshold: Option<i64>,
        /// Seconds between two looks.
        #[attr(default_int(30), within(5, 300))]
        interval: Option<i64>,
        /// The HTTP or gRPC codes of a good answer, `200-399`.
        #[attr(chosen)]
        matcher: Option<String>,
        /// The path that is asked for.
        #[attr(chosen, within(1, 1024))]
        path: Option<String>,
        /// The port that is asked, or `traffic-port`.
        #[attr(default_text("traffic-port"))]
        port: Option<String>,
        /// How it is asked.
        #[attr(default_text("HTTP"), one_of(&["HTTP", "HTTPS", "TCP"]))]
        protocol: Option<String>,
        /// Seconds that an answer may take.
        #[attr(chosen, within(2, 120))]
        timeout: Option<i64>,
        /// After how many bad answers a target is not well.
        #[attr(default_int(3), within(2, 10))]
        unhealthy_threshold: Option<i64>,
    }

    /// Whether a client stays with a target.
    pub struct Stickiness {
        /// For how many seconds.
        #[attr(default_int(86400), within(0, 604_800))]
        cookie_duration: Option<i64>,
        /// The application's cookie.
        cookie_name: Option<String>,
        /// Whether it does.
        #[attr(default_bool(true))]
        enabled: Option<bool>,
        /// What it is known by.
        #[attr(required, one_of(&["lb_cookie", "app_cookie", "source_ip", "source_ip_dest_ip", "source_ip_dest_ip_proto"]))]
        r#type: Option<String>,
    }

    /// What becomes of flows when a target goes.
    pub struct Failover {
        /// When it is taken out.
        #[attr(required, one_of(&["rebalance", "no_rebalance"]))]
        on_deregistration: Option<String>,
        /// When it is not well.
        #[attr(required, one_of(&["rebalance", "no_rebalance"]))]
        on_unhealthy: Option<String>,
    }

    /// From when on the group counts as unhealthy.
    pub struct GroupHealth {
        /// For the DNS name of its zone.
        dns_failover: Option<DnsFailover>,
        /// For sending to all, also the unhealthy.
        unhealthy_state_routing: Option<StateRouting>,
    }

    /// From when on DNS leads elsewhere.
    pub struct DnsFailover {
        /// Below how many healthy targets, or `off`.
        #[attr(default_text("1"))]
        minimum_healthy_targets_count: Option<String>,
        /// Below which percentage of healthy targets, or `off`.
        #[attr(default_text("off"))]
        minimum_healthy_targets_percentage: Option<String>,
    }

    /// From when on all get requests.
    pub struct StateRouting {
        /// Below how many healthy targets.
        #[attr(default_int(1))]
        minimum_healthy_targets_count: Option<i64>,
        /// Below which percentage of healthy targets, or `off`.
        #[attr(default_text("off"))]
        minimum_healthy_targets_percentage: Option<String>,
    }

    /// What becomes of connections to unhealthy targets.
    pub struct HealthState {
        /// Whether they end.
        #[attr(required)]
        enable_unhealthy_connection_termination: Option<bool>,
        /// After how many seconds.
        #[attr(within(0, 360_000))]
        unhealthy_draining_interval: Option<i64>,
    }
}

impl Resource for TargetGroup {
    const TYPE: &'static str = "aws_lb_target_group";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 3000;
    // The same name with the same settings gives what there is.
    const UPSERTS: bool = true;
    const RETRY: &'static [Retry] =
        &[Retry { operation: "DeleteTargetGroup", code: "ResourceInUse", message: "", within: Duration::from_secs(120) }];
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.main]
default = true

[resource.aws_lb_target_group.example]
name = "example"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"
health_check = [{ path = "/" }]
tags = { team = "infra" }
---
[data.aws_vpc.main]
default = true

[resource.aws_lb_target_group.example]
name = "example"
port = 8080
protocol = "HTTP"
vpc_id = "${data.aws_vpc.main.id}"
deregistration_delay = "30"
load_balancing_algorithm_type = "weighted_random"
load_balancing_anomaly_mitigation = "on"
load_balancing_cross_zone_enabled = "true"
tags = { team = "platform", Name = "example" }

[[resource.aws_lb_target_group.example.health_check]]
path = "/health"
port = "8081"
protocol = "HTTPS"
matcher = "200-299"
interval = 15
timeout = 4
healthy_threshold = 2
unhealthy_threshold = 4

[[resource.aws_lb_target_group.example.stickiness]]
type = "app_cookie"
cookie_name = "session"
cookie_duration = 3600

[[resource.aws_lb_target_group.example.target_group_health]]
dns_failover = [{ minimum_healthy_targets_count = "2", minimum_healthy_targets_percentage = "50" }]
unhealthy_state_routing = [{ minimum_healthy_targets_count = 2, minimum_healthy_targets_percentage = "50" }]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems: Vec<Problem> = bad_name(given).into_iter().collect();
        let kind = given.attr("target_type");
        if kind.is_unknown() {
            return problems;
        }
        let lambda = kind.as_str() == Some("lambda");
        for name in ["port", "protocol", "vpc_id"] {
            if !lambda && given.attr(name).is_null() {
                problems.push(Problem::new(name, format!("a target group needs a `{name}`, unless its target is a Lambda function")));
            }
        }
        let int = |v: &Value| v.as_number().and_then(|n| n.as_i64());
        if int(given.attr("slow_start")).is_some_and(|s| (1..30).contains(&s)) {
            problems.push(Problem::new("slow_start", "should be 0 for none, or 30 to 900 seconds"));
        }
        let delay = given.attr("deregistration_delay").as_str().map(str::parse::<u32>);
        if delay.is_some_and(|d| !d.is_ok_and(|d| d <= 3600)) {
            problems.push(Problem::new("deregistration_delay", "should be a number of seconds from 0 to 3600"));
        }
        if let Some(check) = given.attr("health_check").items().first() {
            if given.attr("protocol").as_str() == Some("HTTP")
                && let (Some(timeout), Some(interval)) = (int(check.attr("timeout")), int(check.attr("interval")).or(Some(30)))
                && timeout >= interval
            {
                problems.push(Problem::new("health_check.0.timeout", format!("should be less than the interval of {interval} seconds")));
            }
            if check.attr("path").as_str().is_some_and(|p| !p.is_empty() && !p.starts_with('/')) {
                problems.push(Problem::new("health_check.0.path", "should begin with `/`"));
            }
            if check.attr("protocol").as_str() == Some("TCP") {
                for name in ["path", "matcher"].into_iter().filter(|name| !check.attr(name).is_empty()) {
                    problems.push(Problem::new(format!("health_check.0.{name}"), "a check over TCP asks for nothing and gets no code"));
                }
            }
        }
        if let Some(sticky) = given.attr("stickiness").items().first()
            && sticky.attr("type").as_str() == Some("app_cookie")
            && sticky.attr("cookie_name").is_null()
        {
            problems.push(Problem::new("stickiness.0.cookie_name", "`app_cookie` needs the name of the application's cookie"));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let lambda = self.target_type.as_deref() == Some("lambda");
        let call = cx.cloud.elb.create_target_group().name(self.named(cx));
        let call = call.set_target_type(some(self.target_type.as_deref()).as_deref().map(TargetTypeEnum::from));
        let call = if lambda {
            call
        } else {
            let call = call.set_protocol(self.protocol.as_deref().map(ProtocolEnum::from)).set_port(int(self.port));
            call.set_vpc_id(self.vpc_id.clone()).set_protocol_version(some(self.protocol_version.as_deref()))
        };
        let kind = some(self.ip_address_type.as_deref());
        let mut call = call.set_ip_address_type(kind.as_deref().map(TargetGroupIpAddressTypeEnum::from));
        if let Some(check) = &self.health_check {
            call = call.set_health_check_enabled(check.enabled).set_matcher(self.matcher(check));
            call = call.set_health_check_path(some(check.path.as_deref())).set_health_check_interval_seconds(int(check.interval));
            call = call.set_healthy_threshold_count(int(check.healthy_threshold));
            call = call.set_unhealthy_threshold_count(int(check.unhealthy_threshold));
            call = call.set_health_check_timeout_seconds(int(check.timeout));
            if !lambda {
                call = call.set_health_check_port(some(check.port.as_deref()));
                call = call.set_health_check_protocol(check.protocol.as_deref().map(ProtocolEnum::from));
            }
        }
        // Of GENEVE AWS refuses tags at creation.
        let tags = if self.protocol.as_deref() == Some("GENEVE") { None } else { tagged(&self.tags_all) };
        let made = call.set_tags(tags).send().await?;
        let arn = made.target_groups.unwrap_or_default().into_iter().find_map(|g| g.target_group_arn);
        arn.ok_or_else(|| lacking("ARN of the target group"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = absent(cx.cloud.elb.describe_target_groups().names(self.named(cx)).send().await.map_err(Into::into))?;
        Ok(found.and_then(|f| f.target_groups).unwrap_or_default().into_iter().find_map(|g| g.target_group_arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.elb.describe_target_groups().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|g| Some(Listed::new(g.target_group_arn()?).named(g.target_group_name())));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = described(cx.cloud, known).await?;
        let arns: Vec<Id> = found.iter().filter_map(|g| g.target_group_arn.clone()).collect();
        let priors: HashMap<&str, &Self> = known.iter().filter_map(|k| Some((k.id.as_str(), k.prior.as_ref()?))).collect();
        let priors = &priors;
        let one = |group: Group| async move {
            let arn = group.target_group_arn.clone().unwrap_or_default();
            let prior = priors.get(arn.as_str()).copied();
            let Some(said) = absent(attributes::described(cx.cloud, &arn).await)? else { return Ok(None) };
            Ok(Some(Live { id: arn, value: of_group(&group, prior).with_settings(&said, prior) }))
        };
        let (live, mut tags) = futures::try_join!(each(found, one), tags_of(cx.cloud, &arns))?;
        let tagged = live.into_iter().map(|live| {
            let tags_all = tags.remove(&live.id).unwrap_or_default();
            Live { value: Self { tags_all, ..live.value }, id: live.id }
        });
        Ok(tagged.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (arn, old) = (live.id.as_str(), &live.value);
        if let Some(check) = self.health_check.as_ref().filter(|c| old.health_check.as_ref() != Some(c)) {
            let call = cx.cloud.elb.modify_target_group().target_group_arn(arn).set_health_check_enabled(check.enabled);
            let call = call.set_health_check_path(some(check.path.as_deref())).set_health_check_interval_seconds(int(check.interval));
            let call = call.set_health_check_timeout_seconds(int(check.timeout)).set_matcher(self.matcher(check));
            let call = call.set_healthy_threshold_count(int(check.healthy_threshold));
            let mut call = call.set_unhealthy_threshold_count(int(check.unhealthy_threshold));
            if self.target_type.as_deref() != Some("lambda") {
                call = call.set_health_check_port(some(check.port.as_deref()));
                call = call.set_health_check_protocol(check.protocol.as_deref().map(ProtocolEnum::from));
            }
            call.send().await?;
        }
        let set = unset(&self.settings(), &old.settings());
        if !set.is_empty() {
            attributes::set(cx.cloud, arn, set).await?;
        }
        retag(cx.cloud, arn, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let deleted = cx.cloud.elb.delete_target_group().target_group_arn(&live.id).send().await.map_err(Failure::from);
        deleted.map(drop).map_err(|failure| match failure.cause {
            Cause::Busy => failure.help(
                "a listener or a rule sends to it; to replace it, give it a `name_prefix` in place of a `name` and \
                 `lifecycle.create_before_destroy`, so that they can turn to the new one first",
            ),
            _ => failure,
        })
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of_kind(given, "targetgroup/", "a target group")
    }
}

impl TargetGroup {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        let prefix = some(self.name_prefix.as_deref()).unwrap_or_else(|| "tf-".into());
        name::generate(self.name.as_deref(), Some(&prefix), cx.token)
    }

    fn matcher(&self, check: &HealthCheck) -> Option<Matcher> {
        let codes = some(check.matcher.as_deref())?;
        let matcher = Matcher::builder();
        let grpc = self.protocol_version.as_deref() == Some("GRPC");
        Some(if grpc { matcher.grpc_code(codes) } else { matcher.http_code(codes) }.build())
    }
}

/// Those of them that exist. Of more than a call takes by ARN, all that the account has are listed: that is cheaper.
async fn described(aws: &Aws, known: &[Known<TargetGroup>]) -> Outcome<Vec<Group>> {
    if known.len() <= PAGE {
        let call = |arns: Vec<Id>| async move {
            let answer = aws.elb.describe_target_groups().set_target_group_arns(Some(arns)).send().await?;
            Ok(answer.target_groups.unwrap_or_default())
        };
        return super::described(known.iter().map(|k| k.id.clone()).collect(), &call).await;
    }
    let ids: BTreeSet<&str> = known.iter().map(|k| k.id.as_str()).collect();
    let mut pages = aws.elb.describe_target_groups().page_size(LISTED).into_paginator().items().send();
    let mut found = vec![];
    while let Some(group) = pages.next().await {
        let group = group.map_err(Failure::from)?;
        if group.target_group_arn().is_some_and(|arn| ids.contains(arn)) {
            found.push(group);
        }
    }
    Ok(found)
}

/// What one describe call tells of it.
fn of_group(group: &Group, prior: Option<&TargetGroup>) -> TargetGroup {
    let arn = group.target_group_arn();
    let name = some(group.target_group_name());
    let lambda = group.target_type() == Some(&TargetTypeEnum::Lambda);
    let int = |n: Option<i32>| n.map(i64::from);
    let matcher = group.matcher().and_then(|m| some(m.http_code()).or_else(|| some(m.grpc_code())));
    // A function has none of its own; what was asked for means nothing.
    let asked = prior.and_then(|p| p.health_check.as_ref()).filter(|_| lambda);
    let check = HealthCheck {
        enabled: group.health_check_enabled(),
        healthy_threshold: int(group.healthy_threshold_count()),
        interval: int(group.health_check_interval_seconds()),
        matcher,
        path: some(group.health_check_path()),
        port: some(group.health_check_port()).or_else(|| asked.and_then(|a| a.port.clone())),
        protocol: some(group.health_check_protocol().map(ProtocolEnum::as_str)).or_else(|| asked.and_then(|a| a.protocol.clone())),
        timeout: int(group.health_check_timeout_seconds()),
        unhealthy_threshold: int(group.unhealthy_threshold_count()),
    };
    TargetGroup {
        arn: some(arn),
        arn_suffix: arn.and_then(suffix),
        connection_termination: None,
        deregistration_delay: None,
        health_check: Some(check),
        ip_address_type: some(group.ip_address_type().map(TargetGroupIpAddressTypeEnum::as_str)),
        lambda_multi_value_headers_enabled: None,
        load_balancer_arns: group.load_balancer_arns().iter().cloned().collect(),
        load_balancing_algorithm_type: None,
        load_balancing_anomaly_mitigation: None,
        load_balancing_cross_zone_enabled: None,
        name_prefix: name.as_deref().and_then(name::prefix_of),
        name,
        port: int(group.port()).or_else(|| prior.filter(|_| lambda).and_then(|p| p.port)),
        preserve_client_ip: None,
        protocol: some(group.protocol().map(ProtocolEnum::as_str)).or_else(|| prior.filter(|_| lambda).and_then(|p| p.protocol.clone())),
        protocol_version: some(group.protocol_version()),
        proxy_protocol_v2: None,
        slow_start: None,
        stickiness: None,
        tags: Tags::new(),
        tags_all: Tags::new(),
        target_failover: vec![],
        target_group_health: None,
        target_health_state: vec![],
        target_type: some(group.target_type().map(TargetTypeEnum::as_str)),
        vpc_id: some(group.vpc_id()).or_else(|| prior.filter(|_| lambda).and_then(|p| p.vpc_id.clone())),
    }
}
