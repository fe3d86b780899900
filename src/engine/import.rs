//! What the user asks to take into the state: found by the id that they give, and planned like what the state holds.

use std::collections::BTreeMap;

use super::diff::{settle, with_local_defaults};
use super::plan::Purpose;
use super::planner::Request;
use super::providers::Providers;
use super::reader::{Query, read_all};
use super::refresh::Prior;
use super::tree::Tree;
use super::world::{Each, Frame, Within, World};
use super::{evaluate, failed};
use crate::stack::{Expr, Import};
use crate::state::Instance;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Found, Known};
use crate::words::{Address, Diagnostic, Diagnostics, Key, Mode, Result, Value};

/// By address: the id that the user gave, and what there is.
pub(super) type Imports = BTreeMap<Address, (String, Prior)>;

/// Reads all that is to be imported.
pub(super) async fn read(request: &Request<'_>, providers: &Providers<'_>, world: &World<'_>, tree: &Tree<'_>) -> Result<Imports> {
    let mut errors = Diagnostics::default();
    let mut asked: Vec<(&Address, &String, Query)> = vec![];
    let blocks = if request.options.purpose == Purpose::Apply { wanted(request, world)? } else { vec![] };
    for (address, given) in request.options.imports.iter().chain(&blocks) {
        if let Some(query) = errors.keep(query(request, providers, tree, address, given).await) {
            asked.push((address, given, query));
        }
    }
    let answers = read_all(&asked.iter().map(|(_, _, query)| query).collect::<Vec<_>>(), request.options.parallelism).await;
    let mut imports = Imports::new();
    for ((address, given, query), answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(Some(found)) => drop(imports.insert(address.clone(), (given.clone(), prior(&query, &found)))),
            Ok(None) => {
                let error = Diagnostic::error(format!("{address} can't be imported: there is no {} with the id `{given}`", address.kind));
                errors.push(error.help("look at the id, the account and the region"));
            }
            Err(failure) => errors.push(failed(format!("{address} can't be imported"), &failure)),
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

/// What the `import` blocks of the stack ask for and the state does not hold yet: addresses and ids.
pub fn wanted(request: &Request<'_>, world: &World<'_>) -> Result<Vec<(Address, String)>> {
    let mut errors = Diagnostics::default();
    let mut found: Vec<(Address, String)> = vec![];
    for import in &request.stack.module.imports {
        for one in errors.keep(elements(import, world)).into_iter().flatten() {
            if let Some((address, id)) = errors.keep(evaluated(import, &one)) {
                if found.iter().any(|(other, _)| *other == address) {
                    errors.push(Diagnostic::error(format!("{address} is imported twice")).at(&import.to_span, "the second one"));
                }
                found.push((address, id));
            }
        }
    }
    found.retain(|(address, _)| !request.state.instances.get(address).is_some_and(Instance::exists));
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

async fn query(request: &Request<'_>, providers: &Providers<'_>, tree: &Tree<'_>, address: &Address, given: &str) -> Result<Query> {
    let Some(block) = tree.block(address) else {
        let error = Diagnostic::error(format!("{address} can't be imported: the stack has no such block"));
        return Err(error.help(format!("write `[resource.{}.{}]` first", address.kind, address.name)).into());
    };
    if request.state.instances.get(address).is_some_and(Instance::exists) {
        let error = Diagnostic::error(format!("{address} can't be imported: the state holds it already"));
        return Err(error.help(format!("to import another in its place: ferroform state rm '{address}'")).into());
    }
    let unknown = || evaluate::unknown_type(request.registry, address, Some(&block.span));
    let ty = request.registry.resource(&address.kind).ok_or_else(unknown)?;
    let config = providers.of_block(&address.module, block)?;
    let unconfigured = || Diagnostic::error(format!("{config} is not configured"));
    let cloud = providers.get(&config).cloned().ok_or_else(unconfigured)?;
    let reads = Reads::default();
    let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
    let id = ty.import(&context, given).await.map_err(|f| failed(format!("{address} can't be imported"), &f).at(&block.span, ""))?;
    Ok(Query { ty, cloud, known: Known { id, prior: None } })
}
