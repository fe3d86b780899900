//! `[[drift.ignore]]`: which drift is left alone.

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use super::super::raw::{Raw, RawKind};
use super::super::syntax::DriftRule;
use super::fields::Fields;
use crate::words::{Diagnostic, Diagnostics};

/// The rules of a `drift` table.
pub(super) fn rules(value: &Raw, rules: &mut Vec<DriftRule>, errors: &mut Diagnostics) {
    let mut fields = Fields::of(value, "drift", errors);
    let ignore = fields.take("ignore");
    fields.done(errors);
    let each: Vec<&Raw> = match ignore.map(|raw| (raw, &raw.kind)) {
        Some((_, RawKind::List(items))) => items.iter().collect(),
        Some((raw, _)) => vec![raw],
        None => vec![],
    };
    rules.extend(each.into_iter().filter_map(|raw| rule(raw, errors)));
}

fn rule(raw: &Raw, errors: &mut Diagnostics) -> Option<DriftRule> {
    let mut fields = Fields::of(raw, "drift.ignore", errors);
    let (address, attributes) = (fields.take("address"), fields.take("attributes"));
    let (reason, expires) = (fields.text("reason", errors), fields.take("expires"));
    fields.done(errors);
    let mut missing = |name: &str, why: &str| errors.push(Diagnostic::error(format!("`drift.ignore` has no `{name}`")).at(&raw.span, why));
    if address.is_none() {
        missing("address", "say of which resources: address = \"aws_instance.web\", or a pattern such as \"aws_autoscaling_*.*\"");
    }
    let reason = reason.filter(|text| !text.trim().is_empty());
    if reason.is_none() {
        missing("reason", "say why, for whoever reads it next: reason = \"...\"");
    }
    let address = pattern(address?, "address", errors);
    let attributes: Vec<Option<GlobMatcher>> = match attributes.map(|raw| (raw, &raw.kind)) {
        Some((_, RawKind::List(items))) => items.iter().map(|item| pattern(item, "attributes", errors)).collect(),
        Some((raw, _)) => vec![pattern(raw, "attributes", errors)],
        None => vec![],
    };
    let expires = match expires {
        Some(raw) => Some(date(raw, errors)?),
        None => None,
    };
    let attributes = attributes.into_iter().collect::<Option<_>>()?;
    Some(DriftRule { address: address?, attributes, reason: reason?.trim().to_owned(), expires, span: raw.span.clone() })
}

/// A pattern; brackets behind which a key or a number stands are those of an instance, not a choice of characters.
fn pattern(raw: &Raw, name: &str, errors: &mut Diagnostics) -> Option<GlobMatcher> {
    let Some(text) = raw.name() else {
        errors.push(Diagnostic::error(format!("`{name}` is a pattern")).at(&raw.span, format!("this is {}", raw.kind())));
        return None;
    };
    match Glob::new(&literal_keys(&text)) {
        Ok(glob) => Some(glob.compile_matcher()),
        Err(why) => {
            let error = Diagnostic::error(format!("`{text}` is no pattern: {}", why.kind())).at(&raw.span, "can't be read");
            errors.push(error.help("`*` stands for anything, `?` for one character, `{a,b}` for either, `[ab]` for one of these"));
            None
        }
    }
}

/// `web["a"]`, `web[0]` and `web[*]` with their brackets and quotes taken as they are.
fn literal_keys(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let inside = from[1..].split(']').next().unwrap_or_default();
        let key = from[1..].contains(']')
            && (inside.starts_with('"') || inside == "*" || (!inside.is_empty() && inside.bytes().all(|b| b.is_ascii_digit())));
        if key {
            out.push_str(&format!("[[]{inside}[]]"));
            rest = &from[inside.len() + 2..];
        } else {
            out.push('[');
            rest = &from[1..];
        }
    }
    out + rest
}

fn date(raw: &Raw, errors: &mut Diagnostics) -> Option<Date> {
    let text = raw.text().map_or("", |text| text);
    let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
    if date.is_none() {
        let error = Diagnostic::error("`expires` is a date").at(&raw.span, "no date, or none that the calendar has");
        errors.push(error.help("write the last day on which the rule holds: expires = 2027-01-31"));
    }
    date
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_instances_are_no_choices() {
        for (pattern, address, matches) in [
            ("aws_instance.web[\"a\"]", "aws_instance.web[\"a\"]", true),
            ("aws_instance.web[*]", "aws_instance.web[\"a.b\"]", true),
            ("aws_instance.web[1]", "aws_instance.web[1]", true),
            ("aws_instance.web[1]", "aws_instance.web1", false),
            ("aws_instance.we[bc]", "aws_instance.web", true),
            ("aws_{instance,eip}.*", "aws_eip.web", true),
            ("module.*.aws_eip.web", "module.a.module.b.aws_eip.web", true),
        ] {
            let glob = Glob::new(&literal_keys(pattern)).unwrap().compile_matcher();
            assert_eq!(glob.is_match(address), matches, "{pattern} and {address}");
        }
    }
}
