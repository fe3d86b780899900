//! `ferroform show`

use std::path::PathBuf;

use serde_json::{Value as Json, json};

use super::session::{Session, locate};
use super::state::{resources, told};
use super::{Context, End, Ending, plan};
use crate::engine::planner::Options;
use crate::engine::saved;
use crate::show::{Facts, json as told_json};
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
    let session = if format == plan::Format::Json { Some(Session::of_saved(cx, &saved, name)?) } else { None };
    // Only Terraform's JSON tells of the stack as well.
    let extra = || {
        session.as_ref().map_or_else(told_json::Extra::default, |session| told_json::Extra {
            partial: saved.partial,
            ..plan::extra(session, &Options::default())
        })
    };
    let facts = Facts { workspace: saved.workspace.clone(), ..Facts::default() };
    Ok(plan::shown(cx, &saved.plan, &facts, extra, format))
}

fn of_state(state: &State, as_json: bool) -> String {
    if as_json {
        let outputs = told_json::outputs(state.outputs.iter().map(|(name, o)| (name.as_str(), &o.value, o.sensitive)));
        return told_json::state(&resources(state), outputs, checks(&state.check_results)).to_string() + "\n";
    }
    let all: String =
        state.instances.iter().filter(|(_, i)| i.exists()).map(|(address, instance)| told(address, instance) + "\n").collect();
    all + &super::output::listed(state)
}

/// Results of checks, from the form that a state has to that of its JSON.
fn checks(results: &Json) -> Option<Json> {
    let one = |check: &Json| {
        let name = check["config_addr"].as_str().unwrap_or_default();
        let instances: Vec<Json> = check["objects"].as_array().into_iter().flatten().map(instance).collect();
        let kind = check["object_kind"].as_str().unwrap_or("check");
        let mut address = json!({ "kind": kind, "to_display": name });
        if let Some(name) = name.strip_prefix("check.") {
            address["name"] = name.into();
        }
        json!({ "address": address, "status": check["status"], "instances": instances })
    };
    results.as_array().filter(|all| !all.is_empty()).map(|all| all.iter().map(one).collect())
}

fn instance(object: &Json) -> Json {
    let mut told = json!({ "address": { "to_display": object["object_addr"] }, "status": object["status"] });
    let messages = object["failure_messages"].as_array().filter(|m| !m.is_empty());
    if let Some(messages) = messages {
        told["problems"] = messages.iter().map(|message| json!({ "message": message })).collect();
    }
    told
}
