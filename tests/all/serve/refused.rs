//! What it does not do, and how it says so.

use super::world::{SECRET, World, client, post, signed};
use crate::support::github::{Fault, GitHub};
use crate::support::service::Service;

const NOTHING: &str = "[locals]\nnothing = 1\n";
const DATA: &str = "[resource.terraform_data.app]\ninput = 1\n";

fn world() -> World {
    let mut world = World::new(&[], &[("stacks/app/stack.toml", NOTHING)]);
    world.start();
    world
}

#[test]
fn webhooks_that_nobody_signed_come_twice_or_are_too_big_are_refused() {
    let mut world = world();
    world.branch("more", |world| world.write("stacks/app/stack.toml", DATA));
    let n = world.hub.open_pull("ann", "more", "main");
    let (event, body) = world.hub.told(n, "opened");
    let headers = signed(event, &body, "one");
    let but = |name: &'static str, value: Option<&str>| {
        let mut headers = headers.clone();
        match value {
            Some(value) => drop(headers.insert(name, value.to_owned())),
            None => drop(headers.remove(name)),
        }
        post(&world.url(), &headers, &body).0
    };
    assert_eq!(but("x-hub-signature-256", None), 401);
    assert_eq!(but("x-hub-signature-256", Some("sha256=")), 401);
    assert_eq!(but("x-hub-signature-256", Some(&GitHub::sign(b"another secret", body.as_bytes()))), 401);
    assert_eq!(but("x-hub-signature-256", Some(&GitHub::sign(SECRET.as_bytes(), b"another body"))), 401);
    assert_eq!(but("x-github-delivery", None), 401);
    assert_eq!(post(&world.url(), &signed("pull_request", "{", "two"), "{").0, 400);
    assert_eq!(post(&world.url(), &signed("star", "{}", "three"), "{}").0, 200);
    let big = "x".repeat(30 * 1024 * 1024);
    assert_eq!(post(&world.url(), &signed(event, &big, "four"), &big).0, 413);
    assert_eq!(post(&world.url(), &headers, &body), (202, "queued\n".into()));
    let first = world.comment(n, &["terraform_data.app", "ferroform apply"], &["planning", "waiting"]);
    let planned = world.service_ref().count("ended");
    let (status, said) = post(&world.url(), &headers, &body);
    assert!(status == 200 && said.contains("it came before"), "{status} {said}");
    // What was queued after it is done, and nothing of it was.
    world.say(n, "ann", "ferroform help");
    world.reply(n, &["ferroform unlock"]);
    world.until("the help's job", || (world.service_ref().count("ended") > planned).then_some(()));
    assert_eq!((world.service_ref().count("ended"), world.kept(n)[0].body.clone()), (planned + 1, first));
    assert_eq!(world.service().end(), 0);
}

#[test]
fn people_are_told_what_they_may_and_can_do() {
    let world = world();
    world.branch("more", |world| world.write("stacks/app/stack.toml", DATA));
    let n = world.open("more");
    world.comment(n, &["terraform_data.app", "ferroform apply"], &["planning", "waiting"]);
    world.hub.approve(n, "ben");
    world.say(n, "ann", "ferroform aply");
    world.reply(n, &["no command `aply`", "ferroform apply"]);
    world.hub.permit("eve", "read");
    world.say(n, "eve", "ferroform apply");
    world.reply(n, &["`eve` may not do that", "needs the permission `write`", "has `read`"]);
    world.say(n, "nobody-knows-him", "ferroform apply");
    world.reply(n, &["`nobody-knows-him` may not do that", "has `none`"]);
    world.say(n, "ann", "ferroform apply web");
    world.reply(n, &["no stack `web` here", "`app`"]);
    world.hub.check(&world.hub.pull(n).head, "tests", "completed", Some("failure"));
    world.hub.check(&world.hub.pull(n).head, "lint", "in_progress", None);
    world.say(n, "ann", "ferroform apply");
    world.reply(n, &["checks that failed: `tests`", "not ended: `lint`"]);
    assert!(!world.data().join("state/acme/infra/app.tfstate.json").exists(), "nothing was applied");
    // Talk about it is no command, and neither is what the bot says itself.
    let said = world.hub.comments(n).len();
    world.say(n, "ann", "I think ferroform apply is what we need");
    world.say(n, GitHub::ROBOT, "ferroform apply");
    world.say(n, "ben", "ferroform help");
    world.reply(n, &["ferroform unlock", "belongs to"]);
    assert_eq!(world.hub.comments(n).len(), said + 4, "one answer to three comments");
}

#[test]
fn the_code_of_a_fork_is_not_run() {
    let world = world();
    world.branch("theirs", |world| world.write("stacks/app/stack.toml", "[locals]\nsecret = \"${file(\\\"/etc/hostname\\\")}\"\n"));
    let n = world.hub.open_pull_of_fork("mallory", "theirs", "main");
    world.tell(n, "opened");
    world.comment(n, &["comes from a fork", "not run with credentials"], &["app"]);
    world.hub.permit("mallory", "none");
    world.say(n, "ann", "ferroform plan");
    world.reply(n, &["comes from a fork"]);
    assert!(!world.data().join("checkouts").exists(), "it was not even fetched");
}

#[test]
fn what_git_cant_check_out_is_told_and_holds_nobody_up() {
    let world = world();
    let clone = world.data().join("checkouts/acme/infra/clone.git");
    std::fs::create_dir_all(clone.parent().unwrap()).unwrap();
    std::fs::write(&clone, "no folder").unwrap();
    world.branch("more", |world| world.write("stacks/app/stack.toml", DATA));
    let n = world.open("more");
    world.comment(n, &["Git could not check it out", "clone.git"], &["| `app`"]);
    std::fs::remove_file(&clone).unwrap();
    world.say(n, "ann", "ferroform plan");
    world.comment(n, &["terraform_data.app", "ferroform apply"], &["planning", "waiting", "Git could not"]);
}

#[test]
fn it_waits_while_github_asks_for_patience() {
    let world = world();
    world.branch("more", |world| world.write("stacks/app/stack.toml", DATA));
    for (method, path, fault) in [
        ("GET", "/pulls/", Fault::Spent(2)),
        ("POST", "/comments", Fault::RetryAfter(1)),
        ("POST", "/comments", Fault::Status(502)),
        ("GET", "/issues/", Fault::Cut),
        ("POST", "/labels", Fault::Status(503)),
        ("POST", "/comments", Fault::Lost),
    ] {
        world.hub.fault(method, path, fault, 1);
    }
    let n = world.open("more");
    world.comment(n, &["terraform_data.app", "ferroform apply"], &["planning", "waiting"]);
    assert!(!world.hub.labels(n).is_empty());
}

#[test]
fn it_says_what_it_lacks_before_it_begins() {
    let world = World::new(&[], &[("stacks/app/stack.toml", NOTHING)]);
    let said = |set: &[(&str, &str)], without: &str, listen: &str| {
        let mut command = world.command_at(&world.cloud, listen);
        command.env_remove(without);
        for (name, value) in set {
            command.env(name, value);
        }
        let output = command.output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(!text.contains(GitHub::TOKEN) && !text.contains(SECRET) && !text.contains("hunter2"), "{text}");
        text
    };
    assert!(said(&[], "FERROFORM_BOT_SECRET", "127.0.0.1:0").contains("no FERROFORM_BOT_SECRET"));
    assert!(said(&[("FERROFORM_BOT_SECRET", "short")], "-", "127.0.0.1:0").contains("too short"));
    assert!(said(&[], "FERROFORM_BOT_TOKEN", "127.0.0.1:0").contains("FERROFORM_BOT_TOKEN"));
    assert!(said(&[], "-", "300.0.0.1:1").contains("can't listen at 300.0.0.1:1"));
    assert!(
        said(&[("FERROFORM_BOT_DATABASE", "postgres://bot:hunter2@127.0.0.1:1/bot")], "-", "127.0.0.1:0").contains("database at 127.0.0.1")
    );
    // One server has a folder to itself.
    let first = Service::start(world.command(&world.cloud));
    first.logged("taking webhooks at /webhook", 1);
    assert!(said(&[], "-", "127.0.0.1:0").contains("another server works with"));
}

#[tokio::test]
async fn others_see_how_it_is() {
    let world = tokio::task::spawn_blocking(|| {
        let world = world();
        world.branch("more", |world| world.write("stacks/app/stack.toml", DATA));
        let n = world.open("more");
        world.comment(n, &["terraform_data.app", "ferroform apply"], &["planning", "waiting"]);
        world.until("an empty queue", || world.service_ref().log.all().last().filter(|line| line["message"] == "ended").map(|_| ()));
        world
    });
    let world = world.await.unwrap();
    let line = &world.service_ref().logged("serving /healthz and /metrics", 1)[0];
    let at = |path: &str| format!("http://{}{path}", line["address"].as_str().unwrap());
    let health = client().get(at("/healthz")).send().await.unwrap();
    assert_eq!((health.status().as_u16(), health.text().await.unwrap()), (200, "ok\n".into()));
    let metrics = client().get(at("/metrics")).send().await.unwrap().text().await.unwrap();
    for wanted in [
        "ferroform_bot_webhooks_total{outcome=\"queued\"} 1",
        "ferroform_bot_jobs_total{kind=\"plan\",outcome=\"done\"} 1",
        "ferroform_bot_queue_jobs{kind=\"plan\"} 0",
    ] {
        assert!(metrics.contains(wanted), "{wanted} is not in\n{metrics}");
    }
    // Every line about the delivery says which one.
    let of_it = |line: &serde_json::Value| line["span"]["delivery"] == "delivery-1" || line["delivery"] == "delivery-1";
    assert!(world.service_ref().log.all().iter().filter(|line| line["message"] == "ended").all(of_it));
    assert!(!world.service_ref().log.all().iter().any(|line| line.to_string().contains(GitHub::TOKEN)));
}
