//! What the user asks of a plan.

use std::collections::BTreeMap;

use super::plan::Purpose;
use crate::state::guard::Allow;
use crate::words::{Address, Selection};

/// What the user asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// Apply, destroy or refresh only.
    pub purpose: Purpose,
    /// Only these, and what they need.
    pub targets: Vec<Selection>,
    /// Not these, nor what needs them.
    pub excludes: Vec<Selection>,
    /// Replace these, whether they change or not.
    pub replace: Vec<Address>,
    /// Read what there is; otherwise the state is believed.
    pub refresh: bool,
    /// How many calls may be in flight together.
    pub parallelism: usize,
    /// Take into the state what has these ids, under these addresses.
    pub imports: Vec<(Address, String)>,
    /// Give the blocks that are to be written for imports that have none.
    pub generate: bool,
    /// Which guards the user sets aside.
    pub allow: Allow,
    /// Take over what exists instead of making it, where a block does not say whether.
    pub adopt: bool,
    /// Destroy what was adopted, too.
    pub destroy_adopted: bool,
    /// What can't be read is left as the state has it, and told, where it would be an error.
    pub tolerant: bool,
    /// What someone else changed becomes again what it was, where the stack says nothing of it, too.
    pub mend: bool,
    /// What other states hold, by type and id: what to call that state. Nothing of it is adopted.
    pub owned: BTreeMap<(String, String), String>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            purpose: Purpose::Apply,
            targets: vec![],
            excludes: vec![],
            replace: vec![],
            refresh: true,
            parallelism: 16,
            imports: vec![],
            generate: false,
            allow: Allow::default(),
            adopt: false,
            destroy_adopted: false,
            tolerant: false,
            mend: false,
            owned: BTreeMap::new(),
        }
    }
}
