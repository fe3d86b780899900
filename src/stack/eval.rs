//! Evaluation: an expression and a scope make a value. Unknown and sensitive parts go where Terraform lets them go.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::convert::{self, kind_of};
use super::expr::{Call, Expr, For, Node, Target};
use super::functions;
use super::ops;
use super::render;
use super::scope::Scope;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Marks, Object, Result, Type, Value};

/// The variables of the `for`s around, innermost first.
#[derive(Clone, Copy)]
pub(super) struct Locals<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a Value,
    pub(super) next: Option<&'a Locals<'a>>,
}

/// Where an evaluation stands.
#[derive(Clone, Copy)]
pub(super) struct Cx<'a> {
    pub(super) scope: &'a dyn Scope,
    pub(super) locals: Option<&'a Locals<'a>>,
    /// What a template file is given.
    pub(super) given: Option<&'a Object>,
    /// Template files around this one.
    pub(super) depth: usize,
}

impl Expr {
    /// The value of the expression in that scope.
    pub fn eval(&self, scope: &dyn Scope) -> Result<Value> {
        self.eval_typed(scope).map(Value::plain)
    }

    /// The same with the types of what is null or empty, for what other expressions are made of.
    pub fn eval_typed(&self, scope: &dyn Scope) -> Result<Value> {
        self.value(&Cx { scope, locals: None, given: None, depth: 0 })
    }

    /// An error at the place of this expression.
    pub(super) fn wrong<T>(&self, summary: impl Into<String>, label: impl Into<String>) -> Result<T> {
        Err(Diagnostic::error(summary).at(&self.span, label).into())
    }

    pub(super) fn value(&self, cx: &Cx<'_>) -> Result<Value> {
        match &self.node {
            Node::Literal(value) => Ok(value.clone()),
            Node::Tuple(items) => Ok(Value::Tuple(Arc::new(all(items.iter().map(|e| e.value(cx)))?))),
            Node::Object(items) => object(items, cx),
            Node::Template(parts) => render::template(parts, cx),
            Node::Local(name) => self.local(name, cx),
            Node::Root(target) => self.root(target, cx),
            Node::Resource(r) => self.resource(r, cx),
            Node::Module(m) => self.module(m, None, cx),
            Node::Attr(of, name) => match &of.node {
                Node::Root(Target::Each) if &**name == "key" => cx.scope.each_key().map_or_else(|| self.no_each(), Ok),
                Node::Module(m) => attr(&of.module(m, Some(name), cx)?, name, self),
                _ => attr(&of.value(cx)?, name, self),
            },
            Node::Index(of, index) => element(&of.value(cx)?, &index.value(cx)?, of, index),
            Node::Splat { source, each } => splat(source, each, cx),
            Node::Unary(operator, of) => ops::unary(*operator, &of.value(cx)?, of),
            Node::Binary(operator, at, sides) => ops::binary(*operator, at, sides, cx),
            Node::Cond(three) => cond(three, cx),
            Node::Call(call) => self.call(call, cx),
            Node::For(f) => for_expr(f, cx),
            Node::Wrong(error) => Err(error.as_ref().clone().into()),
        }
    }

    fn local(&self, name: &str, cx: &Cx<'_>) -> Result<Value> {
        let mut at = cx.locals;
        while let Some(local) = at {
            if local.name == name {
                return Ok(local.value.clone());
            }
            at = local.next;
        }
        if let Some(value) = cx.given.and_then(|given| given.get(name)) {
            return Ok(value.clone());
        }
        let given = cx.given.into_iter().flat_map(|given| given.keys().map(|k| &**k));
        let near =
            nearest(name, given).map_or_else(|| "not among the values given to it".to_owned(), |near| format!("did you mean `{near}`?"));
        self.wrong(format!("the template uses `{name}`, which is not given to it"), near)
    }

    fn root(&self, target: &Target, cx: &Cx<'_>) -> Result<Value> {
        let scope = cx.scope;
        let placed = |value: Result<Value>| value.map_err(|e| at_least_here(e, self));
        match target {
            Target::Variable(name) => match scope.variable(name) {
                Some(value) => placed(value),
                None => self.wrong(format!("there is no variable `{name}`"), "refers to nothing"),
            },
            Target::Local(name) => match scope.local(name) {
                Some(value) => placed(value),
                None => self.wrong(format!("there is no local value `{name}`"), "refers to nothing"),
            },
            Target::Module(name) => placed(scope.module(name, None, None)),
            Target::Resource { mode, kind, name } => placed(scope.resource(*mode, kind, name, None)),
            Target::Each => match (scope.each_key(), scope.each_value()) {
                (Some(key), Some(value)) => Ok(Value::object([("key", key), ("value", placed(value)?)])),
                _ => self.no_each(),
            },
            Target::Count => match scope.count_index() {
                Some(index) => Ok(Value::object([("index", Value::from(i64::try_from(index).unwrap_or(i64::MAX)))])),
                None => self.wrong("`count` has a meaning only in a block with `count`", "no `count` here"),
            },
            Target::SelfRef => match scope.self_value() {
                Some(value) => placed(value),
                None => self.wrong("`self` has a meaning only in a postcondition", "can't be used here"),
            },
            Target::Path => Ok(Value::object([
                ("module", Value::from(scope.module_path())),
                ("root", Value::from(scope.root_path())),
                ("cwd", Value::from(scope.cwd())),
            ])),
            Target::Terraform => Ok(Value::object([
                ("workspace", Value::from(scope.workspace())),
                ("applying", Value::Bool(scope.applies()).marked(Marks::EPHEMERAL)),
            ])),
        }
    }

    fn call(&self, call: &Call, cx: &Cx<'_>) -> Result<Value> {
        match call.function.name {
            "try" => return try_each(call, cx, self),
            "can" => return Ok(can(&call.args, cx)),
            "templatestring" if !call.args.first().is_none_or(Self::is_reference) => {
                let error = Diagnostic::error("`templatestring` renders a text that is kept somewhere else: it takes a reference to it");
                let error = error.at(call.args[0].span(), "no reference");
                return Err(error.help("write the template itself as a text with `${...}` in it").into());
            }
            _ => {}
        }
        let mut args = Vec::with_capacity(call.args.len());
        for (i, arg) in call.args.iter().enumerate() {
            let value = arg.value(cx)?;
            if !(call.expand && i + 1 == call.args.len()) {
                args.push((value, &arg.span));
                continue;
            }
            let marked = value.marks();
            match value.bare() {
                Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
                    args.extend(items.iter().map(|v| (v.clone().marked(marked), &arg.span)));
                }
                Value::Unknown(_) => return Ok(Value::unknown().marked(marked)),
                other => return arg.wrong(format!("only a list can be expanded with `...`, and this is {}", kind_of(other)), "not a list"),
            }
        }
        functions::call(call.function, &args, &call.name, &self.span, cx)
    }
}

pub(super) fn at_least_here(mut errors: crate::words::Diagnostics, e: &Expr) -> crate::words::Diagnostics {
    for error in &mut errors.0 {
        if error.label.is_none() {
            error.label = Some((e.span.clone(), String::new()));
        }
    }
    errors
}

/// All of them, or all that is wrong with any.
fn all(values: impl Iterator<Item = Result<Value>>) -> Result<Vec<Value>> {
    let mut errors = crate::words::Diagnostics::default();
    let values = values.filter_map(|v| errors.keep(v)).collect();
    errors.unless_errors(values)
}

fn object(items: &[(Expr, Expr)], cx: &Cx<'_>) -> Result<Value> {
    let mut errors = crate::words::Diagnostics::default();
    let mut made = BTreeMap::new();
    let (mut unknown, mut marked) = (false, Marks::default());
    for (key, value) in items {
        let (Some(name), Some(value)) = (errors.keep(key.value(cx)), errors.keep(value.value(cx))) else { continue };
        marked |= name.marks();
        match name.bare() {
            Value::String(name) => drop(made.insert(name.clone(), value)),
            Value::Unknown(_) => unknown = true,
            Value::Null => errors.push(Diagnostic::error("a key can't be null").at(&key.span, "null")),
            other => match convert::text(other) {
                Ok(name) => drop(made.insert(name, value)),
                Err(e) => errors.push(Diagnostic::error(format!("this can't be a key: {e}")).at(&key.span, kind_of(other))),
            },
        }
    }
    let value = if unknown { Value::unknown() } else { Value::Object(Arc::new(made)) };
    errors.unless_errors(value.marked(marked))
}

/// `of.name`.
pub(super) fn attr(of: &Value, name: &str, at: &Expr) -> Result<Value> {
    match of {
        Value::Marked(marks, inner) => attr(inner, name, at).map(|v| v.marked(*marks)),
        Value::Typed(inner) => attr(&inner.1, name, at),
        Value::Object(items) | Value::Map(items) => match items.get(name) {
            Some(value) => Ok(value.clone()),
            None => no_attr(items.keys().map(|k| &**k), name, at),
        },
        Value::Unknown(ty) => match ty.as_ref() {
            Type::Any => Ok(Value::unknown()),
            Type::Map(of) => Ok(Value::Unknown(of.clone())),
            Type::Object(attrs) => match attrs.get(name) {
                Some((ty, _)) => Ok(Value::Unknown(Arc::new(ty.clone()))),
                None => no_attr(attrs.keys().map(|k| &**k), name, at),
            },
            _ => at.wrong(format!("{} has no attributes", kind_of(of)), format!("`{name}` can't be asked of it")),
        },
        Value::Null => at.wrong(format!("null has no attribute `{name}`"), "this value is null"),
        Value::List(items) | Value::Tuple(items) | Value::Set(items) => {
            let set = matches!(of, Value::Set(_));
            let each = items.iter().any(|v| v.get(name).is_some()) && !set;
            let error = Diagnostic::error(format!("{} has no attribute `{name}`", kind_of(of)));
            let help = if each {
                format!("ask one element (`[0].{name}`) or all of them (`[*].{name}`)")
            } else {
                "choose an element first, or use a `for` expression".into()
            };
            Err(error.at(&at.span, "a collection").help(help).into())
        }
        _ => at.wrong(format!("{} has no attributes", kind_of(of)), format!("`{name}` can't be asked of it")),
    }
}

fn no_attr<'a>(known: impl Iterator<Item = &'a str>, name: &str, at: &Expr) -> Result<Value> {
    let known: Vec<&str> = known.collect();
    let near = nearest(name, known.iter().copied());
    let error = Diagnostic::error(format!("there is no attribute `{name}` in this object"));
    let error = error.at(&at.span, near.map_or_else(|| "no such attribute".into(), |near| format!("did you mean `{near}`?")));
    let few = known.len() <= 12 && !known.is_empty() && near.is_none();
    Err(if few { error.help(format!("it has: {}", known.join(", "))) } else { error }.into())
}

/// `of[index]`.
pub(super) fn element(of: &Value, index: &Value, of_expr: &Expr, index_expr: &Expr) -> Result<Value> {
    if of.is_sensitive() || index.is_sensitive() {
        let marks = of.marks() | index.marks();
        return element(of.shown(), index.shown(), of_expr, index_expr).map(|v| v.marked(marks));
    }
    if let Value::Typed(inner) = of {
        return element(&inner.1, index, of_expr, index_expr);
    }
    if index.is_null() {
        return index_expr.wrong("an index can't be null", "null");
    }
    match of {
        Value::List(items) | Value::Tuple(items) => {
            if index.is_unknown() {
                return Ok(match of.type_of() {
                    Type::List(ty) => Value::Unknown(ty),
                    _ => Value::unknown(),
                });
            }
            let Ok(n) = convert::numeric(index) else {
                return index_expr.wrong(format!("{} is indexed by a number", kind_of(of)), format!("this is {}", kind_of(index)));
            };
            let found = n.as_i64().and_then(|n| usize::try_from(n).ok()).and_then(|n| items.get(n));
            found.cloned().map_or_else(
                || index_expr.wrong(format!("there is no element {n}"), format!("the collection has {} elements", items.len())),
                Ok,
            )
        }
        Value::Map(items) | Value::Object(items) => {
            if index.is_unknown() {
                return Ok(Value::unknown());
            }
            let Ok(name) = convert::text(index) else {
                return index_expr.wrong(format!("{} is indexed by a string", kind_of(of)), format!("this is {}", kind_of(index)));
            };
            match items.get(&name) {
                Some(value) => Ok(value.clone()),
                None => no_attr(items.keys().map(|k| &**k), &name, index_expr),
            }
        }
        Value::Unknown(ty) => Ok(match ty.as_ref() {
            Type::List(ty) | Type::Map(ty) => Value::Unknown(ty.clone()),
            _ => Value::unknown(),
        }),
        Value::Set(_) => {
            let error = Diagnostic::error("the elements of a set have no index").at(&of_expr.span, "a set");
            Err(error.help("make a list of it first, `tolist(...)`, or use `one(...)` for the only element").into())
        }
        Value::Null => of_expr.wrong("null can't be indexed", "this value is null"),
        _ => of_expr.wrong(format!("{} can't be indexed", kind_of(of)), kind_of(of)),
    }
}

fn splat(source: &Expr, each: &Expr, cx: &Cx<'_>) -> Result<Value> {
    let of = match (&source.node, each.first_attr()) {
        (Node::Module(m), Some(output)) if m.index.is_none() => {
            cx.scope.module(&m.name, None, Some(output)).map_err(|e| at_least_here(e, source))?
        }
        _ => source.value(cx)?,
    };
    let marked = of.marks();
    let one = |value: &Value| each.value(&Cx { locals: Some(&Locals { name: "*", value, next: cx.locals }), ..*cx });
    let made = match of.bare() {
        Value::Null if matches!(of.type_of(), Type::List(_) | Type::Set(_) | Type::Tuple(_)) => {
            return source.wrong("a splat needs a list, and this one is null", "null");
        }
        Value::Null => Value::Tuple(Arc::default()),
        Value::List(items) | Value::Set(items) => {
            let made = all(items.iter().map(one))?;
            let of = match of.type_of() {
                Type::List(of) | Type::Set(of) if items.is_empty() && *of != Type::Any => one(&Value::Unknown(of))?.type_of(),
                _ => Type::Any,
            };
            // Elements of a set may come out as one type or as several.
            match convert::unify(made.iter().map(Value::type_of)) {
                Some(ty) if made.iter().all(|v| convert::may_be(&v.type_of(), &ty)) => {
                    Value::List(Arc::new(made)).typed(&Type::List(Arc::new(of)))
                }
                _ => Value::Tuple(Arc::new(made)),
            }
        }
        Value::Tuple(items) => Value::Tuple(Arc::new(all(items.iter().map(one))?)),
        Value::Unknown(ty) => match ty.as_ref() {
            Type::List(ty) | Type::Set(ty) => {
                let of = one(&Value::Unknown(ty.clone()))?.type_of();
                Value::Unknown(Arc::new(Type::List(Arc::new(of))))
            }
            Type::Any => Value::unknown(),
            // It can be null, and then there is nothing.
            other => {
                let of = one(&Value::Unknown(Arc::new(other.clone())))?.type_of();
                Value::Unknown(Arc::new(Type::Tuple(vec![of])))
            }
        },
        other => Value::Tuple(Arc::new(vec![one(other)?])),
    };
    Ok(made.marked(marked))
}

fn cond(three: &[Expr; 3], cx: &Cx<'_>) -> Result<Value> {
    let [cond, yes, no] = three;
    let test = cond.value(cx)?;
    let marked = test.marks();
    if test.is_null() {
        return cond.wrong("a condition can't be null", "null");
    }
    let Some(test) = condition(&test, cond)? else {
        // What fails may be the side that isn't taken: nobody can tell yet.
        let (yes_value, no_value) = (yes.value(cx).unwrap_or_else(|_| Value::unknown()), no.value(cx).unwrap_or_else(|_| Value::unknown()));
        let marked = marked | yes_value.marks() | no_value.marks();
        let ty = common(yes, no, &yes_value, &no_value)?;
        // Where both agree, the value doesn't hang on the condition.
        let same = yes_value.is_known() && ops::equal(&yes_value, &no_value) == Some(true);
        let made = if same { convert::convert(yes_value.shown(), &ty).unwrap_or(yes_value) } else { Value::Unknown(Arc::new(ty)) };
        return Ok(made.marked(marked));
    };
    let (chosen_expr, other_expr) = if test { (yes, no) } else { (no, yes) };
    let chosen = chosen_expr.value(cx)?;
    // The other one matters for its type alone, and never where it would ask for a resource that nobody may need.
    if other_expr.asks_others() {
        return Ok(chosen.marked(marked));
    }
    let Ok(other) = other_expr.value(cx) else { return Ok(chosen.marked(marked)) };
    // Which side was taken would tell something of the other.
    let marked = marked | other.marks();
    let ty = if test { common(yes, no, &chosen, &other)? } else { common(yes, no, &other, &chosen)? };
    Ok(convert::convert(&chosen, &ty).unwrap_or(chosen).marked(marked))
}

/// The condition, where it is known.
fn condition(test: &Value, cond: &Expr) -> Result<Option<bool>> {
    match test.bare() {
        Value::Unknown(ty) if convert::can_convert(ty, &Type::Bool) => Ok(None),
        _ => convert::truth(test).map(Some).or_else(|e| cond.wrong(format!("a condition must be true or false: {e}"), kind_of(test))),
    }
}

/// The type of both sides of a conditional.
fn common(yes: &Expr, no: &Expr, yes_value: &Value, no_value: &Value) -> Result<Type> {
    match (yes_value.shown(), no_value.shown()) {
        (Value::Null, other) | (other, Value::Null) => return Ok(other.type_of()),
        _ => {}
    }
    convert::unify([yes_value.type_of(), no_value.type_of()]).map_or_else(|| unlike(yes, no, yes_value, no_value), Ok)
}

fn unlike<T>(yes: &Expr, no: &Expr, yes_value: &Value, no_value: &Value) -> Result<T> {
    let error = Diagnostic::error(format!(
        "both sides of a condition must be of one type: one is {}, the other {}",
        kind_of(yes_value),
        kind_of(no_value)
    ));
    Err(error.at(&crate::words::Span { end: no.span.end, ..yes.span.clone() }, "these have no type in common").into())
}

fn try_each(call: &Call, cx: &Cx<'_>, at: &Expr) -> Result<Value> {
    let mut failed = vec![];
    for arg in &call.args {
        match arg.value(cx) {
            // It could still turn out to fail, and then another one would do.
            Ok(value) if !value.is_known() => return Ok(Value::unknown()),
            Ok(value) => return Ok(value),
            Err(e) => failed.extend(e.0.first().map(|d| d.summary.clone())),
        }
    }
    let mut error = Diagnostic::error("no argument of `try` succeeds").at(&at.span, "each of them fails");
    for why in failed {
        error = error.help(why);
    }
    Err(error.into())
}

fn can(args: &[Expr], cx: &Cx<'_>) -> Value {
    match args.first().map(|arg| arg.value(cx)) {
        Some(Ok(v)) if !v.is_known() => Value::Unknown(Arc::new(Type::Bool)),
        Some(value) => Value::Bool(value.is_ok()),
        None => Value::Bool(false),
    }
}

/// The elements that a `for` goes through, each with its key.
fn entries(of: &Value) -> Option<Vec<(Value, Value)>> {
    match of {
        Value::List(items) | Value::Tuple(items) => {
            Some(items.iter().enumerate().map(|(i, v)| (Value::from(i64::try_from(i).unwrap_or(i64::MAX)), v.clone())).collect())
        }
        Value::Set(items) => Some(items.iter().map(|v| (v.clone(), v.clone())).collect()),
        Value::Map(items) | Value::Object(items) => Some(items.iter().map(|(k, v)| (Value::String(k.clone()), v.clone())).collect()),
        _ => None,
    }
}

/// Calls `each` for every element, with the variables set.
pub(super) fn for_each(
    collection: &Expr,
    of: &Value,
    vars: (Option<&str>, &str),
    cx: &Cx<'_>,
    each: &mut dyn FnMut(&Cx<'_>) -> Result<()>,
) -> Result<()> {
    let Some(entries) = entries(of) else {
        let label = if of.is_null() { "null".to_owned() } else { format!("this is {}", kind_of(of)) };
        return collection.wrong("`for` goes through a list, set, map or object", label);
    };
    for (key, value) in &entries {
        let outer = vars.0.map(|name| Locals { name, value: key, next: cx.locals });
        let inner = Locals { name: vars.1, value, next: outer.as_ref().or(cx.locals) };
        each(&Cx { locals: Some(&inner), ..*cx })?;
    }
    Ok(())
}

/// Calls `see` once with variables of which nothing is known.
pub(super) fn unknowing(vars: (Option<&str>, &str), cx: &Cx<'_>, see: &mut dyn FnMut(&Cx<'_>)) {
    let value = Value::unknown();
    let outer = vars.0.map(|name| Locals { name, value: &value, next: cx.locals });
    let inner = Locals { name: vars.1, value: &value, next: outer.as_ref().or(cx.locals) };
    see(&Cx { locals: Some(&inner), ..*cx });
}

fn for_expr(f: &For, cx: &Cx<'_>) -> Result<Value> {
    let of = f.collection.value(cx)?;
    let mut marked = of.marks();
    if of.is_unknown() {
        // Of what may be in it nothing is known but what that depends on.
        unknowing((f.key_var.as_deref(), &f.value_var), cx, &mut |cx| {
            f.key.iter().chain(&f.cond).chain([&f.value]).for_each(|e| drop(e.value(cx)));
        });
        return Ok(Value::unknown().marked(marked));
    }
    let mut unknown = false;
    let mut list = vec![];
    let mut groups: BTreeMap<Arc<str>, Vec<Value>> = BTreeMap::new();
    for_each(&f.collection, of.bare(), (f.key_var.as_deref(), &f.value_var), cx, &mut |cx| {
        if let Some(cond) = &f.cond {
            let test = cond.value(cx)?;
            marked |= test.marks();
            if test.is_unknown() {
                unknown = true;
                return Ok(());
            }
            let keep = convert::truth(&test).or_else(|e| cond.wrong(format!("a condition must be true or false: {e}"), kind_of(&test)))?;
            if !keep {
                return Ok(());
            }
        }
        let Some(key) = &f.key else {
            list.push(f.value.value(cx)?);
            return Ok(());
        };
        let name = key.value(cx)?;
        marked |= name.marks();
        if name.is_unknown() {
            unknown = true;
            return Ok(());
        }
        let name = convert::text(&name).or_else(|e| key.wrong(format!("this can't be a key: {e}"), kind_of(&name)))?;
        let value = f.value.value(cx)?;
        let group = groups.entry(name.clone()).or_default();
        if !group.is_empty() && !f.grouping {
            let error = Diagnostic::error(format!("two elements have the key \"{name}\"")).at(&key.span, "not unique");
            return Err(error.help("write `...` behind the value to collect the values of each key in a list").into());
        }
        group.push(value);
        Ok(())
    })?;
    let made = if unknown {
        Value::unknown()
    } else if f.key.is_none() {
        Value::Tuple(Arc::new(list))
    } else if f.grouping {
        Value::Object(Arc::new(groups.into_iter().map(|(k, v)| (k, Value::Tuple(Arc::new(v)))).collect()))
    } else {
        Value::Object(Arc::new(groups.into_iter().filter_map(|(k, v)| Some((k, v.into_iter().next()?))).collect()))
    };
    Ok(made.marked(marked))
}
