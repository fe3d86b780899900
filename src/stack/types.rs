//! Type expressions: `list(object({ port = number, name = optional(string, "x") }))`.

use std::collections::BTreeMap;
use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};

use super::convert::convert;
use super::expr::Expr;
use super::place::Place;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics, Result, Type, Value};

/// What stands in place of attributes that are `optional(TYPE, DEFAULT)`, by their place in the type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    own: BTreeMap<Arc<str>, Value>,
    /// Of attributes by name, of elements by `*`, of a tuple's by index.
    inner: BTreeMap<Arc<str>, Defaults>,
}

impl Defaults {
    fn is_empty(&self) -> bool {
        self.own.is_empty() && self.inner.is_empty()
    }

    fn below(name: &str, inner: Self) -> Self {
        Self { own: BTreeMap::new(), inner: if inner.is_empty() { BTreeMap::new() } else { [(name.into(), inner)].into() } }
    }

    /// The value, before its conversion, with what is absent or null filled in.
    #[must_use]
    pub fn fill(&self, value: &Value) -> Value {
        if self.is_empty() || value.is_null() || value.is_unknown() {
            return value.clone();
        }
        match value {
            Value::Marked(marks, inner) => self.fill(inner).marked(*marks),
            Value::Object(items) | Value::Map(items) => {
                let element = self.inner.get("*");
                let mut made: BTreeMap<Arc<str>, Value> = items.as_ref().clone();
                for (name, default) in &self.own {
                    if made.get(name).is_none_or(Value::is_null) {
                        made.insert(name.clone(), default.clone());
                    }
                }
                for (name, value) in &mut made {
                    if let Some(inner) = self.inner.get(name).or(element) {
                        *value = inner.fill(value);
                    }
                }
                if matches!(value, Value::Map(_)) && self.own.is_empty() {
                    Value::Map(Arc::new(made))
                } else {
                    Value::Object(Arc::new(made))
                }
            }
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                let fill = |(i, v): (usize, &Value)| match self.inner.get("*").or_else(|| self.inner.get(i.to_string().as_str())) {
                    Some(inner) => inner.fill(v),
                    None => v.clone(),
                };
                // Filled elements may have come to differ in type: a conversion follows.
                Value::Tuple(Arc::new(items.iter().enumerate().map(fill).collect()))
            }
            other => other.clone(),
        }
    }
}

/// The type that a text names, and the defaults in it.
pub(super) fn parse(text: &str, place: &Place) -> Result<(Type, Defaults)> {
    let parsed: Expression = hcl_edit::parser::parse_expr(text.trim_end()).map_err(|e| {
        let at = e.location().offset();
        Diagnostic::error(format!("this is no type: {}", e.message()))
            .at(&place.span(Some(at..at + 1)), "here")
            .help("types look like `string`, `list(string)`, `map(number)` or `object({ name = string, port = optional(number, 80) })`")
    })?;
    of(&parsed, place)
}

const NAMES: &[&str] = &["string", "number", "bool", "any", "list", "set", "map", "object", "tuple", "optional"];

fn wrong<T>(what: impl Into<String>, e: &Expression, place: &Place, label: impl Into<String>) -> Result<T> {
    Err(Diagnostic::error(what).at(&place.span(e.span()), label).into())
}

/// The type that an expression names, and the defaults in it.
pub(super) fn of(e: &Expression, place: &Place) -> Result<(Type, Defaults)> {
    let plain = |ty| Ok((ty, Defaults::default()));
    match e {
        Expression::Variable(name) => match name.as_str() {
            "string" => plain(Type::String),
            "number" => plain(Type::Number),
            "bool" => plain(Type::Bool),
            "any" => plain(Type::Any),
            // As Terraform has it from its early days.
            "list" => plain(Type::List(Arc::default())),
            "map" => plain(Type::Map(Arc::default())),
            word @ ("set" | "object" | "tuple" | "optional") => {
                wrong(format!("`{word}` needs a type in parentheses"), e, place, "incomplete")
            }
            other => {
                let near = nearest(other, NAMES.iter().copied());
                wrong(
                    format!("there is no type `{other}`"),
                    e,
                    place,
                    near.map_or_else(
                        || "one of string, number, bool, any, list, set, map, object, tuple".into(),
                        |n| format!("did you mean `{n}`?"),
                    ),
                )
            }
        },
        Expression::Parenthesis(p) => of(p.inner(), place),
        Expression::FuncCall(call) => constructed(call, e, place),
        _ => wrong("this is no type", e, place, "write a type such as `string` or `list(string)`"),
    }
}

fn constructed(call: &FuncCall, e: &Expression, place: &Place) -> Result<(Type, Defaults)> {
    let name = call.name.name.as_str();
    let args: Vec<&Expression> = call.args.iter().collect();
    match (name, &args[..]) {
        ("list" | "set" | "map", [element]) => {
            let (ty, defaults) = of(element, place)?;
            let ty = Arc::new(ty);
            let made = match name {
                "list" => Type::List(ty),
                "set" => Type::Set(ty),
                _ => Type::Map(ty),
            };
            Ok((made, Defaults::below("*", defaults)))
        }
        ("tuple", [Expression::Array(items)]) => {
            let mut types = vec![];
            let mut defaults = Defaults::default();
            for (i, item) in items.iter().enumerate() {
                let (ty, inner) = of(item, place)?;
                types.push(ty);
                if !inner.is_empty() {
                    defaults.inner.insert(i.to_string().into(), inner);
                }
            }
            Ok((Type::Tuple(types), defaults))
        }
        ("object", [Expression::Object(items)]) => {
            let mut attrs = BTreeMap::new();
            let mut defaults = Defaults::default();
            for (key, value) in items {
                let name: Arc<str> = match key {
                    ObjectKey::Ident(name) => name.as_str().into(),
                    ObjectKey::Expression(Expression::String(name)) => name.as_str().into(),
                    ObjectKey::Expression(other) => return wrong("an attribute's name is a word", other, place, "not a name"),
                };
                let (ty, optional, default, inner) = attribute(value.expr(), place)?;
                defaults.own.extend(default.map(|v| (name.clone(), v)));
                if !inner.is_empty() {
                    defaults.inner.insert(name.clone(), inner);
                }
                attrs.insert(name, (ty, optional));
            }
            Ok((Type::Object(attrs), defaults))
        }
        ("optional", _) => wrong("`optional` stands only at attributes of an `object({...})`", e, place, "not here"),
        ("list" | "set" | "map", _) => wrong(format!("`{name}` takes one type"), e, place, format!("write `{name}(string)` or so")),
        ("tuple", _) => wrong("`tuple` takes a list of types", e, place, "write `tuple([string, number])` or so"),
        ("object", _) => wrong("`object` takes attributes in braces", e, place, "write `object({ name = string })` or so"),
        _ => {
            let near = nearest(name, NAMES.iter().copied());
            wrong(
                format!("there is no type `{name}`"),
                e,
                place,
                near.map_or_else(|| "no such type".into(), |n| format!("did you mean `{n}`?")),
            )
        }
    }
}

type Attribute = (Type, bool, Option<Value>, Defaults);

fn attribute(e: &Expression, place: &Place) -> Result<Attribute> {
    let Expression::FuncCall(call) = e else {
        return of(e, place).map(|(ty, inner)| (ty, false, None, inner));
    };
    if call.name.name.as_str() != "optional" {
        return of(e, place).map(|(ty, inner)| (ty, false, None, inner));
    }
    let args: Vec<&Expression> = call.args.iter().collect();
    let (ty, default) = match args[..] {
        [ty] => (ty, None),
        [ty, default] => (ty, Some(default)),
        _ => {
            return wrong(
                "`optional` takes a type, and a default if there is one",
                e,
                place,
                "write `optional(string)` or `optional(string, \"x\")`",
            );
        }
    };
    let (ty, inner) = of(ty, place)?;
    let default = match default {
        None => None,
        Some(default) => {
            let mut errors = Diagnostics::default();
            let expr: Expr = super::lower::lowered(default, place, &mut errors);
            let expr = errors.unless_errors(expr)?;
            let Some(value) = expr.constant() else {
                return wrong("a default is written out: it can't refer to anything", default, place, "not a plain value");
            };
            match convert(&inner.fill(&value), &ty) {
                Ok(value) => Some(value),
                Err(why) => return wrong(format!("the default doesn't fit the type: {why}"), default, place, "of another type"),
            }
        }
    };
    Ok((ty, true, default, inner))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Source;

    fn ty(text: &str) -> Result<(Type, Defaults)> {
        parse(text, &Place::of(&Source::new("t", text)))
    }

    #[test]
    fn types_read_back() {
        for text in
            ["string", "list(string)", "map(list(number))", "tuple([string, bool])", "object({a = string, b = optional(number)})", "any"]
        {
            assert_eq!(ty(text).unwrap().0.name(), text);
        }
        for text in
            ["strin", "list()", "object(string)", "optional(string)", "1", "", "list(string", "object({a = optional(number, \"x\")})"]
        {
            assert!(ty(text).is_err(), "{text}");
        }
    }

    #[test]
    fn defaults_fill_what_is_absent() {
        let (ty, defaults) =
            ty("list(object({ a = string, b = optional(number, 5), c = optional(object({ d = optional(string, \"x\") }), {}) }))").unwrap();
        let given = Value::from_json(&serde_json::json!([{ "a": "1" }, { "a": "2", "b": 7 }]));
        let made = convert(&defaults.fill(&given), &ty).unwrap();
        assert_eq!(made.to_json(), serde_json::json!([{ "a": "1", "b": 5, "c": { "d": "x" } }, { "a": "2", "b": 7, "c": { "d": "x" } }]));
    }
}
