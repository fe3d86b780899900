//! Where an expression stands, and what it sees from there.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Calls, Inhabited, Instances, Shape, World};
use crate::stack::{self, Files, Scope};
use crate::words::error::nearest;
use crate::words::{Address, Diagnostic, Key, Mode, ModulePath, Result, Value};

/// Where an expression stands: in an instance of a module, and there in an instance of a block, or in nothing in particular.
pub struct Frame<'w, 'a> {
    /// What it sees.
    pub world: &'w World<'a>,
    /// The instance of a module.
    pub(in crate::engine) at: usize,
    /// What `each` and `count` are.
    pub within: Within,
    /// `self`.
    pub own: Option<Value>,
}

/// What `each` and `count` are.
#[derive(Clone, Debug, Default)]
pub enum Within {
    /// They mean nothing here.
    #[default]
    Nothing,
    /// The instance of a block with `count`.
    Count(u64),
    /// The instance of a block with `for_each`.
    Each(Each),
    /// The call of the module of that number.
    Call(usize),
}

/// An element of `for_each`.
#[derive(Clone, Debug)]
pub struct Each {
    /// `each.key`
    pub key: Arc<str>,
    /// `each.value`
    pub value: Value,
    /// What the value rests on.
    pub touched: Arc<BTreeSet<Address>>,
}

impl<'w, 'a> Frame<'w, 'a> {
    /// Of the root module itself.
    #[must_use]
    pub fn of(world: &'w World<'a>) -> Self {
        Self::number(world, 0, Within::Nothing)
    }

    /// Of an instance of a module; of the root where nothing is known of that.
    #[must_use]
    pub fn in_module(world: &'w World<'a>, path: &ModulePath) -> Self {
        Self::number(world, world.paths.get(path).copied().unwrap_or(0), Within::Nothing)
    }

    const fn number(world: &'w World<'a>, at: usize, within: Within) -> Self {
        Self { world, at, within, own: None }
    }

    fn place(&self) -> &'w Inhabited<'a> {
        &self.world.modules[self.at]
    }

    /// The key of the call that the expression belongs to.
    fn call_key(&self) -> Option<&'w Key> {
        match &self.within {
            Within::Call(child) => self.world.modules[*child].path.last()?.1.as_ref(),
            _ => None,
        }
    }
}

impl<'a> World<'a> {
    /// What `for_each` of a call gives, where the call stands in that module.
    fn call_each(&self, caller: usize, call: &stack::Call) -> Option<Result<Value>> {
        let expr = call.for_each.as_ref()?;
        let circle = || Diagnostic::error(format!("`for_each` of module `{}` refers to itself", call.name)).at(expr.span(), "");
        let make = || expr.eval_typed(&Frame::number(self, caller, Within::Nothing));
        Some(self.lazily(&self.modules[caller].each, &call.name, circle, make))
    }

    /// The value of a variable of a module that is called.
    fn input(&self, at: usize, name: &str) -> Option<Result<Value>> {
        let place = &self.modules[at];
        let variable = place.module.variables.get(name)?;
        let (caller, call) = place.caller?;
        let circle = || {
            let given = call.input(name).map_or(&call.span, stack::Expr::span);
            Diagnostic::error(format!("variable `{name}` of {} needs itself", place.path)).at(given, "its value needs its value")
        };
        let make = || {
            let frame = Frame::number(self, caller, Within::Call(at));
            let given = call.input(name).map(|expr| expr.eval_typed(&frame)).transpose()?;
            stack::input(variable, call, given)
        };
        let value = self.lazily(&place.variables, &variable.name, circle, make);
        if variable.validations.is_empty() || value.is_err() || !place.variables.first_look(name) {
            return Some(value);
        }
        // A condition may refer to the variable itself, whose value is there by now.
        let held_to = stack::held_to(variable, &Frame::number(self, at, Within::Nothing));
        if held_to.is_err() || value.as_ref().is_ok_and(|value| !value.is_known()) {
            place.variables.look_again(name);
        }
        Some(held_to.and(value))
    }

    /// The value of an output of an instance of a module; none where it has no such output.
    fn output(&self, at: usize, name: &str) -> Option<Result<Value>> {
        let place = &self.modules[at];
        let (name, output) = place.module.outputs.get_key_value(name)?;
        let circle = || Diagnostic::error(format!("{}.{name} needs itself", place.path)).at(&output.span, "its value needs its value");
        let make = || {
            for reference in &output.depends_on {
                self.touch(&self.meant(&place.path, reference));
            }
            let value = output.value.eval_typed(&Frame::number(self, at, Within::Nothing))?;
            let wrong = |why: &str, help: &str| {
                Err(Diagnostic::error(format!("{}.{name} {why}", place.path)).at(output.value.span(), "").help(help).into())
            };
            match (value.has_ephemeral(), output.ephemeral) {
                (true, false) => wrong("is made of an ephemeral value, and not declared so", "add `ephemeral = true` to the output"),
                (false, true) if value.is_known() => {
                    wrong("is declared as ephemeral, and its value is not", "take `ephemeral = true` away from the output")
                }
                _ => Ok(value.sensitive_if(output.sensitive).ephemeral_if(output.ephemeral)),
            }
        };
        Some(self.lazily(&place.outputs, name, circle, make))
    }

    /// The same by the path of the module.
    pub fn output_of(&self, path: &ModulePath, name: &str) -> Result<()> {
        let at = self.paths.get(path).copied();
        at.and_then(|at| self.output(at, name)).transpose().map(drop)
    }

    /// The outputs of an instance of a module, or one of them, as an object.
    fn outputs(&self, at: usize, only: Option<&str>) -> Result<Value> {
        let outputs = &self.modules[at].module.outputs;
        if let Some(name) = only {
            let value = self.output(at, name).ok_or_else(|| {
                let error = Diagnostic::error(format!("{} has no output `{name}`", self.modules[at].path.config()));
                match nearest(name, outputs.keys().map(|name| &**name)) {
                    Some(near) => error.help(format!("did you mean `{near}`?")),
                    None => error.help("declare it in the module"),
                }
            })?;
            return Ok(Value::object([(name, value?)]));
        }
        let all = outputs.keys().filter_map(|name| Some(self.output(at, name)?.map(|value| (name.clone(), value))));
        Ok(Value::object(all.collect::<Result<Vec<_>>>()?))
    }
}

impl Scope for Frame<'_, '_> {
    fn variable(&self, name: &str) -> Option<Result<Value>> {
        match self.place().caller {
            None => self.world.variables.get(name).cloned().map(Ok),
            Some(_) => self.world.input(self.at, name),
        }
    }

    fn local(&self, name: &str) -> Option<Result<Value>> {
        let place = self.place();
        let (name, expr) = place.module.locals.get_key_value(name)?;
        let circle = || Diagnostic::error(format!("local.{name} refers to itself")).at(expr.span(), "its value needs its value");
        let make = || expr.eval_typed(&Frame::number(self.world, self.at, Within::Nothing));
        Some(self.world.lazily(&place.locals, name, circle, make))
    }

    fn resource(&self, mode: Mode, kind: &str, name: &str, key: Option<&Key>) -> Result<Value> {
        let Some(instances) = self.place().instances(mode, kind, name) else {
            let block = Address { mode, ..Address::managed(kind, name) };
            if self.place().module.block(&block).is_some() {
                return Ok(Value::unknown());
            }
            return Err(Diagnostic::error(format!("{block} is not declared in this stack")).into());
        };
        if instances.broken {
            return Ok(Value::unknown());
        }
        let Some(key) = key else {
            // The block stands for all its instances: a thousand that need a thousand would be a million.
            self.world.touch([&instances.block]);
            return Ok(instances.whole());
        };
        let address = instances.block.with_key(Some(key.clone()));
        let value = instances.values.get(&address.key).cloned();
        self.world.touched.borrow_mut().insert(address);
        value.ok_or_else(|| missing(instances, key).into())
    }

    fn repeated(&self, mode: Mode, kind: &str, name: &str) -> bool {
        self.place().instances(mode, kind, name).is_some_and(|instances| instances.shape != Shape::Single)
    }

    fn module(&self, name: &str, key: Option<&Key>, output: Option<&str>) -> Result<Value> {
        let place = self.place();
        if !place.module.calls.contains_key(name) {
            return Err(Diagnostic::error(format!("there is no module `{name}`")).into());
        }
        let Some(Calls { shape, keys: Some(keys) }) = place.calls.get(name) else { return Ok(Value::unknown()) };
        if let Some(key) = key {
            let at = keys.get(&Some(key.clone())).ok_or_else(|| {
                let of = place.path.child(name, None);
                no_instance(&of, key, keys.keys().flatten())
            })?;
            return self.world.outputs(*at, output);
        }
        let values: Result<Vec<_>> = keys.iter().map(|(key, at)| Ok((key.clone(), self.world.outputs(*at, output)?))).collect();
        Ok(shape.whole(values?.into_iter()))
    }

    fn module_repeated(&self, name: &str) -> bool {
        self.place().module.calls.get(name).is_some_and(stack::Call::repeated)
    }

    fn each_key(&self) -> Option<Value> {
        match &self.within {
            Within::Each(each) => Some(Value::String(each.key.clone())),
            _ => match self.call_key()? {
                Key::Str(key) => Some(Value::String(key.clone())),
                Key::Int(_) => None,
            },
        }
    }

    fn each_value(&self) -> Option<Result<Value>> {
        if let Within::Each(each) = &self.within {
            self.world.touch(each.touched.iter());
            return Some(Ok(each.value.clone()));
        }
        let (Within::Call(child), Some(Key::Str(key))) = (&self.within, self.call_key()) else { return None };
        let (caller, call) = self.world.modules[*child].caller?;
        let element = |all: Value| match all.bare() {
            Value::Set(_) => Value::String(key.clone()),
            _ => all.get(key).cloned().unwrap_or_else(Value::unknown),
        };
        self.world.call_each(caller, call).map(|all| all.map(element))
    }

    fn count_index(&self) -> Option<u64> {
        match (&self.within, self.call_key()) {
            (Within::Count(index), _) | (_, Some(Key::Int(index))) => Some(*index),
            _ => None,
        }
    }

    fn self_value(&self) -> Option<Result<Value>> {
        self.own.clone().map(Ok)
    }

    fn module_path(&self) -> &str {
        &self.place().module.shown
    }

    fn workspace(&self) -> &str {
        self.world.workspace
    }

    fn files(&self) -> &Files {
        self.world.files
    }

    fn now(&self) -> Option<jiff::Timestamp> {
        self.world.now
    }
}

fn missing(instances: &Instances, key: &Key) -> Diagnostic {
    no_instance(&instances.block, key, instances.values.keys().flatten())
}

fn no_instance<'k>(of: &dyn std::fmt::Display, key: &Key, known: impl Iterator<Item = &'k Key>) -> Diagnostic {
    let keys: Vec<String> = known.take(8).map(ToString::to_string).collect();
    let there = if keys.is_empty() { "it has no instances".into() } else { format!("its instances are {}", keys.join(", ")) };
    Diagnostic::error(format!("{of} has no instance {key}")).help(there)
}
