//! Reports of drift as text for people: the worst first, what differs, who did it, and what the next apply does about it.

use jiff::Timestamp;

use super::{INDENT, Page, account};
use crate::show::drift::{counts, coverage, left_out, remarks, rows};
use crate::show::line::{Line, Look, Role, count, show};
use crate::words::drift::{Finding, Report, Severity, Unmanaged};

/// How many of what is left alone or not looked at are named.
const NAMED: usize = 6;

/// One report.
#[must_use]
pub fn report(report: &Report, look: Look, now: Timestamp) -> String {
    let look = Look { width: look.width.max(40), ..look };
    let mut page = Page { look, lines: vec![] };
    page.drift_head(report);
    for finding in &report.findings {
        page.finding(finding, now);
    }
    report.unmanaged.iter().for_each(|unmanaged| page.unmanaged(unmanaged));
    page.beside(report);
    show(&page.lines, look)
}

const fn role(severity: Severity) -> Role {
    match severity {
        Severity::High => Role::Danger,
        Severity::Medium => Role::Changed,
        Severity::Low => Role::Dim,
    }
}

impl Page {
    fn drift_head(&mut self, report: &Report) {
        let mut parts = report.regions.clone();
        parts.extend(report.account.iter().map(|number| format!("account {}", account(number))));
        if report.workspace != "default" {
            parts.push(format!("workspace {}", report.workspace));
        }
        let parts: String = parts.iter().map(|part| format!(" · {part}")).collect();
        self.lines.push(Line::indented(2).with(Role::Strong, report.stack.clone()).with(Role::Plain, parts));
        let calls = count(usize::try_from(report.calls).unwrap_or(usize::MAX), "call");
        let looked = format!("{} looked at with {calls} in {:.1} s", count(report.resources, "resource"), report.seconds);
        let (role, found) = match report.findings.len() {
            0 if report.resources == 0 && report.gaps.is_empty() => (Role::Dim, "nothing to look at: the state holds no resources".into()),
            0 if report.gaps.is_empty() => (Role::New, "in order".into()),
            0 => (Role::Changed, "in order as far as it was looked at".into()),
            n => (role(report.findings[0].severity), format!("{}: {}", count(n, "finding"), counts(report))),
        };
        let line = Line::indented(2).with(role, found);
        if line.width() + 3 + looked.chars().count() <= self.look.width {
            self.lines.push(line.with(Role::Dim, format!(" · {looked}")));
        } else {
            self.lines.push(line);
            self.wrapped(2, Role::Dim, &looked);
        }
    }

    fn finding(&mut self, finding: &Finding, now: Timestamp) {
        self.blank();
        let danger = if finding.danger.is_empty() { String::new() } else { format!("! {}", finding.danger) };
        let word = finding.severity.to_string().to_uppercase();
        self.title(
            &word,
            role(finding.severity),
            &finding.address,
            Some(finding.id.as_str()).filter(|id| !id.is_empty()),
            Some(finding.what.word()),
        );
        if !danger.is_empty() {
            self.lines.push(Line::indented(INDENT).with(role(finding.severity), danger));
        }
        let told: Vec<_> = finding.attributes.iter().flat_map(rows).collect();
        self.rows(&told);
        self.wrapped(INDENT, Role::Dim, &remarks(finding, now).join(" · "));
    }

    /// What no stack manages, a line each: there is no more to tell of it.
    fn unmanaged(&mut self, unmanaged: &Unmanaged) {
        self.blank();
        self.lines.push(Line::indented(2).with(Role::Strong, "unmanaged").with(Role::Dim, format!(" · {}", coverage(unmanaged))));
        if unmanaged.noise > 0 {
            self.wrapped(2, Role::Dim, &left_out(unmanaged));
        }
        if !unmanaged.findings.is_empty() {
            self.blank();
        }
        for Finding { severity, address, id, danger, .. } in &unmanaged.findings {
            let danger = (!danger.is_empty()).then(|| format!("! {danger}"));
            self.title(&severity.to_string().to_uppercase(), role(*severity), address, Some(id), danger.as_deref());
        }
    }

    /// What was left alone, what could not be looked at, and what is to be said of the rules.
    fn beside(&mut self, report: &Report) {
        if !(report.gaps.is_empty() && report.ignored.is_empty() && report.notes.is_empty()) {
            self.blank();
        }
        for gap in &report.gaps {
            let what = match gap.addresses.as_slice() {
                [] if gap.kind == "plan" => "what the next apply would do".to_owned(),
                [] => gap.kind.clone(),
                few if few.len() <= NAMED => few.join(", "),
                many => format!("{} of {}", count(many.len(), "resource"), gap.kind),
            };
            self.wrapped(2, Role::Changed, &format!("not looked at: {what}: {}", gap.reason));
        }
        for ignored in &report.ignored {
            self.wrapped(2, Role::Dim, &format!("left alone: {}: {}", ignored.finding.address, ignored.reason));
        }
        for note in &report.notes {
            self.wrapped(2, Role::Changed, &format!("note: {note}"));
        }
    }
}
