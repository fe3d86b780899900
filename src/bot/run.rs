//! Plans and applies of one project, each in a process of its own: this same program. A plan that dies takes nobody along, each has its
//! own current folder and environment, and an apply goes on to its end when the server that began it is killed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use super::config::Project;
use crate::show::digest::Digest;

/// How often the record of an apply is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// Where and how the program is run.
#[derive(Clone, Debug)]
pub struct Runner {
    /// The program.
    pub program: PathBuf,
    /// Global flags: `--sandbox`.
    pub flags: Vec<String>,
    /// Where states lie, if not in the checkout.
    pub states: Option<PathBuf>,
    /// What children must not inherit: names of environment variables that hold the bot's own secrets.
    pub hidden: Vec<String>,
}

/// How an apply ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// All of it was done.
    pub good: bool,
    /// Something was done.
    pub begun: bool,
    /// `3 created, 1 changed, 0 destroyed`
    pub summary: String,
    /// What went wrong, as text.
    pub errors: String,
}

/// How far an apply is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Changes that are through.
    pub done: usize,
    /// Of how many.
    pub of: usize,
}

impl Runner {
    /// Plans the project in a checkout, keeps the plan in `out`, and gives what people read of it; or what the program said.
    pub async fn plan(&self, checkout: &Path, project: &Project, out: &Path, stop: &CancellationToken) -> Result<Digest, String> {
        let mut command = self.command(checkout, project);
        command.arg("plan").arg(&project.stack).args(["--format", "digest", "--no-input", "--out"]).arg(out);
        for file in &project.var_files {
            command.arg("--var-file").arg(file);
        }
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn();
        let child = child.map_err(|e| format!("can't run {}: {e}", self.program.display()))?;
        let ended = tokio::select! {
            ended = child.wait_with_output() => ended.map_err(|e| e.to_string())?,
            () = stop.cancelled() => return Err("the bot was stopped meanwhile".into()),
        };
        if !ended.status.success() {
            return Err(String::from_utf8_lossy(&ended.stderr).trim().to_owned());
        }
        serde_json::from_slice(&ended.stdout).map_err(|e| format!("the plan can't be read: {e}"))
    }

    /// Applies a kept plan, telling how far it is. `record` gets its events, a line each: they outlive whoever began it.
    pub async fn apply(
        &self,
        checkout: &Path,
        project: &Project,
        plan: &Path,
        record: &Path,
        told: impl Fn(Progress) + Send,
    ) -> Result<Applied, String> {
        let unusable = |e: std::io::Error| format!("can't keep the record `{}`: {e}", record.display());
        let (out, err) = (File::create(record).map_err(unusable)?, record.with_extension("err"));
        let errors = File::create(&err).map_err(unusable)?;
        let mut command = self.command(checkout, project);
        command.arg("apply").arg(plan).args(["--json", "--no-input", "--auto-approve", "--lock-timeout", "30m"]);
        for file in &project.var_files {
            command.arg("--var-file").arg(file);
        }
        // What interrupts the server is not meant for it.
        let child = command.stdout(out).stderr(errors).process_group(0).spawn();
        let mut child = child.map_err(|e| format!("can't run {}: {e}", self.program.display()))?;
        let good = watched(&mut child, record, told).await?;
        let said = std::fs::read_to_string(&err).unwrap_or_default();
        let mut applied = applied(&std::fs::read_to_string(record).unwrap_or_default());
        applied.good = good;
        if !good && applied.errors.is_empty() {
            said.trim().clone_into(&mut applied.errors);
        }
        Ok(applied)
    }

    fn command(&self, checkout: &Path, project: &Project) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(checkout).stdin(Stdio::null()).env("NO_COLOR", "1").args(&self.flags);
        for name in &self.hidden {
            command.env_remove(name);
        }
        if let Some(states) = &self.states {
            command.arg("--state-dir").arg(states);
        }
        if let Some(workspace) = &project.workspace {
            command.args(["--workspace", workspace]);
        }
        command
    }
}

/// Waits for the end, and tells how far it is whenever that changes.
async fn watched(child: &mut Child, record: &Path, told: impl Fn(Progress)) -> Result<bool, String> {
    let mut last = Progress::default();
    loop {
        let ended = tokio::time::timeout(LOOK, child.wait()).await;
        let now = progress(&std::fs::read_to_string(record).unwrap_or_default());
        if now != last {
            last = now;
            told(now);
        }
        if let Ok(ended) = ended {
            return ended.map(|status| status.success()).map_err(|e| e.to_string());
        }
    }
}

fn events(record: &str) -> impl Iterator<Item = Json> {
    record.lines().filter_map(|line| serde_json::from_str(line).ok())
}

/// How far it is by its events, which are Terraform's.
fn progress(record: &str) -> Progress {
    let mut progress = Progress::default();
    for event in events(record) {
        match event["type"].as_str() {
            Some("planned_change") => progress.of += 1,
            Some("apply_complete" | "apply_errored") => progress.done += 1,
            _ => {}
        }
    }
    progress
}

fn applied(record: &str) -> Applied {
    let mut applied = Applied::default();
    for event in events(record) {
        match event["type"].as_str() {
            Some("apply_start") => applied.begun = true,
            Some("change_summary") if event["changes"]["operation"] != "plan" => {
                let n = |key: &str| event["changes"][key].as_u64().unwrap_or(0);
                applied.summary = format!("{} created, {} changed, {} destroyed", n("add"), n("change"), n("remove"));
            }
            Some("diagnostic") if event["@level"] == "error" => {
                let told = &event["diagnostic"];
                let parts = ["address", "summary", "detail"].map(|key| told[key].as_str().unwrap_or_default().trim());
                let said: Vec<&str> = parts.into_iter().filter(|part| !part.is_empty()).collect();
                applied.errors += &format!("{}\n", said.join(": "));
            }
            _ => {}
        }
    }
    applied
}
