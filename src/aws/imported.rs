//! What the user said of an import and the id does not tell. Terraform's ids of some types are names that several may have.

use std::sync::Arc;

use super::client::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Id;

fn key(kind: &str, id: &str) -> String {
    format!("imported:{kind}:{id}")
}

/// Keeps what was said of that id, for the read that follows.
pub async fn remember(aws: &Aws, kind: &str, id: &str, said: &[String]) -> Outcome<Id> {
    let held: Arc<Vec<String>> = aws.kept.once(key(kind, id), || async { Ok(said.to_vec()) }).await?;
    if *held == said {
        return Ok(id.to_owned());
    }
    let message = format!("two imports of the id `{id}`, of {} and of {}", held.join("/"), said.join("/"));
    Err(Failure::other(message).help("import one in this run and the other in the next"))
}

/// What was said of that id in this run, if it is an import's.
pub async fn recall(aws: &Aws, kind: &str, id: &str) -> Option<Arc<Vec<String>>> {
    aws.kept.once(key(kind, id), || async { Err(Failure::other("nothing was said of it")) }).await.ok()
}
