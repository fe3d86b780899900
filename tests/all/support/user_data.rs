//! What must hold for the user data of the gateway-node stack, once it is rendered.

use std::fs;
use std::process::Command;

use serde_json::Value;

/// EC2's limit, before base64.
const LIMIT: usize = 16_384;

/// Checks the script of `role` (`gateway` or `node`) as far as that goes without an instance; gives its `openclaw.json`.
pub fn check(role: &str, text: &str) -> Value {
    assert!(text.starts_with("#!/bin/bash\n"), "cloud-init knows a script by its first line");
    assert!(text.len() <= LIMIT, "{} bytes", text.len());
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("user-data.sh");
    fs::write(&script, text).unwrap();
    let bash = Command::new("bash").arg("-n").arg(&script).output().unwrap();
    assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    // Of all that looks like a template only the agent's own placeholders are left.
    for (at, _) in text.match_indices("${") {
        assert!(text[at..].starts_with("${aws:Instance"), "left unrendered: {}", text[at..].lines().next().unwrap());
    }
    assert!(!text.contains("%{"), "a directive was left unrendered");

    check_unit(role, &document(text, "END_OF_UNIT"));
    check_agent(&document(text, "END_OF_AGENT"));
    for needed in ["rsyslog", "pnpm@10", "latest-v22.x", "amazon-cloudwatch-agent-ctl", &format!("systemctl enable --now openclaw-{role}")]
    {
        assert!(text.contains(needed), "{needed} is missing");
    }
    let certificate = ["-days 365", "rsa:2048", "/CN=openclaw-gateway", "chmod 600 /etc/openclaw/certs/server.key"];
    for part in certificate {
        assert_eq!(text.contains(part), role == "gateway", "{part}");
    }
    serde_json::from_str(&document(text, "END_OF_CONFIG")).unwrap()
}

/// The text between `<<'MARK'` and `MARK`.
fn document(text: &str, mark: &str) -> String {
    let (_, rest) = text.split_once(&format!("<<'{mark}'\n")).unwrap_or_else(|| panic!("no {mark}"));
    rest.split_once(&format!("\n{mark}\n")).unwrap_or_else(|| panic!("{mark} does not end")).0.to_owned() + "\n"
}

fn check_unit(role: &str, unit: &str) {
    let lines: Vec<&str> = unit.lines().collect();
    for line in ["User=ec2-user", "Restart=always", "RestartSec=10", "WantedBy=multi-user.target"] {
        assert!(lines.contains(&line), "{line} is missing:\n{unit}");
    }
    let path = lines.iter().find_map(|line| line.strip_prefix("Environment=PATH=")).unwrap();
    assert!(!path.contains('*'), "systemd expands no * in {path}");
    assert_eq!(lines.contains(&"AmbientCapabilities=CAP_NET_BIND_SERVICE"), role == "gateway");
    // Where systemd is at hand it judges; that OpenClaw is not installed on this machine is no fault of the unit.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("openclaw-{role}.service"));
    fs::write(&file, unit).unwrap();
    let Ok(verify) = Command::new("systemd-analyze").arg("verify").arg(&file).output() else { return };
    let said = String::from_utf8_lossy(&verify.stderr);
    let faults: Vec<&str> = said.lines().filter(|line| line.contains("openclaw") && !line.contains("is not executable")).collect();
    assert!(faults.is_empty(), "{faults:?}");
}

fn check_agent(config: &str) {
    let config: Value = serde_json::from_str(config).unwrap();
    assert_eq!(config["agent"]["metrics_collection_interval"], 60);
    assert_eq!(config["metrics"]["namespace"], "OpenClaw");
    let dimensions = serde_json::json!({ "InstanceId": "${aws:InstanceId}", "InstanceType": "${aws:InstanceType}" });
    assert_eq!(config["metrics"]["append_dimensions"], dimensions, "the memory alarm asks for these");
    let files = config["logs"]["logs_collected"]["files"]["collect_list"].as_array().unwrap();
    let groups: Vec<&str> = files.iter().map(|file| file["log_group_name"].as_str().unwrap()).collect();
    assert_eq!(groups, ["/openclaw/application", "/openclaw/system"]);
}
