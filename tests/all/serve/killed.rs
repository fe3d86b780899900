//! Servers that die, and what the next one makes of it.

use std::process::Command;
use std::sync::mpsc;

use super::world::{World, git};
use crate::support::proxy::{Moment, Proxy, Verdict};

const STACK: &str = "[resource.aws_sns_topic.first]\nname = \"first\"\n
[resource.aws_cloudwatch_log_group.second]\nname = \"/${aws_sns_topic.first.name}/second\"\n
[resource.aws_sns_topic.third]\nname = \"third\"\ntags = { After = \"${aws_cloudwatch_log_group.second.name}\" }\n";

/// A pull request that makes three things, whose apply stands still at the second; then the server is killed.
fn halted(child_too: bool) {
    let mut world = World::new(&[], &[("stacks/app/stack.toml", "[locals]\nnothing = 1\n"), ("ferroform.toml", "[bot]\napprovals = 0\n")]);
    let proxy = Proxy::new(&world.cloud.endpoint, 3);
    let through = world.cloud.through(proxy.endpoint());
    let command = world.command(&through);
    world.start_with(command);
    world.branch("three", |world| world.write("stacks/app/stack.toml", STACK));
    let n = world.open("three");
    world.comment(n, &["aws_sns_topic.third", "ferroform apply"], &["planning"]);
    let (halted, is_halted) = mpsc::channel();
    let mut halts = Some(halted);
    proxy.gate(move |moment, call| match (moment, &halts) {
        (Moment::Before, Some(_)) if call.action == "CreateLogGroup" => {
            let (go, gone) = tokio::sync::oneshot::channel();
            halts.take().unwrap().send(go).unwrap();
            Verdict::Hold(gone)
        }
        _ => Verdict::Pass,
    });
    world.say(n, "ann", "ferroform apply");
    let go = is_halted.recv().unwrap();
    let server = world.service().child.id();
    let children = || {
        let listed = Command::new("pgrep").args(["-f", &format!("apply .*{}", world.folder.path().display())]).output().unwrap();
        String::from_utf8(listed.stdout).unwrap().lines().map(|pid| pid.parse::<u32>().unwrap()).collect::<Vec<_>>()
    };
    let applies: Vec<u32> = children().into_iter().filter(|pid| *pid != server).collect();
    assert!(!applies.is_empty(), "the apply is a process of its own");
    world.kill();
    if child_too {
        for pid in applies {
            assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
        }
    }
    go.send(()).unwrap_or_default();
    let command = world.command(&through);
    world.start_with(command);
    world.comment(n, &["applied"], &["applying"]);
    assert_eq!((proxy.count("CreateLogGroup") <= 2, proxy.count("CreateTopic")), (true, 2), "nothing was made twice: {:?}", proxy.counts());
    git(&world.work(), &["checkout", "--quiet", "three"]);
    let plan = world.by_hand(&["plan", "stacks/app", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{plan:?}");
    assert_eq!(world.kept(n).len(), 1);
}

#[test]
fn an_apply_goes_on_when_its_server_is_killed() {
    halted(false);
}

#[test]
fn the_next_server_ends_an_apply_that_died_with_its_own() {
    halted(true);
}
