//! Where secrets are, and where they are not; and what happens to whoever comes while another works.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::{Child, Command, Stdio};

use super::{Folder, Said};

const STATE: &str = "state/web.tfstate.json";

/// Makes secrets, and then waits at a pipe until somebody writes to it.
const STACK: &str = r#"
[resource.random_password.token]
length = 40
special = false

[resource.tls_private_key.key]
algorithm = "ED25519"

[resource.terraform_data.pipe]
input = "pipe"
depends_on = ["random_password.token", "tls_private_key.key"]

[resource.local_sensitive_file.waits]
filename = "made.txt"
source = "${terraform_data.pipe.output}"

[resource.terraform_data.user]
input = { token = "${random_password.token.result}" }

[output.token]
value = "${random_password.token.result}"
sensitive = true
"#;

/// Not to wait for a reader.
const NONBLOCK: i32 = if cfg!(target_os = "linux") { 0o4000 } else { 4 };

/// An apply that has made its secrets and waits.
struct Waiting {
    folder: Folder,
    child: Child,
    pipe: Option<File>,
}

impl Waiting {
    fn new() -> Self {
        let folder = Folder::with(STACK);
        assert!(Command::new("mkfifo").arg(folder.path().join("pipe")).status().unwrap().success());
        folder.good(&["plan", "--out", "p.plan"]);
        let mut command = folder.command(&["-vv", "apply", "p.plan"]);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut waiting = Self { folder, child, pipe: None };
        while waiting.pipe.is_none() {
            assert_eq!(waiting.child.try_wait().unwrap(), None, "it has ended before it read the pipe");
            waiting.pipe = waiting.open();
            std::thread::yield_now();
        }
        waiting
    }

    /// The pipe, if somebody reads it.
    fn open(&self) -> Option<File> {
        OpenOptions::new().write(true).custom_flags(NONBLOCK).open(self.folder.path().join("pipe")).ok()
    }

    /// Lets it go on to its end, and gives what it said.
    fn end(mut self) -> (Folder, Said) {
        self.pipe.take().unwrap().write_all(b"x").unwrap();
        while self.child.try_wait().unwrap().is_none() {
            // It may look more than once.
            if let Some(mut pipe) = self.open() {
                let _ = pipe.write_all(b"x");
            }
            std::thread::yield_now();
        }
        (self.folder, Said::of(&self.child.wait_with_output().unwrap()))
    }
}

/// What must be nowhere but in the state.
fn secrets(state: &str) -> Vec<String> {
    let state: serde_json::Value = serde_json::from_str(state).unwrap();
    let resources = state["resources"].as_array().unwrap();
    let of = |kind: &str, name: &str| {
        let found = resources.iter().find(|r| r["type"] == kind).unwrap_or_else(|| panic!("{kind} is not in the state"));
        found["instances"][0]["attributes"][name].as_str().unwrap().to_owned()
    };
    let mut secrets = vec![of("random_password", "result"), of("random_password", "bcrypt_hash")];
    for name in ["private_key_pem", "private_key_openssh", "private_key_pem_pkcs8"] {
        // A line of it, since line ends are written in several ways.
        secrets.push(of("tls_private_key", name).lines().nth(1).unwrap().to_owned());
    }
    assert!(secrets.iter().all(|s| s.len() >= 40), "{secrets:?}");
    secrets
}

#[test]
fn secrets_are_in_the_state_alone() {
    let waiting = Waiting::new();
    let journal = waiting.folder.read("state/web.tfstate.json.journal");
    for made in ["random_password.token", "tls_private_key.key"] {
        assert!(journal.contains(made), "the journal tells of {made}: {journal}");
    }
    let (folder, apply) = waiting.end();
    assert_eq!(apply.code, Some(0), "{}{}", apply.out, apply.err);
    let state = folder.read(STATE);
    let mode = std::fs::metadata(folder.path().join(STATE)).unwrap().permissions().mode();
    assert_eq!(mode & 0o077, 0, "the state is its owner's alone");
    let mut told = vec![("journal", journal), ("plan file", folder.read("p.plan")), ("apply", apply.out), ("apply", apply.err)];
    // What else shows values: of the whole stack as it is, of changes to secrets, of their end.
    let changed = STACK.replace("length = 40", "length = 41").replace("ED25519", "RSA");
    let shows: &[&[&str]] = &[
        &["show"],
        &["output"],
        &["state", "show", "random_password.token"],
        &["state", "show", "tls_private_key.key"],
        &["plan"],
        &["-vvv", "plan", "--no-refresh"],
        &["plan", "--destroy"],
        &["plan", "--format", "markdown"],
        &["plan", "--format", "events"],
        &["show", "p.plan"],
        &["graph"],
    ];
    for stack in [STACK, &changed] {
        folder.write("stack.toml", stack.replace("source = \"${terraform_data.pipe.output}\"", "content = \"\""));
        for args in shows {
            let said = folder.good(args);
            told.extend([(args[0], said.out), (args[0], said.err)]);
        }
    }
    for secret in secrets(&state) {
        for (what, text) in &told {
            assert!(!text.contains(&secret), "{what} tells a secret: {text}");
        }
    }
    let left: Vec<_> = std::fs::read_dir(folder.path().join("state")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().contains("journal")), "{left:?}");
}

#[test]
fn a_state_that_another_works_on() {
    let waiting = Waiting::new();
    let pid = format!("process {}", waiting.child.id());
    let words = ["web.tfstate.json is locked by another operation", "operation apply", &pid, "--lock-timeout", "force-unlock"];
    let lock = waiting.folder.read("state/web.tfstate.json.lock");
    for args in
        [&["apply", "--auto-approve"][..], &["destroy", "--auto-approve", "--lock-timeout", "1s"], &["state", "rm", "terraform_data.pipe"]]
    {
        waiting.folder.run(args).tells(&words);
    }
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    let id = lock["ID"].as_str().unwrap();
    waiting.folder.run(&["force-unlock", "--force", id]).tells(&["is alive", "stop it first: `kill "]);
    waiting.folder.run(&["force-unlock", "--force", "other"]).tells(&["has another ID than other", id]);
    let (folder, said) = waiting.end();
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    folder.bad(&["force-unlock", "--force", id], &["is not locked"]);
}
