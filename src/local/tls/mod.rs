//! Private keys and the certificates that they sign.

mod key;
pub(super) mod private_key;
pub(super) mod self_signed_cert;
mod x509;
