//! Writes values into a stack's TOML, all else as it stands: comments, order, line ends.

use std::collections::BTreeMap;
use std::path::PathBuf;

use toml_edit::{ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, value};

use super::Seen;
use crate::engine::drift::HIDDEN;
use crate::stack::Block;
use crate::words::drift::{Difference, Finding};
use crate::words::schema::Attr;
use crate::words::{Address, Diagnostic, Result, Value};

/// What became of an attribute.
pub(super) enum Edited {
    /// It stands in this file as it is.
    Written(String),
    /// This file has a rule that leaves it alone.
    Rule(String),
    /// The stack says nothing of it.
    Silent,
}

/// Brings what was found into the texts of the stack's files; by path what became of each attribute.
pub(super) fn accept(
    seen: &Seen,
    address: &Address,
    finding: &Finding,
    reason: &str,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<Vec<(String, Edited)>> {
    let session = &seen.session;
    let Some(block) = session.stack.block(address) else {
        return Err(Diagnostic::error(format!("the stack has no block for {address}"))
            .help("write one, or let an apply destroy it")
            .into());
    };
    let ty = crate::registry::REGISTRY.resource(&address.kind);
    let attrs = ty.map_or(&[][..], |ty| ty.attrs());
    let now = seen.look.read.priors.get(address).map_or(&Value::Null, |prior| &prior.now);
    let given = seen.look.read.given.get(address);
    let mut told = vec![];
    let mut ruled: Vec<&str> = vec![];
    for difference in &finding.attributes {
        let name = difference.path.split(['.', '[']).next().unwrap_or_default();
        let Some(attr) = attrs.iter().find(|attr| attr.name == name) else { continue };
        let silent = block.body.entry(name).is_none();
        if attr.computed || (silent && attr.chosen && !given.is_some_and(|given| given.contains(name))) {
            told.push((difference.path.clone(), Edited::Silent));
            continue;
        }
        match written(block, attr, difference, now, files)? {
            Some(file) => told.push((difference.path.clone(), Edited::Written(file))),
            None => ruled.push(&difference.path),
        }
    }
    if !ruled.is_empty() {
        let file = rule(seen, block, address, &ruled, reason, files)?;
        told.extend(ruled.into_iter().map(|path| (path.to_owned(), Edited::Rule(file.clone()))));
    }
    Ok(told)
}

/// The text of a file as it is to be, which may have been changed already.
fn text(path: &PathBuf, files: &BTreeMap<PathBuf, String>) -> Result<String> {
    if let Some(text) = files.get(path) {
        return Ok(text.clone());
    }
    let read = std::fs::read_to_string(path);
    Ok(read.map_err(|e| Diagnostic::error(format!("can't read `{}`: {e}", path.display())))?)
}

fn document(path: &PathBuf, files: &BTreeMap<PathBuf, String>) -> Result<DocumentMut> {
    let parsed = text(path, files)?.parse::<DocumentMut>();
    Ok(parsed.map_err(|e| Diagnostic::error(format!("can't read `{}`: {}", path.display(), e.message())))?)
}

/// Writes the value where it is written out and means this instance alone; the file, or none where that can't be.
fn written(
    block: &Block,
    attr: &Attr,
    difference: &Difference,
    now: &Value,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<Option<String>> {
    let name = &block.span.source.name;
    let own = block.count.is_none() && block.for_each.is_none() && block.address.module.is_empty();
    let plain = block.body.entry(attr.name).is_none_or(|expr| expr.constant().is_some());
    let secret = [&difference.old, &difference.new].into_iter().any(|json| json == HIDDEN);
    let shown = block.body.entry("dynamic").is_none() && !attr.sensitive && !secret;
    if !(own && plain && shown && name.ends_with(".toml")) {
        return Ok(None);
    }
    let path = PathBuf::from(name);
    let mut document = document(&path, files)?;
    let Some(table) = table_of(&mut document, block) else { return Ok(None) };
    // A key of a map is written alone: what stands beside it stays.
    let key = difference
        .path
        .strip_prefix(attr.name)
        .and_then(|rest| rest.strip_prefix('.'))
        .filter(|_| matches!(attr.kind, crate::words::schema::Kind::Map(_)));
    let within = key.and_then(|key| Some((key, table.get_mut(attr.name)?.as_table_like_mut()?)));
    match within {
        Some((key, map)) => set(map, key, now.attr(attr.name).get(key)),
        None => set(table, attr.name, Some(now.attr(attr.name)).filter(|value| !value.is_empty())),
    }
    files.insert(path, document.to_string());
    Ok(Some(name.clone()))
}

/// The table of a block.
fn table_of<'d>(document: &'d mut DocumentMut, block: &Block) -> Option<&'d mut dyn TableLike> {
    let kinds = document.get_mut("resource")?.get_mut(&*block.address.kind)?;
    kinds.get_mut(&*block.address.name)?.as_table_like_mut()
}

/// Puts a value in the place of another, with what stands around that; takes the key away where there is none.
fn set(table: &mut dyn TableLike, key: &str, new: Option<&Value>) {
    let Some(new) = new.and_then(spelled) else {
        table.remove(key);
        return;
    };
    match table.get_mut(key) {
        Some(Item::Value(old)) => {
            let decor = old.decor().clone();
            *old = new;
            *old.decor_mut() = decor;
        }
        Some(other) => *other = value(new),
        None => drop(table.insert(key, value(new))),
    }
}

/// A value as TOML; none for null. What is empty within objects is what stands where nothing is given.
fn spelled(value: &Value) -> Option<toml_edit::Value> {
    Some(match value.bare() {
        Value::Bool(b) => (*b).into(),
        Value::Number(n) => match n.as_i64() {
            Some(n) => n.into(),
            None => n.to_string().parse::<f64>().ok()?.into(),
        },
        // In a text of a stack these begin expressions.
        Value::String(text) => text.replace("${", "$${").replace("%{", "%%{").into(),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().filter_map(spelled).collect::<toml_edit::Array>().into()
        }
        Value::Map(members) | Value::Object(members) => {
            let is_map = matches!(value.bare(), Value::Map(_));
            let kept = members.iter().filter(|(_, value)| is_map || !(value.is_empty() || value.as_bool() == Some(false)));
            let mut table = InlineTable::new();
            kept.for_each(|(key, value)| {
                spelled(value).into_iter().for_each(|value| drop(table.insert(key.as_ref(), value)));
            });
            table.into()
        }
        _ => return None,
    })
}

/// Adds a rule, and to the block that its plan leaves it alone, too; the file with the rule.
fn rule(
    seen: &Seen,
    block: &Block,
    address: &Address,
    paths: &[&str],
    reason: &str,
    files: &mut BTreeMap<PathBuf, String>,
) -> Result<String> {
    let name = &block.span.source.name;
    let in_toml = name.ends_with(".toml") && block.address.module.is_empty() && address.module.is_empty();
    let path = if in_toml { PathBuf::from(name) } else { seen.session.stack.dir.join("drift.toml") };
    let mut document = if path.exists() || files.contains_key(&path) { document(&path, files)? } else { DocumentMut::new() };
    if in_toml {
        table_of(&mut document, block).into_iter().for_each(|table| leave(table, paths));
    }
    let drift = document.entry("drift").or_insert_with(|| {
        let mut table = Table::new();
        table.set_implicit(true);
        Item::Table(table)
    });
    let rules = drift.as_table_like_mut().map(|drift| drift.entry("ignore").or_insert(Item::ArrayOfTables(ArrayOfTables::new())));
    let mut made = Table::new();
    made.insert("address", value(address.to_string()));
    made.insert("attributes", value(paths.iter().copied().collect::<toml_edit::Array>()));
    made.insert("reason", value(reason));
    match rules {
        Some(Item::ArrayOfTables(rules)) => rules.push(made),
        _ => {
            let error = Diagnostic::error(format!("no rule can be added to `{}`: its rules are written as a list", path.display()));
            return Err(error.help("write them as [[drift.ignore]]").into());
        }
    }
    files.insert(path.clone(), document.to_string());
    Ok(path.display().to_string())
}

/// Adds the paths to `ignore_changes` of a block; a difference below an attribute ignores the attribute as far as names lead.
fn leave(table: &mut dyn TableLike, paths: &[&str]) {
    let lifecycle = table.entry("lifecycle").or_insert(value(InlineTable::new()));
    let Some(lifecycle) = lifecycle.as_table_like_mut() else { return };
    let ignored = lifecycle.entry("ignore_changes").or_insert(value(toml_edit::Array::new()));
    let Some(ignored) = ignored.as_array_mut() else { return };
    for path in paths {
        let dotted = path.replace('[', ".").replace(']', "");
        if !ignored.iter().any(|known| known.as_str() == Some(&dotted)) {
            ignored.push(dotted);
        }
    }
}
