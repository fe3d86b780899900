//! An evaluated body is brought to the schema of its type.

use std::sync::Arc;

use crate::stack::convert::{self, kind_of};
use crate::stack::expr::Expr;
use crate::words::error::nearest;
use crate::words::schema::{Attr, Format, Kind};
use crate::words::{Diagnostic, Diagnostics, Object, Result, Type, Value};

/// Brings an evaluated body to the schema: an object with all attributes, each of its type and in its normal form, null where nothing
/// is given and there is no default. `at` is the body that was evaluated, `what` the name of the type, for errors.
///
/// Unknown parts stay unknown, sensitive parts sensitive. Everything that is wrong is told at once.
pub fn conform(attrs: &[Attr], value: &Value, at: &Expr, what: &str) -> Result<Value> {
    let mut work = Conform { at, what, errors: Diagnostics::default() };
    let made = work.object(attrs, value, "", true);
    work.errors.unless_errors(made)
}

/// What to write in place of a `dynamic` block.
pub(super) const DYNAMIC: [&str; 2] = [
    "blocks are made by an expression: ingress = \"${[for port in var.ports : { from_port = port, ... }]}\"",
    "write dynamic \"NAME\" { for_each = ..., content { ... } }, each on a line of its own",
];

struct Conform<'a> {
    at: &'a Expr,
    what: &'a str,
    errors: Diagnostics,
}

fn under(path: &str, step: impl std::fmt::Display) -> String {
    if path.is_empty() { step.to_string() } else { format!("{path}.{step}") }
}

impl Conform<'_> {
    /// An error at the value of that attribute.
    fn wrong(&mut self, path: &str, summary: impl Into<String>, label: impl Into<String>) -> Value {
        self.errors.push(Diagnostic::error(summary).at(self.at.get(path).span(), label));
        Value::Null
    }

    /// The place in words: `aws_instance`, or the block in it.
    fn owner(&self, path: &str) -> String {
        let words: Vec<&str> = path.split('.').filter(|s| !s.is_empty() && s.parse::<usize>().is_err()).collect();
        if words.is_empty() { self.what.to_owned() } else { format!("block `{}` of {}", words.join("."), self.what) }
    }

    /// `block` says that all must be as the schema has it; of an attribute, what is absent becomes null.
    fn object(&mut self, attrs: &[Attr], value: &Value, path: &str, block: bool) -> Value {
        if let Value::Marked(_, inner) = value {
            return self.object(attrs, inner, path, block).sensitive();
        }
        let empty = Object::new();
        let given = match value {
            Value::Object(items) | Value::Map(items) => items,
            Value::Unknown(_) => return value.clone(),
            Value::Typed(inner) => return self.object(attrs, &inner.1, path, block),
            Value::Null => &Arc::new(empty),
            other => {
                return self.wrong(
                    path,
                    format!("{} needs a table, and this is {}", self.owner(path), kind_of(other)),
                    "should be a table",
                );
            }
        };
        for name in given.keys().filter(|name| !attrs.iter().any(|a| a.name == &***name)) {
            self.unknown_attr(attrs, name, path);
        }
        let mut made = Object::new();
        for attr in attrs {
            let below = under(path, attr.name);
            let value = given.get(attr.name).unwrap_or(&Value::Null);
            made.insert(attr.name.into(), self.attr(attr, value, &below, path, block));
            if !value.is_null() {
                self.conflicts(attrs, attr, given, &below);
            }
        }
        Value::Object(Arc::new(made))
    }

    fn unknown_attr(&mut self, attrs: &[Attr], name: &str, path: &str) {
        let near = nearest(name, attrs.iter().filter(|a| !a.computed).map(|a| a.name));
        let label = near.map_or_else(|| "no such attribute".to_owned(), |near| format!("did you mean `{near}`?"));
        let error = Diagnostic::error(format!("{} has no attribute `{name}`", self.owner(path)));
        let span = self.at.key_span(&under(path, name));
        let error = error.at(span, label);
        let error = if name == "dynamic" { error.write(DYNAMIC[0], DYNAMIC[1]) } else { error };
        self.errors.push(error.help(format!("all attributes: ferroform explain {}", self.what)));
    }

    fn conflicts(&mut self, attrs: &[Attr], attr: &Attr, given: &Object, path: &str) {
        for other in attr.conflicts {
            // Where each names the other, told once.
            let mutual = attrs.iter().any(|a| a.name == *other && a.conflicts.contains(&attr.name));
            let told = mutual && *other < attr.name;
            if given.get(*other).is_some_and(|v| !v.is_null() && !v.is_empty()) && !told {
                let error = Diagnostic::error(format!("`{}` and `{other}` exclude each other", attr.name));
                self.errors.push(error.at(self.at.key_span(path), format!("`{other}` is given too")));
            }
        }
    }

    fn attr(&mut self, attr: &Attr, value: &Value, path: &str, owner: &str, strict: bool) -> Value {
        if attr.computed {
            if !value.is_null() {
                let error = Diagnostic::error(format!("`{}` of {} can't be given", attr.name, self.owner(owner)));
                self.errors.push(error.at(self.at.key_span(path), "is known only after the resource exists"));
            }
            return Value::Null;
        }
        if let Some(inner) = attr.block() {
            return self.blocks(attr, inner, value, path, owner);
        }
        if value.is_null() {
            if attr.required && strict {
                let error = Diagnostic::error(format!("{} needs `{}`", self.owner(owner), attr.name));
                let at = self.at.get(owner);
                self.errors.push(error.at(at.span(), format!("`{}` is missing", attr.name)).help(first_sentence(attr.doc)));
            }
            let any = || if matches!(attr.kind, Kind::Any) { value.clone() } else { Value::Null };
            return attr.default_value().unwrap_or_else(any).sensitive_if(attr.sensitive);
        }
        let made = self.kind(&attr.kind, value, path, attr.required);
        self.bounds(attr, &made, path);
        made.sensitive_if(attr.sensitive)
    }

    /// A nested block: one table or several; a list or set of objects, or a single object.
    fn blocks(&mut self, attr: &Attr, inner: &'static [Attr], value: &Value, path: &str, owner: &str) -> Value {
        if let Value::Marked(_, value) = value {
            return self.blocks(attr, inner, value, path, owner).sensitive();
        }
        let value = value.bare();
        let single = matches!(attr.kind, Kind::Object(_));
        let given: Vec<&Value> = match value {
            Value::Null => vec![],
            Value::Unknown(_) => return value.clone(),
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => items.iter().filter(|v| !v.is_null()).collect(),
            one => vec![one],
        };
        if given.is_empty() && attr.required {
            let error = Diagnostic::error(format!("{} needs a block `{}`", self.owner(owner), attr.name));
            let at = self.at.get(owner).span();
            self.errors.push(error.at(at, format!("`{}` is missing", attr.name)).help(first_sentence(attr.doc)));
        }
        let most = if single { 1 } else { attr.max_items };
        if most > 0 && given.len() > most {
            let label = if most == 1 { "only one is possible".to_owned() } else { format!("at most {most} are possible") };
            self.wrong(path, format!("{} blocks `{}` are given", given.len(), attr.name), label);
        }
        let list = matches!(value, Value::List(_) | Value::Tuple(_) | Value::Set(_));
        let mut made: Vec<Value> = vec![];
        for (i, v) in given.into_iter().enumerate() {
            let below = if list || !single { under(path, i) } else { path.to_owned() };
            made.push(self.object(inner, v, &below, true));
        }
        let sensitive = attr.sensitive;
        match attr.kind {
            Kind::Object(_) => made.into_iter().next().unwrap_or_default(),
            Kind::Set(_) => Value::set(made),
            _ => Value::list(made),
        }
        .sensitive_if(sensitive)
    }

    fn kind(&mut self, kind: &Kind, value: &Value, path: &str, required: bool) -> Value {
        if let Value::Marked(_, inner) = value {
            return self.kind(kind, inner, path, required).sensitive();
        }
        // Where any type will do, what is null or empty keeps the one that it has.
        let value = if matches!(kind, Kind::Any) { value } else { value.bare() };
        if let Value::Unknown(ty) = value {
            let wanted = type_of(kind);
            return if convert::can_convert(ty, &wanted) {
                Value::Unknown(Arc::new(wanted))
            } else {
                self.misfit(&wanted, value, path, None)
            };
        }
        if value.is_null() {
            return Value::Null;
        }
        match kind {
            Kind::Any => value.clone(),
            Kind::Bool => convert::truth(value).map_or_else(|e| self.misfit(&Type::Bool, value, path, Some(e)), Value::Bool),
            Kind::Number => convert::numeric(value).map_or_else(|e| self.misfit(&Type::Number, value, path, Some(e)), Value::Number),
            Kind::Int => match convert::numeric(value) {
                Ok(n) if n.as_i64().is_some() => Value::Number(n),
                Ok(n) => self.wrong(path, format!("`{path}` must be a whole number, and is {n}"), "should be a whole number"),
                Err(e) => self.misfit(&Type::Number, value, path, Some(e)),
            },
            Kind::Text(format) => match convert::text(value) {
                Ok(text) => self.text(format, &text, path, required),
                Err(e) => self.misfit(&Type::String, value, path, Some(e)),
            },
            Kind::List(of) | Kind::Set(of) => self.list(kind, of, value, path),
            Kind::Map(of) => match value {
                Value::Map(items) | Value::Object(items) => {
                    let made: Object = items.iter().map(|(k, v)| (k.clone(), self.kind(of, v, &under(path, k), false))).collect();
                    Value::Map(Arc::new(made))
                }
                other => self.misfit(&type_of(kind), other, path, None),
            },
            Kind::Object(attrs) => self.object(attrs, value, path, false),
        }
    }

    fn list(&mut self, kind: &Kind, of: &Kind, value: &Value, path: &str) -> Value {
        let items: &[Value] = match value {
            Value::List(items) | Value::Tuple(items) | Value::Set(items) => items,
            // One table stands for a list of one, as for blocks.
            Value::Object(_) if matches!(of, Kind::Object(_)) => std::slice::from_ref(value),
            other => return self.misfit(&type_of(kind), other, path, None),
        };
        let mut made = Vec::with_capacity(items.len());
        for (i, item) in items.iter().enumerate() {
            let below = under(path, i);
            if item.is_null() && !matches!(of, Kind::Object(_)) {
                self.wrong(&below, format!("an element of `{path}` is null"), "null");
            }
            made.push(self.kind(of, item, &below, true));
        }
        if matches!(kind, Kind::Set(_)) { Value::set(made) } else { Value::list(made) }
    }

    fn text(&mut self, format: &Format, text: &str, path: &str, required: bool) -> Value {
        // Nothing where nothing has to be: as absent as null.
        if text.is_empty() && !required {
            return Value::from(text);
        }
        match (format.normal)(text) {
            Ok(normal) => Value::from(normal),
            Err(why) => {
                self.wrong(path, format!("`{path}` is no valid {}: {why}", format.name), format!("should be {}", article(format.name)))
            }
        }
    }

    fn misfit(&mut self, wanted: &Type, value: &Value, path: &str, why: Option<convert::Misfit>) -> Value {
        let a = convert::a_type(wanted);
        let mut error = Diagnostic::error(format!("`{path}` of {} must be {a}, and is {}", self.what, kind_of(value)));
        error = error.at(self.at.get(path).span(), format!("should be {a}"));
        let text = why.filter(|_| matches!(value, Value::String(_)));
        self.errors.push(match text {
            Some(why) => error.help(why.why),
            None => error,
        });
        Value::Null
    }

    fn bounds(&mut self, attr: &Attr, value: &Value, path: &str) {
        let bare = value.bare();
        let hidden = value.is_sensitive() || attr.sensitive;
        let shown = |v: &dyn std::fmt::Display| if hidden { "a hidden value".to_owned() } else { v.to_string() };
        let limits = match (attr.min, attr.max) {
            (i64::MIN, i64::MAX) => None,
            (min, i64::MAX) => Some(format!("at least {min}")),
            (i64::MIN, max) => Some(format!("at most {max}")),
            (min, max) => Some(format!("from {min} to {max}")),
        };
        let outside = |n: i64| n < attr.min || n > attr.max;
        match (bare, limits) {
            (Value::Number(n), Some(limits)) => {
                #[expect(clippy::cast_precision_loss, reason = "bounds are small")]
                let out = n.as_i64().map_or_else(|| n.as_f64() < attr.min as f64 || n.as_f64() > attr.max as f64, outside);
                if out {
                    self.wrong(path, format!("`{path}` must be {limits}, and is {}", shown(n)), format!("should be {limits}"));
                }
            }
            (Value::String(s), Some(limits)) if !s.is_empty() || attr.required => {
                let long = i64::try_from(s.chars().count()).unwrap_or(i64::MAX);
                if outside(long) {
                    self.wrong(
                        path,
                        format!("`{path}` must have {limits} characters, and has {long}"),
                        format!("{limits} characters are possible"),
                    );
                }
            }
            (Value::List(items) | Value::Set(items), Some(limits)) => {
                let long = i64::try_from(items.len()).unwrap_or(i64::MAX);
                if outside(long) {
                    self.wrong(
                        path,
                        format!("`{path}` must have {limits} elements, and has {long}"),
                        format!("{limits} elements are possible"),
                    );
                }
            }
            _ => {}
        }
        if attr.max_items > 0 && bare.items().len() > attr.max_items {
            self.wrong(path, format!("`{path}` has {} elements", bare.items().len()), format!("at most {} are possible", attr.max_items));
        }
        if !attr.one_of.is_empty() {
            let each: Vec<(String, &Value)> = match bare {
                Value::List(items) | Value::Set(items) => items.iter().enumerate().map(|(i, v)| (under(path, i), v)).collect(),
                one => vec![(path.to_owned(), one)],
            };
            for (path, value) in each {
                let Value::String(s) = value.bare() else { continue };
                if attr.one_of.contains(&&**s) || (s.is_empty() && !attr.required) {
                    continue;
                }
                let near = nearest(s, attr.one_of.iter().copied());
                let label =
                    near.map_or_else(|| format!("should be one of {}", attr.one_of.join(", ")), |near| format!("did you mean \"{near}\"?"));
                let error = Diagnostic::error(format!("`{path}` can't be {}", if hidden { "that".to_owned() } else { format!("\"{s}\"") }));
                self.errors.push(error.at(self.at.get(&path).span(), label).help(format!("possible: {}", attr.one_of.join(", "))));
            }
        }
    }
}

/// A word with its article.
fn article(word: &str) -> String {
    let vowel = word.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O', 'U']);
    if vowel { format!("an {word}") } else { format!("a {word}") }
}

fn first_sentence(doc: &str) -> String {
    let doc = doc.trim().replace('\n', " ");
    doc.split(". ").next().unwrap_or_default().trim_end_matches('.').to_owned()
}

/// The type of the language that a shape has.
pub(super) fn type_of(kind: &Kind) -> Type {
    match kind {
        Kind::Bool => Type::Bool,
        Kind::Int | Kind::Number => Type::Number,
        Kind::Text(_) => Type::String,
        Kind::List(of) => Type::List(Arc::new(type_of(of))),
        Kind::Set(of) => Type::Set(Arc::new(type_of(of))),
        Kind::Map(of) => Type::Map(Arc::new(type_of(of))),
        Kind::Object(attrs) => Type::Object(attrs.iter().map(|a| (a.name.into(), (type_of(&a.kind), !a.required))).collect()),
        Kind::Any => Type::Any,
    }
}
