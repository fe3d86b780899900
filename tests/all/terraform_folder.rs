//! A folder that was written for Terraform: it plans, applies and is clean, unchanged; and Terraform takes it as it is, with our state.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::sandbox::{Cloud, cloud};

fn copied() -> tempfile::TempDir {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/fixtures/terraform");
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        std::fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
    }
    folder
}

fn run(program: &str, args: &[&str], folder: &Path, cloud: &Cloud) -> (i32, String) {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).envs(cloud.env()).env("NO_COLOR", "1").env("TF_CLI_CONFIG_FILE", folder.join("terraformrc"));
    let Output { status, stdout, stderr } = command.output().unwrap();
    (status.code().unwrap_or(-1), format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr)))
}

#[test]
fn a_folder_written_for_terraform_is_a_stack() {
    let (cloud, folder) = (cloud(), copied());
    let ours = |args: &[&str]| run(env!("CARGO_BIN_EXE_ferroform"), args, folder.path(), &cloud);
    let (code, said) = ours(&["plan", "--detailed-exitcode"]);
    assert_eq!(code, 2, "{said}");
    let (code, said) = ours(&["apply", "-auto-approve"]);
    assert_eq!(code, 0, "{said}");
    // A group, a role with two attachments and a profile, two servers with two alarms and a record each, a zone.
    assert!(said.contains("14 created"), "{said}");
    let (code, said) = ours(&["plan", "--detailed-exitcode"]);
    assert_eq!(code, 0, "{said}");
    let (_, state) = ours(&["state", "pull"]);
    for told in ["aws_instance", "bazaar-one", "two.example.com", "sg-"] {
        assert!(state.contains(told), "`{told}` is missing in\n{state}");
    }
    let (Ok(terraform), Ok(plugins)) = (std::env::var("FERROFORM_TEST_TERRAFORM"), std::env::var("FERROFORM_TEST_PLUGINS")) else {
        return;
    };
    std::fs::write(folder.path().join("terraform.tfstate"), state).unwrap();
    let mirror = format!("provider_installation {{\n  filesystem_mirror {{\n    path = {plugins:?}\n  }}\n}}\n");
    std::fs::write(folder.path().join("terraformrc"), mirror).unwrap();
    for args in [&["init", "-no-color"][..], &["validate", "-no-color"], &["plan", "-no-color", "-detailed-exitcode"]] {
        let (code, said) = run(&terraform, args, folder.path(), &cloud);
        assert_eq!(code, 0, "terraform {args:?}: {said}");
    }
}
