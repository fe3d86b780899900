//! Looks up a VPC.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Vpc, VpcAttributeName};

use super::filter::{self, Filter, Search};
use super::{arn_of, by, tags};
use crate::aws::Aws;
use crate::aws::types::Cidr;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// A VPC: the one that fits all that is given.
    pub struct VpcData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its first IPv4 network.
        #[attr(chosen)]
        cidr_block: Option<Cidr>,
        /// All its IPv4 networks.
        #[attr(computed)]
        cidr_block_associations: Vec<CidrBlock>,
        /// Whether it is the region's default.
        #[attr(chosen)]
        default: Option<bool>,
        /// Its DHCP options.
        #[attr(chosen)]
        dhcp_options_id: Option<String>,
        /// Whether instances with a public address get a public name.
        #[attr(computed)]
        enable_dns_hostnames: Option<bool>,
        /// Whether AWS's name server answers in it.
        #[attr(computed)]
        enable_dns_support: Option<bool>,
        /// Whether the use of its addresses is measured.
        #[attr(computed)]
        enable_network_address_usage_metrics: Option<bool>,
        /// Only VPCs that pass.
        filter: BTreeSet<Filter>,
        /// Its id.
        #[attr(chosen)]
        id: Option<String>,
        /// `default` or `dedicated`.
        #[attr(computed)]
        instance_tenancy: Option<String>,
        /// The tie between it and its IPv6 network.
        #[attr(computed)]
        ipv6_association_id: Option<String>,
        /// Its IPv6 network.
        #[attr(computed)]
        ipv6_cidr_block: Option<String>,
        /// The route table of subnets that have none of their own.
        #[attr(computed)]
        main_route_table_id: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// `available`, or why not.
        #[attr(chosen)]
        state: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
    }

    /// An IPv4 network of a VPC.
    pub struct CidrBlock {
        /// The tie between the two.
        association_id: Option<String>,
        /// The network.
        cidr_block: Option<String>,
        /// How far it has got, `associated`.
        state: Option<String>,
    }
}

impl DataSource for VpcData {
    const TYPE: &'static str = "aws_vpc";
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.example]
default = true
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let search = Search::new(&self.filter, &self.tags).and("vpc-id", self.id.as_ref()).and("cidr", self.cidr_block.as_deref());
        let search = search.and("dhcp-options-id", self.dhcp_options_id.as_ref()).and("state", self.state.as_ref());
        let call = cx.cloud.ec2.describe_vpcs().set_filters(search.when("is-default", self.default).list());
        let found: Vec<Vpc> = call.into_paginator().items().send().try_collect().await?;
        let vpc = match found.as_slice() {
            [one] => one,
            [] => return Err(Failure::other("no VPC fits").help("look at the region, `id`, `tags` and `filter`")),
            many => {
                let why = format!("{} VPCs fit, where there should be one", many.len());
                return Err(Failure::other(why).help("narrow the search with `id`, `tags`, `filter` or `default = true`"));
            }
        };
        let id = vpc.vpc_id().unwrap_or_default();
        let asked = futures::try_join!(
            attribute(cx.cloud, id, VpcAttributeName::EnableDnsHostnames),
            attribute(cx.cloud, id, VpcAttributeName::EnableDnsSupport),
            attribute(cx.cloud, id, VpcAttributeName::EnableNetworkAddressUsageMetrics),
            main_route_table(cx.cloud, id),
        );
        let (hostnames, support, metrics, main) = asked?;
        let value = Self {
            enable_dns_hostnames: hostnames,
            enable_dns_support: support,
            enable_network_address_usage_metrics: metrics,
            main_route_table_id: main,
            ..self.with(cx.cloud, vpc)
        };
        Ok(Live { id: id.to_owned(), value })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}

impl VpcData {
    fn with(self, aws: &Aws, vpc: &Vpc) -> Self {
        let text = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        let (id, owner) = (vpc.vpc_id().unwrap_or_default(), vpc.owner_id().unwrap_or_default());
        let mut ipv6 = vpc.ipv6_cidr_block_association_set().iter();
        let ipv6 = ipv6.find(|a| a.ipv6_cidr_block_state().and_then(|s| s.state()).is_some_and(|s| s.as_str() == "associated"));
        let blocks = vpc.cidr_block_association_set().iter().map(|a| CidrBlock {
            association_id: text(a.association_id()),
            cidr_block: text(a.cidr_block()),
            state: text(a.cidr_block_state().and_then(|s| s.state()).map(|s| s.as_str())),
        });
        Self {
            arn: Some(arn_of(aws, owner, &format!("vpc/{id}"))),
            cidr_block: text(vpc.cidr_block()).map(Cidr),
            cidr_block_associations: blocks.collect(),
            default: vpc.is_default(),
            dhcp_options_id: text(vpc.dhcp_options_id()),
            id: text(Some(id)),
            instance_tenancy: text(vpc.instance_tenancy().map(|t| t.as_str())),
            ipv6_association_id: ipv6.and_then(|a| text(a.association_id())),
            ipv6_cidr_block: ipv6.and_then(|a| text(a.ipv6_cidr_block())),
            owner_id: text(Some(owner)),
            state: text(vpc.state().map(|s| s.as_str())),
            tags: tags(vpc.tags.as_deref()),
            ..self
        }
    }
}

/// One of the attributes that EC2 tells one at a time.
async fn attribute(aws: &Aws, vpc: &str, name: VpcAttributeName) -> Outcome<Option<bool>> {
    let answer = aws.ec2.describe_vpc_attribute().vpc_id(vpc).attribute(name).send().await?;
    let told = [answer.enable_dns_hostnames, answer.enable_dns_support, answer.enable_network_address_usage_metrics];
    Ok(told.into_iter().flatten().find_map(|told| told.value))
}

async fn main_route_table(aws: &Aws, vpc: &str) -> Outcome<Option<String>> {
    let filters = [by("association.main", ["true"]), by("vpc-id", [vpc])];
    let found = aws.ec2.describe_route_tables().set_filters(Some(filters.into())).send().await?;
    Ok(found.route_tables.unwrap_or_default().into_iter().find_map(|table| table.route_table_id))
}
