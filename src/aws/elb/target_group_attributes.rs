//! The attributes of target groups that AWS keeps as pairs of key and value. AWS tells those of one group a call, and has no
//! call for many.

use aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute;

use super::target_group::{DnsFailover, Failover, GroupHealth, HealthState, StateRouting, Stickiness, TargetGroup};
use super::{Settings, some};
use crate::aws::Aws;
use crate::words::failure::Outcome;

const DELAY: &str = "deregistration_delay.timeout_seconds";
const TERMINATION: &str = "deregistration_delay.connection_termination.enabled";
const ALGORITHM: &str = "load_balancing.algorithm.type";
const ANOMALY: &str = "load_balancing.algorithm.anomaly_mitigation";
const CROSS_ZONE: &str = "load_balancing.cross_zone.enabled";
const MULTI_VALUE: &str = "lambda.multi_value_headers.enabled";
const CLIENT_IP: &str = "preserve_client_ip.enabled";
const PROXY: &str = "proxy_protocol_v2.enabled";
const SLOW_START: &str = "slow_start.duration_seconds";
const STICKY: &str = "stickiness.enabled";
const STICKY_TYPE: &str = "stickiness.type";
const LB_COOKIE: &str = "stickiness.lb_cookie.duration_seconds";
const APP_COOKIE: &str = "stickiness.app_cookie.duration_seconds";
const APP_COOKIE_NAME: &str = "stickiness.app_cookie.cookie_name";
const ON_DEREGISTRATION: &str = "target_failover.on_deregistration";
const ON_UNHEALTHY: &str = "target_failover.on_unhealthy";
const DNS_COUNT: &str = "target_group_health.dns_failover.minimum_healthy_targets.count";
const DNS_PERCENTAGE: &str = "target_group_health.dns_failover.minimum_healthy_targets.percentage";
const STATE_COUNT: &str = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.count";
const STATE_PERCENTAGE: &str = "target_group_health.unhealthy_state_routing.minimum_healthy_targets.percentage";
const UNHEALTHY_TERMINATION: &str = "target_health_state.unhealthy.connection_termination.enabled";
const UNHEALTHY_DRAINING: &str = "target_health_state.unhealthy.draining_interval_seconds";

impl TargetGroup {
    fn is_http(&self) -> bool {
        matches!(self.protocol.as_deref(), Some("HTTP" | "HTTPS"))
    }

    fn is_tcp(&self) -> bool {
        matches!(self.protocol.as_deref(), Some("TCP" | "TLS" | "UDP" | "TCP_UDP" | "QUIC" | "TCP_QUIC"))
    }

    /// Whether AWS has that key for a group of this kind.
    fn knows(&self, key: &str) -> bool {
        let geneve = self.protocol.as_deref() == Some("GENEVE");
        match self.target_type.as_deref() {
            Some("lambda") => return key == MULTI_VALUE,
            Some("alb") => return key.starts_with("target_group_health"),
            _ => {}
        }
        match key {
            DELAY => true,
            TERMINATION | PROXY | CLIENT_IP | UNHEALTHY_TERMINATION | UNHEALTHY_DRAINING => self.is_tcp(),
            ALGORITHM | ANOMALY | SLOW_START | LB_COOKIE | APP_COOKIE | APP_COOKIE_NAME => self.is_http(),
            CROSS_ZONE | DNS_COUNT | DNS_PERCENTAGE | STATE_COUNT | STATE_PERCENTAGE => !geneve,
            STICKY | STICKY_TYPE => self.protocol.as_deref() != Some("TLS"),
            ON_DEREGISTRATION | ON_UNHEALTHY => geneve,
            _ => false,
        }
    }

    /// What is said of it, as AWS keeps it; what is left out is AWS's to choose.
    pub(super) fn settings(&self) -> Settings {
        let flag = |b: Option<bool>| b.map(|b| b.to_string());
        let int = |n: Option<i64>| n.map(|n| n.to_string());
        let text = |t: &Option<String>| some(t.as_deref());
        let mut all = vec![
            (DELAY, text(&self.deregistration_delay)),
            (TERMINATION, flag(self.connection_termination)),
            (ALGORITHM, text(&self.load_balancing_algorithm_type)),
            (ANOMALY, text(&self.load_balancing_anomaly_mitigation)),
            (CROSS_ZONE, text(&self.load_balancing_cross_zone_enabled)),
            (MULTI_VALUE, flag(self.lambda_multi_value_headers_enabled)),
            (CLIENT_IP, text(&self.preserve_client_ip)),
            (PROXY, flag(self.proxy_protocol_v2)),
            (SLOW_START, int(self.slow_start)),
        ];
        if let Some(sticky) = &self.stickiness {
            let (on, kind) = (sticky.enabled.unwrap_or(true), sticky.r#type.as_deref().unwrap_or_default());
            all.push((STICKY, Some(on.to_string())));
            if on {
                all.push((STICKY_TYPE, some(Some(kind))));
                match kind {
                    "lb_cookie" => all.push((LB_COOKIE, int(sticky.cookie_duration))),
                    "app_cookie" => {
                        all.extend([(APP_COOKIE, int(sticky.cookie_duration)), (APP_COOKIE_NAME, text(&sticky.cookie_name))]);
                    }
                    _ => {}
                }
            }
        }
        if let Some(failover) = self.target_failover.first() {
            all.extend([(ON_DEREGISTRATION, text(&failover.on_deregistration)), (ON_UNHEALTHY, text(&failover.on_unhealthy))]);
        }
        if let Some(health) = &self.target_group_health {
            if let Some(dns) = &health.dns_failover {
                all.push((DNS_COUNT, text(&dns.minimum_healthy_targets_count)));
                all.push((DNS_PERCENTAGE, text(&dns.minimum_healthy_targets_percentage)));
            }
            if let Some(state) = &health.unhealthy_state_routing {
                all.push((STATE_COUNT, int(state.minimum_healthy_targets_count)));
                all.push((STATE_PERCENTAGE, text(&state.minimum_healthy_targets_percentage)));
            }
        }
        if let Some(state) = self.target_health_state.first() {
            all.push((UNHEALTHY_TERMINATION, flag(state.enable_unhealthy_connection_termination)));
            all.push((UNHEALTHY_DRAINING, int(state.unhealthy_draining_interval)));
        }
        let told = all.into_iter().filter(|(key, _)| self.knows(key));
        told.filter_map(|(key, value)| Some((key.to_owned(), value?))).collect()
    }

    /// The same with what AWS says. What its kind does not know is as it was asked for, or as it would be by default.
    pub(super) fn with_settings(self, said: &Settings, prior: Option<&Self>) -> Self {
        let text = |key: &str| some(said.get(key).map(String::as_str));
        let flag = |key: &str| text(key).map(|v| v == "true");
        let int = |key: &str| text(key).and_then(|v| v.parse::<i64>().ok());
        let p = prior;
        let group_health = GroupHealth {
            dns_failover: text(DNS_COUNT).or_else(|| text(DNS_PERCENTAGE)).map(|_| DnsFailover {
                minimum_healthy_targets_count: text(DNS_COUNT),
                minimum_healthy_targets_percentage: text(DNS_PERCENTAGE),
            }),
            unhealthy_state_routing: text(STATE_COUNT).or_else(|| text(STATE_PERCENTAGE)).map(|_| StateRouting {
                minimum_healthy_targets_count: int(STATE_COUNT),
                minimum_healthy_targets_percentage: text(STATE_PERCENTAGE),
            }),
        };
        let told = group_health.dns_failover.is_some() || group_health.unhealthy_state_routing.is_some();
        Self {
            connection_termination: flag(TERMINATION).or_else(|| p.and_then(|p| p.connection_termination)),
            deregistration_delay: text(DELAY).or_else(|| p.and_then(|p| p.deregistration_delay.clone())).or_else(|| Some("300".into())),
            lambda_multi_value_headers_enabled: flag(MULTI_VALUE)
                .or_else(|| p.and_then(|p| p.lambda_multi_value_headers_enabled))
                .or(Some(false)),
            load_balancing_algorithm_type: text(ALGORITHM).or_else(|| p.and_then(|p| p.load_balancing_algorithm_type.clone())),
            load_balancing_anomaly_mitigation: text(ANOMALY).or_else(|| p.and_then(|p| p.load_balancing_anomaly_mitigation.clone())),
            load_balancing_cross_zone_enabled: text(CROSS_ZONE).or_else(|| p.and_then(|p| p.load_balancing_cross_zone_enabled.clone())),
            preserve_client_ip: text(CLIENT_IP).or_else(|| p.and_then(|p| p.preserve_client_ip.clone())),
            proxy_protocol_v2: flag(PROXY).or_else(|| p.and_then(|p| p.proxy_protocol_v2)).or(Some(false)),
            slow_start: int(SLOW_START).or_else(|| p.and_then(|p| p.slow_start)).or(Some(0)),
            stickiness: stickiness(said, p.and_then(|p| p.stickiness.as_ref())),
            target_failover: match (text(ON_DEREGISTRATION), text(ON_UNHEALTHY)) {
                (None, None) => vec![],
                (on_deregistration, on_unhealthy) => vec![Failover { on_deregistration, on_unhealthy }],
            },
            target_group_health: told.then_some(group_health),
            target_health_state: match flag(UNHEALTHY_TERMINATION) {
                None => vec![],
                some => vec![HealthState {
                    enable_unhealthy_connection_termination: some,
                    unhealthy_draining_interval: int(UNHEALTHY_DRAINING),
                }],
            },
            ..self
        }
    }
}

/// Whether a client stays with a target. While it does not, how it would is as it was asked for.
fn stickiness(said: &Settings, prior: Option<&Stickiness>) -> Option<Stickiness> {
    let text = |key: &str| some(said.get(key).map(String::as_str));
    let enabled = text(STICKY)? == "true";
    if let (false, Some(prior)) = (enabled, prior) {
        return Some(Stickiness { enabled: Some(false), ..prior.clone() });
    }
    let kind = text(STICKY_TYPE)?;
    let (duration, name) = match kind.as_str() {
        "lb_cookie" => (text(LB_COOKIE), None),
        "app_cookie" => (text(APP_COOKIE), text(APP_COOKIE_NAME)),
        // They know no cookie.
        _ => (prior.and_then(|p| p.cookie_duration).map(|d| d.to_string()), prior.and_then(|p| p.cookie_name.clone())),
    };
    let duration = duration.and_then(|d| d.parse().ok()).or(Some(86400));
    Some(Stickiness { cookie_duration: duration, cookie_name: name, enabled: Some(enabled), r#type: Some(kind) })
}

/// The attributes of one target group, as AWS keeps them.
pub(super) async fn described(aws: &Aws, arn: &str) -> Outcome<Settings> {
    let found = aws.elb.describe_target_group_attributes().target_group_arn(arn).send().await?;
    Ok(found.attributes.unwrap_or_default().into_iter().filter_map(|a| Some((a.key?, a.value.unwrap_or_default()))).collect())
}

/// Sets them.
pub(super) async fn set(aws: &Aws, arn: &str, set: Settings) -> Outcome<()> {
    let set = set.into_iter().map(|(k, v)| TargetGroupAttribute::builder().key(k).value(v).build()).collect();
    aws.elb.modify_target_group_attributes().target_group_arn(arn).set_attributes(Some(set)).send().await?;
    Ok(())
}
