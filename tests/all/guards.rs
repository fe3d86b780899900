//! What keeps a stack from being made twice, and a state from being used where it doesn't belong.

use crate::bad_input::Folder;
use crate::support::sandbox::{Cloud, cloud};

const STACK: &str = r#"
[resource.aws_eip.front]
domain = "vpc"
tags = { Name = "front", stack = "shop" }

[resource.aws_cloudwatch_log_group.app]
name = "/shop/app"
"#;
const STATE: &str = "state/web.tfstate.json";

fn folder(cloud: &Cloud, stack: &str) -> Folder {
    Folder::with(stack).env(cloud.env())
}

/// The id of what stands in the state under that type.
fn id(folder: &Folder, kind: &str) -> String {
    let state: serde_json::Value = serde_json::from_str(&folder.read(STATE)).unwrap();
    let found = state["resources"].as_array().unwrap().iter().find(|r| r["type"] == kind).unwrap();
    found["instances"][0]["attributes"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_lost_state_is_not_taken_for_a_new_stack() {
    let folder = folder(&cloud(), STACK);
    folder.good(&["apply", "--auto-approve"]);
    let (address, state) = (id(&folder, "aws_eip"), folder.read(STATE));
    std::fs::remove_file(folder.path().join(STATE)).unwrap();

    let front = format!("aws_eip.front is {address}");
    let words = [
        "the state is empty, and there is already what the stack would make",
        &front,
        "aws_cloudwatch_log_group.app is /shop/app",
        &format!("ferroform import 'aws_eip.front' '{address}'"),
        "--allow-existing",
    ];
    folder.bad(&["plan"], &words);
    let said = folder.run(&["apply", "--auto-approve"]);
    said.tells(&words);

    // Whoever says so goes on; so does whoever takes in what there is.
    assert!(folder.good(&["plan", "--allow-existing"]).out.contains("2 to create"));
    folder.good(&["import", "aws_eip.front", &address]);
    assert!(folder.good(&["plan"]).out.contains("1 to create"));

    // With the state again there is nothing to say, and after a destroy it begins anew.
    folder.write(STATE, state);
    assert!(folder.good(&["plan"]).out.contains("No changes"));
    folder.good(&["destroy", "--auto-approve"]);
    folder.good(&["apply", "--auto-approve"]);
}

#[test]
fn what_only_resembles_a_stack_is_not_in_its_way() {
    let cloud = cloud();
    folder(&cloud, STACK).good(&["apply", "--auto-approve"]);
    let other = STACK.replace("stack = \"shop\"", "stack = \"shop\", part = \"two\"").replace("/shop/app", "/shop/two");
    folder(&cloud, &other).good(&["apply", "--auto-approve"]);
    // Tags that everything gets say nothing of one thing.
    let bare = "[provider.aws]\ndefault_tags = { tags = { env = \"prod\" } }\n[resource.aws_eip.a]\ndomain = \"vpc\"\n";
    folder(&cloud, bare).good(&["apply", "--auto-approve"]);
    folder(&cloud, bare).good(&["apply", "--auto-approve"]);
}

#[test]
fn a_terminated_instance_is_not_in_the_way() {
    let machine = r#"
[data.aws_ami.any]
most_recent = true
owners = ["amazon"]
[resource.aws_instance.web]
ami = "${data.aws_ami.any.id}"
instance_type = "t3.micro"
tags = { Name = "web" }
"#;
    let folder = folder(&cloud(), machine);
    folder.good(&["apply", "--auto-approve"]);
    std::fs::rename(folder.path().join(STATE), folder.path().join("kept")).unwrap();
    folder.bad(&["plan"], &["aws_instance.web is i-"]);
    std::fs::rename(folder.path().join("kept"), folder.path().join(STATE)).unwrap();
    folder.good(&["destroy", "--auto-approve"]);
    folder.good(&["apply", "--auto-approve"]);
}

#[test]
fn another_account_is_refused_for_each_configuration() {
    let (here, there) = (cloud(), cloud());
    let folder_here = folder(&here, STACK);
    folder_here.good(&["apply", "--auto-approve"]);
    let folder = folder(&there, STACK);
    folder.write(STATE, folder_here.read(STATE));
    let words = ["another account than the one in use", &here.account, &there.account, "--allow-other-account"];
    folder.bad(&["plan"], &words);
    folder.bad(&["destroy", "--auto-approve"], &words);
    assert!(folder.good(&["plan", "--allow-other-account"]).out.contains("2 to create"));
}

#[test]
fn a_kept_plan_is_for_the_account_that_it_was_made_in() {
    let (here, there) = (cloud(), cloud());
    let (made, folder) = (folder(&here, STACK), folder(&there, STACK));
    made.good(&["plan", "--out", "kept.plan"]);
    std::fs::copy(made.path().join("kept.plan"), folder.path().join("kept.plan")).unwrap();
    folder.bad(&["apply", "kept.plan"], &["was made for another account or region", &here.account, &there.account]);
    assert!(!folder.path().join(STATE).exists());
    made.good(&["apply", "kept.plan"]);
}

#[test]
fn another_region_is_refused_for_each_configuration() {
    let aliased = r#"
[[provider.aws]]
region = "eu-west-1"
[[provider.aws]]
alias = "far"
region = "us-west-2"
[resource.aws_eip.near]
domain = "vpc"
[resource.aws_eip.far]
provider = "aws.far"
domain = "vpc"
"#;
    let folder = folder(&cloud(), aliased);
    let said = folder.good(&["apply", "--auto-approve"]);
    assert!(said.out.contains("eu-west-1") && !said.out.contains("us-west-2 · account"), "{}", said.out);
    folder.write("stack.toml", aliased.replace("us-west-2", "eu-west-1"));
    let words = ["another region than the one in use", "us-west-2", "eu-west-1", "--allow-other-region"];
    folder.bad(&["plan"], &words);
    assert!(folder.good(&["plan", "--allow-other-region"]).out.contains("1 to create"));
}

#[test]
fn rules_of_a_group_are_written_in_one_place() {
    let inline = "ingress = [{ protocol = \"tcp\", from_port = 22, to_port = 22, cidr_blocks = [\"10.0.0.0/8\"] }]\n";
    let group = "[resource.aws_security_group.web]\nname = \"web\"\n";
    let rule = |way: &str, id: &str| {
        format!(
            "[resource.aws_vpc_security_group_{way}_rule.a]\nsecurity_group_id = \"{id}\"\nip_protocol = \"-1\"\ncidr_ipv4 = \"10.0.0.0/8\"\n"
        )
    };
    let own = "${aws_security_group.web.id}";
    let folder = folder(&cloud(), &format!("{group}{inline}{}", rule("ingress", own)));
    let words = [
        "aws_vpc_security_group_ingress_rule.a is a part of aws_security_group.web, whose own `ingress` lists all",
        "stack.toml:5:1",
        "take `ingress` out",
    ];
    folder.bad(&["plan"], &words);
    // The other way is another list.
    folder.write("stack.toml", format!("{group}{inline}{}", rule("egress", own)));
    folder.good(&["apply", "--auto-approve"]);
    // The group may also be named by its id.
    folder.write("stack.toml", format!("{group}{inline}{}", rule("ingress", &id(&folder, "aws_security_group"))));
    folder.bad(&["plan"], &words);
    folder.write("stack.toml", format!("{group}{}", rule("ingress", own)));
    folder.good(&["apply", "--auto-approve"]);
}
