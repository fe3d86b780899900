//! Log groups.

use std::collections::HashMap;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::types::LogGroup as Group;

use crate::aws::error::absent;
use crate::aws::tags::{delta, of_arns};
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing, name};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

/// The days that CloudWatch Logs can keep events for; 0 stands for ever.
const DAYS: &[i64] = &[0, 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653];
/// How many groups one call describes.
const PAGE: usize = 50;

crate::blocks! {
    /// Where log events are kept.
    pub struct LogGroup {
        /// Its ARN, without `:*` at the end.
        #[attr(computed)]
        arn: Option<String>,
        /// The KMS key that its events are encrypted with.
        kms_key_id: Option<Arn>,
        /// What it can do and costs.
        #[attr(chosen, force_new, one_of(&["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"]))]
        log_group_class: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 512), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 486), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// For how many days events are kept; 0 for ever.
        #[attr(default_int(0))]
        retention_in_days: Option<i64>,
        /// Leave it there when it is removed from the stack.
        #[attr(local, default_bool(false))]
        skip_destroy: Option<bool>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

/// Another change of the same group is under way.
const fn aborted(operation: &'static str) -> Retry {
    Retry { operation, code: "OperationAbortedException", message: "", within: Duration::from_secs(60) }
}

impl Resource for LogGroup {
    const TYPE: &'static str = "aws_cloudwatch_log_group";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        aborted("CreateLogGroup"),
        aborted("PutRetentionPolicy"),
        aborted("DeleteRetentionPolicy"),
        aborted("AssociateKmsKey"),
        aborted("DisassociateKmsKey"),
        aborted("DeleteLogGroup"),
        // The caller's right may depend on tags of the group, which IAM learns of late.
        Retry {
            operation: "PutRetentionPolicy",
            code: "AccessDeniedException",
            message: "no identity-based policy allows the logs:PutRetentionPolicy action",
            within: Duration::from_secs(60),
        },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_cloudwatch_log_group.example]
name = "/app/example"
retention_in_days = 7
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
tags = { team = "infra" }
---
[resource.aws_cloudwatch_log_group.example]
name = "/app/example"
retention_in_days = 30
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let days = given.attr("retention_in_days").as_number().and_then(|n| n.as_i64());
        match days.filter(|d| !DAYS.contains(d)) {
            Some(days) => {
                let near = DAYS.iter().min_by_key(|d| d.abs_diff(days)).copied().unwrap_or_default();
                let message = format!("logs can't be kept for {days} days; the nearest that CloudWatch Logs offers is {near}");
                vec![Problem::new("retention_in_days", message)]
            }
            None => vec![],
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        let call = cx.cloud.logs.create_log_group().log_group_name(&name).set_kms_key_id(self.key().map(str::to_owned));
        let call = call.set_log_group_class(self.log_group_class.as_deref().filter(|c| !c.is_empty()).map(Into::into));
        call.set_tags(tagged(&self.tags_all)).send().await?;
        Ok(name)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let name = self.named(cx);
        Ok(described(cx.cloud, std::slice::from_ref(&name)).await?.contains_key(&name).then_some(name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.logs.describe_log_groups().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|g| Some(Listed::new(g.log_group_name()?).marked("arn", arn(g))));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let names: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let mut groups = described(cx.cloud, &names).await?;
        let arns: Vec<String> = groups.values().filter_map(arn).collect();
        let mut tags = of_arns(cx, &arns, |arn| async move {
            let found = cx.cloud.logs.list_tags_for_resource().resource_arn(arn).send().await.map_err(Into::into);
            Ok(absent(found)?.and_then(|f| f.tags).unwrap_or_default().into_iter().collect())
        })
        .await?;
        let live = known.iter().filter_map(|k| {
            let group = groups.remove(&k.id)?;
            let arn = arn(&group);
            let mut tags: Tags = arn.as_ref().and_then(|arn| tags.remove(arn)).unwrap_or_default();
            tags.retain(|key, _| !key.starts_with("aws:"));
            let value = Self {
                log_group_class: Some(group.log_group_class().map_or("STANDARD", |c| c.as_str()).to_owned()),
                kms_key_id: group.kms_key_id.map(Into::into),
                name_prefix: name::prefix_of(&k.id),
                name: Some(k.id.clone()),
                retention_in_days: Some(group.retention_in_days.map_or(0, i64::from)),
                skip_destroy: k.prior.as_ref().and_then(|p| p.skip_destroy),
                tags: Tags::new(),
                tags_all: tags,
                arn,
            };
            Some(Live { id: k.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (logs, group, old) = (&cx.cloud.logs, live.id.as_str(), &live.value);
        match self.days() {
            same if same == old.days() => {}
            0 => drop(logs.delete_retention_policy().log_group_name(group).send().await?),
            days => {
                let days = i32::try_from(days).unwrap_or(i32::MAX);
                logs.put_retention_policy().log_group_name(group).retention_in_days(days).send().await?;
            }
        }
        match self.key() {
            same if same == old.key() => {}
            Some(key) => drop(logs.associate_kms_key().log_group_name(group).kms_key_id(key).send().await?),
            None => drop(logs.disassociate_kms_key().log_group_name(group).send().await?),
        }
        let Some(arn) = &old.arn else { return Ok(()) };
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            logs.untag_resource().resource_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set) {
            logs.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if live.value.skip_destroy != Some(true) {
            cx.cloud.logs.delete_log_group().log_group_name(&live.id).send().await?;
        }
        Ok(())
    }
}

impl LogGroup {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }

    fn key(&self) -> Option<&str> {
        self.kms_key_id.as_deref().filter(|k| !k.is_empty())
    }

    /// How long events are kept; the class `DELIVERY` has its own time, whatever is asked for.
    fn days(&self) -> i64 {
        if self.log_group_class.as_deref() == Some("DELIVERY") { 0 } else { self.retention_in_days.unwrap_or(0) }
    }
}

/// Tags for a call; none rather than an empty map.
fn tagged(tags: &Tags) -> Option<HashMap<String, String>> {
    (!tags.is_empty()).then(|| tags.clone().into_iter().collect())
}

/// The ARN as policies and tags have it.
fn arn(group: &Group) -> Option<String> {
    let arn = group.log_group_arn().or(group.arn())?;
    Some(arn.strip_suffix(":*").unwrap_or(arn).to_owned())
}

/// Those of the groups that exist, by name.
async fn described(aws: &Aws, names: &[String]) -> Outcome<HashMap<String, Group>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        match exactly(aws, names).await {
            // One that is missing may fail the call for all.
            Err(failure) if failure.cause == Cause::Gone => each(names, |name| by_prefix(aws, name)).await.map(Some),
            other => other.map(Some),
        }
    });
    Ok(pages.await?.into_iter().flatten().filter_map(|g| Some((g.log_group_name.clone()?, g))).collect())
}

async fn exactly(aws: &Aws, names: &[String]) -> Outcome<Vec<Group>> {
    let mut pages = aws.logs.describe_log_groups().set_log_group_identifiers(Some(names.to_vec())).into_paginator().items().send();
    let mut found = vec![];
    while let Some(group) = pages.next().await {
        let group = group.map_err(Failure::from)?;
        if group.log_group_name().is_some_and(|name| names.iter().any(|n| n == name)) {
            found.push(group);
        }
    }
    Ok(found)
}

/// The group of that name among those whose names begin with it; that is the first, as they come in the order of names.
async fn by_prefix(aws: &Aws, name: &str) -> Outcome<Option<Group>> {
    let found = aws.logs.describe_log_groups().log_group_name_prefix(name).send().await?;
    Ok(found.log_groups.unwrap_or_default().into_iter().find(|g| g.log_group_name() == Some(name)))
}
