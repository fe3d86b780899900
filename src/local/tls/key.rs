//! A private key of any kind that TLS knows, and the forms in which it is written down.

use const_oid::ObjectIdentifier;
use const_oid::db::rfc5912::{
    ECDSA_WITH_SHA_256, ECDSA_WITH_SHA_384, ECDSA_WITH_SHA_512, ID_EC_PUBLIC_KEY, RSA_ENCRYPTION, SECP_224_R_1, SECP_256_R_1, SECP_384_R_1,
    SECP_521_R_1, SHA_256_WITH_RSA_ENCRYPTION,
};
use const_oid::db::rfc8410::ID_ED_25519;
use ed25519_dalek::pkcs8::KeypairBytes;
use md5::Md5;
use p256::ecdsa::signature::hazmat::PrehashSigner;
use p256::elliptic_curve::sec1::ToEncodedPoint;
use pkcs1::{DecodeRsaPrivateKey, EncodeRsaPrivateKey};
use rand::rngs::OsRng;
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, PrivateKeyInfo};
use rsa::{Pkcs1v15Sign, RsaPrivateKey};
use sec1::{EcParameters, EcPrivateKey};
use sha2::{Digest, Sha256, Sha384, Sha512};
use spki::{AlgorithmIdentifierOwned, EncodePublicKey};
use ssh_key::private::{EcdsaKeypair, Ed25519Keypair, KeypairData, RsaKeypair};
use x509_cert::der::pem::{LineEnding, decode_vec, encode_string};
use x509_cert::der::{Any, Decode, Encode};

use crate::words::failure::{Failure, Outcome};

/// A private key.
pub(super) enum Key {
    /// RSA.
    Rsa(Box<RsaPrivateKey>),
    /// ECDSA over that curve.
    P224(p224::SecretKey),
    /// ECDSA over that curve.
    P256(p256::SecretKey),
    /// ECDSA over that curve.
    P384(p384::SecretKey),
    /// ECDSA over that curve.
    P521(p521::SecretKey),
    /// Ed25519.
    Ed25519(Box<ed25519_dalek::SigningKey>),
}

/// A key as OpenSSH has it.
pub(super) struct Ssh {
    /// The private key, a PEM text of OpenSSH's own.
    pub(super) private: String,
    /// The public key as a line of `authorized_keys`.
    pub(super) public: String,
    /// The fingerprint as OpenSSH used to write it: hexadecimal bytes with colons.
    pub(super) md5: String,
    /// The fingerprint as OpenSSH writes it: `SHA256:` and base64.
    pub(super) sha256: String,
}

fn broken(e: impl std::fmt::Display) -> Failure {
    Failure::other(format!("the key cannot be written down: {e}"))
}

fn pem(label: &str, der: &[u8]) -> Outcome<String> {
    encode_string(label, LineEnding::LF, der).map_err(broken)
}

/// Runs `$do` with the key of whichever curve; the other arms are the caller's.
macro_rules! over_curves {
    ($key:expr, $curve:ident, $secret:ident => $do:expr, $($arm:pat => $other:expr),+) => {
        match $key {
            Key::P224($secret) => { #[allow(unused_imports)] use p224 as $curve; $do }
            Key::P256($secret) => { #[allow(unused_imports)] use p256 as $curve; $do }
            Key::P384($secret) => { #[allow(unused_imports)] use p384 as $curve; $do }
            Key::P521($secret) => { #[allow(unused_imports)] use p521 as $curve; $do }
            $($arm => $other),+
        }
    };
}

impl Key {
    /// A new RSA key of so many bits.
    pub(super) fn rsa(bits: usize) -> Outcome<Self> {
        let key =
            RsaPrivateKey::new(&mut OsRng, bits).map_err(|e| Failure::other(format!("no RSA key of {bits} bits can be made: {e}")))?;
        Ok(Self::Rsa(Box::new(key)))
    }

    /// A new ECDSA key over that curve, `P256`.
    pub(super) fn ecdsa(curve: &str) -> Outcome<Self> {
        Ok(match curve {
            "P224" => Self::P224(p224::SecretKey::random(&mut OsRng)),
            "P256" => Self::P256(p256::SecretKey::random(&mut OsRng)),
            "P384" => Self::P384(p384::SecretKey::random(&mut OsRng)),
            "P521" => Self::P521(p521::SecretKey::random(&mut OsRng)),
            other => return Err(Failure::other(format!("`{other}` is no curve for a key: one of P224, P256, P384 and P521 is"))),
        })
    }

    /// A new Ed25519 key.
    pub(super) fn ed25519() -> Self {
        Self::Ed25519(Box::new(ed25519_dalek::SigningKey::generate(&mut OsRng)))
    }

    /// Out of PEM text: PKCS#1, SEC1 or PKCS#8, whatever its label says. What stands before it (`EC PARAMETERS`) is passed over.
    pub(super) fn parse(text: &str) -> Outcome<Self> {
        let wrong = |why: &str| Failure::other(format!("the private key cannot be read: {why}"));
        let start = text.match_indices("-----BEGIN ").map(|(at, _)| &text[at..]);
        let block = start.into_iter().find(|rest| rest.lines().next().is_some_and(|line| line.contains("PRIVATE KEY-----")));
        let block =
            block.ok_or_else(|| wrong("it holds no PEM block of a private key").help("give `private_key_pem` of a tls_private_key"))?;
        let (label, der) = decode_vec(block.trim_end().as_bytes()).map_err(|e| wrong(&e.to_string()))?;
        let key = match label {
            "RSA PRIVATE KEY" => RsaPrivateKey::from_pkcs1_der(&der).map(Box::new).map(Self::Rsa).map_err(|e| e.to_string()),
            "EC PRIVATE KEY" => Self::from_sec1(&der),
            "PRIVATE KEY" => Self::from_pkcs8(&der),
            "ENCRYPTED PRIVATE KEY" => Err("it is encrypted".to_owned()),
            other => Err(format!("`{other}` is none of `RSA PRIVATE KEY`, `EC PRIVATE KEY` and `PRIVATE KEY`")),
        };
        key.map_err(|why| wrong(&why))
    }

    fn from_sec1(der: &[u8]) -> Result<Self, String> {
        let key = EcPrivateKey::from_der(der).map_err(|e| e.to_string())?;
        let curve = key.parameters.and_then(EcParameters::named_curve).ok_or("it does not say its curve")?;
        Self::on_curve(curve, key.private_key)
    }

    fn on_curve(curve: ObjectIdentifier, scalar: &[u8]) -> Result<Self, String> {
        match curve {
            SECP_224_R_1 => p224::SecretKey::from_slice(scalar).map(Self::P224),
            SECP_256_R_1 => p256::SecretKey::from_slice(scalar).map(Self::P256),
            SECP_384_R_1 => p384::SecretKey::from_slice(scalar).map(Self::P384),
            SECP_521_R_1 => p521::SecretKey::from_slice(scalar).map(Self::P521),
            other => return Err(format!("its curve ({other}) is none of P224, P256, P384 and P521")),
        }
        .map_err(|e| e.to_string())
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, String> {
        let info = PrivateKeyInfo::from_der(der).map_err(|e| e.to_string())?;
        match info.algorithm.oid {
            RSA_ENCRYPTION => RsaPrivateKey::from_pkcs8_der(der).map(Box::new).map(Self::Rsa).map_err(|e| e.to_string()),
            ID_EC_PUBLIC_KEY => {
                let curve = info.algorithm.parameters_oid().map_err(|e| e.to_string())?;
                let key = EcPrivateKey::from_der(info.private_key).map_err(|e| e.to_string())?;
                Self::on_curve(curve, key.private_key)
            }
            ID_ED_25519 => ed25519_dalek::SigningKey::from_pkcs8_der(der).map(Box::new).map(Self::Ed25519).map_err(|e| e.to_string()),
            other => Err(format!("its algorithm ({other}) is none of RSA, ECDSA and ED25519")),
        }
    }

    /// `RSA`, `ECDSA` or `ED25519`.
    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "RSA",
            Self::Ed25519(_) => "ED25519",
            _ => "ECDSA",
        }
    }

    fn curve(&self) -> Option<ObjectIdentifier> {
        match self {
            Self::P224(_) => Some(SECP_224_R_1),
            Self::P256(_) => Some(SECP_256_R_1),
            Self::P384(_) => Some(SECP_384_R_1),
            Self::P521(_) => Some(SECP_521_R_1),
            Self::Rsa(_) | Self::Ed25519(_) => None,
        }
    }

    /// The private key as its algorithm's own PEM: PKCS#1, SEC1 (RFC 5915, with the curve named), PKCS#8 for Ed25519.
    pub(super) fn private_pem(&self) -> Outcome<String> {
        let parameters = self.curve().map(EcParameters::NamedCurve);
        over_curves!(self, curve, key => {
            let (scalar, public) = (key.to_bytes(), key.public_key().to_encoded_point(false));
            let der = EcPrivateKey { private_key: &scalar, parameters, public_key: Some(public.as_bytes()) }.to_der().map_err(broken)?;
            pem("EC PRIVATE KEY", &der)
        },
            Self::Rsa(key) => pem("RSA PRIVATE KEY", key.to_pkcs1_der().map_err(broken)?.as_bytes()),
            Self::Ed25519(_) => self.pkcs8_pem())
    }

    /// The private key as PKCS#8 PEM.
    pub(super) fn pkcs8_pem(&self) -> Outcome<String> {
        let der = over_curves!(self, curve, key => key.to_pkcs8_der(),
            Self::Rsa(key) => key.to_pkcs8_der(),
            // Without the public key: that form is version 1, which every reader knows.
            Self::Ed25519(key) => KeypairBytes { secret_key: key.to_bytes(), public_key: None }.to_pkcs8_der());
        pem("PRIVATE KEY", der.map_err(broken)?.as_bytes())
    }

    /// The public key as a DER `SubjectPublicKeyInfo`.
    pub(super) fn public_der(&self) -> Outcome<Vec<u8>> {
        let der = over_curves!(self, curve, key => key.public_key().to_public_key_der(),
            Self::Rsa(key) => key.to_public_key().to_public_key_der(),
            Self::Ed25519(key) => key.verifying_key().to_public_key_der());
        Ok(der.map_err(broken)?.into_vec())
    }

    /// The public key as PEM.
    pub(super) fn public_pem(&self) -> Outcome<String> {
        pem("PUBLIC KEY", &self.public_der()?)
    }

    /// The key as OpenSSH has it, which knows nothing of P224.
    pub(super) fn ssh(&self) -> Outcome<Option<Ssh>> {
        let pair: KeypairData = match self {
            Self::P224(_) => return Ok(None),
            Self::Rsa(key) => RsaKeypair::try_from(key.as_ref()).map_err(broken)?.into(),
            Self::Ed25519(key) => Ed25519Keypair::from(key.as_ref()).into(),
            Self::P256(key) => {
                EcdsaKeypair::NistP256 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }.into()
            }
            Self::P384(key) => {
                EcdsaKeypair::NistP384 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }.into()
            }
            Self::P521(key) => {
                EcdsaKeypair::NistP521 { public: key.public_key().to_encoded_point(false), private: key.clone().into() }.into()
            }
        };
        let key = ssh_key::PrivateKey::new(pair, "").map_err(broken)?;
        let public = key.public_key();
        let md5 = Md5::digest(public.to_bytes().map_err(broken)?);
        Ok(Some(Ssh {
            private: key.to_openssh(ssh_key::LineEnding::LF).map_err(broken)?.to_string(),
            public: format!("{}\n", public.to_openssh().map_err(broken)?.trim_end()),
            md5: md5.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(":"),
            sha256: public.fingerprint(ssh_key::HashAlg::Sha256).to_string(),
        }))
    }

    /// How it signs: SHA-256 for RSA and small curves, the hash of the curve's strength for others.
    pub(super) fn signature_algorithm(&self) -> AlgorithmIdentifierOwned {
        let (oid, parameters) = match self {
            Self::Rsa(_) => (SHA_256_WITH_RSA_ENCRYPTION, Some(Any::null())),
            Self::P224(_) | Self::P256(_) => (ECDSA_WITH_SHA_256, None),
            Self::P384(_) => (ECDSA_WITH_SHA_384, None),
            Self::P521(_) => (ECDSA_WITH_SHA_512, None),
            Self::Ed25519(_) => (ID_ED_25519, None),
        };
        AlgorithmIdentifierOwned { oid, parameters }
    }

    /// The signature of those bytes, as a certificate holds it.
    pub(super) fn sign(&self, bytes: &[u8]) -> Outcome<Vec<u8>> {
        let hash = match self {
            Self::P384(_) => Sha384::digest(bytes).to_vec(),
            Self::P521(_) => Sha512::digest(bytes).to_vec(),
            _ => Sha256::digest(bytes).to_vec(),
        };
        let failed = |e: &dyn std::fmt::Display| Failure::other(format!("the key cannot sign: {e}"));
        over_curves!(self, curve, key => {
            let signer = curve::ecdsa::SigningKey::from_slice(&key.to_bytes()).map_err(|e| failed(&e))?;
            let signature: curve::ecdsa::Signature = signer.sign_prehash(&hash).map_err(|e| failed(&e))?;
            Ok(signature.to_der().as_bytes().to_vec())
        },
            Self::Rsa(key) => key.sign_with_rng(&mut OsRng, Pkcs1v15Sign::new::<Sha256>(), &hash).map_err(|e| failed(&e)),
            Self::Ed25519(key) => Ok(ed25519_dalek::Signer::sign(key.as_ref(), bytes).to_vec()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every() -> Vec<Key> {
        let mut keys: Vec<_> = ["P224", "P256", "P384", "P521"].map(|curve| Key::ecdsa(curve).unwrap()).into();
        keys.extend([Key::rsa(2048).unwrap(), Key::ed25519()]);
        keys
    }

    #[test]
    fn every_form_holds_the_same_key() {
        for key in every() {
            for text in [key.private_pem().unwrap(), key.pkcs8_pem().unwrap()] {
                assert!(text.ends_with("-----\n"));
                let again = Key::parse(&text).unwrap();
                assert_eq!((again.algorithm(), again.public_der().unwrap()), (key.algorithm(), key.public_der().unwrap()));
                assert!(
                    Key::parse(&format!("-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n{text}")).is_ok()
                );
            }
        }
    }

    #[test]
    fn openssh_reads_its_forms() {
        for key in every() {
            let Some(ssh) = key.ssh().unwrap() else {
                assert!(matches!(key, Key::P224(_)), "OpenSSH lacks that curve alone");
                continue;
            };
            let private = ssh_key::PrivateKey::from_openssh(&ssh.private).unwrap();
            assert_eq!(format!("{}\n", private.public_key().to_openssh().unwrap()), ssh.public);
            assert!(ssh.private.ends_with("-----\n") && ssh.sha256.starts_with("SHA256:") && !ssh.sha256.ends_with('='));
            assert_eq!((ssh.md5.len(), ssh.md5.matches(':').count()), (47, 15));
        }
    }

    #[test]
    fn what_is_no_key_is_told_without_showing_it() {
        for text in ["", "hunter2", "-----BEGIN PRIVATE KEY-----\nhunter2!\n-----END PRIVATE KEY-----\n", "-----BEGIN CERTIFICATE-----\n"] {
            let failure = Key::parse(text).err().unwrap();
            assert!(failure.message.starts_with("the private key cannot be read") && !failure.message.contains("hunter2"), "{failure}");
        }
    }
}
