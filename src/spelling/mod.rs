//! The texts of stacks: bringing them into their format, and spelling them the other way.

mod hcl;
mod toml;

use std::sync::Arc;

use crate::stack::{Spelling, well_formed};
use crate::words::{Result, Source};

/// A file in its format: TOML by the rules of `docs/language.md`, `.tf` as `terraform fmt` has it. JSON is left as it is.
///
/// Formatting twice is formatting once; what the text means does not change. A text that can't be read is an error with its place.
pub fn format(name: &str, text: &str, spelling: Spelling) -> Result<String> {
    let plain = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    well_formed(&Source::new(name, Arc::from(plain)), spelling)?;
    Ok(match spelling {
        Spelling::Toml => toml::format(text),
        Spelling::Tf => hcl::format(text),
        Spelling::Json => text.to_owned(),
    })
}
