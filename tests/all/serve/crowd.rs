//! Very many at once.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::world::{World, client, signed};

/// Pull requests, each of which changes one of five stacks.
const PULLS: u64 = 20;
/// Webhooks of each.
const EACH: usize = 10;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_webhooks_at_once_are_answered_within_a_second_and_none_is_lost() {
    let world = tokio::task::spawn_blocking(|| {
        let stacks: Vec<(String, String)> =
            (0..PULLS).map(|n| (format!("stacks/s{n}/stack.toml"), "[resource.terraform_data.app]\ninput = 0\n".to_owned())).collect();
        let files: Vec<(&str, &str)> = stacks.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        let mut world = World::new(&[], &files);
        for n in 0..PULLS {
            // Four pull requests want each stack of the first five.
            let stack = n % 5;
            world.branch(&format!("b{n}"), |world| {
                world.write(&format!("stacks/s{stack}/stack.toml"), &format!("[resource.terraform_data.app]\ninput = {}\n", n + 1))
            });
            world.hub.open_pull("ann", &format!("b{n}"), "main");
        }
        world.start();
        world
    });
    let world = world.await.unwrap();
    let mut all = vec![];
    for round in 0..EACH {
        for n in 1..=PULLS {
            let (event, body) = world.hub.told(n, if round == 0 { "opened" } else { "synchronize" });
            all.push((signed(event, &body, &format!("d{round}-{n}")), body));
        }
    }
    let (client, url) = (client(), world.url());
    let sent = all.into_iter().map(|(headers, body)| {
        let mut request = client.post(&url).body(body);
        for (name, value) in &headers {
            request = request.header(*name, value);
        }
        async move {
            let begun = Instant::now();
            let status = request.send().await.unwrap().status().as_u16();
            (status, begun.elapsed())
        }
    });
    let answers = futures::future::join_all(sent).await;
    assert!(answers.iter().all(|(status, _)| *status == 202));
    let slowest = answers.iter().map(|(_, took)| *took).max().unwrap();
    println!("the slowest of {} answers took {} ms", answers.len(), slowest.as_millis());
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    tokio::task::block_in_place(|| {
        for n in 1..=PULLS {
            if n <= 5 {
                world.comment(n, &[&format!("input = {n}"), "ferroform apply"], &["planning", "waiting"]);
            } else {
                // In order: the first who came holds it.
                world.comment(n, &[&format!("held by #{}", (n - 1) % 5 + 1)], &[]);
            }
        }
        world.until("all of them", || {
            let done = |line: &serde_json::Value| line["message"] == "ended" && line["span"]["kind"] == "heed" && line["outcome"] == "done";
            let ended: std::collections::BTreeSet<String> =
                world.service_ref().log.all().iter().filter(|line| done(line)).map(|line| line["span"]["delivery"].to_string()).collect();
            (ended.len() == answers.len()).then_some(())
        });
    });
    // Plans of one stack came one after the other, in the order of their jobs.
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for line in world.service_ref().log.all().iter().filter(|line| line["message"] == "ended" && line["span"]["kind"] == "heed") {
        let id = line["span"]["id"].as_i64().unwrap();
        let before = last.insert("acme/infra".into(), id).unwrap_or(0);
        assert!(before < id, "{before} came after {id}");
    }
}
