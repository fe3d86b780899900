//! The addresses and prefixes of a network interface: given as sets, as lists, or as mere numbers.

use std::collections::BTreeSet;

use aws_sdk_ec2::operation::create_network_interface::builders::CreateNetworkInterfaceFluentBuilder;
use aws_sdk_ec2::types::{
    InstanceIpv6Address, Ipv4PrefixSpecificationRequest, Ipv6PrefixSpecificationRequest, NetworkInterface as Answer,
    PrivateIpAddressSpecification,
};

use super::network_interface::NetworkInterface;
use super::some;
use crate::aws::Aws;
use crate::aws::types::Ip;
use crate::words::failure::Outcome;

/// Attributes that tell of the same thing: a change of one changes the others.
pub(super) const PARTS: &[&[&str]] = &[
    &["private_ips", "private_ips_count", "private_ip_list"],
    &["ipv6_addresses", "ipv6_address_count", "ipv6_address_list"],
    &["ipv4_prefixes", "ipv4_prefix_count"],
    &["ipv6_prefixes", "ipv6_prefix_count"],
];

/// What there is, in the order of the answer; the first private address first.
pub(super) struct Told {
    pub(super) ipv4: Vec<Ip>,
    pub(super) ipv6: Vec<Ip>,
    pub(super) ipv4_prefixes: BTreeSet<String>,
    pub(super) ipv6_prefixes: BTreeSet<String>,
}

pub(super) fn told(answer: &Answer) -> Told {
    let mut all: Vec<_> = answer.private_ip_addresses().iter().collect();
    all.sort_by_key(|ip| ip.primary() != Some(true));
    Told {
        ipv4: all.into_iter().filter_map(|ip| some(ip.private_ip_address())).map(Ip).collect(),
        ipv6: answer.ipv6_addresses().iter().filter_map(|ip| some(ip.ipv6_address())).map(Ip).collect(),
        ipv4_prefixes: answer.ipv4_prefixes().iter().filter_map(|p| some(p.ipv4_prefix())).collect(),
        ipv6_prefixes: answer.ipv6_prefixes().iter().filter_map(|p| some(p.ipv6_prefix())).collect(),
    }
}

/// A number that asks for something.
fn some_of(number: Option<i32>) -> Option<i32> {
    number.filter(|n| *n > 0)
}

/// A list for a call; none rather than an empty one.
fn list<'a, T: 'a, U>(items: Option<impl IntoIterator<Item = &'a T>>, of: impl Fn(&T) -> U) -> Option<Vec<U>> {
    let items: Vec<U> = items.into_iter().flatten().map(of).collect();
    (!items.is_empty()).then_some(items)
}

fn text(ip: &Ip) -> &str {
    ip
}

/// All that is given, put into the call that makes it.
pub(super) fn given(want: &NetworkInterface, call: CreateNetworkInterfaceFluentBuilder) -> CreateNetworkInterfaceFluentBuilder {
    let ordered = want.private_ip_list.as_ref().filter(|l| !l.is_empty() && want.private_ip_list_enabled == Some(true));
    let ips: Vec<&Ip> = match (ordered, &want.private_ips) {
        (Some(list), _) => list.iter().collect(),
        (None, Some(set)) => set.iter().collect(),
        (None, None) => want.private_ip.iter().collect(),
    };
    let first = ips.first().map(|ip| ip.to_string());
    let spec = |ip: &&Ip| {
        PrivateIpAddressSpecification::builder().primary(first.as_deref() == Some(text(ip))).private_ip_address(text(ip)).build()
    };
    let call = call.set_private_ip_addresses((!ips.is_empty()).then(|| ips.iter().map(spec).collect()));
    let call = call.set_secondary_private_ip_address_count(some_of(want.private_ips_count).filter(|_| ips.len() <= 1));
    let ordered = want.ipv6_address_list.as_ref().filter(|l| !l.is_empty() && want.ipv6_address_list_enabled == Some(true));
    let address = |ip: &Ip| InstanceIpv6Address::builder().ipv6_address(text(ip)).build();
    let ipv6 = list(ordered, address).or_else(|| list(want.ipv6_addresses.as_ref(), address));
    // None at all is something to ask for: the subnet may give one.
    let call = call.set_ipv6_address_count(want.ipv6_address_count.filter(|_| ipv6.is_none())).set_ipv6_addresses(ipv6);
    let prefix = |net: &String| Ipv4PrefixSpecificationRequest::builder().ipv4_prefix(net).build();
    let call = call.set_ipv4_prefixes(list(want.ipv4_prefixes.as_ref(), prefix)).set_ipv4_prefix_count(some_of(want.ipv4_prefix_count));
    let prefix = |net: &String| Ipv6PrefixSpecificationRequest::builder().ipv6_prefix(net).build();
    call.set_ipv6_prefixes(list(want.ipv6_prefixes.as_ref(), prefix)).set_ipv6_prefix_count(some_of(want.ipv6_prefix_count))
}

/// What there should be and what there is.
pub(super) struct Change<'a> {
    pub(super) want: &'a NetworkInterface,
    pub(super) have: &'a NetworkInterface,
}

/// What goes, what comes, and how many more come that AWS may choose.
struct Delta {
    gone: Vec<String>,
    new: Vec<String>,
    more: i32,
}

impl Delta {
    /// By the set where that differs, else by the number. `there` are those that may go.
    fn of(want: Option<&BTreeSet<String>>, there: &BTreeSet<String>, number: Option<i32>) -> Self {
        if let Some(want) = want.filter(|want| *want != there) {
            let (gone, new) = crate::aws::delta(there, want);
            return Self { gone: gone.into_iter().cloned().collect(), new: new.into_iter().cloned().collect(), more: 0 };
        }
        let have = i32::try_from(there.len()).unwrap_or(i32::MAX);
        let more = number.map_or(0, |number| number - have);
        let gone = there.iter().rev().take(usize::try_from(-more).unwrap_or(0)).cloned().collect();
        Self { gone, new: vec![], more: more.max(0) }
    }
}

fn texts(ips: Option<&BTreeSet<Ip>>) -> BTreeSet<String> {
    ips.into_iter().flatten().map(|ip| ip.to_string()).collect()
}

fn some_list(items: Vec<String>) -> Option<Vec<String>> {
    (!items.is_empty()).then_some(items)
}

/// Brings addresses and prefixes to what they should be.
pub(super) async fn settle(aws: &Aws, id: &str, change: &Change<'_>) -> Outcome<()> {
    let Change { want, have } = change;
    let first = have.private_ip.as_ref().map(|ip| ip.to_string());
    let others = |nic: &NetworkInterface| {
        let listed: BTreeSet<Ip> = nic.private_ip_list.iter().flatten().cloned().collect();
        let ordered = want.private_ip_list_enabled == Some(true);
        let mut ips = if ordered { texts(Some(&listed)) } else { texts(nic.private_ips.as_ref()) };
        ips.retain(|ip| Some(ip) != first.as_ref());
        ips
    };
    let wanted = (want.private_ips.is_some() || want.private_ip_list.is_some()).then(|| others(want));
    let delta = Delta::of(wanted.as_ref(), &others(have), want.private_ips_count);
    if !delta.new.is_empty() || delta.more > 0 {
        let call = aws.ec2.assign_private_ip_addresses().network_interface_id(id).allow_reassignment(false);
        let call = call.set_secondary_private_ip_address_count(some_of(Some(delta.more)));
        call.set_private_ip_addresses(some_list(delta.new)).send().await?;
    }
    if !delta.gone.is_empty() {
        let call = aws.ec2.unassign_private_ip_addresses().network_interface_id(id);
        call.set_private_ip_addresses(Some(delta.gone)).send().await?;
    }
    let ipv6 = |nic: &NetworkInterface| match &nic.ipv6_address_list {
        Some(list) if want.ipv6_address_list_enabled == Some(true) => texts(Some(&list.iter().cloned().collect())),
        _ => texts(nic.ipv6_addresses.as_ref()),
    };
    let wanted = (want.ipv6_addresses.is_some() || want.ipv6_address_list.is_some()).then(|| ipv6(want));
    let addresses = Delta::of(wanted.as_ref(), &ipv6(have), want.ipv6_address_count);
    let none = BTreeSet::new();
    let prefixes = Delta::of(want.ipv6_prefixes.as_ref(), have.ipv6_prefixes.as_ref().unwrap_or(&none), want.ipv6_prefix_count);
    for (addresses, prefixes) in [(Some(addresses), None), (None, Some(prefixes))] {
        move_ipv6(aws, id, addresses, prefixes).await?;
    }
    let prefixes = Delta::of(want.ipv4_prefixes.as_ref(), have.ipv4_prefixes.as_ref().unwrap_or(&none), want.ipv4_prefix_count);
    if !prefixes.new.is_empty() || prefixes.more > 0 {
        let call = aws.ec2.assign_private_ip_addresses().network_interface_id(id).set_ipv4_prefix_count(some_of(Some(prefixes.more)));
        call.set_ipv4_prefixes(some_list(prefixes.new)).send().await?;
    }
    if !prefixes.gone.is_empty() {
        aws.ec2.unassign_private_ip_addresses().network_interface_id(id).set_ipv4_prefixes(Some(prefixes.gone)).send().await?;
    }
    Ok(())
}

/// One of the two: EC2 takes addresses and prefixes in calls of the same name, and not both.
async fn move_ipv6(aws: &Aws, id: &str, addresses: Option<Delta>, prefixes: Option<Delta>) -> Outcome<()> {
    let (assign, unassign) =
        (aws.ec2.assign_ipv6_addresses().network_interface_id(id), aws.ec2.unassign_ipv6_addresses().network_interface_id(id));
    if let Some(Delta { gone, new, more }) = addresses {
        if !new.is_empty() || more > 0 {
            assign.clone().set_ipv6_addresses(some_list(new)).set_ipv6_address_count(some_of(Some(more))).send().await?;
        }
        if !gone.is_empty() {
            unassign.clone().set_ipv6_addresses(Some(gone)).send().await?;
        }
    }
    if let Some(Delta { gone, new, more }) = prefixes {
        if !new.is_empty() || more > 0 {
            assign.set_ipv6_prefixes(some_list(new)).set_ipv6_prefix_count(some_of(Some(more))).send().await?;
        }
        if !gone.is_empty() {
            unassign.set_ipv6_prefixes(Some(gone)).send().await?;
        }
    }
    Ok(())
}
