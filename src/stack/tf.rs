//! `.tf` files: blocks become the tables that TOML would have, attributes stay the expressions that they are.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, Object, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};

use super::lower::nfc;
use super::raw::{Entry, Raw, RawKind};
use super::refused;
use crate::words::{Diagnostic, Diagnostics, Result, Source, Span, Value};

/// The words at the top of a file and the labels that follow each.
const LABELS: &[(&str, &[&str])] = &[
    ("variable", &["NAME"]),
    ("locals", &[]),
    ("output", &["NAME"]),
    ("provider", &["NAME"]),
    ("module", &["NAME"]),
    ("resource", &["TYPE", "NAME"]),
    ("data", &["TYPE", "NAME"]),
    ("ephemeral", &["TYPE", "NAME"]),
    ("check", &["NAME"]),
    ("moved", &[]),
    ("import", &[]),
    ("removed", &[]),
    ("drift", &[]),
    ("terraform", &[]),
    ("stack", &[]),
];

/// What has to follow a word at the top of a file: its labels, by what they are.
pub fn labels(word: &str) -> Option<&'static [&'static str]> {
    LABELS.iter().find(|(w, _)| *w == word).map(|(_, labels)| *labels)
}

/// A file as the parser has it.
pub fn body(source: &Arc<Source>) -> Result<Body> {
    Ok(hcl_edit::parser::parse_body(&source.text).map_err(|e| refused::broken(source, &e))?)
}

/// Reads a file.
pub(super) fn parse(source: &Arc<Source>) -> Result<Vec<Entry>> {
    let body = body(source)?;
    let mut reader = Reader { source, errors: Diagnostics::default() };
    let mut entries = vec![];
    for structure in body {
        match structure {
            Structure::Block(block) => entries.extend(reader.top(block)),
            Structure::Attribute(attribute) => {
                let key = attribute.key.as_str();
                let error = Diagnostic::error(format!("`{key}` stands outside of any block"));
                let error = error.at(&reader.span(attribute.key.span()), "a file holds blocks only");
                reader.errors.push(match labels(key) {
                    Some(_) => error.help(format!("write `{}` without the `=`", written(key))),
                    None => error.help("a value with a name stands in `locals { ... }`; the value of a variable in `terraform.tfvars`"),
                });
            }
        }
    }
    reader.errors.unless_errors(entries)
}

/// A block of that word as one would begin it.
fn written(word: &str) -> String {
    let labels: String = labels(word).unwrap_or_default().iter().map(|l| format!("\"{l}\" ")).collect();
    format!("{word} {labels}{{ ... }}")
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    errors: Diagnostics,
}

impl Reader<'_> {
    fn span(&self, range: Option<std::ops::Range<usize>>) -> Span {
        Span::new(self.source, range.unwrap_or(0..0))
    }

    /// A block at the top of the file. What is no word of the language is left to whoever knows the words.
    fn top(&mut self, block: Block) -> Option<Entry> {
        if let Some(wanted) = labels(block.ident.as_str())
            && wanted.len() != block.labels.len()
        {
            let word = block.ident.as_str();
            let (given, needs) = (block.labels.len(), wanted.len());
            let count =
                |n: usize| format!("{} label{}", if n == 0 { "no".to_owned() } else { n.to_string() }, if n == 1 { "" } else { "s" });
            let error = Diagnostic::error(format!("a `{word}` block has {}, and {given} are given", count(needs)));
            let error = error.at(&self.header(&block), format!("write `{}`", written(word)));
            self.errors.push(error);
            return None;
        }
        Some(self.block(block))
    }

    fn header(&self, block: &Block) -> Span {
        let start = block.ident.span().unwrap_or(0..0);
        let end = block.labels.last().and_then(hcl_edit::Span::span).unwrap_or(start.clone());
        Span::new(self.source, start.start..end.end)
    }

    /// A block as the table of its last label, in those of the labels before.
    fn block(&mut self, block: Block) -> Entry {
        let span = self.span(block.span());
        let (word, at) = (block.ident.as_str().into(), self.span(block.ident.span()));
        let labels: Vec<(Arc<str>, Span)> = block.labels.iter().map(|l| (l.as_str().into(), self.span(l.span()))).collect();
        let mut value = Raw { kind: RawKind::Table(self.body(block.body)), span: span.clone() };
        for (key, at) in labels.into_iter().rev() {
            value = Raw { kind: RawKind::Table(vec![Entry { key, at, value }]), span: span.clone() };
        }
        Entry { key: word, at, value }
    }

    fn body(&mut self, body: Body) -> Vec<Entry> {
        let mut entries: Vec<Entry> = Vec::with_capacity(body.len());
        let mut attributes = 0;
        for structure in body {
            match structure {
                // The parser has seen to it that each attribute is there once.
                Structure::Attribute(attribute) => {
                    let at = self.span(attribute.key.span());
                    let entry = Entry { key: attribute.key.as_str().into(), at, value: self.value(attribute.value) };
                    entries.insert(attributes, entry);
                    attributes += 1;
                }
                Structure::Block(block) => {
                    let labels = block.labels.len();
                    let entry = self.block(block);
                    if let Some(other) = entries[..attributes].iter().find(|e| e.key == entry.key) {
                        let error = Diagnostic::error(format!("`{}` is both an attribute and a block", entry.key));
                        self.errors.push(error.at(&entry.at, "the block").help(format!("the attribute is at {}", other.at)));
                        continue;
                    }
                    add(&mut entries, attributes, entry, labels);
                }
            }
        }
        entries
    }

    /// An attribute's value. Lists and objects that are written out are taken apart, as those of TOML are.
    fn value(&self, expr: Expression) -> Raw {
        let span = self.span(expr.span());
        let kind = match expr {
            Expression::Array(items) => RawKind::List(items.into_iter().map(|item| self.value(item)).collect()),
            Expression::Object(object) if plain(&object) => RawKind::Table(
                object
                    .into_iter()
                    .map(|(key, value)| {
                        let at = self.span(key.span());
                        let name = match &key {
                            ObjectKey::Ident(name) => name.as_str(),
                            ObjectKey::Expression(e) => e.as_str().unwrap_or_default(),
                        };
                        Entry { key: name.into(), at, value: self.value(value.into_expr()) }
                    })
                    .collect(),
            ),
            Expression::Null(_) => RawKind::Plain(Value::Null),
            Expression::Bool(b) => RawKind::Plain(Value::Bool(*b.value())),
            Expression::String(text) => RawKind::Plain(Value::String(nfc(text.value()))),
            other => RawKind::Code(Arc::new(other)),
        };
        Raw { kind, span }
    }
}

/// Whether the keys of an object are written out and each is there once, so that it is what a table of TOML is.
fn plain(object: &Object) -> bool {
    let mut seen = std::collections::HashSet::with_capacity(object.len());
    object.iter().all(|(key, _)| match key {
        ObjectKey::Ident(name) => seen.insert(name.as_str()),
        // In a key of TOML these would begin an expression.
        ObjectKey::Expression(e) => e.as_str().is_some_and(|text| !text.contains("${") && !text.contains("%{") && seen.insert(text)),
    })
}

/// Adds a nested block with that many labels, behind the first `attributes` entries: a second one of the same name and labels makes a list.
fn add(entries: &mut Vec<Entry>, attributes: usize, entry: Entry, labels: usize) {
    let Some(before) = entries[attributes..].iter_mut().find(|e| e.key == entry.key) else {
        entries.push(entry);
        return;
    };
    let Entry { value: Raw { kind, span }, .. } = entry;
    match (&mut before.value.kind, kind) {
        (RawKind::Table(known), RawKind::Table(more)) if labels > 0 => {
            more.into_iter().for_each(|inner| add(known, 0, inner, labels - 1));
        }
        (RawKind::List(known), kind) => known.push(Raw { kind, span }),
        (known, kind) => {
            let first = Raw { kind: std::mem::replace(known, RawKind::List(vec![])), span: before.value.span.clone() };
            *known = RawKind::List(vec![first, Raw { kind, span }]);
        }
    }
}
