//! GitLab: merge requests, notes and commit statuses.

mod event;
mod notes;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use super::patience::Patience;
use super::wire::{Call, HOPS, Reply, Trouble, Wire, chain, cut, moved, part, refusal};
use super::{Answer, Check, Event, Forge, Label, Permission, Pull, PullId, Refusal, Remote, Standing, Verdict};
use crate::words::secret::Secret;

/// The most characters of a note.
const LIMIT: usize = 1_000_000;
/// The most characters of a status' description.
const DESCRIPTION: usize = 255;

/// A GitLab.
pub struct GitLab {
    client: reqwest::Client,
    /// Its address, without a slash at its end.
    url: String,
    token: Secret,
    patience: Patience,
    me: OnceCell<String>,
    /// Labels that are known to be there, by project.
    labels: Mutex<BTreeSet<(String, String)>>,
}

impl std::fmt::Debug for GitLab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitLab").field("url", &self.url).finish_non_exhaustive()
    }
}

impl GitLab {
    /// The GitLab at that address (`https://gitlab.com`), with a token that has the scope `api`: of a user, a group or a project. The
    /// error says what is wrong with them.
    pub fn new(url: &str, token: Secret, patience: Patience) -> Result<Self, String> {
        let url = url.trim_end_matches('/').trim_end_matches("/api/v4").to_owned();
        if !url.starts_with("https://") && !url.starts_with("http://") {
            return Err(format!("`{url}` can't be GitLab's address: it begins with https://"));
        }
        // Whoever was first did the same.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        // What is sent is meant for one place: redirects are followed by `send`, within it.
        let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).connect_timeout(Duration::from_secs(10));
        let client = client.user_agent(concat!("ferroform/", env!("CARGO_PKG_VERSION"))).build();
        let client = client.map_err(|e| format!("can't call GitLab: {e}"))?;
        Ok(Self { client, url, token, patience, me: OnceCell::new(), labels: Mutex::default() })
    }

    /// A user by name; none, if there is none.
    async fn user(&self, name: &str) -> Answer<Option<u64>> {
        #[derive(Deserialize)]
        struct Known {
            id: u64,
        }
        let found: Vec<Known> = self.get(&format!("/users?username={}", part(name))).await?;
        Ok(found.first().map(|user| user.id))
    }

    /// What somebody may do in a project or a group, `/projects/7`, `/groups/7`.
    async fn access(&self, place: &str, name: &str) -> Answer<Permission> {
        #[derive(Deserialize)]
        struct Member {
            access_level: u64,
            #[serde(default)]
            state: String,
        }
        let Some(user) = self.user(name).await? else { return Ok(Permission::None) };
        let Some(member) = self.find::<Member>(&format!("{place}/members/all/{user}")).await? else { return Ok(Permission::None) };
        Ok(match member.access_level {
            _ if !matches!(member.state.as_str(), "active" | "") => Permission::None,
            50.. => Permission::Admin,
            40.. => Permission::Maintain,
            30.. => Permission::Write,
            20.. => Permission::Triage,
            10.. => Permission::Read,
            _ => Permission::None,
        })
    }

    /// Makes a label, if it is not there. One that is there keeps the colour that people gave it.
    async fn make(&self, repository: &str, label: &Label) -> Answer<()> {
        let key = (repository.to_owned(), label.name.clone());
        if self.labels.lock().is_ok_and(|known| known.contains(&key)) {
            return Ok(());
        }
        let body = json!({ "name": label.name, "color": format!("#{}", label.colour), "description": label.meaning });
        let call = Call::post(format!("{}/labels", project(repository)), body);
        let reply = self.ask(&call).await?;
        if !reply.good() && reply.status != 409 {
            return Err(refusal::<Self>(&call, &reply));
        }
        if let Ok(mut known) = self.labels.lock() {
            known.insert(key);
        }
        Ok(())
    }
}

impl Wire for GitLab {
    const PLACE: &'static str = "GitLab";

    fn patience(&self) -> &Patience {
        &self.patience
    }

    async fn send(&self, call: &Call) -> Result<Reply, Trouble> {
        let lost = |e: reqwest::Error| Trouble::Lost(chain(&e.without_url()));
        let mut token = reqwest::header::HeaderValue::try_from(format!("Bearer {}", self.token.expose().trim()))
            .map_err(|_| Refusal::Forbidden("GitLab's token has characters that no token has".into()))?;
        token.set_sensitive(true);
        let api = format!("{}/api/v4", self.url);
        let mut path = call.path.clone();
        for _ in 0..HOPS {
            let request = self.client.request(call.method.clone(), format!("{api}{path}")).header("authorization", token.clone());
            let request = match &call.body {
                Some(body) => request.json(body),
                None => request,
            };
            let answer = request.timeout(self.patience.request).send().await.map_err(lost)?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let reply = Reply { status, headers, body: answer.text().await.map_err(lost)? };
            match moved(&api, &reply) {
                Some(to) => path = to.to_owned(),
                None => return Ok(reply),
            }
        }
        Err(Refusal::Bad(format!("GitLab sends `{}` round in a circle", call.path)).into())
    }
}

/// A merge request as GitLab tells it.
#[derive(Deserialize)]
struct Found {
    iid: u64,
    #[serde(default)]
    title: String,
    author: Option<User>,
    state: String,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    web_url: String,
    sha: Option<String>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    source_branch: String,
    target_branch: String,
    /// Gone, where a fork was deleted.
    source_project_id: Option<u64>,
    target_project_id: u64,
    diverged_commits_count: Option<u64>,
    #[serde(default)]
    labels: Vec<String>,
}

/// Somebody.
#[derive(Deserialize)]
struct User {
    username: String,
}

/// `/projects/group%2Finfra`
fn project(name: &str) -> String {
    format!("/projects/{}", part(name))
}

/// `/projects/group%2Finfra/merge_requests/7`
fn of(id: &PullId) -> String {
    format!("{}/merge_requests/{}", project(&id.repository), id.number)
}

#[async_trait]
impl Forge for GitLab {
    fn limit(&self) -> usize {
        LIMIT
    }

    fn word(&self) -> &'static str {
        "merge request"
    }

    fn reference(&self, number: u64) -> String {
        format!("!{number}")
    }

    async fn me(&self) -> Answer<String> {
        self.me.get_or_try_init(|| async { Ok(self.get::<User>("/user").await?.username) }).await.cloned()
    }

    async fn pull(&self, id: &PullId) -> Answer<Pull> {
        #[derive(Deserialize)]
        struct Branch {
            commit: Commit,
        }
        #[derive(Deserialize)]
        struct Commit {
            id: String,
        }
        let found: Found = self.get(&of(id)).await?;
        let branch = format!("{}/repository/branches/{}", project(&id.repository), part(&found.target_branch));
        let base: Option<Branch> = self.find(&branch).await?;
        let head = found.sha.unwrap_or_default();
        // A fast-forward makes no commit of its own.
        let merged = || found.merge_commit_sha.or(found.squash_commit_sha).unwrap_or_else(|| head.clone());
        Ok(Pull {
            id: id.clone(),
            title: found.title,
            author: found.author.map_or_else(|| "ghost".into(), |user| user.username),
            merged: (found.state == "merged").then(merged),
            head,
            head_branch: found.source_branch,
            base: base.map_or_else(String::new, |branch| branch.commit.id),
            base_branch: found.target_branch,
            fork: found.source_project_id != Some(found.target_project_id),
            draft: found.draft,
            // `locked` is one that is being merged.
            open: found.state == "opened",
            url: found.web_url,
        })
    }

    async fn open_pulls(&self, repository: &str) -> Answer<Vec<PullId>> {
        let found: Vec<Found> = self.list(&format!("{}/merge_requests?state=opened", project(repository)), "").await?;
        Ok(found.into_iter().map(|pull| PullId { repository: repository.into(), number: pull.iid }).collect())
    }

    async fn pulls_of(&self, repository: &str, commit: &str) -> Answer<Vec<PullId>> {
        let path = format!("{}/repository/commits/{}/merge_requests", project(repository), part(commit));
        let found: Vec<Found> = match self.list(&path, "").await {
            Err(Refusal::Missing(_)) => vec![],
            answer => answer?,
        };
        Ok(found.into_iter().map(|pull| PullId { repository: repository.into(), number: pull.iid }).collect())
    }

    async fn standing(&self, pull: &Pull, ours: &str) -> Answer<Standing> {
        self.stands(pull, ours).await
    }

    async fn permission(&self, repository: &str, user: &str) -> Answer<Permission> {
        self.access(&project(repository), user).await
    }

    async fn in_team(&self, team: &str, user: &str) -> Answer<bool> {
        // A guest of a group is in it.
        Ok(self.access(&format!("/groups/{}", part(team)), user).await? > Permission::None)
    }

    async fn keep_comment(&self, id: &PullId, mark: &str, text: &str, known: Option<u64>) -> Answer<u64> {
        super::comments::keep(self, self.patience.begin(), id, mark, text, known).await
    }

    async fn say(&self, id: &PullId, text: &str) -> Answer<()> {
        super::comments::say(self, self.patience.begin(), id, text).await
    }

    async fn seen(&self, id: &PullId, comment: u64) -> Answer<()> {
        let call = Call::post(format!("{}/notes/{comment}/award_emoji", of(id)), json!({ "name": "eyes" }));
        let reply = self.ask(&call).await?;
        // It is gone, or we were there before: both are a 404 here.
        if reply.good() || reply.status == 404 { Ok(()) } else { Err(refusal::<Self>(&call, &reply)) }
    }

    async fn label(&self, id: &PullId, labels: &[Label], ours: &str) -> Answer<()> {
        let there = self.get::<Found>(&of(id)).await?.labels;
        let missing: Vec<&Label> = labels.iter().filter(|label| !there.contains(&label.name)).collect();
        let gone = there.iter().filter(|name| name.starts_with(ours) && !labels.iter().any(|label| label.name == **name));
        let gone: Vec<&str> = gone.map(String::as_str).collect();
        if missing.is_empty() && gone.is_empty() {
            return Ok(());
        }
        for label in &missing {
            self.make(&id.repository, label).await?;
        }
        let names: Vec<&str> = missing.iter().map(|label| label.name.as_str()).collect();
        let mut change = json!({});
        for (key, names) in [("add_labels", names), ("remove_labels", gone)].into_iter().filter(|(_, names)| !names.is_empty()) {
            change[key] = json!(names.join(","));
        }
        self.told::<Json>(&Call::put(of(id), change)).await.map(|_| ())
    }

    async fn check(&self, repository: &str, commit: &str, check: &Check, known: Option<u64>) -> Answer<u64> {
        #[derive(Deserialize)]
        struct Status {
            id: u64,
        }
        let state = match check.verdict {
            Verdict::Running => "running",
            Verdict::Success | Verdict::Neutral => "success",
            Verdict::Failure => "failed",
        };
        let body = json!({ "state": state, "name": check.name, "description": cut(&check.title, DESCRIPTION) });
        let call = Call::post(format!("{}/statuses/{}", project(repository), part(commit)), body);
        match self.told::<Status>(&call).await {
            Ok(status) => Ok(status.id),
            // It stands so already.
            Err(Refusal::Bad(why)) if why.contains("Cannot transition status") => Ok(known.unwrap_or_default()),
            Err(refusal) => Err(refusal),
        }
    }

    async fn remote(&self, id: &PullId) -> Answer<Remote> {
        #[derive(Deserialize)]
        struct Place {
            http_url_to_repo: String,
        }
        let place: Place = self.get(&project(&id.repository)).await?;
        let home = self.url.starts_with("https://") && place.http_url_to_repo.starts_with(&format!("{}/", self.url));
        let pair = || BASE64_STANDARD.encode(format!("oauth2:{}", self.token.expose().trim()));
        let header = home.then(|| format!("Authorization: Basic {}", pair()));
        Ok(Remote { url: place.http_url_to_repo, header, head: format!("refs/merge-requests/{}/head", id.number) })
    }

    fn event(&self, headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Event, String> {
        event::event(headers, body)
    }

    fn authentic(&self, headers: &BTreeMap<String, String>, _body: &[u8], secret: &[u8]) -> Option<String> {
        let token = headers.get("x-gitlab-token")?;
        // The key stays the same when GitLab sends it again; the other one came earlier in GitLab's history.
        let delivery = headers.get("idempotency-key").or_else(|| headers.get("x-gitlab-event-uuid")).filter(|id| !id.is_empty())?;
        super::webhook::same(secret, token.as_bytes()).then(|| delivery.clone())
    }
}
