//! The JSON of a state: `show -json`, and the `prior_state` and `planned_values` of a plan.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::{head, known, sensitives, type_json};
use crate::words::{Address, ModulePath, Value};

/// One instance, wherever it is known from.
#[derive(Clone, Debug)]
pub struct Resource<'a> {
    /// Which.
    pub address: &'a Address,
    /// Its provider, as the state names it.
    pub provider: &'a str,
    /// The version of its schema.
    pub schema_version: u64,
    /// All its attributes.
    pub value: Value,
    /// The blocks that it depends on; planned values tell none.
    pub depends_on: Vec<Address>,
    /// To be replaced at the next apply.
    pub tainted: bool,
    /// The key of a deposed object.
    pub deposed: Option<&'a str>,
}

/// A whole state.
#[must_use]
pub fn state(resources: &[Resource<'_>], outputs: Json, checks: Option<Json>) -> Json {
    let mut values = Map::new();
    if outputs.as_object().is_some_and(|o| !o.is_empty()) {
        values.insert("outputs".into(), outputs);
    }
    values.insert("root_module".into(), modules(resources));
    let mut state = json!({ "format_version": "1.0", "terraform_version": super::TERRAFORM_VERSION, "values": values });
    if let Some(checks) = checks {
        state["checks"] = checks;
    }
    state
}

/// Outputs by name: value, type, and whether each is sensitive. An unknown one has neither value nor type.
#[must_use]
pub fn outputs<'a>(outputs: impl Iterator<Item = (&'a str, &'a Value, bool)>) -> Json {
    let one = |(name, value, sensitive): (&str, &Value, bool)| {
        let mut map = Map::from_iter([("sensitive".to_owned(), Json::Bool(sensitive))]);
        if value.is_known() {
            map.insert("type".into(), type_json(&value.bare().type_of()));
            map.insert("value".into(), value.to_json());
        }
        (name.to_owned(), Json::Object(map))
    };
    Json::Object(outputs.map(one).collect())
}

/// The resources of a module and of those in it.
#[derive(Default)]
struct Module<'a> {
    resources: Vec<&'a Resource<'a>>,
    children: BTreeMap<ModulePath, Module<'a>>,
}

/// The tree of modules with their resources.
pub(super) fn modules(resources: &[Resource<'_>]) -> Json {
    let mut root = Module::default();
    for resource in resources {
        let mut module = &mut root;
        let mut path = ModulePath::default();
        for (name, key) in resource.address.module.iter() {
            path = path.child(name.clone(), key.clone());
            module = module.children.entry(path.clone()).or_default();
        }
        module.resources.push(resource);
    }
    module(root, None)
}

fn module(mut module: Module<'_>, address: Option<ModulePath>) -> Json {
    let mut map = Map::new();
    module.resources.sort_by_key(|r| (r.address.mode, r.address));
    if !module.resources.is_empty() {
        map.insert("resources".into(), module.resources.into_iter().map(resource).collect());
    }
    if let Some(address) = address {
        map.insert("address".into(), address.to_string().into());
    }
    if !module.children.is_empty() {
        let children = module.children.into_iter().map(|(path, child)| self::module(child, Some(path)));
        map.insert("child_modules".into(), children.collect());
    }
    Json::Object(map)
}

fn resource(resource: &Resource<'_>) -> Json {
    let mut map = head(resource.address, resource.provider);
    map.remove("module_address");
    map.insert("schema_version".into(), resource.schema_version.into());
    if resource.value.is_null() {
        map.insert("sensitive_values".into(), false.into());
    } else {
        map.insert("values".into(), known(&resource.value));
        map.insert("sensitive_values".into(), object(sensitives(&resource.value)));
    }
    if !resource.depends_on.is_empty() {
        let mut names: Vec<String> = resource.depends_on.iter().map(|a| a.config().to_string()).collect();
        names.sort_unstable();
        names.dedup();
        map.insert("depends_on".into(), names.into());
    }
    if resource.tainted {
        map.insert("tainted".into(), true.into());
    }
    if let Some(key) = resource.deposed {
        map.insert("deposed_key".into(), key.into());
    }
    Json::Object(map)
}

/// Marks of a resource are an object even where there are none.
fn object(marks: Json) -> Json {
    if marks == Json::Bool(false) { json!({}) } else { marks }
}
