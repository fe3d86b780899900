//! One thing that is written twice, in a whole and as a part of its own: each would undo what the other does.

use std::collections::{BTreeMap, BTreeSet};

use super::evaluate::Spot;
use super::plan::Change;
use super::world::World;
use crate::stack::Block;
use crate::words::resource::{PartOf, ResourceType};
use crate::words::{Address, Diagnostic, Span, Value};

/// Who writes what.
#[derive(Default)]
pub(super) struct Rivals {
    wholes: BTreeMap<Address, Value>,
    parts: Vec<Part>,
}

struct Part {
    address: Address,
    of: &'static PartOf,
    /// The id of the whole; unknown where that is yet to be made.
    id: Value,
    /// What the id was made of.
    touched: BTreeSet<Address>,
    span: Span,
}

impl Rivals {
    /// Notes what the configuration of an instance writes.
    pub fn note(&mut self, ty: &dyn ResourceType, world: &World<'_>, block: &Block, spot: &Spot, config: &Value) {
        self.wholes.insert(spot.address.clone(), config.clone());
        let Some(of) = ty.part_of() else { return };
        let by = block.body.get(of.by);
        let (_, touched) = world.trace(|| by.eval(&spot.frame(world)));
        let (id, span) = (config.attr(of.by).clone(), block.body.key_span(of.by).clone());
        self.parts.push(Part { address: spot.address.clone(), of, id, touched, span });
    }

    /// An error for each part whose whole writes the same.
    pub fn errors(&self, changes: &[Change]) -> Vec<Diagnostic> {
        if self.parts.is_empty() {
            return vec![];
        }
        let ids = changes.iter().filter_map(|c| Some((c.before.attr("id").as_str()?, &c.address)));
        let ids: BTreeMap<&str, &Address> = ids.collect();
        let errors = self.parts.iter().filter_map(|part| {
            let known = part.id.as_str().and_then(|id| ids.get(id)).copied();
            let made = || part.touched.iter().find(|a| *a.kind == *part.of.kind);
            let whole = known.or_else(made).filter(|a| *a.kind == *part.of.kind)?;
            let written = self.wholes.get(whole)?.attr(part.of.attr);
            (!written.is_unknown() && !written.is_empty()).then(|| told(part, whole))
        });
        errors.collect()
    }
}

fn told(part: &Part, whole: &Address) -> Diagnostic {
    let (address, PartOf { attr, .. }) = (&part.address, part.of);
    Diagnostic::error(format!("{address} is a part of {whole}, whose own `{attr}` lists all that there may be: each would undo the other"))
        .at(&part.span, "")
        .help(format!("write all of it in `{attr}` of {whole}, or none: take `{attr}` out and write each as a `{}`", address.kind))
}
