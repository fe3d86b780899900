//! Looks up an image.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{BlockDeviceMapping, EbsBlockDevice, Image};
use regex::Regex;

use super::filter::{self, Filter, Search};
use super::{arn_of, tags};
use crate::aws::Aws;
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Live, Problem, Tags};

crate::blocks! {
    /// An image from which instances start.
    pub struct Ami {
        /// The processor that it is for, `x86_64` or `arm64`.
        #[attr(computed)]
        architecture: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// The disks that an instance gets.
        #[attr(computed)]
        block_device_mappings: BTreeSet<Device>,
        /// `uefi`, `legacy-bios` or `uefi-preferred`.
        #[attr(computed)]
        boot_mode: Option<String>,
        /// When it was made.
        #[attr(computed)]
        creation_date: Option<String>,
        /// When it is out of date.
        #[attr(computed)]
        deprecation_time: Option<String>,
        /// What it is.
        #[attr(computed)]
        description: Option<String>,
        /// Whether it can use the Elastic Network Adapter.
        #[attr(computed)]
        ena_support: Option<bool>,
        /// Only images that these may start: accounts, `self` or `all`.
        executable_users: Vec<String>,
        /// Only images that pass.
        filter: BTreeSet<Filter>,
        /// The hypervisor that it is for.
        #[attr(computed)]
        hypervisor: Option<String>,
        /// Its id.
        #[attr(computed)]
        image_id: Option<String>,
        /// Where it lies.
        #[attr(computed)]
        image_location: Option<String>,
        /// The word for its owner, `amazon`.
        #[attr(computed)]
        image_owner_alias: Option<String>,
        /// `machine`, `kernel` or `ramdisk`.
        #[attr(computed)]
        image_type: Option<String>,
        /// `v2.0` where instances want tokens for their metadata.
        #[attr(computed)]
        imds_support: Option<String>,
        /// Look among those out of date too.
        include_deprecated: Option<bool>,
        /// Its kernel, if that is apart.
        #[attr(computed)]
        kernel_id: Option<String>,
        /// When an instance last started from it.
        #[attr(computed)]
        last_launched_time: Option<String>,
        /// Of several take the newest; else several are an error.
        most_recent: Option<bool>,
        /// Its name.
        #[attr(computed)]
        name: Option<String>,
        /// Only images whose name matches this regular expression.
        name_regex: Option<String>,
        /// The account that it belongs to.
        #[attr(computed)]
        owner_id: Option<String>,
        /// Only images of these: accounts, `self`, `amazon`, `aws-marketplace`.
        owners: Vec<String>,
        /// `windows`, or nothing.
        #[attr(computed)]
        platform: Option<String>,
        /// The platform that is billed.
        #[attr(computed)]
        platform_details: Option<String>,
        /// Its product codes.
        #[attr(computed)]
        product_codes: BTreeSet<ProductCode>,
        /// Whether anybody may use it.
        #[attr(computed)]
        public: Option<bool>,
        /// Its RAM disk, if that is apart.
        #[attr(computed)]
        ramdisk_id: Option<String>,
        /// The device of the root disk, `/dev/xvda`.
        #[attr(computed)]
        root_device_name: Option<String>,
        /// `ebs` or `instance-store`.
        #[attr(computed)]
        root_device_type: Option<String>,
        /// The snapshot of the root disk.
        #[attr(computed)]
        root_snapshot_id: Option<String>,
        /// `simple` where it can use the Intel network interface.
        #[attr(computed)]
        sriov_net_support: Option<String>,
        /// `available`, or why not.
        #[attr(computed)]
        state: Option<String>,
        /// Code and message of the last change of its state.
        #[attr(computed)]
        state_reason: BTreeMap<String, String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
        /// `v2.0` where it has a TPM.
        #[attr(computed)]
        tpm_support: Option<String>,
        /// The state of UEFI, in base64.
        uefi_data: Option<String>,
        /// The operation that is billed.
        #[attr(computed)]
        usage_operation: Option<String>,
        /// `hvm` or `paravirtual`.
        #[attr(computed)]
        virtualization_type: Option<String>,
    }

    /// A disk that an instance gets.
    pub struct Device {
        /// As which it is seen.
        device_name: Option<String>,
        /// Its EBS volume, each attribute as text.
        ebs: BTreeMap<String, String>,
        /// Takes away a disk that the image would have.
        no_device: Option<String>,
        /// Its name, where it is no EBS volume.
        virtual_name: Option<String>,
    }

    /// What it is sold as.
    pub struct ProductCode {
        /// The code.
        product_code_id: Option<String>,
        /// `devpay` or `marketplace`.
        product_code_type: Option<String>,
    }
}

impl DataSource for Ami {
    const TYPE: &'static str = "aws_ami";
    const EXAMPLE: &'static str = r#"
[data.aws_ami.example]
owners = ["amazon"]
most_recent = true
filter = [
  { name = "name", values = ["al2023-ami-2023*"] },
  { name = "architecture", values = ["x86_64"] },
]
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let call = cx.cloud.ec2.describe_images().set_filters(Search::new(&self.filter, &Tags::new()).list());
        let call = call.set_owners(some(&self.owners)).set_executable_users(some(&self.executable_users));
        let call = call.set_include_deprecated(self.include_deprecated.filter(|yes| *yes));
        let mut found: Vec<Image> = call.into_paginator().items().send().try_collect().await?;
        if let Some(pattern) = &self.name_regex {
            let pattern = Regex::new(pattern).map_err(|e| Failure::other(format!("`name_regex` is no regular expression: {e}")))?;
            found.retain(|image| image.name().is_some_and(|name| pattern.is_match(name)));
        }
        let image = self.pick(found)?;
        let id = image.image_id().unwrap_or_default().to_owned();
        Ok(Live { value: self.with(cx.cloud, &image), id })
    }

    fn check(given: &Value) -> Vec<Problem> {
        let mut problems = filter::check(given);
        if let Some(Err(error)) = given.attr("name_regex").as_str().map(Regex::new) {
            problems.push(Problem::new("name_regex", format!("this is no regular expression: {error}")));
        }
        let filters = given.attr("filter");
        let named = filters
            .items()
            .iter()
            .any(|f| f.attr("name").as_str().is_none_or(|name| matches!(name, "owner-id" | "image-id" | "owner-alias")));
        if given.attr("most_recent").as_bool() == Some(true) && given.attr("owners").is_empty() && !filters.is_unknown() && !named {
            let why = "without `owners` anybody's image could be the newest: say whose it should be";
            problems.push(Problem::new("most_recent", why));
        }
        problems
    }
}

impl Ami {
    fn pick(&self, mut found: Vec<Image>) -> Outcome<Image> {
        if found.len() > 1 && self.most_recent != Some(true) {
            return Err(Failure::other(format!("{} images fit, where there should be one", found.len()))
                .help("narrow the search with `filter` or `owners`, or take the newest with `most_recent = true`"));
        }
        // The dates are of one format, so that the order of the texts is that of the times.
        found.sort_by(|a, b| a.creation_date().cmp(&b.creation_date()).then_with(|| a.image_id().cmp(&b.image_id())));
        found
            .pop()
            .ok_or_else(|| Failure::other("no image fits").help("look at `owners` and `filter`, and whether the image is in this region"))
    }

    fn with(self, aws: &Aws, image: &Image) -> Self {
        let id = image.image_id().unwrap_or_default();
        let root = image.root_device_name();
        let root = image.block_device_mappings().iter().find(|d| d.device_name().is_some() && d.device_name() == root);
        let reason = image.state_reason();
        let reason = [("code", reason.and_then(|r| r.code())), ("message", reason.and_then(|r| r.message()))];
        let codes = image.product_codes().iter().map(|code| ProductCode {
            product_code_id: text(code.product_code_id()),
            product_code_type: text(code.product_code_type().map(|kind| kind.as_str())),
        });
        Self {
            architecture: text(image.architecture().map(|a| a.as_str())),
            arn: Some(arn_of(aws, "", &format!("image/{id}"))),
            block_device_mappings: image.block_device_mappings().iter().map(device).collect(),
            boot_mode: text(image.boot_mode().map(|m| m.as_str())),
            creation_date: text(image.creation_date()),
            deprecation_time: text(image.deprecation_time()),
            description: text(image.description()),
            ena_support: image.ena_support(),
            hypervisor: text(image.hypervisor().map(|h| h.as_str())),
            image_id: text(Some(id)),
            image_location: text(image.image_location()),
            image_owner_alias: text(image.image_owner_alias()),
            image_type: text(image.image_type().map(|t| t.as_str())),
            imds_support: text(image.imds_support().map(|s| s.as_str())),
            kernel_id: text(image.kernel_id()),
            last_launched_time: text(image.last_launched_time()),
            name: text(image.name()),
            owner_id: text(image.owner_id()),
            platform: text(image.platform().map(|p| p.as_str())),
            platform_details: text(image.platform_details()),
            product_codes: codes.collect(),
            public: image.public(),
            ramdisk_id: text(image.ramdisk_id()),
            root_device_name: text(image.root_device_name()),
            root_device_type: text(image.root_device_type().map(|t| t.as_str())),
            root_snapshot_id: text(root.and_then(|d| d.ebs()?.snapshot_id())),
            sriov_net_support: text(image.sriov_net_support()),
            state: text(image.state().map(|s| s.as_str())),
            state_reason: reason.into_iter().map(|(name, text)| (name.to_owned(), text.unwrap_or("UNSET").to_owned())).collect(),
            tags: tags(image.tags.as_deref()),
            tpm_support: text(image.tpm_support().map(|s| s.as_str())),
            usage_operation: text(image.usage_operation()),
            virtualization_type: text(image.virtualization_type().map(|t| t.as_str())),
            ..self
        }
    }
}

fn some(texts: &[String]) -> Option<Vec<String>> {
    (!texts.is_empty()).then(|| texts.to_vec())
}

fn text(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

fn device(device: &BlockDeviceMapping) -> Device {
    Device {
        device_name: text(device.device_name()),
        ebs: device.ebs().map(ebs).unwrap_or_default(),
        no_device: text(device.no_device()),
        virtual_name: text(device.virtual_name()),
    }
}

fn ebs(disk: &EbsBlockDevice) -> BTreeMap<String, String> {
    let number = |n: Option<i32>| n.unwrap_or_default().to_string();
    let texts = [
        ("delete_on_termination", disk.delete_on_termination().unwrap_or_default().to_string()),
        ("encrypted", disk.encrypted().unwrap_or_default().to_string()),
        ("iops", number(disk.iops())),
        ("snapshot_id", disk.snapshot_id().unwrap_or_default().to_owned()),
        ("throughput", number(disk.throughput())),
        ("volume_initialization_rate", number(disk.volume_initialization_rate())),
        ("volume_size", number(disk.volume_size())),
        ("volume_type", disk.volume_type().map(|t| t.as_str().to_owned()).unwrap_or_default()),
    ];
    texts.into_iter().map(|(name, text)| (name.to_owned(), text)).collect()
}
