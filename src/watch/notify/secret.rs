//! Secrets: where they come from, and that nobody is told.

use std::sync::Arc;

use tokio::sync::OnceCell;

use super::cloud::Cloud;
pub use crate::words::secret::Secret;

/// Where a secret is.
#[derive(Clone, Debug)]
pub(super) enum Origin {
    /// It was in the environment, or stands in the file where it need not be secret.
    Known(Secret),
    /// A secret of Secrets Manager, by its ARN or name; asked for when it is first needed.
    Manager(String, Arc<OnceCell<Secret>>),
}

impl Origin {
    /// The secret. A failure is tried again the next time.
    pub async fn get(&self, cloud: &Cloud) -> Result<Secret, String> {
        match self {
            Self::Known(secret) => Ok(secret.clone()),
            Self::Manager(id, kept) => kept.get_or_try_init(|| cloud.secret(id)).await.cloned(),
        }
    }

    /// A text without it, where it is known.
    pub fn hide(&self, text: &str) -> String {
        match self {
            Self::Known(secret) => secret.hide(text),
            Self::Manager(_, kept) => kept.get().map_or_else(|| text.to_owned(), |secret| secret.hide(text)),
        }
    }

    /// Forgets what Secrets Manager said: it may have another one by now.
    pub fn forget(&mut self) {
        if let Self::Manager(_, kept) = self {
            *kept = Arc::default();
        }
    }
}
