//! Lists subnets.

use std::collections::BTreeSet;

use super::filter::{self, Filter, Search};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// The ids of all subnets that pass, which may be none.
    pub struct SubnetsData {
        /// Only subnets that pass; `vpc-id` is the filter for those of a VPC.
        filter: BTreeSet<Filter>,
        /// Their ids, sorted.
        #[attr(computed)]
        ids: Vec<String>,
        /// Only subnets with these tags.
        #[attr(chosen)]
        tags: Tags,
    }
}

impl DataSource for SubnetsData {
    const TYPE: &'static str = "aws_subnets";
    const EXAMPLE: &'static str = r#"
[data.aws_subnets.example]
filter = [{ name = "default-for-az", values = ["true"] }]
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let call = cx.cloud.ec2.describe_subnets().set_filters(Search::new(&self.filter, &self.tags).list());
        let found: Vec<aws_sdk_ec2::types::Subnet> = call.into_paginator().items().send().try_collect().await?;
        let mut ids: Vec<String> = found.into_iter().filter_map(|subnet| subnet.subnet_id).collect();
        ids.sort_unstable();
        Ok(Live { id: cx.cloud.region.clone(), value: Self { ids, ..self } })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}
