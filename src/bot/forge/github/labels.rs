//! Labels of pull requests.

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{GitHub, of, repository};
use crate::bot::forge::wire::{Call, Wire, cut, part, refusal};
use crate::bot::forge::{Answer, Label, PullId};

/// The most characters of what a label means.
const MEANING: usize = 100;

#[derive(Deserialize)]
struct Named {
    name: String,
}

impl GitHub {
    /// See [`crate::bot::forge::Forge::label`]: one call where nothing changes.
    pub(super) async fn relabel(&self, id: &PullId, labels: &[Label], ours: &str) -> Answer<()> {
        let path = format!("{}/labels", of(id, "issues"));
        let there: Vec<Named> = self.list(&path, "").await?;
        // Names differ by more than their case.
        let has = |name: &str| there.iter().any(|label| label.name.eq_ignore_ascii_case(name));
        let missing: Vec<&Label> = labels.iter().filter(|label| !has(&label.name)).collect();
        for label in &missing {
            self.make(&id.repository, label).await?;
        }
        if !missing.is_empty() {
            let names: Vec<&str> = missing.iter().map(|label| label.name.as_str()).collect();
            self.told::<Json>(&Call::post(&path, json!({ "labels": names }))).await?;
        }
        let wanted = |name: &str| labels.iter().any(|label| label.name.eq_ignore_ascii_case(name));
        for label in there.iter().filter(|label| label.name.starts_with(ours) && !wanted(&label.name)) {
            let call = Call::delete(format!("{path}/{}", part(&label.name)));
            let reply = self.ask(&call).await?;
            // Somebody was faster.
            if !reply.good() && reply.status != 404 {
                return Err(refusal::<Self>(&call, &reply));
            }
        }
        Ok(())
    }

    /// Makes a label, if it is not there. One that is there keeps the colour that people gave it.
    async fn make(&self, name: &str, label: &Label) -> Answer<()> {
        let key = (name.to_owned(), label.name.clone());
        if self.labels.lock().is_ok_and(|known| known.contains(&key)) {
            return Ok(());
        }
        let body = json!({ "name": label.name, "color": label.colour, "description": cut(&label.meaning, MEANING) });
        let call = Call::post(format!("{}/labels", repository(name)), body);
        let reply = self.ask(&call).await?;
        if !reply.good() && !(reply.status == 422 && reply.body.contains("already_exists")) {
            return Err(refusal::<Self>(&call, &reply));
        }
        if let Ok(mut known) = self.labels.lock() {
            known.insert(key);
        }
        Ok(())
    }
}
