//! The bot's one comment on a pull request: a table of all stacks, then what is dangerous, then each stack, folded.

use super::digest::Digest;

/// All that the comment tells.
#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The commit that was planned, in full.
    pub commit: String,
    /// What is to be typed, or known, at the end: paragraphs of Markdown that we wrote ourselves.
    pub hints: Vec<String>,
    /// Where all of it is that this comment has no room for: a URL.
    pub rest: Option<String>,
    /// The stacks, in the order in which they are applied.
    pub stacks: Vec<Stack>,
}

/// One stack.
#[derive(Clone, Debug)]
pub struct Stack {
    /// As the project calls it.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of a stack.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It waits for its turn.
    Waiting,
    /// It is being planned.
    Planning,
    /// This is what would be done.
    Planned(Digest),
    /// It could not be planned: what the program said.
    Unplanned(String),
    /// It is not planned, for this reason: one sentence.
    Refused(String),
    /// The plan is being applied.
    Applying {
        /// What is being done.
        plan: Digest,
        /// How many changes are through.
        done: usize,
        /// Of how many.
        of: usize,
    },
    /// The plan was applied.
    Applied {
        /// What was done.
        plan: Digest,
        /// How it ended, in a line: `3 created, 1 changed, 0 destroyed`.
        summary: String,
    },
    /// The apply failed, at least in part.
    Failed {
        /// What was to be done.
        plan: Digest,
        /// What the program said.
        error: String,
    },
}

/// The comment, as Markdown of at most `limit` bytes. What does not fit is left out whole, the least important first, and told.
#[must_use]
pub fn comment(page: &Page, limit: usize) -> String {
    let _ = (page, limit);
    String::new()
}
