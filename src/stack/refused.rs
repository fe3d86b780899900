//! What the parser of `.tf` files refuses, in words that help: it gives one place and what it could have read on there.

use std::sync::Arc;

use super::place::boundary;
use super::tokens::{Kind, Token, tokens};
use crate::words::{Diagnostic, Source, Span};

/// The error for a file that can't be read.
pub(super) fn broken(source: &Arc<Source>, e: &hcl_edit::parser::Error) -> Diagnostic {
    let at = boundary(&source.text, e.location().offset());
    let tokens = tokens(&source.text);
    open_text(source, &tokens, at)
        .or_else(|| twice(source, &tokens, at, e.message()))
        .or_else(|| brackets(source, &tokens, at))
        .unwrap_or_else(|| here(source, &tokens, at, e.message()))
}

fn span(source: &Arc<Source>, token: &Token<'_>) -> Span {
    Span::new(source, token.at..token.at + token.text.trim_end().len().max(1))
}

fn line_of(source: &Source, at: usize) -> usize {
    source.position(at).0
}

/// A text, heredoc or comment that begins at or before the place and does not end.
fn open_text(source: &Arc<Source>, tokens: &[Token<'_>], at: usize) -> Option<Diagnostic> {
    let wrong = |summary: &str, token: &Token<'_>, label: String| Some(Diagnostic::error(summary).at(&span(source, token), label));
    let mut open: Vec<&Token<'_>> = vec![];
    for token in tokens {
        match token.kind {
            Kind::OpenQuote | Kind::OpenHeredoc => open.push(token),
            Kind::CloseQuote | Kind::CloseHeredoc => drop(open.pop()),
            Kind::Quoted if token.text.contains('\n') => {
                let begin = open.last()?;
                // All behind it is taken for something else than it is; one within another is there because a `${` has no end.
                if line_of(source, begin.at) > line_of(source, at) || open.len() > 1 {
                    return None;
                }
                let found = wrong("a text in quotes ends on its line", begin, "begins here and does not end".into())?;
                return Some(found.help("close it with `\"`; write line ends as `\\n`, or many lines as a heredoc: <<-EOT ... EOT"));
            }
            Kind::Comment if token.text.starts_with("/*") && !token.text.ends_with("*/") => {
                return wrong("a comment is not closed", token, "begins here: `*/` is missing".into());
            }
            _ => {}
        }
    }
    let begin = open.first().filter(|t| t.kind == Kind::OpenHeredoc)?;
    let word = begin.text.trim_start_matches(['<', '-']).trim();
    let found = wrong("a heredoc is not closed", begin, format!("begins here: no line holds `{word}` alone"))?;
    Some(found.help(format!("end it with a line that holds `{word}` and nothing else")))
}

/// An argument that is there twice.
fn twice(source: &Arc<Source>, tokens: &[Token<'_>], at: usize, message: &str) -> Option<Diagnostic> {
    let here = tokens.iter().position(|t| t.at == at && t.kind == Kind::Ident).filter(|_| message.contains("redefined"))?;
    let name = tokens[here].text;
    let mut depth = 0;
    let first = tokens[..here].windows(2).rev().find(|pair| {
        depth -= pair[1].bracket();
        depth == 0 && pair[0].text == name && pair[1].is("=")
    });
    let error = Diagnostic::error(format!("`{name}` is there twice")).at(&span(source, &tokens[here]), "the second one");
    Some(match first {
        Some(pair) => error.help(format!("the first one is at {}; keep one of them", span(source, &pair[0]))),
        None => error.help("keep one of them"),
    })
}

/// A bracket that is never closed, or closed by one of another sort.
fn brackets(source: &Arc<Source>, tokens: &[Token<'_>], at: usize) -> Option<Diagnostic> {
    let pair = |open: &Token<'_>| match open.kind {
        Kind::Open(b'(') => ")",
        Kind::Open(b'[') => "]",
        _ => "}",
    };
    let mut open: Vec<&Token<'_>> = vec![];
    for token in tokens {
        if token.bracket() > 0 {
            open.push(token);
        } else if token.bracket() < 0 {
            let Some(begin) = open.pop() else {
                let error = Diagnostic::error(format!("`{}` closes nothing", token.text));
                return (token.at <= at + 1).then(|| error.at(&span(source, token), "one too many"));
            };
            if token.text.trim_start_matches('~') != pair(begin) {
                let error = Diagnostic::error(format!("`{}` is closed by `{}`", begin.text, token.text));
                let error = error.at(&span(source, token), format!("should be `{}`", pair(begin)));
                return Some(error.help(format!("the `{}` is at {}", begin.text, span(source, begin))));
            }
        }
    }
    // What is missing is most likely missing where the next block begins: the outermost that is open, its indentation aside.
    let begin = open.last()?;
    let error =
        Diagnostic::error(format!("`{}` is never closed", begin.text)).at(&span(source, begin), format!("`{}` is missing", pair(begin)));
    Some(if line_of(source, at) == line_of(source, begin.at) {
        error
    } else {
        error.help(format!("noticed at {}", Span::new(source, at..at)))
    })
}

/// What is wrong at the place itself.
fn here(source: &Arc<Source>, tokens: &[Token<'_>], at: usize, message: &str) -> Diagnostic {
    let index = tokens.iter().position(|t| t.at + t.text.len() > at).unwrap_or(tokens.len());
    let before = index.checked_sub(1).map(|i| tokens[i].text.trim_end()).unwrap_or_default();
    let line_start = tokens[..index].iter().rposition(Token::ends_line).map_or(0, |i| i + 1);
    let line = tokens.get(line_start..index).unwrap_or_default();
    let (next, place) = match tokens.get(index) {
        Some(token) => (token.text.trim_end(), span(source, token)),
        None => ("", Span::new(source, at..at + 1)),
    };
    let shown = if next.is_empty() { "the end of the line".to_owned() } else { format!("`{next}`") };
    let error = |summary: String, label: &str| Diagnostic::error(summary).at(&place, label);
    if message.starts_with("invalid escape") || message.starts_with("invalid unicode") {
        let start = source.text[..at].rfind('\\').unwrap_or(at);
        let place = Span::new(source, start..at.max(start + 1));
        let error = Diagnostic::error("there is no such escape in a text").at(&place, "write `\\\\` for a backslash");
        return error.help("there are \\n, \\r, \\t, \\\", \\\\, \\uNNNN and \\UNNNNNNNN");
    }
    if next.starts_with('\'') {
        return error("a text stands in double quotes".into(), "write \"...\"");
    }
    if next == "[" && line.is_empty() {
        return error("a `.tf` file has no tables in brackets".into(), "this looks like TOML")
            .help("name the file `.toml`, or write `resource \"TYPE\" \"NAME\" { ... }`");
    }
    if next == ":" && message.starts_with("invalid structure") {
        return error("an argument is written with `=`".into(), "write `=`");
    }
    if next == "=" && message.contains('{') && line.len() > 1 {
        return error("a block is written without `=`".into(), "take the `=` away");
    }
    if message.starts_with("invalid expression") {
        return error(format!("a value is missing: {shown} begins none"), "a value is wanted here");
    }
    if message.starts_with("invalid block body") && next == ","
        || message.starts_with("invalid block body") && next.is_empty() && !line.is_empty()
    {
        return error("a block on one line has one argument at most".into(), "")
            .help("write each argument on a line of its own, the braces on lines of their own");
    }
    if message.starts_with("invalid block body") && next == "\"" {
        return error("the name of an argument has no quotes".into(), "write NAME = VALUE");
    }
    if message.starts_with("invalid structure") {
        let help = "write NAME = VALUE for an argument, or NAME { ... } for a block with `{` on the same line";
        return error(format!("`{before}` is neither an argument nor a block"), "`=` or `{` is missing").help(help);
    }
    match message {
        "expected `]`" | "expected `)` or expression" => error(format!("a comma is missing before {shown}"), "`,` is missing")
            .help("elements are told apart by commas, those on lines of their own, too"),
        "expected newline or eof" => error(format!("{shown} can't stand here"), "a new line is wanted here")
            .help("each argument and each block has a line of its own"),
        "expected `:`" => error(format!("a `:` is wanted, and here is {shown}"), "`:` is missing")
            .help("write `CONDITION ? A : B`, or `[for NAME in LIST : VALUE]`"),
        "expected `=>`" => error(format!("a `=>` is wanted, and here is {shown}"), "`=>` is missing")
            .help("write `{for KEY, VALUE in MAP : KEY => VALUE}`"),
        _ => error(format!("can't read the file: {message}"), "here"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_is_told_at_the_right_place() {
        let cases = [
            ("a {\n b = \n}\n", "2:6", "a value is missing"),
            ("a {\n b = 1\n", "1:3", "`{` is never closed"),
            ("a {\n b = [1,\n c = 2\n}\n", "4:1", "`[` is closed by `}`"),
            ("resource \"x\" \"y\" = {\n}\n", "1:18", "without `=`"),
            ("a {\n b = 'x'\n}", "2:6", "double quotes"),
            ("a {\n b = \"x\n}\nc \"d\" {\n}\n", "2:6", "ends on its line"),
            ("a { b = 1\n c = 2 }\n", "1:10", "on one line"),
            ("a { b = 1, c = 2 }", "1:10", "on one line"),
            ("a {\n b = [1\n 2]\n}", "3:2", "a comma is missing"),
            ("a {\n b = 1 c = 2\n}", "2:8", "`c` can't stand here"),
            ("[resource.x]\na = 1\n", "1:1", "this looks like TOML"),
            ("a {\n b = <<EOT\n x\n}\n", "2:6", "heredoc is not closed"),
            ("a {\n b = 1\n c {\n  b = 1\n }\n b = 2\n}", "6:2", "the first one is at x.tf:2:2"),
            ("a {\n b := 1\n}", "2:4", "with `=`"),
            ("a {\n b\n}", "2:3", "`b` is neither"),
            ("}\n", "1:1", "closes nothing"),
            ("a {\n \"b\" = 1\n}", "2:2", "has no quotes"),
            ("a {\n b = x ? 1\n}", "2:11", "`:` is missing"),
            ("a {\n /* x\n}", "2:2", "comment is not closed"),
            ("a {\n b = \"${x\"\n}", "2:7", "`${` is never closed"),
            ("a {\n b = \"\\q\"\n}", "2:7", "no such escape"),
        ];
        for (text, at, words) in cases {
            let e = hcl_edit::parser::parse_body(text).expect_err(text);
            let told = broken(&Source::new("x.tf", text), &e).to_string();
            assert!(told.contains(words) && told.contains(&format!("(x.tf:{at}")), "{text}\n{told}");
        }
    }
}
