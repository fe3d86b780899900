//! A GitHub App: its key, its installations, their tokens.

use std::sync::OnceLock;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ferroform::bot::forge::{Credentials, Forge, GitHub, Permission, Refusal};
use ferroform::words::secret::Secret;
use rsa::pkcs1::EncodeRsaPrivateKey;
use rsa::pkcs8::{EncodePrivateKey, EncodePublicKey, LineEnding};

use super::{hub, id, short};
use crate::support::github::{Fault, GitHub as Hub};

const APP: u64 = 4711;

/// A key of the App.
fn key() -> &'static rsa::RsaPrivateKey {
    static KEY: OnceLock<rsa::RsaPrivateKey> = OnceLock::new();
    KEY.get_or_init(|| rsa::RsaPrivateKey::new(&mut rand::thread_rng(), 2048).unwrap())
}

/// Installs the App there.
pub fn app(hub: Hub) -> Hub {
    hub.with_app(APP, &key().to_public_key().to_public_key_pem(LineEnding::LF).unwrap())
}

/// As GitHub gives it.
fn pem() -> String {
    key().to_pkcs1_pem(LineEnding::LF).unwrap().to_string()
}

/// The port as the App.
pub fn bot(hub: &Hub) -> GitHub {
    bot_at(hub.url())
}

/// The same at another address.
pub fn bot_at(url: &str) -> GitHub {
    GitHub::new(url, Credentials::App { id: APP, key: Secret::new(pem()) }, short()).unwrap()
}

#[tokio::test]
async fn an_app_has_one_token_for_many_calls() {
    let hub = app(hub());
    let n = hub.open_pull("ann", "feature", "main");
    hub.permit("ann", "write");
    let bot = bot(&hub);
    assert_eq!(bot.me().await.unwrap(), "ferroform[bot]");
    let calls = (0..5).map(|_| bot.permission("acme/infra", "ann"));
    assert_eq!(futures::future::try_join_all(calls).await.unwrap(), [Permission::Write; 5]);
    bot.say(&id(n), "hello").await.unwrap();
    assert_eq!(hub.comments(n)[0].user, "ferroform[bot]");
    assert_eq!((hub.count("GET", "/installation"), hub.count("POST", "/access_tokens")), (1, 1));
}

#[tokio::test]
async fn a_token_that_was_revoked_is_had_anew() {
    let hub = app(hub());
    hub.permit("ann", "read");
    let bot = bot(&hub);
    bot.permission("acme/infra", "ann").await.unwrap();
    hub.fault("GET", "/permission", Fault::Status(401), 1);
    assert_eq!(bot.permission("acme/infra", "ann").await.unwrap(), Permission::Read);
    assert_eq!(hub.count("POST", "/access_tokens"), 2);
}

#[tokio::test]
async fn a_key_of_pkcs8_is_a_key_too_and_others_are_none() {
    let hub = app(hub());
    let pkcs8 = key().to_pkcs8_pem(LineEnding::LF).unwrap().to_string();
    let bot = GitHub::new(hub.url(), Credentials::App { id: APP, key: Secret::new(pkcs8) }, short()).unwrap();
    bot.me().await.unwrap();
    let broken = pem().replacen('A', "", 9);
    for wrong in ["", "hello", &broken] {
        let error = GitHub::new(hub.url(), Credentials::App { id: APP, key: Secret::new(wrong) }, short());
        // A key that can be read and can't sign says so when it is asked to.
        if let Err(error) = error {
            assert!(error.contains("PEM") && !error.contains(&broken[60..100]), "{error}");
        }
    }
}

#[tokio::test]
async fn an_app_that_is_not_installed_says_so() {
    let hub = app(hub());
    let bot = bot(&hub);
    let refusal = bot.permission("acme/other", "ann").await.unwrap_err();
    let Refusal::Forbidden(why) = refusal else { panic!("{refusal:?}") };
    assert_eq!(why, "the GitHub App is not installed in `acme/other`, or there is no such repository");
    let stranger = GitHub::new(hub.url(), Credentials::App { id: APP + 1, key: Secret::new(pem()) }, short()).unwrap();
    let refusal = stranger.me().await.unwrap_err();
    assert!(matches!(&refusal, Refusal::Forbidden(why) if why.contains("401") && why.contains("not valid")), "{refusal:?}");
}

#[tokio::test]
async fn a_job_of_github_actions_knows_its_name() {
    // Its token may not ask who it is.
    let hub = hub();
    hub.fault("GET", "/user", Fault::Status(403), 1);
    assert_eq!(super::robot(hub.url()).me().await.unwrap(), "github-actions[bot]");
    hub.fault("GET", "/user", Fault::Status(401), 1);
    assert!(matches!(super::robot(hub.url()).me().await, Err(Refusal::Forbidden(_))));
}

#[tokio::test]
async fn no_token_is_shown() {
    let hub = app(hub());
    let (app, robot) = (bot(&hub), super::robot(hub.url()));
    let encoded = BASE64_STANDARD.encode(format!("x-access-token:{}", Hub::TOKEN));
    let mut shown = format!("{app:?} {robot:?} {:?}", Credentials::Token(Secret::new(Hub::TOKEN)));
    for bot in [&app, &robot] {
        for fault in [Fault::Status(401), Fault::Status(403), Fault::Status(500), Fault::Cut, Fault::Spent(9999)] {
            hub.fault("*", "", fault, 40);
            shown += &format!("{:?}", bot.pull(&id(1)).await.unwrap_err());
            shown += &format!("{:?}", bot.remote(&id(1)).await.map(|_| ()).unwrap_err());
            hub.no_faults();
        }
        shown += &format!("{:?}", bot.remote(&id(1)).await.unwrap());
    }
    for secret in [Hub::TOKEN, &encoded, "installation-token", "BEGIN RSA", "Bearer"] {
        assert!(!shown.contains(secret), "{secret}: {shown}");
    }
}
