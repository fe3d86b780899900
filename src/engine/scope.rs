//! Which part of a stack is planned, where the user named some of it.

use super::graph::Order;
use super::import;
use super::options::Options;
use super::planner::Request;
use super::tree::Tree;
use crate::words::{Address, Diagnostic, Result, Selection};

/// Which blocks take part, where the user named some.
pub(super) struct Scope {
    pub(super) blocks: Option<Vec<bool>>,
    pub(super) targets: Vec<Selection>,
    excludes: Vec<Selection>,
}

impl Scope {
    pub(super) fn block(&self, index: usize) -> bool {
        self.blocks.as_ref().is_none_or(|included| included[index])
    }

    /// Whether an instance takes part: of a block that is a target by some of its instances, only those.
    pub(super) fn instance(&self, index: Option<usize>, address: &Address) -> bool {
        if self.excludes.iter().any(|e| e.covers(address)) || index.is_some_and(|i| !self.block(i)) {
            return false;
        }
        if self.targets.is_empty() {
            return true;
        }
        let config = address.config();
        let named: Vec<_> = self.targets.iter().filter(|t| t.touches(&config)).collect();
        let outside = !self.targets.is_empty() && index.is_none();
        if named.is_empty() { !outside } else { named.iter().any(|t| t.covers(address)) }
    }
}

/// Which blocks take part: targets and what they need; all but those excluded and what needs them.
pub(super) fn scope(request: &Request<'_>, tree: &Tree<'_>, order: &Order) -> Result<Scope> {
    let Options { targets, excludes, .. } = request.options;
    let blocks = &tree.blocks;
    let replaced: Vec<Selection> = request.options.replace.iter().cloned().map(Selection::from).collect();
    for given in targets.iter().chain(excludes).chain(&replaced) {
        let unwritten = || request.stack.module.imports.iter().filter_map(import::target).any(|a| given.covers(&a));
        let known = blocks.iter().any(|b| given.touches(&b.address))
            || request.state.instances.keys().any(|a| given.covers(a))
            || (request.options.generate && unwritten());
        if !known {
            let error = Diagnostic::error(format!("there is no {given}, neither in the stack nor in the state"));
            let names: Vec<String> = blocks.iter().map(|b| b.address.to_string()).collect();
            let near = crate::words::error::nearest(&given.to_string(), names.iter().map(String::as_str)).map(str::to_owned);
            return Err(near.map_or(error.clone(), |near| error.help(format!("did you mean `{near}`?"))).into());
        }
    }
    let mut included = None;
    if !(targets.is_empty() && excludes.is_empty()) {
        let mut flags: Vec<bool> = blocks.iter().map(|b| targets.is_empty() || targets.iter().any(|t| t.touches(&b.address))).collect();
        // To expand a module is no more than to look: what that needs comes along where it is needed.
        let expanding = |i: usize| i >= blocks.len();
        flags.resize(order.needs.len(), targets.is_empty());
        for &i in order.sorted.iter().rev().filter(|_| !targets.is_empty()) {
            if flags[i] {
                order.needs[i].iter().for_each(|&need| flags[need] = true);
            }
        }
        for &i in &order.sorted {
            let whole = !expanding(i) && excludes.iter().any(|e| e.is_whole() && e.touches(&blocks[i].address));
            let excluded = |n: usize| targets.is_empty() || expanding(n) || excludes.iter().any(|e| e.touches(&blocks[n].address));
            let behind = order.needs[i].iter().any(|&n| !flags[n] && excluded(n));
            if whole || (behind && !excludes.is_empty()) {
                flags[i] = false;
            }
        }
        included = Some(flags);
    }
    Ok(Scope { blocks: included, targets: targets.clone(), excludes: excludes.clone() })
}
