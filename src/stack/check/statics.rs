//! What can be said of a stack before anything is evaluated.

use std::collections::HashMap;
use std::sync::Arc;

use crate::stack::convert;
use crate::stack::expr::{Expr, Reference, Target};
use crate::stack::syntax::{Block, Call, Condition, Module, Stack};
use crate::words::error::nearest;
use crate::words::resource::Registry;
use crate::words::schema::{Attr, Kind};
use crate::words::{Diagnostic, Diagnostics, Mode, Result, Type, Value};

/// Everything that is wrong with a stack as far as it shows without evaluating: unknown types and attributes, references to nothing,
/// values of the wrong type.
pub fn validate(stack: &Stack, registry: &Registry) -> Diagnostics {
    let mut found = Diagnostics::default();
    module(&stack.module, true, registry, &mut vec![], &mut found);
    crate::stack::load::in_order(&mut found);
    found
}

/// Looks at a module and at those that it calls, at each once.
fn module<'a>(module: &'a Module, is_root: bool, registry: &'a Registry, seen: &mut Vec<*const Module>, found: &mut Diagnostics) {
    if seen.contains(&std::ptr::from_ref(module)) {
        return;
    }
    seen.push(module);
    let mut work = Statics { found: std::mem::take(found), ..Statics::of(module, is_root, registry) };
    for block in &module.resources {
        work.block(block);
    }
    module.calls.values().for_each(|call| work.call(call));
    work.providers();
    work.rest();
    *found = work.found;
    for call in module.calls.values() {
        self::module(&call.module, false, registry, seen, found);
    }
}

/// Whether all that an expression refers to is declared in the stack, whether or not its value is needed.
pub fn references(stack: &Stack, registry: &Registry, expr: &Expr) -> Result<()> {
    let mut work = Statics::of(&stack.module, true, registry);
    work.expr(expr, Allowed::default());
    work.found.unless_errors(())
}

struct Statics<'a> {
    module: &'a Module,
    is_root: bool,
    registry: &'a Registry,
    blocks: HashMap<(Mode, &'a str, &'a str), &'a Block>,
    found: Diagnostics,
}

/// What a reference may use besides what is declared.
#[derive(Clone, Copy, Default)]
struct Allowed {
    each: bool,
    count: bool,
    own: bool,
}

/// Whether what bears the name at that place is written as a block of a `.tf` file.
fn is_block(name: &crate::words::Span) -> bool {
    let behind = name.source.text.get(name.end as usize..).unwrap_or_default();
    name.source.is_tf() && behind.trim_start().starts_with('{')
}

fn did_you_mean(near: Option<&str>, else_: &str) -> String {
    near.map_or_else(|| else_.to_owned(), |near| format!("did you mean `{near}`?"))
}

impl<'a> Statics<'a> {
    fn of(module: &'a Module, is_root: bool, registry: &'a Registry) -> Self {
        let blocks = module.resources.iter().map(|b| ((b.address.mode, &*b.address.kind, &*b.address.name), b)).collect();
        Self { module, is_root, registry, blocks, found: Diagnostics::default() }
    }

    fn attrs(&self, mode: Mode, kind: &str) -> Option<&'static [Attr]> {
        match mode {
            Mode::Managed => self.registry.resource(kind).map(crate::words::resource::ResourceType::attrs),
            Mode::Data => self.registry.data(kind).map(crate::words::resource::DataType::attrs),
        }
    }

    fn block(&mut self, block: &'a Block) {
        let allowed = Allowed { each: block.for_each.is_some(), count: block.count.is_some(), own: false };
        for expr in block.count.iter().chain(&block.for_each) {
            self.expr(expr, Allowed::default());
        }
        self.expr(&block.body, allowed);
        block.timeouts.iter().for_each(|e| self.expr(e, allowed));
        let life = &block.lifecycle;
        self.conditions(&life.preconditions, allowed);
        self.conditions(&life.postconditions, Allowed { own: true, ..allowed });
        for reference in block.depends_on.iter().chain(&life.replace_triggered_by) {
            self.reference(reference, Allowed { each: true, count: true, own: false });
        }
        self.provider_of(block);
        match self.attrs(block.address.mode, &block.address.kind) {
            Some(attrs) => self.body(attrs, &block.body, &block.address.kind, "", true),
            None => self.no_such_type(block),
        }
        self.timeouts(block);
    }

    fn no_such_type(&mut self, block: &Block) {
        let kind = &*block.address.kind;
        let managed = self.registry.resources.iter().map(|t| t.name());
        let data = self.registry.data.iter().map(|t| t.name());
        let (word, near, other) = match block.address.mode {
            Mode::Managed => ("resource type", nearest(kind, managed), self.registry.data(kind).map(|_| "data")),
            Mode::Data => ("data source", nearest(kind, data), self.registry.resource(kind).map(|_| "resource")),
        };
        let label = match other {
            Some(other) if near.is_none() => format!("there is a `{other}` of that name"),
            _ => did_you_mean(near, "unknown"),
        };
        let error = Diagnostic::error(format!("there is no {word} `{kind}`")).at(&block.span, label);
        self.found.push(error.help("all types: ferroform explain"));
    }

    fn provider_of(&mut self, block: &Block) {
        let Some((name, alias)) = &block.provider else { return };
        let known = |p: &crate::stack::syntax::ProviderBlock| p.name == *name && p.alias == *alias;
        if self.registry.provider(name).is_none() {
            let near = nearest(name, self.registry.providers.iter().map(|p| p.name()));
            self.found.push(Diagnostic::error(format!("there is no provider `{name}`")).at(&block.span, did_you_mean(near, "unknown")));
        } else if let Some(alias) = alias
            && self.is_root
            && !self.module.providers.iter().any(known)
        {
            let declared = self.module.providers.iter().filter(|p| p.name == *name).filter_map(|p| p.alias.as_deref());
            let label = did_you_mean(nearest(alias, declared), "not declared");
            let error = Diagnostic::error(format!("`{}` uses the provider `{name}.{alias}`, which is not declared", block.address));
            self.found.push(error.at(&block.span, label).write(
                format!("declare it: [[provider.{name}]] with alias = \"{alias}\""),
                format!("declare it: provider \"{name}\" {{ alias = \"{alias}\" }}"),
            ));
        } else if self.registry.provider_of(&block.address.kind).is_some_and(|p| p.name() != &**name) {
            self.found.push(
                Diagnostic::error(format!("`{}` is no type of the provider `{name}`", block.address.kind))
                    .at(&block.span, "of another provider"),
            );
        }
    }

    fn timeouts(&mut self, block: &Block) {
        let (Some(given), Some(ty)) = (&block.timeouts, self.registry.resource(&block.address.kind)) else { return };
        let known: Vec<&str> = ty.timeouts().iter().map(|(name, _)| *name).collect();
        for (name, at, _) in given.entries().into_iter().flatten() {
            if !known.contains(&name) {
                let error = Diagnostic::error(format!("{} has no time limit for `{name}`", ty.name()));
                let error = error.at(at, did_you_mean(nearest(name, known.iter().copied()), "unknown"));
                self.found.push(if known.is_empty() { error } else { error.help(format!("possible: {}", known.join(", "))) });
            }
        }
    }

    fn providers(&mut self) {
        for block in &self.module.providers {
            self.expr(&block.body, Allowed::default());
            if let Some(provider) = self.registry.provider(&block.name) {
                self.body(provider.attrs(), &block.body, &format!("provider {}", block.name), "", true)
            } else {
                let near = nearest(&block.name, self.registry.providers.iter().map(|p| p.name()));
                self.found.push(
                    Diagnostic::error(format!("there is no provider `{}`", block.name)).at(&block.span, did_you_mean(near, "unknown")),
                );
            }
        }
    }

    fn rest(&mut self) {
        let module = self.module;
        self.versions();
        for expr in module.locals.values() {
            self.expr(expr, Allowed::default());
        }
        for output in module.outputs.values() {
            if output.ephemeral && self.is_root {
                let error = Diagnostic::error("an output of the stack itself can't be ephemeral: the state keeps it");
                self.found.push(error.at(&output.span, "is declared as ephemeral").help("take `ephemeral = true` away"));
            }
            self.expr(&output.value, Allowed::default());
            self.conditions(&output.preconditions, Allowed::default());
            output.depends_on.iter().for_each(|r| self.reference(r, Allowed::default()));
        }
        for import in &module.imports {
            let each = Allowed { each: import.for_each.is_some(), ..Allowed::default() };
            self.expr(&import.id, each);
            import.for_each.iter().for_each(|expr| self.expr(expr, Allowed::default()));
        }
        for check in module.checks.values() {
            self.conditions(&check.asserts, Allowed::default());
        }
        for variable in module.variables.values() {
            self.conditions(&variable.validations, Allowed::default());
        }
    }

    /// What the module asks of providers: of which version there is only one here, and another is no reason to do nothing.
    fn versions(&mut self) {
        for required in &self.module.required {
            let (Some((wanted, span)), Some(provider)) = (&required.version, self.registry.provider(&required.name)) else { continue };
            let Some(version) = provider.version() else { continue };
            if crate::stack::blocks::allows(wanted, version) == Ok(false) {
                let have = version.map(|n| n.to_string()).join(".");
                let warning =
                    Diagnostic::warning(format!("the types of `{}` are those of version {have}, and {wanted} is asked for", required.name));
                self.found.push(warning.at(span, "not met").help("look whether the plan is what you expect, and change the constraint"));
            }
        }
    }

    fn conditions(&mut self, conditions: &[Condition], allowed: Allowed) {
        for rule in conditions {
            self.expr(&rule.condition, allowed);
            self.expr(&rule.error_message, allowed);
        }
    }

    fn expr(&mut self, expr: &Expr, allowed: Allowed) {
        expr.wrongs().into_iter().for_each(|wrong| self.found.push(wrong));
        for reference in expr.references() {
            self.reference(&reference, allowed);
        }
    }

    fn reference(&mut self, reference: &Reference, allowed: Allowed) {
        let module = self.module;
        let nothing = |what: &str, name: &str, known: Vec<&str>, toml: String, tf: String| {
            let error = Diagnostic::error(format!("there is no {what} `{name}`"));
            error.at(&reference.span, did_you_mean(nearest(name, known), "refers to nothing")).write(toml, tf)
        };
        let error = match &reference.target {
            Target::Variable(name) if !module.variables.contains_key(name) => {
                let known = module.variables.keys().map(|k| &**k).collect();
                nothing("variable", name, known, format!("declare it: [variable.{name}]"), format!("declare it: variable \"{name}\" {{}}"))
            }
            Target::Local(name) if !module.locals.contains_key(name) => {
                let known = module.locals.keys().map(|k| &**k).collect();
                nothing("local value", name, known, "declare it in [locals]".into(), "declare it in locals { ... }".into())
            }
            Target::Module(name) => match module.calls.get(name) {
                Some(call) => return self.output_reference(reference, call),
                None => {
                    let known = module.calls.keys().map(|k| &**k).collect();
                    nothing("module", name, known, format!("call it: [module.{name}]"), format!("call it: module \"{name}\" {{ ... }}"))
                }
            },
            Target::Resource { mode, kind, name } => return self.resource_reference(reference, *mode, kind, name),
            Target::Each if !allowed.each => {
                Diagnostic::error("`each` has a meaning only in a block with `for_each`").at(&reference.span, "no `for_each` here")
            }
            Target::Each => return self.part(reference, &["key", "value"]),
            Target::Count if !allowed.count => {
                Diagnostic::error("`count` has a meaning only in a block with `count`").at(&reference.span, "no `count` here")
            }
            Target::Count => return self.part(reference, &["index"]),
            Target::SelfRef if !allowed.own => {
                Diagnostic::error("`self` has a meaning only in a postcondition").at(&reference.span, "can't be used here")
            }
            Target::Path => return self.part(reference, &["module", "root", "cwd"]),
            Target::Terraform => return self.part(reference, &["workspace", "applying"]),
            _ => return,
        };
        self.found.push(error);
    }

    /// What a call gives to a module, and what the module asks for.
    fn call(&mut self, call: &'a Call) {
        let allowed = Allowed { each: call.for_each.is_some(), count: call.count.is_some(), own: false };
        for expr in call.count.iter().chain(&call.for_each) {
            self.expr(expr, Allowed::default());
        }
        self.expr(&call.inputs, allowed);
        call.depends_on.iter().for_each(|r| self.reference(r, allowed));
        let variables = &call.module.variables;
        for (name, at, _) in call.inputs.entries().into_iter().flatten().filter(|(name, _, _)| !variables.contains_key(*name)) {
            let near = nearest(name, variables.keys().map(|k| &**k));
            let error = Diagnostic::error(format!("module `{}` has no variable `{name}`", call.name));
            self.found.push(error.at(at, did_you_mean(near, "no such variable")));
        }
        for variable in variables.values().filter(|v| v.default.is_none() && call.input(&v.name).is_none()) {
            let error = Diagnostic::error(format!("module `{}` needs a value for its variable `{}`", call.name, variable.name));
            let error = error.at(&call.span, format!("`{}` is missing", variable.name));
            self.found.push(match &variable.description {
                Some(description) => error.help(format!("it is {}: {}", convert::a_type(&variable.ty), description.trim())),
                None => error.help(format!("it is {}", convert::a_type(&variable.ty))),
            });
        }
        if let Some(own) = call.module.providers.first().filter(|_| call.repeated() || !call.depends_on.is_empty()) {
            let word = if call.repeated() { "count, for_each" } else { "depends_on" };
            let error = Diagnostic::error(format!("module `{}` configures a provider itself, so that it can't have {word}", call.name));
            let error = error.at(&call.span, "called here").fact("configured at", own.span.to_string());
            self.found.push(error.write(
                "configure the provider in the root and pass it: providers = { aws = \"aws.west\" }",
                "configure the provider in the root and pass it: providers = { aws = aws.west }",
            ));
        }
        for wanted in call.module.required.iter().flat_map(|required| &required.aliases) {
            if !call.providers.iter().flatten().any(|(inner, _)| inner == wanted) {
                let full = wanted.1.as_ref().map_or_else(|| wanted.0.to_string(), |alias| format!("{}.{alias}", wanted.0));
                let error = Diagnostic::error(format!("module `{}` needs the provider configuration `{full}`", call.name));
                let error = error.at(&call.span, "does not pass it");
                let toml = format!("pass it: providers = {{ \"{full}\" = \"{}\" }}", wanted.0);
                self.found.push(error.write(toml, format!("pass it: providers = {{ {full} = {} }}", wanted.0)));
            }
        }
        for (_, (name, alias)) in call.providers.iter().flatten() {
            let declared = self.module.providers.iter().any(|p| p.name == *name && p.alias == *alias);
            if self.is_root && !declared && (alias.is_some() || self.registry.provider(name).is_none()) {
                let full = alias.as_ref().map_or_else(|| name.to_string(), |alias| format!("{name}.{alias}"));
                let error = Diagnostic::error(format!("module `{}` gets the provider `{full}`, which is not declared", call.name));
                let error = error.at(&call.span, "called here");
                self.found
                    .push(error.write(format!("declare it: [[provider.{name}]]"), format!("declare it: provider \"{name}\" {{ ... }}")));
            }
        }
    }

    /// `module.a.out`: whether there is such an output, and an instance is chosen.
    fn output_reference(&mut self, reference: &Reference, call: &Call) {
        let Some(output) = &reference.attribute else { return };
        if call.repeated() && !reference.indexed {
            let (word, index) = if call.count.is_some() { ("count", "[0]") } else { ("for_each", "[\"key\"]") };
            let error = Diagnostic::error(format!("module `{}` has `{word}`: an instance of it has to be chosen", call.name));
            let error = error.at(&reference.span, "the index is missing");
            self.found.push(error.help(format!("write `module.{}{index}.{output}`", call.name)));
        } else if !call.module.outputs.contains_key(output) {
            let near = nearest(output, call.module.outputs.keys().map(|k| &**k));
            let error = Diagnostic::error(format!("module `{}` has no output `{output}`", call.name));
            let error = error.at(&reference.span, did_you_mean(near, "no such output"));
            let (toml, tf) = (format!("[output.{output}]"), format!("output \"{output}\" {{ ... }}"));
            self.found.push(error.write(format!("declare it in the module: {toml}"), format!("declare it in the module: {tf}")));
        }
    }

    /// `path.modul`: the word behind the dot.
    fn part(&mut self, reference: &Reference, known: &[&str]) {
        let Some(name) = &reference.attribute else {
            let error = Diagnostic::error(format!("`{}` needs a name behind it", reference.target));
            return self.found.push(error.at(&reference.span, format!("one of {}", known.join(", "))));
        };
        if !known.contains(&&**name) {
            let error = Diagnostic::error(format!("`{}` has no `{name}`", reference.target));
            self.found.push(
                error.at(&reference.span, did_you_mean(nearest(name, known.iter().copied()), &format!("one of {}", known.join(", ")))),
            );
        }
    }

    fn resource_reference(&mut self, reference: &Reference, mode: Mode, kind: &str, name: &str) {
        let Some(block) = self.blocks.get(&(mode, kind, name)).copied() else {
            return self.no_such_resource(reference, mode, kind, name);
        };
        let Some(attribute) = &reference.attribute else { return };
        let repeated = block.count.is_some() || block.for_each.is_some();
        if repeated && !reference.indexed {
            let word = if block.count.is_some() { "count" } else { "for_each" };
            let index = if block.count.is_some() { "[0]" } else { "[\"key\"]" };
            let error = Diagnostic::error(format!("`{}` has `{word}`: an instance of it has to be chosen", block.address));
            let error = error.at(&reference.span, "the index is missing");
            self.found.push(error.help(format!(
                "write `{}{index}.{attribute}`; in a block with the same `{word}`, `{}[{}].{attribute}`",
                block.address,
                block.address,
                if block.count.is_some() { "count.index" } else { "each.key" }
            )));
            return;
        }
        let Some(attrs) = self.attrs(mode, kind) else { return };
        let own = ["id", "timeouts"];
        if !own.contains(&&**attribute) && !attrs.iter().any(|a| a.name == &**attribute) {
            let near = nearest(attribute, attrs.iter().map(|a| a.name).chain(["id"]));
            let error = Diagnostic::error(format!("{kind} has no attribute `{attribute}`"));
            let error = error.at(&reference.span, did_you_mean(near, "no such attribute"));
            self.found.push(error.help(format!("all attributes: ferroform explain {kind}")));
        }
    }

    fn no_such_resource(&mut self, reference: &Reference, mode: Mode, kind: &str, name: &str) {
        let full = |b: &Block| b.address.to_string();
        let given = reference.target.to_string();
        let names: Vec<String> = self.module.resources.iter().map(full).collect();
        let same_kind = self.module.resources.iter().filter(|b| b.address.mode == mode && *b.address.kind == *kind);
        let near = nearest(name, same_kind.map(|b| &*b.address.name)).map(|n| match mode {
            Mode::Managed => format!("{kind}.{n}"),
            Mode::Data => format!("data.{kind}.{n}"),
        });
        let near = near.or_else(|| nearest(&given, names.iter().map(String::as_str)).map(str::to_owned));
        // A forgotten `data.`, `var.` or `local.` is the usual reason.
        let other = if mode == Mode::Managed { Mode::Data } else { Mode::Managed };
        let twin = self.blocks.get(&(other, kind, name)).map(|b| full(b));
        let label = did_you_mean(twin.or(near).as_deref(), "refers to nothing");
        let error = Diagnostic::error(format!("there is no `{given}` in this stack")).at(&reference.span, label);
        let error = if kind.contains('_') || mode == Mode::Data {
            error
        } else {
            error.help(format!("references look like `var.NAME`, `local.NAME` or `TYPE.NAME.ATTRIBUTE`; `{kind}` is no resource type"))
        };
        self.found.push(error);
    }

    /// A body that is written out, against the attributes of its type.
    fn body(&mut self, attrs: &[Attr], body: &Expr, what: &str, path: &str, top: bool) {
        let Some(entries) = body.entries() else { return };
        let owner = if path.is_empty() { what.to_owned() } else { format!("block `{path}` of {what}") };
        let mut given: Vec<&str> = vec![];
        for (name, at, value) in entries {
            given.push(name);
            let Some(attr) = attrs.iter().find(|a| a.name == name) else {
                let near = nearest(name, attrs.iter().filter(|a| !a.computed).map(|a| a.name));
                let error = Diagnostic::error(format!("{owner} has no attribute `{name}`"));
                let error = error.at(at, did_you_mean(near, "no such attribute"));
                let error = if name == "dynamic" { error.write(super::conform::DYNAMIC[0], super::conform::DYNAMIC[1]) } else { error };
                let kind = what.trim_start_matches("provider ");
                self.found.push(if what == kind { error.help(format!("all attributes: ferroform explain {kind}")) } else { error });
                continue;
            };
            let below = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
            if attr.block().is_none() && !matches!(attr.kind, Kind::List(Kind::Object(_)) | Kind::Set(Kind::Object(_))) && is_block(at) {
                let error = Diagnostic::error(format!("`{name}` of {owner} is an argument, and given as a block"));
                self.found.push(error.at(at, "no block has this name").help(format!("write `{name} = ...`")));
                continue;
            }
            if !attr.deprecated.is_empty() {
                self.found.push(Diagnostic::warning(format!("`{name}` of {owner} is deprecated")).at(at, attr.deprecated));
            }
            if attr.computed && !matches!(value.constant(), Some(Value::Null)) {
                let error = Diagnostic::error(format!("`{name}` of {owner} can't be given"));
                self.found.push(error.at(at, "is known only after the resource exists"));
            } else if let Some(inner) = attr.block() {
                self.blocks(inner, value, what, &below);
            } else {
                self.literal(&attr.kind, value, &below, what);
            }
        }
        let computed_keys = body.entries().is_some_and(|e| e.count() == given.len());
        for attr in attrs.iter().filter(|a| a.required && !given.contains(&a.name)) {
            if computed_keys {
                let word = if attr.block().is_some() { "a block " } else { "" };
                let error = Diagnostic::error(format!("{owner} needs {word}`{}`", attr.name));
                let at = if top { self.header(body) } else { body.span().clone() };
                self.found.push(error.at(&at, format!("`{}` is missing", attr.name)));
            }
        }
    }

    /// The header of the block whose body this is.
    fn header(&self, body: &Expr) -> crate::words::Span {
        let of = self.module.resources.iter().find(|b| std::ptr::eq(&raw const b.body, body)).map(|b| &b.span);
        of.unwrap_or(body.span()).clone()
    }

    fn blocks(&mut self, inner: &[Attr], value: &Expr, what: &str, path: &str) {
        if let Some(elements) = value.elements() {
            for element in elements {
                self.blocks(inner, element, what, path);
            }
        } else if value.entries().is_some() {
            self.body(inner, value, what, path, false);
        } else if let Some(constant) = value.constant().filter(|v| !v.is_null()) {
            let error = Diagnostic::error(format!("`{path}` of {what} is a block, and this is {}", convert::kind_of(&constant)));
            self.found.push(error.at(value.span(), "should be a table"));
        }
    }

    /// A value that is written out, against its type.
    fn literal(&mut self, kind: &Kind, value: &Expr, path: &str, what: &str) {
        match (kind, value.elements(), value.entries().is_some()) {
            (Kind::List(of) | Kind::Set(of), Some(elements), _) => {
                for (i, element) in elements.iter().enumerate() {
                    self.literal(of, element, &format!("{path}.{i}"), what);
                }
                return;
            }
            (Kind::Map(of), _, true) => {
                let entries: Vec<(&str, &Expr)> = value.entries().into_iter().flatten().map(|(k, _, v)| (k, v)).collect();
                for (name, element) in entries {
                    self.literal(of, element, &format!("{path}.{name}"), what);
                }
                return;
            }
            (Kind::Object(attrs), _, true) => {
                let unknown: Vec<(&str, &crate::words::Span)> = value
                    .entries()
                    .into_iter()
                    .flatten()
                    .filter(|(k, _, _)| !attrs.iter().any(|a| a.name == *k))
                    .map(|(k, at, _)| (k, at))
                    .collect();
                for (name, at) in unknown {
                    let near = nearest(name, attrs.iter().map(|a| a.name));
                    let error = Diagnostic::error(format!("block `{path}` of {what} has no attribute `{name}`"));
                    self.found.push(error.at(at, did_you_mean(near, "no such attribute")));
                }
                return;
            }
            (Kind::List(of) | Kind::Set(of), None, true) if matches!(of, Kind::Object(_)) => return self.literal(of, value, path, what),
            _ => {}
        }
        let Some(constant) = value.constant().filter(|v| !v.is_null()) else { return };
        let wanted = super::conform::type_of(kind);
        let shape = if matches!(wanted, Type::Object(_)) { Type::Map(Arc::default()) } else { wanted.clone() };
        if let Err(why) = convert::convert(&constant, &shape) {
            let a = convert::a_type(&wanted);
            let error = Diagnostic::error(format!("`{path}` of {what} must be {a}, and is {}", convert::kind_of(&constant)));
            let error = error.at(value.span(), format!("should be {a}"));
            self.found.push(if matches!(constant, Value::String(_)) { error.help(why.why) } else { error });
        }
    }
}
