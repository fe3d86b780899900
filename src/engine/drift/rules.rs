//! The rules of a stack that say which drift to leave alone.

use globset::GlobMatcher;
use jiff::civil::Date;

use crate::stack::DriftRule;
use crate::words::Address;
use crate::words::drift::{Finding, Ignored};

/// The rules of a stack on a day.
pub struct Rules<'a> {
    rules: &'a [DriftRule],
    today: Date,
}

/// Whether a pattern matches the address, that of its block, or that of a module around it.
fn meets(pattern: &GlobMatcher, address: &Address) -> bool {
    let around = (1..=address.module.len()).map(|n| address.module.iter().take(n).cloned().collect::<crate::words::ModulePath>());
    let modules = around.flat_map(|path| [path.to_string(), path.config().to_string()]);
    let texts = [address.to_string(), address.block().to_string(), address.config().to_string()];
    texts.into_iter().chain(modules).any(|text| pattern.is_match(text))
}

/// Whether one of the patterns matches the path of an attribute, or a part of it from the left: `tags` means `tags.Owner`, too.
fn covers(patterns: &[GlobMatcher], path: &str) -> bool {
    let ends = path.char_indices().filter(|(_, c)| matches!(c, '.' | '[')).map(|(at, _)| at).chain([path.len()]);
    ends.into_iter().any(|end| patterns.iter().any(|pattern| pattern.is_match(&path[..end])))
}

impl<'a> Rules<'a> {
    /// The rules of a stack as they hold on a day.
    #[must_use]
    pub const fn new(rules: &'a [DriftRule], today: Date) -> Self {
        Self { rules, today }
    }

    fn hold(&self) -> impl Iterator<Item = &'a DriftRule> {
        let today = self.today;
        self.rules.iter().filter(move |rule| rule.expires.is_none_or(|last| today <= last))
    }

    /// What should be told of the rules themselves: those that no longer hold, and those that mean nothing that there is.
    pub fn notes<'r>(&self, addresses: impl Iterator<Item = &'r Address> + Clone) -> Vec<String> {
        let note = |rule: &DriftRule| match rule.expires {
            Some(last) if self.today > last => {
                Some(format!("the rule at {} expired on {last} and hides nothing any more: {}", rule.span, rule.reason))
            }
            _ if !addresses.clone().any(|address| meets(&rule.address, address)) => {
                Some(format!("the rule at {} means nothing that the state holds: `{}`", rule.span, rule.address.glob()))
            }
            _ => None,
        };
        self.rules.iter().filter_map(note).collect()
    }

    /// Takes from a finding what a rule says to leave alone; what is left of it, and what was taken.
    #[must_use]
    pub fn apply(&self, address: &Address, finding: Finding) -> (Option<Finding>, Vec<Ignored>) {
        let mut left = finding;
        let mut ignored = vec![];
        for rule in self.hold().filter(|rule| meets(&rule.address, address)) {
            if rule.attributes.is_empty() {
                ignored.push(Ignored { finding: left, reason: rule.reason.clone() });
                return (None, ignored);
            }
            match leave(left, &rule.reason, |path| covers(&rule.attributes, path)) {
                (Some(rest), taken) => {
                    left = rest;
                    ignored.extend(taken);
                }
                (None, taken) => {
                    ignored.extend(taken);
                    return (None, ignored);
                }
            }
        }
        (Some(left), ignored)
    }
}

/// Takes the attributes that are to be left alone out of a finding of changes.
#[must_use]
pub fn leave(mut finding: Finding, reason: &str, left_alone: impl Fn(&str) -> bool) -> (Option<Finding>, Option<Ignored>) {
    let (taken, rest): (Vec<_>, Vec<_>) = finding.attributes.into_iter().partition(|d| left_alone(&d.path));
    if taken.is_empty() {
        finding.attributes = rest;
        return (Some(finding), None);
    }
    finding.attributes = taken;
    let left = (!rest.is_empty()).then(|| Finding { attributes: rest, ..finding.clone() });
    (left, Some(Ignored { finding, reason: reason.to_owned() }))
}
