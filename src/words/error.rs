//! What went wrong, where, and what to do about it.

use std::fmt;

use super::source::Span;

/// Whether it stops the command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Stops the command.
    Error,
    /// Is told, and the command goes on.
    Warning,
}

/// One finding: a sentence, the place that is to blame, facts, and what to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Diagnostic {
    /// Error or warning.
    pub severity: Severity,
    /// One line, no full stop, that names the thing and what is wrong with it.
    pub summary: String,
    /// The place to blame, and the words to write under it.
    pub label: Option<(Span, String)>,
    /// Facts as pairs (`operation`, `code`, `state`...), shown a line each.
    pub facts: Vec<(&'static str, String)>,
    /// What to do, one line each.
    pub help: Vec<String>,
}

impl Diagnostic {
    /// An error with that summary.
    pub fn error(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Error, summary: summary.into(), label: None, facts: vec![], help: vec![] }
    }

    /// A warning with that summary.
    pub fn warning(summary: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(summary) }
    }

    /// Points at the place; an empty label underlines without words.
    #[must_use]
    pub fn at(mut self, span: &Span, label: impl Into<String>) -> Self {
        self.label = Some((span.clone(), label.into()));
        self
    }

    /// Points at the place where there is one and none is named yet.
    #[must_use]
    pub fn or_at(mut self, span: Option<&Span>) -> Self {
        if self.label.is_none() {
            self.label = span.map(|span| (span.clone(), String::new()));
        }
        self
    }

    /// Adds a fact.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }

    /// Adds what to write, in the spelling of the file that is to blame: in TOML, or as `.tf` files have it.
    #[must_use]
    pub fn write(self, toml: impl Into<String>, tf: impl Into<String>) -> Self {
        let in_tf = self.label.as_ref().is_some_and(|(span, _)| span.source.is_tf());
        if in_tf { self.help(tf) } else { self.help(toml) }
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.summary)?;
        if let Some((span, label)) = &self.label {
            write!(f, " ({span}")?;
            if !label.is_empty() {
                write!(f, ": {label}")?;
            }
            f.write_str(")")?;
        }
        for (name, value) in &self.facts {
            write!(f, "; {name}: {value}")?;
        }
        for help in &self.help {
            write!(f, "; help: {help}")?;
        }
        Ok(())
    }
}

/// Findings that together ended something; at least one of them is an error.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// Adds another.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds those of a failed result, and gives the value of a good one.
    pub fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|more| self.0.extend(more.0)).ok()
    }

    /// Whether one of them is an error.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|d| d.severity == Severity::Error)
    }

    /// `value`, unless there is an error among them.
    pub fn unless_errors<T>(self, value: T) -> Result<T> {
        if self.has_errors() { Err(self) } else { Ok(value) }
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, diagnostic) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}

/// What everything that can fail for a reason that a user should read gives.
pub type Result<T, E = Diagnostics> = std::result::Result<T, E>;

/// The one of `known` that is so near to `given` that it may have been meant.
pub fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let best = known.into_iter().map(|name| (strsim::damerau_levenshtein(given, name), name)).min_by_key(|(far, _)| *far)?;
    (best.0 <= 1 + given.chars().count() / 4).then_some(best.1)
}
