//! In which order blocks can be evaluated, and in which order steps can be done.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;

use crate::stack::{Block, Expr, Module, Reference, Target};
use crate::words::{Address, Diagnostic, Result, Span};

/// The blocks of a module with what each refers to, directly or through locals.
#[derive(Clone, Debug)]
pub struct Order {
    /// Indices into the module's resources, dependencies first.
    pub sorted: Vec<usize>,
    /// For each block, those that it refers to.
    pub needs: Vec<Vec<usize>>,
}

/// A block or a local, and how it is called in an error.
struct Node {
    name: String,
    block: Option<usize>,
}

/// Sorts the blocks of a module.
pub fn order(module: &Module) -> Result<Order> {
    let mut graph: DiGraph<Node, Span> = DiGraph::with_capacity(module.resources.len(), module.resources.len());
    let mut blocks: HashMap<&Address, NodeIndex> = HashMap::with_capacity(module.resources.len());
    let mut locals: HashMap<&Arc<str>, NodeIndex> = HashMap::new();
    for (i, block) in module.resources.iter().enumerate() {
        blocks.insert(&block.address, graph.add_node(Node { name: block.address.to_string(), block: Some(i) }));
    }
    for name in module.locals.keys() {
        locals.insert(name, graph.add_node(Node { name: format!("local.{name}"), block: None }));
    }
    let find = |reference: &Reference| match &reference.target {
        Target::Resource { mode, kind, name } => {
            blocks.get(&Address { mode: *mode, ..Address::managed(kind.clone(), name.clone()) }).copied()
        }
        Target::Local(name) => locals.get(name).copied(),
        _ => None,
    };
    let mut edges = vec![];
    for block in &module.resources {
        let references = references(block);
        edges.extend(references.iter().filter_map(|r| Some((find(r)?, blocks[&block.address], r.span.clone()))));
    }
    for (name, expr) in &module.locals {
        edges.extend(expr.references().iter().filter_map(|r| Some((find(r)?, locals[name], r.span.clone()))));
    }
    for (from, to, span) in edges {
        graph.update_edge(from, to, span);
    }
    let sorted = sorted(&graph).ok_or_else(|| cycle(&graph))?;
    let needs = needs(&graph, module.resources.len(), &sorted);
    Ok(Order { sorted: sorted.into_iter().filter_map(|n| graph[n].block).collect(), needs })
}

/// Dependencies first, and else in the order of the files, so that a plan reads like them; none where there is a circle.
fn sorted(graph: &DiGraph<Node, Span>) -> Option<Vec<NodeIndex>> {
    let mut left: Vec<usize> = graph.node_indices().map(|n| graph.edges_directed(n, petgraph::Direction::Incoming).count()).collect();
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

/// Everything that a block refers to.
fn references(block: &Block) -> Vec<Reference> {
    let expressions = [Some(&block.body), block.count.as_ref(), block.for_each.as_ref(), block.timeouts.as_ref()];
    let conditions = block.lifecycle.preconditions.iter().flat_map(|c| [&c.condition, &c.error_message]);
    let mut found: Vec<Reference> = expressions.into_iter().flatten().chain(conditions).flat_map(Expr::references).collect();
    found.extend(block.depends_on.iter().cloned());
    found.extend(block.lifecycle.replace_triggered_by.iter().cloned());
    found
}

/// What each block needs, with locals seen through.
fn needs(graph: &DiGraph<Node, Span>, count: usize, sorted: &[NodeIndex]) -> Vec<Vec<usize>> {
    let mut through: HashMap<NodeIndex, Vec<usize>> = HashMap::new();
    let mut needs = vec![vec![]; count];
    for node in sorted {
        let mut found: Vec<usize> = vec![];
        for edge in graph.edges_directed(*node, petgraph::Direction::Incoming) {
            match graph[edge.source()].block {
                Some(block) => found.push(block),
                None => found.extend(through.get(&edge.source()).into_iter().flatten()),
            }
        }
        found.sort_unstable();
        found.dedup();
        match graph[*node].block {
            Some(block) => needs[block] = found,
            None => drop(through.insert(*node, found)),
        }
    }
    needs
}

/// A cycle in words: each step with the place where the one refers to the other.
fn cycle(graph: &DiGraph<Node, Span>) -> Diagnostic {
    let looped = |group: &Vec<NodeIndex>| group.len() > 1 || graph.contains_edge(group[0], group[0]);
    let group = tarjan_scc(graph).into_iter().find(looped).unwrap_or_default();
    let mut path: Vec<NodeIndex> = vec![];
    let mut at = group.first().copied();
    while let Some(node) = at.filter(|n| !path.contains(n)) {
        path.push(node);
        // What it refers to, within the group.
        at = graph.edges_directed(node, petgraph::Direction::Incoming).map(|e| e.source()).find(|n| group.contains(n));
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
