//! A stack in a folder of its own, a cloud of its own, and the life of a plan between them, as the command line has it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use ferroform::engine::apply::{Applied, Stop, apply};
use ferroform::engine::event::{Event, Listener};
use ferroform::engine::plan::{Action, Plan};
use ferroform::engine::planner::{Options, Request, plan};
use ferroform::engine::providers::Providers;
use ferroform::engine::recover::recover;
use ferroform::engine::saved::{self, Saved};
use ferroform::engine::world::World as Known;
use ferroform::stack::{self, Files, Given, RawValue, Stack};
use ferroform::state::{LocalStore, Refuge, State, Who};
use ferroform::words::resource::Settings;
use ferroform::words::{Address, Diagnostics, Result, Value};

use super::cloud::{self, Fault, How, REGISTRY, World};

/// See the module.
pub struct Lab {
    dir: tempfile::TempDir,
    pub world: Arc<Mutex<World>>,
    pub vars: Vec<(String, String)>,
    name: String,
    events: Arc<Mutex<Vec<String>>>,
}

/// Remembers what it was told.
struct Ears(Arc<Mutex<Vec<String>>>);

impl Listener for Ears {
    fn on(&self, event: Event) {
        let line = match event {
            Event::Recovered { address, found } => format!("{address} {found}"),
            Event::Failed { address, error, .. } => format!("{address} failed: {error}"),
            Event::Skipped { address, because, .. } => {
                format!("{address} skipped{}", because.map(|b| format!(" because of {b}")).unwrap_or_default())
            }
            Event::Retrying { failure, .. } => format!("again: {failure}"),
            _ => return,
        };
        self.0.lock().unwrap().push(line);
    }
}

pub fn address(text: &str) -> Address {
    text.parse().unwrap()
}

impl Lab {
    /// A lab with that stack.
    pub fn new(toml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name = dir.path().display().to_string();
        let lab = Self { world: cloud::world(&name), dir, vars: vec![], name, events: Arc::default() };
        lab.stack(toml);
        lab
    }

    /// The stack is now this.
    pub fn stack(&self, toml: &str) {
        std::fs::write(self.dir.path().join("stack.toml"), toml).unwrap();
    }

    /// Another file of the stack.
    pub fn file(&self, name: &str, text: &str) {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn var(&mut self, name: &str, value: &str) {
        self.vars.retain(|(n, _)| n != name);
        self.vars.push((name.into(), value.into()));
    }

    pub fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }

    /// The next calls of that operation on that thing fail like this.
    pub fn fault(&self, operation: &'static str, name: &str, how: How, times: usize) {
        self.world().faults.push(Fault { operation, name: name.into(), how, times });
    }

    /// What was done to the cloud since this was last asked.
    pub fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.world().log)
    }

    /// What the listener was told since this was last asked.
    pub fn heard(&self) -> Vec<String> {
        std::mem::take(&mut self.events.lock().unwrap())
    }

    /// The ids of what is in the cloud.
    pub fn things(&self) -> Vec<String> {
        self.world().things.keys().cloned().collect()
    }

    pub fn store(&self) -> LocalStore {
        LocalStore::new(self.dir.path().join("state.json"))
    }

    pub fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// What is on disk.
    pub fn state(&self) -> State {
        self.store().read().unwrap().state.unwrap_or_else(|| State::new(self.name.clone()))
    }

    /// The addresses in the state, deposed objects with their number.
    pub fn held(&self) -> Vec<String> {
        let told = |(address, instance): (&Address, &ferroform::state::Instance)| {
            let id = if instance.exists() { instance.id().to_owned() } else { "nothing".into() };
            let former: Vec<&str> = instance.deposed.values().map(ferroform::state::Instance::id).collect();
            let former = if former.is_empty() { String::new() } else { format!(" (and {})", former.join(", ")) };
            format!("{address} = {id}{former}{}", if instance.tainted { ", tainted" } else { "" })
        };
        self.state().instances.iter().map(told).collect()
    }

    fn settings(&self) -> Settings {
        Settings { sandbox: Some(self.name.clone()), ..Settings::default() }
    }

    pub fn load(&self) -> Result<(Stack, Files, BTreeMap<Arc<str>, Value>)> {
        let files = Files::of(self.dir.path());
        let stack = stack::load(self.dir.path(), &files)?;
        let mut warnings = stack::validate(&stack, &REGISTRY);
        if warnings.has_errors() {
            return Err(warnings);
        }
        let given: Vec<Given> = self.vars.iter().map(|(name, value)| of(name, value)).collect();
        let variables = stack::variables(&stack.module, &given, &files, &mut warnings)?;
        Ok((stack, files, variables))
    }

    pub async fn plan_with(&self, options: &Options) -> Result<Plan> {
        let (stack, files, variables) = self.load()?;
        let (state, settings) = (self.state(), self.settings());
        let request = Request {
            stack: &stack,
            files: &files,
            variables: &variables,
            workspace: "default",
            state: &state,
            registry: &REGISTRY,
            settings: &settings,
            options,
        };
        plan(&request, &Ears(self.events.clone())).await
    }

    pub async fn plan(&self) -> Plan {
        self.plan_with(&Options::default()).await.unwrap_or_else(|e| panic!("{e}"))
    }

    /// What the plan says, or the error.
    pub async fn planned(&self, options: &Options) -> Vec<String> {
        match self.plan_with(options).await {
            Ok(plan) => lines(&plan),
            Err(errors) => told(&errors),
        }
    }

    /// Plans and applies, under the lock; settles first what an earlier run left.
    pub async fn apply_with(&self, options: &Options, stop: &Stop) -> Result<Applied> {
        self.settle().await?;
        let plan = self.plan_with(options).await?;
        self.carry_out(&plan, options, stop).await
    }

    pub async fn apply(&self) -> Applied {
        self.apply_with(&Options::default(), &Stop::default()).await.unwrap_or_else(|e| panic!("{e}"))
    }

    /// Applies, and all must go well.
    pub async fn good(&self) {
        let applied = self.apply().await;
        assert!(applied.failed.is_empty() && applied.skipped.is_empty() && applied.unrecorded.is_none(), "{applied:?}");
    }

    pub async fn carry_out(&self, plan: &Plan, options: &Options, stop: &Stop) -> Result<Applied> {
        let (stack, files, _) = self.load()?;
        let (before, settings) = (self.state(), self.settings());
        let request = Request {
            stack: &stack,
            files: &files,
            variables: &plan.variables,
            workspace: "default",
            state: &before,
            registry: &REGISTRY,
            settings: &settings,
            options,
        };
        let store = self.store();
        let (lock, _) = store.lock("apply", Duration::ZERO, &who()).await?;
        let journal = store.begin(&lock, &before)?;
        let mut state = before.clone();
        let applied = apply(&request, plan, &mut state, &journal, &Ears(self.events.clone()), stop).await?;
        journal.finish().await?;
        let refuge = Refuge { folders: vec![self.dir.path().to_owned()], push: "ferroform state push".into() };
        store.settle(&lock, &state, &refuge)?;
        Ok(applied)
    }

    /// The plan as it comes back out of a file, and what that file says.
    pub fn keep(&self, plan: &Plan) -> (Saved, String) {
        let (_, files, _) = self.load().unwrap();
        let saved = Saved {
            plan: plan.clone(),
            stack: self.path().into(),
            state: self.store().path().into(),
            workspace: "default".into(),
            files: files.recorded(),
            secrets: files.secrets(),
            paths: files.paths().clone(),
            ..Saved::default()
        };
        let path = self.path().join("plan");
        saved::write(&path, &saved, &REGISTRY).unwrap();
        let text = std::fs::read_to_string(&path).unwrap();
        (saved::read(text.as_bytes(), "plan").unwrap(), text)
    }

    /// A plan that was kept, with its secrets.
    pub async fn unseal(&self, saved: &Saved) -> Result<Plan> {
        let (stack, files, variables) = self.load()?;
        let (state, settings) = (self.state(), self.settings());
        let request = Request {
            stack: &stack,
            files: &files,
            variables: &variables,
            workspace: "default",
            state: &state,
            registry: &REGISTRY,
            settings: &settings,
            options: &Options::default(),
        };
        saved::open(saved, &request, "plan").await
    }

    /// What an interrupted run left open is looked up and written.
    pub async fn settle(&self) -> Result<()> {
        let store = self.store();
        let (lock, _) = store.lock("apply", Duration::ZERO, &who()).await?;
        let loaded = store.fold(&lock)?;
        if loaded.pending.is_empty() {
            return Ok(());
        }
        let (stack, files, variables) = self.load()?;
        let settings = self.settings();
        let world = Known::new(&stack.module, &files, &variables, "default");
        let mut providers = Providers::new(&REGISTRY, &settings, &stack);
        for open in &loaded.pending {
            providers.configure(&providers.of_state(&open.intent.provider)?, &world, None).await?;
        }
        let mut state = loaded.state.unwrap_or_else(|| State::new(self.name.clone()));
        let records =
            recover(&loaded.pending, &mut state, &REGISTRY, &providers, std::time::Duration::from_secs(60), &Ears(self.events.clone()))
                .await?;
        let journal = store.begin(&lock, &state)?;
        for record in &records {
            journal.append(record).await?;
        }
        journal.finish().await?;
        let left = store.fold(&lock)?.pending;
        assert!(left.is_empty(), "still open: {left:?}");
        Ok(())
    }
}

fn of(name: &str, value: &str) -> Given {
    Given { name: name.into(), value: RawValue::Text(value.into()), source: "--var".into(), lenient: false }
}

pub fn who() -> Who {
    Who { user: "somebody".into(), host: "here".into(), pid: std::process::id(), version: "0".into() }
}

/// What a plan says, a line each.
pub fn lines(plan: &Plan) -> Vec<String> {
    let mut lines: Vec<String> = plan
        .changes
        .iter()
        .filter(|c| c.action != Action::Nothing || c.importing.is_some())
        .map(|c| {
            let action = match c.action {
                Action::Replace { create_first: true } => "replace (new first)".to_owned(),
                Action::Replace { create_first: false } => "replace".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            };
            let changed = if c.action == Action::Update { format!(" {}", c.changed.join(", ")) } else { String::new() };
            let reason = c.reason.map(|r| format!(" {r:?}")).unwrap_or_default();
            let why = if c.replace.is_empty() { String::new() } else { format!(" of {}", c.replace.join(", ")) };
            let deposed = if c.deposed.is_some() { " (deposed)" } else { "" };
            let import = c.importing.as_ref().map(|id| format!(" importing {id}")).unwrap_or_default();
            format!("{action} {}{deposed}{changed}{reason}{why}{import}", c.address)
        })
        .collect();
    lines.extend(plan.drift.iter().map(|d| {
        let what = if d.after.is_null() { "gone".to_owned() } else { d.changed.join(", ") };
        format!("drift {}: {what}", d.address)
    }));
    lines.extend(plan.outputs.iter().filter(|(_, o)| o.before != o.after).map(|(name, _)| format!("output {name}")));
    lines
}

/// Errors as texts.
pub fn told(errors: &Diagnostics) -> Vec<String> {
    errors.0.iter().map(|d| d.summary.clone()).collect()
}

/// What failed and what was left out, as texts.
pub fn ended(applied: &Applied) -> Vec<String> {
    let failed = applied.failed.iter().map(|(address, _)| format!("{address} failed"));
    let mut skipped: Vec<String> = applied.skipped.iter().map(|address| format!("{address} skipped")).collect();
    skipped.sort();
    failed.chain(skipped).collect()
}
