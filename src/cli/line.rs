//! The console's line: editing, what was typed before, and names to complete.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{Behavior, CompletionType, Config, Context, Editor, Helper};

use super::console::goes_on;
use crate::words::{Diagnostic, Result};

/// How many expressions are remembered.
const MOST: usize = 1000;

/// A line on a terminal.
pub(super) struct Line {
    editor: Editor<Names, FileHistory>,
    history: Option<PathBuf>,
    secrets: Vec<String>,
}

/// What was typed.
pub(super) enum Typed {
    /// An expression, perhaps of several lines.
    Text(String),
    /// Ctrl-C: what was typed so far is dropped.
    Nothing,
    /// Ctrl-D.
    End,
}

impl Line {
    /// A line that completes those names; what holds one of the secrets is not remembered.
    pub fn new(names: BTreeSet<String>, secrets: Vec<String>, history: Option<PathBuf>) -> Result<Self> {
        let config = Config::builder()
            .max_history_size(MOST)
            .and_then(|config| config.history_ignore_dups(true))
            .map_err(|e| unusable(&e))?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .behavior(Behavior::PreferTerm)
            .build();
        let mut editor = Editor::with_config(config).map_err(|e| unusable(&e))?;
        editor.set_helper(Some(Names(names)));
        // Without it nothing is remembered, and that is all.
        let history = history.filter(|path| path.parent().is_some_and(|folder| std::fs::create_dir_all(folder).is_ok()));
        if let Some(path) = &history {
            let _missing = editor.load_history(path);
        }
        Ok(Self { editor, history, secrets })
    }

    /// What is typed next.
    pub fn next(&mut self) -> Result<Typed> {
        match self.editor.readline("> ") {
            Ok(text) => {
                if self.may_be_kept(&text) && self.editor.add_history_entry(text.as_str()).unwrap_or(false) {
                    self.keep();
                }
                Ok(Typed::Text(text))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Nothing),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(e) => Err(unusable(&e).into()),
        }
    }

    /// What tells a secret is not remembered: a text that is called one, or the value of a variable that is.
    fn may_be_kept(&self, text: &str) -> bool {
        !text.trim().is_empty() && !text.contains("sensitive(") && !self.secrets.iter().any(|secret| text.contains(secret.as_str()))
    }

    fn keep(&mut self) {
        let Some(path) = &self.history else { return };
        if self.editor.append_history(path).is_ok() {
            private(path);
        }
    }
}

/// The file can be read by its owner alone.
fn private(path: &Path) {
    #[cfg(unix)]
    let _kept_as_it_is = std::fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o600));
}

fn unusable(e: &dyn std::fmt::Display) -> Diagnostic {
    Diagnostic::error(format!("can't read from the terminal: {e}"))
        .help("expressions are read from a pipe as well: echo EXPRESSION | ferroform console")
}

/// What can be completed: names up to their dots, functions with their bracket.
struct Names(BTreeSet<String>);

impl Names {
    /// Where the word before the cursor begins, and what it can become.
    fn of(&self, line: &str, at: usize) -> (usize, Vec<String>) {
        let before = line.get(..at).unwrap_or_default();
        let in_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
        let start = before.char_indices().rev().take_while(|(_, c)| in_name(*c)).last().map_or(at, |(start, _)| start);
        let word = &before[start..];
        if word.is_empty() {
            return (at, vec![]);
        }
        let part = |name: &String| {
            let end = name[word.len()..].find('.').map_or(name.len(), |dot| word.len() + dot + 1);
            name[..end].to_owned()
        };
        let found: BTreeSet<String> = self.0.range(word.to_owned()..).take_while(|name| name.starts_with(word)).map(part).collect();
        (start, found.into_iter().collect())
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(&self, line: &str, at: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<String>)> {
        Ok(self.of(line, at))
    }
}

impl Validator for Names {
    fn validate(&self, cx: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        // An empty line ends what would go on.
        let ended = cx.input().ends_with("\n\n") || cx.input().lines().last().is_some_and(|line| line.trim().is_empty());
        Ok(if goes_on(cx.input()) && !ended { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Hinter for Names {
    type Hint = String;
}

impl Highlighter for Names {}
impl Helper for Names {}

#[cfg(test)]
mod tests {
    use super::*;

    fn names() -> Names {
        let all = ["var.zones", "var.zone", "aws_eip.web.public_ip", "aws_eip.web.id", "aws_eip.other.id", "upper(", "uuid("];
        Names(all.map(str::to_owned).into())
    }

    #[test]
    fn names_are_completed_up_to_their_dots() {
        let of = |line: &str| names().of(line, line.len());
        assert_eq!(of("length(va"), (7, vec!["var.".to_owned()]));
        assert_eq!(of("var.zo").1, ["var.zone", "var.zones"]);
        assert_eq!(of("aws_eip.").1, ["aws_eip.other.", "aws_eip.web."]);
        assert_eq!(of("aws_eip.web.p").1, ["aws_eip.web.public_ip"]);
        assert_eq!(of("\"${up").1, ["upper("]);
        assert_eq!(of("é").1, Vec::<String>::new());
        assert_eq!(of("").1, Vec::<String>::new());
    }

    #[test]
    fn what_tells_a_secret_is_not_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/history");
        let mut line = Line::new(BTreeSet::new(), vec!["hunter2".into()], Some(path.clone())).unwrap();
        assert!(line.may_be_kept("upper(\"x\")"));
        for text in ["", " ", "\"hunter2\"", "sensitive(\"x\")"] {
            assert!(!line.may_be_kept(text), "{text}");
        }
        line.editor.add_history_entry("1 + 1").unwrap();
        line.keep();
        assert!(std::fs::read_to_string(&path).unwrap().contains("1 + 1"));
        #[cfg(unix)]
        assert_eq!(std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&path).unwrap().permissions()) & 0o777, 0o600);
    }
}
