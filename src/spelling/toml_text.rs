//! Pieces of TOML for what is written anew.

use toml_writer::{ToTomlKey as _, ToTomlValue as _, TomlKeyBuilder, TomlStringBuilder};

/// The longest line that a table or list is put on.
const LINE: usize = 100;

/// A key, quoted where it has to be.
pub(super) fn key(text: &str) -> String {
    TomlKeyBuilder::new(text).as_default().to_toml_key()
}

/// A text, in whichever quotes read best.
pub(super) fn quoted(text: &str) -> String {
    let builder = TomlStringBuilder::new(text);
    let literal = if text.contains('\n') { builder.as_ml_literal() } else { builder.as_literal().filter(|_| text.contains(['"', '\\'])) };
    let plain = || if text.contains('\n') { builder.as_ml_basic() } else { builder.as_basic() };
    literal.unwrap_or_else(plain).to_toml_value()
}

/// A list or a table, on one line where there is room.
pub(super) fn within([open, close]: [char; 2], items: &[String], space: &str) -> String {
    let line = items.join(", ");
    if items.is_empty() {
        format!("{open}{close}")
    } else if line.len() <= LINE && !line.contains('\n') {
        format!("{open}{space}{line}{space}{close}")
    } else {
        format!("{open}\n{},\n{close}", items.join(",\n"))
    }
}
