//! Subscriptions to SNS topics.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Attributes, same};
use crate::aws::error::{absent, lacking};
use crate::aws::types::{Arn, JsonText};
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status};
use crate::words::value::Value;

crate::blocks! {
    /// Sends the messages of a topic on.
    pub struct TopicSubscription {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// For how long the endpoint is waited for to confirm; only of `http` and `https`.
        #[attr(local, default_int(1))]
        confirmation_timeout_in_minutes: Option<i64>,
        /// Whether the confirmation was authenticated.
        #[attr(computed)]
        confirmation_was_authenticated: Option<bool>,
        /// How delivery is tried again; only of `http` and `https`.
        delivery_policy: Option<JsonText>,
        /// Where messages are sent: an ARN, an address, a number or a URL, as the protocol has it.
        #[attr(force_new)]
        endpoint: String,
        /// Whether the endpoint confirms by itself; only of `http` and `https`.
        #[attr(local, default_bool(false))]
        endpoint_auto_confirms: Option<bool>,
        /// Which messages are sent.
        filter_policy: Option<JsonText>,
        /// What the filter looks at.
        #[attr(chosen, one_of(&["MessageAttributes", "MessageBody"]))]
        filter_policy_scope: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Whether the endpoint has yet to confirm.
        #[attr(computed)]
        pending_confirmation: Option<bool>,
        /// How messages are sent.
        #[attr(force_new, one_of(&["application", "email", "email-json", "firehose", "http", "https", "lambda", "sms", "sqs"]))]
        protocol: String,
        /// Whether messages are sent as they are, without a JSON document around them.
        #[attr(default_bool(false))]
        raw_message_delivery: Option<bool>,
        /// Where messages go that can't be delivered.
        redrive_policy: Option<JsonText>,
        /// From when kept messages are sent again; only of a FIFO topic.
        replay_policy: Option<JsonText>,
        /// The role that writes to Firehose.
        subscription_role_arn: Option<Arn>,
        /// The topic.
        #[attr(force_new, refers("aws_sns_topic.arn"))]
        topic_arn: Arn,
    }
}

impl Resource for TopicSubscription {
    const TYPE: &'static str = "aws_sns_topic_subscription";
    const UPSERTS: bool = true;
    const RETRY: &'static [Retry] =
        &[Retry { operation: "Subscribe", code: "NotFound", message: "Topic does not exist", within: Duration::from_secs(20) }];
    const EXAMPLE: &'static str = r#"
[resource.aws_sns_topic.alerts]
name = "alerts"

[resource.aws_sns_topic_subscription.example]
topic_arn = "${aws_sns_topic.alerts.arn}"
protocol = "sqs"
endpoint = "arn:aws:sqs:us-east-1:123456789012:alerts"
---
[resource.aws_sns_topic.alerts]
name = "alerts"

[resource.aws_sns_topic_subscription.example]
topic_arn = "${aws_sns_topic.alerts.arn}"
protocol = "sqs"
endpoint = "arn:aws:sqs:us-east-1:123456789012:alerts"
raw_message_delivery = true
confirmation_timeout_in_minutes = 5
endpoint_auto_confirms = true
filter_policy = '{"severity":["high"]}'
filter_policy_scope = "MessageBody"
redrive_policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:123456789012:dead"}'
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let (protocol, role) = (given.attr("protocol").as_str(), given.attr("subscription_role_arn"));
        if protocol == Some("firehose") && role.is_null() {
            return vec![Problem::new("subscription_role_arn", "SNS writes to Firehose with a role, which is not given")];
        }
        vec![]
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let given = self.attributes().into_iter().filter(|(_, value)| !value.is_empty() && value != "false");
        let given = given.map(|(name, value)| (name.to_owned(), value)).collect();
        let call = cx.cloud.sns.subscribe().topic_arn(&*self.topic_arn).protocol(&self.protocol).endpoint(&self.endpoint);
        // Without it the answer for an endpoint that has yet to confirm is no ARN.
        let call = call.return_subscription_arn(true).set_attributes(Some(given));
        call.send().await?.subscription_arn.ok_or_else(|| lacking("ARN of the subscription"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let mut pages = cx.cloud.sns.list_subscriptions_by_topic().topic_arn(&*self.topic_arn).into_paginator().items().send();
        while let Some(found) = pages.next().await {
            let Some(found) = absent(found.map_err(Into::into))? else { return Ok(None) };
            // Of what is not confirmed the list has no ARN; subscribing again gives it.
            let arn = found.subscription_arn().filter(|arn| arn.starts_with("arn:"));
            if found.protocol() == Some(&self.protocol) && found.endpoint() == Some(&self.endpoint) {
                return Ok(arn.map(str::to_owned));
            }
        }
        Ok(None)
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.sns.list_subscriptions().into_paginator().items().send().try_collect().await?;
        // One that nobody has confirmed has no ARN yet.
        let listed = found.iter().filter(|s| s.subscription_arn().is_some_and(|arn| arn.starts_with("arn:"))).filter_map(|s| {
            let topic = s.topic_arn().and_then(|arn| arn.rsplit(':').next()).unwrap_or_default();
            Some(Listed::new(s.subscription_arn()?).named(Some(&format!("{topic}-{}", s.protocol().unwrap_or_default()))))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = cx.cloud.sns.get_subscription_attributes().subscription_arn(&k.id).send().await;
            let found = absent(found.map_err(Into::into))?;
            let Some(a) = found.map(|f| Attributes(f.attributes.unwrap_or_default())) else { return Ok(None) };
            let prior = k.prior.as_ref();
            let filter = a.json("FilterPolicy");
            let value = Self {
                arn: Some(k.id.clone()),
                confirmation_timeout_in_minutes: prior.and_then(|p| p.confirmation_timeout_in_minutes),
                confirmation_was_authenticated: Some(a.bool("ConfirmationWasAuthenticated")),
                delivery_policy: a.json("DeliveryPolicy"),
                // SNS hides most of a phone number or of a password in a URL.
                endpoint: a.text("Endpoint").filter(|e| !e.contains("****")).or(prior.map(|p| p.endpoint.clone())).unwrap_or_default(),
                endpoint_auto_confirms: prior.and_then(|p| p.endpoint_auto_confirms),
                filter_policy_scope: a.text("FilterPolicyScope").filter(|_| filter.is_some()),
                filter_policy: filter,
                owner_id: a.text("Owner"),
                pending_confirmation: Some(a.bool("PendingConfirmation")),
                protocol: a.text("Protocol").unwrap_or_default(),
                raw_message_delivery: Some(a.bool("RawMessageDelivery")),
                redrive_policy: a.json("RedrivePolicy"),
                replay_policy: a.json("ReplayPolicy"),
                subscription_role_arn: a.text("SubscriptionRoleArn").map(Arn),
                topic_arn: a.text("TopicArn").unwrap_or_default().into(),
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    fn status(live: &Live<Self>) -> Status {
        let confirms = match live.value.protocol.as_str() {
            "email" | "email-json" => false,
            "http" | "https" => live.value.endpoint_auto_confirms == Some(true),
            _ => true,
        };
        if live.value.pending_confirmation == Some(true) && confirms {
            Status::Pending("to be confirmed by the endpoint".into())
        } else {
            Status::Ready
        }
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (want, old) = (self.attributes(), live.value.attributes());
        // A filter on the body is valid only once the scope says so, and one on attributes until it does.
        let body = self.filter_policy_scope.as_deref() == Some("MessageBody");
        let order = |name: &&str| match *name {
            "FilterPolicyScope" if body => 0,
            "FilterPolicyScope" => 2,
            _ => 1,
        };
        let mut names: Vec<&str> = want.keys().copied().filter(|name| !same(&want[name], &old[name])).collect();
        names.sort_by_key(order);
        for name in names {
            let value = match (name, want[name].as_str()) {
                ("FilterPolicyScope", "") => continue,
                ("FilterPolicy", "") => Some("{}"),
                ("RedrivePolicy" | "DeliveryPolicy" | "ReplayPolicy", "") => None,
                (_, value) => Some(value),
            };
            let call = cx.cloud.sns.set_subscription_attributes().subscription_arn(&live.id).attribute_name(name);
            call.set_attribute_value(value.map(str::to_owned)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        match cx.cloud.sns.unsubscribe().subscription_arn(&live.id).send().await.map_err(Failure::from) {
            // SNS forgets it by itself after two days.
            Err(failure) if failure.code == "InvalidParameter" && failure.message.contains("pending confirmation") => Ok(()),
            other => other.map(drop),
        }
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.split(':').count() == 7 {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of a subscription")).help(
            "`aws sns list-subscriptions` lists them: `arn:aws:sns:us-east-1:123456789012:alerts:8a21d249-4329-4871-acc6-7be709c6ea7f`",
        ))
    }
}

impl TopicSubscription {
    /// What SNS calls the attributes, and their values; empty for none.
    fn attributes(&self) -> BTreeMap<&'static str, String> {
        let json = |t: &Option<JsonText>| t.as_ref().map(|t| t.0.clone()).unwrap_or_default();
        BTreeMap::from([
            ("DeliveryPolicy", json(&self.delivery_policy)),
            ("FilterPolicy", json(&self.filter_policy)),
            ("FilterPolicyScope", self.filter_policy_scope.clone().unwrap_or_default()),
            ("RawMessageDelivery", self.raw_message_delivery.unwrap_or(false).to_string()),
            ("RedrivePolicy", json(&self.redrive_policy)),
            ("ReplayPolicy", json(&self.replay_policy)),
            ("SubscriptionRoleArn", self.subscription_role_arn.as_ref().map(|a| a.0.clone()).unwrap_or_default()),
        ])
    }
}
