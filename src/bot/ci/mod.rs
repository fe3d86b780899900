//! The bot within CI: no server, no memory but the one comment. The job that plans has credentials of a cloud and no right to write to the
//! code host; the one that comments has that right, and no credentials. Between them goes a folder of files.

mod apply;
mod event;
mod told;

use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::config::{self, Project};
use super::forge::Forge;
use super::run::Runner;
use super::say;
use super::touched::{REMOVED, Touched, before, changed, touched};
use crate::show::comment::{Outcome, Page, Stack};
use crate::words::{Diagnostic, Result};

pub use apply::{apply, tell};
pub use event::{Host, Job};
pub use told::{Told, labelled, line, write};

/// Looks up variables of the environment.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Variables that no plan needs: whoever has one of them may write to the code host.
pub const HIDDEN: &[&str] = &[
    "GITHUB_TOKEN",
    "GH_TOKEN",
    "GITLAB_TOKEN",
    "ACTIONS_RUNTIME_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
    "ACTIONS_ID_TOKEN_REQUEST_URL",
];

/// What is worked with: the checkout, how the program is run, and what the user said.
pub struct Work<'a> {
    /// What the job is about.
    pub job: &'a Job,
    /// The root of the checkout.
    pub checkout: &'a Path,
    /// How plans and applies are run.
    pub runner: &'a Runner,
    /// Compare with this commit, whatever the event says.
    pub base: Option<&'a str>,
    /// Plans at once, if not as many as the rules say.
    pub parallel: Option<usize>,
    /// Where modules of git repositories are kept.
    pub cache: Option<&'a Path>,
    /// Told what is done.
    pub say: &'a (dyn Fn(&str) + Send + Sync),
}

impl Work<'_> {
    /// What the checkout's change touches.
    pub(super) async fn touched(&self) -> Result<(config::Config, Touched)> {
        let config = config::load(self.checkout)?;
        let base = self.start().await?;
        let changed = changed(self.checkout, &base, "HEAD").await?;
        let before = before(self.checkout, &base, "HEAD").await?;
        let projects = config.projects(self.checkout);
        let touched = touched(self.checkout, &projects, &changed, Some(&before), self.cache);
        let touched = touched.without_empty(&before, &self.states());
        let (changed, base, found) = (files(changed.len()), short(&base), touched.projects.len());
        (self.say)(&format!("  {changed} since {base}: {found} of {} touched.", stacks(projects.len())));
        Ok((config, touched))
    }

    /// All that is told. Outside of CI the commit is that of the checkout.
    pub(super) async fn page(&self, stacks: Vec<Stack>) -> Page {
        let hints = say::hints(&stacks.iter().map(|stack| &stack.outcome).collect::<Vec<_>>(), false);
        let commit = match self.job.commit.as_str() {
            "" => super::touched::head(self.checkout).await.unwrap_or_default(),
            known => known.to_owned(),
        };
        Page { commit, hints, rest: self.job.page.clone(), stacks }
    }

    /// The folder of the states.
    pub(super) fn states(&self) -> PathBuf {
        self.runner.states.clone().unwrap_or_else(|| self.checkout.join("state"))
    }

    /// The commit that the change starts from. A checkout of the merge that GitHub makes for a pull request knows better than the event,
    /// which may be older.
    async fn start(&self) -> Result<String> {
        if let Some(base) = self.base {
            return Ok(base.to_owned());
        }
        if self.job.pull.is_some()
            && let Some(base) = super::touched::merged(self.checkout, &self.job.commit).await
        {
            return Ok(base);
        }
        self.job.base.clone().ok_or_else(|| {
            let error = Diagnostic::error("nothing says what the checkout is to be compared with");
            error.help("events of pull requests and of pushes say it; else name it: --base origin/main").into()
        })
    }
}

fn files(n: usize) -> String {
    if n == 1 { "1 file changed".to_owned() } else { format!("{n} files changed") }
}

fn stacks(n: usize) -> String {
    if n == 1 { "1 stack".to_owned() } else { format!("{n} stacks") }
}

fn short(commit: &str) -> &str {
    if commit.len() == 40 { &commit[..12] } else { commit }
}

/// Plans what the change touches, and gives what there is to tell; each plan is kept in `out`, and what people read of it beside it.
pub async fn plan(work: &Work<'_>, out: &Path, stop: &CancellationToken) -> Result<Told> {
    work.job.trusted()?;
    told::folder(out)?;
    let (config, touched) = work.touched().await?;
    let at_once = work.parallel.unwrap_or(config.rules.parallel).max(1);
    let planned = futures::stream::iter(&touched.projects).map(|project| planned(work, project, out, stop)).buffered(at_once);
    let mut stacks: Vec<Stack> = planned.collect().await;
    stacks.extend(touched.removed.iter().map(|project| removed(work, project)));
    for stack in &stacks {
        if let Outcome::Planned(digest) = &stack.outcome {
            told::keep(&out.join(told::file(&stack.name, "json")), digest)?;
        }
    }
    let told = Told { pull: work.job.pull_id(), page: work.page(stacks).await };
    told.keep(out)?;
    Ok(told)
}

async fn planned(work: &Work<'_>, project: &Project, out: &Path, stop: &CancellationToken) -> Stack {
    let path = out.join(told::file(&project.name, "plan"));
    let path = std::path::absolute(&path).unwrap_or(path);
    let outcome = match work.runner.plan(work.checkout, project, &path, stop).await {
        Ok(digest) => Outcome::Planned(digest),
        Err(said) => Outcome::Unplanned(said),
    };
    let stack = Stack { name: project.name.clone(), outcome };
    (work.say)(&format!("  {}", line(&stack)));
    stack
}

fn removed(work: &Work<'_>, project: &Project) -> Stack {
    let stack = Stack { name: project.name.clone(), outcome: Outcome::Refused(REMOVED.into()) };
    (work.say)(&format!("  {}", line(&stack)));
    stack
}

/// Tells what was planned: the one comment, the labels, and the check with its remarks. What can't be done is told after all else was.
pub async fn comment(told: &Told, job: &Job, forge: &dyn Forge) -> Result<()> {
    let pull = told.about(job)?;
    let mark = say::mark("ci");
    let outcomes: Vec<&Outcome> = told.page.stacks.iter().map(|stack| &stack.outcome).collect();
    let text = say::text(&told.page, &mark, forge.limit());
    let mut errors = crate::words::Diagnostics::default();
    let mut failed = |what: &str, why: &super::forge::Refusal| errors.push(Diagnostic::error(format!("can't {what}: {why}")));
    // A change that touches nothing any more still has to say so where it did once.
    if let Err(why) = forge.keep_comment(&pull, &mark, &text, None).await {
        failed(&format!("comment on {}", forge.reference(pull.number)), &why);
    }
    if let Err(why) = forge.label(&pull, &say::labels(&outcomes), say::LABELS).await {
        failed(&format!("label {}", forge.reference(pull.number)), &why);
    }
    if let Err(why) = forge.check(&pull.repository, &told.page.commit, &say::check(&told.page), None).await {
        failed("tell the check", &why);
    }
    errors.unless_errors(())
}

/// What `plan` kept in a folder.
pub fn read(folder: &Path) -> Result<Told> {
    Told::read(folder)
}

/// A folder for the files of a run, if the user names none; it goes with the value.
pub fn scratch() -> Result<tempfile::TempDir> {
    tempfile::tempdir().map_err(|e| Diagnostic::error(format!("there is no room for plans: {e}")).into())
}
