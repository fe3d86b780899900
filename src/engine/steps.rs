//! The steps of a plan and what each waits for. Apply walks these and derives nothing anew.

use std::collections::{BTreeMap, HashMap};

use petgraph::algo::toposort;
use petgraph::graph::{DiGraph, NodeIndex};

use super::plan::{Action, Change};
use crate::state::State;
use crate::words::{Address, Diagnostic, Result};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To create, update or read: the change at that place in the plan.
    Make(usize),
    /// To destroy what the change leaves behind.
    Remove(usize),
}

impl Step {
    /// The place of its change in the plan.
    #[must_use]
    pub const fn change(self) -> usize {
        match self {
            Self::Make(i) | Self::Remove(i) => i,
        }
    }
}

/// Steps with an edge from each to those that wait for it.
pub type Steps = DiGraph<Step, ()>;

/// The instances that an address in a list of dependencies means: Terraform names whole blocks there.
struct Index<'a> {
    exact: HashMap<&'a Address, Vec<usize>>,
    blocks: HashMap<Address, Vec<usize>>,
}

impl<'a> Index<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let (mut exact, mut blocks): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = Default::default();
        for (i, change) in changes.iter().enumerate() {
            exact.entry(&change.address).or_default().push(i);
            if change.address.key.is_some() {
                blocks.entry(change.address.block()).or_default().push(i);
            }
        }
        Self { exact, blocks }
    }

    fn of(&self, address: &Address) -> impl Iterator<Item = usize> {
        let exact = self.exact.get(address).into_iter().flatten();
        exact.chain(self.blocks.get(address).into_iter().flatten()).copied()
    }
}

/// The steps of those changes. `state` says what the instances depended on when they were made.
pub fn steps(changes: &[Change], state: &State) -> Result<Steps> {
    let mut graph = Steps::with_capacity(changes.len(), changes.len());
    let (mut make, mut remove) = (BTreeMap::new(), BTreeMap::new());
    for (i, change) in changes.iter().enumerate() {
        if matches!(change.action, Action::Create | Action::Update | Action::Replace { .. } | Action::Read) {
            make.insert(i, graph.add_node(Step::Make(i)));
        }
        if matches!(change.action, Action::Delete | Action::Forget | Action::Replace { .. }) {
            remove.insert(i, graph.add_node(Step::Remove(i)));
        }
    }
    let index = Index::new(changes);
    for (i, change) in changes.iter().enumerate() {
        if let (Some(&made), Some(&removed), Action::Replace { create_first }) = (make.get(&i), remove.get(&i), change.action) {
            let (first, second) = if create_first { (made, removed) } else { (removed, made) };
            graph.update_edge(first, second, ());
        }
        for need in change.dependencies.iter().flat_map(|d| index.of(d)).filter(|need| *need != i) {
            if let (Some(&needed), Some(&made)) = (make.get(&need), make.get(&i)) {
                graph.update_edge(needed, made, ());
            }
            before_removal(&mut graph, changes, &make, &remove, i, need);
        }
        let held = state.instances.get(&change.address).map(|instance| instance.dependencies.as_slice()).unwrap_or_default();
        for need in held.iter().flat_map(|d| index.of(d)).filter(|need| *need != i) {
            before_removal(&mut graph, changes, &make, &remove, i, need);
        }
    }
    match toposort(&graph, None) {
        Ok(_) => Ok(graph),
        Err(cycle) => Err(circle(&graph, changes, cycle.node_id()).into()),
    }
}

/// What `need` leaves behind goes only when `user` no longer uses it.
fn before_removal(
    graph: &mut Steps,
    changes: &[Change],
    make: &BTreeMap<usize, NodeIndex>,
    remove: &BTreeMap<usize, NodeIndex>,
    user: usize,
    need: usize,
) {
    let Some(&removed) = remove.get(&need) else { return };
    if let Some(&gone) = remove.get(&user) {
        graph.update_edge(gone, removed, ());
    }
    // Where the old one has to go first, whoever uses it is changed only when the new one is there.
    if let (Some(&made), false) = (make.get(&user), matches!(changes[need].action, Action::Replace { create_first: false })) {
        graph.update_edge(made, removed, ());
    }
}

fn circle(graph: &Steps, changes: &[Change], at: NodeIndex) -> Diagnostic {
    let groups = petgraph::algo::tarjan_scc(graph);
    let group = groups.into_iter().find(|g| g.contains(&at)).unwrap_or_default();
    let names: Vec<String> = group.iter().map(|n| changes[graph[*n].change()].address.to_string()).collect();
    Diagnostic::error(format!("no order of steps is right for {}: each has to wait for another", names.join(", ")))
        .help("give those that are replaced the same `create_before_destroy`, or apply the change in two runs")
}
