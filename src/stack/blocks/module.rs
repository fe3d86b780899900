//! Calls of modules.

use std::sync::Arc;

use super::super::raw::Entry;
use super::super::syntax::{Call, ConfigRef};
use super::fields::Fields;
use crate::words::{Diagnostic, Diagnostics};

/// `[module.NAME]`
pub(super) fn call(entry: &Entry, errors: &mut Diagnostics) -> Option<Call> {
    let mut fields = Fields::of(&entry.value, "module", errors);
    let source = fields.take("source");
    let version = fields.take("version");
    let text = source.and_then(|raw| raw.text().filter(|t| !t.contains("${")).map(|t| (t.clone(), raw.span.clone())));
    let Some((source, source_span)) = text else {
        let at = source.map_or(&entry.at, |raw| &raw.span);
        let error = Diagnostic::error(format!("module `{}` needs a `source`, written out", entry.key)).at(at, "where its files are");
        errors
            .push(error.help("write source = \"./FOLDER\", or a git address such as \"git::https://HOST/REPOSITORY.git//FOLDER?ref=v1\""));
        return None;
    };
    let count = fields.take("count").map(|raw| raw.expr(errors));
    let for_each = fields.take("for_each").map(|raw| raw.expr(errors));
    if let (Some(_), Some(second)) = (&count, &for_each) {
        let error = Diagnostic::error(format!("module `{}` has both `count` and `for_each`", entry.key));
        errors.push(error.at(second.span(), "only one of them can be given"));
    }
    let depends_on = fields.references("depends_on", errors);
    let providers = providers(&mut fields, errors);
    let inputs = fields.rest(&entry.value, errors);
    Some(Call {
        name: entry.key.clone(),
        span: entry.at.clone(),
        source,
        source_span,
        versioned: version.is_some(),
        module: Arc::default(),
        count,
        for_each,
        depends_on,
        providers,
        inputs,
    })
}

/// `providers = { aws = "aws.west" }`
fn providers(fields: &mut Fields<'_>, errors: &mut Diagnostics) -> Option<Vec<(ConfigRef, ConfigRef)>> {
    let raw = fields.take("providers")?;
    let wrong = |what: &str| Diagnostic::error("`providers` says which configuration of each provider a module gets").at(&raw.span, what);
    let Some(names) = raw.names() else {
        errors.push(wrong(raw.kind()).write("write providers = { aws = \"aws.west\" }", "write providers = { aws = aws.west }"));
        return None;
    };
    let mut made = vec![];
    for (inner, outer) in names {
        match outer {
            Some(outer) => made.push((config_ref(&inner), config_ref(&outer))),
            None => errors.push(wrong("no name").write("write providers = { aws = \"aws.west\" }", "write providers = { aws = aws.west }")),
        }
    }
    Some(made)
}

/// `aws` or `aws.west`, perhaps in `${...}`.
pub(super) fn config_ref(text: &str) -> ConfigRef {
    let text = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).unwrap_or(text).trim();
    match text.split_once('.') {
        Some((name, alias)) => (name.into(), Some(alias.into())),
        None => (text.into(), None),
    }
}
