//! What an import takes in is what the stack means: nothing is to be done after it.

use crate::bad_input::Folder;
use crate::support::sandbox::cloud;

const STACK: &str = r#"
[data.aws_ami.any]
most_recent = true
owners = ["amazon"]

[resource.aws_instance.web]
ami = "${data.aws_ami.any.id}"
instance_type = "t3.micro"
ebs_block_device = [
  { device_name = "/dev/sdf", volume_size = 5, delete_on_termination = false },
  { device_name = "/dev/sdg", volume_size = 6 },
]

[resource.aws_ebs_volume.data]
availability_zone = "${aws_instance.web.availability_zone}"
size = 7

[resource.aws_volume_attachment.data]
device_name = "/dev/sdh"
volume_id = "${aws_ebs_volume.data.id}"
instance_id = "${aws_instance.web.id}"

[resource.aws_eip.front]
domain = "vpc"
instance = "${aws_instance.web.id}"
associate_with_private_ip = "${aws_instance.web.private_ip}"
"#;

#[test]
fn volumes_that_stay_and_addresses_that_were_asked_for() {
    let folder = Folder::with(STACK).env(cloud().env());
    folder.good(&["apply", "--auto-approve"]);
    let ids = folder.good(&["state", "pull"]).out;
    let state: serde_json::Value = serde_json::from_str(&ids).unwrap();
    for (address, kind) in [("aws_instance.web", "aws_instance"), ("aws_eip.front", "aws_eip")] {
        let found = state["resources"].as_array().unwrap().iter().find(|r| r["type"] == kind && r["mode"] == "managed").unwrap();
        let id = found["instances"][0]["attributes"]["id"].as_str().unwrap();
        folder.good(&["state", "rm", address]);
        folder.good(&["import", address, id]);
        let said = folder.good(&["plan"]);
        assert!(said.out.contains("No changes"), "after the import of {address}:\n{}", said.out);
    }
    // What is attached by a resource of its own is no device of the instance.
    let shown = folder.good(&["state", "show", "aws_instance.web"]).out;
    assert!(shown.contains("/dev/sdf") && shown.contains("/dev/sdg") && !shown.contains("/dev/sdh"), "{shown}");
}
