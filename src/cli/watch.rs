//! `ferroform drift --watch` and `ferroform drift history`

use std::path::PathBuf;
use std::sync::Arc;

use clap::ValueEnum;
use jiff::{Timestamp, Zoned};
use tokio_util::sync::CancellationToken;

use super::{Context, End, Ending, place, sandbox};
use crate::watch::history::{History, Looked};
use crate::watch::listing::{self, Moment};
use crate::watch::metrics::{self, Metrics};
use crate::watch::notify::{self, Cloud, Means, Target};
use crate::watch::schedule::Schedule;
use crate::watch::service::Watch;
use crate::words::drift::Severity;
use crate::words::error::nearest;
use crate::words::resource::Settings;
use crate::words::{Diagnostic, Result, Source};

/// How often a watch looks whose user says nothing.
const EVERY: &str = "15m";

/// Looking again and again.
#[derive(Debug, clap::Args)]
pub(crate) struct WatchArgs {
    /// Look again and again, keep a history, and tell whom `ferroform.toml` names.
    #[arg(long)]
    pub watch: bool,
    /// How often: `15m`, `4h`. [default: 15m]
    #[arg(long, requires = "watch", conflicts_with = "cron", value_name = "TIME")]
    every: Option<String>,
    /// At these times: `0 */4 * * *`.
    #[arg(long, requires = "watch", value_name = "EXPRESSION")]
    cron: Option<String>,
    /// The time zone of `--cron`: `Europe/Berlin`. [default: this machine's]
    #[arg(long, requires = "cron", value_name = "ZONE")]
    timezone: Option<String>,
    /// Look once, keep it in the history, tell, and end: for schedules of others, such as a systemd timer.
    #[arg(long, requires = "watch", conflicts_with_all = ["every", "cron", "listen"])]
    once: bool,
    /// The history's file. [default: state/drift.sqlite of the project]
    #[arg(long, requires = "watch", value_name = "FILE")]
    history: Option<PathBuf>,
    /// Who is told. [default: ferroform.toml of the project, where there is one]
    #[arg(long, requires = "watch", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Serve /healthz and /metrics there: `127.0.0.1:9182`.
    #[arg(long, requires = "watch", value_name = "ADDRESS")]
    listen: Option<String>,
    /// Tell all findings after each run, not only the new ones.
    #[arg(long, requires = "watch")]
    all_findings: bool,
    /// How to write the log.
    #[arg(long, requires = "watch", value_enum, value_name = "FORMAT", default_value_t)]
    log: Log,
}

/// How a service writes its log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Log {
    /// Lines for people.
    #[default]
    Text,
    /// A JSON object a line.
    Json,
}

impl WatchArgs {
    /// The log of the service; none where there is no service.
    pub fn log(&self) -> Option<Log> {
        self.watch.then_some(self.log)
    }
}

/// Lists what a watch found: the runs, and the findings with when they came and went.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// The history's file. [default: state/drift.sqlite of the project]
    #[arg(long, value_name = "FILE")]
    history: Option<PathBuf>,
    /// Since then: `7d`, `12h`, or a day such as `2026-11-01`.
    #[arg(long, value_name = "TIME", default_value = "30d")]
    since: String,
    /// How to show it.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// How the history is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
    /// For issues and pages.
    Markdown,
}

/// Where the history is.
fn kept(given: Option<&PathBuf>, cx: &Context, project: &place::Place) -> PathBuf {
    let states = || project.clone().with_states(cx.globals.state_dir.as_deref()).kept(cx.globals.sandbox);
    given.cloned().unwrap_or_else(|| shown(&states().join("drift.sqlite")))
}

/// A path as the user would write it.
fn shown(path: &std::path::Path) -> PathBuf {
    std::env::current_dir().map_or_else(|_| path.to_path_buf(), |here| place::relative(path, &here))
}

/// Watches what `look` looks at; `stack` is one of it, by which the project is found.
pub(super) async fn run(
    args: &WatchArgs,
    cx: &Context,
    stack: Option<&std::path::Path>,
    fail_on: Severity,
    look: impl AsyncFn() -> Vec<Looked>,
) -> Ending {
    let schedule = match (&args.every, &args.cron) {
        (_, Some(cron)) => Schedule::cron(cron, args.timezone.as_deref())?,
        (every, None) => Schedule::every(every.as_deref().unwrap_or(EVERY))?,
    };
    let project = place::find(stack.or(cx.globals.stack.as_deref()))?;
    let targets = targets(args, &project)?;
    let listener = match &args.listen {
        Some(address) => Some(metrics::listen(address).await?),
        None => None,
    };
    let mut settings = Settings::default();
    if cx.globals.sandbox {
        settings.sandbox = Some(tokio::task::block_in_place(|| sandbox::up(cx))?.endpoint);
    }
    let history = Arc::new(History::open(&kept(args.history.as_ref(), cx, &project)).await?);
    let (metrics, stop) = (Arc::new(Metrics::default()), CancellationToken::new());
    let means = Arc::new(Means::new(Cloud::new(settings))?);
    let watch = Watch { history, targets, means, metrics: metrics.clone(), all_findings: args.all_findings, stop: stop.clone() };
    let signals = tokio::spawn(signals(stop.clone(), "a signal came: what is being told is told, and then the watch ends")?);
    let served = listener.map(|listener| tokio::spawn(metrics::serve(listener, metrics, Arc::new(schedule.clone()), stop)));
    let ended = if args.once {
        watch.run_once(look).await.map(|once| match once {
            Some(once) if once.good && once.worst >= Some(fail_on) => End::Changes,
            Some(once) if once.good => End::Good,
            _ => End::Failed,
        })
    } else {
        watch.run(&schedule, look).await.map(|()| End::Good)
    };
    signals.abort();
    if let Some(served) = served {
        served.abort();
    }
    ended
}

/// The first signal ends the service, saying so, the second the program.
pub(super) fn signals(stop: CancellationToken, said: &'static str) -> Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).map_err(|e| Diagnostic::error(format!("can't listen to signals: {e}")));
    let (mut end, mut interrupt) = (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
    Ok(async move {
        loop {
            tokio::select! {
                _ = end.recv() => {}
                _ = interrupt.recv() => {}
            }
            if stop.is_cancelled() {
                std::process::exit(130);
            }
            tracing::info!("{said}");
            stop.cancel();
        }
    })
}

fn targets(args: &WatchArgs, project: &place::Place) -> Result<Vec<Target>> {
    let path = match &args.config {
        Some(path) => path.clone(),
        None => shown(&project.root.join("ferroform.toml")),
    };
    if args.config.is_none() && !path.exists() {
        return Ok(vec![]);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| {
        let error = Diagnostic::error(format!("can't read the configuration `{}`: {e}", path.display()));
        error.help("it names who is told of drift: docs/drift-notifications.md")
    })?;
    let source = Source::new(path.display().to_string(), text);
    let folder = path.parent().unwrap_or(std::path::Path::new("."));
    notify::load(&source, folder, &|name| std::env::var(name).ok())
}

pub(super) async fn history(args: HistoryArgs, cx: &Context) -> Ending {
    let since = since(&args.since)?;
    let path = kept(args.history.as_ref(), cx, &place::find(None)?);
    let history = History::read(&path).await?;
    let stack = cx.globals.stack.as_ref().map(|stack| stack.display().to_string());
    let stack = match stack {
        Some(given) => Some(known(given, history.stacks().await?)?),
        None => None,
    };
    let page = history.page(stack.as_deref(), since).await?;
    let moment = Moment { now: Timestamp::now(), zone: jiff::tz::TimeZone::system() };
    cx.terminal.data(&match args.format {
        Format::Text => listing::text(&page, &path.display().to_string(), &moment, cx.terminal.out),
        Format::Markdown => listing::markdown(&page, &moment),
        Format::Json => {
            let text = serde_json::to_string_pretty(&page).map_err(|e| Diagnostic::error(format!("can't show the history: {e}")))?;
            text + "\n"
        }
    });
    Ok(End::Good)
}

/// The stack that is meant: by its name in the history, or by the last part of it.
fn known(given: String, stacks: Vec<String>) -> Result<String> {
    let mut meant = stacks.iter().filter(|stack| **stack == given || stack.rsplit('/').next() == Some(given.as_str()));
    if let (Some(one), None) = (meant.next(), meant.next()) {
        return Ok(one.clone());
    }
    if stacks.contains(&given) {
        return Ok(given);
    }
    let error = Diagnostic::error(format!("the history knows no stack `{given}`"));
    Err(match nearest(&given, stacks.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help(format!("it knows: {}", stacks.join(", "))),
    }
    .into())
}

/// How long ago, or since which day.
fn since(text: &str) -> Result<Timestamp> {
    let now = Zoned::now();
    let ago = || now.checked_sub(text.parse::<jiff::Span>().ok()?).ok();
    let day = || text.parse::<jiff::civil::Date>().ok()?.to_zoned(now.time_zone().clone()).ok();
    let exact = || text.parse::<Timestamp>().ok();
    let found = exact().or_else(|| Some(day().or_else(ago)?.timestamp()));
    found.ok_or_else(|| Diagnostic::error(format!("`--since {text}` is no time")).help("write it like `7d`, `12h` or `2026-11-01`").into())
}
