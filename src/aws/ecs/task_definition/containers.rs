//! Container definitions: what is wrong with them, their normal form, and when two of them mean the same.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use crate::words::resource::Problem;

/// What ECS wants as a number, and people write as a text now and then.
const NUMBERS: &[&str] = &[
    "cpu",
    "memory",
    "memoryReservation",
    "startTimeout",
    "stopTimeout",
    "containerPort",
    "hostPort",
    "interval",
    "timeout",
    "retries",
    "startPeriod",
    "softLimit",
    "hardLimit",
    "sharedMemorySize",
    "maxSwap",
    "swappiness",
    "restartAttemptPeriod",
];
/// Below these the keys are the user's own.
const FREE: &[&str] = &["dockerLabels", "options"];
/// What stands where a health check says nothing.
const HEALTH: &[(&str, i64)] = &[("interval", 30), ("timeout", 5), ("retries", 3), ("startPeriod", 0)];

/// The normal form: keys as ECS spells them, numbers as numbers, no white space.
pub fn normal(text: &str) -> Result<String, String> {
    let json: Json = serde_json::from_str(text).map_err(|e| e.to_string())?;
    match json {
        Json::Array(items) if items.iter().all(Json::is_object) => Ok(Json::Array(items.into_iter().map(spelled).collect()).to_string()),
        _ => Err("it should be a list of objects, one for each container".into()),
    }
}

/// Keys begin with a small letter at ECS; numbers are numbers.
fn spelled(json: Json) -> Json {
    match json {
        Json::Object(parts) => {
            let parts = parts.into_iter().map(|(key, value)| {
                let key = key.chars().next().map(|c| c.to_ascii_lowercase()).into_iter().chain(key.chars().skip(1)).collect::<String>();
                let value = match value {
                    Json::String(text) if NUMBERS.contains(&key.as_str()) => {
                        text.trim().parse::<i64>().map_or(Json::String(text), Json::from)
                    }
                    value if FREE.contains(&key.as_str()) => value,
                    value => spelled(value),
                };
                (key, value)
            });
            Json::Object(parts.collect())
        }
        Json::Array(items) => Json::Array(items.into_iter().map(spelled).collect()),
        other => other,
    }
}

/// Whether both mean the same to ECS.
pub fn same(a: &str, b: &str) -> bool {
    alike(a, b, false)
}

/// Whether both mean the same to ECS. Where a task has a network of its own, a port of the host is that of the container.
pub fn alike(a: &str, b: &str, own_network: bool) -> bool {
    let parse = |text: &str| serde_json::from_str::<Json>(text).ok().map(|json| meaning(json, own_network));
    a == b || matches!((parse(a), parse(b)), (Some(a), Some(b)) if a == b)
}

/// What is left when all is taken away that means nothing, or that ECS says in its own words.
fn meaning(json: Json, own_network: bool) -> Vec<Json> {
    let Json::Array(containers) = json else { return vec![json] };
    let mut containers: Vec<Json> = containers.into_iter().map(|c| container(spelled(c), own_network)).collect();
    containers.sort_by_cached_key(|c| c["name"].to_string());
    containers
}

fn container(container: Json, own_network: bool) -> Json {
    let Json::Object(mut parts) = container else { return container };
    if parts.get("essential") == Some(&Json::Bool(false)) {
        // Unlike any other false this one says something.
        parts.insert("essential".into(), "no".into());
    } else {
        parts.remove("essential");
    }
    for ports in parts.get_mut("portMappings").and_then(Json::as_array_mut).into_iter().flatten().filter_map(Json::as_object_mut) {
        let (host, inside) = (ports.get("hostPort").and_then(Json::as_i64), ports.get("containerPort").and_then(Json::as_i64));
        if host == Some(0) || (own_network && host == inside) {
            ports.remove("hostPort");
        }
        if ports.get("protocol").and_then(Json::as_str) == Some("tcp") {
            ports.remove("protocol");
        }
    }
    if parts.get("cpu").and_then(Json::as_i64) == Some(0) {
        parts.remove("cpu");
    }
    if let Some(check) = parts.get_mut("healthCheck").and_then(Json::as_object_mut) {
        check.retain(|key, value| !HEALTH.iter().any(|(name, default)| key == name && value.as_i64() == Some(*default)));
    }
    for named in ["environment", "secrets"] {
        if let Some(items) = parts.get_mut(named).and_then(Json::as_array_mut) {
            items.sort_by_cached_key(|item| item["name"].to_string());
        }
    }
    said(Json::Object(parts)).unwrap_or_default()
}

/// Without what says nothing: null, false, and empty lists and objects.
fn said(json: Json) -> Option<Json> {
    match json {
        Json::Null | Json::Bool(false) => None,
        Json::Array(items) if items.is_empty() => None,
        Json::Array(items) => Some(Json::Array(items.into_iter().map(|item| said(item).unwrap_or_default()).collect())),
        Json::Object(parts) => {
            let parts: Map<String, Json> = parts.into_iter().filter_map(|(key, value)| Some((key, said(value)?))).collect();
            (!parts.is_empty()).then_some(Json::Object(parts))
        }
        other => Some(other),
    }
}

/// What ECS would refuse. `awsvpc`: each task has a network of its own; `fargate`: it runs on Fargate.
pub fn check(text: &str, own_network: bool) -> Vec<Problem> {
    let Ok(Json::Array(containers)) = serde_json::from_str::<Json>(text) else { return vec![] };
    let wrong = |message: String| Problem::new("container_definitions", message);
    if containers.is_empty() {
        return vec![wrong("a task has at least one container".into())];
    }
    let (mut problems, mut names) = (vec![], BTreeSet::new());
    for (i, container) in containers.iter().enumerate() {
        let name = container["name"].as_str().filter(|n| !n.is_empty());
        let who = name.map_or_else(|| format!("container {}", i + 1), |name| format!("container `{name}`"));
        match name {
            None => problems.push(wrong(format!("{who} has no `name`"))),
            Some(name) if !names.insert(name.to_owned()) => problems.push(wrong(format!("two containers have the name `{name}`"))),
            Some(_) => {}
        }
        if container["image"].as_str().is_none_or(str::is_empty) {
            problems.push(wrong(format!("{who} has no `image`")));
        }
        let mut variables = BTreeSet::new();
        for (list, value) in [("environment", "value"), ("secrets", "valueFrom")] {
            for variable in container[list].as_array().into_iter().flatten() {
                let Some(name) = variable["name"].as_str() else {
                    problems.push(wrong(format!("{who}: a variable of `{list}` has no `name`")));
                    continue;
                };
                if !variables.insert(name.to_owned()) {
                    problems.push(wrong(format!("{who}: the variable `{name}` is given twice")));
                }
                match &variable[value] {
                    Json::String(_) => {}
                    Json::Null => problems.push(wrong(format!("{who}: the variable `{name}` has no `{value}`"))),
                    _ => problems.push(wrong(format!("{who}: the value of the variable `{name}` is no text: write it with tostring(...)"))),
                }
            }
        }
        for ports in container["portMappings"].as_array().into_iter().flatten() {
            let (host, inside) = (ports["hostPort"].as_i64().unwrap_or(0), ports["containerPort"].as_i64());
            if let Some(inside) = inside.filter(|inside| own_network && host != 0 && host != *inside) {
                let why =
                    format!("{who}: with `network_mode = \"awsvpc\"` the port of the host is that of the container, {inside}, not {host}");
                problems.push(wrong(why));
            }
        }
    }
    if !containers.iter().any(|c| c["essential"].as_bool() != Some(false)) {
        problems.push(wrong("at least one container of a task is essential".into()));
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ecs_adds_is_no_difference() {
        let written = r#"[{"Name":"web","image":"nginx","portMappings":[{"containerPort":"80"}],
            "environment":[{"name":"B","value":"2"},{"name":"A","value":"1"}],"healthCheck":{"command":["CMD","true"]}}]"#;
        let answered = r#"[{"name":"web","image":"nginx","cpu":0,"essential":true,"mountPoints":[],"volumesFrom":[],"systemControls":[],
            "portMappings":[{"containerPort":80,"hostPort":0,"protocol":"tcp"}],
            "environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}],
            "healthCheck":{"command":["CMD","true"],"interval":30,"timeout":5,"retries":3}}]"#;
        assert!(same(written, answered));
        assert!(!same(written, &answered.replace("nginx", "httpd")));
        assert!(!same(written, &answered.replace("\"essential\":true", "\"essential\":false")));
        assert!(!same(written, &answered.replace("\"interval\":30", "\"interval\":60")));
        assert!(!same(written, &answered.replace("\"value\":\"2\"", "\"value\":\"\"")), "an empty value is a value");
    }

    #[test]
    fn the_port_of_the_host_follows_from_the_network() {
        let (written, answered) = (
            r#"[{"name":"a","image":"b","portMappings":[{"containerPort":80}]}]"#,
            r#"[{"name":"a","image":"b","portMappings":[{"containerPort":80,"hostPort":80}]}]"#,
        );
        assert!(alike(written, answered, true));
        assert!(!alike(written, answered, false), "a fixed port of the host is not any port");
    }

    #[test]
    fn the_users_own_keys_stay() {
        let text = r#"[{"Name":"a","Image":"b","Cpu":"10","DockerLabels":{"Team":"x"},"logConfiguration":{"options":{"Mode":"1"}}}]"#;
        let normal = normal(text).unwrap_or_default();
        for part in [r#""dockerLabels":{"Team":"x"}"#, r#""options":{"Mode":"1"}"#, r#""cpu":10"#] {
            assert!(normal.contains(part), "{normal} has {part}");
        }
        assert!(super::normal("{}").is_err());
    }

    #[test]
    fn what_ecs_refuses_is_told() {
        let wrong = |text: &str| check(text, true).into_iter().map(|p| p.message).collect::<Vec<_>>().join("; ");
        assert!(wrong("[]").contains("at least one container"));
        assert!(wrong(r#"[{"image":"b"}]"#).contains("container 1 has no `name`"));
        assert!(wrong(r#"[{"name":"a","image":"b"},{"name":"a","image":"c"}]"#).contains("the name `a`"));
        let variable = r#"[{"name":"a","image":"b","environment":[{"name":"PORT","value":8080}]}]"#;
        assert!(wrong(variable).contains("`PORT` is no text"));
        assert!(wrong(r#"[{"name":"a","image":"b","portMappings":[{"containerPort":80,"hostPort":81}]}]"#).contains("80, not 81"));
        assert!(wrong(r#"[{"name":"a","image":"b","essential":false}]"#).contains("essential"));
        assert_eq!(wrong(r#"[{"name":"a","image":"b"}]"#), "");
    }
}
