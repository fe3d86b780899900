//! Lines of text whose parts have a role. The role becomes a colour at the very end, or nothing: width never depends on it.

use anstyle::{AnsiColor, Color, Style};
use unicode_width::UnicodeWidthStr;

use super::inline::UNKNOWN;

/// What a part of a line stands for. No meaning rests on it alone: the words and signs say the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Nothing special.
    Plain,
    /// A heading or name.
    Strong,
    /// It is new.
    New,
    /// It changes.
    Changed,
    /// It goes.
    Gone,
    /// It is replaced.
    Replaced,
    /// It stays as it is, or matters less.
    Dim,
    /// It is dangerous.
    Danger,
}

impl Role {
    fn style(self) -> Style {
        let colour = |colour: AnsiColor| Style::new().fg_color(Some(Color::Ansi(colour)));
        match self {
            Self::Plain => Style::new(),
            Self::Strong => Style::new().bold(),
            Self::New => colour(AnsiColor::Green),
            Self::Changed => colour(AnsiColor::Yellow),
            Self::Gone => colour(AnsiColor::Red),
            Self::Replaced => colour(AnsiColor::Magenta),
            Self::Dim => Style::new().dimmed(),
            Self::Danger => colour(AnsiColor::Red).bold(),
        }
    }
}

/// How wide, and whether in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// Columns; never below 40 in effect.
    pub width: usize,
    /// Whether roles become colours.
    pub colour: bool,
}

impl Look {
    /// 80 columns without colour: what logs and files get.
    pub const PLAIN: Self = Self { width: 80, colour: false };

    /// The text in that role's colour, if colours are wanted.
    #[must_use]
    pub fn paint(self, role: Role, text: &str) -> String {
        let style = role.style();
        if self.colour && role != Role::Plain && !text.trim().is_empty() { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }
}

/// One line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line(Vec<(Role, String)>);

impl Line {
    /// An indented line with nothing on it yet.
    #[must_use]
    pub fn indented(by: usize) -> Self {
        Self::default().with(Role::Plain, " ".repeat(by))
    }

    /// The same and that text.
    #[must_use]
    pub fn with(mut self, role: Role, text: impl Into<String>) -> Self {
        self.push(role, text);
        self
    }

    /// Adds that text.
    pub fn push(&mut self, role: Role, text: impl Into<String>) {
        let text = text.into();
        if !text.is_empty() {
            self.0.push((role, text));
        }
    }

    /// Adds spaces up to that column; two at least, unless nothing is there yet.
    pub fn pad(&mut self, column: usize) {
        let at = self.width();
        let gap = if at == 0 { column } else { column.saturating_sub(at).max(2) };
        self.push(Role::Plain, " ".repeat(gap));
    }

    /// How many columns it takes.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.iter().map(|(_, text)| text.width()).sum()
    }

    /// As a text, trailing spaces left out.
    #[must_use]
    pub fn show(&self, look: Look) -> String {
        let mut parts = self.0.as_slice();
        while let [rest @ .., (_, last)] = parts
            && last.trim().is_empty()
        {
            parts = rest;
        }
        let last = parts.len().saturating_sub(1);
        let text = |(i, (role, text)): (usize, &(Role, String))| look.paint(*role, if i == last { text.trim_end() } else { text });
        parts.iter().enumerate().map(text).collect()
    }
}

/// Lines as one text, each ended by a newline.
#[must_use]
pub fn show(lines: &[Line], look: Look) -> String {
    lines.iter().map(|line| line.show(look) + "\n").collect()
}

/// Stands for a space at which no line may break; in no text, since control characters are shown as escapes.
const GLUE: &str = "\u{1f}";

/// Text broken at spaces so that each line has at most that many columns; words that are longer stay whole. So does
/// `(known after apply)`, and no line begins with a bracket that closes.
#[must_use]
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = vec![];
    let text = text.replace(UNKNOWN, &UNKNOWN.replace(' ', GLUE)).replace(" }", &format!("{GLUE}}}"));
    for word in text.split(' ') {
        let word = &word.replace(GLUE, " ");
        match lines.last_mut() {
            Some(line) if line.width() + 1 + word.width() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// At most that many columns of the text, the rest as an ellipsis.
#[must_use]
pub fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > width {
            break;
        }
        kept.push(c);
    }
    kept + "…"
}

/// `1 warning`, `2 warnings`.
#[must_use]
pub fn count(n: usize, word: &str) -> String {
    if n == 1 { format!("1 {word}") } else { format!("{n} {word}s") }
}
