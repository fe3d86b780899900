//! The `configuration` part of a plan's JSON: what the stack says, as far as it is given.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::source;
use crate::engine::plan::Plan;
use crate::words::resource::Registry;
use crate::words::{Address, Mode};

/// One block of the stack.
#[derive(Clone, Debug, Default)]
pub struct Block {
    /// Its expressions by attribute, each `{"constant_value": …}` or `{"references": […]}`; nested blocks are lists of such objects.
    pub expressions: Map<String, Json>,
    /// The expression of `count`.
    pub count: Option<Json>,
    /// The expression of `for_each`.
    pub for_each: Option<Json>,
    /// What `depends_on` lists.
    pub depends_on: Vec<String>,
    /// The provider's configuration, `aws` or `aws.west`.
    pub provider: Option<String>,
}

/// What the stack says, or a module of it.
#[derive(Clone, Debug, Default)]
pub struct Configuration {
    /// Its blocks, by address within the module, without key.
    pub blocks: BTreeMap<Address, Block>,
    /// The modules that are called: what the call says, and what is in them.
    pub calls: BTreeMap<String, (Map<String, Json>, Configuration)>,
    /// Outputs: `{"expression": …, "sensitive": true}`.
    pub outputs: Map<String, Json>,
    /// Variables: `{"default": …, "description": …}`.
    pub variables: Map<String, Json>,
    /// Expressions of each provider's configuration, by key (`aws`, `aws.west`).
    pub providers: BTreeMap<String, Map<String, Json>>,
}

/// The `configuration` object. What the stack's own blocks don't tell is made from the plan.
pub(super) fn configuration(plan: &Plan, given: &Configuration, registry: &Registry) -> Json {
    let mut given = given.clone();
    for change in plan.changes.iter().filter(|c| !c.after.is_null() && c.address.module.is_empty()) {
        given.blocks.entry(change.address.block()).or_default();
    }
    let mut keys: BTreeSet<String> = given.providers.keys().cloned().collect();
    provider_keys(&given, &mut keys);
    let providers: Map<String, Json> = keys.into_iter().map(|key| (key.clone(), provider(plan, &key, &given, registry))).collect();
    json!({ "provider_config": providers, "root_module": module(&given, "", &given, registry) })
}

fn key_of(address: &Address, block: &Block) -> String {
    block.provider.clone().unwrap_or_else(|| provider_name(&address.kind).to_owned())
}

fn provider_keys(given: &Configuration, keys: &mut BTreeSet<String>) {
    keys.extend(given.blocks.iter().map(|(address, block)| key_of(address, block)));
    given.calls.values().for_each(|(_, inside)| provider_keys(inside, keys));
}

/// How a configuration that a module uses is called: as in the root, or where the root says nothing of the provider, as in the module.
fn full_key(key: String, path: &str, root: &Configuration) -> String {
    let known = || root.providers.contains_key(&key) || root.blocks.iter().any(|(address, block)| key_of(address, block) == key);
    if path.is_empty() || known() { key } else { format!("{path}:{key}") }
}

/// What a module holds.
fn module(given: &Configuration, path: &str, root: &Configuration, registry: &Registry) -> Json {
    let one = |(address, block): (&Address, &Block)| resource(address, block, &full_key(key_of(address, block), path, root), registry);
    let blocks: Vec<Json> = given.blocks.iter().map(one).collect();
    let call = |(name, (told, inside)): (&String, &(Map<String, Json>, Configuration))| {
        let mut told = told.clone();
        let dot = if path.is_empty() { "" } else { "." };
        told.insert("module".into(), module(inside, &format!("{path}{dot}module.{name}"), root, registry));
        (name.clone(), Json::Object(told))
    };
    let calls: Map<String, Json> = given.calls.iter().map(call).collect();
    let mut module = Map::new();
    for (name, part) in [
        ("outputs", Json::Object(given.outputs.clone())),
        ("resources", blocks.into()),
        ("module_calls", Json::Object(calls)),
        ("variables", Json::Object(given.variables.clone())),
    ] {
        let empty = part.as_object().is_some_and(Map::is_empty) || part.as_array().is_some_and(Vec::is_empty);
        if !empty {
            module.insert(name.into(), part);
        }
    }
    Json::Object(module)
}

fn provider_name(kind: &str) -> &str {
    kind.split('_').next().unwrap_or(kind)
}

fn provider(plan: &Plan, key: &str, given: &Configuration, registry: &Registry) -> Json {
    let (name, alias) = key.split_once('.').map_or((key, None), |(name, alias)| (name, Some(alias)));
    let of = |c: &&crate::engine::plan::Change| provider_name(&c.address.kind) == name;
    let planned = plan.changes.iter().find(of).map(|c| source(&c.provider).to_owned());
    let full = planned.or_else(|| registry.provider(name).map(|p| p.source().to_owned())).unwrap_or_default();
    let mut map = Map::from_iter([("name".to_owned(), name.into()), ("full_name".to_owned(), full.into())]);
    if let Some(alias) = alias {
        map.insert("alias".into(), alias.into());
    }
    if let Some(expressions) = given.providers.get(key).filter(|e| !e.is_empty()) {
        map.insert("expressions".into(), Json::Object(expressions.clone()));
    }
    Json::Object(map)
}

fn resource(address: &Address, block: &Block, key: &str, registry: &Registry) -> Json {
    let version = match address.mode {
        Mode::Managed => registry.resource(&address.kind).map_or(0, |t| t.schema_version()),
        Mode::Data => 0,
    };
    let mut map = Map::new();
    map.insert("address".into(), address.to_string().into());
    map.insert("mode".into(), if address.mode == Mode::Data { "data" } else { "managed" }.into());
    map.insert("type".into(), address.kind.as_ref().into());
    map.insert("name".into(), address.name.as_ref().into());
    map.insert("provider_config_key".into(), key.into());
    if !block.expressions.is_empty() {
        map.insert("expressions".into(), Json::Object(block.expressions.clone()));
    }
    map.insert("schema_version".into(), version.into());
    for (name, expression) in [("count_expression", &block.count), ("for_each_expression", &block.for_each)] {
        if let Some(expression) = expression {
            map.insert(name.into(), expression.clone());
        }
    }
    if !block.depends_on.is_empty() {
        map.insert("depends_on".into(), block.depends_on.clone().into());
    }
    Json::Object(map)
}

/// The attributes of other resources that what changes refers to: `{"resource": "aws_eip.a", "attribute": ["id"]}`.
pub(super) fn relevant(plan: &Plan, given: &Configuration) -> Json {
    let mut found: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    let acting: BTreeSet<Address> = plan.changes.iter().filter(|c| c.action.acts()).map(|c| c.address.config()).collect();
    for (_, block) in given.blocks.iter().filter(|(address, _)| acting.contains(*address)) {
        references(&Json::Object(block.expressions.clone()), &mut found);
    }
    let changes = |name: &&String| plan.outputs.get(*name).is_some_and(|o| o.before != o.after);
    for (_, output) in given.outputs.iter().filter(|(name, _)| changes(name)) {
        references(output, &mut found);
    }
    found.into_iter().map(|(resource, attribute)| json!({ "resource": resource, "attribute": attribute })).collect()
}

fn references(expression: &Json, found: &mut BTreeSet<(String, Vec<String>)>) {
    match expression {
        Json::Object(parts) => {
            let mut longer = "";
            for reference in parts.get("references").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
                // Each is followed by shorter ones, which say no more.
                if !longer.strip_prefix(reference).is_some_and(|rest| rest.starts_with(['.', '['])) {
                    longer = reference;
                    found.extend(resource_and_attribute(reference));
                }
            }
            parts.iter().filter(|(key, _)| *key != "references" && *key != "constant_value").for_each(|(_, part)| references(part, found));
        }
        Json::Array(parts) => parts.iter().for_each(|part| references(part, found)),
        _ => {}
    }
}

/// `aws_eip.a[0].id` as the resource and the way to its attribute; nothing for what refers to a whole resource or to none.
fn resource_and_attribute(reference: &str) -> Option<(String, Vec<String>)> {
    let dots: Vec<usize> = reference.match_indices('.').map(|(at, _)| at).collect();
    let at = *dots.iter().find(|at| reference[..**at].parse::<Address>().is_ok())?;
    let address: Address = reference[..at].parse().ok()?;
    if matches!(address.kind.as_ref(), "var" | "local" | "each" | "count" | "path" | "self" | "terraform" | "module") {
        return None;
    }
    Some((address.to_string(), reference[at + 1..].split('.').map(str::to_owned).collect()))
}
