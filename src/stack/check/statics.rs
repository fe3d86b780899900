//! What can be said of a stack before anything is evaluated.

use crate::stack::syntax::Stack;
use crate::words::Diagnostics;
use crate::words::resource::Registry;

/// Everything that is wrong with a stack as far as it shows without evaluating: unknown types and attributes, references to nothing,
/// values of the wrong type.
pub fn validate(stack: &Stack, registry: &Registry) -> Diagnostics {
    let _ = (stack, registry);
    Diagnostics::default()
}
