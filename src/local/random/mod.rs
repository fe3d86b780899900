//! Random values that are made once and then stay, kept in the state.

pub(super) mod id;
pub(super) mod password;
pub(super) mod string;
mod text;
pub(super) mod uuid;
