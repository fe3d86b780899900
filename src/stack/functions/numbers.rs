//! Functions on numbers.

use super::{Args, Function, Gives, Got, Needs, Outcome, bad, f};
use crate::words::{Number, Value};

pub(super) const ALL: &[Function] = &[
    f("abs", &["number"], Gives::Number, |a| {
        let n = a.number(0)?;
        finite(if n < Number::from(0) { Number::from(0).minus(n) } else { Some(n) })
    }),
    f("ceil", &["number"], Gives::Number, |a| float(a, f64::ceil)),
    f("floor", &["number"], Gives::Number, |a| float(a, f64::floor)),
    f("log", &["number", "base"], Gives::Number, |a| finite(Number::from_f64(a.number(0)?.as_f64().ln() / a.number(1)?.as_f64().ln()))),
    f("max", &["numbers..."], Gives::Number, |a| {
        numbers(a)?.into_iter().max().map_or_else(|| bad("at least one number is required"), |n| Ok(Value::Number(n)))
    }),
    f("min", &["numbers..."], Gives::Number, |a| {
        numbers(a)?.into_iter().min().map_or_else(|| bad("at least one number is required"), |n| Ok(Value::Number(n)))
    }),
    f("parseint", &["text", "base"], Gives::Number, parseint),
    f("pow", &["number", "power"], Gives::Number, pow),
    f("signum", &["number"], Gives::Number, |a| {
        let n = a.number(0)?;
        Ok(Value::from(i64::from(n > Number::from(0)) - i64::from(n < Number::from(0))))
    }),
    f("sum", &["list"], Gives::Number, sum),
    f("range", &["limits..."], Gives::Any, range).needs(Needs::All),
];

fn finite(n: Option<Number>) -> Outcome {
    n.map_or_else(|| bad("the result is no finite number"), |n| Ok(Value::Number(n)))
}

fn float(a: &Args<'_>, by: fn(f64) -> f64) -> Outcome {
    let n = a.number(0)?;
    if n.as_i64().is_some() { Ok(Value::Number(n)) } else { finite(Number::from_f64(by(n.as_f64()))) }
}

fn numbers(a: &Args<'_>) -> Got<Vec<Number>> {
    (0..a.len()).map(|i| a.number(i)).collect()
}

fn parseint(a: &Args<'_>) -> Outcome {
    let (text, base) = (a.text(0)?, a.int(1)?);
    let Some(base) = Some(base).filter(|b| (2..=62).contains(b)) else {
        return a.bad(1, "bases from 2 to 62 are possible");
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(&text)), |d| (true, d));
    let value = |c: char| match c {
        '0'..='9' => Some(i64::from(u32::from(c) - 48)),
        'a'..='z' => Some(i64::from(u32::from(c) - 87)),
        // Capitals are digits of their own where small letters don't suffice.
        'A'..='Z' => Some(i64::from(u32::from(c)) - if base > 36 { 29 } else { 55 }),
        _ => None,
    };
    let add = |sum: Option<i64>, c: char| sum?.checked_mul(base)?.checked_add(value(c).filter(|v| *v < base)?);
    let number = if digits.is_empty() { None } else { digits.chars().fold(Some(0), add) };
    number.map_or_else(|| a.bad(0, format!("this is no whole number in base {base}")), |n| Ok(Value::from(if negative { -n } else { n })))
}

fn pow(a: &Args<'_>) -> Outcome {
    let (base, power) = (a.number(0)?, a.number(1)?);
    if let (Some(base), Some(power)) = (base.as_i64(), power.as_i64().and_then(|p| u32::try_from(p).ok()))
        && let Some(exact) = base.checked_pow(power)
    {
        return Ok(Value::from(exact));
    }
    finite(Number::from_f64(base.as_f64().powf(power.as_f64())))
}

fn sum(a: &Args<'_>) -> Outcome {
    let items = a.items(0)?;
    if items.is_empty() {
        return a.bad(0, "the list must not be empty");
    }
    let mut total = Number::from(0);
    for item in items {
        let n = super::convert::numeric(item).or_else(|e| a.bad(0, format!("of each element {e}")))?;
        total = crate::stack::ops::plus(total, n).map_or_else(|| bad("the result is no finite number"), Ok)?;
    }
    Ok(Value::Number(total))
}

fn range(a: &Args<'_>) -> Outcome {
    let given = numbers(a)?;
    let zero = Number::from(0);
    let (start, limit, step) = match given[..] {
        [limit] => (zero, limit, Number::from(if limit < zero { -1 } else { 1 })),
        [start, limit] => (start, limit, Number::from(if limit < start { -1 } else { 1 })),
        [start, limit, step] => (start, limit, step),
        _ => return bad("one to three numbers are required"),
    };
    if step == zero {
        return if start == limit { Ok(Value::list([])) } else { bad("the step must not be zero") };
    }
    let down = step < zero;
    if (down && start < limit) || (!down && limit < start) {
        return bad(if down {
            "the end must be below the start, for a negative step"
        } else {
            "the end must be above the start, for a positive step"
        });
    }
    let (mut made, mut at) = (vec![], start);
    while if down { at > limit } else { at < limit } {
        if made.len() >= 1024 {
            return bad("more than 1024 elements would be made");
        }
        made.push(Value::Number(at));
        at = crate::stack::ops::plus(at, step).map_or_else(|| bad("the result is no finite number"), Ok)?;
    }
    Ok(Value::list(made))
}
