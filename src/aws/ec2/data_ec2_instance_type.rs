//! What a type of instances is like.

use std::collections::BTreeSet;

use aws_sdk_ec2::types::{InstanceType, InstanceTypeInfo};

use super::some;
use crate::aws::Aws;
use crate::words::failure::{Failure, Outcome};
use crate::words::number::Number;
use crate::words::resource::{Cx, DataSource, Live};

crate::blocks! {
    /// A type of instances: what its machines have and can do.
    pub struct InstanceTypeData {
        /// Whether one that fails is moved to another host by itself.
        #[attr(computed)]
        auto_recovery_supported: Option<bool>,
        /// How bandwidth can be shared out.
        #[attr(computed)]
        bandwidth_weightings: BTreeSet<String>,
        /// Whether there is no hypervisor.
        #[attr(computed)]
        bare_metal: Option<bool>,
        /// How it can boot.
        #[attr(computed)]
        boot_modes: BTreeSet<String>,
        /// Whether it has CPU credits.
        #[attr(computed)]
        burstable_performance_supported: Option<bool>,
        /// Whether it is of the current generation.
        #[attr(computed)]
        current_generation: Option<bool>,
        /// Whether it runs on dedicated hosts.
        #[attr(computed)]
        dedicated_hosts_supported: Option<bool>,
        /// How many cores it has.
        #[attr(computed)]
        default_cores: Option<i64>,
        /// The network card that is used first.
        #[attr(computed)]
        default_network_card_index: Option<i64>,
        /// How many threads a core has.
        #[attr(computed)]
        default_threads_per_core: Option<i64>,
        /// How many processors it has.
        #[attr(computed)]
        default_vcpus: Option<i64>,
        /// Whether volumes can be encrypted.
        #[attr(computed)]
        ebs_encryption_support: Option<String>,
        /// Whether volumes appear as NVMe.
        #[attr(computed)]
        ebs_nvme_support: Option<String>,
        /// Whether it has bandwidth of its own to EBS.
        #[attr(computed)]
        ebs_optimized_support: Option<String>,
        /// Megabits a second to EBS that it always has.
        #[attr(computed)]
        ebs_performance_baseline_bandwidth: Option<i64>,
        /// Operations a second that it always has.
        #[attr(computed)]
        ebs_performance_baseline_iops: Option<i64>,
        /// Megabytes a second to EBS that it always has.
        #[attr(computed)]
        ebs_performance_baseline_throughput: Option<Number>,
        /// Megabits a second to EBS at most.
        #[attr(computed)]
        ebs_performance_maximum_bandwidth: Option<i64>,
        /// Operations a second at most.
        #[attr(computed)]
        ebs_performance_maximum_iops: Option<i64>,
        /// Megabytes a second to EBS at most.
        #[attr(computed)]
        ebs_performance_maximum_throughput: Option<Number>,
        /// How many Elastic Fabric Adapters it can have.
        #[attr(computed)]
        efa_maximum_interfaces: Option<i64>,
        /// Whether it can have an Elastic Fabric Adapter.
        #[attr(computed)]
        efa_supported: Option<bool>,
        /// Whether it has ENA Express.
        #[attr(computed)]
        ena_srd_supported: Option<bool>,
        /// Whether it needs or takes ENA.
        #[attr(computed)]
        ena_support: Option<String>,
        /// Whether traffic between instances is encrypted.
        #[attr(computed)]
        encryption_in_transit_supported: Option<bool>,
        /// Its FPGAs.
        #[attr(computed)]
        fpgas: BTreeSet<Device>,
        /// Whether it is part of the free tier.
        #[attr(computed)]
        free_tier_eligible: Option<bool>,
        /// Its graphics processors.
        #[attr(computed)]
        gpus: BTreeSet<Device>,
        /// Whether it can hibernate.
        #[attr(computed)]
        hibernation_supported: Option<bool>,
        /// Its hypervisor.
        #[attr(computed)]
        hypervisor: Option<String>,
        /// Its inference accelerators.
        #[attr(computed)]
        inference_accelerators: BTreeSet<Device>,
        /// The disks of the host.
        #[attr(computed)]
        instance_disks: BTreeSet<Disk>,
        /// Whether it has disks of the host.
        #[attr(computed)]
        instance_storage_supported: Option<bool>,
        /// Its name, `t3.small`.
        instance_type: String,
        /// Whether it has IPv6.
        #[attr(computed)]
        ipv6_supported: Option<bool>,
        /// How many IPv4 addresses an interface has at most.
        #[attr(computed)]
        maximum_ipv4_addresses_per_interface: Option<i64>,
        /// How many IPv6 addresses an interface has at most.
        #[attr(computed)]
        maximum_ipv6_addresses_per_interface: Option<i64>,
        /// How many network cards it has at most.
        #[attr(computed)]
        maximum_network_cards: Option<i64>,
        /// How many network interfaces it has at most.
        #[attr(computed)]
        maximum_network_interfaces: Option<i64>,
        /// Its media accelerators.
        #[attr(computed)]
        media_accelerators: BTreeSet<Device>,
        /// MiB of memory.
        #[attr(computed)]
        memory_size: Option<i64>,
        /// Its network cards.
        #[attr(computed)]
        network_cards: BTreeSet<Card>,
        /// How fast its network is, in AWS's words.
        #[attr(computed)]
        network_performance: Option<String>,
        /// Its Neuron devices.
        #[attr(computed)]
        neuron_devices: BTreeSet<Neuron>,
        /// Whether it has Nitro Enclaves.
        #[attr(computed)]
        nitro_enclaves_support: Option<String>,
        /// Whether it has NitroTPM.
        #[attr(computed)]
        nitro_tpm_support: Option<String>,
        /// Which versions of NitroTPM.
        #[attr(computed)]
        nitro_tpm_supported_versions: BTreeSet<String>,
        /// Whether it has a hardware clock for PTP.
        #[attr(computed)]
        phc_support: Option<String>,
        /// The architectures of its processors.
        #[attr(computed)]
        supported_architectures: Vec<String>,
        /// Features of its processors.
        #[attr(computed)]
        supported_cpu_features: BTreeSet<String>,
        /// The kinds of placement group that it can be in.
        #[attr(computed)]
        supported_placement_strategies: Vec<String>,
        /// The kinds of root device.
        #[attr(computed)]
        supported_root_device_types: Vec<String>,
        /// On demand, spot, or both.
        #[attr(computed)]
        supported_usages_classes: Vec<String>,
        /// The kinds of virtualisation.
        #[attr(computed)]
        supported_virtualization_types: Vec<String>,
        /// GHz of its processors.
        #[attr(computed)]
        sustained_clock_speed: Option<Number>,
        /// MiB of memory of all FPGAs.
        #[attr(computed)]
        total_fpga_memory: Option<i64>,
        /// MiB of memory of all graphics processors.
        #[attr(computed)]
        total_gpu_memory: Option<i64>,
        /// MiB of memory of all inference accelerators.
        #[attr(computed)]
        total_inference_memory: Option<i64>,
        /// GB on disks of the host.
        #[attr(computed)]
        total_instance_storage: Option<i64>,
        /// MiB of memory of all media accelerators.
        #[attr(computed)]
        total_media_memory: Option<i64>,
        /// MiB of memory of all Neuron devices.
        #[attr(computed)]
        total_neuron_device_memory: Option<i64>,
        /// How many cores can be chosen.
        #[attr(computed)]
        valid_cores: Vec<i64>,
        /// How many threads a core can be chosen.
        #[attr(computed)]
        valid_threads_per_core: Vec<i64>,
    }

    /// Devices of one kind.
    pub struct Device {
        /// How many.
        count: Option<i64>,
        /// Who makes them.
        manufacturer: Option<String>,
        /// MiB of memory of each.
        memory_size: Option<i64>,
        /// What they are called.
        name: Option<String>,
    }

    /// Disks of the host of one kind.
    pub struct Disk {
        /// How many.
        count: Option<i64>,
        /// GB of each.
        size: Option<i64>,
        /// `hdd` or `ssd`.
        r#type: Option<String>,
    }

    /// A network card.
    pub struct Card {
        /// Gigabits a second that it always has.
        baseline_bandwidth: Option<Number>,
        /// Its place.
        index: Option<i64>,
        /// How many interfaces it has at most.
        maximum_interfaces: Option<i64>,
        /// Gigabits a second at most.
        peak_bandwidth: Option<Number>,
        /// How fast it is, in AWS's words.
        performance: Option<String>,
    }

    /// Neuron devices of one kind.
    pub struct Neuron {
        /// How many cores each has.
        core_count: Option<i64>,
        /// The version of the cores.
        core_version: Option<i64>,
        /// How many.
        count: Option<i64>,
        /// MiB of memory of each.
        memory_size: Option<i64>,
        /// What they are called.
        name: Option<String>,
    }
}

impl DataSource for InstanceTypeData {
    const TYPE: &'static str = "aws_ec2_instance_type";
    const EXAMPLE: &'static str = r#"
[data.aws_ec2_instance_type.example]
instance_type = "t3.small"
"#;
    type Cloud = Aws;

    /// What a type is like never changes while a run lasts: it is asked for once.
    async fn read(self, cx: &Cx<'_, Aws>) -> Outcome<Live<Self>> {
        let kind = self.instance_type;
        let told = cx.cloud.kept.once(format!("ec2:DescribeInstanceTypes:{kind}"), || async {
            let call = cx.cloud.ec2.describe_instance_types().instance_types(InstanceType::from(kind.as_str()));
            let found = call.send().await.map_err(Failure::from).map_err(|failure| unknown(&kind, cx.cloud, failure))?;
            let nothing = || unknown(&kind, cx.cloud, Failure::other(format!("there is no instance type {kind}")));
            found.instance_types.unwrap_or_default().into_iter().next().ok_or_else(nothing)
        });
        let told = told.await?;
        Ok(Live { id: kind.clone(), value: described(kind, &told) })
    }
}

fn unknown(kind: &str, aws: &Aws, failure: Failure) -> Failure {
    failure.help(format!("{kind} may be misspelt, or not be there in {}", aws.region))
}

macro_rules! word {
    ($option:expr) => {
        $option.as_ref().and_then(|word| some(Some(word.as_str())))
    };
}

macro_rules! words {
    ($list:expr) => {
        $list.into_iter().flatten().map(|word| word.as_str().to_owned()).collect()
    };
}

macro_rules! devices {
    ($list:expr) => {
        $list
            .into_iter()
            .flatten()
            .map(|device| Device {
                count: device.count.map(i64::from),
                manufacturer: some(device.manufacturer.as_deref()),
                memory_size: device.memory_info.as_ref().and_then(|m| m.size_in_mib).map(i64::from),
                name: some(device.name.as_deref()),
            })
            .collect()
    };
}

fn int(number: Option<i32>) -> Option<i64> {
    number.map(i64::from)
}

fn float(number: Option<f64>) -> Option<Number> {
    number.and_then(Number::from_f64)
}

fn described(instance_type: String, told: &InstanceTypeInfo) -> InstanceTypeData {
    let (ebs, cpu, network) = (told.ebs_info.as_ref(), told.v_cpu_info.as_ref(), told.network_info.as_ref());
    let optimized = ebs.and_then(|e| e.ebs_optimized_info.as_ref());
    let (storage, neuron) = (told.instance_storage_info.as_ref(), told.neuron_info.as_ref());
    let (gpu, fpga) = (told.gpu_info.as_ref(), told.fpga_info.as_ref());
    let (inference, media) = (told.inference_accelerator_info.as_ref(), told.media_accelerator_info.as_ref());
    let processor = told.processor_info.as_ref();
    InstanceTypeData {
        auto_recovery_supported: told.auto_recovery_supported,
        bandwidth_weightings: words!(network.and_then(|n| n.bandwidth_weightings.as_ref())),
        bare_metal: told.bare_metal,
        boot_modes: words!(told.supported_boot_modes.as_ref()),
        burstable_performance_supported: told.burstable_performance_supported,
        current_generation: told.current_generation,
        dedicated_hosts_supported: told.dedicated_hosts_supported,
        default_cores: int(cpu.and_then(|c| c.default_cores)),
        default_network_card_index: int(network.and_then(|n| n.default_network_card_index)),
        default_threads_per_core: int(cpu.and_then(|c| c.default_threads_per_core)),
        default_vcpus: int(cpu.and_then(|c| c.default_v_cpus)),
        ebs_encryption_support: word!(ebs.and_then(|e| e.encryption_support.as_ref())),
        ebs_nvme_support: word!(ebs.and_then(|e| e.nvme_support.as_ref())),
        ebs_optimized_support: word!(ebs.and_then(|e| e.ebs_optimized_support.as_ref())),
        ebs_performance_baseline_bandwidth: int(optimized.and_then(|o| o.baseline_bandwidth_in_mbps)),
        ebs_performance_baseline_iops: int(optimized.and_then(|o| o.baseline_iops)),
        ebs_performance_baseline_throughput: float(optimized.and_then(|o| o.baseline_throughput_in_m_bps)),
        ebs_performance_maximum_bandwidth: int(optimized.and_then(|o| o.maximum_bandwidth_in_mbps)),
        ebs_performance_maximum_iops: int(optimized.and_then(|o| o.maximum_iops)),
        ebs_performance_maximum_throughput: float(optimized.and_then(|o| o.maximum_throughput_in_m_bps)),
        efa_maximum_interfaces: int(network.and_then(|n| n.efa_info.as_ref()).and_then(|e| e.maximum_efa_interfaces)),
        efa_supported: network.and_then(|n| n.efa_supported),
        ena_srd_supported: network.and_then(|n| n.ena_srd_supported),
        ena_support: word!(network.and_then(|n| n.ena_support.as_ref())),
        encryption_in_transit_supported: network.and_then(|n| n.encryption_in_transit_supported),
        fpgas: devices!(fpga.and_then(|f| f.fpgas.as_ref())),
        free_tier_eligible: told.free_tier_eligible,
        gpus: devices!(gpu.and_then(|g| g.gpus.as_ref())),
        hibernation_supported: told.hibernation_supported,
        hypervisor: word!(told.hypervisor),
        inference_accelerators: devices!(inference.and_then(|i| i.accelerators.as_ref())),
        instance_disks: storage
            .and_then(|s| s.disks.as_ref())
            .into_iter()
            .flatten()
            .map(|disk| Disk { count: int(disk.count), size: disk.size_in_gb, r#type: word!(disk.r#type) })
            .collect(),
        instance_storage_supported: told.instance_storage_supported,
        instance_type,
        ipv6_supported: network.and_then(|n| n.ipv6_supported),
        maximum_ipv4_addresses_per_interface: int(network.and_then(|n| n.ipv4_addresses_per_interface)),
        maximum_ipv6_addresses_per_interface: int(network.and_then(|n| n.ipv6_addresses_per_interface)),
        maximum_network_cards: int(network.and_then(|n| n.maximum_network_cards)),
        maximum_network_interfaces: int(network.and_then(|n| n.maximum_network_interfaces)),
        media_accelerators: devices!(media.and_then(|m| m.accelerators.as_ref())),
        memory_size: told.memory_info.as_ref().and_then(|m| m.size_in_mib),
        network_cards: network
            .and_then(|n| n.network_cards.as_ref())
            .into_iter()
            .flatten()
            .map(|card| Card {
                baseline_bandwidth: float(card.baseline_bandwidth_in_gbps),
                index: int(card.network_card_index),
                maximum_interfaces: int(card.maximum_network_interfaces),
                peak_bandwidth: float(card.peak_bandwidth_in_gbps),
                performance: some(card.network_performance.as_deref()),
            })
            .collect(),
        network_performance: network.and_then(|n| some(n.network_performance.as_deref())),
        neuron_devices: neuron
            .and_then(|n| n.neuron_devices.as_ref())
            .into_iter()
            .flatten()
            .map(|device| Neuron {
                core_count: int(device.core_info.as_ref().and_then(|c| c.count)),
                core_version: int(device.core_info.as_ref().and_then(|c| c.version)),
                count: int(device.count),
                memory_size: int(device.memory_info.as_ref().and_then(|m| m.size_in_mib)),
                name: some(device.name.as_deref()),
            })
            .collect(),
        nitro_enclaves_support: word!(told.nitro_enclaves_support),
        nitro_tpm_support: word!(told.nitro_tpm_support),
        nitro_tpm_supported_versions: words!(told.nitro_tpm_info.as_ref().and_then(|n| n.supported_versions.as_ref())),
        phc_support: word!(told.phc_support),
        supported_architectures: words!(processor.and_then(|p| p.supported_architectures.as_ref())),
        supported_cpu_features: words!(processor.and_then(|p| p.supported_features.as_ref())),
        supported_placement_strategies: words!(told.placement_group_info.as_ref().and_then(|p| p.supported_strategies.as_ref())),
        supported_root_device_types: words!(told.supported_root_device_types.as_ref()),
        supported_usages_classes: words!(told.supported_usage_classes.as_ref()),
        supported_virtualization_types: words!(told.supported_virtualization_types.as_ref()),
        sustained_clock_speed: float(processor.and_then(|p| p.sustained_clock_speed_in_ghz)),
        total_fpga_memory: int(fpga.and_then(|f| f.total_fpga_memory_in_mib)),
        total_gpu_memory: int(gpu.and_then(|g| g.total_gpu_memory_in_mib)),
        total_inference_memory: int(inference.and_then(|i| i.total_inference_memory_in_mib)),
        total_instance_storage: storage.and_then(|s| s.total_size_in_gb),
        total_media_memory: int(media.and_then(|m| m.total_media_memory_in_mib)),
        total_neuron_device_memory: int(neuron.and_then(|n| n.total_neuron_device_memory_in_mib)),
        valid_cores: cpu.and_then(|c| c.valid_cores.as_ref()).into_iter().flatten().map(|n| i64::from(*n)).collect(),
        valid_threads_per_core: cpu.and_then(|c| c.valid_threads_per_core.as_ref()).into_iter().flatten().map(|n| i64::from(*n)).collect(),
    }
}
