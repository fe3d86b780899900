//! Where secrets are, and where they are not; and what happens to whoever comes while another works.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::process::{Child, Command, Stdio};

use super::{Folder, Said};
use crate::support::kept::told;

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

/// A stack with secrets of every sort: made by it, given to it, and what is made of both.
const KEPT: &str = r#"
[variable.token]
type = "string"
sensitive = true

[variable.motd]
type = "string"
default = "hello"

[locals]
user_data = '${templatefile("user-data.tftpl", { token = var.token, password = random_password.gateway.result })}'

[resource.random_password.gateway]
length = 40

[resource.tls_private_key.ssh]
algorithm = "ED25519"

[resource.local_sensitive_file.ssh]
filename = "key.pem"
content = "${tls_private_key.ssh.private_key_openssh}"

[resource.terraform_data.gateway]
input = { user_data = "${base64encode(local.user_data)}", motd = "${var.motd}" }

[resource.terraform_data.node]
input = "${var.token}"
triggers_replace = { motd = "${var.motd}", password = "${random_password.gateway.result}" }

[output.connection]
value = { token = "${var.token}", password = "${random_password.gateway.result}" }
sensitive = true

[output.motd]
value = "${var.motd}"
"#;

const MORE: &str = r#"
[resource.terraform_data.more]
input = { password = "${random_password.gateway.result}", key = "${tls_private_key.ssh.private_key_pem}" }
"#;

const TEMPLATE: &str = "#!/bin/sh\necho '${token}' '${password}'\n";

const TOKEN: &str = "a token of \"our\" own,\nin two lines";

/// [`KEPT`], made once.
fn kept() -> Folder {
    let folder = Folder::with(KEPT);
    folder.write("user-data.tftpl", TEMPLATE);
    with_token(&folder, TOKEN, &["apply", "--auto-approve"]);
    folder
}

fn with_token(folder: &Folder, token: &str, args: &[&str]) -> Said {
    let said = Said::of(&folder.command(args).env("TF_VAR_token", token).output().unwrap());
    assert_eq!(said.code, Some(0), "{args:?}: {}{}", said.out, said.err);
    said
}

/// Nothing in the plan tells a secret, nor do the files that it carries.
fn holds_no_secret(folder: &Folder, plan: &str, more: &[&str]) {
    let secrets = secrets(&folder.read(STATE));
    let secrets: Vec<&str> = secrets.iter().map(String::as_str).chain(more.iter().copied()).collect();
    assert_eq!(told(&folder.read(plan), &secrets), [""; 0]);
}

#[test]
fn a_kept_plan_holds_no_secret_and_is_done_all_the_same() {
    let folder = kept();
    let stack = KEPT.to_owned() + MORE;
    folder.write("stack.toml", &stack);
    with_token(&folder, TOKEN, &["plan", "--out", "p.plan", "--var", "motd=bye"]);
    holds_no_secret(&folder, "p.plan", &[TOKEN]);
    for args in [&["show", "p.plan"][..], &["show", "--json", "p.plan"], &["show", "--markdown", "p.plan"]] {
        let shown = folder.good(args);
        assert!(!secrets(&folder.read(STATE)).iter().any(|secret| shown.out.contains(secret)), "{}", shown.out);
    }
    let json: serde_json::Value = serde_json::from_str(&folder.good(&["show", "--json", "p.plan"]).out).unwrap();
    let changes = json["resource_changes"].as_array().unwrap();
    let more = changes.iter().find(|c| c["address"] == "terraform_data.more").unwrap();
    assert_eq!(more["change"]["after_sensitive"]["input"], serde_json::json!({ "password": true, "key": true }));
    assert_eq!(json["output_changes"]["connection"]["after_sensitive"], true);
    // What lies in the folder by now doesn't matter.
    folder.write("stack.toml", "");
    folder.write("user-data.tftpl", "");
    let applied = with_token(&folder, TOKEN, &["apply", "p.plan"]);
    assert!(applied.err.contains("2 created, 1 changed, 1 destroyed"), "{}", applied.err);
    // It is the same as if it had been done at once.
    folder.write("stack.toml", &stack);
    folder.write("user-data.tftpl", TEMPLATE);
    with_token(&folder, TOKEN, &["plan", "--detailed-exitcode", "--var", "motd=bye"]);
    let state: serde_json::Value = serde_json::from_str(&folder.read(STATE)).unwrap();
    assert_eq!(state["outputs"]["connection"]["value"]["token"], TOKEN);
    let text = folder.good(&["state", "show", "terraform_data.more"]).out;
    assert!(!secrets(&folder.read(STATE)).iter().any(|secret| text.contains(secret)), "{text}");
}

#[test]
fn secret_variables_are_given_again() {
    let folder = kept();
    with_token(&folder, TOKEN, &["plan", "--out", "p.plan", "--var", "motd=bye"]);
    let why = "it is sensitive, and plans keep no secrets";
    folder.bad(&["apply", "p.plan"], &["the plan `p.plan` needs the value of the variable `token` again", why, "FERROFORM_VAR_token"]);
    let other = ["variable `token` has another value than the plan `p.plan` was made with", "given by --var", "or plan again"];
    let said = folder.bad(&["apply", "p.plan", "--var", "token=quite another"], &other);
    assert!(!said.err.contains("quite another"), "{}", said.err);
    let motd = ["variable `motd` has another value than the plan `p.plan` was made with", "leave it out"];
    let token = format!("token={TOKEN}");
    folder.bad(&["apply", "p.plan", "--var", &token, "--var", "motd=hello"], &motd);
    // It may come from wherever values come from.
    folder.write("vars.toml", format!("token = {}\nmotd = \"changed\"\n", serde_json::Value::from(TOKEN)));
    let applied = folder.good(&["apply", "p.plan"]);
    assert!(applied.out.contains("motd") && applied.out.contains("bye"), "{}", applied.out);
    with_token(&folder, TOKEN, &["plan", "--detailed-exitcode", "--var", "motd=bye"]);
}

#[test]
fn a_file_that_tells_a_secret_stays_where_it_is() {
    let folder = kept();
    let secret = "a default that nobody should see";
    folder.write("door.txt", "the key of the door\n");
    // Of what this is for nothing is known yet, and so the plan has no value with it.
    folder.write("gate.txt", "the key of the gate\n");
    let more = format!(
        "\n[variable.pin]\nsensitive = true\ndefault = \"{secret}\"\n\n[resource.terraform_data.pin]\ninput = '${{var.pin}} ${{sensitive(file(\"door.txt\"))}}'\n\n[resource.terraform_data.later]\ninput = '${{terraform_data.pin.id}} ${{sensitive(file(\"gate.txt\"))}}'\n"
    );
    folder.write("stack.toml", KEPT.to_owned() + &more);
    with_token(&folder, TOKEN, &["plan", "--out", "p.plan"]);
    holds_no_secret(&folder, "p.plan", &[TOKEN, secret, "the key of the door", "the key of the gate"]);
    folder.write("door.txt", "another key\n");
    folder.bad(&["apply", "p.plan"], &["needs the file `door.txt` again, which has changed since it was made", "it tells a secret"]);
    std::fs::remove_file(folder.path().join("door.txt")).unwrap();
    folder.bad(&["apply", "p.plan"], &["needs the file `door.txt` again, which can't be read", "put it back as it was"]);
    folder.write("door.txt", "the key of the door\n");
    with_token(&folder, TOKEN, &["apply", "p.plan"]);
    assert!(folder.read(STATE).contains("the key of the door"));
}

#[test]
fn a_plan_to_destroy_keeps_no_secret() {
    let folder = kept();
    with_token(&folder, TOKEN, &["plan", "--destroy", "--out", "p.plan"]);
    holds_no_secret(&folder, "p.plan", &[TOKEN]);
    with_token(&folder, TOKEN, &["apply", "p.plan"]);
    assert_eq!(folder.good(&["state", "list"]).out, "");
    assert!(!folder.path().join("key.pem").exists());
}
