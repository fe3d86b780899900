//! Templates: texts with values, conditions and loops in them.

use std::sync::Arc;

use super::convert::{self, kind_of};
use super::eval::{Cx, for_each, unknowing};
use super::expr::{Expr, Part};
use crate::words::{Diagnostic, Marks, Result, Type, Value};

/// What a template has made so far.
#[derive(Default)]
struct Made {
    text: String,
    unknown: bool,
    marked: Marks,
}

/// The text that a template makes.
pub(super) fn template(parts: &[Part], cx: &Cx<'_>) -> Result<Value> {
    let mut made = Made::default();
    render(parts, cx, &mut made)?;
    let value = if made.unknown { Value::Unknown(Arc::new(Type::String)) } else { Value::from(made.text) };
    Ok(value.marked(made.marked))
}

fn render(parts: &[Part], cx: &Cx<'_>, made: &mut Made) -> Result<()> {
    let mut errors = crate::words::Diagnostics::default();
    for part in parts {
        let result = match part {
            Part::Text(text) => {
                made.text.push_str(text);
                Ok(())
            }
            Part::Value(e) => interpolate(e, cx, made),
            Part::If { cond, then, otherwise } => branch(cond, then, otherwise, cx, made),
            Part::For { key_var, value_var, collection, body } => repeat(collection, (key_var.as_deref(), value_var), body, cx, made),
        };
        errors.keep(result);
    }
    errors.unless_errors(())
}

fn interpolate(e: &Expr, cx: &Cx<'_>, made: &mut Made) -> Result<()> {
    let value = e.value(cx)?;
    made.marked |= value.all_marks();
    match value.bare() {
        Value::Unknown(ty) if matches!(ty.as_ref(), Type::Any | Type::Bool | Type::Number | Type::String) => made.unknown = true,
        Value::Null => return e.wrong("null can't be part of a text", "this value is null"),
        other => {
            if let Ok(text) = convert::text(other) {
                made.text.push_str(&text)
            } else {
                let error = Diagnostic::error(format!("{} can't be part of a text", kind_of(other))).at(&e.span, "a string is required");
                return Err(error.help("`jsonencode(...)` or `join(\", \", ...)` make a text of it").into());
            }
        }
    }
    Ok(())
}

fn branch(cond: &Expr, then: &[Part], otherwise: &[Part], cx: &Cx<'_>, made: &mut Made) -> Result<()> {
    let test = cond.value(cx)?;
    made.marked |= test.marks();
    if test.is_unknown() {
        made.unknown = true;
        // Either may come: what both depend on counts, and what fails may be the one that doesn't come.
        for side in [then, otherwise] {
            let mut other = Made::default();
            let _either = render(side, cx, &mut other);
            made.marked |= other.marked;
        }
        return Ok(());
    }
    if test.is_null() {
        return cond.wrong("a condition can't be null", "null");
    }
    let test = convert::truth(&test).or_else(|e| cond.wrong(format!("a condition must be true or false: {e}"), kind_of(&test)))?;
    render(if test { then } else { otherwise }, cx, made)
}

fn repeat(collection: &Expr, vars: (Option<&str>, &str), body: &[Part], cx: &Cx<'_>, made: &mut Made) -> Result<()> {
    let of = collection.value(cx)?;
    made.marked |= of.marks();
    if of.is_unknown() {
        made.unknown = true;
        unknowing(vars, cx, &mut |cx| {
            let mut other = Made::default();
            let _each = render(body, cx, &mut other);
            made.marked |= other.marked;
        });
        return Ok(());
    }
    for_each(collection, of.bare(), vars, cx, &mut |cx| render(body, cx, made))
}
