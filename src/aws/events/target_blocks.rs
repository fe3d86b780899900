//! The blocks of a target, and what EventBridge calls them.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_eventbridge::types::{self as sdk, AssignPublicIp, LaunchType, PlacementConstraintType, PlacementStrategyType, PropagateTags};

use crate::aws::ecs::service::{CapacityProviderStrategy, Network, PlacementConstraint, PlacementStrategy};
use crate::aws::types::Arn;
use crate::words::failure::Outcome;
use crate::words::resource::Tags;

crate::blocks! {
    /// A call to AppSync.
    pub struct AppSync {
        /// The operation, in GraphQL.
        #[attr(within(1, 1_048_576))]
        graphql_operation: Option<String>,
    }

    /// A job of AWS Batch.
    pub struct Batch {
        /// How many jobs an array of them has.
        #[attr(within(2, 10_000))]
        array_size: Option<i64>,
        /// How often it is tried.
        #[attr(within(1, 10))]
        job_attempts: Option<i64>,
        /// What the job is, by name or ARN.
        job_definition: String,
        /// The job's name.
        job_name: String,
    }

    /// Where events go that could not be delivered.
    pub struct DeadLetters {
        /// The queue.
        arn: Option<Arn>,
    }

    /// A task of ECS.
    pub struct Ecs {
        /// On which capacity providers it runs.
        capacity_provider_strategy: BTreeSet<CapacityProviderStrategy>,
        /// Whether ECS tags it with the names of its cluster and service.
        #[attr(default_bool(false))]
        enable_ecs_managed_tags: Option<bool>,
        /// Whether commands can be run in its containers.
        #[attr(default_bool(false))]
        enable_execute_command: Option<bool>,
        /// The group that its tasks are of.
        #[attr(within(1, 255))]
        group: Option<String>,
        /// What it runs on, unless capacity providers say so.
        #[attr(one_of(&["EC2", "FARGATE", "EXTERNAL"]))]
        launch_type: Option<String>,
        /// Its network, where tasks have one of their own (`awsvpc`).
        network_configuration: Option<Network>,
        /// How tasks are laid out over instances.
        #[attr(max_items(5))]
        ordered_placement_strategy: Vec<PlacementStrategy>,
        /// On which instances tasks may run.
        #[attr(max_items(10))]
        placement_constraint: BTreeSet<PlacementConstraint>,
        /// The version of Fargate.
        #[attr(within(0, 1600))]
        platform_version: Option<String>,
        /// Whether tasks get the tags of their definition.
        #[attr(one_of(&["TASK_DEFINITION"]))]
        propagate_tags: Option<String>,
        /// The tags of tasks.
        tags: Tags,
        /// How many tasks.
        #[attr(default_int(1), within(1, 10))]
        task_count: Option<i64>,
        /// What the task is.
        #[attr(refers("aws_ecs_task_definition.arn"))]
        task_definition_arn: Arn,
    }

    /// A request over HTTP.
    pub struct Http {
        /// Headers.
        header_parameters: BTreeMap<String, String>,
        /// What stands for the `*` of the path.
        path_parameter_values: Vec<String>,
        /// The query.
        query_string_parameters: BTreeMap<String, String>,
    }

    /// How what a target is given is made of the event.
    pub struct InputTransformer {
        /// Parts of the event by name, as JSON paths.
        input_paths: BTreeMap<String, String>,
        /// The text that it is given; `<name>` stands for a part.
        #[attr(within(1, 8192))]
        input_template: String,
    }

    /// A stream of Kinesis.
    pub struct Kinesis {
        /// The part of the event that says the shard, as a JSON path.
        #[attr(within(1, 256))]
        partition_key_path: Option<String>,
    }

    /// A statement for Redshift.
    pub struct Redshift {
        /// The database.
        #[attr(within(1, 64))]
        database: String,
        /// The database's user.
        #[attr(within(1, 128))]
        db_user: Option<String>,
        /// The secret with the user's password.
        secrets_manager_arn: Option<Arn>,
        /// The statement.
        #[attr(within(1, 100_000))]
        sql: Option<String>,
        /// The statement's name.
        #[attr(within(1, 500))]
        statement_name: Option<String>,
        /// Whether an event is sent when it is done.
        with_event: Option<bool>,
    }

    /// How delivery is tried again.
    pub struct RetryPolicy {
        /// For how long.
        #[attr(within(60, 86_400))]
        maximum_event_age_in_seconds: Option<i64>,
        /// How often.
        #[attr(within(0, 185))]
        maximum_retry_attempts: Option<i64>,
    }

    /// Instances on which Run Command acts.
    pub struct RunCommand {
        /// `InstanceIds`, or `tag:KEY`.
        #[attr(within(1, 128))]
        key: String,
        /// The ids, or the tag's values.
        #[attr(required)]
        values: Vec<String>,
    }

    /// A pipeline of SageMaker.
    pub struct SageMaker {
        /// What it is given.
        #[attr(max_items(200))]
        pipeline_parameter_list: BTreeSet<PipelineParameter>,
    }

    /// What a pipeline is given.
    pub struct PipelineParameter {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
    }

    /// A queue.
    pub struct Sqs {
        /// The group of messages; of a FIFO queue.
        message_group_id: Option<String>,
    }
}

fn int(n: Option<i64>) -> Option<i32> {
    n.and_then(|n| i32::try_from(n).ok())
}

fn text(t: Option<&str>) -> Option<String> {
    t.filter(|t| !t.is_empty()).map(str::to_owned)
}

impl AppSync {
    pub(super) fn sdk(&self) -> sdk::AppSyncParameters {
        sdk::AppSyncParameters::builder().set_graph_ql_operation(self.graphql_operation.clone()).build()
    }

    pub(super) fn of(found: sdk::AppSyncParameters) -> Self {
        Self { graphql_operation: found.graph_ql_operation }
    }
}

impl Batch {
    pub(super) fn sdk(&self) -> Outcome<sdk::BatchParameters> {
        let array = int(self.array_size).map(|size| sdk::BatchArrayProperties::builder().size(size).build());
        let retry = int(self.job_attempts).map(|attempts| sdk::BatchRetryStrategy::builder().attempts(attempts).build());
        let batch = sdk::BatchParameters::builder().job_definition(&self.job_definition).job_name(&self.job_name);
        Ok(batch.set_array_properties(array).set_retry_strategy(retry).build()?)
    }

    pub(super) fn of(found: sdk::BatchParameters) -> Self {
        Self {
            array_size: found.array_properties.map(|a| a.size.into()),
            job_attempts: found.retry_strategy.map(|r| r.attempts.into()),
            job_definition: found.job_definition,
            job_name: found.job_name,
        }
    }
}

impl DeadLetters {
    pub(super) fn sdk(&self) -> sdk::DeadLetterConfig {
        sdk::DeadLetterConfig::builder().set_arn(self.arn.as_ref().map(|a| a.0.clone())).build()
    }

    pub(super) fn of(found: sdk::DeadLetterConfig) -> Self {
        Self { arn: found.arn.map(Arn) }
    }
}

impl Ecs {
    pub(super) fn sdk(&self) -> Outcome<sdk::EcsParameters> {
        let tags = self.tags.iter().map(|(k, v)| sdk::Tag::builder().key(k).value(v).build()).collect::<Result<Vec<_>, _>>()?;
        let strategy = self.capacity_provider_strategy.iter().map(|s| {
            let item = sdk::CapacityProviderStrategyItem::builder().capacity_provider(&s.capacity_provider);
            item.set_base(int(s.base)).set_weight(int(s.weight)).build()
        });
        let strategy = strategy.collect::<Result<Vec<_>, _>>()?;
        let order = self.ordered_placement_strategy.iter().map(|s| {
            let kind = PlacementStrategyType::from(s.r#type.as_str());
            sdk::PlacementStrategy::builder().r#type(kind).set_field(text(s.field.as_deref())).build()
        });
        let constraints = self.placement_constraint.iter().map(|c| {
            let kind = PlacementConstraintType::from(c.r#type.as_str());
            sdk::PlacementConstraint::builder().r#type(kind).set_expression(text(c.expression.as_deref())).build()
        });
        let (order, constraints): (Vec<_>, Vec<_>) = (order.collect(), constraints.collect());
        let task = sdk::EcsParameters::builder().task_definition_arn(&*self.task_definition_arn).set_task_count(int(self.task_count));
        let task = task.set_launch_type(text(self.launch_type.as_deref()).map(|t| LaunchType::from(t.as_str())));
        let task = task.set_network_configuration(self.network_configuration.as_ref().map(network).transpose()?);
        let task = task.set_platform_version(text(self.platform_version.as_deref())).set_group(text(self.group.as_deref()));
        let task = task.set_capacity_provider_strategy((!strategy.is_empty()).then_some(strategy));
        let task = task.set_placement_strategy((!order.is_empty()).then_some(order));
        let task = task.set_placement_constraints((!constraints.is_empty()).then_some(constraints));
        let task = task.set_enable_ecs_managed_tags(self.enable_ecs_managed_tags).set_enable_execute_command(self.enable_execute_command);
        let task = task.set_propagate_tags(text(self.propagate_tags.as_deref()).map(|p| PropagateTags::from(p.as_str())));
        Ok(task.set_tags((!tags.is_empty()).then_some(tags)).build()?)
    }

    pub(super) fn of(found: sdk::EcsParameters) -> Self {
        let strategy = found.capacity_provider_strategy.unwrap_or_default().into_iter().map(|s| CapacityProviderStrategy {
            base: Some(s.base.into()),
            capacity_provider: s.capacity_provider,
            weight: Some(s.weight.into()),
        });
        let order = found
            .placement_strategy
            .unwrap_or_default()
            .into_iter()
            .map(|s| PlacementStrategy { field: s.field, r#type: s.r#type.map(|t| t.as_str().to_owned()).unwrap_or_default() });
        let constraints = found
            .placement_constraints
            .unwrap_or_default()
            .into_iter()
            .map(|c| PlacementConstraint { expression: c.expression, r#type: c.r#type.map(|t| t.as_str().to_owned()).unwrap_or_default() });
        let vpc = found.network_configuration.and_then(|n| n.awsvpc_configuration);
        Self {
            capacity_provider_strategy: strategy.collect(),
            enable_ecs_managed_tags: Some(found.enable_ecs_managed_tags),
            enable_execute_command: Some(found.enable_execute_command),
            group: text(found.group.as_deref()),
            launch_type: found.launch_type.map(|t| t.as_str().to_owned()),
            network_configuration: vpc.map(|n| Network {
                assign_public_ip: Some(n.assign_public_ip == Some(AssignPublicIp::Enabled)),
                security_groups: n.security_groups.unwrap_or_default().into_iter().collect(),
                subnets: n.subnets.into_iter().collect(),
            }),
            ordered_placement_strategy: order.collect(),
            placement_constraint: constraints.collect(),
            platform_version: text(found.platform_version.as_deref()),
            propagate_tags: found.propagate_tags.map(|p| p.as_str().to_owned()),
            tags: found.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect(),
            task_count: found.task_count.map(i64::from),
            task_definition_arn: Arn(found.task_definition_arn),
        }
    }
}

fn network(network: &Network) -> Outcome<sdk::NetworkConfiguration> {
    let public = if network.assign_public_ip == Some(true) { AssignPublicIp::Enabled } else { AssignPublicIp::Disabled };
    let vpc = sdk::AwsVpcConfiguration::builder().set_subnets(Some(network.subnets.iter().cloned().collect()));
    let groups = (!network.security_groups.is_empty()).then(|| network.security_groups.iter().cloned().collect());
    let vpc = vpc.set_security_groups(groups).assign_public_ip(public).build()?;
    Ok(sdk::NetworkConfiguration::builder().awsvpc_configuration(vpc).build())
}

impl Http {
    pub(super) fn sdk(&self) -> sdk::HttpParameters {
        let map = |map: &BTreeMap<String, String>| (!map.is_empty()).then(|| map.clone().into_iter().collect());
        let http = sdk::HttpParameters::builder().set_header_parameters(map(&self.header_parameters));
        let values = (!self.path_parameter_values.is_empty()).then(|| self.path_parameter_values.clone());
        http.set_path_parameter_values(values).set_query_string_parameters(map(&self.query_string_parameters)).build()
    }

    pub(super) fn of(found: sdk::HttpParameters) -> Self {
        Self {
            header_parameters: found.header_parameters.unwrap_or_default().into_iter().collect(),
            path_parameter_values: found.path_parameter_values.unwrap_or_default(),
            query_string_parameters: found.query_string_parameters.unwrap_or_default().into_iter().collect(),
        }
    }
}

impl InputTransformer {
    pub(super) fn sdk(&self) -> Outcome<sdk::InputTransformer> {
        let paths = (!self.input_paths.is_empty()).then(|| self.input_paths.clone().into_iter().collect());
        Ok(sdk::InputTransformer::builder().set_input_paths_map(paths).input_template(&self.input_template).build()?)
    }

    pub(super) fn of(found: sdk::InputTransformer) -> Self {
        Self { input_paths: found.input_paths_map.unwrap_or_default().into_iter().collect(), input_template: found.input_template }
    }
}

impl Kinesis {
    pub(super) fn sdk(&self) -> Outcome<sdk::KinesisParameters> {
        Ok(sdk::KinesisParameters::builder().set_partition_key_path(self.partition_key_path.clone()).build()?)
    }

    pub(super) fn of(found: sdk::KinesisParameters) -> Self {
        Self { partition_key_path: text(Some(&found.partition_key_path)) }
    }
}

impl Redshift {
    pub(super) fn sdk(&self) -> Outcome<sdk::RedshiftDataParameters> {
        let statement = sdk::RedshiftDataParameters::builder().database(&self.database).set_db_user(self.db_user.clone());
        let statement = statement.set_secret_manager_arn(self.secrets_manager_arn.as_ref().map(|a| a.0.clone()));
        let statement = statement.set_sql(self.sql.clone()).set_statement_name(self.statement_name.clone());
        Ok(statement.set_with_event(self.with_event).build()?)
    }

    pub(super) fn of(found: sdk::RedshiftDataParameters) -> Self {
        Self {
            database: found.database,
            db_user: found.db_user,
            secrets_manager_arn: found.secret_manager_arn.map(Arn),
            sql: found.sql,
            statement_name: found.statement_name,
            with_event: Some(found.with_event),
        }
    }
}

impl RetryPolicy {
    pub(super) fn sdk(&self) -> sdk::RetryPolicy {
        let policy = sdk::RetryPolicy::builder().set_maximum_event_age_in_seconds(int(self.maximum_event_age_in_seconds));
        policy.set_maximum_retry_attempts(int(self.maximum_retry_attempts)).build()
    }

    pub(super) fn of(found: sdk::RetryPolicy) -> Self {
        Self {
            maximum_event_age_in_seconds: found.maximum_event_age_in_seconds.map(i64::from),
            maximum_retry_attempts: found.maximum_retry_attempts.map(i64::from),
        }
    }
}

impl RunCommand {
    pub(super) fn sdk(targets: &[Self]) -> Outcome<Option<sdk::RunCommandParameters>> {
        if targets.is_empty() {
            return Ok(None);
        }
        let one = |t: &Self| sdk::RunCommandTarget::builder().key(&t.key).set_values(Some(t.values.clone())).build();
        let targets = targets.iter().map(one).collect::<Result<_, _>>()?;
        Ok(Some(sdk::RunCommandParameters::builder().set_run_command_targets(Some(targets)).build()?))
    }

    pub(super) fn of(found: sdk::RunCommandTarget) -> Self {
        Self { key: found.key, values: found.values }
    }
}

impl SageMaker {
    pub(super) fn sdk(&self) -> Outcome<sdk::SageMakerPipelineParameters> {
        let one = |p: &PipelineParameter| sdk::SageMakerPipelineParameter::builder().name(&p.name).value(&p.value).build();
        let list = self.pipeline_parameter_list.iter().map(one).collect::<Result<_, _>>()?;
        Ok(sdk::SageMakerPipelineParameters::builder().set_pipeline_parameter_list(Some(list)).build())
    }

    pub(super) fn of(found: sdk::SageMakerPipelineParameters) -> Self {
        let list = found.pipeline_parameter_list.unwrap_or_default().into_iter();
        Self { pipeline_parameter_list: list.map(|p| PipelineParameter { name: p.name, value: p.value }).collect() }
    }
}

impl Sqs {
    pub(super) fn sdk(&self) -> sdk::SqsParameters {
        sdk::SqsParameters::builder().set_message_group_id(self.message_group_id.clone()).build()
    }

    pub(super) fn of(found: sdk::SqsParameters) -> Self {
        Self { message_group_id: found.message_group_id }
    }
}
