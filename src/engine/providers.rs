//! Which configuration of which provider a resource belongs to, and its clients.

use std::collections::HashMap;
use std::sync::Arc;

use super::failed;
use super::world::{Frame, World};
use crate::stack::{self, Block, ConfigRef, Module, ProviderBlock, Stack};
use crate::words::resource::{Cloud, Provider, Registry, Settings};
use crate::words::{Diagnostic, ModulePath, Result, Span, Value};

/// A configuration of a provider.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConfigName {
    /// The module that holds it, without keys.
    pub module: ModulePath,
    /// The provider's name.
    pub name: Arc<str>,
    /// Which of several configurations.
    pub alias: Option<Arc<str>>,
}

impl std::fmt::Display for ConfigName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if !self.module.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        write!(f, "provider.{}", self.name)?;
        self.alias.as_ref().map_or(Ok(()), |alias| write!(f, ".{alias}"))
    }
}

/// The clients of all configurations that were asked for.
#[derive(Clone)]
pub struct Providers<'a> {
    registry: &'a Registry,
    settings: &'a Settings,
    stack: &'a Stack,
    configured: HashMap<ConfigName, Arc<dyn Cloud>>,
}

impl<'a> Providers<'a> {
    /// None configured yet.
    #[must_use]
    pub fn new(registry: &'a Registry, settings: &'a Settings, stack: &'a Stack) -> Self {
        Self { registry, settings, stack, configured: HashMap::new() }
    }

    /// The configuration that a block in that module names, or that its type's provider has without an alias.
    pub fn of_block(&self, module: &ModulePath, block: &Block) -> Result<ConfigName> {
        self.of_type(module, &block.address.kind, block.provider.as_ref(), Some(&block.span))
    }

    /// The same for any resource of that type, which may name a configuration.
    pub fn of_type(&self, module: &ModulePath, kind: &str, named: Option<&ConfigRef>, span: Option<&Span>) -> Result<ConfigName> {
        let name = || self.registry.provider_of(kind).map(|p| (Arc::from(p.name()), None));
        let unknown = || Diagnostic::error(format!("no provider has types like `{kind}`")).or_at(span);
        let named = named.cloned().or_else(name).ok_or_else(unknown)?;
        self.passed(&module.config(), named, span)
    }

    /// The configuration that a module means by a name: its own, or what its caller passes or has.
    fn passed(&self, module: &ModulePath, named: ConfigRef, asked_by: Option<&Span>) -> Result<ConfigName> {
        let (name, alias) = &named;
        let own = |module: &Module| module.providers.iter().any(|b| b.name == *name && b.alias == *alias);
        let found = || ConfigName { module: module.clone(), name: name.clone(), alias: alias.clone() };
        let Some((caller, (call, _))) = module.parent().zip(module.last()) else { return Ok(found()) };
        if self.stack.module_at(module).is_some_and(own) {
            return Ok(found());
        }
        let call = self.stack.module_at(&caller).and_then(|caller| caller.calls.get(call));
        let given = call.and_then(|call| call.providers.iter().flatten().find(|(inner, _)| *inner == named));
        match given {
            Some((_, outer)) => self.passed(&caller, outer.clone(), asked_by),
            None if alias.is_none() => self.passed(&caller, named, asked_by),
            None => {
                let full = format!("{name}.{}", alias.as_deref().unwrap_or_default());
                let error = Diagnostic::error(format!("{module} gets no provider configuration `{full}`")).or_at(asked_by);
                Err(error
                    .write(
                        format!("pass it in the call: providers = {{ \"{full}\" = \"{name}\" }}"),
                        format!("pass it in the call: providers = {{ {full} = {name} }}"),
                    )
                    .into())
            }
        }
    }

    /// The configuration that the state names, `provider["registry.terraform.io/hashicorp/aws"].west`.
    pub fn of_state(&self, text: &str) -> Result<ConfigName> {
        let at = text.find("provider[").unwrap_or_default();
        let alias = text[at..].rsplit_once("].").map(|(_, alias)| Arc::from(alias));
        let module = text[..at].strip_suffix('.').and_then(|module| module.parse().ok()).unwrap_or_default();
        let source = text[at..].split('"').nth(1).unwrap_or_default();
        // Another registry's mirror of the same provider, such as OpenTofu's, is that provider.
        let tail = |source: &'static str| source.split_once('/').map_or(source, |(_, tail)| tail);
        let found = self.registry.providers.iter().find(|p| source.ends_with(tail(p.source())) || source == p.source());
        let provider = found.ok_or_else(|| {
            Diagnostic::error(format!("the state holds resources of the provider `{source}`, which ferroform does not have"))
                .help("remove them from the state with `ferroform state rm`, and leave them to the tool that has it")
        })?;
        Ok(ConfigName { module, name: provider.name().into(), alias })
    }

    /// A configuration as the state names it.
    #[must_use]
    pub fn in_state(&self, ConfigName { module, name, alias }: &ConfigName) -> Arc<str> {
        let module = if module.is_empty() { String::new() } else { format!("{module}.") };
        let source = self.registry.provider(name).map_or_else(|| name.to_string(), |p| p.source().to_owned());
        match alias {
            Some(alias) => format!("{module}provider[\"{source}\"].{alias}").into(),
            None => format!("{module}provider[\"{source}\"]").into(),
        }
    }

    /// Makes the clients of a configuration, unless they are there already.
    pub async fn configure(&mut self, config: &ConfigName, world: &World<'_>, asked_by: Option<&Span>) -> Result<()> {
        if self.configured.contains_key(config) {
            return Ok(());
        }
        let ConfigName { module, name, alias } = config;
        let provider = self.registry.provider(name).ok_or_else(|| {
            let known: Vec<&str> = self.registry.providers.iter().map(|p| p.name()).collect();
            Diagnostic::error(format!("there is no provider `{name}`")).or_at(asked_by).help(format!("there are: {}", known.join(", ")))
        })?;
        // A configuration in a module that is gone is that of the root, as far as anyone can tell.
        let holder = self.stack.module_at(module).unwrap_or(&self.stack.module);
        let block = holder.providers.iter().find(|b| b.name == *name && b.alias == *alias);
        let value = match (block, alias) {
            (Some(block), _) => configuration(provider, block, world, module)?,
            (None, None) => Value::object([] as [(&str, Value); 0]),
            (None, Some(alias)) => {
                let error = Diagnostic::error(format!("provider.{name} has no configuration with the alias `{alias}`")).or_at(asked_by);
                return Err(error
                    .write(
                        format!("add a block [[provider.{name}]] with alias = \"{alias}\""),
                        format!("add a block provider \"{name}\" {{ alias = \"{alias}\" }}"),
                    )
                    .into());
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

fn configuration(provider: &dyn Provider, block: &ProviderBlock, world: &World<'_>, module: &ModulePath) -> Result<Value> {
    let what = format!("provider.{}", block.name);
    let value = stack::conform(provider.attrs(), &block.body.eval(&Frame::in_module(world, module))?, &block.body, &what)?;
    if let Some((name, _)) = value.entries().into_iter().flatten().find(|(_, v)| !v.is_known()) {
        return Err(Diagnostic::error(format!("`{name}` of {what} is known only after apply"))
            .at(block.body.key_span(name), "")
            .help("a provider's configuration must be known before anything is read: use variables, or another stack")
            .into());
    }
    Ok(value.bare_deep())
}
