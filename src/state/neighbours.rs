//! The states of other stacks: what `terraform_remote_state` reads.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::local::LocalStore;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::Fut;
use crate::words::states::OtherStates;
use crate::words::{Diagnostics, Object, Value};

/// Where relative paths to other states start: in the folder of the stack, as in Terraform, which runs there.
#[derive(Clone, Debug)]
pub struct Neighbours {
    folder: PathBuf,
    shown: PathBuf,
    here: PathBuf,
    /// A folder that isn't where paths say, and where it is.
    moved: Option<(PathBuf, PathBuf)>,
}

impl Neighbours {
    /// For a stack in the folder that expressions see as `shown`, from where the command works.
    #[must_use]
    pub fn of(shown: &str, here: &Path) -> Self {
        Self { folder: here.join(shown), shown: shown.into(), here: here.to_path_buf(), moved: None }
    }

    /// Paths into the first folder lead into the second.
    #[must_use]
    pub fn moved(self, moved: Option<(PathBuf, PathBuf)>) -> Self {
        Self { moved, ..self }
    }

    /// A path that begins with the stack's folder, as `${path.module}` gives it, is one from where the command works.
    fn path(&self, given: &str) -> PathBuf {
        let within = self.shown != Path::new(".") && Path::new(given).starts_with(&self.shown);
        let path = if within { self.here.join(given) } else { self.folder.join(given) };
        let inner = self.moved.as_ref().and_then(|(from, to)| Some(to.join(straight(&path).strip_prefix(from).ok()?)));
        inner.unwrap_or(path)
    }

    fn local(&self, config: &Value, workspace: &str) -> Outcome<Object> {
        let path = if workspace == "default" {
            self.path(config.attr("path").as_str().filter(|p| !p.is_empty()).unwrap_or("terraform.tfstate"))
        } else {
            let dir = config.attr("workspace_dir").as_str().filter(|p| !p.is_empty()).unwrap_or("terraform.tfstate.d");
            self.path(dir).join(workspace).join("terraform.tfstate")
        };
        let loaded = LocalStore::new(&path).read().map_err(|errors| told(&errors))?;
        let missing = || {
            let failure = Failure::other(format!("there is no state at {}", path.display()));
            failure
                .help("apply that stack first, or look at `path` and `workspace`: a path starts from the folder of the stack that reads it")
        };
        let state = loaded.state.ok_or_else(missing)?;
        // An output that is null is none that Terraform's state would have.
        let outputs = state.outputs.into_iter().filter(|(_, output)| !output.value.is_null());
        Ok(outputs.map(|(name, output)| (Arc::from(name.as_str()), output.value.sensitive_if(output.sensitive))).collect())
    }
}

/// A path without `.` and `..`: the folder that a state was moved from need not be there.
fn straight(path: &Path) -> PathBuf {
    let mut straight = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(straight.pop()),
            part => straight.push(part),
        }
    }
    straight
}

/// Errors of a state as the reason why it can't be read.
fn told(errors: &Diagnostics) -> Failure {
    let first = errors.0.first();
    let failure = Failure::other(first.map_or_else(String::new, |d| d.summary.clone()));
    first.and_then(|d| d.help.first()).map_or(failure.clone(), |help| failure.help(help.clone()))
}

impl OtherStates for Neighbours {
    fn outputs<'a>(&'a self, backend: &'a str, config: &'a Value, workspace: &'a str) -> Fut<'a, Outcome<Object>> {
        Box::pin(async move {
            match backend {
                "local" => self.local(config, workspace),
                other => Err(Failure::other(format!("states of the backend `{other}` can't be read"))),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_start_from_the_stack() {
        let neighbours = Neighbours::of("stacks/web", Path::new("/p"));
        for (given, wanted) in [
            ("../network/terraform.tfstate", "/p/stacks/web/../network/terraform.tfstate"),
            ("stacks/web/modules/m/x.tfstate", "/p/stacks/web/modules/m/x.tfstate"),
            ("/abs/x", "/abs/x"),
        ] {
            assert_eq!(neighbours.path(given), Path::new(wanted));
        }
        assert_eq!(Neighbours::of(".", Path::new("/p")).path("x"), Path::new("/p/./x"));
        let moved = neighbours.moved(Some(("/p/state".into(), "/srv/states".into())));
        assert_eq!(moved.path("../../state/network/eu.tfstate.json"), Path::new("/srv/states/network/eu.tfstate.json"));
        assert_eq!(moved.path("../network/terraform.tfstate"), Path::new("/p/stacks/web/../network/terraform.tfstate"));
    }
}
