//! NAT gateways.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::types::{ConnectivityType, NatGateway as Answer, NatGatewayAddress, ResourceType};

use super::{alike, by, by_id, by_tags, retag, some, tagged, tags};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::Ip;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};

crate::blocks! {
    /// Lets what has no public address reach the internet, or another network, and nothing from there in.
    pub struct NatGateway {
        /// Its Elastic IP address, by its id; a public one needs it.
        #[attr(force_new, refers("aws_eip.id"))]
        allocation_id: Option<String>,
        /// The tie between it and its address.
        #[attr(computed)]
        association_id: Option<String>,
        /// Whether it leads to the internet or to other networks of yours.
        #[attr(force_new, default_text("public"), one_of(&["public", "private"]))]
        connectivity_type: Option<String>,
        /// Its network interface.
        #[attr(computed)]
        network_interface_id: Option<String>,
        /// Its private address.
        #[attr(chosen, force_new)]
        private_ip: Option<Ip>,
        /// Its public address.
        #[attr(computed)]
        public_ip: Option<String>,
        /// More Elastic IP addresses, by their ids.
        #[attr(refers("aws_eip.id"))]
        secondary_allocation_ids: Option<BTreeSet<String>>,
        /// How many more private addresses a private one gets.
        #[attr(chosen, force_new, within(1, 31), conflicts(&["secondary_private_ip_addresses"]))]
        secondary_private_ip_address_count: Option<i64>,
        /// More private addresses.
        #[attr(chosen, conflicts(&["secondary_private_ip_address_count"]))]
        secondary_private_ip_addresses: Option<BTreeSet<Ip>>,
        /// The subnet that it lies in: a public one, where it should lead to the internet.
        #[attr(force_new, refers("aws_subnet.id"))]
        subnet_id: String,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for NatGateway {
    const TYPE: &'static str = "aws_nat_gateway";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("update", "10m"), ("delete", "30m")];
    const GONE: &'static [&'static str] = &["NatGatewayNotFound"];
    const LINGERS: bool = true;
    const AFTER: &'static [After] = &[After { kind: "aws_internet_gateway", through: "aws_vpc" }];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateNatGateway", code: "InvalidSubnetID.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateNatGateway", code: "InvalidAllocationID.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateTags", code: "NatGatewayNotFound", message: "", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.out]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_eip.nat]
count = 2
domain = "vpc"

[resource.aws_nat_gateway.example]
allocation_id = "${aws_eip.nat[0].id}"
subnet_id = "${aws_subnet.front.id}"
tags = { Name = "out" }
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.out]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_eip.nat]
count = 2
domain = "vpc"

[resource.aws_nat_gateway.example]
allocation_id = "${aws_eip.nat[0].id}"
secondary_allocation_ids = ["${aws_eip.nat[1].id}"]
secondary_private_ip_addresses = ["10.0.1.77"]
subnet_id = "${aws_subnet.front.id}"
tags = { Name = "way-out", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_nat_gateway().client_token(cx.token).subnet_id(&self.subnet_id);
        let call = call.set_allocation_id(some(self.allocation_id.as_deref()));
        let call = call.set_connectivity_type(self.connectivity_type.as_deref().map(ConnectivityType::from));
        let call = call.set_private_ip_address(self.private_ip.as_ref().map(|ip| ip.to_string()));
        let call = call.set_secondary_allocation_ids(list(self.secondary_allocation_ids.as_ref(), String::clone));
        let call = call.set_secondary_private_ip_addresses(list(self.secondary_private_ip_addresses.as_ref(), |ip| ip.to_string()));
        let count = self.secondary_private_ip_address_count.filter(|_| self.secondary_private_ip_addresses.is_none());
        let call = call.set_secondary_private_ip_address_count(count.and_then(|n| i32::try_from(n).ok()));
        let made = call.set_tag_specifications(tagged(ResourceType::Natgateway, &self.tags_all)).send().await?;
        made.nat_gateway.and_then(|g| g.nat_gateway_id).ok_or_else(|| lacking("NAT gateway id"))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_nat_gateways().set_filter(Some(by_tags(&self.tags_all)));
        let found = call.filter(alive()).send().await?;
        let twin = |g: &Answer| alike(cx.cloud, g.tags(), &self.tags_all);
        Ok(found.nat_gateways.unwrap_or_default().into_iter().find(twin).and_then(|g| g.nat_gateway_id))
    }

    /// By its subnet, and by its address where it has one.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let call = cx.cloud.ec2.describe_nat_gateways().filter(by("subnet-id", [&self.subnet_id])).filter(alive());
        let found = call.send().await?.nat_gateways.unwrap_or_default();
        let address = some(self.allocation_id.as_deref());
        let has = |g: &Answer| g.nat_gateway_addresses().iter().any(|a| a.allocation_id() == address.as_deref());
        let fits = |g: &Answer| address.is_none() || has(g);
        Ok(found.into_iter().filter(fits).filter_map(|g| g.nat_gateway_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let there = by("state", ["pending", "available"]);
        let found: Vec<_> = cx.cloud.ec2.describe_nat_gateways().filter(there).into_paginator().items().send().try_collect().await?;
        Ok(Some(found.iter().filter_map(|g| Some(listing::listed(g.nat_gateway_id(), g.tags())?.costs())).collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_nat_gateways().filter(by_id("nat-gateway-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.nat_gateway_id())?;
            let status = match answer.state().map_or("", |s| s.as_str()) {
                "deleted" => return None,
                "available" | "" => addresses_status(answer.nat_gateway_addresses()),
                "failed" => Some(Status::Failed(reason(answer))),
                other => Some(Status::Pending(other.to_owned())),
            };
            if let Some(status) = status {
                cx.reads.says(Self::TYPE, &known.id, status);
            }
            Some(Live { id: known.id.clone(), value: gateway(answer) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let nothing = BTreeSet::new();
        let old = live.value.secondary_private_ip_addresses.as_ref();
        let wanted = self.secondary_private_ip_addresses.as_ref().or(old).unwrap_or(&nothing);
        let (gone, new) = crate::aws::delta(old.unwrap_or(&nothing), wanted);
        if self.is_private() {
            self.readdress(cx.cloud, &live.id, &gone, &new).await?;
        } else {
            self.reallocate(cx.cloud, live, &new).await?;
        }
        retag(cx.cloud, &live.id, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.delete_nat_gateway().nat_gateway_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("nat-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a NAT gateway")).help("give an id such as `nat-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let absent = |name: &str| given.attr(name).is_empty();
        let kind = given.attr("connectivity_type");
        let mut problems = vec![];
        if kind.as_str() == Some("private") {
            for name in ["allocation_id", "secondary_allocation_ids"] {
                if !absent(name) {
                    problems.push(Problem::new(name, "a private NAT gateway has no public address"));
                }
            }
        } else if !kind.is_unknown() {
            if absent("allocation_id") {
                let why = "a public NAT gateway needs an address: give `allocation_id`, or `connectivity_type = \"private\"`";
                problems.push(Problem::new("allocation_id", why));
            }
            if !absent("secondary_private_ip_address_count") {
                let why = "only a private NAT gateway takes a number; give `secondary_allocation_ids`";
                problems.push(Problem::new("secondary_private_ip_address_count", why));
            }
        }
        problems
    }

    /// Each further public address brings a private one along.
    fn plan(planned: &mut Planned<'_>) {
        let changed = |name: &str| planned.changed.iter().any(|c| c == name);
        let (ips, count) = ("secondary_private_ip_addresses", "secondary_private_ip_address_count");
        if planned.prior.is_none() {
            return;
        }
        let allocations = changed("secondary_allocation_ids");
        if allocations && !changed(ips) {
            *planned.want = std::mem::take(planned.want).with(ips, Value::unknown());
        }
        if (allocations || changed(ips)) && !changed(count) {
            *planned.want = std::mem::take(planned.want).with(count, Value::unknown());
            planned.keep.push(count.into());
        }
    }
}

impl NatGateway {
    fn is_private(&self) -> bool {
        self.connectivity_type.as_deref() == Some("private")
    }

    async fn readdress(&self, aws: &Aws, id: &str, gone: &[&Ip], new: &[&Ip]) -> Outcome<()> {
        let texts = |ips: &[&Ip]| Some(ips.iter().map(|ip| ip.to_string()).collect());
        if !new.is_empty() {
            aws.ec2.assign_private_nat_gateway_address().nat_gateway_id(id).set_private_ip_addresses(texts(new)).send().await?;
        }
        if !gone.is_empty() {
            aws.ec2.unassign_private_nat_gateway_address().nat_gateway_id(id).set_private_ip_addresses(texts(gone)).send().await?;
        }
        Ok(())
    }

    /// Private addresses come and go with the public ones.
    async fn reallocate(&self, aws: &Aws, live: &Live<Self>, ips: &[&Ip]) -> Outcome<()> {
        let nothing = BTreeSet::new();
        let of = |gateway: &'_ Self| gateway.secondary_allocation_ids.clone().unwrap_or_else(|| nothing.clone());
        let (old, wanted) = (of(&live.value), of(self));
        let (gone, new) = crate::aws::delta(&old, &wanted);
        if !gone.is_empty() {
            let found = aws.ec2.describe_nat_gateways().filter(by("nat-gateway-id", [&live.id])).send().await?;
            let addresses = found.nat_gateways().iter().flat_map(|g| g.nat_gateway_addresses());
            let leaving = addresses.filter(|a| a.allocation_id().is_some_and(|id| gone.iter().any(|g| *g == id)));
            let ids: Vec<String> = leaving.filter_map(|a| some(a.association_id())).collect();
            if !ids.is_empty() {
                aws.ec2.disassociate_nat_gateway_address().nat_gateway_id(&live.id).set_association_ids(Some(ids)).send().await?;
            }
        }
        if !new.is_empty() {
            let call = aws.ec2.associate_nat_gateway_address().nat_gateway_id(&live.id);
            let call = call.set_allocation_ids(Some(new.into_iter().cloned().collect()));
            let ips: Vec<String> = ips.iter().map(|ip| ip.to_string()).collect();
            call.set_private_ip_addresses((!ips.is_empty()).then_some(ips)).send().await?;
        }
        Ok(())
    }
}

/// A list for a call; none rather than an empty one.
fn list<T>(items: Option<&BTreeSet<T>>, text: impl Fn(&T) -> String) -> Option<Vec<String>> {
    items.filter(|items| !items.is_empty()).map(|items| items.iter().map(text).collect())
}

/// What was deleted is told of for an hour.
fn alive() -> aws_sdk_ec2::types::Filter {
    by("state", ["pending", "available"])
}

fn reason(answer: &Answer) -> String {
    let code = answer.failure_code().unwrap_or("failed");
    let help = if code == "Gateway.NotAttached" { ": its VPC has no internet gateway" } else { "" };
    format!("{code}: {}{help}", answer.failure_message().unwrap_or("no reason given"))
}

/// Whether addresses are still on their way.
fn addresses_status(addresses: &[NatGatewayAddress]) -> Option<Status> {
    addresses.iter().find_map(|address| match address.status().map_or("", |s| s.as_str()) {
        "failed" => Some(Status::Failed(address.failure_message().unwrap_or("an address failed").to_owned())),
        word @ ("assigning" | "associating" | "unassigning" | "disassociating") => Some(Status::Pending(format!("{word} an address"))),
        _ => None,
    })
}

fn gateway(answer: &Answer) -> NatGateway {
    let all = answer.nat_gateway_addresses();
    let is_primary = |a: &&NatGatewayAddress| a.is_primary() == Some(true) || all.len() == 1;
    let primary = all.iter().find(is_primary);
    let others = || all.iter().filter(|a| !is_primary(a));
    let ips: BTreeSet<Ip> = others().filter_map(|a| some(a.private_ip())).map(Ip).collect();
    NatGateway {
        allocation_id: primary.and_then(|a| some(a.allocation_id())),
        association_id: primary.and_then(|a| some(a.association_id())),
        connectivity_type: answer.connectivity_type().map(|t| t.as_str().to_owned()),
        network_interface_id: primary.and_then(|a| some(a.network_interface_id())),
        private_ip: primary.and_then(|a| some(a.private_ip())).map(Ip),
        public_ip: primary.and_then(|a| some(a.public_ip())),
        secondary_allocation_ids: Some(others().filter_map(|a| some(a.allocation_id())).collect()),
        secondary_private_ip_address_count: i64::try_from(ips.len()).ok(),
        secondary_private_ip_addresses: Some(ips),
        subnet_id: answer.subnet_id().unwrap_or_default().to_owned(),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
    }
}
