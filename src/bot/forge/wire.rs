//! Requests and answers, alike for all places: patience, paging, and refusals in words.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::patience::{Patience, Plea, Waits};
use super::{Answer, Refusal};

/// The most redirects that are followed.
pub(super) const HOPS: usize = 5;
/// The most pages of a list that are read.
const PAGES: usize = 100;
/// Things on a page.
const PAGE: usize = 100;
/// The most characters of what a place said that are told.
const SAID: usize = 300;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub method: Method,
    /// From the API's root, with its query: `/repos/acme/infra/pulls?state=open`.
    pub path: String,
    pub body: Option<Json>,
}

impl Call {
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: None }
    }

    pub fn post(path: impl Into<String>, body: Json) -> Self {
        Self { method: Method::POST, path: path.into(), body: Some(body) }
    }

    pub fn patch(path: impl Into<String>, body: Json) -> Self {
        Self { method: Method::PATCH, path: path.into(), body: Some(body) }
    }

    pub fn put(path: impl Into<String>, body: Json) -> Self {
        Self { method: Method::PUT, path: path.into(), body: Some(body) }
    }

    pub fn delete(path: impl Into<String>) -> Self {
        Self { method: Method::DELETE, path: path.into(), body: None }
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// It was done.
    pub fn good(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// What it says in words, on one line.
    pub fn message(&self) -> String {
        let json: Json = serde_json::from_str(&self.body).unwrap_or_default();
        // GitHub's, and GitLab's two.
        let said = ["message", "error"].iter().map(|key| &json[*key]).find(|said| !said.is_null());
        let mut said = match said {
            Some(Json::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None if json.is_null() => self.body.clone(),
            None => String::new(),
        };
        for error in json["errors"].as_array().into_iter().flatten() {
            let error = error["message"].as_str().or_else(|| error["code"].as_str()).or_else(|| error.as_str());
            said.extend(error.map(|error| format!("; {error}")));
        }
        let said: String = said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SAID).collect();
        said.trim().to_owned()
    }
}

/// Why there is no answer.
pub(super) enum Trouble {
    /// The connection failed, or broke: nobody knows whether it was done.
    Lost(String),
    /// It was not even asked.
    Refused(Refusal),
}

impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// The way to a place.
pub(super) trait Wire: Sync {
    /// What it is called.
    const PLACE: &'static str;

    fn patience(&self) -> &Patience;

    /// Sends a request once.
    fn send(&self, call: &Call) -> impl Future<Output = Result<Reply, Trouble>> + Send;

    /// Sends a request once more after each plea for patience, until it is known that it was answered, or that nobody knows: then there
    /// is nothing, after some waiting, and the caller looks.
    fn attempt(&self, waits: &mut Waits, call: &Call) -> impl Future<Output = Answer<Option<Reply>>> + Send {
        async move {
            loop {
                let (plea, why) = match self.send(call).await {
                    Ok(reply) => match Plea::of(&reply, Timestamp::now()) {
                        None => return Ok(Some(reply)),
                        Some(plea) => (plea, answered::<Self>(call, &reply)),
                    },
                    Err(Trouble::Refused(refusal)) => return Err(refusal),
                    Err(Trouble::Lost(why)) => (Plea::Broken, format!("{} can't be reached: {why}", Self::PLACE)),
                };
                waits.wait(plea, why).await?;
                if plea == Plea::Broken {
                    return Ok(None);
                }
            }
        }
    }

    /// Asks until there is an answer. For what has one effect however often it is done.
    fn ask(&self, call: &Call) -> impl Future<Output = Answer<Reply>> + Send {
        async move {
            let mut waits = self.patience().begin();
            loop {
                if let Some(reply) = self.attempt(&mut waits, call).await? {
                    return Ok(reply);
                }
            }
        }
    }

    /// Asks for something to be done, and gives what it says of it.
    fn told<T: DeserializeOwned + Send>(&self, call: &Call) -> impl Future<Output = Answer<T>> + Send {
        async move {
            let reply = self.ask(call).await?;
            read::<Self, T>(call, &reply)
        }
    }

    /// Reads something.
    fn get<T: DeserializeOwned + Send>(&self, path: &str) -> impl Future<Output = Answer<T>> + Send {
        async move { self.told(&Call::get(path)).await }
    }

    /// Reads something that may not be there.
    fn find<T: DeserializeOwned + Send>(&self, path: &str) -> impl Future<Output = Answer<Option<T>>> + Send {
        async move {
            match self.get(path).await {
                Ok(found) => Ok(Some(found)),
                Err(Refusal::Missing(_)) => Ok(None),
                Err(refusal) => Err(refusal),
            }
        }
    }

    /// Reads a page of a list, counted from 1, which some answers hold under a key; and whether there is another.
    fn page<T: DeserializeOwned + Send>(&self, path: &str, key: &str, page: usize) -> impl Future<Output = Answer<(Vec<T>, bool)>> + Send {
        async move {
            let joint = if path.contains('?') { '&' } else { '?' };
            let call = Call::get(format!("{path}{joint}per_page={PAGE}&page={page}"));
            let reply = self.ask(&call).await?;
            let mut all: Json = read::<Self, Json>(&call, &reply)?;
            let items = if key.is_empty() { all } else { all[key].take() };
            let items: Vec<T> = serde_json::from_value(items).map_err(|e| strange::<Self>(&call, &e))?;
            let more = reply.header("link").map_or(items.len() == PAGE, |link| link.contains("rel=\"next\""));
            Ok((items, more && page < PAGES))
        }
    }

    /// Reads all of a list.
    fn list<T: DeserializeOwned + Send>(&self, path: &str, key: &str) -> impl Future<Output = Answer<Vec<T>>> + Send {
        async move {
            let mut all = vec![];
            for page in 1.. {
                let (items, more) = self.page(path, key, page).await?;
                all.extend(items);
                if !more {
                    break;
                }
            }
            Ok(all)
        }
    }
}

/// What a good answer holds; else the refusal.
pub(super) fn read<W: Wire + ?Sized, T: DeserializeOwned>(call: &Call, reply: &Reply) -> Answer<T> {
    if !reply.good() {
        return Err(refusal::<W>(call, reply));
    }
    serde_json::from_str(&reply.body).map_err(|e| strange::<W>(call, &e))
}

/// A refusal, by what the place answered.
pub(super) fn refusal<W: Wire + ?Sized>(call: &Call, reply: &Reply) -> Refusal {
    let mut said = answered::<W>(call, reply);
    match reply.status {
        404 | 410 => Refusal::Missing(said),
        // How GitHub says that there is no such commit.
        422 if said.contains("No commit found") => Refusal::Missing(said),
        401 => Refusal::Forbidden(format!("{said}. Its token or key is not valid, or not any more")),
        403 => {
            if let Some(needs) = reply.header("x-accepted-github-permissions").filter(|needs| !needs.is_empty()) {
                said = format!("{said}. It takes the permission `{needs}`");
            }
            Refusal::Forbidden(said)
        }
        _ => Refusal::Bad(said),
    }
}

fn answered<W: Wire + ?Sized>(call: &Call, reply: &Reply) -> String {
    let said = format!("{} answered {} to `{} {}`: {}", W::PLACE, reply.status, call.method, path(call), reply.message());
    said.trim_end_matches([' ', ':', '.']).to_owned()
}

fn strange<W: Wire + ?Sized>(call: &Call, e: &serde_json::Error) -> Refusal {
    Refusal::Bad(format!("what {} answered to `{} {}` is not understood: {e}", W::PLACE, call.method, path(call)))
}

/// The path without its query, for sentences.
fn path(call: &Call) -> &str {
    call.path.split('?').next().unwrap_or_default()
}

/// What needs no escape in a part of a path.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A text as one part of a path.
pub(super) fn part(text: &str) -> String {
    // A part that is all dots would be resolved away.
    if text.chars().all(|c| c == '.') {
        return text.replace('.', "%2E");
    }
    utf8_percent_encode(text, PLAIN).to_string()
}

/// Scheme, host with port, and the rest of an address.
pub(super) fn url(address: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = address.split_once("://")?;
    let at = rest.find('/').unwrap_or(rest.len());
    Some((scheme, &rest[..at], &rest[at..]))
}

/// Where a place says that something has moved to, as a path in the API at that address; none, if it is elsewhere: what is sent is meant
/// for one place.
pub(super) fn moved<'a>(api: &str, reply: &'a Reply) -> Option<&'a str> {
    let to = matches!(reply.status, 301 | 302 | 307 | 308).then(|| reply.header("location")).flatten()?;
    let (scheme, host, path) = url(to)?;
    let (our_scheme, our_host, base) = url(api)?;
    let ours = scheme == our_scheme && host.eq_ignore_ascii_case(our_host);
    path.strip_prefix(base).filter(|path| ours && path.starts_with('/'))
}

/// An error and what it came from, without what is said twice.
pub(super) fn chain(e: &dyn std::error::Error) -> String {
    let mut parts: Vec<String> = vec![e.to_string()];
    let mut next = e.source();
    while let Some(e) = next {
        let text = e.to_string();
        if !parts.iter().any(|part| part.contains(&text)) {
            parts.push(text);
        }
        next = e.source();
    }
    parts.join(": ")
}

/// The first characters of a text, with an ellipsis where there were more.
pub(super) fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
