//! Texts that users wrote, and places in them.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// A text with the name under which the user knows it.
#[derive(PartialEq, Eq)]
pub struct Source {
    /// The path as the user would type it, or a word such as `<value for --var region>`.
    pub name: String,
    /// The whole text.
    pub text: Arc<str>,
}

impl Source {
    /// A source of that name and text.
    pub fn new(name: impl Into<String>, text: impl Into<Arc<str>>) -> Arc<Self> {
        Arc::new(Self { name: name.into(), text: text.into() })
    }

    /// Whether it is a file in Terraform's own spelling.
    #[must_use]
    pub fn is_tf(&self) -> bool {
        let ends = |end: &str| {
            self.name.len() >= end.len() && self.name.as_bytes()[self.name.len() - end.len()..].eq_ignore_ascii_case(end.as_bytes())
        };
        ends(".tf") || ends(".tfvars")
    }

    /// Line and column, both from 1, of a byte offset; the column counts characters.
    #[must_use]
    pub fn position(&self, offset: usize) -> (usize, usize) {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({})", self.name)
    }
}

/// A range of bytes in a source.
#[derive(Clone, PartialEq, Eq)]
pub struct Span {
    /// The text that it lies in.
    pub source: Arc<Source>,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The range of bytes of that source.
    #[must_use]
    pub fn new(source: &Arc<Source>, range: Range<usize>) -> Self {
        let clamp = |at: usize| u32::try_from(at.min(source.text.len())).unwrap_or(u32::MAX);
        Self { source: source.clone(), start: clamp(range.start), end: clamp(range.end) }
    }

    /// The range in bytes.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, column) = self.source.position(self.start as usize);
        write!(f, "{}:{line}:{column}", self.source.name)
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
