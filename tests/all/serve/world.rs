//! A repository with its code host, an account in the sandbox, and the server between them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value as Json;

use crate::support::github::{Comment, GitHub};
use crate::support::project::{Said, copy};
use crate::support::sandbox::{Cloud, cloud};
use crate::support::service::Service;

pub const SECRET: &str = "a secret that only GitHub knows";

/// See the module.
pub struct World {
    pub folder: tempfile::TempDir,
    pub hub: GitHub,
    pub cloud: Cloud,
    service: Option<Service>,
    address: String,
    deliveries: std::cell::Cell<u64>,
}

impl World {
    /// A repository with those stacks of ours, and files besides.
    pub fn new(stacks: &[&str], files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (work, bare) = (folder.path().join("work"), folder.path().join("infra.git"));
        git(folder.path(), &["init", "--quiet", "--bare", "--initial-branch=main", "infra.git"]);
        git(folder.path(), &["clone", "--quiet", "infra.git", "work"]);
        for stack in stacks {
            copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks").join(stack), &work.join("stacks").join(stack));
        }
        let hub = GitHub::start("acme/infra", Some(&bare));
        hub.permit("ann", "write");
        hub.permit("ben", "write");
        let world = Self { folder, hub, cloud: cloud(), service: None, address: String::new(), deliveries: std::cell::Cell::new(0) };
        for (path, text) in files {
            world.write(path, text);
        }
        git(&work, &["checkout", "--quiet", "-B", "main"]);
        world.commit("the first one");
        git(&work, &["push", "--quiet", "origin", "main"]);
        world
    }

    /// The clone in which people work.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Where the server keeps what it has.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("bot")
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// Changes a file, which must hold the old text.
    pub fn edit(&self, path: &str, old: &str, new: &str) {
        let text = fs::read_to_string(self.work().join(path)).unwrap();
        assert!(text.contains(old), "{path} lacks {old}");
        self.write(path, &text.replacen(old, new, 1));
    }

    pub fn commit(&self, message: &str) {
        git(&self.work(), &["add", "--all"]);
        git(&self.work(), &["commit", "--quiet", "--allow-empty", "-m", message]);
    }

    /// A branch from main with a change, pushed; or the same branch, begun anew.
    pub fn branch(&self, name: &str, change: impl FnOnce(&Self)) {
        git(&self.work(), &["fetch", "--quiet", "origin"]);
        git(&self.work(), &["checkout", "--quiet", "-B", name, "origin/main"]);
        change(self);
        self.commit(name);
        git(&self.work(), &["push", "--quiet", "--force", "origin", name]);
    }

    /// The program as somebody runs it by hand, with the server's states.
    pub fn by_hand(&self, args: &[&str]) -> Said {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(args).arg("--state-dir").arg(self.data().join("state/acme/infra")).current_dir(self.work());
        run.envs(self.cloud.env()).env("NO_COLOR", "1").stdin(Stdio::null());
        Said::of(&run.output().unwrap())
    }

    /// The server's command, with the account as it is seen through `cloud`.
    pub fn command(&self, cloud: &Cloud) -> Command {
        self.command_at(cloud, "127.0.0.1:0")
    }

    /// The same, listening there.
    pub fn command_at(&self, cloud: &Cloud, listen: &str) -> Command {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(["bot", "serve", "--listen", listen, "--metrics", "127.0.0.1:0", "--log", "json", "--api", self.hub.url(), "--data"]);
        run.arg(self.data()).current_dir(self.folder.path()).envs(cloud.env()).env("NO_COLOR", "1").stdin(Stdio::null());
        run.env("FERROFORM_BOT_SECRET", SECRET).env("FERROFORM_BOT_TOKEN", GitHub::TOKEN);
        run
    }

    /// Starts the server.
    pub fn start(&mut self) {
        let command = self.command(&self.cloud.clone());
        self.start_with(command);
    }

    pub fn start_with(&mut self, command: Command) {
        let service = Service::start(command);
        let line = &service.logged("taking webhooks at /webhook", 1)[0];
        line["address"].as_str().unwrap().clone_into(&mut self.address);
        self.service = Some(service);
    }

    pub fn service(&mut self) -> &mut Service {
        self.service.as_mut().unwrap()
    }

    pub fn service_ref(&self) -> &Service {
        self.service.as_ref().unwrap()
    }

    /// Where it listens for webhooks.
    pub fn url(&self) -> String {
        format!("http://{}/webhook", self.address)
    }

    /// Kills the server alone.
    pub fn kill(&mut self) {
        let mut service = self.service.take().unwrap();
        service.child.kill().unwrap();
        service.child.wait().unwrap();
    }

    /// Sends a webhook; the status of the answer, and its text.
    pub fn send(&self, event: &str, body: &str) -> (u16, String) {
        self.deliveries.set(self.deliveries.get() + 1);
        let id = format!("delivery-{}", self.deliveries.get());
        post(&self.url(), &signed(event, body, &id), body)
    }

    /// A pull request of a branch by ann: opened, and told.
    pub fn open(&self, branch: &str) -> u64 {
        let number = self.hub.open_pull("ann", branch, "main");
        self.tell(number, "opened");
        number
    }

    pub fn tell(&self, number: u64, action: &str) {
        let (event, body) = self.hub.told(number, action);
        assert_eq!(self.send(event, &body).0, 202);
    }

    /// Somebody writes a comment, which is told.
    pub fn say(&self, number: u64, user: &str, text: &str) {
        let id = self.hub.say(number, user, text);
        let (event, body) = self.hub.told_comment(id, "created");
        assert_eq!(self.send(event, &body).0, 202);
    }

    /// Waits until that holds of the world; it is looked at whenever the server has logged something.
    pub fn until<T>(&self, what: &str, holds: impl Fn() -> Option<T>) -> T {
        let log = &self.service.as_ref().unwrap().log;
        loop {
            let seen = log.all().len();
            if let Some(it) = holds() {
                return it;
            }
            log.wait_for(what, |lines| lines.len() > seen);
        }
    }

    /// The bot's own comments on a pull request, replies to people left out.
    pub fn kept(&self, number: u64) -> Vec<Comment> {
        self.hub.comments(number).into_iter().filter(|c| c.user == GitHub::ROBOT && c.body.contains("<!-- ferroform")).collect()
    }

    /// Waits until the one comment holds all of these and none of those; its text.
    pub fn comment(&self, number: u64, all: &[&str], none: &[&str]) -> String {
        let what = format!("a comment on #{number} with {all:?} and without {none:?}");
        let text = self.until(&what, || {
            let text = self.kept(number).first()?.body.clone();
            (all.iter().all(|word| text.contains(word)) && !none.iter().any(|word| text.contains(word))).then_some(text)
        });
        assert_eq!(self.kept(number).len(), 1, "there is one comment");
        text
    }

    /// Waits until the bot replied with all of these; the reply.
    pub fn reply(&self, number: u64, all: &[&str]) -> String {
        self.until(&format!("a reply on #{number} with {all:?}"), || {
            let said = self.hub.comments(number).into_iter().filter(|c| c.user == GitHub::ROBOT && !c.body.contains("<!-- ferroform"));
            said.map(|c| c.body).find(|text| all.iter().all(|word| text.contains(word)))
        })
    }

    /// The serial of a stack's state.
    pub fn serial(&self, stack: &str) -> u64 {
        let path = self.data().join(format!("state/acme/infra/{stack}.tfstate.json"));
        let state: Json = serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
        state["serial"].as_u64().unwrap()
    }
}

/// The headers of a webhook.
pub fn signed(event: &str, body: &str, id: &str) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("x-github-event", event.to_owned()),
        ("x-github-delivery", id.to_owned()),
        ("x-hub-signature-256", GitHub::sign(SECRET.as_bytes(), body.as_bytes())),
        ("content-type", "application/json".to_owned()),
    ])
}

/// Posts it; the status of the answer, and its text.
pub fn post(url: &str, headers: &BTreeMap<&'static str, String>, body: &str) -> (u16, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut request = client().post(url).body(body.to_owned());
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = request.send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    })
}

/// Without TLS, which tests don't need.
pub fn client() -> reqwest::Client {
    let _there_already = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(60)).build().unwrap()
}

/// Runs git as somebody without settings of his own.
pub fn git(folder: &Path, args: &[&str]) -> String {
    let mut run = Command::new("git");
    run.arg("-C").arg(folder).args(args).env("GIT_CONFIG_GLOBAL", "/dev/null");
    for whose in ["AUTHOR", "COMMITTER"] {
        run.env(format!("GIT_{whose}_NAME"), "Ann").env(format!("GIT_{whose}_EMAIL"), "ann@example.org");
    }
    let said = Said::of(&run.output().unwrap());
    assert_eq!(said.code, 0, "git {args:?}: {}", said.err);
    said.out
}
