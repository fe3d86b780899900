//! The port to code hosts, against a GitHub and a GitLab in memory.

mod app;
mod checks;
mod comments;
mod gitlab;
mod openapi;
mod patience;
mod pulls;
mod webhooks;

use std::time::Duration;

use ferroform::bot::forge::{Annotation, Check, Credentials, GitHub, Label, Level, Patience, PullId, Verdict};
use ferroform::words::secret::Secret;

use crate::support::github::GitHub as Hub;

/// Some commits.
const HEAD: &str = "1111111111111111111111111111111111111111";
const BASE: &str = "2222222222222222222222222222222222222222";
/// What our comment is known by.
const MARK: &str = "<!-- ferroform: plan -->";

/// A minute is sixty milliseconds.
fn short() -> Patience {
    Patience { second: Duration::from_millis(1), seconds: 300, request: Duration::from_secs(20) }
}

/// A hub with a branch to be merged.
fn hub() -> Hub {
    let hub = Hub::start("acme/infra", None);
    hub.branch("main", BASE);
    hub.branch("feature", HEAD);
    hub
}

/// The port, with the robot's token.
fn robot(url: &str) -> GitHub {
    GitHub::new(url, Credentials::Token(Secret::new(Hub::TOKEN)), short()).unwrap()
}

fn id(number: u64) -> PullId {
    PullId { repository: "acme/infra".into(), number }
}

fn check(verdict: Verdict, annotations: usize) -> Check {
    let annotation = |n| Annotation {
        path: "stacks/web/main.toml".into(),
        line: n as u64 + 1,
        level: Level::Warning,
        title: format!("remark {n}"),
        message: "look at it".into(),
    };
    Check {
        name: "ferroform/plan".into(),
        verdict,
        title: "1 to create".into(),
        summary: "# Plan".into(),
        annotations: (0..annotations).map(annotation).collect(),
    }
}

fn label(name: &str) -> Label {
    Label { name: name.into(), colour: "d4c5f9".into(), meaning: "What it means.".into() }
}
