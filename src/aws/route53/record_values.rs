//! Values of DNS records: as users write them, and as Route 53 has them.

use std::net::Ipv6Addr;

crate::text!(
    /// A value of a record. Of a long text it means nothing how it is cut into pieces, of an IPv6 address how it is shortened.
    pub RecordValue, "record value", |s| Ok(s.to_owned()), same
);

crate::text!(
    /// The name that an alias leads to: letter case, a final dot and `dualstack.` in front mean nothing.
    pub AliasName, "DNS name", |s| Ok(s.to_owned()), |a, b| target(a) == target(b)
);

/// The longest piece of a text in a record.
const PIECE: usize = 255;

fn target(name: &str) -> String {
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    name.strip_prefix("dualstack.").map(str::to_owned).unwrap_or(name)
}

fn same(a: &str, b: &str) -> bool {
    let whole = |s: &str| unquoted(s).replace("\" \"", "");
    a == b || whole(a) == whole(b) || matches!((a.parse::<Ipv6Addr>(), b.parse::<Ipv6Addr>()), (Ok(a), Ok(b)) if a == b)
}

fn quoted(value: &str) -> bool {
    value.len() >= 2 && value.starts_with('"') && value.ends_with('"') && !value.ends_with("\\\"")
}

fn unquoted(value: &str) -> &str {
    if quoted(value) { &value[1..value.len() - 1] } else { value }
}

fn is_text(kind: &str) -> bool {
    matches!(kind, "TXT" | "SPF")
}

/// As Route 53 takes it: texts in quotes, in pieces of at most 255 characters.
pub fn sent(kind: &str, value: &str) -> String {
    if !is_text(kind) || quoted(value) {
        return value.to_owned();
    }
    if value.contains("\" \"") || value.len() <= PIECE {
        return format!("\"{value}\"");
    }
    let mut pieces = vec![];
    let mut rest = value;
    while rest.len() > PIECE {
        let mut at = PIECE;
        // Neither a character nor an escape is cut in two.
        while !rest.is_char_boundary(at) || rest.as_bytes()[at - 1] == b'\\' {
            at -= 1;
        }
        let (piece, after) = rest.split_at(at.max(1));
        pieces.push(piece);
        rest = after;
    }
    pieces.push(rest);
    format!("\"{}\"", pieces.join("\" \""))
}

/// As users write it: texts without the outer quotes, and whole where they were cut only for their length.
pub fn shown(kind: &str, value: &str) -> String {
    if !is_text(kind) {
        return value.to_owned();
    }
    let value = unquoted(value);
    let pieces: Vec<&str> = value.split("\" \"").collect();
    let (_, before) = pieces.split_last().unwrap_or((&"", &[]));
    if before.iter().all(|p| p.len() == PIECE) { pieces.concat() } else { value.to_owned() }
}

/// As it is written in the stack, where that means the same.
pub fn spelled<'a>(value: String, written: impl IntoIterator<Item = &'a RecordValue>) -> RecordValue {
    written.into_iter().find(|w| same(w, &value)).cloned().unwrap_or(RecordValue(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_quoted_and_cut() {
        assert_eq!(sent("TXT", "v=spf1 -all"), "\"v=spf1 -all\"");
        assert_eq!(sent("TXT", "\"v=spf1 -all\""), "\"v=spf1 -all\"");
        assert_eq!(sent("TXT", "a\" \"b"), "\"a\" \"b\"");
        assert_eq!(sent("A", "10.0.0.1"), "10.0.0.1");
        let long = "k".repeat(600);
        let cut = sent("TXT", &long);
        assert_eq!(cut.len(), 600 + 2 + 2 * 3);
        assert_eq!(shown("TXT", &cut), long);
        assert_eq!(shown("TXT", "\"a\" \"b\""), "a\" \"b");
        assert_eq!(shown("TXT", "\""), "\"");
    }

    #[test]
    fn the_same_value_may_be_written_in_several_ways() {
        assert!(same("\"ab\"", "a\" \"b"));
        assert!(same("2001:DB8::1", "2001:db8:0:0::1"));
        assert!(!same("A", "a"));
        assert_eq!(target("dualstack.LB.amazonaws.com."), target("lb.amazonaws.com"));
    }
}
