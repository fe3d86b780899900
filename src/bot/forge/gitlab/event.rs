//! What GitLab's webhooks say.

use std::collections::BTreeMap;

use crate::bot::forge::webhook::{Payload, branch};
use crate::bot::forge::{Event, PullId};

/// Translates a webhook.
pub(super) fn event(headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Event, String> {
    let Some(kind) = headers.get("x-gitlab-event") else {
        return Err("there is no header X-Gitlab-Event: this is no webhook of GitLab".into());
    };
    let payload = Payload::read(kind, headers, body)?;
    let ignored = |why: String| Ok(Event::Ignored(why));
    match kind.as_str() {
        "Merge Request Hook" => {
            let pull = |()| pull(&payload, "object_attributes/iid");
            match payload.text("object_attributes/action") {
                "open" | "reopen" => pull(()).map(Event::Changed),
                // Other commits, another base, or no draft any more; all else is talk.
                "update" if !payload.text("object_attributes/oldrev").is_empty() => pull(()).map(Event::Changed),
                "update" if payload.at("changes/target_branch").is_object() => pull(()).map(Event::Changed),
                "update" if payload.at("changes/draft/current") == false => pull(()).map(Event::Changed),
                "close" | "merge" => pull(()).map(Event::Ended),
                action => ignored(format!("the event `{kind}` with the action `{action}`")),
            }
        }
        "Note Hook" => {
            if payload.text("object_attributes/noteable_type") != "MergeRequest" {
                return ignored("a note on what is no merge request".into());
            }
            // GitLab had no action here before it told of edits.
            if !matches!(payload.text("object_attributes/action"), "create" | "") || payload.at("object_attributes/system") == true {
                return ignored("a note that is not new, or GitLab's own".into());
            }
            Ok(Event::Said {
                pull: pull(&payload, "merge_request/iid")?,
                comment: payload.number("object_attributes/id")?,
                user: payload.needed("user/username")?,
                text: payload.text("object_attributes/note").to_owned(),
            })
        }
        "Push Hook" => {
            let after = payload.text("after");
            if !after.is_empty() && after.bytes().all(|byte| byte == b'0') {
                return ignored("a branch was deleted".into());
            }
            match branch(&payload.needed("ref")?) {
                Some(branch) => Ok(Event::Pushed { repository: payload.needed("project/path_with_namespace")?, branch: branch.to_owned() }),
                None => ignored("a push to what is no branch".into()),
            }
        }
        kind => ignored(format!("the event `{kind}`")),
    }
}

fn pull(payload: &Payload<'_>, number: &str) -> Result<PullId, String> {
    Ok(PullId { repository: payload.needed("project/path_with_namespace")?, number: payload.number(number)? })
}
