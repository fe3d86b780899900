//! What an attribute is: its name, type, flags and words. All of it is `const`, made from the fields of a struct.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use super::number::Number;
use super::value::Value;

/// The shape of a value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `bool`
    Bool,
    /// A whole number.
    Int,
    /// Any number.
    Number,
    /// A text of some format.
    Text(Format),
    /// A list.
    List(&'static Kind),
    /// A set.
    Set(&'static Kind),
    /// A map from text.
    Map(&'static Kind),
    /// An object with these attributes.
    Object(&'static [Attr]),
    /// Whatever the user gives (`terraform_data`).
    Any,
}

/// A kind of text.
#[derive(Clone, Copy)]
pub struct Format {
    /// Its name in the docs: `string`, `CIDR`, `ARN`, `JSON`, `IAM policy`.
    pub name: &'static str,
    /// Checks the text and gives its normal form, in which the plan and the state hold it; the error says what was expected.
    pub normal: fn(&str) -> Result<String, String>,
    /// Whether two texts mean the same. Where there is a [`Format::stored`] form, a text and its stored form do.
    pub same: fn(&str, &str) -> bool,
    /// The form in which the state and the plan's JSON hold it, where that is not the text itself (`user_data`: its SHA-1).
    /// The form of a form is itself. Plans for people show the text, where it is at hand.
    pub stored: Option<fn(&str) -> String>,
}

impl fmt::Debug for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// Any text.
pub const TEXT: Format = Format { name: "string", normal: |s| Ok(s.to_owned()), same: |a, b| a == b, stored: None };

/// What stands where the user gives nothing.
#[derive(Clone, Copy, Debug)]
pub enum Default {
    /// Nothing does.
    None,
    /// That text.
    Text(&'static str),
    /// That number.
    Int(i64),
    /// That bool.
    Bool(bool),
}

/// One attribute or nested block.
#[derive(Clone, Copy, Debug)]
pub struct Attr {
    /// Its name, Terraform's.
    pub name: &'static str,
    /// What it is, in sentences.
    pub doc: &'static str,
    /// Its shape. A nested block is a list or set of objects; one that may appear once is a list with `max_items` 1.
    pub kind: Kind,
    /// The user must give it.
    pub required: bool,
    /// The user may not give it: the cloud or the provider makes it.
    pub computed: bool,
    /// The user may give it; the cloud chooses where they don't, and then it is not compared.
    pub chosen: bool,
    /// A change of it replaces the resource.
    pub force_new: bool,
    /// Never shown.
    pub sensitive: bool,
    /// Never stored: sent to the cloud and forgotten.
    pub write_only: bool,
    /// The cloud knows nothing of it: its value is the configuration's (`force_destroy`). It is compared with the state alone,
    /// and a change of it needs no call.
    pub local: bool,
    /// An object-valued attribute that is written with `=` in Terraform, not as a block.
    pub attribute: bool,
    /// Nesting `single`: one object, not a list.
    pub single: bool,
    /// What to use instead; empty when it is not deprecated.
    pub deprecated: &'static str,
    /// What stands where the user gives nothing.
    pub default: Default,
    /// Least number, or least length of a text or collection.
    pub min: i64,
    /// Greatest number, or greatest length of a text.
    pub max: i64,
    /// The most elements or blocks; 0 for no bound.
    pub max_items: usize,
    /// The only texts allowed; empty for any.
    pub one_of: &'static [&'static str],
    /// Attributes that exclude it.
    pub conflicts: &'static [&'static str],
    /// Holds such an attribute of such a resource type, `aws_vpc.id`: for completion and checks.
    pub refers: &'static str,
}

impl Attr {
    /// The attribute that a field of type `T` makes.
    #[must_use]
    pub const fn of<T: Field>(name: &'static str, doc: &'static str) -> Self {
        Self {
            name: plain_name(name),
            doc,
            kind: T::KIND,
            required: !T::OPTIONAL,
            computed: false,
            chosen: false,
            force_new: false,
            sensitive: false,
            write_only: false,
            local: false,
            attribute: false,
            single: false,
            deprecated: "",
            default: Default::None,
            min: i64::MIN,
            max: i64::MAX,
            max_items: T::MAX_ITEMS,
            one_of: &[],
            conflicts: &[],
            refers: "",
        }
    }
    /// See [`Attr::required`]: for nested blocks, whose fields are never required by their type.
    #[must_use]
    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }
    /// See [`Attr::computed`].
    #[must_use]
    pub const fn computed(mut self) -> Self {
        self.computed = true;
        self.required = false;
        self
    }
    /// See [`Attr::chosen`].
    #[must_use]
    pub const fn chosen(mut self) -> Self {
        self.chosen = true;
        self.required = false;
        self
    }
    /// See [`Attr::force_new`].
    #[must_use]
    pub const fn force_new(mut self) -> Self {
        self.force_new = true;
        self
    }
    /// See [`Attr::sensitive`].
    #[must_use]
    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }
    /// See [`Attr::write_only`].
    #[must_use]
    pub const fn write_only(mut self) -> Self {
        self.write_only = true;
        self
    }
    /// See [`Attr::local`].
    #[must_use]
    pub const fn local(mut self) -> Self {
        self.local = true;
        self
    }
    /// See [`Attr::attribute`].
    #[must_use]
    pub const fn attribute(mut self) -> Self {
        self.attribute = true;
        self
    }
    /// See [`Attr::single`].
    #[must_use]
    pub const fn single(mut self) -> Self {
        self.single = true;
        self.max_items = 1;
        self
    }
    /// See [`Attr::deprecated`].
    #[must_use]
    pub const fn deprecated(mut self, instead: &'static str) -> Self {
        self.deprecated = instead;
        self
    }
    /// A text as default.
    #[must_use]
    pub const fn default_text(mut self, v: &'static str) -> Self {
        self.required = false;
        self.default = Default::Text(v);
        self
    }
    /// A number as default.
    #[must_use]
    pub const fn default_int(mut self, v: i64) -> Self {
        self.required = false;
        self.default = Default::Int(v);
        self
    }
    /// A bool as default.
    #[must_use]
    pub const fn default_bool(mut self, v: bool) -> Self {
        self.required = false;
        self.default = Default::Bool(v);
        self
    }
    /// Bounds, both inclusive, of a number or of the length of a text.
    #[must_use]
    pub const fn within(mut self, min: i64, max: i64) -> Self {
        self.min = min;
        self.max = max;
        self
    }
    /// See [`Attr::max_items`].
    #[must_use]
    pub const fn max_items(mut self, max: usize) -> Self {
        self.max_items = max;
        self
    }
    /// See [`Attr::one_of`].
    #[must_use]
    pub const fn one_of(mut self, words: &'static [&'static str]) -> Self {
        self.one_of = words;
        self
    }
    /// See [`Attr::conflicts`].
    #[must_use]
    pub const fn conflicts(mut self, others: &'static [&'static str]) -> Self {
        self.conflicts = others;
        self
    }
    /// See [`Attr::refers`].
    #[must_use]
    pub const fn refers(mut self, to: &'static str) -> Self {
        self.refers = to;
        self
    }

    /// The attributes of the nested block, where this is one.
    #[must_use]
    pub const fn block(&self) -> Option<&'static [Attr]> {
        if self.attribute || self.computed {
            return None;
        }
        match self.kind {
            Kind::List(Kind::Object(attrs)) | Kind::Set(Kind::Object(attrs)) => Some(*attrs),
            Kind::Object(attrs) => Some(attrs),
            _ => None,
        }
    }

    /// The default as a value.
    #[must_use]
    pub fn default_value(&self) -> Option<Value> {
        match self.default {
            Default::None => None,
            Default::Text(s) => Some(Value::from(s)),
            Default::Int(n) => Some(Value::from(n)),
            Default::Bool(b) => Some(Value::from(b)),
        }
    }
}

/// `r#type` is `type`, and `self_` is `self`, which Rust has no raw form for.
const fn plain_name(name: &'static str) -> &'static str {
    match name.as_bytes() {
        [b'r', b'#', ..] => name.split_at(2).1,
        [.., b'_'] => name.split_at(name.len() - 1).0,
        _ => name,
    }
}

/// A value has not the shape that the schema promised: which attribute, and what it holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{path}` {why}")]
pub struct Mismatch {
    /// The way to the attribute, `ingress.0.cidr_blocks`.
    pub path: String,
    /// What is wrong, as the end of a sentence.
    pub why: String,
}

impl Mismatch {
    fn new(expected: &str, got: &Value) -> Self {
        let got = match got.bare() {
            Value::Null => "null".into(),
            Value::Unknown(_) => "not known yet".into(),
            other => format!("of type {}", other.type_of().name()),
        };
        Self { path: String::new(), why: format!("should be {expected} and is {got}") }
    }

    /// The same, found below that attribute or element.
    #[must_use]
    pub fn under(mut self, step: &str) -> Self {
        self.path = if self.path.is_empty() { step.to_owned() } else { format!("{step}.{}", self.path) };
        self
    }
}

/// A Rust type that can be an attribute.
pub trait Field: Sized {
    /// Its shape.
    const KIND: Kind;
    /// Whether the user may leave it out.
    const OPTIONAL: bool = false;
    /// The most elements; 0 for no bound.
    const MAX_ITEMS: usize = 0;

    /// Out of a wholly known value.
    fn take(value: &Value) -> Result<Self, Mismatch>;
    /// As a value.
    fn give(&self) -> Value;
}

impl Field for bool {
    const KIND: Kind = Kind::Bool;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        value.as_bool().ok_or_else(|| Mismatch::new("true or false", value))
    }
    fn give(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Field for i64 {
    const KIND: Kind = Kind::Int;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        value.as_number().and_then(|n| n.as_i64()).ok_or_else(|| Mismatch::new("a whole number", value))
    }
    fn give(&self) -> Value {
        Value::from(*self)
    }
}

impl Field for i32 {
    const KIND: Kind = Kind::Int;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        i64::take(value)?.try_into().map_err(|_| Mismatch::new("a whole number of at most 31 bits", value))
    }
    fn give(&self) -> Value {
        Value::from(i64::from(*self))
    }
}

impl Field for Number {
    const KIND: Kind = Kind::Number;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        value.as_number().ok_or_else(|| Mismatch::new("a number", value))
    }
    fn give(&self) -> Value {
        Value::Number(self.clone())
    }
}

impl Field for String {
    const KIND: Kind = Kind::Text(TEXT);
    fn take(value: &Value) -> Result<Self, Mismatch> {
        value.as_str().map(str::to_owned).ok_or_else(|| Mismatch::new("a string", value))
    }
    fn give(&self) -> Value {
        Value::from(self.as_str())
    }
}

/// Any value, as the user gives it.
impl Field for Value {
    const KIND: Kind = Kind::Any;
    const OPTIONAL: bool = true;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        Ok(value.clone())
    }
    fn give(&self) -> Value {
        self.clone()
    }
}

/// Absent where null; a nested block that may appear once is a list of at most one.
impl<T: Field> Field for Option<T> {
    const KIND: Kind = match T::KIND {
        Kind::Object(_) => Kind::List(&T::KIND),
        kind => kind,
    };
    const OPTIONAL: bool = true;
    const MAX_ITEMS: usize = if matches!(T::KIND, Kind::Object(_)) { 1 } else { T::MAX_ITEMS };

    fn take(value: &Value) -> Result<Self, Mismatch> {
        match (value.bare(), T::KIND) {
            (Value::Null, _) => Ok(None),
            (Value::List(items) | Value::Tuple(items) | Value::Set(items), Kind::Object(_)) => items.first().map(T::take).transpose(),
            (other, _) => T::take(other).map(Some),
        }
    }
    fn give(&self) -> Value {
        match (self, T::KIND) {
            (None, Kind::Object(_)) => Value::list([]),
            (Some(block), Kind::Object(_)) => Value::list([block.give()]),
            (None, _) => Value::Null,
            (Some(value), _) => value.give(),
        }
    }
}

fn take_all<T: Field, C: FromIterator<T>>(value: &Value) -> Result<C, Mismatch> {
    match value.bare() {
        Value::Null => Ok(std::iter::empty().collect()),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            items.iter().enumerate().map(|(i, v)| T::take(v).map_err(|e| e.under(&i.to_string()))).collect()
        }
        _ => Err(Mismatch::new("a list", value)),
    }
}

impl<T: Field> Field for Vec<T> {
    const KIND: Kind = Kind::List(&T::KIND);
    const OPTIONAL: bool = true;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        take_all(value)
    }
    fn give(&self) -> Value {
        Value::list(self.iter().map(Field::give))
    }
}

impl<T: Field + Ord> Field for BTreeSet<T> {
    const KIND: Kind = Kind::Set(&T::KIND);
    const OPTIONAL: bool = true;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        take_all(value)
    }
    fn give(&self) -> Value {
        Value::set(self.iter().map(Field::give))
    }
}

impl<T: Field> Field for BTreeMap<String, T> {
    const KIND: Kind = Kind::Map(&T::KIND);
    const OPTIONAL: bool = true;
    fn take(value: &Value) -> Result<Self, Mismatch> {
        match value.bare() {
            Value::Null => Ok(Self::new()),
            Value::Map(items) | Value::Object(items) => {
                items.iter().map(|(k, v)| Ok((k.to_string(), T::take(v).map_err(|e| e.under(k))?))).collect()
            }
            _ => Err(Mismatch::new("a map", value)),
        }
    }
    fn give(&self) -> Value {
        Value::Map(Arc::new(self.iter().map(|(k, v)| (k.as_str().into(), v.give())).collect()))
    }
}

/// A struct of attributes; [`blocks!`](crate::blocks) implements it.
pub trait Block: Sized {
    /// What it is, in sentences.
    const DOC: &'static str;
    /// Its attributes.
    const ATTRS: &'static [Attr];
}

/// Whether the flags of each attribute agree; asserted at compile time for every block.
#[must_use]
pub const fn sound(attrs: &[Attr]) -> bool {
    let mut i = 0;
    while i < attrs.len() {
        let a = &attrs[i];
        let flags = a.computed as u8 + a.required as u8 + a.chosen as u8;
        if a.doc.is_empty() || flags > 1 || a.min > a.max {
            return false;
        }
        i += 1;
    }
    true
}

/// Declares structs whose fields are attributes: words as doc comments, flags in `#[attr(...)]`, and the type.
///
/// ```
/// ferroform::blocks! {
///     /// A public IPv4 address that stays yours until you give it back.
///     pub struct Eip {
///         /// The instance that answers at it.
///         #[attr(chosen, refers("aws_instance.id"))]
///         instance: Option<String>,
///         /// The address.
///         #[attr(computed)]
///         public_ip: Option<String>,
///     }
/// }
/// use ferroform::words::schema::Block;
/// assert!(Eip::ATTRS[1].computed);
/// ```
#[macro_export]
macro_rules! blocks {
    ($(
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident {
            $( $(#[doc = $fdoc:literal])* $(#[attr( $($flag:ident $(( $($arg:tt)* ))? ),* $(,)? )])? $field:ident : $ty:ty ),* $(,)?
        }
    )*) => {$(
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $vis struct $name { $( $(#[doc = $fdoc])* pub $field: $ty ),* }

        impl $crate::words::schema::Block for $name {
            const DOC: &'static str = concat!($($doc, "\n"),*);
            const ATTRS: &'static [$crate::words::schema::Attr] = &[$(
                $crate::words::schema::Attr::of::<$ty>(stringify!($field), concat!("" $(, $fdoc)*)) $( $( .$flag($($($arg)*)?) )* )?
            ),*];
        }
        impl $crate::words::schema::Field for $name {
            const KIND: $crate::words::schema::Kind = $crate::words::schema::Kind::Object(<$name as $crate::words::schema::Block>::ATTRS);
            fn take(value: &$crate::words::Value) -> Result<Self, $crate::words::schema::Mismatch> {
                let mut attrs = <$name as $crate::words::schema::Block>::ATTRS.iter();
                let mut attr = || attrs.next().map_or("", |a| a.name);
                Ok(Self { $( $field: {
                    let name = attr();
                    $crate::words::schema::Field::take(value.attr(name)).map_err(|e: $crate::words::schema::Mismatch| e.under(name))?
                } ),* })
            }
            fn give(&self) -> $crate::words::Value {
                let values = [$( $crate::words::schema::Field::give(&self.$field) ),*];
                let names = <$name as $crate::words::schema::Block>::ATTRS.iter().map(|a| a.name);
                $crate::words::Value::object(names.zip(values))
            }
        }
        const _: () = assert!(
            $crate::words::schema::sound(<$name as $crate::words::schema::Block>::ATTRS),
            concat!(stringify!($name), ": an attribute lacks words, or its flags contradict each other")
        );
    )*};
}

/// Declares a text type with its name in the docs, its check and normal form, and what makes two of them mean the same; behind
/// `stored =` the form in which the state holds it.
#[macro_export]
macro_rules! text {
    ($(#[$m:meta])* $vis:vis $name:ident, $word:literal, $normal:expr, $same:expr $(, stored = $stored:expr)?) => {
        $(#[$m])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis struct $name(pub String);
        impl std::ops::Deref for $name { type Target = str; fn deref(&self) -> &str { &self.0 } }
        impl From<&str> for $name { fn from(s: &str) -> Self { Self(s.to_owned()) } }
        impl From<String> for $name { fn from(s: String) -> Self { Self(s) } }
        impl $crate::words::schema::Field for $name {
            const KIND: $crate::words::schema::Kind =
                $crate::words::schema::Kind::Text($crate::words::schema::Format {
                    name: $word,
                    normal: $normal,
                    same: $same,
                    stored: {
                        const FORMS: &[fn(&str) -> String] = &[$($stored)?];
                        match FORMS { [form] => Some(*form), _ => None }
                    },
                });
            fn take(value: &$crate::words::Value) -> Result<Self, $crate::words::schema::Mismatch> {
                <String as $crate::words::schema::Field>::take(value).map(Self)
            }
            fn give(&self) -> $crate::words::Value { $crate::words::Value::from(self.0.as_str()) }
        }
    };
}
