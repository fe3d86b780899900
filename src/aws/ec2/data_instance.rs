//! Looks up an instance.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{Instance as Described, InstanceAttributeName};
use aws_smithy_types::date_time::Format;

use super::filter::{self, Filter, Search};
use super::instance::{
    CreditSpecification, EbsBlockDevice, EnclaveOptions, Instance, MaintenanceOptions, MetadataOptions, PrivateDnsNameOptions,
    RootBlockDevice,
};
use super::some;
use crate::aws::Aws;
use crate::aws::types::{Arn, Ip};
use crate::words::Value;
use crate::words::failure::{Failure, Outcome};
use crate::words::resource::{Cx, DataSource, Known, Live, Problem, Resource, Tags};

crate::blocks! {
    /// An instance: the one that fits all that is given. One that was terminated is none.
    pub struct InstanceData {
        /// The image that it started from.
        #[attr(computed)]
        ami: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether it has a public address of AWS's.
        #[attr(computed)]
        associate_public_ip_address: Option<bool>,
        /// The zone.
        #[attr(computed)]
        availability_zone: Option<String>,
        /// What it does when it has used up its credits.
        #[attr(computed)]
        credit_specification: Vec<CreditSpecification>,
        /// Whether it refuses to be stopped through the API.
        #[attr(computed)]
        disable_api_stop: Option<bool>,
        /// Whether it refuses to be terminated through the API.
        #[attr(computed)]
        disable_api_termination: Option<bool>,
        /// Its volumes besides the root's.
        #[attr(computed)]
        ebs_block_device: BTreeSet<Volume>,
        /// Whether it has bandwidth of its own to EBS.
        #[attr(computed)]
        ebs_optimized: Option<bool>,
        /// Nitro Enclaves.
        #[attr(computed)]
        enclave_options: Vec<EnclaveOptions>,
        /// Disks of the host: AWS does not tell them.
        #[attr(computed)]
        ephemeral_block_device: Vec<HostDisk>,
        /// Only instances that pass.
        filter: BTreeSet<Filter>,
        /// Whether to ask for the password of a Windows instance.
        get_password_data: Option<bool>,
        /// Whether to tell its user data.
        get_user_data: Option<bool>,
        /// The dedicated host.
        #[attr(computed)]
        host_id: Option<String>,
        /// The group of dedicated hosts.
        #[attr(computed)]
        host_resource_group_arn: Option<Arn>,
        /// The name of its instance profile.
        #[attr(computed)]
        iam_instance_profile: Option<String>,
        /// Its id.
        #[attr(refers("aws_instance.id"))]
        instance_id: Option<String>,
        /// `running`, `stopped`...
        #[attr(computed)]
        instance_state: Option<String>,
        /// Only instances with these tags.
        #[attr(chosen)]
        instance_tags: Tags,
        /// The type.
        #[attr(computed)]
        instance_type: Option<String>,
        /// Its IPv6 addresses.
        #[attr(computed)]
        ipv6_addresses: BTreeSet<Ip>,
        /// The key pair.
        #[attr(computed)]
        key_name: Option<String>,
        /// When it was started.
        #[attr(computed)]
        launch_time: Option<String>,
        /// What AWS does when the host breaks.
        #[attr(computed)]
        maintenance_options: Vec<MaintenanceOptions>,
        /// The metadata service.
        #[attr(computed)]
        metadata_options: Vec<MetadataOptions>,
        /// Whether CloudWatch gets its measurements every minute.
        #[attr(computed)]
        monitoring: Option<bool>,
        /// Its first network interface.
        #[attr(computed)]
        network_interface_id: Option<String>,
        /// The Outpost.
        #[attr(computed)]
        outpost_arn: Option<Arn>,
        /// The first password of a Windows instance, encrypted.
        #[attr(computed, sensitive)]
        password_data: Option<String>,
        /// The placement group.
        #[attr(computed)]
        placement_group: Option<String>,
        /// The partition of the placement group.
        #[attr(computed)]
        placement_partition_number: Option<i32>,
        /// Its DNS name within the VPC.
        #[attr(computed)]
        private_dns: Option<String>,
        /// Its names within the VPC.
        #[attr(computed)]
        private_dns_name_options: Vec<PrivateDnsNameOptions>,
        /// Its address within the VPC.
        #[attr(computed)]
        private_ip: Option<Ip>,
        /// Its public DNS name.
        #[attr(computed)]
        public_dns: Option<String>,
        /// Its public address.
        #[attr(computed)]
        public_ip: Option<String>,
        /// The volume that it started from.
        #[attr(computed)]
        root_block_device: BTreeSet<Root>,
        /// More addresses within the VPC.
        #[attr(computed)]
        secondary_private_ips: BTreeSet<Ip>,
        /// Its security groups by name, in the default VPC.
        #[attr(computed)]
        security_groups: BTreeSet<String>,
        /// Whether it gets only what is sent to it.
        #[attr(computed)]
        source_dest_check: Option<bool>,
        /// The subnet.
        #[attr(computed)]
        subnet_id: Option<String>,
        /// Its tags.
        #[attr(chosen)]
        tags: Tags,
        /// Whose hardware it runs on.
        #[attr(computed)]
        tenancy: Option<String>,
        /// The SHA-1 of its user data.
        #[attr(computed)]
        user_data: Option<String>,
        /// Its user data in base64, where `get_user_data` asks for it.
        #[attr(computed)]
        user_data_base64: Option<String>,
        /// Its security groups.
        #[attr(computed)]
        vpc_security_group_ids: BTreeSet<String>,
    }

    /// A disk of the host.
    pub struct HostDisk {
        /// Where it appears.
        device_name: Option<String>,
        /// Whether it is left out.
        no_device: Option<bool>,
        /// Which disk.
        virtual_name: Option<String>,
    }

    /// A volume that an instance has.
    pub struct Volume {
        /// Whether the volume goes with the instance.
        delete_on_termination: Option<bool>,
        /// Where it appears.
        device_name: Option<String>,
        /// Whether it is encrypted.
        encrypted: Option<bool>,
        /// Operations a second.
        iops: Option<i32>,
        /// The key that encrypts it.
        kms_key_id: Option<String>,
        /// The snapshot that it began with.
        snapshot_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// MiB a second.
        throughput: Option<i32>,
        /// The volume.
        volume_id: Option<String>,
        /// GiB.
        volume_size: Option<i32>,
        /// What kind of volume.
        volume_type: Option<String>,
    }

    /// The volume that an instance started from.
    pub struct Root {
        /// Whether the volume goes with the instance.
        delete_on_termination: Option<bool>,
        /// Where it appears.
        device_name: Option<String>,
        /// Whether it is encrypted.
        encrypted: Option<bool>,
        /// Operations a second.
        iops: Option<i32>,
        /// The key that encrypts it.
        kms_key_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// MiB a second.
        throughput: Option<i32>,
        /// The volume.
        volume_id: Option<String>,
        /// GiB.
        volume_size: Option<i32>,
        /// What kind of volume.
        volume_type: Option<String>,
    }
}

impl DataSource for InstanceData {
    const TYPE: &'static str = "aws_instance";
    const EXAMPLE: &'static str = r#"
[data.aws_ami.linux]
owners = ["amazon"]
most_recent = true
filter = [{ name = "name", values = ["al2023-ami-2023*-x86_64"] }]

[resource.aws_instance.web]
ami = "${data.aws_ami.linux.id}"
instance_type = "t3.micro"

[data.aws_instance.example]
instance_id = "${aws_instance.web.id}"
"#;
    type Cloud = Aws;

    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let search = Search::new(&self.filter, &self.instance_tags).and("instance-id", self.instance_id.as_ref());
        let mut pages = cx.cloud.ec2.describe_instances().set_filters(search.list()).into_paginator().send();
        let mut found: Vec<Described> = vec![];
        while let Some(page) = pages.next().await {
            let reservations = page?.reservations.unwrap_or_default();
            found.extend(reservations.into_iter().flat_map(|r| r.instances.unwrap_or_default()));
        }
        found.retain(|i| !i.state().and_then(|s| s.name()).is_some_and(|name| name.as_str() == "terminated"));
        let instance = match found.as_slice() {
            [one] => one,
            [] => return Err(Failure::other("no instance fits").help("look at the region, `instance_id`, `instance_tags` and `filter`")),
            many => {
                let why = format!("{} instances fit, where there should be one", many.len());
                return Err(Failure::other(why).help("narrow the search with `instance_id`, `instance_tags` or `filter`"));
            }
        };
        let id = instance.instance_id().unwrap_or_default().to_owned();
        let told = Instance::read(cx, &[Known { id: id.clone(), prior: None }]).await?.pop();
        let told = told.ok_or_else(|| Failure::other(format!("{id} is gone")))?;
        let password = if self.get_password_data == Some(true) {
            some(cx.cloud.ec2.get_password_data().instance_id(&id).send().await?.password_data.as_deref().map(str::trim))
        } else {
            None
        };
        let data = if self.get_user_data == Some(true) {
            let call = cx.cloud.ec2.describe_instance_attribute().instance_id(&id).attribute(InstanceAttributeName::UserData);
            call.send().await?.user_data.and_then(|data| some(data.value.as_deref()))
        } else {
            None
        };
        let value = Self { password_data: password, user_data_base64: data, ..self.with(instance, told.value) };
        Ok(Live { id, value })
    }

    fn check(given: &Value) -> Vec<Problem> {
        filter::check(given)
    }
}

impl InstanceData {
    fn with(self, described: &Described, told: Instance) -> Self {
        let names = described.security_groups().iter().filter_map(|g| some(g.group_name()));
        Self {
            ami: told.ami,
            arn: told.arn,
            associate_public_ip_address: Some(described.public_ip_address().is_some()),
            availability_zone: told.availability_zone,
            credit_specification: told.credit_specification.into_iter().collect(),
            disable_api_stop: told.disable_api_stop,
            disable_api_termination: told.disable_api_termination,
            ebs_block_device: told.ebs_block_device.into_iter().map(volume).collect(),
            ebs_optimized: told.ebs_optimized,
            enclave_options: told.enclave_options.into_iter().collect(),
            ephemeral_block_device: vec![],
            host_id: told.host_id,
            host_resource_group_arn: told.host_resource_group_arn,
            iam_instance_profile: told.iam_instance_profile,
            instance_state: told.instance_state,
            instance_tags: told.tags_all.clone(),
            instance_type: told.instance_type,
            ipv6_addresses: told.ipv6_addresses.into_iter().collect(),
            key_name: told.key_name,
            launch_time: described.launch_time().and_then(|at| at.fmt(Format::DateTime).ok()),
            maintenance_options: told.maintenance_options.into_iter().collect(),
            metadata_options: told.metadata_options.into_iter().collect(),
            monitoring: told.monitoring,
            network_interface_id: told.primary_network_interface_id,
            outpost_arn: told.outpost_arn,
            placement_group: told.placement_group,
            placement_partition_number: told.placement_partition_number,
            private_dns: told.private_dns,
            private_dns_name_options: told.private_dns_name_options.into_iter().collect(),
            private_ip: told.private_ip,
            public_dns: told.public_dns,
            public_ip: told.public_ip,
            root_block_device: told.root_block_device.into_iter().map(root).collect(),
            secondary_private_ips: told.secondary_private_ips.unwrap_or_default(),
            security_groups: names.collect(),
            source_dest_check: told.source_dest_check,
            subnet_id: told.subnet_id,
            tags: told.tags_all,
            tenancy: told.tenancy,
            user_data: told.user_data.map(|data| data.hash()),
            vpc_security_group_ids: told.vpc_security_group_ids.unwrap_or_default(),
            ..self
        }
    }
}

fn volume(device: EbsBlockDevice) -> Volume {
    Volume {
        delete_on_termination: device.delete_on_termination,
        device_name: Some(device.device_name),
        encrypted: device.encrypted,
        iops: device.iops,
        kms_key_id: device.kms_key_id,
        snapshot_id: device.snapshot_id,
        tags: device.tags_all,
        throughput: device.throughput,
        volume_id: device.volume_id,
        volume_size: device.volume_size,
        volume_type: device.volume_type,
    }
}

fn root(device: RootBlockDevice) -> Root {
    Root {
        delete_on_termination: device.delete_on_termination,
        device_name: device.device_name,
        encrypted: device.encrypted,
        iops: device.iops,
        kms_key_id: device.kms_key_id,
        tags: device.tags_all,
        throughput: device.throughput,
        volume_id: device.volume_id,
        volume_size: device.volume_size,
        volume_type: device.volume_type,
    }
}
