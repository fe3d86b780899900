//! What a secret holds.

use std::collections::BTreeSet;

use aws_smithy_types::Blob;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{SecretRef, described, listed, secret_of};
use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, each};
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource};
use crate::words::value::Value;

/// The stage of the version that who asks for the secret gets.
const CURRENT: &str = "AWSCURRENT";

crate::blocks! {
    /// What a secret holds. Another value makes another version; the value of the last one stays there as long as the secret.
    pub struct SecretVersion {
        /// The ARN of the secret.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether its value is one that is never stored.
        #[attr(computed)]
        has_secret_string_wo: Option<bool>,
        /// The value, where it is no text, in base64.
        #[attr(sensitive, force_new, conflicts(&["secret_string", "secret_string_wo"]))]
        secret_binary: Option<String>,
        /// The secret, by ARN or name.
        #[attr(force_new, refers("aws_secretsmanager_secret.id"))]
        secret_id: SecretRef,
        /// The value.
        #[attr(sensitive, force_new, within(1, 65536), conflicts(&["secret_binary", "secret_string_wo"]))]
        secret_string: Option<String>,
        /// The value, where the state must not hold it; another `secret_string_wo_version` makes a change of it known.
        #[attr(sensitive, write_only, within(1, 65536), conflicts(&["secret_binary", "secret_string"]))]
        secret_string_wo: Option<String>,
        /// A number to be raised whenever `secret_string_wo` changes.
        #[attr(force_new)]
        secret_string_wo_version: Option<i64>,
        /// Its id.
        #[attr(computed)]
        version_id: Option<String>,
        /// The stages that it has. `AWSCURRENT` goes to each new version, and stays until another takes it.
        #[attr(chosen)]
        version_stages: BTreeSet<String>,
    }
}

impl Resource for SecretVersion {
    const TYPE: &'static str = "aws_secretsmanager_secret_version";
    const BATCH: usize = 1000;
    const EXAMPLE: &'static str = r#"
[resource.aws_secretsmanager_secret.app]
name = "app/version-example"
recovery_window_in_days = 0

[resource.aws_secretsmanager_secret_version.example]
secret_id = "${aws_secretsmanager_secret.app.id}"
secret_string = '{"token":"not a real one"}'
---
[resource.aws_secretsmanager_secret.app]
name = "app/version-example"
recovery_window_in_days = 0

[resource.aws_secretsmanager_secret_version.example]
secret_id = "${aws_secretsmanager_secret.app.name}"
secret_string = '{"token":"not a real one"}'
version_stages = ["AWSCURRENT", "release"]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let values = ["secret_string", "secret_binary", "secret_string_wo"];
        let mut problems = vec![];
        if values.iter().all(|name| given.attr(name).is_null()) {
            problems.push(Problem::new("", "a version has a value: `secret_string`, `secret_binary` or `secret_string_wo`"));
        }
        if let Some(text) = given.attr("secret_binary").as_str()
            && STANDARD.decode(text).is_err()
        {
            problems.push(Problem::new("secret_binary", "it should be base64: write it with base64encode(...) or filebase64(...)"));
        }
        if !given.attr("secret_string_wo_version").is_null() && given.attr("secret_string_wo").is_null() {
            problems.push(Problem::new("secret_string_wo_version", "it counts the values of `secret_string_wo`, which is not given"));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let stages = (!self.version_stages.is_empty()).then(|| self.version_stages.iter().cloned().collect());
        let call =
            cx.cloud.secrets.put_secret_value().secret_id(&*self.secret_id).client_request_token(cx.token).set_version_stages(stages);
        let text = self.secret_string_wo.clone().or_else(|| self.secret_string.clone()).filter(|t| !t.is_empty());
        let binary = self.secret_binary.as_deref().filter(|b| !b.is_empty()).and_then(|b| STANDARD.decode(b).ok()).map(Blob::new);
        let made = call.set_secret_binary(binary.filter(|_| text.is_none())).set_secret_string(text).send().await?;
        let arn = made.arn.ok_or_else(|| lacking("ARN of the secret"))?;
        Ok(format!("{arn}|{}", made.version_id.ok_or_else(|| lacking("id of the version"))?))
    }

    /// The token is the id of the version.
    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx, &self.secret_id).await?;
        Ok(found.as_ref().as_ref().filter(|d| d.stages.contains_key(cx.token)).map(|d| format!("{}|{}", d.arn, cx.token)))
    }

    /// A version never changes but for its stages, so that the value is asked for on import alone.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let listed = listed(cx).await?;
        each(known, |k| {
            let listed = listed.clone();
            async move {
                let Some((secret, version)) = k.id.split_once('|') else { return Ok(None) };
                let Some(prior) = &k.prior else { return imported(cx.cloud, secret, version).await };
                let told = listed.get(secret).and_then(|entry| entry.stages.get(version)).filter(|s| **s == prior.version_stages);
                let stages = match told {
                    Some(stages) => stages.clone(),
                    None => match stages(cx, secret, version).await? {
                        Some(stages) => stages,
                        None => return Ok(None),
                    },
                };
                let unstored = prior.secret_string_wo.is_some() || prior.has_secret_string_wo == Some(true);
                let value = Self {
                    arn: Some(secret.to_owned()),
                    has_secret_string_wo: unstored.then_some(true),
                    version_id: Some(version.to_owned()),
                    version_stages: stages,
                    ..prior.clone()
                };
                Ok(Some(Live { id: k.id.clone(), value }))
            }
        })
        .await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Some((secret, version)) = live.id.split_once('|') else { return Ok(()) };
        let (old, new) = (&live.value.version_stages, &self.version_stages);
        let found = described(cx, secret).await?;
        for stage in new.difference(old) {
            let holder = found.as_ref().as_ref().and_then(|d| d.stages.iter().find(|(v, stages)| *v != version && stages.contains(stage)));
            let call = cx.cloud.secrets.update_secret_version_stage().secret_id(secret).version_stage(stage).move_to_version_id(version);
            call.set_remove_from_version_id(holder.map(|(version, _)| version.clone())).send().await?;
        }
        strip(cx.cloud, secret, version, old.difference(new)).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let Some((secret, version)) = live.id.split_once('|') else { return Ok(()) };
        let now = stages(cx, secret, version).await?.unwrap_or_default();
        strip(cx.cloud, secret, version, now.iter()).await
    }

    async fn import(_: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if secret_of(given).starts_with("arn:") && given.split('|').count() == 2 {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` does not name a version of a secret"))
            .help("write it as the secret's ARN and the version's id with `|` between"))
    }
}

/// Takes stages away from a version. The current one stays that, until another is.
async fn strip(aws: &Aws, secret: &str, version: &str, stages: impl Iterator<Item = &String>) -> Outcome<()> {
    for stage in stages.filter(|stage| *stage != CURRENT) {
        let call = aws.secrets.update_secret_version_stage().secret_id(secret).version_stage(stage).remove_from_version_id(version);
        absent(call.send().await.map_err(Failure::from))?;
    }
    Ok(())
}

/// The stages of a version; none where it does not exist. One without stages is there until AWS prunes it.
async fn stages(cx: &Cx<'_, Aws>, secret: &str, version: &str) -> Outcome<Option<BTreeSet<String>>> {
    let found = described(cx, secret).await?;
    let Some(found) = found.as_ref() else { return Ok(None) };
    if let Some(stages) = found.stages.get(version) {
        return Ok(Some(stages.clone()));
    }
    let call = cx.cloud.secrets.list_secret_version_ids().secret_id(secret).include_deprecated(true);
    let mut pages = call.into_paginator().send();
    while let Some(page) = pages.next().await {
        let page = page.map_err(Failure::from)?;
        if page.versions().iter().any(|v| v.version_id() == Some(version)) {
            return Ok(Some(BTreeSet::new()));
        }
    }
    Ok(None)
}

/// A version of which the state knows nothing, with its value.
async fn imported(aws: &Aws, secret: &str, version: &str) -> Outcome<Option<Live<SecretVersion>>> {
    let found = match absent(aws.secrets.get_secret_value().secret_id(secret).version_id(version).send().await.map_err(Failure::from)) {
        // The secret waits for its deletion.
        Err(failure) if failure.code == "InvalidRequestException" && failure.message.contains("delet") => return Ok(None),
        other => other?,
    };
    let Some(found) = found else { return Ok(None) };
    let value = SecretVersion {
        secret_id: SecretRef(secret.to_owned()),
        arn: found.arn,
        has_secret_string_wo: None,
        secret_binary: found.secret_binary.map(|b| STANDARD.encode(b.as_ref())),
        secret_string: found.secret_string,
        secret_string_wo: None,
        secret_string_wo_version: None,
        version_id: found.version_id,
        version_stages: found.version_stages.unwrap_or_default().into_iter().collect(),
    };
    Ok(Some(Live { id: format!("{secret}|{version}"), value }))
}
