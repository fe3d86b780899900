//! What webhooks of all places have in common.

use std::collections::BTreeMap;

use hmac::{Hmac, Mac};
use serde_json::Value as Json;
use sha2::Sha256;

type Sha = Hmac<Sha256>;

/// Whether that is the HMAC-SHA256 of the body, in hexadecimal digits. Takes the same time whatever differs.
pub(super) fn signed(secret: &[u8], body: &[u8], signature: &str) -> bool {
    let digits =
        signature.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok().and_then(|pair| u8::from_str_radix(pair, 16).ok()));
    // `from_str_radix` takes a sign.
    let plain = signature.bytes().all(|byte| byte.is_ascii_hexdigit()) && signature.len() == 64;
    let bytes: Option<Vec<u8>> = if plain { digits.collect() } else { None };
    let (Some(bytes), Ok(mut mac), false) = (bytes, Sha::new_from_slice(secret), secret.is_empty()) else { return false };
    mac.update(body);
    mac.verify_slice(&bytes).is_ok()
}

/// Whether two secrets are the same. Takes the same time whatever differs; an empty one is none.
pub(super) fn same(secret: &[u8], given: &[u8]) -> bool {
    let mac = |text: &[u8]| {
        let mut mac = Sha::new_from_slice(secret).ok()?;
        mac.update(text);
        Some(mac)
    };
    let (Some(ours), Some(theirs), false) = (mac(secret), mac(given), secret.is_empty()) else { return false };
    theirs.verify_slice(&ours.finalize().into_bytes()).is_ok()
}

/// A payload of a webhook, and what it is called for sentences.
pub(super) struct Payload<'a> {
    pub kind: &'a str,
    json: Json,
}

impl<'a> Payload<'a> {
    /// Reads a body.
    pub fn read(kind: &'a str, headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Self, String> {
        if headers.get("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded")) {
            return Err("the webhook sends a form: set its content type to application/json".into());
        }
        let json = serde_json::from_slice(body).map_err(|e| format!("the body of the webhook `{kind}` is no JSON: {e}"))?;
        Ok(Self { kind, json })
    }

    /// What is at a path, `a/b/c`.
    pub fn at(&self, path: &str) -> &Json {
        path.split('/').fold(&self.json, |json, key| &json[key])
    }

    /// A text, empty where there is none.
    pub fn text(&self, path: &str) -> &str {
        self.at(path).as_str().unwrap_or_default()
    }

    /// A text that has to be there.
    pub fn needed(&self, path: &str) -> Result<String, String> {
        match self.text(path) {
            "" => Err(self.lacks(path)),
            text => Ok(text.to_owned()),
        }
    }

    /// A number that has to be there.
    pub fn number(&self, path: &str) -> Result<u64, String> {
        self.at(path).as_u64().ok_or_else(|| self.lacks(path))
    }

    fn lacks(&self, path: &str) -> String {
        format!("the webhook `{}` lacks `{}`", self.kind, path.replace('/', "."))
    }
}

/// The branch of `refs/heads/BRANCH`.
pub(super) fn branch(full: &str) -> Option<&str> {
    full.strip_prefix("refs/heads/").filter(|branch| !branch.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_right_or_wrong() {
        // printf 'Hello, World!' | openssl dgst -sha256 -hmac "It's a Secret to Everybody"
        let (secret, right) = (b"It's a Secret to Everybody", "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17");
        assert!(signed(secret, b"Hello, World!", right));
        assert!(!signed(secret, b"Hello, World?", right));
        assert!(!signed(b"another", b"Hello, World!", right));
        for wrong in
            ["", "75", &right[..62], &format!("{right}00"), &right.replace('7', "+"), "täätäätäätäätäätäätäätäätäätäätäätäätäätäätää"]
        {
            assert!(!signed(secret, b"Hello, World!", wrong), "{wrong}");
        }
        let mut mac = Sha::new_from_slice(b"").unwrap();
        mac.update(b"x");
        let empty: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert!(!signed(b"", b"x", &empty), "no secret is no proof");
    }

    #[test]
    fn secrets_are_the_same_or_not() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"abc", b"") && !same(b"", b""));
    }
}
