//! What `ferroform.toml` says to the bot: `[bot]` has the rules, each `[[project]]` a stack with its order.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};

use super::forge::Permission;
use crate::stack::stacks_under;
use crate::words::error::nearest;
use crate::words::fields::{self, Fields};
use crate::words::{Diagnostic, Diagnostics, Result, Source, Span};

/// The file, at a repository's root.
pub const FILE: &str = "ferroform.toml";

/// What one may be allowed.
const PERMISSIONS: &[(&str, Permission)] =
    &[("write", Permission::Write), ("maintain", Permission::Maintain), ("admin", Permission::Admin), ("triage", Permission::Triage)];

/// The most plans at once: each is a process with a plan in memory.
const MOST: usize = 64;

/// What the bot goes by in a repository.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The rules. A server takes them from the base branch: a pull request doesn't make its own.
    pub rules: Rules,
    /// The projects, if they are listed; else every stack is one.
    pub projects: Vec<Project>,
}

/// What an apply needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How many have to approve, the author not counted.
    pub approvals: usize,
    /// All checks have to be good.
    pub checks: bool,
    /// The head has to hold all of the base branch.
    pub up_to_date: bool,
    /// Who may apply and unlock: logins, and teams as `@acme/platform`; anybody with the permission if there is nobody.
    pub allow: Vec<String>,
    /// What they need in the repository besides.
    pub permission: Permission,
    /// Plan when a pull request is opened or changed; else only when somebody says so.
    pub autoplan: bool,
    /// Plan drafts, too.
    pub drafts: bool,
    /// Plans at once.
    pub parallel: usize,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            approvals: 1,
            checks: true,
            up_to_date: true,
            allow: vec![],
            permission: Permission::Write,
            autoplan: true,
            drafts: false,
            parallel: 4,
        }
    }
}

/// A stack that is planned and applied as one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Project {
    /// How people name it: `ferroform apply NAME`.
    pub name: String,
    /// The stack, from the repository's root.
    pub stack: PathBuf,
    /// Its workspace, if not the default one.
    pub workspace: Option<String>,
    /// Files with values of variables, from the repository's root.
    pub var_files: Vec<PathBuf>,
    /// Files whose change plans it besides those that it uses: globs from the repository's root.
    pub watch: Vec<String>,
    /// Names of projects that are applied before it.
    pub after: Vec<String>,
}

impl Project {
    /// What its state is known by, whatever the project is called: its path and its workspace.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{}@{}", self.stack.display(), self.workspace.as_deref().unwrap_or("default"))
    }
}

/// Reads what the file at the root of a checkout says; without one all is as usual.
pub fn load(root: &Path) -> Result<Config> {
    match std::fs::read_to_string(root.join(FILE)) {
        Ok(text) => read(text),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Config::default()),
        Err(e) => Err(Diagnostic::error(format!("can't read the configuration `{FILE}`: {e}")).into()),
    }
}

/// Reads what the file says, wherever its text comes from.
pub fn read(text: String) -> Result<Config> {
    let source = Source::new(FILE, text);
    let table = fields::parse(&source)?;
    let mut errors = Diagnostics::default();
    let mut file = Fields::of_file(&source, &table);
    let rules = file.table("bot", &mut errors).map(|table| rules(table, &mut errors)).unwrap_or_default();
    let listed: Vec<Listed> = file.tables("project", "project", &mut errors).into_iter().filter_map(|t| listed(t, &mut errors)).collect();
    file.done(&mut errors);
    let projects = ordered(listed, &mut errors);
    errors.unless_errors(Config { rules, projects })
}

impl Config {
    /// The projects of a checkout in the order in which they are applied: those that are listed, else every stack that there is.
    #[must_use]
    pub fn projects(&self, root: &Path) -> Vec<Project> {
        if !self.projects.is_empty() {
            return self.projects.clone();
        }
        let paths: Vec<PathBuf> = stacks_under(root).into_iter().map(|path| plain(path.strip_prefix(root).unwrap_or(&path))).collect();
        let names = names(&paths);
        names.into_iter().zip(paths).map(|(name, stack)| Project { name, stack, ..Project::default() }).collect()
    }
}

fn rules(mut fields: Fields<'_>, errors: &mut Diagnostics) -> Rules {
    let usual = Rules::default();
    let rules = Rules {
        approvals: fields.number("approvals", 0..=100, usual.approvals, errors),
        checks: fields.flag("checks", usual.checks, errors),
        up_to_date: fields.flag("up_to_date", usual.up_to_date, errors),
        allow: fields.texts("allow", errors),
        permission: fields.one_of("permission", PERMISSIONS, errors).unwrap_or(usual.permission),
        autoplan: fields.flag("autoplan", usual.autoplan, errors),
        drafts: fields.flag("drafts", usual.drafts, errors),
        parallel: fields.number("parallel", 1..=MOST, usual.parallel, errors),
    };
    fields.done(errors);
    rules
}

/// A project, and where things stand that can only be judged with all others.
struct Listed {
    project: Project,
    head: Span,
    after: Vec<(String, Span)>,
}

fn listed(mut fields: Fields<'_>, errors: &mut Diagnostics) -> Option<Listed> {
    let known = errors.0.len();
    let stack = fields.needed("stack", "\"stacks/web\"", errors);
    let stack_span = fields.get("stack").map(|value| fields.span(value));
    let stack = stack_span.and_then(|span| inside("stack", &stack, &span, errors));
    let name = fields.text("name", errors).or_else(|| Some(last(stack.as_deref()?)));
    if let Some(name) = &name {
        fields.call(format!("the project \"{name}\""));
        if !is_name(name) {
            let span = fields.get("name").map_or_else(|| fields.head().clone(), |value| fields.span(value));
            let error = Diagnostic::error(format!("`{name}` can't be the name of a project")).at(&span, "");
            errors.push(error.help("people type it: letters, digits, `.`, `_`, `-` and `/`, and first a letter or a digit"));
        }
    }
    let workspace = fields.text("workspace", errors);
    if let Some(bad) = workspace.as_ref().filter(|name| !is_name(name) || name.contains('/')) {
        let span = fields.get("workspace").map_or_else(|| fields.head().clone(), |value| fields.span(value));
        let error = Diagnostic::error(format!("`{bad}` can't be the name of a workspace")).at(&span, "");
        errors.push(error.help("letters, digits, `.`, `_` and `-`, and first a letter or a digit"));
    }
    let var_files = fields.placed_texts("var_files", errors);
    let var_files = var_files.iter().filter_map(|(path, span)| inside("var_files", path, span, errors)).collect();
    let watch = fields.placed_texts("watch", errors);
    for (pattern, span) in &watch {
        if let Err(e) = self::pattern(pattern) {
            errors.push(Diagnostic::error(format!("`{pattern}` is no pattern of paths: {}", e.kind())).at(span, ""));
        }
    }
    let after = fields.placed_texts("after", errors);
    let head = fields.head().clone();
    fields.done(errors);
    if errors.0.len() > known {
        return None;
    }
    let project = Project {
        name: name?,
        stack: stack?,
        workspace: workspace.filter(|name| name != "default"),
        var_files,
        watch: watch.into_iter().map(|(pattern, _)| pattern).collect(),
        after: after.iter().map(|(name, _)| name.clone()).collect(),
    };
    Some(Listed { project, head, after })
}

/// A name that can be typed, and stand in a path.
fn is_name(name: &str) -> bool {
    let part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
    };
    name.split('/').all(part)
}

/// A path in the repository; one that leads out of it is refused.
fn inside(key: &str, text: &str, span: &Span, errors: &mut Diagnostics) -> Option<PathBuf> {
    let path = Path::new(text);
    let mut depth = 0_usize;
    for part in path.components() {
        let deeper = match part {
            Component::Normal(_) => depth.checked_add(1),
            Component::CurDir => Some(depth),
            Component::ParentDir => depth.checked_sub(1),
            _ => None,
        };
        let Some(deeper) = deeper else {
            let error = Diagnostic::error(format!("`{key}` leads out of the repository: `{text}`")).at(span, "");
            errors.push(error.help("paths start at the repository's root, such as \"stacks/web\""));
            return None;
        };
        depth = deeper;
    }
    let plain = plain(path);
    if plain.to_string_lossy().starts_with('-') {
        errors.push(Diagnostic::error(format!("`{key}` begins like a flag: `{text}`")).at(span, "").help("give the folder another name"));
        return None;
    }
    Some(plain)
}

/// A pattern of `watch`: `*` and `?` stay within a folder, `**` does not.
pub(super) fn pattern(text: &str) -> Result<GlobMatcher, globset::Error> {
    GlobBuilder::new(text.trim_start_matches("./")).literal_separator(true).build().map(|glob| glob.compile_matcher())
}

/// A path in the repository from its root.
pub(super) fn join(root: &Path, path: &Path) -> PathBuf {
    if path == Path::new(".") { root.to_path_buf() } else { root.join(path) }
}

/// A path without `.` and `..`; the root is `.`.
pub(super) fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(plain.pop()),
            part => plain.push(part),
        }
    }
    if plain.as_os_str().is_empty() { PathBuf::from(".") } else { plain }
}

/// The projects in an order in which each comes behind those that it names; else as they are listed.
fn ordered(listed: Vec<Listed>, errors: &mut Diagnostics) -> Vec<Project> {
    let names: Vec<String> = listed.iter().map(|one| one.project.name.clone()).collect();
    for (i, one) in listed.iter().enumerate() {
        if names[..i].contains(&one.project.name) {
            let error = Diagnostic::error(format!("two projects are called \"{}\"", one.project.name)).at(&one.head, "the second one");
            errors.push(error.help("give each a `name` of its own"));
        }
        let same = |other: &&Listed| other.project.stack == one.project.stack && other.project.workspace == one.project.workspace;
        if let Some(other) = listed[..i].iter().find(same) {
            let error = Diagnostic::error(format!("\"{}\" and \"{}\" are the same stack", other.project.name, one.project.name));
            errors.push(error.at(&one.head, "").help("two projects of one stack each have a `workspace` of their own"));
        }
        for (name, span) in one.after.iter().filter(|(name, _)| !names.contains(name)) {
            let near = nearest(name, names.iter().map(String::as_str));
            let label = near.map_or_else(String::new, |near| format!("did you mean `{near}`?"));
            let error = Diagnostic::error(format!("there is no project \"{name}\"")).at(span, label);
            errors.push(error.help(format!("projects: {}", names.join(", "))));
        }
    }
    let (mut left, mut done, mut order) = (listed, BTreeSet::new(), vec![]);
    while !left.is_empty() {
        let ready = |one: &Listed| one.after.iter().all(|(name, _)| done.contains(name) || !names.contains(name));
        let Some(next) = left.iter().position(ready) else {
            errors.push(circle(&left));
            break;
        };
        let one = left.remove(next);
        done.insert(one.project.name.clone());
        order.push(one.project);
    }
    order
}

/// Each of them waits for another: one circle of those.
fn circle(left: &[Listed]) -> Diagnostic {
    let of = |name: &str| left.iter().find(|one| one.project.name == name);
    let mut path: Vec<&Listed> = vec![&left[0]];
    loop {
        let here = path[path.len() - 1];
        let next = here.after.iter().find_map(|(name, span)| Some((of(name)?, span)));
        let Some((next, span)) = next else { return Diagnostic::error("projects wait for each other").at(&here.head, "") };
        if let Some(start) = path.iter().position(|one| one.project.name == next.project.name) {
            let names: Vec<String> = path[start..].iter().chain([&next]).map(|one| format!("\"{}\"", one.project.name)).collect();
            let error = Diagnostic::error(format!("projects wait for each other: {}", names.join(" after "))).at(span, "closes the circle");
            return error.help("take one `after` away");
        }
        path.push(next);
    }
}

/// The last part of a path, without its ending if it is a file.
fn last(path: &Path) -> String {
    suffix(path, 1)
}

/// The last `n` parts of a path as a name.
fn suffix(path: &Path, n: usize) -> String {
    let path = if path.extension().is_some_and(|e| e == "toml") { path.with_extension("") } else { path.to_path_buf() };
    let parts: Vec<String> = path.components().map(|part| typed(&part.as_os_str().to_string_lossy())).collect();
    let parts = &parts[parts.len().saturating_sub(n)..];
    if parts.is_empty() || parts == ["."] { "root".to_owned() } else { parts.join("/") }
}

/// A folder's name as one can type it.
fn typed(name: &str) -> String {
    let typed: String = name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-') { c } else { '-' }).collect();
    if typed == "." { typed } else { typed.trim_start_matches(['.', '_', '-']).to_owned() }
}

/// For each stack the shortest end of its path that no other has.
fn names(paths: &[PathBuf]) -> Vec<String> {
    let of = |path: &PathBuf| {
        let depth = path.components().count();
        let alone = |n: &usize| paths.iter().filter(|other| suffix(other, *n) == suffix(path, *n)).count() == 1;
        suffix(path, (1..=depth).find(alone).unwrap_or(depth))
    };
    paths.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Config> {
        let root = tempfile::tempdir().expect("a folder");
        std::fs::write(root.path().join(FILE), text).expect("a file");
        load(root.path())
    }

    fn told(text: &str) -> String {
        read(text).expect_err("it is wrong").to_string()
    }

    #[test]
    fn rules_and_projects_are_read() {
        let config = read(
            "[bot]\napprovals = 2\nallow = [\"ann\", \"@acme/platform\"]\npermission = \"admin\"\ndrafts = true\nparallel = 8\n\n\
             [[project]]\nname = \"web\"\nstack = \"./stacks/web/\"\nafter = \"net\"\nwatch = [\"shared/**\"]\n\n\
             [[project]]\nname = \"net\"\nstack = \"stacks/x/../net\"\nworkspace = \"default\"\nvar_files = [\"envs/eu.toml\"]\n\n\
             [[notify]]\nkind = \"slack\"\nwhatever = 1\n",
        )
        .expect("it is right");
        let Rules { approvals, checks, allow, permission, drafts, parallel, .. } = &config.rules;
        assert_eq!((*approvals, *checks, *permission, *drafts, *parallel), (2, true, Permission::Admin, true, 8));
        assert_eq!(*allow, ["ann", "@acme/platform"]);
        let projects = config.projects(Path::new("/nowhere"));
        let names: Vec<_> =
            projects.iter().map(|p| (p.name.as_str(), p.stack.to_str().unwrap_or_default(), p.workspace.is_some())).collect();
        assert_eq!(names, [("net", "stacks/net", false), ("web", "stacks/web", false)]);
        assert_eq!(projects[0].var_files, [PathBuf::from("envs/eu.toml")]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let project = |more: &str| format!("[[project]]\nname = \"a\"\nstack = \"a\"\n{more}\n");
        let other = "[[project]]\nname = \"b\"\nstack = \"b\"\nafter = [\"a\"]\n";
        for (text, words) in [
            ("[bot]\naprovals = 1\n".to_owned(), &["ferroform.toml:2:1", "did you mean `approvals`?"][..]),
            ("[bto]\n".to_owned(), &["ferroform.toml:1:2", "did you mean `bot`?"]),
            ("[bot]\napprovals = -1\n".to_owned(), &["ferroform.toml:2:13", "a whole number from 0 to 100"]),
            ("[bot]\npermission = \"amdin\"\n".to_owned(), &["ferroform.toml:2:14", "did you mean \"admin\"?"]),
            ("[[bot]]\n".to_owned(), &["`bot` is no table", "write `[bot]`"]),
            ("[project]\nname = \"a\"\n".to_owned(), &["`project` is no list of tables", "two brackets"]),
            (project("after = [\"c\"]"), &["ferroform.toml:4:10", "there is no project \"c\""]),
            (project("after = [\"b\"]") + other, &["wait for each other: \"a\" after \"b\" after \"a\"", "ferroform.toml:8:10"]),
            (project("after = [\"a\"]"), &["wait for each other: \"a\" after \"a\""]),
            (project("") + &project("workspace = \"eu\""), &["two projects are called \"a\"", "ferroform.toml:5:1"]),
            (project("") + &project("").replace("name = \"a\"", "name = \"c\""), &["\"a\" and \"c\" are the same stack"]),
            (project("var_files = [\"/etc/x\"]"), &["ferroform.toml:4:14", "leads out of the repository"]),
            (project("").replace("stack = \"a\"", "stack = \"a/../../b\""), &["leads out of the repository"]),
            (project("").replace("stack = \"a\"", "stack = \"./-x\""), &["begins like a flag"]),
            (project("watch = [\"a[\"]"), &["ferroform.toml:4:10", "is no pattern of paths"]),
            (project("workspace = \"../x\""), &["can't be the name of a workspace"]),
            (project("").replace("name = \"a\"", "name = \"-rf x\""), &["can't be the name of a project"]),
            ("[[project]]\nname = \"a\"\n".to_owned(), &["lacks `stack`"]),
            ("[bot\n".to_owned(), &["no valid TOML"]),
        ] {
            let told = told(&text);
            for word in words {
                assert!(told.contains(word), "{word:?} is missing for\n{text}\n{told}");
            }
        }
    }

    #[test]
    fn stacks_that_are_not_listed_are_named_by_their_paths() {
        let paths = ["stacks/web", "stacks/net.toml", "eu/db", "us/db", ".", "live/eu/a", "test/eu/a", "odd/my stack"].map(PathBuf::from);
        assert_eq!(names(&paths), ["web", "net", "eu/db", "us/db", "root", "live/eu/a", "test/eu/a", "my-stack"]);
    }

    #[test]
    fn without_a_file_every_stack_is_a_project() {
        let root = tempfile::tempdir().expect("a folder");
        for (path, text) in
            [("stacks/web/stack.toml", "[stack]\n"), ("stacks/web/modules/m/m.toml", "[locals]\n"), ("tf/x.tf", ""), ("a/b.txt", "")]
        {
            let path = root.path().join(path);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
            std::fs::write(path, text).expect("a file");
        }
        let projects = load(root.path()).expect("no file is no error").projects(root.path());
        let found: Vec<_> = projects.iter().map(|p| format!("{} {}", p.name, p.stack.display())).collect();
        assert_eq!(found, ["web stacks/web", "tf tf"]);
    }
}
