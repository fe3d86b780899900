//! What GitHub's webhooks say.

use std::collections::BTreeMap;

use crate::bot::forge::webhook::{Payload, branch};
use crate::bot::forge::{Event, PullId};

/// Translates a webhook.
pub(super) fn event(headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Event, String> {
    let Some(kind) = headers.get("x-github-event") else {
        return Err("there is no header X-GitHub-Event: this is no webhook of GitHub".into());
    };
    let payload = Payload::read(kind, headers, body)?;
    let action = payload.text("action");
    let ignored = |why: &str| Ok(Event::Ignored(why.to_owned()));
    match (kind.as_str(), action) {
        ("pull_request", "opened" | "reopened" | "synchronize" | "ready_for_review") => Ok(Event::Changed(pull(&payload, "number")?)),
        ("pull_request", "edited") if payload.at("changes/base").is_object() => Ok(Event::Changed(pull(&payload, "number")?)),
        ("pull_request", "closed") => Ok(Event::Ended(pull(&payload, "number")?)),
        ("issue_comment", "created") if !payload.at("issue/pull_request").is_object() => ignored("a comment on an issue"),
        ("issue_comment", "created") => said(&payload, "issue/number", "comment"),
        // Whose body is empty said it by its state, which is looked up when it matters.
        ("pull_request_review", "submitted") if payload.text("review/body").is_empty() => ignored("a review without words"),
        ("pull_request_review", "submitted") => said(&payload, "pull_request/number", "review"),
        ("push", _) if payload.at("deleted") == true => ignored("a branch or tag was deleted"),
        ("push", _) => match branch(&payload.needed("ref")?) {
            Some(branch) => Ok(Event::Pushed { repository: payload.needed("repository/full_name")?, branch: branch.to_owned() }),
            None => ignored("a push to what is no branch"),
        },
        ("ping", _) => ignored("a ping"),
        (kind, "") => ignored(&format!("the event `{kind}`")),
        (kind, action) => ignored(&format!("the event `{kind}` with the action `{action}`")),
    }
}

fn pull(payload: &Payload<'_>, number: &str) -> Result<PullId, String> {
    Ok(PullId { repository: payload.needed("repository/full_name")?, number: payload.number(number)? })
}

fn said(payload: &Payload<'_>, number: &str, thing: &str) -> Result<Event, String> {
    let pull = pull(payload, number)?;
    let (comment, text) = (payload.number(&format!("{thing}/id"))?, payload.text(&format!("{thing}/body")).to_owned());
    // The account may be gone.
    let user = match payload.text(&format!("{thing}/user/login")) {
        "" => "ghost".to_owned(),
        login => login.to_owned(),
    };
    Ok(Event::Said { pull, comment, user, text })
}
