//! Override files: what they say takes the place of what the other files of the directory say, argument by argument.

use super::raw::{Entry, Raw, RawKind};
use super::tf::labels;
use crate::words::{Diagnostic, Diagnostics};

/// Puts a block of an override file, as [`Builder::top`](super::blocks::Builder::top) takes it, in the place of what is there.
pub(super) fn apply(base: &mut Vec<Entry>, over: Entry, errors: &mut Diagnostics) {
    let word = over.key.clone();
    match &*word {
        "moved" | "import" | "removed" | "check" => {
            let error = Diagnostic::error(format!("a `{word}` block can't stand in an override file")).at(&over.at, "in an override file");
            errors.push(error.help("write it into a file of another name"));
        }
        "locals" => locals(base, over, errors),
        "terraform" | "stack" => settings(base, over),
        "provider" => leaves(over, 1, &mut |path, block| provider(base, path, block, errors)),
        _ => leaves(over, labels(&word).map_or(0, <[_]>::len), &mut |path, block| named(base, path, block, errors)),
    }
}

/// Calls `each` for every block in the entry, with the words that lead to it and its place.
fn leaves(entry: Entry, labels: usize, each: &mut dyn FnMut(&[Entry], Raw)) {
    fn walk(path: &mut Vec<Entry>, value: Raw, labels: usize, each: &mut dyn FnMut(&[Entry], Raw)) {
        match value.kind {
            RawKind::Table(entries) if labels > 0 => {
                for Entry { key, at, value } in entries {
                    path.push(bare(key, at));
                    walk(path, value, labels - 1, each);
                    path.pop();
                }
            }
            RawKind::List(items) => items.into_iter().for_each(|item| walk(path, item, labels, each)),
            kind => each(path, Raw { kind, span: value.span }),
        }
    }
    let mut path = vec![bare(entry.key, entry.at)];
    walk(&mut path, entry.value, labels, each);
}

/// A word on the way to a block.
fn bare(key: std::sync::Arc<str>, at: crate::words::Span) -> Entry {
    let value = Raw { kind: RawKind::Table(vec![]), span: at.clone() };
    Entry { key, at, value }
}

/// The first block that these words lead to and that is as wanted.
fn find<'a>(entries: &'a mut [Entry], path: &[Entry], wanted: &dyn Fn(&Raw) -> bool) -> Option<&'a mut Raw> {
    let [first, rest @ ..] = path else { return None };
    for entry in entries.iter_mut().filter(|e| e.key == first.key) {
        let found = match (rest, &entry.value.kind) {
            ([], RawKind::List(_)) => match &mut entry.value.kind {
                RawKind::List(items) => items.iter_mut().find(|i| wanted(i)),
                _ => None,
            },
            ([], _) => Some(&mut entry.value).filter(|v| wanted(v)),
            (rest, _) => match &mut entry.value.kind {
                RawKind::Table(inner) => find(inner, rest, wanted),
                _ => None,
            },
        };
        if found.is_some() {
            return found;
        }
    }
    None
}

fn missing(path: &[Entry], what: &str, errors: &mut Diagnostics) {
    if let Some(last) = path.last() {
        let error = Diagnostic::error(format!("there is no {what} to override")).at(&last.at, "is declared in no other file");
        errors.push(error.help("an override file changes what other files of the directory declare"));
    }
}

fn named(base: &mut [Entry], path: &[Entry], block: Raw, errors: &mut Diagnostics) {
    let words: Vec<&str> = path.iter().map(|e| &*e.key).collect();
    let what = match &words[..] {
        ["resource", kind, name] => format!("`{kind}.{name}`"),
        ["data", kind, name] => format!("`data.{kind}.{name}`"),
        words => words.join(" "),
    };
    match find(base, path, &|_| true) {
        Some(known) => merge(known, block, errors),
        None => missing(path, &what, errors),
    }
}

fn alias(block: &Raw) -> Option<&str> {
    let RawKind::Table(entries) = &block.kind else { return None };
    entries.iter().find(|e| &*e.key == "alias").and_then(|e| e.value.text()).map(|t| &**t)
}

/// A configuration of the same alias. One without alias is there even where no file has it.
fn provider(base: &mut Vec<Entry>, path: &[Entry], block: Raw, errors: &mut Diagnostics) {
    let wanted = alias(&block).map(str::to_owned);
    match (find(base, path, &|known| alias(known) == wanted.as_deref()), path) {
        (Some(known), _) => merge(known, block, errors),
        (None, [word, name]) if wanted.is_none() => {
            let inner = Entry { key: name.key.clone(), at: name.at.clone(), value: block };
            let value = Raw { kind: RawKind::Table(vec![inner]), span: word.at.clone() };
            base.push(Entry { key: word.key.clone(), at: word.at.clone(), value });
        }
        (None, path) => missing(path, &format!("provider `{}.{}`", path.last().map_or("", |e| &e.key), wanted.unwrap_or_default()), errors),
    }
}

fn locals(base: &mut [Entry], over: Entry, errors: &mut Diagnostics) {
    let RawKind::Table(entries) = over.value.kind else { return };
    for entry in entries {
        let known = base.iter_mut().filter(|e| &*e.key == "locals").find_map(|e| match &mut e.value.kind {
            RawKind::Table(known) => known.iter_mut().find(|k| k.key == entry.key),
            _ => None,
        });
        match known {
            Some(known) => *known = entry,
            None => {
                let what = format!("local value `{}`", entry.key);
                missing(&[entry], &what, errors);
            }
        }
    }
}

/// Settings take the place of those of the same name wherever they are; required providers one by one, a backend or the cloud any other.
fn settings(base: &mut Vec<Entry>, over: Entry) {
    let RawKind::Table(entries) = &over.value.kind else { return base.push(over) };
    let replaced: Vec<&str> = entries.iter().map(|e| &*e.key).collect();
    let backend = replaced.contains(&"backend") || replaced.contains(&"cloud");
    let mut providers = vec![];
    for known in base.iter_mut().filter(|e| e.key == over.key) {
        let RawKind::Table(known) = &mut known.value.kind else { continue };
        known.retain_mut(|entry| match (&*entry.key, &mut entry.value.kind) {
            ("required_providers", RawKind::Table(all)) if replaced.contains(&"required_providers") => {
                providers.append(all);
                false
            }
            ("backend" | "cloud", _) => !backend,
            (name, _) => !replaced.contains(&name),
        });
    }
    let mut over = over;
    if let RawKind::Table(entries) = &mut over.value.kind {
        for entry in entries.iter_mut().filter(|e| &*e.key == "required_providers") {
            if let RawKind::Table(own) = &mut entry.value.kind {
                let kept: Vec<Entry> = providers.drain(..).filter(|p| !own.iter().any(|o| o.key == p.key)).collect();
                own.extend(kept);
            }
        }
    }
    base.push(over);
}

/// The arguments of the second in the place of those of the first. All nested blocks of a name go where there are others of that
/// name, be they made by `dynamic`; `lifecycle` is merged in its turn.
fn merge(known: &mut Raw, over: Raw, errors: &mut Diagnostics) {
    let (RawKind::Table(known), RawKind::Table(over)) = (&mut known.kind, over.kind) else { return };
    for entry in over {
        if &*entry.key == "depends_on" {
            let error = Diagnostic::error("`depends_on` can't be overridden").at(&entry.at, "in an override file");
            errors.push(error.help("write it where the block is declared"));
            continue;
        }
        let replaced: Vec<std::sync::Arc<str>> = match &entry.value.kind {
            RawKind::Table(made) if &*entry.key == "dynamic" => made.iter().map(|e| e.key.clone()).collect(),
            _ => vec![entry.key.clone()],
        };
        let dynamic = &*entry.key == "dynamic";
        let inner = &*entry.key == "lifecycle";
        for other in known.iter_mut().filter(|e| &*e.key == "dynamic") {
            if let RawKind::Table(made) = &mut other.value.kind {
                made.retain(|e| !replaced.contains(&e.key));
            }
        }
        if dynamic {
            known.retain(|e| !replaced.contains(&e.key));
        }
        match known.iter_mut().find(|e| e.key == entry.key) {
            Some(before) if inner && matches!(before.value.kind, RawKind::Table(_)) => merge(&mut before.value, entry.value, errors),
            Some(Entry { value: Raw { kind: RawKind::Table(before), .. }, .. }) if dynamic => {
                if let RawKind::Table(made) = entry.value.kind {
                    before.extend(made);
                }
            }
            Some(before) => *before = entry,
            None => known.push(entry),
        }
    }
    known.retain(|e| !matches!(&e.value.kind, RawKind::Table(made) if &*e.key == "dynamic" && made.is_empty()));
}
