//! What stands in the way of a merge.

use serde::Deserialize;

use super::{Found, GitLab, User, of, project};
use crate::bot::forge::wire::{Wire, part};
use crate::bot::forge::{Answer, Forge, Permission, Pull, Standing};

#[derive(Deserialize)]
struct Approvals {
    #[serde(default)]
    approved_by: Vec<Approval>,
}

#[derive(Deserialize)]
struct Approval {
    user: User,
}

#[derive(Deserialize)]
struct Reviewer {
    user: User,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct Status {
    name: String,
    status: String,
    #[serde(default)]
    allow_failure: bool,
}

#[derive(Deserialize)]
struct Pipeline {
    id: u64,
    sha: String,
    status: String,
    /// `external` is made of statuses that others tell, ours among them.
    #[serde(default)]
    source: String,
}

enum Stand {
    Good,
    Pending,
    Failed,
}

impl Stand {
    fn of(status: &str) -> Self {
        match status {
            // What waits for a hand is no obstacle before somebody begins it.
            "success" | "skipped" | "manual" => Self::Good,
            "failed" | "canceled" | "canceling" => Self::Failed,
            _ => Self::Pending,
        }
    }
}

impl GitLab {
    pub(super) async fn stands(&self, pull: &Pull, ours: &str) -> Answer<Standing> {
        let request = of(&pull.id);
        let mut standing = Standing::default();
        let approvals: Approvals = self.get(&format!("{request}/approvals")).await?;
        let reviewers: Vec<Reviewer> = self.find(&format!("{request}/reviewers")).await?.unwrap_or_default();
        let rejects = |user: &str| reviewers.iter().any(|reviewer| reviewer.user.username == user && reviewer.state == "requested_changes");
        for Approval { user: User { username } } in approvals.approved_by {
            if username != pull.author && !rejects(&username) && self.permission(&pull.id.repository, &username).await? >= Permission::Write
            {
                standing.approved_by.push(username);
            }
        }
        for Reviewer { user: User { username }, .. } in reviewers.iter().filter(|reviewer| rejects(&reviewer.user.username)) {
            if *username != pull.author && self.permission(&pull.id.repository, username).await? >= Permission::Write {
                standing.rejected_by.push(username.clone());
            }
        }
        self.checked(pull, ours, &mut standing).await?;
        let found: Found = self.get(&format!("{request}?include_diverged_commits_count=true")).await?;
        standing.behind = found.diverged_commits_count.unwrap_or_default();
        Ok(standing)
    }

    /// Jobs and statuses of the head, and pipelines that say more than those.
    async fn checked(&self, pull: &Pull, ours: &str, standing: &mut Standing) -> Answer<()> {
        let path = format!("{}/repository/commits/{}/statuses", project(&pull.id.repository), part(&pull.head));
        let statuses: Vec<Status> = self.list(&path, "").await?;
        let mine = statuses.iter().filter(|status| status.name.starts_with(ours)).map(|status| Stand::of(&status.status));
        // A pipeline that holds one of ours is as that one is.
        let good = mine.into_iter().all(|stand| matches!(stand, Stand::Good));
        for status in statuses.into_iter().filter(|status| !status.name.starts_with(ours)) {
            match Stand::of(&status.status) {
                Stand::Failed if !status.allow_failure => standing.failing.push(status.name),
                Stand::Pending => standing.pending.push(status.name),
                _ => {}
            }
        }
        let pipelines: Vec<Pipeline> = self.list(&format!("{}/pipelines", of(&pull.id)), "").await?;
        let newest = pipelines.into_iter().find(|pipeline| pipeline.sha == pull.head && pipeline.source != "external");
        if let Some(pipeline) = newest.filter(|_| good && standing.failing.is_empty() && standing.pending.is_empty()) {
            let name = format!("pipeline {}", pipeline.id);
            match Stand::of(&pipeline.status) {
                Stand::Failed => standing.failing.push(name),
                Stand::Pending => standing.pending.push(name),
                Stand::Good => {}
            }
        }
        for list in [&mut standing.failing, &mut standing.pending] {
            list.sort();
            list.dedup();
        }
        Ok(())
    }
}
