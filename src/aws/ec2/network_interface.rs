//! Network interfaces.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::types::{AttributeBooleanValue, AttributeValue, NetworkInterface as Answer, NetworkInterfaceCreationType, ResourceType};

use super::nic_addresses::{self, Change, PARTS};
use super::{alike, arn_of, by, by_id, by_tags, retag, some, tagged, tags};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::{absent, lacking};
use crate::aws::types::Ip;
use crate::aws::wait::{Seen, until};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags, Then};

crate::blocks! {
    /// A network card of its own, which an instance can be given and which outlives it.
    pub struct NetworkInterface {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The instance that has it. Left out, it is let be where it hangs.
        #[attr(chosen)]
        attachment: BTreeSet<NicAttachment>,
        /// What it is for.
        description: Option<String>,
        /// Whether its first IPv6 address never changes. That can't be taken back.
        #[attr(chosen)]
        enable_primary_ipv6: Option<bool>,
        /// What kind of interface.
        #[attr(chosen, force_new, one_of(&["efa", "efa-only", "branch", "trunk"]))]
        interface_type: Option<String>,
        /// How many IPv4 prefixes it has.
        #[attr(chosen, conflicts(&["ipv4_prefixes"]))]
        ipv4_prefix_count: Option<i32>,
        /// Its IPv4 prefixes, of /28.
        #[attr(chosen, conflicts(&["ipv4_prefix_count"]))]
        ipv4_prefixes: Option<BTreeSet<String>>,
        /// How many IPv6 addresses it has.
        #[attr(chosen, conflicts(&["ipv6_addresses", "ipv6_address_list"]))]
        ipv6_address_count: Option<i32>,
        /// Its IPv6 addresses in order, where `ipv6_address_list_enabled` is set.
        #[attr(chosen, conflicts(&["ipv6_addresses", "ipv6_address_count"]))]
        ipv6_address_list: Option<Vec<Ip>>,
        /// Whether the order of its IPv6 addresses counts.
        #[attr(local, default_bool(false))]
        ipv6_address_list_enabled: Option<bool>,
        /// Its IPv6 addresses.
        #[attr(chosen, conflicts(&["ipv6_address_count", "ipv6_address_list"]))]
        ipv6_addresses: Option<BTreeSet<Ip>>,
        /// How many IPv6 prefixes it has.
        #[attr(chosen, conflicts(&["ipv6_prefixes"]))]
        ipv6_prefix_count: Option<i32>,
        /// Its IPv6 prefixes, of /80.
        #[attr(chosen, conflicts(&["ipv6_prefix_count"]))]
        ipv6_prefixes: Option<BTreeSet<String>>,
        /// Its hardware's address.
        #[attr(computed)]
        mac_address: Option<String>,
        /// The Outpost.
        #[attr(computed)]
        outpost_arn: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Its name within the VPC.
        #[attr(computed)]
        private_dns_name: Option<String>,
        /// Its first private address.
        #[attr(chosen, force_new)]
        private_ip: Option<Ip>,
        /// Its private addresses in order, the first one first, where `private_ip_list_enabled` is set.
        #[attr(chosen, conflicts(&["private_ips", "private_ips_count"]))]
        private_ip_list: Option<Vec<Ip>>,
        /// Whether the order of its private addresses counts.
        #[attr(local, default_bool(false))]
        private_ip_list_enabled: Option<bool>,
        /// Its private addresses. The first of them in order is its first address when it is made.
        #[attr(chosen, conflicts(&["private_ip_list"]))]
        private_ips: Option<BTreeSet<Ip>>,
        /// How many private addresses it has besides the first.
        #[attr(chosen, conflicts(&["private_ip_list"]))]
        private_ips_count: Option<i32>,
        /// Its security groups.
        #[attr(chosen, refers("aws_security_group.id"))]
        security_groups: Option<BTreeSet<String>>,
        /// Whether it gets only what is sent to it; a NAT instance or a router needs false.
        #[attr(default_bool(true))]
        source_dest_check: Option<bool>,
        /// The subnet.
        #[attr(force_new, refers("aws_subnet.id"))]
        subnet_id: String,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// An instance that has the interface.
    pub struct NicAttachment {
        /// The tie between the two.
        #[attr(computed)]
        attachment_id: Option<String>,
        /// Its place on the instance; 0 is the one that it was made with.
        device_index: i32,
        /// The instance.
        #[attr(refers("aws_instance.id"))]
        instance: String,
    }
}

/// How long an instance may take to let go of it.
const DETACH: Duration = Duration::from_secs(600);

impl Resource for NetworkInterface {
    const TYPE: &'static str = "aws_network_interface";
    const HOLDS: &'static [Hold] = &[Hold { kind: "aws_security_group", through: "security_groups", then: Then::Refused }];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const RETRY: &'static [Retry] = &[
        Retry { operation: "CreateNetworkInterface", code: "InvalidSubnetID.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateNetworkInterface", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "AttachNetworkInterface", code: "IncorrectInstanceState", message: "", within: Duration::from_secs(300) },
        Retry { operation: "DeleteNetworkInterface", code: "InvalidParameterValue", message: "in use", within: DETACH },
        Retry { operation: "DeleteNetworkInterface", code: "InvalidNetworkInterface.InUse", message: "", within: DETACH },
    ];
    const EXAMPLE: &'static str = include_str!("network_interface.toml");
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_network_interface().client_token(cx.token).subnet_id(&self.subnet_id);
        let call = call.set_description(some(self.description.as_deref()));
        let call = call.set_interface_type(self.interface_type.as_deref().map(NetworkInterfaceCreationType::from));
        let groups = self.security_groups.as_ref().filter(|g| !g.is_empty()).map(|g| g.iter().cloned().collect());
        let call = nic_addresses::given(self, call.set_groups(groups));
        let call = call.set_enable_primary_ipv6(self.enable_primary_ipv6.filter(|yes| *yes));
        // EC2 breaks down over prefixes and tags in one call: then the tags follow.
        let prefixes = [self.ipv4_prefixes.as_ref(), self.ipv6_prefixes.as_ref()].into_iter().flatten().any(|p| !p.is_empty());
        let counted = [self.ipv4_prefix_count, self.ipv6_prefix_count].into_iter().flatten().any(|n| n > 0);
        let tags = tagged(ResourceType::NetworkInterface, &self.tags_all).filter(|_| !prefixes && !counted);
        let made = call.set_tag_specifications(tags).send().await?;
        made.network_interface.and_then(|n| n.network_interface_id).ok_or_else(|| lacking("network interface id"))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_network_interfaces().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |n: &Answer| alike(cx.cloud, n.tag_set(), &self.tags_all);
        Ok(found.network_interfaces.unwrap_or_default().into_iter().find(twin).and_then(|n| n.network_interface_id))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_network_interfaces().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|n| {
            let goes = n.attachment().and_then(|a| a.delete_on_termination()).unwrap_or(false);
            let plain = n.interface_type().is_none_or(|kind| matches!(kind.as_str(), "interface" | "efa" | "trunk"));
            let service = n.requester_managed() == Some(true) || !plain || listing::operated(n.operator());
            let listed = listing::listed(n.network_interface_id(), n.tag_set())?;
            Some(listed.noise(service, "kept by an AWS service").noise(goes, "that go with an instance"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_network_interfaces().filters(by_id("network-interface-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.network_interface_id())?;
            let moving =
                answer.attachment().and_then(|a| a.status()).map(|s| s.as_str()).filter(|s| matches!(*s, "attaching" | "detaching"));
            let word = moving.or_else(|| answer.status().map(|s| s.as_str()).filter(|s| *s == "pending"));
            if let Some(word) = word {
                cx.reads.says(Self::TYPE, &known.id, Status::Pending(word.to_owned()));
            }
            Some(Live { id: known.id.clone(), value: interface(cx.cloud, answer, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, id, old) = (&cx.cloud.ec2, &live.id, &live.value);
        nic_addresses::settle(cx.cloud, id, &Change { want: self, have: old }).await?;
        let modify = || ec2.modify_network_interface_attribute().network_interface_id(id);
        if some(self.description.as_deref()) != some(old.description.as_deref()) {
            let text = self.description.as_deref().unwrap_or_default();
            modify().description(AttributeValue::builder().value(text).build()).send().await?;
        }
        if let Some(groups) =
            self.security_groups.as_ref().filter(|groups| !groups.is_empty() && Some(*groups) != old.security_groups.as_ref())
        {
            modify().set_groups(Some(groups.iter().cloned().collect())).send().await?;
        }
        let checks = |nic: &Self| nic.source_dest_check != Some(false);
        if checks(self) != checks(old) {
            modify().source_dest_check(AttributeBooleanValue::builder().value(checks(self)).build()).send().await?;
        }
        if self.enable_primary_ipv6 == Some(true) && old.enable_primary_ipv6 != Some(true) {
            modify().enable_primary_ipv6(true).send().await?;
        }
        let place = |nic: &Self| nic.attachment.iter().next().map(|a| (a.instance.clone(), a.device_index));
        if let Some((instance, index)) = place(self).filter(|wanted| Some(wanted) != place(old).as_ref()) {
            detach(cx.cloud, live).await?;
            ec2.attach_network_interface().network_interface_id(id).instance_id(instance).device_index(index).send().await?;
        }
        retag(cx.cloud, id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        detach(cx.cloud, live).await?;
        cx.cloud.ec2.delete_network_interface().network_interface_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("eni-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a network interface")).help("give an id such as `eni-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        if given.attr("attachment").items().len() > 1 {
            problems.push(Problem::new("attachment", "an interface hangs on one instance at most"));
        }
        for (list, switch) in [("private_ip_list", "private_ip_list_enabled"), ("ipv6_address_list", "ipv6_address_list_enabled")] {
            let on = given.attr(switch);
            if !given.attr(list).is_empty() && !on.is_unknown() && on.as_bool() != Some(true) {
                problems.push(Problem::new(list, format!("the order of addresses counts only with `{switch} = true`")));
            }
        }
        problems
    }

    /// Its first address stays for as long as it does, and numbers go along with what they count.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let changed = |name: &str| planned.changed.iter().any(|c| c == name);
        let first = prior.attr("private_ip").clone();
        let kept = |ip: &Value| ip.is_unknown() || ip.bare() == first.bare();
        let (set, list) = (planned.want.attr("private_ips"), planned.want.attr("private_ip_list"));
        let lost = changed("private_ips") && !set.is_unknown() && !set.items().iter().any(kept);
        let other = changed("private_ip_list") && list.items().first().is_some_and(|ip| !kept(ip));
        let mut replace = vec![];
        replace.extend(lost.then(|| "private_ips".to_owned()));
        replace.extend(other.then(|| "private_ip_list".to_owned()));
        if prior.attr("enable_primary_ipv6").as_bool() == Some(true) && changed("enable_primary_ipv6") {
            replace.push("enable_primary_ipv6".into());
        }
        let along: Vec<&str> = PARTS
            .iter()
            .filter(|part| part.iter().any(|name| changed(name)))
            .flat_map(|part| part.iter().copied())
            .filter(|name| !changed(name))
            .collect();
        for name in along {
            *planned.want = std::mem::take(planned.want).with(name, Value::unknown());
        }
        planned.replace.extend(replace);
    }
}

/// Takes it from the instance that has it, and waits until that lets go.
async fn detach(aws: &Aws, live: &Live<NetworkInterface>) -> Outcome<()> {
    let ties = live.value.attachment.iter().filter_map(|a| a.attachment_id.as_deref()).filter(|id| !id.is_empty());
    for tie in ties {
        absent(aws.ec2.detach_network_interface().attachment_id(tie).force(true).send().await.map_err(Into::into))?;
        until(&live.id, "detached", DETACH, || async {
            let found = aws.ec2.describe_network_interfaces().filters(by("network-interface-id", [&live.id])).send().await?;
            let found = found.network_interfaces.unwrap_or_default();
            let state = found.first().and_then(|n| n.attachment()).and_then(|a| a.status()).map(|s| s.as_str().to_owned());
            Ok(state.filter(|state| state != "detached").map_or(Seen::Done(()), Seen::Not))
        })
        .await?;
    }
    Ok(())
}

fn interface(aws: &Aws, answer: &Answer, prior: Option<&NetworkInterface>) -> NetworkInterface {
    let (id, owner) = (answer.network_interface_id().unwrap_or_default(), answer.owner_id().unwrap_or_default());
    let tie = answer.attachment().filter(|a| a.status().is_none_or(|s| !matches!(s.as_str(), "detached" | "detaching")));
    let attachment = tie.and_then(|tie| {
        let instance = some(tie.instance_id())?;
        Some(NicAttachment { attachment_id: some(tie.attachment_id()), device_index: tie.device_index().unwrap_or(0), instance })
    });
    let told = nic_addresses::told(answer);
    let kind = answer.interface_type().and_then(|t| some(Some(t.as_str())));
    let primary = answer.ipv6_addresses().iter().any(|ip| ip.is_primary_ipv6() == Some(true));
    NetworkInterface {
        arn: Some(arn_of(aws, owner, &format!("network-interface/{id}"))),
        attachment: attachment.into_iter().collect(),
        description: some(answer.description()),
        enable_primary_ipv6: Some(primary),
        interface_type: kind,
        ipv4_prefix_count: count(told.ipv4_prefixes.len()),
        ipv4_prefixes: Some(told.ipv4_prefixes),
        ipv6_address_count: count(told.ipv6.len()),
        ipv6_address_list: Some(told.ipv6.clone()),
        ipv6_address_list_enabled: prior.and_then(|p| p.ipv6_address_list_enabled),
        ipv6_addresses: Some(told.ipv6.into_iter().collect()),
        ipv6_prefix_count: count(told.ipv6_prefixes.len()),
        ipv6_prefixes: Some(told.ipv6_prefixes),
        mac_address: some(answer.mac_address()),
        outpost_arn: some(answer.outpost_arn()),
        owner_id: some(Some(owner)),
        private_dns_name: some(answer.private_dns_name()),
        private_ip: some(answer.private_ip_address()).map(Ip),
        private_ips_count: count(told.ipv4.len().saturating_sub(1)),
        private_ip_list: Some(told.ipv4.clone()),
        private_ip_list_enabled: prior.and_then(|p| p.private_ip_list_enabled),
        private_ips: Some(told.ipv4.into_iter().collect()),
        security_groups: Some(answer.groups().iter().filter_map(|g| some(g.group_id())).collect()),
        source_dest_check: Some(answer.source_dest_check().unwrap_or(true)),
        subnet_id: answer.subnet_id().unwrap_or_default().to_owned(),
        tags: Tags::new(),
        tags_all: tags(answer.tag_set.as_deref()),
    }
}

fn count(number: usize) -> Option<i32> {
    i32::try_from(number).ok()
}
