//! Orders that no reference tells.

use crate::support::lab::Lab;
use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;

fn before(log: &[String], first: &str, second: &str) -> bool {
    let place = |line: &str| log.iter().position(|l| l == line).unwrap_or_else(|| panic!("no `{line}` in {log:?}"));
    place(first) < place(second)
}

/// Nets, each with a door and a host; the host comes first in the file, and a part lies between it and its net.
fn nets(names: &[&str]) -> String {
    let net = |n: &&str| {
        format!(
            "[resource.test_host.{n}]\nname = \"host-{n}\"\nneeds = [\"${{test_named.{n}.id}}\"]\n\
             [resource.test_named.{n}]\nname = \"part-{n}\"\nneeds = [\"${{test_thing.{n}.id}}\"]\n\
             [resource.test_door.{n}]\nname = \"door-{n}\"\nneeds = [\"${{test_thing.{n}.id}}\"]\n\
             [resource.test_thing.{n}]\nname = \"net-{n}\"\n"
        )
    };
    names.iter().map(net).collect()
}

fn destroying() -> Options {
    Options { purpose: Purpose::Destroy, parallelism: 1, ..Options::default() }
}

#[tokio::test]
async fn a_host_waits_for_the_door_of_its_net_and_goes_before_it() {
    // One call at a time, so that the log is the order.
    let one = Options { parallelism: 1, ..Options::default() };
    let lab = Lab::new(&nets(&["a", "b"]));
    lab.apply_with(&one, &Stop::default()).await.unwrap();
    let log = lab.log();
    assert!(before(&log, "create door-a-1", "create host-a-1") && before(&log, "create door-b-1", "create host-b-1"), "{log:?}");
    assert!(lab.plan().await.is_empty());
    lab.apply_with(&destroying(), &Stop::default()).await.unwrap();
    let log = lab.log();
    assert!(before(&log, "delete host-a-1", "delete door-a-1") && before(&log, "delete host-b-1", "delete door-b-1"), "{log:?}");
    assert!(lab.things().is_empty());
}

#[tokio::test]
async fn a_failed_door_stops_the_hosts_of_its_own_net_alone() {
    let lab = Lab::new(&nets(&["a", "b"]));
    lab.fault("create", "door-a", crate::support::cloud::How::Refuse, 1);
    let applied = lab.apply().await;
    assert_eq!(crate::support::lab::ended(&applied), ["test_door.a failed", "test_host.a skipped"]);
    lab.good().await;
    assert!(lab.plan().await.is_empty());
}

#[tokio::test]
async fn a_door_that_needs_the_host_is_no_circle() {
    // Each host leads to the other's door: what types say without a reference gives way to what references say.
    let crossed = "[resource.test_thing.n]\nname = \"net\"\n\
        [resource.test_host.a]\nname = \"host-a\"\nneeds = [\"${test_thing.n.id}\"]\n\
        [resource.test_host.b]\nname = \"host-b\"\nneeds = [\"${test_thing.n.id}\"]\n\
        [resource.test_door.a]\nname = \"door-a\"\nneeds = [\"${test_host.a.id}\"]\n\
        [resource.test_door.b]\nname = \"door-b\"\nneeds = [\"${test_host.b.id}\"]\n";
    let lab = Lab::new(crossed);
    lab.good().await;
    let log = lab.log();
    assert!(before(&log, "create host-a-1", "create door-a-1") && before(&log, "create host-b-1", "create door-b-1"), "{log:?}");
    lab.apply_with(&destroying(), &Stop::default()).await.unwrap();
    assert!(lab.things().is_empty());
}

#[tokio::test]
async fn thousands_of_hosts_with_many_doors_are_no_million_edges() {
    let stack = "[resource.test_thing.n]\nname = \"net\"\n\
        [resource.test_door.d]\ncount = 1000\nname = \"door${count.index}\"\nneeds = [\"${test_thing.n.id}\"]\n\
        [resource.test_host.h]\ncount = 1000\nname = \"host${count.index}\"\nneeds = [\"${test_thing.n.id}\"]\n";
    let lab = Lab::new(stack);
    let plan = lab.plan().await;
    let steps = ferroform::engine::steps::steps(&plan.changes, &lab.state(), &crate::support::cloud::REGISTRY).unwrap();
    assert!(steps.edge_count() < 10_000, "{}", steps.edge_count());
}
