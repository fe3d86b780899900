//! What exists where the stacks are at work, and no state owns: all of a type is listed, and what states hold is taken away.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use futures::stream::{self, StreamExt};

use super::planner::Request;
use super::providers::{ConfigName, Providers};
use super::tree::{Placed, Tree};
use super::world::World;
use crate::state::Owned;
use crate::words::drift::{Finding, Gap, Unmanaged, What};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::reads::{Asked, Reads};
use crate::words::resource::{Cloud, Context, Identity, Registry, ResourceType};
use crate::words::{Address, ModulePath, Result, Span, Value};

/// Where to look: the clients of one configuration of a provider.
#[derive(Clone)]
pub struct Place {
    /// Which configuration, so that what is found there can be imported.
    pub config: ConfigName,
    /// The clients.
    pub cloud: Arc<dyn Cloud>,
}

/// Something that no state owns.
#[derive(Clone, Debug, PartialEq)]
pub struct Stray {
    /// As reports have it.
    pub finding: Finding,
    /// What `import` takes for it.
    pub import: String,
    /// The configuration that sees it.
    pub config: ConfigName,
}

/// What a look found.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// What no state owns, the worst first.
    pub strays: Vec<Stray>,
    /// How many are owned.
    pub owned: usize,
    /// How many nobody would manage, by the reason.
    pub noise: BTreeMap<String, usize>,
    /// The types that could not be listed, and why.
    pub gaps: Vec<Gap>,
}

/// The places where a stack is at work: of all its blocks, of all that its state holds, and of those types, wherever it would have them.
/// `known` gives the clients that there are already, by the provider as the state names it.
pub async fn places(request: &Request<'_>, kinds: &BTreeSet<&str>, known: impl Fn(&str) -> Option<Arc<dyn Cloud>>) -> Result<Vec<Place>> {
    let world = World::new(&request.stack.module, request.files, request.variables, request.workspace);
    let mut providers = Providers::new(request.registry, request.settings, request.stack);
    let mut asked: BTreeMap<ConfigName, Option<&Span>> = BTreeMap::new();
    for Placed { address, block, .. } in Tree::of(request.stack).blocks {
        asked.insert(providers.of_block(&address.module, block)?, Some(&block.span));
    }
    for instance in request.state.instances.values() {
        asked.entry(providers.of_state(&instance.provider)?).or_insert(None);
    }
    for kind in kinds.iter().filter(|kind| request.registry.resource(kind).is_some_and(|ty| !ty.is_local())) {
        asked.entry(providers.of_type(&ModulePath::default(), kind, None, None)?).or_insert(None);
    }
    let mut places = vec![];
    for (config, span) in asked {
        let cloud = match known(&providers.in_state(&config)) {
            Some(cloud) => Some(cloud),
            None => {
                providers.configure(&config, &world, span).await?;
                providers.get(&config).cloned()
            }
        };
        places.extend(cloud.map(|cloud| Place { config, cloud }));
    }
    Ok(places)
}

/// What was looked at before: the same account, region and type are not looked at twice.
pub type Before = BTreeSet<(String, String, &'static str)>;

/// Lists those types in those places, each account and region once, and tells what none of the states owns.
pub async fn look(
    registry: &Registry,
    places: &[Place],
    kinds: &BTreeSet<&str>,
    owned: &[Owned],
    parallelism: usize,
    before: &mut Before,
) -> Outcome<Seen> {
    let mut work = vec![];
    for place in places {
        let Some(Identity { account, region, .. }) = place.cloud.identity().await? else { continue };
        let types = registry.resources.iter().copied().filter(|ty| kinds.contains(ty.name()) && !ty.is_local());
        let types = types.filter(|ty| registry.provider_of(ty.name()).is_some_and(|p| p.name() == &*place.config.name));
        for ty in types {
            let region = if ty.is_global() { String::new() } else { region.clone() };
            if before.insert((account.clone(), region, ty.name())) {
                work.push((ty, place));
            }
        }
    }
    // One region's answers are not another's.
    let mut sweeps: HashMap<*const (), Reads> = HashMap::new();
    for (_, place) in &work {
        sweeps.entry(Arc::as_ptr(&place.cloud).cast()).or_insert_with(|| Reads::of(owned.iter().map(asked).collect()));
    }
    let answers = stream::iter(&work).map(|(ty, place)| {
        let reads = &sweeps[&Arc::as_ptr(&place.cloud).cast()];
        async move { (*ty, *place, ty.list(&Context { cloud: place.cloud.as_ref(), token: "", reads }).await) }
    });
    let mut answers: Vec<_> = answers.buffer_unordered(parallelism.max(1)).collect().await;
    answers.sort_by_key(|(ty, place, _)| (ty.name(), place.config.clone()));
    let owners = Owners::of(owned);
    let mut seen = Seen::default();
    for (ty, place, answer) in answers {
        match answer {
            Ok(Some(listed)) => seen.take(ty, place, listed, &owners),
            // It is told with what it is part of.
            Ok(None) => {}
            Err(failure) => seen.gaps.push(gap(ty, &failure)),
        }
    }
    seen.address(owned);
    seen.strays.sort_by(|a, b| (b.finding.severity, &a.finding.address).cmp(&(a.finding.severity, &b.finding.address)));
    Ok(seen)
}

fn asked(owned: &Owned) -> Asked {
    Asked { kind: owned.address.kind.clone(), id: owned.id.clone(), prior: owned.attributes.clone() }
}

fn gap(ty: &dyn ResourceType, failure: &Failure) -> Gap {
    Gap { kind: ty.name().to_owned(), addresses: vec![], reason: failure.to_string() }
}

/// Who has what, by type and id.
struct Owners<'a>(HashMap<(&'a str, &'a str), Vec<&'a Value>>);

impl<'a> Owners<'a> {
    fn of(owned: &'a [Owned]) -> Self {
        let mut owners: HashMap<_, Vec<&Value>> = HashMap::new();
        for one in owned {
            owners.entry((&*one.address.kind, one.id.as_str())).or_default().push(&one.attributes);
        }
        Self(owners)
    }

    /// Ids that are names can be those of two things, in two regions or of two others: then the mark tells.
    fn have(&self, ty: &dyn ResourceType, listed: &Listed) -> bool {
        let is = |attributes: &&Value| match &listed.mark {
            Some((name, value)) => attributes.attr(name).as_str().is_none_or(|own| own.is_empty() || own == value),
            None => true,
        };
        self.0.get(&(ty.name(), listed.id.as_str())).is_some_and(|owners| owners.iter().any(is))
    }
}

impl Seen {
    fn take(&mut self, ty: &dyn ResourceType, place: &Place, listed: Vec<Listed>, owners: &Owners<'_>) {
        for one in listed {
            if owners.have(ty, &one) {
                self.owned += 1;
            } else if let Some(why) = one.noise {
                *self.noise.entry(why.to_owned()).or_default() += 1;
            } else {
                self.strays.push(stray(ty, place, one));
            }
        }
    }

    /// Gives those that would have one address, or that of something managed, another: the end of the id tells them apart.
    fn address(&mut self, owned: &[Owned]) {
        let taken: BTreeSet<String> = owned.iter().map(|one| one.address.to_string()).collect();
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        self.strays.iter().for_each(|s| *times.entry(s.finding.address.clone()).or_default() += 1);
        for Stray { finding, .. } in &mut self.strays {
            if times[&finding.address] > 1 || taken.contains(&finding.address) {
                finding.address = format!("{}_{}", finding.address, tail(&finding.kind, &finding.id));
            }
        }
    }

    /// As reports have it.
    #[must_use]
    pub fn unmanaged(&self) -> Unmanaged {
        let findings: Vec<Finding> = self.strays.iter().map(|stray| stray.finding.clone()).collect();
        let noise = self.noise.values().sum();
        Unmanaged { seen: self.owned + findings.len(), owned: self.owned, noise, left_out: self.noise.clone(), findings }
    }
}

fn stray(ty: &dyn ResourceType, place: &Place, listed: Listed) -> Stray {
    let finding = Finding {
        address: Address::managed(ty.name(), identifier(ty.name(), &listed.name)).to_string(),
        kind: ty.name().to_owned(),
        id: listed.id,
        what: What::Unmanaged,
        severity: listed.severity,
        danger: listed.danger,
        attributes: vec![],
        in_order: None,
        by: None,
        next: "leaves it alone".to_owned(),
        place: None,
    };
    Stray { finding, import: listed.import, config: place.config.clone() }
}

/// A name as one in an address: what is none of a name's letters is a line below, and it begins with a letter.
fn identifier(kind: &str, name: &str) -> String {
    let mut made = String::new();
    for c in name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }) {
        if c != '_' || !(made.is_empty() || made.ends_with('_')) {
            made.push(c);
        }
    }
    let made = made.trim_end_matches('_');
    match made.chars().next() {
        None => "found".to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{}_{made}", kind.rsplit('_').next().unwrap_or_default()),
        Some(_) => made.to_owned(),
    }
}

/// What tells one id from another, in a few letters that stay the same.
fn tail(kind: &str, id: &str) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(format!("{kind} {id}")).iter().take(3).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_addresses() {
        for (name, wanted) in [
            ("Web Server (old)", "web_server_old"),
            ("/app/logs", "app_logs"),
            ("2024-backup", "bucket_2024_backup"),
            ("--", "found"),
            ("Größe", "gr_e"),
        ] {
            assert_eq!(identifier("aws_s3_bucket", name), wanted);
            assert!(format!("aws_s3_bucket.{wanted}").parse::<Address>().is_ok());
        }
    }
}
