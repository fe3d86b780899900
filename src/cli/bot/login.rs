//! Where code is reviewed, and as whom the bot talks there.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::bot::forge::{Credentials, Forge, GitHub, GitLab, Patience};
use crate::words::secret::Secret;
use crate::words::{Diagnostic, Result};

/// The environment variables that hold secrets, by which children must not be known.
const TOKEN: &str = "FERROFORM_BOT_TOKEN";
const APP_KEY: &str = "FERROFORM_BOT_APP_KEY";
/// What others call the token; ours wins.
const TOKENS: &[&str] = &[TOKEN, "GITHUB_TOKEN", "GITLAB_TOKEN"];
/// How many seconds a call waits for a place that asks for patience.
const PATIENCE: u64 = 60;

/// Where code is reviewed, and as whom.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Login {
    /// Where code is reviewed.
    #[arg(long, value_enum, default_value_t, value_name = "HOST", env = "FERROFORM_BOT_HOST")]
    host: Host,
    /// Its API, if it is one of your own: `https://github.example.org/api/v3`. [default: that of github.com or gitlab.com]
    #[arg(long, value_name = "URL", env = "FERROFORM_BOT_API")]
    api: Option<String>,
    /// The id of the GitHub App that it is; else it needs a token.
    #[arg(long, value_name = "ID", env = "FERROFORM_BOT_APP_ID")]
    app_id: Option<u64>,
    /// The file with the App's private key, instead of FERROFORM_BOT_APP_KEY.
    #[arg(long, value_name = "FILE", requires = "app_id")]
    app_key_file: Option<PathBuf>,
}

/// A place where code is reviewed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Host {
    /// GitHub, or a GitHub Enterprise Server.
    #[default]
    #[value(name = "github")]
    GitHub,
    /// GitLab.
    #[value(name = "gitlab")]
    GitLab,
}

impl Login {
    /// The environment variables that hold its secrets.
    pub fn secrets() -> impl Iterator<Item = &'static str> {
        TOKENS.iter().copied().chain([APP_KEY])
    }

    /// The port to the place.
    pub fn forge(&self) -> Result<Box<dyn Forge>> {
        let patience = Patience { seconds: PATIENCE, ..Patience::default() };
        match self.host {
            Host::GitHub => {
                let api = self.api.as_deref().unwrap_or("https://api.github.com");
                Ok(Box::new(GitHub::new(api, self.credentials()?, patience).map_err(Diagnostic::error)?))
            }
            Host::GitLab => {
                let url = self.api.as_deref().unwrap_or("https://gitlab.com");
                Ok(Box::new(GitLab::new(url, token()?, patience).map_err(Diagnostic::error)?))
            }
        }
    }

    fn credentials(&self) -> Result<Credentials> {
        let Some(id) = self.app_id else { return Ok(Credentials::Token(token()?)) };
        let key = match &self.app_key_file {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|e| Diagnostic::error(format!("can't read the App's private key `{}`: {e}", path.display())))?,
            None => std::env::var(APP_KEY).map_err(|_| {
                Diagnostic::error(format!("the environment has no {APP_KEY}"))
                    .help("it is the App's private key, PEM: GitHub makes one on the App's page; or name its file with --app-key-file")
            })?,
        };
        Ok(Credentials::App { id, key: Secret::new(key) })
    }
}

fn token() -> Result<Secret> {
    let found = TOKENS.iter().find_map(|name| std::env::var(name).ok().filter(|token| !token.trim().is_empty()));
    found.map(Secret::new).ok_or_else(|| {
        Diagnostic::error(format!("the environment has no {TOKEN}"))
            .help("it is a token that may read and write pull requests; or be a GitHub App with --app-id")
            .into()
    })
}
