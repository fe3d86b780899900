//! Clusters.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::{arn_of, failures, last, retag, tagged, tags, updating, wire, without_nulls};
use crate::aws::error::lacking;
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Problem, Resource, Retry, Status, Tags};
use crate::words::value::Value;

/// How many clusters one call describes.
const PAGE: usize = 100;

crate::blocks! {
    /// Where tasks and services run: on instances of yours that join it, or on Fargate.
    pub struct Cluster {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// How commands are run in its containers, and how its storage is encrypted.
        configuration: Option<Configuration>,
        /// Its name.
        #[attr(force_new, within(1, 255))]
        name: String,
        /// Where services find one another if they don't say it.
        service_connect_defaults: Option<ServiceConnectDefaults>,
        /// What is switched on in it.
        #[attr(chosen)]
        setting: BTreeSet<Setting>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
    }

    /// How commands are run in containers of a cluster, and how its storage is encrypted.
    pub struct Configuration {
        /// How commands are run in containers (`ecs execute-command`).
        execute_command_configuration: Option<ExecuteCommand>,
        /// How storage that ECS manages is encrypted.
        managed_storage_configuration: Option<ManagedStorage>,
    }

    /// How commands are run in containers.
    pub struct ExecuteCommand {
        /// The KMS key that what is said is encrypted with on its way.
        kms_key_id: Option<String>,
        /// Where what is said is logged, where `logging` is `OVERRIDE`.
        log_configuration: Option<ExecuteCommandLog>,
        /// Whether what is said is logged: as the task's own logs (`DEFAULT`), elsewhere, or not at all.
        #[attr(default_text("DEFAULT"), one_of(&["NONE", "DEFAULT", "OVERRIDE"]))]
        logging: Option<String>,
    }

    /// Where what is said in commands is logged.
    pub struct ExecuteCommandLog {
        /// Whether the log group is encrypted.
        cloud_watch_encryption_enabled: Option<bool>,
        /// The log group.
        cloud_watch_log_group_name: Option<String>,
        /// Whether the bucket is encrypted.
        s3_bucket_encryption_enabled: Option<bool>,
        /// The S3 bucket.
        s3_bucket_name: Option<String>,
        /// The folder in it.
        s3_key_prefix: Option<String>,
    }

    /// How storage that ECS manages is encrypted.
    pub struct ManagedStorage {
        /// The KMS key for the storage of Fargate tasks.
        fargate_ephemeral_storage_kms_key_id: Option<String>,
        /// The KMS key for other storage.
        kms_key_id: Option<String>,
    }

    /// Where services find one another if they don't say it.
    pub struct ServiceConnectDefaults {
        /// The ARN of the Cloud Map namespace.
        namespace: Arn,
    }

    /// Something that is switched on.
    pub struct Setting {
        /// What: `containerInsights`.
        #[attr(one_of(&["containerInsights"]))]
        name: String,
        /// How.
        #[attr(one_of(&["enabled", "disabled", "enhanced"]))]
        value: String,
    }
}

/// Something is still in the cluster, or on its way out.
const fn held(code: &'static str) -> Retry {
    Retry { operation: "DeleteCluster", code, message: "", within: Duration::from_secs(600) }
}

impl Resource for Cluster {
    const TYPE: &'static str = "aws_ecs_cluster";
    const KNOWN_BY: Option<&'static str> = Some("name");
    // CreateCluster gives a cluster of that name that exists, with its settings changed.
    const UPSERTS: bool = true;
    const LINGERS: bool = true;
    const BATCH: usize = 500;
    const RETRY: &'static [Retry] = &[
        Retry {
            operation: "CreateCluster",
            code: "InvalidParameterException",
            message: "Unable to assume the service linked role",
            within: Duration::from_secs(120),
        },
        updating("UpdateCluster"),
        updating("DeleteCluster"),
        held("ClusterContainsContainerInstancesException"),
        held("ClusterContainsServicesException"),
        held("ClusterContainsTasksException"),
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_ecs_cluster.example]
name = "example"
tags = { team = "infra" }
---
[resource.aws_ecs_cluster.example]
name = "example"
setting = [{ name = "containerInsights", value = "enhanced" }]
service_connect_defaults = { namespace = "arn:aws:servicediscovery:us-east-1:123456789012:namespace/ns-example" }
tags = { team = "platform", Name = "example" }

[resource.aws_ecs_cluster.example.configuration.managed_storage_configuration]
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
fargate_ephemeral_storage_kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"

[resource.aws_ecs_cluster.example.configuration.execute_command_configuration]
kms_key_id = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
logging = "OVERRIDE"

[resource.aws_ecs_cluster.example.configuration.execute_command_configuration.log_configuration]
cloud_watch_log_group_name = "/ecs/commands"
cloud_watch_encryption_enabled = true
s3_bucket_name = "example-commands"
s3_key_prefix = "ecs/"
s3_bucket_encryption_enabled = true
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let commands = given.attr("configuration").items().first().and_then(|c| c.attr("execute_command_configuration").items().first());
        let Some(commands) = commands else { return vec![] };
        let (logging, log) = (commands.attr("logging"), commands.attr("log_configuration"));
        let path = "configuration.0.execute_command_configuration.0";
        match logging.as_str() {
            Some("OVERRIDE") if log.is_known() && log.items().is_empty() => {
                vec![Problem::new(format!("{path}.logging"), "`OVERRIDE` needs a `log_configuration` that says where to")]
            }
            Some("NONE" | "DEFAULT") if !log.items().is_empty() => {
                vec![Problem::new(
                    format!("{path}.log_configuration"),
                    "a log configuration has an effect with `logging = \"OVERRIDE\"` alone",
                )]
            }
            _ => vec![],
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let mut body = self.body();
        body["clusterName"] = Json::from(self.name.as_str());
        body["tags"] = tagged(&self.tags_all);
        let made = wire::call!(cx.cloud.ecs.create_cluster(), without_nulls(body))?;
        wire::text(&made["cluster"]["clusterArn"]).ok_or_else(|| lacking("ARN of the cluster"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.name)).await?;
        Ok(found.iter().find_map(|c| wire::text(&c["clusterArn"])))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found = super::clusters(cx).await?;
        let listed =
            found.iter().map(|arn| Listed::new(arn).named(Some(last(arn))).noise(last(arn).starts_with("AWSBatch-"), "made by AWS Batch"));
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let arns: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let found = described(cx.cloud, &arns).await?;
        let mut live = vec![];
        for k in known {
            let Some(cluster) = found.iter().find(|c| c["clusterArn"].as_str().is_some_and(|arn| last(arn) == last(&k.id))) else {
                continue;
            };
            let value = Self {
                arn: wire::text(&cluster["clusterArn"]),
                configuration: wire::some(&cluster["configuration"])?
                    .filter(|c| *c != plain() || k.prior.as_ref().is_none_or(|p| p.configuration.is_some())),
                name: wire::text(&cluster["clusterName"]).unwrap_or_default(),
                service_connect_defaults: wire::some(&cluster["serviceConnectDefaults"])?,
                setting: wire::blocks(&cluster["settings"])?,
                tags: Tags::new(),
                tags_all: tags(&cluster["tags"]),
            };
            cx.reads.says(Self::TYPE, &k.id, status(cluster));
            live.push(Live { id: k.id.clone(), value });
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let old = &live.value;
        let parts = |c: &Self| (c.configuration.clone(), c.service_connect_defaults.clone(), c.setting.clone());
        if parts(self) != parts(old) {
            let mut body = self.body();
            body["cluster"] = Json::from(last(&live.id));
            if self.service_connect_defaults.is_none() && old.service_connect_defaults.is_some() {
                body["serviceConnectDefaults"] = json!({ "namespace": "" });
            }
            if self.configuration.is_none() && old.configuration.is_some() {
                body["configuration"] = wire::json(&plain());
            }
            wire::call!(cx.cloud.ecs.update_cluster(), without_nulls(body))?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ecs.delete_cluster().cluster(last(&live.id)).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        arn_of(cx.cloud, "cluster", given).await
    }
}

impl Cluster {
    /// What can be given when it is made and later.
    fn body(&self) -> Json {
        json!({
            "configuration": self.configuration.as_ref().map(wire::json),
            "serviceConnectDefaults": self.service_connect_defaults.as_ref().map(wire::json),
            "settings": (!self.setting.is_empty()).then(|| wire::list(&self.setting)),
        })
    }
}

/// What a cluster has that nobody configured.
fn plain() -> Configuration {
    let commands = ExecuteCommand { kms_key_id: None, log_configuration: None, logging: Some("DEFAULT".into()) };
    Configuration { execute_command_configuration: Some(commands), managed_storage_configuration: None }
}

/// How far ECS has got with a cluster.
fn status(cluster: &Json) -> Status {
    match (cluster["status"].as_str(), cluster["attachmentsStatus"].as_str()) {
        (Some("FAILED"), _) => Status::Failed("ECS could not make what it needs".into()),
        (Some("ACTIVE"), Some("UPDATE_IN_PROGRESS")) => Status::Pending("updating".into()),
        (Some("ACTIVE"), _) => Status::Ready,
        (other, _) => Status::Pending(other.unwrap_or("on its way").to_lowercase()),
    }
}

/// Those of the clusters, given by name or ARN, that exist. What was deleted stays visible for a while, as inactive.
pub(super) async fn described(aws: &Aws, names: &[String]) -> Outcome<Vec<Json>> {
    let pages = each(names.chunks(PAGE), |names| async move {
        let body = json!({ "clusters": names, "include": ["TAGS", "SETTINGS", "CONFIGURATIONS", "ATTACHMENTS"] });
        let answer = wire::call!(aws.ecs.describe_clusters(), body)?;
        failures(&answer)?;
        Ok(Some(wire::items(&answer["clusters"]).filter(|c| c["status"].as_str() != Some("INACTIVE")).cloned().collect::<Vec<_>>()))
    });
    Ok(pages.await?.into_iter().flatten().collect())
}
