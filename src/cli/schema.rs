//! `ferroform schema`

use std::path::PathBuf;

use super::{Context, End, Ending};
use crate::registry::REGISTRY;
use crate::show::{explain, schema};
use crate::words::{Diagnostic, Diagnostics};

/// Writes the JSON Schema of stacks, with which editors complete and check them.
///
/// Put `#:schema ferroform.schema.json` on the first line of a stack, or name the file in `.taplo.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write the pages of the reference into this folder instead.
    #[arg(long, value_name = "DIR")]
    reference: Option<PathBuf>,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    match args.reference {
        Some(folder) => reference(&folder, cx)?,
        None => cx.terminal.data(&format!("{:#}\n", schema::stack(&REGISTRY))),
    }
    Ok(End::Good)
}

fn reference(folder: &std::path::Path, cx: &Context) -> Result<(), Diagnostics> {
    let bad = |e: std::io::Error| Diagnostic::error(format!("can't write to `{}`: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(bad)?;
    let pages = explain::pages(&REGISTRY);
    for (name, text) in &pages {
        std::fs::write(folder.join(name), text).map_err(bad)?;
    }
    cx.terminal.say(&format!("  {} pages in {}", pages.len(), folder.display()));
    Ok(())
}
