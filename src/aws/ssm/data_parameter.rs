//! Reads a parameter of the parameter store.

use crate::aws::Aws;
use crate::aws::error::lacking;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// A parameter of SSM's parameter store: one of yours, or one that AWS publishes, such as the id of the latest image.
    pub struct Parameter {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its value, where it is no secret.
        #[attr(computed)]
        insecure_value: Option<String>,
        /// Its name, with `:3` for a version or `:prod` for a label; of a parameter of another account, the ARN.
        name: String,
        /// `String`, `StringList` or `SecureString`.
        #[attr(computed)]
        r#type: Option<String>,
        /// Its value.
        #[attr(computed, sensitive)]
        value: Option<String>,
        /// Its version.
        #[attr(computed)]
        version: Option<i64>,
        /// Whether a secret is decrypted.
        #[attr(default_bool(true))]
        with_decryption: Option<bool>,
    }
}

impl DataSource for Parameter {
    const TYPE: &'static str = "aws_ssm_parameter";
    const EXAMPLE: &'static str = r#"
[data.aws_ssm_parameter.example]
name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let call = cx.cloud.ssm.get_parameter().name(&self.name).with_decryption(self.with_decryption.unwrap_or(true));
        let found = call.send().await.map_err(Failure::from).map_err(|failure| match failure.code.as_str() {
            "ParameterNotFound" | "ParameterVersionNotFound" => {
                failure.because(Cause::Refused).help(format!("there is no parameter `{}` in {}", self.name, cx.cloud.region))
            }
            _ => failure,
        });
        let found = found?.parameter.ok_or_else(|| lacking("parameter"))?;
        let kind = found.r#type().map(|t| t.as_str().to_owned());
        let value = Self {
            arn: found.arn,
            insecure_value: found.value.clone().filter(|_| kind.as_deref() != Some("SecureString")),
            r#type: kind,
            value: found.value,
            version: Some(found.version),
            ..self
        };
        Ok(Live { id: value.name.clone(), value })
    }
}
