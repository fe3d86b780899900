//! Notes on merge requests.

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;

use super::{GitLab, User, of};
use crate::bot::forge::comments::{Note, Notes};
use crate::bot::forge::patience::Waits;
use crate::bot::forge::wire::{Call, Wire, read};
use crate::bot::forge::{Answer, Forge, PullId, Refusal};

#[derive(Deserialize)]
struct Found {
    id: u64,
    author: Option<User>,
    #[serde(default)]
    body: String,
    created_at: Option<Timestamp>,
    /// What GitLab itself notes.
    #[serde(default)]
    system: bool,
}

impl From<Found> for Note {
    fn from(found: Found) -> Self {
        Self { id: found.id, author: found.author.map(|user| user.username).unwrap_or_default(), text: found.body }
    }
}

fn one(id: &PullId, note: u64) -> String {
    format!("{}/notes/{note}", of(id))
}

impl Notes for GitLab {
    async fn ours(&self) -> Answer<String> {
        self.me().await
    }

    async fn note(&self, id: &PullId, note: u64) -> Answer<Option<Note>> {
        Ok(self.find::<Found>(&one(id, note)).await?.map(Note::from))
    }

    async fn notes(&self, id: &PullId, page: usize) -> Answer<(Vec<Note>, bool)> {
        let (found, more) = self.page::<Found>(&format!("{}/notes?sort=asc&order_by=created_at", of(id)), "", page).await?;
        Ok((found.into_iter().filter(|note| !note.system).map(Note::from).collect(), more))
    }

    async fn recent(&self, id: &PullId, since: Timestamp) -> Answer<Vec<Note>> {
        let (found, _) = self.page::<Found>(&format!("{}/notes?sort=desc&order_by=created_at", of(id)), "", 1).await?;
        Ok(found.into_iter().filter(|note| note.created_at.is_none_or(|at| at >= since)).map(Note::from).collect())
    }

    async fn write(&self, waits: &mut Waits, id: &PullId, text: &str) -> Answer<Option<u64>> {
        let call = Call::post(format!("{}/notes", of(id)), json!({ "body": text }));
        let Some(reply) = self.attempt(waits, &call).await? else { return Ok(None) };
        Ok(Some(read::<Self, Found>(&call, &reply)?.id))
    }

    async fn rewrite(&self, id: &PullId, note: u64, text: &str) -> Answer<bool> {
        match self.told::<Found>(&Call::put(one(id, note), json!({ "body": text }))).await {
            Ok(_) => Ok(true),
            Err(Refusal::Missing(_)) => Ok(false),
            Err(refusal) => Err(refusal),
        }
    }
}
