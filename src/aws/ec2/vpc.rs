//! VPCs.

use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, Tenancy, Vpc as Answer, VpcTenancy};

use super::vpc_read::{Defaults, associations, defaults, flags, ipv6_of, vpc};
use super::{INTENT_TAG, alike, by, by_id, by_tags, holders, retag, some, tagged, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::Cidr;
use crate::aws::wait::{Seen, until};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags};

crate::blocks! {
    /// A network of your own in AWS, in which subnets lie.
    pub struct Vpc {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether Amazon gives it an IPv6 network. Another one is another network: what uses the old one has to go first.
        #[attr(conflicts(&["ipv6_ipam_pool_id"]))]
        assign_generated_ipv6_cidr_block: Option<bool>,
        /// Its IPv4 network, of /16 to /28.
        #[attr(chosen, force_new, conflicts(&["ipv4_netmask_length"]))]
        cidr_block: Option<Cidr>,
        /// The network ACL of subnets that have none of their own.
        #[attr(computed)]
        default_network_acl_id: Option<String>,
        /// The route table that it came with.
        #[attr(computed)]
        default_route_table_id: Option<String>,
        /// The security group of what has none of its own.
        #[attr(computed)]
        default_security_group_id: Option<String>,
        /// Its DHCP options.
        #[attr(computed)]
        dhcp_options_id: Option<String>,
        /// Whether instances with a public address get a public name.
        #[attr(chosen)]
        enable_dns_hostnames: Option<bool>,
        /// Whether AWS's name server answers in it.
        #[attr(default_bool(true))]
        enable_dns_support: Option<bool>,
        /// Whether the use of its addresses is measured.
        #[attr(chosen)]
        enable_network_address_usage_metrics: Option<bool>,
        /// On whose hardware its instances run.
        #[attr(default_text("default"), one_of(&["default", "dedicated"]))]
        instance_tenancy: Option<String>,
        /// The IPAM pool that its IPv4 network comes from.
        #[attr(force_new)]
        ipv4_ipam_pool_id: Option<String>,
        /// How long the prefix of its IPv4 network is, where a pool gives it.
        #[attr(force_new, within(16, 28), conflicts(&["cidr_block"]))]
        ipv4_netmask_length: Option<i64>,
        /// The tie between it and its IPv6 network.
        #[attr(computed)]
        ipv6_association_id: Option<String>,
        /// Its IPv6 network; to be chosen where it comes from a pool.
        #[attr(chosen, conflicts(&["ipv6_netmask_length", "assign_generated_ipv6_cidr_block"]))]
        ipv6_cidr_block: Option<Cidr>,
        /// The zones that its IPv6 network is announced from.
        #[attr(chosen)]
        ipv6_cidr_block_network_border_group: Option<String>,
        /// The IPAM pool that its IPv6 network comes from.
        #[attr(conflicts(&["assign_generated_ipv6_cidr_block"]))]
        ipv6_ipam_pool_id: Option<String>,
        /// How long the prefix of its IPv6 network is, where a pool gives it.
        #[attr(within(44, 60), conflicts(&["ipv6_cidr_block"]))]
        ipv6_netmask_length: Option<i64>,
        /// The route table of subnets that have none of their own.
        #[attr(computed)]
        main_route_table_id: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

/// How long a change of the IPv6 network may take.
const IPV6: Duration = Duration::from_secs(600);

impl Resource for Vpc {
    const TYPE: &'static str = "aws_vpc";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 200;
    const RETRY: &'static [Retry] = &[
        Retry {
            operation: "CreateVpc",
            code: "UnsupportedOperation",
            message: "is not monitored by IPAM",
            within: Duration::from_secs(300),
        },
        Retry { operation: "DeleteVpc", code: "DependencyViolation", message: "", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.example]
cidr_block = "10.0.0.0/16"
tags = { Name = "platform" }
---
[resource.aws_vpc.example]
cidr_block = "10.0.0.0/16"
assign_generated_ipv6_cidr_block = true
enable_dns_hostnames = true
enable_network_address_usage_metrics = true
tags = { Name = "platform-1", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_vpc().set_cidr_block(self.cidr_block.as_ref().map(|c| c.to_string()));
        let call = call.set_instance_tenancy(self.instance_tenancy.as_deref().map(Tenancy::from));
        let call = call.set_ipv4_ipam_pool_id(self.ipv4_ipam_pool_id.clone()).set_ipv4_netmask_length(int(self.ipv4_netmask_length));
        let call = call.set_amazon_provided_ipv6_cidr_block(self.assign_generated_ipv6_cidr_block.filter(|yes| *yes));
        let call = call.set_ipv6_ipam_pool_id(some(self.ipv6_ipam_pool_id.as_deref()));
        let call = call.set_ipv6_netmask_length(int(self.ipv6_netmask_length)).set_ipv6_cidr_block(self.pooled_ipv6());
        let call = call.set_ipv6_cidr_block_network_border_group(self.border_group());
        let call = call.set_tag_specifications(tagged(ResourceType::Vpc, &with_intent(&self.tags_all, cx.token)));
        call.send().await?.vpc.and_then(|v| v.vpc_id).ok_or_else(|| lacking("VPC id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_vpcs().filters(by(&format!("tag:{INTENT_TAG}"), [cx.token])).send().await?;
        Ok(found.vpcs.unwrap_or_default().into_iter().find_map(|v| v.vpc_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_vpcs().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |v: &Answer| alike(cx.cloud, v.tags(), &self.tags_all);
        Ok(found.vpcs.unwrap_or_default().into_iter().find(twin).and_then(|v| v.vpc_id))
    }

    /// By its network and its name: a network alone is no identity, since two VPCs may have the same.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let (Some(cidr), Some(name)) = (self.cidr_block.as_deref(), self.tags_all.get("Name")) else { return Ok(vec![]) };
        let call = cx.cloud.ec2.describe_vpcs().filters(by("cidr", [cidr])).filters(by("tag:Name", [name]));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        Ok(found.into_iter().filter_map(|v| v.vpc_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = listing::vpcs(cx).await?;
        let listed =
            found.iter().filter_map(|v| Some(listing::listed(v.vpc_id(), v.tags())?.noise(v.is_default() == Some(true), "default VPC")));
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_vpcs().filters(by_id("vpc-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let ids: Vec<Id> = found.iter().filter_map(|v| v.vpc_id.clone()).collect();
        if ids.is_empty() {
            return Ok(vec![]);
        }
        let (defaults, flags) = futures::try_join!(defaults(cx.cloud, &ids), flags(cx.cloud, &ids))?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.vpc_id())?;
            let state = answer.state().map_or("", |s| s.as_str());
            if !matches!(state, "available" | "") {
                cx.reads.says(Self::TYPE, &known.id, Status::Pending(state.to_owned()));
            }
            for (state, why) in associations(answer) {
                match state {
                    "associating" => cx.reads.says(Self::TYPE, &known.id, Status::Pending("associating an IPv6 network".into())),
                    "failed" => cx.reads.says(Self::TYPE, &known.id, Status::Failed(format!("its IPv6 network failed: {why}"))),
                    _ => {}
                }
            }
            let none = Defaults::default();
            let value = vpc(cx.cloud, answer, defaults.get(&known.id).unwrap_or(&none), *flags.get(&known.id)?, known.prior.as_ref());
            Some(Live { id: known.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, id, old) = (&cx.cloud.ec2, &live.id, &live.value);
        let on = |value: Option<bool>| Some(AttributeBooleanValue::builder().value(value.unwrap_or(false)).build());
        let modify = || ec2.modify_vpc_attribute().vpc_id(id);
        let support = self.enable_dns_support != old.enable_dns_support;
        // Names need the name server: it goes on before them, and off after them.
        if support && self.enable_dns_support == Some(true) {
            modify().set_enable_dns_support(on(self.enable_dns_support)).send().await?;
        }
        if self.enable_dns_hostnames != old.enable_dns_hostnames {
            modify().set_enable_dns_hostnames(on(self.enable_dns_hostnames)).send().await?;
        }
        if support && self.enable_dns_support != Some(true) {
            modify().set_enable_dns_support(on(self.enable_dns_support)).send().await?;
        }
        if self.enable_network_address_usage_metrics != old.enable_network_address_usage_metrics {
            modify().set_enable_network_address_usage_metrics(on(self.enable_network_address_usage_metrics)).send().await?;
        }
        if self.instance_tenancy != old.instance_tenancy {
            ec2.modify_vpc_tenancy().vpc_id(id).instance_tenancy(VpcTenancy::Default).send().await?;
        }
        if self.moves_ipv6(old) {
            self.move_ipv6(cx.cloud, id, old.ipv6_association_id.as_deref()).await?;
        }
        retag(cx.cloud, id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        match cx.cloud.ec2.delete_vpc().vpc_id(&live.id).send().await.map_err(Into::into) {
            Ok(_) => Ok(()),
            Err(failure) => Err(holders::of_vpc(cx.cloud, &live.id, failure).await),
        }
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("vpc-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a VPC")).help("give an id such as `vpc-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let (absent, text) = (|name: &str| given.attr(name).is_empty(), |name: &str| given.attr(name).as_str());
        let mut problems = vec![];
        if absent("cidr_block") && absent("ipv4_ipam_pool_id") {
            problems.push(Problem::new("cidr_block", "a VPC needs `cidr_block`, or `ipv4_ipam_pool_id` for a pool to take it from"));
        }
        if let Some(Ok(net)) = text("cidr_block").map(str::parse::<ipnet::IpNet>)
            && !(matches!(net, ipnet::IpNet::V4(_)) && (16..=28).contains(&net.prefix_len()))
        {
            problems.push(Problem::new("cidr_block", "the network of a VPC is an IPv4 network of /16 to /28"));
        }
        for (name, pool) in [
            ("ipv4_netmask_length", "ipv4_ipam_pool_id"),
            ("ipv6_netmask_length", "ipv6_ipam_pool_id"),
            ("ipv6_cidr_block", "ipv6_ipam_pool_id"),
        ] {
            if !absent(name) && absent(pool) {
                problems.push(Problem::new(name, format!("`{name}` needs `{pool}`, the pool to take the network from")));
            }
        }
        if given.attr("ipv6_netmask_length").as_number().and_then(|n| n.as_i64()).is_some_and(|n| n % 4 != 0) {
            problems.push(Problem::new("ipv6_netmask_length", "the prefix of an IPv6 network is 44, 48, 52, 56 or 60 long"));
        }
        if !absent("ipv6_cidr_block_network_border_group") && absent("assign_generated_ipv6_cidr_block") {
            let why = "only an IPv6 network of Amazon's has one to choose: set `assign_generated_ipv6_cidr_block = true`";
            problems.push(Problem::new("ipv6_cidr_block_network_border_group", why));
        }
        if given.attr("enable_dns_hostnames").as_bool() == Some(true) && given.attr("enable_dns_support").as_bool() == Some(false) {
            problems.push(Problem::new("enable_dns_hostnames", "names of instances need `enable_dns_support = true`"));
        }
        problems
    }

    /// Its hardware can only become shared, and another IPv6 network has another id.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let changed = |name: &str| planned.changed.iter().any(|c| c == name);
        if changed("instance_tenancy") && prior.attr("instance_tenancy").as_str() != Some("dedicated") {
            planned.replace.push("instance_tenancy".into());
        }
        let network = ["assign_generated_ipv6_cidr_block", "ipv6_cidr_block", "ipv6_ipam_pool_id", "ipv6_netmask_length"];
        if network.into_iter().chain(["ipv6_cidr_block_network_border_group"]).any(changed) {
            for name in ["ipv6_association_id", "ipv6_cidr_block", "ipv6_cidr_block_network_border_group"] {
                if !changed(name) {
                    *planned.want = std::mem::take(planned.want).with(name, Value::unknown());
                }
            }
        }
    }
}

impl Vpc {
    /// The IPv6 network that the user chose of a pool.
    fn pooled_ipv6(&self) -> Option<String> {
        let chosen = self.ipv6_cidr_block.as_ref().filter(|_| some(self.ipv6_ipam_pool_id.as_deref()).is_some());
        chosen.filter(|_| int(self.ipv6_netmask_length).is_none()).map(|c| c.to_string())
    }

    fn border_group(&self) -> Option<String> {
        some(self.ipv6_cidr_block_network_border_group.as_deref()).filter(|_| self.assign_generated_ipv6_cidr_block == Some(true))
    }

    /// Whether it asks for another IPv6 network than the other one has.
    fn moves_ipv6(&self, old: &Self) -> bool {
        let generated = |v: &Self| v.assign_generated_ipv6_cidr_block == Some(true);
        let pool = |v: &Self| some(v.ipv6_ipam_pool_id.as_deref());
        generated(self) != generated(old)
            || pool(self) != pool(old)
            || pool(self).is_some() && (self.ipv6_netmask_length != old.ipv6_netmask_length || self.pooled_ipv6() != old.pooled_ipv6())
            || generated(self) && self.border_group().is_some() && self.border_group() != old.border_group()
    }

    /// Takes the old IPv6 network away and gives it the new one.
    async fn move_ipv6(&self, aws: &Aws, id: &str, old: Option<&str>) -> Outcome<()> {
        if let Some(old) = old.filter(|old| !old.is_empty()) {
            aws.ec2.disassociate_vpc_cidr_block().association_id(old).send().await?;
            until(&format!("the IPv6 network of {id}"), "gone", IPV6, || async {
                let found = aws.ec2.describe_vpcs().filters(by("vpc-id", [id])).send().await?;
                let state = found.vpcs().first().and_then(|vpc| ipv6_of(vpc, old)).filter(|state| *state != "disassociated");
                Ok(state.map_or(Seen::Done(()), |state| Seen::Not(state.to_owned())))
            })
            .await?;
        }
        let generated = self.assign_generated_ipv6_cidr_block.filter(|yes| *yes);
        let pool = some(self.ipv6_ipam_pool_id.as_deref());
        if generated.is_none() && pool.is_none() {
            return Ok(());
        }
        let call = aws.ec2.associate_vpc_cidr_block().vpc_id(id).set_amazon_provided_ipv6_cidr_block(generated);
        let call = call.set_ipv6_ipam_pool_id(pool).set_ipv6_netmask_length(int(self.ipv6_netmask_length));
        let call = call.set_ipv6_cidr_block(self.pooled_ipv6()).set_ipv6_cidr_block_network_border_group(self.border_group());
        call.send().await?;
        Ok(())
    }
}

fn int(number: Option<i64>) -> Option<i32> {
    number.and_then(|n| i32::try_from(n).ok()).filter(|n| *n != 0)
}
