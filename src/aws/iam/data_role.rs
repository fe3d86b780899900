//! Looks up a role.

use super::{date, document, tags};
use crate::aws::Aws;
use crate::aws::error::absent;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Tags};

crate::blocks! {
    /// A role of this account, by its name.
    pub struct RoleData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Who may take it on.
        #[attr(computed)]
        assume_role_policy: Option<String>,
        /// When it was made.
        #[attr(computed)]
        create_date: Option<String>,
        /// What it is for.
        #[attr(computed)]
        description: Option<String>,
        /// For how many seconds a session with it may last.
        #[attr(computed)]
        max_session_duration: Option<i64>,
        /// Its name.
        name: String,
        /// Its path.
        #[attr(computed)]
        path: Option<String>,
        /// The managed policy that bounds its permissions.
        #[attr(computed)]
        permissions_boundary: Option<String>,
        /// When it was used last, as far as that is known.
        #[attr(computed)]
        role_last_used: Vec<LastUsed>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
        /// The id that no later role of the same name will have.
        #[attr(computed)]
        unique_id: Option<String>,
    }

    /// When a role was used last.
    pub struct LastUsed {
        /// When.
        last_used_date: Option<String>,
        /// In which region.
        region: Option<String>,
    }
}

impl DataSource for RoleData {
    const TYPE: &'static str = "aws_iam_role";
    const EXAMPLE: &'static str = r#"
[data.aws_iam_role.example]
name = "openclaw-ecs-execution"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let found = absent(cx.cloud.iam.get_role().role_name(&self.name).send().await.map_err(Into::into))?;
        let Some(role) = found.and_then(|f| f.role) else {
            return Err(Failure::other(format!("there is no role `{}`", self.name)).help("look at the account and the spelling"));
        };
        let used = role.role_last_used.as_ref().filter(|u| u.last_used_date.is_some());
        let value = Self {
            arn: Some(role.arn.clone()),
            assume_role_policy: role.assume_role_policy_document().map(document).transpose()?,
            create_date: date(&role.create_date),
            description: role.description.clone(),
            max_session_duration: role.max_session_duration.map(i64::from),
            path: Some(role.path.clone()),
            permissions_boundary: role.permissions_boundary.as_ref().and_then(|b| b.permissions_boundary_arn.clone()),
            role_last_used: used
                .map(|u| LastUsed { last_used_date: u.last_used_date.as_ref().and_then(date), region: u.region.clone() })
                .into_iter()
                .collect(),
            tags: tags(role.tags.as_deref()),
            unique_id: Some(role.role_id.clone()),
            name: role.role_name,
        };
        Ok(Live { id: value.name.clone(), value })
    }
}
