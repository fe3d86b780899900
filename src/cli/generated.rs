//! `ferroform plan --generate-config-out`: the file that gets the blocks which imports lack.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::session::Session;
use crate::engine::plan::{Generated, Plan};
use crate::registry::REGISTRY;
use crate::spelling::{Unwritten, written};
use crate::stack::Spelling;
use crate::words::{Diagnostic, Result};

/// A file that does not exist yet.
pub(super) struct Out {
    /// As the user names it.
    pub path: PathBuf,
    /// Its name in the stack's folder.
    pub name: String,
    spelling: Spelling,
}

impl Out {
    /// The file at that path, if it can become a file of the stack.
    pub fn of(path: PathBuf, session: &Session) -> Result<Self> {
        let wrong = |why: &str| Diagnostic::error(format!("no configuration can be written to `{}`: {why}", path.display()));
        if path.exists() {
            return Err(wrong("there is such a file already").help("name a new one, or move what is in it to where it belongs").into());
        }
        if session.path.is_file() {
            let error = wrong("the stack is a single file, and would not hold a second one");
            return Err(error.help("name the stack's folder in place of the file").into());
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let spelling = Spelling::of(&name).filter(|spelling| *spelling != Spelling::Json);
        let spelling = spelling.ok_or_else(|| wrong("its name says nothing of its spelling").help("end it in `.toml` or `.tf`"))?;
        Ok(Self { path, name, spelling })
    }

    /// Writes the blocks that the plan lacks; gives the text.
    pub fn write(&self, plan: &Plan) -> Result<String> {
        let text = text(plan, self.spelling)?;
        write_new(&self.path, &text)
            .map_err(|e| Diagnostic::error(format!("can't write the configuration to `{}`: {e}", self.path.display())))?;
        Ok(text)
    }
}

/// The blocks that a plan lacks.
pub(crate) fn text(plan: &Plan, spelling: Spelling) -> Result<String> {
    let provider = |made: &Generated| {
        let (name, alias) = made.provider.as_ref()?;
        Some(alias.as_ref().map_or_else(|| name.to_string(), |alias| format!("{name}.{alias}")))
    };
    let providers: Vec<Option<String>> = plan.generated.iter().map(provider).collect();
    let blocks = plan.generated.iter().zip(&providers).map(|(made, provider)| Unwritten {
        address: &made.address,
        id: &made.id,
        provider: provider.as_deref(),
        arguments: &made.arguments,
        hidden: &made.hidden,
    });
    written(&blocks.collect::<Vec<_>>(), spelling, &REGISTRY)
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())
}
