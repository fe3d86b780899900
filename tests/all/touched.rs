//! Which projects a change touches, in real git repositories.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ferroform::bot::config::load;
use ferroform::bot::touched::{Touched, before, changed, touched};

use crate::support::git::Repo;

/// What a change touches, by names: those that are planned, and those that are gone.
async fn by(repo: &Repo, change: impl FnOnce(&Path)) -> (Vec<String>, Vec<String>) {
    repo.git(&["checkout", "--quiet", "-B", "change", "main"]);
    change(repo.path());
    repo.commit("a change");
    let changed = changed(repo.path(), "main", "change").await.unwrap();
    let before = before(repo.path(), "main", "change").await.unwrap();
    let projects = load(repo.path()).unwrap().projects(repo.path());
    let Touched { projects, removed } = touched(repo.path(), &projects, &changed, Some(&before), None);
    let names = |all: Vec<ferroform::bot::config::Project>| all.into_iter().map(|project| project.name).collect();
    (names(projects), names(removed))
}

fn write(root: &Path, name: &str, text: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn replace(root: &Path, name: &str, from: &str, to: &str) {
    let text = fs::read_to_string(root.join(name)).unwrap();
    assert!(text.contains(from), "{name} has no {from}");
    fs::write(root.join(name), text.replacen(from, to, 1)).unwrap();
}

/// A repository with those files on `main`.
fn repository(files: &[(&str, &str)]) -> Repo {
    let repo = Repo::new();
    files.iter().for_each(|(name, text)| write(repo.path(), name, text));
    repo.commit("the beginning");
    repo
}

#[tokio::test]
async fn a_line_touches_the_stack_that_it_stands_in() {
    let repo = Repo::new();
    repo.copy("stacks");
    repo.commit("the three stacks");
    let touched = by(&repo, |root| replace(root, "stacks/gateway-node/stack.toml", "evaluation_periods", "evaluation_periods ")).await;
    assert_eq!(touched.0, ["gateway-node"]);
    let touched = by(&repo, |root| replace(root, "stacks/ecs-platform/tenant/tenant.toml", "\n", "\n\n")).await;
    assert_eq!(touched.0, ["ecs-platform"]);
    let touched = by(&repo, |root| replace(root, "stacks/clawgent/templates/nginx.conf.tftpl", "\n", "\n\n")).await;
    assert_eq!(touched.0, ["clawgent"]);
    let touched = by(&repo, |root| {
        replace(root, "stacks/gateway-node/README.md", "\n", "\n\n");
        write(root, "README.md", "new");
    })
    .await;
    assert_eq!(touched, (vec![], vec![]));
}

const USES: &str = r#"
[variable.file]
default = "../../shared/by-default.txt"

[variable.set]
default = "none"

[variable.told]
type = "string"

[locals]
folder = "${path.module}/../../shared"
all = "${local.folder}/all"

[module.m]
source = "../../shared/module"
template = "${local.folder}/given.tftpl"

[output.a]
value = '''${[
    file("${path.module}/own.txt"), file("rel.txt"), filemd5("${local.folder}/local.txt"), file(var.file), file(var.set),
    filebase64("${path.root}/../../shared/root.bin"), [for f in fileset(local.all, "**/*.json") : f],
    file("${local.folder}/tenants/${var.told}.txt"), fileexists("${local.folder}/deleted.txt"),
]}'''

[resource.local_file.copy]
filename = "out"
source = "shared/source.txt"
"#;

const MODULE: &str = "[variable.template]\n\n[module.inner]\nsource = \"./inner\"\n\n[output.x]\nvalue = '${templatefile(var.template, {})}${file(\"${path.module}/m.txt\")}'\n";

#[tokio::test]
async fn what_a_stack_uses_touches_it() {
    let quiet = "[output.x]\nvalue = 1\n";
    let repo = repository(&[
        ("stacks/web/stack.toml", USES),
        ("stacks/web/vars.toml", "set = \"../../shared/by-file.txt\"\n"),
        ("stacks/quiet/stack.toml", quiet),
        ("stacks/one.toml", quiet),
        ("shared/module/m.toml", MODULE),
        ("shared/module/inner/i.tf", "locals {}\n"),
        ("shared/deleted.txt", "x"),
        ("shared/all/old.json", "{}"),
        ("envs/eu.toml", ""),
    ]);
    for (name, touches) in [
        ("stacks/web/stack.toml", "web"),
        ("stacks/web/more.tf", "web"),
        ("stacks/web/prod.auto.tfvars", "web"),
        ("stacks/web/terraform.tfvars.json", "web"),
        ("stacks/web/own.txt", "web"),
        ("stacks/web/rel.txt", "web"),
        ("stacks/web/notes.md", ""),
        ("stacks/web/inner/notes.toml", ""),
        ("stacks/one.toml", "one"),
        ("shared/local.txt", "web"),
        ("shared/root.bin", "web"),
        ("shared/by-default.txt", "web"),
        ("shared/by-file.txt", "web"),
        ("shared/none", ""),
        ("shared/given.tftpl", "web"),
        ("shared/source.txt", "web"),
        ("shared/module/m.txt", "web"),
        ("shared/module/more.toml", "web"),
        ("shared/module/README.md", ""),
        ("shared/module/inner/i.tf", "web"),
        ("shared/all/deep/new.json", "web"),
        ("shared/all/deep/new.md", ""),
        ("shared/tenants/any.txt", "web"),
        ("shared/other.txt", ""),
        ("ferroform.toml", ""),
        ("envs/eu.toml", ""),
    ] {
        let text = if name.ends_with(".json") {
            "{}"
        } else if name.ends_with(".toml") {
            "# new\n"
        } else {
            ""
        };
        let (planned, removed) = by(&repo, |root| {
            let old = fs::read_to_string(root.join(name)).unwrap_or_default();
            write(root, name, &format!("{old}{text}\n"));
        })
        .await;
        assert_eq!((planned.join(" ").as_str(), removed.len()), (touches, 0), "{name}");
    }
    for name in ["shared/deleted.txt", "shared/all/old.json", "shared/module/inner/i.tf", "shared/module/m.toml"] {
        let (planned, _) = by(&repo, |root| fs::remove_file(root.join(name)).unwrap()).await;
        assert_eq!(planned, ["web"], "{name} is gone");
    }
    // A file that was moved is one that is gone, too.
    let (planned, _) = by(&repo, |root| fs::rename(root.join("shared/deleted.txt"), root.join("shared/elsewhere.txt")).unwrap()).await;
    assert_eq!(planned, ["web"]);
    // What can't be read may use anything.
    let (planned, _) = by(&repo, |root| write(root, "stacks/quiet/broken.toml", "[output")).await;
    assert_eq!(planned, ["quiet"]);
}

#[tokio::test]
async fn what_a_link_leads_to_touches_the_stack_behind_it() {
    let repo = repository(&[
        ("stacks/web/stack.toml", "[module.m]\nsource = \"./modules/m\"\n\n[output.x]\nvalue = '${file(\"files/a.txt\")}'\n"),
        ("shared/m/m.toml", "[output.x]\nvalue = 1\n"),
        ("files/a.txt", ""),
    ]);
    repo.git(&["checkout", "--quiet", "-b", "links"]);
    std::os::unix::fs::symlink("../../shared", repo.path().join("stacks/web/modules")).unwrap();
    std::os::unix::fs::symlink("../../files", repo.path().join("stacks/web/files")).unwrap();
    repo.commit("links");
    repo.git(&["branch", "--force", "main", "links"]);
    for name in ["shared/m/m.toml", "files/a.txt"] {
        let (planned, _) = by(&repo, |root| write(root, name, "# new\n")).await;
        assert_eq!(planned, ["web"], "{name}");
    }
    let (planned, _) = by(&repo, |root| {
        fs::remove_file(root.join("stacks/web/modules")).unwrap();
        std::os::unix::fs::symlink("../../other", root.join("stacks/web/modules")).unwrap();
        write(root, "other/m/m.toml", "[output.x]\nvalue = 1\n");
    })
    .await;
    assert_eq!(planned, ["web"]);
}

#[tokio::test]
async fn the_list_of_projects_says_what_else_touches_one() {
    let list = "[[project]]\nname = \"web\"\nstack = \"web\"\nafter = [\"net\"]\nwatch = [\"scripts/**\", \"*.lock\"]\n\n\
                [[project]]\nname = \"net\"\nstack = \"net\"\n\n\
                [[project]]\nname = \"net-eu\"\nstack = \"net\"\nworkspace = \"eu\"\nvar_files = [\"envs/eu.toml\"]\n";
    let stack = "[output.x]\nvalue = 1\n";
    let repo = repository(&[("ferroform.toml", list), ("web/s.toml", stack), ("net/s.toml", stack), ("unlisted/s.toml", stack)]);
    let names = async |change: fn(&Path)| by(&repo, change).await.0.join(" ");
    assert_eq!(names(|root| write(root, "scripts/a/b.sh", "")).await, "web");
    assert_eq!(names(|root| write(root, "x.lock", "")).await, "web");
    assert_eq!(names(|root| write(root, "deep/x.lock", "")).await, "");
    assert_eq!(names(|root| write(root, "envs/eu.toml", "")).await, "net-eu");
    assert_eq!(names(|root| replace(root, "net/s.toml", "1", "2")).await, "net net-eu");
    assert_eq!(names(|root| replace(root, "unlisted/s.toml", "1", "2")).await, "");
    assert_eq!(names(|root| replace(root, "web/s.toml", "1", "2")).await, "web");
    assert_eq!(names(|root| replace(root, "ferroform.toml", "\"eu\"", "\"de\"")).await, "net-eu");
    assert_eq!(names(|root| replace(root, "ferroform.toml", "[[project]]", "[bot]\napprovals = 2\n\n[[project]]")).await, "");
    let gone = by(&repo, |root| fs::remove_dir_all(root.join("net")).unwrap()).await;
    assert_eq!(gone, (vec![], vec!["net".to_owned(), "net-eu".to_owned()]));
    let gone = by(&repo, |root| {
        fs::remove_dir_all(root.join("web")).unwrap();
        write(root, "ferroform.toml", &list[list.find("[[project]]\nname = \"net\"").unwrap()..]);
    })
    .await;
    assert_eq!(gone, (vec![], vec!["web".to_owned()]));
}

#[tokio::test]
async fn a_stack_that_is_taken_away_is_told() {
    let stack = "[output.x]\nvalue = 1\n";
    let repo =
        repository(&[("stacks/web/s.toml", stack), ("stacks/web/README.md", ""), ("stacks/net/s.toml", stack), ("tf/modules/m/m.tf", "")]);
    let gone = by(&repo, |root| fs::remove_file(root.join("stacks/web/s.toml")).unwrap()).await;
    assert_eq!(gone, (vec![], vec!["web".to_owned()]));
    let gone = by(&repo, |root| fs::remove_dir_all(root.join("tf")).unwrap()).await;
    assert_eq!(gone, (vec![], vec![]));
    // Moved: the one is gone, and the other is new.
    let gone = by(&repo, |root| fs::rename(root.join("stacks/web"), root.join("stacks/site")).unwrap()).await;
    assert_eq!(gone, (vec!["site".to_owned()], vec!["web".to_owned()]));
}

#[tokio::test]
async fn only_what_the_branch_did_counts() {
    let stack = "[output.x]\nvalue = 1\n";
    let repo = repository(&[("stacks/web/s.toml", stack), ("stacks/net/s.toml", stack)]);
    repo.git(&["checkout", "--quiet", "-b", "change"]);
    write(repo.path(), "stacks/web/ä b\n.toml", stack);
    repo.commit("a change");
    repo.git(&["checkout", "--quiet", "main"]);
    replace(repo.path(), "stacks/net/s.toml", "1", "2");
    repo.commit("main goes on");
    let found = changed(repo.path(), "main", "change").await.unwrap();
    assert_eq!(found, [PathBuf::from("stacks/web/ä b\n.toml")]);
    let told = changed(repo.path(), "no-such", "change").await.unwrap_err().to_string();
    assert!(told.contains("can't tell what changed between no-such and change") && told.contains("fetch-depth: 0"), "{told}");
    let status = Command::new("git").args(["status", "--porcelain"]).current_dir(repo.path()).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&status.stdout), "", "looking changes nothing");
}
