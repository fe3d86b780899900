//! The tokens of a `.tf` file, comments and line ends among them: what a formatter moves, and what tells of a bracket that is not closed.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A name.
    Ident,
    /// A number.
    Number,
    /// `"` that begins a text.
    OpenQuote,
    /// `"` that ends it.
    CloseQuote,
    /// What stands in quotes.
    Quoted,
    /// `<<EOT` with its line end.
    OpenHeredoc,
    /// A line of a heredoc, or a part of one.
    Line,
    /// The word that ends a heredoc, with the white space before it.
    CloseHeredoc,
    /// `${` or `%{`, with its `~`.
    OpenTemplate,
    /// The `}` that ends those, with its `~`.
    CloseTemplate,
    /// `{`, `[` or `(`.
    Open(u8),
    /// `}`, `]` or `)`.
    Close(u8),
    /// The end of a line.
    Newline,
    /// A comment, with its line end where it goes up to there.
    Comment,
    /// Any other sign, as it is written.
    Sign,
}

/// A token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub text: &'a str,
    /// Where it begins.
    pub at: usize,
}

impl Token<'_> {
    /// Whether a line ends with it.
    #[must_use]
    pub fn ends_line(&self) -> bool {
        self.kind == Kind::Newline || (self.kind == Kind::Comment && self.text.ends_with('\n'))
    }

    /// By how many brackets it goes in or out.
    #[must_use]
    pub fn bracket(&self) -> i32 {
        match self.kind {
            Kind::Open(_) | Kind::OpenTemplate => 1,
            Kind::Close(_) | Kind::CloseTemplate => -1,
            _ => 0,
        }
    }

    /// Whether it is that sign.
    #[must_use]
    pub fn is(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }
}

/// Where the scanner is.
enum Mode<'a> {
    /// Among blocks and expressions; `inside` a template, with the brackets that are open since.
    Normal {
        template: bool,
        braces: usize,
    },
    Quote,
    Heredoc {
        marker: &'a str,
        line_start: bool,
    },
}

/// Signs of more than one character, longest first.
const SIGNS: &[&str] = &["...", "::", "==", "!=", "<=", ">=", "=>", "&&", "||"];

/// The tokens of a text. Any text has some: what is no token of the language is a sign.
#[must_use]
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut scanner = Scanner { text, at: 0, modes: vec![Mode::Normal { template: false, braces: 0 }], found: vec![] };
    while scanner.at < text.len() {
        scanner.step();
    }
    scanner.found
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
    modes: Vec<Mode<'a>>,
    found: Vec<Token<'a>>,
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn push(&mut self, kind: Kind, length: usize) {
        let text = &self.rest()[..length];
        self.found.push(Token { kind, text, at: self.at });
        self.at += length;
    }

    fn step(&mut self) {
        match self.modes.last() {
            Some(Mode::Quote) => self.quote(),
            Some(&Mode::Heredoc { marker, line_start }) => self.heredoc(marker, line_start),
            _ => self.normal(),
        }
    }

    /// `${` or `%{` with what follows at once.
    fn template(&mut self) {
        let length = if self.rest()[2..].starts_with('~') { 3 } else { 2 };
        self.push(Kind::OpenTemplate, length);
        self.modes.push(Mode::Normal { template: true, braces: 0 });
    }

    fn quote(&mut self) {
        let rest = self.rest();
        if rest.starts_with('"') {
            self.push(Kind::CloseQuote, 1);
            self.modes.pop();
        } else if rest.starts_with("${") || rest.starts_with("%{") {
            self.template();
        } else {
            let length = literal(rest, true);
            self.push(Kind::Quoted, length);
        }
    }

    fn heredoc(&mut self, marker: &'a str, line_start: bool) {
        let rest = self.rest();
        let line = rest.split('\n').next().unwrap_or_default();
        if line_start && line.trim() == marker {
            self.push(Kind::CloseHeredoc, line.strip_suffix('\r').unwrap_or(line).len());
            self.modes.pop();
            return;
        }
        if rest.starts_with("${") || rest.starts_with("%{") {
            self.line_start(false);
            return self.template();
        }
        let length = literal(rest, false);
        let ended = rest[..length].ends_with('\n');
        self.push(Kind::Line, length);
        self.line_start(ended);
    }

    fn line_start(&mut self, now: bool) {
        if let Some(Mode::Heredoc { line_start, .. }) = self.modes.last_mut() {
            *line_start = now;
        }
    }

    fn normal(&mut self) {
        let rest = self.rest();
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if spaces > 0 {
            self.at += spaces;
            return;
        }
        let upto = |end: &str, more: usize| rest.find(end).map_or(rest.len(), |at| at + more);
        let first = rest.chars().next().unwrap_or_default();
        if rest.starts_with("\r\n") {
            return self.push(Kind::Newline, 2);
        }
        match first {
            '\n' => self.push(Kind::Newline, 1),
            '#' => self.push(Kind::Comment, upto("\n", 1)),
            '/' if rest.starts_with("//") => self.push(Kind::Comment, upto("\n", 1)),
            '/' if rest.starts_with("/*") => self.push(Kind::Comment, rest[2..].find("*/").map_or(rest.len(), |at| at + 4)),
            '"' => {
                self.push(Kind::OpenQuote, 1);
                self.modes.push(Mode::Quote);
            }
            '<' if rest.starts_with("<<") => self.open_heredoc(),
            '{' | '[' | '(' => {
                if let (Some(Mode::Normal { braces, .. }), '{') = (self.modes.last_mut(), first) {
                    *braces += 1;
                }
                self.push(Kind::Open(first as u8), 1);
            }
            '}' | ']' | ')' => self.close(first),
            '~' if rest.starts_with("~}") && matches!(self.modes.last(), Some(Mode::Normal { template: true, braces: 0 })) => {
                self.push(Kind::CloseTemplate, 2);
                self.modes.pop();
            }
            c if starts_name(c) => self.push(Kind::Ident, rest.find(|c| !in_name(c)).unwrap_or(rest.len())),
            '0'..='9' => self.push(Kind::Number, number(rest)),
            c => {
                let sign = SIGNS.iter().find(|sign| rest.starts_with(**sign)).map_or(c.len_utf8(), |sign| sign.len());
                self.push(Kind::Sign, sign);
            }
        }
    }

    fn close(&mut self, bracket: char) {
        if bracket == '}' {
            match self.modes.last_mut() {
                Some(Mode::Normal { template: true, braces: 0 }) => {
                    self.modes.pop();
                    return self.push(Kind::CloseTemplate, 1);
                }
                Some(Mode::Normal { braces, .. }) => *braces = braces.saturating_sub(1),
                _ => {}
            }
        }
        self.push(Kind::Close(bracket as u8), 1);
    }

    fn open_heredoc(&mut self) {
        let rest = self.rest();
        let line = rest.split_inclusive('\n').next().unwrap_or_default();
        let marker = line[2..].strip_prefix('-').unwrap_or(&line[2..]).trim_end_matches(['\n', '\r']);
        let good = marker.starts_with(starts_name) && marker.chars().all(in_name) && line.ends_with('\n');
        if good {
            self.push(Kind::OpenHeredoc, line.len());
            self.modes.push(Mode::Heredoc { marker, line_start: true });
        } else {
            self.push(Kind::Sign, 1);
        }
    }
}

/// How long the text is up to the next template, the closing quote, or the end of the line of a heredoc.
fn literal(rest: &str, quoted: bool) -> usize {
    let bytes = rest.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if quoted => at += 1,
            b'"' if quoted => break,
            b'\n' if !quoted => return at + 1,
            // Twice is once, and no template.
            sign @ (b'$' | b'%') if bytes.get(at + 1) == Some(&b'{') && (at == 0 || bytes[at - 1] != sign) => break,
            _ => {}
        }
        at += 1;
    }
    let mut at = at.clamp(1, bytes.len());
    while !rest.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// How long a number is: digits, a fraction, an exponent.
fn number(rest: &str) -> usize {
    let digits = |from: usize| rest[from..].find(|c: char| !c.is_ascii_digit()).map_or(rest.len(), |at| from + at);
    let mut end = digits(0);
    if rest[end..].starts_with('.') && rest[end + 1..].starts_with(|c: char| c.is_ascii_digit()) {
        end = digits(end + 1);
    }
    if rest[end..].starts_with(['e', 'E']) {
        let sign = usize::from(rest[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}
