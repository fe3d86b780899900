//! Names that the user leaves to us.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// How many characters follow the prefix: as many as Terraform makes, so that the same lengths are allowed.
pub const SUFFIX: usize = 26;

/// The name given; else the prefix given, or `terraform-`, and 26 hexadecimal digits. They are made from the token, so that a
/// creation that is tried again makes the same name.
#[must_use]
pub fn name(given: Option<&str>, prefix: Option<&str>, token: &str) -> String {
    let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    some(given).unwrap_or_else(|| some(prefix).unwrap_or_else(|| "terraform-".into()) + &suffix(token))
}

/// The prefix of a name that was made here or by Terraform.
#[must_use]
pub fn prefix(name: &str) -> Option<String> {
    let (prefix, suffix) = name.split_at_checked(name.len().checked_sub(SUFFIX)?)?;
    (!prefix.is_empty() && suffix.chars().all(|c| c.is_ascii_hexdigit())).then(|| prefix.to_owned())
}

fn suffix(token: &str) -> String {
    let mut hex = Sha256::digest(token).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string can't fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    hex.truncate(SUFFIX);
    hex
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_names_tell_their_prefix() {
        assert_eq!(name(Some("web"), None, "t"), "web");
        let made = name(None, Some("web-"), "t");
        assert_eq!((made.len(), made.as_str()), (30, name(None, Some("web-"), "t").as_str()));
        assert_ne!(made, name(None, Some("web-"), "u"));
        assert_eq!(prefix(&made).as_deref(), Some("web-"));
        assert_eq!(prefix(&name(Some(""), None, "t")).as_deref(), Some("terraform-"));
        assert_eq!(prefix("web"), None);
        assert_eq!(prefix("a-rather-long-name-that-nobody-made"), None);
    }
}
