//! Sensitive values in the journal: encrypted with a key that lives beside it and dies with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use chacha20poly1305::aead::{Aead, AeadCore, KeyInit, OsRng, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};

/// Bytes of a nonce: long enough to be drawn at random.
const NONCE: usize = 24;

/// The key of one journal.
#[derive(Clone)]
pub(super) struct Seal {
    key: [u8; 32],
}

impl Seal {
    /// A new one.
    pub(super) fn generate() -> Self {
        Self { key: XChaCha20Poly1305::generate_key(&mut OsRng).into() }
    }

    /// Out of the text in the key file.
    pub(super) fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text.trim()).ok()?.try_into().ok().map(|key| Self { key })
    }

    /// The text for the key file.
    pub(super) fn text(&self) -> String {
        BASE64.encode(self.key)
    }

    /// Encrypts; `about` (the address) must be given again to open it, so that nothing can be moved elsewhere.
    pub(super) fn seal(&self, about: &str, plain: &[u8]) -> String {
        let nonce = XChaCha20Poly1305::generate_nonce(&mut OsRng);
        let payload = Payload { msg: plain, aad: about.as_bytes() };
        let sealed = self.cipher().encrypt(&nonce, payload).expect("a state is far below the cipher's limit of 256 GiB");
        BASE64.encode([&nonce[..], &sealed].concat())
    }

    /// Decrypts; `None` with the wrong key, or where anything was changed.
    pub(super) fn open(&self, about: &str, sealed: &str) -> Option<Vec<u8>> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, sealed) = bytes.split_at_checked(NONCE)?;
        let nonce: [u8; NONCE] = nonce.try_into().ok()?;
        self.cipher().decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: about.as_bytes() }).ok()
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.key.into())
    }
}

/// The SHA-256 of those bytes in hex.
pub(super) fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}
