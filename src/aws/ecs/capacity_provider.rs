//! Capacity providers: Auto Scaling groups that ECS scales by what its tasks need.

use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{arn_of, failures, retag, tagged, tags, updating, wire, without_nulls};
use crate::aws::error::lacking;
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

/// How many capacity providers one call describes.
const PAGE: usize = 100;

crate::blocks! {
    /// An Auto Scaling group on which ECS runs tasks, and that it scales by what they need.
    pub struct CapacityProvider {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The Auto Scaling group.
        #[attr(required)]
        auto_scaling_group_provider: Option<GroupProvider>,
        /// Its name; not one that begins with `aws`, `ecs` or `fargate`.
        #[attr(force_new, within(1, 255))]
        name: String,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// An Auto Scaling group.
    pub struct GroupProvider {
        /// Its ARN.
        #[attr(force_new, refers("aws_autoscaling_group.arn"))]
        auto_scaling_group_arn: Arn,
        /// Whether tasks are moved away before an instance ends.
        #[attr(chosen, one_of(&["ENABLED", "DISABLED"]))]
        managed_draining: Option<String>,
        /// How ECS scales it.
        managed_scaling: Option<ManagedScaling>,
        /// Whether instances that run tasks are kept when it shrinks; the group needs `protect_from_scale_in` for that.
        #[attr(chosen, one_of(&["ENABLED", "DISABLED"]))]
        managed_termination_protection: Option<String>,
    }

    /// How ECS scales a group.
    pub struct ManagedScaling {
        /// The seconds until a new instance counts.
        #[attr(chosen, within(0, 10_000))]
        instance_warmup_period: Option<i64>,
        /// The most instances that are added at once.
        #[attr(chosen, within(1, 10_000))]
        maximum_scaling_step_size: Option<i64>,
        /// The fewest instances that are added at once.
        #[attr(chosen, within(1, 10_000))]
        minimum_scaling_step_size: Option<i64>,
        /// Whether ECS scales it.
        #[attr(chosen, one_of(&["ENABLED", "DISABLED"]))]
        status: Option<String>,
        /// The percentage of the group that should be in use.
        #[attr(chosen, within(1, 100))]
        target_capacity: Option<i64>,
    }
}

impl Resource for CapacityProvider {
    const TYPE: &'static str = "aws_ecs_capacity_provider";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const LINGERS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        updating("UpdateCapacityProvider"),
        updating("DeleteCapacityProvider"),
        // A cluster has let it go and does not know it everywhere yet.
        Retry { operation: "DeleteCapacityProvider", code: "ResourceInUseException", message: "", within: Duration::from_secs(600) },
        Retry { operation: "DeleteCapacityProvider", code: "ClientException", message: "in use", within: Duration::from_secs(600) },
    ];
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.default]
default = true

[data.aws_subnets.default]
filter = [{ name = "vpc-id", values = ["${data.aws_vpc.default.id}"] }]

[data.aws_ssm_parameter.image]
name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"

[resource.aws_launch_template.hosts]
name = "capacity-example"
image_id = "${data.aws_ssm_parameter.image.value}"
instance_type = "t3.small"

[resource.aws_autoscaling_group.hosts]
name = "capacity-example"
min_size = 0
max_size = 2
vpc_zone_identifier = "${data.aws_subnets.default.ids}"
protect_from_scale_in = true
launch_template = { id = "${aws_launch_template.hosts.id}" }
tag = [{ key = "AmazonECSManaged", value = "", propagate_at_launch = true }]

[resource.aws_ecs_capacity_provider.example]
name = "example"
tags = { team = "infra" }

[resource.aws_ecs_capacity_provider.example.auto_scaling_group_provider]
auto_scaling_group_arn = "${aws_autoscaling_group.hosts.arn}"
managed_scaling = { status = "ENABLED", target_capacity = 100 }
---
[data.aws_vpc.default]
default = true

[data.aws_subnets.default]
filter = [{ name = "vpc-id", values = ["${data.aws_vpc.default.id}"] }]

[data.aws_ssm_parameter.image]
name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"

[resource.aws_launch_template.hosts]
name = "capacity-example"
image_id = "${data.aws_ssm_parameter.image.value}"
instance_type = "t3.small"

[resource.aws_autoscaling_group.hosts]
name = "capacity-example"
min_size = 0
max_size = 2
vpc_zone_identifier = "${data.aws_subnets.default.ids}"
protect_from_scale_in = true
launch_template = { id = "${aws_launch_template.hosts.id}" }
tag = [{ key = "AmazonECSManaged", value = "", propagate_at_launch = true }]

[resource.aws_ecs_capacity_provider.example]
name = "example"
tags = { team = "platform", Name = "example" }

[resource.aws_ecs_capacity_provider.example.auto_scaling_group_provider]
auto_scaling_group_arn = "${aws_autoscaling_group.hosts.arn}"
managed_draining = "DISABLED"
managed_termination_protection = "ENABLED"
managed_scaling = { status = "DISABLED", target_capacity = 80, minimum_scaling_step_size = 2, maximum_scaling_step_size = 4, instance_warmup_period = 60 }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let name = given.attr("name").as_str().unwrap_or_default().to_ascii_lowercase();
        let taken = ["aws", "ecs", "fargate"].into_iter().find(|word| name.starts_with(word));
        taken.map(|word| Problem::new("name", format!("names that begin with `{word}` are AWS's own"))).into_iter().collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let group = self.auto_scaling_group_provider.as_ref().map(wire::json);
        let body = without_nulls(json!({ "name": self.name, "autoScalingGroupProvider": group, "tags": tagged(&self.tags_all) }));
        let made = wire::call!(cx.cloud.ecs.create_capacity_provider(), body)?;
        wire::text(&made["capacityProvider"]["capacityProviderArn"]).ok_or_else(|| lacking("ARN of the capacity provider"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.name)).await?;
        Ok(found.iter().find_map(|p| wire::text(&p["capacityProviderArn"])))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let (mut found, mut next) = (vec![], None);
        loop {
            let page = cx.cloud.ecs.describe_capacity_providers().set_next_token(next).send().await?;
            found.extend(page.capacity_providers.unwrap_or_default());
            next = page.next_token;
            if next.is_none() {
                break;
            }
        }
        let listed = found.iter().filter_map(|p| {
            let own = p.name().is_some_and(|name| name.starts_with("FARGATE"));
            Some(Listed::new(p.capacity_provider_arn()?).named(p.name()).noise(own, "of AWS itself"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let arns: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let mut live = vec![];
        for provider in described(cx.cloud, &arns).await? {
            let Some(arn) = wire::text(&provider["capacityProviderArn"]) else { continue };
            let value = Self {
                auto_scaling_group_provider: wire::some(&provider["autoScalingGroupProvider"])?,
                name: wire::text(&provider["name"]).unwrap_or_default(),
                tags: Tags::new(),
                tags_all: tags(&provider["tags"]),
                arn: Some(arn.clone()),
            };
            cx.reads.says(Self::TYPE, &arn, status(&provider));
            live.push(Live { id: arn, value: with_prior(value, known) });
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        if self.auto_scaling_group_provider != old.auto_scaling_group_provider {
            let mut group = self.auto_scaling_group_provider.as_ref().map(wire::json).unwrap_or_default();
            if let Some(parts) = group.as_object_mut() {
                parts.remove("autoScalingGroupArn");
                parts.entry("managedScaling").or_insert_with(|| json!({ "status": "DISABLED" }));
            }
            wire::call!(cx.cloud.ecs.update_capacity_provider(), json!({ "name": self.name, "autoScalingGroupProvider": group }))?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ecs.delete_capacity_provider().capacity_provider(&live.id).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of(cx.cloud, "capacity-provider", given).await
    }
}

/// Scaling that is off is none, where the state knows of none.
fn with_prior(mut value: CapacityProvider, known: &[Known<CapacityProvider>]) -> CapacityProvider {
    let prior = known.iter().find(|k| Some(&k.id) == value.arn.as_ref()).and_then(|k| k.prior.as_ref());
    let held = prior.and_then(|p| p.auto_scaling_group_provider.as_ref()).is_some_and(|g| g.managed_scaling.is_none());
    if let Some(group) = value.auto_scaling_group_provider.as_mut().filter(|_| held)
        && group.managed_scaling.as_ref().is_some_and(|s| s.status.as_deref() == Some("DISABLED"))
    {
        group.managed_scaling = None;
    }
    value
}

fn status(provider: &Json) -> Status {
    let why = || wire::text(&provider["updateStatusReason"]).unwrap_or_default();
    match provider["updateStatus"].as_str() {
        Some("CREATE_IN_PROGRESS" | "UPDATE_IN_PROGRESS") => Status::Pending("updating".into()),
        Some("DELETE_IN_PROGRESS") => Status::Pending("deleting".into()),
        Some("CREATE_FAILED") => Status::Failed(why()),
        _ => Status::Ready,
    }
}

/// Those of the capacity providers, given by name or ARN, that exist. What was deleted stays visible for a while, as inactive.
async fn described(aws: &Aws, names: &[String]) -> Outcome<Vec<Json>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        let answer = wire::call!(aws.ecs.describe_capacity_providers(), json!({ "capacityProviders": names, "include": ["TAGS"] }))?;
        failures(&answer)?;
        let there = wire::items(&answer["capacityProviders"]).filter(|p| p["status"].as_str() != Some("INACTIVE"));
        Ok(Some(there.cloned().collect::<Vec<_>>()))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}
