//! `ferroform drift --accept`: what someone else did becomes what the stack wants.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::edit::{self, Edited};
use super::{LookArgs, Seen};
use crate::cli::apply::{How, carry_out};
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::{Context, End, Ending};
use crate::engine::plan::Purpose;
use crate::engine::planner::Options;
use crate::words::drift::{Finding, What};
use crate::words::{Address, Diagnostic, Diagnostics, Result};

/// Why a rule says to leave something alone, where the user says nothing.
const REASON: &str = "accepted with `ferroform drift --accept`";

/// Writes what there is of those resources into the stack, and takes it into the state.
pub(super) async fn run(cx: &Context, seen: Seen, addresses: &[Address], reason: Option<&str>, how: &LookArgs) -> Ending {
    let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
    let mut said = vec![];
    for address in addresses {
        let finding = found(&seen, address)?;
        for (path, edited) in edit::accept(&seen, address, finding, reason.unwrap_or(REASON), &mut files)? {
            said.push(match edited {
                Edited::Written(file) => format!("  {path} of {address} is in {file} as it is now."),
                Edited::Rule(file) => {
                    format!("  {path} of {address} can't be written where it stands: {file} has a rule to leave it alone.")
                }
                Edited::Silent => format!("  {path} of {address}: the stack is silent about it, and the state has it as it is now."),
            });
        }
    }
    let before: Vec<(PathBuf, Option<String>)> = files.keys().map(|path| (path.clone(), std::fs::read_to_string(path).ok())).collect();
    files.iter().try_for_each(|(path, text)| write(path, text))?;
    // What was written has to be a stack: else all is put back.
    let session = match Session::open(cx, Some(&seen.session.path)) {
        Ok(session) => session,
        Err(errors) => {
            before.iter().try_for_each(|(path, text)| match text {
                Some(text) => write(path, text),
                None => std::fs::remove_file(path).map_err(|e| unwritable(path, &e)),
            })?;
            return Err(errors);
        }
    };
    said.iter().for_each(|line| cx.terminal.say(line));
    let targets = addresses.iter().cloned().map(Into::into).collect();
    let options = Options { purpose: Purpose::Refresh, targets, parallelism: how.parallelism.into(), ..Options::default() };
    let progress = Progress::of(&cx.terminal, false);
    let held = session.hold(cx, "drift", std::time::Duration::ZERO, &progress).await?;
    let planned = session.plan(&held.state, &options, &progress).await;
    progress.end();
    let (mut plan, _) = planned?;
    plan.changes.retain(|change| addresses.contains(&change.address));
    plan.outputs.clear();
    let ended = carry_out(cx, &session, held, &plan, &options, &How::mending(true)).await?;
    Ok(if ended == End::Good { End::Good } else { End::Failed })
}

fn found<'s>(seen: &'s Seen, address: &Address) -> Result<&'s Finding> {
    let text = address.to_string();
    let Some(finding) = seen.report.findings.iter().find(|finding| finding.address == text) else {
        let error = Diagnostic::error(format!("there is nothing to accept: {address} has not drifted"));
        let names: Vec<&str> = seen.report.findings.iter().map(|finding| finding.address.as_str()).collect();
        return Err(if names.is_empty() { error } else { error.help(format!("what has: {}", names.join(", "))) }.into());
    };
    let another = finding.attributes.iter().any(|difference| difference.path == "id");
    match finding.what {
        What::Deleted => {
            let error = Diagnostic::error(format!("{address} is gone, which no value can say"));
            Err(error.help("take its block out of the stack; or make it anew: `ferroform drift --fix`").into())
        }
        What::Replaced if another => {
            let id = finding.attributes.iter().find(|d| d.path == "id").and_then(|d| d.new.as_str()).unwrap_or_default();
            let error = Diagnostic::error(format!("another stands in the place of {address}, which is a thing of its own"));
            let help = format!("take it over: ferroform state rm '{address}', and then ferroform import '{address}' '{id}'");
            Err(error.help(help).into())
        }
        _ => Ok(finding),
    }
}

fn write(path: &std::path::Path, text: &str) -> Result<(), Diagnostics> {
    std::fs::write(path, text).map_err(|e| unwritable(path, &e))
}

fn unwritable(path: &std::path::Path, why: &std::io::Error) -> Diagnostics {
    Diagnostic::error(format!("can't write `{}`: {why}", path.display())).into()
}
