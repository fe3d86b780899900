//! The words that the whole house speaks: errors, addresses, values, schemas, and what a resource type is.
//! Nothing here knows of stacks, state or any cloud.

pub mod address;
pub mod calls;
pub mod drift;
pub mod error;
pub mod failure;
pub mod fields;
pub mod listed;
pub mod marks;
pub mod number;
pub mod reads;
pub mod resource;
pub mod schema;
pub mod secret;
pub mod source;
pub mod states;
pub mod value;

pub use address::{Address, Key, Mode, ModulePath, Selection};
pub use error::{Diagnostic, Diagnostics, Result, Severity};
pub use marks::Marks;
pub use number::Number;
pub use source::{Source, Span};
pub use value::{Object, Type, Value};
