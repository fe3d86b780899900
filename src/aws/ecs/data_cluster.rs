//! Looks up a cluster.

use std::collections::BTreeSet;

use super::cluster::{ServiceConnectDefaults, Setting, described};
use super::{tags, wire};
use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Tags};

crate::blocks! {
    /// A cluster of ECS.
    pub struct ClusterData {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Its name.
        cluster_name: String,
        /// How many tasks are about to run.
        #[attr(computed)]
        pending_tasks_count: Option<i64>,
        /// How many instances have joined it.
        #[attr(computed)]
        registered_container_instances_count: Option<i64>,
        /// How many tasks run.
        #[attr(computed)]
        running_tasks_count: Option<i64>,
        /// Where services find one another if they don't say it.
        #[attr(computed)]
        service_connect_defaults: Vec<Defaults>,
        /// What is switched on in it.
        #[attr(computed)]
        setting: BTreeSet<Setting>,
        /// `ACTIVE`, or why not.
        #[attr(computed)]
        status: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
    }

    /// Where services find one another if they don't say it.
    pub struct Defaults {
        /// The ARN of the Cloud Map namespace.
        namespace: String,
    }
}

impl DataSource for ClusterData {
    const TYPE: &'static str = "aws_ecs_cluster";
    const EXAMPLE: &'static str = r#"
[data.aws_ecs_cluster.example]
cluster_name = "main"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.cluster_name)).await?;
        let cluster = found.first().ok_or_else(|| {
            Failure::other(format!("there is no ECS cluster `{}`", self.cluster_name))
                .help(format!("it was looked for in {}", cx.cloud.region))
        })?;
        let defaults: Option<ServiceConnectDefaults> = wire::some(&cluster["serviceConnectDefaults"])?;
        let value = Self {
            arn: wire::text(&cluster["clusterArn"]),
            pending_tasks_count: cluster["pendingTasksCount"].as_i64(),
            registered_container_instances_count: cluster["registeredContainerInstancesCount"].as_i64(),
            running_tasks_count: cluster["runningTasksCount"].as_i64(),
            service_connect_defaults: defaults.into_iter().map(|d| Defaults { namespace: d.namespace.0 }).collect(),
            setting: wire::blocks(&cluster["settings"])?,
            status: wire::text(&cluster["status"]),
            tags: tags(&cluster["tags"]),
            ..self
        };
        Ok(Live { id: value.arn.clone().unwrap_or_default(), value })
    }
}
