//! The functions of the language: one table, and the rules that all of them share.

mod collections;
mod disk;
mod encoding;
mod format;
mod hash;
mod lists;
mod network;
mod numbers;
mod pattern;
mod sets;
mod text;
mod time;
mod typed;
mod yaml;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

pub(super) use disk::glob;

use super::convert::{self, kind_of};
use super::eval::Cx;
use crate::words::{Diagnostic, Diagnostics, Marks, Number, Object, Result, Span, Type, Value};

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name.
    pub(super) name: &'static str,
    /// Its parameters by name, and type where they have one; the last one goes on where it ends in `...`, and one that ends in `?`
    /// may be left out.
    params: &'static [&'static str],
    /// What it gives.
    gives: Gives,
    /// How much of its arguments must be known.
    needs: Needs,
    /// Whether null is welcome.
    nulls: bool,
    /// Whether it looks after sensitive marks itself.
    marks: bool,
    call: fn(&Args<'_>) -> Outcome,
}

/// The type of a result, as far as it is known before the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gives {
    Any,
    Text,
    Number,
    Bool,
    Texts,
    Numbers,
    /// The type of the first argument.
    First,
}

/// How much of the arguments must be known for a call; otherwise the result is unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Needs {
    /// All of them, to the last element.
    All,
    /// The arguments themselves, but not what is in them.
    Outside,
    /// Nothing: it deals with unknown values itself.
    Nothing,
}

/// Why a call failed.
#[derive(Debug)]
enum Bad {
    /// An argument is to blame.
    Arg(usize, String),
    /// The call as a whole.
    Call(String),
    /// Told already, with its place.
    Told(Diagnostics),
}

impl From<Diagnostics> for Bad {
    fn from(errors: Diagnostics) -> Self {
        Self::Told(errors)
    }
}

type Outcome = std::result::Result<Value, Bad>;
type Got<T> = std::result::Result<T, Bad>;

fn bad<T>(why: impl Into<String>) -> Got<T> {
    Err(Bad::Call(why.into()))
}

const fn f(name: &'static str, params: &'static [&'static str], gives: Gives, call: fn(&Args<'_>) -> Outcome) -> Function {
    Function { name, params, gives, needs: Needs::All, nulls: false, marks: false, call }
}

impl Function {
    const fn needs(mut self, needs: Needs) -> Self {
        self.needs = needs;
        self
    }

    const fn nulls(mut self) -> Self {
        self.nulls = true;
        self
    }

    const fn marks(mut self) -> Self {
        self.marks = true;
        self
    }

    /// The fewest arguments.
    pub(super) fn least(&self) -> usize {
        self.params.iter().filter(|p| !p.ends_with(['?', '.'])).count()
    }

    /// The most arguments.
    pub(super) fn most(&self) -> usize {
        if self.params.last().is_some_and(|p| p.ends_with("...")) { usize::MAX } else { self.params.len() }
    }

    /// How it is written: `join(separator, lists...)`.
    pub(super) fn signature(&self) -> String {
        let plain = |param: &&str| param.split_once(": ").map_or_else(|| (*param).to_owned(), |(name, ty)| format!("{name}{}", tail(ty)));
        format!("{}({})", self.name, self.params.iter().map(plain).collect::<Vec<_>>().join(", "))
    }

    fn unknown(&self, values: &[Value]) -> Value {
        Value::Unknown(Arc::new(match self.gives {
            Gives::Any => Type::Any,
            Gives::First => values.first().map(Value::type_of).unwrap_or_default(),
            Gives::Text => Type::String,
            Gives::Number => Type::Number,
            Gives::Bool => Type::Bool,
            Gives::Texts => Type::List(Arc::new(Type::String)),
            Gives::Numbers => Type::List(Arc::new(Type::Number)),
        }))
    }

    fn param(&self, index: usize) -> &'static str {
        let name = self.params.get(index).or(self.params.last()).copied().unwrap_or("argument");
        name.split(": ").next().unwrap_or(name).trim_end_matches(['?', '.'])
    }

    /// The type of a parameter; any value where it has none.
    fn takes(&self, index: usize) -> Type {
        let list = |ty| Type::List(Arc::new(ty));
        let written = self.params.get(index).or(self.params.last()).and_then(|param| param.split_once(": "));
        match written.map_or("", |(_, ty)| ty.trim_end_matches(['?', '.'])) {
            "string" => Type::String,
            "number" => Type::Number,
            "list" => list(Type::Any),
            "list(bool)" => list(Type::Bool),
            "list(string)" => list(Type::String),
            "set" => Type::Set(Arc::default()),
            "map(list(string))" => Type::Map(Arc::new(list(Type::String))),
            _ => Type::Any,
        }
    }
}

/// What stands behind a parameter that may be left out or be repeated.
fn tail(param: &str) -> &str {
    &param[param.trim_end_matches(['?', '.']).len()..]
}

static TABLE: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
    let topics: [&'static [Function]; 13] = [
        collections::ALL,
        disk::ALL,
        encoding::ALL,
        format::ALL,
        hash::ALL,
        lists::ALL,
        network::ALL,
        numbers::ALL,
        sets::ALL,
        text::ALL,
        time::ALL,
        typed::ALL,
        yaml::ALL,
    ];
    topics.into_iter().flatten().map(|function| (function.name, function)).collect()
});

/// The function of that name.
pub(super) fn named(name: &str) -> Option<&'static Function> {
    TABLE.get(name).copied()
}

/// All names, sorted.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let mut names: Vec<_> = TABLE.keys().copied().collect();
    names.sort_unstable();
    names.into_iter()
}

/// The arguments of a call.
pub(super) struct Args<'a> {
    values: Vec<Value>,
    spans: &'a [(Value, &'a Span)],
    at: &'a Span,
    cx: &'a Cx<'a>,
}

/// Calls a function; `whole` is the place of the call.
pub(super) fn call(function: &Function, given: &[(Value, &Span)], name: &Span, whole: &Span, cx: &Cx<'_>) -> Result<Value> {
    if given.len() < function.least() || given.len() > function.most() {
        let error = Diagnostic::error(format!("`{}` can't take {} arguments", function.name, given.len()));
        return Err(error.at(name, function.signature()).into());
    }
    let mut marked = Marks::default();
    let mut values = Vec::with_capacity(given.len());
    for (value, _) in given {
        if function.marks || !value.has_sensitive() {
            values.push(value.clone());
        } else {
            marked |= value.all_marks();
            values.push(value.bare_deep());
        }
    }
    for (i, value) in values.iter().enumerate() {
        if value.is_null() && !function.nulls {
            let error = Diagnostic::error(format!("`{}` can't take null as {}", function.name, function.param(i)));
            return Err(error.at(given[i].1, "this is null").into());
        }
    }
    for (i, value) in values.iter_mut().enumerate() {
        let ty = function.takes(i);
        if ty != Type::Any && (!value.is_null() || function.nulls) {
            *value = convert::convert(value, &ty).map_err(|e| {
                let error = Diagnostic::error(format!("`{}`: {e}", function.name));
                error.at(given[i].1, format!("the argument `{}`", function.param(i)))
            })?;
        }
    }
    let open = match function.needs {
        Needs::All => values.iter().any(|v| !v.is_known()),
        Needs::Outside => values.iter().any(Value::is_unknown),
        Needs::Nothing => false,
    };
    if open {
        let own: Marks = values.iter().filter(|_| function.marks).map(Value::marks).collect();
        let marked = marked | own;
        return Ok(function.unknown(&values).marked(marked));
    }
    let args = Args { values, spans: given, at: whole, cx };
    match (function.call)(&args) {
        Ok(Value::String(text)) => Ok(Value::String(if text.is_ascii() { text } else { super::lower::nfc(&text) }).marked(marked)),
        Ok(value) => Ok(value.marked(marked)),
        Err(Bad::Told(mut errors)) => {
            for error in &mut errors.0 {
                if error.label.is_none() {
                    error.label = Some((whole.clone(), String::new()));
                }
            }
            Err(errors)
        }
        Err(Bad::Call(why)) => Err(Diagnostic::error(format!("`{}`: {why}", function.name)).at(whole, "").into()),
        Err(Bad::Arg(i, why)) => {
            let at = given.get(i).map_or(name, |(_, span)| *span);
            Err(Diagnostic::error(format!("`{}`: {why}", function.name)).at(at, format!("the argument `{}`", function.param(i))).into())
        }
    }
}

impl Args<'_> {
    fn len(&self) -> usize {
        self.values.len()
    }

    #[expect(clippy::unused_self, reason = "reads better where it is used")]
    fn bad<T>(&self, index: usize, why: impl Into<String>) -> Got<T> {
        Err(Bad::Arg(index, why.into()))
    }

    /// The argument without its own mark.
    fn value(&self, index: usize) -> &Value {
        self.values.get(index).map_or(&Value::Null, Value::bare)
    }

    fn span(&self, index: usize) -> &Span {
        self.spans.get(index).map_or(self.at, |(_, span)| span)
    }

    fn text(&self, index: usize) -> Got<Arc<str>> {
        convert::text(self.value(index)).map_err(|e| Bad::Arg(index, e.to_string()))
    }

    fn number(&self, index: usize) -> Got<Number> {
        convert::numeric(self.value(index)).map_err(|e| Bad::Arg(index, e.to_string()))
    }

    fn int(&self, index: usize) -> Got<i64> {
        self.number(index)?.as_i64().map_or_else(|| self.bad(index, "a whole number is required"), Ok)
    }

    /// The elements of a list, tuple or set.
    fn items(&self, index: usize) -> Got<&[Value]> {
        match self.value(index) {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => Ok(items),
            other => self.bad(index, format!("a list is required, and this is {}", kind_of(other))),
        }
    }

    /// The entries of a map or object.
    fn entries(&self, index: usize) -> Got<&Object> {
        match self.value(index) {
            Value::Map(items) | Value::Object(items) => Ok(items),
            other => self.bad(index, format!("a map is required, and this is {}", kind_of(other))),
        }
    }

    /// The elements of a list as texts.
    fn texts(&self, index: usize) -> Got<Vec<Arc<str>>> {
        let each = |v: &Value| match v.bare() {
            Value::Null => self.bad(index, "an element is null"),
            v => convert::text(v).map_err(|e| Bad::Arg(index, format!("of each element {e}"))),
        };
        self.items(index)?.iter().map(each).collect()
    }
}

/// The values brought to one type, with that type.
fn unified(items: &[Value]) -> std::result::Result<(Vec<Value>, Type), String> {
    let ty = convert::unify(items.iter().map(Value::type_of)).ok_or("all elements must be of one type")?;
    let made: std::result::Result<Vec<Value>, convert::Misfit> = items.iter().map(|v| convert::convert(v, &ty)).collect();
    Ok((made.map_err(|e| e.to_string())?, ty))
}

fn texts<T: Into<Arc<str>>>(items: impl IntoIterator<Item = T>) -> Value {
    Value::list(items.into_iter().map(Value::string)).typed(&Type::List(Arc::new(Type::String)))
}

fn number(n: usize) -> Value {
    Value::from(i64::try_from(n).unwrap_or(i64::MAX))
}
