//! The syntax tree of a stack, the same for every spelling of the language.

use std::path::PathBuf;
use std::sync::Arc;

use globset::GlobMatcher;
use indexmap::IndexMap;
use jiff::civil::Date;

use super::expr::{Expr, Reference};
use super::types::Defaults;
use crate::words::{Address, ModulePath, Selection, Span, Type, Value};

/// A stack: its name, and what it holds.
#[derive(Clone, Debug)]
pub struct Stack {
    /// `name` of `[stack]`, else the name of the directory.
    pub name: Arc<str>,
    /// `description` of `[stack]`.
    pub description: Option<String>,
    /// Its directory.
    pub dir: PathBuf,
    /// Where its state lies by its `terraform` block, relative to its directory.
    pub backend: Option<PathBuf>,
    /// Which drift is left alone.
    pub drift: Vec<DriftRule>,
    /// What it holds.
    pub module: Module,
}

/// `[[drift.ignore]]`: drift that is known and left alone.
#[derive(Clone, Debug)]
pub struct DriftRule {
    /// Of which resources.
    pub address: GlobMatcher,
    /// Of which attributes; of all where none is named, and then also that it is gone.
    pub attributes: Vec<GlobMatcher>,
    /// Why.
    pub reason: String,
    /// The last day on which it holds.
    pub expires: Option<Date>,
    /// Where that is said.
    pub span: Span,
}

impl Stack {
    /// The module at that place among the calls; keys are left aside.
    pub fn module_at(&self, path: &ModulePath) -> Option<&Module> {
        path.iter().try_fold(&self.module, |module, (name, _)| module.calls.get(name).map(|call| call.module.as_ref()))
    }

    /// The block that the address belongs to, whichever module it is in.
    pub fn block(&self, address: &Address) -> Option<&Block> {
        self.module_at(&address.module)?.block(address)
    }
}

/// What the files of one directory hold.
#[derive(Clone, Debug, Default)]
pub struct Module {
    /// `[variable.NAME]`
    pub variables: IndexMap<Arc<str>, Variable>,
    /// `[locals]`
    pub locals: IndexMap<Arc<str>, Expr>,
    /// `[provider.NAME]`
    pub providers: Vec<ProviderBlock>,
    /// `[resource.TYPE.NAME]` and `[data.TYPE.NAME]`
    pub resources: Vec<Block>,
    /// `[output.NAME]`
    pub outputs: IndexMap<Arc<str>, Output>,
    /// `[check.NAME]`
    pub checks: IndexMap<Arc<str>, Check>,
    /// `[module.NAME]`
    pub calls: IndexMap<Arc<str>, Call>,
    /// `[[moved]]`
    pub moved: Vec<Moved>,
    /// `[[removed]]`
    pub removed: Vec<Removed>,
    /// `[[import]]`
    pub imports: Vec<Import>,
    /// `required_providers` of `[terraform]`
    pub required: Vec<Required>,
    /// Its directory, relative to that of the stack, or absolute.
    pub dir: Arc<str>,
    /// The same as expressions see it: `path.module`.
    pub shown: Arc<str>,
}

impl Module {
    /// Calls `see` for each expression of it, but not for those of modules that it calls.
    pub(super) fn each_expr(&self, see: &mut dyn FnMut(&Expr)) {
        let of = |conditions: &[Condition], see: &mut dyn FnMut(&Expr)| {
            conditions.iter().flat_map(|c| [&c.condition, &c.error_message]).for_each(see);
        };
        self.locals.values().chain(self.providers.iter().map(|p| &p.body)).for_each(&mut *see);
        for block in &self.resources {
            [&block.count, &block.for_each, &block.timeouts].into_iter().flatten().chain([&block.body]).for_each(&mut *see);
            of(&block.lifecycle.preconditions, see);
            of(&block.lifecycle.postconditions, see);
        }
        for output in self.outputs.values() {
            see(&output.value);
            of(&output.preconditions, see);
        }
        for call in self.calls.values() {
            [&call.count, &call.for_each].into_iter().flatten().chain([&call.inputs]).for_each(&mut *see);
        }
        for import in &self.imports {
            import.for_each.iter().chain([&import.id]).for_each(&mut *see);
        }
        self.checks.values().for_each(|check| of(&check.asserts, see));
        self.variables.values().for_each(|variable| of(&variable.validations, see));
    }

    /// Whether any variable or output of it is ephemeral.
    pub fn uses_ephemeral(&self) -> bool {
        self.variables.values().any(|v| v.ephemeral) || self.outputs.values().any(|o| o.ephemeral)
    }

    /// The block of that name; keys and modules in the address are left aside.
    pub fn block(&self, address: &Address) -> Option<&Block> {
        let Address { mode, kind, name, .. } = address;
        self.resources.iter().find(|b| b.address.name == *name && b.address.kind == *kind && b.address.mode == *mode)
    }
}

/// A configuration of a provider as a module names it: the provider's name, and the alias.
pub type ConfigRef = (Arc<str>, Option<Arc<str>>);

/// A call of a module.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: Arc<str>,
    /// Its header.
    pub span: Span,
    /// Where its files are, as it is written.
    pub source: Arc<str>,
    /// The place of that.
    pub source_span: Span,
    /// Whether a `version` is given, as modules of a registry have it.
    pub versioned: bool,
    /// What it holds; calls of the same directory share it.
    pub module: Arc<Module>,
    /// How many.
    pub count: Option<Expr>,
    /// One for each element.
    pub for_each: Option<Expr>,
    /// What else has to be there before anything in it.
    pub depends_on: Vec<Reference>,
    /// The configurations of providers that it gets: as it calls them, and as the caller does. None where it inherits the caller's.
    pub providers: Option<Vec<(ConfigRef, ConfigRef)>>,
    /// The values of its variables, an object.
    pub inputs: Expr,
}

impl Call {
    /// What it gives to that variable; none where the default holds.
    pub fn input(&self, name: &str) -> Option<&Expr> {
        self.inputs.entry(name)
    }

    /// Whether it has `count` or `for_each`.
    pub fn repeated(&self) -> bool {
        self.count.is_some() || self.for_each.is_some()
    }
}

/// A provider that a module asks for.
#[derive(Clone, Debug)]
pub struct Required {
    /// What the module calls it.
    pub name: Arc<str>,
    /// The versions that it takes, and where it says so.
    pub version: Option<(Arc<str>, Span)>,
    /// The configurations that its caller has to pass.
    pub aliases: Vec<ConfigRef>,
    /// Where that is said.
    pub span: Span,
}

/// What has another address now than in the state.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Its address before, within the module.
    pub from: Selection,
    /// Its address now.
    pub to: Selection,
    /// Where that is said.
    pub span: Span,
}

/// What is no longer managed.
#[derive(Clone, Debug)]
pub struct Removed {
    /// Its address, without keys.
    pub from: Selection,
    /// Whether it is destroyed, or only leaves the state.
    pub destroy: bool,
    /// Where that is said.
    pub span: Span,
}

/// What is taken into the state.
#[derive(Clone, Debug)]
pub struct Import {
    /// The address that it gets; keys may be expressions.
    pub to: Expr,
    /// Where that is written.
    pub to_span: Span,
    /// Its id.
    pub id: Expr,
    /// One for each element.
    pub for_each: Option<Expr>,
    /// By which configuration of the provider it is looked up.
    pub provider: Option<ConfigRef>,
    /// Where that is said.
    pub span: Span,
}

/// A variable.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: Arc<str>,
    /// What its values are converted to.
    pub ty: Type,
    /// What stands in place of `optional(...)` attributes of the type.
    pub defaults: Defaults,
    /// Its value where none is given, converted; none when one must be given.
    pub default: Option<Value>,
    /// What it is for.
    pub description: Option<String>,
    /// Whether its value is never shown.
    pub sensitive: bool,
    /// Whether its value is never kept, in no plan and in no state.
    pub ephemeral: bool,
    /// Whether null is a value, and not the default's cue.
    pub nullable: bool,
    /// What its values have to satisfy.
    pub validations: Vec<Condition>,
    /// Its header.
    pub span: Span,
}

/// Something that must be true, and what is told where it isn't: of `validation`, `precondition`, `postcondition` and `assert`.
#[derive(Clone, Debug)]
pub struct Condition {
    /// Must be true.
    pub condition: Expr,
    /// What is wrong when it isn't.
    pub error_message: Expr,
}

/// The configuration of a provider.
#[derive(Clone, Debug)]
pub struct ProviderBlock {
    /// Its name, `aws`.
    pub name: Arc<str>,
    /// Which of several configurations.
    pub alias: Option<Arc<str>>,
    /// Its arguments.
    pub body: Expr,
    /// Its header.
    pub span: Span,
}

/// A resource or data source.
#[derive(Clone, Debug)]
pub struct Block {
    /// Its address, without key.
    pub address: Address,
    /// Its header.
    pub span: Span,
    /// How many.
    pub count: Option<Expr>,
    /// One for each element.
    pub for_each: Option<Expr>,
    /// What else has to be there first.
    pub depends_on: Vec<Reference>,
    /// Which configuration of the provider.
    pub provider: Option<ConfigRef>,
    /// How it is replaced and protected.
    pub lifecycle: Lifecycle,
    /// The `check` that it belongs to: a data source that fails there fails that check, and stops nothing.
    pub of_check: Option<Arc<str>>,
    /// Time limits, an object.
    pub timeouts: Option<Expr>,
    /// Its arguments: all that is named nowhere else here.
    pub body: Expr,
}

/// `lifecycle` of a resource.
#[derive(Clone, Debug, Default)]
pub struct Lifecycle {
    /// Replace by making the new one first; none where nothing is said.
    pub create_before_destroy: Option<bool>,
    /// Refuse any plan that destroys it.
    pub prevent_destroy: bool,
    /// Take over what exists instead of making it; none where nothing is said.
    pub adopt: Option<bool>,
    /// What is left alone after creation.
    pub ignore_changes: Ignore,
    /// Replace it when one of these changes.
    pub replace_triggered_by: Vec<Reference>,
    /// Checked before it is planned.
    pub preconditions: Vec<Condition>,
    /// Checked when it is known.
    pub postconditions: Vec<Condition>,
}

/// `ignore_changes` of a lifecycle.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ignore {
    /// Nothing.
    #[default]
    None,
    /// `all`
    All,
    /// These paths, `tags.Owner`, `ingress.0.from_port`.
    Paths(Vec<String>),
}

/// An output.
#[derive(Clone, Debug)]
pub struct Output {
    /// What it gives.
    pub value: Expr,
    /// Whether it is never shown.
    pub sensitive: bool,
    /// Whether it is never kept; of the outputs of modules alone.
    pub ephemeral: bool,
    /// What it is.
    pub description: Option<String>,
    /// What else has to be there first.
    pub depends_on: Vec<Reference>,
    /// Checked before it is given.
    pub preconditions: Vec<Condition>,
    /// Its header.
    pub span: Span,
}

/// Assertions about what was made: a failure is told and stops nothing.
#[derive(Clone, Debug)]
pub struct Check {
    /// What has to be true.
    pub asserts: Vec<Condition>,
    /// Its header.
    pub span: Span,
}
