//! VPC endpoints.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_ec2::types::{
    DnsOptionsSpecification, DnsRecordIpType, IpAddressType, NetworkInterface, PrefixList, ResourceType, SubnetConfiguration as SubnetSent,
    VpcEndpoint as Answer, VpcEndpointType,
};

use super::{alike, arn_of, by, by_id, by_tags, retag, some, tagged, tags, unsuccessful};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::{Arn, Policy};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Problem, Resource, Retry, Status, Tags, Then};

crate::text!(
    /// A kind of IP addresses: EC2 answers it in small letters or large ones.
    pub IpKind, "kind of IP addresses", normal_kind, |a, b| a.eq_ignore_ascii_case(b)
);

fn normal_kind(text: &str) -> Result<String, String> {
    let known = ["ipv4", "dualstack", "ipv6"].into_iter().any(|kind| kind.eq_ignore_ascii_case(text));
    if known { Ok(text.to_owned()) } else { Err("`ipv4`, `dualstack` or `ipv6`".into()) }
}

crate::blocks! {
    /// A way from a VPC to a service that does not lead over the internet.
    pub struct VpcEndpoint {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether to let it in at the service, where that is one of the same account.
        auto_accept: Option<bool>,
        /// The networks of the service, of a gateway endpoint.
        #[attr(computed)]
        cidr_blocks: Vec<String>,
        /// Its names.
        #[attr(computed)]
        dns_entry: Vec<DnsEntry>,
        /// Which names it gets.
        #[attr(chosen)]
        dns_options: Option<DnsChoice>,
        /// The kind of its addresses.
        #[attr(chosen)]
        ip_address_type: Option<IpKind>,
        /// Its network interfaces.
        #[attr(computed)]
        network_interface_ids: BTreeSet<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// What may be done over it; everything where left out.
        #[attr(chosen)]
        policy: Option<Policy>,
        /// The prefix list of the service, of a gateway endpoint: for rules and routes.
        #[attr(computed)]
        prefix_list_id: Option<String>,
        /// Whether the service's public names lead to it from within the VPC.
        #[attr(chosen)]
        private_dns_enabled: Option<bool>,
        /// Whether another service has made it.
        #[attr(computed)]
        requester_managed: Option<bool>,
        /// The resource that it leads to, in place of a service.
        #[attr(force_new, conflicts(&["service_name", "service_network_arn"]))]
        resource_configuration_arn: Option<Arn>,
        /// The tables that get a route to it, of a gateway endpoint.
        #[attr(chosen, refers("aws_route_table.id"))]
        route_table_ids: Option<BTreeSet<String>>,
        /// The security groups of its interfaces; the VPC's default one where left out.
        #[attr(chosen, refers("aws_security_group.id"))]
        security_group_ids: Option<BTreeSet<String>>,
        /// The service, `com.amazonaws.us-east-1.s3`.
        #[attr(force_new, conflicts(&["resource_configuration_arn", "service_network_arn"]))]
        service_name: Option<String>,
        /// The network of services that it leads to, in place of a service.
        #[attr(force_new, conflicts(&["resource_configuration_arn", "service_name"]))]
        service_network_arn: Option<Arn>,
        /// The region of the service, where it is another.
        #[attr(chosen, force_new)]
        service_region: Option<String>,
        /// `available`, or why not.
        #[attr(computed)]
        state: Option<String>,
        /// Which addresses it has in which subnet; the subnets stand in `subnet_ids` too.
        #[attr(chosen)]
        subnet_configuration: BTreeSet<SubnetAddresses>,
        /// The subnets of its interfaces.
        #[attr(chosen, refers("aws_subnet.id"))]
        subnet_ids: Option<BTreeSet<String>>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// What kind of endpoint: `Gateway` is for S3 and DynamoDB, and free of charge.
        #[attr(force_new, default_text("Gateway"), one_of(&["Gateway", "Interface", "GatewayLoadBalancer", "Resource", "ServiceNetwork"]))]
        vpc_endpoint_type: Option<String>,
        /// The VPC.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: String,
    }

    /// A name.
    pub struct DnsEntry {
        /// The name.
        dns_name: Option<String>,
        /// The zone that it is in.
        hosted_zone_id: Option<String>,
    }

    /// Which names it gets.
    pub struct DnsChoice {
        /// The kind of records.
        #[attr(chosen, one_of(&["ipv4", "dualstack", "ipv6", "service-defined"]))]
        dns_record_ip_type: Option<String>,
        /// Whether the private names are for the inbound resolver alone, of S3's interface endpoint.
        private_dns_only_for_inbound_resolver_endpoint: Option<bool>,
    }

    /// Addresses in a subnet.
    pub struct SubnetAddresses {
        /// The IPv4 address.
        ipv4: Option<String>,
        /// The IPv6 address.
        ipv6: Option<String>,
        /// The subnet.
        #[attr(refers("aws_subnet.id"))]
        subnet_id: Option<String>,
    }
}

impl Resource for VpcEndpoint {
    const TYPE: &'static str = "aws_vpc_endpoint";
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_subnet", through: "subnet_ids", then: Then::Replaced },
        Hold { kind: "aws_security_group", through: "security_group_ids", then: Then::Refused },
    ];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("update", "10m"), ("delete", "10m")];
    const LINGERS: bool = true;
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateVpcEndpoint", code: "InvalidVpcId.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateVpcEndpoint", code: "InvalidRouteTableId.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateVpcEndpoint", code: "InvalidSubnetId.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateTags", code: "InvalidVpcEndpointId.NotFound", message: "", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_region.here]

[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_route_table.private]
count = 2
vpc_id = "${aws_vpc.net.id}"

[resource.aws_vpc_endpoint.example]
vpc_id = "${aws_vpc.net.id}"
service_name = "com.amazonaws.${data.aws_region.here.name}.s3"
route_table_ids = ["${aws_route_table.private[0].id}"]
tags = { Name = "s3" }
---
[data.aws_region.here]

[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_route_table.private]
count = 2
vpc_id = "${aws_vpc.net.id}"

[resource.aws_vpc_endpoint.example]
vpc_id = "${aws_vpc.net.id}"
service_name = "com.amazonaws.${data.aws_region.here.name}.s3"
route_table_ids = ["${aws_route_table.private[1].id}"]
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}'
tags = { Name = "objects", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let arn = |arn: &Option<Arn>| arn.as_ref().and_then(|arn| some(Some(arn)));
        let call = cx.cloud.ec2.create_vpc_endpoint().client_token(cx.token).vpc_id(&self.vpc_id);
        let call = call.set_service_name(some(self.service_name.as_deref())).set_service_region(some(self.service_region.as_deref()));
        let call = call.set_resource_configuration_arn(arn(&self.resource_configuration_arn));
        let call = call.set_service_network_arn(arn(&self.service_network_arn));
        let call = call.set_vpc_endpoint_type(self.vpc_endpoint_type.as_deref().map(VpcEndpointType::from));
        let call = call.set_policy_document(self.policy.as_deref().and_then(|policy| some(Some(policy))));
        let call = call.set_route_table_ids(list(self.route_table_ids.as_ref())).set_subnet_ids(list(self.subnet_ids.as_ref()));
        let call = call.set_security_group_ids(list(self.security_group_ids.as_ref())).set_subnet_configurations(self.addresses());
        // Only what has interfaces has names of its own.
        let interface = self.vpc_endpoint_type.as_deref() == Some("Interface");
        let call = call.set_private_dns_enabled(self.private_dns_enabled.or(Some(false)).filter(|on| *on || interface));
        let call = call.set_dns_options(self.dns()).set_ip_address_type(self.ip_kind());
        let made = call.set_tag_specifications(tagged(ResourceType::VpcEndpoint, &self.tags_all)).send().await?;
        made.vpc_endpoint.and_then(|e| e.vpc_endpoint_id).ok_or_else(|| lacking("VPC endpoint id"))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_vpc_endpoints().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |e: &Answer| alike(cx.cloud, e.tags(), &self.tags_all) && !is_gone(e);
        Ok(found.vpc_endpoints.unwrap_or_default().into_iter().find(twin).and_then(|e| e.vpc_endpoint_id))
    }

    /// By its VPC, service and kind.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some(service) = some(self.service_name.as_deref()) else { return Ok(vec![]) };
        let call = cx.cloud.ec2.describe_vpc_endpoints().filters(by("vpc-id", [&self.vpc_id])).filters(by("service-name", [service]));
        let found = call.send().await?.vpc_endpoints.unwrap_or_default();
        let kind = self.vpc_endpoint_type.as_deref().unwrap_or("Gateway");
        let fits = |e: &Answer| !is_gone(e) && e.vpc_endpoint_type().is_none_or(|t| t.as_str() == kind);
        Ok(found.into_iter().filter(fits).filter_map(|e| e.vpc_endpoint_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_vpc_endpoints().into_paginator().items().send().try_collect().await?;
        let gone = |state: &str| ["deleting", "deleted", "failed", "rejected", "expired"].contains(&state.to_lowercase().as_str());
        let listed = found.iter().filter(|e| !e.state().is_some_and(|s| gone(s.as_str()))).filter_map(|e| {
            let listed =
                listing::listed(e.vpc_endpoint_id(), e.tags())?.noise(e.requester_managed() == Some(true), "kept by an AWS service");
            Some(if e.vpc_endpoint_type().is_some_and(|t| t.as_str() == "Gateway") { listed } else { listed.costs() })
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_vpc_endpoints().filters(by_id("vpc-endpoint-id", known));
        let mut found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        found.retain(|endpoint| state(endpoint) != "deleted");
        let (lists, nics) = futures::try_join!(prefix_lists(cx.cloud, &found), interfaces(cx.cloud, &found))?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.vpc_endpoint_id())?;
            let status = match state(answer).as_str() {
                "available" | "pendingacceptance" | "" => None,
                word @ ("failed" | "rejected" | "expired" | "partial") => {
                    let why = answer.last_error().and_then(|e| e.message()).or(answer.failure_reason()).unwrap_or("no reason given");
                    Some(Status::Failed(format!("{word}: {why}")))
                }
                word => Some(Status::Pending(word.to_owned())),
            };
            if let Some(status) = status {
                cx.reads.says(Self::TYPE, &known.id, status);
            }
            Some(Live { id: known.id.clone(), value: endpoint(cx.cloud, answer, &lists, &nics, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        if self.auto_accept == Some(true) && old.auto_accept != Some(true) {
            self.accept(cx.cloud, &live.id).await?;
        }
        self.modify(cx.cloud, live).await?;
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let answer = cx.cloud.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&live.id).send().await?;
        unsuccessful("DeleteVpcEndpoints", answer.unsuccessful())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("vpce-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a VPC endpoint")).help("give an id such as `vpce-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let absent = |name: &str| given.attr(name).is_empty();
        let mut problems = vec![];
        let mut wrong = |name: &str, why: &str| problems.push(Problem::new(name, why));
        if absent("service_name") && absent("resource_configuration_arn") && absent("service_network_arn") {
            wrong("service_name", "where it leads is missing: give `service_name`, such as `com.amazonaws.us-east-1.s3`");
        }
        let kind = given.attr("vpc_endpoint_type");
        let kind = if kind.is_null() { Some("Gateway") } else { kind.as_str() };
        if kind == Some("Gateway") {
            for name in ["subnet_ids", "security_group_ids", "subnet_configuration", "private_dns_enabled"] {
                if !absent(name) && given.attr(name).as_bool() != Some(false) {
                    wrong(name, "a gateway endpoint has no interfaces: set `vpc_endpoint_type = \"Interface\"`");
                }
            }
        } else if kind.is_some() && !absent("route_table_ids") {
            wrong("route_table_ids", "only a gateway endpoint writes routes");
        }
        if kind == Some("GatewayLoadBalancer") && given.attr("subnet_ids").items().len() > 1 {
            wrong("subnet_ids", "the endpoint of a Gateway Load Balancer lies in one subnet");
        }
        problems
    }
}

impl VpcEndpoint {
    fn addresses(&self) -> Option<Vec<SubnetSent>> {
        let sent = |a: &SubnetAddresses| {
            let call = SubnetSent::builder().set_subnet_id(some(a.subnet_id.as_deref()));
            call.set_ipv4(some(a.ipv4.as_deref())).set_ipv6(some(a.ipv6.as_deref())).build()
        };
        (!self.subnet_configuration.is_empty()).then(|| self.subnet_configuration.iter().map(sent).collect())
    }

    fn dns(&self) -> Option<DnsOptionsSpecification> {
        self.dns_options.as_ref().map(|dns| {
            let kind = some(dns.dns_record_ip_type.as_deref()).map(|kind| DnsRecordIpType::from(kind.as_str()));
            let only = dns.private_dns_only_for_inbound_resolver_endpoint.filter(|yes| *yes);
            let call = DnsOptionsSpecification::builder().set_dns_record_ip_type(kind);
            call.set_private_dns_only_for_inbound_resolver_endpoint(only).build()
        })
    }

    fn ip_kind(&self) -> Option<IpAddressType> {
        let kind = self.ip_address_type.as_deref().map(str::to_ascii_lowercase);
        kind.filter(|kind| !kind.is_empty()).map(|kind| IpAddressType::from(kind.as_str()))
    }

    /// One call for all that differs; none where nothing does.
    async fn modify(&self, aws: &Aws, live: &Live<Self>) -> Outcome<()> {
        let (old, nothing, mut differs) = (&live.value, BTreeSet::new(), false);
        let mut delta = |want: Option<&BTreeSet<String>>, have: Option<&BTreeSet<String>>| {
            let have = have.unwrap_or(&nothing);
            let (gone, new) = crate::aws::delta(have, want.unwrap_or(have));
            differs |= !(gone.is_empty() && new.is_empty());
            let ids = |ids: Vec<&String>| (!ids.is_empty()).then(|| ids.into_iter().cloned().collect::<Vec<String>>());
            (ids(new), ids(gone))
        };
        let call = aws.ec2.modify_vpc_endpoint().vpc_endpoint_id(&live.id);
        let (new, gone) = delta(self.route_table_ids.as_ref(), old.route_table_ids.as_ref());
        let call = call.set_add_route_table_ids(new).set_remove_route_table_ids(gone);
        let (new, gone) = delta(self.subnet_ids.as_ref(), old.subnet_ids.as_ref());
        let call = call.set_add_subnet_ids(new).set_remove_subnet_ids(gone);
        let (new, gone) = delta(self.security_group_ids.as_ref(), old.security_group_ids.as_ref());
        let mut call = call.set_add_security_group_ids(new).set_remove_security_group_ids(gone);
        if let Some(policy) = self.policy.as_ref().filter(|policy| Some(*policy) != old.policy.as_ref()) {
            differs = true;
            call = if policy.is_empty() { call.reset_policy(true) } else { call.policy_document(&**policy) };
        }
        let named = self.private_dns_enabled != old.private_dns_enabled;
        if named || self.dns_options.is_some() && self.dns_options != old.dns_options {
            differs = true;
            call = call.set_private_dns_enabled(self.private_dns_enabled.filter(|_| named)).set_dns_options(self.dns());
        }
        if self.ip_kind().is_some() && self.ip_kind() != old.ip_kind() {
            differs = true;
            call = call.set_ip_address_type(self.ip_kind());
        }
        if !self.subnet_configuration.is_empty() && self.subnet_configuration != old.subnet_configuration {
            differs = true;
            call = call.set_subnet_configurations(self.addresses());
        }
        if differs {
            call.send().await?;
        }
        Ok(())
    }

    /// Lets it in at the service, which has to be one of the same account.
    async fn accept(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let name = self.service_name.clone().unwrap_or_default();
        let call = aws.ec2.describe_vpc_endpoint_service_configurations().filters(by("service-name", [&name]));
        let found = call.send().await?.service_configurations.unwrap_or_default();
        let service = found.into_iter().find_map(|s| s.service_id).ok_or_else(|| {
            Failure::other(format!("{name} is no service of this account, so that its owner has to let the endpoint in"))
                .help("leave `auto_accept` out, and ask the owner")
        })?;
        let answer = aws.ec2.accept_vpc_endpoint_connections().service_id(service).vpc_endpoint_ids(id).send().await?;
        unsuccessful("AcceptVpcEndpointConnections", answer.unsuccessful())
    }
}

/// A list for a call; none rather than an empty one.
fn list(items: Option<&BTreeSet<String>>) -> Option<Vec<String>> {
    items.filter(|items| !items.is_empty()).map(|items| items.iter().cloned().collect())
}

/// Its state in small letters: EC2 answers it in both.
fn state(endpoint: &Answer) -> String {
    endpoint.state().map_or_else(String::new, |s| s.as_str().to_ascii_lowercase())
}

fn is_gone(endpoint: &Answer) -> bool {
    matches!(state(endpoint).as_str(), "deleted" | "deleting" | "failed" | "rejected" | "expired")
}

/// The prefix lists of the services that gateway endpoints lead to, by the service's name.
async fn prefix_lists(aws: &Aws, endpoints: &[Answer]) -> Outcome<BTreeMap<String, PrefixList>> {
    let gateways = endpoints.iter().filter(|e| e.vpc_endpoint_type().is_none_or(|t| t.as_str() == "Gateway"));
    let names: BTreeSet<String> = gateways.filter_map(|e| some(e.service_name())).collect();
    if names.is_empty() {
        return Ok(BTreeMap::new());
    }
    let call = aws.ec2.describe_prefix_lists().filters(by("prefix-list-name", names));
    let found: Vec<PrefixList> = call.into_paginator().items().send().try_collect().await?;
    Ok(found.into_iter().filter_map(|list| Some((list.prefix_list_name.clone()?, list))).collect())
}

/// The interfaces of all those endpoints, by id.
async fn interfaces(aws: &Aws, endpoints: &[Answer]) -> Outcome<BTreeMap<String, NetworkInterface>> {
    let ids: Vec<String> = endpoints.iter().flat_map(|e| e.network_interface_ids()).cloned().collect();
    let mut all = BTreeMap::new();
    for some in ids.chunks(super::VALUES) {
        let call = aws.ec2.describe_network_interfaces().filters(by("network-interface-id", some));
        let found: Vec<NetworkInterface> = call.into_paginator().items().send().try_collect().await?;
        all.extend(found.into_iter().filter_map(|nic| Some((nic.network_interface_id.clone()?, nic))));
    }
    Ok(all)
}

fn endpoint(
    aws: &Aws,
    answer: &Answer,
    lists: &BTreeMap<String, PrefixList>,
    nics: &BTreeMap<String, NetworkInterface>,
    prior: Option<&VpcEndpoint>,
) -> VpcEndpoint {
    let (id, owner) = (answer.vpc_endpoint_id().unwrap_or_default(), answer.owner_id().unwrap_or_default());
    let kind = answer.vpc_endpoint_type().map(|t| t.as_str()).filter(|t| !t.is_empty()).unwrap_or("Gateway");
    let list = answer.service_name().filter(|_| kind == "Gateway").and_then(|name| lists.get(name));
    let addresses = answer.network_interface_ids().iter().filter_map(|id| nics.get(id)).map(|nic| SubnetAddresses {
        ipv4: some(nic.private_ip_address()),
        ipv6: nic.ipv6_addresses().first().and_then(|ip| some(ip.ipv6_address())),
        subnet_id: some(nic.subnet_id()),
    });
    VpcEndpoint {
        arn: Some(arn_of(aws, owner, &format!("vpc-endpoint/{id}"))),
        auto_accept: prior.and_then(|p| p.auto_accept).map(|accept| accept && state(answer) != "pendingacceptance"),
        cidr_blocks: list.map(|list| list.cidrs().to_vec()).unwrap_or_default(),
        dns_entry: answer
            .dns_entries()
            .iter()
            .map(|entry| DnsEntry { dns_name: some(entry.dns_name()), hosted_zone_id: some(entry.hosted_zone_id()) })
            .collect(),
        dns_options: answer.dns_options().map(|dns| DnsChoice {
            dns_record_ip_type: dns.dns_record_ip_type().and_then(|t| some(Some(t.as_str()))),
            private_dns_only_for_inbound_resolver_endpoint: dns.private_dns_only_for_inbound_resolver_endpoint(),
        }),
        ip_address_type: answer.ip_address_type().and_then(|t| some(Some(t.as_str()))).map(IpKind),
        network_interface_ids: answer.network_interface_ids().iter().cloned().collect(),
        owner_id: some(Some(owner)),
        policy: some(answer.policy_document()).map(Policy),
        prefix_list_id: list.and_then(|list| some(list.prefix_list_id())),
        private_dns_enabled: Some(answer.private_dns_enabled().unwrap_or(false)),
        requester_managed: Some(answer.requester_managed().unwrap_or(false)),
        resource_configuration_arn: some(answer.resource_configuration_arn()).map(Arn),
        route_table_ids: Some(answer.route_table_ids().iter().cloned().collect()),
        security_group_ids: Some(answer.groups().iter().filter_map(|g| some(g.group_id())).collect()),
        service_name: some(answer.service_name()),
        service_network_arn: some(answer.service_network_arn()).map(Arn),
        service_region: some(answer.service_region()),
        state: answer.state().map(|s| s.as_str().to_owned()),
        subnet_configuration: addresses.collect(),
        subnet_ids: Some(answer.subnet_ids().iter().cloned().collect()),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
        vpc_endpoint_type: Some(kind.to_owned()),
        vpc_id: answer.vpc_id().unwrap_or_default().to_owned(),
    }
}
