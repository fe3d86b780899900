//! Which subnet uses which route table.

use std::time::Duration;

use aws_sdk_ec2::types::{RouteTable, RouteTableAssociation as Answer};

use super::routes::tables;
use super::{by, some};
use crate::aws::Aws;
use crate::aws::error::{absent, lacking};
use crate::words::Value;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status};

crate::blocks! {
    /// Makes a subnet, or what comes in through a gateway, use a route table. A subnet without one uses the VPC's main one.
    pub struct RouteTableAssociation {
        /// The internet gateway or VPN gateway.
        #[attr(force_new, conflicts(&["subnet_id"]), refers("aws_internet_gateway.id"))]
        gateway_id: Option<String>,
        /// The table.
        #[attr(refers("aws_route_table.id"))]
        route_table_id: String,
        /// The subnet.
        #[attr(force_new, conflicts(&["gateway_id"]), refers("aws_subnet.id"))]
        subnet_id: Option<String>,
    }
}

impl Resource for RouteTableAssociation {
    const TYPE: &'static str = "aws_route_table_association";
    const BATCH: usize = 200;
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "5m"), ("update", "2m"), ("delete", "5m")];
    const RETRY: &'static [Retry] = &[
        Retry { operation: "AssociateRouteTable", code: "InvalidRouteTableID.NotFound", message: "", within: Duration::from_secs(300) },
        Retry { operation: "AssociateRouteTable", code: "InvalidSubnetID.NotFound", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_route_table.first]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table.second]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table_association.example]
subnet_id = "${aws_subnet.front.id}"
route_table_id = "${aws_route_table.first.id}"
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_subnet.front]
vpc_id = "${aws_vpc.net.id}"
cidr_block = "10.0.1.0/24"

[resource.aws_route_table.first]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table.second]
vpc_id = "${aws_vpc.net.id}"

[resource.aws_route_table_association.example]
subnet_id = "${aws_subnet.front.id}"
route_table_id = "${aws_route_table.second.id}"
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.associate_route_table().route_table_id(&self.route_table_id);
        let call = call.set_subnet_id(some(self.subnet_id.as_deref())).set_gateway_id(some(self.gateway_id.as_deref()));
        match call.send().await.map_err(Failure::from) {
            Ok(made) => made.association_id.ok_or_else(|| lacking("association id")),
            Err(failure) if failure.code == "Resource.AlreadyAssociated" => Err(self.taken(cx, failure).await),
            Err(failure) => Err(failure),
        }
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let ties = self.ties(cx).await?;
        let ours = |tie: &Answer| tie.route_table_id() == Some(&self.route_table_id);
        Ok(ties.into_iter().find(ours).and_then(|tie| tie.route_table_association_id))
    }

    /// By its subnet, which has one at most.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        Ok(self.ties(cx).await?.into_iter().filter_map(|tie| tie.route_table_association_id).collect())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let table = |k: &Known<Self>| k.prior.as_ref().map(|p| p.route_table_id.clone());
        let ids: Vec<Id> = known.iter().filter_map(table).collect();
        let mut found: Vec<RouteTable> = if ids.is_empty() { vec![] } else { tables(cx, ids).await?.as_ref().clone() };
        // A tie to another table has another id, and lies in that table.
        let missing: Vec<&Known<Self>> = known.iter().filter(|k| tie_of(&found, k).is_none()).collect();
        found.extend(elsewhere(cx.cloud, &missing).await?);
        let live = known.iter().filter_map(|known| {
            let tie = tie_of(&found, known)?;
            let id = tie.route_table_association_id()?.to_owned();
            if id != known.id {
                cx.reads.renames(Self::TYPE, &known.id, &id);
            }
            match state(tie) {
                ("associating", _) => cx.reads.says(Self::TYPE, &id, Status::Pending("associating".into())),
                ("failed", why) => cx.reads.says(Self::TYPE, &id, Status::Failed(why.to_owned())),
                _ => {}
            }
            let (gateway_id, subnet_id) = (some(tie.gateway_id()), some(tie.subnet_id()));
            let value = Self { gateway_id, route_table_id: tie.route_table_id().unwrap_or_default().to_owned(), subnet_id };
            Some(Live { id, value })
        });
        Ok(live.collect())
    }

    /// One call that changes the table: in between the subnet would use the main one.
    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.replace_route_table_association().association_id(&live.id).route_table_id(&self.route_table_id).send().await?;
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.disassociate_route_table().association_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("rtbassoc-") {
            return Ok(given.to_owned());
        }
        let wrong = || {
            Failure::other(format!("`{given}` names no subnet and route table"))
                .help("write both: `subnet-0123456789abcdef0/rtb-0123456789abcdef0`, or a gateway and a table")
        };
        let (user, table) = given.split_once('/').filter(|(_, table)| table.starts_with("rtb-")).ok_or_else(wrong)?;
        let subnet = user.starts_with("subnet-").then(|| user.to_owned());
        let gateway = subnet.is_none().then(|| user.to_owned());
        let wanted = Self { gateway_id: gateway, route_table_id: table.to_owned(), subnet_id: subnet };
        let gone = || Failure::other(format!("{user} does not use {table}")).because(Cause::Gone);
        wanted.find(cx).await?.ok_or_else(gone)
    }

    fn check(given: &Value) -> Vec<Problem> {
        let absent = |name: &str| given.attr(name).is_empty();
        if absent("subnet_id") && absent("gateway_id") {
            return vec![Problem::new("", "what should use the table is missing: give `subnet_id` or `gateway_id`")];
        }
        vec![]
    }
}

impl RouteTableAssociation {
    /// The ties that its subnet or gateway has.
    async fn ties(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Answer>> {
        let filter = match (some(self.subnet_id.as_deref()), some(self.gateway_id.as_deref())) {
            (Some(subnet), _) => by("association.subnet-id", [subnet]),
            (None, Some(gateway)) => by("association.gateway-id", [gateway]),
            (None, None) => return Ok(vec![]),
        };
        let found = absent(cx.cloud.ec2.describe_route_tables().filters(filter).send().await.map_err(Into::into))?;
        let tables = found.and_then(|found| found.route_tables).unwrap_or_default();
        let ties = tables.into_iter().flat_map(|table| table.associations.unwrap_or_default());
        Ok(ties.filter(|tie| self.uses(tie) && is_there(tie)).collect())
    }

    fn uses(&self, tie: &Answer) -> bool {
        let same = |want: Option<&str>, has: Option<&str>| some(want).is_some() && some(want) == some(has);
        same(self.subnet_id.as_deref(), tie.subnet_id()) || same(self.gateway_id.as_deref(), tie.gateway_id())
    }

    async fn taken(&self, cx: &Cx<'_, Aws>, failure: Failure) -> Failure {
        let ties = self.ties(cx).await.unwrap_or_default();
        let user = self.subnet_id.as_deref().or(self.gateway_id.as_deref()).unwrap_or_default();
        match ties.first().and_then(|tie| tie.route_table_id()) {
            Some(table) => failure.help(format!("import it as `{user}/{table}`, and it will be changed in place")),
            None => failure,
        }
    }
}

/// How far a tie has got, and why not further.
pub(super) fn state(tie: &Answer) -> (&str, &str) {
    let state = tie.association_state();
    (state.and_then(|s| s.state()).map_or("", |s| s.as_str()), state.and_then(|s| s.status_message()).unwrap_or("no reason given"))
}

pub(super) fn is_there(tie: &Answer) -> bool {
    !matches!(state(tie).0, "disassociating" | "disassociated")
}

/// The tie of that id; else the one that its subnet or gateway has now.
fn tie_of<'a>(tables: &'a [RouteTable], known: &Known<RouteTableAssociation>) -> Option<&'a Answer> {
    let all = || tables.iter().flat_map(|table| table.associations()).filter(|tie| is_there(tie) && tie.main() != Some(true));
    let same = all().find(|tie| tie.route_table_association_id() == Some(&known.id));
    same.or_else(|| all().find(|tie| known.prior.as_ref().is_some_and(|prior| prior.uses(tie))))
}

/// The tables where those lie that are not where they were.
async fn elsewhere(aws: &Aws, missing: &[&Known<RouteTableAssociation>]) -> Outcome<Vec<RouteTable>> {
    let priors = || missing.iter().filter_map(|k| k.prior.as_ref());
    let asked: [(&str, Vec<String>); 3] = [
        ("association.subnet-id", priors().filter_map(|p| some(p.subnet_id.as_deref())).collect()),
        ("association.gateway-id", priors().filter_map(|p| some(p.gateway_id.as_deref())).collect()),
        ("association.route-table-association-id", missing.iter().filter(|k| k.prior.is_none()).map(|k| k.id.clone()).collect()),
    ];
    let mut found = vec![];
    for (name, values) in asked.into_iter().filter(|(_, values)| !values.is_empty()) {
        let pages = aws.ec2.describe_route_tables().filters(by(name, values)).into_paginator();
        found.extend(pages.items().send().try_collect().await?);
    }
    Ok(found)
}
