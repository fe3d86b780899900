//! The nested blocks of an instance.

use crate::aws::types::Arn;
use crate::words::resource::Tags;

/// The kinds of EBS volume.
pub(super) const VOLUME_TYPES: &[&str] = &["standard", "gp2", "gp3", "io1", "io2", "sc1", "st1"];
const ON_OFF: &[&str] = &["enabled", "disabled"];

crate::blocks! {
    /// Which capacity reservation it runs in.
    pub struct CapacityReservationSpecification {
        /// Any open one that fits, none, or nothing but reservations.
        #[attr(chosen, one_of(&["open", "none", "capacity-reservations-only"]))]
        capacity_reservation_preference: Option<String>,
        /// This one.
        #[attr(chosen)]
        capacity_reservation_target: Option<CapacityReservationTarget>,
    }

    /// A capacity reservation, or a group of them.
    pub struct CapacityReservationTarget {
        /// The reservation.
        #[attr(conflicts(&["capacity_reservation_resource_group_arn"]))]
        capacity_reservation_id: Option<String>,
        /// The group.
        #[attr(conflicts(&["capacity_reservation_id"]))]
        capacity_reservation_resource_group_arn: Option<Arn>,
    }

    /// How many cores and threads it has.
    pub struct CpuOptions {
        /// AMD's encryption of memory.
        #[attr(chosen, force_new, one_of(ON_OFF))]
        amd_sev_snp: Option<String>,
        /// Cores.
        #[attr(chosen, force_new)]
        core_count: Option<i32>,
        /// Threads a core; 1 switches hyperthreading off.
        #[attr(chosen, force_new)]
        threads_per_core: Option<i32>,
    }

    /// What a burstable instance does when it has used up its credits.
    pub struct CreditSpecification {
        /// Slow down, or go on at a price.
        #[attr(chosen, one_of(&["standard", "unlimited"]))]
        cpu_credits: Option<String>,
    }

    /// A volume besides the root's that is made with it. Declare here only volumes that live and die with the instance, and others
    /// as `aws_ebs_volume`.
    pub struct EbsBlockDevice {
        /// Whether the volume goes with the instance.
        #[attr(default_bool(true))]
        delete_on_termination: Option<bool>,
        /// Where it appears, `/dev/sdf`.
        #[attr(force_new)]
        device_name: String,
        /// Whether it is encrypted.
        #[attr(chosen, force_new)]
        encrypted: Option<bool>,
        /// Operations a second; io1, io2 and gp3.
        #[attr(chosen)]
        iops: Option<i32>,
        /// The key that encrypts it, an ARN.
        #[attr(chosen, force_new, refers("aws_kms_key.arn"))]
        kms_key_id: Option<String>,
        /// The snapshot that it starts as.
        #[attr(chosen, force_new)]
        snapshot_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// MiB a second; gp3.
        #[attr(chosen)]
        throughput: Option<i32>,
        /// The volume.
        #[attr(computed)]
        volume_id: Option<String>,
        /// GiB. It can only grow.
        #[attr(chosen, within(1, 65536))]
        volume_size: Option<i32>,
        /// What kind of volume.
        #[attr(chosen, one_of(VOLUME_TYPES))]
        volume_type: Option<String>,
    }

    /// Nitro Enclaves.
    pub struct EnclaveOptions {
        /// Whether it can have enclaves.
        #[attr(chosen, force_new)]
        enabled: Option<bool>,
    }

    /// A disk of the host, or none where the image has one.
    pub struct EphemeralBlockDevice {
        /// Where it appears.
        #[attr(force_new)]
        device_name: String,
        /// Leave out what the image has there.
        #[attr(force_new)]
        no_device: Option<bool>,
        /// Which disk, `ephemeral0`.
        #[attr(force_new)]
        virtual_name: Option<String>,
    }

    /// How it is bought.
    pub struct InstanceMarketOptions {
        /// `spot`, or `capacity-block`.
        #[attr(chosen, force_new, one_of(&["spot", "capacity-block"]))]
        market_type: Option<String>,
        /// Details of Spot.
        #[attr(chosen, force_new)]
        spot_options: Option<SpotOptions>,
    }

    /// Details of Spot.
    pub struct SpotOptions {
        /// What happens to it when AWS wants the capacity back.
        #[attr(chosen, force_new, one_of(&["hibernate", "stop", "terminate"]))]
        instance_interruption_behavior: Option<String>,
        /// The most to pay an hour, in dollars. AWS advises against it.
        #[attr(chosen, force_new)]
        max_price: Option<String>,
        /// Whether AWS starts another one after an interruption.
        #[attr(chosen, force_new, one_of(&["one-time", "persistent"]))]
        spot_instance_type: Option<String>,
        /// When a persistent request ends, UTC, `2030-01-02T03:04:05Z`.
        #[attr(chosen, force_new)]
        valid_until: Option<String>,
    }

    /// The launch template that it is made from. What the instance's own attributes say overrides it.
    pub struct LaunchTemplate {
        /// Its id.
        #[attr(chosen, force_new, conflicts(&["name"]), refers("aws_launch_template.id"))]
        id: Option<String>,
        /// Its name.
        #[attr(chosen, force_new, conflicts(&["id"]), refers("aws_launch_template.name"))]
        name: Option<String>,
        /// A version's number, `$Latest` or `$Default`.
        #[attr(default_text("$Default"), force_new)]
        version: Option<String>,
    }

    /// What AWS does when the host breaks.
    pub struct MaintenanceOptions {
        /// Move it to another host, or not.
        #[attr(chosen, one_of(&["default", "disabled"]))]
        auto_recovery: Option<String>,
    }

    /// The metadata service, which gives the instance its credentials.
    pub struct MetadataOptions {
        /// Whether there is one.
        #[attr(default_text("enabled"), one_of(ON_OFF))]
        http_endpoint: Option<String>,
        /// Whether it answers over IPv6 too.
        #[attr(default_text("disabled"), one_of(ON_OFF))]
        http_protocol_ipv6: Option<String>,
        /// How many hops an answer may make: 2 for containers to reach it.
        #[attr(chosen, within(1, 64))]
        http_put_response_hop_limit: Option<i32>,
        /// Whether a session token is needed (`required`, IMDSv2).
        #[attr(chosen, one_of(&["optional", "required"]))]
        http_tokens: Option<String>,
        /// Whether it tells the instance's tags.
        #[attr(chosen, one_of(ON_OFF))]
        instance_metadata_tags: Option<String>,
    }

    /// A network interface that exists already.
    pub struct NetworkInterface {
        /// Whether it goes with the instance.
        #[attr(default_bool(false), force_new)]
        delete_on_termination: Option<bool>,
        /// Its place; 0 is the first.
        #[attr(force_new)]
        device_index: i32,
        /// The network card that it is on.
        #[attr(default_int(0), force_new)]
        network_card_index: Option<i32>,
        /// The interface.
        #[attr(force_new, refers("aws_network_interface.id"))]
        network_interface_id: String,
    }

    /// Its names within the VPC.
    pub struct PrivateDnsNameOptions {
        /// Whether its resource name has an A record.
        #[attr(chosen)]
        enable_resource_name_dns_a_record: Option<bool>,
        /// Whether its resource name has an AAAA record.
        #[attr(chosen)]
        enable_resource_name_dns_aaaa_record: Option<bool>,
        /// Named after its address or its id.
        #[attr(chosen, one_of(&["ip-name", "resource-name"]))]
        hostname_type: Option<String>,
    }

    /// The volume that it starts from.
    pub struct RootBlockDevice {
        /// Whether the volume goes with the instance.
        #[attr(default_bool(true))]
        delete_on_termination: Option<bool>,
        /// Where it appears.
        #[attr(computed)]
        device_name: Option<String>,
        /// Whether it is encrypted.
        #[attr(chosen, force_new)]
        encrypted: Option<bool>,
        /// Operations a second; io1, io2 and gp3.
        #[attr(chosen)]
        iops: Option<i32>,
        /// The key that encrypts it, an ARN.
        #[attr(chosen, force_new, refers("aws_kms_key.arn"))]
        kms_key_id: Option<String>,
        /// Its tags.
        tags: Tags,
        /// Its tags and the provider's default tags.
        #[attr(chosen)]
        tags_all: Tags,
        /// MiB a second; gp3.
        #[attr(chosen)]
        throughput: Option<i32>,
        /// The volume.
        #[attr(computed)]
        volume_id: Option<String>,
        /// GiB. It can only grow; the file system on it grows at the next start, or by hand.
        #[attr(chosen, within(1, 65536))]
        volume_size: Option<i32>,
        /// What kind of volume.
        #[attr(chosen, one_of(VOLUME_TYPES))]
        volume_type: Option<String>,
    }
}
