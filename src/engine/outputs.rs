//! Plans outputs, and evaluates checks.

use std::collections::BTreeMap;

use super::evaluate;
use super::plan::{CheckResult, OutputChange};
use super::planner::Planner;
use super::world::{Frame, World};
use crate::state::State;
use crate::words::{Diagnostic, Value};

impl Planner<'_> {
    pub(super) fn outputs(&mut self) -> BTreeMap<String, OutputChange> {
        let mut outputs = BTreeMap::new();
        let held = &self.request.state.outputs;
        for (name, output) in &self.request.stack.module.outputs {
            let before = held.get(name.as_ref()).map(|o| o.value.clone()).unwrap_or_default();
            if self.scope.blocks.is_some() && !self.scope_reaches(output) {
                outputs.insert(name.to_string(), OutputChange { after: before.clone(), before, sensitive: output.sensitive });
                continue;
            }
            let frame = Frame::of(&self.world);
            let Some(after) = self.errors.keep(output.value.eval(&frame)) else { continue };
            let held_to = evaluate::conditions(&output.preconditions, &frame, &format!("output.{name}"), "precondition");
            self.errors.keep(held_to);
            if after.has_sensitive() && !output.sensitive {
                let error = Diagnostic::error(format!("output.{name} holds a sensitive value and is not declared sensitive"));
                self.errors.push(error.at(output.value.span(), "").help("add `sensitive = true` to the output"));
            }
            let same = super::same::same(&crate::words::schema::Kind::Any, &before, &after);
            let after = if same { before.clone() } else { after };
            outputs.insert(name.to_string(), OutputChange { before, after, sensitive: output.sensitive });
        }
        for (name, output) in held.iter().filter(|(name, _)| !self.request.stack.module.outputs.contains_key(name.as_str())) {
            outputs.insert(name.clone(), OutputChange { before: output.value.clone(), after: Value::Null, sensitive: output.sensitive });
        }
        outputs
    }

    /// Whether all that an output refers to takes part.
    fn scope_reaches(&self, output: &crate::stack::Output) -> bool {
        let targets = output.value.references();
        targets
            .iter()
            .filter_map(|r| evaluate::block_of(&r.target))
            .all(|address| self.blocks.get(&address).is_some_and(|i| self.scope.block(*i)))
    }

    pub(super) fn checks(&mut self) -> Vec<CheckResult> {
        let results = self.request.stack.module.checks.iter().map(|(name, check)| check_result(name, check, &self.world));
        results.collect()
    }
}

/// How a `check` block comes out in a world; an assertion that can't be evaluated does not hold.
pub(super) fn check_result(name: &str, check: &crate::stack::Check, world: &World<'_>) -> CheckResult {
    let (mut holds, mut messages) = (Some(true), vec![]);
    for assertion in &check.asserts {
        let frame = Frame::of(world);
        let unknown = assertion.condition.eval(&frame).is_ok_and(|v| v.is_unknown());
        match evaluate::violated(assertion, &frame) {
            Ok(None) if unknown => holds = holds.filter(|h| !h),
            Ok(None) => {}
            Ok(Some(message)) => messages.push(message),
            Err(error) => messages.push(error.to_string()),
        }
    }
    CheckResult { name: format!("check.{name}"), holds: if messages.is_empty() { holds } else { Some(false) }, messages }
}

/// All outputs go.
pub(super) fn gone(state: &State) -> BTreeMap<String, OutputChange> {
    let gone = |(name, output): (&String, &crate::state::Output)| {
        (name.clone(), OutputChange { before: output.value.clone(), after: Value::Null, sensitive: output.sensitive })
    };
    state.outputs.iter().map(gone).collect()
}
