//! Webhooks.

use std::time::Duration;

use hmac::{Hmac, Mac};
use jiff::Timestamp;
use sha2::Sha256;

use super::{Secret, chain};
use crate::watch::history::Delivery;
use crate::words::{Diagnostic, Result};

/// The most characters of a refusal that are told.
const LONGEST: usize = 200;

/// A client that follows no redirects: what is sent is meant for one place.
pub(super) fn client() -> Result<reqwest::Client> {
    // Whoever was first did the same.
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(Duration::from_secs(10));
    let client = client.user_agent(concat!("ferroform/", env!("CARGO_PKG_VERSION"))).build();
    client.map_err(|e| Diagnostic::error(format!("can't call webhooks: {}", chain(&e))).into())
}

/// The signature of a body that is sent at that time, in seconds since 1970: of the time, a dot and the body.
#[must_use]
pub fn signature(secret: &Secret, seconds: i64, body: &str) -> String {
    let mut hmac = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()).expect("a key of HMAC may have any length");
    hmac.update(format!("{seconds}.").as_bytes());
    hmac.update(body.as_bytes());
    let digest = hmac.finalize().into_bytes();
    format!("v1={}", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
}

/// Posts JSON; anything but success is an error that does not name the address.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &Secret,
    body: String,
    delivery: &Delivery,
    secret: Option<&Secret>,
) -> Result<(), String> {
    let mut request = client.post(url.expose()).header("content-type", "application/json").header("ferroform-delivery", &delivery.id);
    if let Some(secret) = secret {
        let seconds = Timestamp::now().as_second();
        let signature = signature(secret, seconds, &body);
        request = request.header("ferroform-timestamp", seconds).header("ferroform-signature", signature);
    }
    let answer = request.body(body).send().await.map_err(|e| chain(&e.without_url()))?;
    let status = answer.status();
    if status.is_success() {
        return Ok(());
    }
    let said = answer.text().await.unwrap_or_default();
    let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect();
    Err(format!("it answered {status}: {}", said.trim()).trim_end_matches([' ', ':']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_that_of_the_time_and_the_body() {
        // printf '1700000000.{"a":1}' | openssl dgst -sha256 -hmac secret
        let signature = signature(&Secret::new("secret"), 1_700_000_000, "{\"a\":1}");
        assert_eq!(signature, "v1=49f24e537407743fa4a0242bb63b94b9a47ee99cbbe071ccd8a22550ae411686");
    }
}
