//! `fmt`: `.tf` files as `terraform fmt` has them, TOML by our own rules, and the command around both.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use ferroform::spelling::format;
use ferroform::stack::Spelling;
use proptest::prelude::*;

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/fixtures/fmt");
    let all = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> = all.filter(|path| path.extension().is_some_and(|e| e != "formatted")).collect();
    found.sort();
    assert!(found.len() > 5);
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn spelling(path: &Path) -> Spelling {
    if path.extension().is_some_and(|e| e == "toml") { Spelling::Toml } else { Spelling::Tf }
}

fn formatted(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}.formatted", path.file_name().unwrap().to_string_lossy()))
}

/// With `FERROFORM_TEST_TERRAFORM`, what Terraform makes of the files now is compared too.
#[test]
fn the_format_is_terraforms() {
    for path in fixtures() {
        let made = format("x", &read(&path), spelling(&path)).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(made, read(&formatted(&path)), "{}", path.display());
        assert_eq!(format("x", &made, spelling(&path)).unwrap(), made, "{} a second time", path.display());
        let Ok(terraform) = std::env::var("FERROFORM_TEST_TERRAFORM") else { continue };
        if spelling(&path) == Spelling::Tf {
            let folder = tempfile::tempdir().unwrap();
            let copy = folder.path().join(path.file_name().unwrap());
            std::fs::copy(&path, &copy).unwrap();
            assert!(Command::new(terraform).arg("fmt").arg(&copy).output().unwrap().status.success());
            assert_eq!(made, read(&copy), "{}", path.display());
        }
    }
}

#[test]
fn the_stacks_of_this_repository_are_in_their_format() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let said = ferroform(root, &["fmt", "--check", "--recursive", "stacks", "examples"], "");
    assert_eq!((said.status.code(), text(&said.stdout)), (Some(0), String::new()), "{}", text(&said.stderr));
}

fn ferroform(folder: &Path, args: &[&str], input: &str) -> Output {
    use std::io::Write as _;
    let mut command = Command::new(env!("CARGO_BIN_EXE_ferroform"));
    command.args(args).current_dir(folder).env("NO_COLOR", "1").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn files_are_named_shown_checked_and_written() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let file = |name: &str| read(&folder.path().join(name));
    let run = |args: &[&str]| {
        let said = ferroform(folder.path(), args, "");
        (said.status.code().unwrap(), text(&said.stdout), text(&said.stderr))
    };
    write("main.tf", "locals {\n a=1\n}\n");
    write("stack.toml", "[locals]\nb=2\n");
    write("good.tf", "locals {\n  c = 1\n}\n");
    write("Cargo.toml", "[package]\nname=\"x\"\n");
    write("vars.toml", "a=1\n");
    write("sub/x.auto.tfvars", "a=1\n");
    write(".hidden/x.tf", "a=1\n");

    assert_eq!(run(&["fmt", "-check"]), (3, "main.tf\nstack.toml\nvars.toml\n".into(), String::new()));
    assert_eq!(file("main.tf"), "locals {\n a=1\n}\n");
    let (code, out, _) = run(&["fmt", "-diff", "-write=false", "main.tf"]);
    assert_eq!((code, &*out), (0, "main.tf\n--- old/main.tf\n+++ new/main.tf\n@@ -1,3 +1,3 @@\n locals {\n- a=1\n+  a = 1\n }\n"));
    assert_eq!(run(&["fmt", "-recursive"]), (0, "main.tf\nstack.toml\nsub/x.auto.tfvars\nvars.toml\n".into(), String::new()));
    assert_eq!(file("main.tf"), "locals {\n  a = 1\n}\n");
    assert_eq!(file("stack.toml"), "[locals]\nb = 2\n");
    assert_eq!(file("Cargo.toml"), "[package]\nname=\"x\"\n");
    assert_eq!(file(".hidden/x.tf"), "a=1\n");
    assert_eq!(run(&["fmt", "--check", "--recursive"]), (0, String::new(), String::new()));

    write("main.tf", "locals {\n a=\n}\n");
    write("stack.toml", "[locals]\nb=\n");
    let (code, out, err) = run(&["fmt"]);
    assert_eq!((code, &*out), (2, ""));
    assert!(err.contains("main.tf:2:") && err.contains("stack.toml:2:"), "{err}");
    assert_eq!(file("main.tf"), "locals {\n a=\n}\n");
    assert_eq!(run(&["fmt", "nowhere"]).0, 2);
    assert_eq!(run(&["fmt", "sub", "--list=false"]).1, "");
}

#[test]
fn standard_input_goes_to_standard_output() {
    let folder = tempfile::tempdir().unwrap();
    let run = |args: &[&str], input: &str| {
        let said = ferroform(folder.path(), args, input);
        (said.status.code().unwrap(), text(&said.stdout))
    };
    assert_eq!(run(&["fmt", "-"], "locals {\na=1\n}\n"), (0, "locals {\n  a = 1\n}\n".into()));
    assert_eq!(run(&["fmt", "-"], "[locals]\na=1\n"), (0, "[locals]\na = 1\n".into()));
    assert_eq!(run(&["fmt", "-", "--language", "toml"], "long=1\na=1\n"), (0, "long = 1\na = 1\n".into()));
    assert_eq!(run(&["fmt", "-", "--check"], "a=1\n"), (3, String::new()));
    assert_eq!(run(&["fmt", "-"], "locals {"), (2, String::new()));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_formatted_stays_as_it_is(
        which: prop::sample::Index,
        cuts in proptest::collection::vec((any::<prop::sample::Index>(), 0..6usize, "[ \n\t#a-z.=\"${}(),\\[\\]0-9-]{0,4}"), 0..3),
    ) {
        let all = fixtures();
        let path = which.get(&all);
        let mut mutilated: Vec<char> = read(path).chars().collect();
        for (at, length, with) in cuts {
            let at = at.index(mutilated.len().max(1)).min(mutilated.len());
            let end = (at + length).min(mutilated.len());
            mutilated.splice(at..end, with.chars());
        }
        let given: String = mutilated.into_iter().collect();
        if let Ok(once) = format("x", &given, spelling(path)) {
            let twice = format("x", &once, spelling(path)).unwrap_or_else(|e| panic!("{e}\n{once}"));
            // An expression that loses its `"${...}"` may have held another one.
            prop_assume!(!given.contains("${\""));
            prop_assert_eq!(twice, once);
        }
    }
}
