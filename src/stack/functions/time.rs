//! Functions on time.

use std::sync::Arc;

use jiff::fmt::temporal::DateTimeParser;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Args, Function, Gives, Got, Needs, Outcome, f};
use crate::words::{Type, Value};

pub(super) const ALL: &[Function] = &[
    f("timestamp", &[], Gives::Text, |a| Ok(stamp(a.cx.scope.now()))).needs(Needs::Nothing),
    f("plantimestamp", &[], Gives::Text, |a| Ok(stamp(a.cx.scope.plan_time()))).needs(Needs::Nothing),
    f("formatdate", &["format: string", "time: string"], Gives::Text, formatdate),
    f("timeadd", &["time: string", "duration: string"], Gives::Text, |a| {
        let (time, zone) = moment(a, 0)?;
        let duration = duration(&a.text(1)?).map_or_else(|| a.bad(1, "a duration such as 1h30m or -10s is required"), Ok)?;
        let sum = time.checked_add(duration).or_else(|_| a.bad(1, "the result is out of range"))?;
        Ok(shown(sum, zone).into())
    }),
    f("timecmp", &["time: string", "other: string"], Gives::Number, |a| {
        let (x, y) = (moment(a, 0)?.0, moment(a, 1)?.0);
        Ok(Value::from(i64::from(x > y) - i64::from(x < y)))
    }),
];

fn stamp(time: Option<Timestamp>) -> Value {
    time.map_or_else(|| Value::Unknown(Arc::new(Type::String)), |t| Value::from(shown(t, Offset::UTC)))
}

/// RFC 3339 with whole seconds.
fn shown(time: Timestamp, zone: Offset) -> String {
    let local = time.to_zoned(TimeZone::fixed(zone));
    let zone = if zone == Offset::UTC { "Z".to_owned() } else { offset(zone, true) };
    format!("{}{zone}", local.strftime("%Y-%m-%dT%H:%M:%S"))
}

pub(super) fn offset(zone: Offset, colon: bool) -> String {
    let seconds = zone.seconds();
    let (sign, all) = if seconds < 0 { ('-', -seconds) } else { ('+', seconds) };
    format!("{sign}{:02}{}{:02}", all / 3600, if colon { ":" } else { "" }, all / 60 % 60)
}

/// A time with the offset that it is written in.
fn moment(a: &Args<'_>, index: usize) -> Got<(Timestamp, Offset)> {
    let text = a.text(index)?;
    let strict = text.len() >= 20 && text.as_bytes()[10] == b'T' && text.as_bytes()[17] != b'6';
    let read = || {
        let pieces = DateTimeParser::new().parse_pieces(&*text).ok()?;
        let zone = pieces.to_numeric_offset().unwrap_or(Offset::UTC);
        Some((text.parse::<Timestamp>().ok()?, zone))
    };
    strict
        .then(read)
        .flatten()
        .map_or_else(|| a.bad(index, format!("`{text}` is no time as of RFC 3339, such as 2024-01-31T12:00:00Z")), Ok)
}

/// A duration as Go writes it: `1h15m30.918s`.
fn duration(text: &str) -> Option<SignedDuration> {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text.strip_prefix('+').unwrap_or(text)), |r| (true, r));
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total = SignedDuration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let n: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let unit_end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        let seconds = match &rest[..unit_end] {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        rest = &rest[unit_end..];
        total = total.checked_add(SignedDuration::try_from_secs_f64(n * seconds).ok()?)?;
    }
    Some(if negative { -total } else { total })
}

fn formatdate(a: &Args<'_>) -> Outcome {
    let format = a.text(0)?;
    let (time, zone) = moment(a, 1)?;
    let local = time.to_zoned(TimeZone::fixed(zone));
    let mut made = String::new();
    let mut rest = &*format;
    while let Some(c) = rest.chars().next() {
        if c == '\'' {
            rest = &rest[1..];
            if rest.starts_with('\'') {
                made.push('\'');
                rest = &rest[1..];
                continue;
            }
            loop {
                let Some(end) = rest.find('\'') else { return a.bad(0, "a quote is not closed") };
                made.push_str(&rest[..end]);
                rest = &rest[end + 1..];
                if !rest.starts_with('\'') {
                    break;
                }
                made.push('\'');
                rest = &rest[1..];
            }
            continue;
        }
        let end = rest.find(|other| other != c).unwrap_or(rest.len());
        let word = &rest[..end];
        rest = &rest[end..];
        if c.is_ascii_alphabetic() {
            match part(word, &local, zone) {
                Some(text) => made.push_str(&text),
                None => return a.bad(0, format!("there is no verb `{word}`; letters that are no verbs go between single quotes")),
            }
        } else {
            made.push_str(word);
        }
    }
    Ok(made.into())
}

fn part(word: &str, local: &Zoned, zone: Offset) -> Option<String> {
    let hour = local.hour();
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    Some(match word {
        "YYYY" => format!("{:04}", local.year()),
        "YY" => format!("{:02}", local.year().rem_euclid(100)),
        "MMMM" => local.strftime("%B").to_string(),
        "MMM" => local.strftime("%b").to_string(),
        "MM" => format!("{:02}", local.month()),
        "M" => local.month().to_string(),
        "DD" => format!("{:02}", local.day()),
        "D" => local.day().to_string(),
        "EEEE" => local.strftime("%A").to_string(),
        "EEE" => local.strftime("%a").to_string(),
        "hh" => format!("{hour:02}"),
        "h" => hour.to_string(),
        "HH" => format!("{twelve:02}"),
        "H" => twelve.to_string(),
        "AA" => if hour < 12 { "AM" } else { "PM" }.to_owned(),
        "aa" => if hour < 12 { "am" } else { "pm" }.to_owned(),
        "mm" => format!("{:02}", local.minute()),
        "m" => local.minute().to_string(),
        "ss" => format!("{:02}", local.second()),
        "s" => local.second().to_string(),
        "ZZZZZ" => offset(zone, true),
        "ZZZZ" => offset(zone, false),
        "ZZZ" => {
            if zone == Offset::UTC {
                "UTC".to_owned()
            } else {
                offset(zone, false)
            }
        }
        "Z" => {
            if zone == Offset::UTC {
                "Z".to_owned()
            } else {
                offset(zone, true)
            }
        }
        _ => return None,
    })
}
