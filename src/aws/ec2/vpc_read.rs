//! A VPC as it is: much of it is told by calls of their own.

use std::collections::BTreeMap;

use aws_sdk_ec2::types::{NetworkAcl, RouteTable, SecurityGroup, Vpc as Answer, VpcAttributeName, VpcIpv6CidrBlockAssociation};

use super::vpc::Vpc;
use super::{arn_of, by, some, tags};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Id, Tags};

/// What came with a VPC.
#[derive(Clone, Debug, Default)]
pub(super) struct Defaults {
    acl: Option<String>,
    route_table: Option<String>,
    security_group: Option<String>,
}

/// What came with each of those VPCs, for all of them in three calls.
pub(super) async fn defaults(aws: &Aws, ids: &[Id]) -> Outcome<BTreeMap<Id, Defaults>> {
    let of = || by("vpc-id", ids);
    let acls = aws.ec2.describe_network_acls().filters(of()).filters(by("default", ["true"])).into_paginator().items().send();
    let tables = aws.ec2.describe_route_tables().filters(of()).filters(by("association.main", ["true"])).into_paginator().items().send();
    let groups = aws.ec2.describe_security_groups().filters(of()).filters(by("group-name", ["default"])).into_paginator().items().send();
    let acls = async { Ok::<Vec<NetworkAcl>, Failure>(acls.try_collect().await?) };
    let tables = async { Ok::<Vec<RouteTable>, Failure>(tables.try_collect().await?) };
    let groups = async { Ok::<Vec<SecurityGroup>, Failure>(groups.try_collect().await?) };
    let (acls, tables, groups) = futures::try_join!(acls, tables, groups)?;
    let mut found: BTreeMap<Id, Defaults> = ids.iter().map(|id| (id.clone(), Defaults::default())).collect();
    for acl in acls {
        found.entry(acl.vpc_id.unwrap_or_default()).or_default().acl = acl.network_acl_id;
    }
    for table in tables {
        found.entry(table.vpc_id.unwrap_or_default()).or_default().route_table = table.route_table_id;
    }
    for group in groups {
        found.entry(group.vpc_id.unwrap_or_default()).or_default().security_group = group.group_id;
    }
    Ok(found)
}

/// What EC2 tells of a VPC one at a time: names of instances, the name server, and the measuring of addresses.
pub(super) type Flags = [Option<bool>; 3];

/// The flags of each of those VPCs; without those that are gone by now.
pub(super) async fn flags(aws: &Aws, ids: &[Id]) -> Outcome<BTreeMap<Id, Flags>> {
    use VpcAttributeName::{EnableDnsHostnames, EnableDnsSupport, EnableNetworkAddressUsageMetrics};
    let found = each(ids, |id| async move {
        let ask = |name: VpcAttributeName| flag(aws, id, name);
        let asked = futures::try_join!(ask(EnableDnsHostnames), ask(EnableDnsSupport), ask(EnableNetworkAddressUsageMetrics));
        Ok(absent(asked)?.map(|(hostnames, support, metrics)| (id.clone(), [hostnames, support, metrics])))
    });
    Ok(found.await?.into_iter().collect())
}

/// One of the attributes that EC2 tells one at a time.
pub(super) async fn flag(aws: &Aws, vpc: &str, name: VpcAttributeName) -> Outcome<Option<bool>> {
    let answer = aws.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(name).send().await?;
    let told = [answer.enable_dns_hostnames, answer.enable_dns_support, answer.enable_network_address_usage_metrics];
    Ok(told.into_iter().flatten().find_map(|told| told.value))
}

fn state(association: &VpcIpv6CidrBlockAssociation) -> &str {
    association.ipv6_cidr_block_state().and_then(|s| s.state()).map_or("", |s| s.as_str())
}

/// How far each of its IPv6 networks has got, and why not further.
pub(super) fn associations<'a>(vpc: &'a Answer) -> impl Iterator<Item = (&'a str, &'a str)> {
    let why = |a: &'a VpcIpv6CidrBlockAssociation| a.ipv6_cidr_block_state().and_then(|s| s.status_message()).unwrap_or("no reason given");
    vpc.ipv6_cidr_block_association_set().iter().map(move |a| (state(a), why(a)))
}

/// How far that IPv6 network has got.
pub(super) fn ipv6_of<'a>(vpc: &'a Answer, association: &str) -> Option<&'a str> {
    let mut all = vpc.ipv6_cidr_block_association_set().iter();
    all.find(|a| a.association_id() == Some(association)).map(state)
}

/// The IPv6 network that is the VPC's own: the one that the state knows, else the first, unless nobody asked for any. Others
/// belong to resources of their own.
fn own_ipv6<'a>(vpc: &'a Answer, prior: Option<&Vpc>) -> Option<&'a VpcIpv6CidrBlockAssociation> {
    let mut there = vpc.ipv6_cidr_block_association_set().iter().filter(|a| state(a) == "associated");
    let Some(prior) = prior else { return there.next() };
    let held = prior.ipv6_association_id.as_deref().filter(|id| !id.is_empty());
    let asked = prior.assign_generated_ipv6_cidr_block == Some(true) || some(prior.ipv6_ipam_pool_id.as_deref()).is_some();
    let known = held.and_then(|held| there.clone().find(|a| a.association_id() == Some(held)));
    known.or_else(|| there.next().filter(|_| asked))
}

/// All of it put together.
pub(super) fn vpc(aws: &Aws, vpc: &Answer, defaults: &Defaults, flags: Flags, prior: Option<&Vpc>) -> Vpc {
    let (id, owner) = (vpc.vpc_id().unwrap_or_default(), vpc.owner_id().unwrap_or_default());
    let ipv6 = own_ipv6(vpc, prior);
    let pool = ipv6.and_then(|a| some(a.ipv6_pool()));
    let generated = pool.as_deref() == Some("Amazon");
    let [hostnames, support, metrics] = flags;
    let first = prior.and_then(|p| some(p.default_route_table_id.as_deref()));
    Vpc {
        arn: Some(arn_of(aws, owner, &format!("vpc/{id}"))),
        assign_generated_ipv6_cidr_block: Some(generated),
        cidr_block: some(vpc.cidr_block()).map(Into::into),
        default_network_acl_id: defaults.acl.clone(),
        // The main one may be another by now.
        default_route_table_id: first.or_else(|| defaults.route_table.clone()),
        default_security_group_id: defaults.security_group.clone(),
        dhcp_options_id: some(vpc.dhcp_options_id()),
        enable_dns_hostnames: hostnames,
        enable_dns_support: support,
        enable_network_address_usage_metrics: metrics,
        instance_tenancy: vpc.instance_tenancy().map(|t| t.as_str().to_owned()),
        ipv4_ipam_pool_id: prior.and_then(|p| p.ipv4_ipam_pool_id.clone()),
        ipv4_netmask_length: prior.and_then(|p| p.ipv4_netmask_length),
        ipv6_association_id: ipv6.and_then(|a| some(a.association_id())),
        ipv6_cidr_block: ipv6.and_then(|a| some(a.ipv6_cidr_block())).map(Into::into),
        ipv6_cidr_block_network_border_group: ipv6.and_then(|a| some(a.network_border_group())),
        ipv6_ipam_pool_id: match pool.as_deref() {
            None | Some("Amazon") => None,
            Some("IPAM Managed") => prior.and_then(|p| p.ipv6_ipam_pool_id.clone()),
            Some(_) => pool,
        },
        ipv6_netmask_length: prior.and_then(|p| p.ipv6_netmask_length).filter(|_| ipv6.is_some()),
        main_route_table_id: defaults.route_table.clone(),
        owner_id: some(Some(owner)),
        tags: Tags::new(),
        tags_all: tags(vpc.tags.as_deref()),
    }
}
