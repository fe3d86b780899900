//! What an instance will be: from its configuration, from what there is, and from what its type says.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::same::{differing, forces, same_attr};
use crate::words::resource::{Planned, Problem, ResourceType, Tags};
use crate::words::schema::{Attr, Kind};
use crate::words::value::{Object, Type, Value};

/// What an instance will be, and what of it differs from what there is.
#[derive(Clone, Debug)]
pub struct Diff {
    /// All attributes; what only apply will tell is unknown.
    pub after: Value,
    /// The attributes that differ.
    pub changed: Vec<String>,
    /// Of these, those whose change forces replacement.
    pub replace: Vec<String>,
    /// Whether one of those that differ is the configuration's to set: otherwise there is nothing to do.
    pub acts: bool,
    /// What can't be changed so.
    pub problems: Vec<Problem>,
}

/// Compares a configuration (as `conform` gives it) with what there is.
#[must_use]
pub fn diff(ty: &dyn ResourceType, config: &Value, prior: Option<&Value>, default_tags: &Tags) -> Diff {
    filled_diff(ty, config, prior, prior, default_tags)
}

/// The same where what the configuration is silent about is to be as in `silent`, and not as it is.
#[must_use]
pub fn filled_diff(ty: &dyn ResourceType, config: &Value, prior: Option<&Value>, silent: Option<&Value>, default_tags: &Tags) -> Diff {
    let attrs = ty.attrs();
    let mut after = with_tags_all(attrs, complete(attrs, config, silent, default_tags), config, default_tags);
    let Some(before) = prior else {
        let mut planned = Planned::new(None, &mut after, &[]);
        ty.plan(&mut planned);
        let changed = differing(attrs, &Value::Null, &after);
        return Diff { after, changed, replace: vec![], acts: true, problems: vec![] };
    };
    let changed = differing(attrs, before, &after);
    let mut planned = Planned::new(Some(before), &mut after, &changed);
    ty.plan(&mut planned);
    let (asked, kept, problems) = (planned.replace, planned.keep, planned.problems);
    let mut replace: Vec<String> = attrs
        .iter()
        .filter(|a| !a.computed && !kept.iter().any(|k| k == a.name) && forces(a, before.attr(a.name), after.attr(a.name)))
        .map(|a| a.name.to_owned())
        .collect();
    replace.extend(asked.into_iter().filter(|name| !kept.contains(name)));
    replace.dedup();
    let changed = differing(attrs, before, &after);
    let acts = !replace.is_empty() || attrs.iter().any(|a| !a.computed && changed.iter().any(|name| name == a.name));
    Diff { after, changed, replace, acts, problems }
}

/// The configuration with everything filled in that it leaves to the cloud: from what there is, or unknown.
fn complete(attrs: &[Attr], config: &Value, prior: Option<&Value>, default_tags: &Tags) -> Value {
    let filled = attrs.iter().map(|attr| {
        let prior = prior.map(|p| p.attr(attr.name));
        (Arc::from(attr.name), fill(attr, config.attr(attr.name), prior, default_tags))
    });
    Value::Object(Arc::new(filled.collect::<Object>()))
}

fn fill(attr: &Attr, config: &Value, prior: Option<&Value>, default_tags: &Tags) -> Value {
    // Nothing is no secret: the state knows no mark on it either.
    let marked = |value: Value| if value.is_null() { value.shown().clone() } else { value.sensitive_if(attr.sensitive) };
    let silent = config.is_null() || (attr.block().is_some() && config.items().is_empty() && !config.is_unknown());
    if attr.write_only {
        return Value::Null;
    }
    if attr.computed || (attr.chosen && silent) {
        return marked(prior.cloned().unwrap_or_else(|| Value::Unknown(Arc::new(type_of(&attr.kind)))));
    }
    if let (Some(nested), false) = (attr.block(), config.is_unknown()) {
        return fill_blocks(attr, nested, config, prior, default_tags);
    }
    match prior {
        // What means the same stays as the state spells it.
        Some(prior) if same_attr(attr, config, prior) => {
            marked(prior.bare_deep().sensitive_if(config.is_sensitive() || prior.is_sensitive()))
        }
        _ => marked(config.clone()),
    }
}

fn fill_blocks(attr: &Attr, nested: &'static [Attr], config: &Value, prior: Option<&Value>, default_tags: &Tags) -> Value {
    let before = prior.map(Value::items).unwrap_or_default();
    let filled = config.items().iter().enumerate().map(|(i, block)| {
        let twin = if matches!(attr.kind, Kind::Set(_)) { before.iter().find(|b| agrees(nested, block, b)) } else { before.get(i) };
        let filled = complete(nested, block, twin, default_tags);
        // The tags of a volume that an instance was made with: all of them change along with its own.
        match twin {
            Some(before) if nested.iter().any(|a| a.name == "tags" && !same_attr(a, block.attr("tags"), before.attr("tags"))) => {
                with_tags_all(nested, filled, block, default_tags)
            }
            _ => filled,
        }
    });
    match attr.kind {
        Kind::Set(_) => Value::set(filled),
        Kind::Object(_) => filled.into_iter().next().unwrap_or(Value::Null),
        _ => Value::list(filled),
    }
}

/// Whether a block of the configuration is that block of the state, as far as the configuration says anything.
fn agrees(nested: &[Attr], config: &Value, before: &Value) -> bool {
    let told = nested.iter().filter(|a| !a.computed && !(a.chosen && config.attr(a.name).is_empty()));
    told.into_iter().all(|a| same_attr(a, config.attr(a.name), before.attr(a.name)))
}

/// `tags_all`: the default tags, over them the resource's own. Unknown only in the keys that are.
fn with_tags_all(attrs: &[Attr], after: Value, config: &Value, default_tags: &Tags) -> Value {
    let has = |name: &str| attrs.iter().any(|a| a.name == name);
    if !has("tags") || !has("tags_all") {
        return after;
    }
    let tags = config.attr("tags");
    if tags.is_unknown() {
        return after.with("tags_all", Value::Unknown(Arc::new(Type::Map(Arc::new(Type::String)))));
    }
    let mut all: Object = default_tags.iter().map(|(k, v)| (k.as_str().into(), Value::from(v.as_str()))).collect();
    all.extend(tags.entries().cloned().unwrap_or_default());
    after.with("tags_all", Value::Map(Arc::new(all)).sensitive_if(tags.is_sensitive()))
}

/// What a read answered, as the state should hold it: what means the same keeps its spelling, what the cloud knows nothing of
/// keeps its value, and `tags` are told from default tags.
#[must_use]
pub fn settle(attrs: &[Attr], live: &Value, known: &Value, default_tags: &Tags) -> Value {
    let settled = attrs.iter().map(|attr| {
        let (read, held) = (live.attr(attr.name), known.attr(attr.name));
        let value = match attr.name {
            "tags" => tags(live.attr("tags_all"), held, known.attr("tags_all"), default_tags),
            _ if attr.write_only => Value::Null,
            _ if attr.local => held.clone(),
            _ => settle_attr(attr, read, held),
        };
        let secret = attr.sensitive || held.is_sensitive();
        (Arc::from(attr.name), if value.is_null() { value } else { value.sensitive_if(secret) })
    });
    Value::Object(Arc::new(settled.collect::<Object>()))
}

fn settle_attr(attr: &Attr, read: &Value, held: &Value) -> Value {
    if !held.is_null() && same_attr(attr, read, held) {
        return held.clone();
    }
    match (attr.block(), attr.kind) {
        (Some(nested), Kind::List(_)) => {
            let items = read.items().iter().enumerate();
            Value::list(items.map(|(i, block)| settle_block(nested, block, held.items().get(i).unwrap_or(&Value::Null))))
        }
        _ => read.clone(),
    }
}

fn settle_block(nested: &[Attr], read: &Value, held: &Value) -> Value {
    let settled = nested.iter().map(|attr| {
        let (read, held) = (read.attr(attr.name), held.attr(attr.name));
        (Arc::from(attr.name), if attr.local { held.clone() } else { settle_attr(attr, read, held) })
    });
    Value::Object(Arc::new(settled.collect::<Object>()))
}

/// The resource's own tags among all that it has: a default tag is its own only if it says so itself, and one that was there
/// before without being its own came from the default tags of then.
fn tags(all: &Value, held: &Value, all_held: &Value, default_tags: &Tags) -> Value {
    let own: BTreeMap<_, _> = all
        .entries()
        .into_iter()
        .flatten()
        .filter(|(key, value)| {
            let default = default_tags.get(key.as_ref()).map(String::as_str);
            let former = all_held.get(key).and_then(Value::as_str);
            held.get(key).is_some() || (default != value.as_str() && former != value.as_str())
        })
        .map(|(key, value)| (key.clone(), value.clone().sensitive_if(held.attr(key).is_sensitive())))
        .collect();
    if own.is_empty() && held.is_null() { Value::Null } else { Value::Map(Arc::new(own)) }
}

/// The same with defaults for what is local and not known of: the cloud can't tell, and a state of another program may lack it.
#[must_use]
pub fn with_local_defaults(attrs: &[Attr], value: Value) -> Value {
    let lacking = attrs.iter().filter(|a| a.local).filter_map(|a| Some((a.name, a.default_value()?)));
    lacking.fold(value, |value, (name, default)| if value.attr(name).is_null() { value.with(name, default) } else { value })
}

/// The attributes in the form in which the state holds them: of some texts only a hash.
#[must_use]
pub fn stored(attrs: &[Attr], value: Value) -> Value {
    let texts = attrs.iter().filter_map(|attr| match attr.kind {
        Kind::Text(format) => Some((attr.name, format.stored?)),
        _ => None,
    });
    texts.fold(value, |value, (name, form)| {
        let attr = value.attr(name);
        let Some(text) = attr.as_str().map(form) else { return value };
        let held = Value::from(text).sensitive_if(attr.is_sensitive());
        value.with(name, held)
    })
}

/// The type that a value of that shape has.
#[must_use]
pub fn type_of(kind: &Kind) -> Type {
    match kind {
        Kind::Bool => Type::Bool,
        Kind::Int | Kind::Number => Type::Number,
        Kind::Text(_) => Type::String,
        Kind::List(of) => Type::List(Arc::new(type_of(of))),
        Kind::Set(of) => Type::Set(Arc::new(type_of(of))),
        Kind::Map(of) => Type::Map(Arc::new(type_of(of))),
        Kind::Object(attrs) => Type::Object(attrs.iter().map(|a| (a.name.into(), (type_of(&a.kind), false))).collect()),
        Kind::Any => Type::Any,
    }
}
