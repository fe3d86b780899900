//! `dynamic` blocks: as many blocks as a collection has elements.

use std::sync::Arc;

use super::super::expr::{Call, Expr, For, Node, Part};
use super::super::functions;
use super::super::raw::{Entry, Raw, RawKind};
use super::fields::Fields;
use crate::words::{Diagnostic, Diagnostics, Span, Value};

/// Those entries as an object, with blocks made where a `dynamic` says so.
pub(super) fn body(entries: &[&Entry], span: &Span, errors: &mut Diagnostics) -> Expr {
    let mut made: Vec<(Expr, Expr)> = vec![];
    for entry in entries.iter().filter(|e| !is_dynamic(e)) {
        let (key, _) = Entry { value: Raw { kind: RawKind::Plain(Value::Null), span: entry.at.clone() }, ..(*entry).clone() }.pair(errors);
        made.push((key, value(&entry.value, errors)));
    }
    for entry in entries.iter().filter(|e| is_dynamic(e)) {
        let RawKind::Table(labels) = &entry.value.kind else { continue };
        for label in labels {
            let all: Vec<&Raw> = match &label.value.kind {
                RawKind::List(items) => items.iter().collect(),
                _ => vec![&label.value],
            };
            for raw in all {
                if let Some(blocks) = dynamic(&label.key, raw, errors) {
                    add(&mut made, label, blocks);
                }
            }
        }
    }
    Expr::object(made, span.clone())
}

/// A table below `dynamic` that says what to make blocks of.
fn is_dynamic(entry: &Entry) -> bool {
    let block = |raw: &Raw| matches!(&raw.kind, RawKind::Table(e) if e.iter().any(|e| matches!(&*e.key, "for_each" | "content")));
    let RawKind::Table(labels) = &entry.value.kind else { return false };
    let all = |raw: &Raw| match &raw.kind {
        RawKind::List(items) => items.iter().all(block),
        _ => block(raw),
    };
    &*entry.key == "dynamic" && !labels.is_empty() && labels.iter().all(|label| all(&label.value))
}

fn value(raw: &Raw, errors: &mut Diagnostics) -> Expr {
    match &raw.kind {
        RawKind::Table(entries) => body(&entries.iter().collect::<Vec<_>>(), &raw.span, errors),
        RawKind::List(items) => Expr::new(Node::Tuple(items.iter().map(|item| value(item, errors)).collect()), raw.span.clone()),
        _ => raw.expr(errors),
    }
}

/// The blocks that one `dynamic` makes, as a list.
fn dynamic(label: &Arc<str>, raw: &Raw, errors: &mut Diagnostics) -> Option<Expr> {
    let mut fields = Fields::of(raw, "dynamic", errors);
    let (for_each, content) = (fields.take("for_each"), fields.take("content"));
    let iterator = fields.name("iterator", errors).unwrap_or_else(|| label.clone());
    if let Some(labels) = fields.take("labels") {
        errors.push(Diagnostic::error("`labels` has no meaning here: no block of a resource has labels").at(&labels.span, "take it away"));
    }
    fields.done(errors);
    let (Some(for_each), Some(content)) = (for_each, content) else {
        let error = Diagnostic::error(format!("the dynamic block `{label}` needs `for_each` and `content`"));
        errors
            .push(error.at(&raw.span, "incomplete").help("`for_each` is a collection; `content` is the block, with `{label}.value` in it"));
        return None;
    };
    let content = match &content.kind {
        RawKind::List(items) if items.len() == 1 => &items[0],
        _ => content,
    };
    let for_each = for_each.expr(errors);
    let mut content = value(content, errors);
    bind(&mut content, &iterator);
    let span = raw.span.clone();
    let local = |name: &str| Expr::new(Node::Local(name.into()), span.clone());
    let text = |text: &str| Expr::literal(Value::from(text), &span);
    // `{ key, value }` of each element, under the name of the iterator.
    let element = Expr::object(vec![(text("key"), local(KEY)), (text("value"), local(VALUE))], span.clone());
    let elements = each(Some(KEY.into()), VALUE.into(), for_each, element, &span);
    Some(each(None, iterator, elements, content, &span))
}

/// Names that nobody can write.
const KEY: &str = "dynamic key";
const VALUE: &str = "dynamic value";

fn each(key_var: Option<Arc<str>>, value_var: Arc<str>, collection: Expr, value: Expr, span: &Span) -> Expr {
    let made = For { key_var, value_var, collection, key: None, value, cond: None, grouping: false };
    Expr::new(Node::For(Box::new(made)), span.clone())
}

/// Puts blocks to those of the same name.
fn add(made: &mut Vec<(Expr, Expr)>, label: &Entry, blocks: Expr) {
    let known = made.iter_mut().find(|(key, _)| key.constant().as_ref().and_then(Value::as_str) == Some(&*label.key));
    let Some((_, before)) = known else {
        made.push((Expr::literal(Value::String(label.key.clone()), &label.at), blocks));
        return;
    };
    let span = before.span().clone();
    let first = std::mem::replace(before, Expr::literal(Value::Null, &span));
    // One table is a list of one block.
    let first = if first.entries().is_some() { Expr::new(Node::Tuple(vec![first]), span.clone()) } else { first };
    let Some(function) = functions::named("concat") else { return };
    *before = Expr::new(Node::Call(Box::new(Call { function, name: span.clone(), args: vec![first, blocks], expand: false })), span);
}

/// Makes the iterator of what reads like a resource of that type: `ingress.value`.
fn bind(expr: &mut Expr, iterator: &Arc<str>) {
    if let Node::Resource(r) = &mut expr.node
        && r.kind == *iterator
        && r.mode == crate::words::Mode::Managed
    {
        let span = expr.span.clone();
        let element = Box::new(Expr::new(Node::Local(iterator.clone()), span.clone()));
        let part = Expr::new(Node::Attr(element, r.name.clone()), span);
        expr.node = match r.index.take() {
            Some(mut index) => {
                bind(&mut index, iterator);
                Node::Index(Box::new(part), Box::new(index))
            }
            None => part.node,
        };
        return;
    }
    children(expr, &mut |child| bind(child, iterator));
}

fn children(expr: &mut Expr, see: &mut dyn FnMut(&mut Expr)) {
    match &mut expr.node {
        Node::Literal(_) | Node::Local(_) | Node::Root(_) | Node::Wrong(_) => {}
        Node::Tuple(items) => items.iter_mut().for_each(see),
        Node::Object(items) => items.iter_mut().for_each(|(key, value)| {
            see(key);
            see(value);
        }),
        Node::Template(parts) => of_parts(parts, see),
        Node::Resource(r) => r.index.iter_mut().for_each(see),
        Node::Module(m) => m.index.iter_mut().for_each(see),
        Node::Attr(of, _) | Node::Unary(_, of) => see(of),
        Node::Index(of, index) => {
            see(of);
            see(index);
        }
        Node::Splat { source, each } => {
            see(source);
            see(each);
        }
        Node::Binary(_, _, sides) => sides.iter_mut().for_each(see),
        Node::Cond(three) => three.iter_mut().for_each(see),
        Node::Call(call) => call.args.iter_mut().for_each(see),
        Node::For(f) => {
            see(&mut f.collection);
            f.key.iter_mut().for_each(&mut *see);
            see(&mut f.value);
            f.cond.iter_mut().for_each(see);
        }
    }
}

fn of_parts(parts: &mut [Part], see: &mut dyn FnMut(&mut Expr)) {
    for part in parts {
        match part {
            Part::Text(_) => {}
            Part::Value(e) => see(e),
            Part::If { cond, then, otherwise } => {
                see(cond);
                of_parts(then, see);
                of_parts(otherwise, see);
            }
            Part::For { collection, body, .. } => {
                see(collection);
                of_parts(body, see);
            }
        }
    }
}
