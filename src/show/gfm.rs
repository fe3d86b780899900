//! Markdown as code hosts read it, of text that others wrote: nothing in a value becomes markup, a mention, a reference or a link.
//!
//! Such text stands in a code span, in a fence, or in `<code>` within a block of HTML, for code hosts look for `@names`, `#12` and
//! `:smile:` everywhere else. Prose of ours with names in it is taken apart: plain words stay, all else becomes code.

/// The most characters of a line in a fence.
const LINE: usize = 600;
/// The most characters of a text within a sentence.
const SPAN: usize = 160;

/// What can't be seen, or makes text run backwards, is spelled out. Tabs become blanks.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            c if hidden_char(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

/// Controls, bidirectional overrides, blanks without width, other ends of lines, tags and the like.
fn hidden_char(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// At most that many characters; what is left out is counted.
fn shortened(text: &str, most: usize) -> String {
    let total = text.chars().count();
    if total <= most {
        return text.to_owned();
    }
    let head: String = text.chars().take(most).collect();
    format!("{head}… ({} more characters)", total - most)
}

/// A code span. It holds in a table, too.
#[must_use]
pub fn code(text: &str) -> String {
    let mut text = short(text, SPAN);
    if text.trim().is_empty() {
        text = "(nothing)".into();
    }
    // In a table a bar ends the cell unless a backslash stands before it, and nothing tells that backslash from one of the text.
    let text = text.replace("\\|", "\\\\u{7c}");
    let ticks = "`".repeat(longest_run(&text) + 1);
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// A code span for a cell of a table.
#[must_use]
pub fn cell(text: &str) -> String {
    code(text).replace('|', "\\|")
}

/// `<code>`, for within a block of HTML.
#[must_use]
pub fn html_code(text: &str) -> String {
    format!("<code>{}</code>", html(&short(text, SPAN)))
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A sentence in a paragraph of Markdown.
#[must_use]
pub fn prose(text: &str) -> String {
    worded(text, code)
}

/// A sentence within a block of HTML.
#[must_use]
pub fn html_prose(text: &str) -> String {
    worded(text, html_code)
}

fn worded(text: &str, code: fn(&str) -> String) -> String {
    let text = short(text, 4 * SPAN);
    let words = text.split(' ').filter(|word| !word.is_empty()).map(|word| {
        let inner = word.trim_start_matches('(');
        let core = inner.trim_end_matches([',', '.', ';', ':', ')', '?']);
        let (before, after) = (&word[..word.len() - inner.len()], &inner[core.len()..]);
        if plain(core, after) {
            return word.to_owned();
        }
        let bare = core.strip_prefix('`').and_then(|core| core.strip_suffix('`')).filter(|core| !core.is_empty()).unwrap_or(core);
        format!("{before}{}{after}", code(bare))
    });
    words.collect::<Vec<_>>().join(" ")
}

/// Whether a word means nothing to any code host: neither markup, nor the number of a list, nor a commit, nor `GH-12`.
fn plain(word: &str, after: &str) -> bool {
    let number = word.bytes().all(|b| b.is_ascii_digit());
    let commit = word.len() >= 7 && word.bytes().all(|b| b.is_ascii_hexdigit());
    let dash_digit = word.as_bytes().windows(2).any(|pair| pair[0] == b'-' && pair[1].is_ascii_digit());
    let ends = word.starts_with(|c: char| c.is_alphanumeric()) && word.ends_with(|c: char| c.is_alphanumeric());
    let made_of = word.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '\''));
    ends && made_of && !commit && !dash_digit && !word.contains("--") && !(number && after.starts_with(['.', ')']))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A fence that holds these lines whatever they are: how it begins, the lines, and how it ends.
#[must_use]
pub fn fence<'a>(language: &str, lines: impl IntoIterator<Item = &'a str>) -> (String, Vec<String>, String) {
    let lines: Vec<String> = lines.into_iter().map(line).collect();
    let ticks = "`".repeat(lines.iter().map(|line| longest_run(line)).max().unwrap_or(0).max(2) + 1);
    (format!("{ticks}{language}\n"), lines, format!("{ticks}\n"))
}

/// What a program said, in a fence: its first lines.
#[must_use]
pub fn said(text: &str) -> String {
    const MOST: usize = 60;
    let (mut begin, lines, end) = fence("text", text.trim_end().lines());
    for line in lines.iter().take(MOST) {
        begin += &short(line, 400);
        begin.push('\n');
    }
    let more = lines.len().saturating_sub(MOST);
    begin + &end + &if more > 0 { format!("\n…and {}.\n", super::line::count(more, "more line")) } else { String::new() }
}

/// One line of plain text, of at most that many characters.
#[must_use]
pub fn short(text: &str, most: usize) -> String {
    shortened(&visible(text), most)
}

/// A line as it stands in a fence.
#[must_use]
pub fn line(text: &str) -> String {
    short(text, LINE)
}

/// What nobody sees: a comment of HTML by which a text is found again.
#[must_use]
pub fn hidden(text: &str) -> String {
    let text = text.replace('%', "%25").replace("--", "%2D%2D").replace('>', "%3E");
    let text = text.chars().fold(String::new(), |mut out, c| {
        if c.is_control() {
            out.push_str(&format!("%{:02X}", u32::from(c)))
        } else {
            out.push(c)
        }
        out
    });
    format!("<!-- ferroform {text} -->")
}

/// A URL as the target of a link, if it is one.
#[must_use]
pub fn link(words: &str, url: &str) -> Option<String> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#@!$&'*+,;=%".contains(c);
    let web = url.starts_with("https://") || url.starts_with("http://");
    (web && url.chars().all(good) && url.len() < 2_000).then(|| format!("[{words}](<{url}>)"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_spelled_out() {
        assert_eq!(visible("a\u{202e}b\u{1b}[31m\0\tc\n"), "a\\u{202e}b\\u{1b}[31m\\u{0}    c\\n");
        assert_eq!(visible("Grüße, 世界 🚀"), "Grüße, 世界 🚀");
    }

    #[test]
    fn code_spans_hold_what_they_hold() {
        assert_eq!(code("aws_eip.a"), "`aws_eip.a`");
        assert_eq!(code("a``b`"), "``` a``b` ```");
        assert_eq!(code(""), "`(nothing)`");
        assert_eq!(cell("a|b\\|c"), "`a\\|b\\\\u{7c}c`");
        assert_eq!(code(&"x".repeat(1000)), format!("`{}… (840 more characters)`", "x".repeat(160)));
    }

    #[test]
    fn prose_keeps_plain_words_only() {
        assert_eq!(prose("opens SSH to the world"), "opens SSH to the world");
        assert_eq!(prose("what it encrypts can't be read again"), "what it encrypts can't be read again");
        assert_eq!(
            prose("`vpc` of aws_eip.spare is deprecated: use domain (stacks/a/stack.toml:41:1)"),
            "`vpc` of `aws_eip.spare` is deprecated: use domain (`stacks/a/stack.toml:41:1`)"
        );
        assert_eq!(
            prose("ask @team, see #12 or GH-12, :smile: www.evil.com"),
            "ask `@team`, see `#12` or `GH-12`, `:smile`: `www.evil.com`"
        );
        assert_eq!(prose("1. one 0123abcd"), "`1`. one `0123abcd`");
        assert_eq!(html_prose("because ami & <b> change"), "because ami <code>&amp;</code> <code>&lt;b&gt;</code> change");
    }

    #[test]
    fn a_fence_is_longer_than_any_within() {
        let (begin, lines, end) = fence("diff", ["+ ```", "- b\nc"]);
        assert_eq!((begin.as_str(), lines.join(";").as_str(), end.as_str()), ("````diff\n", "+ ```;- b\\nc", "````\n"));
    }

    #[test]
    fn a_hidden_text_is_one_comment_whatever_it_is() {
        for text in ["stacks/web", "a--b", "x --> y", "a\nb", "a%2D", "--!>", "a-"] {
            let hidden = hidden(text);
            assert_eq!(hidden.matches("-->").count(), 1, "{hidden}");
            assert!(!hidden.contains('\n') && hidden.ends_with(" -->") && hidden[4..hidden.len() - 3].find("--").is_none(), "{hidden}");
        }
        assert_ne!(hidden("a--b"), hidden("a%2D%2Db"));
    }

    #[test]
    fn only_what_is_a_url_becomes_a_link() {
        assert_eq!(link("all of it", "https://x.y/a?b=c").unwrap(), "[all of it](<https://x.y/a?b=c>)");
        for bad in ["javascript:alert(1)", "https://x> [y](z)", "https://a b", "", "https://x\n"] {
            assert_eq!(link("all", bad), None, "{bad}");
        }
    }
}
