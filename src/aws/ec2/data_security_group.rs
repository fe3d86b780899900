//! Looks up a security group.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::SecurityGroup;

use super::filter::{self, Filter, Search};
use super::{arn_of, some, tags};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// A security group: the one that fits all that is given.
    pub struct SecurityGroupData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// What it is for.
        #[attr(computed)]
        description: Option<String>,
        /// Only groups that pass.
        filter: BTreeSet<Filter>,
        /// Its id.
        #[attr(chosen)]
        id: Option<String>,
        /// Its name.
        #[attr(chosen)]
        name: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
        /// The VPC that it belongs to.
        #[attr(chosen, refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }
}

impl DataSource for SecurityGroupData {
    const TYPE: &'static str = "aws_security_group";
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.net]
default = true

[data.aws_security_group.example]
name = "default"
vpc_id = "${data.aws_vpc.net.id}"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let search = Search::new(&self.filter, &self.tags).and("group-id", self.id.as_ref());
        let search = search.and("group-name", self.name.as_ref()).and("vpc-id", self.vpc_id.as_ref());
        let call = cx.cloud.ec2.describe_security_groups().set_filters(search.list());
        let found: Vec<SecurityGroup> = call.into_paginator().items().send().try_collect().await?;
        let group = match found.as_slice() {
            [one] => one,
            [] => return Err(Failure::other("no security group fits").help("look at the region, `name`, `vpc_id` and `filter`")),
            many => {
                let why = format!("{} security groups fit, where there should be one", many.len());
                return Err(Failure::other(why).help("narrow the search with `vpc_id` and `name`: each VPC has groups of its own"));
            }
        };
        let (id, owner) = (group.group_id().unwrap_or_default(), group.owner_id().unwrap_or_default());
        let value = Self {
            arn: Some(arn_of(cx.cloud, owner, &format!("security-group/{id}"))),
            description: some(group.description()),
            id: some(Some(id)),
            name: some(group.group_name()),
            tags: tags(group.tags.as_deref()),
            vpc_id: some(group.vpc_id()),
            ..self
        };
        Ok(Live { id: id.to_owned(), value })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}
