//! What instances should be able to do, where no type is named: any that can will do.

use std::collections::BTreeSet;

use aws_sdk_ec2::types as sdk;

use crate::words::failure::Outcome;
use crate::words::number::Number;

crate::blocks! {
    /// What instances should be able to do; AWS takes any type that can.
    pub struct Requirements {
        /// How many accelerators; `max = 0` for none.
        accelerator_count: Option<Range>,
        /// Whose accelerators.
        accelerator_manufacturers: BTreeSet<String>,
        /// Which accelerators.
        accelerator_names: BTreeSet<String>,
        /// How much memory the accelerators have together, in MiB.
        accelerator_total_memory_mib: Option<Range>,
        /// What kinds of accelerators.
        accelerator_types: BTreeSet<String>,
        /// Only these types; `*` stands for any text.
        #[attr(conflicts(&["excluded_instance_types"]))]
        allowed_instance_types: BTreeSet<String>,
        /// Machines without a hypervisor.
        #[attr(one_of(&["included", "excluded", "required"]))]
        bare_metal: Option<String>,
        /// Megabits a second to EBS.
        baseline_ebs_bandwidth_mbps: Option<Range>,
        /// Burstable types.
        #[attr(one_of(&["included", "excluded", "required"]))]
        burstable_performance: Option<String>,
        /// Whose processors.
        cpu_manufacturers: BTreeSet<String>,
        /// Not these types; `*` stands for any text.
        #[attr(conflicts(&["allowed_instance_types"]))]
        excluded_instance_types: BTreeSet<String>,
        /// `current` or `previous` types.
        instance_generations: BTreeSet<String>,
        /// Disks of the host.
        #[attr(one_of(&["included", "excluded", "required"]))]
        local_storage: Option<String>,
        /// What kinds of such disks, `hdd` and `ssd`.
        local_storage_types: BTreeSet<String>,
        /// The most to pay for spot, in percent of the price on demand.
        #[attr(conflicts(&["spot_max_price_percentage_over_lowest_price"]))]
        max_spot_price_as_percentage_of_optimal_on_demand_price: Option<i32>,
        /// GiB of memory for each processor.
        memory_gib_per_vcpu: Option<Fractions>,
        /// MiB of memory.
        #[attr(required)]
        memory_mib: Option<Least>,
        /// Gigabits a second of the network.
        network_bandwidth_gbps: Option<Fractions>,
        /// How many network interfaces.
        network_interface_count: Option<Range>,
        /// The most to pay on demand, in percent over the cheapest type.
        on_demand_max_price_percentage_over_lowest_price: Option<i32>,
        /// Whether they can hibernate.
        require_hibernate_support: Option<bool>,
        /// The most to pay for spot, in percent over the cheapest type.
        #[attr(conflicts(&["max_spot_price_as_percentage_of_optimal_on_demand_price"]))]
        spot_max_price_percentage_over_lowest_price: Option<i32>,
        /// GB on disks of the host.
        total_local_storage_gb: Option<Fractions>,
        /// How many processors.
        #[attr(required)]
        vcpu_count: Option<Least>,
    }

    /// From so many to so many.
    pub struct Range {
        /// The most.
        max: Option<i32>,
        /// The least.
        min: Option<i32>,
    }

    /// At least so many.
    pub struct Least {
        /// The most.
        max: Option<i32>,
        /// The least.
        #[attr(required)]
        min: i32,
    }

    /// From so much to so much.
    pub struct Fractions {
        /// The most.
        max: Option<Number>,
        /// The least.
        min: Option<Number>,
    }
}

/// A bound as the call takes it, from whatever has `min` and `max`.
macro_rules! bound {
    ($range:expr, $to:ident) => {
        $range.as_ref().map(|r| sdk::$to::builder().set_min(r.min).set_max(r.max).build())
    };
}

macro_rules! least {
    ($range:expr, $to:ident) => {
        $range.as_ref().map(|r| sdk::$to::builder().min(r.min).set_max(r.max).build())
    };
}

macro_rules! fractions {
    ($range:expr, $to:ident) => {
        $range.as_ref().map(|r| {
            let float = |n: &Option<Number>| n.as_ref().map(Number::as_f64);
            sdk::$to::builder().set_min(float(&r.min)).set_max(float(&r.max)).build()
        })
    };
}

/// Words as the call takes them; none rather than an empty list.
fn words<T: for<'a> From<&'a str>>(words: &BTreeSet<String>) -> Option<Vec<T>> {
    (!words.is_empty()).then(|| words.iter().map(|word| T::from(word.as_str())).collect())
}

impl Requirements {
    pub(super) fn request(&self) -> Outcome<sdk::InstanceRequirementsRequest> {
        let call = sdk::InstanceRequirementsRequest::builder()
            .set_accelerator_count(bound!(self.accelerator_count, AcceleratorCountRequest))
            .set_accelerator_manufacturers(words(&self.accelerator_manufacturers))
            .set_accelerator_names(words(&self.accelerator_names))
            .set_accelerator_total_memory_mib(bound!(self.accelerator_total_memory_mib, AcceleratorTotalMemoryMiBRequest))
            .set_accelerator_types(words(&self.accelerator_types))
            .set_allowed_instance_types(words(&self.allowed_instance_types))
            .set_bare_metal(self.bare_metal.as_deref().map(Into::into))
            .set_baseline_ebs_bandwidth_mbps(bound!(self.baseline_ebs_bandwidth_mbps, BaselineEbsBandwidthMbpsRequest))
            .set_burstable_performance(self.burstable_performance.as_deref().map(Into::into))
            .set_cpu_manufacturers(words(&self.cpu_manufacturers))
            .set_excluded_instance_types(words(&self.excluded_instance_types))
            .set_instance_generations(words(&self.instance_generations))
            .set_local_storage(self.local_storage.as_deref().map(Into::into))
            .set_local_storage_types(words(&self.local_storage_types));
        let optimal = self.max_spot_price_as_percentage_of_optimal_on_demand_price;
        let call = call
            .set_max_spot_price_as_percentage_of_optimal_on_demand_price(optimal.filter(|n| *n != 0))
            .set_memory_gib_per_v_cpu(fractions!(self.memory_gib_per_vcpu, MemoryGiBPerVCpuRequest))
            .set_memory_mib(least!(self.memory_mib, MemoryMiBRequest))
            .set_network_bandwidth_gbps(fractions!(self.network_bandwidth_gbps, NetworkBandwidthGbpsRequest))
            .set_network_interface_count(bound!(self.network_interface_count, NetworkInterfaceCountRequest));
        let demand = self.on_demand_max_price_percentage_over_lowest_price;
        let spot = self.spot_max_price_percentage_over_lowest_price;
        let call = call
            .set_on_demand_max_price_percentage_over_lowest_price(demand.filter(|n| *n != 0))
            .set_require_hibernate_support(self.require_hibernate_support.filter(|yes| *yes))
            .set_spot_max_price_percentage_over_lowest_price(spot.filter(|n| *n != 0))
            .set_total_local_storage_gb(fractions!(self.total_local_storage_gb, TotalLocalStorageGbRequest))
            .set_v_cpu_count(least!(self.vcpu_count, VCpuCountRangeRequest));
        Ok(call.build())
    }

    pub(super) fn told(told: &sdk::InstanceRequirements) -> Self {
        fn set<T>(items: Option<&Vec<T>>, word: impl Fn(&T) -> &str) -> BTreeSet<String> {
            items.into_iter().flatten().map(|item| word(item).to_owned()).collect()
        }
        macro_rules! range {
            ($field:ident) => {
                told.$field.as_ref().map(|r| Range { max: r.max, min: r.min })
            };
        }
        macro_rules! floats {
            ($field:ident) => {
                told.$field.as_ref().map(|r| Fractions { max: r.max.and_then(Number::from_f64), min: r.min.and_then(Number::from_f64) })
            };
        }
        Self {
            accelerator_count: range!(accelerator_count),
            accelerator_manufacturers: set(told.accelerator_manufacturers.as_ref(), |w| w.as_str()),
            accelerator_names: set(told.accelerator_names.as_ref(), |w| w.as_str()),
            accelerator_total_memory_mib: range!(accelerator_total_memory_mib),
            accelerator_types: set(told.accelerator_types.as_ref(), |w| w.as_str()),
            allowed_instance_types: set(told.allowed_instance_types.as_ref(), |w| w),
            bare_metal: told.bare_metal.as_ref().map(|w| w.as_str().to_owned()),
            baseline_ebs_bandwidth_mbps: range!(baseline_ebs_bandwidth_mbps),
            burstable_performance: told.burstable_performance.as_ref().map(|w| w.as_str().to_owned()),
            cpu_manufacturers: set(told.cpu_manufacturers.as_ref(), |w| w.as_str()),
            excluded_instance_types: set(told.excluded_instance_types.as_ref(), |w| w),
            instance_generations: set(told.instance_generations.as_ref(), |w| w.as_str()),
            local_storage: told.local_storage.as_ref().map(|w| w.as_str().to_owned()),
            local_storage_types: set(told.local_storage_types.as_ref(), |w| w.as_str()),
            max_spot_price_as_percentage_of_optimal_on_demand_price: told.max_spot_price_as_percentage_of_optimal_on_demand_price,
            memory_gib_per_vcpu: floats!(memory_gib_per_v_cpu),
            memory_mib: told.memory_mib.as_ref().map(|r| Least { max: r.max, min: r.min.unwrap_or(0) }),
            network_bandwidth_gbps: floats!(network_bandwidth_gbps),
            network_interface_count: range!(network_interface_count),
            on_demand_max_price_percentage_over_lowest_price: told.on_demand_max_price_percentage_over_lowest_price,
            require_hibernate_support: told.require_hibernate_support,
            spot_max_price_percentage_over_lowest_price: told.spot_max_price_percentage_over_lowest_price,
            total_local_storage_gb: floats!(total_local_storage_gb),
            vcpu_count: told.v_cpu_count.as_ref().map(|r| Least { max: r.max, min: r.min.unwrap_or(0) }),
        }
    }
}
