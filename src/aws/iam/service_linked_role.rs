//! Roles that a service of AWS has for itself.

use std::time::Duration;

use aws_sdk_iam::types::{DeletionTaskStatusType, Role};

use super::{date, tagged, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::wait::{Seen, until};
use crate::aws::{Aws, each};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Tags};
use crate::words::value::Value;

/// For how long IAM looks whether anything still needs the role.
const LOOKS: Duration = Duration::from_secs(600);

crate::blocks! {
    /// The role that a service of AWS takes for itself. Mostly the service makes it when it is first used.
    pub struct ServiceLinkedRole {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The service, `ecs.amazonaws.com`.
        #[attr(force_new)]
        aws_service_name: String,
        /// When it was made.
        #[attr(computed)]
        create_date: Option<String>,
        /// The end of its name, where the service can have several.
        #[attr(force_new, within(1, 64))]
        custom_suffix: Option<String>,
        /// What it is for.
        #[attr(within(0, 1000))]
        description: Option<String>,
        /// Its name.
        #[attr(computed)]
        name: Option<String>,
        /// Its path.
        #[attr(computed)]
        path: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Its id, which no other role ever has.
        #[attr(computed)]
        unique_id: Option<String>,
    }
}

impl Resource for ServiceLinkedRole {
    const TYPE: &'static str = "aws_iam_service_linked_role";
    const KNOWN_BY: Option<&'static str> = Some("aws_service_name");
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_service_linked_role.example]
aws_service_name = "autoscaling.amazonaws.com"
custom_suffix = "example"
tags = { team = "infra" }
---
[resource.aws_iam_service_linked_role.example]
aws_service_name = "autoscaling.amazonaws.com"
custom_suffix = "example"
description = "what the example's groups may do"
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let service = given.attr("aws_service_name").as_str();
        let wrong = service.filter(|s| !(s.ends_with(".amazonaws.com") || s.ends_with(".amazonaws.com.cn")));
        wrong
            .map(|s| Problem::new("aws_service_name", format!("a service is named like `ecs.amazonaws.com`, not `{s}`")))
            .into_iter()
            .collect()
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let some = |text: &Option<String>| text.clone().filter(|t| !t.is_empty());
        let call = cx.cloud.iam.create_service_linked_role().aws_service_name(&self.aws_service_name);
        let call = call.set_custom_suffix(some(&self.custom_suffix)).set_description(some(&self.description));
        let made = call.send().await.map_err(Failure::from).map_err(|failure| {
            // One that exists is refused as an invalid input.
            if failure.message.contains("has been taken in this account") { failure.because(Cause::Exists) } else { failure }
        })?;
        Ok(made.role.ok_or_else(|| lacking("role"))?.arn)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let path = format!("/aws-service-role/{}/", self.aws_service_name);
        let mut roles = cx.cloud.iam.list_roles().path_prefix(path).into_paginator().items().send();
        while let Some(role) = roles.next().await {
            let role = role.map_err(Failure::from)?;
            if suffix_in(&role.role_name, &self.aws_service_name) == self.custom_suffix.as_deref().filter(|s| !s.is_empty()) {
                return Ok(Some(role.arn));
            }
        }
        Ok(None)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = absent(cx.cloud.iam.get_role().role_name(name_in(&k.id)).send().await.map_err(Failure::from))?;
            Ok(found.and_then(|f| f.role).map(|role| Live { id: k.id.clone(), value: of(role) }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, role, old) = (&cx.cloud.iam, name_in(&live.id), &live.value);
        let about = |r: &Self| r.description.clone().unwrap_or_default();
        if about(self) != about(old) {
            iam.update_role().role_name(role).description(about(self)).send().await?;
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            iam.untag_role().role_name(role).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            iam.tag_role().role_name(role).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let role = name_in(&live.id);
        let task = cx.cloud.iam.delete_service_linked_role().role_name(role).send().await?.deletion_task_id;
        until(&format!("the role {role}"), "deleted", LOOKS, || async {
            let status = cx.cloud.iam.get_service_linked_role_deletion_status().deletion_task_id(&task).send().await?;
            match status.status {
                DeletionTaskStatusType::Succeeded => Ok(Seen::Done(())),
                DeletionTaskStatusType::Failed => {
                    let (why, users) = status.reason.map_or_else(Default::default, |r| (r.reason, r.role_usage_list));
                    let why = why.unwrap_or_else(|| "IAM does not say why".into());
                    let users = users.unwrap_or_default().into_iter().flat_map(|u| u.resources.unwrap_or_default());
                    let users: Vec<String> = users.collect();
                    let failure = Failure::other(format!("IAM does not delete the role {role}: {why}"));
                    Err(if users.is_empty() { failure } else { failure.help(format!("these still need it: {}", users.join(", "))) })
                }
                other => Ok(Seen::Not(other.as_str().to_lowercase())),
            }
        })
        .await
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.contains(":role/aws-service-role/") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of a service-linked role"))
            .help("write it like `arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS`"))
    }
}

fn name_in(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or_default()
}

/// The suffix in the name of a role. Those of Application Auto Scaling have none, but the scaled service's name after the line.
fn suffix_in<'a>(name: &'a str, service: &str) -> Option<&'a str> {
    name.split_once('_').map(|(_, suffix)| suffix).filter(|_| !service.contains(".application-autoscaling."))
}

fn of(role: Role) -> ServiceLinkedRole {
    let service = role.path.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned();
    ServiceLinkedRole {
        create_date: date(&role.create_date),
        custom_suffix: suffix_in(&role.role_name, &service).map(str::to_owned),
        aws_service_name: service,
        description: role.description.filter(|d| !d.is_empty()),
        tags: Tags::new(),
        tags_all: tags(role.tags.as_deref()),
        arn: Some(role.arn),
        name: Some(role.role_name),
        path: Some(role.path),
        unique_id: Some(role.role_id),
    }
}
