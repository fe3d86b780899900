//! From tables to blocks: what each top-level word of a stack means.

use std::path::{Path, PathBuf};
use std::sync::Arc;

mod changes;
mod drift;
mod dynamic;
mod fields;
mod module;
mod resource;
mod settings;

pub(super) use settings::allows;

use fields::{Fields, name};

use super::convert::convert;
use super::place::Place;
use super::raw::{Entry, Raw, RawKind};
use super::syntax::{Check, DriftRule, Module, Output, ProviderBlock, Stack, Variable};
use super::types;
use crate::words::error::nearest;
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Span, Type};

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
    "drift",
    "terraform",
];

/// Gathers the blocks of all files.
pub(super) struct Builder {
    name: Option<Arc<str>>,
    description: Option<String>,
    dir: PathBuf,
    backend: Option<PathBuf>,
    rules: Vec<DriftRule>,
    module: Module,
    seen: std::collections::HashMap<String, Span>,
}

impl Builder {
    /// Of the stack in that directory, or of a module of it with a `path` of its own.
    pub(super) fn new(dir: &Path, path: &str) -> Self {
        let module = Module { dir: path.into(), ..Module::default() };
        Self {
            name: None,
            description: None,
            dir: dir.to_path_buf(),
            backend: None,
            rules: vec![],
            module,
            seen: std::collections::HashMap::default(),
        }
    }

    /// The stack; its name is the directory's where none is given.
    pub(super) fn done(self, errors: &mut Diagnostics) -> Stack {
        if let Some(rule) = self.rules.first().filter(|_| &*self.module.dir != ".") {
            let error = Diagnostic::error("a module has no rules for drift").at(&rule.span, "in a module");
            errors.push(error.help("write them into the stack that calls it: address = \"module.NAME.*\""));
        }
        let dir = self.dir;
        let absolute = std::path::absolute(&dir).unwrap_or_else(|_| dir.clone());
        let from_dir = || absolute.file_name().map_or_else(|| "stack".into(), |n| n.to_string_lossy().into_owned().into());
        Stack {
            name: self.name.unwrap_or_else(from_dir),
            description: self.description,
            dir,
            backend: self.backend,
            drift: self.rules,
            module: self.module,
        }
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
            "module" => self.named(entry, errors, Self::call),
            "resource" => self.typed(entry, Mode::Managed, errors),
            "data" => self.typed(entry, Mode::Data, errors),
            "terraform" => {
                let backend = settings::settings(&entry.value, &mut self.module.required, errors);
                self.backend = backend.or(self.backend.take());
            }
            "moved" => self.module.moved.extend(changes::each(entry).into_iter().filter_map(|raw| changes::moved(raw, errors))),
            "removed" => self.module.removed.extend(changes::each(entry).into_iter().filter_map(|raw| changes::removed(raw, errors))),
            "drift" => drift::rules(&entry.value, &mut self.rules, errors),
            "import" => self.module.imports.extend(changes::each(entry).into_iter().filter_map(|raw| changes::import(raw, errors))),
            other => {
                let near = nearest(other, TOP.iter().copied());
                let error = Diagnostic::error(format!("`{other}` is no word of the stack language"));
                let error = error.at(&entry.at, near.map_or_else(|| "unknown".into(), |near| format!("did you mean `{near}`?")));
                errors.push(error.help(
                    "a stack holds stack, variable, locals, provider, resource, data, module, output, check, moved, removed, import and drift",
                ));
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
            _ => errors.push(
                Diagnostic::error(format!("`{}` needs a name", entry.key))
                    .at(&entry.at, format!("this is {}", entry.value.kind()))
                    .write(format!("write `[{}.NAME]`", entry.key), format!("write `{} \"NAME\" {{ ... }}`", entry.key)),
            ),
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
            ephemeral: fields.flag("ephemeral", errors).unwrap_or(false),
            nullable: fields.flag("nullable", errors).unwrap_or(true),
            validations: fields.conditions("validation", errors),
            span: entry.at.clone(),
        };
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
            ephemeral: fields.flag("ephemeral", errors).unwrap_or(false),
            description: fields.text("description", errors).map(|t| t.to_string()),
            depends_on: fields.references("depends_on", errors),
            preconditions: fields.conditions("precondition", errors),
            span: entry.at.clone(),
        };
        fields.done(errors);
        self.module.outputs.insert(entry.key.clone(), made);
    }

    fn check(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        if !self.first(format!("check `{}`", entry.key), &entry.at, errors) {
            return;
        }
        let mut fields = Fields::of(&entry.value, "check", errors);
        if let Some(data) = fields.take("data") {
            let before = self.module.resources.len();
            self.typed(&Entry { key: "data".into(), at: entry.at.clone(), value: data.clone() }, Mode::Data, errors);
            for block in &mut self.module.resources[before..] {
                block.of_check = Some(entry.key.clone());
            }
        }
        let asserts = fields.conditions("assert", errors);
        if asserts.is_empty() {
            errors.push(Diagnostic::error(format!("check `{}` asserts nothing", entry.key)).at(&entry.at, "needs an `assert`").write(
                "write assert = { condition = \"${...}\", error_message = \"...\" }",
                "write assert { ... } with condition and error_message",
            ));
        }
        fields.done(errors);
        self.module.checks.insert(entry.key.clone(), Check { asserts, span: entry.at.clone() });
    }

    fn call(&mut self, entry: &Entry, errors: &mut Diagnostics) {
        if self.first(format!("module `{}`", entry.key), &entry.at, errors) {
            let call = module::call(entry, errors);
            self.module.calls.extend(call.map(|call| (call.name.clone(), call)));
        }
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
                Diagnostic::error(format!("`{}` needs a type and a name", entry.key))
                    .at(&entry.at, format!("this is {}", entry.value.kind()))
                    .write(format!("write `[{}.TYPE.NAME]`", entry.key), format!("write `{} \"TYPE\" \"NAME\" {{ ... }}`", entry.key)),
            );
            return;
        };
        for kind in kinds {
            let RawKind::Table(named) = &kind.value.kind else {
                let error = Diagnostic::error(format!("`{}` of {} needs a name", entry.key, kind.key));
                let error = error.at(&kind.at, format!("this is {}", kind.value.kind()));
                let tf = format!("write `{} \"{}\" \"NAME\" {{ ... }}`", entry.key, kind.key);
                errors.push(error.write(format!("write `[{}.{}.NAME]`", entry.key, kind.key), tf));
                continue;
            };
            for block in named {
                if !name(block, errors) {
                    continue;
                }
                let address = Address { mode, ..Address::managed(kind.key.clone(), block.key.clone()) };
                let header = header(kind, block);
                if self.first(format!("`{address}`"), &header, errors) {
                    let made = resource::resource(address, header, &block.value, errors);
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
