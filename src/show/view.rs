//! A plan in the order in which people should read it, and what is said of each change; text and Markdown show it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use indexmap::IndexMap;

use super::danger;
use super::delta::{self, Body, Row};
use super::inline::inline;
use crate::engine::plan::{Action, Change, Plan, Purpose, Reason};
use crate::state::marked;
use crate::words::resource::Registry;
use crate::words::schema::Attr;
use crate::words::{Address, Span, Value};

/// What is known besides the plan: how it came about, and where the stack's blocks stand.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Calls that it took.
    pub calls: Option<u64>,
    /// How long it took.
    pub took: Option<Duration>,
    /// The workspace, if that is known.
    pub workspace: String,
    /// Where each block stands in the stack's files.
    pub places: BTreeMap<Address, Span>,
}

impl Facts {
    /// Where that instance's block stands.
    #[must_use]
    pub fn place(&self, address: &Address) -> Option<&Span> {
        self.places.get(address).or_else(|| self.places.get(&address.config()))
    }
}

/// The sorts of entries, in the order of reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// It is destroyed and made anew.
    Replace,
    /// It is destroyed.
    Delete,
    /// It leaves the state.
    Forget,
    /// It is changed.
    Change,
    /// Its tags change.
    Tags,
    /// It is made.
    Create,
    /// It is taken in as it is.
    Import,
    /// It stands elsewhere now.
    Move,
    /// It is read during apply.
    Read,
}

impl Sort {
    /// The word in front.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Replace => "REPLACE",
            Self::Delete => "DELETE",
            Self::Forget => "FORGET",
            Self::Change => "CHANGE",
            Self::Tags => "TAGS",
            Self::Create => "CREATE",
            Self::Import => "IMPORT",
            Self::Move => "MOVE",
            Self::Read => "READ",
        }
    }
}

/// What is said of one change.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Of which sort it is.
    pub sort: Sort,
    /// The change.
    pub change: &'a Change,
    /// Its id, where it has one.
    pub id: Option<String>,
    /// Why it is destroyed or replaced, as the end of a sentence.
    pub why: Option<String>,
    /// What is dangerous about it as a whole.
    pub dangers: Vec<String>,
    /// What happens to its attributes.
    pub rows: Vec<Row>,
    /// How many attributes get their default.
    pub defaults: usize,
    /// How many attributes only apply will tell, besides those in rows.
    pub later: usize,
    /// Tags that it gets besides its own: the provider's default tags.
    pub default_tags: Vec<Row>,
    /// What happens along with it.
    pub along: Vec<String>,
    /// What else is to be said: where it comes from.
    pub notes: Vec<String>,
}

/// All entries, sorted; instances with nothing to do have none.
#[must_use]
pub fn entries<'a>(plan: &'a Plan, registry: &Registry) -> Vec<Entry<'a>> {
    let dependents = dependents(plan);
    let mut entries: Vec<Entry<'a>> = plan.changes.iter().filter_map(|change| entry(plan, change, &dependents, registry)).collect();
    entries.sort_by_key(|e| e.sort);
    entries
}

fn sort(change: &Change) -> Option<Sort> {
    Some(match change.action {
        Action::Replace { .. } => Sort::Replace,
        Action::Delete => Sort::Delete,
        Action::Forget => Sort::Forget,
        Action::Update if change.only_tags() && change.importing.is_none() => Sort::Tags,
        Action::Update => Sort::Change,
        Action::Create => Sort::Create,
        Action::Read => Sort::Read,
        Action::Nothing if change.importing.is_some() => Sort::Import,
        Action::Nothing if change.moved_from.is_some() => Sort::Move,
        Action::Nothing => return None,
    })
}

fn entry<'a>(plan: &Plan, change: &'a Change, dependents: &Dependents<'_>, registry: &Registry) -> Option<Entry<'a>> {
    let sort = sort(change)?;
    let attrs = registry.attrs(&change.address);
    let id = change.before.attr("id").as_str().map(str::to_owned);
    let mut entry = Entry {
        sort,
        change,
        id,
        why: None,
        dangers: danger::dangers(change),
        rows: vec![],
        defaults: 0,
        later: 0,
        default_tags: vec![],
        along: vec![],
        notes: vec![],
    };
    match change.action {
        Action::Create => created(&mut entry, attrs),
        Action::Update | Action::Replace { .. } => updated(&mut entry, attrs),
        _ => {}
    }
    entry.why = why(plan, change);
    if matches!(change.action, Action::Replace { .. }) {
        entry.along = along(dependents, change);
    }
    if let Action::Replace { create_first: true } = change.action {
        entry.notes.push("the new one is made before the old one goes".into());
    }
    if let Some(from) = &change.importing {
        entry.notes.push(if change.adopted { format!("adopted: {from} exists already") } else { format!("imported from {from}") });
    }
    if let Some(from) = &change.moved_from {
        entry.notes.push(format!("was {from}"));
    }
    Some(entry)
}

fn why(plan: &Plan, change: &Change) -> Option<String> {
    if let Some(deposed) = &change.deposed {
        return Some(format!("left over from a replacement (deposed {deposed})"));
    }
    Some(match change.reason? {
        Reason::CannotUpdate => {
            let names: Vec<&str> = change.replace.iter().map(|p| p.split('.').next().unwrap_or(p)).collect();
            match names.as_slice() {
                [] => "because it can't change in place".into(),
                [one] if !change.changed.iter().any(|name| name == one) => format!("because what {one} names is replaced"),
                [one] => format!("because {one} changes"),
                [one, two] => format!("because {one} and {two} change"),
                [one, rest @ ..] => format!("because {one} and {} more change", rest.len()),
            }
        }
        Reason::ByRequest => "as --replace asks".into(),
        Reason::ByTriggers => "by replace_triggered_by".into(),
        Reason::Tainted => "since an earlier run left it tainted".into(),
        Reason::NoConfig => "no longer in the stack".into(),
        Reason::CountIndex => "beyond count".into(),
        Reason::EachKey => "no longer in for_each".into(),
        Reason::WrongRepetition => "count or for_each came or went".into(),
        Reason::NoModule => "its module has no such instance any more".into(),
        Reason::NoMoveTarget => "moved to where the stack has no block".into(),
        Reason::Destroying if plan.purpose == Purpose::Destroy => return None,
        Reason::Destroying => "the stack is destroyed".into(),
        Reason::Adopted => "was adopted, not made by the stack, and stays".into(),
    })
}

/// What acts because this is replaced: direct dependents, alike ones counted.
/// What acts in the plan, by what it depends on: an instance, or a whole block.
type Dependents<'a> = HashMap<&'a Address, Vec<&'a Change>>;

fn dependents(plan: &Plan) -> Dependents<'_> {
    let mut dependents = Dependents::new();
    if plan.changes.iter().any(|change| matches!(change.action, Action::Replace { .. })) {
        for change in plan.changes.iter().filter(|change| change.action.acts()) {
            change.dependencies.iter().for_each(|d| dependents.entry(d).or_default().push(change));
        }
    }
    dependents
}

fn along(dependents: &Dependents<'_>, change: &Change) -> Vec<String> {
    let block = change.address.block();
    let of_block = dependents.get(&block).filter(|_| block != change.address);
    let mut kinds: BTreeMap<&str, BTreeSet<&Address>> = BTreeMap::new();
    for dependent in dependents.get(&change.address).into_iter().chain(of_block).flatten() {
        kinds.entry(&dependent.address.kind).or_default().insert(&dependent.address);
    }
    let told = |(kind, all): (&str, BTreeSet<&Address>)| match all.len() {
        0..=2 => all.into_iter().map(ToString::to_string).collect(),
        many => vec![format!("{many} {kind}")],
    };
    kinds.into_iter().flat_map(told).collect()
}

/// What a schema says of values that need not be shown.
enum Weight {
    Shown,
    Default,
    Later,
    Nothing,
}

fn weight(attr: Option<&Attr>, value: &Value) -> Weight {
    match attr {
        Some(attr) if value.is_unknown() && (attr.computed || (attr.chosen && attr.refers.is_empty())) => Weight::Later,
        Some(attr) if attr.computed => Weight::Nothing,
        None if value.is_unknown() => Weight::Later,
        Some(attr) if attr.default_value().is_some_and(|default| default == *value.bare()) => Weight::Default,
        _ if value.is_empty() => Weight::Nothing,
        _ => Weight::Shown,
    }
}

fn created(entry: &mut Entry<'_>, attrs: &[Attr]) {
    let after = marked(&entry.change.after, attrs);
    let all_tags = after.attr("tags_all");
    // A tag of its own that the default has too is shown as its own.
    if let Some(all) = all_tags.entries() {
        let default = all.iter().filter(|(key, value)| after.attr("tags").get(key) != Some(*value));
        entry.default_tags =
            default.map(|(key, value)| Row { path: key.to_string(), body: Body::Is(inline(value)), forces: false }).collect();
    }
    given(entry, "", &after, attrs, all_tags.entries().is_some());
    // Its name and what a type requires say what the thing is.
    let rank = |row: &Row| {
        let name = row.path.split(['.', '[']).next().unwrap_or_default();
        (name == "tags" || name == "tags_all", name != "name", !attrs.iter().any(|a| a.name == name && a.required))
    };
    entry.rows.sort_by_key(rank);
}

/// What is said of the attributes of an object, and of nested blocks that appear once.
fn given(entry: &mut Entry<'_>, under: &str, object: &Value, attrs: &[Attr], tags_told: bool) {
    for (name, value) in object.entries().into_iter().flatten() {
        let attr = attrs.iter().find(|a| a.name == name.as_ref());
        let path = format!("{under}{name}");
        if tags_told && path == "tags_all" {
            continue;
        }
        if let (Some(nested), [block]) = (attr.and_then(Attr::block), value.items())
            && !value.is_sensitive()
            && block.entries().is_some()
            && super::inline::rule(block, "").is_none()
        {
            let known = entry.rows.len();
            given(entry, &format!("{path}."), block, nested, false);
            let own = entry.rows.split_off(known);
            match one_line(&path, &own) {
                Some(row) => entry.rows.push(row),
                None => entry.rows.extend(own),
            }
            continue;
        }
        match weight(attr, value) {
            Weight::Shown => match waits_for(entry.change, attr, value) {
                Some(source) => entry.rows.push(Row { path, body: Body::Is(source), forces: false }),
                None if value.is_unknown() && attr.is_some_and(|a| a.chosen) => entry.later += 1,
                None => entry.rows.extend(delta::made(&path, value)),
            },
            Weight::Default => entry.defaults += 1,
            Weight::Later => entry.later += 1,
            Weight::Nothing => {}
        }
    }
}

/// A block of plain values reads as one: `root_block_device  { volume_size = 100 }`.
fn one_line(path: &str, own: &[Row]) -> Option<Row> {
    let parts: Option<Vec<String>> =
        own.iter().map(|row| Some(format!("{} = {}", row.path.strip_prefix(path)?.strip_prefix('.')?, row.plain()?))).collect();
    let parts = parts.filter(|parts| !parts.is_empty())?;
    Some(Row { path: path.to_string(), body: Body::Is(format!("{{ {} }}", parts.join(", "))), forces: false })
}

/// The dependency whose attribute an unknown value will be, where only one can be meant.
fn waits_for(change: &Change, attr: Option<&Attr>, value: &Value) -> Option<String> {
    let (kind, name) = attr?.refers.split_once('.')?;
    let listed = matches!(value.items(), [one] if one.is_unknown());
    let mut sources = change.dependencies.iter().filter(|d| d.kind.as_ref() == kind);
    match (sources.next(), sources.next()) {
        (Some(one), None) if value.is_unknown() && !value.is_sensitive() => Some(format!("{one}.{name} (known after apply)")),
        (Some(one), None) if listed && !value.is_sensitive() => Some(format!("[{one}.{name} (known after apply)]")),
        _ => None,
    }
}

/// The attribute at a path within nested blocks; none below maps and lists of plain values.
fn nested<'a>(attrs: &'a [Attr], path: &str) -> Option<&'a Attr> {
    use crate::words::schema::Kind;
    let (name, rest) = path.split_once('.').map_or((path, None), |(name, rest)| (name, Some(rest)));
    let attr = attrs.iter().find(|a| a.name == name.split('[').next().unwrap_or(name))?;
    match (rest, attr.kind) {
        (None, _) => Some(attr),
        (Some(rest), Kind::Object(attrs)) => nested(attrs, rest),
        (Some(rest), Kind::List(Kind::Object(attrs)) | Kind::Set(Kind::Object(attrs))) => nested(attrs, rest),
        _ => None,
    }
}

fn updated(entry: &mut Entry<'_>, attrs: &[Attr]) {
    let change = entry.change;
    let (before, after) = (marked(&change.before, attrs), marked(&change.after, attrs));
    let forces = |name: &str| change.replace.iter().any(|p| p.split('.').next() == Some(name));
    let mut names: Vec<&String> = change.changed.iter().collect();
    names.extend(change.replace.iter().filter(|p| !p.contains('.') && !change.changed.contains(p)));
    for name in names {
        let attr = attrs.iter().find(|a| a.name == name);
        let (old, new) = (before.attr(name), after.attr(name));
        if name == "tags_all" && new.is_unknown() {
            continue;
        }
        let made_by_cloud = attr.is_none_or(|a| a.computed || (a.chosen && new.is_unknown()));
        if new.is_unknown() && made_by_cloud && !forces(name) {
            entry.later += 1;
            continue;
        }
        let mut rows = delta::changed(name, attr, old, new);
        // Within a block too the cloud makes some values by itself.
        let known = rows.len();
        rows.retain(|row| !(ends_unknown(row) && nested(attrs, &row.path).is_some_and(|a| a.computed || a.chosen) && !forces(name)));
        entry.later += known - rows.len();
        rows.iter_mut().for_each(|row| row.forces = forces(name));
        entry.rows.extend(rows);
    }
    without_echo(&mut entry.rows);
    entry.rows.sort_by_key(|row| !row.forces);
}

fn ends_unknown(row: &Row) -> bool {
    matches!(&row.body, Body::Becomes(_, to) | Body::Added(to) if to == super::inline::UNKNOWN)
}

/// `tags_all` says again what `tags` says; what comes of the provider's default tags stays.
fn without_echo(rows: &mut Vec<Row>) {
    let said = rows.clone();
    rows.retain(|row| match row.path.strip_prefix("tags_all") {
        Some(rest) => !said.iter().any(|r| r.path.strip_prefix("tags") == Some(rest) && r.body == row.body),
        None => true,
    });
}

/// Changes of tags alone that are alike: what changes, and for whom.
#[must_use]
pub fn tag_groups<'a, 'b>(entries: &'b [Entry<'a>]) -> Vec<(&'b [Row], Vec<&'b Entry<'a>>)> {
    let mut groups: IndexMap<&[Row], Vec<&Entry<'a>>> = IndexMap::new();
    for entry in entries.iter().filter(|e| e.sort == Sort::Tags) {
        groups.entry(&entry.rows).or_default().push(entry);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|(_, members)| std::cmp::Reverse(members.len()));
    groups
}

/// All that is dangerous in the plan, with the instance: what the last lines repeat.
#[must_use]
pub fn all_dangers(entries: &[Entry<'_>]) -> Vec<(Address, String)> {
    let mut found: Vec<(Address, String)> = vec![];
    for entry in entries {
        let in_rows = entry.rows.iter().flat_map(|row| match &row.body {
            Body::Items(items) => items.iter().filter_map(|i| i.danger.clone()).collect(),
            _ => vec![],
        });
        for danger in entry.dangers.iter().cloned().chain(in_rows) {
            if !found.contains(&(entry.change.address.clone(), danger.clone())) {
                found.push((entry.change.address.clone(), danger));
            }
        }
    }
    found
}

/// What someone else did, as rows.
#[must_use]
pub fn drift_rows(drift: &crate::engine::plan::Drift, registry: &Registry) -> Vec<Row> {
    let attrs = registry.attrs(&drift.address);
    let (before, after) = (marked(&drift.before, attrs), marked(&drift.after, attrs));
    let rows = |name: &String| delta::changed(name, attrs.iter().find(|a| a.name == name), before.attr(name), after.attr(name));
    let mut rows = drift.changed.iter().flat_map(rows).collect();
    without_echo(&mut rows);
    rows
}

/// How an output changes, or `None` if it doesn't.
#[must_use]
pub fn output_row(name: &str, output: &crate::engine::plan::OutputChange) -> Option<Row> {
    if output.before == output.after {
        return None;
    }
    let hide = |v: &Value| if v.is_null() { v.clone() } else { v.clone().sensitive_if(output.sensitive) };
    let (before, after) = (hide(&output.before), hide(&output.after));
    if before.is_null() {
        return Some(Row { path: name.to_owned(), body: Body::Added(inline(&after)), forces: false });
    }
    let mut rows = delta::changed(name, None, &before, &after);
    if rows.len() == 1 {
        return rows.pop();
    }
    Some(Row { path: name.to_owned(), body: Body::Becomes(inline(&before), inline(&after)), forces: false })
}
