//! Expressions, proved against Terraform's own console: equal in value, in type, and in whether they are refused.
//!
//! The expressions are in `console/*.txt`, a line each. Where `FERROFORM_TEST_TERRAFORM` names the binary it is asked; otherwise
//! its recorded answers in `fixtures/console` are compared (`FERROFORM_TEST_RECORD=1` records those that are missing).

mod differences;

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use ferroform::engine::standing::standing;
use ferroform::registry::REGISTRY;
use ferroform::show::console;
use ferroform::stack::{self, Files};
use ferroform::state::State;
use ferroform::words::Diagnostics;
use serde_json::{Value as Json, json};

use differences::DIFFERENCES;

const TOPICS: &[(&str, &str)] = &[
    ("collections", include_str!("console/collections.txt")),
    ("encoding", include_str!("console/encoding.txt")),
    ("network_time", include_str!("console/network_time.txt")),
    ("numbers", include_str!("console/numbers.txt")),
    ("operators", include_str!("console/operators.txt")),
    ("syntax", include_str!("console/syntax.txt")),
    ("text", include_str!("console/text.txt")),
    ("values", include_str!("console/values.txt")),
];

/// What a console says to an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Answer {
    /// Its value and its type.
    Good(String, String),
    /// Why not.
    Refused(String),
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/fixtures/console").join(name)
}

fn expressions(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "))
}

/// The question for the type of an expression.
fn type_question(expression: &str) -> String {
    let bare = expression.split(" #").next().unwrap_or_default().split(" //").next().unwrap_or_default();
    format!("type({bare})")
}

/// Whether its type can be asked for: that of a type can't.
fn has_type(expression: &str) -> bool {
    !expression.starts_with("type(") && !expression.contains("[type(")
}

fn recorded(topic: &str) -> BTreeMap<String, Answer> {
    let text = std::fs::read_to_string(fixture(&format!("{topic}.jsonl"))).unwrap_or_default();
    let answer = |line: &str| {
        let json: Json = serde_json::from_str(line).unwrap();
        let word = |name: &str| json[name].as_str().map(str::to_owned);
        let answer = match word("refused") {
            Some(why) => Answer::Refused(why),
            None => Answer::Good(word("value").unwrap(), word("type").unwrap_or_default()),
        };
        (word("expr").unwrap(), answer)
    };
    text.lines().map(answer).collect()
}

fn record(topic: &str, text: &str, answers: &BTreeMap<String, Answer>) {
    let line = |expression: &str| match &answers[expression] {
        Answer::Good(value, ty) if has_type(expression) => json!({ "expr": expression, "value": value, "type": ty }),
        Answer::Good(value, _) => json!({ "expr": expression, "value": value }),
        Answer::Refused(why) => json!({ "expr": expression, "refused": why }),
    };
    let lines: String = expressions(text).map(|e| line(e).to_string() + "\n").collect();
    std::fs::write(fixture(&format!("{topic}.jsonl")), lines).unwrap();
}

fn ask(program: &str, dir: &Path, text: &str) -> Output {
    let mut command = Command::new(program);
    command.arg("console").current_dir(dir).env("NO_COLOR", "1").env("CHECKPOINT_DISABLE", "1").env_remove("TF_CLI_CONFIG_FILE");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Terraform's answers, several at a time: each process has a copy of the configuration, since it locks the state.
fn terraforms(program: &str, wanted: Vec<String>) -> BTreeMap<String, Answer> {
    let (left, found) = (Mutex::new(wanted), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let dir = tempfile::tempdir().unwrap();
                copy(&fixture("stack"), dir.path());
                let line = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end_matches('\n').to_owned();
                while let Some(expression) = { left.lock().unwrap().pop() } {
                    let said = ask(program, dir.path(), &format!("{expression}\n"));
                    let answer = if said.status.success() {
                        let ty = if has_type(&expression) {
                            line(&ask(program, dir.path(), &format!("{}\n", type_question(&expression))).stdout)
                        } else {
                            String::new()
                        };
                        let value = String::from_utf8_lossy(&said.stdout).into_owned();
                        Answer::Good(value.strip_suffix('\n').unwrap_or(&value).to_owned(), ty)
                    } else {
                        let words = String::from_utf8_lossy(&said.stderr).replace(['│', '╷', '╵'], " ");
                        Answer::Refused(words.split_whitespace().collect::<Vec<_>>().join(" "))
                    };
                    found.lock().unwrap().insert(expression, answer);
                }
            });
        }
    });
    found.into_inner().unwrap()
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Calls `with` with what answers an expression in the same configuration.
fn ours(with: impl FnOnce(&dyn Fn(&str) -> Result<String, Diagnostics>)) {
    let dir = fixture("stack");
    let files = Files::of(&dir);
    let stack = stack::load(&dir, &files).unwrap();
    let variables = stack::variables(&stack.module, &[], &files, &mut Diagnostics::default()).unwrap();
    let state = State::parse(&std::fs::read(dir.join("terraform.tfstate")).unwrap(), "state").unwrap();
    let world = standing(&stack, &files, &variables, "default", &state, &REGISTRY);
    with(&|text| console::answer(text, &stack, &REGISTRY, &world));
}

#[test]
fn expressions_are_answered_as_terraform_answers_them() {
    let terraform = std::env::var("FERROFORM_TEST_TERRAFORM").ok();
    let records = std::env::var_os("FERROFORM_TEST_RECORD").is_some();
    let (mut wrong, mut needless, mut count) = (vec![], vec![], 0);
    for (topic, text) in TOPICS {
        let mut theirs = recorded(topic);
        if let Some(program) = &terraform {
            let asked = expressions(text).filter(|e| !records || !theirs.contains_key(*e)).map(str::to_owned).collect();
            theirs.extend(terraforms(program, asked));
        }
        if records {
            record(topic, text, &theirs);
        }
        ours(|answer| {
            for expression in expressions(text) {
                count += 1;
                let wanted = theirs.get(expression).unwrap_or_else(|| panic!("{topic}: no answer is recorded to {expression}"));
                let given = match answer(expression) {
                    Ok(value) if has_type(expression) => Answer::Good(value, answer(&type_question(expression)).unwrap_or_default()),
                    Ok(value) => Answer::Good(value, String::new()),
                    Err(e) => Answer::Refused(e.to_string()),
                };
                let same = match (&given, wanted) {
                    (Answer::Refused(_), Answer::Refused(_)) => true,
                    (given, wanted) => given == wanted,
                };
                let meant = DIFFERENCES.iter().any(|(_, all)| all.contains(&expression));
                match (same, meant) {
                    (false, false) => wrong.push(format!("{topic}: {expression}\n   ours:   {given:?}\n   theirs: {wanted:?}")),
                    (true, true) => needless.push(expression),
                    _ => {}
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{} of {count} differ:\n{}", wrong.len(), wrong.join("\n"));
    assert!(needless.is_empty(), "no longer different: {needless:?}");
}

#[test]
fn the_command_reads_lines_and_shows_the_last_value() {
    let dir = fixture("stack");
    let run = |dir: &Path, text: &str| {
        let out = ask(env!("CARGO_BIN_EXE_ferroform"), dir, text);
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    assert_eq!(run(&dir, "1 + 1\nterraform_data.known.output\n"), (Some(0), "\"in\"\n".into(), String::new()));
    assert_eq!(run(&dir, "[\n  1,\n  upper(\n\"a\"),\n]"), (Some(0), "[\n  1,\n  \"A\",\n]\n".into(), String::new()));
    assert_eq!(run(&dir, "1\nexit\n2\n"), (Some(0), String::new(), String::new()));
    assert_eq!(run(&dir, "[path.module, path.root]\n").1, "[\n  \".\",\n  \".\",\n]\n");
    let (code, out, err) = run(&dir, "1\nvar.secrt\n2\n");
    assert!(code == Some(1) && out.is_empty() && err.contains("did you mean `secret`?"), "{out}{err}");
    let (code, out, err) = run(&dir, "var.secret\n");
    assert!(code == Some(0) && out == "(sensitive value)\n" && err.is_empty(), "{out}{err}");
    let nowhere = tempfile::tempdir().unwrap();
    assert_eq!(run(nowhere.path(), "length(\"é\")\n"), (Some(0), "1\n".into(), String::new()));
    assert_eq!(run(nowhere.path(), "var.x").0, Some(1));
}
