//! A plan as Markdown, for a comment on a pull request: what matters in the open, details folded.

use std::fmt::Write as _;

use super::delta::{Body, Item, Row, Sign};
use super::line::count;
use super::text::account;
use super::view::{self, Entry, Facts, Sort};
use crate::engine::plan::{Counts, Plan};
use crate::words::Address;
use crate::words::resource::Registry;

/// The most characters that a comment on GitHub may have.
pub const LIMIT: usize = 65_536;

/// The whole plan in at most `limit` bytes; what doesn't fit is counted.
#[must_use]
pub fn plan(plan: &Plan, registry: &Registry, facts: &Facts, limit: usize) -> String {
    let entries = view::entries(plan, registry);
    let mut page = head(plan);
    let dangers = warnings(plan, &view::all_dangers(&entries), facts);
    page += &dangers;
    let mut details: Vec<String> = entries.iter().filter(|e| e.sort < Sort::Tags).map(entry).collect();
    details.extend(view::tag_groups(&entries).into_iter().map(|(rows, members)| tags(&rows, &members)));
    details.extend(entries.iter().filter(|e| e.sort >= Sort::Create).map(entry));
    details.extend(outputs(plan));
    details.extend(drift(plan, registry));
    // Room for the line that says what is left out.
    let limit = limit.saturating_sub(200);
    let mut left_out = 0;
    for detail in details {
        if left_out > 0 || page.len() + detail.len() > limit {
            left_out += 1;
        } else {
            page += &detail;
        }
    }
    if left_out > 0 {
        let _ = write!(
            page,
            "\n…and {} that would make this comment too long. Run `ferroform plan` to see them.\n",
            count(left_out, "more change")
        );
    }
    page
}

fn head(plan: &Plan) -> String {
    let mut page = format!("### Plan: {}\n\n", escaped(&plan.stack));
    if plan.is_empty() && plan.drift.is_empty() {
        let _ = writeln!(page, "Nothing to do: {} as the stack wants.", count(plan.counts().unchanged, "resource"));
    } else {
        let _ = writeln!(page, "{}", summary(plan));
    }
    if let Some(identity) = &plan.identity {
        let _ = writeln!(page, "<sub>{} · account {} · state serial {}</sub>", identity.region, account(&identity.account), plan.serial);
    }
    page + "\n"
}

fn summary(plan: &Plan) -> String {
    let Counts { create, update, tags, replace, delete, forget, import, unchanged } = plan.counts();
    let all = [
        (replace, "to replace"),
        (delete, "to destroy"),
        (create, "to create"),
        (update, "to change"),
        (tags, "tags only"),
        (forget, "to forget"),
        (import, "to import"),
    ];
    let parts: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, words)| format!("{n} {words}")).collect();
    if parts.is_empty() {
        format!("No resource changes · {unchanged} unchanged")
    } else {
        format!("**{}** · {unchanged} unchanged", parts.join(", "))
    }
}

fn warnings(plan: &Plan, dangers: &[(Address, String)], facts: &Facts) -> String {
    let mut lines: Vec<String> = vec![];
    for (address, danger) in dangers {
        let place = facts.place(address).map_or_else(String::new, |span| format!(" ({span})"));
        lines.push(format!("> - **{}**: `{address}`{}", escaped(danger), escaped(&place)));
    }
    lines.extend(plan.warnings.iter().map(|w| format!("> - {}", escaped(&w.to_string()))));
    let failed = plan.checks.iter().filter(|c| c.holds == Some(false));
    lines.extend(failed.map(|c| format!("> - `{}` fails: {}", c.name, escaped(&c.messages.join("; ")))));
    if lines.is_empty() { String::new() } else { format!("> [!WARNING]\n{}\n\n", lines.join("\n")) }
}

fn entry(entry: &Entry<'_>) -> String {
    let id = entry.id.as_ref().filter(|_| entry.sort != Sort::Create).map_or_else(String::new, |id| format!(" {}", escaped(id)));
    let why = entry.why.as_ref().map_or_else(String::new, |why| format!(" {}", escaped(why)));
    let mut lines: Vec<String> = entry.dangers.iter().map(|danger| format!("! {danger}")).collect();
    lines.extend(entry.rows.iter().flat_map(|r| row(r, entry.sort == Sort::Create)));
    lines.extend(entry.notes.iter().map(|note| format!("# {note}")));
    if !entry.along.is_empty() {
        lines.push(format!("# also moves: {}", entry.along.join(", ")));
    }
    if entry.defaults > 0 {
        lines.push(format!("# {} left out", count(entry.defaults, "default")));
    }
    let title = format!("{} <code>{}</code>{id}{why}", entry.sort.word(), html(&entry.change.address.to_string()));
    folded(&title, &lines)
}

fn tags(rows: &[Row], members: &[&Entry<'_>]) -> String {
    let mut lines: Vec<String> = rows.iter().flat_map(|r| row(r, false)).collect();
    lines.extend(members.iter().map(|m| format!("# {}", m.change.address)));
    folded(&format!("TAGS of {}", count(members.len(), "resource")), &lines)
}

fn outputs(plan: &Plan) -> Option<String> {
    let rows: Vec<Row> = plan.outputs.iter().filter_map(|(name, output)| view::output_row(name, output)).collect();
    (!rows.is_empty()).then(|| folded(&count(rows.len(), "output"), &rows.iter().flat_map(|r| row(r, false)).collect::<Vec<_>>()))
}

fn drift(plan: &Plan, registry: &Registry) -> Option<String> {
    let mut lines = vec![];
    for drift in &plan.drift {
        lines.push(format!("# {}{}", drift.address, if drift.after.is_null() { " is gone" } else { "" }));
        lines.extend(view::drift_rows(drift, registry).iter().flat_map(|r| row(r, false)));
    }
    (!lines.is_empty()).then(|| folded(&format!("Changed by someone else: {}", count(plan.drift.len(), "resource")), &lines))
}

/// A row as lines of a diff.
fn row(row: &Row, new: bool) -> Vec<String> {
    let path = &row.path;
    let forces = if row.forces { "  # forces replacement" } else { "" };
    let sign = |item: &Item| match item.sign {
        Sign::Same if new => "+",
        Sign::Change => "!",
        other => other.mark(),
    };
    let below = |items: &[Item]| -> Vec<String> {
        let danger = |i: &Item| i.danger.as_ref().map_or_else(String::new, |d| format!("  # ! {d}"));
        items.iter().map(|i| format!("{}   {}{}{}", sign(i), "  ".repeat(i.depth), i.text, danger(i))).collect()
    };
    match &row.body {
        Body::Is(value) if new => vec![format!("+ {path} = {value}")],
        Body::Is(value) => vec![format!("  {path} = {value}{forces}")],
        Body::Added(value) => vec![format!("+ {path} = {value}{forces}")],
        Body::Removed(value) => vec![format!("- {path} = {value}{forces}")],
        Body::Becomes(old, to) => vec![format!("- {path} = {old}"), format!("+ {path} = {to}{forces}")],
        Body::Items(items) => std::iter::once(format!("{} {path}:{forces}", if new { "+" } else { " " })).chain(below(items)).collect(),
        Body::Lines(about, items) => {
            std::iter::once(format!("{} {path}: {about}{forces}", if new { "+" } else { " " })).chain(below(items)).collect()
        }
    }
}

/// A title that opens on a click. A fence longer than any in the text holds it together.
fn folded(title: &str, lines: &[String]) -> String {
    if lines.is_empty() {
        return format!("- {title}\n");
    }
    let body = lines.join("\n");
    let ticks = body.split(|c| c != '`').map(str::len).max().unwrap_or(0).max(2) + 1;
    let fence = "`".repeat(ticks);
    format!("<details><summary>{title}</summary>\n\n{fence}diff\n{body}\n{fence}\n\n</details>\n")
}

/// What Markdown and HTML would take for their own.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '*' | '`' | '[' | ']' | '_' | '|' => out.extend(['\\', c]),
            '\n' => out.push(' '),
            c => out.push(c),
        }
        out
    })
}

/// Within a tag only HTML is read.
fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::samples::{REGISTRY, facts, gateway};

    #[test]
    fn details_are_folded() {
        insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), LIMIT), @"");
    }

    #[test]
    fn a_comment_is_never_too_long() {
        let page = plan(&gateway(), &REGISTRY, &facts(), 1500);
        assert!(page.len() <= 1500 && page.contains("more changes"), "{page}");
    }
}
