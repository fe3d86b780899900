//! SNS topics.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sns::types::Tag;

use super::{Attributes, same};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::{delta, of_arns};
use crate::aws::types::{Arn, JsonText, Policy};
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// Where messages are published, to be sent on to subscribers.
    pub struct Topic {
        /// The role that writes failed deliveries to applications to the logs.
        application_failure_feedback_role_arn: Option<Arn>,
        /// The role that writes deliveries to applications to the logs.
        application_success_feedback_role_arn: Option<Arn>,
        /// The percentage of deliveries to applications that are written to the logs.
        #[attr(within(0, 100))]
        application_success_feedback_sample_rate: Option<i64>,
        /// For how long messages are kept to be replayed; only of a FIFO topic.
        archive_policy: Option<JsonText>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The earliest time that can be replayed from.
        #[attr(computed)]
        beginning_archive_time: Option<String>,
        /// Whether messages of equal content are one; only of a FIFO topic.
        #[attr(default_bool(false))]
        content_based_deduplication: Option<bool>,
        /// How delivery is tried again.
        delivery_policy: Option<JsonText>,
        /// Its name for people, seen in e-mail and SMS.
        display_name: Option<String>,
        /// Whether deduplication and throughput count by topic or by message group; only of a FIFO topic.
        #[attr(chosen, one_of(&["Topic", "MessageGroup"]))]
        fifo_throughput_scope: Option<String>,
        /// Whether messages keep their order and come once; the name ends with `.fifo`.
        #[attr(force_new, default_bool(false))]
        fifo_topic: Option<bool>,
        /// The role that writes failed deliveries to Firehose to the logs.
        firehose_failure_feedback_role_arn: Option<Arn>,
        /// The role that writes deliveries to Firehose to the logs.
        firehose_success_feedback_role_arn: Option<Arn>,
        /// The percentage of deliveries to Firehose that are written to the logs.
        #[attr(within(0, 100))]
        firehose_success_feedback_sample_rate: Option<i64>,
        /// The role that writes failed deliveries over HTTP to the logs.
        http_failure_feedback_role_arn: Option<Arn>,
        /// The role that writes deliveries over HTTP to the logs.
        http_success_feedback_role_arn: Option<Arn>,
        /// The percentage of deliveries over HTTP that are written to the logs.
        #[attr(within(0, 100))]
        http_success_feedback_sample_rate: Option<i64>,
        /// The KMS key that messages are encrypted with.
        kms_master_key_id: Option<String>,
        /// The role that writes failed deliveries to Lambda to the logs.
        lambda_failure_feedback_role_arn: Option<Arn>,
        /// The role that writes deliveries to Lambda to the logs.
        lambda_success_feedback_role_arn: Option<Arn>,
        /// The percentage of deliveries to Lambda that are written to the logs.
        #[attr(within(0, 100))]
        lambda_success_feedback_sample_rate: Option<i64>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 256), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 225), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner: Option<String>,
        /// Who may publish and subscribe.
        #[attr(chosen)]
        policy: Option<Policy>,
        /// The version of the signature of messages.
        #[attr(chosen, within(1, 2))]
        signature_version: Option<i64>,
        /// The role that writes failed deliveries to SQS to the logs.
        sqs_failure_feedback_role_arn: Option<Arn>,
        /// The role that writes deliveries to SQS to the logs.
        sqs_success_feedback_role_arn: Option<Arn>,
        /// The percentage of deliveries to SQS that are written to the logs.
        #[attr(within(0, 100))]
        sqs_success_feedback_sample_rate: Option<i64>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Whether X-Ray traces go through it.
        #[attr(chosen, one_of(&["PassThrough", "Active"]))]
        tracing_config: Option<String>,
    }
}

/// Attributes that are given when the topic is made; the others are set later, one by one.
const AT_CREATION: &[&str] = &[
    "DisplayName",
    "KmsMasterKeyId",
    "FifoTopic",
    "ContentBasedDeduplication",
    "FifoThroughputScope",
    "SignatureVersion",
    "TracingConfig",
];

impl Resource for Topic {
    const TYPE: &'static str = "aws_sns_topic";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const UPSERTS: bool = true;
    // A role or principal that was just made is not known yet, nor are tags that the caller's rights depend on.
    const RETRY: &'static [Retry] = &[
        Retry { operation: "SetTopicAttributes", code: "InvalidParameter", message: "", within: Duration::from_secs(60) },
        Retry {
            operation: "SetTopicAttributes",
            code: "AuthorizationError",
            message: "no identity-based policy allows",
            within: Duration::from_secs(60),
        },
        Retry {
            operation: "SetTopicAttributes",
            code: "AuthorizationError",
            message: "is not authorized to perform",
            within: Duration::from_secs(20),
        },
        Retry { operation: "", code: "ConcurrentAccess", message: "", within: Duration::from_secs(60) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_sns_topic.example]
name = "example"
display_name = "Example"
tags = { team = "infra" }
---
[resource.aws_sns_topic.example]
name = "example"
display_name = "Alerts"
kms_master_key_id = "alias/aws/sns"
delivery_policy = '{"http":{"defaultHealthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3}}}'
policy = '{"Version":"2012-10-17","Statement":[{"Sid":"alarms","Effect":"Allow","Principal":{"Service":"cloudwatch.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}'
application_failure_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
application_success_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
firehose_failure_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
firehose_success_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
http_failure_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
http_success_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
lambda_failure_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
lambda_success_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
sqs_failure_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
sqs_success_feedback_role_arn = "arn:aws:iam::123456789012:role/sns"
application_success_feedback_sample_rate = 50
firehose_success_feedback_sample_rate = 50
http_success_feedback_sample_rate = 50
lambda_success_feedback_sample_rate = 50
sqs_success_feedback_sample_rate = 50
signature_version = 2
tracing_config = "Active"
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems: Vec<_> =
            crate::aws::policy::too_long(given.attr("policy"), "policy", 30 * 1024, "the policy of a topic").into_iter().collect();
        let (fifo, name) = (given.attr("fifo_topic"), given.attr("name"));
        if fifo.is_unknown() || name.is_unknown() {
            return problems;
        }
        let fifo = fifo.as_bool() == Some(true);
        match name.as_str() {
            Some(name) if fifo && !name.ends_with(".fifo") => {
                problems.push(Problem::new("name", "the name of a FIFO topic ends with `.fifo`"));
            }
            Some(name) if !fifo && name.ends_with(".fifo") => {
                problems.push(Problem::new("name", "only the name of a FIFO topic (`fifo_topic = true`) ends with `.fifo`"));
            }
            _ => {}
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let mut given = self.attributes();
        given.retain(|name, value| AT_CREATION.contains(name) && !value.is_empty());
        if self.fifo_topic != Some(true) {
            // Of any other topic SNS refuses even `false`.
            given.retain(|name, _| !["FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope"].contains(name));
        }
        let call = cx.cloud.sns.create_topic().name(self.named(cx)).set_tags(tagged(&self.tags_all)?);
        let given = given.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        call.set_attributes(Some(given)).send().await?.topic_arn.ok_or_else(|| lacking("ARN of the topic"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let arn = cx.cloud.arn("sns", &self.named(cx)).await?;
        Ok(attributes(cx.cloud, &arn).await?.map(|_| arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.sns.list_topics().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|t| Some(Listed::new(t.topic_arn()?).named(t.topic_arn()?.rsplit(':').next())));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let arns: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let topics = each(&arns, |arn| async move { Ok(attributes(cx.cloud, arn).await?.map(|a| (arn.clone(), a))) });
        let tags = of_arns(cx, &arns, |arn| async move {
            let found = absent(cx.cloud.sns.list_tags_for_resource().resource_arn(arn).send().await.map_err(Into::into))?;
            Ok(found.and_then(|f| f.tags).unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect())
        });
        let (topics, mut tags) = futures::try_join!(topics, tags)?;
        let live = topics.into_iter().map(|(arn, attributes)| {
            let mut tags = tags.remove(&arn).unwrap_or_default();
            tags.retain(|key, _| !key.starts_with("aws:"));
            let value = of_attributes(&arn, &attributes, tags);
            Live { id: arn, value }
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (sns, arn) = (&cx.cloud.sns, live.id.as_str());
        let old = live.value.attributes();
        for (name, value) in self.attributes() {
            let same = match name {
                "FifoTopic" => true,
                "Policy" => value.is_empty() || crate::aws::policy::same(&value, &old[name]),
                "ContentBasedDeduplication" if self.fifo_topic != Some(true) => true,
                // AWS chose them, and they can't be taken back.
                "FifoThroughputScope" | "SignatureVersion" | "TracingConfig" if value.is_empty() => true,
                _ => same(&value, &old[name]),
            };
            if !same {
                sns.set_topic_attributes().topic_arn(arn).attribute_name(name).attribute_value(value).send().await?;
            }
        }
        let (gone, set) = delta(&live.value.tags_all, &self.tags_all);
        if !gone.is_empty() {
            sns.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            sns.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let sns = &cx.cloud.sns;
        if live.value.archive_policy.is_some() {
            // SNS does not delete a topic that keeps messages.
            sns.set_topic_attributes().topic_arn(&live.id).attribute_name("ArchivePolicy").attribute_value("{}").send().await?;
        }
        sns.delete_topic().topic_arn(&live.id).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.split(':').count() == 6 {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of a topic"))
            .help("write it like `arn:aws:sns:us-east-1:123456789012:alerts`"))
    }
}

impl Topic {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        let name = name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token);
        if self.fifo_topic == Some(true) && !name.ends_with(".fifo") { format!("{name}.fifo") } else { name }
    }

    /// What SNS calls the attributes, and their values; empty for none.
    fn attributes(&self) -> BTreeMap<&'static str, String> {
        let text = |t: &Option<String>| t.clone().unwrap_or_default();
        let arn = |t: &Option<Arn>| t.as_ref().map(|a| a.0.clone()).unwrap_or_default();
        let json = |t: &Option<JsonText>| t.as_ref().map(|a| a.0.clone()).unwrap_or_default();
        let int = |n: Option<i64>| n.map(|n| n.to_string()).unwrap_or_default();
        let bool = |b: Option<bool>| b.unwrap_or(false).to_string();
        BTreeMap::from([
            ("ApplicationFailureFeedbackRoleArn", arn(&self.application_failure_feedback_role_arn)),
            ("ApplicationSuccessFeedbackRoleArn", arn(&self.application_success_feedback_role_arn)),
            ("ApplicationSuccessFeedbackSampleRate", int(self.application_success_feedback_sample_rate)),
            ("ArchivePolicy", json(&self.archive_policy)),
            ("ContentBasedDeduplication", bool(self.content_based_deduplication)),
            ("DeliveryPolicy", json(&self.delivery_policy)),
            ("DisplayName", text(&self.display_name)),
            ("FifoThroughputScope", text(&self.fifo_throughput_scope)),
            ("FifoTopic", bool(self.fifo_topic)),
            ("FirehoseFailureFeedbackRoleArn", arn(&self.firehose_failure_feedback_role_arn)),
            ("FirehoseSuccessFeedbackRoleArn", arn(&self.firehose_success_feedback_role_arn)),
            ("FirehoseSuccessFeedbackSampleRate", int(self.firehose_success_feedback_sample_rate)),
            ("HTTPFailureFeedbackRoleArn", arn(&self.http_failure_feedback_role_arn)),
            ("HTTPSuccessFeedbackRoleArn", arn(&self.http_success_feedback_role_arn)),
            ("HTTPSuccessFeedbackSampleRate", int(self.http_success_feedback_sample_rate)),
            ("KmsMasterKeyId", text(&self.kms_master_key_id)),
            ("LambdaFailureFeedbackRoleArn", arn(&self.lambda_failure_feedback_role_arn)),
            ("LambdaSuccessFeedbackRoleArn", arn(&self.lambda_success_feedback_role_arn)),
            ("LambdaSuccessFeedbackSampleRate", int(self.lambda_success_feedback_sample_rate)),
            ("Policy", self.policy.as_ref().map(|p| p.0.clone()).unwrap_or_default()),
            ("SQSFailureFeedbackRoleArn", arn(&self.sqs_failure_feedback_role_arn)),
            ("SQSSuccessFeedbackRoleArn", arn(&self.sqs_success_feedback_role_arn)),
            ("SQSSuccessFeedbackSampleRate", int(self.sqs_success_feedback_sample_rate)),
            ("SignatureVersion", int(self.signature_version)),
            ("TracingConfig", text(&self.tracing_config)),
        ])
    }
}

/// Tags for a call; none rather than an empty list.
fn tagged(tags: &Tags) -> Outcome<Option<Vec<Tag>>> {
    let tags: Vec<Tag> = tags.iter().map(|(k, v)| Tag::builder().key(k).value(v).build()).collect::<Result<_, _>>()?;
    Ok((!tags.is_empty()).then_some(tags))
}

async fn attributes(aws: &Aws, arn: &str) -> Outcome<Option<Attributes>> {
    let found = absent(aws.sns.get_topic_attributes().topic_arn(arn).send().await.map_err(Into::into))?;
    Ok(found.map(|f| Attributes(f.attributes.unwrap_or_default())))
}

fn of_attributes(arn: &str, a: &Attributes, tags_all: Tags) -> Topic {
    let role = |name: &str| a.text(name).map(Arn);
    let name = arn.rsplit(':').next().unwrap_or_default();
    Topic {
        application_failure_feedback_role_arn: role("ApplicationFailureFeedbackRoleArn"),
        application_success_feedback_role_arn: role("ApplicationSuccessFeedbackRoleArn"),
        application_success_feedback_sample_rate: a.int("ApplicationSuccessFeedbackSampleRate"),
        archive_policy: a.json("ArchivePolicy"),
        arn: Some(arn.to_owned()),
        beginning_archive_time: a.text("BeginningArchiveTime"),
        content_based_deduplication: Some(a.bool("ContentBasedDeduplication")),
        delivery_policy: a.json("DeliveryPolicy"),
        display_name: a.text("DisplayName"),
        fifo_throughput_scope: a.text("FifoThroughputScope"),
        fifo_topic: Some(a.bool("FifoTopic")),
        firehose_failure_feedback_role_arn: role("FirehoseFailureFeedbackRoleArn"),
        firehose_success_feedback_role_arn: role("FirehoseSuccessFeedbackRoleArn"),
        firehose_success_feedback_sample_rate: a.int("FirehoseSuccessFeedbackSampleRate"),
        http_failure_feedback_role_arn: role("HTTPFailureFeedbackRoleArn"),
        http_success_feedback_role_arn: role("HTTPSuccessFeedbackRoleArn"),
        http_success_feedback_sample_rate: a.int("HTTPSuccessFeedbackSampleRate"),
        kms_master_key_id: a.text("KmsMasterKeyId"),
        lambda_failure_feedback_role_arn: role("LambdaFailureFeedbackRoleArn"),
        lambda_success_feedback_role_arn: role("LambdaSuccessFeedbackRoleArn"),
        lambda_success_feedback_sample_rate: a.int("LambdaSuccessFeedbackSampleRate"),
        name: Some(name.to_owned()),
        name_prefix: name::prefix_of(name.strip_suffix(".fifo").unwrap_or(name)),
        owner: a.text("Owner"),
        policy: a.text("Policy").map(Policy),
        signature_version: a.int("SignatureVersion"),
        sqs_failure_feedback_role_arn: role("SQSFailureFeedbackRoleArn"),
        sqs_success_feedback_role_arn: role("SQSSuccessFeedbackRoleArn"),
        sqs_success_feedback_sample_rate: a.int("SQSSuccessFeedbackSampleRate"),
        tags: Tags::new(),
        tags_all,
        tracing_config: a.text("TracingConfig"),
    }
}
