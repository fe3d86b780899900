//! Values on one line.

use crate::words::Value;

/// What stands for a value that may not be shown.
pub const SENSITIVE: &str = "(sensitive)";
/// What stands for a value that only apply will tell.
pub const UNKNOWN: &str = "(known after apply)";

/// A value on one line, empty attributes of objects left out.
#[must_use]
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => n.to_string(),
        Value::String(s) => quoted(s),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => bracketed(items),
        Value::Map(items) | Value::Object(items) => {
            rule(value, "").map_or_else(|| braced(items.iter().map(|(k, v)| (k.as_ref(), v))), |atoms| atoms.join(", "))
        }
        Value::Unknown(_) => UNKNOWN.into(),
        Value::Marked(_, _) => SENSITIVE.into(),
        Value::Typed(known) => inline(&known.1),
    }
}

/// A text in quotes, with what can't be seen escaped.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn bracketed(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
}

fn braced<'a>(items: impl Iterator<Item = (&'a str, &'a Value)>) -> String {
    let shown: Vec<String> =
        items.filter(|(_, v)| v.is_sensitive() || !v.is_empty()).map(|(k, v)| format!("{k} = {}", inline(v))).collect();
    if shown.is_empty() { "{}".into() } else { format!("{{ {} }}", shown.join(", ")) }
}

/// What a rule lets through and whom, a text for each peer: `22/tcp from 0.0.0.0/0`. `None` where the object is no such rule.
/// `word` is `from` or `to`; without one it is `with`.
#[must_use]
pub fn rule(value: &Value, word: &str) -> Option<Vec<String>> {
    let protocol = value.get("protocol").or_else(|| value.get("ip_protocol"))?.as_str()?;
    let (from, to) = (value.get("from_port")?, value.get("to_port")?);
    if [from, to].iter().any(|v| v.is_unknown()) {
        return None;
    }
    let port = |v: &Value| v.as_number().and_then(|n| n.as_i64());
    let what = ports(protocol, port(from), port(to));
    let word = if word.is_empty() { "with" } else { word };
    let about = value.attr("description").as_str().filter(|d| !d.is_empty()).map_or_else(String::new, |d| format!(" {}", quoted(d)));
    Some(peers(value).into_iter().map(|peer| format!("{what} {word} {peer}{about}")).collect())
}

/// The attributes that name whom a rule is about: lists in a group's own rules, single values in rules of their own.
const PEERS: &[&str] = &[
    "cidr_blocks",
    "ipv6_cidr_blocks",
    "prefix_list_ids",
    "security_groups",
    "cidr_ipv4",
    "cidr_ipv6",
    "prefix_list_id",
    "referenced_security_group_id",
    "source_security_group_id",
];

/// Whom a rule is about.
#[must_use]
pub fn peers(rule: &Value) -> Vec<String> {
    let mut peers = vec![];
    for value in PEERS.iter().filter_map(|name| rule.get(name)) {
        let items = value.items();
        for item in if items.is_empty() { std::slice::from_ref(value) } else { items } {
            match item {
                Value::Marked(_, _) => peers.push(SENSITIVE.to_owned()),
                Value::Unknown(_) => peers.push(UNKNOWN.to_owned()),
                Value::String(s) if !s.is_empty() => peers.push(s.to_string()),
                _ => {}
            }
        }
    }
    if rule.attr("self").as_bool() == Some(true) {
        peers.push("itself".into());
    }
    if peers.is_empty() {
        peers.push("nobody".into());
    }
    peers
}

fn ports(protocol: &str, from: Option<i64>, to: Option<i64>) -> String {
    let protocol = match protocol {
        "6" => "tcp",
        "17" => "udp",
        "1" => "icmp",
        "58" => "icmpv6",
        other => other,
    };
    match (protocol, from, to) {
        ("-1" | "all", _, _) => "all traffic".into(),
        (p, Some(0), Some(65535)) => format!("all {p} ports"),
        (p @ ("icmp" | "icmpv6"), Some(-1) | None, _) => p.into(),
        (p @ ("icmp" | "icmpv6"), Some(kind), _) => format!("{p} type {kind}"),
        (p, Some(a), Some(b)) if a == b => format!("{a}/{p}"),
        (p, Some(a), Some(b)) => format!("{a}-{b}/{p}"),
        (p, _, _) => p.into(),
    }
}
