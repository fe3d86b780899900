//! The metrics that scaling policies of Auto Scaling groups follow.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types as sdk;

use super::{int, long, some};
use crate::words::number::Number;

crate::blocks! {
    /// A metric that is kept near a value.
    pub struct TargetTracking {
        /// The metric, where AWS has no name for it.
        customized_metric_specification: Option<Customized>,
        /// Never take instances away.
        #[attr(default_bool(false))]
        disable_scale_in: Option<bool>,
        /// The metric by AWS's name for it.
        predefined_metric_specification: Option<Predefined>,
        /// The value.
        target_value: Number,
    }

    /// A metric by AWS's name for it.
    pub struct Predefined {
        /// The name, `ASGAverageCPUUtilization`.
        predefined_metric_type: String,
        /// The load balancer and target group, `app/NAME/ID/targetgroup/NAME/ID`.
        resource_label: Option<String>,
    }

    /// A metric, or several and an expression.
    pub struct Customized {
        /// Its dimensions.
        metric_dimension: Vec<Dimension>,
        /// Its name.
        metric_name: Option<String>,
        /// Several metrics, in place of one.
        metrics: BTreeSet<TrackedQuery>,
        /// Its namespace.
        namespace: Option<String>,
        /// Seconds that one value stands for.
        period: Option<i64>,
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
    pub struct TrackedQuery {
        /// What is computed of others.
        expression: Option<String>,
        /// By what others call it.
        id: String,
        /// Its name for people.
        label: Option<String>,
        /// The metric.
        metric_stat: Option<TrackedStat>,
        /// Whether it is the one that is followed.
        #[attr(default_bool(true))]
        return_data: Option<bool>,
    }

    /// A metric, and what is taken of it.
    pub struct TrackedStat {
        /// The metric.
        #[attr(required)]
        metric: Option<Metric>,
        /// Seconds that one value stands for.
        period: Option<i64>,
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

    /// Scaling before the load is there.
    pub struct Predictive {
        /// What becomes of forecasts above the greatest size.
        #[attr(default_text("HonorMaxCapacity"), one_of(&["HonorMaxCapacity", "IncreaseMaxCapacity"]))]
        max_capacity_breach_behavior: Option<String>,
        /// How many percent above the forecast the greatest size may be.
        max_capacity_buffer: Option<String>,
        /// What is forecast.
        #[attr(required)]
        metric_specification: Option<Forecast>,
        /// Whether forecasts have consequences.
        #[attr(default_text("ForecastOnly"), one_of(&["ForecastOnly", "ForecastAndScale"]))]
        mode: Option<String>,
        /// How many seconds earlier instances come.
        scheduling_buffer_time: Option<String>,
    }

    /// What is forecast.
    pub struct Forecast {
        /// The capacity.
        customized_capacity_metric_specification: Option<Queries>,
        /// The load.
        customized_load_metric_specification: Option<Queries>,
        /// What is kept near the value.
        customized_scaling_metric_specification: Option<Queries>,
        /// The load, by AWS's name for it.
        predefined_load_metric_specification: Option<Predefined>,
        /// Both by AWS's name for them.
        predefined_metric_pair_specification: Option<Predefined>,
        /// What is kept near the value, by AWS's name for it.
        predefined_scaling_metric_specification: Option<Predefined>,
        /// The value.
        target_value: Number,
    }

    /// Metrics and expressions.
    pub struct Queries {
        /// Each of them.
        #[attr(required, max_items(10))]
        metric_data_queries: Vec<Query>,
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
        /// Whether it is the one that counts.
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
}

fn text(t: &Option<String>) -> Option<String> {
    some(t.as_deref())
}

impl Dimension {
    fn sdk(&self) -> sdk::MetricDimension {
        sdk::MetricDimension::builder().name(&self.name).value(&self.value).build()
    }

    fn of_sdk(dimension: &sdk::MetricDimension) -> Self {
        let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
        Self { name: text(dimension.name()), value: text(dimension.value()) }
    }
}

impl Metric {
    fn sdk(&self) -> sdk::Metric {
        let dimensions: Vec<_> = self.dimensions.iter().map(Dimension::sdk).collect();
        let metric = sdk::Metric::builder().namespace(&self.namespace).metric_name(&self.metric_name);
        metric.set_dimensions((!dimensions.is_empty()).then_some(dimensions)).build()
    }

    fn of_sdk(metric: &sdk::Metric) -> Self {
        Self {
            dimensions: metric.dimensions().iter().map(Dimension::of_sdk).collect(),
            metric_name: metric.metric_name().unwrap_or_default().to_owned(),
            namespace: metric.namespace().unwrap_or_default().to_owned(),
        }
    }
}

impl TargetTracking {
    /// For a call.
    pub(super) fn sdk(&self) -> sdk::TargetTrackingConfiguration {
        let predefined = self.predefined_metric_specification.as_ref().map(|p| {
            let named = sdk::PredefinedMetricSpecification::builder().predefined_metric_type(p.predefined_metric_type.as_str().into());
            named.set_resource_label(text(&p.resource_label)).build()
        });
        sdk::TargetTrackingConfiguration::builder()
            .set_predefined_metric_specification(predefined)
            .set_customized_metric_specification(self.customized_metric_specification.as_ref().map(Customized::sdk))
            .target_value(self.target_value.as_f64())
            .set_disable_scale_in(self.disable_scale_in)
            .build()
    }

    /// What AWS answers.
    pub(super) fn of_sdk(config: &sdk::TargetTrackingConfiguration) -> Self {
        Self {
            customized_metric_specification: config.customized_metric_specification().map(Customized::of_sdk),
            disable_scale_in: Some(config.disable_scale_in().unwrap_or(false)),
            predefined_metric_specification: config.predefined_metric_specification().map(|p| Predefined {
                predefined_metric_type: p.predefined_metric_type().map(|t| t.as_str().to_owned()).unwrap_or_default(),
                resource_label: some(p.resource_label()),
            }),
            target_value: config.target_value().and_then(Number::from_f64).unwrap_or_else(|| 0.into()),
        }
    }
}

impl Customized {
    fn sdk(&self) -> sdk::CustomizedMetricSpecification {
        let dimensions: Vec<_> = self.metric_dimension.iter().map(Dimension::sdk).collect();
        let metrics: Vec<_> = self.metrics.iter().map(TrackedQuery::sdk).collect();
        sdk::CustomizedMetricSpecification::builder()
            .set_metric_name(text(&self.metric_name))
            .set_namespace(text(&self.namespace))
            .set_dimensions((!dimensions.is_empty()).then_some(dimensions))
            .set_statistic(text(&self.statistic).as_deref().map(Into::into))
            .set_unit(text(&self.unit))
            .set_period(int(self.period).filter(|p| *p > 0))
            .set_metrics((!metrics.is_empty()).then_some(metrics))
            .build()
    }

    fn of_sdk(metric: &sdk::CustomizedMetricSpecification) -> Self {
        Self {
            metric_dimension: metric.dimensions().iter().map(Dimension::of_sdk).collect(),
            metric_name: some(metric.metric_name()),
            metrics: metric.metrics().iter().map(TrackedQuery::of_sdk).collect(),
            namespace: some(metric.namespace()),
            period: long(metric.period()),
            statistic: some(metric.statistic().map(|s| s.as_str())),
            unit: some(metric.unit()),
        }
    }
}

impl TrackedQuery {
    fn sdk(&self) -> sdk::TargetTrackingMetricDataQuery {
        let stat = self.metric_stat.as_ref().map(|s| {
            let stat = sdk::TargetTrackingMetricStat::builder().stat(&s.stat).set_unit(text(&s.unit));
            stat.set_period(int(s.period).filter(|p| *p > 0)).set_metric(s.metric.as_ref().map(Metric::sdk)).build()
        });
        let query = sdk::TargetTrackingMetricDataQuery::builder().id(&self.id).set_expression(text(&self.expression));
        query.set_label(text(&self.label)).set_metric_stat(stat).set_return_data(self.return_data).build()
    }

    fn of_sdk(query: &sdk::TargetTrackingMetricDataQuery) -> Self {
        Self {
            expression: some(query.expression()),
            id: query.id().unwrap_or_default().to_owned(),
            label: some(query.label()),
            metric_stat: query.metric_stat().map(|s| TrackedStat {
                metric: s.metric().map(Metric::of_sdk),
                period: long(s.period()),
                stat: s.stat().unwrap_or_default().to_owned(),
                unit: some(s.unit()),
            }),
            return_data: Some(query.return_data().unwrap_or(true)),
        }
    }
}

impl Query {
    fn sdk(&self) -> sdk::MetricDataQuery {
        let stat = self.metric_stat.as_ref().map(|s| {
            let stat = sdk::MetricStat::builder().stat(&s.stat).set_unit(text(&s.unit));
            stat.set_metric(s.metric.as_ref().map(Metric::sdk)).build()
        });
        let query = sdk::MetricDataQuery::builder().id(&self.id).set_expression(text(&self.expression));
        query.set_label(text(&self.label)).set_metric_stat(stat).set_return_data(self.return_data).build()
    }

    fn of_sdk(query: &sdk::MetricDataQuery) -> Self {
        Self {
            expression: some(query.expression()),
            id: query.id().unwrap_or_default().to_owned(),
            label: some(query.label()),
            metric_stat: query.metric_stat().map(|s| Stat {
                metric: s.metric().map(Metric::of_sdk),
                stat: s.stat().unwrap_or_default().to_owned(),
                unit: some(s.unit()),
            }),
            return_data: Some(query.return_data().unwrap_or(true)),
        }
    }
}

/// Those of AWS's names and those of metrics, for each of the SDK's types of them.
macro_rules! predefined {
    ($given:expr, $ty:ident) => {
        $given.as_ref().map(|p| {
            let named = sdk::$ty::builder().predefined_metric_type(p.predefined_metric_type.as_str().into());
            named.set_resource_label(text(&p.resource_label)).build()
        })
    };
}
macro_rules! customized {
    ($given:expr, $ty:ident) => {
        $given.as_ref().map(|q| {
            let queries = q.metric_data_queries.iter().map(Query::sdk).collect();
            sdk::$ty::builder().set_metric_data_queries(Some(queries)).build()
        })
    };
}
macro_rules! of_predefined {
    ($answer:expr) => {
        $answer.map(|p| Predefined {
            predefined_metric_type: p.predefined_metric_type().map(|t| t.as_str().to_owned()).unwrap_or_default(),
            resource_label: some(p.resource_label()),
        })
    };
}
macro_rules! of_customized {
    ($answer:expr) => {
        $answer.map(|q| Queries { metric_data_queries: q.metric_data_queries().iter().map(Query::of_sdk).collect() })
    };
}

impl Predictive {
    /// For a call.
    pub(super) fn sdk(&self) -> sdk::PredictiveScalingConfiguration {
        let number = |t: &Option<String>| text(t).and_then(|t| t.parse::<i32>().ok());
        let forecast = self.metric_specification.as_ref().map(|f| {
            sdk::PredictiveScalingMetricSpecification::builder()
                .target_value(f.target_value.as_f64())
                .set_predefined_metric_pair_specification(predefined!(
                    f.predefined_metric_pair_specification,
                    PredictiveScalingPredefinedMetricPair
                ))
                .set_predefined_scaling_metric_specification(predefined!(
                    f.predefined_scaling_metric_specification,
                    PredictiveScalingPredefinedScalingMetric
                ))
                .set_predefined_load_metric_specification(predefined!(
                    f.predefined_load_metric_specification,
                    PredictiveScalingPredefinedLoadMetric
                ))
                .set_customized_scaling_metric_specification(customized!(
                    f.customized_scaling_metric_specification,
                    PredictiveScalingCustomizedScalingMetric
                ))
                .set_customized_load_metric_specification(customized!(
                    f.customized_load_metric_specification,
                    PredictiveScalingCustomizedLoadMetric
                ))
                .set_customized_capacity_metric_specification(customized!(
                    f.customized_capacity_metric_specification,
                    PredictiveScalingCustomizedCapacityMetric
                ))
                .build()
        });
        sdk::PredictiveScalingConfiguration::builder()
            .set_metric_specifications(forecast.map(|f| vec![f]))
            .set_mode(text(&self.mode).as_deref().map(Into::into))
            .set_scheduling_buffer_time(number(&self.scheduling_buffer_time))
            .set_max_capacity_breach_behavior(text(&self.max_capacity_breach_behavior).as_deref().map(Into::into))
            .set_max_capacity_buffer(number(&self.max_capacity_buffer))
            .build()
    }

    /// What AWS answers.
    pub(super) fn of_sdk(config: &sdk::PredictiveScalingConfiguration) -> Self {
        Self {
            max_capacity_breach_behavior: some(config.max_capacity_breach_behavior().map(|b| b.as_str())),
            max_capacity_buffer: config.max_capacity_buffer().map(|n| n.to_string()),
            metric_specification: config.metric_specifications().first().map(|f| Forecast {
                customized_capacity_metric_specification: of_customized!(f.customized_capacity_metric_specification()),
                customized_load_metric_specification: of_customized!(f.customized_load_metric_specification()),
                customized_scaling_metric_specification: of_customized!(f.customized_scaling_metric_specification()),
                predefined_load_metric_specification: of_predefined!(f.predefined_load_metric_specification()),
                predefined_metric_pair_specification: of_predefined!(f.predefined_metric_pair_specification()),
                predefined_scaling_metric_specification: of_predefined!(f.predefined_scaling_metric_specification()),
                target_value: f.target_value().and_then(Number::from_f64).unwrap_or_else(|| 0.into()),
            }),
            mode: some(config.mode().map(|m| m.as_str())),
            scheduling_buffer_time: config.scheduling_buffer_time().map(|n| n.to_string()),
        }
    }
}
