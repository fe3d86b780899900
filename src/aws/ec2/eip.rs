//! Elastic IP addresses.

use std::sync::Arc;
use std::time::Duration;

use aws_sdk_ec2::types::{Address, DomainType, ResourceType};

use super::{INTENT_TAG, VALUES, alike, by, by_tags, retag, tagged, tags, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::words::drift::Severity;
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Id, Known, Live, Resource, Retry, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A public IPv4 address that stays yours until you give it back.
    pub struct Eip {
        /// An address to recover, or one of your own pool.
        #[attr(force_new)]
        address: Option<String>,
        /// The id by which AWS knows it.
        #[attr(computed)]
        allocation_id: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The private address on the instance or interface that it is tied to.
        associate_with_private_ip: Option<String>,
        /// The tie to the instance or interface.
        #[attr(computed)]
        association_id: Option<String>,
        /// The carrier's address in a Wavelength zone.
        #[attr(computed)]
        carrier_ip: Option<String>,
        /// The address of your own network.
        #[attr(computed)]
        customer_owned_ip: Option<String>,
        /// The pool of addresses of your own network.
        #[attr(force_new)]
        customer_owned_ipv4_pool: Option<String>,
        /// `vpc`, the only kind there is.
        #[attr(chosen, force_new, one_of(&["vpc", "standard"]))]
        domain: Option<String>,
        /// The instance that answers at it. Use this or `aws_eip_association`, not both.
        #[attr(chosen, refers("aws_instance.id"))]
        instance: Option<String>,
        /// The IPAM pool that it comes from.
        #[attr(chosen, force_new)]
        ipam_pool_id: Option<String>,
        /// The zones that it is announced from.
        #[attr(chosen, force_new)]
        network_border_group: Option<String>,
        /// The network interface that answers at it.
        #[attr(chosen, refers("aws_network_interface.id"))]
        network_interface: Option<String>,
        /// The private DNS name.
        #[attr(computed)]
        private_dns: Option<String>,
        /// The private address that it leads to.
        #[attr(computed)]
        private_ip: Option<String>,
        /// The name that a reverse lookup gives.
        #[attr(computed)]
        ptr_record: Option<String>,
        /// The public DNS name.
        #[attr(computed)]
        public_dns: Option<String>,
        /// The address.
        #[attr(computed)]
        public_ip: Option<String>,
        /// The address pool that it comes from.
        #[attr(chosen, force_new)]
        public_ipv4_pool: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Whether it is for a VPC.
        #[attr(chosen, force_new, deprecated("domain"))]
        vpc: Option<bool>,
    }
}

impl Resource for Eip {
    const TYPE: &'static str = "aws_eip";
    const ECHOES: &'static [&'static str] = &["instance", "network_interface"];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const AFTER: &'static [After] = &[After { kind: "aws_internet_gateway", through: "aws_vpc" }];
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("read", "15m"), ("update", "5m"), ("delete", "3m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AssociateAddress", code: "InvalidAllocationID.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "AssociateAddress", code: "InvalidInstanceID", message: "pending", within: Duration::from_secs(300) },
        Retry { operation: "AssociateAddress", code: "Gateway.NotAttached", message: "", within: Duration::from_secs(120) },
        Retry { operation: "CreateTags", code: "InvalidAllocationID.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "ReleaseAddress", code: "InvalidIPAddress.InUse", message: "", within: Duration::from_secs(180) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_eip.example]
domain = "vpc"
tags = { Name = "web" }
---
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_eip.example]
domain = "vpc"
instance = "${aws_instance.web.id}"
associate_with_private_ip = "${aws_instance.web.private_ip}"
tags = { Name = "www", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let mut call = cx.cloud.ec2.allocate_address().domain(DomainType::Vpc).set_address(self.address.clone());
        call = call.set_public_ipv4_pool(self.public_ipv4_pool.clone()).set_network_border_group(self.network_border_group.clone());
        call = call.set_customer_owned_ipv4_pool(self.customer_owned_ipv4_pool.clone()).set_ipam_pool_id(self.ipam_pool_id.clone());
        call = call.set_tag_specifications(tagged(ResourceType::ElasticIp, &with_intent(&self.tags_all, cx.token)));
        call.send().await?.allocation_id.ok_or_else(|| lacking("allocation id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_addresses().filters(by(&format!("tag:{INTENT_TAG}"), [cx.token])).send().await?;
        Ok(found.addresses.unwrap_or_default().into_iter().find_map(|a| a.allocation_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_addresses().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |a: &Address| alike(cx.cloud, a.tags(), &self.tags_all);
        Ok(found.addresses.unwrap_or_default().into_iter().find(twin).and_then(|a| a.allocation_id))
    }

    /// By the address that is asked for, or by the name that somebody gave it.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let filter = match (&self.address, self.tags_all.get("Name")) {
            (Some(address), _) => by("public-ip", [address]),
            (None, Some(name)) => by("tag:Name", [name]),
            (None, None) => return Ok(vec![]),
        };
        let found = cx.cloud.ec2.describe_addresses().filters(filter).send().await?;
        Ok(found.addresses.unwrap_or_default().into_iter().filter_map(|a| a.allocation_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = cx.cloud.ec2.describe_addresses().send().await?.addresses.unwrap_or_default();
        let listed = found.iter().filter_map(|a| {
            let idle = a.association_id().is_none_or(str::is_empty).then_some("costs money, and leads nowhere");
            Some(
                listing::listed(a.allocation_id(), a.tags())?
                    .noise(a.service_managed().is_some(), "kept by an AWS service")
                    .worse(Severity::Medium, idle),
            )
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = addresses(cx, known.iter().map(|k| k.id.clone()).collect()).await?;
        let mut live = vec![];
        for known in known {
            if let Some(address) = found.iter().find(|a| a.allocation_id() == Some(&known.id)) {
                live.push(Live { id: known.id.clone(), value: eip(cx.cloud, address, known.prior.as_ref()).await? });
            }
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, old) = (&cx.cloud.ec2, &live.value);
        let tie = |e: &Self| (e.instance.clone(), e.network_interface.clone(), e.associate_with_private_ip.clone());
        // One of the two that the user doesn't give is only what AWS made of the other.
        let by_instance = self.network_interface.is_none() || self.network_interface == old.network_interface;
        let instance = self.instance.clone().filter(|_| by_instance);
        let wanted = self.instance.is_some() || self.network_interface.is_some();
        // What the user leaves out may be tied by `aws_eip_association`.
        let untied = self.instance.as_deref() == Some("") || self.network_interface.as_deref() == Some("");
        if let Some(association) = old.association_id.clone().filter(|_| untied) {
            ec2.disassociate_address().association_id(association).send().await?;
        } else if wanted && tie(self) != tie(old) {
            let call = ec2.associate_address().allocation_id(&live.id).allow_reassociation(true);
            let call = call.set_private_ip_address(self.associate_with_private_ip.clone());
            let call = call.set_network_interface_id(self.network_interface.clone().filter(|_| instance.is_none()));
            call.set_instance_id(instance).send().await?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    /// Only the address that it is tied to now is told, not that it was asked for.
    fn adopt(live: Value, given: &Value) -> Value {
        let (wanted, tied) = (given.attr("associate_with_private_ip"), live.attr("private_ip").clone());
        let agrees = !wanted.is_null() && (wanted.is_unknown() || wanted.bare() == tied.bare());
        if agrees { live.with("associate_with_private_ip", tied) } else { live }
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if let Some(association) = &live.value.association_id {
            crate::aws::error::absent(cx.cloud.ec2.disassociate_address().association_id(association).send().await.map_err(Into::into))?;
        }
        let call = cx.cloud.ec2.release_address().allocation_id(&live.id);
        call.set_network_border_group(live.value.network_border_group.clone()).send().await?;
        Ok(())
    }
}

/// The addresses with those ids; one call for all that the sweep needs to know of addresses.
pub(super) async fn addresses(cx: &Cx<'_, Aws>, ids: Vec<Id>) -> Outcome<Arc<Vec<Address>>> {
    let mut all: Vec<Id> = cx.reads.asked(&["aws_eip"]).map(|a| a.id.clone()).collect();
    let ties = cx.reads.asked(&["aws_eip_association"]);
    all.extend(ties.filter_map(|a| a.prior.attr("allocation_id").as_str().map(str::to_owned)));
    all.extend(ids);
    all.sort_unstable();
    all.dedup();
    cx.reads
        .once(format!("ec2:DescribeAddresses:{}", all.join(",")), || async {
            let mut found = vec![];
            for some in all.chunks(VALUES) {
                let answer = cx.cloud.ec2.describe_addresses().filters(by("allocation-id", some)).send().await?;
                found.extend(answer.addresses.unwrap_or_default());
            }
            Ok(found)
        })
        .await
}

async fn eip(aws: &Aws, address: &Address, prior: Option<&Eip>) -> Outcome<Eip> {
    let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    let id = address.allocation_id().unwrap_or_default();
    let pool = some(address.public_ipv4_pool());
    Ok(Eip {
        // What was asked for; the answer doesn't tell it from any other address.
        address: prior.and_then(|p| p.address.clone()),
        allocation_id: some(address.allocation_id()),
        arn: Some(aws.arn("ec2", &format!("elastic-ip/{id}")).await?),
        associate_with_private_ip: some(address.private_ip_address())
            .filter(|_| prior.is_some_and(|p| p.associate_with_private_ip.is_some())),
        association_id: some(address.association_id()),
        carrier_ip: some(address.carrier_ip()),
        customer_owned_ip: some(address.customer_owned_ip()),
        customer_owned_ipv4_pool: some(address.customer_owned_ipv4_pool()),
        domain: some(address.domain().map(DomainType::as_str)),
        instance: some(address.instance_id()),
        ipam_pool_id: pool.clone().filter(|p| p.starts_with("ipam-pool-")),
        network_border_group: some(address.network_border_group()),
        network_interface: some(address.network_interface_id()),
        private_dns: address.private_ip_address().map(|ip| private_dns(&aws.region, ip)),
        private_ip: some(address.private_ip_address()),
        // A call for each address, for something that is set elsewhere: what the state knows has to do.
        ptr_record: prior.and_then(|p| p.ptr_record.clone()),
        public_dns: address.public_ip().map(|ip| public_dns(aws, ip)),
        public_ip: some(address.public_ip()),
        public_ipv4_pool: pool,
        tags: Tags::new(),
        tags_all: tags(address.tags.as_deref()),
        vpc: Some(address.domain() == Some(&DomainType::Vpc)),
    })
}

/// The name that AWS gives a private address: `ip-10-0-0-1.ec2.internal`.
fn private_dns(region: &str, ip: &str) -> String {
    let zone = if region == "us-east-1" { "ec2.internal".to_owned() } else { format!("{region}.compute.internal") };
    format!("ip-{}.{zone}", ip.replace('.', "-"))
}

/// The name that AWS gives a public address: `ec2-203-0-113-7.compute-1.amazonaws.com`.
fn public_dns(aws: &Aws, ip: &str) -> String {
    let zone = if aws.region == "us-east-1" { "compute-1".to_owned() } else { format!("{}.compute", aws.region) };
    format!("ec2-{}.{zone}.{}", ip.replace('.', "-"), aws.dns_suffix())
}
