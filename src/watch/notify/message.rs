//! What templates get, and what the generic webhook sends.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::show::line::count;
use crate::watch::history::{Delivery, News};
use crate::words::drift::Finding;

/// The data of a delivery.
pub(super) fn data(delivery: &Delivery, open: &[Finding], now: Timestamp) -> Json {
    let of = |news: News| delivery.news.iter().filter(|(other, _)| *other == news).map(|(_, finding)| finding).collect::<Vec<_>>();
    let (found, still, resolved) = (of(News::Found), of(News::Still), of(News::Resolved));
    let name = name(&delivery.stack, &delivery.workspace);
    let parts = [(found.len(), "new finding"), (still.len(), "known finding")].map(|(n, word)| (n > 0).then(|| count(n, word)));
    let over = (!resolved.is_empty()).then(|| format!("{} resolved", resolved.len()));
    let parts: Vec<String> = parts.into_iter().flatten().chain(over).collect();
    complete(json!({
        "version": 1, "delivery": delivery.id, "attempt": delivery.attempts + 1, "repeated": delivery.repeated, "at": now,
        "stack": delivery.stack, "workspace": delivery.workspace, "account": delivery.account, "summary": format!("{name}: {}", parts.join(", ")),
        "name": name, "found": found, "still": still, "resolved": resolved, "open": open,
    }))
}

/// The data with themselves as `all`, which is what goes over the wire as it is.
pub(super) fn complete(mut data: Json) -> Json {
    let mut all = data.clone();
    if let Some(all) = all.as_object_mut() {
        all.remove("name");
        all.remove("open");
    }
    data["all"] = all;
    data
}

/// A stack in a workspace, as people call it.
pub(super) fn name(stack: &str, workspace: &str) -> String {
    if workspace == "default" { stack.to_owned() } else { format!("{stack} ({workspace})") }
}
