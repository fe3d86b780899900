//! Routes, whether they are written in their table or by themselves: where they lead, and the calls.

use std::sync::Arc;

use aws_sdk_ec2::types::{Route as Answer, RouteTable};

use super::{VALUES, by, some};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Id, Problem};

/// Addresses that a route is for. A table has one route for each.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Destination {
    /// An IPv4 network.
    V4(String),
    /// An IPv6 network.
    V6(String),
    /// A prefix list.
    List(String),
}

impl Destination {
    /// The one that is given of the three.
    #[must_use]
    pub fn of(v4: Option<&str>, v6: Option<&str>, list: Option<&str>) -> Option<Self> {
        // Two spellings of an IPv6 network are one destination.
        let v6 = || some(v6).map(|net| net.parse::<ipnet::IpNet>().map_or(net, |net| net.to_string()));
        some(v4).map(Self::V4).or_else(|| v6().map(Self::V6)).or_else(|| some(list).map(Self::List))
    }

    /// That of a route that EC2 tells of.
    #[must_use]
    pub fn told(route: &Answer) -> Option<Self> {
        Self::of(route.destination_cidr_block(), route.destination_ipv6_cidr_block(), route.destination_prefix_list_id())
    }

    /// The addresses in words.
    #[must_use]
    pub fn text(&self) -> &str {
        match self {
            Self::V4(text) | Self::V6(text) | Self::List(text) => text,
        }
    }
}

/// Where a route leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The attribute that names it, `nat_gateway_id`.
    pub by: &'static str,
    /// Its id.
    pub id: String,
}

/// The attributes that say where a route leads. That of an interface is last: EC2 may tell it besides another.
pub const TARGETS: &[&str] = &[
    "nat_gateway_id",
    "vpc_endpoint_id",
    "gateway_id",
    "egress_only_gateway_id",
    "transit_gateway_id",
    "vpc_peering_connection_id",
    "carrier_gateway_id",
    "core_network_arn",
    "local_gateway_id",
    "network_interface_id",
];

/// What stands for the VPC itself as a gateway.
pub const LOCAL: &str = "local";

impl Target {
    /// The first that is given.
    pub fn of<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        TARGETS.iter().find_map(|by| some(get(by)).map(|id| Self { by, id }))
    }

    /// That of a route that EC2 tells of.
    #[must_use]
    pub fn told(route: &Answer) -> Option<Self> {
        let endpoint = |id: &&str| id.starts_with("vpce-");
        Self::of(|by| match by {
            "carrier_gateway_id" => route.carrier_gateway_id(),
            "core_network_arn" => route.core_network_arn(),
            "egress_only_gateway_id" => route.egress_only_internet_gateway_id(),
            "gateway_id" => route.gateway_id().filter(|id| !endpoint(id)),
            "local_gateway_id" => route.local_gateway_id(),
            "nat_gateway_id" => route.nat_gateway_id(),
            "network_interface_id" => route.network_interface_id(),
            "transit_gateway_id" => route.transit_gateway_id(),
            "vpc_endpoint_id" => route.gateway_id().filter(endpoint),
            "vpc_peering_connection_id" => route.vpc_peering_connection_id(),
            _ => None,
        })
    }

    /// Its id, where it is named by that attribute.
    #[must_use]
    pub fn named(&self, by: &str) -> Option<String> {
        (self.by == by).then(|| self.id.clone())
    }

    fn is_local(&self) -> bool {
        self.by == "gateway_id" && self.id == LOCAL
    }
}

/// The table, destination and target put into a call.
macro_rules! aimed {
    ($call:expr, $destination:expr, $target:expr) => {{
        let call = match $destination {
            Destination::V4(net) => $call.destination_cidr_block(net),
            Destination::V6(net) => $call.destination_ipv6_cidr_block(net),
            Destination::List(id) => $call.destination_prefix_list_id(id),
        };
        let id = &$target.id;
        match $target.by {
            "carrier_gateway_id" => call.carrier_gateway_id(id),
            "core_network_arn" => call.core_network_arn(id),
            "egress_only_gateway_id" => call.egress_only_internet_gateway_id(id),
            "local_gateway_id" => call.local_gateway_id(id),
            "nat_gateway_id" => call.nat_gateway_id(id),
            "network_interface_id" => call.network_interface_id(id),
            "transit_gateway_id" => call.transit_gateway_id(id),
            "vpc_endpoint_id" => call.vpc_endpoint_id(id),
            "vpc_peering_connection_id" => call.vpc_peering_connection_id(id),
            _ => call.gateway_id(id),
        }
    }};
}

/// Makes a route.
pub async fn create(aws: &Aws, table: &str, destination: &Destination, target: &Target) -> Outcome<()> {
    aimed!(aws.ec2.create_route().route_table_id(table), destination, target).send().await?;
    Ok(())
}

/// Makes a route lead elsewhere; no packet is lost on the way.
pub async fn replace(aws: &Aws, table: &str, destination: &Destination, target: &Target) -> Outcome<()> {
    let call = aws.ec2.replace_route().route_table_id(table);
    if target.is_local() {
        let call = match destination {
            Destination::V4(net) => call.destination_cidr_block(net),
            Destination::V6(net) => call.destination_ipv6_cidr_block(net),
            Destination::List(id) => call.destination_prefix_list_id(id),
        };
        call.local_target(true).send().await?;
    } else {
        aimed!(call, destination, target).send().await?;
    }
    Ok(())
}

/// Removes a route.
pub async fn delete(aws: &Aws, table: &str, destination: &Destination) -> Outcome<()> {
    let call = aws.ec2.delete_route().route_table_id(table);
    let call = match destination {
        Destination::V4(net) => call.destination_cidr_block(net),
        Destination::V6(net) => call.destination_ipv6_cidr_block(net),
        Destination::List(id) => call.destination_prefix_list_id(id),
    };
    call.send().await?;
    Ok(())
}

/// Whether somebody else makes this route: EC2 itself, a VPN gateway, an endpoint.
#[must_use]
pub fn is_anothers(route: &Answer) -> bool {
    let gateway = route.gateway_id().unwrap_or_default();
    let origin = route.origin().map_or("", |origin| origin.as_str());
    origin == "EnableVgwRoutePropagation"
        || gateway == "VpcLattice"
        || (route.destination_prefix_list_id().is_some() && gateway.starts_with("vpce-"))
}

/// Whether the VPC itself is where it leads.
#[must_use]
pub fn is_local(route: &Answer) -> bool {
    route.gateway_id() == Some(LOCAL)
}

/// What is wrong with destination and target of a route, by the attribute to blame.
#[must_use]
pub fn check(route: &Value, destinations: [&'static str; 3]) -> Vec<Problem> {
    let given = |names: &[&'static str]| names.iter().copied().filter(|name| !route.attr(name).is_empty()).collect::<Vec<_>>();
    let mut problems = vec![];
    match given(&destinations).as_slice() {
        [_] => {}
        [] => problems.push(Problem::new("", format!("a route needs a destination: `{}`", destinations.join("`, `")))),
        [first, second, ..] => {
            problems.push(Problem::new(*second, format!("a route has one destination, and `{first}` is one already")));
        }
    }
    match given(TARGETS).as_slice() {
        [_] => {}
        [] => problems.push(Problem::new("", "a route needs a target, such as `gateway_id` or `nat_gateway_id`")),
        [first, second, ..] => problems.push(Problem::new(*second, format!("a route has one target, and `{first}` is one already"))),
    }
    let [_, v6, list] = destinations;
    if !route.attr("egress_only_gateway_id").is_empty() && route.attr(v6).is_null() {
        problems.push(Problem::new("egress_only_gateway_id", format!("this gateway is for IPv6 alone: it goes with `{v6}`")));
    }
    if !route.attr("carrier_gateway_id").is_empty() && !route.attr(v6).is_empty() {
        problems.push(Problem::new("carrier_gateway_id", "this gateway is for IPv4 alone"));
    }
    if !route.attr("vpc_endpoint_id").is_empty() && !route.attr(list).is_empty() {
        problems.push(Problem::new("vpc_endpoint_id", "a route to an endpoint can't be for a prefix list"));
    }
    problems
}

/// The types whose reads need route tables, and the attribute that holds the table's id.
const READERS: &[&str] = &["aws_route_table", "aws_route", "aws_route_table_association", "aws_main_route_table_association"];

/// The tables with those ids; one call for all that the sweep needs to know of tables, routes and their ties.
pub(super) async fn tables(cx: &Cx<'_, Aws>, ids: impl IntoIterator<Item = Id>) -> Outcome<Arc<Vec<RouteTable>>> {
    let asked = cx.reads.asked(READERS).filter_map(|asked| match asked.kind.as_ref() {
        "aws_route_table" => Some(asked.id.clone()),
        _ => asked.prior.attr("route_table_id").as_str().map(str::to_owned),
    });
    let mut all: Vec<Id> = asked.chain(ids).filter(|id| !id.is_empty()).collect();
    all.sort_unstable();
    all.dedup();
    cx.reads
        .once(format!("ec2:DescribeRouteTables:{}", all.join(",")), || async {
            let mut found = vec![];
            for some in all.chunks(VALUES) {
                let pages = cx.cloud.ec2.describe_route_tables().filters(by("route-table-id", some)).into_paginator();
                found.extend(pages.items().send().try_collect().await?);
            }
            Ok(found)
        })
        .await
}
