//! A stack that is planned and applied by the real engine, with a real state file, on an account of its own.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ferroform::engine::apply::{Stop, apply};
use ferroform::engine::drift::look;
use ferroform::engine::plan::{Change, Plan, Purpose};
use ferroform::engine::planner::{Options, Request, plan};
use ferroform::engine::providers::{ConfigName, Providers};
use ferroform::engine::world::World;
use ferroform::registry::REGISTRY;
use ferroform::show::drift::{About, report};
use ferroform::stack::{self, Files, Stack};
use ferroform::state::{LocalStore, State, Who};
use ferroform::words::drift::Report;
use ferroform::words::resource::{Cloud as Clients, Settings};
use ferroform::words::schema::Kind;
use ferroform::words::{Address, Diagnostics, Mode, ModulePath, Value};
use tempfile::TempDir;

use super::sandbox::Cloud;

/// What went wrong, in words.
pub type Outcome<T> = Result<T, String>;

/// A folder with a stack and its state.
pub struct Bench {
    folder: TempDir,
    settings: Settings,
    /// The state as it is now.
    pub state: State,
}

/// A stack that is loaded and checked.
pub struct Open {
    stack: Stack,
    files: Files,
    variables: BTreeMap<Arc<str>, Value>,
}

/// All that a diagnostic says, on one line for each.
pub fn told(errors: &Diagnostics) -> String {
    let one = |d: &ferroform::words::Diagnostic| format!("{d} {:?} {:?}", d.facts, d.help);
    errors.0.iter().map(one).collect::<Vec<_>>().join("\n")
}

impl Bench {
    /// An empty folder, and a provider that leads to that account.
    pub fn new(cloud: &Cloud) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("stack")).unwrap();
        fs::write(folder.path().join("stack/provider.toml"), provider(cloud)).unwrap();
        Self { folder, settings: Settings::default(), state: State::new(uuid::Uuid::new_v4().to_string()) }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("stack")
    }

    /// The calls that were made so far.
    pub fn calls(&self) -> u64 {
        self.settings.calls.total()
    }

    /// The calls of each operation that were made so far.
    pub fn counts(&self) -> BTreeMap<String, u64> {
        let counts = self.settings.calls.counts().into_iter();
        counts.map(|((service, operation), count)| (format!("{service} {operation}"), count.sent)).collect()
    }

    /// Loads the stack of that text.
    pub fn open(&self, text: &str) -> Outcome<Open> {
        fs::write(self.path().join("stack.toml"), text).unwrap();
        let files = Files::of(&self.path());
        let stack = stack::load(&self.path(), &files).map_err(|e| format!("does not load: {}", told(&e)))?;
        let mut warnings = stack::validate(&stack, &REGISTRY);
        if warnings.has_errors() {
            return Err(format!("is not valid: {}", told(&warnings)));
        }
        let variables = stack::variables(&stack.module, &[], &files, &mut warnings).map_err(|e| told(&e))?;
        Ok(Open { stack, files, variables })
    }

    fn request<'a>(&'a self, open: &'a Open, state: &'a State, options: &'a Options) -> Request<'a> {
        Request {
            stack: &open.stack,
            files: &open.files,
            variables: &open.variables,
            workspace: "default",
            state,
            registry: &REGISTRY,
            settings: &self.settings,
            options,
        }
    }

    /// Plans against a state.
    pub async fn plan_on(&self, open: &Open, state: &State, purpose: Purpose) -> Outcome<Plan> {
        self.plan_with(open, state, &Options { purpose, ..Options::default() }).await
    }

    /// Plans what the options ask for.
    pub async fn plan_with(&self, open: &Open, state: &State, options: &Options) -> Outcome<Plan> {
        plan(&self.request(open, state, options), &()).await.map_err(|e| format!("can't be planned: {}", told(&e)))
    }

    /// Plans against the state there is.
    pub async fn plan(&self, open: &Open, purpose: Purpose) -> Outcome<Plan> {
        self.plan_on(open, &self.state, purpose).await
    }

    /// What someone else did to what the state holds, and what an apply would do about it.
    pub async fn drift(&self, open: &Open) -> Outcome<Report> {
        let options = Options::default();
        let look = look(&self.request(open, &self.state, &options), &()).await.map_err(|e| format!("can't be looked at: {}", told(&e)))?;
        let started = jiff::Timestamp::now();
        let about = About {
            stack: &open.stack,
            registry: &REGISTRY,
            name: "example".into(),
            workspace: "default".into(),
            started,
            seconds: 0.0,
            calls: self.calls(),
            written: None,
            today: started.to_zoned(jiff::tz::TimeZone::UTC).date(),
            unmanaged: None,
        };
        Ok(report(&look, about))
    }

    /// Another folder and another copy of the state, as whoever works on the same things beside this one has them.
    pub fn beside(&self, cloud: &Cloud) -> Self {
        Self { state: self.state.clone(), ..Self::new(cloud) }
    }

    /// Does what the plan says; the state is that of the file afterwards.
    pub async fn apply(&mut self, open: &Open, plan: &Plan) -> Outcome<()> {
        self.apply_with(open, plan, &Options::default()).await
    }

    /// Does what a plan says that was made with those options.
    pub async fn apply_with(&mut self, open: &Open, plan: &Plan, options: &Options) -> Outcome<()> {
        let store = LocalStore::of(self.folder.path(), "example", None);
        let who = Who { user: "tests".into(), host: "here".into(), pid: std::process::id(), version: "0".into() };
        let (lock, _) = store.lock("apply", Duration::from_secs(5), &who).await.map_err(|e| told(&e))?;
        let journal = store.begin(&lock, &self.state).map_err(|e| told(&e))?;
        let mut state = self.state.clone();
        let applied = apply(&self.request(open, &self.state, options), plan, &mut state, &journal, &(), &Stop::default()).await;
        journal.finish().await.map_err(|e| told(&e))?;
        let applied = applied.map_err(|e| told(&e))?;
        self.state = store.fold(&lock).map_err(|e| told(&e))?.state.unwrap_or(state);
        let failed: Vec<String> = applied.failed.into_iter().map(|(_, error)| told(&error.into())).collect();
        if failed.is_empty() { Ok(()) } else { Err(format!("can't be applied: {}", failed.join("\n"))) }
    }

    /// The clients of the provider that the type belongs to.
    pub async fn clients(&self, open: &Open, kind: &str) -> Outcome<Arc<dyn Clients>> {
        let world = World::new(&open.stack.module, &open.files, &open.variables, "default");
        let mut providers = Providers::new(&REGISTRY, &self.settings, &open.stack);
        let name = REGISTRY.provider_of(kind).unwrap().name().into();
        let config = ConfigName { module: ModulePath::default(), name, alias: None };
        providers.configure(&config, &world, None).await.map_err(|e| told(&e))?;
        Ok(Arc::clone(providers.get(&config).unwrap()))
    }

    /// Resources in the state.
    pub fn resources(&self) -> impl Iterator<Item = &Address> {
        self.state.instances.keys().filter(|address| address.mode == Mode::Managed)
    }
}

/// What the plan would do, as text; nothing where it would do nothing.
pub fn acts(plan: &Plan) -> Vec<String> {
    let what = |c: &Change| {
        let differs = c.changed.iter().map(|name| format!("{name}: {:?} -> {:?}", c.before.attr(name), c.after.attr(name)));
        format!("{} {:?} {}", c.address, c.action, differs.collect::<Vec<_>>().join("; "))
    };
    plan.changes.iter().filter(|c| c.action.acts()).map(what).collect()
}

/// What someone else did, in the plan's opinion.
pub fn drifts(plan: &Plan) -> Vec<String> {
    let what = |d: &ferroform::engine::plan::Drift| {
        let differs = d.changed.iter().map(|name| format!("{name}: {:?} -> {:?}", d.before.attr(name), d.after.attr(name)));
        format!("{} drifted: {}", d.address, differs.collect::<Vec<_>>().join("; "))
    };
    plan.drift.iter().map(what).collect()
}

/// A configuration of the provider that sends the calls of every service to that account.
fn provider(cloud: &Cloud) -> String {
    let attrs = REGISTRY.provider("aws").unwrap().attrs();
    let endpoints = attrs.iter().find(|a| a.name == "endpoints").unwrap();
    let Kind::Set(Kind::Object(services)) = endpoints.kind else { panic!("endpoints are a set of blocks") };
    let urls: Vec<String> = services.iter().map(|service| format!("{} = \"{}\"", service.name, cloud.endpoint)).collect();
    format!(
        "[provider.aws]\nregion = \"us-east-1\"\naccess_key = \"{}\"\nsecret_key = \"none\"\nendpoints = [{{ {} }}]\n",
        cloud.access_key,
        urls.join(", ")
    )
}
