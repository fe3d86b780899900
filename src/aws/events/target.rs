//! What EventBridge rules set off.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_eventbridge::types::{self as sdk};

use super::target_blocks::{
    AppSync, Batch, DeadLetters, Ecs, Http, InputTransformer, Kinesis, Redshift, RetryPolicy, RunCommand, SageMaker, Sqs,
};
use super::{DEFAULT, bus, entries};
use crate::aws::error::absent;
use crate::aws::imported::{recall, remember};
use crate::aws::types::Arn;
use crate::aws::{Aws, each, name};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

crate::blocks! {
    /// What a rule sets off: a task, a function, a topic, a queue, a log group...
    pub struct Target {
        /// Settings of a call to AppSync.
        appsync_target: Option<AppSync>,
        /// What is set off: a cluster, a function, a topic, a queue, a log group...
        arn: Arn,
        /// Settings of a job of AWS Batch.
        batch_target: Option<Batch>,
        /// Where events go that could not be delivered.
        dead_letter_config: Option<DeadLetters>,
        /// The task of ECS that is run.
        ecs_target: Option<Ecs>,
        /// The event bus, by name or ARN.
        #[attr(force_new, default_text("default"), within(1, 1600))]
        event_bus_name: Option<String>,
        /// Whether it goes although an AWS service made its rule.
        #[attr(local, default_bool(false))]
        force_destroy: Option<bool>,
        /// Settings of a request over HTTP.
        http_target: Option<Http>,
        /// What it is given in place of the event, JSON.
        #[attr(within(0, 8192), conflicts(&["input_path", "input_transformer"]))]
        input: Option<String>,
        /// The part of the event that it is given, as a JSON path.
        #[attr(within(0, 256), conflicts(&["input", "input_transformer"]))]
        input_path: Option<String>,
        /// How what it is given is made of the event.
        #[attr(conflicts(&["input", "input_path"]))]
        input_transformer: Option<InputTransformer>,
        /// Settings of a stream.
        kinesis_target: Option<Kinesis>,
        /// Settings of a statement for Redshift.
        redshift_target: Option<Redshift>,
        /// How delivery is tried again.
        retry_policy: Option<RetryPolicy>,
        /// The role with which it is set off.
        #[attr(refers("aws_iam_role.arn"))]
        role_arn: Option<Arn>,
        /// The rule, by name.
        #[attr(force_new, within(1, 64), refers("aws_cloudwatch_event_rule.name"))]
        rule: String,
        /// The instances on which Run Command acts.
        #[attr(max_items(5))]
        run_command_targets: Vec<RunCommand>,
        /// Settings of a pipeline of SageMaker.
        sagemaker_pipeline_target: Option<SageMaker>,
        /// Settings of a queue.
        sqs_target: Option<Sqs>,
        /// Its name among the targets of the rule.
        #[attr(chosen, force_new, within(1, 64))]
        target_id: Option<String>,
    }
}

impl Resource for Target {
    const TYPE: &'static str = "aws_cloudwatch_event_target";
    const SCHEMA_VERSION: u64 = 1;
    const KNOWN_BY: Option<&'static str> = Some("target_id");
    const UPSERTS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        // Rules and targets of one bus that change at the same time.
        Retry { operation: "PutTargets", code: "ConcurrentModificationException", message: "", within: Duration::from_secs(60) },
        Retry { operation: "RemoveTargets", code: "ConcurrentModificationException", message: "", within: Duration::from_secs(60) },
        Retry {
            operation: "PutTargets",
            code: "ValidationException",
            message: "cannot be assumed by principal",
            within: Duration::from_secs(120),
        },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_cloudwatch_event_rule.night]
name = "target-example"
schedule_expression = "cron(0 3 * * ? *)"

[resource.aws_cloudwatch_event_target.example]
rule = "${aws_cloudwatch_event_rule.night.name}"
target_id = "drift"
arn = "arn:aws:ecs:us-east-1:123456789012:cluster/main"
role_arn = "arn:aws:iam::123456789012:role/events"
ecs_target = { task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/drift:1", launch_type = "FARGATE", network_configuration = { subnets = ["subnet-1"] } }
---
[resource.aws_cloudwatch_event_rule.night]
name = "target-example"
schedule_expression = "cron(0 3 * * ? *)"

[resource.aws_cloudwatch_event_target.example]
rule = "${aws_cloudwatch_event_rule.night.name}"
target_id = "drift"
arn = "arn:aws:ecs:us-east-1:123456789012:cluster/other"
force_destroy = true
role_arn = "arn:aws:iam::123456789012:role/other"
input_transformer = { input_paths = { time = "$.time" }, input_template = "{ \"at\": <time> }" }
dead_letter_config = { arn = "arn:aws:sqs:us-east-1:123456789012:dead" }
retry_policy = { maximum_event_age_in_seconds = 3600, maximum_retry_attempts = 2 }

[resource.aws_cloudwatch_event_target.example.ecs_target]
task_definition_arn = "arn:aws:ecs:us-east-1:123456789012:task-definition/drift:2"
task_count = 2
platform_version = "1.4.0"
group = "drift"
propagate_tags = "TASK_DEFINITION"
enable_ecs_managed_tags = true
enable_execute_command = true
tags = { team = "infra" }
network_configuration = { subnets = ["subnet-1", "subnet-2"], security_groups = ["sg-1"], assign_public_ip = true }
capacity_provider_strategy = [{ capacity_provider = "FARGATE_SPOT", weight = 2, base = 1 }]
ordered_placement_strategy = [{ type = "spread", field = "instanceId" }]
placement_constraint = [{ type = "memberOf", expression = "attribute:ecs.instance-type =~ t3.*" }]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        if given.attr("input").as_str().is_some_and(|text| !text.is_empty() && serde_json::from_str::<serde_json::Value>(text).is_err()) {
            problems.push(Problem::new("input", "should be JSON; a text of its own stands in quotes: jsonencode(\"...\")"));
        }
        let odd = |c: char| !(c.is_ascii_alphanumeric() || ".-_".contains(c));
        if given.attr("target_id").as_str().is_some_and(|text| text.contains(odd)) {
            problems.push(Problem::new("target_id", "the name of a target has letters, digits, `.`, `-` and `_`"));
        }
        if let Some(ecs) = given.attr("ecs_target").items().first()
            && !ecs.attr("launch_type").is_empty()
            && !ecs.attr("capacity_provider_strategy").items().is_empty()
        {
            problems.push(Problem::new("ecs_target.0.launch_type", "excludes `capacity_provider_strategy`"));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let target = self.named(cx);
        self.put(cx.cloud, &target).await?;
        Ok(id(bus(self.event_bus_name.as_deref()), &self.rule, &target))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let (bus, target) = (bus(self.event_bus_name.as_deref()), self.named(cx));
        if !of_rule(cx.cloud, bus, &self.rule).await?.iter().any(|t| t.id == target) {
            return Ok(None);
        }
        let place = [bus.to_owned(), self.rule.clone(), target.clone()];
        // The id does not tell its parts apart; who reads it next has to know them.
        remember(cx.cloud, Self::TYPE, &id(bus, &self.rule, &target), &place).await.map(Some)
    }

    /// The targets of a rule with one call: a rule has five at most.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let mut rules: BTreeMap<(String, String), Vec<(&Known<Self>, String)>> = BTreeMap::new();
        for k in known {
            if let Some([bus, rule, target]) = place(cx.cloud, k).await {
                rules.entry((bus, rule)).or_default().push((k, target));
            }
        }
        let live = each(&rules, |((bus, rule), asked)| async move {
            let found = of_rule(cx.cloud, bus, rule).await?;
            let live = asked.iter().filter_map(|(k, name)| {
                let target = found.iter().find(|t| t.id == *name)?.clone();
                Some(Live { id: k.id.clone(), value: of(target, bus, rule, k.prior.as_ref()) })
            });
            Ok(Some(live.collect::<Vec<_>>()))
        });
        Ok(live.await?.into_iter().flatten().collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud, live.value.target_id.as_deref().unwrap_or_default()).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let target = &live.value;
        let call = cx.cloud.events.remove_targets().rule(&target.rule).event_bus_name(bus(target.event_bus_name.as_deref()));
        let call = call.set_ids(target.target_id.clone().map(|id| vec![id])).set_force(target.force_destroy.filter(|force| *force));
        let Some(answer) = absent(call.send().await.map_err(Failure::from))? else { return Ok(()) };
        entries("RemoveTargets", answer.failed_entries().iter().map(|e| (e.error_code(), e.error_message())))
    }

    /// `RULE/TARGET`, or `BUS/RULE/TARGET`.
    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let said = given.rsplit_once('/').map(|(rule, target)| (rule.rsplit_once('/').unwrap_or((DEFAULT, rule)), target));
        match said {
            Some(((bus, rule), target)) if ![bus, rule, target].contains(&"") => {
                remember(cx.cloud, Self::TYPE, &id(bus, rule, target), &[bus, rule, target].map(str::to_owned)).await
            }
            _ => Err(Failure::other(format!("`{given}` does not name a target")).help("write it like `RULE/TARGET` or `BUS/RULE/TARGET`")),
        }
    }
}

impl Target {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.target_id.as_deref(), None, cx.token)
    }

    async fn put(&self, aws: &Aws, id: &str) -> Outcome<()> {
        let text = |t: &Option<String>| t.clone().filter(|t| !t.is_empty());
        let target = sdk::Target::builder().id(id).arn(&*self.arn).set_role_arn(self.role_arn.as_ref().map(|r| r.0.clone()));
        let target = target.set_input(text(&self.input)).set_input_path(text(&self.input_path));
        let target = target.set_input_transformer(self.input_transformer.as_ref().map(InputTransformer::sdk).transpose()?);
        let target = target.set_kinesis_parameters(self.kinesis_target.as_ref().map(Kinesis::sdk).transpose()?);
        let target = target.set_run_command_parameters(RunCommand::sdk(&self.run_command_targets)?);
        let target = target.set_ecs_parameters(self.ecs_target.as_ref().map(Ecs::sdk).transpose()?);
        let target = target.set_batch_parameters(self.batch_target.as_ref().map(Batch::sdk).transpose()?);
        let target = target.set_sqs_parameters(self.sqs_target.as_ref().map(Sqs::sdk));
        let target = target.set_http_parameters(self.http_target.as_ref().map(Http::sdk));
        let target = target.set_redshift_data_parameters(self.redshift_target.as_ref().map(Redshift::sdk).transpose()?);
        let target = target.set_sage_maker_pipeline_parameters(self.sagemaker_pipeline_target.as_ref().map(SageMaker::sdk).transpose()?);
        let target = target.set_app_sync_parameters(self.appsync_target.as_ref().map(AppSync::sdk));
        let target = target.set_dead_letter_config(self.dead_letter_config.as_ref().map(DeadLetters::sdk));
        let target = target.set_retry_policy(self.retry_policy.as_ref().map(RetryPolicy::sdk)).build()?;
        let call = aws.events.put_targets().rule(&self.rule).event_bus_name(bus(self.event_bus_name.as_deref()));
        let answer = call.targets(target).send().await?;
        entries("PutTargets", answer.failed_entries().iter().map(|e| (e.error_code(), e.error_message())))
    }
}

/// As Terraform has it.
fn id(bus: &str, rule: &str, target: &str) -> Id {
    if bus == DEFAULT { format!("{rule}-{target}") } else { format!("{bus}-{rule}-{target}") }
}

/// Bus, rule and target. The id alone does not tell them apart.
async fn place(aws: &Aws, known: &Known<Target>) -> Option<[String; 3]> {
    if let Some(prior) = &known.prior {
        let (bus, rule) = (bus(prior.event_bus_name.as_deref()), prior.rule.as_str());
        // What was just made does not know yet which name it was given.
        let target = known.id.strip_prefix(&id(bus, rule, ""))?;
        return Some([bus, rule, target].map(str::to_owned));
    }
    recall(aws, Target::TYPE, &known.id).await?.to_vec().try_into().ok()
}

/// The targets of a rule; none where it does not exist.
async fn of_rule(aws: &Aws, bus: &str, rule: &str) -> Outcome<Vec<sdk::Target>> {
    let (mut found, mut next) = (vec![], None);
    loop {
        let page = aws.events.list_targets_by_rule().rule(rule).event_bus_name(bus).set_next_token(next).send().await;
        let Some(page) = absent(page.map_err(Failure::from))? else { return Ok(found) };
        found.extend(page.targets.unwrap_or_default());
        next = page.next_token;
        if next.is_none() {
            return Ok(found);
        }
    }
}

fn of(target: sdk::Target, bus: &str, rule: &str, prior: Option<&Target>) -> Target {
    let text = |t: Option<String>| t.filter(|t| !t.is_empty());
    let run = target.run_command_parameters.map(|r| r.run_command_targets).unwrap_or_default();
    Target {
        appsync_target: target.app_sync_parameters.map(AppSync::of),
        arn: Arn(target.arn),
        batch_target: target.batch_parameters.map(Batch::of),
        dead_letter_config: target.dead_letter_config.map(DeadLetters::of),
        ecs_target: target.ecs_parameters.map(Ecs::of),
        event_bus_name: Some(bus.to_owned()),
        force_destroy: prior.and_then(|p| p.force_destroy),
        http_target: target.http_parameters.map(Http::of),
        input: text(target.input),
        input_path: text(target.input_path),
        input_transformer: target.input_transformer.map(InputTransformer::of),
        kinesis_target: target.kinesis_parameters.map(Kinesis::of),
        redshift_target: target.redshift_data_parameters.map(Redshift::of),
        retry_policy: target.retry_policy.map(RetryPolicy::of),
        role_arn: text(target.role_arn).map(Arn),
        rule: rule.to_owned(),
        run_command_targets: run.into_iter().map(RunCommand::of).collect(),
        sagemaker_pipeline_target: target.sage_maker_pipeline_parameters.map(SageMaker::of),
        sqs_target: target.sqs_parameters.map(Sqs::of),
        target_id: Some(target.id),
    }
}
