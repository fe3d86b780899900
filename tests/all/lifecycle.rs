//! Every type, from its own example, through the engine: made, unchanged, changed in place, unchanged, imported, removed, gone.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use ferroform::engine::plan::{Action, Purpose};
use ferroform::engine::planner::Options;
use ferroform::registry::REGISTRY;
use ferroform::state::Instance;
use ferroform::words::listed::Listed;
use ferroform::words::reads::{Asked, Reads};
use ferroform::words::resource::{Context, Known, ResourceType};
use ferroform::words::schema::{Attr, Kind};
use ferroform::words::{Address, Value};
use futures::stream::{self, StreamExt};

use crate::conformance::covers;
use crate::support::bench::{Bench, Outcome, acts, drifts};
use crate::support::sandbox::cloud;

/// How many types are under way together: the machine is small and the local AWS answers one call at a time.
const TOGETHER: usize = 8;
/// Nothing here takes that long; what does waits for something that never comes.
const LIMIT: Duration = Duration::from_secs(90);

/// What came of one type.
struct Report {
    name: &'static str,
    took: Duration,
    calls: u64,
    outcome: Outcome<Seen>,
}

/// What its example showed.
#[derive(Default)]
struct Seen {
    /// Attributes that can change in place and did.
    changed: BTreeSet<String>,
    /// Attributes that can change in place and did not.
    unchanged: BTreeSet<String>,
    /// Whether it is listed on its own.
    listed: bool,
}

#[test]
fn every_type_lives_as_its_example_says() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let only = std::env::var("LIFECYCLE").unwrap_or_default();
    let types = REGISTRY.resources.iter().copied().filter(|ty| ty.name().contains(&only));
    let mut reports: Vec<Report> = runtime.block_on(stream::iter(types).map(report).buffer_unordered(TOGETHER).collect());
    reports.sort_by_key(|report| report.name);
    let (mut failures, mut needed, mut own) = (vec![], BTreeSet::new(), 0);
    for Report { name, took, calls, outcome } in &reports {
        match outcome {
            Ok(Seen { changed, unchanged, listed }) => {
                own += usize::from(*listed);
                println!(
                    "{name:<40} {:>5.1} s {calls:>4} calls, {:>2} of {:>2} changed in place",
                    took.as_secs_f32(),
                    changed.len(),
                    changed.len() + unchanged.len()
                );
                for attr in unchanged {
                    let path = format!("{name}.{attr}");
                    match NOT_CHANGED.iter().position(|(at, _)| covers(at, &path)) {
                        Some(at) => {
                            needed.insert(at);
                            println!("    not changed: {attr}: {}", NOT_CHANGED[at].1);
                        }
                        None => failures.push(format!("{path} can change in place, and its example does not change it")),
                    }
                }
            }
            Err(why) => failures.push(format!("{name}: {why}")),
        }
    }
    println!("{own} of {} types are listed on their own", reports.len());
    if only.is_empty() {
        let left = NOT_CHANGED.iter().enumerate().filter(|(i, _)| !needed.contains(i));
        failures.extend(left.map(|(_, (path, _))| format!("{path} is listed as not changed, and needs no more to be")));
    }
    assert!(failures.is_empty(), "{} failures of {} types:\n\n{}", failures.len(), reports.len(), failures.join("\n\n"));
}

async fn report(ty: &'static dyn ResourceType) -> Report {
    let started = Instant::now();
    let mut bench = Bench::new(&cloud());
    let mut step = "";
    let lived = tokio::time::timeout(LIMIT, live(ty, &mut bench, &mut step)).await;
    let outcome = lived.unwrap_or_else(|_| Err(format!("takes longer than {} s", LIMIT.as_secs())));
    Report { name: ty.name(), took: started.elapsed(), calls: bench.calls(), outcome: outcome.map_err(|why| format!("{step}: {why}")) }
}

async fn live(ty: &'static dyn ResourceType, bench: &mut Bench, step: &mut &'static str) -> Outcome<Seen> {
    let address = Address::managed(ty.name(), "example");
    let (first, second) = ty.example().split_once("\n---\n").ok_or("the example is not of two stacks")?;

    *step = "creating";
    let open = bench.open(first)?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    let create = plan.changes.iter().find(|c| c.address == address).ok_or("the example has no resource of the name `example`")?;
    if create.action != Action::Create {
        return Err(format!("it would not be created: {:?}", create.action));
    }
    bench.apply(&open, &plan).await?;
    *step = "created";
    still(bench, &bench.plan(&open, Purpose::Apply).await?)?;

    *step = "changing";
    let open = bench.open(second)?;
    let plan = bench.plan(&open, Purpose::Apply).await?;
    let replaced: Vec<String> = acts(&plan).into_iter().filter(|text| !text.contains(" Update ")).collect();
    if !replaced.is_empty() {
        return Err(format!("it does more than change in place: {}", replaced.join("\n")));
    }
    let mut seen = Seen::default();
    let change = plan.changes.iter().find(|c| c.address == address).ok_or("the second example has no resource of the name `example`")?;
    compare(ty.attrs(), &[&change.before], &[&change.after], "", &mut seen);
    if change.action == Action::Nothing && first.trim() != second.trim() {
        return Err("the second example changes nothing".into());
    }
    bench.apply(&open, &plan).await?;
    *step = "changed";
    still(bench, &bench.plan(&open, Purpose::Apply).await?)?;

    *step = "importing";
    imported(ty, bench, &open, &address).await?;

    *step = "listing";
    seen.listed = listed(ty, bench, &open, &address).await?;

    *step = "removing";
    let last = bench.state.instances[&address].clone();
    let plan = bench.plan(&open, Purpose::Destroy).await?;
    bench.apply(&open, &plan).await?;
    let left: Vec<String> = bench.resources().map(ToString::to_string).collect();
    if !left.is_empty() {
        return Err(format!("still in the state: {}", left.join(", ")));
    }
    *step = "removed";
    if ty.is_local() {
        // Nothing but the state tells of it, unless it is a file.
        let file = last.attributes.attr("filename").as_str().map(std::path::PathBuf::from);
        return if file.is_some_and(|file| file.exists()) { Err("the file is still there".into()) } else { Ok(seen) };
    }
    let clients = bench.clients(&open, ty.name()).await?;
    let reads = Reads::default();
    let context = Context { cloud: clients.as_ref(), token: "", reads: &reads };
    let found = ty.read(&context, &[Known { id: last.id().to_owned(), prior: None }]).await;
    match found {
        Ok(found) if found.is_empty() => Ok(seen),
        Ok(found) => Err(format!("still there: {:?}", found[0])),
        Err(failure) => Err(format!("can't be looked for: {failure}")),
    }
}

/// Nothing differs and nothing moved.
fn still(_: &Bench, plan: &ferroform::engine::plan::Plan) -> Outcome<()> {
    let moved: Vec<String> = acts(plan).into_iter().chain(drifts(plan)).collect();
    if moved.is_empty() { Ok(()) } else { Err(format!("the plan is not empty: {}", moved.join("\n"))) }
}

/// What an import brings into the state agrees with the configuration.
async fn imported(ty: &'static dyn ResourceType, bench: &Bench, open: &crate::support::bench::Open, address: &Address) -> Outcome<()> {
    let held = &bench.state.instances[address];
    let clients = bench.clients(open, ty.name()).await?;
    let reads = Reads::default();
    let context = Context { cloud: clients.as_ref(), token: "", reads: &reads };
    let given = import_id(ty.name(), held);
    let id = match ty.import(&context, &given).await {
        Err(_) if NOT_IMPORTED.contains(&ty.name()) => return Ok(()),
        Err(failure) => return Err(format!("`{given}` is refused: {failure}")),
        Ok(_) if NOT_IMPORTED.contains(&ty.name()) => return Err("it is listed as not to be imported, and can be".into()),
        Ok(id) => id,
    };
    let found = ty.read(&context, &[Known { id: id.clone(), prior: None }]).await.map_err(|f| format!("can't be read: {f}"))?;
    let [found] = found.as_slice() else { return Err(format!("{} answers for {id}", found.len())) };
    if found.id != held.id() && !ty.is_local() {
        return Err(format!("it has the id {} and not {}", found.id, held.id()));
    }
    if VALUE_ALONE.contains(&ty.name()) {
        return Ok(());
    }
    let mut state = bench.state.clone();
    state.instances.remove(address);
    let options = Options { imports: vec![(address.clone(), given)], ..Options::default() };
    let plan = bench.plan_with(open, &state, &options).await?;
    let unread = |name: &str| ty.attrs().iter().any(|a| a.name == name && a.local);
    let change = plan.changes.iter().find(|c| c.address == *address).ok_or("it is not planned")?;
    let differs = !matches!(change.action, Action::Nothing | Action::Update) || change.changed.iter().any(|name| !unread(name));
    if differs { Err(format!("what was imported differs from the configuration: {}", acts(&plan).join("\n"))) } else { Ok(()) }
}

/// What the example made is among all that is listed, as the state knows it, and can be imported as the listing says.
async fn listed(ty: &'static dyn ResourceType, bench: &Bench, open: &crate::support::bench::Open, address: &Address) -> Outcome<bool> {
    if ty.is_local() {
        return Ok(false);
    }
    let asked = |(address, instance): (&Address, &Instance)| Asked {
        kind: address.kind.clone(),
        id: instance.id().to_owned(),
        prior: instance.attributes.clone(),
    };
    let reads = Reads::of(bench.state.instances.iter().map(asked).collect());
    let clients = bench.clients(open, ty.name()).await?;
    let context = Context { cloud: clients.as_ref(), token: "", reads: &reads };
    let Some(all) = ty.list(&context).await.map_err(|failure| format!("refused: {failure}"))? else { return Ok(false) };
    let held = &bench.state.instances[address];
    let agrees = |listed: &&Listed| {
        listed.mark.as_ref().is_none_or(|(name, value)| held.attributes.attr(name).as_str().is_some_and(|own| own == value))
    };
    let found: Vec<&Listed> = all.iter().filter(|listed| listed.id == held.id()).filter(agrees).collect();
    let [found] = found.as_slice() else { return Err(format!("{} of these are {}: {all:?}", found.len(), held.id())) };
    if !NOISE.contains(&ty.name()) && found.noise.is_some() {
        return Err(format!("it counts as noise: {found:?}"));
    }
    if NOT_IMPORTED.contains(&ty.name()) {
        return Ok(true);
    }
    match ty.import(&context, &found.import).await {
        Ok(id) if id == held.id() => Ok(true),
        other => Err(format!("`{}` can't be imported: {other:?}", found.import)),
    }
}

/// Whose example nobody would take for something of their own, were it not in the state.
const NOISE: &[&str] = &["aws_ecs_task_definition"];

/// What can change in place, and no example changes: `*` stands for any name.
const NOT_CHANGED: &[(&str, &str)] = &[
    ("aws_acm_certificate.certificate_body", "the example's is issued by ACM"),
    ("aws_acm_certificate.certificate_chain", "the example's is issued by ACM"),
    ("aws_acm_certificate.early_renewal_duration", "is refused"),
    ("aws_acm_certificate.private_key", "the example's is issued by ACM"),
    ("aws_appautoscaling_policy.step_scaling_policy_configuration.*", "of step scaling, and the example's tracks a target"),
    (
        "aws_appautoscaling_policy.target_tracking_scaling_policy_configuration.customized_metric_specification.metrics.*",
        "excludes the one metric that the example has",
    ),
    ("aws_appautoscaling_policy.policy_type", "what the example has belongs to one type"),
    (
        "aws_appautoscaling_policy.target_tracking_scaling_policy_configuration.predefined_metric_specification.resource_label",
        "of requests at load balancers alone",
    ),
    ("aws_appautoscaling_target.role_arn", "AWS has a role of its own for that"),
    ("aws_autoscaling_group.capacity_reservation_specification.capacity_reservation_target.*", "the sandbox has no capacity reservations"),
    ("aws_cloudwatch_event_target.appsync_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.batch_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.http_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.input", "excludes the transformer that the example has"),
    ("aws_cloudwatch_event_target.input_path", "excludes the transformer that the example has"),
    ("aws_cloudwatch_event_target.kinesis_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.redshift_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.run_command_targets.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.sagemaker_pipeline_target.*", "of another kind of target than the example's"),
    ("aws_cloudwatch_event_target.sqs_target.*", "of another kind of target than the example's"),
    ("aws_autoscaling_group.context", "reserved by AWS"),
    ("aws_autoscaling_group.instance_refresh.preferences.*", "how instances are replaced is told with the replacement alone"),
    ("aws_autoscaling_group.launch_configuration", "excludes the mixed instances that the example has"),
    ("aws_autoscaling_group.launch_template.*", "excludes the mixed instances that the example has"),
    ("aws_autoscaling_group.load_balancers", "there is no type of classic load balancers"),
    ("aws_autoscaling_group.metrics_granularity", "there is but one"),
    ("aws_autoscaling_group.min_elb_capacity", "nothing answers on the sandbox's instances"),
    (
        "aws_autoscaling_group.mixed_instances_policy.launch_template.launch_template_specification.launch_template_id",
        "the example keeps its template",
    ),
    (
        "aws_autoscaling_group.mixed_instances_policy.launch_template.launch_template_specification.launch_template_name",
        "the example names its template by id",
    ),
    (
        "aws_autoscaling_group.mixed_instances_policy.launch_template.override.instance_requirements.*",
        "excludes the types that the example names",
    ),
    (
        "aws_autoscaling_group.mixed_instances_policy.launch_template.override.launch_template_specification.*",
        "the example has one template",
    ),
    ("aws_autoscaling_group.placement_group", "there is no type of placement groups"),
    ("aws_autoscaling_group.service_linked_role_arn", "AWS has a role of its own for that"),
    ("aws_autoscaling_group.traffic_source.*", "excludes the target groups that the example has"),
    ("aws_autoscaling_group.wait_for_elb_capacity", "nothing answers on the sandbox's instances"),
    ("aws_autoscaling_policy.predictive_scaling_configuration.*", "of predictive scaling, and the example's is by steps"),
    ("aws_autoscaling_policy.target_tracking_configuration.*", "of target tracking, and the example's is by steps"),
    ("aws_cloudwatch_log_group.kms_key_id", "the sandbox has no AssociateKmsKey"),
    ("aws_cloudwatch_log_group.skip_destroy", "it would not be gone at the end"),
    ("aws_cloudwatch_metric_alarm.evaluate_low_sample_count_percentiles", "stays as it is where the metric gives way to an expression"),
    ("aws_cloudwatch_metric_alarm.metric_query.account_id", "needs a second account"),
    ("aws_cloudwatch_metric_alarm.metric_query.period", "of Metrics Insights alone"),
    ("aws_cloudwatch_metric_alarm.statistic", "excludes the percentile that the example has"),
    ("aws_cloudwatch_metric_alarm.threshold_metric_id", "excludes the threshold that the example has"),
    ("aws_cloudwatch_log_metric_filter.metric_transformation.dimensions", "exclude the default value that the example has"),
    ("aws_ecs_cluster.setting.name", "there is but one"),
    ("aws_ecs_service.capacity_provider_strategy.*", "excludes the launch type that the example has"),
    ("aws_ecs_service.health_check_grace_period_seconds", "of services behind a load balancer alone"),
    ("aws_ecs_service.load_balancer.*", "there is no type of target groups in its example"),
    ("aws_ecs_service.network_configuration.assign_public_ip", "of Fargate alone"),
    ("aws_ecs_service.platform_version", "of Fargate alone"),
    ("aws_ecs_service.service_connect_configuration.log_configuration.*", "the example's proxy logs nothing"),
    ("aws_ecs_service.service_connect_configuration.service.ingress_port_override", "the example's proxy listens where ECS chooses"),
    ("aws_ecs_service.service_connect_configuration.service.timeout.*", "the example's proxy has ECS's own"),
    ("aws_ecs_service.service_connect_configuration.service.tls.*", "needs a private certificate authority"),
    ("aws_ecs_service.service_registries.*", "needs Cloud Map, of which there is no type"),
    ("aws_ecs_service.volume_configuration.*", "the example's task definition leaves no volume open"),
    ("aws_ecs_service.vpc_lattice_configurations.*", "needs VPC Lattice, of which there is no type"),
    ("aws_ecs_task_definition.skip_destroy", "it would not be gone at the end"),
    ("aws_ecs_task_definition.track_latest", "it would show what others have made"),
    ("aws_secretsmanager_secret.recovery_window_in_days", "it would not be gone at the end"),
    ("aws_ssm_parameter.arn", "AWS's to choose"),
    ("aws_ssm_parameter.value_wo_version", "excludes the value that the example has"),
    ("aws_ssm_parameter.value_wo", "excludes the value that the example has"),
    ("aws_secretsmanager_secret_version.secret_string_wo", "excludes the value that the example has"),
    ("aws_default_security_group.egress.prefix_list_ids", "there is no type of prefix lists yet"),
    ("aws_default_security_group.egress.security_groups", "the group stays as it is, and would hold those that it names"),
    ("aws_default_security_group.ingress.security_groups", "the group stays as it is, and would hold those that it names"),
    ("aws_default_security_group.ingress.prefix_list_ids", "there is no type of prefix lists yet"),
    ("aws_ebs_snapshot.permanent_restore", "excludes the days that the example has"),
    ("aws_dlm_lifecycle_policy.policy_details.action.*", "of policies that wait for events alone"),
    ("aws_dlm_lifecycle_policy.policy_details.event_source.*", "of policies that wait for events alone"),
    ("aws_dlm_lifecycle_policy.policy_details.parameters.no_reboot", "of images alone"),
    ("aws_dlm_lifecycle_policy.policy_details.policy_type", "the example makes snapshots"),
    ("aws_dlm_lifecycle_policy.policy_details.resource_locations", "others than the cloud need an Outpost or a local zone"),
    ("aws_dlm_lifecycle_policy.policy_details.schedule.cross_region_copy_rule.cmk_arn", "the example's copies have the account's own key"),
    ("aws_dlm_lifecycle_policy.policy_details.schedule.cross_region_copy_rule.deprecate_rule.*", "of images alone"),
    ("aws_dlm_lifecycle_policy.policy_details.schedule.deprecate_rule.*", "of images alone"),
    ("aws_dlm_lifecycle_policy.policy_details.schedule.fast_restore_rule.count", "excludes the age that the example has"),
    ("aws_eip.network_interface", "excludes the instance that the example has"),
    ("aws_launch_template.block_device_mappings.ebs.*", "the example's disks need none of it"),
    ("aws_launch_template.block_device_mappings.no_device", "the example leaves out no device"),
    (
        "aws_launch_template.capacity_reservation_specification.capacity_reservation_target.*",
        "excludes the preference that the example has",
    ),
    ("aws_launch_template.cpu_options.amd_sev_snp", "of few types alone"),
    ("aws_launch_template.elastic_gpu_specifications.*", "AWS has none of these any more"),
    ("aws_launch_template.elastic_inference_accelerator.*", "AWS has none of these any more"),
    ("aws_launch_template.enclave_options.enabled", "excludes hibernation"),
    ("aws_launch_template.hibernation_options.configured", "excludes enclaves"),
    ("aws_launch_template.iam_instance_profile.arn", "excludes the name that the example has"),
    ("aws_launch_template.instance_market_options.spot_options.*", "of persistent requests, and of times that AWS has no more"),
    ("aws_launch_template.instance_requirements.*", "the example's hosts need none of it"),
    ("aws_launch_template.kernel_id", "of images for paravirtual machines"),
    ("aws_launch_template.license_specification.*", "there is no type of license configurations yet"),
    ("aws_launch_template.network_interfaces.*", "one interface can't have all of it"),
    ("aws_launch_template.placement.*", "the example's hosts need none of it"),
    ("aws_launch_template.private_dns_name_options.enable_resource_name_dns_aaaa_record", "the example's network has no IPv6"),
    ("aws_launch_template.ram_disk_id", "of images for paravirtual machines"),
    ("aws_launch_template.security_group_names", "excludes the ids that the example has"),
    ("aws_network_interface.enable_primary_ipv6", "the sandbox has none"),
    ("aws_network_interface.ipv4_prefix_count", "the sandbox has no prefixes"),
    ("aws_network_interface.ipv4_prefixes", "the sandbox has no prefixes"),
    ("aws_network_interface.ipv6_address_list_enabled", "excludes the number that the example has"),
    ("aws_network_interface.ipv6_prefix_count", "the sandbox has no prefixes"),
    ("aws_network_interface.ipv6_prefixes", "the sandbox has no prefixes"),
    ("aws_network_interface.private_ip_list_enabled", "excludes the set that the example has"),
    ("aws_route.carrier_gateway_id", "a route has one target"),
    ("aws_route.core_network_arn", "a route has one target"),
    ("aws_route.egress_only_gateway_id", "a route has one target"),
    ("aws_route.local_gateway_id", "a route has one target"),
    ("aws_route.nat_gateway_id", "a route has one target"),
    ("aws_route.transit_gateway_id", "a route has one target"),
    ("aws_route.vpc_endpoint_id", "a route has one target"),
    ("aws_route.vpc_peering_connection_id", "a route has one target"),
    ("aws_route_table.propagating_vgws", "the sandbox has no EnableVgwRoutePropagation"),
    ("aws_route_table.route.*", "a route has one target, and there are no types of the others yet"),
    ("aws_lb.dns_record_client_routing_policy", "of network load balancers alone"),
    ("aws_lb.enable_cross_zone_load_balancing", "an application load balancer always does"),
    ("aws_lb.enforce_security_group_inbound_rules_on_private_link_traffic", "of network load balancers alone"),
    ("aws_lb.subnet_mapping.*", "excludes the subnets that the example has"),
    ("aws_lb_listener.alpn_policy", "of TLS alone"),
    ("aws_lb_listener.default_action.authenticate_cognito.*", "the example's users sign in with OpenID Connect"),
    ("aws_lb_listener.default_action.authenticate_oidc.authentication_request_extra_params", "the example of rules has some"),
    ("aws_lb_listener.default_action.fixed_response.*", "the example forwards"),
    ("aws_lb_listener.default_action.redirect.*", "the example forwards"),
    ("aws_lb_listener.mutual_authentication.*", "the sandbox has no trust stores"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_issuer_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_leaf_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_serial_number_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_subject_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.routing_http_request_x_amzn_mtls_clientcert_validity_header_name", "of mutual authentication alone"),
    ("aws_lb_listener.tcp_idle_timeout_seconds", "of TCP alone"),
    ("aws_lb_listener_rule.action.authenticate_oidc.*", "the example's users sign in with Cognito"),
    ("aws_lb_listener_rule.action.fixed_response.*", "the example redirects"),
    ("aws_lb_listener_rule.action.forward.*", "the example redirects"),
    ("aws_lb_target_group.connection_termination", "of TCP and UDP alone"),
    ("aws_lb_target_group.health_check.enabled", "of Lambda functions alone"),
    ("aws_lb_target_group.lambda_multi_value_headers_enabled", "of Lambda functions alone"),
    ("aws_lb_target_group.preserve_client_ip", "of TCP and UDP alone"),
    ("aws_lb_target_group.proxy_protocol_v2", "of TCP and UDP alone"),
    ("aws_lb_target_group.slow_start", "excludes the algorithm that the example has"),
    ("aws_lb_target_group.target_failover.*", "of gateway load balancers alone"),
    ("aws_lb_target_group.target_health_state.*", "of TCP and TLS alone"),
    ("aws_route53_health_check.child_health_threshold", "of calculated ones alone"),
    ("aws_route53_health_check.child_healthchecks", "of calculated ones alone"),
    ("aws_route53_health_check.cloudwatch_alarm_name", "of those that follow an alarm alone"),
    ("aws_route53_health_check.cloudwatch_alarm_region", "of those that follow an alarm alone"),
    ("aws_route53_health_check.insufficient_data_health_status", "of those that follow an alarm alone"),
    ("aws_route53_record.alias.*", "excludes the values that the example has"),
    ("aws_route53_record.allow_overwrite", "matters at creation alone"),
    ("aws_route53_record.cidr_routing_policy.*", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.failover_routing_policy.*", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.geolocation_routing_policy.*", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.geoproximity_routing_policy.*", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.latency_routing_policy.*", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.multivalue_answer_routing_policy", "a record has one policy, and the example's is by weight"),
    ("aws_route53_record.health_check_id", "the example's is answered whether all is well or not"),
    ("aws_route53_zone.vpc.*", "there is no type of VPCs yet"),
    ("aws_security_group.egress.prefix_list_ids", "there is no type of prefix lists yet"),
    ("aws_security_group.ingress.prefix_list_ids", "there is no type of prefix lists yet"),
    ("aws_sns_topic.archive_policy", "of FIFO topics alone"),
    ("aws_sns_topic.content_based_deduplication", "of FIFO topics alone"),
    ("aws_sns_topic.fifo_throughput_scope", "of FIFO topics alone"),
    ("aws_sns_topic_subscription.delivery_policy", "of HTTP alone, which would have to confirm the subscription"),
    ("aws_sns_topic_subscription.replay_policy", "of FIFO topics alone"),
    ("aws_sns_topic_subscription.subscription_role_arn", "of Firehose alone"),
    ("aws_subnet.customer_owned_ipv4_pool", "of Outposts alone"),
    ("aws_subnet.enable_lni_at_device_index", "of Outposts alone"),
    ("aws_subnet.map_customer_owned_ip_on_launch", "of Outposts alone"),
    ("aws_volume_attachment.skip_destroy", "it would not be gone at the end"),
    ("aws_vpc.enable_dns_support", "the names that the example asks for need it"),
    ("aws_vpc.instance_tenancy", "dedicated hardware can only be given up"),
    ("aws_vpc.ipv6_ipam_pool_id", "there is no type of IPAM pools yet"),
    ("aws_vpc.ipv6_netmask_length", "there is no type of IPAM pools yet"),
    ("aws_vpc_endpoint.auto_accept", "of services of one's own"),
    ("aws_vpc_endpoint.dns_options.*", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_endpoint.ip_address_type", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_endpoint.private_dns_enabled", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_endpoint.security_group_ids", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_endpoint.subnet_configuration.*", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_endpoint.subnet_ids", "of interfaces, and the example's is a gateway"),
    ("aws_vpc_security_group_egress_rule.cidr_ipv4", "one other side excludes another, and the example's is IPv6"),
    ("aws_vpc_security_group_egress_rule.prefix_list_id", "one other side excludes another, and the example's is IPv6"),
    ("aws_vpc_security_group_egress_rule.referenced_security_group_id", "one other side excludes another, and the example's is IPv6"),
    ("aws_vpc_security_group_ingress_rule.cidr_ipv6", "one other side excludes another, and the example's is IPv4"),
    ("aws_vpc_security_group_ingress_rule.prefix_list_id", "one other side excludes another, and the example's is IPv4"),
    ("aws_vpc_security_group_ingress_rule.referenced_security_group_id", "one other side excludes another, and the example's is IPv4"),
    ("aws_instance.associate_public_ip_address", "the sandbox gives a public address at creation alone"),
    ("aws_instance.capacity_reservation_specification.*", "the sandbox has no ModifyInstanceCapacityReservationAttributes"),
    ("aws_instance.disable_api_termination", "it could not be destroyed at the end"),
    ("aws_instance.ebs_block_device.delete_on_termination", "the volume would outlive the example"),
    ("aws_instance.enable_primary_ipv6", "the example's network has no IPv6"),
    ("aws_instance.get_password_data", "of Windows alone"),
    ("aws_instance.ipv6_address_count", "the example's network has no IPv6"),
    ("aws_instance.metadata_options.http_endpoint", "the example keeps the service on"),
    ("aws_instance.metadata_options.http_protocol_ipv6", "the example's network has no IPv6"),
    ("aws_instance.private_dns_name_options.enable_resource_name_dns_aaaa_record", "the example's network has no IPv6"),
    ("aws_instance.root_block_device.volume_type", "the example's disk is of the kind that has most settings"),
    ("aws_instance.secondary_private_ips", "they belong to the network interface"),
    ("aws_instance.user_data_base64", "excludes the user data that the example has"),
    ("aws_instance.user_data_replace_on_change", "the example changes its user data in place"),
    ("aws_instance.volume_tags", "excludes the tags of volumes that the example has"),
];

/// Types that only their own state can tell of: an import is refused in words.
const NOT_IMPORTED: &[&str] =
    &["aws_acm_certificate_validation", "local_file", "local_sensitive_file", "tls_private_key", "tls_self_signed_cert"];

/// Types of which an import tells the value and not what it was made of: Terraform's providers know no more.
const VALUE_ALONE: &[&str] = &["random_id", "random_password", "random_string", "random_uuid", "terraform_data"];

/// What a user gives to `import`: mostly the id.
fn import_id(kind: &str, held: &Instance) -> String {
    let attr = |name: &str| held.attributes.attr(name).as_str().unwrap_or_default().to_owned();
    match kind {
        "random_password" | "random_string" => attr("result"),
        "aws_route" => format!("{}_{}", attr("route_table_id"), attr("destination_cidr_block")),
        "aws_route_table_association" => format!("{}/{}", attr("subnet_id"), attr("route_table_id")),
        "aws_appautoscaling_policy" => {
            format!("{}/{}/{}/{}", attr("service_namespace"), attr("resource_id"), attr("scalable_dimension"), held.id())
        }
        "aws_appautoscaling_target" => format!("{}/{}/{}", attr("service_namespace"), held.id(), attr("scalable_dimension")),
        "aws_autoscaling_policy" => format!("{}/{}", attr("autoscaling_group_name"), held.id()),
        "aws_cloudwatch_log_metric_filter" => format!("{}:{}", attr("log_group_name"), held.id()),
        "aws_cloudwatch_event_target" => format!("{}/{}", attr("rule"), attr("target_id")),
        "random_id" => format!("{},{}", attr("prefix"), held.id()),
        _ => held.id().to_owned(),
    }
}

/// Which attributes that can change in place differ, blocks gone into.
fn compare(attrs: &'static [Attr], before: &[&Value], after: &[&Value], path: &str, seen: &mut Seen) {
    for attr in attrs.iter().filter(|a| !a.computed && !a.force_new && a.name != "tags_all") {
        let name = if path.is_empty() { attr.name.to_owned() } else { format!("{path}.{}", attr.name) };
        let of = |values: &[&Value]| -> Vec<Value> { values.iter().map(|v| v.attr(attr.name).bare_deep()).collect() };
        let (was, is) = (of(before), of(after));
        let items = |values: &[Value]| -> Vec<Value> { values.iter().flat_map(|v| v.items().to_vec()).collect() };
        let nested = match attr.kind {
            Kind::List(Kind::Object(nested)) | Kind::Set(Kind::Object(nested)) => Some(*nested),
            _ => None,
        };
        if let Some(nested) = nested {
            let (was, is) = (items(&was), items(&is));
            compare(nested, &was.iter().collect::<Vec<_>>(), &is.iter().collect::<Vec<_>>(), &name, seen);
            continue;
        }
        let told = |values: Vec<Value>| values.into_iter().filter(|v| !v.is_empty()).collect::<BTreeSet<_>>();
        let list = if told(was) == told(is) { &mut seen.unchanged } else { &mut seen.changed };
        list.insert(name);
    }
}
