//! What expressions see: variables, locals, and the value of every instance as far as it is known. It notes which instances
//! each evaluation asks for: those are what it depends on.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::stack::{Files, Module, Scope};
use crate::words::{Address, Diagnostic, Key, Mode, Result, Value};

/// Values by address, for one module.
pub struct World<'a> {
    module: &'a Module,
    files: &'a Files,
    variables: &'a BTreeMap<Arc<str>, Value>,
    workspace: &'a str,
    now: Option<jiff::Timestamp>,
    blocks: HashMap<(Mode, Arc<str>, Arc<str>), Instances>,
    locals: RefCell<HashMap<Arc<str>, Local>>,
    touched: RefCell<BTreeSet<Address>>,
}

/// The instances of one block.
#[derive(Default)]
struct Instances {
    shape: Shape,
    /// Which instances there are could not be told: they are all unknown.
    broken: bool,
    values: BTreeMap<Option<Key>, Value>,
    whole: OnceCell<Value>,
}

/// How many instances a block has, and by what they are told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Shape {
    /// One, without a key.
    #[default]
    Single,
    /// `count`.
    Count,
    /// `for_each`.
    Each,
}

/// A local that is being evaluated, or was.
enum Local {
    Busy,
    Done(Value, BTreeSet<Address>),
}

impl<'a> World<'a> {
    /// Nothing known but variables.
    #[must_use]
    pub fn new(module: &'a Module, files: &'a Files, variables: &'a BTreeMap<Arc<str>, Value>, workspace: &'a str) -> Self {
        Self {
            module,
            files,
            variables,
            workspace,
            now: None,
            blocks: HashMap::new(),
            locals: RefCell::default(),
            touched: RefCell::default(),
        }
    }

    /// The same while applying: `timestamp()` and `uuid()` have values.
    #[must_use]
    pub fn at(mut self, now: jiff::Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    /// A block has instances of that shape; none of them is known yet.
    pub fn declare(&mut self, block: &Address, shape: Shape) {
        self.blocks.entry(id(block)).or_default().shape = shape;
    }

    /// Nobody can tell which instances a block has, since that could not be evaluated: whatever is asked of it is unknown.
    pub fn give_up(&mut self, block: &Address) {
        self.blocks.entry(id(block)).or_default().broken = true;
    }

    /// The value of an instance.
    pub fn set(&mut self, address: &Address, value: Value) {
        let instances = self.blocks.entry(id(address)).or_default();
        instances.values.insert(address.key.clone(), value);
        instances.whole = OnceCell::new();
    }

    /// An instance is no more.
    pub fn remove(&mut self, address: &Address) {
        if let Some(instances) = self.blocks.get_mut(&id(address)) {
            instances.values.remove(&address.key);
            instances.whole = OnceCell::new();
        }
    }

    /// The instances of a block that are known so far.
    #[must_use]
    pub fn instances(&self, block: &Address) -> Vec<Address> {
        let known = self.blocks.get(&id(block)).into_iter().flat_map(|i| i.values.keys());
        known.map(|key| block.with_key(key.clone())).collect()
    }

    /// What `evaluate` gives in the frame, and the instances that it asked for.
    pub fn trace<T>(&self, evaluate: impl FnOnce() -> Result<T>) -> (Result<T>, BTreeSet<Address>) {
        let before = std::mem::take(&mut *self.touched.borrow_mut());
        let result = evaluate();
        (result, std::mem::replace(&mut *self.touched.borrow_mut(), before))
    }
}

fn id(address: &Address) -> (Mode, Arc<str>, Arc<str>) {
    (address.mode, address.kind.clone(), address.name.clone())
}

impl Instances {
    fn whole(&self) -> Value {
        let each = || self.values.iter().filter_map(|(key, value)| key.as_ref().map(|key| (key, value)));
        let whole = self.whole.get_or_init(|| match self.shape {
            Shape::Single => self.values.get(&None).cloned().unwrap_or_else(Value::unknown),
            Shape::Count => Value::Tuple(Arc::new(each().map(|(_, value)| value.clone()).collect())),
            Shape::Each => Value::object(each().filter_map(|(key, value)| match key {
                Key::Str(name) => Some((name.clone(), value.clone())),
                Key::Int(_) => None,
            })),
        });
        whole.clone()
    }
}

/// Where an expression stands: a block's instance, or nothing in particular.
pub struct Frame<'w, 'a> {
    /// What it sees.
    pub world: &'w World<'a>,
    /// The key and value of `for_each`.
    pub each: Option<(Value, Value)>,
    /// The index of `count`.
    pub count: Option<u64>,
    /// `self`.
    pub own: Option<Value>,
}

impl<'w, 'a> Frame<'w, 'a> {
    /// Of the module itself.
    #[must_use]
    pub fn of(world: &'w World<'a>) -> Self {
        Self { world, each: None, count: None, own: None }
    }
}

impl Scope for Frame<'_, '_> {
    fn variable(&self, name: &str) -> Option<Result<Value>> {
        self.world.variables.get(name).cloned().map(Ok)
    }

    fn local(&self, name: &str) -> Option<Result<Value>> {
        let (name, expr) = self.world.module.locals.get_key_value(name)?;
        match self.world.locals.borrow().get(name) {
            Some(Local::Done(value, touched)) => {
                self.world.touched.borrow_mut().extend(touched.iter().cloned());
                return Some(Ok(value.clone()));
            }
            Some(Local::Busy) => {
                let cycle = Diagnostic::error(format!("local.{name} refers to itself")).at(expr.span(), "its value needs its value");
                return Some(Err(cycle.into()));
            }
            None => {}
        }
        self.world.locals.borrow_mut().insert(name.clone(), Local::Busy);
        let (value, touched) = self.world.trace(|| expr.eval_typed(&Frame::of(self.world)));
        self.world.touched.borrow_mut().extend(touched.iter().cloned());
        match &value {
            Ok(value) => self.world.locals.borrow_mut().insert(name.clone(), Local::Done(value.clone(), touched)),
            Err(_) => self.world.locals.borrow_mut().remove(name),
        };
        Some(value)
    }

    fn resource(&self, mode: Mode, kind: &str, name: &str, key: Option<&Key>) -> Result<Value> {
        let block = Address { mode, ..Address::managed(kind, name) };
        let Some(instances) = self.world.blocks.get(&id(&block)) else {
            return Err(Diagnostic::error(format!("{block} is not declared in this stack")).into());
        };
        let mut touched = self.world.touched.borrow_mut();
        if instances.broken {
            return Ok(Value::unknown());
        }
        let Some(key) = key else {
            // The block stands for all its instances: a thousand that need a thousand would be a million.
            touched.insert(block);
            return Ok(instances.whole());
        };
        let address = block.with_key(Some(key.clone()));
        let value = instances.values.get(&address.key).cloned();
        touched.insert(address);
        value.ok_or_else(|| missing(&block, key, instances).into())
    }

    fn repeated(&self, mode: Mode, kind: &str, name: &str) -> bool {
        let block = Address { mode, ..Address::managed(kind, name) };
        self.world.blocks.get(&id(&block)).is_some_and(|instances| instances.shape != Shape::Single)
    }

    fn each(&self) -> Option<(Value, Value)> {
        self.each.clone()
    }

    fn count_index(&self) -> Option<u64> {
        self.count
    }

    fn self_value(&self) -> Option<Result<Value>> {
        self.own.clone().map(Ok)
    }

    fn workspace(&self) -> &str {
        self.world.workspace
    }

    fn files(&self) -> &Files {
        self.world.files
    }

    fn now(&self) -> Option<jiff::Timestamp> {
        self.world.now
    }
}

fn missing(block: &Address, key: &Key, instances: &Instances) -> Diagnostic {
    let keys: Vec<String> = instances.values.keys().flatten().take(8).map(ToString::to_string).collect();
    let there = if keys.is_empty() { "it has no instances".into() } else { format!("its instances are {}", keys.join(", ")) };
    Diagnostic::error(format!("{block} has no instance {key}")).help(there)
}
