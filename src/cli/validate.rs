//! `ferroform validate`

use std::path::PathBuf;

use serde_json::json;

use super::session::locate;
use super::{Context, End, Ending};
use crate::registry::REGISTRY;
use crate::show::{Role, event_json};
use crate::stack;
use crate::words::{Diagnostics, Severity};

/// Says what is wrong with a stack, as far as that shows without asking anybody.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory, a `.toml` file, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Option<PathBuf>,
    /// As `terraform validate -json` says it.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let (name, found) = match locate(cx, args.at.as_deref()) {
        Ok((_, stack, _, _)) => (stack.name.to_string(), stack::validate(&stack, &REGISTRY)),
        Err(errors) => (String::new(), errors),
    };
    let good = !found.has_errors();
    if args.json {
        let of = |severity| found.0.iter().filter(|d| d.severity == severity).count();
        let all: Vec<_> = found.0.iter().map(|d| event_json::diagnostic(d, None, "")["diagnostic"].clone()).collect();
        let (errors, warnings) = (of(Severity::Error), of(Severity::Warning));
        let json = json!({ "format_version": "1.0", "valid": good, "error_count": errors, "warning_count": warnings, "diagnostics": all });
        cx.terminal.data(&format!("{json:#}\n"));
    } else {
        tell(cx, &name, &found);
    }
    Ok(if good { End::Good } else { End::Failed })
}

fn tell(cx: &Context, name: &str, found: &Diagnostics) {
    if !found.0.is_empty() {
        cx.terminal.tell(found);
    }
    if !found.has_errors() {
        let mark = cx.terminal.err.paint(Role::New, "✔");
        cx.terminal.say(&format!("  {mark} {name} is valid"));
    }
}
