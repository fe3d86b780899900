//! A rule that lets something out of a security group.

use super::group_rules::Way;
use super::security_group_rule::{Directed, Direction};

/// What is particular to the way out.
pub struct Egress;

/// A rule that lets something out.
pub type EgressRule = Directed<Egress>;

impl Direction for Egress {
    const WAY: Way = Way::Egress;
    const DOC: &'static str = " A rule of a security group that lets something out. Declare a rule here or inside the group, not both.";
    const TYPE: &'static str = "aws_vpc_security_group_egress_rule";
    const EXAMPLE: &'static str = r#"
[data.aws_vpc.net]
default = true

[resource.aws_security_group.web]
name = "web"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_vpc_security_group_egress_rule.example]
security_group_id = "${aws_security_group.web.id}"
cidr_ipv6 = "2001:db8::/32"
ip_protocol = "tcp"
from_port = 443
to_port = 443
tags = { Name = "web" }
---
[data.aws_vpc.net]
default = true

[resource.aws_security_group.web]
name = "web"
vpc_id = "${data.aws_vpc.net.id}"

[resource.aws_vpc_security_group_egress_rule.example]
security_group_id = "${aws_security_group.web.id}"
cidr_ipv6 = "::/0"
ip_protocol = "-1"
description = "everything"
tags = { Name = "www", team = "infra" }
"#;
}
