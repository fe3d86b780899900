//! What a user, an account, or a rule gets wrong.

use super::{GROUP, Site};
use crate::support::proxy::{Fault, Proxy};

fn rule(body: &str) -> String {
    format!("{GROUP}\n[[drift.ignore]]\n{body}\n")
}

#[test]
fn a_stack_that_does_not_exist() {
    let site = Site::with(GROUP);
    let said = site.run(&["drift", "wep"]);
    assert_eq!(said.code, 1);
    assert!(said.flat().contains("there is no stack `wep`") && said.flat().contains("did you mean `web`?"), "{}", said.err);
    let said = site.run(&["drift", "--all", "nowhere"]);
    assert_eq!(said.code, 1);
    assert!(said.flat().contains("there is no folder `nowhere`"), "{}", said.err);
    let said = site.run(&["drift", "--all", "state-of-nothing", "stacks"]);
    assert_eq!(said.code, 1);
    let said = site.run(&["drift", "web", "--accept", "aws_security_group.web"]);
    assert!(said.code == 1 && said.flat().contains("there is nothing to accept"), "{}", said.err);
}

#[test]
fn rules_that_are_wrong_are_told_with_their_place() {
    let site = Site::with(GROUP);
    for (body, words) in [
        ("address = \"aws_{a\"\nreason = \"x\"", vec!["`aws_{a` is no pattern", "stack.toml:15:11"]),
        ("address = \"a.b\"\nattributes = [\"tags.[\"]\nreason = \"x\"", vec!["`tags.[` is no pattern", "stack.toml:16"]),
        ("address = \"a.b\"\nreason = \"x\"\nexpires = \"soon\"", vec!["`expires` is a date", "expires = 2027-01-31", "stack.toml:17"]),
        ("address = \"a.b\"\nreason = \"x\"\nexpires = \"2026-02-30\"", vec!["`expires` is a date", "none that the calendar has"]),
        ("address = \"a.b\"", vec!["`drift.ignore` has no `reason`", "say why"]),
        ("address = \"a.b\"\nreason = \" \"", vec!["`drift.ignore` has no `reason`"]),
        ("reason = \"x\"", vec!["`drift.ignore` has no `address`"]),
        ("address = \"a.b\"\nreson = \"x\"", vec!["`drift.ignore` has no `reson`", "did you mean `reason`?"]),
        ("address = 7\nreason = \"x\"", vec!["`address` is a pattern", "this is a number"]),
    ] {
        site.stack("web", &rule(body));
        let said = site.run(&["drift", "web"]);
        assert_eq!(said.code, 1, "{body}");
        for words in words {
            assert!(said.flat().contains(words), "{words} is not in\n{}", said.err);
        }
    }
}

#[test]
fn rules_hide_what_they_say_and_no_more() {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    let ssh = "    { protocol = \"tcp\", from_port = 22, to_port = 22, cidr_blocks = [\"0.0.0.0/0\"] },\n]\ntags";
    site.meddle("web", &GROUP.replace("\"infra\"", "\"me\"").replace("]\ntags", ssh));
    site.stack("web", &rule("address = \"aws_security_group.*\"\nattributes = [\"tags\"]\nreason = \"billing sets them\""));
    let said = site.run(&["drift", "web"]);
    assert_eq!(said.code, 2);
    assert!(said.out.contains("22/tcp") && !said.out.contains("tags.Owner"), "{}", said.out);
    assert!(said.out.contains("left alone: aws_security_group.web: billing sets them"), "{}", said.out);
    site.stack("web", &rule("address = \"aws_security_group.web\"\nreason = \"being moved\"\nexpires = 2099-12-31"));
    let said = site.good(&["drift", "web"]);
    assert!(said.out.contains("in order") && said.out.contains("being moved"), "{}", said.out);
    site.stack("web", &rule("address = \"aws_security_group.web\"\nreason = \"being moved\"\nexpires = 2020-01-31"));
    let said = site.run(&["drift", "web"]);
    assert_eq!(said.code, 2, "it expired");
    assert!(said.flat().contains("expired on 2020-01-31 and hides nothing any more: being moved"), "{}", said.out);
    site.stack("web", &rule("address = \"aws_instance.*\"\nreason = \"x\""));
    let said = site.run(&["drift", "web"]);
    assert!(said.flat().contains("means nothing that the state holds: `aws_instance.*`"), "{}", said.out);
}

#[test]
fn what_nobody_may_read_is_told_and_the_rest_goes_on() {
    let site = Site::with(&format!("{GROUP}\n[resource.aws_cloudwatch_log_group.app]\nname = \"app\"\n"));
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &site.read("stacks/web/stack.toml").replace("\"infra\"", "\"me\""));
    let proxy = Proxy::new(&site.cloud.endpoint, 7).with("DescribeLogGroups", Fault::Denied).with("LookupEvents", Fault::Denied);
    let cloud = site.cloud.through(proxy.endpoint());
    let said = site.through(&cloud, &["drift", "web"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(
        said.flat().contains("not looked at: aws_cloudwatch_log_group.app: logs DescribeLogGroups: AccessDeniedException"),
        "{}",
        said.out
    );
    assert!(said.flat().contains("nobody can tell who did it: the permission cloudtrail:LookupEvents is missing"), "{}", said.out);
    assert!(said.out.contains("LOW      aws_security_group.web"), "{}", said.out);
    // What is data of the stack keeps the plan from being made, and nothing else.
    proxy.add("DescribeVpcs", Fault::Denied);
    let said = site.through(&cloud, &["drift", "web"]);
    assert_eq!(said.code, 2, "{}", said.err);
    assert!(said.flat().contains("not looked at: what the next apply would do: data.aws_vpc.net can't be read"), "{}", said.out);
    assert!(said.flat().contains("next apply can't be told"), "{}", said.out);
    // Where nothing at all can be read there is nothing to tell.
    proxy.add("DescribeSecurityGroups", Fault::Denied);
    let said = site.through(&cloud, &["drift", "web"]);
    assert_eq!(said.code, 1, "{}", said.out);
    assert!(said.flat().contains("nothing of web can be read"), "{}", said.err);
}

#[test]
fn secrets_are_in_no_format() {
    let stack = |value: &str| {
        format!(
            "[variable.key]\nsensitive = true\ndefault = \"{value}-tag\"\n[resource.aws_ssm_parameter.a]\nname = \"/a\"\ntype = \"SecureString\"\nvalue = \"{value}\"\ntags = {{ key = \"${{var.key}}\" }}\n"
        )
    };
    let site = Site::with(&stack("s3cret-one"));
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &stack("s3cret-two"));
    for format in ["text", "json", "markdown", "sarif", "junit"] {
        let said = site.run(&["drift", "web", "--format", format]);
        assert_eq!(said.code, 2, "{}", said.err);
        assert!(!said.flat().contains("s3cret"), "{format}: {}", said.flat());
        assert!(said.flat().contains("(sensitive value)"), "{format}: {}", said.flat());
    }
    let said = site.run(&["drift", "web", "--fix", "--auto-approve"]);
    assert_eq!(said.code, 0, "{}", said.err);
    assert!(!said.flat().contains("s3cret"), "{}", said.flat());
    site.good(&["drift", "web"]);
}
