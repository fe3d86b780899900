//! Every type, from its own example: each attribute that can change in place is changed through the API by someone else, drift names
//! exactly these, and mending makes them what they were.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ferroform::engine::plan::{Action, Plan, Purpose};
use ferroform::engine::planner::Options;
use ferroform::registry::REGISTRY;
use ferroform::words::Address;
use ferroform::words::drift::{Report, What};
use ferroform::words::resource::ResourceType;
use futures::stream::{self, StreamExt};

use super::many::runs;
use crate::support::bench::{Bench, Outcome, acts};
use crate::support::sandbox::cloud;

/// How many types are under way together.
const TOGETHER: usize = 8;
/// Nothing here takes that long.
const LIMIT: Duration = Duration::from_secs(120);

/// What others can change and no read tells, with the reason.
const UNSEEN: &[(&str, &str)] = &[
    ("aws_autoscaling_group.traffic_source", "says what `target_group_arns` says"),
    ("aws_ecs_service.force_new_deployment", "the state's alone"),
    ("aws_ecs_service.triggers", "the state's alone"),
    ("aws_eip.associate_with_private_ip", "how it was asked for: the private address that it has is told"),
    ("aws_instance.credit_specification", "asked for where the stack gives it: it would be a call for each instance"),
    ("aws_instance.disable_api_stop", "asked for where the stack sets it: it would be a call for each instance"),
    ("aws_instance.instance_initiated_shutdown_behavior", "asked for where the stack sets it: it would be a call for each instance"),
    ("aws_lb.minimum_load_balancer_capacity", "asked for where the stack gives it: it would be a call for each load balancer"),
    ("aws_route53_health_check.triggers", "the state's alone"),
    ("aws_secretsmanager_secret.policy", "one where the stack has none is not asked for: it would be a call for each secret"),
    ("aws_vpc.assign_generated_ipv6_cidr_block", "what the stack did not ask for is no network of its own"),
    ("aws_vpc.ipv6_cidr_block", "what the stack did not ask for is no network of its own"),
    ("aws_vpc.ipv6_cidr_block_network_border_group", "what the stack did not ask for is no network of its own"),
];

/// What comes along with what others change.
const ALONG: &[(&str, &str)] = &[
    ("aws_eip.network_interface", "that of the instance"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_", "a listener of HTTPS has them, one of HTTP has not"),
];

/// Types whose change can't be taken back in place, with the reason.
const LASTING: &[(&str, &str)] = &[
    ("aws_autoscaling_group", "AWS has no way to take `desired_capacity_type` away"),
    ("aws_route53_health_check", "AWS has no way to take an address away"),
];

/// Attributes of an instance, by its address.
type Names = BTreeMap<String, BTreeSet<String>>;

#[test]
fn every_attribute_that_changes_outside_is_named_and_mended() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let only = std::env::var("DRIFT").unwrap_or_default();
    let types: Vec<&dyn ResourceType> =
        REGISTRY.resources.iter().copied().filter(|ty| ty.name().contains(&only) && !ty.is_local()).collect();
    let count = types.len();
    let told = |ty: &'static dyn ResourceType| async move {
        let lived = tokio::time::timeout(LIMIT, live(ty)).await;
        (ty.name(), lived.unwrap_or_else(|_| Err(format!("takes longer than {} s", LIMIT.as_secs()))))
    };
    let mut all: Vec<(&str, Outcome<usize>)> = runtime.block_on(stream::iter(types).map(told).buffer_unordered(TOGETHER).collect());
    all.sort_by_key(|(name, _)| *name);
    let (mut attributes, mut failures) = (0, vec![]);
    for (name, outcome) in &all {
        match outcome {
            Ok(n) => {
                attributes += n;
                println!("{name:<50} {n:>3} attributes");
            }
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    UNSEEN.iter().for_each(|(path, why)| println!("    not seen: {path}: {why}"));
    println!("{count} types, {attributes} attributes");
    assert!(failures.is_empty(), "{} failures of {count} types:\n\n{}", failures.len(), failures.join("\n\n"));
}

/// How many attributes were changed, found and mended.
async fn live(ty: &'static dyn ResourceType) -> Outcome<usize> {
    let (first, second) = ty.example().split_once("\n---\n").ok_or("the example is not of two stacks")?;
    let account = cloud();
    let mut bench = Bench::new(&account);
    let open = bench.open(first)?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    bench.apply(&open, &plan).await?;
    for run in 1..=runs() {
        in_order(&bench.drift(&open).await?).map_err(|why| format!("untouched, run {run}: {why}"))?;
    }

    let mut other = bench.beside(&account);
    let meddling = other.open(second)?;
    let plan = other.plan(&meddling, Purpose::Apply).await?;
    let wanted = changed(&plan);
    other.apply(&meddling, &plan).await?;

    let report = bench.drift(&open).await?;
    let found = named(&report);
    let missing = |a: &Names, b: &Names| {
        let lacks = |(address, names): (&String, &BTreeSet<String>)| {
            let kind = address.split('.').next().unwrap_or_default();
            let along = |name: &String| ALONG.iter().any(|(begin, _)| format!("{kind}.{name}").starts_with(begin));
            let has = b.get(address);
            names
                .iter()
                .filter(|n| !has.is_some_and(|has| has.contains(*n)) && !along(n))
                .map(|n| format!("{address}.{n}"))
                .collect::<Vec<_>>()
        };
        a.iter().flat_map(lacks).collect::<Vec<_>>()
    };
    let (unfound, surplus) = (missing(&wanted, &found), missing(&found, &wanted));
    if !(unfound.is_empty() && surplus.is_empty()) {
        return Err(format!("changed and not found {unfound:?}\nfound and not changed {surplus:?}"));
    }

    let count = wanted.values().map(BTreeSet::len).sum();
    if LASTING.iter().any(|(kind, _)| *kind == ty.name()) {
        return Ok(count);
    }
    let targets = report.findings.iter().map(|f| f.address.parse::<Address>().unwrap().into()).collect();
    let options = Options { mend: true, targets, ..Options::default() };
    let plan = bench.plan_with(&open, &bench.state, &options).await?;
    bench.apply_with(&open, &plan, &options).await.map_err(|why| format!("mending: {why}"))?;
    in_order(&bench.drift(&open).await?).map_err(|why| format!("mended: {why}"))?;
    let left = acts(&bench.plan(&open, Purpose::Apply).await?);
    if !left.is_empty() {
        return Err(format!("mended, and the plan is not empty: {}", left.join("\n")));
    }
    Ok(count)
}

fn in_order(report: &Report) -> Outcome<()> {
    if report.findings.is_empty() && report.gaps.is_empty() {
        return Ok(());
    }
    let told =
        |finding: &ferroform::words::drift::Finding| format!("{} {}: {:?}", finding.address, finding.what.word(), finding.attributes);
    let findings: Vec<String> = report.findings.iter().map(told).collect();
    Err(format!("{}{:?}", findings.join("\n"), report.gaps))
}

/// What the plan changes in the cloud: what nobody but the state knows of is no drift.
fn changed(plan: &Plan) -> Names {
    let mut all = Names::new();
    for change in plan.changes.iter().filter(|change| change.action == Action::Update) {
        let attrs = REGISTRY.attrs(&change.address);
        let outside = |name: &&String| {
            let attr = attrs.iter().find(|a| a.name == **name);
            let path = format!("{}.{name}", change.address.kind);
            let seen = UNSEEN.iter().all(|(unseen, _)| *unseen != path);
            seen && attr.is_some_and(|a| !a.computed && !a.local && !a.write_only && a.name != "tags_all")
        };
        let names: BTreeSet<String> = change.changed.iter().filter(outside).cloned().collect();
        if !names.is_empty() {
            all.insert(change.address.to_string(), names);
        }
    }
    all
}

fn named(report: &Report) -> Names {
    let mut all = Names::new();
    for finding in &report.findings {
        assert_eq!(finding.what, What::Changed, "{finding:?}");
        let names = finding.attributes.iter().map(|d| d.path.split(['.', '[']).next().unwrap().to_owned());
        all.insert(finding.address.clone(), names.collect());
    }
    all
}
