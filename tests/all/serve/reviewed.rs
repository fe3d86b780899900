//! What a team sees of it: pull requests that are planned, reviewed, applied and merged.

use super::world::{World, git};
use crate::support::github::GitHub;
use crate::support::proxy::{Fault, Proxy};

/// The repository with the three stacks, of which gateway-node is applied.
fn three() -> World {
    let world = World::new(&["gateway-node", "clawgent", "ecs-platform"], &[]);
    let key = world.folder.path().join("key.pem");
    world.write("stacks/gateway-node/vars.toml", &format!("private_key_path = \"{}\"\n", key.display()));
    world.commit("the key");
    git(&world.work(), &["push", "--quiet", "origin", "main"]);
    let applied = world.by_hand(&["apply", "stacks/gateway-node", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    world
}

#[test]
fn a_pull_request_is_planned_approved_applied_and_merged() {
    let mut world = three();
    world.start();
    let serial = world.serial("gateway-node");
    world.branch("louder", |world| {
        world.edit("stacks/gateway-node/stack.toml", "threshold = 85", "threshold = 90");
        world.edit("stacks/gateway-node/templates/openclaw-gateway.service", "RestartSec=", "TimeoutStopSec=45\nRestartSec=");
    });
    let n = world.open("louder");
    let text =
        world.comment(n, &["gateway-node", "aws_cloudwatch_metric_alarm.gateway_memory", "ferroform apply"], &["planning", "waiting"]);
    assert!(text.contains("because <code>user_data</code> changes") && text.contains("- threshold = 85\n+ threshold = 90"), "{text}");
    assert!(!text.contains("clawgent") && !text.contains("ecs-platform"), "{text}");
    assert!(world.hub.labels(n).iter().any(|label| label.starts_with("ferroform: ")), "{:?}", world.hub.labels(n));
    let head = world.hub.pull(n).head;
    assert!(!world.hub.statuses(&head).is_empty() || !world.hub.checks(&head).is_empty(), "the commit has a check");

    // A second push edits the one comment.
    let first = world.kept(n)[0].id;
    world.branch("louder", |world| {
        world.edit("stacks/gateway-node/stack.toml", "threshold = 85", "threshold = 95");
        world.edit("stacks/gateway-node/templates/openclaw-gateway.service", "RestartSec=", "TimeoutStopSec=60\nRestartSec=");
    });
    world.tell(n, "synchronize");
    world.comment(n, &["+ threshold = 95", "because <code>user_data</code> changes"], &["threshold = 90", "planning", "waiting"]);
    assert_eq!(world.kept(n)[0].id, first);

    // Not before somebody else approves.
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["Nothing is applied yet", "approvals: 0 of 1"]);
    assert_eq!(world.serial("gateway-node"), serial);
    world.hub.approve(n, "ben");
    world.say(n, "ann", "Thanks!\n\nferroform apply");
    world.comment(n, &["was applied: 2 created, 3 changed, 2 destroyed"], &["applying"]);
    assert!(world.serial("gateway-node") > serial);
    let plan = world.by_hand(&["plan", "stacks/gateway-node", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "what was applied is what the branch says: {plan:?}");

    // Until the merge nobody else has the stack.
    assert!(world.folder.path().join("bot/checkouts/acme/infra/trees").read_dir().unwrap().next().is_some());
    world.hub.merge(n);
    world.tell(n, "closed");
    world.comment(n, &["was merged; it holds no stack any more"], &["Not applied"]);
    world.until("no trees", || {
        world.folder.path().join("bot/checkouts/acme/infra/trees").read_dir().unwrap().next().is_none().then_some(())
    });
    world.branch("quieter", |world| world.edit("stacks/gateway-node/stack.toml", "threshold = 95", "threshold = 70"));
    let other = world.open("quieter");
    world.comment(other, &["+ threshold = 70", "ferroform apply"], &["held by"]);
    assert_eq!(world.service().end(), 0, "SIGTERM ends it cleanly");
}

const LOG: &str = "[resource.aws_cloudwatch_log_group.app]\nname = \"/app/log\"\nretention_in_days = 7\n";

/// One small stack that is applied.
fn small() -> World {
    let world = World::new(&[], &[("stacks/app/stack.toml", LOG), ("ferroform.toml", "[bot]\napprovals = 0\n")]);
    let applied = world.by_hand(&["apply", "stacks/app", "--auto-approve"]);
    assert_eq!(applied.code, 0, "{applied:?}");
    world
}

fn days(world: &World, branch: &str, days: u32) {
    world.branch(branch, |world| {
        world.edit("stacks/app/stack.toml", "retention_in_days = 7", &format!("retention_in_days = {days}"));
    });
}

#[test]
fn two_pull_requests_on_one_stack_take_turns() {
    let mut world = small();
    world.start();
    days(&world, "two-weeks", 14);
    days(&world, "a-month", 30);
    let first = world.open("two-weeks");
    world.comment(first, &["+ retention_in_days = 14"], &[]);
    let second = world.open("a-month");
    world.comment(second, &["held by #1"], &["retention_in_days"]);
    world.say(second, "ann", "ferroform apply");
    world.reply(second, &["held by #1"]);
    world.hub.close(first);
    world.tell(first, "closed");
    world.comment(first, &["was closed", "Not applied", "app"], &[]);
    world.comment(second, &["+ retention_in_days = 30"], &["held by"]);
    // It lets go when it is told to, too.
    world.hub.edit(first, |pull| pull.open = true);
    world.tell(first, "reopened");
    world.comment(first, &["held by #2"], &[]);
    world.say(second, "ben", "ferroform unlock");
    world.comment(first, &["+ retention_in_days = 14"], &["held by"]);
    world.comment(second, &["unlocked by ben"], &[]);
}

#[test]
fn a_plan_of_yesterday_is_not_applied() {
    let mut world = small();
    world.start();
    days(&world, "two-weeks", 14);
    let n = world.open("two-weeks");
    world.comment(n, &["+ retention_in_days = 14"], &[]);
    // Somebody applies something from a workstation meanwhile.
    git(&world.work(), &["checkout", "--quiet", "main"]);
    world.edit("stacks/app/stack.toml", "retention_in_days = 7", "retention_in_days = 5");
    assert_eq!(world.by_hand(&["apply", "stacks/app", "--auto-approve"]).code, 0);
    let serial = world.serial("app");
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["was not applied, and nothing was done"]);
    assert_eq!(world.serial("app"), serial);
    world.comment(n, &["- retention_in_days = 5", "+ retention_in_days = 14"], &["planning", "waiting"]);
    // The base branch moves: the plan follows, and so does its apply.
    git(&world.work(), &["checkout", "--quiet", "--", "."]);
    world.write("README.md", "words\n");
    world.commit("words");
    git(&world.work(), &["push", "--quiet", "origin", "main"]);
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["of other commits than"]);
    let (event, body) = world.hub.told_push("main");
    assert_eq!(world.send(event, &body).0, 202);
    world.comment(n, &["+ retention_in_days = 14"], &["planning", "waiting"]);
    assert_eq!(world.serial("app"), serial);
}

#[test]
fn a_failing_apply_says_what_is_left() {
    let mut world = small();
    let proxy = Proxy::new(&world.cloud.endpoint, 7);
    let command = world.command(&world.cloud.through(proxy.endpoint()));
    world.start_with(command);
    world.branch("more", |world| {
        world.edit("stacks/app/stack.toml", "retention_in_days = 7", "retention_in_days = 14");
        let more =
            "\n[resource.aws_sns_topic.news]\nname = \"news\"\n\n[resource.aws_sns_topic.old]\nname = \"${aws_sns_topic.news.name}-old\"\n";
        let text = std::fs::read_to_string(world.work().join("stacks/app/stack.toml")).unwrap();
        world.write("stacks/app/stack.toml", &(text + more));
    });
    let n = world.open("more");
    world.comment(n, &["aws_sns_topic.news", "aws_sns_topic.old"], &["planning"]);
    proxy.add("CreateTopic", Fault::Denied);
    world.say(n, "ann", "ferroform apply app");
    let text = world.comment(n, &["aws_sns_topic.news", "1 changed"], &["applying"]);
    assert!(text.to_lowercase().contains("failed"), "{text}");
    proxy.heal();
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["`ferroform plan` shows what is left"]);
    world.say(n, "ann", "ferroform plan");
    world.comment(n, &["aws_sns_topic.news", "ferroform apply"], &["retention_in_days", "planning", "waiting"]);
    world.say(n, "ann", "ferroform apply");
    world.comment(n, &["2 created"], &["applying"]);
}

#[test]
fn of_a_merge_the_other_side_is_planned_too() {
    let mut world = small();
    world.start();
    days(&world, "two-weeks", 14);
    // main goes on: what the branch lacks must not be taken away by its plan.
    git(&world.work(), &["checkout", "--quiet", "main"]);
    world.write("stacks/app/more.toml", "[resource.aws_sns_topic.news]\nname = \"news\"\n");
    world.commit("news");
    git(&world.work(), &["push", "--quiet", "origin", "main"]);
    assert_eq!(world.by_hand(&["apply", "stacks/app", "--auto-approve"]).code, 0);
    let n = world.open("two-weeks");
    world.comment(n, &["+ retention_in_days = 14"], &["aws_sns_topic", "planning"]);
    // Rules are those of main, whatever the branch says.
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["1 commit of `main` that the branch lacks"]);
    // What can't be merged is not planned.
    git(&world.work(), &["checkout", "--quiet", "main"]);
    world.edit("stacks/app/stack.toml", "retention_in_days = 7", "retention_in_days = 3");
    world.commit("three days");
    git(&world.work(), &["push", "--quiet", "origin", "main"]);
    let (event, body) = world.hub.told_push("main");
    assert_eq!(world.send(event, &body).0, 202);
    world.comment(n, &["conflicts with `main` in `stacks/app/stack.toml`"], &[]);
    assert_eq!(world.kept(n)[0].user, GitHub::ROBOT);
}
