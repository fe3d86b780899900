//! Hosted zones.

use std::collections::BTreeSet;
use std::time::Duration;

use aws_sdk_route53::operation::get_hosted_zone::GetHostedZoneOutput;
use aws_sdk_route53::types::{Change, ChangeAction, ChangeBatch, HostedZone, HostedZoneConfig, TagResourceType, Vpc as SdkVpc, VpcRegion};

use super::{in_sync, lookup, of_zone_itself, plain, retag, short, sweep, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::types::DnsName;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Resource, Retry, Tags};

crate::blocks! {
    /// A DNS zone: public, or private to some VPCs.
    pub struct Zone {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for.
        #[attr(default_text("Managed by Terraform"), within(0, 256))]
        comment: Option<String>,
        /// The reusable set of name servers that serve it.
        #[attr(force_new, conflicts(&["vpc"]))]
        delegation_set_id: Option<String>,
        /// Delete all records with it, also those that are not in this stack.
        #[attr(local, default_bool(false))]
        force_destroy: Option<bool>,
        /// Its name.
        #[attr(force_new, within(1, 1024))]
        name: DnsName,
        /// The servers that serve it, sorted.
        #[attr(computed)]
        name_servers: Vec<String>,
        /// The server that its SOA record names.
        #[attr(computed)]
        primary_name_server: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPCs that it is private to; without any it is public.
        #[attr(conflicts(&["delegation_set_id"]))]
        vpc: BTreeSet<Vpc>,
        /// Its id.
        #[attr(computed)]
        zone_id: Option<String>,
    }

    /// A VPC that a zone is private to.
    pub struct Vpc {
        /// Its id.
        #[attr(refers("aws_vpc.id"))]
        vpc_id: String,
        /// Its region; otherwise the provider's.
        #[attr(chosen)]
        vpc_region: Option<String>,
    }
}

/// Another change of the same zone is under way.
const fn concurrent(operation: &'static str) -> Retry {
    Retry { operation, code: "ConcurrentModification", message: "", within: Duration::from_secs(120) }
}

impl Resource for Zone {
    const TYPE: &'static str = "aws_route53_zone";
    const GLOBAL: bool = true;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "30m"), ("update", "30m"), ("delete", "30m")];
    const RETRY: &'static [Retry] = &[
        concurrent("AssociateVPCWithHostedZone"),
        concurrent("DisassociateVPCFromHostedZone"),
        Retry {
            operation: "DisableHostedZoneDNSSEC",
            code: "KeySigningKeyInParentDSRecord",
            message: "",
            within: Duration::from_secs(300),
        },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.main]
default = true

[resource.aws_route53_zone.example]
name = "example.internal"
comment = "inside"
vpc = [{ vpc_id = '${data.aws_vpc.main.id}' }]
tags = { team = "infra" }
---
[data.aws_vpc.main]
default = true

[resource.aws_route53_zone.example]
name = "example.internal"
comment = "inside the second"
force_destroy = true
vpc = [{ vpc_id = '${data.aws_vpc.main.id}' }]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn plan(planned: &mut Planned<'_>) {
        let private = |zone: &crate::words::value::Value| !zone.attr("vpc").is_empty();
        if planned.prior.is_some_and(|prior| private(prior) != private(planned.want)) {
            planned.replace.push("vpc".into());
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let vpc = self.vpc.first().map(|vpc| vpc.sdk(cx.cloud));
        let config = HostedZoneConfig::builder().set_comment(self.comment.clone()).private_zone(vpc.is_some()).build();
        let call = cx.cloud.route53.create_hosted_zone().name(&*self.name).caller_reference(cx.token).set_vpc(vpc);
        let call = call.hosted_zone_config(config).set_delegation_set_id(self.delegation_set_id.clone().filter(|d| !d.is_empty()));
        let made = call.send().await?;
        in_sync(&cx.cloud.route53, made.change_info.as_ref()).await?;
        let made = made.hosted_zone.ok_or_else(|| lacking("hosted zone"))?;
        Ok(short(&made.id).to_owned())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let zones = super::zone_data::named(cx.cloud, &self.name).await?;
        Ok(zones.iter().find(|z| z.caller_reference == cx.token).map(|z| short(&z.id).to_owned()))
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let zones = super::zone_data::named(cx.cloud, &self.name).await?;
        let private = |z: &HostedZone| z.config().is_some_and(|c| c.private_zone());
        let zones = zones.into_iter().filter(|z| private(z) != self.vpc.is_empty()).map(|z| short(&z.id).to_owned());
        if self.vpc.is_empty() {
            return Ok(zones.collect());
        }
        // Of private zones any number may have one name, but no VPC can have two of these.
        each(zones.collect::<Vec<_>>(), |id| async move {
            let found = absent(cx.cloud.route53.get_hosted_zone().id(&id).send().await.map_err(Into::into))?;
            let vpcs = found.and_then(|found| found.vpcs).unwrap_or_default();
            Ok(vpcs.iter().any(|vpc| self.vpc.iter().any(|ours| vpc.vpc_id() == Some(&ours.vpc_id))).then_some(id))
        })
        .await
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.route53.list_hosted_zones().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().map(|z: &HostedZone| {
            Listed::new(short(&z.id)).named(Some(&plain(&z.name))).noise(z.linked_service().is_some(), "kept by an AWS service")
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = each(known, |k| async move {
            let found = absent(cx.cloud.route53.get_hosted_zone().id(&k.id).send().await.map_err(Into::into))?;
            match found {
                Some(found) => Ok(Some((k, zone(cx.cloud, k, found).await?))),
                None => Ok(None),
            }
        })
        .await?;
        let ids: Vec<String> = found.iter().map(|(k, _)| k.id.clone()).collect();
        let mut tags = tags(cx.cloud, TagResourceType::Hostedzone, &ids).await?;
        let live = found.into_iter().map(|(k, zone)| {
            let tags_all = tags.remove(&k.id).unwrap_or_default();
            Live { id: k.id.clone(), value: Self { tags_all, ..zone } }
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (aws, id, old) = (cx.cloud, live.id.as_str(), &live.value);
        let comment = |z: &Self| z.comment.clone().unwrap_or_default();
        if comment(self) != comment(old) {
            aws.route53.update_hosted_zone_comment().id(id).comment(comment(self)).send().await?;
        }
        let vpcs = |zone: &Self| zone.vpc.iter().map(|v| v.key(aws)).collect::<BTreeSet<_>>();
        let (want, have) = (vpcs(self), vpcs(old));
        // A private zone always has a VPC: new ones come first.
        for vpc in want.difference(&have) {
            aws.route53.associate_vpc_with_hosted_zone().hosted_zone_id(id).vpc(sdk(vpc)).send().await?;
        }
        for vpc in have.difference(&want) {
            let call = aws.route53.disassociate_vpc_from_hosted_zone().hosted_zone_id(id).vpc(sdk(vpc));
            call.send().await?;
        }
        retag(aws, TagResourceType::Hostedzone, id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (aws, id) = (cx.cloud, live.id.as_str());
        if live.value.force_destroy == Some(true) {
            empty(aws, id, &live.value.name).await?;
            if live.value.vpc.is_empty() {
                unsign(aws, id).await?;
            }
        }
        let deleted = aws.route53.delete_hosted_zone().id(id).send().await.map_err(Failure::from);
        deleted.map(drop).map_err(|failure| match failure.code.as_str() {
            "HostedZoneNotEmpty" => failure
                .help("the zone has records that are not in this stack; `force_destroy = true`, applied first, deletes them with the zone"),
            _ => failure,
        })
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let id = short(given);
        if (1..=32).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()) {
            return Ok(id.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the id of a hosted zone")).help("write it like `Z08153401SUP2D5QVPUPS`"))
    }
}

impl Vpc {
    /// Its region and id.
    fn key(&self, aws: &Aws) -> (String, String) {
        let region = self.vpc_region.clone().filter(|r| !r.is_empty());
        (region.unwrap_or_else(|| aws.region.clone()), self.vpc_id.clone())
    }

    fn sdk(&self, aws: &Aws) -> SdkVpc {
        sdk(&self.key(aws))
    }
}

fn sdk((region, id): &(String, String)) -> SdkVpc {
    SdkVpc::builder().vpc_id(id).vpc_region(VpcRegion::from(region.as_str())).build()
}

async fn zone(aws: &Aws, known: &Known<Zone>, found: GetHostedZoneOutput) -> Outcome<Zone> {
    let zone = found.hosted_zone.ok_or_else(|| lacking("hosted zone"))?;
    let prior = known.prior.as_ref();
    let private = zone.config.as_ref().is_some_and(|c| c.private_zone);
    let mut servers = match &found.delegation_set {
        Some(set) => set.name_servers.clone(),
        None => prior.map(|p| p.name_servers.clone()).unwrap_or_default(),
    };
    if private && servers.is_empty() {
        servers = name_servers(aws, &known.id, &zone.name).await?;
    }
    let primary = servers.first().cloned();
    servers.sort_unstable();
    let vpc = found.vpcs.unwrap_or_default().into_iter().filter_map(|v| {
        let id = v.vpc_id?;
        // A region that the stack leaves out stays out.
        let written = prior.and_then(|p| p.vpc.iter().find(|w| w.vpc_id == id)).cloned();
        let region = v.vpc_region.map(|r| r.as_str().to_owned());
        Some(written.filter(|w| w.vpc_region.is_none()).unwrap_or(Vpc { vpc_id: id, vpc_region: region }))
    });
    Ok(Zone {
        arn: Some(arn(aws, &known.id)),
        comment: zone.config.and_then(|c| c.comment),
        delegation_set_id: found.delegation_set.and_then(|d| d.id).map(|id| short(&id).to_owned()).filter(|id| !id.is_empty()),
        force_destroy: prior.and_then(|p| p.force_destroy),
        name: plain(&zone.name).into(),
        name_servers: servers,
        primary_name_server: primary,
        tags: Tags::new(),
        tags_all: Tags::new(),
        vpc: vpc.collect(),
        zone_id: Some(known.id.clone()),
    })
}

/// The ARN of a zone, which belongs to no region and names no account.
pub(super) fn arn(aws: &Aws, id: &str) -> String {
    format!("arn:{}:route53:::hostedzone/{id}", aws.partition())
}

/// The servers that the zone's own NS record names: all that is known of a private zone's.
pub(super) async fn name_servers(aws: &Aws, id: &str, name: &str) -> Outcome<Vec<String>> {
    let set = lookup(&aws.route53, id, name, "NS", None).await?;
    let values = set.and_then(|s| s.resource_records).unwrap_or_default().into_iter();
    Ok(values.map(|r| r.value.trim_end_matches('.').to_owned()).collect())
}

/// Deletes all records but those that make the zone.
async fn empty(aws: &Aws, id: &str, name: &str) -> Outcome<()> {
    let all = sweep(&aws.route53, id, usize::MAX).await?.sets;
    let others: Vec<_> = all.into_iter().filter(|set| !of_zone_itself(set.r#type.as_str(), &set.name, name)).collect();
    for batch in others.chunks(100) {
        let deleted = |set: &aws_sdk_route53::types::ResourceRecordSet| {
            Change::builder().action(ChangeAction::Delete).resource_record_set(set.clone()).build()
        };
        let batch = ChangeBatch::builder().set_changes(Some(batch.iter().map(deleted).collect::<Result<_, _>>()?)).build()?;
        aws.route53.change_resource_record_sets().hosted_zone_id(id).change_batch(batch).send().await?;
    }
    Ok(())
}

/// A zone that is signed can't be deleted.
async fn unsign(aws: &Aws, id: &str) -> Outcome<()> {
    let status = aws.route53.get_dnssec().hosted_zone_id(id).send().await?.status;
    if status.and_then(|s| s.serve_signature).as_deref() == Some("SIGNING") {
        aws.route53.disable_hosted_zone_dnssec().hosted_zone_id(id).send().await?;
    }
    Ok(())
}
