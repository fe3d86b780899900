//! `ferroform show`

use std::path::PathBuf;

use super::session::{Session, locate};
use super::state::{resources, told};
use super::{Context, End, Ending, plan};
use crate::engine::planner::Options;
use crate::engine::saved;
use crate::show::{Facts, json};
use crate::state::State;
use crate::words::{Diagnostic, Diagnostics};

/// Shows a plan that was kept, or the state.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A plan that `ferroform plan --out` kept, or a state file, or a stack; the state of this folder's stack if none is named.
    #[arg(value_name = "FILE or STACK")]
    at: Option<PathBuf>,
    /// As JSON: Terraform's for plans and states.
    #[arg(long)]
    json: bool,
    /// As Markdown (plans only).
    #[arg(long, conflicts_with = "json")]
    markdown: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let text = match args.at.as_deref().filter(|path| path.is_file() && path.extension().is_none_or(|e| e != "toml")) {
        Some(path) => {
            let name = path.display().to_string();
            let bytes = std::fs::read(path).map_err(|e| Diagnostic::error(format!("can't read `{name}`: {e}")))?;
            if saved::is_saved(&bytes) { of_plan(&bytes, &name, &args, cx)? } else { of_state(&State::parse(&bytes, &name)?, args.json) }
        }
        None => {
            let (_, _, _, store) = locate(cx, args.at.as_deref())?;
            of_state(&store.read()?.state.unwrap_or_else(|| State::new("")), args.json)
        }
    };
    cx.terminal.data(&text);
    Ok(End::Good)
}

fn of_plan(bytes: &[u8], name: &str, args: &Args, cx: &Context) -> Result<String, Diagnostics> {
    let saved = saved::read(bytes, name)?;
    let format = match (args.json, args.markdown) {
        (true, _) => plan::Format::Json,
        (_, true) => plan::Format::Markdown,
        _ => plan::Format::Text,
    };
    let session = Session::of_saved(cx, &saved)?;
    let extra = json::Extra { partial: saved.partial, ..plan::extra(&session, &Options::default()) };
    Ok(plan::shown(cx, &saved.plan, &Facts::default(), &extra, format))
}

fn of_state(state: &State, as_json: bool) -> String {
    if as_json {
        let outputs = json::outputs(state.outputs.iter().map(|(name, o)| (name.as_str(), &o.value, o.sensitive)));
        let checks = (!state.check_results.is_null()).then(|| state.check_results.clone());
        return json::state(&resources(state), outputs, checks).to_string() + "\n";
    }
    let all: String =
        state.instances.iter().filter(|(_, i)| i.exists()).map(|(address, instance)| told(address, instance) + "\n").collect();
    all + &super::output::listed(state)
}
