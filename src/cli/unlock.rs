//! `ferroform force-unlock`

use super::session::locate;
use super::{Context, End, Ending};

/// Takes a lock away from a run that is known to be dead.
///
/// A run that merely died holds nothing: this is for locks whose holder can't be asked, such as one on another machine.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The lock's id, as the error that names it says.
    id: String,
    /// Don't ask.
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let (_, stack, _, store) = locate(cx, None)?;
    if !args.force && !cx.terminal.agree(&format!("Take the lock {} of {} away from its holder?", args.id, stack.name), true)? {
        cx.terminal.say("  Nothing was done.");
        return Ok(End::Failed);
    }
    let info = store.force_unlock(&args.id)?;
    cx.terminal.say(&format!("  The lock of `{}` by {}, since {}, is gone.", info.operation, info.who, info.created));
    Ok(End::Good)
}
