//! Errors and warnings for people: the sentence, the place with the value underlined, facts, and what to do.

use std::fmt;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};

use super::line::{Line, Look, Role, show, wrap};
use crate::words::{Diagnostic, Severity, Span};

/// All of them, a blank line between.
#[must_use]
pub fn all<'a>(diagnostics: impl IntoIterator<Item = &'a Diagnostic>, look: Look) -> String {
    diagnostics.into_iter().map(|d| one(d, look)).collect::<Vec<_>>().join("\n")
}

/// One of them, ended by a newline.
#[must_use]
pub fn one(diagnostic: &Diagnostic, look: Look) -> String {
    let (word, role) = match diagnostic.severity {
        Severity::Error => ("error", Role::Danger),
        Severity::Warning => ("warning", Role::Changed),
    };
    let width = look.width.max(40);
    let mut lines = vec![];
    for (i, part) in diagnostic.summary.lines().flat_map(|l| wrap(l, width.saturating_sub(word.len() + 2))).enumerate() {
        lines.push(match i {
            0 => Line::default().with(role, format!("{word}: ")).with(Role::Strong, part),
            _ => Line::indented(word.len() + 2).with(Role::Strong, part),
        });
    }
    let mut text = show(&lines, look);
    if let Some((span, label)) = &diagnostic.label {
        text += &snippet(span, label, Look { width, ..look }).unwrap_or_else(|| {
            let label = if label.is_empty() { String::new() } else { format!(": {label}") };
            format!("  at {span}{label}\n")
        });
    }
    let names = diagnostic.facts.iter().map(|(name, _)| name.len()).chain(diagnostic.help.iter().map(|_| 4)).max().unwrap_or(0);
    let facts = diagnostic.facts.iter().map(|(name, value)| (*name, value.as_str(), Role::Dim));
    let help = diagnostic.help.iter().map(|help| ("help", help.as_str(), Role::New));
    let mut lines = vec![];
    for (name, value, role) in facts.chain(help) {
        let parts = value.lines().flat_map(|l| wrap(l, width.saturating_sub(names + 4)));
        for (i, part) in parts.enumerate() {
            let mut line = if i == 0 { Line::indented(2).with(role, name) } else { Line::default() };
            line.pad(names + 4);
            lines.push(line.with(Role::Plain, part));
        }
    }
    text + &show(&lines, look)
}

/// What miette draws: the lines around the span with the span underlined.
#[derive(Debug)]
struct Place {
    source: NamedSource<String>,
    label: LabeledSpan,
}

impl fmt::Display for Place {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Place {}

impl miette::Diagnostic for Place {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(std::iter::once(self.label.clone())))
    }
}

/// Lines with more bytes are not shown: nobody finds anything in them, and what draws them can't count so far.
const LONGEST_LINE: usize = 2000;

/// The lines around the place. None where there is no text to show, or none that anyone could read.
fn snippet(span: &Span, label: &str, look: Look) -> Option<String> {
    if span.source.text.is_empty() {
        return None;
    }
    let range = span.range();
    // An empty place, or one past the end, is shown as one character.
    let start = floor(&span.source.text, range.start.min(span.source.text.len().saturating_sub(1)));
    let length = range.end.saturating_sub(start).max(1);
    // Of a value over several lines the first says enough.
    let line_end = span.source.text[start..].find('\n').map_or(span.source.text.len(), |at| start + at);
    let length = length.min(line_end.saturating_sub(start)).max(1);
    let text = &span.source.text;
    let before = text[..start].rsplit('\n').take(2).map(str::len).max().unwrap_or(0);
    let after = text[start..].split('\n').take(2).map(str::len).max().unwrap_or(0);
    if before.max(after) > LONGEST_LINE {
        return None;
    }
    let label = LabeledSpan::new_primary_with_span((!label.is_empty()).then(|| label.to_owned()), (start, length));
    let place = Place { source: NamedSource::new(&span.source.name, span.source.text.to_string()), label };
    let theme = if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(look.width)
        .with_links(false)
        .with_context_lines(1)
        .without_syntax_highlighting();
    let mut drawn = String::new();
    handler.render_report(&mut drawn, &place).ok()?;
    // miette's own headline is empty: ours stands above.
    let corner = drawn.find('╭')?;
    let begin = drawn[..corner].rfind('\n').map_or(0, |at| at + 1);
    Some(drawn[begin..].lines().map(|line| line.trim_end().to_owned() + "\n").collect())
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Source;

    const STACK: &str = "[resource.aws_instance.gateway]\nami = \"ami-0abc\"\ninstance_typ = \"t3.medium\"\n";

    #[test]
    fn the_value_to_blame_is_underlined() {
        let source = Source::new("stacks/gateway-node/stack.toml", STACK);
        let start = STACK.find("instance_typ").expect("it is there");
        let error = Diagnostic::error("aws_instance has no attribute `instance_typ`")
            .at(&Span::new(&source, start..start + 12), "did you mean `instance_type`?")
            .help("all attributes: ferroform explain aws_instance");
        insta::assert_snapshot!(one(&error, Look::PLAIN), @r#"
        error: aws_instance has no attribute `instance_typ`
           ╭─[stacks/gateway-node/stack.toml:3:1]
         2 │ ami = "ami-0abc"
         3 │ instance_typ = "t3.medium"
           · ──────┬─────
           ·       ╰── did you mean `instance_type`?
           ╰────
          help  all attributes: ferroform explain aws_instance
        "#);
    }

    #[test]
    fn facts_stand_below_one_another() {
        let error = Diagnostic::error("AWS refused to create aws_instance.gateway")
            .fact("operation", "ec2 RunInstances in us-east-1, request 5c1e")
            .fact(
                "code",
                "UnauthorizedOperation: not authorized to perform iam:PassRole on arn:aws:iam::123456789012:role/openclaw-ec2-role",
            )
            .help("give the caller iam:PassRole on that role")
            .fact("state", "saved (serial 42); 3 of 9 actions done; run apply again to go on");
        insta::assert_snapshot!(one(&error, Look::PLAIN), @r"
        error: AWS refused to create aws_instance.gateway
          operation  ec2 RunInstances in us-east-1, request 5c1e
          code       UnauthorizedOperation: not authorized to perform iam:PassRole on
                     arn:aws:iam::123456789012:role/openclaw-ec2-role
          state      saved (serial 42); 3 of 9 actions done; run apply again to go on
          help       give the caller iam:PassRole on that role
        ");
    }

    #[test]
    fn a_line_that_nobody_can_read_is_not_shown() {
        let source = Source::new("s.toml", "x".repeat(70_000));
        let told = one(&Diagnostic::error("e").at(&Span::new(&source, 69_000..69_001), "here"), Look::PLAIN);
        assert_eq!(told, "error: e\n  at s.toml:1:69001: here\n");
    }

    #[test]
    fn any_place_in_any_text_is_drawn() {
        let long = "[".repeat(70_000);
        for text in ["", "\n", "ä", "a\nb", "\t\tx = 1\n\n\n", &long] {
            let source = Source::new("s.toml", text);
            for range in [0..0, 0..1, 1..2, 0..text.len(), text.len()..text.len() + 3] {
                let drawn = one(&Diagnostic::warning("w").at(&Span::new(&source, range), ""), Look { width: 10, colour: true });
                assert!(!drawn.is_empty());
            }
        }
    }
}
