//! The state as everything else sees it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::journal::Event;
use super::v4;
use crate::words::{Address, Result, Value};

/// The version of Terraform that our states say they were written by: the format is that one's.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// Everything that is known of what a stack has made.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The version of Terraform that wrote it, or ours stands for: [`TERRAFORM_VERSION`].
    pub terraform_version: String,
    /// Grows by one with each write that changes something.
    pub serial: u64,
    /// Says which states are versions of one another; made once.
    pub lineage: String,
    /// The outputs of the root module.
    pub outputs: BTreeMap<String, Output>,
    /// What there is, by address.
    pub instances: BTreeMap<Address, Instance>,
    /// Results of `check` blocks, as Terraform writes them.
    pub check_results: serde_json::Value,
}

/// An output of the root module.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Its value.
    pub value: Value,
    /// Never shown.
    pub sensitive: bool,
}

/// One instance of a resource or data source.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// The provider's configuration as Terraform writes it: `provider["registry.terraform.io/hashicorp/aws"]`, perhaps after a
    /// module and before an alias.
    pub provider: Arc<str>,
    /// The provider's version of the resource type's schema.
    pub schema_version: u64,
    /// An object of all attributes, shaped as JSON has them (see [`schema_conform`](super::schema_conform)); null where there is
    /// nothing at this address but deposed objects.
    pub attributes: Value,
    /// The version of the schema of `identity`.
    pub identity_schema_version: Option<u64>,
    /// What Terraform 1.12 and later identify the object by; kept as found.
    pub identity: Option<serde_json::Value>,
    /// What the provider keeps for itself, in base64; kept as found.
    pub private: Option<String>,
    /// The blocks or instances that it refers to.
    pub dependencies: Vec<Address>,
    /// Its replacement is made before it is removed.
    pub create_before_destroy: bool,
    /// To be replaced at the next apply.
    pub tainted: bool,
    /// Former objects that are still to be removed, by key.
    pub deposed: BTreeMap<String, Instance>,
}

impl State {
    /// A state of nothing, with that lineage (a new UUID, unless it continues another).
    pub fn new(lineage: impl Into<String>) -> Self {
        Self {
            terraform_version: TERRAFORM_VERSION.into(),
            serial: 0,
            lineage: lineage.into(),
            outputs: BTreeMap::new(),
            instances: BTreeMap::new(),
            check_results: serde_json::Value::Null,
        }
    }

    /// Reads version 4 of Terraform's state format; `name` is what errors call it.
    pub fn parse(bytes: &[u8], name: &str) -> Result<Self> {
        v4::read::parse(bytes, name)
    }

    /// The text that Terraform would write.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        v4::write::to_bytes(self)
    }

    /// Whether both hold the same, whatever their serials and the versions that wrote them.
    #[must_use]
    pub fn same_content(&self, other: &Self) -> bool {
        self.lineage == other.lineage
            && self.outputs == other.outputs
            && self.check_results == other.check_results
            && self.instances == other.instances
    }

    /// The instances of that block, or the one at that address.
    pub fn covered<'a>(&'a self, address: &'a Address) -> impl Iterator<Item = (&'a Address, &'a Instance)> {
        self.instances.iter().filter(|(at, _)| address.covers(at))
    }

    /// Takes in what an event says; intents, ids and failures change nothing here.
    pub fn record(&mut self, event: &Event) {
        match event {
            Event::Saved { address, instance } => self.save(address, instance.as_ref().clone()),
            Event::Deleted { address, deposed } => self.delete(address, deposed.as_deref()),
            Event::Deposed { address, key } => self.depose(address, key),
            Event::Moved { from, to } => {
                if let Some(instance) = self.instances.remove(from) {
                    self.instances.insert(to.clone(), instance);
                }
            }
            Event::Outputs(outputs) => self.outputs.clone_from(outputs),
            Event::Checks(results) => self.check_results.clone_from(results),
            Event::Begin(_) | Event::Intent(_) | Event::Created { .. } | Event::Failed { .. } | Event::Fold { .. } | Event::End => {}
        }
    }

    /// Puts the current object there; what is deposed at the address stays, whatever `instance` says of it.
    fn save(&mut self, address: &Address, mut instance: Instance) {
        instance.deposed = self.instances.get_mut(address).map(|old| std::mem::take(&mut old.deposed)).unwrap_or_default();
        self.instances.insert(address.clone(), instance);
    }

    fn delete(&mut self, address: &Address, deposed: Option<&str>) {
        let Some(instance) = self.instances.get_mut(address) else { return };
        match deposed {
            Some(key) => {
                instance.deposed.remove(key);
            }
            None => instance.attributes = Value::Null,
        }
        if !instance.exists() && instance.deposed.is_empty() {
            self.instances.remove(address);
        }
    }

    fn depose(&mut self, address: &Address, key: &str) {
        let Some(instance) = self.instances.get_mut(address) else { return };
        if instance.exists() {
            let shell = Instance::new(instance.provider.clone(), instance.schema_version, Value::Null);
            let mut former = std::mem::replace(instance, shell);
            instance.deposed = std::mem::take(&mut former.deposed);
            instance.deposed.insert(key.to_owned(), former);
        }
    }
}

impl Instance {
    /// An instance with those attributes and nothing else to say.
    pub fn new(provider: impl Into<Arc<str>>, schema_version: u64, attributes: Value) -> Self {
        Self {
            provider: provider.into(),
            schema_version,
            attributes,
            identity_schema_version: None,
            identity: None,
            private: None,
            dependencies: vec![],
            create_before_destroy: false,
            tainted: false,
            deposed: BTreeMap::new(),
        }
    }

    /// What [`Instance::private`] is of something that was there before the stack and was adopted, a JSON object in base64 like a
    /// provider's: `{"ferroform":"adopted"}`.
    pub const ADOPTED: &str = "eyJmZXJyb2Zvcm0iOiJhZG9wdGVkIn0=";

    /// Whether it was there before the stack and was adopted.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        use base64::Engine;
        let bytes = self.private.as_ref().and_then(|text| base64::engine::general_purpose::STANDARD.decode(text).ok());
        let json = bytes.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        json.is_some_and(|json| json["ferroform"] == "adopted")
    }

    /// Whether there is a current object, not deposed ones alone.
    #[must_use]
    pub fn exists(&self) -> bool {
        !self.attributes.is_null()
    }

    /// Its attribute `id`; empty where there is none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.attributes.attr("id").as_str().unwrap_or_default()
    }

    /// The source address of its provider, `registry.terraform.io/hashicorp/aws`; empty where the text is none.
    #[must_use]
    pub fn provider_source(&self) -> &str {
        provider_source(&self.provider)
    }
}

/// What stands between the first quotes.
pub(super) fn provider_source(provider: &str) -> &str {
    provider.find("provider[\"").map_or("", |at| provider[at + 10..].split('"').next().unwrap_or_default())
}
