//! Applying exactly the plan that was shown.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tracing::{info, warn};

use super::{Done, Server, Trouble};
use crate::bot::checkout::Checkouts;
use crate::bot::forge::PullId;
use crate::bot::run::{Applied, Progress};
use crate::bot::store::{Job, Row, Status, Work};
use crate::show::digest::Digest;
use crate::show::gfm::code;

/// How often the comment tells how far an apply is.
const TOLD: Duration = Duration::from_secs(3);

impl Server {
    /// Applies the first of these stacks, and has the others applied after it.
    pub(super) async fn apply(&self, id: &PullId, stacks: &[String], user: &str, job: &Job) -> Done {
        let Some((stack, others)) = stacks.split_first() else { return Ok(()) };
        let row = self.store.rows(id).await?.into_iter().find(|row| row.stack == *stack && row.status == Status::Applying);
        let Some(mut row) = row else { return Ok(()) };
        let pull = self.forge.pull(id).await?;
        // One that was begun is brought to its end, whatever came since.
        if job.attempts <= 1 && (!pull.open || row.tree != Checkouts::name(&pull) || !self.store.holds(id, stack).await?) {
            let said =
                format!("{} is not applied: the branches have moved since it was asked for. It is planned again.", code(&row.project.name));
            self.put_back(id, stacks, Status::Planned, "").await?;
            self.forge.say(id, &said).await?;
            return self.look(id, &job.delivery, true).await;
        }
        let Some(ended) = self.carry_out(id, &mut row, user, job).await? else {
            // What is left is shown, and waits to be asked for.
            return self.put_back(id, others, Status::Planned, "").await;
        };
        row.plan = None;
        row.status = if ended.good { Status::Applied } else { Status::Failed };
        row.said = if ended.good { ended.summary } else { format!("{}\n{}", ended.summary, ended.errors).trim().to_owned() };
        self.store.put(id, &row).await?;
        self.metrics.applied(ended.good);
        if !others.is_empty() {
            if ended.good {
                self.store.add(&Work::Apply { pull: id.clone(), stacks: others.to_vec(), user: user.to_owned() }, &job.delivery).await?;
            } else {
                self.put_back(id, others, Status::Planned, "").await?;
            }
        }
        if !self.forge.pull(id).await?.open {
            self.free(id, Some(stack), &job.delivery).await?;
        }
        Ok(self.store.add_once(&Work::Tell(id.clone()), &job.delivery).await?)
    }

    /// Gives stacks back that were to be applied and are not.
    async fn put_back(&self, id: &PullId, stacks: &[String], status: Status, said: &str) -> Done {
        for row in self.store.rows(id).await?.into_iter().filter(|row| stacks.contains(&row.stack) && row.status == Status::Applying) {
            self.store.put(id, &Row { status, said: said.to_owned(), done: 0, total: 0, ..row }).await?;
        }
        Ok(self.store.add_once(&Work::Tell(id.clone()), "").await?)
    }

    /// Runs the apply; `None` if it was interrupted and what is left is to be looked at by people.
    async fn carry_out(&self, id: &PullId, row: &mut Row, user: &str, job: &Job) -> Done<Option<Applied>> {
        let (plan, record) = (self.file(id, &row.stack, "plan")?, self.file(id, &row.stack, "jsonl")?);
        let Some(bytes) = &row.plan else { return Err(Trouble::Never("the plan is gone".into())) };
        let later = |e: std::io::Error| Trouble::Later { why: format!("`{}`: {e}", plan.display()), until: None };
        tokio::fs::write(&plan, bytes).await.map_err(later)?;
        let checkout = self.checkouts.path(&id.repository, &row.tree);
        // The plan brings its sources along: any folder at that place will do.
        tokio::fs::create_dir_all(&checkout).await.map_err(later)?;
        info!(user, stack = row.stack, "applying");
        let first = self.watched(id, row, &checkout, &plan, &record, job).await?;
        if first.good || first.begun {
            return Ok(Some(first));
        }
        if job.attempts <= 1 {
            // Nothing was done: most likely the state is not what it was any more. The newest plan is shown, with the reason.
            let said =
                format!("{} was not applied, and nothing was done.\n\n{}", code(&row.project.name), crate::show::gfm::said(&first.errors));
            self.forge.say(id, &said).await?;
            row.status = Status::Waiting;
            self.store.put(id, row).await?;
            self.store.add(&Work::Plan { pull: id.clone(), stack: row.stack.clone(), tree: row.tree.clone() }, &job.delivery).await?;
            return Ok(None);
        }
        self.go_on(id, row, &checkout, &plan, &record, job).await
    }

    /// A server died while it applied this. What is left of the plan is done; if there is more than was shown, people are asked.
    async fn go_on(&self, id: &PullId, row: &mut Row, checkout: &Path, plan: &Path, record: &Path, job: &Job) -> Done<Option<Applied>> {
        warn!(stack = row.stack, "an apply was interrupted; what is left of it is planned");
        let left = match self.runner(&id.repository).plan(checkout, &row.project, plan, &self.stop).await {
            Ok(left) => left,
            Err(_) if self.stop.is_cancelled() => return Err(Trouble::Stopped),
            Err(said) => return Ok(Some(Applied { good: false, begun: true, summary: String::new(), errors: said })),
        };
        if left.counts.nothing() {
            let summary = "all of it, though the server was interrupted meanwhile".into();
            return Ok(Some(Applied { good: true, begun: true, summary, errors: String::new() }));
        }
        if within(&left, row.digest.as_ref()) {
            return Ok(Some(self.watched(id, row, checkout, plan, record, job).await?));
        }
        row.plan = Some(tokio::fs::read(plan).await.map_err(|e| Trouble::Later { why: e.to_string(), until: None })?);
        row.digest = Some(left);
        row.status = Status::Planned;
        self.store.put(id, row).await?;
        let said = format!(
            "The apply of {} was interrupted, and what is left is not only what was shown. The plan above is new: look at it, and ask once more.",
            code(&row.project.name)
        );
        self.forge.say(id, &said).await?;
        self.store.add_once(&Work::Tell(id.clone()), &job.delivery).await?;
        Ok(None)
    }

    /// Runs the apply and tells how far it is.
    async fn watched(&self, id: &PullId, row: &Row, checkout: &Path, plan: &Path, record: &Path, job: &Job) -> Done<Applied> {
        let (done, of) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (through, total) = (done.clone(), of.clone());
        let told = move |progress: Progress| {
            through.store(progress.done, Ordering::Relaxed);
            total.store(progress.of, Ordering::Relaxed);
        };
        let tell = async {
            let mut last = 0;
            loop {
                tokio::time::sleep(TOLD).await;
                let now = done.load(Ordering::Relaxed);
                if now != last {
                    last = now;
                    // That it can't be told now is no reason to stop.
                    let _untold = self.store.progress(id, &row.stack, now, of.load(Ordering::Relaxed)).await;
                    let _untold = self.store.add_once(&Work::Tell(id.clone()), &job.delivery).await;
                }
            }
        };
        let runner = self.runner(&id.repository);
        let run = runner.apply(checkout, &row.project, plan, record, told);
        let ended = tokio::select! {
            ended = run => ended,
            () = tell => unreachable!("it never ends"),
        };
        ended.map_err(|why| Trouble::Later { why, until: None })
    }
}

/// Whether all that is left was shown.
fn within(left: &Digest, shown: Option<&Digest>) -> bool {
    let acts = |digest: &Digest| -> BTreeSet<(String, String)> {
        digest.details.iter().filter(|detail| !detail.word.is_empty()).map(|detail| (detail.word.clone(), detail.of.clone())).collect()
    };
    shown.is_some_and(|shown| acts(left).is_subset(&acts(shown)))
}
