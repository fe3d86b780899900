//! Events as lines: JSON with a number and a checksum, and with what is sensitive sealed.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::conform::unwrap_dynamic;
use super::journal::{Action, Begin, Event, Intent};
use super::seal::{Seal, sha256};
use super::snapshot::{Instance, Output};
use super::tree::{Tree, intern};
use super::v4::marks::{self, Step};
use super::v4::read::{self, Addresses};
use super::v4::write::{self, Typed};
use crate::words::{Address, Diagnostic, Result, Value};

/// What the sealed outputs are bound to.
const OUTPUTS: &str = "outputs";
/// What sealed wishes are about.
const WANTED: &str = "wanted";

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Out<'a> {
    Begin(&'a Begin),
    Intent(WireIntent),
    Created { address: String, id: &'a str, token: &'a str },
    Saved(OutSaved<'a>),
    Deleted { address: String, deposed: Option<&'a str> },
    Deposed { address: String, key: &'a str },
    Moved { from: String, to: String },
    Failed { address: String, deposed: Option<&'a str>, error: &'a str },
    Outputs { outputs: BTreeMap<&'a str, write::WireOutput<'a>>, sealed: String },
    Checks(&'a serde_json::Value),
    Fold { sum: &'a str },
    End,
}

#[derive(Serialize)]
struct OutSaved<'a> {
    address: String,
    provider: &'a str,
    instance: write::WireInstance<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sealed: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum In<'a> {
    Begin(Begin),
    Intent(WireIntent),
    Created {
        address: String,
        id: String,
        token: String,
    },
    #[serde(borrow)]
    Saved(InSaved<'a>),
    Deleted {
        address: String,
        deposed: Option<String>,
    },
    Deposed {
        address: String,
        key: String,
    },
    Moved {
        from: String,
        to: String,
    },
    Failed {
        address: String,
        deposed: Option<String>,
        error: String,
    },
    Outputs {
        outputs: BTreeMap<String, read::WireOutput>,
        sealed: String,
    },
    Checks(serde_json::Value),
    Fold {
        sum: String,
    },
    End,
}

#[derive(Deserialize)]
struct InSaved<'a> {
    address: String,
    provider: String,
    #[serde(borrow)]
    instance: read::WireInstance<'a>,
    sealed: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct WireIntent {
    address: String,
    action: Action,
    provider: String,
    token: String,
    deposed: Option<String>,
    wanted: String,
    dependencies: Vec<String>,
    create_before_destroy: bool,
}

/// The event as JSON.
pub(super) fn encode(event: &Event, seal: &Seal) -> String {
    let hidden;
    let out = match event {
        Event::Begin(begin) => Out::Begin(begin),
        Event::Intent(intent) => Out::Intent(WireIntent {
            address: intent.address.to_string(),
            action: intent.action,
            provider: intent.provider.to_string(),
            token: intent.token.clone(),
            deposed: intent.deposed.clone(),
            wanted: if intent.wanted.is_null() { String::new() } else { seal.seal(WANTED, text(&Typed::of(&intent.wanted)).as_bytes()) },
            dependencies: intent.dependencies.iter().map(Address::to_string).collect(),
            create_before_destroy: intent.create_before_destroy,
        }),
        Event::Created { address, id, token } => Out::Created { address: address.to_string(), id, token },
        Event::Saved { address, instance } => {
            let sealed;
            (hidden, sealed) = hide(address, &instance.attributes, seal);
            let wire = write::WireInstance::exact(address, instance, &hidden);
            Out::Saved(OutSaved { address: address.to_string(), provider: &instance.provider, instance: wire, sealed })
        }
        Event::Deleted { address, deposed } => Out::Deleted { address: address.to_string(), deposed: deposed.as_deref() },
        Event::Deposed { address, key } => Out::Deposed { address: address.to_string(), key },
        Event::Moved { from, to } => Out::Moved { from: from.to_string(), to: to.to_string() },
        Event::Failed { address, deposed, error } => Out::Failed { address: address.to_string(), deposed: deposed.as_deref(), error },
        Event::Outputs(outputs) => {
            let secret = |output: &&Output| output.sensitive || output.value.has_sensitive();
            let sealed: BTreeMap<_, _> = outputs.iter().filter(|(_, o)| secret(o)).map(|(name, o)| (name, Typed::of(&o.value))).collect();
            let open = outputs.iter().filter(|(_, o)| !secret(o)).map(|(name, o)| (name.as_str(), write::WireOutput::of(o)));
            Out::Outputs { outputs: open.collect(), sealed: seal.seal(OUTPUTS, text(&sealed).as_bytes()) }
        }
        Event::Checks(results) => Out::Checks(results),
        Event::Fold { sum } => Out::Fold { sum },
        Event::End => Out::End,
    };
    text(&out)
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("events are made of what JSON can hold")
}

/// The attributes with null for all that is sensitive, and that, sealed, in the order of its paths.
fn hide(address: &Address, attributes: &Value, seal: &Seal) -> (Value, Option<String>) {
    let paths = marks::paths(attributes);
    let mut secrets = vec![];
    let hidden = paths.iter().fold(attributes.clone(), |value, path| {
        marks::at(value, path, &mut |secret| {
            secrets.push(secret);
            Value::Null
        })
    });
    let secrets: Vec<Typed<'_>> = secrets.iter().map(Typed::of).collect();
    (hidden, (!paths.is_empty()).then(|| seal.seal(&address.to_string(), text(&secrets).as_bytes())))
}

/// Out of the JSON of an event; without a seal nothing that is sealed can be read.
fn decode(json: &str, seal: Option<&Seal>, name: &str) -> Result<Event, Diagnostic> {
    let wire: In<'_> = serde_json::from_str(json).map_err(|_| {
        Diagnostic::error(format!("{name} holds an event that this version doesn't know"))
            .help("a newer Ferroform wrote it: finish with that one what it has begun")
    })?;
    let at = |text: &str| text.parse::<Address>().map_err(|e| Diagnostic::error(format!("{name} holds a bad address: {e}")));
    Ok(match wire {
        In::Begin(begin) => Event::Begin(begin),
        In::Intent(wire) => Event::Intent(Intent {
            address: at(&wire.address)?,
            action: wire.action,
            provider: wire.provider.into(),
            token: wire.token,
            deposed: wire.deposed,
            wanted: if wire.wanted.is_empty() { Value::Null } else { unwrap_dynamic(&open::<Tree>(seal, WANTED, &wire.wanted, name)?.0) },
            dependencies: wire.dependencies.iter().map(|text| at(text)).collect::<Result<_, _>>()?,
            create_before_destroy: wire.create_before_destroy,
        }),
        In::Created { address, id, token } => Event::Created { address: at(&address)?, id, token },
        In::Saved(saved) => saved_event(saved, seal, name)?,
        In::Deleted { address, deposed } => Event::Deleted { address: at(&address)?, deposed },
        In::Deposed { address, key } => Event::Deposed { address: at(&address)?, key },
        In::Moved { from, to } => Event::Moved { from: at(&from)?, to: at(&to)? },
        In::Failed { address, deposed, error } => Event::Failed { address: at(&address)?, deposed, error },
        In::Outputs { outputs, sealed } => {
            let mut outputs: BTreeMap<_, _> = outputs.into_iter().map(|(name, output)| (name, output.output())).collect();
            let secrets: BTreeMap<String, Tree> = open(seal, OUTPUTS, &sealed, name)?;
            outputs.extend(secrets.into_iter().map(|(name, tree)| (name, Output { value: unwrap_dynamic(&tree.0), sensitive: true })));
            Event::Outputs(outputs)
        }
        In::Checks(results) => Event::Checks(results),
        In::Fold { sum } => Event::Fold { sum },
        In::End => Event::End,
    })
}

fn saved_event(saved: InSaved<'_>, seal: Option<&Seal>, name: &str) -> Result<Event, Diagnostic> {
    let address: Address = saved.address.parse().map_err(|e| Diagnostic::error(format!("{name} holds a bad address: {e}")))?;
    let first = |mut diagnostics: crate::words::Diagnostics| diagnostics.0.remove(0);
    let mut instance: Instance =
        read::instance(saved.instance, &address, intern(&saved.provider), &mut Addresses::default(), name).map_err(first)?;
    if let Some(sealed) = &saved.sealed {
        let paths: Vec<Vec<Step>> = marks::paths(&instance.attributes);
        let secrets: Vec<Tree> = open(seal, &saved.address, sealed, name)?;
        for (path, Tree(secret)) in paths.iter().zip(secrets) {
            let secret = unwrap_dynamic(&secret).sensitive();
            instance.attributes = marks::at(instance.attributes, path, &mut |_| secret.clone());
        }
    }
    Ok(Event::Saved { address, instance: Box::new(instance) })
}

fn open<T: for<'de> Deserialize<'de>>(seal: Option<&Seal>, about: &str, sealed: &str, name: &str) -> Result<T, Diagnostic> {
    let plain = seal.and_then(|seal| seal.open(about, sealed));
    plain.and_then(|plain| serde_json::from_slice(&plain).ok()).ok_or_else(|| {
        Diagnostic::error(format!("the sensitive values in {name} can't be opened: its key file is missing or another's"))
            .fact("key file", format!("{name}.key"))
            .help("put the key file back; it was written together with the journal")
    })
}

#[derive(Deserialize)]
struct Line<'a> {
    n: u64,
    batch: u64,
    #[serde(borrow)]
    sum: Cow<'a, str>,
    #[serde(borrow)]
    event: &'a RawValue,
}

fn checksum(n: u64, batch: u64, event: &str) -> String {
    let mut sum = sha256(format!("{n} {batch} {event}").as_bytes());
    sum.truncate(16);
    sum
}

/// The line of event number `n`, which is written together with all since number `batch`.
pub(super) fn line(n: u64, batch: u64, event: &str) -> String {
    let sum = checksum(n, batch, event);
    format!("{{\"n\":{n},\"batch\":{batch},\"sum\":\"{sum}\",\"event\":{event}}}\n")
}

/// A journal as it was read.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// Its events.
    pub(super) events: Vec<Event>,
    /// How many bytes of it are whole.
    pub(super) length: u64,
    /// The number of the event that comes next.
    pub(super) next: u64,
}

/// Reads a journal. What a crash tore is left out: the last line, or lines of the last batch, of which nobody was told that
/// they are durable. Damage anywhere else is an error.
pub(super) fn parse(bytes: &[u8], seal: Option<&Seal>, name: &str) -> Result<Log> {
    let mut log = Log { next: 1, ..Log::default() };
    let mut rest = bytes;
    super::tree::interning(|| {
        while !rest.is_empty() {
            let end = rest.iter().position(|b| *b == b'\n').map_or(rest.len(), |at| at + 1);
            let (head, tail) = rest.split_at(end);
            let Some(line) = whole(head).filter(|line| line.n == log.next) else {
                return if torn(tail, log.next) { Ok(log) } else { Err(damaged(log.next, name).into()) };
            };
            log.events.push(decode(line.event.get(), seal, name)?);
            log.next += 1;
            log.length += end as u64;
            rest = tail;
        }
        Ok(log)
    })
}

/// The line, if its checksum is right.
fn whole(bytes: &[u8]) -> Option<Line<'_>> {
    let line: Line<'_> = serde_json::from_slice(bytes).ok()?;
    (checksum(line.n, line.batch, line.event.get()) == line.sum).then_some(line)
}

/// Whether nothing was written after the batch that number `n` belongs to.
fn torn(after: &[u8], n: u64) -> bool {
    after.split(|b| *b == b'\n').filter_map(whole).all(|line| line.batch <= n)
}

pub(super) fn damaged(n: u64, name: &str) -> Diagnostic {
    Diagnostic::error(format!("line {n} of the journal {name} is damaged, and good lines follow it"))
        .help("the file is left as it is: it holds what an interrupted apply did since the state was last written")
        .help("restore it from a backup of the disk; or move it away, and import by hand what it says was created")
}
