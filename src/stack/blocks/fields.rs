//! Taking a table apart, entry by entry.

use std::sync::Arc;

use super::super::expr::{Expr, Reference};
use super::super::raw::{Entry, Raw, RawKind};
use super::super::syntax::Condition;
use super::super::{convert, lower};
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics, Value};

/// The entries of a table, taken one after the other.
pub(super) struct Fields<'a> {
    what: &'static str,
    pub(super) entries: Vec<&'a Entry>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Raw, what: &'static str, errors: &mut Diagnostics) -> Self {
        let entries = match &value.kind {
            RawKind::Table(entries) => entries.iter().collect(),
            // One block in an array, as generated files have it.
            RawKind::List(items) if items.len() == 1 => return Self::of(&items[0], what, errors),
            _ => {
                errors.push(Diagnostic::error(format!("`{what}` is a table")).at(&value.span, format!("this is {}", value.kind())));
                vec![]
            }
        };
        Self { what, entries, known: vec![] }
    }

    pub(super) fn take(&mut self, name: &'static str) -> Option<&'a Raw> {
        self.known.push(name);
        let at = self.entries.iter().position(|e| &*e.key == name)?;
        Some(&self.entries.remove(at).value)
    }

    pub(super) fn text(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<Arc<str>> {
        let raw = self.take(name)?;
        if raw.text().is_none() {
            errors.push(Diagnostic::error(format!("`{name}` is a string")).at(&raw.span, format!("this is {}", raw.kind())));
        }
        raw.text().cloned()
    }

    /// A string, or in a `.tf` file a reference that stands for itself.
    pub(super) fn name(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<Arc<str>> {
        let raw = self.take(name)?;
        let found = raw.name();
        if found.is_none() {
            errors.push(Diagnostic::error(format!("`{name}` is a name")).at(&raw.span, format!("this is {}", raw.kind())));
        }
        found
    }

    pub(super) fn flag(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<bool> {
        let raw = self.take(name)?;
        let value = convert::truth(&raw.value(errors)).ok();
        if value.is_none() {
            errors.push(
                Diagnostic::error(format!("`{name}` is true or false, written out")).at(&raw.span, format!("this is {}", raw.kind())),
            );
        }
        value
    }

    /// References, in TOML and JSON written as strings: `["aws_instance.web", "${aws_eip.ip}"]`.
    pub(super) fn references(&mut self, name: &'static str, errors: &mut Diagnostics) -> Vec<Reference> {
        let Some(raw) = self.take(name) else { return vec![] };
        let RawKind::List(items) = &raw.kind else {
            let error = Diagnostic::error(format!("`{name}` is a list of references")).at(&raw.span, "no list");
            errors.push(error.write("write [\"TYPE.NAME\"] or so", "write [TYPE.NAME] or so"));
            return vec![];
        };
        let mut found = vec![];
        for item in items {
            let expr = match (&item.kind, item.text()) {
                (RawKind::Code(_), _) => Some(item.expr(errors)),
                (_, Some(text)) if text.contains("${") => Some(item.expr(errors)),
                (_, Some(text)) => errors.keep(lower::expression(text, &item.place())),
                (_, None) => {
                    let error = Diagnostic::error(format!("`{name}` is a list of references"));
                    errors.push(error.at(&item.span, format!("this is {}", item.kind())));
                    None
                }
            };
            let Some(expr) = expr else { continue };
            match expr.references().into_iter().next() {
                Some(mut reference) => {
                    reference.span = item.span.clone();
                    found.push(reference);
                }
                None => {
                    let error = Diagnostic::error("this refers to nothing").at(&item.span, "no reference");
                    errors.push(error.write("write \"TYPE.NAME\" or so", "write TYPE.NAME or so"));
                }
            }
        }
        found
    }

    /// One table or several with `condition` and `error_message`.
    pub(super) fn conditions(&mut self, name: &'static str, errors: &mut Diagnostics) -> Vec<Condition> {
        let Some(raw) = self.take(name) else { return vec![] };
        let each: Vec<&Raw> = match &raw.kind {
            RawKind::List(items) => items.iter().collect(),
            _ => vec![raw],
        };
        each.into_iter().filter_map(|raw| condition(raw, name, errors)).collect()
    }

    /// What nobody took is unknown.
    pub(super) fn done(self, errors: &mut Diagnostics) {
        for entry in self.entries {
            let near = nearest(&entry.key, self.known.iter().copied());
            let error = Diagnostic::error(format!("`{}` has no `{}`", self.what, entry.key));
            let error = error.at(&entry.at, near.map_or_else(|| "unknown".into(), |near| format!("did you mean `{near}`?")));
            errors.push(error.help(format!("it may hold {}", self.known.join(", "))));
        }
    }

    /// What nobody took, as an object.
    pub(super) fn rest(self, value: &Raw, errors: &mut Diagnostics) -> Expr {
        Expr::object(self.entries.iter().map(|e| e.pair(errors)).collect(), value.span.clone())
    }
}

fn condition(raw: &Raw, name: &'static str, errors: &mut Diagnostics) -> Option<Condition> {
    let mut fields = Fields::of(raw, name, errors);
    let (condition, message) = (fields.take("condition"), fields.take("error_message"));
    fields.done(errors);
    let (Some(condition), Some(message)) = (condition, message) else {
        errors.push(Diagnostic::error(format!("`{name}` needs a `condition` and an `error_message`")).at(&raw.span, "incomplete"));
        return None;
    };
    let made = Condition { condition: condition.expr(errors), error_message: message.expr(errors) };
    let constant = made.condition.constant();
    if let Some(Value::String(_)) = constant.filter(|v| convert::truth(v).is_err()) {
        let error = Diagnostic::error("a condition is an expression").at(&condition.span, "this is a text");
        let text = condition.text().map_or("", |t| t);
        errors.push(error.write(format!("write condition = \"${{{text}}}\""), format!("write condition = {text}")));
    }
    Some(made)
}

/// Whether the key can be a name; else that is an error.
pub(super) fn name(entry: &Entry, errors: &mut Diagnostics) -> bool {
    let mut chars = entry.key.chars();
    let good = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !good {
        let error = Diagnostic::error(format!("`{}` can't be a name", entry.key));
        errors.push(error.at(&entry.at, "letters, digits, `_` and `-`, with a letter or `_` first"));
    }
    good
}
