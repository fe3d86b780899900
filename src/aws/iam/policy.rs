//! Managed policies of one's own.

use aws_sdk_iam::types::PolicyScopeType;

use super::{SETTLES, concurrent, document, tagged, tags};
use crate::aws::error::{absent, lacking};
use crate::aws::tags::delta;
use crate::aws::types::Policy as Document;
use crate::aws::{Aws, each, name, policy};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Tags};
use crate::words::value::Value;

/// How many versions of a policy IAM keeps.
const VERSIONS: usize = 5;

crate::blocks! {
    /// A managed policy, which can be attached to many roles, users and groups.
    pub struct Policy {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// To how many roles, users and groups it is attached.
        #[attr(computed)]
        attachment_count: Option<i64>,
        /// What it is for. It can't be changed.
        #[attr(force_new, within(0, 1000))]
        description: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, within(1, 128), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 102), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// Its path.
        #[attr(force_new, default_text("/"), within(1, 512))]
        path: Option<String>,
        /// What it allows.
        policy: Document,
        /// The id that no later policy of the same name will have.
        #[attr(computed)]
        policy_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }
}

impl Resource for Policy {
    const TYPE: &'static str = "aws_iam_policy";
    const SIGNS: &'static [&'static str] = &["policy_id"];
    const GLOBAL: bool = true;
    const KNOWN_BY: Option<&'static str> = Some("name");
    const RETRY: &'static [Retry] = &[
        concurrent("CreatePolicyVersion"),
        concurrent("DeletePolicyVersion"),
        concurrent("DeletePolicy"),
        Retry { operation: "DeletePolicy", code: "DeleteConflict", message: "", within: SETTLES },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_policy.example]
name = "example"
path = "/app/"
description = "list the buckets"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}'
tags = { team = "infra" }
---
[resource.aws_iam_policy.example]
name = "example"
path = "/app/"
description = "list the buckets"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetBucketLocation"],"Resource":"*"}]}'
tags = { team = "platform", Name = "example" }
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.iam.create_policy().policy_name(self.named(cx)).policy_document(&*self.policy);
        let call = call.set_path(self.path.clone()).set_description(self.description.clone().filter(|d| !d.is_empty()));
        let made = call.set_tags(tagged(&self.tags_all)?).send().await?;
        made.policy.and_then(|p| p.arn).ok_or_else(|| lacking("ARN of the policy"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let (aws, path) = (cx.cloud, self.path.as_deref().unwrap_or("/"));
        let arn = format!("arn:{}:iam::{}:policy{path}{}", aws.partition(), aws.account().await?, self.named(cx));
        let found = absent(aws.iam.get_policy().policy_arn(arn).send().await.map_err(Into::into))?;
        Ok(found.and_then(|f| f.policy).and_then(|p| p.arn))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> =
            cx.cloud.iam.list_policies().scope(PolicyScopeType::Local).into_paginator().items().send().try_collect().await?;
        Ok(Some(found.iter().filter_map(|p| Some(Listed::new(p.arn()?).named(p.policy_name()))).collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let iam = &cx.cloud.iam;
            let found = absent(iam.get_policy().policy_arn(&k.id).send().await.map_err(Into::into))?;
            let Some(policy) = found.and_then(|f| f.policy) else { return Ok(None) };
            let version = policy.default_version_id().unwrap_or("v1");
            let version = iam.get_policy_version().policy_arn(&k.id).version_id(version).send().await.map_err(Into::into);
            let Some(version) = absent(version)?.and_then(|v| v.policy_version) else { return Ok(None) };
            let value = Self {
                attachment_count: policy.attachment_count.map(i64::from),
                policy: document(version.document().unwrap_or_default())?.into(),
                name_prefix: policy.policy_name().and_then(name::prefix_of),
                tags: Tags::new(),
                tags_all: tags(policy.tags.as_deref()),
                arn: policy.arn,
                description: policy.description.filter(|d| !d.is_empty()),
                name: policy.policy_name,
                path: policy.path,
                policy_id: policy.policy_id,
            };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, arn, old) = (&cx.cloud.iam, live.id.as_str(), &live.value);
        if !policy::same(&self.policy, &old.policy) {
            let others = other_versions(cx.cloud, arn).await?;
            if let Some(oldest) = others.first().filter(|_| others.len() + 1 >= VERSIONS) {
                iam.delete_policy_version().policy_arn(arn).version_id(oldest).send().await?;
            }
            iam.create_policy_version().policy_arn(arn).policy_document(&*self.policy).set_as_default(true).send().await?;
        }
        let (gone, set) = delta(&old.tags_all, &self.tags_all);
        if !gone.is_empty() {
            iam.untag_policy().policy_arn(arn).set_tag_keys(Some(gone)).send().await?;
        }
        if let Some(set) = tagged(&set)? {
            iam.tag_policy().policy_arn(arn).set_tags(Some(set)).send().await?;
        }
        Ok(())
    }

    fn check(given: &Value) -> Vec<Problem> {
        policy::too_long(given.attr("policy"), "policy", 6144, "a managed policy").into_iter().collect()
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (iam, arn) = (&cx.cloud.iam, live.id.as_str());
        for version in other_versions(cx.cloud, arn).await? {
            absent(iam.delete_policy_version().policy_arn(arn).version_id(version).send().await.map_err(Into::into))?;
        }
        match iam.delete_policy().policy_arn(arn).send().await.map_err(Failure::from) {
            Err(failure) if failure.code == "DeleteConflict" => Err(failure.help(format!(
                "something that is not in this stack still uses the policy; `aws iam list-entities-for-policy --policy-arn {arn}` names it"
            ))),
            other => other.map(drop),
        }
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("arn:") && given.contains(":policy/") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is not the ARN of a policy"))
            .help("write it like `arn:aws:iam::123456789012:policy/read`; `aws iam list-policies --scope Local` lists them"))
    }
}

impl Policy {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }
}

/// The versions that are not the default, oldest first.
async fn other_versions(aws: &Aws, arn: &str) -> Outcome<Vec<String>> {
    let mut pages = aws.iam.list_policy_versions().policy_arn(arn).into_paginator().items().send();
    let mut versions = vec![];
    while let Some(version) = pages.next().await {
        let version = version?;
        if !version.is_default_version {
            versions.push((version.create_date.map(|d| d.as_nanos()), version.version_id.unwrap_or_default()));
        }
    }
    // Dates may be equal: then `v9` comes before `v10`.
    versions.sort_by_key(|(date, id)| (*date, id.len(), id.clone()));
    Ok(versions.into_iter().map(|(_, id)| id).collect())
}
