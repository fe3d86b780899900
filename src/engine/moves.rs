//! What has another address in the stack than in the state: by `moved` blocks, and where `count` came or went.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::tree::Tree;
use crate::stack::Moved;
use crate::state::State;
use crate::words::{Address, Diagnostic, Diagnostics, Key, Mode, ModulePath, Result, Selection};

/// Addresses before by addresses now.
pub type Moves = BTreeMap<Address, Address>;

/// A `moved` block and the module that it stands in, without keys.
struct Statement<'a> {
    module: &'a ModulePath,
    moved: &'a Moved,
}

impl Statement<'_> {
    /// What becomes of that address; none where the block does not mean it.
    fn applied(&self, address: &Address) -> Option<Address> {
        let depth = self.module.len();
        let (around, inner) = (address.module.get(..depth)?, address.module.get(depth..)?);
        if !self.module.iter().zip(around).all(|((name, _), (n, _))| name == n) {
            return None;
        }
        let put = |steps: &[crate::words::address::ModuleStep]| around.iter().chain(steps).cloned().collect::<ModulePath>();
        match (&self.moved.from, &self.moved.to) {
            (Selection::Module(from), Selection::Module(to)) => {
                let (name, key) = from.last()?;
                let (there, rest) = (inner.get(..from.len())?, inner.get(from.len()..)?);
                let (own, before) = there.split_last()?;
                // A call as a whole where neither side has a key; else one instance of it.
                let whole = key.is_none() && to.last().is_some_and(|(_, key)| key.is_none());
                if *before != from[..from.len() - 1] || own.0 != *name || (!whole && own.1 != *key) {
                    return None;
                }
                let mut steps = to.to_vec();
                if let Some(last) = steps.last_mut().filter(|_| whole) {
                    last.1.clone_from(&own.1);
                }
                steps.extend(rest.iter().cloned());
                Some(address.within(&put(&steps)))
            }
            (Selection::Resource(from), Selection::Resource(to)) => {
                let whole = from.key.is_none() && to.key.is_none();
                let same = from.mode == address.mode && from.kind == address.kind && from.name == address.name && *inner == *from.module;
                let key = if whole { address.key.clone() } else { to.key.clone() };
                (same && (whole || from.key == address.key)).then(|| Address { key, ..to.within(&put(&to.module)) })
            }
            _ => None,
        }
    }

    /// One side of it as the whole stack calls it.
    fn side(&self, side: &Selection) -> Selection {
        let put = |inner: &ModulePath| self.module.iter().chain(inner.iter()).cloned().collect();
        match side {
            Selection::Module(path) => Selection::Module(put(path)),
            Selection::Resource(address) => Selection::Resource(address.within(&put(&address.module))),
        }
    }

    /// Whether this has to come before `other`, since it moves something to where that moves it on.
    fn precedes(&self, other: &Self) -> bool {
        let (to, from) = (self.side(&self.moved.to), other.side(&other.moved.from));
        // What moves about within a module that moves as a whole does so before or after it alike.
        let stays = within(&from, &to) && within(&other.side(&other.moved.to), &to);
        let stayed = within(&to, &from) && within(&self.side(&self.moved.from), &from);
        overlap(&to, &from) && !stays && !stayed
    }
}

/// Whether the one can lie in the module that the other is.
fn within(inner: &Selection, outer: &Selection) -> bool {
    let deeper = match (inner, outer) {
        (Selection::Resource(_), Selection::Module(_)) => true,
        (Selection::Module(inner), Selection::Module(outer)) => inner.len() > outer.len(),
        _ => false,
    };
    deeper && overlap(outer, inner)
}

/// Whether both can mean the same instance.
fn overlap(a: &Selection, b: &Selection) -> bool {
    let steps = |s: &Selection| match s {
        Selection::Module(path) => path.to_vec(),
        Selection::Resource(address) => address.module.to_vec(),
    };
    let (one, two) = (steps(a), steps(b));
    let like = one.iter().zip(&two).all(|((n, k), (m, l))| n == m && (k.is_none() || l.is_none() || k == l));
    match (a, b) {
        (Selection::Resource(a), Selection::Resource(b)) => {
            one.len() == two.len() && like && a.name == b.name && a.kind == b.kind && (a.key.is_none() || b.key.is_none() || a.key == b.key)
        }
        (Selection::Module(_), Selection::Module(_)) => like,
        (Selection::Module(_), Selection::Resource(_)) => like && one.len() <= two.len(),
        (Selection::Resource(_), Selection::Module(_)) => like && two.len() <= one.len(),
    }
}

/// What moves, and the state after it; none where nothing does.
pub fn moves(tree: &Tree<'_>, state: &State, warnings: &mut Diagnostics) -> Result<Option<(Moves, State)>> {
    let statements = ordered(tree)?;
    let implied = implied(tree, state);
    if statements.is_empty() && implied.is_empty() {
        return Ok(None);
    }
    // By the address where it is by now, that where it was.
    let mut places: BTreeMap<Address, Address> = state.instances.keys().map(|a| (a.clone(), a.clone())).collect();
    for statement in &statements {
        let moving: Vec<(Address, Address)> = places.keys().filter_map(|at| Some((at.clone(), statement.applied(at)?))).collect();
        for (at, to) in moving.into_iter().filter(|(at, to)| at != to) {
            if places.contains_key(&to) {
                let warning = Diagnostic::warning(format!("{at} can't be moved to {to}: the state holds something there already"));
                let warning = warning.at(&statement.moved.span, "has no effect on it");
                warnings.push(warning.help(format!("move one of them elsewhere, or let it go: ferroform state rm '{at}'")));
            } else if let Some(was) = places.remove(&at) {
                places.insert(to, was);
            }
        }
    }
    for (at, to) in implied {
        if !places.contains_key(&to)
            && let Some(was) = places.remove(&at)
        {
            places.insert(to, was);
        }
    }
    let moves: Moves = places.into_iter().filter(|(now, was)| now != was).collect();
    if moves.is_empty() {
        return Ok(None);
    }
    let mut moved = state.clone();
    carry_out(&moves, &mut moved);
    Ok(Some((moves, moved)))
}

/// Gives what the state holds its addresses of now.
fn carry_out(moves: &Moves, state: &mut State) {
    let taken: Vec<_> = moves.iter().filter_map(|(now, was)| Some((now.clone(), state.instances.remove(was)?))).collect();
    state.instances.extend(taken);
    follow(moves, state);
}

/// Lets what depends on something that moved depend on it where it is now, else nobody would know in which order they end. Gives
/// the addresses of those that it changed.
pub fn follow(moves: &Moves, state: &mut State) -> Vec<Address> {
    let exact: HashMap<&Address, &Address> = moves.iter().map(|(now, was)| (was, now)).collect();
    // A list of dependencies may name a whole block, without the keys of its modules.
    let mut blocks: HashMap<Address, BTreeSet<(Address, Address)>> = HashMap::new();
    for (now, was) in moves {
        blocks.entry(was.config()).or_default().insert((was.block(), now.block()));
    }
    let mut changed = vec![];
    for (address, instance) in &mut state.instances {
        let mut touched = false;
        let deposed = instance.deposed.values_mut().map(|deposed| &mut deposed.dependencies);
        for needs in std::iter::once(&mut instance.dependencies).chain(deposed) {
            let mut more = vec![];
            for need in needs.iter_mut() {
                if let Some(now) = exact.get(need) {
                    need.clone_from(now);
                    touched = true;
                } else if need.key.is_none()
                    && let Some(moved) = blocks.get(&need.config())
                {
                    more.extend(moved.iter().filter(|(was, _)| need.covers(was)).map(|(_, now)| now.clone()));
                }
            }
            more.retain(|now| !needs.contains(now));
            touched |= !more.is_empty();
            needs.extend(more);
        }
        if touched {
            changed.push(address.clone());
        }
    }
    changed
}

/// Each move after those that make room for it: from where, and to where.
#[must_use]
pub fn in_order(moves: &Moves) -> Vec<(Address, Address)> {
    let mut sorted: Vec<(Address, Address)> = vec![];
    for first in moves.keys() {
        // Who stands where this one goes has to go first, and so on along the chain.
        let mut chain = vec![];
        let mut at = Some(first);
        while let Some((now, was)) = at.and_then(|now| moves.get_key_value(now)).filter(|(now, _)| !sorted.iter().any(|(_, to)| to == *now))
        {
            chain.push((was.clone(), now.clone()));
            at = moves.iter().find(|(_, before)| *before == now).map(|(now, _)| now).filter(|_| chain.len() <= moves.len());
        }
        sorted.extend(chain.into_iter().rev());
    }
    sorted
}

/// The blocks in an order in which what moves twice is moved on.
fn ordered<'a>(tree: &'a Tree<'_>) -> Result<Vec<Statement<'a>>> {
    let all = tree.sites.iter().flat_map(|site| site.module.moved.iter().map(|moved| Statement { module: &site.path, moved }));
    let mut open: Vec<Statement<'_>> = all.collect();
    let mut errors = Diagnostics::default();
    check(tree, &open, &mut errors);
    errors.unless_errors(())?;
    let mut sorted = vec![];
    while !open.is_empty() {
        let first = (0..open.len()).find(|i| !open.iter().enumerate().any(|(j, other)| j != *i && other.precedes(&open[*i])));
        let Some(first) = first else {
            let error = Diagnostic::error("these `moved` blocks lead in a circle").at(&open[0].moved.span, "one of them");
            return Err(error.help("let each lead to where the thing is now").into());
        };
        sorted.push(open.remove(first));
    }
    Ok(sorted)
}

/// What can be wrong with the blocks whatever the state holds.
fn check(tree: &Tree<'_>, statements: &[Statement<'_>], errors: &mut Diagnostics) {
    let mut sources: HashMap<String, &Moved> = HashMap::new();
    let mut targets: HashMap<String, &Moved> = HashMap::new();
    for statement in statements {
        let (from, to) = (statement.side(&statement.moved.from), statement.side(&statement.moved.to));
        let mut twice = |seen: &mut HashMap<String, &'_ Moved>, side: &Selection, what: &str| {
            if let Some(other) = seen.get(&side.to_string()) {
                let error = Diagnostic::error(format!("{side} is {what} twice")).at(&statement.moved.span, "the second one");
                errors.push(error.help(format!("the first one is at {}", other.span)));
            }
        };
        twice(&mut sources, &from, "moved away");
        twice(&mut targets, &to, "where something is moved to");
        sources.insert(from.to_string(), statement.moved);
        targets.insert(to.to_string(), statement.moved);
        let still = match &from {
            Selection::Resource(address) if address.key.is_none() && !matches!(&to, Selection::Resource(to) if to.config() == *address) => {
                tree.block(address).map(|block| &block.span)
            }
            Selection::Module(path)
                if path.last().is_some_and(|(_, key)| key.is_none()) && !matches!(&to, Selection::Module(to) if to.config() == *path) =>
            {
                tree.sites.iter().find(|site| site.path == path.config()).and_then(|site| site.caller).map(|(_, call)| &call.span)
            }
            _ => None,
        };
        if let Some(still) = still {
            let error =
                Diagnostic::error(format!("{from} is moved away, and the stack still has it")).at(&statement.moved.span, "moved here");
            errors.push(error.fact("declared at", still.to_string()).help("give the block its new name, or take the `moved` block away"));
        }
    }
}

/// `a` where the block has `count` now is `a[0]`, and the other way round.
fn implied(tree: &Tree<'_>, state: &State) -> Vec<(Address, Address)> {
    let first = Some(Key::Int(0));
    let mut found = vec![];
    for address in state.instances.keys().filter(|a| a.mode == Mode::Managed && (a.key.is_none() || a.key == first)) {
        let Some(block) = tree.block(address) else { continue };
        let key = match (&address.key, &block.count, &block.for_each) {
            (None, Some(_), _) => first.clone(),
            (Some(_), None, None) => None,
            _ => continue,
        };
        found.push((address.clone(), address.with_key(key)));
    }
    found
}
