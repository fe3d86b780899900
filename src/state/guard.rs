//! What is refused lest a state be overwritten by a stranger's, or applied where it doesn't belong.

use std::collections::BTreeSet;

use super::snapshot::{Instance, State};
use crate::words::{Diagnostic, Result};

/// Both are versions of one state.
pub(super) fn check_lineage(stored: &State, new: &State, name: &str) -> Result<()> {
    if stored.lineage == new.lineage || stored.lineage.is_empty() {
        return Ok(());
    }
    Err(Diagnostic::error(format!("the state {name} has another lineage than the one to be written: they are not versions of one state"))
        .fact("stored", stored.lineage.clone())
        .fact("new", new.lineage.clone())
        .help("if the stored one is to be given up: `ferroform state push --force FILE`")
        .into())
}

/// Nobody else has written since the new one was read.
pub(super) fn check_write(stored: &State, new: &State, name: &str) -> Result<()> {
    check_lineage(stored, new, name)?;
    if stored.serial <= new.serial {
        return Ok(());
    }
    Err(Diagnostic::error(format!("the state {name} was changed by something else since it was read"))
        .fact("stored serial", stored.serial.to_string())
        .fact("serial that was read", new.serial.to_string())
        .help("run the command again: it then works with what is stored now")
        .into())
}

/// Whether `new` may take the place of `stored`; `force` is the user's word that it may.
pub fn check_push(stored: Option<&State>, new: &State, name: &str, force: bool) -> Result<()> {
    let Some(stored) = stored.filter(|_| !force) else { return Ok(()) };
    check_lineage(stored, new, name)?;
    if stored.serial > new.serial {
        return Err(Diagnostic::error(format!("the state {name} is newer than the one to be pushed"))
            .fact("stored serial", stored.serial.to_string())
            .fact("new serial", new.serial.to_string())
            .help("if the stored one is to be given up: `ferroform state push --force FILE`")
            .into());
    }
    if stored.serial == new.serial && !stored.same_content(new) {
        return Err(Diagnostic::error(format!("the state {name} has the same serial as the one to be pushed, and other content"))
            .fact("serial", new.serial.to_string())
            .help("raise the `serial` in the file if it continues the stored one, or `ferroform state push --force FILE`")
            .into());
    }
    Ok(())
}

/// Which guards the user sets aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// An empty state, though things of the stack exist.
    pub existing: bool,
    /// Another account than that of what the state holds.
    pub other_account: bool,
    /// Another region than that of what the state holds.
    pub other_region: bool,
}

/// Refuses another account or region than that which all of those instances lie in. Where nothing is known, nothing is refused.
pub fn check_identity<'a>(instances: impl Iterator<Item = &'a Instance>, account: &str, region: &str, allow: Allow) -> Result<()> {
    let (accounts, regions) = places(instances);
    let other = |word: &'static str, known: &BTreeSet<&str>, given: &str| {
        let known = known.iter().copied().collect::<Vec<_>>().join(", ");
        Diagnostic::error(format!("the state's resources lie in another {word} than the one in use"))
            .fact("in the state", known)
            .fact("in use", given.to_owned())
    };
    let strange = |known: &BTreeSet<&str>, given: &str| !known.is_empty() && !given.is_empty() && !known.contains(given);
    if strange(&accounts, account) && !allow.other_account {
        return Err(other("account", &accounts, account)
            .help("use the profile or role of the state's account: `AWS_PROFILE`")
            .help("if the stack is to be made anew in this account, give it a state of its own: `--workspace NAME`")
            .help("if the state is to go on in this account, where none of that exists: `--allow-other-account`")
            .into());
    }
    if strange(&regions, region) && !allow.other_region {
        return Err(other("region", &regions, region)
            .help("use the state's region: `AWS_REGION`, or `region` of the provider")
            .help("if the stack is to be made anew in this region, give it a state of its own: `--workspace NAME`")
            .help("if the state is to go on in this region, where none of that exists: `--allow-other-region`")
            .into());
    }
    Ok(())
}

/// The accounts and regions of their ARNs. A global service's ARN names no region.
fn places<'a>(instances: impl Iterator<Item = &'a Instance>) -> (BTreeSet<&'a str>, BTreeSet<&'a str>) {
    let arns = instances.filter_map(|instance| instance.attributes.attr("arn").as_str());
    let (mut accounts, mut regions) = (BTreeSet::new(), BTreeSet::new());
    for arn in arns {
        let mut parts = arn.split(':');
        if parts.next() != Some("arn") {
            continue;
        }
        let (region, account) = (parts.nth(2).unwrap_or_default(), parts.next().unwrap_or_default());
        regions.extend((!region.is_empty()).then_some(region));
        accounts.extend((account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit())).then_some(account));
    }
    (accounts, regions)
}
