//! The page of the language: every example in it is run.
//!
//! A section, from one `##` to the next, is a folder `hello`. A block of TOML that begins with `# FILE` is that file in it; any other is
//! a stack by itself. Commands of a `console` block are run in the folder as it is by then, and have to say what the page says; `...`
//! stands for anything.

use std::path::Path;
use std::process::Command;

use regex::Regex;

/// A fenced block: its section, its language, its text.
struct Example {
    section: String,
    language: String,
    text: String,
}

fn examples(page: &str) -> Vec<Example> {
    let (mut found, mut section) = (vec![], String::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            title.clone_into(&mut section);
        } else if let Some(language) = line.strip_prefix("```") {
            let text: String = lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            found.push(Example { section: section.clone(), language: language.to_owned(), text });
        }
    }
    found
}

fn run(command: &str, folder: &Path, home: &Path) -> (bool, String) {
    let ours = Path::new(env!("CARGO_BIN_EXE_ferroform")).parent().unwrap();
    let path = format!("{}:{}", ours.display(), std::env::var("PATH").unwrap());
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{command} 2>&1")]).current_dir(folder).env_clear();
    shell.envs([
        ("PATH", path.as_str()),
        ("NO_COLOR", "1"),
        ("COLUMNS", "80"),
        ("AWS_EC2_METADATA_DISABLED", "true"),
        ("AWS_REGION", "eu-west-1"),
    ]);
    let output = shell.env("HOME", home).output().unwrap();
    (output.status.success(), String::from_utf8(output.stdout).unwrap())
}

/// Whether the text is the one expected; a line `...` stands for any lines, and within a line `...` for anything.
fn matches(said: &str, wanted: &str) -> bool {
    let lines: Vec<&str> = wanted.lines().map(str::trim_end).collect();
    let pattern: String = lines
        .iter()
        .map(|line| if *line == "..." { "(?:.*\\n)*?".to_owned() } else { regex::escape(line).replace("\\.\\.\\.", ".*") + "[ ]*\\n" })
        .collect();
    let said = format!("{}\n", said.trim_end().trim_start_matches('\n'));
    Regex::new(&format!("^{pattern}$")).unwrap().is_match(&said)
}

/// The commands of a block with what each says.
fn commands(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = vec![];
    for line in text.lines() {
        match (line.strip_prefix("$ "), found.last_mut()) {
            (Some(command), _) => found.push((command.to_owned(), String::new())),
            (None, Some((_, said))) => *said += &format!("{line}\n"),
            (None, None) => panic!("what is said stands before any command: {line}"),
        }
    }
    found
}

#[test]
fn every_example_of_the_language_runs() {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/language.md")).unwrap();
    let all = tempfile::tempdir().unwrap();
    let home = all.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let (mut wrong, mut run_so_far) = (vec![], 0);
    let folder_of = |number: usize| {
        let folder = all.path().join(number.to_string()).join("hello");
        std::fs::create_dir_all(&folder).unwrap();
        folder
    };
    let mut sections: Vec<String> = vec![];
    for (number, example) in examples(&page).iter().enumerate() {
        if sections.last() != Some(&example.section) {
            sections.push(example.section.clone());
        }
        let shared = folder_of(1000 + sections.len());
        let first = example.text.lines().next().unwrap_or_default();
        match (example.language.as_str(), first.strip_prefix("# ").filter(|name| name.ends_with(".toml"))) {
            ("toml", Some(name)) => {
                std::fs::create_dir_all(shared.join(name).parent().unwrap()).unwrap();
                std::fs::write(shared.join(name), &example.text).unwrap();
                // Modules that it calls may follow.
                if !example.text.contains("source = ") && !name.contains('/') {
                    let (good, said) = run("ferroform validate", &shared, &home);
                    wrong.extend((!good).then(|| format!("{}:\n{said}", example.text)));
                }
            }
            ("toml", None) => {
                let alone = folder_of(number);
                std::fs::write(alone.join("main.toml"), &example.text).unwrap();
                let (good, said) = run("ferroform validate && ferroform fmt --check", &alone, &home);
                wrong.extend((!good).then(|| format!("{}:\n{said}", example.text)));
            }
            ("console", _) => {
                for (command, wanted) in commands(&example.text) {
                    let (_, said) = run(&command, &shared, &home);
                    wrong.extend((!matches(&said, &wanted)).then(|| format!("$ {command}\n{said}\nand the page says\n{wanted}")));
                }
            }
            (other, _) => wrong.push(format!("nobody knows how to run an example in `{other}`:\n{}", example.text)),
        }
        run_so_far += 1;
    }
    // Modules with all of their files.
    for (number, section) in sections.iter().enumerate() {
        let folder = folder_of(1001 + number);
        if folder.join("main.toml").exists() {
            let (good, said) = run("ferroform validate && ferroform fmt --check --recursive", &folder, &home);
            wrong.extend((!good).then(|| format!("{section}: {said}")));
        }
    }
    assert!(wrong.is_empty(), "{} of {run_so_far} examples:\n{}", wrong.len(), wrong.join("\n----\n"));
    assert!(run_so_far > 12, "only {run_so_far} examples were found");
}
