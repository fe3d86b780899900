//! `ferroform drift --all`: the stacks under a folder.

use std::path::{Path, PathBuf};

use crate::cli::place;
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
        let before = found.len();
        walk(folder, &mut found);
        if found.len() == before {
            let error = Diagnostic::error(format!("there is no stack under `{}`", folder.display()));
            return Err(error.help("a stack is a directory with `.toml` or `.tf` files").into());
        }
    }
    Ok(found)
}

/// What lies within a stack are its modules. In a folder of the name `stacks` each `.toml` file is a stack of its own.
fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    let many = path.file_name().is_some_and(|name| name == "stacks") && path.is_dir();
    if !many && place::is_stack(path) {
        return found.push(path.to_path_buf());
    }
    let mut inner: Vec<PathBuf> = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    inner.sort();
    for path in inner {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !matches!(&*name, "modules" | "state" | "target" | "node_modules") {
            walk(&path, found);
        } else if many && name.ends_with(".toml") && std::fs::read(&path).is_ok_and(|bytes| crate::stack::is_stack(&bytes)) {
            found.push(path);
        }
    }
}
