//! `sensitive_attributes`: which parts of an instance's attributes are never to be shown, as paths.

use std::sync::Arc;

use serde::Serialize;

use crate::words::{Object, Value};

/// A step into attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::state) enum Step {
    /// An attribute of an object.
    Attr(Arc<str>),
    /// An element of a map.
    Name(Arc<str>),
    /// An element of a list.
    Index(usize),
    /// An element of a set, or a step that we don't know: its collection counts as a whole.
    Whole,
}

/// The ways to all that is sensitive. What lies within a set makes the whole set sensitive, since its elements have no places.
pub(in crate::state) fn paths(value: &Value) -> Vec<Vec<Step>> {
    let mut found = vec![];
    if value.has_sensitive() {
        collect(value, &mut vec![], &mut found);
    }
    found
}

fn collect(value: &Value, here: &mut Vec<Step>, found: &mut Vec<Vec<Step>>) {
    let mut below = |step: Step, item: &Value| {
        here.push(step);
        collect(item, here, found);
        here.pop();
    };
    match value {
        Value::List(items) | Value::Tuple(items) => items.iter().enumerate().for_each(|(i, item)| below(Step::Index(i), item)),
        Value::Object(items) => items.iter().for_each(|(name, item)| below(Step::Attr(name.clone()), item)),
        Value::Map(items) => items.iter().for_each(|(name, item)| below(Step::Name(name.clone()), item)),
        Value::Marked(_, _) => found.push(here.clone()),
        Value::Set(_) if value.has_sensitive() => found.push(here.clone()),
        _ => {}
    }
}

/// The value with `change` applied where the path leads; unchanged where it leads nowhere.
pub(in crate::state) fn at(value: Value, path: &[Step], change: &mut dyn FnMut(Value) -> Value) -> Value {
    let Some((step, rest)) = path.split_first() else { return change(value) };
    match (step, value) {
        (_, Value::Marked(_, inner)) => at(inner.as_ref().clone(), path, change).sensitive(),
        (Step::Attr(name), Value::Object(items)) => Value::Object(in_object(items, name, rest, change)),
        // The path knows what JSON doesn't: that this is a map.
        (Step::Name(name), Value::Object(items)) | (Step::Attr(name) | Step::Name(name), Value::Map(items)) => {
            Value::Map(in_object(items, name, rest, change))
        }
        (Step::Index(i), Value::Tuple(items)) => Value::Tuple(in_list(items, *i, rest, change)),
        (Step::Index(i), Value::List(items)) => Value::List(in_list(items, *i, rest, change)),
        (Step::Whole | Step::Index(_), collection @ (Value::Tuple(_) | Value::List(_) | Value::Set(_))) => change(collection),
        (_, other) => other,
    }
}

fn in_object(mut items: Arc<Object>, name: &str, rest: &[Step], change: &mut dyn FnMut(Value) -> Value) -> Arc<Object> {
    if let Some(item) = Arc::make_mut(&mut items).get_mut(name) {
        *item = at(std::mem::take(item), rest, change);
    }
    items
}

fn in_list(mut items: Arc<Vec<Value>>, i: usize, rest: &[Step], change: &mut dyn FnMut(Value) -> Value) -> Arc<Vec<Value>> {
    if let Some(item) = Arc::make_mut(&mut items).get_mut(i) {
        *item = at(std::mem::take(item), rest, change);
    }
    items
}

/// The value with everything marked that those paths lead to.
pub(in crate::state) fn mark(value: Value, paths: &[Vec<Step>]) -> Value {
    // An empty path would hide everything, and none is ever written.
    paths.iter().filter(|path| !path.is_empty()).fold(value, |value, path| at(value, path, &mut Value::sensitive))
}

/// Whether Terraform knows no mark there: what came of a secret `input` of `terraform_data` is one to us, and a difference to it.
pub(in crate::state) fn is_echo(kind: &str, path: &[Step]) -> bool {
    kind == "terraform_data" && matches!(path.first(), Some(Step::Attr(name)) if **name == *"output")
}

/// The marks that [`is_echo`] left out.
pub(in crate::state) fn echoes(kind: &str, paths: &[Vec<Step>]) -> Vec<Vec<Step>> {
    let of_input = |path: &&Vec<Step>| kind == "terraform_data" && matches!(path.first(), Some(Step::Attr(name)) if **name == *"input");
    let echo = |path: &Vec<Step>| std::iter::once(Step::Attr("output".into())).chain(path.iter().skip(1).cloned()).collect();
    paths.iter().filter(of_input).map(echo).collect()
}

/// A step as Terraform writes it.
#[derive(Serialize)]
pub(in crate::state) struct WireStep {
    #[serde(rename = "type")]
    kind: &'static str,
    value: StepValue,
}

/// An index with its type, as Terraform writes it.
#[derive(Serialize)]
#[serde(untagged)]
enum StepValue {
    Text(Arc<str>),
    Index { value: serde_json::Value, r#type: &'static str },
}

/// The paths as Terraform writes them.
pub(in crate::state) fn wire(paths: &[Vec<Step>]) -> Vec<Vec<WireStep>> {
    paths.iter().map(|path| path.iter().map(WireStep::of).collect()).collect()
}

impl WireStep {
    fn of(step: &Step) -> Self {
        let index = |value, r#type| Self { kind: "index", value: StepValue::Index { value, r#type } };
        match step {
            Step::Attr(name) => Self { kind: "get_attr", value: StepValue::Text(name.clone()) },
            Step::Name(name) => index((**name).into(), "string"),
            Step::Index(i) => index((*i).into(), "number"),
            Step::Whole => index(serde_json::Value::Null, "dynamic"),
        }
    }
}

/// The paths that Terraform wrote; what can't be understood hides more, not less.
pub(in crate::state) fn from_value(json: &Value) -> Vec<Vec<Step>> {
    json.items().iter().map(|path| path.items().iter().map(step).collect()).collect()
}

fn step(json: &Value) -> Step {
    let value = json.attr("value");
    match json.attr("type").as_str() {
        Some("get_attr") => value.as_str().map_or(Step::Whole, |name| Step::Attr(name.into())),
        Some("index") => match value.get("value").unwrap_or(value) {
            Value::String(name) => Step::Name(name.clone()),
            Value::Number(n) => n.as_i64().and_then(|n| usize::try_from(n).ok()).map_or(Step::Whole, Step::Index),
            _ => Step::Whole,
        },
        _ => Step::Whole,
    }
}
