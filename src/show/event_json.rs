//! What happens, in Terraform's machine-readable form: a JSON object a line, `ui` version 1.2.

use std::time::Duration;

use serde_json::{Map, Value as Json, json};

use super::json::{TERRAFORM_VERSION, key_json, module, type_json};
use crate::engine::event::{Event, Verb};
use crate::engine::plan::{Action, Change, Counts, Plan, Reason};
use crate::words::{Address, Diagnostic, ModulePath, Severity, Value};

/// A message with what every one of them has.
fn message(level: &str, text: &str, now: &str, kind: &str, rest: Json) -> Json {
    let mut map = Map::from_iter([
        ("@level".to_owned(), json!(level)),
        ("@message".to_owned(), json!(text)),
        ("@module".to_owned(), json!("terraform.ui")),
        ("@timestamp".to_owned(), json!(now)),
    ]);
    if let Json::Object(rest) = rest {
        map.extend(rest);
    }
    map.insert("type".into(), kind.into());
    Json::Object(map)
}

/// The first line.
#[must_use]
pub fn version(now: &str) -> Json {
    let ours = env!("CARGO_PKG_VERSION");
    message("info", &format!("Ferroform {ours}"), now, "version", json!({ "terraform": TERRAFORM_VERSION, "ferroform": ours, "ui": "1.2" }))
}

fn resource(address: &Address) -> Json {
    let module = module(address);
    let local = address.within(&ModulePath::default());
    let provider = address.kind.split('_').next().unwrap_or_default();
    json!({
        "addr": address.to_string(), "module": module, "resource": local.to_string(), "implied_provider": provider,
        "resource_type": address.kind.as_ref(), "resource_name": address.name.as_ref(),
        "resource_key": address.key.as_ref().map_or(Json::Null, key_json),
    })
}

fn reason(reason: Reason) -> Option<&'static str> {
    Some(match reason {
        Reason::CannotUpdate => "cannot_update",
        Reason::ByRequest => "requested",
        Reason::ByTriggers => "replace_triggered_by",
        Reason::Tainted => "tainted",
        other => return other.terraform(),
    })
}

fn word(change: &Change) -> Option<&'static str> {
    Some(match change.action {
        Action::Nothing if change.importing.is_some() => "import",
        Action::Nothing if change.moved_from.is_some() => "move",
        Action::Nothing => return None,
        Action::Read => "read",
        Action::Create => "create",
        Action::Update => "update",
        Action::Replace { .. } => "replace",
        Action::Delete => "delete",
        Action::Forget => "remove",
    })
}

/// What is planned: drift, a line a change, the sum, and the outputs.
#[must_use]
pub fn plan(plan: &Plan, now: &str) -> Vec<Json> {
    let mut lines = vec![];
    for drift in &plan.drift {
        let action = if drift.after.is_null() { "delete" } else { "update" };
        let rest = json!({ "change": { "resource": resource(&drift.address), "action": action } });
        lines.push(message("info", &format!("{}: Drift detected ({action})", drift.address), now, "resource_drift", rest));
    }
    for change in &plan.changes {
        let Some(action) = word(change) else { continue };
        let mut what = json!({ "resource": resource(&change.address), "action": action });
        if let Some(reason) = change.reason.and_then(reason) {
            what["reason"] = reason.into();
        }
        if let Some(from) = &change.moved_from {
            what["previous_resource"] = resource(from);
        }
        if let Some(id) = &change.importing {
            what["importing"] = json!({ "id": id });
        }
        lines.push(message("info", &format!("{}: Plan to {action}", change.address), now, "planned_change", json!({ "change": what })));
    }
    lines.push(summary(plan, "plan", now));
    if !plan.outputs.is_empty() {
        let action = |before: &Value, after: &Value| match (before.is_null(), after.is_null()) {
            _ if before == after => "noop",
            (true, _) => "create",
            (_, true) => "delete",
            _ => "update",
        };
        let one = |(name, o): (&String, &crate::engine::plan::OutputChange)| {
            (name.clone(), json!({ "sensitive": o.sensitive, "action": action(&o.before, &o.after) }))
        };
        let all: Map<String, Json> = plan.outputs.iter().map(one).collect();
        lines.push(message("info", &format!("Outputs: {}", all.len()), now, "outputs", json!({ "outputs": all })));
    }
    lines
}

/// How many of what: for `operation` `plan`, `apply` or `destroy`.
#[must_use]
pub fn summary(plan: &Plan, operation: &str, now: &str) -> Json {
    let Counts { create, update, tags, replace, delete, import, .. } = plan.counts();
    totals(create + replace, update + tags, delete + replace, import, operation, now)
}

/// The same, of what was really done.
#[must_use]
pub fn totals(add: usize, change: usize, remove: usize, import: usize, operation: &str, now: &str) -> Json {
    let imports = if import > 0 { format!("{import} imported, ") } else { String::new() };
    let text = match operation {
        "plan" if import > 0 => format!("Plan: {import} to import, {add} to add, {change} to change, {remove} to destroy."),
        "plan" => format!("Plan: {add} to add, {change} to change, {remove} to destroy."),
        "destroy" => format!("Destroy complete! Resources: {remove} destroyed."),
        _ => format!("Apply complete! Resources: {imports}{add} added, {change} changed, {remove} destroyed."),
    };
    let rest = json!({ "changes": { "add": add, "change": change, "import": import, "remove": remove, "operation": operation } });
    message("info", &text, now, "change_summary", rest)
}

/// The values of outputs after an apply; those of sensitive ones are left out.
#[must_use]
pub fn outputs<'a>(outputs: impl Iterator<Item = (&'a str, &'a Value, bool)>, now: &str) -> Json {
    let one = |(name, value, sensitive): (&str, &Value, bool)| {
        let mut map = json!({ "sensitive": sensitive, "type": type_json(&value.bare().type_of()) });
        if !sensitive {
            map["value"] = value.to_json();
        }
        (name.to_owned(), map)
    };
    let all: Map<String, Json> = outputs.map(one).collect();
    message("info", &format!("Outputs: {}", all.len()), now, "outputs", json!({ "outputs": all }))
}

fn action(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Create => "create",
        Verb::Update => "update",
        Verb::Delete => "delete",
        Verb::Import => "import",
    }
}

/// Terraform's words: what goes on, what is done, what failed.
fn words(verb: Verb) -> (&'static str, &'static str, &'static str) {
    match verb {
        Verb::Read => ("Reading", "Read", "reading"),
        Verb::Create => ("Creating", "Creation", "creating"),
        Verb::Update => ("Modifying", "Modifications", "modifying"),
        Verb::Delete => ("Destroying", "Destruction", "destroying"),
        Verb::Import => ("Importing", "Import", "importing"),
    }
}

fn hook(address: &Address, verb: Verb, id: Option<&str>, took: Option<Duration>) -> Json {
    let mut hook = json!({ "resource": resource(address), "action": action(verb) });
    if let Some(id) = id {
        hook["id_key"] = "id".into();
        hook["id_value"] = id.into();
    }
    if let Some(took) = took {
        hook["elapsed_seconds"] = took.as_secs().into();
    }
    json!({ "hook": hook })
}

/// One event; none for what Terraform has no message for and is no news.
#[must_use]
pub fn event(event: &Event, now: &str) -> Option<Json> {
    let tail = |id: Option<&str>| id.map_or_else(String::new, |id| format!(" [id={id}]"));
    let log = |level: &str, text: String| Some(message(level, &text, now, "log", json!({})));
    match event {
        Event::Refreshing { .. } | Event::Applying { .. } | Event::Waits { .. } => None,
        Event::Refreshed { resources, took } => log("info", format!("Read {resources} resources in {:.1} s", took.as_secs_f64())),
        Event::Started { address, verb, id } => {
            let text = format!("{address}: {}...{}", words(*verb).0, tail(id.as_deref()));
            Some(message("info", &text, now, "apply_start", hook(address, *verb, id.as_deref(), None)))
        }
        Event::Pending { address, verb, since, .. } => {
            let text = format!("{address}: Still {}... [{}s elapsed]", words(*verb).2, since.as_secs());
            Some(message("info", &text, now, "apply_progress", hook(address, *verb, None, Some(*since))))
        }
        Event::Done { address, verb, id, took } => {
            let id = id.as_deref().filter(|_| *verb != Verb::Delete);
            let text = format!("{address}: {} complete after {}s{}", words(*verb).1, took.as_secs(), tail(id));
            Some(message("info", &text, now, "apply_complete", hook(address, *verb, id, Some(*took))))
        }
        Event::Failed { address, verb, took, .. } => {
            let text = format!("{address}: {} errored after {}s", words(*verb).1, took.as_secs());
            Some(message("info", &text, now, "apply_errored", hook(address, *verb, None, Some(*took))))
        }
        Event::Retrying { address, failure, after } => log("warn", format!("{address}: again in {:.1} s: {failure}", after.as_secs_f64())),
        Event::Skipped { address, because: Some(other), .. } => log("warn", format!("{address}: left out, needs {other}")),
        Event::Skipped { address, because: None, .. } => log("warn", format!("{address}: left out, interrupted")),
        Event::Recovered { address, found } => log("warn", format!("{address}: {found}")),
        Event::Note(note) => log("info", note.clone()),
    }
}

/// An error or warning, with the place it blames.
#[must_use]
pub fn diagnostic(diagnostic: &Diagnostic, address: Option<&Address>, now: &str) -> Json {
    let (severity, level, word) = match diagnostic.severity {
        Severity::Error => ("error", "error", "Error"),
        Severity::Warning => ("warning", "warn", "Warning"),
    };
    let facts = diagnostic.facts.iter().map(|(name, value)| format!("{name}: {value}"));
    let label = diagnostic.label.iter().map(|(_, label)| label.clone()).filter(|l| !l.is_empty());
    let detail: Vec<String> = label.chain(facts).chain(diagnostic.help.iter().cloned()).collect();
    let mut inner = json!({ "severity": severity, "summary": diagnostic.summary, "detail": detail.join("\n") });
    if let Some(address) = address {
        inner["address"] = address.to_string().into();
    }
    if let Some((span, _)) = &diagnostic.label {
        let range = span.range();
        let point = |at: usize| {
            let (line, column) = span.source.position(at);
            json!({ "line": line, "column": column, "byte": at })
        };
        inner["range"] = json!({ "filename": span.source.name, "start": point(range.start), "end": point(range.end) });
        let text = &span.source.text;
        let begin = text.get(..range.start).and_then(|t| t.rfind('\n')).map_or(0, |at| at + 1);
        let end = text.get(range.start..).and_then(|t| t.find('\n')).map_or(text.len(), |at| range.start + at);
        if let Some(code) = text.get(begin..end) {
            inner["snippet"] = json!({
                "context": context(text, begin), "code": code, "start_line": span.source.position(range.start).0, "values": [],
                "highlight_start_offset": range.start - begin, "highlight_end_offset": range.end.min(end).saturating_sub(begin),
            });
        }
    }
    message(level, &format!("{word}: {}", diagnostic.summary), now, "diagnostic", json!({ "diagnostic": inner }))
}

/// The header of the block around a line, as it is written: `resource "aws_eip" "ip"`, `resource.aws_eip.ip`.
fn context(text: &str, line: usize) -> Option<&str> {
    let mut before = text.get(..line)?.lines().rev();
    let header = before.find(|l| (l.ends_with('{') && l.starts_with(char::is_alphabetic)) || l.starts_with('[') || l.starts_with('}'))?;
    let header = header.strip_suffix('{').or_else(|| header.trim_end().strip_prefix('[')?.strip_suffix(']')).unwrap_or_default();
    Some(header.trim_matches([' ', '[', ']'])).filter(|h| !h.is_empty() && !text[line..].starts_with('['))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_terraforms_keys() {
        let address: Address = "module.net[0].aws_subnet.a[\"x\"]".parse().expect("an address");
        let done = Event::Done { address, verb: Verb::Create, id: Some("subnet-1".into()), took: Duration::from_millis(1900) };
        let line = event(&done, "2026-01-01T00:00:00Z").expect("it has a message").to_string();
        insta::assert_snapshot!(line, @r#"
        {"@level":"info","@message":"module.net[0].aws_subnet.a[\"x\"]: Creation complete after 1s [id=subnet-1]","@module":"terraform.ui","@timestamp":"2026-01-01T00:00:00Z","hook":{"action":"create","elapsed_seconds":1,"id_key":"id","id_value":"subnet-1","resource":{"addr":"module.net[0].aws_subnet.a[\"x\"]","implied_provider":"aws","module":"module.net[0]","resource":"aws_subnet.a[\"x\"]","resource_key":"x","resource_name":"a","resource_type":"aws_subnet"}},"type":"apply_complete"}
        "#);
    }

    #[test]
    fn a_place_has_the_block_around_it() {
        let around = |text: &str, part: &str| {
            let source = crate::words::Source::new("x", text);
            let at = text.find(part).expect("it is there");
            let error = Diagnostic::error("e").at(&crate::words::Span::new(&source, at..at + 1), "");
            diagnostic(&error, None, "")["diagnostic"]["snippet"]["context"].clone()
        };
        let tf = "resource \"a\" \"b\" {\n  x {\n    c = 1\n  }\n}\nlocals { y = 1 }\n";
        assert_eq!(around(tf, "c ="), "resource \"a\" \"b\"");
        assert_eq!(around(tf, "y ="), Json::Null);
        assert_eq!(around("[resource.a.b]\nc = [\n  1,\n]\n[x]\n", "1,"), "resource.a.b");
        assert_eq!(around("[resource.a.b]\nc = 1\n[x]\n", "[x]"), Json::Null);
    }

    #[test]
    fn sums_are_terraforms_sentences() {
        let text = |json: Json| json["@message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(text(totals(1, 2, 1, 0, "plan", "")), "Plan: 1 to add, 2 to change, 1 to destroy.");
        assert_eq!(text(totals(1, 2, 1, 0, "apply", "")), "Apply complete! Resources: 1 added, 2 changed, 1 destroyed.");
    }
}
