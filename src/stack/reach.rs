//! What an expression asks of its scope: modules and resources, an instance of them where an index says so.

use super::eval::{Cx, at_least_here, element};
use super::expr::{Expr, ModuleRef, ResourceRef, static_key};
use crate::words::{Result, Value};

impl Expr {
    pub(super) fn no_each(&self) -> Result<Value> {
        self.wrong("`each` has a meaning only in a block with `for_each`", "no `for_each` here")
    }

    /// The outputs of a module, or an object with nothing but the one that is asked for.
    pub(super) fn module(&self, m: &ModuleRef, output: Option<&str>, cx: &Cx<'_>) -> Result<Value> {
        let ask = |key, output| cx.scope.module(&m.name, key, output).map_err(|e| at_least_here(e, self));
        let repeated = cx.scope.module_repeated(&m.name);
        let Some(index) = &m.index else { return ask(None, output.filter(|_| !repeated)) };
        let at = index.value(cx)?;
        match static_key(&at).filter(|_| repeated) {
            Some(key) => ask(Some(&key), output).map(|v| v.marked(at.marks())),
            None => element(&ask(None, None)?, &at, self, index),
        }
    }

    pub(super) fn resource(&self, r: &ResourceRef, cx: &Cx<'_>) -> Result<Value> {
        let ask = |key| cx.scope.resource(r.mode, &r.kind, &r.name, key).map_err(|e| at_least_here(e, self));
        let Some(index) = &r.index else { return ask(None) };
        let at = index.value(cx)?;
        if let Some(key) = static_key(&at).filter(|_| cx.scope.repeated(r.mode, &r.kind, &r.name)) {
            return ask(Some(&key)).map(|v| v.marked(at.marks()));
        }
        element(&ask(None)?, &at, self, index)
    }
}
