//! Where a piece of text lies in its file, when escapes make the one differ from the other.

use std::ops::Range;
use std::sync::Arc;

use crate::words::{Source, Span};

/// A decoded text and its place in a source.
pub(super) struct Place {
    source: Arc<Source>,
    /// Of the raw text, delimiters included.
    whole: Range<usize>,
    /// Offsets of the decoded text, each with the raw offset where the bytes after it begin; in order. Between two, both run alike.
    marks: Vec<(usize, usize)>,
    /// Whether a range of the decoded text can be found again.
    exact: bool,
    /// The decoded text, where it is not the source as it is.
    decoded: Option<Arc<str>>,
}

impl Place {
    /// A source as it is.
    pub(super) fn of(source: &Arc<Source>) -> Self {
        Self { source: source.clone(), whole: 0..source.text.len(), marks: vec![(0, 0)], exact: true, decoded: None }
    }

    /// A TOML string, quotes included, that decodes to `text`.
    pub(super) fn toml(source: &Arc<Source>, whole: Range<usize>, text: &str) -> Self {
        let raw = source.text.get(whole.clone()).unwrap_or_default();
        match decode(raw) {
            Some((decoded, mut marks)) if decoded == text => {
                for (_, raw) in &mut marks {
                    *raw += whole.start;
                }
                Self { source: source.clone(), whole, marks, exact: true, decoded: text.contains("<<-").then(|| text.into()) }
            }
            _ => Self { source: source.clone(), whole, marks: vec![], exact: false, decoded: None },
        }
    }

    /// The decoded text, where there may be heredocs in it.
    pub(super) fn text(&self) -> Option<&str> {
        let plain = || (self.exact && self.marks == [(0, 0)]).then_some(&*self.source.text);
        self.decoded.as_deref().or_else(plain)
    }

    /// A part of the decoded text without some of its white space; `cuts` are offsets of what is left, each with that in the decoded
    /// text where the bytes after it begin.
    pub(super) fn flushed(&self, cuts: &[(usize, usize)]) -> Self {
        let mut marks = vec![];
        for (i, (at, from)) in cuts.iter().enumerate() {
            let until = cuts.get(i + 1).map_or(usize::MAX, |(next, _)| from + (next - at));
            marks.push((*at, self.raw(*from)));
            let within = self.marks.iter().filter(|(decoded, _)| from < decoded && *decoded < until);
            marks.extend(within.map(|(decoded, raw)| (at + decoded - from, *raw)));
        }
        Self { source: self.source.clone(), whole: self.whole.clone(), marks, exact: true, decoded: None }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Span {
        Span::new(&self.source, self.whole.clone())
    }

    /// A range of the decoded text.
    pub(super) fn span(&self, range: Option<Range<usize>>) -> Span {
        match range {
            Some(range) if self.exact => {
                let start = self.raw(range.start);
                // The end is that of the last byte, which may be an escape.
                let end = if range.end > range.start { self.raw(range.end - 1) + 1 } else { start };
                Span::new(&self.source, boundary(&self.source.text, start)..ceiling(&self.source.text, end.max(start)))
            }
            _ => self.whole(),
        }
    }

    fn raw(&self, decoded: usize) -> usize {
        let after = self.marks.partition_point(|(d, _)| *d <= decoded);
        match after.checked_sub(1).and_then(|i| self.marks.get(i)) {
            Some((d, raw)) => (raw + decoded - d).min(self.whole.end),
            None => self.whole.start,
        }
    }
}

/// The start of the character that this byte belongs to.
pub(super) fn boundary(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The end of the character that the byte before this one belongs to.
fn ceiling(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// Decodes a raw TOML string as far as needed to know which byte came from where.
fn decode(raw: &str) -> Option<(String, Vec<(usize, usize)>)> {
    let (delimiter, escapes) = match raw.as_bytes() {
        [b'"', b'"', b'"', ..] if raw.len() >= 6 => (3, true),
        [b'\'', b'\'', b'\'', ..] if raw.len() >= 6 => (3, false),
        [b'"', ..] if raw.len() >= 2 => (1, true),
        [b'\'', ..] if raw.len() >= 2 => (1, false),
        _ => return None,
    };
    let mut at = delimiter;
    let end = raw.len() - delimiter;
    if delimiter == 3 && raw[at..].starts_with('\n') {
        at += 1;
    }
    if at > end {
        return None;
    }
    let mut text = String::with_capacity(end - at);
    let mut marks = vec![(0, at)];
    if !escapes {
        text.push_str(&raw[at..end]);
        return Some((text, marks));
    }
    while let Some(next) = raw[at..end].find('\\') {
        text.push_str(&raw[at..at + next]);
        at += next;
        let rest = &raw[at + 1..end];
        let kind = rest.chars().next()?;
        let (decoded, long) = match kind {
            'b' => (Some('\u{8}'), 1),
            't' => (Some('\t'), 1),
            'n' => (Some('\n'), 1),
            'f' => (Some('\u{c}'), 1),
            'r' => (Some('\r'), 1),
            'e' => (Some('\u{1b}'), 1),
            '"' | '\\' => (Some(kind), 1),
            'x' | 'u' | 'U' => {
                let digits = match kind {
                    'x' => 2,
                    'u' => 4,
                    _ => 8,
                };
                let code = u32::from_str_radix(rest.get(1..=digits)?, 16).ok()?;
                (Some(char::from_u32(code)?), 1 + digits)
            }
            // A line that goes on: all white space up to the next text goes.
            _ => (None, rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len()),
        };
        if decoded.is_none() && long == 0 {
            return None;
        }
        if let Some(c) = decoded {
            marks.push((text.len(), at));
            text.push(c);
        }
        at += 1 + long;
        marks.push((text.len(), at));
    }
    text.push_str(&raw[at..end]);
    Some((text, marks))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'a>(raw: &'a str, decoded: &str, part: &str) -> &'a str {
        let source = Source::new("x", raw);
        let place = Place::toml(&source, 0..raw.len(), decoded);
        assert!(place.exact, "{raw}");
        let at = decoded.find(part).unwrap();
        &raw[place.span(Some(at..at + part.len())).range()]
    }

    #[test]
    fn parts_of_strings_are_found_behind_escapes() {
        assert_eq!(cut(r#""a ${b} c""#, "a ${b} c", "${b}"), "${b}");
        assert_eq!(cut(r#""\tx \"${b}\" c""#, "\tx \"${b}\" c", "${b}"), "${b}");
        assert_eq!(cut("'''\nline ${b}'''", "line ${b}", "${b}"), "${b}");
        assert_eq!(cut("\"\"\"\na \\\n   ${b}\"\"\"", "a ${b}", "${b}"), "${b}");
        assert_eq!(cut(r#""\u00e9 ${b}""#, "é ${b}", "${b}"), "${b}");
    }
}
