//! Functions on text.

use std::sync::Arc;

use regex::Regex;
use unicode_segmentation::UnicodeSegmentation;

use super::pattern::compile;
use super::{Args, Bad, Function, Gives, Got, Needs, Outcome, bad, f, texts};
use crate::words::{Object, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("lower", &["string: string"], Gives::Text, |a| {
        Ok(a.text(0)?.chars().map(|c| c.to_lowercase().next().unwrap_or(c)).collect::<String>().into())
    }),
    f("upper", &["string: string"], Gives::Text, |a| {
        Ok(a.text(0)?.chars().map(|c| single(c.to_uppercase(), c)).collect::<String>().into())
    }),
    f("title", &["string: string"], Gives::Text, title),
    f("trim", &["string: string", "characters: string"], Gives::Text, trim),
    f("trimspace", &["string: string"], Gives::Text, |a| Ok(a.text(0)?.trim().into())),
    f("trimprefix", &["string: string", "prefix: string"], Gives::Text, |a| {
        let (s, p) = (a.text(0)?, a.text(1)?);
        Ok(s.strip_prefix(&*p).unwrap_or(&s).into())
    }),
    f("trimsuffix", &["string: string", "suffix: string"], Gives::Text, |a| {
        let (s, p) = (a.text(0)?, a.text(1)?);
        Ok(s.strip_suffix(&*p).unwrap_or(&s).into())
    }),
    f("startswith", &["string: string", "prefix: string"], Gives::Bool, |a| Ok(a.text(0)?.starts_with(&*a.text(1)?).into())),
    f("endswith", &["string: string", "suffix: string"], Gives::Bool, |a| Ok(a.text(0)?.ends_with(&*a.text(1)?).into())),
    f("strcontains", &["string: string", "part: string"], Gives::Bool, |a| Ok(a.text(0)?.contains(&*a.text(1)?).into())),
    f("strrev", &["string: string"], Gives::Text, |a| Ok(a.text(0)?.graphemes(true).rev().collect::<String>().into())),
    f("chomp", &["string: string"], Gives::Text, |a| Ok(a.text(0)?.trim_end_matches(['\n', '\r']).into())),
    f("indent", &["spaces: number", "string: string"], Gives::Text, |a| {
        let spaces =
            usize::try_from(a.int(0)?).ok().filter(|n| *n <= 1000).map_or_else(|| a.bad(0, "0 to 1000 spaces are possible"), Ok)?;
        Ok(a.text(1)?.replace('\n', &format!("\n{}", " ".repeat(spaces))).into())
    }),
    f("join", &["separator: string", "lists: list(string)..."], Gives::Text, join),
    f("split", &["separator: string", "string: string"], Gives::Texts, split),
    f("replace", &["string: string", "part: string", "replacement: string"], Gives::Text, replace),
    f("regex", &["pattern: string", "string: string"], Gives::Any, |a| {
        applied(a, matched, |pattern, text| {
            pattern.captures(text).map_or_else(|| bad("the pattern does not match the text"), |found| Ok(captured(pattern, &found)))
        })
    })
    .needs(Needs::Nothing),
    f("regexall", &["pattern: string", "string: string"], Gives::Any, |a| {
        let list = |pattern: &Regex| Type::List(Arc::new(matched(pattern)));
        applied(a, list, |pattern, text| {
            let found = pattern.captures_iter(text).map(|found| captured(pattern, &found));
            Ok(Value::list(found).typed(&Type::List(Arc::new(matched(pattern)))))
        })
    })
    .needs(Needs::Nothing),
    f("substr", &["string: string", "offset: number", "length: number"], Gives::Text, substr),
];

/// The other case where it is one character, as Go has it: `ß` stays.
fn single(mut other: impl Iterator<Item = char>, c: char) -> char {
    match (other.next(), other.next()) {
        (Some(only), None) => only,
        _ => c,
    }
}

fn title(a: &Args<'_>) -> Outcome {
    let mut made = String::new();
    let mut inside = false;
    for c in a.text(0)?.chars() {
        if inside {
            made.push(c);
        } else {
            made.push(match c {
                // These have a form of their own at the start of a word.
                'Ǆ' | 'ǅ' | 'ǆ' => 'ǅ',
                'Ǉ' | 'ǈ' | 'ǉ' => 'ǈ',
                'Ǌ' | 'ǋ' | 'ǌ' => 'ǋ',
                'Ǳ' | 'ǲ' | 'ǳ' => 'ǲ',
                c => single(c.to_uppercase(), c),
            });
        }
        inside = if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { !c.is_whitespace() };
    }
    Ok(made.into())
}

fn trim(a: &Args<'_>) -> Outcome {
    let (text, chars) = (a.text(0)?, a.text(1)?);
    Ok(text.trim_matches(|c| chars.contains(c)).into())
}

fn join(a: &Args<'_>) -> Outcome {
    if a.len() < 2 {
        return bad("at least one list is required");
    }
    let mut all = vec![];
    for i in 1..a.len() {
        all.extend(a.texts(i)?);
    }
    Ok(all.join(&a.text(0)?).into())
}

fn split(a: &Args<'_>) -> Outcome {
    let (by, text) = (a.text(0)?, a.text(1)?);
    if text.is_empty() {
        return Ok(if by.is_empty() { texts::<&str>([]) } else { texts([""]) });
    }
    if by.is_empty() {
        return Ok(texts(text.chars().map(String::from)));
    }
    Ok(texts(text.split(&*by)))
}

fn pattern(a: &Args<'_>, index: usize) -> Got<Regex> {
    let pattern = compile(&a.text(index)?).map_err(|why| Bad::Arg(index, why))?;
    let named = pattern.capture_names().flatten().count();
    if named > 0 && named + 1 < pattern.captures_len() {
        return a.bad(index, "groups with and without names can't be mixed");
    }
    Ok(pattern)
}

/// The type of a match.
fn matched(pattern: &Regex) -> Type {
    if pattern.captures_len() == 1 {
        return Type::String;
    }
    if pattern.capture_names().flatten().next().is_some() {
        return Type::Object(pattern.capture_names().flatten().map(|name| (name.into(), (Type::String, false))).collect());
    }
    Type::Tuple(vec![Type::String; pattern.captures_len() - 1])
}

/// Applies a pattern that is known to a text that may not be.
fn applied(a: &Args<'_>, ty: fn(&Regex) -> Type, apply: fn(&Regex, &str) -> Outcome) -> Outcome {
    if a.value(0).is_unknown() {
        return Ok(Value::unknown());
    }
    let pattern = pattern(a, 0)?;
    if a.value(1).is_unknown() {
        return Ok(Value::Unknown(Arc::new(ty(&pattern))));
    }
    apply(&pattern, &a.text(1)?)
}

/// A match: its text where there are no groups, an object of named groups, or a tuple of groups.
fn captured(pattern: &Regex, found: &regex::Captures<'_>) -> Value {
    let group = |m: Option<regex::Match<'_>>| m.map_or_else(|| Value::Null.typed(&Type::String), |m| Value::from(m.as_str()));
    if pattern.captures_len() == 1 {
        return group(found.get(0));
    }
    if pattern.capture_names().flatten().next().is_some() {
        let named: Object = pattern.capture_names().flatten().map(|name| (name.into(), group(found.name(name)))).collect();
        return Value::Object(named.into());
    }
    Value::Tuple((1..found.len()).map(|i| group(found.get(i))).collect::<Vec<_>>().into())
}

fn replace(a: &Args<'_>) -> Outcome {
    let (text, part, by) = (a.text(0)?, a.text(1)?, a.text(2)?);
    let inner = part.strip_prefix('/').and_then(|p| p.strip_suffix('/'));
    match inner {
        Some(inner) => {
            let pattern = compile(inner).map_err(|why| Bad::Arg(1, why))?;
            Ok(pattern.replace_all(&text, &*by).into_owned().into())
        }
        None => Ok(text.replace(&*part, &by).into()),
    }
}

fn substr(a: &Args<'_>) -> Outcome {
    let text = a.text(0)?;
    let all: Vec<&str> = text.graphemes(true).collect();
    let (offset, length) = (a.int(1)?, a.int(2)?);
    let size = i64::try_from(all.len()).unwrap_or(i64::MAX);
    let start = if offset < 0 { (size + offset).max(0) } else { offset.min(size) };
    let end = if length < 0 { size } else { start.saturating_add(length).min(size) };
    let at = |n: i64| usize::try_from(n).unwrap_or(0);
    Ok(all[at(start)..at(end)].concat().into())
}
