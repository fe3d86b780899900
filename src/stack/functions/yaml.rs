//! YAML, both ways.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle, Tag};

use super::{Args, Function, Gives, Outcome, f};
use crate::words::{Number, Object, Value};

pub(super) const ALL: &[Function] = &[
    f("yamlencode", &["value"], Gives::Text, |a| {
        let mut made = String::new();
        put(a.value(0), 0, false, &mut made);
        if matches!(a.value(0), Value::Null | Value::Bool(_) | Value::Number(_)) {
            made.push_str("...\n");
        }
        Ok(made.into())
    })
    .nulls(),
    f("yamldecode", &["text: string"], Gives::Any, decode),
];

/// YAML as Terraform writes it: every text in quotes, keys too. `inline` says that a `- ` or `key:` stands before it.
fn put(value: &Value, depth: usize, inline: bool, made: &mut String) {
    let pad = |made: &mut String| made.push_str(&" ".repeat(depth));
    match value.bare() {
        Value::List(items) | Value::Tuple(items) | Value::Set(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                if i > 0 || !inline {
                    pad(made);
                }
                made.push_str("- ");
                put(item, depth + 2, true, made);
            }
        }
        Value::Map(items) | Value::Object(items) if !items.is_empty() => {
            for (i, (key, item)) in items.iter().enumerate() {
                if i > 0 || !inline {
                    pad(made);
                }
                quoted(key, None, made);
                made.push(':');
                if item.entries().is_some_and(|entries| !entries.is_empty()) {
                    made.push('\n');
                    put(item, depth + 2, false, made);
                } else if !item.items().is_empty() {
                    made.push('\n');
                    put(item, depth, false, made);
                } else {
                    made.push(' ');
                    put(item, depth + 2, true, made);
                }
            }
        }
        Value::String(s) if s.contains('\n') && !s.ends_with(' ') && !s.contains(" \n") && s.chars().all(|c| c == '\n' || plain(c)) => {
            block(s, depth, made);
        }
        Value::String(s) => {
            quoted(s, Some(depth.max(2)), made);
            made.push('\n');
        }
        Value::Bool(b) => made.push_str(if *b { "true\n" } else { "false\n" }),
        Value::Number(n) => drop(writeln!(made, "{n}")),
        Value::Map(_) | Value::Object(_) => made.push_str("{}\n"),
        Value::List(_) | Value::Tuple(_) | Value::Set(_) => made.push_str("[]\n"),
        _ => made.push_str("null\n"),
    }
}

/// A text of several lines as it is.
fn block(text: &str, depth: usize, made: &mut String) {
    made.push('|');
    if text.starts_with([' ', '\n']) {
        made.push('2');
    }
    made.push_str(if text.ends_with("\n\n") || text == "\n" {
        "+\n"
    } else if text.ends_with('\n') {
        "\n"
    } else {
        "-\n"
    });
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        if !line.is_empty() {
            made.push_str(&" ".repeat(depth.max(2)));
            made.push_str(line);
        }
        made.push('\n');
    }
}

/// Whether a character is written as it is.
fn plain(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// The column after which a long text goes on in the next line.
const WIDTH: usize = 80;

/// A text in double quotes; `fold` is how far its further lines are indented, if it may have some.
fn quoted(text: &str, fold: Option<usize>, made: &mut String) {
    let mut column = made.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    made.push('"');
    let chars: Vec<char> = text.chars().collect();
    let mut after_space = false;
    for (i, c) in chars.iter().copied().enumerate() {
        let from = made.len();
        if let (' ', Some(depth)) = (c, fold)
            && !after_space
            && column > WIDTH
            && i > 0
            && i + 1 < chars.len()
        {
            made.push('\n');
            made.push_str(&" ".repeat(depth));
            column = depth;
            if chars[i + 1] == ' ' {
                made.push('\\');
                column += 1;
            }
            after_space = true;
            continue;
        }
        after_space = c == ' ';
        let short = match c {
            '"' => "\\\"",
            '\\' => "\\\\",
            '\0' => "\\0",
            '\u{7}' => "\\a",
            '\u{8}' => "\\b",
            '\t' => "\\t",
            '\n' => "\\n",
            '\u{b}' => "\\v",
            '\u{c}' => "\\f",
            '\r' => "\\r",
            '\u{1b}' => "\\e",
            '\u{85}' => "\\N",
            '\u{2028}' => "\\L",
            '\u{2029}' => "\\P",
            _ => "",
        };
        let code = u32::from(c);
        match c {
            _ if !short.is_empty() => made.push_str(short),
            c if plain(c) => made.push(c),
            _ if code < 0x100 => drop(write!(made, "\\x{code:02X}")),
            _ if code < 0x1_0000 => drop(write!(made, "\\u{code:04X}")),
            _ => drop(write!(made, "\\U{code:08X}")),
        }
        column += made[from..].chars().count();
    }
    made.push('"');
}

/// How deep a document may go, and how much its aliases may make of it.
const DEPTH: usize = 200;
const NODES: usize = 1_000_000;

fn decode(a: &Args<'_>) -> Outcome {
    let text = a.text(0)?;
    let mut reader = Reader { parser: Parser::new_from_str(&text), anchors: HashMap::new(), nodes: 0 };
    reader.document().or_else(|why| a.bad(0, format!("this is no YAML: {why}")))
}

struct Reader<'a> {
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Value>,
    nodes: usize,
}

type Read<T> = Result<T, String>;

impl<'a> Reader<'a> {
    fn next(&mut self) -> Read<Event<'a>> {
        match self.parser.next_event() {
            Some(Ok((event, _))) => Ok(event),
            Some(Err(e)) => Err(e.to_string()),
            None => Err("the document ends too early".into()),
        }
    }

    /// The only document.
    fn document(&mut self) -> Read<Value> {
        loop {
            match self.next()? {
                Event::DocumentStart(_) => break,
                Event::StreamEnd => return Err("there is no document in it".into()),
                _ => {}
            }
        }
        let first = self.next()?;
        let value = self.value(first, 0)?;
        loop {
            match self.next()? {
                Event::DocumentStart(_) => return Err("there is more than one document in it".into()),
                Event::StreamEnd => return Ok(value),
                _ => {}
            }
        }
    }

    fn value(&mut self, event: Event<'a>, depth: usize) -> Read<Value> {
        self.nodes += 1;
        if depth > DEPTH || self.nodes > NODES {
            return Err("it is too deep, or too large".into());
        }
        let (value, anchor) = match event {
            Event::Alias(anchor) => {
                let value = self.anchors.get(&anchor).cloned().ok_or("an alias stands inside of what it means")?;
                // An alias of an alias of an alias multiplies.
                self.nodes += size(&value);
                return Ok(value);
            }
            Event::Scalar(text, style, anchor, tag) => (scalar(&text, style, tag.as_deref())?, anchor),
            Event::SequenceStart(anchor, tag) => {
                only(tag.as_deref(), "seq")?;
                let mut items = vec![];
                loop {
                    match self.next()? {
                        Event::SequenceEnd => break,
                        event => items.push(self.value(event, depth + 1)?),
                    }
                }
                (Value::Tuple(Arc::new(items)), anchor)
            }
            Event::MappingStart(anchor, tag) => {
                only(tag.as_deref(), "map")?;
                (self.mapping(depth)?, anchor)
            }
            _ => return Err("the document ends too early".into()),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, value.clone());
        }
        Ok(value)
    }

    fn mapping(&mut self, depth: usize) -> Read<Value> {
        let (mut own, mut merged) = (Object::new(), Object::new());
        loop {
            let key = match self.next()? {
                Event::MappingEnd => break,
                Event::Scalar(text, ScalarStyle::Plain, _, None) if text == "<<" => None,
                event => Some(match self.value(event, depth + 1)? {
                    Value::Null => return Err("a key can't be null".into()),
                    Value::String(text) => text,
                    key @ (Value::Bool(_) | Value::Number(_)) => crate::stack::convert::text(&key).map_err(|e| e.to_string())?,
                    _ => return Err("a key has to be a text".into()),
                }),
            };
            let event = self.next()?;
            let value = self.value(event, depth + 1)?;
            match (key, &value) {
                (Some(key), _) => drop(own.insert(key, value)),
                (None, Value::Object(entries)) => merged.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone()))),
                (None, Value::Tuple(all)) => {
                    for entries in all.iter().rev() {
                        let entries = entries.entries().ok_or("`<<` takes a mapping, or a list of some")?;
                        merged.extend(entries.iter().map(|(k, v)| (k.clone(), v.clone())));
                    }
                }
                (None, _) => return Err("`<<` takes a mapping, or a list of some".into()),
            }
        }
        merged.extend(own);
        Ok(Value::Object(Arc::new(merged)))
    }
}

fn size(value: &Value) -> usize {
    match value {
        Value::Tuple(items) => 1 + items.iter().map(size).sum::<usize>(),
        Value::Object(items) => 1 + items.values().map(size).sum::<usize>(),
        _ => 1,
    }
}

/// The word of a tag of YAML's own.
fn word(tag: &Tag) -> Read<&str> {
    match (tag.is_yaml_core_schema(), tag.handle.as_str(), tag.suffix.as_str()) {
        (true, _, word) => Ok(word),
        (_, "!", "") => Ok("str"),
        _ => Err(format!("the tag `{tag}` means nothing here")),
    }
}

fn only(tag: Option<&Tag>, wanted: &str) -> Read<()> {
    match tag.map(word).transpose()? {
        None => Ok(()),
        Some(word) if word == wanted => Ok(()),
        Some(word) => Err(format!("this can't be a `!!{word}`")),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Read<Value> {
    let tag = tag.map(word).transpose()?;
    let as_text = || Value::String(crate::stack::lower::nfc(text));
    if style != ScalarStyle::Plain || tag == Some("str") {
        return Ok(as_text());
    }
    let (value, kind) = resolved(text)?;
    match tag {
        None => Ok(value.unwrap_or_else(as_text)),
        Some("binary") => Ok(as_text()),
        Some("float") if kind == "int" => Ok(value.unwrap_or_else(as_text)),
        Some(tag) if tag == kind => Ok(value.unwrap_or_else(as_text)),
        Some(tag) => Err(format!("`{text}` is no `!!{tag}`")),
    }
}

/// What a word without quotes means, none for a text; and the tag that it would bear.
fn resolved(text: &str) -> Read<(Option<Value>, &'static str)> {
    Ok(match text {
        "" | "~" | "null" | "Null" | "NULL" => (Some(Value::Null), "null"),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => (Some(true.into()), "bool"),
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => (Some(false.into()), "bool"),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF" | ".nan" | ".NaN" | ".NAN" => {
            return Err(format!("`{text}` is no finite number"));
        }
        _ => match number(text) {
            Some(n) => {
                let kind = if n.is_whole() { "int" } else { "float" };
                (Some(Value::Number(n)), kind)
            }
            None => match time(text) {
                Some(time) => (Some(time.into()), "timestamp"),
                None => (None, "str"),
            },
        },
    })
}

fn number(text: &str) -> Option<Number> {
    let first = text.trim_start_matches(['+', '-']).chars().next()?;
    if text.len() - text.trim_start_matches(['+', '-']).len() > 1 || !(first.is_ascii_digit() || first == '.') {
        return None;
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return Number::parse_base(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return Number::parse_base(digits, 8);
    }
    Number::parse(text)
}

/// A date, perhaps with a time, as RFC 3339 has it.
fn time(text: &str) -> Option<String> {
    if !(text.len() >= 8 && text.as_bytes()[..4].iter().all(u8::is_ascii_digit) && text.as_bytes()[4] == b'-') {
        return None;
    }
    let parsed = ["%Y-%m-%d", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f%:z", "%Y-%m-%dT%H:%M:%S%.fZ"].iter().find_map(|format| {
        let broken = jiff::fmt::strtime::parse(format, text.replacen('t', "T", 1)).ok()?;
        let zone = broken.offset().unwrap_or(jiff::tz::Offset::UTC);
        let time = broken.to_datetime().or_else(|_| broken.to_date().map(|d| d.to_datetime(jiff::civil::Time::midnight()))).ok()?;
        Some((time, zone))
    });
    let (time, zone) = parsed?;
    let zone = if zone == jiff::tz::Offset::UTC { "Z".to_owned() } else { super::time::offset(zone, true) };
    Some(format!("{}{zone}", time.strftime("%Y-%m-%dT%H:%M:%S")))
}
