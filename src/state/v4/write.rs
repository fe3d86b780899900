//! Writing the format, in Terraform's own layout.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::Value as Json;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::super::conform::{is_dynamic, type_json};
use super::super::snapshot::{Instance, Output, State, TERRAFORM_VERSION};
use super::{VERSION, marks};
use crate::words::{Address, Key, Mode, Value};

#[derive(serde::Serialize)]
struct File<'a> {
    version: u64,
    terraform_version: &'a str,
    serial: u64,
    lineage: &'a str,
    outputs: BTreeMap<&'a str, WireOutput<'a>>,
    resources: Vec<Resource<'a>>,
    check_results: Checks<'a>,
}

#[derive(serde::Serialize)]
pub(in crate::state) struct WireOutput<'a> {
    value: Bare<'a>,
    #[serde(rename = "type")]
    ty: Json,
    #[serde(skip_serializing_if = "is_false")]
    sensitive: bool,
}

impl<'a> WireOutput<'a> {
    pub(in crate::state) fn of(output: &'a Output) -> Self {
        let sensitive = output.sensitive || output.value.has_sensitive();
        Self { value: Bare(&output.value), ty: type_json(&output.value.type_of()), sensitive }
    }
}

#[derive(serde::Serialize)]
struct Resource<'a> {
    #[serde(skip_serializing_if = "String::is_empty")]
    module: String,
    mode: &'static str,
    #[serde(rename = "type")]
    kind: &'a str,
    name: &'a str,
    provider: &'a str,
    instances: Vec<WireInstance<'a>>,
}

/// An instance as the file has it; the journal uses the same.
#[derive(serde::Serialize)]
pub(in crate::state) struct WireInstance<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index_key: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    deposed: Option<&'a str>,
    schema_version: u64,
    attributes: Attributes<'a>,
    sensitive_attributes: Vec<Vec<marks::WireStep>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity_schema_version: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    identity: Option<&'a Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    private: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dependencies: Vec<String>,
    #[serde(skip_serializing_if = "is_false")]
    create_before_destroy: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for this signature")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl<'a> WireInstance<'a> {
    /// What the file says of one object at that address. Terraform takes none but blocks for dependencies.
    fn of(address: &'a Address, instance: &'a Instance, deposed: Option<&'a str>) -> Self {
        let mut dependencies: Vec<String> = vec![];
        for dependency in &instance.dependencies {
            let text = dependency.config().to_string();
            if !dependencies.contains(&text) {
                dependencies.push(text);
            }
        }
        let index_key = address.key.as_ref().map(|key| match key {
            Key::Int(n) => Json::from(*n),
            Key::Str(text) => Json::from(text.as_ref()),
        });
        let mut paths = marks::paths(&instance.attributes);
        paths.retain(|path| !marks::is_echo(&address.kind, path));
        let sensitive_attributes = marks::wire(&paths);
        Self { index_key, deposed, sensitive_attributes, dependencies, ..Self::exact(address, instance, &instance.attributes) }
    }

    /// The same without key, and with dependencies as exact as they are known.
    pub(in crate::state) fn exact(address: &'a Address, instance: &'a Instance, attributes: &'a Value) -> Self {
        Self {
            index_key: None,
            status: instance.tainted.then_some("tainted"),
            deposed: None,
            schema_version: instance.schema_version,
            attributes: Attributes { kind: &address.kind, provider: &instance.provider, value: attributes },
            sensitive_attributes: marks::wire(&marks::paths(&instance.attributes)),
            identity_schema_version: instance.identity_schema_version,
            identity: instance.identity.as_ref(),
            private: instance.private.as_deref(),
            dependencies: instance.dependencies.iter().map(Address::to_string).collect(),
            create_before_destroy: instance.create_before_destroy,
        }
    }
}

/// A value as JSON, its marks dropped.
pub(in crate::state) struct Bare<'a>(pub(in crate::state) &'a Value);

impl Serialize for Bare<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null | Value::Unknown(_) => serializer.serialize_unit(),
            Value::Bool(b) => serializer.serialize_bool(*b),
            Value::Number(n) => match n.as_i64() {
                Some(n) => serializer.serialize_i64(n),
                None => self.0.to_json().serialize(serializer),
            },
            Value::String(s) => serializer.serialize_str(s),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                items.iter().try_for_each(|item| seq.serialize_element(&Bare(item)))?;
                seq.end()
            }
            Value::Map(items) | Value::Object(items) => {
                let mut map = serializer.serialize_map(Some(items.len()))?;
                items.iter().try_for_each(|(name, item)| map.serialize_entry(&**name, &Bare(item)))?;
                map.end()
            }
            Value::Marked(_, inner) => Bare(inner).serialize(serializer),
            Value::Typed(inner) => Bare(&inner.1).serialize(serializer),
        }
    }
}

/// Results of checks, their keys in Terraform's order.
struct Checks<'a>(&'a Json);

/// That order.
const CHECK_KEYS: [&str; 6] = ["object_kind", "config_addr", "object_addr", "status", "objects", "failure_messages"];

impl Serialize for Checks<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Json::Array(items) => serializer.collect_seq(items.iter().map(Checks)),
            Json::Object(items) => {
                let mut items: Vec<_> = items.iter().collect();
                items.sort_by_key(|(name, _)| CHECK_KEYS.iter().position(|key| key == name).unwrap_or(CHECK_KEYS.len()));
                serializer.collect_map(items.into_iter().map(|(name, item)| (name, Checks(item))))
            }
            leaf => leaf.serialize(serializer),
        }
    }
}

/// A value together with its type: how attributes of open type are kept.
#[derive(serde::Serialize)]
pub(in crate::state) struct Typed<'a> {
    value: Bare<'a>,
    #[serde(rename = "type")]
    ty: Json,
}

impl<'a> Typed<'a> {
    pub(in crate::state) fn of(value: &'a Value) -> Self {
        Self { value: Bare(value), ty: type_json(&value.type_of()) }
    }
}

struct Attributes<'a> {
    kind: &'a str,
    provider: &'a str,
    value: &'a Value,
}

impl Serialize for Attributes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Some(items) = self.value.entries() else { return Bare(self.value).serialize(serializer) };
        let mut map = serializer.serialize_map(Some(items.len()))?;
        for (name, item) in items {
            // Null without a type is nothing at all.
            if !matches!(item.shown(), Value::Null) && is_dynamic(self.provider, self.kind, name) {
                map.serialize_entry(&**name, &Typed::of(item))?;
            } else {
                map.serialize_entry(&**name, &Bare(item))?;
            }
        }
        map.end()
    }
}

pub(in crate::state) fn to_bytes(state: &State) -> Vec<u8> {
    let file = File {
        version: VERSION,
        terraform_version: if state.terraform_version.is_empty() { TERRAFORM_VERSION } else { &state.terraform_version },
        serial: state.serial,
        lineage: &state.lineage,
        outputs: state.outputs.iter().map(|(name, output)| (name.as_str(), WireOutput::of(output))).collect(),
        resources: resources(state),
        check_results: Checks(&state.check_results),
    };
    let mut bytes = vec![];
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Layout(PrettyFormatter::new()));
    file.serialize(&mut serializer).expect("a tree of values is JSON, and a vector takes all of it");
    bytes.push(b'\n');
    bytes
}

/// One entry a block, sorted as Terraform sorts them: by the texts of module, mode, type and name.
fn resources(state: &State) -> Vec<Resource<'_>> {
    let mut blocks: BTreeMap<_, Vec<WireInstance<'_>>> = BTreeMap::new();
    for (address, instance) in &state.instances {
        let mut add =
            |object, deposed| blocks.entry(block_key(address, object)).or_default().push(WireInstance::of(address, object, deposed));
        if instance.exists() {
            add(instance, None);
        }
        instance.deposed.iter().for_each(|(key, former)| add(former, Some(key)));
    }
    let resource = |((module, mode, kind, name, provider), instances)| Resource { module, mode, kind, name, provider, instances };
    blocks.into_iter().map(resource).collect()
}

fn block_key<'a>(address: &'a Address, instance: &'a Instance) -> (String, &'static str, &'a str, &'a str, &'a str) {
    let mode = if address.mode == Mode::Data { "data" } else { "managed" };
    (address.module.to_string(), mode, &address.kind, &address.name, &instance.provider)
}

/// Two spaces a level, and the characters escaped that Go escapes.
struct Layout(PrettyFormatter<'static>);

impl Formatter for Layout {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (before, after) = rest.split_at(at);
            let escaped = after.chars().next().unwrap_or_default();
            write!(writer, "{before}\\u{:04x}", u32::from(escaped))?;
            rest = &after[escaped.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}
