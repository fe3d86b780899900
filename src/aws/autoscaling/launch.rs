//! What the instances of an Auto Scaling group are made of.

use aws_sdk_autoscaling::types::{
    InstancesDistribution as SdkDistribution, LaunchTemplate as SdkMixedTemplate, LaunchTemplateOverrides,
    LaunchTemplateSpecification as SdkSpecification, MixedInstancesPolicy as SdkMixed,
};

use super::requirements::Requirements;
use super::{int, long, some};
use crate::words::value::Value;

crate::blocks! {
    /// A launch template.
    pub struct Template {
        /// Its id. It or the name is given.
        #[attr(chosen, refers("aws_launch_template.id"))]
        id: Option<String>,
        /// Its name.
        #[attr(chosen)]
        name: Option<String>,
        /// A number, `$Latest` or `$Default`. With `$Latest` a new version is no change of the group.
        #[attr(chosen)]
        version: Option<String>,
    }

    /// Instances of several types, on demand and Spot.
    pub struct Mixed {
        /// How they are shared out.
        #[attr(chosen)]
        instances_distribution: Option<Distribution>,
        /// What they are made of.
        #[attr(required)]
        launch_template: Option<MixedTemplate>,
    }

    /// How instances are shared out between on demand and Spot, and between types.
    pub struct Distribution {
        /// Which type is taken first on demand.
        #[attr(chosen, one_of(&["prioritized", "lowest-price"]))]
        on_demand_allocation_strategy: Option<String>,
        /// How many come on demand before any other.
        #[attr(chosen, within(0, 1_000_000))]
        on_demand_base_capacity: Option<i64>,
        /// How many percent of those above come on demand.
        #[attr(chosen, within(0, 100))]
        on_demand_percentage_above_base_capacity: Option<i64>,
        /// Which Spot pools are taken.
        #[attr(chosen, one_of(&["lowest-price", "capacity-optimized", "capacity-optimized-prioritized", "price-capacity-optimized"]))]
        spot_allocation_strategy: Option<String>,
        /// Over how many Spot pools they spread; with `lowest-price` alone.
        #[attr(chosen)]
        spot_instance_pools: Option<i64>,
        /// The most that Spot may cost; otherwise what it costs on demand.
        spot_max_price: Option<String>,
    }

    /// What mixed instances are made of.
    pub struct MixedTemplate {
        /// The launch template.
        #[attr(required)]
        launch_template_specification: Option<Specification>,
        /// In what kinds of instances differ from it, the best first.
        r#override: Vec<Override>,
    }

    /// A launch template.
    pub struct Specification {
        /// Its id. It or the name is given.
        #[attr(chosen, refers("aws_launch_template.id"))]
        launch_template_id: Option<String>,
        /// Its name.
        #[attr(chosen)]
        launch_template_name: Option<String>,
        /// A number, `$Latest` or `$Default`.
        #[attr(chosen)]
        version: Option<String>,
    }

    /// A kind of instances.
    pub struct Override {
        /// What they have to be like, in place of a type.
        instance_requirements: Option<Requirements>,
        /// The type.
        instance_type: Option<String>,
        /// Another launch template.
        launch_template_specification: Option<Specification>,
        /// For how many units of the group's capacity one counts.
        weighted_capacity: Option<String>,
    }
}

/// A template by id or by name: AWS takes one and answers both. The name counts where it is what has changed.
fn specification(given: [&Option<String>; 3], old: Option<[&Option<String>; 2]>) -> SdkSpecification {
    let [id, name, version] = given.map(|t| some(t.as_deref()));
    let renamed = old.is_some_and(|[old_id, old_name]| some(old_id.as_deref()) == id && some(old_name.as_deref()) != name);
    let by_name = id.is_none() || (renamed && name.is_some());
    let template = SdkSpecification::builder().set_version(version);
    if by_name { template.set_launch_template_name(name) } else { template.set_launch_template_id(id) }.build()
}

impl Template {
    /// For a call, in place of what was there.
    pub(super) fn sdk(&self, old: Option<&Self>) -> SdkSpecification {
        specification([&self.id, &self.name, &self.version], old.map(|o| [&o.id, &o.name]))
    }

    /// What AWS answers. Of the version it tells what it was given, which is nothing where that is the default one.
    pub(super) fn of_sdk(sdk: &SdkSpecification) -> Self {
        Self {
            id: some(sdk.launch_template_id()),
            name: some(sdk.launch_template_name()),
            version: some(sdk.version()).or_else(|| Some("$Default".into())),
        }
    }
}

impl Specification {
    fn sdk(&self, old: Option<&Self>) -> SdkSpecification {
        let old = old.map(|o| [&o.launch_template_id, &o.launch_template_name]);
        specification([&self.launch_template_id, &self.launch_template_name, &self.version], old)
    }

    fn of_sdk(sdk: &SdkSpecification) -> Self {
        let Template { id, name, version } = Template::of_sdk(sdk);
        Self { launch_template_id: id, launch_template_name: name, version }
    }
}

impl Mixed {
    /// For a call, in place of what was there.
    pub(super) fn sdk(&self, old: Option<&Self>) -> SdkMixed {
        let old = old.and_then(|o| o.launch_template.as_ref());
        let template = self.launch_template.as_ref().map(|t| {
            let overrides = t.r#override.iter().enumerate().map(|(at, o)| o.sdk(old.and_then(|old| old.r#override.get(at))));
            let specification = t.launch_template_specification.as_ref();
            let specification = specification.map(|s| s.sdk(old.and_then(|o| o.launch_template_specification.as_ref())));
            SdkMixedTemplate::builder()
                .set_launch_template_specification(specification)
                // An empty list takes away those that are there.
                .set_overrides(Some(overrides.collect()))
                .build()
        });
        let distribution = self.instances_distribution.as_ref().map(Distribution::sdk);
        SdkMixed::builder().set_launch_template(template).set_instances_distribution(distribution).build()
    }

    /// What AWS answers.
    pub(super) fn of_sdk(sdk: &SdkMixed) -> Self {
        Self {
            instances_distribution: sdk.instances_distribution().map(|d| Distribution {
                on_demand_allocation_strategy: some(d.on_demand_allocation_strategy()),
                on_demand_base_capacity: long(d.on_demand_base_capacity()),
                on_demand_percentage_above_base_capacity: long(d.on_demand_percentage_above_base_capacity()),
                spot_allocation_strategy: some(d.spot_allocation_strategy()),
                spot_instance_pools: long(d.spot_instance_pools()),
                spot_max_price: some(d.spot_max_price()),
            }),
            launch_template: sdk.launch_template().map(|t| MixedTemplate {
                launch_template_specification: t.launch_template_specification().map(Specification::of_sdk),
                r#override: t.overrides().iter().map(Override::of_sdk).collect(),
            }),
        }
    }
}

impl Distribution {
    fn sdk(&self) -> SdkDistribution {
        let text = |t: &Option<String>| some(t.as_deref());
        let pooled = self.spot_allocation_strategy.as_deref().is_none_or(|s| s.is_empty() || s == "lowest-price");
        SdkDistribution::builder()
            .set_on_demand_allocation_strategy(text(&self.on_demand_allocation_strategy))
            .set_on_demand_base_capacity(int(self.on_demand_base_capacity))
            .set_on_demand_percentage_above_base_capacity(int(self.on_demand_percentage_above_base_capacity))
            .set_spot_allocation_strategy(text(&self.spot_allocation_strategy))
            .set_spot_instance_pools(int(self.spot_instance_pools.filter(|n| pooled && *n > 0)))
            // An empty text stands for the price on demand.
            .set_spot_max_price(Some(self.spot_max_price.clone().unwrap_or_default()))
            .build()
    }
}

impl Override {
    fn sdk(&self, old: Option<&Self>) -> LaunchTemplateOverrides {
        let specification = self.launch_template_specification.as_ref();
        let specification = specification.map(|s| s.sdk(old.and_then(|o| o.launch_template_specification.as_ref())));
        LaunchTemplateOverrides::builder()
            .set_instance_type(some(self.instance_type.as_deref()))
            .set_weighted_capacity(some(self.weighted_capacity.as_deref()))
            .set_instance_requirements(self.instance_requirements.as_ref().map(Requirements::sdk))
            .set_launch_template_specification(specification)
            .build()
    }

    fn of_sdk(sdk: &LaunchTemplateOverrides) -> Self {
        Self {
            instance_requirements: sdk.instance_requirements().map(Requirements::of_sdk),
            instance_type: some(sdk.instance_type()),
            launch_template_specification: sdk.launch_template_specification().map(Specification::of_sdk),
            weighted_capacity: some(sdk.weighted_capacity()),
        }
    }
}

/// What is wanted, with the id of a template unknown where another name is given, and the other way round.
pub(super) fn renamed(want: &Value, prior: &Value, [id, name]: [&str; 2]) -> Value {
    let (Some(new), Some(old)) = (want.items().first(), prior.items().first()) else { return want.clone() };
    let same = |attr: &str| new.attr(attr).bare() == old.attr(attr).bare();
    let new = match (same(id), same(name)) {
        (true, false) if !new.attr(name).is_empty() => new.clone().with(id, Value::unknown()),
        (false, true) if !new.attr(id).is_empty() => new.clone().with(name, Value::unknown()),
        _ => new.clone(),
    };
    Value::list([new])
}
