//! Nothing is found where nobody changed anything, and a look at a thousand resources costs few calls.

use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

use crate::support::bench::Bench;
use crate::support::project::Project;
use crate::support::sandbox::cloud;

/// How often what nobody touched is looked at; `DRIFT_RUNS` makes it more.
pub fn runs() -> usize {
    std::env::var("DRIFT_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2)
}

/// A stack of ours, applied and then looked at again and again.
fn untouched(name: &'static str, vars: &[&str]) {
    let project = Project::of(name, cloud(), vars);
    let applied = project.run("apply", &["--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    for run in 1..=runs() {
        let said = project.run("drift", &[]);
        assert_eq!(said.code, 0, "run {run} over {name}\n{}\n{}", said.out, said.err);
        assert!(said.out.contains("in order · ") && !said.out.contains("not looked at"), "{}", said.out);
    }
    println!("{name}: {} runs, nothing found", runs());
}

#[test]
fn nothing_is_found_in_the_gateway_node() {
    untouched("gateway-node", &[]);
}

#[test]
fn nothing_is_found_in_clawgent() {
    untouched("clawgent", &[crate::clawgent::SSH]);
}

#[test]
fn nothing_is_found_in_the_ecs_platform() {
    untouched("ecs-platform", &[]);
}

/// What is asked for one at a time, since AWS answers for one at a time.
const SINGLE: &[&str] = &["ec2 DescribeLaunchTemplateVersions"];

/// Fifteen types and more, a thousand resources.
const MANY: &str = include_str!("../../../benches/thousand.toml");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_resources_cost_few_calls() {
    let account = cloud();
    let mut bench = Bench::new(&account);
    let open = bench.open(MANY).unwrap();
    let plan =
        bench.plan_with(&open, &bench.state, &Options { purpose: Purpose::Apply, parallelism: 64, ..Options::default() }).await.unwrap();
    bench.apply(&open, &plan).await.unwrap();
    let kinds: std::collections::BTreeSet<&str> = bench.resources().map(|address| &*address.kind).collect();
    let (before, count) = (bench.counts(), bench.resources().count());
    let report = bench.drift(&open).await.unwrap();
    assert!(report.findings.is_empty(), "{:#?}", report.findings);
    let spent: Vec<(String, u64)> =
        bench.counts().into_iter().map(|(call, n)| (call.clone(), n - before.get(&call).unwrap_or(&0))).filter(|(_, n)| *n > 0).collect();
    let calls: u64 = spent.iter().map(|(_, n)| n).sum();
    let single: u64 = spent.iter().filter(|(call, _)| SINGLE.contains(&call.as_str())).map(|(_, n)| n).sum();
    println!("{count} resources of {} types: {calls} calls, {single} of them of types with no batch read", kinds.len());
    spent.iter().for_each(|(call, n)| println!("  {n:>3} {call}"));
    assert!(count >= 1000 && kinds.len() >= 15);
    assert!(calls - single <= 60, "{spent:?}");
}
