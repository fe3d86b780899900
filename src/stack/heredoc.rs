//! Heredocs that are indented with the block around them: `<<-EOT`.

use std::ops::Range;

use super::tokens::{Kind, tokens};

/// The text of the heredoc that lies there, as a template, without the spaces that all its lines begin with; and for each byte offset in it
/// from which on it runs like the source, that of the source. None where it is written with `<<`.
///
/// Lines of white space alone do not count and are left as they are, and neither are lines within `${...}`.
pub fn flush(text: &str, range: Range<usize>) -> Option<(String, Vec<(usize, usize)>)> {
    let whole = text.get(range.clone())?;
    let all = tokens(whole);
    let (open, inner) = all.split_first()?;
    if open.kind != Kind::OpenHeredoc || !open.text.starts_with("<<-") {
        return None;
    }
    let (mut depth, mut line_start, mut least) = (0, true, usize::MAX);
    // Where a line begins, and the white space there.
    let mut starts: Vec<(usize, &str)> = vec![];
    let mut end = whole.len();
    for (i, token) in inner.iter().enumerate() {
        match token.kind {
            Kind::CloseHeredoc if depth == 0 => {
                end = token.at;
                break;
            }
            Kind::Line if depth == 0 => {
                // Strip markers beside it have taken their part already, and of what is left Terraform counts the spaces.
                let stripped = i.checked_sub(1).is_some_and(|before| inner[before].text == "~}");
                let mut text = if stripped { token.text.trim_start() } else { token.text };
                if inner.get(i + 1).is_some_and(|next| next.kind == Kind::OpenTemplate && next.text.ends_with('~')) {
                    text = text.trim_end();
                }
                let spaces = &text[..text.len() - text.trim_start().len()];
                let blank = spaces.len() == text.len() && text.ends_with('\n');
                if line_start && !blank {
                    starts.push((token.at, spaces));
                    least = least.min(spaces.chars().count());
                }
                line_start = text.ends_with('\n');
            }
            Kind::OpenTemplate => {
                if depth == 0 && line_start {
                    least = 0;
                }
                line_start &= depth > 0;
                depth += 1;
            }
            Kind::CloseTemplate => depth -= 1,
            _ => {}
        }
    }
    let begin = open.text.len();
    let mut made = String::with_capacity(end - begin);
    let mut marks = vec![(0, range.start + begin)];
    let mut from = begin;
    for (at, spaces) in starts {
        let cut: usize = spaces.chars().take(least).map(char::len_utf8).sum();
        made.push_str(&whole[from..at]);
        from = at + cut;
        marks.push((made.len(), range.start + from));
    }
    made.push_str(&whole[from..end]);
    Some((made, marks))
}
