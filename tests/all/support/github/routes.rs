//! What each request gets.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rsa::pkcs8::DecodePublicKey;
use serde_json::{Value as Json, json};

use super::shapes::TIME;
use super::state::{State, write_check};
use super::{Asked, GitHub};

/// An answer.
pub(super) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Json,
}

fn reply(status: u16, body: Json) -> Reply {
    Reply { status, headers: vec![], body }
}

/// A refusal as GitHub writes it.
pub(super) fn refused(status: u16, message: &str) -> Reply {
    reply(status, json!({ "message": message, "documentation_url": "https://docs.github.example/rest", "status": status.to_string() }))
}

fn missing() -> Reply {
    refused(404, "Not Found")
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Who {
    Robot,
    App,
    Installation,
}

impl State {
    /// Does what is asked.
    pub fn answer(&mut self, asked: &Asked) -> Reply {
        let Some(who) = self.who(asked) else { return refused(401, "Bad credentials") };
        let decoded = percent_encoding::percent_decode_str(asked.path.trim_start_matches('/')).decode_utf8_lossy().into_owned();
        // What was encoded is one part: a label may hold a slash.
        let parts: Vec<String> = asked.path.trim_start_matches('/').split('/').map(plain).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let method = asked.method.as_str();
        match (method, parts.as_slice()) {
            ("GET", ["user"]) if who == Who::Robot => reply(200, self.whole_user()),
            ("GET", ["app"]) if who == Who::App => reply(200, self.app_shape()),
            ("GET", ["orgs", _, "installation"]) if who == Who::App => reply(200, self.installation()),
            ("POST", ["app", "installations", "77", "access_tokens"]) if who == Who::App => {
                let token = format!("installation-token-{}", self.id());
                self.tokens.push(token.clone());
                let until = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1);
                reply(
                    201,
                    json!({ "token": token, "expires_at": until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(), "permissions": {}, "repository_selection": "all" }),
                )
            }
            ("GET", ["orgs", org, "teams", slug, "memberships", user]) => {
                match self.teams.get(&(format!("{org}/{slug}"), (*user).to_owned())) {
                    Some(state) => reply(200, json!({ "url": format!("{}/{decoded}", self.url), "role": "member", "state": state })),
                    None => missing(),
                }
            }
            (_, ["repositories", "42", rest @ ..]) => self.within(&who, asked, rest),
            (_, ["repos", owner, name, rest @ ..]) => {
                let full = format!("{owner}/{name}");
                if self.renamed.contains(&full) {
                    let query = if asked.query.is_empty() { String::new() } else { format!("?{}", asked.query) };
                    let inside = asked.path.splitn(5, '/').nth(4).map(|rest| format!("/{rest}")).unwrap_or_default();
                    let location = format!("{}/repositories/42{inside}{query}", self.url);
                    let status = if method == "GET" { 301 } else { 307 };
                    return Reply { headers: vec![("location", location)], ..refused(status, "Moved Permanently") };
                }
                if full == self.repository { self.within(&who, asked, rest) } else { missing() }
            }
            _ => missing(),
        }
    }

    /// What is asked of the repository.
    fn within(&mut self, who: &Who, asked: &Asked, rest: &[&str]) -> Reply {
        if *who == Who::App && rest != ["installation"] {
            return refused(401, "A JSON web token could not be used here");
        }
        let body = &asked.body;
        match (asked.method.as_str(), rest) {
            ("GET", []) => reply(200, self.repository_shape()),
            ("GET", ["installation"]) if *who == Who::App => reply(200, self.installation()),
            ("GET", ["pulls"]) => {
                let state = asked.parameter("state").unwrap_or("open");
                let found: Vec<u64> =
                    self.pulls.values().filter(|p| state == "all" || p.open == (state == "open")).map(|p| p.number).rev().collect();
                let found = found.into_iter().map(|number| self.pull_shape(number, false)).collect();
                self.page(asked, found)
            }
            ("GET", ["pulls", number]) => match self.number(number) {
                Some(number) => {
                    self.follow(number);
                    reply(200, self.pull_shape(number, true))
                }
                None => missing(),
            },
            ("GET", ["pulls", number, "reviews"]) => {
                let found = self.reviews.iter().filter(|r| r.pull.to_string() == *number).map(|r| self.review_shape(r)).collect();
                self.page(asked, found)
            }
            ("GET", ["commits", commit, "pulls"]) => {
                let found = self.pulls.values().filter(|p| p.head == *commit || p.merged.as_deref() == Some(commit)).map(|p| p.number);
                let found = found.map(|number| self.pull_shape(number, false)).collect();
                self.page(asked, found)
            }
            ("GET", ["commits", commit, "check-runs"]) => {
                let found: Vec<Json> = self.checks.iter().filter(|check| check["head_sha"] == **commit).map(without_annotations).collect();
                let (count, found) = (found.len(), self.page(asked, found));
                Reply { body: json!({ "total_count": count, "check_runs": found.body }), ..found }
            }
            ("GET", ["commits", commit, "status"]) => self.combined(asked, commit),
            ("GET", ["branches", branch]) => match self.tip(branch) {
                Some(commit) => {
                    let url = format!("{}/repos/{}/branches/{branch}", self.url, self.repository);
                    reply(
                        200,
                        json!({ "name": branch, "commit": self.commit_shape(&commit), "_links": { "html": url, "self": url }, "protected": false,
                        "protection": {}, "protection_url": format!("{url}/protection") }),
                    )
                }
                None => refused(404, "Branch not found"),
            },
            ("GET", ["compare", range]) => self.compare(range),
            ("POST", ["statuses", commit]) => {
                let mut status = self.add_status(commit, body);
                status["creator"] = self.user_shape(&login(who));
                reply(201, status)
            }
            ("POST", ["check-runs"]) if *who == Who::Robot => refused(403, "You must authenticate via a GitHub App."),
            ("PATCH", ["check-runs", _]) if *who == Who::Robot => refused(403, "You must authenticate via a GitHub App."),
            ("POST", ["check-runs"]) => match too_much(&body["output"]) {
                Some(refusal) => refusal,
                None => reply(201, without_annotations(&self.add_check(body))),
            },
            ("GET", ["check-runs", id]) => match self.checks.iter().find(|check| check["id"].as_u64() == id.parse().ok()) {
                Some(check) => reply(200, without_annotations(check)),
                None => missing(),
            },
            ("PATCH", ["check-runs", id]) => {
                if let Some(refusal) = too_much(&body["output"]) {
                    return refusal;
                }
                match self.checks.iter_mut().find(|check| check["id"].as_u64() == id.parse().ok()) {
                    Some(check) => {
                        write_check(check, body);
                        reply(200, without_annotations(check))
                    }
                    None => missing(),
                }
            }
            ("GET", ["issues", number, "comments"]) => {
                let found = self.comments.iter().filter(|c| c.pull.to_string() == *number).map(|c| self.comment_shape(c)).collect();
                self.page(asked, found)
            }
            ("POST", ["issues", number, "comments"]) => match (self.number(number), body["body"].as_str()) {
                (Some(_), Some(text)) if text.chars().count() > 65_536 => refused(422, "Body is too long (maximum is 65536 characters)"),
                (Some(number), Some(text)) => {
                    let id = self.say(number, &login(who), text);
                    let comment = self.comments.iter().find(|comment| comment.id == id).unwrap();
                    reply(201, self.comment_shape(comment))
                }
                (None, _) => missing(),
                _ => refused(422, "Validation Failed"),
            },
            (method, ["issues", "comments", id, rest @ ..]) => self.one_comment(who, method, id, rest, body),
            (method, ["labels", ..] | ["issues", _, "labels", ..]) => self.labelling(method, asked, rest),
            ("GET", ["collaborators", user, "permission"]) => match self.permissions.get(*user) {
                Some(role) => {
                    let coarse = match role.as_str() {
                        "maintain" => "write",
                        "triage" => "read",
                        other => other,
                    };
                    let mut person = self.user_shape(user);
                    person["role_name"] = json!(role);
                    reply(200, json!({ "permission": coarse, "role_name": role, "user": person }))
                }
                None => missing(),
            },
            _ => missing(),
        }
    }

    fn one_comment(&mut self, who: &Who, method: &str, id: &str, rest: &[&str], body: &Json) -> Reply {
        let Some(at) = self.comments.iter().position(|comment| comment.id.to_string() == id) else { return missing() };
        match (method, rest) {
            ("GET", []) => reply(200, self.comment_shape(&self.comments[at])),
            ("PATCH", []) => {
                if self.comments[at].user != login(who) {
                    return refused(403, "Resource not accessible by personal access token");
                }
                let comment = &mut self.comments[at];
                body["body"].as_str().unwrap_or_default().clone_into(&mut comment.body);
                comment.edits += 1;
                reply(200, self.comment_shape(&self.comments[at]))
            }
            ("POST", ["reactions"]) => {
                let given = (login(who), body["content"].as_str().unwrap_or_default().to_owned());
                let known = self.comments[at].reactions.contains(&given);
                let told =
                    json!({ "id": 1, "node_id": "REA_1", "user": self.user_shape(&given.0), "content": given.1, "created_at": TIME });
                if !known {
                    self.comments[at].reactions.push(given);
                }
                reply(if known { 200 } else { 201 }, told)
            }
            _ => missing(),
        }
    }

    fn labelling(&mut self, method: &str, asked: &Asked, rest: &[&str]) -> Reply {
        match (method, rest) {
            ("GET", ["labels"]) => {
                let all = self.labels.keys().map(|name| self.label_shape(name)).collect();
                self.page(asked, all)
            }
            ("POST", ["labels"]) => {
                let text = |key: &str| asked.body[key].as_str().unwrap_or_default().to_owned();
                if self.labels.keys().any(|label| label.eq_ignore_ascii_case(&text("name"))) {
                    let errors = json!([{ "resource": "Label", "code": "already_exists", "field": "name" }]);
                    return reply(
                        422,
                        json!({ "message": "Validation Failed", "documentation_url": "https://docs.github.example/rest", "errors": errors }),
                    );
                }
                self.labels.insert(text("name"), (text("color"), text("description")));
                reply(201, self.label_shape(&text("name")))
            }
            (_, ["issues", number, "labels", inside @ ..]) => {
                let Some(number) = self.number(number) else { return missing() };
                match (method, inside) {
                    ("GET", []) => {}
                    ("POST", []) => {
                        for name in asked.body["labels"].as_array().into_iter().flatten().filter_map(Json::as_str) {
                            // GitHub makes a label that is not there, in grey.
                            self.labels.entry(name.to_owned()).or_insert_with(|| ("ededed".into(), String::new()));
                            let labels = &mut self.pulls.get_mut(&number).unwrap().labels;
                            if !labels.iter().any(|label| label == name) {
                                labels.push(name.to_owned());
                            }
                        }
                    }
                    ("DELETE", [name]) => {
                        let labels = &mut self.pulls.get_mut(&number).unwrap().labels;
                        let before = labels.len();
                        labels.retain(|label| label != name);
                        if labels.len() == before {
                            return refused(404, "Label does not exist");
                        }
                    }
                    _ => return missing(),
                }
                let all = self.pulls[&number].labels.iter().map(|name| self.label_shape(name)).collect();
                self.page(asked, all)
            }
            _ => missing(),
        }
    }

    fn combined(&self, asked: &Asked, commit: &str) -> Reply {
        let mut newest: Vec<Json> = vec![];
        for (_, status) in self.statuses.iter().rev().filter(|(of, _)| of == commit) {
            if !newest.iter().any(|known| known["context"] == status["context"]) {
                newest.push(status.clone());
            }
        }
        let is = |state: &str| newest.iter().any(|status| status["state"] == state);
        let state = match (is("failure") || is("error"), is("pending") || newest.is_empty()) {
            (true, _) => "failure",
            (false, true) => "pending",
            (false, false) => "success",
        };
        let (count, page) = (newest.len(), self.page(asked, newest));
        let url = format!("{}/repos/{}/commits/{commit}", self.url, self.repository);
        let body = json!({ "state": state, "statuses": page.body, "sha": commit, "total_count": count, "repository": self.repository_shape(),
            "commit_url": url, "url": format!("{url}/status") });
        Reply { body, ..page }
    }

    fn compare(&self, range: &str) -> Reply {
        let Some((base, head)) = range.split_once("...") else { return missing() };
        let commit = |name: &str| self.tip(name).unwrap_or_else(|| name.to_owned());
        let (base, head) = (commit(base), commit(head));
        let behind = self.lacks(&base, &head);
        let url = format!("{}/repos/{}/compare/{range}", self.url, self.repository);
        reply(
            200,
            json!({ "url": url, "html_url": url, "permalink_url": url, "diff_url": url, "patch_url": url, "base_commit": self.commit_shape(&base),
            "merge_base_commit": self.commit_shape(&base), "status": if behind == 0 { "ahead" } else { "diverged" }, "ahead_by": 1, "behind_by": behind,
            "total_commits": 1, "commits": [] }),
        )
    }

    fn installation(&self) -> Json {
        let url = format!("{}/app/installations/77", self.url);
        json!({ "id": 77, "account": self.user_shape("acme"), "repository_selection": "all", "access_tokens_url": format!("{url}/access_tokens"),
            "repositories_url": format!("{}/installation/repositories", self.url), "html_url": url, "app_id": self.app.as_ref().map(|(id, _)| id),
            "target_id": 1, "target_type": "Organization", "permissions": { "checks": "write" }, "events": [], "created_at": TIME, "updated_at": TIME,
            "single_file_name": null, "app_slug": "ferroform", "suspended_at": null, "suspended_by": null })
    }

    fn whole_user(&self) -> Json {
        let mut user = self.user_shape(GitHub::ROBOT);
        let more = json!({ "name": null, "company": null, "blog": null, "location": null, "email": null, "hireable": null, "bio": null, "public_repos": 0,
            "public_gists": 0, "followers": 0, "following": 0, "created_at": TIME, "updated_at": TIME });
        user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        user
    }

    fn number(&self, text: &str) -> Option<u64> {
        text.parse().ok().filter(|number| self.pulls.contains_key(number))
    }

    /// A page of a list, with the link to the next.
    fn page(&self, asked: &Asked, all: Vec<Json>) -> Reply {
        let number = |name: &str, otherwise: usize| asked.parameter(name).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
        let (per, page) = (number("per_page", 30).min(100), number("page", 1));
        let more = all.len() > per * page;
        let items: Vec<Json> = all.into_iter().skip(per * (page - 1)).take(per).collect();
        let next = format!("<{}{}?per_page={per}&page={}>; rel=\"next\"", self.url, asked.path, page + 1);
        Reply { headers: if more { vec![("link", next)] } else { vec![] }, ..reply(200, Json::Array(items)) }
    }

    /// Whose credentials those are; an App's token has to be signed, for this App, and for ten minutes at most.
    fn who(&self, asked: &Asked) -> Option<Who> {
        let token = asked.headers.get("authorization")?.strip_prefix("Bearer ")?;
        if token == GitHub::TOKEN {
            return Some(Who::Robot);
        }
        if self.tokens.iter().any(|known| known == token) {
            return Some(Who::Installation);
        }
        let (id, key) = self.app.as_ref()?;
        let (signed, signature) = token.rsplit_once('.')?;
        let decode = |text: &str| BASE64_URL_SAFE_NO_PAD.decode(text).ok();
        let key = rsa::pkcs1v15::VerifyingKey::<sha2::Sha256>::new(rsa::RsaPublicKey::from_public_key_pem(key).ok()?);
        let signature = rsa::pkcs1v15::Signature::try_from(decode(signature)?.as_slice()).ok()?;
        rsa::signature::Verifier::verify(&key, signed.as_bytes(), &signature).ok()?;
        let claims: Json = serde_json::from_slice(&decode(signed.split_once('.')?.1)?).ok()?;
        let now = jiff::Timestamp::now().as_second();
        let (from, until) = (claims["iat"].as_i64()?, claims["exp"].as_i64()?);
        let issuer = claims["iss"].as_u64().or_else(|| claims["iss"].as_str()?.parse().ok())?;
        (issuer == *id && from <= now && now < until && until <= now + 600).then_some(Who::App)
    }
}

fn login(who: &Who) -> String {
    if *who == Who::Robot { GitHub::ROBOT.to_owned() } else { "ferroform[bot]".to_owned() }
}

fn plain(part: &str) -> String {
    percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned()
}

fn without_annotations(check: &Json) -> Json {
    let mut check = check.clone();
    check.as_object_mut().unwrap().remove("annotations");
    check
}

/// GitHub takes fifty annotations at once, and 65,535 characters of a summary.
fn too_much(output: &Json) -> Option<Reply> {
    let annotations = output["annotations"].as_array().map_or(0, Vec::len);
    let summary = output["summary"].as_str().map_or(0, |text| text.chars().count());
    (annotations > 50 || summary > 65_535).then(|| refused(422, "Invalid request."))
}
