//! Reports as Markdown: for issues, pull requests, and the summary of a job.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::{Looked, counts, coverage, left_out, lines, remarks};
use crate::show::line::count;
use crate::words::drift::{Finding, Report, Unmanaged};

/// All reports.
#[must_use]
pub fn markdown(all: &[Looked], now: Timestamp) -> String {
    let mut out = String::new();
    for (stack, looked) in all {
        match looked {
            Ok(report) => one(report, now, &mut out),
            Err(errors) => {
                let _ = writeln!(out, "### {stack}: not looked at\n\n```\n{errors}\n```\n");
            }
        }
    }
    out
}

fn one(report: &Report, now: Timestamp, out: &mut String) {
    let found = if report.findings.is_empty() { "in order".into() } else { counts(report) };
    let _ = writeln!(out, "### {}: {found}\n", report.stack);
    let _ = writeln!(out, "{} looked at, {}.\n", count(report.resources, "resource"), report.started.strftime("%Y-%m-%d %H:%M UTC"));
    report.findings.iter().for_each(|finding| entry(finding, now, out));
    report.unmanaged.iter().for_each(|unmanaged| nobodys(unmanaged, out));
    for gap in &report.gaps {
        let what =
            if gap.addresses.is_empty() { gap.kind.clone() } else { format!("{} ({})", gap.kind, count(gap.addresses.len(), "resource")) };
        let _ = writeln!(out, "- **not looked at**: {what}: {}", text(&gap.reason));
    }
    for ignored in &report.ignored {
        let _ = writeln!(out, "- left alone: `{}`: {}", ignored.finding.address, text(&ignored.reason));
    }
    for note in &report.notes {
        let _ = writeln!(out, "- note: {}", text(note));
    }
    if !(report.gaps.is_empty() && report.ignored.is_empty() && report.notes.is_empty()) {
        out.push('\n');
    }
}

/// What no stack manages: a table, since there is no more to tell of each.
fn nobodys(unmanaged: &Unmanaged, out: &mut String) {
    let _ = writeln!(out, "#### Unmanaged: {}\n", coverage(unmanaged));
    if !unmanaged.findings.is_empty() {
        let _ = writeln!(out, "| | address | id | |\n|---|---|---|---|");
        for Finding { severity, address, id, danger, .. } in &unmanaged.findings {
            let _ = writeln!(out, "| {severity} | `{address}` | `{}` | {} |", id.replace('|', "\\|"), text(danger));
        }
        out.push('\n');
    }
    if unmanaged.noise > 0 {
        let _ = writeln!(out, "{}.\n", left_out(unmanaged));
    }
}

fn entry(finding: &Finding, now: Timestamp, out: &mut String) {
    let danger = if finding.danger.is_empty() { String::new() } else { format!(", {}", finding.danger) };
    let place = finding.place.as_ref().map_or_else(String::new, |p| format!(" ({}:{})", p.file, p.line));
    let severity = finding.severity.to_string().to_uppercase();
    let _ = writeln!(out, "- **{severity}** `{}` {}{}{place}", finding.address, finding.what.word(), text(&danger));
    let lines = lines(finding);
    if !lines.is_empty() {
        // A fence that is longer than any within.
        let longest = lines.iter().flat_map(|line| line.split(|c| c != '`').map(str::len)).max().unwrap_or(0);
        let fence = "`".repeat(longest.max(2) + 1);
        let _ = writeln!(out, "  {fence}\n{}  {fence}", lines.iter().map(|line| format!("  {line}\n")).collect::<String>());
    }
    let _ = writeln!(out, "  {}\n", text(&remarks(finding, now).join("; ")));
}

/// A text in which nothing is markup.
fn text(plain: &str) -> String {
    let mut out = String::with_capacity(plain.len());
    for c in plain.chars() {
        if matches!(c, '<' | '>' | '*' | '_' | '[' | ']' | '|' | '\\' | '@') {
            out.push('\\');
        }
        out.push(if c == '\n' { ' ' } else { c });
    }
    out
}
