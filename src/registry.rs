//! Everything that Ferroform knows to make: the one list that all types are in.

use crate::words::resource::{DataType, Provider, Registry, ResourceType};
use crate::{aws, local};

/// All providers, resource types and data sources.
pub const REGISTRY: Registry = Registry { providers: &PROVIDERS, resources: &RESOURCES, data: &DATA };

static PROVIDERS: [&dyn Provider; 1 + local::PROVIDERS.len()] = {
    let mut all = [&aws::AwsProvider as &dyn Provider; 1 + local::PROVIDERS.len()];
    let mut i = 0;
    while i < local::PROVIDERS.len() {
        all[1 + i] = local::PROVIDERS[i];
        i += 1;
    }
    all
};

static RESOURCES: [&dyn ResourceType; aws::RESOURCES.len() + local::RESOURCES.len()] = {
    let mut all = [local::RESOURCES[0]; aws::RESOURCES.len() + local::RESOURCES.len()];
    let mut i = 0;
    while i < aws::RESOURCES.len() {
        all[i] = aws::RESOURCES[i];
        i += 1;
    }
    let mut j = 0;
    while j < local::RESOURCES.len() {
        all[i + j] = local::RESOURCES[j];
        j += 1;
    }
    all
};

static DATA: [&dyn DataType; aws::DATA.len() + local::DATA.len()] = {
    let mut all = [local::DATA[0]; aws::DATA.len() + local::DATA.len()];
    let mut i = 0;
    while i < aws::DATA.len() {
        all[i] = aws::DATA[i];
        i += 1;
    }
    let mut j = 0;
    while j < local::DATA.len() {
        all[i + j] = local::DATA[j];
        j += 1;
    }
    all
};
