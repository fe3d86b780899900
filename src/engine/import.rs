//! What the user asks to take into the state: found by the id that they give, and planned like what the state holds.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::{settle, with_local_defaults};
use super::plan::{Generated, Purpose};
use super::planner::Request;
use super::providers::{ConfigName, Providers};
use super::reader::{Query, read_all};
use super::refresh::Prior;
use super::tree::Tree;
use super::world::{Each, Frame, Within, World};
use super::{evaluate, failed, generate};
use crate::stack::{ConfigRef, Expr, Import};
use crate::state::Instance;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Found, Known};
use crate::words::{Address, Diagnostic, Diagnostics, Key, Mode, Result, Span, Value};

/// By address: the id that the user gave, and what there is.
pub(super) type Imports = BTreeMap<Address, (String, Prior)>;

/// What is to be imported.
pub(super) struct Asked {
    /// The address that it gets.
    address: Address,
    /// The id that the user gave.
    given: String,
    /// The configuration of the provider that an `import` block names.
    provider: Option<ConfigRef>,
    /// Where an `import` block says so.
    span: Option<Span>,
}

impl Asked {
    /// What a command or a kept plan asks for.
    pub(super) fn by_id(address: &Address, given: &str) -> Self {
        Self { address: address.clone(), given: given.to_owned(), provider: None, span: None }
    }

    fn error(&self, why: &str) -> Diagnostic {
        Diagnostic::error(format!("{} can't be imported: {why}", self.address)).or_at(self.span.as_ref())
    }
}

/// The imports that are not read yet. They wait for what their ids and keys are made of, and their blocks wait for them.
pub(super) struct Pending<'a> {
    blocks: BTreeMap<Option<usize>, Vec<&'a Import>>,
    asked: BTreeMap<Option<usize>, Vec<&'a (Address, String)>>,
}

impl<'a> Pending<'a> {
    /// All of them, by the place of the block that they are for.
    pub(super) fn of(request: &Request<'a>, tree: &Tree<'a>) -> Self {
        let mut pending = Self { blocks: BTreeMap::new(), asked: BTreeMap::new() };
        let (stack, options) = (request.stack, request.options);
        for import in stack.module.imports.iter().filter(|_| options.purpose == Purpose::Apply) {
            pending.blocks.entry(target(import).and_then(|address| tree.find(&address))).or_default().push(import);
        }
        for one in &options.imports {
            pending.asked.entry(tree.find(&one.0)).or_default().push(one);
        }
        pending
    }

    /// Whether the block of that place waits for an import.
    pub(super) fn holds(&self, block: usize) -> bool {
        self.blocks.contains_key(&Some(block)) || self.asked.contains_key(&Some(block))
    }

    /// What is asked for under the blocks of those places, which wait no longer once it is read.
    pub(super) fn asked(&self, blocks: &[Option<usize>], request: &Request<'_>, world: &World<'_>) -> Result<Vec<Asked>> {
        let of_flags = blocks.iter().filter_map(|b| self.asked.get(b)).flatten().map(|(address, given)| Asked::by_id(address, given));
        let mut found: Vec<Asked> = of_flags.collect();
        found.extend(wanted(blocks.iter().filter_map(|b| self.blocks.get(b)).flatten().copied(), request, world)?);
        Ok(found)
    }

    /// They are read.
    pub(super) fn done(&mut self, blocks: &[Option<usize>]) {
        self.blocks.retain(|block, _| !blocks.contains(block));
        self.asked.retain(|block, _| !blocks.contains(block));
    }
}

/// The block that an `import` block is for.
pub(super) fn target(import: &Import) -> Option<Address> {
    import.to.address(&mut |_| Ok(Key::Int(0)))?.ok().map(|address| address.config())
}

/// The configurations of providers by which that is looked up for which the stack has no block.
pub(super) fn configurations<'a>(
    request: &Request<'a>,
    providers: &Providers<'_>,
    tree: &Tree<'_>,
) -> Result<Vec<(ConfigName, Option<&'a Span>)>> {
    let missing = request.stack.module.imports.iter().filter_map(|import| Some((import, target(import)?)));
    let missing = missing.filter(|(_, to)| to.module.is_empty() && tree.find(to).is_none());
    let named = missing.map(|(import, to)| {
        let span = Some(&import.span);
        Ok((providers.of_type(&to.module, &to.kind, import.provider.as_ref(), span)?, span))
    });
    named.collect()
}

/// Reads what is to be imported, with one call for many.
pub(super) async fn read(request: &Request<'_>, providers: &Providers<'_>, tree: &Tree<'_>, asked: Vec<Asked>) -> Result<Imports> {
    let mut errors = Diagnostics::default();
    let mut queries: Vec<(Asked, Query)> = vec![];
    for one in asked {
        if let Some(query) = errors.keep(query(request, providers, tree, &one).await) {
            queries.push((one, query));
        }
    }
    let answers = read_all(&queries.iter().map(|(_, query)| query).collect::<Vec<_>>(), request.options.parallelism).await;
    let mut imports = Imports::new();
    for ((one, query), answer) in queries.into_iter().zip(answers) {
        match answer {
            Ok(Some(found)) => drop(imports.insert(one.address, (one.given, prior(&query, &found)))),
            Ok(None) => {
                let error = one.error(&format!("there is no {} with the id `{}`", one.address.kind, one.given));
                errors.push(error.help("look at the id, the account and the region"));
            }
            Err(failure) => {
                errors.push(failed(format!("{} can't be imported", one.address), &failure).or_at(one.span.as_ref()));
            }
        }
    }
    errors.unless_errors(imports)
}

/// What was read, as if the state held it.
pub(super) fn prior(query: &Query, found: &Found) -> Prior {
    let now = settle(query.ty.attrs(), &found.value, &Value::Null, query.cloud.default_tags());
    let now = with_local_defaults(query.ty.attrs(), now).with("id", Value::from(found.id.as_str()));
    Prior { held: now.clone(), now, drifted: vec![] }
}

/// The configuration of what is to be imported where the stack has no block.
pub(super) async fn unwritten(
    request: &Request<'_>,
    providers: &Providers<'_>,
    tree: &Tree<'_>,
    asked: Vec<Asked>,
) -> Result<Vec<Generated>> {
    let named: BTreeMap<Address, Option<ConfigRef>> = asked.iter().map(|a| (a.address.clone(), a.provider.clone())).collect();
    let mut errors = Diagnostics::default();
    for one in &asked {
        let (in_module, keyed) = (!one.address.module.is_empty(), one.address.key.is_some());
        if !request.options.generate {
            let (kind, name) = (&one.address.kind, &one.address.name);
            let tf = format!("write `resource \"{kind}\" \"{name}\" {{ ... }}` first");
            let error = one.error("the stack has no such block").write(format!("write `[resource.{kind}.{name}]` first"), tf);
            let own = !in_module && !keyed && one.span.is_some();
            errors.push(if own { error.help("or have it written: ferroform plan --generate-config-out=FILE") } else { error });
        } else if in_module || keyed {
            let what = if in_module { "a module" } else { "instances with keys" };
            let error = one.error("the stack has no such block");
            errors.push(error.help(format!("for {what} no configuration is written: write the block, or import it into one of the root")));
        }
    }
    errors.unless_errors(())?;
    let found = read(request, providers, tree, asked).await?;
    let made = found.into_iter().map(|(address, (id, prior))| {
        let provider = named.get(&address).cloned().flatten();
        generate::block(request, providers, address, id, provider, &prior.now)
    });
    made.collect()
}

/// What `import` blocks ask for and the state does not hold yet.
fn wanted<'a>(imports: impl Iterator<Item = &'a Import>, request: &Request<'_>, world: &World<'_>) -> Result<Vec<Asked>> {
    let mut errors = Diagnostics::default();
    let (mut found, mut seen) = (vec![], BTreeSet::new());
    for import in imports {
        for one in errors.keep(elements(import, world)).into_iter().flatten() {
            let Some((address, given)) = errors.keep(evaluated(import, &one)) else { continue };
            if !seen.insert(address.clone()) {
                errors.push(Diagnostic::error(format!("{address} is imported twice")).at(&import.to_span, "the second one"));
            }
            found.push(Asked { address, given, provider: import.provider.clone(), span: Some(import.to_span.clone()) });
        }
    }
    found.retain(|one| !request.state.instances.get(&one.address).is_some_and(Instance::exists));
    errors.unless_errors(found)
}

/// The frames of the elements of `for_each`; one where there is none.
fn elements<'w, 'a>(import: &Import, world: &'w World<'a>) -> Result<Vec<Frame<'w, 'a>>> {
    let Some(for_each) = &import.for_each else { return Ok(vec![Frame::of(world)]) };
    let all = evaluate::each_of(&"an import", for_each, &for_each.eval(&Frame::of(world))?)?;
    let frame = |(key, value)| Frame { within: Within::Each(Each { key, value, touched: Default::default() }), ..Frame::of(world) };
    Ok(all.into_iter().map(frame).collect())
}

fn evaluated(import: &Import, frame: &Frame<'_, '_>) -> Result<(Address, String)> {
    let no_address = || Diagnostic::error("`to` is the address of a resource").at(&import.to_span, "should be an address");
    let mut key = |expr: &Expr| match expr.eval(frame)?.bare() {
        Value::String(text) => Ok(Key::Str(text.clone())),
        Value::Number(n) if n.as_i64().is_some_and(|n| n >= 0) => Ok(Key::Int(n.as_i64().unwrap_or_default().unsigned_abs())),
        _ => Err(Diagnostic::error("the key of an instance is a text or a whole number").at(expr.span(), "can't be a key").into()),
    };
    let address = import.to.address(&mut key).ok_or_else(no_address)??;
    if address.mode == Mode::Data {
        return Err(Diagnostic::error(format!("{address} is a data source: there is nothing to import")).at(&import.to_span, "").into());
    }
    let wrong = |why: &str| Diagnostic::error(format!("the id of what is imported as {address} {why}")).at(import.id.span(), "");
    let id = import.id.eval(frame)?;
    if id.has_ephemeral() {
        return Err(wrong("is ephemeral, and it is kept in the plan").help("write it out, or use a variable that is not ephemeral").into());
    }
    if id.is_sensitive() {
        return Err(wrong("is sensitive, and it would be shown").help("wrap it in nonsensitive(...) if it may be shown").into());
    }
    let id = match &id {
        Value::Unknown(_) => return Err(wrong("is not known before apply").help("use a variable, or write it out").into()),
        Value::String(text) => text.to_string(),
        Value::Number(n) => n.to_string(),
        other => return Err(wrong(&format!("should be a text, and is of type {}", other.type_of().name())).into()),
    };
    if id.is_empty() { Err(wrong("is empty").into()) } else { Ok((address, id)) }
}

async fn query(request: &Request<'_>, providers: &Providers<'_>, tree: &Tree<'_>, asked: &Asked) -> Result<Query> {
    let Asked { address, given, provider, span } = asked;
    let block = tree.block(address);
    let span = block.map(|block| &block.span).or(span.as_ref());
    if request.state.instances.get(address).is_some_and(Instance::exists) {
        let error = asked.error("the state holds it already");
        return Err(error.help(format!("to import another in its place: ferroform state rm '{address}'")).into());
    }
    let ty = request.registry.resource(&address.kind).ok_or_else(|| evaluate::unknown_type(request.registry, address, span))?;
    let config = match block {
        Some(block) => providers.of_block(&address.module, block)?,
        None => providers.of_type(&address.module, &address.kind, provider.as_ref(), span)?,
    };
    let unconfigured = || Diagnostic::error(format!("{config} is not configured"));
    let cloud = providers.get(&config).cloned().ok_or_else(unconfigured)?;
    let reads = Reads::default();
    let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
    let id = ty.import(&context, given).await.map_err(|f| failed(format!("{address} can't be imported"), &f).or_at(span))?;
    Ok(Query { ty, cloud, known: Known { id, prior: None } })
}
