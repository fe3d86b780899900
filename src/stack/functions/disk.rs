//! Functions on files and paths. [`crate::stack::Files`] says where relative paths start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Bad, Function, Gives, Needs, Outcome, bad, f};
use crate::stack::eval::Cx;
use crate::stack::lower;
use crate::stack::place::Place;
use crate::words::{Source, Value};

pub(super) const ALL: &[Function] = &[
    f("file", &["path"], Gives::Text, |a| Ok(Value::String(lower::nfc(&a.cx.scope.files().text(&a.text(0)?).map_err(|e| told(a, e))?)))),
    f("filebase64", &["path"], Gives::Text, |a| Ok(STANDARD.encode(a.cx.scope.files().read(&a.text(0)?).map_err(|e| told(a, e))?).into())),
    f("fileexists", &["path"], Gives::Bool, |a| Ok(a.cx.scope.files().exists(&a.text(0)?)?.into())),
    f("fileset", &["path", "pattern"], Gives::Any, fileset),
    f("templatefile", &["path", "values"], Gives::Any, templatefile).needs(Needs::Outside).marks(),
    f("abspath", &["path"], Gives::Text, |a| Ok(a.cx.scope.files().absolute(&a.text(0)?).into())),
    f("dirname", &["path"], Gives::Text, |a| {
        let path = a.text(0)?;
        let dir = match path.rfind('/') {
            Some(0) => "/".to_owned(),
            Some(at) => clean(&path[..at]),
            None => ".".to_owned(),
        };
        Ok(dir.into())
    }),
    f("basename", &["path"], Gives::Text, |a| {
        let path = a.text(0)?;
        let trimmed = path.trim_end_matches('/');
        let name = trimmed.rsplit('/').next().unwrap_or_default();
        Ok(if path.is_empty() {
            "."
        } else if name.is_empty() {
            "/"
        } else {
            name
        }
        .into())
    }),
    f("pathexpand", &["path"], Gives::Text, |a| {
        let path = a.text(0)?;
        match a.cx.scope.files().expand(&path) {
            Some(expanded) => Ok(expanded.into()),
            None => a.bad(0, "only the home of the user who runs this is known, as `~` or `~/...`"),
        }
    }),
];

/// The argument is to blame for a file that can't be read.
fn told(a: &Args<'_>, mut errors: crate::words::Diagnostics) -> Bad {
    for error in &mut errors.0 {
        error.label.get_or_insert_with(|| (a.span(0).clone(), String::new()));
    }
    Bad::Told(errors)
}

fn clean(path: &str) -> String {
    crate::stack::files::normal(path)
}

fn templatefile(a: &Args<'_>) -> Outcome {
    let path = a.text(0)?;
    let given = a.entries(1)?;
    for name in given.keys() {
        let mut chars = name.chars();
        if !(chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')) {
            return a.bad(1, format!("`{name}` can't be the name of a value in a template"));
        }
    }
    if a.cx.depth > 0 {
        return bad("a template file can't call `templatefile` itself");
    }
    let parse = |name: &str, text| {
        let source = Source::new(name, text);
        lower::file(&source.text, &Place::of(&source))
    };
    let template = a.cx.scope.files().template(&path, parse).map_err(|e| told(a, e))?;
    let marked = a.values.iter().any(Value::is_sensitive);
    let value = template.body.value(&Cx { scope: a.cx.scope, locals: None, given: Some(given), depth: a.cx.depth + 1 })?;
    Ok(value.sensitive_if(marked))
}

fn fileset(a: &Args<'_>) -> Outcome {
    let (dir, pattern) = (a.text(0)?, a.text(1)?);
    let matcher = glob(&pattern).map_or_else(|why| a.bad(1, why), Ok)?;
    let files = a.cx.scope.files().list(&dir, pattern.contains('/') || pattern.contains("**"))?;
    Ok(Value::set(files.iter().filter(|f| matcher.is_match(f)).map(|f| Value::from(f.as_str()))))
}

/// A pattern of `*`, `?`, `**`, `{a,b}` and `[...]` as a regular expression.
fn glob(pattern: &str) -> Result<regex::Regex, String> {
    let mut made = String::from("^");
    let mut chars = pattern.chars().peekable();
    let mut braces = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                if chars.peek() == Some(&'/') {
                    chars.next();
                    made.push_str("(?:.*/)?");
                } else {
                    made.push_str(".*");
                }
            }
            '*' => made.push_str("[^/]*"),
            '?' => made.push_str("[^/]"),
            '{' => {
                braces += 1;
                made.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                made.push(')');
            }
            ',' if braces > 0 => made.push('|'),
            '[' | ']' | '-' => made.push(c),
            '\\' => made.push_str(&regex::escape(&chars.next().map(String::from).unwrap_or_default())),
            c => made.push_str(&regex::escape(&c.to_string())),
        }
    }
    made.push('$');
    regex::Regex::new(&made).map_err(|_| "this is no pattern of file names".to_owned())
}
