//! How things look: plans, events, errors and schemas as text, Markdown and JSON. Pure functions; nothing here prints, and
//! width and colour are given.

pub mod comment;
pub mod console;
pub mod danger;
pub mod delta;
pub mod diagnostic;
pub mod digest;
pub mod document;
pub mod drift;
pub mod event_json;
pub mod event_text;
pub mod explain;
pub mod gfm;
pub mod inline;
pub mod json;
pub mod line;
pub mod markdown;
pub mod schema;
pub mod text;
pub mod view;

#[cfg(test)]
mod samples;

pub use line::{Look, Role};
pub use view::Facts;
