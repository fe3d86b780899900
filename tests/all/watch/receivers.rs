//! Those who are told: an HTTP server that remembers what it got, a GitHub in memory, and a real SMTP server.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use crate::support::sandbox::cache;
use crate::support::service::Inbox;

/// A request that came in.
#[derive(Clone, Debug)]
pub struct Posted {
    /// Its path.
    pub path: String,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its body.
    pub body: String,
}

impl Posted {
    /// The body, which is JSON.
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap()
    }
}

type Answer = Box<dyn Fn(&Posted, usize) -> StatusCode + Send + Sync>;

/// An HTTP server that remembers all requests; it ends with the value.
pub struct Http {
    /// Where it listens.
    pub url: String,
    /// What came.
    pub inbox: Arc<Inbox<Posted>>,
    _server: Server,
}

/// What a server runs on; it ends with the value, wherever that is.
struct Server(Option<tokio::runtime::Runtime>);

impl Drop for Server {
    fn drop(&mut self) {
        self.0.take().into_iter().for_each(tokio::runtime::Runtime::shutdown_background);
    }
}

fn serve(router: Router) -> (String, Server) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    runtime.spawn(async move {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        axum::serve(listener, router).await.unwrap();
    });
    (url, Server(Some(runtime)))
}

async fn posted(request: Request) -> Posted {
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let header =
        |(name, value): (&axum::http::HeaderName, &axum::http::HeaderValue)| (name.to_string(), value.to_str().unwrap().to_owned());
    Posted {
        path: head.uri.path().to_owned(),
        headers: head.headers.iter().map(header).collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

impl Http {
    /// One that takes everything.
    pub fn new() -> Self {
        Self::answering(|_, _| StatusCode::NO_CONTENT)
    }

    /// One that answers what that says of a request and how many there were with it.
    pub fn answering(answer: impl Fn(&Posted, usize) -> StatusCode + Send + Sync + 'static) -> Self {
        let inbox = Inbox::new();
        let state: Arc<(Arc<Inbox<Posted>>, Answer)> = Arc::new((inbox.clone(), Box::new(answer)));
        let handler = async |State(state): State<Arc<(Arc<Inbox<Posted>>, Answer)>>, request: Request| {
            let posted = posted(request).await;
            let number = state.0.push(posted.clone());
            let answer = tokio::task::block_in_place(|| (state.1)(&posted, number));
            (answer, "no place for that").into_response()
        };
        let (url, server) = serve(Router::new().fallback(handler).with_state(state));
        Self { url, inbox, _server: server }
    }
}

/// A GitHub with one repository, `acme/infra`.
pub struct GitHub {
    /// Its API.
    pub url: String,
    /// The issues.
    pub issues: Arc<Mutex<Vec<Json>>>,
    /// What was asked of it, `POST /repos/acme/infra/issues`.
    pub calls: Arc<Inbox<String>>,
    _server: Server,
}

impl GitHub {
    /// One with an issue and a pull request of others.
    pub fn new() -> Self {
        let pull = json!({ "number": 2, "title": "x", "body": "<!-- ferroform drift: stacks/web default -->", "state": "open", "pull_request": {} });
        let issues = Arc::new(Mutex::new(vec![json!({ "number": 1, "title": "Hello", "body": null, "state": "open" }), pull]));
        let calls = Inbox::new();
        let state = (issues.clone(), calls.clone());
        let (url, server) = serve(Router::new().fallback(answer).with_state(state));
        Self { url, issues, calls, _server: server }
    }
}

async fn answer(State((issues, calls)): State<(Arc<Mutex<Vec<Json>>>, Arc<Inbox<String>>)>, request: Request) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
    let token = request.headers().get("authorization").map(|value| value.to_str().unwrap().to_owned());
    let body: Bytes = axum::body::to_bytes(request.into_body(), 1 << 24).await.unwrap();
    let sent: Json = serde_json::from_slice(&body).unwrap_or_default();
    let answer = {
        let mut issues = issues.lock().unwrap();
        let number = path.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
        match (method.as_str(), number) {
            _ if token.as_deref() != Some("Bearer ghp_secret") => (StatusCode::UNAUTHORIZED, json!({ "message": "Bad credentials" })),
            _ if !path.starts_with("/repos/acme/infra/issues") => (StatusCode::NOT_FOUND, json!({ "message": "Not Found" })),
            ("GET", None) => (StatusCode::OK, issues.iter().rev().cloned().collect()),
            ("POST", None) => {
                let number = issues.len() + 1;
                issues.push(
                    json!({ "number": number, "title": sent["title"], "body": sent["body"], "state": "open", "labels": sent["labels"] }),
                );
                (StatusCode::CREATED, issues[number - 1].clone())
            }
            (method, Some(number)) if number <= issues.len() => {
                let issue = issues[number - 1].as_object_mut().unwrap();
                if method == "PATCH" {
                    issue.extend(sent.as_object().unwrap().clone());
                }
                (StatusCode::OK, issues[number - 1].clone())
            }
            _ => (StatusCode::NOT_FOUND, json!({ "message": "Not Found" })),
        }
    };
    calls.push(format!("{method} {path}"));
    (answer.0, axum::Json(answer.1)).into_response()
}

/// A mail that came in.
#[derive(Clone, Debug, serde::Deserialize)]
pub struct Mail {
    /// Who gets it, on the envelope.
    pub to: Vec<String>,
    /// Whether it came encrypted.
    pub tls: bool,
    /// Who logged in.
    pub user: Option<String>,
    /// Its headers.
    pub headers: BTreeMap<String, String>,
    /// Its plain text.
    pub text: String,
    /// Its HTML.
    pub html: String,
}

/// A real SMTP server, aiosmtpd in a virtual environment of its own; it ends with the value.
pub struct Smtp {
    /// Its port on this machine.
    pub port: u16,
    /// What came.
    pub inbox: Arc<Inbox<Mail>>,
    /// The certificate by which it is known as `localhost`.
    pub certificate: PathBuf,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// The package and its version.
const PIN: &str = "aiosmtpd==1.4.6";

fn python() -> PathBuf {
    let folder = cache().join("aiosmtpd");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    let (python, complete) = (folder.join("venv/bin/python"), folder.join("complete"));
    if std::fs::read_to_string(&complete).is_ok_and(|pin| pin == PIN) && python.exists() {
        return python;
    }
    let run = |command: &mut Command| {
        let output = command.stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(folder.join("venv")));
    run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--no-input", PIN]));
    std::fs::write(complete, PIN).unwrap();
    python
}

impl Smtp {
    /// One that wants STARTTLS and a login, `watch` with `smtp_secret`, or neither.
    pub fn new(safe: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
        let made = Command::new("openssl")
            .args([
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:prime256v1",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=localhost",
            ])
            .args(["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE", "-keyout"])
            .args([&key, Path::new("-out"), &certificate])
            .output()
            .unwrap();
        assert!(made.status.success(), "{made:?}");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/watch/smtp_server.py");
        let mut child = Command::new(python())
            .arg(program)
            .args(safe.then_some([&certificate, &key]).into_iter().flatten())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = lines.next().unwrap().unwrap().parse().unwrap();
        let inbox = Inbox::new();
        let incoming = inbox.clone();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                incoming.push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { port, inbox, certificate, child, _folder: folder }
    }
}
