//! What the listings of EC2's types share.

use std::sync::Arc;

use aws_sdk_ec2::types::{IpPermission, OperatorResponse, Tag, Vpc};

use crate::aws::{Aws, listing};
use crate::words::failure::Outcome;
use crate::words::listed::Listed;
use crate::words::resource::Cx;

/// One of what exists, with what its tags tell.
pub(super) fn listed(id: Option<&str>, tags: &[Tag]) -> Option<Listed> {
    Some(listing::by_tags(Listed::new(id?), tags.iter().filter_map(|t| Some((t.key()?, t.value()?)))))
}

/// Whether an AWS service keeps it for somebody.
pub(super) fn operated(by: Option<&OperatorResponse>) -> bool {
    by.and_then(OperatorResponse::managed).unwrap_or(false)
}

/// All VPCs.
pub(super) async fn vpcs(cx: &Cx<'_, Aws>) -> Outcome<Arc<Vec<Vpc>>> {
    cx.reads.once("ec2:vpcs", || async { Ok(cx.cloud.ec2.describe_vpcs().into_paginator().items().send().try_collect().await?) }).await
}

/// What rules let in from anywhere, in words; none where they let in nobody.
pub(super) fn open(rules: &[IpPermission]) -> Option<String> {
    let opened: Vec<String> = rules.iter().filter_map(opens).collect();
    match opened.as_slice() {
        [] => None,
        [one] => Some(format!("open to the world: {one}")),
        [one, rest @ ..] => Some(format!("open to the world: {one} and {} more", rest.len())),
    }
}

fn opens(rule: &IpPermission) -> Option<String> {
    let v4 = rule.ip_ranges().iter().any(|r| r.cidr_ip() == Some("0.0.0.0/0"));
    let v6 = rule.ipv6_ranges().iter().any(|r| r.cidr_ipv6() == Some("::/0"));
    let protocol = rule.ip_protocol().filter(|_| v4 || v6)?;
    Some(match (protocol, rule.from_port(), rule.to_port()) {
        ("-1", ..) => "everything".to_owned(),
        (protocol, Some(from), Some(to)) if from == to => format!("{from}/{protocol}"),
        (protocol, Some(from), Some(to)) => format!("{from}-{to}/{protocol}"),
        (protocol, ..) => protocol.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_open_is_told_by_port() {
        let rule = |protocol: &str, port: i32, net: &str| {
            let range = aws_sdk_ec2::types::IpRange::builder().cidr_ip(net).build();
            IpPermission::builder().ip_protocol(protocol).from_port(port).to_port(port).ip_ranges(range).build()
        };
        let (ssh, web, office) = (rule("tcp", 22, "0.0.0.0/0"), rule("tcp", 443, "0.0.0.0/0"), rule("tcp", 22, "203.0.113.0/24"));
        assert_eq!(open(std::slice::from_ref(&ssh)).as_deref(), Some("open to the world: 22/tcp"));
        assert_eq!(open(&[ssh, office.clone(), web]).as_deref(), Some("open to the world: 22/tcp and 1 more"));
        assert_eq!(open(&[office]), None);
    }
}
