//! The local AWS: that it comes up once, goes down, starts empty, and refuses what AWS refuses.

use std::process::Command;

use ferroform::sandbox::{Sandbox, Status, Step};

use crate::support::sandbox::{cache, cloud, server};

#[test]
fn strict_layer() {
    let python = Sandbox::new(&cache(), "tests").python(&mut |_| ()).unwrap();
    let server = server();
    let scripts = [("strict_layer.py", 23), ("strict_network.py", 10), ("strict_storage.py", 10), ("strict_balancing.py", 10)];
    for (script, least) in scripts {
        let script = format!("{}/tests/all/{script}", env!("CARGO_MANIFEST_DIR"));
        let output = Command::new(&python).args(["-B", &script, server.server.endpoint()]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
        assert!(said.lines().filter(|line| line.starts_with("ok ")).count() >= least, "{said}");
    }
}

/// A sandbox that outlives commands, and not its test: it is taken down however the test ends.
struct Passing(Sandbox);

impl Passing {
    fn new(name: &str) -> Self {
        Self(Sandbox::new(&cache(), &format!("{name}-{}", std::process::id())))
    }
}

impl std::ops::Deref for Passing {
    type Target = Sandbox;

    fn deref(&self) -> &Sandbox {
        &self.0
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = self.0.down();
    }
}

#[test]
fn one_server_for_all_who_ask() {
    let sandbox = Passing::new("one");
    let both: Vec<_> = std::thread::scope(|scope| {
        let asking: Vec<_> = (0..2).map(|_| scope.spawn(|| sandbox.0.up(&mut |_| ()).unwrap())).collect();
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
    let sandbox = Passing::new("died");
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
#[cfg(target_os = "linux")]
fn a_server_holds_none_of_its_callers_files() {
    let sandbox = Passing::new("files");
    let running = sandbox.up(&mut |_| ()).unwrap();
    let open = std::fs::read_dir(format!("/proc/{}/fd", running.pid)).unwrap();
    let files: Vec<_> = open.filter_map(|entry| std::fs::read_link(entry.unwrap().path()).ok()).filter(|path| path.is_absolute()).collect();
    let own = |path: &std::path::PathBuf| path.starts_with("/dev") || *path == sandbox.log();
    assert!(files.iter().all(own), "{files:?}");
}

#[test]
fn accounts_are_fresh() {
    let (one, two) = (cloud(), cloud());
    assert_eq!(one.endpoint, two.endpoint);
    assert_ne!(one.account, two.account);
}
