//! The filters that a user gives to a data source.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Filter as Sent;

use super::by;
use crate::words::Value;
use crate::words::resource::{Problem, Tags};

crate::blocks! {
    /// Lets through only what has one of the values. Names are those of EC2's own filters.
    pub struct Filter {
        /// Its name, `tag:Name`.
        name: String,
        /// The values; `*` and `?` stand for any text and any character.
        #[attr(required)]
        values: BTreeSet<String>,
    }
}

/// All that narrows a search, as the API takes it.
#[derive(Default)]
pub struct Search(Vec<Sent>);

impl Search {
    /// The user's own filters and the tags that should be there.
    #[must_use]
    pub fn new(filters: &BTreeSet<Filter>, tags: &Tags) -> Self {
        let given = filters.iter().filter(|f| !f.values.is_empty()).map(|f| by(&f.name, &f.values));
        Self(given.chain(tags.iter().map(|(key, value)| by(&format!("tag:{key}"), [value]))).collect())
    }

    /// One more, where there is something to look for.
    #[must_use]
    pub fn and(mut self, name: &str, value: Option<impl AsRef<str>>) -> Self {
        self.0.extend(value.filter(|v| !v.as_ref().is_empty()).map(|value| by(name, [value.as_ref()])));
        self
    }

    /// One more, where `yes`; that something is not so is nothing to look for.
    #[must_use]
    pub fn when(self, name: &str, yes: Option<bool>) -> Self {
        self.and(name, yes.filter(|yes| *yes).map(|_| "true"))
    }

    /// The list, if anything is in it: EC2 refuses an empty one.
    #[must_use]
    pub fn list(self) -> Option<Vec<Sent>> {
        (!self.0.is_empty()).then_some(self.0)
    }
}

/// Filters that EC2 would refuse: an empty one lets nothing through and is not sent by the SDK.
#[must_use]
pub fn check(given: &Value) -> Vec<Problem> {
    let empty = |f: &Value| f.attr("values").is_known() && f.attr("values").items().is_empty() && !f.attr("values").is_null();
    let filters = given.attr("filter").items().iter().enumerate();
    filters.filter(|(_, f)| empty(f)).map(|(i, _)| Problem::new(format!("filter.{i}.values"), "a filter needs a value")).collect()
}
