//! Lists route tables.

use std::collections::BTreeSet;

use super::filter::{self, Filter, Search};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// The ids of all route tables that pass, which may be none.
    pub struct RouteTablesData {
        /// Only tables that pass.
        filter: BTreeSet<Filter>,
        /// Their ids, sorted.
        #[attr(computed)]
        ids: Vec<String>,
        /// Only tables with these tags.
        #[attr(chosen)]
        tags: Tags,
        /// Only tables of this VPC.
        #[attr(refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }
}

impl DataSource for RouteTablesData {
    const TYPE: &'static str = "aws_route_tables";
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.net]
default = true

[data.aws_route_tables.example]
vpc_id = "${data.aws_vpc.net.id}"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let search = Search::new(&self.filter, &self.tags).and("vpc-id", self.vpc_id.as_ref());
        let call = cx.cloud.ec2.describe_route_tables().set_filters(search.list());
        let found: Vec<aws_sdk_ec2::types::RouteTable> = call.into_paginator().items().send().try_collect().await?;
        let mut ids: Vec<String> = found.into_iter().filter_map(|table| table.route_table_id).collect();
        ids.sort_unstable();
        Ok(Live { id: cx.cloud.region.clone(), value: Self { ids, ..self } })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}
