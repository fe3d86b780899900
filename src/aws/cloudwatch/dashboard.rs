//! Dashboards.

use crate::aws::error::absent;
use crate::aws::types::JsonText;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource};
use crate::words::value::Value;

crate::blocks! {
    /// A page of graphs and texts. The whole account sees it, from every region.
    pub struct Dashboard {
        /// Its ARN.
        #[attr(computed)]
        dashboard_arn: Option<String>,
        /// What is on it, as JSON.
        dashboard_body: JsonText,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        dashboard_name: String,
    }
}

impl Resource for Dashboard {
    const TYPE: &'static str = "aws_cloudwatch_dashboard";
    const KNOWN_BY: Option<&'static str> = Some("dashboard_name");
    const UPSERTS: bool = true;
    const GONE: &'static [&'static str] = &["ResourceNotFound", "DashboardNotFoundError"];
    const EXAMPLE: &'static str = r##"
[resource.aws_cloudwatch_dashboard.example]
dashboard_name = "example"
dashboard_body = '{"widgets":[{"type":"text","x":0,"y":0,"width":6,"height":3,"properties":{"markdown":"# Hello"}}]}'
---
[resource.aws_cloudwatch_dashboard.example]
dashboard_name = "example"
dashboard_body = '{"widgets":[{"type":"metric","x":0,"y":0,"width":12,"height":6,"properties":{"metrics":[["AWS/EC2","CPUUtilization"]],"region":"us-east-1","period":300}}]}'
"##;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let odd = |c: &char| !(c.is_ascii_alphanumeric() || "-_".contains(*c));
        let odd = given.attr("dashboard_name").as_str().and_then(|name| name.chars().find(odd));
        odd.map(|c| Problem::new("dashboard_name", format!("the name of a dashboard has letters, digits, `-` and `_`, and no `{c}`")))
            .into_iter()
            .collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await?;
        Ok(self.dashboard_name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        Ok(get(cx.cloud, &self.dashboard_name).await?.map(|_| self.dashboard_name.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.cloudwatch.list_dashboards().into_paginator().items().send().try_collect().await?;
        Ok(Some(found.iter().filter_map(|d| Some(Listed::new(d.dashboard_name()?))).collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move { Ok(get(cx.cloud, &k.id).await?.map(|value| Live { id: k.id.clone(), value })) }).await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.cloudwatch.delete_dashboards().dashboard_names(&live.id).send().await?;
        Ok(())
    }
}

impl Dashboard {
    async fn put(&self, aws: &Aws) -> Outcome<()> {
        let call = aws.cloudwatch.put_dashboard().dashboard_name(&self.dashboard_name).dashboard_body(&*self.dashboard_body);
        let put = call.send().await.map_err(Failure::from);
        put.map(drop)
            .map_err(|failure| if failure.code == "InvalidParameterInput" { failure.help("look at `dashboard_body`") } else { failure })
    }
}

async fn get(aws: &Aws, name: &str) -> Outcome<Option<Dashboard>> {
    let found = absent(aws.cloudwatch.get_dashboard().dashboard_name(name).send().await.map_err(|error| {
        let failure = Failure::from(error);
        if failure.code == "DashboardNotFoundError" { failure.because(crate::words::failure::Cause::Gone) } else { failure }
    }))?;
    Ok(found.map(|f| Dashboard {
        dashboard_arn: f.dashboard_arn,
        dashboard_body: JsonText(f.dashboard_body.unwrap_or_default()),
        dashboard_name: f.dashboard_name.unwrap_or_else(|| name.to_owned()),
    }))
}
