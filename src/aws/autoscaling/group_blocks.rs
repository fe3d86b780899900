//! The blocks of an Auto Scaling group.

use std::collections::BTreeSet;

use aws_sdk_autoscaling::types::{
    AlarmSpecification, AvailabilityZoneDistribution, CapacityReservationSpecification, CapacityReservationTarget,
    InstanceMaintenancePolicy, LifecycleHookSpecification, RefreshPreferences, ScaleInProtectedInstances, StandbyInstances, Tag as SdkTag,
    TrafficSourceIdentifier,
};

use super::{int, some};

crate::blocks! {
    /// What becomes of instances that a zone has no room for.
    pub struct ZoneDistribution {
        /// Whether other zones take them.
        #[attr(default_text("balanced-best-effort"), one_of(&["balanced-best-effort", "balanced-only"]))]
        capacity_distribution_strategy: Option<String>,
    }

    /// Whether capacity reservations are used.
    pub struct Reservation {
        /// Which come first.
        #[attr(chosen, one_of(&["default", "none", "capacity-reservations-only", "capacity-reservations-first"]))]
        capacity_reservation_preference: Option<String>,
        /// Which are used.
        capacity_reservation_target: Option<ReservationTarget>,
    }

    /// Which capacity reservations are used.
    pub struct ReservationTarget {
        /// Their ids.
        capacity_reservation_ids: Vec<String>,
        /// Resource groups of them.
        capacity_reservation_resource_group_arns: Vec<String>,
    }

    /// What is waited for when an instance comes or goes.
    pub struct Hook {
        /// What becomes of it when nobody answers.
        #[attr(chosen, one_of(&["ABANDON", "CONTINUE"]))]
        default_result: Option<String>,
        /// For how many seconds an answer is waited for.
        heartbeat_timeout: Option<i64>,
        /// When.
        #[attr(one_of(&["autoscaling:EC2_INSTANCE_LAUNCHING", "autoscaling:EC2_INSTANCE_TERMINATING"]))]
        lifecycle_transition: String,
        /// Its name.
        name: String,
        /// What is told along.
        notification_metadata: Option<String>,
        /// Who is told.
        notification_target_arn: Option<String>,
        /// With which role.
        role_arn: Option<String>,
    }

    /// How many instances have to be well, and may be there, while some are replaced.
    pub struct Maintenance {
        /// The most, in percent of what should be there; -1 for no such policy.
        max_healthy_percentage: i64,
        /// The least, in percent; -1 for no such policy.
        min_healthy_percentage: i64,
    }

    /// How instances are replaced.
    pub struct Refresh {
        /// In which way.
        preferences: Option<Preferences>,
        /// By new instances, or by new root volumes.
        #[attr(one_of(&["Rolling", "ReplaceRootVolume"]))]
        strategy: String,
        /// Attributes whose change replaces them, besides what they are made of.
        triggers: BTreeSet<String>,
    }

    /// In which way instances are replaced.
    pub struct Preferences {
        /// Alarms that stop it.
        alarm_specification: Option<Alarms>,
        /// Go back to what was there when it goes wrong.
        auto_rollback: Option<bool>,
        /// Seconds of rest at each checkpoint.
        checkpoint_delay: Option<String>,
        /// Checkpoints, in percent.
        checkpoint_percentages: Vec<i64>,
        /// Seconds until a new instance counts as well.
        instance_warmup: Option<String>,
        /// The most instances, in percent of what should be there.
        #[attr(default_int(100), within(100, 200))]
        max_healthy_percentage: Option<i64>,
        /// The least instances that are well, in percent.
        #[attr(default_int(90), within(0, 100))]
        min_healthy_percentage: Option<i64>,
        /// What becomes of instances that are protected.
        #[attr(default_text("Ignore"), one_of(&["Refresh", "Ignore", "Wait"]))]
        scale_in_protected_instances: Option<String>,
        /// Leave those alone that are as they should be.
        #[attr(default_bool(false))]
        skip_matching: Option<bool>,
        /// What becomes of instances on standby.
        #[attr(default_text("Ignore"), one_of(&["Terminate", "Ignore", "Wait"]))]
        standby_instances: Option<String>,
    }

    /// Alarms that stop a replacement.
    pub struct Alarms {
        /// Their names.
        alarms: Vec<String>,
    }

    /// A tag of the group.
    pub struct Tag {
        /// Its key.
        key: String,
        /// Whether instances get it too.
        propagate_at_launch: bool,
        /// Its value.
        value: String,
    }

    /// Who sends to it.
    pub struct Source {
        /// The ARN, or the name of a classic load balancer.
        identifier: String,
        /// `elb`, `elbv2` or `vpc-lattice`.
        #[attr(one_of(&["elb", "elbv2", "vpc-lattice"]))]
        r#type: Option<String>,
    }
}

impl Tag {
    /// For a call.
    pub(super) fn sdk(&self, group: &str) -> SdkTag {
        let tag = SdkTag::builder().resource_id(group).resource_type("auto-scaling-group");
        tag.key(&self.key).value(&self.value).propagate_at_launch(self.propagate_at_launch).build()
    }
}

impl Source {
    /// For a call.
    pub(super) fn sdk(&self) -> TrafficSourceIdentifier {
        TrafficSourceIdentifier::builder().identifier(&self.identifier).set_type(some(self.r#type.as_deref())).build()
    }
}

impl Hook {
    /// For a call.
    pub(super) fn sdk(&self) -> LifecycleHookSpecification {
        let text = |t: &Option<String>| some(t.as_deref());
        let hook = LifecycleHookSpecification::builder().lifecycle_hook_name(&self.name).lifecycle_transition(&self.lifecycle_transition);
        let hook =
            hook.set_default_result(text(&self.default_result)).set_heartbeat_timeout(int(self.heartbeat_timeout).filter(|t| *t > 0));
        let hook = hook.set_notification_metadata(text(&self.notification_metadata)).set_role_arn(text(&self.role_arn));
        hook.set_notification_target_arn(text(&self.notification_target_arn)).build()
    }
}

impl Maintenance {
    /// For a call.
    pub(super) fn sdk(&self) -> InstanceMaintenancePolicy {
        let policy = InstanceMaintenancePolicy::builder().set_min_healthy_percentage(int(Some(self.min_healthy_percentage)));
        policy.set_max_healthy_percentage(int(Some(self.max_healthy_percentage))).build()
    }
}

impl ZoneDistribution {
    /// For a call.
    pub(super) fn sdk(&self) -> AvailabilityZoneDistribution {
        let strategy = some(self.capacity_distribution_strategy.as_deref());
        AvailabilityZoneDistribution::builder().set_capacity_distribution_strategy(strategy.as_deref().map(Into::into)).build()
    }
}

impl Reservation {
    /// For a call.
    pub(super) fn sdk(&self) -> CapacityReservationSpecification {
        let list = |l: &Vec<String>| (!l.is_empty()).then(|| l.clone());
        let target = self.capacity_reservation_target.as_ref().map(|t| {
            let target = CapacityReservationTarget::builder().set_capacity_reservation_ids(list(&t.capacity_reservation_ids));
            target.set_capacity_reservation_resource_group_arns(list(&t.capacity_reservation_resource_group_arns)).build()
        });
        let preference = some(self.capacity_reservation_preference.as_deref());
        let specification = CapacityReservationSpecification::builder().set_capacity_reservation_target(target);
        specification.set_capacity_reservation_preference(preference.as_deref().map(Into::into)).build()
    }
}

impl Preferences {
    /// For a call.
    pub(super) fn sdk(&self) -> RefreshPreferences {
        let number = |t: &Option<String>| some(t.as_deref()).and_then(|t| t.parse::<i32>().ok());
        let points: Vec<i32> = self.checkpoint_percentages.iter().filter_map(|p| int(Some(*p))).collect();
        let alarms = self.alarm_specification.as_ref().filter(|a| !a.alarms.is_empty());
        let text = |t: &Option<String>| some(t.as_deref());
        RefreshPreferences::builder()
            .set_min_healthy_percentage(int(self.min_healthy_percentage))
            .set_max_healthy_percentage(int(self.max_healthy_percentage))
            .set_instance_warmup(number(&self.instance_warmup))
            .set_checkpoint_delay(number(&self.checkpoint_delay).filter(|_| !points.is_empty()))
            .set_checkpoint_percentages((!points.is_empty()).then_some(points))
            .set_skip_matching(self.skip_matching)
            .set_auto_rollback(self.auto_rollback)
            .set_scale_in_protected_instances(text(&self.scale_in_protected_instances).as_deref().map(ScaleInProtectedInstances::from))
            .set_standby_instances(text(&self.standby_instances).as_deref().map(StandbyInstances::from))
            .set_alarm_specification(alarms.map(|a| AlarmSpecification::builder().set_alarms(Some(a.alarms.clone())).build()))
            .build()
    }
}
