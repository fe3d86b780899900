//! The registry held against the schema of Terraform's AWS provider: the same names, types, flags and nesting, or a reason why not.

use std::collections::{BTreeMap, BTreeSet};

use ferroform::registry::REGISTRY;
use ferroform::words::schema::{Attr, Kind};
use serde_json::{Value as Json, json};

mod exceptions;

use exceptions::{CONFIG, DATA, Exception, RESOURCES};

/// What the provider says of itself, one type a line.
fn provider() -> Json {
    let text = include_str!("fixtures/terraform-aws-5.100.0.json");
    serde_json::from_str(text).unwrap()
}

/// The differences between ours and the provider's, by path.
#[derive(Default)]
struct Compared {
    /// How many attributes and blocks the provider has.
    of: usize,
    /// What differs where.
    differences: BTreeMap<String, String>,
}

impl Compared {
    fn differs(&mut self, path: &str, what: impl Into<String>) {
        self.differences.insert(path.to_owned(), what.into());
    }

    /// Attributes and blocks of one object.
    fn object(&mut self, path: &str, ours: &[Attr], theirs: &Json) {
        let at = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        let empty = serde_json::Map::new();
        let attributes = theirs["attributes"].as_object().unwrap_or(&empty);
        let blocks = theirs["blocks"].as_object().unwrap_or(&empty);
        let top = path.is_empty();
        for (name, attribute) in attributes.iter().filter(|(name, _)| !(top && *name == "id")) {
            self.of += 1;
            match ours.iter().find(|a| a.name == name) {
                None => self.differs(&at(name), "is missing"),
                Some(attr) if attr.block().is_some() => self.differs(&at(name), "is a block, and an attribute at the provider"),
                Some(attr) => {
                    let ours = (type_of(&attr.kind), flags(attr));
                    let theirs = (attribute["type"].clone(), attribute["flags"].as_str().unwrap().to_owned());
                    if ours != theirs {
                        self.differs(&at(name), format!("is {} {}, and {} {} at the provider", ours.0, ours.1, theirs.0, theirs.1));
                    }
                }
            }
        }
        for (name, block) in blocks.iter().filter(|(name, _)| !(top && *name == "timeouts")) {
            self.of += 1;
            match ours.iter().find(|a| a.name == name) {
                None => self.differs(&at(name), "is missing"),
                Some(attr) => match attr.block() {
                    None => self.differs(&at(name), "is an attribute, and a block at the provider"),
                    Some(nested) => {
                        let (ours, theirs) = (
                            nesting(attr),
                            json!([block["nesting"], block["min"].as_u64().unwrap_or(0), block["max"].as_u64().unwrap_or(0)]),
                        );
                        if ours != theirs {
                            self.differs(&at(name), format!("nests as {ours}, and as {theirs} at the provider (how, min, max)"));
                        }
                        self.object(&at(name), nested, block);
                    }
                },
            }
        }
        for attr in ours.iter().filter(|a| !attributes.contains_key(a.name) && !blocks.contains_key(a.name)) {
            self.differs(&at(attr.name), "is nothing that the provider has");
        }
    }
}

/// The type as the provider's schema spells it.
fn type_of(kind: &Kind) -> Json {
    match kind {
        Kind::Bool => json!("bool"),
        Kind::Int | Kind::Number => json!("number"),
        Kind::Text(_) => json!("string"),
        Kind::List(of) => json!(["list", type_of(of)]),
        Kind::Set(of) => json!(["set", type_of(of)]),
        Kind::Map(of) => json!(["map", type_of(of)]),
        Kind::Object(attrs) => {
            let attrs: serde_json::Map<String, Json> = attrs.iter().map(|a| (a.name.to_owned(), type_of(&a.kind))).collect();
            json!(["object", attrs])
        }
        Kind::Any => json!("dynamic"),
    }
}

/// The flags as the fixture spells them.
fn flags(attr: &Attr) -> String {
    let mut flags = String::new();
    flags.push_str(match (attr.required, attr.computed, attr.chosen) {
        (true, ..) => "R",
        (_, true, _) => "C",
        (_, _, true) => "OC",
        _ => "O",
    });
    for (letter, set) in [('S', attr.sensitive), ('W', attr.write_only), ('D', !attr.deprecated.is_empty())] {
        if set {
            flags.push(letter);
        }
    }
    flags
}

/// How a block nests: kind, least and greatest number.
fn nesting(attr: &Attr) -> Json {
    let how = match attr.kind {
        _ if attr.single => "single",
        Kind::Set(_) => "set",
        Kind::Object(_) => "single",
        _ => "list",
    };
    let max = if how == "single" { 0 } else { attr.max_items };
    json!([how, usize::from(attr.required), max])
}

/// Prints how much agrees, and gives the differences that no exception accounts for and the exceptions that nothing needs.
fn judge(name: &str, compared: &Compared, exceptions: &[Exception], used: &mut BTreeSet<usize>) -> Vec<String> {
    let mut left = vec![];
    for (path, what) in &compared.differences {
        let full = format!("{name}.{path}");
        match exceptions.iter().position(|(at, _)| covers(at, &full)) {
            Some(at) => drop(used.insert(at)),
            None => left.push(format!("{full} {what}")),
        }
    }
    let agree = compared.of.saturating_sub(compared.differences.len());
    println!("{name:<40} {agree:>4} of {:>4}  {:>5.1} %", compared.of, 100.0 * agree as f64 / compared.of.max(1) as f64);
    left
}

/// `*` stands for one name, and at the end for the rest.
pub fn covers(pattern: &str, path: &str) -> bool {
    let (mut pattern, mut path) = (pattern.split('.').peekable(), path.split('.'));
    while let Some(step) = pattern.next() {
        match path.next() {
            None => return false,
            Some(_) if step == "*" && pattern.peek().is_none() => return true,
            Some(name) if step != "*" && step != name => return false,
            Some(_) => {}
        }
    }
    path.next().is_none()
}

fn unneeded(exceptions: &[Exception], used: &BTreeSet<usize>) -> Vec<String> {
    let left = exceptions.iter().enumerate().filter(|(i, _)| !used.contains(i));
    left.map(|(_, (at, _))| format!("the exception {at} is needed no more")).collect()
}

#[test]
fn resource_types_are_the_providers() {
    let provider = provider();
    let (mut wrong, mut used) = (vec![], BTreeSet::new());
    for ty in REGISTRY.resources.iter().filter(|ty| ty.name().starts_with("aws_")) {
        let theirs = &provider["resources"][ty.name()];
        let mut compared = Compared::default();
        if theirs.is_null() {
            compared.differs("", "is nothing that the fixture has");
        } else {
            compared.object("", ty.attrs(), theirs);
            let version = theirs["schema_version"].as_u64().unwrap();
            if version != ty.schema_version() {
                compared.differs("schema_version", format!("is {}, and {version} at the provider", ty.schema_version()));
            }
            let ours: BTreeSet<&str> = ty.timeouts().iter().map(|(operation, _)| *operation).collect();
            let theirs = theirs["blocks"]["timeouts"]["attributes"].as_object();
            let theirs: BTreeSet<&str> = theirs.into_iter().flatten().map(|(operation, _)| operation.as_str()).collect();
            if ours != theirs {
                compared.differs("timeouts", format!("has {ours:?}, and {theirs:?} at the provider"));
            }
        }
        wrong.extend(judge(ty.name(), &compared, RESOURCES, &mut used));
    }
    wrong.extend(unneeded(RESOURCES, &used));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn data_sources_are_the_providers() {
    let provider = provider();
    let (mut wrong, mut used) = (vec![], BTreeSet::new());
    for ty in REGISTRY.data.iter().filter(|ty| ty.name().starts_with("aws_")) {
        let theirs = &provider["data"][ty.name()];
        let mut compared = Compared::default();
        if theirs.is_null() {
            compared.differs("", "is nothing that the fixture has");
        } else {
            compared.object("", ty.attrs(), theirs);
            if !theirs["blocks"]["timeouts"].is_null() {
                compared.differs("timeouts", "is missing");
            }
        }
        wrong.extend(judge(ty.name(), &compared, DATA, &mut used));
    }
    wrong.extend(unneeded(DATA, &used));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_configuration_is_the_providers() {
    let provider = provider();
    let mut compared = Compared::default();
    compared.object("", REGISTRY.provider("aws").unwrap().attrs(), &provider["config"]);
    let mut used = BTreeSet::new();
    let mut wrong = judge("provider.aws", &compared, CONFIG, &mut used);
    wrong.extend(unneeded(CONFIG, &used));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
