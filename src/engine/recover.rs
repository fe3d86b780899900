//! Settles what an interrupted run left open: each intent without an outcome is looked up and becomes state, or is dropped.

use std::time::{Duration, Instant};

use super::converge::{self, Job};
use super::event::{Event, Listener, Verb};
use super::hush::Hush;
use super::providers::Providers;
use super::reader::Reader;
use super::turns::Turn;
use super::{evaluate, failed};
use crate::state::journal::{Action, Event as Record};
use crate::state::{Instance, OpenIntent, State, schema_conform};
use crate::words::resource::{Registry, ResourceType};
use crate::words::{Diagnostic, Result, Value};

/// How long after its caller died a call may still take effect.
const IN_FLIGHT: Duration = Duration::from_secs(3);

/// Looks up every open intent. What it gives are the records that settle them: `state` has taken them in already; whoever holds
/// the lock writes them to the journal, a preview doesn't. `quiet_for` is how long ago the run died, at least.
pub async fn recover(
    pending: &[OpenIntent],
    state: &mut State,
    registry: &Registry,
    providers: &Providers<'_>,
    quiet_for: Duration,
    listener: &dyn Listener,
) -> Result<Vec<Record>> {
    let until = Instant::now() + IN_FLIGHT.saturating_sub(quiet_for);
    let reader = Reader::default();
    let mut records = vec![];
    for open in pending {
        let (found, settled) = settle(open, state, registry, providers, until, &reader, listener).await?;
        listener.on(Event::Recovered { address: open.intent.address.clone(), found });
        for record in settled {
            state.record(&record);
            records.push(record);
        }
    }
    Ok(records)
}

/// What was found, in words, and the records that settle the intent.
async fn settle(
    open: &OpenIntent,
    state: &State,
    registry: &Registry,
    providers: &Providers<'_>,
    until: Instant,
    reader: &Reader,
    listener: &dyn Listener,
) -> Result<(String, Vec<Record>)> {
    let intent = &open.intent;
    let address = &intent.address;
    let Some(ty) = registry.resource(&address.kind) else { return Err(evaluate::unknown_type(registry, address, None).into()) };
    let config = providers.of_state(&intent.provider)?;
    let Some(cloud) = providers.get(&config).cloned() else {
        return Err(Diagnostic::error(format!("an interrupted run has to be settled, and {config} of {address} is not configured"))
            .help("keep the provider's configuration in the stack until the run is settled")
            .into());
    };
    let wanted = schema_conform(ty.attrs(), &intent.wanted);
    let held = state.instances.get(address).map(|instance| &instance.attributes);
    let hush = Hush::of(ty.attrs(), held.into_iter().chain([&wanted]));
    let listener = &hush.listener(listener);
    let turn = Turn::default();
    let job = Job { address, ty, cloud: cloud.clone(), reader, listener, turn: &turn, token: intent.token.clone(), timeouts: Value::Null };
    let dropped = |why: &str| Record::Failed { address: address.clone(), deposed: intent.deposed.clone(), error: why.into() };
    let told = |failure| failed(format!("an interrupted run can't be settled: {address} can't be looked up"), &hush.failure(failure));
    match intent.action {
        Action::Create | Action::Replace => {
            let want = &wanted;
            let id = match &open.id {
                Some(id) => Some(id.clone()),
                None if ty.is_local() || want.is_null() => None,
                None => job.recover(want, until).await.map_err(told)?,
            };
            let found = match &id {
                Some(id) => made(&job, id, want).await.map_err(told)?,
                None => None,
            };
            let Some(found) = found else {
                let settled = match (&open.id, state.instances.get(address).filter(|i| i.exists())) {
                    (None, _) => dropped("it was not created"),
                    // What was made is gone; what it was to replace stays as it is.
                    (Some(_), Some(old)) => Record::Saved { address: address.clone(), instance: Box::new(old.clone()) },
                    (Some(_), None) => Record::Deleted { address: address.clone(), deposed: None },
                };
                return Ok(("was not created".into(), vec![settled]));
            };
            let attributes = converge::attributes(ty, cloud.as_ref(), &found, want);
            let mut records = vec![];
            // A state that was pushed meanwhile may hold it already.
            if state.instances.get(address).is_some_and(|i| i.exists() && i.id() != found.id) {
                let key = intent.token.chars().filter(char::is_ascii_hexdigit).take(8).collect();
                records.push(Record::Deposed { address: address.clone(), key });
            }
            let instance = Instance {
                dependencies: intent.dependencies.clone(),
                create_before_destroy: intent.create_before_destroy,
                ..Instance::new(intent.provider.clone(), ty.schema_version(), attributes)
            };
            records.push(Record::Saved { address: address.clone(), instance: Box::new(instance) });
            Ok((format!("was created ({}), now in state", found.id), records))
        }
        Action::Update => Ok(("was being changed: read again below".into(), vec![dropped("it was interrupted")])),
        Action::Delete => {
            let instance = state.instances.get(address);
            let instance = match &intent.deposed {
                Some(key) => instance.and_then(|i| i.deposed.get(key)),
                None => instance.filter(|i| i.exists()),
            };
            let Some(instance) = instance else { return Ok(("was destroyed".into(), vec![dropped("there is none")])) };
            let still = still_there(&job, ty, instance).await.map_err(told)?;
            if still {
                return Ok(("was not destroyed".into(), vec![dropped("it was not destroyed")]));
            }
            let gone = Record::Deleted { address: address.clone(), deposed: intent.deposed.clone() };
            Ok(("was destroyed, no longer in state".into(), vec![gone]))
        }
    }
}

/// What a creation with a known id made; it may not be visible for a moment.
async fn made(job: &Job<'_>, id: &str, want: &Value) -> crate::words::failure::Outcome<Option<crate::words::resource::Found>> {
    job.ready_or_gone(id, Some(want).filter(|w| !w.is_null()), Verb::Create, Instant::now()).await
}

async fn still_there(job: &Job<'_>, ty: &dyn ResourceType, instance: &Instance) -> crate::words::failure::Outcome<bool> {
    let prior = schema_conform(ty.attrs(), &instance.attributes).bare_deep();
    Ok(job.look(instance.id(), Some(&prior)).await?.is_some())
}
