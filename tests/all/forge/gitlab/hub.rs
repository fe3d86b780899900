//! A small stand-in for GitLab: one project with merge requests, notes, labels and statuses, in the shapes of GitLab's REST API, version 4.

use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

/// The token that is let in.
pub const TOKEN: &str = "a-token-of-gitlab";
/// The merge requests' project, escaped.
const PROJECT: &str = "/api/v4/projects/acme%2Fcloud%2Finfra";

/// What the stand-in remembers, and what it tells.
#[derive(Default)]
pub struct Memory {
    /// Notes: id, author, text.
    pub notes: Vec<(u64, String, String)>,
    /// Labels of the merge request.
    pub labels: Vec<String>,
    /// Labels of the project.
    pub all_labels: Vec<Json>,
    /// Statuses that were told.
    pub told: Vec<Json>,
    /// What the merge request says besides, over what it says by itself.
    pub request: Json,
    /// Lists: statuses, pipelines, reviewers, approvals' users.
    pub statuses: Json,
    /// Pipelines of the merge request.
    pub pipelines: Json,
    /// Reviewers; null, where GitLab is too old to know.
    pub reviewers: Json,
    /// Who approved.
    pub approved: Vec<String>,
    /// Members: name, level, state. Ids are places in the list.
    pub members: Vec<(String, u64, String)>,
    /// Requests: method, path with query, body.
    pub requests: Vec<(String, String, Json)>,
    /// The next requests of that method get that status and header, or are done and broken (0).
    pub faults: Vec<(String, u16, Option<(&'static str, String)>)>,
}

/// A GitLab; it ends with the test's runtime.
pub struct Hub {
    /// Its address.
    pub url: String,
    memory: Arc<Mutex<Memory>>,
}

impl Hub {
    /// Starts it.
    pub async fn start() -> Self {
        let memory = Arc::new(Mutex::new(Memory { request: json!({}), statuses: json!([]), pipelines: json!([]), ..Memory::default() }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&memory));
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, memory }
    }

    /// What it remembers.
    pub fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap()
    }
}

fn note(note: &(u64, String, String)) -> Json {
    json!({ "id": note.0, "type": null, "body": note.2, "author": { "id": 1, "username": note.1, "name": note.1, "state": "active" },
        "created_at": jiff::Timestamp::now().to_string(), "updated_at": "2026-01-01T00:00:00.000Z", "system": false, "noteable_type": "MergeRequest",
        "noteable_iid": 7, "resolvable": false })
}

async fn answer(State(memory): State<Arc<Mutex<Memory>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 24).await.unwrap();
    let body: Json = serde_json::from_slice(&body).unwrap_or_default();
    let whole = head.uri.to_string();
    let mut memory = memory.lock().unwrap();
    memory.requests.push((head.method.to_string(), whole.clone(), body.clone()));
    let allowed = head.headers.get("authorization").is_some_and(|given| given == &format!("Bearer {TOKEN}"));
    if !allowed {
        return (StatusCode::UNAUTHORIZED, json!({ "message": "401 Unauthorized" }).to_string()).into_response();
    }
    // What the project was called before.
    if let Some(rest) = whole.strip_prefix("/api/v4/projects/acme%2Fold") {
        let to = format!("http://{}{PROJECT}{rest}", head.headers["host"].to_str().unwrap());
        return (StatusCode::MOVED_PERMANENTLY, [("location", to)], "").into_response();
    }
    let fault = memory.faults.iter().position(|(method, ..)| *method == head.method.as_str());
    let fault = fault.map(|at| memory.faults.remove(at));
    if let Some((_, status, header)) = fault.clone().filter(|(_, status, _)| *status != 0) {
        let mut response = (StatusCode::from_u16(status).unwrap(), "Retry later\n").into_response();
        header.into_iter().for_each(|(name, value)| drop(response.headers_mut().insert(name, value.parse().unwrap())));
        return response;
    }
    let (status, told) = memory.answer(head.method.as_str(), head.uri.path(), head.uri.query().unwrap_or_default(), &body);
    let status = if fault.is_some() { 504 } else { status };
    (StatusCode::from_u16(status).unwrap(), [("content-type", "application/json")], told.to_string()).into_response()
}

impl Memory {
    fn answer(&mut self, method: &str, path: &str, query: &str, body: &Json) -> (u16, Json) {
        let missing = (404, json!({ "message": "404 Not found" }));
        if let Some(inside) = path.strip_prefix(PROJECT) {
            return self.within(method, inside, query, body);
        }
        match (method, path.trim_start_matches("/api/v4")) {
            ("GET", "/user") => (200, json!({ "id": 99, "username": "robot", "name": "Robot", "state": "active" })),
            ("GET", "/users") => {
                let name = query.trim_start_matches("username=");
                let known = self.members.iter().position(|(member, ..)| member == name);
                (200, known.map_or(json!([]), |id| json!([{ "id": id, "username": name, "state": "active" }])))
            }
            ("GET", path) if path.starts_with("/groups/acme%2Fplatform/members/all/") => self.member(path),
            _ => missing,
        }
    }

    fn member(&self, path: &str) -> (u16, Json) {
        let id = path.rsplit('/').next().and_then(|id| id.parse::<usize>().ok());
        match id.and_then(|id| Some((id, self.members.get(id)?))) {
            // Level 0 is no member.
            Some((id, (name, level, state))) if *level > 0 => {
                (200, json!({ "id": id, "username": name, "state": state, "access_level": level }))
            }
            _ => (404, json!({ "message": "404 Not found" })),
        }
    }

    fn request(&self) -> Json {
        let mut told = json!({ "id": 1, "iid": 7, "project_id": 3, "title": "Change it", "state": "opened", "created_at": "2026-01-01T00:00:00.000Z",
            "target_branch": "main", "source_branch": "feature", "author": { "id": 2, "username": "ann" }, "source_project_id": 3, "target_project_id": 3,
            "labels": self.labels, "draft": false, "sha": "1111111111111111111111111111111111111111", "merge_commit_sha": null, "squash_commit_sha": null,
            "web_url": "https://gitlab.example/acme/cloud/infra/-/merge_requests/7", "diverged_commits_count": 2, "references": { "full": "acme/cloud/infra!7" } });
        told.as_object_mut().unwrap().extend(self.request.as_object().unwrap().clone());
        told
    }

    fn within(&mut self, method: &str, inside: &str, query: &str, body: &Json) -> (u16, Json) {
        let page = query.split('&').find_map(|pair| pair.strip_prefix("page=")?.parse::<usize>().ok()).unwrap_or(1);
        let notes = "/merge_requests/7/notes";
        let text = body["body"].as_str().unwrap_or_default().to_owned();
        match (method, inside) {
            ("GET", "") => (
                200,
                json!({ "id": 3, "http_url_to_repo": "https://gitlab.example/acme/cloud/infra.git", "path_with_namespace": "acme/cloud/infra" }),
            ),
            ("GET", "/merge_requests/7") => (200, self.request()),
            ("PUT", "/merge_requests/7") => {
                let names = |key: &str| {
                    body[key].as_str().unwrap_or_default().split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
                };
                let gone = names("remove_labels");
                self.labels.retain(|label| !gone.contains(label));
                self.labels.extend(names("add_labels"));
                (200, self.request())
            }
            ("GET", "/merge_requests" | "/repository/commits/c0ffee/merge_requests") => (200, json!([self.request()])),
            ("GET", "/merge_requests/7/approvals") => {
                let by: Vec<Json> = self.approved.iter().map(|name| json!({ "user": { "id": 1, "username": name } })).collect();
                (200, json!({ "approved": true, "approved_by": by }))
            }
            ("GET", "/merge_requests/7/reviewers") if self.reviewers.is_null() => (404, json!({ "error": "404 Not Found" })),
            ("GET", "/merge_requests/7/reviewers") => (200, self.reviewers.clone()),
            ("GET", "/merge_requests/7/pipelines") => (200, self.pipelines.clone()),
            ("GET", "/repository/commits/1111111111111111111111111111111111111111/statuses") => (200, self.statuses.clone()),
            ("GET", "/repository/branches/main") => {
                (200, json!({ "name": "main", "commit": { "id": "2222222222222222222222222222222222222222" } }))
            }
            ("POST", "/labels") => {
                if self.all_labels.iter().any(|label| label["name"] == body["name"]) {
                    return (409, json!({ "message": "Label already exists" }));
                }
                self.all_labels.push(body.clone());
                (201, body.clone())
            }
            ("POST", path) if path.starts_with("/statuses/") => {
                if self.told.last().is_some_and(|last| last["state"] == "running" && body["state"] == "running") {
                    return (
                        400,
                        json!({ "message": "Cannot transition status via :run from :running (Reason(s): Status cannot transition via \"run\")" }),
                    );
                }
                self.told.push(body.clone());
                (
                    201,
                    json!({ "id": 90 + self.told.len(), "sha": path.trim_start_matches("/statuses/"), "status": body["state"], "name": body["name"] }),
                )
            }
            ("GET", path) if path.starts_with("/members/all/") => self.member(path),
            ("GET", path) if path == notes => {
                let mut all: Vec<Json> = self.notes.iter().map(note).collect();
                if query.contains("sort=desc") {
                    all.reverse();
                }
                (200, all.into_iter().skip(100 * (page - 1)).take(100).collect())
            }
            ("POST", path) if path == notes && text.chars().count() > 1_000_000 => (400, json!({ "message": { "note": ["is too long"] } })),
            ("POST", path) if path == notes => {
                let id = 100 + self.notes.len() as u64;
                self.notes.push((id, "robot".into(), text));
                (201, note(self.notes.last().unwrap()))
            }
            (method, path) => {
                let rest = path.strip_prefix(notes).unwrap_or_default().trim_start_matches('/');
                let (id, more) = rest.split_once('/').unwrap_or((rest, ""));
                let Some(at) = self.notes.iter().position(|(known, ..)| known.to_string() == id) else {
                    return (404, json!({ "message": "404 Not found" }));
                };
                match (method, more) {
                    ("GET", "") => {}
                    ("PUT", "") => self.notes[at].2 = text,
                    ("POST", "award_emoji") => return (201, json!({ "id": 1, "name": body["name"] })),
                    _ => return (405, json!({ "error": "405 Not Allowed" })),
                }
                (200, note(&self.notes[at]))
            }
        }
    }
}
