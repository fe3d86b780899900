//! Application Auto Scaling.

use std::collections::BTreeSet;

use super::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Cx;

pub mod metrics;
pub mod policy;
pub mod target;

/// How many resources one call describes.
const PAGE: usize = 50;

/// A text that says something.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// A number for a call.
fn int(n: Option<i64>) -> Option<i32> {
    n.and_then(|n| i32::try_from(n).ok())
}

/// The parts of `NAMESPACE/RESOURCE/DIMENSION`; the resource may have slashes of its own.
fn parts(given: &str) -> Option<[String; 3]> {
    let (namespace, rest) = given.split_once('/')?;
    let (resource, dimension) = rest.rsplit_once('/')?;
    let said = [namespace, resource, dimension];
    (dimension.contains(':') && said.iter().all(|p| !p.is_empty())).then(|| said.map(str::to_owned))
}

/// The services of which states hold something that is scaled, and ECS: each is listed by itself.
fn namespaces(cx: &Cx<'_, Aws>) -> BTreeSet<String> {
    let asked = cx.reads.asked(&["aws_appautoscaling_target", "aws_appautoscaling_policy"]);
    asked.filter_map(|a| a.prior.attr("service_namespace").as_str().map(str::to_owned)).chain(["ecs".to_owned()]).collect()
}

fn not_that(given: &str, what: &str, like: &str) -> Outcome<String> {
    Err(Failure::other(format!("`{given}` does not name {what}")).help(format!("write it like `{like}`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resources_may_have_slashes() {
        let wanted = ["ecs", "service/main/web", "ecs:service:DesiredCount"].map(str::to_owned);
        assert_eq!(parts("ecs/service/main/web/ecs:service:DesiredCount"), Some(wanted));
        assert_eq!(parts("ecs/service"), None);
        assert_eq!(parts("ecs/service/main/web/policy"), None);
    }
}
