//! From one type to another, as Terraform does by itself.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::words::{Number, Type, Value};

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
        Value::Sensitive(_) => "a sensitive value",
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
        (Value::Sensitive(inner), _) => convert(inner, ty).map(Value::sensitive),
        (Value::Null, _) => Ok(Value::Null),
        (Value::Unknown(known), _) => {
            if *ty == Type::Any || same_shape(known, ty) {
                Ok(value.clone())
            } else if can_convert(known, ty) {
                Ok(Value::Unknown(Arc::new(ty.clone())))
            } else {
                Err(Misfit::new(format!("{} is required, and this is {}", a_type(ty), kind_of(value))))
            }
        }
        (_, Type::Any) => Ok(value.clone()),
        (_, Type::String) => text(value).map(Value::String),
        (_, Type::Number) => numeric(value).map(Value::Number),
        (_, Type::Bool) => truth(value).map(Value::Bool),
        (_, Type::List(of) | Type::Set(of)) => collection(value, ty, of),
        (_, Type::Map(of)) => map(value, ty, of),
        (_, Type::Tuple(types)) => tuple(value, ty, types),
        (_, Type::Object(attrs)) => object(value, ty, attrs),
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
        Value::Number(n) => Ok(*n),
        Value::String(s) => {
            // `parse` would take `1_000`, `inf` and the like of no other reader.
            let plain = s.bytes().all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b)) && !s.starts_with('+');
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

fn collection(value: &Value, ty: &Type, of: &Type) -> Fit {
    let (Value::List(items) | Value::Set(items) | Value::Tuple(items)) = value else { return refused(value, ty) };
    let unified;
    let of = if *of == Type::Any && matches!(value, Value::Tuple(_)) {
        unified = unify(items.iter().map(Value::type_of)).ok_or_else(|| Misfit::new("all elements must be of one type"))?;
        &unified
    } else {
        of
    };
    let mut made = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        made.push(convert(item, of).map_err(|e| e.under(&i.to_string()))?);
    }
    Ok(if matches!(ty, Type::Set(_)) { set_of(made, of) } else { Value::List(Arc::new(made)) })
}

/// A set: wholly unknown where an element is (it could equal another), and marked as a whole.
pub fn set_of(items: Vec<Value>, of: &Type) -> Value {
    let marked = items.iter().any(Value::has_sensitive);
    if items.iter().any(|v| !v.is_known()) {
        return Value::Unknown(Arc::new(Type::Set(Arc::new(of.clone())))).sensitive_if(marked);
    }
    if marked { Value::set(items.iter().map(Value::bare_deep)).sensitive() } else { Value::set(items) }
}

fn map(value: &Value, ty: &Type, of: &Type) -> Fit {
    let (Value::Map(items) | Value::Object(items)) = value else { return refused(value, ty) };
    let unified;
    let of = if *of == Type::Any && matches!(value, Value::Object(_)) {
        unified = unify(items.values().map(Value::type_of)).ok_or_else(|| Misfit::new("all elements of a map must be of one type"))?;
        &unified
    } else {
        of
    };
    let made: Result<BTreeMap<Arc<str>, Value>, Misfit> =
        items.iter().map(|(k, v)| Ok((k.clone(), convert(v, of).map_err(|e| e.under(k))?))).collect();
    Ok(Value::Map(Arc::new(made?)))
}

fn tuple(value: &Value, ty: &Type, types: &[Type]) -> Fit {
    let (Value::Tuple(items) | Value::List(items)) = value else { return refused(value, ty) };
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
            None if *optional => Value::Null,
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
        (Type::List(a), Type::Tuple(b)) => b.iter().all(|b| can_convert(a, b)),
        (Type::Object(all), Type::Map(b)) => all.values().all(|(a, _)| can_convert(a, b)),
        (Type::Map(a), Type::Object(all)) => all.values().all(|(b, _)| can_convert(a, b)),
        (Type::Object(a), Type::Object(b)) => {
            b.iter().all(|(name, (ty, optional))| a.get(name).map_or(*optional, |(from, _)| can_convert(from, ty)))
        }
        _ => false,
    }
}

/// The one type that values of all these can be made into.
pub fn unify(types: impl IntoIterator<Item = Type>) -> Option<Type> {
    let types: Vec<Type> = types.into_iter().collect();
    // Each primitive can be a text, though not each another: the text among them decides.
    if types.contains(&Type::String) && types.iter().all(|t| matches!(t, Type::Any | Type::String | Type::Number | Type::Bool)) {
        return Some(Type::String);
    }
    let mut found: Option<Type> = None;
    for ty in types {
        found = Some(match found {
            None => ty,
            Some(have) => unify_two(have, ty)?,
        });
    }
    Some(found.unwrap_or_default())
}

fn unify_two(a: Type, b: Type) -> Option<Type> {
    use Type::{Any, Bool, List, Map, Number, Object, Set, String, Tuple};
    if a == b {
        return Some(a);
    }
    let two = |a: &Arc<Type>, b: &Arc<Type>| Some(Arc::new(unify_two(a.as_ref().clone(), b.as_ref().clone())?));
    let all_and = |types: Vec<Type>, of: &Arc<Type>| Some(Arc::new(unify(types.into_iter().chain([of.as_ref().clone()]))?));
    match (a, b) {
        // Null is of any type.
        (Any, other) | (other, Any) => Some(other),
        (String, Bool | Number) | (Bool | Number, String) => Some(String),
        (List(a), List(b) | Set(b)) | (Set(b), List(a)) => Some(List(two(&a, &b)?)),
        (Set(a), Set(b)) => Some(Set(two(&a, &b)?)),
        (Map(a), Map(b)) => Some(Map(two(&a, &b)?)),
        (Tuple(a), Tuple(b)) if a.len() == b.len() => {
            let each: Option<Vec<Type>> = a.iter().cloned().zip(b.iter().cloned()).map(|(a, b)| unify_two(a, b)).collect();
            each.map(Tuple)
        }
        (Tuple(a), Tuple(b)) => Some(List(Arc::new(unify(a.into_iter().chain(b))?))),
        (Tuple(types), List(of)) | (List(of), Tuple(types)) => Some(List(all_and(types, &of)?)),
        (Tuple(types), Set(of)) | (Set(of), Tuple(types)) => Some(Set(all_and(types, &of)?)),
        (Object(a), Object(b)) => {
            if a.keys().eq(b.keys()) {
                let each: Option<BTreeMap<_, _>> = a
                    .iter()
                    .zip(b.values())
                    .map(|((k, (a, _)), (b, _))| Some((k.clone(), (unify_two(a.clone(), b.clone())?, false))))
                    .collect();
                if let Some(attrs) = each {
                    return Some(Object(attrs));
                }
            }
            Some(Map(Arc::new(unify(a.into_values().chain(b.into_values()).map(|(t, _)| t))?)))
        }
        (Object(attrs), Map(of)) | (Map(of), Object(attrs)) => Some(Map(all_and(attrs.into_values().map(|(t, _)| t).collect(), &of)?)),
        _ => None,
    }
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
