//! What people can tell the bot in a comment.

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Plan again.
    Plan,
    /// Apply all plans, or those of these projects.
    Apply(Vec<String>),
    /// Let go of the stacks that this pull request holds.
    Unlock,
    /// Tell what there is.
    Help,
    /// Something else, as it was said.
    Unknown(String),
}

/// The command in a comment: a line that begins with `ferroform`, outside of code blocks and quotations, is one. The first counts.
#[must_use]
pub fn command(text: &str) -> Option<Command> {
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let line = line.trim_end();
        let bare = line.trim_start();
        match fence {
            Some(open) if bare.starts_with(open) => fence = None,
            Some(_) => {}
            None if bare.starts_with("```") || bare.starts_with("~~~") => fence = Some(&bare[..3]),
            // Four blanks make code.
            None if line.len() - bare.len() < 4 => {
                // People copy it with the backticks around it.
                let words = bare.trim_matches('`');
                let mut words = words.split_whitespace();
                if words.next().is_some_and(|first| first.eq_ignore_ascii_case("ferroform")) {
                    return read(&words.collect::<Vec<_>>());
                }
            }
            None => {}
        }
    }
    None
}

/// Words after the name. A sentence about the program is no command: only what looks like one is answered.
fn read(words: &[&str]) -> Option<Command> {
    let Some((verb, rest)) = words.split_first() else { return Some(Command::Help) };
    let all = || words.join(" ");
    Some(match (verb.to_ascii_lowercase().as_str(), rest) {
        ("plan", []) => Command::Plan,
        ("apply", projects) if projects.iter().all(|p| !p.starts_with('-')) => {
            Command::Apply(projects.iter().map(|&p| p.to_owned()).collect())
        }
        ("unlock", []) => Command::Unlock,
        ("help" | "-h" | "--help", _) => Command::Help,
        _ if words.len() > 4 => return None,
        _ => Command::Unknown(all()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_comments() {
        let apply = |names: &[&str]| Some(Command::Apply(names.iter().map(|&n| n.to_owned()).collect()));
        for (text, wanted) in [
            ("ferroform plan", Some(Command::Plan)),
            ("  Ferroform  PLAN \r\n", Some(Command::Plan)),
            ("`ferroform apply`", apply(&[])),
            ("Looks good.\n\nferroform apply web db\nthanks", apply(&["web", "db"])),
            ("ferroform unlock", Some(Command::Unlock)),
            ("ferroform", Some(Command::Help)),
            ("ferroform help", Some(Command::Help)),
            ("ferroform aply", Some(Command::Unknown("aply".into()))),
            ("ferroform apply --target x", Some(Command::Unknown("apply --target x".into()))),
            ("ferroform plan web", Some(Command::Unknown("plan web".into()))),
            ("ferroform is what we use for all of this", None),
            ("> ferroform apply", None),
            ("```\nferroform apply\n```", None),
            ("~~~sh\nferroform apply\n~~~\nferroform plan", Some(Command::Plan)),
            ("    ferroform apply", None),
            ("run ferroform apply", None),
            ("ferroformed", None),
            ("", None),
        ] {
            assert_eq!(command(text), wanted, "{text:?}");
        }
    }
}
