//! Scaling policies of Auto Scaling groups.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_autoscaling::types::{ScalingPolicy, StepAdjustment};

use super::policy_metrics::{Predictive, TargetTracking};
use super::{PAGE, gone, int, long, some};
use crate::aws::error::absent;
use crate::aws::imported::{recall, remember};
use crate::aws::types::NumberText;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource};
use crate::words::value::Value;

crate::blocks! {
    /// When and how an Auto Scaling group grows and shrinks.
    pub struct Policy {
        /// What adjustments count; of simple and step scaling.
        #[attr(one_of(&["ChangeInCapacity", "ExactCapacity", "PercentChangeInCapacity"]))]
        adjustment_type: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The group.
        #[attr(force_new, refers("aws_autoscaling_group.name"))]
        autoscaling_group_name: String,
        /// Seconds of rest after it; of simple scaling.
        cooldown: Option<i64>,
        /// Whether it has consequences.
        #[attr(default_bool(true))]
        enabled: Option<bool>,
        /// Seconds until a new instance's metrics count; of step scaling and target tracking.
        estimated_instance_warmup: Option<i64>,
        /// What is taken of the alarm's metric; of step scaling.
        #[attr(chosen, one_of(&["Minimum", "Maximum", "Average"]))]
        metric_aggregation_type: Option<String>,
        /// The least number of instances that percentages stand for.
        #[attr(within(1, i64::MAX))]
        min_adjustment_magnitude: Option<i64>,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        name: String,
        /// What kind it is.
        #[attr(default_text("SimpleScaling"), one_of(&["SimpleScaling", "StepScaling", "TargetTrackingScaling", "PredictiveScaling"]))]
        policy_type: Option<String>,
        /// What is foreseen; of predictive scaling.
        predictive_scaling_configuration: Option<Predictive>,
        /// By how much; of simple scaling.
        scaling_adjustment: Option<i64>,
        /// By how much, and when; of step scaling.
        step_adjustment: BTreeSet<Step>,
        /// What is kept near which value; of target tracking.
        target_tracking_configuration: Option<TargetTracking>,
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

/// The attributes that belong to one kind of policy alone.
const OF_KINDS: &[(&str, &[&str])] = &[
    ("scaling_adjustment", &["SimpleScaling"]),
    ("cooldown", &["SimpleScaling"]),
    ("step_adjustment", &["StepScaling"]),
    ("target_tracking_configuration", &["TargetTrackingScaling"]),
    ("predictive_scaling_configuration", &["PredictiveScaling"]),
    ("adjustment_type", &["SimpleScaling", "StepScaling"]),
    ("metric_aggregation_type", &["StepScaling"]),
    ("estimated_instance_warmup", &["StepScaling", "TargetTrackingScaling"]),
];

impl Resource for Policy {
    const TYPE: &'static str = "aws_autoscaling_policy";
    // A put of the same name changes what is there.
    const UPSERTS: bool = true;
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[resource.aws_launch_template.web]
name = "policed"
image_id = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_autoscaling_group.web]
name = "policed"
min_size = 0
max_size = 2
vpc_zone_identifier = "${data.aws_subnets.main.ids}"
launch_template = [{ id = "${aws_launch_template.web.id}", version = "$Latest" }]

[resource.aws_autoscaling_policy.example]
name = "example"
autoscaling_group_name = "${aws_autoscaling_group.web.name}"
adjustment_type = "ChangeInCapacity"
scaling_adjustment = 1
cooldown = 60
---
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[data.aws_subnets.main]
filter = [
  { name = "default-for-az", values = ["true"] },
  { name = "availability-zone", values = ["us-east-1a", "us-east-1b"] },
]

[resource.aws_launch_template.web]
name = "policed"
image_id = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[resource.aws_autoscaling_group.web]
name = "policed"
min_size = 0
max_size = 2
vpc_zone_identifier = "${data.aws_subnets.main.ids}"
launch_template = [{ id = "${aws_launch_template.web.id}", version = "$Latest" }]

[resource.aws_autoscaling_policy.example]
name = "example"
autoscaling_group_name = "${aws_autoscaling_group.web.name}"
policy_type = "StepScaling"
adjustment_type = "PercentChangeInCapacity"
enabled = false
estimated_instance_warmup = 60
metric_aggregation_type = "Maximum"
min_adjustment_magnitude = 2
step_adjustment = [
  { scaling_adjustment = 10, metric_interval_lower_bound = "0", metric_interval_upper_bound = "10.0" },
  { scaling_adjustment = 30, metric_interval_lower_bound = "10" },
]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let kind = given.attr("policy_type");
        if kind.is_unknown() {
            return vec![];
        }
        let kind = kind.as_str().unwrap_or("SimpleScaling");
        let has = |name: &str| !given.attr(name).is_empty() || given.attr(name).is_unknown();
        let strange = OF_KINDS.iter().filter(|(name, kinds)| !kinds.contains(&kind) && has(name) && given.attr(name).is_known());
        let mut problems: Vec<Problem> = strange
            .map(|(name, kinds)| {
                Problem::new(*name, format!("belongs to policies of the type {}, and this one is {kind}", kinds.join(" or ")))
            })
            .collect();
        let needs: &[&str] = match kind {
            // 0 is a scaling as well.
            "StepScaling" => &["step_adjustment", "adjustment_type"],
            "TargetTrackingScaling" => &["target_tracking_configuration"],
            "PredictiveScaling" => &["predictive_scaling_configuration"],
            _ => &["adjustment_type"],
        };
        problems.extend(
            needs.iter().filter(|name| !has(name)).map(|name| Problem::new(*name, format!("a policy of the type {kind} needs it"))),
        );
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await?;
        Ok(self.name.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, &self.autoscaling_group_name, vec![self.name.clone()]).await?;
        Ok((!found.is_empty()).then(|| self.name.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.autoscaling.describe_policies().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|p| {
            let (name, group) = (p.policy_name()?, p.auto_scaling_group_name()?);
            let listed = Listed::new(name).marked("arn", p.policy_arn()).imported_by(format!("{group}/{name}"));
            Some(listed.noise(name.starts_with("ECSManagedAutoScalingPolicy-"), "made by ECS"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        // The id is the name alone, as Terraform's is.
        let mut by_group: BTreeMap<String, Vec<&Id>> = BTreeMap::new();
        for k in known {
            let group = match &k.prior {
                Some(prior) => Some(prior.autoscaling_group_name.clone()),
                None => recall(cx.cloud, Self::TYPE, &k.id).await.and_then(|said| said.first().cloned()),
            };
            if let Some(group) = group {
                by_group.entry(group).or_default().push(&k.id);
            }
        }
        let found = each(by_group, |(group, ids)| async move {
            let policies = described(cx.cloud, &group, ids.iter().map(|id| (*id).clone()).collect()).await?;
            let live = ids.into_iter().filter_map(|id| {
                let policy = policies.iter().find(|p| p.policy_name() == Some(id))?;
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
        let call = cx.cloud.autoscaling.delete_policy().auto_scaling_group_name(&live.value.autoscaling_group_name);
        call.policy_name(&live.value.name).send().await.map_err(|e| gone(e.into()))?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        match given.split_once('/') {
            Some((group, name)) if !group.is_empty() && !name.is_empty() => remember(cx.cloud, Self::TYPE, name, &[group.to_owned()]).await,
            _ => Err(Failure::other(format!("`{given}` does not name a policy of a group")).help("write it like `GROUP/POLICY`")),
        }
    }
}

impl Policy {
    async fn put(&self, aws: &Aws) -> Outcome<()> {
        let kind = some(self.policy_type.as_deref()).unwrap_or_else(|| "SimpleScaling".into());
        let text = |t: &Option<String>| some(t.as_deref());
        let simple = kind == "SimpleScaling";
        let steps: Vec<StepAdjustment> = self.step_adjustment.iter().map(Step::sdk).collect();
        let stepped = simple || kind == "StepScaling";
        let call = aws.autoscaling.put_scaling_policy().auto_scaling_group_name(&self.autoscaling_group_name).policy_name(&self.name);
        let call = call.set_adjustment_type(text(&self.adjustment_type)).set_enabled(self.enabled);
        let call = call.set_min_adjustment_magnitude(int(self.min_adjustment_magnitude).filter(|m| stepped && *m > 0));
        let call = call.set_scaling_adjustment(int(Some(self.scaling_adjustment.unwrap_or(0))).filter(|_| simple));
        let call = call.set_cooldown(int(self.cooldown).filter(|c| simple && *c > 0));
        let call = call.set_metric_aggregation_type(text(&self.metric_aggregation_type).filter(|_| kind == "StepScaling"));
        let call = call.set_step_adjustments((!steps.is_empty()).then_some(steps));
        let call = call.set_estimated_instance_warmup(int(self.estimated_instance_warmup).filter(|w| *w > 0));
        let call = call.set_target_tracking_configuration(self.target_tracking_configuration.as_ref().map(TargetTracking::sdk));
        let call = call.set_predictive_scaling_configuration(self.predictive_scaling_configuration.as_ref().map(Predictive::sdk));
        call.policy_type(kind).send().await?;
        Ok(())
    }
}

impl Step {
    fn sdk(&self) -> StepAdjustment {
        let bound = |b: &Option<NumberText>| b.as_ref().and_then(NumberText::as_f64);
        let step = StepAdjustment::builder().set_scaling_adjustment(int(Some(self.scaling_adjustment)));
        let step = step.set_metric_interval_lower_bound(bound(&self.metric_interval_lower_bound));
        step.set_metric_interval_upper_bound(bound(&self.metric_interval_upper_bound)).build()
    }
}

/// Those of the policies of a group that exist.
async fn described(aws: &Aws, group: &str, names: Vec<String>) -> Outcome<Vec<ScalingPolicy>> {
    let mut found = vec![];
    for some in names.chunks(PAGE) {
        let call = aws.autoscaling.describe_policies().auto_scaling_group_name(group);
        let call = call.set_policy_names(Some(some.to_vec()));
        let answer = absent(call.max_records(100).send().await.map_err(|e| gone(e.into())))?;
        found.extend(answer.and_then(|a| a.scaling_policies).unwrap_or_default());
    }
    Ok(found)
}

fn of_policy(policy: &ScalingPolicy) -> Policy {
    let text = |t: Option<&str>| t.unwrap_or_default().to_owned();
    let step = |s: &StepAdjustment| Step {
        metric_interval_lower_bound: s.metric_interval_lower_bound().map(Into::into),
        metric_interval_upper_bound: s.metric_interval_upper_bound().map(Into::into),
        scaling_adjustment: long(s.scaling_adjustment()).unwrap_or_default(),
    };
    Policy {
        adjustment_type: some(policy.adjustment_type()),
        arn: some(policy.policy_arn()),
        autoscaling_group_name: text(policy.auto_scaling_group_name()),
        cooldown: long(policy.cooldown()),
        enabled: policy.enabled().or(Some(true)),
        estimated_instance_warmup: long(policy.estimated_instance_warmup()),
        metric_aggregation_type: some(policy.metric_aggregation_type()),
        min_adjustment_magnitude: long(policy.min_adjustment_magnitude()),
        name: text(policy.policy_name()),
        policy_type: some(policy.policy_type()),
        predictive_scaling_configuration: policy.predictive_scaling_configuration().map(Predictive::of_sdk),
        scaling_adjustment: long(policy.scaling_adjustment()),
        step_adjustment: policy.step_adjustments().iter().map(step).collect(),
        target_tracking_configuration: policy.target_tracking_configuration().map(TargetTracking::of_sdk),
    }
}
