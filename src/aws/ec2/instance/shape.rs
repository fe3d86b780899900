//! An instance as AWS describes it, in the shape that stacks have it.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ec2::types::{Instance as Described, InstanceNetworkInterface, LaunchTemplate as Template, SpotInstanceRequest, Volume};
use aws_smithy_types::date_time::Format;

use super::devices::Devices;
use super::read::{Extra, REASON, Seen, own_tag, template_id};
use super::user_data::{self, decoded, hash_of, same};
use super::{
    Base64, CapacityReservationSpecification, CapacityReservationTarget, CpuOptions, CreditSpecification, EnclaveOptions, Instance,
    InstanceMarketOptions, LaunchTemplate, MaintenanceOptions, MetadataOptions, PrivateDnsNameOptions, SpotOptions, UserData, some,
};
use crate::aws::Aws;
use crate::aws::ec2::tags;
use crate::aws::types::{Arn, Ip};
use crate::words::resource::Tags;

/// The network interface that its addresses and groups are those of.
pub(super) fn primary(now: &Described) -> Option<&InstanceNetworkInterface> {
    now.network_interfaces().iter().find(|nic| nic.attachment().and_then(|a| a.device_index()) == Some(0))
}

pub(super) fn secondary_ips(nic: &InstanceNetworkInterface) -> BTreeSet<Ip> {
    let others = nic.private_ip_addresses().iter().filter(|ip| ip.primary() != Some(true));
    others.filter_map(|ip| ip.private_ip_address().map(Into::into)).collect()
}

pub(super) fn ipv6_addresses(nic: &InstanceNetworkInterface) -> Vec<Ip> {
    nic.ipv6_addresses().iter().filter_map(|ip| ip.ipv6_address().map(Into::into)).collect()
}

/// The name of its instance profile.
pub(super) fn profile(now: &Described) -> Option<String> {
    let arn = now.iam_instance_profile().and_then(|p| p.arn())?;
    arn.rsplit('/').next().map(str::to_owned)
}

/// The word of an enum of the SDK.
pub(super) fn word<'a, T: 'a>(value: Option<&'a T>, word: impl Fn(&'a T) -> &'a str) -> Option<String> {
    some(value.map(word))
}

/// All of it put together.
pub(super) fn instance(
    aws: &Aws,
    seen: &Seen<'_>,
    extra: Extra,
    volumes: &BTreeMap<String, Volume>,
    credits: Option<&String>,
    templates: &BTreeMap<String, Template>,
) -> Instance {
    let (now, prior, state) = (&seen.now, seen.prior, seen.state());
    let nic = primary(now);
    // What does not run has lost some of what it is connected to, and gets it back: that is no change of what was asked for.
    let weak = !matches!(state, "running" | "pending");
    let placement = now.placement();
    let cpu = now.cpu_options();
    let ipv6: Vec<Ip> = nic.map(ipv6_addresses).unwrap_or_default();
    let ipv6 = keep(weak && ipv6.is_empty(), ipv6, prior.map(|p| &p.ipv6_addresses));
    let ipv6 = in_order(ipv6, prior.map(|p| &p.ipv6_addresses));
    let groups = || nic.map_or(now.security_groups(), |nic| nic.groups()).iter();
    let ids: BTreeSet<String> = groups().filter_map(|g| g.group_id().map(str::to_owned)).collect();
    let names = || groups().filter_map(|g| g.group_name().map(str::to_owned)).collect::<BTreeSet<_>>();
    let by_name = prior.is_some_and(|p| p.security_groups.as_ref().is_some_and(|g| !g.is_empty()));
    let weak_or = |value: Option<String>, held: fn(&Instance) -> &Option<String>| {
        value.or_else(|| prior.filter(|_| weak).and_then(|p| held(p).clone()))
    };
    let (user_data, user_data_base64) = told(seen, extra.user_data);
    let primary_ipv6 = nic.is_some_and(|nic| nic.ipv6_addresses().iter().any(|ip| ip.is_primary_ipv6() == Some(true)));
    let flag = |told: Option<bool>, held: fn(&Instance) -> Option<bool>| Some(told.or(prior.and_then(held)).unwrap_or(false));
    let devices = Devices { aws, seen, volumes };
    let secondary = nic.map(secondary_ips);
    let market = prior.map_or_else(|| extra.spot.as_ref().map(spot), |p| p.instance_market_options.clone());
    let shutdown = extra.shutdown.or_else(|| prior.and_then(|p| p.instance_initiated_shutdown_behavior.clone()));
    let ami = prior.and_then(|p| p.ami.clone()).filter(|ami| ami.starts_with("resolve:"));
    Instance {
        ami: ami.or_else(|| some(now.image_id())),
        arn: Some(format!("arn:{}:ec2:{}:{}:instance/{}", aws.partition(), aws.region, seen.owner, seen.id)),
        associate_public_ip_address: public(nic, prior.map(|p| p.associate_public_ip_address), weak),
        availability_zone: weak_or(some(placement.and_then(|p| p.availability_zone())), |p| &p.availability_zone),
        capacity_reservation_specification: now.capacity_reservation_specification().map(|c| CapacityReservationSpecification {
            capacity_reservation_preference: word(c.capacity_reservation_preference(), |p| p.as_str()),
            capacity_reservation_target: c.capacity_reservation_target().map(|t| CapacityReservationTarget {
                capacity_reservation_id: some(t.capacity_reservation_id()),
                capacity_reservation_resource_group_arn: some(t.capacity_reservation_resource_group_arn()).map(Arn),
            }),
        }),
        cpu_core_count: cpu.and_then(|c| c.core_count()),
        cpu_options: cpu.map(|c| CpuOptions {
            amd_sev_snp: word(c.amd_sev_snp(), |s| s.as_str()),
            core_count: c.core_count(),
            threads_per_core: c.threads_per_core(),
        }),
        cpu_threads_per_core: cpu.and_then(|c| c.threads_per_core()),
        credit_specification: match credits {
            Some(word) => Some(CreditSpecification { cpu_credits: Some(word.clone()) }),
            None => prior.and_then(|p| p.credit_specification.clone()),
        },
        disable_api_stop: flag(extra.unstoppable, |p| p.disable_api_stop),
        disable_api_termination: flag(extra.protected, |p| p.disable_api_termination),
        ebs_block_device: devices.others(),
        ebs_optimized: Some(now.ebs_optimized().unwrap_or(false)),
        enable_primary_ipv6: if primary_ipv6 { Some(true) } else { prior.and_then(|p| p.enable_primary_ipv6).map(|on| on && weak) },
        enclave_options: now.enclave_options().map(|e| EnclaveOptions { enabled: e.enabled() }),
        ephemeral_block_device: prior.map(|p| p.ephemeral_block_device.clone()).unwrap_or_default(),
        get_password_data: prior.and_then(|p| p.get_password_data),
        hibernation: Some(now.hibernation_options().and_then(|h| h.configured()).unwrap_or(false)),
        host_id: some(placement.and_then(|p| p.host_id())),
        host_resource_group_arn: some(placement.and_then(|p| p.host_resource_group_arn())).map(Arn),
        iam_instance_profile: keep(seen.ends(), profile(now), prior.map(|p| &p.iam_instance_profile)),
        instance_initiated_shutdown_behavior: Some(shutdown.unwrap_or_else(|| "stop".into())),
        instance_lifecycle: word(now.instance_lifecycle(), |l| l.as_str()),
        instance_market_options: market,
        instance_state: Some(seen.failure().map_or_else(|| state.to_owned(), |reason| format!("{state}{REASON}{reason}"))),
        instance_type: word(now.instance_type(), |t| t.as_str()),
        ipv6_address_count: Some(i32::try_from(ipv6.len()).unwrap_or(i32::MAX)),
        ipv6_addresses: ipv6,
        key_name: some(now.key_name()),
        launch_template: template(seen, templates),
        maintenance_options: now
            .maintenance_options()
            .map(|m| MaintenanceOptions { auto_recovery: word(m.auto_recovery(), |r| r.as_str()) }),
        metadata_options: now.metadata_options().map(|m| MetadataOptions {
            http_endpoint: word(m.http_endpoint(), |e| e.as_str()),
            http_protocol_ipv6: word(m.http_protocol_ipv6(), |p| p.as_str()),
            http_put_response_hop_limit: m.http_put_response_hop_limit(),
            http_tokens: word(m.http_tokens(), |t| t.as_str()),
            instance_metadata_tags: word(m.instance_metadata_tags(), |t| t.as_str()),
        }),
        monitoring: Some(word(now.monitoring().and_then(|m| m.state()), |s| s.as_str()).is_some_and(|s| s == "enabled" || s == "pending")),
        network_interface: prior.map(|p| p.network_interface.clone()).unwrap_or_default(),
        outpost_arn: some(now.outpost_arn()).map(Arn),
        password_data: extra.password.or_else(|| prior.and_then(|p| some(p.password_data.as_deref()))),
        placement_group: some(placement.and_then(|p| p.group_name())),
        placement_partition_number: Some(placement.and_then(|p| p.partition_number()).unwrap_or(0)),
        primary_network_interface_id: weak_or(some(nic.and_then(|n| n.network_interface_id())), |p| &p.primary_network_interface_id),
        private_dns: weak_or(some(now.private_dns_name()), |p| &p.private_dns),
        private_dns_name_options: now.private_dns_name_options().map(|d| PrivateDnsNameOptions {
            enable_resource_name_dns_a_record: d.enable_resource_name_dns_a_record(),
            enable_resource_name_dns_aaaa_record: d.enable_resource_name_dns_aaaa_record(),
            hostname_type: word(d.hostname_type(), |h| h.as_str()),
        }),
        private_ip: some(now.private_ip_address()).map(Ip).or_else(|| prior.filter(|_| weak).and_then(|p| p.private_ip.clone())),
        public_dns: weak_or(some(now.public_dns_name()), |p| &p.public_dns),
        public_ip: weak_or(some(now.public_ip_address()), |p| &p.public_ip),
        root_block_device: devices.root(),
        secondary_private_ips: secondary.or_else(|| prior.and_then(|p| p.secondary_private_ips.clone())),
        security_groups: if by_name && !ids.is_empty() { Some(names()) } else { prior.and_then(|p| p.security_groups.clone()) },
        source_dest_check: match prior.filter(|p| !p.network_interface.is_empty()) {
            // That of the interface, and its resource's to manage.
            Some(prior) => prior.source_dest_check.or(Some(true)),
            None => now.source_dest_check().or_else(|| prior.and_then(|p| p.source_dest_check)),
        },
        spot_instance_request_id: some(now.spot_instance_request_id()),
        subnet_id: weak_or(some(nic.and_then(|n| n.subnet_id()).or(now.subnet_id())), |p| &p.subnet_id),
        tags: Tags::new(),
        tags_all: tags(now.tags.as_deref()),
        tenancy: Some(word(placement.and_then(|p| p.tenancy()), |t| t.as_str()).unwrap_or_else(|| "default".into())),
        user_data,
        user_data_base64,
        user_data_replace_on_change: prior.and_then(|p| p.user_data_replace_on_change),
        volume_tags: devices.common_tags(),
        vpc_security_group_ids: keep(weak && ids.is_empty(), Some(ids), prior.map(|p| &p.vpc_security_group_ids)),
    }
}

/// What the state holds, if so and if it holds anything; else what is there.
fn keep<T: Clone>(held: bool, there: T, prior: Option<&T>) -> T {
    prior.filter(|_| held).cloned().unwrap_or(there)
}

/// Equal sets in the order that the state has them: AWS answers in any.
fn in_order(there: Vec<Ip>, prior: Option<&Vec<Ip>>) -> Vec<Ip> {
    let set = |ips: &[Ip]| ips.iter().cloned().collect::<BTreeSet<_>>();
    match prior {
        Some(prior) if set(prior) == set(&there) => prior.clone(),
        _ => there,
    }
}

/// Whether AWS gave it a public address. One of the user's own takes the place of what AWS gave, and then only the state knows.
fn public(nic: Option<&InstanceNetworkInterface>, prior: Option<Option<bool>>, weak: bool) -> Option<bool> {
    match nic.and_then(|nic| nic.association()) {
        Some(association) => match association.ip_owner_id() {
            Some("amazon") => Some(true),
            Some(_) => prior.flatten(),
            None => prior.flatten().or(Some(true)),
        },
        None if weak => prior.flatten(),
        None => Some(false),
    }
}

/// The user data under the attribute that the user gives it in.
fn told(seen: &Seen<'_>, base64: Option<String>) -> (Option<UserData>, Option<Base64>) {
    let prior = seen.prior;
    let held = (prior.and_then(|p| p.user_data.clone()), prior.and_then(|p| p.user_data_base64.clone()));
    let asked = seen.asks(|p| p.user_data.is_some() || p.user_data_base64.is_some());
    let Some(base64) = base64 else {
        // The hash of nothing stays in a state that holds it.
        return if asked { (held.0.filter(|t| same(t, "")), None) } else { held };
    };
    let bytes = decoded(&base64).unwrap_or_default();
    let in_base64 = held.1.as_deref().is_some_and(|b| !b.is_empty());
    let in_text = held.0.as_deref().is_some_and(|t| !t.is_empty());
    if in_base64 && !(in_text && held.0.as_deref().is_some_and(|t| user_data::hash(t) == hash_of(&bytes))) {
        return (None, Some(Base64(base64)));
    }
    (Some(UserData(String::from_utf8(bytes).unwrap_or_else(|error| hash_of(error.as_bytes())))), None)
}

/// The template that it was made from, in the words of the state where they still mean the same version.
fn template(seen: &Seen<'_>, templates: &BTreeMap<String, Template>) -> Option<LaunchTemplate> {
    let spec = seen.prior.map(|p| p.launch_template.clone());
    let (Some(id), Some(made)) = (template_id(&seen.now), own_tag(&seen.now, "aws:ec2launchtemplate:version")) else {
        return spec.flatten();
    };
    let spec = match spec {
        // Nobody manages it.
        Some(None) => return None,
        Some(Some(spec)) => Some(spec),
        None => None,
    };
    let found = templates.get(id);
    let given = spec.as_ref().map(|s| s.version.clone().unwrap_or_else(|| "$Default".into()));
    let means = match given.as_deref() {
        Some("$Default") => found.and_then(|t| t.default_version_number()).map(|n| n.to_string()),
        Some("$Latest") => found.and_then(|t| t.latest_version_number()).map(|n| n.to_string()),
        other => other.map(str::to_owned),
    };
    // A template that no longer exists has no new version.
    let same = means.is_none_or(|means| means == made);
    Some(LaunchTemplate {
        id: Some(id.to_owned()),
        name: found.and_then(|t| some(t.launch_template_name())).or_else(|| spec.and_then(|s| s.name)),
        version: given.filter(|_| same).or_else(|| Some(made.to_owned())),
    })
}

fn spot(request: &SpotInstanceRequest) -> InstanceMarketOptions {
    InstanceMarketOptions {
        market_type: Some("spot".into()),
        spot_options: Some(SpotOptions {
            instance_interruption_behavior: word(request.instance_interruption_behavior(), |b| b.as_str()),
            max_price: some(request.spot_price()),
            spot_instance_type: word(request.r#type(), |t| t.as_str()),
            valid_until: request.valid_until().and_then(|at| at.fmt(Format::DateTime).ok()),
        }),
    }
}
