//! The format of TOML, in five rules: line breaks are the writer's; one space around `=` and after `,`, none around the dots of a key;
//! what is in brackets over several lines is indented by four spaces; no more than one empty line, and none at either end; no space
//! before a line's end. Texts and comments stay as they are.

use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// How far brackets indent.
const STEP: usize = 4;

/// The text in its format. It must be one that parses.
pub(super) fn format(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut writer = Writer { out: String::with_capacity(text.len()), open: vec![], line: vec![], empty: 0 };
    for token in Source::new(text).lex() {
        let kind = token.kind();
        let span = token.span();
        match kind {
            TokenKind::Whitespace | TokenKind::Eof => {}
            TokenKind::Newline => writer.end(),
            kind => writer.line.push((kind, &text[span.start()..span.end()])),
        }
    }
    writer.end();
    writer.out
}

struct Writer<'a> {
    out: String,
    /// For each line that left brackets open, how many.
    open: Vec<usize>,
    line: Vec<(TokenKind, &'a str)>,
    /// Empty lines since the last one with something on it.
    empty: usize,
}

impl Writer<'_> {
    /// Writes the line that was gathered.
    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        let Some((first, _)) = line.first() else {
            self.empty += 1;
            return;
        };
        if self.empty > 0 && !self.out.is_empty() {
            self.out.push('\n');
        }
        self.empty = 0;
        let header = self.open.is_empty() && *first == TokenKind::LeftSquareBracket;
        // What closes on this line is indented like what it closes, if it stands first.
        let (mut opened, mut closed) = (0usize, 0usize);
        for (kind, _) in &line {
            match kind {
                TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => opened += 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket if opened > 0 => opened -= 1,
                TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => closed += 1,
                _ => {}
            }
        }
        let closes_first = matches!(first, TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket);
        let before = self.open.len();
        while let Some(last) = self.open.last_mut().filter(|_| closed > 0) {
            if *last > closed {
                *last -= closed;
                break;
            }
            closed -= *last;
            self.open.pop();
        }
        let levels = if closes_first { self.open.len() } else { before };
        if opened > 0 {
            self.open.push(opened);
        }
        self.out.extend(std::iter::repeat_n(' ', STEP * levels));
        for (i, (kind, text)) in line.iter().enumerate() {
            if i > 0 && apart(line[i - 1].0, *kind, header) {
                self.out.push(' ');
            }
            self.out.push_str(if *kind == TokenKind::Comment { text.trim_end() } else { text });
        }
        self.out.push('\n');
    }
}

/// Whether a space stands between two tokens.
fn apart(left: TokenKind, right: TokenKind, header: bool) -> bool {
    use TokenKind::{Comma, Comment, Dot, LeftCurlyBracket, LeftSquareBracket, RightCurlyBracket, RightSquareBracket};
    match (left, right) {
        (_, Comment) => true,
        _ if header => false,
        (Dot, _) | (_, Dot | Comma) => false,
        (LeftCurlyBracket, RightCurlyBracket) => false,
        (LeftSquareBracket, _) | (_, RightSquareBracket) => false,
        (LeftCurlyBracket, _) | (_, RightCurlyBracket) => true,
        _ => true,
    }
}
