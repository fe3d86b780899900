//! `.tf.json` files: Terraform's JSON syntax, which is what TOML spells, every value with its place.

use std::fmt;
use std::sync::Arc;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::raw::{Entry, Raw, RawKind};
use super::tf::labels;
use crate::words::{Diagnostic, Diagnostics, Number, Result, Source, Span, Value};

/// The deepest nesting.
const DEPTH: usize = 100;

/// The property of a block that Terraform takes for a comment.
const COMMENT: &str = "//";

/// A value as it is written, members in their order.
#[derive(Clone, Debug)]
pub enum Ordered {
    /// `null`
    Null,
    /// A text.
    Text(String),
    /// A number or a truth, as it stands there.
    Plain(String),
    /// An array.
    List(Vec<Ordered>),
    /// An object.
    Table(Vec<(String, Ordered)>),
}

impl Ordered {
    fn of(raw: &Raw) -> Self {
        match &raw.kind {
            RawKind::Text(text) => Self::Text(text.to_string()),
            RawKind::List(items) => Self::List(items.iter().map(Self::of).collect()),
            RawKind::Table(entries) => Self::Table(entries.iter().map(|e| (e.key.to_string(), Self::of(&e.value))).collect()),
            RawKind::Plain(Value::Null) => Self::Null,
            _ => Self::Plain(raw.span.source.text.get(raw.span.range()).unwrap_or_default().to_owned()),
        }
    }
}

/// What a file holds, for whoever spells it otherwise.
pub fn ordered(source: &Arc<Source>) -> Result<Vec<(String, Ordered)>> {
    Ok(values(source)?.iter().map(|entry| (entry.key.to_string(), Ordered::of(&entry.value))).collect())
}

/// Reads a file with blocks.
pub(super) fn parse(source: &Arc<Source>) -> Result<Vec<Entry>> {
    let mut errors = Diagnostics::default();
    let mut blocks = vec![];
    for entry in values(source)?.into_iter().filter(|e| &*e.key != COMMENT) {
        let depth = labels(&entry.key).map_or(0, <[_]>::len);
        unfold(entry, depth, &mut blocks);
    }
    // A name may be there several times, once for each block; the argument of a block may not.
    for block in &blocks {
        twice(&block.value, labels(&block.key).map_or(0, <[_]>::len), &mut errors);
    }
    errors.unless_errors(blocks)
}

/// Reads a file that holds an object.
pub(super) fn values(source: &Arc<Source>) -> Result<Vec<Entry>> {
    let whole: &RawValue = serde_json::from_str(&source.text).map_err(|e| broken(source, &e))?;
    let mut errors = Diagnostics::default();
    let raw = Reader { source, errors: &mut errors }.raw(whole, 0);
    errors.unless_errors(())?;
    match raw.kind {
        RawKind::Table(entries) => Ok(entries),
        _ => {
            let error = Diagnostic::error(format!("the file `{}` must hold an object: {{\"name\": value}}", source.name));
            Err(error.at(&raw.span, format!("this is {}", raw.kind())).into())
        }
    }
}

/// What the parser refused, at its place.
fn broken(source: &Arc<Source>, e: &serde_json::Error) -> Diagnostic {
    let line_start: usize = source.text.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
    let at = super::place::boundary(&source.text, line_start + e.column().saturating_sub(1));
    let why = e.to_string();
    let why = why.rfind(" at line ").map_or(&*why, |end| &why[..end]);
    let error = Diagnostic::error("the file is no valid JSON").at(&Span::new(source, at..at + 1), why);
    let before = source.text.get(..at).unwrap_or_default().trim_end();
    match before.chars().last() {
        Some(',') if source.text[at..].trim_start().starts_with(['}', ']']) => {
            error.help("JSON wants no comma behind the last one: take it away")
        }
        _ if before.ends_with('/') || source.text[at..].starts_with(['/', '#']) => {
            error.help("JSON has no comments; Terraform takes a property named \"//\" for one")
        }
        _ => error,
    }
}

/// `{"a": [{"b": {}}, {"c": {}}]}` stands for `a "b" {}` and `a "c" {}`: a list may stand wherever labels or blocks do.
fn unfold(entry: Entry, depth: usize, made: &mut Vec<Entry>) {
    let Entry { key, at, value } = entry;
    match value.kind {
        // Several blocks; those of `provider` differ in their alias.
        RawKind::List(items) if items.iter().all(|i| matches!(i.kind, RawKind::Table(_))) => {
            items.into_iter().for_each(|value| unfold(Entry { key: key.clone(), at: at.clone(), value }, depth, made));
        }
        RawKind::Table(entries) if depth > 0 => {
            let mut inner = vec![];
            entries.into_iter().filter(|e| &*e.key != COMMENT).for_each(|e| unfold(e, depth - 1, &mut inner));
            made.push(Entry { key, at, value: Raw { kind: RawKind::Table(inner), span: value.span } });
        }
        RawKind::Table(mut entries) => {
            entries.retain(|e| &*e.key != COMMENT);
            made.push(Entry { key, at, value: Raw { kind: RawKind::Table(entries), span: value.span } });
        }
        kind => made.push(Entry { key, at, value: Raw { kind, span: value.span } }),
    }
}

/// Complains about an argument that is there twice, behind that many labels.
fn twice(raw: &Raw, labels: usize, errors: &mut Diagnostics) {
    let RawKind::Table(entries) = &raw.kind else { return };
    if labels > 0 {
        return entries.iter().for_each(|e| twice(&e.value, labels - 1, errors));
    }
    let mut seen = std::collections::HashMap::with_capacity(entries.len());
    for entry in entries {
        if let Some(first) = seen.insert(&entry.key, &entry.at) {
            let error = Diagnostic::error(format!("`{}` is there twice", entry.key)).at(&entry.at, "the second one");
            errors.push(error.help(format!("the first one is at {first}; keep one of them, or make an array of blocks")));
        }
    }
}

struct Reader<'a> {
    source: &'a Arc<Source>,
    errors: &'a mut Diagnostics,
}

impl Reader<'_> {
    /// A part of the source by where it lies in memory: what serde lends is a slice of it.
    fn span(&self, text: &str) -> Span {
        let start = (text.as_ptr() as usize).saturating_sub(self.source.text.as_ptr() as usize);
        Span::new(self.source, start..start + text.len())
    }

    fn raw(&mut self, value: &RawValue, depth: usize) -> Raw {
        let text = value.get();
        let span = self.span(text);
        if depth > DEPTH {
            self.errors.push(Diagnostic::error("the nesting is too deep").at(&span, format!("more than {DEPTH} levels")));
            return Raw { kind: RawKind::Plain(Value::Null), span };
        }
        // All of it was read once already: nothing of this can fail.
        let kind = match text.as_bytes().first() {
            Some(b'{') => RawKind::Table(self.entries(serde_json::from_str::<Pairs<'_>>(text).unwrap_or_default(), depth)),
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(text).unwrap_or_default();
                RawKind::List(items.into_iter().map(|item| self.raw(item, depth + 1)).collect())
            }
            Some(b'"') => match serde_json::from_str::<String>(text) {
                Ok(text) => RawKind::Text(text.into()),
                Err(why) => {
                    self.errors.push(Diagnostic::error("this is no text").at(&span, why.to_string()));
                    RawKind::Plain(Value::Null)
                }
            },
            Some(b't' | b'f') => RawKind::Plain(Value::Bool(text == "true")),
            Some(b'n') => RawKind::Plain(Value::Null),
            _ => RawKind::Plain(Number::parse(text).map_or_else(|| Value::from(text), Value::Number)),
        };
        Raw { kind, span }
    }

    fn entries(&mut self, pairs: Pairs<'_>, depth: usize) -> Vec<Entry> {
        let mut made = Vec::with_capacity(pairs.0.len());
        for (key, value) in pairs.0 {
            let value = self.raw(value, depth + 1);
            let at = self.key(value.span.start as usize);
            made.push(Entry { key: key.into(), at, value });
        }
        made
    }

    /// The key before the value that begins there, quotes included.
    fn key(&self, value: usize) -> Span {
        let before = self.source.text[..value].trim_end().strip_suffix(':').unwrap_or_default().trim_end();
        let inside = before.strip_suffix('"').unwrap_or(before);
        let mut start = inside.len();
        // The nearest quote before it without a backslash.
        while let Some(at) = inside[..start].rfind('"') {
            start = at;
            let slashes = inside[..at].len() - inside[..at].trim_end_matches('\\').len();
            if slashes.is_multiple_of(2) {
                break;
            }
        }
        Span::new(self.source, start..before.len())
    }
}

/// The members of an object in their order, one that is there twice included.
#[derive(Default)]
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Self::Value, A::Error> {
                let mut found = vec![];
                while let Some(pair) = map.next_entry()? {
                    found.push(pair);
                }
                Ok(Pairs(found))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(raw: &Raw) -> String {
        let cut = |span: &Span| span.source.text[span.range()].to_owned();
        match &raw.kind {
            RawKind::Table(entries) => entries.iter().map(|e| format!("{}={};", cut(&e.at), shown(&e.value))).collect(),
            RawKind::List(items) => items.iter().map(|i| format!("[{}]", shown(i))).collect(),
            _ => cut(&raw.span),
        }
    }

    fn read(text: &str) -> Result<String> {
        parse(&Source::new("x.tf.json", text))
            .map(|all| all.iter().map(|e| format!("{}:{}", e.key, shown(&e.value))).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn every_value_knows_its_place() {
        let text = "{\"locals\": {\"a\": 1.50, \"b\\\"x\" : \"é\\u0041\", \"c\":[true, null]}}";
        assert_eq!(read(text).unwrap(), r#"locals:"a"=1.50;"b\"x"="é\u0041";"c"=[true][null];"#);
    }

    #[test]
    fn lists_stand_for_several_blocks() {
        let text = r#"{"//": "words", "provider": {"aws": [{"alias": "a"}, {"alias": "b"}]}, "resource": [{"t": {"a": {}}}, {"t": [{"b": {}}, {"c": {}}]}]}"#;
        let blocks = read(text).unwrap();
        assert_eq!(blocks.matches("resource:").count(), 2, "{blocks}");
        for name in ["\"a\"", "\"b\"", "\"c\""] {
            assert!(blocks.contains(name), "{blocks}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let wrong = |text: &str| read(text).unwrap_err().to_string();
        assert!(wrong("{\"locals\": {\"a\": 1, \"a\": 2}}").contains("x.tf.json:1:21"));
        assert!(wrong("{\"locals\": {\"a\": 1,}}").contains("no comma"));
        assert!(wrong("{\n // words\n}").contains("no comments"));
        assert!(wrong("[]").contains("must hold an object"));
        assert!(wrong(&format!("{{\"a\": {}{}}}", "[".repeat(120), "]".repeat(120))).contains("too deep"));
        assert!(wrong("").contains("no valid JSON"));
    }
}
