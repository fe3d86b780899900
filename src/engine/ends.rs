//! Plans the end of what the state holds and the stack no longer wants.

use std::collections::BTreeSet;

use super::plan::{Action, Change, Purpose, Reason};
use super::planner::{Options, Planner};
use super::tree::Tree;
use super::{evaluate, instance};
use crate::state::State;
use crate::words::{Address, Diagnostic, Diagnostics, ModulePath, Result, Selection};

impl Planner<'_> {
    /// What the state holds and no block accounts for.
    pub(super) fn delete_rest(&mut self) {
        let state = self.request.state;
        let ends = self.ends();
        let told = |a: &Address| !self.untold.iter().any(|module| module.around(&a.module));
        let rest: Vec<Address> = self.priors.keys().filter(|a| !self.claimed.contains(*a) && told(a)).cloned().collect();
        for address in rest.iter().filter(|a| ends.as_ref().is_none_or(|ends| ends.contains(*a))) {
            let block = self.tree.block(address);
            self.plan_delete(address, block);
        }
        if self.request.options.purpose == Purpose::Refresh {
            return;
        }
        for (address, instance) in state.instances.iter().filter(|(a, _)| ends.as_ref().is_none_or(|ends| ends.contains(*a))) {
            for (key, former) in &instance.deposed {
                self.changes.push(Change {
                    deposed: Some(key.clone()),
                    provider: former.provider.clone(),
                    before: former.attributes.clone(),
                    dependencies: former.dependencies.clone(),
                    ..instance::change(address.clone(), Action::Delete)
                });
            }
        }
    }

    /// The instances of the state that may end, where the user named some: targets, and when destroying whatever needs them; or
    /// all but those excluded, and when destroying whatever these need.
    fn ends(&self) -> Option<BTreeSet<Address>> {
        let Options { targets, excludes, purpose, .. } = self.request.options;
        if targets.is_empty() && excludes.is_empty() {
            return None;
        }
        let state = self.request.state;
        let destroying = *purpose == Purpose::Destroy;
        let named = |a: &Address| targets.is_empty() || targets.iter().any(|t| t.covers(a));
        let mut ends: BTreeSet<Address> = state.instances.keys().filter(|a| named(a)).cloned().collect();
        let mut kept: BTreeSet<Address> = state.instances.keys().filter(|a| excludes.iter().any(|e| e.covers(a))).cloned().collect();
        if destroying {
            grow(
                &mut ends,
                |ends, address, instance| !ends.contains(address) && instance.dependencies.iter().any(|d| meant(ends, d)),
                state,
            );
            let mut open: Vec<Address> = kept.iter().cloned().collect();
            while let Some(at) = open.pop() {
                let needs = state.instances.get(&at).map(|i| i.dependencies.clone()).unwrap_or_default();
                for need in needs.iter().flat_map(|d| state.covered(d).map(|(a, _)| a.clone()).collect::<Vec<_>>()) {
                    if kept.insert(need.clone()) {
                        open.push(need);
                    }
                }
            }
        } else {
            // Of a block that is left out as a whole nothing ends.
            let out = |a: &Address| self.tree.find(a).is_some_and(|i| !self.scope.block(i));
            ends.retain(|a| !out(a));
        }
        ends.retain(|a| !kept.contains(a));
        Some(ends)
    }
}

/// Adds instances for as long as one belongs to the rest.
fn grow(all: &mut BTreeSet<Address>, belongs: impl Fn(&BTreeSet<Address>, &Address, &crate::state::Instance) -> bool, state: &State) {
    loop {
        let more: Vec<Address> = state.instances.iter().filter(|(a, i)| belongs(all, a, i)).map(|(a, _)| a.clone()).collect();
        if more.is_empty() {
            return;
        }
        all.extend(more);
    }
}

/// Whether a dependency means one of those.
fn meant(all: &BTreeSet<Address>, dependency: &Address) -> bool {
    all.contains(dependency) || all.iter().any(|a| dependency.covers(a))
}

impl Planner<'_> {
    /// Why an instance of the state is no longer wanted.
    pub(super) fn reason_to_delete(&self, address: &Address, block: Option<&crate::stack::Block>) -> Reason {
        if self.request.options.purpose == Purpose::Destroy {
            return Reason::Destroying;
        }
        if block.is_none() && self.moves.contains_key(address) {
            return Reason::NoMoveTarget;
        }
        let there = self.world.expansions(&address.module.config()).contains(&address.module);
        if block.is_some() && !there { Reason::NoModule } else { without(address, block) }
    }
}

impl Planner<'_> {
    /// Whether an instance leaves the state and stays where it is.
    pub(super) fn forgets(&self, address: &Address) -> bool {
        let destroying = self.request.options.purpose == Purpose::Destroy;
        !destroying && self.removed.iter().any(|(from, destroy)| !destroy && from.covers(address))
    }
}

/// What leaves the stack by `removed` blocks, as the whole stack calls it, and whether it is destroyed.
pub(super) fn removed(tree: &Tree<'_>) -> Result<Vec<(Selection, bool)>> {
    let mut errors = Diagnostics::default();
    let mut found: Vec<(Selection, bool)> = vec![];
    for (site, removed) in tree.sites.iter().flat_map(|site| site.module.removed.iter().map(move |removed| (site, removed))) {
        let put = |inner: &ModulePath| site.path.iter().chain(inner.iter()).cloned().collect();
        let from = match &removed.from {
            Selection::Module(path) => Selection::Module(put(path)),
            Selection::Resource(address) => Selection::Resource(address.within(&put(&address.module))),
        };
        if let Some(still) = tree.blocks.iter().find(|placed| from.touches(&placed.address)) {
            let error = Diagnostic::error(format!("{from} is removed, and the stack still has it")).at(&removed.span, "removed here");
            errors.push(error.fact("declared at", still.block.span.to_string()).help("take away one of both blocks"));
        }
        if found.iter().any(|(other, _)| *other == from) {
            errors.push(Diagnostic::error(format!("{from} is removed twice")).at(&removed.span, "the second one"));
        }
        found.push((from, removed.destroy));
    }
    errors.unless_errors(found)
}

/// Why a block does not want an instance any more.
fn without(address: &Address, block: Option<&crate::stack::Block>) -> Reason {
    use super::world::Shape;
    use crate::words::Key;
    match (block.map(evaluate::shape_of), &address.key) {
        (None, _) => Reason::NoConfig,
        (Some(Shape::Count), Some(Key::Int(_))) => Reason::CountIndex,
        (Some(Shape::Each), Some(Key::Str(_))) => Reason::EachKey,
        _ => Reason::WrongRepetition,
    }
}
