//! Values and types as the console shows them: Terraform's own way, so that either can be pasted into the other.

use std::sync::LazyLock;

use regex::Regex;

use crate::engine::world::{Frame, World};
use crate::stack::{self, Stack};
use crate::words::resource::Registry;
use crate::words::{Object, Result, Type, Value};

/// What is to be shown for an expression: its value, or for `type(...)` a type.
pub fn answer(text: &str, stack: &Stack, registry: &Registry, world: &World<'_>) -> Result<String> {
    let expr = stack::expression(text, "console")?;
    stack::references(stack, registry, &expr)?;
    let frame = Frame::of(world);
    match expr.asked_type() {
        Some(of) => Ok(type_of(&of.eval_typed(&frame)?.type_of())),
        None => Ok(value(&expr.eval_typed(&frame)?)),
    }
}

/// What a text may hold without an escape.
static PRINTABLE: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$").expect("it is a pattern"));

/// A value in the language itself, over several lines.
#[must_use]
pub fn value(value: &Value) -> String {
    let mut out = String::new();
    put(value, 0, &mut out);
    out
}

fn put(value: &Value, depth: usize, out: &mut String) {
    if value.is_unknown() {
        return out.push_str("(known after apply)");
    }
    match value {
        Value::Marked(marks, _) => out.push_str(if marks.sensitive { "(sensitive value)" } else { "(ephemeral value)" }),
        Value::Typed(known) if known.1.is_null() => out.push_str(&null(&known.0)),
        other => match other.bare() {
            Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
            Value::Number(n) => out.push_str(&n.to_string()),
            Value::String(text) if text.contains('\n') => heredoc(text, depth, out),
            Value::String(text) => quoted(text, out),
            Value::Tuple(items) => sequence(items, depth, out),
            Value::List(items) => wrapped("tolist", out, &|out| sequence(items, depth, out)),
            Value::Set(items) => wrapped("toset", out, &|out| sequence(items, depth, out)),
            Value::Map(items) => wrapped("tomap", out, &|out| mapping(items, depth, out)),
            Value::Object(items) => mapping(items, depth, out),
            _ => out.push_str("null"),
        },
    }
}

fn null(ty: &Type) -> String {
    match ty {
        Type::Any => "null".into(),
        Type::String => "tostring(null)".into(),
        Type::Number => "tonumber(null)".into(),
        Type::Bool => "tobool(null)".into(),
        Type::List(of) => format!("tolist(null) /* of {} */", words(of)),
        Type::Set(of) => format!("toset(null) /* of {} */", words(of)),
        Type::Map(of) => format!("tomap(null) /* of {} */", words(of)),
        Type::Tuple(_) | Type::Object(_) => format!("null /* {} */", words(ty)),
    }
}

/// A type in a few words.
fn words(ty: &Type) -> String {
    match ty {
        Type::Any => "dynamic".into(),
        Type::Bool => "bool".into(),
        Type::Number => "number".into(),
        Type::String => "string".into(),
        Type::List(of) => format!("list of {}", words(of)),
        Type::Set(of) => format!("set of {}", words(of)),
        Type::Map(of) => format!("map of {}", words(of)),
        Type::Tuple(_) => "tuple".into(),
        Type::Object(_) => "object".into(),
    }
}

fn wrapped(function: &str, out: &mut String, inner: &dyn Fn(&mut String)) {
    out.push_str(function);
    out.push('(');
    inner(out);
    out.push(')');
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', depth));
}

fn sequence(items: &[Value], depth: usize, out: &mut String) {
    out.push('[');
    for item in items {
        line(depth + 2, out);
        put(item, depth + 2, out);
        out.push(',');
    }
    if !items.is_empty() {
        line(depth, out);
    }
    out.push(']');
}

fn mapping(items: &Object, depth: usize, out: &mut String) {
    out.push('{');
    for (name, item) in items {
        line(depth + 2, out);
        put(&Value::String(name.clone()), depth + 2, out);
        out.push_str(" = ");
        put(item, depth + 2, out);
    }
    if !items.is_empty() {
        line(depth, out);
    }
    out.push('}');
}

fn heredoc(text: &str, depth: usize, out: &mut String) {
    let mut end = "EOT".to_owned();
    while text.split('\n').any(|line| line.trim() == end) {
        end.push('_');
    }
    out.push_str(if depth > 0 { "<<-" } else { "<<" });
    out.push_str(&end);
    for part in text.split('\n') {
        line(depth, out);
        out.push_str(part);
    }
    line(depth, out);
    out.push_str(&end);
}

fn quoted(text: &str, out: &mut String) {
    let mut buffer = [0; 4];
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{b}' => out.push_str("\\v"),
            c if PRINTABLE.is_match(c.encode_utf8(&mut buffer)) => out.push(c),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
        }
    }
    out.push('"');
}

/// A type over several lines, as `type(...)` shows it.
#[must_use]
pub fn type_of(ty: &Type) -> String {
    let mut out = String::new();
    put_type(ty, 0, &mut out);
    out
}

fn put_type(ty: &Type, depth: usize, out: &mut String) {
    let step = |depth: usize, out: &mut String| line(depth * 4, out);
    match ty {
        Type::List(of) | Type::Set(of) | Type::Map(of) => {
            out.push_str(match ty {
                Type::List(_) => "list(",
                Type::Set(_) => "set(",
                _ => "map(",
            });
            if matches!(**of, Type::Tuple(_) | Type::Object(_)) {
                step(depth + 1, out);
                put_type(of, depth + 1, out);
                out.push(',');
                step(depth, out);
            } else {
                put_type(of, depth, out);
            }
            out.push(')');
        }
        Type::Tuple(types) => {
            out.push_str("tuple([");
            for ty in types {
                step(depth + 1, out);
                put_type(ty, depth + 1, out);
                out.push(',');
            }
            if !types.is_empty() {
                step(depth, out);
            }
            out.push_str("])");
        }
        Type::Object(attrs) => {
            out.push_str("object({");
            for (name, (ty, _)) in attrs {
                step(depth + 1, out);
                out.push_str(name);
                out.push_str(": ");
                put_type(ty, depth + 1, out);
                out.push(',');
            }
            if !attrs.is_empty() {
                step(depth, out);
            }
            out.push_str("})");
        }
        plain => out.push_str(&words(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn values_look_as_they_would_be_written() {
        let secret = Value::from("x").sensitive();
        let made = Value::object([("a", Value::list([Value::from(1)])), ("b", secret), ("c", Value::from("x\ny"))]);
        assert_eq!(value(&made), "{\n  \"a\" = tolist([\n    1,\n  ])\n  \"b\" = (sensitive value)\n  \"c\" = <<-EOT\n  x\n  y\n  EOT\n}");
        assert_eq!(value(&Value::Null.typed(&Type::List(Arc::new(Type::String)))), "tolist(null) /* of string */");
        assert_eq!(value(&Value::from("EOT\n")), "<<EOT_\nEOT\n\nEOT_");
        assert_eq!(value(&Value::from("é\u{200b}\u{7}\u{1}")), "\"é\\u200b\\a\\x01\"");
    }

    #[test]
    fn types_look_as_terraform_has_them() {
        let object = Type::Object([("a".into(), (Type::String, false))].into());
        assert_eq!(type_of(&Type::List(Arc::new(object))), "list(\n    object({\n        a: string,\n    }),\n)");
        assert_eq!(type_of(&Type::Tuple(vec![])), "tuple([])");
        assert_eq!(type_of(&Type::Map(Arc::new(Type::Any))), "map(dynamic)");
    }
}
