//! What uses something for as long as it lives ([`Resource::HOLDS`](crate::words::resource::Resource::HOLDS)), when that is replaced: it is
//! replaced along, or the cloud's refusal is told before anything is done. So are names that two would have at once.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::graph::Order;
use super::plan::{Action, Change};
use super::tree::{Placed, Tree};
use crate::words::resource::{Hold, Registry, ResourceType, Then};
use crate::words::{Address, Diagnostic, Value};

/// What is replaced, as far as it is planned.
#[derive(Default)]
pub(super) struct Replaced {
    /// Blocks whose instances are made before the old ones go, though nothing in them may say so.
    first: HashSet<Address>,
    /// By type.
    by_kind: HashMap<Arc<str>, Vec<Gone>>,
}

struct Gone {
    address: Address,
    before: Value,
    /// Its successor is made before.
    create_first: bool,
}

impl Replaced {
    /// Nothing yet, of the blocks of that stack.
    pub fn of(tree: &Tree<'_>, order: &Order) -> Self {
        let mut first = vec![false; order.needs.len()];
        for &i in order.sorted.iter().rev() {
            let says = tree.blocks.get(i).is_some_and(|b| b.block.lifecycle.create_before_destroy == Some(true));
            if says || first[i] {
                first[i] = true;
                order.needs[i].iter().for_each(|&need| first[need] = true);
            }
        }
        let blocks = tree.blocks.iter().zip(&first).filter(|(_, first)| **first);
        Self { first: blocks.map(|(placed, _)| placed.address.clone()).collect(), by_kind: HashMap::new() }
    }

    /// Notes a change, if it replaces something.
    pub fn note(&mut self, change: &Change) {
        if let Action::Replace { create_first } = change.action {
            let create_first = create_first || self.first.contains(&change.address.config());
            let gone = Gone { address: change.address.clone(), before: change.before.clone(), create_first };
            self.by_kind.entry(change.address.kind.clone()).or_default().push(gone);
        }
    }

    /// The attributes of an instance, as it is, by which it uses something that is replaced so that it has to be replaced along.
    pub fn along(&self, ty: &dyn ResourceType, address: &Address, now: &Value, needs: &BTreeSet<Address>) -> Vec<String> {
        let forced = |hold: &&Hold| {
            let Some(replaced) = self.by_kind.get(hold.kind) else { return false };
            let used = names(now, hold.through);
            replaced.iter().any(|gone| {
                let moves = match hold.then {
                    Then::Replaced => !gone.create_first && needs.iter().any(|need| need.covers(&gone.address)),
                    Then::Bound => true,
                    Then::Refused => false,
                };
                moves && is_one_of(&gone.before, &used)
            })
        };
        // What is made first itself makes what it needs first.
        let first = self.first.contains(&address.config());
        ty.holds().iter().filter(|hold| !first || hold.then == Then::Bound).filter(forced).map(|hold| hold.through.to_owned()).collect()
    }
}

/// What the cloud would refuse, or what two would have at once, in a whole plan.
pub(super) fn refusals(changes: &[Change], registry: &Registry, tree: &Tree<'_>) -> Vec<Diagnostic> {
    let mut replaced: HashMap<&str, Vec<&Change>> = HashMap::new();
    for change in changes.iter().filter(|change| matches!(change.action, Action::Replace { .. })) {
        replaced.entry(&change.address.kind).or_default().push(change);
    }
    if replaced.is_empty() {
        return vec![];
    }
    let at = |error: Diagnostic, address: &Address| match tree.blocks.iter().find(|placed| placed.address == address.config()) {
        Some(Placed { block, .. }) => error.at(&block.span, "replaced"),
        None => error,
    };
    let mut errors = vec![];
    for change in changes.iter().filter(|change| matches!(change.action, Action::Nothing | Action::Update)) {
        let Some(ty) = registry.resource(&change.address.kind) else { continue };
        for hold in ty.holds().iter().filter(|hold| hold.then == Then::Refused) {
            let used = names(&change.before, hold.through);
            // What lets go of it beforehand is in nobody's way.
            let stays = |gone: &&&Change| {
                let after = names(&change.after, hold.through);
                let told = change.after.attr(hold.through.split('.').next().unwrap_or(hold.through)).is_known();
                is_one_of(&gone.before, &used) && (!told || is_one_of(&gone.before, &after))
            };
            let gone = replaced.get(hold.kind).into_iter().flatten();
            let gone = gone.filter(|gone| gone.action == Action::Replace { create_first: false } && gone.address != change.address);
            errors.extend(gone.filter(stays).map(|gone| at(refused(&gone.address, &change.address), &gone.address)));
        }
    }
    for change in replaced.values().flatten().filter(|change| change.action == Action::Replace { create_first: true }) {
        let Some(ty) = registry.resource(&change.address.kind) else { continue };
        let same = |name: &&str| {
            let (before, after) = (change.before.attr(name), change.after.attr(name));
            !before.is_null() && before.bare() == after.bare()
        };
        let unique = ty.unique();
        if !unique.is_empty() && unique.iter().all(same) {
            errors.push(at(taken(change, &unique), &change.address));
        }
    }
    errors
}

fn refused(gone: &Address, user: &Address) -> Diagnostic {
    Diagnostic::error(format!("{gone} can't be replaced: the old one would have to go first, which is refused while {user} uses it"))
        .help("give it `lifecycle.create_before_destroy = true`; where it has a name of its own, `name_prefix` in place of `name`, since both are there for a moment")
}

fn taken(change: &Change, unique: &[&str]) -> Diagnostic {
    let name = unique.first().copied().unwrap_or("name");
    let value = change.before.attr(name).as_str().map(|value| format!(" {value:?}")).unwrap_or_default();
    Diagnostic::error(format!(
        "{} can't be replaced: the new one is to be made before the old one goes, and no two may have the same {}{value}",
        change.address,
        unique.join(" and ")
    ))
    .help(format!("let a part of `{name}` change with it, or take away `create_before_destroy` from it and from what depends on it"))
}

/// All texts at a path, in whatever lists they stand.
fn names<'v>(value: &'v Value, path: &str) -> Vec<&'v str> {
    if let Some(text) = value.as_str().filter(|_| path.is_empty()) {
        return vec![text];
    }
    if !value.items().is_empty() {
        return value.items().iter().flat_map(|item| names(item, path)).collect();
    }
    match path.split_once('.').unwrap_or((path, "")) {
        ("", _) => vec![],
        (name, rest) => names(value.attr(name), rest),
    }
}

fn is_one_of(thing: &Value, used: &[&str]) -> bool {
    ["id", "arn", "name"].iter().filter_map(|name| thing.attr(name).as_str()).any(|name| used.contains(&name))
}
