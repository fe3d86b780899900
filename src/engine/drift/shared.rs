//! Attributes that list what resources of their own make: the rules of a security group, the routes of a table. The state holds of
//! such a list what there was when its owner was last read, so only what comes, and what no such resource makes, is someone else's.

use std::collections::BTreeMap;

use crate::engine::refresh::Prior;
use crate::words::resource::{PartOf, Registry};
use crate::words::value::Object;
use crate::words::{Address, Value};

/// The types whose resources an attribute lists.
pub(super) fn parts(registry: &Registry, kind: &str, attr: &str) -> Vec<(&'static str, &'static PartOf)> {
    let all = registry.resources.iter().filter_map(|ty| Some((ty.name(), ty.part_of()?)));
    all.filter(|(_, of)| of.kind == kind && of.attr == attr).collect()
}

/// What resources of those types make in the one with that id, as they were and as they are.
pub(super) fn made<'p>(priors: &'p BTreeMap<Address, Prior>, parts: &[(&str, &PartOf)], id: &Value) -> Vec<&'p Value> {
    let of = |(address, prior): (&'p Address, &'p Prior)| {
        let (_, of) = parts.iter().find(|(kind, _)| **kind == *address.kind)?;
        (prior.held.attr(of.by) == id).then_some([&prior.held, &prior.now])
    };
    priors.iter().filter_map(of).flatten().collect()
}

/// Whether another resource names this one in an attribute of its own.
pub(super) fn names(other: &Value, id: &Value) -> bool {
    other.attr("id") != id && other.entries().into_iter().flatten().any(|(_, value)| value == id || value.items().contains(id))
}

/// What there is and was not, and what none of the parts makes: element by element, of rules for several peers each peer.
pub(super) fn unexplained(held: &Value, now: &Value, made: &[&Value], id: &Value) -> Value {
    let before: Vec<Value> = held.items().iter().flat_map(atoms).collect();
    let come = now.items().iter().flat_map(atoms).filter(|atom| !before.contains(atom));
    Value::set(come.filter(|atom| !made.iter().any(|part| explains(part, atom, id))))
}

/// The list without those.
pub(super) fn without(now: &Value, come: &Value) -> Value {
    Value::set(now.items().iter().filter_map(|element| {
        let kept: Vec<Value> = atoms(element).into_iter().filter(|atom| !come.items().contains(atom)).collect();
        let Some(members) = element.entries().filter(|_| !kept.is_empty()) else { return kept.into_iter().next() };
        let members = members.iter().map(|(name, value)| {
            let peers = || kept.iter().flat_map(|atom| atom.attr(name).items()).cloned();
            let value = match value {
                Value::List(_) => Value::list(peers()),
                Value::Set(_) => Value::set(peers()),
                Value::Bool(_) => Value::Bool(kept.iter().any(|atom| atom.attr(name).as_bool() == Some(true))),
                other => other.clone(),
            };
            (name.clone(), value)
        });
        Some(Value::Object(std::sync::Arc::new(members.collect())))
    }))
}

/// An element as one for each of its peers: each item of its lists, and itself where a flag says so.
fn atoms(element: &Value) -> Vec<Value> {
    let Some(members) = element.entries() else { return vec![element.clone()] };
    let bare: Object = members.iter().map(|(name, value)| (name.clone(), emptied(value))).collect();
    let alone = |name: &str, value: Value| Value::Object(std::sync::Arc::new(bare.clone())).with(name, value);
    let mut found = vec![];
    for (name, value) in members {
        match value {
            Value::List(items) => found.extend(items.iter().map(|item| alone(name, Value::list([item.clone()])))),
            Value::Set(items) => found.extend(items.iter().map(|item| alone(name, Value::set([item.clone()])))),
            Value::Bool(true) => found.push(alone(name, Value::Bool(true))),
            _ => {}
        }
    }
    if found.is_empty() { vec![element.clone()] } else { found }
}

fn emptied(value: &Value) -> Value {
    match value {
        Value::List(_) => Value::list([]),
        Value::Set(_) => Value::set([]),
        Value::Bool(_) => Value::Bool(false),
        other => other.clone(),
    }
}

/// Whether all that an element says is said by the part, too. One that means its owner itself names it there.
fn explains(part: &Value, atom: &Value, id: &Value) -> bool {
    let said: Vec<&Value> = part.entries().into_iter().flatten().map(|(_, value)| value).collect();
    let is_said = |value: &Value| match value {
        Value::Bool(true) => said.contains(&id),
        Value::Bool(false) | Value::Null => true,
        Value::String(text) if text.is_empty() => true,
        Value::Number(n) if n.as_i64() == Some(0) => true,
        Value::List(items) | Value::Set(items) => items.iter().all(|item| said.contains(&item)),
        other => said.contains(&other),
    };
    atom.entries().map_or_else(|| said.contains(&atom), |members| members.values().all(is_said))
}
