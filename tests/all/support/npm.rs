//! npm packages that tests judge by: `tests/npm/package-lock.json` names them, and they are installed once for all runs.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::sandbox::cache;

/// How long a proxy may take to read its description.
const PATIENCE: Duration = Duration::from_secs(300);

/// The folder of the packages, installed on first use. One test at a time installs.
pub fn packages() -> PathBuf {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/npm");
    let files = ["package.json", "package-lock.json"];
    let mut hash = DefaultHasher::new();
    files.iter().for_each(|file| fs::read(from.join(file)).unwrap().hash(&mut hash));
    let folder = cache().join(format!("npm-{:016x}", hash.finish()));
    fs::create_dir_all(&folder).unwrap();
    let lock = File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (modules, ready) = (folder.join("node_modules"), folder.join("ready"));
    if !ready.exists() {
        for file in files {
            fs::copy(from.join(file), folder.join(file)).unwrap();
        }
        let npm = Command::new("npm")
            .current_dir(&folder)
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"])
            .output();
        let npm = npm.unwrap_or_else(|e| panic!("npm can't be run ({e}): install node and npm"));
        assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
        // The same description twenty times over: of other products, and with all references written out.
        for entry in fs::read_dir(modules.join("@octokit/openapi/generated")).unwrap() {
            let path = entry.unwrap().path();
            if path.file_name().is_some_and(|name| name != "api.github.com.json") {
                fs::remove_file(path).unwrap();
            }
        }
        File::create(ready).unwrap();
    }
    modules
}

/// A proxy that holds requests and answers against GitHub's own description of its API, and writes down what violates it. It ends with
/// the value.
pub struct Judge {
    /// Where to call.
    pub url: String,
    process: Child,
    log: PathBuf,
}

impl Drop for Judge {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _reaped = self.process.wait();
        // What it said is of use to whoever looks why a test failed.
        if !std::thread::panicking() {
            let _removed = fs::remove_file(&self.log);
        }
    }
}

impl Judge {
    /// Before that API. Reading the description takes some seconds.
    pub fn before(upstream: &str) -> Self {
        let modules = packages();
        // Free now; whoever takes it in between makes the test fail, and nothing else.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let log = cache().join(format!("prism-{}-{port}.log", std::process::id()));
        let mut prism = Command::new("node");
        prism.arg(modules.join("@stoplight/prism-cli/dist/index.js")).args(["proxy", "--port", &port.to_string()]);
        prism.arg(modules.join("@octokit/openapi/generated/api.github.com.json")).arg(upstream);
        prism.env("NO_COLOR", "1").env_remove("FORCE_COLOR");
        let out = File::create(&log).unwrap();
        let process = prism.stdin(Stdio::null()).stderr(out.try_clone().unwrap()).stdout(out).spawn().unwrap();
        let mut judge = Self { url: format!("http://127.0.0.1:{port}"), process, log };
        let deadline = Instant::now() + PATIENCE;
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            let gone = judge.process.try_wait().unwrap();
            assert!(gone.is_none() && Instant::now() < deadline, "prism did not come up: {}", judge.log());
            std::thread::park_timeout(Duration::from_millis(100));
        }
        judge
    }

    /// What violates the description: `post /repos/acme/infra/labels: request.body ...`. Requests have to come one after another.
    pub fn violations(&self) -> Vec<String> {
        let (mut request, mut found) = (String::new(), vec![]);
        for line in self.log().lines() {
            if let Some((_, told)) = line.split_once("[HTTP SERVER] ")
                && line.ends_with("Request received")
            {
                request = told.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            }
            found.extend(line.split_once("Violation: ").map(|(_, what)| format!("{request}: {what}")));
        }
        found
    }

    /// What it said so far.
    fn log(&self) -> String {
        let mut text = String::new();
        File::open(&self.log).unwrap().read_to_string(&mut text).unwrap();
        text
    }
}
