//! Looks a hosted zone up.

use aws_sdk_route53::types::{HostedZone, TagResourceType};

use super::zone::{arn, name_servers};
use super::{plain, short, tags};
use crate::aws::Aws;
use crate::aws::error::{absent, lacking};
use crate::aws::types::DnsName;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A hosted zone, by its id or by its name.
    pub struct ZoneData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What its creation was known by.
        #[attr(computed)]
        caller_reference: Option<String>,
        /// What it is for.
        #[attr(computed)]
        comment: Option<String>,
        /// What the service that made it says of it.
        #[attr(computed)]
        linked_service_description: Option<String>,
        /// The service that made it.
        #[attr(computed)]
        linked_service_principal: Option<String>,
        /// Its name.
        #[attr(chosen, conflicts(&["zone_id"]))]
        name: Option<DnsName>,
        /// The servers that serve it.
        #[attr(computed)]
        name_servers: Vec<String>,
        /// The first of them.
        #[attr(computed)]
        primary_name_server: Option<String>,
        /// Whether it is private to some VPCs.
        #[attr(default_bool(false))]
        private_zone: Option<bool>,
        /// How many record sets it has.
        #[attr(computed)]
        resource_record_set_count: Option<i64>,
        /// Tags that it has; all its tags in the answer.
        #[attr(chosen)]
        tags: Tags,
        /// A VPC that it is private to.
        #[attr(chosen)]
        vpc_id: Option<String>,
        /// Its id.
        #[attr(chosen, conflicts(&["name"]))]
        zone_id: Option<String>,
    }
}

impl DataSource for ZoneData {
    const TYPE: &'static str = "aws_route53_zone";
    const EXAMPLE: &'static str = r#"
[resource.aws_route53_zone.main]
name = "example.com"

[data.aws_route53_zone.example]
zone_id = "${aws_route53_zone.main.zone_id}"
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        if ["name", "zone_id", "vpc_id", "tags"].iter().all(|name| given.attr(name).is_empty()) {
            return vec![Problem::new("", "which zone? Give `zone_id` or `name`")];
        }
        vec![]
    }

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let aws = cx.cloud;
        let id = match self.zone_id.as_deref().filter(|id| !id.is_empty()) {
            Some(id) => short(id).to_owned(),
            None => self.search(aws).await?,
        };
        let found = absent(aws.route53.get_hosted_zone().id(&id).send().await.map_err(Into::into))?;
        let found = found.ok_or_else(|| Failure::other(format!("there is no hosted zone `{id}`")))?;
        let zone = found.hosted_zone.ok_or_else(|| lacking("hosted zone"))?;
        let private = zone.config.as_ref().is_some_and(|c| c.private_zone);
        let servers = match found.delegation_set {
            Some(set) if !set.name_servers.is_empty() => set.name_servers,
            _ => name_servers(aws, &id, &zone.name).await?,
        };
        let value = Self {
            arn: Some(arn(aws, &id)),
            caller_reference: Some(zone.caller_reference),
            comment: zone.config.and_then(|c| c.comment),
            linked_service_description: zone.linked_service.as_ref().and_then(|l| l.description.clone()),
            linked_service_principal: zone.linked_service.and_then(|l| l.service_principal),
            name: Some(plain(&zone.name).into()),
            primary_name_server: servers.first().cloned(),
            name_servers: servers,
            private_zone: Some(private),
            resource_record_set_count: zone.resource_record_set_count,
            tags: tags(aws, TagResourceType::Hostedzone, std::slice::from_ref(&id)).await?.remove(&id).unwrap_or_default(),
            vpc_id: self.vpc_id,
            zone_id: Some(id.clone()),
        };
        Ok(Live { id, value })
    }
}

impl ZoneData {
    async fn search(&self, aws: &Aws) -> Outcome<String> {
        let private = self.private_zone == Some(true);
        let mut zones = match self.name.as_deref().filter(|n| !n.is_empty()) {
            Some(name) => named(aws, name).await?,
            None => all(aws).await?,
        };
        let vpc = self.vpc_id.as_deref().filter(|v| !v.is_empty());
        zones.retain(|z| z.config.as_ref().is_some_and(|c| c.private_zone) == (private || vpc.is_some()));
        let mut ids: Vec<String> = zones.iter().map(|z| short(&z.id).to_owned()).collect();
        if let Some(vpc) = vpc {
            let of_vpc = crate::aws::each(ids, |id| async move {
                let found = aws.route53.get_hosted_zone().id(&id).send().await?;
                Ok(found.vpcs().iter().any(|v| v.vpc_id() == Some(vpc)).then_some(id))
            });
            ids = of_vpc.await?;
        }
        if !self.tags.is_empty() {
            let have = tags(aws, TagResourceType::Hostedzone, &ids).await?;
            ids.retain(|id| have.get(id).is_some_and(|have| self.tags.iter().all(|(k, v)| have.get(k) == Some(v))));
        }
        let kind = if private || vpc.is_some() { "private" } else { "public" };
        let name = self.name.as_deref().map(|n| format!(" `{n}`")).unwrap_or_default();
        match ids.as_slice() {
            [id] => Ok(id.clone()),
            [] => Err(Failure::other(format!("there is no {kind} hosted zone{name} like that")).help(if private {
                ""
            } else {
                "a private zone is found with `private_zone = true`"
            })),
            several => Err(Failure::other(format!("{} {kind} hosted zones{name} are like that: {}", several.len(), several.join(", ")))
                .help("name the one that you mean by `zone_id`, or give `vpc_id` or `tags`")),
        }
    }
}

/// All zones of that name; there may be several.
pub(super) async fn named(aws: &Aws, name: &str) -> Outcome<Vec<HostedZone>> {
    let (mut found, mut start, mut from) = (vec![], name.to_owned(), None);
    loop {
        let page = aws.route53.list_hosted_zones_by_name().dns_name(start).set_hosted_zone_id(from).send().await?;
        let more = page.is_truncated && page.next_dns_name().is_some_and(|n| plain(n) == plain(name));
        found.extend(page.hosted_zones.into_iter().filter(|z| plain(&z.name) == plain(name)));
        if !more {
            return Ok(found);
        }
        (start, from) = (page.next_dns_name.unwrap_or_default(), page.next_hosted_zone_id);
    }
}

async fn all(aws: &Aws) -> Outcome<Vec<HostedZone>> {
    let mut pages = aws.route53.list_hosted_zones().into_paginator().items().send();
    let mut zones = vec![];
    while let Some(zone) = pages.next().await {
        zones.push(zone?);
    }
    Ok(zones)
}
