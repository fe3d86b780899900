//! A plan boiled down to what people read of it, as plain data with a JSON form: the bot passes it from the job that plans, which has
//! credentials, to the one that comments, which has none. It holds no secret: what is sensitive says so.

use serde::{Deserialize, Serialize};

/// A plan of one stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Digest {
    /// The stack's name.
    pub stack: String,
    /// Its workspace.
    pub workspace: String,
    /// The state that it was made from: its serial.
    pub serial: u64,
    /// That state's lineage.
    pub lineage: String,
    /// `us-east-1`
    pub region: Option<String>,
    /// `123456789012`
    pub account: Option<String>,
    /// How much there is to do.
    pub counts: Counts,
    /// What is dangerous, the worst first.
    pub dangers: Vec<Danger>,
    /// Warnings and failing checks, one line each.
    pub warnings: Vec<String>,
    /// What is done, in the order of reading.
    pub details: Vec<Detail>,
}

/// How many instances each thing is done to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Made.
    pub create: usize,
    /// Changed in place, more than tags.
    pub change: usize,
    /// Changed in their tags alone.
    pub tags: usize,
    /// Destroyed and made anew.
    pub replace: usize,
    /// Destroyed.
    pub destroy: usize,
    /// Left alone from now on.
    pub forget: usize,
    /// Taken in.
    pub import: usize,
    /// Changes of outputs.
    pub outputs: usize,
    /// As they should be.
    pub unchanged: usize,
}

impl Counts {
    /// Whether there is nothing to do.
    #[must_use]
    pub const fn nothing(&self) -> bool {
        self.create + self.change + self.tags + self.replace + self.destroy + self.forget + self.import + self.outputs == 0
    }
}

/// Something dangerous.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Danger {
    /// Of which instance.
    pub address: String,
    /// `opens SSH to the world`
    pub text: String,
    /// Where its block stands.
    pub place: Option<Place>,
}

/// A line of a file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// Its path from where the plan was made.
    pub file: String,
    /// Counted from 1.
    pub line: u64,
}

/// What is done to an instance, or alike to several.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// `REPLACE`, `DELETE`, `CHANGE`, `TAGS`, `CREATE`, `IMPORT`, ...; nothing for outputs and for what somebody else did.
    pub word: String,
    /// The address, or what they are: `4 resources`, `2 outputs`.
    pub of: String,
    /// Its id.
    pub id: Option<String>,
    /// `because ami changes`
    pub why: Option<String>,
    /// Where its block stands.
    pub place: Option<Place>,
    /// Lines of a diff: they begin with `+ `, `- `, `! `, `# ` or two blanks.
    pub lines: Vec<String>,
}
