//! The steps of a plan and what each waits for. Apply walks these and derives nothing anew.

use std::collections::HashMap;
use std::sync::Arc;

use petgraph::algo::{tarjan_scc, toposort};
use petgraph::graph::{DiGraph, NodeIndex};

use super::hidden::{self, Group};
use super::plan::{Action, Change};
use crate::state::State;
use crate::words::resource::Registry;
use crate::words::{Address, Diagnostic, Result};

/// One thing to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// To create, update or read: the change at that place in the plan.
    Make(usize),
    /// To destroy what the change leaves behind.
    Remove(usize),
    /// Nothing: it is passed when all before it is done. Stands for an instance that stays as it is, through which others depend on
    /// one another, and for all instances of a block at once, so that a thousand users of a thousand need no million edges.
    Gate,
}

impl Step {
    /// The place of its change in the plan.
    #[must_use]
    pub const fn change(self) -> Option<usize> {
        match self {
            Self::Make(i) | Self::Remove(i) => Some(i),
            Self::Gate => None,
        }
    }
}

/// Steps with an edge from each to those that wait for it.
pub type Steps = DiGraph<Step, ()>;

/// Why a user and what it needs wait for one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Why {
    /// What is needed is made before its user.
    Made,
    /// The user is removed before what it needed.
    Gone,
    /// The user is changed so that it no longer needs what is removed.
    After,
    /// The same, where it is known to need it no longer: not even in its new form.
    Left,
}

/// The changes that an address in a list of dependencies means: Terraform names whole blocks there.
pub(super) struct Index<'a> {
    changes: &'a [Change],
    exact: HashMap<&'a Address, Arc<Vec<usize>>>,
    blocks: HashMap<Address, Arc<Vec<usize>>>,
    /// Of modules too the instances are left out.
    configs: HashMap<Address, Arc<Vec<usize>>>,
}

impl<'a> Index<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let mut index = Self { changes, exact: HashMap::new(), blocks: HashMap::new(), configs: HashMap::new() };
        for (i, change) in changes.iter().enumerate() {
            Arc::make_mut(index.exact.entry(&change.address).or_default()).push(i);
            Arc::make_mut(index.blocks.entry(change.address.block()).or_default()).push(i);
            if change.address.module.iter().any(|(_, key)| key.is_some()) {
                Arc::make_mut(index.configs.entry(change.address.config()).or_default()).push(i);
            }
        }
        index
    }

    /// Their places in the plan.
    pub(super) fn of(&self, address: &Address) -> Arc<Vec<usize>> {
        let found = if address.key.is_some() { self.exact.get(address) } else { self.blocks.get(address) };
        if let Some(found) = found {
            return found.clone();
        }
        let all = self.configs.get(&address.config()).cloned().unwrap_or_default();
        if address.key.is_none() && address.module.iter().all(|(_, key)| key.is_none()) {
            return all;
        }
        Arc::new(all.iter().copied().filter(|i| address.covers(&self.changes[*i].address)).collect())
    }
}

struct Builder<'a> {
    changes: &'a [Change],
    index: Index<'a>,
    graph: Steps,
    made: Vec<Option<NodeIndex>>,
    gone: Vec<Option<NodeIndex>>,
    gates: HashMap<(Why, &'a Address), NodeIndex>,
    /// Whether a change in place comes before the end of what it needed, which is no more than good manners.
    mannered: bool,
}

/// The steps of those changes. `state` says what the instances depended on when they were made.
pub fn steps(changes: &[Change], state: &State, registry: &Registry) -> Result<Steps> {
    let mut builder = Builder::of(changes, state, true);
    if toposort(&builder.graph, None).is_err() {
        builder = Builder::of(changes, state, false);
        if let Err(cycle) = toposort(&builder.graph, None) {
            return Err(circle(&builder.graph, changes, cycle.node_id()).into());
        }
    }
    builder.order_hidden(state, registry);
    Ok(builder.graph)
}

impl<'a> Builder<'a> {
    fn of(changes: &'a [Change], state: &'a State, mannered: bool) -> Self {
        let graph = Steps::with_capacity(2 * changes.len(), 2 * changes.len());
        let index = Index::new(changes);
        let mut builder = Self { changes, index, graph, made: vec![], gone: vec![], gates: HashMap::new(), mannered };
        if !changes.iter().any(|c| c.action != Action::Nothing) {
            return builder;
        }
        for (i, change) in changes.iter().enumerate() {
            let (made, gone) = match change.action {
                Action::Create | Action::Read => (Some(Step::Make(i)), None),
                Action::Update => (Some(Step::Make(i)), Some(Step::Gate)),
                Action::Replace { .. } => (Some(Step::Make(i)), Some(Step::Remove(i))),
                Action::Delete | Action::Forget => (None, Some(Step::Remove(i))),
                Action::Nothing => (Some(Step::Gate), Some(Step::Gate)),
            };
            builder.made.push(made.map(|step| builder.graph.add_node(step)));
            builder.gone.push(gone.map(|step| builder.graph.add_node(step)));
        }
        for (i, change) in changes.iter().enumerate() {
            builder.order(i, change, state);
        }
        builder
    }

    fn order(&mut self, i: usize, change: &'a Change, state: &'a State) {
        if let (Some(made), Some(removed), Action::Replace { create_first }) = (self.made[i], self.gone[i], change.action) {
            let (first, second) = if create_first { (made, removed) } else { (removed, made) };
            self.graph.add_edge(first, second, ());
        }
        for need in &change.dependencies {
            self.link(Why::Made, i, need);
            self.link(Why::After, i, need);
        }
        // What is removed goes by what it depended on when it was made.
        let ends = change.deposed.is_some() || matches!(change.action, Action::Delete | Action::Forget);
        let held = state.instances.get(&change.address).filter(|_| !ends);
        for need in held.map_or(&[][..], |instance| &instance.dependencies) {
            self.link(Why::Gone, i, need);
            let still = change.dependencies.iter().any(|now| now.covers(need) || need.covers(now));
            self.link(if still { Why::After } else { Why::Left }, i, need);
        }
        for need in change.dependencies.iter().filter(|_| ends) {
            self.link(Why::Gone, i, need);
        }
    }

    fn link(&mut self, why: Why, user: usize, need: &'a Address) {
        let Some(node) = self.user(why, user) else { return };
        let members = self.index.of(need);
        let own = self.changes[user].address.block() == need.block();
        if members.len() < 2 || own {
            for member in members.iter().filter(|m| **m != user) {
                if let Some(needed) = self.need(why, *member) {
                    self.edge(why, node, needed);
                }
            }
            return;
        }
        let gate = match self.gates.get(&(why, need)) {
            Some(gate) => *gate,
            None => {
                let gate = self.graph.add_node(Step::Gate);
                for needed in members.iter().filter_map(|m| self.need(why, *m)).collect::<Vec<_>>() {
                    self.edge(why, gate, needed);
                }
                self.gates.insert((why, need), gate);
                gate
            }
        };
        self.edge(why, node, gate);
    }

    /// What no reference tells, as far as it makes no circle with what references do.
    fn order_hidden(&mut self, state: &State, registry: &Registry) {
        if self.made.is_empty() {
            return;
        }
        let told = self.graph.edge_count();
        for Group { users, needs } in hidden::groups(self.changes, &self.index, state, registry) {
            for why in [Why::Made, Why::Gone] {
                let gate = self.graph.add_node(Step::Gate);
                let (users, needs) = (users.iter().filter_map(|i| self.user(why, *i)), needs.iter().filter_map(|i| self.need(why, *i)));
                let (users, needs): (Vec<_>, Vec<_>) = (users.collect(), needs.collect());
                users.into_iter().for_each(|user| self.edge(why, user, gate));
                needs.into_iter().for_each(|need| self.edge(why, gate, need));
            }
        }
        if told == self.graph.edge_count() || toposort(&self.graph, None).is_ok() {
            return;
        }
        let mut circle = vec![0; self.graph.node_count()];
        for (i, group) in tarjan_scc(&self.graph).into_iter().enumerate() {
            group.into_iter().for_each(|node| circle[node.index()] = i);
        }
        self.graph.retain_edges(|graph, edge| {
            let within = graph.edge_endpoints(edge).is_some_and(|(from, to)| circle[from.index()] == circle[to.index()]);
            edge.index() < told || !within
        });
    }

    fn edge(&mut self, why: Why, user: NodeIndex, need: NodeIndex) {
        let (first, second) = if why == Why::Made { (need, user) } else { (user, need) };
        // Never `update_edge`, which looks through all edges of a node; two edges between the same are as good as one.
        self.graph.add_edge(first, second, ());
    }

    fn user(&self, why: Why, i: usize) -> Option<NodeIndex> {
        match why {
            Why::Made => self.made[i],
            Why::Gone => self.gone[i],
            Why::After | Why::Left => self.made[i].filter(|node| self.graph[*node] != Step::Gate),
        }
    }

    fn need(&self, why: Why, i: usize) -> Option<NodeIndex> {
        match (why, self.changes[i].action) {
            (Why::Made, _) => self.made[i],
            (Why::Gone, _) => self.gone[i],
            // Where the old one has to go first, whoever uses it is changed only when the new one is there.
            (Why::After, Action::Replace { create_first: true }) => self.gone[i],
            (Why::After, Action::Delete | Action::Forget) | (Why::Left, _) if self.mannered => self.gone[i],
            (Why::After | Why::Left, _) => None,
        }
    }
}

fn circle(graph: &Steps, changes: &[Change], at: NodeIndex) -> Diagnostic {
    let groups = tarjan_scc(graph);
    let group = groups.into_iter().find(|g| g.contains(&at)).unwrap_or_default();
    let mut names: Vec<String> = group.iter().filter_map(|n| graph[*n].change()).map(|i| changes[i].address.to_string()).collect();
    names.sort();
    names.dedup();
    Diagnostic::error(format!("no order of steps is right for {}: each has to wait for another", names.join(", ")))
        .help("give those that are replaced the same `create_before_destroy`, or apply the change in two runs")
}
