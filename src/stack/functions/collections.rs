//! Functions on maps, and on collections of any kind.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Needs, Outcome, bad, f, number};
use crate::stack::convert::{self, convert, kind_of};
use crate::words::{Object, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("length", &["value"], Gives::Number, length).needs(Needs::Outside).marks(),
    f("keys", &["map"], Gives::Any, keys).needs(Needs::Outside).marks(),
    f("values", &["map"], Gives::Any, values).needs(Needs::Outside).marks(),
    f("lookup", &["map", "key", "default?"], Gives::Any, lookup).needs(Needs::Outside).marks(),
    f("merge", &["maps..."], Gives::Any, merge).needs(Needs::Outside).nulls().marks(),
    f("zipmap", &["keys", "values"], Gives::Any, zipmap).needs(Needs::Outside).marks(),
    f("transpose", &["map"], Gives::Any, transpose),
    f("coalesce", &["values..."], Gives::Any, coalesce).nulls().marks().needs(Needs::Nothing),
    f("alltrue", &["list"], Gives::Bool, |a| truths(a, false)).needs(Needs::Outside),
    f("anytrue", &["list"], Gives::Bool, |a| truths(a, true)).needs(Needs::Outside),
    f("one", &["list"], Gives::Any, |a| match a.items(0)? {
        [] => Ok(Value::Null),
        [only] => Ok(only.clone().sensitive_if(a.values[0].is_sensitive())),
        more => a.bad(0, format!("a list of at most one element is required, and this one has {}", more.len())),
    })
    .needs(Needs::Outside)
    .marks(),
];

fn length(a: &Args<'_>) -> Outcome {
    let marked = a.values[0].is_sensitive();
    let made = match a.value(0) {
        Value::String(s) => number(unicode_segmentation::UnicodeSegmentation::graphemes(&**s, true).count()),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => number(items.len()),
        Value::Map(items) | Value::Object(items) => number(items.len()),
        other => return a.bad(0, format!("a string, list or map is required, and this is {}", kind_of(other))),
    };
    Ok(made.sensitive_if(marked))
}

fn keys(a: &Args<'_>) -> Outcome {
    let names = a.entries(0)?.keys().map(|k| Value::String(k.clone())).collect::<Vec<_>>();
    let made = if matches!(a.value(0), Value::Map(_)) { Value::List(names.into()) } else { Value::Tuple(names.into()) };
    Ok(made.sensitive_if(a.values[0].is_sensitive()))
}

fn values(a: &Args<'_>) -> Outcome {
    let all = a.entries(0)?.values().cloned().collect::<Vec<_>>();
    let made = if matches!(a.value(0), Value::Map(_)) { Value::List(all.into()) } else { Value::Tuple(all.into()) };
    Ok(made.sensitive_if(a.values[0].is_sensitive()))
}

fn lookup(a: &Args<'_>) -> Outcome {
    let marked = a.values.iter().any(Value::is_sensitive);
    let name = a.text(1)?;
    let made = match (a.entries(0)?.get(&name), a.values.get(2)) {
        (Some(found), _) => found.clone(),
        (None, Some(default)) => match a.entries(0)?.values().next().filter(|_| matches!(a.value(0), Value::Map(_))) {
            Some(like) => convert(default, &like.type_of()).map_err(|e| Bad::Arg(2, e.to_string()))?,
            None => default.clone(),
        },
        (None, None) => return bad(format!("there is no key \"{name}\" in the map, and no default is given")),
    };
    Ok(made.sensitive_if(marked))
}

fn merge(a: &Args<'_>) -> Outcome {
    let mut made: Object = BTreeMap::new();
    let mut marked = false;
    let mut maps = true;
    for i in 0..a.len() {
        marked |= a.values[i].is_sensitive();
        if a.value(i).is_null() {
            continue;
        }
        maps &= matches!(a.value(i), Value::Map(_));
        made.extend(a.entries(i)?.iter().map(|(k, v)| (k.clone(), v.clone())));
    }
    let value = if maps && a.len() > 0 {
        convert(
            &Value::Map(made.clone().into()),
            &Type::Map(Arc::new(convert::unify(made.values().map(Value::type_of)).unwrap_or_default())),
        )
        .unwrap_or(Value::Map(made.into()))
    } else {
        Value::Object(made.into())
    };
    Ok(value.sensitive_if(marked))
}

fn zipmap(a: &Args<'_>) -> Outcome {
    let (names, values) = (a.texts(0)?, a.items(1)?);
    if names.len() != values.len() {
        return bad(format!("there are {} keys and {} values", names.len(), values.len()));
    }
    let made: Object = names.into_iter().zip(values.iter().cloned()).collect();
    let marked = a.values.iter().any(Value::is_sensitive);
    let list = matches!(a.value(1), Value::List(_));
    Ok(if list { Value::Map(made.into()) } else { Value::Object(made.into()) }.sensitive_if(marked))
}

fn transpose(a: &Args<'_>) -> Outcome {
    let mut made: BTreeMap<Arc<str>, Vec<Arc<str>>> = BTreeMap::new();
    for (name, list) in a.entries(0)? {
        for item in list.items() {
            let item = convert::text(item).map_err(|e| Bad::Arg(0, e.to_string()))?;
            made.entry(item).or_default().push(name.clone());
        }
    }
    Ok(Value::map(made.into_iter().map(|(k, mut v)| {
        v.sort();
        (k, super::texts(v))
    })))
}

fn coalesce(a: &Args<'_>) -> Outcome {
    let Some(ty) = convert::unify(a.values.iter().map(Value::type_of)) else {
        return bad("all arguments must be of one type");
    };
    for value in &a.values {
        if value.is_unknown() {
            return Ok(Value::Unknown(Arc::new(ty)).sensitive_if(value.is_sensitive()));
        }
        if value.is_null() || (ty == Type::String && value.as_str() == Some("")) {
            continue;
        }
        return convert(value, &ty).map_err(|e| Bad::Call(e.to_string()));
    }
    bad("every argument is null or an empty text")
}

/// Whether an element is `ends`; all others being known not to be.
fn truths(a: &Args<'_>, ends: bool) -> Outcome {
    let mut open = false;
    for item in a.items(0)? {
        match item {
            Value::Unknown(_) => open = true,
            Value::Null if ends => {}
            Value::Null => return Ok(Value::Bool(false)),
            other => {
                if convert::truth(other).map_err(|e| Bad::Arg(0, e.to_string()))? == ends {
                    return Ok(Value::Bool(ends));
                }
            }
        }
    }
    Ok(if open { Value::Unknown(Arc::new(Type::Bool)) } else { Value::Bool(!ends) })
}
