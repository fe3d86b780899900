//! The rules of the house that a compiler doesn't see: who may import whom, who may print, how long a file may be, and that the
//! pages which list things list them all.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ferroform::registry::REGISTRY;
use ferroform::words::schema::{Attr, Kind};
use regex::Regex;

/// What each module may import besides itself. `ARCHITECTURE.md` says why.
const LAYERS: &[(&str, &[&str])] = &[
    ("words", &[]),
    ("stack", &["words"]),
    ("spelling", &["words", "stack"]),
    ("state", &["words"]),
    ("engine", &["words", "stack", "state"]),
    ("aws", &["words"]),
    ("local", &["words"]),
    ("registry", &["words", "aws", "local"]),
    ("sandbox", &["words"]),
    ("show", &["words", "stack", "state", "engine"]),
    ("watch", &["words", "show", "aws"]),
    ("bot", &["words", "stack", "show"]),
    ("cli", &["words", "stack", "spelling", "state", "engine", "registry", "sandbox", "show", "watch", "bot"]),
];

/// The most lines of a file.
const LONGEST: usize = 600;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All files under a folder that end like that, in order.
fn files(folder: &str, ends: &[&str]) -> Vec<PathBuf> {
    let (mut folders, mut found) = (vec![root().join(folder)], vec![]);
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| ends.contains(&e.to_string_lossy().as_ref())) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn name(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The module under `src` that a file belongs to; none for `main.rs` and `lib.rs`.
fn module(path: &Path) -> Option<String> {
    let inside = path.strip_prefix(root().join("src")).unwrap();
    let first = inside.iter().next().unwrap().to_string_lossy().into_owned();
    let module = first.trim_end_matches(".rs").to_owned();
    (module != "main" && module != "lib").then_some(module)
}

/// The code of a file, a line each with its number; comments are left out.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

/// The modules of our own that a text names: `crate::a::b`, `crate::{a, b::c}`.
fn named(text: &str) -> Vec<String> {
    let (path, list) = (Regex::new(r"\bcrate::(\w+)").unwrap(), Regex::new(r"\bcrate::\{([^;]*)\};").unwrap());
    let mut found: Vec<String> = path.captures_iter(text).map(|c| c[1].to_owned()).collect();
    for group in list.captures_iter(text) {
        let (mut depth, mut word) = (0, String::new());
        for c in group[1].chars().chain([',']) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.extend(word.trim().split("::").next().map(str::to_owned));
                    word.clear();
                }
                c if depth == 0 => word.push(c),
                _ => {}
            }
        }
    }
    found
}

#[test]
fn imports_point_downwards_only() {
    let mut wrong = vec![];
    for path in files("src", &["rs"]) {
        let Some(own) = module(&path) else { continue };
        let allowed = LAYERS.iter().find(|(module, _)| *module == own).unwrap_or_else(|| panic!("`{own}` has no place in LAYERS")).1;
        let text: String = code(&fs::read_to_string(&path).unwrap()).map(|(_, line)| format!("{line}\n")).collect();
        let others = named(&text).into_iter().filter(|m| *m != own && LAYERS.iter().any(|(module, _)| module == m));
        wrong.extend(others.filter(|m| !allowed.contains(&m.as_str())).map(|m| format!("{}: `{own}` imports `{m}`", name(&path))));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_the_command_line_prints_and_reads_the_environment() {
    let forbidden = Regex::new(
        r"\b(e?print(ln)?|dbg)!|\bio::(stdout|stderr|stdin)\b|\bdirs::|\benv::(vars?|vars?_os|args|args_os|home_dir|current_dir|set_var)\b|process::exit\b",
    )
    .unwrap();
    let mut wrong = vec![];
    for path in files("src", &["rs"]).into_iter().filter(|path| module(path).is_some_and(|m| m != "cli")) {
        let text = fs::read_to_string(&path).unwrap();
        wrong.extend(
            code(&text).filter(|(_, line)| forbidden.is_match(line)).map(|(n, line)| format!("{}:{n}: {}", name(&path), line.trim())),
        );
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_are_short_enough_to_be_read() {
    let all = files("src", &["rs", "py"]).into_iter().chain(files("tests", &["rs", "py"]));
    let lines = all.map(|path| (name(&path), fs::read_to_string(&path).unwrap().lines().count()));
    let long: Vec<_> = lines.filter(|(_, lines)| *lines > LONGEST).collect();
    assert!(long.is_empty(), "more than {LONGEST} lines: {long:#?}");
}

#[test]
fn sdks_are_optimised_for_size() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let sdks = Regex::new(r"(?m)^(aws-sdk-\w+) =").unwrap();
    let sdks = sdks.captures_iter(&manifest).map(|c| c.get(1).unwrap().as_str());
    let missing: Vec<&str> =
        sdks.filter(|sdk| !manifest.contains(&format!("[profile.release.package.{sdk}]\nopt-level = \"s\"\n"))).collect();
    assert!(missing.is_empty(), "a release build takes longer, and the program is larger, without a line in Cargo.toml for {missing:?}");
}

/// Complains about an attribute, and those within, whose words are missing.
fn documented(of: &str, attrs: &[Attr], wrong: &mut Vec<String>) {
    for attr in attrs {
        let path = format!("{of}.{}", attr.name);
        if attr.doc.trim().is_empty() || !attr.doc.trim_end().ends_with(['.', '?', '!', ')']) {
            wrong.push(format!("{path}: {:?} is no sentence", attr.doc));
        }
        let mut kind = &attr.kind;
        while let Kind::List(inner) | Kind::Set(inner) | Kind::Map(inner) = kind {
            kind = inner;
        }
        if let Kind::Object(attrs) = kind {
            documented(&path, attrs, wrong);
        }
    }
}

#[test]
fn every_type_says_what_it_is() {
    let mut wrong = vec![];
    let resources = REGISTRY.resources.iter().map(|t| (t.name(), t.doc(), t.example(), t.attrs()));
    let data = REGISTRY.data.iter().map(|t| (t.name(), t.doc(), t.example(), t.attrs()));
    for (name, doc, example, attrs) in resources.chain(data) {
        if doc.trim().is_empty() || example.trim().is_empty() {
            wrong.push(format!("{name} lacks words or an example"));
        }
        documented(name, attrs, &mut wrong);
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_readme_names_every_command() {
    let help = Command::new(env!("CARGO_BIN_EXE_ferroform")).arg("--help").output().unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let section = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list of commands");
    let commands: Vec<&str> =
        section.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).filter(|w| !w.is_empty()).collect();
    assert!(commands.len() > 10, "{help}");
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let missing: Vec<_> = commands.into_iter().filter(|command| !readme.contains(&format!("| `{command}"))).collect();
    assert!(missing.is_empty(), "no row of the table of commands: {missing:?}");
}

#[test]
fn the_page_of_the_language_names_every_function() {
    let page = fs::read_to_string(root().join("docs/language.md")).unwrap();
    let missing: Vec<_> = ferroform::stack::function_names().filter(|function| !page.contains(&format!("`{function}`"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn links_between_pages_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)(?:#[^)]*)?\)").unwrap();
    let top = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"].map(|page| root().join(page));
    let mut wrong = vec![];
    for page in top.into_iter().chain(files("docs", &["md"])).chain(files("stacks", &["md"])).chain(files("examples", &["md"])) {
        let text = fs::read_to_string(&page).unwrap();
        let broken = link.captures_iter(&text).map(|c| c[1].to_owned()).filter(|to| !page.parent().unwrap().join(to).exists());
        wrong.extend(broken.map(|to| format!("{} -> {to}", name(&page))));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
