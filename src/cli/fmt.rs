//! `ferroform fmt`

use std::io::Read as _;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use super::{Context, End, Ending, place};
use crate::spelling;
use crate::stack::{self, Spelling};
use crate::words::{Diagnostic, Diagnostics, Result};

/// Brings the files of a stack into their format: `.tf` and `.tfvars` as `terraform fmt` does, TOML likewise.
///
/// Names the files that it changes. Ends with 2 where a file can't be read, and with 3 where `--check` finds something to change.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files, folders, or names in `stacks/`; `-` for standard input; this folder if none is named.
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Change nothing; end with 3 if there is something to change.
    #[arg(long)]
    check: bool,
    /// Show what changes.
    #[arg(long)]
    diff: bool,
    /// Folders within folders, too.
    #[arg(long)]
    recursive: bool,
    /// Name the files that change.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    list: bool,
    /// Write the files.
    #[arg(long, default_value_t = true, action = clap::ArgAction::Set, value_name = "BOOL")]
    write: bool,
    /// What standard input holds; told by the text if it isn't given.
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Language>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Language {
    Toml,
    Tf,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    if args.paths == [Path::new("-")] {
        return stdin(&args, cx);
    }
    let mut errors = Diagnostics::default();
    let mut files = vec![];
    let here = [PathBuf::from(".")];
    for path in if args.paths.is_empty() { &here[..] } else { &args.paths } {
        let found = if path.exists() { Ok(path.clone()) } else { place::find(Some(path)).map(|p| p.path) };
        let Some(path) = errors.keep(found) else { continue };
        match (path.is_dir(), language(&path)) {
            (true, _) => drop(errors.keep(folder(&path, args.recursive, &mut files))),
            (false, Some(language)) => files.push((path, language)),
            (false, None) => {
                let error = Diagnostic::error(format!("`{}` has no format", path.display()));
                errors.push(error.help("`.toml`, `.tf`, `.tfvars`, `.tftest.hcl` and `.tfmock.hcl` files have one"));
            }
        }
    }
    let mut changed = false;
    for (path, language) in files {
        changed |= errors.keep(file(&path, language, &args, cx)).unwrap_or(false);
    }
    if !errors.0.is_empty() {
        cx.terminal.tell(&errors);
        return Ok(End::Unreadable);
    }
    Ok(if changed && args.check { End::Unformatted } else { End::Good })
}

/// What a file of that name is formatted as.
fn language(path: &Path) -> Option<Spelling> {
    let name = path.file_name()?.to_string_lossy();
    let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
    match () {
        () if ends(&[".tf", ".tfvars", ".tftest.hcl", ".tfmock.hcl"]) => Some(Spelling::Tf),
        () if ends(&[".toml"]) => Some(Spelling::Toml),
        () => None,
    }
}

/// The files of a folder that belong to stacks; files of TOML that belong to others are left alone, and so are hidden ones.
fn folder(folder: &Path, deep: bool, found: &mut Vec<(PathBuf, Spelling)>) -> Result<()> {
    let refuse = |e: std::io::Error| Diagnostic::error(format!("can't list the files of `{}`: {e}", folder.display()));
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(refuse)?;
    let mut names: Vec<_> = entries.into_iter().map(|entry| entry.file_name()).collect();
    names.sort();
    for name in names {
        let path = if folder == Path::new(".") { PathBuf::from(&name) } else { folder.join(&name) };
        let shown = name.to_string_lossy();
        let hidden = shown.starts_with('.') || shown.ends_with('~') || (shown.starts_with('#') && shown.ends_with('#'));
        if hidden {
            continue;
        }
        if path.is_dir() {
            if deep && !path.is_symlink() {
                self::folder(&path, deep, found)?;
            }
            continue;
        }
        match language(&path) {
            Some(Spelling::Toml) if shown != "vars.toml" && !stack::is_stack(&std::fs::read(&path).unwrap_or_default()) => {}
            Some(language) => found.push((path, language)),
            None => {}
        }
    }
    Ok(())
}

/// Formats a file; says whether it was not as it should be.
fn file(path: &Path, language: Spelling, args: &Args, cx: &Context) -> Result<bool> {
    let name = path.display().to_string();
    let bad = |what: &str, e: &dyn std::fmt::Display| Diagnostic::error(format!("can't {what} `{name}`: {e}"));
    let text = std::fs::read_to_string(path).map_err(|e| bad("read", &e))?;
    let made = spelling::format(&name, &text, language)?;
    if made == text {
        return Ok(false);
    }
    if args.list || args.check {
        cx.terminal.data(&format!("{name}\n"));
    }
    if args.diff {
        cx.terminal.data(&diff(&name, &text, &made));
    }
    if args.write && !args.check {
        std::fs::write(path, made).map_err(|e| bad("write", &e))?;
    }
    Ok(true)
}

fn diff(name: &str, before: &str, after: &str) -> String {
    TextDiff::from_lines(before, after).unified_diff().header(&format!("old/{name}"), &format!("new/{name}")).to_string()
}

fn stdin(args: &Args, cx: &Context) -> Ending {
    const NAME: &str = "<stdin>";
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|e| Diagnostic::error(format!("can't read standard input: {e}")))?;
    let language = match args.language {
        Some(Language::Toml) => Spelling::Toml,
        Some(Language::Tf) => Spelling::Tf,
        None if stack::is_stack(text.as_bytes()) => Spelling::Toml,
        None => Spelling::Tf,
    };
    let made = match spelling::format(NAME, &text, language) {
        Ok(made) => made,
        Err(errors) => {
            cx.terminal.tell(&errors);
            return Ok(End::Unreadable);
        }
    };
    if args.diff {
        cx.terminal.data(&diff(NAME, &text, &made));
    } else if !args.check {
        cx.terminal.data(&made);
    }
    Ok(if args.check && made != text { End::Unformatted } else { End::Good })
}
