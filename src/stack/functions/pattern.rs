//! Regular expressions in the syntax of RE2, which Terraform has, brought to that of the `regex` crate: nearly the same, but for what
//! a class may hold, for what `\d`, `\w`, `\s` and `\b` mean outside of ASCII, and for where a brace is just a brace.

use regex::Regex;

/// Compiles a pattern; the error says why not.
pub(super) fn compile(text: &str) -> Result<Regex, String> {
    let why = |why: &str| format!("this is no pattern: {why}");
    let translated = translated(text).map_err(|e| why(&e))?;
    let short = |e: &regex::Error| e.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
    regex::RegexBuilder::new(&translated).size_limit(4 << 20).build().map_err(|e| why(&short(&e)))
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn translated(text: &str) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    // Whether the last thing was a repetition: another one can't follow.
    let mut repeated = false;
    while let Some(c) = chars.next() {
        let was = std::mem::take(&mut repeated);
        match c {
            '\\' => escape(&mut chars, false, &mut out)?,
            '[' => class(&mut chars, &mut out)?,
            '(' => {
                out.push('(');
                if chars.next_if_eq(&'?').is_some() {
                    out.push('?');
                    while let Some(flag) = chars.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
                        if !"imsUP-".contains(flag) {
                            return Err(format!("there is no flag `{flag}`"));
                        }
                        out.push(flag);
                    }
                }
            }
            '*' | '+' | '?' => {
                if was {
                    return Err(format!("a repetition can't be repeated: `{c}`"));
                }
                out.push(c);
                out.extend(chars.next_if_eq(&'?'));
                repeated = true;
            }
            '{' => match counted(&chars) {
                Some((low, high, length)) => {
                    if was {
                        return Err("a repetition can't be repeated: `{`".into());
                    }
                    if low > 1000 || high.is_some_and(|high| high > 1000 || high < low) {
                        return Err("a repetition has at most 1000 times, from few to many".into());
                    }
                    out.push('{');
                    out.extend(chars.by_ref().take(length));
                    out.extend(chars.next_if_eq(&'?'));
                    repeated = true;
                }
                None => out.push_str("\\{"),
            },
            c => out.push(c),
        }
    }
    Ok(out)
}

/// `2}`, `2,}` or `2,3}` behind a brace: the numbers, and how long that is.
fn counted(chars: &Chars<'_>) -> Option<(u32, Option<u32>, usize)> {
    let inside: String = chars.clone().take_while(|c| *c != '}').collect();
    if chars.clone().count() <= inside.chars().count() {
        return None;
    }
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    let (low, high) = match inside.split_once(',') {
        None => (number(&inside)?, Some(number(&inside)?)),
        Some((low, "")) => (number(low)?, None),
        Some((low, high)) => (number(low)?, Some(number(high)?)),
    };
    Some((low, high, inside.len() + 1))
}

/// What stands behind a backslash.
fn escape(chars: &mut Chars<'_>, in_class: bool, out: &mut String) -> Result<(), String> {
    let Some(c) = chars.next() else { return Err("it ends with a backslash".into()) };
    let mut set = |inside: &str| {
        if in_class { out.push_str(inside) } else { out.push_str(&format!("[{inside}]")) }
    };
    match c {
        'd' => set("0-9"),
        'w' => set("0-9A-Za-z_"),
        's' => set("\\t\\n\\x0c\\r "),
        'D' => out.push_str("[^0-9]"),
        'W' => out.push_str("[^0-9A-Za-z_]"),
        'S' => out.push_str("[^\\t\\n\\x0c\\r ]"),
        'b' if !in_class => out.push_str("(?-u:\\b)"),
        'B' if !in_class => out.push_str("(?-u:\\B)"),
        'A' | 'z' if !in_class => out.extend(['\\', c]),
        'x' | 'p' | 'P' => {
            out.extend(['\\', c]);
            if chars.peek() == Some(&'{') {
                let name = chars.clone().take_while(|c| *c != '}').count();
                out.extend(chars.by_ref().take(name + 1));
            }
        }
        'a' | 'f' | 't' | 'n' | 'r' | 'v' => out.extend(['\\', c]),
        'Q' if !in_class => {
            let rest: String = chars.clone().collect();
            let (quoted, all) = rest.split_once("\\E").map_or((rest.as_str(), rest.len()), |(quoted, _)| (quoted, quoted.len() + 2));
            out.push_str(&regex::escape(quoted));
            let count = rest[..all].chars().count();
            chars.by_ref().take(count).for_each(drop);
        }
        'E' if !in_class => {}
        '0'..='7' => {
            let mut code = u32::from(c) - 48;
            let mut more = 0;
            while let Some(d) = chars.next_if(|d| more < 2 && ('0'..='7').contains(d)) {
                code = code * 8 + u32::from(d) - 48;
                more += 1;
            }
            if c != '0' && more == 0 {
                return Err("nothing refers back to a group".into());
            }
            out.push_str(&format!("\\x{{{code:x}}}"));
        }
        c if c.is_ascii_punctuation() => out.push_str(&regex::escape(&c.to_string())),
        c => return Err(format!("there is no escape `\\{c}`")),
    }
    Ok(())
}

/// A class, from behind its bracket.
fn class(chars: &mut Chars<'_>, out: &mut String) -> Result<(), String> {
    out.push('[');
    out.extend(chars.next_if_eq(&'^'));
    let mut first = true;
    while let Some(c) = chars.next() {
        match c {
            ']' if !first => {
                out.push(']');
                return Ok(());
            }
            '\\' => escape(chars, true, out)?,
            '[' if chars.peek() == Some(&':') => {
                let name: String = chars.clone().take_while(|c| *c != ']').collect();
                out.push('[');
                out.extend(chars.by_ref().take(name.chars().count() + 1));
            }
            // To the other one these begin operations on classes.
            '[' | ']' | '&' | '~' => out.extend(['\\', c]),
            c => out.push(c),
        }
        first = false;
    }
    Err("a bracket is not closed".into())
}

#[cfg(test)]
mod tests {
    use super::compile;

    #[test]
    fn patterns_mean_what_they_mean_to_terraform() {
        for (pattern, text, found) in [
            (r"\d+", "١2", Some("2")),
            (r"[\w&&a]+", "é&&b", Some("&&b")),
            (r"[^\d\W]", "1é_", Some("_")),
            (r"[]a]+", "]a", Some("]a")),
            (r"a{,2}{", "a{,2}{", Some("a{,2}{")),
            (r"\Qa.b\E+", "a.bb", Some("a.bb")),
            (r"\bfoo\B", "a foob", Some("foo")),
            (r"[[:alpha:]é]+", "1aé", Some("aé")),
            (r"(?i:A)\x{41}\101\p{Greek}", "aAAα", Some("aAAα")),
        ] {
            let compiled = compile(pattern).unwrap_or_else(|e| panic!("{pattern}: {e}"));
            assert_eq!(compiled.find(text).map(|m| m.as_str()), found, "{pattern}");
        }
        for pattern in ["a**", "a++", "a{1001}", "a{3,2}", r"\u0041", r"\1", "[a", "(?x)a", r"\", "(?=a)", "*a"] {
            assert!(compile(pattern).is_err(), "{pattern}");
        }
    }
}
