//! Which files a stack uses besides those that it is made of, as far as that can be told without asking any cloud.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::eval::Cx;
use super::expr::{Expr, Node, Part};
use super::files::Files;
use super::functions::glob;
use super::scope::Scope;
use super::syntax::{Call, Module, Stack};
use super::variables::{Given, known};
use crate::words::{Key, Mode, Result, Value};

/// A file that an expression reads, or several. Paths are absolute.
#[derive(Clone, Debug)]
pub enum Use {
    /// This one.
    File(PathBuf),
    /// Whichever has a path that begins so: the rest is not known before the stack is planned.
    Beginning(String),
    /// Those in a folder whose paths from there are like that.
    Like(PathBuf, regex::Regex),
}

impl Use {
    /// Whether a file, or a folder that became another, is meant.
    #[must_use]
    pub fn covers(&self, path: &Path) -> bool {
        match self {
            Self::File(file) => file.starts_with(path) || real(file) == path,
            Self::Beginning(text) => {
                let begins = |text: &str| path.to_string_lossy().starts_with(text);
                begins(text) || Path::new(text).starts_with(path) || (!text.is_empty() && begins(&real(Path::new(text)).to_string_lossy()))
            }
            Self::Like(folder, pattern) => {
                let inner = path.strip_prefix(folder).or_else(|_| path.strip_prefix(real(folder))).ok();
                inner.is_some_and(|inner| pattern.is_match(&inner.to_string_lossy())) || folder.starts_with(path)
            }
        }
    }
}

/// A path with its links followed, as far as it is there.
#[must_use]
pub fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|folder| Some((folder, folder.canonicalize().ok()?)));
    let Some((folder, mut real)) = found else { return path.to_path_buf() };
    real.extend(path.strip_prefix(folder).into_iter().flatten());
    real
}

/// What the expressions of a stack read with functions, those of its modules too, and files that resources are made of. `given` are the
/// values of variables that are known.
#[must_use]
pub fn uses(stack: &Stack, files: &Files, workspace: &str, given: &[Given]) -> Vec<Use> {
    let mut found = vec![];
    let variables = known(&stack.module, given, files);
    look(&Known { files, module: &stack.module, variables, workspace, under_way: RefCell::default() }, &mut found);
    found
}

/// The folders of modules that the stack is made of, its own first, as [`Module::dir`] has them.
#[must_use]
pub fn folders(stack: &Stack) -> Vec<Arc<str>> {
    fn walk(module: &Module, found: &mut Vec<Arc<str>>) {
        if !found.contains(&module.dir) {
            found.push(module.dir.clone());
            module.calls.values().for_each(|call| walk(&call.module, found));
        }
    }
    let mut found = vec![];
    walk(&stack.module, &mut found);
    found
}

/// What is known of a module before anything is planned.
struct Known<'a> {
    files: &'a Files,
    module: &'a Module,
    variables: BTreeMap<Arc<str>, Value>,
    workspace: &'a str,
    /// Local values that are being evaluated: one that needs itself is not known.
    under_way: RefCell<Vec<Arc<str>>>,
}

fn look(known: &Known<'_>, found: &mut Vec<Use>) {
    known.module.each_expr(&mut |expr| {
        expr.visit(&mut |part| {
            if let Node::Call(call) = &part.node
                && (call.function.name.starts_with("file") || call.function.name == "templatefile")
                && let [path, rest @ ..] = call.args.as_slice()
            {
                let pattern = rest.first().filter(|_| call.function.name == "fileset");
                found.push(known.used(path, pattern));
            }
        });
    });
    for block in known.module.resources.iter().filter(|block| block.address.kind.starts_with("local_")) {
        let source = block.body.entry("source").map(|source| known.beginning(source));
        // An attribute's path starts from where the command works.
        found.extend(source.filter(|(text, _)| !text.is_empty()).map(|(text, whole)| {
            let path = known.files.paths().here.join(&text);
            if whole { Use::File(path) } else { Use::Beginning(path.to_string_lossy().into_owned()) }
        }));
    }
    for call in known.module.calls.values() {
        look(&known.called(call), found);
    }
}

impl Known<'_> {
    /// The module behind a call, with the inputs that are known.
    fn called<'b>(&'b self, call: &'b Call) -> Known<'b> {
        let value = |name: &Arc<str>| match call.input(name) {
            Some(input) => input.eval(self).ok(),
            None => call.module.variables.get(name).and_then(|variable| variable.default.clone()),
        };
        let variables = call.module.variables.keys().filter_map(|name| Some((name.clone(), value(name)?))).collect();
        Known { files: self.files, module: &call.module, variables, workspace: self.workspace, under_way: RefCell::default() }
    }

    fn used(&self, path: &Expr, pattern: Option<&Expr>) -> Use {
        let (text, whole) = self.beginning(path);
        if !whole {
            let slash = if text.ends_with('/') { "/" } else { "" };
            return Use::Beginning(if text.is_empty() { String::new() } else { self.files.absolute(&text) + slash });
        }
        let path = PathBuf::from(self.files.absolute(&text));
        let Some(pattern) = pattern else { return Use::File(path) };
        let (pattern, whole) = self.beginning(pattern);
        match glob(&pattern).ok().filter(|_| whole && !pattern.split('/').any(|part| part == "..")) {
            Some(like) => Use::Like(path, like),
            None => Use::Beginning(path.to_string_lossy().into_owned()),
        }
    }

    /// The text that an expression makes, or what it begins with; and whether that is all of it.
    fn beginning(&self, expr: &Expr) -> (String, bool) {
        let value = expr.value(&Cx { scope: self, locals: None, given: None, depth: 0 });
        if let Some(text) = value.ok().filter(Value::is_known).and_then(|value| value.bare_deep().as_str().map(str::to_owned)) {
            return (text, true);
        }
        let Node::Template(parts) = &expr.node else { return (String::new(), false) };
        let mut made = String::new();
        for part in parts {
            let (text, whole) = match part {
                Part::Text(text) => (text.to_string(), true),
                Part::Value(value) => self.beginning(value),
                Part::If { .. } | Part::For { .. } => (String::new(), false),
            };
            made += &text;
            if !whole {
                return (made, false);
            }
        }
        (made, true)
    }
}

impl Scope for Known<'_> {
    fn variable(&self, name: &str) -> Option<Result<Value>> {
        self.module.variables.get(name)?;
        Some(Ok(self.variables.get(name).cloned().unwrap_or_else(Value::unknown)))
    }
    fn local(&self, name: &str) -> Option<Result<Value>> {
        let (name, expr) = self.module.locals.get_key_value(name)?;
        if self.under_way.borrow().contains(name) {
            return Some(Ok(Value::unknown()));
        }
        self.under_way.borrow_mut().push(name.clone());
        let value = expr.eval(self);
        self.under_way.borrow_mut().pop();
        Some(Ok(value.unwrap_or_else(|_| Value::unknown())))
    }
    fn resource(&self, _: Mode, _: &str, _: &str, _: Option<&Key>) -> Result<Value> {
        Ok(Value::unknown())
    }
    fn module(&self, _: &str, _: Option<&Key>, _: Option<&str>) -> Result<Value> {
        Ok(Value::unknown())
    }
    fn each_key(&self) -> Option<Value> {
        Some(Value::unknown())
    }
    fn each_value(&self) -> Option<Result<Value>> {
        Some(Ok(Value::unknown()))
    }
    fn self_value(&self) -> Option<Result<Value>> {
        Some(Ok(Value::unknown()))
    }
    fn module_path(&self) -> &str {
        &self.module.shown
    }
    fn workspace(&self) -> &str {
        self.workspace
    }
    fn files(&self) -> &Files {
        self.files
    }
}
