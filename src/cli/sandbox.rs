//! `ferroform sandbox`, and bringing it up for other commands.

use std::path::PathBuf;

use super::{Context, End, Ending};
use crate::sandbox::{Running, Sandbox, Status, Step};
use crate::state::LocalStore;
use crate::words::{Diagnostic, Diagnostics};

/// A local AWS to try stacks on: no account, no cost, nothing to lose.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Brings it up, installing it the first time, and says where it listens.
    Up,
    /// Stops it. What was in it is gone.
    Down,
    /// Empties it.
    Reset,
    /// Says how it is.
    Status,
}

pub(super) fn run(command: Command, cx: &Context) -> Ending {
    let sandbox = sandbox()?;
    match command {
        Command::Up => {
            let running = tokio::task::block_in_place(|| up(cx))?;
            cx.terminal.data(&format!("export AWS_ENDPOINT_URL={}\n", running.endpoint));
            cx.terminal.say("  The sandbox is up. `ferroform plan --sandbox` uses it; other programs need the line above.");
        }
        Command::Down => {
            let was = tokio::task::block_in_place(|| sandbox.down())?;
            cx.terminal.say(if was { "  The sandbox is down." } else { "  The sandbox was not running." });
        }
        Command::Reset => {
            let was = tokio::task::block_in_place(|| sandbox.reset())?;
            cx.terminal.say(if was { "  The sandbox is empty." } else { "  The sandbox is not running." });
        }
        Command::Status => cx.terminal.data(&match tokio::task::block_in_place(|| sandbox.status()) {
            Status::Absent => "not installed: `ferroform sandbox up` does that\n".to_owned(),
            Status::Down => "down\n".to_owned(),
            Status::Lost => format!("down: it ended by itself, and what was in it is gone; {} may say why\n", sandbox.log().display()),
            Status::Up { running, stale } => {
                let stale = if stale { ", of another version: the next `up` replaces it" } else { "" };
                format!("up at {} (process {}){stale}\n", running.endpoint, running.pid)
            }
        }),
    }
    Ok(End::Good)
}

fn sandbox() -> Result<Sandbox, Diagnostics> {
    let cache = std::env::var_os("FERROFORM_CACHE").map(PathBuf::from).or_else(|| dirs::cache_dir().map(|d| d.join("ferroform")));
    let Some(cache) = cache else {
        return Err(Diagnostic::error("there is no folder to keep the sandbox in").help("set HOME, or FERROFORM_CACHE to a folder").into());
    };
    Ok(Sandbox::new(&cache, "default"))
}

/// Brings it up and tells what takes a while.
pub(super) fn up(cx: &Context) -> Result<Running, Diagnostics> {
    sandbox()?.up(&mut |step| {
        cx.terminal.say(match step {
            Step::Waiting => "  Another command is bringing up the sandbox…",
            Step::Installing => "  Installing the sandbox; that takes a minute, this once…",
            Step::Replacing => "  The sandbox is of another version: it is replaced, and what was in it is gone…",
            Step::Starting => "  Starting the sandbox…",
        });
    })
}

/// Says which life of the sandbox a state was written in.
fn mark(store: &LocalStore) -> PathBuf {
    store.path().with_extension("epoch")
}

/// The epoch that a state was written under.
pub(super) fn epoch_of(store: &LocalStore) -> Option<String> {
    std::fs::read_to_string(mark(store)).ok().map(|text| text.trim().to_owned())
}

/// Gives up a state whose sandbox was emptied, and notes the new epoch. Whether there was any.
pub(super) fn forget(store: &LocalStore, epoch: &str) -> Result<bool, Diagnostics> {
    let bad = |e: std::io::Error| Diagnostic::error(format!("can't begin the sandbox's state anew: {e}"));
    let was = store.path().exists() || store.journal_path().exists();
    for path in [store.path().to_path_buf(), store.backup_path(), store.journal_path(), store.key_path()] {
        match std::fs::remove_file(path) {
            Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(bad(e).into()),
            _ => {}
        }
    }
    if let Some(folder) = store.path().parent() {
        std::fs::create_dir_all(folder).map_err(bad)?;
    }
    std::fs::write(mark(store), epoch).map_err(bad)?;
    Ok(was)
}
