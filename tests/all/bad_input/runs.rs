//! States, plans and flags that don't fit, and nobody there to be asked.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use super::{Folder, Said};

const WEB: &str = "[resource.terraform_data.web]\ninput = 4\n";
const STATE: &str = "state/web.tfstate.json";

#[test]
fn states_that_are_damaged_or_newer() {
    let damaged: &[(&[u8], &[&str])] = &[
        (b"{\"version\": 4, \n", &["is damaged: it is not valid JSON", "line 2", ".backup"]),
        (b"\x00\xff\x13junk", &["is damaged: it is not valid JSON", "line 1", ".backup"]),
        (b"[]", &["doesn't have the form of a Terraform state", ".backup"]),
        (
            b"{\"version\": 4, \"serial\": 1, \"lineage\": \"a\", \"resources\": 4}",
            &["doesn't have the form of a Terraform state", "line 1"],
        ),
        (b"", &["is empty", ".backup", "remove the file if nothing was ever made with it"]),
        (
            b"{\"version\": 5, \"serial\": 1, \"lineage\": \"a\"}",
            &["is from a newer version of the format: 5", "a newer Ferroform may read it"],
        ),
    ];
    for (bytes, words) in damaged {
        let folder = Folder::with(WEB);
        folder.write(STATE, bytes);
        for args in [&["plan"][..], &["apply", "--auto-approve"], &["destroy", "--auto-approve"], &["state", "list"], &["output"]] {
            let said = folder.bad(args, words);
            assert!(said.err.contains("web.tfstate.json"), "{}", said.err);
        }
    }
}

#[test]
fn plans_that_are_stale_or_damaged() {
    let folder = Folder::with(WEB);
    folder.good(&["plan", "--out", "p.plan"]);
    folder.good(&["apply", "--auto-approve"]);
    folder.bad(&["apply", "p.plan"], &["the plan `p.plan` is out of date", "planned from no state", "now serial 1", "make it again"]);
    let plan = folder.read("p.plan");
    folder.write("p.plan", &plan[..plan.len() / 2]);
    for command in ["apply", "show"] {
        folder.bad(&[command, "p.plan"], &["`p.plan` is no plan of this version of ferroform", "make it again"]);
    }
}

#[test]
fn what_is_protected_stays() {
    let folder = Folder::with(&(WEB.to_owned() + "lifecycle = { prevent_destroy = true }\n"));
    folder.good(&["apply", "--auto-approve"]);
    let words = ["terraform_data.web has `prevent_destroy`", "stack.toml:1:11", "take away `prevent_destroy`"];
    folder.bad(&["destroy", "--auto-approve"], &words);
    folder.bad(&["apply", "--auto-approve", "--replace", "terraform_data.web"], &words);
}

#[test]
fn flags_that_name_nothing() {
    let folder = Folder::with(WEB);
    let words = ["there is no terraform_data.wbe", "did you mean `terraform_data.web`?"];
    folder.bad(&["plan", "--target", "terraform_data.wbe"], &words);
    folder.bad(&["apply", "--auto-approve", "--target", "terraform_data.wbe"], &words);
    folder.bad(&["plan", "--target", "web"], &["`web` is no address of a resource", "aws_instance.web[0]"]);
    folder.bad(&["plan", "--tarket", "x"], &["unexpected argument '--tarket'", "'--target'"]);
    folder.bad(&["plna"], &["unrecognized subcommand 'plna'", "'plan'"]);
    folder.bad(&["explain", "terraform_dat"], &["no type `terraform_dat`", "did you mean `terraform_data`?"]);
}

#[test]
fn nobody_is_there_to_approve() {
    let folder = Folder::with(WEB);
    let words = ["nobody is there to approve this", "give --auto-approve"];
    folder.bad(&["apply"], &words);
    folder.good(&["apply", "--auto-approve"]);
    folder.bad(&["destroy"], &words);
    assert_eq!(folder.bad(&["apply", "--var", "a"], &[]).out, "", "what is wrong is told before a plan is shown");
}

/// Whoever reads the first line and leaves has read enough.
#[test]
fn a_closed_pipe_is_no_failure() {
    let folder = Folder::with(WEB);
    for args in [&["explain"][..], &["explain", "aws_instance"], &["schema"], &["--help"], &["plan"]] {
        for lines in [0, 1] {
            let mut child = folder.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            let mut out = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            for _ in 0..lines {
                out.read_line(&mut line).unwrap();
            }
            drop(out);
            let mut err = String::new();
            child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
            let said = Said { code: child.wait().unwrap().code(), out: line, err };
            said.no_panic();
            assert_eq!(said.code, Some(0), "{args:?}: {}", said.err);
            assert!(!said.err.contains("error"), "{args:?}: {}", said.err);
        }
    }
}
