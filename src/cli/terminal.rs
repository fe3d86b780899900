//! Where the program talks: data to stdout, everything else to stderr, in colour where that is wanted.

use std::io::{BufRead, IsTerminal, Write};

use super::args::Colour;
use super::watch::Log;
use crate::show::{Look, diagnostic};
use crate::words::{Diagnostic, Diagnostics};

/// Both streams and how they look.
pub(crate) struct Terminal {
    /// How stdout looks.
    pub out: Look,
    /// How stderr looks.
    pub err: Look,
    verbose: u8,
}

/// What is assumed where there is no terminal to ask.
const WIDTH: usize = 80;
/// Longer lines are no easier to read.
const WIDEST: usize = 160;

impl Terminal {
    /// As the flag and the environment say.
    pub fn new(colour: Colour, verbose: u8) -> Self {
        let look = |terminal: bool, width: Option<usize>| Look {
            width: if terminal { width.unwrap_or(WIDTH).min(WIDEST) } else { columns().unwrap_or(WIDTH) },
            colour: match colour {
                Colour::Always => true,
                Colour::Never => false,
                Colour::Auto => wanted(terminal),
            },
        };
        let out = look(std::io::stdout().is_terminal(), size(terminal_size::terminal_size_of(std::io::stdout())));
        let err = look(std::io::stderr().is_terminal(), size(terminal_size::terminal_size_of(std::io::stderr())));
        Self { out, err, verbose }
    }

    /// Tracing, as far as `-v` and `FERROFORM_LOG` ask for it; a service always keeps a log.
    pub fn trace(&self, service: Option<Log>) {
        let level = match self.verbose {
            0 if service.is_none() => "off",
            0 => "ferroform=info",
            1 => "ferroform=info",
            2 => "ferroform=debug",
            _ => "ferroform=trace,aws=debug",
        };
        let filter = std::env::var("FERROFORM_LOG").unwrap_or_else(|_| level.to_owned());
        let filter = tracing_subscriber::EnvFilter::try_new(&filter).unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
        // Only a test could have set another before, and then that one is meant.
        let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(self.err.colour);
        let _ = match service {
            Some(Log::Json) => log.json().flatten_event(true).with_target(false).try_init(),
            Some(Log::Text) => log.with_target(false).try_init(),
            None => log.try_init(),
        };
    }

    /// Whether the user asked for more.
    pub fn verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Whether stderr is a terminal that can be drawn on.
    pub fn live(&self) -> bool {
        std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|t| t != "dumb")
    }

    /// Data. Whoever closed the pipe has read enough: that is no failure.
    pub fn data(&self, text: &str) {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    }

    /// Something for the user.
    pub fn say(&self, text: &str) {
        let mut err = std::io::stderr().lock();
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let _ = err.write_all(format!("{text}{end}").as_bytes());
    }

    /// Errors and warnings.
    pub fn tell(&self, diagnostics: &Diagnostics) {
        self.say(&diagnostic::all(&diagnostics.0, self.err));
    }

    /// Asks, and waits for `yes`. Where nobody can answer that is an error.
    pub fn agree(&self, question: &str, may_ask: bool) -> Result<bool, Diagnostics> {
        if !may_ask || !std::io::stdin().is_terminal() {
            return Err(Diagnostic::error("nobody is there to approve this").help("give --auto-approve if it is to go ahead").into());
        }
        let mut err = std::io::stderr().lock();
        let _ = write!(err, "\n  {question}\n  Only `yes` goes ahead: ").and_then(|()| err.flush());
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).map_err(|e| Diagnostic::error(format!("can't read the answer: {e}")))?;
        Ok(line.trim() == "yes")
    }
}

fn size(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    size.map(|(width, _)| width.0.into()).filter(|w| *w > 0)
}

/// `COLUMNS`, for pipes and pagers.
fn columns() -> Option<usize> {
    std::env::var("COLUMNS").ok()?.parse().ok().filter(|w| *w > 0)
}

/// The conventions: `NO_COLOR` wins, `CLICOLOR_FORCE` forces, `CLICOLOR=0` forbids.
fn wanted(terminal: bool) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty());
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    if set("NO_COLOR") {
        false
    } else if set("CLICOLOR_FORCE") && !is("CLICOLOR_FORCE", "0") {
        true
    } else {
        terminal && !is("CLICOLOR", "0") && !is("TERM", "dumb")
    }
}
