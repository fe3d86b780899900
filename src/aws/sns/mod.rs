//! SNS.

use std::collections::HashMap;

pub mod topic;
pub mod topic_subscription;

/// What a call to SNS answers about one thing: texts by name.
struct Attributes(HashMap<String, String>);

impl Attributes {
    fn text(&self, name: &str) -> Option<String> {
        self.0.get(name).filter(|t| !t.is_empty()).cloned()
    }

    /// A document; `{}` and `null` stand for none.
    fn json<T: From<String>>(&self, name: &str) -> Option<T> {
        self.text(name).filter(|t| t != "{}" && t != "null").map(T::from)
    }

    fn bool(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|t| t == "true")
    }

    fn int(&self, name: &str) -> Option<i64> {
        self.0.get(name).and_then(|t| t.parse().ok())
    }
}

/// Whether two values of an attribute mean the same: of documents the meaning counts.
fn same(a: &str, b: &str) -> bool {
    let json = |s: &str| serde_json::from_str::<serde_json::Value>(s).ok().filter(|j| j.is_object());
    a == b || matches!((json(a), json(b)), (Some(a), Some(b)) if a == b)
}
