//! The files beside a stack, read through one door that remembers what went through it, so that a saved plan can carry its sources.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use super::expr::Template;
use crate::words::{Diagnostic, Result, Value};

/// The largest file that is read, in bytes.
const LIMIT: u64 = 32 << 20;

/// What was read, by its name relative to the stack's directory. Opaque but for that: listings and the absence of files are kept in it too.
pub type Recorded = BTreeMap<String, Arc<[u8]>>;

/// Where a stack is, and where the command that works on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    /// The stack's folder as seen from where the command works, `path.root`: `.`, `stacks/web`, or an absolute path.
    pub root: String,
    /// Where the command works: relative paths in `root` and in attributes of resources start there.
    pub here: PathBuf,
    /// Where the command was started, `path.cwd`; not the same after `--chdir`.
    pub cwd: String,
}

impl Default for Paths {
    fn default() -> Self {
        Self { root: ".".into(), here: ".".into(), cwd: ".".into() }
    }
}

/// Reads the files of a stack from disk, or out of what an earlier reading recorded.
///
/// A relative path starts from the stack's folder. One that begins with that folder as `path.root` or `path.module` give it starts from
/// where the command works, as in Terraform.
#[derive(Debug)]
pub struct Files {
    root: PathBuf,
    paths: Paths,
    /// Folders of modules as `path.module` gives them, and as seen from the stack's folder.
    modules: Mutex<BTreeMap<String, String>>,
    home: Option<PathBuf>,
    cache: Option<PathBuf>,
    embedded: bool,
    seen: Mutex<Recorded>,
    secrets: Mutex<BTreeSet<Value>>,
    templates: Mutex<BTreeMap<String, Arc<Template>>>,
}

impl Files {
    /// The files of that directory. Relative names are looked up in it.
    pub fn disk(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        let paths = Paths { root: normal(&root.to_string_lossy()), ..Paths::default() };
        Self { root, paths, embedded: false, ..Self::embedded(Recorded::new()) }
    }

    /// The files of the stack at `path`: of the directory itself, or of that which holds the `.toml` file.
    pub fn of(path: &Path) -> Self {
        let root = if path.is_file() { path.parent().unwrap_or(Path::new("")) } else { path };
        Self::disk(if root.as_os_str().is_empty() { Path::new(".") } else { root })
    }

    /// What [`Files::recorded`] gave once; nothing else exists.
    pub fn embedded(recorded: Recorded) -> Self {
        Self {
            root: PathBuf::from("."),
            paths: Paths::default(),
            modules: Mutex::default(),
            home: None,
            cache: None,
            embedded: true,
            seen: Mutex::new(recorded),
            secrets: Mutex::default(),
            templates: Mutex::default(),
        }
    }

    /// The same, told where the command works and where it was started.
    #[must_use]
    pub fn seen_from(mut self, here: &Path, cwd: &Path) -> Self {
        self.paths.here = here.to_path_buf();
        self.paths.cwd = cwd.display().to_string();
        self
    }

    /// The same at the place where they were when they were recorded.
    #[must_use]
    pub fn placed(self, paths: Paths) -> Self {
        Self { root: PathBuf::from(&paths.root), paths, ..self }
    }

    /// Where they are.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// `path.module` of the module in that folder, which is given as seen from the stack's.
    pub fn module(&self, folder: &str) -> String {
        let folder = normal(folder);
        if folder == "." {
            return self.paths.root.clone();
        }
        let shown = normal(&format!("{}/{folder}", self.paths.root));
        self.modules.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(shown.clone(), folder);
        shown
    }

    /// A path from the stack's folder, or an absolute one: the name under which what it leads to is known.
    fn name(&self, path: &str) -> String {
        let plain = normal(path);
        match self.inside(path).filter(|inside| *inside != plain) {
            // A stack `web` may have a folder `web` of its own.
            Some(inside) if self.has(&inside) || !self.has(&plain) => inside,
            _ => plain,
        }
    }

    /// A path that begins with the folder of the stack or of a module, from the stack's folder.
    fn inside(&self, path: &str) -> Option<String> {
        let path = Path::new(path);
        let path = path.strip_prefix(".").unwrap_or(path);
        let modules = self.modules.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        // A folder in another's comes behind that, and says more.
        let within = |(shown, folder): (&String, &String)| Some(Path::new(folder).join(path.strip_prefix(shown).ok()?));
        let found = modules.iter().rev().find_map(within);
        let found = found.or_else(|| path.strip_prefix(&self.paths.root).ok().map(Path::to_path_buf));
        found.map(|found| normal(&found.to_string_lossy()))
    }

    /// Whether anything is known by that name.
    fn has(&self, name: &str) -> bool {
        let seen = self.lock();
        let known = || ["exists:", "list:", "list-deep:"].iter().any(|note| seen.contains_key(&format!("{note}{name}")));
        seen.contains_key(name) || if self.embedded { known() } else { self.root.join(name).exists() }
    }

    /// The same with a home for `pathexpand`.
    #[must_use]
    pub fn with_home(mut self, home: Option<PathBuf>) -> Self {
        self.home = home;
        self
    }

    /// The same with a folder for what is fetched from elsewhere.
    #[must_use]
    pub fn with_cache(mut self, cache: Option<PathBuf>) -> Self {
        self.cache = cache;
        self
    }

    /// The directory that holds what comes from elsewhere, made by `fetch` in the folder for that unless it is there.
    pub(super) fn fetched(&self, source: &str, fetch: impl FnOnce(&Path) -> Result<String>) -> Result<String> {
        let note = format!("fetched:{source}");
        if let Some(dir) = self.lock().get(&note) {
            return Ok(String::from_utf8_lossy(dir).into_owned());
        }
        let missing = || {
            Diagnostic::error(if self.embedded { "it was not fetched when this plan was made" } else { "there is no folder to keep it in" })
        };
        let cache = self.cache.as_deref().filter(|_| !self.embedded).ok_or_else(missing)?;
        let dir = fetch(cache)?;
        self.lock().insert(note, dir.as_bytes().into());
        Ok(dir)
    }

    /// The path with the home in place of a leading `~`; none where nobody said whose home that is.
    pub fn expand(&self, path: &str) -> Option<String> {
        match path.strip_prefix('~') {
            Some(rest) if rest.is_empty() || rest.starts_with('/') => Some(format!("{}{rest}", self.home.as_ref()?.display())),
            Some(_) => None,
            None => Some(path.to_owned()),
        }
    }

    /// The directory that relative names start from.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether what was recorded under that name is what a file holds, and no listing or absence.
    #[must_use]
    pub fn is_content(name: &str) -> bool {
        !["exists:", "list:", "list-deep:"].iter().any(|note| name.starts_with(note))
    }

    /// All that was read so far.
    pub fn recorded(&self) -> Recorded {
        self.lock().clone()
    }

    /// Remembers that an expression calls the value sensitive: it may stand in a file that was read.
    pub fn note_secret(&self, value: &Value) {
        self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(value.clone().sensitive());
    }

    /// All that expressions called sensitive so far.
    pub fn secrets(&self) -> BTreeSet<Value> {
        self.secrets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// Adds a file to the stack's folder, whatever the disk holds.
    pub fn add(&self, name: &str, text: &str) -> Result<()> {
        let mut listing = self.list(".", false)?;
        listing.push(name.to_owned());
        listing.sort();
        listing.dedup();
        let note = format!("list:{}", self.name("."));
        self.lock().insert(note, serde_json::Value::from(listing).to_string().into_bytes().into());
        self.lock().insert(name.to_owned(), text.as_bytes().into());
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Recorded> {
        self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// The bytes of a file.
    pub fn read(&self, path: &str) -> Result<Arc<[u8]>> {
        let name = self.name(path);
        if let Some(bytes) = self.lock().get(&name) {
            return Ok(bytes.clone());
        }
        if self.embedded {
            return Err(Diagnostic::error(format!("the file `{path}` was not read when this plan was made")).into());
        }
        let bytes: Arc<[u8]> = self.fetch(path, &name)?.into();
        self.lock().insert(name, bytes.clone());
        Ok(bytes)
    }

    fn fetch(&self, path: &str, name: &str) -> Result<Vec<u8>> {
        let full = self.root.join(name);
        let refuse = |why: String| Diagnostic::error(format!("can't read the file `{path}`: {why}"));
        let unreadable = |e: std::io::Error| match e.kind() {
            std::io::ErrorKind::NotFound => refuse("it does not exist".into())
                .help(format!("looked for {}; relative paths start from the stack's directory", full.display())),
            _ => refuse(e.to_string()),
        };
        let about = std::fs::metadata(&full).map_err(&unreadable)?;
        if !about.is_file() {
            return Err(refuse(if about.is_dir() { "it is a directory".into() } else { "it is no regular file".into() }).into());
        }
        let too_large = |size: u64| refuse(format!("it has {} MB, and more than {} are not read", size >> 20, LIMIT >> 20));
        if about.len() > LIMIT {
            return Err(too_large(about.len()).into());
        }
        let mut bytes = vec![];
        let file = std::fs::File::open(&full).map_err(&unreadable)?;
        file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(&unreadable)?;
        if bytes.len() as u64 > LIMIT { Err(too_large(bytes.len() as u64).into()) } else { Ok(bytes) }
    }

    /// The text of a file.
    pub fn text(&self, path: &str) -> Result<Arc<str>> {
        let bytes = self.read(path)?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Ok(text.into()),
            Err(e) => {
                let line = bytes[..e.valid_up_to()].split(|b| *b == b'\n').count();
                Err(Diagnostic::error(format!("the file `{path}` is no text: line {line} holds bytes that are not UTF-8")).into())
            }
        }
    }

    /// Whether there is such a regular file. A directory is an error, as `fileexists` has it.
    pub fn exists(&self, path: &str) -> Result<bool> {
        let name = self.name(path);
        let note = format!("exists:{name}");
        {
            let seen = self.lock();
            if seen.contains_key(&name) {
                return Ok(true);
            }
            if let Some(answer) = seen.get(&note) {
                return Ok(answer.as_ref() == b"true");
            }
        }
        let answer = match std::fs::metadata(self.root.join(&name)) {
            _ if self.embedded => false,
            Ok(about) if about.is_file() => true,
            Ok(about) if about.is_dir() => return Err(Diagnostic::error(format!("`{path}` is a directory, not a file")).into()),
            Ok(_) => return Err(Diagnostic::error(format!("`{path}` is no regular file")).into()),
            Err(_) => false,
        };
        self.lock().insert(note, if answer { Arc::from(*b"true") } else { Arc::from(*b"false") });
        Ok(answer)
    }

    /// The files below a directory, as paths relative to it with `/` between, sorted; `deep` looks into directories.
    pub fn list(&self, dir: &str, deep: bool) -> Result<Vec<String>> {
        let name = self.name(dir);
        let note = format!("list{}:{name}", if deep { "-deep" } else { "" });
        if let Some(listing) = self.lock().get(&note) {
            return Ok(serde_json::from_slice(listing).unwrap_or_default());
        }
        let mut found = vec![];
        let root = self.root.join(&name);
        // A folder that is not there holds nothing.
        if !self.embedded && root.is_dir() {
            walk(&root, &root, deep, &mut found)
                .map_err(|e| Diagnostic::error(format!("can't list the files of `{}`: {e}", root.display())))?;
        }
        found.sort();
        self.lock().insert(note, serde_json::Value::from(found.clone()).to_string().into_bytes().into());
        Ok(found)
    }

    /// A template made once of each file, by `parse`.
    pub(super) fn template(&self, path: &str, parse: impl FnOnce(&str, Arc<str>) -> Result<Template>) -> Result<Arc<Template>> {
        let name = self.name(path);
        let known = self.templates.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&name).cloned();
        if let Some(known) = known {
            return Ok(known);
        }
        let shown = if Path::new(&name).is_absolute() { name.clone() } else { shown(&self.root, &name) };
        let template = Arc::new(parse(&shown, self.text(path)?)?);
        self.templates.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(name, template.clone());
        Ok(template)
    }

    /// The path without `.` and needless `..`, absolute.
    pub fn absolute(&self, path: &str) -> String {
        let full = self.paths.here.join(&self.root).join(self.name(path));
        let full = std::path::absolute(&full).unwrap_or(full);
        normal(&full.to_string_lossy())
    }
}

/// A file of a stack as the user would type its path.
pub(super) fn shown(root: &Path, name: &str) -> String {
    let root = root.strip_prefix(".").unwrap_or(root);
    root.join(name).display().to_string()
}

fn walk(root: &Path, dir: &Path, deep: bool, found: &mut Vec<String>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        // Follows links, but never a link to a directory: it could lead in a circle.
        if path.is_file() {
            if let Some(name) = path.strip_prefix(root).ok().and_then(Path::to_str) {
                found.push(name.replace(std::path::MAIN_SEPARATOR, "/"));
            }
        } else if deep && path.is_dir() && !path.is_symlink() {
            walk(root, &path, deep, found)?;
        }
    }
    Ok(())
}

/// The path without `.` and with `a/..` taken away.
pub(super) fn normal(path: &str) -> String {
    let mut parts: Vec<Component<'_>> = vec![];
    for part in Path::new(path).components() {
        match (part, parts.last()) {
            (Component::CurDir, _) | (Component::ParentDir, Some(Component::RootDir)) => {}
            (Component::ParentDir, Some(Component::Normal(_))) => {
                parts.pop();
            }
            _ => parts.push(part),
        }
    }
    let normal: PathBuf = parts.iter().collect();
    if normal.as_os_str().is_empty() { ".".into() } else { normal.to_string_lossy().into_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_made_normal() {
        for (given, wanted) in [("./a", "a"), ("a/../b", "b"), ("../x", "../x"), ("/a/../../b", "/b"), ("", "."), ("a/./b/", "a/b")] {
            assert_eq!(normal(given), wanted, "{given}");
        }
    }

    #[test]
    fn what_was_read_can_be_read_again_without_the_disk() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.txt"), "hello").unwrap();
        let disk = Files::disk(dir.path());
        assert_eq!(&*disk.text("./a.txt").unwrap(), "hello");
        assert!(!disk.exists("b.txt").unwrap());
        assert_eq!(disk.list(".", false).unwrap(), ["a.txt"]);
        let again = Files::embedded(disk.recorded()).placed(disk.paths().clone());
        assert_eq!(&*again.text(&format!("{}/a.txt", dir.path().display())).unwrap(), "hello");
        assert_eq!(&*again.text("a.txt").unwrap(), "hello");
        assert!(!again.exists("b.txt").unwrap());
        assert_eq!(again.list(".", false).unwrap(), ["a.txt"]);
        assert!(again.read("c.txt").is_err());
    }

    #[test]
    fn a_path_starts_from_the_stack_or_with_the_folder_that_it_names() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files { root: dir.path().join("stacks/web"), ..Files::disk("stacks/web") };
        let there = |name: &str| {
            let path = files.root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, name).unwrap();
        };
        ["f", "modules/net/f", "../../shared/f", "stacks/web/own"].into_iter().for_each(there);
        assert_eq!((files.module("."), files.module("./modules/net")), ("stacks/web".into(), "stacks/web/modules/net".into()));
        assert_eq!(files.module("../../shared"), "shared");
        for (path, name) in [
            ("f", "f"),
            ("./f", "f"),
            ("stacks/web/f", "f"),
            ("./stacks/web/f", "f"),
            ("stacks/web/../../shared/f", "../../shared/f"),
            ("shared/f", "../../shared/f"),
            ("stacks/web/modules/net/f", "modules/net/f"),
            ("stacks/webby", "stacks/webby"),
            ("stacks/web/own", "stacks/web/own"),
            ("stacks/web/none", "none"),
            ("stacks/web", "."),
            ("/f", "/f"),
        ] {
            assert_eq!(files.name(path), name, "{path}");
        }
    }

    #[test]
    fn what_is_no_regular_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let files = Files::disk(dir.path());
        assert!(files.read(".").unwrap_err().to_string().contains("directory"));
        assert!(files.read("none").unwrap_err().to_string().contains("does not exist"));
        assert!(files.read("/dev/zero").unwrap_err().to_string().contains("no regular file"));
    }
}
