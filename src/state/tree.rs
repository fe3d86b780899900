//! JSON straight into [`Value`]s, with names that repeat held once.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::words::{Number, Object, Value};

/// How serde_json hands over a number whose digits are to be kept.
const NUMBER: &str = "$serde_json::private::Number";

/// Texts at most this long (`""`, `default`, `t3.micro`, a region) are likely to repeat.
const SHORT: usize = 14;

thread_local! {
    /// Names met in the parse under way: serde offers no way to carry a table through derived structs.
    static NAMES: RefCell<HashSet<Arc<str>>> = RefCell::default();
}

/// Runs a parse with a table of names of its own.
pub(super) fn interning<T>(parse: impl FnOnce() -> T) -> T {
    let outer = NAMES.take();
    let result = parse();
    NAMES.set(outer);
    result
}

/// The one copy of that text.
pub(super) fn intern(text: &str) -> Arc<str> {
    NAMES.with_borrow_mut(|names| {
        if let Some(name) = names.get(text) {
            return name.clone();
        }
        let name: Arc<str> = text.into();
        names.insert(name.clone());
        name
    })
}

/// A value as JSON has it: arrays are tuples, objects are objects.
pub(super) struct Tree(pub(super) Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Shape).map(Self)
    }
}

/// A name out of the table.
struct Name(Arc<str>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameShape).map(Self)
    }
}

struct NameShape;

impl Visitor<'_> for NameShape {
    type Value = Arc<str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(intern(text))
    }
}

struct Shape;

impl<'de> Visitor<'de> for Shape {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }
    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }
    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }
    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        number(&value.to_string())
    }
    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(if text.len() <= SHORT { intern(text) } else { text.into() }))
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = vec![];
        while let Some(Tree(item)) = seq.next_element()? {
            items.push(item);
        }
        items.shrink_to_fit();
        Ok(Value::Tuple(Arc::new(items)))
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut items: Vec<(Arc<str>, Value)> = vec![];
        while let Some(Name(name)) = map.next_key()? {
            if &*name == NUMBER {
                return number(&map.next_value::<String>()?);
            }
            items.push((name, map.next_value::<Tree>()?.0));
        }
        // Collected, not inserted one by one: that fills the nodes of the tree.
        Ok(Value::Object(Arc::new(items.into_iter().collect::<Object>())))
    }
}

fn number<E: Error>(text: &str) -> Result<Value, E> {
    Number::parse(text).map(Value::Number).ok_or_else(|| E::custom("a number is too large"))
}
