//! Functions on sets.

use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Got, Outcome, bad, f};
use crate::stack::convert::{convert, unify};
use crate::words::{Type, Value};

pub(super) const ALL: &[Function] = &[
    f("setunion", &["set", "sets..."], Gives::Any, |a| {
        let sets = sets(a)?;
        Ok(Value::set(sets.into_iter().flatten()))
    }),
    f("setintersection", &["set", "sets..."], Gives::Any, |a| {
        let sets = sets(a)?;
        let (first, rest) = sets.split_first().map_or((&[][..], &[][..]), |(f, r)| (&f[..], r));
        Ok(Value::set(first.iter().filter(|v| rest.iter().all(|s| s.contains(v))).cloned()))
    }),
    f("setsubtract", &["set", "less"], Gives::Any, |a| {
        let sets = sets(a)?;
        let [from, less] = &sets[..] else { return bad("two sets are required") };
        Ok(Value::set(from.iter().filter(|v| !less.contains(v)).cloned()))
    }),
    f("setproduct", &["sets..."], Gives::Any, product),
];

/// All arguments as sets of one type.
fn sets(a: &Args<'_>) -> Got<Vec<Vec<Value>>> {
    let mut types = vec![];
    for i in 0..a.len() {
        types.push(a.unified(i)?.1);
    }
    let Some(ty) = unify(types) else { return bad("the elements of all sets must be of one type") };
    let set = Type::Set(Arc::new(ty));
    (0..a.len()).map(|i| convert(a.value(i), &set).map(|v| v.items().to_vec()).map_err(|e| Bad::Arg(i, e.to_string()))).collect()
}

fn product(a: &Args<'_>) -> Outcome {
    if a.len() < 2 {
        return bad("at least two collections are required");
    }
    let mut made: Vec<Vec<Value>> = vec![vec![]];
    let mut all_sets = true;
    for i in 0..a.len() {
        all_sets &= matches!(a.value(i), Value::Set(_));
        let items = a.items(i)?;
        if made.len().saturating_mul(items.len()) > 1_000_000 {
            return bad("more than a million elements would be made");
        }
        made = made.iter().flat_map(|have| items.iter().map(move |v| have.iter().cloned().chain([v.clone()]).collect())).collect();
    }
    let tuples = made.into_iter().map(|t| Value::Tuple(t.into()));
    Ok(if all_sets { Value::set(tuples) } else { Value::list(tuples) })
}
