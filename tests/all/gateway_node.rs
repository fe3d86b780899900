//! The templates of the gateway-node stack, rendered by hand: what they say is checked before anything is applied.

use std::fs;
use std::path::Path;

use regex::Regex;

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
