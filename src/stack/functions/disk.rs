//! Functions on files and paths. [`crate::stack::Files`] says where relative paths start.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Args, Bad, Function, Gives, Got, Needs, Outcome, bad, f};
use crate::stack::convert::convert;
use crate::stack::eval::Cx;
use crate::stack::expr::Template;
use crate::stack::lower;
use crate::stack::place::Place;
use crate::words::{Diagnostics, Marks, Object, Source, Type, Value};

pub(super) const ALL: &[Function] = &[
    f("file", &["path: string"], Gives::Text, |a| {
        Ok(Value::String(lower::nfc(&a.cx.scope.files().text(&a.text(0)?).map_err(|e| told(a, e))?)))
    }),
    f("filebase64", &["path: string"], Gives::Text, |a| {
        Ok(STANDARD.encode(a.cx.scope.files().read(&a.text(0)?).map_err(|e| told(a, e))?).into())
    }),
    f("fileexists", &["path: string"], Gives::Bool, |a| Ok(a.cx.scope.files().exists(&a.text(0)?)?.into())),
    f("fileset", &["path: string", "pattern: string"], Gives::Any, fileset),
    f("templatefile", &["path: string", "values"], Gives::Any, templatefile).needs(Needs::Outside).marks(),
    f("templatestring", &["template: string", "values"], Gives::Text, templatestring).needs(Needs::Outside).marks(),
    f("abspath", &["path: string"], Gives::Text, |a| Ok(a.cx.scope.files().absolute(&a.text(0)?).into())),
    f("dirname", &["path: string"], Gives::Text, |a| {
        let path = a.text(0)?;
        let dir = match path.rfind('/') {
            Some(at) if path[..at].trim_end_matches('/').is_empty() => "/".to_owned(),
            Some(at) => clean(&path[..at]),
            None => ".".to_owned(),
        };
        Ok(dir.into())
    }),
    f("basename", &["path: string"], Gives::Text, |a| {
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
    f("pathexpand", &["path: string"], Gives::Text, |a| {
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
    let (path, given) = (a.text(0)?, given(a)?);
    let template = a.cx.scope.files().template(&path, parsed).map_err(|e| told(a, e))?;
    rendered(a, &template, given)
}

fn templatestring(a: &Args<'_>) -> Outcome {
    let (text, given) = (a.text(0)?, given(a)?);
    let template = parsed("the template", text).map_err(|e| told(a, e))?;
    let value = rendered(a, &template, given)?;
    if value.is_null() {
        return bad("the template makes null of it, not a text");
    }
    convert(&value, &Type::String).map_err(|e| Bad::Call(format!("the template makes no text: {e}")))
}

fn parsed(name: &str, text: std::sync::Arc<str>) -> Result<Template, Diagnostics> {
    let source = Source::new(name, text);
    lower::file(&source.text, &Place::of(&source))
}

/// The values that a template is given.
fn given<'a>(a: &'a Args<'_>) -> Got<&'a Object> {
    let given = a.entries(1)?;
    for name in given.keys() {
        let mut chars = name.chars();
        if !(chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_' || c == '-')) {
            return a.bad(1, format!("`{name}` can't be the name of a value in a template"));
        }
    }
    Ok(given)
}

fn rendered(a: &Args<'_>, template: &Template, given: &Object) -> Outcome {
    if a.cx.depth > 0 {
        return bad("a template can't make a template itself");
    }
    let marked: Marks = a.values.iter().map(Value::marks).collect();
    let value = template.body.value(&Cx { scope: a.cx.scope, locals: None, given: Some(given), depth: a.cx.depth + 1 })?;
    Ok(value.marked(marked))
}

fn fileset(a: &Args<'_>) -> Outcome {
    let (dir, pattern) = (a.text(0)?, a.text(1)?);
    // Both together are a path: `..` in the pattern leads out of the folder, perhaps back into it.
    let (dir, whole) = (clean(&dir), clean(&format!("{dir}/{pattern}")));
    let inside = if dir == "." { Some(whole.as_str()) } else { whole.strip_prefix(&dir).and_then(|rest| rest.strip_prefix('/')) };
    let found = match inside.filter(|_| !pattern.is_empty()) {
        Some(inside) => {
            let matcher = glob(inside).map_or_else(|why| a.bad(1, why), Ok)?;
            let files = a.cx.scope.files().list(&dir, inside.contains('/') || inside.contains("**"))?;
            files.into_iter().filter(|f| matcher.is_match(f)).map(Value::from).collect()
        }
        None => vec![],
    };
    Ok(Value::set(found).typed(&Type::Set(std::sync::Arc::new(Type::String))))
}

/// A pattern of `*`, `?`, `**`, `{a,b}` and `[...]` as a regular expression.
pub(in crate::stack) fn glob(pattern: &str) -> Result<regex::Regex, String> {
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
            '{' if chars.clone().take_while(|c| *c != '}').any(|c| c == '/') => {
                return Err("alternatives in braces can't go over folders".to_owned());
            }
            '{' => {
                braces += 1;
                made.push_str("(?:");
            }
            '}' if braces > 0 => {
                braces -= 1;
                made.push(')');
            }
            ',' if braces > 0 => made.push('|'),
            '[' => {
                made.push('[');
                made.extend(chars.next_if(|c| matches!(c, '^' | '!')).map(|_| '^'));
            }
            ']' | '-' => made.push(c),
            '\\' => made.push_str(&regex::escape(&chars.next().map(String::from).unwrap_or_default())),
            c => made.push_str(&regex::escape(&c.to_string())),
        }
    }
    made.push('$');
    regex::Regex::new(&made).map_err(|_| "this is no pattern of file names".to_owned())
}
