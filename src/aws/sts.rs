//! Whose credentials are used.

use super::Aws;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// The account and the user or role that the credentials are of.
    pub struct CallerIdentity {
        /// The account's number.
        #[attr(computed)]
        account_id: Option<String>,
        /// The ARN of the user or of the role's session; a session's may be another each time.
        #[attr(computed)]
        arn: Option<String>,
        /// The unique id of the user or of the role's session.
        #[attr(computed)]
        user_id: Option<String>,
    }
}

impl DataSource for CallerIdentity {
    const TYPE: &'static str = "aws_caller_identity";
    const EXAMPLE: &'static str = r#"
[data.aws_caller_identity.example]
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let asked = cx.reads.once("sts:GetCallerIdentity", || async { Ok(cx.cloud.sts.get_caller_identity().send().await?) });
        let found = asked.await?;
        let text = |t: Option<&str>| t.map(str::to_owned);
        let value = Self { account_id: text(found.account()), arn: text(found.arn()), user_id: text(found.user_id()) };
        Ok(Live { id: found.account().unwrap_or_default().to_owned(), value })
    }
}
