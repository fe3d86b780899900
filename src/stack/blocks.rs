//! From tables to blocks: what each top-level word of a stack means.

use std::path::Path;
use std::sync::Arc;

use super::convert::convert;
use super::expr::{Expr, Reference};
use super::lower;
use super::place::Place;
use super::raw::{Entry, Raw, RawKind};
use super::syntax::{Block, Check, Condition, Ignore, Lifecycle, Module, Output, ProviderBlock, Stack, Variable};
use super::types;
use crate::words::error::nearest;
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Span, Type, Value};

/// The words at the top of a stack.
const TOP: &[&str] = &[
    "stack",
    "variable",
    "locals",
    "resource",
    "data",
    "output",
    "provider",
    "check",
    "module",
    "moved",
    "import",
    "removed",
    "terraform",
];

/// Gathers the blocks of all files.
pub(super) struct Builder {
    name: Option<Arc<str>>,
    description: Option<String>,
    module: Module,
    seen: std::collections::HashMap<String, Span>,
}

impl Builder {
    pub(super) fn new(dir: &Path) -> Self {
        let module = Module { dir: dir.to_path_buf(), ..Module::default() };
        Self { name: None, description: None, module, seen: std::collections::HashMap::default() }
    }

    /// The stack; its name is the directory's where none is given.
    pub(super) fn done(self, _errors: &mut Diagnostics) -> Stack {
        let dir = self.module.dir.clone();
        let absolute = std::path::absolute(&dir).unwrap_or_else(|_| dir.clone());
        let from_dir = || absolute.file_name().map_or_else(|| "stack".into(), |n| n.to_string_lossy().into_owned().into());
        Stack { name: self.name.unwrap_or_else(from_dir), description: self.description, dir, module: self.module }
    }

    /// A table at the top of a file.
    pub(super) fn top(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        match &*entry.key {
            "stack" => self.stack(&entry.value, errors),
            "locals" => self.locals(entry, errors),
            "variable" => self.named(entry, errors, Self::variable),
            "output" => self.named(entry, errors, Self::output),
            "check" => self.named(entry, errors, Self::check),
            "provider" => self.named(entry, errors, Self::provider),
            "resource" => self.typed(entry, Mode::Managed, errors),
            "data" => self.typed(entry, Mode::Data, errors),
            // Where Terraform keeps its own settings: nothing in it is needed here.
            "terraform" => {}
            word @ ("module" | "moved" | "import" | "removed") => {
                errors.push(Diagnostic::error(format!("`{word}` blocks are not supported yet")).at(&entry.at, "not supported"));
            }
            other => {
                let near = nearest(other, TOP.iter().copied());
                let error = Diagnostic::error(format!("`{other}` is no word of the stack language"));
                let error = error.at(&entry.at, near.map_or_else(|| "unknown".into(), |near| format!("did you mean `{near}`?")));
                errors.push(error.help("a stack holds stack, variable, locals, provider, resource, data, output and check"));
            }
        }
    }

    /// Whether that name is free; else the second one is an error.
    fn first(&mut self, what: String, at: &Span, errors: &mut Diagnostics) -> bool {
        if let Some(before) = self.seen.get(&what) {
            errors.push(
                Diagnostic::error(format!("{what} is declared twice"))
                    .at(at, "the second one")
                    .help(format!("the first one is at {before}")),
            );
            return false;
        }
        self.seen.insert(what, at.clone());
        true
    }

    fn stack(&mut self, value: &Raw, errors: &mut Diagnostics) {
        let mut fields = Fields::of(value, "stack", errors);
        self.name = fields.text("name", errors).or(self.name.take());
        if self.name.as_ref().is_some_and(|n| n.is_empty() || n.contains(['/', '\\']) || n.starts_with('.')) {
            errors.push(
                Diagnostic::error("this can't be the name of a stack")
                    .at(&value.span, "the name becomes a file name: no slash, no leading dot"),
            );
        }
        self.description = fields.text("description", errors).map(|t| t.to_string()).or(self.description.take());
        fields.text("required_version", errors);
        fields.done(errors);
    }

    fn locals(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        let RawKind::Table(entries) = &entry.value.kind else {
            errors.push(Diagnostic::error("`locals` is a table").at(&entry.at, entry.value.kind()));
            return;
        };
        for e in entries {
            if name(e, errors) && self.first(format!("local value `{}`", e.key), &e.at, errors) {
                self.module.locals.insert(e.key.clone(), e.value.expr(errors));
            }
        }
    }

    /// `[word.NAME]` for each name.
    fn named(&mut self, entry: &Entry, errors: &mut Diagnostics, each: fn(&mut Self, &Entry, &mut Diagnostics)) {
        match &entry.value.kind {
            RawKind::Table(entries) => {
                entries.iter().filter(|e| name(e, &mut *errors)).collect::<Vec<_>>().into_iter().for_each(|e| each(self, e, errors));
            }
            _ => errors
                .push(Diagnostic::error(format!("write `[{}.NAME]`", entry.key)).at(&entry.at, format!("this is {}", entry.value.kind()))),
        }
    }

    fn variable(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        if !self.first(format!("variable `{}`", entry.key), &entry.at, errors) {
            return;
        }
        let mut fields = Fields::of(&entry.value, "variable", errors);
        let (ty, defaults) = match fields.take("type") {
            Some(raw) => {
                if let Some(text) = raw.text() {
                    errors.keep(types::parse(text, &raw.place())).unwrap_or_default()
                } else if let RawKind::Code(code) = &raw.kind {
                    errors.keep(types::of(code, &Place::of(&raw.span.source))).unwrap_or_default()
                } else {
                    errors.push(
                        Diagnostic::error("a type is written as a string").at(&raw.span, "write \"string\" or \"list(string)\" or so"),
                    );
                    Default::default()
                }
            }
            None => (Type::Any, types::Defaults::default()),
        };
        let default = fields.take("default").and_then(|raw| match convert(&defaults.fill(&raw.value(errors)), &ty) {
            Ok(value) => Some(value),
            Err(why) => {
                let error = Diagnostic::error(format!("the default of `{}` is not of its type: {why}", entry.key));
                errors.push(error.at(&raw.span, format!("should be {}", super::convert::a_type(&ty))));
                None
            }
        });
        let made = Variable {
            name: entry.key.clone(),
            ty,
            defaults,
            default,
            description: fields.text("description", errors).map(|t| t.to_string()),
            sensitive: fields.flag("sensitive", errors).unwrap_or(false),
            nullable: fields.flag("nullable", errors).unwrap_or(true),
            validations: fields.conditions("validation", errors),
            span: entry.at.clone(),
        };
        fields.flag("ephemeral", errors);
        fields.done(errors);
        self.module.variables.insert(entry.key.clone(), made);
    }

    fn output(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        if !self.first(format!("output `{}`", entry.key), &entry.at, errors) {
            return;
        }
        let mut fields = Fields::of(&entry.value, "output", errors);
        let Some(value) = fields.take("value") else {
            errors.push(Diagnostic::error(format!("output `{}` has no `value`", entry.key)).at(&entry.at, "`value` is required"));
            return;
        };
        let made = Output {
            value: value.expr(errors),
            sensitive: fields.flag("sensitive", errors).unwrap_or(false),
            description: fields.text("description", errors).map(|t| t.to_string()),
            depends_on: fields.references("depends_on", errors),
            preconditions: fields.conditions("precondition", errors),
            span: entry.at.clone(),
        };
        fields.flag("ephemeral", errors);
        fields.done(errors);
        self.module.outputs.insert(entry.key.clone(), made);
    }

    fn check(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        if !self.first(format!("check `{}`", entry.key), &entry.at, errors) {
            return;
        }
        let mut fields = Fields::of(&entry.value, "check", errors);
        let asserts = fields.conditions("assert", errors);
        if asserts.is_empty() {
            errors.push(
                Diagnostic::error(format!("check `{}` asserts nothing", entry.key))
                    .at(&entry.at, "needs `assert = [{ condition, error_message }]`"),
            );
        }
        fields.done(errors);
        self.module.checks.insert(entry.key.clone(), Check { asserts, span: entry.at.clone() });
    }

    fn provider(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        let each: Vec<&Raw> = match &entry.value.kind {
            RawKind::List(items) => items.iter().collect(),
            _ => vec![&entry.value],
        };
        for value in each {
            let mut fields = Fields::of(value, "provider", errors);
            let alias = fields.text("alias", errors);
            fields.take("version");
            let span = if matches!(entry.value.kind, RawKind::List(_)) { value.span.clone() } else { entry.at.clone() };
            let what = alias.as_ref().map_or_else(|| format!("provider `{}`", entry.key), |a| format!("provider `{}.{a}`", entry.key));
            if self.first(what, &span, errors) {
                let body = fields.rest(value, errors);
                self.module.providers.push(ProviderBlock { name: entry.key.clone(), alias, body, span });
            }
        }
    }

    fn typed(&mut self, entry: &Entry, mode: Mode, errors: &mut Diagnostics) {
        let RawKind::Table(kinds) = &entry.value.kind else {
            errors.push(
                Diagnostic::error(format!("write `[{}.TYPE.NAME]`", entry.key)).at(&entry.at, format!("this is {}", entry.value.kind())),
            );
            return;
        };
        for kind in kinds {
            let RawKind::Table(named) = &kind.value.kind else {
                let error = Diagnostic::error(format!("write `[{}.{}.NAME]`", entry.key, kind.key));
                errors.push(error.at(&kind.at, format!("this is {}", kind.value.kind())));
                continue;
            };
            for block in named {
                if !name(block, errors) {
                    continue;
                }
                let address = Address { mode, ..Address::managed(kind.key.clone(), block.key.clone()) };
                let header = header(kind, block);
                if self.first(format!("`{address}`"), &header, errors) {
                    let made = resource(address, header, &block.value, errors);
                    self.module.resources.push(made);
                }
            }
        }
    }
}

/// The place of `TYPE.NAME` or `"TYPE" "NAME"`, where both stand side by side, else that of the name.
fn header(kind: &Entry, block: &Entry) -> Span {
    let before = block.at.source.text.get(..block.at.start as usize).unwrap_or_default().trim_end_matches(['.', ' ', '\t']);
    let bare = before.strip_suffix('"').unwrap_or(before);
    let start = bare.strip_suffix(&*kind.key).map(|b| b.len() - usize::from(bare.len() < before.len()));
    start.map_or_else(|| block.at.clone(), |start| Span::new(&block.at.source, start..block.at.end as usize))
}

/// Whether the key can be a name; else that is an error.
fn name(entry: &Entry, errors: &mut Diagnostics) -> bool {
    let mut chars = entry.key.chars();
    let good = chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-');
    if !good {
        let error = Diagnostic::error(format!("`{}` can't be a name", entry.key));
        errors.push(error.at(&entry.at, "letters, digits, `_` and `-`, with a letter or `_` first"));
    }
    good
}

fn resource(address: Address, span: Span, value: &Raw, errors: &mut Diagnostics) -> Block {
    let mut fields = Fields::of(value, "resource", errors);
    let expr = |raw: Option<&Raw>, errors: &mut Diagnostics| raw.map(|r| r.expr(errors));
    let count = expr(fields.take("count"), errors);
    let for_each = expr(fields.take("for_each"), errors);
    if let (Some(_), Some(second)) = (&count, &for_each) {
        errors.push(
            Diagnostic::error(format!("`{address}` has both `count` and `for_each`")).at(second.span(), "only one of them can be given"),
        );
    }
    let depends_on = fields.references("depends_on", errors);
    let provider = fields.name("provider", errors).map(|text| match text.split_once('.') {
        Some((name, alias)) => (name.into(), Some(alias.into())),
        None => (text, None),
    });
    let lifecycle = fields.take("lifecycle").map_or_else(Lifecycle::default, |raw| lifecycle(raw, errors));
    let timeouts = if address.mode == Mode::Managed { expr(fields.take("timeouts"), errors) } else { None };
    for word in ["provisioner", "connection"] {
        if let Some(raw) = fields.take(word) {
            errors.push(
                Diagnostic::error(format!("`{word}` is not supported"))
                    .at(&raw.span, "not supported")
                    .help("use `user_data`, or run what is needed after apply"),
            );
        }
    }
    let body = fields.rest(value, errors);
    Block { address, span, count, for_each, depends_on, provider, lifecycle, timeouts, body }
}

fn lifecycle(raw: &Raw, errors: &mut Diagnostics) -> Lifecycle {
    let mut fields = Fields::of(raw, "lifecycle", errors);
    let made = Lifecycle {
        create_before_destroy: fields.flag("create_before_destroy", errors),
        prevent_destroy: fields.flag("prevent_destroy", errors).unwrap_or(false),
        ignore_changes: fields.take("ignore_changes").map_or(Ignore::None, |raw| ignore(raw, errors)),
        replace_triggered_by: fields.references("replace_triggered_by", errors),
        preconditions: fields.conditions("precondition", errors),
        postconditions: fields.conditions("postcondition", errors),
    };
    fields.done(errors);
    made
}

fn ignore(raw: &Raw, errors: &mut Diagnostics) -> Ignore {
    match &raw.kind {
        _ if raw.name().as_deref() == Some("all") => Ignore::All,
        RawKind::List(items) => {
            let mut paths = vec![];
            for item in items {
                match item.name() {
                    Some(text) => paths.push(text.replace("[\"", ".").replace("\"]", "").replace('[', ".").replace(']', "")),
                    None => errors
                        .push(Diagnostic::error("`ignore_changes` names attributes").at(&item.span, format!("this is {}", item.kind()))),
                }
            }
            Ignore::Paths(paths)
        }
        _ => {
            errors.push(
                Diagnostic::error("`ignore_changes` is a list of attributes, or \"all\"").at(&raw.span, format!("this is {}", raw.kind())),
            );
            Ignore::None
        }
    }
}

/// The entries of a table, taken one after the other.
struct Fields<'a> {
    what: &'static str,
    entries: Vec<&'a Entry>,
    known: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    fn of(value: &'a Raw, what: &'static str, errors: &mut Diagnostics) -> Self {
        let entries = match &value.kind {
            RawKind::Table(entries) => entries.iter().collect(),
            // One block in an array, as generated files have it.
            RawKind::List(items) if items.len() == 1 => return Self::of(&items[0], what, errors),
            _ => {
                errors.push(Diagnostic::error(format!("`{what}` is a table")).at(&value.span, format!("this is {}", value.kind())));
                vec![]
            }
        };
        Self { what, entries, known: vec![] }
    }

    fn take(&mut self, name: &'static str) -> Option<&'a Raw> {
        self.known.push(name);
        let at = self.entries.iter().position(|e| &*e.key == name)?;
        Some(&self.entries.remove(at).value)
    }

    fn text(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<Arc<str>> {
        let raw = self.take(name)?;
        if raw.text().is_none() {
            errors.push(Diagnostic::error(format!("`{name}` is a string")).at(&raw.span, format!("this is {}", raw.kind())));
        }
        raw.text().cloned()
    }

    /// A string, or in a `.tf` file a reference that stands for itself.
    fn name(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<Arc<str>> {
        let raw = self.take(name)?;
        let found = raw.name();
        if found.is_none() {
            errors.push(Diagnostic::error(format!("`{name}` is a name")).at(&raw.span, format!("this is {}", raw.kind())));
        }
        found
    }

    fn flag(&mut self, name: &'static str, errors: &mut Diagnostics) -> Option<bool> {
        let raw = self.take(name)?;
        let value = super::convert::truth(&raw.value(errors)).ok();
        if value.is_none() {
            errors.push(
                Diagnostic::error(format!("`{name}` is true or false, written out")).at(&raw.span, format!("this is {}", raw.kind())),
            );
        }
        value
    }

    /// References, in TOML and JSON written as strings: `["aws_instance.web", "${aws_eip.ip}"]`.
    fn references(&mut self, name: &'static str, errors: &mut Diagnostics) -> Vec<Reference> {
        let Some(raw) = self.take(name) else { return vec![] };
        let RawKind::List(items) = &raw.kind else {
            errors.push(Diagnostic::error(format!("`{name}` is a list of references")).at(&raw.span, "write [\"TYPE.NAME\"] or so"));
            return vec![];
        };
        let mut found = vec![];
        for item in items {
            let expr = match (&item.kind, item.text()) {
                (RawKind::Code(_), _) => Some(item.expr(errors)),
                (_, Some(text)) if text.contains("${") => Some(item.expr(errors)),
                (_, Some(text)) => errors.keep(lower::expression(text, &item.place())),
                (_, None) => {
                    let error = Diagnostic::error(format!("`{name}` is a list of references"));
                    errors.push(error.at(&item.span, format!("this is {}", item.kind())));
                    None
                }
            };
            let Some(expr) = expr else { continue };
            match expr.references().into_iter().next() {
                Some(mut reference) => {
                    reference.span = item.span.clone();
                    found.push(reference);
                }
                None => errors.push(Diagnostic::error("this refers to nothing").at(&item.span, "write \"TYPE.NAME\" or so")),
            }
        }
        found
    }

    /// One table or several with `condition` and `error_message`.
    fn conditions(&mut self, name: &'static str, errors: &mut Diagnostics) -> Vec<Condition> {
        let Some(raw) = self.take(name) else { return vec![] };
        let each: Vec<&Raw> = match &raw.kind {
            RawKind::List(items) => items.iter().collect(),
            _ => vec![raw],
        };
        each.into_iter().filter_map(|raw| condition(raw, name, errors)).collect()
    }

    /// What nobody took is unknown.
    fn done(self, errors: &mut Diagnostics) {
        for entry in self.entries {
            let near = nearest(&entry.key, self.known.iter().copied());
            let error = Diagnostic::error(format!("`{}` has no `{}`", self.what, entry.key));
            let error = error.at(&entry.at, near.map_or_else(|| "unknown".into(), |near| format!("did you mean `{near}`?")));
            errors.push(error.help(format!("it may hold {}", self.known.join(", "))));
        }
    }

    /// What nobody took, as an object.
    fn rest(self, value: &Raw, errors: &mut Diagnostics) -> Expr {
        Expr::object(self.entries.iter().map(|e| e.pair(errors)).collect(), value.span.clone())
    }
}

fn condition(raw: &Raw, name: &'static str, errors: &mut Diagnostics) -> Option<Condition> {
    let mut fields = Fields::of(raw, name, errors);
    let (condition, message) = (fields.take("condition"), fields.take("error_message"));
    fields.done(errors);
    let (Some(condition), Some(message)) = (condition, message) else {
        errors.push(Diagnostic::error(format!("`{name}` needs a `condition` and an `error_message`")).at(&raw.span, "incomplete"));
        return None;
    };
    let made = Condition { condition: condition.expr(errors), error_message: message.expr(errors) };
    let constant = made.condition.constant();
    if let Some(Value::String(_)) = constant.filter(|v| super::convert::truth(v).is_err()) {
        let error = Diagnostic::error("a condition is an expression in `${...}`").at(&condition.span, "this is a text");
        errors.push(error.help(format!("write condition = \"${{{}}}\"", condition.text().map_or("", |t| t))));
    }
    Some(made)
}
