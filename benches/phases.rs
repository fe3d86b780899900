//! The phases inside, each alone: loading a stack, planning it, reading and writing its state, and the journal.
//!
//! `cargo bench --bench phases`; whole processes are the business of `graphs.py` and `calls.py`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput};
use ferroform::engine::planner::{Options, Request, plan};
use ferroform::registry::REGISTRY;
use ferroform::stack::{self, Files, Stack};
use ferroform::state::journal::Event;
use ferroform::state::{Instance, LocalStore, State, Who};
use ferroform::words::resource::Settings;
use ferroform::words::{Address, Value};
use futures::future::join_all;

const PROVIDER: &str = "provider[\"terraform.io/builtin/terraform\"]";

/// A stack of so many nodes in ten layers, each with two dependencies in the layer before.
fn text(nodes: usize) -> String {
    let wide = nodes / 10;
    let mut text = String::new();
    for i in 0..nodes {
        let _ = match (i / wide, i % wide) {
            (0, _) => writeln!(text, "[resource.terraform_data.n{i}]\ninput = [\"value {i}\"]"),
            (layer, at) => {
                let (a, b) = ((layer - 1) * wide + at, (layer - 1) * wide + (at + 1) % wide);
                writeln!(text, "[resource.terraform_data.n{i}]\ninput = [\"${{terraform_data.n{a}.id}}\", \"${{terraform_data.n{b}.id}}\"]")
            }
        };
    }
    text
}

fn files(text: &str) -> Files {
    Files::embedded([("stack.toml".to_owned(), Arc::from(text.as_bytes()))].into())
}

fn loaded(text: &str) -> Stack {
    stack::load(Path::new("bench/stack.toml"), &files(text)).expect("the stack is good")
}

fn instance(i: usize) -> (Address, Instance) {
    let value = Value::Tuple(Arc::new(vec![Value::from(format!("value {i}"))]));
    let attributes = Value::object([("id", Value::from(format!("{i:036}"))), ("input", value.clone()), ("output", value)]);
    (Address::managed("terraform_data", format!("n{i}")), Instance::new(PROVIDER, 0, attributes))
}

/// A state of so many instances, none of which depends on another.
fn state(nodes: usize) -> State {
    State { instances: (0..nodes).map(instance).collect(), ..State::new("bench") }
}

fn planning(stack: &Stack, files: &Files, state: &State) -> usize {
    let (variables, settings, options) = (BTreeMap::new(), Settings::default(), Options::default());
    let request = Request {
        stack,
        files,
        variables: &variables,
        workspace: "default",
        state,
        registry: &REGISTRY,
        settings: &settings,
        options: &options,
    };
    runtime().block_on(plan(&request, &())).expect("it can be planned").changes.len()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn phases(c: &mut Criterion) {
    let mut group = c.benchmark_group("phases");
    group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3));
    for nodes in [1_000, 10_000] {
        let text = text(nodes);
        let (stack, files) = (loaded(&text), files(&text));
        group.throughput(Throughput::Elements(nodes as u64));
        group.bench_function(BenchmarkId::new("load", nodes), |b| b.iter(|| loaded(black_box(&text))));
        group.bench_function(BenchmarkId::new("validate", nodes), |b| b.iter(|| stack::validate(black_box(&stack), &REGISTRY)));
        let nothing = State::new("bench");
        group.bench_function(BenchmarkId::new("plan of all", nodes), |b| b.iter(|| planning(&stack, &files, black_box(&nothing))));
        let full = state(nodes);
        group.bench_function(BenchmarkId::new("plan over a state", nodes), |b| b.iter(|| planning(&stack, &files, black_box(&full))));
        let bytes = full.to_bytes();
        group.bench_function(BenchmarkId::new("state read", nodes), |b| b.iter(|| State::parse(black_box(&bytes), "state")));
        group.bench_function(BenchmarkId::new("state write", nodes), |b| b.iter(|| black_box(&full).to_bytes()));
    }
    group.finish();
}

/// What the disk allows: a hundred results that wait for one fsync together, and one that waits alone.
fn journal(c: &mut Criterion) {
    let runtime = runtime();
    let folder = tempfile::tempdir().expect("a folder");
    let store = LocalStore::new(folder.path().join("bench.tfstate.json"));
    let who = Who { user: "bench".into(), host: "here".into(), pid: std::process::id(), version: "0".into() };
    let (lock, _) = runtime.block_on(store.lock("bench", Duration::from_secs(1), &who)).expect("the lock");
    let journal = store.begin(&lock, &State::new("bench")).expect("a journal");
    let saved = |i: usize| {
        let (address, instance) = instance(i);
        Event::Saved { address, instance: Box::new(instance) }
    };
    let mut group = c.benchmark_group("journal");
    group.sample_size(20).warm_up_time(Duration::from_millis(200)).measurement_time(Duration::from_secs(2));
    for together in [1, 100] {
        let events: Vec<Event> = (0..together).map(saved).collect();
        group.throughput(Throughput::Elements(together as u64));
        group.bench_function(BenchmarkId::new("append", together), |b| {
            b.iter(|| {
                runtime.block_on(join_all(events.iter().map(|event| journal.append(event)))).into_iter().for_each(|r| r.expect("written"))
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    phases(&mut criterion);
    journal(&mut criterion);
    criterion.final_summary();
}
