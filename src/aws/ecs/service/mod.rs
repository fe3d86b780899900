//! Services: they keep tasks running, and roll out what replaces them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{ClusterRef, last, retag, tagged, updating, wire, without_nulls};
use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Tags, Then};
use crate::words::value::Value;

mod blocks;
mod read;

pub use blocks::*;

crate::text!(
    /// A task definition by its ARN, as family and revision, or by the family alone: whatever revision then runs is the right one.
    pub TaskRef, "task definition", |s| Ok(s.to_owned()), same_task
);

crate::text!(
    /// A role by its name or its ARN.
    pub RoleRef, "name or ARN of a role", |s| Ok(s.to_owned()), |a, b| last(a) == last(b)
);

/// Whether both name the same revision, or one of them leaves the revision open.
fn same_task(a: &str, b: &str) -> bool {
    match (last(a).split_once(':'), last(b).split_once(':')) {
        (Some(a), Some(b)) => a == b,
        (Some((family, _)), None) => family == last(b),
        (None, Some((family, _))) => family == last(a),
        (None, None) => last(a) == last(b),
    }
}

crate::blocks! {
    /// Keeps tasks running in a cluster, behind a load balancer where there is one, and rolls out what replaces them.
    pub struct Service {
        /// Alarms that end a deployment.
        alarms: Option<Alarms>,
        /// Whether tasks are spread over zones again when they have come to lie unevenly.
        #[attr(default_text("DISABLED"), one_of(&["ENABLED", "DISABLED"]))]
        availability_zone_rebalancing: Option<String>,
        /// On which capacity providers tasks run. A change replaces the service, unless `force_new_deployment` is set and there are
        /// some before and after.
        #[attr(chosen, conflicts(&["launch_type"]))]
        capacity_provider_strategy: BTreeSet<CapacityProviderStrategy>,
        /// The cluster, by name or ARN; `default` where none is given.
        #[attr(chosen, force_new, refers("aws_ecs_cluster.arn"))]
        cluster: Option<ClusterRef>,
        /// What ends a deployment that does not come to life.
        deployment_circuit_breaker: Option<CircuitBreaker>,
        /// Who deploys.
        #[attr(chosen)]
        deployment_controller: Option<DeploymentController>,
        /// How many tasks may run during a deployment, in percent of the wanted number.
        #[attr(default_int(200))]
        deployment_maximum_percent: Option<i64>,
        /// How many tasks have to run during a deployment, in percent of the wanted number.
        #[attr(default_int(100))]
        deployment_minimum_healthy_percent: Option<i64>,
        /// How many tasks should run. Where it is left out, and where Application Auto Scaling looks after the service, a number that
        /// scaling has led to stays.
        #[attr(chosen, within(0, i64::MAX))]
        desired_count: Option<i64>,
        /// Whether ECS puts its own tags on tasks.
        enable_ecs_managed_tags: Option<bool>,
        /// Whether commands can be run in its containers.
        enable_execute_command: Option<bool>,
        /// Delete it though tasks run.
        #[attr(local)]
        force_delete: Option<bool>,
        /// Whether each change of the service begins a new deployment, and a change of `triggers` as well.
        force_new_deployment: Option<bool>,
        /// The seconds for which a load balancer's word on the health of a new task counts for nothing.
        #[attr(within(0, i32::MAX as i64))]
        health_check_grace_period_seconds: Option<i64>,
        /// The role that ECS takes to speak to the load balancer; not with `awsvpc`, and AWS has one for it.
        #[attr(chosen, force_new)]
        iam_role: Option<RoleRef>,
        /// What tasks run on.
        #[attr(chosen, force_new, one_of(&["EC2", "FARGATE", "EXTERNAL"]))]
        launch_type: Option<String>,
        /// Load balancers in front of the tasks.
        load_balancer: BTreeSet<LoadBalancer>,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        name: String,
        /// The network of tasks that have one of their own (`awsvpc`).
        network_configuration: Option<Network>,
        /// How tasks are laid out over instances, what counts most first.
        #[attr(max_items(5))]
        ordered_placement_strategy: Vec<PlacementStrategy>,
        /// On which instances tasks may run.
        #[attr(max_items(10))]
        placement_constraints: BTreeSet<PlacementConstraint>,
        /// Fargate's version, `LATEST`.
        #[attr(chosen)]
        platform_version: Option<String>,
        /// Whose tags the tasks get.
        #[attr(one_of(&["SERVICE", "TASK_DEFINITION", "NONE"]))]
        propagate_tags: Option<String>,
        /// As many tasks as wanted, or one on each instance.
        #[attr(force_new, default_text("REPLICA"), one_of(&["REPLICA", "DAEMON"]))]
        scheduling_strategy: Option<String>,
        /// How services find one another and talk.
        service_connect_configuration: Option<ServiceConnect>,
        /// How tasks are found by name through Cloud Map.
        service_registries: Option<Registry>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// What its tasks are: an ARN, `family:revision`, or a family, of which any revision is right.
        #[attr(refers("aws_ecs_task_definition.arn"))]
        task_definition: Option<TaskRef>,
        /// Anything; a change begins a new deployment where `force_new_deployment` is set.
        #[attr(chosen)]
        triggers: BTreeMap<String, String>,
        /// A volume that the service brings for one that the task definition leaves open.
        volume_configuration: Option<VolumeConfiguration>,
        /// Target groups of VPC Lattice in front of the tasks.
        vpc_lattice_configurations: BTreeSet<Lattice>,
        /// Whether an apply waits until the wanted tasks run and those that they replace are gone.
        #[attr(local, default_bool(false))]
        wait_for_steady_state: Option<bool>,
    }
}

/// What was just made is not known everywhere yet.
const fn unsettled(operation: &'static str, code: &'static str, message: &'static str) -> Retry {
    Retry { operation, code, message, within: Duration::from_secs(240) }
}

impl Resource for Service {
    const TYPE: &'static str = "aws_ecs_service";
    const SCHEMA_VERSION: u64 = 1;
    const UNIQUE: &'static [&'static str] = &["name", "cluster"];
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_subnet", through: "network_configuration.subnets", then: Then::Replaced },
        Hold { kind: "aws_ecs_capacity_provider", through: "capacity_provider_strategy.capacity_provider", then: Then::Replaced },
        Hold { kind: "aws_security_group", through: "network_configuration.security_groups", then: Then::Refused },
    ];
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 1000;
    const LINGERS: bool = true;
    const GONE: &'static [&'static str] = &["ServiceNotActiveException"];
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "20m"), ("update", "20m"), ("delete", "20m")];
    const AFTER: &'static [After] = &[
        // A target group takes no tasks before something listens in front of it.
        After { kind: "aws_lb_listener", through: "aws_lb_target_group" },
        After { kind: "aws_lb_listener_rule", through: "aws_lb_target_group" },
        // Tasks need what their roles allow from the first moment to the last: without it a service never ends draining.
        After { kind: "aws_iam_role_policy", through: "aws_iam_role" },
        After { kind: "aws_iam_role_policy_attachment", through: "aws_iam_role" },
        After { kind: "aws_ecs_cluster_capacity_providers", through: "aws_ecs_cluster" },
        // A task that can't read its secret does not start.
        After { kind: "aws_secretsmanager_secret_version", through: "aws_secretsmanager_secret" },
    ];
    const RETRY: &'static [Retry] = &[
        unsettled("CreateService", "ClusterNotFoundException", ""),
        unsettled("CreateService", "InvalidParameterException", "verify that the ECS service role being passed has the proper permissions"),
        unsettled("CreateService", "InvalidParameterException", "does not have an associated load balancer"),
        unsettled("CreateService", "InvalidParameterException", "Unable to assume the service linked role"),
        unsettled("UpdateService", "InvalidParameterException", "verify that the ECS service role being passed has the proper permissions"),
        unsettled("UpdateService", "InvalidParameterException", "does not have an associated load balancer"),
        // One of that name is on its way out.
        Retry {
            operation: "CreateService",
            code: "InvalidParameterException",
            message: "still Draining",
            within: Duration::from_secs(1200),
        },
        updating("CreateService"),
        updating("UpdateService"),
        Retry {
            operation: "DeleteService",
            code: "InvalidParameterException",
            message: "cannot be stopped while deployments are active",
            within: Duration::from_secs(1200),
        },
        Retry { operation: "DeleteService", code: "DependencyViolation", message: "dependent object", within: Duration::from_secs(1200) },
    ];
    const EXAMPLE: &'static str = include_str!("example.toml");
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        read::check(given)
    }

    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let strategy = planned.changed.iter().any(|name| name == "capacity_provider_strategy");
        let empty = |value: &Value| value.attr("capacity_provider_strategy").items().is_empty();
        let forced = planned.want.attr("force_new_deployment").as_bool() == Some(true);
        if strategy && (!forced || empty(prior) || empty(planned.want)) {
            planned.replace.push("capacity_provider_strategy".into());
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let token: String = cx.token.chars().take(36).collect();
        let mut body = self.body(None);
        for (name, value) in [
            ("clientToken", Json::from(token)),
            ("deploymentController", json!(self.deployment_controller.as_ref().map(wire::json))),
            ("launchType", json!(self.launch_type.as_deref().filter(|l| !l.is_empty()))),
            ("role", json!(self.iam_role.as_deref().filter(|r| !r.is_empty()))),
            ("schedulingStrategy", json!(self.scheduling_strategy)),
            ("serviceName", json!(self.name)),
            ("tags", tagged(&self.tags_all)),
        ] {
            body[name] = value;
        }
        let answer = wire::call!(cx.cloud.ecs.create_service(), without_nulls(body));
        let made = answer.map_err(|failure| match &failure.message {
            m if m.contains("was not idempotent") => failure.because(Cause::Exists),
            _ => failure,
        })?;
        wire::text(&made["service"]["serviceArn"]).ok_or_else(|| lacking("ARN of the service"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = absent(read::described(cx.cloud, self.cluster_name(), std::slice::from_ref(&self.name)).await)?.unwrap_or_default();
        let active = found.iter().find(|s| s["status"].as_str() == Some("ACTIVE"));
        Ok(active.and_then(|s| wire::text(&s["serviceArn"])))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let clusters = super::clusters(cx).await?;
        let found = each(clusters.iter(), |cluster| async move {
            let pages = cx.cloud.ecs.list_services().cluster(cluster).max_results(100).into_paginator().items().send();
            let found: Vec<String> = pages.try_collect().await?;
            Ok(Some(found))
        });
        let listed = found.await?.into_iter().flatten().map(|arn| Listed::new(&arn).named(Some(last(&arn))).costs());
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        read::read(cx, known).await
    }

    fn adopt(live: Value, given: &Value) -> Value {
        // Nobody but the configuration knows these.
        let told = ["force_new_deployment", "triggers"].into_iter().filter(|name| given.attr(name).is_known());
        told.fold(live, |live, name| live.with(name, given.attr(name).clone()))
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        let mut body = self.body(Some(old));
        let forced = self.force_new_deployment == Some(true);
        let anew = forced && (old.force_new_deployment != Some(true) || self.triggers != old.triggers);
        let changed = body.as_object().is_some_and(|b| b.keys().any(|key| key != "cluster"));
        if changed || anew {
            body["service"] = Json::from(self.name.as_str());
            if forced {
                body["forceNewDeployment"] = true.into();
            }
            wire::call!(cx.cloud.ecs.update_service(), body)?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ecs, service) = (&cx.cloud.ecs, &live.value);
        let cluster = service.cluster_name();
        let found = read::described(cx.cloud, cluster, std::slice::from_ref(&service.name)).await?;
        let Some(now) = found.first() else { return Ok(()) };
        if now["status"].as_str() == Some("DRAINING") {
            return Ok(());
        }
        let daemon = service.is_daemon();
        let forced = daemon || service.force_delete == Some(true);
        if !daemon && now["desiredCount"].as_i64() != Some(0) {
            let stopped = ecs.update_service().cluster(cluster).service(&service.name).desired_count(0).send().await;
            // A service in a state that can't be changed can still be deleted by force.
            stopped.map(drop).map_err(Failure::from).or_else(|failure| if forced { Ok(()) } else { Err(failure) })?;
        }
        ecs.delete_service().cluster(cluster).service(&service.name).set_force(forced.then_some(true)).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") {
            return Ok(given.to_owned());
        }
        match given.split_once('/') {
            Some((cluster, name)) if !cluster.is_empty() && !name.is_empty() && !name.contains('/') => {
                cx.cloud.arn("ecs", &format!("service/{given}")).await
            }
            _ => Err(Failure::other(format!("`{given}` does not name a service")).help("write it like `CLUSTER/SERVICE`")),
        }
    }
}

impl Service {
    fn cluster_name(&self) -> &str {
        self.cluster.as_deref().filter(|c| !c.is_empty()).unwrap_or("default")
    }

    fn is_daemon(&self) -> bool {
        self.scheduling_strategy.as_deref() == Some("DAEMON")
    }

    /// What can be given when it is made and later: all of it, or what differs from `old`.
    fn body(&self, old: Option<&Self>) -> Json {
        let mut body = json!({ "cluster": self.cluster_name() });
        let mut put = |name: &str, now: Json, before: Option<Json>| {
            // What is there no longer has to be said as that; what never was is not.
            let absent = now.is_null() || now.as_array().is_some_and(Vec::is_empty);
            let same = before.as_ref().map_or(absent, |before| now == *before);
            if !same {
                body[name] = now;
            }
        };
        let was = |part: fn(&Self) -> Json| old.map(part);
        let parts: [(&str, fn(&Self) -> Json); 18] = [
            ("availabilityZoneRebalancing", |s| json!(s.availability_zone_rebalancing.as_deref().filter(|a| !a.is_empty()))),
            ("capacityProviderStrategy", |s| wire::list(&s.capacity_provider_strategy)),
            ("deploymentConfiguration", Self::deployment),
            ("enableECSManagedTags", |s| json!(s.enable_ecs_managed_tags.unwrap_or(false))),
            ("enableExecuteCommand", |s| json!(s.enable_execute_command.unwrap_or(false))),
            ("healthCheckGracePeriodSeconds", |s| s.health_check_grace_period_seconds.filter(|g| *g != 0).map_or(Json::Null, Json::from)),
            ("loadBalancers", |s| wire::list(&s.load_balancer)),
            ("networkConfiguration", |s| s.network_configuration.as_ref().map_or(Json::Null, network)),
            ("placementConstraints", |s| wire::list(&s.placement_constraints)),
            ("placementStrategy", |s| wire::list(&s.ordered_placement_strategy)),
            ("platformVersion", |s| json!(s.platform_version.as_deref().filter(|p| !p.is_empty()))),
            ("propagateTags", |s| json!(s.propagate_tags.as_deref().filter(|p| !p.is_empty() && *p != "NONE"))),
            ("serviceConnectConfiguration", |s| s.service_connect_configuration.as_ref().map_or(Json::Null, wire::json)),
            ("serviceRegistries", |s| wire::list(&s.service_registries)),
            ("volumeConfigurations", |s| wire::list(&s.volume_configuration)),
            ("vpcLatticeConfigurations", |s| wire::list(&s.vpc_lattice_configurations)),
            ("desiredCount", |s| if s.is_daemon() { Json::Null } else { s.desired_count.map_or(Json::Null, Json::from) }),
            ("taskDefinition", |s| json!(s.task_definition.as_deref().filter(|t| !t.is_empty()))),
        ];
        for (name, part) in parts {
            put(name, part(self), was(part));
        }
        self.settle(&mut body, old);
        body
    }

    /// What `null` stands for in a body, and what must not be sent.
    fn settle(&self, body: &mut Json, old: Option<&Self>) {
        let tasks_alike = old.is_some_and(|old| match (&old.task_definition, &self.task_definition) {
            (Some(a), Some(b)) => same_task(a, b),
            _ => false,
        });
        let Some(parts) = body.as_object_mut() else { return };
        parts.insert("cluster".into(), self.cluster_name().into());
        if tasks_alike {
            parts.remove("taskDefinition");
        }
        if old.is_none() {
            if !self.is_daemon() {
                parts.entry("desiredCount").or_insert_with(|| 0.into());
            }
            if let Some(deployment) = parts.get_mut("deploymentConfiguration").and_then(Json::as_object_mut) {
                deployment.retain(|name, part| name.ends_with("Percent") || part["enable"].as_bool() == Some(true));
            }
        }
        if let Some(off) = parts.get_mut("serviceConnectConfiguration").filter(|c| c.is_null()) {
            *off = json!({ "enabled": false });
        }
        if let Some(none) = parts.get_mut("propagateTags").filter(|p| p.is_null()) {
            *none = "NONE".into();
        }
        if let Some(none) = parts.get_mut("healthCheckGracePeriodSeconds").filter(|g| g.is_null()) {
            *none = 0.into();
        }
        parts.retain(|_, value| !value.is_null());
    }

    /// How it deploys. What is not given is off, and is said to be.
    fn deployment(&self) -> Json {
        let mut deployment = json!({
            "maximumPercent": self.deployment_maximum_percent,
            "minimumHealthyPercent": self.deployment_minimum_healthy_percent,
            "deploymentCircuitBreaker": self.deployment_circuit_breaker.as_ref().map_or_else(|| json!({ "enable": false, "rollback": false }), wire::json),
            "alarms": self.alarms.as_ref().map_or_else(|| json!({ "alarmNames": [], "enable": false, "rollback": false }), wire::json),
        });
        let ecs = self.deployment_controller.as_ref().is_none_or(|c| c.r#type.as_deref().unwrap_or("ECS") == "ECS");
        if let Some(parts) = deployment.as_object_mut() {
            if self.is_daemon() && self.has_usual_percents() {
                parts.retain(|name, _| !name.ends_with("Percent"));
            }
            if !ecs {
                parts.retain(|name, _| name.ends_with("Percent"));
            }
            parts.retain(|_, value| !value.is_null());
        }
        deployment
    }

    /// Whether the percentages are those of a service whose author said nothing of them.
    fn has_usual_percents(&self) -> bool {
        self.deployment_maximum_percent.unwrap_or(200) == 200 && self.deployment_minimum_healthy_percent.unwrap_or(100) == 100
    }
}

fn network(network: &Network) -> Json {
    let public = if network.assign_public_ip == Some(true) { "ENABLED" } else { "DISABLED" };
    let parts = json!({ "subnets": network.subnets, "securityGroups": network.security_groups, "assignPublicIp": public });
    json!({ "awsvpcConfiguration": parts })
}

#[cfg(test)]
mod tests {
    use super::same_task;

    #[test]
    fn a_family_alone_leaves_the_revision_open() {
        let arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/web:3";
        for (a, b, same) in
            [(arn, "web:3", true), (arn, "web:4", false), (arn, "web", true), ("web:3", "web:4", false), ("web", "db", false)]
        {
            assert_eq!(same_task(a, b), same, "{a} {b}");
        }
    }
}
