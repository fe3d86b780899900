//! `ferroform bot ci`

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use crate::bot::ci::{self, HIDDEN, Host, Job, Told, Work};
use crate::bot::forge::{Credentials, Forge, GitHub, GitLab, Patience};
use crate::bot::run::Runner;
use crate::bot::touched::root;
use crate::cli::session::cache;
use crate::cli::{Context, End, Ending};
use crate::words::secret::Secret;
use crate::words::{Diagnostic, Result};

/// Plans what a pull request touches, and keeps one comment on it that says what its merge would do. It takes all it has to know from
/// the environment of GitHub Actions or GitLab CI.
///
/// Without a command it plans and comments. In two jobs the one with credentials of a cloud needs no right to write to the code host, and
/// the one with that right needs no credentials.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    how: PlanArgs,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Plans what the change touches, and keeps all of it in a folder. Ends with 1 if a plan fails.
    Plan(PlanArgs),
    /// Tells the pull request what `plan` kept: the one comment, labels, and a check with remarks on the lines.
    Comment(CommentArgs),
    /// Plans and applies what a push to the default branch touches, and tells the pull request that it came with.
    Apply(PlanArgs),
}

/// How it is planned.
#[derive(Debug, clap::Args)]
struct PlanArgs {
    /// Keep the plans in this folder, what people read of them beside them, and what the comment needs in `page.json`.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Compare with this commit, whatever the event says.
    #[arg(long, value_name = "REVISION")]
    base: Option<String>,
    /// How many plans at once; `parallel` of `[bot]` unless said.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: Option<u8>,
}

#[derive(Debug, clap::Args)]
struct CommentArgs {
    /// The folder that `plan --out` wrote.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

pub(super) async fn run(args: Args, cx: &Context) -> Ending {
    let job = Job::of(&env)?;
    match args.command {
        None => {
            let forge = forge(&job)?;
            let told = planned(&args.how, &job, cx).await?;
            ci::comment(&told, &job, forge.as_ref()).await?;
            Ok(end(&told))
        }
        Some(Command::Plan(how)) => Ok(end(&planned(&how, &job, cx).await?)),
        Some(Command::Comment(how)) => {
            let told = ci::read(&how.folder)?;
            ci::comment(&told, &job, forge(&job)?.as_ref()).await?;
            cx.terminal.say(&format!("  {} told.", stacks(told.page.stacks.len())));
            Ok(End::Good)
        }
        Some(Command::Apply(how)) => applied(&how, &job, cx).await,
    }
}

fn env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn end(told: &Told) -> End {
    if told.failed() { End::Failed } else { End::Good }
}

fn stacks(n: usize) -> String {
    if n == 1 { "1 stack".to_owned() } else { format!("{n} stacks") }
}

async fn planned(how: &PlanArgs, job: &Job, cx: &Context) -> Result<Told> {
    with(how, job, cx, async |work, out| ci::plan(work, out, &stopping()).await).await
}

async fn applied(how: &PlanArgs, job: &Job, cx: &Context) -> Ending {
    let token = token(job);
    let told = with(how, job, cx, async |work, out| {
        let told = ci::apply(work, out, &stopping()).await?;
        match &token {
            Some(_) => ci::tell(&told, work, forge(job)?.as_ref()).await.unwrap_or_else(|errors| cx.terminal.tell(&errors)),
            None => (work.say)("  There is no token, so no pull request was told."),
        }
        Ok(told)
    });
    Ok(end(&told.await?))
}

/// Does it in the checkout, and tells CI what came of it.
async fn with(how: &PlanArgs, job: &Job, cx: &Context, does: impl AsyncFnOnce(&Work<'_>, &Path) -> Result<Told>) -> Result<Told> {
    let here = std::env::current_dir().map_err(|e| Diagnostic::error(format!("can't tell the current folder: {e}")))?;
    let checkout = root(&here).await?;
    let program = std::env::current_exe().map_err(|e| Diagnostic::error(format!("can't tell where ferroform is: {e}")))?;
    let flags = if cx.globals.sandbox { vec!["--sandbox".to_owned()] } else { vec![] };
    let hidden = HIDDEN.iter().map(|name| (*name).to_owned()).collect();
    let runner = Runner { program, flags, states: cx.globals.state_dir.clone(), hidden };
    let (say, cache) = (|line: &str| cx.terminal.say(line), cache());
    let work = Work {
        job,
        checkout: &checkout,
        runner: &runner,
        base: how.base.as_deref(),
        parallel: how.parallel.map(usize::from),
        cache: cache.as_deref(),
        say: &say,
    };
    let told = match &how.out {
        Some(out) => does(&work, out).await?,
        None => {
            let scratch = ci::scratch()?;
            does(&work, scratch.path()).await?
        }
    };
    ci::write(&told, job)?;
    if job.host == Host::None {
        cx.terminal.data(&told.markdown());
    }
    Ok(told)
}

/// Ends when somebody interrupts: plans that are under way end with it.
fn stopping() -> CancellationToken {
    let stop = CancellationToken::new();
    let stopped = stop.clone();
    tokio::spawn(async move {
        let _interrupted = tokio::signal::ctrl_c().await;
        stopped.cancel();
    });
    stop
}

fn token(job: &Job) -> Option<String> {
    let name = if job.host == Host::GitLab { "GITLAB_TOKEN" } else { "GITHUB_TOKEN" };
    ["FERROFORM_BOT_TOKEN", name].into_iter().find_map(|name| env(name).filter(|token| !token.is_empty()))
}

/// Where it is told, with the job's token.
fn forge(job: &Job) -> Result<Box<dyn Forge>> {
    let lacking = |name: &str, help: &str| Diagnostic::error(format!("the environment has no {name}, so nobody can be told")).help(help);
    let bad = |why: String| Diagnostic::error(why);
    Ok(match job.host {
        Host::GitHub => {
            let token = token(job).ok_or_else(|| lacking("GITHUB_TOKEN", "give the step `env: GITHUB_TOKEN: ${{ github.token }}`"))?;
            let api = env("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".into());
            Box::new(GitHub::new(&api, Credentials::Token(Secret::new(token)), Patience::default()).map_err(bad)?)
        }
        Host::GitLab => {
            let help =
                "a job's own token may not comment: make a project access token with the scope `api`, and keep it as a masked variable";
            let token = token(job).ok_or_else(|| lacking("GITLAB_TOKEN", help))?;
            let api = env("CI_API_V4_URL").unwrap_or_else(|| "https://gitlab.com/api/v4".into());
            Box::new(GitLab::new(&api, Secret::new(token), Patience::default()).map_err(bad)?)
        }
        Host::None => {
            let error = Diagnostic::error("this is neither GitHub Actions nor GitLab CI, so there is no pull request to tell");
            return Err(error.help("`ferroform bot ci plan --base main --out DIR` plans what a branch touches anywhere").into());
        }
    })
}
