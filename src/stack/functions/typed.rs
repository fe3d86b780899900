//! Conversions, and functions about values themselves.

use std::sync::Arc;

use super::{Args, Bad, Function, Gives, Needs, Outcome, bad, f};
use crate::stack::convert::{convert, kind_of};
use crate::words::{Marks, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("tostring", &["value"], Gives::Text, |a| to(a, &Type::String)).nulls(),
    f("tonumber", &["value"], Gives::Number, |a| to(a, &Type::Number)).nulls(),
    f("tobool", &["value"], Gives::Bool, |a| to(a, &Type::Bool)).nulls(),
    f("tolist", &["value"], Gives::Any, |a| to(a, &Type::List(Arc::default()))).nulls().marks().needs(Needs::Nothing),
    f("toset", &["value"], Gives::Any, |a| to(a, &Type::Set(Arc::default()))).nulls().marks().needs(Needs::Nothing),
    f("tomap", &["value"], Gives::Any, |a| to(a, &Type::Map(Arc::default()))).nulls().marks().needs(Needs::Nothing),
    f("try", &["expressions..."], Gives::Any, |_| bad("needs an expression")),
    f("can", &["expression"], Gives::Bool, |_| bad("needs an expression")),
    f("sensitive", &["value"], Gives::Any, |a| {
        // What is made of it may be unknown, and tell nobody what must not be told.
        a.cx.scope.files().note_secret(&a.values[0]);
        Ok(a.values[0].clone().sensitive())
    })
    .nulls()
    .marks()
    .needs(Needs::Nothing),
    f("nonsensitive", &["value"], Gives::Any, |a| {
        Ok(a.values[0].shown().clone().marked(Marks { sensitive: false, ..a.values[0].marks() }))
    })
    .nulls()
    .marks()
    .needs(Needs::Nothing),
    f("issensitive", &["value"], Gives::Bool, |a| {
        let marked = a.values[0].marks().sensitive;
        Ok(if marked || !a.values[0].is_unknown() { Value::Bool(marked) } else { Value::Unknown(Arc::new(Type::Bool)) })
    })
    .nulls()
    .marks()
    .needs(Needs::Nothing),
    f("ephemeralasnull", &["value"], Gives::Any, |a| Ok(a.values[0].without_ephemeral())).nulls().marks().needs(Needs::Nothing),
    f("type", &["value"], Gives::Text, |_| bad("it works at the console alone, as the outermost function")).nulls().needs(Needs::Nothing),
];

fn to(a: &Args<'_>, ty: &Type) -> Outcome {
    let value = &a.values[0];
    convert(value, ty).map_err(|e| {
        let shown = if value.is_sensitive() { "(sensitive)" } else { kind_of(value) };
        Bad::Arg(0, format!("can't make {} of {shown}: {e}", crate::stack::convert::a_type(ty)))
    })
}
