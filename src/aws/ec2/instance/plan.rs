//! What a change of an instance brings with it.

use crate::words::resource::Planned;
use crate::words::value::Value;

/// What changes while the instance is stopped.
const AT_REST: &[&str] = &["instance_type", "user_data", "user_data_base64", "ebs_optimized", "capacity_reservation_specification"];

pub(super) fn plan(planned: &mut Planned<'_>) {
    let Some(prior) = planned.prior else {
        // Blocks that AWS knows of only when they are asked for.
        for name in ["credit_specification", "launch_template"] {
            if planned.want.attr(name).is_unknown() {
                *planned.want = std::mem::take(planned.want).with(name, Value::list([]));
            }
        }
        return;
    };
    let changed = planned.changed;
    let touches = |name: &str| changed.iter().any(|path| path == name || path.strip_prefix(name).is_some_and(|rest| rest.starts_with('.')));
    let mut replace = vec![];
    if touches("instance_type") && other_architecture(prior.attr("instance_type"), planned.want.attr("instance_type")) {
        replace.push("instance_type");
    }
    if planned.want.attr("user_data_replace_on_change").as_bool() == Some(true) {
        replace.extend(["user_data", "user_data_base64"].into_iter().filter(|name| touches(name)));
    }
    // It can only be switched on.
    if touches("enable_primary_ipv6") && planned.want.attr("enable_primary_ipv6").as_bool() == Some(false) {
        replace.push("enable_primary_ipv6");
    }
    replace.extend(["network_interface", "ephemeral_block_device"].into_iter().filter(|name| touches(name)));
    // A volume never shrinks.
    if shrinks(block(prior, "root_block_device"), block(planned.want, "root_block_device")) {
        replace.push("root_block_device");
    }
    if touches("ebs_block_device") {
        let replaces = replaces_devices(prior.attr("ebs_block_device"), planned.want.attr("ebs_block_device"));
        if replaces { &mut planned.replace } else { &mut planned.keep }.push("ebs_block_device".into());
    }
    let replaced = !replace.is_empty();
    planned.replace.extend(replace.into_iter().map(str::to_owned));
    if replaced {
        return;
    }
    let runs = prior.attr("instance_state").as_str() == Some("running");
    let restarts = runs && AT_REST.iter().any(|name| touches(name));
    // An address of the user's own stays when the instance stops; what AWS gave does not come back.
    let given = prior.attr("associate_public_ip_address").as_bool() == Some(true);
    if (restarts && given) || touches("associate_public_ip_address") {
        unknown(planned.want, &["public_ip", "public_dns"]);
    }
    if touches("private_dns_name_options") {
        unknown(planned.want, &["private_dns"]);
    }
    if touches("ipv6_address_count") {
        unknown(planned.want, &["ipv6_addresses"]);
    }
    if touches("get_password_data") {
        unknown(planned.want, &["password_data"]);
    }
}

/// Of an import's volumes those that go with the instance, and those that the stack makes with it. Others were attached by others:
/// as devices of its own they would have it replaced.
pub(super) fn adopt(live: Value, given: &Value) -> Value {
    let named = given.attr("ebs_block_device");
    let ours = |device: &&Value| {
        let same =
            |block: &Value| block.attr("device_name").is_unknown() || block.attr("device_name").bare() == device.attr("device_name").bare();
        device.attr("delete_on_termination").as_bool() == Some(true) || named.is_unknown() || named.items().iter().any(same)
    };
    let devices = Value::set(live.attr("ebs_block_device").items().iter().filter(ours).cloned());
    live.with("ebs_block_device", devices)
}

fn unknown(want: &mut Value, names: &[&str]) {
    for name in names {
        *want = std::mem::take(want).with(name, Value::unknown());
    }
}

/// The only block of that name, or nothing.
fn block<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.attr(name).items().first().unwrap_or(&Value::Null)
}

fn shrinks(prior: &Value, want: &Value) -> bool {
    let size = |v: &Value| v.attr("volume_size").as_number();
    matches!((size(prior), size(want)), (Some(old), Some(new)) if new < old)
}

/// Whether the devices can't become what is wanted while the instance lives: one more, one less, or one that has to be made anew.
fn replaces_devices(prior: &Value, want: &Value) -> bool {
    let (prior, want) = (prior.items(), want.items());
    let fixed = |old: &Value, new: &Value| {
        let made = ["encrypted", "kms_key_id", "snapshot_id"];
        let same = |name: &&str| new.attr(name).is_empty() || new.attr(name).is_unknown() || old.attr(name).bare() == new.attr(name).bare();
        made.iter().all(same) && !shrinks(old, new)
    };
    let there = |new: &Value| prior.iter().any(|old| old.attr("device_name") == new.attr("device_name") && fixed(old, new));
    prior.len() != want.len() || !want.iter().all(there)
}

/// Whether the two types share no CPU architecture, as far as their names say: Graviton's families have a `g` behind the
/// generation (`t4g`, `c7gn`, `im4gn`), but for the first, `a1`.
fn other_architecture(old: &Value, new: &Value) -> bool {
    match (old.as_str(), new.as_str()) {
        (Some(old), Some(new)) => is_arm(old) != is_arm(new),
        _ => false,
    }
}

fn is_arm(kind: &str) -> bool {
    let family = kind.split('.').next().unwrap_or_default();
    if family.starts_with("mac") {
        return family != "mac1";
    }
    let behind = family.trim_start_matches(|c: char| !c.is_ascii_digit()).trim_start_matches(|c: char| c.is_ascii_digit());
    family == "a1" || behind.starts_with('g')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn planned(prior: &Value, want: Value, changed: &[&str]) -> (Value, Vec<String>) {
        let (mut want, changed) = (want, changed.iter().map(ToString::to_string).collect::<Vec<_>>());
        let mut planned = Planned::new(Some(prior), &mut want, &changed);
        plan(&mut planned);
        let replace = planned.replace;
        (want, replace)
    }

    fn instance(kind: &str) -> Value {
        Value::object([
            ("instance_type", Value::from(kind)),
            ("instance_state", "running".into()),
            ("associate_public_ip_address", true.into()),
            ("public_ip", "203.0.113.7".into()),
        ])
    }

    #[test]
    fn architectures_by_name() {
        for (kind, arm) in [
            ("t3.small", false),
            ("t4g.small", true),
            ("c7gn.large", true),
            ("im4gn.large", true),
            ("a1.large", true),
            ("g4dn.xlarge", false),
            ("g5g.xlarge", true),
            ("x2gd.large", true),
            ("hpc7g.4xlarge", true),
            ("hpc7a.12xlarge", false),
            ("mac1.metal", false),
            ("mac2.metal", true),
            ("mac2-m2.metal", true),
            ("u-6tb1.56xlarge", false),
            ("inf2.xlarge", false),
        ] {
            assert_eq!(is_arm(kind), arm, "{kind}");
        }
    }

    #[test]
    fn another_size_restarts_and_another_architecture_replaces() {
        let prior = instance("t3.small");
        let (want, replace) = planned(&prior, instance("t3.medium"), &["instance_type"]);
        assert!(replace.is_empty() && want.attr("public_ip").is_unknown());
        let (_, replace) = planned(&prior, instance("t4g.small"), &["instance_type"]);
        assert_eq!(replace, ["instance_type"]);
    }

    #[test]
    fn an_address_of_ones_own_outlives_a_restart() {
        let own = |kind| instance(kind).with("associate_public_ip_address", false.into());
        let (want, _) = planned(&own("t3.small"), own("t3.medium"), &["instance_type"]);
        assert!(!want.attr("public_ip").is_unknown());
    }

    #[test]
    fn devices_grow_in_place() {
        let device = |name: &str, size: i64| {
            let block = Value::object([("device_name", Value::from(name)), ("volume_size", size.into())]);
            Value::object([("ebs_block_device", Value::set([block]))])
        };
        let prior = device("/dev/sdf", 10);
        assert!(planned(&prior, device("/dev/sdf", 20), &["ebs_block_device"]).1.is_empty());
        assert_eq!(planned(&prior, device("/dev/sdf", 5), &["ebs_block_device"]).1, ["ebs_block_device"]);
        assert_eq!(planned(&prior, device("/dev/sdg", 10), &["ebs_block_device"]).1, ["ebs_block_device"]);
    }
}
