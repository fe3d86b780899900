//! What a block says, instance by instance: used by the planner, and again by apply when all is known.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::world::{Each, Frame, Shape, Within, World};
use crate::stack::{self, Block, Condition, Expr, Reference};
use crate::words::resource::{Problem, Registry};
use crate::words::schema::Attr;
use crate::words::{Address, Diagnostic, Diagnostics, Key, Mode, ModulePath, Result, Span, Value};

/// One instance of a block before anything is known of it but its key.
#[derive(Clone, Debug)]
pub struct Spot {
    /// Its address.
    pub address: Address,
    /// What `each` is in it.
    pub each: Option<Each>,
}

impl Spot {
    /// The frame in which its expressions stand.
    #[must_use]
    pub fn frame<'w, 'a>(&self, world: &'w World<'a>) -> Frame<'w, 'a> {
        let within = match (&self.each, &self.address.key) {
            (Some(each), _) => Within::Each(each.clone()),
            (None, Some(Key::Int(n))) => Within::Count(*n),
            _ => Within::Nothing,
        };
        Frame { within, ..Frame::in_module(world, &self.address.module) }
    }
}

/// What tells the instances of a block or a module apart, `count` and `for_each` being given.
#[must_use]
pub const fn shape(count: Option<&Expr>, for_each: Option<&Expr>) -> Shape {
    match (count, for_each) {
        (Some(_), _) => Shape::Count,
        (_, Some(_)) => Shape::Each,
        _ => Shape::Single,
    }
}

/// What tells the instances of a block apart.
#[must_use]
pub const fn shape_of(block: &Block) -> Shape {
    shape(block.count.as_ref(), block.for_each.as_ref())
}

/// The instances of a block in an instance of its module, in the order of their keys.
pub fn spots(world: &World<'_>, within: &ModulePath, block: &Block) -> Result<Vec<Spot>> {
    let address = block.address.within(within);
    let at = |key, each| Spot { address: address.with_key(key), each };
    if let Some(count) = &block.count {
        let n = count_of(&address, count, &count.eval(&Frame::in_module(world, within))?)?;
        return Ok((0..n).map(|i| at(Some(Key::Int(i)), None)).collect());
    }
    if let Some(for_each) = &block.for_each {
        let (value, touched) = world.trace(|| for_each.eval(&Frame::in_module(world, within)));
        let each = each_of(&address, for_each, &value?)?;
        let touched = Arc::new(touched);
        let spot = |(key, value): (Arc<str>, Value)| at(Some(Key::Str(key.clone())), Some(Each { key, value, touched: touched.clone() }));
        return Ok(each.into_iter().map(spot).collect());
    }
    Ok(vec![at(None, None)])
}

/// The keys of the instances of a module in one of its callers.
pub fn keys(world: &World<'_>, caller: &ModulePath, call: &stack::Call) -> Result<Vec<Option<Key>>> {
    let path = caller.child(call.name.clone(), None);
    let frame = Frame::in_module(world, caller);
    if let Some(count) = &call.count {
        let n = count_of(&path, count, &count.eval(&frame)?)?;
        return Ok((0..n).map(|i| Some(Key::Int(i))).collect());
    }
    let Some(for_each) = &call.for_each else { return Ok(vec![None]) };
    let each = each_of(&path, for_each, &for_each.eval(&frame)?)?;
    Ok(each.into_iter().map(|(key, _)| Some(Key::Str(key))).collect())
}

/// The instances of blocks one at a time. What `for_each` gives is kept where it is wholly known, so that the last of ten thousand
/// costs no more than the first.
#[derive(Default)]
pub struct Spots(RefCell<HashMap<Address, Arc<HashMap<Address, Spot>>>>);

impl Spots {
    /// The instance at that address; none where the block has none there.
    pub fn of(&self, world: &World<'_>, block: &Block, address: &Address) -> Result<Option<Spot>> {
        let only = |there: bool| Ok(there.then(|| Spot { address: address.clone(), each: None }));
        if let Some(count) = &block.count {
            let n = count_of(&address.block(), count, &count.eval(&Frame::in_module(world, &address.module))?)?;
            return only(matches!(address.key, Some(Key::Int(i)) if i < n));
        }
        if block.for_each.is_none() {
            return only(address.key.is_none());
        }
        if let Some(kept) = self.0.borrow().get(&address.block()) {
            return Ok(kept.get(address).cloned());
        }
        let all: HashMap<Address, Spot> =
            spots(world, &address.module, block)?.into_iter().map(|spot| (spot.address.clone(), spot)).collect();
        let spot = all.get(address).cloned();
        if all.values().all(|spot| spot.each.as_ref().is_none_or(|each| each.value.is_known())) {
            self.0.borrow_mut().insert(address.block(), Arc::new(all));
        }
        Ok(spot)
    }
}

/// Why neither instances nor their keys can be ephemeral.
const EPHEMERAL: &str = "is ephemeral, and what instances there are is kept in the state";

fn count_of(block: &dyn std::fmt::Display, expr: &Expr, value: &Value) -> Result<u64> {
    let wrong = |why: &str| Diagnostic::error(format!("`count` of {block} {why}")).at(expr.span(), "");
    if value.is_unknown() {
        return Err(wrong("is known only after apply")
            .help("count must be known before: use a variable, or apply what it depends on first with --target")
            .into());
    }
    if value.has_ephemeral() {
        return Err(wrong(EPHEMERAL).help("use a value that is the same in plan and apply").into());
    }
    if value.is_sensitive() {
        return Err(wrong("is sensitive: its value would show in addresses")
            .help("wrap it in nonsensitive(...) if it may be shown")
            .into());
    }
    let number = value.as_number().or_else(|| crate::words::Number::parse(value.as_str()?));
    let count = number.and_then(|n| n.as_i64()).and_then(|n| u64::try_from(n).ok());
    count.ok_or_else(|| wrong("should be a whole number, not negative").into())
}

/// The elements of `for_each`.
pub(super) fn each_of(block: &dyn std::fmt::Display, expr: &Expr, value: &Value) -> Result<Vec<(Arc<str>, Value)>> {
    let wrong = |why: &str| Diagnostic::error(format!("`for_each` of {block} {why}")).at(expr.span(), "");
    let later = || {
        wrong("has keys that are known only after apply")
            .help("keys must be known before: use names of your own as keys, and put what is computed into the values")
    };
    match value {
        Value::Unknown(_) => Err(later().into()),
        Value::Marked(marks, _) if marks.ephemeral => Err(wrong(EPHEMERAL).help("use keys that are the same in plan and apply").into()),
        Value::Marked(..) => {
            Err(wrong("is sensitive: its keys would show in addresses").help("wrap it in nonsensitive(...) if they may be shown").into())
        }
        Value::Map(items) | Value::Object(items) => Ok(items.iter().map(|(k, v)| (k.clone(), v.clone())).collect()),
        Value::Set(items) => items
            .iter()
            .map(|item| match item {
                Value::String(key) => Ok((key.clone(), item.clone())),
                Value::Unknown(_) => Err(later().into()),
                _ => Err(wrong("should be a map or a set of strings").into()),
            })
            .collect(),
        Value::Null => Err(wrong("is null").help("give an empty map, {}, for none").into()),
        other => {
            let error = wrong(&format!("should be a map or a set of strings, and is of type {}", other.type_of().name()));
            Err(error.help("wrap a list in toset(...)").into())
        }
    }
}

/// The configuration of an instance as its schema has it, and the instances that it asked for.
pub fn config(world: &World<'_>, block: &Block, spot: &Spot, attrs: &[Attr]) -> (Result<Value>, BTreeSet<Address>) {
    let (value, mut touched) = world.trace(|| {
        let frame = spot.frame(world);
        conditions(&block.lifecycle.preconditions, &frame, &spot.address, "precondition")?;
        let given = block.body.eval_typed(&frame)?;
        if given.has_ephemeral() {
            kept(attrs, &given, block, "")?;
        }
        stack::conform(attrs, &given, &block.body, &block.address.kind)
    });
    touched.extend(after(world, block, &spot.address.module));
    touched.remove(&spot.address);
    (value, touched)
}

/// Refuses ephemeral values in arguments that are kept in the state, which are all but write-only ones.
fn kept(attrs: &[Attr], given: &Value, block: &Block, path: &str) -> Result<()> {
    let mut errors = Diagnostics::default();
    for (name, value) in given.entries().into_iter().flatten().filter(|(_, value)| value.has_ephemeral()) {
        let attr = attrs.iter().find(|attr| attr.name == &**name);
        let below = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
        match attr.map(|attr| (attr.write_only, attr.block())) {
            Some((true, _)) => {}
            Some((_, Some(inner))) if !value.marks().ephemeral => {
                let blocks = if value.entries().is_some() { std::slice::from_ref(value) } else { value.items() };
                for (i, one) in blocks.iter().enumerate() {
                    errors.keep(kept(inner, one, block, &format!("{below}.{i}")));
                }
            }
            _ => {
                let error = Diagnostic::error(format!("`{below}` of {} can't be ephemeral: it is kept in the state", block.address));
                let error = error.at(block.body.get(&below).span(), "made of an ephemeral value");
                errors.push(error.help("only write-only arguments take ephemeral values; `ephemeralasnull(...)` makes null of one"));
            }
        }
    }
    errors.unless_errors(())
}

/// What a block in that module depends on without asking for anything of it, by its own `depends_on` or that of a call around it.
pub fn after(world: &World<'_>, block: &Block, within: &ModulePath) -> impl Iterator<Item = Address> {
    let own: Vec<Address> = block.depends_on.iter().flat_map(|r| world.meant(within, r)).collect();
    own.into_iter().chain(world.called_after(within))
}

/// The instances that a reference means: one where it names a key, else all of the block.
pub fn instances_of(world: &World<'_>, within: &ModulePath, reference: &Reference) -> Vec<Address> {
    let meant = world.meant(within, reference);
    meant.iter().flat_map(|block| if block.key.is_some() { vec![block.clone()] } else { world.instances(block) }).collect()
}

/// The user's time limits of an instance, an object; null where there are none.
pub fn timeouts(world: &World<'_>, block: &Block, spot: &Spot) -> Result<Value> {
    block.timeouts.as_ref().map_or(Ok(Value::Null), |expr| expr.eval(&spot.frame(world)))
}

/// Fails with what each condition that is known to be false says.
pub fn conditions(conditions: &[Condition], frame: &Frame<'_, '_>, of: &impl std::fmt::Display, what: &str) -> Result<()> {
    let mut failed = Diagnostics::default();
    for condition in conditions {
        if let Some(message) = failed.keep(violated(condition, frame)).flatten() {
            failed.push(Diagnostic::error(format!("{of}: {message}")).at(condition.condition.span(), format!("this {what} does not hold")));
        }
    }
    failed.unless_errors(())
}

/// The message of a condition that does not hold; none for one that holds or isn't known yet.
pub fn violated(condition: &Condition, frame: &Frame<'_, '_>) -> Result<Option<String>> {
    let holds = condition.condition.eval(frame)?;
    match holds.bare() {
        Value::Unknown(_) | Value::Bool(true) => Ok(None),
        Value::Bool(false) => {
            let message = condition.error_message.eval(frame)?;
            let hidden = "a condition does not hold; its message is sensitive".to_owned();
            Ok(Some(if message.is_sensitive() { hidden } else { message.as_str().unwrap_or("a condition does not hold").to_owned() }))
        }
        other => {
            let ty = other.type_of().name();
            Err(Diagnostic::error(format!("a condition should be true or false, and is of type {ty}"))
                .at(condition.condition.span(), "")
                .into())
        }
    }
}

/// A problem that a type found, at its place in the stack.
#[must_use]
pub fn problem(address: &Address, block: &Block, problem: &Problem) -> Diagnostic {
    let span = if problem.path.is_empty() { &block.span } else { block.body.key_span(&problem.path) };
    let label = if problem.path.is_empty() { String::new() } else { problem.path.clone() };
    Diagnostic::error(format!("{address}: {}", problem.message)).at(span, label)
}

/// The attributes of a block's type; an error names types that may have been meant.
pub fn attrs_of(registry: &Registry, block: &Block) -> Result<&'static [Attr]> {
    let kind = &block.address.kind;
    let found = match block.address.mode {
        Mode::Managed => registry.resource(kind).map(|t| t.attrs()),
        Mode::Data => registry.data(kind).map(|t| t.attrs()),
    };
    found.ok_or_else(|| unknown_type(registry, &block.address, Some(&block.span)).into())
}

/// No such type.
#[must_use]
pub fn unknown_type(registry: &Registry, address: &Address, span: Option<&Span>) -> Diagnostic {
    let names: Vec<&str> = match address.mode {
        Mode::Managed => registry.resources.iter().map(|t| t.name()).collect(),
        Mode::Data => registry.data.iter().map(|t| t.name()).collect(),
    };
    let what = if address.mode == Mode::Data { "data source" } else { "resource type" };
    let error = Diagnostic::error(format!("there is no {what} `{}`", address.kind)).or_at(span);
    match crate::words::error::nearest(&address.kind, names) {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.help("all types: ferroform explain"),
    }
}
