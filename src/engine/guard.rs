//! What is looked at before a plan is believed: that it is about the account and region of the state, and that an empty state is
//! one of a stack that was never made.

use super::failed;
use super::plan::{Action, Change, Purpose};
use super::planner::Request;
use super::providers::Providers;
use crate::state::{Instance, guard};
use crate::words::failure::Cause;
use crate::words::reads::Reads;
use crate::words::resource::{Context, Identity, ResourceType};
use crate::words::{Diagnostic, Mode, Result, Value};

/// Asks who each configuration is, and refuses one that is in another account or region than what the state holds under it.
pub(super) async fn check_places(request: &Request<'_>, providers: &Providers<'_>) -> Result<()> {
    let clouds: Vec<_> = providers.all().collect();
    let identities = futures::future::join_all(clouds.iter().map(|(_, cloud)| cloud.identity())).await;
    for ((config, _), identity) in clouds.into_iter().zip(identities) {
        let identity = identity.map_err(|failure| failed("the account can't be asked who it is", &failure))?;
        let Some(identity) = identity.filter(|_| request.settings.sandbox.is_none()) else { continue };
        let under = |instance: &&Instance| providers.of_state(&instance.provider).is_ok_and(|of| of == *config);
        let managed = request.state.instances.iter().filter(|(address, _)| address.mode == Mode::Managed);
        let instances = managed.map(|(_, instance)| instance).filter(under);
        guard::check_identity(instances, &identity.account, &identity.region, request.options.allow)?;
    }
    Ok(())
}

/// Who it is as a plan tells it: the configuration without an alias, if there is one.
pub(super) async fn identity(providers: &Providers<'_>) -> Result<Option<Identity>> {
    let mut clouds: Vec<_> = providers.all().collect();
    clouds.sort_by_key(|(config, _)| (config.module.len(), config.alias.clone(), config.name.clone()));
    for (_, cloud) in clouds {
        let identity = cloud.identity().await.map_err(|failure| failed("the account can't be asked who it is", &failure))?;
        if identity.is_some() {
            return Ok(identity);
        }
    }
    Ok(None)
}

/// Refuses to make things a second time because the state was lost, or is looked for in the wrong place. If it was, everything
/// is there that the stack would make: so one thing is looked up by its name and one by its tags, which is two calls.
pub(super) async fn check_empty(request: &Request<'_>, providers: &Providers<'_>, changes: &[Change]) -> Result<()> {
    let options = request.options;
    let holds = |instance: &Instance| instance.exists() || !instance.deposed.is_empty();
    let empty = !request.state.instances.iter().any(|(address, instance)| address.mode == Mode::Managed && holds(instance));
    let importing = changes.iter().any(|change| change.importing.is_some());
    if !empty || importing || options.allow.existing || !options.refresh || options.purpose != Purpose::Apply {
        return Ok(());
    }
    let witnesses = changes.iter().filter_map(|change| {
        let ty = request.registry.resource(&change.address.kind).filter(|_| change.action == Action::Create)?;
        let by = known_by(ty, &change.after)?;
        Some((change, ty, by == "tags"))
    });
    let (tagged, named): (Vec<_>, Vec<_>) = witnesses.partition(|(_, _, tagged)| *tagged);
    let asked = tagged.first().into_iter().chain(named.first()).filter_map(|(change, ty, _)| {
        let cloud = providers.get(&providers.of_state(&change.provider).ok()?)?;
        Some(async move {
            let (reads, want) = (Reads::default(), known_parts(&change.after));
            let found = ty.twin(&Context { cloud: cloud.as_ref(), token: "", reads: &reads }, &want).await;
            (*change, found)
        })
    });
    let mut found = vec![];
    for (change, answer) in futures::future::join_all(asked).await {
        match answer {
            Ok(id) => found.extend(id.map(|id| (change, id))),
            // Whoever may not look is not kept from making.
            Err(failure) if failure.cause == Cause::Denied => {}
            Err(failure) => return Err(failed(format!("{} can't be looked up", change.address), &failure).into()),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(exist(&found).into()) }
}

/// What of an instance is known: an attribute of which a part is not known says nothing.
pub(super) fn known_parts(want: &Value) -> Value {
    want.map_children(&mut |_, value| if value.is_known() { value.bare_deep() } else { Value::Null })
}

/// Whether all is known that a type requires.
pub(super) fn knows_required(ty: &dyn ResourceType, want: &Value) -> bool {
    want.attr("tags_all").is_known() && ty.attrs().iter().all(|attr| !attr.required || want.attr(attr.name).is_known())
}

fn exist(found: &[(&Change, String)]) -> Diagnostic {
    let error = Diagnostic::error("the state is empty, and there is already what the stack would make: was the state lost?");
    let error = found.iter().fold(error, |error, (change, id)| error.fact("exists", format!("{} is {id}", change.address)));
    let (change, id) = &found[0];
    error
        .help("if there is a state: use it, with its folder, `--workspace` or a backup (`ferroform state push FILE`)")
        .help(format!("if it is lost: take in what there is, with `--adopt` or one by one: ferroform import '{}' '{id}'", change.address))
        .help("if these are no things of this stack: choose other names or tags, or go on all the same with `--allow-existing`")
}

/// The attribute that tells it from others, if its value is known, and all that the type requires besides.
fn known_by(ty: &dyn ResourceType, want: &Value) -> Option<&'static str> {
    let by = ty.known_by()?;
    let told = |name: &str| want.attr(name).is_known() && !want.attr(name).is_empty();
    (told(by) && knows_required(ty, want)).then_some(by)
}
