//! The stack language: loading, expressions, functions, checks.
//!
//! [`load`] makes a [`Stack`] of files in any [`Spelling`]; [`validate`] says what is wrong with it before anything is evaluated; [`variables`] settles
//! the values of its variables; [`Expr::eval`] evaluates an expression in a [`Scope`]; [`conform`] brings the result to a schema.

mod blocks;
mod check;
mod convert;
mod eval;
mod expr;
mod files;
mod found;
mod functions;
pub mod heredoc;
mod json;
mod load;
mod lower;
mod modules;
mod ops;
mod overrides;
mod paths;
mod place;
mod raw;
mod reach;
mod refused;
mod render;
mod scope;
mod syntax;
#[cfg(test)]
mod tests;
mod tf;
pub mod tokens;
mod toml;
mod types;
mod uses;
mod variables;

pub use check::{conform, references, validate};
pub use convert::{Misfit, a_type, can_convert, convert, kind_of, unify};
pub use expr::{Expr, Reference, Target};
pub use files::{Files, Paths, Recorded};
pub use found::{holds_stack, stacks_under};
pub use json::{Ordered, ordered};
pub use load::{Spelling, is_stack, load, well_formed};
pub use lower::unescaped;
pub use scope::{Nothing, Scope};
pub use syntax::{
    Block, Call, Check, Condition, ConfigRef, DriftRule, Ignore, Import, Lifecycle, Module, Moved, Output, ProviderBlock, Removed, Stack,
    Variable,
};
pub use tf::{body, labels};
pub use types::Defaults;
pub use uses::{Use, folders, real, uses};
pub use variables::{Given, RawValue, automatic, file_values, held_to, input, is_automatic, variables};

use crate::words::{Result, Source};

/// An expression without quotes and `${...}`, as at the console: `length(var.zones)`.
pub fn expression(text: &str, name: &str) -> Result<Expr> {
    lower::expression(text, &place::Place::of(&Source::new(name, text)))
}

/// The names of all functions, sorted.
pub fn function_names() -> impl Iterator<Item = &'static str> {
    functions::names()
}
