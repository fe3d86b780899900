//! Types without a cloud: random values, keys and certificates, files on this machine, and `terraform_data`.
//!
//! What they make lives in the state, so `generate` gives all of it at once and `read` mostly answers from what the state holds.

mod data;
mod file;
mod random;
mod remote_state;
mod tls;

use std::any::Any;
use std::sync::Arc;

use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cloud, DataOf, DataType, Fut, Identity, Known, Live, Of, Provider, ResourceType, Settings, Tags};
use crate::words::schema::Attr;
use crate::words::states::OtherStates;

/// The providers of these types.
pub const PROVIDERS: &[&dyn Provider] = &[
    &Here { name: "random", source: "registry.terraform.io/hashicorp/random" },
    &Here { name: "tls", source: "registry.terraform.io/hashicorp/tls" },
    &Here { name: "local", source: "registry.terraform.io/hashicorp/local" },
    &Here { name: "terraform", source: "terraform.io/builtin/terraform" },
];

/// The types.
pub const RESOURCES: &[&dyn ResourceType] = &[
    &Of::<file::plain::LocalFile>::TYPE,
    &Of::<file::secret::LocalSensitiveFile>::TYPE,
    &Of::<random::id::RandomId>::TYPE,
    &Of::<random::password::RandomPassword>::TYPE,
    &Of::<random::string::RandomString>::TYPE,
    &Of::<random::uuid::RandomUuid>::TYPE,
    &Of::<data::TerraformData>::TYPE,
    &Of::<tls::private_key::TlsPrivateKey>::TYPE,
    &Of::<tls::self_signed_cert::TlsSelfSignedCert>::TYPE,
];

/// The data sources.
pub const DATA: &[&dyn DataType] = &[&DataOf::<remote_state::TerraformRemoteState>::TYPE];

/// The clients of a provider that calls nobody: none, but for who reads the states of other stacks.
#[derive(Default)]
pub struct Local {
    states: Option<Arc<dyn OtherStates>>,
}

/// No tags.
static NONE: Tags = Tags::new();

impl Cloud for Local {
    fn as_any(&self) -> &(dyn Any + Send + Sync) {
        self
    }
    fn identity(&self) -> Fut<'_, Outcome<Option<Identity>>> {
        Box::pin(async { Ok(None) })
    }
    fn default_tags(&self) -> &Tags {
        &NONE
    }
    fn ignores_tag(&self, _key: &str) -> bool {
        false
    }
}

/// A provider that works on this machine and needs no configuration.
struct Here {
    name: &'static str,
    source: &'static str,
}

impl Provider for Here {
    fn name(&self) -> &'static str {
        self.name
    }
    fn source(&self) -> &'static str {
        self.source
    }
    fn attrs(&self) -> &'static [Attr] {
        &[]
    }
    fn configure<'a>(&'a self, _config: &'a Value, settings: &'a Settings) -> Fut<'a, Outcome<Arc<dyn Cloud>>> {
        let cloud = Local { states: settings.states.clone() };
        Box::pin(async { Ok(Arc::new(cloud) as Arc<dyn Cloud>) })
    }
}

/// What every type here has in common: all of it comes from `generate`.
macro_rules! made_here {
    () => {
        const LOCAL: bool = true;
        type Cloud = $crate::local::Local;

        async fn create(&self, cx: &Cx<'_, $crate::local::Local>) -> Outcome<Id> {
            Ok(self.generate(cx, None).await?.id)
        }
        async fn update(&self, cx: &Cx<'_, $crate::local::Local>, live: &Live<Self>) -> Outcome<()> {
            self.generate(cx, Some(live)).await.map(drop)
        }
    };
}

/// What every type has in common that is nowhere but in the state: removing it is forgetting it.
macro_rules! forgotten {
    () => {
        async fn delete(_cx: &Cx<'_, $crate::local::Local>, _live: &Live<Self>) -> Outcome<()> {
            Ok(())
        }
    };
}

/// Of a type that can't be imported, since nothing but its own state tells what it was made of.
macro_rules! not_imported {
    () => {
        async fn import(_cx: &Cx<'_, $crate::local::Local>, _given: &str) -> Outcome<Id> {
            Err($crate::words::failure::Failure::other(format!("a {} cannot be imported", Self::TYPE))
                .help("let ferroform make a new one, or keep the old value in a variable"))
        }
    };
}

use {forgotten, made_here, not_imported};

/// Those asked for, as the state holds them.
fn remembered<R: Clone>(known: &[Known<R>]) -> Vec<Live<R>> {
    known.iter().filter_map(|k| Some(Live { id: k.id.clone(), value: k.prior.clone()? })).collect()
}

/// Work that would hold up the other tasks: on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Outcome<T> + Send + 'static) -> Outcome<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|_| Err(Failure::other("the work was interrupted")))
}

/// Bytes as lower-case hexadecimal digits.
fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::reads::Reads;
    use crate::words::resource::{Cx, Resource};

    /// Runs `work` with what a call runs with.
    pub(super) async fn with<T>(work: impl AsyncFnOnce(&Cx<'_, Local>) -> T) -> T {
        work(&Cx { cloud: &Local::default(), token: "token", reads: &Reads::default() }).await
    }

    /// A new one, and checks that reading it answers with the same.
    pub(super) async fn made<R: Resource<Cloud = Local> + PartialEq + std::fmt::Debug>(want: R) -> Live<R> {
        with(async |cx| {
            let made = want.generate(cx, None).await.unwrap();
            assert_eq!(read(&made).await.as_ref(), Some(&made));
            made
        })
        .await
    }

    /// What reading it answers with.
    pub(super) async fn read<R: Resource<Cloud = Local>>(live: &Live<R>) -> Option<Live<R>> {
        with(async |cx| R::read(cx, &[Known { id: live.id.clone(), prior: Some(live.value.clone()) }]).await.unwrap().pop()).await
    }

    #[test]
    fn every_type_belongs_to_a_provider_and_has_an_example_of_two_stacks() {
        for kind in RESOURCES {
            assert!(kind.is_local() && kind.batch() == 1, "{}", kind.name());
            let word = kind.name().split('_').next();
            assert!(PROVIDERS.iter().any(|p| Some(p.name()) == word), "{}", kind.name());
            let stacks: Vec<_> = kind.example().split("\n---\n").collect();
            assert_eq!(stacks.len(), 2, "{}", kind.name());
            for stack in stacks {
                let tree: toml::Table = stack.parse().unwrap();
                assert!(tree["resource"].get(kind.name()).is_some(), "{}", kind.name());
            }
        }
    }
}
