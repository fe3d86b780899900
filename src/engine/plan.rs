//! A plan: what will be done to which instance, in which order, and why. Plain data: made by `planner`, walked by `apply`,
//! shown by whoever listens.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::words::resource::Identity;
use crate::words::{Address, Diagnostic, ModulePath, Value};

/// What is done to one instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Nothing.
    Nothing,
    /// A data source is read during apply, since what it asks for is not known before.
    Read,
    /// It is made.
    Create,
    /// It is changed in place.
    Update,
    /// It is destroyed and made anew.
    Replace {
        /// The new one is made before the old one is destroyed.
        create_first: bool,
    },
    /// It is destroyed.
    Delete,
    /// It leaves the state and stays where it is.
    Forget,
}

impl Action {
    /// Whether it does anything to a resource.
    #[must_use]
    pub const fn acts(self) -> bool {
        !matches!(self, Self::Nothing | Self::Read)
    }
}

/// Why an instance is destroyed or replaced; the words are Terraform's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An attribute changes that can't change in place.
    CannotUpdate,
    /// The user asked with `--replace`.
    ByRequest,
    /// Something in `replace_triggered_by` changes.
    ByTriggers,
    /// An earlier run left it tainted.
    Tainted,
    /// Its block is gone from the stack.
    NoConfig,
    /// `count` is smaller now.
    CountIndex,
    /// Its key is gone from `for_each`.
    EachKey,
    /// The block has `count` or `for_each` now, or no longer.
    WrongRepetition,
    /// The instance of the module that it is in is gone.
    NoModule,
    /// It was moved to where the stack has no block.
    NoMoveTarget,
    /// The whole stack is destroyed.
    Destroying,
    /// It was adopted, not made: it leaves the state and stays.
    Adopted,
}

impl Reason {
    /// Terraform's word in the plan's JSON, `action_reason`; none where Terraform gives none.
    #[must_use]
    pub const fn terraform(self) -> Option<&'static str> {
        Some(match self {
            Self::CannotUpdate => "replace_because_cannot_update",
            Self::ByRequest => "replace_by_request",
            Self::ByTriggers => "replace_by_triggers",
            Self::Tainted => "replace_because_tainted",
            Self::NoConfig => "delete_because_no_resource_config",
            Self::CountIndex => "delete_because_count_index",
            Self::EachKey => "delete_because_each_key",
            Self::WrongRepetition => "delete_because_wrong_repetition",
            Self::NoModule => "delete_because_no_module",
            Self::NoMoveTarget => "delete_because_no_move_target",
            Self::Destroying | Self::Adopted => return None,
        })
    }
}

/// What is planned for one instance.
#[derive(Clone, Debug)]
pub struct Change {
    /// Which instance.
    pub address: Address,
    /// The key of a deposed object of it, which is destroyed; the instance itself has a change of its own.
    pub deposed: Option<String>,
    /// Its provider as the state names it, `provider["registry.terraform.io/hashicorp/aws"].west`.
    pub provider: Arc<str>,
    /// What is done.
    pub action: Action,
    /// Why it is destroyed or replaced.
    pub reason: Option<Reason>,
    /// All attributes as they are, refreshed, `id` among them; null when it is to be created.
    pub before: Value,
    /// All attributes as they will be; null when it is to be destroyed. What only apply will tell is unknown.
    pub after: Value,
    /// The attributes that differ, at the top level.
    pub changed: Vec<String>,
    /// The attributes whose change forces a replacement.
    pub replace: Vec<String>,
    /// The instances that it refers to directly.
    pub dependencies: Vec<Address>,
    /// Its replacement is made before it is removed, whenever that will be.
    pub create_before_destroy: bool,
    /// The id under which it is imported.
    pub importing: Option<String>,
    /// It was there before the stack, which took it over without anybody naming its id, or now does.
    pub adopted: bool,
    /// Where it stood before it was moved.
    pub moved_from: Option<Address>,
}

/// What someone else did since the last apply.
#[derive(Clone, Debug)]
pub struct Drift {
    /// Which instance.
    pub address: Address,
    /// What the state held.
    pub before: Value,
    /// What there is; null when it is gone.
    pub after: Value,
    /// The attributes that differ.
    pub changed: Vec<String>,
}

/// A block that is to be written for what is imported without one.
#[derive(Clone, Debug)]
pub struct Generated {
    /// Its address.
    pub address: Address,
    /// The id by which it was found.
    pub id: String,
    /// The configuration of the provider that the import names.
    pub provider: Option<(Arc<str>, Option<Arc<str>>)>,
    /// Its arguments, an object; nested blocks are tuples of objects.
    pub arguments: Value,
    /// Arguments that are not shown, since they are secret or since nothing but a hash of them is known.
    pub hidden: Vec<String>,
}

/// What is planned for one output.
#[derive(Clone, Debug, PartialEq)]
pub struct OutputChange {
    /// What the state holds; null when it is new.
    pub before: Value,
    /// What it will be; null when it goes.
    pub after: Value,
    /// The stack has it: where it is null it is there all the same.
    pub declared: bool,
    /// Never shown.
    pub sensitive: bool,
}

/// What has conditions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Checked {
    /// A `check` block in an instance of a module.
    Check(ModulePath, Arc<str>),
    /// An output.
    Output(ModulePath, Arc<str>),
    /// A resource or data source.
    Resource(Address),
    /// A variable.
    Variable(ModulePath, Arc<str>),
}

impl Checked {
    /// Terraform's word for it in a state.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Check(..) => "check",
            Self::Output(..) => "output",
            Self::Resource(_) => "resource",
            Self::Variable(..) => "var",
        }
    }

    /// The same as the configuration has it, without any keys.
    #[must_use]
    pub fn config(&self) -> Self {
        match self {
            Self::Check(path, name) => Self::Check(path.config(), name.clone()),
            Self::Output(path, name) => Self::Output(path.config(), name.clone()),
            Self::Resource(address) => Self::Resource(address.config()),
            Self::Variable(path, name) => Self::Variable(path.config(), name.clone()),
        }
    }

    /// The module that it is in, and how it is called there.
    #[must_use]
    pub fn parts(&self) -> (&ModulePath, String) {
        match self {
            Self::Check(path, name) => (path, format!("check.{name}")),
            Self::Output(path, name) => (path, format!("output.{name}")),
            Self::Resource(address) => (&address.module, address.within(&ModulePath::default()).to_string()),
            Self::Variable(path, name) => (path, format!("var.{name}")),
        }
    }
}

impl std::fmt::Display for Checked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (path, local) = self.parts();
        if path.is_empty() { f.write_str(&local) } else { write!(f, "{path}.{local}") }
    }
}

/// How the conditions of something came out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckResult {
    /// What has them.
    pub object: Checked,
    /// Whether it holds; none when that is not known before apply.
    pub holds: Option<bool>,
    /// What the failed assertions say.
    pub messages: Vec<String>,
}

impl CheckResult {
    /// Terraform's word for it.
    #[must_use]
    pub const fn status(&self) -> &'static str {
        match self.holds {
            Some(true) => "pass",
            Some(false) => "fail",
            None => "unknown",
        }
    }

    /// That word for several together.
    pub fn all<'a>(results: impl Iterator<Item = &'a Self>) -> &'static str {
        let all: Vec<&str> = results.map(Self::status).collect();
        ["fail", "unknown"].into_iter().find(|word| all.contains(word)).unwrap_or("pass")
    }

    /// Whether it is a `check` block that fails: a failure that stops nothing, and is told.
    #[must_use]
    pub const fn warns(&self) -> bool {
        matches!((&self.object, self.holds), (Checked::Check(..), Some(false)))
    }
}

/// What the plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Purpose {
    /// To make the world like the stack.
    #[default]
    Apply,
    /// To destroy all that the state holds.
    Destroy,
    /// To make the state like the world.
    Refresh,
}

/// A plan.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The name of the stack.
    pub stack: String,
    /// What it is for.
    pub purpose: Purpose,
    /// Whose account it is for, where a provider has accounts and was asked.
    pub identity: Option<Identity>,
    /// The serial of the state that it was made from.
    pub serial: u64,
    /// The lineage of that state; empty when there was none.
    pub lineage: String,
    /// What is planned, dependencies before dependents; instances with nothing to do are there too.
    pub changes: Vec<Change>,
    /// What the state holds under another address: where it is now, and where it was.
    pub moves: BTreeMap<Address, Address>,
    /// What someone else did.
    pub drift: Vec<Drift>,
    /// What is planned for outputs.
    pub outputs: BTreeMap<String, OutputChange>,
    /// How checks came out.
    pub checks: Vec<CheckResult>,
    /// What should be told and is no error.
    pub warnings: Vec<Diagnostic>,
    /// Values of the root module's variables.
    pub variables: BTreeMap<Arc<str>, Value>,
    /// How many resources were read.
    pub read: usize,
    /// Blocks that have to be written before the imports without one can be planned.
    pub generated: Vec<Generated>,
}

/// How many changes of each sort a plan holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// To create.
    pub create: usize,
    /// To change in place, beyond tags.
    pub update: usize,
    /// To change in their tags alone.
    pub tags: usize,
    /// To replace.
    pub replace: usize,
    /// To destroy.
    pub delete: usize,
    /// To drop from the state.
    pub forget: usize,
    /// To import, whatever else happens to them.
    pub import: usize,
    /// With nothing to do.
    pub unchanged: usize,
}

impl Change {
    /// Whether nothing but tags changes.
    #[must_use]
    pub fn only_tags(&self) -> bool {
        self.action == Action::Update && self.changed.iter().all(|name| name == "tags" || name == "tags_all")
    }
}

impl Plan {
    /// Whether anything at all would be done: to resources, to outputs, or (when refreshing) to the state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let acts = self.changes.iter().any(|c| c.action.acts() || c.importing.is_some() || c.moved_from.is_some());
        let outputs = self.outputs.values().any(|o| o.before != o.after);
        !acts && !outputs && self.moves.is_empty() && (self.purpose != Purpose::Refresh || self.drift.is_empty())
    }

    /// How many changes of each sort there are.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        for change in self.changes.iter().filter(|c| c.address.mode == crate::words::Mode::Managed) {
            counts.import += usize::from(change.importing.is_some());
            *match change.action {
                Action::Create => &mut counts.create,
                Action::Update if change.only_tags() => &mut counts.tags,
                Action::Update => &mut counts.update,
                Action::Replace { .. } => &mut counts.replace,
                Action::Delete => &mut counts.delete,
                Action::Forget => &mut counts.forget,
                Action::Nothing | Action::Read => &mut counts.unchanged,
            } += 1;
        }
        counts
    }
}
