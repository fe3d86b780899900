//! What a launch template holds, as the call takes it.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as sdk;
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::LaunchTemplate;
use super::blocks::{BlockDevice, Choice, Ebs, Market, Metadata, Nic, Placement, Reservation, TagSpecification};
use crate::aws::ec2::some;
use crate::words::failure::{Failure, Outcome};

fn text(text: &Option<String>) -> Option<String> {
    some(text.as_deref())
}

fn word<T: for<'a> From<&'a str>>(word: &Option<String>) -> Option<T> {
    word.as_deref().filter(|w| !w.is_empty()).map(T::from)
}

fn flag(choice: &Option<Choice>) -> Option<bool> {
    choice.as_ref().and_then(Choice::flag)
}

/// Zero is how states of the provider spell nothing.
fn int(number: Option<i32>) -> Option<i32> {
    number.filter(|n| *n != 0)
}

/// A list for a call; none rather than an empty one.
fn list<T, U>(items: impl IntoIterator<Item = T>, of: impl Fn(T) -> U) -> Option<Vec<U>> {
    let items: Vec<U> = items.into_iter().map(of).collect();
    (!items.is_empty()).then_some(items)
}

impl LaunchTemplate {
    /// All that it holds. Equal requests are equal templates.
    pub(super) fn request(&self) -> Outcome<sdk::RequestLaunchTemplateData> {
        let call = sdk::RequestLaunchTemplateData::builder();
        let call = call.set_block_device_mappings(list(&self.block_device_mappings, device));
        let call = call.set_capacity_reservation_specification(self.capacity_reservation_specification.as_ref().map(reservation));
        let call = call.set_cpu_options(self.cpu_options.as_ref().map(|cpu| {
            let call = sdk::LaunchTemplateCpuOptionsRequest::builder().set_amd_sev_snp(word(&cpu.amd_sev_snp));
            call.set_core_count(int(cpu.core_count)).set_threads_per_core(int(cpu.threads_per_core)).build()
        }));
        let call = match self.credit_specification.as_ref().and_then(|c| text(&c.cpu_credits)) {
            Some(credits) => call.credit_specification(sdk::CreditSpecificationRequest::builder().cpu_credits(credits).build()),
            None => call,
        };
        let call = call.set_disable_api_stop(self.disable_api_stop.filter(|yes| *yes));
        let call = call.set_disable_api_termination(self.disable_api_termination.filter(|yes| *yes));
        let call = call.set_ebs_optimized(flag(&self.ebs_optimized));
        let call = call.set_enclave_options(
            self.enclave_options
                .as_ref()
                .map(|enclave| sdk::LaunchTemplateEnclaveOptionsRequest::builder().enabled(enclave.enabled.unwrap_or(false)).build()),
        );
        let call = call.set_hibernation_options(
            self.hibernation_options
                .as_ref()
                .map(|hibernation| sdk::LaunchTemplateHibernationOptionsRequest::builder().configured(hibernation.configured).build()),
        );
        let call = call.set_iam_instance_profile(self.iam_instance_profile.as_ref().map(|profile| {
            let arn = profile.arn.as_ref().map(|arn| arn.to_string());
            sdk::LaunchTemplateIamInstanceProfileSpecificationRequest::builder().set_arn(arn).set_name(text(&profile.name)).build()
        }));
        let call = call.set_image_id(text(&self.image_id)).set_instance_type(word(&self.instance_type));
        let call = call.set_instance_initiated_shutdown_behavior(word(&self.instance_initiated_shutdown_behavior));
        let call = call.set_instance_market_options(self.instance_market_options.as_ref().map(market).transpose()?);
        let call = call.set_instance_requirements(self.instance_requirements.as_ref().map(super::Requirements::request).transpose()?);
        let call = call.set_kernel_id(text(&self.kernel_id)).set_ram_disk_id(text(&self.ram_disk_id)).set_key_name(text(&self.key_name));
        let call = call.set_license_specifications(list(&self.license_specification, |license| {
            sdk::LaunchTemplateLicenseConfigurationRequest::builder().license_configuration_arn(&*license.license_configuration_arn).build()
        }));
        let call = call.set_maintenance_options(self.maintenance_options.as_ref().map(|maintenance| {
            sdk::LaunchTemplateInstanceMaintenanceOptionsRequest::builder().set_auto_recovery(word(&maintenance.auto_recovery)).build()
        }));
        let call = call.set_metadata_options(self.metadata_options.as_ref().map(metadata));
        let call = call.set_monitoring(
            self.monitoring
                .as_ref()
                .map(|monitoring| sdk::LaunchTemplatesMonitoringRequest::builder().enabled(monitoring.enabled.unwrap_or(false)).build()),
        );
        let call = call.set_network_interfaces(list(&self.network_interfaces, interface));
        let call = call.set_placement(self.placement.as_ref().map(placement));
        let call = call.set_private_dns_name_options(self.private_dns_name_options.as_ref().map(|names| {
            sdk::LaunchTemplatePrivateDnsNameOptionsRequest::builder()
                .set_hostname_type(word(&names.hostname_type))
                .enable_resource_name_dns_a_record(names.enable_resource_name_dns_a_record.unwrap_or(false))
                .enable_resource_name_dns_aaaa_record(names.enable_resource_name_dns_aaaa_record.unwrap_or(false))
                .build()
        }));
        let call =
            call.set_security_groups(strings(&self.security_group_names)).set_security_group_ids(strings(&self.vpc_security_group_ids));
        let call = call.set_tag_specifications(list(&self.tag_specifications, tags));
        // A template of nothing is refused; no user data is nothing, and yet something.
        Ok(call.user_data(self.user_data.as_deref().unwrap_or_default()).build())
    }
}

fn strings(items: &BTreeSet<String>) -> Option<Vec<String>> {
    list(items, Clone::clone)
}

fn device(device: &BlockDevice) -> sdk::LaunchTemplateBlockDeviceMappingRequest {
    let call = sdk::LaunchTemplateBlockDeviceMappingRequest::builder().set_device_name(text(&device.device_name));
    let call = call.set_no_device(text(&device.no_device)).set_virtual_name(text(&device.virtual_name));
    call.set_ebs(device.ebs.as_ref().map(ebs)).build()
}

fn ebs(ebs: &Ebs) -> sdk::LaunchTemplateEbsBlockDeviceRequest {
    let call = sdk::LaunchTemplateEbsBlockDeviceRequest::builder();
    let call = call.set_delete_on_termination(flag(&ebs.delete_on_termination)).set_encrypted(flag(&ebs.encrypted));
    let call = call.set_iops(int(ebs.iops)).set_kms_key_id(ebs.kms_key_id.as_deref().and_then(|key| some(Some(key))));
    let call = call.set_snapshot_id(text(&ebs.snapshot_id)).set_throughput(int(ebs.throughput));
    let call = call.set_volume_initialization_rate(int(ebs.volume_initialization_rate));
    call.set_volume_size(int(ebs.volume_size)).set_volume_type(word(&ebs.volume_type)).build()
}

fn reservation(reservation: &Reservation) -> sdk::LaunchTemplateCapacityReservationSpecificationRequest {
    let target = reservation.capacity_reservation_target.as_ref().map(|target| {
        let group = target.capacity_reservation_resource_group_arn.as_ref().map(|arn| arn.to_string());
        let call = sdk::CapacityReservationTarget::builder().set_capacity_reservation_id(text(&target.capacity_reservation_id));
        call.set_capacity_reservation_resource_group_arn(group).build()
    });
    sdk::LaunchTemplateCapacityReservationSpecificationRequest::builder()
        .set_capacity_reservation_preference(word(&reservation.capacity_reservation_preference))
        .set_capacity_reservation_target(target)
        .build()
}

fn market(market: &Market) -> Outcome<sdk::LaunchTemplateInstanceMarketOptionsRequest> {
    let spot = market.spot_options.as_ref().map(|spot| {
        let wrong = |error| Failure::other(format!("`valid_until` is no time such as `2030-01-01T00:00:00Z`: {error}"));
        let until = spot.valid_until.as_deref().filter(|t| !t.is_empty());
        let until = until.map(|t| DateTime::from_str(t, Format::DateTimeWithOffset).map_err(wrong)).transpose()?;
        let call = sdk::LaunchTemplateSpotMarketOptionsRequest::builder().set_block_duration_minutes(int(spot.block_duration_minutes));
        let call = call.set_instance_interruption_behavior(word(&spot.instance_interruption_behavior));
        let call = call.set_max_price(text(&spot.max_price)).set_spot_instance_type(word(&spot.spot_instance_type));
        Outcome::Ok(call.set_valid_until(until).build())
    });
    let call = sdk::LaunchTemplateInstanceMarketOptionsRequest::builder().set_market_type(word(&market.market_type));
    Ok(call.set_spot_options(spot.transpose()?).build())
}

fn metadata(options: &Metadata) -> sdk::LaunchTemplateInstanceMetadataOptionsRequest {
    sdk::LaunchTemplateInstanceMetadataOptionsRequest::builder()
        .set_http_endpoint(word(&options.http_endpoint))
        .set_http_protocol_ipv6(word(&options.http_protocol_ipv6))
        .set_http_put_response_hop_limit(int(options.http_put_response_hop_limit))
        .set_http_tokens(word(&options.http_tokens))
        .set_instance_metadata_tags(word(&options.instance_metadata_tags))
        .build()
}

fn interface(nic: &Nic) -> sdk::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest {
    let first = nic.private_ip_address.as_ref().map(|ip| ip.to_string()).filter(|ip| !ip.is_empty());
    let addresses = list(&nic.ipv4_addresses, |ip| {
        let primary = first.as_deref() == Some(&**ip);
        sdk::PrivateIpAddressSpecification::builder().primary(primary).private_ip_address(&**ip).build()
    });
    let call = sdk::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest::builder()
        .set_associate_carrier_ip_address(flag(&nic.associate_carrier_ip_address))
        .set_associate_public_ip_address(flag(&nic.associate_public_ip_address))
        .set_delete_on_termination(flag(&nic.delete_on_termination))
        .set_primary_ipv6(flag(&nic.primary_ipv6))
        .set_description(text(&nic.description))
        .device_index(nic.device_index.unwrap_or(0))
        .set_network_card_index(int(nic.network_card_index))
        .set_interface_type(text(&nic.interface_type))
        .set_network_interface_id(text(&nic.network_interface_id))
        .set_subnet_id(text(&nic.subnet_id))
        .set_groups(strings(&nic.security_groups))
        .set_secondary_private_ip_address_count(int(nic.ipv4_address_count))
        .set_ipv6_address_count(int(nic.ipv6_address_count))
        .set_ipv4_prefix_count(int(nic.ipv4_prefix_count))
        .set_ipv6_prefix_count(int(nic.ipv6_prefix_count))
        .set_private_ip_address(first.clone().filter(|_| addresses.is_none()))
        .set_private_ip_addresses(addresses);
    let call =
        call.set_ipv6_addresses(list(&nic.ipv6_addresses, |ip| sdk::InstanceIpv6AddressRequest::builder().ipv6_address(&**ip).build()));
    let call =
        call.set_ipv4_prefixes(list(&nic.ipv4_prefixes, |net| sdk::Ipv4PrefixSpecificationRequest::builder().ipv4_prefix(net).build()));
    let call =
        call.set_ipv6_prefixes(list(&nic.ipv6_prefixes, |net| sdk::Ipv6PrefixSpecificationRequest::builder().ipv6_prefix(net).build()));
    let call = call.set_connection_tracking_specification(nic.connection_tracking_specification.as_ref().map(|tracking| {
        let call = sdk::ConnectionTrackingSpecificationRequest::builder();
        let call = call.set_tcp_established_timeout(int(tracking.tcp_established_timeout));
        call.set_udp_stream_timeout(int(tracking.udp_stream_timeout)).set_udp_timeout(int(tracking.udp_timeout)).build()
    }));
    let express = nic.ena_srd_specification.as_ref().map(|express| {
        let udp = express.ena_srd_udp_specification.as_ref();
        let udp = udp.map(|udp| sdk::EnaSrdUdpSpecificationRequest::builder().set_ena_srd_udp_enabled(udp.ena_srd_udp_enabled).build());
        let call = sdk::EnaSrdSpecificationRequest::builder().set_ena_srd_enabled(express.ena_srd_enabled);
        call.set_ena_srd_udp_specification(udp).build()
    });
    call.set_ena_srd_specification(express).build()
}

fn placement(placement: &Placement) -> sdk::LaunchTemplatePlacementRequest {
    let call = sdk::LaunchTemplatePlacementRequest::builder();
    let call = call.set_affinity(text(&placement.affinity)).set_availability_zone(text(&placement.availability_zone));
    let call = call.set_group_name(text(&placement.group_name)).set_host_id(text(&placement.host_id));
    let call = call.set_host_resource_group_arn(placement.host_resource_group_arn.as_ref().map(|arn| arn.to_string()));
    let call = call.set_partition_number(int(placement.partition_number)).set_spread_domain(text(&placement.spread_domain));
    call.set_tenancy(word(&placement.tenancy)).build()
}

fn tags(specification: &TagSpecification) -> sdk::LaunchTemplateTagSpecificationRequest {
    let tags = list(&specification.tags, |(key, value)| sdk::Tag::builder().key(key).value(value).build());
    let call = sdk::LaunchTemplateTagSpecificationRequest::builder().set_resource_type(word(&specification.resource_type));
    call.set_tags(tags).build()
}
