//! What other stacks know: their outputs, by where their states lie.

use super::failure::Outcome;
use super::resource::Fut;
use super::value::{Object, Value};

/// Reads the outputs of other states, for `terraform_remote_state`. Whoever runs the engine knows how to.
pub trait OtherStates: std::fmt::Debug + Send + Sync {
    /// The outputs in the state that a backend with that configuration keeps for that workspace; those that are sensitive are marked.
    fn outputs<'a>(&'a self, backend: &'a str, config: &'a Value, workspace: &'a str) -> Fut<'a, Outcome<Object>>;
}
