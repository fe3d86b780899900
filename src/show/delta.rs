//! What differs between two values, by meaning: rows that text and Markdown show each in its own way.

use std::collections::BTreeSet;

use base64::Engine as _;
use similar::{ChangeTag, TextDiff};

use super::danger;
use super::document;
use super::inline::{SENSITIVE, UNKNOWN, inline, rule};
use crate::words::Value;
use crate::words::schema::{Attr, Kind};

/// What happens to an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// It comes.
    Plus,
    /// It goes.
    Minus,
    /// It changes.
    Change,
    /// It stays, or is a heading.
    Same,
}

impl Sign {
    /// The character in front.
    #[must_use]
    pub const fn mark(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Change => "~",
            Self::Same => " ",
        }
    }
}

/// One element of a set, one statement of a policy, one line of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Item {
    /// What happens to it.
    pub sign: Sign,
    /// What it is.
    pub text: String,
    /// How deep below the first.
    pub depth: usize,
    /// Why a reader should stop here.
    pub danger: Option<String>,
}

impl Item {
    /// An item with nothing dangerous about it.
    #[must_use]
    pub fn new(sign: Sign, text: impl Into<String>) -> Self {
        Self { sign, text: text.into(), depth: 0, danger: None }
    }

    /// The same, a level deeper.
    #[must_use]
    pub fn deeper(mut self) -> Self {
        self.depth += 1;
        self
    }
}

/// What a row says.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Body {
    /// It has this value, or will have.
    Is(String),
    /// It gets a value where there was none.
    Added(String),
    /// It loses its value.
    Removed(String),
    /// It has the first value and gets the second.
    Becomes(String, String),
    /// It changes in these items.
    Items(Vec<Item>),
    /// A text of several lines: what is said of it, and the lines that tell.
    Lines(String, Vec<Item>),
}

/// One attribute, or a part of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Row {
    /// The way to it: `metadata_options.http_tokens`.
    pub path: String,
    /// What happens to it.
    pub body: Body,
    /// Whether that forces a replacement.
    pub forces: bool,
}

impl Row {
    /// The value of a row that says no more than that.
    #[must_use]
    pub fn plain(&self) -> Option<&str> {
        match &self.body {
            Body::Is(value) => Some(value),
            _ => None,
        }
    }

    fn new(path: &str, body: Body) -> Self {
        Self { path: path.to_owned(), body, forces: false }
    }
}

/// How many lines of a new text are shown.
const HEAD: usize = 6;

/// What differs between two values of that attribute.
#[must_use]
pub fn changed(path: &str, attr: Option<&Attr>, before: &Value, after: &Value) -> Vec<Row> {
    let mut rows = vec![];
    compare(path, attr.map(|a| a.kind), before, after, &mut rows);
    rows
}

/// What a value of that attribute is, where there was none.
#[must_use]
pub fn made(path: &str, value: &Value) -> Vec<Row> {
    if let Some(text) = value.as_str().filter(|_| !value.is_sensitive()) {
        return vec![Row::new(path, new_text(path, text))];
    }
    let rules = atoms(path, value);
    if !rules.is_empty() {
        return vec![Row::new(path, Body::Items(rules.into_iter().map(|rule| Item { sign: Sign::Same, ..rule }).collect()))];
    }
    match value {
        // A nested block that appears once: its attributes stand for themselves where they take more than a line.
        Value::List(items) if items.len() == 1 && items[0].entries().is_some() && inline(&items[0]).len() > 60 => {
            let entries = items[0].entries().into_iter().flatten().filter(|(_, v)| v.is_sensitive() || !v.is_empty());
            entries.flat_map(|(name, v)| made(&format!("{path}.{name}"), v)).collect()
        }
        Value::List(items) | Value::Set(items) if items.iter().any(|i| i.entries().is_some()) && items.len() > 1 => {
            vec![Row::new(path, Body::Items(items.iter().map(|i| Item::new(Sign::Same, inline(i))).collect()))]
        }
        _ => vec![Row::new(path, Body::Is(inline(value)))],
    }
}

fn compare(path: &str, kind: Option<Kind>, before: &Value, after: &Value, rows: &mut Vec<Row>) {
    if before == after {
        return;
    }
    if before.is_sensitive() || after.is_sensitive() {
        rows.push(Row::new(path, secret(before, after)));
    } else if let (Some(old), Some(new)) = (before.as_str(), after.as_str()) {
        rows.push(Row::new(path, texts(path, old, new)));
    } else if !atoms(path, before).is_empty() || !atoms(path, after).is_empty() {
        let items = set_diff(&atoms(path, before), &atoms(path, after));
        rows.push(Row::new(path, if items.is_empty() { Body::Is("another order".into()) } else { Body::Items(items) }));
    } else if before.is_empty() && !before.is_unknown() {
        rows.extend(made(path, after).into_iter().map(added));
    } else if after.is_empty() {
        rows.push(Row::new(path, Body::Removed(inline(before))));
    } else {
        deeper(path, kind, before, after, rows);
    }
}

fn deeper(path: &str, kind: Option<Kind>, before: &Value, after: &Value, rows: &mut Vec<Row>) {
    if let (Some(old), Some(new)) = (before.entries(), after.entries()) {
        let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
        for name in names {
            let kind = kind_below(kind, name);
            compare(&format!("{path}.{name}"), kind, before.attr(name), after.attr(name), rows);
        }
        return;
    }
    let (old, new) = (before.items(), after.items());
    let element = match kind {
        Some(Kind::List(kind) | Kind::Set(kind)) => Some(*kind),
        _ => None,
    };
    let blocks = old.iter().chain(new).all(|v| v.entries().is_some());
    match (before, after) {
        (Value::Unknown(_), _) | (_, Value::Unknown(_)) => rows.push(Row::new(path, Body::Becomes(inline(before), inline(after)))),
        _ if blocks && old.len() == 1 && new.len() == 1 => compare(path, element, &old[0], &new[0], rows),
        (Value::List(_) | Value::Tuple(_), _) if blocks && old.len() == new.len() => {
            for (i, (old, new)) in old.iter().zip(new).enumerate() {
                compare(&format!("{path}[{i}]"), element, old, new, rows);
            }
        }
        (Value::List(_) | Value::Tuple(_) | Value::Set(_), Value::List(_) | Value::Tuple(_) | Value::Set(_)) => {
            let items = list_diff(old, new);
            rows.push(Row::new(path, Body::Items(items)));
        }
        _ => rows.push(Row::new(path, Body::Becomes(inline(before), inline(after)))),
    }
}

fn kind_below(kind: Option<Kind>, name: &str) -> Option<Kind> {
    match kind? {
        Kind::Object(attrs) => attrs.iter().find(|a| a.name == name).map(|a| a.kind),
        Kind::Map(kind) => Some(*kind),
        _ => None,
    }
}

fn secret(before: &Value, after: &Value) -> Body {
    match (before.is_null(), after.is_null()) {
        (true, _) => Body::Added(SENSITIVE.into()),
        (_, true) => Body::Removed(SENSITIVE.into()),
        _ if after.is_unknown() => Body::Becomes(SENSITIVE.into(), UNKNOWN.into()),
        _ => Body::Becomes(SENSITIVE.into(), SENSITIVE.into()),
    }
}

fn added(mut row: Row) -> Row {
    match &mut row.body {
        Body::Is(value) => row.body = Body::Added(std::mem::take(value)),
        Body::Items(items) | Body::Lines(_, items) => items.iter_mut().for_each(|i| i.sign = Sign::Plus),
        _ => {}
    }
    row
}

/// The rules for traffic that a value holds, one for each peer; nothing where it holds anything else.
fn atoms(path: &str, value: &Value) -> Vec<Item> {
    let items = value.items();
    if value.is_sensitive() || items.is_empty() {
        return vec![];
    }
    let inbound = path.ends_with("ingress");
    let word = match path.rsplit('.').next() {
        Some("ingress") => "from",
        Some("egress") => "to",
        _ => "",
    };
    let mut atoms = vec![];
    for item in items {
        let Some(texts) = rule(item, word) else { return vec![] };
        let danger = if inbound { danger::opens(item) } else { None };
        let wide = |text: &str| text.contains(" 0.0.0.0/0") || text.contains(" ::/0");
        atoms.extend(texts.into_iter().map(|text| Item { danger: danger.clone().filter(|_| wide(&text)), ..Item::new(Sign::Plus, text) }));
    }
    atoms.sort_by(|a, b| natural(&a.text).cmp(&natural(&b.text)));
    atoms
}

/// Ports sort as numbers.
fn natural(text: &str) -> (u64, &str) {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    (text[..digits].parse().unwrap_or(0), text)
}

fn set_diff(before: &[Item], after: &[Item]) -> Vec<Item> {
    let has = |all: &[Item], text: &str| all.iter().any(|i| i.text == text);
    let come = after.iter().filter(|i| !has(before, &i.text)).cloned();
    let gone = before.iter().filter(|i| !has(after, &i.text)).map(|i| Item::new(Sign::Minus, i.text.clone()));
    come.chain(gone).collect()
}

fn list_diff(before: &[Value], after: &[Value]) -> Vec<Item> {
    let (old, new): (Vec<String>, Vec<String>) = (before.iter().map(inline).collect(), after.iter().map(inline).collect());
    let gone = old.iter().filter(|t| !new.contains(t)).map(|t| Item::new(Sign::Minus, t.clone()));
    let mut items: Vec<Item> = gone.chain(new.iter().filter(|t| !old.contains(t)).map(|t| Item::new(Sign::Plus, t.clone()))).collect();
    if items.is_empty() {
        items.push(Item::new(Sign::Change, format!("another order: [{}]", new.join(", "))));
    }
    items
}

fn texts(path: &str, before: &str, after: &str) -> Body {
    if let (Some(old), Some(new)) = (document::parse(before), document::parse(after)) {
        let items = document::diff(&old, &new);
        if !items.is_empty() {
            return Body::Items(items);
        }
        return Body::Is("the same document, written another way".into());
    }
    let (old, new) = (decoded(path, before), decoded(path, after));
    let (old, new) = (old.as_deref().unwrap_or(before), new.as_deref().unwrap_or(after));
    if is_hash(before) && !is_hash(after) && new.contains('\n') {
        return Body::Becomes(format!("a text with hash {before}"), format!("a text of {} lines", new.lines().count()));
    }
    if !old.contains('\n') && !new.contains('\n') {
        return if before.is_empty() {
            Body::Added(inline(&Value::from(after)))
        } else if after.is_empty() {
            Body::Removed(inline(&Value::from(before)))
        } else {
            Body::Becomes(inline(&Value::from(before)), inline(&Value::from(after)))
        };
    }
    lines(old, new)
}

/// Terraform's provider keeps the SHA-1 of `user_data` in the state, not the text.
fn is_hash(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The text behind base64, and behind gzip where that is what it holds, in attributes that are known to be encoded.
fn decoded(path: &str, text: &str) -> Option<String> {
    let name = path.rsplit('.').next().unwrap_or(path);
    if !(name.ends_with("base64") || name == "user_data") {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.trim()).ok()?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        use std::io::Read as _;
        let mut out = String::new();
        // Nobody reads more than this, and a small text can unpack to anything.
        flate2::read::GzDecoder::new(bytes.as_slice()).take(1 << 20).read_to_string(&mut out).ok()?;
        return Some(out);
    }
    String::from_utf8(bytes).ok()
}

fn lines(before: &str, after: &str) -> Body {
    let diff = TextDiff::from_lines(before, after);
    let (mut items, mut plus, mut minus) = (vec![], 0, 0);
    for (i, group) in diff.grouped_ops(1).iter().enumerate() {
        if i > 0 {
            items.push(Item::new(Sign::Same, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Equal => Sign::Same,
                ChangeTag::Delete => Sign::Minus,
                ChangeTag::Insert => Sign::Plus,
            };
            plus += usize::from(sign == Sign::Plus);
            minus += usize::from(sign == Sign::Minus);
            items.push(Item::new(sign, change.value().trim_end_matches(['\n', '\r']).replace('\t', "    ")));
        }
    }
    Body::Lines(format!("+{plus} -{minus} lines"), items)
}

fn new_text(path: &str, text: &str) -> Body {
    if let Some(document) = document::parse(text) {
        return match document::whole(&document).as_slice() {
            [one] if one.danger.is_none() => Body::Is(one.text.clone()),
            items => Body::Items(items.to_vec()),
        };
    }
    let decoded = decoded(path, text);
    let text = decoded.as_deref().unwrap_or(text);
    let all: Vec<&str> = text.lines().collect();
    if all.len() < 2 {
        return Body::Is(inline(&Value::from(text)));
    }
    let mut items: Vec<Item> = all.iter().take(HEAD).map(|line| Item::new(Sign::Same, line.replace('\t', "    "))).collect();
    if all.len() > HEAD {
        items.push(Item::new(Sign::Same, "…"));
    }
    Body::Lines(format!("{} lines", all.len()), items)
}
