//! What Application Auto Scaling may change.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ScalableTarget, ServiceNamespace, SuspendedState as SdkSuspended};

use super::{PAGE, int, namespaces, not_that, parts, some};
use crate::aws::error::absent;
use crate::aws::imported::{recall, remember};
use crate::aws::tags::delta;
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A number that scaling may change, such as that of an ECS service's tasks, and its bounds.
    pub struct Target {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The most.
        max_capacity: i64,
        /// The least.
        min_capacity: i64,
        /// What is scaled: `service/CLUSTER/SERVICE` of ECS.
        #[attr(force_new)]
        resource_id: String,
        /// The role that it acts with, where AWS has none of its own for that.
        #[attr(chosen)]
        role_arn: Option<Arn>,
        /// Which number: `ecs:service:DesiredCount`.
        #[attr(force_new)]
        scalable_dimension: String,
        /// Whose it is: `ecs`.
        #[attr(force_new)]
        service_namespace: String,
        /// What does not happen for now.
        #[attr(chosen)]
        suspended_state: Option<Suspended>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// What does not happen.
    pub struct Suspended {
        /// Policies do not shrink it.
        #[attr(default_bool(false))]
        dynamic_scaling_in_suspended: Option<bool>,
        /// Policies do not make it grow.
        #[attr(default_bool(false))]
        dynamic_scaling_out_suspended: Option<bool>,
        /// Schedules do not change it.
        #[attr(default_bool(false))]
        scheduled_scaling_suspended: Option<bool>,
    }
}

/// A role or service that was just made is not known yet.
const fn new(message: &'static str) -> Retry {
    Retry { operation: "RegisterScalableTarget", code: "ValidationException", message, within: Duration::from_secs(120) }
}

impl Resource for Target {
    const TYPE: &'static str = "aws_appautoscaling_target";
    // Registering what is registered changes it.
    const UPSERTS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[new("Unable to assume IAM role"), new("ECS service doesn't exist")];
    const EXAMPLE: &'static str = r#"
[resource.aws_appautoscaling_target.example]
service_namespace = "dynamodb"
resource_id = "table/example"
scalable_dimension = "dynamodb:table:ReadCapacityUnits"
min_capacity = 1
max_capacity = 4
tags = { team = "infra" }
---
[resource.aws_appautoscaling_target.example]
service_namespace = "dynamodb"
resource_id = "table/example"
scalable_dimension = "dynamodb:table:ReadCapacityUnits"
min_capacity = 2
max_capacity = 8
suspended_state = [{ dynamic_scaling_in_suspended = true, dynamic_scaling_out_suspended = true, scheduled_scaling_suspended = true }]
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let int = |name: &str| given.attr(name).as_number().and_then(|n| n.as_i64());
        match (int("min_capacity"), int("max_capacity")) {
            (Some(min), Some(max)) if min > max => {
                vec![Problem::new("min_capacity", format!("should be at most `max_capacity`, which is {max}"))]
            }
            _ => vec![],
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.register(cx.cloud, Some(&self.tags_all)).await?;
        Ok(self.resource_id.clone())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, &self.service_namespace, vec![self.resource_id.clone()]).await?;
        Ok(found.iter().any(|t| self.is(t)).then(|| self.resource_id.clone()))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = each(namespaces(cx), |namespace| async move {
            let call = cx.cloud.application_autoscaling.describe_scalable_targets();
            let pages = call.service_namespace(ServiceNamespace::from(namespace.as_str())).into_paginator().items().send();
            let found: Vec<ScalableTarget> = pages.try_collect().await?;
            Ok(Some(found))
        });
        let listed = found.await?.into_iter().flatten().map(|t| {
            let place = [t.service_namespace.as_str(), &t.resource_id, t.scalable_dimension.as_str()].join("/");
            Listed::new(&t.resource_id).marked("scalable_dimension", Some(t.scalable_dimension.as_str())).imported_by(place)
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut by_namespace: BTreeMap<String, Vec<(&Id, [String; 3])>> = BTreeMap::new();
        for k in known {
            let named = match &k.prior {
                Some(p) => Some([p.service_namespace.clone(), p.resource_id.clone(), p.scalable_dimension.clone()]),
                None => recall(cx.cloud, Self::TYPE, &k.id).await.and_then(|said| said.to_vec().try_into().ok()),
            };
            if let Some(named) = named {
                by_namespace.entry(named[0].clone()).or_default().push((&k.id, named));
            }
        }
        let found = each(by_namespace, |(namespace, asked)| async move {
            let targets = described(cx.cloud, &namespace, asked.iter().map(|(_, [_, resource, _])| resource.clone()).collect()).await?;
            let live = asked.into_iter().filter_map(|(id, [_, resource, dimension])| {
                let is = |t: &&ScalableTarget| t.resource_id == resource && t.scalable_dimension.as_str() == dimension;
                Some((id.clone(), targets.iter().find(is)?.clone()))
            });
            Ok(Some(live.collect::<Vec<_>>()))
        });
        let found: Vec<(Id, ScalableTarget)> = found.await?.into_iter().flatten().collect();
        each(found, |(id, target)| async move {
            let tags_all = match target.scalable_target_arn() {
                Some(arn) => tags_of(cx.cloud, arn).await?,
                None => Tags::new(),
            };
            Ok(Some(Live { id, value: of_target(&target, tags_all) }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        let shape = |t: &Self| (t.min_capacity, t.max_capacity, t.suspended_state.clone());
        if shape(self) != shape(old) {
            self.register(cx.cloud, None).await?;
        }
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            cx.cloud.application_autoscaling.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if !set.is_empty() {
            let set: HashMap<String, String> = set.into_iter().collect();
            cx.cloud.application_autoscaling.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let target = &live.value;
        let call = cx.cloud.application_autoscaling.deregister_scalable_target().resource_id(&target.resource_id);
        let call = call.service_namespace(ServiceNamespace::from(target.service_namespace.as_str()));
        call.scalable_dimension(ScalableDimension::from(target.scalable_dimension.as_str())).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        match parts(given) {
            Some(said) => remember(cx.cloud, Self::TYPE, &said[1], &said).await,
            None => not_that(given, "something that is scaled", "ecs/service/CLUSTER/SERVICE/ecs:service:DesiredCount"),
        }
    }
}

impl Target {
    async fn register(&self, aws: &Aws, tags: Option<&Tags>) -> Outcome<()> {
        let suspended = self.suspended_state.as_ref().map(|s| {
            let state = SdkSuspended::builder().set_dynamic_scaling_in_suspended(s.dynamic_scaling_in_suspended);
            let state = state.set_dynamic_scaling_out_suspended(s.dynamic_scaling_out_suspended);
            state.set_scheduled_scaling_suspended(s.scheduled_scaling_suspended).build()
        });
        let call = aws.application_autoscaling.register_scalable_target().resource_id(&self.resource_id);
        let call = call.service_namespace(ServiceNamespace::from(self.service_namespace.as_str()));
        let call = call.scalable_dimension(ScalableDimension::from(self.scalable_dimension.as_str()));
        let call = call.set_min_capacity(int(Some(self.min_capacity))).set_max_capacity(int(Some(self.max_capacity)));
        let call = call.set_role_arn(self.role_arn.as_ref().map(|r| r.0.clone()).filter(|r| !r.is_empty()));
        let tags = tags.filter(|t| !t.is_empty()).map(|t| t.clone().into_iter().collect());
        call.set_suspended_state(suspended).set_tags(tags).send().await?;
        Ok(())
    }

    fn is(&self, target: &ScalableTarget) -> bool {
        target.resource_id == self.resource_id && target.scalable_dimension.as_str() == self.scalable_dimension
    }
}

/// What of one service is scaled, of those resources.
async fn described(aws: &Aws, namespace: &str, mut resources: Vec<String>) -> Outcome<Vec<ScalableTarget>> {
    resources.sort_unstable();
    resources.dedup();
    let pages = each(resources.chunks(PAGE), |ids| async move {
        let call = aws.application_autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::from(namespace));
        let pages = call.set_resource_ids(Some(ids.to_vec())).into_paginator().items().send();
        let found: Vec<ScalableTarget> = pages.try_collect().await?;
        Ok(Some(found))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}

async fn tags_of(aws: &Aws, arn: &str) -> Outcome<Tags> {
    let found: Outcome<_> = aws.application_autoscaling.list_tags_for_resource().resource_arn(arn).send().await.map_err(Failure::from);
    let found = match absent(found) {
        // Who may not see tags has none.
        Err(failure) if failure.cause == Cause::Denied => None,
        other => other?,
    };
    let tags = found.and_then(|f| f.tags).unwrap_or_default();
    Ok(tags.into_iter().filter(|(key, _)| !key.starts_with("aws:")).collect())
}

fn of_target(target: &ScalableTarget, tags_all: Tags) -> Target {
    Target {
        arn: some(target.scalable_target_arn()),
        max_capacity: target.max_capacity.into(),
        min_capacity: target.min_capacity.into(),
        resource_id: target.resource_id.clone(),
        role_arn: some(Some(&target.role_arn)).map(Arn),
        scalable_dimension: target.scalable_dimension.as_str().to_owned(),
        service_namespace: target.service_namespace.as_str().to_owned(),
        suspended_state: target.suspended_state().map(|s| Suspended {
            dynamic_scaling_in_suspended: Some(s.dynamic_scaling_in_suspended().unwrap_or(false)),
            dynamic_scaling_out_suspended: Some(s.dynamic_scaling_out_suspended().unwrap_or(false)),
            scheduled_scaling_suspended: Some(s.scheduled_scaling_suspended().unwrap_or(false)),
        }),
        tags: Tags::new(),
        tags_all,
    }
}
