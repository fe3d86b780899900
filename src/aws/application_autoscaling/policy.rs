//! Policies of Application Auto Scaling.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{
    AdjustmentType, MetricAggregationType, PolicyType, ScalableDimension, ScalingPolicy, ServiceNamespace, StepAdjustment,
    StepScalingPolicyConfiguration,
};

use super::metrics::TargetTracking;
use super::{PAGE, int, namespaces, not_that, parts, some};
use crate::aws::imported::{recall, remember};
use crate::aws::types::NumberText;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

crate::blocks! {
    /// When and how something grows and shrinks.
    pub struct Policy {
        /// The alarms that AWS has made for it.
        #[attr(computed)]
        alarm_arns: Vec<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        name: String,
        /// What kind it is.
        #[attr(default_text("StepScaling"), one_of(&["StepScaling", "TargetTrackingScaling"]))]
        policy_type: Option<String>,
        /// What is scaled: `service/CLUSTER/SERVICE` of ECS.
        #[attr(force_new, refers("aws_appautoscaling_target.resource_id"))]
        resource_id: String,
        /// Which number: `ecs:service:DesiredCount`.
        #[attr(force_new, refers("aws_appautoscaling_target.scalable_dimension"))]
        scalable_dimension: String,
        /// Whose it is: `ecs`.
        #[attr(force_new, refers("aws_appautoscaling_target.service_namespace"))]
        service_namespace: String,
        /// By how much, and when; of step scaling.
        step_scaling_policy_configuration: Option<StepScaling>,
        /// What is kept near which value; of target tracking.
        target_tracking_scaling_policy_configuration: Option<TargetTracking>,
    }

    /// By how much, and when.
    pub struct StepScaling {
        /// What adjustments count.
        #[attr(one_of(&["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]))]
        adjustment_type: Option<String>,
        /// Seconds of rest after it.
        cooldown: Option<i64>,
        /// What is taken of the alarm's metric.
        #[attr(one_of(&["Average", "Minimum", "Maximum"]))]
        metric_aggregation_type: Option<String>,
        /// The least that percentages stand for.
        min_adjustment_magnitude: Option<i64>,
        /// The steps.
        step_adjustment: BTreeSet<Step>,
    }

    /// A step: by how much, where the metric is how far from the alarm's threshold.
    pub struct Step {
        /// From there on; empty for no bound.
        metric_interval_lower_bound: Option<NumberText>,
        /// Up to there; empty for no bound.
        metric_interval_upper_bound: Option<NumberText>,
        /// By how much.
        scaling_adjustment: i64,
    }
}

/// A role that was just made, or alarms of a policy that was just changed, are not known yet.
const fn failed(operation: &'static str, message: &'static str) -> Retry {
    Retry { operation, code: "FailedResourceAccessException", message, within: Duration::from_secs(120) }
}

impl Resource for Policy {
    const TYPE: &'static str = "aws_appautoscaling_policy";
    // A put of the same name changes what is there.
    const UPSERTS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        failed("PutScalingPolicy", "Rate exceeded"),
        failed("PutScalingPolicy", "is not authorized to perform"),
        failed("PutScalingPolicy", "token included in the request is invalid"),
        failed("DeleteScalingPolicy", ""),
        Retry { operation: "PutScalingPolicy", code: "ObjectNotFoundException", message: "", within: Duration::from_secs(60) },
        Retry { operation: "", code: "ConcurrentUpdateException", message: "", within: Duration::from_secs(120) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_appautoscaling_target.table]
service_namespace = "dynamodb"
resource_id = "table/policed"
scalable_dimension = "dynamodb:table:ReadCapacityUnits"
min_capacity = 1
max_capacity = 4

[resource.aws_appautoscaling_policy.example]
name = "example"
policy_type = "TargetTrackingScaling"
service_namespace = "${aws_appautoscaling_target.table.service_namespace}"
resource_id = "${aws_appautoscaling_target.table.resource_id}"
scalable_dimension = "${aws_appautoscaling_target.table.scalable_dimension}"

[[resource.aws_appautoscaling_policy.example.target_tracking_scaling_policy_configuration]]
target_value = 70
predefined_metric_specification = [{ predefined_metric_type = "DynamoDBReadCapacityUtilization" }]
---
[resource.aws_appautoscaling_target.table]
service_namespace = "dynamodb"
resource_id = "table/policed"
scalable_dimension = "dynamodb:table:ReadCapacityUnits"
min_capacity = 1
max_capacity = 4

[resource.aws_appautoscaling_policy.example]
name = "example"
policy_type = "TargetTrackingScaling"
service_namespace = "${aws_appautoscaling_target.table.service_namespace}"
resource_id = "${aws_appautoscaling_target.table.resource_id}"
scalable_dimension = "${aws_appautoscaling_target.table.scalable_dimension}"

[[resource.aws_appautoscaling_policy.example.target_tracking_scaling_policy_configuration]]
target_value = 60.5
disable_scale_in = true
scale_in_cooldown = 60
scale_out_cooldown = 30

[[resource.aws_appautoscaling_policy.example.target_tracking_scaling_policy_configuration.customized_metric_specification]]
metric_name = "ConsumedReadCapacityUnits"
namespace = "AWS/DynamoDB"
statistic = "Average"
unit = "Count"
dimensions = [{ name = "TableName", value = "policed" }]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let kind = given.attr("policy_type");
        if kind.is_unknown() {
            return vec![];
        }
        let kind = kind.as_str().unwrap_or("StepScaling");
        let needs = match kind {
            "TargetTrackingScaling" => "target_tracking_scaling_policy_configuration",
            _ => "step_scaling_policy_configuration",
        };
        let lacks = given.attr(needs).is_empty() && !given.attr(needs).is_unknown();
        if lacks { vec![Problem::new(needs, format!("a policy of the type {kind} needs it"))] } else { vec![] }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await?;
        Ok(self.name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, &self.service_namespace, vec![self.name.clone()]).await?;
        Ok(found.iter().any(|p| is(p, &self.key())).then(|| self.name.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = each(namespaces(cx), |namespace| async move {
            let call = cx.cloud.application_autoscaling.describe_scaling_policies();
            let pages = call.service_namespace(ServiceNamespace::from(namespace.as_str())).into_paginator().items().send();
            let found: Vec<ScalingPolicy> = pages.try_collect().await?;
            Ok(Some(found))
        });
        let listed = found.await?.into_iter().flatten().map(|p| {
            let place = [p.service_namespace.as_str(), &p.resource_id, p.scalable_dimension.as_str(), &p.policy_name].join("/");
            Listed::new(&p.policy_name).marked("arn", Some(&p.policy_arn)).imported_by(place)
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut by_namespace: BTreeMap<String, Vec<(&Id, [String; 4])>> = BTreeMap::new();
        for k in known {
            let key = match &k.prior {
                Some(prior) => Some(prior.key()),
                None => recall(cx.cloud, Self::TYPE, &k.id).await.and_then(|said| said.to_vec().try_into().ok()),
            };
            if let Some(key) = key {
                by_namespace.entry(key[0].clone()).or_default().push((&k.id, key));
            }
        }
        let found = each(by_namespace, |(namespace, asked)| async move {
            let policies = described(cx.cloud, &namespace, asked.iter().map(|(_, key)| key[3].clone()).collect()).await?;
            let live = asked.into_iter().filter_map(|(id, key)| {
                let policy = policies.iter().find(|p| is(p, &key))?;
                Some(Live { id: id.clone(), value: of_policy(policy) })
            });
            Ok(Some(live.collect::<Vec<_>>()))
        });
        Ok(found.await?.into_iter().flatten().collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let policy = &live.value;
        let call = cx.cloud.application_autoscaling.delete_scaling_policy().policy_name(&policy.name).resource_id(&policy.resource_id);
        let call = call.service_namespace(ServiceNamespace::from(policy.service_namespace.as_str()));
        call.scalable_dimension(ScalableDimension::from(policy.scalable_dimension.as_str())).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let named = given.rsplit_once('/').and_then(|(target, name)| Some((parts(target)?, name)));
        match named {
            Some(([namespace, resource, dimension], name)) if !name.is_empty() => {
                remember(cx.cloud, Self::TYPE, name, &[namespace, resource, dimension, name.to_owned()]).await
            }
            _ => not_that(given, "a scaling policy", "ecs/service/CLUSTER/SERVICE/ecs:service:DesiredCount/POLICY"),
        }
    }
}

impl Policy {
    /// What makes it the one it is: its id is the name alone, as Terraform's is.
    fn key(&self) -> [String; 4] {
        [&self.service_namespace, &self.resource_id, &self.scalable_dimension, &self.name].map(Clone::clone)
    }

    async fn put(&self, aws: &Aws) -> Outcome<()> {
        let kind = some(self.policy_type.as_deref()).unwrap_or_else(|| "StepScaling".into());
        let tracking = self.target_tracking_scaling_policy_configuration.as_ref().filter(|_| kind == "TargetTrackingScaling");
        let steps = self.step_scaling_policy_configuration.as_ref().filter(|_| kind == "StepScaling");
        let call = aws.application_autoscaling.put_scaling_policy().policy_name(&self.name).resource_id(&self.resource_id);
        let call = call.service_namespace(ServiceNamespace::from(self.service_namespace.as_str()));
        let call = call.scalable_dimension(ScalableDimension::from(self.scalable_dimension.as_str()));
        let call = call.policy_type(PolicyType::from(kind.as_str()));
        let call = call.set_step_scaling_policy_configuration(steps.map(StepScaling::sdk).transpose()?);
        call.set_target_tracking_scaling_policy_configuration(tracking.map(TargetTracking::sdk).transpose()?).send().await?;
        Ok(())
    }
}

impl StepScaling {
    fn sdk(&self) -> Outcome<StepScalingPolicyConfiguration> {
        let bound = |b: &Option<NumberText>| b.as_ref().and_then(NumberText::as_f64);
        let step = |s: &Step| {
            let step = StepAdjustment::builder().set_scaling_adjustment(int(Some(s.scaling_adjustment)));
            let step = step.set_metric_interval_lower_bound(bound(&s.metric_interval_lower_bound));
            step.set_metric_interval_upper_bound(bound(&s.metric_interval_upper_bound)).build()
        };
        let steps: Vec<_> = self.step_adjustment.iter().map(step).collect::<Result<_, _>>()?;
        let text = |t: &Option<String>| some(t.as_deref());
        let config = StepScalingPolicyConfiguration::builder().set_step_adjustments(Some(steps));
        let config = config.set_adjustment_type(text(&self.adjustment_type).as_deref().map(AdjustmentType::from));
        let config =
            config.set_cooldown(int(self.cooldown)).set_min_adjustment_magnitude(int(self.min_adjustment_magnitude).filter(|m| *m > 0));
        let taken = text(&self.metric_aggregation_type);
        Ok(config.set_metric_aggregation_type(taken.as_deref().map(MetricAggregationType::from)).build())
    }
}

fn is(policy: &ScalingPolicy, [_, resource, dimension, name]: &[String; 4]) -> bool {
    policy.resource_id == *resource && policy.scalable_dimension.as_str() == dimension && policy.policy_name == *name
}

/// The policies of those names, of whatever they scale.
async fn described(aws: &Aws, namespace: &str, mut names: Vec<String>) -> Outcome<Vec<ScalingPolicy>> {
    names.sort_unstable();
    names.dedup();
    let pages = each(names.chunks(PAGE), |names| async move {
        let call = aws.application_autoscaling.describe_scaling_policies().service_namespace(ServiceNamespace::from(namespace));
        let pages = call.set_policy_names(Some(names.to_vec())).into_paginator().items().send();
        let found: Vec<ScalingPolicy> = pages.try_collect().await?;
        Ok(Some(found))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}

fn of_policy(policy: &ScalingPolicy) -> Policy {
    let step = |s: &StepAdjustment| Step {
        metric_interval_lower_bound: s.metric_interval_lower_bound().map(Into::into),
        metric_interval_upper_bound: s.metric_interval_upper_bound().map(Into::into),
        scaling_adjustment: s.scaling_adjustment().into(),
    };
    Policy {
        alarm_arns: policy.alarms().iter().map(|a| a.alarm_arn.clone()).collect(),
        arn: Some(policy.policy_arn.clone()),
        name: policy.policy_name.clone(),
        policy_type: Some(policy.policy_type.as_str().to_owned()),
        resource_id: policy.resource_id.clone(),
        scalable_dimension: policy.scalable_dimension.as_str().to_owned(),
        service_namespace: policy.service_namespace.as_str().to_owned(),
        step_scaling_policy_configuration: policy.step_scaling_policy_configuration().map(|s| StepScaling {
            adjustment_type: some(s.adjustment_type().map(|t| t.as_str())),
            cooldown: s.cooldown().map(i64::from),
            metric_aggregation_type: some(s.metric_aggregation_type().map(|t| t.as_str())),
            min_adjustment_magnitude: s.min_adjustment_magnitude().map(i64::from),
            step_adjustment: s.step_adjustments().iter().map(step).collect(),
        }),
        target_tracking_scaling_policy_configuration: policy.target_tracking_scaling_policy_configuration().map(TargetTracking::of_sdk),
    }
}
