//! The priorities of a listener's rules. No two rules have the same, and AWS moves many at once: only so can two be swapped.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::types::{Rule, RulePriorityPair};
use tokio::sync::Mutex;
use tokio::time::sleep;

use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Id;

/// How long the first that is to be moved waits for others.
const GATHERS: Duration = Duration::from_millis(50);
/// How often a free priority is looked for: rules that are made side by side find the same.
const TRIES: usize = 20;
/// The last priority that there is.
const LAST: i32 = 50_000;

/// The rules of one listener that are to be moved, and where to.
type Moves = Mutex<BTreeMap<Id, i32>>;

/// All rules of a listener.
pub(super) async fn rules(aws: &Aws, listener: &str) -> Outcome<Vec<Rule>> {
    let mut pages = aws.elb.describe_rules().listener_arn(listener).page_size(400).into_paginator().items().send();
    let mut found = vec![];
    while let Some(rule) = pages.next().await {
        found.push(rule.map_err(Failure::from)?);
    }
    Ok(found)
}

/// The priority as a number; none for the default rule.
pub(super) fn of(rule: &Rule) -> Option<i32> {
    rule.priority().and_then(|p| p.parse().ok())
}

/// Makes a rule behind all others, with whatever priority is free there.
pub(super) async fn behind_all<F>(aws: &Aws, listener: &str, create: impl Fn(i32) -> F) -> Outcome<Id>
where
    F: Future<Output = Outcome<Id>>,
{
    let mut tries = 0;
    loop {
        let last = rules(aws, listener).await?.iter().filter_map(of).max().unwrap_or(0);
        if last >= LAST {
            return Err(Failure::other(format!("behind the rule with the priority {LAST} none is possible"))
                .help("give the rule a `priority` of its own"));
        }
        tries += 1;
        match create(last + 1).await {
            Err(failure) if failure.code == "PriorityInUse" && tries < TRIES => {}
            other => return other,
        }
    }
}

/// Moves a rule. Those that are to be moved at the same time go in one call.
pub(super) async fn set(aws: &Aws, listener: &str, rule: &str, priority: i32) -> Outcome<()> {
    let moves: Arc<Moves> = aws.kept.once(format!("elb:moves:{listener}"), || async { Ok(Moves::default()) }).await?;
    moves.lock().await.insert(rule.to_owned(), priority);
    sleep(GATHERS).await;
    let mut moves = moves.lock().await;
    if !moves.contains_key(rule) {
        // Another has taken it along.
        return Ok(());
    }
    match send(aws, &moves).await {
        Ok(()) => {
            moves.clear();
            Ok(())
        }
        Err(failure) if failure.code == "PriorityInUse" => {
            let free = unhindered(&rules(aws, listener).await?, &moves);
            if !free.is_empty() {
                send(aws, &free).await?;
                moves.retain(|rule, _| !free.contains_key(rule));
            }
            if moves.contains_key(rule) { Err(failure) } else { Ok(()) }
        }
        Err(failure) => {
            moves.remove(rule);
            Err(failure)
        }
    }
}

async fn send(aws: &Aws, moves: &BTreeMap<Id, i32>) -> Outcome<()> {
    let pairs = moves.iter().map(|(rule, at)| RulePriorityPair::builder().rule_arn(rule).priority(*at).build()).collect();
    aws.elb.set_rule_priorities().set_rule_priorities(Some(pairs)).send().await?;
    Ok(())
}

/// Those of the moves that no rule stands in the way of which stays where it is.
fn unhindered(rules: &[Rule], moves: &BTreeMap<Id, i32>) -> BTreeMap<Id, i32> {
    let mut free = moves.clone();
    loop {
        let stays = |at: i32| rules.iter().any(|r| of(r) == Some(at) && r.rule_arn().is_some_and(|arn| !free.contains_key(arn)));
        let hindered: Vec<Id> = free.iter().filter(|(_, at)| stays(**at)).map(|(rule, _)| rule.clone()).collect();
        if hindered.is_empty() {
            return free;
        }
        for rule in hindered {
            free.remove(&rule);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_stays_hinders_those_that_come_to_it_and_those_behind_them() {
        let rule = |arn: &str, at: &str| Rule::builder().rule_arn(arn).priority(at).build();
        let rules = [rule("a", "10"), rule("b", "20"), rule("c", "30"), rule("d", "40"), rule("stays", "50"), rule("rest", "default")];
        let moves = |pairs: &[(&str, i32)]| pairs.iter().map(|(rule, at)| ((*rule).to_owned(), *at)).collect::<BTreeMap<_, _>>();
        let swap = moves(&[("a", 20), ("b", 10)]);
        assert_eq!(unhindered(&rules, &swap), swap);
        let all = moves(&[("a", 20), ("b", 10), ("c", 40), ("d", 50)]);
        assert_eq!(unhindered(&rules, &all), swap);
    }
}
