//! What is told while the engine works: in place on a terminal, a line each elsewhere, or JSON.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};

use super::terminal::Terminal;
use crate::engine::event::{Event, Listener, Verb};
use crate::show::{Look, event_json, event_text};
use crate::words::Address;

/// How events are told.
pub(crate) enum Progress<'a> {
    /// Lines that change in place.
    Live(Live<'a>),
    /// A line each, to stderr.
    Lines(&'a Terminal),
    /// A JSON object each, to stdout.
    Json(&'a Terminal),
}

impl<'a> Progress<'a> {
    /// The best for this terminal.
    pub fn of(terminal: &'a Terminal, json: bool) -> Self {
        match (json, terminal.live()) {
            (true, _) => Self::Json(terminal),
            (_, true) => Self::Live(Live::new(terminal)),
            _ => Self::Lines(terminal),
        }
    }

    /// Nothing runs any more: what is in place goes.
    pub fn end(&self) {
        if let Self::Live(live) = self {
            live.end();
        }
    }
}

impl Listener for Progress<'_> {
    fn on(&self, event: Event) {
        match self {
            Self::Live(live) => live.on(&event),
            Self::Lines(terminal) => {
                // Without a terminal what begins is no news but to those who ask for more.
                let news = !matches!(event, Event::Started { .. }) || terminal.verbose();
                if let Some(line) = event_text::line(&event).filter(|_| news) {
                    terminal.say(&line.show(terminal.err));
                }
            }
            Self::Json(terminal) => {
                if let Some(json) = event_json::event(&event, &jiff::Timestamp::now().to_string()) {
                    terminal.data(&format!("{json}\n"));
                }
            }
        }
    }
}

/// What runs now, below what is done.
pub(crate) struct Live<'a> {
    terminal: &'a Terminal,
    screen: MultiProgress,
    rows: Mutex<Rows>,
}

#[derive(Default)]
struct Rows {
    running: HashMap<(Address, &'static str), (ProgressBar, Instant)>,
    sum: Option<ProgressBar>,
    reading: Option<ProgressBar>,
}

/// How often a row is drawn.
const TICK: Duration = Duration::from_millis(120);

impl<'a> Live<'a> {
    fn new(terminal: &'a Terminal) -> Self {
        Self { terminal, screen: MultiProgress::new(), rows: Mutex::default() }
    }

    fn on(&self, event: &Event) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::Refreshing { resources } => {
                let row = self.screen.add(ProgressBar::new_spinner().with_style(spinner()));
                row.set_message(format!("reading {resources} resources"));
                row.enable_steady_tick(TICK);
                rows.reading = Some(row);
            }
            Event::Refreshed { .. } => {
                if let Some(row) = rows.reading.take() {
                    row.finish_and_clear();
                }
            }
            Event::Applying { steps } => {
                let row = self.screen.add(ProgressBar::new(u64::try_from(*steps).unwrap_or(u64::MAX)).with_style(sum(self.terminal.err)));
                row.enable_steady_tick(TICK);
                rows.sum = Some(row);
            }
            Event::Started { address, verb, id } => {
                let row = ProgressBar::new_spinner().with_style(spinner());
                let row = match &rows.sum {
                    Some(sum) => self.screen.insert_before(sum, row),
                    None => self.screen.add(row),
                };
                row.set_message(running(address, *verb, id.as_deref().unwrap_or_default()));
                row.enable_steady_tick(TICK);
                rows.running.insert((address.clone(), event_text::doing(*verb)), (row, Instant::now()));
            }
            Event::Pending { address, verb, status, .. } => {
                if let Some((row, _)) = rows.running.get(&(address.clone(), event_text::doing(*verb))) {
                    row.set_message(running(address, *verb, status));
                }
            }
            Event::Done { address, verb, .. } | Event::Failed { address, verb, .. } | Event::Skipped { address, verb, .. } => {
                if let Some((row, _)) = rows.running.remove(&(address.clone(), event_text::doing(*verb))) {
                    row.finish_and_clear();
                }
                if let Some(sum) = &rows.sum {
                    sum.inc(1);
                }
                self.print(event);
            }
            other => self.print(other),
        }
    }

    fn print(&self, event: &Event) {
        if let Some(line) = event_text::line(event) {
            // A terminal that is gone hears nothing, and that stops nothing.
            let _ = self.screen.println(line.show(self.terminal.err));
        }
    }

    fn end(&self) {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        let Rows { running, sum, reading } = std::mem::take(&mut *rows);
        running.into_values().map(|(row, _)| row).chain(sum).chain(reading).for_each(|row| row.finish_and_clear());
    }
}

fn running(address: &Address, verb: Verb, what: &str) -> String {
    format!("{:<11}{address}  {what}", event_text::doing(verb))
}

fn spinner() -> ProgressStyle {
    ProgressStyle::with_template("  {spinner} {elapsed:>4}  {wide_msg}").unwrap_or_else(|_| ProgressStyle::default_spinner())
}

fn sum(look: Look) -> ProgressStyle {
    let style = ProgressStyle::with_template("{sum}").unwrap_or_else(|_| ProgressStyle::default_bar());
    style.with_key("sum", move |state: &ProgressState, w: &mut dyn std::fmt::Write| {
        let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
        let _ = w.write_str(&event_text::bar(count(state.pos()), count(state.len().unwrap_or(0)), state.elapsed(), look));
    })
}
