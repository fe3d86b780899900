//! The attributes of load balancers that AWS keeps as pairs of key and value.

use super::lb::{Lb, Logs};
use super::{Settings, some};
use crate::aws::Aws;
use crate::words::failure::Outcome;

/// What every kind has, and what each has besides.
const ALL: &[&str] = &["deletion_protection.enabled"];
const APPLICATION: &[&str] = &[
    "access_logs.s3.enabled",
    "access_logs.s3.bucket",
    "access_logs.s3.prefix",
    "client_keep_alive.seconds",
    "connection_logs.s3.enabled",
    "connection_logs.s3.bucket",
    "connection_logs.s3.prefix",
    "idle_timeout.timeout_seconds",
    "routing.http.desync_mitigation_mode",
    "routing.http.drop_invalid_header_fields.enabled",
    "routing.http.preserve_host_header.enabled",
    "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
    "routing.http.xff_client_port.enabled",
    "routing.http.xff_header_processing.mode",
    "routing.http2.enabled",
    "waf.fail_open.enabled",
    "zonal_shift.config.enabled",
];
const NETWORK: &[&str] = &[
    "access_logs.s3.enabled",
    "access_logs.s3.bucket",
    "access_logs.s3.prefix",
    "dns_record.client_routing_policy",
    "load_balancing.cross_zone.enabled",
    "zonal_shift.config.enabled",
];
const GATEWAY: &[&str] = &["load_balancing.cross_zone.enabled"];

/// The keys of the attributes that not every kind has.
const KEYS: &[(&str, &str)] = &[
    ("client_keep_alive", "client_keep_alive.seconds"),
    ("desync_mitigation_mode", "routing.http.desync_mitigation_mode"),
    ("dns_record_client_routing_policy", "dns_record.client_routing_policy"),
    ("drop_invalid_header_fields", "routing.http.drop_invalid_header_fields.enabled"),
    ("enable_cross_zone_load_balancing", "load_balancing.cross_zone.enabled"),
    ("enable_http2", "routing.http2.enabled"),
    ("enable_tls_version_and_cipher_suite_headers", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
    ("enable_waf_fail_open", "waf.fail_open.enabled"),
    ("enable_xff_client_port", "routing.http.xff_client_port.enabled"),
    ("enable_zonal_shift", "zonal_shift.config.enabled"),
    ("idle_timeout", "idle_timeout.timeout_seconds"),
    ("preserve_host_header", "routing.http.preserve_host_header.enabled"),
    ("xff_header_processing_mode", "routing.http.xff_header_processing.mode"),
];

/// The attributes that mean nothing for that kind of load balancer.
pub(super) fn foreign(kind: &str) -> impl Iterator<Item = &'static str> {
    KEYS.iter().filter(move |(_, key)| !knows(kind, key)).map(|(name, _)| *name)
}

/// Whether that kind of load balancer knows that key.
fn knows(kind: &str, key: &str) -> bool {
    let own = match kind {
        "network" => NETWORK,
        "gateway" => GATEWAY,
        _ => APPLICATION,
    };
    ALL.contains(&key) || own.contains(&key)
}

impl Lb {
    /// What its kind knows of what is wanted.
    pub(super) fn settings(&self) -> Settings {
        let flag = |b: Option<bool>, default: bool| b.unwrap_or(default).to_string();
        let int = |n: Option<i64>, default: i64| n.unwrap_or(default).to_string();
        let text = |t: &Option<String>, default: &str| some(t.as_deref()).unwrap_or_else(|| default.to_owned());
        let mut all = vec![
            ("deletion_protection.enabled", flag(self.enable_deletion_protection, false)),
            ("client_keep_alive.seconds", int(self.client_keep_alive, 3600)),
            ("idle_timeout.timeout_seconds", int(self.idle_timeout, 60)),
            ("routing.http.desync_mitigation_mode", text(&self.desync_mitigation_mode, "defensive")),
            ("routing.http.drop_invalid_header_fields.enabled", flag(self.drop_invalid_header_fields, false)),
            ("routing.http.preserve_host_header.enabled", flag(self.preserve_host_header, false)),
            ("routing.http.x_amzn_tls_version_and_cipher_suite.enabled", flag(self.enable_tls_version_and_cipher_suite_headers, false)),
            ("routing.http.xff_client_port.enabled", flag(self.enable_xff_client_port, false)),
            ("routing.http.xff_header_processing.mode", text(&self.xff_header_processing_mode, "append")),
            ("routing.http2.enabled", flag(self.enable_http2, true)),
            ("waf.fail_open.enabled", flag(self.enable_waf_fail_open, false)),
            ("zonal_shift.config.enabled", flag(self.enable_zonal_shift, false)),
            ("dns_record.client_routing_policy", text(&self.dns_record_client_routing_policy, "any_availability_zone")),
            ("load_balancing.cross_zone.enabled", flag(self.enable_cross_zone_load_balancing, false)),
        ];
        for (to, logs) in [("access", &self.access_logs), ("connection", &self.connection_logs)] {
            let on = logs.as_ref().filter(|l| l.enabled == Some(true));
            let keys = match to {
                "access" => ["access_logs.s3.enabled", "access_logs.s3.bucket", "access_logs.s3.prefix"],
                _ => ["connection_logs.s3.enabled", "connection_logs.s3.bucket", "connection_logs.s3.prefix"],
            };
            all.push((keys[0], on.is_some().to_string()));
            // Where they go means nothing while none are written.
            if let Some(logs) = on {
                all.push((keys[1], logs.bucket.clone().unwrap_or_default()));
                all.push((keys[2], logs.prefix.clone().unwrap_or_default()));
            }
        }
        let kind = self.kind();
        all.into_iter().filter(|(key, _)| knows(kind, key)).map(|(key, value)| (key.to_owned(), value)).collect()
    }

    /// The same with what AWS says. What its kind does not know is as it was asked for, or as it would be by default.
    pub(super) fn with_settings(self, said: &Settings, prior: Option<&Self>) -> Self {
        let get = |key: &str| said.get(key).map(String::as_str);
        let p = prior;
        // A state may lack what means nothing for the kind: then it goes on to.
        let flag = |key: &str, prior: Option<bool>, default: bool| match get(key) {
            Some(value) => Some(value == "true"),
            None if p.is_some() => prior,
            None => Some(default),
        };
        let int = |key: &str, prior: Option<i64>, default: i64| match get(key) {
            Some(value) => value.parse().ok(),
            None if p.is_some() => prior,
            None => Some(default),
        };
        let text = |key: &str, prior: Option<&String>, default: &str| match get(key) {
            Some(value) => some(Some(value)),
            None if p.is_some() => prior.cloned(),
            None => Some(default.to_owned()),
        };
        Self {
            access_logs: logs(said, "access_logs", p.and_then(|p| p.access_logs.as_ref())),
            connection_logs: logs(said, "connection_logs", p.and_then(|p| p.connection_logs.as_ref())),
            client_keep_alive: int("client_keep_alive.seconds", p.and_then(|p| p.client_keep_alive), 3600),
            desync_mitigation_mode: text(
                "routing.http.desync_mitigation_mode",
                p.and_then(|p| p.desync_mitigation_mode.as_ref()),
                "defensive",
            ),
            dns_record_client_routing_policy: text(
                "dns_record.client_routing_policy",
                p.and_then(|p| p.dns_record_client_routing_policy.as_ref()),
                "any_availability_zone",
            ),
            drop_invalid_header_fields: flag(
                "routing.http.drop_invalid_header_fields.enabled",
                p.and_then(|p| p.drop_invalid_header_fields),
                false,
            ),
            enable_cross_zone_load_balancing: flag(
                "load_balancing.cross_zone.enabled",
                p.and_then(|p| p.enable_cross_zone_load_balancing),
                false,
            ),
            enable_deletion_protection: flag("deletion_protection.enabled", None, false),
            enable_http2: flag("routing.http2.enabled", p.and_then(|p| p.enable_http2), true),
            enable_tls_version_and_cipher_suite_headers: flag(
                "routing.http.x_amzn_tls_version_and_cipher_suite.enabled",
                p.and_then(|p| p.enable_tls_version_and_cipher_suite_headers),
                false,
            ),
            enable_waf_fail_open: flag("waf.fail_open.enabled", p.and_then(|p| p.enable_waf_fail_open), false),
            enable_xff_client_port: flag("routing.http.xff_client_port.enabled", p.and_then(|p| p.enable_xff_client_port), false),
            enable_zonal_shift: flag("zonal_shift.config.enabled", p.and_then(|p| p.enable_zonal_shift), false),
            idle_timeout: int("idle_timeout.timeout_seconds", p.and_then(|p| p.idle_timeout), 60),
            preserve_host_header: flag("routing.http.preserve_host_header.enabled", p.and_then(|p| p.preserve_host_header), false),
            xff_header_processing_mode: text(
                "routing.http.xff_header_processing.mode",
                p.and_then(|p| p.xff_header_processing_mode.as_ref()),
                "append",
            ),
            ..self
        }
    }
}

/// Where logs go. A block that says that none are written is as good as none.
fn logs(said: &Settings, what: &str, prior: Option<&Logs>) -> Option<Logs> {
    let get = |key: &str| some(said.get(&format!("{what}.s3.{key}")).map(String::as_str));
    let enabled = get("enabled").as_deref() == Some("true");
    match prior {
        Some(prior) if !enabled => Some(Logs { enabled: Some(false), ..prior.clone() }),
        None if !enabled => None,
        _ => Some(Logs { bucket: get("bucket"), enabled: Some(true), prefix: get("prefix") }),
    }
}

/// The attributes of one load balancer, as AWS keeps them.
pub(super) async fn described(aws: &Aws, arn: &str) -> Outcome<Settings> {
    let found = aws.elb.describe_load_balancer_attributes().load_balancer_arn(arn).send().await?;
    Ok(found.attributes.unwrap_or_default().into_iter().filter_map(|a| Some((a.key?, a.value.unwrap_or_default()))).collect())
}
