//! What the command tells, and how it ends.

use serde_json::Value as Json;

use super::{GROUP, Site};

/// The group with SSH open to everyone, and another owner.
fn opened() -> String {
    GROUP
        .replace("]\ntags", "    { protocol = \"tcp\", from_port = 22, to_port = 22, cidr_blocks = [\"0.0.0.0/0\"] },\n]\ntags")
        .replace("\"infra\"", "\"me\"")
}

fn drifted() -> Site {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &opened());
    site
}

#[test]
fn an_opened_group_is_told_with_who_did_it_and_is_mended() {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    let calm = site.good(&["drift", "web"]);
    assert!(calm.out.contains("in order · 1 resource looked at"), "{}", calm.out);
    let state = site.read("state/web.tfstate.json");
    site.meddle("web", &opened());
    let said = site.run(&["drift", "web"]);
    assert_eq!(said.code, 2, "{}", said.err);
    for words in [
        "1 finding: 1 high",
        "HIGH     aws_security_group.web",
        "changed",
        "! opens SSH to the world",
        "+ 22/tcp from 0.0.0.0/0",
        "tags.Owner    \"infra\" -> \"me\"",
        "by the root user",
        "next apply closes it",
    ] {
        assert!(said.out.contains(words) || said.flat().contains(words), "{words} is not in\n{}", said.out);
    }
    assert!(!said.out.contains("443/tcp"), "what is as it was is not told: {}", said.out);
    assert_eq!(site.read("state/web.tfstate.json"), state, "drift writes nothing");
    assert!(!site.path("state/web.tfstate.json.journal").exists());

    // Nobody is there to ask, and nothing is done.
    let asked = site.run(&["drift", "web", "--fix"]);
    assert_eq!(asked.code, 1);
    assert!(asked.err.contains("nobody is there to approve this"), "{}", asked.err);
    assert_eq!(site.run(&["drift", "web"]).code, 2);
    let mended = site.good(&["drift", "web", "--fix", "--auto-approve"]);
    assert!(mended.out.contains("CHANGE   aws_security_group.web"), "{}", mended.out);
    site.good(&["drift", "web"]);
    site.good(&["plan", "stacks/web", "--detailed-exitcode"]);
}

#[test]
fn formats_are_what_programs_read() {
    let site = drifted();
    let json: Json = serde_json::from_str(&site.run(&["drift", "web", "--format", "json"]).out).unwrap();
    let finding = &json["reports"][0]["findings"][0];
    assert_eq!(finding["address"], "aws_security_group.web");
    assert_eq!((&finding["what"], &finding["severity"]), (&"changed".into(), &"high".into()));
    let paths: Vec<&str> = finding["attributes"].as_array().unwrap().iter().map(|d| d["path"].as_str().unwrap()).collect();
    assert_eq!(paths, ["ingress", "tags.Owner"]);
    assert_eq!(finding["attributes"][0]["old"], serde_json::json!([]), "of a set what went and what came");
    assert_eq!(finding["attributes"][0]["new"][0]["from_port"], 22);
    assert_eq!(finding["place"]["line"], 5);
    assert_eq!(finding["by"]["event"].as_str().map(|event| event.is_empty()), Some(false), "{finding}");

    let sarif: Json = serde_json::from_str(&site.run(&["drift", "stacks/web", "--format", "sarif"]).out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let run = &sarif["runs"][0];
    let result = &run["results"][0];
    assert_eq!((&result["ruleId"], &result["level"]), (&"drift/changed".into(), &"error".into()));
    assert!(run["tool"]["driver"]["rules"].as_array().unwrap().iter().any(|rule| rule["id"] == result["ruleId"]));
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "stacks/web/stack.toml");
    assert_eq!(place["region"]["startLine"], 5);
    assert!(result["message"]["text"].as_str().unwrap().contains("22/tcp from 0.0.0.0/0"));
    assert_eq!(run["invocations"][0]["executionSuccessful"], true);

    let junit = site.run(&["drift", "web", "--format", "junit"]).out;
    let document = quick_junit::Report::deserialize_from_str(&junit).unwrap_or_else(|error| panic!("{error}\n{junit}"));
    assert_eq!((document.test_suites.len(), document.failures), (1, 1), "{junit}");

    let markdown = site.run(&["drift", "web", "--format", "markdown"]).out;
    assert!(markdown.starts_with("### web: 1 high\n"), "{markdown}");
    assert!(
        markdown.contains("- **HIGH** `aws_security_group.web` changed, opens SSH to the world (stacks/web/stack.toml:5)"),
        "{markdown}"
    );
}

#[test]
fn what_is_gone_or_made_again_is_told() {
    let role = "[resource.aws_iam_role.app]\nname = \"app\"\nassume_role_policy = '{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"Service\":\"ec2.amazonaws.com\"}}]}'\n";
    let log = "[resource.aws_cloudwatch_log_group.app]\nname = \"app\"\n";
    let site = Site::with(&format!("{GROUP}{role}{log}"));
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    let known = site.read("state/web.tfstate.json");
    // Someone else destroys all, and makes the role and the group again.
    site.good(&["destroy", "stacks/web", "--auto-approve"]);
    site.stack("other", &format!("{GROUP}{role}"));
    site.good(&["apply", "stacks/other", "--auto-approve"]);
    site.write("state/web.tfstate.json", &known);
    let json: Json = serde_json::from_str(&site.run(&["drift", "web", "--format", "json"]).out).unwrap();
    let findings = json["reports"][0]["findings"].as_array().unwrap();
    let what: Vec<(&str, &str, &str)> =
        findings.iter().map(|f| (f["address"].as_str().unwrap(), f["what"].as_str().unwrap(), f["severity"].as_str().unwrap())).collect();
    assert_eq!(
        what,
        [
            ("aws_cloudwatch_log_group.app", "deleted", "high"),
            ("aws_iam_role.app", "replaced", "high"),
            ("aws_security_group.web", "replaced", "high"),
        ]
    );
    assert_eq!(findings[0]["next"], "makes it anew");
    assert_eq!(findings[1]["attributes"][0]["path"], "unique_id");
    assert_eq!(findings[2]["attributes"][0]["path"], "id", "{}", findings[2]);
}

#[test]
fn several_stacks_and_one_that_fails() {
    let site = drifted();
    site.stack("calm", "[resource.aws_cloudwatch_log_group.calm]\nname = \"calm\"\n");
    site.good(&["apply", "stacks/calm", "--auto-approve"]);
    site.stack("broken", "[resource.aws_eip.a]\ndomaine = \"vpc\"\n");
    let said = site.run(&["drift", "--all", "--format", "json"]);
    assert_eq!(said.code, 1, "one could not be looked at");
    let json: Json = serde_json::from_str(&said.out).unwrap();
    let stacks: Vec<&str> = json["reports"].as_array().unwrap().iter().map(|r| r["stack"].as_str().unwrap()).collect();
    assert_eq!(stacks, ["stacks/calm", "stacks/web"]);
    assert_eq!(json["errors"][0]["stack"], "stacks/broken");
    assert!(said.err.contains("did you mean `domain`?"), "{}", said.err);
    let both = site.run(&["drift", "calm", "web"]);
    assert_eq!(both.code, 2);
    assert!(both.out.contains("in order") && both.out.contains("1 finding"), "{}", both.out);
}

#[test]
fn who_counts_and_what_fails() {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &GROUP.replace("\"infra\"", "\"me\""));
    assert_eq!(site.run(&["drift", "web"]).code, 2);
    assert_eq!(site.run(&["drift", "web", "--fail-on", "low"]).code, 2);
    assert_eq!(site.run(&["drift", "web", "--fail-on", "medium"]).code, 0);
    assert!(!site.run(&["drift", "web", "--who", "never"]).out.contains("root user"));
    // Told it is all the same.
    assert!(site.run(&["drift", "web", "--fail-on", "high"]).out.contains("LOW"));
}

#[test]
fn who_did_it_is_not_who_changed_another_of_the_same_name() {
    let text = |retention: u8, description: &str| {
        format!(
            "[resource.aws_cloudwatch_log_group.a]\nname = \"same\"\nretention_in_days = {retention}\n[resource.aws_ssm_parameter.a]\nname = \"same\"\ntype = \"String\"\nvalue = \"v\"\ndescription = \"{description}\"\n"
        )
    };
    let site = Site::with(&text(7, "one"));
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &text(14, "two"));
    let json: Json = serde_json::from_str(&site.run(&["drift", "web", "--format", "json"]).out).unwrap();
    let events: Vec<&str> = json["reports"][0]["findings"].as_array().unwrap().iter().map(|f| f["by"]["event"].as_str().unwrap()).collect();
    assert_eq!(events, ["PutRetentionPolicy", "PutParameter"], "{json}");
}

#[test]
fn an_apply_is_not_kept_waiting() {
    let site = drifted();
    // The lock is held by someone, as by an apply that runs.
    let lock = std::fs::File::create(site.path("state/web.tfstate.json.lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(site.run(&["drift", "web"]).code, 2);
}
