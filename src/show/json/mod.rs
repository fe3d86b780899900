//! Terraform's own JSON: that of a saved plan (`format_version` 1.2) and of a state (1.0), so that tools that read those read ours.

mod configuration;
mod plan;
mod state;

pub use configuration::{Block, Configuration};
pub use plan::{Extra, plan};
pub use state::{Resource, outputs, state};

use serde_json::{Map, Value as Json, json};

use crate::words::{Address, Key, Mode, Type, Value};

/// The version of Terraform whose formats these are.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// The value with unknown attributes left out; unknown elements of lists are null.
#[must_use]
pub fn known(value: &Value) -> Json {
    match value {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => Json::Array(items.iter().map(known).collect()),
        Value::Map(items) | Value::Object(items) => {
            Json::Object(items.iter().filter(|(_, v)| !v.is_unknown()).map(|(k, v)| (k.to_string(), known(v))).collect())
        }
        Value::Marked(_, inner) => known(inner),
        leaf => leaf.to_json(),
    }
}

/// Where the value is unknown: `true` there, and nothing for attributes that are wholly known.
#[must_use]
pub fn unknowns(value: &Value) -> Json {
    marks(value, &|v| v.is_unknown(), &|_| Json::Bool(false))
}

/// Where the value is sensitive. Of a collection that is unknown nothing can be said but its shape.
#[must_use]
pub fn sensitives(value: &Value) -> Json {
    marks(value, &Value::is_sensitive, &|unknown| match unknown {
        Type::List(_) | Type::Set(_) | Type::Tuple(_) => json!([]),
        Type::Map(_) | Type::Object(_) => json!({}),
        _ => Json::Bool(false),
    })
}

fn marks(value: &Value, is: &dyn Fn(&Value) -> bool, unknown: &dyn Fn(&Type) -> Json) -> Json {
    if is(value) {
        return Json::Bool(true);
    }
    match value {
        Value::Marked(_, inner) => marks(inner, is, unknown),
        Value::Unknown(ty) => unknown(ty),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => Json::Array(items.iter().map(|v| marks(v, is, unknown)).collect()),
        Value::Map(items) | Value::Object(items) => {
            let marks = items.iter().map(|(k, v)| (k.to_string(), marks(v, is, unknown)));
            Json::Object(marks.filter(|(_, mark)| *mark != Json::Bool(false)).collect())
        }
        _ => Json::Bool(false),
    }
}

/// A type as Terraform's JSON has it: `["list", "string"]`.
#[must_use]
pub fn type_json(ty: &Type) -> Json {
    match ty {
        Type::Any => json!("dynamic"),
        Type::Bool => json!("bool"),
        Type::Number => json!("number"),
        Type::String => json!("string"),
        Type::List(ty) => json!(["list", type_json(ty)]),
        Type::Set(ty) => json!(["set", type_json(ty)]),
        Type::Map(ty) => json!(["map", type_json(ty)]),
        Type::Tuple(types) => json!(["tuple", types.iter().map(type_json).collect::<Vec<_>>()]),
        Type::Object(attrs) => {
            let attrs: Map<String, Json> = attrs.iter().map(|(k, (ty, _))| (k.to_string(), type_json(ty))).collect();
            json!(["object", attrs])
        }
    }
}

/// What every object about an instance begins with.
#[must_use]
pub fn head(address: &Address, provider: &str) -> Map<String, Json> {
    let mut map = Map::new();
    map.insert("address".into(), address.to_string().into());
    if !address.module.is_empty() {
        map.insert("module_address".into(), module(address).into());
    }
    map.insert("mode".into(), if address.mode == Mode::Data { "data" } else { "managed" }.into());
    map.insert("type".into(), address.kind.as_ref().into());
    map.insert("name".into(), address.name.as_ref().into());
    if let Some(key) = &address.key {
        map.insert("index".into(), key_json(key));
    }
    map.insert("provider_name".into(), source(provider).into());
    map
}

/// A key as a number or text.
#[must_use]
pub fn key_json(key: &Key) -> Json {
    match key {
        Key::Int(n) => (*n).into(),
        Key::Str(s) => s.as_ref().into(),
    }
}

/// The address of the module that the instance is in: `module.a["x"]`; empty for the root.
#[must_use]
pub fn module(address: &Address) -> String {
    address.module.to_string()
}

/// `registry.terraform.io/hashicorp/aws` of `module.a.provider["registry.terraform.io/hashicorp/aws"].west`.
#[must_use]
pub fn source(provider: &str) -> &str {
    let quoted = provider.split_once("[\"").and_then(|(_, rest)| rest.split_once("\"]"));
    quoted.map_or(provider, |(source, _)| source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_have_terraforms_shapes() {
        let value = Value::object([
            ("id", Value::unknown()),
            ("name", Value::from("a")),
            ("secret", Value::from("s").sensitive()),
            ("zones", Value::list([Value::from("a"), Value::unknown()])),
            ("nested", Value::list([Value::object([("p", Value::from("q").sensitive())])])),
            ("empty", Value::list([])),
            ("later", Value::Unknown(std::sync::Arc::new(Type::List(Type::String.into())))),
        ]);
        assert_eq!(unknowns(&value), json!({ "id": true, "zones": [false, true], "nested": [{}], "empty": [], "later": true }));
        assert_eq!(
            sensitives(&value),
            json!({ "secret": true, "zones": [false, false], "nested": [{ "p": true }], "empty": [], "later": [] })
        );
        assert_eq!(known(&value), json!({ "name": "a", "secret": "s", "zones": ["a", null], "nested": [{ "p": "q" }], "empty": [] }));
    }

    #[test]
    fn providers_are_told_by_their_source() {
        assert_eq!(source(r#"module.a.provider["registry.terraform.io/hashicorp/aws"].west"#), "registry.terraform.io/hashicorp/aws");
        assert_eq!(source("terraform.io/builtin/terraform"), "terraform.io/builtin/terraform");
    }
}
