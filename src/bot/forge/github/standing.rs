//! What stands in the way of a merge.

use serde::Deserialize;

use super::{GitHub, User, of, repository};
use crate::bot::forge::wire::{Wire, part};
use crate::bot::forge::{Answer, Forge, Permission, Pull, Standing};

#[derive(Deserialize)]
struct Review {
    user: Option<User>,
    state: String,
}

#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
}

#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
}

#[derive(Deserialize)]
struct Compared {
    behind_by: u64,
}

impl GitHub {
    pub(super) async fn stands(&self, pull: &Pull, ours: &str) -> Answer<Standing> {
        let (approved_by, rejected_by) = self.reviewed(pull).await?;
        let mut standing = Standing { approved_by, rejected_by, ..Standing::default() };
        let commit = format!("{}/commits/{}", repository(&pull.id.repository), part(&pull.head));
        let runs: Vec<Run> = self.list(&format!("{commit}/check-runs?filter=latest"), "check_runs").await?;
        for run in runs.into_iter().filter(|run| !run.name.starts_with(ours)) {
            match (run.status.as_str(), run.conclusion.as_deref()) {
                ("completed", Some("success" | "neutral" | "skipped")) => {}
                ("completed", _) => standing.failing.push(run.name),
                _ => standing.pending.push(run.name),
            }
        }
        let statuses: Vec<Status> = self.list(&format!("{commit}/status"), "statuses").await?;
        for status in statuses.into_iter().filter(|status| !status.context.starts_with(ours)) {
            match status.state.as_str() {
                "success" => {}
                "pending" => standing.pending.push(status.context),
                _ => standing.failing.push(status.context),
            }
        }
        for list in [&mut standing.failing, &mut standing.pending] {
            list.sort();
            list.dedup();
        }
        // The first page would have all that differs between the two.
        let range = format!("{}...{}", part(&pull.base), part(&pull.head));
        let compared: Compared = self.get(&format!("{}/compare/{range}?per_page=1&page=2", repository(&pull.id.repository))).await?;
        standing.behind = compared.behind_by;
        Ok(standing)
    }

    /// Who approved and who asked for changes. GitHub's own way: of each reviewer the last word counts, on whatever commit, if they may write.
    async fn reviewed(&self, pull: &Pull) -> Answer<(Vec<String>, Vec<String>)> {
        let reviews: Vec<Review> = self.list(&format!("{}/reviews", of(&pull.id, "pulls")), "").await?;
        let mut last: Vec<(String, String)> = vec![];
        for Review { user, state } in reviews {
            let Some(User { login }) = user else { continue };
            if login.eq_ignore_ascii_case(&pull.author) || !matches!(state.as_str(), "APPROVED" | "CHANGES_REQUESTED" | "DISMISSED") {
                continue;
            }
            last.retain(|(who, _)| *who != login);
            last.push((login, state));
        }
        let (mut approved, mut rejected) = (vec![], vec![]);
        for (who, state) in last.into_iter().filter(|(_, state)| state != "DISMISSED") {
            // What an answer says of the author's association is more than they may: a member of the organisation need not write here.
            if self.permission(&pull.id.repository, &who).await? >= Permission::Write {
                if state == "APPROVED" { approved.push(who) } else { rejected.push(who) }
            }
        }
        Ok((approved, rejected))
    }
}
