//! Telling a pull request how it stands: the comment, the labels and the check.

use super::{Done, Server};
use crate::bot::forge::PullId;
use crate::bot::say;
use crate::bot::store::{Row, Seen, Status};
use crate::show::comment::{Outcome, Page, Stack};
use crate::show::gfm::code;

impl Server {
    /// Brings all of it up to date; what is so already is left alone.
    pub(super) async fn tell(&self, id: &PullId) -> Done {
        let Some(seen) = self.store.seen(id).await? else { return Ok(()) };
        let rows = self.store.rows(id).await?;
        if rows.is_empty() && seen.remark.is_empty() && seen.comment.is_none() {
            // It touches nothing of ours: it needs not be told that.
            return Ok(());
        }
        let page = self.page(&seen, &rows);
        let mark = say::mark(&format!("{}#{}", id.repository, id.number));
        let text = say::text(&page, &mark, self.forge.limit());
        let comment = self.forge.keep_comment(id, &mark, &text, seen.comment).await?;
        self.store.told(id, Some(comment), &seen.checked, seen.check).await?;
        let outcomes: Vec<&Outcome> = page.stacks.iter().map(|stack| &stack.outcome).collect();
        self.forge.label(id, &say::labels(&outcomes), say::LABELS).await?;
        let known = seen.check.filter(|_| seen.checked == seen.pull.head);
        let check = self.forge.check(&id.repository, &seen.pull.head, &say::check(&page), known).await?;
        self.store.told(id, Some(comment), &seen.pull.head, Some(check)).await?;
        Ok(())
    }

    fn page(&self, seen: &Seen, rows: &[Row]) -> Page {
        let stacks: Vec<Stack> = rows.iter().map(|row| Stack { name: row.project.name.clone(), outcome: outcome(row) }).collect();
        let mut hints: Vec<String> = vec![];
        if !seen.remark.is_empty() {
            hints.push(seen.remark.clone());
        } else if !seen.pull.open {
            let word = if seen.pull.merged.is_some() { "merged" } else { "closed" };
            let left: Vec<String> = rows
                .iter()
                .filter(|row| row.status == Status::Planned && row.digest.as_ref().is_some_and(|digest| !digest.counts.nothing()))
                .map(|row| code(&row.project.name))
                .collect();
            hints.push(if left.is_empty() {
                format!("This {} was {word}; it holds no stack any more.", self.forge.word())
            } else {
                format!("This {} was {word}. **Not applied:** {}.", self.forge.word(), left.join(", "))
            });
        } else {
            let held = rows.iter().filter(|row| row.status == Status::Blocked);
            // Not in the table, where all is code, so that a reader can click on it.
            hints.extend(held.map(|row| format!("{} is {}; then it is planned here.", code(&row.project.name), row.said)));
            let outcomes: Vec<&Outcome> = stacks.iter().map(|stack| &stack.outcome).collect();
            hints.extend(say::hints(&outcomes, true));
        }
        Page { commit: seen.pull.head.clone(), hints, rest: None, stacks }
    }
}

fn outcome(row: &Row) -> Outcome {
    let plan = || row.digest.clone().unwrap_or_default();
    let count = |n: i64| usize::try_from(n).unwrap_or(0);
    match row.status {
        Status::Waiting => Outcome::Waiting,
        Status::Planning => Outcome::Planning,
        Status::Planned => Outcome::Planned(plan()),
        Status::Unplanned => Outcome::Unplanned(row.said.clone()),
        Status::Blocked => Outcome::Refused("another one holds it".into()),
        Status::Refused => Outcome::Refused(row.said.clone()),
        Status::Applying => Outcome::Applying { plan: plan(), done: count(row.done), of: count(row.total) },
        Status::Applied => Outcome::Applied { plan: plan(), summary: row.said.clone() },
        Status::Failed => Outcome::Failed { plan: plan(), error: row.said.clone() },
    }
}
