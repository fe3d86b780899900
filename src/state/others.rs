//! What the other states of a project hold.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::local::LocalStore;
use crate::words::{Mode, Result};

/// What the states under these folders hold but for that one: the file, by type and id.
pub fn held_by_others(folders: &[PathBuf], own: &Path) -> Result<BTreeMap<(String, String), String>> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let mut files = vec![];
    folders.iter().for_each(|folder| find(folder, &mut files));
    let mut held = BTreeMap::new();
    for file in files.iter().filter(|file| absolute(file) != absolute(own)) {
        let Some(state) = LocalStore::new(file).read()?.state else { continue };
        for (address, instance) in state.instances.iter().filter(|(address, instance)| address.mode == Mode::Managed && instance.exists()) {
            held.insert((address.kind.to_string(), instance.id().to_owned()), format!("{address} in {}", file.display()));
        }
    }
    Ok(held)
}

/// The states below a folder; hidden folders are looked into only when they are asked for.
fn find(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).into_iter().flatten().flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            find(&path, files);
        } else if name.ends_with(".tfstate.json") || name == "terraform.tfstate" {
            files.push(path);
        }
    }
}
