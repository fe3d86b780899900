//! Looks up a secret, without its value.

use super::{date, describe, policy};
use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};
use crate::words::value::Value;

crate::blocks! {
    /// A secret, without its value.
    pub struct SecretData {
        /// Its ARN.
        #[attr(chosen, conflicts(&["name"]))]
        arn: Option<String>,
        /// When it was made.
        #[attr(computed)]
        created_date: Option<String>,
        /// What it is for.
        #[attr(computed)]
        description: Option<String>,
        /// The KMS key that it is encrypted with, unless it is AWS's own.
        #[attr(computed)]
        kms_key_id: Option<String>,
        /// When it was last changed.
        #[attr(computed)]
        last_changed_date: Option<String>,
        /// Its name.
        #[attr(chosen, conflicts(&["arn"]))]
        name: Option<String>,
        /// Who may use it, besides those whose own policies say so.
        #[attr(computed)]
        policy: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
    }
}

impl DataSource for SecretData {
    const TYPE: &'static str = "aws_secretsmanager_secret";
    const EXAMPLE: &'static str = r#"
[data.aws_secretsmanager_secret.example]
name = "app/token"
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let none = given.attr("arn").is_null() && given.attr("name").is_null();
        if none { vec![Problem::new("", "say which secret: by `name` or by `arn`")] } else { vec![] }
    }

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let asked = self.arn.clone().or_else(|| self.name.clone()).unwrap_or_default();
        let found = describe(cx.cloud, &asked).await?;
        let found = found.ok_or_else(|| Failure::other(format!("there is no secret `{asked}` in {}", cx.cloud.region)))?;
        let value = Self {
            created_date: date(found.created.as_ref()),
            description: found.description,
            kms_key_id: found.kms_key_id,
            last_changed_date: date(found.changed.as_ref()),
            name: found.name,
            policy: policy(cx.cloud, &found.arn).await?,
            tags: found.tags,
            arn: Some(found.arn),
        };
        Ok(Live { id: value.arn.clone().unwrap_or_default(), value })
    }
}
