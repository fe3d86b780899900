//! What the comment says of one stack: its row in the table, and its plan, folded.

use std::collections::BTreeSet;

use super::super::digest::{Counts, Danger, Detail, Digest, Place};
use super::super::gfm;
use super::super::line::count;
use super::super::text::account;
use super::fit::{Body, Part};
use super::{Outcome, Stack, state};

/// The words of details, the most important first. What bears none, outputs and drift, comes between; errors and dangers before all.
const WORDS: &[&str] = &["REPLACE", "DELETE", "FORGET", "CHANGE", "", "TAGS", "READ", "MOVE", "IMPORT", "CREATE"];
/// The rank of errors.
const ERROR: usize = 0;
/// The rank of warnings, and of what is dangerous.
const DANGER: usize = 1;
/// The rank of the first of [`WORDS`].
const FIRST: usize = 2;
/// The most lines of a detail that is not folded from the beginning.
const OPEN: usize = 30;

impl Outcome {
    /// The plan, where there is one.
    #[must_use]
    pub const fn plan(&self) -> Option<&Digest> {
        match self {
            Self::Planned(plan) | Self::Applying { plan, .. } | Self::Applied { plan, .. } | Self::Failed { plan, .. } => Some(plan),
            Self::Waiting | Self::Planning | Self::Unplanned(_) | Self::Refused(_) => None,
        }
    }

    /// What the program said when it failed.
    #[must_use]
    pub const fn error(&self) -> Option<&String> {
        match self {
            Self::Unplanned(error) | Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// The most important first.
    pub(super) fn rank(&self) -> usize {
        let Some(plan) = self.plan().filter(|_| self.error().is_none()) else {
            return usize::from(!matches!(self, Self::Unplanned(_) | Self::Failed { .. } | Self::Refused(_))) * 9;
        };
        let counts = &plan.counts;
        match () {
            () if !plan.dangers.is_empty() => 1,
            () if counts.replace > 0 => 2,
            () if counts.destroy > 0 => 3,
            () if counts.change + counts.tags + counts.forget > 0 => 4,
            () if !counts.nothing() => 5,
            () if !plan.warnings.is_empty() => 6,
            () => 8,
        }
    }
}

/// Its row.
pub(super) fn row(stack: &Stack) -> String {
    let number = |n: usize, strong: bool| match (n, strong) {
        (0, _) => "–".to_owned(),
        (n, true) => format!("**{n}**"),
        (n, false) => n.to_string(),
    };
    let numbers = stack.outcome.plan().map_or_else(
        || [const { String::new() }; 4],
        |Digest { counts: c, .. }| {
            [number(c.create, false), number(c.change + c.tags, false), number(c.replace, true), number(c.destroy, true)]
        },
    );
    format!("| {} | {} | {} | {} |", gfm::cell(&stack.name), state(&stack.outcome), numbers.join(" | "), findings(&stack.outcome))
}

fn findings(outcome: &Outcome) -> String {
    let mut found = vec![];
    if outcome.error().is_some() {
        found.push("**error**".to_owned());
    }
    if let Some(plan) = outcome.plan() {
        if !plan.dangers.is_empty() {
            found.push(format!("**{}**", count(plan.dangers.len(), "danger")));
        }
        if !plan.warnings.is_empty() {
            found.push(count(plan.warnings.len(), "warning"));
        }
    }
    found.join(", ")
}

/// `1 to replace, 2 to create`; empty where nothing is done.
#[must_use]
pub(in crate::show) fn todo(counts: &Counts) -> String {
    let Counts { create, change, tags, replace, destroy, forget, import, outputs, unchanged: _ } = *counts;
    let all = [
        (replace, "to replace"),
        (destroy, "to destroy"),
        (create, "to create"),
        (change, "to change"),
        (tags, "tags only"),
        (forget, "to forget"),
        (import, "to import"),
    ];
    let mut parts: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    if parts.is_empty() && outputs > 0 {
        parts.push(format!("{} to change", count(outputs, "output")));
    }
    parts.join(", ")
}

/// `us-east-1 · account 1234-5678-9012 · state serial 41`
#[must_use]
pub(in crate::show) fn whereabouts(plan: &Digest) -> Vec<String> {
    let mut parts: Vec<String> = plan.region.iter().map(|region| gfm::code(region)).collect();
    parts.extend(plan.account.iter().map(|number| format!("account {}", gfm::code(&account(number)))));
    if !matches!(plan.workspace.as_str(), "" | "default") {
        parts.push(format!("workspace {}", gfm::code(&plan.workspace)));
    }
    parts.push(if plan.serial == 0 { "no state yet".into() } else { format!("state serial {}", plan.serial) });
    parts
}

/// What is folded below its name, if there is anything to tell.
pub(super) fn body(stack: &Stack, commit: &str) -> Option<Body> {
    let outcome = &stack.outcome;
    let name = format!("<b>{}</b>", gfm::html_code(&stack.name));
    if let Outcome::Refused(reason) = outcome {
        let part = Part::line(format!("- {} is not planned: {}", gfm::code(&stack.name), gfm::prose(reason)));
        return Some(Body { rank: outcome.rank(), parts: vec![part], after: "\n".into(), ..Body::default() });
    }
    let mut parts: Vec<Part> = outcome.error().into_iter().map(|error| failed(error)).collect();
    let mut lead = vec![];
    let mut told = String::new();
    if let Some(plan) = outcome.plan() {
        parts.extend(plan_parts(plan));
        if parts.is_empty() {
            return None;
        }
        told = todo(&plan.counts);
        lead = whereabouts(plan);
        if !commit.is_empty() {
            lead.push(format!("commit {}", gfm::code(&commit.chars().take(12).collect::<String>())));
        }
        if plan.counts.unchanged > 0 {
            lead.push(format!("{} unchanged", plan.counts.unchanged));
        }
    }
    if parts.is_empty() {
        return None;
    }
    let title = match outcome {
        Outcome::Unplanned(_) => format!("{name} could not be planned"),
        Outcome::Applied { summary, .. } => format!("{name} was applied: {}", gfm::html_prose(summary)),
        Outcome::Failed { .. } => format!("{name} was not applied, or not all of it"),
        _ if told.is_empty() => format!("{name} has no changes"),
        _ => format!("{name}: {told}"),
    };
    let open = if outcome.error().is_some() { " open" } else { "" };
    let lead = if lead.is_empty() { String::new() } else { format!("{}\n\n", lead.join(" · ")) };
    let before = format!("<details{open}><summary>{title}</summary>\n\n{lead}");
    Some(Body { rank: outcome.rank(), before, parts, after: "\n</details>\n\n".into() })
}

fn failed(error: &str) -> Part {
    let (before, lines, end) = gfm::fence("", error.trim_end().lines());
    let rest = Some((|n| format!("… {} left out", count(n, "more line"))) as fn(usize) -> String);
    Part { rank: ERROR, before, lines, after: end, rest, ..Part::default() }
}

/// A plan's warnings and details.
pub(in crate::show) fn plan_parts(plan: &Digest) -> Vec<Part> {
    let mut parts = vec![];
    if !plan.warnings.is_empty() {
        let lines = plan.warnings.iter().map(|warning| format!("- {}", gfm::prose(warning))).collect();
        let rest = Some((|n| format!("- …and {}", count(n, "more warning"))) as fn(usize) -> String);
        let before = format!("**{}**\n\n", if plan.warnings.len() == 1 { "Warning" } else { "Warnings" });
        parts.push(Part { rank: DANGER, before, lines, after: "\n".into(), rest, ..Part::default() });
    }
    let dangerous: BTreeSet<&str> = plan.dangers.iter().map(|danger| danger.address.as_str()).collect();
    parts.extend(plan.details.iter().map(|d| detail(d, dangerous.contains(d.of.as_str()))));
    parts
}

fn detail(detail: &Detail, dangerous: bool) -> Part {
    let known = WORDS.iter().position(|word| *word == detail.word);
    let rank = if dangerous { DANGER } else { known.unwrap_or(4) + FIRST };
    if detail.lines.is_empty() {
        return Part { rank, bullet: true, ..Part::line(format!("- {}", title(detail, gfm::code, gfm::prose))) };
    }
    let open = if known.is_some_and(|at| at < 4) && detail.lines.len() <= OPEN { " open" } else { "" };
    let title = title(detail, gfm::html_code, gfm::html_prose);
    let (begin, lines, end) = gfm::fence("diff", detail.lines.iter().map(String::as_str));
    let before = format!("<details{open}><summary>{title}</summary>\n\n{begin}");
    let rest = Some((|n| format!("# … {} left out", count(n, "more line"))) as fn(usize) -> String);
    Part { rank, before, lines, after: format!("{end}\n</details>\n"), rest, ..Part::default() }
}

/// `REPLACE aws_instance.gateway i-0c1f2e3d because ami changes`
fn title(detail: &Detail, code: fn(&str) -> String, prose: fn(&str) -> String) -> String {
    let mut parts = vec![];
    // The words are ours; a plan that came from elsewhere may bear any.
    if !detail.word.is_empty() {
        parts.push(prose(&detail.word));
    }
    let counted = detail.word.is_empty() || (detail.word == "TAGS" && !detail.of.contains('.'));
    if counted && !detail.word.is_empty() {
        parts.push("of".into());
    }
    parts.push(if counted { prose(&detail.of) } else { code(&detail.of) });
    parts.extend(detail.id.as_ref().map(|id| code(id)));
    parts.extend(detail.why.as_ref().map(|why| prose(why)));
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// `2,300 CREATE, 80 CHANGE`, for parts that are left out.
pub(in crate::show) fn left_out(ranks: &[usize]) -> String {
    let words = std::iter::once("dangerous").chain(WORDS.iter().copied()).enumerate();
    let counted = words.map(|(at, word)| (ranks.iter().filter(|rank| **rank == at + DANGER).count(), word));
    let named: Vec<String> = counted.filter(|(n, word)| *n > 0 && !word.is_empty()).map(|(n, word)| format!("{n} {word}")).collect();
    let named = if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) };
    format!("…and {} that this comment has no room for{named}.", count(ranks.len(), "more change"))
}

/// A line about something dangerous; `within` names its stack where there are several.
pub(in crate::show) fn danger(danger: &Danger, within: Option<&str>) -> String {
    let stack = within.map_or_else(String::new, |name| format!(" in {}", gfm::code(name)));
    let place =
        danger.place.as_ref().map_or_else(String::new, |Place { file, line }| format!(", {}", gfm::code(&format!("{file}:{line}"))));
    let text = Some(gfm::prose(&danger.text)).filter(|text| !text.is_empty()).unwrap_or_else(|| "dangerous".into());
    format!("**{text}**: {}{stack}{place}", gfm::code(&danger.address))
}
