//! `format` and `formatlist`.

use std::sync::Arc;

use unicode_segmentation::UnicodeSegmentation;

use super::{Args, Bad, Function, Gives, Got, Needs, Outcome, f};
use crate::stack::convert::{self, kind_of};
use crate::words::{Number, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("format", &["format: string", "values..."], Gives::Text, |a| {
        let values: Vec<&Value> = a.values[1..].iter().collect();
        Ok(formatted(&a.text(0)?, &values)?.into())
    })
    .nulls(),
    f("formatlist", &["format: string", "values..."], Gives::Texts, formatlist).needs(Needs::Outside).nulls(),
];

fn formatlist(a: &Args<'_>) -> Outcome {
    let text = a.text(0)?;
    let lists: Vec<Option<&[Value]>> =
        (1..a.len()).map(|i| matches!(a.value(i), Value::List(_) | Value::Tuple(_) | Value::Set(_)).then(|| a.value(i).items())).collect();
    let Some(size) = lists.iter().flatten().map(|l| l.len()).next() else {
        let values: Vec<&Value> = a.values[1..].iter().collect();
        return Ok(Value::list([formatted(&text, &values)?.into()]));
    };
    let mut made = vec![];
    for i in 0..size {
        let mut row = vec![];
        for (n, list) in lists.iter().enumerate() {
            match list {
                Some(list) => match list.get(i).filter(|_| list.len() == size) {
                    Some(value) => row.push(value),
                    None => return a.bad(n + 1, format!("lists of one length are required: {size} and {}", list.len())),
                },
                None => row.push(a.value(n + 1)),
            }
        }
        let known = row.iter().all(|v| v.is_known());
        made.push(if known { formatted(&text, &row)?.into() } else { Value::Unknown(Arc::new(Type::String)) });
    }
    Ok(Value::list(made).typed(&Type::List(Arc::new(Type::String))))
}

/// A verb: `%[2]-08.3f`.
#[expect(clippy::struct_excessive_bools, reason = "these are its flags")]
#[derive(Default)]
struct Verb {
    minus: bool,
    plus: bool,
    zero: bool,
    space: bool,
    sharp: bool,
    width: Option<usize>,
    precision: Option<usize>,
    letter: char,
}

fn formatted(text: &str, values: &[&Value]) -> Got<String> {
    let mut made = String::new();
    let mut chars = text.chars().peekable();
    let (mut next, mut named) = (0, false);
    let mut used = 0;
    while let Some(c) = chars.next() {
        if c != '%' {
            made.push(c);
            continue;
        }
        if chars.peek() == Some(&'%') {
            chars.next();
            made.push('%');
            continue;
        }
        let (verb, index) = verb(&mut chars, next)?;
        if let Some(index) = index {
            next = index;
            named = true;
        }
        let Some(value) = values.get(next) else {
            return Err(Bad::Call(format!(
                "there is no value for `%{}`: {} are given, and this is the {}. one",
                verb.letter,
                values.len(),
                next + 1
            )));
        };
        next += 1;
        used = used.max(next);
        made.push_str(&one(&verb, value).map_err(|why| Bad::Call(format!("value {next} for `%{}`: {why}", verb.letter)))?);
    }
    if used < values.len() && !named {
        return Err(Bad::Call(format!("{} values are given, and the format uses {used}", values.len())));
    }
    Ok(made)
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn digits(chars: &mut Chars<'_>) -> Option<usize> {
    let mut text = String::new();
    while let Some(c) = chars.peek().filter(|c| c.is_ascii_digit()) {
        text.push(*c);
        chars.next();
    }
    // Wide enough for anyone, and too small to fill the memory.
    text.parse().ok().map(|n: usize| n.min(4096))
}

fn verb(chars: &mut Chars<'_>, _next: usize) -> Got<(Verb, Option<usize>)> {
    let mut verb = Verb::default();
    let mut index = None;
    while let Some(c) = chars.peek() {
        match c {
            '-' => verb.minus = true,
            '+' => verb.plus = true,
            '0' => verb.zero = true,
            ' ' => verb.space = true,
            '#' => verb.sharp = true,
            _ => break,
        }
        chars.next();
    }
    verb.width = digits(chars);
    if chars.peek() == Some(&'.') {
        chars.next();
        verb.precision = Some(digits(chars).unwrap_or(0));
    }
    if chars.peek() == Some(&'[') {
        chars.next();
        let n = digits(chars).filter(|n| *n > 0);
        if n.is_none() || chars.next() != Some(']') {
            return Err(Bad::Arg(0, "`%[` is followed by the number of a value and `]`".into()));
        }
        index = n.map(|n| n - 1);
    }
    match chars.next() {
        Some(letter) if "vdbtoxXeEfgGsq".contains(letter) => Ok((Verb { letter, ..verb }, index)),
        Some(other) => Err(Bad::Arg(0, format!("there is no verb `%{other}`"))),
        None => Err(Bad::Arg(0, "the format ends in the middle of a `%` verb".into())),
    }
}

fn one(verb: &Verb, value: &Value) -> Result<String, String> {
    let text = |v: &Value| convert::text(v).map_err(|e| e.to_string());
    let number = |v: &Value| convert::numeric(v).map_err(|e| e.to_string());
    let body = match verb.letter {
        'v' => match value.bare() {
            Value::Null => "null".to_owned(),
            Value::String(s) if verb.sharp => serde_json::Value::from(&**s).to_string(),
            Value::String(_) | Value::Number(_) | Value::Bool(_) => text(value)?.to_string(),
            other => other.to_json().to_string(),
        },
        _ if value.is_null() => return Err("null can't be formatted".into()),
        't' => return convert::truth(value).map(|b| b.to_string()).map_err(|e| e.to_string()),
        's' => cut(&text(value)?, verb.precision),
        'q' => {
            let mut made = String::new();
            super::encoding::quoted(&cut(&text(value)?, verb.precision), &mut made);
            made
        }
        'd' | 'b' | 'o' | 'x' | 'X' => {
            if let ('x' | 'X', Value::String(s)) = (verb.letter, value.bare())
                && number(value).is_err()
            {
                return Err(format!("a number is required, and this is {}: \"{s}\"", kind_of(value)));
            }
            return integer(verb, &number(value)?);
        }
        _ => return Ok(float(verb, &number(value)?)),
    };
    Ok(pad(verb, &body, false))
}

fn cut(text: &str, precision: Option<usize>) -> String {
    precision.filter(|n| *n > 0).map_or_else(|| text.to_owned(), |n| text.graphemes(true).take(n).collect())
}

/// Signed digits, filled up to the width.
fn pad(verb: &Verb, body: &str, number: bool) -> String {
    let width = verb.width.unwrap_or(0);
    let missing = width.saturating_sub(body.graphemes(true).count());
    if verb.minus {
        return format!("{body}{}", " ".repeat(missing));
    }
    if verb.zero && number {
        let (sign, digits) = body.strip_prefix(['-', '+', ' ']).map_or(("", body), |d| (&body[..1], d));
        return format!("{sign}{}{digits}", "0".repeat(missing));
    }
    if verb.zero { format!("{}{body}", "0".repeat(missing)) } else { format!("{}{body}", " ".repeat(missing)) }
}

fn signed(verb: &Verb, negative: bool, digits: &str) -> String {
    let sign = match (negative, verb.plus, verb.space) {
        (true, _, _) => "-",
        (_, true, _) => "+",
        (_, _, true) => " ",
        _ => "",
    };
    pad(verb, &format!("{sign}{digits}"), true)
}

fn integer(verb: &Verb, n: &Number) -> Result<String, String> {
    let base = match verb.letter {
        'b' => 2,
        'o' => 8,
        'x' | 'X' => 16,
        _ => 10,
    };
    let digits = n.digits(base).ok_or("a whole number is required")?;
    let digits = if verb.letter == 'X' { digits.to_uppercase() } else { digits };
    let mark = match verb.letter {
        'x' if verb.sharp => "0x",
        'X' if verb.sharp => "0X",
        'b' if verb.sharp => "0b",
        'o' if verb.sharp => "0",
        _ => "",
    };
    Ok(signed(verb, n.is_negative(), &format!("{mark}{digits}")))
}

fn float(verb: &Verb, n: &Number) -> String {
    let digits = match verb.letter {
        'f' => n.fixed(verb.precision.unwrap_or(6)),
        'e' | 'E' => {
            let (digits, point) = n.rounded(verb.precision.unwrap_or(6) + 1);
            scientific(&digits, if *n == Number::from(0) { 0 } else { point - 1 }, verb.letter)
        }
        // The shorter of both, without needless zeros.
        letter => {
            let (digits, point) = verb.precision.map_or_else(|| n.shortest(), |p| n.rounded(p.max(1)));
            let digits = if digits.trim_end_matches('0').is_empty() { "0" } else { digits.trim_end_matches('0') };
            let size = i64::try_from(digits.len()).unwrap_or(i64::MAX);
            let limit = verb.precision.map_or(6, |p| i64::try_from(p.max(1)).unwrap_or(i64::MAX));
            let limit = if limit > size && size >= point { size } else { limit };
            let limit = if verb.precision.is_none() { 6 } else { limit };
            if point - 1 < -4 || point > limit {
                scientific(digits, point - 1, if letter == 'G' { 'E' } else { 'e' })
            } else {
                plain(digits, point)
            }
        }
    };
    signed(verb, n.is_negative(), &digits)
}

/// `125` and 2 as `12.5`.
fn plain(digits: &str, point: i64) -> String {
    match usize::try_from(point) {
        Ok(0) | Err(_) => format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or(0))),
        Ok(point) if point >= digits.len() => format!("{digits}{}", "0".repeat(point - digits.len())),
        Ok(point) => format!("{}.{}", &digits[..point], &digits[point..]),
    }
}

/// `15` and 7 as `1.5e+07`.
fn scientific(digits: &str, power: i64, letter: char) -> String {
    let (first, rest) = digits.split_at(1.min(digits.len()));
    let dot = if rest.is_empty() { "" } else { "." };
    format!("{first}{dot}{rest}{letter}{}{:02}", if power < 0 { '-' } else { '+' }, power.abs())
}
