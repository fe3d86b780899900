//! The world as a state has it, without planning anything: what the console's expressions see.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diff;
use super::tree::{Tree, expand};
use super::world::World;
use super::{evaluate, graph};
use crate::stack::{self, Block, Files, Stack};
use crate::state::State;
use crate::words::resource::Registry;
use crate::words::schema::Attr;
use crate::words::value::Step;
use crate::words::{Address, Mode, ModulePath, Value};

/// Everything as the state has it. What is not in the state is known only after apply.
#[must_use]
pub fn standing<'a>(
    stack: &'a Stack,
    files: &'a Files,
    variables: &'a BTreeMap<Arc<str>, Value>,
    workspace: &'a str,
    state: &State,
    registry: &Registry,
) -> World<'a> {
    let mut world = World::new(&stack.module, files, variables, workspace).at(jiff::Timestamp::now());
    let tree = Tree::of(stack);
    // Of what refers to one another in a circle nothing is known, whatever the order.
    let sorted = graph::order(&tree).map_or_else(|_| (0..tree.blocks.len()).collect(), |order| order.sorted);
    for work in sorted {
        match tree.blocks.get(work) {
            Some(placed) => {
                for path in world.expansions(&tree.sites[placed.site].path).to_vec() {
                    stand(&mut world, placed.block, &path, state, registry);
                }
            }
            None => expand(&mut world, &tree, work - tree.blocks.len()),
        }
    }
    world
}

/// Puts the instances of a block in one module there.
fn stand(world: &mut World<'_>, block: &Block, path: &ModulePath, state: &State, registry: &Registry) {
    let address = block.address.within(path);
    world.declare(&address, evaluate::shape_of(block));
    // A block whose instances can't be told, or of which there are none yet, is unknown as a whole.
    let spots = evaluate::spots(world, path, block).unwrap_or_default();
    let held = |address: &Address| state.instances.get(address).filter(|instance| instance.exists());
    if !spots.iter().any(|spot| held(&spot.address).is_some()) {
        return world.give_up(&address);
    }
    for spot in spots {
        let value = held(&spot.address).map(|instance| typed(registry, &spot.address, &instance.attributes));
        world.set(&spot.address, value.unwrap_or_else(Value::unknown));
    }
}

/// The attributes of an instance with the types and the marks that its schema gives them.
fn typed(registry: &Registry, address: &Address, attributes: &Value) -> Value {
    let attrs: &[Attr] = match address.mode {
        Mode::Managed => registry.resource(&address.kind).map_or(&[], |t| t.attrs()),
        Mode::Data => registry.data(&address.kind).map_or(&[], |t| t.attrs()),
    };
    attributes.map_children(&mut |step, value| {
        let attr = attrs.iter().find(|attr| matches!(step, Step::Name(name) if name == attr.name));
        let Some(attr) = attr else { return value.clone() };
        stack::convert(value, &diff::type_of(&attr.kind)).unwrap_or_else(|_| value.clone()).sensitive_if(attr.sensitive)
    })
}
