//! Which configuration of which provider a resource belongs to, and its clients.

use std::collections::HashMap;
use std::sync::Arc;

use super::failed;
use super::world::{Frame, World};
use crate::stack::{self, Block, Module, ProviderBlock};
use crate::words::resource::{Cloud, Provider, Registry, Settings};
use crate::words::{Diagnostic, Result, Span, Value};

/// A configuration of a provider: the provider's name, and the alias of the configuration.
pub type ConfigName = (Arc<str>, Option<Arc<str>>);

/// The clients of all configurations that were asked for.
#[derive(Clone)]
pub struct Providers<'a> {
    registry: &'a Registry,
    settings: &'a Settings,
    module: &'a Module,
    configured: HashMap<ConfigName, Arc<dyn Cloud>>,
}

impl<'a> Providers<'a> {
    /// None configured yet.
    #[must_use]
    pub fn new(registry: &'a Registry, settings: &'a Settings, module: &'a Module) -> Self {
        Self { registry, settings, module, configured: HashMap::new() }
    }

    /// The configuration that a block names, or that its type's provider has without an alias.
    pub fn of_block(&self, block: &Block) -> Result<ConfigName> {
        let name = || self.registry.provider_of(&block.address.kind).map(|p| (Arc::from(p.name()), None));
        let unknown = || Diagnostic::error(format!("no provider has types like `{}`", block.address.kind)).at(&block.span, "");
        block.provider.clone().or_else(name).ok_or_else(|| unknown().into())
    }

    /// The configuration that the state names, `provider["registry.terraform.io/hashicorp/aws"].west`.
    pub fn of_state(&self, text: &str) -> Result<ConfigName> {
        let source = text.split('"').nth(1).unwrap_or_default();
        let alias = text.rsplit_once("].").map(|(_, alias)| Arc::from(alias));
        // Another registry's mirror of the same provider, such as OpenTofu's, is that provider.
        let tail = |source: &'static str| source.split_once('/').map_or(source, |(_, tail)| tail);
        let found = self.registry.providers.iter().find(|p| source.ends_with(tail(p.source())) || source == p.source());
        let provider = found.ok_or_else(|| {
            Diagnostic::error(format!("the state holds resources of the provider `{source}`, which ferroform does not have"))
                .help("remove them from the state with `ferroform state rm`, and leave them to the tool that has it")
        })?;
        Ok((provider.name().into(), alias))
    }

    /// A configuration as the state names it.
    #[must_use]
    pub fn in_state(&self, (name, alias): &ConfigName) -> Arc<str> {
        let source = self.registry.provider(name).map_or_else(|| name.to_string(), |p| p.source().to_owned());
        match alias {
            Some(alias) => format!("provider[\"{source}\"].{alias}").into(),
            None => format!("provider[\"{source}\"]").into(),
        }
    }

    /// Makes the clients of a configuration, unless they are there already.
    pub async fn configure(&mut self, config: &ConfigName, world: &World<'_>, asked_by: Option<&Span>) -> Result<()> {
        if self.configured.contains_key(config) {
            return Ok(());
        }
        let (name, alias) = config;
        let provider = self.registry.provider(name).ok_or_else(|| {
            let known: Vec<&str> = self.registry.providers.iter().map(|p| p.name()).collect();
            Diagnostic::error(format!("there is no provider `{name}`")).or_at(asked_by).help(format!("there are: {}", known.join(", ")))
        })?;
        let block = self.module.providers.iter().find(|b| b.name == *name && b.alias == *alias);
        let value = match (block, alias) {
            (Some(block), _) => configuration(provider, block, world)?,
            (None, None) => Value::object([] as [(&str, Value); 0]),
            (None, Some(alias)) => {
                let error = Diagnostic::error(format!("provider.{name} has no configuration with the alias `{alias}`")).or_at(asked_by);
                return Err(error.help(format!("add a block [[provider.{name}]] with alias = \"{alias}\"")).into());
            }
        };
        let configured = provider.configure(&value, self.settings).await;
        let cloud =
            configured.map_err(|failure| failed(format!("provider.{name} can't be used"), &failure).or_at(block.map(|b| &b.span)))?;
        self.configured.insert(config.clone(), cloud);
        Ok(())
    }

    /// The clients of a configuration that was made.
    #[must_use]
    pub fn get(&self, config: &ConfigName) -> Option<&Arc<dyn Cloud>> {
        self.configured.get(config)
    }

    /// The configurations that were made, and the clients of each.
    pub fn all(&self) -> impl Iterator<Item = (&ConfigName, &Arc<dyn Cloud>)> {
        self.configured.iter()
    }
}

fn configuration(provider: &dyn Provider, block: &ProviderBlock, world: &World<'_>) -> Result<Value> {
    let what = format!("provider.{}", block.name);
    let value = stack::conform(provider.attrs(), &block.body.eval(&Frame::of(world))?, &block.body, &what)?;
    if let Some((name, _)) = value.entries().into_iter().flatten().find(|(_, v)| !v.is_known()) {
        return Err(Diagnostic::error(format!("`{name}` of {what} is known only after apply"))
            .at(block.body.key_span(name), "")
            .help("a provider's configuration must be known before anything is read: use variables, or another stack")
            .into());
    }
    Ok(value.bare_deep())
}
