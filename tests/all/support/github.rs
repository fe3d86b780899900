//! A stand-in for GitHub's REST API, in memory: one repository with its pull requests, comments, labels, reviews, checks and permissions. Branches
//! are those of a bare git repository where there is one, so that what is pushed there is what GitHub tells.
//!
//! ```ignore
//! let hub = GitHub::start("acme/infra", Some(bare));       // or None, and `hub.branch("main", SHA)`
//! let hub = hub.with_app(7, public_key);                   // else only GitHub::TOKEN is let in, whose login is GitHub::ROBOT
//! hub.permit("ann", "write");                              // none, read, triage, write, maintain, admin
//! let n = hub.open_pull("ann", "feature", "main");         // `refs/pull/N/head` follows the branch, as GitHub's does
//! hub.approve(n, "ben");  hub.review(n, "ben", "CHANGES_REQUESTED");
//! hub.say(n, "ann", "ferroform apply");                    // gives the comment's id
//! hub.comments(n);  hub.labels(n);  hub.checks(sha);  hub.statuses(sha);
//! hub.fault("POST", "/comments", Fault::Lost, 1);          // the next one takes effect, and its answer is lost
//! hub.requests();                                          // all that came: method, path, query, headers, body
//! hub.merge(n);  hub.close(n);                             // merge makes a merge commit in the bare repository
//! let (event, body) = hub.told(n, "opened");               // the webhook's X-GitHub-Event and payload; also told_comment, told_push
//! GitHub::sign(secret, body.as_bytes());                   // its X-Hub-Signature-256
//! ```

mod routes;
mod shapes;
mod state;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use hmac::{Hmac, Mac};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

pub use state::{Comment, Pull};
use state::{Review, State};

/// What happens to a request in place of, or after, what it asks for.
#[derive(Clone, Debug)]
pub enum Fault {
    /// 403 with `x-ratelimit-remaining: 0` and the time of the reset, so many seconds from now.
    Spent(i64),
    /// 429 with `retry-after`, in seconds.
    RetryAfter(u64),
    /// 403 which speaks of a secondary rate limit, without headers.
    Secondary,
    /// That status, before anything was done.
    Status(u16),
    /// The connection is cut before anything was done.
    Cut,
    /// It takes effect, and the connection is cut: the answer is lost.
    Lost,
    /// It takes effect, and the answer never comes, though the connection stays.
    Silence,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Asked {
    /// `POST`
    pub method: String,
    /// `/repos/acme/infra/issues/1/comments`
    pub path: String,
    /// `per_page=100&page=2`, or nothing.
    pub query: String,
    /// With small names.
    pub headers: BTreeMap<String, String>,
    /// JSON, or null.
    pub body: Json,
}

impl Asked {
    /// A parameter of the query.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.split('&').filter_map(|pair| pair.split_once('=')).find(|(key, _)| *key == name).map(|(_, value)| value)
    }
}

/// A GitHub; it ends with the value.
pub struct GitHub {
    url: String,
    shared: Arc<Mutex<State>>,
    stop: Option<oneshot::Sender<()>>,
}

impl Drop for GitHub {
    fn drop(&mut self) {
        self.stop.take().map(|stop| stop.send(()));
    }
}

impl GitHub {
    /// The token that is let in.
    pub const TOKEN: &str = "a-token-of-the-robot";
    /// Whose it is.
    pub const ROBOT: &str = "robot";

    /// Starts it with a repository, and where its commits are.
    pub fn start(repository: &str, bare: Option<&Path>) -> Self {
        let (url_is, url) = std::sync::mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Mutex::new(State::new(repository, bare.map(PathBuf::from))));
        let state = Arc::clone(&shared);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let url = format!("http://{}", listener.local_addr().unwrap());
                state.lock().unwrap().url.clone_from(&url);
                url_is.send(url).unwrap();
                tokio::select! {
                    () = serve(listener, state) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { url: url.recv().unwrap(), shared, stop: Some(stop) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap()
    }

    /// Lets in an App, `ferroform[bot]`, that is installed in the repository: its id, and its public key as PEM. Tokens of its installation
    /// may write check runs; [`GitHub::TOKEN`] may not, as on GitHub.
    #[must_use]
    pub fn with_app(self, id: u64, key: &str) -> Self {
        self.state().app = Some((id, key.to_owned()));
        self
    }

    /// The address of the API.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A branch of a repository without git.
    pub fn branch(&self, name: &str, commit: &str) {
        self.state().branches.insert(name.into(), commit.into());
    }

    /// How many commits of the base a head lacks, in a repository without git.
    pub fn behind(&self, commits: u64) {
        self.state().behind = commits;
    }

    /// What somebody may do: `none`, `read`, `triage`, `write`, `maintain`, `admin`. Whoever is not named is no collaborator.
    pub fn permit(&self, user: &str, role: &str) {
        self.state().permissions.insert(user.into(), role.into());
    }

    /// Puts somebody into a team, `acme/platform`; the state is `active` or `pending`.
    pub fn team(&self, team: &str, user: &str, state: &str) {
        self.state().teams.insert((team.into(), user.into()), state.into());
    }

    /// The repository gets another name; the old one leads to it.
    pub fn rename(&self, name: &str) {
        let mut state = self.state();
        let old = std::mem::replace(&mut state.repository, name.to_owned());
        state.renamed.push(old);
    }

    /// Opens a pull request of a branch into another; gives its number.
    pub fn open_pull(&self, author: &str, head: &str, base: &str) -> u64 {
        self.state().open(author, head, base, false)
    }

    /// The same from a fork, where the head's commit is in the repository already (or anything without git).
    pub fn open_pull_of_fork(&self, author: &str, head: &str, base: &str) -> u64 {
        self.state().open(author, head, base, true)
    }

    /// A pull request.
    pub fn pull(&self, number: u64) -> Pull {
        let mut state = self.state();
        state.follow(number);
        state.pulls[&number].clone()
    }

    /// Changes a pull request as its author might.
    pub fn edit(&self, number: u64, change: impl FnOnce(&mut Pull)) {
        change(self.state().pulls.get_mut(&number).unwrap());
    }

    /// Merges a pull request, in git where there is one; gives the merge commit.
    pub fn merge(&self, number: u64) -> String {
        self.state().merge(number)
    }

    /// Closes a pull request.
    pub fn close(&self, number: u64) {
        self.state().close(number);
    }

    /// Somebody writes a comment; gives its id.
    pub fn say(&self, number: u64, user: &str, text: &str) -> u64 {
        self.state().say(number, user, text)
    }

    /// The comments of a pull request, the oldest first.
    pub fn comments(&self, number: u64) -> Vec<Comment> {
        self.state().comments.iter().filter(|comment| comment.pull == number).cloned().collect()
    }

    /// Somebody deletes a comment.
    pub fn delete_comment(&self, id: u64) {
        self.state().comments.retain(|comment| comment.id != id);
    }

    /// Somebody approves what is the head now. Whoever has no permission yet may write from then on.
    pub fn approve(&self, number: u64, user: &str) {
        self.state().permissions.entry(user.into()).or_insert_with(|| "write".into());
        self.review(number, user, "APPROVED");
    }

    /// Somebody reviews: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `DISMISSED`, `PENDING`.
    pub fn review(&self, number: u64, user: &str, state: &str) {
        let mut hub = self.state();
        hub.follow(number);
        let id = hub.id();
        let commit = hub.pulls[&number].head.clone();
        hub.reviews.push(Review { id, pull: number, user: user.into(), state: state.into(), commit });
    }

    /// The labels of a pull request.
    pub fn labels(&self, number: u64) -> Vec<String> {
        self.state().pulls[&number].labels.clone()
    }

    /// The labels of the repository: name to colour and description.
    pub fn all_labels(&self) -> BTreeMap<String, (String, String)> {
        self.state().labels.clone()
    }

    /// The check runs of a commit, as GitHub tells them, with all `annotations` that came, too.
    pub fn checks(&self, commit: &str) -> Vec<Json> {
        self.state().checks.iter().filter(|check| check["head_sha"] == commit).cloned().collect()
    }

    /// Somebody else's check run: its status (`queued`, `in_progress`, `completed`) and conclusion (`success`, `failure`, ...).
    pub fn check(&self, commit: &str, name: &str, status: &str, conclusion: Option<&str>) {
        let mut state = self.state();
        let body = json!({ "name": name, "head_sha": commit, "status": status, "conclusion": conclusion });
        state.add_check(&body);
    }

    /// The statuses of a commit, the newest first: context, state, description.
    pub fn statuses(&self, commit: &str) -> Vec<Json> {
        self.state().statuses.iter().rev().filter(|(of, _)| of == commit).map(|(_, status)| status.clone()).collect()
    }

    /// Somebody's status of a commit: `pending`, `success`, `failure`, `error`.
    pub fn status(&self, commit: &str, context: &str, state: &str) {
        self.state().add_status(commit, &json!({ "context": context, "state": state }));
    }

    /// The next so many requests of that method (`*` for any) whose path holds that text get that.
    pub fn fault(&self, method: &str, path: &str, fault: Fault, times: usize) {
        self.state().faults.push((method.into(), path.into(), fault, times));
    }

    /// Nothing goes wrong any more.
    pub fn no_faults(&self) {
        self.state().faults.clear();
    }

    /// All requests that came, those with faults, too.
    pub fn requests(&self) -> Vec<Asked> {
        self.state().requests.clone()
    }

    /// How many requests came of that method whose path ends so.
    pub fn count(&self, method: &str, ends: &str) -> usize {
        self.state().requests.iter().filter(|asked| asked.method == method && asked.path.ends_with(ends)).count()
    }

    /// A webhook of a pull request: `opened`, `synchronize`, `reopened`, `ready_for_review`, `closed`, ...: its X-GitHub-Event and its payload.
    pub fn told(&self, number: u64, action: &str) -> (&'static str, String) {
        let mut state = self.state();
        state.follow(number);
        let user = state.pulls[&number].author.clone();
        let body = json!({ "action": action, "number": number, "pull_request": state.pull_shape(number, true),
            "repository": state.repository_shape(), "sender": state.user_shape(&user) });
        ("pull_request", body.to_string())
    }

    /// A webhook of a comment: `created`, `edited`, `deleted`.
    pub fn told_comment(&self, id: u64, action: &str) -> (&'static str, String) {
        let state = self.state();
        let comment = state.comments.iter().find(|comment| comment.id == id).unwrap();
        let pull = &state.pulls[&comment.pull];
        let issue = json!({ "number": comment.pull, "title": pull.title, "state": if pull.open { "open" } else { "closed" },
            "user": state.user_shape(&pull.author), "pull_request": { "url": format!("{}/repos/{}/pulls/{}", state.url, state.repository, comment.pull) } });
        let body = json!({ "action": action, "issue": issue, "comment": state.comment_shape(comment),
            "repository": state.repository_shape(), "sender": state.user_shape(&comment.user) });
        ("issue_comment", body.to_string())
    }

    /// A webhook of a push to a branch, as it is now.
    pub fn told_push(&self, branch: &str) -> (&'static str, String) {
        let state = self.state();
        let body = json!({ "ref": format!("refs/heads/{branch}"), "before": "0".repeat(40), "after": state.tip(branch), "created": false,
            "deleted": false, "forced": false, "commits": [], "repository": state.repository_shape(), "sender": state.user_shape("ann") });
        ("push", body.to_string())
    }

    /// The X-Hub-Signature-256 of a body.
    pub fn sign(secret: &[u8], body: &[u8]) -> String {
        let mut hmac = Hmac::<sha2::Sha256>::new_from_slice(secret).unwrap();
        hmac.update(body);
        format!("sha256={}", hmac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect::<String>())
    }
}

async fn serve(listener: TcpListener, shared: Arc<Mutex<State>>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        let shared = Arc::clone(&shared);
        tokio::spawn(async move {
            let service = service_fn(|request| answer(Arc::clone(&shared), request));
            // A connection that is cut on purpose ends with an error.
            let _cut = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

/// The connection is cut.
#[derive(Debug, thiserror::Error)]
#[error("cut")]
struct Cut;

async fn answer(shared: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Cut> {
    match answered(shared, request).await? {
        Some(response) => Ok(response),
        None => std::future::pending().await,
    }
}

async fn answered(shared: Arc<Mutex<State>>, request: Request<Incoming>) -> Result<Option<Response<Full<Bytes>>>, Cut> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut)?.to_bytes();
    let asked = Asked {
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head
            .headers
            .iter()
            .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
            .collect(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let mut state = shared.lock().unwrap();
    state.requests.push(asked.clone());
    let reply = match state.next_fault(&asked) {
        None => state.answer(&asked),
        Some(Fault::Lost) => {
            state.answer(&asked);
            return Err(Cut);
        }
        Some(Fault::Silence) => {
            state.answer(&asked);
            return Ok(None);
        }
        Some(Fault::Cut) => return Err(Cut),
        Some(Fault::Spent(seconds)) => {
            let reset = jiff::Timestamp::now().as_second() + seconds;
            let headers = vec![("x-ratelimit-remaining", "0".to_owned()), ("x-ratelimit-reset", reset.to_string())];
            routes::Reply { headers, ..routes::refused(403, "API rate limit exceeded for installation.") }
        }
        Some(Fault::RetryAfter(seconds)) => {
            let headers = vec![("retry-after", seconds.to_string())];
            routes::Reply { headers, ..routes::refused(429, "Too many requests") }
        }
        Some(Fault::Secondary) => {
            routes::refused(403, "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.")
        }
        Some(Fault::Status(status)) => routes::refused(status, "Something went wrong"),
    };
    let mut response = Response::builder().status(reply.status).header("content-type", "application/json; charset=utf-8");
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    let text = if reply.body.is_null() { String::new() } else { reply.body.to_string() };
    Ok(Some(response.body(Full::new(Bytes::from(text))).unwrap()))
}
