//! What an instance is told at its first start, and the form in which states hold it.
//!
//! AWS keeps bytes, and both its API and the provider's `user_data_base64` speak base64. The provider's `user_data` is text; but
//! text that is base64 is taken for what it encodes, since that is how many stacks are written, and the state holds no more of it
//! than a SHA-1 of the bytes.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::general_purpose::GeneralPurpose;
use base64::engine::{DecodePaddingMode, GeneralPurposeConfig};
use sha1::{Digest, Sha1};

crate::text!(
    /// What an instance is told at its first start, as text.
    pub UserData, "user data", |s| Ok(s.to_owned()), same, stored = hash
);

crate::text!(
    /// Bytes in base64.
    pub Base64, "base64", normal, |a, b| a == b || matches!((decoded(a), decoded(b)), (Some(a), Some(b)) if a == b)
);

impl UserData {
    /// The form in which states hold it.
    #[must_use]
    pub fn hash(&self) -> String {
        hash(self)
    }
}

/// As the provider reads it: padding is required, bits that mean nothing are not looked at.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true).with_decode_padding_mode(DecodePaddingMode::RequireCanonical),
);
/// The SHA-1 of nothing: the same as no user data at all.
const NOTHING: &str = "da39a3ee5e6b4b0d3255bfef95601890afd80709";

/// The bytes of a text in base64; none if it is no such text.
pub(super) fn decoded(text: &str) -> Option<Vec<u8>> {
    let bare: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    ENGINE.decode(bare).ok()
}

/// The bytes that AWS is to hold for a `user_data`.
pub(super) fn bytes(text: &str) -> Vec<u8> {
    decoded(text).unwrap_or_else(|| text.as_bytes().to_vec())
}

/// Those bytes as the API takes them.
pub(super) fn encoded(bytes: &[u8]) -> String {
    ENGINE.encode(bytes)
}

/// Whether it is the form that states hold, not a text.
pub(super) fn is_hash(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

/// The form in which states hold it.
pub(super) fn hash(text: &str) -> String {
    if text.is_empty() || is_hash(text) { text.to_owned() } else { hash_of(&bytes(text)) }
}

/// The form in which states hold those bytes.
pub(super) fn hash_of(bytes: &[u8]) -> String {
    Sha1::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        // Writing to a string never fails.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// Whether two texts, or forms of them, are the same to an instance.
pub(super) fn same(a: &str, b: &str) -> bool {
    let form = |text: &str| Some(hash(text)).filter(|h| !h.is_empty() && h != NOTHING);
    a == b || form(a) == form(b)
}

fn normal(text: &str) -> Result<String, String> {
    decoded(text).map(|_| text.to_owned()).ok_or_else(|| "base64; for plain text use `user_data`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_its_base64_and_its_hash_are_the_same() {
        let script = "#!/bin/sh\necho hello\n";
        let base64 = encoded(script.as_bytes());
        assert_eq!(hash(script), hash_of(script.as_bytes()));
        assert!(same(script, &base64) && same(&base64, &hash(script)) && same(&hash(script), script));
        assert!(!same(script, "#!/bin/sh\necho bye\n"));
        assert_eq!(hash(&hash(script)), hash(script));
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(same("", NOTHING) && same(NOTHING, ""));
        assert!(!same("", "x y"));
    }

    #[test]
    fn text_is_encoded_once() {
        assert_eq!(encoded(&bytes("#cloud-config\n")), encoded(&bytes(&encoded(b"#cloud-config\n"))));
        assert_eq!(bytes("I2Ns\nb3Vk"), b"#cloud");
    }
}
