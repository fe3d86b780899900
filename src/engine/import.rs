//! What the user asks to take into the state: found by the id that they give, and planned like what the state holds.

use std::collections::{BTreeMap, HashMap};

use super::diff::{settle, with_local_defaults};
use super::planner::Request;
use super::providers::Providers;
use super::reader::{Query, read_all};
use super::refresh::Prior;
use super::{evaluate, failed};
use crate::state::Instance;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Known};
use crate::words::{Address, Diagnostic, Diagnostics, Result, Value};

/// By address: the id that the user gave, and what there is.
pub(super) type Imports = BTreeMap<Address, (String, Prior)>;

/// Reads all that is to be imported.
pub(super) async fn read(request: &Request<'_>, providers: &Providers<'_>, blocks: &HashMap<&Address, usize>) -> Result<Imports> {
    let mut errors = Diagnostics::default();
    let mut asked: Vec<(&Address, &String, Query)> = vec![];
    for (address, given) in &request.options.imports {
        if let Some(query) = errors.keep(query(request, providers, blocks, address, given).await) {
            asked.push((address, given, query));
        }
    }
    let answers = read_all(&asked.iter().map(|(_, _, query)| query).collect::<Vec<_>>(), request.options.parallelism).await;
    let mut imports = Imports::new();
    for ((address, given, query), answer) in asked.into_iter().zip(answers) {
        match answer {
            Ok(Some(found)) => {
                let now = settle(query.ty.attrs(), &found.value, &Value::Null, query.cloud.default_tags());
                let now = with_local_defaults(query.ty.attrs(), now).with("id", Value::from(found.id.as_str()));
                imports.insert(address.clone(), (given.clone(), Prior { held: now.clone(), now, drifted: vec![] }));
            }
            Ok(None) => {
                let error = Diagnostic::error(format!("{address} can't be imported: there is no {} with the id `{given}`", address.kind));
                errors.push(error.help("look at the id, the account and the region"));
            }
            Err(failure) => errors.push(failed(format!("{address} can't be imported"), &failure)),
        }
    }
    errors.unless_errors(imports)
}

async fn query(
    request: &Request<'_>,
    providers: &Providers<'_>,
    blocks: &HashMap<&Address, usize>,
    address: &Address,
    given: &str,
) -> Result<Query> {
    let Some(block) = blocks.get(&address.block()).map(|i| &request.stack.module.resources[*i]) else {
        let error = Diagnostic::error(format!("{address} can't be imported: the stack has no such block"));
        return Err(error.help(format!("write `[resource.{}.{}]` first", address.kind, address.name)).into());
    };
    if request.state.instances.get(address).is_some_and(Instance::exists) {
        let error = Diagnostic::error(format!("{address} can't be imported: the state holds it already"));
        return Err(error.help(format!("to import another in its place: ferroform state rm '{address}'")).into());
    }
    let unknown = || evaluate::unknown_type(request.registry, address, Some(&block.span));
    let ty = request.registry.resource(&address.kind).ok_or_else(unknown)?;
    let config = providers.of_block(block)?;
    let unconfigured = || Diagnostic::error(format!("provider.{} is not configured", config.0));
    let cloud = providers.get(&config).cloned().ok_or_else(unconfigured)?;
    let reads = Reads::default();
    let context = Context { cloud: cloud.as_ref(), token: "", reads: &reads };
    let id = ty.import(&context, given).await.map_err(|f| failed(format!("{address} can't be imported"), &f).at(&block.span, ""))?;
    Ok(Query { ty, cloud, known: Known { id, prior: None } })
}
