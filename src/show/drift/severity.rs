//! How bad a finding is: what opens, allows or stops something before what describes it.

use serde_json::Value as Json;

use crate::show::danger::{self, allows};
use crate::show::document;
use crate::show::inline::{peers, rule};
use crate::words::Value;
use crate::words::drift::{Difference, Severity, What};

/// Attributes that only describe.
const WORDS: &[&str] = &["tags", "tags_all", "volume_tags", "description", "comment", "alarm_description", "tag_specifications"];

/// What stops or opens something: the type (or any), the attribute's path without indexes, its new value (or any), and what that means.
const LOOSE: &[(&str, &str, &str, &str)] = &[
    ("aws_s3_bucket_public_access_block", "", "false", "lets the bucket be public"),
    ("aws_s3_bucket_public_access_block", "", "null", "lets the bucket be public"),
    ("aws_s3_bucket_versioning", "versioning_configuration.status", "\"Suspended\"", "keeps no former versions"),
    ("aws_instance", "instance_state", "", "does not run"),
    ("aws_instance", "metadata_options.http_tokens", "\"optional\"", "gives its credentials without a token"),
    ("aws_kms_key", "is_enabled", "false", "is disabled"),
    ("aws_cloudwatch_metric_alarm", "actions_enabled", "false", "alarms nobody"),
    ("aws_cloudwatch_event_rule", "state", "\"DISABLED\"", "is disabled"),
    ("aws_ecs_service", "desired_count", "0", "runs nothing"),
    ("aws_autoscaling_group", "desired_capacity", "0", "runs nothing"),
    ("aws_autoscaling_group", "max_size", "0", "runs nothing"),
    ("aws_iam_role", "permissions_boundary", "null", "has no boundary"),
    ("aws_iam_role", "managed_policy_arns", "", "has other policies"),
    ("aws_iam_role", "inline_policy", "", "has other policies"),
    ("aws_ssm_parameter", "type", "\"String\"", "is not encrypted"),
    ("", "publicly_accessible", "true", "can be reached by everyone"),
    ("", "encrypted", "false", "is not encrypted"),
    ("", "storage_encrypted", "false", "is not encrypted"),
    ("", "deletion_protection", "false", "can be destroyed by accident"),
    ("", "enable_deletion_protection", "false", "can be destroyed by accident"),
    ("", "disable_api_termination", "false", "can be destroyed by accident"),
    ("", "acl", "\"public-read\"", "is public"),
    ("", "acl", "\"public-read-write\"", "is public"),
];

/// How bad a finding of that type is, and what makes it so; `now` is the resource as it is, null where it is gone.
#[must_use]
pub fn judge(kind: &str, what: What, attributes: &[Difference], now: &Value) -> (Severity, String) {
    match what {
        What::Deleted => (Severity::High, "is gone".into()),
        What::Replaced => (Severity::High, "another stands in its place".into()),
        What::Unmanaged => (Severity::Medium, String::new()),
        What::Changed => {
            let all = attributes.iter().map(|difference| changed(kind, difference, now));
            // Of those that are as bad the first that says anything.
            all.reduce(|a, b| if b.0 > a.0 || (b.0 == a.0 && a.1.is_empty()) { b } else { a }).unwrap_or((Severity::Low, String::new()))
        }
    }
}

fn changed(kind: &str, difference: &Difference, now: &Value) -> (Severity, String) {
    let path: String = difference.path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect();
    let (first, last) = (path.split('.').next().unwrap_or_default(), path.rsplit('.').next().unwrap_or_default());
    let high = |words: String| (Severity::High, words);
    if let Some(words) = opened(kind, last, difference, now) {
        return high(words);
    }
    if WORDS.contains(&first) || WORDS.contains(&last) {
        return (Severity::Low, String::new());
    }
    if let (Some(old), Some(new)) = (document_of(&difference.old), document_of(&difference.new)) {
        return widened(&old, &new).map_or((Severity::Medium, String::new()), high);
    }
    let new = difference.new.to_string();
    let is = |(of, attr, value, _): &&(&str, &str, &str, &str)| {
        (of.is_empty() || *of == kind) && (attr.is_empty() || *attr == path) && (value.is_empty() || *value == new)
    };
    let running = path == "instance_state" && new == "\"running\"";
    match LOOSE.iter().find(is).filter(|_| !running) {
        Some((.., words)) => high((*words).to_owned()),
        None => (Severity::Medium, String::new()),
    }
}

/// What inbound traffic is let in from everywhere that was not before.
fn opened(kind: &str, name: &str, difference: &Difference, now: &Value) -> Option<String> {
    let wide = |value: &Value| peers(value).iter().any(|peer| peer == "0.0.0.0/0" || peer == "::/0");
    let words = |value: &Value| danger::opens(value).or_else(|| Some(format!("opens {}", rule(value, "to")?.first()?)));
    if kind.contains("ingress") && WORDS.iter().all(|word| *word != name) {
        return Some(now).filter(|now| wide(now)).and_then(words);
    }
    if name != "ingress" {
        return None;
    }
    let new = Value::from_json(&difference.new);
    new.items().iter().find(|element| wide(element)).and_then(words)
}

fn document_of(json: &Json) -> Option<Json> {
    json.as_str().and_then(document::parse).filter(|document| document.get("Statement").is_some())
}

/// What a policy allows that it did not before; none where it allows the same or less.
fn widened(old: &Json, new: &Json) -> Option<String> {
    let (before, after) = (statements(old), statements(new));
    let denied = before.iter().any(|s| effect(s, "deny") && !after.contains(s));
    let come: Vec<&&Json> = after.iter().filter(|s| effect(s, "allow") && !before.contains(s)).collect();
    let wider = |s: &&&&Json| !before.iter().any(|was| narrowed(was, s));
    match come.iter().find(wider) {
        Some(statement) => Some(allows(statement).map_or_else(
            || {
                let action =
                    texts(&statement["Action"]).into_iter().find(|action| !before.iter().any(|s| texts(&s["Action"]).contains(action)));
                action.map_or_else(|| "allows more".to_owned(), |action| format!("allows {action}"))
            },
            str::to_owned,
        )),
        None => denied.then(|| "denies less".to_owned()),
    }
}

fn statements(policy: &Json) -> Vec<&Json> {
    match &policy["Statement"] {
        Json::Array(all) => all.iter().collect(),
        one => vec![one],
    }
}

fn effect(statement: &Json, what: &str) -> bool {
    statement["Effect"].as_str().is_some_and(|effect| effect.eq_ignore_ascii_case(what))
}

fn texts(value: &Json) -> Vec<&str> {
    match value {
        Json::String(text) => vec![text],
        Json::Array(all) => all.iter().filter_map(Json::as_str).collect(),
        _ => vec![],
    }
}

/// Whether a statement allows no more than another did.
fn narrowed(was: &Json, is: &Json) -> bool {
    let within = |name: &str| {
        let (was, is) = (&was[name], &is[name]);
        was == is || (!texts(is).is_empty() && texts(is).iter().all(|text| texts(was).contains(text)))
    };
    let same = |name: &str| was[name] == is[name];
    let condition = was.get("Condition").is_none() || same("Condition");
    effect(was, "allow")
        && within("Action")
        && within("Resource")
        && within("Principal")
        && condition
        && same("NotAction")
        && same("NotResource")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(kind: &str, path: &str, old: Json, new: Json) -> (Severity, String) {
        judge(kind, What::Changed, &[Difference { path: path.into(), old, new }], &Value::Null)
    }

    #[test]
    fn what_opens_comes_before_what_describes() {
        let ssh = json!([{ "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["0.0.0.0/0"] }]);
        let own = json!([{ "protocol": "tcp", "from_port": 22, "to_port": 22, "cidr_blocks": ["10.0.0.0/8"] }]);
        assert_eq!(of("aws_security_group", "ingress", json!([]), ssh.clone()), (Severity::High, "opens SSH to the world".into()));
        assert_eq!(of("aws_security_group", "ingress", json!([]), own).0, Severity::Medium);
        assert_eq!(of("aws_security_group", "ingress", ssh, json!([])).0, Severity::Medium);
        assert_eq!(of("aws_instance", "tags.Owner", json!("a"), json!("b")).0, Severity::Low);
        assert_eq!(of("aws_instance", "instance_state", json!("running"), json!("stopped")), (Severity::High, "does not run".into()));
        assert_eq!(of("aws_instance", "metadata_options[0].http_tokens", json!("required"), json!("optional")).0, Severity::High);
        assert_eq!(of("aws_instance", "instance_type", json!("t3.micro"), json!("t3.nano")).0, Severity::Medium);
    }

    #[test]
    fn a_policy_that_allows_more_is_worse_than_one_that_allows_less() {
        let policy = |statement: Json| Json::from(json!({ "Version": "2012-10-17", "Statement": statement }).to_string());
        let allow = |actions: Json| json!({ "Effect": "Allow", "Action": actions, "Resource": "*" });
        let one = policy(json!([allow(json!(["s3:GetObject"]))]));
        let two = policy(json!([allow(json!(["s3:GetObject", "s3:PutObject"]))]));
        let all = policy(json!([allow(json!("*"))]));
        assert_eq!(of("aws_iam_policy", "policy", one.clone(), two.clone()), (Severity::High, "allows s3:PutObject".into()));
        assert_eq!(of("aws_iam_policy", "policy", one.clone(), all), (Severity::High, "allows everything".into()));
        assert_eq!(of("aws_iam_policy", "policy", two, one).0, Severity::Medium);
    }
}
