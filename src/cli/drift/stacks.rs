//! `ferroform drift --all`: the stacks under a folder.

use std::path::{Path, PathBuf};

use crate::stack::stacks_under;
use crate::words::{Diagnostic, Result};

/// Every stack under those folders, in order; under the project's `stacks/`, or here, where none is named.
pub(super) fn under(folders: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let here = [PathBuf::from(if Path::new("stacks").is_dir() { "stacks" } else { "." })];
    let folders = if folders.is_empty() { &here[..] } else { folders };
    let mut found = vec![];
    for folder in folders {
        if !folder.exists() {
            let error = Diagnostic::error(format!("there is no folder `{}`", folder.display()));
            return Err(error.help("`--all` takes folders with stacks in them").into());
        }
        let stacks = stacks_under(folder);
        if stacks.is_empty() {
            let error = Diagnostic::error(format!("there is no stack under `{}`", folder.display()));
            return Err(error.help("a stack is a directory with `.toml` or `.tf` files").into());
        }
        found.extend(stacks);
    }
    Ok(found)
}
