//! What follows of what happened: which stacks a pull request touches, and who holds them.

use std::path::{Path, PathBuf};
use std::time::Duration;

use tracing::{info, warn};

use super::{Done, Server};
use crate::bot::checkout::{Checkouts, Failed};
use crate::bot::config::{self, Rules};
use crate::bot::forge::{Event, Pull, PullId};
use crate::bot::store::{Row, Status, Work};
use crate::bot::touched::{self, Touched};
use crate::words::Diagnostics;

impl Server {
    pub(super) async fn heed(&self, event: &Event, delivery: &str) -> Done {
        match event {
            Event::Changed(pull) => self.look(pull, delivery, false).await,
            Event::Ended(pull) => self.end(pull, delivery).await,
            Event::Said { pull, comment, user, text } => self.said(pull, *comment, user, text, delivery).await,
            Event::Pushed { repository, branch } => {
                for pull in self.store.into_branch(repository, branch).await? {
                    self.store.add(&Work::Heed(Event::Changed(pull)), delivery).await?;
                }
                Ok(())
            }
            Event::Ignored(_) => Ok(()),
        }
    }

    /// Finds the stacks that a pull request touches, locks them, and has them planned. What is planned of the same commits already stays,
    /// unless it is to be planned `again`.
    pub(super) async fn look(&self, id: &PullId, delivery: &str, again: bool) -> Done {
        let pull = self.forge.pull(id).await?;
        if !pull.open {
            return self.end(id, delivery).await;
        }
        let told = self.store.seen(id).await?.is_some_and(|seen| seen.comment.is_some());
        let remark = |text: String| async { self.remark(&pull, text, delivery).await };
        if pull.fork {
            let word = self.forge.word();
            return remark(format!(
                "This {word} comes from a fork. Its code is not run with credentials: push the branch into this repository, and open one from there."
            ))
            .await;
        }
        let tree = match self.tree(&pull).await? {
            Ok(tree) => tree,
            Err(said) => return remark(said).await,
        };
        let rules = match self.rules(&pull).await {
            Ok(rules) => rules,
            Err(said) => return remark(said).await,
        };
        if !again && !told && (!rules.autoplan || (pull.draft && !rules.drafts)) {
            return Ok(self.store.see(&pull, "").await?);
        }
        let found = match self.found(&tree, &pull).await {
            Ok(found) => found,
            Err(said) => return remark(said).await,
        };
        self.store.see(&pull, "").await?;
        self.settle(&pull, found, delivery, again).await?;
        self.tidy(&pull).await?;
        Ok(self.store.add_once(&Work::Tell(id.clone()), delivery).await?)
    }

    /// Brings what is known of a pull request's stacks in line with what it touches now.
    async fn settle(&self, pull: &Pull, found: Touched, delivery: &str, again: bool) -> Done {
        let id = &pull.id;
        let name = Checkouts::name(pull);
        let known = self.store.rows(id).await?;
        let mut wanted: Vec<Row> = vec![];
        for (position, project) in found.projects.into_iter().enumerate() {
            wanted.push(Row::new(project, position, &name, Status::Waiting, ""));
        }
        for project in found.removed {
            wanted.push(Row::new(project, wanted.len(), &name, Status::Refused, touched::REMOVED));
        }
        for row in &known {
            let gone = !wanted.iter().any(|other| other.stack == row.stack);
            // What was applied stays until the end: only a plan can tell whether the branch still says so.
            if gone && matches!(row.status, Status::Applied | Status::Failed | Status::Applying) {
                wanted.push(Row::new(row.project.clone(), wanted.len(), &name, Status::Waiting, ""));
            } else if gone {
                self.store.drop_row(id, &row.stack).await?;
                self.free(id, Some(&row.stack), delivery).await?;
            }
        }
        for mut row in wanted {
            let old = known.iter().find(|old| old.stack == row.stack);
            let same =
                |old: &&Row| old.tree == row.tree && old.project == row.project && !matches!(old.status, Status::Blocked | Status::Refused);
            // An apply is of the commits that it was begun with, and ends before anything else is done to the stack.
            let under_way = |old: &&Row| old.status == Status::Applying;
            // What was let go of, when the pull request was closed, is taken again.
            let held = self.store.holds(id, &row.stack).await?;
            if old.is_some_and(|old| under_way(&old) || (same(&old) && held && !again)) {
                continue;
            }
            if row.status == Status::Waiting {
                let holder = self.store.lock(id, &row.stack).await?;
                if holder.number != id.number {
                    row.status = Status::Blocked;
                    row.said = format!("held by {} until that is merged or closed", self.forge.reference(holder.number));
                }
            }
            let plan = Work::Plan { pull: id.clone(), stack: row.stack.clone(), tree: row.tree.clone() };
            self.store.put(id, &row).await?;
            if row.status == Status::Waiting {
                self.store.add(&plan, delivery).await?;
            }
        }
        Ok(())
    }

    /// A pull request was merged or closed: what it holds is free.
    async fn end(&self, id: &PullId, delivery: &str) -> Done {
        let pull = self.forge.pull(id).await?;
        if pull.open {
            // It was opened again meanwhile, and that was told, too.
            return Ok(());
        }
        if self.store.seen(id).await?.is_none() {
            return Ok(());
        }
        self.store.see(&pull, "").await?;
        for mut row in self.store.rows(id).await? {
            // Whoever applies it frees it.
            if row.status == Status::Applying {
                continue;
            }
            if matches!(row.status, Status::Waiting | Status::Planning | Status::Blocked) {
                row.status = Status::Refused;
                row.said = format!("The {} ended before it was planned.", self.forge.word());
            }
            row.plan = None;
            self.store.put(id, &row).await?;
            self.free(id, Some(&row.stack), delivery).await?;
        }
        self.tidy(&pull).await?;
        Ok(self.store.add_once(&Work::Tell(id.clone()), delivery).await?)
    }

    /// Lets go of stacks, and has those planned that wait for them.
    pub(super) async fn free(&self, id: &PullId, stack: Option<&str>, delivery: &str) -> Done {
        for waiting in self.store.unlock(id, stack).await? {
            info!(number = waiting.number, "it gets its turn");
            self.store.add(&Work::Heed(Event::Changed(waiting)), delivery).await?;
        }
        Ok(())
    }

    /// Says something of a pull request as a whole.
    async fn remark(&self, pull: &Pull, text: String, delivery: &str) -> Done {
        self.store.see(pull, &text).await?;
        Ok(self.store.add_once(&Work::Tell(pull.id.clone()), delivery).await?)
    }

    /// The tree of a pull request; or why it has none, for people.
    pub(super) async fn tree(&self, pull: &Pull) -> Done<Result<PathBuf, String>> {
        let remote = self.forge.remote(&pull.id).await?;
        // Only for a moment: what can't be fetched must not hold up the other pull requests.
        let mut waits = [1, 3].into_iter();
        let tree = loop {
            match (self.checkouts.tree(pull, &remote).await, waits.next()) {
                (Err(Failed::Git(why)), Some(seconds)) if !self.stop.is_cancelled() => {
                    warn!(why, "git failed; once more in {seconds} s");
                    self.pause(Duration::from_secs(seconds)).await;
                }
                (tree, _) => break tree,
            }
        };
        match tree {
            Ok(tree) => Ok(Ok(tree)),
            Err(Failed::Conflict(files)) => {
                let files: Vec<String> = files.iter().map(|file| crate::show::gfm::code(file)).collect();
                let base = crate::show::gfm::code(&pull.base_branch);
                Ok(Err(format!("It conflicts with {base} in {}. Resolve that, and it is planned.", files.join(", "))))
            }
            Err(Failed::Git(why)) => {
                Ok(Err(format!("Git could not check it out. `ferroform plan` tries again.\n\n{}", crate::show::gfm::said(&why))))
            }
        }
    }

    /// The rules, of the base branch: a pull request doesn't make its own.
    pub(super) async fn rules(&self, pull: &Pull) -> Result<Rules, String> {
        let Some(text) = self.checkouts.at_base(pull, config::FILE).await else { return Ok(Rules::default()) };
        config::read(text).map(|config| config.rules).map_err(|errors| wrong(&errors))
    }

    /// What the pull request touches; or what is wrong with its configuration.
    async fn found(&self, tree: &Path, pull: &Pull) -> Result<Touched, String> {
        let wrong = |errors: Diagnostics| wrong(&errors);
        let projects = config::load(tree).map_err(wrong)?.projects(tree);
        let changed = touched::changed(tree, &pull.base, &pull.head).await.map_err(wrong)?;
        let before = touched::before(tree, &pull.base, &pull.head).await.map_err(wrong)?;
        let states = self.runner(&pull.id.repository).states.unwrap_or_else(|| tree.join("state"));
        let cache = self.cache.as_deref();
        let find = || touched::touched(tree, &projects, &changed, Some(&before), cache).without_empty(&before, &states);
        Ok(tokio::task::block_in_place(find))
    }

    /// Takes away trees that nothing needs any more.
    async fn tidy(&self, pull: &Pull) -> Done {
        let mut kept: Vec<String> = self.store.rows(&pull.id).await?.into_iter().map(|row| row.tree).collect();
        if pull.open {
            kept.push(Checkouts::name(pull));
        } else {
            let applying = self.store.rows(&pull.id).await?.into_iter().filter(|row| row.status == Status::Applying);
            kept = applying.map(|row| row.tree).collect();
        }
        self.checkouts.keep_only(&pull.id.repository, pull.id.number, &kept).await;
        Ok(())
    }
}

fn wrong(errors: &Diagnostics) -> String {
    format!("Nothing is planned:\n\n{}", crate::show::gfm::said(&errors.to_string()))
}
