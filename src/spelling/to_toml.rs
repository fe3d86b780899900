//! From `.tf` to TOML: blocks become tables, nested blocks inline tables, expressions `${...}` with their text as it was.

use std::sync::Arc;

use hcl_edit::expr::{Array, Expression, Object, ObjectKey};
use hcl_edit::structure::{Block, Body, Structure};
use hcl_edit::template::{Directive, Element};
use hcl_edit::{Decor, Decorate as _, Span as _};
use toml_writer::{ToTomlKey as _, ToTomlValue as _, TomlKeyBuilder, TomlStringBuilder};

use super::site::{Comments, Site, comments, site};
use crate::stack::heredoc;
use crate::words::{Diagnostic, Diagnostics, Result, Source, Span};

/// The longest line that an inline table is put on.
const LINE: usize = 100;

/// The text in TOML. It must be a `.tf` file that parses, with plain line ends.
pub(super) fn convert(source: &Arc<Source>, body: &Body) -> Result<String> {
    let mut writer = Writer { source, errors: Diagnostics::default(), tables: vec![] };
    let mut behind = "";
    for structure in body {
        if let Structure::Block(block) = structure {
            writer.table(block, behind);
        }
        behind = suffix(structure.decor());
    }
    let mut out = String::new();
    for table in &writer.tables {
        table.comments.iter().for_each(|line| out.push_str(&format!("{line}\n")));
        out.push_str(&format!("{}\n{}\n", table.header, table.text));
    }
    let last = comments(&format!("{behind}\n{}", suffix(body.decor())), false);
    last.trailing.iter().chain(&last.own).for_each(|line| out.push_str(&format!("{line}\n")));
    writer.errors.unless_errors(super::toml::format(&out))
}

/// A file of values in TOML: its strings are no templates.
pub(super) fn values(source: &Arc<Source>, body: &Body) -> Result<String> {
    let mut writer = Writer { source, errors: Diagnostics::default(), tables: vec![] };
    let mut out = String::new();
    for item in writer.items(body, &mut vec!["stack"]) {
        item.comments.own.iter().for_each(|line| out.push_str(&format!("{line}\n")));
        out.push_str(&format!("{} = {} {}\n", item.key, item.value, item.behind.join(" ")));
    }
    writer.errors.unless_errors(super::toml::format(&out))
}

fn prefix(decor: &Decor) -> &str {
    decor.prefix().map_or("", |raw| &**raw)
}

fn suffix(decor: &Decor) -> &str {
    decor.suffix().map_or("", |raw| &**raw)
}

/// A table at the top of the file.
struct Table {
    comments: Vec<String>,
    header: String,
    text: String,
}

/// An entry of a table or element of an array.
#[derive(Default)]
struct Item {
    comments: Comments,
    /// Empty for an element.
    key: String,
    value: String,
    /// Behind it, on its line.
    behind: Vec<String>,
}

struct Writer<'a> {
    source: &'a Arc<Source>,
    errors: Diagnostics,
    tables: Vec<Table>,
}

/// A key, quoted where it has to be.
fn key(text: &str) -> String {
    TomlKeyBuilder::new(text).as_default().to_toml_key()
}

/// A text as a string of TOML; `lines` says that it stood on lines of its own.
fn quoted(text: &str, lines: bool) -> String {
    let builder = TomlStringBuilder::new(text);
    let several = || builder.as_ml_literal().unwrap_or_else(|| builder.as_ml_basic());
    let made = match () {
        () if lines && text.contains('\n') => several(),
        () if text.contains(['"', '\\']) => builder.as_literal().unwrap_or_else(|| builder.as_basic()),
        () => builder.as_basic(),
    };
    made.to_toml_value()
}

/// What stands for a text in a template.
fn escaped(text: &str) -> String {
    text.replace("${", "$${").replace("%{", "%%{")
}

impl<'a> Writer<'a> {
    fn slice(&self, range: Option<std::ops::Range<usize>>) -> &'a str {
        range.and_then(|range| self.source.text.get(range)).unwrap_or_default()
    }

    /// A block at the top of the file. `behind` is what stands behind the one before, on its line.
    fn table(&mut self, block: &Block, behind: &str) {
        let word = block.ident.as_str();
        let names: Vec<String> = std::iter::once(word).chain(block.labels.iter().map(|l| l.as_str())).map(key).collect();
        let name = names.join(".");
        let header = if matches!(word, "provider" | "moved" | "import" | "removed") { format!("[[{name}]]") } else { format!("[{name}]") };
        let before = comments(&format!("{behind}\n{}", prefix(block.decor())), false);
        let mut text = String::new();
        for item in self.items(&block.body, &mut vec![word]) {
            item.comments.own.iter().for_each(|line| text.push_str(&format!("{line}\n")));
            text.push_str(&format!("{} = {} {}\n", item.key, item.value, item.behind.join(" ")));
        }
        let mut lead = before.trailing;
        lead.extend(before.own.iter().skip_while(|line| line.is_empty()).cloned());
        // A table can be there once: what `locals` there are become one.
        if let Some(known) = self.tables.iter_mut().find(|t| t.header.starts_with(&header) && !header.starts_with("[[")) {
            known.text.push('\n');
            lead.iter().for_each(|line| known.text.push_str(&format!("{line}\n")));
            known.text.push_str(&text);
            return;
        }
        let head = comments(prefix(block.body.decor()), false).trailing.join(" ");
        self.tables.push(Table { comments: lead, header: format!("{header} {head}"), text });
    }

    /// What a body holds. Blocks of the same name are one array, where the first of them stands.
    fn items<'b>(&mut self, body: &'b Body, path: &mut Vec<&'b str>) -> Vec<Item> {
        let mut items: Vec<Item> = vec![];
        let mut blocks: Vec<(String, usize, Vec<Item>)> = vec![];
        for structure in body {
            let before = comments(prefix(structure.decor()), true);
            let after = comments(suffix(structure.decor()), false);
            let mut item = Item { comments: before, behind: after.trailing, ..Item::default() };
            match structure {
                Structure::Attribute(attribute) => {
                    let inside = comments(&format!("{}{}", suffix(attribute.key.decor()), prefix(attribute.value.decor())), true);
                    item.comments.own.extend(inside.own);
                    item.behind.extend(comments(suffix(attribute.value.decor()), false).trailing);
                    item.key = key(attribute.key.as_str());
                    item.value = self.value(&attribute.value, site(path, attribute.key.as_str()));
                    items.push(item);
                }
                Structure::Block(block) => {
                    let names = std::iter::once(block.ident.as_str()).chain(block.labels.iter().map(|l| l.as_str()));
                    let name = names.clone().map(key).collect::<Vec<_>>().join(".");
                    let depth = path.len();
                    path.extend(names);
                    item.value = self.block(&block.body, path);
                    path.truncate(depth);
                    match blocks.iter_mut().find(|(known, ..)| *known == name) {
                        Some((_, _, all)) => all.push(item),
                        None => {
                            blocks.push((name.clone(), items.len(), vec![item]));
                            items.push(Item { key: name, ..Item::default() });
                        }
                    }
                }
            }
        }
        let last = comments(suffix(body.decor()), true);
        for (_, at, mut all) in blocks {
            let name = std::mem::take(&mut items[at].key);
            items[at] = match all.pop() {
                Some(one) if all.is_empty() => Item { key: name, ..one },
                Some(one) => {
                    all.push(one);
                    let lead = std::mem::take(&mut all[0].comments);
                    Item { comments: lead, key: name, value: several('[', all, &[]), behind: vec![] }
                }
                None => continue,
            };
        }
        if !last.own.iter().all(String::is_empty) {
            // Behind the last entry, where a table has nothing of its own to hang it on.
            items.last_mut().into_iter().for_each(|item| item.behind.push(format!("\n{}", last.own.join("\n"))));
        }
        items
    }

    /// A nested block as an inline table.
    fn block<'b>(&mut self, body: &'b Body, path: &mut Vec<&'b str>) -> String {
        let mut items = self.items(body, path);
        let head = comments(prefix(body.decor()), false).trailing;
        items.first_mut().into_iter().for_each(|first| drop(first.comments.own.splice(0..0, head.clone())));
        table(items, body.len() > 1)
    }

    fn wrong(&mut self, e: &Expression, what: &str) -> String {
        let span = Span::new(self.source, e.span().unwrap_or(0..0));
        self.errors.push(
            Diagnostic::error(format!("{what} can't be spelled in TOML")).at(&span, "only a value that is written out can stand here"),
        );
        String::new()
    }

    fn value(&mut self, e: &Expression, at: Site) -> String {
        let text = self.slice(e.span());
        match e {
            Expression::Array(items) => self.array(items, text, at),
            Expression::Object(object) if at != Site::Expression || is_table(object) => self.object(object, text, at),
            Expression::String(s) if at == Site::Expression => quoted(&escaped(s.value()), false),
            Expression::String(s) => quoted(s.value(), false),
            Expression::Bool(b) => b.value().to_string(),
            Expression::Null(_) => quoted("${null}", false),
            Expression::Number(_) | Expression::UnaryOp(_) if is_number(text) => text.to_owned(),
            _ if at == Site::Name => quoted(&dedented(self.source, e), true),
            Expression::StringTemplate(t) if at == Site::Expression => quoted(&self.parts(&t.iter().collect::<Vec<_>>(), false), false),
            Expression::HeredocTemplate(t) => {
                let inner = e.span().and_then(|range| heredoc::flush(&self.source.text, range)).map(|(text, _)| text);
                let inner = inner.unwrap_or_else(|| self.slice(t.template.span()).to_owned());
                if at == Site::Literal && (inner.contains("${") || inner.contains("%{")) {
                    return self.wrong(e, "an expression in a value that is fixed");
                }
                quoted(&inner, true)
            }
            _ if at == Site::Literal => self.wrong(e, "an expression"),
            Expression::Parenthesis(p) if !text.contains('\n') => quoted(&format!("${{{}}}", self.slice(p.span())), false),
            _ => quoted(&format!("${{{}}}", dedented(self.source, e)), true),
        }
    }

    /// The text of a quoted template: its literal parts decoded, all else as it is written.
    fn parts(&self, elements: &[&Element], raw: bool) -> String {
        let mut made = String::new();
        for element in elements {
            match element {
                Element::Literal(text) if raw => made.push_str(&escaped(&crate::stack::unescaped(text.value()))),
                Element::Literal(text) => made.push_str(&escaped(text.value())),
                Element::Interpolation(i) => made.push_str(self.slice(i.span())),
                Element::Directive(directive) => {
                    let whole = directive.span().unwrap_or(0..0);
                    let templates = match &**directive {
                        Directive::If(d) => {
                            let otherwise = d.else_expr.as_ref().map(|e| &e.template);
                            std::iter::once(&d.if_expr.template).chain(otherwise).collect::<Vec<_>>()
                        }
                        Directive::For(d) => vec![&d.for_expr.template],
                    };
                    let mut from = whole.start;
                    for template in templates {
                        let range = template.span().unwrap_or(from..from);
                        made.push_str(self.slice(Some(from..range.start)));
                        made.push_str(&self.parts(&template.iter().collect::<Vec<_>>(), true));
                        from = range.end;
                    }
                    made.push_str(self.slice(Some(from..whole.end)));
                }
            }
        }
        made
    }

    fn array(&mut self, array: &Array, text: &str, at: Site) -> String {
        let mut items: Vec<Item> = vec![];
        for e in array {
            let before = comments(prefix(e.decor()), false);
            items.last_mut().into_iter().for_each(|last| last.behind.extend(before.trailing.iter().cloned()));
            let behind = comments(suffix(e.decor()), false);
            items.push(Item {
                comments: Comments { own: before.own, ..Comments::default() },
                key: String::new(),
                value: self.value(e, at),
                behind: behind.trailing,
            });
        }
        let rest = comments(array.trailing(), false);
        items.last_mut().into_iter().for_each(|last| last.behind.extend(rest.trailing.iter().cloned()));
        if text.contains('\n')
            && (items.len() > 1 || text.lines().next().is_some_and(|l| l.trim() == "[") || rest.own.iter().any(|l| !l.is_empty()))
        {
            return several('[', items, &rest.own);
        }
        format!("[{}]", items.into_iter().map(|i| i.value).collect::<Vec<_>>().join(", "))
    }

    fn object(&mut self, object: &Object, text: &str, at: Site) -> String {
        let mut items: Vec<Item> = vec![];
        for (name, value) in object {
            let before = comments(prefix(name.decor()), false);
            items.last_mut().into_iter().for_each(|last| last.behind.extend(before.trailing.iter().cloned()));
            let made = match name {
                ObjectKey::Ident(name) => key(name.as_str()),
                ObjectKey::Expression(Expression::String(s)) if at == Site::Expression => key(&escaped(s.value())),
                ObjectKey::Expression(Expression::String(s)) => key(s.value()),
                ObjectKey::Expression(Expression::StringTemplate(t)) => key(&self.parts(&t.iter().collect::<Vec<_>>(), false)),
                ObjectKey::Expression(Expression::Parenthesis(p)) => key(&format!("${{{}}}", self.slice(p.inner().span()))),
                ObjectKey::Expression(e) => key(&format!("${{{}}}", self.slice(e.span()))),
            };
            let behind = comments(suffix(value.expr().decor()), false);
            items.push(Item {
                comments: Comments { own: before.own, ..Comments::default() },
                key: made,
                value: self.value(value.expr(), at),
                behind: behind.trailing,
            });
        }
        let rest = comments(suffix_of(object), false);
        items.last_mut().into_iter().for_each(|last| last.behind.extend(rest.trailing.iter().cloned()));
        if !rest.own.iter().all(String::is_empty) {
            return several('{', items, &rest.own);
        }
        table(items, text.contains('\n'))
    }
}

fn suffix_of(object: &Object) -> &str {
    object.trailing()
}

/// Whether the keys of an object are those that a table can have: each written out or a template, and none twice.
fn is_table(object: &Object) -> bool {
    let mut seen = std::collections::HashSet::new();
    object.iter().all(|(key, _)| match key {
        ObjectKey::Ident(name) => seen.insert(name.as_str().to_owned()),
        ObjectKey::Expression(Expression::String(s)) => seen.insert(s.value().clone()),
        ObjectKey::Expression(Expression::Parenthesis(_) | Expression::StringTemplate(_)) => true,
        ObjectKey::Expression(_) => false,
    })
}

/// Whether TOML writes that number, too.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let whole = digits.split(['.', 'e', 'E']).next().unwrap_or_default();
    let leading_zero = whole.len() > 1 && whole.starts_with('0');
    let signs = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    let good = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(signs) && !leading_zero;
    good && (text.parse::<i64>().is_ok() || (text.contains(['.', 'e', 'E']) && text.parse::<f64>().is_ok()))
}

/// The text of an expression over several lines, as if it began at the left margin. Heredocs are left where they are.
fn dedented(source: &Source, e: &Expression) -> String {
    let Some(range) = e.span() else { return String::new() };
    let Some(text) = source.text.get(range.clone()) else { return String::new() };
    let line = source.text[..range.start].rfind('\n').map_or(0, |at| at + 1);
    let margin = source.text[line..range.start].len() - source.text[line..range.start].trim_start_matches([' ', '\t']).len();
    if text.contains("<<") {
        return text.to_owned();
    }
    let cut = |l: &str| {
        let white = l.len() - l.trim_start_matches([' ', '\t']).len();
        l[white.min(margin)..].to_owned()
    };
    text.split('\n').enumerate().map(|(i, l)| if i == 0 { l.to_owned() } else { cut(l) }).collect::<Vec<_>>().join("\n")
}

/// Entries on one line, where they fit there and nothing speaks against it.
fn table(items: Vec<Item>, lines: bool) -> String {
    let lines =
        lines || items.iter().any(|i| i.value.contains('\n') || !i.behind.is_empty() || i.comments.own.iter().any(|l| !l.is_empty()));
    let one = items.iter().map(|i| format!("{} = {}", i.key, i.value)).collect::<Vec<_>>().join(", ");
    match () {
        () if items.is_empty() => "{}".to_owned(),
        () if lines || one.len() > LINE => several('{', items, &[]),
        () => format!("{{ {one} }}"),
    }
}

/// Entries or elements on lines of their own.
fn several(open: char, items: Vec<Item>, rest: &[String]) -> String {
    let mut out = format!("{open}\n");
    for (i, item) in items.into_iter().enumerate() {
        for line in item.comments.own.iter().skip_while(|line| i == 0 && line.is_empty()) {
            out.push_str(&format!("{line}\n"));
        }
        if !item.key.is_empty() {
            out.push_str(&format!("{} = ", item.key));
        }
        out.push_str(&format!("{}, {}\n", item.value, item.behind.join(" ")));
    }
    rest.iter().filter(|line| !line.is_empty()).for_each(|line| out.push_str(&format!("{line}\n")));
    out.push(if open == '[' { ']' } else { '}' });
    out
}
