//! Names that nobody chose.

use sha2::{Digest, Sha256};

/// How many characters a generated name has after its prefix: as many as Terraform's.
pub const SUFFIX: usize = 26;

/// The name as given; else the prefix and a suffix that no other creation has, but that is the same when an interrupted one is
/// tried again with its token.
#[must_use]
pub fn generate(name: Option<&str>, prefix: Option<&str>, token: &str) -> String {
    match name.filter(|n| !n.is_empty()) {
        Some(name) => name.to_owned(),
        None => format!("{}{}", prefix.filter(|p| !p.is_empty()).unwrap_or("terraform-"), suffix(token)),
    }
}

fn suffix(token: &str) -> String {
    let mut hex: String = Sha256::digest(token).iter().map(|byte| format!("{byte:02x}")).collect();
    hex.truncate(SUFFIX);
    hex
}

/// What stands before the suffix of a generated name; nothing for a name that was not generated.
#[must_use]
pub fn prefix_of(name: &str) -> Option<String> {
    let (prefix, suffix) = name.split_at_checked(name.len().checked_sub(SUFFIX)?)?;
    suffix.bytes().all(|b| b.is_ascii_hexdigit()).then(|| prefix.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_name_is_the_same_for_the_same_intent() {
        let name = generate(None, Some("web-"), "token");
        assert_eq!(name, generate(Some(""), Some("web-"), "token"));
        assert_ne!(name, generate(None, Some("web-"), "other"));
        assert_eq!(name.len(), 4 + SUFFIX);
        assert_eq!(prefix_of(&name).as_deref(), Some("web-"));
        assert_eq!(generate(Some("web"), Some("db"), "token"), "web");
        assert_eq!(prefix_of("web"), None);
        assert_eq!(prefix_of("a-name-that-is-long-but-nobody-made"), None);
    }
}
