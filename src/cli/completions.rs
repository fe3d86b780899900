//! `ferroform completions`

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, Context, End, Ending};

/// Writes a script with which a shell completes commands and flags.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// For which shell.
    shell: Shell,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut Cli::command(), "ferroform", &mut script);
    cx.terminal.data(&String::from_utf8_lossy(&script));
    Ok(End::Good)
}
