//! A plan as text for people: what matters first, nothing twice, and no more than they need.

pub mod drift;
mod rows;

use std::collections::HashMap;

use indexmap::IndexMap;

use super::delta::{Body, Row, Sign};
use super::inline::inline;
use super::line::{Line, Look, Role, count, show, wrap};
use super::view::{self, Entry, Facts, Sort};
use crate::engine::plan::{Counts, Drift, Plan, Purpose};
use crate::words::resource::Registry;
use crate::words::{Address, Severity};

/// Where rows begin.
const INDENT: usize = 11;
/// How wide the column of names may get.
const NAMES: usize = 30;
/// How many members of a folded group are named.
const NAMED: usize = 6;

/// The whole plan.
#[must_use]
pub fn plan(plan: &Plan, registry: &Registry, facts: &Facts, look: Look) -> String {
    let look = Look { width: look.width.max(40), ..look };
    let mut page = Page { look, lines: vec![] };
    page.head(plan, facts);
    if plan.is_empty() && plan.drift.is_empty() {
        page.warnings(plan, &[], facts);
        return show(&page.lines, look);
    }
    let entries = view::entries(plan, registry);
    page.lines.push(summary(plan));
    page.blank();
    for entry in entries.iter().filter(|e| e.sort < Sort::Tags) {
        page.entry(entry);
    }
    page.tags(&entries);
    page.creations(&entries);
    for entry in entries.iter().filter(|e| e.sort > Sort::Create) {
        page.entry(entry);
    }
    page.outputs(plan);
    page.drift(plan, registry);
    page.blank();
    page.lines.push(summary(plan));
    page.warnings(plan, &view::all_dangers(&entries), facts);
    show(&page.lines, look)
}

/// `1 to create, 2 to change, 4 tags only, 1 to replace, 0 to destroy · 16 unchanged`
fn summary(plan: &Plan) -> Line {
    let Counts { create, update, tags, replace, delete, forget, import, unchanged } = plan.counts();
    let mut line = Line::indented(2);
    let mut part = |n: usize, role: Role, words: &str, always: bool| {
        if n > 0 || always {
            if line.width() > 2 {
                line.push(Role::Plain, ", ");
            }
            line.push(if n > 0 { role } else { Role::Dim }, format!("{n} {words}"));
        }
    };
    part(create, Role::New, "to create", true);
    part(update, Role::Changed, "to change", true);
    part(tags, Role::Changed, "tags only", false);
    part(replace, Role::Replaced, "to replace", replace > 0);
    part(delete, Role::Gone, "to destroy", true);
    part(forget, Role::Changed, "to forget", false);
    part(import, Role::New, "to import", false);
    let outputs = plan.outputs.values().filter(|o| o.before != o.after).count();
    if outputs > 0 {
        line.push(Role::Plain, format!(" · {}", count(outputs, "output")));
    }
    if unchanged > 0 { line.with(Role::Dim, format!(" · {unchanged} unchanged")) } else { line }
}

/// `1234-5678-9012`
#[must_use]
pub fn account(number: &str) -> String {
    match number.len() {
        12 if number.is_ascii() => format!("{}-{}-{}", &number[..4], &number[4..8], &number[8..]),
        _ => number.to_owned(),
    }
}

fn role(sort: Sort) -> Role {
    match sort {
        Sort::Replace => Role::Replaced,
        Sort::Delete => Role::Gone,
        Sort::Forget | Sort::Change | Sort::Tags | Sort::Move => Role::Changed,
        Sort::Create | Sort::Import => Role::New,
        Sort::Read => Role::Dim,
    }
}

fn sign_role(sign: Sign) -> Role {
    match sign {
        Sign::Plus => Role::New,
        Sign::Minus => Role::Gone,
        Sign::Change => Role::Changed,
        Sign::Same => Role::Plain,
    }
}

struct Page {
    look: Look,
    lines: Vec<Line>,
}

impl Page {
    fn blank(&mut self) {
        if self.lines.last().is_some_and(|l| l.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    fn head(&mut self, plan: &Plan, facts: &Facts) {
        let mut parts = vec![];
        if let Some(identity) = &plan.identity {
            parts.push(identity.region.clone());
            parts.push(format!("account {}", account(&identity.account)));
        }
        parts.push(if plan.serial == 0 { "no state yet".into() } else { format!("state serial {}", plan.serial) });
        match plan.purpose {
            Purpose::Apply => {}
            Purpose::Destroy => parts.push("to destroy everything".into()),
            Purpose::Refresh => parts.push("state only, nothing is changed in the cloud".into()),
        }
        let line = Line::indented(2).with(Role::Strong, plan.stack.clone());
        self.lines.push(line.with(Role::Plain, format!(" · {}", parts.join(" · "))));
        if plan.read > 0 {
            let calls =
                facts.calls.map_or_else(String::new, |n| format!(" with {}", count(usize::try_from(n).unwrap_or(usize::MAX), "call")));
            let took = facts.took.map_or_else(String::new, |t| format!(" in {:.1} s", t.as_secs_f64()));
            self.lines.push(Line::indented(2).with(Role::Dim, format!("read {}{calls}{took}", count(plan.read, "resource"))));
        }
        if plan.is_empty() && plan.drift.is_empty() {
            let words = match (plan.purpose, plan.counts().unchanged) {
                (Purpose::Destroy, _) => "nothing to destroy".to_owned(),
                (_, 0) => "No changes: the stack holds no resources".to_owned(),
                (_, 1) => "No changes: the one resource is as the stack wants it".to_owned(),
                (_, n) => format!("No changes: all {n} resources are as the stack wants them"),
            };
            self.lines.push(Line::indented(2).with(Role::New, words));
        }
    }

    /// `REPLACE  aws_instance.gateway  i-0c1f  because ami changes`
    fn title(&mut self, word: &str, role: Role, name: &str, id: Option<&str>, why: Option<&str>) {
        let mut line = Line::indented(2).with(role, format!("{word:<7}"));
        line.pad(INDENT);
        line.push(Role::Strong, name);
        for (role, text) in [(Role::Dim, id), (Role::Plain, why)] {
            let Some(text) = text else { continue };
            if line.width() + 2 + text.len() > self.look.width {
                self.lines.push(std::mem::replace(&mut line, Line::indented(INDENT)));
            } else {
                let column = if role == Role::Dim { self.column(&line) } else { 0 };
                line.pad(column);
            }
            line.push(role, text);
        }
        self.lines.push(line);
    }

    /// Ids stand below one another where names are short.
    fn column(&self, line: &Line) -> usize {
        let half = self.look.width / 2;
        if line.width() + 2 <= half { half } else { 0 }
    }

    fn entry(&mut self, entry: &Entry<'_>) {
        let name = entry.change.address.to_string();
        let id = entry.id.as_deref().filter(|id| entry.sort != Sort::Create && !id.is_empty());
        self.title(entry.sort.word(), role(entry.sort), &name, id, entry.why.as_deref());
        for danger in &entry.dangers {
            self.lines.push(Line::indented(INDENT).with(Role::Danger, format!("! {danger}")));
        }
        self.rows(&entry.rows);
        let mut notes = entry.notes.clone();
        if entry.sort == Sort::Forget {
            notes.push("leaves the state and stays where it is".into());
        }
        // Of a replacement everything is new: that need not be said.
        if entry.later > 0 && entry.sort == Sort::Change {
            notes.push(format!("{} known after apply", count(entry.later, "more attribute")));
        }
        if !entry.along.is_empty() {
            notes.push(format!("also moves: {}", entry.along.join(", ")));
        }
        for note in notes {
            self.wrapped(INDENT, Role::Dim, &note);
        }
    }

    fn wrapped(&mut self, indent: usize, role: Role, text: &str) {
        for (i, part) in wrap(text, self.look.width.saturating_sub(indent + 2)).into_iter().enumerate() {
            self.lines.push(Line::indented(if i == 0 { indent } else { indent + 2 }).with(role, part));
        }
    }

    fn tags(&mut self, entries: &[Entry<'_>]) {
        for (rows, members) in view::tag_groups(entries) {
            let name = match members.as_slice() {
                [one] => one.change.address.to_string(),
                more => count(more.len(), "resource"),
            };
            self.title(Sort::Tags.word(), Role::Changed, &name, None, None);
            self.rows(rows);
            if members.len() > 1 {
                self.named("on ", members.iter().map(|m| &m.change.address));
            }
        }
    }

    /// A few of many, by name.
    fn named<'a>(&mut self, before: &str, all: impl ExactSizeIterator<Item = &'a Address>) {
        let more = all.len().saturating_sub(NAMED);
        let names: Vec<String> = all.take(NAMED).map(ToString::to_string).collect();
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        self.wrapped(INDENT, Role::Dim, &format!("{before}{}{more}", names.join(", ")));
    }

    /// New things; instances of one block are told together, what they share once.
    fn creations(&mut self, entries: &[Entry<'_>]) {
        // What has something to say of its own stands alone, under a number that no other has.
        let mut groups: IndexMap<(Address, usize), Vec<&Entry<'_>>> = IndexMap::new();
        for (i, entry) in entries.iter().enumerate().filter(|(_, e)| e.sort == Sort::Create) {
            let own = if entry.notes.is_empty() { 0 } else { i + 1 };
            groups.entry((entry.change.address.block(), own)).or_default().push(entry);
        }
        self.default_tags(entries);
        for group in groups.into_values() {
            match group.as_slice() {
                [one] => self.creation(one),
                many => self.alike(many),
            }
        }
    }

    /// The provider's default tags are told once: everything new gets them.
    fn default_tags(&mut self, entries: &[Entry<'_>]) {
        let mut told: Vec<&Row> = vec![];
        for row in entries.iter().flat_map(|e| &e.default_tags) {
            if !told.contains(&row) {
                told.push(row);
            }
        }
        let tag = |row: &&Row| match &row.body {
            Body::Is(value) => format!("{} = {value}", row.path),
            _ => row.path.clone(),
        };
        if !told.is_empty() {
            let all: Vec<String> = told.iter().map(tag).collect();
            self.wrapped(2, Role::Dim, &format!("What is new and can have tags also gets {}", all.join(", ")));
        }
    }

    fn creation(&mut self, entry: &Entry<'_>) {
        self.title(Sort::Create.word(), Role::New, &entry.change.address.to_string(), None, entry.why.as_deref());
        for danger in &entry.dangers {
            self.lines.push(Line::indented(INDENT).with(Role::Danger, format!("! {danger}")));
        }
        self.cells(&entry.rows, &folded(entry));
        for note in &entry.notes {
            self.wrapped(INDENT, Role::Dim, note);
        }
    }

    fn alike(&mut self, entries: &[&Entry<'_>]) {
        let block = entries[0].change.address.block();
        self.title(Sort::Create.word(), Role::New, &format!("{block}, {}", count(entries.len(), "instance")), None, None);
        let shared = |row: &&Row| entries.iter().all(|e| e.rows.contains(row));
        let common: Vec<Row> = entries[0].rows.iter().filter(shared).cloned().collect();
        self.cells(&common, &folded(entries[0]));
        let keys = |e: &&Entry<'_>| e.change.address.key.as_ref().map_or_else(String::new, ToString::to_string);
        if entries.iter().all(|e| e.rows == common && e.dangers.is_empty()) {
            return self.wrapped(INDENT, Role::Plain, &entries.iter().map(keys).collect::<Vec<_>>().join(", "));
        }
        for entry in entries {
            let key = entry.change.address.key.as_ref().map_or_else(String::new, ToString::to_string);
            let mut line = Line::indented(INDENT).with(Role::Strong, key);
            for danger in &entry.dangers {
                line.push(Role::Danger, format!("  ! {danger}"));
            }
            let own: Vec<&Row> = entry.rows.iter().filter(|row| !common.contains(row)).collect();
            let (short, long): (Vec<&Row>, Vec<&Row>) = own.into_iter().partition(|row| matches!(row.body, Body::Is(_)));
            for row in short {
                let Body::Is(value) = &row.body else { continue };
                let cell = format!("{} {value}", row.path);
                if line.width() + 2 + cell.len() > self.look.width && line.width() > INDENT + 4 {
                    self.lines.push(std::mem::replace(&mut line, Line::indented(INDENT + 2)));
                }
                line.push(Role::Dim, format!("  {} ", row.path));
                line.push(Role::Plain, value.clone());
            }
            self.lines.push(line);
            for row in long {
                self.row(row, INDENT + row.path.len().clamp(12, NAMES) + 2);
            }
        }
    }

    fn outputs(&mut self, plan: &Plan) {
        let rows: Vec<Row> = plan.outputs.iter().filter_map(|(name, output)| view::output_row(name, output)).collect();
        if rows.is_empty() {
            return;
        }
        self.title("OUTPUTS", Role::Plain, &count(rows.len(), "output"), None, None);
        self.rows(&rows);
    }

    fn drift(&mut self, plan: &Plan, registry: &Registry) {
        if plan.drift.is_empty() {
            return;
        }
        self.blank();
        let after = match plan.purpose {
            Purpose::Refresh => "the state will follow",
            _ => "found while reading",
        };
        let actions: HashMap<&Address, bool> =
            plan.changes.iter().filter(|c| c.deposed.is_none()).map(|c| (&c.address, c.action.acts())).collect();
        let words = format!("Changed by someone else since the last apply: {} ({after})", count(plan.drift.len(), "resource"));
        self.lines.push(Line::indented(2).with(Role::Strong, words));
        let mut groups: IndexMap<(Vec<Row>, &str, usize), Vec<&Drift>> = IndexMap::new();
        for (i, drift) in plan.drift.iter().enumerate() {
            let rows = view::drift_rows(drift, registry);
            let own = if rows.is_empty() { i + 1 } else { 0 };
            groups.entry((rows, answer(drift, actions.get(&drift.address).copied(), plan.purpose), own)).or_default().push(drift);
        }
        for ((rows, answer, _), members) in groups {
            let id = members[0].before.attr("id").as_str().filter(|id| !id.is_empty() && members.len() == 1);
            let name = if members.len() == 1 { members[0].address.to_string() } else { count(members.len(), "resource") };
            self.title("DRIFT", Role::Changed, &name, id, Some(answer));
            self.rows(&rows);
            if members.len() > 1 {
                self.named("on ", members.iter().map(|d| &d.address));
            }
        }
    }

    fn warnings(&mut self, plan: &Plan, dangers: &[(Address, String)], facts: &Facts) {
        let mut found: Vec<(Role, String)> = vec![];
        for (address, danger) in dangers {
            let place = facts.place(address).map_or_else(String::new, |span| format!(", {}", short(&span.to_string())));
            found.push((Role::Danger, format!("{danger} ({address}{place})")));
        }
        for warning in &plan.warnings {
            let place = warning.label.as_ref().map_or_else(String::new, |(span, _)| format!(" ({})", short(&span.to_string())));
            let role = if warning.severity == Severity::Error { Role::Danger } else { Role::Changed };
            found.push((role, format!("{}{place}", warning.summary)));
        }
        for check in plan.checks.iter().filter(|c| c.warns()) {
            found.push((Role::Changed, format!("{} fails: {}", check.object, check.messages.join("; "))));
        }
        if found.is_empty() {
            return;
        }
        self.lines.push(Line::indented(2).with(Role::Strong, format!("{}:", count(found.len(), "warning"))));
        for (role, text) in found {
            self.wrapped(4, role, &format!("! {text}"));
        }
    }
}

/// `stack.toml:41` of `stack.toml:41:3`.
fn short(place: &str) -> &str {
    place.rsplit_once(':').map_or(place, |(front, _)| front)
}

fn folded(entry: &Entry<'_>) -> String {
    let mut parts = vec![];
    if entry.defaults > 0 {
        parts.push(format!("+{}", count(entry.defaults, "default")));
    }
    if entry.later > 0 {
        parts.push(format!("{} known after apply", entry.later));
    }
    if parts.is_empty() { String::new() } else { format!("({})", parts.join(", ")) }
}

/// What becomes of what someone else did.
fn answer(drift: &Drift, acts: Option<bool>, purpose: Purpose) -> &'static str {
    match (drift.after.is_null(), acts, purpose) {
        (true, Some(true), Purpose::Apply) => "is gone; apply makes it again",
        (true, _, _) => "is gone",
        (false, Some(true), Purpose::Apply) => "apply sets it back",
        (false, _, Purpose::Apply) => "stays as it is now",
        _ => "",
    }
}

/// A value as a person reads it, over several lines where it has parts: what `output` and `state show` print.
#[must_use]
pub fn value(value: &crate::words::Value, indent: usize) -> String {
    let pad = " ".repeat(indent + 2);
    match value {
        v if v.is_sensitive() => inline(v),
        v if v.entries().is_some_and(|e| !e.is_empty()) => {
            let entries = v.entries().into_iter().flatten();
            let body: String = entries.map(|(k, v)| format!("{pad}{k} = {}\n", self::value(v, indent + 2))).collect();
            format!("{{\n{body}{}}}", " ".repeat(indent))
        }
        v if !v.items().is_empty() => {
            let body: String = v.items().iter().map(|v| format!("{pad}{},\n", self::value(v, indent + 2))).collect();
            format!("[\n{body}{}]", " ".repeat(indent))
        }
        other => inline(other),
    }
}

#[cfg(test)]
mod tests;
