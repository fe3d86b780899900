//! `ferroform import`

use std::time::Duration;

use super::apply::{How, carry_out};
use super::args::VarArgs;
use super::progress::Progress;
use super::session::Session;
use super::{Context, End, Ending};
use crate::engine::plan::{Action, Plan};
use crate::engine::planner::Options;
use crate::words::{Address, Diagnostic, Value};

/// Takes something that exists into the state, under the address of a block of the stack. Changes nothing in the cloud.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The address that it gets: `aws_instance.web`. The stack must have that block.
    address: Address,
    /// Its id, as the type's page in the reference has it.
    id: String,
    #[command(flatten)]
    vars: VarArgs,
}

pub(super) async fn run(args: Args, cx: &Context) -> Ending {
    let session = Session::open(cx, None)?;
    if session.stack.block(&args.address).is_none() {
        let error = Diagnostic::error(format!("the stack has no block for {}", args.address));
        return Err(error.help(format!("write `[resource.{}.{}]` first", args.address.kind, args.address.name)).into());
    }
    let progress = Progress::of(&cx.terminal, false);
    let held = session.hold(cx, "import", Duration::ZERO, &progress).await?;
    if held.state.instances.get(&args.address).is_some_and(crate::state::Instance::exists) {
        let error = Diagnostic::error(format!("the state holds {} already", args.address));
        return Err(error.help(format!("to import another in its place: ferroform state rm '{}'", args.address)).into());
    }
    let options = Options {
        targets: vec![args.address.clone().into()],
        imports: vec![(args.address.clone(), args.id.clone())],
        ..Options::default()
    };
    let planned = session.plan(&held.state, &options, &progress).await;
    progress.end();
    let (plan, _) = planned?;
    let plan = only(plan, &args.address)?;
    let end = carry_out(cx, &session, held, &plan, &options, &How::approved()).await?;
    if end == End::Good {
        cx.terminal.say(&format!("  {} is {} now. `ferroform plan` says where it differs from the stack.", args.id, args.address));
    }
    Ok(end)
}

/// The import alone: whatever else the plan would do to it, or to others, is left to the next apply.
fn only(plan: Plan, address: &Address) -> Result<Plan, Diagnostic> {
    let mut changes: Vec<_> =
        plan.changes.into_iter().filter(|c| c.address == *address && c.importing.is_some() && c.deposed.is_none()).collect();
    for change in &mut changes {
        change.action = Action::Nothing;
        change.after = change.before.clone();
        change.changed.clear();
        change.replace.clear();
        change.reason = None;
    }
    match changes.first() {
        Some(change) if !matches!(change.before, Value::Null) => Ok(Plan { changes, outputs: [].into(), drift: vec![], ..plan }),
        _ => Err(Diagnostic::error(format!("nothing was found to import as {address}"))),
    }
}
