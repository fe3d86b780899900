//! What someone else did becomes what the stack wants.

use super::{GROUP, Site};

/// The same group, changed by someone else.
fn meddled(site: &Site, replace: &[(&str, &str)]) {
    let text = replace.iter().fold(site.read("stacks/web/stack.toml"), |text, (from, to)| {
        assert!(text.contains(from), "{from} is not in\n{text}");
        text.replace(from, to)
    });
    site.meddle("web", &text);
}

fn accepted(site: &Site, more: &[&str]) -> String {
    let said = site.good(&[&["drift", "web", "--accept", "aws_security_group.web"], more].concat());
    site.good(&["drift", "web"]);
    site.good(&["plan", "stacks/web", "--detailed-exitcode"]);
    said.flat()
}

#[test]
fn values_are_written_and_comments_stay() {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    meddled(&site, &[("\"infra\"", "\"me\"")]);
    accepted(&site, &[]);
    assert_eq!(site.read("stacks/web/stack.toml"), GROUP.replace("\"infra\"", "\"me\""), "only that changed");
    meddled(
        &site,
        &[("[\"10.0.0.0/16\"]", "[\"10.0.0.0/16\", \"10.9.0.0/16\"]"), ("{ Owner = \"me\" }", "{ Owner = \"me\", Team = \"${1 + 1}\" }")],
    );
    accepted(&site, &[]);
    let text = site.read("stacks/web/stack.toml");
    assert!(
        text.contains("\"10.9.0.0/16\"")
            && text.contains("Team = \"2\"")
            && text.contains("# who to ask")
            && text.starts_with("# Who may come in."),
        "{text}"
    );
    // What is taken away goes from the file, too.
    meddled(&site, &[(", Team = \"2\"", "")]);
    accepted(&site, &[]);
    assert!(!site.read("stacks/web/stack.toml").contains("Team"));
}

#[test]
fn what_is_an_expression_gets_a_rule() {
    let text = GROUP
        .replace("tags = { Owner = \"infra\" }", "tags = \"${merge({ Owner = \"infra\" }, {})}\"")
        .replace("\"${merge({ Owner = \"infra\" }, {})}\"", "'${merge({ Owner = \"infra\" }, {})}'");
    let site = Site::with(&text);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    site.meddle("web", &text.replace("infra", "me"));
    let said = accepted(&site, &["--reason", "billing owns it"]);
    assert!(said.contains("has a rule to leave it alone"), "{said}");
    let text = site.read("stacks/web/stack.toml");
    assert!(
        text.contains(
            "[[drift.ignore]]\naddress = \"aws_security_group.web\"\nattributes = [\"tags.Owner\"]\nreason = \"billing owns it\"\n"
        ),
        "{text}"
    );
    assert!(text.contains("ignore_changes = [\"tags.Owner\"]") && text.contains("merge("), "{text}");
}

#[test]
fn what_is_gone_can_not_be_accepted() {
    let site = Site::with(GROUP);
    site.good(&["apply", "stacks/web", "--auto-approve"]);
    let known = site.read("state/web.tfstate.json");
    site.good(&["destroy", "stacks/web", "--auto-approve"]);
    site.write("state/web.tfstate.json", &known);
    let said = site.run(&["drift", "web", "--accept", "aws_security_group.web"]);
    assert_eq!(said.code, 1);
    assert!(said.flat().contains("aws_security_group.web is gone, which no value can say"), "{}", said.err);
    let said = site.run(&["drift", "web", "--accept", "aws_eip.x"]);
    assert!(said.flat().contains("aws_eip.x has not drifted") && said.flat().contains("what has: aws_security_group.web"), "{}", said.err);
    assert_eq!(site.read("stacks/web/stack.toml"), GROUP);
    site.good(&["drift", "web", "--fix", "--auto-approve"]);
    site.good(&["drift", "web"]);
}
