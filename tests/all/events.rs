//! Rules of EventBridge, and the kinds of targets that no example has.

use ferroform::engine::plan::Purpose;

use crate::support::bench::{Bench, acts, drifts};
use crate::support::sandbox::cloud;

const STACK: &str = r#"
[resource.aws_cloudwatch_event_rule.changes]
name_prefix = "changes-"
event_pattern = '{ "source": ["aws.ec2"] }'
is_enabled = false

[resource.aws_cloudwatch_event_rule.night]
schedule_expression = "rate(1 day)"

[resource.aws_cloudwatch_event_target.topic]
rule = "${aws_cloudwatch_event_rule.changes.name}"
arn = "arn:aws:sns:us-east-1:123456789012:alerts"
input = '{"text": "changed"}'

[resource.aws_cloudwatch_event_target.logs]
rule = "${aws_cloudwatch_event_rule.changes.name}"
arn = "arn:aws:logs:us-east-1:123456789012:log-group:/events"
input_path = "$.detail"

[resource.aws_cloudwatch_event_target.queue]
rule = "${aws_cloudwatch_event_rule.changes.name}"
arn = "arn:aws:sqs:us-east-1:123456789012:changes.fifo"
sqs_target = { message_group_id = "one" }

[resource.aws_cloudwatch_event_target.stream]
rule = "${aws_cloudwatch_event_rule.changes.name}"
arn = "arn:aws:kinesis:us-east-1:123456789012:stream/changes"
role_arn = "arn:aws:iam::123456789012:role/events"
kinesis_target = { partition_key_path = "$.id" }

[resource.aws_cloudwatch_event_target.http]
rule = "${aws_cloudwatch_event_rule.changes.name}"
arn = "arn:aws:events:us-east-1:123456789012:api-destination/hook/1"
http_target = { header_parameters = { A = "b" }, query_string_parameters = { c = "d" }, path_parameter_values = ["e"] }

[resource.aws_cloudwatch_event_target.job]
rule = "${aws_cloudwatch_event_rule.night.name}"
arn = "arn:aws:batch:us-east-1:123456789012:job-queue/night"
batch_target = { job_definition = "job", job_name = "night", array_size = 2, job_attempts = 3 }

[resource.aws_cloudwatch_event_target.statement]
rule = "${aws_cloudwatch_event_rule.night.name}"
arn = "arn:aws:redshift:us-east-1:123456789012:cluster:main"
redshift_target = { database = "main", db_user = "me", sql = "select 1", statement_name = "one", with_event = true }

[resource.aws_cloudwatch_event_target.command]
rule = "${aws_cloudwatch_event_rule.night.name}"
arn = "arn:aws:ssm:us-east-1::document/AWS-RunShellScript"
run_command_targets = [{ key = "tag:Name", values = ["web"] }]

[resource.aws_cloudwatch_event_target.pipeline]
rule = "${aws_cloudwatch_event_rule.night.name}"
arn = "arn:aws:sagemaker:us-east-1:123456789012:pipeline/train"
sagemaker_pipeline_target = { pipeline_parameter_list = [{ name = "a", value = "b" }] }

[resource.aws_cloudwatch_event_target.graph]
rule = "${aws_cloudwatch_event_rule.night.name}"
arn = "arn:aws:appsync:us-east-1:123456789012:endpoints/graphql-api/abc"
appsync_target = { graphql_operation = "mutation { a }" }
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_kinds_of_targets_come_and_go() {
    let mut bench = Bench::new(&cloud());
    let open = bench.open(STACK).unwrap();
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    bench.apply(&open, &plan).await.unwrap();
    let before = bench.calls();
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    assert_eq!((acts(&plan), drifts(&plan)), (vec![], vec![]));
    println!("12 rules and targets read with {} calls", bench.calls() - before);
    assert!(bench.calls() - before <= 5, "{:?}", bench.counts());
    // The new word in place of the old one is no change, and what it says is done.
    let on = STACK.replace("is_enabled = false", "state = \"DISABLED\"");
    let open = bench.open(&on).unwrap();
    assert_eq!(acts(&bench.plan(&open, Purpose::Apply).await.unwrap()), Vec::<String>::new());
    let open = bench.open(&STACK.replace("is_enabled = false\n", "")).unwrap();
    let plan = bench.plan(&open, Purpose::Apply).await.unwrap();
    assert!(acts(&plan).len() == 1 && plan.changes.iter().any(|c| c.changed.contains(&"state".to_owned())), "{:?}", acts(&plan));
    bench.apply(&open, &plan).await.unwrap();
    let plan = bench.plan(&open, Purpose::Destroy).await.unwrap();
    bench.apply(&open, &plan).await.unwrap();
    assert_eq!(bench.resources().count(), 0);
}

#[tokio::test]
async fn what_eventbridge_would_refuse_is_refused_before() {
    let bench = Bench::new(&cloud());
    for (wrong, why) in [
        ("[resource.aws_cloudwatch_event_rule.r]\nname = \"r\"\n", "needs an `event_pattern`"),
        ("[resource.aws_cloudwatch_event_rule.r]\nschedule_expression = \"every 5 minutes\"\n", "rate(5 minutes)"),
        (
            "[resource.aws_cloudwatch_event_rule.r]\nschedule_expression = \"rate(1 day)\"\nevent_bus_name = \"b\"\n",
            "only the bus `default`",
        ),
        (
            "[resource.aws_cloudwatch_event_target.t]\nrule = \"r\"\narn = \"arn:aws:sns:us-east-1:1:t\"\ninput = \"text\"\n",
            "should be JSON",
        ),
    ] {
        let open = bench.open(wrong).unwrap();
        let said = bench.plan(&open, Purpose::Apply).await.err().unwrap_or_default();
        assert!(said.contains(why), "{wrong}: {said}");
    }
}

#[test]
fn the_example_that_looks_for_drift_on_a_schedule_lives() {
    let site = crate::drift::Site::with(include_str!("../../examples/drift/ecs/stack.toml"));
    let of = |kind: &str| format!("arn:aws:secretsmanager:us-east-1:{}:secret:{kind}-AbCdEf", site.cloud.account);
    let secret = format!("slack_secret_arn={}", of("slack"));
    let given = [
        "--var",
        r#"subnet_ids=["subnet-0123456789abcdef0"]"#,
        "--var",
        r#"security_group_ids=["sg-0123456789abcdef0"]"#,
        "--var",
        &secret,
    ];
    let run = |words: &[&str]| site.good(&[words, &given[..]].concat());
    run(&["apply", "web", "--auto-approve"]);
    let plan = run(&["plan", "web", "--detailed-exitcode"]);
    assert!(plan.out.contains("No changes"), "{}", plan.out);
    run(&["destroy", "web", "--auto-approve"]);
}
