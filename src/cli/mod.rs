//! The command line: the only part that prints, and that reads the environment and the home directory.

mod apply;
mod args;
mod bot;
mod completions;
mod configuration;
mod console;
mod convert;
mod drift;
mod explain;
mod fmt;
mod generated;
mod graph;
mod import;
mod line;
mod output;
mod place;
mod plan;
mod progress;
mod sandbox;
mod schema;
mod session;
mod show;
mod state;
mod terminal;
mod unlock;
mod validate;
mod watch;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::words::{Diagnostic, Diagnostics};
use args::{Globals, Picked};
use terminal::Terminal;

/// Infrastructure as code for AWS: plans what a stack needs, shows it, and does it.
#[derive(Debug, Parser)]
#[command(name = "ferroform", version, max_term_width = 100, arg_required_else_help = true, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Plan(plan::Args),
    Apply(apply::Args),
    Destroy(apply::DestroyArgs),
    Drift(drift::Args),
    #[command(subcommand)]
    Bot(bot::Command),
    Validate(validate::Args),
    Fmt(fmt::Args),
    Convert(convert::Args),
    Show(show::Args),
    Output(output::Args),
    Console(console::Args),
    #[command(subcommand)]
    State(state::Command),
    Import(import::Args),
    Graph(graph::Args),
    ForceUnlock(unlock::Args),
    Explain(explain::Args),
    Schema(schema::Args),
    #[command(subcommand)]
    Sandbox(sandbox::Command),
    Completions(completions::Args),
}

impl Command {
    /// The log that it keeps as a service.
    fn log(&self) -> Option<watch::Log> {
        match self {
            Self::Drift(args) => args.watch.log(),
            Self::Bot(command) => command.log(),
            _ => None,
        }
    }
}

/// How a command ended, as its exit code says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// All is well: 0.
    Good,
    /// Something went wrong, and was told: 1.
    Failed,
    /// There are changes, and the user asked to be told by the exit code: 2.
    Changes,
    /// A file that was to be formatted can't be read: 2, as `terraform fmt` ends.
    Unreadable,
    /// A file is not in its format, and the user asked to be told: 3.
    Unformatted,
}

impl From<End> for ExitCode {
    fn from(end: End) -> Self {
        match end {
            End::Good => Self::SUCCESS,
            End::Failed => Self::FAILURE,
            End::Unformatted => Self::from(3),
            End::Changes | End::Unreadable => Self::from(2),
        }
    }
}

/// What every command gets: the global flags, what was picked in which order, and where to talk.
pub(crate) struct Context {
    globals: Globals,
    picked: Picked,
    terminal: Terminal,
    /// Where the program was started.
    started: Option<PathBuf>,
}

type Ending = Result<End, Diagnostics>;

/// Runs the program with those arguments, the first of which is its name.
pub fn run(argv: impl IntoIterator<Item = OsString>) -> ExitCode {
    let command = Cli::command();
    let argv = args::modern(argv, &command);
    let matches = match command.try_get_matches_from(argv) {
        Ok(matches) => matches,
        Err(error) => {
            // Help is data and goes to stdout; clap knows. A closed pipe is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { End::Failed.into() } else { End::Good.into() };
        }
    };
    let picked = Picked::of(&matches);
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return End::Failed.into();
        }
    };
    let terminal = Terminal::new(cli.globals.color, cli.globals.verbose);
    terminal.trace(cli.command.log());
    let mut cx = Context { globals: cli.globals, picked, terminal, started: std::env::current_dir().ok() };
    let ending = cx.enter().and_then(|()| cx.runtime()).and_then(|runtime| {
        let ending = runtime.block_on(dispatch(cli.command, &cx));
        // Calls that nobody waits for any longer must not hold the program up.
        runtime.shutdown_background();
        ending
    });
    match ending {
        Ok(end) => end.into(),
        Err(errors) => {
            cx.terminal.tell(&errors);
            End::Failed.into()
        }
    }
}

async fn dispatch(command: Command, cx: &Context) -> Ending {
    match command {
        Command::Plan(args) => plan::run(args, cx).await,
        Command::Apply(args) => apply::run(args, cx).await,
        Command::Destroy(args) => apply::destroy(args, cx).await,
        Command::Drift(args) => drift::run(args, cx).await,
        Command::Bot(command) => bot::run(command, cx).await,
        Command::Validate(args) => validate::run(args, cx),
        Command::Fmt(args) => fmt::run(args, cx),
        Command::Convert(args) => convert::run(args, cx),
        Command::Show(args) => show::run(args, cx),
        Command::Output(args) => output::run(args, cx),
        Command::Console(args) => console::run(args, cx),
        Command::State(command) => state::run(command, cx).await,
        Command::Import(args) => import::run(args, cx).await,
        Command::Graph(args) => graph::run(args, cx),
        Command::ForceUnlock(args) => unlock::run(args, cx),
        Command::Explain(args) => explain::run(args, cx),
        Command::Schema(args) => schema::run(args, cx),
        Command::Sandbox(command) => sandbox::run(command, cx),
        Command::Completions(args) => completions::run(args, cx),
    }
}

impl Context {
    /// Goes where `--chdir` says. From there on the folder of the states is the same, wherever a command goes.
    fn enter(&mut self) -> Result<(), Diagnostics> {
        if let Some(folder) = &self.globals.chdir {
            let bad = |e| Diagnostic::error(format!("can't go to the folder `{}`: {e}", folder.display()));
            std::env::set_current_dir(folder).map_err(bad)?;
        }
        if let Some(states) = &mut self.globals.state_dir {
            *states = std::path::absolute(&*states).unwrap_or_else(|_| states.clone());
        }
        Ok(())
    }

    /// How often AWS said to slow down, if it did: that is why it took so long.
    fn throttled(&self, calls: &crate::words::calls::Calls) {
        let counts = calls.counts();
        let mut slowed: Vec<_> = counts.iter().filter(|(_, count)| count.throttled > 0).collect();
        if slowed.is_empty() {
            return;
        }
        slowed.sort_by_key(|(_, count)| std::cmp::Reverse(count.throttled));
        let times: u64 = slowed.iter().map(|(_, count)| count.throttled).sum();
        let most: Vec<String> = slowed.iter().take(3).map(|((_, name), count)| format!("{name} {}", count.throttled)).collect();
        let more = if slowed.len() > most.len() { " ..." } else { "" };
        self.terminal.say(&format!("  AWS throttled {times} of {} calls: {}{more}", calls.total(), most.join(", ")));
    }

    /// How many calls were made, if that is asked.
    fn stats(&self, calls: &crate::words::calls::Calls) {
        if !self.globals.stats {
            return;
        }
        self.terminal.say(&format!("\n  {} calls", calls.total()));
        for ((service, operation), count) in calls.counts() {
            let throttled = if count.throttled > 0 { format!(", {} throttled", count.throttled) } else { String::new() };
            self.terminal.say(&format!("  {:>6}  {service} {operation}{throttled}", count.sent));
        }
    }

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Diagnostics> {
        let built = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        built.map_err(|e| Diagnostic::error(format!("can't start: {e}")).into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }
}
