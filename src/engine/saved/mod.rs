//! A plan in a file: all that apply needs, so that what was shown is what is done, but for secrets. Of these it holds fingerprints:
//! apply finds them again in the state, in variables that are given again, and by evaluating the stack.

mod open;
mod seal;
mod value;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};

use super::hush::collect;
use super::plan::{Action, Change, CheckResult, Checked, Drift, OutputChange, Plan, Purpose, Reason};
use crate::stack::{Files, Paths, Recorded};
use crate::state::{State, marked};
use crate::words::resource::{Identity, Registry};
use crate::words::{Address, Diagnostic, Diagnostics, Result, Value};
pub use open::open;
use value::{put, take};

/// What a file begins with; the number grows when older programs could misread it.
const FORMAT: &str = "ferroform plan 2";

/// A plan and what it was made with.
#[derive(Clone, Debug, Default)]
pub struct Saved {
    /// The plan.
    pub plan: Plan,
    /// The stack's directory or file.
    pub stack: PathBuf,
    /// Where the state lies.
    pub state: PathBuf,
    /// Where the stack was, and where the command.
    pub paths: Paths,
    /// The workspace.
    pub workspace: String,
    /// The files that the stack was made of, so that expressions still to be evaluated are those of then.
    pub files: Recorded,
    /// What expressions called sensitive; never written.
    pub secrets: BTreeSet<Value>,
    /// Fingerprints of those of them that tell a secret, which stay where they are.
    pub left_out: BTreeMap<String, String>,
    /// What the fingerprints were made with.
    pub salt: String,
    /// Something was left out (`--target`).
    pub partial: bool,
    /// It is for the sandbox.
    pub sandbox: bool,
}

/// Whether the bytes are a saved plan.
#[must_use]
pub fn is_saved(bytes: &[u8]) -> bool {
    bytes.starts_with(format!("{{\"format\":\"{FORMAT}\"").as_bytes())
}

/// Fails when the state is no longer the one that the plan was made from; `name` is what errors call the plan.
pub fn check_fresh(plan: &Plan, state: &State, name: &str) -> Result<()> {
    // A plan from before the first state has a lineage that nobody knows yet.
    let same = if plan.serial == 0 { state.serial == 0 } else { state.lineage == plan.lineage && state.serial == plan.serial };
    if same {
        return Ok(());
    }
    Err(Diagnostic::error(format!("the plan `{name}` is out of date: the state has changed since it was made"))
        .fact("planned from", if plan.serial == 0 { "no state".into() } else { format!("serial {}", plan.serial) })
        .fact("now", format!("serial {}", state.serial))
        .help("make it again with `ferroform plan --out`")
        .into())
}

impl Saved {
    /// The variables whose values have to be given again.
    pub fn hidden(&self) -> impl Iterator<Item = &str> {
        self.plan.variables.iter().filter(|(_, value)| seal::is_sealed(value)).map(|(name, _)| name.as_ref())
    }

    /// Whether that is the value which the variable had.
    #[must_use]
    pub fn agrees(&self, variable: &str, value: &Value) -> bool {
        self.plan.variables.get(variable).is_some_and(|had| match seal::open(had, &[value], &self.salt) {
            Ok(had) => had.bare_deep() == value.bare_deep(),
            Err(_) => false,
        })
    }

    /// All files of the stack. Those that the plan leaves out are read on `disk` again, and have to be what they were.
    pub fn sources(&self, disk: &Files, name: &str) -> Result<Recorded> {
        let mut errors = Diagnostics::default();
        let mut all = self.files.clone();
        for (file, print) in &self.left_out {
            let told = |why: &str| {
                Diagnostic::error(format!("the plan `{name}` needs the file `{file}` again, which {why}"))
                    .fact("why", "it tells a secret, and plans keep none")
                    .help("put it back as it was, or make the plan again with `ferroform plan --out`")
            };
            match disk.read(file) {
                Ok(bytes) if seal::fingerprint(&self.salt, &bytes) == *print => drop(all.insert(file.clone(), bytes)),
                Ok(_) => errors.push(told("has changed since it was made")),
                Err(_) => errors.push(told(&format!("can't be read in {}", disk.root().display()))),
            }
        }
        errors.unless_errors(all)
    }

    /// The same with fingerprints in place of secrets.
    fn sealed(&self, registry: &Registry) -> Self {
        let mut sealed = Self { salt: seal::salt(), ..self.clone() };
        // The state may come from elsewhere, without its marks.
        for change in &mut sealed.plan.changes {
            let attrs = registry.attrs(&change.address);
            (change.before, change.after) = (marked(&change.before, attrs), marked(&change.after, attrs));
        }
        for drift in &mut sealed.plan.drift {
            let attrs = registry.attrs(&drift.address);
            (drift.before, drift.after) = (marked(&drift.before, attrs), marked(&drift.after, attrs));
        }
        for output in sealed.plan.outputs.values_mut().filter(|output| output.sensitive) {
            (output.before, output.after) = (output.before.clone().sensitive(), output.after.clone().sensitive());
        }
        let (mut secrets, mut open) = (vec![], BTreeSet::new());
        std::mem::take(&mut sealed.secrets).iter().for_each(|value| collect(value, false, &mut secrets));
        for value in values(&mut sealed.plan) {
            collect(value, false, &mut secrets);
            *value = seal::seal(value, &sealed.salt);
            seal::collect_open(value, &mut open);
        }
        // What the plan shows anyway is no secret: marks are often on more than they should be.
        secrets.retain(|secret| !open.contains(secret));
        let spellings = seal::spellings(&secrets);
        for (name, bytes) in &self.files {
            if Files::is_content(name) && seal::tells(bytes, &spellings) {
                sealed.files.remove(name);
                sealed.left_out.insert(name.clone(), seal::fingerprint(&sealed.salt, bytes));
            }
        }
        sealed
    }
}

/// All values of a plan.
fn values(plan: &mut Plan) -> impl Iterator<Item = &mut Value> {
    let changes = plan.changes.iter_mut().flat_map(|c| [&mut c.before, &mut c.after]);
    let drift = plan.drift.iter_mut().flat_map(|d| [&mut d.before, &mut d.after]);
    let outputs = plan.outputs.values_mut().flat_map(|o| [&mut o.before, &mut o.after]);
    changes.chain(drift).chain(outputs).chain(plan.variables.values_mut())
}

/// Writes the plan to a file that only its owner can read.
pub fn write(path: &Path, saved: &Saved, registry: &Registry) -> Result<()> {
    let bad = |e: std::io::Error| Diagnostic::error(format!("can't keep the plan in `{}`: {e}", path.display()));
    // The format's name comes first, so that any program can tell what the file is.
    let body = encode(&saved.sealed(registry)).to_string();
    let text = format!("{{\"format\":\"{FORMAT}\",\"body\":{body}}}\n");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(bad)?;
    // A file that was there before keeps its permissions: it gets ours.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600)).map_err(bad)?;
    Ok(file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(bad)?)
}

/// Reads a plan back; `name` is what errors call it.
pub fn read(bytes: &[u8], name: &str) -> Result<Saved> {
    let bad = || {
        Diagnostic::error(format!("`{name}` is no plan of this version of ferroform"))
            .help("make it again with `ferroform plan --out FILE`")
    };
    if !is_saved(bytes) {
        return Err(bad().into());
    }
    let json: Json = serde_json::from_slice(bytes).map_err(|_| bad())?;
    decode(&json["body"]).ok_or_else(|| bad().into())
}

fn encode(saved: &Saved) -> Json {
    let plan = &saved.plan;
    let files: Map<String, Json> = saved.files.iter().map(|(name, bytes)| (name.clone(), STANDARD.encode(bytes).into())).collect();
    json!({
        "stack": saved.stack, "state": saved.state, "root": saved.paths.root, "here": saved.paths.here, "cwd": saved.paths.cwd, "workspace": saved.workspace, "files": files,
        "left_out": saved.left_out, "salt": saved.salt, "partial": saved.partial, "sandbox": saved.sandbox,
        "plan": {
            "stack": plan.stack, "purpose": purpose(plan.purpose), "serial": plan.serial, "lineage": plan.lineage, "read": plan.read,
            "identity": plan.identity.as_ref().map(|i| json!([i.account, i.caller, i.region])),
            "changes": plan.changes.iter().map(put_change).collect::<Vec<_>>(),
            "moves": plan.moves.iter().map(|(now, was)| json!([now.to_string(), was.to_string()])).collect::<Vec<_>>(),
            "drift": plan.drift.iter().map(put_drift).collect::<Vec<_>>(),
            "outputs": plan.outputs.iter().map(|(k, o)| (k.clone(), json!([put(&o.before), put(&o.after), o.sensitive, o.declared]))).collect::<Map<_, _>>(),
            "checks": plan.checks.iter().map(|c| json!([c.object.kind(), c.object.to_string(), c.holds, c.messages])).collect::<Vec<_>>(),
            "warnings": plan.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "variables": plan.variables.iter().map(|(k, v)| (k.to_string(), put(v))).collect::<Map<_, _>>(),
        },
    })
}

fn decode(json: &Json) -> Option<Saved> {
    let file = |(name, text): (&String, &Json)| Some((name.clone(), Arc::from(STANDARD.decode(text.as_str()?).ok()?)));
    Some(Saved {
        plan: take_plan(&json["plan"])?,
        stack: json["stack"].as_str()?.into(),
        state: json["state"].as_str()?.into(),
        paths: Paths { root: text(&json["root"])?, here: json["here"].as_str()?.into(), cwd: text(&json["cwd"])? },
        workspace: text(&json["workspace"])?,
        files: json["files"].as_object()?.iter().map(file).collect::<Option<_>>()?,
        left_out: json["left_out"].as_object()?.iter().map(|(k, v)| Some((k.clone(), text(v)?))).collect::<Option<_>>()?,
        salt: text(&json["salt"])?,
        secrets: BTreeSet::new(),
        partial: json["partial"].as_bool()?,
        sandbox: json["sandbox"].as_bool()?,
    })
}

fn take_plan(json: &Json) -> Option<Plan> {
    let identity = match &json["identity"] {
        Json::Null => None,
        i => Some(Identity { account: text(&i[0])?, caller: text(&i[1])?, region: text(&i[2])? }),
    };
    let output = |(name, o): (&String, &Json)| {
        Some((
            name.clone(),
            OutputChange { before: take(&o[0])?, after: take(&o[1])?, sensitive: o[2].as_bool()?, declared: o[3].as_bool()? },
        ))
    };
    let check = |c: &Json| Some(CheckResult { object: checked(&c[0], &c[1])?, holds: c[2].as_bool(), messages: texts(&c[3])? });
    let variable = |(name, v): (&String, &Json)| Some((Arc::from(name.as_str()), take(v)?));
    Some(Plan {
        stack: text(&json["stack"])?,
        purpose: PURPOSES.iter().find(|(_, word)| json["purpose"] == *word)?.0,
        identity,
        serial: json["serial"].as_u64()?,
        lineage: text(&json["lineage"])?,
        changes: all(&json["changes"], take_change)?,
        moves: all(&json["moves"], |pair| Some((address(&pair[0])?, address(&pair[1])?)))?.into_iter().collect(),
        drift: all(&json["drift"], take_drift)?,
        outputs: json["outputs"].as_object()?.iter().map(output).collect::<Option<_>>()?,
        checks: all(&json["checks"], check)?,
        warnings: texts(&json["warnings"])?.into_iter().map(Diagnostic::warning).collect(),
        variables: json["variables"].as_object()?.iter().map(variable).collect::<Option<BTreeMap<_, _>>>()?,
        read: usize::try_from(json["read"].as_u64()?).ok()?,
        generated: vec![],
    })
}

/// `module.m.check.name` as what it is: a name of two words at the end, like an address.
fn checked(kind: &Json, text: &Json) -> Option<Checked> {
    let address = address(text)?;
    let (path, name) = (address.module.clone(), address.name.clone());
    Some(match kind.as_str()? {
        "check" => Checked::Check(path, name),
        "output" => Checked::Output(path, name),
        "var" => Checked::Variable(path, name),
        _ => Checked::Resource(address),
    })
}

fn put_change(c: &Change) -> Json {
    json!({
        "address": c.address.to_string(), "deposed": c.deposed, "provider": c.provider.as_ref(), "action": word(&ACTIONS, c.action),
        "reason": c.reason.map(|r| word(&REASONS, r)), "before": put(&c.before), "after": put(&c.after), "changed": c.changed,
        "replace": c.replace, "dependencies": c.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "create_before_destroy": c.create_before_destroy, "importing": c.importing, "adopted": c.adopted,
        "moved_from": c.moved_from.as_ref().map(ToString::to_string),
    })
}

fn take_change(json: &Json) -> Option<Change> {
    let reason = match &json["reason"] {
        Json::Null => None,
        word => Some(REASONS.iter().find(|(_, w)| word == w)?.0),
    };
    Some(Change {
        address: address(&json["address"])?,
        deposed: json["deposed"].as_str().map(str::to_owned),
        provider: json["provider"].as_str()?.into(),
        action: ACTIONS.iter().find(|(_, w)| json["action"] == *w)?.0,
        reason,
        before: take(&json["before"])?,
        after: take(&json["after"])?,
        changed: texts(&json["changed"])?,
        replace: texts(&json["replace"])?,
        dependencies: all(&json["dependencies"], address)?,
        create_before_destroy: json["create_before_destroy"].as_bool()?,
        importing: json["importing"].as_str().map(str::to_owned),
        adopted: json["adopted"].as_bool()?,
        moved_from: if json["moved_from"].is_null() { None } else { Some(address(&json["moved_from"])?) },
    })
}

fn put_drift(d: &Drift) -> Json {
    json!([d.address.to_string(), put(&d.before), put(&d.after), d.changed])
}

fn take_drift(json: &Json) -> Option<Drift> {
    Some(Drift { address: address(&json[0])?, before: take(&json[1])?, after: take(&json[2])?, changed: texts(&json[3])? })
}

const PURPOSES: [(Purpose, &str); 3] = [(Purpose::Apply, "apply"), (Purpose::Destroy, "destroy"), (Purpose::Refresh, "refresh")];

const ACTIONS: [(Action, &str); 8] = [
    (Action::Nothing, "nothing"),
    (Action::Read, "read"),
    (Action::Create, "create"),
    (Action::Update, "update"),
    (Action::Replace { create_first: true }, "replace create first"),
    (Action::Replace { create_first: false }, "replace"),
    (Action::Delete, "delete"),
    (Action::Forget, "forget"),
];

const REASONS: [(Reason, &str); 12] = [
    (Reason::CannotUpdate, "cannot update"),
    (Reason::ByRequest, "by request"),
    (Reason::ByTriggers, "by triggers"),
    (Reason::Tainted, "tainted"),
    (Reason::NoConfig, "no config"),
    (Reason::CountIndex, "count index"),
    (Reason::EachKey, "each key"),
    (Reason::WrongRepetition, "wrong repetition"),
    (Reason::NoModule, "no module"),
    (Reason::NoMoveTarget, "no move target"),
    (Reason::Destroying, "destroying"),
    (Reason::Adopted, "adopted"),
];

fn purpose(purpose: Purpose) -> &'static str {
    word(&PURPOSES, purpose)
}

fn word<T: PartialEq + Copy>(words: &[(T, &'static str)], value: T) -> &'static str {
    words.iter().find(|(v, _)| *v == value).map_or("", |(_, word)| word)
}

fn text(json: &Json) -> Option<String> {
    json.as_str().map(str::to_owned)
}

fn texts(json: &Json) -> Option<Vec<String>> {
    all(json, text)
}

fn address(json: &Json) -> Option<Address> {
    json.as_str()?.parse().ok()
}

fn all<T>(json: &Json, one: impl Fn(&Json) -> Option<T>) -> Option<Vec<T>> {
    json.as_array()?.iter().map(one).collect()
}
