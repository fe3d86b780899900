//! One local AWS for all tests of a run, an account of its own for each.

use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ferroform::sandbox::{Private, Sandbox};
use tempfile::TempDir;

/// The cache of the tests: the environment is installed once for all runs.
pub fn cache() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

/// An empty account somewhere.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// Where to call.
    pub endpoint: String,
    /// The account's number.
    pub account: String,
    /// The access key that leads to the account.
    pub access_key: String,
}

impl Cloud {
    /// The environment for a command that shall use the account and nothing of the machine's own.
    pub fn env(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.endpoint.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key.clone()),
            ("AWS_SECRET_ACCESS_KEY", "none".into()),
            ("AWS_REGION", "us-east-1".into()),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("AWS_CONFIG_FILE", "/nonexistent".into()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent".into()),
        ]
    }

    /// The same account, called through something at another address.
    #[must_use]
    pub fn through(&self, endpoint: impl Into<String>) -> Self {
        Self { endpoint: endpoint.into(), ..self.clone() }
    }
}

fn account_at(endpoint: &str) -> Cloud {
    static NEXT: AtomicU64 = AtomicU64::new(100_000_000_001);
    let account = format!("{:012}", NEXT.fetch_add(1, Ordering::Relaxed));
    Cloud { endpoint: endpoint.to_owned(), access_key: format!("AKIASAND{account}"), account }
}

/// A fresh account of the server that all tests of this run share. It ends with the run, however that ends.
pub fn cloud() -> Cloud {
    static SHARED: OnceLock<Alone> = OnceLock::new();
    account_at(SHARED.get_or_init(server).server.endpoint())
}

/// A server that a test has for itself, to stop or reset it.
pub struct Alone {
    /// The server.
    pub server: Private,
    _folder: TempDir,
}

impl Alone {
    /// A fresh account of it.
    pub fn cloud(&self) -> Cloud {
        account_at(self.server.endpoint())
    }
}

/// Starts a server: about two seconds. Most tests do with [`cloud`].
pub fn server() -> Alone {
    let folder = tempfile::tempdir().unwrap();
    let server = Sandbox::new(&cache(), "tests").private(folder.path(), &mut |_| ()).unwrap_or_else(|error| panic!("{error}"));
    Alone { server, _folder: folder }
}
