//! ECS and secrets in numbers, and where scaling and time have a say.

use std::sync::Arc;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use ferroform::aws::Aws;
use ferroform::engine::plan::Purpose;
use ferroform::words::resource::Cloud as Clients;

use crate::support::bench::{Bench, Outcome, acts, drifts};
use crate::support::sandbox::cloud;

/// Tenants, each with a secret, its value, a task definition and a service.
const TENANTS: &str = r#"
[resource.aws_ecs_cluster.main]
name = "tenants"

[resource.aws_secretsmanager_secret.tenant]
count = 30
name = "tenant/${count.index}"
recovery_window_in_days = 0

[resource.aws_secretsmanager_secret_version.tenant]
count = 30
secret_id = "${aws_secretsmanager_secret.tenant[count.index].id}"
secret_string = "token ${count.index}"

[resource.aws_ecs_task_definition.tenant]
count = 30
family = "tenant-${count.index}"
tags = { tenant = "${count.index}" }
container_definitions = '''${jsonencode([{
  name = "app"
  image = "app"
  memory = 64
  secrets = [{ name = "TOKEN", valueFrom = aws_secretsmanager_secret.tenant[count.index].arn }]
}])}'''

[resource.aws_ecs_service.tenant]
count = 30
name = "tenant-${count.index}"
cluster = "${aws_ecs_cluster.main.id}"
task_definition = "${aws_ecs_task_definition.tenant[count.index].arn}"
desired_count = 1
"#;

async fn apply(bench: &mut Bench, text: &str) -> Outcome<()> {
    let open = bench.open(text)?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    bench.apply(&open, &plan).await
}

async fn clients(bench: &Bench, text: &str) -> Outcome<Arc<dyn Clients>> {
    bench.clients(&bench.open(text)?, "aws_ecs_service").await
}

fn aws(clients: &Arc<dyn Clients>) -> &Aws {
    clients.as_any().downcast_ref().unwrap()
}

#[tokio::test]
async fn many_tenants_cost_few_calls_and_no_secret() -> Outcome<()> {
    let mut bench = Bench::new(&cloud());
    apply(&mut bench, TENANTS).await?;
    let open = bench.open(TENANTS)?;
    let before = bench.counts();
    let plan = bench.plan(&open, Purpose::Apply).await?;
    assert!(acts(&plan).is_empty() && drifts(&plan).is_empty(), "{:?} {:?}", acts(&plan), drifts(&plan));
    let made: Vec<(String, u64)> =
        bench.counts().into_iter().map(|(name, n)| (name.clone(), n - before.get(&name).unwrap_or(&0))).collect();
    let of = |name: &str| made.iter().find(|(operation, _)| operation == name).map_or(0, |(_, n)| *n);
    assert_eq!(of("ecs DescribeServices"), 3, "{made:?}");
    assert_eq!((of("ecs ListTaskDefinitions"), of("ecs DescribeTaskDefinition")), (1, 0), "{made:?}");
    assert_eq!((of("secretsmanager ListSecrets"), of("secretsmanager DescribeSecret")), (1, 0), "{made:?}");
    assert_eq!((of("secretsmanager GetSecretValue"), of("secretsmanager BatchGetSecretValue")), (0, 0), "{made:?}");

    // What somebody else has changed is seen all the same.
    let clients = clients(&bench, TENANTS).await?;
    let (ecs, secrets) = (&aws(&clients).ecs, &aws(&clients).secrets);
    ecs.deregister_task_definition().task_definition("tenant-7:1").send().await.map_err(|e| format!("{e:?}"))?;
    secrets.update_secret().secret_id("tenant/8").description("else").send().await.map_err(|e| format!("{e:?}"))?;
    secrets.delete_secret().secret_id("tenant/9").force_delete_without_recovery(true).send().await.map_err(|e| format!("{e:?}"))?;
    let acts = acts(&bench.plan(&open, Purpose::Apply).await?).join("\n");
    for part in
        ["task_definition.tenant[7] Create", "secret.tenant[8] Update", "secret.tenant[9] Create", "secret_version.tenant[9] Create"]
    {
        assert!(acts.contains(part), "{part}: {acts}");
    }
    Ok(())
}

#[tokio::test]
async fn a_number_of_tasks_that_scaling_has_led_to_stays() -> Outcome<()> {
    let service = r#"
[resource.aws_ecs_cluster.main]
name = "scaled"

[resource.aws_ecs_task_definition.web]
family = "scaled"
container_definitions = '[{"name":"web","image":"nginx","memory":64}]'

[resource.aws_ecs_service.web]
name = "web"
cluster = "${aws_ecs_cluster.main.name}"
task_definition = "${aws_ecs_task_definition.web.arn}"
desired_count = 1
"#;
    let mut bench = Bench::new(&cloud());
    apply(&mut bench, service).await?;
    let clients = clients(&bench, service).await?;
    let aws = aws(&clients);
    let scale = |n| aws.ecs.update_service().cluster("scaled").service("web").desired_count(n).send();
    scale(4).await.map_err(|e| format!("{e:?}"))?;
    let open = bench.open(service)?;
    let changed = acts(&bench.plan(&open, Purpose::Apply).await?).join("\n");
    assert!(changed.contains("desired_count"), "nobody scales it: {changed}");

    let target = aws.application_autoscaling.register_scalable_target().service_namespace(ServiceNamespace::Ecs);
    let target = target.resource_id("service/scaled/web").scalable_dimension(ScalableDimension::EcsServiceDesiredCount);
    target.min_capacity(1).max_capacity(9).send().await.map_err(|e| format!("{e:?}"))?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    assert!(acts(&plan).is_empty() && drifts(&plan).is_empty(), "{:?} {:?}", acts(&plan), drifts(&plan));
    Ok(())
}

#[tokio::test]
async fn a_name_that_waits_for_its_deletion_is_told_with_the_way_out() -> Outcome<()> {
    let secret = "[resource.aws_secretsmanager_secret.token]\nname = \"waits\"\n";
    let mut bench = Bench::new(&cloud());
    let clients = clients(&bench, secret).await?;
    let secrets = &aws(&clients).secrets;
    secrets.create_secret().name("waits").send().await.map_err(|e| format!("{e:?}"))?;
    secrets.delete_secret().secret_id("waits").send().await.map_err(|e| format!("{e:?}"))?;
    let told = apply(&mut bench, secret).await.unwrap_err();
    assert!(told.contains("can still be taken back") && told.contains("restore-secret"), "{told}");
    Ok(())
}

#[tokio::test]
async fn what_is_never_stored_reaches_the_cloud_alone() -> Outcome<()> {
    let stack = |value: &str, version: u32| {
        format!(
            r#"
[resource.aws_secretsmanager_secret.token]
name = "unstored"
recovery_window_in_days = 0

[resource.aws_secretsmanager_secret_version.token]
secret_id = "${{aws_secretsmanager_secret.token.id}}"
secret_string_wo = "{value}"
secret_string_wo_version = {version}

[resource.aws_ssm_parameter.token]
name = "/unstored"
type = "SecureString"
value_wo = "{value}"
value_wo_version = {version}
"#
        )
    };
    let mut bench = Bench::new(&cloud());
    for (value, version) in [("the first of them", 1), ("the second of them", 2)] {
        let text = stack(value, version);
        apply(&mut bench, &text).await?;
        let clients = clients(&bench, &text).await?;
        let held = aws(&clients).secrets.get_secret_value().secret_id("unstored").send().await.map_err(|e| format!("{e:?}"))?;
        assert_eq!(held.secret_string(), Some(value));
        let held = aws(&clients).ssm.get_parameter().name("/unstored").with_decryption(true).send().await.map_err(|e| format!("{e:?}"))?;
        assert_eq!(held.parameter().and_then(|p| p.value()), Some(value));
        assert!(!format!("{:?}", bench.state).contains("of them"), "the state holds it");
        let open = bench.open(&text)?;
        let plan = bench.plan(&open, Purpose::Apply).await?;
        assert!(acts(&plan).is_empty() && drifts(&plan).is_empty(), "{:?} {:?}", acts(&plan), drifts(&plan));
    }
    Ok(())
}
