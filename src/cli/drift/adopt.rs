//! `ferroform drift --adopt`: what nobody manages gets `import` blocks and a configuration in the stack.

use std::path::PathBuf;

use super::Seen;
use crate::cli::generated;
use crate::cli::progress::Progress;
use crate::cli::session::Session;
use crate::cli::{Context, End, Ending};
use crate::engine::plan::{Action, Plan};
use crate::engine::planner::Options;
use crate::engine::unmanaged::Stray;
use crate::registry::REGISTRY;
use crate::spelling::{imports, to_tf};
use crate::stack::Spelling;
use crate::state::State;
use crate::words::error::nearest;
use crate::words::{Address, Diagnostic, Diagnostics, Result};

/// What the file that is written begins with, and where the stack is a file, what is added to it.
const FILE: &str = "adopted";

/// Those that the user means.
fn chosen<'s>(strays: &'s [Stray], given: &[String]) -> Result<Vec<&'s Stray>> {
    let is = |stray: &Stray, given: &str| {
        let finding = &stray.finding;
        given == "all" || [&finding.address, &finding.id, &finding.kind, &stray.import].into_iter().any(|known| known == given)
    };
    if let Some(one) = given.iter().find(|one| *one != "all" && !strays.iter().any(|stray| is(stray, one))) {
        let error = Diagnostic::error(format!("nothing that nobody manages goes by `{one}`"));
        let near = nearest(one, strays.iter().flat_map(|stray| [stray.finding.address.as_str(), stray.finding.id.as_str()]));
        return Err(error
            .help(near.map_or("what there is: ferroform drift --unmanaged".to_owned(), |near| format!("did you mean `{near}`?")))
            .into());
    }
    Ok(strays.iter().filter(|stray| given.iter().any(|one| is(stray, one))).collect())
}

/// The file that is written: a new one beside the others, in the spelling of most of them; or the stack's only one.
struct Target {
    path: PathBuf,
    name: String,
    spelling: Spelling,
    /// What stands in it already.
    before: String,
}

impl Target {
    fn of(session: &Session) -> Result<Self> {
        if session.path.is_file() {
            let read = std::fs::read_to_string(&session.path);
            let before = read.map_err(|e| Diagnostic::error(format!("can't read `{}`: {e}", session.path.display())))?;
            let name = session.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            return Ok(Self { path: session.path.clone(), name, spelling: Spelling::Toml, before });
        }
        let names: Vec<String> = std::fs::read_dir(&session.path)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect();
        let tf = names.iter().any(|name| Spelling::of(name) == Some(Spelling::Tf))
            && !names.iter().any(|name| Spelling::of(name) == Some(Spelling::Toml));
        let (spelling, ending) = if tf { (Spelling::Tf, "tf") } else { (Spelling::Toml, "toml") };
        let free = |n: usize| if n == 1 { format!("{FILE}.{ending}") } else { format!("{FILE}_{n}.{ending}") };
        let name = (1..=names.len() + 1).map(free).find(|name| !names.contains(name)).unwrap_or_default();
        Ok(Self { path: session.path.join(&name), name, spelling, before: String::new() })
    }

    fn text(&self, toml: &str) -> Result<String> {
        let text = if self.spelling == Spelling::Tf { to_tf(&self.name, toml, &REGISTRY)? } else { toml.to_owned() };
        Ok(if self.before.is_empty() { text } else { format!("{}\n{text}", self.before) })
    }
}

/// Writes them into the stack; what would not plan clean is left out, and why is told.
pub(super) async fn run(cx: &Context, seen: Seen, given: &[String], parallelism: usize) -> Ending {
    let Seen { mut session, state, strays, .. } = seen;
    let chosen = chosen(&strays, given)?;
    if chosen.is_empty() {
        cx.terminal.say("  Nothing is unmanaged, and there is nothing to adopt.");
        return Ok(End::Good);
    }
    let target = Target::of(&session)?;
    let progress = Progress::of(&cx.terminal, false);
    let mut adopting = Adopting { session: &mut session, state: &state, target: &target, parallelism, progress: &progress };
    let adopted = adopting.all(chosen).await;
    progress.end();
    let (text, taken, refused) = adopted?;
    for (address, why) in &refused {
        cx.terminal.say(&format!("  {address} is left out: {}", why.replace('\n', " ")));
    }
    if taken.is_empty() {
        return Ok(End::Failed);
    }
    std::fs::write(&target.path, text).map_err(|e| Diagnostic::error(format!("can't write `{}`: {e}", target.path.display())))?;
    let (n, path) = (taken.len(), target.path.display());
    let how = if n == 1 { "1 import and its block".to_owned() } else { format!("{n} imports and their blocks") };
    cx.terminal.say(&format!("  Written to {path}: {how}. The next apply takes them into the state and changes nothing about them."));
    Ok(if refused.is_empty() { End::Good } else { End::Failed })
}

/// Text, what is in it, and what was left out and why.
type Adopted<'s> = (String, Vec<&'s Stray>, Vec<Refused>);

/// An address, and why it can't be taken over as it is.
type Refused = (String, String);

struct Adopting<'a> {
    session: &'a mut Session,
    state: &'a State,
    target: &'a Target,
    parallelism: usize,
    progress: &'a Progress<'a>,
}

impl Adopting<'_> {
    /// All at once; where that fails each by itself, so that one that can't be imported keeps no other from it.
    async fn all<'s>(&mut self, chosen: Vec<&'s Stray>) -> Result<Adopted<'s>> {
        let (mut left, mut refused) = (chosen, vec![]);
        while !left.is_empty() {
            let wrong = match self.together(&left).await {
                Ok((text, wrong)) if wrong.is_empty() => return Ok((text, left, refused)),
                Ok((_, wrong)) => wrong,
                Err(errors) => {
                    let wrong = self.one_by_one(&left).await;
                    if wrong.is_empty() {
                        return Err(errors);
                    }
                    wrong
                }
            };
            left.retain(|stray| !wrong.iter().any(|(address, _)| *address == stray.finding.address));
            refused.extend(wrong);
        }
        Ok((String::new(), left, refused))
    }

    async fn one_by_one(&mut self, strays: &[&Stray]) -> Vec<Refused> {
        let mut wrong = vec![];
        for stray in strays {
            match self.together(&[stray]).await {
                Ok((_, unclean)) => wrong.extend(unclean),
                Err(errors) => wrong.push((stray.finding.address.clone(), told(&errors))),
            }
        }
        wrong
    }

    /// The text of the file, and those about which a plan of it would do more than import them.
    async fn together(&mut self, strays: &[&Stray]) -> Result<(String, Vec<Refused>)> {
        let text = self.target.text(&self.configuration(strays).await?)?;
        let plan = self.plan(&text, strays, false).await?;
        Ok((text, unclean(&plan, strays)))
    }

    /// The blocks of what there is, and the imports, in TOML.
    async fn configuration(&mut self, strays: &[&Stray]) -> Result<String> {
        let asked: Vec<(String, String, Option<String>)> = strays
            .iter()
            .map(|stray| {
                let (name, alias) = (&stray.config.name, &stray.config.alias);
                (stray.finding.address.clone(), stray.import.clone(), alias.as_ref().map(|alias| format!("{name}.{alias}")))
            })
            .collect();
        let imports = imports(&asked);
        let text = self.target.text(&imports)?;
        let plan = self.plan(&text, strays, true).await?;
        Ok(format!("{}\n{imports}", generated::text(&plan, Spelling::Toml)?))
    }

    async fn plan(&mut self, text: &str, strays: &[&Stray], generate: bool) -> Result<Plan> {
        self.session.add(&self.target.name, text)?;
        let targets = strays.iter().filter_map(|stray| stray.finding.address.parse().ok()).collect();
        // What else the stack has is none of this plan's business.
        let options = Options { targets, generate, refresh: false, parallelism: self.parallelism, ..Options::default() };
        Ok(self.session.plan(self.state, &options, self.progress).await?.0)
    }
}

fn told(errors: &Diagnostics) -> String {
    errors.0.first().map_or_else(String::new, ToString::to_string)
}

/// Those about which the plan would do more than import them.
fn unclean(plan: &Plan, strays: &[&Stray]) -> Vec<Refused> {
    let of = |stray: &&Stray| {
        let address: Address = stray.finding.address.parse().ok()?;
        let Some(change) = plan.changes.iter().find(|change| change.address == address) else {
            return Some((stray.finding.address.clone(), "the plan has no import of it".to_owned()));
        };
        let why = match change.action {
            Action::Nothing => return None,
            Action::Replace { .. } => format!("the plan would replace it for {}", change.replace.join(", ")),
            _ => format!("the plan would change {}", change.changed.join(", ")),
        };
        Some((stray.finding.address.clone(), why))
    };
    strays.iter().filter_map(of).collect()
}
