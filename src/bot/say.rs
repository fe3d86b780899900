//! What the bot says besides the comment: labels, the check with its annotations, what may be typed.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::forge::{Annotation, Check, Label, Level, Verdict};
use crate::show::comment::{Outcome, Page, Stack, comment};
use crate::show::digest::{Detail, Digest, Place};
use crate::show::gfm;

/// What the names of all of our labels begin with.
pub const LABELS: &str = "ferroform: ";
/// What the names of all of our checks begin with.
pub const CHECKS: &str = "ferroform/";
/// The most that the summary of a check may hold on GitHub, and some room.
const SUMMARY: usize = 65_000;
/// The most lines of a detail that an annotation shows.
const LINES: usize = 20;

/// The labels that say what is planned.
#[must_use]
pub fn labels(outcomes: &[&Outcome]) -> Vec<Label> {
    let label =
        |name: &str, colour: &str, meaning: &str| Label { name: format!("{LABELS}{name}"), colour: colour.into(), meaning: meaning.into() };
    let plans: Vec<&Digest> = outcomes.iter().filter_map(|outcome| outcome.plan()).collect();
    let mut labels = vec![];
    if outcomes.iter().any(|outcome| outcome.error().is_some()) {
        labels.push(label("failed", "b60205", "A stack could not be planned or applied."));
    }
    if plans.iter().any(|plan| destroys(plan)) {
        labels.push(label("destroys", "d93f0b", "Something is destroyed, or replaced by a new one."));
    }
    if plans.iter().any(|plan| !plan.counts.nothing()) {
        labels.push(label("changes", "1d76db", "Infrastructure is changed."));
    } else if !plans.is_empty() && plans.len() == outcomes.len() && labels.is_empty() {
        labels.push(label("no changes", "c2e0c6", "No infrastructure is changed."));
    }
    labels
}

fn destroys(plan: &Digest) -> bool {
    plan.counts.destroy + plan.counts.replace > 0
}

/// The check `ferroform/plan`.
#[must_use]
pub fn check(page: &Page) -> Check {
    let outcomes: Vec<&Outcome> = page.stacks.iter().map(|stack| &stack.outcome).collect();
    let any = |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().any(|outcome| is(outcome));
    let count = |is: &dyn Fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count();
    let failed = |outcome: &Outcome| outcome.error().is_some() || matches!(outcome, Outcome::Refused(_));
    let looked_at = |outcome: &Outcome| outcome.plan().is_some_and(|plan| destroys(plan) || !plan.dangers.is_empty());
    let under_way = |outcome: &Outcome| matches!(outcome, Outcome::Waiting | Outcome::Planning | Outcome::Applying { .. });
    let changes = |outcome: &Outcome| outcome.plan().is_some_and(|plan| !plan.counts.nothing());
    let stacks = |n: usize| if n == 1 { "1 stack".to_owned() } else { format!("{n} stacks") };
    let (verdict, title) = match () {
        () if any(&under_way) => {
            let done = outcomes.len() - count(&under_way);
            (Verdict::Running, format!("{done} of {} done", stacks(outcomes.len())))
        }
        () if any(&failed) => (Verdict::Failure, format!("{} of {} failed", count(&failed), stacks(outcomes.len()))),
        () if any(&looked_at) => {
            (Verdict::Neutral, format!("{} to be looked at: something is destroyed, or dangerous", stacks(count(&looked_at))))
        }
        () if any(&changes) => (Verdict::Success, format!("{} with changes", stacks(count(&changes)))),
        () => (Verdict::Success, "no changes".into()),
    };
    let mut annotations: Vec<Annotation> = page.stacks.iter().flat_map(annotations).collect();
    annotations.sort_by_key(|a| std::cmp::Reverse(a.level as u8));
    let summary = comment(&Page { hints: vec![], ..page.clone() }, SUMMARY);
    Check { name: format!("{CHECKS}plan"), verdict, title, summary, annotations }
}

fn annotations(stack: &Stack) -> Vec<Annotation> {
    let mut all = vec![];
    if let Some(error) = stack.outcome.error()
        && let Some(place) = place_in(error)
    {
        let title = match stack.outcome {
            Outcome::Unplanned(_) => format!("{} could not be planned", stack.name),
            _ => format!("{} was not applied, or not all of it", stack.name),
        };
        all.extend(annotation(&place, Level::Failure, &title, error.trim()));
    }
    let Some(plan) = stack.outcome.plan() else { return all };
    let mut told = BTreeSet::new();
    for detail in plan.details.iter().filter(|detail| matches!(detail.word.as_str(), "REPLACE" | "DELETE")) {
        let dangers = plan.dangers.iter().filter(|danger| danger.address == detail.of).map(|danger| danger.text.as_str());
        let Some(place) = &detail.place else { continue };
        told.insert(detail.of.as_str());
        all.extend(annotation(place, Level::Warning, &format!("{} {}", detail.word, detail.of), &message(detail, dangers)));
    }
    for danger in plan.dangers.iter().filter(|danger| !told.contains(danger.address.as_str())) {
        let Some(place) = &danger.place else { continue };
        all.extend(annotation(place, Level::Warning, &danger.text, &danger.address));
    }
    all
}

/// What an annotation of a change says.
fn message<'a>(detail: &'a Detail, dangers: impl Iterator<Item = &'a str>) -> String {
    let mut message = detail.why.clone().unwrap_or_default();
    let lines = detail.lines.iter().filter(|line| !line.starts_with("! ")).map(String::as_str);
    for line in dangers.chain(lines.clone().take(LINES)) {
        let _ = write!(message, "\n{line}");
    }
    match lines.count() {
        more @ 21.. => message += &format!("\n… {} more lines", more - LINES),
        _ if message.is_empty() => message += "no longer in the stack",
        _ => {}
    }
    message.trim().to_owned()
}

/// An annotation, if its place lies in the repository.
fn annotation(place: &Place, level: Level, title: &str, message: &str) -> Option<Annotation> {
    let path = place.file.strip_prefix("./").unwrap_or(&place.file);
    let outside =
        path.is_empty() || path.starts_with(['/', '<']) || path.split('/').any(|part| part == "..") || path.contains(['\n', '\\']);
    let message: Vec<String> = message.lines().map(gfm::line).collect();
    (!outside).then(|| Annotation {
        path: path.to_owned(),
        line: place.line.max(1),
        level,
        title: gfm::short(title, 200),
        message: message.join("\n"),
    })
}

/// The first place that the program's words name: `stacks/web/stack.toml:41:1`.
fn place_in(said: &str) -> Option<Place> {
    said.split(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | ',' | '`' | '[' | ']')).find_map(|word| {
        let mut parts = word.trim_end_matches([':', '.', ';']).splitn(3, ':');
        let (file, line) = (parts.next()?, parts.next()?);
        let (line, column) = (line.parse().ok()?, parts.next());
        let known = [".toml", ".tf", ".json", ".tftpl", ".tfvars"].iter().any(|end| file.ends_with(end));
        let numbered = column.is_none_or(|column| column.split(':').next().is_some_and(|c| c.parse::<u64>().is_ok()));
        (known && numbered).then(|| Place { file: file.to_owned(), line })
    })
}

/// By what a comment is found again; nobody sees it.
#[must_use]
pub fn mark(key: &str) -> String {
    gfm::hidden(&format!("bot: {key}"))
}

/// The comment with its mark, in at most `limit` bytes.
#[must_use]
pub fn text(page: &Page, mark: &str, limit: usize) -> String {
    match limit.checked_sub(mark.len() + 2) {
        Some(room) => format!("{}\n\n{mark}", comment(page, room)),
        None => comment(page, limit),
    }
}

/// What is to be typed to apply what is planned, as paragraphs for [`Page::hints`]. Without a server nobody listens, and there is none.
#[must_use]
pub fn hints(outcomes: &[&Outcome], server: bool) -> Vec<String> {
    if !server || outcomes.is_empty() {
        return vec![];
    }
    let to_do = |outcome: &&&Outcome| matches!(outcome, Outcome::Planned(plan) if !plan.counts.nothing());
    let ready = outcomes.iter().filter(to_do).count();
    let wrong = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unplanned(_) | Outcome::Failed { .. } | Outcome::Refused(_)));
    let under_way = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Waiting | Outcome::Planning | Outcome::Applying { .. }));
    let mut hints = vec![];
    if ready > 0 && !under_way {
        let all = if ready == 1 { "this plan" } else { "these plans" };
        let one = if ready == 1 { String::new() } else { ", or `ferroform apply STACK` for one of them".into() };
        hints.push(format!("Comment `ferroform apply` to apply {all}{one}."));
    }
    if wrong && !under_way {
        hints.push("Comment `ferroform plan` to plan again; a new commit does so, too.".into());
    }
    if hints.is_empty() && !under_way {
        let applied = outcomes.iter().any(|outcome| matches!(outcome, Outcome::Applied { .. }));
        hints.push(if applied { "All of it is applied." } else { "There is nothing to apply." }.into());
    }
    hints
}

/// What the bot understands.
const HELP: &str = "\
| Comment | What it does |
|:--|:--|
| `ferroform plan` | plans again what this change touches |
| `ferroform apply` | applies all plans of the comment, exactly as shown |
| `ferroform apply STACK...` | applies those stacks' plans |
| `ferroform unlock` | gives up the plans, so that others may have the stacks |
| `ferroform help` | shows this |
";

/// The answer to `ferroform help`.
#[must_use]
pub fn help() -> String {
    format!("{HELP}\nA stack belongs to the change that planned it until that is merged or closed, or unlocked.")
}

/// The answer to a command that there is not.
#[must_use]
pub fn unknown(command: &str) -> String {
    format!("There is no command {}. There are:\n\n{}", gfm::code(command.lines().next().unwrap_or_default()), HELP.trim_end())
}

#[cfg(test)]
mod tests;
