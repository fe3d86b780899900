//! What differs between what the state holds and what there is, by path.

use serde_json::Value as Json;

use super::Drifted;
use crate::engine::same::{same, same_attr};
use crate::state::marked;
use crate::words::Value;
use crate::words::drift::Difference;
use crate::words::schema::{Attr, Kind};

/// What stands for a value that nobody may see.
pub const HIDDEN: &str = "(sensitive value)";

/// The differences of an instance by path. Of a set, and of a list whose length differs, what went and what came.
#[must_use]
pub fn differences(drifted: &[Drifted]) -> Vec<Difference> {
    let mut found = vec![];
    for Drifted { attr, held, now, .. } in drifted {
        let one = std::slice::from_ref(*attr);
        let mark = |value: &Value| marked(&Value::object([(attr.name, value.clone())]), one).attr(attr.name).clone();
        attribute(attr.name, attr, &mark(held), &mark(now), &mut found);
    }
    without_echo(found)
}

fn attribute(path: &str, attr: &Attr, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    if !same_attr(attr, old, new) {
        walk(path, &attr.kind, old, new, found);
    }
}

fn walk(path: &str, kind: &Kind, old: &Value, new: &Value, found: &mut Vec<Difference>) {
    let mut whole = |old: &Value, new: &Value| found.push(difference(path, old, new));
    if old.is_sensitive() || new.is_sensitive() {
        return whole(old, new);
    }
    match kind {
        Kind::Object(attrs) if old.entries().is_some() && new.entries().is_some() => {
            for attr in attrs.iter().filter(|a| !a.computed && !a.write_only) {
                attribute(&format!("{path}.{}", attr.name), attr, old.attr(attr.name), new.attr(attr.name), found);
            }
        }
        Kind::Map(of) => {
            let keys = |value: &Value| value.entries().into_iter().flatten().map(|(key, _)| key.clone()).collect::<Vec<_>>();
            let all: std::collections::BTreeSet<_> = keys(old).into_iter().chain(keys(new)).collect();
            for key in all.iter().filter(|key| old.get(key).is_none() || new.get(key).is_none() || !same(of, old.attr(key), new.attr(key)))
            {
                walk(&format!("{path}.{key}"), of, old.attr(key), new.attr(key), found);
            }
        }
        Kind::List(of @ Kind::Object(_)) if old.items().len() == new.items().len() => {
            for (i, (old, new)) in old.items().iter().zip(new.items()).enumerate().filter(|(_, (old, new))| !same(of, old, new)) {
                walk(&format!("{path}[{i}]"), of, old, new, found);
            }
        }
        Kind::Set(of) => {
            let (old, new) = apart(of, old.items(), new.items());
            if !(old.is_empty() && new.is_empty()) {
                whole(&Value::set(old), &Value::set(new));
            }
        }
        _ => whole(old, new),
    }
}

/// The elements of two sets that have no match in the other.
fn apart(kind: &Kind, old: &[Value], new: &[Value]) -> (Vec<Value>, Vec<Value>) {
    let mut come: Vec<Value> = new.to_vec();
    let mut gone = vec![];
    for element in old {
        match come.iter().position(|other| same(kind, element, other)) {
            Some(at) => drop(come.swap_remove(at)),
            None => gone.push(element.clone()),
        }
    }
    (gone, come)
}

/// Where any part is secret nothing of either is told: elements of a list may have changed places.
fn difference(path: &str, old: &Value, new: &Value) -> Difference {
    let secret = [old, new].iter().any(|value| value.any(&|part| part.is_sensitive()));
    let told = |value: &Value| match value {
        value if value.is_null() => Json::Null,
        _ if secret => HIDDEN.into(),
        value => value.to_json(),
    };
    Difference { path: path.to_owned(), old: told(old), new: told(new) }
}

/// `tags_all` says again what `tags` says; what comes of the provider's default tags stays.
fn without_echo(found: Vec<Difference>) -> Vec<Difference> {
    let said: Vec<String> = found.iter().filter_map(|d| d.path.strip_prefix("tags.").map(str::to_owned)).collect();
    let echo = |d: &Difference| d.path.strip_prefix("tags_all.").is_some_and(|key| said.iter().any(|s| s == key));
    found.into_iter().filter(|d| !echo(d)).collect()
}
