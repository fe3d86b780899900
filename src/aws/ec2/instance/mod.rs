//! Instances.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::aws::Aws;
use crate::aws::ec2::by;
use crate::aws::ec2::listing;
use crate::aws::types::{Arn, Ip};
use crate::words::failure::{Failure, Outcome};
use crate::words::listed::Listed;
use crate::words::resource::{After, Cx, Hold, Id, Known, Live, Planned, Problem, Resource, Retry, Status, Tags, Then};
use crate::words::value::Value;

mod blocks;
mod check;
mod create;
mod devices;
mod plan;
mod read;
mod shape;
mod update;
mod user_data;
mod volumes;

pub use blocks::*;
pub use user_data::{Base64, UserData};

crate::blocks! {
    /// A virtual machine.
    pub struct Instance {
        /// The image that it starts from; also `resolve:ssm:PARAMETER`. Required unless a launch template has it.
        #[attr(chosen, force_new, refers("aws_ami.id"))]
        ami: Option<String>,
        /// Its ARN.
        #[attr(computed)]
        arn: Option<String>,
        /// Whether AWS gives it a public address; the subnet decides where this is not set. An address of your own (`aws_eip`)
        /// is no matter of this.
        #[attr(chosen, conflicts(&["network_interface"]))]
        associate_public_ip_address: Option<bool>,
        /// The zone.
        #[attr(chosen, force_new)]
        availability_zone: Option<String>,
        /// Which capacity reservation it runs in.
        #[attr(chosen)]
        capacity_reservation_specification: Option<CapacityReservationSpecification>,
        /// Cores.
        #[attr(chosen, force_new, conflicts(&["cpu_options"]), deprecated("cpu_options"))]
        cpu_core_count: Option<i32>,
        /// How many cores and threads it has.
        #[attr(chosen, conflicts(&["cpu_core_count", "cpu_threads_per_core"]))]
        cpu_options: Option<CpuOptions>,
        /// Threads a core.
        #[attr(chosen, force_new, conflicts(&["cpu_options"]), deprecated("cpu_options"))]
        cpu_threads_per_core: Option<i32>,
        /// What a burstable instance does when it has used up its credits.
        #[attr(chosen)]
        credit_specification: Option<CreditSpecification>,
        /// Whether it refuses to be stopped through the API.
        #[attr(chosen)]
        disable_api_stop: Option<bool>,
        /// Whether it refuses to be terminated through the API. Then it can't be destroyed either.
        #[attr(chosen)]
        disable_api_termination: Option<bool>,
        /// Volumes besides the root's that are made with it.
        #[attr(chosen)]
        ebs_block_device: BTreeSet<EbsBlockDevice>,
        /// Whether it has bandwidth of its own to EBS, where its type doesn't give it that anyway. A change stops and starts it.
        #[attr(chosen)]
        ebs_optimized: Option<bool>,
        /// Whether its first IPv6 address never changes.
        #[attr(chosen, conflicts(&["network_interface"]))]
        enable_primary_ipv6: Option<bool>,
        /// Nitro Enclaves.
        #[attr(chosen)]
        enclave_options: Option<EnclaveOptions>,
        /// Disks of the host.
        #[attr(chosen)]
        ephemeral_block_device: BTreeSet<EphemeralBlockDevice>,
        /// Whether to wait for the password of a Windows instance, and to keep it, encrypted, in `password_data`.
        #[attr(local, default_bool(false))]
        get_password_data: Option<bool>,
        /// Whether it can hibernate.
        #[attr(force_new)]
        hibernation: Option<bool>,
        /// The dedicated host.
        #[attr(chosen, force_new)]
        host_id: Option<String>,
        /// The group of dedicated hosts.
        #[attr(chosen, force_new, conflicts(&["placement_group"]))]
        host_resource_group_arn: Option<Arn>,
        /// The instance profile that gives it a role; `""` takes it away.
        #[attr(chosen, refers("aws_iam_instance_profile.name"))]
        iam_instance_profile: Option<String>,
        /// What a shutdown from within does.
        #[attr(chosen, one_of(&["stop", "terminate"]))]
        instance_initiated_shutdown_behavior: Option<String>,
        /// `spot`, `scheduled` or nothing.
        #[attr(computed)]
        instance_lifecycle: Option<String>,
        /// How it is bought.
        #[attr(chosen)]
        instance_market_options: Option<InstanceMarketOptions>,
        /// `pending`, `running`, `stopping`, `stopped`...
        #[attr(computed)]
        instance_state: Option<String>,
        /// The type. A change stops and starts it; one to another CPU architecture replaces it. Required unless a launch template
        /// has it.
        #[attr(chosen)]
        instance_type: Option<String>,
        /// How many IPv6 addresses it has.
        #[attr(chosen, conflicts(&["ipv6_addresses", "network_interface"]))]
        ipv6_address_count: Option<i32>,
        /// Its IPv6 addresses.
        #[attr(chosen, force_new, conflicts(&["ipv6_address_count", "network_interface"]))]
        ipv6_addresses: Vec<Ip>,
        /// The key pair to log in with.
        #[attr(chosen, force_new, refers("aws_key_pair.key_name"))]
        key_name: Option<String>,
        /// The launch template that it is made from.
        #[attr(chosen)]
        launch_template: Option<LaunchTemplate>,
        /// What AWS does when the host breaks.
        #[attr(chosen)]
        maintenance_options: Option<MaintenanceOptions>,
        /// The metadata service.
        #[attr(chosen)]
        metadata_options: Option<MetadataOptions>,
        /// Whether CloudWatch gets its measurements every minute, not every five.
        #[attr(chosen)]
        monitoring: Option<bool>,
        /// Network interfaces that exist already.
        #[attr(chosen)]
        network_interface: BTreeSet<NetworkInterface>,
        /// The outpost.
        #[attr(computed)]
        outpost_arn: Option<Arn>,
        /// The first password of a Windows instance, encrypted with the key pair.
        #[attr(computed, sensitive)]
        password_data: Option<String>,
        /// The placement group.
        #[attr(chosen, force_new, conflicts(&["host_resource_group_arn"]), refers("aws_placement_group.id"))]
        placement_group: Option<String>,
        /// The partition of the placement group.
        #[attr(chosen, force_new)]
        placement_partition_number: Option<i32>,
        /// Its first network interface.
        #[attr(computed)]
        primary_network_interface_id: Option<String>,
        /// Its DNS name within the VPC.
        #[attr(computed)]
        private_dns: Option<String>,
        /// Its names within the VPC.
        #[attr(chosen)]
        private_dns_name_options: Option<PrivateDnsNameOptions>,
        /// Its address within the VPC.
        #[attr(chosen, force_new, conflicts(&["network_interface"]))]
        private_ip: Option<Ip>,
        /// Its public DNS name.
        #[attr(computed)]
        public_dns: Option<String>,
        /// Its public address. One that AWS gave changes when the instance stops and starts.
        #[attr(computed)]
        public_ip: Option<String>,
        /// The volume that it starts from.
        #[attr(chosen)]
        root_block_device: Option<RootBlockDevice>,
        /// More addresses within the VPC.
        #[attr(chosen, conflicts(&["network_interface"]))]
        secondary_private_ips: Option<BTreeSet<Ip>>,
        /// Security groups by name, in the default VPC only. Use `vpc_security_group_ids`.
        #[attr(chosen, force_new, conflicts(&["network_interface"]))]
        security_groups: Option<BTreeSet<String>>,
        /// Whether it gets only what is sent to it; a NAT instance or a router needs false.
        #[attr(default_bool(true))]
        source_dest_check: Option<bool>,
        /// The Spot request.
        #[attr(computed)]
        spot_instance_request_id: Option<String>,
        /// The subnet.
        #[attr(chosen, force_new, conflicts(&["network_interface"]), refers("aws_subnet.id"))]
        subnet_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// Whose hardware it runs on.
        #[attr(chosen, force_new, one_of(&["default", "dedicated", "host"]))]
        tenancy: Option<String>,
        /// What it is told at its first start: a script or cloud-init. A change stops and starts it, and it does not run again.
        #[attr(chosen, conflicts(&["user_data_base64"]))]
        user_data: Option<UserData>,
        /// The same in base64, for what is no text.
        #[attr(chosen, conflicts(&["user_data"]))]
        user_data_base64: Option<Base64>,
        /// Whether a change of the user data replaces it.
        #[attr(local, default_bool(false))]
        user_data_replace_on_change: Option<bool>,
        /// Tags of all volumes that are made with it. Use this or the tags of the devices, not both.
        volume_tags: Tags,
        /// Its security groups.
        #[attr(chosen, conflicts(&["network_interface"]), refers("aws_security_group.id"))]
        vpc_security_group_ids: Option<BTreeSet<String>>,
    }
}

/// What a thing made a moment ago may still not be visible for.
const FRESH: Duration = Duration::from_secs(30);
/// How long IAM may take to tell EC2 of a new role.
const IAM: Duration = Duration::from_secs(120);

const fn fresh(code: &'static str) -> Retry {
    Retry { operation: "RunInstances", code, message: "", within: FRESH }
}

const fn profile(operation: &'static str, message: &'static str) -> Retry {
    Retry { operation, code: "InvalidParameterValue", message, within: IAM }
}

impl Resource for Instance {
    const TYPE: &'static str = "aws_instance";
    const SIGNS: &'static [&'static str] = &["instance_state"];
    const HOLDS: &'static [Hold] = &[
        Hold { kind: "aws_security_group", through: "vpc_security_group_ids", then: Then::Refused },
        Hold { kind: "aws_security_group", through: "security_groups", then: Then::Refused },
    ];
    const KNOWN_BY: Option<&'static str> = Some("tags");
    const SCHEMA_VERSION: u64 = 1;
    const LINGERS: bool = true;
    /// What it fetches at its first start comes over these.
    const AFTER: &'static [After] =
        &[After { kind: "aws_internet_gateway", through: "aws_vpc" }, After { kind: "aws_route_table_association", through: "aws_subnet" }];
    const TIMEOUTS: &'static [(&'static str, &'static str)] = &[("create", "10m"), ("read", "15m"), ("update", "10m"), ("delete", "20m")];
    const GONE: &'static [&'static str] = &["InvalidInstanceID.NotFound"];
    const RETRY: &'static [Retry] = &[
        profile("RunInstances", "Invalid IAM Instance Profile"),
        profile("RunInstances", "has no associated IAM Roles"),
        profile("AssociateIamInstanceProfile", "Invalid IAM Instance Profile"),
        profile("ReplaceIamInstanceProfileAssociation", "Invalid IAM Instance Profile"),
        fresh("InvalidGroup.NotFound"),
        fresh("InvalidSecurityGroupID.NotFound"),
        fresh("InvalidSubnetID.NotFound"),
        fresh("InvalidKeyPair.NotFound"),
        fresh("InvalidNetworkInterfaceID.NotFound"),
        fresh("InvalidLaunchTemplateId.NotFound"),
        // A change of the type reaches the part of EC2 that starts instances a little later.
        Retry {
            operation: "StartInstances",
            code: "InvalidParameterValue",
            message: "LaunchPlan instance type does not match attribute value",
            within: Duration::from_secs(300),
        },
    ];
    const EXAMPLE: &'static str = include_str!("example.toml");
    type Cloud = Aws;

    async fn create(&self, cx: &Cx<'_, Aws>) -> Outcome<Id> {
        create::create(self, cx).await
    }

    async fn find(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        create::find(cx).await
    }

    async fn twin(&self, cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
        create::twin(cx, &self.tags_all).await
    }

    /// By its subnet, and the name that somebody gave it.
    async fn candidates(&self, cx: &Cx<'_, Aws>) -> Outcome<Vec<Id>> {
        create::named(cx, self.tags_all.get("Name"), self.subnet_id.as_deref()).await
    }

    async fn list(cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<Listed>>> {
        let there = by("instance-state-name", ["pending", "running", "stopping", "stopped"]);
        let found: Vec<_> = cx.cloud.ec2.describe_instances().filters(there).into_paginator().items().send().try_collect().await?;
        let listed = found.iter().flat_map(|r| r.instances()).filter_map(|i| {
            Some(listing::listed(i.instance_id(), i.tags())?.noise(listing::operated(i.operator()), "kept by an AWS service").costs())
        });
        Ok(Some(listed.collect()))
    }

    async fn read(cx: &Cx<'_, Aws>, known: &[Known<Self>]) -> Outcome<Vec<Live<Self>>> {
        read::read(cx, known).await
    }

    async fn update(&self, cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        update::update(self, cx, live).await
    }

    async fn delete(cx: &Cx<'_, Aws>, live: &Live<Self>) -> Outcome<()> {
        // A persistent request would start another one.
        if let Some(request) = &live.value.spot_instance_request_id {
            let cancel = cx.cloud.ec2.cancel_spot_instance_requests().spot_instance_request_ids(request).send().await;
            crate::aws::error::absent(cancel.map_err(Failure::from))?;
        }
        let ended = cx.cloud.ec2.terminate_instances().instance_ids(&live.id).send().await.map_err(Failure::from);
        ended.map(drop).map_err(|failure| match failure.code.as_str() {
            "OperationNotPermitted" => failure.help("set `disable_api_termination = false`, apply, and then destroy it"),
            _ => failure,
        })
    }

    async fn import(_cx: &Cx<'_, Aws>, given: &str) -> Outcome<Id> {
        let digits = given.strip_prefix("i-").unwrap_or_default();
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(Failure::other(format!("`{given}` is no id of an instance; it should be like `i-0123456789abcdef0`")));
        }
        Ok(given.to_owned())
    }

    fn status(live: &Live<Self>) -> Status {
        let state = live.value.instance_state.as_deref().unwrap_or_default();
        let waits = live.value.get_password_data == Some(true) && live.value.password_data.is_none();
        match state.split_once(read::REASON) {
            Some((_, reason)) => Status::Failed(reason.to_owned()),
            None if state == "running" && waits => Status::Pending("waiting for the password".into()),
            None if matches!(state, "running" | "stopped" | "terminated") => Status::Ready,
            None => Status::Pending(state.to_owned()),
        }
    }

    fn check(given: &Value) -> Vec<Problem> {
        check::check(given)
    }

    fn adopt(live: Value, given: &Value) -> Value {
        plan::adopt(live, given)
    }

    fn plan(planned: &mut Planned<'_>) {
        plan::plan(planned);
    }
}

/// A text that says something.
fn some(text: Option<&str>) -> Option<String> {
    text.filter(|t| !t.is_empty()).map(str::to_owned)
}

/// What is to be set where it is something else: an attribute that nobody sets stays as it is.
fn differs<T: PartialEq>(want: Option<&T>, have: Option<&T>) -> bool {
    want.is_some() && want != have
}
