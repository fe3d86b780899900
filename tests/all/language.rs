//! The language, proved against Terraform: the same configurations of `terraform_data`, which needs no plugin, through both. Plans are
//! equal in addresses, actions, values, marks, reasons and checks; states are equal; and each finds no changes in the state that the
//! other wrote.
//!
//! A case is a file in `fixtures/language`: `### STEP PATH` begins a file of a step, and a step begins with the files of the one
//! before. A file `### STEP error` says that the step has to be refused by both, and holds what our error has to say.
//! Where `FERROFORM_TEST_TERRAFORM` names the binary, Terraform runs on the same as `.tf.json`; otherwise its recorded answers are
//! compared (`FERROFORM_TEST_RECORD=1` records them anew).

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use regex::Regex;
use serde_json::{Value as Json, json};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/fixtures/language")
}

/// One step of a case: its files, and the error that it has to end with.
#[derive(Clone, Default)]
struct Step {
    files: BTreeMap<String, String>,
    error: Option<String>,
}

fn steps(text: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = vec![];
    for part in text.split("### ").skip(1) {
        let (head, body) = part.split_once('\n').unwrap();
        let (number, path) = head.split_once(' ').unwrap();
        let number: usize = number.parse().unwrap();
        while steps.len() < number {
            let before = steps.last().cloned().unwrap_or_default();
            steps.push(Step { error: None, ..before });
        }
        let step = steps.last_mut().unwrap();
        match path.trim() {
            "error" => step.error = Some(body.trim().to_owned()),
            path if body.trim().is_empty() => drop(step.files.remove(path)),
            path => drop(step.files.insert(path.to_owned(), body.to_owned())),
        }
    }
    steps
}

/// The files of a step, in place of those that were there.
fn write(dir: &Path, step: &Step, terraform: bool) {
    for entry in walk(dir) {
        let name = entry.to_string_lossy().into_owned();
        if name.ends_with(".toml") || name.ends_with(".tf.json") {
            std::fs::remove_file(entry).unwrap();
        }
    }
    for (path, text) in &step.files {
        let full = dir.join(if terraform { path.replace(".toml", ".tf.json") } else { path.clone() });
        std::fs::create_dir_all(full.parent().unwrap()).unwrap();
        let text = if path.ends_with(".toml") && terraform {
            let tree: Json = toml::from_str(text).unwrap_or_else(|e| panic!("{path}: {e}"));
            // TOML has no null.
            tree.to_string().replace("\"${null}\"", "null")
        } else {
            text.clone()
        };
        std::fs::write(full, text).unwrap();
    }
}

fn walk(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
}

/// The files of the first step of every case that is not refused, by its name.
pub fn stacks() -> Vec<(String, BTreeMap<String, String>)> {
    let read = |name: String| {
        let steps = steps(&std::fs::read_to_string(folder().join(format!("{name}.case"))).unwrap());
        steps.into_iter().find(|step| step.error.is_none()).map(|step| (name, step.files))
    };
    cases().into_iter().filter_map(read).collect()
}

fn run(program: &str, args: &[&str], dir: &Path) -> Output {
    let mut command = Command::new(program);
    command.args(args).current_dir(dir).env("NO_COLOR", "1").env("TF_IN_AUTOMATION", "1").env_remove("FERROFORM_SANDBOX");
    command.output().unwrap_or_else(|e| panic!("{program}: {e}"))
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A run that has to go well.
fn good(program: &str, args: &[&str], dir: &Path) -> Output {
    let output = run(program, args, dir);
    assert!(output.status.success(), "{program} {args:?} ended with {}:\n{}", output.status, said(&output));
    output
}

const OURS: &str = env!("CARGO_BIN_EXE_ferroform");

/// What a step came to: the plan and the state, or that it was refused.
fn answer(plan: &[u8], state: &Path) -> Json {
    let plan: Json = serde_json::from_slice(plan).unwrap();
    let state: Json = std::fs::read(state).map_or(Json::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    json!({ "plan": planned(&plan), "state": held(&state) })
}

/// What differs from run to run, in one spelling; and JSON's order of keys.
fn normal(value: &Json) -> Json {
    thread_local! {
        static UUID: Regex = Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").unwrap();
    }
    match value {
        Json::String(text) => Json::String(UUID.with(|uuid| uuid.replace_all(text, "UUID").into_owned())),
        // Modules have no order of their own.
        Json::Array(items) if items.iter().any(|item| item["address"].as_str().is_some_and(|a| a.starts_with("module."))) => {
            sorted(&items.iter().map(normal).collect(), |item| item["address"].to_string())
        }
        Json::Array(items) => items.iter().map(normal).collect(),
        // In JSON Terraform takes templates for constants when it tells of the configuration.
        Json::Object(items) => {
            let kept = items.iter().filter(|(k, v)| *k != "references" && (*k != "constant_value" || !v.to_string().contains("${")));
            kept.map(|(k, v)| (k.clone(), normal(v))).collect()
        }
        other => other.clone(),
    }
}

fn sorted(items: &Json, by: impl Fn(&Json) -> String) -> Json {
    let mut items: Vec<Json> = items.as_array().cloned().unwrap_or_default();
    items.sort_by_key(|item| by(item));
    items.into()
}

fn planned(plan: &Json) -> Json {
    let mut changes = BTreeMap::new();
    for change in plan["resource_changes"].as_array().into_iter().flatten() {
        let key = format!("{} {}", change["address"].as_str().unwrap(), change["deposed"].as_str().unwrap_or(""));
        changes.insert(key.trim().to_owned(), change.clone());
    }
    let mut checks = sorted(&plan["checks"], |c| c["address"]["to_display"].to_string());
    for check in checks.as_array_mut().into_iter().flatten() {
        check["instances"] = sorted(&check["instances"], |i| i["address"]["to_display"].to_string());
        check["instances"].as_array_mut().unwrap().iter_mut().for_each(|i| i["problems"] = sorted(&i["problems"], ToString::to_string));
    }
    normal(&json!({
        "changes": changes, "outputs": plan["output_changes"], "checks": checks, "values": plan["planned_values"],
        "drift": plan["resource_drift"], "configuration": plan["configuration"]["root_module"], "applyable": plan["applyable"],
    }))
}

fn held(state: &Json) -> Json {
    let mut resources = BTreeMap::new();
    for resource in state["resources"].as_array().into_iter().flatten() {
        for instance in resource["instances"].as_array().into_iter().flatten() {
            let part = |name: &str| resource[name].as_str().unwrap_or("").to_owned();
            let key = format!(
                "{} {} {} {} {} {}",
                part("module"),
                part("mode"),
                part("type"),
                part("name"),
                instance["index_key"],
                instance["deposed"]
            );
            let mut told = instance.as_object().unwrap().clone();
            told.retain(|name, _| name != "private" && name != "deposed" && name != "index_key");
            let needs: BTreeSet<String> =
                told.get("dependencies").and_then(Json::as_array).into_iter().flatten().map(|d| d.as_str().unwrap().to_owned()).collect();
            told.insert("dependencies".into(), json!(needs));
            told.insert("provider".into(), resource["provider"].clone());
            resources.insert(key, Json::Object(told));
        }
    }
    let mut checks = sorted(&state["check_results"], |c| c["config_addr"].to_string());
    for check in checks.as_array_mut().into_iter().flatten() {
        check["objects"] = sorted(&check["objects"], |i| i["object_addr"].to_string());
        check["objects"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .for_each(|i| i["failure_messages"] = sorted(&i["failure_messages"], ToString::to_string));
    }
    normal(&json!({ "resources": resources, "outputs": state["outputs"], "checks": checks }))
}

/// Places that may differ: both mean the same.
fn may_differ(at: &str, ours: &Json, theirs: &Json) -> bool {
    let nothing = |v: &Json| v.is_null() || *v == json!([]) || *v == json!({});
    // Terraform lists all that lies behind, we list what is referred to.
    let fewer = |a: &Json, b: &Json| a.as_array().is_some_and(|a| b.as_array().is_some_and(|b| a.iter().all(|x| b.contains(x))));
    // An output that is null or an empty collection has no type of its own here.
    let untyped = *ours == json!("dynamic") && at.contains(" type ") && at.contains(" outputs ");
    // What came of a secret is one: Terraform forgets that between the input and the output of `terraform_data`.
    let of_secret =
        (at.contains("_sensitive output") || at.contains("sensitive_values output")) && (nothing(theirs) || *theirs == json!(false));
    let marks = at.ends_with(" sensitive_attributes") && fewer(theirs, ours) && {
        let extra = ours.as_array().into_iter().flatten().filter(|path| !theirs.as_array().is_some_and(|t| t.contains(path)));
        extra.into_iter().all(|path| path[0]["value"] == "output")
    };
    // The default of a sensitive variable may be a secret.
    let hidden = ours.is_null() && at.contains(" configuration variables ") && at.ends_with(" default");
    // A kept plan holds no secret.
    let hidden = hidden || ours.as_str().is_some_and(|text| text.starts_with("(sensitive value, sha256 "));
    (nothing(ours) && nothing(theirs)) || hidden || (at.ends_with(" dependencies") && fewer(ours, theirs)) || untyped || of_secret || marks
}

fn compare(at: &str, ours: &Json, theirs: &Json, found: &mut Vec<String>) {
    if ours == theirs || may_differ(at, ours, theirs) {
        return;
    }
    match (ours, theirs) {
        (Json::Object(a), Json::Object(b)) => {
            let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for name in names {
                compare(&format!("{at} {name}"), a.get(name).unwrap_or(&Json::Null), b.get(name).unwrap_or(&Json::Null), found);
            }
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(i, (a, b))| compare(&format!("{at} {i}"), a, b, found));
        }
        _ => found.push(format!("{at}\n    ours    {ours}\n    theirs  {theirs}")),
    }
}

/// What Terraform says to each step, and the state that it leaves at last.
fn theirs(terraform: &str, steps: &[Step]) -> (Vec<Json>, String) {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let mut answers = vec![];
    for step in steps {
        write(dir, step, true);
        let begun = run(terraform, &["init", "-no-color"], dir);
        let planned = run(terraform, &["plan", "-no-color", "-out=p"], dir);
        if step.error.is_some() {
            assert!(!begun.status.success() || !planned.status.success(), "Terraform refuses nothing:\n{}", said(&planned));
            answers.push(json!({ "refused": true }));
            continue;
        }
        assert!(begun.status.success(), "{}", said(&begun));
        assert!(planned.status.success(), "{}", said(&planned));
        let plan = good(terraform, &["show", "-json", "p"], dir);
        good(terraform, &["apply", "-no-color", "p"], dir);
        answers.push(answer(&plan.stdout, &dir.join("terraform.tfstate")));
    }
    (answers, std::fs::read_to_string(dir.join("terraform.tfstate")).unwrap_or_default())
}

/// The case as far as we can tell: what differs from Terraform's answers.
fn case(name: &str) -> Vec<String> {
    let steps = steps(&std::fs::read_to_string(folder().join(format!("{name}.case"))).unwrap());
    let recorded = folder().join(format!("{name}.json"));
    let terraform = std::env::var("FERROFORM_TEST_TERRAFORM").ok();
    let record = std::env::var_os("FERROFORM_TEST_RECORD").is_some();
    if let Some(terraform) = terraform.as_ref().filter(|_| record || !recorded.exists()) {
        let (answers, state) = theirs(terraform, &steps);
        let text = serde_json::to_string(&json!({ "answers": answers, "state": state })).unwrap() + "\n";
        std::fs::write(&recorded, text).unwrap();
    }
    let known: Json = serde_json::from_slice(&std::fs::read(&recorded).unwrap()).unwrap();
    let mut found = vec![];
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let state = dir.join("terraform.tfstate");
    // Where a state of Terraform lies it stays; the first one is ours.
    for (i, step) in steps.iter().enumerate() {
        let at = format!("{name} step {}", i + 1);
        write(dir, step, false);
        let planned = run(OURS, &["plan", ".", "--out", "p"], dir);
        if let Some(error) = &step.error {
            let text = said(&planned);
            if planned.status.success() || !error.lines().all(|line| text.contains(line.trim())) {
                found.push(format!("{at}: should be refused with `{error}`, and says:\n{text}"));
            }
            continue;
        }
        if !planned.status.success() {
            found.push(format!("{at}: {}", said(&planned)));
            return found;
        }
        let plan = good(OURS, &["show", "--json", "p"], dir);
        let applied = run(OURS, &["apply", "p"], dir);
        if !applied.status.success() {
            found.push(format!("{at}: {}", said(&applied)));
            return found;
        }
        let ours_at = ours_state(dir).unwrap_or_else(|| state.clone());
        compare(&at, &answer(&plan.stdout, &ours_at), &known["answers"][i], &mut found);
        let again = run(OURS, &["plan", ".", "--detailed-exitcode"], dir);
        if !again.status.success() {
            found.push(format!("{at}: is not clean after apply:\n{}", said(&again)));
        }
    }
    if steps.last().is_none_or(|s| s.error.is_some()) {
        return found;
    }
    if let (Some(terraform), Some(ours)) = (&terraform, ours_state(dir).or_else(|| state.exists().then_some(state))) {
        let there = tempfile::tempdir().unwrap();
        write(there.path(), steps.last().unwrap(), true);
        std::fs::copy(ours, there.path().join("terraform.tfstate")).unwrap();
        good(terraform, &["init", "-no-color"], there.path());
        let over = run(terraform, &["plan", "-no-color", "-detailed-exitcode"], there.path());
        if !over.status.success() {
            found.push(format!("{name}: Terraform is not clean over our state:\n{}", said(&over)));
        }
    }
    let here = tempfile::tempdir().unwrap();
    write(here.path(), steps.last().unwrap(), false);
    std::fs::write(here.path().join("terraform.tfstate"), known["state"].as_str().unwrap()).unwrap();
    let over = run(OURS, &["plan", ".", "--detailed-exitcode"], here.path());
    if !over.status.success() {
        found.push(format!("{name}: not clean over Terraform's state:\n{}", said(&over)));
    }
    found
}

fn ours_state(dir: &Path) -> Option<PathBuf> {
    let states = dir.join("state");
    states.is_dir().then(|| walk(&states))?.into_iter().find(|path| path.to_string_lossy().ends_with(".tfstate.json"))
}

fn cases() -> BTreeSet<String> {
    let files = std::fs::read_dir(folder()).unwrap().map(|e| e.unwrap().path());
    let names = files.filter(|path| path.extension().is_some_and(|e| e == "case"));
    names.map(|path| path.file_stem().unwrap().to_string_lossy().into_owned()).collect()
}

/// Cases whose names begin with that word.
fn all_of(word: &str) {
    let wanted = std::env::var("FERROFORM_TEST_CASE").ok();
    let names: Vec<String> =
        cases().into_iter().filter(|n| n.starts_with(word) && wanted.as_ref().is_none_or(|w| n.contains(w.as_str()))).collect();
    let found: Vec<String> = names.iter().flat_map(|name| case(name)).collect();
    assert!(found.is_empty(), "{} differences to Terraform:\n{}", found.len(), found.join("\n"));
}

#[test]
fn modules_are_those_of_terraform() {
    all_of("module");
}

#[test]
fn moved_and_removed_are_those_of_terraform() {
    all_of("moved");
    all_of("removed");
    all_of("import");
}

#[test]
fn checks_and_conditions_are_those_of_terraform() {
    all_of("check");
    all_of("condition");
    all_of("variable");
}

#[test]
fn instances_and_values_are_those_of_terraform() {
    all_of("instance");
    all_of("value");
    all_of("settings");
}

#[test]
fn modules_come_from_git_repositories() {
    let git = |dir: &Path, args: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "init.defaultBranch=main"]).args(args).current_dir(dir);
        let output = command.env_remove("GIT_DIR").output().unwrap();
        assert!(output.status.success(), "git {args:?}: {}", said(&output));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let folder = tempfile::tempdir().unwrap();
    let (repository, stack, cache) = (folder.path().join("r"), folder.path().join("s"), folder.path().join("c"));
    std::fs::create_dir_all(repository.join("sub/inner")).unwrap();
    std::fs::create_dir_all(&stack).unwrap();
    git(&repository, &["init", "--quiet"]);
    let mut commits = vec![];
    for version in ["one", "two"] {
        let text =
            format!("[output.version]\nvalue = \"{version}\"\n[module.inner]\nsource = \"./inner\"\n[module.up]\nsource = \"../up\"\n");
        std::fs::write(repository.join("sub/main.toml"), text).unwrap();
        std::fs::write(repository.join("sub/inner/main.toml"), "[resource.terraform_data.x]\ninput = 1\n").unwrap();
        std::fs::create_dir_all(repository.join("up")).unwrap();
        std::fs::write(repository.join("up/main.toml"), "[resource.terraform_data.y]\ninput = \"${file(\\\"${path.module}/text\\\")}\"\n")
            .unwrap();
        std::fs::write(repository.join("up/text"), version).unwrap();
        git(&repository, &["add", "."]);
        git(&repository, &["commit", "--quiet", "-m", version]);
        git(&repository, &["tag", version]);
        commits.push(git(&repository, &["rev-parse", "HEAD"]));
    }
    let url = format!("git::file://{}//sub", repository.display());
    let outputs = |reference: &str| {
        let text = format!("[module.m]\nsource = \"{url}{reference}\"\n[output.v]\nvalue = \"${{module.m.version}}\"\n");
        std::fs::write(stack.join("main.toml"), text).unwrap();
        let mut command = Command::new(OURS);
        command.args(["plan", ".", "--out", "p"]).current_dir(&stack).env("XDG_CACHE_HOME", &cache).env_remove("FERROFORM_SANDBOX");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
        let plan: Json = serde_json::from_slice(&good(OURS, &["show", "--json", "p"], &stack).stdout).unwrap();
        let input = &plan["resource_changes"]
            .as_array()
            .unwrap()
            .iter()
            .find(|c| c["address"] == "module.m.module.up.terraform_data.y")
            .unwrap()["change"];
        assert_eq!(input["after"]["input"], plan["output_changes"]["v"]["after"]);
        plan["output_changes"]["v"]["after"].as_str().unwrap().to_owned()
    };
    assert_eq!(outputs("?ref=one"), "one");
    assert_eq!(outputs("?ref=two"), "two");
    assert_eq!(outputs(""), "two");
    assert_eq!(outputs(&format!("?ref={}", commits[0])), "one");
    // What was fetched once is there, even when the repository is not.
    std::fs::rename(&repository, folder.path().join("away")).unwrap();
    assert_eq!(outputs("?ref=one"), "one");
}

#[test]
fn every_case_is_run_and_recorded() {
    let words = ["module", "moved", "removed", "import", "check", "condition", "variable", "instance", "value", "settings"];
    let names = cases();
    assert!(names.iter().all(|name| words.iter().any(|word| name.starts_with(word))), "{names:?}");
    assert!(names.iter().all(|name| folder().join(format!("{name}.json")).exists()), "{names:?}");
}
