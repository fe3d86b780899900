//! Reports as SARIF 2.1.0, which code hosts show at the lines of the blocks.

use serde_json::{Value as Json, json};

use super::{Looked, errors, lines};
use crate::words::drift::{Finding, Severity, What};

/// One run of all reports.
#[must_use]
pub fn sarif(all: &[Looked]) -> String {
    let reports = || all.iter().filter_map(|(_, looked)| looked.as_ref().ok());
    let results: Vec<Json> = reports().flat_map(|report| report.all().map(|finding| result(&report.stack, finding))).collect();
    let suppressed = reports().flat_map(|report| {
        report.ignored.iter().map(|ignored| {
            let mut result = result(&report.stack, &ignored.finding);
            result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": ignored.reason }]);
            result
        })
    });
    let gaps = reports().flat_map(|report| {
        report.gaps.iter().map(|gap| notification("warning", &format!("{}: {} was not looked at: {}", report.stack, gap.kind, gap.reason)))
    });
    let failed = errors(all).map(|(stack, error)| notification("error", &format!("{stack}: {error}")));
    let rules = [What::Deleted, What::Replaced, What::Changed, What::Unmanaged].map(|what| {
        json!({
            "id": rule(what), "name": format!("Resource{}", title(what.word())),
            "shortDescription": { "text": match what {
                What::Unmanaged => "A resource is managed by no stack".to_owned(),
                what => format!("A resource was {} outside of its stack", what.word()),
            } },
        })
    });
    let run = json!({
        "tool": { "driver": { "name": "ferroform", "version": env!("CARGO_PKG_VERSION"), "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
        "results": results.into_iter().chain(suppressed).collect::<Vec<_>>(),
        "invocations": [{
            "executionSuccessful": errors(all).next().is_none(),
            "toolExecutionNotifications": gaps.chain(failed).collect::<Vec<_>>(),
        }],
        "columnKind": "unicodeCodePoints",
    });
    let document = json!({ "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0", "runs": [run] });
    format!("{document:#}\n")
}

fn rule(what: What) -> String {
    format!("drift/{}", what.word())
}

fn title(word: &str) -> String {
    word[..1].to_uppercase() + &word[1..]
}

fn notification(level: &str, text: &str) -> Json {
    json!({ "level": level, "message": { "text": text } })
}

fn result(stack: &str, finding: &Finding) -> Json {
    let level = match finding.severity {
        Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    };
    let danger = if finding.danger.is_empty() { String::new() } else { format!(": {}", finding.danger) };
    let is = if finding.what == What::Unmanaged { "is" } else { "was" };
    let mut text = format!("{} ({}) {is} {}{danger}", finding.address, finding.id, finding.what.word());
    lines(finding).iter().for_each(|line| text += &format!("\n{line}"));
    text += &format!("\nThe next apply {}.", finding.next);
    let mut location =
        json!({ "logicalLocations": [{ "fullyQualifiedName": format!("{stack}#{}", finding.address), "kind": "resource" }] });
    if let Some(place) = &finding.place {
        location["physicalLocation"] = json!({ "artifactLocation": { "uri": uri(&place.file) }, "region": { "startLine": place.line } });
    }
    json!({
        "ruleId": rule(finding.what), "level": level, "message": { "text": text }, "locations": [location],
        "partialFingerprints": { "ferroform/v1": finding.fingerprint() },
        "properties": { "severity": finding.severity, "id": finding.id, "type": finding.kind },
    })
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let keeps = |b: u8| b.is_ascii_alphanumeric() || b"/-._~".contains(&b);
    path.bytes().map(|b| if keeps(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}
