//! Which projects a change touches. Whoever reviews it has to see every plan that it changes; a plan too many costs only time.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::Command;

use super::config::{self, FILE, Project, pattern, plain};
use crate::stack::{self, Files, Given, Spelling, automatic, file_values, holds_stack, is_automatic, real};
use crate::words::{Diagnostic, Result};

/// What a change means for the projects of a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Those that it touches, in the order in which they are applied.
    pub projects: Vec<Project>,
    /// Those whose stack it takes away: what they have stays where it is, and nobody manages it.
    pub removed: Vec<Project>,
}

impl Touched {
    /// Without those that are gone and have nothing left: there is nothing to destroy. `states` is the folder of the states.
    #[must_use]
    pub fn without_empty(mut self, before: &Before, states: &Path) -> Self {
        self.removed.retain(|project| {
            let path = config::join(before.0.path(), &project.stack);
            let name = stack::load(&path, &Files::of(&path)).ok().map(|stack| stack.name.to_string());
            let Some(name) = name.or_else(|| Some(project.stack.file_stem()?.to_string_lossy().into_owned())) else { return true };
            let name = project.workspace.as_ref().map_or(name.clone(), |workspace| format!("{name}/{workspace}"));
            let text = std::fs::read_to_string(states.join(name + ".tfstate.json"));
            // What can't be read may hold something.
            let held = |text: String| {
                serde_json::from_str::<serde_json::Value>(&text).ok()?.get("resources")?.as_array().map(|all| !all.is_empty())
            };
            match text {
                Ok(text) => held(text).unwrap_or(true),
                Err(e) => e.kind() != std::io::ErrorKind::NotFound,
            }
        });
        self
    }
}

/// What is told of a project whose stack is taken away.
pub const REMOVED: &str = "the stack is removed; destroy what it has first";

/// The tree as it was before the change, as far as it tells which projects there were. Its folder goes when it is dropped.
#[derive(Debug)]
pub struct Before(TempDir);

impl Before {
    /// The projects of then; none where its configuration can't be read.
    fn projects(&self) -> Option<Vec<Project>> {
        let root = self.0.path();
        Some(config::load(root).ok()?.projects(root))
    }
}

/// The projects that a change of those files touches, given by their paths from the root of a checkout of what comes after it. Modules of
/// git repositories are fetched into `cache`.
#[must_use]
pub fn touched(root: &Path, projects: &[Project], changed: &[PathBuf], before: Option<&Before>, cache: Option<&Path>) -> Touched {
    let root = std::path::absolute(root).unwrap_or_else(|_| root.to_path_buf());
    let changes: Vec<Change> = changed.iter().map(|path| Change::of(&root, path)).collect();
    let before = before.and_then(Before::projects);
    let configured = changed.iter().any(|path| path == Path::new(FILE));
    let mut touched = Touched::default();
    for project in projects {
        let gone = !is_there(&root.join(&project.stack));
        let known = before.as_ref().is_none_or(|before| before.iter().any(|old| old.stack == project.stack));
        if gone && known && changes.iter().any(|change| change.path.starts_with(root.join(&project.stack))) {
            touched.removed.push(project.clone());
        } else if (configured && before.as_ref().is_none_or(|before| !before.contains(project))) || uses(&root, project, &changes, cache) {
            touched.projects.push(project.clone());
        }
    }
    let old = before.into_iter().flatten().filter(|old| !projects.iter().any(|project| project.stack == old.stack));
    touched.removed.extend(old.filter(|old| !is_there(&root.join(&old.stack))));
    touched
}

fn is_there(stack: &Path) -> bool {
    stack.is_file() || holds_stack(stack)
}

/// A file that changed: by its path, by where that leads, and from the root.
struct Change {
    path: PathBuf,
    real: PathBuf,
    inner: PathBuf,
}

impl Change {
    fn of(root: &Path, path: &Path) -> Self {
        let inner = plain(path);
        let path = root.join(&inner);
        Self { real: real(&path), path, inner }
    }

    /// Whether it is that file, perhaps by another path, or what the path leads through.
    fn is(&self, path: &Path) -> bool {
        path.starts_with(&self.path) || real(path) == self.real
    }

    /// Whether it lies right in that folder, or the folder's path leads through it.
    fn within(&self, folder: &Path) -> Option<&str> {
        let here = self.path.parent() == Some(folder) || self.real.parent() == Some(&real(folder));
        self.path.file_name().and_then(|name| name.to_str()).filter(|_| here)
    }
}

/// Whether a project is made of any of those files.
fn uses(root: &Path, project: &Project, changes: &[Change], cache: Option<&Path>) -> bool {
    let path = config::join(root, &project.stack);
    let folder = if path.is_file() { path.parent().unwrap_or(root) } else { &path };
    let own = |change: &Change| {
        let spelled = |name: &str| is_automatic(name) || (!path.is_file() && Spelling::of(name).is_some());
        change.is(&path) || change.within(folder).is_some_and(spelled)
    };
    let named = |change: &Change| {
        project.var_files.iter().any(|file| change.is(&root.join(file)))
            || project.watch.iter().any(|glob| pattern(glob).is_ok_and(|glob| glob.is_match(&change.inner)))
    };
    if changes.iter().any(|change| own(change) || named(change)) {
        return true;
    }
    let files = Files::of(&path).seen_from(root, root).with_cache(cache.map(Path::to_path_buf));
    // What can't be loaded may use anything; its plan says what is wrong.
    let Ok(stack) = stack::load(&path, &files) else { return true };
    let modules: Vec<PathBuf> = stack::folders(&stack).iter().skip(1).map(|dir| plain(&folder.join(&**dir))).collect();
    let of_module = |change: &Change| {
        let made =
            |folder: &PathBuf| folder.starts_with(&change.path) || change.within(folder).is_some_and(|name| Spelling::of(name).is_some());
        modules.iter().any(made)
    };
    if changes.iter().any(of_module) {
        return true;
    }
    let given = values(root, folder, project, &files);
    let used = stack::uses(&stack, &files, project.workspace.as_deref().unwrap_or("default"), &given);
    changes.iter().any(|change| used.iter().any(|one| one.covers(&change.path) || one.covers(&change.real)))
}

/// The values of variables that files give.
fn values(root: &Path, folder: &Path, project: &Project, files: &Files) -> Vec<Given> {
    let all = automatic(folder).into_iter().chain(project.var_files.iter().map(|file| root.join(file)));
    let read = |path: PathBuf| file_values(&path.to_string_lossy(), &std::fs::read_to_string(&path).ok()?, true, files).ok();
    all.filter_map(read).flatten().collect()
}

/// The files that a branch changed since it left the other, by their paths from the root; a file that was moved is two.
pub async fn changed(checkout: &Path, base: &str, head: &str) -> Result<Vec<PathBuf>> {
    let range = format!("{base}...{head}");
    let told = git(checkout, &["diff", "--name-only", "-z", "--no-renames", "--no-ext-diff", "--end-of-options", &range], None).await;
    let told = told.map_err(|why| {
        let error = Diagnostic::error(format!("can't tell what changed between {base} and {head}: {why}"));
        error.help(
            "the checkout has to hold both, and the history between them: `fetch-depth: 0` for actions/checkout, GIT_DEPTH: 0 for GitLab",
        )
    })?;
    Ok(paths(&told).map(|path| plain(&path)).collect())
}

/// The commit that a checkout was merged with, where it is the merge of a commit that a code host makes to see whether that can be merged.
pub async fn merged(checkout: &Path, head: &str) -> Option<String> {
    let parents = git(checkout, &["rev-list", "--parents", "--max-count=1", "HEAD"], None).await.ok()?;
    let parents = String::from_utf8_lossy(&parents).into_owned();
    let mut parents = parents.split_whitespace().skip(1);
    let (base, other) = (parents.next()?, parents.next()?);
    (other == head).then(|| base.to_owned())
}

/// The root of the checkout that a folder lies in.
pub async fn root(folder: &Path) -> Result<PathBuf> {
    let told = git(folder, &["rev-parse", "--show-toplevel"], None).await;
    let told = told.map_err(|why| Diagnostic::error(format!("`{}` lies in no checkout of a git repository: {why}", folder.display())))?;
    Ok(PathBuf::from(String::from_utf8_lossy(&told).trim_end_matches('\n')))
}

/// The commit of a checkout.
pub async fn head(checkout: &Path) -> Option<String> {
    let head = git(checkout, &["rev-parse", "HEAD"], None).await.ok()?;
    Some(String::from_utf8_lossy(&head).trim().to_owned())
}

/// Whether a checkout holds what that commit did.
pub async fn is_before(checkout: &Path, commit: &str) -> bool {
    let plain = !commit.is_empty() && commit.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain && git(checkout, &["merge-base", "--is-ancestor", commit, "HEAD"], None).await.is_ok()
}

/// The tree that a change starts from: where the branch left the other.
pub async fn before(checkout: &Path, base: &str, head: &str) -> Result<Before> {
    let failed = |why: String| Diagnostic::error(format!("can't look at what was there before {head}: {why}"));
    let folder = TempDir::new().map_err(|e| failed(e.to_string()))?;
    let start = git(checkout, &["merge-base", base, head], None).await.map_err(failed)?;
    let start = String::from_utf8_lossy(&start).trim().to_owned();
    let all = git(checkout, &["ls-tree", "-r", "-z", "--name-only", "--full-tree", &start], None).await.map_err(failed)?;
    let told =
        paths(&all).filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|n| n == FILE || Spelling::of(n).is_some()));
    let told: Vec<u8> = told.flat_map(|path| [path.as_os_str().as_encoded_bytes(), b"\0"].concat()).collect();
    let (index, prefix) = (folder.path().join(".index"), format!("--prefix={}/", folder.path().display()));
    git(checkout, &["read-tree", &start], Some((&index, &[]))).await.map_err(failed)?;
    git(checkout, &["checkout-index", "-z", "--stdin", &prefix], Some((&index, &told))).await.map_err(failed)?;
    Ok(Before(folder))
}

fn paths(told: &[u8]) -> impl Iterator<Item = PathBuf> {
    use std::os::unix::ffi::OsStrExt as _;
    told.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(|path| PathBuf::from(std::ffi::OsStr::from_bytes(path)))
}

/// Runs git, with an index of its own and something to read if that is given.
async fn git(checkout: &Path, args: &[&str], own: Option<(&Path, &[u8])>) -> Result<Vec<u8>, String> {
    let mut command = Command::new("git");
    command.args(args).current_dir(checkout).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(name);
    }
    if let Some((index, _)) = own {
        command.env("GIT_INDEX_FILE", index);
    }
    let mut child = command.spawn().map_err(|e| format!("`git` can't be run: {e}"))?;
    let input = child.stdin.take();
    let write = async {
        if let (Some(mut input), Some((_, bytes))) = (input, own) {
            // Git that ends before it has read all says why.
            let _ended = input.write_all(bytes).await;
        }
    };
    let ((), output) = tokio::join!(write, child.wait_with_output());
    let output = output.map_err(|e| e.to_string())?;
    if output.status.success() { Ok(output.stdout) } else { Err(String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ")) }
}
