//! An issue for each stack: its text is what is open now, and it is closed while nothing is.

use octocrab::Octocrab;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::{GitHub, Secret, chain};
use crate::show::gfm;
use crate::watch::history::{Delivery, History};

/// How many pages of a hundred issues are looked through, the newest first.
const PAGES: u32 = 20;

/// What we need to know of an issue.
#[derive(Deserialize)]
struct Found {
    number: u64,
    title: String,
    body: Option<String>,
    state: String,
    /// There for a pull request, which is none of ours whatever it says.
    pull_request: Option<Json>,
}

pub(super) struct Issue<'a> {
    pub github: &'a GitHub,
    pub token: &'a Secret,
    pub history: &'a History,
    pub target: &'a str,
}

impl Issue<'_> {
    /// Brings the stack's issue up to date. What is so already is left alone, so that doing it twice does nothing.
    pub async fn keep(&self, delivery: &Delivery, data: &Json, in_order: bool) -> Result<(), String> {
        let GitHub { owner, name, api, text, labels, .. } = self.github;
        let client = Octocrab::builder().base_uri(api.as_str()).and_then(|b| b.personal_token(self.token.expose().to_owned()).build());
        let client = client.map_err(|e| told(&e))?;
        let issues = format!("/repos/{owner}/{name}/issues");
        let mark = mark(&delivery.stack, &delivery.workspace);
        let (title, body) = (text.line("subject", data)?, format!("{}\n\n{mark}", text.render("text", data)?));
        let state = if in_order { "closed" } else { "open" };
        let number = match self.find(&client, &issues, delivery, &mark).await? {
            None if in_order => return Ok(()),
            None => {
                let new = json!({ "title": title, "body": body, "labels": labels });
                client.post::<_, Found>(&issues, Some(&new)).await.map_err(|e| told(&e))?.number
            }
            Some(found) => {
                if found.body.as_deref().map(str::trim) != Some(body.as_str()) || found.title != title || found.state != state {
                    let change = json!({ "title": title, "body": body, "state": state });
                    client.patch::<Found, _, _>(format!("{issues}/{}", found.number), Some(&change)).await.map_err(|e| told(&e))?;
                }
                found.number
            }
        };
        self.remember(delivery, number).await
    }

    /// The stack's issue: the one that the history knows, else the one that bears the mark.
    async fn find(&self, client: &Octocrab, issues: &str, delivery: &Delivery, mark: &str) -> Result<Option<Found>, String> {
        let marked = |issue: &Found| issue.pull_request.is_none() && issue.body.as_deref().is_some_and(|body| body.contains(mark));
        let known = self.history.issue(self.target, &delivery.stack, &delivery.workspace).await.map_err(|e| e.to_string())?;
        if let Some(number) = known {
            match client.get::<Found, _, ()>(format!("{issues}/{number}"), None).await {
                Ok(issue) if marked(&issue) => return Ok(Some(issue)),
                // It was deleted, or moved, or somebody took the mark away.
                Ok(_) => {}
                Err(octocrab::Error::GitHub { source, .. }) if matches!(source.status_code.as_u16(), 404 | 410 | 301) => {}
                Err(e) => return Err(told(&e)),
            }
        }
        for page in 1..=PAGES {
            let asked = [("state", "all"), ("per_page", "100"), ("page", &page.to_string())];
            let found = client.get::<Vec<Found>, _, _>(issues, Some(&asked)).await.map_err(|e| told(&e))?;
            let last = found.len() < 100;
            if let Some(issue) = found.into_iter().find(marked) {
                return Ok(Some(issue));
            }
            if last {
                break;
            }
        }
        Ok(None)
    }

    async fn remember(&self, delivery: &Delivery, number: u64) -> Result<(), String> {
        self.history.remember_issue(self.target, &delivery.stack, &delivery.workspace, number).await.map_err(|e| e.to_string())
    }
}

/// What an issue is found by; nobody sees it.
fn mark(stack: &str, workspace: &str) -> String {
    gfm::hidden(&format!("drift: {stack} {workspace}"))
}

fn told(e: &octocrab::Error) -> String {
    match e {
        octocrab::Error::GitHub { source, .. } => format!("GitHub answered {}: {}", source.status_code, source.message),
        other => chain(other),
    }
}
