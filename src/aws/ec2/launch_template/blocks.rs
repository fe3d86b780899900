//! The nested blocks of a launch template.

use std::collections::BTreeSet;

use crate::aws::types::{Arn, Ip};
use crate::words::resource::Tags;

const ON_OFF: &[&str] = &["enabled", "disabled"];
const VOLUME_TYPES: &[&str] = &["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"];

crate::text!(
    /// Yes, no, or nothing said: the provider keeps it as a text, since no and nothing are not the same here.
    pub Choice, "true or false", normal_choice, |a, b| a == b
);

fn normal_choice(text: &str) -> Result<String, String> {
    match text {
        "" | "true" | "false" => Ok(text.to_owned()),
        _ => Err("`true`, `false`, or nothing".into()),
    }
}

impl Choice {
    /// As a call takes it.
    #[must_use]
    pub fn flag(&self) -> Option<bool> {
        self.parse().ok()
    }

    /// As a call answers it.
    #[must_use]
    pub fn told(flag: Option<bool>) -> Option<Self> {
        flag.map(|flag| Self(flag.to_string()))
    }
}

crate::blocks! {
    /// A device that instances get.
    pub struct BlockDevice {
        /// Where it appears, `/dev/xvda`.
        device_name: Option<String>,
        /// The volume behind it.
        ebs: Option<Ebs>,
        /// Leaves out a device that the image has: any text.
        no_device: Option<String>,
        /// The disk of the host behind it, `ephemeral0`.
        virtual_name: Option<String>,
    }

    /// A volume that is made with an instance.
    pub struct Ebs {
        /// Whether it goes with the instance.
        delete_on_termination: Option<Choice>,
        /// Whether it is encrypted.
        encrypted: Option<Choice>,
        /// Operations a second; gp3, io1 and io2.
        #[attr(chosen)]
        iops: Option<i32>,
        /// The key that encrypts it.
        #[attr(refers("aws_kms_key.arn"))]
        kms_key_id: Option<Arn>,
        /// The snapshot that it begins with.
        #[attr(refers("aws_ebs_snapshot.id"))]
        snapshot_id: Option<String>,
        /// MiB a second; gp3.
        #[attr(chosen, within(125, 2000))]
        throughput: Option<i32>,
        /// MiB a second at which it is filled from its snapshot.
        #[attr(chosen, within(100, 300))]
        volume_initialization_rate: Option<i32>,
        /// GiB.
        #[attr(chosen, within(1, 65_536))]
        volume_size: Option<i32>,
        /// What kind of volume.
        #[attr(chosen, one_of(VOLUME_TYPES))]
        volume_type: Option<String>,
    }

    /// Which capacity reservation instances run in.
    pub struct Reservation {
        /// Any open one that fits, none, or nothing but reservations.
        #[attr(one_of(&["open", "none", "capacity-reservations-only"]))]
        capacity_reservation_preference: Option<String>,
        /// This one.
        capacity_reservation_target: Option<ReservationTarget>,
    }

    /// A capacity reservation, or a group of them.
    pub struct ReservationTarget {
        /// The reservation.
        #[attr(conflicts(&["capacity_reservation_resource_group_arn"]))]
        capacity_reservation_id: Option<String>,
        /// The group.
        #[attr(conflicts(&["capacity_reservation_id"]))]
        capacity_reservation_resource_group_arn: Option<Arn>,
    }

    /// How many cores and threads instances have.
    pub struct Cpu {
        /// AMD's encryption of memory.
        #[attr(one_of(ON_OFF))]
        amd_sev_snp: Option<String>,
        /// Cores.
        core_count: Option<i32>,
        /// Threads a core; 1 switches hyperthreading off.
        threads_per_core: Option<i32>,
    }

    /// What a burstable instance does when it has used up its credits.
    pub struct Credit {
        /// Slow down, or go on at a price.
        #[attr(one_of(&["standard", "unlimited"]))]
        cpu_credits: Option<String>,
    }

    /// A graphics accelerator; AWS has none of these any more.
    pub struct Gpu {
        /// The type.
        #[attr(required)]
        r#type: String,
    }

    /// An inference accelerator; AWS has none of these any more.
    pub struct Accelerator {
        /// The type.
        #[attr(required)]
        r#type: String,
    }

    /// Nitro Enclaves.
    pub struct Enclave {
        /// Whether instances can have them.
        enabled: Option<bool>,
    }

    /// Hibernation.
    pub struct Hibernation {
        /// Whether instances can.
        #[attr(required)]
        configured: bool,
    }

    /// The instance profile that gives instances a role.
    pub struct Profile {
        /// By its ARN.
        #[attr(conflicts(&["name"]), refers("aws_iam_instance_profile.arn"))]
        arn: Option<Arn>,
        /// By its name.
        #[attr(conflicts(&["arn"]), refers("aws_iam_instance_profile.name"))]
        name: Option<String>,
    }

    /// How instances are bought.
    pub struct Market {
        /// Spot or a block of capacity.
        #[attr(one_of(&["spot", "capacity-block"]))]
        market_type: Option<String>,
        /// How spot instances are asked for.
        spot_options: Option<Spot>,
    }

    /// How spot instances are asked for.
    pub struct Spot {
        /// A fixed time, in steps of 60 minutes; AWS has no such any more.
        block_duration_minutes: Option<i32>,
        /// What AWS does when it takes an instance back.
        #[attr(one_of(&["hibernate", "stop", "terminate"]))]
        instance_interruption_behavior: Option<String>,
        /// The most to pay for an hour, in dollars; the price of on-demand instances where left out.
        max_price: Option<String>,
        /// Asked for once, or until it is cancelled.
        #[attr(one_of(&["one-time", "persistent"]))]
        spot_instance_type: Option<String>,
        /// When a persistent request ends, `2030-01-01T00:00:00Z`.
        #[attr(chosen)]
        valid_until: Option<String>,
    }

    /// A license configuration.
    pub struct License {
        /// By its ARN.
        #[attr(required)]
        license_configuration_arn: Arn,
    }

    /// What AWS does when the host breaks.
    pub struct Maintenance {
        /// Whether an instance is moved to another host.
        #[attr(one_of(&["default", "disabled"]))]
        auto_recovery: Option<String>,
    }

    /// The metadata service of instances.
    pub struct Metadata {
        /// Whether it answers.
        #[attr(chosen, one_of(ON_OFF))]
        http_endpoint: Option<String>,
        /// Whether it answers over IPv6.
        #[attr(chosen, one_of(ON_OFF))]
        http_protocol_ipv6: Option<String>,
        /// How many hops its answers may go; containers need 2.
        #[attr(chosen, within(1, 64))]
        http_put_response_hop_limit: Option<i32>,
        /// Whether it wants a session: `required` is IMDSv2.
        #[attr(chosen, one_of(&["optional", "required"]))]
        http_tokens: Option<String>,
        /// Whether it tells tags.
        #[attr(chosen, one_of(ON_OFF))]
        instance_metadata_tags: Option<String>,
    }

    /// Measurements in CloudWatch.
    pub struct Monitoring {
        /// Whether they come every minute, not every five.
        enabled: Option<bool>,
    }

    /// A network interface that instances get.
    pub struct Nic {
        /// Whether it gets a carrier's address, in a Wavelength zone.
        associate_carrier_ip_address: Option<Choice>,
        /// Whether it gets a public address; the subnet decides where nothing is said.
        associate_public_ip_address: Option<Choice>,
        /// How long quiet connections are remembered.
        connection_tracking_specification: Option<Tracking>,
        /// Whether it goes with the instance.
        delete_on_termination: Option<Choice>,
        /// What it is for.
        description: Option<String>,
        /// Its place on the instance; 0 is the first.
        device_index: Option<i32>,
        /// ENA Express.
        ena_srd_specification: Option<EnaSrd>,
        /// What kind of interface.
        #[attr(one_of(&["interface", "efa", "efa-only"]))]
        interface_type: Option<String>,
        /// How many more private addresses it gets.
        #[attr(conflicts(&["ipv4_addresses"]))]
        ipv4_address_count: Option<i32>,
        /// Its private addresses.
        #[attr(conflicts(&["ipv4_address_count"]))]
        ipv4_addresses: BTreeSet<Ip>,
        /// How many IPv4 prefixes it gets.
        #[attr(conflicts(&["ipv4_prefixes"]))]
        ipv4_prefix_count: Option<i32>,
        /// Its IPv4 prefixes.
        #[attr(conflicts(&["ipv4_prefix_count"]))]
        ipv4_prefixes: BTreeSet<String>,
        /// How many IPv6 addresses it gets.
        #[attr(conflicts(&["ipv6_addresses"]))]
        ipv6_address_count: Option<i32>,
        /// Its IPv6 addresses.
        #[attr(conflicts(&["ipv6_address_count"]))]
        ipv6_addresses: BTreeSet<Ip>,
        /// How many IPv6 prefixes it gets.
        #[attr(conflicts(&["ipv6_prefixes"]))]
        ipv6_prefix_count: Option<i32>,
        /// Its IPv6 prefixes.
        #[attr(conflicts(&["ipv6_prefix_count"]))]
        ipv6_prefixes: BTreeSet<String>,
        /// The network card, on instances with several.
        network_card_index: Option<i32>,
        /// An interface that exists already.
        #[attr(refers("aws_network_interface.id"))]
        network_interface_id: Option<String>,
        /// Whether its first IPv6 address never changes.
        primary_ipv6: Option<Choice>,
        /// Its first private address.
        private_ip_address: Option<Ip>,
        /// Its security groups.
        #[attr(refers("aws_security_group.id"))]
        security_groups: BTreeSet<String>,
        /// Its subnet.
        #[attr(refers("aws_subnet.id"))]
        subnet_id: Option<String>,
    }

    /// How long quiet connections are remembered, in seconds.
    pub struct Tracking {
        /// Of TCP.
        #[attr(within(60, 432_000))]
        tcp_established_timeout: Option<i32>,
        /// Of UDP that has gone both ways more than once.
        #[attr(within(60, 180))]
        udp_stream_timeout: Option<i32>,
        /// Of other UDP.
        #[attr(within(30, 60))]
        udp_timeout: Option<i32>,
    }

    /// ENA Express.
    pub struct EnaSrd {
        /// Whether it is used.
        ena_srd_enabled: Option<bool>,
        /// For UDP.
        ena_srd_udp_specification: Option<EnaSrdUdp>,
    }

    /// ENA Express for UDP.
    pub struct EnaSrdUdp {
        /// Whether it is used.
        ena_srd_udp_enabled: Option<bool>,
    }

    /// Where instances run.
    pub struct Placement {
        /// Whether an instance stays on its dedicated host.
        affinity: Option<String>,
        /// The zone.
        availability_zone: Option<String>,
        /// The placement group.
        group_name: Option<String>,
        /// The dedicated host.
        host_id: Option<String>,
        /// The group of dedicated hosts.
        host_resource_group_arn: Option<Arn>,
        /// The partition of the placement group.
        partition_number: Option<i32>,
        /// Kept for later use by AWS.
        spread_domain: Option<String>,
        /// Whose hardware it is.
        #[attr(one_of(&["default", "dedicated", "host"]))]
        tenancy: Option<String>,
    }

    /// Names of instances within the VPC.
    pub struct DnsName {
        /// Whether names made of ids lead to IPv4 addresses.
        enable_resource_name_dns_a_record: Option<bool>,
        /// Whether names made of ids lead to IPv6 addresses.
        enable_resource_name_dns_aaaa_record: Option<bool>,
        /// What names are made of.
        #[attr(one_of(&["ip-name", "resource-name"]))]
        hostname_type: Option<String>,
    }

    /// Tags of what is made from the template.
    pub struct TagSpecification {
        /// Of what: `instance`, `volume`, `network-interface`, `spot-instances-request`.
        #[attr(one_of(&["instance", "volume", "network-interface", "spot-instances-request", "elastic-gpu"]))]
        resource_type: Option<String>,
        /// The tags.
        tags: Tags,
    }
}
