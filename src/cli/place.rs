//! Where a stack is, where its project begins, and where its state lies.

use std::path::{Path, PathBuf};

use crate::stack::holds_stack;
use crate::state::LocalStore;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics};

/// The folder of states in a project.
const STATES: &str = "state";

/// Where a stack is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// Its directory or its only file, as the user would write it.
    pub path: PathBuf,
    /// The folder that holds `stacks/` and `state/`.
    pub root: PathBuf,
    /// Where the states lie, if the user named a folder.
    pub states: Option<PathBuf>,
}

/// Finds the stack that a user names: a directory, a `.toml` file, or a name in the project's `stacks/`. Nothing means this folder.
pub(crate) fn find(given: Option<&Path>) -> Result<Place, Diagnostics> {
    let Some(given) = given else { return Ok(at(Path::new("."))) };
    if given.exists() {
        return Ok(at(given));
    }
    let here = std::env::current_dir().map_err(|e| Diagnostic::error(format!("can't tell the current folder: {e}")))?;
    let stacks = root_of(&here).join("stacks");
    for name in [stacks.join(given), stacks.join(given.with_extension("toml"))] {
        if given.components().count() == 1 && name.exists() {
            return Ok(at(&relative(&name, &here)));
        }
    }
    let missing = Diagnostic::error(format!("there is no stack `{}`", given.display()));
    let known = names(&stacks);
    let text = given.to_string_lossy();
    Err(match nearest(&text, known.iter().map(String::as_str)) {
        Some(near) => missing.help(format!("did you mean `{near}`?")),
        None if known.is_empty() => {
            missing.help("a stack is a directory with `.toml` or `.tf` files, a `.toml` file, or a name in `stacks/`")
        }
        None => missing.help(format!("in {} there are: {}", relative(&stacks, &here).display(), known.join(", "))),
    }
    .into())
}

/// What lies at a path, be it there or not.
pub(crate) fn at(path: &Path) -> Place {
    let here = std::env::current_dir().unwrap_or_default();
    let path = match path {
        path if path.is_dir() && path.canonicalize().is_ok_and(|p| here.canonicalize().is_ok_and(|here| p == here)) => Path::new("."),
        path => path.strip_prefix(&here).unwrap_or(path),
    };
    let folder = if path.is_file() { path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { path };
    Place { path: path.to_path_buf(), root: root_of(&folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf())), states: None }
}

/// The nearest folder upwards that looks like a project, else the folder itself.
fn root_of(folder: &Path) -> PathBuf {
    let marks = ["ferroform.toml", "stacks", ".git"];
    folder.ancestors().find(|f| marks.iter().any(|mark| f.join(mark).exists())).unwrap_or(folder).to_path_buf()
}

/// An absolute path as seen from an absolute folder, where both have more in common than the root.
pub(crate) fn relative(path: &Path, here: &Path) -> PathBuf {
    let common = path.components().zip(here.components()).take_while(|(a, b)| a == b).count();
    if common < 2 {
        return path.to_path_buf();
    }
    let up = here.components().skip(common).map(|_| std::path::Component::ParentDir);
    up.chain(path.components().skip(common)).collect()
}

/// The stacks of a project by name.
fn names(stacks: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(stacks).into_iter().flatten().flatten();
    let name = |entry: std::fs::DirEntry| {
        let path = entry.path();
        let stack = path.is_dir() || path.extension().is_some_and(|e| e == "toml");
        stack.then(|| path.file_stem().map(|s| s.to_string_lossy().into_owned())).flatten()
    };
    let mut names: Vec<String> = entries.filter_map(name).collect();
    names.sort();
    names
}

impl Place {
    /// The stack's own folder.
    pub fn folder(&self) -> &Path {
        if self.path.is_file() { self.path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new(".")) } else { &self.path }
    }

    /// The same with its states in that folder.
    #[must_use]
    pub fn with_states(self, states: Option<&Path>) -> Self {
        Self { states: states.map(Path::to_path_buf), ..self }
    }

    /// The folder of the project's states, of the sandbox or of the world.
    pub fn kept(&self, sandbox: bool) -> PathBuf {
        let kept = self.states.clone().unwrap_or_else(|| self.root.join(STATES));
        if sandbox { kept.join(".sandbox") } else { kept }
    }

    /// All folders where states of the project may lie, of the sandbox or of the world.
    pub fn states(&self, sandbox: bool) -> Vec<PathBuf> {
        let mut folders = vec![self.kept(sandbox)];
        folders.extend((!sandbox).then(|| self.root.join("stacks")));
        folders
    }

    /// Which folder is not where paths in stacks say, and where it is.
    pub fn moved(&self) -> Option<(PathBuf, PathBuf)> {
        Some((self.root.join(STATES), self.states.clone()?))
    }

    /// Whether there are files of a stack.
    pub fn holds_stack(&self) -> bool {
        self.path.is_file() || holds_stack(&self.path)
    }

    /// Where the state of the stack of that name lies. A folder that came from Terraform with its state keeps it there, unless the user says
    /// where states are.
    pub fn store(&self, stack: &str, workspace: Option<&str>, sandbox: bool) -> LocalStore {
        let workspace = workspace.filter(|w| *w != "default");
        let terraform = self.folder().join("terraform.tfstate");
        let other = |name: &str| self.folder().join("terraform.tfstate.d").join(name).join("terraform.tfstate");
        match workspace {
            None if !sandbox && self.states.is_none() && terraform.exists() => LocalStore::new(terraform),
            Some(name) if !sandbox && self.states.is_none() && other(name).exists() => LocalStore::new(other(name)),
            _ => LocalStore::new(self.kept(sandbox).join(file(stack, workspace))),
        }
    }
}

fn file(stack: &str, workspace: Option<&str>) -> String {
    workspace.map_or_else(|| format!("{stack}.tfstate.json"), |workspace| format!("{stack}/{workspace}.tfstate.json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_seen_from_a_folder() {
        for (path, here, wanted) in [
            ("/p/stacks/web", "/p", "stacks/web"),
            ("/p/state/x", "/p/stacks/web", "../../state/x"),
            ("/q/x", "/p", "/q/x"),
            ("/p", "/p", ""),
        ] {
            assert_eq!(relative(Path::new(path), Path::new(here)), Path::new(wanted), "{path} from {here}");
        }
    }

    #[test]
    fn state_lies_in_the_project_unless_terraform_was_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let stack = dir.path().join("stacks/web");
        std::fs::create_dir_all(&stack).expect("a folder");
        let place = find(Some(&stack)).expect("it is there");
        let root = dir.path().canonicalize().expect("it is there");
        assert_eq!(place.root, root);
        assert_eq!(place.store("web", None, false).path(), root.join("state/web.tfstate.json"));
        assert_eq!(place.store("web", Some("eu"), false).path(), root.join("state/web/eu.tfstate.json"));
        assert_eq!(place.store("web", None, true).path(), root.join("state/.sandbox/web.tfstate.json"));
        std::fs::write(stack.join("terraform.tfstate"), "{}").expect("a file");
        assert_eq!(place.store("web", None, false).path(), stack.join("terraform.tfstate"));
        let place = place.with_states(Some(Path::new("/srv/states")));
        assert_eq!(place.store("web", None, false).path(), Path::new("/srv/states/web.tfstate.json"));
        assert_eq!(place.store("web", Some("eu"), false).path(), Path::new("/srv/states/web/eu.tfstate.json"));
        assert_eq!(place.store("web", None, true).path(), Path::new("/srv/states/.sandbox/web.tfstate.json"));
        assert_eq!(place.states(false), [PathBuf::from("/srv/states"), root.join("stacks")]);
        assert_eq!(place.moved(), Some((root.join("state"), PathBuf::from("/srv/states"))));
    }
}
