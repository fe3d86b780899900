//! What is sensitive is kept out of what services say: they repeat what they were given.

use super::event::{Event, Listener};
use crate::words::Value;
use crate::words::failure::Failure;
use crate::words::schema::Attr;

/// The texts that nobody shall read.
#[derive(Clone, Default)]
pub(super) struct Hush(Vec<String>);

impl Hush {
    /// All texts in those values that are marked sensitive, or that stand in an attribute which always is.
    pub fn of<'a>(attrs: &[Attr], values: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut secrets = vec![];
        for value in values {
            collect(value, false, &mut secrets);
            attrs.iter().filter(|attr| attr.sensitive).for_each(|attr| collect(value.attr(attr.name), true, &mut secrets));
        }
        // The longest first: one may hold another.
        secrets.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        secrets.dedup();
        Self(secrets)
    }

    /// The text without them.
    pub fn text(&self, text: String) -> String {
        self.0.iter().fold(text, |text, secret| text.replace(secret.as_str(), "(sensitive value)"))
    }

    /// The failure with words that hold none of them.
    pub fn failure(&self, failure: Failure) -> Failure {
        Failure { message: self.text(failure.message), help: self.text(failure.help), ..failure }
    }

    /// Tells that listener what happens, without them.
    pub fn listener<'a>(&'a self, to: &'a dyn Listener) -> impl Listener + 'a {
        Quiet { hush: self, to }
    }
}

struct Quiet<'a> {
    hush: &'a Hush,
    to: &'a dyn Listener,
}

impl Listener for Quiet<'_> {
    fn on(&self, event: Event) {
        self.to.on(match event {
            Event::Retrying { address, failure, after } => Event::Retrying { address, failure: self.hush.failure(failure), after },
            Event::Pending { address, verb, status, since } => Event::Pending { address, verb, status: self.hush.text(status), since },
            other => other,
        });
    }
}

/// All texts and numbers behind a mark that are long enough to be told from ordinary words.
pub(super) fn collect(value: &Value, hidden: bool, secrets: &mut Vec<String>) {
    match value {
        Value::Marked(_, inner) => collect(inner, true, secrets),
        Value::String(text) if hidden && text.len() >= 4 => secrets.push(text.to_string()),
        Value::Number(number) if hidden => secrets.extend(Some(number.to_string()).filter(|text| text.len() >= 4)),
        other => {
            let entries = other.entries().into_iter().flatten().map(|(_, value)| value);
            other.items().iter().chain(entries).for_each(|value| collect(value, hidden, secrets));
        }
    }
}
