//! The texts that are sent: ours, or the user's own, over the same data. Whatever a template writes is escaped for where it goes: a name in
//! AWS can't become a link, a mention or a tag.

use std::sync::Arc;

use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value as Json;

use crate::words::{Diagnostic, Result, Source, Span};

/// The most characters of a value that are told.
const LONGEST: usize = 160;

/// Where a text goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Slack's own kind of Markdown.
    Slack,
    /// A JSON document.
    Json,
    /// Plain text.
    Text,
    /// Plain text and HTML.
    Mail,
    /// GitHub's Markdown.
    Markdown,
}

impl Form {
    /// The templates by name: ours, and what is escaped in them.
    fn parts(self) -> &'static [(&'static str, &'static str, &'static str)] {
        const SUBJECT: &str = "[drift] {{ summary }}";
        const TEXT: &str = include_str!("templates/text.j2");
        match self {
            Self::Slack => &[("text", include_str!("templates/slack.j2"), "slack")],
            Self::Json => &[("text", "{{ all }}", "json")],
            Self::Text => &[("text", TEXT, "text"), ("subject", SUBJECT, "text")],
            Self::Mail => &[("text", TEXT, "text"), ("html", include_str!("templates/mail.html.j2"), "html"), ("subject", SUBJECT, "text")],
            Self::Markdown => &[("text", include_str!("templates/issue.md.j2"), "markdown"), ("subject", "Drift in {{ name }}", "text")],
        }
    }
}

impl Form {
    /// As much of a text as is taken where it goes, whole lines.
    fn fit(self, text: &str) -> String {
        let most = match self {
            Self::Slack => 30_000,
            Self::Markdown => 60_000,
            Self::Text => 200_000,
            Self::Json | Self::Mail => usize::MAX,
        };
        if text.len() <= most {
            return text.to_owned();
        }
        let lines = text.split_inclusive('\n').scan(0, |used, line| {
            *used += line.len();
            (*used <= most).then_some(line)
        });
        format!("{}… and more: `ferroform drift history` has all of it", lines.collect::<String>())
    }
}

/// The texts of a target.
#[derive(Clone, Debug)]
pub(super) struct Texts(Arc<Environment<'static>>, Form);

impl Texts {
    /// Ours, but for those that the user gives: `own` in the order of the parts, the subject by itself with its place.
    pub fn new(form: Form, subject: Option<(String, Option<Span>)>, own: Vec<Option<Arc<Source>>>) -> Result<Self> {
        let mut env = Environment::new();
        env.set_undefined_behavior(UndefinedBehavior::Strict);
        env.set_auto_escape_callback(move |name| {
            let kind = form.parts().iter().find(|(part, ..)| *part == name).map_or("text", |(.., kind)| kind);
            if kind == "html" { AutoEscape::Html } else { AutoEscape::Custom(kind.into()) }
        });
        env.set_formatter(format);
        env.add_filter("code", code);
        env.add_filter("value", value);
        let mut own = own.into_iter();
        for (name, ours, _) in form.parts() {
            let (text, source) = match (*name, &subject) {
                ("subject", Some((text, _))) => (text.clone(), None),
                ("subject", None) => ((*ours).to_owned(), None),
                _ => match own.next().flatten() {
                    Some(source) => (source.text.to_string(), Some(source)),
                    None => ((*ours).to_owned(), None),
                },
            };
            let place = |e: &Error| match (&source, &subject) {
                (Some(source), _) => Some(line(source, e.line().unwrap_or(1))),
                (None, Some((_, span))) if *name == "subject" => span.clone(),
                _ => None,
            };
            let wrong = |e: Error| wrong(&e, place(&e).as_ref());
            env.add_template_owned(*name, text).map_err(wrong)?;
            // What a name is spelled wrong in fails here, not at night.
            let sample = sample();
            let tried = env.get_template(name).and_then(|template| template.render(plain(&sample)));
            tried.map_err(wrong)?;
        }
        Ok(Self(Arc::new(env), form))
    }

    /// A text with those data; none where the form has no such part.
    pub fn render(&self, name: &str, data: &Json) -> std::result::Result<String, String> {
        let text = self.0.get_template(name).and_then(|template| template.render(plain(data)));
        text.map(|text| self.1.fit(text.trim())).map_err(|e| format!("the template: {e}"))
    }

    /// A text on one line.
    pub fn line(&self, name: &str, data: &Json) -> std::result::Result<String, String> {
        Ok(self.render(name, data)?.split(char::is_control).collect::<Vec<_>>().join(" "))
    }
}

/// JSON as templates know it; a number of serde_json's own would become a table.
fn plain(json: &Json) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(yes) => Value::from(*yes),
        Json::Number(n) => n.as_i64().map_or_else(|| n.as_f64().map_or_else(|| Value::from(n.to_string()), Value::from), Value::from),
        Json::String(text) => Value::from(text.as_str()),
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(items) => Value::from_pairs(items.iter().map(|(key, value)| (key.as_str(), plain(value)))),
    }
}

fn wrong(e: &Error, span: Option<&Span>) -> Diagnostic {
    let told = Diagnostic::error("the template is wrong");
    let told = match span {
        Some(span) => told.at(span, why(e)),
        None => told.fact("reason", why(e)),
    };
    told.help("what a template can use stands in docs/drift-notifications.md")
}

fn why(e: &Error) -> String {
    match e.kind() {
        ErrorKind::UndefinedError => "there is no such value".to_owned(),
        kind => e.detail().map_or_else(|| kind.to_string(), |detail| format!("{kind}: {detail}")),
    }
}

fn line(source: &Arc<Source>, number: usize) -> Span {
    let start: usize = source.text.split_inclusive('\n').take(number.saturating_sub(1)).map(str::len).sum();
    let length = source.text[start..].lines().next().unwrap_or_default().trim_end().len();
    Span::new(source, start..start + length)
}

/// What is written is escaped, unless a filter has done it.
fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> std::result::Result<(), Error> {
    let kind = match state.auto_escape() {
        AutoEscape::Custom(kind) if !value.is_safe() => kind.to_string(),
        AutoEscape::Custom(_) => return Ok(write!(out, "{value}")?),
        _ => return minijinja::escape_formatter(out, state, value),
    };
    let text = match kind.as_str() {
        "json" => serde_json::to_string(value).map_err(|e| Error::new(ErrorKind::BadSerialization, e.to_string()))?,
        kind => escaped(&value.to_string(), kind),
    };
    Ok(write!(out, "{text}")?)
}

/// Between two characters that would mean something together.
const JOINER: char = '\u{2060}';

fn escaped(text: &str, kind: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (kind, c) {
            (_, '\n' | '\r' | '\t') => out.push(' '),
            (_, c) if c.is_control() => {}
            ("slack" | "markdown", '&') => out.push_str("&amp;"),
            ("slack" | "markdown", '<') => out.push_str("&lt;"),
            ("slack" | "markdown", '>') => out.push_str("&gt;"),
            ("slack", '`') => out.push('ˋ'),
            // Both make links of addresses by themselves.
            ("slack" | "markdown", ':') if rest.peek() == Some(&'/') => out.extend([c, JOINER]),
            ("slack", '*' | '_' | '~' | '@') => out.extend([c, JOINER]),
            ("markdown", '@' | '#') => out.extend([c, JOINER]),
            ("markdown", c) if c.is_ascii_punctuation() && !matches!(c, '.' | ',' | ':' | '/' | '"' | '\'' | '-' | '=' | '%') => {
                out.extend(['\\', c])
            }
            (_, c) => out.push(c),
        }
    }
    out
}

/// A value as code, in which nothing means anything.
fn code(state: &State<'_, '_>, text: String) -> Value {
    let flat: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    match state.auto_escape() {
        AutoEscape::Custom(kind) if kind == "slack" => {
            let text = flat.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('`', "ˋ");
            Value::from_safe_string(format!("`{}`", if text.trim().is_empty() { " " } else { &text }))
        }
        // Within a table of GitHub's a bar ends the cell even in code.
        AutoEscape::Custom(kind) if kind == "markdown" => {
            let most = flat.split(|c| c != '`').map(str::len).max().unwrap_or(0);
            let fence = "`".repeat(most + 1);
            let pad = if flat.starts_with('`') || flat.ends_with('`') || flat.trim().is_empty() { " " } else { "" };
            Value::from_safe_string(format!("{fence}{pad}{}{pad}{fence}", flat.replace('|', "\\|")))
        }
        _ => Value::from(flat),
    }
}

/// A value in JSON on one line, not too long.
fn value(value: Value) -> String {
    let text = serde_json::to_string(&value).unwrap_or_default();
    match text.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text,
    }
}

/// Something of everything, to try templates on.
fn sample() -> Json {
    let finding = serde_json::json!({
        "address": "aws_security_group.web", "kind": "aws_security_group", "id": "sg-0", "what": "changed", "severity": "high",
        "danger": "opens 22/tcp to 0.0.0.0/0", "attributes": [{ "path": "ingress", "old": [], "new": [{ "from_port": 22 }] }],
        "in_order": "2026-11-21T12:00:00Z", "next": "closes it", "place": { "file": "stack.toml", "line": 3 },
        "by": { "event": "AuthorizeSecurityGroupIngress", "principal": "alice", "through": "console", "at": "2026-11-21T12:30:00Z" },
    });
    super::message::complete(serde_json::json!({
        "version": 1, "delivery": "0", "attempt": 1, "repeated": false, "at": "2026-11-21T13:00:00Z", "stack": "stacks/web",
        "workspace": "default", "account": "123456789012", "name": "stacks/web", "summary": "stacks/web: 1 new finding",
        "found": [finding], "still": [finding], "resolved": [finding], "open": [finding],
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVIL: &str = "<!channel> <https://evil.test|x> `*b*` @ops #1 [a](http://evil.test) <script>alert(1)</script> |\n# h";

    fn shown(form: Form, template: &str) -> String {
        let texts = Texts::new(form, None, vec![Some(Source::new("own.j2", template))]).unwrap();
        let mut data = sample();
        data["stack"] = EVIL.into();
        texts.render("text", &data).unwrap()
    }

    #[test]
    fn nothing_from_aws_becomes_markup() {
        let slack = shown(Form::Slack, "{{ stack }} {{ stack | code }}");
        assert!(!slack.contains('<') && !slack.contains('>') && !slack.contains('\n'), "{slack}");
        assert_eq!(slack.matches('`').count(), 2, "{slack}");
        let markdown = shown(Form::Markdown, "{{ stack }}");
        let html = |text: &str| {
            let mut out = String::new();
            pulldown_cmark::html::push_html(&mut out, pulldown_cmark::Parser::new_ext(text, pulldown_cmark::Options::all()));
            out
        };
        for text in [&markdown, &shown(Form::Markdown, "{{ stack | code }}")] {
            let html = html(text);
            assert!(!html.contains("<a") && !html.contains("<script") && !html.contains("<em>") && !html.contains("<h1"), "{html}");
        }
        assert!(!markdown.contains("@o") && !markdown.contains("#1"), "{markdown}");
        assert_eq!(shown(Form::Text, "{{ stack }}").lines().count(), 1);
        let json: Json = serde_json::from_str(&shown(Form::Json, "{\"a\": {{ stack }}}")).unwrap();
        assert_eq!(json["a"], EVIL);
        let mail = Texts::new(Form::Mail, None, vec![None, None]).unwrap();
        let mut data = sample();
        data["found"][0]["address"] = EVIL.into();
        let html = mail.render("html", &data).unwrap();
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script"), "{html}");
    }

    #[test]
    fn a_wrong_template_is_told_with_its_place() {
        for (text, place, words) in [
            ("fine\n{{ sumary }}", "own.j2:2:1", "no such value"),
            ("{% if %}", "own.j2:1:1", "syntax error"),
            ("a\nb\n{{ summary | shout }}", "own.j2:3:1", "unknown filter"),
        ] {
            let told = Texts::new(Form::Slack, None, vec![Some(Source::new("own.j2", text))]).unwrap_err().to_string();
            assert!(told.contains(place) && told.contains(words), "{told}");
        }
    }

    #[test]
    fn ours_say_what_matters() {
        let of = |form: Form, own: usize| Texts::new(form, None, vec![None; own]).unwrap().render("text", &sample()).unwrap();
        insta::assert_snapshot!(of(Form::Slack, 1), @r#"
        *stacks/web: 1 new finding*
        • *HIGH* `aws_security_group.web` changed: `opens 22/tcp to 0.0.0.0/0`
            `ingress` `[]` → `[{"from_port":22}]`
            by `alice` through `console`, `AuthorizeSecurityGroupIngress` at 2026-11-21T12:30:00Z
            the next apply: `closes it`
        • *HIGH* `aws_security_group.web` changed: `opens 22/tcp to 0.0.0.0/0`
            `ingress` `[]` → `[{"from_port":22}]`
            by `alice` through `console`, `AuthorizeSecurityGroupIngress` at 2026-11-21T12:30:00Z
            the next apply: `closes it`
        • in order again: `aws_security_group.web`
        "#);
        insta::assert_snapshot!(of(Form::Text, 1), @r#"
        stacks/web: 1 new finding
        account 123456789012

        HIGH  aws_security_group.web  changed: opens 22/tcp to 0.0.0.0/0
          id           sg-0
          ingress: [] -> [{"from_port":22}]
          by           alice through console, AuthorizeSecurityGroupIngress at 2026-11-21T12:30:00Z
          in order at  2026-11-21T12:00:00Z
          next apply   closes it

        HIGH  aws_security_group.web  changed: opens 22/tcp to 0.0.0.0/0
          id           sg-0
          ingress: [] -> [{"from_port":22}]
          by           alice through console, AuthorizeSecurityGroupIngress at 2026-11-21T12:30:00Z
          in order at  2026-11-21T12:00:00Z
          next apply   closes it

        in order again  aws_security_group.web
        "#);
        insta::assert_snapshot!(of(Form::Markdown, 1), @r#"
        1 of the resources of `stacks/web` is not as the stack has it (account `123456789012`).

        | severity | resource | what | by | next apply |
        |---|---|---|---|---|
        | **high** | `aws_security_group.web`<br>`sg-0` | changed: opens 22/tcp to 0.0.0.0/0<br>`ingress`: `[]` → `[{"from_port":22}]` | alice, `AuthorizeSecurityGroupIngress`, 2026-11-21T12:30:00Z | closes it |
        "#);
    }
}
