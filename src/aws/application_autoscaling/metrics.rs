//! The metrics that policies of Application Auto Scaling follow.

use std::collections::BTreeSet;

use aws_sdk_applicationautoscaling::types as sdk;

use super::{int, some};
use crate::words::failure::Outcome;
use crate::words::number::Number;

crate::blocks! {
    /// A metric that is kept near a value.
    pub struct TargetTracking {
        /// The metric, where AWS has no name for it.
        customized_metric_specification: Option<Customized>,
        /// Never shrink.
        #[attr(default_bool(false))]
        disable_scale_in: Option<bool>,
        /// The metric by AWS's name for it.
        predefined_metric_specification: Option<Predefined>,
        /// Seconds of rest after it has shrunk.
        scale_in_cooldown: Option<i64>,
        /// Seconds of rest after it has grown.
        scale_out_cooldown: Option<i64>,
        /// The value.
        target_value: Number,
    }

    /// A metric by AWS's name for it.
    pub struct Predefined {
        /// The name, `ECSServiceAverageCPUUtilization`.
        predefined_metric_type: String,
        /// The load balancer and target group, `app/NAME/ID/targetgroup/NAME/ID`.
        resource_label: Option<String>,
    }

    /// A metric, or several and an expression.
    pub struct Customized {
        /// Its dimensions.
        dimensions: BTreeSet<Dimension>,
        /// Its name.
        metric_name: Option<String>,
        /// Several metrics, in place of one.
        metrics: BTreeSet<Query>,
        /// Its namespace.
        namespace: Option<String>,
        /// What is taken of it.
        #[attr(one_of(&["Average", "Minimum", "Maximum", "SampleCount", "Sum"]))]
        statistic: Option<String>,
        /// Its unit.
        unit: Option<String>,
    }

    /// A dimension of a metric.
    pub struct Dimension {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    }

    /// One of several metrics.
    pub struct Query {
        /// What is computed of others.
        expression: Option<String>,
        /// By what others call it.
        id: String,
        /// Its name for people.
        label: Option<String>,
        /// The metric.
        metric_stat: Option<Stat>,
        /// Whether it is the one that is followed.
        #[attr(default_bool(true))]
        return_data: Option<bool>,
    }

    /// A metric, and what is taken of it.
    pub struct Stat {
        /// The metric.
        #[attr(required)]
        metric: Option<Metric>,
        /// What is taken.
        stat: String,
        /// Its unit.
        unit: Option<String>,
    }

    /// A metric of CloudWatch.
    pub struct Metric {
        /// Its dimensions.
        dimensions: BTreeSet<Dimension>,
        /// Its name.
        metric_name: String,
        /// Its namespace.
        namespace: String,
    }
}

fn text(t: &Option<String>) -> Option<String> {
    some(t.as_deref())
}

fn owned(t: Option<&str>) -> String {
    t.unwrap_or_default().to_owned()
}

impl TargetTracking {
    /// For a call.
    pub(super) fn sdk(&self) -> Outcome<sdk::TargetTrackingScalingPolicyConfiguration> {
        let named = |p: &Predefined| {
            let named = sdk::PredefinedMetricSpecification::builder().predefined_metric_type(p.predefined_metric_type.as_str().into());
            named.set_resource_label(text(&p.resource_label)).build()
        };
        let predefined = self.predefined_metric_specification.as_ref().map(named).transpose()?;
        let customized = self.customized_metric_specification.as_ref().map(Customized::sdk).transpose()?;
        let config = sdk::TargetTrackingScalingPolicyConfiguration::builder().target_value(self.target_value.as_f64());
        let config = config.set_predefined_metric_specification(predefined).set_customized_metric_specification(customized);
        let config = config.set_scale_in_cooldown(int(self.scale_in_cooldown)).set_scale_out_cooldown(int(self.scale_out_cooldown));
        Ok(config.set_disable_scale_in(self.disable_scale_in).build()?)
    }

    /// What AWS answers.
    pub(super) fn of_sdk(config: &sdk::TargetTrackingScalingPolicyConfiguration) -> Self {
        Self {
            customized_metric_specification: config.customized_metric_specification().map(Customized::of_sdk),
            disable_scale_in: Some(config.disable_scale_in().unwrap_or(false)),
            predefined_metric_specification: config.predefined_metric_specification().map(|p| Predefined {
                predefined_metric_type: p.predefined_metric_type().as_str().to_owned(),
                resource_label: some(p.resource_label()),
            }),
            scale_in_cooldown: config.scale_in_cooldown().map(i64::from),
            scale_out_cooldown: config.scale_out_cooldown().map(i64::from),
            target_value: Number::from_f64(config.target_value()).unwrap_or_else(|| 0.into()),
        }
    }
}

impl Customized {
    fn sdk(&self) -> Outcome<sdk::CustomizedMetricSpecification> {
        let dimension = |d: &Dimension| sdk::MetricDimension::builder().name(&d.name).value(&d.value).build();
        let dimensions: Vec<_> = self.dimensions.iter().map(dimension).collect::<Result<_, _>>()?;
        let metrics: Vec<_> = self.metrics.iter().map(Query::sdk).collect::<Outcome<_>>()?;
        let metric = sdk::CustomizedMetricSpecification::builder().set_metric_name(text(&self.metric_name));
        let metric = metric.set_namespace(text(&self.namespace)).set_unit(text(&self.unit));
        let metric = metric.set_statistic(text(&self.statistic).as_deref().map(Into::into));
        let metric = metric.set_dimensions((!dimensions.is_empty()).then_some(dimensions));
        Ok(metric.set_metrics((!metrics.is_empty()).then_some(metrics)).build())
    }

    fn of_sdk(metric: &sdk::CustomizedMetricSpecification) -> Self {
        let dimension = |d: &sdk::MetricDimension| Dimension { name: d.name().to_owned(), value: d.value().to_owned() };
        Self {
            dimensions: metric.dimensions().iter().map(dimension).collect(),
            metric_name: some(metric.metric_name()),
            metrics: metric.metrics().iter().map(Query::of_sdk).collect(),
            namespace: some(metric.namespace()),
            statistic: some(metric.statistic().map(|s| s.as_str())),
            unit: some(metric.unit()),
        }
    }
}

impl Query {
    fn sdk(&self) -> Outcome<sdk::TargetTrackingMetricDataQuery> {
        let dimension = |d: &Dimension| sdk::TargetTrackingMetricDimension::builder().name(&d.name).value(&d.value).build();
        let metric = |m: &Metric| -> Outcome<_> {
            let dimensions: Vec<_> = m.dimensions.iter().map(dimension).collect::<Result<_, _>>()?;
            let metric = sdk::TargetTrackingMetric::builder().metric_name(&m.metric_name).namespace(&m.namespace);
            Ok(metric.set_dimensions((!dimensions.is_empty()).then_some(dimensions)).build())
        };
        let stat = |s: &Stat| -> Outcome<_> {
            let stat = sdk::TargetTrackingMetricStat::builder().stat(&s.stat).set_unit(text(&s.unit));
            Ok(stat.set_metric(s.metric.as_ref().map(metric).transpose()?).build()?)
        };
        let query = sdk::TargetTrackingMetricDataQuery::builder().id(&self.id).set_expression(text(&self.expression));
        let query = query.set_metric_stat(self.metric_stat.as_ref().map(stat).transpose()?);
        Ok(query.set_label(text(&self.label)).set_return_data(self.return_data).build()?)
    }

    fn of_sdk(query: &sdk::TargetTrackingMetricDataQuery) -> Self {
        let dimension = |d: &sdk::TargetTrackingMetricDimension| Dimension { name: d.name().to_owned(), value: d.value().to_owned() };
        Self {
            expression: some(query.expression()),
            id: query.id().to_owned(),
            label: some(query.label()),
            metric_stat: query.metric_stat().map(|s| Stat {
                metric: s.metric().map(|m| Metric {
                    dimensions: m.dimensions().iter().map(dimension).collect(),
                    metric_name: owned(m.metric_name()),
                    namespace: owned(m.namespace()),
                }),
                stat: s.stat().to_owned(),
                unit: some(s.unit()),
            }),
            return_data: Some(query.return_data().unwrap_or(true)),
        }
    }
}
