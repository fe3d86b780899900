//! Security groups: what may reach a network interface, and what may leave it.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_ec2::types::{ResourceType, SecurityGroup as Answer};

use super::group_rules::{self, Rule, Rules, Way};
use super::permission::{Openings, Own, describes, openings};
use super::{INTENT_TAG, alike, arn_of, by, by_id, by_tags, holders, retag, some, tagged, tags, with_intent};
use crate::aws::ec2::listing;
use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, name};
use crate::words::Value;
use crate::words::drift::Severity;
use crate::words::failure::{Cause, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Tags, Then};

crate::blocks! {
    /// A firewall around network interfaces: what it doesn't let through is dropped.
    pub struct SecurityGroup {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for. EC2 has no way to change it later.
        #[attr(force_new, default_text("Managed by Terraform"), within(1, 255))]
        description: Option<String>,
        /// What may leave. Left out, nothing is let out at first, and later rules from elsewhere are let be; `[]` closes all.
        #[attr(chosen, attribute)]
        egress: Option<BTreeSet<Rule>>,
        /// What may come in. Left out, rules from elsewhere are let be; `[]` closes all.
        #[attr(chosen, attribute)]
        ingress: Option<BTreeSet<Rule>>,
        /// Its name, unlike any other in the VPC.
        #[attr(chosen, force_new, within(1, 255), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// What its name begins with; the rest is made up.
        #[attr(chosen, force_new, within(1, 229), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Before it is deleted, take away its rules and those of other groups that name it.
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

impl Resource for SecurityGroup {
    const TYPE: &'static str = "aws_security_group";
    const UNIQUE: &'static [&'static str] = &["name", "vpc_id"];
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_security_group", through: "ingress.security_groups", then: Then::Refused },
        Hold { kind: "aws_security_group", through: "egress.security_groups", then: Then::Refused },
    ];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("delete", "15m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AuthorizeSecurityGroupIngress", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "AuthorizeSecurityGroupEgress", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "RevokeSecurityGroupEgress", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(60) },
        Retry { operation: "CreateTags", code: "InvalidGroup.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "DeleteSecurityGroup", code: "DependencyViolation", message: "", within: Duration::from_secs(900) },
        Retry { operation: "DeleteSecurityGroup", code: "InvalidGroup.InUse", message: "", within: Duration::from_secs(900) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.net]
default = true

[resource.aws_security_group.front]
name = "front"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_security_group.example]
name = "web"
description = "web servers"
vpc_id = "${data.aws_vpc.net.id}"
ingress = [
  { protocol = "tcp", from_port = 443, to_port = 443, cidr_blocks = ["10.1.0.0/16", "10.0.0.0/16"] },
  { protocol = "tcp", from_port = 22, to_port = 22, cidr_blocks = ["10.0.9.0/24"], description = "ssh" },
]
tags = { Name = "web" }
---
[data.aws_vpc.net]
default = true

[resource.aws_security_group.front]
name = "front"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_security_group.example]
name = "web"
description = "web servers"
vpc_id = "${data.aws_vpc.net.id}"
ingress = [
  { protocol = "tcp", from_port = 443, to_port = 443, cidr_blocks = ["10.0.0.0/16"], security_groups = ["${aws_security_group.front.id}"] },
  { protocol = "tcp", from_port = 22, to_port = 22, cidr_blocks = ["10.0.9.0/24"], ipv6_cidr_blocks = ["2001:db8::/32"], description = "for the operators" },
  { protocol = "icmp", from_port = -1, to_port = -1, self = true },
]
egress = [{ protocol = "-1", from_port = 0, to_port = 0, cidr_blocks = ["0.0.0.0/0"], ipv6_cidr_blocks = ["::/0"], security_groups = ["${aws_security_group.front.id}"], description = "everywhere" }]
revoke_rules_on_delete = true
tags = { Name = "www", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_security_group().group_name(self.named(cx.token)).set_vpc_id(self.vpc_id.clone());
        let call = call.description(self.description.as_deref().unwrap_or("Managed by Terraform"));
        let call = call.set_tag_specifications(tagged(ResourceType::SecurityGroup, &with_intent(&self.tags_all, cx.token)));
        call.send().await?.group_id.ok_or_else(|| lacking("group id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_security_groups().filters(by(&format!("tag:{INTENT_TAG}"), [cx.token]));
        let call = if let Some(vpc) = &self.vpc_id { call.filters(by("vpc-id", [vpc])) } else { call };
        let (found, name) = (call.send().await?.security_groups.unwrap_or_default(), self.named(cx.token));
        Ok(found.into_iter().find(|g| g.group_name() == Some(&name)).and_then(|g| g.group_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_security_groups().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |g: &Answer| alike(cx.cloud, g.tags(), &self.tags_all);
        Ok(found.security_groups.unwrap_or_default().into_iter().find(twin).and_then(|g| g.group_id))
    }

    /// By its name, which no other group of the VPC has; a VPC that is yet to be made has none at all.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let (Some(name), Some(vpc)) = (some(self.name.as_deref()), some(self.vpc_id.as_deref())) else { return Ok(vec![]) };
        let call = cx.cloud.ec2.describe_security_groups().filters(by("vpc-id", [vpc])).filters(by("group-name", [name]));
        Ok(call.send().await?.security_groups.unwrap_or_default().into_iter().filter_map(|g| g.group_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_security_groups().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|g| {
            let listed = listing::listed(g.group_id(), g.tags())?.named(g.group_name());
            let listed = listed.noise(g.group_name() == Some("default"), "default groups of VPCs");
            Some(listed.worse(Severity::High, listing::open(g.ip_permissions())))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_security_groups().filters(by_id("group-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let live = found.iter().filter_map(|group| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == group.group_id())?;
            Some(Live { id: known.id.clone(), value: security_group(cx.cloud, group, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let own = own(&live.id, live.value.owner_id.as_deref());
        let fresh = live.value.tags_all.contains_key(INTENT_TAG);
        let have = if fresh {
            actual(cx.cloud, &own).await?
        } else {
            Rules { ingress: taken(live.value.ingress.as_ref(), &own), egress: taken(live.value.egress.as_ref(), &own) }
        };
        if let Err(failure) = self.settle(cx.cloud, &own, &have, fresh).await {
            // Part of it was done before, or someone else did it.
            if !failure.code.starts_with("InvalidPermission.") {
                return Err(failure);
            }
            let have = actual(cx.cloud, &own).await?;
            self.settle(cx.cloud, &own, &have, fresh).await?;
        }
        retag(cx.cloud, &live.id, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if live.value.revoke_rules_on_delete == Some(true) {
            revoke_all(cx.cloud, &own(&live.id, live.value.owner_id.as_deref())).await?;
        }
        match cx.cloud.ec2.delete_security_group().group_id(&live.id).send().await.map_err(Into::into) {
            Ok(_) => Ok(()),
            Err(failure) => Err(holders::of_group(cx.cloud, &live.id, failure).await),
        }
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        if given.attr("name").as_str().is_some_and(|name| name.starts_with("sg-")) {
            problems.push(Problem::new("name", "a name can't begin with `sg-`, as ids do"));
        }
        if given.attr("description").as_str().is_some_and(|text| !describes(text)) {
            problems.push(Problem::new("description", group_rules::CHARACTERS));
        }
        for way in ["ingress", "egress"] {
            problems.extend(group_rules::check(way, given.attr(way).items()));
        }
        problems
    }

    /// Rules that are only written in other groups than in the state are no change.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let id = prior.attr("arn").as_str().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default();
        let own = own(id, prior.attr("owner_id").as_str());
        for way in ["ingress", "egress"] {
            let rules = |value: &Value| <Option<BTreeSet<Rule>> as crate::words::schema::Field>::take(value).ok().flatten();
            if let (Some(have), Some(want)) = (rules(prior.attr(way)), rules(planned.want.attr(way)))
                && group_rules::taken_apart(&have, &own) == group_rules::taken_apart(&want, &own)
            {
                *planned.want = std::mem::take(planned.want).with(way, prior.attr(way).clone());
            }
        }
    }
}

impl SecurityGroup {
    fn named(&self, token: &str) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), token)
    }

    /// Makes the rules like ours. A new group is closed where nothing is said, though EC2 lets everything out of it.
    async fn settle(&self, aws: &Aws, own: &Own, have: &Rules, fresh: bool) -> Outcome<()> {
        for (way, wanted, have) in [(Way::Ingress, &self.ingress, &have.ingress), (Way::Egress, &self.egress, &have.egress)] {
            if wanted.is_some() || fresh {
                group_rules::change(aws, &own.id, way, have, &taken(wanted.as_ref(), own)).await?;
            }
        }
        Ok(())
    }
}

fn own(id: &str, owner: Option<&str>) -> Own {
    Own { id: id.to_owned(), owner: owner.unwrap_or_default().to_owned() }
}

fn taken(rules: Option<&BTreeSet<Rule>>, own: &Own) -> Openings {
    rules.map(|rules| group_rules::taken_apart(rules, own)).unwrap_or_default()
}

fn security_group(aws: &Aws, group: &Answer, prior: Option<&SecurityGroup>) -> SecurityGroup {
    let (id, owner) = (group.group_id().unwrap_or_default(), group.owner_id().unwrap_or_default());
    let (own, all) = (own(id, Some(owner)), tags(group.tags.as_deref()));
    // What EC2 lets out of a new group is nobody's wish.
    let egress = if all.contains_key(INTENT_TAG) { Openings::new() } else { openings(group.ip_permissions_egress(), &own) };
    let shaped =
        |openings, prior: Option<&Option<BTreeSet<Rule>>>| Some(group_rules::shaped(openings, prior.and_then(Option::as_ref), &own));
    let name = group.group_name().unwrap_or_default();
    SecurityGroup {
        arn: Some(arn_of(aws, owner, &format!("security-group/{id}"))),
        description: group.description().map(str::to_owned),
        egress: shaped(egress, prior.map(|p| &p.egress)),
        ingress: shaped(openings(group.ip_permissions(), &own), prior.map(|p| &p.ingress)),
        name: Some(name.to_owned()),
        name_prefix: name::prefix_of(name),
        owner_id: Some(owner.to_owned()),
        revoke_rules_on_delete: prior.and_then(|p| p.revoke_rules_on_delete),
        tags: Tags::new(),
        tags_all: all,
        vpc_id: group.vpc_id().map(str::to_owned),
    }
}

/// The rules that the group has at this moment.
async fn actual(aws: &Aws, own: &Own) -> Outcome<Rules> {
    let found = aws.ec2.describe_security_groups().filters(by("group-id", [&own.id])).send().await?;
    let gone = || lacking("such group").because(Cause::Gone);
    let group = found.security_groups.unwrap_or_default().into_iter().next().ok_or_else(gone)?;
    Ok(Rules { ingress: openings(group.ip_permissions(), own), egress: openings(group.ip_permissions_egress(), own) })
}

/// The region's default VPC, if there is one.
pub(super) async fn default_vpc(aws: &Aws) -> Outcome<Option<Id>> {
    let found = aws.ec2.describe_vpcs().filters(by("is-default", ["true"])).send().await?;
    Ok(found.vpcs.unwrap_or_default().into_iter().find_map(|vpc| vpc.vpc_id))
}

/// Takes away the rules of the group with that id.
pub(super) async fn strip(aws: &Aws, id: &str) -> Outcome<()> {
    let found = aws.ec2.describe_security_groups().filters(by("group-id", [id])).send().await?;
    let owner = found.security_groups().first().and_then(|g| g.owner_id());
    close(aws, &own(id, owner)).await
}

async fn close(aws: &Aws, own: &Own) -> Outcome<()> {
    if let Some(have) = absent(actual(aws, own).await)? {
        for (way, have) in [(Way::Ingress, &have.ingress), (Way::Egress, &have.egress)] {
            absent(group_rules::change(aws, &own.id, way, have, &Openings::new()).await)?;
        }
    }
    Ok(())
}

/// Takes away the group's rules, and those of other groups that name it.
async fn revoke_all(aws: &Aws, own: &Own) -> Outcome<()> {
    close(aws, own).await?;
    for (way, other, naming) in holders::rules_naming(aws, &own.id).await? {
        absent(group_rules::change(aws, &other, way, &naming, &Openings::new()).await)?;
    }
    Ok(())
}
