//! Secrets that Ferroform itself is given: tokens, addresses that are as good as one.

use std::fmt;
use std::sync::Arc;

/// What stands for a secret in whatever is told.
const HIDDEN: &str = "(secret)";

/// A secret. Nothing shows it.
#[derive(Clone)]
pub struct Secret(Arc<str>);

impl Secret {
    /// That text from now on is a secret.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The text, for those who send it where it belongs.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A text without it.
    #[must_use]
    pub fn hide(&self, text: &str) -> String {
        if self.0.len() < 4 { text.to_owned() } else { text.replace(&*self.0, HIDDEN) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HIDDEN)
    }
}
