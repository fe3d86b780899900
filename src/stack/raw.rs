//! What all spellings of the language are read into: tables, lists and values, each with its place, before anyone has said what they mean.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;

use super::expr::{Expr, Node};
use super::files::Files;
use super::lower;
use super::place::Place;
use super::scope::Nothing;
use crate::words::{Diagnostic, Diagnostics, Result, Span, Value};

/// A value, before anyone has said whether its strings are templates.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    pub(super) kind: RawKind,
    pub(super) span: Span,
}

#[derive(Clone, Debug)]
pub(super) enum RawKind {
    /// A string of TOML or JSON: a template, where an expression is wanted.
    Text(Arc<str>),
    /// What is written out and no template: numbers, truths, strings of `.tf` files.
    Plain(Value),
    List(Vec<Raw>),
    /// A table, an object, or a block.
    Table(Vec<Entry>),
    /// Any other expression of a `.tf` file.
    Code(Arc<Expression>),
}

/// A key of a table, with its place, and what it holds.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: Arc<str>,
    pub(super) at: Span,
    pub(super) value: Raw,
}

/// A text as an expression. Most texts are plain, and share theirs with it.
fn text_expr(text: &Arc<str>, span: &Span, errors: &mut Diagnostics) -> Expr {
    if text.is_ascii() && lower::is_plain(text) {
        return Expr::literal(Value::String(text.clone()), span);
    }
    lower::template(text, &Place::toml(&span.source, span.range(), text), errors)
}

impl Raw {
    /// As an expression: strings and keys are templates.
    pub(super) fn expr(&self, errors: &mut Diagnostics) -> Expr {
        match &self.kind {
            RawKind::Text(text) => text_expr(text, &self.span, errors),
            RawKind::Plain(value) => Expr::literal(value.clone(), &self.span),
            RawKind::List(items) => Expr::new(Node::Tuple(items.iter().map(|v| v.expr(errors)).collect()), self.span.clone()),
            RawKind::Table(entries) => {
                let span = self.span.clone();
                Expr::object(entries.iter().map(|e| (e.key_expr(errors), e.value.expr(errors))).collect(), span)
            }
            RawKind::Code(code) => lower::lowered(code, &Place::of(&self.span.source), errors),
        }
    }

    /// As it is written: strings are no templates. TOML has no null, so that `"${null}"` stands for it.
    pub(super) fn value(&self, errors: &mut Diagnostics) -> Value {
        match &self.kind {
            RawKind::Text(text) if text.trim() == "${null}" => Value::Null,
            RawKind::Text(text) => Value::String(text.clone()),
            RawKind::Plain(value) => value.clone(),
            RawKind::List(items) => Value::Tuple(Arc::new(items.iter().map(|v| v.value(errors)).collect())),
            RawKind::Table(entries) => Value::object(entries.iter().map(|e| (e.key.clone(), e.value.value(errors)))),
            RawKind::Code(_) => errors.keep(self.fixed()).unwrap_or_default(),
        }
    }

    /// An expression where only a value that is written out can stand: `-1`, but no reference and no function.
    fn fixed(&self) -> Result<Value> {
        let mut errors = Diagnostics::default();
        let expr = self.expr(&mut errors);
        let expr = errors.unless_errors(expr)?;
        let mut called = None;
        expr.visit(&mut |e| {
            if let Node::Call(call) = &e.node {
                called.get_or_insert_with(|| (call.name.clone(), "a function"));
            }
        });
        if let Some(reference) = expr.references().into_iter().next() {
            called = Some((reference.span, "a reference"));
        }
        match called {
            Some((at, what)) => {
                Err(Diagnostic::error(format!("{what} can't be used here")).at(&at, "a value that is written out is needed").into())
            }
            None => expr.eval(&Nothing(&Files::embedded(Default::default()))),
        }
    }

    /// The text, if it is one.
    pub(super) fn text(&self) -> Option<&Arc<str>> {
        match &self.kind {
            RawKind::Text(text) | RawKind::Plain(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The text, or in a `.tf` file the reference that stands for itself: of `provider = aws.west`, `moved` and the like.
    pub(super) fn name(&self) -> Option<Arc<str>> {
        match &self.kind {
            RawKind::Code(code) if matches!(**code, Expression::Variable(_) | Expression::Traversal(_)) => {
                self.span.source.text.get(self.span.range()).map(Into::into)
            }
            _ => self.text().cloned(),
        }
    }

    /// The names in a table of names, `{ aws.one = aws.west }` in a `.tf` file among them: each with what stands for it.
    pub(super) fn names(&self) -> Option<Vec<(Arc<str>, Option<Arc<str>>)>> {
        let text = |range: Option<std::ops::Range<usize>>| range.and_then(|range| self.span.source.text.get(range)).map(Arc::from);
        match &self.kind {
            RawKind::Table(entries) => Some(entries.iter().map(|entry| (entry.key.clone(), entry.value.name())).collect()),
            RawKind::Code(code) => match &**code {
                Expression::Object(object) => {
                    let names = object.iter().map(|(key, value)| {
                        let value = value.expr();
                        let reference = matches!(value, Expression::Variable(_) | Expression::Traversal(_));
                        Some((text(key.span())?, if reference { text(value.span()) } else { value.as_str().map(Arc::from) }))
                    });
                    names.collect()
                }
                _ => None,
            },
            _ => None,
        }
    }

    /// The place of the text in it.
    pub(super) fn place(&self) -> Place {
        Place::toml(&self.span.source, self.span.range(), self.text().map_or("", |t| t))
    }

    /// What it is, in a word.
    pub(super) fn kind(&self) -> &'static str {
        match &self.kind {
            RawKind::Text(_) => "a string",
            RawKind::Code(_) => "an expression",
            RawKind::Plain(value) => super::convert::kind_of(value),
            RawKind::List(_) => "an array",
            RawKind::Table(_) => "a table",
        }
    }
}

impl Entry {
    fn key_expr(&self, errors: &mut Diagnostics) -> Expr {
        text_expr(&self.key, &self.at, errors)
    }

    /// As an entry of an object.
    pub(super) fn pair(&self, errors: &mut Diagnostics) -> (Expr, Expr) {
        (self.key_expr(errors), self.value.expr(errors))
    }
}
