//! JSON, base64, URLs and CSV.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Function, Gives, Got, Outcome, bad, f};
use crate::stack::lower;
use crate::words::{Object, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("jsonencode", &["value"], Gives::Text, |a| {
        let mut made = String::new();
        json(a.value(0), &mut made);
        Ok(made.into())
    })
    .nulls(),
    f("jsondecode", &["text: string"], Gives::Any, |a| match serde_json::from_str::<serde_json::Value>(&a.text(0)?) {
        Ok(value) => Ok(normal(&Value::from_json(&value))),
        Err(e) => a.bad(0, format!("this is no JSON: {e}")),
    }),
    f("base64encode", &["text: string"], Gives::Text, |a| Ok(STANDARD.encode(a.text(0)?.as_bytes()).into())),
    f("base64decode", &["text: string"], Gives::Text, |a| {
        String::from_utf8(unpacked(a)?).map_or_else(|_| a.bad(0, "the bytes are no UTF-8 text"), |s| Ok(s.into()))
    }),
    f("base64gzip", &["text: string"], Gives::Text, |a| {
        let mut packer = flate2::write::GzEncoder::new(vec![], flate2::Compression::default());
        let packed = packer.write_all(a.text(0)?.as_bytes()).and_then(|()| packer.flush()).and_then(|()| packer.finish());
        packed.map_or_else(|e| bad(e.to_string()), |bytes| Ok(STANDARD.encode(bytes).into()))
    }),
    f("textencodebase64", &["text: string", "encoding: string"], Gives::Text, |a| {
        let (text, encoding) = (a.text(0)?, encoding(a, 1)?);
        let bytes: Option<Vec<u8>> = match encoding {
            Charset::Wide { big, mark } => {
                let unit = |n: u16| if big { n.to_be_bytes() } else { n.to_le_bytes() };
                Some(mark.then_some(0xfeff).into_iter().chain(text.encode_utf16()).flat_map(unit).collect())
            }
            Charset::Latin(limit) => {
                let narrow = |c: char| u8::try_from(u32::from(c)).ok().filter(|b| u32::from(*b) < limit);
                text.chars().map(narrow).collect()
            }
            Charset::Known(known) => match known.encode(&text) {
                (bytes, _, false) => Some(bytes.into_owned()),
                _ => None,
            },
        };
        bytes.map_or_else(|| a.bad(0, "some of its characters have no place in that encoding"), |b| Ok(STANDARD.encode(b).into()))
    }),
    f("textdecodebase64", &["text: string", "encoding: string"], Gives::Text, |a| {
        let (bytes, encoding) = (unpacked(a)?, encoding(a, 1)?);
        let text = match encoding {
            Charset::Wide { big, .. } if bytes.len() % 2 == 0 => {
                let unit = |pair: &[u8]| if big { u16::from_be_bytes([pair[0], pair[1]]) } else { u16::from_le_bytes([pair[0], pair[1]]) };
                String::from_utf16(&bytes.chunks_exact(2).map(unit).collect::<Vec<_>>()).ok()
            }
            Charset::Wide { .. } => None,
            Charset::Latin(limit) => bytes.iter().map(|b| Some(char::from(*b)).filter(|c| u32::from(*c) < limit)).collect(),
            Charset::Known(known) => known.decode_without_bom_handling_and_without_replacement(&bytes).map(std::borrow::Cow::into_owned),
        };
        text.map_or_else(|| a.bad(0, "the bytes are no text in that encoding"), |t| Ok(t.into()))
    }),
    f("urlencode", &["text: string"], Gives::Text, |a| {
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
    f("csvdecode", &["text: string"], Gives::Any, csvdecode),
];

/// The bytes of a text in base64; lines may be broken.
fn unpacked(a: &Args<'_>) -> Got<Vec<u8>> {
    let text: String = a.text(0)?.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    // The last character may have bits to spare, whatever they are.
    let lenient = base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
    let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
    engine.decode(text.as_bytes()).or_else(|_| a.bad(0, "this is not base64"))
}

/// With all texts in the normal form that they have everywhere.
fn normal(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(lower::nfc(text)),
        other => other.map_children(&mut |_, v| normal(v)),
    }
}

/// How characters become bytes.
enum Charset {
    /// UTF-16, and whether it begins with a mark of the order.
    Wide { big: bool, mark: bool },
    /// The first so many characters of Unicode, a byte each.
    Latin(u32),
    /// Any other.
    Known(&'static encoding_rs::Encoding),
}

fn encoding(a: &Args<'_>, index: usize) -> Got<Charset> {
    let name = a.text(index)?;
    Ok(match &*name.to_uppercase() {
        "UTF-16LE" => Charset::Wide { big: false, mark: false },
        "UTF-16BE" => Charset::Wide { big: true, mark: false },
        "UTF-16" => Charset::Wide { big: true, mark: true },
        "ISO-8859-1" | "ISO_8859-1" | "LATIN1" | "L1" => Charset::Latin(256),
        "US-ASCII" | "ASCII" => Charset::Latin(128),
        // The web's names for them, which the register of names does not have.
        "CP1252" | "X-SJIS" | "UTF8" | "UNICODE-1-1-UTF-8" => return a.bad(index, format!("there is no encoding `{name}`")),
        other => match encoding_rs::Encoding::for_label_no_replacement(other.as_bytes()) {
            Some(known) => Charset::Known(known),
            None => return a.bad(index, format!("there is no encoding `{name}`: UTF-8, UTF-16LE, ISO-8859-1, Shift_JIS and the like are")),
        },
    })
}

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
        Value::Marked(_, inner) => json(inner, made),
        Value::Typed(inner) => json(&inner.1, made),
    }
}

pub(super) fn quoted(text: &str, made: &mut String) {
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
    let row = Type::Object(head.iter().map(|name| (Arc::from(name.as_str()), (Type::String, false))).collect());
    Ok(Value::list(made).typed(&Type::List(Arc::new(row))))
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
            '"' if quoted => {
                quoted = false;
                if !matches!(chars.peek(), None | Some(',' | '\n' | '\r')) {
                    return Err("something stands behind a quoted field".into());
                }
            }
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
