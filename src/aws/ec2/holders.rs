//! What keeps a security group, a subnet or a VPC from being deleted, and an internet gateway from being detached.

use aws_sdk_ec2::types::{Filter, NetworkInterface, SecurityGroup};

use super::by;
use super::group_rules::Way;
use super::permission::{Openings, Own, Source, openings};
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::words::failure::{Cause, Failure, Outcome};

/// The failed deletion of a group, with help that names who holds it. Interfaces that a service has left behind are removed on
/// the way, so that a later try may succeed.
pub async fn of_group(aws: &Aws, group: &str, failure: Failure) -> Failure {
    if failure.cause != Cause::Busy && failure.code != "InvalidGroup.InUse" {
        return failure;
    }
    let mut holders = interfaces(aws, by("group-id", [group])).await.unwrap_or_default();
    holders.extend(rules_naming(aws, group).await.unwrap_or_default().into_iter().map(|(_, other, _)| format!("a rule of {other}")));
    told(failure, holders)
}

/// The failed deletion of a subnet, likewise.
pub async fn of_subnet(aws: &Aws, subnet: &str, failure: Failure) -> Failure {
    if failure.cause != Cause::Busy {
        return failure;
    }
    let holders = interfaces(aws, by("subnet-id", [subnet])).await.unwrap_or_default();
    told(failure, holders)
}

/// The failed deletion of a VPC, likewise.
pub async fn of_vpc(aws: &Aws, vpc: &str, failure: Failure) -> Failure {
    if failure.cause != Cause::Busy {
        return failure;
    }
    let in_vpc = || by("vpc-id", [vpc]);
    let mut holders = interfaces(aws, in_vpc()).await.unwrap_or_default();
    let subnets = aws.ec2.describe_subnets().filters(in_vpc()).send().await.ok().and_then(|found| found.subnets);
    holders.extend(subnets.unwrap_or_default().into_iter().filter_map(|s| s.subnet_id));
    let groups = aws.ec2.describe_security_groups().filters(in_vpc()).send().await.ok().and_then(|found| found.security_groups);
    let groups = groups.unwrap_or_default().into_iter().filter(|g| g.group_name() != Some("default"));
    holders.extend(groups.filter_map(|g| g.group_id));
    let tables = aws.ec2.describe_route_tables().filters(in_vpc()).send().await.ok().and_then(|found| found.route_tables);
    let tables = tables.unwrap_or_default().into_iter().filter(|t| !t.associations().iter().any(|a| a.main() == Some(true)));
    holders.extend(tables.filter_map(|t| t.route_table_id));
    let gateways = aws.ec2.describe_internet_gateways().filters(by("attachment.vpc-id", [vpc])).send().await.ok();
    let gateways = gateways.and_then(|found| found.internet_gateways).unwrap_or_default();
    holders.extend(gateways.into_iter().filter_map(|g| g.internet_gateway_id));
    let endpoints = aws.ec2.describe_vpc_endpoints().filters(in_vpc()).send().await.ok().and_then(|found| found.vpc_endpoints);
    holders.extend(endpoints.unwrap_or_default().into_iter().filter_map(|e| e.vpc_endpoint_id));
    told(failure, holders)
}

/// The failed detachment of an internet gateway: who still has a public address in its VPC.
pub async fn of_gateway(aws: &Aws, vpc: &str, failure: Failure) -> Failure {
    if failure.cause != Cause::Busy {
        return failure;
    }
    let call = aws.ec2.describe_network_interfaces().filters(by("vpc-id", [vpc]));
    let found: Vec<NetworkInterface> = call.into_paginator().items().send().try_collect().await.unwrap_or_default();
    let public = found.iter().filter_map(|interface| Some((interface, interface.association()?.public_ip()?)));
    told(failure, public.map(|(interface, ip)| format!("{} at {ip}", named(interface))).collect())
}

/// An interface by what it is part of, else by its id.
fn named(interface: &NetworkInterface) -> String {
    let id = interface.network_interface_id().unwrap_or_default();
    let user = interface.attachment().and_then(|a| a.instance_id()).or(interface.description()).filter(|text| !text.is_empty());
    user.map_or_else(|| id.to_owned(), |user| format!("{id} ({user})"))
}

fn told(failure: Failure, mut holders: Vec<String>) -> Failure {
    holders.sort();
    holders.dedup();
    if holders.is_empty() { failure } else { failure.help(format!("it is still used by {}", holders.join(", "))) }
}

/// The interfaces that a filter lets through, in words; without those that were left behind and could be removed.
async fn interfaces(aws: &Aws, filter: Filter) -> Outcome<Vec<String>> {
    let call = aws.ec2.describe_network_interfaces().filters(filter);
    let found: Vec<NetworkInterface> = call.into_paginator().items().send().try_collect().await?;
    let mut holders = vec![];
    for interface in found {
        let id = interface.network_interface_id().unwrap_or_default();
        let free = interface.status().is_some_and(|s| s.as_str() == "available");
        if free
            && left_behind(&interface)
            && absent(aws.ec2.delete_network_interface().network_interface_id(id).send().await.map_err(Into::into)).is_ok()
        {
            continue;
        }
        holders.push(named(&interface));
    }
    Ok(holders)
}

/// Interfaces of services that don't always remove them themselves: Lambda, DMS and Comprehend.
fn left_behind(interface: &NetworkInterface) -> bool {
    let description = interface.description().unwrap_or_default();
    description.starts_with("AWS Lambda VPC ENI")
        || description == "DMSNetworkInterface"
        || interface.requester_id().is_some_and(|who| who.ends_with(":Comprehend"))
}

/// The rules of other groups that have this one as their other side, by group and way.
pub async fn rules_naming(aws: &Aws, group: &str) -> Outcome<Vec<(Way, String, Openings)>> {
    let mut naming = vec![];
    for (way, filter) in [(Way::Ingress, "ip-permission.group-id"), (Way::Egress, "egress.ip-permission.group-id")] {
        let call = aws.ec2.describe_security_groups().filters(by(filter, [group]));
        let found: Vec<SecurityGroup> = call.into_paginator().items().send().try_collect().await?;
        naming.extend(found.iter().filter(|other| other.group_id() != Some(group)).filter_map(|other| {
            let own = Own { id: other.group_id()?.to_owned(), owner: other.owner_id().unwrap_or_default().to_owned() };
            let permissions = if way == Way::Ingress { other.ip_permissions() } else { other.ip_permissions_egress() };
            let named = Source::Group(group.to_owned());
            let rules = openings(permissions, &own).into_iter().filter(|(opening, _)| opening.source == named).collect();
            Some((way, own.id, rules))
        }));
    }
    Ok(naming)
}
