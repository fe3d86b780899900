//! `ferroform drift`

mod accept;
mod adopt;
mod edit;
mod stacks;
mod unmanaged;

use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::ValueEnum;
use jiff::Timestamp;

use super::apply::{self, How};
use super::args::{PlanArgs, VarArgs};
use super::progress::Progress;
use super::session::Session;
use super::watch::{self, HistoryArgs, WatchArgs};
use super::{Context, End, Ending};
use crate::engine::drift::{Look, look as read, who};
use crate::engine::planner::Options;
use crate::engine::unmanaged::{Before, Stray};
use crate::registry::REGISTRY;
use crate::show::drift::{About, Looked, json, junit, markdown, report, sarif};
use crate::show::text::drift as text;
use crate::state::State;
use crate::watch::history;
use crate::words::drift::{Report, Severity};
use crate::words::failure::Cause;
use crate::words::{Address, Diagnostic, Diagnostics, Result, Selection};
use unmanaged::{UnmanagedArgs, unmanaged};

/// Tells what someone else changed: what the state holds, compared with what there is. Changes nothing.
///
/// Ends with 0 if all is in order, 2 if something is not, and 1 if a stack could not be looked at.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Stacks: directories, `.toml` files, or names in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Vec<PathBuf>,
    /// Every stack under the folders that are named, or under `stacks/`.
    #[arg(long)]
    all: bool,
    #[command(flatten)]
    vars: VarArgs,
    #[command(flatten)]
    how: LookArgs,
    /// How to tell it.
    #[arg(long, value_enum, default_value_t, conflicts_with = "watch")]
    format: Format,
    /// End with 2 only for findings that are at least that bad.
    #[arg(long, value_enum, value_name = "SEVERITY", default_value_t = Severity::Low)]
    fail_on: Severity,
    /// Make what drifted what it was again: shows a plan of that alone, and asks.
    #[arg(long, conflicts_with_all = ["accept", "watch"])]
    fix: bool,
    /// Take over what there is of this resource, into the stack's TOML, or as a rule to leave it alone.
    #[arg(long, value_name = "ADDRESS", conflicts_with = "watch")]
    accept: Vec<Address>,
    /// Why it is left alone, for the rule that `--accept` writes where a value can't be written.
    #[arg(long, requires = "accept", value_name = "TEXT")]
    reason: Option<String>,
    /// Write `import` blocks and the configuration of what nobody manages into the stack: of these addresses, ids or types, or `all`.
    #[arg(long, value_name = "ADDRESS|ID|TYPE|all", value_delimiter = ',', conflicts_with_all = ["fix", "accept", "watch"])]
    adopt: Vec<String>,
    /// Don't ask before something is mended.
    #[arg(long)]
    auto_approve: bool,
    /// Never ask anything.
    #[arg(long)]
    no_input: bool,
    /// How long to wait for another run's lock, where something is mended: `30s`, `5m`.
    #[arg(long, default_value = "0s", value_parser = super::args::duration, value_name = "TIME")]
    lock_timeout: std::time::Duration,
    #[command(flatten)]
    pub watch: WatchArgs,
}

/// What there is to do besides looking.
#[derive(Debug, clap::Subcommand)]
enum Command {
    History(HistoryArgs),
}

/// How a look is made.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct LookArgs {
    #[command(flatten)]
    pub unmanaged: UnmanagedArgs,
    /// Ask CloudTrail who did it: about the worst findings, all of them, or none. Without the permission nobody is named.
    #[arg(long, value_enum, default_value_t, value_name = "WHEN")]
    pub who: Who,
    /// How many calls may be in flight at once.
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub parallelism: u16,
}

/// Whether the cloud's log is asked who did it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Who {
    /// About the worst twenty: CloudTrail answers two questions a second.
    #[default]
    Auto,
    /// About all.
    Always,
    /// Not at all.
    Never,
}

impl Who {
    const fn most(self) -> usize {
        match self {
            Self::Auto => 20,
            Self::Always => usize::MAX,
            Self::Never => 0,
        }
    }
}

/// How drift is told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For issues and summaries.
    Markdown,
    /// SARIF 2.1.0, which code hosts show beside the lines of the stack.
    Sarif,
    /// `JUnit`, which CI systems show.
    Junit,
}

/// A stack that was looked at, and all that is needed to do something about it.
struct Seen {
    session: Session,
    look: Look,
    report: Report,
    state: State,
    strays: Vec<Stray>,
}

/// Looks at stacks one after the other. One that can't be looked at stops no other. Prints nothing but progress, writes nothing, and holds
/// no lock.
pub(crate) async fn look(cx: &Context, stacks: &[Option<PathBuf>], how: &LookArgs) -> Vec<Looked> {
    let (mut all, mut before) = (vec![], Before::new());
    for at in stacks {
        all.push((name(at.as_deref()), see(cx, at.as_deref(), how, &mut before).await.map(|seen| seen.report)));
    }
    all
}

/// A stack as the user names it.
fn name(at: Option<&Path>) -> String {
    at.map_or_else(|| ".".into(), |at| at.display().to_string())
}

async fn see(cx: &Context, at: Option<&Path>, how: &LookArgs, before: &mut Before) -> Result<Seen> {
    let (started, begun) = (Timestamp::now(), Instant::now());
    let session = Session::open(cx, at)?;
    let progress = Progress::of(&cx.terminal, false);
    let options = Options { parallelism: how.parallelism.into(), ..Options::default() };
    let looked = async {
        let state = session.known(&progress).await?;
        let request = session.request(&state, &options);
        let look = read(&request, &progress).await?;
        let unmanaged = if how.unmanaged.asked() {
            Some(unmanaged(&session, &request, &look.read.clouds, &how.unmanaged, before).await?)
        } else {
            None
        };
        Ok::<_, Diagnostics>((state, look, unmanaged))
    };
    let looked = looked.await;
    progress.end();
    let (state, look, unmanaged) = looked?;
    let mut report = report(
        &look,
        About {
            stack: &session.stack,
            registry: &REGISTRY,
            name: at.map_or_else(|| session.stack.name.to_string(), |at| at.display().to_string()),
            workspace: session.workspace.clone(),
            started,
            seconds: begun.elapsed().as_secs_f64(),
            calls: session.settings.calls.total(),
            written: written(session.store.path()),
            today: started.to_zoned(jiff::tz::TimeZone::UTC).date(),
            unmanaged: unmanaged.as_ref(),
        },
    );
    if let Some(failure) = who(&look, &state, &mut report.findings, how.who.most()).await {
        let why =
            if failure.cause == Cause::Denied { "the permission cloudtrail:LookupEvents is missing".into() } else { failure.to_string() };
        report.notes.push(format!("nobody can tell who did it: {why}"));
    }
    report.seconds = begun.elapsed().as_secs_f64();
    report.calls = session.settings.calls.total();
    let mut strays = unmanaged.map(|seen| seen.strays).unwrap_or_default();
    strays.retain(|stray| report.unmanaged.iter().any(|unmanaged| unmanaged.findings.contains(&stray.finding)));
    Ok(Seen { session, look, report, state, strays })
}

/// When a state was last written.
fn written(path: &Path) -> Option<Timestamp> {
    let written = std::fs::metadata(path).and_then(|meta| meta.modified()).ok()?;
    let since = written.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()
}

/// The stacks that are meant, as they are now.
fn meant(args: &Args, cx: &Context) -> Result<Vec<Option<PathBuf>>> {
    Ok(match (args.all, args.at.is_empty()) {
        (true, _) => stacks::under(&args.at)?.into_iter().map(Some).collect(),
        (_, true) => vec![cx.globals.stack.clone()],
        _ => args.at.iter().cloned().map(Some).collect(),
    })
}

/// Looks at them again and again; stacks may come and go meanwhile.
async fn watched(args: &Args, cx: &Context, first: &[Option<PathBuf>]) -> Ending {
    let workspace = cx.globals.workspace.clone().unwrap_or_else(|| "default".into());
    let looks = async || {
        let stacks = meant(args, cx).unwrap_or_else(|_| first.to_vec());
        let looks = look(cx, &stacks, &args.how).await.into_iter();
        let known = |(name, report): Looked| {
            let stack = report.as_ref().map_or(name, |report| report.stack.clone());
            history::Looked { stack, workspace: workspace.clone(), report }
        };
        looks.map(known).collect()
    };
    watch::run(&args.watch, cx, first.first().and_then(Option::as_deref), args.fail_on, looks).await
}

pub(super) async fn run(mut args: Args, cx: &Context) -> Ending {
    if let Some(Command::History(args)) = args.command {
        return watch::history(args, cx).await;
    }
    let stacks = meant(&args, cx)?;
    if args.watch.watch {
        return watched(&args, cx, &stacks).await;
    }
    if !args.accept.is_empty() {
        let [at] = stacks.as_slice() else {
            return Err(Diagnostic::error("`--accept` takes an address of one stack").help("name one stack").into());
        };
        return accept::run(
            cx,
            see(cx, at.as_deref(), &args.how, &mut Before::new()).await?,
            &args.accept,
            args.reason.as_deref(),
            &args.how,
        )
        .await;
    }
    if !args.adopt.is_empty() {
        args.how.unmanaged.unmanaged = true;
        if stacks.len() != 1 {
            return Err(Diagnostic::error("`--adopt` writes into one stack").help("name one stack").into());
        }
    }
    let mut ends = vec![];
    let mut all: Vec<Looked> = vec![];
    let mut before = Before::new();
    for at in &stacks {
        let looked = see(cx, at.as_deref(), &args.how, &mut before).await;
        let shown = (name(at.as_deref()), looked.as_ref().map(|seen| seen.report.clone()).map_err(Clone::clone));
        match &shown.1 {
            Ok(report) if args.format == Format::Text => {
                cx.terminal.data(&format!("{}\n", text::report(report, cx.terminal.out, Timestamp::now())))
            }
            Err(errors) => {
                if stacks.len() > 1 {
                    cx.terminal.say(&format!("  {}", shown.0));
                }
                cx.terminal.tell(errors);
            }
            Ok(_) => {}
        }
        let end = match looked {
            Ok(seen) if args.fix => fix(cx, seen, at.as_deref(), &args).await,
            Ok(seen) if !args.adopt.is_empty() => adopt::run(cx, seen, &args.adopt, args.how.parallelism.into()).await,
            Ok(seen) => {
                cx.stats(&seen.session.settings.calls);
                Ok(if seen.report.worst() >= Some(args.fail_on) { End::Changes } else { End::Good })
            }
            Err(_) => Ok(End::Failed),
        };
        ends.push(end.unwrap_or_else(|errors| {
            cx.terminal.tell(&errors);
            End::Failed
        }));
        all.push(shown);
    }
    match args.format {
        Format::Text => {}
        Format::Json => cx.terminal.data(&json(&all)),
        Format::Markdown => cx.terminal.data(&markdown(&all, Timestamp::now())),
        Format::Sarif => cx.terminal.data(&sarif(&all)),
        Format::Junit => cx.terminal.data(&junit(&all)),
    }
    let worst = |end: End| ends.contains(&end).then_some(end);
    Ok(worst(End::Failed).or_else(|| worst(End::Changes)).unwrap_or(End::Good))
}

/// Plans what drifted, and no more, to be what it was; shows that, asks, and does it.
async fn fix(cx: &Context, seen: Seen, at: Option<&Path>, args: &Args) -> Ending {
    let targets: Vec<Selection> = seen.report.findings.iter().filter_map(|f| f.address.parse().ok()).collect();
    if targets.is_empty() {
        return Ok(End::Good);
    }
    // The lock is taken and all is read again: what is mended is what there is then.
    drop(seen);
    let options = Options { targets, mend: true, parallelism: args.how.parallelism.into(), ..Options::default() };
    let plan = PlanArgs { no_input: args.no_input, lock_timeout: args.lock_timeout, ..PlanArgs::default() };
    apply::fresh(at, &plan, options, &How::mending(args.auto_approve), cx).await
}
