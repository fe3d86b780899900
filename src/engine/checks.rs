//! How conditions come out: of `check` blocks, and those of resources, outputs and variables.

use super::evaluate;
use super::plan::{CheckResult, Checked};
use super::tree::Tree;
use super::world::{Frame, World};
use crate::stack::Condition;
use crate::words::ModulePath;

/// All conditions of a stack in every instance of its modules. `troubles` are what kept the data sources of checks from being read.
pub(super) fn checks(tree: &Tree<'_>, world: &World<'_>, troubles: &[(Checked, String)]) -> Vec<CheckResult> {
    let mut found = vec![];
    for site in &tree.sites {
        for path in world.expansions(&site.path) {
            let frame = || Frame::in_module(world, path);
            for variable in site.module.variables.values().filter(|v| !v.validations.is_empty()) {
                found.push(result(Checked::Variable(path.clone(), variable.name.clone()), &variable.validations, &frame()));
            }
            for (name, output) in site.module.outputs.iter().filter(|(_, o)| !o.preconditions.is_empty()) {
                found.push(result(Checked::Output(path.clone(), name.clone()), &output.preconditions, &frame()));
            }
            for (name, check) in &site.module.checks {
                let object = Checked::Check(path.clone(), name.clone());
                let mut result = result(object, &check.asserts, &frame());
                let trouble = troubles.iter().filter(|(object, _)| *object == result.object).map(|(_, why)| why.clone());
                result.messages.splice(0..0, trouble);
                if !result.messages.is_empty() {
                    result.holds = Some(false);
                }
                found.push(result);
            }
            found.extend(of_resources(site.module, path, world));
        }
    }
    found.sort_by_cached_key(|result| (result.object.config().to_string(), result.object.clone()));
    found
}

fn of_resources(module: &crate::stack::Module, path: &ModulePath, world: &World<'_>) -> Vec<CheckResult> {
    let mut found = vec![];
    for block in &module.resources {
        let life = &block.lifecycle;
        if life.preconditions.is_empty() && life.postconditions.is_empty() {
            continue;
        }
        for spot in evaluate::spots(world, path, block).unwrap_or_default() {
            let object = || Checked::Resource(spot.address.clone());
            let mut before = result(object(), &life.preconditions, &spot.frame(world));
            let own = Frame { own: world.value(&spot.address), ..spot.frame(world) };
            let after = result(object(), &life.postconditions, &own);
            before.holds = before.holds.and_then(|b| after.holds.map(|a| a && b)).or_else(|| after.holds.filter(|a| !a));
            before.messages.extend(after.messages);
            found.push(before);
        }
    }
    found
}

/// How conditions come out; one that can't be evaluated does not hold.
fn result(object: Checked, conditions: &[Condition], frame: &Frame<'_, '_>) -> CheckResult {
    let (mut holds, mut messages) = (Some(true), vec![]);
    for condition in conditions {
        let unknown = condition.condition.eval(frame).is_ok_and(|v| v.is_unknown());
        match evaluate::violated(condition, frame) {
            Ok(None) if unknown => holds = None,
            Ok(None) => {}
            Ok(Some(message)) => messages.push(message),
            Err(error) => messages.push(error.to_string()),
        }
    }
    CheckResult { object, holds: if messages.is_empty() { holds } else { Some(false) }, messages }
}

/// The results as Terraform's state has them; null where nothing is checked.
pub(super) fn in_state(results: &[CheckResult]) -> serde_json::Value {
    use serde_json::{Value as Json, json};
    let mut blocks: Vec<(Checked, Vec<&CheckResult>)> = vec![];
    for result in results {
        match blocks.last_mut().filter(|(config, _)| *config == result.object.config()) {
            Some((_, objects)) => objects.push(result),
            None => blocks.push((result.object.config(), vec![result])),
        }
    }
    let object = |result: &&CheckResult| {
        let mut told = json!({ "object_addr": result.object.to_string(), "status": result.status() });
        if !result.messages.is_empty() {
            told["failure_messages"] = result.messages.clone().into();
        }
        told
    };
    let block = |(config, objects): (Checked, Vec<&CheckResult>)| {
        let status = CheckResult::all(objects.iter().copied());
        let objects: Vec<Json> = objects.iter().map(object).collect();
        json!({ "object_kind": config.kind(), "config_addr": config.to_string(), "status": status, "objects": objects })
    };
    if blocks.is_empty() { Json::Null } else { blocks.into_iter().map(block).collect() }
}
