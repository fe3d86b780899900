//! `ferroform graph`, and what the plan's JSON says of the stack.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::{Map, Value as Json, json};

use super::session::locate;
use super::{Context, End, Ending};
use crate::registry::REGISTRY;
use crate::show::json::{Block as Told, Configuration};
use crate::stack::{Block, Expr, Module, Reference, Target};
use crate::words::schema::Attr;
use crate::words::{Address, Mode};

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
    let blocks: Vec<String> = stack.module.resources.iter().map(|b| b.address.to_string()).collect();
    let edges = edges(&stack.module);
    cx.terminal.data(&match args.format {
        Format::Dot => dot(&blocks, &edges),
        Format::Mermaid => mermaid(&blocks, &edges),
    });
    Ok(End::Good)
}

/// Which block refers to which, through locals too.
fn edges(module: &Module) -> BTreeSet<(String, String)> {
    let mut edges = BTreeSet::new();
    for block in &module.resources {
        let mut found = BTreeSet::new();
        let mut seen = BTreeSet::new();
        for reference in references(block) {
            follow(module, &reference, &mut seen, &mut found);
        }
        let known = |to: &Address| *to != block.address && module.resources.iter().any(|b| b.address == *to);
        edges.extend(found.into_iter().filter(known).map(|to| (block.address.to_string(), to.to_string())));
    }
    edges
}

fn references(block: &Block) -> Vec<Reference> {
    let exprs = [Some(&block.body), block.count.as_ref(), block.for_each.as_ref()];
    let own = exprs.into_iter().flatten().flat_map(Expr::references);
    own.chain(block.depends_on.iter().cloned()).chain(block.lifecycle.replace_triggered_by.iter().cloned()).collect()
}

fn follow(module: &Module, reference: &Reference, seen: &mut BTreeSet<String>, found: &mut BTreeSet<Address>) {
    match &reference.target {
        Target::Resource { mode, kind, name } => {
            found.insert(Address { mode: *mode, ..Address::managed(kind.clone(), name.clone()) });
        }
        Target::Local(name) if seen.insert(name.to_string()) => {
            for inner in module.locals.get(name).map(Expr::references).unwrap_or_default() {
                follow(module, &inner, seen, found);
            }
        }
        _ => {}
    }
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

/// What the stack says, as the plan's JSON has it.
pub(super) fn configuration(module: &Module) -> Configuration {
    let block = |b: &Block| {
        let attrs = match b.address.mode {
            Mode::Managed => REGISTRY.resource(&b.address.kind).map_or(&[][..], |t| t.attrs()),
            Mode::Data => REGISTRY.data(&b.address.kind).map_or(&[][..], |t| t.attrs()),
        };
        let told = Told {
            expressions: expressions(&b.body, attrs),
            count: b.count.as_ref().map(expression),
            for_each: b.for_each.as_ref().map(expression),
            depends_on: b.depends_on.iter().filter_map(|r| names(r).pop()).collect(),
            provider: b
                .provider
                .as_ref()
                .map(|(name, alias)| alias.as_ref().map_or_else(|| name.to_string(), |alias| format!("{name}.{alias}"))),
        };
        (b.address.clone(), told)
    };
    let output = |(name, o): (&std::sync::Arc<str>, &crate::stack::Output)| {
        let mut told = json!({ "expression": expression(&o.value) });
        if o.sensitive {
            told["sensitive"] = true.into();
        }
        if let Some(text) = &o.description {
            told["description"] = text.clone().into();
        }
        (name.to_string(), told)
    };
    let variable = |(name, v): (&std::sync::Arc<str>, &crate::stack::Variable)| {
        let mut told = Map::new();
        if let Some(default) = v.default.as_ref().filter(|_| !v.sensitive) {
            told.insert("default".into(), default.to_json());
        }
        if let Some(text) = &v.description {
            told.insert("description".into(), text.clone().into());
        }
        if v.sensitive {
            told.insert("sensitive".into(), true.into());
        }
        (name.to_string(), Json::Object(told))
    };
    let provider = |p: &crate::stack::ProviderBlock| {
        let key = p.alias.as_ref().map_or_else(|| p.name.to_string(), |alias| format!("{}.{alias}", p.name));
        let attrs = REGISTRY.provider(&p.name).map_or(&[][..], |known| known.attrs());
        (key, expressions(&p.body, attrs))
    };
    Configuration {
        blocks: module.resources.iter().map(block).collect(),
        outputs: module.outputs.iter().map(output).collect(),
        variables: module.variables.iter().map(variable).collect(),
        providers: module.providers.iter().map(provider).collect(),
    }
}

/// The expressions of a body; nested blocks are lists of bodies.
fn expressions(body: &Expr, attrs: &[Attr]) -> Map<String, Json> {
    let mut map = Map::new();
    for (name, _, value) in body.entries().into_iter().flatten() {
        let nested = attrs.iter().find(|a| a.name == name).and_then(Attr::block);
        let told = match (nested, value.elements()) {
            (Some(attrs), Some(all)) => all.iter().map(|one| Json::Object(expressions(one, attrs))).collect(),
            (Some(attrs), None) if value.entries().is_some() => json!([expressions(value, attrs)]),
            _ => expression(value),
        };
        map.insert(name.to_owned(), told);
    }
    map
}

/// A constant, or what it refers to.
fn expression(expr: &Expr) -> Json {
    if let Some(value) = expr.constant() {
        return json!({ "constant_value": value.to_json() });
    }
    let mut all: Vec<String> = vec![];
    for name in expr.references().iter().flat_map(names) {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    if all.is_empty() { json!({}) } else { json!({ "references": all }) }
}

/// What a reference is called, the most exact first: `aws_eip.a[0].id`, `aws_eip.a[0]`, `aws_eip.a`.
fn names(reference: &Reference) -> Vec<String> {
    let address = match &reference.target {
        Target::Variable(name) => return vec![format!("var.{name}")],
        Target::Local(name) => return vec![format!("local.{name}")],
        Target::Module(name) => return vec![format!("module.{name}")],
        Target::Each => return vec!["each.value".into()],
        Target::Count => return vec!["count.index".into()],
        Target::SelfRef | Target::Path | Target::Terraform => return vec![],
        Target::Resource { mode, kind, name } => Address { mode: *mode, ..Address::managed(kind.clone(), name.clone()) },
    };
    let instance = address.with_key(reference.key.clone());
    let attribute = reference.attribute.as_ref().map(|name| format!("{instance}.{name}"));
    let mut names: Vec<String> = attribute.into_iter().chain([instance.to_string(), address.to_string()]).collect();
    names.dedup();
    names
}
