//! The capacity providers of a cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;

use super::cluster::described;
use super::{last, updating, wire};
use crate::aws::Aws;
use crate::words::failure::Outcome;
use crate::words::resource::{Cx, Hold, Id, Known, Live, Problem, Resource, Retry, Status, Then};
use crate::words::value::Value;

crate::blocks! {
    /// The capacity providers that a cluster may use, and those that it uses where a service says nothing.
    pub struct ClusterCapacityProviders {
        /// The names of the capacity providers; `FARGATE` and `FARGATE_SPOT` are there in every account.
        capacity_providers: BTreeSet<String>,
        /// The name of the cluster.
        #[attr(force_new, refers("aws_ecs_cluster.name"))]
        cluster_name: String,
        /// On which of them tasks run where a service says nothing.
        default_capacity_provider_strategy: BTreeSet<Strategy>,
    }

    /// A share of the tasks on one capacity provider.
    pub struct Strategy {
        /// How many tasks run on it before any other counts.
        #[attr(default_int(0), within(0, 100_000))]
        base: Option<i64>,
        /// Its name.
        capacity_provider: String,
        /// Its share of the rest.
        #[attr(default_int(0), within(0, 1000))]
        weight: Option<i64>,
    }
}

impl Resource for ClusterCapacityProviders {
    const TYPE: &'static str = "aws_ecs_cluster_capacity_providers";
    const HOLDS: &'static [Hold] = &[Hold { kind: "aws_ecs_capacity_provider", through: "capacity_providers", then: Then::Replaced }];
    const BATCH: usize = 500;
    const UPSERTS: bool = true;
    const GONE: &'static [&'static str] = &["ClusterNotFoundException"];
    const RETRY: &'static [Retry] = &[
        updating("PutClusterCapacityProviders"),
        Retry {
            operation: "PutClusterCapacityProviders",
            code: "ClientException",
            message: "Cluster was not ACTIVE",
            within: Duration::from_secs(600),
        },
        // Tasks still run on what is taken away.
        Retry { operation: "PutClusterCapacityProviders", code: "ResourceInUseException", message: "", within: Duration::from_secs(600) },
    ];
    const EXAMPLE: &'static str = r#"
[resource.aws_ecs_cluster.main]
name = "providers-example"

[resource.aws_ecs_cluster_capacity_providers.example]
cluster_name = "${aws_ecs_cluster.main.name}"
capacity_providers = ["FARGATE"]
---
[resource.aws_ecs_cluster.main]
name = "providers-example"

[resource.aws_ecs_cluster_capacity_providers.example]
cluster_name = "${aws_ecs_cluster.main.name}"
capacity_providers = ["FARGATE", "FARGATE_SPOT"]
default_capacity_provider_strategy = [
  { capacity_provider = "FARGATE", base = 1 },
  { capacity_provider = "FARGATE_SPOT", weight = 100 },
]
"#;
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let (providers, strategy) = (given.attr("capacity_providers"), given.attr("default_capacity_provider_strategy").items());
        let number = |value: &Value| value.as_number().and_then(|n| n.as_i64()).unwrap_or(0);
        let mut problems = vec![];
        if strategy.iter().filter(|s| number(s.attr("base")) > 0).count() > 1 {
            problems.push(Problem::new("default_capacity_provider_strategy", "only one capacity provider can have a `base`"));
        }
        if providers.is_known() {
            let used = strategy.iter().filter_map(|s| s.attr("capacity_provider").as_str());
            let strange = used.filter(|name| !providers.items().iter().any(|p| p.as_str() == Some(name)));
            problems.extend(strange.map(|name| {
                let why = format!("`{name}` is not among `capacity_providers`");
                Problem::new("default_capacity_provider_strategy", why)
            }));
        }
        problems
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        self.put(cx.cloud).await?;
        Ok(last(&self.cluster_name).to_owned())
    }

    /// A cluster that has some already.
    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let found = described(cx.cloud, std::slice::from_ref(&self.cluster_name)).await?;
        let some = |c: &&serde_json::Value| wire::items(&c["capacityProviders"]).next().is_some();
        Ok(found.iter().find(some).map(|_| last(&self.cluster_name).to_owned()))
    }

    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        Ok(self.find(cx).await?.into_iter().collect())
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let names: Vec<String> = known.iter().map(|k| k.id.clone()).collect();
        let mut live = vec![];
        for cluster in described(cx.cloud, &names).await? {
            let name = wire::text(&cluster["clusterName"]).unwrap_or_default();
            let value = Self {
                capacity_providers: wire::texts(&cluster["capacityProviders"]),
                cluster_name: name.clone(),
                default_capacity_provider_strategy: wire::blocks(&cluster["defaultCapacityProviderStrategy"])?,
            };
            if cluster["attachmentsStatus"].as_str() == Some("UPDATE_IN_PROGRESS") {
                cx.reads.says(Self::TYPE, &name, Status::Pending("updating".into()));
            }
            live.push(Live { id: name, value });
        }
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, _: &Live<Self>) -> Outcome<()> {
        self.put(cx.cloud).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let none = Self {
            capacity_providers: BTreeSet::new(),
            cluster_name: live.id.clone(),
            default_capacity_provider_strategy: BTreeSet::new(),
        };
        none.put(cx.cloud).await
    }
}

impl ClusterCapacityProviders {
    /// Makes the cluster's list this one.
    async fn put(&self, aws: &Aws) -> Outcome<()> {
        let body = json!({
            "cluster": self.cluster_name,
            "capacityProviders": self.capacity_providers,
            "defaultCapacityProviderStrategy": wire::list(&self.default_capacity_provider_strategy),
        });
        wire::call!(aws.ecs.put_cluster_capacity_providers(), body).map(drop)
    }
}
