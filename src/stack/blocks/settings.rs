//! The `terraform` block: what a configuration asks of the program that runs it.

use super::super::raw::{Raw, RawKind};
use super::super::syntax::{ConfigRef, Required};
use super::fields::Fields;
use super::module::config_ref;
use crate::words::error::nearest;
use crate::words::{Diagnostic, Diagnostics};

/// The version of Terraform whose language this is.
const VERSION: [u64; 3] = [1, 11, 4];

/// Checks what can be checked, and gives the path of a local backend; the providers that are asked for go to `required`.
pub(super) fn settings(raw: &Raw, required: &mut Vec<Required>, errors: &mut Diagnostics) -> Option<std::path::PathBuf> {
    let mut fields = Fields::of(raw, "terraform", errors);
    if let Some(raw) = fields.take("required_version") {
        required_version(raw, errors);
    }
    if let Some(raw) = fields.take("required_providers") {
        required.extend(required_providers(raw, errors));
    }
    let path = fields.take("backend").and_then(|raw| backend(raw, errors));
    if let Some(raw) = fields.take("cloud") {
        let error = Diagnostic::error("HCP Terraform can't keep the state").at(&raw.span, "not supported");
        errors.push(error.help("take the block away: the state is then kept in a file"));
    }
    // Of no meaning here: experiments of Terraform, and what providers are told about the module.
    for word in ["experiments", "provider_meta", "language"] {
        fields.take(word);
    }
    fields.done(errors);
    path
}

fn required_version(raw: &Raw, errors: &mut Diagnostics) {
    let Some(text) = raw.text() else {
        errors.push(Diagnostic::error("`required_version` is a text").at(&raw.span, "write \">= 1.5\" or so"));
        return;
    };
    match allows(text, VERSION) {
        Ok(true) => {}
        Ok(false) => {
            let error = Diagnostic::error(format!("the stack asks for Terraform {text}, and this is the language of 1.11.4"));
            errors.push(error.at(&raw.span, "not met").help("change the constraint if the stack needs nothing newer"));
        }
        Err(part) => errors.push(no_constraint(&part, raw)),
    }
}

fn no_constraint(part: &str, raw: &Raw) -> Diagnostic {
    let error = Diagnostic::error(format!("`{part}` is no version constraint")).at(&raw.span, "can't be read");
    error.help("constraints look like \">= 1.5\", \"~> 5.0\" or \">= 1.2, < 2.0\"")
}

fn required_providers(raw: &Raw, errors: &mut Diagnostics) -> Vec<Required> {
    let RawKind::Table(providers) = &raw.kind else {
        let error = Diagnostic::error("`required_providers` is a table").at(&raw.span, raw.kind());
        errors.push(error.help("write required_providers = { aws = { source = \"hashicorp/aws\", version = \"~> 5.0\" } }"));
        return vec![];
    };
    let mut found = vec![];
    for provider in providers {
        let mut required = Required { name: provider.key.clone(), version: None, aliases: vec![], span: provider.at.clone() };
        // A version alone, as Terraform had it once.
        let version = if provider.value.text().is_some() {
            Some(&provider.value)
        } else {
            let mut fields = Fields::of(&provider.value, "required_providers", errors);
            fields.text("source", errors);
            if let Some(raw) = fields.take("configuration_aliases") {
                required.aliases = aliases(raw, &provider.key, errors);
            }
            let version = fields.take("version");
            fields.done(errors);
            version
        };
        match version.map(|raw| (raw, raw.text())) {
            Some((raw, Some(text))) => match allows(text, VERSION) {
                Ok(_) => required.version = Some((text.clone(), raw.span.clone())),
                Err(part) => errors.push(no_constraint(&part, raw)),
            },
            Some((raw, None)) => errors.push(Diagnostic::error("`version` is a text").at(&raw.span, raw.kind())),
            None => {}
        }
        found.push(required);
    }
    found
}

/// `configuration_aliases = [aws.west]`
fn aliases(raw: &Raw, provider: &str, errors: &mut Diagnostics) -> Vec<ConfigRef> {
    let RawKind::List(items) = &raw.kind else {
        let error = Diagnostic::error("`configuration_aliases` is a list of configurations").at(&raw.span, raw.kind());
        let (toml, tf) = (format!("write [\"{provider}.west\"] or so"), format!("write [{provider}.west] or so"));
        errors.push(error.write(toml, tf));
        return vec![];
    };
    let mut found = vec![];
    for item in items {
        match item.name().map(|text| config_ref(&text)).filter(|(name, alias)| &**name == provider && alias.is_some()) {
            Some(alias) => found.push(alias),
            None => {
                let error = Diagnostic::error(format!("this is no configuration of `{provider}`")).at(&item.span, item.kind());
                errors.push(error.write(format!("write \"{provider}.ALIAS\""), format!("write {provider}.ALIAS")));
            }
        }
    }
    found
}

/// Backends that Terraform has.
const BACKENDS: &[&str] = &["local", "azurerm", "consul", "cos", "gcs", "http", "kubernetes", "oss", "pg", "remote", "s3"];

fn backend(raw: &Raw, errors: &mut Diagnostics) -> Option<std::path::PathBuf> {
    let RawKind::Table(all) = &raw.kind else {
        let error = Diagnostic::error("`backend` names where the state is kept").at(&raw.span, raw.kind());
        errors.push(error.write(
            "write backend = { local = { path = \"terraform.tfstate\" } }, or nothing",
            "write backend \"local\" { path = \"terraform.tfstate\" }, or nothing",
        ));
        return None;
    };
    let entry = all.first()?;
    if &*entry.key != "local" {
        let near = nearest(&entry.key, BACKENDS.iter().copied()).filter(|near| *near != &*entry.key);
        let known = BACKENDS.contains(&&*entry.key);
        let what = if known { "is not supported yet" } else { "does not exist" };
        let error = Diagnostic::error(format!("the backend `{}` {what}", entry.key));
        let error = error.at(&entry.at, near.map_or_else(|| "not supported".into(), |near| format!("did you mean `{near}`?")));
        errors.push(error.write(
            "take it away, or write backend = { local = {} }: the state is then kept in a file",
            "take it away, or write backend \"local\" {}: the state is then kept in a file",
        ));
        return None;
    }
    let mut fields = Fields::of(&entry.value, "backend.local", errors);
    let path = fields.text("path", errors);
    fields.text("workspace_dir", errors);
    fields.done(errors);
    Some(path.map_or_else(|| "terraform.tfstate".into(), |path| path.to_string().into()))
}

/// Whether constraints such as `>= 1.2, < 2.0` allow a version; the part that can't be read otherwise.
pub(in crate::stack) fn allows(text: &str, version: [u64; 3]) -> Result<bool, String> {
    let mut all = true;
    for part in text.split(',') {
        let part = part.trim();
        let digits = part.find(|c: char| c.is_ascii_digit()).ok_or(part)?;
        let (operator, number) = part.split_at(digits);
        // What follows `-` or `+` tells of builds before a release.
        let number = number.split(['-', '+']).next().unwrap_or_default();
        let given: Vec<u64> = number.split('.').map(|n| n.trim().parse().map_err(|_| part)).collect::<Result<_, _>>()?;
        if given.len() > 3 {
            return Err(part.to_owned());
        }
        let mut wanted = [0; 3];
        wanted[..given.len()].copy_from_slice(&given);
        all &= match operator.trim() {
            "" | "=" => version == wanted,
            "!=" => version != wanted,
            ">" => version > wanted,
            ">=" => version >= wanted,
            "<" => version < wanted,
            "<=" => version <= wanted,
            // All but the last number stay.
            "~>" => version >= wanted && version[..given.len().saturating_sub(1).max(1)] == wanted[..given.len().saturating_sub(1).max(1)],
            _ => return Err(part.to_owned()),
        };
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constraints_allow_versions() {
        for (text, wanted) in [
            (">= 1.5", true),
            ("~> 1.9", true),
            ("~> 1.11.0", true),
            ("~> 1.10.0", false),
            (">= 1.2, < 1.11", false),
            ("= 1.11.4", true),
            ("1.11.4", true),
            ("!= 1.11.4", false),
            ("> 1.11.4", false),
            ("~> 1", true),
        ] {
            assert_eq!(allows(text, VERSION), Ok(wanted), "{text}");
        }
        for text in ["", ">=", "newest", ">> 1.0", "1.2.3.4", "1.x"] {
            assert!(allows(text, VERSION).is_err(), "{text}");
        }
    }
}
