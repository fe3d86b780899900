//! Made-up reports.

use ferroform::watch::history::Looked;
use ferroform::words::drift::{Deed, Difference, Finding, Gap, Place, Report, Severity, What};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// When the tests take place.
pub fn start() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

/// So many minutes after that.
pub fn minute(n: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_mins(n)).unwrap()
}

/// A group of that name that was opened.
pub fn opened(name: &str) -> Finding {
    Finding {
        address: format!("aws_security_group.{name}"),
        kind: "aws_security_group".into(),
        id: format!("sg-{name}"),
        what: What::Changed,
        severity: Severity::High,
        danger: "opens 22/tcp to 0.0.0.0/0".into(),
        attributes: vec![Difference {
            path: "ingress".into(),
            old: json!([]),
            new: json!([{ "from_port": 22, "to_port": 22, "protocol": "tcp", "cidr_blocks": ["0.0.0.0/0"] }]),
        }],
        in_order: None,
        by: Some(Deed {
            event: "AuthorizeSecurityGroupIngress".into(),
            principal: "alice".into(),
            through: "console".into(),
            at: minute(-30),
        }),
        next: "closes it".into(),
        place: Some(Place { file: "stacks/web/stack.toml".into(), line: 41 }),
    }
}

/// A tag of an instance of that name that was changed to that.
pub fn tagged(name: &str, owner: &str) -> Finding {
    Finding {
        address: format!("aws_instance.{name}"),
        kind: "aws_instance".into(),
        id: format!("i-{name}"),
        what: What::Changed,
        severity: Severity::Low,
        danger: String::new(),
        attributes: vec![Difference { path: "tags.Owner".into(), old: json!("infra"), new: json!(owner) }],
        in_order: None,
        by: None,
        next: "resets it".into(),
        place: None,
    }
}

/// What a look at `stacks/web` gives that finds those.
pub fn report(at: Timestamp, findings: Vec<Finding>) -> Report {
    Report {
        stack: "stacks/web".into(),
        workspace: "default".into(),
        account: Some("123456789012".into()),
        regions: vec!["us-east-1".into()],
        started: at,
        seconds: 0.4,
        resources: 23,
        calls: 14,
        findings,
        ignored: vec![],
        gaps: vec![],
        notes: vec![],
        unmanaged: None,
    }
}

/// That report as a run has it.
pub fn looked(report: Report) -> Looked {
    Looked { stack: report.stack.clone(), workspace: report.workspace.clone(), report: Ok(report) }
}

/// A part of a report that could not be seen.
pub fn gap(kind: &str, addresses: &[&str]) -> Gap {
    Gap { kind: kind.into(), addresses: addresses.iter().map(|a| (*a).to_owned()).collect(), reason: "AccessDenied".into() }
}
