//! What listings of many types share: whose a thing is, by its tags, and the tags that a list does not tell.

use std::collections::HashMap;
use std::sync::Arc;

use super::client::Aws;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::Cx;

/// Tags that whoever makes things for others puts on them.
const MADE_BY: &[(&str, &str)] = &[
    ("aws:autoscaling:groupName", "made by an Auto Scaling group"),
    ("aws:backup:source-resource", "made by AWS Backup"),
    ("aws:cloudformation:stack-id", "managed by CloudFormation"),
    ("aws:dlm:lifecycle-policy-id", "made by a lifecycle policy"),
    ("aws:ec2:fleet-id", "made by an EC2 Fleet"),
    ("aws:ec2spot:fleet-request-id", "made by a Spot Fleet"),
    ("aws:eks:cluster-name", "made by EKS"),
    ("aws:elasticmapreduce:job-flow-id", "made by EMR"),
    ("aws:secretsmanager:owningService", "made by an AWS service"),
    ("ebs.csi.aws.com/cluster", "made by Kubernetes"),
    ("eks:cluster-name", "made by EKS"),
    ("eks:nodegroup-name", "made by EKS"),
    ("elasticbeanstalk:environment-id", "made by Elastic Beanstalk"),
    ("elbv2.k8s.aws/cluster", "made by Kubernetes"),
    ("ingress.k8s.aws/cluster", "made by Kubernetes"),
    ("kubernetes.io/created-for/pvc/name", "made by Kubernetes"),
    ("kubernetes.io/service-name", "made by Kubernetes"),
];

/// The kinds of things whose lists tell no tags, as the tagging API has them.
const UNTAGGED: &[&str] = &[
    "acm:certificate",
    "cloudwatch:alarm",
    "ecr:repository",
    "ecs:cluster",
    "ecs:service",
    "ecs:task-definition",
    "elasticloadbalancing:listener",
    "elasticloadbalancing:loadbalancer",
    "elasticloadbalancing:targetgroup",
    "events:rule",
    "kms:key",
    "logs:log-group",
    "s3",
    "sns",
    "ssm:parameter",
];

/// The same by the name that its tags give it, and with what they tell of who made it.
pub fn by_tags<'a>(listed: Listed, tags: impl IntoIterator<Item = (&'a str, &'a str)>) -> Listed {
    tags.into_iter().fold(listed, |listed, (key, value)| match MADE_BY.iter().find(|(tag, _)| *tag == key) {
        Some((_, why)) => listed.noise(true, why),
        None if key == "Name" => listed.named(Some(value)),
        None => listed,
    })
}

/// The same with what tags tell that the tagging API alone knows: one call for a hundred things of all these types. Who may not use
/// it knows less.
pub async fn with_tags(cx: &Cx<'_, Aws>, listed: Vec<Listed>) -> Outcome<Vec<Listed>> {
    if listed.is_empty() {
        return Ok(listed);
    }
    let tags = tags(cx).await?;
    let one = |listed: Listed| {
        let arn = listed.mark.as_ref().filter(|(name, _)| *name == "arn").map_or(listed.id.as_str(), |(_, arn)| arn.as_str());
        let own = tags.get(arn).map(Vec::as_slice).unwrap_or_default().iter().map(|(k, v)| (k.as_str(), v.as_str()));
        by_tags(listed.clone(), own)
    };
    Ok(listed.into_iter().map(one).collect())
}

/// Tags by ARN.
type Tagged = HashMap<String, Vec<(String, String)>>;

async fn tags(cx: &Cx<'_, Aws>) -> Outcome<Arc<Tagged>> {
    let fetch = || async {
        let kinds = UNTAGGED.iter().map(|kind| (*kind).to_owned()).collect();
        let pages = cx.cloud.tagging.get_resources().set_resource_type_filters(Some(kinds)).into_paginator().items().send();
        let found: Vec<_> = match pages.try_collect().await.map_err(Into::into) {
            Err(Failure { cause: Cause::Denied | Cause::Refused, .. }) => vec![],
            other => other?,
        };
        let tags = found.into_iter().filter_map(|m| {
            let tags = m.tags.unwrap_or_default().into_iter().map(|t| (t.key, t.value)).collect();
            Some((m.resource_arn?, tags))
        });
        Ok(tags.collect())
    };
    cx.reads.once("tagging:all", fetch).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_tell_the_name_and_the_maker() {
        let listed = by_tags(Listed::new("i-1"), [("Name", "web"), ("aws:autoscaling:groupName", "fleet"), ("eks:nodegroup-name", "n")]);
        assert_eq!((listed.name.as_str(), listed.noise), ("web", Some("made by an Auto Scaling group")));
        assert_eq!(by_tags(Listed::new("i-1"), [("Name", "")]).name, "i-1");
    }
}
