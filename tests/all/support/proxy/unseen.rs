//! Things that were made and are not yet seen, and things that are told as not yet ready.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use hyper::body::Bytes;
use regex::Regex;

use super::shape::{Call, Refusal};

static IDS: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"\b(i|sg|sgr|vol|eipalloc|eipassoc|vpc|subnet|igw|rtb|nat|lt)-[0-9a-f]{8,17}\b").unwrap());

/// Things of IAM are known by name: who makes them, the parameter that names them.
const NAMED: &[(&str, &str)] =
    &[("CreateRole", "RoleName"), ("CreateInstanceProfile", "InstanceProfileName"), ("CreatePolicy", "PolicyName")];

/// What each thing still hides from.
#[derive(Debug, Default)]
pub(super) struct Unseen {
    known: BTreeSet<String>,
    ids: BTreeMap<String, u32>,
    names: BTreeMap<(&'static str, String), u32>,
    waits: BTreeMap<String, u32>,
}

impl Unseen {
    /// The error that a call gets which asks for something unseen by its id or name.
    pub(super) fn refuses(&mut self, call: &Call) -> Option<Refusal> {
        let asked = call.form.iter().filter(|(key, _)| !key.starts_with("Filter"));
        for (key, value) in asked {
            let by_id = call.reads().then(|| self.ids.get_mut(value)).flatten().filter(|left| **left > 0);
            if let Some(left) = by_id {
                *left -= 1;
                let (code, what) = not_found(value);
                return Some(Refusal::new(400, code, &format!("The {what} '{value}' does not exist")));
            }
            let profile = key == "IamInstanceProfile.Name";
            let key = if profile { "InstanceProfileName" } else { key.as_str() };
            let by_name = self.names.iter_mut().find(|((param, name), left)| *param == key && name == value && **left > 0);
            if let Some((_, left)) = by_name.filter(|_| call.reads() || profile) {
                *left -= 1;
                return Some(if profile {
                    let message =
                        format!("Value ({value}) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name");
                    Refusal::new(400, "InvalidParameterValue", &message)
                } else {
                    Refusal::new(404, "NoSuchEntity", &format!("{value} cannot be found."))
                });
            }
        }
        None
    }

    /// Takes note of what a call made, and takes out of a list what is not yet to be seen.
    pub(super) fn hides(&mut self, call: &Call, good: bool, reads: u32, text: Bytes) -> Bytes {
        let Ok(mut words) = String::from_utf8(text.to_vec()) else { return text };
        if good && call.reads() {
            for (id, left) in self.ids.iter_mut().filter(|(_, left)| **left > 0) {
                if words.contains(id.as_str()) {
                    *left -= 1;
                    words = without(&words, id);
                }
            }
        }
        let seen: Vec<String> = IDS.find_iter(&words).map(|found| found.as_str().to_owned()).collect();
        let makes = ["Run", "Create", "Allocate", "Authorize", "Associate"].iter().any(|verb| call.action.starts_with(verb));
        for id in seen {
            let asked = call.form.iter().any(|(_, value)| *value == id);
            if self.known.insert(id.clone()) && good && makes && !asked {
                self.ids.insert(id, reads);
            }
        }
        if let Some((_, param)) = NAMED.iter().find(|(action, _)| good && *action == call.action)
            && let Some(name) = call.param(param)
        {
            self.names.insert((param, name.to_owned()), reads);
        }
        Bytes::from(words)
    }

    /// Tells what is ready as not yet ready, for some reads of each thing.
    pub(super) fn holds_back(&mut self, call: &Call, reads: u32, text: Bytes) -> Bytes {
        let (prefix, done, waits) = match call.action.as_str() {
            "DescribeInstances" => ("i-", "<code>16</code><name>running</name>", "<code>0</code><name>pending</name>"),
            "DescribeVolumes" => ("vol-", "<status>available</status>", "<status>creating</status>"),
            "ChangeResourceRecordSets" | "CreateHostedZone" | "GetChange" => return self.out_of_sync(call, reads, text),
            _ => return text,
        };
        let Ok(words) = String::from_utf8(text.to_vec()) else { return text };
        let ids = IDS.find_iter(&words).map(|found| found.as_str().to_owned()).filter(|id| id.starts_with(prefix));
        let ids: BTreeSet<String> = ids.collect();
        let mut held = false;
        for id in ids.iter().filter(|_| words.contains(done)) {
            let left = self.waits.entry(id.clone()).or_insert(reads);
            held |= *left > 0;
            *left = left.saturating_sub(1);
        }
        if held { Bytes::from(words.replace(done, waits)) } else { text }
    }

    /// Tells a change of records as pending, first when it is made and then for some questions.
    fn out_of_sync(&mut self, call: &Call, reads: u32, text: Bytes) -> Bytes {
        let left = self.waits.entry("change".into()).or_default();
        match call.action.as_str() {
            "GetChange" if *left == 0 => return text,
            "GetChange" => *left -= 1,
            _ => *left = reads,
        }
        Bytes::from(String::from_utf8_lossy(&text).replace("INSYNC", "PENDING"))
    }
}

fn not_found(id: &str) -> (&'static str, &'static str) {
    match id.split('-').next().unwrap_or_default() {
        "i" => ("InvalidInstanceID.NotFound", "instance ID"),
        "sg" => ("InvalidGroup.NotFound", "security group"),
        "sgr" => ("InvalidSecurityGroupRuleId.NotFound", "security group rule ID"),
        "vol" => ("InvalidVolume.NotFound", "volume"),
        "eipalloc" => ("InvalidAllocationID.NotFound", "allocation ID"),
        "eipassoc" => ("InvalidAssociationID.NotFound", "association ID"),
        "vpc" => ("InvalidVpcID.NotFound", "vpc ID"),
        "subnet" => ("InvalidSubnetID.NotFound", "subnet ID"),
        "igw" => ("InvalidInternetGatewayID.NotFound", "internetGateway ID"),
        "rtb" => ("InvalidRouteTableID.NotFound", "routeTable ID"),
        "nat" => ("NatGatewayNotFound", "NAT gateway"),
        _ => ("InvalidLaunchTemplateId.NotFound", "launch template"),
    }
}

/// The answer without the outermost items that hold the id.
fn without(words: &str, id: &str) -> String {
    let mut kept = String::new();
    let mut rest = words;
    while let Some(start) = rest.find("<item>") {
        let (before, from) = rest.split_at(start);
        kept.push_str(before);
        let Some(length) = item_length(from) else { break };
        let (item, after) = from.split_at(length);
        if !item.contains(id) {
            kept.push_str(item);
        }
        rest = after;
    }
    kept.push_str(rest);
    kept
}

fn item_length(from: &str) -> Option<usize> {
    let (mut depth, mut at) = (0_usize, 0);
    loop {
        let open = from[at..].find("<item>").map_or(usize::MAX, |found| at + found);
        let close = at + from[at..].find("</item>")?;
        if open < close {
            depth += 1;
            at = open + "<item>".len();
        } else {
            depth -= 1;
            at = close + "</item>".len();
            if depth == 0 {
                return Some(at);
            }
        }
    }
}
