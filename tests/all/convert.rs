//! `convert`: a stack spelled the other way means the same, there and back, and keeps its comments.

use std::path::{Path, PathBuf};
use std::process::Command;

use ferroform::spelling;
use ferroform::stack::{self, Files, Spelling};
use regex::Regex;

use crate::support::sandbox::{Cloud, cloud};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is compared of a stack, by its meaning.
fn stacks() -> Vec<(PathBuf, fn(&Path) -> Vec<String>)> {
    [
        ("stacks/gateway-node", planned as fn(&Path) -> _),
        ("examples/security-group", planned),
        ("tests/all/fixtures/terraform", planned),
        ("examples/hello", tree),
        ("tests/all/fixtures/convert", tree),
        ("tests/all/fixtures/console/stack", tree),
    ]
    .map(|(name, meaning)| (root().join(name), meaning))
    .to_vec()
}

/// What a plan of the stack says on an empty account, a line each.
fn planned(folder: &Path) -> Vec<String> {
    thread_local!(static CLOUD: Cloud = cloud());
    let temp = tempfile::tempdir().unwrap();
    let kept = temp.path().join("kept");
    let run = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        command.args(args).env("HOME", temp.path()).envs(CLOUD.with(Cloud::env));
        let output = command.output().unwrap();
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let key = format!("private_key_path={}", Path::new("key.pem").display());
    let declared = folder.ends_with("gateway-node") || texts(folder, "").contains("private_key_path");
    let var: &[&str] = if declared { &["--var", &key] } else { &[] };
    run(&[&["plan", &folder.display().to_string(), "--out", &kept.display().to_string()], var].concat());
    let plan: serde_json::Value = serde_json::from_slice(&run(&["show", "--json", &kept.display().to_string()])).unwrap();
    let parts = [&plan["planned_values"], &plan["output_changes"], &plan["resource_changes"]];
    parts.iter().flat_map(|p| serde_json::to_string_pretty(p).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// All that a stack says, without the places where it says so.
fn tree(folder: &Path) -> Vec<String> {
    let stack = stack::load(folder, &Files::of(folder)).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let place = Regex::new(r#""?/?[\w./~-]+\.(toml|tf):\d+:\d+"#).unwrap();
    let shown = format!("{:#?}", stack.module).replace(&folder.display().to_string(), "DIR");
    let mut lines: Vec<String> = place.replace_all(&shown, "@").lines().map(|l| l.trim().to_owned()).collect();
    // Tables have their blocks in another order.
    lines.sort();
    lines
}

fn convert(args: &[&str], folder: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_ferroform")).arg("convert").arg(folder).args(args).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn texts(folder: &Path, ends: &str) -> String {
    let mut names: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    let of =
        |path: &PathBuf| path.to_string_lossy().ends_with(ends) && Spelling::of(&path.file_name().unwrap().to_string_lossy()).is_some();
    names.iter().filter(|p| of(p)).map(|p| std::fs::read_to_string(p).unwrap()).collect()
}

/// The words of all comments, in whatever signs they stand.
fn remarks(text: &str) -> Vec<String> {
    let comment = Regex::new(r"(?m)(^|[\s,{\[])(#|//|/\*)(?P<words>.*)$").unwrap();
    let words = |c: regex::Captures<'_>| c["words"].trim_matches(['#', '/', '*', ' ']).to_owned();
    comment.captures_iter(text).map(words).filter(|w| !w.is_empty() && !w.contains("!/")).collect()
}

#[test]
fn there_and_back_it_is_the_same_stack() {
    for (folder, meaning) in stacks() {
        let temp = tempfile::tempdir().unwrap();
        let (other, back) = (temp.path().join("other"), temp.path().join("back"));
        let is_tf = !texts(&folder, ".tf").is_empty();
        let (there, home) = if is_tf { ("toml", "tf") } else { ("tf", "toml") };
        convert(&["--to", there, "--out", &other.display().to_string()], &folder);
        convert(&["--to", home, "--out", &back.display().to_string()], &other);
        let (before, between, after) = (meaning(&folder), meaning(&other), meaning(&back));
        let (texts_before, text) = (texts(&folder, home), texts(&other, there));
        let missing = |of: &[String]| of.iter().filter(|l| !before.contains(l)).cloned().collect::<Vec<_>>();
        assert!(between == before, "{}\n{text}\nnew: {:#?}", folder.display(), missing(&between));
        assert!(after == before, "{}\n{}\nnew: {:#?}", folder.display(), texts(&back, home), missing(&after));
        for remark in remarks(&texts_before) {
            assert!(text.contains(&remark), "`{remark}` is gone from\n{text}");
            assert!(texts(&back, home).contains(&remark), "`{remark}` is gone from\n{}", texts(&back, home));
        }
        for name in ["other", "back"] {
            let said =
                Command::new(env!("CARGO_BIN_EXE_ferroform")).args(["fmt", "--check", name]).current_dir(temp.path()).output().unwrap();
            assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
        }
    }
}

/// What a plan says of a stack that needs no cloud.
fn planned_here(folder: &Path) -> serde_json::Value {
    let output =
        Command::new(env!("CARGO_BIN_EXE_ferroform")).args(["plan", ".", "--format", "json"]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{}: {}", folder.display(), String::from_utf8_lossy(&output.stderr));
    let mut plan: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    plan.as_object_mut().unwrap().remove("timestamp");
    in_order(&mut plan);
    plan
}

/// Tables have no order, and what their entries refer to comes in any.
fn in_order(value: &mut serde_json::Value) {
    match value {
        serde_json::Value::Object(entries) => {
            for (name, value) in entries {
                in_order(value);
                if let (true, Some(all)) = (name == "references", value.as_array_mut()) {
                    all.sort_by_key(ToString::to_string);
                }
            }
        }
        serde_json::Value::Array(items) => items.iter_mut().for_each(in_order),
        _ => {}
    }
}

#[test]
fn every_case_of_the_language_plans_the_same_in_each_spelling() {
    let stacks = crate::language::stacks();
    assert!(stacks.len() > 30, "{}", stacks.len());
    for (name, files) in stacks {
        let temp = tempfile::tempdir().unwrap();
        let [toml, tf, back, json, of_json] = ["toml", "tf", "back", "json", "of_json"].map(|kind| temp.path().join(kind).join("stack"));
        for (path, text) in &files {
            let (of_toml, of_json) = (toml.join(path), json.join(path.replace(".toml", ".tf.json")));
            for at in [&of_toml, &of_json] {
                std::fs::create_dir_all(at.parent().unwrap()).unwrap();
            }
            std::fs::write(of_toml, text).unwrap();
            let tree = if path.ends_with(".toml") { toml::from_str::<serde_json::Value>(text).unwrap().to_string() } else { text.clone() };
            std::fs::write(of_json, tree).unwrap();
        }
        let wanted = planned_here(&toml);
        convert(&["--to", "tf", "--out", &tf.display().to_string()], &toml);
        convert(&["--to", "toml", "--out", &back.display().to_string()], &tf);
        convert(&["--to", "toml", "--out", &of_json.display().to_string()], &json);
        for (folder, ends) in [(&tf, ".tf"), (&back, ".toml"), (&of_json, ".toml")] {
            assert!(!texts(folder, ends).is_empty(), "{name}: {}", folder.display());
            let made = planned_here(folder);
            assert!(made == wanted, "{name}: {}\n{made:#}\ninstead of\n{wanted:#}", texts(folder, ends));
        }
    }
}

#[test]
fn values_of_variables_are_converted_with_the_stack() {
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(temp.path().join(name), text).unwrap();
    write("main.tf", "variable \"a\" {}\nvariable \"b\" {\n  default = null\n}\noutput \"all\" {\n  value = [var.a, var.b]\n}\n");
    let values = "# Which.\na = {\n  x = -1 # one\n  y = [\"$${z}\", true]\n  \"q r\" = null\n}\n\nb = <<-EOT\n  two\n    lines\n  EOT\n";
    write("terraform.tfvars", values);
    write("more.auto.tfvars", "");
    let wanted = planned_here(temp.path())["output_changes"].clone();
    convert(&["--to", "toml"], temp.path());
    let read = |name: &str| std::fs::read_to_string(temp.path().join(name)).unwrap();
    assert!(temp.path().join("terraform.tfvars.orig").exists() && temp.path().join("more.auto.tfvars").exists());
    let made = read("vars.toml");
    for word in ["# Which.", "# one", "x = -1", "\"${z}\""] {
        assert!(made.contains(word), "`{word}` is not in\n{made}");
    }
    assert_eq!(planned_here(temp.path())["output_changes"], wanted, "{made}");
    convert(&["--to", "tf"], temp.path());
    let back = read("terraform.tfvars");
    assert!(back.contains("# Which.") && back.contains("$${z}"), "{back}");
    assert_eq!(planned_here(temp.path())["output_changes"], wanted, "{back}");
}

#[test]
fn the_text_is_as_one_would_write_it() {
    let folder = root().join("tests/all/fixtures/convert");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let made = spelling::to_toml("main.tf", &read("main.tf")).unwrap_or_else(|e| panic!("{e}"));
    if std::env::var_os("FERROFORM_TEST_RECORD").is_some() {
        std::fs::write(folder.join("main.toml.expected"), &made).unwrap();
        std::fs::write(folder.join("main.tf.expected"), spelling::to_tf("main.toml", &made, &ferroform::registry::REGISTRY).unwrap())
            .unwrap();
    }
    assert_eq!(made, read("main.toml.expected"));
    assert_eq!(spelling::to_tf("main.toml", &made, &ferroform::registry::REGISTRY).unwrap(), read("main.tf.expected"));
}

#[test]
fn the_old_files_are_kept_and_nothing_is_written_over() {
    let temp = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(temp.path().join(name), text).unwrap();
    write("main.tf", "locals {\n  a = upper(\"x\") # why\n}\n");
    write("other.toml", "[locals]\nb = 1\n");
    let run =
        |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_ferroform")).arg("convert").args(args).current_dir(temp.path()).output().unwrap();
    assert!(run(&["--to", "toml"]).status.success());
    assert_eq!(std::fs::read_to_string(temp.path().join("main.toml")).unwrap(), "[locals]\na = '${upper(\"x\")}' # why\n");
    assert!(temp.path().join("main.tf.orig").exists() && !temp.path().join("main.tf").exists());
    assert!(!run(&["--to", "toml"]).status.success());
    write("other.tf", "");
    let refused = run(&["--to", "tf"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("`./other.tf` is there already"), "{refused:?}");
    assert!(temp.path().join("main.toml").exists());
    write("main.tf", "variable \"x\" {\n  default = 1 + 1\n}\n");
    std::fs::remove_file(temp.path().join("main.toml")).unwrap();
    assert!(String::from_utf8_lossy(&run(&["--to", "toml"]).stderr).contains("can't be spelled in TOML"));
}
