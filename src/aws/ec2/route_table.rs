//! Route tables.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, Route, RouteTable as Answer};

use super::routes::{self, Destination, Target, is_anothers, is_local, tables};
use super::{alike, arn_of, by, by_tags, retag, some, tagged, tags};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::{absent, lacking};
use crate::aws::types::{Arn, Cidr};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};

crate::blocks! {
    /// Says where packets go that leave the subnets which use it.
    pub struct RouteTable {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// VPN gateways that write their routes into it.
        #[attr(chosen)]
        propagating_vgws: Option<BTreeSet<String>>,
        /// Its routes, besides that to the VPC itself. Left out, routes from elsewhere are let be; `[]` removes all.
        #[attr(chosen, attribute)]
        route: Option<BTreeSet<RouteBlock>>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPC that it belongs to.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: String,
    }

    /// A route: one destination and one target.
    pub struct RouteBlock {
        /// A carrier gateway as target.
        carrier_gateway_id: Option<String>,
        /// An IPv4 network as destination.
        cidr_block: Option<Cidr>,
        /// A core network as target.
        core_network_arn: Option<Arn>,
        /// A prefix list as destination.
        destination_prefix_list_id: Option<String>,
        /// An egress-only internet gateway as target.
        egress_only_gateway_id: Option<String>,
        /// An internet gateway or a VPN gateway as target, or `local` for the VPC itself.
        #[attr(refers("aws_internet_gateway.id"))]
        gateway_id: Option<String>,
        /// An IPv6 network as destination.
        ipv6_cidr_block: Option<Cidr>,
        /// The gateway of an Outpost as target.
        local_gateway_id: Option<String>,
        /// A NAT gateway as target.
        #[attr(refers("aws_nat_gateway.id"))]
        nat_gateway_id: Option<String>,
        /// A network interface as target.
        #[attr(refers("aws_network_interface.id"))]
        network_interface_id: Option<String>,
        /// A transit gateway as target.
        transit_gateway_id: Option<String>,
        /// An endpoint of a Gateway Load Balancer as target.
        #[attr(refers("aws_vpc_endpoint.id"))]
        vpc_endpoint_id: Option<String>,
        /// A peering connection as target.
        vpc_peering_connection_id: Option<String>,
    }
}

/// Errors of making a route that come of its target being new.
pub(super) const ROUTE_RETRY: [Retry; 3] = [
    Retry { operation: "CreateRoute", code: "InvalidParameterException", message: "", within: Duration::from_secs(300) },
    Retry { operation: "CreateRoute", code: "InvalidTransitGatewayID.NotFound", message: "", within: Duration::from_secs(300) },
    Retry { operation: "CreateRoute", code: "InvalidRouteTableID.NotFound", message: "", within: Duration::from_secs(60) },
];

impl Resource for RouteTable {
    const TYPE: &'static str = "aws_route_table";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "2m"), ("delete", "5m")];
    const GONE: &'static [&'static str] = &["InvalidRouteTableID.NotFound"];
    const RETRY: &'static [Retry] = &[
        ROUTE_RETRY[0],
        ROUTE_RETRY[1],
        ROUTE_RETRY[2],
        Retry { operation: "CreateRouteTable", code: "InvalidVpcID.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "EnableVgwRoutePropagation", code: "Gateway.NotAttached", message: "", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.out]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_network_interface.proxy]
subnet_id = "${aws_subnet.front.id}"

[resource.aws_route_table.example]
vpc_id = "${aws_vpc.net.id}"
route = [{ cidr_block = "0.0.0.0/0", gateway_id = "${aws_internet_gateway.out.id}" }]
tags = { Name = "public" }
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.out]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_network_interface.proxy]
subnet_id = "${aws_subnet.front.id}"

[resource.aws_route_table.example]
vpc_id = "${aws_vpc.net.id}"
route = [
  { cidr_block = "0.0.0.0/0", network_interface_id = "${aws_network_interface.proxy.id}" },
  { ipv6_cidr_block = "::/0", gateway_id = "${aws_internet_gateway.out.id}" },
]
tags = { Name = "proxied", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_route_table().client_token(cx.token).vpc_id(&self.vpc_id);
        let made = call.set_tag_specifications(tagged(ResourceType::RouteTable, &self.tags_all)).send().await?;
        made.route_table.and_then(|t| t.route_table_id).ok_or_else(|| lacking("route table id"))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_route_tables().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |t: &Answer| alike(cx.cloud, t.tags(), &self.tags_all);
        Ok(found.route_tables.unwrap_or_default().into_iter().find(twin).and_then(|t| t.route_table_id))
    }

    /// By its VPC and its name.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some(name) = self.tags_all.get("Name") else { return Ok(vec![]) };
        let call = cx.cloud.ec2.describe_route_tables().filters(by("vpc-id", [&self.vpc_id])).filters(by("tag:Name", [name]));
        Ok(call.send().await?.route_tables.unwrap_or_default().into_iter().filter_map(|t| t.route_table_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_route_tables().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|t| {
            let main = t.associations().iter().any(|a| a.main() == Some(true));
            Some(listing::listed(t.route_table_id(), t.tags())?.noise(main, "main route tables"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = tables(cx, known.iter().map(|k| k.id.clone())).await?;
        let live = known.iter().filter_map(|known| {
            let table = found.iter().find(|t| t.route_table_id() == Some(&known.id))?;
            Some(Live { id: known.id.clone(), value: route_table(cx.cloud, table, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, old, nothing) = (&cx.cloud.ec2, &live.value, BTreeSet::new());
        if let Some(wanted) = &self.propagating_vgws {
            let (gone, new) = crate::aws::delta(old.propagating_vgws.as_ref().unwrap_or(&nothing), wanted);
            for gateway in gone {
                absent(ec2.disable_vgw_route_propagation().route_table_id(&live.id).gateway_id(gateway).send().await.map_err(Into::into))?;
            }
            for gateway in new {
                ec2.enable_vgw_route_propagation().route_table_id(&live.id).gateway_id(gateway).send().await?;
            }
        }
        if let Some(wanted) = &self.route {
            change(cx.cloud, &live.id, &by_destination(old.route.as_ref()), &by_destination(Some(wanted))).await?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    /// Subnets that use it still, also those that nobody here knows of, fall back to the main table.
    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let found = cx.cloud.ec2.describe_route_tables().filters(by("route-table-id", [&live.id])).send().await?;
        let ties = found.route_tables().iter().flat_map(|t| t.associations()).filter(|a| a.main() != Some(true));
        for tie in ties.filter_map(|a| a.route_table_association_id()) {
            absent(cx.cloud.ec2.disassociate_route_table().association_id(tie).send().await.map_err(Into::into))?;
        }
        cx.cloud.ec2.delete_route_table().route_table_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("rtb-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a route table")).help("give an id such as `rtb-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let (mut problems, mut seen) = (vec![], BTreeSet::new());
        for (i, route) in given.attr("route").items().iter().enumerate() {
            let at = |name: &str| if name.is_empty() { format!("route.{i}") } else { format!("route.{i}.{name}") };
            let wrong = routes::check(route, ["cidr_block", "ipv6_cidr_block", "destination_prefix_list_id"]);
            problems.extend(wrong.into_iter().map(|p| Problem::new(at(&p.path), p.message)));
            let text = |name: &str| route.attr(name).as_str();
            let to = Destination::of(text("cidr_block"), text("ipv6_cidr_block"), text("destination_prefix_list_id"));
            if let Some(to) = to.filter(|to| !seen.insert(to.clone())) {
                problems.push(Problem::new(at(""), format!("there are two routes to {}, and a table has one", to.text())));
            }
        }
        problems
    }
}

impl RouteBlock {
    fn destination(&self) -> Option<Destination> {
        Destination::of(self.cidr_block.as_deref(), self.ipv6_cidr_block.as_deref(), self.destination_prefix_list_id.as_deref())
    }

    fn target(&self) -> Option<Target> {
        Target::of(|by| match by {
            "carrier_gateway_id" => self.carrier_gateway_id.as_deref(),
            "core_network_arn" => self.core_network_arn.as_deref(),
            "egress_only_gateway_id" => self.egress_only_gateway_id.as_deref(),
            "gateway_id" => self.gateway_id.as_deref(),
            "local_gateway_id" => self.local_gateway_id.as_deref(),
            "nat_gateway_id" => self.nat_gateway_id.as_deref(),
            "network_interface_id" => self.network_interface_id.as_deref(),
            "transit_gateway_id" => self.transit_gateway_id.as_deref(),
            "vpc_endpoint_id" => self.vpc_endpoint_id.as_deref(),
            "vpc_peering_connection_id" => self.vpc_peering_connection_id.as_deref(),
            _ => None,
        })
    }
}

/// Routes by what they are for.
type Routes = BTreeMap<Destination, Target>;

fn by_destination(routes: Option<&BTreeSet<RouteBlock>>) -> Routes {
    routes.into_iter().flatten().filter_map(|route| Some((route.destination()?, route.target()?))).collect()
}

/// Brings the routes of a table from `have` to `want`: what there is already leads elsewhere without a gap.
async fn change(aws: &Aws, table: &str, have: &Routes, want: &Routes) -> Outcome<()> {
    for (destination, target) in want {
        match have.get(destination) {
            Some(had) if had == target => {}
            Some(_) => routes::replace(aws, table, destination, target).await?,
            // The route to the VPC itself is there from the start.
            None if target.id == routes::LOCAL => {}
            None => routes::create(aws, table, destination, target).await?,
        }
    }
    for destination in have.keys().filter(|destination| !want.contains_key(*destination)) {
        absent(routes::delete(aws, table, destination).await)?;
    }
    Ok(())
}

fn route_table(aws: &Aws, table: &Answer, prior: Option<&RouteTable>) -> RouteTable {
    let (id, owner) = (table.route_table_id().unwrap_or_default(), table.owner_id().unwrap_or_default());
    let declared = by_destination(prior.and_then(|p| p.route.as_ref()));
    // The route to the VPC itself is nobody's wish, unless somebody writes it.
    let ours = table
        .routes()
        .iter()
        .filter(|route| !is_anothers(route) && (!is_local(route) || Destination::told(route).is_some_and(|to| declared.contains_key(&to))));
    let block = |route: &Route| {
        let target = Target::told(route)?;
        let to = |by: &str| target.named(by);
        Some(RouteBlock {
            carrier_gateway_id: to("carrier_gateway_id"),
            cidr_block: some(route.destination_cidr_block()).map(Cidr),
            core_network_arn: to("core_network_arn").map(Arn),
            destination_prefix_list_id: some(route.destination_prefix_list_id()),
            egress_only_gateway_id: to("egress_only_gateway_id"),
            gateway_id: to("gateway_id"),
            ipv6_cidr_block: some(route.destination_ipv6_cidr_block()).map(Cidr),
            local_gateway_id: to("local_gateway_id"),
            nat_gateway_id: to("nat_gateway_id"),
            network_interface_id: to("network_interface_id"),
            transit_gateway_id: to("transit_gateway_id"),
            vpc_endpoint_id: to("vpc_endpoint_id"),
            vpc_peering_connection_id: to("vpc_peering_connection_id"),
        })
    };
    RouteTable {
        arn: Some(arn_of(aws, owner, &format!("route-table/{id}"))),
        owner_id: some(Some(owner)),
        propagating_vgws: Some(table.propagating_vgws().iter().filter_map(|g| some(g.gateway_id())).collect()),
        route: Some(ours.filter_map(block).collect()),
        tags: Tags::new(),
        tags_all: tags(table.tags.as_deref()),
        vpc_id: table.vpc_id().unwrap_or_default().to_owned(),
    }
}
