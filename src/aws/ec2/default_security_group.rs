//! The security group that a VPC comes with.

use std::collections::BTreeSet;

use super::by;
use super::group_rules::{self, Rule};
use super::security_group::{SecurityGroup, default_vpc, strip};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Tags};

crate::blocks! {
    /// The security group of what has none of its own. It is not made but taken over: its rules give way to those that are written
    /// here. When this is destroyed it stays as it is.
    pub struct DefaultSecurityGroup {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for.
        #[attr(computed)]
        description: Option<String>,
        /// What may leave. Left out, nothing is let out at first, and later rules from elsewhere are let be; `[]` closes all.
        #[attr(chosen, attribute)]
        egress: Option<BTreeSet<Rule>>,
        /// What may come in. Left out, nothing is let in at first, and later rules from elsewhere are let be; `[]` closes all.
        #[attr(chosen, attribute)]
        ingress: Option<BTreeSet<Rule>>,
        /// Its name, `default`.
        #[attr(computed)]
        name: Option<String>,
        /// Nothing: its name is not made up.
        #[attr(computed)]
        name_prefix: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Without a meaning here, since it can't be deleted.
        #[attr(local, default_bool(false))]
        revoke_rules_on_delete: Option<bool>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPC that it belongs to; the default one where left out.
        #[attr(chosen, force_new, refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }
}

impl Resource for DefaultSecurityGroup {
    const TYPE: &'static str = "aws_default_security_group";
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 200;
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_default_security_group.example]
vpc_id = "${aws_vpc.net.id}"
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_default_security_group.example]
vpc_id = "${aws_vpc.net.id}"
ingress = [
  { protocol = "tcp", from_port = 443, to_port = 443, cidr_blocks = ["10.0.0.0/16"] },
  { protocol = "icmp", from_port = -1, to_port = -1, ipv6_cidr_blocks = ["2001:db8::/32"], self = true, description = "for a look" },
]
egress = [
  { protocol = "udp", from_port = 53, to_port = 54, cidr_blocks = ["0.0.0.0/0"], ipv6_cidr_blocks = ["::/0"], description = "names" },
  { protocol = "tcp", from_port = 80, to_port = 81, self = true },
]
revoke_rules_on_delete = true
tags = { Name = "default" }
"#;
    type Cloud = Aws;

    /// Takes it over, without its rules.
    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let id = self.find(cx).await?.ok_or_else(|| {
            let vpc = self.vpc_id.as_deref().unwrap_or("the default VPC");
            Failure::other(format!("{vpc} has no default security group, or does not exist")).because(Cause::Gone)
        })?;
        strip(cx.cloud, &id).await?;
        Ok(id)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let vpc = match &self.vpc_id {
            Some(vpc) => Some(vpc.clone()),
            None => default_vpc(cx.cloud).await?,
        };
        let Some(vpc) = vpc else { return Ok(None) };
        let call = cx.cloud.ec2.describe_security_groups().filters(by("vpc-id", [vpc])).filters(by("group-name", ["default"]));
        Ok(call.send().await?.security_groups.unwrap_or_default().into_iter().find_map(|g| g.group_id))
    }

    /// Nothing is taken over but by its creation.
    async fn candidates(&self, _cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        Ok(vec![])
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let known: Vec<Known<SecurityGroup>> =
            known.iter().map(|k| Known { id: k.id.clone(), prior: k.prior.clone().map(Self::group) }).collect();
        let found = SecurityGroup::read(cx, &known).await?;
        Ok(found.into_iter().map(|live| Live { id: live.id, value: Self::of(live.value) }).collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let live = Live { id: live.id.clone(), value: live.value.clone().group() };
        self.clone().group().update(cx, &live).await
    }

    /// It goes with its VPC alone.
    async fn delete(_cx: &Cx<'_, Aws>, _live: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    fn check(given: &Value) -> Vec<Problem> {
        ["ingress", "egress"].into_iter().flat_map(|way| group_rules::check(way, given.attr(way).items())).collect()
    }

    fn plan(planned: &mut Planned<'_>) {
        SecurityGroup::plan(planned);
    }
}

impl DefaultSecurityGroup {
    fn group(self) -> SecurityGroup {
        let Self { arn, description, egress, ingress, name, name_prefix, owner_id, revoke_rules_on_delete, tags, tags_all, vpc_id } = self;
        SecurityGroup { arn, description, egress, ingress, name, name_prefix, owner_id, revoke_rules_on_delete, tags, tags_all, vpc_id }
    }

    fn of(group: SecurityGroup) -> Self {
        let SecurityGroup {
            arn,
            description,
            egress,
            ingress,
            name,
            name_prefix,
            owner_id,
            revoke_rules_on_delete,
            tags,
            tags_all,
            vpc_id,
        } = group;
        Self { arn, description, egress, ingress, name, name_prefix, owner_id, revoke_rules_on_delete, tags, tags_all, vpc_id }
    }
}
