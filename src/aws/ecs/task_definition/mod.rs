//! Task definitions: what runs in a task. One is never changed; another revision of its family takes its place.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use aws_sdk_ecs::types::SortOrder;
use serde_json::{Value as Json, json};

use super::{last, retag, tagged, tags, wire, without_nulls};
use crate::aws::ec2::{INTENT_TAG, with_intent};
use crate::aws::error::lacking;
use crate::aws::tags::of_arns;
use crate::aws::types::Arn;
use crate::aws::{Aws, each, listing};
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Tags};
use crate::words::value::Value;

mod containers;

/// How many revisions there are for each call that lists them, at least, for listing to be worth it.
const WORTH: usize = 10;

crate::text!(
    /// What the containers of a task are, as ECS's JSON. What ECS adds is no difference, nor is the order of containers, variables and secrets.
    pub Containers, "JSON list of container definitions", containers::normal, containers::same
);

crate::text!(
    /// CPU units: `1024`, or `1 vCPU`.
    pub Cpu, "number of CPU units, such as `512` or `.5 vCPU`", cpu, |a, b| cpu(a) == cpu(b)
);

crate::text!(
    /// Memory in MiB: `512`, or `.5 GB`.
    pub Memory, "amount of memory, such as `512` or `.5 GB`", memory, |a, b| memory(a) == memory(b)
);

crate::blocks! {
    /// What runs in a task: its containers, what they may use, and what they may do. A change makes another revision.
    pub struct TaskDefinition {
        /// Its ARN, with the revision.
        #[attr(computed)]
        arn: Option<String>,
        /// Its ARN without the revision.
        #[attr(computed)]
        arn_without_revision: Option<String>,
        /// The containers, as JSON: `jsonencode([{ name = "web", image = "nginx" }])`.
        #[attr(force_new)]
        container_definitions: Containers,
        /// The CPU units of the whole task; Fargate needs it.
        #[attr(force_new)]
        cpu: Option<Cpu>,
        /// Whether faults may be injected into its tasks.
        #[attr(chosen, force_new)]
        enable_fault_injection: Option<bool>,
        /// The temporary storage of a Fargate task.
        #[attr(force_new)]
        ephemeral_storage: Option<EphemeralStorage>,
        /// The role that ECS itself takes: to pull images, read secrets and write logs.
        #[attr(force_new)]
        execution_role_arn: Option<Arn>,
        /// The name that its revisions share.
        #[attr(force_new, within(1, 255))]
        family: String,
        /// Elastic Inference, which AWS has ended.
        #[attr(force_new)]
        inference_accelerator: BTreeSet<InferenceAccelerator>,
        /// With whom containers share memory.
        #[attr(force_new, one_of(&["host", "task", "none"]))]
        ipc_mode: Option<String>,
        /// The memory of the whole task in MiB; Fargate needs it.
        #[attr(force_new)]
        memory: Option<Memory>,
        /// How containers reach the network: `awsvpc` gives each task an address of its own.
        #[attr(chosen, force_new, one_of(&["bridge", "host", "awsvpc", "none"]))]
        network_mode: Option<String>,
        /// With whom containers share processes.
        #[attr(force_new, one_of(&["host", "task"]))]
        pid_mode: Option<String>,
        /// On which instances tasks may run.
        #[attr(force_new, max_items(10))]
        placement_constraints: BTreeSet<PlacementConstraint>,
        /// App Mesh's proxy.
        #[attr(force_new)]
        proxy_configuration: Option<Proxy>,
        /// Where it has to be able to run; ECS checks it for that.
        #[attr(force_new)]
        requires_compatibilities: BTreeSet<String>,
        /// The number of the revision.
        #[attr(computed)]
        revision: Option<i64>,
        /// The operating system and the processor.
        #[attr(force_new)]
        runtime_platform: Option<RuntimePlatform>,
        /// Leave revisions there that are replaced or removed from the stack.
        #[attr(local, default_bool(false))]
        skip_destroy: Option<bool>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// The role that the containers take.
        #[attr(force_new)]
        task_role_arn: Option<Arn>,
        /// Compare with the newest revision of the family, not with the one that was made here.
        #[attr(local, default_bool(false))]
        track_latest: Option<bool>,
        /// Storage that containers share.
        #[attr(force_new)]
        volume: BTreeSet<Volume>,
    }

    /// The temporary storage of a Fargate task.
    pub struct EphemeralStorage {
        /// How much, in GiB.
        #[attr(force_new, within(21, 200))]
        size_in_gib: i64,
    }

    /// Elastic Inference.
    pub struct InferenceAccelerator {
        /// Its name.
        #[attr(force_new)]
        device_name: String,
        /// Its type.
        #[attr(force_new)]
        device_type: String,
    }

    /// On which instances tasks may run.
    pub struct PlacementConstraint {
        /// A cluster query.
        #[attr(force_new)]
        expression: Option<String>,
        /// The kind of the constraint.
        #[attr(force_new, one_of(&["memberOf"]))]
        r#type: String,
    }

    /// App Mesh's proxy.
    pub struct Proxy {
        /// The container that it runs in.
        #[attr(force_new)]
        container_name: String,
        /// Its settings.
        #[attr(force_new)]
        properties: BTreeMap<String, String>,
        /// Its kind.
        #[attr(force_new, default_text("APPMESH"), one_of(&["APPMESH"]))]
        r#type: Option<String>,
    }

    /// The operating system and the processor.
    pub struct RuntimePlatform {
        /// The processor.
        #[attr(force_new, one_of(&["X86_64", "ARM64"]))]
        cpu_architecture: Option<String>,
        /// The operating system, `LINUX`.
        #[attr(force_new)]
        operating_system_family: Option<String>,
    }

    /// Storage that containers share.
    pub struct Volume {
        /// Whether the service says what it is.
        #[attr(chosen, force_new)]
        configure_at_launch: Option<bool>,
        /// A volume of Docker.
        #[attr(force_new)]
        docker_volume_configuration: Option<DockerVolume>,
        /// A file system of EFS.
        #[attr(force_new)]
        efs_volume_configuration: Option<EfsVolume>,
        /// A file system of FSx for Windows.
        #[attr(force_new)]
        fsx_windows_file_server_volume_configuration: Option<FsxVolume>,
        /// A folder of the instance.
        #[attr(force_new)]
        host_path: Option<String>,
        /// The name by which containers mount it.
        #[attr(force_new)]
        name: String,
    }

    /// A volume of Docker.
    pub struct DockerVolume {
        /// Whether it is made where it does not exist; of `shared` ones alone.
        #[attr(force_new)]
        autoprovision: Option<bool>,
        /// Docker's driver.
        #[attr(chosen, force_new)]
        driver: Option<String>,
        /// The driver's options.
        #[attr(force_new)]
        driver_opts: BTreeMap<String, String>,
        /// Docker's labels.
        #[attr(force_new)]
        labels: BTreeMap<String, String>,
        /// Whether it outlives the task.
        #[attr(chosen, force_new, one_of(&["task", "shared"]))]
        scope: Option<String>,
    }

    /// A file system of EFS.
    pub struct EfsVolume {
        /// Who mounts it, and where.
        #[attr(force_new)]
        authorization_config: Option<EfsAuthorization>,
        /// The file system.
        #[attr(force_new)]
        file_system_id: String,
        /// The folder; not with an access point, which has its own.
        #[attr(force_new, default_text("/"))]
        root_directory: Option<String>,
        /// Whether what goes over the network is encrypted.
        #[attr(force_new, one_of(&["ENABLED", "DISABLED"]))]
        transit_encryption: Option<String>,
        /// The port for encryption.
        #[attr(force_new, within(0, 65535))]
        transit_encryption_port: Option<i64>,
    }

    /// Who mounts a file system, and where.
    pub struct EfsAuthorization {
        /// The access point.
        #[attr(force_new)]
        access_point_id: Option<String>,
        /// Whether as the task's role.
        #[attr(force_new, one_of(&["ENABLED", "DISABLED"]))]
        iam: Option<String>,
    }

    /// A file system of FSx for Windows.
    pub struct FsxVolume {
        /// Who mounts it.
        #[attr(required, force_new)]
        authorization_config: Option<FsxAuthorization>,
        /// The file system.
        #[attr(force_new)]
        file_system_id: String,
        /// The folder.
        #[attr(force_new)]
        root_directory: String,
    }

    /// Who mounts a file system of FSx.
    pub struct FsxAuthorization {
        /// The secret or parameter that holds name and password.
        #[attr(force_new)]
        credentials_parameter: Arn,
        /// The Active Directory domain.
        #[attr(force_new)]
        domain: String,
    }
}

impl Resource for TaskDefinition {
    const TYPE: &'static str = "aws_ecs_task_definition";
    const SCHEMA_VERSION: u64 = 1;
    const BATCH: usize = 1000;
    const EXAMPLE: &'static str = include_str!("example.toml");
    type Cloud = Aws;

    fn check(given: &Value) -> Vec<Problem> {
        let mode = given.attr("network_mode");
        let containers = given.attr("container_definitions").as_str();
        let mut problems = containers.map_or(vec![], |text| containers::check(text, mode.as_str() == Some("awsvpc")));
        let needs = given.attr("requires_compatibilities");
        if needs.items().iter().any(|n| n.as_str() == Some("FARGATE")) {
            for name in ["cpu", "memory"].into_iter().filter(|name| given.attr(name).is_null()) {
                problems.push(Problem::new(name, format!("Fargate needs `{name}` of the whole task")));
            }
            if mode.as_str().is_some_and(|mode| mode != "awsvpc") {
                problems.push(Problem::new("network_mode", "Fargate needs `network_mode = \"awsvpc\"`"));
            }
        }
        let names: Vec<&str> = needs.items().iter().filter_map(Value::as_str).collect();
        if let Some(other) = names.iter().find(|n| !["EC2", "FARGATE", "EXTERNAL", "MANAGED_INSTANCES"].contains(n)) {
            let why = format!("tasks run on EC2, FARGATE, EXTERNAL or MANAGED_INSTANCES, and not on `{other}`");
            problems.push(Problem::new("requires_compatibilities", why));
        }
        for (i, volume) in given.attr("volume").items().iter().enumerate() {
            let efs = volume.attr("efs_volume_configuration").items().first();
            let point = efs.and_then(|efs| efs.attr("authorization_config").items().first()).map(|a| a.attr("access_point_id"));
            let folder = efs.and_then(|efs| efs.attr("root_directory").as_str()).is_some_and(|folder| folder != "/");
            if folder && point.is_some_and(|point| !point.is_null()) {
                let path = format!("volume.{i}.efs_volume_configuration.0.root_directory");
                problems.push(Problem::new(path, "an access point has a folder of its own: leave `root_directory` out"));
            }
        }
        problems
    }

    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        // What means the same by the network is no change either.
        let own_network = planned.want.attr("network_mode").as_str() == Some("awsvpc");
        let (old, new) = (prior.attr("container_definitions"), planned.want.attr("container_definitions"));
        if let (Some(before), Some(after)) = (old.as_str(), new.as_str())
            && containers::alike(before, after, own_network)
        {
            *planned.want = planned.want.clone().with("container_definitions", old.clone());
        }
    }

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let answer = wire::call!(cx.cloud.ecs.register_task_definition(), self.body(cx.token)?);
        let made = answer.map_err(|failure| if failure.code == "ClientException" { explained(failure) } else { failure })?;
        wire::text(&made["taskDefinition"]["taskDefinitionArn"]).ok_or_else(|| lacking("ARN of the task definition"))
    }

    /// The newest revisions of the family are asked for the tag of the intent.
    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let body = json!({ "familyPrefix": self.family, "status": "ACTIVE", "sort": "DESC", "maxResults": 10 });
        let listed = wire::call!(cx.cloud.ecs.list_task_definitions(), body)?;
        for arn in wire::texts::<Vec<_>>(&listed["taskDefinitionArns"]) {
            let found = described(cx.cloud, &arn).await?;
            if found.is_some_and(|f| tags(&f["tags"]).get(INTENT_TAG).is_some_and(|t| t == cx.token)) {
                return Ok(Some(arn));
            }
        }
        Ok(None)
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let newest = SortOrder::Desc;
        let found: Vec<String> = cx.cloud.ecs.list_task_definitions().sort(newest).into_paginator().items().send().try_collect().await?;
        let family = |arn: &str| last(arn).rsplit_once(':').map_or_else(String::new, |(family, _)| family.to_owned());
        let owned: BTreeSet<String> = cx.reads.asked(&[Self::TYPE]).map(|a| family(&a.id)).collect();
        let mut seen = BTreeSet::new();
        let listed = found.iter().map(|arn| {
            let listed = Listed::new(arn).named(Some(&family(arn))).noise(owned.contains(&family(arn)), "other revisions of managed ones");
            listed.noise(!seen.insert(family(arn)), "earlier revisions")
        });
        listing::with_tags(cx, listed.collect()).await.map(Some)
    }

    /// What is registered never changes: that it is still there is all there is to be asked, but for its tags. So the revisions
    /// that the state knows are looked for in the list of all, a hundred a call, and only the others described, one a call.
    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let held = |k: &Known<Self>| k.prior.as_ref().filter(|p| p.track_latest != Some(true)).and_then(|p| p.arn.clone());
        let listed = active(cx.cloud, known.iter().filter_map(held).count() / WORTH).await?;
        let (kept, others): (Vec<_>, Vec<_>) = known.iter().partition(|k| held(k).is_some_and(|arn| listed.contains(&arn)));
        let arns: Vec<String> = kept.iter().filter_map(|k| held(k)).collect();
        let mut tags_of = of_arns(cx, &arns, |arn| async move {
            let answer = wire::call!(cx.cloud.ecs.list_tags_for_resource(), json!({ "resourceArn": arn }))?;
            Ok(tags(&answer["tags"]))
        })
        .await?;
        let mut live: Vec<Live<Self>> = kept
            .into_iter()
            .filter_map(|k| {
                let mut value = k.prior.clone()?;
                value.tags_all = tags_of.remove(value.arn.as_deref()?).unwrap_or_default();
                value.tags_all.retain(|key, _| !key.starts_with("aws:"));
                Some(Live { id: k.id.clone(), value })
            })
            .collect();
        let more = each(others, |k| async move {
            let prior = k.prior.as_ref();
            let latest = prior.filter(|p| p.track_latest == Some(true)).map(|p| p.family.clone());
            // The id in a state of Terraform's is the family alone.
            let asked = latest.or_else(|| prior.and_then(|p| p.arn.clone())).unwrap_or_else(|| k.id.clone());
            let Some(answer) = described(cx.cloud, &asked).await? else { return Ok(None) };
            Ok(Some(Live { id: k.id.clone(), value: Self::of(&answer, prior)? }))
        });
        live.extend(more.await?);
        Ok(live)
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let arn = live.value.arn.as_deref().unwrap_or(&live.id);
        retag(cx.cloud, arn, &live.value.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        if live.value.skip_destroy == Some(true) {
            return Ok(());
        }
        let arn = live.value.arn.as_deref().unwrap_or(&live.id);
        cx.cloud.ecs.deregister_task_definition().task_definition(arn).send().await?;
        Ok(())
    }

    async fn import(cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let revision = last(given).split_once(':').is_some_and(|(family, n)| !family.is_empty() && n.parse::<u32>().is_ok());
        if !revision {
            return Err(Failure::other(format!("`{given}` is not the ARN of a revision of a task definition"))
                .help("write it like `arn:aws:ecs:us-east-1:123456789012:task-definition/web:3`, or `web:3`"));
        }
        super::arn_of(cx.cloud, "task-definition", given).await
    }
}

impl TaskDefinition {
    /// The request for a new revision.
    fn body(&self, token: &str) -> Outcome<Json> {
        let containers: Json = serde_json::from_str(&self.container_definitions)
            .map_err(|e| Failure::other(format!("`container_definitions` is no JSON: {e}")))?;
        let volumes = self.volume.iter().map(|volume| {
            let mut json = wire::json(volume);
            let path = json.as_object_mut().and_then(|v| v.remove("hostPath"));
            if volume.efs_volume_configuration.as_ref().is_some_and(|e| e.authorization_config.is_some())
                && let Some(efs) = json["efsVolumeConfiguration"].as_object_mut()
            {
                // An access point has a folder of its own, and refuses any other.
                efs.remove("rootDirectory");
            }
            if let Some(path) = path {
                json["host"] = json!({ "sourcePath": path });
            }
            json
        });
        Ok(without_nulls(json!({
            "family": self.family,
            "containerDefinitions": containers,
            "cpu": self.cpu.as_ref().map(|c| &c.0),
            "memory": self.memory.as_ref().map(|m| &m.0),
            "networkMode": self.network_mode.as_deref().filter(|m| !m.is_empty()),
            "enableFaultInjection": self.enable_fault_injection,
            "ephemeralStorage": self.ephemeral_storage.as_ref().map(wire::json),
            "executionRoleArn": self.execution_role_arn.as_ref().map(|a| &a.0),
            "taskRoleArn": self.task_role_arn.as_ref().map(|a| &a.0),
            "ipcMode": self.ipc_mode,
            "pidMode": self.pid_mode,
            "inferenceAccelerators": given(wire::list(&self.inference_accelerator)),
            "placementConstraints": given(wire::list(&self.placement_constraints)),
            "proxyConfiguration": self.proxy_configuration.as_ref().map(wire::json),
            "requiresCompatibilities": (!self.requires_compatibilities.is_empty()).then_some(&self.requires_compatibilities),
            "runtimePlatform": self.runtime_platform.as_ref().map(wire::json),
            "volumes": given(volumes.collect()),
            "tags": tagged(&with_intent(&self.tags_all, token)),
        })))
    }

    /// What ECS answers; what means the same is spelled as the state spells it.
    fn of(answer: &Json, prior: Option<&Self>) -> Outcome<Self> {
        let task = &answer["taskDefinition"];
        let text = |name: &str| wire::text(&task[name]);
        let arn = text("taskDefinitionArn");
        let network_mode = text("networkMode");
        let own_network = network_mode.as_deref() == Some("awsvpc");
        let containers = task["containerDefinitions"].to_string();
        let held = prior.map(|p| &p.container_definitions).filter(|held| containers::alike(held, &containers, own_network));
        let volumes = wire::items(&task["volumes"]).map(|volume| {
            let mut read: Volume = wire::block(volume)?;
            read.host_path = wire::text(&volume["host"]["sourcePath"]);
            let before = prior.and_then(|p| p.volume.iter().find(|v| v.name == read.name));
            if read.configure_at_launch == Some(false) && before.is_none_or(|v| v.configure_at_launch.is_none()) {
                read.configure_at_launch = before.and_then(|v| v.configure_at_launch);
            }
            Ok(read)
        });
        Ok(Self {
            arn_without_revision: arn.as_deref().and_then(|a| a.rsplit_once(':')).map(|(arn, _)| arn.to_owned()),
            container_definitions: held.cloned().unwrap_or(Containers(containers)),
            cpu: text("cpu").map(Cpu),
            enable_fault_injection: task["enableFaultInjection"].as_bool(),
            ephemeral_storage: wire::some(&task["ephemeralStorage"])?,
            execution_role_arn: text("executionRoleArn").map(Arn),
            family: text("family").ok_or_else(|| lacking("family"))?,
            inference_accelerator: wire::blocks(&task["inferenceAccelerators"])?,
            ipc_mode: text("ipcMode"),
            memory: text("memory").map(Memory),
            pid_mode: text("pidMode"),
            placement_constraints: wire::blocks(&task["placementConstraints"])?,
            proxy_configuration: wire::some(&task["proxyConfiguration"])?,
            requires_compatibilities: wire::texts(&task["requiresCompatibilities"]),
            revision: task["revision"].as_i64(),
            runtime_platform: wire::some(&task["runtimePlatform"])?,
            skip_destroy: prior.and_then(|p| p.skip_destroy),
            tags: Tags::new(),
            tags_all: tags(&answer["tags"]),
            task_role_arn: text("taskRoleArn").map(Arn),
            track_latest: prior.and_then(|p| p.track_latest),
            volume: volumes.collect::<Outcome<_>>()?,
            network_mode,
            arn,
        })
    }
}

fn given(list: Json) -> Json {
    if list.as_array().is_some_and(Vec::is_empty) { Json::Null } else { list }
}

/// With a word on what the refusal most often means.
fn explained(failure: Failure) -> Failure {
    if failure.message.contains("memory") && failure.help.is_empty() {
        return failure.help("give `memory` of the whole task, or `memory` or `memoryReservation` of each container");
    }
    failure
}

/// That revision, or the newest of that family, if it is active.
pub(super) async fn described(aws: &Aws, asked: &str) -> Outcome<Option<Json>> {
    let answer = wire::call!(aws.ecs.describe_task_definition(), json!({ "taskDefinition": asked, "include": ["TAGS"] }));
    match answer {
        Ok(answer) => Ok((answer["taskDefinition"]["status"].as_str() == Some("ACTIVE")).then_some(answer)),
        Err(failure) if failure.cause == Cause::Gone || failure.message.contains("Unable to describe task definition") => Ok(None),
        Err(failure) => Err(failure),
    }
}

/// The ARNs of active revisions, the newest first of each family, as many as that many calls tell.
async fn active(aws: &Aws, calls: usize) -> Outcome<HashSet<String>> {
    let (mut found, mut next) = (HashSet::new(), Json::Null);
    for _ in 0..calls {
        let body = without_nulls(json!({ "status": "ACTIVE", "sort": "DESC", "maxResults": 100, "nextToken": next }));
        let page = wire::call!(aws.ecs.list_task_definitions(), body)?;
        found.extend(wire::texts::<Vec<_>>(&page["taskDefinitionArns"]));
        next = page["nextToken"].clone();
        if next.as_str().is_none_or(str::is_empty) {
            break;
        }
    }
    Ok(found)
}

/// An amount in units, or in a thousand and twenty-four of them behind a word.
fn amount(text: &str, words: &[&str]) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    if let Some(number) = words.iter().find_map(|word| lower.strip_suffix(word)) {
        let number: f64 = number.trim().parse().ok()?;
        return (number.is_finite() && number > 0.0).then(|| format!("{:.0}", number * 1024.0));
    }
    lower.parse::<u32>().ok().map(|n| n.to_string())
}

fn cpu(text: &str) -> Result<String, String> {
    amount(text, &["vcpu"]).ok_or_else(|| "write it like `512` or `.5 vCPU`".into())
}

fn memory(text: &str) -> Result<String, String> {
    amount(text, &["gb"]).ok_or_else(|| "write it like `512` or `.5 GB`".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_told_in_units() {
        for (text, units) in [("1024", "1024"), ("1 vCPU", "1024"), (".25vcpu", "256"), (" 2 vCPU ", "2048")] {
            assert_eq!(cpu(text).as_deref(), Ok(units), "{text}");
        }
        assert_eq!(memory("0.5 GB").as_deref(), Ok("512"));
        assert!(memory("1 vCPU").is_err());
        assert!(cpu("much").is_err());
    }
}
