//! Who did it, as far as the cloud's log tells.

use futures::stream::{self, StreamExt};

use super::Look;
use crate::state::State;
use crate::words::drift::Finding;
use crate::words::failure::Failure;
use crate::words::{Address, Value};

/// How many are asked about together. The log answers two questions a second; more wait for the rate that it bears.
const TOGETHER: usize = 2;

/// Asks about the first `most` of the findings. What ended it is given back: that the caller may not ask is told once.
pub async fn who(look: &Look, state: &State, findings: &mut [Finding], most: usize) -> Option<Failure> {
    let asked = findings.iter_mut().take(most).filter_map(|finding| {
        let address: Address = finding.address.parse().ok()?;
        let instance = state.instances.get(&address)?;
        let cloud = look.read.clouds.get(&instance.provider)?.clone();
        let names = names(&look.read.priors.get(&address)?.held);
        Some((finding, cloud, names))
    });
    let answers = stream::iter(asked.collect::<Vec<_>>()).map(|(finding, cloud, names)| async move {
        let answer = cloud.deed(&finding.kind, &names, finding.in_order).await;
        (finding, answer)
    });
    let mut answers = answers.buffered(TOGETHER);
    while let Some((finding, answer)) = answers.next().await {
        match answer {
            Ok(deed) => finding.by = deed,
            Err(failure) => return Some(failure),
        }
    }
    None
}

/// What a log may call it: its id, what it belongs to where that is what is changed, its name.
fn names(held: &Value) -> Vec<String> {
    let mut names: Vec<String> = vec![];
    for name in ["id", "security_group_id", "route_table_id", "role", "bucket", "name", "arn"] {
        if let Some(text) = held.attr(name).as_str().filter(|text| !text.is_empty() && !names.iter().any(|known| known == text)) {
            names.push(text.to_owned());
        }
    }
    names.truncate(3);
    names
}
