//! What a plan's JSON says of the stack.

use serde_json::{Map, Value as Json, json};

use crate::registry::REGISTRY;
use crate::show::json::{Block as Told, Configuration};
use crate::stack::{Block, Expr, Module, Reference, Target};
use crate::words::schema::Attr;
use crate::words::{Address, Mode};

/// What the stack says, as the plan's JSON has it.
pub(super) fn configuration(module: &Module) -> Configuration {
    let block = |b: &Block| {
        let attrs = match b.address.mode {
            Mode::Managed => REGISTRY.resource(&b.address.kind).map_or(&[][..], |t| t.attrs()),
            Mode::Data => REGISTRY.data(&b.address.kind).map_or(&[][..], |t| t.attrs()),
        };
        let told = Told {
            expressions: expressions(&b.body, attrs),
            count: b.count.as_ref().map(expression),
            for_each: b.for_each.as_ref().map(expression),
            depends_on: b.depends_on.iter().filter_map(|r| names(r).pop()).collect(),
            provider: b
                .provider
                .as_ref()
                .map(|(name, alias)| alias.as_ref().map_or_else(|| name.to_string(), |alias| format!("{name}.{alias}"))),
        };
        (b.address.clone(), told)
    };
    let output = |(name, o): (&std::sync::Arc<str>, &crate::stack::Output)| {
        let mut told = json!({ "expression": expression(&o.value) });
        if o.sensitive {
            told["sensitive"] = true.into();
        }
        if let Some(text) = &o.description {
            told["description"] = text.clone().into();
        }
        if !o.depends_on.is_empty() {
            told["depends_on"] = o.depends_on.iter().filter_map(|r| names(r).pop()).collect();
        }
        (name.to_string(), told)
    };
    let variable = |(name, v): (&std::sync::Arc<str>, &crate::stack::Variable)| {
        let mut told = Map::new();
        if let Some(default) = v.default.as_ref().filter(|_| !v.sensitive) {
            told.insert("default".into(), default.to_json());
        }
        if let Some(text) = &v.description {
            told.insert("description".into(), text.clone().into());
        }
        if v.sensitive {
            told.insert("sensitive".into(), true.into());
        }
        (name.to_string(), Json::Object(told))
    };
    let provider = |p: &crate::stack::ProviderBlock| {
        let key = p.alias.as_ref().map_or_else(|| p.name.to_string(), |alias| format!("{}.{alias}", p.name));
        let attrs = REGISTRY.provider(&p.name).map_or(&[][..], |known| known.attrs());
        (key, expressions(&p.body, attrs))
    };
    let call = |(name, c): (&std::sync::Arc<str>, &crate::stack::Call)| {
        let mut told = Map::from_iter([("source".to_owned(), Json::from(&*c.source))]);
        let inputs = expressions(&c.inputs, &[]);
        if !inputs.is_empty() {
            told.insert("expressions".into(), Json::Object(inputs));
        }
        for (word, expr) in [("count_expression", &c.count), ("for_each_expression", &c.for_each)] {
            if let Some(expr) = expr {
                told.insert(word.into(), expression(expr));
            }
        }
        if !c.depends_on.is_empty() {
            told.insert("depends_on".into(), c.depends_on.iter().filter_map(|r| names(r).pop()).collect());
        }
        (name.to_string(), (told, configuration(&c.module)))
    };
    Configuration {
        calls: module.calls.iter().map(call).collect(),
        blocks: module.resources.iter().map(block).collect(),
        outputs: module.outputs.iter().map(output).collect(),
        variables: module.variables.iter().map(variable).collect(),
        providers: module.providers.iter().map(provider).collect(),
    }
}

/// The expressions of a body; nested blocks are lists of bodies.
fn expressions(body: &Expr, attrs: &[Attr]) -> Map<String, Json> {
    let mut map = Map::new();
    for (name, _, value) in body.entries().into_iter().flatten() {
        let nested = attrs.iter().find(|a| a.name == name).and_then(Attr::block);
        let told = match (nested, value.elements()) {
            (Some(attrs), Some(all)) => all.iter().map(|one| Json::Object(expressions(one, attrs))).collect(),
            (Some(attrs), None) if value.entries().is_some() => json!([expressions(value, attrs)]),
            _ => expression(value),
        };
        map.insert(name.to_owned(), told);
    }
    map
}

/// A constant, or what it refers to.
fn expression(expr: &Expr) -> Json {
    if let Some(value) = expr.constant() {
        return json!({ "constant_value": value.to_json() });
    }
    let all = expr.reference_paths();
    if all.is_empty() { json!({}) } else { json!({ "references": all }) }
}

/// What a reference is called, the most exact first: `aws_eip.a[0].id`, `aws_eip.a[0]`, `aws_eip.a`.
fn names(reference: &Reference) -> Vec<String> {
    let address = match &reference.target {
        Target::Variable(name) => return vec![format!("var.{name}")],
        Target::Local(name) => return vec![format!("local.{name}")],
        Target::Module(name) => {
            let module = format!("module.{name}");
            let instance = reference.key.as_ref().map(|key| format!("{module}{key}"));
            let of = instance.clone().unwrap_or_else(|| module.clone());
            // Of a splat Terraform names no attribute, and of an instance not the module.
            let splat = reference.indexed && reference.key.is_none();
            let output = reference.attribute.as_ref().filter(|_| !splat).map(|name| format!("{of}.{name}"));
            return output.into_iter().chain([instance.unwrap_or(module)]).collect();
        }
        Target::Each => return vec![format!("each.{}", reference.attribute.as_deref().unwrap_or("value"))],
        Target::Count => return vec!["count.index".into()],
        Target::SelfRef | Target::Path | Target::Terraform => return vec![],
        Target::Resource { mode, kind, name } => Address { mode: *mode, ..Address::managed(kind.clone(), name.clone()) },
    };
    let instance = address.with_key(reference.key.clone());
    let attribute = reference.attribute.as_ref().map(|name| format!("{instance}.{name}"));
    let mut names: Vec<String> = attribute.into_iter().chain([instance.to_string(), address.to_string()]).collect();
    names.dedup();
    names
}
