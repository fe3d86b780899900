//! `ferroform apply` and `ferroform destroy`

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::ValueEnum;

use super::args::{Pick, PlanArgs};
use super::plan::{self, lines, now};
use super::progress::Progress;
use super::session::{Held, Session};
use super::{Context, End, Ending};
use crate::engine::apply::{Applied, Stop, failures};
use crate::engine::plan::{Change, Plan, Purpose};
use crate::engine::planner::Options;
use crate::engine::saved;
use crate::show::line::count;
use crate::show::{Facts, Role, event_json, json, text};
use crate::state::{Instance, State};
use crate::words::{Address, Diagnostic, Diagnostics};

/// Makes the world like the stack, after showing what that means and asking.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory, a `.toml` file, a name in `stacks/`, or a plan that `ferroform plan --out` kept; this folder if none is named.
    #[arg(value_name = "STACK or PLAN")]
    at: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    how: How,
}

/// Destroys everything that the state holds, after showing what that is and asking.
#[derive(Debug, clap::Args)]
pub(crate) struct DestroyArgs {
    /// A directory, a `.toml` file, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
    #[command(flatten)]
    how: How,
}

/// How it is done.
#[derive(Debug, clap::Args)]
pub(crate) struct How {
    /// Don't ask.
    #[arg(long)]
    auto_approve: bool,
    /// How to tell what happens.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as `--format json`.
    #[arg(long)]
    json: bool,
}

/// How an apply is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// Terraform's machine-readable events, a line each.
    Json,
}

impl How {
    /// Without a question.
    pub fn approved() -> Self {
        Self::mending(true)
    }

    /// In text, and with a question or not.
    pub fn mending(auto_approve: bool) -> Self {
        Self { auto_approve, format: Format::Text, json: false }
    }

    fn json(&self) -> bool {
        self.json || self.format == Format::Json
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Ending {
    let bytes = args.at.as_deref().filter(|path| path.is_file()).and_then(|path| std::fs::read(path).ok());
    if let Some(bytes) = bytes.filter(|bytes| saved::is_saved(bytes)) {
        let name = args.at.as_deref().map_or_else(String::new, |path| path.display().to_string());
        return of_saved(&bytes, &name, &args, cx).await;
    }
    let options = args.plan.options();
    fresh(args.at.as_deref(), &args.plan, options, &args.how, cx).await
}

pub(super) async fn destroy(args: DestroyArgs, cx: &Context) -> Ending {
    let options = Options { purpose: Purpose::Destroy, ..args.plan.options() };
    fresh(args.at.as_deref(), &args.plan, options, &args.how, cx).await
}

/// Plans under the lock, shows, asks, and does it.
pub(super) async fn fresh(at: Option<&Path>, args: &PlanArgs, options: Options, how: &How, cx: &Context) -> Ending {
    let session = Session::open(cx, at)?;
    let progress = Progress::of(&cx.terminal, how.json());
    if how.json() {
        cx.terminal.data(&format!("{}\n", event_json::version(&now())));
    }
    let operation = if options.purpose == Purpose::Destroy { "destroy" } else { "apply" };
    let held = session.hold(cx, operation, args.lock_timeout, &progress).await?;
    let planned = session.plan(&held.state, &options, &progress).await;
    progress.end();
    let (plan, facts) = planned?;
    cx.terminal.data(&shown(cx, &plan, &facts, how));
    if plan.is_empty() && !takes_in(&plan, &held.state) {
        cx.stats(&session.settings.calls);
        return Ok(End::Good);
    }
    let question = match plan.purpose {
        _ if plan.is_empty() => None,
        Purpose::Destroy => Some(format!("Destroy {} of {}? There is no way back.", count(plan.counts().delete, "resource"), plan.stack)),
        Purpose::Refresh => Some(format!("Take what was found into the state of {}?", plan.stack)),
        Purpose::Apply => Some(format!("Do this to {}?", plan.stack)),
    };
    if let Some(question) = question.filter(|_| !how.auto_approve)
        && !cx.terminal.agree(&question, !args.no_input && !how.json())?
    {
        cx.terminal.say("  Nothing was done.");
        return Ok(End::Failed);
    }
    carry_out(cx, &session, held, &plan, &options, how).await
}

/// Whether an apply of nothing would still bring the state up to date.
fn takes_in(plan: &Plan, state: &State) -> bool {
    // The state on disk knows dependencies by block alone.
    let blocks = |needs: &[Address]| needs.iter().map(Address::block).collect::<BTreeSet<_>>();
    let moved = |c: &Change, held: &Instance| blocks(&held.dependencies) != blocks(&c.dependencies);
    plan.lineage == state.lineage && plan.changes.iter().any(|c| state.instances.get(&c.address).is_some_and(|held| moved(c, held)))
}

fn shown(cx: &Context, plan: &Plan, facts: &Facts, how: &How) -> String {
    if how.json() {
        return lines(event_json::plan(plan, &now()).into_iter());
    }
    plan::shown(cx, plan, facts, json::Extra::default, plan::Format::Text)
}

/// Does what a kept plan says, if the state is still the one that it was made from.
async fn of_saved(bytes: &[u8], name: &str, args: &Args, cx: &Context) -> Ending {
    let saved = saved::read(bytes, name)?;
    let picked: Vec<Pick> = cx.picked.0.iter().map(Pick::anywhere).collect();
    let mut session = Session::of_saved(cx, &saved, name)?;
    session.supply(&picked, &saved, name)?;
    let options = Options { purpose: saved.plan.purpose, parallelism: args.plan.parallelism.into(), ..Options::default() };
    let progress = Progress::of(&cx.terminal, args.how.json());
    if args.how.json() {
        cx.terminal.data(&format!("{}\n", event_json::version(&now())));
    }
    let held = session.hold(cx, "apply", args.plan.lock_timeout, &progress).await?;
    saved::check_fresh(&saved.plan, &held.state, name)?;
    let plan = session.unsealed(&saved, &held.state, &options, name).await?;
    cx.terminal.data(&shown(cx, &plan, &Facts::default(), &args.how));
    carry_out(cx, &session, held, &plan, &options, &args.how).await
}

/// Does what the plan says and tells how it went.
pub(super) async fn carry_out(cx: &Context, session: &Session, held: Held, plan: &Plan, options: &Options, how: &How) -> Ending {
    let progress = Progress::of(&cx.terminal, how.json());
    let stop = Stop::default();
    let watch = tokio::spawn(interrupts(stop.clone(), Arc::new(AtomicUsize::new(0))));
    let ended = session.apply(&held, plan, options, &progress, &stop).await;
    watch.abort();
    progress.end();
    let (applied, state) = ended?;
    let (stack, serial) = (&plan.stack, state.serial);
    tell(cx, stack, plan, &applied, serial, how);
    if how.json() {
        let outputs = state.outputs.iter().map(|(name, o)| (name.as_str(), &o.value, o.sensitive));
        cx.terminal.data(&format!("{}\n", event_json::outputs(outputs, &now())));
    } else if plan.purpose != Purpose::Destroy {
        cx.terminal.data(&super::output::listed(&state));
    }
    if !how.json() {
        cx.throttled(&session.settings.calls);
    }
    cx.stats(&session.settings.calls);
    let good = applied.failed.is_empty() && applied.skipped.is_empty() && !applied.interrupted && applied.unrecorded.is_none();
    Ok(if good { End::Good } else { End::Failed })
}

/// The first interruption lets what runs end; the second stops everything; whoever presses on leaves at once.
async fn interrupts(stop: Stop, count: Arc<AtomicUsize>) {
    while tokio::signal::ctrl_c().await.is_ok() {
        match count.fetch_add(1, Ordering::Relaxed) {
            0 => stop.soon.cancel(),
            1 => stop.now.cancel(),
            _ => std::process::exit(130),
        }
    }
}

fn tell(cx: &Context, stack: &str, plan: &Plan, applied: &Applied, serial: u64, how: &How) {
    let Applied { created, updated, deleted, failed, skipped, interrupted, checks, .. } = applied;
    if how.json() {
        let operation = if plan.purpose == Purpose::Destroy { "destroy" } else { "apply" };
        let errors = failed.iter().map(|(address, error)| event_json::diagnostic(error, Some(address), &now()));
        let errors = errors.chain(applied.unrecorded.iter().map(|error| event_json::diagnostic(error, None, &now())));
        cx.terminal.data(&lines(errors.chain([event_json::totals(*created, *updated, *deleted, plan.counts().import, operation, &now())])));
        return;
    }
    let look = cx.terminal.err;
    let errors = failures(applied);
    if !errors.0.is_empty() {
        cx.terminal.say("");
        cx.terminal.tell(&errors);
    }
    let failed_checks = checks.iter().filter(|c| c.warns());
    let warnings = failed_checks.map(|c| Diagnostic::warning(format!("{} fails: {}", c.object, c.messages.join("; ")))).collect();
    if checks.iter().any(|c| c.warns()) {
        cx.terminal.tell(&Diagnostics(warnings));
    }
    let done = format!("{created} created, {updated} changed, {deleted} destroyed");
    let (role, mark, more) = match (failed.len(), skipped.len(), interrupted) {
        (0, 0, false) if applied.unrecorded.is_some() => (Role::Danger, "✘", String::new()),
        (0, 0, false) => (Role::New, "✔", String::new()),
        (0, left, true) => (Role::Changed, "!", format!(" · interrupted: {left} left out")),
        (n, left, _) => (Role::Danger, "✘", format!(" · {n} failed, {left} left out")),
    };
    cx.terminal.say(&format!("\n  {} {stack}: {done}{more} · state serial {serial}", look.paint(role, mark)));
    match (&applied.unrecorded, role) {
        (Some(_), _) => cx.terminal.say("  Not all that was done is in the state file: what to do is said above."),
        (None, Role::New) => {}
        (None, _) => cx.terminal.say("  What was done is in the state. To go on, run the same command again."),
    }
}

/// The value of an output as it is listed.
pub(super) fn listed_value(value: &crate::words::Value) -> String {
    text::value(value, 0)
}
