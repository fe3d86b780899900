//! Functions on numbers.

use std::sync::Arc;

use super::{Args, Function, Gives, Got, Outcome, bad, f, kind_of};
use crate::stack::convert;
use crate::words::{Number, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("abs", &["number: number"], Gives::Number, |a| {
        let n = a.number(0)?;
        Ok(Value::Number(if n.is_negative() { n.negated() } else { n }))
    }),
    f("ceil", &["number: number"], Gives::Number, |a| Ok(Value::Number(a.number(0)?.negated().floor().negated()))),
    f("floor", &["number: number"], Gives::Number, |a| Ok(Value::Number(a.number(0)?.floor()))),
    f("log", &["number: number", "base: number"], Gives::Number, |a| {
        finite(Number::from_f64(a.number(0)?.as_f64().ln() / a.number(1)?.as_f64().ln()))
    }),
    f("max", &["numbers: number..."], Gives::Number, |a| {
        numbers(a)?.into_iter().max().map_or_else(|| bad("at least one number is required"), |n| Ok(Value::Number(n)))
    }),
    f("min", &["numbers: number..."], Gives::Number, |a| {
        numbers(a)?.into_iter().min().map_or_else(|| bad("at least one number is required"), |n| Ok(Value::Number(n)))
    }),
    f("parseint", &["text", "base: number"], Gives::Number, parseint),
    f("pow", &["number: number", "power: number"], Gives::Number, pow),
    f("signum", &["number: number"], Gives::Number, |a| {
        let n = a.int(0)?;
        Ok(Value::from(n.signum()))
    }),
    f("sum", &["list"], Gives::Number, sum),
    f("range", &["limits: number..."], Gives::Numbers, range),
];

fn finite(n: Option<Number>) -> Outcome {
    n.map_or_else(|| bad("the result is no finite number"), |n| Ok(Value::Number(n)))
}

fn numbers(a: &Args<'_>) -> Got<Vec<Number>> {
    (0..a.len()).map(|i| a.number(i)).collect()
}

fn parseint(a: &Args<'_>) -> Outcome {
    let Value::String(text) = a.value(0) else {
        return a.bad(0, format!("a string is required, and this is {}", kind_of(a.value(0))));
    };
    let Some(base) = Some(a.int(1)?).filter(|b| (2..=62).contains(b)) else {
        return a.bad(1, "bases from 2 to 62 are possible");
    };
    let (negative, digits) = text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |d| (true, d));
    let value = |c: char| match c {
        '0'..='9' => Some(i64::from(u32::from(c) - 48)),
        'a'..='z' => Some(i64::from(u32::from(c) - 87)),
        // Capitals are digits of their own where small letters don't suffice.
        'A'..='Z' => Some(i64::from(u32::from(c)) - if base > 36 { 29 } else { 55 }),
        _ => None,
    };
    let place = Number::from(base);
    let add = |sum: Option<Number>, c: char| sum?.times(&place)?.plus(&value(c).filter(|v| *v < base)?.into());
    // More digits than these are more than a number has.
    let number = if digits.is_empty() || digits.len() > 600 { None } else { digits.chars().fold(Some(Number::from(0)), add) };
    let number = number.map_or_else(|| a.bad(0, format!("this is no whole number in base {base}")), Ok)?;
    Ok(Value::Number(if negative { number.negated() } else { number }))
}

fn pow(a: &Args<'_>) -> Outcome {
    let (base, power) = (a.number(0)?, a.number(1)?);
    if let (true, Some(times @ 0..=512)) = (base.is_whole(), power.as_i64()) {
        let mut exact = Some(Number::from(1));
        for _ in 0..times {
            exact = exact.and_then(|n| n.times(&base));
        }
        return finite(exact);
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
        let n = convert::numeric(item).or_else(|e| a.bad(0, format!("of each element {e}")))?;
        total = total.plus(&n).map_or_else(|| bad("the result is no finite number"), Ok)?;
    }
    Ok(Value::Number(total))
}

fn range(a: &Args<'_>) -> Outcome {
    let given = numbers(a)?;
    let zero = Number::from(0);
    let step_to = |down: bool| Number::from(if down { -1 } else { 1 });
    let (start, limit, step) = match &given[..] {
        [limit] => (zero.clone(), limit.clone(), step_to(*limit < zero)),
        [start, limit] => (start.clone(), limit.clone(), step_to(limit < start)),
        [start, limit, step] => (start.clone(), limit.clone(), step.clone()),
        _ => return bad("one to three numbers are required"),
    };
    let made = |items: Vec<Value>| Ok(Value::list(items).typed(&Type::List(Arc::new(Type::Number))));
    if step == zero {
        return if start == limit { made(vec![]) } else { bad("the step must not be zero") };
    }
    let down = step < zero;
    if (down && start < limit) || (!down && limit < start) {
        return bad(if down {
            "the end must be below the start, for a negative step"
        } else {
            "the end must be above the start, for a positive step"
        });
    }
    let (mut items, mut at) = (vec![], start);
    while if down { at > limit } else { at < limit } {
        if items.len() >= 1024 {
            return bad("more than 1024 elements would be made");
        }
        items.push(Value::Number(at.clone()));
        at = at.plus(&step).map_or_else(|| bad("the result is no finite number"), Ok)?;
    }
    made(items)
}
