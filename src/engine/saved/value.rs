//! Values and types as JSON that keeps what plain JSON loses: sets, unknown parts and marks.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use crate::words::{Number, Type, Value};

/// A value; collections and marks are objects of one letter.
pub(super) fn put(value: &Value) -> Json {
    let all = |items: &[Value]| items.iter().map(put).collect::<Vec<_>>();
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_json(),
        Value::List(items) => json!({ "l": all(items) }),
        Value::Tuple(items) => json!({ "t": all(items) }),
        Value::Set(items) => json!({ "s": all(items) }),
        Value::Map(items) => json!({ "m": items.iter().map(|(k, v)| (k.to_string(), put(v))).collect::<Map<_, _>>() }),
        Value::Object(items) => json!({ "o": items.iter().map(|(k, v)| (k.to_string(), put(v))).collect::<Map<_, _>>() }),
        Value::Unknown(ty) => json!({ "u": put_type(ty) }),
        Value::Marked(_, inner) => json!({ "x": put(inner) }),
        Value::Typed(inner) => json!({ "y": [put_type(&inner.0), put(&inner.1)] }),
    }
}

/// What [`put`] made of a value; none for anything else.
pub(super) fn take(json: &Json) -> Option<Value> {
    let map = match json {
        Json::Null => return Some(Value::Null),
        Json::Bool(b) => return Some(Value::Bool(*b)),
        Json::Number(n) => return Number::parse(&n.to_string()).map(Value::Number),
        Json::String(s) => return Some(Value::string(s.as_str())),
        Json::Array(_) => return None,
        Json::Object(map) => map,
    };
    let (letter, inner) = map.iter().next().filter(|_| map.len() == 1)?;
    let items = || inner.as_array()?.iter().map(take).collect::<Option<Vec<Value>>>();
    let entries = || inner.as_object()?.iter().map(|(k, v)| Some((Arc::from(k.as_str()), take(v)?))).collect::<Option<_>>();
    Some(match letter.as_str() {
        "l" => Value::list(items()?),
        "t" => Value::Tuple(Arc::new(items()?)),
        "s" => Value::set(items()?),
        "m" => Value::Map(Arc::new(entries()?)),
        "o" => Value::Object(Arc::new(entries()?)),
        "u" => Value::Unknown(Arc::new(take_type(inner)?)),
        "x" => take(inner)?.sensitive(),
        "y" => take(inner.get(1)?)?.typed(&take_type(inner.get(0)?)?),
        _ => return None,
    })
}

fn put_type(ty: &Type) -> Json {
    match ty {
        Type::Any => json!("any"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(ty) => json!({ "l": put_type(ty) }),
        Type::Set(ty) => json!({ "s": put_type(ty) }),
        Type::Map(ty) => json!({ "m": put_type(ty) }),
        Type::Tuple(types) => json!({ "t": types.iter().map(put_type).collect::<Vec<_>>() }),
        Type::Object(attrs) => {
            json!({ "o": attrs.iter().map(|(k, (ty, opt))| (k.to_string(), json!([put_type(ty), opt]))).collect::<Map<_, _>>() })
        }
    }
}

fn take_type(json: &Json) -> Option<Type> {
    let map = match json {
        Json::String(word) => {
            return Some(match word.as_str() {
                "any" => Type::Any,
                "bool" => Type::Bool,
                "number" => Type::Number,
                "string" => Type::String,
                _ => return None,
            });
        }
        Json::Object(map) => map,
        _ => return None,
    };
    let (letter, inner) = map.iter().next().filter(|_| map.len() == 1)?;
    let one = || take_type(inner).map(Arc::new);
    let attr = |(k, v): (&String, &Json)| Some((Arc::from(k.as_str()), (take_type(v.get(0)?)?, v.get(1)?.as_bool()?)));
    Some(match letter.as_str() {
        "l" => Type::List(one()?),
        "s" => Type::Set(one()?),
        "m" => Type::Map(one()?),
        "t" => Type::Tuple(inner.as_array()?.iter().map(take_type).collect::<Option<_>>()?),
        "o" => Type::Object(inner.as_object()?.iter().map(attr).collect::<Option<_>>()?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_back_as_they_were() {
        let ty = Type::Object([(Arc::from("a"), (Type::List(Arc::new(Type::Tuple(vec![Type::Any, Type::Bool]))), true))].into());
        let value = Value::object([
            ("n", Value::Number(Number::parse("0.1").expect("a number"))),
            ("set", Value::set([Value::from("b"), Value::from("a")])),
            ("tuple", Value::Tuple(Arc::new(vec![Value::from(1), Value::Null]))),
            ("map", Value::map([("l", Value::list([Value::Bool(true)]))])),
            ("later", Value::Unknown(Arc::new(ty))),
            ("secret", Value::object([("u", Value::unknown().sensitive())]).sensitive()),
        ]);
        assert_eq!(take(&put(&value)), Some(value));
        for bad in [json!([1]), json!({ "q": 1 }), json!({ "l": 1 }), json!({ "u": "strin" }), json!({})] {
            assert_eq!(take(&bad), None, "{bad}");
        }
    }
}
