//! Does what a plan says. One task owns state and world; the calls of independent steps are in flight together.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures::stream::{FuturesUnordered, StreamExt};
use petgraph::Direction;
use petgraph::graph::NodeIndex;
use tokio_util::sync::CancellationToken;

use super::event::{Event, Listener, Verb};
use super::plan::{Action, Change, CheckResult, Plan, Purpose};
use super::planner::Request;
use super::providers::Providers;
use super::reader::Reader;
use super::step::{Prepared, With, perform, prepare};
use super::steps::{Step, Steps, steps};
use super::tree::{self, Tree};
use super::turns::{Turn, Turns};
use super::world::{Frame, World};
use super::{checks, evaluate, graph, moves, refresh};
use crate::state::journal::Event as Record;
use crate::state::{Instance, Journal, Output, State, schema_conform};
use crate::words::resource::Fut;
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Result, Value};

/// How many steps may be under way together, those that only wait among them.
const MOST: usize = 1024;

/// How an apply ended.
#[derive(Debug, Default)]
pub struct Applied {
    /// Instances created, replaced ones among them.
    pub created: usize,
    /// Instances updated.
    pub updated: usize,
    /// Instances destroyed, replaced ones among them.
    pub deleted: usize,
    /// What failed, and why.
    pub failed: Vec<(Address, Diagnostic)>,
    /// What was not done, since something that it needs failed or the user interrupted.
    pub skipped: Vec<Address>,
    /// Whether the user interrupted.
    pub interrupted: bool,
    /// How checks came out.
    pub checks: Vec<CheckResult>,
    /// Why nothing more could be recorded: the state in memory is all there is.
    pub unrecorded: Option<Diagnostic>,
}

/// How the user stops an apply.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    /// No new step begins; those under way end.
    pub soon: CancellationToken,
    /// Everything stops; the next run settles what was under way.
    pub now: CancellationToken,
}

/// What a step did.
pub(super) struct Outcome {
    /// What the state takes in, already on disk.
    pub(super) records: Vec<Record>,
    /// What went wrong.
    pub(super) error: Option<Diagnostic>,
    /// Whether the error is that of the journal.
    pub(super) unrecorded: bool,
}

struct Applier<'a> {
    request: &'a Request<'a>,
    plan: &'a Plan,
    state: &'a mut State,
    world: World<'a>,
    providers: &'a Providers<'a>,
    journal: &'a Journal,
    reader: &'a Reader,
    listener: &'a dyn Listener,
    graph: Steps,
    tree: &'a Tree<'a>,
    spots: evaluate::Spots,
    /// Steps that each step still waits for.
    waits: Vec<usize>,
    ready: Vec<NodeIndex>,
    /// The same of those that call nobody.
    light: Vec<NodeIndex>,
    /// Steps that will not be done, with the address of what failed.
    blocked: Vec<Option<Address>>,
    done: Vec<bool>,
    result: Applied,
}

/// Does what the plan says. Every change of the state is in the journal before the next step builds on it; `state` is the same
/// in memory.
pub async fn apply(
    request: &Request<'_>,
    plan: &Plan,
    state: &mut State,
    journal: &Journal,
    listener: &dyn Listener,
    stop: &Stop,
) -> Result<Applied> {
    move_on(plan, state, journal).await?;
    let graph = steps(&plan.changes, state, request.registry)?;
    let tree = Tree::of(request.stack);
    let world = world_of(request, &tree, plan, state)?.at(jiff::Timestamp::now());
    let mut providers = Providers::new(request.registry, request.settings, request.stack);
    for change in plan.changes.iter().filter(|c| c.action.acts() || c.action == Action::Read) {
        providers.configure(&providers.of_state(&change.provider)?, &world, None).await?;
    }
    let waits = graph.node_indices().map(|n| graph.neighbors_directed(n, Direction::Incoming).count()).collect();
    let first: Vec<NodeIndex> = graph.externals(Direction::Incoming).collect();
    let count = graph.node_count();
    let reader = Reader::default();
    listener.on(Event::Applying { steps: graph.node_weights().filter(|step| step.change().is_some()).count() });
    let mut applier = Applier {
        request,
        plan,
        state,
        world,
        providers: &providers,
        journal,
        reader: &reader,
        listener,
        graph,
        tree: &tree,
        spots: evaluate::Spots::default(),
        waits,
        ready: vec![],
        light: vec![],
        blocked: vec![None; count],
        done: vec![false; count],
        result: Applied::default(),
    };
    first.into_iter().for_each(|node| applier.line_up(node));
    applier.take_in_what_was_read().await;
    applier.world.forget();
    applier.walk(stop).await;
    applier.close().await
}

/// Gives what moved its address of now; nothing else is done before that is written.
async fn move_on(plan: &Plan, state: &mut State, journal: &Journal) -> Result<()> {
    let mut last = None;
    for (from, to) in moves::in_order(&plan.moves) {
        let record = Record::Moved { from, to };
        last = Some(journal.append(&record));
        state.record(&record);
    }
    for address in moves::follow(&plan.moves, state) {
        let Some(instance) = state.instances.get(&address).filter(|instance| instance.exists()) else { continue };
        last = Some(journal.append(&Record::Saved { address, instance: Box::new(instance.clone()) }));
    }
    match last {
        Some(last) => last.await,
        None => Ok(()),
    }
}

/// What expressions see at the start: everything that nothing is done to.
pub(super) fn world_of<'a>(request: &Request<'a>, tree: &Tree<'a>, plan: &Plan, state: &State) -> Result<World<'a>> {
    let mut world = World::new(&request.stack.module, request.files, request.variables, request.workspace);
    for (address, prior) in refresh::unread(state, request.registry)? {
        world.set(&address, prior.now);
    }
    for (address, instance) in state.instances.iter().filter(|(a, _)| a.mode == Mode::Data) {
        let attrs = request.registry.data(&address.kind).map(|t| t.attrs()).unwrap_or_default();
        world.set(address, schema_conform(attrs, &instance.attributes));
    }
    for change in plan.changes.iter().filter(|c| c.deposed.is_none()) {
        match change.action {
            Action::Delete | Action::Forget => world.remove(&change.address),
            _ => world.set(&change.address, change.after.clone()),
        }
    }
    if plan.purpose != Purpose::Destroy {
        expand(&mut world, tree)?;
    }
    world.forget();
    Ok(world)
}

/// Expands modules and declares their blocks, as planning did.
fn expand<'a>(world: &mut World<'a>, tree: &Tree<'a>) -> Result<()> {
    for work in graph::order(tree)?.sorted {
        if let Some(placed) = tree.blocks.get(work) {
            for path in world.expansions(&tree.sites[placed.site].path).to_vec() {
                world.declare(&placed.block.address.within(&path), evaluate::shape_of(placed.block));
            }
        } else {
            tree::expand(world, tree, work - tree.blocks.len());
        }
    }
    Ok(())
}

impl<'a> Applier<'a> {
    /// What the plan read and nothing else changes: attributes that moved by themselves, data sources, dependencies. What is imported
    /// is taken in before anything is done to it.
    async fn take_in_what_was_read(&mut self) {
        let mut records = vec![];
        let read = |c: &&Change| (c.action == Action::Nothing || c.importing.is_some()) && c.deposed.is_none();
        for change in self.plan.changes.iter().filter(read) {
            let attributes = if change.importing.is_some() { &change.before } else { &change.after };
            if attributes.is_null() {
                continue;
            }
            let held = self.state.instances.get(&change.address);
            let instance = self.instance(change, attributes);
            let attrs = self.attrs(&change.address);
            let same = held.is_some_and(|h| {
                schema_conform(attrs, &h.attributes) == instance.attributes
                    && blocks(&h.dependencies) == blocks(&instance.dependencies)
                    && h.create_before_destroy == instance.create_before_destroy
                    && h.schema_version == instance.schema_version
            });
            if !same {
                records.push(Record::Saved { address: change.address.clone(), instance: Box::new(instance) });
            }
        }
        if self.plan.purpose == Purpose::Refresh {
            let gone = self.plan.drift.iter().filter(|d| d.after.is_null());
            records.extend(gone.map(|d| Record::Deleted { address: d.address.clone(), deposed: None }));
        }
        let stale = self.stale_data().into_iter();
        records.extend(stale.map(|address| Record::Deleted { address, deposed: None }));
        let mut last = None;
        for record in records {
            last = Some(self.journal.append(&record));
            self.state.record(&record);
        }
        // They are written in order: when the last is durable all are.
        if let Some(last) = last
            && let Err(error) = last.await
        {
            self.result.unrecorded = error.0.into_iter().next();
        }
    }

    /// What the state holds of data sources that the stack no longer has.
    fn stale_data(&self) -> Vec<Address> {
        let wanted = |address: &Address| match self.tree.block(address) {
            _ if self.plan.purpose == Purpose::Destroy => false,
            Some(block) => self.spots.of(&self.world, block, address).map_or(true, |spot| spot.is_some()),
            None => false,
        };
        let partly = !(self.request.options.targets.is_empty() && self.request.options.excludes.is_empty());
        let data = self.state.instances.keys().filter(|a| a.mode == Mode::Data && !partly && self.plan.purpose != Purpose::Refresh);
        data.filter(|a| !wanted(a)).cloned().collect()
    }

    fn attrs(&self, address: &Address) -> &'static [crate::words::schema::Attr] {
        self.request.registry.attrs(address)
    }

    fn instance(&self, change: &Change, attributes: &Value) -> Instance {
        // A data source may bear the name of a resource type, whose schema is none of its own.
        let managed = (change.address.mode == Mode::Managed).then(|| self.request.registry.resource(&change.address.kind)).flatten();
        let version = managed.map_or(0, |t| t.schema_version());
        let held = self.state.instances.get(&change.address);
        let private = if change.adopted { Some(Instance::ADOPTED.to_owned()) } else { held.and_then(|h| h.private.clone()) };
        Instance {
            dependencies: change.dependencies.clone(),
            create_before_destroy: change.create_before_destroy,
            private,
            tainted: held.is_some_and(|h| h.tainted),
            identity: held.and_then(|h| h.identity.clone()),
            identity_schema_version: held.and_then(|h| h.identity_schema_version),
            ..Instance::new(change.provider.clone(), version, super::diff::stored(self.attrs(&change.address), attributes.clone()))
        }
    }

    async fn walk(&mut self, stop: &Stop) {
        let mut running: FuturesUnordered<Fut<'_, (NodeIndex, Instant, Outcome)>> = FuturesUnordered::new();
        let turns = Turns::new(self.request.options.parallelism);
        let mut spare: Option<Turn> = None;
        loop {
            let halted = stop.soon.is_cancelled() || self.result.unrecorded.is_some();
            while !halted && running.len() < MOST {
                if let Some(node) = self.light.pop() {
                    self.begin(node, Turn::default(), &running);
                } else if self.ready.is_empty() {
                    break;
                } else if let Some(turn) = spare.take().or_else(|| turns.try_take())
                    && let Some(node) = self.ready.pop()
                {
                    self.begin(node, turn, &running);
                } else {
                    break;
                }
            }
            spare = None;
            if running.is_empty() {
                break;
            }
            tokio::select! {
                () = stop.now.cancelled() => break,
                Some((node, started, outcome)) = running.next() => self.finish(node, started, outcome),
                turn = turns.take(), if !halted && !self.ready.is_empty() && running.len() < MOST => spare = Some(turn),
                // Ctrl-C while all steps run: nothing changes but the message.
                () = stop.soon.cancelled(), if !halted => {}
            }
        }
        self.result.interrupted = stop.soon.is_cancelled() || stop.now.is_cancelled();
    }

    /// Begins a step whose turn it is.
    fn begin(&mut self, node: NodeIndex, turn: Turn, running: &FuturesUnordered<Fut<'a, (NodeIndex, Instant, Outcome)>>) {
        let Some(change) = self.change(node) else {
            self.done[node.index()] = true;
            return self.release(node);
        };
        match self.prepare(node, change) {
            Ok(prepared) => {
                let (journal, reader, listener) = (self.journal, self.reader, self.listener);
                self.tell_start(node, change);
                running.push(Box::pin(async move {
                    let started = Instant::now();
                    (node, started, perform(change, prepared, journal, With { reader, listener, turn: &turn }).await)
                }));
            }
            Err(errors) => {
                let error = errors.0.into_iter().next().unwrap_or_else(|| Diagnostic::error("it can't be evaluated"));
                self.fail(node, error, Duration::ZERO);
            }
        }
    }

    /// A step that waits for nothing any more.
    fn line_up(&mut self, node: NodeIndex) {
        let kind = self.change(node).map(|change| &change.address.kind);
        let light = kind.is_none_or(|kind| self.request.registry.resource(kind).is_some_and(|ty| ty.is_local() || ty.shares()));
        if light { self.light.push(node) } else { self.ready.push(node) }
    }

    /// The change that a step belongs to; none of a gate.
    fn change(&self, node: NodeIndex) -> Option<&'a Change> {
        self.graph[node].change().map(|i| &self.plan.changes[i])
    }

    fn verb(&self, node: NodeIndex, change: &Change) -> Verb {
        match (self.graph[node], change.action) {
            (Step::Remove(_), _) => Verb::Delete,
            (_, Action::Read) => Verb::Read,
            (_, Action::Update) => Verb::Update,
            _ => Verb::Create,
        }
    }

    fn tell_start(&self, node: NodeIndex, change: &Change) {
        let verb = self.verb(node, change);
        let id = change.before.attr("id").as_str().map(str::to_owned).filter(|_| verb != Verb::Create);
        self.listener.on(Event::Started { address: change.address.clone(), verb, id });
    }

    /// Evaluates what the step needs, now that all that it depends on is known.
    fn prepare(&self, node: NodeIndex, change: &Change) -> Result<Prepared> {
        let block = self.tree.block(&change.address);
        let spot = match block {
            Some(block) => self.spots.of(&self.world, block, &change.address),
            None => Ok(None),
        };
        let place = block.and_then(|block| Some((block, spot.as_ref().ok().cloned().flatten()?)));
        match (self.graph[node], &place, spot) {
            (Step::Make(_), None, Err(errors)) => Err(errors),
            (step, ..) => prepare(self.request, &self.world, self.providers, self.state, change, step, place.as_ref()),
        }
    }

    fn finish(&mut self, node: NodeIndex, started: Instant, outcome: Outcome) {
        let Some(change) = self.change(node) else { return };
        let address = change.address.clone();
        for record in &outcome.records {
            self.state.record(record);
            if let Record::Saved { address, instance } = record {
                self.world.set(address, instance.attributes.clone());
            }
        }
        if outcome.unrecorded {
            self.result.unrecorded.clone_from(&outcome.error);
        }
        let took = started.elapsed();
        let error = outcome.error.or_else(|| self.postconditions(node));
        if let Some(error) = error {
            return self.fail(node, error, took);
        }
        let verb = self.verb(node, change);
        match verb {
            Verb::Create => self.result.created += 1,
            Verb::Update => self.result.updated += 1,
            Verb::Delete if change.action != Action::Forget => self.result.deleted += 1,
            _ => {}
        }
        let id = self.state.instances.get(&address).map(|i| i.id().to_owned()).filter(|id| !id.is_empty() && verb != Verb::Delete);
        let id = id.or_else(|| change.before.attr("id").as_str().map(str::to_owned));
        self.listener.on(Event::Done { address, verb, id, took });
        self.done[node.index()] = true;
        self.release(node);
    }

    fn postconditions(&self, node: NodeIndex) -> Option<Diagnostic> {
        let Step::Make(i) = self.graph[node] else { return None };
        let address = &self.plan.changes[i].address;
        let block = self.tree.block(address)?;
        if block.lifecycle.postconditions.is_empty() {
            return None;
        }
        let own = self.state.instances.get(address).map(|i| schema_conform(self.attrs(address), &i.attributes));
        let spot = self.spots.of(&self.world, block, address).ok().flatten()?;
        let frame = Frame { own, ..spot.frame(&self.world) };
        let failed = evaluate::conditions(&block.lifecycle.postconditions, &frame, address, "postcondition").err()?;
        failed.0.into_iter().next()
    }

    fn release(&mut self, node: NodeIndex) {
        let mut behind = self.graph.neighbors_directed(node, Direction::Outgoing).detach();
        while let Some(next) = behind.next_node(&self.graph) {
            self.waits[next.index()] -= 1;
            if self.waits[next.index()] == 0 {
                self.line_up(next);
            }
        }
    }

    /// A step failed: those behind it will not be done, everything else goes on.
    fn fail(&mut self, node: NodeIndex, error: Diagnostic, took: Duration) {
        let Some(change) = self.change(node) else { return };
        let (address, verb) = (change.address.clone(), self.verb(node, change));
        self.listener.on(Event::Failed { address: address.clone(), verb, error: error.clone(), took });
        self.done[node.index()] = true;
        let mut behind = vec![node];
        while let Some(at) = behind.pop() {
            let next = self.graph.neighbors_directed(at, Direction::Outgoing).filter(|n| self.blocked[n.index()].is_none());
            let next: Vec<NodeIndex> = next.collect();
            for n in &next {
                self.blocked[n.index()] = Some(address.clone());
            }
            behind.extend(next);
        }
        self.result.failed.push((address, error));
    }

    /// Outputs and checks, and what was not done.
    async fn close(mut self) -> Result<Applied> {
        for node in self.graph.node_indices().filter(|n| !self.done[n.index()]) {
            let Some(change) = self.change(node) else { continue };
            let address = change.address.clone();
            let because = self.blocked[node.index()].clone();
            self.listener.on(Event::Skipped { address: address.clone(), verb: self.verb(node, change), because });
            self.result.skipped.push(address);
        }
        if self.result.unrecorded.is_some() {
            return Ok(self.result);
        }
        let outputs = self.outputs();
        let destroyed = self.plan.purpose == Purpose::Destroy;
        let mut checks = if destroyed { vec![] } else { checks::checks(self.tree, &self.world, &[]) };
        // What a check could not look up is not known by now either: it still fails as it did.
        for check in checks.iter_mut().filter(|check| check.holds.is_none()) {
            if let Some(planned) = self.plan.checks.iter().find(|planned| planned.object == check.object && planned.warns()) {
                *check = planned.clone();
            }
        }
        let results = checks::in_state(&checks);
        let outputs = (outputs != self.state.outputs).then_some(Record::Outputs(outputs));
        let results = (results != self.state.check_results).then_some(Record::Checks(results));
        for record in outputs.into_iter().chain(results) {
            if let Err(error) = self.journal.append(&record).await {
                self.result.unrecorded = error.0.into_iter().next();
            }
            self.state.record(&record);
        }
        self.result.checks = checks;
        Ok(self.result)
    }

    /// Whether the value of an expression rests on something that was to be done and was not.
    fn rests_on_failure(&self, touched: &BTreeSet<Address>) -> bool {
        let undone = self.result.failed.iter().map(|(address, _)| address).chain(&self.result.skipped);
        undone.into_iter().any(|address| touched.iter().any(|t| t.covers(address)))
    }

    /// The outputs that can be told; one that can't keeps what the state holds.
    fn outputs(&self) -> std::collections::BTreeMap<String, Output> {
        let mut outputs = self.state.outputs.clone();
        for (name, change) in &self.plan.outputs {
            if change.after.is_null() {
                outputs.remove(name);
                continue;
            }
            let declared = self.request.stack.module.outputs.get(name.as_str());
            let value = match declared {
                Some(output) => {
                    let frame = Frame::of(&self.world);
                    let (value, touched) = self.world.trace(|| {
                        evaluate::conditions(&output.preconditions, &frame, &format!("output.{name}"), "precondition")?;
                        output.value.eval(&frame)
                    });
                    if self.rests_on_failure(&touched) {
                        continue;
                    }
                    value
                }
                None => Ok(change.after.clone()),
            };
            match value {
                Ok(value) if value.is_known() && !value.is_null() => {
                    drop(outputs.insert(name.clone(), Output { value: value.bare_deep(), sensitive: change.sensitive }));
                }
                _ => {}
            }
        }
        outputs
    }
}

/// The blocks of a list of dependencies: the state on disk knows no more.
fn blocks(dependencies: &[Address]) -> std::collections::BTreeSet<Address> {
    dependencies.iter().map(Address::block).collect()
}

/// All that went wrong, as one error for whoever only wants to know whether it went well.
#[must_use]
pub fn failures(applied: &Applied) -> Diagnostics {
    let unrecorded = applied.unrecorded.as_ref();
    // Each step that could not write fails of the same: it is told once.
    let others = applied.failed.iter().filter(|(_, error)| unrecorded.is_none_or(|why| why.summary != error.summary));
    Diagnostics(others.map(|(_, error)| error.clone()).chain(unrecorded.cloned()).collect())
}
