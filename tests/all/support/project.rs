//! One of the stacks as a newcomer has it: in a project of its own, on an account of its own, run by the real program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::sandbox::Cloud;

/// What a run of the program said, and how it ended.
#[derive(Debug)]
pub struct Said {
    /// Its exit code; -1 where it was killed.
    pub code: i32,
    /// Its data.
    pub out: String,
    /// All else that it said.
    pub err: String,
}

impl Said {
    /// What an ended process said.
    pub fn of(output: &Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// What stands in both, on one line: words are found wherever lines were broken.
    pub fn flat(&self) -> String {
        format!("{} {}", self.out, self.err).split_whitespace().collect::<Vec<_>>().join(" ")
    }
}

/// See the module.
pub struct Project {
    /// The project's root.
    pub folder: tempfile::TempDir,
    /// Its account.
    pub cloud: Cloud,
    /// The stack's name.
    name: &'static str,
    /// What every run is given.
    vars: Vec<String>,
}

/// The state, by the type of resource: the ids of what there is.
pub type Things = BTreeMap<&'static str, BTreeSet<String>>;

impl Project {
    /// The gateway-node stack, nothing applied yet.
    pub fn new(cloud: Cloud) -> Self {
        Self::of("gateway-node", cloud, &[])
    }

    /// That stack, nothing applied yet, with those values of variables; a key that it makes lies in the project.
    pub fn of(name: &'static str, cloud: Cloud, vars: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks").join(name);
        copy(&from, &folder.path().join("stacks").join(name));
        let mut vars: Vec<String> = vars.iter().map(|&var| var.to_owned()).collect();
        if fs::read_to_string(from.join("stack.toml")).unwrap().contains("[variable.private_key_path]") {
            vars.push(format!("private_key_path={}", folder.path().join("key.pem").display()));
        }
        Self { folder, cloud, name, vars }
    }

    /// The program on this stack, calling `cloud`: the account itself, or what stands before it.
    pub fn command(&self, cloud: &Cloud, command: &str, more: &[&str]) -> Command {
        let stack = format!("stacks/{}", self.name);
        let mut run = self.bare(cloud, &[command, &stack]);
        run.args(self.vars.iter().flat_map(|var| ["--var", var])).args(more);
        run
    }

    /// The program in this project.
    pub fn bare(&self, cloud: &Cloud, args: &[&str]) -> Command {
        let mut run = Command::new(env!("CARGO_BIN_EXE_ferroform"));
        run.args(args).current_dir(self.folder.path()).envs(cloud.env()).env("NO_COLOR", "1").stdin(Stdio::null());
        run
    }

    /// Runs it to its end.
    pub fn run(&self, command: &str, more: &[&str]) -> Said {
        Said::of(&self.command(&self.cloud, command, more).output().unwrap())
    }

    /// The private key that the stack writes.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("key.pem")
    }

    /// The state file.
    pub fn state_path(&self) -> PathBuf {
        self.folder.path().join("state").join(format!("{}.tfstate.json", self.name))
    }

    /// The journal of a run that is under way, or that died.
    pub fn journal_path(&self) -> PathBuf {
        self.folder.path().join("state").join(format!("{}.tfstate.json.journal", self.name))
    }

    /// What is left beside the state while a run is unfinished.
    pub fn leftovers(&self) -> Vec<String> {
        let names = fs::read_dir(self.folder.path().join("state")).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.to_string_lossy().into_owned());
        let state = format!("{}.tfstate.json", self.name);
        names.filter(|name| *name != state && *name != format!("{state}.backup")).collect()
    }

    /// The state file's JSON.
    pub fn state(&self) -> serde_json::Value {
        serde_json::from_slice(&fs::read(self.state_path()).unwrap()).unwrap()
    }

    /// What the state holds of what the stack makes in AWS.
    pub fn held(&self) -> Things {
        let state = self.state();
        let mut held = Things::new();
        for resource in state["resources"].as_array().unwrap().iter().filter(|r| r["mode"] == "managed") {
            for instance in resource["instances"].as_array().unwrap() {
                let id = |name: &str| instance["attributes"][name].as_str().unwrap_or_default().to_owned();
                let kind = TYPES.iter().find(|kind| resource["type"] == **kind);
                let Some(kind) = kind else { continue };
                let id = if *kind == "aws_iam_role_policy_attachment" { id("policy_arn") } else { id("id") };
                held.entry(kind).or_default().insert(id);
                assert!(instance.get("deposed").is_none(), "{resource}");
            }
        }
        held
    }

    /// Clients of the account.
    pub async fn aws(&self) -> aws_config::SdkConfig {
        let keys = aws_credential_types::Credentials::new(&self.cloud.access_key, "none", None, None, "test");
        let http = aws_smithy_http_client::Builder::new().build_http();
        let config = aws_config::defaults(aws_config::BehaviorVersion::latest()).endpoint_url(&self.cloud.endpoint);
        let region = if self.name == "ecs-platform" { "us-west-2" } else { "us-east-1" };
        config.region(aws_config::Region::new(region)).credentials_provider(keys).http_client(http).load().await
    }
}

/// A folder with all that is in it.
pub fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// The types of which the stack makes something in AWS.
pub const TYPES: &[&str] = &[
    "aws_instance",
    "aws_security_group",
    "aws_eip",
    "aws_eip_association",
    "aws_key_pair",
    "aws_iam_role",
    "aws_iam_role_policy_attachment",
    "aws_iam_instance_profile",
    "aws_cloudwatch_log_group",
    "aws_cloudwatch_metric_alarm",
];

/// Everything in the account of the sorts that the stack makes, by id, those included that every account has.
pub async fn there_is(aws: &aws_config::SdkConfig) -> Things {
    let (ec2, iam) = (aws_sdk_ec2::Client::new(aws), aws_sdk_iam::Client::new(aws));
    let set = |ids: Vec<Option<&str>>| ids.into_iter().flatten().map(str::to_owned).collect::<BTreeSet<_>>();
    let instances = ec2.describe_instances().send().await.unwrap().reservations.unwrap_or_default();
    let ended = |i: &aws_sdk_ec2::types::Instance| i.state().and_then(|s| s.name()).is_some_and(|n| n.as_str() == "terminated");
    let (gone, live): (Vec<_>, Vec<_>) = instances.iter().flat_map(|r| r.instances()).partition(|i| ended(i));
    let groups = ec2.describe_security_groups().send().await.unwrap().security_groups.unwrap_or_default();
    let addresses = ec2.describe_addresses().send().await.unwrap().addresses.unwrap_or_default();
    let volumes = ec2.describe_volumes().send().await.unwrap().volumes.unwrap_or_default();
    let keys = ec2.describe_key_pairs().send().await.unwrap().key_pairs.unwrap_or_default();
    let roles = iam.list_roles().send().await.unwrap().roles;
    let mut attached = BTreeSet::new();
    for role in &roles {
        let policies = iam.list_attached_role_policies().role_name(role.role_name()).send().await.unwrap();
        attached.extend(set(policies.attached_policies().iter().map(|p| p.policy_arn()).collect()));
    }
    let profiles = iam.list_instance_profiles().send().await.unwrap().instance_profiles;
    let logs = aws_sdk_cloudwatchlogs::Client::new(aws).describe_log_groups().send().await.unwrap().log_groups.unwrap_or_default();
    let alarms = aws_sdk_cloudwatch::Client::new(aws).describe_alarms().send().await.unwrap().metric_alarms.unwrap_or_default();
    let found = [
        ("aws_instance", set(live.iter().map(|i| i.instance_id()).collect())),
        ("terminated", set(gone.iter().map(|i| i.instance_id()).collect())),
        ("aws_security_group", set(groups.iter().map(|g| g.group_id()).collect())),
        ("aws_eip", set(addresses.iter().map(|a| a.allocation_id()).collect())),
        ("aws_eip_association", set(addresses.iter().map(|a| a.association_id().filter(|id| !id.is_empty())).collect())),
        ("volumes", set(volumes.iter().map(|v| v.volume_id()).collect())),
        ("aws_key_pair", set(keys.iter().map(|k| k.key_name()).collect())),
        ("aws_iam_role", set(roles.iter().map(|r| Some(r.role_name())).collect())),
        ("aws_iam_role_policy_attachment", attached),
        ("aws_iam_instance_profile", set(profiles.iter().map(|p| Some(p.instance_profile_name())).collect())),
        ("aws_cloudwatch_log_group", set(logs.iter().map(|l| l.log_group_name()).collect())),
        ("aws_cloudwatch_metric_alarm", set(alarms.iter().map(|a| a.alarm_name()).collect())),
    ];
    found.into_iter().filter(|(_, ids)| !ids.is_empty()).collect()
}
