//! Looks up a subnet.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::Subnet;

use super::filter::{self, Filter, Search};
use super::tags;
use crate::aws::Aws;
use crate::aws::types::Cidr;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// A subnet: the one that fits all that is given.
    pub struct SubnetData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether interfaces get an IPv6 address.
        #[attr(computed)]
        assign_ipv6_address_on_creation: Option<bool>,
        /// The zone that it lies in.
        #[attr(chosen)]
        availability_zone: Option<String>,
        /// The id of that zone.
        #[attr(chosen)]
        availability_zone_id: Option<String>,
        /// How many IPv4 addresses are free.
        #[attr(computed)]
        available_ip_address_count: Option<i64>,
        /// Its IPv4 network.
        #[attr(chosen)]
        cidr_block: Option<Cidr>,
        /// The pool of addresses of your own network.
        #[attr(computed)]
        customer_owned_ipv4_pool: Option<String>,
        /// Whether it is the zone's default.
        #[attr(chosen)]
        default_for_az: Option<bool>,
        /// Whether names of the IPv4 world are told as IPv6 addresses.
        #[attr(computed)]
        enable_dns64: Option<bool>,
        /// The interface that is for the local network of an Outpost.
        #[attr(computed)]
        enable_lni_at_device_index: Option<i64>,
        /// Whether names of instances lead to their IPv4 addresses.
        #[attr(computed)]
        enable_resource_name_dns_a_record_on_launch: Option<bool>,
        /// Whether names of instances lead to their IPv6 addresses.
        #[attr(computed)]
        enable_resource_name_dns_aaaa_record_on_launch: Option<bool>,
        /// Only subnets that pass.
        filter: BTreeSet<Filter>,
        /// Its id.
        #[attr(chosen)]
        id: Option<String>,
        /// Its IPv6 network.
        #[attr(chosen)]
        ipv6_cidr_block: Option<Cidr>,
        /// The tie between it and its IPv6 network.
        #[attr(computed)]
        ipv6_cidr_block_association_id: Option<String>,
        /// Whether it has IPv6 alone.
        #[attr(computed)]
        ipv6_native: Option<bool>,
        /// Whether interfaces get an address of your own network.
        #[attr(computed)]
        map_customer_owned_ip_on_launch: Option<bool>,
        /// Whether interfaces get a public address.
        #[attr(computed)]
        map_public_ip_on_launch: Option<bool>,
        /// The Outpost that it lies on.
        #[attr(computed)]
        outpost_arn: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// What names of instances are made of.
        #[attr(computed)]
        private_dns_hostname_type_on_launch: Option<String>,
        /// `available`, or why not.
        #[attr(chosen)]
        state: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
        /// The VPC that it belongs to.
        #[attr(chosen)]
        vpc_id: Option<String>,
    }
}

impl DataSource for SubnetData {
    const TYPE: &'static str = "aws_subnet";
    const EXAMPLE: &'static str = r#"
[data.aws_subnet.example]
availability_zone = "us-east-1a"
default_for_az = true
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let search = Search::new(&self.filter, &self.tags).and("subnet-id", self.id.as_ref()).and("vpc-id", self.vpc_id.as_ref());
        let search = search.and("availability-zone", self.availability_zone.as_ref()).and("state", self.state.as_ref());
        let search = search.and("availability-zone-id", self.availability_zone_id.as_ref());
        let search = search.and("cidr-block", self.cidr_block.as_deref()).when("default-for-az", self.default_for_az);
        let search = search.and("ipv6-cidr-block-association.ipv6-cidr-block", self.ipv6_cidr_block.as_deref());
        let call = cx.cloud.ec2.describe_subnets().set_filters(search.list());
        let found: Vec<Subnet> = call.into_paginator().items().send().try_collect().await?;
        let subnet = match found.as_slice() {
            [one] => one,
            [] => return Err(Failure::other("no subnet fits").help("look at the region, `vpc_id` and `filter`")),
            many => {
                let why = format!("{} subnets fit, where there should be one", many.len());
                return Err(Failure::other(why).help("narrow the search, or take them all with `data.aws_subnets`"));
            }
        };
        Ok(Live { id: subnet.subnet_id().unwrap_or_default().to_owned(), value: self.with(subnet) })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}

impl SubnetData {
    fn with(self, subnet: &Subnet) -> Self {
        let text = |text: Option<&str>| text.filter(|t| !t.is_empty()).map(str::to_owned);
        let associated = |state: Option<&str>| state == Some("associated");
        let mut ipv6 = subnet.ipv6_cidr_block_association_set().iter();
        let ipv6 = ipv6.find(|a| associated(a.ipv6_cidr_block_state().and_then(|s| s.state()).map(|s| s.as_str())));
        let names = subnet.private_dns_name_options_on_launch();
        Self {
            arn: text(subnet.subnet_arn()),
            assign_ipv6_address_on_creation: subnet.assign_ipv6_address_on_creation(),
            availability_zone: text(subnet.availability_zone()),
            availability_zone_id: text(subnet.availability_zone_id()),
            available_ip_address_count: subnet.available_ip_address_count().map(i64::from),
            cidr_block: text(subnet.cidr_block()).map(Cidr),
            customer_owned_ipv4_pool: text(subnet.customer_owned_ipv4_pool()),
            default_for_az: subnet.default_for_az(),
            enable_dns64: subnet.enable_dns64(),
            enable_lni_at_device_index: subnet.enable_lni_at_device_index().map(i64::from),
            enable_resource_name_dns_a_record_on_launch: names.and_then(|n| n.enable_resource_name_dns_a_record()),
            enable_resource_name_dns_aaaa_record_on_launch: names.and_then(|n| n.enable_resource_name_dns_aaaa_record()),
            id: text(subnet.subnet_id()),
            ipv6_cidr_block: ipv6.and_then(|a| text(a.ipv6_cidr_block())).map(Cidr),
            ipv6_cidr_block_association_id: ipv6.and_then(|a| text(a.association_id())),
            ipv6_native: subnet.ipv6_native(),
            map_customer_owned_ip_on_launch: subnet.map_customer_owned_ip_on_launch(),
            map_public_ip_on_launch: subnet.map_public_ip_on_launch(),
            outpost_arn: text(subnet.outpost_arn()),
            owner_id: text(subnet.owner_id()),
            private_dns_hostname_type_on_launch: names.and_then(|n| text(n.hostname_type().map(|t| t.as_str()))),
            state: text(subnet.state().map(|s| s.as_str())),
            tags: tags(subnet.tags.as_deref()),
            vpc_id: text(subnet.vpc_id()),
            ..self
        }
    }
}
