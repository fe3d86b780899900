//! Operators.

use std::sync::Arc;

use super::convert::{self, kind_of};
use super::eval::Cx;
use super::expr::{Binary, Expr, Unary};
use crate::words::{Diagnostic, Number, Result, Span, Type, Value};

fn wrong<T>(summary: String, at: &Span, label: impl Into<String>) -> Result<T> {
    Err(Diagnostic::error(summary).at(at, label).into())
}

fn unknown(ty: Type) -> Value {
    Value::Unknown(Arc::new(ty))
}

/// `!x` and `-x`.
pub(super) fn unary(operator: Unary, value: &Value, at: &Expr) -> Result<Value> {
    let marked = value.is_sensitive();
    let made = match operator {
        Unary::Not => truth(value, "!", at.span())?.map_or_else(|| unknown(Type::Bool), |b| Value::Bool(!b)),
        Unary::Neg => match number(value, "-", at.span())? {
            Some(n) => Value::Number(Number::from(0).minus(n).unwrap_or(n)),
            None => unknown(Type::Number),
        },
    };
    Ok(made.sensitive_if(marked))
}

/// `a + b` and the like. `&&` and `||` look at the right side only where the left leaves it open.
pub(super) fn binary(operator: Binary, at: &Span, sides: &[Expr; 2], cx: &Cx<'_>) -> Result<Value> {
    let [left, right] = sides;
    let a = left.value(cx)?;
    if matches!(operator, Binary::And | Binary::Or) {
        return logic(operator, &a, left, right, cx);
    }
    let b = right.value(cx)?;
    if matches!(operator, Binary::Eq | Binary::NotEq) {
        let marked = a.has_sensitive() || b.has_sensitive();
        let same = equal(&a, &b);
        let made = same.map_or_else(|| unknown(Type::Bool), |same| Value::Bool(same == (operator == Binary::Eq)));
        return Ok(made.sensitive_if(marked));
    }
    let marked = a.is_sensitive() || b.is_sensitive();
    let word = word(operator);
    let (a, b) = (number(&a, word, left.span())?, number(&b, word, right.span())?);
    let compares = matches!(operator, Binary::Less | Binary::LessEq | Binary::Greater | Binary::GreaterEq);
    let (Some(a), Some(b)) = (a, b) else {
        return Ok(unknown(if compares { Type::Bool } else { Type::Number }).sensitive_if(marked));
    };
    let made = match operator {
        Binary::Less => Value::Bool(a < b),
        Binary::LessEq => Value::Bool(a <= b),
        Binary::Greater => Value::Bool(a > b),
        Binary::GreaterEq => Value::Bool(a >= b),
        Binary::Plus => arithmetic(plus(a, b), at)?,
        Binary::Minus => arithmetic(decimal(a, b, i128::checked_sub, false).or_else(|| a.minus(b)), at)?,
        Binary::Times => arithmetic(decimal(a, b, i128::checked_mul, true).or_else(|| a.times(b)), at)?,
        Binary::Over | Binary::Modulo if b == Number::from(0) => return wrong("division by zero".into(), right.span(), "zero"),
        Binary::Over => arithmetic(a.over(b), at)?,
        Binary::Modulo => arithmetic(a.modulo(b), at)?,
        Binary::Eq | Binary::NotEq | Binary::And | Binary::Or => Value::Null,
    };
    Ok(made.sensitive_if(marked))
}

fn arithmetic(n: Option<Number>, at: &Span) -> Result<Value> {
    n.map_or_else(|| wrong("the result is too large for a number".into(), at, "out of range"), |n| Ok(Value::Number(n)))
}

/// The sum, exact to the last decimal where there are few.
pub(super) fn plus(a: Number, b: Number) -> Option<Number> {
    decimal(a, b, i128::checked_add, false).or_else(|| a.plus(b))
}

/// Terraform computes with many more digits than a double has: `0.1 + 0.2` is `0.3`. So fractions are computed as decimals.
fn decimal(a: Number, b: Number, by: fn(i128, i128) -> Option<i128>, product: bool) -> Option<Number> {
    if a.as_i64().is_some() && b.as_i64().is_some() {
        return None;
    }
    let parts = |n: Number| {
        let text = n.to_string();
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        Some((format!("{whole}{fraction}").parse::<i128>().ok()?, u32::try_from(fraction.len()).ok()?))
    };
    let ((x, x_scale), (y, y_scale)) = (parts(a)?, parts(b)?);
    let (made, scale) = if product {
        (by(x, y)?, x_scale + y_scale)
    } else {
        let scale = x_scale.max(y_scale);
        let level = |n: i128, have: u32| n.checked_mul(10_i128.checked_pow(scale - have)?);
        (by(level(x, x_scale)?, level(y, y_scale)?)?, scale)
    };
    Number::parse(&format!("{made}e-{scale}"))
}

/// The right side is evaluated only where the left one leaves it open, as Terraform has it from 1.12 on; before, its errors counted always.
fn logic(operator: Binary, a: &Value, left: &Expr, right: &Expr, cx: &Cx<'_>) -> Result<Value> {
    let word = word(operator);
    let ends = operator == Binary::Or;
    let first = truth(a, word, left.span())?;
    if first == Some(ends) {
        return Ok(Value::Bool(ends).sensitive_if(a.is_sensitive()));
    }
    let b = right.value(cx)?;
    let second = truth(&b, word, right.span())?;
    let marked = a.is_sensitive() || b.is_sensitive();
    let made = match (first, second) {
        (_, Some(b)) if b == ends => Value::Bool(ends),
        (Some(_), Some(b)) => Value::Bool(b),
        _ => unknown(Type::Bool),
    };
    Ok(made.sensitive_if(marked))
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
    let all = |pairs: &mut dyn Iterator<Item = Option<bool>>| {
        let mut open = false;
        for pair in pairs {
            match pair {
                Some(false) => return Some(false),
                Some(true) => {}
                None => open = true,
            }
        }
        if open { None } else { Some(true) }
    };
    match (a.bare(), b.bare()) {
        (Value::Unknown(_), _) | (_, Value::Unknown(_)) => None,
        (Value::List(a), Value::List(b)) | (Value::Tuple(a), Value::Tuple(b)) => {
            if a.len() != b.len() {
                return Some(false);
            }
            all(&mut a.iter().zip(b.iter()).map(|(a, b)| equal(a, b)))
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
        (Value::Map(a), Value::Map(b)) | (Value::Object(a), Value::Object(b)) => {
            if !a.keys().eq(b.keys()) {
                return Some(false);
            }
            all(&mut a.values().zip(b.values()).map(|(a, b)| equal(a, b)))
        }
        (a, b) => Some(a == b),
    }
}
