//! Plans outputs, and evaluates checks.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::evaluate;
use super::plan::OutputChange;
use super::planner::{Planner, Request};
use super::world::Frame;
use crate::stack::Scope as _;
use crate::state::State;
use crate::words::{Diagnostic, Value};

impl Planner<'_> {
    pub(super) fn outputs(&mut self) -> BTreeMap<String, OutputChange> {
        let mut outputs = BTreeMap::new();
        let held = &self.request.state.outputs;
        for (name, output) in &self.request.stack.module.outputs {
            let before = held.get(name.as_ref()).map(|o| o.value.clone()).unwrap_or_default();
            let frame = Frame::of(&self.world);
            let (after, touched) = self.world.trace(|| output.value.eval(&frame));
            if self.scope.blocks.is_some() && !touched.iter().all(|a| self.tree.find(a).is_some_and(|i| self.scope.block(i))) {
                outputs
                    .insert(name.to_string(), OutputChange { after: before.clone(), before, declared: true, sensitive: output.sensitive });
                continue;
            }
            let Some(after) = self.errors.keep(after) else { continue };
            let held_to = evaluate::conditions(&output.preconditions, &frame, &format!("output.{name}"), "precondition");
            self.errors.keep(held_to);
            if after.has_ephemeral() {
                let error = Diagnostic::error(format!("output.{name} holds an ephemeral value, which the state can't keep"));
                self.errors.push(error.at(output.value.span(), "").help("leave it out, or use `ephemeralasnull(...)`"));
                continue;
            }
            if after.has_sensitive() && !output.sensitive {
                let error = Diagnostic::error(format!("output.{name} holds a sensitive value and is not declared sensitive"));
                self.errors.push(error.at(output.value.span(), "").help("add `sensitive = true` to the output"));
            }
            // What JSON can't tell apart the state can't either.
            let same = after.is_known() && before.to_json() == after.to_json();
            let after = if same { before.clone() } else { after };
            outputs.insert(name.to_string(), OutputChange { before, after, declared: true, sensitive: output.sensitive });
        }
        for (name, output) in held.iter().filter(|(name, _)| !self.request.stack.module.outputs.contains_key(name.as_str())) {
            outputs.insert(
                name.clone(),
                OutputChange { before: output.value.clone(), after: Value::Null, declared: false, sensitive: output.sensitive },
            );
        }
        outputs
    }

    /// What must hold of variables and outputs of modules, in every instance of them.
    pub(super) fn conditions_of_modules(&mut self) {
        // Outputs that nobody asks for are wrong in one way alone.
        let ephemeral = self.tree.sites.iter().any(|site| site.module.uses_ephemeral());
        for site in self.tree.sites.iter().filter(|site| site.caller.is_some()) {
            for path in self.world.expansions(&site.path) {
                let frame = Frame::in_module(&self.world, path);
                for name in site.module.variables.keys() {
                    self.errors.keep(frame.variable(name).transpose());
                }
                for (name, output) in &site.module.outputs {
                    if ephemeral {
                        self.errors.keep(self.world.output_of(path, name));
                    }
                    let held_to = evaluate::conditions(&output.preconditions, &frame, &format!("{path}.{name}"), "precondition");
                    self.errors.keep(held_to);
                }
            }
        }
    }
}

/// The values of variables that a plan keeps: of those that are ephemeral the defaults alone.
pub(super) fn kept_variables(request: &Request<'_>) -> BTreeMap<Arc<str>, Value> {
    let kept = request.variables.iter().filter_map(|(name, value)| {
        let default = || request.stack.module.variables.get(name)?.default.clone();
        if value.marks().ephemeral {
            return default().filter(|default| default.bare_deep() == value.bare_deep()).map(|value| (name.clone(), value));
        }
        Some((name.clone(), value.clone()))
    });
    kept.collect()
}

/// All outputs go.
pub(super) fn gone(state: &State) -> BTreeMap<String, OutputChange> {
    let gone = |(name, output): (&String, &crate::state::Output)| {
        (name.clone(), OutputChange { before: output.value.clone(), after: Value::Null, declared: false, sensitive: output.sensitive })
    };
    state.outputs.iter().map(gone).collect()
}
