//! `ferroform console`

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::VarArgs;
use super::line::{Line, Typed};
use super::session::{locate, values};
use super::{Context, End, Ending, place};
use crate::engine::standing::standing;
use crate::engine::world::World;
use crate::registry::REGISTRY;
use crate::show::console;
use crate::stack::{self, Files, Module, Stack};
use crate::state::State;
use crate::words::{Diagnostic, Result, Value};

/// Evaluates expressions against a stack and its state, and changes neither.
///
/// Each line of standard input is an expression, or goes on while a bracket is open; after the last one its value is shown.
/// On a terminal each value is shown at once, Tab completes names, and the arrows bring back what was typed before. Without a stack the expressions can refer to nothing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A directory, a `.toml` file, or a name in `stacks/`; this folder if none is named.
    #[arg(value_name = "STACK")]
    at: Option<PathBuf>,
    #[command(flatten)]
    vars: VarArgs,
}

const HELP: &str = "Type an expression, such as `length(var.zones)` or `aws_instance.web.id`, to see its value; `type(...)` shows its type.
What only an apply tells is `(known after apply)`. `exit` or Ctrl-D ends.";

/// What expressions see.
struct Room {
    stack: Stack,
    files: Files,
    state: State,
    variables: BTreeMap<Arc<str>, Value>,
    workspace: String,
}

pub(super) fn run(args: Args, cx: &Context) -> Ending {
    let room = Room::open(cx, args.at.as_deref())?;
    let world = room.world();
    if std::io::stdin().is_terminal() { interactive(&room, &world, cx) } else { piped(&room, &world, cx) }
}

impl Room {
    fn open(cx: &Context, given: Option<&Path>) -> Result<Self> {
        let workspace = cx.globals.workspace.clone().unwrap_or_else(|| "default".into());
        let place = place::find(given.or(cx.globals.stack.as_deref()))?;
        if given.is_none() && cx.globals.stack.is_none() && !place.holds_stack() {
            let files = Files::of(&place.path).with_home(dirs::home_dir());
            let stack = Stack {
                name: "console".into(),
                description: None,
                dir: place.path,
                backend: None,
                drift: vec![],
                module: Module::default(),
            };
            return Ok(Self { stack, files, state: State::new(""), variables: BTreeMap::new(), workspace });
        }
        let (place, stack, files, store) = locate(cx, given)?;
        let mut warnings = stack::validate(&stack, &REGISTRY);
        if warnings.has_errors() {
            return Err(warnings);
        }
        let given = values(&stack, place.folder(), &cx.picked.0, &files)?;
        let variables = stack::variables(&stack.module, &given, &files, &mut warnings)?;
        let state = store.read()?.state.unwrap_or_else(|| State::new(""));
        Ok(Self { stack, files, state, variables, workspace })
    }

    fn world(&self) -> World<'_> {
        standing(&self.stack, &self.files, &self.variables, &self.workspace, &self.state, &REGISTRY)
    }

    /// All that an expression can refer to, and the functions.
    fn names(&self) -> BTreeSet<String> {
        let module = &self.stack.module;
        let mut names: BTreeSet<String> = stack::function_names().map(|name| format!("{name}(")).collect();
        names.extend(["path.module", "path.root", "path.cwd", "terraform.workspace"].map(str::to_owned));
        names.extend(module.variables.keys().map(|name| format!("var.{name}")));
        names.extend(module.locals.keys().map(|name| format!("local.{name}")));
        for (name, call) in &module.calls {
            names.insert(format!("module.{name}"));
            names.extend(call.module.outputs.keys().filter(|_| !call.repeated()).map(|output| format!("module.{name}.{output}")));
        }
        for block in &module.resources {
            let single = block.count.is_none() && block.for_each.is_none();
            let attrs = REGISTRY.attrs(&block.address).iter().map(|attr| attr.name).chain(["id"]);
            names.insert(block.address.to_string());
            names.extend(attrs.filter(|_| single).map(|attr| format!("{}.{attr}", block.address)));
        }
        names
    }

    /// The texts that are never shown.
    fn secrets(&self) -> Vec<String> {
        fn collect(value: &Value, hidden: bool, found: &mut Vec<String>) {
            let hidden = hidden || value.is_sensitive();
            match value.shown() {
                Value::String(text) if hidden => found.push(text.to_string()),
                Value::Number(n) if hidden => found.push(n.to_string()),
                other => {
                    other.items().iter().for_each(|item| collect(item, hidden, found));
                    other.entries().into_iter().flatten().for_each(|(_, item)| collect(item, hidden, found));
                }
            }
        }
        let mut found = vec![];
        let held = self.state.instances.values().map(|instance| &instance.attributes);
        let outputs = self.state.outputs.values();
        self.variables.values().chain(held).for_each(|value| collect(value, false, &mut found));
        outputs.for_each(|output| collect(&output.value, output.sensitive, &mut found));
        // What is as short as that is in everything.
        found.retain(|secret| secret.len() > 3);
        found
    }

    fn answer(&self, text: &str, world: &World<'_>) -> Result<String> {
        console::answer(text, &self.stack, &REGISTRY, world)
    }
}

/// Whether a text can't be all of an expression yet: a bracket, a text over several lines or a template is still open.
pub(super) fn goes_on(text: &str) -> bool {
    let mut open = vec![];
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let quoted = open.last() == Some(&'"');
        let next = chars.peek().map(|(_, c)| *c);
        match c {
            '\\' if quoted => drop(chars.next()),
            '$' | '%' if quoted && next == Some(c) && text[at + 2..].starts_with('{') => {
                chars.next();
                chars.next();
            }
            '$' | '%' if quoted && next == Some('{') => {
                chars.next();
                open.push('}');
            }
            '"' if quoted => drop(open.pop()),
            '"' => open.push('"'),
            _ if quoted => {}
            '#' => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '/' if next == Some('/') => while chars.next_if(|(_, c)| *c != '\n').is_some() {},
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            '<' if next == Some('<') => {
                let rest = text[at + 2..].trim_start_matches('-');
                let end = rest.find('\n').unwrap_or(rest.len());
                let (word, body) = (rest[..end].trim(), &rest[end..]);
                let Some(close) = body.lines().position(|line| !word.is_empty() && line.trim() == word) else { return !word.is_empty() };
                let mut lines = close + 1;
                while lines > 0
                    && chars.next().is_some_and(|(_, c)| {
                        lines -= usize::from(c == '\n');
                        true
                    })
                {}
            }
            ')' | ']' | '}' if open.pop() != Some(c) => return false,
            _ => {}
        }
    }
    // A text in quotes ends on its line.
    !open.is_empty() && open.last() != Some(&'"')
}

/// Reads one expression after another; an error ends it. As with Terraform the value of the last one is what is shown.
fn piped(room: &Room, world: &World<'_>, cx: &Context) -> Ending {
    let (mut last, mut entry) = (None, String::new());
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|e| Diagnostic::error(format!("can't read the expressions: {e}")))?;
        entry.push_str(&line);
        // An empty line ends what would go on.
        if goes_on(&entry) && !line.trim().is_empty() {
            entry.push('\n');
            continue;
        }
        match std::mem::take(&mut entry).trim() {
            "" => last = Some(String::new()),
            "exit" => return Ok(End::Good),
            "help" => last = Some(HELP.into()),
            text => last = Some(room.answer(text, world)?),
        }
    }
    if !entry.trim().is_empty() {
        last = Some(room.answer(entry.trim(), world)?);
    }
    cx.terminal.data(&(last.unwrap_or_default() + "\n"));
    Ok(End::Good)
}

/// Answers one expression after another; an error is told, and it goes on.
fn interactive(room: &Room, world: &World<'_>, cx: &Context) -> Ending {
    let history = dirs::state_dir().or_else(dirs::cache_dir).map(|dir| dir.join("ferroform").join("console_history"));
    let mut line = Line::new(room.names(), room.secrets(), history)?;
    loop {
        let text = match line.next()? {
            Typed::Text(text) => text,
            Typed::Nothing => continue,
            Typed::End => return Ok(End::Good),
        };
        match text.trim() {
            "" => {}
            "exit" => return Ok(End::Good),
            "help" => cx.terminal.data(&format!("{HELP}\n")),
            text => match room.answer(text, world) {
                Ok(shown) => cx.terminal.data(&format!("{shown}\n")),
                Err(errors) => cx.terminal.tell(&errors),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::goes_on;

    #[test]
    fn an_expression_goes_on_while_something_is_open() {
        for text in ["[1,", "{ a = 1", "upper(", "\"${upper(", "{ a = \"}\"", "<<EOT\na", "[ # ]", "(\"a\" // )"] {
            assert!(goes_on(text), "{text}");
        }
        for text in ["1", "[1]", "\"[\"", "\"a", "\"$${\"", "[}", "1)", "# [", "<<EOT\n[\nEOT", "\"${\"[\"}\"", "a < b"] {
            assert!(!goes_on(text), "{text}");
        }
    }
}
