//! Makes a plan: reads what the state holds, evaluates the stack block by block, and compares.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{FuturesUnordered, StreamExt};

use super::event::{Event, Listener};
use super::graph::{self, Order};
use super::instance;
use super::plan::{Action, Change, CheckResult, Drift, OutputChange, Plan, Purpose, Reason};
use super::providers::Providers;
use super::refresh::{self, Prior};
use super::world::{Frame, World};
use super::{evaluate, failed};
use crate::stack::{Files, Stack};
use crate::state::State;
use crate::words::failure::Outcome;
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Context, DataType, Found, Fut, Registry, Settings};
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Result, Value};

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

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Apply, destroy or refresh only.
    pub purpose: Purpose,
    /// Only these, and what they need.
    pub targets: Vec<Address>,
    /// Not these, nor what needs them.
    pub excludes: Vec<Address>,
    /// Replace these, whether they change or not.
    pub replace: Vec<Address>,
    /// Read what there is; otherwise the state is believed.
    pub refresh: bool,
    /// How many calls may be in flight together.
    pub parallelism: usize,
    /// Take into the state what has these ids, under these addresses.
    pub imports: Vec<(Address, String)>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            purpose: Purpose::Apply,
            targets: vec![],
            excludes: vec![],
            replace: vec![],
            refresh: true,
            parallelism: 16,
            imports: vec![],
        }
    }
}

/// What is being planned, and what is known so far.
pub(super) struct Planner<'a> {
    pub(super) request: &'a Request<'a>,
    pub(super) world: World<'a>,
    pub(super) providers: Providers<'a>,
    pub(super) priors: BTreeMap<Address, Prior>,
    pub(super) changes: Vec<Change>,
    /// Instances to which something is done.
    pub(super) acting: HashSet<Address>,
    pub(super) errors: Diagnostics,
    pub(super) drift: Vec<Drift>,
    order: Order,
    scope: Scope,
    /// Instances of the state that a block of the stack accounts for.
    pub(super) claimed: BTreeSet<Address>,
}

/// Which blocks take part, where the user named some.
struct Scope {
    blocks: Option<Vec<bool>>,
    targets: Vec<Address>,
    excludes: Vec<Address>,
}

impl Scope {
    fn block(&self, index: usize) -> bool {
        self.blocks.as_ref().is_none_or(|included| included[index])
    }

    /// Whether an instance takes part: of a block that is a target by some of its instances, only those.
    fn instance(&self, index: Option<usize>, address: &Address) -> bool {
        if self.excludes.iter().any(|e| e.covers(address)) || index.is_some_and(|i| !self.block(i)) {
            return false;
        }
        let named: Vec<_> = self.targets.iter().filter(|t| t.block() == address.block()).collect();
        let outside = !self.targets.is_empty() && index.is_none();
        if named.is_empty() { !outside } else { named.iter().any(|t| t.covers(address)) }
    }
}

/// Makes a plan.
pub async fn plan(request: &Request<'_>, listener: &dyn Listener) -> Result<Plan> {
    let module = &request.stack.module;
    let order = graph::order(module)?;
    let world = World::new(module, request.files, request.variables, request.workspace);
    let providers = Providers::new(request.registry, request.settings, module);
    let priors = refresh::unread(request.state, request.registry)?;
    let scope = scope(request, &order)?;
    let mut planner = Planner {
        request,
        world,
        providers,
        priors,
        changes: vec![],
        acting: HashSet::new(),
        errors: Diagnostics::default(),
        drift: vec![],
        order,
        scope,
        claimed: BTreeSet::new(),
    };
    planner.configure().await?;
    planner.walk(listener).await?;
    planner.finish().await
}

/// Which blocks take part: targets and what they need; all but those excluded and what needs them.
fn scope(request: &Request<'_>, order: &Order) -> Result<Scope> {
    let Options { targets, excludes, .. } = request.options;
    let blocks = &request.stack.module.resources;
    for given in targets.iter().chain(excludes).chain(&request.options.replace) {
        let known = blocks.iter().any(|b| b.address == given.block()) || request.state.instances.keys().any(|a| given.covers(a));
        if !known {
            let error = Diagnostic::error(format!("there is no {given}, neither in the stack nor in the state"));
            let names: Vec<String> = blocks.iter().map(|b| b.address.to_string()).collect();
            let near = crate::words::error::nearest(&given.to_string(), names.iter().map(String::as_str)).map(str::to_owned);
            return Err(near.map_or(error.clone(), |near| error.help(format!("did you mean `{near}`?"))).into());
        }
    }
    let mut included = None;
    if !(targets.is_empty() && excludes.is_empty()) {
        let mut flags: Vec<bool> = blocks.iter().map(|b| targets.is_empty() || targets.iter().any(|t| t.block() == b.address)).collect();
        for &i in order.sorted.iter().rev().filter(|_| !targets.is_empty()) {
            if flags[i] {
                order.needs[i].iter().for_each(|&need| flags[need] = true);
            }
        }
        for &i in &order.sorted {
            let whole = excludes.iter().any(|e| e.key.is_none() && e.block() == blocks[i].address);
            let behind = order.needs[i].iter().any(|&n| !flags[n] && (targets.is_empty() || excluded(&blocks[n].address, excludes)));
            if whole || (behind && !excludes.is_empty()) {
                flags[i] = false;
            }
        }
        included = Some(flags);
    }
    Ok(Scope { blocks: included, targets: targets.clone(), excludes: excludes.clone() })
}

fn excluded(block: &Address, excludes: &[Address]) -> bool {
    excludes.iter().any(|e| e.block() == *block)
}

/// A data source that is being read: its block, its instance, what the configuration gives, and the answer.
type Reading<'f> = Fut<'f, (usize, evaluate::Spot, Vec<Address>, Outcome<Found>)>;

impl<'a> Planner<'a> {
    /// Makes the clients of every configuration that the stack or the state names.
    async fn configure(&mut self) -> Result<()> {
        let destroying = self.request.options.purpose == Purpose::Destroy;
        let mut asked: BTreeMap<_, _> = BTreeMap::new();
        for block in self.request.stack.module.resources.iter().filter(|_| !destroying) {
            asked.insert(self.providers.of_block(block)?, Some(&block.span));
        }
        for instance in self.request.state.instances.iter().filter(|(a, _)| a.mode == Mode::Managed).map(|(_, i)| i) {
            asked.entry(self.providers.of_state(&instance.provider)?).or_insert(None);
        }
        let mut errors = Diagnostics::default();
        for (config, span) in asked {
            errors.keep(self.providers.configure(&config, &self.world, span).await);
        }
        errors.unless_errors(())
    }

    /// Evaluates block after block. What the state holds is read meanwhile, and data sources as soon as what they ask for is known.
    async fn walk(&mut self, listener: &dyn Listener) -> Result<()> {
        let Request { state, registry, options, .. } = *self.request;
        let queries = if options.refresh { refresh::queries(state, registry, &self.providers, &self.priors)? } else { vec![] };
        let started = Instant::now();
        listener.on(Event::Refreshing { resources: queries.len() });
        let mut fresh = self.priors.clone();
        let clouds: Vec<Arc<dyn Cloud>> = self.providers.all().cloned().collect();
        let refreshing = async {
            // Who it is is asked in the same flight, since a wrong account would make everything look gone.
            let identities = futures::future::join_all(clouds.iter().map(|c| c.identity()));
            let (identities, read) = futures::join!(identities, refresh::refresh(&queries, &mut fresh, options.parallelism));
            for identity in identities {
                identity.map_err(|failure| failed("the account can't be asked who it is", &failure))?;
            }
            read?;
            Ok::<_, Diagnostics>(fresh)
        };
        let mut refreshing = std::pin::pin!(refreshing);
        let mut refreshed = false;
        let mut readings: FuturesUnordered<Reading<'_>> = FuturesUnordered::new();
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
                let data = self.request.stack.module.resources[block].address.mode == Mode::Data;
                if !refreshed && !data {
                    stalled.push((at, block));
                    continue;
                }
                let begun = if data { self.begin_data(block, &mut readings) } else { self.plan_block(block).map(|()| 0) };
                match self.errors.keep(begun).unwrap_or(0) {
                    0 => release(block, &users, &mut left, &place, &mut ready),
                    n => drop(reading.insert(block, n)),
                }
            }
            if refreshed && readings.is_empty() {
                break;
            }
            tokio::select! {
                fresh = &mut refreshing, if !refreshed => {
                    self.priors = fresh?;
                    refreshed = true;
                    listener.on(Event::Refreshed { resources: queries.len(), took: started.elapsed() });
                    ready.extend(stalled.drain(..));
                }
                Some((block, spot, dependencies, outcome)) = readings.next(), if !readings.is_empty() => {
                    self.end_data(block, &spot, dependencies, outcome);
                    let left_of_block = reading.entry(block).or_insert(1);
                    *left_of_block -= 1;
                    if *left_of_block == 0 {
                        release(block, &users, &mut left, &place, &mut ready);
                    }
                }
            }
        }
        Ok(())
    }

    /// Starts to read the instances of a data source; the number of them that are on their way.
    fn begin_data<'f>(&mut self, index: usize, readings: &mut FuturesUnordered<Reading<'f>>) -> Result<usize> {
        let block = &self.request.stack.module.resources[index];
        self.world.declare(&block.address, evaluate::shape(block));
        if !self.scope.block(index) {
            return Ok(0);
        }
        let ty = self
            .request
            .registry
            .data(&block.address.kind)
            .ok_or_else(|| evaluate::unknown_type(self.request.registry, &block.address, Some(&block.span)))?;
        let config = self.providers.of_block(block)?;
        let cloud = self.providers.get(&config).cloned();
        let mut begun = 0;
        for spot in evaluate::spots(&self.world, block)? {
            let (given, touched) = evaluate::config(&self.world, block, &spot, ty.attrs());
            let dependencies: Vec<Address> = touched.into_iter().collect();
            let Some(given) = self.errors.keep(given) else {
                self.world.set(&spot.address, Value::unknown());
                continue;
            };
            let problems = ty.check(&given);
            if !problems.is_empty() {
                problems.iter().for_each(|p| self.errors.push(evaluate::problem(&spot.address, block, p)));
                self.world.set(&spot.address, Value::unknown());
                continue;
            }
            let waits = block.depends_on.iter().flat_map(|r| evaluate::instances_of(&self.world, r)).any(|a| self.acting.contains(&a));
            match &cloud {
                Some(cloud) if given.is_known() && !waits => {
                    readings.push(read_data(index, spot, dependencies, ty, cloud.clone(), given));
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
        let after = instance::unknown_where_silent(ty.attrs(), given);
        self.world.set(&spot.address, after.clone());
        self.acting.insert(spot.address.clone());
        self.changes.push(Change {
            provider: self.providers.in_state(config),
            after,
            dependencies,
            ..instance::change(spot.address.clone(), Action::Read)
        });
    }

    fn end_data(&mut self, index: usize, spot: &evaluate::Spot, dependencies: Vec<Address>, outcome: Outcome<Found>) {
        let block = &self.request.stack.module.resources[index];
        let (Some(ty), Ok(config)) = (self.request.registry.data(&block.address.kind), self.providers.of_block(block)) else { return };
        match outcome {
            Ok(found) => {
                let value = instance::data_value(ty.attrs(), &found);
                self.world.set(&spot.address, value.clone());
                self.changes.push(Change {
                    provider: self.providers.in_state(&config),
                    after: value,
                    dependencies,
                    ..instance::change(spot.address.clone(), Action::Nothing)
                });
            }
            Err(failure) => {
                self.world.set(&spot.address, Value::unknown());
                self.errors.push(failed(format!("{} can't be read", spot.address), &failure).at(&block.span, ""));
            }
        }
    }

    /// Plans the instances of a managed block.
    fn plan_block(&mut self, index: usize) -> Result<()> {
        let block = &self.request.stack.module.resources[index];
        self.world.declare(&block.address, evaluate::shape(block));
        let spots = match evaluate::spots(&self.world, block) {
            Ok(spots) => spots,
            Err(error) if self.scope.block(index) => {
                self.world.set(&block.address, Value::unknown());
                self.claimed.extend(self.priors.keys().filter(|a| block.address.covers(a)).cloned());
                return Err(error);
            }
            Err(_) => vec![],
        };
        for spot in spots {
            self.claimed.insert(spot.address.clone());
            if self.scope.instance(Some(index), &spot.address) {
                self.plan_instance(block, &spot);
            } else {
                let now = self.priors.get(&spot.address).map_or_else(Value::unknown, |p| p.now.clone());
                self.world.set(&spot.address, now);
            }
        }
        Ok(())
    }

    /// Deletions, outputs and checks: what is left when all blocks are evaluated.
    async fn finish(mut self) -> Result<Plan> {
        self.delete_rest();
        instance::spread_create_first(&mut self.changes);
        let request = self.request;
        let destroying = request.options.purpose == Purpose::Destroy;
        let (outputs, checks) = if destroying { (gone_outputs(request.state), vec![]) } else { (self.outputs(), self.checks()) };
        let mut identity = None;
        for cloud in self.providers.all() {
            identity = cloud.identity().await.map_err(|f| failed("the account can't be asked who it is", &f))?.or(identity);
        }
        let (mut errors, mut warnings) = (Diagnostics::default(), vec![]);
        for diagnostic in std::mem::take(&mut self.errors).0 {
            match diagnostic.severity {
                crate::words::Severity::Error => errors.push(diagnostic),
                crate::words::Severity::Warning => warnings.push(diagnostic),
            }
        }
        errors.unless_errors(Plan {
            stack: request.stack.name.to_string(),
            purpose: request.options.purpose,
            identity,
            serial: request.state.serial,
            lineage: request.state.lineage.clone(),
            changes: self.changes,
            drift: self.drift,
            outputs,
            checks,
            warnings,
            variables: request.variables.clone(),
            read: if request.options.refresh { self.priors.len() } else { 0 },
        })
    }

    /// What the state holds and no block accounts for.
    fn delete_rest(&mut self) {
        let rest: Vec<Address> = self.priors.keys().filter(|a| !self.claimed.contains(*a)).cloned().collect();
        for address in rest {
            let index = self.request.stack.module.resources.iter().position(|b| b.address == address.block());
            let named = self.scope.targets.is_empty() || self.scope.targets.iter().any(|t| t.covers(&address));
            if named && self.scope.instance(index.filter(|_| self.scope.targets.is_empty()), &address)
                || (named && !self.scope.targets.is_empty())
            {
                let block = index.map(|i| &self.request.stack.module.resources[i]);
                self.plan_delete(&address, block);
            }
        }
        for (address, instance) in &self.request.state.instances {
            for key in instance.deposed.keys() {
                let change = instance::change(address.clone(), Action::Delete);
                let former = &instance.deposed[key];
                self.changes.push(Change {
                    deposed: Some(key.clone()),
                    provider: former.provider.clone(),
                    before: former.attributes.clone(),
                    dependencies: former.dependencies.clone(),
                    ..change
                });
            }
        }
    }

    fn outputs(&mut self) -> BTreeMap<String, OutputChange> {
        let mut outputs = BTreeMap::new();
        let held = &self.request.state.outputs;
        for (name, output) in &self.request.stack.module.outputs {
            let before = held.get(name.as_ref()).map(|o| o.value.clone()).unwrap_or_default();
            if self.scope.blocks.is_some() && !self.scope_reaches(output) {
                outputs.insert(name.to_string(), OutputChange { after: before.clone(), before, sensitive: output.sensitive });
                continue;
            }
            let frame = Frame::of(&self.world);
            let Some(after) = self.errors.keep(output.value.eval(&frame)) else { continue };
            if after.has_sensitive() && !output.sensitive {
                let error = Diagnostic::error(format!("output.{name} holds a sensitive value and is not declared sensitive"));
                self.errors.push(error.at(output.value.span(), "").help("add `sensitive = true` to the output"));
            }
            let same = super::same::same(&crate::words::schema::Kind::Any, &before, &after);
            let after = if same { before.clone() } else { after };
            outputs.insert(name.to_string(), OutputChange { before, after, sensitive: output.sensitive });
        }
        for (name, output) in held.iter().filter(|(name, _)| !self.request.stack.module.outputs.contains_key(name.as_str())) {
            outputs.insert(name.clone(), OutputChange { before: output.value.clone(), after: Value::Null, sensitive: output.sensitive });
        }
        outputs
    }

    /// Whether all that an output refers to takes part.
    fn scope_reaches(&self, output: &crate::stack::Output) -> bool {
        let blocks = &self.request.stack.module.resources;
        let targets = output.value.references();
        targets
            .iter()
            .filter_map(|r| evaluate::block_of(&r.target))
            .all(|address| blocks.iter().position(|b| b.address == address).is_some_and(|i| self.scope.block(i)))
    }

    fn checks(&mut self) -> Vec<CheckResult> {
        let results = self.request.stack.module.checks.iter().map(|(name, check)| check_result(name, check, &self.world));
        results.collect()
    }
}

/// How a `check` block comes out in a world; an assertion that can't be evaluated does not hold.
pub(super) fn check_result(name: &str, check: &crate::stack::Check, world: &World<'_>) -> CheckResult {
    let (mut holds, mut messages) = (Some(true), vec![]);
    for assertion in &check.asserts {
        let frame = Frame::of(world);
        let unknown = assertion.condition.eval(&frame).is_ok_and(|v| v.is_unknown());
        match evaluate::violated(assertion, &frame) {
            Ok(None) if unknown => holds = holds.filter(|h| !h),
            Ok(None) => {}
            Ok(Some(message)) => messages.push(message),
            Err(error) => messages.push(error.to_string()),
        }
    }
    CheckResult { name: format!("check.{name}"), holds: if messages.is_empty() { holds } else { Some(false) }, messages }
}

fn gone_outputs(state: &State) -> BTreeMap<String, OutputChange> {
    let gone = |(name, output): (&String, &crate::state::Output)| {
        (name.clone(), OutputChange { before: output.value.clone(), after: Value::Null, sensitive: output.sensitive })
    };
    state.outputs.iter().map(gone).collect()
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

fn read_data<'f>(
    index: usize,
    spot: evaluate::Spot,
    dependencies: Vec<Address>,
    ty: &'static dyn DataType,
    cloud: Arc<dyn Cloud>,
    given: Value,
) -> Reading<'f> {
    Box::pin(async move {
        let reads = Reads::default();
        let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
        let outcome = ty.read(&context, &given.bare_deep()).await;
        (index, spot, dependencies, outcome)
    })
}

/// Why an instance of the state is no longer wanted.
pub(super) fn reason_to_delete(address: &Address, block: Option<&crate::stack::Block>, purpose: Purpose) -> Reason {
    use super::world::Shape;
    use crate::words::Key;
    if purpose == Purpose::Destroy {
        return Reason::Destroying;
    }
    match (block.map(evaluate::shape), &address.key) {
        (None, _) => Reason::NoConfig,
        (Some(Shape::Count), Some(Key::Int(_))) => Reason::CountIndex,
        (Some(Shape::Each), Some(Key::Str(_))) => Reason::EachKey,
        _ => Reason::WrongRepetition,
    }
}
