//! What differs between two JSON documents: IAM policies by statement, others by path.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::danger;
use super::delta::{Item, Sign};

/// The document, where the text holds an object or a list.
#[must_use]
pub fn parse(text: &str) -> Option<Json> {
    let text = text.trim();
    if !text.starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok()
}

/// What differs.
#[must_use]
pub fn diff(before: &Json, after: &Json) -> Vec<Item> {
    let mut items = vec![];
    if is_policy(before) && is_policy(after) {
        policy(before, after, &mut items);
    } else {
        walk(String::new(), before, after, &mut items);
    }
    items
}

/// A whole document, one item a part.
#[must_use]
pub fn whole(document: &Json) -> Vec<Item> {
    if is_policy(document) {
        statements(document).into_iter().map(|(name, s)| told(Sign::Same, &name, s)).collect()
    } else {
        vec![Item::new(Sign::Same, compact(document))]
    }
}

fn is_policy(document: &Json) -> bool {
    statements(document).iter().any(|(_, s)| s.get("Effect").is_some())
}

fn many(value: &Json) -> &[Json] {
    match value {
        Json::Array(items) => items,
        Json::Null => &[],
        one => std::slice::from_ref(one),
    }
}

/// Statements by `Sid`, or by their place where they have none.
fn statements(policy: &Json) -> Vec<(String, &Json)> {
    let name = |(i, s): (usize, &Json)| match s["Sid"].as_str() {
        Some(sid) if !sid.is_empty() => format!("\"{sid}\""),
        _ => (i + 1).to_string(),
    };
    policy.get("Statement").map(many).unwrap_or_default().iter().enumerate().map(|(i, s)| (name((i, s)), s)).collect()
}

fn told(sign: Sign, name: &str, statement: &Json) -> Item {
    let mut item = Item::new(sign, format!("Statement {name}: {}", sentence(statement)));
    if sign != Sign::Minus {
        item.danger = danger::allows(statement).map(str::to_owned);
    }
    item
}

/// `Allow logs:PutLogEvents on arn:… if StringEquals …`.
fn sentence(statement: &Json) -> String {
    let text = |name: &str| many(&statement[name]).iter().map(plain).collect::<Vec<_>>().join(", ");
    let mut out = statement["Effect"].as_str().unwrap_or("Effect?").to_owned();
    for (name, before) in [("Action", " "), ("NotAction", " all but "), ("Resource", " on "), ("NotResource", " on all but ")] {
        if statement.get(name).is_some() {
            out += &format!("{before}{}", text(name));
        }
    }
    for (name, before) in [("Principal", " to "), ("NotPrincipal", " to all but "), ("Condition", " if ")] {
        if let Some(value) = statement.get(name) {
            out += &format!("{before}{}", phrase(value));
        }
    }
    out
}

fn phrase(value: &Json) -> String {
    match value {
        Json::Object(parts) => parts.iter().map(|(k, v)| format!("{k} {}", phrase(v))).collect::<Vec<_>>().join(" and "),
        Json::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => plain(other),
    }
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| compact(value), str::to_owned)
}

fn compact(value: &Json) -> String {
    value.to_string()
}

fn policy(before: &Json, after: &Json, items: &mut Vec<Item>) {
    let (old, new) = (statements(before), statements(after));
    // A statement that is there unchanged may only have moved: that is no difference.
    let differs = |all: &[(String, &Json)], s: &Json| !all.iter().any(|(_, o)| *o == s);
    let gone: Vec<_> = old.iter().filter(|(_, s)| differs(&new, s)).collect();
    let come: Vec<_> = new.iter().filter(|(_, s)| differs(&old, s)).collect();
    for (name, statement) in &gone {
        match come.iter().find(|(n, _)| n == name) {
            Some((_, now)) => parts(name, statement, now, items),
            None => items.push(told(Sign::Minus, name, statement)),
        }
    }
    for (name, statement) in &come {
        if !gone.iter().any(|(n, _)| n == name) {
            items.push(told(Sign::Plus, name, statement));
        }
    }
    let rest = |policy: &Json| {
        let mut rest = policy.as_object().cloned().unwrap_or_default();
        rest.remove("Statement");
        Json::Object(rest)
    };
    walk(String::new(), &rest(before), &rest(after), items);
}

/// What differs within one statement. Of actions, only their names; of other elements, the element's name too.
fn parts(name: &str, before: &Json, after: &Json, items: &mut Vec<Item>) {
    let mut found = vec![];
    let keys: BTreeSet<&String> = [before, after].iter().filter_map(|s| s.as_object()).flat_map(Map::keys).collect();
    for key in keys {
        let (old, new) = (&before[key.as_str()], &after[key.as_str()]);
        let simple = |v: &Json| many(v).iter().all(|i| !i.is_object() && !i.is_array());
        if old == new || key == "Sid" {
            continue;
        }
        if simple(old) && simple(new) {
            let label = if key == "Action" { String::new() } else { format!("{key} ") };
            found.extend(many(old).iter().filter(|i| !many(new).contains(i)).map(|i| Item::new(Sign::Minus, label.clone() + &plain(i))));
            found.extend(many(new).iter().filter(|i| !many(old).contains(i)).map(|i| Item::new(Sign::Plus, label.clone() + &plain(i))));
        } else {
            walk(key.clone(), old, new, &mut found);
        }
    }
    if found.is_empty() {
        return;
    }
    let mut head = Item::new(Sign::Same, format!("Statement {name}"));
    head.danger = danger::allows(after).filter(|_| danger::allows(before).is_none()).map(str::to_owned);
    items.push(head);
    items.extend(found.into_iter().map(Item::deeper));
}

/// What differs at and below a path.
fn walk(path: String, before: &Json, after: &Json, items: &mut Vec<Item>) {
    match (before, after) {
        _ if before == after => {}
        (Json::Object(old), Json::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            for key in keys {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                walk(path, old.get(key).unwrap_or(&Json::Null), new.get(key).unwrap_or(&Json::Null), items);
            }
        }
        (Json::Array(old), Json::Array(new)) if old.len() == new.len() && old.iter().chain(new).any(Json::is_object) => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                walk(format!("{path}[{i}]"), old, new, items);
            }
        }
        (Json::Array(old), Json::Array(new)) => {
            let label = if path.is_empty() { String::new() } else { format!("{path}: ") };
            let gone = old.iter().filter(|i| !new.contains(i)).map(|i| Item::new(Sign::Minus, label.clone() + &compact(i)));
            let come = new.iter().filter(|i| !old.contains(i)).map(|i| Item::new(Sign::Plus, label.clone() + &compact(i)));
            let count = items.len();
            items.extend(gone.chain(come));
            if items.len() == count {
                items.push(Item::new(Sign::Change, format!("{label}another order")));
            }
        }
        (Json::Null, new) => items.push(Item::new(Sign::Plus, format!("{path}: {}", compact(new)))),
        (old, Json::Null) => items.push(Item::new(Sign::Minus, format!("{path}: {}", compact(old)))),
        (old, new) => items.push(Item::new(Sign::Change, format!("{path}: {} -> {}", compact(old), compact(new)))),
    }
}
