//! The bot's one comment on a pull request: a table of all stacks, then what is dangerous, then each stack, folded.

use std::cell::Cell;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

mod fit;
mod stack;
#[cfg(test)]
mod tests;

use self::fit::{Part, shares};
use super::digest::{Counts, Danger, Digest};
use super::gfm;
use super::line::count;

pub(super) use self::fit::Body;
use self::stack::danger;
pub(super) use self::stack::{left_out, plan_parts, todo, whereabouts};

/// All that the comment tells.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Page {
    /// The commit that was planned, in full.
    pub commit: String,
    /// What is to be typed, or known, at the end: paragraphs of Markdown that we wrote ourselves.
    pub hints: Vec<String>,
    /// Where all of it is that this comment has no room for: a URL.
    pub rest: Option<String>,
    /// The stacks, in the order in which they are applied.
    pub stacks: Vec<Stack>,
}

/// One stack.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stack {
    /// As the project calls it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a stack.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It waits for its turn.
    Waiting,
    /// It is being planned.
    Planning,
    /// This is what would be done.
    Planned(Digest),
    /// It could not be planned: what the program said.
    Unplanned(String),
    /// It is not planned, for this reason: one sentence.
    Refused(String),
    /// The plan is being applied.
    Applying {
        /// What is being done.
        plan: Digest,
        /// How many changes are through.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// The plan was applied.
    Applied {
        /// What was done.
        plan: Digest,
        /// How it ended, in a line: `3 created, 1 changed, 0 destroyed`.
        summary: String,
    },
    /// The apply failed, at least in part.
    Failed {
        /// What was to be done.
        plan: Digest,
        /// What the program said.
        error: String,
    },
}

/// How many of the same danger are named in the beginning.
const ALIKE: usize = 5;
/// With less room than this there is the table and what is dangerous, and no stack's details.
const SMALL: usize = 2_000;

/// The comment, as Markdown of at most `limit` bytes. What does not fit is cut between lines, or left out whole, the least important first,
/// and told. Of several stacks each gets its part of the room.
#[must_use]
pub fn comment(page: &Page, limit: usize) -> String {
    let head = head(page);
    let Some(room) = limit.checked_sub(head.len()) else {
        // Words of our own without any markup may end anywhere.
        return "Ferroform".chars().take(limit).collect();
    };
    let (table, dangers) = (table(page), dangers(page));
    let hints = Part {
        lines: page.hints.iter().map(|hint| format!("{}\n", hint.trim())).collect(),
        rest: Some(|_| String::new()),
        ..Part::default()
    };
    let bodies: Vec<Body> = page.stacks.iter().filter_map(|stack| stack::body(stack, &page.commit)).collect();
    let wants = [table.size(), dangers.size(), hints.size(), bodies.iter().map(Body::size).sum()];
    // Sizes are an upper bound, and only what is far beyond the room is not tried.
    if wants.iter().sum::<usize>() / 2 <= room {
        let whole: String = bodies.iter().map(Body::whole).collect();
        let text = [&head, &table.whole(), &dangers.whole(), &whole, &hints.whole()].map(String::as_str).concat();
        if text.trim_end().len() <= limit {
            return text.trim_end().to_owned();
        }
    }
    let not_all = not_all(page.rest.as_deref());
    let left = Cell::new(room);
    let taken = |wanted: usize, part: &Part| {
        let text = part.cut(wanted.min(left.get())).unwrap_or_default();
        left.set(left.get() - text.len());
        text
    };
    if limit < SMALL {
        let parts = [&table, &dangers, &hints, &Part::line(not_all)].map(|part| taken(usize::MAX, part));
        return [head].into_iter().chain(parts).collect::<String>().trim_end().to_owned();
    }
    let not_all = taken(usize::MAX, &Part::line(not_all + "\n"));
    let fair = shares(&wants, left.get());
    let [table, dangers, hints] = [(&table, fair[0]), (&dangers, fair[1]), (&hints, fair[2])].map(|(part, share)| taken(share, part));
    let bodies = fitted(&bodies, left.get());
    [head, table, dangers, bodies, not_all, hints].concat().trim_end().to_owned()
}

/// The bodies that are worth it, each in its share.
fn fitted(bodies: &[Body], room: usize) -> String {
    let mut kept: Vec<usize> = (0..bodies.len()).collect();
    kept.sort_by_key(|at| bodies[*at].rank);
    let mut fair = vec![];
    while !kept.is_empty() {
        fair = shares(&kept.iter().map(|at| bodies[*at].size()).collect::<Vec<_>>(), room);
        if kept.iter().zip(&fair).all(|(at, share)| *share >= bodies[*at].least()) {
            break;
        }
        kept.pop();
    }
    let mut shown: Vec<(usize, usize)> = kept.into_iter().zip(fair).collect();
    shown.sort_unstable();
    shown.into_iter().filter_map(|(at, share)| bodies[at].cut(share, left_out)).collect()
}

fn head(page: &Page) -> String {
    let mut sum = Counts::default();
    for Counts { create, change, tags, replace, destroy, forget, import, outputs, .. } in
        page.stacks.iter().filter_map(|s| Some(s.outcome.plan()?.counts))
    {
        sum.create += create;
        sum.change += change;
        sum.tags += tags;
        sum.replace += replace;
        sum.destroy += destroy;
        sum.forget += forget;
        sum.import += import;
        sum.outputs += outputs;
    }
    let todo = todo(&sum);
    let todo = if todo.is_empty() { String::new() } else { format!("**{todo}** in ") };
    let commit = if page.commit.is_empty() {
        String::new()
    } else {
        format!(" at commit {}", gfm::code(&page.commit.chars().take(12).collect::<String>()))
    };
    format!("### Ferroform\n\n{todo}{}{commit}\n\n", count(page.stacks.len(), "stack"))
}

fn table(page: &Page) -> Part {
    if page.stacks.is_empty() {
        return Part::default();
    }
    let mut order: Vec<usize> = (0..page.stacks.len()).collect();
    order.sort_by_key(|at| page.stacks[*at].outcome.rank());
    Part {
        before: "| Stack | State | Create | Change | Replace | Destroy | Findings |\n|:--|:--|--:|--:|--:|--:|:--|\n".into(),
        lines: page.stacks.iter().map(stack::row).collect(),
        after: "\n".into(),
        rest: Some(|n| format!("| …and {} | | | | | | |", count(n, "more stack"))),
        order,
        ..Part::default()
    }
}

/// What is dangerous, of all stacks.
fn dangers(page: &Page) -> Part {
    let several = page.stacks.len() > 1;
    let mut stacks: Vec<&Stack> = page.stacks.iter().collect();
    stacks.sort_by_key(|stack| stack.outcome.rank());
    let all = stacks.into_iter().flat_map(|s| s.outcome.plan().into_iter().flat_map(move |plan| plan.dangers.iter().map(move |d| (s, d))));
    dangers_part(all.map(|(stack, danger)| (several.then_some(stack.name.as_str()), danger)))
}

/// A block that nobody overlooks: of each danger the first few, so that many of one don't hide another.
pub(super) fn dangers_part<'a>(dangers: impl Iterator<Item = (Option<&'a str>, &'a Danger)>) -> Part {
    let mut alike: IndexMap<&str, Vec<String>> = IndexMap::new();
    for (within, one) in dangers {
        alike.entry(&one.text).or_default().push(danger(one, within));
    }
    if alike.is_empty() {
        return Part::default();
    }
    let (mut lines, mut more) = (vec![], vec![]);
    for (text, mut all) in alike {
        if all.len() > ALIKE + 1 {
            more.push(format!("> - {}: {} more", gfm::prose(text), all.len() - ALIKE));
            all.truncate(ALIKE);
        }
        lines.extend(all.into_iter().map(|line| format!("> - {line}")));
        lines.append(&mut more);
    }
    let rest = Some((|n| format!("> - …and {n} more {} like these", if n == 1 { "line" } else { "lines" })) as fn(usize) -> String);
    Part { before: "> [!CAUTION]\n".into(), lines, after: "\n".into(), rest, ..Part::default() }
}

/// How a stack stands, in words of ours.
fn state(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Waiting => "waiting".into(),
        Outcome::Planning => "being planned".into(),
        Outcome::Planned(plan) if plan.counts.nothing() => "no changes".into(),
        Outcome::Planned(_) => "planned".into(),
        Outcome::Unplanned(_) => "**plan failed**".into(),
        Outcome::Refused(_) => "**refused**".into(),
        Outcome::Applying { done, of, .. } => format!("applying, {done} of {of}"),
        Outcome::Applied { .. } => "applied".into(),
        Outcome::Failed { .. } => "**apply failed**".into(),
    }
}

fn not_all(rest: Option<&str>) -> String {
    let link = rest.and_then(|url| gfm::link("all of it", url));
    link.map_or_else(|| "Not all of it fits into a comment.".into(), |link| format!("Not all of it fits into a comment: {link}."))
}
