//! The gateway-node stack: its templates rendered by hand, and its whole life on an empty account.

use std::fs;
use std::path::Path;

use regex::Regex;

use crate::support::kept::told;
use crate::support::project::{Project, Said, there_is};
use crate::support::sandbox::cloud;
use crate::support::user_data::check;

fn template(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("stacks/gateway-node/templates");
    fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Puts the values in, and takes the branches of the two conditions in use.
fn render(role: &str, unit: &str, config: &str) -> String {
    let gateway = Regex::new(r#"(?s)%\{ if role == "gateway" ~\}\n(.*?)%\{ endif ~\}\n"#).unwrap();
    let revision = Regex::new(r#"%\{ if revision != "" \}.*?%\{ endif \}"#).unwrap();
    let text = template("user-data.sh.tftpl");
    let text = gateway.replace(&text, if role == "gateway" { "$1" } else { "" });
    let text = revision.replace(&text, "");
    let repository = r#"${replace(repository, "'", "")}"#;
    text.replace(repository, "https://example.com/openclaw.git")
        .replace("${role}", role)
        .replace("${trimspace(unit)}", unit.trim())
        .replace("${trimspace(config)}", config.trim())
        .replace("${trimspace(agent_config)}", template("amazon-cloudwatch-agent.json").trim())
}

#[test]
fn user_data_of_both_instances_holds_together() {
    let fill = |name: &str| {
        let url = "wss://192.0.2.1:443";
        let text = template(name).replace("${gateway_url}", url).replace("${jsonencode(gateway_url)}", &format!("\"{url}\""));
        text.replace("${jsonencode(token)}", "\"t0ken\"")
    };
    let gateway = check("gateway", &render("gateway", &template("openclaw-gateway.service"), &fill("gateway.json.tftpl")));
    let node = check("node", &render("node", &fill("openclaw-node.service.tftpl"), &fill("node.json.tftpl")));
    assert_eq!(gateway["gateway"]["auth"]["token"], node["gateway"]["token"]);
    assert_eq!(node["gateway"]["remote"], "wss://192.0.2.1:443");
    assert_eq!(gateway["gateway"]["port"], 443);
}

/// How many calls `--stats` says were made.
fn calls(said: &Said) -> usize {
    let line = said.err.lines().find_map(|line| line.trim().strip_suffix(" calls"));
    line.unwrap_or_else(|| panic!("no count of calls in\n{}", said.err)).parse().unwrap()
}

fn attribute(state: &serde_json::Value, kind: &str, name: &str, attribute: &str) -> serde_json::Value {
    let resources = state["resources"].as_array().unwrap();
    let found = resources.iter().find(|r| r["type"] == kind && r["name"] == name).unwrap();
    found["instances"][0]["attributes"][attribute].clone()
}

#[tokio::test]
async fn the_stack_lives_drifts_and_goes() {
    let project = Project::new(cloud());
    let aws = project.aws().await;
    let before = there_is(&aws).await;

    let applied = project.run("apply", &["--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    assert!(applied.err.contains("20 created"), "{}", applied.err);
    for output in ["gateway_ip = ", "gateway_url = \"wss://", "ssh_gateway = ", "ssh_node = ", "gateway_token = (sensitive)"] {
        assert!(applied.out.contains(output), "{output} is missing in\n{}", applied.out);
    }

    let clean = project.run("plan", &["--detailed-exitcode", "--stats"]);
    assert_eq!(clean.code, 0, "{}{}", clean.out, clean.err);
    assert!(clean.out.contains("No changes"), "{}", clean.out);
    assert!(calls(&clean) <= 16, "{}", clean.err);

    // The instances start with what the state says they were given, and both know the token, which nobody else does.
    let state = project.state();
    let token = attribute(&state, "random_password", "gateway_token", "result");
    let token = token.as_str().unwrap();
    let ec2 = aws_sdk_ec2::Client::new(&aws);
    for role in ["gateway", "node"] {
        let id = attribute(&state, "aws_instance", role, "id");
        let asked = ec2.describe_instance_attribute().instance_id(id.as_str().unwrap());
        let answer = asked.attribute(aws_sdk_ec2::types::InstanceAttributeName::UserData).send().await.unwrap();
        let text =
            base64::Engine::decode(&base64::engine::general_purpose::STANDARD, answer.user_data().unwrap().value().unwrap()).unwrap();
        let config = check(role, &String::from_utf8(text).unwrap());
        let given = if role == "gateway" { &config["gateway"]["auth"]["token"] } else { &config["gateway"]["token"] };
        assert_eq!(given, token, "{role}");
    }
    for said in [&applied, &clean] {
        assert!(!said.out.contains(token) && !said.err.contains(token), "the token is shown");
    }

    // Three changes behind its back.
    let node = attribute(&state, "aws_instance", "node", "id");
    let tag = aws_sdk_ec2::types::Tag::builder().key("Owner").value("me").build();
    ec2.create_tags().resources(node.as_str().unwrap()).tags(tag).send().await.unwrap();
    let group = attribute(&state, "aws_security_group", "openclaw", "id");
    let open = ec2.authorize_security_group_ingress().group_id(group.as_str().unwrap()).ip_protocol("tcp");
    open.from_port(8080).to_port(8080).cidr_ip("0.0.0.0/0").send().await.unwrap();
    aws_sdk_cloudwatch::Client::new(&aws).delete_alarms().alarm_names("OpenClaw-Node-CPU-High").send().await.unwrap();

    let drifted = project.run("plan", &["--detailed-exitcode"]);
    assert_eq!(drifted.code, 2, "{}{}", drifted.out, drifted.err);
    assert!(drifted.out.contains("1 to create, 1 to change, 1 tags only"), "{}", drifted.out);
    for named in ["aws_instance.node", "tags.Owner", "8080/tcp from 0.0.0.0/0", "aws_cloudwatch_metric_alarm.node_cpu"] {
        assert!(drifted.out.contains(named), "{named} is missing in\n{}", drifted.out);
    }
    assert_eq!(project.run("apply", &["--auto-approve"]).code, 0);
    assert_eq!(project.run("plan", &["--detailed-exitcode"]).code, 0);

    // A kept plan gives the instances new user data with the secrets in it, and tells none of them.
    let kept = project.run("plan", &["--var", "revision=v2", "--out", "v2.plan"]);
    assert_eq!(kept.code, 0, "{}", kept.err);
    let key = attribute(&state, "tls_private_key", "ssh", "private_key_pem");
    let lines: Vec<&str> = key.as_str().unwrap().lines().filter(|line| line.len() == 64).collect();
    assert!(lines.len() > 20, "{lines:?}");
    let plan = fs::read_to_string(project.folder.path().join("v2.plan")).unwrap();
    assert_eq!(told(&plan, &[&[token], &lines[..]].concat()), [""; 0]);
    let done = Said::of(&project.bare(&project.cloud, &["apply", "v2.plan"]).output().unwrap());
    assert!(done.code == 0 && done.err.contains("3 created, 5 changed, 3 destroyed"), "{}{}", done.out, done.err);
    assert_eq!(project.run("plan", &["--detailed-exitcode", "--var", "revision=v2"]).code, 0);

    let destroyed = project.run("destroy", &["--auto-approve"]);
    assert_eq!(destroyed.code, 0, "{}", destroyed.err);
    let mut after = there_is(&aws).await;
    after.remove("terminated");
    assert_eq!(after, before);
    assert!(!project.key().exists());
}

#[test]
fn three_hundred_resources_are_read_with_a_dozen_calls() {
    let project = Project::new(cloud());
    let stack = project.folder.path().join("stacks/gateway-node");
    fs::remove_dir_all(stack.join("templates")).unwrap();
    let text = r#"
[provider.aws]
region = "us-east-1"
[variable.private_key_path]
type = "string"
[resource.aws_security_group.many]
count = 100
name = "many-${count.index}"
tags = { Number = "${count.index}" }
[resource.aws_cloudwatch_log_group.many]
count = 100
name = "/many/${count.index}"
tags = { Number = "${count.index}" }
[resource.aws_cloudwatch_metric_alarm.many]
count = 100
alarm_name = "many-${count.index}"
namespace = "AWS/EC2"
metric_name = "CPUUtilization"
statistic = "Average"
period = 300
evaluation_periods = 1
comparison_operator = "GreaterThanThreshold"
threshold = 80
tags = { Number = "${count.index}" }
"#;
    fs::write(stack.join("stack.toml"), text).unwrap();
    let applied = project.run("apply", &["--auto-approve"]);
    assert_eq!(applied.code, 0, "{}", applied.err);
    let clean = project.run("plan", &["--detailed-exitcode", "--stats"]);
    assert_eq!(clean.code, 0, "{}{}", clean.out, clean.err);
    assert!(calls(&clean) <= 12, "{}", clean.err);
}
