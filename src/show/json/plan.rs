//! The JSON of a saved plan.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::configuration::{Configuration, configuration, relevant};
use super::state::{Resource, modules, outputs, state};
use super::{head, known, sensitives, unknowns};
use crate::engine::diff::stored as stored_form;
use crate::engine::plan::{Action, Change, CheckResult, Checked, Drift, OutputChange, Plan};
use crate::state::marked;
use crate::words::resource::Registry;
use crate::words::{Address, Mode, Value};

/// What the plan itself doesn't hold.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// What the stack says; without it `configuration` tells of blocks and providers alone.
    pub configuration: Configuration,
    /// When it was made, RFC 3339.
    pub timestamp: String,
    /// It leaves something out (`--target`, `--exclude`): another plan has to follow.
    pub partial: bool,
    /// Planning broke off.
    pub errored: bool,
}

/// The whole plan.
#[must_use]
pub fn plan(plan: &Plan, registry: &Registry, extra: &Extra) -> Json {
    let mut map = Map::new();
    map.insert("format_version".into(), "1.2".into());
    map.insert("terraform_version".into(), super::TERRAFORM_VERSION.into());
    if !plan.variables.is_empty() {
        map.insert("variables".into(), plan.variables.iter().map(|(k, v)| (k.to_string(), json!({ "value": v.to_json() }))).collect());
    }
    map.insert("planned_values".into(), planned_values(plan, registry));
    if !plan.drift.is_empty() {
        map.insert("resource_drift".into(), plan.drift.iter().map(|d| drift(plan, d, registry)).collect());
    }
    let mut changes: Vec<&Change> = plan.changes.iter().filter(|c| c.address.mode == Mode::Managed || c.action == Action::Read).collect();
    changes.sort_by_key(|c| (&c.address, &c.deposed));
    map.insert("resource_changes".into(), changes.into_iter().map(|c| change(c, registry)).collect());
    if !plan.outputs.is_empty() {
        map.insert("output_changes".into(), plan.outputs.iter().map(|(name, o)| (name.clone(), output(o))).collect());
    }
    map.insert("prior_state".into(), prior_state(plan, registry));
    map.insert("configuration".into(), configuration(plan, &extra.configuration, registry));
    let relevant = relevant(plan, &extra.configuration);
    if relevant.as_array().is_some_and(|r| !r.is_empty()) {
        map.insert("relevant_attributes".into(), relevant);
    }
    if !plan.checks.is_empty() {
        map.insert("checks".into(), checks(&plan.checks));
    }
    map.insert("timestamp".into(), extra.timestamp.clone().into());
    map.insert("applyable".into(), (!plan.is_empty() && !extra.errored).into());
    map.insert("complete".into(), (!extra.partial && !extra.errored).into());
    map.insert("errored".into(), extra.errored.into());
    Json::Object(map)
}

/// Results of conditions: by what has them, and below that by instance.
#[must_use]
pub fn checks(checks: &[CheckResult]) -> Json {
    let mut blocks: Vec<(Checked, Vec<&CheckResult>)> = vec![];
    for check in checks {
        match blocks.iter_mut().find(|(config, _)| *config == check.object.config()) {
            Some((_, objects)) => objects.push(check),
            None => blocks.push((check.object.config(), vec![check])),
        }
    }
    let instance = |check: &&CheckResult| {
        let mut address = Map::from_iter([("to_display".to_owned(), Json::from(check.object.to_string()))]);
        let (module, _) = check.object.parts();
        if !module.is_empty() {
            address.insert("module".into(), module.to_string().into());
        }
        if let Checked::Resource(Address { key: Some(key), .. }) = &check.object {
            address.insert("instance_key".into(), super::key_json(key));
        }
        let mut told = json!({ "address": address, "status": check.status() });
        if !check.messages.is_empty() {
            told["problems"] = check.messages.iter().map(|m| json!({ "message": m })).collect();
        }
        told
    };
    let block = |(config, objects): (Checked, Vec<&CheckResult>)| {
        let status = CheckResult::all(objects.iter().copied());
        let instances: Vec<Json> = objects.iter().map(instance).collect();
        json!({ "address": checked(&config), "status": status, "instances": instances })
    };
    blocks.into_iter().map(block).collect()
}

/// What has conditions, as the configuration calls it.
fn checked(config: &Checked) -> Json {
    let (module, _) = config.parts();
    let kind = if matches!(config, Checked::Output(..)) { "output_value" } else { config.kind() };
    let mut map = Map::from_iter([("kind".to_owned(), Json::from(kind)), ("to_display".to_owned(), config.to_string().into())]);
    if !module.is_empty() {
        map.insert("module".into(), module.to_string().into());
    }
    match config {
        Checked::Check(_, name) | Checked::Output(_, name) | Checked::Variable(_, name) => {
            map.insert("name".into(), name.as_ref().into());
        }
        Checked::Resource(address) => {
            map.insert("mode".into(), if address.mode == Mode::Data { "data" } else { "managed" }.into());
            map.insert("type".into(), address.kind.as_ref().into());
            map.insert("name".into(), address.name.as_ref().into());
        }
    }
    Json::Object(map)
}

fn version(change: &Change, registry: &Registry) -> u64 {
    if change.address.mode == Mode::Data { 0 } else { registry.resource(&change.address.kind).map_or(0, |t| t.schema_version()) }
}

fn planned_values(plan: &Plan, registry: &Registry) -> Json {
    // Of what is forgotten Terraform tells that it is there, and nothing else.
    let stays = |c: &&Change| (!c.after.is_null() || c.action == Action::Forget) && c.deposed.is_none();
    let shown = |c: &&Change| c.address.mode == Mode::Managed || c.action == Action::Read;
    let resources: Vec<Resource<'_>> = plan.changes.iter().filter(stays).filter(shown).map(|c| planned(c, registry)).collect();
    let mut map = Map::new();
    let shown = plan.outputs.iter().filter(|(_, o)| o.declared || !o.after.is_null());
    let outputs = outputs(shown.map(|(name, o)| (name.as_str(), &o.after, o.sensitive)));
    if outputs.as_object().is_some_and(|o| !o.is_empty()) {
        map.insert("outputs".into(), outputs);
    }
    map.insert("root_module".into(), modules(&resources));
    Json::Object(map)
}

/// As it will be.
fn planned<'a>(change: &'a Change, registry: &Registry) -> Resource<'a> {
    let attrs = registry.attrs(&change.address);
    let value = marked(&stored_form(attrs, change.after.clone()), attrs);
    Resource { depends_on: vec![], value, tainted: false, ..stored(change, registry) }
}

/// As it is.
fn stored<'a>(change: &'a Change, registry: &Registry) -> Resource<'a> {
    Resource {
        address: &change.address,
        provider: &change.provider,
        schema_version: version(change, registry),
        value: marked(&change.before, registry.attrs(&change.address)),
        depends_on: change.dependencies.clone(),
        tainted: change.reason == Some(crate::engine::plan::Reason::Tainted),
        deposed: change.deposed.as_deref(),
    }
}

fn prior_state(plan: &Plan, registry: &Registry) -> Json {
    let resources: Vec<Resource<'_>> =
        plan.changes.iter().filter(|c| !c.before.is_null() && c.importing.is_none()).map(|c| stored(c, registry)).collect();
    let known = plan.outputs.iter().filter(|(_, o)| !o.before.is_null());
    state(&resources, outputs(known.map(|(name, o)| (name.as_str(), &o.before, o.sensitive))), None)
}

/// Terraform's words for an action.
#[must_use]
pub fn actions(action: Action) -> Json {
    match action {
        Action::Nothing => json!(["no-op"]),
        Action::Read => json!(["read"]),
        Action::Create => json!(["create"]),
        Action::Update => json!(["update"]),
        Action::Replace { create_first: false } => json!(["delete", "create"]),
        Action::Replace { create_first: true } => json!(["create", "delete"]),
        Action::Delete => json!(["delete"]),
        Action::Forget => json!(["forget"]),
    }
}

/// `before`, `after` and their marks.
fn values(actions: Json, before: &Value, after: &Value) -> Map<String, Json> {
    let settled = after.is_null() || actions == json!(["no-op"]);
    let after_unknown = if settled { json!({}) } else { unknowns(after) };
    Map::from_iter([
        ("actions".to_owned(), actions),
        ("before".to_owned(), known(before)),
        ("after".to_owned(), known(after)),
        ("after_unknown".to_owned(), after_unknown),
        ("before_sensitive".to_owned(), sensitives(before)),
        ("after_sensitive".to_owned(), sensitives(after)),
    ])
}

fn change(change: &Change, registry: &Registry) -> Json {
    let attrs = registry.attrs(&change.address);
    let held = |value: &Value| marked(&stored_form(attrs, value.clone()), attrs);
    let (before, after) = (held(&change.before), held(&change.after));
    let mut map = head(&change.address, &change.provider);
    if let Some(from) = &change.moved_from {
        map.insert("previous_address".into(), from.to_string().into());
    }
    if let Some(key) = &change.deposed {
        map.insert("deposed".into(), key.clone().into());
    }
    let mut inner = values(actions(change.action), &before, &after);
    if !change.replace.is_empty() {
        let mut paths: Vec<Vec<Json>> = change.replace.iter().map(|p| path(p)).collect();
        paths.sort_by_key(|p| Json::Array(p.clone()).to_string());
        inner.insert("replace_paths".into(), paths.into());
    }
    if let Some(id) = &change.importing {
        inner.insert("importing".into(), json!({ "id": id }));
    }
    map.insert("change".into(), Json::Object(inner));
    let reason =
        if change.action == Action::Read { Some("read_because_config_unknown") } else { change.reason.and_then(|r| r.terraform()) };
    if let Some(reason) = reason {
        map.insert("action_reason".into(), reason.into());
    }
    Json::Object(map)
}

/// `root_block_device.0.volume_type` as steps.
fn path(path: &str) -> Vec<Json> {
    path.split('.').map(|step| step.parse::<u64>().map_or_else(|_| Json::from(step), Json::from)).collect()
}

fn drift(plan: &Plan, drift: &Drift, registry: &Registry) -> Json {
    let attrs = registry.attrs(&drift.address);
    let planned: BTreeMap<_, _> = plan.changes.iter().map(|c| (&c.address, &c.provider)).collect();
    let known = planned.get(&drift.address).map(|p| p.to_string());
    let provider = known.or_else(|| registry.provider_of(&drift.address.kind).map(|p| p.source().to_owned())).unwrap_or_default();
    let mut map = head(&drift.address, &provider);
    let action = if drift.after.is_null() { Action::Delete } else { Action::Update };
    let inner = values(actions(action), &marked(&drift.before, attrs), &marked(&drift.after, attrs));
    map.insert("change".into(), Json::Object(inner));
    Json::Object(map)
}

fn output(output: &OutputChange) -> Json {
    let action = match (output.before.is_null(), output.after.is_null()) {
        _ if output.before == output.after => Action::Nothing,
        (true, _) => Action::Create,
        (_, true) if !output.declared => Action::Delete,
        _ => Action::Update,
    };
    let mut map = Map::from_iter([("actions".to_owned(), actions(action)), ("before".to_owned(), output.before.to_json())]);
    if !output.after.is_unknown() {
        map.insert("after".into(), known(&output.after));
    }
    let unknown = if output.after.is_known() { Json::Bool(false) } else { unknowns(&output.after) };
    map.insert("after_unknown".into(), unknown);
    map.insert("before_sensitive".into(), output.sensitive.into());
    map.insert("after_sensitive".into(), output.sensitive.into());
    Json::Object(map)
}
