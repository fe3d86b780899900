//! The one call that makes an instance.

use std::sync::Arc;

use aws_sdk_ec2::operation::run_instances::builders::RunInstancesFluentBuilder;
use aws_sdk_ec2::types::{
    BlockDeviceMapping, CapacityReservationSpecification as Reservation, CapacityReservationTarget as Target, CpuOptionsRequest,
    CreditSpecificationRequest, EbsBlockDevice as Ebs, EnclaveOptionsRequest, Filter, HibernationOptionsRequest,
    IamInstanceProfileSpecification, InstanceIpv6Address, InstanceMaintenanceOptionsRequest, InstanceMarketOptionsRequest,
    InstanceMetadataOptionsRequest, InstanceNetworkInterfaceSpecification as Nic, InstanceType, LaunchTemplateSpecification, Placement,
    PrivateDnsNameOptionsRequest, PrivateIpAddressSpecification, ResourceType, RunInstancesMonitoringEnabled, SpotMarketOptions,
    TagSpecification,
};
use aws_smithy_types::DateTime;
use aws_smithy_types::date_time::Format;

use super::user_data::{bytes, encoded};
use super::volumes::{Wanted, with_defaults};
use super::{CapacityReservationSpecification, Instance, LaunchTemplate, RootBlockDevice, some};
use crate::aws::Aws;
use crate::aws::ec2::{alike, by, by_tags, tagged};
use crate::aws::error::lacking;
use crate::words::failure::{Cause, Failure, Outcome};
use crate::words::resource::{Cloud, Cx, Id, Tags};

/// What an image or launch template is named by when Systems Manager knows it.
const PARAMETER: &str = "resolve:ssm:";

/// Makes it. The token makes a second call with the same intent answer the same instance.
pub(super) async fn create(want: &Instance, cx: &Cx<'_, Aws>) -> Outcome<Id> {
    let call = cx.cloud.ec2.run_instances().min_count(1).max_count(1).client_token(cx.token);
    let call = call.set_tag_specifications(tag_specifications(want, cx.cloud));
    let call = machine(want, call);
    let call = placed(want, call)?;
    let call = networked(want, call);
    let call = optioned(want, call)?;
    let call = call.set_block_device_mappings(devices(want, cx).await?);
    let answer = call.send().await.map_err(|error| no_room(error.into(), want))?;
    let instances = answer.instances.unwrap_or_default();
    instances.into_iter().find_map(|i| i.instance_id).ok_or_else(|| lacking("instance id"))
}

/// The one that a lost call with this token made.
pub(super) async fn find(cx: &Cx<'_, Aws>) -> Outcome<Option<Id>> {
    let found = cx.cloud.ec2.describe_instances().filters(by("client-token", [cx.token])).send().await?;
    let mut instances = found.reservations.unwrap_or_default().into_iter().flat_map(|r| r.instances.unwrap_or_default());
    Ok(instances.find_map(|i| i.instance_id))
}

/// One that bears exactly those tags and is not on its way out.
pub(super) async fn twin(cx: &Cx<'_, Aws>, tags: &Tags) -> Outcome<Option<Id>> {
    let found = cx.cloud.ec2.describe_instances().set_filters(Some(by_tags(tags))).filters(alive()).send().await?;
    let mut instances = found.reservations.unwrap_or_default().into_iter().flat_map(|r| r.instances.unwrap_or_default());
    Ok(instances.find(|i| alike(cx.cloud, i.tags(), tags)).and_then(|i| i.instance_id))
}

/// Those of that name in the subnet that are not on their way out.
pub(super) async fn named(cx: &Cx<'_, Aws>, name: Option<&String>, subnet: Option<&str>) -> Outcome<Vec<Id>> {
    let (Some(name), Some(subnet)) = (name, subnet) else { return Ok(vec![]) };
    let call = cx.cloud.ec2.describe_instances().filters(by("tag:Name", [name])).filters(by("subnet-id", [subnet])).filters(alive());
    let instances = call.send().await?.reservations.unwrap_or_default().into_iter().flat_map(|r| r.instances.unwrap_or_default());
    Ok(instances.filter_map(|i| i.instance_id).collect())
}

/// What was terminated keeps its tags for an hour.
fn alive() -> Filter {
    by("instance-state-name", ["pending", "running", "stopping", "stopped"])
}

/// Lack of room comes with a status that looks like a breakdown, but nothing was made, and asking again at once seldom helps.
fn no_room(failure: Failure, want: &Instance) -> Failure {
    let kind = want.instance_type.as_deref().unwrap_or("the template's type");
    match failure.code.as_str() {
        "InsufficientInstanceCapacity" | "InsufficientHostCapacity" | "InsufficientReservedInstanceCapacity" => failure
            .because(Cause::Refused)
            .help(format!("AWS has no room for {kind} there now: choose another zone (subnet), another type, or apply later")),
        "VcpuLimitExceeded" | "InstanceLimitExceeded" | "MaxSpotInstanceCountExceeded" => {
            failure.help("the account's quota is used up: ask for more under Service Quotas, or choose another family of types")
        }
        _ => failure,
    }
}

/// A list to send; EC2 refuses an empty one.
fn filled<T>(items: impl IntoIterator<Item = T>) -> Option<Vec<T>> {
    Some(items.into_iter().collect::<Vec<_>>()).filter(|items| !items.is_empty())
}

/// Tags of the instance, and of its volumes where all of them are to have the same.
fn tag_specifications(want: &Instance, aws: &Aws) -> Option<Vec<TagSpecification>> {
    let mut all = tagged(ResourceType::Instance, &want.tags_all).unwrap_or_default();
    let mut devices: Vec<_> = want.ebs_block_device.iter().map(|d| &d.tags).chain(want.root_block_device.iter().map(|d| &d.tags)).collect();
    devices.dedup();
    let volumes = match devices.as_slice() {
        _ if !want.volume_tags.is_empty() => want.volume_tags.clone(),
        // The image may bring other volumes; only the root's is sure to be there.
        [tags] if want.root_block_device.is_some() => with_defaults(tags, aws.default_tags()),
        _ => crate::words::resource::Tags::new(),
    };
    all.extend(tagged(ResourceType::Volume, &volumes).unwrap_or_default());
    filled(all)
}

/// What it is and what it runs.
fn machine(want: &Instance, call: RunInstancesFluentBuilder) -> RunInstancesFluentBuilder {
    let monitoring = want.monitoring.map(|on| RunInstancesMonitoringEnabled::builder().enabled(on).build());
    let profile = some(want.iam_instance_profile.as_deref());
    call.set_image_id(some(want.ami.as_deref()))
        .set_instance_type(want.instance_type.as_deref().map(InstanceType::from))
        .set_key_name(some(want.key_name.as_deref()))
        .set_user_data(user_data(want))
        .set_monitoring(monitoring)
        .set_ebs_optimized(want.ebs_optimized.filter(|on| *on))
        .set_disable_api_termination(want.disable_api_termination)
        .set_disable_api_stop(want.disable_api_stop)
        .set_instance_initiated_shutdown_behavior(want.instance_initiated_shutdown_behavior.as_deref().map(Into::into))
        .set_iam_instance_profile(profile.map(|name| IamInstanceProfileSpecification::builder().name(name).build()))
        .set_launch_template(want.launch_template.as_ref().map(template))
}

/// The API takes base64, and neither it nor the SDK encodes.
fn user_data(want: &Instance) -> Option<String> {
    let text = want.user_data.as_ref().filter(|t| !t.is_empty()).map(|t| encoded(&bytes(t)));
    text.or_else(|| some(want.user_data_base64.as_deref()))
}

fn template(template: &LaunchTemplate) -> LaunchTemplateSpecification {
    let id = some(template.id.as_deref());
    let name = some(template.name.as_deref()).filter(|_| id.is_none());
    let version = template.version.clone().or_else(|| Some("$Default".into()));
    LaunchTemplateSpecification::builder().set_launch_template_id(id).set_launch_template_name(name).set_version(version).build()
}

/// Where it runs and how it is bought.
fn placed(want: &Instance, call: RunInstancesFluentBuilder) -> Outcome<RunInstancesFluentBuilder> {
    let placement = Placement::builder()
        .set_availability_zone(some(want.availability_zone.as_deref()))
        .set_tenancy(want.tenancy.as_deref().filter(|t| !t.is_empty()).map(Into::into))
        .set_host_id(some(want.host_id.as_deref()))
        .set_host_resource_group_arn(some(want.host_resource_group_arn.as_deref()))
        .set_group_name(some(want.placement_group.as_deref()))
        .set_partition_number(want.placement_partition_number.filter(|n| *n > 0))
        .build();
    let nowhere = placement == Placement::builder().build();
    let reservation = want.capacity_reservation_specification.as_ref().map(reservation);
    Ok(call
        .set_placement((!nowhere).then_some(placement))
        .set_capacity_reservation_specification(reservation)
        .set_instance_market_options(market(want)?))
}

/// As both RunInstances and ModifyInstanceCapacityReservationAttributes take it.
pub(super) fn reservation(given: &CapacityReservationSpecification) -> Reservation {
    let target = given.capacity_reservation_target.as_ref().map(|target| {
        let group = some(target.capacity_reservation_resource_group_arn.as_deref());
        let id = some(target.capacity_reservation_id.as_deref());
        Target::builder().set_capacity_reservation_id(id).set_capacity_reservation_resource_group_arn(group).build()
    });
    // With a target the preference is what the cloud makes of it, and sending it back is refused.
    let preference = given.capacity_reservation_preference.as_deref().filter(|p| !p.is_empty() && target.is_none());
    Reservation::builder().set_capacity_reservation_preference(preference.map(Into::into)).set_capacity_reservation_target(target).build()
}

fn market(want: &Instance) -> Outcome<Option<InstanceMarketOptionsRequest>> {
    let Some(options) = &want.instance_market_options else { return Ok(None) };
    let spot = options.spot_options.as_ref().map(|spot| {
        let until = some(spot.valid_until.as_deref()).map(|until| {
            let bad = |_| Failure::other(format!("`valid_until` should be a time such as `2030-01-02T03:04:05Z`, not `{until}`"));
            DateTime::from_str(&until, Format::DateTime).map_err(bad)
        });
        Outcome::Ok(
            SpotMarketOptions::builder()
                .set_instance_interruption_behavior(spot.instance_interruption_behavior.as_deref().map(Into::into))
                .set_max_price(some(spot.max_price.as_deref()))
                .set_spot_instance_type(spot.spot_instance_type.as_deref().map(Into::into))
                .set_valid_until(until.transpose()?)
                .build(),
        )
    });
    let kind = options.market_type.as_deref().unwrap_or("spot");
    Ok(Some(InstanceMarketOptionsRequest::builder().market_type(kind.into()).set_spot_options(spot.transpose()?).build()))
}

/// What it is connected to. Some of it can only be said of a network interface, and then all of it has to be.
fn networked(want: &Instance, call: RunInstancesFluentBuilder) -> RunInstancesFluentBuilder {
    if !want.network_interface.is_empty() {
        return call.set_network_interfaces(Some(want.network_interface.iter().map(given_interface).collect()));
    }
    let secondary = want.secondary_private_ips.iter().flatten();
    let secondary: Vec<_> = secondary.map(|ip| PrivateIpAddressSpecification::builder().private_ip_address(&**ip).build()).collect();
    let groups = filled(want.vpc_security_group_ids.iter().flatten().cloned());
    let names = filled(want.security_groups.iter().flatten().cloned());
    let ipv6 = filled(want.ipv6_addresses.iter().map(|ip| InstanceIpv6Address::builder().ipv6_address(&**ip).build()));
    let ipv6_count = want.ipv6_address_count.filter(|_| ipv6.is_none());
    let (subnet, ip) = (some(want.subnet_id.as_deref()), some(want.private_ip.as_deref()));
    let own = want.associate_public_ip_address.is_some() || !secondary.is_empty() || want.enable_primary_ipv6.is_some();
    if own && names.is_none() {
        let mut addresses: Vec<_> =
            ip.iter().map(|ip| PrivateIpAddressSpecification::builder().private_ip_address(ip).primary(true).build()).collect();
        // The primary address stands in its own field unless there are others.
        let ip = if secondary.is_empty() { ip } else { None };
        addresses.retain(|_| ip.is_none());
        addresses.extend(secondary);
        let nic = Nic::builder().device_index(0).set_subnet_id(subnet).set_groups(groups).set_private_ip_address(ip);
        let nic = nic.set_associate_public_ip_address(want.associate_public_ip_address).set_primary_ipv6(want.enable_primary_ipv6);
        let nic = nic.set_private_ip_addresses(filled(addresses)).set_ipv6_addresses(ipv6).set_ipv6_address_count(ipv6_count);
        return call.network_interfaces(nic.delete_on_termination(true).build());
    }
    call.set_subnet_id(subnet)
        .set_private_ip_address(ip)
        .set_security_group_ids(groups)
        .set_security_groups(names)
        .set_ipv6_addresses(ipv6)
        .set_ipv6_address_count(ipv6_count)
}

fn given_interface(given: &super::NetworkInterface) -> Nic {
    Nic::builder()
        .device_index(given.device_index)
        .network_interface_id(&given.network_interface_id)
        .set_network_card_index(given.network_card_index.filter(|n| *n > 0))
        .set_delete_on_termination(given.delete_on_termination)
        .build()
}

/// The rest of what a call can say.
fn optioned(want: &Instance, call: RunInstancesFluentBuilder) -> Outcome<RunInstancesFluentBuilder> {
    let credits = want.credit_specification.as_ref().and_then(|c| some(c.cpu_credits.as_deref()));
    let credits = credits.map(|word| CreditSpecificationRequest::builder().cpu_credits(word).build());
    let enclave = want.enclave_options.as_ref().and_then(|e| e.enabled);
    let recovery = want.maintenance_options.as_ref().and_then(|m| m.auto_recovery.as_deref());
    let dns = want.private_dns_name_options.as_ref().map(|dns| {
        PrivateDnsNameOptionsRequest::builder()
            .set_hostname_type(dns.hostname_type.as_deref().filter(|h| !h.is_empty()).map(Into::into))
            .set_enable_resource_name_dns_a_record(dns.enable_resource_name_dns_a_record)
            .set_enable_resource_name_dns_aaaa_record(dns.enable_resource_name_dns_aaaa_record)
            .build()
    });
    Ok(call
        .set_credit_specification(credits)
        .set_enclave_options(enclave.map(|on| EnclaveOptionsRequest::builder().enabled(on).build()))
        .set_hibernation_options(want.hibernation.map(|on| HibernationOptionsRequest::builder().configured(on).build()))
        .set_maintenance_options(recovery.map(|r| InstanceMaintenanceOptionsRequest::builder().auto_recovery(r.into()).build()))
        .set_private_dns_name_options(dns)
        .set_cpu_options(cpu(want))
        .set_metadata_options(want.metadata_options.as_ref().map(metadata)))
}

fn cpu(want: &Instance) -> Option<CpuOptionsRequest> {
    let options = want.cpu_options.as_ref();
    let request = CpuOptionsRequest::builder()
        .set_core_count(options.and_then(|o| o.core_count).or(want.cpu_core_count).filter(|n| *n > 0))
        .set_threads_per_core(options.and_then(|o| o.threads_per_core).or(want.cpu_threads_per_core).filter(|n| *n > 0))
        .set_amd_sev_snp(options.and_then(|o| o.amd_sev_snp.as_deref()).filter(|s| !s.is_empty()).map(Into::into))
        .build();
    (request != CpuOptionsRequest::builder().build()).then_some(request)
}

/// What is off takes no settings.
fn metadata(given: &super::MetadataOptions) -> InstanceMetadataOptionsRequest {
    let endpoint = given.http_endpoint.as_deref().unwrap_or("enabled");
    let request = InstanceMetadataOptionsRequest::builder().http_endpoint(endpoint.into());
    if endpoint == "disabled" {
        return request.build();
    }
    request
        .set_http_tokens(given.http_tokens.as_deref().map(Into::into))
        .set_http_put_response_hop_limit(given.http_put_response_hop_limit)
        .set_http_protocol_ipv6(given.http_protocol_ipv6.as_deref().map(Into::into))
        .set_instance_metadata_tags(given.instance_metadata_tags.as_deref().map(Into::into))
        .build()
}

async fn devices(want: &Instance, cx: &Cx<'_, Aws>) -> Outcome<Option<Vec<BlockDeviceMapping>>> {
    let mut all = vec![];
    if let Some(root) = want.root_block_device.as_ref().filter(|root| says_something(root)) {
        let name = root_device(want, cx).await?;
        all.push(BlockDeviceMapping::builder().device_name(name).ebs(ebs(&Wanted::from(root), None)).build());
    }
    for device in &want.ebs_block_device {
        let snapshot = some(device.snapshot_id.as_deref());
        all.push(BlockDeviceMapping::builder().device_name(&device.device_name).ebs(ebs(&Wanted::from(device), snapshot)).build());
    }
    for device in &want.ephemeral_block_device {
        let none = device.no_device.filter(|none| *none).map(|_| String::new());
        let disk = some(device.virtual_name.as_deref()).filter(|_| none.is_none());
        all.push(BlockDeviceMapping::builder().device_name(&device.device_name).set_no_device(none).set_virtual_name(disk).build());
    }
    Ok(filled(all))
}

/// Whether the image's own mapping would not do: tags are set otherwise.
fn says_something(root: &RootBlockDevice) -> bool {
    let sized = root.volume_size.is_some() || root.volume_type.is_some() || root.iops.is_some() || root.throughput.is_some();
    sized || root.encrypted.is_some() || root.kms_key_id.is_some() || root.delete_on_termination.is_some()
}

fn ebs(want: &Wanted<'_>, snapshot: Option<String>) -> Ebs {
    Ebs::builder()
        .set_delete_on_termination(want.delete_on_termination)
        .set_volume_size(want.size.filter(|n| *n > 0))
        .set_volume_type(want.kind.map(Into::into))
        .set_iops(want.iops.filter(|n| *n > 0))
        .set_throughput(want.throughput.filter(|n| *n > 0))
        .set_encrypted(want.encrypted.filter(|on| *on))
        .set_kms_key_id(some(want.kms_key_id))
        .set_snapshot_id(snapshot)
        .build()
}

/// The name under which the image has its root volume: a mapping for another name would be another volume.
async fn root_device(want: &Instance, cx: &Cx<'_, Aws>) -> Outcome<String> {
    let image = image(want, cx).await?;
    let name: Arc<String> = cx
        .reads
        .once(format!("ec2:DescribeImages:root:{image}"), || async {
            let found = cx.cloud.ec2.describe_images().image_ids(&image).send().await?;
            let found = found.images.unwrap_or_default().into_iter().next();
            let found = found.ok_or_else(|| Failure::other(format!("there is no image {image}, or it may not be used here")))?;
            if found.root_device_type.as_ref().is_some_and(|kind| kind.as_str() == "instance-store") {
                let why = format!("the image {image} starts from a disk of the host, which `root_block_device` can't say anything about");
                return Err(Failure::other(why).help("leave out `root_block_device`, or choose an image backed by EBS"));
            }
            let mapped: Vec<String> = found.block_device_mappings.unwrap_or_default().into_iter().filter_map(|m| m.device_name).collect();
            // Some images name their root `/dev/sda1` and map it as `/dev/sda`.
            let name = found.root_device_name.filter(|name| mapped.is_empty() || mapped.contains(name));
            name.or_else(|| mapped.into_iter().next()).ok_or_else(|| lacking("root device name"))
        })
        .await?;
    Ok(name.as_ref().clone())
}

/// The id of the image that it will start from.
async fn image(want: &Instance, cx: &Cx<'_, Aws>) -> Outcome<String> {
    let given = match (some(want.ami.as_deref()), &want.launch_template) {
        (Some(ami), _) => ami,
        (None, Some(given)) => image_of(given, cx).await?,
        (None, None) => return Err(Failure::other("an instance needs an `ami`, or a launch template that has one")),
    };
    let Some(parameter) = given.strip_prefix(PARAMETER) else { return Ok(given) };
    let found = cx.cloud.ssm.get_parameter().name(parameter).send().await?;
    found.parameter.and_then(|p| p.value).ok_or_else(|| lacking("value of the parameter"))
}

async fn image_of(given: &LaunchTemplate, cx: &Cx<'_, Aws>) -> Outcome<String> {
    let spec = template(given);
    let call = cx.cloud.ec2.describe_launch_template_versions().set_launch_template_id(spec.launch_template_id);
    let call = call.set_launch_template_name(spec.launch_template_name).set_versions(spec.version.map(|v| vec![v]));
    let versions = call.send().await?.launch_template_versions.unwrap_or_default();
    let image = versions.into_iter().find_map(|v| v.launch_template_data?.image_id);
    image.ok_or_else(|| Failure::other("the launch template names no image").help("set `ami`, or an image in the template"))
}
