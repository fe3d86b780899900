//! What an expression is evaluated in.

use super::files::Files;
use crate::words::{Diagnostic, Key, Mode, Result, Value};

/// Gives the values that names stand for. Asked only for what an evaluation needs, so whoever implements it knows what was used.
///
/// Errors need no place: the evaluator adds that of the reference.
#[expect(clippy::unnecessary_literal_bound, reason = "others give texts of their own")]
pub trait Scope {
    /// The variable of that name; none when it isn't declared.
    fn variable(&self, name: &str) -> Option<Result<Value>>;
    /// The local value of that name; none when it isn't declared.
    fn local(&self, name: &str) -> Option<Result<Value>>;
    /// With a key the value of that instance. Without: the whole block, an object where it has neither `count` nor `for_each`, a tuple for `count`, an object for `for_each`.
    fn resource(&self, mode: Mode, kind: &str, name: &str, key: Option<&Key>) -> Result<Value>;
    /// Whether a block has `count` or `for_each`. Only then is an index behind it asked for as a key.
    fn repeated(&self, _mode: Mode, _kind: &str, _name: &str) -> bool {
        true
    }
    /// With a key the outputs of that instance of a module, else of all of it, shaped like the value of a resource. Where `output` is
    /// given, nothing but that output is asked for.
    fn module(&self, name: &str, _key: Option<&Key>, _output: Option<&str>) -> Result<Value> {
        Err(Diagnostic::error(format!("there is no module `{name}`")).into())
    }
    /// Whether a module has `count` or `for_each`.
    fn module_repeated(&self, _name: &str) -> bool {
        true
    }
    /// `each.key`.
    fn each_key(&self) -> Option<Value> {
        None
    }
    /// `each.value`.
    fn each_value(&self) -> Option<Result<Value>> {
        None
    }
    /// `count.index`.
    fn count_index(&self) -> Option<u64> {
        None
    }
    /// `self`, in conditions after the resource and in connections.
    fn self_value(&self) -> Option<Result<Value>> {
        None
    }
    /// The module's folder, from where the command works: what [`Files::module`] gives.
    fn module_path(&self) -> &str {
        self.root_path()
    }
    /// The stack's folder, from where the command works.
    fn root_path(&self) -> &str {
        &self.files().paths().root
    }
    /// The folder that the command was started in, absolute.
    fn cwd(&self) -> &str {
        &self.files().paths().cwd
    }
    /// The workspace.
    fn workspace(&self) -> &str {
        "default"
    }
    /// The files beside the stack.
    fn files(&self) -> &Files;
    /// The time for `timestamp()`; none while planning, when it isn't known yet.
    fn now(&self) -> Option<jiff::Timestamp> {
        None
    }
    /// The time of the plan, for `plantimestamp()`.
    fn plan_time(&self) -> Option<jiff::Timestamp> {
        None
    }
    /// Whether values that differ each time (`uuid()`) may be made: not while planning.
    fn applies(&self) -> bool {
        self.now().is_some()
    }
}

/// Nothing but the files: for expressions that may refer to nothing.
pub struct Nothing<'a>(pub &'a Files);

impl Scope for Nothing<'_> {
    fn variable(&self, _: &str) -> Option<Result<Value>> {
        None
    }
    fn local(&self, _: &str) -> Option<Result<Value>> {
        None
    }
    fn resource(&self, _: Mode, kind: &str, name: &str, _: Option<&Key>) -> Result<Value> {
        Err(Diagnostic::error(format!("`{kind}.{name}` can't be used here")).into())
    }
    fn files(&self) -> &Files {
        self.0
    }
}
