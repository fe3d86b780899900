//! What a look at reality found, as a report, and how that looks in each format.

mod junit;
mod markdown;
mod sarif;
mod severity;

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::{Value as Json, json};

use super::delta::{self, Body, Row};
use super::line::count;
use crate::engine::drift::{HIDDEN, Look, Rules, differences, leave};
use crate::engine::plan::{Action, Change};
use crate::engine::refresh::Prior;
use crate::engine::unmanaged::Seen;
use crate::stack::{Ignore, Stack};
use crate::words::drift::{Difference, Finding, Gap, Ignored, Place, Report, Unmanaged, What};
use crate::words::resource::Registry;
use crate::words::{Address, Diagnostics, Value};

pub use junit::junit;
pub use markdown::markdown;
pub use sarif::sarif;
pub use severity::judge;

/// What one command looked at: each stack as the user names it, and what came of it.
pub type Looked = (String, Result<Report, Diagnostics>);

/// What a report says besides what was found.
pub struct About<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// All types.
    pub registry: &'a Registry,
    /// The stack as the user names it.
    pub name: String,
    /// Its workspace.
    pub workspace: String,
    /// When the look began.
    pub started: Timestamp,
    /// How long it took.
    pub seconds: f64,
    /// How many calls it cost.
    pub calls: u64,
    /// When the state was last written: till then all was as it says.
    pub written: Option<Timestamp>,
    /// The day, for rules that expire.
    pub today: Date,
    /// What no state owns, when that was looked at.
    pub unmanaged: Option<&'a Seen>,
}

/// The report of a look.
#[must_use]
pub fn report(look: &Look, about: About<'_>) -> Report {
    let rules = Rules::new(&about.stack.drift, about.today);
    let identity = look.plan.as_ref().ok().and_then(|plan| plan.identity.clone());
    let unread: usize = look.read.refused.iter().map(|refused| refused.addresses.len()).sum();
    let (mut findings, mut ignored) = (vec![], vec![]);
    for (address, prior) in &look.read.priors {
        let Some(found) = finding(look, &about, address, prior) else { continue };
        let (left, by_lifecycle) = ignore_changes(about.stack, address, found);
        let (left, by_rules) = left.map_or((None, vec![]), |left| rules.apply(address, left));
        ignored.extend(by_lifecycle.into_iter().chain(by_rules));
        findings.extend(left);
    }
    let now = |address: &Address| look.read.priors.get(address).map(|prior| &prior.now);
    for found in findings.iter_mut().chain(ignored.iter_mut().map(|ignored: &mut Ignored| &mut ignored.finding)) {
        let now = found.address.parse().ok().and_then(|address| now(&address));
        (found.severity, found.danger) = judge(&found.kind, found.what, &found.attributes, now.unwrap_or(&Value::Null));
        if found.next == SETS_BACK && found.danger.starts_with("opens") {
            found.next = "closes it".into();
        }
    }
    let unmanaged = about.unmanaged.map(|seen| {
        let mut unmanaged = seen.unmanaged();
        for found in std::mem::take(&mut unmanaged.findings) {
            let Ok(address) = found.address.parse() else { continue };
            let (left, by_rules) = rules.apply(&address, found);
            ignored.extend(by_rules);
            unmanaged.findings.extend(left);
        }
        unmanaged
    });
    findings.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.address.cmp(&b.address)));
    Report {
        stack: about.name,
        workspace: about.workspace,
        account: identity.as_ref().map(|identity| identity.account.clone()),
        regions: identity.into_iter().map(|identity| identity.region).collect(),
        started: about.started,
        seconds: about.seconds,
        resources: look.read.priors.len() - unread,
        calls: about.calls,
        findings,
        ignored,
        gaps: gaps(look).into_iter().chain(about.unmanaged.iter().flat_map(|seen| seen.gaps.clone())).collect(),
        notes: rules.notes(look.read.priors.keys()),
        unmanaged,
    }
}

fn gaps(look: &Look) -> Vec<Gap> {
    let unread = look.read.refused.iter().map(|refused| Gap {
        kind: refused.kind.to_owned(),
        addresses: refused.addresses.iter().map(ToString::to_string).collect(),
        reason: refused.failure.to_string(),
    });
    let unplanned = look.plan.as_ref().err().and_then(|errors| errors.0.first());
    let unplanned = unplanned.map(|error| Gap { kind: "plan".into(), addresses: vec![], reason: error.to_string() });
    unread.chain(unplanned).collect()
}

fn finding(look: &Look, about: &About<'_>, address: &Address, prior: &Prior) -> Option<Finding> {
    let id = prior.held.attr("id").as_str().unwrap_or_default();
    let (what, attributes) = if prior.now.is_null() {
        match look.replaced.get(address) {
            Some((twin, as_twin)) => {
                let other = Difference { path: "id".into(), old: id.into(), new: twin.as_str().into() };
                let drifted = look.read.drifted_of(about.registry, address, as_twin);
                (What::Replaced, std::iter::once(other).chain(differences(&drifted)).collect())
            }
            None => (What::Deleted, vec![]),
        }
    } else {
        let attributes = differences(&look.read.drifted(about.registry, address));
        if attributes.is_empty() {
            return None;
        }
        // Another id of a thing of the same name: it was deleted and made again.
        let sign = |path: &str| about.registry.resource(&address.kind).is_some_and(|ty| ty.signs().contains(&path));
        let another = attributes.iter().any(|d| d.path.ends_with("_id") && sign(&d.path));
        (if another { What::Replaced } else { What::Changed }, attributes)
    };
    Some(Finding {
        address: address.to_string(),
        kind: address.kind.to_string(),
        id: id.to_owned(),
        next: next(look, address, what, &attributes),
        what,
        severity: crate::words::drift::Severity::Medium,
        danger: String::new(),
        attributes,
        in_order: about.written,
        by: None,
        place: place(about.stack, address),
    })
}

fn place(stack: &Stack, address: &Address) -> Option<Place> {
    let span = &stack.block(address)?.span;
    Some(Place { file: span.source.name.clone(), line: span.source.position(span.start as usize).0 })
}

/// What `lifecycle.ignore_changes` leaves alone is no finding.
fn ignore_changes(stack: &Stack, address: &Address, finding: Finding) -> (Option<Finding>, Option<Ignored>) {
    let reason = "`ignore_changes` of its lifecycle";
    let dotted = |path: &str| path.replace('[', ".").replace(']', "");
    match stack.block(address).map(|block| &block.lifecycle.ignore_changes) {
        Some(Ignore::All) if finding.what == What::Changed => (None, Some(Ignored { finding, reason: reason.into() })),
        Some(Ignore::Paths(paths)) => leave(finding, reason, |path| {
            let path = dotted(path);
            paths.iter().any(|ignored| path == *ignored || path.strip_prefix(ignored.as_str()).is_some_and(|rest| rest.starts_with('.')))
        }),
        _ => (Some(finding), None),
    }
}

const SETS_BACK: &str = "sets it back";

/// What the next apply would do about it.
fn next(look: &Look, address: &Address, what: What, attributes: &[Difference]) -> String {
    let Ok(plan) = &look.plan else { return "can't be told".into() };
    let change = plan.changes.iter().find(|c| c.address == *address && c.deposed.is_none());
    let name = |path: &str| path.split(['.', '[']).next().unwrap_or_default().to_owned();
    let names: Vec<String> = attributes.iter().map(|d| name(&d.path)).collect();
    let set = |change: &Change| names.iter().filter(|name| change.changed.contains(name)).count();
    let words = match change.map(|change| (change, change.action)) {
        Some((_, Action::Create)) if what == What::Replaced => "makes another beside it",
        Some((_, Action::Create)) => "makes it anew",
        Some((_, Action::Replace { .. })) => "replaces it",
        Some((_, Action::Delete)) => "destroys it",
        Some((_, Action::Forget)) => "forgets it",
        Some((change, Action::Update)) if set(change) == names.len() => SETS_BACK,
        Some((change, Action::Update)) if set(change) > 0 => "sets back what the stack gives of it",
        _ if what == What::Changed => "leaves it: the stack is silent about it",
        _ => "leaves it",
    };
    words.into()
}

/// A difference as rows.
#[must_use]
pub fn rows(difference: &Difference) -> Vec<Row> {
    let Difference { path, old, new } = difference;
    let hidden = |json: &Json| json == HIDDEN;
    if hidden(old) || hidden(new) {
        let body = match (old.is_null(), new.is_null()) {
            (true, _) => Body::Added(HIDDEN.into()),
            (_, true) => Body::Removed(HIDDEN.into()),
            _ => Body::Becomes(HIDDEN.into(), HIDDEN.into()),
        };
        return vec![Row { path: path.clone(), body, forces: false }];
    }
    delta::changed(path, None, &Value::from_json(old), &Value::from_json(new))
}

/// What differs, a line each without colour: `ingress: + 22/tcp from 0.0.0.0/0`.
#[must_use]
pub fn lines(finding: &Finding) -> Vec<String> {
    let mut told = vec![];
    for row in finding.attributes.iter().flat_map(rows) {
        match row.body {
            Body::Is(text) => told.push(format!("{}: {text}", row.path)),
            Body::Added(text) => told.push(format!("{}: + {text}", row.path)),
            Body::Removed(text) => told.push(format!("{}: - {text}", row.path)),
            Body::Becomes(old, new) => told.push(format!("{}: {old} -> {new}", row.path)),
            Body::Items(items) | Body::Lines(_, items) => {
                told.extend(items.into_iter().map(|item| format!("{}: {} {}", row.path, item.sign.mark(), item.text)));
            }
        }
    }
    told
}

/// How a finding came about and what becomes of it, in parts of a sentence.
#[must_use]
pub fn remarks(finding: &Finding, now: Timestamp) -> Vec<String> {
    let mut parts = vec![];
    if let Some(by) = &finding.by {
        let through = if by.through.is_empty() { String::new() } else { format!(" ({})", by.through) };
        parts.push(format!("by {}{through} with {}, {}", by.principal, by.event, ago(by.at, now)));
    }
    if let Some(at) = finding.in_order {
        parts.push(format!("in order {}", ago(at, now)));
    }
    parts.push(format!("next apply {}", finding.next));
    parts
}

/// `3 h ago`
#[must_use]
pub fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..172_800 => format!("{} h ago", seconds / 3600),
        _ => format!("{} days ago", seconds / 86_400),
    }
}

/// All as one JSON document.
#[must_use]
pub fn json(all: &[Looked]) -> String {
    let reports: Vec<Json> = all.iter().filter_map(|(_, looked)| serde_json::to_value(looked.as_ref().ok()?).ok()).collect();
    let errors: Vec<Json> = errors(all).map(|(stack, error)| json!({ "stack": stack, "message": error })).collect();
    format!("{:#}\n", json!({ "format_version": "1.0", "reports": reports, "errors": errors }))
}

/// The stacks that could not be looked at, and why.
fn errors(all: &[Looked]) -> impl Iterator<Item = (&str, String)> {
    all.iter().filter_map(|(stack, looked)| Some((stack.as_str(), looked.as_ref().err()?.to_string())))
}

/// How many findings there are of each severity, the worst first: `1 high, 2 low`.
#[must_use]
pub fn counts(report: &Report) -> String {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    report.findings.iter().for_each(|finding| *counts.entry(finding.severity).or_default() += 1);
    counts.iter().rev().map(|(severity, n)| format!("{n} {severity}")).collect::<Vec<_>>().join(", ")
}

/// What is managed and what is not, in a line.
#[must_use]
pub fn coverage(unmanaged: &Unmanaged) -> String {
    let Unmanaged { seen, owned, .. } = unmanaged;
    if *seen == 0 {
        return "nothing more of these types".into();
    }
    format!("{} of {} managed, {} %", owned, count(*seen, "resource"), unmanaged.coverage())
}

/// What was left out of what is not managed, and why.
#[must_use]
pub fn left_out(unmanaged: &Unmanaged) -> String {
    let mut reasons: Vec<(&String, &usize)> = unmanaged.left_out.iter().collect();
    reasons.sort_by_key(|(_, n)| std::cmp::Reverse(**n));
    let reasons: Vec<String> = reasons.into_iter().map(|(why, n)| format!("{n} {why}")).collect();
    format!("{} left out: {}", unmanaged.noise, reasons.join(", "))
}
