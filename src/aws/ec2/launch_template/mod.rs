//! Launch templates.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{LaunchTemplate as Template, LaunchTemplateVersion, ResourceType};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{by, retag, some, tagged};
use crate::aws::ec2::listing;
use crate::aws::error::{absent, lacking};
use crate::aws::{Aws, each, name};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{Cx, Id, Known, Live, Planned, Problem, Resource, Retry, Tags};

mod answer;
mod blocks;
mod request;
mod requirements;

pub use blocks::*;
pub use requirements::{Fractions, Least, Range, Requirements};

crate::text!(
    /// Bytes in base64.
    pub Encoded, "base64", normal_base64, |a, b| a == b
);

fn normal_base64(text: &str) -> Result<String, String> {
    let wrong = || "base64, as `base64encode(...)` gives it".to_owned();
    STANDARD.decode(text).map(|_| text.to_owned()).map_err(|_| wrong())
}

crate::blocks! {
    /// What instances are made from: by an Auto Scaling group, say. Every change of what it holds is a new version.
    pub struct LaunchTemplate {
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The devices that instances get.
        block_device_mappings: Vec<BlockDevice>,
        /// Which capacity reservation instances run in.
        capacity_reservation_specification: Option<Reservation>,
        /// How many cores and threads instances have.
        cpu_options: Option<Cpu>,
        /// What a burstable instance does when it has used up its credits.
        credit_specification: Option<Credit>,
        /// The version that is used where none is named.
        #[attr(chosen, conflicts(&["update_default_version"]), within(1, 10_000))]
        default_version: Option<i64>,
        /// What the version is for.
        #[attr(within(0, 255))]
        description: Option<String>,
        /// Whether instances refuse to be stopped through the API.
        disable_api_stop: Option<bool>,
        /// Whether instances refuse to be terminated through the API.
        disable_api_termination: Option<bool>,
        /// Whether instances have bandwidth of their own to EBS.
        ebs_optimized: Option<Choice>,
        /// Graphics accelerators; AWS has none of these any more.
        elastic_gpu_specifications: Vec<Gpu>,
        /// An inference accelerator; AWS has none of these any more.
        elastic_inference_accelerator: Option<Accelerator>,
        /// Nitro Enclaves.
        enclave_options: Option<Enclave>,
        /// Hibernation.
        hibernation_options: Option<Hibernation>,
        /// The instance profile that gives instances a role.
        iam_instance_profile: Option<Profile>,
        /// The image, or `resolve:ssm:PARAMETER` for the one that a parameter names at each launch.
        #[attr(refers("aws_ami.id"))]
        image_id: Option<String>,
        /// What a shutdown from within does.
        #[attr(one_of(&["stop", "terminate"]))]
        instance_initiated_shutdown_behavior: Option<String>,
        /// How instances are bought.
        instance_market_options: Option<Market>,
        /// What instances should be able to do, in place of a type.
        #[attr(conflicts(&["instance_type"]))]
        instance_requirements: Option<Requirements>,
        /// The type.
        #[attr(conflicts(&["instance_requirements"]))]
        instance_type: Option<String>,
        /// The kernel, of images for paravirtual machines.
        kernel_id: Option<String>,
        /// The key pair to log in with.
        #[attr(refers("aws_key_pair.key_name"))]
        key_name: Option<String>,
        /// The newest version.
        #[attr(computed)]
        latest_version: Option<i64>,
        /// License configurations.
        license_specification: BTreeSet<License>,
        /// What AWS does when the host breaks.
        maintenance_options: Option<Maintenance>,
        /// The metadata service of instances.
        metadata_options: Option<Metadata>,
        /// Measurements in CloudWatch.
        monitoring: Option<Monitoring>,
        /// Its name, unlike any other in the region.
        #[attr(chosen, force_new, within(3, 128), conflicts(&["name_prefix"]))]
        name: Option<String>,
        /// What its name begins with; the rest is made up.
        #[attr(chosen, force_new, within(1, 102), conflicts(&["name"]))]
        name_prefix: Option<String>,
        /// The network interfaces that instances get.
        network_interfaces: Vec<Nic>,
        /// Where instances run.
        placement: Option<Placement>,
        /// Names of instances within the VPC.
        private_dns_name_options: Option<DnsName>,
        /// The RAM disk, of images for paravirtual machines.
        ram_disk_id: Option<String>,
        /// Security groups by name, in the default VPC only. Use `vpc_security_group_ids`.
        #[attr(conflicts(&["vpc_security_group_ids"]))]
        security_group_names: BTreeSet<String>,
        /// Tags of what is made from the template.
        tag_specifications: Vec<TagSpecification>,
        /// The template's own tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Whether the newest version is always the default one.
        #[attr(local, conflicts(&["default_version"]))]
        update_default_version: Option<bool>,
        /// What instances are told at their first start, in base64: `base64encode(...)`.
        user_data: Option<Encoded>,
        /// Security groups. With `network_interfaces` they belong there.
        #[attr(conflicts(&["security_group_names"]), refers("aws_security_group.id"))]
        vpc_security_group_ids: BTreeSet<String>,
    }
}

/// How many bytes user data may have.
const MOST: usize = 16_384;

impl Resource for LaunchTemplate {
    const TYPE: &'static str = "aws_launch_template";
    const KNOWN_BY: Option<&'static str> = Some("name");
    const BATCH: usize = 200;
    const GONE: &'static [&'static str] =
        &["InvalidLaunchTemplateId.NotFound", "InvalidLaunchTemplateId.VersionNotFound", "InvalidLaunchTemplateName.NotFoundException"];
    const RETRY: &'static [Retry] = &[];
    const EXAMPLE: &'static str = include_str!("example.toml");
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        let call = cx.cloud.ec2.create_launch_template().client_token(cx.token).launch_template_name(self.named(cx.token));
        let call = call.set_version_description(some(self.description.as_deref())).launch_template_data(self.request()?);
        let made = call.set_tag_specifications(tagged(ResourceType::LaunchTemplate, &self.tags_all)).send().await?;
        made.launch_template.and_then(|t| t.launch_template_id).ok_or_else(|| lacking("launch template id"))
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        let call = cx.cloud.ec2.describe_launch_templates().filters(by("launch-template-name", [self.named(cx.token)]));
        let found = absent(call.send().await.map_err(Into::into))?.and_then(|found| found.launch_templates);
        Ok(found.unwrap_or_default().into_iter().find_map(|t| t.launch_template_id))
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let found: Vec<_> = cx.cloud.ec2.describe_launch_templates().into_paginator().items().send().try_collect().await?;
        let listed = found.iter().filter_map(|t| {
            let listed = listing::listed(t.launch_template_id(), t.tags())?.named(t.launch_template_name());
            Some(listed.noise(listing::operated(t.operator()), "kept by an AWS service"))
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        let found = templates(cx.cloud, known.iter().map(|k| k.id.clone()).collect()).await?;
        let versions = versions(cx.cloud, found.keys()).await?;
        let account = cx.cloud.account().await?;
        let live = known.iter().filter_map(|known| {
            let (template, version) = (found.get(&known.id)?, versions.get(&known.id)?);
            let value = answer::template(cx.cloud, &account, template, version, known.prior.as_ref());
            Some(Live { id: known.id.clone(), value })
        });
        Ok(live.collect())
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        let (ec2, old) = (&cx.cloud.ec2, &live.value);
        let mut latest = old.latest_version;
        let description = |template: &Self| some(template.description.as_deref());
        if self.request()? != old.request()? || description(self) != description(old) {
            let call = ec2.create_launch_template_version().client_token(cx.token).launch_template_id(&live.id);
            let call = call.set_version_description(description(self)).launch_template_data(self.request()?);
            latest = call.send().await?.launch_template_version.and_then(|v| v.version_number);
        }
        let default = if self.update_default_version == Some(true) { latest } else { self.default_version };
        if let Some(default) = default.filter(|_| default != old.default_version) {
            let call = ec2.modify_launch_template().client_token(format!("{}d", &cx.token[..cx.token.len().min(63)]));
            call.launch_template_id(&live.id).default_version(default.to_string()).send().await?;
        }
        retag(cx.cloud, &live.id, &old.tags_all, &self.tags_all).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        cx.cloud.ec2.delete_launch_template().launch_template_id(&live.id).send().await?;
        Ok(())
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        if given.starts_with("lt-") {
            return Ok(given.to_owned());
        }
        Err(Failure::other(format!("`{given}` is no id of a launch template")).help("give an id such as `lt-0123456789abcdef0`"))
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = vec![];
        let allowed = |c: char| c.is_ascii_alphanumeric() || "().-/_".contains(c);
        for name in ["name", "name_prefix"] {
            if given.attr(name).as_str().is_some_and(|text| !text.chars().all(allowed)) {
                problems.push(Problem::new(name, "a name holds letters, digits and ().-/_ only"));
            }
        }
        let bytes = given.attr("user_data").as_str().and_then(|text| STANDARD.decode(text).ok()).map_or(0, |bytes| bytes.len());
        if bytes > MOST {
            let why = format!("user data can have {MOST} bytes and this has {bytes}; let it fetch the rest, or compress it with gzip");
            problems.push(Problem::new("user_data", why));
        }
        for name in ["elastic_gpu_specifications", "elastic_inference_accelerator"] {
            if !given.attr(name).items().is_empty() {
                problems.push(Problem::new(name, "AWS has none of these any more"));
            }
        }
        let interfaces = given.attr("network_interfaces").items();
        for name in ["vpc_security_group_ids", "security_group_names"] {
            if !interfaces.is_empty() && !given.attr(name).is_empty() {
                let why = "with `network_interfaces` the groups belong there, as `security_groups`: EC2 refuses both at launch";
                problems.push(Problem::new(name, why));
            }
        }
        for (i, device) in given.attr("block_device_mappings").items().iter().enumerate() {
            let at = |name: &str| format!("block_device_mappings.{i}.ebs.0.{name}");
            let Some(ebs) = device.attr("ebs").items().first() else { continue };
            let kind = ebs.attr("volume_type");
            let number = |name: &str| ebs.attr(name).as_number().and_then(|n| n.as_i64()).filter(|n| *n != 0);
            if kind.as_str().is_some_and(|kind| kind != "gp3") && number("throughput").is_some() {
                problems.push(Problem::new(at("throughput"), "only a volume of type `gp3` has `throughput` to choose"));
            }
            if matches!(kind.as_str(), Some("io1" | "io2")) && ebs.attr("iops").is_null() {
                problems.push(Problem::new(at("iops"), "a volume of this type needs `iops`"));
            }
        }
        problems
    }

    /// A change of what it holds is a new version, and the default one may go along.
    fn plan(planned: &mut Planned<'_>) {
        let Some(prior) = planned.prior else { return };
        let apart = ["tags", "tags_all", "default_version", "update_default_version", "name", "name_prefix", "latest_version", "arn"];
        let new = planned.changed.iter().any(|name| !apart.contains(&name.as_str()));
        let follows = planned.want.attr("update_default_version").as_bool() == Some(true);
        if new {
            *planned.want = std::mem::take(planned.want).with("latest_version", Value::unknown());
        }
        if follows && new {
            *planned.want = std::mem::take(planned.want).with("default_version", Value::unknown());
        } else if follows && !prior.attr("latest_version").is_null() {
            *planned.want = std::mem::take(planned.want).with("default_version", prior.attr("latest_version").clone());
        }
    }
}

impl LaunchTemplate {
    fn named(&self, token: &str) -> String {
        name::generate(self.name.as_deref(), self.name_prefix.as_deref(), token)
    }
}

/// The templates with those ids. One that no longer exists fails the call for all: then each is asked for by itself.
async fn templates(aws: &Aws, ids: Vec<Id>) -> Outcome<BTreeMap<Id, Template>> {
    let describe = |ids: Vec<Id>| async move {
        let found = aws.ec2.describe_launch_templates().set_launch_template_ids(Some(ids)).send().await;
        absent(found.map_err(Into::into)).map(|found| found.map(|f| f.launch_templates.unwrap_or_default()))
    };
    let found = match describe(ids.clone()).await? {
        Some(found) => found,
        None => each(ids, |id| describe(vec![id])).await?.into_iter().flatten().collect(),
    };
    Ok(found.into_iter().filter_map(|t| Some((t.launch_template_id.clone()?, t))).collect())
}

/// The latest version of each of those templates: EC2 tells those of one template a call.
async fn versions<'a>(aws: &Aws, ids: impl Iterator<Item = &'a Id>) -> Outcome<BTreeMap<Id, LaunchTemplateVersion>> {
    let found = each(ids.cloned(), |id| async move {
        let call = aws.ec2.describe_launch_template_versions().launch_template_id(&id).versions("$Latest");
        let found = absent(call.send().await.map_err(Into::into))?.and_then(|found| found.launch_template_versions);
        Ok(found.unwrap_or_default().into_iter().next().map(|version| (id, version)))
    });
    Ok(found.await?.into_iter().collect())
}
