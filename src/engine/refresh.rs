//! What the state holds, as it is now.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::diff::settle;
use super::failed;
use super::providers::Providers;
use super::reader::{Query, read_all};
use super::same::differing;
use crate::state::{Instance, State, schema_conform};
use crate::words::failure::Failure;
use crate::words::resource::{Cloud, Found, Known, Registry, ResourceType};
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Result, Value};

/// An instance of the state, and what there is of it now.
#[derive(Clone, Debug)]
pub struct Prior {
    /// As the state holds it, in the shapes of the schema.
    pub held: Value,
    /// As it is now: all attributes and `id`; null when it is gone.
    pub now: Value,
    /// The attributes in which both differ, when it is not gone.
    pub drifted: Vec<String>,
}

impl Prior {
    /// Of an instance that was not read: taken for what the state says.
    #[must_use]
    pub fn unread(ty: &dyn ResourceType, instance: &Instance) -> Self {
        let held = schema_conform(ty.attrs(), &instance.attributes);
        Self { now: held.clone(), held, drifted: vec![] }
    }

    /// Takes in what a read answered.
    pub(super) fn read(&mut self, ty: &dyn ResourceType, found: Option<&Found>, default_tags: &crate::words::resource::Tags) {
        let Some(found) = found else {
            self.now = Value::Null;
            return;
        };
        let now = settle(ty.attrs(), &found.value, &self.held, default_tags).with("id", Value::from(found.id.as_str()));
        self.drifted = differing(ty.attrs(), &self.held, &now);
        // What is as it was is kept once.
        self.now = if now == self.held { self.held.clone() } else { now };
    }
}

/// The managed instances of a state as the engine works on them, by address; without asking anyone.
pub fn unread(state: &State, registry: &Registry) -> Result<BTreeMap<Address, Prior>> {
    let mut errors = Diagnostics::default();
    let mut priors = vec![];
    for (address, instance) in managed(state) {
        match registry.resource(&address.kind) {
            Some(ty) if instance.schema_version > ty.schema_version() => errors.push(newer(address, instance, ty)),
            Some(ty) => priors.push((address.clone(), Prior::unread(ty, instance))),
            None => errors.push(
                super::evaluate::unknown_type(registry, address, None)
                    .help("the state holds it: remove it from the state with `ferroform state rm`, and leave it to the tool that made it"),
            ),
        }
    }
    // They come in order, and a map is made of a whole list at little cost.
    errors.unless_errors(priors.into_iter().collect())
}

fn managed(state: &State) -> impl Iterator<Item = (&Address, &Instance)> {
    state.instances.iter().filter(|(address, instance)| address.mode == Mode::Managed && instance.exists())
}

fn newer(address: &Address, instance: &Instance, ty: &dyn ResourceType) -> Diagnostic {
    let (have, know) = (instance.schema_version, ty.schema_version());
    Diagnostic::error(format!(
        "the state holds {address} in version {have} of the schema of {}, and ferroform knows versions up to {know}",
        ty.name()
    ))
    .help("it was written by a newer provider: use a newer ferroform")
}

/// What to read for those addresses, and where each answer belongs.
pub fn queries(
    state: &State,
    registry: &Registry,
    providers: &Providers<'_>,
    priors: &BTreeMap<Address, Prior>,
) -> Result<Vec<(Address, Query)>> {
    let mut queries = Vec::with_capacity(priors.len());
    let mut clouds: HashMap<&str, Option<Arc<dyn Cloud>>> = HashMap::new();
    for (address, prior) in priors {
        let (Some(instance), Some(ty)) = (state.instances.get(address), registry.resource(&address.kind)) else { continue };
        let cloud = match clouds.get(&*instance.provider) {
            Some(cloud) => cloud,
            None => clouds.entry(&instance.provider).or_insert(providers.get(&providers.of_state(&instance.provider)?).cloned()),
        };
        let Some(cloud) = cloud.clone() else { continue };
        let known = Known { id: instance.id().to_owned(), prior: Some(prior.held.clone()) };
        queries.push((address.clone(), Query { ty, cloud, known }));
    }
    Ok(queries)
}

/// A read that was refused, and what was not read for that reason.
#[derive(Clone, Debug)]
pub struct Refused {
    /// The type.
    pub kind: &'static str,
    /// What was not read: all that had the same answer.
    pub addresses: Vec<Address>,
    /// The answer.
    pub failure: Failure,
}

/// Reads all of them and puts what there is into `priors`; what can't be read stays there as the state has it.
pub async fn refresh(queries: &[(Address, Query)], priors: &mut BTreeMap<Address, Prior>, parallelism: usize) -> Vec<Refused> {
    let asked: Vec<&Query> = queries.iter().map(|(_, query)| query).collect();
    let mut refused: Vec<Refused> = vec![];
    for ((address, query), answer) in queries.iter().zip(read_all(&asked, parallelism).await) {
        match answer {
            Ok(found) => {
                if let Some(prior) = priors.get_mut(address) {
                    prior.read(query.ty, found.as_ref(), query.cloud.default_tags());
                }
            }
            // One refused call fails many: it is told once.
            Err(failure) => match refused.iter_mut().find(|r| r.kind == query.ty.name() && r.failure == failure) {
                Some(known) => known.addresses.push(address.clone()),
                None => refused.push(Refused { kind: query.ty.name(), addresses: vec![address.clone()], failure }),
            },
        }
    }
    refused
}

/// An error, if anything could not be read.
pub fn none_refused(refused: &[Refused]) -> Result<()> {
    Diagnostics(refused.iter().map(|r| failed(format!("{} can't be read", r.kind), &r.failure)).collect()).unless_errors(())
}
