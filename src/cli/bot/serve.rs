//! `ferroform bot serve`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Login;
use crate::bot::checkout::Checkouts;
use crate::bot::run::Runner;
use crate::bot::serve::{self, Metrics, Server};
use crate::bot::store::{Place, Store};
use crate::cli::watch::{Log, signals};
use crate::cli::{Context, End, Ending};
use crate::words::{Diagnostic, Result};

/// Where the secret of webhooks comes from.
const SECRET: &str = "FERROFORM_BOT_SECRET";
/// Where a database's URL may come from, which may hold a password.
const DATABASE: &str = "FERROFORM_BOT_DATABASE";

/// Takes webhooks, plans what pull requests change, and applies on command, until it is stopped.
///
/// Secrets come from the environment: FERROFORM_BOT_SECRET is what webhooks are signed with; FERROFORM_BOT_TOKEN a token of GitHub or
/// GitLab, or FERROFORM_BOT_APP_KEY the private key of a GitHub App.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Take webhooks there, at /webhook. What encrypts stands before it.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8380")]
    listen: String,
    /// Serve /healthz and /metrics there: `127.0.0.1:9183`.
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<String>,
    /// Where checkouts, plans, states and the database lie.
    #[arg(long, value_name = "DIR", default_value = "ferroform-bot")]
    data: PathBuf,
    /// A Postgres for several servers, instead of a file in --data: `postgres://user@host/name`. With a password it belongs into the environment.
    #[arg(long, value_name = "URL", env = DATABASE, hide_env_values = true)]
    database: Option<String>,
    #[command(flatten)]
    login: Login,
    /// How many jobs are done at once.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=256))]
    workers: u16,
    /// How long applies may go on when the server is to stop: `30s`, `5m`.
    #[arg(long, value_name = "TIME", default_value = "5m", value_parser = crate::cli::args::duration)]
    grace: Duration,
    /// How to write the log.
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t)]
    log: Log,
}

impl ServeArgs {
    /// The log of the service.
    pub const fn log(&self) -> Log {
        self.log
    }
}

pub(super) async fn run(args: ServeArgs, cx: &Context) -> Ending {
    let secret = secret()?;
    let data = std::path::absolute(&args.data).map_err(|e| Diagnostic::error(format!("`{}`: {e}", args.data.display())))?;
    let place = args.database.map_or_else(|| Place::File(data.join("bot.sqlite")), Place::Postgres);
    let forge = args.login.forge()?;
    let listener = serve::listen(&args.listen).await?;
    let measured = match &args.metrics {
        Some(address) => Some(serve::listen(address).await?),
        None => None,
    };
    let store = Store::open(&place).await?;
    let program = std::env::current_exe().map_err(|e| Diagnostic::error(format!("can't tell where this program lies: {e}")))?;
    let states = cx.globals.state_dir.clone().unwrap_or_else(|| data.join("state"));
    let runner = Runner {
        program,
        flags: if cx.globals.sandbox { vec!["--sandbox".into()] } else { vec![] },
        states: Some(states),
        hidden: Login::secrets().chain([SECRET, DATABASE]).map(str::to_owned).collect(),
    };
    let stop = CancellationToken::new();
    let server = Arc::new(Server {
        store,
        forge,
        checkouts: Checkouts { folder: data.join("checkouts") },
        runner,
        data,
        secret: secret.into_bytes(),
        cache: crate::cli::session::cache(),
        owner: uuid::Uuid::new_v4().to_string(),
        metrics: Metrics::default(),
        stop: stop.clone(),
        grace: args.grace,
    });
    let signals = tokio::spawn(signals(stop.clone(), "a signal came: no more webhooks are taken, and what is under way ends")?);
    if let Some(listener) = measured {
        tokio::spawn(serve::measure(listener, server.clone()));
    }
    let workers = tokio::spawn({
        let (server, workers) = (server.clone(), usize::from(args.workers));
        async move { server.work(workers).await }
    });
    serve::serve(listener, server.clone()).await;
    server.wind_down(workers).await;
    signals.abort();
    Ok(End::Good)
}

fn secret() -> Result<String> {
    match std::env::var(SECRET) {
        Ok(secret) if secret.len() >= 16 => Ok(secret),
        Ok(_) => Err(Diagnostic::error(format!("the secret in {SECRET} is too short"))
            .fact("why", "whoever guesses it can have plans applied")
            .help("make one of 16 characters or more: openssl rand -hex 32")
            .into()),
        Err(_) => Err(Diagnostic::error(format!("the environment has no {SECRET}"))
            .help("it is the secret that the webhook is set up with: make one with `openssl rand -hex 32`, and give it to both")
            .into()),
    }
}
