//! The texts of stacks: bringing them into their format, and spelling them the other way.

mod hcl;
mod of_json;
mod site;
mod to_tf;
mod to_toml;
mod toml;
mod toml_text;
mod written;

use std::sync::Arc;

pub use written::{Unwritten, imports, written};

use crate::stack::{self, Spelling, well_formed};
use crate::words::resource::Registry;
use crate::words::{Result, Source};

/// A file in its format: TOML by the rules of `docs/language.md`, `.tf` as `terraform fmt` has it. JSON is left as it is.
///
/// Formatting twice is formatting once; what the text means does not change. A text that can't be read is an error with its place.
pub fn format(name: &str, text: &str, spelling: Spelling) -> Result<String> {
    well_formed(&plain(name, text), spelling)?;
    Ok(match spelling {
        Spelling::Toml => toml::format(text),
        Spelling::Tf => hcl::format(text),
        Spelling::Json => text.to_owned(),
    })
}

/// A text without byte order mark, with plain line ends.
fn plain(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, Arc::from(text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n")))
}

/// A `.tf` file in TOML: comments where they stand, the text of expressions as it is, heredocs as strings over many lines.
pub fn to_toml(name: &str, text: &str) -> Result<String> {
    let source = plain(name, text);
    to_toml::convert(&source, &stack::body(&source)?)
}

/// A `.tf.json` file in TOML.
pub fn json_to_toml(name: &str, text: &str) -> Result<String> {
    of_json::convert(&plain(name, text))
}

/// A `.tfvars` file in TOML.
pub fn values_to_toml(name: &str, text: &str) -> Result<String> {
    let source = plain(name, text);
    to_toml::values(&source, &stack::body(&source)?)
}

/// A `.toml` file with values as `.tfvars`.
pub fn values_to_tf(name: &str, text: &str, registry: &Registry) -> Result<String> {
    let source = plain(name, text);
    well_formed(&source, Spelling::Toml)?;
    to_tf::values(&source, registry)
}

/// A `.toml` file as `.tf`. The schemas of the registry tell which tables are nested blocks.
pub fn to_tf(name: &str, text: &str, registry: &Registry) -> Result<String> {
    let source = plain(name, text);
    well_formed(&source, Spelling::Toml)?;
    to_tf::convert(&source, registry)
}
