//! A rule that lets something into a security group.

use super::group_rules::Way;
use super::security_group_rule::{Directed, Direction};

/// What is particular to the way in.
pub struct Ingress;

/// A rule that lets something in.
pub type IngressRule = Directed<Ingress>;

impl Direction for Ingress {
    const WAY: Way = Way::Ingress;
    const DOC: &'static str = " A rule of a security group that lets something in. Declare a rule here or inside the group, not both.";
    const TYPE: &'static str = "aws_vpc_security_group_ingress_rule";
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.net]
default = true

[resource.aws_security_group.web]
name = "web"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_vpc_security_group_ingress_rule.example]
security_group_id = "${aws_security_group.web.id}"
cidr_ipv4 = "10.0.0.0/16"
ip_protocol = "tcp"
from_port = 80
to_port = 80
tags = { Name = "web" }
---
[data.aws_vpc.net]
default = true

[resource.aws_security_group.web]
name = "web"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_vpc_security_group_ingress_rule.example]
security_group_id = "${aws_security_group.web.id}"
cidr_ipv4 = "10.1.0.0/16"
ip_protocol = "udp"
from_port = 8000
to_port = 8080
description = "from the other network"
tags = { Name = "www", team = "infra" }
"#;
}
