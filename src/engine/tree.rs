//! The modules of a stack as they call one another, before anyone knows how many instances each has.

use std::collections::HashMap;

use super::evaluate;
use super::world::World;
use crate::stack::{Block, Call, Module, Stack};
use crate::words::{Address, ModulePath};

/// All modules and their blocks.
pub struct Tree<'a> {
    /// Callers before those they call; the root comes first.
    pub sites: Vec<Site<'a>>,
    /// The blocks of all modules.
    pub blocks: Vec<Placed<'a>>,
    index: HashMap<Address, usize>,
}

/// A module where one call puts it.
pub struct Site<'a> {
    /// Its path, without keys.
    pub path: ModulePath,
    /// What it holds.
    pub module: &'a Module,
    /// The place of its caller, and the call; none for the root.
    pub caller: Option<(usize, &'a Call)>,
    /// The places of those that it calls, in the order of its calls.
    pub children: Vec<usize>,
}

/// A block in a module.
pub struct Placed<'a> {
    /// The place of the module.
    pub site: usize,
    /// Its address with the modules around it, without keys.
    pub address: Address,
    /// The block.
    pub block: &'a Block,
}

impl<'a> Tree<'a> {
    /// The tree of a stack.
    #[must_use]
    pub fn of(stack: &'a Stack) -> Self {
        let mut tree = Self { sites: vec![], blocks: vec![], index: HashMap::new() };
        tree.add(ModulePath::default(), &stack.module, None);
        tree
    }

    fn add(&mut self, path: ModulePath, module: &'a Module, caller: Option<(usize, &'a Call)>) -> usize {
        let site = self.sites.len();
        self.sites.push(Site { path: path.clone(), module, caller, children: vec![] });
        for block in &module.resources {
            let address = block.address.within(&path);
            self.index.insert(address.clone(), self.blocks.len());
            self.blocks.push(Placed { site, address, block });
        }
        for (name, call) in &module.calls {
            let child = self.add(path.child(name.clone(), None), &call.module, Some((site, call)));
            self.sites[site].children.push(child);
        }
        site
    }

    /// The place of the block that an instance belongs to.
    #[must_use]
    pub fn find(&self, address: &Address) -> Option<usize> {
        if address.key.is_none() && address.module.iter().all(|(_, key)| key.is_none()) {
            return self.index.get(address).copied();
        }
        self.index.get(&address.config()).copied()
    }

    /// The block that an instance belongs to.
    #[must_use]
    pub fn block(&self, address: &Address) -> Option<&'a Block> {
        self.find(address).map(|i| self.blocks[i].block)
    }
}

/// Says which instances of the module at that place there are, wherever it is called; where that can't be told, nothing is known of it.
pub fn expand<'a>(world: &mut World<'a>, tree: &Tree<'a>, site: usize) {
    let Some((caller, call)) = tree.sites[site].caller else { return };
    let shape = evaluate::shape(call.count.as_ref(), call.for_each.as_ref());
    for path in world.expansions(&tree.sites[caller].path).to_vec() {
        let keys = evaluate::keys(world, &path, call).ok();
        world.expand(&path, call, shape, keys);
    }
}
