//! What holds for every stack: after an apply there is nothing to do, a destroy leaves nothing, users and what they use come and
//! go in order (the test cloud refuses anything else), bytes of any sort load or are refused, states read back as written.

use std::path::Path;

use ferroform::engine::apply::Stop;
use ferroform::engine::plan::Purpose;
use ferroform::engine::planner::Options;
use ferroform::stack::{self, Files};
use ferroform::state::{Instance, Output, State};
use ferroform::words::{Address, Key, Value};
use proptest::prelude::*;

use crate::support::lab::{Lab, lines};

/// One block of a made-up stack.
#[derive(Clone, Debug)]
struct Node {
    present: bool,
    size: u8,
    /// Those of the blocks before it that it uses, as bits.
    uses: u8,
    count: Option<u8>,
    version: u8,
}

fn node() -> impl Strategy<Value = Node> {
    (any::<bool>(), 0..3u8, any::<u8>(), proptest::option::of(0..3u8), 0..2u8).prop_map(|(present, size, uses, count, version)| Node {
        present,
        size,
        uses,
        count,
        version,
    })
}

/// As TOML; what is replaced is made first where `first`, and else nothing is replaced.
fn stack_of(nodes: &[Node], first: bool) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for (i, node) in nodes.iter().enumerate().filter(|(_, n)| n.present) {
        let used = nodes.iter().enumerate().take(i).filter(|(j, used)| used.present && node.uses & (1 << j) != 0);
        let used: Vec<String> = used
            .map(|(j, used)| if used.count.is_some() { format!("test_thing.n{j}[*].id") } else { format!("[test_thing.n{j}.id]") })
            .collect();
        let version = if first { node.version } else { 0 };
        // Where `count` comes or goes the first instance moves, and keeps its name.
        let index = if node.count.is_some() { "-${count.index}" } else { "-0" };
        let _ = write!(text, "[resource.test_thing.n{i}]\nname = \"n{i}v{version}{index}\"\nsize = {}\n", node.size);
        if let Some(count) = node.count {
            let _ = writeln!(text, "count = {count}");
        }
        if !used.is_empty() {
            let _ = writeln!(text, "needs = \"${{concat({})}}\"", used.join(", "));
        }
        let _ = writeln!(text, "lifecycle.create_before_destroy = {first}\n[output.o{i}]\nvalue = \"${{test_thing.n{i}}}\"");
    }
    text
}

async fn life(stacks: &[Vec<Node>], first: bool) {
    let lab = Lab::new("");
    for nodes in stacks {
        let text = stack_of(nodes, first);
        lab.stack(&text);
        let applied = lab.apply().await;
        assert!(applied.failed.is_empty() && applied.skipped.is_empty(), "{:?}\n{text}", applied.failed);
        let plan = lab.plan().await;
        assert!(plan.is_empty(), "{:?}\n{text}", lines(&plan));
    }
    let destroy = Options { purpose: Purpose::Destroy, ..Options::default() };
    let applied = lab.apply_with(&destroy, &Stop::default()).await.unwrap();
    assert!(applied.failed.is_empty(), "{:?}", applied.failed);
    assert!(lab.things().is_empty() && lab.state().instances.is_empty() && lab.state().outputs.is_empty());
}

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let items = proptest::collection::vec(inner.clone(), 0..4);
        let entries = proptest::collection::btree_map("[a-z]{1,6}", inner, 0..4);
        prop_oneof![items.prop_map(|items| Value::Tuple(std::sync::Arc::new(items))), entries.prop_map(Value::object),]
    })
}

fn loads(text: &[u8]) {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("stack.toml"), text).unwrap();
    let files = Files::of(dir.path());
    if let Ok(stack) = stack::load(dir.path(), &files) {
        let _ = stack::validate(&stack, &ferroform::registry::REGISTRY).to_string();
        let _ = stack::variables(&stack.module, &[], &files, &mut ferroform::words::Diagnostics::default());
    }
}

fn real() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/gateway-node/stack.toml")).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_an_apply_there_is_nothing_to_do(stacks in proptest::collection::vec(proptest::collection::vec(node(), 5), 1..4), first: bool) {
        tokio::runtime::Runtime::new().unwrap().block_on(life(&stacks, first));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_load_or_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "[\\[\\]a-z.=\"${} \n0-9]{0,120}") {
        loads(&bytes);
        loads(text.as_bytes());
        loads(format!("[output.a]\nvalue = '${{{text}}}'\n").as_bytes());
        let _ = stack::expression(&text, "x");
        let _ = text.parse::<Address>();
        let _ = State::parse(&bytes, "x");
    }

    #[test]
    fn mutilated_stacks_load_or_are_refused(cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..40usize, "[\\[\\]a-z.=\"${}() ,\n0-9]{0,12}"), 1..6)) {
        let mut text: Vec<char> = real().chars().collect();
        for (at, length, with) in cuts {
            let at = at.index(text.len().max(1)).min(text.len());
            let end = (at + length).min(text.len());
            text.splice(at..end, with.chars());
        }
        loads(text.iter().collect::<String>().as_bytes());
    }

    #[test]
    fn states_read_back_as_written(attributes in proptest::collection::btree_map("[a-z_]{1,8}", json(), 0..5), key in proptest::option::of(any::<String>()), output in json(), tainted: bool) {
        let mut state = State::new("lineage");
        let attributes = Value::object(attributes).with("id", Value::from("i-1"));
        let instance = Instance { tainted, ..Instance::new("provider[\"registry.terraform.io/hashicorp/aws\"]", 1, attributes) };
        let address = Address::managed("aws_instance", "web").with_key(key.map(|key| Key::Str(key.into())));
        state.instances.insert(address, instance);
        if !output.is_null() {
            state.outputs.insert("o".into(), Output { value: output, sensitive: false });
        }
        let read = State::parse(&state.to_bytes(), "x").unwrap();
        assert_eq!(read.to_bytes(), state.to_bytes());
        assert_eq!(read.instances, state.instances);
    }

    #[test]
    fn values_read_back_from_json(value in json()) {
        assert_eq!(Value::from_json(&value.to_json()), value);
    }
}
