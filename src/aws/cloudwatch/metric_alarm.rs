//! Alarms on metrics.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_cloudwatch::types::{
    AlarmType, ComparisonOperator, Dimension, Metric as SdkMetric, MetricAlarm as Alarm, MetricDataQuery, MetricStat, Statistic, Tag,
};

use crate::aws::error::absent;
use crate::aws::tags::{delta, of_arns};
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::number::Number;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Tags};
use crate::words::value::Value;

/// How many alarms one call describes.
const PAGE: usize = 100;

crate::blocks! {
    /// Watches a metric, or an expression over several, and acts when it crosses a threshold.
    pub struct MetricAlarm {
        /// Whether its actions are taken.
        #[attr(default_bool(true))]
        actions_enabled: Option<bool>,
        /// What is done when it goes off: ARNs of SNS topics, of scaling policies, of EC2 actions.
        #[attr(max_items(5))]
        alarm_actions: BTreeSet<Arn>,
        /// What it is for.
        #[attr(within(0, 1024))]
        alarm_description: Option<String>,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        alarm_name: String,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// How the metric is compared with the threshold.
        #[attr(one_of(&[
            "GreaterThanOrEqualToThreshold",
            "GreaterThanThreshold",
            "LessThanThreshold",
            "LessThanOrEqualToThreshold",
            "LessThanLowerOrGreaterThanUpperThreshold",
            "LessThanLowerThreshold",
            "GreaterThanUpperThreshold",
        ]))]
        comparison_operator: String,
        /// How many of the periods must be beyond the threshold; all, when left out.
        #[attr(within(1, i64::MAX))]
        datapoints_to_alarm: Option<i64>,
        /// Which of the metric's series.
        #[attr(conflicts(&["metric_query"]))]
        dimensions: BTreeMap<String, String>,
        /// Whether percentiles of few samples are evaluated.
        #[attr(chosen, one_of(&["evaluate", "ignore"]))]
        evaluate_low_sample_count_percentiles: Option<String>,
        /// How many of the last periods are looked at.
        #[attr(within(1, i64::MAX))]
        evaluation_periods: i64,
        /// A percentile or the like, `p99`, instead of `statistic`.
        #[attr(conflicts(&["statistic", "metric_query"]))]
        extended_statistic: Option<String>,
        /// What is done when data is missing.
        #[attr(max_items(5))]
        insufficient_data_actions: BTreeSet<Arn>,
        /// The metric.
        #[attr(within(1, 255), conflicts(&["metric_query"]))]
        metric_name: Option<String>,
        /// Metrics and expressions, instead of one metric; one of them returns the data to watch.
        #[attr(conflicts(&["metric_name"]))]
        metric_query: BTreeSet<MetricQuery>,
        /// The metric's namespace, `AWS/EC2`.
        #[attr(within(1, 255), conflicts(&["metric_query"]))]
        namespace: Option<String>,
        /// What is done when it calms down.
        #[attr(max_items(5))]
        ok_actions: BTreeSet<Arn>,
        /// The seconds over which the statistic is taken: 10, 20, 30 or a multiple of 60.
        #[attr(within(10, 604_800), conflicts(&["metric_query"]))]
        period: Option<i64>,
        /// What is made of the samples of a period.
        #[attr(one_of(&["SampleCount", "Average", "Sum", "Minimum", "Maximum"]), conflicts(&["extended_statistic", "metric_query"]))]
        statistic: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The value to compare with.
        #[attr(conflicts(&["threshold_metric_id"]))]
        threshold: Option<Number>,
        /// The query that gives the band of an anomaly detection to compare with.
        #[attr(conflicts(&["threshold"]), within(1, 255))]
        threshold_metric_id: Option<String>,
        /// What missing data means.
        #[attr(default_text("missing"), one_of(&["missing", "ignore", "breaching", "notBreaching"]))]
        treat_missing_data: Option<String>,
        /// The metric's unit.
        unit: Option<String>,
    }

    /// A metric or an expression.
    pub struct MetricQuery {
        /// The account of the metric.
        #[attr(within(1, 255))]
        account_id: Option<String>,
        /// A calculation over other queries.
        #[attr(within(1, 2048))]
        expression: Option<String>,
        /// The name by which expressions refer to it.
        #[attr(within(1, 255))]
        id: String,
        /// The name for people.
        label: Option<String>,
        /// The metric, instead of an expression.
        metric: Option<Metric>,
        /// The seconds between the values of an expression.
        period: Option<i64>,
        /// Whether this is what the alarm watches.
        #[attr(default_bool(false))]
        return_data: Option<bool>,
    }

    /// A statistic of a metric.
    pub struct Metric {
        /// Which of the metric's series.
        dimensions: BTreeMap<String, String>,
        /// The metric.
        #[attr(within(1, 255))]
        metric_name: String,
        /// The metric's namespace, `AWS/EC2`.
        #[attr(within(1, 255))]
        namespace: Option<String>,
        /// The seconds over which the statistic is taken.
        period: i64,
        /// What is made of the samples of a period, `Average` or `p99`.
        stat: String,
        /// The metric's unit.
        unit: Option<String>,
    }
}

impl Resource for MetricAlarm {
    const TYPE: &'static str = "aws_cloudwatch_metric_alarm";
    const KNOWN_BY: Option<&'static str> = Some("alarm_name");
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 500;
    const UPSERTS: bool = true;
    const GONE: &'static [&'static str] = &["ResourceNotFound"];
    const EXAMPLE: &'static str = r#"
[resource.aws_sns_topic.alerts]
name = "alerts"

[resource.aws_cloudwatch_metric_alarm.example]
alarm_name = "example"
comparison_operator = "GreaterThanThreshold"
evaluation_periods = 2
metric_name = "CPUUtilization"
namespace = "AWS/EC2"
period = 60
extended_statistic = "p90"
evaluate_low_sample_count_percentiles = "ignore"
threshold = 80
unit = "Percent"
dimensions = { InstanceId = "i-0123456789abcdef0" }
alarm_actions = ["${aws_sns_topic.alerts.arn}"]
tags = { team = "infra" }
---
[resource.aws_sns_topic.alerts]
name = "alerts"

[resource.aws_cloudwatch_metric_alarm.example]
alarm_name = "example"
alarm_description = "the instance can't keep up"
comparison_operator = "GreaterThanOrEqualToThreshold"
evaluation_periods = 3
datapoints_to_alarm = 2
threshold = 0.5
treat_missing_data = "breaching"
actions_enabled = false
ok_actions = ["${aws_sns_topic.alerts.arn}"]
insufficient_data_actions = ["${aws_sns_topic.alerts.arn}"]
tags = { team = "platform", Name = "example" }

[[resource.aws_cloudwatch_metric_alarm.example.metric_query]]
id = "ratio"
expression = "errors / requests"
label = "share of errors"
return_data = true

[[resource.aws_cloudwatch_metric_alarm.example.metric_query]]
id = "errors"
metric = { metric_name = "HTTPCode_Target_5XX_Count", namespace = "AWS/ApplicationELB", period = 120, stat = "Sum", unit = "Count", dimensions = { LoadBalancer = "app/web/1" } }

[[resource.aws_cloudwatch_metric_alarm.example.metric_query]]
id = "requests"
metric = { metric_name = "RequestCount", namespace = "AWS/ApplicationELB", period = 120, stat = "Sum", unit = "Count", dimensions = { LoadBalancer = "app/web/1" } }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let number = |name: &str| given.attr(name).as_number().and_then(|n| n.as_i64());
        if let (Some(some), Some(all)) = (number("datapoints_to_alarm"), number("evaluation_periods"))
            && some > all
        {
            problems.push(Problem::new("datapoints_to_alarm", format!("there are {all} periods (`evaluation_periods`), not {some}")));
        }
        if let Some(period) = number("period").filter(|p| ![10, 20, 30].contains(p) && p % 60 != 0) {
            problems.push(Problem::new("period", format!("a period has 10, 20, 30 or a multiple of 60 seconds, not {period}")));
        }
        let queries = given.attr("metric_query");
        if queries.is_known() && !queries.is_empty() {
            let watched = queries.items().iter().filter(|q| q.attr("return_data").as_bool() == Some(true)).count();
            if watched != 1 {
                problems.push(Problem::new("metric_query", format!("exactly one query has `return_data = true`, not {watched}")));
            }
        } else if queries.is_empty() && given.attr("metric_name").is_null() {
            problems.push(Problem::new("", "an alarm watches a metric (`metric_name`) or queries (`metric_query`); neither is given"));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud, tagged(&self.tags_all)).await?;
        Ok(self.alarm_name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.alarm_name)).await?;
        Ok(found.into_iter().find_map(|a| a.alarm_name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let call = cx.cloud.cloudwatch.describe_alarms().alarm_types(AlarmType::MetricAlarm);
        let pages: Vec<_> = call.into_paginator().send().try_collect().await?;
        let listed = pages.iter().flat_map(|page| page.metric_alarms()).filter_map(|a| {
            let listed = Listed::new(a.alarm_name()?).marked("arn", a.alarm_arn());
            Some(listed.noise(a.alarm_name()?.starts_with("TargetTracking-"), "made by a scaling policy"))
        });
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let names: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let alarms = described(cx.cloud, &names).await?;
        let arns: Vec<String> = alarms.iter().filter_map(|a| a.alarm_arn.clone()).collect();
        let mut tags = of_arns(cx, &arns, |arn| async move {
            let found = absent(cx.cloud.cloudwatch.list_tags_for_resource().resource_arn(arn).send().await.map_err(Into::into))?;
            let tags = found.and_then(|f| f.tags).unwrap_or_default();
            Ok(tags.into_iter().filter_map(|t| Some((t.key?, t.value.unwrap_or_default()))).collect())
        })
        .await?;
        let live = alarms.into_iter().filter_map(|alarm| {
            let mut tags = alarm.alarm_arn().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            tags.retain(|key, _| !key.starts_with("aws:"));
            Some(Live { id: alarm.alarm_name.clone()?, value: of_alarm(alarm, tags) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (cloudwatch, old) = (&cx.cloud.cloudwatch, &live.value);
        self.put(cx.cloud, None).await?;
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            cloudwatch.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set) {
            cloudwatch.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.cloudwatch.delete_alarms().alarm_names(&live.id).send().await?;
        Ok(())
    }
}

impl MetricAlarm {
    /// Makes the alarm or replaces all of it: what is not sent goes back to its default.
    async fn put(&self, aws: &Aws, tags: Option<Vec<Tag>>) -> Outcome<()> {
        let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let actions = |a: &BTreeSet<Arn>| Some(a.iter().map(|arn| arn.to_string()).collect());
        let call = aws.cloudwatch.put_metric_alarm().alarm_name(&self.alarm_name).set_tags(tags);
        let call = call.comparison_operator(ComparisonOperator::from(self.comparison_operator.as_str()));
        let call = call.set_actions_enabled(self.actions_enabled).set_alarm_description(text(&self.alarm_description));
        let call = call.set_alarm_actions(actions(&self.alarm_actions)).set_ok_actions(actions(&self.ok_actions));
        let call = call.set_insufficient_data_actions(actions(&self.insufficient_data_actions));
        let call = call.set_evaluation_periods(int(Some(self.evaluation_periods))).set_datapoints_to_alarm(int(self.datapoints_to_alarm));
        let call = call.set_threshold(self.threshold.as_ref().map(Number::as_f64)).set_threshold_metric_id(text(&self.threshold_metric_id));
        let call = call.set_treat_missing_data(text(&self.treat_missing_data));
        let call = call.set_evaluate_low_sample_count_percentile(text(&self.evaluate_low_sample_count_percentiles));
        if self.metric_query.is_empty() {
            let call = call.set_metric_name(text(&self.metric_name)).set_namespace(text(&self.namespace)).set_period(int(self.period));
            let call = call.set_statistic(text(&self.statistic).as_deref().map(Statistic::from));
            let call = call.set_extended_statistic(text(&self.extended_statistic)).set_dimensions(dimensions(&self.dimensions));
            call.set_unit(text(&self.unit).as_deref().map(Into::into)).send().await?;
        } else {
            call.set_metrics(Some(self.metric_query.iter().map(query).collect())).send().await?;
        }
        Ok(())
    }
}

fn int(n: Option<i64>) -> Option<i32> {
    n.and_then(|n| i32::try_from(n).ok())
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Option<Vec<Tag>> {
    (!tags.is_empty()).then(|| tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect())
}

fn dimensions(dimensions: &BTreeMap<String, String>) -> Option<Vec<Dimension>> {
    let all = dimensions.iter().map(|(name, value)| Dimension::builder().name(name).value(value).build());
    (!dimensions.is_empty()).then(|| all.collect())
}

fn query(query: &MetricQuery) -> MetricDataQuery {
    let stat = query.metric.as_ref().map(|m| {
        let metric = SdkMetric::builder().metric_name(&m.metric_name).set_namespace(m.namespace.clone());
        let metric = metric.set_dimensions(dimensions(&m.dimensions)).build();
        let unit = m.unit.as_deref().filter(|u| !u.is_empty()).map(Into::into);
        MetricStat::builder().metric(metric).set_period(int(Some(m.period))).stat(&m.stat).set_unit(unit).build()
    });
    let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
    let call = MetricDataQuery::builder().id(&query.id).set_metric_stat(stat).set_expression(text(&query.expression));
    let call = call.set_label(text(&query.label)).set_period(int(query.period.filter(|p| *p != 0)));
    call.set_return_data(Some(query.return_data == Some(true))).set_account_id(text(&query.account_id)).build()
}

/// Those of the alarms that exist.
async fn described(aws: &Aws, names: &[String]) -> Outcome<Vec<Alarm>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        let call = aws.cloudwatch.describe_alarms().set_alarm_names(Some(names.to_vec())).alarm_types(AlarmType::MetricAlarm);
        let found = call.max_records(100).send().await?;
        Ok(Some(found.metric_alarms.unwrap_or_default()))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}

fn of_alarm(alarm: Alarm, tags_all: Tags) -> MetricAlarm {
    let set = |arns: Option<Vec<String>>| arns.unwrap_or_default().into_iter().map(Arn).collect();
    let text = |t: Option<String>| t.filter(|t| !t.is_empty());
    MetricAlarm {
        actions_enabled: Some(alarm.actions_enabled.unwrap_or(true)),
        alarm_actions: set(alarm.alarm_actions),
        alarm_description: text(alarm.alarm_description),
        alarm_name: alarm.alarm_name.unwrap_or_default(),
        arn: alarm.alarm_arn,
        comparison_operator: alarm.comparison_operator.map(|o| o.as_str().to_owned()).unwrap_or_default(),
        datapoints_to_alarm: alarm.datapoints_to_alarm.map(i64::from),
        dimensions: of_dimensions(alarm.dimensions),
        evaluate_low_sample_count_percentiles: text(alarm.evaluate_low_sample_count_percentile),
        evaluation_periods: alarm.evaluation_periods.map_or(1, i64::from),
        extended_statistic: text(alarm.extended_statistic),
        insufficient_data_actions: set(alarm.insufficient_data_actions),
        metric_name: text(alarm.metric_name),
        metric_query: alarm.metrics.unwrap_or_default().into_iter().map(of_query).collect(),
        namespace: text(alarm.namespace),
        ok_actions: set(alarm.ok_actions),
        period: alarm.period.map(i64::from),
        statistic: alarm.statistic.map(|s| s.as_str().to_owned()),
        tags: Tags::new(),
        tags_all,
        // With a metric to compare with, the threshold of the answer means nothing.
        threshold: alarm.threshold.filter(|_| alarm.threshold_metric_id.is_none()).and_then(Number::from_f64),
        threshold_metric_id: text(alarm.threshold_metric_id),
        treat_missing_data: Some(text(alarm.treat_missing_data).unwrap_or_else(|| "missing".into())),
        unit: alarm.unit.map(|u| u.as_str().to_owned()),
    }
}

fn of_dimensions(dimensions: Option<Vec<Dimension>>) -> BTreeMap<String, String> {
    dimensions.unwrap_or_default().into_iter().filter_map(|d| Some((d.name?, d.value?))).collect()
}

fn of_query(query: MetricDataQuery) -> MetricQuery {
    MetricQuery {
        account_id: query.account_id,
        expression: query.expression.filter(|e| !e.is_empty()),
        id: query.id.unwrap_or_default(),
        label: query.label.filter(|l| !l.is_empty()),
        metric: query.metric_stat.map(|stat| {
            let metric = stat.metric.unwrap_or_else(|| SdkMetric::builder().build());
            Metric {
                dimensions: of_dimensions(metric.dimensions),
                metric_name: metric.metric_name.unwrap_or_default(),
                namespace: metric.namespace,
                period: stat.period.map_or(0, i64::from),
                stat: stat.stat.unwrap_or_default(),
                unit: stat.unit.map(|u| u.as_str().to_owned()),
            }
        }),
        period: query.period.map(i64::from),
        return_data: Some(query.return_data.unwrap_or(true)),
    }
}
