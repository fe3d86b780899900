//! What the other states of a project hold.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::local::LocalStore;
use crate::words::{Address, Mode, Result, Value};

/// Something that a state holds.
#[derive(Clone, Debug)]
pub struct Owned {
    /// The state's file.
    pub file: PathBuf,
    /// Its address there.
    pub address: Address,
    /// Its id.
    pub id: String,
    /// What the state holds of it.
    pub attributes: Value,
}

/// What the states under these folders hold, and those of these files.
pub fn held(folders: &[PathBuf], files: &[PathBuf]) -> Result<Vec<Owned>> {
    let mut all = files.to_vec();
    folders.iter().for_each(|folder| find(folder, &mut all));
    let mut seen = BTreeSet::new();
    let mut held = vec![];
    for file in all.into_iter().filter(|file| seen.insert(absolute(file))) {
        let Some(state) = LocalStore::new(&file).read()?.state else { continue };
        for (address, instance) in state.instances.iter().filter(|(address, _)| address.mode == Mode::Managed) {
            let objects = std::iter::once(instance).chain(instance.deposed.values()).filter(|object| object.exists());
            held.extend(objects.map(|object| Owned {
                file: file.clone(),
                address: address.clone(),
                id: object.id().to_owned(),
                attributes: object.attributes.clone(),
            }));
        }
    }
    Ok(held)
}

/// What the states under these folders hold but for that one: where, by type and id.
pub fn held_by_others(folders: &[PathBuf], own: &Path) -> Result<BTreeMap<(String, String), String>> {
    let others = held(folders, &[])?.into_iter().filter(|one| absolute(&one.file) != absolute(own));
    Ok(others.map(|one| ((one.address.kind.to_string(), one.id), format!("{} in {}", one.address, one.file.display()))).collect())
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
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
