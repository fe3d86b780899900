//! Changes of the records of a zone: those that many steps want at the same time are one transaction.

use std::sync::Arc;

use aws_sdk_route53::Client;
use aws_sdk_route53::error::SdkError;
use aws_sdk_route53::operation::change_resource_record_sets::ChangeResourceRecordSetsError;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, ResourceRecordSet};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};

use super::{Swept, in_sync, is, lookup, sweep};
use crate::aws::Aws;
use crate::aws::gather::Gatherer;
use crate::words::failure::{Cause, Failure, Outcome};

/// How many values of records one transaction takes, and how many characters they have; an UPSERT counts twice.
const VALUES: usize = 1000;
const CHARACTERS: usize = 32_000;

/// Which record set of a zone.
#[derive(Clone, Debug)]
pub(super) struct Named {
    /// Its whole name.
    pub name: String,
    /// Its type.
    pub kind: String,
    /// What tells it from others of its name.
    pub identifier: Option<String>,
}

/// What becomes of one record.
#[derive(Clone, Debug, Default)]
pub(super) struct Wish {
    /// The one that goes. Route 53 deletes only what is named with all its values: what it has is looked for.
    pub remove: Option<Named>,
    /// The one that is put there.
    pub put: Option<(ChangeAction, ResourceRecordSet)>,
}

impl Wish {
    /// How many values it may have in a transaction, and how many characters.
    fn size(&self) -> (usize, usize) {
        let Some((action, set)) = &self.put else { return (1, 0) };
        let times = if *action == ChangeAction::Upsert { 2 } else { 1 };
        let records = set.resource_records();
        (times * records.len().max(1), times * records.iter().map(|r| r.value.len()).sum::<usize>())
    }
}

/// Done when all name servers know of it.
type Spread = Shared<BoxFuture<'static, Outcome<()>>>;

/// How many of them one transaction takes.
fn fit(wishes: &[Wish]) -> usize {
    let sums = wishes.iter().map(Wish::size).scan((0, 0), |sum, (values, characters)| {
        *sum = (sum.0 + values, sum.1 + characters);
        Some(*sum)
    });
    sums.take_while(|(values, characters)| *values <= VALUES && *characters <= CHARACTERS).count()
}

/// One transaction: all of it happens or nothing.
async fn transaction(route53: Client, zone: String, wishes: Vec<Wish>) -> Outcome<Vec<Spread>> {
    let leaving: Vec<&Named> = wishes.iter().filter_map(|w| w.remove.as_ref()).collect();
    // What is there no longer needs no change. Deletions first: a record may come in place of one of another type.
    let gone = found(&route53, &zone, &leaving).await?.into_iter().flatten().map(|set| (ChangeAction::Delete, set));
    let put = wishes.iter().filter_map(|w| w.put.clone());
    let changes = gone.chain(put).map(|(action, set)| Change::builder().action(action).resource_record_set(set).build());
    let changes = changes.collect::<Result<Vec<_>, _>>()?;
    let mut made = None;
    if !changes.is_empty() {
        let batch = ChangeBatch::builder().set_changes(Some(changes)).build()?;
        let call = route53.change_resource_record_sets().hosted_zone_id(zone).change_batch(batch);
        made = call.send().await.map_err(explained)?.change_info;
    }
    let spread: Spread = async move { in_sync(&route53, made.as_ref()).await }.boxed().shared();
    Ok(wishes.iter().map(|_| spread.clone()).collect())
}

/// Those record sets as the zone has them.
async fn found(route53: &Client, zone: &str, named: &[&Named]) -> Outcome<Vec<Option<ResourceRecordSet>>> {
    let swept = match named.len() {
        0 | 1 => Swept { sets: vec![], whole: false },
        calls => sweep(route53, zone, calls).await?,
    };
    let mut sets = Vec::with_capacity(named.len());
    for Named { name, kind, identifier } in named {
        let found = swept.sets.iter().find(|set| is(set, name, kind, identifier.as_deref()));
        sets.push(match found {
            None if !swept.whole => lookup(route53, zone, name, kind, identifier.as_deref()).await?,
            found => found.cloned(),
        });
    }
    Ok(sets)
}

/// Changes a record, in one transaction with all that others want of the zone at the same time; done when the name servers have it.
pub(super) async fn change(aws: &Aws, zone: &str, wish: Wish) -> Outcome<()> {
    let changes = || async {
        let (route53, zone) = (aws.route53.clone(), zone.to_owned());
        Ok(Gatherer::new(fit, move |wishes| transaction(route53.clone(), zone.clone(), wishes).boxed()))
    };
    let changes: Arc<Gatherer<Wish, Spread>> = aws.kept.once(format!("route53:changes:{zone}"), changes).await?;
    changes.ask(wish).await?.await
}

fn explained(error: SdkError<ChangeResourceRecordSetsError, HttpResponse>) -> Failure {
    let messages = match error.as_service_error() {
        Some(ChangeResourceRecordSetsError::InvalidChangeBatch(batch)) => batch.messages().join("; "),
        _ => String::new(),
    };
    let mut failure = Failure::from(error);
    if !messages.is_empty() {
        failure.message = messages;
    }
    match failure.message.as_str() {
        exists if exists.contains("but it already exists") => {
            failure.because(Cause::Exists).help("import it; or let this one replace it with `allow_overwrite = true`")
        }
        gone if gone.contains("but it was not found") => failure.because(Cause::Gone),
        changed if changed.contains("do not match the current values") => failure.because(Cause::Busy),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_route53::types::{ResourceRecord, RrType};

    use super::*;

    #[test]
    fn a_transaction_holds_what_route53_takes() {
        let wish = |action: ChangeAction, values: usize, long: usize| {
            let record = |_| ResourceRecord::builder().value("x".repeat(long)).build().unwrap();
            let set =
                ResourceRecordSet::builder().name("a").r#type(RrType::Txt).set_resource_records(Some((0..values).map(record).collect()));
            Wish { remove: None, put: Some((action, set.build().unwrap())) }
        };
        let many = |action: ChangeAction, values, long| vec![wish(action, values, long); 2000];
        assert_eq!(fit(&many(ChangeAction::Create, 1, 10)), 1000);
        assert_eq!(fit(&many(ChangeAction::Upsert, 2, 10)), 250);
        assert_eq!(fit(&many(ChangeAction::Create, 1, 4000)), 8);
    }
}
