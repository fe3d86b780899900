//! Functions on lists.

use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Needs, Outcome, bad, f, number, texts, unified};
use crate::stack::convert::{self, kind_of};
use crate::stack::ops::equal;
use crate::words::{Marks, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("concat", &["lists..."], Gives::Any, concat).needs(Needs::Outside).marks(),
    f("contains", &["list", "value"], Gives::Bool, contains).needs(Needs::Outside),
    f("distinct", &["list: list"], Gives::First, distinct),
    f("flatten", &["list"], Gives::Any, flatten).needs(Needs::Nothing).marks(),
    f("sort", &["list: list(string)"], Gives::Texts, |a| {
        let mut all = a.texts(0)?;
        all.sort();
        Ok(texts(all))
    }),
    f("reverse", &["list"], Gives::Any, |a| {
        let mut all = a.items(0)?.to_vec();
        all.reverse();
        Ok(like(&a.values[0], all).marked(a.values[0].marks()))
    })
    .needs(Needs::Outside)
    .marks(),
    f("element", &["list", "index: number"], Gives::Any, element).needs(Needs::Outside).marks(),
    f("index", &["list", "value"], Gives::Number, |a| {
        let items = a.items(0)?;
        if matches!(a.value(0), Value::Set(_)) {
            return a.bad(0, "a list is required, and this is a set");
        }
        if items.is_empty() {
            return a.bad(0, "the list must not be empty");
        }
        items.iter().position(|v| equal(v, a.value(1)) == Some(true)).map_or_else(|| bad("the list has no such element"), |i| Ok(number(i)))
    }),
    f("compact", &["list: list(string)"], Gives::Texts, |a| {
        let kept: Vec<Value> = a.items(0)?.iter().filter(|v| !v.is_null()).cloned().collect();
        let all = kept.iter().map(convert::text).collect::<Result<Vec<_>, _>>().map_err(|e| Bad::Arg(0, e.to_string()))?;
        Ok(texts(all.into_iter().filter(|s| !s.is_empty())))
    }),
    f("coalescelist", &["lists..."], Gives::Any, |a| {
        for i in 0..a.len() {
            if !matches!(a.value(i), Value::List(_) | Value::Tuple(_)) {
                return a.bad(i, format!("a list is required, and this is {}", kind_of(a.value(i))));
            }
        }
        if let Some(found) = a.values.iter().find(|v| !v.items().is_empty()) {
            return Ok(found.clone());
        }
        bad("every list is empty or null")
    })
    .nulls(),
    f("slice", &["list", "start: number", "end: number"], Gives::Any, slice).needs(Needs::Outside).marks(),
    f("chunklist", &["list: list", "size: number"], Gives::Any, |a| {
        let size = a.int(1)?;
        let items = a.items(0)?;
        let Ok(size) = usize::try_from(size) else { return a.bad(1, "the size can't be negative") };
        let chunks = items.chunks(if size == 0 { items.len().max(1) } else { size }).map(|c| Value::list(c.iter().cloned()));
        let made = Value::list(chunks).typed(&Type::List(Arc::new(a.values[0].type_of())));
        Ok(made.marked(a.values.iter().map(Value::marks).collect()))
    })
    .needs(Needs::Outside)
    .marks(),
    f("matchkeys", &["values: list", "keys: list", "search: list"], Gives::First, |a| {
        let (values, keys, search) = (a.items(0)?, a.items(1)?, a.items(2)?);
        if values.len() != keys.len() {
            return bad("there must be as many keys as values");
        }
        let Some(ty) = convert::unify(keys.iter().chain(search).map(Value::type_of)) else {
            return bad("what is searched for must be of the type of the keys");
        };
        let same = |a: &Value, b: &Value| matches!((convert::convert(a, &ty), convert::convert(b, &ty)), (Ok(a), Ok(b)) if equal(&a, &b) == Some(true));
        let found = values.iter().zip(keys).filter(|(_, k)| search.iter().any(|s| same(s, k)));
        Ok(Value::list(found.map(|(v, _)| v.clone())).typed(&a.values[0].type_of()))
    }),
];

/// A list where it was one, else a tuple.
fn like(of: &Value, items: Vec<Value>) -> Value {
    match of.type_of() {
        Type::List(of) | Type::Set(of) => Value::List(items.into()).typed(&Type::List(of)),
        _ => Value::Tuple(items.into()),
    }
}

fn concat(a: &Args<'_>) -> Outcome {
    if a.len() == 0 {
        return bad("at least one list is required");
    }
    let mut all = vec![];
    let mut lists = true;
    let mut marked = Marks::default();
    for i in 0..a.len() {
        if matches!(a.value(i), Value::Set(_)) {
            return a.bad(i, "a list is required, and this is a set: use `setunion`, or `tolist(...)`");
        }
        lists &= matches!(a.value(i), Value::List(_));
        marked |= a.values[i].marks();
        all.extend(a.items(i)?.iter().cloned());
    }
    let made =
        if lists { unified(&all).map_or(Value::Tuple(all.into()), |(items, _)| Value::list(items)) } else { Value::Tuple(all.into()) };
    Ok(made.marked(marked))
}

fn contains(a: &Args<'_>) -> Outcome {
    let mut open = false;
    let wanted = a.value(1);
    for item in a.items(0)? {
        match equal(item, wanted) {
            Some(true) => return Ok(Value::Bool(true)),
            Some(false) => {}
            None => open = true,
        }
    }
    Ok(if open { Value::Unknown(Arc::new(Type::Bool)) } else { Value::Bool(false) })
}

fn distinct(a: &Args<'_>) -> Outcome {
    let mut seen = std::collections::BTreeSet::new();
    Ok(Value::list(a.items(0)?.iter().filter(|v| seen.insert((*v).clone())).cloned()).typed(&a.values[0].type_of()))
}

fn flatten(a: &Args<'_>) -> Outcome {
    fn go(value: &Value, made: &mut Vec<Value>, marked: &mut Marks, open: &mut bool) {
        for item in value.items() {
            match item.bare() {
                Value::List(_) | Value::Tuple(_) | Value::Set(_) => {
                    *marked |= item.marks();
                    go(item, made, marked, open);
                }
                // It could be a list of any length.
                Value::Unknown(ty) if matches!(**ty, Type::Any | Type::List(_) | Type::Set(_) | Type::Tuple(_)) => *open = true,
                _ => made.push(item.clone()),
            }
        }
    }
    let (mut made, mut marked, mut open) = (vec![], a.values[0].marks(), false);
    if a.value(0).is_unknown() {
        return Ok(Value::unknown().marked(marked));
    }
    a.items(0)?;
    go(a.value(0), &mut made, &mut marked, &mut open);
    Ok(if open { Value::unknown() } else { Value::Tuple(made.into()) }.marked(marked))
}

fn element(a: &Args<'_>) -> Outcome {
    if matches!(a.value(0), Value::Set(_)) {
        return a.bad(0, format!("a list is required, and this is {}", kind_of(a.value(0))));
    }
    let items = a.items(0)?;
    if items.is_empty() {
        return bad("an empty list has no elements");
    }
    let Ok(index) = usize::try_from(a.int(1)?) else { return a.bad(1, "the index can't be negative") };
    let index = index % items.len();
    Ok(items[index].clone().marked(a.values.iter().map(Value::marks).collect()))
}

fn slice(a: &Args<'_>) -> Outcome {
    if matches!(a.value(0), Value::Set(_)) {
        return a.bad(0, "a list is required, and this is a set: use `tolist(...)`");
    }
    let items = a.items(0)?;
    let at = |i: usize| match usize::try_from(a.int(i)?) {
        Ok(n) if n <= items.len() => Ok(n),
        _ => a.bad(i, format!("from 0 to the length of the list, {}, is possible", items.len())),
    };
    let (start, end) = (at(1)?, at(2)?);
    if start > end {
        return a.bad(1, "the start can't be behind the end");
    }
    Ok(like(&a.values[0], items[start..end].to_vec()).marked(a.values.iter().map(Value::marks).collect()))
}
