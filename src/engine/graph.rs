//! In which order blocks can be evaluated, and modules expanded.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use petgraph::Direction;
use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use super::tree::Tree;
use crate::stack::{Block, Condition, Expr, Import, Reference, Target};
use crate::words::{Address, Diagnostic, Result, Span};

/// Pieces of work with what each waits for, directly or through locals, variables and outputs. First come the blocks of the tree, by
/// their places, then the modules that are to be expanded, by theirs.
#[derive(Clone, Debug)]
pub struct Order {
    /// Dependencies first.
    pub sorted: Vec<usize>,
    /// What each needs.
    pub needs: Vec<Vec<usize>>,
}

/// What has a value or a place in the order, and how it is called in an error.
struct Node {
    name: String,
    work: Option<usize>,
}

type Graph = DiGraph<Node, Span>;

/// The nodes of one module.
#[derive(Default)]
struct Nodes<'a> {
    blocks: HashMap<&'a Address, NodeIndex>,
    locals: HashMap<&'a Arc<str>, NodeIndex>,
    variables: HashMap<&'a Arc<str>, NodeIndex>,
    outputs: HashMap<&'a Arc<str>, NodeIndex>,
    /// Its instances are known.
    expanded: NodeIndex,
    /// All that its call depends on is there.
    called: NodeIndex,
    /// All of its blocks are done.
    whole: NodeIndex,
}

struct Builder<'t, 'a> {
    tree: &'t Tree<'a>,
    graph: Graph,
    nodes: Vec<Nodes<'a>>,
    edges: Vec<(NodeIndex, NodeIndex, Span)>,
}

/// Sorts the blocks of a stack.
pub fn order(tree: &Tree<'_>) -> Result<Order> {
    let mut builder = Builder { tree, graph: Graph::new(), nodes: vec![], edges: vec![] };
    builder.add_nodes();
    (0..tree.sites.len()).for_each(|site| builder.add_edges(site));
    let Builder { mut graph, mut edges, .. } = builder;
    edges.sort_by_key(|(from, to, _)| (*from, *to));
    edges.dedup_by_key(|(from, to, _)| (*from, *to));
    for (from, to, span) in edges {
        graph.add_edge(from, to, span);
    }
    let sorted = sorted(&graph).ok_or_else(|| cycle(&graph))?;
    let needs = needs(&graph, tree.blocks.len() + tree.sites.len(), &sorted);
    Ok(Order { sorted: sorted.into_iter().filter_map(|n| graph[n].work).collect(), needs })
}

impl<'a> Builder<'_, 'a> {
    fn node(&mut self, name: String, work: Option<usize>) -> NodeIndex {
        self.graph.add_node(Node { name, work })
    }

    fn add_nodes(&mut self) {
        for site in &self.tree.sites {
            let path = if site.path.is_empty() { String::new() } else { format!("{}.", site.path) };
            let mut nodes = Nodes::default();
            nodes.locals.extend(site.module.locals.keys().map(|name| (name, self.node(format!("{path}local.{name}"), None))));
            if site.caller.is_some() {
                nodes.variables.extend(site.module.variables.keys().map(|name| (name, self.node(format!("{path}var.{name}"), None))));
                nodes.outputs.extend(site.module.outputs.keys().map(|name| (name, self.node(format!("{path}{name}"), None))));
            }
            self.nodes.push(nodes);
        }
        // In the order of the tree, so that a plan reads like the files.
        let count = self.tree.blocks.len();
        for at in 0..self.tree.sites.len() {
            let name = self.tree.sites[at].path.to_string();
            let expanded = self.node(name.clone(), Some(count + at));
            let (called, whole) = (self.node(name.clone(), None), self.node(name, None));
            self.nodes[at] = Nodes { expanded, called, whole, ..std::mem::take(&mut self.nodes[at]) };
        }
        for (i, placed) in self.tree.blocks.iter().enumerate() {
            let node = self.node(placed.address.to_string(), Some(i));
            self.nodes[placed.site].blocks.insert(&placed.block.address, node);
        }
    }

    fn add_edges(&mut self, site: usize) {
        let tree = self.tree;
        let module = tree.sites[site].module;
        let (expanded, called, whole) = (self.nodes[site].expanded, self.nodes[site].called, self.nodes[site].whole);
        for block in &module.resources {
            let node = self.nodes[site].blocks[&block.address];
            self.refer(site, node, &references(block), false);
            self.refer(site, node, &block.depends_on, true);
            for from in [expanded, called] {
                self.edges.push((from, node, block.span.clone()));
            }
            self.edges.push((node, whole, block.span.clone()));
        }
        for (name, expr) in &module.locals {
            let node = self.nodes[site].locals[name];
            self.refer(site, node, &expr.references(), false);
        }
        for import in module.imports.iter().filter(|_| site == 0) {
            self.imported(import);
        }
        let Some((caller, call)) = tree.sites[site].caller else { return };
        self.edges.push((self.nodes[caller].expanded, expanded, call.span.clone()));
        self.edges.push((self.nodes[caller].called, called, call.span.clone()));
        self.edges.push((whole, self.nodes[caller].whole, call.span.clone()));
        for expr in call.count.iter().chain(&call.for_each) {
            self.refer(caller, expanded, &expr.references(), false);
        }
        self.refer(caller, called, &call.depends_on, true);
        for name in module.variables.keys() {
            let node = self.nodes[site].variables[name];
            if let Some(expr) = call.input(name) {
                self.refer(caller, node, &expr.references(), false);
            }
            self.edges.push((expanded, node, call.span.clone()));
        }
        for (name, output) in &module.outputs {
            let node = self.nodes[site].outputs[name];
            self.refer(site, node, &output.value.references(), false);
            self.refer(site, node, &of_conditions(&output.preconditions), false);
            self.refer(site, node, &output.depends_on, true);
            self.edges.push((expanded, node, output.span.clone()));
        }
    }

    /// What is imported waits for what its id is made of.
    fn imported(&mut self, import: &Import) {
        let block = super::import::target(import).and_then(|address| self.tree.find(&address)).map(|at| &self.tree.blocks[at]);
        if let Some(block) = block {
            let node = self.nodes[block.site].blocks[&block.block.address];
            let references: Vec<Reference> =
                [Some(&import.id), import.for_each.as_ref()].into_iter().flatten().flat_map(Expr::references).collect();
            self.refer(0, node, &references, false);
        }
    }

    /// What refers to something waits for it; `whole` says that a module stands for all that is in it, and not for its outputs.
    fn refer(&mut self, site: usize, to: NodeIndex, references: &[Reference], whole: bool) {
        for reference in references {
            let nodes = &self.nodes[site];
            let found = match &reference.target {
                Target::Resource { mode, kind, name } => {
                    let address = Address { mode: *mode, ..Address::managed(kind.clone(), name.clone()) };
                    nodes.blocks.get(&address).copied().into_iter().collect()
                }
                Target::Local(name) => nodes.locals.get(name).copied().into_iter().collect(),
                Target::Variable(name) => nodes.variables.get(name).copied().into_iter().collect(),
                Target::Module(name) => self.module(site, name, reference.attribute.as_ref().filter(|_| !whole), whole),
                _ => vec![],
            };
            self.edges.extend(found.into_iter().map(|from| (from, to, reference.span.clone())));
        }
    }

    fn module(&self, site: usize, name: &Arc<str>, output: Option<&Arc<str>>, whole: bool) -> Vec<NodeIndex> {
        let site = &self.tree.sites[site];
        let Some(at) = site.module.calls.get_index_of(name) else { return vec![] };
        let child = &self.nodes[site.children[at]];
        if whole {
            return vec![child.whole, child.expanded];
        }
        match output.and_then(|output| child.outputs.get(output)) {
            Some(output) => vec![*output, child.expanded],
            None => child.outputs.values().copied().chain([child.expanded]).collect(),
        }
    }
}

/// Dependencies first, and else in the order of the files, so that a plan reads like them; none where there is a circle.
fn sorted(graph: &Graph) -> Option<Vec<NodeIndex>> {
    let mut left: Vec<usize> = graph.node_indices().map(|n| graph.edges_directed(n, Direction::Incoming).count()).collect();
    let mut ready: BTreeSet<NodeIndex> = graph.node_indices().filter(|n| left[n.index()] == 0).collect();
    let mut sorted = Vec::with_capacity(left.len());
    while let Some(node) = ready.pop_first() {
        sorted.push(node);
        for next in graph.neighbors(node) {
            left[next.index()] -= 1;
            if left[next.index()] == 0 {
                ready.insert(next);
            }
        }
    }
    (sorted.len() == left.len()).then_some(sorted)
}

/// Everything that a block refers to, but for what it depends on without saying what of it it needs.
pub fn references(block: &Block) -> Vec<Reference> {
    let expressions = [Some(&block.body), block.count.as_ref(), block.for_each.as_ref(), block.timeouts.as_ref()];
    let mut found: Vec<Reference> = expressions.into_iter().flatten().flat_map(Expr::references).collect();
    found.extend(of_conditions(&block.lifecycle.preconditions));
    found.extend(block.lifecycle.replace_triggered_by.iter().cloned());
    found
}

fn of_conditions(conditions: &[Condition]) -> Vec<Reference> {
    conditions.iter().flat_map(|c| [&c.condition, &c.error_message]).flat_map(Expr::references).collect()
}

/// What each piece of work needs, with all else seen through.
fn needs(graph: &Graph, count: usize, sorted: &[NodeIndex]) -> Vec<Vec<usize>> {
    let mut through: HashMap<NodeIndex, Vec<usize>> = HashMap::new();
    let mut needs = vec![vec![]; count];
    for node in sorted {
        let mut found: Vec<usize> = vec![];
        for edge in graph.edges_directed(*node, Direction::Incoming) {
            match graph[edge.source()].work {
                Some(work) => found.push(work),
                None => found.extend(through.get(&edge.source()).into_iter().flatten()),
            }
        }
        found.sort_unstable();
        found.dedup();
        match graph[*node].work {
            Some(work) => needs[work] = found,
            None => drop(through.insert(*node, found)),
        }
    }
    needs
}

/// A cycle in words: each step with the place where the one refers to the other.
fn cycle(graph: &Graph) -> Diagnostic {
    let looped = |group: &Vec<NodeIndex>| group.len() > 1 || graph.contains_edge(group[0], group[0]);
    let group = tarjan_scc(graph).into_iter().find(looped).unwrap_or_default();
    let mut path: Vec<NodeIndex> = vec![];
    let mut at = group.iter().min().copied();
    while let Some(node) = at.filter(|n| !path.contains(n)) {
        path.push(node);
        // What it refers to, within the group.
        at = graph.edges_directed(node, Direction::Incoming).map(|e| e.source()).find(|n| group.contains(n));
    }
    let start = at.and_then(|node| path.iter().position(|n| *n == node)).unwrap_or_default();
    let path = &path[start..];
    let names: Vec<&str> = path.iter().chain(path.first()).map(|n| graph[*n].name.as_str()).collect();
    let mut error = Diagnostic::error(format!("these refer to one another in a circle: {}", names.join(" → ")));
    for (i, node) in path.iter().enumerate() {
        let next = path[(i + 1) % path.len()];
        if let Some(span) = graph.find_edge(next, *node).map(|e| &graph[e]) {
            let step = format!("{} refers to {}", graph[*node].name, graph[next].name);
            error = if i == 0 { error.at(span, step) } else { error.fact("and", format!("{step}, {span}")) };
        }
    }
    error.help("break the circle: put what both need into a resource of its own, such as a rule apart from its security group")
}
