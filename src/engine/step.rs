//! One step of an apply: evaluated when its turn comes, then performed, with an intent on disk before the call and the result
//! right after.

use std::sync::Arc;
use std::time::Instant;

use super::apply::Outcome;
use super::converge::{self, Job};
use super::diff::{filled_diff, with_local_defaults};
use super::evaluate::Spot;
use super::event::Listener;
use super::hush::Hush;
use super::instance::{anew, data_value, ignoring};
use super::plan::{Action, Change, Reason};
use super::planner::Request;
use super::providers::Providers;
use super::reader::Reader;
use super::steps::Step;
use super::turns::Turn;
use super::world::World;
use super::{evaluate, failed};
use crate::stack::Block;
use crate::state::journal::{Action as Doing, Event as Record, Intent};
use crate::state::{Instance, Journal, State};
use crate::words::failure::Failure;
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Context, DataType, Found, ResourceType, Status, Tags};
use crate::words::{Address, Diagnostic, Mode, Result, Value, value};

/// A step with all that it needs.
pub(super) enum Prepared {
    /// To make or change.
    Make {
        ty: &'static dyn ResourceType,
        cloud: Arc<dyn Cloud>,
        want: Value,
        before: Option<Found>,
        timeouts: Value,
        /// The key under which the old one is kept until it is removed.
        depose: Option<String>,
        /// What it depends on, now that all is known: what an unknown value would have led to is known only here.
        needs: Vec<Address>,
    },
    /// To read.
    Read { ty: &'static dyn DataType, cloud: Arc<dyn Cloud>, given: Value, needs: Vec<Address> },
    /// To destroy.
    Remove { ty: &'static dyn ResourceType, cloud: Arc<dyn Cloud>, live: Found, timeouts: Value, deposed: Option<String> },
    /// Only to leave the state.
    Forget { deposed: Option<String> },
}

/// The key of what a replacement deposes: eight hex digits, as Terraform has them, the same for the step that makes the new one
/// and for that which removes the old one.
fn deposed_key(change: &Change) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(format!("{} {}", change.address, change.before.attr("id").as_str().unwrap_or_default()));
    digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect()
}

fn live_of(change: &Change, ty: &dyn ResourceType) -> Found {
    let id = change.before.attr("id").as_str().unwrap_or_default().to_owned();
    Found { id, value: with_local_defaults(ty.attrs(), change.before.bare_deep()), status: Status::Ready }
}

/// Evaluates what a step needs.
pub(super) fn prepare(
    request: &Request<'_>,
    world: &World<'_>,
    providers: &Providers<'_>,
    state: &State,
    change: &Change,
    step: Step,
    place: Option<&(&Block, Spot)>,
) -> Result<Prepared> {
    let config = providers.of_state(&change.provider)?;
    let cloud = providers.get(&config).cloned().ok_or_else(|| Diagnostic::error(format!("{config} is not configured")))?;
    let resource = || {
        let unknown = || evaluate::unknown_type(request.registry, &change.address, None);
        request.registry.resource(&change.address.kind).ok_or_else(unknown)
    };
    if let Step::Remove(_) = step {
        let create_first = matches!(change.action, Action::Replace { create_first: true });
        let deposed = if create_first { Some(deposed_key(change)) } else { change.deposed.clone() };
        if change.action == Action::Forget {
            return Ok(Prepared::Forget { deposed });
        }
        let ty = resource()?;
        let mut live = live_of(change, ty);
        if change.deposed.is_some() {
            live.value = crate::state::schema_conform(ty.attrs(), &live.value);
        }
        // Of what the stack no longer has, nobody can say how long it may take.
        let timeouts = place.and_then(|(block, spot)| evaluate::timeouts(world, block, spot).ok()).unwrap_or_default();
        return Ok(Prepared::Remove { ty, cloud, live, timeouts, deposed });
    }
    let gone = || Diagnostic::error(format!("{} is no longer in the stack", change.address)).help("plan again");
    let (block, spot) = place.ok_or_else(gone)?;
    let (given, needs) = evaluate::config(world, block, spot, evaluate::attrs_of(request.registry, block)?);
    let given = given?;
    if !given.is_known() {
        return Err(unknown_still(change, &given, block, &needs).into());
    }
    if change.address.mode == Mode::Data {
        let unknown = || evaluate::unknown_type(request.registry, &change.address, None);
        let ty = request.registry.data(&change.address.kind).ok_or_else(unknown)?;
        return Ok(Prepared::Read { ty, cloud, given, needs: needs.into_iter().collect() });
    }
    let ty = resource()?;
    let problems = ty.check(&given);
    if let Some(problem) = problems.first() {
        return Err(evaluate::problem(&change.address, block, problem).into());
    }
    let updating = change.action == Action::Update;
    let unstored = given.clone();
    let want = wanted(change, ty, block, given, cloud.default_tags(), request.options.mend);
    agrees(change, &want, block)?;
    let want = with_unstored(ty, want, &unstored);
    let timeouts = evaluate::timeouts(world, block, spot)?;
    let create_first = matches!(change.action, Action::Replace { create_first: true });
    let depose = (create_first && state.instances.contains_key(&change.address)).then(|| deposed_key(change));
    let needs = needs.into_iter().collect();
    Ok(Prepared::Make { ty, cloud, want, before: updating.then(|| live_of(change, ty)), timeouts, depose, needs })
}

/// The same with what is told to the cloud and kept nowhere: no plan, journal or state holds it.
fn with_unstored(ty: &dyn ResourceType, want: Value, given: &Value) -> Value {
    let told = ty.attrs().iter().filter(|a| a.write_only && !given.attr(a.name).is_null());
    told.fold(want, |want, attr| want.with(attr.name, given.attr(attr.name).clone().sensitive()))
}

/// What an instance that is made or changed should be, by what its block gives; by the plan, where that block is silent and it is to be mended.
pub(super) fn wanted(change: &Change, ty: &dyn ResourceType, block: &Block, given: Value, default_tags: &Tags, mend: bool) -> Value {
    let prior = (change.action == Action::Update).then_some(&change.before);
    let ignore = &block.lifecycle.ignore_changes;
    let replaced = matches!(change.action, Action::Replace { .. }) && change.reason != Some(Reason::Tainted);
    let given = match prior {
        Some(now) => ignoring(ignore, ty.attrs(), given, now),
        None => anew(ignore, ty.attrs(), given, replaced.then_some(&change.before)),
    };
    let planned = |name: &str, now: &Value| Some(change.after.attr(name)).filter(|value| value.is_known()).unwrap_or(now).clone();
    let mended = prior.filter(|_| mend).map(|now| {
        now.map_children(&mut |step, now| match step {
            value::Step::Name(name) => planned(name, now),
            value::Step::Index(_) => now.clone(),
        })
    });
    filled_diff(ty, &given, prior, mended.as_ref().or(prior), default_tags).after
}

/// By now everything that an instance needs should be known. What isn't must never be taken for nothing.
fn unknown_still(change: &Change, given: &Value, block: &Block, needs: &std::collections::BTreeSet<Address>) -> Diagnostic {
    let name = given.entries().into_iter().flatten().find(|(_, value)| !value.is_known()).map_or("", |(name, _)| name);
    let needs: Vec<String> = needs.iter().map(ToString::to_string).collect();
    Diagnostic::error(format!("{}: `{name}` is not known, since something that it needs is not there yet", change.address))
        .at(block.body.key_span(name), "")
        .fact("needs", needs.join(", "))
        .help("apply what it needs first, without --target or --exclude")
}

/// What was planned and what is wanted now must agree in all that was known when planning.
fn agrees(change: &Change, want: &Value, block: &Block) -> Result<()> {
    for (name, planned) in change.after.entries().into_iter().flatten() {
        let now = want.attr(name);
        if name.as_ref() != "id" && !holds(planned, now) {
            let error = Diagnostic::error(format!("{}: `{name}` is not what was planned any more", change.address));
            return Err(error.at(block.body.key_span(name), "").help("plan again, and look at what changed").into());
        }
    }
    Ok(())
}

fn holds(planned: &Value, now: &Value) -> bool {
    let (planned, now) = (planned.bare(), now.bare());
    if planned == now || matches!(planned, Value::Unknown(_)) {
        return true;
    }
    match (planned, now) {
        (Value::List(a) | Value::Tuple(a), Value::List(b) | Value::Tuple(b)) => {
            a.len() == b.len() && a.iter().zip(b.iter()).all(|(a, b)| holds(a, b))
        }
        // Which element of a set is which can't be told while some are unknown.
        (Value::Set(_), Value::Set(_)) => !planned.is_known() || !now.is_known() || planned.bare_deep() == now.bare_deep(),
        (Value::Map(a) | Value::Object(a), Value::Map(b) | Value::Object(b)) => {
            a.iter().all(|(k, v)| b.get(k).is_some_and(|w| holds(v, w)))
        }
        _ => false,
    }
}

/// Where a step writes what it does, and what it has written.
struct Log<'a> {
    journal: &'a Journal,
    written: std::sync::Mutex<Vec<Record>>,
    broken: std::sync::Mutex<Option<Diagnostic>>,
}

impl Log<'_> {
    /// On disk before it returns, where a call follows whose outcome could get lost. What lives in the state alone is done again
    /// if its result is not on disk: there the order in the journal is enough.
    async fn intend(&self, ty: &dyn ResourceType, intent: Record) -> Result<(), Failure> {
        if ty.is_local() {
            drop(self.journal.append(&intent));
            return Ok(());
        }
        self.write(intent).await
    }

    /// On disk before it returns.
    async fn write(&self, record: Record) -> Result<(), Failure> {
        let durable = self.journal.append(&record);
        // What happened has happened, whether it could be written or not.
        self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(record);
        durable.await.map_err(|errors| {
            let error = errors.0.into_iter().next().unwrap_or_else(|| Diagnostic::error("the journal can't be written"));
            let message = error.summary.clone();
            *self.broken.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(error);
            Failure::other(message)
        })
    }
}

/// What a step works with.
pub(super) struct With<'a> {
    pub(super) reader: &'a Reader,
    pub(super) listener: &'a dyn Listener,
    pub(super) turn: &'a Turn,
}

impl<'a> With<'a> {
    fn job(&self, address: &'a Address, ty: &'static dyn ResourceType, cloud: Arc<dyn Cloud>, token: String, timeouts: Value) -> Job<'a> {
        let Self { reader, listener, turn } = *self;
        Job { address, ty, cloud, reader, listener, turn, token, timeouts }
    }
}

/// Performs a step.
pub(super) async fn perform(change: &Change, step: Prepared, journal: &Journal, with: With<'_>) -> Outcome {
    let log = Log { journal, written: Default::default(), broken: Default::default() };
    let hush = match &step {
        Prepared::Make { ty, want, .. } => Hush::of(ty.attrs(), [want, &change.before]),
        Prepared::Remove { ty, .. } => Hush::of(ty.attrs(), [&change.before]),
        Prepared::Read { ty, given, .. } => Hush::of(ty.attrs(), [given]),
        Prepared::Forget { .. } => Hush::default(),
    };
    let listener = &hush.listener(with.listener);
    let with = With { listener, ..with };
    let result = match step {
        Prepared::Make { .. } => make(change, step, &log, &with, &hush).await,
        Prepared::Read { ty, cloud, given, needs } => read(change, ty, cloud.as_ref(), &given, needs, &log, &hush).await,
        Prepared::Remove { .. } => remove(change, step, &log, &with, &hush).await,
        Prepared::Forget { deposed } => {
            let forgotten = log.write(Record::Deleted { address: change.address.clone(), deposed }).await;
            forgotten.map_err(|failure| failed(format!("{} can't be dropped from the state", change.address), &failure))
        }
    };
    let broken = log.broken.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    let records = log.written.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    Outcome { records, unrecorded: broken.is_some(), error: broken.or(result.err()) }
}

fn intent(change: &Change, action: Doing, token: &str, deposed: Option<String>, want: Option<Value>) -> Record {
    Record::Intent(Intent {
        address: change.address.clone(),
        action,
        provider: change.provider.clone(),
        token: token.to_owned(),
        deposed,
        wanted: want.as_ref().map(converge::known_or_null).unwrap_or_default(),
        dependencies: change.dependencies.clone(),
        create_before_destroy: change.create_before_destroy,
    })
}

async fn make(change: &Change, step: Prepared, log: &Log<'_>, with: &With<'_>, hush: &Hush) -> Result<(), Diagnostic> {
    let Prepared::Make { ty, cloud, want, before, timeouts, depose, needs } = step else { return Ok(()) };
    let token = uuid::Uuid::new_v4().to_string();
    let address = &change.address;
    let job = with.job(address, ty, cloud.clone(), token.clone(), timeouts);
    let action = if before.is_some() { Doing::Update } else { Doing::Create };
    let verb = if before.is_some() { "changed" } else { "created" };
    let told = |failure: &Failure| failed(format!("{address} could not be {verb}"), failure);
    let kept = ty.attrs().iter().filter(|a| a.write_only).fold(want.clone(), |want, a| want.with(a.name, Value::Null));
    log.intend(ty, intent(change, action, &token, None, (!ty.is_local()).then(|| kept.clone()))).await.map_err(|f| told(&f))?;
    let made = std::sync::Mutex::new(None);
    let result = match before {
        Some(live) => job.update(&want, live).await,
        None => {
            let note = |id: String| {
                *made.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(id.clone());
                log.write(Record::Created { address: address.clone(), id, token: token.clone() })
            };
            job.create(&want, note).await
        }
    };
    let result = result.map_err(|failure| hush.failure(failure));
    // What replaces something adopted is the stack's own.
    let adopted = change.adopted && !matches!(change.action, Action::Replace { .. });
    let saved = |attributes: Value, tainted: bool| {
        let instance = Instance {
            dependencies: needs.clone(),
            create_before_destroy: change.create_before_destroy,
            tainted,
            private: adopted.then(|| Instance::ADOPTED.to_owned()),
            ..Instance::new(change.provider.clone(), ty.schema_version(), attributes)
        };
        Record::Saved { address: address.clone(), instance: Box::new(instance) }
    };
    let made = made.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let (Some(key), true) = (depose, result.is_ok() || made.is_some()) {
        log.write(Record::Deposed { address: address.clone(), key }).await.map_err(|f| told(&f))?;
    }
    match result {
        Ok(found) => {
            let attributes = converge::attributes(ty, cloud.as_ref(), &found, &want);
            log.write(saved(attributes, false)).await.map_err(|f| told(&f))
        }
        Err(failure) => {
            if let Some(id) = made {
                // It exists: what is not as it should be is an ordinary difference next time; what failed for good is replaced.
                let found = job.look(&id, None).await.ok().flatten();
                let tainted = matches!(&found, Some(Found { status: Status::Failed(_), .. }));
                let attributes = match &found {
                    Some(found) => converge::attributes(ty, cloud.as_ref(), found, &want),
                    None => converge::known_or_null(&kept).with("id", Value::from(id.as_str())),
                };
                log.write(saved(attributes, tainted)).await.map_err(|f| told(&f))?;
            } else {
                let error = failure.to_string();
                log.write(Record::Failed { address: address.clone(), deposed: None, error }).await.map_err(|f| told(&f))?;
            }
            Err(told(&failure))
        }
    }
}

async fn remove(change: &Change, step: Prepared, log: &Log<'_>, with: &With<'_>, hush: &Hush) -> Result<(), Diagnostic> {
    let Prepared::Remove { ty, cloud, live, timeouts, deposed } = step else { return Ok(()) };
    let token = uuid::Uuid::new_v4().to_string();
    let address = &change.address;
    let job = with.job(address, ty, cloud, token.clone(), timeouts);
    let told = |failure: &Failure| failed(format!("{} could not be destroyed", change.address), failure);
    let started = Instant::now();
    log.intend(ty, intent(change, Doing::Delete, &token, deposed.clone(), None)).await.map_err(|f| told(&f))?;
    match job.delete(live).await.map_err(|failure| hush.failure(failure)) {
        Ok(()) => log.write(Record::Deleted { address: address.clone(), deposed }).await.map_err(|f| told(&f)),
        Err(failure) => {
            let error = failure.to_string();
            log.write(Record::Failed { address: address.clone(), deposed, error }).await.map_err(|f| told(&f))?;
            Err(told(&failure).fact("after", format!("{:.0} s", started.elapsed().as_secs_f64())))
        }
    }
}

async fn read(
    change: &Change,
    ty: &dyn DataType,
    cloud: &dyn Cloud,
    given: &Value,
    dependencies: Vec<Address>,
    log: &Log<'_>,
    hush: &Hush,
) -> Result<(), Diagnostic> {
    let told = |failure: Failure| failed(format!("{} can't be read", change.address), &hush.failure(failure));
    let reads = Reads::default();
    let found = ty.read(&Context { cloud, token: "", reads: &reads }, &given.bare_deep()).await.map_err(told)?;
    let value = data_value(ty, given, &found);
    let instance = Instance { dependencies, ..Instance::new(change.provider.clone(), 0, value) };
    log.write(Record::Saved { address: change.address.clone(), instance: Box::new(instance) }).await.map_err(told)
}
