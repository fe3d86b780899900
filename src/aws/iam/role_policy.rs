//! Policies of a role's own.

use super::{concurrent, inline, unknown_role};
use crate::aws::types::InlinePolicy;
use crate::aws::{Aws, each, name, policy};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry};
use crate::words::value::Value;

crate::blocks! {
    /// A policy that belongs to one role.
    pub struct RolePolicy {
        /// Its name.
        #[attr(chosen, force_new, within(1, 128), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// How its name begins; the rest is generated.
        #[attr(chosen, force_new, within(1, 102), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// What it allows.
        policy: InlinePolicy,
        /// The name of the role.
        #[attr(force_new, refers("aws_iam_role.name"))]
        role: String,
    }
}

impl Resource for RolePolicy {
    const TYPE: &'static str = "aws_iam_role_policy";
    const UPSERTS: bool = true;
    const RETRY: &'static [Retry] = &[unknown_role("PutRolePolicy"), concurrent("PutRolePolicy"), concurrent("DeleteRolePolicy")];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_role.app]
name = "app"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_role_policy.example]
name = "example"
role = "${aws_iam_role.app.name}"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"}]}'
---
[resource.aws_iam_role.app]
name = "app"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_role_policy.example]
name = "example"
role = "${aws_iam_role.app.name}"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:ListAllMyBuckets","s3:GetObject"],"Resource":"*"}]}'
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let name = self.named(cx);
        cx.cloud.iam.put_role_policy().role_name(&self.role).policy_name(&name).policy_document(&*self.policy).send().await?;
        Ok(format!("{}:{name}", self.role))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let name = self.named(cx);
        Ok(inline(cx.cloud, &self.role, &name).await?.map(|_| format!("{}:{name}", self.role)))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            let (role, name) = parse(&k.id)?;
            let Some(policy) = inline(cx.cloud, role, name).await? else { return Ok(None) };
            let prefix = name::prefix_of(name);
            let value = Self { name: Some(name.to_owned()), name_prefix: prefix, policy: policy.into(), role: role.to_owned() };
            Ok(Some(Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (role, name) = parse(&live.id)?;
        cx.cloud.iam.put_role_policy().role_name(role).policy_name(name).policy_document(&*self.policy).send().await?;
        Ok(())
    }

    fn check(given: &Value) -> Vec<Problem> {
        policy::too_long(given.attr("policy"), "policy", policy::INLINE, "the policies of a role's own").into_iter().collect()
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (role, name) = parse(&live.id)?;
        cx.cloud.iam.delete_role_policy().role_name(role).policy_name(name).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        parse(given).map(|_| given.to_owned())
    }
}

impl RolePolicy {
    fn named(&self, cx: &Cx<'_, Aws>) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), cx.token)
    }
}

/// Role and name, out of `role:name`.
fn parse(id: &str) -> Outcome<(&str, &str)> {
    id.split_once(':').filter(|(role, name)| !role.is_empty() && !name.is_empty()).ok_or_else(|| {
        Failure::other(format!("`{id}` does not name a policy of a role"))
            .help("write the name of the role, a colon and the name of the policy: `web:read`")
    })
}
