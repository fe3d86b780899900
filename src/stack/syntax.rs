//! The syntax tree of a stack, the same for every spelling of the language.

use std::path::PathBuf;
use std::sync::Arc;

use indexmap::IndexMap;

use super::expr::{Expr, Reference};
use super::types::Defaults;
use crate::words::{Address, Span, Type, Value};

/// A stack: its name, and what it holds.
#[derive(Clone, Debug)]
pub struct Stack {
    /// `name` of `[stack]`, else the name of the directory.
    pub name: Arc<str>,
    /// `description` of `[stack]`.
    pub description: Option<String>,
    /// Its directory.
    pub dir: PathBuf,
    /// What it holds.
    pub module: Module,
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
    /// Its directory.
    pub dir: PathBuf,
}

impl Module {
    /// The block of that address; a key in the address is left aside.
    pub fn block(&self, address: &Address) -> Option<&Block> {
        self.resources.iter().find(|b| b.address == address.block())
    }
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
    /// Which configuration of the provider: name and alias.
    pub provider: Option<(Arc<str>, Option<Arc<str>>)>,
    /// How it is replaced and protected.
    pub lifecycle: Lifecycle,
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
