//! What there is of services, and how far their deployments have got.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::{Alarms, CircuitBreaker, ClusterRef, DeploymentController, Network, RoleRef, Service, TaskRef, same_task};
use crate::aws::ecs::{failures, last, tags, wire};
use crate::aws::error::absent;
use crate::aws::{Aws, each};
use crate::words::failure::{Cause, Outcome};
use crate::words::resource::{Cx, Known, Live, Problem, Resource, Status, Tags};
use crate::words::value::Value;

/// How many services one call describes.
const PAGE: usize = 10;
/// How many resources one call asks Application Auto Scaling for.
const SCALED: usize = 50;
/// How many characters of what ECS says last are shown while it is waited for.
const SAID: usize = 200;

/// What no single attribute can say is wrong.
pub fn check(given: &Value) -> Vec<Problem> {
    let mut problems = vec![];
    let text = |name: &str| given.attr(name).as_str().unwrap_or_default().to_owned();
    let external = given.attr("deployment_controller").items().first().is_some_and(|c| c.attr("type").as_str() == Some("EXTERNAL"));
    if given.attr("task_definition").is_null() && !external && given.attr("deployment_controller").is_known() {
        problems.push(Problem::new("task_definition", "a service has a task definition, unless its deployment controller is `EXTERNAL`"));
    }
    if text("scheduling_strategy") == "DAEMON" {
        if given.attr("desired_count").as_number().and_then(|n| n.as_i64()).is_some_and(|n| n != 0) {
            problems.push(Problem::new("desired_count", "a daemon runs once on each instance, so it has no number"));
        }
        if text("launch_type") == "FARGATE" {
            problems.push(Problem::new("scheduling_strategy", "Fargate runs no daemons"));
        }
    }
    if text("launch_type") == "FARGATE"
        && given.attr("network_configuration").is_known()
        && given.attr("network_configuration").items().is_empty()
    {
        problems.push(Problem::new("network_configuration", "tasks on Fargate have a network of their own: say which subnets"));
    }
    let (most, least) = (given.attr("deployment_maximum_percent"), given.attr("deployment_minimum_healthy_percent"));
    let number = |value: &Value| value.as_number().and_then(|n| n.as_i64());
    if let (Some(100), Some(100)) = (number(most), number(least)) {
        let why =
            "no task can be replaced where never more and never fewer than the wanted number may run: make this more, or the minimum less";
        problems.push(Problem::new("deployment_maximum_percent", why));
    }
    let balanced = given.attr("load_balancer");
    if given.attr("health_check_grace_period_seconds").is_known() && !given.attr("health_check_grace_period_seconds").is_empty() {
        let lattice = given.attr("vpc_lattice_configurations");
        if number(given.attr("health_check_grace_period_seconds")) != Some(0)
            && balanced.is_known()
            && balanced.items().is_empty()
            && lattice.is_known()
            && lattice.items().is_empty()
        {
            problems.push(Problem::new("health_check_grace_period_seconds", "only a service behind a load balancer has a grace period"));
        }
    }
    for (i, balancer) in balanced.items().iter().enumerate() {
        let given = ["elb_name", "target_group_arn"].into_iter().filter(|name| !balancer.attr(name).is_null()).count();
        if given != 1 {
            let why = "a load balancer is given by `target_group_arn`, or by `elb_name` where it is a Classic one";
            problems.push(Problem::new(format!("load_balancer.{i}"), why));
        }
    }
    let bases = given.attr("capacity_provider_strategy").items().iter().filter(|s| number(s.attr("base")).is_some_and(|b| b > 0));
    if bases.count() > 1 {
        problems.push(Problem::new("capacity_provider_strategy", "only one capacity provider can have a `base`"));
    }
    for (i, strategy) in given.attr("ordered_placement_strategy").items().iter().enumerate() {
        let (kind, field) = (strategy.attr("type").as_str(), strategy.attr("field"));
        if kind == Some("random") && !field.is_null() {
            problems.push(Problem::new(format!("ordered_placement_strategy.{i}.field"), "`random` goes by no field"));
        }
        if matches!(kind, Some("spread" | "binpack")) && field.is_null() {
            problems.push(Problem::new(format!("ordered_placement_strategy.{i}"), "say by which `field`"));
        }
    }
    problems
}

/// Those of the services that exist. What was deleted stays visible for a while, as inactive.
pub async fn described(aws: &Aws, cluster: &str, services: &[String]) -> Outcome<Vec<Json>> {
    let body = json!({ "cluster": cluster, "services": services, "include": ["TAGS"] });
    let answer = wire::call!(aws.ecs.describe_services(), body)?;
    failures(&answer)?;
    Ok(wire::items(&answer["services"]).filter(|s| s["status"].as_str() != Some("INACTIVE")).cloned().collect())
}

/// The cluster in the ARN of a service; older ARNs have none.
fn cluster_in(arn: &str) -> Option<&str> {
    let mut parts = arn.split(":service/").nth(1)?.split('/');
    let (cluster, name) = (parts.next()?, parts.next());
    name.map(|_| cluster)
}

/// Ten services of one cluster a call.
pub async fn read(cx: &Cx<'_, Aws>, known: &[Known<Service>]) -> Outcome<Vec<Live<Service>>> {
    let mut by_cluster: BTreeMap<String, Vec<&Known<Service>>> = BTreeMap::new();
    for k in known {
        let of_state = || k.prior.as_ref().map(|p| last(p.cluster_name()).to_owned());
        let cluster = cluster_in(&k.id).map(str::to_owned).or_else(of_state).unwrap_or_else(|| "default".into());
        by_cluster.entry(cluster).or_default().push(k);
    }
    let pages: Vec<(&String, &[&Known<Service>])> =
        by_cluster.iter().flat_map(|(c, all)| all.chunks(PAGE).map(move |some| (c, some))).collect();
    let found = each(pages, |(cluster, some)| async move {
        let names: Vec<String> = some.iter().map(|k| last(&k.id).to_owned()).collect();
        let found = absent(described(cx.cloud, cluster, &names).await)?.unwrap_or_default();
        let both = some.iter().filter_map(|k| {
            let service = found.iter().find(|s| s["serviceName"].as_str() == Some(last(&k.id)))?;
            Some((*k, service.clone()))
        });
        Ok(Some(both.collect::<Vec<_>>()))
    });
    let found: Vec<(&Known<Service>, Json)> = found.await?.into_iter().flatten().collect();
    let scaled = scaled(cx.cloud, &found).await?;
    let live = found.iter().map(|(k, service)| {
        let prior = k.prior.as_ref();
        let mut value = of(service, prior)?;
        cx.reads.says(Service::TYPE, &k.id, status(service, prior));
        if scaled.contains(&scaling_id(service)) {
            value.desired_count = prior.and_then(|p| p.desired_count).or(value.desired_count);
        }
        Ok(Live { id: k.id.clone(), value })
    });
    live.collect()
}

/// What Application Auto Scaling calls a service.
fn scaling_id(service: &Json) -> String {
    let cluster = service["clusterArn"].as_str().map(last).unwrap_or_default();
    format!("service/{cluster}/{}", service["serviceName"].as_str().unwrap_or_default())
}

/// Those of the services with another number of tasks than the state has, whose number is Application Auto Scaling's business.
async fn scaled(aws: &Aws, found: &[(&Known<Service>, Json)]) -> Outcome<Vec<String>> {
    let moved = |k: &Known<Service>, s: &Json| {
        k.prior.as_ref().and_then(|p| p.desired_count).is_some_and(|n| s["desiredCount"].as_i64() != Some(n))
    };
    let ids: Vec<String> = found.iter().filter(|(k, s)| moved(k, s)).map(|(_, s)| scaling_id(s)).collect();
    let pages = each(ids.chunks(SCALED), |ids| async move {
        use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
        let call = aws.application_autoscaling.describe_scalable_targets().service_namespace(ServiceNamespace::Ecs);
        let call = call.scalable_dimension(ScalableDimension::EcsServiceDesiredCount).set_resource_ids(Some(ids.to_vec()));
        match call.send().await.map_err(crate::words::failure::Failure::from) {
            Ok(found) => Ok(Some(found.scalable_targets.unwrap_or_default().into_iter().map(|t| t.resource_id).collect::<Vec<String>>())),
            // Who may not ask can't know better.
            Err(failure) if failure.cause == Cause::Denied => Ok(None),
            Err(failure) => Err(failure),
        }
    });
    Ok(pages.await?.into_iter().flatten().collect())
}

/// The deployment that is, or is to be, what runs.
fn primary(service: &Json) -> &Json {
    wire::items(&service["deployments"]).find(|d| d["status"].as_str() == Some("PRIMARY")).unwrap_or(&Json::Null)
}

/// What ECS answers; what means the same is spelled as the state spells it.
fn of(service: &Json, prior: Option<&Service>) -> Outcome<Service> {
    let text = |name: &str| wire::text(&service[name]);
    let daemon = text("schedulingStrategy").as_deref() == Some("DAEMON");
    let deployment = &service["deploymentConfiguration"];
    let primary = primary(service);
    // A daemon's are told as others than those that were not asked for.
    let usual = daemon && prior.is_none_or(Service::has_usual_percents);
    let network = &service["networkConfiguration"]["awsvpcConfiguration"];
    let network = network["subnets"].is_array().then(|| Network {
        assign_public_ip: Some(network["assignPublicIp"].as_str() == Some("ENABLED")),
        security_groups: wire::texts(&network["securityGroups"]),
        subnets: wire::texts(&network["subnets"]),
    });
    let controller: Option<DeploymentController> = wire::some(&service["deploymentController"])?;
    let mut placement: Vec<super::PlacementStrategy> = wire::blocks(&service["placementStrategy"])?;
    for strategy in &mut placement {
        strategy.field = strategy.field.take().filter(|f| !f.is_empty()).map(field);
    }
    let task = text("taskDefinition");
    let task = prior
        .and_then(|p| p.task_definition.clone())
        .filter(|held| task.as_deref().is_some_and(|t| same_task(held, t)))
        .or(task.map(TaskRef));
    let off = |a: &Alarms| !a.enable && !a.rollback && a.alarm_names.is_empty();
    let breaker: Option<CircuitBreaker> = wire::some(&deployment["deploymentCircuitBreaker"])?;
    Ok(Service {
        alarms: wire::some(&deployment["alarms"])?.filter(|a| !off(a)),
        availability_zone_rebalancing: Some(text("availabilityZoneRebalancing").unwrap_or_else(|| "DISABLED".into())),
        capacity_provider_strategy: wire::blocks(&service["capacityProviderStrategy"])?,
        cluster: text("clusterArn").map(ClusterRef),
        deployment_circuit_breaker: breaker
            .filter(|b| b.enable || b.rollback || prior.is_some_and(|p| p.deployment_circuit_breaker.is_some())),
        deployment_controller: controller.or_else(|| Some(DeploymentController { r#type: Some("ECS".into()) })),
        deployment_maximum_percent: if usual { Some(200) } else { deployment["maximumPercent"].as_i64() },
        deployment_minimum_healthy_percent: if usual { Some(100) } else { deployment["minimumHealthyPercent"].as_i64() },
        desired_count: if daemon { prior.and_then(|p| p.desired_count) } else { service["desiredCount"].as_i64() },
        enable_ecs_managed_tags: service["enableECSManagedTags"].as_bool(),
        enable_execute_command: service["enableExecuteCommand"].as_bool(),
        force_delete: prior.and_then(|p| p.force_delete),
        force_new_deployment: prior.and_then(|p| p.force_new_deployment),
        health_check_grace_period_seconds: service["healthCheckGracePeriodSeconds"].as_i64(),
        iam_role: text("roleArn").map(RoleRef),
        launch_type: text("launchType"),
        load_balancer: wire::blocks(&service["loadBalancers"])?,
        name: text("serviceName").unwrap_or_default(),
        network_configuration: network,
        ordered_placement_strategy: placement,
        placement_constraints: wire::blocks(&service["placementConstraints"])?,
        platform_version: text("platformVersion"),
        propagate_tags: text("propagateTags")
            .filter(|p| p != "NONE")
            .or_else(|| prior.and_then(|p| p.propagate_tags.clone()).filter(|p| p == "NONE")),
        scheduling_strategy: text("schedulingStrategy").or_else(|| Some("REPLICA".into())),
        service_connect_configuration: wire::some(&primary["serviceConnectConfiguration"])?
            .filter(|c: &super::ServiceConnect| c.enabled || prior.is_some_and(|p| p.service_connect_configuration.is_some())),
        service_registries: wire::items(&service["serviceRegistries"]).next().map(wire::block).transpose()?,
        tags: Tags::new(),
        tags_all: tags(&service["tags"]),
        task_definition: task,
        triggers: prior.map(|p| p.triggers.clone()).unwrap_or_default(),
        volume_configuration: wire::items(&primary["volumeConfigurations"]).next().map(wire::block).transpose()?,
        vpc_lattice_configurations: wire::blocks(&primary["vpcLatticeConfigurations"])?,
        wait_for_steady_state: prior.and_then(|p| p.wait_for_steady_state),
    })
}

/// A field of a placement strategy as people write it: ECS answers its own words in capitals, and one under another name.
fn field(field: String) -> String {
    match field.as_str() {
        "host" => "instanceId".into(),
        "MEMORY" | "CPU" => field.to_lowercase(),
        _ => field,
    }
}

/// How far ECS has got with a service, as far as the stack wants to know.
fn status(service: &Json, wanted: Option<&Service>) -> Status {
    match service["status"].as_str() {
        Some("ACTIVE") => {}
        other => return Status::Pending(other.unwrap_or("on its way").to_lowercase()),
    }
    let Some(wanted) = wanted.filter(|w| w.wait_for_steady_state == Some(true)) else { return Status::Ready };
    let (primary, deployments) = (primary(service), wire::items(&service["deployments"]).count());
    let said = || {
        let text: String = service["events"][0]["message"].as_str().unwrap_or_default().chars().take(SAID).collect();
        if text.is_empty() { text } else { format!(": {text}") }
    };
    if primary["rolloutState"].as_str() == Some("FAILED") {
        let why = primary["rolloutStateReason"].as_str().unwrap_or("the deployment failed");
        return Status::Failed(format!("{why}{}", said()));
    }
    // A deployment that was rolled back looks like one that is done, but for what runs.
    let running = primary["taskDefinition"].as_str().or(service["taskDefinition"].as_str());
    let other = |wanted: &TaskRef| running.is_some_and(|running| !same_task(wanted, running));
    let rolled_back = wire::items(&service["deployments"]).any(|d| d["rolloutState"].as_str() == Some("FAILED"));
    if rolled_back && wanted.task_definition.as_ref().is_some_and(other) {
        return Status::Failed(format!("the deployment was rolled back to {}{}", running.map(last).unwrap_or_default(), said()));
    }
    let (runs, should) = (service["runningCount"].as_i64().unwrap_or(0), service["desiredCount"].as_i64().unwrap_or(0));
    if deployments <= 1 && runs == should {
        return Status::Ready;
    }
    let word = if deployments > 1 {
        format!("{deployments} deployments, {runs} of {should} tasks run")
    } else {
        format!("{runs} of {should} tasks run")
    };
    Status::Pending(format!("{word}{}", said()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(task: &str) -> Outcome<Service> {
        let service = json!({ "serviceName": "web", "taskDefinition": task });
        Ok(Service { wait_for_steady_state: Some(true), ..of(&service, None)? })
    }

    #[test]
    fn a_deployment_that_was_rolled_back_is_no_success() -> Outcome<()> {
        let service = |running: i64, deployments: Json| {
            json!({
                "serviceName": "web", "status": "ACTIVE", "desiredCount": 2, "runningCount": running, "deployments": deployments,
                "events": [{ "message": "(service web) was unable to place a task" }],
            })
        };
        let wanted = waiting("web:2")?;
        let one = |task: &str, state: &str| json!({ "status": "PRIMARY", "taskDefinition": task, "rolloutState": state });
        let old = |task: &str, state: &str| json!({ "status": "ACTIVE", "taskDefinition": task, "rolloutState": state });
        let status = |service: Json| super::status(&service, Some(&wanted));
        assert_eq!(status(service(2, json!([one("web:2", "COMPLETED")]))), Status::Ready);
        let pending = status(service(1, json!([one("web:2", "IN_PROGRESS")])));
        assert_eq!(pending, Status::Pending("1 of 2 tasks run: (service web) was unable to place a task".into()));
        assert!(matches!(status(service(2, json!([one("web:1", "IN_PROGRESS"), old("web:2", "FAILED")]))), Status::Failed(_)));
        assert!(matches!(status(service(2, json!([one("web:2", "FAILED")]))), Status::Failed(_)));
        Ok(())
    }

    #[test]
    fn clusters_stand_in_arns_of_services() {
        assert_eq!(cluster_in("arn:aws:ecs:us-east-1:1:service/main/web"), Some("main"));
        assert_eq!(cluster_in("arn:aws:ecs:us-east-1:1:service/web"), None);
    }
}
