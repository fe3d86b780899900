//! `ferroform plan`

use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::args::PlanArgs;
use super::generated::Out;
use super::place::relative;
use super::progress::Progress;
use super::session::Session;
use super::{Context, End, Ending};
use crate::engine::plan::Plan;
use crate::engine::planner::Options;
use crate::engine::saved::{self, Saved};
use crate::registry::REGISTRY;
use crate::show::digest::Digest;
use crate::show::{Facts, event_json, json, markdown, text};
use crate::words::Diagnostics;

/// Shows what would be done, and does nothing.
///
/// Reads what there is, compares it with the stack, and shows the difference: what is dangerous first, what stays the same not at all.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory, a `.toml` file, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Option<PathBuf>,
    #[command(flatten)]
    plan: PlanArgs,
    /// Keep the plan in this file, for `ferroform apply FILE`. It holds no secrets: sensitive variables are given again to that.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Write the blocks that `import` blocks lack into this new file, of what there is: TOML, or HCL if its name ends in `.tf`.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["destroy", "refresh_only"])]
    generate_config_out: Option<PathBuf>,
    /// End with 0 if there is nothing to do, 1 on errors, and 2 if there is something to do.
    #[arg(long)]
    detailed_exitcode: bool,
    /// How to show it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as `--format events`: Terraform's machine-readable lines.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Text,
    /// Terraform's plan JSON, as `terraform show -json` gives it.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Terraform's machine-readable lines.
    Events,
    /// What people read of it, as JSON: from it the bot writes its comment.
    Digest,
}

/// The plan in that format.
pub(crate) fn shown(cx: &Context, plan: &Plan, facts: &Facts, extra: impl FnOnce() -> json::Extra, format: Format) -> String {
    match format {
        Format::Text => text::plan(plan, &REGISTRY, facts, cx.terminal.out),
        Format::Json => json::plan(plan, &REGISTRY, &extra()).to_string() + "\n",
        Format::Markdown => markdown::plan(plan, &REGISTRY, facts, markdown::LIMIT),
        Format::Digest => serde_json::to_string(&Digest::of(plan, &REGISTRY, facts)).unwrap_or_default() + "\n",
        Format::Events => lines(std::iter::once(event_json::version(&now())).chain(event_json::plan(plan, &now()))),
    }
}

/// JSON, a line each.
pub(crate) fn lines(all: impl Iterator<Item = serde_json::Value>) -> String {
    all.map(|line| format!("{line}\n")).collect()
}

/// The time, RFC 3339.
pub(crate) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// What the plan's JSON says besides the plan.
pub(crate) fn extra(session: &Session, options: &Options) -> json::Extra {
    let seconds = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap_or_default();
    json::Extra {
        configuration: super::configuration::configuration(&session.stack.module),
        timestamp: seconds.to_string(),
        partial: !options.targets.is_empty() || !options.excludes.is_empty(),
        errored: false,
    }
}

pub(super) async fn run(args: Args, cx: &Context) -> Ending {
    let mut session = Session::open(cx, args.at.as_deref())?;
    let out = args.generate_config_out.map(|path| Out::of(path, &session)).transpose()?;
    let options = Options { generate: out.is_some(), ..args.plan.options() };
    let progress = Progress::of(&cx.terminal, false);
    let mut planned = preview(&session, &options, &progress).await;
    if let (Some(out), Ok((plan, _))) = (&out, &planned)
        && !plan.generated.is_empty()
    {
        let text = out.write(plan)?;
        session.add(&out.name, &text)?;
        planned = preview(&session, &options, &progress).await;
        let wrote = format!("  Written to {}: the blocks of what is imported. Look through them, and keep them.", out.path.display());
        cx.terminal.say(&wrote);
    }
    progress.end();
    let (plan, facts) = planned?;
    let format = if args.json { Format::Events } else { args.format };
    cx.terminal.data(&shown(cx, &plan, &facts, || extra(&session, &options), format));
    if let Some(path) = &args.out {
        keep(path, &session, &plan, &options)?;
        if format == Format::Text {
            cx.terminal.say(&format!("\n  Kept in {}. To do exactly this: ferroform apply {}", path.display(), path.display()));
        }
    }
    cx.stats(&session.settings.calls);
    Ok(if args.detailed_exitcode && !plan.is_empty() { End::Changes } else { End::Good })
}

async fn preview(session: &Session, options: &Options, progress: &Progress<'_>) -> Result<(Plan, Facts), Diagnostics> {
    let state = session.known(progress).await?;
    session.plan(&state, options, progress).await
}

fn keep(path: &Path, session: &Session, plan: &Plan, options: &Options) -> Result<(), Diagnostics> {
    let saved = Saved {
        plan: plan.clone(),
        stack: session.path.clone(),
        // On another machine the project may lie elsewhere, and the state with it.
        state: match session.state_dir {
            Some(_) => session.store.path().to_path_buf(),
            None => relative(session.store.path(), &session.files.paths().here),
        },
        paths: session.files.paths().clone(),
        workspace: session.workspace.clone(),
        files: session.files.recorded(),
        secrets: session.files.secrets(),
        partial: !options.targets.is_empty() || !options.excludes.is_empty(),
        sandbox: session.settings.sandbox.is_some(),
        ..Saved::default()
    };
    saved::write(path, &saved, &REGISTRY)
}
