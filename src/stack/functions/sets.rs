//! Functions on sets.

use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Got, Needs, Outcome, bad, f, unified};
use crate::stack::convert::{convert, unify};
use crate::words::{Type, Value};

pub(super) const ALL: &[Function] = &[
    f("setunion", &["set: set", "sets: set..."], Gives::Any, |a| {
        let (sets, ty) = sets(a)?;
        Ok(Value::set(sets.into_iter().flatten()).typed(&ty))
    }),
    f("setintersection", &["set: set", "sets: set..."], Gives::Any, |a| {
        let (sets, ty) = sets(a)?;
        let (first, rest) = sets.split_first().map_or((&[][..], &[][..]), |(f, r)| (&f[..], r));
        Ok(Value::set(first.iter().filter(|v| rest.iter().all(|s| s.contains(v))).cloned()).typed(&ty))
    }),
    f("setsubtract", &["set: set", "less: set"], Gives::Any, |a| {
        let (sets, ty) = sets(a)?;
        let [from, less] = &sets[..] else { return bad("two sets are required") };
        Ok(Value::set(from.iter().filter(|v| !less.contains(v)).cloned()).typed(&ty))
    }),
    f("setproduct", &["sets..."], Gives::Any, product).needs(Needs::Outside),
];

/// All arguments as sets of one type, and that type.
fn sets(a: &Args<'_>) -> Got<(Vec<Vec<Value>>, Type)> {
    // A set of nothing is of any type.
    let element = |v: &Value| match v.type_of() {
        Type::Set(of) => of.as_ref().clone(),
        _ => Type::Any,
    };
    let Some(ty) = unify(a.values.iter().map(element).filter(|ty| *ty != Type::Any)) else {
        return bad("the elements of all sets must be of one type");
    };
    let set = Type::Set(Arc::new(ty));
    let each = (0..a.len()).map(|i| convert(&a.values[i], &set).map(|v| v.items().to_vec()).map_err(|e| Bad::Arg(i, e.to_string())));
    Ok((each.collect::<Got<_>>()?, set))
}

fn product(a: &Args<'_>) -> Outcome {
    if a.len() < 2 {
        return bad("at least two collections are required");
    }
    let mut made: Vec<Vec<Value>> = vec![vec![]];
    let (mut any_set, mut types) = (false, vec![]);
    for i in 0..a.len() {
        any_set |= matches!(a.value(i), Value::Set(_));
        let (items, ty) = unified(a.items(i)?).map_err(|why| Bad::Arg(i, why))?;
        types.push(match a.values[i].type_of() {
            Type::List(of) | Type::Set(of) => of.as_ref().clone(),
            _ => ty,
        });
        if made.len().saturating_mul(items.len()) > 1_000_000 {
            return bad("more than a million elements would be made");
        }
        made = made.iter().flat_map(|have| items.iter().map(move |v| have.iter().cloned().chain([v.clone()]).collect())).collect();
    }
    let of = Arc::new(Type::Tuple(types));
    if any_set && a.values.iter().any(|v| !v.is_known()) {
        return Ok(Value::Unknown(Arc::new(Type::Set(of))));
    }
    let tuples = made.into_iter().map(|t| Value::Tuple(t.into()));
    Ok(if any_set { Value::set(tuples).typed(&Type::Set(of)) } else { Value::list(tuples).typed(&Type::List(of)) })
}
