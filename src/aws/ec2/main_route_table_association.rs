//! Which route table a VPC's subnets use that have none of their own.

use std::sync::Arc;

use aws_sdk_ec2::types::RouteTable;

use super::route_table_association::is_there;
use super::routes::tables;
use super::{by, some};
use crate::aws::Aws;
use crate::aws::error::lacking;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource};

crate::blocks! {
    /// Makes a table the main one of its VPC. When this is destroyed, the one that was there before is the main one again.
    pub struct MainRouteTableAssociation {
        /// The table that was the main one before.
        #[attr(computed)]
        original_route_table_id: Option<String>,
        /// The table.
        #[attr(refers("aws_route_table.id"))]
        route_table_id: String,
        /// The VPC.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: String,
    }
}

impl Resource for MainRouteTableAssociation {
    const TYPE: &'static str = "aws_main_route_table_association";
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "2m"), ("delete", "5m")];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_route_table.first]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table.second]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_main_route_table_association.example]
vpc_id = "${aws_vpc.net.id}"
route_table_id = "${aws_route_table.first.id}"
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_route_table.first]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table.second]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_main_route_table_association.example]
vpc_id = "${aws_vpc.net.id}"
route_table_id = "${aws_route_table.second.id}"
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let Some((old, original)) = main(&of_vpc(cx.cloud, &self.vpc_id).await?, &self.vpc_id) else {
            return Err(lacking("main route table").because(Cause::Gone));
        };
        let id = replace(cx.cloud, &old, &self.route_table_id).await?;
        // The read that follows has no other way to know it.
        cx.cloud.kept.once(original_key(&self.vpc_id), || async { Ok(original) }).await?;
        Ok(id)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = main(&of_vpc(cx.cloud, &self.vpc_id).await?, &self.vpc_id);
        Ok(found.filter(|(_, table)| *table == self.route_table_id).map(|(id, _)| id))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let ids: Vec<Id> = known.iter().filter_map(|k| k.prior.as_ref()).map(|p| p.route_table_id.clone()).collect();
        let mut found: Vec<RouteTable> = if ids.is_empty() { vec![] } else { tables(cx, ids).await?.as_ref().clone() };
        let missing: Vec<&Known<Self>> = known.iter().filter(|k| by_id(&found, &k.id).is_none()).collect();
        found.extend(elsewhere(cx.cloud, &missing).await?);
        let mut live = vec![];
        for known in known {
            // Another main table is another tie: a VPC has one at any time.
            let by_vpc = || known.prior.as_ref().and_then(|prior| Some((main(&found, &prior.vpc_id)?, prior.vpc_id.clone())));
            let Some(((id, table), vpc)) = by_id(&found, &known.id).or_else(by_vpc) else { continue };
            if id != known.id {
                cx.reads.renames(Self::TYPE, &known.id, &id);
            }
            let held = known.prior.as_ref().and_then(|p| some(p.original_route_table_id.as_deref()));
            let original = match held {
                Some(held) => Some(held),
                None => original(cx.cloud, &vpc, &table).await?,
            };
            live.push(Live { id, value: Self { original_route_table_id: original, route_table_id: table, vpc_id: vpc } });
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        replace(cx.cloud, &live.id, &self.route_table_id).await?;
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Some(original) = some(live.value.original_route_table_id.as_deref()) else {
            let why = format!("nobody knows which table was the main one of {} before", live.value.vpc_id);
            return Err(Failure::other(why).help("make another table the main one in the AWS console, and take this out of the state"));
        };
        replace(cx.cloud, &live.id, &original).await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("rtbassoc-") {
            return Ok(given.to_owned());
        }
        if !given.starts_with("vpc-") {
            return Err(Failure::other(format!("`{given}` is no id of a VPC")).help("give an id such as `vpc-0123456789abcdef0`"));
        }
        let found = main(&of_vpc(cx.cloud, given).await?, given);
        found.map(|(id, _)| id).ok_or_else(|| Failure::other(format!("there is no VPC {given}")).because(Cause::Gone))
    }
}

fn original_key(vpc: &str) -> String {
    format!("the first main route table of {vpc}")
}

async fn replace(aws: &Aws, tie: &str, table: &str) -> Outcome<Id> {
    let made = aws.ec2.replace_route_table_association().association_id(tie).route_table_id(table).send().await?;
    made.new_association_id.ok_or_else(|| lacking("association id"))
}

async fn of_vpc(aws: &Aws, vpc: &str) -> Outcome<Vec<RouteTable>> {
    Ok(aws.ec2.describe_route_tables().filters(by("vpc-id", [vpc])).into_paginator().items().send().try_collect().await?)
}

/// The tie that makes one of the tables the main one of that VPC, and the table.
fn main(tables: &[RouteTable], vpc: &str) -> Option<(Id, Id)> {
    let ties = tables.iter().filter(|table| table.vpc_id() == Some(vpc)).flat_map(|table| table.associations());
    let tie = ties.into_iter().find(|tie| tie.main() == Some(true) && is_there(tie))?;
    Some((tie.route_table_association_id()?.to_owned(), tie.route_table_id()?.to_owned()))
}

/// The tie of that id with its table, and the VPC.
fn by_id(tables: &[RouteTable], id: &str) -> Option<((Id, Id), String)> {
    tables.iter().find_map(|table| {
        let vpc = table.vpc_id()?;
        main(tables, vpc).filter(|(tie, _)| tie == id).map(|found| (found, vpc.to_owned()))
    })
}

/// The tables where those lie that are not where they were.
async fn elsewhere(aws: &Aws, missing: &[&Known<MainRouteTableAssociation>]) -> Outcome<Vec<RouteTable>> {
    let vpcs: Vec<String> = missing.iter().filter_map(|k| k.prior.as_ref()).map(|p| p.vpc_id.clone()).collect();
    let ids: Vec<String> = missing.iter().filter(|k| k.prior.is_none()).map(|k| k.id.clone()).collect();
    let mut found = vec![];
    for (name, values) in [("vpc-id", vpcs), ("association.route-table-association-id", ids)] {
        if !values.is_empty() {
            let pages =
                aws.ec2.describe_route_tables().filters(by(name, values)).filters(by("association.main", ["true"])).into_paginator();
            found.extend(pages.items().send().try_collect().await?);
        }
    }
    Ok(found)
}

/// The table that the VPC came with: as this run has seen it, else the only one that bears no sign of anybody's having made it.
async fn original(aws: &Aws, vpc: &str, main: &str) -> Outcome<Option<Id>> {
    let found = aws.kept.once(original_key(vpc), || async {
        let tables = of_vpc(aws, vpc).await?;
        let bare = tables.iter().filter(|t| t.tags().is_empty() && t.associations().is_empty() && t.routes().len() <= 1);
        let bare: Vec<&str> = bare.filter_map(|t| t.route_table_id()).filter(|id| *id != main).collect();
        match bare.as_slice() {
            [one] => Ok((*one).to_owned()),
            _ => Err(lacking("original main route table").because(Cause::Gone)),
        }
    });
    let found: Option<Arc<String>> = crate::aws::error::absent(found.await)?;
    Ok(found.map(|found| found.as_ref().clone()))
}
