//! Where paths start: in functions, in attributes, and in plans that are applied elsewhere.

use serde_json::{Value as Json, json};

use crate::bad_input::{Folder, Said};

const STACK: &str = r#"
[resource.local_file.made]
filename = "${path.module}/made/x.txt"
content = '${file("${path.module}/f.txt")}'
file_permission = "0644"

[output.paths]
value = ["${path.module}", "${path.root}", "${path.cwd}"]

[output.texts]
value = '''${[
    file("${path.module}/f.txt"), file("${path.root}/f.txt"), file("f.txt"), file("./f.txt"),
    file(abspath("f.txt")), file("${abspath(path.module)}/f.txt"), file("${path.module}/../site/f.txt"),
    templatefile("${path.module}/t.tftpl", { name = "f" }),
]}'''

[output.same]
value = '''${alltrue([
    filemd5("${path.module}/f.txt") == md5("it"), fileexists("${path.module}/f.txt"), !fileexists("${path.module}/none.txt"),
    fileset(path.module, "*.txt") == toset(["f.txt"]), fileset(".", "site/*") == toset(["site/g.txt"]),
    file("site/g.txt") == "inner", abspath("${path.module}/f.txt") == abspath("f.txt"),
])}'''
"#;

/// A project with a stack that has a folder of the stack's own name.
fn project() -> Folder {
    let folder = Folder::with("");
    std::fs::remove_file(folder.path().join("stack.toml")).unwrap();
    folder.write("stacks/site/stack.toml", STACK);
    folder.write("stacks/site/f.txt", "it");
    folder.write("stacks/site/t.tftpl", "i${trimprefix(\"xt\", \"x\")}");
    folder.write("stacks/site/site/g.txt", "inner");
    folder.write("elsewhere/f.txt", "another");
    folder
}

fn run(folder: &Folder, from: &str, args: &[&str]) -> Said {
    let said = Said::of(&folder.command(args).current_dir(folder.path().join(from)).output().unwrap());
    assert_eq!(said.code, Some(0), "{args:?} in {from:?}: {}{}", said.out, said.err);
    said
}

#[test]
fn paths_are_seen_from_where_the_command_works() {
    let folder = project();
    let absolute = folder.path().canonicalize().unwrap();
    let whole = absolute.join("stacks/site").display().to_string();
    for (from, args, root) in [
        (".", &["stacks/site"][..], "stacks/site"),
        (".", &["./stacks/site/"], "stacks/site"),
        (".", &["site"], "stacks/site"),
        (".", &["stacks/site/stack.toml"], "stacks/site"),
        (".", &[&whole], "stacks/site"),
        ("stacks", &["site"], "site"),
        ("elsewhere", &["site"], "../stacks/site"),
        ("stacks/site", &[], "."),
        ("stacks/site", &["../site"], "."),
        ("stacks/site/site", &[".."], ".."),
        (".", &["--chdir", "stacks/site"], "."),
    ] {
        let plan = run(&folder, from, &[&["plan", "--format", "json"], args].concat());
        let plan: Json = serde_json::from_str(&plan.out).unwrap();
        let (outputs, told) = (&plan["planned_values"]["outputs"], format!("{args:?} in {from}"));
        let cwd = absolute.join(from).canonicalize().unwrap();
        assert_eq!(outputs["paths"]["value"], json!([root, root, cwd]), "{told}");
        assert_eq!(outputs["texts"]["value"], json!(vec!["it"; 8]), "{told}");
        assert_eq!(outputs["same"]["value"], json!(true), "{told}");
        let made = &plan["planned_values"]["root_module"]["resources"][0]["values"]["filename"];
        assert_eq!(*made, json!(format!("{root}/made/x.txt")), "{told}");
    }
}

#[test]
fn a_plan_is_done_in_the_folder_where_it_was_made() {
    let folder = project();
    run(&folder, ".", &["plan", "site", "--out", "p.plan"]);
    folder.write("stacks/site/f.txt", "changed");
    run(&folder, "elsewhere", &["apply", "../p.plan"]);
    assert_eq!(folder.read("stacks/site/made/x.txt"), "it");
    assert!(!folder.path().join("elsewhere/stacks").exists() && !folder.path().join("elsewhere/state").exists());
    let state: Json = serde_json::from_str(&folder.read("state/site.tfstate.json")).unwrap();
    assert_eq!(state["outputs"]["paths"]["value"][0], "stacks/site");
    run(&folder, ".", &["destroy", "site", "--auto-approve"]);
    // On another machine, where the project lies in another folder.
    run(&folder, ".", &["plan", "stacks/site", "--out", "p.plan"]);
    let away = folder.path().with_file_name("away");
    std::fs::rename(folder.path(), &away).unwrap();
    run(&folder, away.to_str().unwrap(), &["apply", "p.plan"]);
    assert!(away.join("stacks/site/made/x.txt").exists() && away.join("state/site.tfstate.json").exists());
    assert!(!folder.path().exists());
}

const NOTED: &str = "[resource.terraform_data.it]\ninput = \"x\"\n\n[output.told]\nvalue = \"${terraform_data.it.output}\"\n";

#[test]
fn states_lie_where_the_user_says() {
    let folder = Folder::with("");
    std::fs::remove_file(folder.path().join("stack.toml")).unwrap();
    folder.write("stacks/net/stack.toml", NOTED);
    let reads = "[data.terraform_remote_state.net]\nbackend = \"local\"\nconfig = { path = \"../../state/net.tfstate.json\" }\n\n\
                 [output.read]\nvalue = \"${data.terraform_remote_state.net.outputs.told}\"\n";
    folder.write("stacks/web/stack.toml", reads);
    folder.write("elsewhere/x", "");
    let states = folder.path().with_file_name("states");
    let dir = states.to_str().unwrap();
    run(&folder, ".", &["--state-dir", dir, "apply", "net", "--auto-approve"]);
    run(&folder, "elsewhere", &["apply", "net", "--auto-approve", "--state-dir", "../../states", "--workspace", "eu"]);
    assert!(states.join("net.tfstate.json").exists() && states.join("net/eu.tfstate.json").exists());
    // Another stack's state is read from there, though its path says where it is usually.
    let web = folder.command(&["apply", "web", "--auto-approve"]).env("FERROFORM_STATE_DIR", dir).output().unwrap();
    assert_eq!(web.status.code(), Some(0), "{}", String::from_utf8_lossy(&web.stderr));
    assert_eq!(run(&folder, ".", &["output", "--state-dir", dir, "--stack", "web", "read", "--raw"]).out.trim(), "x");
    // A kept plan knows its state, and takes that of another folder if it is told to.
    folder.write("stacks/net/stack.toml", NOTED.replace("\"x\"", "\"y\""));
    run(&folder, ".", &["plan", "net", "--out", "p.plan", "--state-dir", dir]);
    let copied = folder.path().with_file_name("copied");
    std::fs::create_dir(&copied).unwrap();
    std::fs::copy(states.join("net.tfstate.json"), copied.join("net.tfstate.json")).unwrap();
    run(&folder, "elsewhere", &["apply", "../p.plan", "--state-dir", "../../copied"]);
    run(&folder, "elsewhere", &["apply", "../p.plan"]);
    for folder in [&states, &copied] {
        let state: Json = serde_json::from_slice(&std::fs::read(folder.join("net.tfstate.json")).unwrap()).unwrap();
        assert_eq!(state["outputs"]["told"]["value"], "y", "{}", folder.display());
    }
    assert!(!folder.path().join("state").exists());
}

#[test]
fn a_state_that_lies_elsewhere_is_not_taken_for_none() {
    let folder = Folder::with(NOTED);
    folder.good(&["apply", "--auto-approve"]);
    folder.bad(&["plan", "--state-dir", "kept"], &["there is no state at kept/", "state/", "mkdir -p kept && mv state/"]);
    let state = std::fs::read_dir(folder.path().join("state")).unwrap().next().unwrap().unwrap().file_name();
    std::fs::rename(folder.path().join("state").join(&state), folder.path().join("stack.tfstate")).unwrap();
    folder.write("kept/x", "");
    std::fs::rename(folder.path().join("stack.tfstate"), folder.path().join("kept").join(&state)).unwrap();
    folder.good(&["plan", "--state-dir", "kept", "--detailed-exitcode"]);
    // One that came from Terraform, too.
    std::fs::rename(folder.path().join("kept").join(&state), folder.path().join("terraform.tfstate")).unwrap();
    folder.bad(
        &["plan", "--state-dir", "kept"],
        &["there is no state at kept/", "but one at terraform.tfstate", "mv terraform.tfstate kept/"],
    );
}
