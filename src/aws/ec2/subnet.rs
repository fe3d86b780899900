//! Subnets.

use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, HostnameType, ResourceType, Subnet as Answer, SubnetIpv6CidrBlockAssociation};

use super::{INTENT_TAG, alike, by, by_id, by_tags, holders, retag, some, tagged, tags, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::{Arn, Cidr};
use crate::aws::wait::{Seen, until};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};

crate::blocks! {
    /// A part of a VPC's network, in one zone.
    pub struct Subnet {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether interfaces get an IPv6 address.
        #[attr(default_bool(false))]
        assign_ipv6_address_on_creation: Option<bool>,
        /// The zone that it lies in.
        #[attr(chosen, force_new, conflicts(&["availability_zone_id"]))]
        availability_zone: Option<String>,
        /// The id of that zone: unlike the name it is the same zone in every account.
        #[attr(chosen, force_new, conflicts(&["availability_zone"]))]
        availability_zone_id: Option<String>,
        /// Its IPv4 network, of /16 to /28, within that of the VPC. AWS keeps five addresses of it.
        #[attr(force_new)]
        cidr_block: Option<Cidr>,
        /// The pool of addresses of your own network.
        customer_owned_ipv4_pool: Option<String>,
        /// Whether names of the IPv4 world are told as IPv6 addresses.
        #[attr(default_bool(false))]
        enable_dns64: Option<bool>,
        /// The interface that is for the local network of an Outpost.
        enable_lni_at_device_index: Option<i64>,
        /// Whether names of instances lead to their IPv4 addresses.
        #[attr(default_bool(false))]
        enable_resource_name_dns_a_record_on_launch: Option<bool>,
        /// Whether names of instances lead to their IPv6 addresses.
        #[attr(default_bool(false))]
        enable_resource_name_dns_aaaa_record_on_launch: Option<bool>,
        /// Its IPv6 network, a /64 or larger of the VPC's.
        ipv6_cidr_block: Option<Cidr>,
        /// The tie between it and its IPv6 network.
        #[attr(computed)]
        ipv6_cidr_block_association_id: Option<String>,
        /// Whether it has IPv6 alone.
        #[attr(force_new, default_bool(false))]
        ipv6_native: Option<bool>,
        /// Whether interfaces get an address of your own network.
        map_customer_owned_ip_on_launch: Option<bool>,
        /// Whether interfaces get a public address: what makes it a public subnet, with a route to an internet gateway.
        #[attr(default_bool(false))]
        map_public_ip_on_launch: Option<bool>,
        /// The Outpost that it lies on.
        #[attr(force_new)]
        outpost_arn: Option<Arn>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// What names of instances are made of.
        #[attr(chosen, one_of(&["ip-name", "resource-name"]))]
        private_dns_hostname_type_on_launch: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPC that it belongs to.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: String,
    }
}

/// How long a change of the IPv6 network may take.
const IPV6: Duration = Duration::from_secs(180);

impl Resource for Subnet {
    const TYPE: &'static str = "aws_subnet";
    const UNIQUE: &'static [&'static str] = &["cidr_block", "vpc_id"];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("delete", "20m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateSubnet", code: "InvalidVpcID.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "ModifySubnetAttribute", code: "InvalidSubnetID.NotFound", message: "", within: Duration::from_secs(60) },
        // What a load balancer or a function leaves behind goes in its own time.
        Retry { operation: "DeleteSubnet", code: "DependencyViolation", message: "", within: Duration::from_secs(1200) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"
assign_generated_ipv6_cidr_block = true

[resource.aws_subnet.example]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"
availability_zone = "us-east-1a"
tags = { Name = "public-a" }
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"
assign_generated_ipv6_cidr_block = true

[resource.aws_subnet.example]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"
availability_zone = "us-east-1a"
map_public_ip_on_launch = true
ipv6_cidr_block = "${cidrsubnet(aws_vpc.net.ipv6_cidr_block, 8, 1)}"
assign_ipv6_address_on_creation = true
enable_dns64 = true
private_dns_hostname_type_on_launch = "resource-name"
enable_resource_name_dns_a_record_on_launch = true
enable_resource_name_dns_aaaa_record_on_launch = true
tags = { Name = "public-1", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_subnet().vpc_id(&self.vpc_id).set_cidr_block(self.cidr_block.as_ref().map(|c| c.to_string()));
        let call = call.set_availability_zone(some(self.availability_zone.as_deref()));
        let call = call.set_availability_zone_id(some(self.availability_zone_id.as_deref()));
        let call = call.set_ipv6_cidr_block(self.ipv6().map(str::to_owned)).set_ipv6_native(self.ipv6_native.filter(|yes| *yes));
        let call = call.set_outpost_arn(self.outpost_arn.as_ref().map(|arn| arn.to_string()));
        let call = call.set_tag_specifications(tagged(ResourceType::Subnet, &with_intent(&self.tags_all, cx.token)));
        let made = call.send().await.map_err(|error| overlaps(error.into()))?;
        made.subnet.and_then(|s| s.subnet_id).ok_or_else(|| lacking("subnet id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_subnets().filters(by("vpc-id", [&self.vpc_id]));
        let found = call.filters(by(&format!("tag:{INTENT_TAG}"), [cx.token])).send().await?;
        Ok(found.subnets.unwrap_or_default().into_iter().find_map(|s| s.subnet_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_subnets().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |s: &Answer| alike(cx.cloud, s.tags(), &self.tags_all);
        Ok(found.subnets.unwrap_or_default().into_iter().find(twin).and_then(|s| s.subnet_id))
    }

    /// By its network: no two of a VPC overlap.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let filter = match (self.cidr_block.as_deref(), self.ipv6()) {
            (Some(cidr), _) => by("cidr-block", [cidr]),
            (None, Some(ipv6)) => by("ipv6-cidr-block-association.ipv6-cidr-block", [ipv6]),
            (None, None) => return Ok(vec![]),
        };
        let found = cx.cloud.ec2.describe_subnets().filters(by("vpc-id", [&self.vpc_id])).filters(filter).send().await?;
        Ok(found.subnets.unwrap_or_default().into_iter().filter_map(|s| s.subnet_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_subnets().into_paginator().items().send().try_collect().await?;
        let listed = found
            .iter()
            .filter_map(|s| Some(listing::listed(s.subnet_id(), s.tags())?.noise(s.default_for_az() == Some(true), "of the default VPC")));
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_subnets().filters(by_id("subnet-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.subnet_id())?;
            let state = answer.state().map_or("", |s| s.as_str());
            if !matches!(state, "available" | "") {
                cx.reads.says(Self::TYPE, &known.id, Status::Pending(state.to_owned()));
            }
            for association in answer.ipv6_cidr_block_association_set() {
                match ipv6_state(association) {
                    "associating" => cx.reads.says(Self::TYPE, &known.id, Status::Pending("associating an IPv6 network".into())),
                    "failed" | "failing" => {
                        let why = association.ipv6_cidr_block_state().and_then(|s| s.status_message()).unwrap_or("no reason given");
                        cx.reads.says(Self::TYPE, &known.id, Status::Failed(format!("its IPv6 network failed: {why}")));
                    }
                    _ => {}
                }
            }
            Some(Live { id: known.id.clone(), value: subnet(answer) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        // What needs an IPv6 network goes off before the network does, and on after.
        self.switch(cx.cloud, live, false).await?;
        if self.ipv6() != old.ipv6() {
            self.move_ipv6(cx.cloud, &live.id, old.ipv6_cidr_block_association_id.as_deref()).await?;
        }
        self.switch(cx.cloud, live, true).await?;
        self.settle(cx.cloud, live).await?;
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        match cx.cloud.ec2.delete_subnet().subnet_id(&live.id).send().await.map_err(Into::into) {
            Ok(_) => Ok(()),
            Err(failure) => Err(holders::of_subnet(cx.cloud, &live.id, failure).await),
        }
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("subnet-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a subnet")).help("give an id such as `subnet-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let (absent, text) = (|name: &str| given.attr(name).is_empty(), |name: &str| given.attr(name).as_str());
        let mut problems = vec![];
        let mut wrong = |name: &str, why: &str| problems.push(Problem::new(name, why));
        let native = given.attr("ipv6_native").as_bool() == Some(true);
        if native && !absent("cidr_block") {
            wrong("cidr_block", "a subnet with `ipv6_native = true` has no IPv4 network");
        }
        if native && absent("ipv6_cidr_block") {
            wrong("ipv6_cidr_block", "a subnet with `ipv6_native = true` needs `ipv6_cidr_block`");
        }
        if !native && !given.attr("ipv6_native").is_unknown() && absent("cidr_block") {
            wrong("cidr_block", "a subnet needs `cidr_block`, or `ipv6_native = true` and `ipv6_cidr_block`");
        }
        match text("cidr_block").map(str::parse::<ipnet::IpNet>) {
            Some(Ok(ipnet::IpNet::V4(net))) if (16..=28).contains(&net.prefix_len()) => {}
            Some(Ok(_)) => wrong("cidr_block", "the network of a subnet is an IPv4 network of /16 to /28"),
            _ => {}
        }
        if matches!(text("ipv6_cidr_block").map(str::parse::<ipnet::IpNet>), Some(Ok(ipnet::IpNet::V4(_)))) {
            wrong("ipv6_cidr_block", "this is an IPv4 network; it should be an IPv6 network such as `2001:db8::/64`");
        }
        for name in ["assign_ipv6_address_on_creation", "enable_dns64"] {
            if given.attr(name).as_bool() == Some(true) && absent("ipv6_cidr_block") {
                wrong(name, "this needs an IPv6 network: `ipv6_cidr_block`");
            }
        }
        let own = ["customer_owned_ipv4_pool", "map_customer_owned_ip_on_launch", "outpost_arn"];
        let owned = ["customer_owned_ipv4_pool", "map_customer_owned_ip_on_launch"].into_iter().find(|name| !absent(name));
        if let (Some(given), Some(missing)) = (owned, own.into_iter().find(|name| absent(name))) {
            wrong(given, &format!("addresses of your own network need `{missing}` too"));
        }
        problems
    }

    /// An IPv6 network that interfaces take addresses of can't be taken away.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        if !planned.changed.iter().any(|c| c == "ipv6_cidr_block") {
            return;
        }
        let assigns = prior.attr("assign_ipv6_address_on_creation").as_bool() == Some(true);
        if assigns && !prior.attr("ipv6_cidr_block").is_empty() && !planned.want.attr("ipv6_cidr_block").is_empty() {
            planned.replace.push("ipv6_cidr_block".into());
        }
        *planned.want = std::mem::take(planned.want).with("ipv6_cidr_block_association_id", Value::unknown());
    }
}

fn yes(value: Option<bool>) -> bool {
    value == Some(true)
}

fn value(on: bool) -> AttributeBooleanValue {
    AttributeBooleanValue::builder().value(on).build()
}

impl Subnet {
    fn ipv6(&self) -> Option<&str> {
        self.ipv6_cidr_block.as_deref().filter(|net| !net.is_empty())
    }

    /// Switches what needs an IPv6 network, as far as it should be `on`. EC2 takes one attribute a call.
    async fn switch(&self, aws: &Aws, live: &Live<Self>, on: bool) -> Outcome<()> {
        let (old, modify) = (&live.value, || aws.ec2.modify_subnet_attribute().subnet_id(&live.id));
        let turns = |want: Option<bool>, have: Option<bool>| yes(want) != yes(have) && yes(want) == on;
        if turns(self.assign_ipv6_address_on_creation, old.assign_ipv6_address_on_creation) {
            modify().assign_ipv6_address_on_creation(value(on)).send().await?;
        }
        if turns(self.enable_dns64, old.enable_dns64) {
            modify().enable_dns64(value(on)).send().await?;
        }
        let aaaa = |subnet: &Self| subnet.enable_resource_name_dns_aaaa_record_on_launch;
        if turns(aaaa(self), aaaa(old)) {
            modify().enable_resource_name_dns_aaaa_record_on_launch(value(on)).send().await?;
        }
        Ok(())
    }

    /// Sets all else that differs.
    async fn settle(&self, aws: &Aws, live: &Live<Self>) -> Outcome<()> {
        let (old, modify) = (&live.value, || aws.ec2.modify_subnet_attribute().subnet_id(&live.id));
        if yes(self.map_public_ip_on_launch) != yes(old.map_public_ip_on_launch) {
            modify().map_public_ip_on_launch(value(yes(self.map_public_ip_on_launch))).send().await?;
        }
        let record = |subnet: &Self| yes(subnet.enable_resource_name_dns_a_record_on_launch);
        if record(self) != record(old) {
            modify().enable_resource_name_dns_a_record_on_launch(value(record(self))).send().await?;
        }
        let kind = some(self.private_dns_hostname_type_on_launch.as_deref());
        if let Some(kind) = kind.filter(|kind| Some(kind) != old.private_dns_hostname_type_on_launch.as_ref()) {
            modify().private_dns_hostname_type_on_launch(HostnameType::from(kind.as_str())).send().await?;
        }
        let owned = |subnet: &Self| (yes(subnet.map_customer_owned_ip_on_launch), some(subnet.customer_owned_ipv4_pool.as_deref()));
        if owned(self) != owned(old) {
            let (on, pool) = owned(self);
            modify().map_customer_owned_ip_on_launch(value(on)).set_customer_owned_ipv4_pool(pool).send().await?;
        }
        let index = |subnet: &Self| subnet.enable_lni_at_device_index.and_then(|n| i32::try_from(n).ok()).filter(|n| *n != 0);
        match index(self) {
            Some(at) if Some(at) != index(old) => drop(modify().enable_lni_at_device_index(at).send().await?),
            None if index(old).is_some() => drop(modify().disable_lni_at_device_index(value(true)).send().await?),
            _ => {}
        }
        Ok(())
    }

    /// Takes the old IPv6 network away and gives it the new one. EC2 has no call for both: in between it has none.
    async fn move_ipv6(&self, aws: &Aws, id: &str, old: Option<&str>) -> Outcome<()> {
        if let Some(old) = old.filter(|old| !old.is_empty()) {
            aws.ec2.disassociate_subnet_cidr_block().association_id(old).send().await?;
            until(&format!("the IPv6 network of {id}"), "gone", IPV6, || async {
                let found = aws.ec2.describe_subnets().filters(by("subnet-id", [id])).send().await?;
                let mut left = found.subnets().iter().flat_map(|s| s.ipv6_cidr_block_association_set());
                let state = left.find(|a| a.association_id() == Some(old)).map(ipv6_state).filter(|state| *state != "disassociated");
                Ok(state.map_or(Seen::Done(()), |state| Seen::Not(state.to_owned())))
            })
            .await?;
        }
        if let Some(new) = self.ipv6() {
            aws.ec2.associate_subnet_cidr_block().subnet_id(id).ipv6_cidr_block(new).send().await?;
        }
        Ok(())
    }
}

fn ipv6_state(association: &SubnetIpv6CidrBlockAssociation) -> &str {
    association.ipv6_cidr_block_state().and_then(|s| s.state()).map_or("", |s| s.as_str())
}

fn overlaps(failure: Failure) -> Failure {
    match failure.code.as_str() {
        "InvalidSubnet.Conflict" => failure.help("another subnet of the VPC has these addresses: choose others, or import that one"),
        "InvalidSubnet.Range" => failure.help("the network has to lie within that of the VPC"),
        _ => failure,
    }
}

fn subnet(answer: &Answer) -> Subnet {
    let ipv6 = answer.ipv6_cidr_block_association_set().iter().find(|a| ipv6_state(a) == "associated");
    let names = answer.private_dns_name_options_on_launch();
    Subnet {
        arn: some(answer.subnet_arn()),
        assign_ipv6_address_on_creation: Some(answer.assign_ipv6_address_on_creation().unwrap_or(false)),
        availability_zone: some(answer.availability_zone()),
        availability_zone_id: some(answer.availability_zone_id()),
        cidr_block: some(answer.cidr_block()).map(Cidr),
        customer_owned_ipv4_pool: some(answer.customer_owned_ipv4_pool()),
        enable_dns64: Some(answer.enable_dns64().unwrap_or(false)),
        enable_lni_at_device_index: answer.enable_lni_at_device_index().map(i64::from),
        enable_resource_name_dns_a_record_on_launch: names.and_then(|n| n.enable_resource_name_dns_a_record()),
        enable_resource_name_dns_aaaa_record_on_launch: names.and_then(|n| n.enable_resource_name_dns_aaaa_record()),
        ipv6_cidr_block: ipv6.and_then(|a| some(a.ipv6_cidr_block())).map(Cidr),
        ipv6_cidr_block_association_id: ipv6.and_then(|a| some(a.association_id())),
        ipv6_native: Some(answer.ipv6_native().unwrap_or(false)),
        map_customer_owned_ip_on_launch: Some(answer.map_customer_owned_ip_on_launch().unwrap_or(false)),
        map_public_ip_on_launch: Some(answer.map_public_ip_on_launch().unwrap_or(false)),
        outpost_arn: some(answer.outpost_arn()).map(Arn),
        owner_id: some(answer.owner_id()),
        private_dns_hostname_type_on_launch: names.and_then(|n| some(n.hostname_type().map(|t| t.as_str()))),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
        vpc_id: answer.vpc_id().unwrap_or_default().to_owned(),
    }
}
