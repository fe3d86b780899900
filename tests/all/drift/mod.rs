//! Drift: what someone else changed is found, named, judged, and mended; what nobody changed is not.

mod accept;
mod bad_input;
mod cli;
mod many;
mod types;

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::support::project::Said;
use crate::support::sandbox::{Cloud, cloud};

/// A project with stacks on an account of its own, run by the real program.
pub struct Site {
    folder: tempfile::TempDir,
    pub cloud: Cloud,
}

/// A security group that lets in the office alone.
pub const GROUP: &str = r#"# Who may come in.
[data.aws_vpc.net]
default = true

[resource.aws_security_group.web]
name = "web"
description = "web servers"
vpc_id = "${data.aws_vpc.net.id}"
ingress = [
    { protocol = "tcp", from_port = 443, to_port = 443, cidr_blocks = ["10.0.0.0/16"] }, # the office
]
tags = { Owner = "infra" } # who to ask
"#;

impl Site {
    /// With one stack of that text, `stacks/web`.
    pub fn with(text: &str) -> Self {
        let site = Self { folder: tempfile::tempdir().unwrap(), cloud: cloud() };
        site.stack("web", text);
        site
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes the stack of that name.
    pub fn stack(&self, name: &str, text: &str) {
        self.write(&format!("stacks/{name}/stack.toml"), text);
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs the program on the account, called through that.
    pub fn through(&self, cloud: &Cloud, args: &[&str]) -> Said {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(args).current_dir(self.folder.path()).envs(cloud.env()).env("NO_COLOR", "1").env("COLUMNS", "100").stdin(Stdio::null());
        Said::of(&run.output().unwrap())
    }

    pub fn run(&self, args: &[&str]) -> Said {
        self.through(&self.cloud, args)
    }

    /// Runs it to a good end.
    pub fn good(&self, args: &[&str]) -> Said {
        let said = self.run(args);
        assert_eq!(said.code, 0, "{args:?}\n{}\n{}", said.out, said.err);
        said
    }

    /// Someone else applies that text to the same things, and the state of this one knows nothing of it.
    pub fn meddle(&self, name: &str, text: &str) {
        let (stack, state) = (format!("stacks/{name}/stack.toml"), format!("state/{name}.tfstate.json"));
        let (before, known) = (self.read(&stack), self.read(&state));
        let written = std::fs::metadata(self.path(&state)).unwrap().modified().unwrap();
        self.stack(name, text);
        self.good(&["apply", &format!("stacks/{name}"), "--auto-approve"]);
        self.stack(name, &before);
        self.write(&state, &known);
        // By when the state was written it is told when all was in order.
        std::fs::File::options().write(true).open(self.path(&state)).unwrap().set_modified(written).unwrap();
    }
}
