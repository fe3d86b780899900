//! Orders that no reference tells: an instance needs the internet gateway of its VPC, though it names it nowhere. The types say so
//! (`Resource::AFTER`); what belongs to the same thing is found along the references.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::plan::Change;
use super::steps::Index;
use crate::state::State;
use crate::words::Mode;
use crate::words::resource::{After, Registry};

/// Changes, by their places in the plan, all of which need all of the others: those are made before and removed after.
pub(super) struct Group {
    /// Who needs.
    pub users: Vec<usize>,
    /// What is needed.
    pub needs: Vec<usize>,
}

/// Which changes refer to which.
struct Needs<'a> {
    changes: &'a [Change],
    of: Vec<Vec<usize>>,
    /// What of a type each refers to, directly or through others, as far as anybody asked.
    known: HashMap<(&'static str, usize), Arc<BTreeSet<usize>>>,
}

/// What needs what without a reference to it.
///
/// A need that refers to its user itself is none: a route to an instance can't come before the instance.
pub(super) fn groups(changes: &[Change], index: &Index<'_>, state: &State, registry: &Registry) -> Vec<Group> {
    let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
    let managed = changes.iter().enumerate().filter(|(_, change)| change.address.mode == Mode::Managed);
    managed.for_each(|(i, change)| places.entry(&*change.address.kind).or_default().push(i));
    let rules =
        places.keys().filter_map(|kind| registry.resource(kind)).flat_map(|ty| ty.after().iter().map(move |rule| (ty.name(), rule)));
    let rules: BTreeSet<(&str, &After)> = rules.filter(|(_, rule)| places.contains_key(rule.kind)).collect();
    if rules.is_empty() {
        return vec![];
    }
    let mut all = Needs::of(changes, index, state);
    let mut groups = vec![];
    for (kind, rule) in rules {
        let needs = all.by_owner(rule.through, &places[rule.kind]);
        for (owner, users) in all.by_owner(rule.through, &places[kind]) {
            let Some(needs) = needs.get(&owner) else { continue };
            let behind: HashMap<usize, HashSet<usize>> = needs.iter().map(|need| (*need, all.behind(*need))).collect();
            let serves = |user: &usize, need: &usize| need != user && !behind[need].contains(user);
            let (free, bound): (Vec<usize>, Vec<usize>) = users.iter().partition(|user| needs.iter().all(|need| serves(user, need)));
            groups.push(Group { users: free, needs: needs.clone() });
            for user in bound {
                groups.push(Group { users: vec![user], needs: needs.iter().copied().filter(|need| serves(&user, need)).collect() });
            }
        }
    }
    groups.retain(|group| !group.users.is_empty() && !group.needs.is_empty());
    groups
}

impl<'a> Needs<'a> {
    fn of(changes: &'a [Change], index: &Index<'_>, state: &State) -> Self {
        let of = changes.iter().enumerate().map(|(i, change)| {
            let held = state.instances.get(&change.address).map_or(&[][..], |instance| &instance.dependencies);
            let found: BTreeSet<usize> = change.dependencies.iter().chain(held).flat_map(|need| index.of(need).to_vec()).collect();
            found.into_iter().filter(|need| *need != i).collect()
        });
        Self { changes, of: of.collect(), known: HashMap::new() }
    }

    /// Those places by what of a type they belong to.
    fn by_owner(&mut self, kind: &'static str, places: &[usize]) -> BTreeMap<usize, Vec<usize>> {
        let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for &at in places {
            self.through(kind, at).iter().for_each(|&owner| found.entry(owner).or_default().push(at));
        }
        found
    }

    /// Those of a type that it refers to, directly or through others; itself if it is one.
    fn through(&mut self, kind: &'static str, at: usize) -> Arc<BTreeSet<usize>> {
        // Depth first, without recursion: chains can be long.
        let (mut stack, mut entered) = (vec![(at, false)], HashSet::new());
        while let Some((node, left)) = stack.pop() {
            let is_one = *self.changes[node].address.kind == *kind;
            if left || is_one {
                let behind = self.of[node].iter().filter(|_| !is_one).filter_map(|need| self.known.get(&(kind, *need)));
                let found = behind.flat_map(|set| set.iter().copied()).chain(is_one.then_some(node)).collect();
                self.known.insert((kind, node), Arc::new(found));
            } else if !self.known.contains_key(&(kind, node)) && entered.insert(node) {
                stack.push((node, true));
                stack.extend(self.of[node].iter().map(|need| (*need, false)));
            }
        }
        self.known.get(&(kind, at)).cloned().unwrap_or_default()
    }

    /// All that it refers to, directly or through others.
    fn behind(&self, at: usize) -> HashSet<usize> {
        let (mut found, mut stack) = (HashSet::new(), vec![at]);
        while let Some(node) = stack.pop() {
            stack.extend(self.of[node].iter().filter(|need| found.insert(**need)));
        }
        found
    }
}
