//! Puts the secrets back into a kept plan, and none but those that it was made with.

use std::collections::BTreeMap;

use super::super::apply::world_of;
use super::super::evaluate::{self, Spots};
use super::super::instance::{data_value, unknown_where_silent};
use super::super::plan::{Action, Change, Drift, Plan};
use super::super::planner::Request;
use super::super::providers::Providers;
use super::super::tree::Tree;
use super::super::world::{Frame, World};
use super::super::{failed, guard, import, refresh, step};
use super::{Saved, seal, values};
use crate::state::schema_conform;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Identity};
use crate::words::{Address, Diagnostic, Mode, Result, Value};

/// The plan with its secrets: out of the state and the variables of the request, and by evaluating the stack again. What someone else
/// changed and the state does not know is read again. Fails where something is not what it was; `name` is what errors call the plan.
pub async fn open(saved: &Saved, request: &Request<'_>, name: &str) -> Result<Plan> {
    let mut plan = saved.plan.clone();
    plan.variables.clone_from(request.variables);
    let sealed = values(&mut plan).any(|value| seal::is_sealed(value));
    if !sealed && plan.identity.is_none() {
        return Ok(plan);
    }
    let mut blank = plan.clone();
    values(&mut blank).for_each(|value| *value = seal::blank(value));
    let tree = Tree::of(request.stack);
    let world = world_of(request, &tree, &blank, request.state)?;
    let mut providers = Providers::new(request.registry, request.settings, request.stack);
    for change in &plan.changes {
        providers.configure(&providers.of_state(&change.provider)?, &world, None).await?;
    }
    same_place(plan.identity.as_ref(), guard::identity(&providers).await?.as_ref(), name)?;
    if !sealed {
        return Ok(plan);
    }
    let mut opener = Opener { salt: &saved.salt, name, request, world, providers, tree: &tree, spots: Spots::default() };
    opener.befores(&mut plan.changes).await?;
    for change in &mut plan.changes {
        opener.after(change).await?;
    }
    opener.rest(&mut plan)?;
    Ok(plan)
}

/// What was planned with one account or region must not be done in another.
fn same_place(then: Option<&Identity>, now: Option<&Identity>, name: &str) -> Result<()> {
    let (Some(then), Some(now)) = (then, now) else { return Ok(()) };
    if (&then.account, &then.region) == (&now.account, &now.region) {
        return Ok(());
    }
    let place = |identity: &Identity| format!("account {}, region {}", identity.account, identity.region);
    Err(Diagnostic::error(format!("the plan `{name}` was made for another account or region than the one in use"))
        .fact("planned for", place(then))
        .fact("now", place(now))
        .help("apply it with the credentials and the region that it was made with, or make it again with `ferroform plan --out`")
        .into())
}

struct Opener<'a> {
    salt: &'a str,
    name: &'a str,
    request: &'a Request<'a>,
    /// What is known so far, as the planner knew it.
    world: World<'a>,
    providers: Providers<'a>,
    tree: &'a Tree<'a>,
    spots: Spots,
}

impl Opener<'_> {
    /// What each instance was before: as the state has it, else as it is.
    async fn befores(&self, changes: &mut [Change]) -> Result<()> {
        let mut others = vec![];
        for (i, change) in changes.iter_mut().enumerate() {
            match seal::open(&change.before, &[&self.held(change)], self.salt) {
                Ok(before) => change.before = before,
                Err(_) => others.push(i),
            }
        }
        if others.is_empty() {
            return Ok(());
        }
        let found = self.read_again(others.iter().map(|i| &changes[*i])).await?;
        for i in others {
            let change = &mut changes[i];
            let now = found.get(&change.address).filter(|_| change.deposed.is_none());
            let known = [&self.held(change), now.unwrap_or(&Value::Null)];
            change.before = seal::open(&change.before, &known, self.salt).map_err(|path| self.stale(&change.address, &path))?;
        }
        Ok(())
    }

    /// What the state holds of an instance.
    fn held(&self, change: &Change) -> Value {
        let instances = &self.request.state.instances;
        let held = instances.get(change.moved_from.as_ref().unwrap_or(&change.address)).or_else(|| instances.get(&change.address));
        let held = match &change.deposed {
            Some(key) => held.and_then(|instance| instance.deposed.get(key)),
            None => held,
        };
        held.map(|instance| schema_conform(self.request.registry.attrs(&change.address), &instance.attributes)).unwrap_or_default()
    }

    /// What there is of those instances now.
    async fn read_again(&self, changes: impl Iterator<Item = &Change>) -> Result<BTreeMap<Address, Value>> {
        let Request { state, registry, options, .. } = *self.request;
        let mut priors = BTreeMap::new();
        let mut imports = vec![];
        for change in changes {
            match (&change.importing, state.instances.get(&change.address), registry.resource(&change.address.kind)) {
                (Some(id), ..) => imports.push(import::Asked::by_id(&change.address, id)),
                (None, Some(held), Some(ty)) => drop(priors.insert(change.address.clone(), refresh::Prior::unread(ty, held))),
                _ => {}
            }
        }
        let queries = refresh::queries(state, registry, &self.providers, &priors)?;
        refresh::none_refused(&refresh::refresh(&queries, &mut priors, options.parallelism).await)?;
        let imported = import::read(self.request, &self.providers, self.tree, imports).await?;
        priors.extend(imported.into_iter().map(|(address, (_, prior))| (address, prior)));
        Ok(priors.into_iter().map(|(address, prior)| (address, prior.now)).collect())
    }

    /// What an instance will be: as it was, or as its block has it.
    async fn after(&mut self, change: &mut Change) -> Result<()> {
        if seal::is_sealed(&change.after) {
            let held = self.held(change);
            change.after = match seal::open(&change.after, &[&change.before, &held], self.salt) {
                Ok(after) => after,
                Err(_) => {
                    let again = self.again(change).await?;
                    let opened = seal::open(&change.after, &[&again, &change.before, &held], self.salt);
                    opened.map_err(|path| self.stale(&change.address, &path))?
                }
            };
        }
        if change.deposed.is_none() && !matches!(change.action, Action::Delete | Action::Forget) {
            self.world.set(&change.address, change.after.clone());
        }
        Ok(())
    }

    /// What the stack makes of an instance with what is known now; of a data source what it gives.
    async fn again(&self, change: &Change) -> Result<Value> {
        let Request { registry, .. } = *self.request;
        let Some(block) = self.tree.block(&change.address) else { return Ok(Value::Null) };
        let Some(spot) = self.spots.of(&self.world, block, &change.address)? else { return Ok(Value::Null) };
        let given = evaluate::config(&self.world, block, &spot, registry.attrs(&change.address)).0?;
        let config = self.providers.of_state(&change.provider)?;
        let Some(cloud) = self.providers.get(&config) else { return Ok(Value::Null) };
        if let Some(ty) = registry.resource(&change.address.kind).filter(|_| change.address.mode == Mode::Managed) {
            return Ok(step::wanted(change, ty, block, given, cloud.default_tags(), false));
        }
        let Some(ty) = registry.data(&change.address.kind) else { return Ok(Value::Null) };
        if change.action == Action::Read || !given.is_known() {
            return Ok(unknown_where_silent(ty, &given));
        }
        let reads = Reads::default();
        let found = ty.read(&Context { cloud: cloud.as_ref(), token: "", reads: &reads }, &given.bare_deep()).await;
        let found = found.map_err(|failure| failed(format!("{} can't be read again", change.address), &failure))?;
        Ok(data_value(ty, &given, &found))
    }

    /// Outputs, which must come out as they were shown, and what someone else did, which is only told.
    fn rest(&self, plan: &mut Plan) -> Result<()> {
        for (name, output) in &mut plan.outputs {
            let held = self.request.state.outputs.get(name).map(|o| o.value.clone()).unwrap_or_default();
            let declared = self.request.stack.module.outputs.get(name.as_str());
            let again = declared.and_then(|o| o.value.eval(&Frame::of(&self.world)).ok()).unwrap_or_default();
            output.before = seal::open(&output.before, &[&held], self.salt).unwrap_or_else(|_| output.before.clone());
            let after = seal::open(&output.after, &[&again, &held], self.salt);
            output.after = after.map_err(|_| self.outdated(&format!("output.{name} has another value now")))?;
        }
        let sealed = |d: &&mut Drift| seal::is_sealed(&d.before) || seal::is_sealed(&d.after);
        for drift in plan.drift.iter_mut().filter(sealed) {
            let planned = plan.changes.iter().find(|c| c.address == drift.address && c.deposed.is_none());
            let held = planned.map(|change| self.held(change)).unwrap_or_default();
            let now = planned.map_or(&Value::Null, |change| &change.before);
            for value in [&mut drift.before, &mut drift.after] {
                *value = seal::open(value, &[&held, now], self.salt).unwrap_or_else(|_| value.clone());
            }
        }
        Ok(())
    }

    fn stale(&self, address: &Address, path: &str) -> Diagnostic {
        let what = path.split('.').next().unwrap_or_default();
        self.outdated(&format!("`{what}` of {address} is not what it was when it was made"))
    }

    fn outdated(&self, why: &str) -> Diagnostic {
        Diagnostic::error(format!("the plan `{}` is out of date: {why}", self.name)).help("make it again with `ferroform plan --out`")
    }
}
