//! Managed policies attached to roles.

use std::time::Duration;

use super::{SETTLES, attached, concurrent, unknown_role};
use crate::aws::types::Arn;
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Resource, Retry};

crate::blocks! {
    /// A managed policy attached to a role.
    pub struct RolePolicyAttachment {
        /// The policy.
        #[attr(force_new, refers("aws_iam_policy.arn"))]
        policy_arn: Arn,
        /// The name of the role.
        #[attr(force_new, refers("aws_iam_role.name"))]
        role: String,
    }
}

impl Resource for RolePolicyAttachment {
    const TYPE: &'static str = "aws_iam_role_policy_attachment";
    const RETRY: &'static [Retry] = &[
        concurrent("AttachRolePolicy"),
        concurrent("DetachRolePolicy"),
        unknown_role("AttachRolePolicy"),
        // A policy of one's own that was just made; a misspelt one is told after that time.
        Retry { operation: "AttachRolePolicy", code: "NoSuchEntity", message: "does not exist", within: Duration::from_secs(15) },
        Retry { operation: "AttachRolePolicy", code: "UnmodifiableEntity", message: "temporarily", within: SETTLES },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_iam_role.app]
name = "app"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_role_policy_attachment.example]
role = "${aws_iam_role.app.name}"
policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
---
[resource.aws_iam_role.app]
name = "app"
assume_role_policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}'

[resource.aws_iam_role_policy_attachment.example]
role = "${aws_iam_role.app.name}"
policy_arn = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
"#;
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        cx.cloud.iam.attach_role_policy().role_name(&self.role).policy_arn(&*self.policy_arn).send().await?;
        Ok(self.id())
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let attached = attached(cx, &self.role).await?;
        Ok(attached.iter().flatten().any(|arn| *arn == *self.policy_arn).then(|| self.id()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        each(known, |k| async move {
            // Terraform's ids end with a random suffix in place of the policy.
            let value = match &k.prior {
                Some(prior) => prior.clone(),
                None => Self::parse(&k.id)?,
            };
            let attached = attached(cx, &value.role).await?;
            let there = attached.iter().flatten().any(|arn| *arn == *value.policy_arn);
            Ok(there.then(|| Live { id: k.id.clone(), value }))
        })
        .await
    }

    async fn update(&self, _: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        Ok(())
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Self { role, policy_arn } = &live.value;
        cx.cloud.iam.detach_role_policy().role_name(role).policy_arn(&**policy_arn).send().await?;
        Ok(())
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        Self::parse(given).map(|a| a.id())
    }
}

impl RolePolicyAttachment {
    fn id(&self) -> Id {
        format!("{}/{}", self.role, &*self.policy_arn)
    }

    /// Out of `role/arn:aws:iam::aws:policy/ReadOnlyAccess`: names of roles hold no slash.
    fn parse(id: &str) -> Outcome<Self> {
        match id.split_once('/') {
            Some((role, arn)) if !role.is_empty() && arn.starts_with("arn:") => Ok(Self { policy_arn: arn.into(), role: role.to_owned() }),
            _ => Err(Failure::other(format!("`{id}` does not name the policy of a role"))
                .help("write the name of the role, a slash and the ARN of the policy: `web/arn:aws:iam::aws:policy/ReadOnlyAccess`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_name_role_and_policy() {
        let id = "web/arn:aws:iam::aws:policy/service-role/X";
        assert_eq!(RolePolicyAttachment::parse(id).map(|a| a.id()).as_deref(), Ok(id));
        assert!(RolePolicyAttachment::parse("web").is_err());
        assert!(RolePolicyAttachment::parse("web/ReadOnlyAccess").is_err());
    }
}
