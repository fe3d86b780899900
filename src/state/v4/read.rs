//! Reading the format.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::conform::{by_type, parse_type, unwrap_attributes};
use super::super::snapshot::{Instance, Output, State};
use super::super::tree::{Tree, intern, interning};
use super::{VERSION, marks};
use crate::words::{Address, Diagnostic, Key, Mode, ModulePath, Result, Value};

#[derive(Deserialize)]
struct File<'a> {
    version: Option<u64>,
    #[serde(borrow)]
    terraform_version: Option<Cow<'a, str>>,
    serial: Option<u64>,
    #[serde(borrow)]
    lineage: Option<Cow<'a, str>>,
    outputs: Option<BTreeMap<String, WireOutput>>,
    #[serde(borrow)]
    resources: Option<Vec<Resource<'a>>>,
    check_results: Option<Json>,
}

#[derive(Deserialize)]
pub(in crate::state) struct WireOutput {
    #[serde(default = "nothing")]
    value: Tree,
    #[serde(rename = "type")]
    ty: Option<Tree>,
    #[serde(default)]
    sensitive: bool,
}

fn nothing() -> Tree {
    Tree(Value::Null)
}

impl WireOutput {
    pub(in crate::state) fn output(self) -> Output {
        let ty = self.ty.and_then(|ty| parse_type(&ty.0));
        Output { value: ty.map_or_else(|| self.value.0.clone(), |ty| by_type(&ty, &self.value.0)).plain(), sensitive: self.sensitive }
    }
}

#[derive(Deserialize)]
struct Resource<'a> {
    #[serde(borrow)]
    module: Option<Cow<'a, str>>,
    #[serde(borrow)]
    mode: Cow<'a, str>,
    #[serde(borrow, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    provider: Cow<'a, str>,
    #[serde(borrow)]
    instances: Option<Vec<WireInstance<'a>>>,
}

/// An instance as the file has it; the journal uses the same.
#[derive(Deserialize)]
pub(in crate::state) struct WireInstance<'a> {
    index_key: Option<Tree>,
    #[serde(borrow)]
    status: Option<Cow<'a, str>>,
    #[serde(borrow)]
    deposed: Option<Cow<'a, str>>,
    schema_version: Option<u64>,
    attributes: Option<Tree>,
    attributes_flat: Option<serde::de::IgnoredAny>,
    sensitive_attributes: Option<Tree>,
    identity_schema_version: Option<u64>,
    identity: Option<Json>,
    #[serde(borrow)]
    private: Option<Cow<'a, str>>,
    #[serde(borrow)]
    dependencies: Option<Vec<Cow<'a, str>>>,
    create_before_destroy: Option<bool>,
}

/// Addresses met before in this parse, by their text: a state names few blocks and refers to them often.
#[derive(Default)]
pub(in crate::state) struct Addresses(HashMap<String, Option<Address>>);

impl Addresses {
    fn get(&mut self, text: &str) -> Option<Address> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let address = text.parse().ok();
        self.0.insert(text.to_owned(), address.clone());
        address
    }
}

pub(in crate::state) fn parse(bytes: &[u8], name: &str) -> Result<State> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Err(Diagnostic::error(format!("the state {name} is empty"))
            .help(format!("put back the one before it, {name}.backup, or remove the file if nothing was ever made with it"))
            .into());
    }
    interning(|| {
        let file: File<'_> = serde_json::from_slice(bytes).map_err(|e| unreadable(bytes, name, &e))?;
        check_version(file.version, name)?;
        state(file, name)
    })
}

/// Says first that it is another version, if it is: then other fields may well look strange.
fn unreadable(bytes: &[u8], name: &str, error: &serde_json::Error) -> Diagnostic {
    #[derive(Deserialize)]
    struct Head {
        version: Option<u64>,
    }
    if let Some(diagnostic) = serde_json::from_slice(bytes).ok().and_then(|head: Head| check_version(head.version, name).err()) {
        return diagnostic;
    }
    let damaged = if error.is_data() { "doesn't have the form of a Terraform state" } else { "is damaged: it is not valid JSON" };
    Diagnostic::error(format!("the state {name} {damaged}"))
        .fact("position", format!("line {}, column {}", error.line(), error.column()))
        .fact("reason", reason(error))
        .help(format!("the state before the last change is in {name}.backup, if it was written here"))
}

/// The reason without the values that serde quotes: they may be secrets.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(reason, _)| reason);
    match (text.find("string \""), text.rfind("\", expected")) {
        (Some(from), Some(to)) if from < to => format!("{}a string{}", &text[..from], &text[to + 1..]),
        _ => text.to_owned(),
    }
}

fn check_version(version: Option<u64>, name: &str) -> Result<(), Diagnostic> {
    let (age, help) = match version {
        Some(VERSION) => return Ok(()),
        None => {
            return Err(Diagnostic::error(format!("{name} is JSON but not a Terraform state: it has no `version`"))
                .help("a state holds `version`, `serial`, `lineage` and `resources`"));
        }
        Some(older) if older < VERSION => ("an older", "let Terraform 0.12 or later write it anew: `terraform apply -refresh-only`"),
        Some(_) => ("a newer", "a newer Ferroform may read it"),
    };
    Err(Diagnostic::error(format!(
        "the state {name} is from {age} version of the format: {}, and this reads {VERSION}",
        version.unwrap_or(0)
    ))
    .help(help))
}

fn state(file: File<'_>, name: &str) -> Result<State> {
    let mut addresses = Addresses::default();
    let mut instances = BTreeMap::new();
    let mut bare_deposed = vec![];
    for resource in file.resources.unwrap_or_default() {
        let block = block(&resource, &mut addresses, name)?;
        let provider = intern(&resource.provider);
        for mut wire in resource.instances.unwrap_or_default() {
            let address = block.with_key(key(wire.index_key.take(), &block, name)?);
            let deposed = wire.deposed.take();
            let instance = instance(wire, &address, provider.clone(), &mut addresses, name)?;
            match deposed {
                Some(key) => bare_deposed.push((address, key.into_owned(), instance)),
                None => {
                    if instances.insert(address.clone(), instance).is_some() {
                        return Err(Diagnostic::error(format!("the state {name} holds {address} twice")).into());
                    }
                }
            }
        }
    }
    for (address, key, instance) in bare_deposed {
        let shell = || Instance::new(instance.provider.clone(), instance.schema_version, Value::Null);
        instances.entry(address).or_insert_with(shell).deposed.insert(key, instance);
    }
    Ok(State {
        terraform_version: file.terraform_version.unwrap_or_default().into_owned(),
        serial: file.serial.unwrap_or(0),
        lineage: file.lineage.unwrap_or_default().into_owned(),
        outputs: file.outputs.unwrap_or_default().into_iter().map(|(name, output)| (name, output.output())).collect(),
        instances,
        check_results: file.check_results.unwrap_or_default(),
    })
}

fn block(resource: &Resource<'_>, addresses: &mut Addresses, name: &str) -> Result<Address> {
    let bad = |what: &str| Diagnostic::error(format!("the state {name} holds a resource {}.{} {what}", resource.kind, resource.name));
    let module = match resource.module.as_deref() {
        None | Some("") => ModulePath::default(),
        // A module's address is read as that of something in it.
        Some(module) => addresses.get(&format!("{module}.x.x")).ok_or_else(|| bad("in a module whose address can't be read"))?.module,
    };
    let mode = match &*resource.mode {
        "managed" => Mode::Managed,
        "data" => Mode::Data,
        _ => return Err(bad("of a mode that is neither `managed` nor `data`").into()),
    };
    let address = Address { module, mode, kind: intern(&resource.kind), name: intern(&resource.name), key: None };
    let plain = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if plain(&address.kind) && plain(&address.name) { Ok(address) } else { Err(bad("which is no name that a resource can have").into()) }
}

fn key(key: Option<Tree>, block: &Address, name: &str) -> Result<Option<Key>> {
    match key.map(|tree| tree.0) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Key::Str(text))),
        Some(other) => match other.as_number().and_then(|n| n.as_i64()).and_then(|n| u64::try_from(n).ok()) {
            Some(n) => Ok(Some(Key::Int(n))),
            None => Err(Diagnostic::error(format!("the state {name} holds an instance of {block} whose `index_key` is no key"))
                .help("a key is a string or a whole number")
                .into()),
        },
    }
}

/// What one instance says; `deposed` and `index_key` are the caller's.
pub(in crate::state) fn instance(
    wire: WireInstance<'_>,
    address: &Address,
    provider: Arc<str>,
    addresses: &mut Addresses,
    name: &str,
) -> Result<Instance> {
    if wire.attributes.is_none() && wire.attributes_flat.is_some() {
        return Err(Diagnostic::error(format!("the state {name} holds {address} as Terraform 0.11 left it"))
            .help("let Terraform write it anew: `terraform apply -refresh-only`")
            .into());
    }
    let attributes = match wire.attributes.map(|tree| tree.0) {
        Some(attributes @ Value::Object(_)) => attributes,
        Some(Value::Null) | None => Value::Object(Arc::default()),
        Some(_) => return Err(Diagnostic::error(format!("the state {name} holds {address} with `attributes` that are no object")).into()),
    };
    let mut paths = wire.sensitive_attributes.map(|tree| marks::from_value(&tree.0)).unwrap_or_default();
    paths.extend(marks::echoes(&address.kind, &paths));
    let attributes = marks::mark(unwrap_attributes(&provider, &address.kind, attributes), &paths);
    Ok(Instance {
        attributes,
        provider,
        schema_version: wire.schema_version.unwrap_or(0),
        identity_schema_version: wire.identity_schema_version,
        identity: wire.identity,
        private: wire.private.map(Cow::into_owned),
        dependencies: wire.dependencies.unwrap_or_default().iter().filter_map(|text| addresses.get(text)).collect(),
        create_before_destroy: wire.create_before_destroy.unwrap_or(false),
        tainted: wire.status.as_deref() == Some("tainted"),
        deposed: BTreeMap::new(),
    })
}
