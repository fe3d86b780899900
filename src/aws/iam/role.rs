//! IAM roles.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{SETTLES, attached, concurrent, date, document, inline, list_attached, list_inline, named, of_role, tagged, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::types::{Arn, Policy};
use crate::aws::{Aws, each, name, policy};
use crate::words::drift::Severity;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A set of permissions that whoever is trusted can take on.
    pub struct Role {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Who may take it on: a trust policy.
        assume_role_policy: Policy,
        /// When it was made.
        #[attr(computed)]
        create_date: Option<String>,
        /// What it is for.
        #[attr(within(0, 1000))]
        description: Option<String>,
        /// Detach all policies before the role is deleted, also those that are not in this stack.
        #[attr(local, default_bool(false))]
        force_detach_policies: Option<bool>,
        /// The only policies of the role's own; one block without attributes means none. Without any block they are left to
        /// `aws_iam_role_policy`.
        #[attr(chosen, deprecated("aws_iam_role_policy"))]
        inline_policy: Option<BTreeSet<InlinePolicy>>,
        /// The only managed policies attached. Left out, they are left to `aws_iam_role_policy_attachment`.
        #[attr(chosen, deprecated("aws_iam_role_policy_attachment"))]
        managed_policy_arns: Option<BTreeSet<Arn>>,
        /// For how many seconds a session with it may last.
        #[attr(default_int(3600), within(3600, 43200))]
        max_session_duration: Option<i64>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 64), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 38), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Its path.
        #[attr(force_new, default_text("/"), within(1, 512))]
        path: Option<String>,
        /// The managed policy that bounds its permissions.
        #[attr(refers("aws_iam_policy.arn"))]
        permissions_boundary: Option<Arn>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The id that no later role of the same name will have.
        #[attr(computed)]
        unique_id: Option<String>,
    }

    /// A policy of a role's own.
    pub struct InlinePolicy {
        /// Its name.
        #[attr(within(1, 128))]
        name: Option<String>,
        /// What it allows.
        policy: Option<Policy>,
    }
}

/// A principal that was just made is not known yet.
const fn unknown_principal(operation: &'static str) -> Retry {
    Retry { operation, code: "MalformedPolicyDocument", message: "Invalid principal in policy", within: SETTLES }
}

impl Resource for Role {
    const TYPE: &'static str = "aws_iam_role";
    const SIGNS: &'static [&'static str] = &["unique_id"];
    const GLOBAL: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("name");
    const RETRY: &'static [Retry] = &[
        unknown_principal("CreateRole"),
        unknown_principal("UpdateAssumeRolePolicy"),
        concurrent("CreateRole"),
        concurrent("AttachRolePolicy"),
        concurrent("DetachRolePolicy"),
        concurrent("DeleteRole"),
        Retry { operation: "UpdateRole", code: "NoSuchEntity", message: "", within: Duration::from_secs(20) },
        Retry { operation: "DeleteRole", code: "DeleteConflict", message: "", within: SETTLES },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_policy.boundary]
name = "role-boundary"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'

[resource.aws_iam_role.example]
name = "example"
path = "/app/"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'
managed_policy_arns = ["arn:aws:iam::aws:policy/ReadOnlyAccess"]
tags = { team = "infra" }

[[resource.aws_iam_role.example.inline_policy]]
name = "list"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}'
---
[resource.aws_iam_policy.boundary]
name = "role-boundary"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'

[resource.aws_iam_role.example]
name = "example"
path = "/app/"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs-tasks.amazonaws.com"}}]}'
description = "what the application may do"
max_session_duration = 7200
permissions_boundary = "${aws_iam_policy.boundary.arn}"
force_detach_policies = true
managed_policy_arns = ["arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"]
tags = { team = "platform", Name = "example" }

[[resource.aws_iam_role.example.inline_policy]]
name = "list"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}'

[[resource.aws_iam_role.example.inline_policy]]
name = "read"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.iam.create_role().role_name(self.named(cx)).assume_role_policy_document(&*self.assume_role_policy);
        let call = call.set_path(self.path.clone()).set_description(self.description.clone().filter(|d| !d.is_empty()));
        let call = call.set_max_session_duration(self.max_session_duration.and_then(|s| i32::try_from(s).ok()));
        let call = call.set_permissions_boundary(self.boundary().map(str::to_owned)).set_tags(tagged(&self.tags_all)?);
        Ok(call.send().await?.role.ok_or_else(|| lacking("role"))?.role_name)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = absent(cx.cloud.iam.get_role().role_name(self.named(cx)).send().await.map_err(Into::into))?;
        Ok(found.and_then(|f| f.role).map(|r| r.role_name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.iam.list_roles().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().map(|r: &aws_sdk_iam::types::Role| {
            let listed = Listed::new(r.role_name()).marked("arn", Some(r.arn()));
            let listed = listed.noise(r.path().starts_with("/aws-service-role/"), "of an AWS service");
            let listed = listed.noise(r.path().starts_with("/aws-reserved/"), "of AWS itself");
            listed.worse(
                Severity::High,
                r.assume_role_policy_document().is_some_and(super::lets_in_anyone).then_some("anyone at all can take it on"),
            )
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = absent(cx.cloud.iam.get_role().role_name(&k.id).send().await.map_err(Into::into))?;
            let Some(role) = found.and_then(|f| f.role) else { return Ok(None) };
            let value = Self {
                create_date: date(&role.create_date),
                assume_role_policy: document(role.assume_role_policy_document().unwrap_or_default())?.into(),
                description: role.description.clone().filter(|d| !d.is_empty()),
                force_detach_policies: k.prior.as_ref().and_then(|p| p.force_detach_policies),
                inline_policy: inline_policies(cx, k).await?,
                managed_policy_arns: managed_policies(cx, k).await?,
                max_session_duration: Some(role.max_session_duration.map_or(3600, i64::from)),
                name_prefix: name::prefix_of(&role.role_name),
                permissions_boundary: role.permissions_boundary().and_then(|b| b.permissions_boundary_arn()).map(Into::into),
                tags: Tags::new(),
                tags_all: tags(role.tags.as_deref()),
                arn: Some(role.arn),
                name: Some(role.role_name),
                path: Some(role.path),
                unique_id: Some(role.role_id),
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    fn check(given: &Value) -> Vec<Problem> {
        // Half of it where nobody raised the quota.
        let trust = policy::too_long(given.attr("assume_role_policy"), "assume_role_policy", 4096, "a trust policy");
        let own: String = given.attr("inline_policy").items().iter().filter_map(|p| p.attr("policy").as_str()).collect();
        let own = policy::too_long(&Value::from(own), "inline_policy", policy::INLINE, "the policies of a role's own");
        trust.into_iter().chain(own).collect()
    }

    fn status(live: &Live<Self>) -> Status {
        if named(live.value.arn.as_deref()) { Status::Ready } else { Status::Pending("not known everywhere".into()) }
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, role, old) = (&cx.cloud.iam, live.id.as_str(), &live.value);
        if !policy::same(&self.assume_role_policy, &old.assume_role_policy) {
            iam.update_assume_role_policy().role_name(role).policy_document(&*self.assume_role_policy).send().await?;
        }
        let description = |r: &Self| r.description.clone().unwrap_or_default();
        if description(self) != description(old) || self.max_session_duration != old.max_session_duration {
            let call = iam.update_role().role_name(role).description(description(self));
            call.set_max_session_duration(self.max_session_duration.and_then(|s| i32::try_from(s).ok())).send().await?;
        }
        match self.boundary() {
            same if same == old.boundary() => {}
            Some(arn) => drop(iam.put_role_permissions_boundary().role_name(role).permissions_boundary(arn).send().await?),
            None => drop(iam.delete_role_permissions_boundary().role_name(role).send().await?),
        }
        if let Some(want) = self.managed_policy_arns.as_ref().filter(|_| self.managed_policy_arns != old.managed_policy_arns) {
            only_managed(cx.cloud, role, want).await?;
        }
        if let Some(want) = self.inline_policy.as_ref().filter(|_| self.inline_policy != old.inline_policy) {
            only_inline(cx.cloud, role, want).await?;
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
        let (iam, role, old) = (&cx.cloud.iam, live.id.as_str(), &live.value);
        let mut profiles = iam.list_instance_profiles_for_role().role_name(role).into_paginator().items().send();
        while let Some(profile) = profiles.next().await {
            let call = iam.remove_role_from_instance_profile().role_name(role).instance_profile_name(profile?.instance_profile_name);
            absent(call.send().await.map_err(Into::into))?;
        }
        let force = old.force_detach_policies == Some(true);
        if force || old.managed_policy_arns.as_ref().is_some_and(|m| !m.is_empty()) {
            only_managed(cx.cloud, role, &BTreeSet::new()).await?;
        }
        if force || old.inline_policy.as_ref().is_some_and(|i| !i.is_empty()) {
            only_inline(cx.cloud, role, &BTreeSet::new()).await?;
        }
        let deleted = iam.delete_role().role_name(role).send().await;
        deleted.map(drop).map_err(|e| in_use(e.into()))
    }
}

fn in_use(failure: Failure) -> Failure {
    if failure.code != "DeleteConflict" {
        return failure;
    }
    failure
        .help("policies that are not in this stack are attached to the role; `force_detach_policies = true`, applied first, detaches them")
}

impl Role {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }

    fn boundary(&self) -> Option<&str> {
        self.permissions_boundary.as_deref().filter(|b| !b.is_empty())
    }
}

/// The attached policies, where the role manages them all: not where `aws_iam_role_policy_attachment` does, else a change of the
/// role would take back what was attached or detached meanwhile.
async fn managed_policies(cx: &Cx<'_, Aws>, known: &Known<Role>) -> Outcome<Option<BTreeSet<Arn>>> {
    let managed = known.prior.as_ref().is_none_or(|p| p.managed_policy_arns.is_some());
    if !managed || of_role(cx, &["aws_iam_role_policy_attachment"], &known.id).next().is_some() {
        return Ok(None);
    }
    let arns: BTreeSet<Arn> = attached(cx, &known.id).await?.iter().flatten().map(|arn| Arn(arn.clone())).collect();
    Ok((known.prior.is_some() || !arns.is_empty()).then_some(arns))
}

/// The role's own policies, where the role manages them all: not where `aws_iam_role_policy` does.
async fn inline_policies(cx: &Cx<'_, Aws>, known: &Known<Role>) -> Outcome<Option<BTreeSet<InlinePolicy>>> {
    let prior = known.prior.as_ref().map(|p| p.inline_policy.clone().unwrap_or_default());
    let managed = prior.as_ref().is_none_or(|p| !p.is_empty());
    if !managed || of_role(cx, &["aws_iam_role_policy"], &known.id).next().is_some() {
        return Ok(None);
    }
    let role = known.id.as_str();
    let found = each(list_inline(cx.cloud, role).await?, |name| async move {
        let policy = inline(cx.cloud, role, &name).await?;
        Ok(policy.map(|policy| InlinePolicy { name: Some(name), policy: Some(policy.into()) }))
    });
    let mut found: BTreeSet<InlinePolicy> = found.await?.into_iter().collect();
    // What means the same stays as it is written.
    let prior = prior.unwrap_or_default();
    for written in prior.iter().filter(|p| p.name.is_some()) {
        if let Some(policy) = found.iter().find(|f| f.name == written.name && same(f, written)).cloned() {
            found.remove(&policy);
            found.insert(written.clone());
        }
    }
    // A block without attributes: that there be none.
    let none = prior.iter().find(|p| p.name.is_none()).filter(|_| found.is_empty());
    found.extend(none.cloned());
    Ok((known.prior.is_some() || !found.is_empty()).then_some(found))
}

fn same(a: &InlinePolicy, b: &InlinePolicy) -> bool {
    let text = |p: &InlinePolicy| p.policy.as_deref().unwrap_or_default().to_owned();
    policy::same(&text(a), &text(b))
}

async fn only_managed(aws: &Aws, role: &str, want: &BTreeSet<Arn>) -> Outcome<()> {
    let have: BTreeSet<Arn> = list_attached(aws, role).await?.into_iter().flatten().map(Arn).collect();
    for arn in have.difference(want) {
        absent(aws.iam.detach_role_policy().role_name(role).policy_arn(&**arn).send().await.map_err(Into::into))?;
    }
    for arn in want.difference(&have) {
        aws.iam.attach_role_policy().role_name(role).policy_arn(&**arn).send().await?;
    }
    Ok(())
}

async fn only_inline(aws: &Aws, role: &str, want: &BTreeSet<InlinePolicy>) -> Outcome<()> {
    for name in list_inline(aws, role).await?.iter().filter(|name| !want.iter().any(|w| w.name.as_ref() == Some(*name))) {
        absent(aws.iam.delete_role_policy().role_name(role).policy_name(name).send().await.map_err(Into::into))?;
    }
    for policy in want {
        if let InlinePolicy { name: Some(name), policy: Some(policy) } = policy {
            aws.iam.put_role_policy().role_name(role).policy_name(name).policy_document(&**policy).send().await?;
        }
    }
    Ok(())
}
