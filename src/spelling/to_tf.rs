//! From TOML to `.tf`: tables become blocks, `${...}` bare expressions. Which tables are nested blocks the schemas of the types say.

use std::sync::Arc;

use hcl_edit::Span as _;
use hcl_edit::expr::Expression;
use hcl_edit::template::{Directive, Element, Template};
use toml_edit::{Decor, Document, InlineTable, Item, TableLike, Value};

use super::site::{Comments, Site, comments, site};
use crate::stack::labels;
use crate::words::resource::{DataType, Registry, ResourceType};
use crate::words::schema::{Attr, Kind};
use crate::words::{Diagnostic, Diagnostics, Result, Source, Span};

/// The text as a `.tf` file. It must be TOML that parses, with plain line ends.
pub(super) fn convert(source: &Arc<Source>, registry: &Registry) -> Result<String> {
    let document = Document::parse(&*source.text).map_err(|e| Diagnostic::error(format!("the file is no valid TOML: {}", e.message())))?;
    let mut writer = Writer { source, registry, errors: Diagnostics::default() };
    let mut blocks = vec![];
    for (word, item) in document.iter() {
        let depth = labels(word).map_or(0, <[_]>::len);
        writer.leaves(&mut vec![word.to_owned()], item, depth, 0, &mut blocks);
    }
    blocks.sort_by_key(|(position, _)| *position);
    let mut out: String = blocks.into_iter().map(|(_, text)| text + "\n").collect();
    for line in comments(document.trailing().as_str().unwrap_or_else(|| raw(source, document.trailing().span())), true).own {
        out.push_str(&format!("{line}\n"));
    }
    writer.errors.unless_errors(super::hcl::format(&format!("{}\n", out.trim())))
}

/// A file of values as `.tfvars`.
pub(super) fn values(source: &Arc<Source>, registry: &Registry) -> Result<String> {
    let document = Document::parse(&*source.text).map_err(|e| Diagnostic::error(format!("the file is no valid TOML: {}", e.message())))?;
    let mut writer = Writer { source, registry, errors: Diagnostics::default() };
    let mut out = writer.body((document.as_table(), None), &["stack"], None);
    for line in comments(document.trailing().as_str().unwrap_or_else(|| raw(source, document.trailing().span())), true).own {
        out.push_str(&format!("{line}\n"));
    }
    writer.errors.unless_errors(super::hcl::format(&format!("{}\n", out.trim())))
}

fn raw(source: &Source, range: Option<std::ops::Range<usize>>) -> &str {
    range.and_then(|range| source.text.get(range)).unwrap_or_default()
}

struct Writer<'a> {
    source: &'a Arc<Source>,
    registry: &'a Registry,
    errors: Diagnostics,
}

/// A text in double quotes; `template` says that it stands for a template already.
fn quote(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 2);
    for c in text.chars() {
        match c {
            '"' => made.push_str("\\\""),
            '\\' => made.push_str("\\\\"),
            '\n' => made.push_str("\\n"),
            '\r' => made.push_str("\\r"),
            '\t' => made.push_str("\\t"),
            c if c.is_control() => made.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => made.push(c),
        }
    }
    made
}

/// A text that means itself.
fn literal(text: &str) -> String {
    format!("\"{}\"", quote(text).replace("${", "$${").replace("%{", "%%{"))
}

fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')
}

/// Blocks within blocks that no schema tells of: of the language itself.
fn is_own_block(path: &[&str], name: &str) -> bool {
    match path {
        ["resource" | "data", ..] if path.len() == 1 => matches!(name, "lifecycle" | "timeouts" | "provisioner" | "connection" | "dynamic"),
        [_, "lifecycle"] => matches!(name, "precondition" | "postcondition"),
        ["variable"] => name == "validation",
        ["output"] => name == "precondition",
        ["check"] => matches!(name, "assert" | "data"),
        ["check", "data", ..] => name == "lifecycle",
        ["removed"] => matches!(name, "lifecycle" | "provisioner"),
        ["drift"] => name == "ignore",
        ["terraform"] => matches!(name, "required_providers" | "backend" | "cloud"),
        ["terraform", "cloud"] => name == "workspaces",
        [.., "dynamic", _] => name == "content",
        _ => name == "dynamic",
    }
}

/// How many labels a nested block of that name has.
fn own_labels(name: &str) -> usize {
    match name {
        "dynamic" | "backend" | "provisioner" => 1,
        "data" => 2,
        _ => 0,
    }
}

impl Writer<'_> {
    fn space(&self, raw: Option<&toml_edit::RawString>) -> String {
        raw.map_or("", |r| r.as_str().unwrap_or_else(|| self::raw(self.source, r.span()))).to_owned()
    }

    fn prefix(&self, decor: &Decor) -> String {
        self.space(decor.prefix())
    }

    fn behind(&self, item: &Item) -> Vec<String> {
        item.as_value().map_or_else(Vec::new, |v| comments(&self.space(v.decor().suffix()), false).trailing)
    }

    /// The blocks below a word at the top, each as text with its place in the file.
    fn leaves(&mut self, words: &mut Vec<String>, item: &Item, depth: usize, at: isize, made: &mut Vec<(isize, String)>) {
        if let Some(array) = item.as_array_of_tables() {
            for table in array {
                made.push((table.position().unwrap_or(at), self.top(words, (table, None), table.decor())));
            }
            return;
        }
        if let (Some(array), 0) = (item.as_array(), depth) {
            for table in array.iter().filter_map(Value::as_inline_table) {
                made.push((at, self.top(words, (table, Some(table)), table.decor())));
            }
            return;
        }
        let Some(table) = item.as_table_like() else {
            let span = Span::new(self.source, item.span().unwrap_or(0..0));
            self.errors.push(Diagnostic::error(format!("`{}` is no block", words.join("."))).at(&span, "should be a table"));
            return;
        };
        let at = item.as_table().and_then(toml_edit::Table::position).unwrap_or(at);
        // One provider is a table, several are an array.
        if depth == 0 {
            let none = Decor::default();
            let decor = item.as_table().map_or(&none, toml_edit::Table::decor);
            made.push((at, self.top(words, (table, item.as_inline_table()), decor)));
            return;
        }
        for (name, inner) in table.iter() {
            words.push(name.to_owned());
            self.leaves(words, inner, depth - 1, at, made);
            words.pop();
        }
    }

    fn top(&mut self, words: &[String], table: Body<'_>, decor: &Decor) -> String {
        let attrs = match words {
            [word, kind, _] if word == "resource" => self.registry.resource(kind).map(ResourceType::attrs),
            [word, kind, _] if word == "data" => self.registry.data(kind).map(DataType::attrs),
            [word, name] if word == "provider" => self.registry.provider(name).map(|p| p.attrs()),
            _ => None,
        };
        let lead = comments(&self.prefix(decor), true);
        let mut out = String::new();
        lead.own.iter().skip_while(|line| line.is_empty()).for_each(|line| out.push_str(&format!("{line}\n")));
        let labels: String = words[1..].iter().map(|l| format!(" {}", literal(l))).collect();
        let behind = comments(&self.space(decor.suffix()), false).trailing.join(" ");
        let body = self.body(table, &[words[0].as_str()], attrs);
        out.push_str(&format!("{}{labels} {}\n", words[0], braced(&body, &behind)));
        out
    }

    /// The arguments and nested blocks of a table, within their braces.
    fn body(&mut self, (table, inline): Body<'_>, path: &[&str], attrs: Option<&'static [Attr]>) -> String {
        let mut out = String::new();
        let mut behind: Vec<String> = vec![];
        for (name, item) in table.iter() {
            let decor = table.key(name).map_or_else(String::new, |key| self.prefix(key.leaf_decor()));
            // In an inline table, what follows the comma of the one before.
            let before = comments(&decor, inline.is_none());
            behind.extend(before.trailing);
            let end = std::mem::take(&mut behind).join(" ");
            if !end.is_empty() {
                out.truncate(out.trim_end().len());
                out.push_str(&format!(" {end}\n"));
            }
            let table_lead = item.as_table().map_or_else(Comments::default, |t| comments(&self.prefix(t.decor()), true));
            before.own.iter().chain(&table_lead.own).for_each(|line| out.push_str(&format!("{line}\n")));
            let attr = attrs.and_then(|all| all.iter().find(|a| a.name == name));
            behind = self.behind(item);
            if is_own_block(path, name) {
                out.push_str(&self.nested(name, &mut vec![], item, own_labels(name), path, attrs));
            } else if let (Some(inner), true) = (attr.and_then(block), tables(item)) {
                let inner = Some(inner);
                for table in each(item) {
                    let body = self.body(table, &[path, &[name]].concat(), inner);
                    out.push_str(&format!("{name} {}\n", braced(&body, "")));
                }
            } else if let (Some(inner), Some(text), false) = (attr.and_then(block), item.as_str(), attr.is_some_and(|a| a.attribute)) {
                out.push_str(&self.dynamic(name, text, inner));
            } else {
                out.push_str(&format!("{} = {}\n", name, self.item(item, site(path, name))));
            }
        }
        let rest = self.rest(inline);
        behind.extend(rest.trailing);
        if !behind.is_empty() {
            out.truncate(out.trim_end().len());
            out.push_str(&format!(" {}\n", behind.join(" ")));
        }
        rest.own.iter().for_each(|line| out.push_str(&format!("{line}\n")));
        out
    }

    /// What follows the last entry of an inline table.
    fn rest(&self, inline: Option<&InlineTable>) -> Comments {
        inline.map_or_else(Comments::default, |table| comments(&self.space(Some(table.trailing())), false))
    }

    /// A nested block of the language with its labels.
    fn nested(
        &mut self,
        name: &str,
        labels: &mut Vec<String>,
        item: &Item,
        depth: usize,
        path: &[&str],
        attrs: Option<&'static [Attr]>,
    ) -> String {
        let mut out = String::new();
        if depth > 0 {
            for (label, inner) in item.as_table_like().into_iter().flat_map(|t| t.iter()) {
                labels.push(label.to_owned());
                out.push_str(&self.nested(name, labels, inner, depth - 1, path, attrs));
                labels.pop();
            }
            return out;
        }
        // The content of a dynamic block is that of the block that it makes.
        let inner = match (name, labels.as_slice()) {
            ("dynamic", [label]) => attrs.and_then(|all| all.iter().find(|a| a.name == *label)).and_then(block),
            ("content", _) => attrs,
            ("data", [kind, _]) => self.registry.data(kind).map(DataType::attrs),
            _ => None,
        };
        let head: String = labels.iter().map(|l| format!(" {}", literal(l))).collect();
        let mut below: Vec<&str> = path.to_vec();
        below.push(name);
        below.extend(labels.iter().map(String::as_str));
        for table in each(item) {
            let body = self.body(table, &below, inner);
            out.push_str(&format!("{name}{head} {}\n", braced(&body, "")));
        }
        out
    }

    /// Nested blocks that an expression makes.
    fn dynamic(&mut self, name: &str, text: &str, attrs: &'static [Attr]) -> String {
        let list = self.text(text, Site::Expression, false);
        let mut content = String::new();
        for attr in attrs.iter().filter(|a| !a.computed && block(a).is_none()) {
            content.push_str(&format!("{0} = try({name}.value.{0}, null)\n", attr.name));
        }
        format!("dynamic {} {{\nfor_each = {list}\ncontent {{\n{content}}}\n}}\n", literal(name))
    }

    fn item(&mut self, item: &Item, at: Site) -> String {
        match item {
            Item::Value(value) => self.value(value, at),
            Item::Table(table) => self.object((table, None), at, true),
            Item::ArrayOfTables(array) => {
                let all: Vec<String> = array.iter().map(|t| self.object((t, None), at, true) + ",\n").collect();
                format!("[\n{}]", all.concat())
            }
            Item::None => "null".into(),
        }
    }

    fn value(&mut self, value: &Value, at: Site) -> String {
        let written = raw(self.source, value.span());
        match value {
            Value::String(s) => self.text(s.value(), at, written.starts_with("\"\"\"") || written.starts_with("'''")),
            Value::Integer(n) => {
                if written.starts_with(|c: char| c.is_ascii_digit() || c == '-') && !written.contains(['x', 'o', 'b', '_']) {
                    written.to_owned()
                } else {
                    n.value().to_string()
                }
            }
            Value::Float(_) => written.replace('_', "").trim_start_matches('+').to_owned(),
            Value::Boolean(b) => b.value().to_string(),
            Value::Datetime(d) => literal(&d.value().to_string()),
            Value::Array(array) => {
                let mut out = String::new();
                for element in array {
                    let before = comments(&self.prefix(element.decor()), false);
                    end_line(&mut out, &before.trailing);
                    before.own.iter().for_each(|line| out.push_str(&format!("\n{line}")));
                    let lines = self.prefix(element.decor()).contains('\n');
                    out.push_str(if lines { "\n" } else { " " });
                    out.push_str(&self.value(element, at));
                    let behind = comments(&self.space(element.decor().suffix()), false).trailing;
                    out.push(',');
                    end_line(&mut out, &behind);
                }
                let rest = comments(&self.space(Some(array.trailing())), false);
                end_line(&mut out, &rest.trailing);
                rest.own.iter().filter(|l| !l.is_empty()).for_each(|line| out.push_str(&format!("\n{line}")));
                if out.contains('\n') { format!("[{out}\n]") } else { format!("[{}]", out.trim().trim_end_matches(',')) }
            }
            Value::InlineTable(table) => self.object((table, Some(table)), at, written.contains('\n')),
        }
    }

    fn object(&mut self, (table, inline): Body<'_>, at: Site, lines: bool) -> String {
        let mut out = String::new();
        for (name, item) in table.iter() {
            let decor = table.key(name).map_or_else(String::new, |key| self.prefix(key.leaf_decor()));
            let before = comments(&decor, false);
            end_line(&mut out, &before.trailing);
            before.own.iter().for_each(|line| out.push_str(&format!("\n{line}")));
            out.push_str(if lines { "\n" } else { " " });
            let key = match () {
                () if at == Site::Expression && (name.contains("${") || name.contains("%{")) => self.key(name),
                () if is_name(name) => name.to_owned(),
                () if at == Site::Name => self.text(name, at, false),
                () => literal(name),
            };
            out.push_str(&format!("{key} = {}", self.item(item, at)));
            out.push_str(if lines { "" } else { "," });
            let behind = self.behind(item);
            end_line(&mut out, &behind);
        }
        let rest = self.rest(inline);
        end_line(&mut out, &rest.trailing);
        rest.own.iter().for_each(|line| out.push_str(&format!("\n{line}")));
        match (out.is_empty(), lines) {
            (true, _) => "{}".to_owned(),
            (_, true) => format!("{{{out}\n}}"),
            (_, false) => format!("{{{} }}", out.trim_end_matches(',')),
        }
    }

    /// A key that is a template.
    fn key(&mut self, name: &str) -> String {
        let made = self.text(name, Site::Expression, false);
        if made.starts_with('"') { made } else { format!("({made})") }
    }

    /// A string. As an expression it is a template, and one that is a single `${...}` is what is in there.
    fn text(&mut self, text: &str, at: Site, lines: bool) -> String {
        match at {
            Site::Name => text.trim().strip_prefix("${").and_then(|t| t.strip_suffix('}')).unwrap_or(text).to_owned(),
            Site::Literal if text.trim() == "${null}" => "null".into(),
            Site::Literal => literal(text),
            Site::Expression if !text.contains("${") && !text.contains("%{") => {
                if lines && text.ends_with('\n') {
                    heredoc(text)
                } else {
                    format!("\"{}\"", quote(text))
                }
            }
            Site::Expression => {
                let Ok(template) = hcl_edit::parser::parse_template(text) else {
                    self.errors.push(Diagnostic::error(format!("`{text}` is no template")));
                    return String::new();
                };
                let elements: Vec<&Element> = template.iter().collect();
                if let [Element::Interpolation(one)] = elements[..] {
                    let inner = one.expr.span().and_then(|range| text.get(range)).unwrap_or_default();
                    let bare = match one.expr {
                        Expression::Array(_)
                        | Expression::Object(_)
                        | Expression::ForExpr(_)
                        | Expression::FuncCall(_)
                        | Expression::Parenthesis(_) => true,
                        _ => !inner.contains('\n'),
                    };
                    // Comments around the expression stay with it.
                    let whole = text.trim().trim_start_matches("${").trim_start_matches('~').trim_end_matches('}').trim_end_matches('~');
                    return match () {
                        () if whole.contains(['#']) && whole.trim() != inner => format!("({whole}\n)"),
                        () if bare => inner.to_owned(),
                        () => format!("({inner})"),
                    };
                }
                if lines && text.ends_with('\n') { heredoc(text) } else { format!("\"{}\"", in_quotes(text, &template)) }
            }
        }
    }
}

/// A body in its braces; `behind` is the comment behind the first one.
fn braced(body: &str, behind: &str) -> String {
    if body.is_empty() && behind.is_empty() { "{}".to_owned() } else { format!("{{ {behind}\n{body}}}") }
}

/// Comments behind what was written last.
fn end_line(out: &mut String, behind: &[String]) {
    if !behind.is_empty() {
        out.push_str(&format!(" {}", behind.join(" ")));
    }
}

/// The attributes of a nested block, also of one that may be written as an attribute.
fn block(attr: &Attr) -> Option<&'static [Attr]> {
    match attr.kind {
        Kind::List(Kind::Object(attrs)) | Kind::Set(Kind::Object(attrs)) if !attr.computed => Some(attrs),
        _ => attr.block(),
    }
}

/// A table, and the same if it is an inline one: white space before its entries begins on the line of what comes before.
type Body<'a> = (&'a dyn TableLike, Option<&'a InlineTable>);

/// The tables of an item: itself, or the elements of an array.
fn each(item: &Item) -> Vec<Body<'_>> {
    match item {
        Item::ArrayOfTables(array) => array.iter().map(|t| (t as &dyn TableLike, None)).collect(),
        Item::Value(Value::Array(array)) => {
            array.iter().filter_map(Value::as_inline_table).map(|t| (t as &dyn TableLike, Some(t))).collect()
        }
        _ => item.as_table_like().map(|t| (t, item.as_inline_table())).into_iter().collect(),
    }
}

/// Whether an item is a table or an array of nothing else.
fn tables(item: &Item) -> bool {
    let number = item.as_array().map_or(usize::from(!item.is_value() || item.is_inline_table()), toml_edit::Array::len);
    let arrays = item.as_array_of_tables().map_or(number, toml_edit::ArrayOfTables::len);
    arrays > 0 && each(item).len() == arrays
}

/// A template with its literal parts written as in quotes, all else as it is.
fn in_quotes(text: &str, template: &Template) -> String {
    let mut made = String::new();
    let slice = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    for element in template {
        let range = element.span().unwrap_or(0..0);
        match element {
            Element::Literal(_) => made.push_str(&quote(slice(range))),
            Element::Interpolation(_) => made.push_str(slice(range)),
            Element::Directive(directive) => {
                let templates = match &**directive {
                    Directive::If(d) => {
                        std::iter::once(&d.if_expr.template).chain(d.else_expr.as_ref().map(|e| &e.template)).collect::<Vec<_>>()
                    }
                    Directive::For(d) => vec![&d.for_expr.template],
                };
                let mut from = range.start;
                for inner in templates {
                    let part = inner.span().unwrap_or(from..from);
                    made.push_str(slice(from..part.start));
                    made.push_str(&in_quotes(text, inner));
                    from = part.end;
                }
                made.push_str(slice(from..range.end));
            }
        }
    }
    made
}

/// A template of many lines. It stands at the left margin: what is taken off indented ones depends on what is in them.
fn heredoc(text: &str) -> String {
    let taken = |marker: &&&str| text.lines().any(|line| line.trim() == **marker);
    let marker = ["EOT", "EOF", "TEXT", "END", "HEREDOC"].iter().find(|m| !taken(m)).copied().unwrap_or("END_OF_TEXT");
    format!("<<{marker}\n{text}{marker}")
}
