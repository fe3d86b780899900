//! Makes a plan: reads what the state holds, evaluates the stack block by block, and compares.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use futures::FutureExt as _;
use futures::stream::{FuturesUnordered, StreamExt};

use super::adopt::Adopting;
use super::checks;
use super::drift::Read;
use super::ends;
use super::event::{Event, Listener};
use super::graph::{self, Order};
use super::guard;
use super::holds;
use super::import;
use super::instance;
use super::moves::{self, Moves};
pub use super::options::Options;
use super::outputs;
use super::plan::{Action, Change, Checked, Drift, Generated, Plan, Purpose};
use super::providers::Providers;
use super::refresh::{self, Prior, Refused};
use super::rivals::Rivals;
use super::scope::{Scope, scope};
use super::tree::{Placed, Tree};
use super::world::World;
use super::{evaluate, failed};
use crate::stack::{Block, Files, Stack};
use crate::state::State;
use crate::words::failure::Outcome;
use crate::words::resource::{DataType, Registry, Settings};
use crate::words::{Address, Diagnostic, Diagnostics, Mode, ModulePath, Result, Selection, Value};

/// What to plan, and from what.
pub struct Request<'a> {
    /// The stack.
    pub stack: &'a Stack,
    /// The files beside it.
    pub files: &'a Files,
    /// The values of its variables.
    pub variables: &'a BTreeMap<Arc<str>, Value>,
    /// The workspace.
    pub workspace: &'a str,
    /// What is known.
    pub state: &'a State,
    /// All types.
    pub registry: &'a Registry,
    /// For the providers.
    pub settings: &'a Settings,
    /// What the user asked for.
    pub options: &'a Options,
}

/// What is being planned, and what is known so far.
pub(super) struct Planner<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) tree: &'a Tree<'a>,
    pub(super) world: World<'a>,
    pub(super) providers: Providers<'a>,
    pub(super) priors: BTreeMap<Address, Prior>,
    pub(super) changes: Vec<Change>,
    /// Instances to which something is done.
    pub(super) acting: HashSet<Address>,
    pub(super) errors: Diagnostics,
    pub(super) drift: Vec<Drift>,
    pub(super) moves: Moves,
    /// What leaves the stack by a `removed` block, and whether it is destroyed.
    pub(super) removed: Vec<(Selection, bool)>,
    /// The change of each instance, by its place.
    pub(super) planned: HashMap<Address, usize>,
    /// Instances that are left out because the user excludes them, or what they need.
    pub(super) left_out: BTreeSet<Address>,
    /// What is imported: the id that the user gave, by address.
    pub(super) imports: BTreeMap<Address, String>,
    /// Which of these nobody named: they were found.
    pub(super) adopted: BTreeSet<Address>,
    order: Order,
    pub(super) scope: Scope,
    /// Instances of the state that a block of the stack accounts for.
    pub(super) claimed: BTreeSet<Address>,
    /// Who writes what.
    pub(super) rivals: Rivals,
    /// What is replaced.
    pub(super) replaced: holds::Replaced,
    /// Modules of which nobody can tell which instances there should be: nothing in them is superfluous.
    pub(super) untold: Vec<ModulePath>,
    /// What kept the data sources of `check` blocks from being read.
    pub(super) troubles: Vec<(Checked, String)>,
    generated: Vec<Generated>,
    /// What could not be read, where that stops nothing.
    refused: Vec<Refused>,
    /// Of instances that someone else changed, the attributes that the stack gives.
    pub(super) given: BTreeMap<Address, BTreeSet<String>>,
}

/// Makes a plan.
pub async fn plan(request: &Request<'_>, listener: &dyn Listener) -> Result<Plan> {
    look(request, listener).await?.1
}

/// What was read, and the plan that was made of it: the one can be told though the other can't be made.
pub(super) async fn look(request: &Request<'_>, listener: &dyn Listener) -> Result<(Read, Result<Plan>)> {
    let tree = Tree::of(request.stack);
    let order = graph::order(&tree)?;
    let mut errors = Diagnostics::default();
    let moved = moves::moves(&tree, request.state, &mut errors)?;
    let (moves, state) = moved.as_ref().map_or((Moves::new(), request.state), |(moves, state)| (moves.clone(), state));
    let request = &Request { state, ..*request };
    let removed = ends::removed(&tree)?;
    let world = World::new(&request.stack.module, request.files, request.variables, request.workspace);
    let providers = Providers::new(request.registry, request.settings, request.stack);
    let priors = refresh::unread(request.state, request.registry)?;
    let scope = scope(request, &tree, &order)?;
    let mut planner = Planner {
        request,
        tree: &tree,
        world,
        providers,
        priors,
        changes: vec![],
        acting: HashSet::new(),
        replaced: holds::Replaced::of(&tree, &order),
        errors,
        moves,
        removed,
        drift: vec![],
        planned: HashMap::new(),
        left_out: BTreeSet::new(),
        imports: BTreeMap::new(),
        adopted: BTreeSet::new(),
        order,
        scope,
        claimed: BTreeSet::new(),
        rivals: Rivals::default(),
        untold: vec![],
        troubles: vec![],
        generated: vec![],
        refused: vec![],
        given: BTreeMap::new(),
    };
    planner.configure().await?;
    planner.walk(listener).await?;
    let plan = planner.finish().await;
    Ok((planner.read(), plan))
}

impl<'a> Planner<'a> {
    /// Makes the clients of every configuration that the stack or the state names.
    async fn configure(&mut self) -> Result<()> {
        let destroying = self.request.options.purpose == Purpose::Destroy;
        let mut asked: BTreeMap<_, _> = BTreeMap::new();
        for Placed { address, block, .. } in self.tree.blocks.iter().filter(|_| !destroying) {
            asked.insert(self.providers.of_block(&address.module, block)?, Some(&block.span));
        }
        asked.extend(import::configurations(self.request, &self.providers, self.tree)?);
        let managed = self.request.state.instances.iter().filter(|(a, _)| a.mode == Mode::Managed);
        for provider in managed.map(|(_, instance)| &instance.provider).collect::<BTreeSet<_>>() {
            asked.entry(self.providers.of_state(provider)?).or_insert(None);
        }
        let mut errors = Diagnostics::default();
        for (config, span) in asked {
            errors.keep(self.providers.configure(&config, &self.world, span).await);
        }
        self.world.forget();
        errors.unless_errors(())
    }

    /// Evaluates block after block. What the state holds is read meanwhile, and data sources as soon as what they ask for is known.
    async fn walk(&mut self, listener: &dyn Listener) -> Result<()> {
        let Request { state, registry, options, .. } = *self.request;
        let queries = if options.refresh { refresh::queries(state, registry, &self.providers, &self.priors)? } else { vec![] };
        let started = Instant::now();
        listener.on(Event::Refreshing { resources: queries.len() });
        // Until they are read nothing is planned that rests on them.
        let mut fresh = std::mem::take(&mut self.priors);
        let (request, providers) = (self.request, self.providers.clone());
        let refreshing = async {
            // Who it is is asked in the same flight, since a wrong account would make everything look gone.
            let places = guard::check_places(request, &providers);
            let (places, read) = futures::join!(places, refresh::refresh(&queries, &mut fresh, options.parallelism));
            places?;
            if !options.tolerant {
                refresh::none_refused(&read)?;
            }
            Ok::<_, Diagnostics>((fresh, read))
        };
        let mut refreshing = std::pin::pin!(refreshing);
        let mut refreshed = false;
        let mut pending = import::Pending::of(self.request, self.tree);
        let mut imported = import::Imports::new();
        let (importers, tree) = (self.providers.clone(), self.tree);
        let mut importing = FuturesUnordered::new();
        let mut readings: FuturesUnordered<instance::Reading<'_>> = FuturesUnordered::new();
        let mut adopting: FuturesUnordered<Adopting<'_>> = FuturesUnordered::new();
        let mut left: Vec<usize> = self.order.needs.iter().map(Vec::len).collect();
        let mut users: Vec<Vec<usize>> = vec![vec![]; left.len()];
        for (block, needs) in self.order.needs.iter().enumerate() {
            needs.iter().for_each(|&need| users[need].push(block));
        }
        let mut place = vec![0; left.len()];
        self.order.sorted.iter().enumerate().for_each(|(at, &block)| place[block] = at);
        let destroying = options.purpose == Purpose::Destroy;
        let mut ready: BTreeSet<(usize, usize)> =
            left.iter().enumerate().filter(|(_, n)| **n == 0 && !destroying).map(|(b, _)| (place[b], b)).collect();
        let mut reading: HashMap<usize, usize> = HashMap::new();
        let mut stalled: Vec<(usize, usize)> = vec![];
        loop {
            while let Some((at, block)) = ready.pop_first() {
                let mode = self.tree.blocks.get(block).map(|b| b.address.mode);
                if mode == Some(Mode::Managed) && (!refreshed || pending.holds(block)) {
                    stalled.push((at, block));
                    continue;
                }
                let begun = match mode {
                    Some(Mode::Data) => self.begin_data(block, &mut readings),
                    Some(Mode::Managed) => {
                        let begun = self.begin_adopting(block, &mut adopting);
                        if begun == 0 {
                            self.plan_block(block);
                        }
                        begun
                    }
                    None => {
                        self.expand(block - self.tree.blocks.len());
                        0
                    }
                };
                match begun {
                    0 => release(block, &users, &mut left, &place, &mut ready),
                    n => drop(reading.insert(block, n)),
                }
            }
            let due: Vec<_> = stalled.iter().map(|(_, block)| *block).filter(|block| pending.holds(*block)).map(Some).collect();
            if importing.is_empty() && !due.is_empty() {
                let asked = pending.asked(&due, request, &self.world)?;
                importing.push(import::read(request, &importers, tree, asked).map(|found| (due, found)));
            }
            if refreshed && readings.is_empty() && adopting.is_empty() && importing.is_empty() {
                break;
            }
            tokio::select! {
                fresh = &mut refreshing, if !refreshed => {
                    (self.priors, self.refused) = fresh?;
                    self.take_in(std::mem::take(&mut imported));
                    refreshed = true;
                    listener.on(Event::Refreshed { resources: queries.len(), took: started.elapsed() });
                    ready.extend(stalled.drain(..));
                }
                Some((due, found)) = importing.next(), if !importing.is_empty() => {
                    imported.extend(found?);
                    pending.done(&due);
                    if refreshed {
                        self.take_in(std::mem::take(&mut imported));
                        ready.extend(stalled.drain(..));
                    }
                }
                Some((block, spot, dependencies, outcome)) = readings.next(), if !readings.is_empty() => {
                    self.end_data(block, &spot, dependencies, outcome);
                    if was_last(&mut reading, block) {
                        release(block, &users, &mut left, &place, &mut ready);
                    }
                }
                Some((block, address, found)) = adopting.next(), if !adopting.is_empty() => {
                    self.end_adopting(address, found);
                    if was_last(&mut reading, block) {
                        self.plan_block(block);
                        release(block, &users, &mut left, &place, &mut ready);
                    }
                }
            }
        }
        let asked = pending.asked(&[None], request, &self.world)?;
        self.generated = import::unwritten(request, &importers, tree, asked).await?;
        Ok(())
    }

    /// Takes in what was read of imports.
    fn take_in(&mut self, imported: import::Imports) {
        for (address, (given, prior)) in imported {
            self.imports.insert(address.clone(), given);
            self.priors.insert(address, prior);
        }
    }

    /// Says which instances of a module there are.
    fn expand(&mut self, site: usize) {
        let Some((caller, call)) = self.tree.sites[site].caller else { return };
        let shape = evaluate::shape(call.count.as_ref(), call.for_each.as_ref());
        for path in self.world.expansions(&self.tree.sites[caller].path).to_vec() {
            let keys = evaluate::keys(&self.world, &path, call);
            let keys = self.errors.keep(keys);
            if keys.is_none() {
                self.untold.push(path.child(call.name.clone(), None));
            }
            self.world.expand(&path, call, shape, keys);
        }
    }

    /// The instances of the module that a block is in.
    pub(super) fn around(&self, placed: &Placed<'_>) -> Vec<ModulePath> {
        self.world.expansions(&self.tree.sites[placed.site].path).to_vec()
    }

    /// Starts to read the instances of a data source; the number of them that are on their way.
    fn begin_data<'f>(&mut self, index: usize, readings: &mut FuturesUnordered<instance::Reading<'f>>) -> usize {
        let placed = &self.tree.blocks[index];
        let mut begun = 0;
        for path in self.around(placed) {
            let started = self.begin_data_in(index, &path, readings);
            begun += self.keep_or_check(placed.block, &path, started).unwrap_or(0);
        }
        begun
    }

    /// What went well; what didn't is an error, or where it is within a check, that check's failure.
    fn keep_or_check<T>(&mut self, block: &Block, path: &ModulePath, result: Result<T>) -> Option<T> {
        match (result, &block.of_check) {
            (Err(errors), Some(check)) => {
                let object = Checked::Check(path.clone(), check.clone());
                self.troubles.extend(errors.0.into_iter().map(|error| (object.clone(), error.to_string())));
                None
            }
            (result, _) => self.errors.keep(result),
        }
    }

    fn begin_data_in<'f>(
        &mut self,
        index: usize,
        path: &ModulePath,
        readings: &mut FuturesUnordered<instance::Reading<'f>>,
    ) -> Result<usize> {
        let block = self.tree.blocks[index].block;
        let address = block.address.within(path);
        self.world.declare(&address, evaluate::shape_of(block));
        if !self.scope.block(index) {
            self.world.give_up(&address);
            return Ok(0);
        }
        let ty = self
            .request
            .registry
            .data(&block.address.kind)
            .ok_or_else(|| evaluate::unknown_type(self.request.registry, &block.address, Some(&block.span)))?;
        let config = self.providers.of_block(path, block)?;
        let cloud = self.providers.get(&config).cloned();
        let mut begun = 0;
        let spots = evaluate::spots(&self.world, path, block);
        if spots.is_err() {
            self.world.give_up(&address);
        }
        let waits = evaluate::after(&self.world, block, path).any(|after| self.acting.iter().any(|a| after.covers(a)));
        for spot in spots? {
            let (given, touched) = evaluate::config(&self.world, block, &spot, ty.attrs());
            let dependencies: Vec<Address> = touched.into_iter().collect();
            let Some(given) = self.keep_or_check(block, path, given) else {
                self.world.set(&spot.address, Value::unknown());
                continue;
            };
            let problems = ty.check(&given);
            if !problems.is_empty() {
                problems.iter().for_each(|p| self.errors.push(evaluate::problem(&spot.address, block, p)));
                self.world.set(&spot.address, Value::unknown());
                continue;
            }
            match &cloud {
                Some(cloud) if given.is_known() && !waits && !self.makes(&dependencies) => {
                    readings.push(instance::read_data(index, spot, dependencies, ty, cloud.clone(), given));
                    begun += 1;
                }
                _ => self.later(&spot, ty, &given, dependencies, &config),
            }
        }
        Ok(begun)
    }

    /// A data source that can be read during apply only.
    fn later(
        &mut self,
        spot: &evaluate::Spot,
        ty: &dyn DataType,
        given: &Value,
        dependencies: Vec<Address>,
        config: &super::providers::ConfigName,
    ) {
        let after = instance::unknown_where_silent(ty, given);
        self.world.set(&spot.address, after.clone());
        self.acting.insert(spot.address.clone());
        self.changes.push(Change {
            provider: self.providers.in_state(config),
            after,
            dependencies,
            ..instance::change(spot.address.clone(), Action::Read)
        });
    }

    fn end_data(&mut self, index: usize, spot: &evaluate::Spot, dependencies: Vec<Address>, outcome: Outcome<Value>) {
        let block = self.tree.blocks[index].block;
        let Ok(config) = self.providers.of_block(&spot.address.module, block) else { return };
        match outcome {
            Ok(value) => {
                self.world.set(&spot.address, value.clone());
                self.postconditions(block, spot, &value);
                self.changes.push(Change {
                    provider: self.providers.in_state(&config),
                    after: value,
                    dependencies,
                    ..instance::change(spot.address.clone(), Action::Nothing)
                });
            }
            Err(failure) => {
                self.world.set(&spot.address, Value::unknown());
                let error = failed(format!("{} can't be read", spot.address), &failure).at(&block.span, "");
                self.keep_or_check::<()>(block, &spot.address.module, Err(error.into()));
            }
        }
    }

    /// Plans the instances of a managed block.
    fn plan_block(&mut self, index: usize) {
        let placed = &self.tree.blocks[index];
        let block = placed.block;
        for path in self.around(placed) {
            let address = block.address.within(&path);
            self.world.declare(&address, evaluate::shape_of(block));
            match evaluate::spots(&self.world, &path, block) {
                Ok(spots) => {
                    let triggered = self.triggered(block, &path);
                    spots.into_iter().for_each(|spot| self.plan_spot(index, block, &spot, triggered));
                }
                Err(errors) => {
                    // Nobody knows which instances there should be: none of them is taken for superfluous.
                    self.world.give_up(&address);
                    self.claimed.extend(self.priors.keys().filter(|a| address.covers(a)).cloned());
                    self.errors.keep(if self.scope.block(index) { Err(errors) } else { Ok(()) });
                }
            }
        }
    }

    fn plan_spot(&mut self, index: usize, block: &Block, spot: &evaluate::Spot, triggered: bool) {
        self.claimed.insert(spot.address.clone());
        if self.scope.instance(Some(index), &spot.address) {
            self.plan_instance(block, spot, triggered);
        } else {
            self.leave_out(spot);
        }
    }

    /// Leaves an instance as it is.
    pub(super) fn leave_out(&mut self, spot: &evaluate::Spot) {
        let now = self.priors.get(&spot.address).map(|p| p.now.clone()).filter(|now| !now.is_null());
        self.world.set(&spot.address, now.unwrap_or_else(Value::unknown));
        if self.scope.targets.is_empty() {
            self.left_out.insert(spot.address.clone());
        }
    }

    /// Whether something that is left out is among those addresses.
    pub(super) fn leaves_out(&self, needs: &BTreeSet<Address>) -> bool {
        !self.left_out.is_empty() && needs.iter().any(|need| self.left_out.iter().any(|left| need.covers(left)))
    }

    /// Deletions, outputs and checks: what is left when all blocks are evaluated.
    async fn finish(&mut self) -> Result<Plan> {
        let unclaimed = self.imports.keys().find(|a| !self.claimed.contains(*a) && !self.errors.has_errors());
        if let Some(address) = unclaimed {
            let error = Diagnostic::error(format!("{address} can't be imported: the stack has no such instance"));
            self.errors.push(error.help("write the block, with the key in its `for_each` or `count`, and import then"));
        }
        self.rivals.errors(&self.changes).into_iter().for_each(|error| self.errors.push(error));
        self.delete_rest();
        instance::spread_create_first(&mut self.changes);
        holds::refusals(&self.changes, self.request.registry, self.tree).into_iter().for_each(|error| self.errors.push(error));
        let request = self.request;
        let destroying = request.options.purpose == Purpose::Destroy;
        let partly = self.scope.blocks.is_some();
        let (outputs, checks) = match destroying {
            true if partly => (BTreeMap::new(), vec![]),
            true => (outputs::gone(request.state), vec![]),
            false => {
                self.conditions_of_modules();
                let outputs = self.outputs();
                (outputs, checks::checks(self.tree, &self.world, &self.troubles))
            }
        };
        let identity = guard::identity(&self.providers).await?;
        let (mut errors, mut warnings) = (Diagnostics::default(), vec![]);
        let mut told = HashSet::new();
        for diagnostic in std::mem::take(&mut self.errors).0 {
            // What many instances rest on fails in each of them alike: it is told once.
            if !told.insert(diagnostic.to_string()) {
                continue;
            }
            match diagnostic.severity {
                crate::words::Severity::Error => errors.push(diagnostic),
                crate::words::Severity::Warning => warnings.push(diagnostic),
            }
        }
        if !errors.has_errors() {
            // That there is an order is better known before anything is done.
            errors.keep(super::steps::steps(&self.changes, request.state, request.registry));
            errors.keep(guard::check_empty(request, &self.providers, &self.changes).await);
        }
        errors.unless_errors(Plan {
            stack: request.stack.name.to_string(),
            purpose: request.options.purpose,
            identity,
            serial: request.state.serial,
            lineage: request.state.lineage.clone(),
            changes: std::mem::take(&mut self.changes),
            moves: std::mem::take(&mut self.moves),
            drift: std::mem::take(&mut self.drift),
            outputs,
            checks,
            warnings,
            variables: outputs::kept_variables(request),
            read: if request.options.refresh { self.priors.len() } else { 0 },
            generated: std::mem::take(&mut self.generated),
        })
    }

    /// What was read, when all is done.
    fn read(self) -> Read {
        let texts: BTreeSet<&Arc<str>> = self.request.state.instances.values().map(|instance| &instance.provider).collect();
        let cloud = |text: &Arc<str>| self.providers.get(&self.providers.of_state(text).ok()?).cloned();
        let clouds = texts.into_iter().filter_map(|text| Some((text.clone(), cloud(text)?))).collect();
        Read { priors: self.priors, refused: self.refused, given: self.given, clouds }
    }
}

/// One answer for a block has come; whether it was the last that it waits for.
fn was_last(reading: &mut HashMap<usize, usize>, block: usize) -> bool {
    let left = reading.entry(block).or_insert(1);
    *left -= 1;
    *left == 0
}

/// A block is done: those that waited for it alone are ready.
fn release(block: usize, users: &[Vec<usize>], left: &mut [usize], place: &[usize], ready: &mut BTreeSet<(usize, usize)>) {
    for &user in &users[block] {
        left[user] -= 1;
        if left[user] == 0 {
            ready.insert((place[user], user));
        }
    }
}
