//! Metrics that are made of what logs say.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::{MetricFilter as Found, MetricTransformation, StandardUnit};

use crate::aws::error::absent;
use crate::aws::{Aws, each, imported};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

crate::text!(
    /// A filter pattern: blanks around it mean nothing.
    pub Pattern, "filter pattern", |s| Ok(s.trim().to_owned()), |a, b| a.trim() == b.trim()
);

crate::text!(
    /// A number, written as text, so that 0 is not nothing.
    pub NumberText, "number", number, |a, b| a.parse::<f64>().ok() == b.parse::<f64>().ok()
);

fn number(text: &str) -> Result<String, String> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|n| n.is_finite())
        .map(|_| text.trim().to_owned())
        .ok_or_else(|| "write it like `0` or `1.5`".into())
}

crate::blocks! {
    /// Makes a metric of the events of a log group that fit a pattern.
    pub struct MetricFilter {
        /// The log group.
        #[attr(force_new, within(1, 512), refers("aws_cloudwatch_log_group.name"))]
        log_group_name: String,
        /// The metric.
        #[attr(required)]
        metric_transformation: Option<Transformation>,
        /// Its name.
        #[attr(force_new, within(1, 512))]
        name: String,
        /// Which events fit; empty for all.
        #[attr(within(0, 1024))]
        pattern: Pattern,
    }

    /// The metric that a filter makes.
    pub struct Transformation {
        /// Its value while no event fits.
        default_value: Option<NumberText>,
        /// Its dimensions, and where in an event each stands.
        dimensions: BTreeMap<String, String>,
        /// Its name.
        #[attr(within(0, 255))]
        name: String,
        /// Its namespace.
        #[attr(within(0, 255))]
        namespace: String,
        /// Its unit.
        #[attr(default_text("None"))]
        unit: Option<String>,
        /// Its value for an event that fits: a number, or where in the event it stands.
        #[attr(within(0, 100))]
        value: String,
    }
}

/// Another change of the same group is under way.
const fn busy(operation: &'static str) -> Retry {
    Retry { operation, code: "OperationAbortedException", message: "", within: Duration::from_secs(120) }
}

impl Resource for MetricFilter {
    const TYPE: &'static str = "aws_cloudwatch_log_metric_filter";
    const UNIQUE: &'static [&'static str] = &["name", "log_group_name"];
    const KNOWN_BY: Option<&'static str> = Some("name");
    const UPSERTS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[busy("PutMetricFilter"), busy("DeleteMetricFilter")];
    const EXAMPLE: &'static str = r#"
[resource.aws_cloudwatch_log_group.app]
name = "/app/filter-example"

[resource.aws_cloudwatch_log_metric_filter.example]
name = "errors"
log_group_name = "${aws_cloudwatch_log_group.app.name}"
pattern = "ERROR"
metric_transformation = { name = "Errors", namespace = "App", value = "1" }
---
[resource.aws_cloudwatch_log_group.app]
name = "/app/filter-example"

[resource.aws_cloudwatch_log_metric_filter.example]
name = "errors"
log_group_name = "${aws_cloudwatch_log_group.app.name}"
pattern = "{ $.level = \"error\" }"
metric_transformation = { name = "ErrorTime", namespace = "App/Web", value = "$.took", unit = "Milliseconds", default_value = "0" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        if given.attr("name").as_str().is_some_and(|name| name.contains([':', '*'])) {
            problems.push(Problem::new("name", "the name of a metric filter has no `:` and no `*`"));
        }
        if let Some(metric) = given.attr("metric_transformation").items().first() {
            let dimensions = metric.attr("dimensions").entries().map_or(0, |d| d.len());
            if dimensions > 3 {
                problems.push(Problem::new("metric_transformation.0.dimensions", format!("there can be 3 dimensions, not {dimensions}")));
            }
            if dimensions > 0 && !metric.attr("default_value").is_null() {
                problems.push(Problem::new("metric_transformation.0.default_value", "a metric with dimensions has no default value"));
            }
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await?;
        Ok(self.name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = of_group(cx.cloud, &self.log_group_name).await?;
        if !found.iter().any(|f| f.filter_name() == Some(&self.name)) {
            return Ok(None);
        }
        // The id is the name alone; who reads it next has to know the group.
        let place = [self.log_group_name.clone(), self.name.clone()];
        Ok(imported::remember(cx.cloud, Self::TYPE, &self.name, &place).await.ok())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.logs.describe_metric_filters().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|f| {
            let (name, group) = (f.filter_name()?, f.log_group_name()?);
            Some(Listed::new(name).marked("log_group_name", Some(group)).imported_by(format!("{group}:{name}")))
        });
        Ok(Some(listed.collect()))
    }

    /// All filters of a group with one call.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut groups: BTreeMap<String, Vec<(&Known<Self>, String)>> = BTreeMap::new();
        for k in known {
            if let Some((group, name)) = place(cx.cloud, k).await {
                groups.entry(group).or_default().push((k, name));
            }
        }
        let live = each(&groups, |(group, asked)| async move {
            let mut found: HashMap<String, Found> =
                of_group(cx.cloud, group).await?.into_iter().filter_map(|f| Some((f.filter_name.clone()?, f))).collect();
            let live = asked.iter().filter_map(|(k, name)| Some(Live { id: k.id.clone(), value: of(found.remove(name)?, group) }));
            Ok(Some(live.collect::<Vec<_>>()))
        });
        Ok(live.await?.into_iter().flatten().collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let call = cx.cloud.logs.delete_metric_filter().log_group_name(&live.value.log_group_name).filter_name(&live.value.name);
        call.send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        match given.rsplit_once(':') {
            Some((group, name)) if !group.is_empty() && !name.is_empty() => {
                imported::remember(cx.cloud, Self::TYPE, name, &[group.to_owned(), name.to_owned()]).await
            }
            _ => Err(Failure::other(format!("`{given}` does not name a metric filter")).help("write it like `LOG-GROUP:FILTER`")),
        }
    }
}

impl MetricFilter {
    async fn put(&self, aws: &Aws) -> Outcome<()> {
        let transformation = self.metric_transformation.as_ref().map(|t| {
            let default = t.default_value.as_ref().and_then(|d| d.parse().ok());
            let dimensions = (!t.dimensions.is_empty()).then(|| t.dimensions.clone().into_iter().collect());
            let unit = t.unit.as_deref().filter(|u| !u.is_empty()).map(StandardUnit::from);
            let builder = MetricTransformation::builder().metric_name(&t.name).metric_namespace(&t.namespace).metric_value(&t.value);
            builder.set_default_value(default).set_dimensions(dimensions).set_unit(unit).build()
        });
        let call = aws.logs.put_metric_filter().log_group_name(&self.log_group_name).filter_name(&self.name);
        call.filter_pattern(&*self.pattern).set_metric_transformations(transformation.transpose()?.map(|t| vec![t])).send().await?;
        Ok(())
    }
}

/// The log group and the name of a filter. The id is the name alone, as Terraform has it.
async fn place(aws: &Aws, known: &Known<MetricFilter>) -> Option<(String, String)> {
    if let Some(prior) = &known.prior {
        return Some((prior.log_group_name.clone(), prior.name.clone()));
    }
    let said = imported::recall(aws, MetricFilter::TYPE, &known.id).await?;
    Some((said.first()?.clone(), said.get(1)?.clone()))
}

fn of(found: Found, group: &str) -> MetricFilter {
    let transformation = found.metric_transformations.unwrap_or_default().into_iter().next().map(|t| Transformation {
        default_value: t.default_value.map(|d| NumberText(d.to_string())),
        dimensions: t.dimensions.unwrap_or_default().into_iter().collect(),
        name: t.metric_name,
        namespace: t.metric_namespace,
        unit: Some(t.unit.as_ref().map_or("None", StandardUnit::as_str).to_owned()),
        value: t.metric_value,
    });
    MetricFilter {
        log_group_name: group.to_owned(),
        metric_transformation: transformation,
        name: found.filter_name.unwrap_or_default(),
        pattern: Pattern(found.filter_pattern.unwrap_or_default()),
    }
}

/// All filters of a log group; none where it does not exist.
async fn of_group(aws: &Aws, group: &str) -> Outcome<Vec<Found>> {
    let mut pages = aws.logs.describe_metric_filters().log_group_name(group).into_paginator().items().send();
    let mut found = vec![];
    while let Some(filter) = pages.next().await {
        let Some(filter) = absent(filter.map_err(Failure::from))? else { return Ok(vec![]) };
        found.push(filter);
    }
    Ok(found)
}
