//! What a launch template holds, as EC2 tells it.

use aws_sdk_ec2::types as sdk;
use aws_smithy_types::date_time::Format;

use super::blocks::{
    BlockDevice, Choice, Cpu, Credit, DnsName, Ebs, EnaSrd, EnaSrdUdp, Enclave, Hibernation, License, Maintenance, Market, Metadata,
    Monitoring, Nic, Placement, Profile, Reservation, ReservationTarget, Spot, TagSpecification, Tracking,
};
use super::{LaunchTemplate, Requirements};
use crate::aws::ec2::{arn_of, some, tags};
use crate::aws::types::{Arn, Ip};
use crate::aws::{Aws, name};
use crate::words::resource::Tags;

macro_rules! word {
    ($option:expr) => {
        $option.as_ref().and_then(|word| some(Some(word.as_str())))
    };
}

fn text(text: &Option<String>) -> Option<String> {
    some(text.as_deref())
}

fn each<T, U, C: FromIterator<U>>(items: &Option<Vec<T>>, of: impl Fn(&T) -> U) -> C {
    items.iter().flatten().map(of).collect()
}

/// The template with what its latest version holds.
pub(super) fn template(
    aws: &Aws,
    account: &str,
    template: &sdk::LaunchTemplate,
    version: &sdk::LaunchTemplateVersion,
    prior: Option<&LaunchTemplate>,
) -> LaunchTemplate {
    let none = sdk::ResponseLaunchTemplateData::builder().build();
    let data = version.launch_template_data().unwrap_or(&none);
    let (id, called) = (template.launch_template_id().unwrap_or_default(), template.launch_template_name().unwrap_or_default());
    LaunchTemplate {
        arn: Some(arn_of(aws, account, &format!("launch-template/{id}"))),
        block_device_mappings: each(&data.block_device_mappings, device),
        capacity_reservation_specification: data.capacity_reservation_specification.as_ref().map(|reservation| Reservation {
            capacity_reservation_preference: word!(reservation.capacity_reservation_preference),
            capacity_reservation_target: reservation.capacity_reservation_target.as_ref().map(|target| ReservationTarget {
                capacity_reservation_id: text(&target.capacity_reservation_id),
                capacity_reservation_resource_group_arn: text(&target.capacity_reservation_resource_group_arn).map(Arn),
            }),
        }),
        cpu_options: data.cpu_options.as_ref().map(|cpu| Cpu {
            amd_sev_snp: word!(cpu.amd_sev_snp),
            core_count: cpu.core_count,
            threads_per_core: cpu.threads_per_core,
        }),
        credit_specification: data.credit_specification.as_ref().map(|credit| Credit { cpu_credits: text(&credit.cpu_credits) }),
        default_version: template.default_version_number(),
        description: some(version.version_description()),
        disable_api_stop: data.disable_api_stop,
        disable_api_termination: data.disable_api_termination,
        ebs_optimized: Choice::told(data.ebs_optimized),
        // AWS has none of these any more.
        elastic_gpu_specifications: vec![],
        elastic_inference_accelerator: None,
        enclave_options: data.enclave_options.as_ref().map(|enclave| Enclave { enabled: enclave.enabled }),
        hibernation_options: data.hibernation_options.as_ref().map(|h| Hibernation { configured: h.configured.unwrap_or(false) }),
        iam_instance_profile: data
            .iam_instance_profile
            .as_ref()
            .map(|profile| Profile { arn: text(&profile.arn).map(Arn), name: text(&profile.name) }),
        image_id: text(&data.image_id),
        instance_initiated_shutdown_behavior: word!(data.instance_initiated_shutdown_behavior),
        instance_market_options: data.instance_market_options.as_ref().map(market),
        instance_requirements: data.instance_requirements.as_ref().map(Requirements::told),
        instance_type: word!(data.instance_type),
        kernel_id: text(&data.kernel_id),
        key_name: text(&data.key_name),
        latest_version: template.latest_version_number(),
        license_specification: each(&data.license_specifications, |license| License {
            license_configuration_arn: Arn(license.license_configuration_arn.clone().unwrap_or_default()),
        }),
        maintenance_options: data.maintenance_options.as_ref().map(|m| Maintenance { auto_recovery: word!(m.auto_recovery) }),
        metadata_options: data.metadata_options.as_ref().map(|options| Metadata {
            http_endpoint: word!(options.http_endpoint),
            http_protocol_ipv6: word!(options.http_protocol_ipv6),
            http_put_response_hop_limit: options.http_put_response_hop_limit,
            http_tokens: word!(options.http_tokens),
            instance_metadata_tags: word!(options.instance_metadata_tags),
        }),
        monitoring: data.monitoring.as_ref().map(|monitoring| Monitoring { enabled: monitoring.enabled }),
        name: some(Some(called)),
        name_prefix: name::prefix_of(called),
        network_interfaces: each(&data.network_interfaces, interface),
        placement: data.placement.as_ref().map(|placement| Placement {
            affinity: text(&placement.affinity),
            availability_zone: text(&placement.availability_zone),
            group_name: text(&placement.group_name),
            host_id: text(&placement.host_id),
            host_resource_group_arn: text(&placement.host_resource_group_arn).map(Arn),
            partition_number: placement.partition_number,
            spread_domain: text(&placement.spread_domain),
            tenancy: word!(placement.tenancy),
        }),
        private_dns_name_options: data.private_dns_name_options.as_ref().map(|names| DnsName {
            enable_resource_name_dns_a_record: names.enable_resource_name_dns_a_record,
            enable_resource_name_dns_aaaa_record: names.enable_resource_name_dns_aaaa_record,
            hostname_type: word!(names.hostname_type),
        }),
        ram_disk_id: text(&data.ram_disk_id),
        security_group_names: each(&data.security_groups, Clone::clone),
        tag_specifications: each(&data.tag_specifications, |specification| TagSpecification {
            resource_type: word!(specification.resource_type),
            tags: tags(specification.tags.as_deref()),
        }),
        tags: Tags::new(),
        tags_all: tags(template.tags.as_deref()),
        update_default_version: prior.and_then(|p| p.update_default_version),
        user_data: text(&data.user_data).map(Into::into),
        vpc_security_group_ids: each(&data.security_group_ids, Clone::clone),
    }
}

fn device(device: &sdk::LaunchTemplateBlockDeviceMapping) -> BlockDevice {
    BlockDevice {
        device_name: text(&device.device_name),
        ebs: device.ebs.as_ref().map(|ebs| Ebs {
            delete_on_termination: Choice::told(ebs.delete_on_termination),
            encrypted: Choice::told(ebs.encrypted),
            iops: ebs.iops,
            kms_key_id: text(&ebs.kms_key_id).map(Arn),
            snapshot_id: text(&ebs.snapshot_id),
            throughput: ebs.throughput,
            volume_initialization_rate: ebs.volume_initialization_rate,
            volume_size: ebs.volume_size,
            volume_type: word!(ebs.volume_type),
        }),
        no_device: text(&device.no_device),
        virtual_name: text(&device.virtual_name),
    }
}

fn market(market: &sdk::LaunchTemplateInstanceMarketOptions) -> Market {
    Market {
        market_type: word!(market.market_type),
        spot_options: market.spot_options.as_ref().map(|spot| Spot {
            block_duration_minutes: spot.block_duration_minutes,
            instance_interruption_behavior: word!(spot.instance_interruption_behavior),
            max_price: text(&spot.max_price),
            spot_instance_type: word!(spot.spot_instance_type),
            valid_until: spot.valid_until.and_then(|at| at.fmt(Format::DateTime).ok()),
        }),
    }
}

fn interface(nic: &sdk::LaunchTemplateInstanceNetworkInterfaceSpecification) -> Nic {
    let primary = nic.private_ip_addresses.iter().flatten().find(|ip| ip.primary == Some(true));
    let first = text(&nic.private_ip_address).or_else(|| primary.and_then(|ip| text(&ip.private_ip_address)));
    let ip = |text: &Option<String>| Ip(text.clone().unwrap_or_default());
    Nic {
        associate_carrier_ip_address: Choice::told(nic.associate_carrier_ip_address),
        associate_public_ip_address: Choice::told(nic.associate_public_ip_address),
        connection_tracking_specification: nic.connection_tracking_specification.as_ref().map(|tracking| Tracking {
            tcp_established_timeout: tracking.tcp_established_timeout,
            udp_stream_timeout: tracking.udp_stream_timeout,
            udp_timeout: tracking.udp_timeout,
        }),
        delete_on_termination: Choice::told(nic.delete_on_termination),
        description: text(&nic.description),
        device_index: nic.device_index,
        ena_srd_specification: nic.ena_srd_specification.as_ref().map(|express| EnaSrd {
            ena_srd_enabled: express.ena_srd_enabled,
            ena_srd_udp_specification: express
                .ena_srd_udp_specification
                .as_ref()
                .map(|udp| EnaSrdUdp { ena_srd_udp_enabled: udp.ena_srd_udp_enabled }),
        }),
        interface_type: text(&nic.interface_type),
        ipv4_address_count: nic.secondary_private_ip_address_count,
        ipv4_addresses: each(&nic.private_ip_addresses, |address| ip(&address.private_ip_address)),
        ipv4_prefix_count: nic.ipv4_prefix_count,
        ipv4_prefixes: each(&nic.ipv4_prefixes, |prefix| prefix.ipv4_prefix.clone().unwrap_or_default()),
        ipv6_address_count: nic.ipv6_address_count,
        ipv6_addresses: each(&nic.ipv6_addresses, |address| ip(&address.ipv6_address)),
        ipv6_prefix_count: nic.ipv6_prefix_count,
        ipv6_prefixes: each(&nic.ipv6_prefixes, |prefix| prefix.ipv6_prefix.clone().unwrap_or_default()),
        network_card_index: nic.network_card_index,
        network_interface_id: text(&nic.network_interface_id),
        primary_ipv6: Choice::told(nic.primary_ipv6),
        private_ip_address: first.map(Ip),
        security_groups: each(&nic.groups, Clone::clone),
        subnet_id: text(&nic.subnet_id),
    }
}
