//! `ferroform state`

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::PathBuf;
use std::time::Duration;

use super::session::{locate, who};
use super::{Context, End, Ending};
use crate::registry::REGISTRY;
use crate::show::inline::inline;
use crate::show::json::Resource;
use crate::show::text;
use crate::state::{Instance, LocalStore, Lock, State, guard, marked, schema_conform};
use crate::words::error::nearest;
use crate::words::{Address, Diagnostic, Diagnostics, Selection, Value};

/// Looks into the state, and mends it.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Lists what the state holds.
    List {
        /// Only these modules, blocks or instances.
        addresses: Vec<Selection>,
        /// Only what has this id.
        #[arg(long)]
        id: Option<String>,
    },
    /// Shows all attributes of an instance.
    Show {
        /// Which.
        address: Address,
    },
    /// Forgets instances: they leave the state and stay where they are.
    Rm {
        /// Which modules, blocks or instances.
        #[arg(required = true)]
        addresses: Vec<Selection>,
        /// Only say what would be forgotten.
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives a module, a block or an instance another address.
    Mv {
        /// From here.
        from: Selection,
        /// To there.
        to: Selection,
        /// Only say what would be moved.
        #[arg(long)]
        dry_run: bool,
    },
    /// Writes the state to stdout, in Terraform's format.
    Pull,
    /// Puts a state in place of the one that is there.
    Push {
        /// The file with it; `-` for stdin.
        file: PathBuf,
        /// Even if it is older, or of another lineage.
        #[arg(long)]
        force: bool,
    },
}

pub(super) async fn run(command: Command, cx: &Context) -> Ending {
    let (_, stack, _, store) = locate(cx, None)?;
    let read = || Ok::<_, Diagnostics>(store.read()?.state.unwrap_or_else(|| State::new("")));
    match command {
        Command::List { addresses, id } => cx.terminal.data(&list(&read()?, &addresses, id.as_deref())),
        Command::Show { address } => {
            let state = read()?;
            let instance = state.instances.get(&address).filter(|i| i.exists()).ok_or_else(|| missing(&state, &address))?;
            cx.terminal.data(&told(&address, instance));
        }
        Command::Rm { addresses, dry_run } => {
            change(&store, cx, "state rm", dry_run, |state| remove(state, &addresses)).await?;
        }
        Command::Mv { from, to, dry_run } => change(&store, cx, "state mv", dry_run, |state| rename(state, &from, &to)).await?,
        Command::Pull => match store.read()?.state {
            Some(state) => cx.terminal.data(&String::from_utf8_lossy(&state.to_bytes())),
            None => cx.terminal.say(&format!("  {} has no state yet.", stack.name)),
        },
        Command::Push { file, force } => push(&store, &file, force).await?,
    }
    Ok(End::Good)
}

fn list(state: &State, addresses: &[Selection], id: Option<&str>) -> String {
    let wanted = |address: &Address, instance: &Instance| {
        instance.exists()
            && (addresses.is_empty() || addresses.iter().any(|a| a.covers(address)))
            && id.is_none_or(|id| instance.id() == id)
    };
    state.instances.iter().filter(|(a, i)| wanted(a, i)).map(|(address, _)| format!("{address}\n")).collect()
}

fn missing(state: &State, address: &dyn std::fmt::Display) -> Diagnostics {
    let error = Diagnostic::error(format!("the state holds no {address}"));
    let known: Vec<String> = state.instances.keys().map(ToString::to_string).collect();
    let near = nearest(&address.to_string(), known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?"));
    error.help(near.unwrap_or_else(|| "`ferroform state list` says what it holds".into())).into()
}

fn value_of(address: &Address, instance: &Instance) -> Value {
    let attrs = REGISTRY.attrs(address);
    if attrs.is_empty() { instance.attributes.clone() } else { marked(&schema_conform(attrs, &instance.attributes), attrs) }
}

/// An instance with all that it holds, secrets hidden.
pub(super) fn told(address: &Address, instance: &Instance) -> String {
    let value = value_of(address, instance);
    let entries: BTreeMap<&str, &Value> = value.entries().into_iter().flatten().map(|(k, v)| (k.as_ref(), v)).collect();
    let longest = entries.keys().map(|k| k.len()).max().unwrap_or(0);
    let line = |(name, value): (&&str, &&Value)| {
        let text = if value.is_sensitive() { inline(value) } else { text::value(value, 2) };
        format!("  {name:<longest$} = {text}\n")
    };
    let tainted = if instance.tainted { " (tainted)" } else { "" };
    format!("{address}{tainted}\n{}", entries.iter().filter(|(_, v)| !v.is_null()).map(line).collect::<String>())
}

/// What a state holds, as its JSON tells it.
pub(super) fn resources(state: &State) -> Vec<Resource<'_>> {
    let one = |address, instance: &'_ Instance| value_of(address, instance);
    let mut all = vec![];
    for (address, instance) in &state.instances {
        let resource = |held: &'_ Instance| (held.schema_version, one(address, held), held.dependencies.clone(), held.tainted);
        let objects = std::iter::once((None, instance)).filter(|(_, i)| i.exists());
        for (deposed, held) in objects.chain(instance.deposed.iter().map(|(key, held)| (Some(key.as_str()), held))) {
            let (schema_version, value, depends_on, tainted) = resource(held);
            all.push(Resource { address, provider: &instance.provider, schema_version, value, depends_on, tainted, deposed });
        }
    }
    all
}

/// Changes the state under the lock. `edit` says what it did, a line each.
async fn change(
    store: &LocalStore,
    cx: &Context,
    operation: &str,
    dry_run: bool,
    edit: impl FnOnce(&mut State) -> Result<Vec<String>, Diagnostics>,
) -> Result<(), Diagnostics> {
    if dry_run {
        let mut state = store.read()?.state.unwrap_or_else(|| State::new(""));
        return edit(&mut state).map(|lines| lines.iter().for_each(|line| cx.terminal.say(&format!("  would have {line}"))));
    }
    let lock = lock(store, operation).await?;
    let loaded = store.fold(&lock)?;
    if !loaded.pending.is_empty() {
        let error = Diagnostic::error("the last run did not end, and what it left open is not settled yet");
        return Err(error.help("run `ferroform apply` first: it settles that").into());
    }
    let mut state = loaded.state.unwrap_or_else(|| State::new(""));
    let lines = edit(&mut state)?;
    let serial = store.write(&lock, &state)?;
    lines.iter().for_each(|line| cx.terminal.say(&format!("  {line}")));
    cx.terminal.say(&format!("  state serial {serial}"));
    Ok(())
}

async fn lock(store: &LocalStore, operation: &str) -> Result<Lock, Diagnostics> {
    Ok(store.lock(operation, Duration::ZERO, &who()).await?.0)
}

fn remove(state: &mut State, addresses: &[Selection]) -> Result<Vec<String>, Diagnostics> {
    let mut lines = vec![];
    for address in addresses {
        let found: Vec<Address> = state.instances.keys().filter(|a| address.covers(a)).cloned().collect();
        if found.is_empty() {
            return Err(missing(state, address));
        }
        for one in found {
            state.instances.remove(&one);
            lines.push(format!("forgotten {one}"));
        }
    }
    Ok(lines)
}

fn rename(state: &mut State, from: &Selection, to: &Selection) -> Result<Vec<String>, Diagnostics> {
    let found: Vec<Address> = state.instances.keys().filter(|a| from.covers(a)).cloned().collect();
    if found.is_empty() {
        return Err(missing(state, from));
    }
    let target: Box<dyn Fn(&Address) -> Option<Address>> = match (from, to) {
        (Selection::Module(from), Selection::Module(to)) => Box::new(|one| {
            let rest = one.module.starts_with(from).then(|| one.module[from.len()..].iter().cloned())?;
            Some(one.within(&to.iter().cloned().chain(rest).collect()))
        }),
        (Selection::Resource(from), Selection::Resource(to)) => {
            if from.kind != to.kind || from.mode != to.mode {
                return Err(Diagnostic::error(format!("{from} can't become {to}: they are of different types")).into());
            }
            // A whole block keeps the keys of its instances.
            let whole = from.key.is_none() && to.key.is_none();
            if !whole && found.len() > 1 {
                let error = Diagnostic::error(format!("{from} has {} instances and {to} is one", found.len()));
                return Err(error.help("name one of them").into());
            }
            Box::new(move |one| from.covers(one).then(|| if whole { to.with_key(one.key.clone()) } else { to.clone() }))
        }
        _ => {
            let error = Diagnostic::error(format!("{from} can't become {to}: one is a module, the other a resource"));
            return Err(error.help("move a module to a module, and a resource to a resource").into());
        }
    };
    let mut lines = vec![];
    if found.iter().any(|one| target(one).is_none()) {
        return Err(Diagnostic::error(format!("{from} has several instances")).help("name one of them").into());
    }
    for one in &found {
        let Some(there) = target(one) else { continue };
        if state.instances.contains_key(&there) {
            return Err(Diagnostic::error(format!("the state holds {there} already")).into());
        }
        if let Some(instance) = state.instances.remove(one) {
            lines.push(format!("moved {one} to {there}"));
            state.instances.insert(there, instance);
        }
    }
    for dependency in state.instances.values_mut().flat_map(|i| i.dependencies.iter_mut()) {
        if let Some(there) = target(dependency) {
            *dependency = there;
        }
    }
    Ok(lines)
}

async fn push(store: &LocalStore, file: &std::path::Path, force: bool) -> Result<(), Diagnostics> {
    let name = file.display().to_string();
    let bad = |e: std::io::Error| Diagnostic::error(format!("can't read `{name}`: {e}"));
    let mut bytes = vec![];
    if name == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes).map_err(bad)?;
    } else {
        bytes = std::fs::read(file).map_err(bad)?;
    }
    let new = State::parse(&bytes, &name)?;
    let lock = lock(store, "state push").await?;
    let stored = store.fold(&lock)?.state;
    guard::check_push(stored.as_ref(), &new, &store.path().display().to_string(), force)?;
    store.push(&lock, &new).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> State {
        let mut state = State::new("l");
        let mut put = |address: &str, needs: &[&str]| {
            let mut instance = Instance::new("provider[\"x\"]", 0, Value::object([("id", Value::from(address))]));
            instance.dependencies = needs.iter().map(|n| n.parse().expect("an address")).collect();
            state.instances.insert(address.parse().expect("an address"), instance);
        };
        put("aws_eip.a[0]", &[]);
        put("aws_eip.a[1]", &[]);
        put("aws_eip.b", &["aws_eip.a"]);
        state
    }

    #[test]
    fn a_block_moves_with_its_instances_and_those_that_need_it_follow() {
        let mut state = state();
        let address = |text: &str| text.parse::<Address>().expect("an address");
        let select = |text: &str| text.parse::<Selection>().expect("an address");
        rename(&mut state, &select("aws_eip.a"), &select("aws_eip.c")).expect("it moves");
        assert_eq!(list(&state, &[], None), "aws_eip.b\naws_eip.c[0]\naws_eip.c[1]\n");
        assert_eq!(state.instances[&address("aws_eip.b")].dependencies, [address("aws_eip.c")]);
        assert!(rename(&mut state, &select("aws_eip.c[0]"), &select("aws_eip.b")).is_err(), "it is taken");
        assert!(rename(&mut state, &select("aws_eip.b"), &select("aws_vpc.b")).is_err(), "another type");
        assert!(remove(&mut state, &[select("aws_eip.q")]).is_err(), "it is not there");
        rename(&mut state, &select("aws_eip.b"), &select("module.m[0].aws_eip.b")).expect("it moves into a module");
        rename(&mut state, &select("module.m"), &select("module.n")).expect_err("which of them is meant can't be told");
        rename(&mut state, &select("module.m[0]"), &select("module.n")).expect("it moves with its module");
        assert_eq!(list(&state, &[select("module.n")], None), "module.n.aws_eip.b\n");
    }
}
