//! The tie between an Elastic IP address and whatever answers at it.

use std::time::Duration;

use aws_sdk_ec2::types::Address;

use super::by;
use super::eip::addresses;
use crate::aws::Aws;
use crate::aws::error::lacking;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{After, Cx, Id, Known, Live, Problem, Resource, Retry};

crate::blocks! {
    /// Ties an Elastic IP address to an instance or a network interface.
    pub struct EipAssociation {
        /// The address, by its id.
        #[attr(chosen, force_new, refers("aws_eip.id"))]
        allocation_id: Option<String>,
        /// Take the address over where it is tied to something else already. Left out, that is an error.
        #[attr(local)]
        allow_reassociation: Option<bool>,
        /// The instance that answers at it; it must have one interface only.
        #[attr(chosen, force_new, refers("aws_instance.id"))]
        instance_id: Option<String>,
        /// The network interface that answers at it.
        #[attr(chosen, force_new, refers("aws_network_interface.id"))]
        network_interface_id: Option<String>,
        /// The private address of the interface that it leads to; the primary one where left out.
        #[attr(chosen, force_new)]
        private_ip_address: Option<String>,
        /// The address itself, where its id is not given.
        #[attr(chosen, force_new, refers("aws_eip.public_ip"))]
        public_ip: Option<String>,
    }
}

impl Resource for EipAssociation {
    const TYPE: &'static str = "aws_eip_association";
    const BATCH: usize = 200;
    const AFTER: &'static [After] = &[After { kind: "aws_internet_gateway", through: "aws_vpc" }];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AssociateAddress", code: "InvalidAllocationID.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "AssociateAddress", code: "InvalidInstanceID", message: "pending", within: Duration::from_secs(300) },
        Retry { operation: "AssociateAddress", code: "Gateway.NotAttached", message: "", within: Duration::from_secs(120) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_eip.web]
domain = "vpc"

[resource.aws_eip_association.example]
allocation_id = "${aws_eip.web.id}"
instance_id = "${aws_instance.web.id}"
---
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_eip.web]
domain = "vpc"

[resource.aws_eip_association.example]
allocation_id = "${aws_eip.web.id}"
instance_id = "${aws_instance.web.id}"
allow_reassociation = true
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.associate_address().set_allocation_id(self.allocation_id.clone());
        let call = call.set_public_ip(self.public_ip.clone().filter(|_| self.allocation_id.is_none()));
        let call = call.set_instance_id(self.instance_id.clone()).set_network_interface_id(self.network_interface_id.clone());
        let call = call.set_private_ip_address(self.private_ip_address.clone());
        // Without a word EC2 would take the address from whatever it is tied to.
        let call = call.allow_reassociation(self.allow_reassociation.unwrap_or(false));
        match call.send().await.map_err(Failure::from) {
            Ok(made) => made.association_id.ok_or_else(|| lacking("association id")),
            Err(failure) if failure.code == "Resource.AlreadyAssociated" => {
                Err(failure.help("set `allow_reassociation = true` to take the address over"))
            }
            Err(failure) => Err(failure),
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let filter = match (&self.allocation_id, &self.public_ip) {
            (Some(id), _) => by("allocation-id", [id]),
            (None, Some(ip)) => by("public-ip", [ip]),
            (None, None) => return Ok(None),
        };
        let found = cx.cloud.ec2.describe_addresses().filters(filter).send().await?.addresses.unwrap_or_default();
        let fits = |wanted: &Option<String>, has: Option<&str>| wanted.as_deref().is_none_or(|wanted| Some(wanted) == has);
        let ours = |a: &Address| {
            fits(&self.instance_id, a.instance_id())
                && fits(&self.network_interface_id, a.network_interface_id())
                && fits(&self.private_ip_address, a.private_ip_address())
        };
        Ok(found.into_iter().find(ours).and_then(|a| a.association_id))
    }

    /// By its address and what answers there.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        Ok(self.find(cx).await?.into_iter().collect())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let address = |k: &Known<Self>| k.prior.as_ref().and_then(|p| p.allocation_id.clone());
        let ids: Vec<Id> = known.iter().filter_map(address).collect();
        let mut found: Vec<Address> = if ids.is_empty() { vec![] } else { addresses(cx, ids).await?.as_ref().clone() };
        let others: Vec<&str> = known.iter().filter(|k| address(k).is_none()).map(|k| k.id.as_str()).collect();
        if !others.is_empty() {
            let answer = cx.cloud.ec2.describe_addresses().filters(by("association-id", others)).send().await?;
            found.extend(answer.addresses.unwrap_or_default());
        }
        let live = known.iter().filter_map(|known| {
            let address = found.iter().find(|a| a.association_id() == Some(&known.id))?;
            Some(Live { id: known.id.clone(), value: association(address, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, _cx: &Cx<'_, Aws>, _live: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.disassociate_address().association_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("eipassoc-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of an address's association"))
            .help("give an id such as `eipassoc-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let neither = |a: &str, b: &str| given.attr(a).is_null() && given.attr(b).is_null();
        let mut problems = vec![];
        if neither("allocation_id", "public_ip") {
            problems.push(Problem::new("allocation_id", "the address is missing: give `allocation_id`"));
        }
        if neither("instance_id", "network_interface_id") {
            problems.push(Problem::new("", "what should answer at the address is missing: give `instance_id` or `network_interface_id`"));
        }
        problems
    }
}

fn association(address: &Address, prior: Option<&EipAssociation>) -> EipAssociation {
    let some = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
    EipAssociation {
        allocation_id: some(address.allocation_id()),
        allow_reassociation: prior.and_then(|p| p.allow_reassociation),
        instance_id: some(address.instance_id()),
        network_interface_id: some(address.network_interface_id()),
        private_ip_address: some(address.private_ip_address()),
        public_ip: some(address.public_ip()),
    }
}
