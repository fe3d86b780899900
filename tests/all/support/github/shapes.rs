//! Things as GitHub tells them.

use serde_json::{Map, Value as Json, json};

use super::state::{Comment, Pull, Review, State};

/// Any time.
pub(super) const TIME: &str = "2026-01-01T00:00:00Z";

/// A thing with an address for each name: `{base}/NAME`.
fn addresses(thing: &mut Json, base: &str, names: &str) {
    let fields = thing.as_object_mut().unwrap();
    fields.extend(names.split_whitespace().map(|name| (format!("{name}_url"), json!(format!("{base}/{name}")))));
}

fn merged(mut a: Json, b: Json) -> Json {
    let Json::Object(b) = b else { return a };
    a.as_object_mut().unwrap().extend(b);
    a
}

impl State {
    pub fn user_shape(&self, login: &str) -> Json {
        let url = format!("{}/users/{}", self.url, login.replace('[', "%5B").replace(']', "%5D"));
        let mut user = json!({ "login": login, "id": number(login), "node_id": format!("U_{login}"), "gravatar_id": "", "url": url,
            "type": if login.ends_with("[bot]") { "Bot" } else { "User" }, "site_admin": false });
        let plain = login.trim_end_matches("[bot]");
        addresses(&mut user, &format!("https://github.example/{plain}"), "avatar html");
        addresses(
            &mut user,
            &format!("{}/users/{plain}", self.url),
            "events followers following gists organizations received_events repos starred subscriptions",
        );
        user
    }

    pub fn repository_shape(&self) -> Json {
        self.repository_called(&self.repository, 42)
    }

    fn repository_called(&self, full: &str, id: u64) -> Json {
        let (owner, name) = full.split_once('/').unwrap();
        let url = format!("{}/repos/{full}", self.url);
        let clone = self.bare.as_ref().map_or_else(|| format!("https://github.example/{full}.git"), |bare| bare.display().to_string());
        let mut repository = json!({ "id": id, "node_id": format!("R_{id}"), "name": name, "full_name": full, "owner": self.user_shape(owner),
            "private": true, "html_url": format!("https://github.example/{full}"), "description": null, "fork": id != 42, "url": url,
            "clone_url": clone, "default_branch": "main", "forks": 0, "forks_count": 0, "has_downloads": false, "has_issues": true,
            "has_projects": false, "has_wiki": false, "has_pages": false, "has_discussions": false, "homepage": null, "language": null, "archived": false,
            "disabled": false, "mirror_url": null, "open_issues": 0, "open_issues_count": 0, "pushed_at": TIME, "size": 1,
            "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "created_at": TIME, "updated_at": TIME, "license": null,
            "network_count": 0, "subscribers_count": 0, "has_pull_requests": true });
        addresses(
            &mut repository,
            &url,
            "archive assignees blobs branches collaborators comments commits compare contents contributors deployments downloads events forks \
             git git_commits git_refs git_tags hooks issue_comment issue_events issues keys labels languages merges milestones notifications pulls \
             releases ssh stargazers statuses subscribers subscription svn tags teams trees",
        );
        repository
    }

    /// A pull request; `whole` as it is told by itself.
    pub fn pull_shape(&self, number: u64, whole: bool) -> Json {
        let pull = &self.pulls[&number];
        let url = format!("{}/repos/{}/pulls/{number}", self.url, self.repository);
        let page = format!("https://github.example/{}/pull/{number}", self.repository);
        let labels: Vec<Json> = pull.labels.iter().map(|name| self.label_shape(name)).collect();
        let links = ["comments", "commits", "statuses", "html", "issue", "review_comments", "review_comment", "self"];
        let links: Map<String, Json> = links.into_iter().map(|link| (link.into(), json!({ "href": format!("{url}/{link}") }))).collect();
        let mut told = json!({ "id": number + 500, "node_id": format!("PR_{number}"), "number": number, "url": url, "html_url": page,
            "title": pull.title, "body": null, "state": if pull.open { "open" } else { "closed" }, "locked": false, "draft": pull.draft,
            "user": self.user_shape(&pull.author), "labels": labels, "milestone": null, "assignee": null, "auto_merge": null,
            "created_at": TIME, "updated_at": TIME, "closed_at": if pull.open { json!(null) } else { json!(TIME) },
            "merged_at": pull.merged.as_ref().map(|_| TIME), "merge_commit_sha": pull.merged, "author_association": "CONTRIBUTOR",
            "head": self.side(pull, true), "base": self.side(pull, false), "_links": links });
        addresses(&mut told, &url, "comments commits diff issue patch review_comment review_comments statuses");
        if whole {
            let more = json!({ "merged": pull.merged.is_some(), "mergeable": true, "mergeable_state": "clean", "rebaseable": true, "comments": 0,
                "merged_by": null, "review_comments": 0, "maintainer_can_modify": false, "commits": 1, "additions": 1, "deletions": 1, "changed_files": 1 });
            return merged(told, more);
        }
        told
    }

    fn side(&self, pull: &Pull, head: bool) -> Json {
        let (owner, name) = self.repository.split_once('/').unwrap();
        let (branch, commit) = if head { (&pull.head_branch, &pull.head) } else { (&pull.base_branch, &pull.base) };
        let (owner, repository) = match (head && pull.fork, pull.orphan) {
            (true, true) => (pull.author.as_str(), Json::Null),
            (true, false) => (pull.author.as_str(), self.repository_called(&format!("{}/{name}", pull.author), 43)),
            _ => (owner, self.repository_shape()),
        };
        json!({ "label": format!("{owner}:{branch}"), "ref": branch, "sha": commit, "user": self.user_shape(owner), "repo": repository })
    }

    pub fn comment_shape(&self, comment: &Comment) -> Json {
        let (url, id) = (format!("{}/repos/{}/issues", self.url, self.repository), comment.id);
        let page = format!("https://github.example/{}/pull/{}#issuecomment-{id}", self.repository, comment.pull);
        json!({ "id": id, "node_id": format!("IC_{id}"), "url": format!("{url}/comments/{id}"), "html_url": page,
            "issue_url": format!("{url}/{}", comment.pull), "user": self.user_shape(&comment.user), "body": comment.body,
            "created_at": TIME, "updated_at": TIME, "author_association": "CONTRIBUTOR" })
    }

    pub fn review_shape(&self, review: &Review) -> Json {
        let url = format!("{}/repos/{}/pulls/{}", self.url, self.repository, review.pull);
        json!({ "id": review.id, "node_id": format!("PRR_{}", review.id), "user": self.user_shape(&review.user), "body": "", "state": review.state,
            "html_url": format!("{url}#pullrequestreview-{}", review.id), "pull_request_url": url, "commit_id": review.commit, "submitted_at": TIME,
            "_links": { "html": { "href": url }, "pull_request": { "href": url } }, "author_association": "CONTRIBUTOR" })
    }

    pub fn label_shape(&self, name: &str) -> Json {
        let (colour, description) = self.labels.get(name).cloned().unwrap_or_else(|| ("ededed".into(), String::new()));
        json!({ "id": number(name), "node_id": format!("LA_{}", number(name)), "url": format!("{}/repos/{}/labels/{}", self.url, self.repository, number(name)),
            "name": name, "description": description, "color": colour, "default": false })
    }

    pub fn app_shape(&self) -> Json {
        let id = self.app.as_ref().map_or(1, |(id, _)| *id);
        json!({ "id": id, "slug": "ferroform", "node_id": "A_1", "owner": self.user_shape("acme"), "name": "Ferroform", "description": null,
            "external_url": "https://github.example/ferroform", "html_url": "https://github.example/apps/ferroform", "created_at": TIME,
            "updated_at": TIME, "permissions": { "checks": "write" }, "events": [] })
    }

    pub fn check_shape(&self, id: u64, commit: &str) -> Json {
        let url = format!("{}/repos/{}/check-runs/{id}", self.url, self.repository);
        json!({ "id": id, "node_id": format!("CR_{id}"), "head_sha": commit, "name": "", "url": url, "html_url": url, "details_url": null,
            "status": "queued", "conclusion": null, "started_at": TIME, "completed_at": null, "external_id": null, "pull_requests": [],
            "check_suite": { "id": 1 }, "app": self.app_shape(), "annotations": [],
            "output": { "title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/annotations") } })
    }

    pub fn commit_shape(&self, commit: &str) -> Json {
        let url = format!("{}/repos/{}/commits/{commit}", self.url, self.repository);
        let person = json!({ "name": "Ann", "email": "ann@example.com", "date": TIME });
        json!({ "url": url, "sha": commit, "node_id": format!("C_{commit}"), "html_url": url, "comments_url": format!("{url}/comments"),
            "author": self.user_shape("ann"), "committer": self.user_shape("ann"), "parents": [],
            "commit": { "url": url, "author": person, "committer": person, "message": "a change", "comment_count": 0, "tree": { "sha": commit, "url": url } } })
    }
}

/// A number for a name.
fn number(name: &str) -> u64 {
    name.bytes().fold(7, |sum: u64, byte| (sum * 31 + u64::from(byte)) % 1_000_003)
}
