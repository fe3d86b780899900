//! Where a thing stands in a stack: `module.a["x"].data.aws_ami.base[0]`.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// Which of several instances of one block.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// Of `count`.
    Int(u64),
    /// Of `for_each`.
    Str(Arc<str>),
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(n) => write!(f, "[{n}]"),
            Self::Str(s) => write!(f, "[{}]", serde_json::Value::from(s.as_ref())),
        }
    }
}

/// Managed resource or data source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mode {
    /// `resource`: made, changed and destroyed by us.
    Managed,
    /// `data`: only read.
    Data,
}

/// The address of one instance of a resource or data source; without `key` also that of a whole block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The modules around it, outermost first; empty in the root.
    pub module: Vec<(Arc<str>, Option<Key>)>,
    /// Managed or data.
    pub mode: Mode,
    /// The resource type, `aws_instance`.
    pub kind: Arc<str>,
    /// The name in the stack.
    pub name: Arc<str>,
    /// Which instance, where the block has `count` or `for_each`.
    pub key: Option<Key>,
}

/// Texts in order; most of those that are compared are one and the same.
fn by_text(a: &Arc<str>, b: &Arc<str>) -> Ordering {
    if Arc::ptr_eq(a, b) { Ordering::Equal } else { a.cmp(b) }
}

impl Ord for Address {
    /// By module, mode, type, name and key.
    fn cmp(&self, other: &Self) -> Ordering {
        let place = || self.module.cmp(&other.module).then(self.mode.cmp(&other.mode));
        place()
            .then_with(|| by_text(&self.kind, &other.kind))
            .then_with(|| by_text(&self.name, &other.name))
            .then_with(|| self.key.cmp(&other.key))
    }
}

impl PartialOrd for Address {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Address {
    /// A managed resource of the root module with neither `count` nor `for_each`.
    pub fn managed(kind: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { module: vec![], mode: Mode::Managed, kind: kind.into(), name: name.into(), key: None }
    }

    /// A data source of the root module with neither `count` nor `for_each`.
    pub fn data(kind: impl Into<Arc<str>>, name: impl Into<Arc<str>>) -> Self {
        Self { mode: Mode::Data, ..Self::managed(kind, name) }
    }

    /// The same with another key.
    #[must_use]
    pub fn with_key(&self, key: Option<Key>) -> Self {
        Self { key, ..self.clone() }
    }

    /// The address of the block that it is an instance of.
    #[must_use]
    pub fn block(&self) -> Self {
        self.with_key(None)
    }

    /// Whether this one, given by a user (`--target`), means `other`: the same instance, or an instance of the same block.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        *self == *other || (self.key.is_none() && self.block() == other.block())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, key) in &self.module {
            write!(f, "module.{name}")?;
            if let Some(key) = key {
                write!(f, "{key}")?;
            }
            f.write_str(".")?;
        }
        if self.mode == Mode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "{key}"))
    }
}

/// Not an address: what is wrong with it, as a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{given}` is no address of a resource: {why}")]
pub struct BadAddress {
    given: String,
    why: &'static str,
}

/// A step of an address: a word and the key behind it.
type Step = (String, Option<Key>);

impl FromStr for Address {
    type Err = BadAddress;

    fn from_str(given: &str) -> Result<Self, BadAddress> {
        let bad = |why| BadAddress { given: given.to_owned(), why };
        let mut steps = steps(given).map_err(bad)?.into_iter().peekable();
        let mut module = vec![];
        while steps.peek().is_some_and(|(word, key)| word == "module" && key.is_none()) {
            steps.next();
            let (name, key) = steps.next().ok_or_else(|| bad("the name of a module should follow `module.`"))?;
            module.push((name.into(), key));
        }
        let mode = if steps.peek().is_some_and(|(word, key)| word == "data" && key.is_none()) { Mode::Data } else { Mode::Managed };
        if mode == Mode::Data {
            steps.next();
        }
        let (Some((kind, None)), Some((name, key)), None) = (steps.next(), steps.next(), steps.next()) else {
            return Err(bad("write it like `aws_instance.web`, `aws_instance.web[0]` or `aws_instance.web[\"a\"]`"));
        };
        Ok(Self { module, mode, kind: kind.into(), name: name.into(), key })
    }
}

fn steps(given: &str) -> Result<Vec<Step>, &'static str> {
    let mut steps = vec![];
    let mut rest = given.trim();
    loop {
        let end = rest.find(['.', '[']).unwrap_or(rest.len());
        let word = &rest[..end];
        let plain = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        if word.is_empty() || !word.chars().all(plain) {
            return Err("a word of it is empty or holds a character that names can't have");
        }
        rest = &rest[end..];
        let key = if rest.starts_with('[') { Some(key(&mut rest)?) } else { None };
        steps.push((word.to_owned(), key));
        match rest.strip_prefix('.') {
            Some(more) => rest = more,
            None if rest.is_empty() => return Ok(steps),
            None => return Err("a `.` should follow `]`"),
        }
    }
}

fn key(rest: &mut &str) -> Result<Key, &'static str> {
    let inner = &rest[1..];
    let mut values = serde_json::Deserializer::from_str(inner).into_iter::<serde_json::Value>();
    let value = values.next().and_then(std::result::Result::ok).ok_or("a key is a number or a string in double quotes")?;
    let after = &inner[values.byte_offset()..];
    *rest = after.strip_prefix(']').ok_or("a `]` is missing")?;
    match value {
        serde_json::Value::String(s) => Ok(Key::Str(s.into())),
        serde_json::Value::Number(n) => n.as_u64().map(Key::Int).ok_or("a number as key is whole and not negative"),
        _ => Err("a key is a number or a string in double quotes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_they_are_written() {
        for text in [
            "aws_instance.web",
            "aws_instance.web[3]",
            "data.aws_ami.base[\"a \\\" b.c]\"]",
            "module.net.module.sub[\"x\"].data.aws_vpc.main[0]",
        ] {
            assert_eq!(text.parse::<Address>().expect(text).to_string(), text);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for text in
            ["", "aws_instance", "aws_instance.web[", "aws_instance.web[-1]", "a.b.c.d", "aws_instance.web[0]x", "module.x", ".a.b", "a..b"]
        {
            assert!(text.parse::<Address>().is_err(), "{text}");
        }
    }
}
