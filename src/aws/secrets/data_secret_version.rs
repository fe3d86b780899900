//! Reads what a secret holds.

use std::collections::BTreeSet;

use super::date;
use crate::aws::Aws;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// What a secret holds. The state keeps it, as it keeps all that is read.
    pub struct SecretVersionData {
        /// The ARN of the secret.
        #[attr(computed)]
        arn: Option<String>,
        /// When the version was made.
        #[attr(computed)]
        created_date: Option<String>,
        /// The value, where it is no text.
        #[attr(computed, sensitive)]
        secret_binary: Option<String>,
        /// The secret, by ARN or name.
        secret_id: String,
        /// The value.
        #[attr(computed, sensitive)]
        secret_string: Option<String>,
        /// The version; that of the stage where none is given.
        #[attr(chosen)]
        version_id: Option<String>,
        /// The stage of the version.
        #[attr(default_text("AWSCURRENT"))]
        version_stage: Option<String>,
        /// The stages that the version has.
        #[attr(computed)]
        version_stages: BTreeSet<String>,
    }
}

impl DataSource for SecretVersionData {
    const TYPE: &'static str = "aws_secretsmanager_secret_version";
    const EXAMPLE: &'static str = r#"
[data.aws_secretsmanager_secret_version.example]
secret_id = "app/token"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let asked = self.version_id.clone().or_else(|| self.version_stage.clone()).filter(|v| !v.is_empty());
        let version = self.version_id.clone().filter(|v| !v.is_empty());
        let stage = self.version_stage.clone().filter(|s| !s.is_empty() && version.is_none());
        let call = cx.cloud.secrets.get_secret_value().secret_id(&self.secret_id).set_version_id(version).set_version_stage(stage);
        let found = call.send().await.map_err(Failure::from).map_err(|failure| match failure.cause {
            Cause::Gone => failure
                .because(Cause::Refused)
                .help(format!("there is no secret `{}` in {}, or it holds nothing yet", self.secret_id, cx.cloud.region)),
            _ => failure,
        })?;
        let value = Self {
            created_date: date(found.created_date.as_ref()),
            secret_binary: found.secret_binary.and_then(|b| String::from_utf8(b.into_inner()).ok()),
            secret_string: found.secret_string,
            version_id: found.version_id,
            version_stages: found.version_stages.unwrap_or_default().into_iter().collect(),
            arn: found.arn,
            ..self
        };
        let id = format!("{}|{}", value.arn.as_deref().unwrap_or_default(), asked.unwrap_or_default());
        Ok(Live { id, value })
    }
}
