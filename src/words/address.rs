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

/// A step into a module: its name, and which of its instances.
pub type ModuleStep = (Arc<str>, Option<Key>);

/// The way to a module, `module.a["x"].module.b`; empty for the root. Copies share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModulePath(Option<Arc<[ModuleStep]>>);

impl ModulePath {
    /// One step further.
    #[must_use]
    pub fn child(&self, name: impl Into<Arc<str>>, key: Option<Key>) -> Self {
        self.iter().cloned().chain([(name.into(), key)]).collect()
    }

    /// The module that calls it; none for the root.
    #[must_use]
    pub fn parent(&self) -> Option<Self> {
        let (_, before) = self.split_last()?;
        Some(before.iter().cloned().collect())
    }

    /// The same without keys: the module as the configuration has it.
    #[must_use]
    pub fn config(&self) -> Self {
        if self.iter().all(|(_, key)| key.is_none()) {
            return self.clone();
        }
        self.iter().map(|(name, _)| (name.clone(), None)).collect()
    }

    /// Whether it means `other`: the same module, or all instances of it where it names no key.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.len() == other.len() && self.around(other)
    }

    /// Whether `other` is that module or lies within it.
    #[must_use]
    pub fn around(&self, other: &Self) -> bool {
        let same = |((name, key), (n, k)): (&ModuleStep, &ModuleStep)| name == n && (key.is_none() || key == k);
        self.len() <= other.len() && self.iter().zip(other.iter()).all(same)
    }
}

impl std::ops::Deref for ModulePath {
    type Target = [ModuleStep];

    fn deref(&self) -> &[ModuleStep] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl FromIterator<ModuleStep> for ModulePath {
    fn from_iter<T: IntoIterator<Item = ModuleStep>>(steps: T) -> Self {
        let steps: Arc<[ModuleStep]> = steps.into_iter().collect();
        Self((!steps.is_empty()).then_some(steps))
    }
}

impl fmt::Display for ModulePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (name, key)) in self.iter().enumerate() {
            write!(f, "{}module.{name}", if i == 0 { "" } else { "." })?;
            key.as_ref().map_or(Ok(()), |key| write!(f, "{key}"))?;
        }
        Ok(())
    }
}

/// The address of one instance of a resource or data source; without `key` also that of a whole block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    /// The modules around it, outermost first; empty in the root.
    pub module: ModulePath,
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
        Self { module: ModulePath::default(), mode: Mode::Managed, kind: kind.into(), name: name.into(), key: None }
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

    /// The same in another module.
    #[must_use]
    pub fn within(&self, module: &ModulePath) -> Self {
        Self { module: module.clone(), ..self.clone() }
    }

    /// The address of the block that it is an instance of.
    #[must_use]
    pub fn block(&self) -> Self {
        self.with_key(None)
    }

    /// The address of its block as the configuration has it: without any keys, those of modules neither.
    #[must_use]
    pub fn config(&self) -> Self {
        Self { module: self.module.config(), key: None, ..self.clone() }
    }

    /// Whether this one, given by a user (`--target`) or a list of dependencies, means `other`: the same instance, or where a key is
    /// left out, one of the instances of that block or module.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        self.name == other.name
            && self.kind == other.kind
            && self.mode == other.mode
            && (self.key.is_none() || self.key == other.key)
            && self.module.covers(&other.module)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.module.is_empty() {
            write!(f, "{}.", self.module)?;
        }
        if self.mode == Mode::Data {
            f.write_str("data.")?;
        }
        write!(f, "{}.{}", self.kind, self.name)?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, "{key}"))
    }
}

/// What a user names to choose instances: one of them, a block, or a whole module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that is in a module, and in modules in it.
    Module(ModulePath),
    /// The instances of a block, or one of them.
    Resource(Address),
}

impl Selection {
    /// Whether it means that instance.
    #[must_use]
    pub fn covers(&self, address: &Address) -> bool {
        match self {
            Self::Module(path) => path.around(&address.module),
            Self::Resource(own) => own.covers(address),
        }
    }

    /// Whether it means that block, given without keys, or some instances of it.
    #[must_use]
    pub fn touches(&self, config: &Address) -> bool {
        match self {
            Self::Module(path) => path.config().around(&config.module),
            Self::Resource(own) => own.config() == *config,
        }
    }

    /// Whether it leaves nothing of the blocks out that it touches.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        match self {
            Self::Module(path) => path.iter().all(|(_, key)| key.is_none()),
            Self::Resource(own) => own.key.is_none() && own.module.iter().all(|(_, key)| key.is_none()),
        }
    }
}

impl From<Address> for Selection {
    fn from(address: Address) -> Self {
        Self::Resource(address)
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Module(path) => path.fmt(f),
            Self::Resource(address) => address.fmt(f),
        }
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
        match given.parse()? {
            Selection::Resource(address) => Ok(address),
            Selection::Module(_) => Err(BadAddress { given: given.to_owned(), why: "it is that of a module: a resource should follow" }),
        }
    }
}

impl FromStr for ModulePath {
    type Err = BadAddress;

    fn from_str(given: &str) -> Result<Self, BadAddress> {
        match given.parse()? {
            Selection::Module(path) => Ok(path),
            Selection::Resource(_) => Err(BadAddress { given: given.to_owned(), why: "the address of a module should be here" }),
        }
    }
}

impl FromStr for Selection {
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
        let module: ModulePath = module.into_iter().collect();
        if steps.peek().is_none() {
            return Ok(Self::Module(module));
        }
        let mode = if steps.peek().is_some_and(|(word, key)| word == "data" && key.is_none()) { Mode::Data } else { Mode::Managed };
        if mode == Mode::Data {
            steps.next();
        }
        let (Some((kind, None)), Some((name, key)), None) = (steps.next(), steps.next(), steps.next()) else {
            return Err(bad("write it like `aws_instance.web`, `aws_instance.web[0]` or `aws_instance.web[\"a\"]`"));
        };
        Ok(Self::Resource(Address { module, mode, kind: kind.into(), name: name.into(), key }))
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

    #[test]
    fn what_leaves_a_key_out_means_all_instances() {
        let means = |given: &str, other: &str| given.parse::<Selection>().expect(given).covers(&other.parse().expect(other));
        for (given, other, wanted) in [
            ("module.a", "module.a[\"x\"].module.b.t.n[0]", true),
            ("module.a[\"x\"]", "module.a[\"y\"].t.n", false),
            ("module.a.t.n", "module.a[1].t.n[2]", true),
            ("module.a[1].t.n", "module.a[1].t.n[2]", true),
            ("module.a.t.n[1]", "module.a[1].t.n[2]", false),
            ("t.n", "module.a.t.n", false),
            ("module.a.module.b", "module.a.t.n", false),
        ] {
            assert_eq!(means(given, other), wanted, "{given} {other}");
        }
        assert_eq!("module.a[1].module.b".parse::<ModulePath>().expect("a path").config().to_string(), "module.a.module.b");
    }
}
