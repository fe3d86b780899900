//! Routes that are written by themselves.

use super::route_table::ROUTE_RETRY;
use super::routes::{self, Destination, LOCAL, TARGETS, Target, tables};
use super::{by, some};
use crate::aws::Aws;
use crate::aws::types::{Arn, Cidr};
use crate::words::Value;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, PartOf, Planned, Problem, Resource, Retry};

use aws_sdk_ec2::types::{Route as Answer, RouteTable};

crate::blocks! {
    /// A route of a table: one destination and one target.
    pub struct Route {
        /// A carrier gateway as target.
        carrier_gateway_id: Option<String>,
        /// A core network as target.
        core_network_arn: Option<Arn>,
        /// An IPv4 network as destination.
        #[attr(force_new)]
        destination_cidr_block: Option<Cidr>,
        /// An IPv6 network as destination.
        #[attr(force_new)]
        destination_ipv6_cidr_block: Option<Cidr>,
        /// A prefix list as destination.
        #[attr(force_new)]
        destination_prefix_list_id: Option<String>,
        /// An egress-only internet gateway as target.
        egress_only_gateway_id: Option<String>,
        /// An internet gateway or a VPN gateway as target, or `local` for the VPC itself.
        #[attr(refers("aws_internet_gateway.id"))]
        gateway_id: Option<String>,
        /// The instance that the interface belongs to.
        #[attr(computed)]
        instance_id: Option<String>,
        /// The account of that instance.
        #[attr(computed)]
        instance_owner_id: Option<String>,
        /// The gateway of an Outpost as target.
        local_gateway_id: Option<String>,
        /// A NAT gateway as target.
        #[attr(refers("aws_nat_gateway.id"))]
        nat_gateway_id: Option<String>,
        /// A network interface as target.
        #[attr(chosen, refers("aws_network_interface.id"))]
        network_interface_id: Option<String>,
        /// How it came to be.
        #[attr(computed)]
        origin: Option<String>,
        /// The table.
        #[attr(force_new, refers("aws_route_table.id"))]
        route_table_id: String,
        /// `active`, or `blackhole` where its target is gone.
        #[attr(computed)]
        state: Option<String>,
        /// A transit gateway as target.
        transit_gateway_id: Option<String>,
        /// An endpoint of a Gateway Load Balancer as target.
        #[attr(refers("aws_vpc_endpoint.id"))]
        vpc_endpoint_id: Option<String>,
        /// A peering connection as target.
        vpc_peering_connection_id: Option<String>,
    }
}

impl Resource for Route {
    const TYPE: &'static str = "aws_route";
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "2m"), ("delete", "5m")];
    const RETRY: &'static [Retry] = &ROUTE_RETRY;
    const PART_OF: Option<PartOf> = Some(PartOf { kind: "aws_route_table", attr: "route", by: "route_table_id" });
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

[resource.aws_route_table.public]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route.example]
route_table_id = "${aws_route_table.public.id}"
destination_cidr_block = "0.0.0.0/0"
gateway_id = "${aws_internet_gateway.out.id}"
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

[resource.aws_route_table.public]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route.example]
route_table_id = "${aws_route_table.public.id}"
destination_cidr_block = "0.0.0.0/0"
network_interface_id = "${aws_network_interface.proxy.id}"
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let (Some(destination), Some(target)) = (self.destination(), self.target()) else {
            return Err(Failure::other("a route needs a destination and a target"));
        };
        if target.id == LOCAL {
            let id = format!("{}_{}", self.route_table_id, destination.text());
            let why = "the route to the VPC itself is there from the start and can't be made";
            return Err(Failure::other(why).help(format!("import it as `{id}`")));
        }
        // EC2 answers a route that is there already as if it had made it, where the target is the same.
        let there = there(cx, &self.route_table_id, &destination).await?.filter(|there| Target::told(there).as_ref() != Some(&target));
        if there.is_some() {
            return Err(self.exists(&destination));
        }
        match routes::create(cx.cloud, &self.route_table_id, &destination, &target).await {
            Err(failure) if failure.code == "RouteAlreadyExists" => Err(failure.because(Cause::Exists)),
            Err(failure) => Err(failure),
            Ok(()) => Ok(id_of(&self.route_table_id, &destination)),
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let Some(destination) = self.destination() else { return Ok(None) };
        let found = there(cx, &self.route_table_id, &destination).await?;
        Ok(found.filter(|there| Target::told(there) == self.target()).map(|_| id_of(&self.route_table_id, &destination)))
    }

    /// By its table and destination.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some(destination) = self.destination() else { return Ok(vec![]) };
        let found = there(cx, &self.route_table_id, &destination).await?;
        Ok(found.map(|_| id_of(&self.route_table_id, &destination)).into_iter().collect())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let table = |k: &Known<Self>| k.prior.as_ref().map(|p| p.route_table_id.clone()).or_else(|| table_of(&k.id));
        let found = tables(cx, known.iter().filter_map(table)).await?;
        let live = known.iter().filter_map(|known| {
            let id = table(known)?;
            let table = found.iter().find(|t| t.route_table_id() == Some(&id))?;
            let wanted = known.prior.as_ref().and_then(Self::destination);
            let is_it = |to: &Destination| wanted.as_ref().map_or_else(|| id_of(&id, to) == known.id, |wanted| wanted == to);
            let route = table.routes().iter().find(|route| Destination::told(route).is_some_and(|to| is_it(&to)))?;
            Some(Live { id: known.id.clone(), value: value(&id, route) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _live: &Live<Self>) -> Outcome<()> {
        let (Some(destination), Some(target)) = (self.destination(), self.target()) else { return Ok(()) };
        routes::replace(cx.cloud, &self.route_table_id, &destination, &target).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Some(destination) = live.value.destination() else { return Ok(()) };
        match routes::delete(cx.cloud, &live.value.route_table_id, &destination).await {
            // That to the VPC itself stays for as long as the VPC does.
            Err(failure) if failure.code == "InvalidParameterValue" && failure.message.contains("cannot remove local route") => Ok(()),
            outcome => outcome,
        }
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let id = given.split_once('_').and_then(|(table, to)| {
            let kind = |test: bool| Some(to).filter(|_| test);
            let (v6, v4) = (to.contains(':'), to.contains('.'));
            let destination = Destination::of(kind(v4 && !v6), kind(v6), kind(!v4 && !v6))?;
            table.starts_with("rtb-").then(|| id_of(table, &destination))
        });
        let same = || table_of(given).map(|_| given.to_owned());
        id.or_else(same).ok_or_else(|| {
            Failure::other(format!("`{given}` names no route")).help("write table and destination: `rtb-0123456789abcdef0_0.0.0.0/0`")
        })
    }

    fn check(given: &Value) -> Vec<Problem> {
        routes::check(given, ["destination_cidr_block", "destination_ipv6_cidr_block", "destination_prefix_list_id"])
    }

    /// The interface that it led to is left behind when it leads elsewhere.
    fn plan(planned: &mut Planned<'_>) {
        let elsewhere = |name: &&&str| **name != "network_interface_id" && !planned.want.attr(name).is_empty();
        let moved = TARGETS.iter().find(elsewhere).is_some_and(|name| planned.changed.iter().any(|c| c == name));
        if planned.prior.is_some() && moved && !planned.changed.iter().any(|c| c == "network_interface_id") {
            *planned.want = std::mem::take(planned.want).with("network_interface_id", Value::unknown());
        }
    }
}

impl Route {
    fn destination(&self) -> Option<Destination> {
        let (v4, v6) = (self.destination_cidr_block.as_deref(), self.destination_ipv6_cidr_block.as_deref());
        Destination::of(v4, v6, self.destination_prefix_list_id.as_deref())
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

    fn exists(&self, destination: &Destination) -> Failure {
        let (table, to) = (&self.route_table_id, destination.text());
        let why = format!("{table} has a route to {to} already, and it leads elsewhere");
        Failure::other(why).help(format!("import it as `{table}_{to}`, and it will be changed in place"))
    }
}

/// The route of that table to that destination, which somebody made by hand or by a call.
async fn there(cx: &Cx<'_, Aws>, table: &str, destination: &Destination) -> Outcome<Option<Answer>> {
    let found = cx.cloud.ec2.describe_route_tables().filters(by("route-table-id", [table])).send().await?;
    let mut routes = found.route_tables.unwrap_or_default().into_iter().flat_map(|t: RouteTable| t.routes.unwrap_or_default());
    Ok(routes.find(|route| Destination::told(route).as_ref() == Some(destination) && !routes::is_anothers(route)))
}

/// Terraform's id: the table, and a checksum of the destination.
fn id_of(table: &str, destination: &Destination) -> Id {
    format!("r-{table}{}", crc32(destination.text().as_bytes()))
}

/// The table of such an id: AWS's ids have 17 digits, old ones 8, and no more than ten of the checksum follow.
fn table_of(id: &str) -> Option<Id> {
    let rest = id.strip_prefix("r-rtb-")?;
    let digits = if rest.len() > 18 { 17 } else { 8 };
    let (table, sum) = rest.split_at_checked(digits)?;
    let sound = table.bytes().all(|b| b.is_ascii_hexdigit()) && !sum.is_empty() && sum.bytes().all(|b| b.is_ascii_digit());
    sound.then(|| format!("rtb-{table}"))
}

/// The checksum of Ethernet and of zip files.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |sum: u32, _| if sum & 1 == 1 { (sum >> 1) ^ 0xEDB8_8320 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), step))
}

fn value(table: &str, route: &Answer) -> Route {
    let target = Target::told(route);
    let to = |by: &str| target.as_ref().and_then(|target| target.named(by));
    Route {
        carrier_gateway_id: to("carrier_gateway_id"),
        core_network_arn: to("core_network_arn").map(Arn),
        destination_cidr_block: some(route.destination_cidr_block()).map(Cidr),
        destination_ipv6_cidr_block: some(route.destination_ipv6_cidr_block()).map(Cidr),
        destination_prefix_list_id: some(route.destination_prefix_list_id()),
        egress_only_gateway_id: to("egress_only_gateway_id"),
        gateway_id: to("gateway_id"),
        instance_id: some(route.instance_id()),
        instance_owner_id: some(route.instance_owner_id()),
        local_gateway_id: to("local_gateway_id"),
        nat_gateway_id: to("nat_gateway_id"),
        network_interface_id: to("network_interface_id"),
        origin: route.origin().map(|o| o.as_str().to_owned()),
        route_table_id: table.to_owned(),
        state: route.state().map(|s| s.as_str().to_owned()),
        transit_gateway_id: to("transit_gateway_id"),
        vpc_endpoint_id: to("vpc_endpoint_id"),
        vpc_peering_connection_id: to("vpc_peering_connection_id"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_terraforms_and_tell_the_table() {
        let world = Destination::V4("0.0.0.0/0".into());
        assert_eq!(id_of("rtb-0123456789abcdef0", &world), "r-rtb-0123456789abcdef01080289494");
        assert_eq!(table_of("r-rtb-0123456789abcdef01080289494").as_deref(), Some("rtb-0123456789abcdef0"));
        assert_eq!(table_of(&id_of("rtb-1a2b3c4d", &world)).as_deref(), Some("rtb-1a2b3c4d"));
        assert_eq!(table_of("rtb-1a2b3c4d"), None);
    }
}
