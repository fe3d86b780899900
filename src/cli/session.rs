//! What a command works with: the stack, the values of its variables, its state, and the engine.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Context;
use super::args::{Pick, pair};
use super::place::{self, Place};
use super::sandbox;
use crate::engine::apply::{Applied, Stop, apply};
use crate::engine::event::{Event, Listener};
use crate::engine::plan::Plan;
use crate::engine::planner::{Options, Request, plan};
use crate::engine::providers::Providers;
use crate::engine::recover::recover;
use crate::engine::saved::{self, Saved};
use crate::engine::tree::Tree;
use crate::engine::world::World;
use crate::registry::REGISTRY;
use crate::show::Facts;
use crate::stack::{self, Files, Given, RawValue, Stack};
use crate::state::{Loaded, LocalStore, Lock, Neighbours, Owned, Refuge, State, Who, held, held_by_others};
use crate::words::resource::Settings;
use crate::words::{Diagnostic, Diagnostics, Result, Value};

/// A stack that is open.
pub(crate) struct Session {
    /// Where the stack was found.
    pub path: PathBuf,
    pub stack: Stack,
    pub files: Files,
    pub store: LocalStore,
    /// The folders where the project's states lie.
    states: Vec<PathBuf>,
    /// The folder that the user named for them.
    pub state_dir: Option<PathBuf>,
    pub variables: BTreeMap<Arc<str>, Value>,
    pub workspace: String,
    pub settings: Settings,
    pub warnings: Diagnostics,
    /// The sandbox's epoch, where the state was written under another one: all that it tells of is gone.
    emptied: Option<String>,
}

/// The right to change the state, and what is known under it.
pub(crate) struct Held {
    pub lock: Lock,
    pub state: State,
}

/// A stack and where its state lies: enough for whatever asks no cloud.
pub(crate) fn locate(cx: &Context, given: Option<&Path>) -> Result<(Place, Stack, Files, LocalStore)> {
    let place = place::find(given.or(cx.globals.stack.as_deref()))?.with_states(cx.globals.state_dir.as_deref());
    let here = std::env::current_dir().map_err(|e| Diagnostic::error(format!("can't tell the current folder: {e}")))?;
    let files = Files::of(&place.path).with_home(dirs::home_dir()).with_cache(cache());
    let files = files.seen_from(&here, cx.started.as_deref().unwrap_or(&here));
    let stack = stack::load(&place.path, &files)?;
    let workspace = cx.globals.workspace.as_deref().filter(|name| *name != "default");
    let backend = stack.backend.as_ref().filter(|_| workspace.is_none() && !cx.globals.sandbox);
    let usual = |place: &Place| match backend {
        Some(path) => LocalStore::new(place.folder().join(path)),
        None => place.store(&stack.name, workspace, cx.globals.sandbox),
    };
    if place.states.is_none() {
        let store = usual(&place);
        return Ok((place, stack, files, store));
    }
    let store = place.store(&stack.name, workspace, cx.globals.sandbox);
    let before = usual(&place.clone().with_states(None));
    if !cx.globals.sandbox && !store.path().exists() && !store.journal_path().exists() && before.path().exists() {
        return Err(elsewhere(&before, &store, &here).into());
    }
    Ok((place, stack, files, store))
}

/// A state that is not where the user says would be taken for none: all that it holds would be made once more.
fn elsewhere(before: &LocalStore, store: &LocalStore, here: &Path) -> Diagnostic {
    let plain = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_path_buf();
    let (from, to) = (plain(&place::relative(before.path(), here)), plain(&place::relative(store.path(), here)));
    let folder = to.parent().unwrap_or(Path::new(".")).display();
    let error =
        Diagnostic::error(format!("there is no state at {}, where `--state-dir` says, but one at {}", to.display(), from.display()));
    error.help(format!("move it there: mkdir -p {folder} && mv {} {}", from.display(), to.display()))
}

/// The user's folder for what can be had again.
pub(super) fn cache() -> Option<PathBuf> {
    dirs::cache_dir().map(|dir| dir.join("ferroform"))
}

/// The user, the machine and the process, for the lock.
pub(crate) fn who() -> Who {
    Who {
        user: ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok()).unwrap_or_else(|| "somebody".into()),
        host: gethostname::gethostname().to_string_lossy().into_owned(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").into(),
    }
}

impl Session {
    /// Opens the stack, checks it, settles its variables, and brings up the sandbox if that is where it runs.
    pub fn open(cx: &Context, given: Option<&Path>) -> Result<Self> {
        let (place, stack, files, store) = locate(cx, given)?;
        let mut warnings = stack::validate(&stack, &REGISTRY);
        if warnings.has_errors() {
            return Err(warnings);
        }
        let given = values(&stack, place.folder(), &cx.picked.0, &files)?;
        let variables = stack::variables(&stack.module, &given, &files, &mut warnings)?;
        let mut settings = settings(&files, &place);
        let mut emptied = None;
        if cx.globals.sandbox {
            let running = tokio::task::block_in_place(|| sandbox::up(cx))?;
            emptied = (sandbox::epoch_of(&store) != Some(running.epoch.clone())).then_some(running.epoch);
            settings.sandbox = Some(running.endpoint);
        }
        let workspace = cx.globals.workspace.clone().unwrap_or_else(|| "default".into());
        let states = place.states(cx.globals.sandbox);
        let state_dir = place.states;
        Ok(Self { path: place.path, stack, files, store, states, state_dir, variables, workspace, settings, warnings, emptied })
    }

    /// Takes one more file into the stack.
    pub fn add(&mut self, name: &str, text: &str) -> Result<()> {
        self.files.add(name, text)?;
        self.stack = stack::load(&self.path, &self.files)?;
        let warnings = stack::validate(&self.stack, &REGISTRY);
        if warnings.has_errors() { Err(warnings) } else { Ok(()) }
    }

    /// What a kept plan was made with; `name` is that of its file. Goes to the folder where it was made; on a machine without such a
    /// folder the current one takes its place. Variables have their values where the plan holds them, until [`Session::supply`].
    pub fn of_saved(cx: &Context, saved: &Saved, name: &str) -> Result<Self> {
        let _elsewhere = std::env::set_current_dir(&saved.paths.here);
        let sources = saved.sources(&Files::disk(&saved.paths.root), name)?;
        let files = Files::embedded(sources).placed(saved.paths.clone()).with_home(dirs::home_dir());
        let stack = stack::load(&saved.stack, &files)?;
        let place = place::at(&saved.stack).with_states(cx.globals.state_dir.as_deref());
        let store = match place.states {
            Some(_) => place.store(&stack.name, Some(&saved.workspace), saved.sandbox),
            None => LocalStore::new(&saved.state),
        };
        let mut settings = settings(&files, &place);
        let mut emptied = None;
        if saved.sandbox {
            let running = tokio::task::block_in_place(|| sandbox::up(cx))?;
            emptied = (sandbox::epoch_of(&store) != Some(running.epoch.clone())).then_some(running.epoch);
            settings.sandbox = Some(running.endpoint);
        }
        Ok(Self {
            path: saved.stack.clone(),
            stack,
            files,
            store,
            states: vec![],
            state_dir: place.states,
            variables: saved.plan.variables.clone(),
            workspace: saved.workspace.clone(),
            settings,
            warnings: Diagnostics::default(),
            emptied,
        })
    }

    /// Takes the secret values of variables, which a kept plan does not hold, from where values come; all others stay what they were.
    pub fn supply(&mut self, picked: &[Pick], saved: &Saved, name: &str) -> Result<()> {
        let ephemeral = |variable: &str| !saved.plan.variables.contains_key(variable);
        let declared = self.stack.module.variables.values();
        let passing = declared.filter(|variable| variable.ephemeral && ephemeral(&variable.name)).map(|variable| &*variable.name);
        let hidden: Vec<&str> = saved.hidden().chain(passing).collect();
        let mut given = values(&self.stack, Path::new(&saved.paths.root), picked, &self.files)?;
        // Files and the environment may say something else by now; what a flag says is meant for this plan.
        given.retain(|g| !g.lenient || hidden.contains(&g.name.as_str()));
        let mut errors = Diagnostics::default();
        for name_of in &hidden {
            let default = self.stack.module.variables.get(*name_of).and_then(|v| v.default.as_ref());
            if (default.is_none() || ephemeral(name_of)) && !given.iter().any(|g| g.name == **name_of) {
                let error = Diagnostic::error(format!("the plan `{name}` needs the value of the variable `{name_of}` again"));
                errors.push(if ephemeral(name_of) {
                    let how = format!(
                        "give one, the same or another: FERROFORM_VAR_{name_of} in the environment, --var, --var-file, or vars.toml"
                    );
                    error.fact("why", "it is ephemeral, and plans keep nothing of it").help(how)
                } else {
                    error.fact("why", "it is sensitive, and plans keep no secrets").help(how_to_give(name_of))
                });
            }
        }
        errors.unless_errors(())?;
        let source = |of: &str| given.iter().rev().find(|g| g.name == of).map_or_else(|| "its default".to_owned(), |g| g.source.clone());
        let kept = saved.plan.variables.iter().filter(|(name, _)| !hidden.contains(&name.as_ref()));
        let kept = kept.map(|(name, value)| Given {
            name: name.to_string(),
            value: RawValue::Value(value.bare_deep(), None),
            source: name.to_string(),
            lenient: true,
        });
        let all: Vec<Given> = kept.chain(given.iter().cloned()).collect();
        self.variables = stack::variables(&self.stack.module, &all, &self.files, &mut Diagnostics::default())?;
        let mut errors = Diagnostics::default();
        let differs = |variable: &Arc<str>, value: &Value| !ephemeral(variable) && !saved.agrees(variable, value);
        for (variable, _) in self.variables.iter().filter(|(variable, value)| differs(variable, value)) {
            let error = Diagnostic::error(format!("variable `{variable}` has another value than the plan `{name}` was made with"));
            let error = error.fact("given by", source(variable));
            errors.push(if hidden.contains(&variable.as_ref()) {
                error.help(how_to_give(variable)).help("or plan again with this value")
            } else {
                error.help("leave it out: the plan holds its value; or plan again with this value")
            });
        }
        errors.unless_errors(())
    }

    /// A kept plan with its secrets.
    pub async fn unsealed(&self, saved: &Saved, state: &State, options: &Options, name: &str) -> Result<Plan> {
        saved::open(saved, &self.request(state, options), name).await
    }

    /// What the engine is asked with.
    pub fn request<'a>(&'a self, state: &'a State, options: &'a Options) -> Request<'a> {
        let Self { stack, files, variables, workspace, settings, .. } = self;
        Request { stack, files, variables, workspace, state, registry: &REGISTRY, settings, options }
    }

    /// What is known now, what an interrupted run left open looked up. Writes nothing.
    pub async fn known(&self, listener: &dyn Listener) -> Result<State> {
        if self.emptied.is_some() {
            return Ok(new_state());
        }
        let quiet_for = self.store.quiet_for();
        let Loaded { state, pending, unfinished } = self.store.read()?;
        let mut state = state.unwrap_or_else(new_state);
        // What a run has begun that is still under way is for that one to end.
        match self.store.holder(&who()).filter(|_| unfinished.is_some()) {
            Some(holder) => listener.on(Event::Note(holder.note())),
            None if pending.is_empty() => {}
            None => drop(self.settle(&pending, &mut state, quiet_for, listener).await?),
        }
        Ok(state)
    }

    async fn settle(
        &self,
        pending: &[crate::state::OpenIntent],
        state: &mut State,
        quiet_for: Duration,
        listener: &dyn Listener,
    ) -> Result<Vec<crate::state::Event>> {
        let world = World::new(&self.stack.module, &self.files, &self.variables, &self.workspace);
        let mut providers = Providers::new(&REGISTRY, &self.settings, &self.stack);
        for open in pending {
            let config = providers.of_state(&open.intent.provider)?;
            providers.configure(&config, &world, None).await?;
        }
        recover(pending, state, &REGISTRY, &providers, quiet_for, listener).await
    }

    /// Takes the lock, and settles what an interrupted run left open.
    pub async fn hold(&self, cx: &Context, operation: &str, timeout: Duration, listener: &dyn Listener) -> Result<Held> {
        let (lock, taken) = self.store.lock(operation, timeout, &who()).await?;
        if let Some(taken) = taken {
            cx.terminal.say(&format!("  {}", taken.note()));
        }
        if let Some(epoch) = &self.emptied {
            if sandbox::forget(&self.store, epoch)? {
                cx.terminal.say("  The sandbox was emptied since the last run: its state begins anew.");
            }
            return Ok(Held { lock, state: new_state() });
        }
        let quiet_for = self.store.quiet_for();
        let Loaded { state, pending, .. } = self.store.fold(&lock)?;
        let mut state = state.unwrap_or_else(new_state);
        if !pending.is_empty() {
            cx.terminal.say("  The last run did not end. Settled from its journal:");
            let records = self.settle(&pending, &mut state, quiet_for, listener).await?;
            let journal = self.store.begin(&lock, &state)?;
            for record in &records {
                journal.append(record).await?;
            }
            journal.finish().await?;
            state = self.store.fold(&lock)?.state.unwrap_or(state);
        }
        Ok(Held { lock, state })
    }

    /// What the states of the project own, this one's among them.
    pub fn owned(&self) -> Result<Vec<Owned>> {
        held(&self.states, &[self.store.path().to_path_buf()])
    }

    /// Makes a plan.
    pub async fn plan(&self, state: &State, options: &Options, listener: &dyn Listener) -> Result<(Plan, Facts)> {
        let begun = Instant::now();
        let adopts = options.adopt || Tree::of(&self.stack).blocks.iter().any(|placed| placed.block.lifecycle.adopt == Some(true));
        let owned = if adopts { held_by_others(&self.states, self.store.path())? } else { BTreeMap::new() };
        let options = &Options { owned, ..options.clone() };
        let mut plan = plan(&self.request(state, options), listener).await?;
        plan.warnings.splice(0..0, self.warnings.0.iter().cloned());
        let places = Tree::of(&self.stack).blocks.into_iter().map(|b| (b.address, b.block.span.clone())).collect();
        Ok((
            plan,
            Facts { calls: Some(self.settings.calls.total()), took: Some(begun.elapsed()), workspace: self.workspace.clone(), places },
        ))
    }

    /// Does what the plan says; gives how it ended and the state after it.
    pub async fn apply(
        &self,
        held: &Held,
        plan: &Plan,
        options: &Options,
        listener: &dyn Listener,
        stop: &Stop,
    ) -> Result<(Applied, State)> {
        let mut state = held.state.clone();
        let journal = self.store.begin(&held.lock, &held.state)?;
        let ended = apply(&self.request(&held.state, options), plan, &mut state, &journal, listener, stop).await;
        let finished = journal.finish().await;
        let mut applied = ended?;
        let why = applied.unrecorded.take().or_else(|| finished.err().and_then(|why| why.0.into_iter().next()));
        let stored = match why {
            // What could not be written to the journal is in memory alone.
            Some(why) => Err(self.store.rescue(&state, &self.refuge(), why)),
            None => self.store.settle(&held.lock, &state, &self.refuge()),
        };
        match stored {
            Ok(loaded) => Ok((applied, loaded.state.unwrap_or(state))),
            Err(told) => {
                applied.unrecorded = Some(told);
                Ok((applied, state))
            }
        }
    }

    /// Where the state goes that can't be written where it belongs, and back by which command.
    fn refuge(&self) -> Refuge {
        let here = std::env::current_dir().unwrap_or_else(|_| PathBuf::from("."));
        let sandbox = if self.settings.sandbox.is_some() { " --sandbox" } else { "" };
        let workspace = if self.workspace == "default" { String::new() } else { format!(" --workspace {}", self.workspace) };
        let stack = if self.path == Path::new(".") { String::new() } else { format!(" --stack {}", self.path.display()) };
        let states = self.state_dir.as_ref().map_or_else(String::new, |dir| format!(" --state-dir {}", dir.display()));
        Refuge { folders: vec![here, std::env::temp_dir()], push: format!("ferroform{sandbox}{states}{workspace}{stack} state push") }
    }
}

/// What providers are told of the stack.
fn settings(files: &Files, place: &Place) -> Settings {
    let paths = files.paths();
    let here = std::env::current_dir().unwrap_or_else(|_| paths.here.clone());
    Settings { states: Some(Arc::new(Neighbours::of(&paths.root, &here).moved(place.moved()))), ..Settings::default() }
}

fn new_state() -> State {
    State::new(uuid::Uuid::new_v4().to_string())
}

fn how_to_give(variable: &str) -> String {
    format!("give the one that the plan was made with: FERROFORM_VAR_{variable} in the environment, --var, --var-file, or vars.toml")
}

/// Values of variables from everywhere, the ones that hold last: environment, files that are read by themselves, flags.
pub(super) fn values(stack: &Stack, folder: &Path, picked: &[Pick], files: &Files) -> Result<Vec<Given>> {
    let mut given: Vec<Given> = stack.module.variables.keys().filter_map(|name| of_environment(name)).collect();
    for file in stack::automatic(folder) {
        given.extend(of_file(&file, true, files)?);
    }
    for pick in picked {
        match pick {
            Pick::Var(text) => {
                let (name, value) = pair(text)?;
                given.push(Given { name: name.into(), value: RawValue::Text(value.into()), source: "--var".into(), lenient: false });
            }
            Pick::File(path) => given.extend(of_file(path, false, files)?),
        }
    }
    Ok(given)
}

fn of_environment(name: &str) -> Option<Given> {
    let of = |prefix: &str| {
        let key = format!("{prefix}{name}");
        let value = std::env::var(&key).ok()?;
        Some(Given { name: name.into(), value: RawValue::Text(value), source: format!("the environment variable {key}"), lenient: true })
    };
    of("FERROFORM_VAR_").or_else(|| of("TF_VAR_"))
}

fn of_file(path: &Path, lenient: bool, files: &Files) -> Result<Vec<Given>> {
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|e| unread(path, &e))?;
    stack::file_values(&name, &text, lenient, files)
}

/// Why a file with values can't be read, and which one may be meant.
fn unread(path: &Path, why: &std::io::Error) -> Diagnostic {
    let error = Diagnostic::error(format!("can't read the values in `{}`: {why}", path.display()));
    if why.kind() != std::io::ErrorKind::NotFound {
        return error.help("a file with values is text: TOML, JSON, or `name = value` lines in `.tfvars`");
    }
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let Ok(entries) = std::fs::read_dir(folder) else {
        return error.help(format!("there is no folder `{}`: the path is taken from where the command runs", folder.display()));
    };
    let given = path.file_name().unwrap_or_default().to_string_lossy();
    let names: Vec<String> = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    match crate::words::error::nearest(&given, names.iter().map(String::as_str)) {
        Some(near) => error.help(format!("did you mean `{}`?", path.with_file_name(near).display())),
        None => error.help("the path is taken from where the command runs, not from the stack's folder"),
    }
}
