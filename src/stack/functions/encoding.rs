//! JSON, base64, URLs, CSV and YAML.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Function, Gives, Outcome, bad, f};
use crate::words::{Object, Value};

pub(super) const ALL: &[Function] = &[
    f("jsonencode", &["value"], Gives::Text, |a| {
        let mut made = String::new();
        json(a.value(0), &mut made);
        Ok(made.into())
    })
    .nulls(),
    f("jsondecode", &["text"], Gives::Any, |a| match serde_json::from_str::<serde_json::Value>(&a.text(0)?) {
        Ok(value) => Ok(Value::from_json(&value)),
        Err(e) => a.bad(0, format!("this is no JSON: {e}")),
    }),
    f("yamlencode", &["value"], Gives::Text, |a| {
        let mut made = String::new();
        yaml(a.value(0), 0, false, &mut made);
        if matches!(a.value(0), Value::Null | Value::Bool(_) | Value::Number(_)) {
            made.push_str("...\n");
        }
        Ok(made.into())
    })
    .nulls(),
    f("base64encode", &["text"], Gives::Text, |a| Ok(STANDARD.encode(a.text(0)?.as_bytes()).into())),
    f("base64decode", &["text"], Gives::Text, |a| {
        let bytes = STANDARD.decode(a.text(0)?.as_bytes()).or_else(|_| a.bad(0, "this is not base64"))?;
        String::from_utf8(bytes).map_or_else(|_| a.bad(0, "the bytes are no UTF-8 text"), |s| Ok(s.into()))
    }),
    f("base64gzip", &["text"], Gives::Text, |a| {
        let mut packer = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        let packed = packer.write_all(a.text(0)?.as_bytes()).and_then(|()| packer.finish());
        packed.map_or_else(|e| bad(e.to_string()), |bytes| Ok(STANDARD.encode(bytes).into()))
    }),
    f("textencodebase64", &["text", "encoding"], Gives::Text, |a| {
        let (text, encoding) = (a.text(0)?, a.text(1)?);
        let bytes: Vec<u8> = match &*encoding.to_uppercase() {
            "UTF-8" => text.bytes().collect(),
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "UTF-16BE" | "UTF-16" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            _ => return a.bad(1, "UTF-8, UTF-16LE and UTF-16BE are possible"),
        };
        Ok(STANDARD.encode(bytes).into())
    }),
    f("textdecodebase64", &["text", "encoding"], Gives::Text, |a| {
        let bytes = STANDARD.decode(a.text(0)?.as_bytes()).or_else(|_| a.bad(0, "this is not base64"))?;
        let wide =
            |make: fn([u8; 2]) -> u16| String::from_utf16(&bytes.chunks_exact(2).map(|c| make([c[0], c[1]])).collect::<Vec<_>>()).ok();
        let text = match &*a.text(1)?.to_uppercase() {
            "UTF-8" => String::from_utf8(bytes).ok(),
            "UTF-16LE" => wide(u16::from_le_bytes),
            "UTF-16BE" | "UTF-16" => wide(u16::from_be_bytes),
            _ => return a.bad(1, "UTF-8, UTF-16LE and UTF-16BE are possible"),
        };
        text.map_or_else(|| a.bad(0, "the bytes are no text in that encoding"), |t| Ok(t.into()))
    }),
    f("urlencode", &["text"], Gives::Text, |a| {
        let mut made = String::new();
        for byte in a.text(0)?.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => made.push(byte as char),
                b' ' => made.push('+'),
                other => drop(write!(made, "%{other:02X}")),
            }
        }
        Ok(made.into())
    }),
    f("csvdecode", &["text"], Gives::Any, csvdecode),
];

/// JSON as Terraform writes it: keys sorted, `<`, `>` and `&` escaped.
fn json(value: &Value, made: &mut String) {
    match value {
        Value::Null | Value::Unknown(_) => made.push_str("null"),
        Value::Bool(b) => drop(write!(made, "{b}")),
        Value::Number(n) => drop(write!(made, "{n}")),
        Value::String(s) => quoted(s, made),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            made.push('[');
            for (i, item) in items.iter().enumerate() {
                if i > 0 {
                    made.push(',');
                }
                json(item, made);
            }
            made.push(']');
        }
        Value::Map(items) | Value::Object(items) => {
            made.push('{');
            for (i, (key, item)) in items.iter().enumerate() {
                if i > 0 {
                    made.push(',');
                }
                quoted(key, made);
                made.push(':');
                json(item, made);
            }
            made.push('}');
        }
        Value::Sensitive(inner) => json(inner, made),
    }
}

fn quoted(text: &str, made: &mut String) {
    made.push('"');
    for c in text.chars() {
        match c {
            '"' => made.push_str("\\\""),
            '\\' => made.push_str("\\\\"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            '\u{8}' => made.push_str("\\b"),
            '\u{c}' => made.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => drop(write!(made, "\\u{:04x}", u32::from(c))),
            c => made.push(c),
        }
    }
    made.push('"');
}

/// YAML as Terraform writes it: every text in quotes, keys too. `inline` says that a `- ` or `key:` stands before it.
fn yaml(value: &Value, depth: usize, inline: bool, made: &mut String) {
    let pad = |made: &mut String| made.push_str(&" ".repeat(depth));
    match value.bare() {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 || !inline {
                    pad(made);
                }
                made.push_str("- ");
                yaml(item, depth + 2, true, made);
            }
        }
        Value::Map(items) | Value::Object(items) if !items.is_empty() => {
            for (i, (key, item)) in items.iter().enumerate() {
                if i > 0 || !inline {
                    pad(made);
                }
                quoted(key, made);
                made.push(':');
                let below = |v: &Value| matches!(v.bare(), Value::Map(_) | Value::Object(_)) && !v.entries().is_some_and(Object::is_empty);
                if below(item) {
                    made.push('\n');
                    yaml(item, depth + 2, false, made);
                } else if !item.items().is_empty() {
                    made.push('\n');
                    yaml(item, depth, false, made);
                } else {
                    made.push(' ');
                    yaml(item, depth + 2, true, made);
                }
            }
        }
        Value::String(s)
            if s.contains('\n') && !s.ends_with(' ') && !s.contains(" \n") && !s.contains(|c: char| c.is_control() && c != '\n') =>
        {
            made.push('|');
            if s.starts_with([' ', '\n']) {
                made.push('2');
            }
            made.push_str(if s.ends_with("\n\n") {
                "+\n"
            } else if s.ends_with('\n') {
                "\n"
            } else {
                "-\n"
            });
            for line in s.strip_suffix('\n').unwrap_or(s).split('\n') {
                if !line.is_empty() {
                    made.push_str(&" ".repeat(depth.max(2)));
                    made.push_str(line);
                }
                made.push('\n');
            }
        }
        leaf => {
            json(leaf, made);
            made.push('\n');
        }
    }
}

fn csvdecode(a: &Args<'_>) -> Outcome {
    let rows = csv(&a.text(0)?).map_or_else(|why| a.bad(0, why), Ok)?;
    let Some((head, rows)) = rows.split_first() else { return a.bad(0, "the first line, which names the columns, is missing") };
    if let Some((i, twice)) = head.iter().enumerate().find(|(i, name)| head[..*i].contains(name)) {
        return a.bad(0, format!("column {} is named \"{twice}\" like one before it", i + 1));
    }
    let mut made = vec![];
    for (i, row) in rows.iter().enumerate() {
        if row.len() != head.len() {
            return a.bad(0, format!("row {} has {} fields, and the first line {}", i + 2, row.len(), head.len()));
        }
        let object: Object = head.iter().zip(row).map(|(k, v)| (Arc::from(k.as_str()), Value::from(v.as_str()))).collect();
        made.push(Value::Object(object.into()));
    }
    Ok(Value::list(made))
}

/// The rows of a text as of RFC 4180.
fn csv(text: &str) -> Result<Vec<Vec<String>>, String> {
    let (mut rows, mut row, mut field) = (vec![], vec![], String::new());
    let mut chars = text.chars().peekable();
    let (mut quoted, mut any) = (false, false);
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.is_empty() => (quoted, any) = (true, true),
            '"' => return Err("a quote stands inside a field without quotes".into()),
            c if quoted => field.push(c),
            ',' => {
                row.push(std::mem::take(&mut field));
                any = true;
            }
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                if any || !field.is_empty() || !row.is_empty() {
                    row.push(std::mem::take(&mut field));
                    rows.push(std::mem::take(&mut row));
                }
                any = false;
            }
            c => {
                field.push(c);
                any = true;
            }
        }
    }
    if quoted {
        return Err("a quote is not closed".into());
    }
    if any || !row.is_empty() {
        row.push(field);
        rows.push(row);
    }
    Ok(rows)
}
