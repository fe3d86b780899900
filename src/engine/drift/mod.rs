//! What someone else did to the resources of a state: one read, compared with the state and, by a plan made of the same read, with
//! the configuration. Nothing is changed and nothing is written.

mod differences;
mod rules;
mod shared;
mod who;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::event::Listener;
use super::guard::known_parts;
use super::plan::Plan;
use super::planner::{self, Options, Request};
use super::reader::{Query, read_all};
use super::refresh::{Prior, Refused};
use crate::stack::Ignore;
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Context, Found, Known, Registry, ResourceType};
use crate::words::schema::Attr;
use crate::words::{Address, Result, Value};

pub use differences::{HIDDEN, differences};
pub use rules::{Rules, leave};
pub use who::who;

/// What a plan has read.
pub struct Read {
    /// The instances of the state, and what there is of each.
    pub priors: BTreeMap<Address, Prior>,
    /// What could not be read.
    pub refused: Vec<Refused>,
    /// Of instances that someone else changed, the attributes that the stack gives; nothing where that could not be told.
    pub given: BTreeMap<Address, BTreeSet<String>>,
    /// The clients, by the provider as the state names it.
    pub clouds: HashMap<Arc<str>, Arc<dyn Cloud>>,
}

/// What a look has found.
pub struct Look {
    /// What was read.
    pub read: Read,
    /// What stands in place of what is gone: its id, and how it differs.
    pub replaced: BTreeMap<Address, (String, Prior)>,
    /// What the next apply would do, or why that can't be told.
    pub plan: Result<Plan>,
}

/// An attribute that someone else changed.
pub struct Drifted {
    /// The attribute.
    pub attr: &'static Attr,
    /// What the state holds.
    pub held: Value,
    /// What there is.
    pub now: Value,
    /// What it is to be, to be in order again where the stack is silent about it.
    mended: Option<Value>,
}

/// Reads what the state holds, and plans what an apply would do about it.
pub async fn look(request: &Request<'_>, listener: &dyn Listener) -> Result<Look> {
    let mut options = Options { tolerant: true, ..request.options.clone() };
    // That an empty state may have been lost is none of drift's business.
    options.allow.existing = true;
    let (read, plan) = planner::look(&Request { options: &options, ..*request }, listener).await?;
    if let Some(first) = read.refused.first().filter(|_| read.unread() == read.priors.len()) {
        return Err(super::failed(format!("nothing of {} can be read, {} first", request.stack.name, first.kind), &first.failure).into());
    }
    let replaced = replaced(request, &read).await;
    Ok(Look { read, replaced, plan })
}

impl Read {
    fn unread(&self) -> usize {
        self.refused.iter().map(|refused| refused.addresses.len()).sum()
    }

    /// The attributes of an instance that someone else changed, in what the stack gives or the cloud chose for it.
    #[must_use]
    pub fn drifted(&self, registry: &Registry, address: &Address) -> Vec<Drifted> {
        self.priors.get(address).map_or_else(Vec::new, |prior| self.drifted_of(registry, address, prior))
    }

    /// The same of what stands in its place.
    #[must_use]
    pub fn drifted_of(&self, registry: &Registry, address: &Address, prior: &Prior) -> Vec<Drifted> {
        let Some(ty) = registry.resource(&address.kind) else { return vec![] };
        drifted(registry, ty, &self.priors, prior, self.given.get(address).unwrap_or(&BTreeSet::new()))
    }
}

/// See [`Read::drifted`]. What is silent in the stack and made by others of it is told only as far as none of them explains it.
fn drifted(
    registry: &Registry,
    ty: &dyn ResourceType,
    priors: &BTreeMap<Address, Prior>,
    prior: &Prior,
    given: &BTreeSet<String>,
) -> Vec<Drifted> {
    let id = prior.held.attr("id");
    let of = |name: &String| {
        let attr = ty.attrs().iter().find(|a| a.name == name)?;
        let (held, now) = (prior.held.attr(attr.name), prior.now.attr(attr.name));
        let told = |mended| Some(Drifted { attr, held: held.clone(), now: now.clone(), mended });
        if attr.computed {
            return if ty.signs().contains(&attr.name) { told(None) } else { None };
        }
        if given.contains(name) || !attr.chosen {
            return told(Some(held.clone()));
        }
        let parts = shared::parts(registry, ty.name(), attr.name);
        if !parts.is_empty() {
            let made = shared::made(priors, &parts, id);
            let come = shared::unexplained(held, now, &made, id);
            let nothing = Value::set([]);
            return (come != nothing).then(|| {
                let mended = Some(shared::without(now, &come));
                Drifted { attr, held: nothing, now: come, mended }
            });
        }
        // What is attached to it names it, and of what no longer is nothing is left to name it.
        let echoed = || now.is_empty() || priors.values().any(|other| shared::names(&other.held, id) || shared::names(&other.now, id));
        if ty.echoes().contains(&attr.name) && echoed() { None } else { told(Some(held.clone())) }
    };
    prior.drifted.iter().filter_map(of).collect()
}

/// What an instance should be where the stack is silent: as it is, but for what someone else changed. None where nothing is to mend.
pub(super) fn mended(
    registry: &Registry,
    ty: &dyn ResourceType,
    priors: &BTreeMap<Address, Prior>,
    prior: &Prior,
    given: &BTreeSet<String>,
    ignore: &Ignore,
) -> Option<Value> {
    if prior.now.is_null() || *ignore == Ignore::All {
        return None;
    }
    let left = |attr: &Attr| matches!(ignore, Ignore::Paths(paths) if paths.iter().any(|path| path == attr.name));
    let all = drifted(registry, ty, priors, prior, given).into_iter();
    let mended = all.filter(|d| !left(d.attr)).filter_map(|d| Some((d.attr.name, d.mended?)));
    Some(mended.fold(prior.now.clone(), |value, (name, as_it_was)| value.with(name, as_it_was)))
}

/// Looks for others that stand in place of what is gone, by natural identity. Where nobody can tell, or several could be meant, it is
/// just gone.
async fn replaced(request: &Request<'_>, read: &Read) -> BTreeMap<Address, (String, Prior)> {
    let own: BTreeSet<(&str, &str)> = read.priors.iter().map(|(a, p)| (&*a.kind, p.held.attr("id").as_str().unwrap_or_default())).collect();
    let gone = read.priors.iter().filter(|(_, prior)| prior.now.is_null());
    let asked = gone.filter_map(|(address, prior)| {
        let ty = request.registry.resource(&address.kind).filter(|ty| !ty.is_local())?;
        let instance = request.state.instances.get(address);
        let cloud = read.clouds.get(&instance?.provider).cloned()?;
        Some((address, prior, ty, cloud))
    });
    let own = &own;
    let found = stream::iter(asked.collect::<Vec<_>>()).map(|(address, prior, ty, cloud)| async move {
        let reads = Reads::default();
        let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
        let candidates = ty.candidates(&context, &known_parts(&prior.held)).await.unwrap_or_default();
        let [id] = candidates.as_slice() else { return None };
        if own.contains(&(&*address.kind, id.as_str())) {
            return None;
        }
        let known = Known { id: id.clone(), prior: Some(prior.held.clone()) };
        let query = Query { ty, cloud: cloud.clone(), known };
        let found: Option<Found> = read_all(&[&query], 1).await.pop().and_then(|answer| answer.ok().flatten());
        let mut twin = prior.clone();
        twin.read(ty, Some(&found?), cloud.default_tags());
        Some((address.clone(), (id.clone(), twin)))
    });
    found.buffer_unordered(request.options.parallelism).filter_map(|found| async { found }).collect().await
}
