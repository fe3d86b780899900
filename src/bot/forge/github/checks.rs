//! Check runs, and statuses where we may not write those.

use std::sync::atomic::Ordering;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use uuid::Uuid;

use super::{GitHub, repository};
use crate::bot::forge::patience::Waits;
use crate::bot::forge::wire::{Call, Reply, Wire, cut, part, read, refusal};
use crate::bot::forge::{Annotation, Answer, Check, Refusal, Verdict};

/// Annotations in one request.
const BATCH: usize = 50;
/// Annotations in all: who reads more?
const MOST: usize = 300;
/// Characters of a summary.
const SUMMARY: usize = 65_535;
/// Characters of a title.
const TITLE: usize = 255;
/// Bytes of an annotation's message are 64 KB; a character has four at most.
const MESSAGE: usize = 16_000;
/// Characters of a status' description.
const DESCRIPTION: usize = 140;

/// A check run.
#[derive(Deserialize)]
struct Run {
    id: u64,
    #[serde(default)]
    external_id: Option<String>,
    #[serde(default)]
    output: Output,
}

#[derive(Default, Deserialize)]
struct Output {
    #[serde(default)]
    annotations_count: usize,
}

impl GitHub {
    /// See [`crate::bot::forge::Forge::check`].
    pub(super) async fn tell(&self, name: &str, commit: &str, check: &Check, known: Option<u64>) -> Answer<u64> {
        #[derive(Deserialize)]
        struct Status {
            id: u64,
        }
        if !self.statuses.load(Ordering::Relaxed) {
            match self.run(name, commit, check, known).await? {
                Some(id) => return Ok(id),
                // Only an App may write check runs.
                None => self.statuses.store(true, Ordering::Relaxed),
            }
        }
        let state = match check.verdict {
            Verdict::Running => "pending",
            Verdict::Success | Verdict::Neutral => "success",
            Verdict::Failure => "failure",
        };
        let body = json!({ "state": state, "context": check.name, "description": cut(&check.title, DESCRIPTION) });
        let path = format!("{}/statuses/{}", repository(name), part(commit));
        Ok(self.told::<Status>(&Call::post(path, body)).await?.id)
    }

    /// The same as a check run; nothing, if we may not.
    async fn run(&self, name: &str, commit: &str, check: &Check, known: Option<u64>) -> Answer<Option<u64>> {
        let runs = format!("{}/check-runs", repository(name));
        // What is said of a run can't be taken back, so it is said at its end.
        let most = if check.verdict == Verdict::Running { 0 } else { MOST };
        let annotations: Vec<Json> = check.annotations.iter().take(most).map(annotation).collect();
        if let Some(known) = known {
            let path = format!("{runs}/{known}");
            let call = Call::patch(&path, body(check, None));
            let reply = self.ask(&call).await?;
            match reply.status {
                403 => return Ok(None),
                // It was a status, or it is gone.
                404 => {}
                _ => {
                    let there = read::<Self, Run>(&call, &reply)?.output.annotations_count;
                    // Annotations can be added and never taken away: what has others gets a successor.
                    if there == annotations.len() {
                        return Ok(Some(known));
                    }
                    if there == 0 {
                        return self.annotate(&path, check, &annotations, 0).await.map(|()| Some(known));
                    }
                }
            }
        }
        let first = &annotations[..annotations.len().min(BATCH)];
        let Some(id) = self.create(&runs, commit, check, first).await? else { return Ok(None) };
        self.annotate(&format!("{runs}/{id}"), check, &annotations, first.len()).await?;
        Ok(Some(id))
    }

    /// Makes a check run, once; nothing, if we may not.
    async fn create(&self, runs: &str, commit: &str, check: &Check, annotations: &[Json]) -> Answer<Option<u64>> {
        // By this it is found when the answer is lost.
        let mark = Uuid::new_v4().to_string();
        let mut new = body(check, Some(annotations));
        (new["head_sha"], new["external_id"]) = (json!(commit), json!(mark));
        let call = Call::post(runs, new);
        let mut waits = self.patience.begin();
        loop {
            if let Some(reply) = self.attempt(&mut waits, &call).await? {
                return if reply.status == 403 { Ok(None) } else { read::<Self, Run>(&call, &reply).map(|run| Some(run.id)) };
            }
            let path =
                format!("{}/commits/{}/check-runs?check_name={}", runs.trim_end_matches("/check-runs"), part(commit), part(&check.name));
            let found: Vec<Run> = self.list(&path, "check_runs").await?;
            if let Some(run) = found.into_iter().find(|run| run.external_id.as_deref() == Some(&mark)) {
                return Ok(Some(run.id));
            }
        }
    }

    /// Adds the annotations from that one on.
    async fn annotate(&self, run: &str, check: &Check, annotations: &[Json], mut from: usize) -> Answer<()> {
        let mut waits: Waits = self.patience.begin();
        while from < annotations.len() {
            let to = annotations.len().min(from + BATCH);
            let call = Call::patch(run, body(check, Some(&annotations[from..to])));
            match self.attempt(&mut waits, &call).await? {
                Some(reply) if reply.good() => from = to,
                Some(reply) => return Err(failed(&call, &reply)),
                // Perhaps they are there.
                None => from = self.get::<Run>(run).await?.output.annotations_count.max(from),
            }
        }
        Ok(())
    }
}

fn failed(call: &Call, reply: &Reply) -> Refusal {
    refusal::<GitHub>(call, reply)
}

/// What a request says of a check.
fn body(check: &Check, annotations: Option<&[Json]>) -> Json {
    let mut output = json!({ "title": cut(&check.title, TITLE), "summary": cut(&check.summary, SUMMARY) });
    if let Some(annotations) = annotations.filter(|annotations| !annotations.is_empty()) {
        output["annotations"] = json!(annotations);
    }
    let conclusion = match check.verdict {
        Verdict::Running => return json!({ "name": check.name, "status": "in_progress", "output": output }),
        Verdict::Success => "success",
        Verdict::Neutral => "neutral",
        Verdict::Failure => "failure",
    };
    json!({ "name": check.name, "status": "completed", "conclusion": conclusion, "output": output })
}

fn annotation(annotation: &Annotation) -> Json {
    let line = annotation.line.max(1);
    json!({ "path": annotation.path, "start_line": line, "end_line": line, "annotation_level": annotation.level,
        "title": cut(&annotation.title, TITLE), "message": cut(&annotation.message, MESSAGE) })
}
