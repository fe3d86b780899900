//! `ferroform graph`

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ValueEnum;

use super::session::locate;
use super::{Context, End, Ending};
use crate::engine::graph::{Order, order};
use crate::engine::tree::Tree;

/// Draws what depends on what.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory, a `.toml` file, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Option<PathBuf>,
    /// In which language.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Graphviz.
    #[default]
    Dot,
    /// For Markdown.
    Mermaid,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let (_, stack, _, _) = locate(cx, args.at.as_deref())?;
    let tree = Tree::of(&stack);
    let blocks: Vec<String> = tree.blocks.iter().map(|b| b.address.to_string()).collect();
    let edges = edges(&blocks, &order(&tree)?);
    cx.terminal.data(&match args.format {
        Format::Dot => dot(&blocks, &edges),
        Format::Mermaid => mermaid(&blocks, &edges),
    });
    Ok(End::Good)
}

/// Which block refers to which, through locals, variables, outputs, and what says how many modules there are.
fn edges(blocks: &[String], order: &Order) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for (i, block) in blocks.iter().enumerate() {
        let mut open = order.needs[i].clone();
        let mut seen = BTreeSet::new();
        while let Some(need) = open.pop() {
            match blocks.get(need) {
                Some(other) => drop(edges.insert((block.clone(), other.clone()))),
                None if seen.insert(need) => open.extend(&order.needs[need]),
                None => {}
            }
        }
    }
    edges
}

fn dot(blocks: &[String], edges: &BTreeSet<(String, String)>) -> String {
    let nodes: String = blocks.iter().map(|b| format!("  \"{b}\";\n")).collect();
    let edges: String = edges.iter().map(|(from, to)| format!("  \"{from}\" -> \"{to}\";\n")).collect();
    format!("digraph {{\n  rankdir = \"RL\";\n  node [shape = rect, fontname = \"sans-serif\"];\n{nodes}{edges}}}\n")
}

fn mermaid(blocks: &[String], edges: &BTreeSet<(String, String)>) -> String {
    let number = |name: &String| blocks.iter().position(|b| b == name).unwrap_or_default();
    let nodes: String = blocks.iter().enumerate().map(|(i, b)| format!("  n{i}[\"{b}\"]\n")).collect();
    let edges: String = edges.iter().map(|(from, to)| format!("  n{} --> n{}\n", number(from), number(to))).collect();
    format!("flowchart RL\n{nodes}{edges}")
}
