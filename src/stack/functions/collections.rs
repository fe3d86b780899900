//! Functions on maps, and on collections of any kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Needs, Outcome, bad, f, number};
use crate::stack::convert::{self, convert, kind_of};
use crate::words::{Marks, Object, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("length", &["value"], Gives::Number, length).needs(Needs::Outside).marks(),
    f("keys", &["map"], Gives::Any, keys).needs(Needs::Outside).marks(),
    f("values", &["map"], Gives::Any, values).needs(Needs::Outside).marks(),
    f("lookup", &["map", "key: string", "default?"], Gives::Any, lookup).needs(Needs::Outside).nulls().marks(),
    f("merge", &["maps..."], Gives::Any, merge).needs(Needs::Outside).nulls().marks(),
    f("zipmap", &["keys: list(string)", "values"], Gives::Any, zipmap).needs(Needs::Outside).marks(),
    f("transpose", &["map: map(list(string))"], Gives::First, transpose),
    f("coalesce", &["values..."], Gives::Any, coalesce).nulls().marks().needs(Needs::Nothing),
    f("alltrue", &["list: list(bool)"], Gives::Bool, |a| truths(a, false)).needs(Needs::Outside),
    f("anytrue", &["list: list(bool)"], Gives::Bool, |a| truths(a, true)).needs(Needs::Outside),
    f("one", &["list"], Gives::Any, |a| match a.items(0)? {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone().marked(a.values[0].marks())),
        more => a.bad(0, format!("a list of at most one element is required, and this one has {}", more.len())),
    })
    .needs(Needs::Outside)
    .marks(),
];

fn length(a: &Args<'_>) -> Outcome {
    let marked = a.values[0].marks();
    let made = match a.value(0) {
        Value::String(s) => number(unicode_segmentation::UnicodeSegmentation::graphemes(&**s, true).count()),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => number(items.len()),
        Value::Map(items) | Value::Object(items) => number(items.len()),
        other => return a.bad(0, format!("a string, list or map is required, and this is {}", kind_of(other))),
    };
    Ok(made.marked(marked))
}

fn keys(a: &Args<'_>) -> Outcome {
    let names = a.entries(0)?.keys().map(|k| Value::String(k.clone())).collect::<Vec<_>>();
    let texts = Type::List(Arc::new(Type::String));
    let made = if matches!(a.value(0), Value::Map(_)) { Value::List(names.into()).typed(&texts) } else { Value::Tuple(names.into()) };
    Ok(made.marked(a.values[0].marks()))
}

fn values(a: &Args<'_>) -> Outcome {
    let all = a.entries(0)?.values().cloned().collect::<Vec<_>>();
    let made = match a.values[0].type_of() {
        Type::Map(of) => Value::List(all.into()).typed(&Type::List(of)),
        _ => Value::Tuple(all.into()),
    };
    Ok(made.marked(a.values[0].marks()))
}

fn lookup(a: &Args<'_>) -> Outcome {
    for i in [0, 1] {
        if a.value(i).is_null() {
            return a.bad(i, "null is not possible");
        }
    }
    let name = a.text(1)?;
    let default = match (a.values.get(2), a.values[0].type_of()) {
        (Some(default), Type::Map(of)) => Some(convert(default, &of).map_err(|e| Bad::Arg(2, e.to_string()))?),
        (default, _) => default.cloned(),
    };
    let marked = a.values[0].marks() | a.values[1].marks();
    match a.entries(0)?.get(&name).cloned().or(default) {
        Some(found) => Ok(found.marked(marked)),
        None => bad(format!("there is no key \"{name}\" in the map, and no default is given")),
    }
}

fn merge(a: &Args<'_>) -> Outcome {
    let mut made: Object = BTreeMap::new();
    let mut marked = Marks::default();
    for i in 0..a.len() {
        marked |= a.values[i].marks();
        if !a.value(i).is_null() {
            made.extend(a.entries(i)?.iter().map(|(k, v)| (k.clone(), v.clone())));
        }
    }
    // Maps of one type make such a map; anything else makes an object.
    let first = a.values.first().map(Value::type_of).filter(|ty| matches!(ty, Type::Map(_)));
    let value = match first {
        Some(ty) if a.values.iter().all(|v| !v.is_null() && v.type_of() == ty) => Value::Map(made.into()).typed(&ty),
        _ => Value::Object(made.into()),
    };
    Ok(value.marked(marked))
}

fn zipmap(a: &Args<'_>) -> Outcome {
    if a.items(0)?.iter().any(Value::is_unknown) {
        return Ok(Value::unknown().marked(a.values.iter().map(Value::marks).collect()));
    }
    let (names, values) = (a.texts(0)?, a.items(1)?);
    if matches!(a.value(1), Value::Set(_)) {
        return a.bad(1, "a list is required, and this is a set");
    }
    if names.len() != values.len() {
        return bad(format!("there are {} keys and {} values", names.len(), values.len()));
    }
    let made: Object = names.into_iter().zip(values.iter().cloned()).collect();
    let marked = a.values[0].all_marks() | a.values[1].marks();
    let made = match a.values[1].type_of() {
        Type::List(of) => Value::Map(made.into()).typed(&Type::Map(of)),
        _ => Value::Object(made.into()),
    };
    Ok(made.marked(marked))
}

fn transpose(a: &Args<'_>) -> Outcome {
    let mut made: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (name, list) in a.entries(0)? {
        if list.is_null() {
            return a.bad(0, format!("the list of \"{name}\" is null"));
        }
        for item in list.items() {
            let item = convert::text(item).map_err(|e| Bad::Arg(0, e.to_string()))?;
            made.entry(item).or_default().push(name.clone());
        }
    }
    Ok(Value::map(made.into_iter().map(|(k, mut v)| {
        v.sort();
        (k, super::texts(v))
    }))
    .typed(&Type::Map(Arc::new(Type::List(Arc::new(Type::String))))))
}

fn coalesce(a: &Args<'_>) -> Outcome {
    let Some(ty) = convert::unify(a.values.iter().map(Value::type_of)) else {
        return bad("all arguments must be of one type");
    };
    let marked: Marks = a.values.iter().map(Value::marks).collect();
    for value in &a.values {
        if value.is_unknown() {
            return Ok(Value::Unknown(Arc::new(ty)).marked(marked));
        }
        if value.is_null() || (ty == Type::String && value.as_str() == Some("")) {
            continue;
        }
        return convert(value, &ty).map(|v| v.marked(marked)).map_err(|e| Bad::Call(e.to_string()));
    }
    bad("every argument is null or an empty text")
}

/// Whether an element is `ends`, all others being known not to be. Null counts as false.
fn truths(a: &Args<'_>, ends: bool) -> Outcome {
    let mut open = false;
    for item in a.items(0)? {
        match item.bare() {
            Value::Unknown(_) if !ends => return Ok(Value::Unknown(Arc::new(Type::Bool))),
            Value::Unknown(_) => open = true,
            other => {
                if (other.as_bool() == Some(true)) == ends {
                    return Ok(Value::Bool(ends));
                }
            }
        }
    }
    Ok(if open { Value::Unknown(Arc::new(Type::Bool)) } else { Value::Bool(!ends) })
}
