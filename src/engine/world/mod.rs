//! What expressions see: variables, locals, outputs of modules, and the value of every instance as far as it is known. It notes which
//! instances each evaluation asks for: those are what it depends on, however many modules lie between.

mod frame;
mod lazily;

pub use frame::{Each, Frame, Within};

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::stack::{Call, Files, Module, Reference, Target};
use crate::words::{Address, Key, Mode, ModulePath, Result, Value};
use lazily::Cells;

/// Values by address.
pub struct World<'a> {
    files: &'a Files,
    variables: &'a BTreeMap<Arc<str>, Value>,
    workspace: &'a str,
    now: Option<jiff::Timestamp>,
    /// The instances of modules that anything is known of; the root comes first.
    modules: Vec<Inhabited<'a>>,
    paths: HashMap<ModulePath, usize>,
    /// The instances of each module that its calls make, by its path without keys.
    expanded: HashMap<ModulePath, Vec<ModulePath>>,
    touched: RefCell<BTreeSet<Address>>,
    /// What was evaluated under another number and was not known then is evaluated again.
    stamp: u64,
}

/// An instance of a module.
struct Inhabited<'a> {
    path: ModulePath,
    module: &'a Module,
    /// Who calls it, and how; none for the root.
    caller: Option<(usize, &'a Call)>,
    blocks: [HashMap<Arc<str>, HashMap<Arc<str>, Instances>>; 2],
    calls: HashMap<Arc<str>, Calls>,
    variables: Cells,
    locals: Cells,
    outputs: Cells,
    /// What `for_each` of each call gives.
    each: Cells,
}

/// The instances of one block.
struct Instances {
    block: Address,
    shape: Shape,
    /// Which instances there are could not be told: they are all unknown.
    broken: bool,
    values: BTreeMap<Option<Key>, Value>,
    whole: OnceCell<Value>,
}

/// The instances of a module in one of its callers; none where that could not be told.
struct Calls {
    shape: Shape,
    keys: Option<BTreeMap<Option<Key>, usize>>,
}

/// How many instances a block or a call has, and by what they are told apart.
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

impl Shape {
    /// The value of all instances, of the values of each.
    fn whole(self, mut values: impl Iterator<Item = (Option<Key>, Value)>) -> Value {
        match self {
            Self::Single => values.find(|(key, _)| key.is_none()).map_or_else(Value::unknown, |(_, value)| value),
            Self::Count => Value::Tuple(Arc::new(values.filter(|(key, _)| key.is_some()).map(|(_, value)| value).collect())),
            Self::Each => Value::object(values.filter_map(|(key, value)| match key {
                Some(Key::Str(name)) => Some((name, value)),
                _ => None,
            })),
        }
    }
}

impl<'a> World<'a> {
    /// Nothing known but variables.
    #[must_use]
    pub fn new(root: &'a Module, files: &'a Files, variables: &'a BTreeMap<Arc<str>, Value>, workspace: &'a str) -> Self {
        let mut world = Self {
            files,
            variables,
            workspace,
            now: None,
            modules: vec![],
            paths: HashMap::new(),
            expanded: [(ModulePath::default(), vec![ModulePath::default()])].into(),
            touched: RefCell::default(),
            stamp: 0,
        };
        world.inhabit(ModulePath::default(), root, None);
        world
    }

    /// The same while applying: `timestamp()` and `uuid()` have values.
    #[must_use]
    pub fn at(mut self, now: jiff::Timestamp) -> Self {
        self.now = Some(now);
        self
    }

    fn inhabit(&mut self, path: ModulePath, module: &'a Module, caller: Option<(usize, &'a Call)>) -> usize {
        let at = self.modules.len();
        self.paths.insert(path.clone(), at);
        self.modules.push(Inhabited {
            path: path.clone(),
            module,
            caller,
            blocks: Default::default(),
            calls: HashMap::new(),
            variables: Cells::default(),
            locals: Cells::default(),
            outputs: Cells::default(),
            each: Cells::default(),
        });
        // Modules with neither `count` nor `for_each` are there from the start: providers may be configured in them.
        for call in module.calls.values().filter(|call| !call.repeated()) {
            let child = self.inhabit(path.child(call.name.clone(), None), &call.module, Some((at, call)));
            let keys = Some([(None, child)].into());
            self.modules[at].calls.insert(call.name.clone(), Calls { shape: Shape::Single, keys });
        }
        at
    }

    /// The instance of a module at that path; none where the stack has no such module.
    fn place(&mut self, path: &ModulePath) -> Option<usize> {
        if let Some(at) = self.paths.get(path) {
            return Some(*at);
        }
        let (name, _) = path.last()?;
        let caller = self.place(&path.parent()?)?;
        let call = self.modules[caller].module.calls.get(name)?;
        Some(self.inhabit(path.clone(), &call.module, Some((caller, call))))
    }

    /// Says which instances of a module there are in one of its callers; without keys, that nobody can tell.
    pub fn expand(&mut self, caller: &ModulePath, call: &'a Call, shape: Shape, keys: Option<Vec<Option<Key>>>) {
        let Some(at) = self.place(caller) else { return };
        let keys = keys.map(|keys| {
            let made = keys.into_iter().filter_map(|key| {
                let path = caller.child(call.name.clone(), key.clone());
                let child = self.place(&path)?;
                self.expanded.entry(path.config()).or_default().push(path);
                Some((key, child))
            });
            made.collect()
        });
        self.modules[at].calls.insert(call.name.clone(), Calls { shape, keys });
    }

    /// The instances of a module, given by its path without keys, that its calls make.
    #[must_use]
    pub fn expansions(&self, config: &ModulePath) -> &[ModulePath] {
        self.expanded.get(config).map_or(&[], Vec::as_slice)
    }

    fn instances_mut(&mut self, address: &Address) -> Option<&mut Instances> {
        let at = self.place(&address.module)?;
        let kinds = &mut self.modules[at].blocks[address.mode as usize];
        let names = match kinds.get_mut(&address.kind) {
            Some(_) => kinds.get_mut(&address.kind)?,
            None => kinds.entry(address.kind.clone()).or_default(),
        };
        Some(names.entry(address.name.clone()).or_insert_with(|| Instances {
            block: address.block(),
            shape: Shape::default(),
            broken: false,
            values: BTreeMap::new(),
            whole: OnceCell::new(),
        }))
    }

    /// A block has instances of that shape; none of them is known yet.
    pub fn declare(&mut self, block: &Address, shape: Shape) {
        if let Some(instances) = self.instances_mut(block) {
            instances.shape = shape;
        }
    }

    /// Nobody can tell which instances a block has, since that could not be evaluated: whatever is asked of it is unknown.
    pub fn give_up(&mut self, block: &Address) {
        if let Some(instances) = self.instances_mut(block) {
            instances.broken = true;
        }
    }

    /// The value of an instance. Of one in a module that the stack no longer has nobody asks.
    pub fn set(&mut self, address: &Address, value: Value) {
        if let Some(instances) = self.instances_mut(address) {
            instances.values.insert(address.key.clone(), value);
            instances.whole = OnceCell::new();
        }
        if self.now.is_some() {
            self.stamp += 1;
        }
    }

    /// An instance is no more.
    pub fn remove(&mut self, address: &Address) {
        if let Some(instances) = self.instances_mut(address) {
            instances.values.remove(&address.key);
            instances.whole = OnceCell::new();
        }
    }

    /// What was evaluated so far and was not known, since it was too early, is evaluated again.
    pub fn forget(&mut self) {
        self.stamp += 1;
    }

    fn held(&self, block: &Address) -> Option<&Instances> {
        let at = *self.paths.get(&block.module)?;
        self.modules[at].instances(block.mode, &block.kind, &block.name)
    }

    /// The value of an instance, as far as it is known.
    #[must_use]
    pub fn value(&self, address: &Address) -> Option<Value> {
        self.held(address)?.values.get(&address.key).cloned()
    }

    /// The instances of a block that are known so far.
    #[must_use]
    pub fn instances(&self, block: &Address) -> Vec<Address> {
        let known = self.held(block).into_iter().flat_map(|i| i.values.keys());
        known.map(|key| block.with_key(key.clone())).collect()
    }

    /// What `evaluate` gives, and the instances that it asked for.
    pub fn trace<T>(&self, evaluate: impl FnOnce() -> Result<T>) -> (Result<T>, BTreeSet<Address>) {
        let before = std::mem::take(&mut *self.touched.borrow_mut());
        let result = evaluate();
        (result, std::mem::replace(&mut *self.touched.borrow_mut(), before))
    }

    fn touch<'t>(&self, addresses: impl IntoIterator<Item = &'t Address>) {
        self.touched.borrow_mut().extend(addresses.into_iter().cloned());
    }

    /// What a reference in `depends_on` or `replace_triggered_by` means, where it stands in that module: a block or an instance; of
    /// a module all of its blocks.
    #[must_use]
    pub fn meant(&self, within: &ModulePath, reference: &Reference) -> Vec<Address> {
        match &reference.target {
            Target::Resource { mode, kind, name } => vec![Address {
                module: within.clone(),
                mode: *mode,
                key: reference.key.clone(),
                ..Address::managed(kind.clone(), name.clone())
            }],
            Target::Module(name) => {
                let call = self.paths.get(within).and_then(|at| self.modules[*at].module.calls.get(name));
                let mut found = vec![];
                if let Some(call) = call {
                    all_of(&call.module, &within.child(name.clone(), reference.key.clone()), &mut found);
                }
                found
            }
            _ => vec![],
        }
    }

    /// What everything in that module has to wait for, since a call of it or of one around it says so.
    #[must_use]
    pub fn called_after(&self, module: &ModulePath) -> Vec<Address> {
        let mut found = vec![];
        let mut at = self.paths.get(module).copied();
        while let Some((caller, call)) = at.and_then(|at| self.modules[at].caller) {
            found.extend(call.depends_on.iter().flat_map(|r| self.meant(&self.modules[caller].path, r)));
            at = Some(caller);
        }
        found
    }
}

/// The blocks of a module and of those in it; without a key on the way, of all instances.
fn all_of(module: &Module, path: &ModulePath, found: &mut Vec<Address>) {
    found.extend(module.resources.iter().map(|block| block.address.within(path)));
    for (name, call) in &module.calls {
        all_of(&call.module, &path.child(name.clone(), None), found);
    }
}

impl Inhabited<'_> {
    fn instances(&self, mode: Mode, kind: &str, name: &str) -> Option<&Instances> {
        self.blocks[mode as usize].get(kind)?.get(name)
    }
}

impl Instances {
    fn whole(&self) -> Value {
        let values = || self.values.iter().map(|(key, value)| (key.clone(), value.clone()));
        self.whole.get_or_init(|| self.shape.whole(values())).clone()
    }
}
