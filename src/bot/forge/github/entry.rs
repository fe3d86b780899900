//! Who we are to GitHub: a token, or an App that has a token for each of its installations.

use std::collections::BTreeMap;

use axum::http::HeaderValue;
use jiff::{SignedDuration, Timestamp};
use octocrab::auth::create_jwt;
use octocrab::jsonwebtoken::EncodingKey;
use octocrab::models::AppId;
use serde::Deserialize;
use serde_json::json;

use super::{GitHub, User};
use crate::bot::forge::wire::{Call, Wire, read, refusal};
use crate::bot::forge::{Answer, Refusal};
use crate::words::secret::Secret;

/// How long before its end a token is not used any more.
const MARGIN: SignedDuration = SignedDuration::from_mins(5);
/// Whose comments are ours with the token that GitHub Actions gives to a job: it may not ask who it is.
const ACTIONS: &str = "github-actions[bot]";

/// What we show to be let in.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// A token, of a user or of a job of GitHub Actions.
    Token(Secret),
    /// A GitHub App.
    App {
        /// Its id.
        id: u64,
        /// Its private key, PEM.
        key: Secret,
    },
}

/// Where a request goes, by which its token is found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Scope {
    /// To the App itself.
    App,
    /// To a repository or an organisation, by its path: `/repos/acme/infra`, `/orgs/acme`.
    Owner(String),
}

impl Scope {
    pub fn of(path: &str) -> Self {
        let plain = path.split('?').next().unwrap_or_default();
        let parts: Vec<&str> = plain.split('/').collect();
        match parts.as_slice() {
            // Asked in order to get a token.
            [_, "repos", _, _, "installation"] | [_, "orgs", _, "installation"] => Self::App,
            [_, "repos", owner, name, ..] => Self::Owner(format!("/repos/{owner}/{name}")),
            [_, "orgs", org, ..] => Self::Owner(format!("/orgs/{org}")),
            _ => Self::App,
        }
    }
}

/// A token of an installation, and its end.
#[derive(Clone)]
pub(super) struct Token(Secret, Timestamp);

pub(super) enum Entry {
    Token(Secret),
    App { id: u64, key: EncodingKey, tokens: std::sync::Mutex<BTreeMap<Scope, Token>>, asking: tokio::sync::Mutex<()> },
}

impl Entry {
    pub fn new(credentials: Credentials) -> Result<Self, String> {
        match credentials {
            Credentials::Token(token) => Ok(Self::Token(Secret::new(token.expose().trim()))),
            Credentials::App { id, key } => {
                // What the parser says of a wrong key might quote it.
                let key = EncodingKey::from_rsa_pem(key.expose().trim().as_bytes());
                let key =
                    key.map_err(|_| "the App's private key is no RSA key in PEM: take the file that GitHub gave as it is".to_owned())?;
                Ok(Self::App { id, key, tokens: std::sync::Mutex::default(), asking: tokio::sync::Mutex::default() })
            }
        }
    }

    /// Forgets the token for that; true, if there was one that can be had anew.
    pub fn forget(&self, scope: &Scope) -> bool {
        match self {
            Self::Token(_) => false,
            Self::App { tokens, .. } => tokens.lock().is_ok_and(|mut tokens| tokens.remove(scope).is_some()),
        }
    }
}

impl GitHub {
    /// The header that lets a request in.
    pub(super) async fn authorization(&self, scope: &Scope) -> Answer<HeaderValue> {
        let token = self.token(scope).await?;
        let header = HeaderValue::try_from(format!("Bearer {}", token.expose()));
        let mut header = header.map_err(|_| Refusal::Forbidden("GitHub's token has characters that no token has".into()))?;
        header.set_sensitive(true);
        Ok(header)
    }

    /// The token for a request.
    pub(super) async fn token(&self, scope: &Scope) -> Answer<Secret> {
        let (id, key, tokens, asking) = match &self.entry {
            Entry::Token(token) => return Ok(token.clone()),
            Entry::App { id, key, tokens, asking } => (id, key, tokens, asking),
        };
        let Scope::Owner(owner) = scope else {
            let signed = create_jwt(AppId(*id), key).map_err(|_| Refusal::Forbidden("the App's private key can't sign".into()))?;
            return Ok(Secret::new(signed));
        };
        let known =
            || tokens.lock().ok().and_then(|tokens| tokens.get(scope).cloned()).filter(|Token(_, end)| *end - MARGIN > Timestamp::now());
        if let Some(Token(token, _)) = known() {
            return Ok(token);
        }
        // Who comes second takes what the first gets.
        let _one = asking.lock().await;
        if let Some(Token(token, _)) = known() {
            return Ok(token);
        }
        let Token(token, end) = Box::pin(self.fresh(owner)).await?;
        if let Ok(mut tokens) = tokens.lock() {
            tokens.insert(scope.clone(), Token(token.clone(), end));
        }
        Ok(token)
    }

    /// A new token of the installation that has a repository or organisation.
    async fn fresh(&self, owner: &str) -> Answer<Token> {
        #[derive(Deserialize)]
        struct Installation {
            id: u64,
        }
        #[derive(Deserialize)]
        struct Given {
            token: String,
            expires_at: Option<Timestamp>,
        }
        let call = Call::get(format!("{owner}/installation"));
        let reply = self.ask(&call).await?;
        if reply.status == 404 {
            let name = owner.trim_start_matches("/repos/").trim_start_matches("/orgs/");
            return Err(Refusal::Forbidden(format!("the GitHub App is not installed in `{name}`, or there is no such repository")));
        }
        let installation: Installation = read::<Self, _>(&call, &reply)?;
        let call = Call::post(format!("/app/installations/{}/access_tokens", installation.id), json!({}));
        let reply = self.ask(&call).await?;
        if !reply.good() {
            return Err(refusal::<Self>(&call, &reply));
        }
        // Not by `read`: what is wrong with it would be quoted.
        let given: Given = serde_json::from_str(&reply.body).map_err(|_| Refusal::Bad("GitHub's answer holds no token".into()))?;
        let hour = Timestamp::now() + SignedDuration::from_hours(1);
        Ok(Token(Secret::new(given.token), given.expires_at.unwrap_or(hour)))
    }

    /// The login under which we write.
    pub(super) async fn whoami(&self) -> Answer<String> {
        #[derive(Deserialize)]
        struct App {
            slug: String,
        }
        if matches!(self.entry, Entry::App { .. }) {
            let app: App = self.get("/app").await?;
            return Ok(format!("{}[bot]", app.slug));
        }
        match self.get::<User>("/user").await {
            Err(Refusal::Forbidden(why)) if why.contains("403") => Ok(ACTIONS.into()),
            answer => answer.map(|user| user.login),
        }
    }
}
