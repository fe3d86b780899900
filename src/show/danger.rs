//! What should make a reader stop: doors opened to everyone, rights to everything, data that goes.

use serde_json::Value as Json;

use super::inline::peers;
use crate::engine::plan::{Action, Change};
use crate::words::Value;

/// What lies behind a port that nobody opens to the world on purpose.
const DOORS: &[(i64, &str)] = &[
    (22, "SSH"),
    (3389, "Remote Desktop"),
    (2375, "Docker"),
    (3306, "MySQL"),
    (5432, "PostgreSQL"),
    (1433, "SQL Server"),
    (6379, "Redis"),
    (9200, "Elasticsearch"),
    (27017, "MongoDB"),
    (5900, "VNC"),
];

/// What is lost with a resource of that type.
const HOLDS: &[(&str, &str)] = &[
    ("aws_s3_bucket", "its objects go with it"),
    ("aws_db_instance", "its data goes with it"),
    ("aws_rds_cluster", "its data goes with it"),
    ("aws_dynamodb_table", "its items go with it"),
    ("aws_ebs_volume", "its data goes with it"),
    ("aws_efs_file_system", "its files go with it"),
    ("aws_instance", "what is on its disks may go with it"),
    ("aws_eip", "its address is given up for good"),
    ("aws_kms_key", "what it encrypts can't be read again"),
    ("aws_secretsmanager_secret", "its value goes with it"),
    ("aws_ssm_parameter", "its value goes with it"),
    ("aws_cloudwatch_log_group", "its logs go with it"),
    ("aws_route53_zone", "its name servers change"),
    ("aws_ecr_repository", "its images go with it"),
    ("aws_key_pair", "nobody gets in with it again"),
    ("tls_private_key", "the key can't be made again"),
];

/// What is dangerous about a change as a whole, as the end of a sentence; what single rows show is not among it.
#[must_use]
pub fn dangers(change: &Change) -> Vec<String> {
    let mut found = vec![];
    if matches!(change.action, Action::Delete | Action::Replace { .. })
        && let Some((_, loss)) = HOLDS.iter().find(|(kind, _)| *kind == change.address.kind.as_ref())
    {
        found.push((*loss).to_owned());
    }
    let inbound = change.address.kind.contains("ingress") || change.after.attr("type").as_str() == Some("ingress");
    if inbound && change.action.acts() && (change.before.is_null() || !change.changed.is_empty()) {
        found.extend(opens(&change.after));
    }
    found
}

/// What a rule for inbound traffic opens to the world.
#[must_use]
pub fn opens(rule: &Value) -> Option<String> {
    if !peers(rule).iter().any(|p| p == "0.0.0.0/0" || p == "::/0") {
        return None;
    }
    let protocol = rule.get("protocol").or_else(|| rule.get("ip_protocol"))?.as_str()?;
    let port = |name: &str| rule.attr(name).as_number().and_then(|n| n.as_i64());
    let (from, to) = (port("from_port").unwrap_or(0), port("to_port").unwrap_or(65535));
    match protocol {
        "-1" | "all" => return Some("opens everything to the world".into()),
        "tcp" | "6" | "udp" | "17" => {}
        _ => return None,
    }
    let doors: Vec<&str> = DOORS.iter().filter(|(port, _)| (from..=to).contains(port)).map(|(_, name)| *name).collect();
    match doors.as_slice() {
        [] => None,
        [door] => Some(format!("opens {door} to the world")),
        [door, rest @ ..] if rest.len() < 3 => Some(format!("opens {door}, {} to the world", rest.join(", "))),
        [door, rest @ ..] => Some(format!("opens {door} and {} more services to the world", rest.len())),
    }
}

/// What a statement of an IAM policy allows too much of.
#[must_use]
pub fn allows(statement: &Json) -> Option<&'static str> {
    let has = |name: &str, what: &str| match &statement[name] {
        Json::String(s) => s == what,
        Json::Array(items) => items.iter().any(|i| i == what),
        _ => false,
    };
    let allow = statement["Effect"].as_str().is_some_and(|e| e.eq_ignore_ascii_case("allow"));
    if !allow || statement.get("Condition").is_some() {
        return None;
    }
    let anyone = has("Principal", "*")
        || statement["Principal"].get("AWS").is_some_and(|p| p == "*" || p.as_array().is_some_and(|a| a.iter().any(|i| i == "*")));
    if anyone {
        Some("lets in anyone at all")
    } else if has("Action", "*") && has("Resource", "*") {
        Some("allows everything")
    } else if has("Action", "iam:PassRole") && has("Resource", "*") {
        Some("may hand out any role")
    } else {
        None
    }
}
