//! Applying what was merged.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::told::{Told, folder, line};
use super::{Work, removed};
use crate::bot::config::Project;
use crate::bot::forge::Forge;
use crate::bot::say;
use crate::bot::touched::is_before;
use crate::show::comment::{Outcome, Stack};
use crate::show::digest::Digest;
use crate::words::{Diagnostic, Result};

/// Plans and applies what a push to the default branch touches, one after the other; what comes after one that failed is left alone.
pub async fn apply(work: &Work<'_>, out: &Path, stop: &CancellationToken) -> Result<Told> {
    work.job.trusted()?;
    default_branch(work)?;
    folder(out)?;
    let since = match (work.base, kept(work)) {
        (None, Some(kept)) if is_before(work.checkout, &kept).await => Some(kept),
        (given, _) => given.map(str::to_owned),
    };
    let work = &Work { base: since.as_deref(), ..*work };
    let (_, touched) = work.touched().await?;
    let (mut stacks, mut failed) = (vec![], BTreeSet::new());
    for project in &touched.projects {
        let outcome = match project.after.iter().find(|name| failed.contains(name.as_str())) {
            Some(before) => Outcome::Refused(format!("{before} comes before it, and was not applied")),
            None => one(work, project, out, stop).await,
        };
        if !matches!(outcome, Outcome::Applied { .. } | Outcome::Planned(_)) {
            failed.insert(project.name.as_str());
        }
        let stack = Stack { name: project.name.clone(), outcome };
        (work.say)(&format!("  {}", line(&stack)));
        stacks.push(stack);
    }
    stacks.extend(touched.removed.iter().map(|project| removed(work, project)));
    let told = Told { pull: None, page: work.page(stacks).await };
    told.keep(out)?;
    if failed.is_empty() {
        folder(&work.states())?;
        super::told::keep(&memory(work), &Memory { commit: work.job.commit.clone() })?;
    }
    Ok(told)
}

/// The last commit all of which was applied. A run may be left out, where one that waits gives way to a later one, and one may fail: the
/// next does what is left of both.
#[derive(Debug, Serialize, Deserialize)]
struct Memory {
    commit: String,
}

/// Where it is kept: with the states, which it belongs to.
fn memory(work: &Work<'_>) -> PathBuf {
    work.states().join("applied.json")
}

fn kept(work: &Work<'_>) -> Option<String> {
    let memory: Memory = serde_json::from_str(&std::fs::read_to_string(memory(work)).ok()?).ok()?;
    Some(memory.commit)
}

/// What is on another branch was not reviewed.
fn default_branch(work: &Work<'_>) -> Result<()> {
    let job = work.job;
    let (Some(pushed), Some(default)) = (&job.pushed, &job.default_branch) else {
        let error = Diagnostic::error("this is no push to the default branch, and nothing else is applied");
        return Err(error.help("run it on the event `push`; `ferroform apply` applies a stack by hand").into());
    };
    if pushed == default {
        return Ok(());
    }
    Err(Diagnostic::error(format!("this is a push to {pushed}, and only what is on {default} is applied")).into())
}

/// Plans a project, and applies just that plan.
async fn one(work: &Work<'_>, project: &Project, out: &Path, stop: &CancellationToken) -> Outcome {
    let name = |ending: &str| {
        let path = out.join(super::told::file(&project.name, ending));
        std::path::absolute(&path).unwrap_or(path)
    };
    let (kept, record) = (name("plan"), name("events.json"));
    let plan: Digest = match work.runner.plan(work.checkout, project, &kept, stop).await {
        Ok(plan) => plan,
        Err(said) => return Outcome::Unplanned(said),
    };
    if plan.counts.nothing() {
        return Outcome::Planned(plan);
    }
    (work.say)(&format!("  {}: {}", project.name, super::labelled(&plan.counts)));
    match work.runner.apply(work.checkout, project, &kept, &record, |_| ()).await {
        Ok(applied) if applied.good => Outcome::Applied { plan, summary: applied.summary },
        Ok(applied) => Outcome::Failed { plan, error: applied.errors },
        Err(error) => Outcome::Failed { plan, error },
    }
}

/// Tells the pull request that the pushed commit came with, in the comment that showed its plan.
pub async fn tell(told: &Told, work: &Work<'_>, forge: &dyn Forge) -> Result<()> {
    let job = work.job;
    let bad = |why: crate::bot::forge::Refusal| Diagnostic::error(format!("can't tell the pull request: {why}"));
    let mark = say::mark("ci");
    for pull in forge.pulls_of(&job.repository, &job.commit).await.map_err(bad)? {
        let text = say::text(&told.page, &mark, forge.limit());
        forge.keep_comment(&pull, &mark, &text, None).await.map_err(bad)?;
        (work.say)(&format!("  {} was told.", forge.reference(pull.number)));
    }
    Ok(())
}
