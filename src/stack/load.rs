//! Loading: the files of a stack become one syntax tree.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::blocks::Builder;
use super::files::{Files, normal, shown};
use super::raw::Entry;
use super::syntax::{Call, Module, Stack};
use super::{json, modules, overrides, tf, toml};
use crate::words::{Diagnostic, Diagnostics, Result, Source};

/// The most that the files of a stack may hold together, in bytes.
const LIMIT: usize = 32 << 20;

/// The most errors that are told at once.
const MOST: usize = 100;

/// A spelling of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// `.toml`
    Toml,
    /// `.tf`
    Tf,
    /// `.tf.json`
    Json,
}

impl Spelling {
    /// That of a file of a stack, by its name; none of other files: of values, of the project, those that editors leave behind.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let left_behind = lower.starts_with('.') || lower.ends_with('~') || (lower.starts_with('#') && lower.ends_with('#'));
        match lower.as_str() {
            _ if left_behind => None,
            "vars.toml" | "ferroform.toml" => None,
            name if name.ends_with(".toml") => Some(Self::Toml),
            name if name.ends_with(".tf.json") => Some(Self::Json),
            name if name.ends_with(".tf") => Some(Self::Tf),
            _ => None,
        }
    }

    fn parse(self, source: &Arc<Source>) -> Result<Vec<Entry>> {
        match self {
            Self::Toml => toml::parse(source),
            Self::Tf => tf::parse(source),
            Self::Json => json::parse(source),
        }
    }
}

/// Whether a text is one of its spelling, whatever its words mean.
pub fn well_formed(source: &Arc<Source>, spelling: Spelling) -> Result<()> {
    match spelling {
        Spelling::Toml => toml::parse(source).map(drop),
        Spelling::Tf => tf::body(source).map(drop),
        Spelling::Json => json::values(source).map(drop),
    }
}

/// Whether the bytes of a `.toml` file are those of a stack, and not of anything else that is written in TOML.
pub fn is_stack(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return false };
    let known = |word: &str| tf::labels(word).is_some();
    match toml::parse(&Source::new("", text)) {
        Ok(words) => !words.is_empty() && words.iter().all(|entry| known(&entry.key)),
        // Broken: by its headers.
        Err(_) => text.lines().filter_map(|line| line.trim_start_matches('[').split(['.', ']']).next()).any(known),
    }
}

/// Whether a file overrides what the others of its directory say: `override.tf`, `dev_override.toml`.
fn overrides(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem == "override" || stem.ends_with("_override")
}

/// Loads the stack at `path`: a directory, all of whose `.toml`, `.tf` and `.tf.json` files are one stack, or a single `.toml` file; and
/// the modules that it calls.
///
/// `files` are those of the directory ([`Files::of`]), or what an earlier loading recorded.
pub fn load(path: &Path, files: &Files) -> Result<Stack> {
    let (dir, names) = sources(path, files)?;
    let mut loader = Loader { dir: &dir, files, size: 0, modules: HashMap::new(), errors: Diagnostics::default() };
    let builder = loader.read(".", &names);
    let mut stack = builder.done(&mut loader.errors);
    stack.module.shown = files.paths().root.as_str().into();
    loader.calls(&mut stack.module, &mut vec![".".to_owned()]);
    let mut errors = loader.errors;
    if errors.has_errors() {
        // Whoever validates would be told of these: now nobody will.
        let modules = loader.modules.values().map(AsRef::as_ref);
        for module in modules.chain([&stack.module]) {
            module.each_expr(&mut |expr| errors.0.extend(expr.wrongs()));
        }
    }
    in_order(&mut errors);
    if errors.0.len() > MOST {
        let more = errors.0.len() - MOST;
        errors.0.truncate(MOST);
        errors.push(Diagnostic::error(format!("and {more} more errors")));
    }
    errors.unless_errors(stack)
}

/// The folders of modules that the files of a stack or module call, but for those in repositories; whatever else is wrong with them.
pub(super) fn local_calls(path: &Path) -> Vec<std::path::PathBuf> {
    let files = Files::of(path);
    let Ok((dir, names)) = sources(path, &files) else { return vec![] };
    let mut loader = Loader { dir: &dir, files: &files, size: 0, modules: HashMap::new(), errors: Diagnostics::default() };
    let module = loader.read(".", &names).done(&mut Diagnostics::default()).module;
    let local = module.calls.values().filter(|call| call.source.starts_with('.'));
    local
        .filter_map(|call| modules::locate(call, ".", &files).ok())
        .map(|folder| normal(&dir.join(folder).to_string_lossy()).into())
        .collect()
}

/// Reads directories into modules, each once.
struct Loader<'a> {
    dir: &'a Path,
    files: &'a Files,
    /// How much was read.
    size: usize,
    /// By directory.
    modules: HashMap<String, Arc<Module>>,
    errors: Diagnostics,
}

impl Loader<'_> {
    /// The files of those names, of the stack or of a module in `path`.
    fn read(&mut self, path: &str, names: &[(String, Spelling)]) -> Builder {
        let (mut blocks, mut overriding) = (vec![], vec![]);
        let (before, errors) = (self.size, self.errors.0.len());
        for (name, spelling) in names {
            let Some(source) = self.errors.keep(source(self.dir, name, self.files)) else { continue };
            self.size += source.text.len();
            if self.size > LIMIT {
                if before <= LIMIT {
                    let place = self.dir.display();
                    let error = format!("the stack in {place} is too large: more than {} MB of text", LIMIT >> 20);
                    self.errors.push(Diagnostic::error(error));
                }
                break;
            }
            // What stands in a broken file seems to mean something else than it does: nothing more is said of it.
            let found = self.errors.keep(spelling.parse(&source)).unwrap_or_default();
            let file = name.rsplit('/').next().unwrap_or(name);
            if overrides(file) { overriding.extend(found) } else { blocks.extend(found) }
        }
        // What is overridden may stand in a file that could not be read.
        if self.errors.0.len() == errors {
            overriding.into_iter().for_each(|block| overrides::apply(&mut blocks, block, &mut self.errors));
        }
        let mut builder = Builder::new(self.dir, path);
        blocks.iter().for_each(|block| builder.top(block, &mut self.errors));
        builder
    }

    /// Loads what a module calls. `around` are the directories of the modules around, and its own.
    fn calls(&mut self, module: &mut Module, around: &mut Vec<String>) {
        let dir = module.dir.clone();
        for call in module.calls.values_mut() {
            let found = self.module(call, &dir, around);
            if let Some(found) = self.errors.keep(found) {
                call.module = found;
            }
        }
    }

    fn module(&mut self, call: &Call, from: &str, around: &mut Vec<String>) -> Result<Arc<Module>> {
        let dir = modules::locate(call, from, self.files)?;
        if around.contains(&dir) {
            let error = Diagnostic::error(format!("module `{}` calls itself", call.name)).at(&call.source_span, "leads back here");
            return Err(error.help("a module can't be part of itself, not even by way of others").into());
        }
        if let Some(known) = self.modules.get(&dir) {
            return Ok(known.clone());
        }
        let full = self.dir.join(&dir);
        let Some(listing) = self.files.list(&dir, false).ok().filter(|listing| !listing.is_empty() || full.is_dir()) else {
            let error = Diagnostic::error(format!("the module `{}` has no folder `{}`", call.name, full.display()));
            return Err(error.at(&call.source_span, "not there").help("a path starts from the folder of the file that names it").into());
        };
        let names = listing.into_iter().filter_map(|n| Spelling::of(&n).map(|s| (format!("{dir}/{n}"), s)));
        let names: Vec<(String, Spelling)> = names.collect();
        if names.is_empty() {
            let error = Diagnostic::error(format!("the folder of the module `{}` holds no `.toml` or `.tf` file", call.name));
            return Err(error.at(&call.source_span, "nothing to load there").into());
        }
        let mut module = self.read(&dir, &names).done(&mut self.errors).module;
        module.shown = if Path::new(&dir).is_absolute() { dir.as_str().into() } else { self.files.module(&dir).into() };
        around.push(dir.clone());
        self.calls(&mut module, around);
        around.pop();
        let module = Arc::new(module);
        self.modules.insert(dir, module.clone());
        Ok(module)
    }
}

/// Sorts by file and place, as one would go through them.
pub(super) fn in_order(errors: &mut Diagnostics) {
    errors.0.sort_by(|a, b| {
        let place = |d: &Diagnostic| d.label.as_ref().map(|(span, _)| (span.source.name.clone(), span.start));
        place(a).cmp(&place(b))
    });
}

/// What a stack is, for whoever named something else.
const STACK: &str = "a stack is a directory with `.toml` or `.tf` files, or a single `.toml` file";

/// The directory of a stack, and its files with their spelling.
fn sources(path: &Path, files: &Files) -> Result<(std::path::PathBuf, Vec<(String, Spelling)>)> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let is_toml = Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if is_toml && !path.is_dir() {
        return Ok((path.parent().unwrap_or(Path::new("")).to_path_buf(), vec![(name.to_owned(), Spelling::Toml)]));
    }
    if path.is_file() {
        return Err(Diagnostic::error(format!("`{}` is no stack", path.display())).help(STACK).into());
    }
    let missing = || Diagnostic::error(format!("there is no stack at `{}`", path.display()));
    let listing = files.list(".", false).map_err(|e| missing().help(e.0.first().map_or_else(String::new, |d| d.summary.clone())))?;
    let names: Vec<(String, Spelling)> = listing.into_iter().filter_map(|n| Spelling::of(&n).map(|s| (n, s))).collect();
    if names.is_empty() {
        return Err(missing().help(STACK).into());
    }
    Ok((path.to_path_buf(), names))
}

/// A file as a source: without byte order mark, with plain line ends.
fn source(dir: &Path, name: &str, files: &Files) -> Result<Arc<Source>> {
    let shown = shown(dir, name);
    let bytes = files.read(name)?;
    if bytes.contains(&0) {
        return Err(Diagnostic::error(format!("`{shown}` is no text file")).help("it holds zero bytes; save it as UTF-8").into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        let line = bytes[..e.valid_up_to()].split(|b| *b == b'\n').count();
        Diagnostic::error(format!("`{shown}` is not UTF-8: line {line} holds other bytes")).help("save the file as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let text: Arc<str> = if text.contains("\r\n") { text.replace("\r\n", "\n").into() } else { text.into() };
    Ok(Source::new(shown, text))
}
