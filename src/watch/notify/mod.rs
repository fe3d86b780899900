//! Telling people: Slack, any webhook, an SNS topic, mail, and an issue on GitHub.

mod cloud;
mod config;
mod fields;
mod github;
mod http;
mod mail;
mod message;
mod secret;
mod template;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use super::history::{Delivery, History, Rule};
use crate::words::Diagnostics;
use crate::words::drift::Finding;
use secret::Origin;
use template::Texts;

pub use cloud::Cloud;
pub use config::load;
pub use fields::Environment;
pub use http::signature;
pub use secret::Secret;

/// How long an attempt may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Somebody to be told.
#[derive(Clone, Debug)]
pub struct Target {
    /// Who, and of what.
    pub rule: Rule,
    /// How.
    way: Way,
}

#[derive(Clone, Debug)]
enum Way {
    Slack { url: Origin, text: Texts },
    Webhook { url: Origin, secret: Option<Origin>, text: Texts },
    Sns { topic: String, text: Texts },
    Email(Email),
    GitHub(GitHub),
}

/// A mail server and who gets mail.
#[derive(Clone, Debug)]
struct Email {
    host: String,
    port: u16,
    tls: Tls,
    login: Option<(String, Origin)>,
    from: lettre::message::Mailbox,
    to: Vec<lettre::message::Mailbox>,
    text: Texts,
}

/// How the way to a mail server is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tls {
    Upgraded,
    Wrapped,
    Plain,
}

impl Tls {
    /// The port where a server listens for it.
    const fn port(self) -> u16 {
        match self {
            Self::Upgraded => 587,
            Self::Wrapped => 465,
            Self::Plain => 25,
        }
    }
}

/// Where issues are kept.
#[derive(Clone, Debug)]
struct GitHub {
    owner: String,
    name: String,
    token: Origin,
    labels: Vec<String>,
    api: String,
    text: Texts,
}

/// What all targets share.
pub struct Means {
    cloud: Cloud,
    http: reqwest::Client,
}

impl Means {
    /// Clients; nothing is called yet.
    pub fn new(cloud: Cloud) -> Result<Self, Diagnostics> {
        Ok(Self { cloud, http: http::client()? })
    }
}

impl Target {
    /// What it is, for people: `slack`, `email`.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self.way {
            Way::Slack { .. } => "slack",
            Way::Webhook { .. } => "webhook",
            Way::Sns { .. } => "sns",
            Way::Email(_) => "email",
            Way::GitHub(_) => "github",
        }
    }

    /// Tells it, once; the error holds no secret.
    pub async fn tell(&mut self, delivery: &Delivery, history: &History, means: &Means) -> Result<(), String> {
        let told = tokio::time::timeout(PATIENCE, self.attempt(delivery, history, means)).await;
        let told = told.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
        told.map_err(|why| {
            let why = self.secrets().iter().fold(why, |why, secret| secret.hide(&why));
            // A secret that was changed in Secrets Manager is asked for again.
            self.secrets().into_iter().for_each(Origin::forget);
            why
        })
    }

    async fn attempt(&self, delivery: &Delivery, history: &History, means: &Means) -> Result<(), String> {
        let now = Timestamp::now();
        let data = |open: &[Finding]| message::data(delivery, open, now);
        match &self.way {
            Way::Slack { url, text } => {
                let text = text.render("text", &data(&[]))?;
                let body = serde_json::json!({ "text": text, "mrkdwn": true, "unfurl_links": false }).to_string();
                http::post(&means.http, &url.get(&means.cloud).await?, body, delivery, None).await
            }
            Way::Webhook { url, secret, text } => {
                let body = text.render("text", &data(&[]))?;
                let secret = match secret {
                    Some(secret) => Some(secret.get(&means.cloud).await?),
                    None => None,
                };
                http::post(&means.http, &url.get(&means.cloud).await?, body, delivery, secret.as_ref()).await
            }
            Way::Sns { topic, text } => {
                let data = data(&[]);
                // A subject of SNS: at most 100 characters of ASCII.
                let subject: String = text.line("subject", &data)?.chars().filter(|c| c.is_ascii() && !c.is_control()).take(99).collect();
                means.cloud.publish(topic, &subject, &text.render("text", &data)?, &delivery.id).await
            }
            Way::Email(email) => {
                let password = match &email.login {
                    Some((_, password)) => Some(password.get(&means.cloud).await?),
                    None => None,
                };
                mail::send(email, password.as_ref(), &data(&[]), delivery).await
            }
            Way::GitHub(github) => {
                let token = github.token.get(&means.cloud).await?;
                let open = history.open_findings(&delivery.stack, &delivery.workspace, self.rule.severity).await;
                let open: Vec<Finding> = open.map_err(|e| e.to_string())?.into_iter().map(|entry| entry.finding).collect();
                let issue = github::Issue { github, token: &token, history, target: &self.rule.target };
                issue.keep(delivery, &data(&open), open.is_empty()).await
            }
        }
    }

    fn secrets(&mut self) -> Vec<&mut Origin> {
        match &mut self.way {
            Way::Slack { url, .. } => vec![url],
            Way::Webhook { url, secret, .. } => std::iter::once(url).chain(secret).collect(),
            Way::Sns { .. } => vec![],
            Way::Email(email) => email.login.as_mut().map(|(_, password)| password).into_iter().collect(),
            Way::GitHub(github) => vec![&mut github.token],
        }
    }
}

/// An error and what caused it, in one line.
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text.contains(&cause) { text } else { format!("{text}: {cause}") }
    })
}

/// A target by its name, for tests and the like.
#[must_use]
pub fn rules(targets: &[Target]) -> Arc<[Rule]> {
    targets.iter().map(|target| target.rule.clone()).collect()
}
