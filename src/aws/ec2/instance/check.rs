//! What no single attribute of an instance can say.

use super::user_data::{bytes, decoded, is_hash};
use super::volumes::has_iops;
use crate::words::resource::Problem;
use crate::words::value::Value;

/// How many bytes user data may have.
const MOST: usize = 16_384;

pub(super) fn check(given: &Value) -> Vec<Problem> {
    let mut problems = vec![];
    made_from(given, &mut problems);
    told(given, &mut problems);
    connected(given, &mut problems);
    stored(given, &mut problems);
    bought(given, &mut problems);
    problems
}

/// Whether it is given, as far as that is known.
fn is_set(value: &Value) -> bool {
    !value.is_empty()
}

/// The blocks of that name with their paths.
fn blocks<'a>(given: &'a Value, name: &'a str) -> impl Iterator<Item = (String, &'a Value)> {
    given.attr(name).items().iter().enumerate().map(move |(i, block)| (format!("{name}.{i}"), block))
}

fn made_from(given: &Value, problems: &mut Vec<Problem>) {
    let template = is_set(given.attr("launch_template"));
    for (name, what) in [("ami", "image"), ("instance_type", "type")] {
        if !template && !is_set(given.attr(name)) {
            problems.push(Problem::new(name, format!("an instance needs `{name}`, or a `launch_template` that names the {what}")));
        }
    }
    for (path, block) in blocks(given, "launch_template") {
        if !is_set(block.attr("id")) && !is_set(block.attr("name")) {
            problems.push(Problem::new(path, "a launch template is named by `id` or by `name`"));
        }
    }
}

fn told(given: &Value, problems: &mut Vec<Problem>) {
    let text = given.attr("user_data").as_str();
    if text.is_some_and(is_hash) {
        let why = "this is the SHA-1 under which states hold user data, not user data; give the text itself";
        problems.push(Problem::new("user_data", why));
    }
    let base64 = given.attr("user_data_base64").as_str().and_then(decoded);
    for (name, bytes) in [("user_data", text.map(bytes)), ("user_data_base64", base64)] {
        let long = bytes.map_or(0, |b| b.len());
        if long > MOST {
            let why = format!(
                "user data can have {MOST} bytes and this has {long}; let it fetch the rest, or compress it with gzip and give it as `user_data_base64`"
            );
            problems.push(Problem::new(name, why));
        }
    }
}

fn connected(given: &Value, problems: &mut Vec<Problem>) {
    let groups = given.attr("vpc_security_group_ids");
    if !groups.is_null() && !groups.is_unknown() && groups.items().is_empty() {
        problems
            .push(Problem::new("vpc_security_group_ids", "an instance has at least one security group; leave it out for the default one"));
    }
    if is_set(given.attr("security_groups")) && is_set(given.attr("subnet_id")) {
        problems.push(Problem::new(
            "security_groups",
            "security groups by name work in the default VPC's own subnet only; with `subnet_id` use `vpc_security_group_ids`",
        ));
    }
    let interfaces: Vec<_> = blocks(given, "network_interface").collect();
    for (i, (path, block)) in interfaces.iter().enumerate() {
        let index = block.attr("device_index");
        if index.as_number().is_some() && interfaces[..i].iter().any(|(_, other)| other.attr("device_index").bare() == index.bare()) {
            problems.push(Problem::new(format!("{path}.device_index"), "two network interfaces have the same place"));
        }
    }
    if is_set(given.attr("placement_partition_number")) && !is_set(given.attr("placement_group")) && !is_set(given.attr("launch_template"))
    {
        problems.push(Problem::new("placement_partition_number", "a partition is one of a `placement_group`, which is not given"));
    }
}

fn stored(given: &Value, problems: &mut Vec<Problem>) {
    let tagged = is_set(given.attr("volume_tags"));
    let devices = blocks(given, "root_block_device").chain(blocks(given, "ebs_block_device"));
    for (path, block) in devices {
        volume(&path, block, problems);
        if tagged && is_set(block.attr("tags")) {
            problems.push(Problem::new(format!("{path}.tags"), "tag the volumes here or in `volume_tags`, not in both"));
        }
    }
    let others: Vec<_> = blocks(given, "ebs_block_device").chain(blocks(given, "ephemeral_block_device")).collect();
    for (i, (path, block)) in others.iter().enumerate() {
        let name = block.attr("device_name");
        if name.as_str().is_some() && others[..i].iter().any(|(_, other)| other.attr("device_name").bare() == name.bare()) {
            problems.push(Problem::new(format!("{path}.device_name"), "two devices have the same name"));
        }
    }
    for (path, block) in blocks(given, "ephemeral_block_device") {
        let none = block.attr("no_device");
        if none.as_bool() == Some(true) && is_set(block.attr("virtual_name")) {
            problems.push(Problem::new(path, "`no_device` leaves out what `virtual_name` asks for: give one of them"));
        } else if !none.is_unknown() && none.as_bool() != Some(true) && !is_set(block.attr("virtual_name")) {
            problems.push(Problem::new(path, "say which disk (`virtual_name`), or that there is none (`no_device = true`)"));
        }
    }
    let hibernates = given.attr("hibernation").as_bool() == Some(true);
    for (path, block) in blocks(given, "root_block_device").filter(|_| hibernates) {
        if block.attr("encrypted").as_bool() == Some(false) {
            problems.push(Problem::new(format!("{path}.encrypted"), "an instance that can hibernate has an encrypted root volume"));
        }
    }
}

fn volume(path: &str, block: &Value, problems: &mut Vec<Problem>) {
    let mut wrong = |name: &str, why: String| problems.push(Problem::new(format!("{path}.{name}"), why));
    if is_set(block.attr("kms_key_id")) && block.attr("encrypted").as_bool() == Some(false) {
        wrong("kms_key_id", "a key encrypts only what has `encrypted = true`".into());
    }
    let number = |name: &str| block.attr(name).as_number().and_then(|n| n.as_i64());
    let kind = block.attr("volume_type");
    if let (None, Some(1..)) = (kind.as_str(), number("throughput"))
        && kind.is_null()
    {
        wrong("throughput", "`throughput` goes with `volume_type = \"gp3\"`, which has to be said".into());
    }
    let Some(kind) = kind.as_str() else { return };
    let iops = block.attr("iops");
    if !has_iops(kind) && number("iops").is_some_and(|n| n > 0) {
        wrong("iops", format!("a {kind} volume takes no `iops`; io1, io2 and gp3 do"));
    }
    if matches!(kind, "io1" | "io2") && iops.is_null() {
        wrong("iops", format!("an {kind} volume needs `iops`"));
    }
    if kind != "gp3" && number("throughput").is_some_and(|n| n > 0) {
        wrong("throughput", format!("a {kind} volume takes no `throughput`; gp3 does"));
    }
    let sizes = match kind {
        "gp2" => 1..=16_384,
        "gp3" => 1..=65_536,
        "io1" => 4..=16_384,
        "io2" => 4..=65_536,
        "sc1" | "st1" => 125..=16_384,
        _ => 1..=1024,
    };
    if let Some(size) = number("volume_size").filter(|size| !sizes.contains(size)) {
        wrong("volume_size", format!("a {kind} volume has {} to {} GiB, not {size}", sizes.start(), sizes.end()));
    }
    let rates = match kind {
        "gp3" => 3000..=80_000,
        "io1" => 100..=64_000,
        _ => 100..=256_000,
    };
    if let Some(iops) = number("iops").filter(|n| has_iops(kind) && *n > 0 && !rates.contains(n)) {
        wrong("iops", format!("a {kind} volume has {} to {} IOPS, not {iops}", rates.start(), rates.end()));
    }
    if let Some(rate) = number("throughput").filter(|n| kind == "gp3" && *n > 0 && !(125..=2000).contains(n)) {
        wrong("throughput", format!("a gp3 volume has 125 to 2000 MiB/s, not {rate}"));
    }
}

fn bought(given: &Value, problems: &mut Vec<Problem>) {
    for (path, block) in blocks(given, "capacity_reservation_specification") {
        let target = blocks(block, "capacity_reservation_target").next();
        if target.is_some() && is_set(block.attr("capacity_reservation_preference")) {
            problems.push(Problem::new(&path, "give a preference or a target, not both"));
        }
        if let Some((target_path, target)) = target
            && !is_set(target.attr("capacity_reservation_id"))
            && !is_set(target.attr("capacity_reservation_resource_group_arn"))
        {
            problems.push(Problem::new(format!("{path}.{target_path}"), "name a reservation or a group of them"));
        }
    }
    for (path, market) in blocks(given, "instance_market_options") {
        let spot_market = market.attr("market_type");
        for (at, spot) in blocks(market, "spot_options") {
            let at = format!("{path}.{at}");
            if spot_market.as_str().is_some_and(|kind| kind != "spot") {
                problems.push(Problem::new(&at, "`spot_options` go with `market_type = \"spot\"`"));
            }
            let kind = spot.attr("spot_instance_type");
            let lasting = kind.as_str() == Some("persistent") || kind.is_unknown();
            if is_set(spot.attr("valid_until")) && !lasting {
                problems.push(Problem::new(format!("{at}.valid_until"), "only a persistent request ends at a time"));
            }
            if matches!(spot.attr("instance_interruption_behavior").as_str(), Some("stop" | "hibernate")) && !lasting {
                problems.push(Problem::new(
                    format!("{at}.instance_interruption_behavior"),
                    "only an instance of a persistent request can be stopped or hibernated when it is interrupted",
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(given: &[(&str, Value)]) -> Vec<String> {
        let base = [("ami", Value::from("ami-1")), ("instance_type", "t3.small".into())];
        let given = Value::object(base.into_iter().chain(given.iter().cloned()));
        check(&given).into_iter().map(|p| p.path).collect()
    }

    fn root(attrs: &[(&str, Value)]) -> (&'static str, Value) {
        ("root_block_device", Value::list([Value::object(attrs.iter().cloned())]))
    }

    #[test]
    fn needs_an_image_and_a_type_or_a_template() {
        let missing: Vec<_> = check(&Value::object([("tags", Value::Null)])).into_iter().map(|p| p.path).collect();
        assert_eq!(missing, ["ami", "instance_type"]);
        let template = Value::list([Value::object([("id", Value::unknown())])]);
        assert!(check(&Value::object([("launch_template", template)])).is_empty());
        assert!(paths(&[("ami", Value::unknown())]).is_empty());
    }

    #[test]
    fn user_data_has_its_limits() {
        assert_eq!(paths(&[("user_data", Value::from("# ".repeat(9000)))]), ["user_data"]);
        assert_eq!(paths(&[("user_data", "da39a3ee5e6b4b0d3255bfef95601890afd80709".into())]), ["user_data"]);
        assert!(paths(&[("user_data", "#!/bin/sh\n".into())]).is_empty());
    }

    #[test]
    fn volumes_take_what_their_kind_takes() {
        assert_eq!(paths(&[root(&[("volume_type", "gp2".into()), ("iops", 3000.into())])]), ["root_block_device.0.iops"]);
        assert_eq!(paths(&[root(&[("volume_type", "io2".into())])]), ["root_block_device.0.iops"]);
        assert_eq!(paths(&[root(&[("volume_type", "st1".into()), ("volume_size", 20.into())])]), ["root_block_device.0.volume_size"]);
        assert!(paths(&[root(&[("volume_type", "gp3".into()), ("throughput", 250.into()), ("iops", Value::unknown())])]).is_empty());
    }
}
