//! What is told of a run: the files for the job that comments, the summary, and the values for later steps.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::event::Job;
use crate::bot::forge::PullId;
use crate::show::comment::{Outcome, Page, Stack, comment};
use crate::words::{Diagnostic, Result};

/// The file with all that is told.
const PAGE: &str = "page.json";
/// The most bytes of a job's summary on GitHub, and some room for those of other steps.
const SUMMARY: usize = 900_000;

/// All that the comment needs: what goes from the job that plans to the one that comments.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// The pull request, if it is about one.
    pub pull: Option<PullId>,
    /// What is told.
    pub page: Page,
}

impl Told {
    /// Writes it into a folder.
    pub(super) fn keep(&self, folder: &Path) -> Result<()> {
        keep(&folder.join(PAGE), self)
    }

    /// Reads it out of a folder.
    pub(super) fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(PAGE);
        let bad = |why: String| {
            let error = Diagnostic::error(format!("can't read `{}`: {why}", path.display()));
            error.help("`ferroform bot ci plan --out DIR` writes it")
        };
        let text = fs::read_to_string(&path).map_err(|e| bad(e.to_string()))?;
        Ok(serde_json::from_str(&text).map_err(|e| bad(e.to_string()))?)
    }

    /// The pull request to tell. The job's own event counts: what another job left is no reason to write elsewhere.
    pub(super) fn about(&self, job: &Job) -> Result<PullId> {
        match (job.pull_id(), &self.pull) {
            (Some(own), Some(told)) if own != *told => Err(Diagnostic::error(format!(
                "the plans are for {}#{}, and this job is about {}#{}",
                told.repository, told.number, own.repository, own.number
            ))
            .into()),
            (Some(own), _) => Ok(own),
            (None, Some(told)) if told.repository == job.repository => Ok(told.clone()),
            (None, _) => Err(Diagnostic::error("this job is about no pull request, so there is nothing to comment on")
                .help("run it on the event `pull_request`, or in a pipeline of a merge request")
                .into()),
        }
    }

    /// All of it as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        comment(&self.page, SUMMARY) + "\n"
    }

    /// Whether something could not be planned or done.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.page.stacks.iter().any(|stack| matches!(stack.outcome, Outcome::Unplanned(_) | Outcome::Failed { .. } | Outcome::Refused(_)))
    }
}

/// The name of a project's file: names may have slashes.
pub(super) fn file(project: &str, ending: &str) -> String {
    format!("{}.{ending}", project.replace('/', "+"))
}

/// Makes a folder for what is told.
pub(super) fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| Diagnostic::error(format!("can't make the folder `{}`: {e}", path.display())).into())
}

/// Writes a file of JSON.
pub(super) fn keep(path: &Path, what: &impl Serialize) -> Result<()> {
    let bad = |why: String| Diagnostic::error(format!("can't write `{}`: {why}", path.display()));
    let text = serde_json::to_string_pretty(what).map_err(|e| bad(e.to_string()))?;
    Ok(fs::write(path, text + "\n").map_err(|e| bad(e.to_string()))?)
}

/// Adds the summary of the job, and the values for later steps, where CI takes them.
pub fn write(told: &Told, job: &Job) -> Result<()> {
    let add = |path: &Path, text: &str| {
        let open = fs::OpenOptions::new().append(true).create(true).open(path);
        let written = open.and_then(|mut file| file.write_all(text.as_bytes()));
        written.map_err(|e| Diagnostic::error(format!("can't write `{}`: {e}", path.display())))
    };
    if let Some(path) = &job.summary {
        add(path, &told.markdown())?;
    }
    if let Some(path) = &job.outputs {
        add(path, &outputs(told))?;
    }
    Ok(())
}

fn outputs(told: &Told) -> String {
    let plans = || told.page.stacks.iter().filter_map(|stack| stack.outcome.plan());
    let names: Vec<&str> = told.page.stacks.iter().map(|stack| stack.name.as_str()).collect();
    let changes = plans().any(|plan| !plan.counts.nothing());
    let destroys = plans().any(|plan| plan.counts.destroy + plan.counts.replace > 0);
    format!("changes={changes}\ndestroys={destroys}\nfailed={}\nstacks={}\n", told.failed(), json!(names))
}

/// What became of a stack, on a line.
#[must_use]
pub fn line(stack: &Stack) -> String {
    let name = &stack.name;
    match &stack.outcome {
        Outcome::Waiting | Outcome::Planning | Outcome::Applying { .. } => format!("{name}: under way"),
        Outcome::Planned(plan) => format!("{name}: {}", labelled(&plan.counts)),
        Outcome::Unplanned(said) => format!("{name}: can't be planned\n{}", indented(said)),
        Outcome::Refused(why) => format!("{name}: {why}"),
        Outcome::Applied { summary, .. } => format!("{name}: {summary}"),
        Outcome::Failed { error, .. } => format!("{name}: the apply failed\n{}", indented(error)),
    }
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

/// `1 to create, 2 to change`
#[must_use]
pub fn labelled(counts: &crate::show::digest::Counts) -> String {
    let all = [
        (counts.create, "to create"),
        (counts.import, "to import"),
        (counts.change, "to change"),
        (counts.tags, "to change in their tags"),
        (counts.replace, "to replace"),
        (counts.destroy, "to destroy"),
        (counts.forget, "to forget"),
        (counts.outputs, "outputs to change"),
    ];
    let told: Vec<String> = all.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if told.is_empty() { "no changes".to_owned() } else { told.join(", ") }
}
