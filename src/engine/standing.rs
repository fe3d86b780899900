//! The world as a state has it, without planning anything: what the console's expressions see.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::diff;
use super::evaluate;
use super::world::World;
use crate::stack::{self, Files, Stack};
use crate::state::State;
use crate::words::resource::Registry;
use crate::words::schema::Attr;
use crate::words::value::Step;
use crate::words::{Address, Mode, Value};

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
    for block in &stack.module.resources {
        world.declare(&block.address, evaluate::shape(block));
    }
    for block in &stack.module.resources {
        // A block whose instances can't be told, or of which there are none yet, is unknown as a whole.
        let spots = evaluate::spots(&world, block).unwrap_or_default();
        let held = |address: &Address| state.instances.get(address).filter(|instance| instance.exists());
        if !spots.iter().any(|spot| held(&spot.address).is_some()) {
            world.give_up(&block.address);
            continue;
        }
        for spot in spots {
            let value = held(&spot.address).map(|instance| typed(registry, &spot.address, &instance.attributes));
            world.set(&spot.address, value.unwrap_or_else(Value::unknown));
        }
    }
    world
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
