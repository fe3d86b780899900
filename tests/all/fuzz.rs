//! No bytes bring a parser down: whatever a file holds is read or refused, soon, and in bounded memory.
//!
//! Arbitrary bytes, brackets without end, and real files that were cut, repeated and mixed. `FERROFORM_TEST_FUZZ=N` makes N cases of
//! each instead of a few.

use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use ferroform::engine::saved;
use ferroform::registry::REGISTRY;
use ferroform::stack::{self, Files};
use ferroform::state::{LocalStore, State};
use ferroform::words::{Address, Diagnostics};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::TestRunner;
use sha2::{Digest, Sha256};

use crate::bad_input::Folder;

/// How long one input may take, on a machine that is busy with other tests.
const SOON: Duration = Duration::from_secs(20);
/// What all of it may take of memory, the program itself and its threads included, in KB.
const MEMORY: u32 = 1 << 20;

fn cases() -> u32 {
    std::env::var("FERROFORM_TEST_FUZZ").ok().map_or(96, |text| text.parse().expect("FERROFORM_TEST_FUZZ should be a number"))
}

/// One change of a file.
#[derive(Clone, Debug)]
enum Edit {
    Flip(Index, u8),
    Cut(Index, usize),
    /// A piece, again and again, somewhere else.
    Copy(Index, usize, Index, usize),
    Put(Index, &'static str),
}

/// What means something in one of the formats.
const WORDS: &[&str] = &[
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "\"",
    "'''",
    "\"\"\"",
    "${",
    "%{",
    "}",
    "$${",
    ".",
    "*",
    "[*]",
    "...",
    "=",
    "=>",
    ",",
    ":",
    "?",
    "!",
    "-",
    "&&",
    "||",
    "\\",
    "\\u",
    "\\",
    "\n",
    "\r\n",
    "#",
    "//",
    "/*",
    "<<EOT\n",
    "<<-EOT\n",
    "EOT\n",
    "for",
    " in ",
    " if ",
    "null",
    "true",
    "0",
    "-1",
    "1e999",
    "9223372036854775808",
    "0.1",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "[[a]]\n",
    "[resource.aws_eip.x]\n",
    "[variable.a]\n",
    "each.key",
    "count.index",
    "data.x.y",
    "module.m",
    "self",
    "%{ for x in y }",
    "%{ endfor }",
    "%{ if true }",
    "%{ endif }",
];

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        (any::<Index>(), 0..200usize).prop_map(|(at, length)| Edit::Cut(at, length)),
        (any::<Index>(), 1..40usize, any::<Index>(), 1..300usize).prop_map(|(from, length, to, times)| Edit::Copy(from, length, to, times)),
        (any::<Index>(), select(WORDS)).prop_map(|(at, word)| Edit::Put(at, word)),
    ]
}

fn edited(real: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = real.to_vec();
    for edit in edits {
        let size = bytes.len() + 1;
        let part = |from: usize, length: usize, bytes: &[u8]| from.min(bytes.len())..(from + length).min(bytes.len());
        match edit {
            Edit::Flip(at, bits) => {
                let at = at.index(size);
                bytes.iter_mut().skip(at).take(1).for_each(|byte| *byte ^= bits);
            }
            Edit::Cut(at, length) => drop(bytes.drain(part(at.index(size), *length, &bytes))),
            Edit::Copy(from, length, to, times) => {
                let piece = bytes[part(from.index(size), *length, &bytes)].repeat(*times);
                let to = to.index(size);
                drop(bytes.splice(to..to, piece));
            }
            Edit::Put(at, word) => {
                let at = at.index(size);
                drop(bytes.splice(at..at, word.bytes()));
            }
        }
    }
    bytes
}

/// Something that opens and opens.
fn deep() -> impl Strategy<Value = Vec<u8>> {
    (proptest::collection::vec(select(WORDS), 1..4), 1..20_000usize).prop_map(|(words, times)| words.concat().repeat(times).into_bytes())
}

fn input(real: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        1 => proptest::collection::vec(any::<u8>(), 0..400),
        1 => proptest::collection::vec(select(WORDS), 0..60).prop_map(|words| words.concat().into_bytes()),
        1 => deep(),
        5 => proptest::collection::vec(edit(), 1..12).prop_map(move |edits| edited(real, &edits)),
    ]
}

/// Gives inputs that are like the real one, and not so, to the reader.
fn fuzz(real: &'static [u8], read: impl Fn(&[u8])) {
    read(real);
    let config = ProptestConfig { cases: cases(), failure_persistence: None, max_shrink_time: 60_000, ..ProptestConfig::default() };
    let run = TestRunner::new(config).run(&input(real), |bytes| {
        let begun = Instant::now();
        read(&bytes);
        prop_assert!(begun.elapsed() < SOON, "{} bytes took {:?}", bytes.len(), begun.elapsed());
        Ok(())
    });
    // The input itself may be long, and no text.
    run.unwrap_or_else(|why| panic!("{}", why.to_string().chars().take(4000).collect::<String>()));
}

fn leaked(bytes: Vec<u8>) -> &'static [u8] {
    Box::leak(bytes.into_boxed_slice())
}

fn file(name: &str) -> &'static [u8] {
    leaked(std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap())
}

/// A stack with all sorts of values, applied, with a plan kept and a run that died.
struct Made {
    plan: &'static [u8],
    journal: &'static [u8],
    key: Vec<u8>,
}

const STACK: &str = r#"
[variable.n]
type = "number"
default = 1
[resource.random_password.p]
length = 20
[resource.terraform_data.a]
count = 3
input = { n = "${var.n}", list = [1, "two", { three = 3 }], secret = "${random_password.p.result}" }
[output.p]
value = "${random_password.p.result}"
sensitive = true
[output.a]
value = "${terraform_data.a[*].id}"
"#;

fn made() -> &'static Made {
    static MADE: OnceLock<Made> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Folder::with(STACK);
        folder.good(&["plan", "--out", "p.plan"]);
        let mut journal = (vec![], vec![]);
        // The journal is gone when the run is over: it is read while it runs.
        let mut run = folder.command(&["apply", "--auto-approve"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        let at = |end: &str| folder.path().join(format!("state/web.tfstate.json.journal{end}"));
        while run.try_wait().unwrap().is_none() {
            let files = (std::fs::read(at("")).unwrap_or_default(), std::fs::read(at(".key")).unwrap_or_default());
            if files.0.len() > journal.0.len() && !files.1.is_empty() {
                journal = files;
            }
        }
        assert!(!journal.0.is_empty(), "no journal was seen");
        Made { plan: leaked(std::fs::read(folder.path().join("p.plan")).unwrap()), journal: leaked(journal.0), key: journal.1 }
    })
}

/// The lines with their checksums put right, so that what was changed is not refused for that alone.
fn summed(journal: &[u8]) -> Vec<u8> {
    let mut text = vec![];
    for line in journal.split_inclusive(|byte| *byte == b'\n') {
        let sum = || {
            let line = std::str::from_utf8(line).ok()?;
            let (head, event) = line.split_once(",\"event\":")?;
            let event = event.trim_end().strip_suffix('}')?;
            let (numbers, _) = head.split_once(",\"sum\":")?;
            let digits: String = numbers.chars().map(|c| if c.is_ascii_digit() { c } else { ' ' }).collect();
            let mut digits = digits.split_whitespace();
            let (n, batch) = (digits.next()?, digits.next()?);
            let sum: String = Sha256::digest(format!("{n} {batch} {event}")).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
            Some(format!("{{\"n\":{n},\"batch\":{batch},\"sum\":\"{sum}\",\"event\":{event}}}\n").into_bytes())
        };
        text.extend(sum().unwrap_or_else(|| line.to_vec()));
    }
    text
}

#[test]
fn stacks() {
    fuzz(file("stacks/gateway-node/stack.toml"), |bytes| {
        for name in ["stack.toml", "main.tf", "main.tf.json"] {
            let dir = tempfile::tempdir().unwrap();
            std::fs::write(dir.path().join(name), bytes).unwrap();
            let files = Files::of(dir.path());
            if let Ok(stack) = stack::load(dir.path(), &files) {
                let _ = stack::validate(&stack, &REGISTRY).to_string();
                let _ = stack::variables(&stack.module, &[], &files, &mut Diagnostics::default());
            }
        }
    });
}

/// Files of Terraform through loading, formatting and converting; what is formatted stays as it is.
#[test]
fn files_of_terraform() {
    for name in ["tests/all/fixtures/convert/main.tf", "tests/all/fixtures/fmt/expressions.tf"] {
        fuzz(file(name), |bytes| {
            let dir = tempfile::tempdir().unwrap();
            for (name, bytes) in [("main.tf", bytes), ("main_override.tf", b"locals { text = 1 }")] {
                std::fs::write(dir.path().join(name), bytes).unwrap();
            }
            if let Ok(stack) = stack::load(dir.path(), &Files::of(dir.path())) {
                let _ = stack::validate(&stack, &REGISTRY).to_string();
            }
            let Ok(text) = std::str::from_utf8(bytes) else { return };
            let _ = ferroform::spelling::format("it.tf", text, stack::Spelling::Tf);
            let _ = ferroform::spelling::format("it.toml", text, stack::Spelling::Toml);
            if let Ok(made) = ferroform::spelling::to_toml("it.tf", text) {
                let _ = ferroform::spelling::to_tf("it.toml", &made, &REGISTRY);
            }
        });
    }
}

/// What is spelled in JSON through loading and converting: what can be converted can be converted back.
#[test]
fn files_of_json() {
    let tree: serde_json::Value = toml::from_str(std::str::from_utf8(file("stacks/gateway-node/stack.toml")).unwrap()).unwrap();
    fuzz(leaked(tree.to_string().into_bytes()), |bytes| {
        let Ok(text) = std::str::from_utf8(bytes) else { return };
        if let Ok(made) = ferroform::spelling::json_to_toml("it.tf.json", text) {
            let _ = ferroform::spelling::to_tf("it.toml", &made, &REGISTRY);
        }
    });
}

#[test]
fn states() {
    fuzz(file("tests/all/fixtures/interop/base/state.json"), |bytes| {
        if let Ok(state) = State::parse(bytes, "it") {
            let _ = state.to_bytes();
        }
    });
}

#[test]
fn journals() {
    fuzz(made().journal, |bytes| {
        for journal in [bytes.to_vec(), summed(bytes)] {
            let dir = tempfile::tempdir().unwrap();
            let store = LocalStore::of(dir.path(), "web", None);
            std::fs::create_dir(dir.path().join("state")).unwrap();
            std::fs::write(store.journal_path(), &journal).unwrap();
            std::fs::write(store.key_path(), &made().key).unwrap();
            let _ = store.read();
        }
    });
}

#[test]
fn kept_plans() {
    fuzz(made().plan, |bytes| {
        if let Ok(saved) = saved::read(bytes, "it") {
            let files = Files::embedded(saved.files);
            let _ = stack::load(&saved.stack, &files);
        }
    });
}

const EXPRESSION: &[u8] = br#"[for k, v in merge(var.a, { (each.key) = "x${join("-", [1, 2.5e3])}y" }) : "${k}:${v ? upper(v) : "%{ for i in range(3) ~}${i}%{ endfor ~}"}" if !(length(k) >= -1 && v != null || a.b[0]["c"].*.d[*].e == <<EOT
text ${local.x}
EOT
)]"#;

#[test]
fn expressions() {
    fuzz(EXPRESSION, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        if let Ok(expr) = stack::expression(&text, "it") {
            let _ = expr.reference_paths();
        }
        let _ = text.parse::<Address>();
        let files = Files::of(std::path::Path::new("."));
        let _ = stack::file_values("it.toml", &format!("a = '''${{{}}}'''", text.replace("'''", "")), false, &files);
    });
}

const VALUES: &[u8] = br#"region = "us-east-1" # where
cidrs  = ["10.0.0.0/8", "192.0.2.0/24",]
tags   = { Name = "a", "b c" = 1.5, (true) = null }
text   = <<-EOT
  several
  lines
  EOT
on     = true
"#;

#[test]
fn values_of_variables() {
    fuzz(VALUES, |bytes| {
        let text = String::from_utf8_lossy(bytes);
        for name in ["a.tfvars", "a.tfvars.json", "vars.toml"] {
            let _ = stack::file_values(name, &text, false, &Files::of(std::path::Path::new(".")));
        }
        if let Ok(made) = ferroform::spelling::values_to_toml("a.tfvars", &text) {
            let _ = ferroform::spelling::values_to_tf("vars.toml", &made, &REGISTRY);
        }
    });
}

#[test]
#[cfg(target_os = "linux")]
fn memory_is_bounded() {
    if std::env::var_os("FERROFORM_TEST_BOUNDED").is_some() {
        return;
    }
    let script = format!("ulimit -v {MEMORY} && exec \"$0\" fuzz:: --test-threads 1");
    let run = Command::new("sh").args(["-c", &script]).arg(std::env::current_exe().unwrap()).env("FERROFORM_TEST_BOUNDED", "1").output();
    let run = run.unwrap();
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    assert!(said.contains("9 passed"), "{said}");
}
