//! Comments on pull requests.

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{GitHub, User, login, of, repository};
use crate::bot::forge::comments::{Note, Notes};
use crate::bot::forge::patience::Waits;
use crate::bot::forge::wire::{Call, Wire, read, refusal};
use crate::bot::forge::{Answer, Forge, PullId, Refusal};

#[derive(Deserialize)]
struct Comment {
    id: u64,
    user: Option<User>,
    body: Option<String>,
    issue_url: Option<String>,
}

impl From<Comment> for Note {
    fn from(comment: Comment) -> Self {
        Self { id: comment.id, author: login(comment.user), text: comment.body.unwrap_or_default() }
    }
}

/// `/repos/acme/infra/issues/comments/1`
fn one(id: &PullId, comment: u64) -> String {
    format!("{}/issues/comments/{comment}", repository(&id.repository))
}

impl Notes for GitHub {
    async fn ours(&self) -> Answer<String> {
        self.me().await
    }

    async fn note(&self, id: &PullId, note: u64) -> Answer<Option<Note>> {
        let found: Option<Comment> = self.find(&one(id, note)).await?;
        // Of this pull request, not of another one.
        let here = |comment: &Comment| {
            comment.issue_url.as_deref().is_none_or(|url| url.rsplit('/').next() == Some(id.number.to_string().as_str()))
        };
        Ok(found.filter(here).map(Note::from))
    }

    async fn notes(&self, id: &PullId, page: usize) -> Answer<(Vec<Note>, bool)> {
        let (found, more) = self.page::<Comment>(&format!("{}/comments", of(id, "issues")), "", page).await?;
        Ok((found.into_iter().map(Note::from).collect(), more))
    }

    async fn recent(&self, id: &PullId, since: Timestamp) -> Answer<Vec<Note>> {
        let since = (since - SignedDuration::from_secs(1)).strftime("%Y-%m-%dT%H:%M:%SZ");
        let found: Vec<Comment> = self.list(&format!("{}/comments?since={since}", of(id, "issues")), "").await?;
        Ok(found.into_iter().map(Note::from).collect())
    }

    async fn write(&self, waits: &mut Waits, id: &PullId, text: &str) -> Answer<Option<u64>> {
        let call = Call::post(format!("{}/comments", of(id, "issues")), json!({ "body": text }));
        let Some(reply) = self.attempt(waits, &call).await? else { return Ok(None) };
        Ok(Some(read::<Self, Comment>(&call, &reply)?.id))
    }

    async fn rewrite(&self, id: &PullId, note: u64, text: &str) -> Answer<bool> {
        match self.told::<Comment>(&Call::patch(one(id, note), json!({ "body": text }))).await {
            Ok(_) => Ok(true),
            Err(Refusal::Missing(_)) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }
}

impl GitHub {
    pub(super) async fn react(&self, id: &PullId, comment: u64) -> Answer<()> {
        let call = Call::post(format!("{}/reactions", one(id, comment)), json!({ "content": "eyes" }));
        let reply = self.ask(&call).await?;
        // It is gone, or it is the text of a review.
        if reply.good() || reply.status == 404 { Ok(()) } else { Err(refusal::<Self>(&call, &reply)) }
    }
}
