//! Loading: the files of a stack become one syntax tree.

use std::path::Path;
use std::sync::Arc;

use super::blocks::Builder;
use super::files::{Files, shown};
use super::syntax::Stack;
use super::toml;
use crate::words::{Diagnostic, Diagnostics, Result, Source};

/// The most that the files of a stack may hold together, in bytes.
const LIMIT: usize = 32 << 20;

/// The most errors that are told at once.
const MOST: usize = 100;

/// Loads the stack at `path`: a directory, all of whose `.toml` files are one stack, or a single such file.
///
/// `files` are those of the directory ([`Files::of`]), or what an earlier loading recorded.
pub fn load(path: &Path, files: &Files) -> Result<Stack> {
    let (dir, names) = sources(path, files)?;
    let mut errors = Diagnostics::default();
    let mut builder = Builder::new(&dir);
    let mut size = 0;
    for name in names {
        let Some(source) = errors.keep(source(&dir, &name, files)) else { continue };
        size += source.text.len();
        if size > LIMIT {
            errors.push(Diagnostic::error(format!("the stack in {} is too large: more than {} MB of TOML", dir.display(), LIMIT >> 20)));
            break;
        }
        // What stands in a broken file seems to mean something else than it does: nothing more is said of it.
        for entry in errors.keep(toml::parse(&source)).into_iter().flatten() {
            builder.top(&entry, &mut errors);
        }
    }
    let stack = builder.done(&mut errors);
    in_order(&mut errors);
    if errors.0.len() > MOST {
        let more = errors.0.len() - MOST;
        errors.0.truncate(MOST);
        errors.push(Diagnostic::error(format!("and {more} more errors")));
    }
    errors.unless_errors(stack)
}

/// Sorts by file and place, as one would go through them.
pub(super) fn in_order(errors: &mut Diagnostics) {
    errors.0.sort_by(|a, b| {
        let place = |d: &Diagnostic| d.label.as_ref().map(|(span, _)| (span.source.name.clone(), span.start));
        place(a).cmp(&place(b))
    });
}

/// The directory of a stack and the names of its files.
fn sources(path: &Path, files: &Files) -> Result<(std::path::PathBuf, Vec<String>)> {
    let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
    let is_toml = |name: &str| Path::new(name).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"));
    if is_toml(name) && !path.is_dir() {
        return Ok((path.parent().unwrap_or(Path::new("")).to_path_buf(), vec![name.to_owned()]));
    }
    if path.is_file() {
        let no_stack = Diagnostic::error(format!("`{}` is no stack", path.display()));
        return Err(no_stack.help("a stack is a directory with a `stack.toml`, or a `.toml` file").into());
    }
    let missing = || Diagnostic::error(format!("there is no stack at `{}`", path.display()));
    let listing = files.list(".", false).map_err(|e| missing().help(e.0.first().map_or_else(String::new, |d| d.summary.clone())))?;
    let names: Vec<String> = listing.into_iter().filter(|n| is_toml(n) && n != "vars.toml" && n != "ferroform.toml").collect();
    if names.is_empty() {
        return Err(missing().help("a stack is a directory with a `stack.toml`, or a `.toml` file").into());
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
