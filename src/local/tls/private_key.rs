//! `tls_private_key`.

use sha1::{Digest, Sha1};

use super::key::Key;
use crate::local::{blocking, forgotten, hex, made_here, not_imported, remembered};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource};

crate::blocks! {
    /// A private key, made on this machine and kept in the state. EC2 and Lightsail take RSA and ED25519 keys only.
    pub struct TlsPrivateKey {
        /// The kind of key.
        #[attr(force_new, one_of(&["RSA", "ECDSA", "ED25519"]))]
        algorithm: String,
        /// The length of an RSA key in bits.
        #[attr(force_new, default_int(2048))]
        rsa_bits: Option<i64>,
        /// The curve of an ECDSA key.
        #[attr(force_new, default_text("P224"), one_of(&["P224", "P256", "P384", "P521"]))]
        ecdsa_curve: Option<String>,
        /// The private key as PEM: PKCS#1 for RSA, SEC1 for ECDSA, PKCS#8 for ED25519.
        #[attr(computed, sensitive)]
        private_key_pem: Option<String>,
        /// The private key as OpenSSH's PEM; empty for the curve P224, which OpenSSH lacks.
        #[attr(computed, sensitive)]
        private_key_openssh: Option<String>,
        /// The private key as PKCS#8 PEM.
        #[attr(computed, sensitive)]
        private_key_pem_pkcs8: Option<String>,
        /// The public key as PEM.
        #[attr(computed)]
        public_key_pem: Option<String>,
        /// The public key as a line of `authorized_keys`; empty for the curve P224.
        #[attr(computed)]
        public_key_openssh: Option<String>,
        /// The fingerprint of the OpenSSH public key, `aa:bb:...`; empty for the curve P224.
        #[attr(computed)]
        public_key_fingerprint_md5: Option<String>,
        /// The fingerprint of the OpenSSH public key, `SHA256:...`; empty for the curve P224.
        #[attr(computed)]
        public_key_fingerprint_sha256: Option<String>,
    }
}

/// A shorter RSA key protects nothing, and a longer one takes minutes to find.
const BITS: std::ops::RangeInclusive<i64> = 1024..=16_384;

impl TlsPrivateKey {
    fn make(&self) -> Outcome<Key> {
        match self.algorithm.as_str() {
            "RSA" => Key::rsa(usize::try_from(self.rsa_bits.unwrap_or(2048)).map_err(|_| Failure::other("rsa_bits must be positive"))?),
            "ECDSA" => Key::ecdsa(self.ecdsa_curve.as_deref().unwrap_or("P224")),
            "ED25519" => Ok(Key::ed25519()),
            other => Err(Failure::other(format!("`{other}` is none of RSA, ECDSA and ED25519"))),
        }
    }

    /// With that key in every form.
    fn holding(self, key: &Key) -> Outcome<Live<Self>> {
        let ssh = key.ssh()?;
        let of = |part: fn(&super::key::Ssh) -> &String| Some(ssh.as_ref().map(part).cloned().unwrap_or_default());
        let value = Self {
            private_key_pem: Some(key.private_pem()?),
            private_key_openssh: of(|ssh| &ssh.private),
            private_key_pem_pkcs8: Some(key.pkcs8_pem()?),
            public_key_pem: Some(key.public_pem()?),
            public_key_openssh: of(|ssh| &ssh.public),
            public_key_fingerprint_md5: of(|ssh| &ssh.md5),
            public_key_fingerprint_sha256: of(|ssh| &ssh.sha256),
            ..self
        };
        Ok(Live { id: hex(Sha1::digest(key.public_der()?)), value })
    }

    /// With what older versions of the state lack.
    fn filled(live: Live<Self>) -> Outcome<Live<Self>> {
        let v = &live.value;
        let whole = v.private_key_openssh.is_some() && v.private_key_pem_pkcs8.is_some() && v.public_key_fingerprint_sha256.is_some();
        match &v.private_key_pem {
            Some(pem) if !whole => {
                let key = Key::parse(pem)?;
                Ok(Live { id: live.id, ..live.value.holding(&key)? })
            }
            _ => Ok(live),
        }
    }
}

impl Resource for TlsPrivateKey {
    const TYPE: &'static str = "tls_private_key";
    const SCHEMA_VERSION: u64 = 1;
    const EXAMPLE: &'static str = r#"
[resource.tls_private_key.example]
algorithm = "ECDSA"
ecdsa_curve = "P256"
---
[resource.tls_private_key.example]
algorithm = "ECDSA"
ecdsa_curve = "P256"
"#;

    made_here!();
    forgotten!();
    not_imported!();

    async fn generate(&self, _cx: &Cx<'_, Self::Cloud>, have: Option<&Live<Self>>) -> Outcome<Live<Self>> {
        let (want, have) = (self.clone(), have.and_then(|live| live.value.private_key_pem.clone()));
        blocking(move || {
            let key = have.map_or_else(|| want.make(), |pem| Key::parse(&pem))?;
            want.holding(&key)
        })
        .await
    }

    async fn read(_cx: &Cx<'_, Self::Cloud>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        remembered(known).into_iter().map(Self::filled).collect()
    }

    fn check(given: &Value) -> Vec<Problem> {
        let bits = given.attr("rsa_bits").as_number().and_then(|n| n.as_i64());
        let odd = bits.filter(|bits| !BITS.contains(bits));
        odd.map(|bits| Problem::new("rsa_bits", format!("an RSA key has 1024 to 16384 bits, 2048 or more to be safe, not {bits}")))
            .into_iter()
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::tests::{made, read, with};
    use crate::words::schema::Block;

    fn key(algorithm: &str, curve: &str) -> TlsPrivateKey {
        TlsPrivateKey {
            algorithm: algorithm.into(),
            rsa_bits: Some(2048),
            ecdsa_curve: Some(curve.into()),
            private_key_pem: None,
            private_key_openssh: None,
            private_key_pem_pkcs8: None,
            public_key_pem: None,
            public_key_openssh: None,
            public_key_fingerprint_md5: None,
            public_key_fingerprint_sha256: None,
        }
    }

    #[tokio::test]
    async fn a_key_is_made_in_every_form() {
        for (algorithm, curve, label) in [("ECDSA", "P384", "EC PRIVATE"), ("ED25519", "P224", "PRIVATE"), ("RSA", "P224", "RSA PRIVATE")] {
            let live = made(key(algorithm, curve)).await;
            assert_eq!(live.id.len(), 40);
            assert!(live.value.private_key_pem.unwrap().starts_with(&format!("-----BEGIN {label} KEY-----\n")));
            assert!(live.value.public_key_openssh.unwrap().ends_with('\n'));
        }
    }

    #[tokio::test]
    async fn the_curve_that_openssh_lacks_has_no_such_forms() {
        let live = made(key("ECDSA", "P224")).await;
        assert_eq!(live.value.public_key_openssh.as_deref(), Some(""));
        assert_eq!(live.value.public_key_fingerprint_md5.as_deref(), Some(""));
    }

    #[tokio::test]
    async fn a_state_of_an_older_version_is_completed_from_its_key() {
        let live = made(key("ED25519", "P224")).await;
        let old = TlsPrivateKey { private_key_openssh: None, private_key_pem_pkcs8: None, ..live.value.clone() };
        let now = read(&Live { id: live.id.clone(), value: old }).await.unwrap();
        assert_eq!((now.id, now.value.private_key_pem_pkcs8), (live.id, live.value.private_key_pem_pkcs8));
    }

    #[tokio::test]
    async fn it_cannot_be_imported() {
        assert!(with(async |cx| TlsPrivateKey::import(cx, "x").await.is_err()).await);
    }

    #[test]
    fn whatever_the_user_gives_replaces_and_private_keys_are_secret() {
        assert!(TlsPrivateKey::ATTRS.iter().all(|a| a.computed || a.force_new));
        assert!(TlsPrivateKey::ATTRS.iter().all(|a| a.sensitive == a.name.starts_with("private")));
        assert_eq!(TlsPrivateKey::check(&Value::object([("rsa_bits", Value::from(512))])).len(), 1);
    }
}
