//! When two values of an attribute mean the same, and which attributes differ.

use crate::words::schema::{Attr, Kind};
use crate::words::value::Value;

/// Whether both mean the same. Nothing is the same as what is not known yet.
///
/// What Terraform's provider and AWS use in place of one another is one: null, an empty text, an empty collection, zero and
/// false.
#[must_use]
pub fn same(kind: &Kind, a: &Value, b: &Value) -> bool {
    let (a, b) = (a.bare(), b.bare());
    match (kind, a, b) {
        (_, Value::Unknown(_), _) | (_, _, Value::Unknown(_)) => false,
        _ if a == b && a.is_known() => true,
        _ if is_zero(a) || is_zero(b) => is_zero(a) && is_zero(b),
        (Kind::Text(format), Value::String(a), Value::String(b)) => (format.same)(a, b),
        (Kind::List(kind), _, _) => all_same(a.items(), b.items(), |a, b| same(kind, a, b)),
        (Kind::Set(kind), _, _) => matching(kind, a.items(), b.items()),
        (Kind::Map(kind), _, _) => match (a.entries(), b.entries()) {
            (Some(x), Some(y)) => x.len() == y.len() && x.iter().all(|(k, v)| y.get(k).is_some_and(|w| same(kind, v, w))),
            _ => false,
        },
        (Kind::Object(attrs), _, _) => attrs.iter().all(|attr| attr.write_only || same(&attr.kind, a.attr(attr.name), b.attr(attr.name))),
        (Kind::Any, _, _) => alike(a, b),
        _ => false,
    }
}

fn all_same(a: &[Value], b: &[Value], same: impl Fn(&Value, &Value) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
}

/// Whether each element of one set has its own match in the other.
fn matching(kind: &Kind, a: &[Value], b: &[Value]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut left: Vec<&Value> = b.iter().collect();
    a.iter().all(|a| {
        let found = left.iter().position(|b| same(kind, a, b));
        found.map(|at| left.swap_remove(at)).is_some()
    })
}

/// Equal but for whether a sequence is a list, a tuple or a set, and a mapping a map or an object: what the state's JSON forgets.
fn alike(a: &Value, b: &Value) -> bool {
    match (a.bare(), b.bare()) {
        (Value::Unknown(_), _) | (_, Value::Unknown(_)) => false,
        (Value::List(_) | Value::Tuple(_) | Value::Set(_), Value::List(_) | Value::Tuple(_) | Value::Set(_)) => {
            all_same(a.items(), b.items(), alike)
        }
        (Value::Map(a) | Value::Object(a), Value::Map(b) | Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(k, v)| b.get(k).is_some_and(|w| alike(v, w)))
        }
        (a, b) => a == b,
    }
}

fn is_zero(value: &Value) -> bool {
    match value.bare() {
        Value::Bool(b) => !b,
        Value::Number(n) => n.as_i64() == Some(0),
        Value::Object(attrs) => attrs.values().all(is_zero),
        other => other.is_empty(),
    }
}

/// The names of the attributes that differ.
#[must_use]
pub fn differing(attrs: &[Attr], a: &Value, b: &Value) -> Vec<String> {
    let differs = |attr: &&Attr| !attr.write_only && !same_attr(attr, a.attr(attr.name), b.attr(attr.name));
    attrs.iter().filter(differs).map(|attr| attr.name.to_owned()).collect()
}

/// [`same`] for an attribute: for one of any type null is not zero, since whoever gives a zero there means it.
#[must_use]
pub fn same_attr(attr: &Attr, a: &Value, b: &Value) -> bool {
    if matches!(attr.kind, Kind::Any) { alike(a, b) && a.is_known() } else { same(&attr.kind, a, b) }
}

/// Whether the difference between both holds an attribute whose change forces replacement.
#[must_use]
pub fn forces(attr: &Attr, before: &Value, after: &Value) -> bool {
    if same_attr(attr, before, after) {
        return false;
    }
    attr.force_new || attr.block().is_some_and(|nested| forced_within(nested, before, after))
}

fn forced_within(nested: &[Attr], before: &Value, after: &Value) -> bool {
    let (before, after) = (before.items(), after.items());
    let count = before.len().max(after.len());
    (0..count).any(|i| {
        let (b, a) = (before.get(i).unwrap_or(&Value::Null), after.get(i).unwrap_or(&Value::Null));
        nested.iter().filter(|attr| !attr.computed).any(|attr| forces(attr, b.attr(attr.name), a.attr(attr.name)))
    })
}
