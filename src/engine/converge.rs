//! Makes one resource what it should be: create the bare thing, read, update what still differs, read again; or delete it and
//! wait until it is gone. Retries and waits are the type's data.

use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use super::diff::{settle, stored};
use super::event::{Event, Listener, Verb};
use super::reader::{Query, Reader};
use super::same::same_attr;
use super::turns::Turn;
use crate::words::Address;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Context, Found, Id, Known, ResourceType, Status};
use crate::words::schema::{Attr, Kind};
use crate::words::value::{Step, Value};

/// How long a new thing may stay invisible.
const VISIBLE: Duration = Duration::from_secs(300);
/// How long something that an interrupted run made may stay invisible.
const SETTLES: Duration = Duration::from_secs(10);
/// How long an update may take to show.
const SHOWS: Duration = Duration::from_secs(120);
/// How long something else may hold a thing that is to be deleted, where the type says nothing.
const HELD: Duration = Duration::from_secs(600);
/// How long an operation may take where neither type nor user says anything.
const LIMIT: Duration = Duration::from_secs(1200);

/// One resource that something is done to, and what that needs.
pub struct Job<'a> {
    /// Which instance.
    pub address: &'a Address,
    /// Its type.
    pub ty: &'static dyn ResourceType,
    /// The clients.
    pub cloud: Arc<dyn Cloud>,
    /// Shared by all jobs.
    pub reader: &'a Reader,
    /// Told of retries and waits.
    pub listener: &'a dyn Listener,
    /// Given back while it waits.
    pub turn: &'a Turn,
    /// The idempotency token of the intent.
    pub token: String,
    /// The user's `timeouts`, an object of texts such as `10m`; null where there are none.
    pub timeouts: Value,
}

/// The waits between tries: short first, since most things are quick, never above ten seconds.
fn backoff() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(250))
        .with_factor(1.6)
        .with_max_delay(Duration::from_secs(10))
        .without_max_times()
        .with_jitter()
        .build()
}

impl Job<'_> {
    /// Creates it, telling `made` the id as soon as there is one, and makes it like `want`. Unknown attributes of `want` are the
    /// cloud's to choose.
    pub async fn create<F>(&self, want: &Value, made: impl FnOnce(Id) -> F) -> Outcome<Found>
    where
        F: Future<Output = Outcome<()>>,
    {
        let started = Instant::now();
        let given = known_or_null(want);
        if self.ty.is_local() {
            let found = self.ty.generate(&self.context(&Reads::default()), &given, None).await?;
            return Ok(found);
        }
        let id = self.bare(&given).await?;
        made(id.clone()).await?;
        self.finish(&id, want, started).await
    }

    /// Goes on with a creation whose id is known: waits for it and makes it like `want`.
    pub async fn finish(&self, id: &str, want: &Value, started: Instant) -> Outcome<Found> {
        let live = self.ready(id, Some(&known_or_null(want)), Verb::Create, started).await?;
        let left = self.left(want, &live.value);
        if left.is_empty() { Ok(live) } else { self.change(want, live, Verb::Create, started).await }
    }

    /// Makes the live one like `want`.
    pub async fn update(&self, want: &Value, live: Found) -> Outcome<Found> {
        if self.ty.is_local() {
            return self.ty.generate(&self.context(&Reads::default()), &known_or(want, &live.value), Some(&live)).await;
        }
        if !self.calls_for_update(want, &live.value) {
            return Ok(live);
        }
        let want = without_unchanged_choices(self.ty.attrs(), want, &live.value);
        self.change(&want, live, Verb::Update, Instant::now()).await
    }

    /// Whether the cloud has to be told of what differs: what was not known when planning may turn out to be what there is, and
    /// what is local is a matter of the state alone.
    fn calls_for_update(&self, want: &Value, live: &Value) -> bool {
        let theirs = self.ty.attrs().iter().filter(|a| !(a.computed || a.local));
        theirs.into_iter().any(|a| a.write_only || differs(a, want.attr(a.name), live.attr(a.name)))
    }

    /// Removes it and waits until it is gone.
    pub async fn delete(&self, live: Found) -> Outcome<()> {
        let (started, mut waits) = (Instant::now(), backoff());
        let limit = self.limit("delete");
        let id = live.id.clone();
        loop {
            let reads = Reads::default();
            let Err(failure) = self.ty.delete(&self.context(&reads), &live).await else { break };
            // Gone for the one who deletes may be still there for the one who reads: after a lost answer, say.
            if self.is_gone(&failure) {
                break;
            }
            let held = self.worth(&failure, started).unwrap_or(match failure.cause {
                Cause::Busy => HELD.min(limit),
                _ => Duration::ZERO,
            });
            self.pause(failure, held, started, &mut waits).await?;
        }
        if !self.ty.lingers() {
            return Ok(());
        }
        while let Some(found) = self.look(&id, Some(&live.value)).await? {
            let status = match found.status {
                Status::Pending(word) | Status::Failed(word) => word,
                Status::Ready => "still there".into(),
            };
            self.wait(Verb::Delete, status, started, limit, &mut waits).await?;
        }
        Ok(())
    }

    /// What there is at that id.
    pub async fn look(&self, id: &str, prior: Option<&Value>) -> Outcome<Option<Found>> {
        let known = Known { id: id.to_owned(), prior: prior.cloned() };
        self.turn.lend(self.reader.read(Query { ty: self.ty, cloud: self.cloud.clone(), known })).await
    }

    fn context<'b>(&'b self, reads: &'b Reads) -> Context<'b> {
        Context { cloud: self.cloud.as_ref(), token: &self.token, reads }
    }

    /// The bare thing. A call whose answer was lost is not made again before it is clear that it did nothing.
    async fn bare(&self, given: &Value) -> Outcome<Id> {
        let (started, mut waits) = (Instant::now(), backoff());
        if self.ty.upserts()
            && let Some(id) = self.find(given).await?
        {
            return Err(self.exists(&id));
        }
        let mut lost = false;
        loop {
            let reads = Reads::default();
            let failure = match self.ty.create(&self.context(&reads), given).await {
                Ok(id) => return Ok(id),
                Err(failure) => failure,
            };
            // What exists already after a lost answer may be what that call made, and was not visible at once.
            let again = lost && failure.cause == Cause::Exists;
            lost |= failure.cause == Cause::Lost;
            if (failure.cause == Cause::Lost || again)
                && let Some(id) = self.find(given).await?
            {
                return if self.is_mine(&id, given).await? { Ok(id) } else { Err(self.exists(&id)) };
            }
            if failure.cause == Cause::Exists {
                let id = self.find(given).await.ok().flatten();
                return Err(id.map_or(failure.clone(), |id| Failure { request: failure.request, ..self.exists(&id) }));
            }
            let within = self.worth(&failure, started).unwrap_or_default();
            self.pause(failure, within, started, &mut waits).await?;
        }
    }

    async fn find(&self, given: &Value) -> Outcome<Option<Id>> {
        let reads = Reads::default();
        self.ty.find(&self.context(&reads), given).await
    }

    /// The one that an interrupted creation with this token made, if it did or does until then: its call may be on its way still.
    pub async fn recover(&self, given: &Value, until: Instant) -> Outcome<Option<Id>> {
        let mut waits = backoff();
        loop {
            match self.find(given).await? {
                Some(id) => return Ok(self.is_mine(&id, given).await?.then_some(id)),
                None if Instant::now() >= until => return Ok(None),
                None => tokio::time::sleep(waits.next().unwrap_or(HELD).min(until.saturating_duration_since(Instant::now()))).await,
            }
        }
    }

    /// Whether what was found under a natural name is what this run made: all that a creation fixes for good agrees.
    async fn is_mine(&self, id: &str, given: &Value) -> Outcome<bool> {
        let Some(found) = self.look(id, None).await? else { return Ok(false) };
        let fixed = self.ty.attrs().iter().filter(|a| a.force_new && !a.computed && !given.attr(a.name).is_empty());
        Ok(fixed.into_iter().all(|a| same_attr(a, given.attr(a.name), found.value.attr(a.name))))
    }

    fn exists(&self, id: &str) -> Failure {
        let help = format!("take it over with: ferroform import '{}' '{id}'", self.address);
        Failure::other(format!("it exists already, as {id}, and is not in the state")).because(Cause::Exists).help(help)
    }

    /// Reads until it is visible and ready.
    async fn ready(&self, id: &str, prior: Option<&Value>, verb: Verb, started: Instant) -> Outcome<Found> {
        let mut waits = backoff();
        let limit = self.limit(if verb == Verb::Create { "create" } else { "update" });
        loop {
            let (word, limit) = match self.look(id, prior).await {
                Ok(Some(Found { status: Status::Failed(why), .. })) => return Err(Failure::other(format!("{id} failed: {why}"))),
                Ok(Some(Found { status: Status::Pending(word), .. })) => (word, limit),
                Ok(Some(found)) => return Ok(found),
                Ok(None) => ("not visible yet".into(), VISIBLE.min(limit)),
                Err(failure) if matches!(failure.cause, Cause::Gone | Cause::Lost | Cause::Throttled) => {
                    (failure.to_string(), VISIBLE.min(limit))
                }
                Err(failure) => return Err(failure),
            };
            self.wait(verb, word, started, limit, &mut waits).await?;
        }
    }

    /// What an interrupted creation made under that id. What does not show within a few seconds is gone: it was made some time ago.
    pub async fn ready_or_gone(&self, id: &str, prior: Option<&Value>, verb: Verb, started: Instant) -> Outcome<Option<Found>> {
        let mut waits = backoff();
        while started.elapsed() < SETTLES {
            if let Some(found) = self.look(id, prior).await? {
                return Ok(Some(found));
            }
            self.wait(verb, "not visible yet".into(), started, SETTLES, &mut waits).await?;
        }
        Ok(None)
    }

    /// Updates until nothing that is wanted differs.
    async fn change(&self, want: &Value, mut live: Found, verb: Verb, started: Instant) -> Outcome<Found> {
        let mut waits = backoff();
        loop {
            let reads = Reads::default();
            match self.ty.update(&self.context(&reads), &known_or(want, &live.value), &live).await {
                Ok(()) => break,
                Err(failure) => {
                    let within = self.worth(&failure, started).unwrap_or(match failure.cause {
                        Cause::Busy => HELD.min(self.limit("update")),
                        Cause::Gone if verb == Verb::Create => VISIBLE,
                        _ => Duration::ZERO,
                    });
                    self.pause(failure, within, started, &mut waits).await?;
                }
            }
            // Part of the update may be done.
            live = self.ready(&live.id, Some(&live.value), verb, started).await?;
        }
        let updated = Instant::now();
        loop {
            // What is wanted says how to spell what there is; a value with unknown parts would say nothing.
            live = self.ready(&live.id, Some(&known_or(want, &live.value)), verb, started).await?;
            let left = self.left(want, &live.value);
            if left.is_empty() {
                return Ok(live);
            }
            if updated.elapsed() > SHOWS {
                return Err(Failure::other(format!("{} has another {} than it was given", live.id, left.join(", ")))
                    .help("run plan to see what there is; this may be a fault of ferroform's"));
            }
            let word = format!("waits for {}", left.join(", "));
            self.wait(verb, word, started, self.limit("update"), &mut waits).await?;
        }
    }

    /// The attributes that are wanted and still differ.
    fn left(&self, want: &Value, live: &Value) -> Vec<&'static str> {
        let matters = self.ty.attrs().iter().filter(|a| !(a.computed || a.local || a.write_only || a.name == "tags"));
        matters.filter(|a| differs(a, want.attr(a.name), live.attr(a.name))).map(|a| a.name).collect()
    }

    fn is_gone(&self, failure: &Failure) -> bool {
        failure.cause == Cause::Gone || self.ty.gone().contains(&failure.code.as_str())
    }

    /// For how long a failure is worth another try, where that is clear: it was throttled, it was lost and may be repeated, or
    /// the type says so.
    fn worth(&self, failure: &Failure, started: Instant) -> Option<Duration> {
        let told = self.ty.retry().iter().find(|r| {
            (r.operation.is_empty() || r.operation == failure.operation)
                && (r.code.is_empty() || r.code == failure.code)
                && failure.message.contains(r.message)
        });
        match failure.cause {
            Cause::Throttled => Some(LIMIT.max(started.elapsed() + Duration::from_secs(1))),
            Cause::Lost => Some(VISIBLE),
            _ => told.map(|r| r.within),
        }
    }

    /// Waits before another try, or gives the failure back when it has been worth that for long enough.
    async fn pause(&self, failure: Failure, within: Duration, started: Instant, waits: &mut ExponentialBackoff) -> Outcome<()> {
        if started.elapsed() >= within {
            return Err(failure);
        }
        let after = waits.next().unwrap_or(Duration::from_secs(10));
        self.listener.on(Event::Retrying { address: self.address.clone(), failure, after });
        self.turn.lend(tokio::time::sleep(after)).await;
        Ok(())
    }

    /// Waits before another look, or fails when it has taken too long.
    async fn wait(&self, verb: Verb, status: String, started: Instant, limit: Duration, waits: &mut ExponentialBackoff) -> Outcome<()> {
        let since = started.elapsed();
        if since > limit {
            return Err(Failure::other(format!("it is {status} after {} s", since.as_secs()))
                .help("run apply again to go on waiting, or give it more time in `timeouts`"));
        }
        self.listener.on(Event::Pending { address: self.address.clone(), verb, status, since });
        self.turn.lend(tokio::time::sleep(waits.next().unwrap_or(Duration::from_secs(10)))).await;
        Ok(())
    }

    /// How long an operation may take: what the user says, else the type, else the engine.
    fn limit(&self, operation: &str) -> Duration {
        let own = self.timeouts.attr(operation).as_str().map(str::to_owned);
        let of_type = self.ty.timeouts().iter().find(|(name, _)| *name == operation).map(|(_, text)| (*text).to_owned());
        own.or(of_type).and_then(|text| text.parse::<jiff::SignedDuration>().ok()).map_or(LIMIT, jiff::SignedDuration::unsigned_abs)
    }
}

/// Whether something is wanted that the live one lacks. What is unknown, or not said where the cloud may choose, is the cloud's.
fn differs(attr: &Attr, want: &Value, live: &Value) -> bool {
    let silent = want.is_null() || (attr.block().is_some() && want.items().is_empty());
    if want.is_unknown() || (attr.chosen && silent) || same_attr(attr, want, live) {
        return false;
    }
    let Some(nested) = attr.block() else { return want.is_known() };
    let (want, live) = (want.items(), live.items());
    let fits = |want: &Value, live: &Value| {
        let matters = nested.iter().filter(|a| !(a.computed || a.local || a.write_only));
        want.is_unknown() || matters.into_iter().all(|a| !differs(a, want.attr(a.name), live.attr(a.name)))
    };
    if want.len() != live.len() {
        return true;
    }
    if !matches!(attr.kind, Kind::Set(_)) {
        return !want.iter().zip(live).all(|(want, live)| fits(want, live));
    }
    let mut left: Vec<&Value> = live.iter().collect();
    !want.iter().all(|want| left.iter().position(|live| fits(want, live)).map(|at| left.swap_remove(at)).is_some())
}

/// What is wanted, without what may be the cloud's to choose and does not change: that may change meanwhile, such as the routes of
/// a table that are resources of their own, and is not to be set back.
fn without_unchanged_choices(attrs: &[Attr], want: &Value, live: &Value) -> Value {
    let unchanged = attrs.iter().filter(|a| a.chosen && same_attr(a, want.attr(a.name), live.attr(a.name)));
    unchanged.fold(want.clone(), |want, attr| want.with(attr.name, Value::unknown()))
}

/// What is wanted, with nothing where it is not known.
pub(super) fn known_or_null(want: &Value) -> Value {
    if want.is_unknown() { Value::Null } else { want.map_children(&mut |_, child| known_or_null(child)) }
}

/// What is wanted, with what there is where it is not known.
fn known_or(want: &Value, live: &Value) -> Value {
    match want {
        // What nobody knew was a secret already.
        _ if want.is_unknown() => live.clone().sensitive_if(want.is_sensitive()),
        Value::Object(_) => want.map_children(&mut |step, child| match step {
            Step::Name(name) => known_or(child, live.attr(name)),
            Step::Index(_) => known_or_null(child),
        }),
        Value::List(items) if items.len() == live.items().len() => {
            Value::list(items.iter().zip(live.items()).map(|(want, live)| known_or(want, live)))
        }
        _ => known_or_null(want),
    }
}

/// The attributes of a found resource as the state should hold them: those of the read, spelled as `want` spells them.
#[must_use]
pub fn attributes(ty: &dyn ResourceType, cloud: &dyn Cloud, found: &Found, want: &Value) -> Value {
    let settled = settle(ty.attrs(), &found.value, &known_or(want, &found.value), cloud.default_tags());
    stored(ty.attrs(), settled).with("id", Value::from(found.id.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::schema::Block;

    crate::blocks! {
        /// A machine.
        struct Machine {
            /// Its disk.
            #[attr(chosen)]
            disk: Option<Disk>,
        }
        /// A disk.
        struct Disk {
            /// Its id.
            #[attr(computed)]
            id: Option<String>,
            /// Its name.
            name: Option<String>,
        }
    }

    #[test]
    fn a_block_with_unknown_parts_is_compared_by_what_is_known() {
        let disk = |id: Value, name: &str| Value::list([Value::object([("id", id), ("name", name.into())])]);
        let differs = |want: Value| super::differs(&Machine::ATTRS[0], &want, &disk("d-1".into(), "one"));
        assert!(!differs(disk(Value::unknown(), "one")));
        assert!(differs(disk(Value::unknown(), "two")));
        assert!(!differs(Value::unknown()));
        assert!(!differs(Value::list([])), "the cloud's to choose");
        let known = known_or(&disk(Value::unknown(), "two"), &disk("d-1".into(), "one"));
        assert_eq!(known, disk("d-1".into(), "two"));
    }
}
