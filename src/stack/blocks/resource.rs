//! Resources and data sources.

use super::super::raw::{Raw, RawKind};
use super::super::syntax::{Block, Ignore, Lifecycle};
use super::dynamic;
use super::fields::Fields;
use super::module::config_ref;
use crate::words::{Address, Diagnostic, Diagnostics, Mode, Span};

pub(super) fn resource(address: Address, span: Span, value: &Raw, errors: &mut Diagnostics) -> Block {
    let mut fields = Fields::of(value, "resource", errors);
    let expr = |raw: Option<&Raw>, errors: &mut Diagnostics| raw.map(|r| r.expr(errors));
    let count = expr(fields.take("count"), errors);
    let for_each = expr(fields.take("for_each"), errors);
    if let (Some(_), Some(second)) = (&count, &for_each) {
        errors.push(
            Diagnostic::error(format!("`{address}` has both `count` and `for_each`")).at(second.span(), "only one of them can be given"),
        );
    }
    let depends_on = fields.references("depends_on", errors);
    let provider = fields.name("provider", errors).map(|text| config_ref(&text));
    let lifecycle = fields.take("lifecycle").map_or_else(Lifecycle::default, |raw| lifecycle(raw, errors));
    let timeouts = if address.mode == Mode::Managed { expr(fields.take("timeouts"), errors) } else { None };
    for word in ["provisioner", "connection"] {
        if let Some(raw) = fields.take(word) {
            errors.push(
                Diagnostic::error(format!("`{word}` is not supported"))
                    .at(&raw.span, "not supported")
                    .help("use `user_data`, or run what is needed after apply"),
            );
        }
    }
    let body = dynamic::body(&fields.entries, &value.span, errors);
    Block { address, span, count, for_each, depends_on, provider, lifecycle, of_check: None, timeouts, body }
}

fn lifecycle(raw: &Raw, errors: &mut Diagnostics) -> Lifecycle {
    let mut fields = Fields::of(raw, "lifecycle", errors);
    let made = Lifecycle {
        create_before_destroy: fields.flag("create_before_destroy", errors),
        prevent_destroy: fields.flag("prevent_destroy", errors).unwrap_or(false),
        adopt: fields.flag("adopt", errors),
        ignore_changes: fields.take("ignore_changes").map_or(Ignore::None, |raw| ignore(raw, errors)),
        replace_triggered_by: fields.references("replace_triggered_by", errors),
        preconditions: fields.conditions("precondition", errors),
        postconditions: fields.conditions("postcondition", errors),
    };
    fields.done(errors);
    made
}

fn ignore(raw: &Raw, errors: &mut Diagnostics) -> Ignore {
    match &raw.kind {
        _ if raw.name().as_deref() == Some("all") => Ignore::All,
        RawKind::List(items) => {
            let mut paths = vec![];
            for item in items {
                match item.name() {
                    Some(text) => paths.push(text.replace("[\"", ".").replace("\"]", "").replace('[', ".").replace(']', "")),
                    None => errors
                        .push(Diagnostic::error("`ignore_changes` names attributes").at(&item.span, format!("this is {}", item.kind()))),
                }
            }
            Ignore::Paths(paths)
        }
        _ => {
            errors.push(
                Diagnostic::error("`ignore_changes` is a list of attributes, or \"all\"").at(&raw.span, format!("this is {}", raw.kind())),
            );
            Ignore::None
        }
    }
}
