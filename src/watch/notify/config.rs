//! Who is to be told, from the `[[notify]]` tables of a file.

use std::path::Path;
use std::sync::Arc;

use super::fields::{Environment, Secrets as _};
use super::secret::Origin;
use super::template::{Form, Texts};
use super::{Email, GitHub, Target, Tls, Way};
use crate::watch::history::Rule;
use crate::words::drift::Severity;
use crate::words::fields::{self, Fields};
use crate::words::{Diagnostic, Diagnostics, Result, Source, Span};

/// What a target may be.
const KINDS: &[(&str, Kind)] =
    &[("slack", Kind::Slack), ("webhook", Kind::Webhook), ("sns", Kind::Sns), ("email", Kind::Email), ("github", Kind::GitHub)];
const SEVERITIES: &[(&str, Severity)] = &[("low", Severity::Low), ("medium", Severity::Medium), ("high", Severity::High)];
const TLS: &[(&str, Tls)] = &[("starttls", Tls::Upgraded), ("tls", Tls::Wrapped), ("none", Tls::Plain)];

#[derive(Clone, Copy)]
enum Kind {
    Slack,
    Webhook,
    Sns,
    Email,
    GitHub,
}

/// The targets of a file; templates are looked for from `folder`.
pub fn load(source: &Arc<Source>, folder: &Path, env: Environment<'_>) -> Result<Vec<Target>> {
    let table = fields::parse(source)?;
    let mut errors = Diagnostics::default();
    let mut file = Fields::of_file(source, &table);
    let mut targets: Vec<Target> = vec![];
    for table in file.tables("notify", "target", &mut errors) {
        let Some((target, head)) = target(table, folder, env, &mut errors) else { continue };
        if targets.iter().any(|other| other.rule.target == target.rule.target) {
            let error = Diagnostic::error(format!("two targets are called \"{}\"", target.rule.target)).at(&head, "the second one");
            errors.push(error.help("the history knows them by name: give each a `name` of its own, and keep it"));
        }
        targets.push(target);
    }
    file.done(&mut errors);
    errors.unless_errors(targets)
}

fn target(mut fields: Fields<'_>, folder: &Path, env: Environment<'_>, errors: &mut Diagnostics) -> Option<(Target, Span)> {
    let known = errors.0.len();
    let Some(kind) = fields.one_of("kind", KINDS, errors) else {
        if errors.0.len() == known {
            errors.push(fields.missing("kind", "\"slack\"").help("kinds: slack, webhook, sns, email, github"));
        }
        return None;
    };
    let word = KINDS.iter().find(|(_, other)| std::mem::discriminant(other) == std::mem::discriminant(&kind)).map_or("", |(word, _)| word);
    let name = fields.text("name", errors).unwrap_or_else(|| word.to_owned());
    fields.call(format!("the target \"{name}\""));
    let severity = fields.one_of("severity", SEVERITIES, errors).unwrap_or(Severity::Low);
    let resolved = fields.flag("resolved", true, errors);
    let way = match kind {
        Kind::Slack => {
            let url = fields.secret("url", false, env, errors);
            if url.is_none() && errors.0.len() == known {
                errors.push(fields.missing("url", "{ env = \"SLACK_WEBHOOK_URL\" }"));
            }
            let text = texts(&mut fields, Form::Slack, None, &["template"], folder, errors);
            Way::Slack { url: checked(url?, &fields, errors)?, text: text? }
        }
        Kind::Webhook => {
            let url = fields.secret("url", true, env, errors);
            if url.is_none() && errors.0.len() == known {
                errors.push(fields.missing("url", "\"https://...\""));
            }
            let secret = fields.secret("secret", false, env, errors);
            let text = texts(&mut fields, Form::Json, None, &["template"], folder, errors);
            Way::Webhook { url: checked(url?, &fields, errors)?, secret, text: text? }
        }
        Kind::Sns => {
            let topic = fields.needed("topic", "\"arn:aws:sns:REGION:ACCOUNT:NAME\"", errors);
            if !topic.is_empty()
                && !(topic.starts_with("arn:") && topic.split(':').count() == 6)
                && let Some(value) = fields.get("topic")
            {
                let error = Diagnostic::error(format!("`{topic}` is no ARN of a topic")).at(&fields.span(value), "");
                errors.push(error.help("it looks like `arn:aws:sns:us-east-1:123456789012:drift`"));
            }
            Way::Sns { topic, text: texts(&mut fields, Form::Text, Some("subject"), &["template"], folder, errors)? }
        }
        Kind::Email => email(&mut fields, folder, env, errors)?,
        Kind::GitHub => github(&mut fields, folder, env, errors)?,
    };
    let head = fields.head().clone();
    fields.done(errors);
    Some((Target { rule: Rule { target: name, severity, resolved }, way }, head))
}

/// What is sent, with the user's own templates where there are any.
fn texts(
    fields: &mut Fields<'_>,
    form: Form,
    subject: Option<&'static str>,
    files: &[&'static str],
    folder: &Path,
    errors: &mut Diagnostics,
) -> Option<Texts> {
    let subject = subject.and_then(|key| {
        let text = fields.text(key, errors)?;
        let span = fields.get(key).map(|value| fields.span(value));
        Some((text, span))
    });
    let known = errors.0.len();
    let mut own = vec![];
    for key in files {
        let path = fields.text(key, errors).map(|name| folder.join(name));
        let source = path.map(|path| match std::fs::read_to_string(&path) {
            Ok(text) => Some(Source::new(path.display().to_string(), text)),
            Err(e) => {
                let span = fields.get(key).map(|value| fields.span(value));
                let error = Diagnostic::error(format!("can't read the template `{}`: {e}", path.display())).or_at(span.as_ref());
                errors.push(error.help("its path is taken from the folder of this file"));
                None
            }
        });
        own.push(source.flatten());
    }
    if errors.0.len() > known {
        return None;
    }
    errors.keep(Texts::new(form, subject, own))
}

/// A URL that can be called; one from Secrets Manager shows when it is called.
fn checked(url: Origin, fields: &Fields<'_>, errors: &mut Diagnostics) -> Option<Origin> {
    let Origin::Known(text) = &url else { return Some(url) };
    let good = reqwest::Url::parse(text.expose()).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if !good {
        let error = Diagnostic::error("`url` is no address that can be called").at(fields.head(), "");
        errors.push(error.help("it begins with https:// and is not shown here, since it may be a secret"));
    }
    good.then_some(url)
}

fn email(fields: &mut Fields<'_>, folder: &Path, env: Environment<'_>, errors: &mut Diagnostics) -> Option<Way> {
    let known = errors.0.len();
    let server = fields.needed("server", "\"smtp.example.org\"", errors);
    let tls = fields.one_of("tls", TLS, errors).unwrap_or(Tls::Upgraded);
    let (host, port) = match server.rsplit_once(':') {
        Some((host, port)) => (host.to_owned(), port.parse::<u16>().ok()),
        None => (server.clone(), Some(tls.port())),
    };
    if port.is_none() {
        let error = Diagnostic::error(format!("`{server}` has no number for its port"))
            .or_at(fields.get("server").map(|v| fields.span(v)).as_ref());
        errors.push(error.help("write it like \"smtp.example.org:587\""));
    }
    let user = fields.text("user", errors);
    let password = fields.secret("password", false, env, errors);
    if errors.0.len() == known && user.is_some() != password.is_some() {
        let (there, missing, example) =
            if user.is_some() { ("user", "password", "{ env = \"SMTP_PASSWORD\" }") } else { ("password", "user", "\"name\"") };
        errors.push(fields.missing(missing, example).help(format!("`{there}` is there: a server wants both or none")));
    }
    let near = matches!(host.as_str(), "localhost" | "127.0.0.1" | "[::1]");
    if tls == Tls::Plain && password.is_some() && !near {
        let span = fields.get("tls").map(|value| fields.span(value));
        let error = Diagnostic::error("the password would go over the network unencrypted").or_at(span.as_ref());
        errors.push(error.help("use `tls = \"starttls\"` or `tls = \"tls\"`"));
    }
    let sender = fields.needed("from", "\"Ferroform <drift@example.org>\"", errors);
    let from = address(&sender, "from", fields, errors);
    let receivers = fields.texts("to", errors);
    if receivers.is_empty() && errors.0.len() == known {
        errors.push(fields.missing("to", "[\"ops@example.org\"]"));
    }
    let to: Vec<_> = receivers.iter().filter_map(|to| address(to, "to", fields, errors)).collect();
    let text = texts(fields, Form::Mail, Some("subject"), &["template", "html_template"], folder, errors);
    let login = user.zip(password);
    Some(Way::Email(Email { host, port: port?, tls, login, from: from?, to, text: text? }))
}

fn address(text: &str, key: &'static str, fields: &mut Fields<'_>, errors: &mut Diagnostics) -> Option<lettre::message::Mailbox> {
    let parsed = text.parse().ok();
    if parsed.is_none() && !text.is_empty() {
        let span = fields.get(key).map(|value| fields.span(value));
        errors.push(Diagnostic::error(format!("`{text}` is no mail address")).or_at(span.as_ref()));
    }
    parsed
}

fn github(fields: &mut Fields<'_>, folder: &Path, env: Environment<'_>, errors: &mut Diagnostics) -> Option<Way> {
    let known = errors.0.len();
    let repository = fields.needed("repository", "\"owner/name\"", errors);
    let parts = repository.split_once('/').filter(|(owner, name)| !owner.is_empty() && !name.is_empty() && !name.contains('/'));
    if parts.is_none() && errors.0.len() == known {
        let span = fields.get("repository").map(|value| fields.span(value));
        errors.push(Diagnostic::error(format!("`{repository}` is no repository")).or_at(span.as_ref()).help("write it as `owner/name`"));
    }
    let token = fields.secret("token", false, env, errors);
    if token.is_none() && errors.0.len() == known {
        errors.push(fields.missing("token", "{ env = \"GITHUB_TOKEN\" }"));
    }
    let labels = fields.texts("labels", errors);
    let api = fields.text("api", errors).unwrap_or_else(|| "https://api.github.com".to_owned());
    let text = texts(fields, Form::Markdown, Some("title"), &["template"], folder, errors);
    let (owner, name) = parts?;
    Some(Way::GitHub(GitHub { owner: owner.to_owned(), name: name.to_owned(), token: token?, labels, api, text: text? }))
}
