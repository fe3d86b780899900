//! What happens, as lines of text: for logs, and above the progress on a terminal.

use std::time::Duration;

use super::line::{Line, Look, Role};
use crate::engine::event::{Event, Verb};
use crate::words::Address;

/// Where what was found after an interrupted run is told.
const COLUMN: usize = 44;
/// Ids longer than this are hashes, and say nothing.
const LONGEST: usize = 64;

/// What is being done, as it goes on.
#[must_use]
pub const fn doing(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "reading",
        Verb::Create => "creating",
        Verb::Update => "changing",
        Verb::Delete => "destroying",
        Verb::Import => "importing",
    }
}

/// What was done.
#[must_use]
pub const fn done(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Create => "created",
        Verb::Update => "changed",
        Verb::Delete => "destroyed",
        Verb::Import => "imported",
    }
}

/// What should be done.
#[must_use]
pub const fn to_do(verb: Verb) -> &'static str {
    match verb {
        Verb::Read => "read",
        Verb::Create => "create",
        Verb::Update => "change",
        Verb::Delete => "destroy",
        Verb::Import => "import",
    }
}

const fn role(verb: Verb) -> Role {
    match verb {
        Verb::Read => Role::Dim,
        Verb::Create | Verb::Import => Role::New,
        Verb::Update => Role::Changed,
        Verb::Delete => Role::Gone,
    }
}

/// `0.4 s`, `18 s`, `4 min 5 s`.
#[must_use]
pub fn span(took: Duration) -> String {
    match took.as_secs() {
        0..10 => format!("{:.1} s", took.as_secs_f64()),
        s @ 10..120 => format!("{s} s"),
        s => format!("{} min {} s", s / 60, s % 60),
    }
}

/// One event as a line for people; none for what only a terminal shows in place, or where it says nothing new.
#[must_use]
pub fn line(event: &Event) -> Option<Line> {
    // What was done and for how long stand first: addresses have any length.
    let step = |mark: &str, role: Role, word: &str, time: String, address: &Address| {
        let line = Line::indented(2).with(role, format!("{mark} {word:<11}")).with(Role::Plain, format!("{time:<11}"));
        line.with(Role::Strong, address.to_string())
    };
    let tail = |id: Option<&String>| id.filter(|id| id.len() <= LONGEST).map_or_else(String::new, |id| format!("  {id}"));
    Some(match event {
        // What was read stands at the head of the plan.
        Event::Refreshing { .. } | Event::Refreshed { .. } | Event::Applying { .. } | Event::Waits { .. } => return None,
        Event::Started { address, verb, id } => {
            step("·", Role::Dim, doing(*verb), String::new(), address).with(Role::Dim, tail(id.as_ref()))
        }
        Event::Pending { address, verb, status, since } => {
            step("·", Role::Dim, doing(*verb), span(*since), address).with(Role::Dim, format!("  {status}"))
        }
        Event::Retrying { address, failure, after } => {
            step("~", Role::Changed, "again in", span(*after), address).with(Role::Plain, format!("  {failure}"))
        }
        Event::Done { address, verb, id, took } => {
            step("✔", role(*verb), done(*verb), span(*took), address).with(Role::Dim, tail(id.as_ref().filter(|_| *verb != Verb::Delete)))
        }
        Event::Failed { address, verb, error, took } => {
            let line = step("✘", Role::Danger, "failed", span(*took), address);
            line.with(Role::Gone, format!("  to {}: {}", to_do(*verb), error.summary))
        }
        Event::Skipped { address, verb, because } => {
            let why = because.as_ref().map_or_else(|| "interrupted".to_owned(), |a| format!("needs {a}"));
            step("-", Role::Dim, "left out", String::new(), address).with(Role::Dim, format!("  to {}: {why}", to_do(*verb)))
        }
        Event::Recovered { address, found } => {
            let mut line = Line::indented(4).with(Role::Strong, address.to_string());
            line.pad(COLUMN);
            line.with(Role::Plain, found.clone())
        }
        Event::Note(note) => Line::indented(2).with(Role::Plain, note.clone()),
    })
}

/// The bar below what runs: `[███░░] 7 of 10 · 21 s · about 30 s left`.
#[must_use]
pub fn bar(finished: usize, steps: usize, since: Duration, look: Look) -> String {
    let cells = 24;
    let full = (finished * cells).checked_div(steps).unwrap_or(cells).min(cells);
    let drawn = format!("[{}{}]", "█".repeat(full), "░".repeat(cells - full));
    let left = match left(finished, steps, since) {
        Some(left) => format!(" · about {} left", span(left)),
        None => String::new(),
    };
    let text = format!("{finished} of {steps} · {}{left}", span(since));
    let hint = " · ctrl-c finishes what runs and saves";
    let room = look.width.saturating_sub(4 + cells + 1 + text.chars().count());
    let hint = if room >= hint.chars().count() { hint } else { "" };
    format!("  {} {text}{}", look.paint(Role::New, &drawn), look.paint(Role::Dim, hint))
}

/// A guess, once a few steps are done: as long for each of the rest as for those before.
fn left(finished: usize, steps: usize, since: Duration) -> Option<Duration> {
    let rest = u32::try_from(steps.saturating_sub(finished)).ok()?;
    let done = u32::try_from(finished).ok()?;
    (done >= 3 && rest > 0 && since.as_secs() >= 3).then(|| since / done * rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::words::Diagnostic;

    #[test]
    fn events_read_as_a_log() {
        let sg = Address::managed("aws_security_group", "openclaw");
        let node = Address::managed("aws_instance", "gateway");
        let events = [
            Event::Refreshed { resources: 23, took: Duration::from_millis(240) },
            Event::Started { address: sg.clone(), verb: Verb::Update, id: Some("sg-0fe1".into()) },
            Event::Done { address: sg, verb: Verb::Update, id: Some("sg-0fe1".into()), took: Duration::from_millis(430) },
            Event::Pending {
                address: node.clone(),
                verb: Verb::Create,
                status: "i-0d22 is pending".into(),
                since: Duration::from_secs(18),
            },
            Event::Failed {
                address: node.clone(),
                verb: Verb::Create,
                error: Diagnostic::error("AWS refused"),
                took: Duration::from_secs(125),
            },
            Event::Skipped { address: Address::managed("aws_eip_association", "gateway"), verb: Verb::Create, because: Some(node) },
        ];
        let text: String = events.iter().filter_map(line).map(|l| l.show(Look::PLAIN) + "\n").collect();
        insta::assert_snapshot!(text, @r"
        · changing              aws_security_group.openclaw  sg-0fe1
        ✔ changed    0.4 s      aws_security_group.openclaw  sg-0fe1
        · creating   18 s       aws_instance.gateway  i-0d22 is pending
        ✘ failed     2 min 5 s  aws_instance.gateway  to create: AWS refused
        - left out              aws_eip_association.gateway  to create: needs aws_instance.gateway
        ");
    }

    #[test]
    fn the_bar_says_how_far_and_how_long() {
        insta::assert_snapshot!(bar(7, 10, Duration::from_secs(21), Look { width: 120, colour: false }), @"  [████████████████░░░░░░░░] 7 of 10 · 21 s · about 9.0 s left · ctrl-c finishes what runs and saves");
        insta::assert_snapshot!(bar(0, 0, Duration::ZERO, Look::PLAIN), @"  [████████████████████████] 0 of 0 · 0.0 s");
    }
}
