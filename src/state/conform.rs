//! Values that JSON has flattened, back in the types that they had: JSON knows neither sets nor maps.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::words::schema::{Attr, Kind};
use crate::words::value::Step;
use crate::words::{Type, Value};

/// The attributes in the shapes that the schema gives them: arrays as lists or sets, objects as maps where they are. Drops
/// nothing: what the schema doesn't know, or knows in another shape, stays as it is.
#[must_use]
pub fn schema_conform(attrs: &[Attr], value: &Value) -> Value {
    match value {
        Value::Marked(_, inner) => schema_conform(attrs, inner).sensitive(),
        Value::Object(items) | Value::Map(items) => Value::Object(Arc::new(
            items
                .iter()
                .map(|(name, value)| {
                    let known = attrs.iter().find(|attr| attr.name == &**name);
                    (name.clone(), known.map_or_else(|| value.clone(), |attr| by_kind(&attr.kind, value)))
                })
                .collect(),
        )),
        other => other.clone(),
    }
}

fn by_kind(kind: &Kind, value: &Value) -> Value {
    match (kind, value) {
        (_, Value::Marked(_, inner)) => by_kind(kind, inner).sensitive(),
        (Kind::List(of), Value::Tuple(items) | Value::List(items) | Value::Set(items)) => {
            Value::list(items.iter().map(|item| by_kind(of, item)))
        }
        (Kind::Set(of), Value::Tuple(items) | Value::List(items) | Value::Set(items)) => {
            Value::set(items.iter().map(|item| by_kind(of, item)))
        }
        (Kind::Map(of), Value::Object(items) | Value::Map(items)) => {
            Value::map(items.iter().map(|(name, item)| (name.clone(), by_kind(of, item))))
        }
        (Kind::Object(attrs), Value::Object(_) | Value::Map(_)) => schema_conform(attrs, value),
        _ => value.clone(),
    }
}

/// The same tree with everything marked that its schema calls sensitive. State may come from elsewhere: marks must not depend
/// on who wrote it.
#[must_use]
pub fn marked(value: &Value, attrs: &[Attr]) -> Value {
    if value.is_sensitive() {
        return value.clone();
    }
    value.map_children(&mut |step, child| match step {
        Step::Name(name) => attrs.iter().find(|a| a.name == name).map_or_else(|| child.clone(), |attr| marked_attr(child, attr)),
        Step::Index(_) => child.clone(),
    })
}

fn marked_attr(value: &Value, attr: &Attr) -> Value {
    if (attr.sensitive || attr.write_only) && !value.is_null() { value.clone().sensitive() } else { below(value, attr.kind) }
}

fn below(value: &Value, kind: Kind) -> Value {
    match kind {
        Kind::Object(attrs) => marked(value, attrs),
        Kind::List(kind) | Kind::Set(kind) | Kind::Map(kind)
            if matches!(kind, Kind::Object(_) | Kind::List(_) | Kind::Set(_) | Kind::Map(_)) =>
        {
            value.map_children(&mut |_, child| below(child, *kind))
        }
        _ => value.clone(),
    }
}

/// The value in the shape that the type gives it; as it is where it has another.
pub(super) fn by_type(ty: &Type, value: &Value) -> Value {
    match (ty, value) {
        (_, Value::Marked(_, inner)) => by_type(ty, inner).sensitive(),
        (Type::List(of), Value::Tuple(items) | Value::List(items)) => Value::list(items.iter().map(|item| by_type(of, item))).typed(ty),
        (Type::Set(of), Value::Tuple(items) | Value::Set(items)) => Value::set(items.iter().map(|item| by_type(of, item))).typed(ty),
        (Type::Map(of), Value::Object(items) | Value::Map(items)) => {
            Value::map(items.iter().map(|(name, item)| (name.clone(), by_type(of, item)))).typed(ty)
        }
        (_, Value::Null) => Value::Null.typed(ty),
        (Type::Tuple(types), Value::Tuple(items)) if types.len() == items.len() => {
            Value::Tuple(Arc::new(types.iter().zip(items.iter()).map(|(ty, item)| by_type(ty, item)).collect()))
        }
        (Type::Object(types), Value::Object(items)) => {
            let attr = |(name, item): (&Arc<str>, &Value)| {
                (name.clone(), types.get(name).map_or_else(|| item.clone(), |(ty, _)| by_type(ty, item)))
            };
            Value::Object(Arc::new(items.iter().map(attr).collect()))
        }
        _ => value.clone(),
    }
}

/// The type that Terraform's JSON for types names; `None` for what is none.
pub(super) fn parse_type(json: &Value) -> Option<Type> {
    if let Some(word) = json.as_str() {
        return match word {
            "string" => Some(Type::String),
            "number" => Some(Type::Number),
            "bool" => Some(Type::Bool),
            "dynamic" => Some(Type::Any),
            _ => None,
        };
    }
    let [word, of, ..] = json.items() else { return None };
    match word.as_str()? {
        "list" => Some(Type::List(Arc::new(parse_type(of)?))),
        "set" => Some(Type::Set(Arc::new(parse_type(of)?))),
        "map" => Some(Type::Map(Arc::new(parse_type(of)?))),
        "tuple" => of.items().iter().map(parse_type).collect::<Option<_>>().map(Type::Tuple),
        "object" => {
            let attrs = of.entries()?.iter().map(|(name, ty)| Some((name.clone(), (parse_type(ty)?, false))));
            attrs.collect::<Option<_>>().map(Type::Object)
        }
        _ => None,
    }
}

/// Terraform's JSON for a type.
pub(super) fn type_json(ty: &Type) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    match ty {
        Type::Any => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(of) => json!(["list", type_json(of)]),
        Type::Set(of) => json!(["set", type_json(of)]),
        Type::Map(of) => json!(["map", type_json(of)]),
        Type::Tuple(types) => json!(["tuple", types.iter().map(type_json).collect::<Vec<_>>()]),
        Type::Object(attrs) => {
            json!(["object", Json::Object(attrs.iter().map(|(name, (ty, _))| (name.to_string(), type_json(ty))).collect())])
        }
    }
}

/// Whether Terraform keeps that attribute together with its type, since its schema leaves the type open.
pub(super) fn is_dynamic(provider: &str, kind: &str, name: &str) -> bool {
    provider.contains("terraform.io/builtin/terraform")
        && match kind {
            "terraform_data" => matches!(name, "input" | "output" | "triggers_replace"),
            "terraform_remote_state" => matches!(name, "config" | "defaults" | "outputs"),
            _ => false,
        }
}

/// Out of `{ value, type }`; anything else is given back as it is.
pub(super) fn unwrap_dynamic(value: &Value) -> Value {
    let wrapped = match value {
        Value::Object(items) if items.len() == 2 => items.get("value").zip(items.get("type")),
        _ => None,
    };
    wrapped.and_then(|(value, ty)| Some(by_type(&parse_type(ty)?, value))).unwrap_or_else(|| value.clone())
}

/// The attributes with those that are dynamic taken out of their wrapping.
pub(super) fn unwrap_attributes(provider: &str, kind: &str, attributes: Value) -> Value {
    match attributes {
        Value::Object(items) if provider.contains("terraform.io/builtin/terraform") => {
            let attr = |(name, value): (&Arc<str>, &Value)| {
                (name.clone(), if is_dynamic(provider, kind, name) { unwrap_dynamic(value) } else { value.clone() })
            };
            Value::Object(Arc::new(items.iter().map(attr).collect::<BTreeMap<_, _>>()))
        }
        other => other,
    }
}
