//! From one type to another, as Terraform does by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::words::{Marks, Number, Type, Value};

/// Why a value can't be of a type: where in it, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The way into the value, `ingress.0.port`; empty for the value itself.
    pub path: String,
    /// What is wrong, as a sentence of its own.
    pub why: String,
}

impl Misfit {
    fn new(why: impl Into<String>) -> Self {
        Self { path: String::new(), why: why.into() }
    }

    fn under(mut self, step: &str) -> Self {
        self.path = if self.path.is_empty() { step.to_owned() } else { format!("{step}.{}", self.path) };
        self
    }
}

impl std::fmt::Display for Misfit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.why) } else { write!(f, "`{}`: {}", self.path, self.why) }
    }
}

type Fit = Result<Value, Misfit>;

/// What a value is, in words for an error.
pub fn kind_of(value: &Value) -> &'static str {
    match value.bare() {
        Value::Null => "null",
        Value::Bool(_) => "a bool",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        // What TOML calls a list is Terraform's tuple: only who asks for types meets that word.
        Value::List(_) | Value::Tuple(_) => "a list",
        Value::Set(_) => "a set",
        Value::Map(_) => "a map",
        Value::Object(_) => "an object",
        Value::Unknown(ty) => match ty.as_ref() {
            Type::Any => "a value that is not known yet",
            Type::Bool => "a bool",
            Type::Number => "a number",
            Type::String => "a string",
            Type::List(_) | Type::Tuple(_) => "a list",
            Type::Set(_) => "a set",
            Type::Map(_) => "a map",
            Type::Object(_) => "an object",
        },
        Value::Marked(_, _) | Value::Typed(_) => "a sensitive value",
    }
}

/// A type with its article, for an error.
pub fn a_type(ty: &Type) -> String {
    match ty {
        Type::Any => "any value".into(),
        Type::Bool => "true or false".into(),
        Type::Object(attrs) if attrs.len() > 3 => "an object".into(),
        Type::Object(_) => format!("an {}", ty.name()),
        other => format!("a {}", other.name()),
    }
}

/// The value as one of that type.
pub fn convert(value: &Value, ty: &Type) -> Fit {
    match (value, ty) {
        (Value::Marked(marks, inner), _) => convert(inner, ty).map(|v| v.marked(*marks)),
        (Value::Null, _) => Ok(Value::Null.typed(ty)),
        (Value::Unknown(known), _) => {
            if *ty == Type::Any || same_shape(known, ty) {
                Ok(value.clone())
            } else if can_convert(known, ty) {
                Ok(Value::Unknown(Arc::new(filled(known, ty))))
            } else {
                Err(Misfit::new(format!("{} is required, and this is {}", a_type(ty), kind_of(value))))
            }
        }
        (_, Type::Any) => Ok(value.clone()),
        (Value::Typed(inner), _) => {
            let (have, empty) = (&inner.0, &inner.1);
            if !can_convert(have, ty) {
                return refused(value, ty);
            }
            convert(empty, ty).map(|made| made.plain().typed(&filled(have, ty)))
        }
        (_, Type::String) => text(value).map(Value::String),
        (_, Type::Number) => numeric(value).map(Value::Number),
        (_, Type::Bool) => truth(value).map(Value::Bool),
        (_, Type::List(of) | Type::Set(of)) => collection(value, ty, of),
        (_, Type::Map(of)) => map(value, ty, of),
        (_, Type::Tuple(types)) => tuple(value, ty, types),
        (_, Type::Object(attrs)) => object(value, ty, attrs),
    }
}

/// The type that is asked for, with what it leaves open as the value has it.
fn filled(have: &Type, ty: &Type) -> Type {
    let of = |have: &Arc<Type>, ty: &Arc<Type>| Arc::new(filled(have, ty));
    let unified =
        |types: Vec<Type>, ty: &Arc<Type>| if **ty == Type::Any { Arc::new(unify(types).unwrap_or_default()) } else { ty.clone() };
    match (have, ty) {
        (_, Type::Any) => have.clone(),
        (Type::List(a) | Type::Set(a), Type::List(b)) => Type::List(of(a, b)),
        (Type::List(a) | Type::Set(a), Type::Set(b)) => Type::Set(of(a, b)),
        (Type::Tuple(all), Type::List(b)) => Type::List(unified(all.clone(), b)),
        (Type::Tuple(all), Type::Set(b)) => Type::Set(unified(all.clone(), b)),
        (Type::Map(a), Type::Map(b)) => Type::Map(of(a, b)),
        (Type::Object(all), Type::Map(b)) => Type::Map(unified(all.values().map(|(ty, _)| ty.clone()).collect(), b)),
        _ => ty.clone(),
    }
}

fn refused<T>(value: &Value, ty: &Type) -> Result<T, Misfit> {
    Err(Misfit::new(format!("{} is required, and this is {}", a_type(ty), kind_of(value))))
}

/// A known primitive as text.
pub fn text(value: &Value) -> Result<Arc<str>, Misfit> {
    match value.bare() {
        Value::String(s) => Ok(s.clone()),
        Value::Number(n) => Ok(n.to_string().into()),
        Value::Bool(b) => Ok(if *b { "true" } else { "false" }.into()),
        _ => refused(value, &Type::String),
    }
}

/// A known primitive as number.
pub fn numeric(value: &Value) -> Result<Number, Misfit> {
    match value.bare() {
        Value::Number(n) => Ok(n.clone()),
        Value::String(s) => {
            // `parse` would take `1_000`, `inf` and the like of no other reader.
            let plain = s.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
            Number::parse(s).filter(|_| plain).ok_or_else(|| Misfit::new("a number is required, and this text is none"))
        }
        _ => refused(value, &Type::Number),
    }
}

/// A known primitive as bool.
pub fn truth(value: &Value) -> Result<bool, Misfit> {
    match value.bare() {
        Value::Bool(b) => Ok(*b),
        Value::String(s) => match &**s {
            "true" | "1" => Ok(true),
            "false" | "0" => Ok(false),
            "True" | "TRUE" | "False" | "FALSE" => {
                Err(Misfit::new(format!("true or false is required; to convert from a string, use lower case: \"{}\"", s.to_lowercase())))
            }
            _ => Err(Misfit::new("true or false is required, and this text is neither")),
        },
        _ => refused(value, &Type::Bool),
    }
}

/// The type that all elements can have.
fn common<'a>(items: impl Iterator<Item = &'a Value> + Clone) -> Result<Type, Misfit> {
    let found = unify(items.clone().map(Value::type_of));
    // Where nothing tells the type, nothing may be there that has one.
    let open = |ty: &Type| *ty == Type::Any && items.clone().any(|v| v.type_of() != Type::Any);
    found.filter(|ty| !open(ty)).ok_or_else(|| Misfit::new("all elements must be of one type"))
}

fn collection(value: &Value, ty: &Type, of: &Type) -> Fit {
    let (Value::List(items) | Value::Set(items) | Value::Tuple(items)) = value else { return refused(value, ty) };
    let unified;
    let of = if *of == Type::Any && matches!(value, Value::Tuple(_)) {
        unified = common(items.iter())?;
        &unified
    } else {
        of
    };
    let mut made = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        made.push(convert(item, of).map_err(|e| e.under(&i.to_string()))?);
    }
    let made = if matches!(ty, Type::Set(_)) { set_of(made, of) } else { Value::List(Arc::new(made)) };
    let of = Arc::new(of.clone());
    Ok(made.typed(&if matches!(ty, Type::Set(_)) { Type::Set(of) } else { Type::List(of) }))
}

/// A set: wholly unknown where an element is (it could equal another), and marked as a whole.
pub fn set_of(items: Vec<Value>, of: &Type) -> Value {
    let marks: Marks = items.iter().map(Value::all_marks).collect();
    if items.iter().any(|v| !v.is_known()) {
        return Value::Unknown(Arc::new(Type::Set(Arc::new(of.clone())))).marked(marks);
    }
    if marks.any() { Value::set(items.iter().map(Value::bare_deep)).marked(marks) } else { Value::set(items) }
}

fn map(value: &Value, ty: &Type, of: &Type) -> Fit {
    let (Value::Map(items) | Value::Object(items)) = value else { return refused(value, ty) };
    let unified;
    let of = if *of == Type::Any && matches!(value, Value::Object(_)) {
        unified = common(items.values())?;
        &unified
    } else {
        of
    };
    let made: Result<BTreeMap<Arc<str>, Value>, Misfit> =
        items.iter().map(|(k, v)| Ok((k.clone(), convert(v, of).map_err(|e| e.under(k))?))).collect();
    Ok(Value::Map(Arc::new(made?)).typed(&Type::Map(Arc::new(of.clone()))))
}

fn tuple(value: &Value, ty: &Type, types: &[Type]) -> Fit {
    let Value::Tuple(items) = value else { return refused(value, ty) };
    if items.len() != types.len() {
        return Err(Misfit::new(format!("{} elements are required, and there are {}", types.len(), items.len())));
    }
    let made: Result<Vec<Value>, Misfit> =
        items.iter().zip(types).enumerate().map(|(i, (v, t))| convert(v, t).map_err(|e| e.under(&i.to_string()))).collect();
    Ok(Value::Tuple(Arc::new(made?)))
}

fn object(value: &Value, ty: &Type, attrs: &BTreeMap<Arc<str>, (Type, bool)>) -> Fit {
    let (Value::Map(items) | Value::Object(items)) = value else { return refused(value, ty) };
    let mut made = BTreeMap::new();
    for (name, (ty, optional)) in attrs {
        let value = match items.get(name) {
            Some(v) => convert(v, ty).map_err(|e| e.under(name))?,
            None if *optional => Value::Null.typed(ty),
            None => return Err(Misfit::new(format!("attribute `{name}` is required"))),
        };
        made.insert(name.clone(), value);
    }
    Ok(Value::Object(Arc::new(made)))
}

fn same_shape(a: &Type, b: &Type) -> bool {
    a == b && !matches!(a, Type::Any)
}

/// Whether values of one type can be made into another, as far as types tell.
pub fn can_convert(from: &Type, to: &Type) -> bool {
    match (from, to) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Bool | Type::Number | Type::String, Type::String)
        | (Type::String | Type::Number, Type::Number)
        | (Type::String | Type::Bool, Type::Bool) => true,
        (Type::List(a) | Type::Set(a), Type::List(b) | Type::Set(b)) | (Type::Map(a), Type::Map(b)) => can_convert(a, b),
        (Type::Tuple(all), Type::List(b) | Type::Set(b)) => all.iter().all(|a| can_convert(a, b)),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| can_convert(a, b)),
        (Type::Object(all), Type::Map(b)) => all.values().all(|(a, _)| can_convert(a, b)),
        (Type::Map(a), Type::Object(all)) => all.values().all(|(b, _)| can_convert(a, b)),
        (Type::Object(a), Type::Object(b)) => {
            b.iter().all(|(name, (ty, optional))| a.get(name).map_or(*optional, |(from, _)| can_convert(from, ty)))
        }
        _ => false,
    }
}

/// Whether a value of a type that may be partly open can turn out to be of the other: without any conversion.
pub fn may_be(open: &Type, ty: &Type) -> bool {
    match (open, ty) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::List(a), Type::List(b)) | (Type::Set(a), Type::Set(b)) | (Type::Map(a), Type::Map(b)) => may_be(a, b),
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| may_be(a, b)),
        (Type::Object(a), Type::Object(b)) => a.keys().eq(b.keys()) && a.values().zip(b.values()).all(|((a, _), (b, _))| may_be(a, b)),
        _ => open == ty,
    }
}

/// The one type that values of all these can be made into.
pub fn unify(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    let mut types: Vec<Type> = types.into_iter().collect();
    // What is not known, null above all, becomes what the others are.
    let open = types.contains(&Type::Any);
    types.retain(|ty| *ty != Type::Any);
    types.sort_unstable();
    types.dedup();
    match &types[..] {
        [] => return Some(Type::Any),
        [only] if !open => return Some(only.clone()),
        // Elements of a structure can't be told apart from those that are not known.
        [Type::Tuple(_) | Type::Object(_)] => return Some(Type::Any),
        [only] => return Some(only.clone()),
        _ => {}
    }
    let all = |test: fn(&Type) -> bool| types.iter().all(test);
    let elements = |types: &[Type]| -> Option<Arc<Type>> {
        let each = types.iter().filter_map(|ty| match ty {
            Type::List(of) | Type::Set(of) | Type::Map(of) => Some(vec![of.as_ref().clone()]),
            Type::Tuple(all) => Some(all.clone()),
            Type::Object(attrs) => Some(attrs.values().map(|(ty, _)| ty.clone()).collect()),
            _ => None,
        });
        unify(each.flatten().collect::<Vec<_>>()).map(Arc::new)
    };
    let has = |test: fn(&Type) -> bool| types.iter().any(test);
    if all(|ty| matches!(ty, Type::Bool | Type::Number | Type::String)) {
        // Each can be a text, but a number no bool: only a text among them brings them together.
        return types.contains(&Type::String).then_some(Type::String);
    }
    if all(|ty| matches!(ty, Type::Tuple(_))) {
        let sizes: Vec<usize> = types.iter().map(|ty| if let Type::Tuple(all) = ty { all.len() } else { 0 }).collect();
        let alike = sizes.iter().all(|size| *size == sizes[0]);
        return if alike { unified_tuples(&types) } else { elements(&types).map(Type::List) };
    }
    if all(|ty| matches!(ty, Type::Object(_))) {
        let attrs = |ty: &Type| if let Type::Object(attrs) = ty { attrs.keys().cloned().collect() } else { vec![] };
        let alike = types.iter().all(|ty| attrs(ty) == attrs(&types[0]));
        return if alike { unified_objects(&types) } else { elements(&types).map(Type::Map) };
    }
    if all(|ty| matches!(ty, Type::Map(_) | Type::Object(_))) {
        return elements(&types).map(Type::Map);
    }
    if all(|ty| matches!(ty, Type::Set(_) | Type::Tuple(_))) {
        return elements(&types).map(Type::Set);
    }
    if all(|ty| matches!(ty, Type::List(_) | Type::Set(_) | Type::Tuple(_))) && has(|ty| matches!(ty, Type::List(_))) {
        return elements(&types).map(Type::List);
    }
    None
}

/// Tuples of one length, element by element.
fn unified_tuples(types: &[Type]) -> Option<Type> {
    let all: Vec<&Vec<Type>> = types.iter().filter_map(|ty| if let Type::Tuple(all) = ty { Some(all) } else { None }).collect();
    let size = all.first()?.len();
    (0..size).map(|i| unify(all.iter().filter_map(|each| each.get(i).cloned()))).collect::<Option<_>>().map(Type::Tuple)
}

/// Objects of the same attributes, attribute by attribute.
fn unified_objects(types: &[Type]) -> Option<Type> {
    let all: Vec<_> = types.iter().filter_map(|ty| if let Type::Object(attrs) = ty { Some(attrs) } else { None }).collect();
    let first = all.first()?;
    let attr = |name: &Arc<str>| {
        let ty = unify(all.iter().filter_map(|each| each.get(name).map(|(ty, _)| ty.clone())))?;
        Some((name.clone(), (ty, false)))
    };
    first.keys().map(attr).collect::<Option<_>>().map(Type::Object)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conversions() {
        let n = |n: i64| Value::from(n);
        assert_eq!(convert(&n(5), &Type::String), Ok("5".into()));
        assert_eq!(convert(&"5.5".into(), &Type::Number).unwrap().to_json().to_string(), "5.5");
        assert!(convert(&"x".into(), &Type::Number).is_err());
        assert!(convert(&Value::Bool(true), &Type::Number).is_err());
        assert_eq!(convert(&"true".into(), &Type::Bool), Ok(true.into()));
        let mixed = Value::Tuple(Arc::new(vec![n(1), "a".into()]));
        assert_eq!(convert(&mixed, &Type::List(Arc::default())), Ok(Value::list(["1".into(), "a".into()])));
        let half = Value::Tuple(Arc::new(vec!["a".into(), Value::unknown()]));
        assert!(convert(&half, &Type::Set(Arc::new(Type::String))).unwrap().is_unknown());
        assert!(!convert(&half, &Type::List(Arc::new(Type::String))).unwrap().is_unknown());
    }
}
