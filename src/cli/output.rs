//! `ferroform output`

use super::apply::listed_value;
use super::session::locate;
use super::{Context, End, Ending};
use crate::show::json;
use crate::state::State;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Value};

/// Shows the outputs of a stack, or one of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which output; all of them if none is named.
    name: Option<String>,
    /// As JSON, sensitive values included.
    #[arg(long, conflicts_with = "raw")]
    json: bool,
    /// A text, number or bool as it is, with no quotes and no newline.
    #[arg(long, requires = "name")]
    raw: bool,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let (_, stack, _, store) = locate(cx, None)?;
    let state = store.read()?.state.unwrap_or_else(|| State::new(""));
    let Some(name) = args.name else {
        let all = || json::outputs(state.outputs.iter().map(|(name, o)| (name.as_str(), &o.value, o.sensitive)));
        cx.terminal.data(&if args.json { pretty(&all()) } else { listed(&state) });
        if state.outputs.is_empty() && !args.json {
            cx.terminal.say(&format!("  The state of {} holds no outputs.", stack.name));
        }
        return Ok(End::Good);
    };
    let Some(output) = state.outputs.get(&name) else {
        let missing = Diagnostic::error(format!("the state of {} has no output `{name}`", stack.name));
        let near = nearest(&name, state.outputs.keys().map(String::as_str));
        return Err(match near {
            Some(near) => missing.help(format!("did you mean `{near}`?")),
            None => missing.help("outputs are there once an apply has made them"),
        }
        .into());
    };
    // One that is asked for by name is wanted, sensitive or not: that is Terraform's rule too.
    let value = output.value.bare_deep();
    let text = match (&value, args.raw) {
        _ if args.json => pretty(&value.to_json()),
        (Value::String(s), true) => s.to_string(),
        (Value::Number(_) | Value::Bool(_), true) => value.to_json().to_string(),
        (_, true) => return Err(Diagnostic::error(format!("the output `{name}` is no text, number or bool")).help("use --json").into()),
        _ => listed_value(&value) + "\n",
    };
    cx.terminal.data(&text);
    Ok(End::Good)
}

fn pretty(json: &serde_json::Value) -> String {
    serde_json::to_string_pretty(json).unwrap_or_else(|_| json.to_string()) + "\n"
}

/// All outputs, `name = value` each, sensitive ones hidden.
pub(super) fn listed(state: &State) -> String {
    let one = |(name, output): (&String, &crate::state::Output)| {
        let value = output.value.clone().sensitive_if(output.sensitive);
        format!("{name} = {}\n", listed_value(&value))
    };
    state.outputs.iter().map(one).collect()
}
