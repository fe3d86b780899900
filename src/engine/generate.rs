//! What a block would say of something that exists: for imports without one.

use std::sync::Arc;

use super::diff::diff;
use super::plan::Generated;
use super::planner::Request;
use super::providers::Providers;
use crate::stack::{self, ConfigRef, Expr};
use crate::words::resource::ResourceType;
use crate::words::schema::{Attr, Kind};
use crate::words::{Address, Object, Result, Source, Span, Value};

/// The block for what was read as `now`: the arguments that can be given and say something, so that nothing is to be done with them.
pub(super) fn block(
    request: &Request<'_>,
    providers: &Providers<'_>,
    address: Address,
    id: String,
    provider: Option<ConfigRef>,
    now: &Value,
) -> Result<Generated> {
    let mut made = Generated { address, id, provider, arguments: Value::Null, hidden: vec![] };
    let Some(ty) = request.registry.resource(&made.address.kind) else { return Ok(made) };
    let config = providers.of_type(&made.address.module, &made.address.kind, made.provider.as_ref(), None)?;
    let tags = providers.get(&config).map(|cloud| cloud.default_tags().clone()).unwrap_or_default();
    let mut given = arguments(ty.attrs(), now, "", &mut made.hidden);
    // What contradicts the rest, or would be changed by being written out, was chosen by the cloud: it is left to it.
    for _ in 0..ty.attrs().len() {
        let unwanted = contradicting(ty, &given).or_else(|| {
            let config = conformed(ty, &given)?;
            let adopted = ty.adopt(now.clone(), &config);
            let planned = diff(ty, &config, Some(&adopted), &tags);
            let changed = if planned.acts { planned.changed } else { vec![] };
            changed.into_iter().find(|name| droppable(ty, name) && given.contains_key(name.as_str()))
        });
        let Some(name) = unwanted else { break };
        given.remove(name.as_str());
    }
    made.arguments = Value::Object(Arc::new(given));
    Ok(made)
}

/// The attributes that a configuration can set, where they say something that isn't said by silence.
fn arguments(attrs: &[Attr], now: &Value, path: &str, hidden: &mut Vec<String>) -> Object {
    let mut made = Object::new();
    for attr in attrs.iter().filter(|a| !a.computed && a.name != "tags_all" && (a.required || a.deprecated.is_empty())) {
        let value = now.attr(attr.name);
        let below = if path.is_empty() { attr.name.to_owned() } else { format!("{path}.{}", attr.name) };
        let silent = match attr.default_value() {
            Some(default) => value.is_empty() || default == *value.bare(),
            None => value.is_empty() || value.as_bool() == Some(false) || value.as_number().is_some_and(|n| n.as_i64() == Some(0)),
        };
        // What nobody can ask for is only told.
        let silent = silent || (!attr.one_of.is_empty() && value.as_str().is_some_and(|text| !attr.one_of.contains(&text)));
        let excluded =
            attrs.iter().any(|o| made.contains_key(o.name) && (o.conflicts.contains(&attr.name) || attr.conflicts.contains(&o.name)));
        if (silent && !attr.required) || excluded {
            continue;
        }
        let hashed =
            matches!(attr.kind, Kind::Text(format) if format.stored.is_some_and(|form| value.as_str().is_some_and(|t| form(t) == t)));
        if attr.sensitive || attr.write_only || value.has_sensitive() || hashed {
            hidden.push(below);
            continue;
        }
        let value = match (attr.block(), value.bare()) {
            (Some(inner), Value::List(items) | Value::Set(items) | Value::Tuple(items)) => {
                let blocks = items.iter().map(|item| Value::Object(Arc::new(arguments(inner, item, &below, hidden))));
                Value::Tuple(Arc::new(blocks.collect()))
            }
            (Some(inner), one @ (Value::Object(_) | Value::Map(_))) => Value::Object(Arc::new(arguments(inner, one, &below, hidden))),
            (_, value) => value.clone(),
        };
        let nothing = value.items().iter().all(|block| block.entries().is_some_and(|given| given.is_empty()));
        if attr.chosen && attr.block().is_some() && nothing {
            continue;
        }
        made.insert(attr.name.into(), value);
    }
    made
}

fn droppable(ty: &dyn ResourceType, name: &str) -> bool {
    ty.attrs().iter().any(|attr| attr.name == name && !attr.required)
}

/// An argument that the type's own check complains of.
fn contradicting(ty: &dyn ResourceType, given: &Object) -> Option<String> {
    let config = conformed(ty, given)?;
    let mut blamed = ty.check(&config).into_iter().filter_map(|problem| problem.path.split('.').next().map(str::to_owned));
    blamed.find(|name| droppable(ty, name) && given.contains_key(name.as_str()))
}

/// The arguments as the type has them; none where they are wrong, which whoever plans with them is told.
fn conformed(ty: &dyn ResourceType, given: &Object) -> Option<Value> {
    let nowhere = Span::new(&Source::new("", ""), 0..0);
    let value = Value::Object(Arc::new(given.clone()));
    stack::conform(ty.attrs(), &value, &Expr::literal(value.clone(), &nowhere), ty.name()).ok()
}
