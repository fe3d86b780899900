//! What a resource type is: as text for a terminal, and as a page of the reference.

use std::fmt::Write as _;

use super::line::{Line, Look, Role, show, wrap};
use crate::words::resource::{DataType, Registry, ResourceType};
use crate::words::schema::{Attr, Default, Kind};

/// A type, as far as it can be explained: a resource type or a data source.
#[derive(Clone, Copy)]
pub enum Subject {
    /// A resource type.
    Resource(&'static dyn ResourceType),
    /// A data source.
    Data(&'static dyn DataType),
}

impl Subject {
    /// The types of that name: as resource and as data source, `data.` in front choosing the latter.
    #[must_use]
    pub fn named(registry: &Registry, name: &str) -> Vec<Self> {
        let (name, data_only) = name.strip_prefix("data.").map_or((name, false), |name| (name, true));
        let resource = registry.resource(name).filter(|_| !data_only).map(Self::Resource);
        resource.into_iter().chain(registry.data(name).map(Self::Data)).collect()
    }

    /// Its name, `data.` in front of a data source's.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Resource(t) => t.name().to_owned(),
            Self::Data(t) => format!("data.{}", t.name()),
        }
    }

    /// Its attributes.
    #[must_use]
    pub fn attrs(self) -> &'static [Attr] {
        match self {
            Self::Resource(t) => t.attrs(),
            Self::Data(t) => t.attrs(),
        }
    }

    /// What it is, in sentences.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Resource(t) => t.doc(),
            Self::Data(t) => t.doc(),
        }
    }

    /// A small stack.
    #[must_use]
    pub fn example(self) -> &'static str {
        let text = match self {
            Self::Resource(t) => t.example(),
            Self::Data(t) => t.example(),
        };
        text.split("\n---").next().unwrap_or(text).trim()
    }

    fn timeouts(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Resource(t) => t.timeouts(),
            Self::Data(_) => &[],
        }
    }
}

/// The word for a shape: `list of string`.
#[must_use]
pub fn kind(kind: Kind) -> String {
    match kind {
        Kind::Bool => "bool".into(),
        Kind::Int => "whole number".into(),
        Kind::Number => "number".into(),
        Kind::Text(format) => format.name.into(),
        Kind::List(kind) => format!("list of {}", self::kind(*kind)),
        Kind::Set(kind) => format!("set of {}", self::kind(*kind)),
        Kind::Map(kind) => format!("map of {}", self::kind(*kind)),
        Kind::Object(_) => "object".into(),
        Kind::Any => "any".into(),
    }
}

fn shape(attr: &Attr) -> String {
    match (attr.block(), attr.max_items) {
        (Some(_), 1) => "block".into(),
        (Some(_), 0) => "blocks".into(),
        (Some(_), n) => format!("at most {n} blocks"),
        (None, _) => kind(attr.kind),
    }
}

/// What else is true of an attribute, a phrase each.
#[must_use]
pub fn facts(attr: &Attr) -> Vec<String> {
    let mut facts = vec![];
    match attr.default {
        Default::None => {}
        Default::Text(text) => facts.push(format!("default \"{text}\"")),
        Default::Int(n) => facts.push(format!("default {n}")),
        Default::Bool(b) => facts.push(format!("default {b}")),
    }
    if attr.chosen {
        facts.push("AWS chooses if you don't".into());
    }
    if attr.force_new {
        facts.push("a change replaces the resource".into());
    }
    if !attr.one_of.is_empty() {
        facts.push(format!("one of {}", attr.one_of.join(", ")));
    }
    match (attr.min, attr.max) {
        (i64::MIN, i64::MAX) => {}
        (min, i64::MAX) => facts.push(format!("at least {min}")),
        (i64::MIN, max) => facts.push(format!("at most {max}")),
        (min, max) => facts.push(format!("{min} to {max}")),
    }
    if !attr.conflicts.is_empty() {
        facts.push(format!("not together with {}", attr.conflicts.join(", ")));
    }
    if !attr.refers.is_empty() {
        facts.push(format!("such as {}", attr.refers));
    }
    for (flag, words) in [(attr.sensitive, "sensitive"), (attr.write_only, "never stored"), (attr.local, "known to the state alone")] {
        if flag {
            facts.push(words.into());
        }
    }
    if !attr.deprecated.is_empty() {
        facts.push(format!("deprecated: use {}", attr.deprecated));
    }
    facts
}

fn nested(attr: &Attr) -> &'static [Attr] {
    match attr.kind {
        Kind::Object(attrs) => attrs,
        Kind::List(Kind::Object(attrs)) | Kind::Set(Kind::Object(attrs)) | Kind::Map(Kind::Object(attrs)) => attrs,
        _ => &[],
    }
}

/// Its own sections: what must be given, what may be, what comes out.
fn sections(attrs: &'static [Attr]) -> [(&'static str, Vec<&'static Attr>); 3] {
    let of = |test: fn(&Attr) -> bool| attrs.iter().filter(|a| test(a)).collect();
    [("Required", of(|a| a.required)), ("Optional", of(|a| !a.required && !a.computed)), ("Known after creation", of(|a| a.computed))]
}

fn sentences(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// For a terminal.
#[must_use]
pub fn text(subject: Subject, look: Look) -> String {
    let mut lines = vec![Line::default().with(Role::Strong, subject.name())];
    lines.extend(wrap(&sentences(subject.doc()), look.width.saturating_sub(2)).into_iter().map(|l| Line::indented(2).with(Role::Plain, l)));
    for (title, attrs) in sections(subject.attrs()) {
        if !attrs.is_empty() {
            lines.push(Line::default());
            lines.push(Line::default().with(Role::Strong, title));
            attributes(&attrs, 2, look, &mut lines);
        }
    }
    lines.extend([Line::default(), Line::default().with(Role::Strong, "Example")]);
    lines.extend(subject.example().lines().map(|l| Line::indented(2).with(Role::Plain, l)));
    if let [all @ .., (last, limit)] = subject.timeouts() {
        let all: String = all.iter().map(|(name, limit)| format!("{name} {limit}, ")).collect();
        lines.extend([
            Line::default(),
            Line::default().with(Role::Strong, "Timeouts"),
            Line::indented(2).with(Role::Plain, format!("{all}{last} {limit}")),
        ]);
    }
    if let Subject::Resource(_) = subject {
        lines.extend([Line::default(), Line::default().with(Role::Dim, format!("Import: ferroform import {}.NAME ID", subject.name()))]);
    }
    show(&lines, look)
}

fn attributes(attrs: &[&'static Attr], indent: usize, look: Look, lines: &mut Vec<Line>) {
    let longest = attrs.iter().map(|a| a.name.len()).max().unwrap_or(0).min(30);
    let kinds = attrs.iter().map(|a| shape(a).len()).max().unwrap_or(0).min(18);
    let (second, third) = (indent + longest + 2, indent + longest + 2 + kinds + 2);
    for attr in attrs {
        let mut line = Line::indented(indent).with(if attr.required { Role::Strong } else { Role::Plain }, attr.name);
        line.pad(second);
        line.push(Role::Dim, shape(attr));
        let parts = wrap(&sentences(attr.doc), look.width.saturating_sub(third).max(30)).into_iter().map(|t| (Role::Plain, t));
        let facts = facts(attr).join("; ");
        let facts = wrap(&facts, look.width.saturating_sub(third).max(30)).into_iter().filter(|f| !f.is_empty()).map(|t| (Role::Dim, t));
        for (i, (role, text)) in parts.chain(facts).enumerate() {
            if i > 0 {
                lines.push(std::mem::take(&mut line));
            }
            line.pad(third);
            line.push(role, text);
        }
        lines.push(line);
        if indent < 10 {
            attributes(&nested(attr).iter().collect::<Vec<_>>(), indent + 2, look, lines);
        }
    }
}

/// A page of the reference.
#[must_use]
pub fn page(subject: Subject) -> String {
    let mut page = format!("# {}\n\n{}\n\n", subject.name(), sentences(subject.doc()));
    let _ = write!(page, "```toml\n{}\n```\n", subject.example());
    for (title, attrs) in sections(subject.attrs()) {
        if !attrs.is_empty() {
            let _ = write!(page, "\n## {title}\n\n");
            list(&attrs, 0, &mut page);
        }
    }
    if !subject.timeouts().is_empty() {
        let all: Vec<String> = subject.timeouts().iter().map(|(name, limit)| format!("`{name}` ({limit})")).collect();
        let _ = write!(page, "\n## Timeouts\n\n{}\n", all.join(", "));
    }
    if let Subject::Resource(_) = subject {
        let _ = write!(page, "\n## Import\n\n```sh\nferroform import {}.NAME ID\n```\n", subject.name());
    }
    page
}

fn list(attrs: &[&'static Attr], depth: usize, page: &mut String) {
    for attr in attrs {
        let facts = facts(attr);
        let facts = if facts.is_empty() { String::new() } else { format!(" *{}.*", capital(&facts.join("; "))) };
        let _ = writeln!(page, "{}- `{}` ({}) {}{facts}", "  ".repeat(depth), attr.name, shape(attr), sentences(attr.doc));
        list(&nested(attr).iter().collect::<Vec<_>>(), depth + 1, page);
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |c| c.to_uppercase().chain(chars).collect())
}

/// The page that lists all others, `name -> what it is`.
#[must_use]
pub fn index(registry: &Registry) -> String {
    let mut page = "# Reference\n\nEvery type that Ferroform knows. `ferroform explain TYPE` shows the same in a terminal.\n".to_owned();
    let first = |doc: &str| sentences(doc).split_inclusive(". ").next().unwrap_or_default().trim().to_owned();
    for (title, subjects) in [("Resources", resources(registry)), ("Data sources", data(registry))] {
        if !subjects.is_empty() {
            let _ = write!(page, "\n## {title}\n\n");
            for subject in subjects {
                let _ = writeln!(page, "- [{}]({}.md): {}", subject.name(), subject.name(), first(subject.doc()));
            }
        }
    }
    page
}

fn resources(registry: &Registry) -> Vec<Subject> {
    let mut all: Vec<Subject> = registry.resources.iter().map(|t| Subject::Resource(*t)).collect();
    all.sort_by_key(|s| s.name());
    all
}

fn data(registry: &Registry) -> Vec<Subject> {
    let mut all: Vec<Subject> = registry.data.iter().map(|t| Subject::Data(*t)).collect();
    all.sort_by_key(|s| s.name());
    all
}

/// Every page of the reference by file name.
#[must_use]
pub fn pages(registry: &Registry) -> Vec<(String, String)> {
    let subjects = resources(registry).into_iter().chain(data(registry));
    let pages = subjects.map(|subject| (format!("{}.md", subject.name()), page(subject)));
    std::iter::once(("README.md".to_owned(), index(registry))).chain(pages).collect()
}
