//! What both spellings write differently, beside blocks and expressions.

/// How a value is written at its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Site {
    /// An expression: in TOML within `${...}`.
    Expression,
    /// A value that is written out: `${` means itself.
    Literal,
    /// The name of something: bare in `.tf`, a string in TOML.
    Name,
}

/// What stands in the block that these words lead to, under that name.
pub(super) fn site(path: &[&str], name: &str) -> Site {
    let own = |names: &[&str]| names.contains(&name);
    match path {
        ["variable"] if name == "type" => Site::Name,
        ["variable"] => Site::Literal,
        [_] if own(&["depends_on", "provider", "providers"]) => Site::Name,
        ["output"] if own(&["description", "sensitive", "ephemeral"]) => Site::Literal,
        ["module"] if own(&["source", "version"]) => Site::Literal,
        ["provider"] if own(&["alias", "version"]) => Site::Literal,
        ["moved" | "removed" | "import"] if own(&["from", "to"]) => Site::Name,
        ["terraform", ..] if name == "configuration_aliases" => Site::Name,
        ["terraform" | "drift", ..] | ["stack"] => Site::Literal,
        [_, "lifecycle"] if own(&["ignore_changes", "replace_triggered_by"]) => Site::Name,
        [_, "lifecycle"] if own(&["adopt", "create_before_destroy", "prevent_destroy", "destroy"]) => Site::Literal,
        [.., "dynamic", _] if name == "iterator" => Site::Name,
        _ => Site::Expression,
    }
}

/// A comment that stands before something or behind it, and the empty lines before that.
#[derive(Clone, Debug, Default)]
pub(super) struct Comments {
    /// Behind what comes before, on its line.
    pub trailing: Vec<String>,
    /// On lines of their own; an empty one stands for empty lines.
    pub own: Vec<String>,
}

/// The comments in the white space around something, each a line that begins with `#`. `fresh`: it begins on a line of its own.
pub(super) fn comments(space: &str, fresh: bool) -> Comments {
    let mut found = Comments::default();
    let mut fresh = fresh;
    // Whether nothing stands on the line so far, and how many such lines came before.
    let (mut bare, mut empty) = (fresh, 0);
    let mut rest = space;
    loop {
        rest = rest.trim_start_matches([' ', '\t', '\r', ',']);
        let (text, length) = match rest.as_bytes() {
            [] => break,
            [b'\n', ..] => {
                empty += usize::from(bare);
                (fresh, bare) = (true, true);
                rest = &rest[1..];
                continue;
            }
            [b'#', ..] | [b'/', b'/', ..] => {
                let length = rest.find('\n').unwrap_or(rest.len());
                (rest[..length].trim_start_matches('/').trim_start_matches('#'), length)
            }
            [b'/', b'*', ..] => {
                let length = rest.find("*/").map_or(rest.len(), |at| at + 2);
                (rest[..length].trim_start_matches("/*").trim_end_matches("*/"), length)
            }
            _ => break,
        };
        let hash = rest.starts_with("##").then(|| rest[..length].trim_end().to_owned());
        let lines: Vec<String> = match hash {
            Some(line) => vec![line],
            None => text.lines().map(|line| format!("# {}", line.trim()).trim_end().to_owned()).collect(),
        };
        if fresh {
            if empty > 0 {
                found.own.push(String::new());
            }
            found.own.extend(lines);
        } else {
            found.trailing.extend(lines);
        }
        (bare, empty) = (false, 0);
        rest = &rest[length..];
    }
    if empty > 0 {
        found.own.push(String::new());
    }
    found
}
