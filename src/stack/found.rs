//! Where stacks are.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::load::{Spelling, is_stack, local_calls};
use super::uses::real;

/// Whether a folder holds files of a stack.
pub fn holds_stack(folder: &Path) -> bool {
    let mut files = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    files.any(|path| match Spelling::of(&path.file_name().unwrap_or_default().to_string_lossy()) {
        Some(Spelling::Toml) => std::fs::read(&path).is_ok_and(|bytes| is_stack(&bytes)),
        Some(_) => path.is_file(),
        None => false,
    })
}

/// Every stack under a folder, in order. What lies within a stack are its modules, and what another calls is a module, too. In a folder of
/// the name `stacks` each `.toml` file is a stack of its own.
pub fn stacks_under(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![];
    walk(folder, &mut found);
    let (mut modules, mut open) = (BTreeSet::new(), found.clone());
    while let Some(path) = open.pop() {
        let called = local_calls(&path).into_iter().map(|module| real(&module)).filter(|module| *module != real(&path));
        open.extend(called.filter(|module| modules.insert(module.clone())));
    }
    found.retain(|path| !modules.contains(&real(path)));
    found
}

fn walk(path: &Path, found: &mut Vec<PathBuf>) {
    let many = path.file_name().is_some_and(|name| name == "stacks") && path.is_dir();
    if !many && holds_stack(path) {
        return found.push(path.to_path_buf());
    }
    let mut inner: Vec<PathBuf> = std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    inner.sort();
    for path in inner {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() && !name.starts_with('.') && !matches!(&*name, "modules" | "state" | "target" | "node_modules") {
            walk(&path, found);
        } else if many && name.ends_with(".toml") && std::fs::read(&path).is_ok_and(|bytes| is_stack(&bytes)) {
            found.push(path);
        }
    }
}
