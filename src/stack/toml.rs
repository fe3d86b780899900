//! `.toml` files, every value with its place.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::raw::{Entry, Raw, RawKind};
use crate::words::{Diagnostic, Diagnostics, Number, Result, Source, Span, Value};

/// Reads a file.
pub(super) fn parse(source: &Arc<Source>) -> Result<Vec<Entry>> {
    if let Some(at) = endless_key(&source.text) {
        let error = Diagnostic::error("this key has too many parts").at(&Span::new(source, at..at + 1), format!("more than {PARTS}"));
        return Err(error.into());
    }
    let (table, wrong) = DeTable::parse_recoverable(&source.text);
    let mut errors = Diagnostics::default();
    // Where a table is there twice, so is each of its keys: they are not to blame.
    let mut within = None;
    // The parser goes on after each; what it finds in the end says more of the first than of the file, and each takes a look at the whole.
    for e in wrong.into_iter().take(ERRORS) {
        let span = e.span().unwrap_or(0..0);
        let twice = e.message().trim_end_matches(['\n', '.']) == "duplicate key";
        let headers = source.text[..span.start.min(source.text.len())].matches("\n[").count();
        let is_header = line(&source.text, span.start).trim_start().starts_with('[');
        if twice && is_header {
            within = Some(headers);
        } else if twice && within == Some(headers) {
            continue;
        }
        errors.push(told(source, span, e.message().trim_end_matches(['\n', '.']), twice, is_header));
    }
    let found = Reader { source, errors: &mut errors }.entries(table.get_ref(), 0);
    errors.unless_errors(found)
}

/// The line that holds the byte at that offset.
fn line(text: &str, at: usize) -> &str {
    let at = (0..=at.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
    text[start..].split('\n').next().unwrap_or_default()
}

fn told(source: &Arc<Source>, range: Range<usize>, why: &str, twice: bool, is_header: bool) -> Diagnostic {
    let span = Span::new(source, range.clone());
    let here = line(&source.text, range.start).trim();
    if twice {
        let name = if is_header { here } else { source.text.get(range).unwrap_or_default() };
        let error = Diagnostic::error(format!("`{name}` is there twice")).at(&span, "the second one");
        let first = source.text.lines().position(|l| is_header && l.trim() == here);
        return match first {
            Some(first) => error.help(format!("the first one is at {}:{}; give one of them another name", source.name, first + 1)),
            None => error.help("keep one of them"),
        };
    }
    let error = Diagnostic::error("the file is no valid TOML").at(&span, why);
    // `"${f("x")}"`: the second quote ends the string.
    let before = source.text.get(..range.start).unwrap_or_default().rsplit('\n').next().unwrap_or_default();
    let open = before.rfind("${").is_some_and(|at| before.trim_end().ends_with('"') && !before[at..].contains('}'));
    if open { error.help("a `\"` within `\"...\"` ends the string: write it in single quotes, '${file(\"name\")}'") } else { error }
}

/// Where a dotted key of absurdly many parts begins: a tree so deep that to walk it would exhaust the stack.
fn endless_key(text: &str) -> Option<usize> {
    let of_key = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | '.' | ' ' | '\t');
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        if line.len() > 2 * PARTS {
            let key = line.trim_start_matches(['[', ' ', '\t']);
            let key = &key[..key.find(|c| !of_key(c)).unwrap_or(key.len())];
            if key.split('.').filter(|part| !part.trim().is_empty()).count() > PARTS {
                return Some(start);
            }
        }
        start += line.len();
    }
    None
}

/// The most errors of one file that are told.
const ERRORS: usize = 50;
/// The most parts of a dotted key that the parser is given.
const PARTS: usize = 500;
/// The deepest nesting of tables and arrays.
const DEPTH: usize = 100;

struct Reader<'a> {
    source: &'a Arc<Source>,
    errors: &'a mut Diagnostics,
}

impl Reader<'_> {
    fn entries(&mut self, table: &DeTable<'_>, depth: usize) -> Vec<Entry> {
        let mut made = Vec::with_capacity(table.len());
        for (key, value) in table {
            let at = Span::new(self.source, key.span());
            made.push(Entry { key: key.get_ref().as_ref().into(), at, value: self.raw(value, depth) });
        }
        made
    }

    fn raw(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) -> Raw {
        let span = Span::new(self.source, value.span());
        let plain = |text: &str| Number::parse(text).map_or_else(|| Value::from(text), Value::Number);
        let kind = match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if depth >= DEPTH => {
                self.errors.push(Diagnostic::error("the nesting is too deep").at(&span, format!("more than {DEPTH} levels")));
                RawKind::Plain(Value::Null)
            }
            DeValue::String(text) => RawKind::Text(text.as_ref().into()),
            DeValue::Integer(n) if n.radix() == 10 => RawKind::Plain(plain(n.as_str())),
            DeValue::Integer(n) => {
                RawKind::Plain(i64::from_str_radix(n.as_str(), n.radix()).map_or_else(|_| Value::from(n.as_str()), Value::from))
            }
            DeValue::Float(n) => RawKind::Plain(plain(n.as_str())),
            DeValue::Boolean(b) => RawKind::Plain(Value::Bool(*b)),
            DeValue::Datetime(d) => RawKind::Plain(Value::from(d.to_string())),
            DeValue::Array(items) => RawKind::List(items.iter().map(|v| self.raw(v, depth + 1)).collect()),
            DeValue::Table(table) => RawKind::Table(self.entries(table, depth + 1)),
        };
        Raw { kind, span }
    }
}
