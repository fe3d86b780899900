//! Flow logs.

use std::time::Duration;

use aws_sdk_ec2::types::{
    DestinationFileFormat, DestinationOptionsRequest, FlowLog as Answer, FlowLogsResourceType, LogDestinationType, ResourceType,
    TrafficType,
};

use super::{alike, by, by_id, by_tags, retag, some, tagged, tags, unsuccessful};
use crate::aws::Aws;
use crate::aws::ec2::listing;
use crate::aws::error::lacking;
use crate::aws::types::Arn;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};

crate::text!(
    /// The ARN of a log group, a bucket or a stream; `:*` behind that of a group means nothing.
    pub Target, "ARN", normal_target, |a, b| bare(a) == bare(b)
);

fn normal_target(text: &str) -> Result<String, String> {
    let sound = text.starts_with("arn:") && text.split(':').count() >= 6;
    if sound { Ok(text.to_owned()) } else { Err("an ARN such as `arn:aws:logs:us-east-1:123456789012:log-group:net`".into()) }
}

/// Without what AWS does not take.
fn bare(arn: &str) -> &str {
    arn.strip_suffix(":*").unwrap_or(arn)
}

crate::blocks! {
    /// A record of what goes over the network of a VPC, a subnet or an interface.
    pub struct FlowLog {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The role that delivers to another account.
        #[attr(force_new, refers("aws_iam_role.arn"))]
        deliver_cross_account_role: Option<Arn>,
        /// The form of the files in a bucket.
        destination_options: Option<DestinationOptions>,
        /// The interface.
        #[attr(force_new, refers("aws_network_interface.id"))]
        eni_id: Option<String>,
        /// The role that writes to CloudWatch Logs.
        #[attr(force_new, refers("aws_iam_role.arn"))]
        iam_role_arn: Option<Arn>,
        /// Where it goes: a log group, a bucket or a stream.
        #[attr(chosen, force_new, conflicts(&["log_group_name"]), refers("aws_cloudwatch_log_group.arn"))]
        log_destination: Option<Target>,
        /// What kind of place that is.
        #[attr(force_new, default_text("cloud-watch-logs"), one_of(&["cloud-watch-logs", "s3", "kinesis-data-firehose"]))]
        log_destination_type: Option<String>,
        /// The fields of a line.
        #[attr(chosen, force_new)]
        log_format: Option<String>,
        /// The log group.
        #[attr(chosen, force_new, conflicts(&["log_destination"]), deprecated("log_destination"))]
        log_group_name: Option<String>,
        /// How many seconds a line tells of at most: 60 or 600.
        #[attr(force_new, default_int(600))]
        max_aggregation_interval: Option<i64>,
        /// The subnet.
        #[attr(force_new, refers("aws_subnet.id"))]
        subnet_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// What is recorded: what is let through, what is not, or all.
        #[attr(force_new, one_of(&["ACCEPT", "REJECT", "ALL"]))]
        traffic_type: Option<String>,
        /// The attachment of a transit gateway.
        #[attr(force_new)]
        transit_gateway_attachment_id: Option<String>,
        /// The transit gateway.
        #[attr(force_new)]
        transit_gateway_id: Option<String>,
        /// The VPC.
        #[attr(force_new, refers("aws_vpc.id"))]
        vpc_id: Option<String>,
    }

    /// The form of files.
    pub struct DestinationOptions {
        /// Text or columns.
        #[attr(force_new, default_text("plain-text"), one_of(&["plain-text", "parquet"]))]
        file_format: Option<String>,
        /// Whether folders bear names as Hive wants them.
        #[attr(force_new, default_bool(false))]
        hive_compatible_partitions: Option<bool>,
        /// Whether each hour has a folder.
        #[attr(force_new, default_bool(false))]
        per_hour_partition: Option<bool>,
    }
}

/// What a flow log can be of: the attribute, the word of the call, and how its ids begin.
const SOURCES: [(&str, &str, &str); 5] = [
    ("vpc_id", "VPC", "vpc-"),
    ("subnet_id", "Subnet", "subnet-"),
    ("eni_id", "NetworkInterface", "eni-"),
    ("transit_gateway_attachment_id", "TransitGatewayAttachment", "tgw-attach-"),
    ("transit_gateway_id", "TransitGateway", "tgw-"),
];

impl Resource for FlowLog {
    const TYPE: &'static str = "aws_flow_log";
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const BATCH: usize = 200;
    const GONE: &'static [&'static str] = &["InvalidFlowLogId.NotFound"];
    const RETRY: &'static [Retry] = &[
        Retry {
            operation: "CreateFlowLogs",
            code: "InvalidParameter",
            message: "Unable to assume given IAM role",
            within: Duration::from_secs(120),
        },
        Retry { operation: "CreateTags", code: "InvalidFlowLogId.NotFound", message: "", within: Duration::from_secs(300) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_cloudwatch_log_group.flows]
name = "flows"

[resource.aws_iam_role.flows]
name = "flows"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"vpc-flow-logs.amazonaws.com"}}]}'

[resource.aws_flow_log.example]
vpc_id = "${aws_vpc.net.id}"
traffic_type = "ALL"
iam_role_arn = "${aws_iam_role.flows.arn}"
log_destination = "${aws_cloudwatch_log_group.flows.arn}"
tags = { Name = "flows" }
---
[resource.aws_vpc.net]
cidr_block = "10.0.0.0/16"

[resource.aws_cloudwatch_log_group.flows]
name = "flows"

[resource.aws_iam_role.flows]
name = "flows"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"vpc-flow-logs.amazonaws.com"}}]}'

[resource.aws_flow_log.example]
vpc_id = "${aws_vpc.net.id}"
traffic_type = "ALL"
iam_role_arn = "${aws_iam_role.flows.arn}"
log_destination = "${aws_cloudwatch_log_group.flows.arn}:*"
tags = { Name = "traffic", team = "infra" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let Some((kind, of)) = self.source() else { return Err(Failure::other("a flow log needs something to be of, such as `vpc_id`")) };
        let call = cx.cloud.ec2.create_flow_logs().client_token(cx.token).resource_ids(of).resource_type(FlowLogsResourceType::from(kind));
        let call = call.set_traffic_type(self.traffic_type.as_deref().map(TrafficType::from));
        let call = call.set_log_destination_type(self.log_destination_type.as_deref().map(LogDestinationType::from));
        let call = call.set_log_destination(self.log_destination.as_deref().and_then(|arn| some(Some(bare(arn)))));
        let group = some(self.log_group_name.as_deref()).filter(|_| self.log_destination.is_none());
        let call = call.set_log_group_name(group).set_log_format(some(self.log_format.as_deref()));
        let call = call.set_deliver_logs_permission_arn(self.iam_role_arn.as_deref().and_then(|arn| some(Some(arn))));
        let call = call.set_deliver_cross_account_role(self.deliver_cross_account_role.as_deref().and_then(|arn| some(Some(arn))));
        let call = call.set_max_aggregation_interval(self.max_aggregation_interval.and_then(|n| i32::try_from(n).ok()));
        let call = call.set_destination_options(self.destination_options.as_ref().map(|options| {
            let call = DestinationOptionsRequest::builder().set_hive_compatible_partitions(options.hive_compatible_partitions);
            let call = call.set_per_hour_partition(options.per_hour_partition);
            call.set_file_format(options.file_format.as_deref().map(DestinationFileFormat::from)).build()
        }));
        let made = call.set_tag_specifications(tagged(ResourceType::VpcFlowLog, &self.tags_all)).send().await?;
        unsuccessful("CreateFlowLogs", made.unsuccessful())?;
        made.flow_log_ids.unwrap_or_default().into_iter().next().ok_or_else(|| lacking("flow log id"))
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.ec2.describe_flow_logs().set_filter(Some(by_tags(&self.tags_all))).send().await?;
        let twin = |log: &Answer| alike(cx.cloud, log.tags(), &self.tags_all);
        Ok(found.flow_logs.unwrap_or_default().into_iter().find(twin).and_then(|log| log.flow_log_id))
    }

    /// By what it is of and where it goes.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        let Some((_, of)) = self.source() else { return Ok(vec![]) };
        let found = cx.cloud.ec2.describe_flow_logs().filter(by("resource-id", [of])).send().await?;
        let same = |log: &Answer| match &self.log_destination {
            Some(wanted) => log.log_destination().is_some_and(|has| bare(has) == bare(wanted)),
            None => some(self.log_group_name.as_deref()).as_deref() == log.log_group_name(),
        };
        Ok(found.flow_logs.unwrap_or_default().into_iter().filter(same).filter_map(|log| log.flow_log_id).collect())
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_flow_logs().into_paginator().items().send().try_collect().await?;
        Ok(Some(found.iter().filter_map(|l| listing::listed(l.flow_log_id(), l.tags())).collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let call = cx.cloud.ec2.describe_flow_logs().filter(by_id("flow-log-id", known));
        let found: Vec<Answer> = call.into_paginator().items().send().try_collect().await?;
        let account = cx.cloud.account().await?;
        let live = found.iter().filter_map(|answer| {
            let known = known.iter().find(|k| Some(k.id.as_str()) == answer.flow_log_id())?;
            Some(Live { id: known.id.clone(), value: flow_log(cx.cloud, &account, answer, known.prior.as_ref()) })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        retag(cx.cloud, &live.id, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let answer = cx.cloud.ec2.delete_flow_logs().flow_log_ids(&live.id).send().await?;
        unsuccessful("DeleteFlowLogs", answer.unsuccessful())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("fl-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a flow log")).help("give an id such as `fl-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let absent = |name: &str| given.attr(name).is_empty();
        let mut problems = vec![];
        let mut wrong = |name: &str, why: &str| problems.push(Problem::new(name, why));
        let of: Vec<&str> = SOURCES.iter().map(|(name, ..)| *name).filter(|name| !absent(name)).collect();
        match of.as_slice() {
            [] => wrong("", "what it is of is missing: give `vpc_id`, `subnet_id`, `eni_id` or that of a transit gateway"),
            [_] => {}
            [_, second, ..] => wrong(second, "a flow log is of one thing"),
        }
        let transit = of.iter().any(|name| name.starts_with("transit"));
        if transit && !absent("traffic_type") {
            wrong("traffic_type", "all traffic of a transit gateway is recorded: leave this out");
        } else if !transit && !of.is_empty() && given.attr("traffic_type").is_null() {
            wrong("traffic_type", "say what is recorded: `ACCEPT`, `REJECT` or `ALL`");
        }
        let interval = given.attr("max_aggregation_interval").as_number().and_then(|n| n.as_i64());
        if interval.is_some_and(|n| n != 60 && n != 600) {
            wrong("max_aggregation_interval", "a line tells of 60 or of 600 seconds");
        }
        if transit && interval != Some(60) && !given.attr("max_aggregation_interval").is_unknown() {
            wrong("max_aggregation_interval", "of a transit gateway a line tells of 60 seconds");
        }
        if absent("log_destination") && absent("log_group_name") {
            wrong("log_destination", "where it goes is missing");
        }
        let kind = given.attr("log_destination_type");
        if (kind.is_null() || kind.as_str() == Some("cloud-watch-logs")) && given.attr("iam_role_arn").is_null() {
            wrong("iam_role_arn", "CloudWatch Logs needs a role that may write there");
        }
        if kind.as_str() == Some("s3") && !absent("iam_role_arn") {
            wrong("iam_role_arn", "a bucket takes no role: its policy lets the service write");
        }
        problems
    }
}

impl FlowLog {
    fn source(&self) -> Option<(&'static str, &str)> {
        let given = [&self.vpc_id, &self.subnet_id, &self.eni_id, &self.transit_gateway_attachment_id, &self.transit_gateway_id];
        let mut pairs = SOURCES.iter().zip(given);
        pairs.find_map(|((_, kind, _), id)| id.as_deref().filter(|id| !id.is_empty()).map(|id| (*kind, id)))
    }
}

fn flow_log(aws: &Aws, account: &str, answer: &Answer, prior: Option<&FlowLog>) -> FlowLog {
    let (id, of) = (answer.flow_log_id().unwrap_or_default(), answer.resource_id().unwrap_or_default());
    let kind = SOURCES.iter().find(|(_, _, begins)| of.starts_with(begins)).map_or("", |(name, ..)| *name);
    let is = |name: &str| (kind == name).then(|| of.to_owned());
    // Old ones tell the group's name alone.
    let group = some(answer.log_group_name());
    let region = &aws.region;
    let of_group = || group.as_ref().map(|group| format!("arn:{}:logs:{region}:{account}:log-group:{group}", aws.partition()));
    let plain = DestinationOptions {
        file_format: Some("plain-text".into()),
        hive_compatible_partitions: Some(false),
        per_hour_partition: Some(false),
    };
    let options = answer.destination_options().map(|options| DestinationOptions {
        file_format: options.file_format().map(|f| f.as_str().to_owned()),
        hive_compatible_partitions: options.hive_compatible_partitions(),
        per_hour_partition: options.per_hour_partition(),
    });
    // What nobody asks for is told as if somebody had.
    let asked = prior.is_some_and(|p| p.destination_options.is_some());
    FlowLog {
        arn: Some(format!("arn:{}:ec2:{region}:{account}:vpc-flow-log/{id}", aws.partition())),
        deliver_cross_account_role: some(answer.deliver_cross_account_role()).map(Arn),
        destination_options: options.filter(|options| asked || *options != plain),
        eni_id: is("eni_id"),
        iam_role_arn: some(answer.deliver_logs_permission_arn()).map(Arn),
        log_destination: some(answer.log_destination()).or_else(of_group).map(Target),
        log_destination_type: answer.log_destination_type().map(|t| t.as_str().to_owned()),
        log_format: some(answer.log_format()),
        log_group_name: group,
        max_aggregation_interval: answer.max_aggregation_interval().map(i64::from),
        subnet_id: is("subnet_id"),
        tags: Tags::new(),
        tags_all: tags(answer.tags.as_deref()),
        traffic_type: answer.traffic_type().map(|t| t.as_str().to_owned()),
        transit_gateway_attachment_id: is("transit_gateway_attachment_id"),
        transit_gateway_id: is("transit_gateway_id"),
        vpc_id: is("vpc_id"),
    }
}
