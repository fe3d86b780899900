//! The one tree of values: what stacks say, what state holds, what AWS answers.
//!
//! Any node may be unknown (to be known after apply) or sensitive. Shapes follow Terraform's: `count` blocks are lists,
//! a nested block that may appear once is a list of at most one object.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::marks::Marks;
use super::number::Number;

/// The attributes of an object or the elements of a map, in the order of their names.
pub type Object = BTreeMap<Arc<str>, Value>;

/// A value of the stack language. Cloning is cheap: inner nodes are shared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Value {
    /// Absent.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    String(Arc<str>),
    /// Elements of one type, in order.
    List(Arc<Vec<Value>>),
    /// Elements each of its own type, in order: what `[1, "a"]` makes.
    Tuple(Arc<Vec<Value>>),
    /// Elements of one type, sorted, none twice. Build it with [`Value::set`].
    Set(Arc<Vec<Value>>),
    /// Elements of one type by name.
    Map(Arc<Object>),
    /// Attributes each of its own type: what `{ a = 1 }` makes.
    Object(Arc<Object>),
    /// Known after apply; of that type, as far as that is known.
    Unknown(Arc<Type>),
    /// Marked, as never to be shown or kept. Never holds another `Marked` directly. Build it with [`Value::marked`].
    Marked(Marks, Arc<Value>),
    /// Null or an empty collection, with the type that nothing in it can tell. Only inside of an evaluation: what is
    /// evaluated leaves it as [`Value::plain`] has it. Build it with [`Value::typed`].
    Typed(Arc<(Type, Value)>),
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Type {
    /// Not known, or any.
    #[default]
    Any,
    /// `bool`
    Bool,
    /// `number`
    Number,
    /// `string`
    String,
    /// `list(T)`
    List(Arc<Type>),
    /// `set(T)`
    Set(Arc<Type>),
    /// `map(T)`
    Map(Arc<Type>),
    /// `tuple([A, B])`
    Tuple(Vec<Type>),
    /// `object({ a = A })`; the flag says that the attribute is `optional(...)`.
    Object(BTreeMap<Arc<str>, (Type, bool)>),
}

impl Value {
    /// A text.
    pub fn string(s: impl Into<Arc<str>>) -> Self {
        Self::String(s.into())
    }

    /// A list of those elements.
    pub fn list(items: impl IntoIterator<Item = Self>) -> Self {
        Self::List(Arc::new(items.into_iter().collect()))
    }

    /// A set of those elements, sorted and each once.
    pub fn set(items: impl IntoIterator<Item = Self>) -> Self {
        let mut items: Vec<Self> = items.into_iter().collect();
        items.sort();
        items.dedup();
        Self::Set(Arc::new(items))
    }

    /// An object of those attributes.
    pub fn object<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Object(Arc::new(items.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    }

    /// A map of those elements.
    pub fn map<K: Into<Arc<str>>>(items: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Arc::new(items.into_iter().map(|(k, v)| (k.into(), v)).collect()))
    }

    /// Known after apply, of a type that nobody knows yet.
    #[must_use]
    pub fn unknown() -> Self {
        Self::Unknown(Arc::new(Type::Any))
    }

    /// The same with its type kept, where it is null or empty and nothing else tells the type.
    #[must_use]
    pub fn typed(self, ty: &Type) -> Self {
        match &self {
            Self::Null if *ty == Type::Any => self,
            Self::Null => Self::Typed(Arc::new((ty.clone(), self))),
            Self::List(items) | Self::Set(items) if !items.is_empty() => self,
            Self::Map(items) if !items.is_empty() => self,
            Self::List(_) | Self::Set(_) | Self::Map(_) => match ty {
                Type::List(of) | Type::Set(of) | Type::Map(of) if **of != Type::Any => Self::Typed(Arc::new((ty.clone(), self))),
                _ => self,
            },
            _ => self,
        }
    }

    /// The whole tree without the types that [`Value::typed`] keeps.
    #[must_use]
    pub fn plain(self) -> Self {
        if !self.any(&|v| matches!(v, Self::Typed(_))) {
            return self;
        }
        match &self {
            Self::Typed(inner) => inner.1.clone(),
            other => other.map_children(&mut |_, v| v.clone().plain()),
        }
    }

    /// Whether it is null, marked or not.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.bare(), Self::Null)
    }

    /// Whether this very node is unknown, marked or not.
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        matches!(self.bare(), Self::Unknown(_))
    }

    /// Whether nothing in the tree is unknown.
    #[must_use]
    pub fn is_known(&self) -> bool {
        !self.any(&|v| matches!(v, Self::Unknown(_)))
    }

    /// Null, an empty text, or a collection of nothing: what AWS and Terraform's provider use in place of one another.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self.bare() {
            Self::Null => true,
            Self::String(s) => s.is_empty(),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => items.is_empty(),
            Self::Map(items) => items.is_empty(),
            _ => false,
        }
    }

    /// Whether some node of the tree satisfies `test`.
    pub fn any(&self, test: &dyn Fn(&Self) -> bool) -> bool {
        test(self)
            || match self {
                Self::Marked(_, inner) => inner.any(test),
                Self::List(items) | Self::Tuple(items) | Self::Set(items) => items.iter().any(|v| v.any(test)),
                Self::Map(items) | Self::Object(items) => items.values().any(|v| v.any(test)),
                _ => false,
            }
    }

    /// The node with each child replaced; the child's name or index is given along. A set stays a set.
    #[must_use]
    pub fn map_children(&self, f: &mut dyn FnMut(Step<'_>, &Self) -> Self) -> Self {
        match self {
            Self::Marked(marks, inner) => inner.map_children(f).marked(*marks),
            Self::List(items) => Self::List(Arc::new(items.iter().enumerate().map(|(i, v)| f(Step::Index(i), v)).collect())),
            Self::Tuple(items) => Self::Tuple(Arc::new(items.iter().enumerate().map(|(i, v)| f(Step::Index(i), v)).collect())),
            Self::Set(items) => Self::set(items.iter().enumerate().map(|(i, v)| f(Step::Index(i), v))),
            Self::Map(items) => Self::Map(Arc::new(items.iter().map(|(k, v)| (k.clone(), f(Step::Name(k), v))).collect())),
            Self::Object(items) => Self::Object(Arc::new(items.iter().map(|(k, v)| (k.clone(), f(Step::Name(k), v))).collect())),
            leaf => leaf.clone(),
        }
    }

    /// The attribute or element of that name; a mark on the way is dropped.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self.bare() {
            Self::Object(items) | Self::Map(items) => items.get(name),
            _ => None,
        }
    }

    /// The attribute of that name, null when there is none.
    #[must_use]
    pub fn attr(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&Self::Null)
    }

    /// The same object or map with that attribute set; any other value becomes an object of that alone.
    #[must_use]
    pub fn with(self, name: &str, value: Self) -> Self {
        match self {
            Self::Object(mut items) => {
                Arc::make_mut(&mut items).insert(name.into(), value);
                Self::Object(items)
            }
            Self::Map(mut items) => {
                Arc::make_mut(&mut items).insert(name.into(), value);
                Self::Map(items)
            }
            Self::Marked(marks, inner) => inner.as_ref().clone().with(name, value).marked(marks),
            Self::Typed(inner) => inner.1.clone().with(name, value),
            _ => Self::object([(name, value)]),
        }
    }

    /// The text, if it is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self.bare() {
            Self::String(s) => Some(s),
            _ => None,
        }
    }

    /// The bool, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self.bare() {
            Self::Bool(b) => Some(*b),
            _ => None,
        }
    }

    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<Number> {
        match self.bare() {
            Self::Number(n) => Some(n.clone()),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set; nothing for anything else.
    #[must_use]
    pub fn items(&self) -> &[Self] {
        match self.bare() {
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => items,
            _ => &[],
        }
    }

    /// The attributes of an object or the elements of a map.
    #[must_use]
    pub fn entries(&self) -> Option<&Object> {
        match self.bare() {
            Self::Object(items) | Self::Map(items) => Some(items),
            _ => None,
        }
    }

    /// The value as JSON: sets as arrays, unknown parts as null, marks dropped.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value as Json;
        match self {
            Self::Null | Self::Unknown(_) => Json::Null,
            Self::Bool(b) => Json::Bool(*b),
            Self::Number(n) => n.to_string().parse().map_or(Json::Null, Json::Number),
            Self::String(s) => Json::String(s.to_string()),
            Self::List(items) | Self::Tuple(items) | Self::Set(items) => Json::Array(items.iter().map(Self::to_json).collect()),
            Self::Map(items) | Self::Object(items) => Json::Object(items.iter().map(|(k, v)| (k.to_string(), v.to_json())).collect()),
            Self::Marked(_, inner) => inner.to_json(),
            Self::Typed(inner) => inner.1.to_json(),
        }
    }

    /// JSON as a value: arrays become tuples and objects become objects, as `jsondecode` has it.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(b) => Self::Bool(*b),
            Json::Number(n) => Number::parse(&n.to_string()).map_or(Self::Null, Self::Number),
            Json::String(s) => Self::string(s.as_str()),
            Json::Array(items) => Self::Tuple(Arc::new(items.iter().map(Self::from_json).collect())),
            Json::Object(items) => Self::object(items.iter().map(|(k, v)| (k.as_str(), Self::from_json(v)))),
        }
    }

    /// The type of the value; `Any` where nothing tells it.
    #[must_use]
    pub fn type_of(&self) -> Type {
        let first = |items: &[Self]| Arc::new(Type::common(&mut items.iter()));
        match self {
            Self::Null => Type::Any,
            Self::Bool(_) => Type::Bool,
            Self::Number(_) => Type::Number,
            Self::String(_) => Type::String,
            Self::List(items) => Type::List(first(items)),
            Self::Set(items) => Type::Set(first(items)),
            Self::Tuple(items) => Type::Tuple(items.iter().map(Self::type_of).collect()),
            Self::Map(items) => Type::Map(Arc::new(Type::common(&mut items.values()))),
            Self::Object(items) => Type::Object(items.iter().map(|(k, v)| (k.clone(), (v.type_of(), false))).collect()),
            Self::Unknown(ty) => ty.as_ref().clone(),
            Self::Marked(_, inner) => inner.type_of(),
            Self::Typed(inner) => inner.0.clone(),
        }
    }
}

/// A step into a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Of an object or map.
    Name(&'a str),
    /// Of a list, tuple or set (in a set: its place in the sorted order).
    Index(usize),
}

impl Type {
    /// Whether no part of it is open.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        match self {
            Self::Any => false,
            Self::Bool | Self::Number | Self::String => true,
            Self::List(of) | Self::Set(of) | Self::Map(of) => of.is_complete(),
            Self::Tuple(types) => types.iter().all(Self::is_complete),
            Self::Object(attrs) => attrs.values().all(|(ty, _)| ty.is_complete()),
        }
    }

    /// The type of elements that all have one; from one that tells all of it, where there is one.
    fn common(items: &mut dyn Iterator<Item = &Value>) -> Self {
        let mut found = Self::Any;
        for item in items {
            found = found.merged(item.type_of());
            if found.is_complete() {
                break;
            }
        }
        found
    }

    /// What either of two descriptions of one type tells.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        let both = |a: Arc<Self>, b: Arc<Self>| Arc::new(Arc::unwrap_or_clone(a).merged(Arc::unwrap_or_clone(b)));
        match (self, other) {
            (Self::Any, known) | (known, Self::Any) => known,
            (Self::List(a), Self::List(b)) => Self::List(both(a, b)),
            (Self::Set(a), Self::Set(b)) => Self::Set(both(a, b)),
            (Self::Map(a), Self::Map(b)) => Self::Map(both(a, b)),
            (Self::Tuple(a), Self::Tuple(b)) if a.len() == b.len() => Self::Tuple(a.into_iter().zip(b).map(|(a, b)| a.merged(b)).collect()),
            (Self::Object(mut a), Self::Object(b)) => {
                for (name, (ty, optional)) in b {
                    let entry = a.entry(name).or_insert((Self::Any, optional));
                    entry.0 = std::mem::take(&mut entry.0).merged(ty);
                }
                Self::Object(a)
            }
            (first, _) => first,
        }
    }

    /// The word for it in Terraform's language: `list(string)`.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Any => "any".into(),
            Self::Bool => "bool".into(),
            Self::Number => "number".into(),
            Self::String => "string".into(),
            Self::List(ty) => format!("list({})", ty.name()),
            Self::Set(ty) => format!("set({})", ty.name()),
            Self::Map(ty) => format!("map({})", ty.name()),
            Self::Tuple(types) => format!("tuple([{}])", types.iter().map(Self::name).collect::<Vec<_>>().join(", ")),
            Self::Object(attrs) => {
                let attr = |(name, (ty, optional)): (&Arc<str>, &(Self, bool))| {
                    if *optional { format!("{name} = optional({})", ty.name()) } else { format!("{name} = {}", ty.name()) }
                };
                format!("object({{{}}})", attrs.iter().map(attr).collect::<Vec<_>>().join(", "))
            }
        }
    }
}

impl From<&str> for Value {
    fn from(s: &str) -> Self {
        Self::string(s)
    }
}
impl From<String> for Value {
    fn from(s: String) -> Self {
        Self::string(s)
    }
}
impl From<bool> for Value {
    fn from(b: bool) -> Self {
        Self::Bool(b)
    }
}
impl From<i64> for Value {
    fn from(n: i64) -> Self {
        Self::Number(n.into())
    }
}
