//! The JSON Schema of stacks, made from the registry: editors complete and check with it.

use serde_json::{Map, Value as Json, json};

use super::explain::facts;
use crate::words::resource::Registry;
use crate::words::schema::{Attr, Kind};

/// What stands for an expression wherever a value of another type is wanted.
const TEMPLATE: &str = r"\$\{";

/// The schema of a whole stack.
#[must_use]
pub fn stack(registry: &Registry) -> Json {
    let resources = registry.resources.iter().map(|t| {
        let body = block(t.attrs(), t.doc(), Some(t.timeouts()), true);
        (t.name().to_owned(), named(body))
    });
    let data = registry.data.iter().map(|t| (t.name().to_owned(), named(block(t.attrs(), t.doc(), None, true))));
    let providers = registry.providers.iter().map(|p| {
        let mut body = block(p.attrs(), "", None, false);
        body["properties"]["alias"] =
            json!({ "type": "string", "description": "The name by which `provider = \"aws.NAME\"` means this one." });
        body["additionalProperties"] = false.into();
        (p.name().to_owned(), json!({ "anyOf": [body, { "type": "array", "items": body }] }))
    });
    let text = json!({ "type": "string" });
    let any = json!({});
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Ferroform stack",
        "type": "object",
        "properties": {
            "stack": {
                "type": "object", "additionalProperties": false,
                "properties": { "name": text, "description": text, "required_version": text },
            },
            "resource": closed(resources.collect()),
            "data": closed(data.collect()),
            "provider": { "type": "object", "properties": Map::from_iter(providers) },
            "variable": named(json!({
                "type": "object", "additionalProperties": false,
                "properties": {
                    "type": text, "default": any, "description": text, "sensitive": { "type": "boolean" }, "nullable": { "type": "boolean" },
                    "ephemeral": { "type": "boolean" }, "validation": one_or_more(condition()),
                },
            })),
            "output": named(json!({
                "type": "object", "required": ["value"], "additionalProperties": false,
                "properties": {
                    "value": any, "description": text, "sensitive": { "type": "boolean" }, "ephemeral": { "type": "boolean" },
                    "depends_on": addresses(), "precondition": one_or_more(condition()),
                },
            })),
            "locals": { "type": "object" },
            "module": named(json!({
                "type": "object", "required": ["source"],
                "properties": { "source": text, "version": text, "count": any, "for_each": any, "depends_on": addresses(), "providers": { "type": "object" } },
            })),
            "moved": one_or_more(json!({ "type": "object", "required": ["from", "to"], "properties": { "from": text, "to": text } })),
            "import": one_or_more(json!({
                "type": "object", "required": ["to", "id"], "properties": { "to": text, "id": text, "for_each": any, "provider": text },
            })),
            "removed": one_or_more(json!({
                "type": "object", "required": ["from"], "properties": {
                    "from": text,
                    "lifecycle": { "type": "object", "properties": { "destroy": { "type": "boolean" } }, "additionalProperties": false },
                },
            })),
            "drift": {
                "type": "object", "additionalProperties": false,
                "properties": { "ignore": one_or_more(json!({
                    "type": "object", "required": ["address", "reason"], "additionalProperties": false, "properties": {
                        "address": { "type": "string", "description": "A pattern for the addresses of resources." },
                        "attributes": { "type": "array", "items": text, "description": "Patterns for the paths of attributes; all of them where none is named." },
                        "reason": { "type": "string", "description": "Why it is left alone." },
                        "expires": { "description": "The last day on which the rule holds." },
                    },
                })) },
            },
            "check": named(json!({ "type": "object", "properties": { "assert": one_or_more(condition()), "data": { "type": "object" } } })),
            "terraform": { "type": "object" },
        },
        "additionalProperties": false,
    })
}

fn named(body: Json) -> Json {
    json!({ "type": "object", "additionalProperties": body })
}

fn closed(types: Map<String, Json>) -> Json {
    json!({ "type": "object", "properties": types, "additionalProperties": false })
}

fn one_or_more(body: Json) -> Json {
    json!({ "anyOf": [body, { "type": "array", "items": body }] })
}

fn condition() -> Json {
    json!({
        "type": "object", "required": ["condition", "error_message"], "additionalProperties": false,
        "properties": { "condition": { "type": ["string", "boolean"] }, "error_message": { "type": "string" } },
    })
}

fn addresses() -> Json {
    json!({ "type": "array", "items": { "type": "string" } })
}

/// The body of a resource, data source or provider. `meta` adds what every resource may have.
fn block(attrs: &[Attr], doc: &str, timeouts: Option<&[(&str, &str)]>, meta: bool) -> Json {
    let mut body = object(attrs);
    if !doc.trim().is_empty() {
        body["description"] = doc.split_whitespace().collect::<Vec<_>>().join(" ").into();
    }
    let Some(properties) = body["properties"].as_object_mut().filter(|_| meta) else { return body };
    let conditions = one_or_more(condition());
    properties.insert("count".into(), json!({ "type": ["integer", "string"], "description": "How many instances." }));
    properties.insert("for_each".into(), json!({ "description": "A map or a set of strings: an instance for each." }));
    properties.insert("depends_on".into(), addresses());
    properties.insert("provider".into(), json!({ "type": "string", "description": "Another configuration of the provider: `aws.west`." }));
    properties.insert(
        "lifecycle".into(),
        json!({
            "type": "object", "additionalProperties": false,
            "properties": {
                "adopt": { "type": "boolean" }, "create_before_destroy": { "type": "boolean" }, "prevent_destroy": { "type": "boolean" },
                "ignore_changes": { "anyOf": [{ "type": "string" }, addresses()] }, "replace_triggered_by": addresses(),
                "precondition": conditions, "postcondition": conditions,
            },
        }),
    );
    if let Some(timeouts) = timeouts.filter(|t| !t.is_empty()) {
        let limits = timeouts.iter().map(|(name, limit)| ((*name).to_owned(), json!({ "type": "string", "default": limit })));
        properties
            .insert("timeouts".into(), json!({ "type": "object", "properties": Map::from_iter(limits), "additionalProperties": false }));
    }
    properties.insert("dynamic".into(), json!({ "type": "object", "description": "Nested blocks made from a collection." }));
    body
}

fn object(attrs: &[Attr]) -> Json {
    let given = attrs.iter().filter(|a| !a.computed);
    let properties: Map<String, Json> = given.clone().map(|a| (a.name.to_owned(), attribute(a))).collect();
    let required: Vec<&str> = given.filter(|a| a.required).map(|a| a.name).collect();
    let mut object = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        object["required"] = required.into();
    }
    object
}

fn attribute(attr: &Attr) -> Json {
    let mut schema = match attr.block() {
        Some(attrs) => one_or_more(object(attrs)),
        None => bounded(attr),
    };
    let doc = attr.doc.split_whitespace().collect::<Vec<_>>().join(" ");
    let facts = facts(attr);
    schema["description"] = if facts.is_empty() { doc } else { format!("{doc} ({})", facts.join("; ")) }.into();
    if let Some(default) = attr.default_value() {
        schema["default"] = default.to_json();
    }
    if !attr.deprecated.is_empty() {
        schema["deprecated"] = true.into();
    }
    schema
}

/// The schema of a value of the attribute's kind within its bounds, or of an expression that makes one.
fn bounded(attr: &Attr) -> Json {
    let mut schema = kind(attr.kind);
    match attr.kind {
        Kind::Int | Kind::Number => {
            if attr.min > i64::MIN {
                schema["minimum"] = attr.min.into();
            }
            if attr.max < i64::MAX {
                schema["maximum"] = attr.max.into();
            }
        }
        Kind::Text(_) => {
            if !attr.one_of.is_empty() {
                return json!({ "anyOf": [{ "enum": attr.one_of }, template()] });
            }
            if attr.max < i64::MAX || attr.min > i64::MIN {
                let (min, max) = (attr.min.max(0), attr.max);
                let mut text = json!({ "type": "string", "minLength": min });
                if max < i64::MAX {
                    text["maxLength"] = max.into();
                }
                return json!({ "anyOf": [text, template()] });
            }
            return schema;
        }
        Kind::Any => return schema,
        _ => {}
    }
    json!({ "anyOf": [schema, template()] })
}

fn template() -> Json {
    json!({ "type": "string", "pattern": TEMPLATE })
}

fn kind(kind: Kind) -> Json {
    match kind {
        Kind::Bool => json!({ "type": "boolean" }),
        Kind::Int => json!({ "type": "integer" }),
        Kind::Number => json!({ "type": "number" }),
        Kind::Text(_) => json!({ "type": "string" }),
        Kind::List(kind) | Kind::Set(kind) => json!({ "type": "array", "items": element(*kind) }),
        Kind::Map(kind) => json!({ "type": "object", "additionalProperties": element(*kind) }),
        Kind::Object(attrs) => object(attrs),
        Kind::Any => json!({}),
    }
}

/// An element may be an expression too.
fn element(of: Kind) -> Json {
    match of {
        Kind::Text(_) | Kind::Any => kind(of),
        _ => json!({ "anyOf": [kind(of), template()] }),
    }
}
