//! What instances have to be like, where the types are not named.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{
    AcceleratorCountRequest, AcceleratorTotalMemoryMiBRequest, BaselineEbsBandwidthMbpsRequest, InstanceRequirements as Sdk,
    MemoryGiBPerVCpuRequest, MemoryMiBRequest, NetworkBandwidthGbpsRequest, NetworkInterfaceCountRequest, TotalLocalStorageGbRequest,
    VCpuCountRequest,
};

use super::{int, long, some};
use crate::words::number::Number;

crate::blocks! {
    /// What instances have to be like.
    pub struct Requirements {
        /// How many accelerators.
        accelerator_count: Option<Count>,
        /// Who made the accelerators.
        accelerator_manufacturers: BTreeSet<String>,
        /// Which accelerators.
        accelerator_names: BTreeSet<String>,
        /// How much memory all accelerators have, in MiB.
        accelerator_total_memory_mib: Option<Count>,
        /// What kind of accelerators.
        accelerator_types: BTreeSet<String>,
        /// Only these types, `*` in them for any characters.
        allowed_instance_types: BTreeSet<String>,
        /// Whether whole machines will do.
        #[attr(one_of(&["included", "excluded", "required"]))]
        bare_metal: Option<String>,
        /// How fast EBS is at least, in Mbit/s.
        baseline_ebs_bandwidth_mbps: Option<Count>,
        /// Whether types that save up CPU credits will do.
        #[attr(one_of(&["included", "excluded", "required"]))]
        burstable_performance: Option<String>,
        /// Who made the CPU.
        cpu_manufacturers: BTreeSet<String>,
        /// None of these types, `*` in them for any characters.
        excluded_instance_types: BTreeSet<String>,
        /// Whether types of former generations will do.
        instance_generations: BTreeSet<String>,
        /// Whether disks of the machine's own will do.
        #[attr(one_of(&["included", "excluded", "required"]))]
        local_storage: Option<String>,
        /// What kind of disks.
        local_storage_types: BTreeSet<String>,
        /// The most that Spot may cost, in percent of what the best type costs on demand.
        max_spot_price_as_percentage_of_optimal_on_demand_price: Option<i64>,
        /// How much memory for each vCPU, in GiB.
        memory_gib_per_vcpu: Option<Measure>,
        /// How much memory, in MiB.
        memory_mib: Option<Count>,
        /// How fast the network is, in Gbit/s.
        network_bandwidth_gbps: Option<Measure>,
        /// How many network interfaces.
        network_interface_count: Option<Count>,
        /// How many percent above the cheapest type another may cost on demand.
        on_demand_max_price_percentage_over_lowest_price: Option<i64>,
        /// Whether instances have to be able to hibernate.
        require_hibernate_support: Option<bool>,
        /// How many percent above the cheapest type another may cost as Spot.
        spot_max_price_percentage_over_lowest_price: Option<i64>,
        /// How much room all disks of the machine's own have, in GB.
        total_local_storage_gb: Option<Measure>,
        /// How many vCPUs.
        vcpu_count: Option<Count>,
    }

    /// A range of whole numbers.
    pub struct Count {
        /// The most.
        max: Option<i64>,
        /// The least.
        min: Option<i64>,
    }

    /// A range.
    pub struct Measure {
        /// The most.
        max: Option<Number>,
        /// The least.
        min: Option<Number>,
    }
}

/// Ranges for calls and out of answers, for each of the SDK's types of them.
macro_rules! counts {
    ($($ty:ident)*) => {$(
        impl From<&Count> for $ty {
            fn from(range: &Count) -> Self {
                Self::builder().set_min(int(range.min)).set_max(int(range.max)).build()
            }
        }
        impl From<&$ty> for Count {
            fn from(range: &$ty) -> Self {
                Self { min: long(range.min), max: long(range.max) }
            }
        }
    )*};
}
macro_rules! measures {
    ($($ty:ident)*) => {$(
        impl From<&Measure> for $ty {
            fn from(range: &Measure) -> Self {
                let number = |n: &Option<Number>| n.as_ref().map(Number::as_f64);
                Self::builder().set_min(number(&range.min)).set_max(number(&range.max)).build()
            }
        }
        impl From<&$ty> for Measure {
            fn from(range: &$ty) -> Self {
                Self { min: range.min.and_then(Number::from_f64), max: range.max.and_then(Number::from_f64) }
            }
        }
    )*};
}

counts! {
    AcceleratorCountRequest AcceleratorTotalMemoryMiBRequest BaselineEbsBandwidthMbpsRequest MemoryMiBRequest
    NetworkInterfaceCountRequest VCpuCountRequest
}
measures! { MemoryGiBPerVCpuRequest NetworkBandwidthGbpsRequest TotalLocalStorageGbRequest }

impl Requirements {
    /// For a call.
    pub(super) fn sdk(&self) -> Sdk {
        fn list<T: for<'a> From<&'a str>>(texts: &BTreeSet<String>) -> Option<Vec<T>> {
            (!texts.is_empty()).then(|| texts.iter().map(|t| T::from(t.as_str())).collect())
        }
        let text = |t: &Option<String>| some(t.as_deref());
        Sdk::builder()
            .set_v_cpu_count(self.vcpu_count.as_ref().map(Into::into))
            .set_memory_mib(self.memory_mib.as_ref().map(Into::into))
            .set_cpu_manufacturers(list(&self.cpu_manufacturers))
            .set_memory_gib_per_v_cpu(self.memory_gib_per_vcpu.as_ref().map(Into::into))
            .set_excluded_instance_types(list(&self.excluded_instance_types))
            .set_allowed_instance_types(list(&self.allowed_instance_types))
            .set_instance_generations(list(&self.instance_generations))
            .set_spot_max_price_percentage_over_lowest_price(int(self.spot_max_price_percentage_over_lowest_price))
            .set_max_spot_price_as_percentage_of_optimal_on_demand_price(int(self.max_spot_price_as_percentage_of_optimal_on_demand_price))
            .set_on_demand_max_price_percentage_over_lowest_price(int(self.on_demand_max_price_percentage_over_lowest_price))
            .set_bare_metal(text(&self.bare_metal).as_deref().map(Into::into))
            .set_burstable_performance(text(&self.burstable_performance).as_deref().map(Into::into))
            .set_require_hibernate_support(self.require_hibernate_support)
            .set_network_interface_count(self.network_interface_count.as_ref().map(Into::into))
            .set_local_storage(text(&self.local_storage).as_deref().map(Into::into))
            .set_local_storage_types(list(&self.local_storage_types))
            .set_total_local_storage_gb(self.total_local_storage_gb.as_ref().map(Into::into))
            .set_baseline_ebs_bandwidth_mbps(self.baseline_ebs_bandwidth_mbps.as_ref().map(Into::into))
            .set_accelerator_types(list(&self.accelerator_types))
            .set_accelerator_count(self.accelerator_count.as_ref().map(Into::into))
            .set_accelerator_manufacturers(list(&self.accelerator_manufacturers))
            .set_accelerator_names(list(&self.accelerator_names))
            .set_accelerator_total_memory_mib(self.accelerator_total_memory_mib.as_ref().map(Into::into))
            .set_network_bandwidth_gbps(self.network_bandwidth_gbps.as_ref().map(Into::into))
            .build()
    }

    /// What AWS answers.
    pub(super) fn of_sdk(sdk: &Sdk) -> Self {
        Self {
            accelerator_count: sdk.accelerator_count().map(Into::into),
            accelerator_manufacturers: sdk.accelerator_manufacturers().iter().map(|m| m.as_str().to_owned()).collect(),
            accelerator_names: sdk.accelerator_names().iter().map(|m| m.as_str().to_owned()).collect(),
            accelerator_total_memory_mib: sdk.accelerator_total_memory_mib().map(Into::into),
            accelerator_types: sdk.accelerator_types().iter().map(|m| m.as_str().to_owned()).collect(),
            allowed_instance_types: sdk.allowed_instance_types().iter().cloned().collect(),
            bare_metal: some(sdk.bare_metal().map(|b| b.as_str())),
            baseline_ebs_bandwidth_mbps: sdk.baseline_ebs_bandwidth_mbps().map(Into::into),
            burstable_performance: some(sdk.burstable_performance().map(|b| b.as_str())),
            cpu_manufacturers: sdk.cpu_manufacturers().iter().map(|m| m.as_str().to_owned()).collect(),
            excluded_instance_types: sdk.excluded_instance_types().iter().cloned().collect(),
            instance_generations: sdk.instance_generations().iter().map(|m| m.as_str().to_owned()).collect(),
            local_storage: some(sdk.local_storage().map(|l| l.as_str())),
            local_storage_types: sdk.local_storage_types().iter().map(|m| m.as_str().to_owned()).collect(),
            max_spot_price_as_percentage_of_optimal_on_demand_price: long(sdk.max_spot_price_as_percentage_of_optimal_on_demand_price()),
            memory_gib_per_vcpu: sdk.memory_gib_per_v_cpu().map(Into::into),
            memory_mib: sdk.memory_mib().map(Into::into),
            network_bandwidth_gbps: sdk.network_bandwidth_gbps().map(Into::into),
            network_interface_count: sdk.network_interface_count().map(Into::into),
            on_demand_max_price_percentage_over_lowest_price: long(sdk.on_demand_max_price_percentage_over_lowest_price()),
            require_hibernate_support: sdk.require_hibernate_support(),
            spot_max_price_percentage_over_lowest_price: long(sdk.spot_max_price_percentage_over_lowest_price()),
            total_local_storage_gb: sdk.total_local_storage_gb().map(Into::into),
            vcpu_count: sdk.v_cpu_count().map(Into::into),
        }
    }
}
