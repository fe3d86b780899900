//! A table of a configuration file, read key by key: what is there and was not asked for is an error.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::secret::{Origin, Secret};
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics, Source, Span};

/// Where secrets may be looked up at once.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

pub(super) struct Fields<'a> {
    source: &'a Arc<Source>,
    table: &'a DeTable<'a>,
    /// The table's first line.
    head: Span,
    /// What it is, for errors: `the target "ops"`.
    what: String,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub fn of(source: &'a Arc<Source>, table: &'a DeTable<'a>, range: Range<usize>, what: &str) -> Self {
        let end = source.text.get(range.clone()).and_then(|text| text.find('\n')).map_or(range.end, |at| range.start + at);
        Self { source, table, head: Span::new(source, range.start..end), what: what.to_owned(), asked: vec![] }
    }

    /// From now on it is called so.
    pub fn call(&mut self, what: String) {
        self.what = what;
    }

    /// The value of a key, if it is there.
    pub fn get(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.asked.push(key);
        self.table.iter().find(|(name, _)| name.get_ref() == key).map(|(_, value)| value)
    }

    /// Where a value stands.
    pub fn span(&self, value: &Spanned<DeValue<'_>>) -> Span {
        Span::new(self.source, value.span())
    }

    /// The table's first line.
    pub fn head(&self) -> &Span {
        &self.head
    }

    fn bad(&self, key: &str, value: &Spanned<DeValue<'_>>, want: &str) -> Diagnostic {
        Diagnostic::error(format!("`{key}` of {} is not {want}", self.what)).at(&self.span(value), format!("{want} belongs here"))
    }

    pub fn missing(&self, key: &str, example: &str) -> Diagnostic {
        Diagnostic::error(format!("{} lacks `{key}`", self.what)).at(&self.head, "").help(format!("add `{key} = {example}`"))
    }

    /// A text, if it is there.
    pub fn text(&mut self, key: &'static str, errors: &mut Diagnostics) -> Option<String> {
        let value = self.get(key)?;
        let text = value.get_ref().as_str().filter(|text| !text.trim().is_empty());
        if text.is_none() {
            errors.push(self.bad(key, value, "a text"));
        }
        text.map(str::to_owned)
    }

    /// A text that has to be there.
    pub fn needed(&mut self, key: &'static str, example: &str, errors: &mut Diagnostics) -> String {
        let known = errors.0.len();
        let text = self.text(key, errors);
        if text.is_none() && errors.0.len() == known {
            errors.push(self.missing(key, example));
        }
        text.unwrap_or_default()
    }

    /// Texts; one may stand by itself.
    pub fn texts(&mut self, key: &'static str, errors: &mut Diagnostics) -> Vec<String> {
        let Some(value) = self.get(key) else { return vec![] };
        let items: Option<Vec<String>> = match value.get_ref() {
            DeValue::String(text) => Some(vec![text.to_string()]),
            DeValue::Array(items) => items.iter().map(|item| item.get_ref().as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        items.filter(|items| items.iter().all(|item| !item.trim().is_empty())).unwrap_or_else(|| {
            errors.push(self.bad(key, value, "a text or a list of texts"));
            vec![]
        })
    }

    /// `true` or `false`.
    pub fn flag(&mut self, key: &'static str, default: bool, errors: &mut Diagnostics) -> bool {
        let Some(value) = self.get(key) else { return default };
        value.get_ref().as_bool().unwrap_or_else(|| {
            errors.push(self.bad(key, value, "`true` or `false`"));
            default
        })
    }

    /// One of a few words.
    pub fn one_of<T: Copy>(&mut self, key: &'static str, words: &[(&str, T)], errors: &mut Diagnostics) -> Option<T> {
        let value = self.get(key)?;
        let given = value.get_ref().as_str().unwrap_or_default();
        if let Some((_, found)) = words.iter().find(|(word, _)| *word == given) {
            return Some(*found);
        }
        let all = words.iter().map(|(word, _)| format!("\"{word}\"")).collect::<Vec<_>>().join(", ");
        let error = self.bad(key, value, &format!("one of {all}"));
        errors.push(match nearest(given, words.iter().map(|(word, _)| *word)) {
            Some(near) => error.help(format!("did you mean \"{near}\"?")),
            None => error,
        });
        None
    }

    /// Where a secret is: `{ env = "NAME" }` or `{ secretsmanager = "ARN or name" }`; where `open`, it may stand there itself.
    pub fn secret(&mut self, key: &'static str, open: bool, env: Environment<'_>, errors: &mut Diagnostics) -> Option<Origin> {
        let value = self.get(key)?;
        let how = "write `{ env = \"NAME\" }` or `{ secretsmanager = \"ARN or name\" }`";
        let table = match value.get_ref() {
            DeValue::String(text) if open => return Some(Origin::Known(Secret::new(text.to_string()))),
            DeValue::Table(table) => table,
            DeValue::String(_) => {
                // The span would show it.
                let error = Diagnostic::error(format!("`{key}` of {} is a secret, and this file is no place for one", self.what));
                let line = self.source.position(value.span().start).0;
                errors.push(error.fact("place", format!("{}:{line}", self.source.name)).help(how));
                return None;
            }
            _ => {
                errors.push(self.bad(key, value, "a place of a secret").help(how));
                return None;
            }
        };
        let mut inner = Fields::of(self.source, table, value.span(), &format!("`{key}` of {}", self.what));
        let (name, id) = (inner.text("env", errors), inner.text("secretsmanager", errors));
        let span = inner.get("env").map(|value| inner.span(value));
        inner.done(errors);
        match (name, id) {
            (Some(name), None) => match env(&name).filter(|text| !text.is_empty()) {
                Some(text) => Some(Origin::Known(Secret::new(text))),
                None => {
                    let error = Diagnostic::error(format!("the environment has no `{name}`, which `{key}` of {} needs", self.what));
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

    /// What is there and was not asked for.
    pub fn done(self, errors: &mut Diagnostics) {
        for (name, _) in self.table {
            let key: &str = name.get_ref();
            if self.asked.contains(&key) {
                continue;
            }
            let near = nearest(key, self.asked.iter().copied());
            let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            let error = Diagnostic::error(format!("{} has no key `{key}`", self.what)).at(&Span::new(self.source, name.span()), label);
            let mut all = self.asked.clone();
            all.dedup();
            errors.push(error.help(format!("its keys: {}", all.join(", "))));
        }
    }
}
