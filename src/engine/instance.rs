//! Plans one instance.

use std::collections::HashSet;
use std::sync::Arc;

use super::adopt;
use super::diff::{diff, filled_diff, type_of};
use super::drift;
use super::evaluate::{self, Spot};
use super::hush::Hush;
use super::plan::{Action, Change, Drift, Purpose, Reason};
use super::planner::Planner;
use super::same::differing;
use super::world::Frame;
use crate::stack::{Block, Ignore};
use crate::words::failure::Outcome;
use crate::words::reads::Reads;
use crate::words::resource::{Cloud, Context, DataType, Found, Fut};
use crate::words::schema::{Attr, Kind};
use crate::words::value::{Object, Type};
use crate::words::{Address, Diagnostic, ModulePath, Value};

/// A change with nothing in it yet.
#[must_use]
pub fn change(address: Address, action: Action) -> Change {
    Change {
        address,
        deposed: None,
        provider: "".into(),
        action,
        reason: None,
        before: Value::Null,
        after: Value::Null,
        changed: vec![],
        replace: vec![],
        dependencies: vec![],
        create_before_destroy: false,
        importing: None,
        adopted: false,
        moved_from: None,
    }
}

impl Planner<'_> {
    /// Plans one instance of a managed block, which is replaced if something triggers that; errors are kept.
    pub(super) fn plan_instance(&mut self, block: &Block, spot: &Spot, triggered: bool) {
        let Some(ty) = self.request.registry.resource(&block.address.kind) else {
            self.errors.push(evaluate::unknown_type(self.request.registry, &block.address, Some(&block.span)));
            return self.world.set(&spot.address, Value::unknown());
        };
        let (config, touched) = evaluate::config(&self.world, block, spot, ty.attrs());
        let (Some(config), Some(provider)) =
            (self.errors.keep(config), self.errors.keep(self.providers.of_block(&spot.address.module, block)))
        else {
            return self.world.set(&spot.address, Value::unknown());
        };
        if self.leaves_out(&touched) {
            return self.leave_out(spot);
        }
        self.rivals.note(ty, &self.world, block, spot, &config);
        let problems = ty.check(&config);
        problems.iter().for_each(|p| self.errors.push(evaluate::problem(&spot.address, block, p)));
        let Some(cloud) = self.providers.get(&provider).cloned() else {
            return self.world.set(&spot.address, Value::unknown());
        };
        let held = self.request.state.instances.get(&spot.address).filter(|i| i.exists());
        let prior = self.priors.get(&spot.address).cloned();
        let now = prior.as_ref().map(|p| p.now.clone()).filter(|now| !now.is_null());
        let importing = self.imports.get(&spot.address).cloned();
        let now = if importing.is_some() { now.map(|now| ty.adopt(now, &config)) } else { now };
        if let Some(prior) = &prior {
            self.note_drift(spot, ty.attrs(), &config, prior);
        }
        let tainted = held.is_some_and(|i| i.tainted);
        let given = config;
        let ignore = &block.lifecycle.ignore_changes;
        let config = now.as_ref().map_or_else(|| given.clone(), |now| ignoring(ignore, ty.attrs(), given.clone(), now));
        let mended = prior.as_ref().zip(self.given.get(&spot.address)).filter(|_| self.request.options.mend);
        let mended = mended.and_then(|(prior, given)| drift::mended(self.request.registry, ty, &self.priors, prior, given, ignore));
        let silent = mended.as_ref().or(now.as_ref());
        let mut planned = filled_diff(ty, &config, now.as_ref(), silent, cloud.default_tags());
        if let Some(now) = &now {
            planned.replace.extend(self.replaced.along(ty, &spot.address, now, &touched));
        }
        planned.problems.iter().for_each(|p| self.errors.push(evaluate::problem(&spot.address, block, p)));
        let reason = self.reason_to_replace(spot, &planned.replace, tainted, triggered);
        let refreshing = self.request.options.purpose == Purpose::Refresh;
        let create_first = block.lifecycle.create_before_destroy.unwrap_or(false);
        let action = match (&now, reason) {
            _ if refreshing => Action::Nothing,
            (None, _) => Action::Create,
            (Some(_), Some(_)) => Action::Replace { create_first },
            (Some(_), None) if planned.acts => Action::Update,
            _ => Action::Nothing,
        };
        if let Action::Replace { .. } = action {
            if block.lifecycle.prevent_destroy {
                self.errors.push(protected(&spot.address, block, &planned.replace));
            } else if self.keeps(&spot.address) {
                self.errors.push(adopt::not_ours_to_replace(&spot.address, block, &planned.replace));
            }
            let config = anew(ignore, ty.attrs(), given, now.as_ref().filter(|_| !tainted));
            planned.after = diff(ty, &config, None, cloud.default_tags()).after;
            planned.changed = differing(ty.attrs(), now.as_ref().unwrap_or(&Value::Null), &planned.after);
        }
        let before = now.clone().unwrap_or_default();
        let after = match action {
            Action::Create | Action::Replace { .. } => planned.after.with("id", Value::Unknown(Arc::new(Type::String))),
            Action::Update => planned.after.with("id", before.attr("id").clone()),
            _ => before.clone(),
        };
        if action.acts() {
            self.acting.insert(spot.address.clone());
        }
        if refreshing && now.is_none() {
            // What is gone is told as drift, and what never was there is none of a refresh's business.
            return self.world.set(&spot.address, Value::unknown());
        }
        self.world.set(&spot.address, after.clone());
        if !refreshing {
            self.postconditions(block, spot, &after);
        }
        let change = Change {
            provider: self.providers.in_state(&provider),
            action,
            reason: reason.filter(|_| matches!(action, Action::Replace { .. })),
            before,
            after,
            changed: if action == Action::Nothing { vec![] } else { planned.changed },
            replace: if reason.is_some() { planned.replace } else { vec![] },
            dependencies: touched.into_iter().collect(),
            create_before_destroy: create_first,
            adopted: self.is_adopted(&spot.address),
            importing,
            moved_from: self.moves.get(&spot.address).cloned(),
            ..change(spot.address.clone(), action)
        };
        self.replaced.note(&change);
        self.planned.insert(spot.address.clone(), self.changes.len());
        self.changes.push(change);
    }

    /// What must hold of an instance as far as it is known already.
    pub(super) fn postconditions(&mut self, block: &Block, spot: &Spot, value: &Value) {
        if block.lifecycle.postconditions.is_empty() {
            return;
        }
        let frame = Frame { own: Some(value.clone()), ..spot.frame(&self.world) };
        let result = evaluate::conditions(&block.lifecycle.postconditions, &frame, &spot.address, "postcondition");
        self.errors.keep(result);
    }

    /// Whether something in its `replace_triggered_by` changes: asked once for all instances of the block in a module.
    pub(super) fn triggered(&self, block: &Block, within: &ModulePath) -> bool {
        let triggers = block.lifecycle.replace_triggered_by.iter();
        triggers.flat_map(|r| evaluate::instances_of(&self.world, within, r).into_iter().map(move |a| (r, a))).any(
            |(reference, address)| {
                let change = self.planned.get(&address).map(|i| &self.changes[*i]);
                change.is_some_and(|c| match &reference.attribute {
                    Some(name) => c.action.acts() && c.changed.iter().any(|n| **n == **name),
                    // What is made for the first time replaces nothing.
                    None => matches!(c.action, Action::Update | Action::Replace { .. }),
                })
            },
        )
    }

    /// Whether one of those is to be made, so that nobody can be asked for it yet.
    pub(super) fn makes(&self, addresses: &[Address]) -> bool {
        let made =
            |a: &Address| self.changes.iter().any(|c| c.address == *a && matches!(c.action, Action::Create | Action::Replace { .. }));
        addresses.iter().any(|a| self.acting.contains(a) && made(a))
    }

    fn reason_to_replace(&self, spot: &Spot, forced: &[String], tainted: bool, triggered: bool) -> Option<Reason> {
        if tainted {
            Some(Reason::Tainted)
        } else if self.request.options.replace.iter().any(|r| r.covers(&spot.address)) {
            Some(Reason::ByRequest)
        } else if !forced.is_empty() {
            Some(Reason::CannotUpdate)
        } else {
            triggered.then_some(Reason::ByTriggers)
        }
    }

    /// Notes what someone else changed, in what the stack sets.
    fn note_drift(&mut self, spot: &Spot, attrs: &[Attr], config: &Value, prior: &super::refresh::Prior) {
        let ours = |name: &String| {
            let attr = attrs.iter().find(|a| a.name == name);
            attr.is_some_and(|a| !a.computed && !(a.chosen && config.attr(a.name).is_empty()))
        };
        let changed: Vec<String> = prior.drifted.iter().filter(|n| ours(n)).cloned().collect();
        if !prior.drifted.is_empty() {
            self.given.insert(spot.address.clone(), changed.iter().cloned().collect());
        }
        if prior.now.is_null() || !changed.is_empty() {
            let (before, after) = (prior.held.clone(), prior.now.clone());
            self.drift.push(Drift { address: spot.address.clone(), before, after, changed });
        }
    }

    /// Plans the end of an instance.
    pub(super) fn plan_delete(&mut self, address: &Address, block: Option<&Block>) {
        let (Some(prior), Some(instance)) = (self.priors.get(address).cloned(), self.request.state.instances.get(address)) else { return };
        let purpose = self.request.options.purpose;
        if purpose == Purpose::Refresh {
            if prior.now.is_null() || !prior.drifted.is_empty() {
                let (before, after, changed) = (prior.held, prior.now, prior.drifted);
                self.drift.push(Drift { address: address.clone(), before, after, changed });
            }
            let now = self.priors.get(address).map(|p| p.now.clone()).unwrap_or_default();
            if !now.is_null() {
                self.changes.push(Change {
                    provider: instance.provider.clone(),
                    before: now.clone(),
                    after: now,
                    dependencies: instance.dependencies.clone(),
                    create_before_destroy: instance.create_before_destroy,
                    ..change(address.clone(), Action::Nothing)
                });
            }
            return;
        }
        let keeps = self.keeps(address);
        let forgets = keeps || self.forgets(address);
        if let Some(block) = block.filter(|b| !forgets && b.lifecycle.prevent_destroy && !prior.now.is_null()) {
            self.errors.push(protected(address, block, &[]));
        }
        // What is gone already has only to leave the state.
        let action = if forgets || prior.now.is_null() { Action::Forget } else { Action::Delete };
        let before = if prior.now.is_null() { prior.held } else { prior.now };
        self.acting.insert(address.clone());
        self.changes.push(Change {
            provider: instance.provider.clone(),
            reason: Some(if keeps { Reason::Adopted } else { self.reason_to_delete(address, block) }),
            before,
            moved_from: self.moves.get(address).cloned(),
            dependencies: instance.dependencies.clone(),
            create_before_destroy: instance.create_before_destroy,
            ..change(address.clone(), action)
        });
    }
}

fn protected(address: &Address, block: &Block, replace: &[String]) -> Diagnostic {
    let why = if replace.is_empty() {
        "it would be destroyed".into()
    } else {
        format!("it would be replaced, since {} can't change in place", replace.join(", "))
    };
    Diagnostic::error(format!("{address} has `prevent_destroy`, and {why}"))
        .at(&block.span, "protected here")
        .help("take away `prevent_destroy`, or leave it out with --exclude")
}

/// The configuration with what is to be ignored taken from what there is.
pub(super) fn ignoring(ignore: &Ignore, attrs: &[Attr], config: Value, now: &Value) -> Value {
    match ignore {
        Ignore::None => config,
        Ignore::All => attrs.iter().filter(|a| !a.computed).fold(config, |c, a| c.with(a.name, now.attr(a.name).clone())),
        Ignore::Paths(paths) => paths.iter().fold(config, |config, path| {
            let steps: Vec<&str> = path.split('.').collect();
            replaced(&config, now, &steps)
        }),
    }
}

/// The configuration of something that is made in place of another: what is to be ignored is taken from that, but not where the
/// state holds no more than a hash.
pub(super) fn anew(ignore: &Ignore, attrs: &[Attr], config: Value, old: Option<&Value>) -> Value {
    let Some(old) = old else { return config };
    let hashed = attrs.iter().filter(|a| matches!(a.kind, Kind::Text(format) if format.stored.is_some()));
    let kept: Vec<(&str, Value)> = hashed.map(|a| (a.name, config.attr(a.name).clone())).collect();
    // What the cloud chose for the old one it chooses for the new one again, unless the stack says something.
    let chosen = attrs.iter().filter(|a| a.chosen && config.attr(a.name).is_null()).map(|a| (a.name, Value::Null));
    let kept: Vec<(&str, Value)> = kept.into_iter().chain(chosen).collect();
    kept.into_iter().fold(ignoring(ignore, attrs, config, old), |config, (name, value)| config.with(name, value))
}

/// `config` with what lies at the path taken from `now`; taken away where `now` has nothing there.
fn replaced(config: &Value, now: &Value, path: &[&str]) -> Value {
    let Some((step, rest)) = path.split_first() else { return now.clone() };
    if let (Value::List(items) | Value::Tuple(items), Ok(index)) = (config.bare(), step.parse::<usize>()) {
        let mut items = items.as_ref().clone();
        if let (Some(item), Some(there)) = (items.get_mut(index), now.items().get(index)) {
            *item = replaced(item, there, rest);
        }
        return Value::list(items).sensitive_if(config.is_sensitive());
    }
    if config.is_null() || config.entries().is_some() {
        return match (now.get(step), rest.is_empty()) {
            (Some(there), true) => as_map(config, now).with(step, there.clone()),
            (Some(there), false) => config.clone().with(step, replaced(config.attr(step), there, rest)),
            (None, true) => without(config, step),
            (None, false) => config.clone(),
        };
    }
    config.clone()
}

fn as_map(config: &Value, like: &Value) -> Value {
    match (config, like.bare()) {
        (Value::Null, Value::Map(_)) => Value::Map(Arc::default()),
        _ => config.clone(),
    }
}

fn without(config: &Value, name: &str) -> Value {
    match config {
        Value::Map(items) => {
            let kept: Object = items.iter().filter(|(k, _)| k.as_ref() != name).map(|(k, v)| (k.clone(), v.clone())).collect();
            Value::Map(Arc::new(kept))
        }
        other => other.clone(),
    }
}

/// What a data source gives before it is read: what is asked for, and unknown for the answers.
#[must_use]
pub fn unknown_where_silent(ty: &dyn DataType, given: &Value) -> Value {
    let filled = ty.attrs().iter().map(|attr| {
        let value = given.attr(attr.name);
        let silent = attr.computed || (attr.chosen && value.is_null());
        (Arc::from(attr.name), if silent { Value::Unknown(Arc::new(type_of(&attr.kind))) } else { value.clone() })
    });
    let value = Value::Object(Arc::new(filled.collect::<Object>()));
    if ty.has_id() { value.with("id", Value::Unknown(Arc::new(Type::String))) } else { value }
}

/// What a data source gave, with its secrets marked: those of its schema, and what it was given as such.
#[must_use]
pub fn data_value(ty: &dyn DataType, given: &Value, found: &Found) -> Value {
    let attrs = ty.attrs();
    let secret = |a: &&Attr| a.sensitive || given.attr(a.name).has_sensitive();
    let secrets = attrs.iter().filter(secret).filter(|a| !found.value.attr(a.name).is_null());
    let value = secrets.fold(found.value.clone(), |value, attr| {
        let secret = value.attr(attr.name).clone().sensitive();
        value.with(attr.name, secret)
    });
    if ty.has_id() { value.with("id", Value::from(found.id.as_str())) } else { value }
}

/// What something made first depends on has to be made first too: the old one may go only when nothing uses it.
pub fn spread_create_first(changes: &mut [Change]) {
    let mut first: HashSet<Address> = HashSet::new();
    let means = |first: &HashSet<Address>, a: &Address| {
        let keyed = a.module.iter().any(|(_, key)| key.is_some());
        first.contains(a) || (a.key.is_some() && first.contains(&a.block())) || (keyed && first.contains(&a.config()))
    };
    // Dependencies stand before dependents. What only ends has nothing to be made before.
    for change in changes.iter_mut().rev().filter(|c| !matches!(c.action, Action::Delete | Action::Forget)) {
        if change.create_before_destroy || means(&first, &change.address) {
            change.create_before_destroy = true;
            if let Action::Replace { create_first } = &mut change.action {
                *create_first = true;
            }
            first.extend(change.dependencies.iter().cloned());
        }
    }
}

/// A data source that is being read: its block, its instance, what it depends on, and the answer.
pub(super) type Reading<'f> = Fut<'f, (usize, Spot, Vec<Address>, Outcome<Value>)>;

/// Reads a data source.
pub(super) fn read_data<'f>(
    index: usize,
    spot: Spot,
    dependencies: Vec<Address>,
    ty: &'static dyn DataType,
    cloud: Arc<dyn Cloud>,
    given: Value,
) -> Reading<'f> {
    Box::pin(async move {
        let reads = Reads::default();
        let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
        let hush = Hush::of(ty.attrs(), [&given]);
        let outcome = ty.read(&context, &given.bare_deep()).await.map_err(|failure| hush.failure(failure));
        (index, spot, dependencies, outcome.map(|found| data_value(ty, &given, &found)))
    })
}
