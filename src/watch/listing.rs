//! The history as people read it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::history::{Ending, Entry, Look as Seen, Page, Run};
use crate::show::Look;
use crate::show::line::{Line, Role, count, cut, show, wrap};
use crate::words::drift::Severity;

/// How many runs are listed one by one.
const RUNS: usize = 12;
/// How many are shown at a glance.
const STRIP: usize = 60;

/// When it is read, and where.
#[derive(Clone, Debug)]
pub struct Moment {
    /// Now.
    pub now: Timestamp,
    /// On whose clocks times are shown.
    pub zone: TimeZone,
}

impl Moment {
    fn time(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

/// `3 d 4 h`, `12 min`, `40 s`: the two greatest units.
fn span(from: Timestamp, to: Timestamp) -> String {
    let seconds = to.duration_since(from).max(SignedDuration::ZERO).as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

fn role(severity: Severity) -> Role {
    match severity {
        Severity::High => Role::Danger,
        Severity::Medium => Role::Changed,
        Severity::Low => Role::Plain,
    }
}

/// What became of a finding.
fn life(entry: &Entry, moment: &Moment) -> String {
    match (entry.ended, entry.ending) {
        (Some(ended), ending) => {
            let word = match ending {
                Some(Ending::Changed) => "changed further",
                Some(Ending::Ignored) => "ignored by a rule",
                _ => "resolved",
            };
            format!("{word} {} after {}", moment.time(ended), span(entry.first_seen, ended))
        }
        _ => format!("since {}, {}", moment.time(entry.first_seen), span(entry.first_seen, moment.now)),
    }
}

/// What is known of it, in short.
fn details(entry: &Entry, moment: &Moment) -> Vec<String> {
    let finding = &entry.finding;
    let mut parts = vec![];
    if !finding.danger.is_empty() {
        parts.push(finding.danger.clone());
    } else if !finding.attributes.is_empty() {
        parts.push(finding.attributes.iter().map(|a| a.path.clone()).collect::<Vec<_>>().join(", "));
    }
    if let Some(by) = &finding.by {
        let through = if by.through.is_empty() { String::new() } else { format!(" ({})", by.through) };
        parts.push(format!("by {}{through}", by.principal));
    }
    if let Some(at) = finding.in_order {
        parts.push(format!("in order at {}", moment.time(at)));
    }
    let told: Vec<&str> = entry.told.iter().filter(|told| told.at.is_some()).map(|told| told.target.as_str()).collect();
    if !told.is_empty() {
        parts.push(format!("told {}", told.join(", ")));
    }
    parts.extend(entry.told.iter().filter(|told| told.at.is_none()).map(|told| match told.error.as_str() {
        "" => format!("{} is to be told", told.target),
        why => format!("can't tell {}: {why}", told.target),
    }));
    parts
}

fn what(entry: &Entry) -> &'static str {
    entry.finding.what.word()
}

/// As text.
#[must_use]
pub fn text(page: &Page, path: &str, moment: &Moment, look: Look) -> String {
    let width = look.width.max(40);
    let (open, over): (Vec<&Entry>, Vec<&Entry>) = page.findings.iter().partition(|entry| entry.ended.is_none());
    let mut lines = vec![Line::indented(2).with(Role::Plain, head(page, path, open.len(), over.len(), moment))];
    if page.runs.is_empty() {
        return show(&lines, look);
    }
    lines.push(Line::default());
    lines.extend(strips(page, width));
    for (title, entries) in [("open", open), ("ended", over)] {
        if entries.is_empty() {
            continue;
        }
        lines.push(Line::default());
        lines.push(Line::indented(2).with(Role::Strong, title));
        for entry in entries {
            lines.extend(rows(entry, moment, width));
        }
    }
    lines.push(Line::default());
    lines.push(Line::indented(2).with(Role::Strong, "runs"));
    let several = page.runs.iter().any(|run| run.looks.len() > 1);
    lines.extend(page.runs.iter().take(RUNS).flat_map(|run| run_lines(run, moment, several, width)));
    if page.runs.len() > RUNS {
        let more = format!("and {} more: --format json has all of them", page.runs.len() - RUNS);
        lines.push(Line::indented(2).with(Role::Dim, more));
    }
    show(&lines, look)
}

fn head(page: &Page, path: &str, open: usize, over: usize, moment: &Moment) -> String {
    let Some(first) = page.runs.last() else { return format!("{path} · no runs in this time") };
    format!("{path} · {} since {} · {open} open, {over} ended", count(page.runs.len(), "run"), moment.time(first.started))
}

/// A line for each stack, a character for each of the last runs: how many findings there were.
fn strips(page: &Page, width: usize) -> Vec<Line> {
    let mut stacks: BTreeMap<&str, Vec<(Role, String)>> = BTreeMap::new();
    let last: Vec<&Run> = page.runs.iter().take(STRIP).collect();
    let names: Vec<&str> = last.iter().flat_map(|run| &run.looks).map(|look| look.stack.as_str()).collect();
    for run in last.iter().rev() {
        for name in &names {
            stacks.entry(name).or_default();
        }
        for (name, strip) in &mut stacks {
            strip.push(match run.looks.iter().find(|look| look.stack == *name) {
                None => (Role::Dim, " ".to_owned()),
                Some(look) if look.outcome != "good" => (Role::Danger, "x".to_owned()),
                Some(look) if look.findings == 0 => (Role::New, "·".to_owned()),
                Some(look) if look.findings > 9 => (Role::Changed, "+".to_owned()),
                Some(look) => (Role::Changed, look.findings.to_string()),
            });
        }
    }
    let column = stacks.keys().map(|name| name.len()).max().unwrap_or(0).min(width / 3) + 4;
    let mut lines: Vec<Line> = stacks
        .into_iter()
        .map(|(name, strip)| {
            let mut line = Line::indented(2).with(Role::Strong, cut(name, column - 4));
            line.pad(column);
            let skip = strip.len().saturating_sub(width.saturating_sub(column));
            strip.into_iter().skip(skip).fold(line, |line, (role, text)| line.with(role, text))
        })
        .collect();
    let legend = "findings in each of the last runs, the newest to the right; · none, x not looked at";
    lines.extend(wrap(legend, width.saturating_sub(column)).into_iter().map(|part| Line::indented(column).with(Role::Dim, part)));
    lines
}

/// A finding: one line where there is room for it.
fn rows(entry: &Entry, moment: &Moment, width: usize) -> Vec<Line> {
    let finding = &entry.finding;
    let role = if entry.ended.is_some() { Role::Dim } else { role(finding.severity) };
    let mut line = Line::indented(2).with(role, finding.severity.to_string().to_uppercase());
    line.pad(10);
    let (life, stack) = (life(entry, moment), &entry.stack);
    let told = format!("{} · {stack}", what(entry));
    if width >= 140 {
        line.push(Role::Strong, cut(&finding.address, 48));
        line.pad(60);
        line.push(Role::Plain, cut(&told, 34));
        line.pad(96);
        line.push(Role::Plain, life);
    } else {
        line.push(Role::Strong, cut(&finding.address, width.saturating_sub(12)));
    }
    let mut lines = vec![line];
    if width < 140 {
        lines.extend(wrapped(&format!("{told} · {}", self::life(entry, moment)), Role::Plain, width));
    }
    let details = details(entry, moment);
    if !details.is_empty() {
        lines.extend(wrapped(&details.join(" · "), Role::Dim, width));
    }
    lines
}

fn wrapped(text: &str, role: Role, width: usize) -> Vec<Line> {
    wrap(text, width.saturating_sub(10)).into_iter().map(|part| Line::indented(10).with(role, part)).collect()
}

fn run_lines(run: &Run, moment: &Moment, several: bool, width: usize) -> Vec<Line> {
    let start = |word: &str| {
        let mut line = Line::indented(2).with(Role::Plain, moment.time(run.started));
        line.pad(20);
        let role = if word == "good" {
            Role::New
        } else if word == "failed" {
            Role::Danger
        } else {
            Role::Changed
        };
        line.push(role, word);
        line.pad(30);
        line
    };
    if run.looks.is_empty() {
        return vec![start(&run.outcome).with(Role::Dim, if run.outcome == "running" { "under way" } else { "given up before its end" })];
    }
    let (good, bad): (Vec<_>, Vec<_>) = run.looks.iter().partition(|look| look.outcome == "good");
    let mut parts = vec![];
    if let [first, ..] = good.as_slice() {
        let sum = |of: fn(&Seen) -> i64| good.iter().map(|look| of(look)).sum::<i64>();
        let gaps: usize = good.iter().map(|look| look.gaps).sum();
        if several {
            parts.push(if good.len() == 1 { first.stack.clone() } else { count(good.len(), "stack") });
        }
        parts.push(count(usize::try_from(sum(|look| look.findings)).unwrap_or(0), "finding"));
        if gaps > 0 {
            parts.push(format!("{} not seen", count(gaps, "part")));
        }
        let seconds: f64 = good.iter().map(|look| look.seconds).sum();
        parts.push(format!("{} resources, {} calls, {seconds:.1} s", sum(|look| look.resources), sum(|look| look.calls)));
    }
    let good = (!parts.is_empty()).then(|| parts.join(" · "));
    let bad = bad.into_iter().map(|look| {
        let stack = if several { format!("{}: ", look.stack) } else { String::new() };
        format!("{stack}{}", look.error.lines().next().filter(|why| !why.is_empty()).unwrap_or("nothing could be looked at"))
    });
    let texts = good.into_iter().chain(bad).enumerate();
    let line = |(i, text): (usize, String)| {
        let line = if i == 0 { start(&run.outcome) } else { Line::indented(30) };
        line.with(Role::Plain, cut(&text, width.saturating_sub(30)))
    };
    texts.map(line).collect()
}

/// As Markdown.
#[must_use]
pub fn markdown(page: &Page, moment: &Moment) -> String {
    let cell = |text: &str| text.replace('\\', "\\\\").replace('|', "\\|").replace('<', "&lt;").replace('\n', " ");
    let mut out = String::from("### Drift\n\n");
    if page.findings.is_empty() {
        out += "No findings in this time.\n";
    } else {
        out += "| severity | resource | stack | what | life | details |\n|---|---|---|---|---|---|\n";
        for entry in &page.findings {
            let (mark, finding) = (if entry.ended.is_some() { "" } else { "**" }, &entry.finding);
            let (life, details) = (life(entry, moment), details(entry, moment).join(" · "));
            let address = finding.address.replace('`', "'");
            out += &format!(
                "| {mark}{}{mark} | `{}` | {} | {} | {} | {} |\n",
                finding.severity,
                cell(&address),
                cell(&entry.stack),
                what(entry),
                cell(&life),
                cell(&details)
            );
        }
    }
    out += &format!("\n<details><summary>{}</summary>\n\n", count(page.runs.len(), "run"));
    out += "| run | outcome | stack | findings | resources | calls | seconds |\n|---|---|---|---|---|---|---|\n";
    for run in &page.runs {
        let at = moment.time(run.started);
        if run.looks.is_empty() {
            out += &format!("| {at} | {} | | | | | |\n", run.outcome);
        }
        for look in &run.looks {
            let (stack, seconds) = (cell(&look.stack), look.seconds);
            out += &format!(
                "| {at} | {} | {stack} | {} | {} | {} | {seconds:.1} |\n",
                look.outcome, look.findings, look.resources, look.calls
            );
        }
    }
    out + "\n</details>\n"
}
