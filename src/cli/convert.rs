//! `ferroform convert`

use std::path::{Path, PathBuf};

use super::{Context, End, Ending, place};
use crate::registry::REGISTRY;
use crate::spelling;
use crate::stack::Spelling;
use crate::words::{Diagnostic, Diagnostics, Result};

/// Spells a stack the other way: `.tf` and `.tf.json` files as TOML, or TOML as `.tf`, and so the values in `terraform.tfvars` or
/// `vars.toml`. Comments stay where they are.
///
/// What was there is kept as `NAME.orig`. With `--out`, the stack's folder stays as it is, and another gets all that the stack needs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The stack's folder, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "DIR")]
    at: Option<PathBuf>,
    /// The language to spell it in; the other one if it isn't given.
    #[arg(long, value_name = "LANGUAGE")]
    to: Option<Language>,
    /// Write into this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Language {
    Toml,
    Tf,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let place = place::find(args.at.as_deref())?;
    let folder = place.folder();
    let names = names(folder)?;
    let any = |wanted: Spelling| names.iter().any(|name| Spelling::of(name) == Some(wanted));
    let to = args.to.unwrap_or(if any(Spelling::Tf) || any(Spelling::Json) { Language::Toml } else { Language::Tf });
    let from: Vec<(&String, Kind, String)> =
        names.iter().filter_map(|name| task(name, to).map(|(from, target)| (name, from, target))).collect();
    if !from.iter().any(|(_, from, _)| *from != Kind::Values) {
        let ends = if to == Language::Toml { "`.tf` or `.tf.json`" } else { "`.toml` or `.tf.json`" };
        let error = Diagnostic::error(format!("`{}` holds no {ends} file", folder.display()));
        return Err(error.help("name the folder of a stack, and with `--to` the language that it shall be spelled in").into());
    }
    let out = args.out.as_deref().unwrap_or(folder);
    let mut errors = Diagnostics::default();
    let mut made = vec![];
    for (name, from, target) in &from {
        if out.join(target).exists() {
            errors.push(Diagnostic::error(format!("`{}` is there already", out.join(target).display())).help("move it away first"));
        }
        if let Some(text) = errors.keep(converted(&folder.join(name), *from, to)) {
            made.push((name, target, text));
        }
    }
    let made = errors.unless_errors(made)?;
    if out != folder {
        copy(folder, out, &|name| from.iter().any(|(f, ..)| *f == name))?;
    }
    for (name, target, text) in made {
        let path = out.join(target);
        std::fs::write(&path, text).map_err(|e| Diagnostic::error(format!("can't write `{}`: {e}", path.display())))?;
        if out == folder {
            let kept = folder.join(format!("{name}.orig"));
            std::fs::rename(folder.join(name), &kept).map_err(|e| Diagnostic::error(format!("can't rename `{name}`: {e}")))?;
        }
        cx.terminal.data(&format!("{}\n", path.display()));
    }
    if out == folder {
        cx.terminal
            .say(&format!("  What was there is kept: {}", from.iter().map(|(n, ..)| format!("{n}.orig")).collect::<Vec<_>>().join(", ")));
    }
    Ok(End::Good)
}

/// What is converted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Tf,
    Toml,
    Json,
    Values,
}

/// What a file is, and what it becomes; none for one that stays as it is.
fn task(name: &str, to: Language) -> Option<(Kind, String)> {
    let stem = |ends: &str| name.strip_suffix(ends).unwrap_or(name);
    let ending = if to == Language::Toml { "toml" } else { "tf" };
    match (Spelling::of(name), to, name) {
        (Some(Spelling::Tf), Language::Toml, _) => Some((Kind::Tf, format!("{}.toml", stem(".tf")))),
        (Some(Spelling::Toml), Language::Tf, _) => Some((Kind::Toml, format!("{}.tf", stem(".toml")))),
        (Some(Spelling::Json), ..) => Some((Kind::Json, format!("{}.{ending}", stem(".tf.json")))),
        (None, Language::Toml, "terraform.tfvars") => Some((Kind::Values, "vars.toml".to_owned())),
        (None, Language::Tf, "vars.toml") => Some((Kind::Values, "terraform.tfvars".to_owned())),
        _ => None,
    }
}

fn converted(path: &Path, kind: Kind, to: Language) -> Result<String> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| Diagnostic::error(format!("can't read `{name}`: {e}")))?;
    match (kind, to) {
        (Kind::Tf, _) => spelling::to_toml(&name, &text),
        (Kind::Toml, _) => spelling::to_tf(&name, &text, &REGISTRY),
        (Kind::Json, Language::Toml) => spelling::json_to_toml(&name, &text),
        (Kind::Json, Language::Tf) => spelling::to_tf(&name, &spelling::json_to_toml(&name, &text)?, &REGISTRY),
        (Kind::Values, Language::Toml) => spelling::values_to_toml(&name, &text),
        (Kind::Values, Language::Tf) => spelling::values_to_tf(&name, &text, &REGISTRY),
    }
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let refuse = |e: std::io::Error| Diagnostic::error(format!("can't list the files of `{}`: {e}", folder.display()));
    let entries = std::fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(refuse)?;
    let mut names: Vec<String> = entries.into_iter().filter_map(|e| e.file_name().into_string().ok()).collect();
    names.sort();
    Ok(names)
}

/// Copies what else a stack needs, templates and values: no state, nothing hidden.
fn copy(from: &Path, to: &Path, not: &dyn Fn(&str) -> bool) -> Result<()> {
    let bad = |path: &Path, e: std::io::Error| Diagnostic::error(format!("can't copy `{}`: {e}", path.display()));
    std::fs::create_dir_all(to).map_err(|e| bad(to, e))?;
    let inside = to.canonicalize().ok();
    for name in names(from)? {
        let path = from.join(&name);
        let state = name.contains(".tfstate") || name == "state";
        if name.starts_with('.') || state || not(&name) || path.canonicalize().ok() == inside {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(&name), &|_| false)?;
        } else {
            std::fs::copy(&path, to.join(&name)).map_err(|e| bad(&path, e))?;
        }
    }
    Ok(())
}
