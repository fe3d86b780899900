//! `ferroform bot`

mod ci;
mod login;
mod serve;

use clap::Subcommand;

use super::watch::Log;
use super::{Context, Ending};
use login::Login;

/// Plans on pull requests: comments them, keeps the comment current, and applies on command.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Ci(ci::Args),
    Serve(serve::ServeArgs),
}

impl Command {
    /// The log that it keeps as a service.
    pub const fn log(&self) -> Option<Log> {
        match self {
            Self::Ci(_) => None,
            Self::Serve(args) => Some(args.log()),
        }
    }
}

pub(super) async fn run(command: Command, cx: &Context) -> Ending {
    match command {
        Command::Ci(args) => ci::run(args, cx).await,
        Command::Serve(args) => serve::run(args, cx).await,
    }
}
