//! `moved`, `removed` and `import`: what becomes of things that the state holds, or does not hold yet.

use super::super::expr::Expr;
use super::super::lower;
use super::super::raw::{Entry, Raw, RawKind};
use super::super::syntax::{Import, Moved, Removed};
use super::fields::Fields;
use super::module::config_ref;
use crate::words::{Diagnostic, Diagnostics, Key, Selection};

/// Each of `[[word]]`, or the only `[word]`.
pub(super) fn each(entry: &Entry) -> Vec<&Raw> {
    match &entry.value.kind {
        RawKind::List(items) => items.iter().collect(),
        _ => vec![&entry.value],
    }
}

/// The address that a text spells, perhaps in `${...}`.
fn address(raw: Option<&Raw>, name: &str, within: &Raw, errors: &mut Diagnostics) -> Option<Selection> {
    let Some(raw) = raw else {
        errors.push(Diagnostic::error(format!("`{name}` is missing")).at(&within.span, format!("needs `{name}`, an address")));
        return None;
    };
    let Some(text) = raw.name() else {
        let error = Diagnostic::error(format!("`{name}` is the address of a resource or module"));
        errors.push(
            error
                .at(&raw.span, format!("this is {}", raw.kind()))
                .write("write \"TYPE.NAME\" or \"module.NAME\"", "write TYPE.NAME or module.NAME"),
        );
        return None;
    };
    let text = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).unwrap_or(&text).trim();
    match text.parse() {
        Ok(address) => Some(address),
        Err(why) => {
            errors.push(Diagnostic::error(why.to_string()).at(&raw.span, "should be an address"));
            None
        }
    }
}

/// `[[moved]]`
pub(super) fn moved(raw: &Raw, errors: &mut Diagnostics) -> Option<Moved> {
    let mut fields = Fields::of(raw, "moved", errors);
    let from = address(fields.take("from"), "from", raw, errors);
    let to = address(fields.take("to"), "to", raw, errors);
    fields.done(errors);
    let (from, to) = (from?, to?);
    let wrong = |why: &str| Diagnostic::error(format!("{from} can't be moved to {to}: {why}")).at(&raw.span, "");
    match (&from, &to) {
        _ if from == to => errors.push(wrong("both are the same").help("take the block away")),
        (Selection::Module(_), Selection::Resource(_)) | (Selection::Resource(_), Selection::Module(_)) => {
            errors.push(wrong("one is a module, the other a resource"));
        }
        (Selection::Resource(a), Selection::Resource(b)) if a.kind != b.kind || a.mode != b.mode => {
            let help = "take the old one out with a `removed` block, and import the other";
            errors.push(wrong("they are of different types").help(help));
        }
        (Selection::Resource(a), _) if a.mode == crate::words::Mode::Data => {
            errors.push(wrong("a data source is read anew each time").help("take the block away"));
        }
        _ => return Some(Moved { from, to, span: raw.span.clone() }),
    }
    None
}

/// `[[removed]]`
pub(super) fn removed(raw: &Raw, errors: &mut Diagnostics) -> Option<Removed> {
    let mut fields = Fields::of(raw, "removed", errors);
    let from = address(fields.take("from"), "from", raw, errors);
    let destroy = fields.take("lifecycle").and_then(|raw| {
        let mut fields = Fields::of(raw, "lifecycle", errors);
        let destroy = fields.flag("destroy", errors);
        fields.done(errors);
        destroy
    });
    for word in ["provisioner", "connection"] {
        if let Some(raw) = fields.take(word) {
            errors.push(Diagnostic::error(format!("`{word}` is not supported")).at(&raw.span, "not supported"));
        }
    }
    fields.done(errors);
    let from = from?;
    let keyed = match &from {
        Selection::Module(path) => path.iter().any(|(_, key)| key.is_some()),
        Selection::Resource(address) => *address != address.config(),
    };
    if keyed {
        let error = Diagnostic::error(format!("`removed` takes whole blocks and modules, and {from} is an instance"));
        errors.push(error.at(&raw.span, "").help("name it without the key; single instances go with `ferroform state rm`"));
        return None;
    }
    if let Selection::Resource(address) = &from
        && address.mode == crate::words::Mode::Data
    {
        errors.push(Diagnostic::error(format!("{from} is a data source: there is nothing to remove")).at(&raw.span, ""));
        return None;
    }
    Some(Removed { from, destroy: destroy.unwrap_or(true), span: raw.span.clone() })
}

/// `[[import]]`
pub(super) fn import(raw: &Raw, errors: &mut Diagnostics) -> Option<Import> {
    let mut fields = Fields::of(raw, "import", errors);
    let (to, id) = (fields.take("to"), fields.take("id"));
    let for_each = fields.take("for_each").map(|raw| raw.expr(errors));
    let provider = fields.name("provider", errors).map(|text| config_ref(&text));
    if let Some(identity) = fields.take("identity") {
        errors.push(Diagnostic::error("`identity` is not supported").at(&identity.span, "").help("give the `id`"));
    }
    fields.done(errors);
    let (Some(to), Some(id)) = (to, id) else {
        errors.push(Diagnostic::error("`import` needs a `to` and an `id`").at(&raw.span, "incomplete"));
        return None;
    };
    let id = id.expr(errors);
    let name = to.name().unwrap_or_default();
    let text = &*name;
    let bare = text.strip_prefix("${").and_then(|t| t.strip_suffix('}')).unwrap_or(text);
    let spelled = match &to.kind {
        RawKind::Code(_) => Some(to.expr(errors)),
        _ => lower::expression(bare, &to.place()).ok(),
    };
    let spelled = spelled.filter(|e: &Expr| e.address(&mut |_| Ok(Key::Int(0))).is_some());
    let Some(address) = spelled else {
        let error = Diagnostic::error("`to` is the address of a resource").at(&to.span, "should be an address");
        errors.push(error.write(
            "write \"TYPE.NAME\", or with `for_each` \"TYPE.NAME[each.key]\"",
            "write TYPE.NAME, or with `for_each` TYPE.NAME[each.key]",
        ));
        return None;
    };
    Some(Import { to: address, to_span: to.span.clone(), id, for_each, provider, span: raw.span.clone() })
}
