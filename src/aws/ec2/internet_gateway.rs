//! Internet gateways.

use std::time::Duration;

use aws_sdk_ec2::types::{InternetGateway as Answer, ResourceType};

use super::{INTENT_TAG, alike, arn_of, by, by_id, by_tags, holders, retag, some, tagged, tags, with_intent};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Resource, Retry, Status, Tags, Then};

crate::blocks! {
    /// The way from a VPC into the internet and back, for what has a public address and a route to it.
    pub struct InternetGateway {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The VPC that it is the way out of; `""` takes it away from there.
        #[attr(chosen, refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }
}

impl Resource for InternetGateway {
    const TYPE: &'static str = "aws_internet_gateway";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const HOLDS: &'static [Hold] = &[Hold { kind: "aws_vpc", through: "vpc_id", then: Then::Replaced }];
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "20m"), ("update", "20m"), ("delete", "20m")];
    const RETRY: &'static [Retry] = &[
        Retry {
            operation: "AttachInternetGateway",
            code: "InvalidInternetGatewayID.NotFound",
            message: "",
            within: Duration::from_secs(60),
        },
        Retry { operation: "AttachInternetGateway", code: "InvalidVpcID.NotFound", message: "", within: Duration::from_secs(60) },
        // Public addresses go in their own time.
        Retry { operation: "DetachInternetGateway", code: "DependencyViolation", message: "", within: Duration::from_secs(1200) },
        Retry { operation: "DeleteInternetGateway", code: "DependencyViolation", message: "", within: Duration::from_secs(1200) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.example]
tags = { Name = "out" }
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_internet_gateway.example]
vpc_id = "${aws_vpc.net.id}"
tags = { Name = "way-out", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let tags = tagged(ResourceType::InternetGateway, &with_intent(&self.tags_all, cx.token));
        let made = cx.cloud.ec2.create_internet_gateway().set_tag_specifications(tags).send().await?;
        made.internet_gateway.and_then(|g| g.internet_gateway_id).ok_or_else(|| lacking("internet gateway id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_internet_gateways().filters(by(&format!("tag:{INTENT_TAG}"), [cx.token])).send().await?;
        Ok(found.internet_gateways.unwrap_or_default().into_iter().find_map(|g| g.internet_gateway_id))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_internet_gateways().set_filters(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |g: &Answer| alike(cx.cloud, g.tags(), &self.tags_all);
        Ok(found.internet_gateways.unwrap_or_default().into_iter().find(twin).and_then(|g| g.internet_gateway_id))
    }

    /// By its VPC, which has one at most.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some(vpc) = some(self.vpc_id.as_deref()) else { return Ok(vec![]) };
        let found = cx.cloud.ec2.describe_internet_gateways().filters(by("attachment.vpc-id", [vpc])).send().await?;
        Ok(found.internet_gateways.unwrap_or_default().into_iter().filter_map(|g| g.internet_gateway_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_internet_gateways().into_paginator().items().send().try_collect().await?;
        let vpcs = listing::vpcs(cx).await?;
        let default = |vpc: Option<&str>| vpcs.iter().any(|v| v.is_default() == Some(true) && v.vpc_id() == vpc);
        let listed = found.iter().filter_map(|g| {
            let of_default = g.attachments().iter().any(|a| default(a.vpc_id()));
            Some(listing::listed(g.internet_gateway_id(), g.tags())?.noise(of_default, "of the default VPC"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_internet_gateways().filters(by_id("internet-gateway-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.internet_gateway_id())?;
            let state = answer.attachments().first().and_then(|a| a.state()).map_or("", |s| s.as_str());
            if matches!(state, "attaching" | "detaching") {
                cx.reads.says(Self::TYPE, &known.id, Status::Pending(state.to_owned()));
            }
            Some(Live { id: known.id.clone(), value: gateway(cx.cloud, answer) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (old, new) = (some(live.value.vpc_id.as_deref()), some(self.vpc_id.as_deref()));
        if old != new {
            if let Some(old) = old {
                detach(cx.cloud, &live.id, &old).await?;
            }
            if let Some(new) = new {
                let attached = cx.cloud.ec2.attach_internet_gateway().internet_gateway_id(&live.id).vpc_id(&new).send().await;
                attached.map_err(|error| taken(error.into(), &new))?;
            }
        }
        retag(cx.cloud, &live.id, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if let Some(vpc) = some(live.value.vpc_id.as_deref()) {
            detach(cx.cloud, &live.id, &vpc).await?;
        }
        cx.cloud.ec2.delete_internet_gateway().internet_gateway_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("igw-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of an internet gateway")).help("give an id such as `igw-0123456789abcdef0`"))
    }
}

/// Takes it away from a VPC; with help that names what still has a public address there.
async fn detach(aws: &Aws, id: &str, vpc: &str) -> Outcome<()> {
    match aws.ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc).send().await.map_err(Failure::from) {
        Err(failure) if failure.code == "Gateway.NotAttached" => Ok(()),
        Err(failure) => Err(holders::of_gateway(aws, vpc, failure).await),
        Ok(_) => Ok(()),
    }
}

fn taken(failure: Failure, vpc: &str) -> Failure {
    match failure.code.as_str() {
        "Resource.AlreadyAssociated" | "InvalidParameterValue" => {
            failure.help(format!("a VPC has one internet gateway at most: import that of {vpc}, or take it away from there"))
        }
        _ => failure,
    }
}

fn gateway(aws: &Aws, answer: &Answer) -> InternetGateway {
    let (id, owner) = (answer.internet_gateway_id().unwrap_or_default(), answer.owner_id().unwrap_or_default());
    let there = answer.attachments().iter().find(|a| a.state().is_none_or(|s| !matches!(s.as_str(), "detached" | "detaching")));
    InternetGateway {
        arn: Some(arn_of(aws, owner, &format!("internet-gateway/{id}"))),
        owner_id: some(Some(owner)),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
        vpc_id: there.and_then(|a| some(a.vpc_id())),
    }
}
