//! A plan as text for people: what matters first, nothing twice, and no more than they need.

use super::delta::{Body, Item, Row, Sign};
use super::inline::inline;
use super::line::{Line, Look, Role, count, cut, show, wrap};
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
    line.with(Role::Dim, format!(" · {unchanged} unchanged"))
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
        parts.push(if plan.lineage.is_empty() { "no state yet".into() } else { format!("state serial {}", plan.serial) });
        match plan.purpose {
            Purpose::Apply => {}
            Purpose::Destroy => parts.push("to destroy everything".into()),
            Purpose::Refresh => parts.push("state only, nothing is changed in the cloud".into()),
        }
        let line = Line::indented(2).with(Role::Strong, plan.stack.clone());
        self.lines.push(line.with(Role::Plain, format!(" · {}", parts.join(" · "))));
        if plan.read > 0 {
            let calls = facts.calls.map_or_else(String::new, |n| format!(" with {}", count(usize::try_from(n).unwrap_or(usize::MAX), "call")));
            let took = facts.took.map_or_else(String::new, |t| format!(" in {:.1} s", t.as_secs_f64()));
            self.lines.push(Line::indented(2).with(Role::Dim, format!("read {}{calls}{took}", count(plan.read, "resource"))));
        }
        if plan.is_empty() && plan.drift.is_empty() {
            let words = match (plan.purpose, plan.counts().unchanged) {
                (Purpose::Destroy, _) => "nothing to destroy".to_owned(),
                (_, 0) => "nothing to do: the stack holds no resources".to_owned(),
                (_, 1) => "nothing to do: the one resource is as the stack wants it".to_owned(),
                (_, n) => format!("nothing to do: all {n} resources are as the stack wants them"),
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
        if entry.later > 0 && entry.sort != Sort::Create {
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

    fn rows(&mut self, rows: &[Row]) {
        let longest = rows.iter().map(|row| row.path.len()).filter(|n| *n <= NAMES).max().unwrap_or(0);
        let column = INDENT + longest.max(12) + 2;
        for row in rows {
            self.row(row, column);
        }
    }

    fn row(&mut self, row: &Row, column: usize) {
        let mut line = Line::indented(INDENT).with(Role::Plain, row.path.clone());
        if line.width() + 2 > column {
            self.lines.push(std::mem::take(&mut line));
        }
        line.pad(column);
        let forces = |line: &mut Line| {
            if row.forces {
                line.push(Role::Replaced, "  forces replacement");
            }
        };
        let (role, sign, text) = match &row.body {
            Body::Is(text) => (if text.starts_with('(') { Role::Dim } else { Role::Plain }, "", text),
            Body::Added(text) => (Role::New, "+ ", text),
            Body::Removed(text) => (Role::Gone, "- ", text),
            Body::Becomes(old, new) => return self.becomes(line, column, old, new, row.forces),
            Body::Items(items) => {
                forces(&mut line);
                return self.items(line, column, items);
            }
            Body::Lines(about, items) => {
                line.push(Role::Dim, about.clone());
                forces(&mut line);
                self.lines.push(line);
                return self.block(items);
            }
        };
        let room = self.look.width.saturating_sub(column + sign.len());
        for (i, part) in wrap(text, room).into_iter().enumerate() {
            if i > 0 {
                self.lines.push(std::mem::take(&mut line));
                line.pad(column + sign.len());
            } else {
                line.push(role, sign);
            }
            line.push(role, part);
        }
        forces(&mut line);
        self.lines.push(line);
    }

    /// `"a" -> "b"` on one line, or below one another.
    fn becomes(&mut self, mut line: Line, column: usize, old: &str, new: &str, forces: bool) {
        let note = if forces { "  forces replacement" } else { "" };
        line.push(Role::Gone, old);
        if column + old.len() + 4 + new.len() + note.len() > self.look.width {
            self.lines.push(std::mem::take(&mut line));
            line.pad(column.saturating_sub(3));
            line.push(Role::Plain, "-> ");
        } else {
            line.push(Role::Plain, " -> ");
        }
        line.push(if new.starts_with('(') { Role::Dim } else { Role::New }, new);
        line.push(Role::Replaced, note);
        self.lines.push(line);
    }

    fn items(&mut self, first: Line, column: usize, items: &[Item]) {
        let mut line = first;
        let rules = items.iter().map(|i| i.text.len()).filter(|n| *n < 40).max().unwrap_or(0);
        // A heading with one item below it is one line.
        let fold = |items: &[Item]| match items {
            [head, one, rest @ ..] if head.sign == Sign::Same && head.depth == 0 && one.depth == 1 && rest.first().is_none_or(|r| r.depth == 0) => {
                Some((head.clone(), one.clone()))
            }
            _ => None,
        };
        let mut rest = items;
        while let Some(item) = rest.first() {
            line.pad(column);
            let (lead, item, used) = match fold(rest) {
                Some((head, one)) => (format!("{}: ", head.text), Item { danger: head.danger.or(one.danger.clone()), depth: 0, ..one }, 2),
                None => (String::new(), item.clone(), 1),
            };
            rest = &rest[used..];
            let indent = column + item.depth * 2;
            line.push(Role::Plain, " ".repeat(item.depth * 2) + &lead);
            let role = sign_role(item.sign);
            let sign = if item.sign == Sign::Same { String::new() } else { format!("{} ", item.sign.mark()) };
            let room = self.look.width.saturating_sub(indent + lead.len() + sign.len());
            for (i, part) in wrap(&item.text, room.max(24)).into_iter().enumerate() {
                if i > 0 {
                    self.lines.push(std::mem::take(&mut line));
                    line.pad(indent + sign.len() + 2);
                    line.push(role, part);
                } else {
                    line.push(role, format!("{sign}{part}"));
                }
            }
            if let Some(danger) = &item.danger {
                let text = format!("! {danger}");
                if line.width() + 2 + text.len() > self.look.width {
                    self.lines.push(std::mem::take(&mut line));
                    line.pad(indent + sign.len());
                } else {
                    line.pad(indent + sign.len() + rules + 2);
                }
                line.push(Role::Danger, text);
            }
            self.lines.push(std::mem::take(&mut line));
        }
    }

    /// Lines of a longer text behind a rule.
    fn block(&mut self, items: &[Item]) {
        for item in items {
            let text = cut(&item.text, self.look.width.saturating_sub(INDENT + 6));
            let role = if item.sign == Sign::Same { Role::Dim } else { sign_role(item.sign) };
            self.lines.push(Line::indented(INDENT + 2).with(Role::Dim, "│ ").with(role, format!("{}{text}", item.sign.mark())));
        }
    }

    fn tags(&mut self, entries: &[Entry<'_>]) {
        for (rows, members) in view::tag_groups(entries) {
            let name = match members.as_slice() {
                [one] => one.change.address.to_string(),
                more => count(more.len(), "resource"),
            };
            self.title(Sort::Tags.word(), Role::Changed, &name, None, None);
            self.rows(&rows);
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
        let mut groups: Vec<Vec<&Entry<'_>>> = vec![];
        for entry in entries.iter().filter(|e| e.sort == Sort::Create) {
            let block = entry.change.address.block();
            match groups.iter_mut().find(|g| g[0].change.address.block() == block && g[0].notes.is_empty() && entry.notes.is_empty()) {
                Some(group) => group.push(entry),
                None => groups.push(vec![entry]),
            }
        }
        for group in groups {
            match group.as_slice() {
                [one] => self.creation(one),
                many => self.alike(many),
            }
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

    /// Short attributes side by side, as many as fit; longer ones below.
    fn cells(&mut self, rows: &[Row], fold: &str) {
        let short = |row: &Row| matches!(&row.body, Body::Is(v) if v.len() <= 26 && row.path.len() <= NAMES);
        let (cells, long): (Vec<&Row>, Vec<&Row>) = rows.iter().partition(|row| short(row));
        let (names, values) = cells.iter().fold((12, 0), |(n, v), row| match &row.body {
            Body::Is(value) => (n.max(row.path.len()), v.max(value.chars().count())),
            _ => (n, v),
        });
        let cell = names + 2 + values + 3;
        let across = ((self.look.width - INDENT + 3) / cell.max(1)).clamp(1, 3);
        for chunk in cells.chunks(across) {
            let mut line = Line::default();
            for (i, row) in chunk.iter().enumerate() {
                let Body::Is(value) = &row.body else { continue };
                line.pad(INDENT + i * cell);
                line.push(Role::Dim, row.path.clone());
                line.pad(INDENT + i * cell + names + 2);
                line.push(Role::Plain, value.clone());
            }
            self.lines.push(line);
        }
        let column = INDENT + long.iter().map(|row| row.path.len()).filter(|n| *n <= NAMES).max().unwrap_or(0).max(names) + 2;
        for row in long {
            self.row(row, column);
        }
        self.fold(fold);
    }

    /// What is folded stands behind the last line where there is room.
    fn fold(&mut self, fold: &str) {
        match self.lines.last_mut() {
            _ if fold.is_empty() => {}
            Some(last) if last.width() + 2 + fold.len() <= self.look.width => last.push(Role::Dim, format!("  {fold}")),
            _ => self.lines.push(Line::indented(INDENT).with(Role::Dim, fold)),
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
        let words = format!("Changed by someone else since the last apply: {} ({after})", count(plan.drift.len(), "resource"));
        self.lines.push(Line::indented(2).with(Role::Strong, words));
        for drift in &plan.drift {
            let why = answer(plan, drift);
            let id = drift.before.attr("id").as_str().unwrap_or_default().to_owned();
            self.title("DRIFT", Role::Changed, &drift.address.to_string(), Some(&id).filter(|i| !i.is_empty()).map(String::as_str), Some(why));
            self.rows(&view::drift_rows(drift, registry));
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
        for check in plan.checks.iter().filter(|c| c.holds == Some(false)) {
            found.push((Role::Changed, format!("{} fails: {}", check.name, check.messages.join("; "))));
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
fn answer(plan: &Plan, drift: &Drift) -> &'static str {
    let planned = plan.changes.iter().find(|c| c.address == drift.address && c.deposed.is_none());
    match (drift.after.is_null(), planned.map(|c| c.action.acts()), plan.purpose) {
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
mod tests {
    use super::*;
    use crate::show::samples::{REGISTRY, facts, gateway};

    #[test]
    fn a_plan_says_what_matters_first() {
        insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN), @"");
    }

    #[test]
    fn a_wide_terminal_is_used() {
        insta::assert_snapshot!(plan(&gateway(), &REGISTRY, &facts(), Look { width: 160, colour: false }), @"");
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let coloured = plan(&gateway(), &REGISTRY, &facts(), Look { width: 80, colour: true });
        let bare = anstream::adapter::strip_str(&coloured).to_string();
        assert!(coloured.contains('\u{1b}'));
        assert_eq!(bare, plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN));
    }

    #[test]
    fn secrets_are_never_shown() {
        let text = plan(&gateway(), &REGISTRY, &facts(), Look::PLAIN);
        assert!(!text.contains("hunter2") && !text.contains("correct horse"), "{text}");
    }

    #[test]
    fn nothing_to_do_is_two_lines() {
        let mut calm = Plan { drift: vec![], outputs: [].into(), warnings: vec![], checks: vec![], ..gateway() };
        calm.changes.retain(|c| !c.action.acts() && c.moved_from.is_none());
        insta::assert_snapshot!(plan(&calm, &REGISTRY, &facts(), Look::PLAIN), @"");
    }
}
