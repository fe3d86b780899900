//! `ferroform drift --unmanaged`: what exists where the stacks are at work, and no state owns.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use globset::Glob;

use crate::cli::session::Session;
use crate::engine::failed;
use crate::engine::planner::Request;
use crate::engine::tree::Tree;
use crate::engine::unmanaged::{Before, Seen, look, places};
use crate::registry::REGISTRY;
use crate::state::State;
use crate::words::error::nearest;
use crate::words::resource::Cloud;
use crate::words::{Diagnostic, Result};

/// What is looked for that no state owns.
#[derive(Clone, Debug, Default, clap::Args)]
pub(crate) struct UnmanagedArgs {
    /// List what exists in the accounts and regions of the stack, of the types that it uses, and no state of the project owns.
    #[arg(long)]
    pub unmanaged: bool,
    /// Of these types, whether the stack uses them or not: `aws_s3_bucket`, `aws_iam_*`.
    #[arg(long, value_name = "TYPE", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Of all types that can be listed.
    #[arg(long, conflicts_with = "types")]
    pub everything: bool,
}

impl UnmanagedArgs {
    /// Whether anything of it is asked for.
    pub fn asked(&self) -> bool {
        self.unmanaged || self.everything || !self.types.is_empty()
    }

    /// The types to look at.
    fn kinds(&self, session: &Session, state: &State) -> Result<BTreeSet<&'static str>> {
        let all = || REGISTRY.resources.iter().map(|ty| ty.name());
        if self.everything {
            return Ok(all().collect());
        }
        if self.types.is_empty() {
            let used: BTreeSet<String> = Tree::of(&session.stack).blocks.iter().map(|placed| placed.address.kind.to_string()).collect();
            let held = |kind: &str| state.instances.keys().any(|address| *address.kind == *kind);
            return Ok(all().filter(|kind| used.contains(*kind) || held(kind)).collect());
        }
        let mut chosen = BTreeSet::new();
        for given in &self.types {
            let glob = Glob::new(given).map_err(|e| Diagnostic::error(format!("`{given}` is no pattern of types: {e}")))?.compile_matcher();
            let before = chosen.len();
            chosen.extend(all().filter(|kind| glob.is_match(kind)));
            if chosen.len() == before && !all().any(|kind| glob.is_match(kind)) {
                let error = Diagnostic::error(format!("there is no resource type `{given}`"));
                return Err(match nearest(given, all()) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("all types: ferroform explain"),
                }
                .into());
            }
        }
        Ok(chosen)
    }
}

/// Looks at one stack. What an earlier look in `before` has told of, the same account, region and type, is not told again.
pub(super) async fn unmanaged(
    session: &Session,
    request: &Request<'_>,
    clouds: &HashMap<Arc<str>, Arc<dyn Cloud>>,
    args: &UnmanagedArgs,
    before: &mut Before,
) -> Result<Seen> {
    let kinds = args.kinds(session, request.state)?;
    let places = places(request, &kinds, |provider| clouds.get(provider).cloned()).await?;
    let looked = look(&REGISTRY, &places, &kinds, &session.owned()?, request.options.parallelism, before).await;
    Ok(looked.map_err(|failure| failed("nobody can tell whose account it is", &failure))?)
}
