//! A plan boiled down to what people read of it, as plain data with a JSON form: the bot passes it from the job that plans, which has
//! credentials, to the one that comments, which has none. It holds no secret: what is sensitive says so.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::delta::{Body, Item, Row, Sign};
use super::line::count;
use super::view::{self, Entry, Facts, Sort};
use crate::engine::plan::{self, Plan};
use crate::words::Address;
use crate::words::resource::Registry;

/// A plan of one stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The stack's name.
    pub stack: String,
    /// Its workspace.
    pub workspace: String,
    /// The state that it was made from: its serial.
    pub serial: u64,
    /// That state's lineage.
    pub lineage: String,
    /// `us-east-1`
    pub region: Option<String>,
    /// `123456789012`
    pub account: Option<String>,
    /// How much there is to do.
    pub counts: Counts,
    /// What is dangerous, the worst first.
    pub dangers: Vec<Danger>,
    /// Warnings and failing checks, one line each.
    pub warnings: Vec<String>,
    /// What is done, in the order of reading.
    pub details: Vec<Detail>,
}

/// How many instances each thing is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed in place, more than tags.
    pub change: usize,
    /// Changed in their tags alone.
    pub tags: usize,
    /// Destroyed and made anew.
    pub replace: usize,
    /// Destroyed.
    pub destroy: usize,
    /// Left alone from now on.
    pub forget: usize,
    /// Taken in.
    pub import: usize,
    /// Changes of outputs.
    pub outputs: usize,
    /// As they should be.
    pub unchanged: usize,
}

impl Counts {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn nothing(&self) -> bool {
        self.create + self.change + self.tags + self.replace + self.destroy + self.forget + self.import + self.outputs == 0
    }
}

/// Something dangerous.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Danger {
    /// Of which instance.
    pub address: String,
    /// `opens SSH to the world`
    pub text: String,
    /// Where its block stands.
    pub place: Option<Place>,
}

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its path from where the plan was made.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
}

/// What is done to an instance, or alike to several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// `REPLACE`, `DELETE`, `CHANGE`, `TAGS`, `CREATE`, `IMPORT`, ...; nothing for outputs and for what somebody else did.
    pub word: String,
    /// The address, or what they are: `4 resources`, `2 outputs`.
    pub of: String,
    /// Its id.
    pub id: Option<String>,
    /// `because ami changes`
    pub why: Option<String>,
    /// Where its block stands.
    pub place: Option<Place>,
    /// Lines of a diff: they begin with `+ `, `- `, `! `, `# ` or two blanks.
    pub lines: Vec<String>,
}

impl Digest {
    /// What people read of a plan.
    #[must_use]
    pub fn of(plan: &Plan, registry: &Registry, facts: &Facts) -> Self {
        let entries = view::entries(plan, registry);
        let mut places = Places { facts, starts: HashMap::new() };
        let mut details: Vec<Detail> = entries.iter().filter(|e| e.sort < Sort::Tags).map(|e| detail(e, &mut places)).collect();
        details.extend(view::tag_groups(&entries).into_iter().map(|(rows, members)| tags(rows, &members)));
        details.extend(entries.iter().filter(|e| e.sort >= Sort::Create).map(|e| detail(e, &mut places)));
        details.extend(outputs(plan));
        details.extend(drift(plan, registry));
        let failed = plan.checks.iter().filter(|c| c.warns());
        let failed = failed.map(|c| format!("{} fails: {}", c.object, c.messages.join("; ")));
        Self {
            stack: plan.stack.clone(),
            workspace: facts.workspace.clone(),
            serial: plan.serial,
            lineage: plan.lineage.clone(),
            region: plan.identity.as_ref().map(|i| i.region.clone()),
            account: plan.identity.as_ref().map(|i| i.account.clone()),
            counts: counts(plan),
            dangers: view::all_dangers(&entries).into_iter().map(|(address, text)| places.danger(&address, text)).collect(),
            warnings: plan.warnings.iter().map(ToString::to_string).chain(failed).map(|text| text.replace('\n', " ")).collect(),
            details,
        }
    }
}

/// Where blocks stand, by the line. The beginnings of a file's lines are looked for once.
struct Places<'a> {
    facts: &'a Facts,
    starts: HashMap<&'a str, Vec<usize>>,
}

impl Places<'_> {
    fn of(&mut self, address: &Address) -> Option<Place> {
        let span = self.facts.place(address)?;
        let source = &span.source;
        let starts = self.starts.entry(&source.name).or_insert_with(|| source.text.match_indices('\n').map(|(at, _)| at).collect());
        let line = starts.partition_point(|end| *end < span.start as usize) as u64 + 1;
        Some(Place { file: source.name.clone(), line })
    }

    fn danger(&mut self, address: &Address, text: String) -> Danger {
        Danger { address: address.to_string(), text, place: self.of(address) }
    }
}

fn counts(plan: &Plan) -> Counts {
    let plan::Counts { create, update, tags, replace, delete, forget, import, unchanged } = plan.counts();
    let outputs = plan.outputs.values().filter(|o| o.before != o.after).count();
    Counts { create, change: update, tags, replace, destroy: delete, forget, import, outputs, unchanged }
}

fn detail(entry: &Entry<'_>, places: &mut Places<'_>) -> Detail {
    let mut lines: Vec<String> = entry.dangers.iter().map(|danger| format!("! {danger}")).collect();
    lines.extend(entry.rows.iter().flat_map(|r| row(r, entry.sort == Sort::Create)));
    lines.extend(entry.notes.iter().map(|note| format!("# {note}")));
    if !entry.along.is_empty() {
        lines.push(format!("# also moves: {}", entry.along.join(", ")));
    }
    if entry.defaults > 0 {
        lines.push(format!("# {} left out", count(entry.defaults, "default")));
    }
    Detail {
        word: entry.sort.word().into(),
        of: entry.change.address.to_string(),
        id: entry.id.clone().filter(|_| entry.sort != Sort::Create),
        why: entry.why.clone(),
        place: places.of(&entry.change.address),
        lines,
    }
}

fn tags(rows: &[Row], members: &[&Entry<'_>]) -> Detail {
    let mut lines: Vec<String> = rows.iter().flat_map(|r| row(r, false)).collect();
    lines.extend(members.iter().map(|m| format!("# {}", m.change.address)));
    Detail { word: Sort::Tags.word().into(), of: count(members.len(), "resource"), lines, ..Detail::default() }
}

fn outputs(plan: &Plan) -> Option<Detail> {
    let rows: Vec<Row> = plan.outputs.iter().filter_map(|(name, output)| view::output_row(name, output)).collect();
    let lines = rows.iter().flat_map(|r| row(r, false)).collect();
    (!rows.is_empty()).then(|| Detail { of: count(rows.len(), "output"), lines, ..Detail::default() })
}

fn drift(plan: &Plan, registry: &Registry) -> Option<Detail> {
    let mut lines = vec![];
    for drift in &plan.drift {
        lines.push(format!("# {}{}", drift.address, if drift.after.is_null() { " is gone" } else { "" }));
        lines.extend(view::drift_rows(drift, registry).iter().flat_map(|r| row(r, false)));
    }
    let of = format!("{} changed by someone else", count(plan.drift.len(), "resource"));
    (!lines.is_empty()).then(|| Detail { of, lines, ..Detail::default() })
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
