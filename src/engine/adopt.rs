//! Taking over what exists instead of making it, by its natural identity: where the stack says that it may, and where there is one
//! and only one that nobody else has.

use std::collections::BTreeMap;

use futures::stream::FuturesUnordered;

use super::diff::diff;
use super::evaluate;
use super::failed;
use super::guard::{known_parts, knows_required};
use super::import;
use super::plan::Purpose;
use super::planner::Planner;
use super::reader::{Query, read_all};
use super::refresh::Prior;
use crate::stack::Block;
use crate::state::Instance;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Fut, Known};
use crate::words::{Address, Diagnostic, Result, Span, Value};

/// An instance whose like is looked for: its block, its address, and what there is with its id.
pub(super) type Adopting<'f> = Fut<'f, (usize, Address, Result<Option<(String, Prior)>>)>;

impl Planner<'_> {
    /// Starts to look for what the instances of a block would take over; how many are looked for.
    pub(super) fn begin_adopting<'f>(&mut self, index: usize, adopting: &mut FuturesUnordered<Adopting<'f>>) -> usize {
        let placed = &self.tree.blocks[index];
        let (block, options) = (placed.block, self.request.options);
        let may = block.lifecycle.adopt.unwrap_or(options.adopt) && options.purpose == Purpose::Apply && self.scope.block(index);
        let Some(ty) = self.request.registry.resource(&block.address.kind).filter(|_| may) else { return 0 };
        let mut begun = 0;
        for path in self.around(placed) {
            // What can't be evaluated is told when it is planned.
            let Ok(provider) = self.providers.of_block(&path, block) else { continue };
            let Some(cloud) = self.providers.get(&provider).cloned() else { continue };
            for spot in evaluate::spots(&self.world, &path, block).unwrap_or_default() {
                let held = self.request.state.instances.get(&spot.address).is_some_and(Instance::exists);
                let (Ok(config), _) = evaluate::config(&self.world, block, &spot, ty.attrs()) else { continue };
                let want = diff(ty, &config, None, cloud.default_tags()).after;
                if held || self.imports.contains_key(&spot.address) || !knows_required(ty, &want) {
                    continue;
                }
                let (want, cloud, span, address) = (known_parts(&want), cloud.clone(), block.span.clone(), spot.address);
                let owned = self.owned(ty.name());
                adopting.push(Box::pin(async move {
                    let found =
                        find(Query { ty, cloud, known: Known { id: String::new(), prior: None } }, &want, &address, &span, &owned).await;
                    (index, address, found)
                }));
                begun += 1;
            }
        }
        begun
    }

    /// Takes in what was found.
    pub(super) fn end_adopting(&mut self, address: Address, found: Result<Option<(String, Prior)>>) {
        let Some(Some((id, prior))) = self.errors.keep(found) else { return };
        let twice = self.adopted.iter().find(|other| other.kind == address.kind && self.imports.get(*other) == Some(&id));
        if let Some(other) = twice {
            let error = Diagnostic::error(format!("{address} and {other} would both adopt {id}"));
            return self.errors.push(error.help("give them different names, or say which is which with an `import` block"));
        }
        self.imports.insert(address.clone(), id);
        self.priors.insert(address.clone(), prior);
        self.adopted.insert(address);
    }

    /// Who has what of a type, by id: other states, or another address of this one.
    fn owned(&self, kind: &str) -> BTreeMap<String, String> {
        let others = self.request.options.owned.iter().filter(|((of, _), _)| of == kind);
        let own = self.request.state.instances.iter().filter(|(address, instance)| *address.kind == *kind && instance.exists());
        let own = own.map(|(address, instance)| (instance.id().to_owned(), format!("{address} of this stack")));
        others.map(|((_, id), state)| (id.clone(), state.clone())).chain(own).collect()
    }

    /// Whether it was there before the stack, which took it over without anybody naming its id.
    pub(super) fn is_adopted(&self, address: &Address) -> bool {
        self.adopted.contains(address) || self.request.state.instances.get(address).is_some_and(Instance::is_adopted)
    }

    /// Whether it is left there when it leaves the stack.
    pub(super) fn keeps(&self, address: &Address) -> bool {
        self.is_adopted(address) && !self.request.options.destroy_adopted
    }
}

/// The one that exists and that nobody else has; none where there is nothing like it.
async fn find(
    query: Query,
    want: &Value,
    address: &Address,
    span: &Span,
    owned: &BTreeMap<String, String>,
) -> Result<Option<(String, Prior)>> {
    let reads = Reads::default();
    let context = Context { cloud: query.cloud.as_ref(), token: "", reads: &reads };
    let unasked = |failure| failed(format!("nobody can tell whether {address} exists already"), &failure).at(span, "may be adopted");
    let candidates = query.ty.candidates(&context, want).await.map_err(unasked)?;
    let id = match candidates.as_slice() {
        [] => return Ok(None),
        [id] => id.clone(),
        [first, ..] => {
            let error = Diagnostic::error(format!("{address} can't be adopted: there are {} that it could be", candidates.len()));
            let error = error.at(span, "may be adopted").fact("these", candidates.join(", "));
            return Err(error
                .help(format!("say which: ferroform import '{address}' '{first}', or an `import` block"))
                .help("to make another one: lifecycle.adopt = false")
                .into());
        }
    };
    if let Some(owner) = owned.get(&id) {
        let error = Diagnostic::error(format!("{address} can't be adopted: {id} is managed already")).at(span, "may be adopted");
        return Err(error
            .fact("by", owner.clone())
            .help("take it from there first (`ferroform state rm`, or a `moved` block), or look it up with a data source")
            .into());
    }
    let query = Query { known: Known { id: id.clone(), prior: None }, ..query };
    let found = read_all(&[&query], 1).await.pop().unwrap_or(Ok(None)).map_err(unasked)?;
    Ok(found.map(|found| (id, import::prior(&query, &found))))
}

/// The error of a plan that would destroy what was adopted, to make another in its place.
pub(super) fn not_ours_to_replace(address: &Address, block: &Block, replace: &[String]) -> Diagnostic {
    let why = if replace.is_empty() { "it".to_owned() } else { format!("{} can't change in place, and it", replace.join(", ")) };
    Diagnostic::error(format!("{address} would be replaced: {why} was adopted, not made by this stack"))
        .at(&block.span, "adopted")
        .help("write into the stack what there is, or ignore the difference with `ignore_changes`")
        .help("to destroy it and make another: --destroy-adopted")
}
