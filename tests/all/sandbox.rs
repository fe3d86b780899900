//! The local AWS: that it comes up once, goes down, starts empty, and refuses what AWS refuses.

use std::process::Command;

use ferroform::sandbox::{Sandbox, Status, Step};

use crate::support::sandbox::{cache, cloud, server};

#[test]
fn strict_layer() {
    let python = Sandbox::new(&cache(), "tests").python(&mut |_| ()).unwrap();
    let server = server();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/strict_layer.py");
    let output = Command::new(python).args([script, server.server.endpoint()]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.lines().filter(|line| line.starts_with("ok ")).count() >= 18, "{said}");
}

#[test]
fn one_server_for_all_who_ask() {
    let sandbox = Sandbox::new(&cache(), &format!("one-{}", std::process::id()));
    let both: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2).map(|_| scope.spawn(|| sandbox.up(&mut |_| ()).unwrap())).collect();
        asking.into_iter().map(|asking| asking.join().unwrap()).collect()
    });
    assert_eq!(both[0], both[1]);
    assert_eq!(sandbox.status(), Status::Up { running: both[0].clone(), stale: false });

    assert_eq!(sandbox.reset(), Ok(true));
    let mut steps = vec![];
    let after = sandbox.up(&mut |step| steps.push(step)).unwrap();
    assert!(!steps.contains(&Step::Starting), "a healthy one is taken as it is: {steps:?}");
    assert_eq!(after.pid, both[0].pid);
    assert_ne!(after.epoch, both[0].epoch, "what is empty again has another epoch");

    assert_eq!(sandbox.down(), Ok(true));
    assert_eq!(sandbox.down(), Ok(false));
    assert_eq!(sandbox.status(), Status::Down);
    assert!(sandbox.log().exists());
}

#[test]
fn a_server_that_died_is_told() {
    let sandbox = Sandbox::new(&cache(), &format!("died-{}", std::process::id()));
    let first = sandbox.up(&mut |_| ()).unwrap();
    assert!(Command::new("kill").args(["-9", &first.pid.to_string()]).status().unwrap().success());
    while sandbox.status() != Status::Lost {
        std::thread::yield_now();
    }
    let mut steps = vec![];
    let second = sandbox.up(&mut |step| steps.push(step)).unwrap();
    assert_eq!(steps.last(), Some(&Step::Starting));
    assert_ne!(second.epoch, first.epoch);
    assert_eq!(sandbox.down(), Ok(true));
}

#[test]
fn accounts_are_fresh() {
    let (one, two) = (cloud(), cloud());
    assert_eq!(one.endpoint, two.endpoint);
    assert_ne!(one.account, two.account);
}
