//! Orders that no reference tells: an instance needs the internet gateway of its VPC, though it names it nowhere. The types say so
//! (`Resource::AFTER`); what belongs to the same thing is found along the references.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use super::plan::Change;
use super::steps::Index;
use crate::state::State;
use crate::words::resource::{After, Registry};
use crate::words::{Address, Mode};

/// Changes, by their places in the plan, all of which need all of the others: those are made before and removed after.
pub(super) struct Group {
    /// Who needs.
    pub users: Vec<usize>,
    /// What is needed.
    pub needs: Vec<usize>,
}

/// What refers to which: the changes by their places in the plan, and after them a gate for each address that means many of them, so that
/// a thousand which refer to a thousand are no million references.
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
        let users = all.by_owner(rule.through, &places[kind]);
        let pairs = users.iter().filter_map(|(owner, users)| Some((users, needs.get(owner)?)));
        // Where an address means a whole block, many owners have the same users and the same needs.
        for (users, needs) in pairs.collect::<BTreeSet<_>>() {
            let behind: HashMap<usize, HashSet<usize>> = needs.iter().map(|need| (*need, all.behind(*need))).collect();
            let serves = |user: &usize, need: &usize| need != user && !behind[need].contains(user);
            let (free, bound): (Vec<usize>, Vec<usize>) =
                users.iter().copied().partition(|user| needs.iter().all(|need| serves(user, need)));
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
    fn of(changes: &'a [Change], index: &Index<'_>, state: &'a State) -> Self {
        let mut of: Vec<Vec<usize>> = vec![vec![]; changes.len()];
        let mut gates: HashMap<&Address, Vec<usize>> = HashMap::new();
        for (i, change) in changes.iter().enumerate() {
            let held = state.instances.get(&change.address).map_or(&[][..], |instance| &instance.dependencies);
            let mut found = BTreeSet::new();
            for need in change.dependencies.iter().chain(held) {
                let nodes = gates.entry(need).or_insert_with(|| {
                    let members = index.of(need);
                    if members.len() < 2 {
                        return members.to_vec();
                    }
                    of.push(members.to_vec());
                    vec![of.len() - 1]
                });
                found.extend(nodes.iter().copied().filter(|node| *node != i));
            }
            of[i] = found.into_iter().collect();
        }
        Self { changes, of, known: HashMap::new() }
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
            let is_one = self.changes.get(node).is_some_and(|change| *change.address.kind == *kind);
            if left || is_one {
                let found = if is_one { Arc::new(BTreeSet::from([node])) } else { self.union(kind, node) };
                self.known.insert((kind, node), found);
            } else if !self.known.contains_key(&(kind, node)) && entered.insert(node) {
                stack.push((node, true));
                stack.extend(self.of[node].iter().map(|need| (*need, false)));
            }
        }
        self.known.get(&(kind, at)).cloned().unwrap_or_default()
    }

    /// All that those have which it refers to. What only one of them has is not copied.
    fn union(&self, kind: &'static str, node: usize) -> Arc<BTreeSet<usize>> {
        let mut sets = self.of[node].iter().filter_map(|need| self.known.get(&(kind, *need))).filter(|set| !set.is_empty());
        let Some(first) = sets.next() else { return Arc::default() };
        let mut all = first.clone();
        for set in sets.filter(|set| !Arc::ptr_eq(first, set)) {
            if !set.is_subset(&all) {
                Arc::make_mut(&mut all).extend(set.iter().copied());
            }
        }
        all
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
