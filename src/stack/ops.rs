//! Operators.

use std::sync::Arc;

use super::convert::{self, kind_of};
use super::eval::Cx;
use super::expr::{Binary, Expr, Unary};
use crate::words::{Diagnostic, Diagnostics, Number, Result, Span, Type, Value};

fn wrong<T>(summary: String, at: &Span, label: impl Into<String>) -> Result<T> {
    Err(Diagnostic::error(summary).at(at, label).into())
}

fn unknown(ty: Type) -> Value {
    Value::Unknown(Arc::new(ty))
}

/// `!x` and `-x`.
pub(super) fn unary(operator: Unary, value: &Value, at: &Expr) -> Result<Value> {
    let marked = value.marks();
    let made = match operator {
        Unary::Not => truth(value, "!", at.span())?.map_or_else(|| unknown(Type::Bool), |b| Value::Bool(!b)),
        Unary::Neg => match number(value, "-", at.span())? {
            Some(n) => Value::Number(n.negated()),
            None => unknown(Type::Number),
        },
    };
    Ok(made.marked(marked))
}

/// `a + b` and the like.
pub(super) fn binary(operator: Binary, at: &Span, sides: &[Expr; 2], cx: &Cx<'_>) -> Result<Value> {
    let [left, right] = sides;
    if matches!(operator, Binary::And | Binary::Or) {
        return logic(operator, sides, cx);
    }
    let mut errors = Diagnostics::default();
    let (a, b) = (errors.keep(left.value(cx)), errors.keep(right.value(cx)));
    let (Some(a), Some(b)) = (a, b) else { return Err(errors) };
    if matches!(operator, Binary::Eq | Binary::NotEq) {
        let marked = a.all_marks() | b.all_marks();
        let same = equal(&a, &b);
        let made = same.map_or_else(|| unknown(Type::Bool), |same| Value::Bool(same == (operator == Binary::Eq)));
        return Ok(made.marked(marked));
    }
    let marked = a.marks() | b.marks();
    let word = word(operator);
    let (a, b) = (errors.keep(number(&a, word, left.span())), errors.keep(number(&b, word, right.span())));
    let (Some(a), Some(b)) = (a, b) else { return Err(errors) };
    let compares = matches!(operator, Binary::Less | Binary::LessEq | Binary::Greater | Binary::GreaterEq);
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(unknown(if compares { Type::Bool } else { Type::Number }).marked(marked));
    };
    let made = match operator {
        Binary::Less => Value::Bool(a < b),
        Binary::LessEq => Value::Bool(a <= b),
        Binary::Greater => Value::Bool(a > b),
        Binary::GreaterEq => Value::Bool(a >= b),
        Binary::Plus => arithmetic(a.plus(&b), at)?,
        Binary::Minus => arithmetic(a.minus(&b), at)?,
        Binary::Times => arithmetic(a.times(&b), at)?,
        Binary::Over | Binary::Modulo if b == Number::from(0) => return wrong("division by zero".into(), right.span(), "zero"),
        Binary::Over => arithmetic(a.over(&b), at)?,
        Binary::Modulo => arithmetic(a.modulo(&b), at)?,
        Binary::Eq | Binary::NotEq | Binary::And | Binary::Or => Value::Null,
    };
    Ok(made.marked(marked))
}

fn arithmetic(n: Option<Number>, at: &Span) -> Result<Value> {
    n.map_or_else(|| wrong("the result is too large for a number".into(), at, "out of range"), |n| Ok(Value::Number(n)))
}

/// Both sides are evaluated, and have to be true or false, whatever the left one says: so Terraform has it before 1.12.
fn logic(operator: Binary, sides: &[Expr; 2], cx: &Cx<'_>) -> Result<Value> {
    let [left, right] = sides;
    let mut errors = Diagnostics::default();
    let word = word(operator);
    let mut side = |e: &Expr| {
        let value = errors.keep(e.value(cx))?;
        let known = errors.keep(truth(&value, word, e.span()))?;
        Some((known, value.marks()))
    };
    let (a, b) = (side(left), side(right));
    let (Some((a, a_marked)), Some((b, b_marked))) = (a, b) else { return Err(errors) };
    let made = match (a, b) {
        (Some(a), Some(b)) => Value::Bool(if operator == Binary::Or { a || b } else { a && b }),
        // Not even where the known side alone would settle it.
        _ => unknown(Type::Bool),
    };
    Ok(made.marked(a_marked | b_marked))
}

fn word(operator: Binary) -> &'static str {
    match operator {
        Binary::Eq => "==",
        Binary::NotEq => "!=",
        Binary::LessEq => "<=",
        Binary::GreaterEq => ">=",
        Binary::Less => "<",
        Binary::Greater => ">",
        Binary::Plus => "+",
        Binary::Minus => "-",
        Binary::Times => "*",
        Binary::Over => "/",
        Binary::Modulo => "%",
        Binary::And => "&&",
        Binary::Or => "||",
    }
}

fn number(value: &Value, word: &str, at: &Span) -> Result<Option<Number>> {
    match value.bare() {
        Value::Unknown(ty) if convert::can_convert(ty, &Type::Number) => Ok(None),
        Value::Null => wrong(format!("`{word}` needs numbers, and this is null"), at, "null"),
        _ => convert::numeric(value).map(Some).or_else(|e| wrong(format!("`{word}` needs numbers: {e}"), at, kind_of(value))),
    }
}

fn truth(value: &Value, word: &str, at: &Span) -> Result<Option<bool>> {
    match value.bare() {
        Value::Unknown(ty) if convert::can_convert(ty, &Type::Bool) => Ok(None),
        Value::Null => wrong(format!("`{word}` needs true or false, and this is null"), at, "null"),
        _ => convert::truth(value).map(Some).or_else(|e| wrong(format!("`{word}` needs true or false: {e}"), at, kind_of(value))),
    }
}

/// Whether two values are the same; none where that hangs on something unknown. Values of different types never are.
pub(super) fn equal(a: &Value, b: &Value) -> Option<bool> {
    match (a.bare(), b.bare()) {
        (Value::Null, other) | (other, Value::Null) if !other.is_unknown() => Some(other.is_null()),
        (Value::Unknown(ty), other) | (other, Value::Unknown(ty)) => {
            let null = matches!(other, Value::Null);
            if null || matches!(other, Value::Unknown(_)) || convert::may_be(ty, &other.type_of()) { None } else { Some(false) }
        }
        (Value::List(x), Value::List(y)) | (Value::Tuple(x), Value::Tuple(y)) => {
            if x.len() != y.len() {
                return Some(false);
            }
            // The first pair that is not the same decides, unknown or different.
            x.iter().zip(y.iter()).map(|(a, b)| equal(a, b)).find(|same| *same != Some(true)).unwrap_or(Some(true))
        }
        (Value::Set(x), Value::Set(y)) => {
            if a.is_known() && b.is_known() {
                Some(a.bare_deep() == b.bare_deep())
            } else if x.len() == y.len() {
                None
            } else {
                Some(false)
            }
        }
        (Value::Map(x), Value::Map(y)) | (Value::Object(x), Value::Object(y)) => {
            if !x.keys().eq(y.keys()) {
                return Some(false);
            }
            let all: Vec<_> = x.values().zip(y.values()).map(|(a, b)| equal(a, b)).collect();
            let open = all.contains(&None);
            if all.contains(&Some(false)) { Some(false) } else { (!open).then_some(true) }
        }
        (a, b) => Some(a == b),
    }
}
