//! A table of a configuration file, read key by key: what is there and was not asked for is an error.

use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::nearest;
use super::{Diagnostic, Diagnostics, Result, Source, Span};

/// The tables of `ferroform.toml`. Whoever reads some of them leaves the others to others.
const TABLES: &[&str] = &["notify", "bot", "project"];

/// The text of `ferroform.toml` as a table.
pub fn parse(source: &Arc<Source>) -> Result<Spanned<DeTable<'_>>> {
    DeTable::parse(&source.text).map_err(|e| {
        let error = Diagnostic::error("the file is no valid TOML");
        error.at(&Span::new(source, e.span().unwrap_or(0..0)), e.message().trim_end_matches(['\n', '.'])).into()
    })
}

/// See the module.
#[derive(Debug)]
pub struct Fields<'a> {
    source: &'a Arc<Source>,
    table: &'a DeTable<'a>,
    /// The table's first line.
    head: Span,
    /// What it is, for errors: `the target "ops"`.
    what: String,
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// The table that stands there; `what` is what errors call it.
    pub fn of(source: &'a Arc<Source>, table: &'a DeTable<'a>, range: Range<usize>, what: &str) -> Self {
        let end = source.text.get(range.clone()).and_then(|text| text.find('\n')).map_or(range.end, |at| range.start + at);
        Self { source, table, head: Span::new(source, range.start..end), what: what.to_owned(), asked: vec![] }
    }

    /// The whole of `ferroform.toml`.
    pub fn of_file(source: &'a Arc<Source>, table: &'a Spanned<DeTable<'a>>) -> Self {
        let mut file = Self::of(source, table.get_ref(), 0..0, "the configuration");
        file.asked.extend(TABLES);
        file
    }

    /// A table in it, if it is there.
    pub fn table(&mut self, key: &'static str, errors: &mut Diagnostics) -> Option<Self> {
        let value = self.get(key)?;
        let Some(table) = value.get_ref().as_table() else {
            errors.push(Diagnostic::error(format!("`{key}` is no table")).at(&self.span(value), "").help(format!("write `[{key}]`")));
            return None;
        };
        Some(Self::of(self.source, table, value.span(), &format!("`[{key}]`")))
    }

    /// The tables of a list of them; `one` is what an element is, for errors.
    pub fn tables(&mut self, key: &'static str, one: &str, errors: &mut Diagnostics) -> Vec<Self> {
        let Some(value) = self.get(key) else { return vec![] };
        let DeValue::Array(items) = value.get_ref() else {
            let error = Diagnostic::error(format!("`{key}` is no list of tables")).at(&self.span(value), "");
            errors.push(error.help(format!("begin each {one} with `[[{key}]]`, two brackets")));
            return vec![];
        };
        let mut tables = vec![];
        for item in items {
            match item.get_ref() {
                DeValue::Table(table) => tables.push(Self::of(self.source, table, item.span(), &format!("`[[{key}]]`"))),
                _ => errors.push(Diagnostic::error(format!("`{key}` holds something that is no table")).at(&self.span(item), "")),
            }
        }
        tables
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

    /// The file.
    pub fn source(&self) -> &'a Arc<Source> {
        self.source
    }

    /// What it is called in errors.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The table's first line.
    pub fn head(&self) -> &Span {
        &self.head
    }

    /// That the value of a key is not what belongs there.
    pub fn bad(&self, key: &str, value: &Spanned<DeValue<'_>>, want: &str) -> Diagnostic {
        Diagnostic::error(format!("`{key}` of {} is not {want}", self.what)).at(&self.span(value), format!("{want} belongs here"))
    }

    /// That a key has to be there.
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
        self.placed_texts(key, errors).into_iter().map(|(text, _)| text).collect()
    }

    /// Texts, each with its place; one may stand by itself.
    pub fn placed_texts(&mut self, key: &'static str, errors: &mut Diagnostics) -> Vec<(String, Span)> {
        let Some(value) = self.get(key) else { return vec![] };
        let one = |item: &Spanned<DeValue<'_>>| {
            let text = item.get_ref().as_str().filter(|text| !text.trim().is_empty())?;
            Some((text.to_owned(), self.span(item)))
        };
        let items: Option<Vec<_>> = match value.get_ref() {
            DeValue::String(_) => one(value).map(|one| vec![one]),
            DeValue::Array(items) => items.iter().map(one).collect(),
            _ => None,
        };
        items.unwrap_or_else(|| {
            errors.push(self.bad(key, value, "a text or a list of texts"));
            vec![]
        })
    }

    /// A whole number.
    pub fn number(
        &mut self,
        key: &'static str,
        within: std::ops::RangeInclusive<usize>,
        default: usize,
        errors: &mut Diagnostics,
    ) -> usize {
        let Some(value) = self.get(key) else { return default };
        let number = match value.get_ref() {
            DeValue::Integer(number) => usize::from_str_radix(&number.as_str().replace('_', ""), number.radix()).ok(),
            _ => None,
        };
        number.filter(|number| within.contains(number)).unwrap_or_else(|| {
            errors.push(self.bad(key, value, &format!("a whole number from {} to {}", within.start(), within.end())));
            default
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
