//! Secrets in a table of the configuration.

use std::sync::Arc;

use toml::de::DeValue;

use super::secret::{Origin, Secret};
use crate::words::fields::Fields;
use crate::words::{Diagnostic, Diagnostics};

/// Where secrets may be looked up at once.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) trait Secrets {
    /// Where a secret is: `{ env = "NAME" }` or `{ secretsmanager = "ARN or name" }`; where `open`, it may stand there itself.
    fn secret(&mut self, key: &'static str, open: bool, env: Environment<'_>, errors: &mut Diagnostics) -> Option<Origin>;
}

impl Secrets for Fields<'_> {
    fn secret(&mut self, key: &'static str, open: bool, env: Environment<'_>, errors: &mut Diagnostics) -> Option<Origin> {
        let value = self.get(key)?;
        let how = "write `{ env = \"NAME\" }` or `{ secretsmanager = \"ARN or name\" }`";
        let table = match value.get_ref() {
            DeValue::String(text) if open => return Some(Origin::Known(Secret::new(text.to_string()))),
            DeValue::Table(table) => table,
            DeValue::String(_) => {
                // The span would show it.
                let error = Diagnostic::error(format!("`{key}` of {} is a secret, and this file is no place for one", self.what()));
                let line = self.source().position(value.span().start).0;
                errors.push(error.fact("place", format!("{}:{line}", self.source().name)).help(how));
                return None;
            }
            _ => {
                errors.push(self.bad(key, value, "a place of a secret").help(how));
                return None;
            }
        };
        let mut inner = Fields::of(self.source(), table, value.span(), &format!("`{key}` of {}", self.what()));
        let (name, id) = (inner.text("env", errors), inner.text("secretsmanager", errors));
        let span = inner.get("env").map(|value| inner.span(value));
        inner.done(errors);
        match (name, id) {
            (Some(name), None) => match env(&name).filter(|text| !text.is_empty()) {
                Some(text) => Some(Origin::Known(Secret::new(text))),
                None => {
                    let error = Diagnostic::error(format!("the environment has no `{name}`, which `{key}` of {} needs", self.what()));
                    let error = error.or_at(span.as_ref());
                    errors.push(error.help(format!("set {name} where the watch runs, such as in the service's EnvironmentFile")));
                    None
                }
            },
            (None, Some(id)) => Some(Origin::Manager(id, Arc::default())),
            _ => {
                errors.push(self.bad(key, value, "one place of a secret").help(how));
                None
            }
        }
    }
}
