//! GitHub, and GitHub Enterprise.

mod checks;
mod entry;
mod event;
mod labels;
mod notes;
mod standing;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderValue, Request, header};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use octocrab::Octocrab;
use octocrab::service::middleware::retry::RetryConfig;
use serde::Deserialize;
use tokio::sync::OnceCell;

use super::patience::Patience;
use super::wire::{Call, HOPS, Reply, Trouble, Wire, chain, moved, part, url};
use super::{Answer, Check, Event, Forge, Label, Permission, Pull, PullId, Refusal, Remote, Standing};
use entry::Entry;

pub use entry::Credentials;

/// The most bytes of a comment.
const LIMIT: usize = 65_536;

/// A GitHub. Made within a runtime, whose it is from then on.
pub struct GitHub {
    client: Octocrab,
    /// The API's address, without a slash at its end.
    api: String,
    entry: Entry,
    patience: Patience,
    me: OnceCell<String>,
    /// Labels that are known to be there, by repository.
    labels: Mutex<BTreeSet<(String, String)>>,
    /// We may not write check runs: they are statuses.
    statuses: AtomicBool,
}

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("api", &self.api).finish_non_exhaustive()
    }
}

impl GitHub {
    /// The GitHub at that address of its API: `https://api.github.com`, `https://github.acme.com/api/v3`. The error says what is wrong
    /// with the address or the key.
    pub fn new(api: &str, credentials: Credentials, patience: Patience) -> Result<Self, String> {
        let api = api.trim_end_matches('/').to_owned();
        let wrong = |e: &dyn std::error::Error| format!("`{api}` can't be GitHub's API: {}", chain(e));
        // Waiting is ours: octocrab doesn't know how long we may.
        let client = Octocrab::builder().base_uri(api.as_str()).map_err(|e| wrong(&e))?.add_retry_config(RetryConfig::None);
        let client = client.set_connect_timeout(Some(Duration::from_secs(10))).build().map_err(|e| wrong(&e))?;
        Ok(Self {
            client,
            entry: Entry::new(credentials)?,
            api,
            patience,
            me: OnceCell::new(),
            labels: Mutex::default(),
            statuses: AtomicBool::new(false),
        })
    }

    /// Sends a request as it is, with that authorization.
    async fn forward(&self, call: &Call, path: &str, authorization: HeaderValue) -> Result<Reply, Trouble> {
        let lost = |e: octocrab::Error| Trouble::Lost(chain(&e));
        let request = Request::builder().method(call.method.clone()).uri(path).header(header::AUTHORIZATION, authorization);
        let request = request.header(header::ACCEPT, "application/vnd.github+json").header("x-github-api-version", "2022-11-28");
        let request = self.client.build_request(request, call.body.as_ref()).map_err(|e| Refusal::Bad(chain(&e)))?;
        let exchange = async {
            let answer = self.client.execute(request).await.map_err(lost)?;
            let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
            let body = self.client.body_to_string(answer).await.map_err(lost)?;
            Ok(Reply { status, headers, body })
        };
        let late = |_| Trouble::Lost(format!("it did not answer within {:?}", self.patience.request));
        tokio::time::timeout(self.patience.request, exchange).await.map_err(late)?
    }
}

impl Wire for GitHub {
    const PLACE: &'static str = "GitHub";

    fn patience(&self) -> &Patience {
        &self.patience
    }

    async fn send(&self, call: &Call) -> Result<Reply, Trouble> {
        let mut path = call.path.clone();
        for _ in 0..HOPS {
            let scope = entry::Scope::of(&call.path);
            let mut reply = self.forward(call, &path, self.authorization(&scope).await?).await?;
            // A token that was revoked before its time.
            if reply.status == 401 && self.entry.forget(&scope) {
                reply = self.forward(call, &path, self.authorization(&scope).await?).await?;
            }
            // Octocrab follows what has no body. A repository that was renamed says where to repeat all else.
            match moved(&self.api, &reply) {
                Some(to) => path = to.to_owned(),
                None => return Ok(reply),
            }
        }
        Err(Refusal::Bad(format!("GitHub sends `{}` round in a circle", call.path)).into())
    }
}

/// A pull request as GitHub tells it.
#[derive(Deserialize)]
struct Found {
    title: String,
    user: Option<User>,
    state: String,
    #[serde(default)]
    draft: bool,
    html_url: String,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    head: Side,
    base: Side,
}

#[derive(Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// Gone, where a fork was deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    id: u64,
}

/// Somebody; nobody, where the account is gone.
#[derive(Deserialize)]
struct User {
    login: String,
}

fn login(user: Option<User>) -> String {
    user.map_or_else(|| "ghost".into(), |user| user.login)
}

#[derive(Deserialize)]
struct Numbered {
    number: u64,
}

#[derive(Deserialize)]
struct Sha {
    sha: String,
}

/// `/repos/acme/infra`, safe in a path.
fn repository(name: &str) -> String {
    let (owner, name) = name.split_once('/').unwrap_or((name, ""));
    format!("/repos/{}/{}", part(owner), part(name))
}

/// `/repos/acme/infra/WHAT/7`
fn of(id: &PullId, what: &str) -> String {
    format!("{}/{what}/{}", repository(&id.repository), id.number)
}

#[async_trait]
impl Forge for GitHub {
    fn limit(&self) -> usize {
        LIMIT
    }

    fn word(&self) -> &'static str {
        "pull request"
    }

    fn reference(&self, number: u64) -> String {
        format!("#{number}")
    }

    async fn me(&self) -> Answer<String> {
        self.me.get_or_try_init(|| self.whoami()).await.cloned()
    }

    async fn pull(&self, id: &PullId) -> Answer<Pull> {
        #[derive(Deserialize)]
        struct Branch {
            commit: Sha,
        }
        let found: Found = self.get(&of(id, "pulls")).await?;
        // What the pull request says of its base was true when somebody last pushed to it.
        let base = self.find::<Branch>(&format!("{}/branches/{}", repository(&id.repository), part(&found.base.branch))).await?;
        let fork = match (&found.head.repo, &found.base.repo) {
            (Some(head), Some(base)) => head.id != base.id,
            _ => true,
        };
        Ok(Pull {
            id: id.clone(),
            title: found.title,
            author: login(found.user),
            head: found.head.sha,
            head_branch: found.head.branch,
            base: base.map_or(found.base.sha, |branch| branch.commit.sha),
            base_branch: found.base.branch,
            fork,
            draft: found.draft,
            open: found.state == "open",
            // Of one that was not merged it names the commit of a trial.
            merged: found.merged_at.and(found.merge_commit_sha),
            url: found.html_url,
        })
    }

    async fn open_pulls(&self, name: &str) -> Answer<Vec<PullId>> {
        let found: Vec<Numbered> = self.list(&format!("{}/pulls?state=open", repository(name)), "").await?;
        Ok(found.into_iter().map(|pull| PullId { repository: name.into(), number: pull.number }).collect())
    }

    async fn pulls_of(&self, name: &str, commit: &str) -> Answer<Vec<PullId>> {
        let found: Vec<Numbered> = match self.list(&format!("{}/commits/{}/pulls", repository(name), part(commit)), "").await {
            Err(Refusal::Missing(_)) => vec![],
            answer => answer?,
        };
        Ok(found.into_iter().map(|pull| PullId { repository: name.into(), number: pull.number }).collect())
    }

    async fn standing(&self, pull: &Pull, ours: &str) -> Answer<Standing> {
        self.stands(pull, ours).await
    }

    async fn permission(&self, name: &str, user: &str) -> Answer<Permission> {
        #[derive(Deserialize)]
        struct Role {
            permission: String,
            role_name: Option<String>,
        }
        let path = format!("{}/collaborators/{}/permission", repository(name), part(user));
        let Some(role) = self.find::<Role>(&path).await? else { return Ok(Permission::None) };
        // A role of the organisation's own has a name that we don't know, and one of the four.
        let known = |role: &str| match role {
            "admin" => Some(Permission::Admin),
            "maintain" => Some(Permission::Maintain),
            "write" => Some(Permission::Write),
            "triage" => Some(Permission::Triage),
            "read" => Some(Permission::Read),
            _ => None,
        };
        Ok(role.role_name.as_deref().and_then(known).or_else(|| known(&role.permission)).unwrap_or(Permission::None))
    }

    async fn in_team(&self, team: &str, user: &str) -> Answer<bool> {
        #[derive(Deserialize)]
        struct Membership {
            state: String,
        }
        let Some((org, slug)) = team.split_once('/') else {
            return Err(Refusal::Bad(format!("`{team}` is no team: write ORGANISATION/TEAM")));
        };
        let path = format!("/orgs/{}/teams/{}/memberships/{}", part(org), part(slug), part(user));
        Ok(self.find::<Membership>(&path).await?.is_some_and(|membership| membership.state == "active"))
    }

    async fn keep_comment(&self, id: &PullId, mark: &str, text: &str, known: Option<u64>) -> Answer<u64> {
        super::comments::keep(self, self.patience.begin(), id, mark, text, known).await
    }

    async fn say(&self, id: &PullId, text: &str) -> Answer<()> {
        super::comments::say(self, self.patience.begin(), id, text).await
    }

    async fn seen(&self, id: &PullId, comment: u64) -> Answer<()> {
        self.react(id, comment).await
    }

    async fn label(&self, id: &PullId, labels: &[Label], ours: &str) -> Answer<()> {
        self.relabel(id, labels, ours).await
    }

    async fn check(&self, repository: &str, commit: &str, check: &Check, known: Option<u64>) -> Answer<u64> {
        self.tell(repository, commit, check, known).await
    }

    async fn remote(&self, id: &PullId) -> Answer<Remote> {
        #[derive(Deserialize)]
        struct Place {
            clone_url: String,
        }
        let path = repository(&id.repository);
        let place: Place = self.get(&path).await?;
        let mut header = None;
        if is_home(&self.api, &place.clone_url) {
            let token = self.token(&entry::Scope::of(&path)).await?;
            let pair = BASE64_STANDARD.encode(format!("x-access-token:{}", token.expose()));
            header = Some(format!("Authorization: Basic {pair}"));
        }
        Ok(Remote { url: place.clone_url, header, head: format!("refs/pull/{}/head", id.number) })
    }

    fn event(&self, headers: &BTreeMap<String, String>, body: &[u8]) -> Result<Event, String> {
        event::event(headers, body)
    }

    fn authentic(&self, headers: &BTreeMap<String, String>, body: &[u8], secret: &[u8]) -> Option<String> {
        let signature = headers.get("x-hub-signature-256")?.strip_prefix("sha256=")?;
        let delivery = headers.get("x-github-delivery").filter(|id| !id.is_empty())?;
        super::webhook::signed(secret, body, signature).then(|| delivery.clone())
    }
}

/// Whether a repository's address is of the same place as its API, and so may have our token: `github.com` and `api.github.com`.
fn is_home(api: &str, clone: &str) -> bool {
    let (Some(api), Some(clone)) = (url(api), url(clone)) else { return false };
    let (ours, theirs) = (api.1.to_lowercase(), clone.1.to_lowercase());
    clone.0 == "https" && api.0 == "https" && (ours == theirs || ours.strip_prefix("api.") == Some(&theirs))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_goes_home_only() {
        for (api, clone) in [
            ("https://api.github.com", "https://github.com/acme/infra.git"),
            ("https://github.acme.com/api/v3", "https://github.acme.com/acme/infra.git"),
            ("https://api.acme.ghe.com", "https://acme.ghe.com/acme/infra.git"),
        ] {
            assert!(is_home(api, clone), "{api} {clone}");
        }
        for clone in [
            "/srv/infra.git",
            "file:///srv/infra.git",
            "http://github.com/acme/infra.git",
            "https://evil.example/github.com/infra.git",
            "https://github.com.evil.example/infra.git",
            "https://github.com@evil.example/infra.git",
            "git@github.com:acme/infra.git",
        ] {
            assert!(!is_home("https://api.github.com", clone), "{clone}");
        }
    }
}
