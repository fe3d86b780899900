//! The values of a stack's variables: given ones, defaults, conversions, validations.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::convert::{a_type, convert, kind_of, truth};
use super::expr::Expr;
use super::files::Files;
use super::lower;
use super::place::Place;
use super::scope::{Nothing, Scope};
use super::syntax::{Call, Module, Variable};
use super::toml;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics, Key, Mode, Result, Source, Span, Type, Value};

/// A value that a user gives to a variable.
#[derive(Clone, Debug)]
pub struct Given {
    /// The variable.
    pub name: String,
    /// Its value.
    pub value: RawValue,
    /// Where it comes from, as the user knows it: `--var`, `the environment variable TF_VAR_region`, the name of a file.
    pub source: String,
    /// Whether it is fine that no such variable is declared: of the environment and of files that are read by themselves.
    pub lenient: bool,
}

/// A value as a user gives it.
#[derive(Clone, Debug)]
pub enum RawValue {
    /// The text of a flag or an environment variable: an expression where the variable is of no primitive type.
    Text(String),
    /// The value in a file, with its place.
    Value(Value, Option<Span>),
}

/// The values of all variables. Of several values for one variable the last one holds.
///
/// Warnings go to `warnings`; all that is wrong is told at once.
pub fn variables(module: &Module, given: &[Given], files: &Files, warnings: &mut Diagnostics) -> Result<BTreeMap<Arc<str>, Value>> {
    let mut errors = Diagnostics::default();
    let mut chosen: BTreeMap<&str, &Given> = BTreeMap::new();
    for g in given {
        if module.variables.contains_key(g.name.as_str()) {
            chosen.insert(&g.name, g);
        } else {
            undeclared(module, g, &mut errors, warnings);
        }
    }
    let mut made = BTreeMap::new();
    for (name, variable) in &module.variables {
        if let Some(value) = errors.keep(settle(variable, chosen.get(&**name).copied(), files)) {
            made.insert(name.clone(), marked(variable, value));
        }
    }
    if !errors.has_errors() {
        for variable in module.variables.values() {
            validate(variable, &made, files, &mut errors);
        }
    }
    errors.unless_errors(made)
}

/// The values of those variables for which there is one, whatever is wrong with others.
pub(super) fn known(module: &Module, given: &[Given], files: &Files) -> BTreeMap<Arc<str>, Value> {
    let of = |name: &str| given.iter().rev().find(|given| given.name == name);
    let settled = module.variables.iter().filter_map(|(name, variable)| Some((name.clone(), settle(variable, of(name), files).ok()?)));
    settled.collect()
}

/// The files with values that are read by themselves, in Terraform's order; ours first.
pub fn automatic(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = FIXED.map(|name| folder.join(name)).into_iter().filter(|path| path.is_file()).collect();
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut more: Vec<PathBuf> = names.filter(|path| is_auto(&path.file_name().unwrap_or_default().to_string_lossy())).collect();
    more.sort();
    found.append(&mut more);
    found
}

/// Files with values that are read by themselves.
const FIXED: [&str; 3] = ["vars.toml", "terraform.tfvars", "terraform.tfvars.json"];

fn is_auto(name: &str) -> bool {
    name.ends_with(".auto.tfvars") || name.ends_with(".auto.tfvars.json")
}

/// Whether a file of that name is read by itself.
pub fn is_automatic(name: &str) -> bool {
    FIXED.contains(&name) || is_auto(name)
}

/// The value of a variable of a module, of what its caller gives: none where it gives nothing.
pub fn input(variable: &Variable, call: &Call, given: Option<Value>) -> Result<Value> {
    let Some(value) = given else {
        return variable.default.clone().map(|v| marked(variable, v)).ok_or_else(|| {
            let error = Diagnostic::error(format!("module `{}` needs a value for its variable `{}`", call.name, variable.name));
            error.at(&call.span, format!("`{}` is missing", variable.name)).help(format!("its type is {}", variable.ty.name())).into()
        });
    };
    let at = call.input(&variable.name).map_or(&call.span, Expr::span);
    let wrong = |why: String, label: String| {
        let error = Diagnostic::error(format!("the value for variable `{}` of module `{}` {why}", variable.name, call.name));
        Err(error.at(at, label).into())
    };
    if value.has_ephemeral() && !variable.ephemeral {
        return wrong("can't be ephemeral: the variable is not declared so".into(), "is ephemeral".into()).map_err(
            |mut errors: Diagnostics| {
                errors
                    .0
                    .iter_mut()
                    .for_each(|e| e.help.push(format!("add `ephemeral = true` to the variable `{}` of the module", variable.name)));
                errors
            },
        );
    }
    let value = match (value.is_null(), variable.nullable, &variable.default) {
        (true, false, Some(default)) => default.clone(),
        (true, false, None) => return wrong("can't be null".into(), "null".into()),
        _ => value,
    };
    match convert(&variable.defaults.fill(&value), &variable.ty) {
        Ok(value) => Ok(marked(variable, value)),
        Err(why) => wrong(format!("must be {}: {why}", a_type(&variable.ty)), format!("this is {}", kind_of(&value))),
    }
}

/// A value with the marks that its variable gives it.
fn marked(variable: &Variable, value: Value) -> Value {
    value.sensitive_if(variable.sensitive).ephemeral_if(variable.ephemeral)
}

fn undeclared(module: &Module, given: &Given, errors: &mut Diagnostics, warnings: &mut Diagnostics) {
    let near = nearest(&given.name, module.variables.keys().map(|k| &**k));
    let summary = format!("there is no variable `{}`, for which {} gives a value", given.name, given.source);
    let name = &given.name;
    let declare = |error: Diagnostic| match near {
        Some(near) => error.help(format!("did you mean `{near}`?")),
        None => error.write(format!("declare it: [variable.{name}]"), format!("declare it: variable \"{name}\" {{}}")),
    };
    let place = |d: Diagnostic| match &given.value {
        RawValue::Value(_, Some(span)) => d.at(span, "no such variable"),
        _ => d,
    };
    match &given.value {
        // An environment variable may be meant for another stack.
        RawValue::Text(_) if given.lenient => {}
        RawValue::Text(_) => errors.push(declare(Diagnostic::error(summary))),
        RawValue::Value(..) => warnings.push(declare(place(Diagnostic::warning(summary)))),
    }
}

fn settle(variable: &Variable, given: Option<&Given>, files: &Files) -> Result<Value> {
    let Some(given) = given else { return fallback(variable) };
    let (value, span) = match &given.value {
        RawValue::Value(value, span) => (value.clone(), span.clone()),
        RawValue::Text(text) => (parsed(variable, text, given, files)?, None),
    };
    if value.is_null() && !variable.nullable {
        return fallback(variable);
    }
    convert(&variable.defaults.fill(&value), &variable.ty).map_err(|why| {
        let wanted = a_type(&variable.ty);
        let error = Diagnostic::error(format!("the value for variable `{}` must be {wanted}: {why}", variable.name))
            .fact("given by", given.source.clone());
        match &span {
            Some(span) => error.at(span, format!("this is {}", kind_of(&value))).into(),
            None => error.at(&variable.span, format!("is declared as {wanted}")).into(),
        }
    })
}

fn fallback(variable: &Variable) -> Result<Value> {
    match &variable.default {
        Some(value) if variable.nullable || !value.is_null() => Ok(value.clone()),
        Some(_) => {
            Err(Diagnostic::error(format!("variable `{}` can't be null", variable.name)).at(&variable.span, "is not nullable").into())
        }
        None => {
            let mut error = Diagnostic::error(format!("variable `{}` has no value", variable.name)).at(&variable.span, "has no default");
            if let Some(description) = &variable.description {
                error = error.fact("description", description.trim());
            }
            let example = if matches!(variable.ty, Type::String | Type::Any) { "VALUE".to_owned() } else { a_type(&variable.ty) };
            Err(error
                .help(format!(
                    "give it: --var {}={}, a line in vars.toml, or the environment variable FERROFORM_VAR_{}",
                    variable.name, example, variable.name
                ))
                .into())
        }
    }
}

/// A text as value: as it is for a primitive type, else an expression.
fn parsed(variable: &Variable, text: &str, given: &Given, files: &Files) -> Result<Value> {
    if matches!(variable.ty, Type::String | Type::Number | Type::Bool | Type::Any) {
        return Ok(Value::from(text));
    }
    let source = Source::new(format!("<value of {} for {}>", given.source, variable.name), text);
    let wanted = |mut errors: Diagnostics| {
        for error in &mut errors.0 {
            error.help.push(format!(
                "variable `{}` is {}: write [\"a\", \"b\"] or {{ key = \"value\" }}",
                variable.name,
                a_type(&variable.ty)
            ));
        }
        errors
    };
    let expr = lower::expression(&source.text, &Place::of(&source)).map_err(wanted)?;
    expr.eval(&Nothing(files)).map_err(wanted)
}

/// What a condition of a variable may refer to.
struct Vars<'a>(&'a BTreeMap<Arc<str>, Value>, &'a Files);

impl Scope for Vars<'_> {
    fn variable(&self, name: &str) -> Option<Result<Value>> {
        self.0.get(name).cloned().map(Ok)
    }
    fn local(&self, name: &str) -> Option<Result<Value>> {
        Some(Err(Diagnostic::error(format!("a condition of a variable refers to variables only, not to `local.{name}`")).into()))
    }
    fn resource(&self, _: Mode, kind: &str, name: &str, _: Option<&Key>) -> Result<Value> {
        Err(Diagnostic::error(format!("a condition of a variable refers to variables only, not to `{kind}.{name}`")).into())
    }
    fn files(&self) -> &Files {
        self.1
    }
}

fn validate(variable: &Variable, values: &BTreeMap<Arc<str>, Value>, files: &Files, errors: &mut Diagnostics) {
    errors.keep(held_to(variable, &Vars(values, files)));
}

/// Fails with what each condition of a variable says that does not hold in that scope.
pub fn held_to(variable: &Variable, scope: &dyn Scope) -> Result<()> {
    let mut errors = Diagnostics::default();
    for rule in &variable.validations {
        let Some(value) = errors.keep(rule.condition.eval(scope)) else { continue };
        if value.is_unknown() {
            continue;
        }
        match truth(&value) {
            Ok(true) => {}
            Ok(false) => {
                let message = errors.keep(rule.error_message.eval(scope)).unwrap_or_default();
                let hidden = message.is_sensitive();
                let message = if hidden {
                    "the value is not accepted (the message is sensitive)"
                } else {
                    message.as_str().unwrap_or("the value is not accepted")
                };
                let error = Diagnostic::error(format!("variable `{}`: {}", variable.name, message.trim_end_matches('.')));
                errors.push(error.at(rule.condition.span(), "this condition is not met"));
            }
            Err(why) => errors
                .push(Diagnostic::error(format!("a condition must be true or false: {why}")).at(rule.condition.span(), kind_of(&value))),
        }
    }
    errors.unless_errors(())
}

/// The values in a file: `.tfvars`, `.json`, or `.toml`. `name` is that of the file, as the user knows it.
pub fn file_values(name: &str, text: &str, lenient: bool, files: &Files) -> Result<Vec<Given>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n");
    let source = Source::new(name, text);
    let given =
        |key: &str, value, span| Given { name: key.to_owned(), value: RawValue::Value(value, span), source: name.to_owned(), lenient };
    let ends = |end: &str| name.to_ascii_lowercase().ends_with(end);
    if ends(".json") {
        return json(&source).map(|all| all.into_iter().map(|(k, v)| given(&k, v, None)).collect());
    }
    if ends(".toml") {
        let (entries, mut errors) = (toml::parse(&source)?, Diagnostics::default());
        let made = entries.iter().map(|e| given(&e.key, e.value.value(&mut errors), Some(e.value.span.clone()))).collect();
        return errors.unless_errors(made);
    }
    let mut errors = Diagnostics::default();
    let mut made = vec![];
    for (key, _, expr) in lower::attributes(&source.text, &Place::of(&source))? {
        let expr: Expr = expr;
        if let Some(value) = errors.keep(expr.eval(&Nothing(files))) {
            made.push(given(&key, value, Some(expr.span().clone())));
        }
    }
    errors.unless_errors(made)
}

fn json(source: &Arc<Source>) -> Result<Vec<(String, Value)>> {
    let read: serde_json::Value = serde_json::from_str(&source.text).map_err(|e| {
        let line_start: usize = source.text.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
        let at = super::place::boundary(&source.text, line_start + e.column().saturating_sub(1));
        Diagnostic::error(format!("the file `{}` is no valid JSON: {e}", source.name)).at(&Span::new(source, at..at + 1), "here")
    })?;
    match read {
        serde_json::Value::Object(all) => Ok(all.iter().map(|(k, v)| (k.clone(), Value::from_json(v))).collect()),
        _ => Err(Diagnostic::error(format!("the file `{}` must hold an object: {{\"name\": value}}", source.name)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STACK: &str = r#"
[variable.region]
description = "Where"
type = "string"
[variable.zones]
type = "list(string)"
default = ["a"]
[variable.size]
type = "number"
default = 5
sensitive = true
validation = { condition = "${var.size < 10}", error_message = "too large: ${var.size}." }
"#;

    fn settled(given: &[(&str, &str)]) -> std::result::Result<BTreeMap<Arc<str>, Value>, String> {
        let files = Files::embedded([("stack.toml".to_owned(), Arc::from(STACK.as_bytes()))].into());
        let stack = crate::stack::load(std::path::Path::new("stack.toml"), &files).unwrap();
        let one = |&(name, text): &(&str, &str)| Given {
            name: name.into(),
            value: RawValue::Text(text.into()),
            source: "--var".into(),
            lenient: false,
        };
        let given: Vec<Given> = given.iter().map(one).collect();
        variables(&stack.module, &given, &files, &mut Diagnostics::default()).map_err(|e| e.to_string())
    }

    #[test]
    fn texts_become_values_of_the_declared_type() {
        let values = settled(&[("region", "123"), ("zones", "[\"x\", 2]"), ("size", "7")]).unwrap();
        assert_eq!(values["region"], Value::from("123"));
        assert_eq!(values["zones"], Value::list(["x".into(), "2".into()]));
        assert_eq!(values["size"], Value::from(7).sensitive());
        assert_eq!(settled(&[("region", "a"), ("region", "b")]).unwrap()["region"], Value::from("b"));
    }

    #[test]
    fn what_is_wrong_with_a_value_is_told() {
        let wrong = |given: &[(&str, &str)]| settled(given).unwrap_err();
        assert!(wrong(&[]).contains(
            "variable `region` has no value (stack.toml:2:11: has no default); description: Where; help: give it: --var region=VALUE"
        ));
        assert!(wrong(&[("region", "a"), ("zones", "x")]).contains("refers to nothing"));
        assert!(wrong(&[("region", "a"), ("zones", "5")]).contains("must be a list(string)"));
        assert!(wrong(&[("region", "a"), ("size", "x")]).contains("a number is required"));
        assert!(wrong(&[("region", "a"), ("regio", "x")]).contains("did you mean `region`?"));
        let hidden = wrong(&[("region", "a"), ("size", "4711")]);
        assert!(hidden.contains("is not accepted") && !hidden.contains("4711"), "{hidden}");
    }

    #[test]
    fn values_are_read_from_files() {
        let files = Files::embedded([].into());
        let read = |name: &str, text: &str| {
            let show = |g: Given| match g.value {
                RawValue::Value(v, _) => format!("{}={}", g.name, v.to_json()),
                RawValue::Text(t) => t,
            };
            file_values(name, text, true, &files).map(|all| all.into_iter().map(show).collect::<Vec<_>>().join(";"))
        };
        assert_eq!(read("x.tfvars", "a = \"b\"\nc = [1, true]\nd = { e = null }\n").unwrap(), "a=\"b\";c=[1,true];d={\"e\":null}");
        assert_eq!(read("x.tfvars.json", "{\"a\": \"${b}\"}").unwrap(), "a=\"${b}\"");
        assert_eq!(read("vars.toml", "a = \"${b}\"\nc = [1]").unwrap(), "a=\"${b}\";c=[1]");
        for (name, text) in
            [("x.tfvars", "a ="), ("x.tfvars", "b {}"), ("x.tfvars", "a = var.b"), ("x.json", "[1]"), ("x.json", "{"), ("x.toml", "a")]
        {
            assert!(read(name, text).is_err(), "{name} {text}");
        }
    }
}
