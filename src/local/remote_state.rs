//! `terraform_remote_state`: the outputs of another stack.

use std::sync::Arc;

use crate::local::Local;
use crate::words::error::nearest;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem};
use crate::words::{Object, Value};

/// Backends that can be asked, and what each is configured with.
const BACKENDS: &[(&str, &[&str])] = &[("local", &["path", "workspace_dir"])];

crate::blocks! {
    /// The outputs of another stack, as its state holds them. Whoever can read them can read that whole state.
    pub struct TerraformRemoteState {
        /// Where that state is kept: `local`, a file.
        backend: String,
        /// How the backend is configured, as in the `terraform` block of that stack: for `local`, `path`, and `workspace_dir` for the
        /// states of other workspaces. A path starts from the folder of the stack that reads it.
        config: Value,
        /// Values of outputs that the state does not have.
        defaults: Value,
        /// The workspace whose state is read; `default` if not given.
        workspace: Option<String>,
        /// The outputs, an object. Those that are sensitive there are sensitive here.
        #[attr(computed)]
        outputs: Value,
    }
}

impl DataSource for TerraformRemoteState {
    const TYPE: &'static str = "terraform_remote_state";
    const ID: bool = false;
    const EXAMPLE: &'static str = r#"
[data.terraform_remote_state.network]
backend = "local"
config = { path = "../network/terraform.tfstate" }
defaults = { zone = "eu-west-1a" }

[output.zone]
value = "${data.terraform_remote_state.network.outputs.zone}"
"#;
    type Cloud = Local;

    async fn read(self, cx: &Cx<'_, Self::Cloud>) -> Outcome<Live<Self>> {
        let states = cx.cloud.states.as_ref().ok_or_else(|| Failure::other("there is nobody to read other states here"))?;
        let read = states.outputs(&self.backend, &self.config, self.workspace.as_deref().unwrap_or("default")).await?;
        let mut outputs: Object = self.defaults.entries().cloned().unwrap_or_default();
        outputs.extend(read);
        Ok(Live { id: String::new(), value: Self { outputs: Value::Object(Arc::new(outputs)), ..self } })
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let mapping = |name: &str| given.attr(name).is_null() || given.attr(name).is_unknown() || given.attr(name).entries().is_some();
        for name in ["config", "defaults"].into_iter().filter(|name| !mapping(name)) {
            problems.push(Problem::new(name, format!("`{name}` is an object, {{ name = value }}")));
        }
        let Some(backend) = given.attr("backend").as_str() else { return problems };
        let Some((_, known)) = BACKENDS.iter().find(|(name, _)| *name == backend) else {
            let names: Vec<&str> = BACKENDS.iter().map(|(name, _)| *name).collect();
            let near = nearest(backend, names.iter().copied()).map_or_else(String::new, |near| format!(": did you mean `{near}`?"));
            problems.push(Problem::new(
                "backend",
                format!("states of the backend `{backend}` can't be read, only those of {}{near}", names.join(", ")),
            ));
            return problems;
        };
        for (name, value) in given.attr("config").entries().into_iter().flatten() {
            if !known.contains(&&**name) {
                let why = format!("the backend `{backend}` is configured with {}, and not with `{name}`", known.join(" and "));
                problems.push(Problem::new(format!("config.{name}"), why));
            } else if value.as_str().is_none() && !value.is_null() && !value.is_unknown() {
                problems.push(Problem::new(format!("config.{name}"), format!("`{name}` is a text")));
            }
        }
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_backend_is_told() {
        let given = |backend: &str, config: Value| {
            let value = Value::object([("backend", Value::from(backend)), ("config", config)]);
            TerraformRemoteState::check(&value).into_iter().map(|p| format!("{}: {}", p.path, p.message)).collect::<Vec<_>>().join("; ")
        };
        let path = |value: Value| Value::object([("path", value)]);
        assert_eq!(given("local", path("x".into())), "");
        assert_eq!(given("local", path(Value::unknown())), "");
        assert!(given("locl", Value::Null).contains("did you mean `local`?"));
        assert!(given("local", path(Value::list([]))).contains("config.path: `path` is a text"));
        assert!(given("local", Value::object([("pth", Value::from("x"))])).contains("config.pth"));
        assert!(given("local", Value::from("x")).contains("`config` is an object"));
    }
}
