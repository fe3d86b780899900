//! `ferroform explain`

use super::{Context, End, Ending};
use crate::registry::REGISTRY;
use crate::show::explain::{Subject, text};
use crate::words::Diagnostic;
use crate::words::error::nearest;

/// Says what a resource type or data source is, with all its attributes.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The type: `aws_instance`, or `data.aws_ami`. Without one, all are listed.
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let Some(kind) = args.kind else {
        let resources = REGISTRY.resources.iter().map(|t| t.name().to_owned());
        let mut names: Vec<String> = resources.chain(REGISTRY.data.iter().map(|t| format!("data.{}", t.name()))).collect();
        names.sort();
        cx.terminal.data(&(names.join("\n") + "\n"));
        return Ok(End::Good);
    };
    // Someone may paste an address.
    let name = if kind.starts_with("data.") {
        kind.splitn(3, '.').take(2).collect::<Vec<_>>().join(".")
    } else {
        kind.split('.').next().unwrap_or_default().to_owned()
    };
    let subjects = Subject::named(&REGISTRY, &name);
    if subjects.is_empty() {
        let known: Vec<&str> = REGISTRY.resources.iter().map(|t| t.name()).chain(REGISTRY.data.iter().map(|t| t.name())).collect();
        let error = Diagnostic::error(format!("ferroform has no type `{name}`"));
        return Err(match nearest(name.trim_start_matches("data."), known) {
            Some(near) => error.help(format!("did you mean `{near}`?")),
            None => error.help("all types: ferroform explain"),
        }
        .into());
    }
    let pages: Vec<String> = subjects.into_iter().map(|subject| text(subject, cx.terminal.out)).collect();
    cx.terminal.data(&pages.join("\n"));
    Ok(End::Good)
}
