//! The format of `.tf` files: that of `terraform fmt`, to the byte.
//!
//! Spaces are set between the tokens of a line, lines are indented by the brackets around them, and the `=` and comments of neighbouring lines
//! stand below one another. Beyond spaces: labels of blocks get quotes, `"${expression}"` loses them, and so do types.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

use crate::stack::tokens::{Kind, Token, tokens};

/// A token on its way.
#[derive(Clone, Debug)]
struct Piece<'a> {
    kind: Kind,
    text: Cow<'a, str>,
    /// How many spaces stand before it.
    spaces: usize,
}

impl Piece<'_> {
    fn as_token(&self) -> Token<'_> {
        Token { kind: self.kind, text: &self.text, at: 0 }
    }
    fn bracket(&self) -> i32 {
        self.as_token().bracket()
    }
    fn is(&self, sign: &str) -> bool {
        self.as_token().is(sign)
    }
    fn columns(&self) -> usize {
        self.spaces + self.text.graphemes(true).count()
    }
}

fn made(kind: Kind, text: &'static str) -> Piece<'static> {
    Piece { kind, text: text.into(), spaces: 0 }
}

/// The text in its format. It must be one that parses: of any other, the result means as little as the text.
pub(super) fn format(text: &str) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut body = Body { pieces: spaced(text), made: vec![] };
    let mut at = 0;
    while at < body.pieces.len() {
        body.copy(&mut at, &mut vec![]);
        // A brace that closes nothing is no reason to lose what follows.
        if at < body.pieces.len() {
            body.take(&mut at);
        }
    }
    let mut lines = lines(body.made);
    indent(&mut lines);
    lines.iter_mut().for_each(space);
    align(&mut lines, |line| line.assign.is_empty(), |line| columns(&line.lead), |line| &mut line.assign);
    align(&mut lines, |line| line.comment.is_empty(), |line| columns(&line.lead) + columns(&line.assign), |line| &mut line.comment);
    let mut out = String::with_capacity(text.len());
    for piece in lines.iter().flat_map(|l| l.lead.iter().chain(&l.assign).chain(&l.comment)) {
        out.extend(std::iter::repeat_n(' ', piece.spaces));
        out.push_str(&piece.text);
    }
    out
}

/// The tokens with the spaces before each.
fn spaced(text: &str) -> Vec<Piece<'_>> {
    let mut end = 0;
    let mut made = vec![];
    for token in tokens(text) {
        let spaces = text[end..token.at].graphemes(true).count();
        made.push(Piece { kind: token.kind, text: token.text.into(), spaces });
        end = token.at + token.text.len();
    }
    made
}

/// Copies tokens; changes what is changed beyond spaces.
struct Body<'a> {
    pieces: Vec<Piece<'a>>,
    made: Vec<Piece<'a>>,
}

impl<'a> Body<'a> {
    /// Copies a body up to the brace that closes it. `around` are the words of the blocks around.
    fn copy(&mut self, at: &mut usize, around: &mut Vec<String>) {
        while let Some(piece) = self.pieces.get(*at) {
            match piece.kind {
                Kind::Close(_) => return,
                Kind::Ident => self.structure(at, around),
                _ => self.take(at),
            }
        }
    }

    fn take(&mut self, at: &mut usize) {
        self.made.push(self.pieces[*at].clone());
        *at += 1;
    }

    /// Comments within a line.
    fn comments(&mut self, at: &mut usize) {
        while self.pieces.get(*at).is_some_and(|p| p.kind == Kind::Comment && !p.as_token().ends_line()) {
            self.take(at);
        }
    }

    /// An attribute or a block.
    fn structure(&mut self, at: &mut usize, around: &mut Vec<String>) {
        let name = self.pieces[*at].text.to_string();
        self.take(at);
        self.comments(at);
        if self.pieces.get(*at).is_some_and(|p| p.is("=")) {
            self.take(at);
            let end = self.expression_end(*at);
            let expression: Vec<Piece<'a>> = self.pieces[*at..end].to_vec();
            let is_type = name == "type" && around.len() == 1 && around[0] == "variable";
            self.made.extend(if is_type { bare_type(expression) } else { unwrapped(expression) });
            *at = end;
            return;
        }
        self.labels(at);
        self.comments(at);
        if self.pieces.get(*at).is_some_and(|p| p.kind == Kind::Open(b'{')) {
            self.take(at);
            around.push(name);
            self.copy(at, around);
            around.pop();
            if *at < self.pieces.len() {
                self.take(at);
            }
        }
    }

    /// The labels of a block, in quotes; comments between them go.
    fn labels(&mut self, at: &mut usize) {
        let is_label = |p: &Piece<'_>| matches!(p.kind, Kind::Ident | Kind::OpenQuote | Kind::Quoted | Kind::CloseQuote);
        let is_comment = |p: &Piece<'_>| p.kind == Kind::Comment && !p.as_token().ends_line();
        let head = self.pieces[*at..].iter().take_while(|p| is_label(p) || is_comment(p));
        let Some(last) = head.enumerate().filter(|(_, p)| is_label(p)).map(|(i, _)| *at + i).last() else { return };
        for piece in self.pieces[*at..=last].iter().filter(|p| is_label(p)) {
            if piece.kind == Kind::Ident {
                let quoted = Piece { kind: Kind::Quoted, ..piece.clone() };
                self.made.extend([made(Kind::OpenQuote, "\""), quoted, made(Kind::CloseQuote, "\"")]);
            } else {
                self.made.push(piece.clone());
            }
        }
        *at = last + 1;
    }

    /// Where the expression that begins there ends.
    fn expression_end(&self, from: usize) -> usize {
        let mut depth = 0;
        let mut heredocs = 0;
        let mut end = from;
        for (i, piece) in self.pieces.iter().enumerate().skip(from) {
            let outside = depth == 0 && heredocs == 0;
            match piece.kind {
                Kind::OpenHeredoc => heredocs += 1,
                Kind::CloseHeredoc => heredocs -= 1,
                Kind::Close(_) if outside => break,
                Kind::Newline if outside => break,
                // A comment behind the value is none of it.
                Kind::Comment if outside => {
                    if piece.as_token().ends_line() {
                        break;
                    }
                    continue;
                }
                _ => depth += piece.bracket(),
            }
            end = i + 1;
        }
        end
    }
}

/// `"${expression}"` without what is around the expression.
fn unwrapped(expression: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let n = expression.len();
    let kinds = |i: usize| expression[i].kind;
    if n < 5
        || kinds(0) != Kind::OpenQuote
        || kinds(1) != Kind::OpenTemplate
        || !expression[1].text.starts_with('$')
        || kinds(n - 2) != Kind::CloseTemplate
        || kinds(n - 1) != Kind::CloseQuote
    {
        return expression;
    }
    let mut quotes = 0;
    for piece in &expression[2..n - 2] {
        match piece.kind {
            Kind::OpenQuote => quotes += 1,
            Kind::CloseQuote => quotes -= 1,
            Kind::OpenTemplate | Kind::CloseTemplate | Kind::Quoted if quotes == 0 => return expression,
            _ => {}
        }
    }
    let mut inside: Vec<_> = expression[2..n - 2].to_vec();
    while inside.last().is_some_and(|p| p.kind == Kind::Newline) {
        inside.pop();
    }
    let first = inside.iter().position(|p| p.kind != Kind::Newline).unwrap_or(0);
    inside.drain(..first);
    let several = inside.iter().any(|p| p.kind == Kind::Newline);
    let parentheses =
        inside.first().is_some_and(|p| p.kind == Kind::Open(b'(')) && inside.last().is_some_and(|p| p.kind == Kind::Close(b')'));
    if several && !parentheses {
        inside.insert(0, made(Kind::Open(b'('), "("));
        inside.push(made(Kind::Close(b')'), ")"));
    }
    inside
}

/// A type without the quotes of former times, `list` and `map` with what they hold.
fn bare_type(expression: Vec<Piece<'_>>) -> Vec<Piece<'_>> {
    let of = |outer: &'static str, inner: &'static str| {
        let kinds = [(Kind::Ident, outer), (Kind::Open(b'('), "("), (Kind::Ident, inner), (Kind::Close(b')'), ")")];
        kinds.map(|(kind, text)| made(kind, text)).to_vec()
    };
    let kinds: Vec<(Kind, &str)> = expression.iter().map(|p| (p.kind, &*p.text)).collect();
    match kinds[..] {
        [(Kind::Ident, "list")] => of("list", "any"),
        [(Kind::Ident, "map")] => of("map", "any"),
        [(Kind::OpenQuote, _), (Kind::Quoted, "string"), (Kind::CloseQuote, _)] => vec![made(Kind::Ident, "string")],
        [(Kind::OpenQuote, _), (Kind::Quoted, "list"), (Kind::CloseQuote, _)] => of("list", "string"),
        [(Kind::OpenQuote, _), (Kind::Quoted, "map"), (Kind::CloseQuote, _)] => of("map", "string"),
        _ => expression,
    }
}

/// A line in three cells. A heredoc is on the line that it begins on.
#[derive(Debug, Default)]
struct Line<'a> {
    lead: Vec<Piece<'a>>,
    /// The `=` and what follows, where that is a whole expression.
    assign: Vec<Piece<'a>>,
    comment: Vec<Piece<'a>>,
}

fn columns(pieces: &[Piece<'_>]) -> usize {
    pieces.iter().map(Piece::columns).sum()
}

fn lines(pieces: Vec<Piece<'_>>) -> Vec<Line<'_>> {
    let mut made = vec![Line::default()];
    for piece in pieces {
        let ends = piece.as_token().ends_line();
        if let Some(line) = made.last_mut() {
            line.lead.push(piece);
        }
        if ends {
            made.push(Line::default());
        }
    }
    for line in &mut made {
        if line.lead.len() > 1 && line.lead.last().is_some_and(|p| p.kind == Kind::Comment) {
            line.comment.extend(line.lead.pop());
        }
        if let Some(at) = line.lead.iter().position(|p| p.is("=")).filter(|at| *at > 0) {
            if line.lead[at..].iter().map(Piece::bracket).sum::<i32>() == 0 {
                line.assign = line.lead.split_off(at);
            }
        }
    }
    made
}

/// Indents each line by the brackets that lines before it have opened: two spaces for all that one line opens.
fn indent(lines: &mut [Line<'_>]) {
    let mut open: Vec<i32> = vec![];
    for line in lines {
        let Some(first) = line.lead.first() else { continue };
        if first.kind == Kind::Newline {
            line.lead[0].spaces = 0;
            continue;
        }
        // What a heredoc opens is not counted; what it closes on a later line is, and Terraform does so, too.
        let counted = |pieces: &[Piece<'_>]| -> i32 { pieces.iter().take_while(|p| p.kind != Kind::OpenHeredoc).map(Piece::bracket).sum() };
        let net = counted(&line.lead) + counted(&line.assign);
        if net > 0 {
            line.lead[0].spaces = 2 * open.len();
            open.push(net);
            continue;
        }
        let mut closed = -net;
        while let Some(last) = open.last_mut().filter(|_| closed > 0) {
            if closed < *last {
                *last -= closed;
                break;
            }
            closed -= *last;
            open.pop();
        }
        line.lead[0].spaces = 2 * open.len();
    }
}

/// Sets the spaces between the tokens of a line.
fn space(line: &mut Line<'_>) {
    for pieces in [&mut line.lead, &mut line.assign] {
        for i in 1..pieces.len() {
            let before = i.checked_sub(2).map(|b| &pieces[b]);
            let spaces = usize::from(apart(before, &pieces[i - 1], &pieces[i]));
            pieces[i].spaces = spaces;
        }
    }
    if let Some(first) = line.assign.first_mut() {
        first.spaces = 1;
    }
}

/// Whether a space stands between two tokens. `before` is the one before them.
fn apart(before: Option<&Piece<'_>>, left: &Piece<'_>, right: &Piece<'_>) -> bool {
    use Kind::{
        Close, CloseHeredoc, CloseQuote, CloseTemplate, Ident, Line, Newline, Number, Open, OpenHeredoc, OpenQuote, OpenTemplate, Quoted,
    };
    match (left.kind, right.kind) {
        (_, Newline) | (Ident, Open(b'(')) => false,
        _ if left.is("::") || right.is("::") => false,
        _ if left.is(".") || right.is(".") => false,
        _ if right.is(",") || right.is("...") => false,
        _ if left.is(",") => true,
        (Quoted | Line | OpenQuote | OpenHeredoc, _) | (_, Quoted | Line | CloseQuote | CloseHeredoc) => false,
        // `[for x in [a]: x]`: a word of the language, no name with an index.
        (Ident, _) if left.text == "in" && before.is_some_and(|b| b.kind == Ident) => true,
        (Ident | Number | Close(_) | CloseTemplate, Open(b'[')) => false,
        _ if left.is("!") => false,
        _ if left.is("-") => !before.is_none_or(begins_operand),
        (Open(b'{'), Close(b'}')) => false,
        (Open(b'{'), _) | (_, Close(b'}')) => true,
        (OpenTemplate, Open(b'{')) | (Close(b'}'), CloseTemplate) => true,
        (CloseTemplate, OpenTemplate) => false,
        _ if left.bracket() > 0 || right.bracket() < 0 => false,
        _ => true,
    }
}

/// Whether what stands behind that token is an operand, so that a `-` there negates.
fn begins_operand(before: &Piece<'_>) -> bool {
    const SIGNS: &[&str] = &["=", ":", ",", "?", "+", "*", "/", "%", "-", "==", "!=", ">", ">=", "<", "<=", "&&", "||", "!"];
    matches!(before.kind, Kind::Open(_)) || (before.kind == Kind::Sign && SIGNS.contains(&&*before.text))
}

/// Puts a cell of neighbouring lines below one another, one space behind the longest of what is before it.
fn align<'a>(
    lines: &mut [Line<'a>],
    lacks: impl Fn(&Line<'a>) -> bool,
    before: impl Fn(&Line<'a>) -> usize,
    cell: for<'l> fn(&'l mut Line<'a>) -> &'l mut Vec<Piece<'a>>,
) {
    for chain in lines.chunk_by_mut(|a, b| lacks(a) == lacks(b)) {
        let widest = chain.iter().map(&before).max().unwrap_or(0);
        for line in chain.iter_mut() {
            let spaces = widest - before(line) + 1;
            if let Some(first) = cell(line).first_mut() {
                first.spaces = spaces;
            }
        }
    }
}
