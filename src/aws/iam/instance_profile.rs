//! IAM instance profiles.

use super::{SETTLES, concurrent, date, named, tagged, tags, unknown_role};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::{Aws, each, name};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry, Status, Tags};

crate::blocks! {
    /// What hands a role to EC2 instances.
    pub struct InstanceProfile {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// When it was made.
        #[attr(computed)]
        create_date: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 128), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 102), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Its path.
        #[attr(force_new, default_text("/"), within(1, 512))]
        path: Option<String>,
        /// The name of the role that it hands out.
        #[attr(refers("aws_iam_role.name"))]
        role: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The id that no later profile of the same name will have.
        #[attr(computed)]
        unique_id: Option<String>,
    }
}

impl Resource for InstanceProfile {
    const TYPE: &'static str = "aws_iam_instance_profile";
    const SIGNS: &'static [&'static str] = &["unique_id"];
    const GLOBAL: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("name");
    const RETRY: &'static [Retry] = &[
        unknown_role("AddRoleToInstanceProfile"),
        Retry {
            operation: "AddRoleToInstanceProfile",
            code: "InvalidParameterValue",
            message: "Invalid IAM Instance Profile name",
            within: SETTLES,
        },
        Retry { operation: "AddRoleToInstanceProfile", code: "NoSuchEntity", message: "Instance Profile", within: SETTLES },
        Retry { operation: "DeleteInstanceProfile", code: "DeleteConflict", message: "", within: SETTLES },
        concurrent("AddRoleToInstanceProfile"),
        concurrent("RemoveRoleFromInstanceProfile"),
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_role.app]
for_each = '${toset(["blue", "green"])}'
name = "app-${each.key}"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_instance_profile.example]
name = "example"
path = "/app/"
role = '${aws_iam_role.app["blue"].name}'
tags = { team = "infra" }
---
[resource.aws_iam_role.app]
for_each = '${toset(["blue", "green"])}'
name = "app-${each.key}"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_instance_profile.example]
name = "example"
path = "/app/"
role = '${aws_iam_role.app["green"].name}'
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.iam.create_instance_profile().instance_profile_name(self.named(cx)).set_path(self.path.clone());
        let made = call.set_tags(tagged(&self.tags_all)?).send().await?.instance_profile;
        Ok(made.ok_or_else(|| lacking("instance profile"))?.instance_profile_name)
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = cx.cloud.iam.get_instance_profile().instance_profile_name(self.named(cx)).send().await;
        Ok(absent(found.map_err(Into::into))?.and_then(|f| f.instance_profile).map(|p| p.instance_profile_name))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.iam.list_instance_profiles().into_paginator().items().send().try_collect().await?;
        let listed =
            found.iter().map(|p: &aws_sdk_iam::types::InstanceProfile| Listed::new(p.instance_profile_name()).marked("arn", Some(p.arn())));
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let found = cx.cloud.iam.get_instance_profile().instance_profile_name(&k.id).send().await;
            let found = absent(found.map_err(Into::into))?.and_then(|f| f.instance_profile);
            Ok(found.map(|p| {
                let value = Self {
                    create_date: date(&p.create_date),
                    name_prefix: name::prefix_of(&p.instance_profile_name),
                    role: p.roles.first().map(|r| r.role_name.clone()),
                    tags: Tags::new(),
                    tags_all: tags(p.tags.as_deref()),
                    arn: Some(p.arn),
                    name: Some(p.instance_profile_name),
                    path: Some(p.path),
                    unique_id: Some(p.instance_profile_id),
                };
                Live { id: k.id.clone(), value }
            }))
        })
        .await
    }

    fn status(live: &Live<Self>) -> Status {
        if named(live.value.arn.as_deref()) { Status::Ready } else { Status::Pending("not known everywhere".into()) }
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, profile, old) = (&cx.cloud.iam, live.id.as_str(), &live.value);
        let role = |p: &Self| p.role.clone().filter(|r| !r.is_empty());
        if role(self) != role(old) {
            // A profile holds one role: for a moment it has none.
            if let Some(role) = role(old) {
                let call = iam.remove_role_from_instance_profile().instance_profile_name(profile).role_name(role);
                absent(call.send().await.map_err(Into::into))?;
            }
            if let Some(role) = role(self) {
                iam.add_role_to_instance_profile().instance_profile_name(profile).role_name(role).send().await?;
            }
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            iam.untag_instance_profile().instance_profile_name(profile).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            iam.tag_instance_profile().instance_profile_name(profile).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, profile) = (&cx.cloud.iam, live.id.as_str());
        if let Some(role) = live.value.role.as_ref().filter(|r| !r.is_empty()) {
            let call = iam.remove_role_from_instance_profile().instance_profile_name(profile).role_name(role);
            absent(call.send().await.map_err(Into::into))?;
        }
        iam.delete_instance_profile().instance_profile_name(profile).send().await?;
        Ok(())
    }
}

impl InstanceProfile {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }
}
