//! CloudTrail: who changed something, as far as the account's log of management events tells. It comes minutes late and holds 90 days.

use aws_sdk_cloudtrail::config::{Builder, Region};
use aws_sdk_cloudtrail::types::{Event, LookupAttribute, LookupAttributeKey};
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use serde_json::Value as Json;

use super::Aws;
use crate::words::drift::Deed;
use crate::words::failure::{Failure, Outcome};

/// Types whose calls go to the partition's one region, and are in its log alone.
const GLOBAL: &[&str] = &["aws_iam_", "aws_route53_"];

/// Which service's log tells of a type, by the beginning of its name; EC2's of all others. Things of several services may have one name.
const SOURCES: &[(&str, &str)] = &[
    ("aws_acm_", "acm"),
    ("aws_appautoscaling_", "application-autoscaling"),
    ("aws_autoscaling_", "autoscaling"),
    ("aws_cloudwatch_event_", "events"),
    ("aws_cloudwatch_log_", "logs"),
    ("aws_cloudwatch_", "monitoring"),
    ("aws_dlm_", "dlm"),
    ("aws_ecr_", "ecr"),
    ("aws_ecs_", "ecs"),
    ("aws_iam_", "iam"),
    ("aws_kms_", "kms"),
    ("aws_lb", "elasticloadbalancing"),
    ("aws_route53_", "route53"),
    ("aws_s3_", "s3"),
    ("aws_secretsmanager_", "secretsmanager"),
    ("aws_sns_", "sns"),
    ("aws_ssm_", "ssm"),
];

/// The last call that changed what goes by one of the names.
pub(super) async fn deed(aws: &Aws, kind: &str, names: &[String], since: Option<Timestamp>) -> Outcome<Option<Deed>> {
    let source = SOURCES.iter().find(|(prefix, _)| kind.starts_with(prefix)).map_or("ec2", |(_, source)| source);
    let of_service = |event: &&Event| event.event_source().and_then(|text| text.strip_suffix(".amazonaws.com")) == Some(source);
    for name in names {
        let found = lookup(aws, kind, name, since).await?;
        if let Some(deed) = found.iter().filter(of_service).filter(|event| event.read_only() != Some("true")).find_map(told) {
            return Ok(Some(deed));
        }
    }
    Ok(None)
}

/// The events about a resource, the newest first: one page is enough, since the last change is what is asked for.
async fn lookup(aws: &Aws, kind: &str, name: &str, since: Option<Timestamp>) -> Outcome<Vec<Event>> {
    let attribute = LookupAttribute::builder().attribute_key(LookupAttributeKey::ResourceName).attribute_value(name).build();
    let attribute = attribute.map_err(|e| Failure::other(e.to_string()))?;
    let call =
        aws.cloudtrail.lookup_events().lookup_attributes(attribute).set_start_time(since.map(|at| DateTime::from_secs(at.as_second())));
    let global = GLOBAL.iter().any(|prefix| kind.starts_with(prefix));
    let home = match aws.partition() {
        "aws" => "us-east-1",
        "aws-us-gov" => "us-gov-west-1",
        _ => &aws.region,
    };
    let call = call.customize();
    let call = if global && home != aws.region { call.config_override(Builder::new().region(Region::new(home.to_owned()))) } else { call };
    Ok(call.send().await?.events.unwrap_or_default())
}

fn told(event: &Event) -> Option<Deed> {
    let detail: Json = event.cloud_trail_event().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    // What was refused changed nothing.
    if detail.get("errorCode").is_some() {
        return None;
    }
    let at = event.event_time().and_then(|at| Timestamp::from_second(at.secs()).ok())?;
    let principal = principal(&detail["userIdentity"]).or_else(|| event.username().map(str::to_owned));
    Some(Deed {
        event: event.event_name()?.to_owned(),
        principal: principal.unwrap_or_else(|| "somebody".into()),
        through: through(&detail),
        at,
    })
}

fn principal(who: &Json) -> Option<String> {
    let text = |value: &Json| value.as_str().map(str::to_owned);
    match who["type"].as_str()? {
        "Root" => Some("the root user".into()),
        "AssumedRole" => {
            let session = who["arn"].as_str().and_then(|arn| arn.rsplit('/').next());
            let role = text(&who["sessionContext"]["sessionIssuer"]["userName"])?;
            Some(session.map_or_else(|| role.clone(), |session| format!("{role}/{session}")))
        }
        "AWSService" => text(&who["invokedBy"]),
        _ => text(&who["userName"]),
    }
}

/// Through what: the console, or the program that named itself.
fn through(detail: &Json) -> String {
    let agent = detail["userAgent"].as_str().unwrap_or_default();
    let console = detail["sessionCredentialFromConsole"] == "true"
        || agent.contains("console.amazonaws.com")
        || agent.contains("signin.amazonaws.com");
    let known = [
        ("aws-cli/", "cli"),
        ("Terraform/", "Terraform"),
        ("OpenTofu/", "OpenTofu"),
        ("cloudformation", "CloudFormation"),
        ("Boto3/", "boto3"),
    ];
    match known.iter().find(|(mark, _)| agent.contains(mark)) {
        _ if console => "console".into(),
        Some((_, word)) => (*word).to_owned(),
        None => agent.split(['/', ' ']).next().unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn principals_are_named_as_people_know_them() {
        let role = json!({ "type": "AssumedRole", "arn": "arn:aws:sts::1:assumed-role/ops/alice", "sessionContext": { "sessionIssuer": { "userName": "ops" } } });
        for (who, name) in [
            (json!({ "type": "IAMUser", "userName": "alice" }), Some("alice")),
            (json!({ "type": "Root" }), Some("the root user")),
            (role, Some("ops/alice")),
            (json!({ "type": "AWSService", "invokedBy": "autoscaling.amazonaws.com" }), Some("autoscaling.amazonaws.com")),
            (json!({}), None),
        ] {
            assert_eq!(principal(&who).as_deref(), name);
        }
        assert_eq!(through(&json!({ "userAgent": "console.amazonaws.com" })), "console");
        assert_eq!(through(&json!({ "userAgent": "aws-cli/2.15.0 md/awscrt" })), "cli");
        assert_eq!(through(&json!({ "userAgent": "APN/1.0 HashiCorp/1.0 Terraform/1.11.4" })), "Terraform");
        assert_eq!(through(&json!({ "userAgent": "S3Console/0.4, aws-internal/3" , "sessionCredentialFromConsole": "true" })), "console");
    }
}
